// What the page knows: the model's card, the documents that were read, the corrections that hold.
import { api, base64, inParallel } from "./api.js";
import { dialog, h, toast } from "./dom.js";
import { setLabels } from "./labels.js";

export const state = { card: null, problem: null, docs: [], failed: [], corrections: new Map(), corpusRows: 0, busy: null };

const events = new EventTarget();
export const on = (name, run) => events.addEventListener(name, (event) => run(event.detail));
export const emit = (name, detail) => events.dispatchEvent(new CustomEvent(name, { detail }));

/** The words that a correction is about: marks, case and outer quotation marks do not count. */
export function wordsOf(text) {
  return text.normalize("NFC").replace(/[’‘ʼ`]/g, "'").replace(/[“”„«»]/g, '"').replace(/\s+/g, " ").trim()
    .replace(/[ ,;]+$/, "").replace(/^["']|["']$/g, "").replace(/[ ,;]+$/, "").trim().toLowerCase();
}

export const correctionOf = (statement) => state.corrections.get(statement.words) ?? null;
export const stanceOf = (statement) => correctionOf(statement)?.label ?? statement.stance;
/** A label that a person has set or confirmed is no longer uncertain. */
export const unsure = (statement) => statement.uncertain && !correctionOf(statement);
export const statements = () => state.docs.flatMap((doc) => doc.statements);
export const statementAt = (ref) => {
  const [doc, index] = String(ref).split("/");
  return state.docs.find((item) => item.id === doc)?.statements[Number(index)] ?? null;
};

export async function loadCard() {
  const card = await api("/model", { patient: true });
  state.card = card;
  setLabels(card.labels.stance);
  emit("card");
  await loadCorrections();
}

export async function loadCorrections() {
  const { corrections, corpus_rows: corpusRows } = await api("/corrections");
  state.corpusRows = corpusRows;
  state.corrections = new Map(corrections.map((item) => [wordsOf(item.context ?? item.text), item]));
  emit("corrections");
}

let docNumber = 0;
function addDocument(name, answer, meta) {
  const id = `d${(docNumber += 1)}`;
  const doc = { id, name, title: meta.title || null, date: meta.date || null, source: meta.source || null, segments: answer.segments };
  doc.statements = answer.statements.map((item, index) => ({
    ...item, doc, index, ref: `${id}/${index}`, words: wordsOf(item.context ?? item.text), model: answer.model,
  }));
  state.docs.push(doc);
  emit("docs");
  return doc;
}

export async function readText(text, meta, signal) {
  const answer = await api("/articles", { json: { text }, signal, patient: true });
  return addDocument(meta.title || firstWords(text), answer, meta);
}

function firstWords(text) {
  const line = text.trim().split(/\n/, 1)[0].trim();
  return line.length > 70 ? `${line.slice(0, 69).trimEnd()}…` : line;
}

/** Read files and label their documents, a few at a time; what fails is listed, the rest goes on. */
export async function readFiles(files) {
  if (state.busy) { toast("Files are being read already."); return []; }
  const stop = new AbortController();
  const made = [];
  state.busy = { done: 0, total: files.length, stop: () => stop.abort(new DOMException("stopped", "AbortError")) };
  emit("busy");
  const fail = (name, reason) => { state.failed.push({ name, reason }); };
  const step = () => { state.busy.done += 1; emit("busy"); };
  const label = async (found) => {
    if (found.text === null) return fail(found.name, found.problem);
    try {
      const answer = await api("/articles", { json: { text: found.text }, signal: stop.signal, patient: true });
      return made.push(addDocument(found.name, answer, found));
    } catch (error) {
      if (error.name === "AbortError") throw error;
      return fail(found.name, error.message);
    }
  };
  const jobs = files.map((file) => async () => {
    try {
      const content = await base64(file);
      const { documents } = await api("/files", { json: { name: file.webkitRelativePath || file.relative || file.name, content }, signal: stop.signal, patient: true });
      state.busy.total += documents.length - 1;
      for (const found of documents) { await label(found); step(); }
    } catch (error) {
      if (error.name === "AbortError") throw error;
      fail(file.name, error.message);
      step();
    }
  });
  try {
    await inParallel(jobs, 3);
  } catch (error) {
    if (error.name !== "AbortError") throw error;
    toast("Stopped. What was read stays.");
  } finally {
    state.busy = null;
    state.docs.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
    emit("busy");
    emit("docs");
  }
  return made;
}

export function clearDocuments() {
  state.docs = [];
  state.failed = [];
  emit("docs");
}

const NAME = "stance-analyst";
export const analyst = () => localStorage.getItem(NAME);

export async function askName() {
  const name = await dialog("Who is correcting?", (close) => {
    const field = h("input", { id: "who-field", type: "text", autocomplete: "name", maxLength: 200, value: analyst() ?? "" });
    return h("form", { onsubmit: (event) => { event.preventDefault(); close(field.value.trim()); } },
      h("p", {}, "Your name is stored with each correction, so that others can ask you about it."),
      h("label", { for: "who-field" }, "Name"), field,
      h("div", { class: "actions" }, h("button", { class: "primary" }, "Save"),
        h("button", { type: "button", onclick: () => close("") }, "Stay nameless")));
  });
  if (name !== null) localStorage.setItem(NAME, name);
  emit("analyst");
  return name;
}

/** Set a statement's label; the model's own label confirms it. Holds for the same words in every document. */
export async function correct(statement, label) {
  if (analyst() === null && (await askName()) === null) return;
  try {
    const stored = await api("/corrections", { json: {
      text: statement.text, label, who: analyst() ?? "", context: statement.context ?? null, document: statement.doc.name.slice(0, 500),
      speaker: statement.speaker?.slice(0, 500) ?? null, model: statement.model, model_label: statement.stance, model_confidence: statement.confidence,
    } });
    state.corrections.set(statement.words, stored);
    emit("corrections", statement);
    const copies = statements().filter((other) => other.words === statement.words).length;
    const what = label === statement.stance ? `Confirmed as ${label}` : `Corrected to ${label}`;
    toast(copies > 1 ? `${what}, in all ${copies} places with these words.` : `${what}.`, { label: "Undo (u)", run: () => undo(statement) });
  } catch (error) {
    toast(`Not stored: ${error.message}`);
  }
}

export async function undo(statement) {
  const correction = correctionOf(statement);
  if (correction) await withdraw(correction);
}

export async function withdraw(correction) {
  try {
    await api(`/corrections/${correction.id}?who=${encodeURIComponent(analyst() ?? "")}`, { method: "DELETE" });
    await loadCorrections();
    toast("Taken back; the trail keeps both entries.");
  } catch (error) {
    toast(`Not taken back: ${error.message}`);
  }
}
