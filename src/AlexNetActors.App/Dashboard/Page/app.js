// The page: hears the run's events and shows them. What is not known is a dash.
import * as text from "./format.js";
import { setHistory, addPoints } from "./curves.js";
import { showLanes, shares } from "./lanes.js";
import { showKernels } from "./kernels.js";
import { look } from "./study.js";

const at = id => document.getElementById(id);
const linesMax = 60;
let run = null, checkpoint = null, members = "";

const events = new EventSource("/api/events");
events.addEventListener("run", e => show(JSON.parse(e.data)));
events.addEventListener("history", e => setHistory(JSON.parse(e.data)));
events.addEventListener("points", async e => {
  if (!addPoints(JSON.parse(e.data))) setHistory(await (await fetch("/api/history")).json());
});
events.onerror = () => {
  if (!run?.over) say("the run's process has ended or cannot be reached", "bad");
};
events.onopen = () => run && show(run);

function say(line, state) {
  at("doing").textContent = line;
  at("doing").dataset.state = state;
}

function show(now) {
  run = now;
  say(run.failed ? `failed: ${run.doing}` : run.over ? `done: ${run.doing}` : run.doing, run.failed ? "bad" : run.over || run.doing === "training" ? "good" : "");
  if (!run.recipe) return;
  at("pause").textContent = run.paused ? "Go on" : "Pause after this step";
  document.title = `${run.step}/${run.stepsMax} ${run.recipe} – AlexNetActors`;
  at("recipe").textContent = `recipe ${run.recipe}, ${text.count(run.parameters)} parameters, batch ${run.batch}; ${text.count(run.records)} records of ${run.classes} classes`;
  at("folder").textContent = `run folder ${run.folder}, data set ${run.data}`;
  at("progress").value = run.stepsMax ? run.step / run.stepsMax : 0;
  showFigures();
  showAlerts();
  showMembers();
  showLines("recoveries", run.recoveries.map(recovery), "None.");
  showLines("happenings", run.happenings.map(h => [h.at, h.line]), "Nothing yet.");
  showLanes(run.lanes, run.members.filter(m => m.roles.includes("batches")).map(m => m.node));
  if (run.towers.length) at("shares").textContent = shares(run.towers);
  if (run.checkpointAt !== checkpoint) {
    checkpoint = run.checkpointAt;
    showKernels();
  }
}

function showFigures() {
  const figures = [
    ["step", text.count(run.step), `of ${text.count(run.stepsMax)}, epoch ${text.count(run.epoch)} of ${text.count(run.epochsMax)}`],
    ["training loss", text.loss(run.training?.loss), `top-1 error ${text.percent(run.training?.top1)}`],
    ["validation error", text.percent(run.validation?.top1), run.bestAt ? `best ${text.percent(run.bestError)} after ${text.count(run.bestAt)}` : ""],
    ["images/s", text.speed(run.imagesPerSecond), run.remainingSeconds ? `${text.span(run.remainingSeconds)} left` : ""],
    ["learning rate", text.rate(run.rate), ""],
    ["group", run.generation || "–", run.recoveries.length ? `${run.recoveries.length} ${run.recoveries.length > 1 ? "recoveries" : "recovery"}` : "undisturbed"],
  ];
  at("figures").replaceChildren(...figures.map(([name, value, more]) => text.element("div", {},
    text.element("dt", { textContent: name }), text.element("dd", {}, String(value), text.element("small", { textContent: more })))));
}

function showAlerts() {
  at("alerts").hidden = run.alerts.length === 0;
  at("alerts").querySelector("ul").replaceChildren(...run.alerts.map(a => text.element("li", { textContent: `${text.clock(a.at)} ${a.line}` })));
}

function showMembers() {
  const shown = JSON.stringify(run.members);
  if (shown === members || run.members.length === 0) return;
  members = shown;
  const row = (name, cells) => text.element("tr", {}, ...cells.map(c => text.element(name, { textContent: c })));
  const body = run.members.map(m => {
    const line = row("td", [m.node, m.gone ? `lost: ${m.gone}` : m.roles.join(", ") || "takes part", m.generation ?? "–", m.offers, text.memory(m.residentBytes), text.clock(m.since)]);
    line.className = m.gone ? "gone" : "";
    return line;
  });
  at("members").replaceChildren(text.element("table", {},
    text.element("thead", {}, row("th", ["node", "does", "group", "brings", "memory", "since"])), text.element("tbody", {}, ...body)));
}

const recovery = r => [r.at, `group ${r.generation} ended at step ${r.steps}: ${r.why}. ${
  r.backTo === null ? "Forming again." : `On from step ${r.backTo}${r.seconds === null ? "." : `, first new step after ${r.seconds.toFixed(1)} s.`}`}`];

function showLines(id, lines, none) {
  const items = lines.slice(-linesMax).reverse().map(([when, line]) => text.element("li", {}, text.element("time", { textContent: text.clock(when), dateTime: when }), line));
  at(id).replaceChildren(...(items.length ? items : [text.element("li", { className: "empty", textContent: none })]));
}

at("control").addEventListener("submit", e => e.preventDefault()); // Enter in the token's field orders nothing
at("pause").addEventListener("click", () => order(run?.paused ? "continue" : "pause"));
at("checkpoint").addEventListener("click", () => order("checkpoint"));
at("stop").addEventListener("click", () => order("stop"));
at("look").addEventListener("click", () => look());

async function order(name) {
  const answer = await fetch(`/api/${name}`, { method: "POST", headers: { Authorization: `Bearer ${at("token").value}` } }).catch(() => null);
  at("answer").textContent = answer ? await answer.text() : "nobody answers";
}
