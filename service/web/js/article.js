// One document with its statements marked: shape and colour in the text, stance and speaker beside it.
import { $, $$, h, percent, plural } from "./dom.js";
import { detailOf } from "./detail.js";
import { badge, glyph, labelOf, labels } from "./labels.js";
import { correctionOf, stanceOf, unsure } from "./store.js";

/** Segments -> paragraphs of pieces {text, statement}; blank lines part them, or single line ends where there are none. */
export function paragraphsOf(segments) {
  const whole = segments.map((segment) => segment.text).join("");
  const break_ = /\n[^\S\n]*\n/.test(whole) ? /\s*\n[^\S\n]*\n\s*/ : /\s*\n\s*/;
  const paragraphs = [[]];
  for (const { text, statement } of segments) {
    text.split(break_).forEach((part, index) => {
      if (index > 0 && paragraphs.at(-1).length > 0) paragraphs.push([]);
      if (part) paragraphs.at(-1).push({ text: part, statement });
    });
  }
  return paragraphs.filter((pieces) => pieces.some((piece) => piece.text.trim()));
}

/** A headline or crosshead: short, quotes nobody, and no sentence. */
const isHead = (pieces) => pieces.every((piece) => piece.statement === null)
  && /^.{2,110}$/.test(pieces.map((piece) => piece.text).join("").trim()) && !/[.!?:;,…]["”»']?\s*$/.test(pieces.at(-1).text);

/** The shape must not part from the first word at the end of a line. */
function opening(statement, name, text) {
  const [, word, rest] = /^(\s*\S*)([\s\S]*)$/.exec(text);
  return [h("span", { class: "opening" }, "\u2060", glyph(name), unsure(statement) && h("sup", { "aria-hidden": "true" }, "?"), word), rest];
}

export class ArticleView {
  constructor(doc, onSelect) {
    this.doc = doc;
    this.onSelect = onSelect;
    this.selected = null;
    this.panel = h("aside", { class: "detail", "aria-label": "The statement in detail" });
    this.body = h("div", { class: "article-body" });
    this.node = h("div", { class: "article" }, this.body, this.panel);
    this.draw();
    this.show(null);
  }

  draw() {
    const seen = new Set();
    this.body.replaceChildren(...paragraphsOf(this.doc.segments).map((pieces, index) => {
      if (isHead(pieces)) {
        const words = pieces.map((piece) => piece.text).join("").trim();
        if (index === 0 && words === this.doc.title) return "";
        return h("div", { class: "para" }, h(index === 0 && !this.doc.title ? "h1" : "h2", { class: "text head" }, words));
      }
      const here = [];
      const text = h("p", { class: "text" }, pieces.map((piece) => {
        if (piece.statement === null) return piece.text;
        const statement = this.doc.statements[piece.statement];
        const first = !seen.has(piece.statement);
        if (first) { seen.add(piece.statement); here.push(statement); }
        return this.mark(statement, piece.text, first);
      }));
      return h("div", { class: "para" }, text, h("div", { class: "notes" }, here.map((statement) => this.note(statement))));
    }));
    if (!$("h1", this.body)) this.body.prepend(h("h1", { class: this.doc.title ? "" : "visually-hidden" }, this.doc.title ?? this.doc.name));
  }

  mark(statement, text, first) {
    const name = stanceOf(statement);
    const node = h("span", {
      class: `q t${labelOf(name).slot}${unsure(statement) ? " unsure" : ""}`, dataset: { ref: statement.ref },
      ...(first ? { role: "button", tabIndex: 0, "aria-describedby": `note-${statement.ref}`, "aria-pressed": "false" } : {}),
    }, first ? opening(statement, name, text) : text);
    this.wire(node, statement);
    return node;
  }

  note(statement) {
    const node = h("div", { class: `note${unsure(statement) ? " unsure" : ""}`, id: `note-${statement.ref}`, dataset: { ref: statement.ref } },
      badge(stanceOf(statement), { uncertain: unsure(statement), corrected: Boolean(correctionOf(statement)) }),
      h("span", { class: "note-who" }, statement.speaker ?? statement.speaker_mention ?? "speaker unknown"),
      h("span", { class: "note-figure" }, percent(statement.confidence)));
    this.wire(node, statement);
    return node;
  }

  wire(node, statement) {
    node.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse" && this.standsAside()) this.show(statement, true); });
    node.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") this.show(this.selected); });
    node.addEventListener("click", () => this.select(statement, { focus: true }));
    node.addEventListener("focus", () => this.select(statement));
    node.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); this.select(statement); }
    });
  }

  /** Where the panel stands above the text, a preview would push the statement away from under the pointer, which ends it, and so on. */
  standsAside() {
    return getComputedStyle(this.panel).position !== "static";
  }

  select(statement, { focus = false, scroll = false } = {}) {
    if (this.selected !== statement) {
      this.selected = statement;
      this.show(statement);
      this.onSelect(statement);
    }
    for (const node of $$(".q[role=button]", this.body)) node.setAttribute("aria-pressed", String(node.dataset.ref === statement?.ref));
    const mark = statement && this.markOf(statement);
    if (focus) mark?.focus({ preventScroll: true });
    if (scroll) mark?.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  }

  markOf(statement) {
    return $(`.q[role=button][data-ref="${CSS.escape(statement.ref)}"]`, this.body);
  }

  show(statement, preview = false) {
    const shown = statement && preview && statement !== this.selected;
    for (const node of $$("[data-ref]", this.body)) node.classList.toggle("is-active", node.dataset.ref === statement?.ref);
    this.panel.classList.toggle("open", Boolean(this.selected));
    if (!statement) { this.panel.replaceChildren(...this.overview()); return; }
    this.panel.replaceChildren(
      h("button", { type: "button", class: "quiet close", "aria-label": "Close the details", onclick: () => this.select(null) }, "×"),
      ...detailOf(statement, { preview: Boolean(shown) }).filter(Boolean));
  }

  overview() {
    const { statements } = this.doc;
    const speakers = new Set(statements.map((item) => item.speaker ?? item.speaker_mention).filter(Boolean));
    if (statements.length === 0) {
      return [h("h2", {}, "No statements"), h("p", {}, "Nobody is quoted here, as far as quotation marks and speech verbs tell.")];
    }
    const doubtful = statements.filter(unsure).length;
    return [
      h("h2", {}, "In this text"),
      h("p", {}, `${plural(statements.length, "statement")} by ${plural(speakers.size, "named speaker")}`,
        doubtful ? `; ${doubtful} of them unsure.` : "."),
      h("ul", { class: "legend" }, labels().map((label) => h("li", {}, badge(label.name),
        h("span", { class: "figure" }, String(statements.filter((item) => stanceOf(item) === label.name).length))))),
      h("p", { class: "hint" }, "Point at a statement, tap it, or press ", h("kbd", {}, "j"), " and ", h("kbd", {}, "k"),
        " to go from one to the next. Then ", labels().map((label) => [h("kbd", {}, label.key), " "]), "sets its label."),
    ];
  }

  step(by) {
    const { statements } = this.doc;
    if (statements.length === 0) return;
    const marks = $$(".q[role=button]", this.body).map((node) => statements[Number(node.dataset.ref.split("/")[1])]);
    const at = this.selected ? marks.indexOf(this.selected) : by > 0 ? -1 : 0;
    this.select(marks[(at + by + marks.length) % marks.length], { focus: true, scroll: true });
  }

  /** Draw anew after a correction, the focus where it was. */
  refresh() {
    const active = document.activeElement;
    const ref = this.body.contains(active) ? active.dataset?.ref : null;
    const label = this.panel.contains(active) ? active.dataset?.label : null;
    this.draw();
    this.show(this.selected);
    for (const node of $$(".q[role=button]", this.body)) node.setAttribute("aria-pressed", String(node.dataset.ref === this.selected?.ref));
    if (ref && this.selected) this.markOf(this.selected)?.focus({ preventScroll: true });
    if (label) $(`.score[data-label="${CSS.escape(label)}"]`, this.panel)?.focus({ preventScroll: true });
  }
}
