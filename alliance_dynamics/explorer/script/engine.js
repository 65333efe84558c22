/* What the page computes, away from its drawing: runs, bands over draws, attribution, causes.  The same text runs in
   workers and, where a browser allows none, in the page.  A scenario here is {levers, policy, ramp, parts}. */
const DRAWS = (function () {  // [draw][column of content.moved], from whole numbers between the ends of each column
  const {low, high, signs, packed} = content.draws, width = content.moved.length, base = signs.length;
  const digit = (at) => signs.indexOf(packed[at]);
  return Array.from({length: packed.length / 2 / width}, (_, draw) => Float64Array.from(content.moved, (_, k) => {
    const at = 2 * (draw * width + k);
    return low[k] + (high[k] - low[k]) * ((base * digit(at) + digit(at + 1)) / (base * base - 1));
  }));
})();
const YEARS = Float64Array.from({length: content.years[1] - content.years[0] + 1}, (_, at) => content.years[0] + at);
const PARTS = new Map(content.parts.map((each) => [each.key, each]));  // levers in time, events and more, by key
function partsOf(scenario, lever) { return scenario.parts.filter((key) => PARTS.get(key).lever === lever); }
const T = YEARS.length, K = content.outcomes.length;

function rowOf(scenario, draw) {
  const row = Float64Array.from(allianceModel.defaults);
  if (draw !== undefined) content.moved.forEach((column, k) => { row[column] = DRAWS[draw][k]; });
  content.levers.forEach((each, k) => { row[each.column] = scenario.levers[k]; });
  row[content.policy.column] = scenario.policy;
  row[content.ramp.column] = scenario.ramp;
  for (const key of scenario.parts) for (const [column, value] of PARTS.get(key).set) row[column] = value;
  return row;
}
const pasts = new Map(), PASTS = 3;  // levers act from the policy year on: what scenarios of one policy year share is run once
function pastsOf(scenario) {  // by draw; present values count from the policy year, and conditions may act at any time
  const name = `${scenario.policy} ${partsOf(scenario, OTHERS)}`, found = pasts.get(name) || new Map();
  pasts.delete(name);
  pasts.set(name, found);
  if (pasts.size > PASTS) pasts.delete(pasts.keys().next().value);
  return found;
}
function runOf(scenario, draw) {  // all outcomes by year, [outcome * T + year]; null for a run that diverges
  const year = Math.floor(Math.min(scenario.policy, content.common)), past = pastsOf(scenario), known = past.get(draw), first = known ? year - content.years[0] : 0;
  if (known === null) return null;
  const run = allianceModel.run({values: rowOf(scenario, draw), keepAt: year, from: known && known.kept}), width = allianceModel.outputs.length;
  const series = new Float64Array(K * T);
  content.outcomes.forEach((outcome, k) => {
    if (known) series.set(known.series.subarray(k * T, k * T + first), k * T);
    for (const [output, weight] of outcome.sums) for (let at = first; at < T; at++) series[k * T + at] += weight * run.values[(at - first) * width + output];
  });
  if (!known) past.set(draw, run.failed < 0 || run.failed > year - content.years[0] ? {kept: run.kept, series} : null);
  return run.failed < 0 ? series : null;
}
function quantile(sorted, share) {
  const at = share * (sorted.length - 1), low = Math.floor(at), next = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (at - low) * (sorted[next] - sorted[low]);
}
function shownAs(mode, value, base) { return mode === "gap" ? value - base : mode === "index" ? 100 * value / base : value; }

const ENDS = [0.05, 0.25, 0.5, 0.75, 0.95], COARSE = 50, PATHS = 20;
const keptDraws = new Map(), KEPT = 8;  // scenario as text -> runs by draw, last used last: another view needs no new runs
function drawsOf(scenario) {
  const key = JSON.stringify(scenario), found = keptDraws.get(key) || Array(DRAWS.length).fill(undefined);
  keptDraws.delete(key);
  keptDraws.set(key, found);
  if (keptDraws.size > KEPT) keptDraws.delete(keptDraws.keys().next().value);
  return found;
}
function spread(message, count) {  // quantiles of the first draws, of what is shown and of the gaps at the milestones
  const now = drawsOf(message.scenario), base = drawsOf(message.base), pairs = [];
  for (let draw = 0; draw < count; draw++) if (now[draw] && base[draw]) pairs.push([now[draw], base[draw]]);
  const found = {count: pairs.length, all: DRAWS.length, failed: count - pairs.length, bands: {}, gaps: {}, paths: {}, rouble: {}};
  if (!pairs.length) return found;
  const values = new Float64Array(pairs.length);
  for (const k of message.outcomes) {
    const band = ENDS.map(() => new Float64Array(T));
    for (let at = 0; at < T; at++) {
      pairs.forEach(([a, b], i) => { values[i] = shownAs(message.mode, a[k * T + at], b[k * T + at]); });
      values.sort();
      ENDS.forEach((share, end) => { band[end][at] = quantile(values, share); });
    }
    found.bands[k] = band;
    found.paths[k] = pairs.slice(0, PATHS).map(([a, b]) => Float64Array.from(YEARS, (_, at) => shownAs(message.mode, a[k * T + at], b[k * T + at])));
    found.gaps[k] = {};
    for (const year of content.milestones) {
      const at = year - content.years[0], better = content.outcomes[k].better;
      let hits = 0;
      pairs.forEach(([a, b], i) => {
        values[i] = a[k * T + at] - b[k * T + at];
        hits += better * values[i] > 0 ? 1 : values[i] === 0 ? 0.5 : 0;
      });
      values.sort();
      found.gaps[k][year] = {low: quantile(values, 0.05), middle: quantile(values, 0.5), high: quantile(values, 0.95), better: hits / pairs.length};
    }
  }
  for (const year of content.milestones) {  // additional product for each additional rouble of public money, both discounted
    const at = year - content.years[0], [value, cost] = message.rouble, gap = ([a, b], k) => a[k * T + at] - b[k * T + at];
    const costly = pairs.filter((pair) => Math.abs(gap(pair, cost)) >= content.noCost), dearer = costly.filter((pair) => gap(pair, cost) > 0).length;
    const ratios = Float64Array.from(costly, (pair) => 1 + gap(pair, value) / gap(pair, cost)).sort();
    found.rouble[year] = {defined: costly.length / pairs.length, dearer: dearer / pairs.length, low: quantile(ratios, 0.05), middle: quantile(ratios, 0.5), high: quantile(ratios, 0.95)};
  }
  return found;
}
let aide = null;  // the way to a second worker, which runs some of the draws meanwhile
function* filled(scenarios, least, told) {  // every draw of some scenarios; tells once when the first `least` are there
  const lists = scenarios.map(drawsOf), lacks = (draw) => lists.some((list) => list[draw] === undefined);
  const missing = Array.from(DRAWS.keys()).filter(lacks), mine = aide ? missing.filter((_, i) => i % 2 === 0) : missing;
  const others = missing.filter((draw) => !mine.includes(draw));
  let waits = missing.some((draw) => draw < least);
  if (others.length) aide.postMessage({kind: "draws", scenarios: scenarios.filter((_, i) => missing.some((draw) => lists[i][draw] === undefined)), draws: others});
  for (const draw of [...mine, ...others.reverse()]) {  // what the other worker has not sent by then is run here too
    for (const [i, list] of lists.entries()) if (list[draw] === undefined) { list[draw] = runOf(scenarios[i], draw); yield; }
    if (waits && !missing.some((each) => each < least && lacks(each))) { waits = false; if (missing.some(lacks)) { told(); yield; } }
  }
}
function* draws(message, send) {  // asked by another worker
  for (const draw of message.draws) { send({draw, runs: message.scenarios.map((each) => [each, runOf(each, draw)])}); yield; }
}
function take(answer) {  // what is no longer asked for is dropped
  for (const [scenario, run] of answer.runs) { const list = keptDraws.get(JSON.stringify(scenario)); if (list) list[answer.draw] = run; }
}
function* bands(message, send) {
  yield* filled([message.base, message.scenario], COARSE, () => send(spread(message, COARSE)));
  send(spread(message, DRAWS.length));
}

function* alone(message, send) {  // of each lever by itself: the outcome less that with the lever as in the base, draw by draw
  const {scenario, base, outcome, year} = message, at = outcome * T + year - content.years[0], better = content.outcomes[outcome].better;
  const without = message.levers.map((k) => ({...scenario, levers: scenario.levers.map((value, i) => i === k ? base.levers[k] : value),
    parts: [...scenario.parts.filter((key) => PARTS.get(key).lever !== k), ...partsOf(base, k)]}));
  const tell = (count) => {
    const now = drawsOf(scenario);
    const effects = without.map((each) => {
      const other = drawsOf(each), values = [];
      for (let draw = 0; draw < count; draw++) if (now[draw] && other[draw]) values.push(now[draw][at] - other[draw][at]);
      const helps = values.reduce((sum, value) => sum + (better * value > 0 ? 1 : value === 0 ? 0.5 : 0), 0) / values.length, sorted = Float64Array.from(values).sort();
      return {low: quantile(sorted, 0.05), middle: quantile(sorted, 0.5), high: quantile(sorted, 0.95), helps, count: values.length};
    });
    send({levers: message.levers, effects, count, outcome, year});
  };
  yield* filled([scenario, ...without], COARSE, () => tell(COARSE));
  tell(DRAWS.length);
}

const OTHERS = -1, START = -2;  // players that are no lever: what a scenario sets besides levers, the starting year
function* shares(message, send) {  // Shapley: the mean over all orders in which the players go from the base to the scenario
  const count = message.players.length, total = 2 ** count, runs = [];
  const mixed = (members) => {
    const made = {...message.base, levers: message.base.levers.slice()};
    message.players.forEach((player, p) => {
      if (!(members >> p & 1)) return;
      for (const lever of player) {
        if (lever === START) { made.policy = message.scenario.policy; continue; }
        if (lever !== OTHERS) made.levers[lever] = message.scenario.levers[lever];
        made.parts = [...made.parts.filter((key) => PARTS.get(key).lever !== lever), ...partsOf(message.scenario, lever)];
      }
    });
    return made;
  };
  for (let members = 0; members < total; members++) {
    const run = runOf(mixed(members));
    if (!run) { send({failed: true}); return; }
    runs.push(run);
    yield;
  }
  const factorial = (n) => n < 2 ? 1 : n * factorial(n - 1), bits = (n) => n ? (n & 1) + bits(n >> 1) : 0;
  const weights = Array.from({length: count}, (_, size) => factorial(size) * factorial(count - size - 1) / factorial(count));
  const parts = message.players.map((_, p) => Float64Array.from({length: K * T}, (_, i) => {
    let sum = 0;
    for (let members = 0; members < total; members++) if (!(members >> p & 1)) sum += weights[bits(members)] * (runs[members | 1 << p][i] - runs[members][i]);
    return sum;
  }));
  send({parts, whole: runs[total - 1].map((value, i) => value - runs[0][i]), runs: total});
}

const tracked = content.causes;
tracked.variables = tracked.variables.map(([name, unit, stock, at, shape, causes, levers, equation, loops]) =>
  ({name, unit: tracked.units[unit][0], sum: tracked.units[unit][1] === 1, stock: stock === 1, at, regions: tracked.shapes[shape], causes, levers, equation, loops}));
tracked.others = [].concat(...tracked.others.map(([at, form, slots, strides, count]) => strides === undefined ? [[at, form, slots]] :
  Array.from({length: count}, (_, n) => [at + n, form, slots.map((slot, i) => slot + n * strides[i])])));
const CELLS = tracked.stocks.length + tracked.others.length;
function trace(scenario) {  // every variable by year, from the stocks that the run saves
  const row = rowOf(scenario), run = allianceModel.run({values: row}), width = allianceModel.outputs.length;
  if (run.failed >= 0) return null;
  const values = Array.from({length: T}, () => new Float64Array(CELLS));
  values.forEach((cells, at) => {
    tracked.stocks.forEach(([cell], i) => { cells[cell] = run.values[at * width + tracked.saved + i]; });
    for (const [cell, form, slots] of tracked.others) cells[cell] = causeForms[form](cells, row, run.frozen, YEARS[at], slots);
  });
  return {row, frozen: run.frozen, values};
}
const formAt = new Map([...tracked.stocks, ...tracked.others].map(([cell, form, slots]) => [cell, [form, slots]]));
function cellsOf(variable, place) {  // of a region, or of the whole alliance
  const cells = [];
  variable.regions.forEach((region, i) => { if (place < 0 || region < 0 || region === place) cells.push(variable.at + i); });
  return cells;
}
function over(cells, variable, read) {
  let sum = 0;
  for (const cell of cells) sum += read(cell);
  return variable.sum ? sum : sum / cells.length;
}
function pathOf(variable, place, traced) {
  const cells = cellsOf(variable, place);
  return Float64Array.from(traced.values, (values) => over(cells, variable, (cell) => values[cell]));
}
function without(variable, place, now, base, held, at) {  // the variable (of a stock its rate) with one cause at its base
  const values = Float64Array.from(now.values[at]), row = Float64Array.from(now.row);
  if (held.lever !== undefined) row[held.lever] = base.row[held.lever];
  else tracked.variables[held.cause].regions.forEach((_, i) => { const cell = tracked.variables[held.cause].at + i; values[cell] = base.values[at][cell]; });
  return over(cellsOf(variable, place), variable, (cell) => causeForms[formAt.get(cell)[0]](values, row, now.frozen, YEARS[at], formAt.get(cell)[1]));
}
function effectOf(variable, place, now, base, held, at) {  // what one cause adds to the gap of a year
  const one = (year) => {
    const whole = over(cellsOf(variable, place), variable, (cell) => causeForms[formAt.get(cell)[0]](now.values[year], now.row, now.frozen, YEARS[year], formAt.get(cell)[1]));
    return whole - without(variable, place, now, base, held, year);
  };
  if (!variable.stock) return one(at);
  let sum = 0;
  for (let year = 1; year <= at; year++) sum += (one(year - 1) + one(year)) / 2;
  return sum;
}
let traced = {key: ""};
function* causes(message, send) {
  const key = JSON.stringify([message.scenario, message.base]);
  if (traced.key !== key) traced = {key, now: trace(message.scenario), base: trace(message.base)};
  const {now, base} = traced;
  if (!now || !base) { send({failed: true}); return; }
  const at = message.year - content.years[0], place = message.place, top = message.top;
  const sides = (cause) => ({now: pathOf(tracked.variables[cause], place, now), base: pathOf(tracked.variables[cause], place, base)});
  if (top.minus !== undefined) {  // a difference of two variables, which is no variable itself
    const [plus, minus] = [sides(top.variable), sides(top.minus)];
    const less = (a, b) => a.map((value, i) => value - b[i]);
    send({now: less(plus.now, minus.now), base: less(plus.base, minus.base), causes: [
      {cause: top.variable, effect: plus.now[at] - plus.base[at], ...plus}, {cause: top.minus, effect: minus.base[at] - minus.now[at], ...minus}]});
    return;
  }
  const variable = tracked.variables[top.variable], found = [];
  for (const cause of variable.causes) { found.push({cause, effect: effectOf(variable, place, now, base, {cause}, at), ...sides(cause)}); yield; }
  for (const lever of variable.levers) if (now.row[lever] !== base.row[lever]) found.push({lever, effect: effectOf(variable, place, now, base, {lever}, at), from: base.row[lever], to: now.row[lever]});
  send({...sides(top.variable), causes: found});
}

function* runs(message, send) {
  const begun = performance.now();
  const series = message.scenarios.map((each) => each && runOf(each));
  send({series, each: (performance.now() - begun) / Math.max(1, message.scenarios.filter(Boolean).length)});
}
function* check(message, send) {  // the regimes again, against the numbers that Python gave
  let worst = 0, count = 0;
  for (const [regime, scenario] of message.regimes.entries()) {
    const run = runOf(scenario);
    content.reference.outcomes.forEach((k, j) => {
      const given = content.reference.values[regime][j], found = run ? run[k * T + content.reference.year - content.years[0]] : NaN;
      const difference = Math.abs(found - given) / Math.max(Math.abs(given), 1e-2);
      worst = difference <= worst ? worst : difference;
      count++;
    });
    yield;
  }
  send({worst, count});
}

const JOBS = {runs, bands, draws, alone, shares, causes, check}, SLICE = 30;  // ms between two looks at what was asked last
function server(post) {  // the newest question of a kind wins; what it replaces is dropped
  const jobs = new Map();
  let later = false;
  const work = () => {
    later = false;
    const until = performance.now() + SLICE;
    while (jobs.size && performance.now() < until) {
      const [kind, job] = jobs.entries().next().value;
      if (job.next().done && jobs.get(kind) === job) jobs.delete(kind);
    }
    if (jobs.size && !later) { later = true; setTimeout(work, 0); }
  };
  return (message) => {
    jobs.delete(message.kind);
    if (message.kind === "bands") { jobs.delete("shares"); jobs.delete("alone"); }  // asked again when the bands are there
    jobs.set(message.kind, JOBS[message.kind](message, (answer) => post({...answer, kind: message.kind, id: message.id})));
    if (!later) { later = true; setTimeout(work, 0); }
  };
}
function joined(event) {  // two workers meet: the first asks, the other answers
  const port = event.ports[0];
  if (event.data === "asks") { aide = port; port.onmessage = (answer) => take(answer.data); return; }
  const serve = server((answer) => port.postMessage(answer));
  port.onmessage = (question) => serve(question.data);
}
