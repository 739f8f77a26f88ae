// The curves of the run: loss, errors and throughput, with the steps of the learning rate marked. Drawn by uPlot, in the page's colours.
import { loss, percent, speed, rate } from "./format.js";

const colour = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const half = 230;

let history = null;
let charts = [];

export function setHistory(now) {
  history = now;
  show();
}

// What has come since; false when it does not continue what is here.
export function addPoints(news) {
  if (!history || history.version !== news.version || history.step.length !== news.from) return false;
  for (const column of ["step", "loss", "top1", "top5", "imagesPerSecond"]) history[column].push(...news[column]);
  history.validations = news.validations ?? history.validations;
  history.rates = news.rates ?? history.rates;
  show();
  return true;
}

const kinds = [
  {
    id: "loss", text: loss, title: "Loss of training and validation over the steps",
    series: [["training", "training"], ["validation", "validation", true]],
    data: h => uPlot.join([[h.step, h.loss], [h.validations.map(v => v.steps), h.validations.map(v => v.loss)]]),
  },
  {
    id: "errors", text: percent, title: "Errors of training and validation over the steps",
    series: [["training top-1", "training"], ["training top-5", "third", false, true], ["validation top-1", "validation", true], ["validation top-5", "rate", true, true]],
    data: h => uPlot.join([[h.step, h.top1, h.top5], [h.validations.map(v => v.steps), h.validations.map(v => v.top1), h.validations.map(v => v.top5)]]),
  },
  {
    id: "speed", text: speed, fromZero: true, title: "Images a second over the steps",
    series: [["images/s", "training"], ["median of the run", "validation"]],
    data: h => [h.step, h.imagesPerSecond, Array(h.step.length).fill(share(0.5))],
  },
];

// The speed that this share of the steps stays below.
function share(of) {
  const sorted = history.imagesPerSecond.filter(v => v !== null).sort((a, b) => a - b);
  return sorted[Math.floor(of * (sorted.length - 1))] ?? null;
}

function show() {
  if (!history || history.step.length === 0) return;
  if (charts.length === 0) charts = kinds.map(make);
  else charts.forEach((chart, i) => chart.setData(kinds[i].data(history)));
}

function make(kind) {
  const place = document.getElementById(kind.id);
  place.replaceChildren();
  const axis = { stroke: colour("muted"), grid: { stroke: colour("grid"), width: 1 }, ticks: { stroke: colour("grid") }, font: "11px system-ui" };
  const options = {
    width: place.clientWidth, height: half,
    scales: { x: { time: false }, y: kind.fromZero ? { range: fromZero } : {} },
    axes: [{ ...axis, size: 34 }, { ...axis, size: 58, values: (_, ticks) => ticks.map(t => (kind.text === percent ? `${Math.round(100 * t)} %` : String(t))) }],
    series: [{ label: "step" }, ...kind.series.map(([label, name, seldom, dashed]) => ({
      label, stroke: colour(name), width: 1.5, dash: dashed ? [6, 4] : undefined, spanGaps: true, points: { show: seldom === true, size: 5 }, value: (_, v) => kind.text(v),
    }))],
    hooks: { draw: [markRates], setSeries: [press] },
    cursor: { points: { size: 6 } },
    legend: { markers: { dash: (chart, i) => (chart.series[i].dash ? "dashed" : "solid") } },
  };
  const chart = new uPlot(options, kind.data(history), place);
  chart.ctx.canvas.setAttribute("role", "img");
  chart.ctx.canvas.setAttribute("aria-label", kind.title);
  chart.root.querySelector(".u-legend").setAttribute("role", "presentation"); // no table: buttons with their values
  switches(chart).forEach(toggle => {
    [toggle.tabIndex, toggle.role] = [0, "button"];
    toggle.addEventListener("keydown", e => {
      if (e.key !== "Enter" && e.key !== " ") return;
      e.preventDefault();
      toggle.click();
    });
  });
  press(chart);
  return chart;
}

// What shows and hides a curve: its name in the legend; the first row is the step.
const switches = chart => [...chart.root.querySelectorAll(".u-series th")].slice(1);

const press = chart => switches(chart).forEach((toggle, i) => { toggle.ariaPressed = String(chart.series[i + 1].show); });

// A step that was heard of late makes the next one look fast: a few of them are not to flatten the curve.
const fromZero = () => [0, 1.25 * (share(0.98) || 1)];

// A dashed line where the learning rate fell.
function markRates(chart) {
  const { ctx, bbox } = chart;
  const ratio = window.devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour("rate");
  ctx.setLineDash([4 * ratio, 4 * ratio]);
  ctx.font = `${11 * ratio}px system-ui`;
  ctx.textAlign = "left";
  ctx.textBaseline = "top";
  history.rates.forEach((change, i) => {
    const x = Math.max(bbox.left, chart.valToPos(change.steps, "x", true));
    if (x > bbox.left + bbox.width) return;
    if (i > 0) {
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.fillText(`rate ${rate(change.rate)}`, x + 4 * ratio, bbox.top + 2 * ratio);
  });
  ctx.restore();
}

function again() {
  charts.forEach(c => c.destroy());
  charts = [];
  show();
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
new ResizeObserver(() => charts.forEach((chart, i) => {
  const width = document.getElementById(kinds[i].id).clientWidth;
  if (width && width !== chart.width) chart.setSize({ width, height: half });
})).observe(document.getElementById("main"));
