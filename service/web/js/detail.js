// Everything known about one statement: scores that are buttons, sentiment, confidence, and what made the model decide.
import { api } from "./api.js";
import { bar, h, percent } from "./dom.js";
import { badge, glyph, labels, labelOf, title } from "./labels.js";
import { correct, correctionOf, stanceOf, state, statements, undo, unsure } from "./store.js";

let whyOpen = false; // stays as the person left it from statement to statement
const explained = new Map();

const KINDS = {
  fragment: "words woven into the reporter's sentence; the whole sentence was judged",
  indirect: "reported without quotation marks",
};

export function detailOf(statement, { preview = false } = {}) {
  const correction = correctionOf(statement);
  const copies = statements().filter((other) => other.words === statement.words).length;
  return [
    h("h2", { class: "detail-head" }, badge(stanceOf(statement), { uncertain: unsure(statement), corrected: Boolean(correction) })),
    h("blockquote", { class: "detail-quote" }, statement.text),
    h("p", { class: "detail-who" }, h("strong", {}, statement.speaker ?? statement.speaker_mention ?? "Speaker unknown"),
      statement.speaker && statement.speaker_mention && !statement.speaker.includes(statement.speaker_mention)
        ? `, here “${statement.speaker_mention}”` : "",
      statement.cue ? ` · ${statement.cue}` : ""),
    KINDS[statement.kind] && h("p", { class: "hint" }, `${title(statement.kind)}: ${KINDS[statement.kind]}.`),
    correction && correctedBy(statement, correction),
    confidence(statement),
    scores(statement, preview),
    copies > 1 && h("p", { class: "hint" }, statement.context ? `${copies} fragments stand in this sentence or its copies; they share their label.`
      : `The same words stand in ${copies} places; a correction holds for all of them.`),
    tone(statement),
    statement.truncated && h("p", { class: "notice" }, "Longer than the model reads: its end was not seen."),
    why(statement, preview),
  ];
}

function correctedBy(statement, correction) {
  const same = correction.label === statement.stance;
  return h("p", { class: "corrected-by" },
    same ? "Confirmed" : "Corrected", correction.who ? ` by ${correction.who}` : "", ` on ${correction.at.slice(0, 10)}. `,
    same ? "" : `The model says ${statement.stance}. `,
    h("button", { type: "button", class: "link", onclick: () => undo(statement) }, "Undo", h("kbd", {}, "u")));
}

function confidence(statement) {
  const threshold = state.card?.calibration?.threshold;
  const text = statement.uncertain
    ? `Unsure: the model gives “${statement.stance}” ${percent(statement.confidence)}, under its threshold of ${percent(threshold)}.`
    : `The model gives “${statement.stance}” ${percent(statement.confidence)}.`;
  return h("p", { class: statement.uncertain ? "confidence unsure-note" : "confidence" }, text);
}

function scores(statement, preview) {
  const now = stanceOf(statement);
  return h("div", { class: "scores", role: "group", "aria-label": "Stance scores; choose one to correct the label" },
    h("h3", {}, "Stance", h("span", { class: "hint" }, preview ? "" : "a key or a click sets the label")),
    labels().map((label) => h("button", {
      type: "button", class: `score t${labelOf(label.name).slot}`, "aria-pressed": String(label.name === now),
      "aria-keyshortcuts": label.key, onclick: () => correct(statement, label.name), dataset: { label: label.name },
    },
    h("kbd", {}, label.key), glyph(label.name), h("span", { class: "score-name" }, label.name),
    bar(statement.scores[label.name] ?? 0), h("span", { class: "figure" }, percent(statement.scores[label.name] ?? 0)))));
}

function tone(statement) {
  if (!statement.sentiment) return null;
  return h("div", { class: "tone" }, h("h3", {}, "Sentiment", h("span", { class: "hint" }, "the tone, whatever its target")),
    h("ul", {}, Object.entries(statement.sentiment.scores).map(([name, p]) =>
      h("li", { class: name === statement.sentiment.label ? "tone-row is-label" : "tone-row" },
        h("span", { class: "score-name" }, name), bar(p, "plain"), h("span", { class: "figure" }, percent(p))))));
}

function why(statement, preview) {
  const body = h("div", { class: "why-body" });
  const node = h("details", { class: "why", open: whyOpen }, h("summary", {}, "What made the model decide", h("kbd", {}, "e")), body);
  const fill = async () => {
    body.replaceChildren(h("p", { class: "hint", role: "status" }, "Leaving out words in turn…"));
    try {
      const key = `${statement.model}\n${statement.words}`;
      if (!explained.has(key)) {
        explained.set(key, await api("/explain", { json: { text: statement.context ?? statement.text, label: statement.stance }, patient: true }));
      }
      body.replaceChildren(...attributions(explained.get(key)));
    } catch (error) {
      body.replaceChildren(h("p", { class: "notice" }, error.message));
    }
  };
  node.addEventListener("toggle", () => { whyOpen = node.open; if (node.open) fill(); });
  if (whyOpen && preview) body.replaceChildren(h("p", { class: "hint" }, "Select the statement to see its words weighed."));
  return node;
}

function attributions({ label, pieces }) {
  const most = Math.max(0.2, ...pieces.map((piece) => Math.abs(piece.weight)));
  const strength = (weight) => Math.round((Math.abs(weight) / most) * 4);
  const words = (sign) => pieces.filter((piece) => piece.weight * sign > 0.1 * most)
    .sort((a, b) => sign * (b.weight - a.weight)).slice(0, 4).map((piece) => piece.text.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "")).filter(Boolean);
  const line = (name, found) => found.length > 0 && h("p", {}, h("strong", {}, `${name}: `), found.map((word) => `“${word}”`).join(", "));
  return [
    h("p", { class: "why-text" }, pieces.map(({ text, weight }) => {
      const n = strength(weight);
      if (n === 0) return text;
      const [, word, space] = /^([\s\S]*?)(\s*)$/.exec(text);
      return [h("span", { class: `w ${weight > 0 ? "for" : "against"} w${n}`, title: `${weight > 0 ? "+" : "−"}${Math.abs(weight).toFixed(2)}` }, word), space];
    })),
    line(`For ${label}`, words(1)), line("Against", words(-1)),
    h("p", { class: "hint" }, h("span", { class: "w for w3" }, "Underlined"), ` words speak for ${label}, `,
      h("span", { class: "w against w3" }, "dotted"), " ones against. The deeper, the more the score changes without them."),
  ];
}
