/* The answer in words and numbers: indicators at the milestones, scenarios beside each other, what to beware of. */
function draws10(share, count) {  // "in about 9 of 10 draws", no finer than the draws allow
  if (Math.min(share, 1 - share) * count < 0.25) return t(share > 0.5 ? "draws.all" : "draws.none", {draws: numberText(count, 0, false, language)});
  if (count < 20) return t("draws.counted", {hits: Math.round(share * count), draws: count});
  if (share >= 0.95 || share < 0.05) return t(`draws.${share > 0.5 ? "most" : "few"}_${count >= 100 ? "twenty" : "ten"}`);
  const tenths = Math.min(Math.max(Math.round(share * 10), 1), 9);
  return tenths === 5 ? t("draws.half") : fill(pluralOf(String(tenths), texts[language]["draws.tenths"], language), {tenths});
}
function gapOf(name, k, year) {
  const own = seriesAt(name, k), base = seriesAt("base", k), at = year - content.years[0];
  return own && base ? own[at] - base[at] : NaN;
}
function amount(value, unit, decimals, sign) {
  const text = numberText(value, decimals, sign, language), word = unitText(unit, text);
  return word ? text + FIXED + word : text;
}
function unitBeside(gap, unit, decimals) {
  const text = numberText(gap, decimals, true, language);
  return [text, element("small", {}, FIXED + unitText(unit, text))];
}
function intervalOf(k, year) { return spreadNow && spreadNow.gaps[k] ? spreadNow.gaps[k][year] : null; }
const same = () => alike(state.now, baseScenario());

function drawKpis() {
  const {first} = visibleOutcomes(), year = state.view.year;
  byId("years").replaceChildren(...content.milestones.map((each) => pressButton(String(each), each === year, () => view({year: each}), "year-" + each)));
  byId("kpis").replaceChildren(...first.map((k) => {
    const outcome = content.outcomes[k], range = intervalOf(k, year), gap = range ? range.middle : gapOf("now", k, year);
    const decimals = range ? decimalsOfInterval(range.low, range.high, gap) : decimalsOfValue(gap);
    const lines = [element("dt", {}, outcome.label[language]), element("dd", {class: "big"}, ...(latest.now ? [range ? "" : "≈ ", ...unitBeside(gap, outcome.unit, decimals)] : ["—"]))];
    if (range && !same()) {
      lines.push(element("dd", {}, `[${numberText(range.low, decimals, true, language)}; ${numberText(range.high, decimals, true, language)}]`));
      lines.push(element("dd", {class: range.low <= 0 && range.high >= 0 ? "unsure" : range.better > 0.5 ? "good" : "bad"}, t("better", {base: state.baseline, draws: draws10(range.better, spreadNow.count)})));
    }
    return element("dl", {class: "kpi", "data-outcome": outcome.id}, ...lines);
  }), roubleTile(year));
}
function roubleTile(year) {  // additional product for each additional rouble, where the costs differ so that this means something
  const found = spreadNow && !same() ? spreadNow.rouble[year] : null, lines = [element("dt", {}, t("rouble"))];
  if (!found) lines.push(element("dd", {class: "big"}, "—"));
  else if (found.defined < 0.5) lines.push(element("dd", {}, t("roubleNone", {base: state.baseline})));
  else if (found.dearer < 0.95) lines.push(element("dd", {}, t("roubleCheap", {base: state.baseline})));
  else {
    const decimals = decimalsOfInterval(found.low, found.high, found.middle), text = (value) => numberText(value, decimals, false, language);
    lines.push(element("dd", {class: "big"}, text(found.middle), element("small", {}, FIXED + t("roubleOne"))), element("dd", {}, `[${text(found.low)}; ${text(found.high)}]`));
  }
  return element("dl", {class: "kpi", "data-outcome": "benefit_per_rouble"}, ...lines);
}
function answerText() {
  const {first} = visibleOutcomes(), k = first[0], outcome = content.outcomes[k], year = state.view.year, range = intervalOf(k, year);
  if (!latest.now) return t("failed");
  if (same()) return t("same", {base: state.baseline});
  if (!range) return t("waiting");
  const gap = range.middle, decimals = decimalsOfInterval(range.low, range.high, gap), text = (value) => numberText(value, decimals, true, language);
  const verdict = t(range.low <= 0 && range.high >= 0 ? "unclear" : "clear", {base: state.baseline});
  return t("answer", {outcome: outcome.label[language], place: placeText(outcome.element), year, scenario: nameOf(state.now), base: state.baseline,
    gap: amount(gap, outcome.unit, decimals, true), low: text(range.low), high: text(range.high), draws: draws10(range.better, spreadNow.count), verdict});
}
function drawComparison() {
  const names = ["base", "now", ...SLOTS.filter((slot) => state.slots[slot])], {first} = visibleOutcomes();
  const head = element("thead", {}, element("tr", {}, element("th", {scope: "col"}, t("indicator")), element("th", {scope: "col"}, t("year")), ...names.map((name) => element("th", {scope: "col"}, name in state.slots ? `${name}: ${nameOf(state.slots[name])}` : lineName(name)))));
  const rows = [];
  for (const k of first) for (const year of content.milestones) {
    const outcome = content.outcomes[k], base = seriesAt("base", k), at = year - content.years[0];
    const cells = names.map((name) => {
      const own = seriesAt(name, k);
      if (!own || !base) return element("td", {}, "—");
      const gap = own[at] - base[at], range = name === "now" ? intervalOf(k, year) : null, share = percentGap(outcome, own[at], base[at]);
      const decimals = range && gap ? decimalsOfInterval(range.low, range.high, gap) : decimalsOfValue(gap);
      if (name === "base") return element("td", {}, numberText(base[at], decimalsOfValue(base[at]), false, language));
      return element("td", {}, numberText(gap, decimals, true, language), share ? element("small", {}, ` (${share})`) : "");
    });
    const label = year === content.milestones[0] ? [element("th", {scope: "rowgroup", rowspan: content.milestones.length}, outcome.label[language], element("small", {}, " " + unitText(outcome.unit)))] : [];
    rows.push(element("tr", {}, ...label, element("th", {scope: "row"}, String(year)), ...cells));
  }
  byId("kpi-table").replaceChildren(element("caption", {}, t("kpiCaption", {base: state.baseline, place: placeText(state.view.place)})), head, element("tbody", {}, ...rows));
  const scenarios = names.map((name) => name === "base" ? baseScenario() : name === "now" ? state.now : state.slots[name]);
  const levers = [{label: {ru: texts.ru.policy, en: texts.en.policy}, unit: "", of: (each) => String(each.policy)}, ...content.levers.map((each, k) => ({...each, of: (scenario) => leverText(scenario, k)}))];
  const differ = levers.filter((each) => scenarios.some((scenario) => each.of(scenario) !== each.of(scenarios[0])));
  byId("lever-table").hidden = !differ.length;
  byId("lever-table").replaceChildren(element("caption", {}, t("leverCaption")), element("thead", {}, element("tr", {}, element("th", {scope: "col"}, t("lever")), ...names.map((name) => element("th", {scope: "col"}, lineName(name))))),
    element("tbody", {}, ...differ.map((each) => element("tr", {}, element("th", {scope: "row"}, each.label[language], element("small", {}, " " + unitText(each.unit))),
      ...scenarios.map((scenario) => element("td", {class: each.of(scenario) === each.of(scenarios[0]) ? "" : "differs"}, each.of(scenario)))))));
}
function percentGap(outcome, own, base) {  // percentage points of a share, per cent of an amount; nothing near a zero base
  if (outcome.unit === "Dmnl") return numberText(100 * (own - base), decimalsOfValue(100 * (own - base), 2), true, language) + FIXED + t("points");
  if (outcome.id === "net_present_value" || !(Math.abs(base) > 1e-6)) return "";
  return percentText(100 * (own - base) / Math.abs(base), true, language);
}
function drawWarnings() {
  const found = [];
  content.levers.forEach((each, k) => {
    const value = inTime(state.now, k) ? each.low : state.now.levers[k];
    if (value < each.low || value > each.high) found.push(t("warn.range", {lever: each.label[language], value: leverNumber(value), low: leverNumber(each.low), high: leverNumber(each.high)}));
  });
  const at = (id) => content.outcomes.findIndex((each) => each.id === id && each.element === "alliance");
  const path = (id) => Array.from(seriesAt("now", at(id)) || []).map((value, i) => [content.years[0] + i, value]).filter(([year]) => year > state.now.policy);
  if (!latest.now) found.push(t("failed"));
  const worst = path("funded_ratio").reduce((low, each) => each[1] < low[1] ? each : low, [0, 1]);
  if (worst[1] < 0.5) found.push(t("warn.fund", {year: worst[0], share: percentText(100 * worst[1], false, language)}));
  const longest = path("decision_delay").reduce((high, each) => each[1] > high[1] ? each : high, [0, 0]);
  if (longest[1] > content.tolerated) found.push(t("warn.delay", {year: longest[0], years: amount(longest[1], "Year", 2), most: amount(content.tolerated, "Year", 2)}));
  if (spreadNow && spreadNow.failed) found.push(t("warn.draws", {failed: spreadNow.failed, all: DRAWS.length}));
  const {first} = visibleOutcomes(), changed = content.levers.filter((each, k) => !isLike(state.now, baseScenario(), k));
  const weak = changed.filter((each) => each.grade === "C").length;
  if (weak) found.push(t("warn.grade", {n: weak, all: changed.length}));
  if (intervalOf(first[0], 2050) && !same() && first.every((k) => { const range = intervalOf(k, state.view.year); return range && range.low <= 0 && range.high >= 0; })) found.push(t("warn.all"));
  byId("warnings").hidden = !found.length;
  byId("warnings").replaceChildren(element("h3", {}, t("warnings")), element("ul", {}, ...found.map((each) => element("li", {}, each))));
}
