/* What both pages need: the key of the address, the server, words in two languages, and elements made of text alone. */
const KEY = "storefront-token";
const LANGUAGE = "storefront-language";
export const LANGUAGES = { en: "English", ja: "日本語" };

let words = {};
export let language = "en";

/* The key stands behind `#`, which no server sees; it is kept for this origin and taken out of the address. */
function token() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    localStorage.setItem(KEY, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return localStorage.getItem(KEY) || "";
}

/* {status, ok, body}. A problem's words are in body.detail; what can't be reached has the status 0. */
export async function ask(method, path, content) {
  const options = { method, headers: { "X-Storefront-Token": token() }, cache: "no-store" };
  if (content !== undefined) options.body = JSON.stringify(content);
  try {
    const answer = await fetch(path, options);
    const text = await answer.text();
    return { status: answer.status, ok: answer.ok, body: text ? JSON.parse(text) : null };
  } catch (error) {
    return { status: 0, ok: false, body: { detail: t("trouble.unreachable") } };
  }
}

export function query(pairs) {
  const list = Object.entries(pairs).flatMap(([name, value]) => [value].flat().filter((one) => one !== undefined && one !== null)
    .map((one) => encodeURIComponent(name) + "=" + encodeURIComponent(one)));
  return list.length ? "?" + list.join("&") : "";
}

export function t(key, values = {}) {
  const text = words[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? String(values[name]) : all));
}

export const known = (key) => key in words;
export const number = (value) => new Intl.NumberFormat(language).format(value);
export const moment = (seconds) => new Date(seconds * 1000).toLocaleString(language, { dateStyle: "medium", timeStyle: "medium" });

/* el("button", {class: "x", onclick: f}, "text", element): text is never HTML. */
export function el(tag, given = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name.startsWith("--")) made.style.setProperty(name, value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/* `make up` in a text is code. */
export function prose(text) {
  return text.split("`").map((part, n) => (n % 2 ? el("code", {}, part) : part));
}

/* Puts elements into a place; the keyboard's focus stays on what has the same data-key, or goes to `otherwise`. */
export function put(place, ...children) {
  const active = document.activeElement;
  const key = place.contains(active) ? active.dataset.key : undefined;
  place.replaceChildren(...children.flat().filter(Boolean));
  if (key === undefined) return;
  const same = [...place.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key);
  (same || place.querySelector("[data-otherwise]"))?.focus();
}

export function trouble(answer) {
  const place = document.getElementById("trouble");
  if (!answer) return place.replaceChildren();
  const detail = answer.status === 401 ? t("trouble.token") : answer.body?.detail || "";
  const status = answer.status ? ` (${answer.status} ${answer.body?.title || ""})` : "";
  place.replaceChildren(el("div", { class: "trouble" }, el("strong", {}, t("trouble.title") + status), el("p", {}, prose(detail))));
}

export function problem(answer) {
  return el("p", { class: "trouble" }, answer.status === 401 ? prose(t("trouble.token")) : `${answer.status || ""} ${answer.body?.title || ""} ${answer.body?.detail || ""}`.trim());
}

async function speak(wanted) {
  language = wanted in LANGUAGES ? wanted : "en";
  words = await (await fetch(`/words.${language}.json`)).json();
  localStorage.setItem(LANGUAGE, language);
  document.documentElement.lang = language;
  for (const one of document.querySelectorAll("[data-word]")) one.replaceChildren(...prose(t(one.dataset.word)));
  for (const one of document.querySelectorAll(".languages button")) one.setAttribute("aria-pressed", String(one.lang === language));
}

/* Takes the key, speaks the reader's language, and draws; again with each change of language. */
export async function begin(draw) {
  token();
  const place = document.querySelector(".languages");
  const change = async (wanted) => {
    await speak(wanted);
    document.title = t(document.querySelector("h1").dataset.word);
    await draw();
  };
  place.replaceChildren(...Object.entries(LANGUAGES).map(([code, name]) => el("button", { type: "button", lang: code, onclick: () => change(code) }, name)));
  const asked = new URLSearchParams(location.search).get("language");
  await change(asked || localStorage.getItem(LANGUAGE) || navigator.language.slice(0, 2));
}
