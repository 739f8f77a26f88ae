// The first layer's kernels as pictures, tower A's above tower B's: figure 3 of the paper, of this run.
import { element, count } from "./format.js";

const columns = 16, border = 1;

export async function showKernels() {
  const answer = await fetch("/api/kernels");
  if (!answer.ok) return;
  const { step, size, towers } = await answer.json();
  document.getElementById("kernels").replaceChildren(...towers.map(t => element("figure", {}, draw(t, size),
    element("figcaption", { textContent: `Tower ${t.tower}: ${t.count} kernels of ${size} x ${size}, after step ${count(step)}` }))));
}

function draw({ tower, count, pixels }, size) {
  const bytes = Uint8Array.from(atob(pixels), c => c.charCodeAt(0));
  const cell = size + border, rows = Math.ceil(count / columns);
  const canvas = element("canvas", { width: Math.min(count, columns) * cell - border, height: rows * cell - border });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${count} kernels of tower ${tower}`);
  const context = canvas.getContext("2d");
  for (let k = 0; k < count; k++) {
    const image = context.createImageData(size, size);
    for (let i = 0; i < size * size; i++) {
      for (let c = 0; c < 3; c++) image.data[4 * i + c] = bytes[3 * (k * size * size + i) + c];
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, (k % columns) * cell, Math.floor(k / columns) * cell);
  }
  return canvas;
}
