/* Regimes as presets and levers as sliders, each with a field for its number, its baseline, its evidence and a reset. */
const stepOf = (each) => each.high >= 10 ? 1 : each.high - each.low > 2 ? 0.05 : each.high - each.low > 1 ? 0.05 : 0.01;
const rows = new Map();
let moving = false;

function parseNumber(text) {  // `0,85` and `0.85`; NaN for anything else
  const plain = text.trim().replace(/[\s\u00a0\u202f]/g, "").replace(MINUS, "-").replace(",", ".");
  return /^-?(\d+\.?\d*|\.\d+)$/.test(plain) ? Number(plain) : NaN;
}
function leverNumber(value) { return numberText(value, Math.min(6, (String(value).split(".")[1] || "").length), false, language); }
function wordOf(each, value) { return t("range." + Math.min(4, Math.max(0, Math.floor(5 * (value - each.low) / (each.high - each.low) + 1e-9)))); }

function controlOf(id) {  // what a slider moves: a lever, the policy year or the ramp
  if (id === "policy") {
    return {id, label: {ru: texts.ru.policy, en: texts.en.policy}, about: t("policyAbout"), unit: "", low: content.policy.low, lowest: content.policy.low, high: content.policy.high,
      step: 1, get: (from) => from.now.policy, base: () => baseScenario().policy, preset: () => scenarioOf(state.now.from).policy, fit: yearOnGrid,
      set: (value) => ({...state, now: {...state.now, policy: value}})};
  }
  if (id === "ramp") {
    return {id, label: {ru: texts.ru.ramp, en: texts.en.ramp}, about: t("rampAbout"), unit: "Year", low: content.ramp.low, lowest: content.ramp.low, high: content.ramp.high,
      step: 0.5, get: (from) => from.ramp, base: () => content.ramp.value, preset: () => content.ramp.value, fit: rampOnGrid, set: (value) => ({...state, ramp: value})};
  }
  const k = leverAt.get(id), each = content.levers[k];
  const about = [each.explanation[language], t("evidence", {low: leverNumber(each.low), high: leverNumber(each.high), grade: t("grade." + each.grade)}), `${t("source")}: ${t("evidence_of." + id)}.`].join(" ");
  return {id, label: each.label, about, unit: each.unit, low: each.low, lowest: Math.min(each.lowest, each.low), high: each.high, step: stepOf(each), word: (value) => wordOf(each, value),
    get: (from) => from.now.levers[k], base: () => baseScenario().levers[k], preset: () => scenarioOf(state.now.from).levers[k], fit: (value) => value,
    told: (from) => partsOf(from.now, k).map((key) => partText(PARTS.get(key), each)), fixed: (from) => inTime(from.now, k), differs: (from) => !isLike(from.now, scenarioOf(from.now.from), k),
    restore: () => ({...state, now: {...state.now, levers: withValue(state.now, k, scenarioOf(state.now.from).levers[k]), parts: [...state.now.parts.filter((key) => PARTS.get(key).lever !== k), ...partsOf(scenarioOf(state.now.from), k)]}}),
    set: (value) => ({...state, now: {...state.now, levers: withValue(state.now, k, value), parts: state.now.parts.filter((key) => PARTS.get(key).lever !== k || !PARTS.get(key).path)}})};
}
const withValue = (scenario, k, value) => scenario.levers.map((old, i) => i === k ? value : old);
const yearText = (year) => String(year).replace(".", language === "ru" ? "," : ".");
function yearsText(years) { return amount(years, "Year", (String(years).split(".")[1] || "").length); }
function pathText(path) {  // a lever in time, in words
  const said = path.points ? [path.points.map(([year, value]) => `${yearText(year)} — ${leverNumber(value)}`).join("; ") + (path.step ? ` (${t("path.step")})` : "")] : [leverNumber(path.value)];
  if (path.start !== undefined) said.push(t("path.start", {year: yearText(path.start)}));
  if (path.ramp !== undefined) said.push(t("path.ramp", {years: yearsText(path.ramp)}));
  return said.join(", ");
}
function partText(part, lever) {
  if (part.path) return t("path.is", {path: pathText(part.path)});
  const {kind, year, length, factor, add, id} = part.event, unit = unitText(lever.unit);
  const what = factor === undefined ? t("event.add", {add: numberText(add, Math.min(6, (String(add).split(".")[1] || "").length), true, language) + (unit ? FIXED + unit : "")}) : t("event.factor", {factor: leverNumber(factor)});
  return t("event." + kind, {id, what, year: yearText(year), years: length === undefined ? "" : yearsText(length)});
}
function othersText(part) {  // what a scenario sets besides levers, the first few by name
  const said = part.values.slice(0, 4).map(([, , value, label]) => `${label[language]} = ${leverNumber(value)}`);
  if (part.ramp !== undefined) said.unshift(`${t("ramp")} — ${yearsText(part.ramp)}`);
  if (part.values.length > 4) said.push(t("andMore", {n: part.values.length - 4}));
  return t("sets", {what: said.join("; ")});
}
function leverText(scenario, k) {  // a number, or the path and the events that stand for it
  const parts = partsOf(scenario, k), number = inTime(scenario, k) ? [] : [leverNumber(scenario.levers[k])];
  return [...number, ...parts.map((key) => PARTS.get(key).path ? pathText(PARTS.get(key).path) : partText(PARTS.get(key), content.levers[k]))].join("; ");
}
function leverRow(id) {
  const control = controlOf(id), label = control.label[language];
  const range = element("input", {type: "range", id: "lever-" + id, min: control.lowest, max: control.high, step: control.step, "aria-describedby": "about-" + id});
  const field = element("input", {type: "text", inputmode: "decimal", id: "field-" + id, class: "field", autocomplete: "off", "aria-label": t("exact", {lever: label})});
  const reset = element("button", {type: "button", class: "small reset", "aria-label": t("resetOne", {lever: label}), title: t("resetOne", {lever: label})}, "↺");
  const unit = element("span", {class: "unit"}), word = element("span", {class: "word"}), tick = element("i", {class: "tick", "aria-hidden": "true"}), dot = element("span", {class: "dot", "aria-hidden": "true"}, "●");
  const about = element("p", {id: "about-" + id, class: "about", hidden: ""}, control.about), told = element("p", {class: "told", id: "told-" + id});
  const ask = element("button", {type: "button", class: "small ask", "aria-label": t("aboutOne", {lever: label}), "aria-expanded": "false", "aria-controls": "about-" + id}, "?");
  ask.addEventListener("click", () => { about.hidden = !about.hidden; ask.setAttribute("aria-expanded", String(!about.hidden)); });
  const box = element("div", {class: "lever", id: "row-" + id},
    element("div", {class: "head"}, element("label", {for: "lever-" + id}, label), dot, reset, field, unit, ask),
    element("div", {class: "track"}, range, tick), word, told, about);
  const apply = (value, joined) => change(["changed", {lever: control.label}], control.set(control.fit(value)), joined);
  range.addEventListener("input", () => { const first = !moving; moving = true; apply(Number(range.value), !first); });
  range.addEventListener("change", () => { moving = false; settle(); });
  field.addEventListener("change", () => {
    const value = parseNumber(field.value);
    const good = Number.isFinite(value) && value >= control.lowest && value <= control.high;
    field.setAttribute("aria-invalid", String(!good));
    if (good) apply(value);
    else { say(t("outside", {lever: label, low: leverNumber(control.lowest), high: leverNumber(control.high)})); refreshLevers(); }
  });
  reset.addEventListener("click", () => { if (control.restore) change(["changed", {lever: control.label}], control.restore()); else apply(control.preset()); range.focus(); });
  rows.set(id, {control, range, field, reset, unit, word, told, tick, dot, box});
  return box;
}
function buildLevers() {
  rows.clear();
  const group = (name, ids) => element("fieldset", {}, element("legend", {}, t("groups." + name)), ...ids.map(leverRow));
  const plain = Object.entries(GROUPS).map(([name, ids]) => [name, ids.filter((id) => !EXPERT.has(id))]).filter(([, ids]) => ids.length);
  const open = byId("levers").querySelector("details.expert");
  byId("levers").replaceChildren(group("time", ["policy", "ramp"]), ...plain.map(([name, ids]) => group(name, ids)),
    element("details", Object.assign({class: "expert"}, open && open.open ? {open: ""} : {}), element("summary", {}, t("expert")), ...Array.from(EXPERT, leverRow)));
}
function refreshLevers() {
  for (const {control, range, field, reset, unit, word, told, tick, dot, box} of rows.values()) {
    const value = control.get(state), base = control.base(), changed = control.differs ? control.differs(state) : value !== control.preset();
    const parts = control.told ? control.told(state) : [];
    if (document.activeElement !== range || Number(range.value) !== value) range.value = value;
    const shown = control.id === "policy" ? String(value) : leverNumber(value), name = control.unit ? unitText(control.unit, shown) : "";
    if (document.activeElement !== field || !moving) field.value = shown;
    unit.textContent = name;
    word.textContent = control.word ? control.word(value) : "";
    told.textContent = parts.length && control.fixed(state) ? parts.join(". ") + ". " + t("path.move") : parts.join(". ");
    told.hidden = !parts.length;
    box.classList.toggle("in-time", !!control.fixed && control.fixed(state));
    range.setAttribute("aria-valuetext", [shown, name, control.word ? control.word(value) : "", told.textContent].filter(Boolean).join(" "));
    tick.style.left = `${100 * (base - control.lowest) / (control.high - control.lowest)}%`;
    tick.title = t("baseTick", {base: state.baseline});
    dot.hidden = !changed;
    reset.hidden = !changed;
    box.classList.toggle("changed", changed);
  }
}
function drawPresets() {
  byId("presets").replaceChildren(...content.regimes.map((each) => {
    const pressed = state.now.from === each.id && alike(state.now, scenarioOf(each.id));
    return element("button", {type: "button", id: "preset-" + each.id, "aria-pressed": String(pressed), onclick: () => change(each.id, {...state, now: scenarioOf(each.id)})},
      element("b", {}, each.id), " ", each.title[language]);
  }));
  const others = partsOf(state.now, OTHERS).map((key) => othersText(PARTS.get(key)));
  byId("story").textContent = [alike(state.now, scenarioOf(state.now.from)) ? "" : t("own", {from: state.now.from}), regimeOf(state.now.from).story[language] || "", ...others].filter(Boolean).join(" ");
  byId("slots").replaceChildren(element("span", {class: "soft"}, t("keepAs")), ...SLOTS.map((slot) => {
    const kept = state.slots[slot];
    const put = element("button", {type: "button", id: "keep-" + slot, class: `slot ${slot}`, "aria-label": t("keepIn", {slot}), onclick: () => change(["keepIn", {slot}], {...state, slots: {...state.slots, [slot]: state.now}})}, slot);
    if (!kept) return put;
    return element("span", {class: "kept"}, put, element("button", {type: "button", class: "small", "aria-label": t("load", {slot}), onclick: () => change(["load", {slot}], {...state, now: kept})}, nameOf(kept)),
      element("button", {type: "button", class: "small", "aria-label": t("drop", {slot}), onclick: () => { change(["drop", {slot}], {...state, slots: {...state.slots, [slot]: null}}); byId("keep-" + slot).focus(); }}, "×"));
  }));
  byId("baseline").replaceChildren(element("label", {for: "baseline-choice"}, t("baseline") + ": "), element("select", {id: "baseline-choice", onchange: (event) => change(["baselineIs", {base: event.target.value}], {...state, baseline: event.target.value})},
    ...content.regimes.map((each) => element("option", Object.assign({value: each.id}, each.id === state.baseline ? {selected: ""} : {}), each.id))));
}
