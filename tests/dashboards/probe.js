"use strict";
/* Walks through the pages as a reader would, and writes what it saw into the document. */
const seen = { errors: [], pages: {}, requests: [] };
addEventListener("error", (event) => seen.errors.push(String(event.message)));
addEventListener("unhandledrejection", (event) => seen.errors.push(String(event.reason)));
addEventListener("securitypolicyviolation", (event) => seen.errors.push("refused: " + event.blockedURI));

const rest = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

async function drawnPage(id) {
  for (let waited = 0; waited < 200 && document.body.dataset.shown !== id; waited += 1) await rest(50);
  await rest(100);
}

function looked(section) {
  const figures = [...section.querySelectorAll("figure")].map((figure) => [figure.id, {
    marks: figure.querySelectorAll("svg .mark-rect path, svg .mark-line path, svg .mark-symbol path").length,
    rows: figure.querySelectorAll("tbody tr").length,
    cells: [...figure.querySelectorAll("tbody tr")].map((row) => [...row.cells].map((cell) => cell.textContent)),
    empty: figure.querySelector(".empty")?.textContent || "",
    height: Math.round(figure.getBoundingClientRect().height),
    wide: [...figure.querySelectorAll("svg")].some((svg) => svg.getBoundingClientRect().right > figure.getBoundingClientRect().right + 1),
  }]);
  return { figures: Object.fromEntries(figures), focused: document.activeElement.tagName,
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth };
}

async function walk() {
  for (const link of document.querySelectorAll("nav a")) {
    const id = link.hash.slice(1);
    link.focus();
    link.click();
    await drawnPage(id);
    await rest(0);
    seen.pages[id] = looked(document.getElementById("page-" + id));
  }
  const select = document.querySelector("select[name=solution]");
  location.hash = "#inference";
  await drawnPage("inference");
  const value = [...select.options].map((option) => option.value).filter(Boolean)[0];
  if (value) {
    select.value = value;
    select.dispatchEvent(new Event("change"));
    await rest(600);
    seen.chosen = { value, ...looked(document.getElementById("page-inference")) };
  }
  seen.requests = performance.getEntriesByType("resource").map((entry) => entry.name).filter((name) => !name.startsWith("data:"));
  seen.background = getComputedStyle(document.body).backgroundColor;
  seen.width = innerWidth;
  seen.labels = [...document.querySelectorAll("select")].every((one) => one.labels.length === 1);
  report(seen);
}

function report(value) {
  const place = document.createElement("pre");
  place.id = "probe";
  place.textContent = JSON.stringify(value);
  document.body.append(place);
  parent.postMessage(value, "*");
}

addEventListener("load", () => walk().catch((error) => report({ ...seen, errors: [...seen.errors, String(error)] })));
