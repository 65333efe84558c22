/* The page itself: questions to the workers, answers onto the screen, nothing computed here.  While a lever moves, only
   lines are drawn; bands, attribution, causes, tables and the address follow when it rests. */
const snapshot = document.documentElement.outerHTML;  // as delivered, before anything is drawn
const byId = (id) => document.getElementById(id);
const texts = content.texts, REST = 120, SPEAK = 800;
let language = "ru", latest = {base: null, now: null, A: null, B: null, C: null}, spreadNow = null, checked = null;
const timings = {painted: [], run: [], bands: null, coarse: null, shares: null, ready: null};  // ms, for whoever measures

function fill(text, values) { return text.replace(/\{(\w+)\}/g, (whole, name) => values && name in values ? values[name] : whole); }
function t(key, values) { return fill(texts[language][key], values); }
function unitText(unit, shown, of) {
  if (!unit) return "";
  const forms = content.units[unit][of || language];
  return typeof forms === "string" ? forms : shown === undefined ? forms.many || forms.other : pluralOf(shown, forms, of || language);
}
function pressButton(label, pressed, act, id) { return element("button", {type: "button", id, "aria-pressed": String(pressed), onclick: act}, label); }

/* Workers: one for the present line, one for what takes longer, and one that helps the second.  A browser that allows none computes in the page. */
function lane(receive) {
  const here = server((answer) => receive(answer)), waiting = new Map();  // what no worker has answered yet
  let post = here;
  try {
    const source = byId("engine").textContent + "\nconst serve = server((answer) => postMessage(answer)); onmessage = (event) => event.ports.length ? joined(event) : serve(event.data);";
    const worker = new Worker(URL.createObjectURL(new Blob([source], {type: "text/javascript"})));
    worker.onmessage = (event) => { waiting.clear(); receive(event.data); };
    worker.onerror = () => { post = here; waiting.forEach((message) => here(message)); waiting.clear(); };
    post = (message) => { waiting.set(message.kind, message); worker.postMessage(message); };
    workers.push(worker);
  } catch (refused) { /* the page's own thread answers */ }
  return (message) => post(message);
}
function pair(asks, answers) {  // a worker that works for another one
  const channel = new MessageChannel();
  asks.postMessage("asks", [channel.port1]);
  answers.postMessage("answers", [channel.port2]);
}
const asked = {}, workers = [];
const live = lane(answered), slow = lane(answered);
if (workers.length === 2 && navigator.hardwareConcurrency > 1) {
  lane(answered);
  if (workers.length === 3) pair(workers[1], workers[2]);
}
let number = 0, running = false, again = false, begun = 0;
function ask(post, message) { message.id = asked[message.kind] = ++number; post(message); }
function answered(answer) {
  if (answer.kind === "runs") {
    running = false;
    if (answer.id === asked.runs) {
      timings.run.push(answer.each);
      keep(answer.series);
      requestAnimationFrame(() => { holding(drawLight); const from = begun; requestAnimationFrame(() => { if (from) timings.painted.push(performance.now() - from); }); });
    }
    if (again) { again = false; askRuns(); } else if (!moving) askPython();
    return;
  }
  if (answer.id !== asked[answer.kind]) return;
  if (answer.kind === "check") { checked = answer; drawBadge(); return; }
  if (answer.kind === "bands") {
    const since = performance.now() - asked.bandsAt;
    if (answer.count + answer.failed < answer.all) timings.coarse = since; else timings.bands = since;
    spreadNow = {...answer, mode: asked.bandsMode};
    drawAll();
    if (answer.count + answer.failed === answer.all) {
      askShares();
      askAlone();
      clearTimeout(speak);  // the summary is said once, when it is known
      speak = setTimeout(() => say(answerText()), SPEAK);
    }
  }
  if (answer.kind === "shares") { timings.shares = performance.now() - asked.sharesAt; weighed = {...answer, ...asked.players, players: asked.players.list}; holding(drawWhy); }
  if (answer.kind === "alone") { oneByOne = answer; holding(drawAlone); }
  if (answer.kind === "causes") { const focus = asked.causesFocus; causesShown = answer; holding(drawCauses); if (focus) { asked.causesFocus = false; focusCauses(); } }
}
function focusCauses() { const first = byId("causes").querySelector("button"); if (first) first.focus(); }
function scenarios() { return [baseScenario(), state.now, ...SLOTS.map((slot) => state.slots[slot])]; }
function askRuns() {  // at most one question under way: of what was asked meanwhile only the newest is sent
  if (running) { again = true; return; }
  running = true;
  ask(live, {kind: "runs", scenarios: scenarios().map((each) => each && forEngine(each))});
}
function keep(series) { [latest.base, latest.now, latest.A, latest.B, latest.C] = series; }
function askBands() {
  asked.bandsAt = performance.now();
  asked.bandsMode = state.view.mode;
  ask(slow, {kind: "bands", scenario: forEngine(state.now), base: forEngine(baseScenario()), mode: state.view.mode, rouble: [outcomeAt("net_present_value"), outcomeAt(content.cost)],
    outcomes: Array.from(new Set([...visibleOutcomes().first, ...shownOutcomes()]))});
}
function askShares() {
  const found = players();
  asked.sharesAt = performance.now();
  asked.players = found;
  if (found.list.length && !weighed) ask(slow, {kind: "shares", scenario: forEngine(state.now), base: forEngine(baseScenario()), players: found.list});
}
function askAlone() {
  const levers = leversOf(groupShown);
  oneByOne = null;
  holding(drawAlone);
  if (levers.length) ask(slow, {kind: "alone", scenario: forEngine(state.now), base: forEngine(baseScenario()), levers, outcome: whyOutcome(), year: state.view.year});
}
function askCauses(focus) {
  asked.causesFocus = focus;
  ask(slow, {kind: "causes", scenario: forEngine(state.now), base: forEngine(baseScenario()), year: state.view.year, top: topOf(),
    place: content.places.findIndex((each) => each.id === content.outcomes[whyOutcome()].element) - 1});
}

let askPython = () => {}, drawEngine = () => {};  // of a served page, see served.js
let rest = 0, speak = 0;
function change(what, next, joined) {
  remember(what, next, joined);
  begun = performance.now();
  renew();
}
function renew() {  // another state: the line first, the rest when it rests
  spreadNow = weighed = causesShown = oneByOne = null;
  asked.bands = asked.shares = asked.causes = asked.alone = asked.python = 0;
  clearTimeout(speak);  // what was to be said of the earlier state
  refreshLevers();
  askRuns();
  drawTools();
  if (!moving) holding(drawPresets);
  clearTimeout(rest);
  rest = setTimeout(settle, REST);
}
function settle() {
  clearTimeout(rest);
  if (moving) return;
  holding(drawPresets);
  drawAll();
  askBands();
  askCauses();
  if (!running) askPython();
  address();
}
function address() {
  location.replace("#" + encode());
  shownAddress = location.hash;
  if (past.length) try { localStorage.setItem(content.hash, encode()); } catch (refused) { /* a browser that keeps nothing */ }
}
function keptLast() { try { return localStorage.getItem(content.hash) || ""; } catch (refused) { return ""; } }
const last = keptLast();  // of an earlier visit, offered and never taken by itself
function holding(draw) {  // what is drawn anew keeps the focus that it had
  const id = document.activeElement && document.activeElement.id;
  draw();
  if (id && document.activeElement.id !== id && byId(id)) byId(id).focus();
}
function view(changes) {  // another look at the same runs
  remember(["viewed"], {...state, view: {...state.view, ...changes}}, true);
  if (changes.mode || changes.place) spreadNow = null;
  causesShown = null;
  drawAll();
  settle();
}
function say(text) { byId("spoken").textContent = text; }
function banner(text) { byId("banner").hidden = !text; byId("banner").textContent = text; }

function drawLight() { drawCharts(moving); drawKpis(); byId("answer").textContent = answerText(); }
function drawAll() {
  if (!latest.base) return;
  holding(() => { drawSwitches(); drawLight(); drawComparison(); drawWarnings(); drawAlone(); drawWhy(); drawCauses(); drawTools(); });
  byId("printed").textContent = `${scenarioTitle()} — ${t("against", {base: state.baseline})}. ${stamp()}. ${t("sources")}.`;
}
function drawSwitches() {
  byId("switches").replaceChildren(
    element("div", {role: "group", "aria-label": t("modes"), class: "row"}, ...MODES.map((each) => pressButton(t(each, {base: state.baseline}), state.view.mode === each, () => view({mode: each}), "mode-" + each))),
    element("label", {for: "fan-choice", class: "soft"}, t("uncertainty")),
    element("select", {id: "fan-choice", onchange: (event) => view({fan: event.target.value})}, ...FANS.map((each) => element("option", Object.assign({value: each}, each === state.view.fan ? {selected: ""} : {}), t("fans." + each)))),
    element("label", {for: "place", class: "soft"}, t("place")),
    element("select", {id: "place", onchange: (event) => { trail = []; view({place: event.target.value}); }}, ...content.places.map((each) => element("option", Object.assign({value: each.id}, each.id === state.view.place ? {selected: ""} : {}), each.label[language]))));
}
function drawBadge() {
  const badge = byId("check");
  if (!checked) { badge.textContent = t("checking"); return; }
  const good = checked.worst <= 1e-9;
  badge.className = good ? "good" : "bad";
  badge.textContent = good ? t("ok", {worst: checked.worst.toExponential(0)}) : t("checkFailed");
  badge.title = t(good ? "okLong" : "badLong", {n: checked.count, worst: checked.worst.toExponential(1)});
  byId("check-long").textContent = badge.title;
}
function drawTools() {
  const undo = byId("undo"), redo = byId("redo");
  undo.disabled = !past.length;
  redo.disabled = !future.length;
  undo.setAttribute("aria-label", past.length ? t("undoOf", {what: whatText(past[past.length - 1].what)}) : t("undo"));
  redo.setAttribute("aria-label", future.length ? t("redoOf", {what: whatText(future[future.length - 1].what)}) : t("redo"));
  undo.title = undo.getAttribute("aria-label");
  redo.title = redo.getAttribute("aria-label");
  const recent = past.slice(-12).reverse();
  byId("changes").replaceChildren(element("summary", {}, t("changes", {n: past.length})), element("ol", {}, ...recent.map((each, i) => element("li", {}, element("button", {type: "button", class: "small", onclick: () => { stepBack(i + 1); renew(); }}, whatText(each.what))))));
  byId("changes").hidden = !past.length;
}
function menu(name, entries) {
  const box = element("details", {class: "menu"}, element("summary", {}, t(name)), element("div", {}, ...entries.map(([label, act]) => element("button", {type: "button", onclick: () => { box.open = false; act(); }}, label))));
  box.addEventListener("keydown", (event) => { if (event.key === "Escape") { box.open = false; box.firstChild.focus(); } });
  box.addEventListener("focusout", (event) => { if (event.relatedTarget && !box.contains(event.relatedTarget)) box.open = false; });
  return box;
}
function build() {  // everything whose words depend on the language
  document.documentElement.lang = language;
  document.title = t("title");
  for (const id of ["title", "controls-title", "results-title", "compare-title", "caveats-title"]) byId(id).textContent = t(id);
  byId("quick").hidden = !content.quick;
  byId("quick").textContent = t("quick");
  byId("caveat-line").textContent = t("caveatLine");
  const picker = element("input", {type: "file", accept: ".toml", hidden: "", id: "picker", "aria-label": t("openToml"), onchange: (event) => { if (event.target.files.length) openToml(event.target.files[0]); event.target.value = ""; }});
  byId("tools").replaceChildren(
    element("button", {type: "button", id: "language", lang: language === "ru" ? "en" : "ru", onclick: () => { language = language === "ru" ? "en" : "ru"; holding(build); address(); say(""); }}, language === "ru" ? "English" : "Русский"),
    element("button", {type: "button", id: "undo", onclick: () => { stepBack(1); renew(); }}, "↶"), element("button", {type: "button", id: "redo", onclick: () => { stepForward(); renew(); }}, "↷"),
    element("button", {type: "button", id: "reset", onclick: () => change(["reset"], {...firstState(), view: state.view})}, t("reset")),
    ...(last && last !== encode() ? [element("button", {type: "button", id: "last", onclick: () => { const read = decode(last); if (read.state) change(["last"], read.state); byId("last").remove(); }}, t("last"))] : []),
    menu("share", [[t("saveCopy"), saveCopy], [t("link"), link], [t("toml"), () => showText(t("toml"), tomlText(), fileStem() + ".toml")],
      [t("command"), () => showText(t("command"), commandText(), null, t("commandNote", {name: fileStem() + ".toml"}))], [t("python"), () => showText(t("python"), pythonText(), null, t("commandNote", {name: fileStem() + ".toml"}))], [t("openToml"), () => picker.click()]]),
    menu("download", [[t("tomlFile"), () => save(fileStem() + ".toml", tomlText(), "application/toml")], [t("csv"), () => save("explorer.csv", csvText(language), "text/csv")], [t("csvRaw"), () => save("explorer-raw.csv", csvText("raw"), "text/csv")],
      [t("pngAll"), () => figures.forEach(savePicture)]]),
    element("button", {type: "button", id: "print", onclick: () => print()}, t("print")), picker);
  byId("lever-box").firstElementChild.textContent = t("levers");
  byId("more").firstElementChild.textContent = t("more", {n: visibleOutcomes().rest.length});
  byId("caveats").replaceChildren(...["scale", "unseen", "powers", "growth", "forms", "bands", "history"].map((each) => element("li", {}, t("caveat." + each, {n: DRAWS.length}))));
  byId("footer").textContent = `${t("stamp", {hash: content.hash.slice(0, CUT), version: content.version, seed: content.seed})}. ${t("method", {dt: numberText(content.dt, 3, false, language), states: content.kept.states, operations: content.kept.operations, step: percentText(100 * content.stepError, false, language)})} ${t("sources")}.`;
  buildLevers();
  refreshLevers();
  drawPresets();
  drawBadge();
  drawEngine();
  drawTools();
  drawAll();
}

let shownAddress = "";
function open(text) {
  const read = decode(text);
  if (!read.state) { banner(t("badAddress", {text: read.faults.join(", ")})); return; }
  state = read.state;
  language = read.language;
  const other = read.model && read.model !== content.hash.slice(0, CUT);
  banner([other ? t("otherModel", {other: read.model, own: content.hash.slice(0, CUT)}) : "", read.faults.length ? t("badAddress", {text: read.faults.join(", ")}) : ""].filter(Boolean).join(" "));
}
addEventListener("hashchange", () => {
  if (location.hash === shownAddress || location.hash.length < 2) return;
  const before = state;
  open(location.hash.slice(1));
  const after = state;
  state = before;
  remember(["link"], after);
  build();
  renew();
});
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.target.matches("input[type=text], textarea")) return;
  const redo = event.code === "KeyY" || event.code === "KeyZ" && event.shiftKey;
  if (!redo && event.code !== "KeyZ") return;
  event.preventDefault();
  if (redo) stepForward(); else stepBack(1);
  renew();
});
byId("more").addEventListener("toggle", () => { drawCharts(false); if (byId("more").open) askBands(); });

if (innerWidth < 768) byId("lever-box").open = false;  // on a narrow screen the results come before the sliders
const given = location.hash.length > 1 ? decodeURI(location.hash.slice(1)) : document.body.dataset.state || "";
if (given) open(given);
build();
begun = 0;
askRuns();
ask(live, {kind: "check", regimes: content.regimes.map((each) => forEngine(scenarioOf(each.id))).map((each) => ({...each, ramp: content.ramp.value}))});
settle();
requestAnimationFrame(() => { timings.ready = performance.now(); });
