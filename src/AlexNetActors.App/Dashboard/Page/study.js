// What the newest checkpoint's network makes of validation pictures: the confusion matrix, and the sheet of the paper's figure 4.
import { element, count, percent, write } from "./format.js";

const at = id => document.getElementById(id);
const waitMs = 1000;

export const look = () => follow("POST");
follow("GET"); // somebody may have looked before

async function follow(method) {
  at("look").disabled = true;
  let answer = await ask(method);
  while (answer?.busy) {
    write(at("looking"), answer.said);
    await new Promise(done => setTimeout(done, waitMs));
    answer = await ask("GET");
  }
  write(at("looking"), answer === null ? "nobody answers" : [answer.said, answer.study ? words(answer.study) : ""].join(" ").trim());
  if (answer?.study) show(answer.study, answer.classesMax);
  at("look").disabled = false;
}

function ask(method) {
  return fetch("/api/study", { method }).then(a => a.json()).catch(() => null);
}

const words = s => `After step ${count(s.step)}: ${count(s.images)} validation pictures; the nearest of ${count(s.trainingImages)} training pictures by what the last layer sees.`;

function show(study, classesMax) {
  at("matrix").tabIndex = 0; // it may be wider than the page
  const said = textContent => element("p", { className: "muted", textContent });
  at("matrix").replaceChildren(...(study.confusion
    ? [said("Each row is a class, each column what its pictures were taken for."), matrix(study)]
    : [said(`There is no confusion matrix of ${count(study.classes.length)} classes: it is drawn for up to ${classesMax}.`)]));
  at("sheet").replaceChildren(...study.sheet.map(picture));
}

// A row for each class, a column for each guess; the darker, the greater the share of the row.
function matrix({ classes, confusion }) {
  const cell = (label, guess, all) => {
    const pictures = confusion[label][guess];
    const made = element("td", { textContent: pictures || "", title: `${classes[label]} taken for ${classes[guess]}: ${pictures} of ${all}`, className: label === guess ? "right" : "" });
    if (pictures) made.style.background = `color-mix(in srgb, var(${label === guess ? "--good" : "--exchange"}) ${Math.round(10 + 50 * pictures / all)}%, var(--card))`;
    return made;
  };
  return element("table", {},
    element("thead", {}, element("tr", {}, element("th"), ...classes.map(c => element("th", { textContent: c, scope: "col" })))),
    element("tbody", {}, ...classes.map((c, label) => {
      const all = confusion[label].reduce((sum, n) => sum + n, 0);
      return element("tr", {}, element("th", { textContent: c, scope: "row" }), ...classes.map((_, guess) => cell(label, guess, all)));
    })));
}

const image = (name, what) => element("img", { src: `/api/picture/${name}`, alt: what, title: what, loading: "lazy" });

const picture = s => element("figure", {},
  element("figcaption", { textContent: s.class }),
  element("div", { className: "seen" }, image(s.picture, s.class),
    element("ol", {}, ...s.guesses.map(g => element("li", { className: g.class === s.class ? "right" : "" },
      element("meter", { value: g.probability, ariaHidden: "true" }), element("span", { textContent: g.class }), element("span", { textContent: percent(g.probability) }))))),
  element("ol", { className: "near", ariaLabel: "Nearest training pictures" }, ...s.nearest.map(n => element("li", {}, image(n.picture, n.class), n.class))));
