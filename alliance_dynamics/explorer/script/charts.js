/* Charts of one outcome each: history as points, a fan of 50 and 90 per cent, scenarios told apart by colour, dash and
   width.  While a lever moves the vertical axis stands still. */
const FIRST = ["net_present_value", "innovative_goods_volume", "interregional_link_density", "decision_delay"];
const LINES = ["base", "A", "B", "C", "now"];  // drawn in this order, the present one on top
const W = 460, H = 226, SIDE = {left: 62, right: 34, top: 10, bottom: 22};
const SINCE = {level: content.years[0], gap: 2020, index: 2020};
const figures = new Map();
let hovered = null;

function element(name, attributes, ...inside) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined) made.setAttribute(key, value);
  }
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
  for (let at = Math.ceil(low / step); at * step <= high + step * 1e-9; at++) found.push(at * step);
  return {found, decimals: Math.max(0, -Math.floor(Math.log10(step) + 1e-9))};
}
function seriesAt(name, k) {  // by year, as level; null for a slot that is empty or a run that diverges
  const found = name === "base" ? latest.base : name === "now" ? latest.now : latest[name];
  return found ? found.subarray(k * T, k * T + T) : null;
}
function curveOf(name, k) {
  const own = seriesAt(name, k), base = seriesAt("base", k);
  return own && base ? own.map((value, at) => shownAs(state.view.mode, value, base[at])) : null;
}
function bandOf(k) { return spreadNow && spreadNow.mode === state.view.mode && spreadNow.bands[k] || null; }
function unitShown(outcome) { return state.view.mode === "index" ? "" : unitText(outcome.unit); }
function axisName(outcome) {
  const unit = unitShown(outcome);
  const what = state.view.mode === "gap" ? t("gap", {base: state.baseline}) : state.view.mode === "index" ? t("index", {base: state.baseline}) : t("level");
  return unit ? `${what}, ${unit}` : what;
}
const outcomeIds = () => Array.from(new Set(content.outcomes.map((each) => each.id))).filter((id) => id !== content.cost);  // the cost is in a ratio only
function outcomeAt(id) {  // of the chosen place, of the alliance where it has none there
  const own = content.outcomes.findIndex((each) => each.id === id && each.element === state.view.place);
  return own >= 0 ? own : content.outcomes.findIndex((each) => each.id === id && each.element === "alliance");
}
function visibleOutcomes() {
  const ids = outcomeIds();
  const rest = ids.filter((id) => !FIRST.includes(id));
  return {first: FIRST.map(outcomeAt), rest: rest.map(outcomeAt)};
}
function shownOutcomes() {
  const {first, rest} = visibleOutcomes();
  return byId("more").open ? [...first, ...rest] : first;
}
function placeText(id) { return content.places.find((each) => each.id === id).label[language]; }

function newFigure(k) {
  const svg = svgElement("svg", {viewBox: `0 0 ${W} ${H}`, role: "img"});
  const value = element("p", {class: "value"}), caption = element("figcaption", {});
  const table = element("details", {class: "table", ontoggle: () => fillTable(figure)}, element("summary", {}), element("div", {class: "wide", tabindex: "0", role: "region"}));
  const figure = {k, svg, value, caption, table, domain: null, goal: null, held: false, begun: 0, box: null, png: element("button", {type: "button", class: "small"})};
  figure.png.addEventListener("click", () => savePicture(figure));
  svg.addEventListener("pointermove", (event) => {
    const place = svg.getBoundingClientRect(), from = SINCE[state.view.mode];
    const year = Math.round(from + ((event.clientX - place.left) / place.width * W - SIDE.left) / (W - SIDE.left - SIDE.right) * (content.years[1] - from));
    hovered = Math.min(Math.max(year, from), content.years[1]);
    figures.forEach(pointAt);
  });
  svg.addEventListener("pointerleave", () => { hovered = null; figures.forEach(pointAt); });
  figure.box = element("figure", {"data-outcome": content.outcomes[k].id}, caption, svg, element("div", {class: "under"}, value, figure.png), table);
  return figure;
}
function domainOf(k, mode, lines, band, points) {
  let low = Infinity, high = -Infinity;
  const from = SINCE[mode] - content.years[0];
  for (const values of [...lines.map(([, each]) => each), ...(band ? [band[0], band[4]] : [])]) for (let at = from; at < T; at++) { low = Math.min(low, values[at]); high = Math.max(high, values[at]); }
  for (const [, value] of points) { low = Math.min(low, value); high = Math.max(high, value); }
  if (mode === "gap") { low = Math.min(low, 0); high = Math.max(high, 0); }
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [0, 1];
  if (high - low <= 1e-9 * Math.max(Math.abs(low), Math.abs(high))) return mode === "gap" ? [-1, 1] : [low - 0.5, high + 0.5];
  const room = 0.04 * (high - low);
  return [low === 0 ? 0 : low - room, high === 0 ? 0 : high + room];
}
const calm = matchMedia("(prefers-reduced-motion: reduce)"), EASE = 220;  // ms in which a held axis goes to its new place
function drawFigure(figure, still) {
  const {k} = figure, mode = state.view.mode, lines = linesOf(k), points = mode === "level" ? content.outcomes[k].points : [];
  figure.goal = still && figure.domain ? figure.domain : domainOf(k, mode, lines, still || state.view.fan === "off" ? null : bandOf(k), points);
  const eased = figure.held && !still && !calm.matches;
  figure.held = still;
  if (still) figure.begun = 0;
  if (eased) { figure.since = figure.domain; figure.begun = performance.now(); requestAnimationFrame(() => ease(figure)); }
  else if (!figure.begun) figure.domain = figure.goal;
  paint(figure, still);
}
function ease(figure) {
  if (!figure.begun) return;
  const share = Math.min(1, (performance.now() - figure.begun) / EASE), way = share * (2 - share);
  figure.domain = figure.goal.map((end, i) => figure.since[i] + way * (end - figure.since[i]));
  if (share < 1) requestAnimationFrame(() => ease(figure)); else figure.begun = 0;
  paint(figure, figure.held);
}
function linesOf(k) { return LINES.filter((name) => state.view.mode !== "gap" || name !== "base").map((name) => [name, curveOf(name, k)]).filter(([, values]) => values); }
function paint(figure, still) {
  const {k, svg} = figure, outcome = content.outcomes[k], mode = state.view.mode, from = SINCE[mode], last = content.years[1];
  const lines = linesOf(k), points = mode === "level" ? outcome.points : [], band = still || state.view.fan === "off" ? null : bandOf(k), paths = band && state.view.fan === "paths" ? spreadNow.paths[k] : null;
  const [low, high] = figure.domain;
  const x = (year) => SIDE.left + (W - SIDE.left - SIDE.right) * (year - from) / (last - from);
  const y = (value) => H - SIDE.bottom - (H - SIDE.top - SIDE.bottom) * (Math.min(Math.max(value, low - (high - low)), high + (high - low)) - low) / (high - low);
  const path = (values, reverse) => {
    const steps = [];
    for (let year = from; year <= last; year++) steps.push(`${x(year).toFixed(1)} ${y(values[year - content.years[0]]).toFixed(1)}`);
    return (reverse ? steps.reverse() : steps).join("L");
  };
  const made = [], marks = ticks(low, high);
  for (const value of marks.found) {
    made.push(svgElement("line", {x1: SIDE.left, x2: W - SIDE.right, y1: y(value), y2: y(value), class: value === 0 && mode === "gap" ? "zero" : "grid"}));
    made.push(svgElement("text", {x: SIDE.left - 6, y: y(value) + 4, "text-anchor": "end"}, numberText(value, marks.decimals, mode === "gap", language)));
  }
  for (let year = Math.ceil(from / 10) * 10; year <= last; year += 10) made.push(svgElement("text", {x: x(year), y: H - 6, "text-anchor": "middle"}, String(year)));
  const clip = svgElement("g", {class: "inside"});
  const start = state.now.policy;
  clip.append(svgElement("line", {x1: x(start), x2: x(start), y1: SIDE.top, y2: H - SIDE.bottom, class: "policy"}));
  if (paths) for (const values of paths) clip.append(svgElement("path", {d: "M" + path(values), class: "line sampled"}));
  else if (band) {
    clip.append(svgElement("path", {d: `M${path(band[4])}L${path(band[0], true)}Z`, class: "band"}));
    clip.append(svgElement("path", {d: `M${path(band[3])}L${path(band[1], true)}Z`, class: "band inner"}));
    clip.append(svgElement("path", {d: "M" + path(band[2]), class: "line middle"}));
  }
  for (const [name, values] of lines) clip.append(svgElement("path", {d: "M" + path(values), class: `line ${name}`}));
  for (const [year, value] of points) if (year >= from) clip.append(svgElement("circle", {cx: x(year), cy: y(value), r: 2.6, class: "point"}));
  made.push(clip);
  const ends = lines.map(([name, values]) => ({name, at: y(values[T - 1])})).sort((a, b) => a.at - b.at);
  ends.forEach((each, i) => { if (i) each.at = Math.max(each.at, ends[i - 1].at + 12); });
  for (const {name, at} of ends) made.push(svgElement("text", {x: W - SIDE.right + 4, y: Math.min(at + 4, H - SIDE.bottom), class: `end ${name}`}, shortName(lineName(name))));
  svg.replaceChildren(...made);
  const place = outcome.element === state.view.place ? "" : ` (${placeText(outcome.element)})`;
  figure.caption.replaceChildren(element("b", {}, outcome.label[language] + place), " ", element("span", {}, axisName(outcome)));
  figure.x = x;
  figure.y = y;
  figure.png.textContent = "PNG";
  figure.png.setAttribute("aria-label", `PNG: ${outcome.label[language]}`);
  pointAt(figure);
  svg.setAttribute("aria-label", `${outcome.label[language]}. ${axisName(outcome)}. ${figure.value.textContent}`);
  if (!still) fillTable(figure);
}
function shortName(name) { return name.length > 4 ? name.slice(0, 3) + "…" : name; }
function lineName(name) { return name === "base" ? state.baseline : name === "now" ? nameOf(state.now) : name; }
function pointAt(figure) {  // the value under the pointer, or that of the chosen year
  const {k, svg} = figure, year = hovered === null ? state.view.year : hovered, at = year - content.years[0];
  const curve = curveOf("now", k), band = bandOf(k), sign = state.view.mode === "gap", unit = unitShown(content.outcomes[k]);
  if (!curve) { figure.value.textContent = t("failed"); return; }
  const value = band ? band[2][at] : curve[at], decimals = band ? decimalsOfInterval(band[0][at], band[4][at], value) : decimalsOfValue(value);
  const text = (value) => numberText(value, decimals, sign, language);
  const main = text(value), ends = band ? ` [${text(band[0][at])}; ${text(band[4][at])}]` : "";
  const word = state.view.mode === "index" ? "" : unitText(content.outcomes[k].unit, main);
  figure.value.textContent = `${year}: ${main}${ends}${unit ? FIXED + word : ""}`;
  for (const old of Array.from(svg.querySelectorAll(".cursor"))) old.remove();
  if (hovered === null || !figure.x) return;
  svg.append(svgElement("line", {x1: figure.x(year), x2: figure.x(year), y1: SIDE.top, y2: H - SIDE.bottom, class: "cursor"}),
    svgElement("circle", {cx: figure.x(year), cy: figure.y(curve[at]), r: 3.2, class: "cursor"}));
}
function fillTable(figure) {  // what the chart shows, in numbers
  const {table, k} = figure, outcome = content.outcomes[k];
  table.firstChild.textContent = t("table");
  table.firstChild.setAttribute("aria-label", `${t("table")}: ${outcome.label[language]}`);
  if (!table.open) return;
  table.lastChild.setAttribute("aria-label", outcome.label[language]);
  const lines = linesOf(k), band = bandOf(k);
  const head = [t("year"), ...lines.map(([name]) => lineName(name)), ...(band ? [t("middle"), t("low"), t("high")] : []), ...(outcome.points.length && state.view.mode === "level" ? [t("observed")] : [])];
  const rows = [];
  for (let year = SINCE[state.view.mode]; year <= content.years[1]; year++) {
    const at = year - content.years[0], point = outcome.points.find(([when]) => when === year);
    const cells = [...lines.map(([, values]) => values[at]), ...(band ? [band[2][at], band[0][at], band[4][at]] : [])].map((value) => numberText(value, decimalsOfValue(value), state.view.mode === "gap", language));
    if (outcome.points.length && state.view.mode === "level") cells.push(point ? numberText(point[1], decimalsOfValue(point[1]), false, language) : "");
    rows.push(element("tr", {}, element("th", {scope: "row"}, String(year)), ...cells.map((each) => element("td", {}, each))));
  }
  table.lastChild.replaceChildren(element("table", {}, element("caption", {}, `${outcome.label[language]}, ${axisName(outcome)}`),
    element("thead", {}, element("tr", {}, ...head.map((each) => element("th", {scope: "col"}, each)))), element("tbody", {}, ...rows)));
}
function drawCharts(still) {
  const {first, rest} = visibleOutcomes(), shown = new Set(shownOutcomes());
  for (const [k, figure] of figures) if (!shown.has(k)) { figure.box.remove(); figures.delete(k); }
  const place = (box, wanted) => {
    wanted.forEach((k) => { if (!figures.has(k)) figures.set(k, newFigure(k)); });
    const boxes = wanted.map((k) => figures.get(k).box);
    if (boxes.some((each, i) => box.children[i] !== each)) box.replaceChildren(...boxes);
  };
  place(byId("charts"), first);
  if (byId("more").open) place(byId("more-charts"), rest);
  figures.forEach((figure) => drawFigure(figure, still));
  drawLegend();
}
function drawLegend() {
  const entries = LINES.filter((name) => name === "now" || name === "base" || state.slots[name]).map((name) => {
    const svg = svgElement("svg", {viewBox: "0 0 34 8", class: "sample", "aria-hidden": "true"});
    svg.append(svgElement("line", {x1: 0, x2: 34, y1: 4, y2: 4, class: `line ${name}`}));
    const title = name === "now" ? `${nameOf(state.now)} — ${t("present")}` : name === "base" ? `${state.baseline} — ${t("baseline")}` : `${name}: ${nameOf(state.slots[name])}`;
    return element("span", {}, svg, title);
  });
  const fan = state.view.fan, told = fan === "off" ? t("fanOff") : !spreadNow ? t("fanWait") : fan === "paths" ? t("fanPaths", {n: Math.min(20, spreadNow.count), all: spreadNow.count}) : t("fan", {n: spreadNow.count});
  byId("legend").replaceChildren(...entries, element("span", {class: "soft"}, told));
}
