// Starts the page: views, routes, keys, dropped files.
import * as correctionsView from "./corrections.js";
import { $, $$, dialog, h, typing } from "./dom.js";
import { labels } from "./labels.js";
import * as modelView from "./model.js";
import * as readView from "./read.js";
import * as resultsView from "./results.js";
import { loadCard, on, state, statements } from "./store.js";

const VIEWS = { read: readView, results: resultsView, corrections: correctionsView, model: modelView };
const sections = {};

let shownView = "";

function route() {
  const [, name, ...rest] = location.hash.split("/");
  const view = name === "new" ? "read" : VIEWS[name] ? name : "read";
  for (const [key, section] of Object.entries(sections)) section.hidden = key !== view;
  if (view !== shownView) scrollTo(0, 0);
  shownView = view;
  for (const link of $$("nav [data-view]")) {
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = `${VIEWS[view].show(rest, name === "new")} · Stance`;
}

function theme() {
  const order = ["auto", "light", "dark"];
  const signs = { auto: "◐", light: "○", dark: "●" };
  const button = $("#theme");
  const apply = (name) => {
    if (name === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = name;
    button.textContent = signs[name];
    const spoken = name === "auto" ? "as the system" : name;
    button.setAttribute("aria-label", `Theme: ${spoken}`);
    button.title = `Theme: ${spoken}`;
  };
  let now = order.includes(localStorage.getItem("stance-theme")) ? localStorage.getItem("stance-theme") : "auto";
  apply(now);
  button.addEventListener("click", () => {
    now = order[(order.indexOf(now) + 1) % order.length];
    localStorage.setItem("stance-theme", now);
    apply(now);
  });
}

function help() {
  const line = (keys, text) => [h("dt", {}, keys.map((key) => [h("kbd", {}, key), " "])), h("dd", {}, text)];
  return dialog("Keyboard", (close) => h("div", {},
    h("dl", { class: "key-list" }, line(["j", "k"], "next and previous statement"),
      labels().map((label) => line([label.key, ...(label.index < 9 && label.key !== label.digit ? [label.digit] : [])], `label the selected statement ${label.name}`)),
      line(["u"], "take the correction of the selected statement back"), line(["e"], "what made the model decide"),
      line(["/"], "search the results"), line(["Esc"], "close the details"), line(["?"], "this help")),
    h("div", { class: "actions" }, h("button", { type: "button", class: "primary", onclick: () => close(null) }, "Close"))));
}

function keys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event.target) || $("dialog[open]")) return;
    if (event.key === "?") { event.preventDefault(); help(); return; }
    if (readView.keydown(event) || resultsView.keydown(event)) event.preventDefault();
  });
  $("#keys").addEventListener("click", help);
}

async function filesOf(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files];
  const files = [];
  const walk = async (entry) => {
    if (entry.name.startsWith(".")) return;
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => { entry.file(resolve, reject); });
      file.relative = entry.fullPath.replace(/^\//, "");
      files.push(file);
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((resolve, reject) => { reader.readEntries(resolve, reject); });
      if (some.length === 0) return;
      for (const child of some) await walk(child);
    }
  };
  for (const entry of entries) await walk(entry);
  return files;
}

function drops() {
  const overlay = $("#drop");
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  let depth = 0;
  document.addEventListener("dragenter", (event) => { if (holdsFiles(event)) { depth += 1; overlay.hidden = false; } });
  document.addEventListener("dragleave", (event) => { if (holdsFiles(event)) { depth -= 1; overlay.hidden = depth <= 0; } });
  document.addEventListener("dragover", (event) => { if (holdsFiles(event)) event.preventDefault(); });
  document.addEventListener("drop", async (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    depth = 0;
    overlay.hidden = true;
    readView.takeFiles(await filesOf(event.dataTransfer));
  });
}

function counts() {
  $("#count-results").textContent = state.docs.length ? statements().length.toLocaleString("en") : "";
  $("#count-corrections").textContent = state.corrections.size ? state.corrections.size.toLocaleString("en") : "";
}

for (const [name, view] of Object.entries(VIEWS)) {
  sections[name] = h("div", { class: "view", id: `view-${name}`, hidden: true });
  $("#main").append(sections[name]);
  view.mount(sections[name]);
}
on("docs", counts);
on("corrections", counts);
on("card", () => { $("#target").textContent = state.card.target ? `toward ${state.card.target}` : ""; });
theme();
keys();
drops();
addEventListener("hashchange", route);
route();
loadCard().catch((error) => {
  state.problem = error.message;
  $("#target").textContent = error.message;
  if (!sections.model.hidden) route();
});
