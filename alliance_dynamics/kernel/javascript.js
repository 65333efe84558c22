"use strict";
const /*NAME*/ = (function () {
const parameters = /*PARAMETERS*/;
const defaults = Float64Array.of(/*DEFAULTS*/);
const vary = /*VARY*/;
const outputs = /*OUTPUTS*/;
const control = /*CONTROL*/;
const counts = /*COUNTS*/;
const varied = new Set(vary);
const places = new Map(parameters.map((name, at) => [name, at]));
const methods = {
  euler: {nodes: [0], weights: [1], divisor: 1},
  rk2: {nodes: [0, 1], weights: [1, 1], divisor: 2},
  rk4: {nodes: [0, 0.5, 0.5, 1], weights: [1, 2, 2, 1], divisor: 6},
};

const V = new Float64Array(counts.step), S = new Float64Array(counts.start), F = new Float64Array(/*FROZEN_COUNT*/);
const X = new Float64Array(counts.integrated + counts.held), base = new Float64Array(counts.integrated);
const K = new Float64Array(counts.integrated), total = new Float64Array(counts.integrated);
const N = new Float64Array(counts.held), O = new Float64Array(outputs.length), P = new Float64Array(defaults.length);
const Z = new Float64Array(2);  // the time and that of the step; numbers that change often stay in arrays
let step = 0, dt = 1, lastStep = 0, R = [], streams = new Map();

/* Engines take long for Math.pow.  Exponents that are whole or halves keep it, for their results may be exact, and so does
   what is so large or small that rounding of the logarithm would tell. */
function power(x, y) {
  const exponent = y * Math.log(x), twice = 2 * y;
  if (Math.abs(exponent) < 30 && x >= 2.2250738585072014e-308 && twice !== Math.floor(twice)) return Math.exp(exponent);
  return x === 1 ? 1 : Math.pow(x, y);
}
function powers(x, y, u, v) {
  const exponent = y * Math.log(x) + v * Math.log(u), least = 2.2250738585072014e-308;
  const usual = Math.abs(exponent) < Infinity && x >= least && u >= least && x < Infinity && u < Infinity;
  return usual ? Math.exp(exponent) : power(x, y) * power(u, v);
}
function modulo(x, y) { return Math.abs(x / y) < 9007199254740992 ? x % y : NaN; }
function sine(x) { return Math.abs(x) <= 1e5 ? Math.sin(x) : NaN; }
function cosine(x) { return Math.abs(x) <= 1e5 ? Math.cos(x) : NaN; }
function tangent(x) { return Math.abs(x) <= 1e5 ? Math.tan(x) : NaN; }

function lookUp(table, given) {
  if (given !== given) return NaN;
  const x = given < table.low ? table.low : given > table.high ? table.high : given;
  const breaks = table.breaks;
  let low = 0, high = breaks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (breaks[middle] <= x) low = middle + 1; else high = middle;
  }
  return table.slope === null ? table.y[low] : table.y[low] + table.slope[low] * (x - table.x[low]);
}

function ring(initial, length) {
  const steps = Math.floor((length !== length ? 0 : length) / dt + 0.5);
  const slots = Math.min(Math.max(steps, 1), lastStep + 1);
  const entries = new Float64Array(slots).fill(length >= 0 ? initial : NaN);
  return {read: (at) => entries[at % slots], write: (at, value) => { entries[at % slots] = value; }};
}

const GOLDEN = 0x9E3779B97F4A7C15n, MASK = 0xFFFFFFFFFFFFFFFFn;
function mix(z) {
  z = ((z ^ (z >> 30n)) * 0xBF58476D1CE4E5B9n) & MASK;
  z = ((z ^ (z >> 27n)) * 0x94D049BB133111EBn) & MASK;
  return z ^ (z >> 31n);
}
function stream(seed, run, draw) {
  const begin = mix((BigInt(seed) + GOLDEN) & MASK);
  const perRun = mix((begin + GOLDEN * (BigInt(run) + 1n)) & MASK);
  return mix((perRun + GOLDEN * BigInt(draw + 1)) & MASK);
}
function uniform(key, at) {
  return (Number(mix((key + GOLDEN * BigInt(at + 1)) & MASK) >> 12n) + 0.5) * 2 ** -52;
}

const tables = [
/*TABLES*/];
const draws = /*DRAWS*/;

/*START*/
/*RUN*/
/*TIME*/
/*STEP*/
/*STAGE*/
/*CAPTURE*/
/*SAVE*/
function setInitials() {
/*INITIALS*/}
function setFrozen() {
/*FROZEN*/}
function makeRings() {
return [
/*RINGS*/];
}
function rates() {
/*RATES*/}
function next() {
/*NEXT*/}
function feedRings() {
/*RING_INPUTS*/}
function saved() {
/*SAVED*/}

function finite(array) {
  for (let i = 0; i < array.length; i++) if (array[i] - array[i] !== 0) return false;
  return true;
}

function controlled(name, otherwise) {
  return control[name] >= 0 ? P[control[name]] : otherwise;
}

/* One run.  values: name -> number, or an array of all parameters; seed and run number the noise; start, stop, dt,
   saveper and method stand in for the model's own.  keepAt: a saved time whose state is returned as `kept`; from: such a
   state, from which a run goes on that had the same past, with the saves from there on. */
function run(options) {
  const given = options || {};
  P.set(defaults);
  if (Array.isArray(given.values) || ArrayBuffer.isView(given.values)) {
    if (given.values.length !== P.length) throw new RangeError("expected " + P.length + " parameters");
    P.set(given.values);
  } else {
    for (const name of Object.keys(given.values || {})) {
      const at = places.get(name);
      if (at === undefined) throw new RangeError("no parameter " + JSON.stringify(name));
      P[at] = given.values[name];
    }
  }
  for (let i = 0; i < P.length; i++) {
    if (P[i] - P[i] !== 0) throw new RangeError("not a finite number: " + JSON.stringify(parameters[i]));
    if (vary !== null && P[i] !== defaults[i] && !varied.has(i))
      throw new RangeError("written as a constant: " + JSON.stringify(parameters[i]));
  }
  const start = given.start === undefined ? controlled("initial_time", 0) : given.start;
  const stop = given.stop === undefined ? controlled("final_time", 1) : given.stop;
  dt = given.dt === undefined ? controlled("time_step", 1) : given.dt;
  const saveper = given.saveper === undefined ? controlled("saveper", dt) : given.saveper;
  const perSave = Math.max(1, Math.round(saveper / dt));
  const method = methods[given.method || /*METHOD*/];
  if (!(dt > 0) || !(stop >= start) || method === undefined || Math.abs(perSave * dt - saveper) > 1e-9 * saveper)
    throw new RangeError("the times or the method of the run cannot be used");
  lastStep = Math.floor((stop - start) / dt + 1e-9);
  const from = given.from || null, first = from === null ? 0 : from.step / perSave;
  const keepStep = given.keepAt === undefined ? -1 : Math.round((given.keepAt - start) / dt);
  let failed = -1, kept = null;
  streams = new Map(draws.map((each) => [each[1], stream(given.seed || 0, given.run || 0, each[1])]));
  const width = outputs.length, count = counts.integrated, saves = Math.floor(lastStep / perSave) + 1 - first;
  const values = new Float64Array(saves * width), times = new Float64Array(saves);
  step = 0;
  Z[0] = Z[1] = start;
  if (from === null) {
    start_();
    setInitials();
    setFrozen();
  } else {
    X.set(from.states);
    F.set(from.frozen);
  }
  R = makeRings();
  if (from !== null && (R.length || from.step % perSave !== 0)) throw new RangeError("the run cannot go on from there");
  base.set(X.subarray(0, count));
  run_();
  for (step = first * perSave; step <= lastStep - lastStep % perSave; step++) {
    Z[1] = Z[0] = start + step * dt;
    if (step === keepStep) kept = {step, states: X.slice(), frozen: F.slice()};
    time_();
    step_();
    stage_();
    rates();
    capture_();
    next();
    feedRings();
    if (step % perSave === 0) {
      const at = step / perSave - first;
      save_();
      saved();
      values.set(O, at * width);
      times[at] = Z[1];
      if (failed < 0 && !(finite(X) && finite(O))) failed = at;
    }
    if (step === lastStep) break;
    for (let i = 0; i < count; i++) total[i] = method.weights[0] * K[i];
    for (let s = 1; s < method.nodes.length; s++) {
      const node = method.nodes[s], weight = method.weights[s];
      for (let i = 0; i < count; i++) X[i] = base[i] + node * dt * K[i];
      Z[0] = Z[1] + node * dt;
      time_();
      stage_();
      rates();
      for (let i = 0; i < count; i++) total[i] += weight * K[i];
    }
    const scale = dt / method.divisor;
    for (let i = 0; i < count; i++) {
      base[i] += scale * total[i];
      if (i >= count - counts.nonNegative && base[i] < 0) base[i] = 0;
      X[i] = base[i];
    }
    for (let i = 0; i < counts.held; i++) X[count + i] = N[i];
  }
  return {times, values, failed, outputs, kept, frozen: F.slice(), of: (name) => {
    const at = outputs.indexOf(name);
    if (at < 0) throw new RangeError("no output " + JSON.stringify(name));
    return values.filter((_, i) => i % width === at);
  }};
}

return {hash: /*HASH*/, parameters, defaults, outputs, vary: vary === null ? null : vary.map((at) => parameters[at]), run,
  tools: {lookUp, power, modulo, sine, cosine, tangent}};
})();
if (typeof module !== "undefined") module.exports = /*NAME*/;
