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

const NAMES = {
  macro_f1: "Macro-F1", accuracy: "Accuracy", ece: "Calibration error", coverage: "Share that it is sure of", covered_accuracy: "Accuracy where it is sure",
  sentiment_macro_f1: "Sentiment, macro-F1", sentiment_ece: "Sentiment, calibration error",
};

/** Whatever figures the checkpoint brings, each with its interval where there is one. */
function figures(metrics) {
  const rows = Object.entries(metrics).filter(([name, value]) => typeof value === "number" && name !== "rows" && !/_(low|high)$/.test(name));
  if (rows.length === 0) return null;
  return h("section", {}, h("h2", {}, "How good it is"), h("dl", { class: "facts-list" }, rows.map(([name, value]) => {
    const [low, high] = [metrics[`${name}_low`], metrics[`${name}_high`]];
    const label = NAMES[name] ?? name.replace(/^f1_/, "F1, ").replaceAll("_", " ");
    return [h("dt", {}, label), h("dd", { class: "figure" }, value.toFixed(3), typeof low === "number" && h("span", { class: "hint" }, ` (${low.toFixed(3)} to ${high.toFixed(3)})`))];
  })));
}

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
      fact("Measured on", metrics.rows ? `${metrics.rows.toLocaleString("en")} ${metrics.set ?? ""} rows` : ""))),
    figures(metrics),
    h("p", { class: "hint" }, "The API is described at ", h("a", { href: "/docs" }, "/docs"), ".")));
}
