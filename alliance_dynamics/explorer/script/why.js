/* Why: what each lever adds to the gap, exactly, and which causes stand behind an outcome, one step at a time. */
const SINGLE = 6;  // so many levers are weighed one by one; more of them by groups
let oneByOne = null, groupShown = "powers";
let weighed = null, trail = [], causesShown = null;

function whyOutcome() { return outcomeAt(state.view.why); }
function leversOf(group) { return GROUPS[group].map((id) => leverAt.get(id)).filter((k) => !isLike(state.now, baseScenario(), k)); }
function drawAlone() {  // which lever of a group helps, and in how many draws
  const box = byId("alone"), k = whyOutcome(), outcome = content.outcomes[k], year = state.view.year, names = Object.keys(GROUPS);
  byId("alone-title").textContent = t("alone.title");
  const choice = element("select", {id: "alone-group", "aria-label": t("alone.group"), onchange: (event) => { groupShown = event.target.value; askAlone(); }},
    ...names.map((each) => element("option", Object.assign({value: each}, each === groupShown ? {selected: ""} : {}), t("groups." + each))));
  if (!leversOf(groupShown).length) { box.replaceChildren(choice, element("p", {class: "soft"}, t("alone.none", {base: state.baseline}))); return; }
  if (!oneByOne || oneByOne.outcome !== k || oneByOne.year !== year) { box.replaceChildren(choice, element("p", {class: "soft"}, t("whyWait"))); return; }
  const rows = oneByOne.levers.map((lever, i) => ({lever: content.levers[lever].label[language], ...oneByOne.effects[i]})).sort((a, b) => outcome.better * (b.middle - a.middle)), [best] = rows;
  const width = Math.max(...rows.map((each) => each.high - each.low)), decimals = decimalsOfInterval(0, width, best.middle), text = (value) => numberText(value, decimals, true, language);
  const helps = outcome.better * best.middle > 0, sure = best.low * best.high > 0;
  const surest = rows.filter((each) => outcome.better * each.middle > 0).sort((a, b) => b.helps - a.helps)[0];
  const more = surest && surest.helps > best.helps + 0.05 ? " " + t("alone.surest", {lever: surest.lever, gap: amount(surest.middle, outcome.unit, decimals, true), draws: draws10(surest.helps, surest.count)}) : "";
  const told = helps ? t("alone.best", {lever: best.lever, gap: amount(best.middle, outcome.unit, decimals, true), low: text(best.low), high: text(best.high), draws: draws10(best.helps, best.count)}) + " " + t(sure ? "alone.sure" : "alone.unsure") + more : t("alone.no", {base: state.baseline});
  const head = ["lever", "alone.gain", "alone.helps"].map((each) => element("th", {scope: "col"}, t(each)));
  box.replaceChildren(choice, element("p", {class: "told-best"}, told),
    element("div", {class: "wide", tabindex: "0", role: "region", "aria-labelledby": "alone-title"}, element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows.map((each) => element("tr", {}, element("th", {scope: "row"}, each.lever),
      element("td", {}, text(each.middle), element("small", {}, ` [${text(each.low)}; ${text(each.high)}]`)), element("td", {}, percentText(100 * each.helps, false, language))))))),
    element("p", {class: "soft"}, t("alone.note", {base: state.baseline, n: oneByOne.count, unit: unitText(outcome.unit) || t("noUnit"), place: placeText(outcome.element), year})));
}
function players() {  // who shares the gap: levers, or groups of levers, and what is no lever
  const base = baseScenario(), changed = content.levers.map((each, k) => k).filter((k) => !isLike(state.now, base, k));
  const year = [...(state.now.policy !== base.policy ? [[START]] : []), ...(sameParts(partsOf(state.now, OTHERS), partsOf(base, OTHERS)) ? [] : [[OTHERS]])];
  if (changed.length + year.length <= SINGLE) return {single: true, list: [...changed.map((k) => [k]), ...year]};
  const groups = Object.values(GROUPS).map((ids) => ids.map((id) => leverAt.get(id)).filter((k) => changed.includes(k))).filter((each) => each.length);
  return {single: false, list: [...groups, ...year]};
}
function playerName(player, single) {
  if (player[0] < 0) return t(player[0] === START ? "policy" : "others");
  if (single) return content.levers[player[0]].label[language];
  return t("groups." + Object.keys(GROUPS).find((name) => GROUPS[name].includes(content.levers[player[0]].id)));
}
function bar(label, value, most, kind) {
  const svg = svgElement("svg", {viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true"}), width = 50 * Math.abs(value) / most;
  svg.append(svgElement("rect", {x: value < 0 ? 50 - width : 50, y: 1, width, height: 8, class: kind}), svgElement("line", {x1: 50, x2: 50, y1: 0, y2: 10, class: "zero"}));
  return element("div", {class: "part"}, element("span", {}, label), svg, element("b", {}, numberText(value, decimalsOfValue(most, 3), true, language)));
}
function drawWhy() {
  const k = whyOutcome(), outcome = content.outcomes[k], ids = outcomeIds();
  byId("why-title").textContent = t("why");
  byId("parts-title").textContent = t("partsTitle");
  const labelOf = (id) => content.outcomes.find((each) => each.id === id).label[language];
  byId("why-pick").replaceChildren(element("label", {for: "why-choice", class: "soft"}, t("whyOf", {place: placeText(outcome.element), year: state.view.year})),
    element("select", {id: "why-choice", onchange: (event) => { trail = []; view({why: event.target.value}); }}, ...ids.map((id) => element("option", Object.assign({value: id}, id === state.view.why ? {selected: ""} : {}), labelOf(id)))));
  const box = byId("why");
  if (same()) { byId("parts").replaceChildren(element("p", {class: "soft"}, t("same", {base: state.baseline}))); delete box.dataset.gap; }
  else if (!weighed) byId("parts").replaceChildren(element("p", {class: "soft"}, t("whyWait")));
  else if (weighed.failed) byId("parts").replaceChildren(element("p", {class: "soft"}, t("whyFailed")));
  else {
    const at = k * T + state.view.year - content.years[0], whole = weighed.whole[at];
    const parts = weighed.players.map((player, p) => [playerName(player, weighed.single), weighed.parts[p][at]]).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
    const most = Math.max(...parts.map(([, value]) => Math.abs(value)), Math.abs(whole), 1e-12);
    byId("parts").replaceChildren(element("p", {}, t(weighed.single ? "parts" : "partsOfGroups", {unit: unitText(outcome.unit) || t("noUnit")})),
      ...parts.map(([label, value]) => bar(label, value, most, value * outcome.better < 0 ? "against" : "for")), bar(t("whole"), whole, most, "whole"),
      element("p", {class: "soft"}, t("whyNote", {base: state.baseline, runs: weighed.runs})));
    box.dataset.gap = whole;
    box.dataset.sum = parts.reduce((sum, [, value]) => sum + value, 0);
  }
}

function topOf() { return trail.length ? {variable: trail[trail.length - 1]} : content.tops[state.view.why]; }
function markText(text) { return text.replace(/\{(\d+)\}/g, (_, at) => tracked.names[language][at]); }
function variableName(at) { return tracked.names[language][tracked.variables[at].name]; }
function spark(now, base) {  // both paths; where a gap is too small to be seen between them, the gap itself
  const svg = svgElement("svg", {viewBox: "0 0 120 30", class: "spark", "aria-hidden": "true"}), from = 2015 - content.years[0];
  const ends = (...paths) => paths.reduce(([low, high], values) => [Math.min(low, ...values), Math.max(high, ...values)], [Infinity, -Infinity]);
  const [a, b] = [Array.from(now).slice(from), Array.from(base).slice(from)], gap = a.map((value, at) => value - b[at]), [low, high] = ends(a, b), [least, most] = ends(gap, [0]);
  const path = (values, bottom, top) => "M" + values.map((value, i) => `${(2 + 116 * i / (values.length - 1)).toFixed(1)} ${(top > bottom ? 27 - 24 * (value - bottom) / (top - bottom) : 15).toFixed(1)}`).join("L");
  if (most - least < 0.06 * (high - low)) {
    svg.append(svgElement("path", {d: path(gap.map(() => 0), least, most), class: "line base"}), svgElement("path", {d: path(gap, least, most), class: "line now"}), svgElement("text", {x: 2, y: 11}, "Δ"));
  } else svg.append(svgElement("path", {d: path(b, low, high), class: "line base"}), svgElement("path", {d: path(a, low, high), class: "line now"}));
  return svg;
}
function drawCauses() {
  const box = byId("causes");
  byId("causes-title").textContent = t("causes");
  if (!causesShown || causesShown.failed) { box.replaceChildren(element("p", {class: "soft"}, t(causesShown ? "failed" : "whyWait"))); return; }
  const at = state.view.year - content.years[0], top = topOf(), outcome = content.outcomes[whyOutcome()];
  const variable = trail.length ? tracked.variables[top.variable] : null, own = tracked.variables[top.variable];
  const title = trail.length ? variableName(top.variable) : outcome.label[language], unit = own.unit;
  const crumbs = element("nav", {class: "crumbs", "aria-label": t("crumbs")}, ...[-1, ...trail.map((_, i) => i)].slice(0, -1).map((i) => element("button", {type: "button", class: "small", id: "crumb" + i, onclick: () => { trail = trail.slice(0, i + 1); askCauses(); }}, i < 0 ? outcome.label[language] : variableName(trail[i]))));
  const total = causesShown.causes.reduce((sum, each) => sum + Math.abs(each.effect), 0);
  const gap = causesShown.now[at] - causesShown.base[at], decimals = decimalsOfValue(gap);
  const lines = [crumbs, element("div", {class: "cause top"}, element("b", {}, title), spark(causesShown.now, causesShown.base), element("span", {}, amount(gap, unit, decimals, true)))];
  const equation = top.minus === undefined ? markText(own.equation) : `${title} = ${variableName(top.variable)} − ${variableName(top.minus)}`;
  lines.push(element("p", {class: "equation"}, equation));
  if (variable || top.minus === undefined) if (own.loops.length) lines.push(element("p", {class: "soft"}, t("loops", {loops: own.loops.map((each) => content.loops[each][language]).join("; ")})));
  const list = causesShown.causes.slice().sort((a, b) => Math.abs(b.effect) - Math.abs(a.effect)).map((each, i) => {
    const share = total > 0 ? percentText(100 * Math.abs(each.effect) / total, false, language) : "—";
    if (each.lever !== undefined) {
      const lever = content.levers.find((one) => one.column === each.lever), part = content.parts.find((one) => one.set.some(([column]) => column === each.lever));
      const label = lever ? lever.label[language] : !part ? t("policy") : part.lever < 0 ? t("others") : `${content.levers[part.lever].label[language]} (${t("path.in")})`;
      return element("li", {}, element("div", {class: "cause lever-end"}, element("span", {}, `${t("isLever")}: ${label}`), element("b", {}, part ? "" : `${leverNumber(each.from)} → ${leverNumber(each.to)}`), element("span", {}, share)));
    }
    return element("li", {}, element("button", {type: "button", class: "cause", id: "cause-" + i, onclick: () => { trail = [...trail, each.cause]; askCauses(true); }}, element("span", {}, variableName(each.cause)), spark(each.now, each.base), element("span", {}, share)));
  });
  lines.push(element("p", {class: "soft"}, t(list.length ? "causesNote" : "noCauses", {year: state.view.year})), element("ol", {class: "causes"}, ...list));
  box.replaceChildren(...lines);
}
