// Numbers as people read them; a dash where there is none.

const known = (value, text) => (value === null || value === undefined ? "–" : text(value));

export const loss = value => known(value, v => v.toFixed(4));
export const percent = value => known(value, v => `${(100 * v).toFixed(1)} %`);
export const count = value => known(value, v => v.toLocaleString("en"));
export const speed = value => known(value, v => v.toFixed(v < 100 ? 1 : 0));
export const rate = value => known(value, v => String(Number(v.toPrecision(4))));
export const ms = value => known(value, v => `${v.toFixed(v < 100 ? 1 : 0)} ms`);
export const memory = value => known(value, v => `${(v / 2 ** 20).toFixed(0)} MiB`);

// With the date, unless it was today.
export const clock = value => known(value, v => {
  const at = new Date(v), time = at.toLocaleTimeString([], { hourCycle: "h23" });
  return at.toDateString() === new Date().toDateString() ? time : `${at.toLocaleDateString()} ${time}`;
});

export const span = value => known(value, v => {
  const s = Math.round(v), pad = n => String(n).padStart(2, "0");
  return s >= 3600 ? `${Math.floor(s / 3600)}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}` : `${Math.floor(s / 60)}:${pad(s % 60)}`;
});

// Writes what is new and nothing else: what has not changed keeps its selection, and is not read out again.
export function write(place, words) {
  if (place.textContent !== words) place.textContent = words;
}

const filled = new WeakMap();

// The same for a place whose children are made of something.
export function fill(place, what, make) {
  const key = JSON.stringify(what);
  if (filled.get(place) === key) return;
  filled.set(place, key);
  place.replaceChildren(...make(what));
}

// An element with its text and children: what a person or a node has named is text, never markup.
export function element(name, options = {}, ...children) {
  const made = Object.assign(document.createElement(name), options);
  made.append(...children);
  return made;
}
