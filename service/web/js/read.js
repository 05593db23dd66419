// The reading view: a form to paste into, or the document that was read.
import { ArticleView } from "./article.js";
import { $, h, plural, toast } from "./dom.js";
import { byKey } from "./labels.js";
import { correct, on, readFiles, readText, state, undo } from "./store.js";

const EXAMPLE = `Envoys Return Without a Date

The presidents' envoys left the lakeside talks on Thursday without naming a day for the next round.

“What was understood in Anchorage still holds, and we are working on that footing,” the foreign ministry’s spokeswoman, Irina Velskaya, told reporters. “Nobody on our side has given it up.”

Markus Adler, who advises the chancellery in Berlin, was less hopeful. “There was goodwill in Alaska, but very little of it is left,” he said. He called the process “stalled”.

In the capital, the head of the parliament’s defence committee, Oksana Hrytsenko, blamed the other side: “They use every meeting to win time, and then they shell our towns again.”

A White House official said the delegations would speak by telephone. “The next call is not scheduled yet,” the official said.`;

let view = null; // the ArticleView that is shown
let shownDoc = null;
let root = null;
let pending = null;

export const current = () => view;

export function mount(section) {
  root = section;
  on("corrections", () => view?.refresh());
  on("docs", () => { if (view && !state.docs.includes(view.doc)) { view = null; shownDoc = null; } else if (view) updateSwitcher(); });
}

export function show([docId, index], isNew) {
  const doc = isNew ? null : state.docs.find((item) => item.id === docId) ?? (docId ? null : shownDoc ?? state.docs[0]);
  if (!doc) { shownDoc = isNew ? shownDoc : null; view = null; drawForm(); return "Read"; }
  if (view?.doc !== doc || !root.contains(view.node)) drawDocument(doc);
  if (index !== undefined) {
    const statement = doc.statements[Number(index)];
    if (statement && view.selected !== statement) view.select(statement, { focus: true, scroll: true });
  }
  return doc.title ?? doc.name;
}

function drawForm() {
  const text = h("textarea", { id: "paste", rows: 12, spellcheck: "false", placeholder: "Paste an article, a transcript or a single quote", "aria-describedby": "paste-hint" });
  const name = h("input", { id: "meta-title", type: "text", maxLength: 300, autocomplete: "off" });
  const source = h("input", { id: "meta-source", type: "text", maxLength: 200, autocomplete: "off" });
  const date = h("input", { id: "meta-date", type: "date" });
  const problem = h("p", { class: "notice problem", role: "alert", hidden: true });
  const go = h("button", { class: "primary" }, "Find the statements");
  const picker = h("input", { type: "file", multiple: true, id: "picker", class: "visually-hidden", tabIndex: -1, "aria-hidden": "true",
    onchange: () => { takeFiles([...picker.files]); picker.value = ""; } });
  const submit = async (event) => {
    event.preventDefault();
    problem.hidden = true;
    if (!text.value.trim()) { problem.textContent = "There is nothing to read yet: paste some text."; problem.hidden = false; text.focus(); return; }
    pending?.abort();
    pending = new AbortController();
    go.disabled = true;
    form.setAttribute("aria-busy", "true");
    go.textContent = state.card ? "Reading…" : "Waiting for the model…";
    try {
      const doc = await readText(text.value, { title: name.value.trim(), source: source.value.trim(), date: date.value }, pending.signal);
      location.hash = `#/read/${doc.id}`;
    } catch (error) {
      if (error.name !== "AbortError") { problem.textContent = error.message; problem.hidden = false; }
    } finally {
      go.disabled = false;
      form.removeAttribute("aria-busy");
      go.textContent = "Find the statements";
    }
  };
  text.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(); });
  const form = h("form", { class: "paste", onsubmit: submit },
    h("label", { for: "paste", class: "visually-hidden" }, "Text"), text,
    h("p", { id: "paste-hint", class: "hint" }, "Quotes are found by their quotation marks and speech verbs. Nothing leaves this service."),
    h("details", { class: "meta" }, h("summary", {}, "Title, source and date"),
      h("div", { class: "meta-fields" },
        h("div", {}, h("label", { for: "meta-title" }, "Title"), name),
        h("div", {}, h("label", { for: "meta-source" }, "Source"), source),
        h("div", {}, h("label", { for: "meta-date" }, "Published"), date))),
    problem,
    h("div", { class: "actions" }, go,
      h("button", { type: "button", onclick: () => picker.click() }, "Choose files…"), picker,
      h("button", { type: "button", class: "link", onclick: () => { text.value = EXAMPLE; text.focus(); text.setSelectionRange(0, 0); text.scrollTop = 0; } }, "Try an example")));
  root.replaceChildren(h("div", { class: "start" },
    h("h1", {}, "Who says what, and where they stand"),
    h("p", { class: "lede" }, "Paste a news text, or drop files anywhere on this page: text, Markdown, HTML, PDF, Word, tables of articles, or a zip of them."),
    form));
  if (matchMedia("(min-width: 50rem)").matches) text.focus({ preventScroll: true });
}

function drawDocument(doc) {
  shownDoc = doc;
  view = new ArticleView(doc, (statement) => {
    const hash = statement ? `#/read/${statement.ref}` : `#/read/${doc.id}`;
    if (location.hash !== hash) history.replaceState(null, "", hash);
  });
  const facts = [doc.source, doc.date, doc.name !== doc.title && /\.\w{2,5}$/.test(doc.name) ? doc.name : null].filter(Boolean).join(" · ");
  root.replaceChildren(
    h("div", { class: "doc-bar" }, h("nav", { class: "switcher", "aria-label": "Documents" }), h("p", { class: "hint facts-line" }, facts),
      h("button", { type: "button", onclick: () => { location.hash = "#/new"; } }, "New text")),
    view.node);
  updateSwitcher();
}

function updateSwitcher() {
  const box = $(".switcher", root);
  if (!box) return;
  if (state.docs.length < 2) { box.replaceChildren(); return; }
  const at = state.docs.indexOf(view.doc);
  const go = (index) => { location.hash = `#/read/${state.docs[index].id}`; };
  const choice = h("select", { id: "doc-choice", onchange: () => go(choice.selectedIndex) },
    state.docs.map((doc, index) => h("option", { selected: index === at }, `${doc.title ?? doc.name} (${doc.statements.length})`)));
  box.replaceChildren(
    h("button", { type: "button", "aria-label": "Previous document", disabled: at === 0, onclick: () => go(at - 1) }, "‹"),
    h("label", { for: "doc-choice", class: "visually-hidden" }, "Document"), choice,
    h("button", { type: "button", "aria-label": "Next document", disabled: at === state.docs.length - 1, onclick: () => go(at + 1) }, "›"),
    h("span", { class: "hint" }, `${at + 1} of ${state.docs.length}`));
}

export async function takeFiles(files) {
  if (files.length === 0) return;
  const before = state.failed.length;
  location.hash = "#/results";
  const made = await readFiles(files);
  const failed = state.failed.length - before;
  if (made.length || failed) toast(`${plural(made.length, "document")} read${failed ? `, ${failed} could not be` : ""}.`);
}

/** Letters are commands while a statement is selected and nobody is writing. */
export function keydown(event) {
  if (!view || !root.contains(view.node) || root.hidden) return false;
  if (event.key === "j" || event.key === "k") { view.step(event.key === "j" ? 1 : -1); return true; }
  if (!view.selected) return false;
  if (event.key === "Escape") { view.select(null); return true; }
  if (event.key === "u") { undo(view.selected); return true; }
  if (event.key === "e") { const why = $(".why", view.panel); if (why) why.open = !why.open; return true; }
  const label = byKey(event.key);
  if (label) { correct(view.selected, label.name); return true; }
  return false;
}
