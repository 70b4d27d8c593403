"use strict";
/* Draws the model of the page: charts by Vega-Lite, tables and empty states here. Nothing is asked of anybody. */
const model = JSON.parse(document.getElementById("model").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");
const chosen = {};
const drawn = new Set();

const plain = { whole: 0, number: 3, percent: 1 };
const LONG = 24; // characters of a cell that are a sentence
const NONE = "\u2013";
const PAGE = "page-"; // of a section's id: the browser scrolls to none of itself

function shown(value, kind) {
  if (value === null || value === undefined || Number.isNaN(value)) return NONE;
  const places = plain[kind];
  const text = (kind === "percent" ? value * 100 : value).toLocaleString("en", { maximumFractionDigits: places });
  return kind === "percent" ? text + "%" : text;
}

function time(text, kind) {
  if (!text) return NONE;
  return kind === "day" ? text.slice(0, 10) : text.slice(0, 16).replace("T", " ");
}

function passing(visual) {
  return model.rows[visual.data].filter((row) =>
    visual.filters.every((one) => one.values.includes(row[one.column])) &&
    Object.entries(visual.parameters).every(([name, column]) => !chosen[name] || row[column] === chosen[name]));
}

const over = {
  sum: (values) => values.length ? values.reduce((one, other) => one + other, 0) : null,
  average: (values) => values.length ? over.sum(values) / values.length : null,
  min: (values) => values.length ? values.reduce((one, other) => Math.min(one, other)) : null,
  max: (values) => values.length ? values.reduce((one, other) => Math.max(one, other)) : null,
};

function measured(measure, rows) {
  const [first, second] = measure.columns.map((name) => rows.map((row) => row[name]).filter((value) => value !== null));
  if (measure.aggregation !== "ratio") return over[measure.aggregation](first);
  const below = over.sum(second);
  return below ? over.sum(first) / below : null;
}

function grouped(visual, rows) {
  const groups = new Map();
  for (const row of rows) {
    const key = JSON.stringify(visual.by.map((one) =>
      one.kind === "day" || one.kind === "time" ? time(row[one.column], one.kind) : row[one.column]));
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(row);
  }
  const latestFirst = visual.by.length && ["day", "time"].includes(visual.by[0].kind) ? -1 : 1;
  return [...groups].map(([key, members]) => ({ key: JSON.parse(key), values: visual.measures.map((one) => measured(one, members)) }))
    .sort((one, other) => latestFirst * compared(one.key, other.key));
}

function compared(one, other) {
  for (let place = 0; place < one.length; place += 1) {
    if (one[place] === other[place]) continue;
    if (one[place] === null) return 1;
    if (other[place] === null) return -1;
    return one[place] < other[place] ? -1 : 1;
  }
  return 0;
}

function element(name, text, attributes) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  return made;
}

function attributes(value, kind) {
  if (["day", "time"].includes(kind)) return { class: "time" };
  return value !== null && String(value).length > LONG ? { class: "long" } : {};
}

function table(visual, rows) {
  const scroll = element("div", undefined, { class: "scroll", tabindex: "0", role: "region", "aria-label": "Table" });
  const made = scroll.appendChild(element("table"));
  const head = made.appendChild(element("thead")).appendChild(element("tr"));
  for (const one of visual.by) head.append(element("th", one.title, { scope: "col" }));
  for (const one of visual.measures) head.append(element("th", one.title, { scope: "col", class: "value" }));
  const body = made.appendChild(element("tbody"));
  for (const group of grouped(visual, rows)) {
    const line = body.appendChild(element("tr"));
    group.key.forEach((value, place) => line.append(element("td", value === null ? NONE : String(value), attributes(value, visual.by[place].kind))));
    group.values.forEach((value, place) => {
      const measure = visual.measures[place];
      const cell = element("td", shown(value, measure.shown_as), { class: "value" });
      if (value === null) cell.title = measure.aggregation === "ratio" ? "nothing to divide by" : "no value";
      line.append(cell);
    });
  }
  return scroll;
}

function config() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  const axis = { labelColor: read("--quiet"), titleColor: read("--quiet"), gridColor: read("--line"), domainColor: read("--line"), tickColor: read("--line") };
  return { background: null, font: "system-ui, sans-serif", view: { stroke: null }, axis, range: { category: model.palette }, mark: { color: model.palette[0] },
    legend: { labelColor: read("--text"), orient: "bottom", columns: 3, labelLimit: 120 } };
}

async function draw(visual) {
  const place = document.querySelector(`#${visual.id} .drawn`);
  const rows = passing(visual);
  place.replaceChildren();
  if (!rows.length || everyMissing(visual, rows)) {
    const none = model.rows[visual.data].length ? visual.nothing || "No row is left: choose something else above. " : visual.empty;
    place.append(element("p", rows.length ? "The rows have no value here yet." : none.trim(), { class: "empty" }));
    return;
  }
  if (!visual.chart) {
    place.append(table(visual, rows));
    return;
  }
  const chart = place.appendChild(element("div", undefined, { class: "chart" }));
  const spec = structuredClone(visual.chart);
  for (const one of spec.params) one.value = chosen[one.name] || "";
  if (nothingButZero(visual, rows)) spec.encoding.y.scale = { domain: [0, 1] }; // else 0 stands in the middle
  spec.data = { name: spec.data.name, values: rows, format: { parse: parsed(visual) } };
  await window.vegaEmbed(chart, spec, { actions: false, renderer: "svg", config: config() });
  const details = place.appendChild(element("details"));
  details.append(element("summary", "As a table"));
  details.append(table(visual, rows));
}

function everyMissing(visual, rows) {
  return visual.measures.every((one) => one.columns.some((name) => rows.every((row) => row[name] === null)));
}

function nothingButZero(visual, rows) {
  return grouped(visual, rows).every((group) => group.values.every((value) => !value));
}

function parsed(visual) {
  return Object.fromEntries(visual.by.filter((one) => ["day", "time"].includes(one.kind))
    .map((one) => [one.column, one.kind === "day" ? "utc:'%Y-%m-%d'" : "utc:'%Y-%m-%dT%H:%M:%S'"]));
}

async function drawPage(page) {
  for (const visual of model.visuals.filter((one) => one.page === page)) await draw(visual);
}

async function show(id) {
  const sections = [...document.querySelectorAll("main > section")];
  const current = sections.find((one) => one.id === PAGE + id) || sections[0];
  for (const one of sections) one.hidden = one !== current;
  for (const link of document.querySelectorAll("nav a")) {
    if (PAGE + link.hash.slice(1) === current.id) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const name = current.id.slice(PAGE.length);
  scrollTo(0, 0);
  if (!drawn.has(name)) {
    drawn.add(name);
    await drawPage(name);
  }
  document.body.dataset.shown = name;
}

function fill(select) {
  const users = model.visuals.filter((one) => select.name in one.parameters);
  const values = new Set(users.flatMap((one) => model.rows[one.data].map((row) => row[select.dataset.column])));
  const known = [...values].filter((value) => value !== null).sort();
  const first = "one" in select.dataset && known.length ? known[0] : "";
  const standard = known.includes(select.dataset.default) ? select.dataset.default : first;
  if (!select.dataset.default || !standard) select.append(element("option", "all", { value: "" }));
  for (const value of known) select.append(element("option", value, { value }));
  select.value = standard;
  chosen[select.name] = standard;
  select.addEventListener("change", async () => {
    chosen[select.name] = select.value;
    for (const visual of users) await draw(visual);
  });
}

document.querySelectorAll("select").forEach(fill);
addEventListener("hashchange", async () => {
  await show(location.hash.slice(1));
  document.querySelector("main > section:not([hidden]) h2").focus({ preventScroll: true });
});
dark.addEventListener("change", () => { drawn.clear(); show(document.body.dataset.shown); });
show(location.hash.slice(1));
