const texts = {
  ru: {title: "Межрегиональный альянс инновационных кластеров: что меняют рычаги", controls: "Режим и рычаги",
    results: "Что меняется по сравнению с режимом {base}", gap: "Разница с {base}", level: "Уровень", index: "Индекс, {base} = 100",
    alliance: "Весь альянс", tatarstan: "Татарстан", more: "Ещё показатели", undo: "Отменить", keep: "Закрепить для сравнения",
    clear: "Убрать закреплённые", link: "Ссылка", csv: "CSV", toml: "Сценарий TOML", print: "Печать", other: "English",
    copied: "Ссылка в адресной строке", range: "от {low} до {high}; обоснование: {grade}", own: "Свой набор рычагов",
    policy: "Год начала политики", year: "год", quick: "Пробный расчёт на малых выборках: не для принятия решений.",
    waiting: "Считаются варианты будущего: {done} из {all}…",
    better: "{outcome}, {place}, 2040 год: по сравнению с {base} изменение {gap} {unit}; 90 % вариантов — от {low} до {high}. Изменение благоприятно примерно в {tenths} из 10 вариантов{verdict}",
    unclear: ", поэтому по этому показателю режимы неразличимы.", clear_: ".", same: "Это и есть базовый режим {base}.",
    caveat: ["Эффекты управления на ВРП — сотые доли процента, намного меньше годовых колебаний.", "Доверие, связи и качество информации по данным Росстата не наблюдаются: выводы о режимах опираются на допущения.", "Линия — при медианных параметрах; полоса — 90 % из {n} вариантов калиброванных параметров и допущений, одних и тех же для всех настроек.", "Точки — опубликованные данные. После 2022 года данных нет."],
    ok: "Самопроверка: {n} чисел совпали с эталонным расчётом (наибольшее расхождение {worst}).", bad: "Самопроверка не пройдена: расхождение {worst}. Числам на странице верить нельзя.",
    why: "Почему: {outcome}, {place}, 2040 год", parts: "Вклады групп рычагов, {unit}", whole: "Вся разница",
    whyNote: "Вклады по Шепли: среднее по всем порядкам, в которых группы переходят от {base} к выбранным значениям; вместе они дают всю разницу ({runs} прогонов при срединных параметрах). Это не прогноз того, что даст одна мера.",
    whyWait: "Считаются вклады: {done} из {all}…", chain: "Цепочка к 2040 году, разница с {base}",
    groups: {powers: "Полномочия", money: "Деньги программы", borders: "Межрегиональные проекты", people: "Штат", procedure: "Сроки и обмен информацией", rules: "Голос регионов, устойчивость правил", policy: "Год начала"},
    copy: "Сохранить копию", png: "PNG",
    failed: "При таких значениях расчёт расходится.", now: "выбранные рычаги", model: "модель {hash}, начальное число {seed}", value: "2040: {now}"},
  en: {title: "Interregional alliance of innovative clusters: what the levers change", controls: "Regime and levers",
    results: "What changes against regime {base}", gap: "Gap to {base}", level: "Level", index: "Index, {base} = 100",
    alliance: "Whole alliance", tatarstan: "Tatarstan", more: "More outcomes", undo: "Undo", keep: "Keep to compare",
    clear: "Drop kept", link: "Link", csv: "CSV", toml: "Scenario TOML", print: "Print", other: "Русский",
    copied: "The link is in the address bar", range: "{low} to {high}; evidence: {grade}", own: "Your own levers",
    policy: "Year the policy starts", year: "year", quick: "A trial run with small samples: not for decisions.",
    waiting: "Computing futures: {done} of {all}…",
    better: "{outcome}, {place}, 2040: against {base} a change of {gap} {unit}; 90 % of the draws lie between {low} and {high}. The change is favourable in about {tenths} of 10 draws{verdict}",
    unclear: ", so on this outcome the regimes are indistinguishable.", clear_: ".", same: "This is the baseline {base} itself.",
    caveat: ["Effects of governance on regional product are hundredths of a per cent, far below its yearly noise.", "Trust, links and the quality of information are not observed by Rosstat: what is said of regimes rests on assumptions.", "The line is at median parameters; the band holds 90 % of {n} draws of calibrated parameters and assumptions, the same for all settings.", "Points are published figures. There are no data after 2022."],
    ok: "Self-check: {n} numbers agree with the reference (largest difference {worst}).", bad: "The self-check failed: difference {worst}. Do not trust the numbers of this page.",
    why: "Why: {outcome}, {place}, 2040", parts: "Contributions of groups of levers, {unit}", whole: "The whole gap",
    whyNote: "Shapley contributions: the mean over all orders in which the groups move from {base} to the chosen values; together they are the whole gap ({runs} runs at median parameters). They do not forecast what one measure alone would give.",
    whyWait: "Computing contributions: {done} of {all}…", chain: "The chain by 2040, gap to {base}",
    groups: {powers: "Powers", money: "Money of the programme", borders: "Projects across borders", people: "Staff", procedure: "Time limits and information", rules: "Voice of regions, stable rules", policy: "Starting year"},
    copy: "Save a copy", png: "PNG",
    failed: "With these values the run diverges.", now: "chosen levers", model: "model {hash}, seed {seed}", value: "2040: {now}"},
};
const FIRST = ["net_present_value", "innovative_goods_volume", "interregional_link_density", "decision_delay"];
const unitsRu = {"bn RUB": "млрд руб.", "bn RUB/Year": "млрд руб./год", "Dmnl": "", "Year": "лет", "persons": "чел.", "person": "чел.", "patents/Year": "пат./год", "1/Year": "1/год", "bn RUB of 2010/Year": "млрд руб. 2010 г./год"};
const byId = (id) => document.getElementById(id);
const regimeOf = (id) => content.regimes.find((each) => each.id === id);
let language = "ru", mode = "gap", place = "alliance", kept = [], history = [], job = 0, bands = null, baseDraws = null;
let state = stateOf(content.chosen);

function stateOf(id) {
  const changes = new Map(regimeOf(id).changes);
  return {regime: id, policy: changes.get(content.policy.column), levers: content.levers.map((each) => changes.has(each.column) ? changes.get(each.column) : content.central[each.column])};
}
function t(key, values) {
  return texts[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}
function number(value, sign) {
  if (!Number.isFinite(value)) return "—";
  const size = Math.abs(value), digits = size === 0 || size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.01 ? 3 : 5;
  return new Intl.NumberFormat(language, {maximumFractionDigits: digits, signDisplay: sign ? "exceptZero" : "auto"}).format(value).replace("-", "−");
}
function unit(text) { return language === "ru" && text in unitsRu ? unitsRu[text] : text === "Dmnl" ? "" : text; }

function rowFor(of, draw) {
  const row = Float64Array.from(content.central);
  if (draw !== undefined) content.moved.forEach((column, k) => { row[column] = content.draws[draw][k]; });
  content.levers.forEach((each, k) => { row[each.column] = of.levers[k]; });
  row[content.policy.column] = of.policy;
  return row;
}
function runOf(of, draw) {
  const run = allianceModel.run({values: rowFor(of, draw)}), width = allianceModel.outputs.length;
  if (run.failed >= 0) return null;
  return {times: run.times, series: content.outcomes.map((outcome) => Float64Array.from(run.times, (_, at) => {
    let sum = 0;
    for (const [k, weight] of outcome.sums) sum += weight * run.values[at * width + k];
    return sum;
  }))};
}
const baseState = stateOf(content.baseline), baseRun = runOf(baseState);
let current = runOf(state);
const start = baseRun.times.findIndex((year) => year >= 2000), at2040 = baseRun.times.findIndex((year) => year >= 2040);

function shown(value, base) {
  return mode === "gap" ? value - base : mode === "index" ? 100 * value / base : value;
}
function curve(run, k) { return Array.from(run.series[k], (value, at) => shown(value, baseRun.series[k][at])); }

function element(name, attributes, ...inside) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) key.startsWith("on") ? made.addEventListener(key.slice(2), value) : made.setAttribute(key, value);
  made.append(...inside);
  return made;
}
function svgElement(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}
function ticks(low, high) {
  const rough = (high - low) / 4 || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-9; value += step) found.push(Math.abs(value) < step * 1e-9 ? 0 : value);
  return found;
}
function chart(k) {
  const outcome = content.outcomes[k], W = 420, H = 215, left = 58, right = 8, top = 8, bottom = 22;
  const from = mode === "level" ? start : baseRun.times.findIndex((year) => year >= 2020), years = baseRun.times;
  const lines = [];
  if (mode !== "gap") lines.push(["base", curve(baseRun, k)]);
  kept.forEach((each, n) => lines.push(["kept" + (n + 1), curve(each.run, k)]));
  if (current) lines.push(["now", curve(current, k)]);
  const points = mode === "level" ? outcome.points : [];
  const band = bands && bands.done && bands.low[mode] ? [bands.low[mode][k], bands.high[mode][k]] : null;
  let low = Infinity, high = -Infinity;
  for (const values of [...lines.map((each) => each[1]), ...(band || [])]) for (let i = from; i < years.length; i++) { low = Math.min(low, values[i]); high = Math.max(high, values[i]); }
  for (const [, value] of points) { low = Math.min(low, value); high = Math.max(high, value); }
  if (mode === "gap") { low = Math.min(low, 0); high = Math.max(high, 0); }
  if (mode === "level") low = Math.min(low, 0);
  if (!(high > low)) { low -= 1; high += 1; }
  const x = (year) => left + (W - left - right) * (year - years[from]) / (years[years.length - 1] - years[from]);
  const y = (value) => H - bottom - (H - top - bottom) * (value - low) / (high - low);
  const label = outcome.label[language], name = mode === "gap" ? t("gap", {base: content.baseline}) : mode === "index" ? t("index", {base: content.baseline}) : unit(outcome.unit);
  const value2040 = current ? shown(current.series[k][at2040], baseRun.series[k][at2040]) : NaN;
  let said = t("value", {now: number(value2040, mode === "gap")});
  if (band) said += " [" + number(band[0][at2040], mode === "gap") + "; " + number(band[1][at2040], mode === "gap") + "]";
  said += mode === "index" ? "" : " " + unit(outcome.unit);
  const svg = svgElement("svg", {viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `${label}, ${name}. ${said}`});
  for (const value of ticks(low, high)) {
    svg.append(svgElement("line", {x1: left, x2: W - right, y1: y(value), y2: y(value), class: value === 0 && mode === "gap" ? "zero" : "grid"}));
    svg.append(svgElement("text", {x: left - 5, y: y(value) + 4, "text-anchor": "end"}, number(value, mode === "gap")));
  }
  for (const year of [2000, 2010, 2020, 2030, 2040, 2050]) if (year >= years[from]) svg.append(svgElement("text", {x: x(year), y: H - 6, "text-anchor": year === 2050 ? "end" : "middle"}, String(year)));
  svg.append(svgElement("line", {x1: x(state.policy), x2: x(state.policy), y1: top, y2: H - bottom, class: "policy"}));
  const path = (values) => Array.from(values).slice(from).map((value, i) => `${i ? "L" : "M"}${x(years[from + i]).toFixed(1)} ${y(value).toFixed(1)}`).join("");
  if (band) {
    const back = [];
    for (let i = years.length - 1; i >= from; i--) back.push(`L${x(years[i]).toFixed(1)} ${y(band[0][i]).toFixed(1)}`);
    svg.append(svgElement("path", {d: path(band[1]) + back.join("") + "Z", class: "band"}));
  }
  for (const [kind, values] of lines) svg.append(svgElement("path", {d: path(values), class: "line " + kind}));
  for (const [year, value] of points) if (year >= years[from]) svg.append(svgElement("circle", {cx: x(year), cy: y(value), r: 2.4, class: "point"}));
  const note = [`${outcome.element === "alliance" ? t("alliance", {}) : t(outcome.element, {})}. ${said}`, `${t("title", {})}; ${t("model", {hash: content.hash.slice(0, 12), seed: content.seed})}; ${new Date().toISOString().slice(0, 10)}`];
  const picture = button(t("png", {}), () => png(svg, `${label}, ${name}`, note, `${outcome.id}.png`));
  picture.setAttribute("aria-label", `PNG: ${label}`);
  return element("figure", {}, element("figcaption", {}, label + " ", element("span", {}, name)), svg, element("p", {class: "value"}, said, " ", picture));
}
function places() { return content.outcomes.map((each, k) => [each, k]).filter(([each]) => each.element === place || (place !== "alliance" && !content.outcomes.some((other) => other.id === each.id && other.element === place))); }

function answer() {
  const id = "net_present_value", k = content.outcomes.findIndex((each) => each.id === id && each.element === place);
  if (!current) return t("failed", {});
  if (same(state, baseState)) return t("same", {base: content.baseline});
  if (!bands || !bands.done) return t("waiting", {done: bands ? bands.count : 0, all: content.draws.length});
  const outcome = content.outcomes[k], low = bands.low.gap[k][at2040], high = bands.high.gap[k][at2040], share = bands.better[k];
  const verdict = low <= 0 && high >= 0 ? t("unclear", {}) : t("clear_", {});
  return t("better", {outcome: outcome.label[language], place: t(place, {}), base: content.baseline, gap: number(current.series[k][at2040] - baseRun.series[k][at2040], true), unit: unit(outcome.unit), low: number(low, true), high: number(high, true), tenths: Math.round(10 * share), verdict});
}
function same(a, b) { return a.policy === b.policy && a.levers.every((value, k) => value === b.levers[k]); }

function quantile(sorted, share) {
  const at = share * (sorted.length - 1), low = Math.floor(at);
  return sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
}
function computeBands() {
  const mine = ++job, of = state, found = [];
  baseDraws = baseDraws || [];
  bands = {done: false, count: 0};
  const work = () => {
    if (mine !== job) return;
    const until = performance.now() + 25;
    while (found.length < content.draws.length && performance.now() < until) {
      const draw = found.length;
      baseDraws[draw] = baseDraws[draw] || runOf(baseState, draw);
      found.push(runOf(of, draw));
      bands.count = found.length;
    }
    if (found.length < content.draws.length) {
      byId("answer").textContent = answer();
      setTimeout(work, 0);
      return;
    }
    const pairs = found.map((run, k) => [run, baseDraws[k]]).filter(([a, b]) => a && b);
    const low = {gap: [], level: [], index: []}, high = {gap: [], level: [], index: []}, better = [];
    content.outcomes.forEach((outcome, k) => {
      const make = {gap: (a, b) => a - b, level: (a) => a, index: (a, b) => 100 * a / b};
      for (const [name, way] of Object.entries(make)) {
        low[name][k] = new Float64Array(baseRun.times.length);
        high[name][k] = new Float64Array(baseRun.times.length);
        for (let i = 0; i < baseRun.times.length; i++) {
          const sorted = pairs.map(([a, b]) => way(a.series[k][i], b.series[k][i])).sort((p, q) => p - q);
          low[name][k][i] = quantile(sorted, 0.05);
          high[name][k][i] = quantile(sorted, 0.95);
        }
      }
      const hits = pairs.map(([a, b]) => outcome.better * (a.series[k][at2040] - b.series[k][at2040]));
      better[k] = hits.reduce((sum, each) => sum + (each > 0 ? 1 : each === 0 ? 0.5 : 0), 0) / pairs.length;
    });
    bands = {done: true, count: pairs.length, low, high, better};
    draw();
    if (!same(of, baseState)) computeWhy();
  };
  setTimeout(work, 60);
}

const GROUPS = {
  powers: ["selection_power", "agenda_power", "information_power", "arbitration_power"],
  money: ["programme_coverage", "federal_matching_share", "regional_co-funding_share", "target_joint_share", "federal_appropriation"],
  borders: ["interregional_orientation"], people: ["target_coordinating_staff", "cluster_organisation_staff"],
  procedure: ["information_sharing_speed", "statutory_decision_time"], rules: ["voice_of_regions", "programme_volatility"], policy: [],
};
const CHAIN = ["decision_delay", "funded_ratio", "alliance_trust", "interregional_link_density", "joint_r&d_expenditure", "knowledge_capital", "gross_regional_product", "net_present_value"];
const WHY = "net_present_value";
let why = null;

function mixed(of, names) {  // the baseline, with the levers of some groups as chosen
  const taken = new Set(names.flatMap((name) => GROUPS[name]));
  return {regime: "own", policy: names.includes("policy") ? of.policy : baseState.policy,
    levers: content.levers.map((each, k) => taken.has(each.id) ? of.levers[k] : baseState.levers[k])};
}
function computeWhy() {
  const mine = job, of = state, all = Object.keys(GROUPS).filter((name) => !same(mixed(of, [name]), baseState));
  const total = 2 ** all.length, runs = [];
  why = {done: false, count: 0, total};
  const work = () => {
    if (mine !== job) return;
    const until = performance.now() + 25;
    while (runs.length < total && performance.now() < until) {
      const members = runs.length;
      const run = runOf(mixed(of, all.filter((_, g) => members >> g & 1)));
      runs.push(run && run.series.map((values) => values[at2040]));
    }
    why.count = runs.length;
    if (runs.length < total) { drawWhy(); setTimeout(work, 0); return; }
    const factorial = (n) => n < 2 ? 1 : n * factorial(n - 1);
    const bits = (n) => n ? (n & 1) + bits(n >> 1) : 0;
    const parts = all.map((name, g) => [name, content.outcomes.map((_, k) => {
      let sum = 0;
      for (let members = 0; members < total; members++) {
        if (members >> g & 1) continue;
        const size = bits(members), weight = factorial(size) * factorial(all.length - size - 1) / factorial(all.length);
        sum += weight * (runs[members | 1 << g][k] - runs[members][k]);
      }
      return sum;
    })]);
    why = runs.every(Boolean) ? {done: true, count: total, total, parts, whole: content.outcomes.map((_, k) => runs[total - 1][k] - runs[0][k])} : null;
    drawWhy();
  };
  setTimeout(work, 0);
}
function find(id) {
  const own = content.outcomes.findIndex((each) => each.id === id && each.element === place);
  return own >= 0 ? own : content.outcomes.findIndex((each) => each.id === id && each.element === "alliance");
}
function drawWhy() {
  const k = find(WHY), outcome = content.outcomes[k], box = byId("why");
  box.hidden = !current || same(state, baseState);
  if (box.hidden) return;
  byId("why-title").textContent = t("why", {outcome: outcome.label[language], place: t(outcome.element, {})});
  byId("chain").setAttribute("aria-label", t("chain", {base: content.baseline}));
  byId("chain").replaceChildren(...CHAIN.map(find).filter((each) => each >= 0).map((each) => {
    const link = content.outcomes[each], gap = current.series[each][at2040] - baseRun.series[each][at2040];
    return element("li", {class: gap * link.better > 0 ? "good" : gap ? "bad" : ""}, element("span", {}, link.label[language]), element("b", {}, number(gap, true) + " " + unit(link.unit)));
  }));
  if (!why || !why.done) {
    byId("parts").replaceChildren();
    byId("parts-note").textContent = why ? t("whyWait", {done: why.count, all: why.total}) : "";
    return;
  }
  const most = Math.max(...why.parts.map(([, values]) => Math.abs(values[k])), Math.abs(why.whole[k]), 1e-12);
  const bar = (label, value, kind) => {
    const width = 50 * Math.abs(value) / most, svg = svgElement("svg", {viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true"});
    svg.append(svgElement("rect", {x: value < 0 ? 50 - width : 50, y: 1, width, height: 8, class: kind}), svgElement("line", {x1: 50, x2: 50, y1: 0, y2: 10, class: "zero"}));
    return element("div", {class: "part"}, element("span", {}, label), svg, element("b", {}, number(value, true)));
  };
  byId("parts").replaceChildren(element("p", {}, t("parts", {unit: unit(outcome.unit)})),
    ...why.parts.map(([name, values]) => [texts[language].groups[name], values[k]]).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).map(([label, value]) => bar(label, value, value * outcome.better < 0 ? "against" : "for")),
    bar(t("whole", {}), why.whole[k], "whole"));
  byId("parts-note").textContent = t("whyNote", {base: content.baseline, runs: why.total});
  box.dataset.gap = why.whole[k];
  box.dataset.sum = why.parts.reduce((sum, [, values]) => sum + values[k], 0);
}

function png(svg, title, note, name) {  // the chart as a picture that says what it is
  const W = 1260, H = 645, copy = svg.cloneNode(true), scale = 3;
  const from = [svg, ...svg.querySelectorAll("*")], to = [copy, ...copy.querySelectorAll("*")];
  from.forEach((each, i) => {
    const style = getComputedStyle(each);
    for (const key of ["fill", "stroke", "stroke-width", "stroke-dasharray", "font-size", "font-family", "opacity", "fill-opacity"]) to[i].style.setProperty(key, style.getPropertyValue(key));
  });
  copy.setAttribute("width", W);
  copy.setAttribute("height", H);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const image = new Image();
  image.onload = () => {
    const canvas = element("canvas", {width: W, height: H + 150}), pen = canvas.getContext("2d"), style = getComputedStyle(document.body);
    pen.fillStyle = style.backgroundColor === "rgba(0, 0, 0, 0)" ? "#fff" : style.backgroundColor;
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.fillStyle = style.color;
    pen.font = `${10 * scale}px sans-serif`;
    pen.fillText(title, 20, 45, W - 40);
    pen.drawImage(image, 0, 65);
    pen.font = `${7 * scale}px sans-serif`;
    note.forEach((line, i) => pen.fillText(line, 20, H + 95 + 30 * i, W - 40));
    canvas.toBlob((blob) => saveBlob(name, blob));
  };
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(new XMLSerializer().serializeToString(copy));
}
function saveCopy() {  // the page as it stands, with the levers chosen; the script is the same text, so the policy holds
  document.body.dataset.state = encode();
  save("explorer.html", "<!DOCTYPE html>\n" + document.documentElement.outerHTML);
  delete document.body.dataset.state;
}

function change(next, remember) {
  if (remember !== false) history.push(state);
  state = next;
  current = runOf(state);
  bands = null;
  why = null;
  job++;
  draw();
  clearTimeout(change.later);
  change.later = setTimeout(computeBands, 150);
  location.replace("#" + encode());
}
function encode() { return [state.regime, state.policy, ...state.levers.map((each) => +each.toPrecision(8))].join(","); }
function decode(text) {
  const parts = decodeURIComponent(text).split(",");
  if (parts.length !== content.levers.length + 2 || !(parts[0] === "own" || regimeOf(parts[0]))) return null;
  const policy = Number(parts[1]), levers = parts.slice(2).map(Number);
  const fits = policy >= content.policy.low && policy <= content.policy.high && levers.every((value, k) => Number.isFinite(value) && value >= Math.min(content.levers[k].lowest, content.levers[k].low) - 1e-9 && value <= content.levers[k].high + 1e-9);
  return fits ? {regime: parts[0], policy, levers} : null;
}
function save(name, text) { saveBlob(name, new Blob([text], {type: "text/plain;charset=utf-8"})); }
function saveBlob(name, blob) {
  const link = element("a", {download: name, href: URL.createObjectURL(blob)});
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
function toml() {
  const own = state.regime === "own";
  const lines = ["schema = 1", "[scenario]", `id = "${own ? "own-levers" : state.regime}"`,
    `title.ru = ${JSON.stringify(own ? texts.ru.own : regimeOf(state.regime).title.ru)}`, `title.en = ${JSON.stringify(own ? texts.en.own : regimeOf(state.regime).title.en)}`,
    `because = ${JSON.stringify("explorer, model " + content.hash.slice(0, 12))}`, "[time]", `start_policy = ${state.policy.toFixed(1)}`, "[levers]"];
  content.levers.forEach((each, k) => lines.push(`${each.id} = ${floatText(state.levers[k])}`));
  lines.push("[parameters]");
  const nested = new Map();
  allianceModel.parameters.forEach((name, at) => {
    const cut = name.indexOf("[");
    if (content.central[at] === allianceModel.defaults[at] || at === content.policy.column || content.levers.some((each) => each.column === at)) return;
    const base = cut < 0 ? name : name.slice(0, cut), inside = cut < 0 ? "" : name.slice(cut + 1, -1);
    if (!nested.has(base)) nested.set(base, []);
    nested.get(base).push([inside, content.central[at]]);
  });
  for (const [base, entries] of nested) for (const [inside, value] of entries) lines.push([base, ...inside.split(",").filter(Boolean)].map((each) => JSON.stringify(each)).join(".") + " = " + floatText(value));
  return lines.join("\n") + "\n";
}
function floatText(value) { return Number.isInteger(value) ? value.toFixed(1) : String(value); }
function csv() {
  const head = `# ${texts[language].title}; ${t("model", {hash: content.hash.slice(0, 12), seed: content.seed})}; ${new Date().toISOString().slice(0, 10)}`;
  const rows = [head, "outcome,element,unit,year,baseline,chosen,gap,gap_low,gap_high"];
  content.outcomes.forEach((outcome, k) => baseRun.times.forEach((year, i) => {
    const ends = bands && bands.done ? [bands.low.gap[k][i], bands.high.gap[k][i]] : ["", ""];
    rows.push([outcome.id, outcome.element, outcome.unit, year, baseRun.series[k][i], current.series[k][i], current.series[k][i] - baseRun.series[k][i], ...ends].join(","));
  }));
  return rows.join("\n") + "\n";
}

function button(label, act, pressed) {
  const made = element("button", {type: "button", onclick: act}, label);
  if (pressed !== undefined) made.setAttribute("aria-pressed", String(pressed));
  return made;
}
function build() {
  document.documentElement.lang = language;
  document.title = t("title", {});
  byId("title").textContent = t("title", {});
  byId("controls-title").textContent = t("controls", {});
  byId("quick").hidden = !content.quick;
  byId("quick").textContent = t("quick", {});
  byId("tools").replaceChildren(
    button(t("undo", {}), () => history.length && change(history.pop(), false) || build()),
    button(t("link", {}), (event) => { location.replace("#" + encode()); event.target.textContent = t("copied", {}); }),
    button(t("toml", {}), () => save("scenario.toml", toml())), button(t("csv", {}), () => save("explorer.csv", csv())),
    button(t("copy", {}), saveCopy), button(t("print", {}), () => print()), button(t("other", {}), () => { language = language === "ru" ? "en" : "ru"; build(); draw(); }));
  byId("levers").replaceChildren(lever({id: "policy", label: {ru: texts.ru.policy, en: texts.en.policy}, low: content.policy.low, high: content.policy.high, step: 1, unit: "", grade: "", get: () => state.policy, set: (value) => ({...state, regime: "own", policy: value})}),
    ...content.levers.map((each, k) => lever({...each, step: each.high >= 10 ? 1 : each.high / 100, get: () => state.levers[k], set: (value) => ({...state, regime: "own", levers: state.levers.map((old, i) => i === k ? value : old)})})));
  byId("more").querySelector("summary").textContent = t("more", {});
  byId("caveats").replaceChildren(element("ul", {}, ...texts[language].caveat.map((each) => element("li", {}, each.replace("{n}", content.draws.length)))), element("p", {}, t("model", {hash: content.hash.slice(0, 12), seed: content.seed})));
  check();
}
function lever(each) {
  const input = element("input", {type: "range", id: "lever-" + each.id, min: Math.min(each.low, each.lowest ?? each.low), max: each.high, step: "any", "aria-describedby": "hint-" + each.id});
  const output = element("output", {for: "lever-" + each.id});
  const box = element("div", {class: "lever"}, element("label", {for: "lever-" + each.id}, element("span", {}, each.label[language]), output), input,
    element("small", {id: "hint-" + each.id}, [each.explanation ? each.explanation[language] : "", each.grade ? t("range", {low: number(each.low), high: number(each.high), grade: each.grade}) : ""].filter(Boolean).join(" ")));
  box.refresh = () => { input.value = each.get(); output.textContent = (each.id === "policy" ? String(each.get()) : number(each.get())) + " " + unit(each.unit); };
  input.addEventListener("input", () => change(each.set(Math.round(Number(input.value) / each.step) * each.step), input.dataset.moving !== "1") || (input.dataset.moving = "1"));
  input.addEventListener("change", () => { input.dataset.moving = ""; });
  input.addEventListener("keydown", (event) => {
    const way = {ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1}[event.key];
    if (!way) return;
    event.preventDefault();
    const value = Math.min(Math.max(each.get() + way * each.step, Number(input.min)), each.high);
    change(each.set(Math.round(value / each.step) * each.step));
  });
  return box;
}
function draw() {
  byId("results-title").textContent = t("results", {base: content.baseline});
  byId("presets").replaceChildren(...content.regimes.map((each) => button(`${each.id}. ${each.title[language]}`, () => change(stateOf(each.id)), state.regime === each.id)));
  byId("story").textContent = state.regime === "own" ? t("own", {}) : regimeOf(state.regime).story[language] || "";
  for (const box of byId("levers").children) box.refresh();
  byId("answer").textContent = answer();
  const modes = ["gap", "level", "index"].map((each) => button(t(each, {base: content.baseline}), () => { mode = each; draw(); }, mode === each));
  const where = ["alliance", "tatarstan"].map((each) => button(t(each, {}), () => { place = each; draw(); }, place === each));
  const keep = button(t("keep", {}), () => { kept = [...kept.slice(-2), {name: state.regime === "own" ? t("own", {}) : state.regime, run: current}]; draw(); });
  const drop = button(t("clear", {}), () => { kept = []; draw(); });
  byId("switches").replaceChildren(...modes, ...where, keep, ...(kept.length ? [drop] : []));
  const legend = element("div", {class: "legend"});
  const entries = [["now", state.regime === "own" ? t("own", {}) : state.regime], ["base", content.baseline], ...kept.map((each, n) => ["kept" + (n + 1), each.name])];
  for (const [kind, name] of entries) { const mark = element("i", {}); mark.style.borderTopColor = `var(--${kind})`; if (kind === "base") mark.style.borderTopStyle = "dashed"; legend.append(element("span", {}, mark, name)); }
  byId("switches").append(legend);
  const available = places(), first = FIRST.map((id) => available.find(([each]) => each.id === id)).filter(Boolean);
  byId("charts").replaceChildren(...first.map(([, k]) => chart(k)));
  drawWhy();
  if (byId("more").open) byId("more-charts").replaceChildren(...available.filter(([each]) => !FIRST.includes(each.id)).map(([, k]) => chart(k)));
}
function check() {
  let worst = 0, count = 0;
  content.regimes.forEach((regime, r) => {
    const run = runOf(stateOf(regime.id));
    content.outcomes.forEach((_, k) => {
      const given = content.reference[r][k], found = run ? run.series[k][run.times.length - 1] : NaN;
      const difference = Math.abs(found - given) / Math.max(Math.abs(given), 1e-2);
      worst = difference <= worst ? worst : difference;
      count++;
    });
  });
  const good = worst <= 1e-9;
  byId("check").className = good ? "good" : "bad";
  byId("check").textContent = t(good ? "ok" : "bad", {n: count, worst: worst.toExponential(1)});
}
byId("more").addEventListener("toggle", draw);
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.code === "KeyZ" && history.length) { event.preventDefault(); change(history.pop(), false); }
});
const address = location.hash.length > 1 ? location.hash.slice(1) : document.body.dataset.state || "";
const given = address ? decode(address) : null;
if (given) { state = given; current = runOf(state); }
build();
draw();
computeBands();
