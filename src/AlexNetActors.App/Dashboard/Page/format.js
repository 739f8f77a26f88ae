// Numbers as people read them; a dash where there is none.

const known = (value, text) => (value === null || value === undefined ? "–" : text(value));

export const loss = value => known(value, v => v.toFixed(4));
export const percent = value => known(value, v => `${(100 * v).toFixed(1)} %`);
export const count = value => known(value, v => v.toLocaleString("en"));
export const speed = value => known(value, v => v.toFixed(v < 100 ? 1 : 0));
export const rate = value => known(value, v => String(Number(v.toPrecision(4))));
export const ms = value => known(value, v => `${v.toFixed(v < 100 ? 1 : 0)} ms`);
export const memory = value => known(value, v => `${(v / 2 ** 20).toFixed(0)} MiB`);
export const clock = value => known(value, v => new Date(v).toLocaleTimeString([], { hour12: false }));

export const span = value => known(value, v => {
  const s = Math.round(v), pad = n => String(n).padStart(2, "0");
  return s >= 3600 ? `${Math.floor(s / 3600)}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}` : `${Math.floor(s / 60)}:${pad(s % 60)}`;
});

// An element with its text and children: what a person or a node has named is text, never markup.
export function element(name, options = {}, ...children) {
  const made = Object.assign(document.createElement(name), options);
  made.append(...children);
  return made;
}
