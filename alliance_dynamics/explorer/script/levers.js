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
    set: (value) => ({...state, now: {...state.now, levers: state.now.levers.map((old, i) => i === k ? value : old)}})};
}
function leverRow(id) {
  const control = controlOf(id), label = control.label[language];
  const range = element("input", {type: "range", id: "lever-" + id, min: control.lowest, max: control.high, step: control.step, "aria-describedby": "about-" + id});
  const field = element("input", {type: "text", inputmode: "decimal", id: "field-" + id, class: "field", autocomplete: "off", "aria-label": t("exact", {lever: label})});
  const reset = element("button", {type: "button", class: "small reset", "aria-label": t("resetOne", {lever: label}), title: t("resetOne", {lever: label})}, "↺");
  const unit = element("span", {class: "unit"}), word = element("span", {class: "word"}), tick = element("i", {class: "tick", "aria-hidden": "true"}), dot = element("span", {class: "dot", "aria-hidden": "true"}, "●");
  const about = element("p", {id: "about-" + id, class: "about", hidden: ""}, control.about);
  const ask = element("button", {type: "button", class: "small ask", "aria-label": t("aboutOne", {lever: label}), "aria-expanded": "false", "aria-controls": "about-" + id}, "?");
  ask.addEventListener("click", () => { about.hidden = !about.hidden; ask.setAttribute("aria-expanded", String(!about.hidden)); });
  const box = element("div", {class: "lever", id: "row-" + id},
    element("div", {class: "head"}, element("label", {for: "lever-" + id}, label), dot, reset, field, unit, ask),
    element("div", {class: "track"}, range, tick), word, about);
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
  reset.addEventListener("click", () => { apply(control.preset()); range.focus(); });
  rows.set(id, {control, range, field, reset, unit, word, tick, dot, box});
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
  for (const {control, range, field, reset, unit, word, tick, dot, box} of rows.values()) {
    const value = control.get(state), base = control.base(), changed = value !== control.preset();
    if (document.activeElement !== range || Number(range.value) !== value) range.value = value;
    const shown = control.id === "policy" ? String(value) : leverNumber(value), name = control.unit ? unitText(control.unit, shown) : "";
    if (document.activeElement !== field || !moving) field.value = shown;
    unit.textContent = name;
    word.textContent = control.word ? control.word(value) : "";
    range.setAttribute("aria-valuetext", [shown, name, control.word ? control.word(value) : ""].filter(Boolean).join(" "));
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
  byId("story").textContent = (alike(state.now, scenarioOf(state.now.from)) ? "" : t("own", {from: state.now.from}) + " ") + (regimeOf(state.now.from).story[language] || "");
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
