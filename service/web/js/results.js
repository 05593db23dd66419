// Every statement of every document: filter, search, sort, charts, export; a click leads to the passage.
import { api } from "./api.js";
import { bySpeaker, overTime } from "./charts.js";
import { $, $$, bar, h, percent, plural, saveBlob, toast } from "./dom.js";
import { badge, byKey, labels, labelOf } from "./labels.js";
import { clearDocuments, correct, correctionOf, on, stanceOf, state, statementAt, statements, undo, unsure } from "./store.js";
import { takeFiles } from "./read.js";

const PAGE = 100;
const NEW = () => ({ text: "", stances: new Set(), speaker: "", document: "", status: "", once: false, sort: "place", down: false, page: 0 });
let filter = NEW();
let root = null;
let drawn = 0;

const speakerOf = (item) => item.speaker ?? item.speaker_mention ?? "";
const SORTS = {
  place: () => 0,
  stance: (a, b) => labelOf(stanceOf(a)).index - labelOf(stanceOf(b)).index,
  confidence: (a, b) => a.confidence - b.confidence,
  text: (a, b) => a.text.localeCompare(b.text),
  speaker: (a, b) => (speakerOf(a) || "\uffff").localeCompare(speakerOf(b) || "\uffff"),
  sentiment: (a, b) => tone(a) - tone(b),
  document: (a, b) => (a.doc.date ?? "9").localeCompare(b.doc.date ?? "9") || a.doc.name.localeCompare(b.doc.name),
};
const tone = (item) => {
  const names = Object.keys(item.sentiment?.scores ?? {});
  return names.indexOf(item.sentiment?.label);
};
const COLUMNS = [["stance", "Stance"], ["confidence", "Confidence"], ["text", "Statement"], ["speaker", "Speaker"], ["sentiment", "Sentiment"], ["document", "Document"]];
const STATUSES = [["", "All"], ["unsure", "Unsure"], ["open", "Not yet checked"], ["corrected", "Corrected or confirmed"], ["changed", "Label changed"]];

export function mount(section) {
  root = section;
  for (const name of ["docs", "corrections", "card", "busy"]) on(name, schedule);
}

export function show() { draw(); return "Results"; }

function schedule() {
  if (root.hidden || drawn) return;
  drawn = requestAnimationFrame(() => { drawn = 0; if (!root.hidden) draw(); });
}

export function matching() {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  const seen = new Set();
  const found = statements().filter((item) => {
    if (filter.stances.size && !filter.stances.has(stanceOf(item))) return false;
    if (filter.speaker && speakerOf(item) !== filter.speaker) return false;
    if (filter.document && item.doc.id !== filter.document) return false;
    const correction = correctionOf(item);
    if (filter.status === "unsure" && !unsure(item)) return false;
    if (filter.status === "open" && correction) return false;
    if (filter.status === "corrected" && !correction) return false;
    if (filter.status === "changed" && (!correction || correction.label === item.stance)) return false;
    const hay = `${item.text} ${speakerOf(item)} ${item.doc.name} ${item.doc.title ?? ""} ${item.doc.source ?? ""}`.toLowerCase();
    if (!words.every((word) => hay.includes(word))) return false;
    if (filter.once) { if (seen.has(item.words)) return false; seen.add(item.words); }
    return true;
  });
  const order = SORTS[filter.sort];
  found.sort((a, b) => (filter.down ? order(b, a) : order(a, b)));
  return found;
}

function draw() {
  if (!$(".results", root) || Boolean($(".results-empty", root)) === (state.docs.length > 0)) drawFrame();
  const busy = state.busy;
  $(".busy", root).replaceChildren(...(busy ? [
    h("p", { role: "status" }, `Reading documents: ${busy.done} of ${busy.total}`),
    h("progress", { max: busy.total, value: busy.done, "aria-label": "Documents read" }),
    h("button", { type: "button", onclick: busy.stop }, "Stop")] : []));
  $(".failed", root).replaceChildren(...(state.failed.length ? [h("details", {},
    h("summary", {}, `${plural(state.failed.length, "document")} could not be read`),
    h("ul", {}, state.failed.map((item) => h("li", {}, h("strong", {}, item.name), `: ${item.reason}`))))] : []));
  if (state.docs.length === 0) return;
  const found = matching();
  filter.page = Math.min(filter.page, Math.max(0, Math.ceil(found.length / PAGE) - 1));
  drawOptions();
  drawSummary(found);
  drawTable(found);
  $(".charts", root).replaceChildren(
    bySpeaker(found, (speaker) => { filter.speaker = filter.speaker === speaker ? "" : speaker; filter.page = 0; draw(); }, filter.speaker),
    overTime(found));
}

function drawFrame() {
  if (state.docs.length === 0) {
    const picker = h("input", { type: "file", multiple: true, class: "visually-hidden", tabIndex: -1, "aria-hidden": "true",
      onchange: () => { takeFiles([...picker.files]); picker.value = ""; } });
    root.replaceChildren(h("div", { class: "results" }, h("h1", { class: "visually-hidden" }, "Results"),
      h("div", { class: "busy" }), h("div", { class: "failed" }),
      h("div", { class: "results-empty empty" }, h("h2", {}, "No documents yet"),
        h("p", {}, "Drop files anywhere on this page, or choose them. Their statements come together here: who says what, how sure the model is, and how it changes over time."),
        h("div", { class: "actions" }, h("button", { type: "button", class: "primary", onclick: () => picker.click() }, "Choose files…"), picker,
          h("a", { class: "button", href: "#/new" }, "Paste a text")))));
    return;
  }
  const set = (name) => (event) => { filter[name] = event.target.value; filter.page = 0; draw(); };
  let wait = 0;
  const search = h("input", { type: "search", id: "search", placeholder: "Words, names, documents", value: filter.text, autocomplete: "off",
    oninput: () => { clearTimeout(wait); wait = setTimeout(() => { filter.text = search.value; filter.page = 0; draw(); }, 120); } });
  root.replaceChildren(h("div", { class: "results" },
    h("h1", { class: "visually-hidden" }, "Results"),
    h("div", { class: "busy" }), h("div", { class: "failed" }),
    h("div", { class: "summary" }),
    h("form", { class: "filters", role: "search", "aria-label": "Filter the statements", onsubmit: (event) => event.preventDefault() },
      h("div", { class: "field grow" }, h("label", { for: "search" }, "Search"), search),
      h("div", { class: "field" }, h("label", { for: "f-speaker" }, "Speaker"), h("select", { id: "f-speaker", onchange: set("speaker") })),
      h("div", { class: "field" }, h("label", { for: "f-document" }, "Document"), h("select", { id: "f-document", onchange: set("document") })),
      h("div", { class: "field" }, h("label", { for: "f-status" }, "Status"),
        h("select", { id: "f-status", onchange: set("status") }, STATUSES.map(([value, name]) => h("option", { value, selected: value === filter.status }, name)))),
      h("fieldset", { class: "chips" }, h("legend", {}, "Stance"), labels().map((label) => h("label", { class: "chip" },
        h("input", { type: "checkbox", checked: filter.stances.has(label.name), onchange: (event) => {
          filter.stances[event.target.checked ? "add" : "delete"](label.name); filter.page = 0; draw(); } }), badge(label.name)))),
      h("label", { class: "chip once" }, h("input", { type: "checkbox", checked: filter.once, onchange: (event) => { filter.once = event.target.checked; filter.page = 0; draw(); } }), h("span", {}, "same words once")),
      h("button", { type: "button", class: "link", onclick: () => { filter = NEW(); drawFrame(); draw(); } }, "Clear the filters")),
    h("details", { class: "charts-box", open: true }, h("summary", {}, "By speaker and over time"), h("div", { class: "charts" })),
    h("div", { class: "table-head" }, h("p", { class: "found", role: "status" }),
      h("div", { class: "export", role: "group", "aria-label": "Export these statements" }, h("span", {}, "Export"),
        ["csv", "xlsx", "jsonl"].map((format) => h("button", { type: "button", onclick: () => exportRows(format) }, format.toUpperCase())))),
    h("div", { class: "table-wrap" }), h("nav", { class: "pager", "aria-label": "Pages" }),
    h("p", { class: "after" }, h("button", { type: "button", class: "link", onclick: clearDocuments }, "Clear all documents"),
      h("span", { class: "hint" }, " Corrections stay."))));
}

function drawOptions() {
  const fill = (id, first, options, value) => {
    const signature = JSON.stringify(options);
    const select = $(id, root);
    if (select.dataset.signature !== signature) {
      select.dataset.signature = signature;
      select.replaceChildren(h("option", { value: "" }, first), ...options.map(([key, name]) => h("option", { value: key }, name)));
    }
    select.value = value;
  };
  const counts = new Map();
  for (const item of statements()) if (speakerOf(item)) counts.set(speakerOf(item), (counts.get(speakerOf(item)) ?? 0) + 1);
  fill("#f-speaker", "Everybody", [...counts].sort((a, b) => b[1] - a[1]).map(([name, n]) => [name, `${name} (${n})`]), filter.speaker);
  fill("#f-document", "All", state.docs.map((doc) => [doc.id, doc.title ?? doc.name]), filter.document);
}

function drawSummary(found) {
  const doubtful = found.filter(unsure).length;
  const corrected = found.filter(correctionOf).length;
  const figure = (value, name) => h("div", { class: "fact" }, h("strong", {}, value.toLocaleString("en")), h("span", {}, name));
  const share = labels().map((label) => [label.name, found.filter((item) => stanceOf(item) === label.name).length]);
  $(".summary", root).replaceChildren(
    h("div", { class: "facts" }, figure(found.length, found.length === 1 ? "statement" : "statements"),
      figure(new Set(found.map((item) => item.doc)).size, "documents"), figure(new Set(found.map(speakerOf).filter(Boolean)).size, "speakers"),
      figure(doubtful, "unsure"), figure(corrected, "checked by people")),
    h("ul", { class: "shares" }, share.map(([name, n]) => h("li", { class: `t${labelOf(name).slot}` },
      badge(name), bar(found.length ? n / found.length : 0), h("span", { class: "figure" }, `${n} · ${percent(found.length ? n / found.length : 0)}`)))));
}

function drawTable(found) {
  $(".found", root).textContent = found.length === statements().length ? plural(found.length, "statement") : `${found.length} of ${plural(statements().length, "statement")}`;
  const active = document.activeElement?.closest?.("[data-ref]")?.dataset.ref;
  const sorted = document.activeElement?.dataset?.sort;
  const rows = found.slice(filter.page * PAGE, (filter.page + 1) * PAGE);
  const copies = new Map();
  for (const item of statements()) copies.set(item.words, (copies.get(item.words) ?? 0) + 1);
  const wrap = $(".table-wrap", root);
  if (rows.length === 0) {
    wrap.replaceChildren(h("p", { class: "empty" }, statements().length ? "No statement fits these filters." : "These documents quote nobody."));
  } else {
    wrap.replaceChildren(h("table", { role: "table", class: "statements" },
      h("caption", { class: "visually-hidden" }, "Statements. Focus one and press a label's key to correct it."),
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, COLUMNS.map(([key, name]) => h("th", {
        role: "columnheader", scope: "col", class: `c-${key}`, "aria-sort": filter.sort === key ? (filter.down ? "descending" : "ascending") : "none",
      }, h("button", { type: "button", dataset: { sort: key }, onclick: () => {
        if (filter.sort === key) { if (filter.down) Object.assign(filter, { sort: "place", down: false }); else filter.down = true; } else Object.assign(filter, { sort: key, down: false });
        draw();
      } }, name, h("span", { class: "arrow", "aria-hidden": "true" }, filter.sort === key ? (filter.down ? "▾" : "▴") : "")))))),
      h("tbody", { role: "rowgroup" }, rows.map((item) => row(item, copies.get(item.words))))));
  }
  if (active) $(`tr[data-ref="${CSS.escape(active)}"] a`, wrap)?.focus({ preventScroll: true });
  if (sorted) $(`[data-sort="${sorted}"]`, wrap)?.focus({ preventScroll: true });
  const pages = Math.ceil(found.length / PAGE);
  const go = (page) => { filter.page = page; draw(); $(".table-head", root).scrollIntoView(); };
  $(".pager", root).replaceChildren(...(pages < 2 ? [] : [
    h("button", { type: "button", disabled: filter.page === 0, onclick: () => go(filter.page - 1) }, "Previous"),
    h("span", {}, `Page ${filter.page + 1} of ${pages}`),
    h("button", { type: "button", disabled: filter.page >= pages - 1, onclick: () => go(filter.page + 1) }, "Next")]));
}

function row(item, copies) {
  const cell = (key, ...children) => h("td", { role: "cell", class: `c-${key}` }, children);
  return h("tr", { role: "row", dataset: { ref: item.ref }, class: unsure(item) ? "unsure" : "" },
    cell("stance", badge(stanceOf(item), { uncertain: unsure(item), corrected: Boolean(correctionOf(item)) })),
    cell("confidence", h("span", { class: "figure" }, percent(item.confidence)), bar(item.confidence, "plain")),
    cell("text", h("div", { class: "said-line" }, h("a", { href: `#/read/${item.ref}`, class: "passage" }, item.text),
      copies > 1 && h("span", { class: "copies", title: `These words stand in ${copies} places` }, `×${copies}`))),
    cell("speaker", speakerOf(item) || h("span", { class: "hint" }, "unknown")),
    cell("sentiment", item.sentiment?.label ?? ""),
    cell("document", h("span", { class: "doc-name" }, item.doc.title ?? item.doc.name), item.doc.date && h("span", { class: "hint" }, item.doc.date)));
}

async function exportRows(format) {
  const found = matching();
  const first = new Map();
  for (const item of statements()) if (!first.has(item.words)) first.set(item.words, item);
  const id = (item) => `${item.doc.name}#${item.index + 1}`;
  const names = labels().map((label) => label.name);
  const columns = ["document", "statement", "speaker", "speaker_mention", "kind", "text", "start", "end", "spans", "stance", "confidence", ...names,
    "sentiment", "sentiment_confidence", "uncertain", "truncated", "duplicate_of", "model", "title", "date", "source",
    "corrected_stance", "corrected_by", "corrected_at"];
  const rows = found.map((item) => {
    const correction = correctionOf(item);
    return {
      document: item.doc.name, statement: id(item), speaker: item.speaker, speaker_mention: item.speaker_mention, kind: item.kind, text: item.text,
      start: item.spans[0].start, end: item.spans.at(-1).end, spans: item.spans, stance: item.stance, confidence: item.confidence, ...item.scores,
      sentiment: item.sentiment?.label ?? null, sentiment_confidence: item.sentiment?.confidence ?? null, uncertain: item.uncertain, truncated: item.truncated,
      duplicate_of: first.get(item.words) === item ? null : id(first.get(item.words)), model: item.model, title: item.doc.title, date: item.doc.date, source: item.doc.source,
      corrected_stance: correction?.label ?? null, corrected_by: correction?.who ?? null, corrected_at: correction?.at ?? null,
    };
  });
  try {
    const { blob, name } = await api("/export", { json: { format, columns, rows }, file: true });
    saveBlob(blob, name);
    toast(`${plural(rows.length, "statement")} exported as ${name}.`);
  } catch (error) {
    toast(error.code === "too_large" ? "Too many statements for one file: filter them, or use stance score." : error.message);
  }
}

/** Letters correct the statement whose row has the focus; j and k go from row to row. */
export function keydown(event) {
  if (root.hidden) return false;
  const ref = document.activeElement?.closest?.("tr[data-ref]")?.dataset.ref;
  if (event.key === "j" || event.key === "k") {
    const links = $$("a.passage", root);
    const at = links.findIndex((link) => link === document.activeElement);
    links[Math.max(0, Math.min(links.length - 1, at + (event.key === "j" ? 1 : -1)))]?.focus();
    return links.length > 0;
  }
  if (event.key === "/") { $("#search", root)?.focus(); return true; }
  const item = ref && statementAt(ref);
  if (!item) return false;
  if (event.key === "u") { undo(item); return true; }
  const label = byKey(event.key);
  if (label) { correct(item, label.name); return true; }
  return false;
}
