/* The console: runs as graphs, rows, the gate's reasons, versions and the way back. */
import { ask, begin, el, known, moment, number, problem, prose, put, query, t, trouble } from "./common.js";

const $ = (id) => document.getElementById(id);
const BOOKKEEPING = new Set(["Pass", "Choice", "Wait", "Succeed"]);
const LOOK_AGAIN = 3000; // milliseconds, while a run runs
const page = { runs: [], run: null, graph: null, open: new Set(), everything: false, versions: null, asked: null };
let timer = 0;

const wait = (place) => put(place, el("p", {}, t("wait")));
const status = (one) => (known("status." + one) ? t("status." + one) : one);
const mood = (one) => ({ RUNNING: "is-running", SUCCEEDED: "" }[one] ?? "is-failed");
const run = (one) => one.workflow + " " + one.name;

function duration(seconds) {
  if (seconds < 60) return number(Math.round(seconds * 10) / 10) + " s";
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${Math.round(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/* A head with `#` is of figures. On a phone each row is a block, whose lines say the head first. */
function table(heads, rows) {
  const plain = heads.map((one) => one.replace("#", ""));
  const kind = (n) => (heads[n].startsWith("#") ? "figure" : null);
  const shown = (value) => (typeof value === "number" ? number(value) : value);
  const cells = (row) => row.map((value, n) => (value === null ? null : el("td", { class: kind(n), "data-head": plain[n] }, el("div", {}, shown(value)))));
  return el("div", { class: "scroll" }, el("table", {}, el("thead", {}, el("tr", {}, plain.map((one, n) => el("th", { class: kind(n), scope: "col" }, one)))),
    el("tbody", {}, rows.map((row) => el("tr", {}, cells(row))))));
}

/* Versions and the way back. */
async function readVersions() {
  page.versions = await ask("GET", "/console/versions");
  drawVersions();
}

function drawVersions() {
  if (!page.versions) return;
  if (!page.versions.ok) return put($("versions"), problem(page.versions));
  const heads = ["versions.list", "versions.current", "versions.previous", "versions.since", "versions.solution", "rollback.button"].map((key) => t(key));
  put($("versions"), table(heads, page.versions.body.map(versionRow)));
}

function versionRow(one) {
  const back = one.previous ? el("button", { type: "button", "data-key": "back " + one.list, "aria-label": t("rollback.buttonNamed", one), onclick: () => confirm(one) }, t("rollback.button")) : "–";
  const before = one.previous || (one.current ? t("versions.first") : "–");
  const other = one.promoted_arn && one.promoted_arn !== one.arn ? el("p", {}, el("small", {}, t("versions.other", { arn: short(one.promoted_arn) }))) : null;
  const named = one.arn ? el("code", { title: one.arn }, short(one.arn)) : "–";
  return [el("strong", {}, one.list), one.current || t("versions.none"), before, (one.updated_at || "–").replace("T", " ").slice(0, 19), el("span", {}, named, other), back];
}

const short = (arn) => arn.split("solution/").pop();

function confirm(one) {
  page.asked = one;
  put($("confirm-text"), prose(t("rollback.text", one)));
  $("confirm").showModal();
  $("confirm-no").focus();
}

async function goBack() {
  const one = page.asked;
  $("confirm").close();
  put($("rolled"), el("p", {}, t("rollback.working")));
  const answer = await ask("POST", "/console/rollback", { list: one.list, current: one.current });
  const lines = answer.ok ? answer.body.lines : [`${answer.status} ${answer.body?.detail || ""}`];
  const done = answer.ok && answer.body.done;
  put($("rolled"), el("div", { class: done ? "panel" : "trouble" }, el("strong", {}, t(done ? "rollback.done" : "rollback.refused")), el("pre", {}, lines.join("\n"))));
  await readVersions();
}

/* Runs. */
async function readRuns() {
  const answer = await ask("GET", "/console/runs");
  if (!answer.ok) return put($("graph"), problem(answer));
  page.runs = answer.body;
  drawChoice();
  await readGraph();
}

function drawChoice() {
  const names = [...new Set(page.runs.map((one) => one.workflow))];
  const before = $("workflow").value || (names.includes("pipeline") ? "pipeline" : "");
  $("workflow").replaceChildren(el("option", { value: "" }, t("runs.all")), ...names.map((one) => el("option", { value: one }, one)));
  $("workflow").value = before;
  const fitting = page.runs.filter((one) => !before || one.workflow === before);
  $("run").replaceChildren(...fitting.map((one) => el("option", { value: run(one) }, `${moment(one.started)} · ${before ? "" : one.workflow + " · "}${status(one.status)}`)));
  const chosen = fitting.find((one) => page.run && run(one) === run(page.run)) || fitting[0] || null;
  page.run = chosen;
  if (chosen) $("run").value = run(chosen);
}

async function readGraph() {
  clearTimeout(timer);
  if (!page.run) return put($("graph"), el("p", { class: "empty" }, prose(t("runs.none"))));
  const wanted = page.run;
  const answer = await ask("GET", "/console/run" + query({ workflow: wanted.workflow, name: wanted.name }));
  if (page.run !== wanted) return;
  page.graph = answer;
  drawGraph();
  if (answer.ok && answer.body.status === "RUNNING") timer = setTimeout(readGraph, LOOK_AGAIN);
}

function drawGraph() {
  if (!page.graph) return;
  if (!page.graph.ok) return put($("graph"), problem(page.graph));
  const told = page.graph.body;
  const end = told.stopped || Date.now() / 1000;
  const flip = () => { page.everything = !page.everything; drawGraph(); };
  const all = el("label", {}, el("input", { type: "checkbox", "data-key": "everything", checked: page.everything, onchange: flip }), t("graph.everything"));
  const head = el("div", { class: "summary" }, el("span", { class: "status " + mood(told.status) }, status(told.status)), el("span", {}, moment(told.started)),
    el("span", {}, t("graph.took", { duration: duration(end - told.started) })), el("span", { class: "controls" }, all));
  const rows = told.rows.map((one, n) => [one, n]).filter(([one]) => page.everything || one.status === "failed" || one.status === "running" || !(one.inner || BOOKKEEPING.has(one.kind)));
  const failed = told.error ? el("div", { class: "trouble" }, el("strong", {}, told.error), el("pre", {}, told.cause)) : null;
  put($("graph"), head, failed, el("ol", { class: "graph", "aria-label": t("graph.label") }, rows.map(([one, n]) => state(one, n, told.started, end))),
    el("details", {}, el("summary", {}, `${t("graph.input")} · ${t("graph.output")}`), pair("graph.input", told.input), pair("graph.output", told.output)));
}

function state(one, n, from, to) {
  const whole = Math.max(to - from, 0.001);
  const share = (moment) => (Math.min(Math.max((moment - from) / whole, 0), 1) * 100).toFixed(2) + "%";
  const open = page.open.has(n);
  const flip = () => { open ? page.open.delete(n) : page.open.add(n); drawGraph(); };
  const times = one.times > 1 ? el("small", {}, " " + t("graph.times", { n: one.times })) : null;
  const error = one.error ? el("small", {}, " " + one.error) : null;
  const length = (Math.max(one.to - one.from, 0) / whole * 100).toFixed(2) + "%";
  const button = el("button", { type: "button", class: "state", "aria-expanded": String(open), "data-key": "state " + n, onclick: flip, title: one.kind },
    el("span", { class: "name" }, el("span", { class: "dot", role: "img", "aria-label": status(one.status) }), el("span", {}, one.name, times, error)),
    el("span", { class: "took" }, duration(one.to - one.from)), el("span", { class: "bar", "aria-hidden": "true" }, el("i", { "--start": share(one.from), "--length": length })));
  return el("li", { class: `is-${one.status} kind-${one.kind}`, "--depth": one.depth }, button, open ? details(one) : null);
}

function details(one) {
  const log = one.log ? el("div", {}, el("h4", {}, t("graph.log")), el("p", {}, el("code", {}, one.log.group || one.log.job)), logButton(one.log)) : null;
  const parts = [pair("graph.error", one.error), pair("graph.cause", one.cause), pair("graph.input", one.input), pair("graph.output", one.output), log].filter(Boolean);
  return el("div", { class: "what" }, el("p", {}, el("small", {}, `${one.workflow} · ${one.kind} · ${moment(one.from)} – ${moment(one.to)}`)), parts.length ? parts : el("p", {}, t("graph.nothing")));
}

function pair(key, text) {
  return text ? el("div", {}, el("h4", {}, t(key)), el("pre", { tabindex: "0" }, indented(text))) : null;
}

function indented(text) {
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch (error) { return text; }
}

function logButton(log) {
  const place = el("div", {});
  const read = async () => {
    const answer = await ask("GET", "/console/log" + query(log));
    if (!answer.ok) return put(place, problem(answer));
    put(place, answer.body.length ? el("pre", { tabindex: "0" }, answer.body.join("\n")) : el("p", {}, t("graph.logNone")));
  };
  return [el("button", { type: "button", onclick: read }, t("graph.logShow")), place];
}

/* Rows and the gate. */
async function readRows() {
  const answer = await ask("GET", "/console/rows");
  if (!answer.ok) return put($("rows"), problem(answer));
  if (!answer.body.length) return put($("rows"), el("p", { class: "empty" }, t("rows.none")));
  const heads = [t("runs.run"), t("rows.dataset"), "#" + t("rows.read"), "#" + t("rows.kept"), t("rows.ignored"), t("rows.quarantined")];
  const rows = answer.body.flatMap((report) => report.datasets.map((one) => [`${report.run_id} (${report.mode})`, one.dataset, one.read, one.kept, reasons(one.ignored), reasons(one.quarantined)]));
  const outside = answer.body.flatMap((report) => report.outside.map((one) => [report.run_id, one.name, `${one.value} (${one.low ?? ""} – ${one.high ?? ""})${one.accepted ? " " + t("rows.accepted") : ""}`]));
  put($("rows"), table(heads, rows), outside.length ? [el("h3", {}, t("rows.outside")), table([t("runs.run"), t("rows.dataset"), t("rows.outside")], outside)] : null);
}

const reasons = (pairs) => (pairs.length ? el("span", {}, pairs.map(([reason, n]) => el("div", {}, `${number(n)} ${reason}`))) : "0");

async function readGate() {
  const answer = await ask("GET", "/console/verdicts");
  if (!answer.ok) return put($("gate"), problem(answer));
  if (!answer.body.length) return put($("gate"), el("p", { class: "empty" }, t("gate.none")));
  const heads = ["gate.run", "gate.solution", "gate.verdict", "gate.reason"].map((key) => t(key));
  put($("gate"), table(heads, answer.body.map(verdict)));
}

function verdict(one) {
  const metrics = Object.entries(one.metrics).map(([name, value]) => `${name}  ${Math.round(value * 10000) / 10000}`).join("\n");
  const more = el("details", {}, el("summary", {}, t("gate.metrics")), el("pre", { tabindex: "0" }, `${one.arn}\n${one.recipe}\n\n${metrics}`));
  const badge = el("span", { class: one.promoted ? "badge strong" : "badge bad" }, t(one.promoted ? "gate.promoted" : "gate.turnedDown"));
  return [one.run_id, el("strong", {}, one.solution), badge, el("span", { class: "long" }, one.reason, more)];
}

function choose() {
  const [workflow, ...name] = $("run").value.split(" ");
  page.run = page.runs.find((one) => one.workflow === workflow && one.name === name.join(" ")) || null;
  page.open.clear();
  page.graph = null;
  wait($("graph"));
  return readGraph();
}

$("workflow").addEventListener("change", () => { page.run = null; page.open.clear(); drawChoice(); readGraph(); });
$("run").addEventListener("change", choose);
$("again").addEventListener("click", () => read());
$("confirm-yes").addEventListener("click", goBack);
$("confirm-no").addEventListener("click", () => $("confirm").close());

async function read() {
  const about = await ask("GET", "/shop/about");
  if (!about.ok) return trouble(about);
  trouble(null);
  await Promise.all([readVersions(), readRuns(), readRows(), readGate()]);
}

await begin(async () => {
  for (const id of ["versions", "graph", "rows", "gate"]) if (!$(id).children.length) wait($(id));
  await read();
});
document.body.dataset.ready = "true";
