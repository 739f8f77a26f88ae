// The page: hears the run's events and shows them. What is not known is a dash.
import * as text from "./format.js";
import { setHistory, addPoints } from "./curves.js";
import { showLanes, shares } from "./lanes.js";
import { showKernels } from "./kernels.js";
import { look } from "./study.js";

const at = id => document.getElementById(id);
const linesMax = 60, lanesMax = 3;
const againMs = 5000, orderMs = 10_000;
let run = null, lanes = [], checkpoint = null;
let events = null, again = 0;

const heard = {
  run: showRun,
  members: part => { Object.assign(run, part); showMembers(); },
  lines: part => { Object.assign(run, part); showAlerts(); showWhatHappened(); },
  lanes: steps => { lanes = [...lanes.filter(l => !steps.some(s => s.step === l.step)), ...steps].slice(-lanesMax); drawLanes(); },
  history: setHistory,
  points: async news => { if (!addPoints(news)) setHistory(await (await fetch("/api/history")).json()); },
};

// Who does not look needs no stream: a browser has six connections to a place, and pages in other tabs are not to take them all.
function listen() {
  clearTimeout(again);
  events?.close();
  if (document.hidden) return;
  events = new EventSource("/api/events");
  for (const [kind, hear] of Object.entries(heard)) events.addEventListener(kind, e => hear(JSON.parse(e.data)));
  events.onerror = () => {
    const refused = events.readyState === EventSource.CLOSED; // there was an answer, but no stream: it does not try again by itself
    if (refused) again = setTimeout(listen, againMs);
    if (!run?.over) say(refused ? "as many watch this run as may: this page asks again" : "the run's process has ended or cannot be reached", "bad");
  };
}

document.addEventListener("visibilitychange", listen);
new ResizeObserver(() => drawLanes()).observe(at("lanes"));
listen();

function say(line, state) {
  text.write(at("doing"), line);
  at("doing").dataset.state = state;
}

function showRun(now) {
  if (run?.folder && now.folder !== run.folder) return location.reload(); // another run is here: nothing of this one is to stay
  run = { members: [], recoveries: [], happenings: [], alerts: [], ...run, ...now };
  say(run.failed ? `failed: ${run.doing}` : run.over ? `done: ${run.doing}` : run.doing, run.failed ? "bad" : run.over || run.doing === "training" ? "good" : "");
  if (!run.recipe) return;
  text.write(at("pause"), run.paused ? "Go on" : "Pause after this step");
  document.title = `${run.step}/${run.stepsMax} ${run.recipe} – AlexNetActors`;
  text.write(at("recipe"), `recipe ${run.recipe}, ${text.count(run.parameters)} parameters, batch ${run.batch}; ${text.count(run.records)} records of ${run.classes} classes`);
  text.write(at("folder"), `run folder ${run.folder}, data set ${run.data}`);
  at("progress").value = run.stepsMax ? run.step / run.stepsMax : 0;
  showFigures();
  showWhatHappened();
  if (run.towers.length) text.write(at("shares"), shares(run.towers));
  if (run.checkpointAt !== checkpoint) {
    checkpoint = run.checkpointAt;
    showKernels();
  }
}

function drawLanes() {
  showLanes(lanes, (run?.members ?? []).filter(m => m.roles.includes("batches")).map(m => m.node));
}

function showFigures() {
  const figures = [
    ["step", text.count(run.step), `of ${text.count(run.stepsMax)}, epoch ${text.count(run.epoch)} of ${text.count(run.epochsMax)}`],
    ["training loss", text.loss(run.training?.loss), `top-1 error ${text.percent(run.training?.top1)}`],
    ["validation error", text.percent(run.validation?.top1), run.bestAt ? `best ${text.percent(run.bestError)} after ${text.count(run.bestAt)}` : ""],
    ["images/s", text.speed(run.imagesPerSecond), run.remainingSeconds ? `${text.span(run.remainingSeconds)} left` : ""],
    ["learning rate", text.rate(run.rate), ""],
    ["group", String(run.generation || "–"), run.recoveriesEver ? `${text.count(run.recoveriesEver)} ${run.recoveriesEver > 1 ? "recoveries" : "recovery"}` : "undisturbed"],
  ];
  text.fill(at("figures"), figures.map(([name]) => name), names => names.map(name =>
    text.element("div", {}, text.element("dt", { textContent: name }), text.element("dd", {}, "–", text.element("small")))));
  figures.forEach(([, value, more], i) => {
    const [number, small] = at("figures").children[i].lastChild.childNodes;
    text.write(number, value);
    text.write(small, more);
  });
}

function showAlerts() {
  at("alerts").hidden = run.alerts.length === 0;
  text.fill(at("alerts").querySelector("ul"), run.alerts, alerts => alerts.map(a => text.element("li", { textContent: `${text.clock(a.at)} ${a.line}` })));
}

function showMembers() {
  if (run.members.length === 0) return;
  const row = (name, cells) => text.element("tr", {}, ...cells.map(c => text.element(name, { textContent: c })));
  text.fill(at("members"), run.members, members => [text.element("table", {},
    text.element("thead", {}, row("th", ["node", "does", "group", "brings", "memory", "since"])),
    text.element("tbody", {}, ...members.map(m => {
      const line = row("td", [m.node, m.gone ? `lost: ${m.gone}` : m.roles.join(", ") || "takes part", m.generation ?? "–", m.offers, text.memory(m.residentBytes), text.clock(m.since)]);
      line.className = m.gone ? "gone" : "";
      return line;
    })))]);
}

function showWhatHappened() {
  showLines("recoveries", run.recoveries.map((r, i) => [r.at, recovery(r, i === run.recoveries.length - 1 && !run.over)]), "None.");
  showLines("happenings", run.happenings.map(h => [h.at, h.line]), "Nothing yet.");
}

// open: whether it may still come to a step.
function recovery(r, open) {
  const then = r.backTo === null ? (open ? "Forming again." : "The group after it did not come to train.")
    : r.seconds !== null ? `On from step ${r.backTo}, first new step after ${r.seconds.toFixed(1)} s.`
    : open ? `On from step ${r.backTo}.` : `On from step ${r.backTo}, but not to a new one.`;
  return `group ${r.generation} ended at step ${r.steps}: ${r.why}. ${then}`;
}

function showLines(id, lines, none) {
  text.fill(at(id), lines.slice(-linesMax).reverse(), shown => shown.length
    ? shown.map(([when, line]) => text.element("li", {}, text.element("time", { textContent: text.clock(when), dateTime: when }), line))
    : [text.element("li", { className: "empty", textContent: none })]);
}

at("control").addEventListener("submit", e => e.preventDefault()); // Enter in the token's field orders nothing
at("pause").addEventListener("click", () => order(run?.paused ? "continue" : "pause"));
at("checkpoint").addEventListener("click", () => order("checkpoint"));
at("stop").addEventListener("click", () => order("stop"));
at("look").addEventListener("click", () => look());

async function order(name) {
  const answer = await fetch(`/api/${name}`, { method: "POST", headers: { Authorization: `Bearer ${at("token").value}` }, signal: AbortSignal.timeout(orderMs) }).catch(e => e);
  text.write(at("answer"), answer instanceof Response ? await answer.text() : answer.name === "TimeoutError" ? `no answer within ${orderMs / 1000} s; are six windows open at this page?` : "nobody answers");
}
