// What people said the labels should be, the trail of it, the labelled CSV, and the retrain from it.
import { api } from "./api.js";
import { h, percent, plural, saveBlob, toast } from "./dom.js";
import { badge, labels } from "./labels.js";
import { retrainPanel } from "./retrain.js";
import { analyst, askName, on, state, withdraw } from "./store.js";

let root = null;
let wholeTrail = null;
let panel = null;

export function mount(section) {
  root = section;
  for (const name of ["corrections", "analyst", "card"]) on(name, () => { if (!root.hidden) { if (wholeTrail) loadTrail(); else draw(); } });
}

export function show() { wholeTrail = null; draw(); return "Corrections"; }

async function loadTrail() {
  try {
    wholeTrail = (await api("/corrections?trail=true")).corrections;
  } catch (error) {
    wholeTrail = null;
    toast(error.message);
  }
  draw();
}

function draw() {
  const held = [...state.corrections.values()].sort((a, b) => b.id - a.id);
  const changed = held.filter((item) => item.label !== item.model_label).length;
  panel ??= retrainPanel();
  root.replaceChildren(h("div", { class: "corrections" },
    h("header", { class: "view-head" }, h("h1", {}, "Corrections"),
      h("p", { class: "lede" }, held.length ? `${plural(held.length, "statement")} checked by people: ${changed} corrected, ${held.length - changed} confirmed.` : "Nothing has been corrected yet."),
      h("p", { class: "hint" }, "You correct as ", h("strong", {}, analyst() || "nobody in particular"), ". ", h("button", { type: "button", class: "link", onclick: askName }, analyst() ? "Change the name" : "Give your name"))),
    held.length === 0 && !wholeTrail ? h("div", { class: "empty" },
      h("p", {}, "Select a statement in a text or in the results, and press a label's key:"),
      h("ul", { class: "legend" }, labels().map((label) => h("li", {}, h("kbd", {}, label.key), badge(label.name)))),
      h("p", { class: "hint" }, "Pressing the key of the label that is there confirms it. Both are worth keeping: they teach the next model.")) : null,
    held.length > 0 && h("ul", { class: "shares by-label" }, labels().map((label) => h("li", {}, badge(label.name), h("span", { class: "figure" }, String(held.filter((item) => item.label === label.name).length))))),
    panel.node,
    (held.length > 0 || wholeTrail) && h("div", { class: "table-head" },
      h("div", { class: "tabs", role: "group", "aria-label": "What is listed" },
        h("button", { type: "button", "aria-pressed": String(!wholeTrail), onclick: () => { wholeTrail = null; draw(); } }, "In force"),
        h("button", { type: "button", "aria-pressed": String(Boolean(wholeTrail)), onclick: loadTrail }, "Audit trail")),
      h("div", { class: "export" }, h("button", { type: "button", onclick: download, disabled: held.length === 0 }, "Labelled CSV"))),
    (held.length > 0 || wholeTrail) && table(wholeTrail ?? held, Boolean(wholeTrail))));
  panel.update();
}

async function download() {
  try {
    const { blob, name } = await api("/corrections/labelled.csv", { file: true });
    saveBlob(blob, name);
  } catch (error) {
    toast(error.message);
  }
}

function table(items, trail) {
  const cell = (key, ...children) => h("td", { role: "cell", class: `c-${key}` }, children);
  const heads = ["Label", "Statement", "The model said", "Speaker", "By", "When", ...(trail ? [] : [""])];
  return h("table", { role: "table", class: "statements trail" }, h("caption", { class: "visually-hidden" }, trail ? "Every correction ever made, newest first" : "Corrections in force, newest first"),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, heads.map((name) => h("th", { role: "columnheader", scope: "col" }, name || h("span", { class: "visually-hidden" }, "Actions"))))),
    h("tbody", { role: "rowgroup" }, items.map((item) => h("tr", { role: "row" },
      cell("stance", item.label === null ? h("span", { class: "hint" }, "taken back") : badge(item.label)),
      cell("text", h("span", { class: "said" }, item.text), item.document && h("span", { class: "hint" }, item.document)),
      cell("model", item.model_label ? [item.model_label === item.label ? "the same" : item.model_label, item.model_confidence === null ? "" : `, ${percent(item.model_confidence)}`] : ""),
      cell("speaker", item.speaker ?? ""), cell("who", item.who || h("span", { class: "hint" }, "nameless")),
      cell("when", h("time", { datetime: item.at }, item.at.slice(0, 16).replace("T", " "))),
      trail ? null : cell("actions", h("button", { type: "button", "aria-label": `Take back: ${item.text.slice(0, 60)}`, onclick: () => withdraw(item) }, "Take back"))))));
}
