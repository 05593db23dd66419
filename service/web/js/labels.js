// Label set -> how each label looks (tone, shape) and which key sets it. Works for any labels of GET /model.
import { h, svg } from "./dom.js";

const KNOWN = [
  ["supportive", "support", "supports", "favor", "favour", "for", "agree", "pro", "positive", "yes"],
  ["pessimistic", "sceptical", "skeptical", "doubtful", "discuss", "mixed", "concerned"],
  ["accusatory", "against", "oppose", "opposed", "opposes", "disagree", "con", "critical", "negative", "deny", "no"],
  ["neutral", "none", "no position", "unrelated", "other", "comment", "unclear"],
];
const SHAPES = [
  "M5 1 9.5 9H.5z", // triangle up
  "M5 9 .5 1h9z", // triangle down
  "M5 .3 9.7 5 5 9.7.3 5z", // diamond
  "M5 1a4 4 0 1 0 0 8 4 4 0 0 0 0-8z", // circle
  "M1.3 1.300h7.400v7.400H1.300z", // square
  "M5 .2 6.4 3.5 9.9 3.8 7.2 6.1 8 9.6 5 7.7 2 9.6 2.8 6.1.1 3.8 3.6 3.500z", // star
  "M3.5.8h3v2.700h2.700v3H6.500v2.700h-3V6.500H.8v-3h2.700z", // cross
  "M2.6.9h4.800L9.8 5 7.4 9.100H2.600L.2 5z", // hexagon
];
const RESERVED = new Set(["j", "k", "e", "u"]);

let list = [];
let byName = new Map();

export function setLabels(names) {
  const taken = new Set();
  const keys = new Set(RESERVED);
  byName = new Map();
  list = names.map((name, index) => ({ name, index, digit: String(index + 1) }));
  for (const label of list) {
    const slot = KNOWN.findIndex((words) => words.includes(label.name.toLowerCase()));
    if (slot >= 0 && !taken.has(slot)) taken.add((label.slot = slot));
  }
  for (const label of list) {
    if (label.slot === undefined) {
      const free = [4, 5, 6, 7, 0, 1, 2, 3].find((slot) => !taken.has(slot));
      taken.add((label.slot = free ?? label.index % SHAPES.length));
    }
    const letters = [...label.name.toLowerCase()].filter((letter) => /[a-z]/.test(letter));
    label.key = letters.find((letter) => !keys.has(letter)) ?? label.digit;
    keys.add(label.key);
    byName.set(label.name, label);
  }
}

export const labels = () => list;
export const labelOf = (name) => byName.get(name) ?? { name, slot: 3, key: "", digit: "", index: -1 };
export const byKey = (key) => list.find((label) => label.key === key || (label.digit === key && label.index < 9));
export const title = (name) => name.charAt(0).toUpperCase() + name.slice(1);

export function glyph(name) {
  const { slot } = labelOf(name);
  return svg("svg", { class: `glyph t${slot}`, viewBox: "0 0 10 10", "aria-hidden": "true" }, svg("path", { d: SHAPES[slot] }));
}

/** Shape and word: the stance, never by colour alone. */
export function badge(name, { uncertain = false, corrected = false } = {}) {
  const { slot } = labelOf(name);
  return h("span", { class: `badge t${slot}${uncertain ? " unsure" : ""}` }, glyph(name), h("span", {}, name),
    uncertain && h("span", { class: "badge-note" }, "unsure"), corrected && h("span", { class: "badge-note" }, "corrected"));
}
