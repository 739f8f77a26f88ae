// The time line of the last steps: a lane for each tower, one for each direction of the exchanges, one for the batches.
import { ms, percent } from "./format.js";

const space = "http://www.w3.org/2000/svg";
const label = 74, lane = 18, gap = 6, head = 16;
const words = { compute: "computes", exchange: "waits for the other tower", data: "waits for its batch", command: "between answer and next command" };

// steps: oldest first; nodes: who serves batches.
export function showLanes(steps, nodes) {
  const place = document.getElementById("lanes");
  const width = place.clientWidth;
  const shown = steps.slice(width < 600 ? -1 : -3);
  if (shown.length === 0 || width <= label) return;
  const towers = shown.at(-1).lanes.map(l => l.towers);
  const rows = [...towers.map(t => `tower ${t}`), ...(towers.length === 2 ? [`${towers[0]} to ${towers[1]}`, `${towers[1]} to ${towers[0]}`] : []), "batches"];
  const total = shown.reduce((sum, s) => sum + s.ms, 0);
  const scale = (width - label - 1) / total;
  const top = row => head + row * (lane + gap);
  const svg = make("svg", { "data-scale": scale, viewBox: `0 0 ${width} ${top(rows.length)}`, height: top(rows.length), role: "img", "aria-label": `Time line of steps ${shown[0].step} to ${shown.at(-1).step}` });
  rows.forEach((name, row) => {
    svg.append(make("text", { x: 0, y: top(row) + 13 }, name), make("rect", { class: "track", x: label, y: top(row), width: width - label, height: lane }));
  });
  let begun = 0;
  for (const step of shown) {
    const group = svg.appendChild(make("g", { "data-step": step.step, "data-ms": step.ms }));
    const bar = (row, kind, from, to, what, inset = 0) => {
      const rect = group.appendChild(make("rect", {
        class: kind, x: label + scale * (begun + from), y: top(row) + inset, width: Math.max(0.6, scale * (to - from)), height: lane - 2 * inset,
        "data-row": rows[row], "data-kind": kind, "data-span": to - from,
      }));
      rect.append(make("title", {}, what));
    };
    step.lanes.forEach((l, row) => l.spans.forEach(s => bar(row, s.kind, s.from, s.to, `tower ${l.towers} ${words[s.kind]}${s.what ? ` (${s.what})` : ""}, ${ms(s.to - s.from)}`)));
    for (const c of step.crossings) {
      const row = towers.length + towers.indexOf(c.from);
      bar(row, "crossing", c.given, c.arrived, `${c.what}, from tower ${c.from}: under way for ${ms(c.arrived - c.given)}`, 3);
    }
    for (const l of step.lanes)
      for (const s of l.spans.filter(s => s.kind === "data")) bar(rows.length - 1, "data", s.from, s.to, `tower ${l.towers} waits for its batch from ${nodes.join(", ")}, ${ms(s.to - s.from)}`, 3);
    group.append(make("line", { class: "edge", x1: label + scale * begun, x2: label + scale * begun, y1: head, y2: top(rows.length) }));
    group.append(make("text", { x: label + scale * begun + 3, y: 11 }, `step ${step.step}, ${ms(step.ms)}`));
    begun += step.ms;
  }
  place.replaceChildren(svg);
}

// Where the towers' time went over the whole run, in words.
export const shares = towers => towers.map(t => {
  const all = t.computeMs + t.exchangeMs + t.dataMs;
  return `Tower ${t.towers} computed ${percent(t.computeMs / all)}, waited for the other tower ${percent(t.exchangeMs / all)}, for data ${percent(t.dataMs / all)}.`;
}).join(" ");

function make(name, attributes, text) {
  const made = document.createElementNS(space, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}
