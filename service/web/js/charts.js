// Stance by speaker and over time. Each stance has its own row or column with its name, so that position tells it too.
import { bar, h, plural, svg } from "./dom.js";
import { badge, glyph, labels, labelOf } from "./labels.js";
import { stanceOf } from "./store.js";

const SPEAKERS = 10;

/** A table: a row a speaker, a column a stance, a bar and a figure in each cell. */
export function bySpeaker(statements, onChoose, chosen) {
  const groups = new Map();
  for (const item of statements) {
    const name = item.speaker ?? item.speaker_mention;
    if (!name) continue;
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(item);
  }
  const rows = [...groups].sort((a, b) => b[1].length - a[1].length || a[0].localeCompare(b[0]));
  const shown = rows.slice(0, SPEAKERS);
  const count = (items, name) => items.filter((item) => stanceOf(item) === name).length;
  const most = Math.max(1, ...shown.flatMap(([, items]) => labels().map((label) => count(items, label.name))));
  return h("section", { class: "chart" }, h("h2", {}, "Stance by speaker"),
    shown.length === 0 ? h("p", { class: "hint" }, "No named speaker.") : h("table", { class: "matrix" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, h("span", { class: "visually-hidden" }, "Speaker")),
        labels().map((label) => h("th", { scope: "col", class: `t${label.slot}` }, glyph(label.name), h("span", {}, label.name))))),
      h("tbody", {}, shown.map(([name, items]) => h("tr", {},
        h("th", { scope: "row" }, h("button", { type: "button", class: "link", "aria-pressed": String(name === chosen), onclick: () => onChoose(name) }, name)),
        labels().map((label) => {
          const n = count(items, label.name);
          return h("td", { class: `t${label.slot}` }, bar(n / most), h("span", { class: n ? "figure" : "figure none" }, String(n)));
        }))))),
    rows.length > SPEAKERS && h("p", { class: "hint" }, `and ${plural(rows.length - SPEAKERS, "more speaker")}`));
}

/** Small multiples: a row a stance, a column a period. */
export function overTime(statements) {
  const dated = statements.filter((item) => item.doc.date);
  const head = h("h2", {}, "Stance over time");
  if (dated.length === 0) {
    return h("section", { class: "chart" }, head, h("p", { class: "hint" }, "None of these documents has a date. Dates come from HTML and office files, from the front matter of Markdown, or from the form beside a pasted text."));
  }
  const { periods, periodOf, unit } = periodsOf(dated.map((item) => item.doc.date));
  const counts = labels().map((label) => {
    const row = new Map(periods.map((period) => [period, 0]));
    for (const item of dated) if (stanceOf(item) === label.name) row.set(periodOf(item.doc.date), row.get(periodOf(item.doc.date)) + 1);
    return [label, [...row.values()]];
  });
  const most = Math.max(1, ...counts.flatMap(([, row]) => row));
  const width = 100 / periods.length;
  const rows = counts.map(([label, row]) => {
    const total = row.reduce((a, b) => a + b, 0);
    const picture = svg("svg", { class: `spark t${labelOf(label.name).slot}`, viewBox: "0 0 100 30", preserveAspectRatio: "none", role: "img",
      "aria-label": `${label.name}: ${row.map((n, i) => `${periods[i]} ${n}`).join(", ")}` },
    svg("line", { x1: 0, x2: 100, y1: 29.7, y2: 29.7, class: "axis" }),
    ...row.map((n, i) => n > 0 && svg("rect", { x: i * width + width * 0.12, width: width * 0.76, y: 29.5 - (27 * n) / most, height: (27 * n) / most },
      svgTitle(`${periods[i]}: ${plural(n, "statement")}`))));
    return h("div", { class: "time-row" }, badge(label.name), picture, h("span", { class: "figure" }, String(total)));
  });
  const missing = statements.length - dated.length;
  return h("section", { class: "chart" }, head, h("div", { class: "time" }, rows,
    h("div", { class: "time-row time-axis", "aria-hidden": "true" }, h("span"),
      h("div", { class: "axis-labels" }, axisLabels(periods).map((text) => h("span", {}, text))), h("span"))),
  h("p", { class: "hint" }, `Statements a ${unit}; the tallest bar is ${most}.`, missing ? ` ${missing} without a date are left out.` : ""));
}

const svgTitle = (text) => { const node = svg("title"); node.textContent = text; return node; };

function periodsOf(dates) {
  const days = dates.toSorted();
  const first = new Date(`${days[0]}T00:00Z`);
  const last = new Date(`${days.at(-1)}T00:00Z`);
  const span = (last - first) / 86_400_000;
  const [unit, length, step] = span <= 31 ? ["day", 10, (d) => d.setUTCDate(d.getUTCDate() + 1)]
    : span <= 366 * 4 ? ["month", 7, (d) => d.setUTCMonth(d.getUTCMonth() + 1, 1)] : ["year", 4, (d) => d.setUTCFullYear(d.getUTCFullYear() + 1, 0, 1)];
  const periods = [];
  const end = days.at(-1).slice(0, length);
  for (const at = first; periods.length < 400; step(at)) {
    const name = at.toISOString().slice(0, length);
    if (name > end) break;
    periods.push(name);
  }
  return { periods, periodOf: (date) => date.slice(0, length), unit };
}

function axisLabels(periods) {
  if (periods.length === 1) return [periods[0]];
  const middle = periods.length > 4 ? [periods[Math.floor((periods.length - 1) / 2)]] : [];
  return [periods[0], ...middle, periods.at(-1)];
}
