/* The storefront: lists of a user as the API answers them, what the user does, and what that changed. */
import { ask, begin, el, known, number, problem, prose, put, query, t, trouble, language } from "./common.js";

const FIRST = 6; // cards of a place before "show all"
const SHOWN_CHANGES = 4; // of one place
const SHOWN_ITEMS = 6; // that a rule's line names
const SEARCH_REST = 250; // milliseconds without typing
const SEEN = "storefront-seen";
const session = crypto.randomUUID();

const page = {
  about: null, user: "", item: "", names: {}, purchases: null, answers: {}, failures: {}, explained: true, forbidden: "",
  cart: [], favourites: new Set(), dismissed: [], opened: new Set(), asked: new Set(), changes: [],
};
const $ = (id) => document.getElementById(id);
const ANONYMOUS = "anonymous:";
let drawing = 0; // what a slower answer of an earlier choice must not overwrite

/* Addresses: #user/<id> and #user/<id>/item/<id>, so that the browser's back button works. */
const address = (user, item) => "#user/" + encodeURIComponent(user) + (item ? "/item/" + encodeURIComponent(item) : "");
function addressed() {
  const parts = location.hash.slice(1).split("/").map(decodeURIComponent);
  return { user: parts[0] === "user" ? parts[1] || "" : "", item: parts[2] === "item" ? parts[3] || "" : "" };
}

const name = (item) => {
  const found = page.names[item];
  return found ? (language === "ja" && found.second) || found.title : item;
};
const placed = (placement) => (known("placement." + placement) ? t("placement." + placement) : placement.replaceAll("_", " "));
const values = (pairs) => Object.values(pairs || {}).filter(Boolean).map((one) => one.split("|").join(", "));

/* Which places the page has now, and how each is asked for. */
function places() {
  const configured = page.about.placements.length ? page.about.placements : [{ name: "", for_each: "user", length: 25, logged: page.about.logged }];
  const fits = (one) => (page.item ? one.for_each === "item" && one.name === "product" : one.name !== "product");
  return configured.filter(fits);
}

/* What the API answers counts as shown: no more is asked for than the page shows. */
const wanted = (place) => (page.opened.has(place.name) ? place.length : Math.min(FIRST, place.length));

function request(place, run) {
  const given = { placement: place.name || undefined, fields: page.about.fields, runId: run || undefined, numResults: wanted(place), explain: page.explained ? "true" : undefined };
  const user = encodeURIComponent(page.user);
  if (place.for_each !== "item") return "/api/v1/users/" + user + "/recommendations" + query(given);
  if (page.item) return "/api/v1/items/" + encodeURIComponent(page.item) + "/related" + query({ ...given, userId: page.user });
  return page.cart.length ? "/api/v1/users/" + user + "/recommendations" + query({ ...given, context: page.cart.slice(-10) }) : null;
}

async function read(place, run) {
  const path = request(place, run);
  if (path === null) return { body: null };
  const answer = await ask("GET", path);
  if (answer.status !== 403 || !page.explained) return answer;
  page.explained = false;
  page.forbidden = answer.body?.detail || "";
  return read(place, run);
}

/* Every list of the page, of one run: the first answer's version is asked for by the others. */
async function load() {
  const mine = ++drawing;
  const asked = places();
  const found = {};
  let run = null;
  for (const [n, place] of asked.entries()) {
    if (n === 0) {
      found[place.name] = await read(place, null);
      run = found[place.name].body?.degraded ? null : found[place.name].body?.version;
    } else found[place.name] = read(place, run);
  }
  for (const place of asked) found[place.name] = await found[place.name];
  if (mine !== drawing) return false;
  const lists = Object.entries(found);
  page.answers = Object.fromEntries(lists.filter(([, one]) => one.ok).map(([place, one]) => [place, one.body]));
  page.failures = Object.fromEntries(lists.filter(([, one]) => one.ok === false).map(([place, one]) => [place, one]));
  await learn(Object.values(page.answers).flatMap(mentioned));
  return true;
}

const mentioned = (answer) => [...answer.items.map((one) => one.itemId), ...(answer.rules || []).flatMap((rule) =>
  [...rule.removed.slice(0, SHOWN_ITEMS), ...rule.moved.slice(0, SHOWN_ITEMS)].map((one) => one.itemId).concat(rule.added))];

/* Names of items that have none yet; without them ids are shown. */
async function learn(items) {
  const wanted = [...new Set(items)].filter((item) => !(item in page.names));
  for (let from = 0; from < wanted.length; from += 200) {
    const answer = await ask("POST", "/shop/names", wanted.slice(from, from + 200));
    if (!answer.ok) return;
    Object.assign(page.names, answer.body);
  }
}

async function show() {
  trouble(null);
  if (!page.user) return draw();
  if (!(await load())) return;
  draw();
  await tellShown();
}

/* For places that the API doesn't log itself: one event for the cards of each; an item counts once in a visit (a tab). */
async function tellShown() {
  if (!page.about.events) return;
  const seen = new Set(JSON.parse(sessionStorage.getItem(SEEN) || "[]"));
  const key = (placement, item) => JSON.stringify([page.user, placement, item]);
  const events = places().flatMap(({ name: placement, logged }) => {
    const answer = page.answers[placement];
    if (logged || !answer || answer.degraded) return [];
    const fresh = shown(answer, placement).map((one) => one.itemId).filter((item) => !seen.has(key(placement, item)));
    for (const item of fresh) seen.add(key(placement, item));
    return fresh.length ? [event("impression", { itemIds: fresh, recommendationId: answer.recommendationId, placement: placement || undefined })] : [];
  });
  if (events.length && (await send(events))) sessionStorage.setItem(SEEN, JSON.stringify([...seen]));
}

const shown = (answer, placement) => (page.opened.has(placement) ? answer.items : answer.items.slice(0, FIRST));

const who = () => (page.user.startsWith(ANONYMOUS) ? { anonymousId: page.user.slice(ANONYMOUS.length) } : { userId: page.user });
const event = (type, given) => ({ eventId: crypto.randomUUID(), type, ...who(), sessionId: session, occurredAt: new Date().toISOString(), ...given });

async function send(events) {
  const answer = await ask("POST", "/api/v1/events", { events });
  if (!answer.ok) trouble(answer);
  else for (const one of answer.body.rejected) trouble({ status: 0, body: { detail: t("did.rejected", one) } });
  return answer.ok && !answer.body.rejected.length;
}

/* Sends events, asks for the lists again, and tells what changed. `told` says in words what was done. */
async function act(told, events) {
  const before = page.answers;
  trouble(null);
  if (events.length && !(await send(events))) return;
  if (!(await load())) return;
  page.changes.unshift({ told, lines: changes(before, page.answers) });
  draw();
  await tellShown();
}

function changes(before, now) {
  return Object.keys(now).flatMap((placement) => (before[placement] ? compared(placement, before[placement], now[placement]) : [{ key: "changes.opened", placement }]));
}

function compared(placement, before, now) {
  const had = before.items.map((one) => one.itemId);
  const has = now.items.map((one) => one.itemId);
  const rule = (item) => (now.rules || []).find((one) => one.removed.some((each) => each.itemId === item))?.rule;
  const gone = had.filter((item) => !has.includes(item)).map((item) => ({ key: rule(item) ? "changes.gone" : "changes.goneOther", placement, item, rule: rule(item) }));
  const fresh = has.filter((item) => !had.includes(item)).map((item) => ({ key: "changes.new", placement, item, position: has.indexOf(item) + 1 }));
  const all = [...gone.filter((one) => one.rule), ...gone.filter((one) => !one.rule), ...fresh];
  const left = all.length - SHOWN_CHANGES;
  return left > 0 ? [...all.slice(0, SHOWN_CHANGES), { key: "changes.others", placement, n: left }] : all;
}

/* What a person does with an item of a list. */
const of = (item, answer, placement) => ({ itemId: item, recommendationId: answer?.recommendationId, placement: placement || undefined, position: answer?.items.find((one) => one.itemId === item)?.position });
function buy(item, answer, placement) {
  return act({ key: "did.purchase", item }, [event("purchase", of(item, answer, placement))]);
}
function favour(item, answer, placement) {
  page.favourites.add(item);
  return act({ key: "did.favourite", item }, [event("favourite", of(item, answer, placement))]);
}
function dismiss(item, answer, placement) {
  page.dismissed = [{ item, placement }, ...page.dismissed.filter((one) => one.item !== item)];
  return act({ key: "did.dismiss", item }, [event("dismiss", of(item, answer, placement))]);
}
function undo(item, placement) {
  page.dismissed = page.dismissed.filter((one) => one.item !== item);
  return act({ key: "did.undo", item }, [event("undo", of(item, null, placement))]);
}
function fill(item) {
  page.cart = [...page.cart.filter((one) => one !== item), item];
  return act({ key: "did.cart", item }, []);
}
function unfill(item) {
  page.cart = page.cart.filter((one) => one !== item);
  return act({ key: "did.uncart", item }, []);
}
function checkOut() {
  const items = page.cart;
  page.cart = [];
  return act({ key: "did.checkout", n: items.length }, items.map((item) => event("purchase", { itemId: item })));
}
async function open(item, answer, placement) {
  page.changes.unshift({ told: { key: "did.click", item }, lines: [] });
  if (page.about.events) await send([event("click", of(item, answer, placement))]);
  location.hash = address(page.user, item);
}

/* Drawing. */
function draw() {
  drawUser();
  drawLists();
  drawSide();
}

async function drawUsers() {
  const answer = await ask("GET", "/shop/users" + query({ search: $("search").value.trim() }));
  if (!answer.ok) return put($("users"), problem(answer));
  const chips = answer.body.map(({ user, orders }) => el("a", { class: "chip", href: address(user), "data-key": "user " + user,
    "aria-current": user === page.user ? "true" : null }, user, el("small", {}, t("who.orders", { n: number(orders) }))));
  put($("users"), chips.length ? chips : el("p", {}, t("who.none")));
}

function drawUser() {
  for (const chip of $("users").querySelectorAll("a")) chip.toggleAttribute("aria-current", chip.getAttribute("href") === address(page.user));
  if (!page.user) return put($("user"));
  const title = page.user.startsWith(ANONYMOUS) ? t("who.visitor") : t("who.user", { user: page.user });
  const tested = Object.values(page.answers).filter((one) => one.experiment).map((one) => t("who.experiment", one));
  const experiments = [...new Set(tested)].map((text) => el("span", { class: "badge strong" }, text));
  put($("user"), el("div", { class: "user" }, el("h3", {}, title),
    experiments.length ? experiments : el("span", { class: "badge" }, t("who.noExperiment")), purchases()));
}

function purchases() {
  if (!page.purchases) return null;
  if (!page.purchases.ok) return problem(page.purchases);
  if (!page.purchases.body.length) return el("p", {}, t("who.boughtNothing"));
  const items = page.purchases.body.map(({ item, day }) => el("li", {}, el("a", { href: address(page.user, item) }, name(item)), " ", el("small", {}, day)));
  return el("div", { class: "bought" }, el("h4", {}, t("who.bought")), el("ul", {}, items));
}

function drawLists() {
  if (!page.user) return put($("lists"));
  const head = page.item ? product() : null;
  put($("lists"), head, places().map(section));
}

function product() {
  const answer = null;
  const facts = page.names[page.item];
  return el("section", { class: "product" }, el("a", { href: address(page.user), class: "back", "data-otherwise": "" }, "← " + t("act.back")),
    el("div", { class: "tile", "--hue": hue(facts?.category || page.item), "aria-hidden": "true" }, name(page.item).slice(0, 1)),
    el("div", {}, el("h2", { tabindex: "-1" }, name(page.item)), second(page.item), el("p", {}, facts?.category || ""), actions(page.item, answer, "product")));
}

function section(place) {
  const answer = page.answers[place.name];
  const key = "placement." + place.name + ".says";
  const head = el("div", { class: "head" }, el("h2", { tabindex: "-1", "data-otherwise": "" }, placed(place.name)), answer ? badges(answer) : null);
  const says = known(key) ? el("p", { class: "says" }, t(key)) : null;
  return el("section", { class: "place", "data-placement": place.name, "aria-label": placed(place.name) }, head, says,
    answer?.degraded ? el("p", { class: "trouble" }, t("list.degraded.says")) : null, content(place, answer));
}

function content(place, answer) {
  if (page.failures[place.name]) return problem(page.failures[place.name]);
  if (!answer) return el("p", { class: "empty" }, t("placement.cart.empty"));
  const why = explained(place.name, answer);
  if (!answer.items.length) return [el("p", { class: "empty" }, t("list.empty")), why];
  const open = page.opened.has(place.name);
  const flip = () => {
    open ? page.opened.delete(place.name) : page.opened.add(place.name);
    return open ? drawLists() : show();
  };
  const more = open || answer.nextCursor ? el("button", { type: "button", class: "more", "aria-expanded": String(open), "data-key": "more " + place.name, onclick: flip },
    open ? t("list.fewer") : t("list.more", { n: place.length })) : null;
  return [el("ol", { class: "cards" }, shown(answer, place.name).map((one) => card(one, answer, place.name))), el("div", { class: "foot" }, more, why)];
}

function badges(answer) {
  const degraded = answer.degraded ? el("span", { class: "badge bad", title: t("list.degraded.says") }, t("list.degraded")) : null;
  const version = answer.version ? t("list.version", answer) : t("list.noVersion");
  const experiment = answer.experiment ? el("span", { class: "badge strong" }, t("who.experiment", answer)) : null;
  return el("div", { class: "badges" }, degraded, el("span", { class: "badge" }, t("list.source", answer)), el("span", { class: "badge" }, version), experiment);
}

function card(one, answer, placement) {
  const item = one.itemId;
  const facts = values(one.metadata);
  const moved = (answer.rules || []).flatMap((rule) => rule.moved.filter((each) => each.itemId === item).map((each) => t("card.movedBy", { rule: rule.rule, ...each })));
  const marks = [one.source !== answer.source || one.source === "promoted" ? one.source : null, ...moved].filter(Boolean);
  const to = (happened) => { happened.preventDefault(); open(item, answer, placement); };
  return el("li", { class: "card", "data-item": item },
    el("div", { class: "tile", "--hue": hue(facts[0] || item), "aria-hidden": "true" }, name(item).slice(0, 1)),
    el("a", { class: "title", href: address(page.user, item), onclick: to, "data-key": placement + " open " + item }, name(item)), second(item),
    el("p", { class: "facts" }, facts.join(" · ")),
    el("p", { class: "marks" }, el("span", { class: "position" }, number(one.position)), one.score === null ? null : el("small", {}, t("card.score", { score: one.score })), name(item) === item ? null : el("small", {}, item), marks.map((mark) => el("span", { class: "badge" }, mark))),
    actions(item, answer, placement));
}

function second(item) {
  const found = page.names[item];
  const other = found && (language === "ja" && found.second ? found.title : found.second);
  return other ? el("p", { class: "second", lang: language === "ja" ? "en" : "ja" }, other) : null;
}

function actions(item, answer, placement) {
  const off = !page.about.events;
  const button = (act, does, more = {}) => el("button", { type: "button", "data-key": `${placement} ${act} ${item}`, "aria-label": t(`act.${act}Named`, { item: name(item) }),
    title: off && act !== "cart" ? t("act.off") : t("act." + act), disabled: off && act !== "cart", onclick: () => does(item, answer, placement), ...more }, SIGNS[act] || t("act." + act));
  return el("div", { class: "acts" }, button("buy", buy, { class: "main" }), button("cart", fill),
    button("favourite", favour, { "aria-pressed": String(page.favourites.has(item)), class: "sign" }), button("dismiss", dismiss, { class: "sign" }));
}
const SIGNS = { favourite: "♥", dismiss: "✕" };

function explained(placement, answer) {
  if (!page.explained) return el("details", { class: "why" }, el("summary", {}, t("why.title")), el("p", {}, t("why.forbidden", { detail: page.forbidden, role: page.about.role })));
  const rules = (answer.rules || []).map((rule) => el("li", {}, el("strong", {}, rule.rule), " ", el("small", {}, says(rule)), el("br"), did(rule)));
  const kept = (happened) => { happened.target.open ? page.asked.add(placement) : page.asked.delete(placement); };
  return el("details", { class: "why", open: page.asked.has(placement), ontoggle: kept }, el("summary", { "data-key": "why " + placement }, t("why.title")),
    rules.length ? el("ul", {}, rules) : el("p", {}, t("why.nothing")));
}

const says = (rule) => (known("rule." + rule.kind) ? t("rule." + rule.kind) : page.about.rules[rule.rule]?.says || "");

function did(rule) {
  const listed = (rows, text) => rows.slice(0, SHOWN_ITEMS).map(text).join(language === "ja" ? "、" : ", ")
    + (rows.length > SHOWN_ITEMS ? " " + t("why.others", { n: rows.length - SHOWN_ITEMS }) : "");
  const parts = [
    rule.removed.length && t("why.removed", { items: listed(rule.removed, (one) => t("why.at", { item: name(one.itemId), from: one.position })) }),
    rule.moved.length && t("why.moved", { items: listed(rule.moved, (one) => t("why.fromTo", { item: name(one.itemId), from: one.from, to: one.to })) }),
    rule.added.length && t("why.added", { items: listed(rule.added, name) }),
  ];
  return parts.filter(Boolean).map((text) => el("span", { class: "did" }, text));
}

function drawSide() {
  const cart = page.cart.map((item) => el("li", {}, name(item), " ", small("remove", item, () => unfill(item))));
  const all = cart.length ? el("button", { type: "button", class: "main", "data-key": "checkout", disabled: !page.about.events, onclick: checkOut }, t("act.checkout")) : null;
  put($("cart"), el("h3", { tabindex: "-1", "data-otherwise": "" }, t("cart.title")), cart.length ? [el("ul", {}, cart), all] : el("p", {}, t("cart.empty")));
  const gone = page.dismissed.map(({ item, placement }) => el("li", {}, name(item), " ", small("undo", item, () => undo(item, placement))));
  put($("dismissed"), el("h3", { tabindex: "-1", "data-otherwise": "" }, t("dismissed.title")), gone.length ? el("ul", {}, gone) : el("p", {}, t("dismissed.empty")));
  const told = page.changes.slice(0, 12).map(({ told, lines }) => el("li", {}, el("strong", {}, t(told.key, { ...told, item: name(told.item || "") })),
    lines.length ? el("ul", {}, lines.map((line) => el("li", {}, t(line.key, { ...line, placement: placed(line.placement), item: name(line.item || "") })))) : told.key === "did.click" ? null : el("p", {}, t("changes.nothing"))));
  put($("changes"), told.length ? el("ol", { class: "changes" }, told) : el("p", {}, t("changes.nothingYet")));
}

const small = (act, item, does) => el("button", { type: "button", class: "small", "data-key": `${act} ${item}`, "aria-label": t(`act.${act}Named`, { item: name(item) }), onclick: does }, t("act." + act));

/* A colour for each kind of thing. */
function hue(text) {
  let sum = 0;
  for (const sign of text) sum = (sum * 31 + sign.codePointAt(0)) % 360;
  return sum;
}

async function choose() {
  const wanted = addressed();
  const other = wanted.user !== page.user;
  Object.assign(page, wanted);
  if (other) {
    Object.assign(page, { cart: [], favourites: new Set(), dismissed: [], changes: [], purchases: null, answers: {}, failures: {} });
    put($("lists"), page.user ? el("p", { class: "empty" }, t("wait")) : null);
    if (page.user && !page.user.startsWith(ANONYMOUS)) {
      page.purchases = await ask("GET", "/shop/purchases" + query({ user: page.user }));
      if (page.purchases.ok) await learn(page.purchases.body.map((one) => one.item));
    }
  }
  if (page.item) await learn([page.item]);
  await show();
  if (page.item) document.querySelector(".product h2")?.focus();
}

let typing = 0;
$("search").addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(drawUsers, SEARCH_REST); });
$("find").addEventListener("submit", (happened) => {
  happened.preventDefault();
  const wanted = $("search").value.trim();
  if (wanted) location.hash = address(wanted);
});
$("anonymous").addEventListener("click", () => { location.hash = address(ANONYMOUS + crypto.randomUUID()); });
addEventListener("hashchange", choose);

let first = true;
await begin(async () => {
  if (!first) { await drawUsers(); return draw(); }
  first = false;
  const answer = await ask("GET", "/shop/about");
  if (!answer.ok) { first = true; return trouble(answer); }
  page.about = answer.body;
  await drawUsers();
  if (!addressed().user) {
    const one = $("users").querySelector("a");
    if (one) { history.replaceState(null, "", one.getAttribute("href")); }
  }
  await choose();
});
document.body.dataset.ready = "true";
