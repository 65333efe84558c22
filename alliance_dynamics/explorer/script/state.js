/* What the reader has chosen: the present scenario, those put aside as A, B and C, the baseline and the view.  Every
   change has a name and can be taken back; all of it fits into an address. */
const SLOTS = ["A", "B", "C"], MODES = ["gap", "level", "index"], FANS = ["fan", "paths", "off"], MEMORY = 200;
const GROUPS = {
  powers: ["selection_power", "agenda_power", "information_power", "arbitration_power"],
  reach: ["programme_coverage", "interregional_orientation"],
  money: ["federal_appropriation", "federal_matching_share", "regional_co-funding_share", "target_joint_share"],
  people: ["target_coordinating_staff", "cluster_organisation_staff"],
  conduct: ["information_sharing_speed", "statutory_decision_time"],
  rules: ["voice_of_regions", "programme_volatility"],
};
const EXPERT = new Set(["regional_co-funding_share", "target_joint_share", "cluster_organisation_staff", "statutory_decision_time", "programme_volatility"]);
for (const each of content.outcomes) each.label = content.labels[each.id];
const leverAt = new Map(content.levers.map((each, k) => [each.id, k]));
const regimeOf = (id) => content.regimes.find((each) => each.id === id);

function scenarioOf(id) {
  const changes = new Map(regimeOf(id).changes);
  return {from: id, policy: changes.has(content.policy.column) ? changes.get(content.policy.column) : allianceModel.defaults[content.policy.column],
    parts: regimeOf(id).parts, levers: content.levers.map((each) => changes.has(each.column) ? changes.get(each.column) : allianceModel.defaults[each.column])};
}
function firstState() {
  return {now: scenarioOf(content.chosen), slots: {A: null, B: null, C: null}, ramp: content.ramp.value, baseline: content.baseline,
    view: {mode: "gap", fan: "fan", place: "alliance", year: 2040, why: "net_present_value"}};
}
let state = firstState(), past = [], future = [];
const forEngine = (scenario) => ({levers: scenario.levers, policy: scenario.policy, ramp: state.ramp, parts: scenario.parts});
const baseScenario = () => scenarioOf(state.baseline);
const sameParts = (a, b) => a.length === b.length && a.every((key) => b.includes(key));
const inTime = (scenario, k) => partsOf(scenario, k).some((key) => PARTS.get(key).path);
const isLike = (a, b, k) => a.levers[k] === b.levers[k] && sameParts(partsOf(a, k), partsOf(b, k));  // of one lever
function alike(a, b) { return a.policy === b.policy && sameParts(a.parts, b.parts) && a.levers.every((value, k) => value === b.levers[k]); }
function nameOf(scenario) { return scenario.from + (alike(scenario, scenarioOf(scenario.from)) ? "" : "*"); }

function whatText(what) {  // the name of a change, in the language of the moment: plain, or a key with values and labels
  if (typeof what === "string") return what;
  const [key, values] = what, said = {};
  for (const name of Object.keys(values || {})) said[name] = typeof values[name] === "object" ? values[name][language] : values[name];
  return t(key, said);
}
function remember(what, next, joined) {  // joined changes of one movement count as one
  if (joined && past.length && JSON.stringify(past[past.length - 1].what) === JSON.stringify(what)) { state = next; return; }
  past.push({what, state});
  if (past.length > MEMORY) past.shift();
  future = [];
  state = next;
}
function stepBack(count) {
  for (let n = 0; n < count && past.length; n++) { const {what, state: before} = past.pop(); future.push({what, state}); state = before; }
}
function stepForward() {
  if (!future.length) return;
  const {what, state: after} = future.pop();
  past.push({what, state});
  state = after;
}

function encodeScenario(scenario) {
  const preset = scenarioOf(scenario.from), changed = [];
  content.levers.forEach((each, k) => { if (scenario.levers[k] !== preset.levers[k]) changed.push(`${each.id}=${scenario.levers[k]}`); });
  if (!sameParts(scenario.parts, preset.parts)) changed.push(`parts=${scenario.parts.join(".")}`);
  return [`${scenario.from}@${scenario.policy}`, ...changed].join("+");
}
function decodeScenario(text, faults) {
  const [head, ...changes] = text.split("+"), [from, policy] = head.split("@");
  if (!regimeOf(from)) { faults.push(from); return null; }
  const scenario = scenarioOf(from);
  scenario.policy = yearOnGrid(Number(policy));
  if (!Number.isFinite(scenario.policy)) { faults.push(head); scenario.policy = scenarioOf(from).policy; }
  for (const change of changes) {
    if (change.startsWith("parts=")) {
      const keys = change.slice(6).split(".").filter(Boolean);
      scenario.parts = keys.filter((key) => PARTS.has(key));
      faults.push(...keys.filter((key) => !PARTS.has(key)));
      continue;
    }
    const [id, value] = change.split("="), k = leverAt.get(id), number = Number(value);
    if (k === undefined || value === undefined || value === "" || !inRange(k, number)) faults.push(change);
    else scenario.levers[k] = number;
  }
  return scenario;
}
function yearOnGrid(year) {
  const held = Math.min(Math.max(year, content.policy.low), content.policy.high);
  return Math.round(held / content.dt) * content.dt;
}
function rampOnGrid(years) {
  const held = Math.min(Math.max(years, content.ramp.low), content.ramp.high);
  return Math.round(held / content.dt) * content.dt;
}
function inRange(k, value) { const each = content.levers[k]; return Number.isFinite(value) && value >= Math.min(each.lowest, each.low) && value <= each.high; }
function encode() {
  const view = state.view, kept = SLOTS.filter((slot) => state.slots[slot]).map((slot) => `${slot}=${encodeScenario(state.slots[slot])}`);
  return ["v1", `m=${content.hash.slice(0, 12)}`, `l=${language}`, `b=${state.baseline}`, `v=${view.mode}`, `u=${view.fan}`, `p=${view.place}`, `y=${view.year}`,
    `w=${encodeURIComponent(view.why)}`, `ramp=${state.ramp}`, `N=${encodeScenario(state.now)}`, ...kept].join(";");
}
function decode(text) {  // {state, language, model, faults}: what could not be read is named, never dropped silently
  const [version, ...parts] = text.split(";"), faults = [], next = firstState();
  const read = new Map(parts.map((each) => [each.slice(0, each.indexOf("=")), each.slice(each.indexOf("=") + 1)]));
  if (version !== "v1" || !read.has("N")) return {state: null, faults: [text.slice(0, 60)]};
  const take = (key, allowed, set) => { if (!read.has(key)) return; if (allowed(read.get(key))) set(read.get(key)); else faults.push(`${key}=${read.get(key)}`); };
  take("b", regimeOf, (value) => { next.baseline = value; });
  take("v", (value) => MODES.includes(value), (value) => { next.view.mode = value; });
  take("u", (value) => FANS.includes(value), (value) => { next.view.fan = value; });
  take("p", (value) => content.places.some((each) => each.id === value), (value) => { next.view.place = value; });
  take("y", (value) => content.milestones.includes(Number(value)), (value) => { next.view.year = Number(value); });
  take("w", (value) => content.outcomes.some((each) => each.id === decodeURIComponent(value)), (value) => { next.view.why = decodeURIComponent(value); });
  take("ramp", (value) => Number.isFinite(Number(value)), (value) => { next.ramp = rampOnGrid(Number(value)); });
  for (const key of ["N", ...SLOTS]) {
    if (!read.has(key)) continue;
    const scenario = decodeScenario(read.get(key), faults);
    if (scenario && key === "N") next.now = scenario;
    else if (scenario) next.slots[key] = scenario;
  }
  const known = new Set(["m", "l", "b", "v", "u", "p", "y", "w", "ramp", "N", ...SLOTS]);
  for (const key of read.keys()) if (!known.has(key)) faults.push(key);
  return {state: next, language: read.get("l") === "en" ? "en" : "ru", model: read.get("m"), faults};
}
