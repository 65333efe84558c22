/* Behind `alliance explore --serve`, and only in the page that it serves: the Python engine answers for the scenario at rest
   and for its base, at the model's own step.  Bands, attribution and causes stay with the page, and so does everything
   where no server answers. */
"use strict";
let python = null;  // the last answer: {dt, worst}, or {silent}
async function runInPython(scenario) {
  const reply = await fetch("run", {method: "POST", body: JSON.stringify(Array.from(rowOf(scenario)))});
  if (!reply.ok) throw new Error(reply.statusText);
  const answer = await reply.json();
  return {dt: answer.dt, series: Float64Array.from(answer.values)};
}
askPython = async function () {
  const mine = asked.python = ++number;
  try {
    const [base, now] = await Promise.all([runInPython(forEngine(baseScenario())), runInPython(forEngine(state.now))]);
    if (mine !== asked.python || running || !latest.base || !latest.now) return;
    python = {dt: now.dt, worst: Math.max(farthest(latest.base, base.series), farthest(latest.now, now.series))};
    latest = {...latest, base: base.series, now: now.series};
  } catch (silent) { if (mine !== asked.python) return; python = {silent: true}; }
  drawAll();
  drawEngine();
};
function farthest(page, server) {  // of every outcome, against its largest value
  let worst = 0;
  for (let k = 0; k < K; k++) {
    const given = server.subarray(k * T, k * T + T), most = given.reduce((high, value) => Math.max(high, Math.abs(value)), 1e-12);
    given.forEach((value, at) => { worst = Math.max(worst, Math.abs(page[k * T + at] - value) / most); });
  }
  return worst;
}
drawEngine = function () {
  const note = byId("engine-note");
  note.hidden = !python;
  if (python) note.textContent = python.silent ? t("engineSilent") : t("engineNote", {dt: numberText(python.dt, 3, false, language), worst: python.worst.toExponential(0)});
};
if (!running) askPython();
