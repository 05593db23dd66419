// The card of the checkpoint that answers.
import { h, percent } from "./dom.js";
import { badge, labels } from "./labels.js";
import { on, state } from "./store.js";

let root = null;

export function mount(section) {
  root = section;
  on("card", () => { if (!root.hidden) draw(); });
}

export function show() { draw(); return "Model"; }

function draw() {
  const { card } = state;
  if (!card) {
    root.replaceChildren(h("div", { class: "empty" }, h("h1", {}, "Model"), h("p", { role: "status" }, state.problem ?? "The model is loading…")));
    return;
  }
  const fact = (name, ...value) => value.some((item) => item !== "" && item !== null && item !== undefined) && [h("dt", {}, name), h("dd", {}, value)];
  const { metrics } = card;
  root.replaceChildren(h("div", { class: "model" },
    h("header", { class: "view-head" }, h("h1", {}, card.model), card.target && h("p", { class: "lede" }, `Stance toward ${card.target}.`)),
    h("section", {}, h("h2", {}, "Labels"), h("ul", { class: "legend" }, labels().map((label) => h("li", {}, h("kbd", {}, label.key), badge(label.name)))),
      card.labels.sentiment.length > 0 && h("p", { class: "hint" }, `Sentiment: ${card.labels.sentiment.join(", ")}.`)),
    h("section", {}, h("h2", {}, "How sure is sure"), h("p", {}, "Confidences are calibrated: of the statements given 80 %, about 80 in 100 should be right. ",
      card.calibration.threshold > 0 ? `Under ${percent(card.calibration.threshold)} a statement is marked unsure.` : "No statement is marked unsure.")),
    h("section", {}, h("h2", {}, "Where it comes from"), h("dl", { class: "facts-list" },
      fact("Trained", (card.trained_at ?? "").slice(0, 10)), fact("Base", card.base.name ?? ""),
      fact("Corpus", card.corpus.name ?? "", card.corpus.rows ? `, ${card.corpus.rows.toLocaleString("en")} rows` : ""),
      fact("Runs on", card.backend),
      Object.entries(metrics).filter(([, value]) => typeof value === "number" || typeof value === "string").map(([name, value]) =>
        fact(name.replaceAll("_", " "), typeof value === "number" && !Number.isInteger(value) ? value.toFixed(3) : String(value))))),
    h("p", { class: "hint" }, "The API is described at ", h("a", { href: "/docs" }, "/docs"), ".")));
}
