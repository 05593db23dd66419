// Retrain from the corrections: start, progress, the comparison old against new, promotion.
import { api } from "./api.js";
import { bar, dialog, h, plural, saveBlob, toast } from "./dom.js";
import { badge } from "./labels.js";
import { loadCard, state } from "./store.js";

const JOB = "stance-training";
const EVERY_MS = 1000;
const STAGES = { train: "Training", calibrate: "Calibrating", evaluate: "Measuring", report: "Writing the report", write: "Writing", compile: "Compiling" };
const CHANGES = 30;

export function retrainPanel() {
  const body = h("div", { class: "retrain-body" });
  const node = h("section", { class: "retrain", "aria-labelledby": "retrain-title" }, h("h2", { id: "retrain-title" }, "Retrain"), body);
  let job = null;
  let shown = ""; // what is drawn, so that a redraw of the view leaves the panel and its focus alone
  let timer = 0;
  const chosen = { data: "", base: "" }; // survives a redraw: the view is drawn again when the corrections arrive
  const keep = (list, name) => {
    if ([...list.options].some((option) => option.value === chosen[name])) list.value = chosen[name];
    list.onchange = () => { chosen[name] = list.value; };
  };

  const draw = (name, ...children) => { shown = name; body.replaceChildren(...children.flat(Infinity).filter(Boolean)); };
  const failed = (error) => draw("error", h("p", { class: "notice", role: "alert" }, error.code === "forbidden"
    ? "Retraining is closed on this service: whoever runs it must give an administrator’s key first (STANCE_ADMIN_KEYS)." : error.message),
  h("div", { class: "actions" }, h("button", { type: "button", onclick: idle }, "Back")));

  function idle() {
    forget();
    const held = state.corrections.size;
    const corpus = state.corpusRows;
    const data = h("select", { id: "retrain-data" },
      corpus > 0 && h("option", { value: "corpus" }, `the corrections and a part of the corpus that ships (${plural(corpus, "row")})`),
      h("option", { value: "alone" }, "the corrections alone"));
    const base = h("select", { id: "retrain-base" });
    const bases = () => {
      const served = h("option", { value: state.card?.model ?? "" }, `the served model (${state.card?.model ?? ""})`);
      const fresh = h("option", { value: "minilm" }, "the base encoder (MiniLM)");
      base.replaceChildren(...(data.value === "alone" ? [served, fresh] : [fresh, served]));
      keep(base, "base");
      hint.textContent = data.value === "alone" ? "Quick. With few corrections the new model may know less than the old one; the comparison will tell."
        : "Takes minutes to an hour on a laptop. The service goes on answering meanwhile.";
    };
    const hint = h("p", { class: "hint" });
    keep(data, "data");
    data.addEventListener("change", bases);
    bases();
    draw("idle",
      h("p", {}, held ? "Train a new model from what people corrected, compare it with the one that serves, and promote it only if it is not worse."
        : "Once some labels are corrected, a new model can be trained from them here."),
      h("form", { class: "retrain-form", onsubmit: (event) => { event.preventDefault(); start(data.value, base.value); } },
        h("div", { class: "field" }, h("label", { for: "retrain-data" }, "Train on"), data),
        h("div", { class: "field" }, h("label", { for: "retrain-base" }, "Starting from"), base),
        h("button", { class: "primary", disabled: held === 0 }, "Retrain")), hint);
  }

  function forget() {
    clearTimeout(timer);
    job = null;
    localStorage.removeItem(JOB);
  }

  async function start(data, base) {
    draw("starting", h("p", { role: "status" }, "Starting…"));
    try {
      const { blob } = await api(`/corrections/labelled.csv${data === "corpus" ? "?corpus=true" : ""}`, { file: true });
      const query = new URLSearchParams({ base, target: state.card.target });
      job = await api(`/training?${query}`, { method: "POST", body: blob, type: "text/csv", admin: true });
      localStorage.setItem(JOB, job.id);
      follow();
    } catch (error) { failed(error); }
  }

  function follow() {
    if (job.state === "running") { running(); timer = setTimeout(poll, EVERY_MS); }
    else if (job.state === "done") done();
    else broken();
  }

  async function poll() {
    if (!job) return;
    try {
      job = await api(`/training/${job.id}`, { admin: true, patient: true });
      follow();
    } catch (error) {
      if (error.status === 404) idle(); else failed(error);
    }
  }

  function running() {
    const { stage, step = 0, steps = 0, loss, seconds_left: left } = job.progress;
    const facts = [steps > 0 && `step ${step} of ${steps}`, typeof loss === "number" && `loss ${loss.toFixed(3)}`, left > 0 && `about ${minutes(left)} left`];
    draw("running", h("p", { role: "status" }, `${STAGES[stage] ?? "Preparing"}…`),
      h("progress", steps > 0 ? { max: steps, value: step, "aria-label": "Training" } : { "aria-label": "Training" }),
      h("p", { class: "hint" }, facts.filter(Boolean).join(" · ") || "Reading the rows and the base model."));
  }

  function broken() {
    draw("broken", h("p", { class: "notice", role: "alert" }, "The training did not end well:"),
      h("ul", { class: "problems" }, job.problems.slice(0, 20).map((line) => h("li", {}, line.replace(/^\S*\/(?=data\.)/, "")))),
      job.problems.length > 20 && h("p", { class: "hint" }, `and ${job.problems.length - 20} more`),
      h("div", { class: "actions" }, h("button", { type: "button", onclick: idle }, "Back")));
  }

  async function done() {
    draw("comparing", h("p", { role: "status" }, `${job.checkpoint} is trained. Comparing it with ${state.card?.model ?? "the served model"}…`), h("progress", { "aria-label": "Comparing" }));
    try {
      if (state.card && job.checkpoint === state.card.model) { promoted(job.checkpoint); return; }
      compared(await api(`/training/${job.id}/comparison`, { admin: true }));
    } catch (error) {
      if (error.code === "not_comparable") uncompared(error.message); else failed(error);
    }
  }

  const report = () => h("button", { type: "button", onclick: async () => {
    try {
      const { blob } = await api(job.report, { admin: true, file: true });
      saveBlob(blob, `${job.checkpoint}-report.html`);
    } catch (error) { toast(error.message); }
  } }, "Save its report");

  function compared(found) {
    const difference = found.new_macro_f1 - found.old_macro_f1;
    const row = (name, id, value) => h("tr", {}, h("th", { scope: "row" }, name, h("span", { class: "hint" }, id)),
      h("td", {}, bar(value, "plain")), h("td", { class: "figure" }, value.toFixed(3)));
    const count = (verdict) => found.changes.filter((change) => change.verdict === verdict).length;
    draw("compared",
      h("p", { class: "verdict" }, h("strong", {}, found.acceptable ? "Not worse: it may be promoted." : "Worse than the one that serves.")),
      h("table", { class: "versus" }, h("caption", {}, `Macro-F1 on ${plural(found.rows, "labelled row")} that neither was trained on`),
        h("tbody", {}, row("Serves now", found.old, found.old_macro_f1), row("New", found.new, found.new_macro_f1))),
      h("p", {}, `Difference ${signed(difference)}; with 95 % certainty between ${signed(found.difference_low)} and ${signed(found.difference_high)}.`),
      h("p", {}, `${plural(found.changes.length, "statement")} change their label: ${count("fixed")} put right, ${count("broken")} made wrong, ${count("other")} wrong either way.`),
      found.changes.length > 0 && h("details", { class: "changes" }, h("summary", {}, "The statements that change"), changes(found.changes)),
      h("div", { class: "actions" },
        found.acceptable ? h("button", { type: "button", class: "primary", onclick: () => promote(false) }, "Promote the new model")
          : h("button", { type: "button", onclick: force }, "Promote it all the same…"),
        report(), h("button", { type: "button", onclick: idle }, "Leave it")));
  }

  function uncompared(reason) {
    const figure = job.metrics.macro_f1;
    draw("uncompared", h("p", { class: "notice" }, `It cannot be compared with the model that serves: ${reason}`),
      typeof figure === "number" && h("p", {}, `On ${job.metrics.set ?? "held-out"} rows of its own it reaches macro-F1 ${figure.toFixed(3)}.`),
      h("div", { class: "actions" }, h("button", { type: "button", onclick: force }, "Promote it all the same…"), report(), h("button", { type: "button", onclick: idle }, "Leave it")));
  }

  async function force() {
    const sure = await dialog("Promote it all the same?", (close) => h("div", {},
      h("p", {}, "It did not pass the comparison. The present model is kept, and stance rollback brings it back."),
      h("div", { class: "actions" }, h("button", { type: "button", class: "primary", onclick: () => close(true) }, "Promote"),
        h("button", { type: "button", onclick: () => close(false) }, "Cancel"))));
    if (sure) promote(true);
  }

  async function promote(forced) {
    draw("promoting", h("p", { role: "status" }, "Loading the new model beside the old one…"), h("progress", { "aria-label": "Promoting" }));
    try {
      const { model } = await api(`/training/${job.id}/promotion`, { json: { force: forced }, admin: true });
      await loadCard();
      promoted(model);
    } catch (error) { failed(error); }
  }

  function promoted(model) {
    localStorage.removeItem(JOB);
    draw("promoted", h("p", { role: "status" }, h("strong", {}, model), " serves from now on. Documents that are open keep the labels they were given; read them again for new ones."),
      h("div", { class: "actions" }, h("button", { type: "button", onclick: idle }, "Done")));
  }

  return {
    node,
    /** Called whenever the view is drawn: picks up a training that was started before. */
    update() {
      if (!state.card) return;
      const id = localStorage.getItem(JOB);
      if (shown === "" && id) { job = { id }; draw("resuming", h("p", { role: "status" }, "Looking for the training…")); poll(); }
      else if (shown === "" || shown === "idle") idle();
    },
  };
}

function changes(list) {
  return [h("ul", { class: "change-list" }, list.slice(0, CHANGES).map((change) => h("li", {},
    h("p", { class: "said" }, change.text),
    h("p", { class: "change" }, badge(change.old), " → ", badge(change.new), h("span", { class: "hint" },
      change.verdict === "other" ? `wrong either way; labelled ${change.gold}` : change.verdict === "fixed" ? "put right" : `made wrong; labelled ${change.gold}`))))),
  list.length > CHANGES && h("p", { class: "hint" }, `and ${list.length - CHANGES} more`)];
}

const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
const minutes = (seconds) => (seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.round(seconds / 60)} min`);
