/* What leaves the page: a link, a copy of the page itself, files and pictures, each of which says what it is. */
const CUT = 12;
const today = () => new Date().toISOString().slice(0, 10);
function stamp() {
  const failed = checked && !(checked.worst <= 1e-9) ? "; " + t("checkFailed") : "";
  return `${t("stamp", {hash: content.hash.slice(0, CUT), version: content.version, seed: content.seed})}; ${today()}${content.quick ? "; " + t("quick") : ""}${failed}`;
}
function scenarioTitle() { return alike(state.now, scenarioOf(state.now.from)) ? `${state.now.from}. ${regimeOf(state.now.from).title[language]}` : `${nameOf(state.now)}. ${t("own", {from: state.now.from})}`; }

function saveBlob(name, blob) {
  const link = element("a", {download: name, href: URL.createObjectURL(blob)});
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
function save(name, text, kind) { saveBlob(name, new Blob([text], {type: `${kind || "text/plain"};charset=utf-8`})); }
function saveCopy() {  // the page as it was delivered, with the state in its body: the scripts are the same text, so the policy holds
  const cut = snapshot.indexOf("<body"), end = snapshot.indexOf(">", cut);
  save("explorer.html", `<!DOCTYPE html>\n${snapshot.slice(0, cut).replace("connect-src 'self'; ", "")}<body data-state="${encode()}"${snapshot.slice(end)}\n`, "text/html");
}
function link() {
  location.replace("#" + encode());
  showText(t("link"), location.href, null, t("linkNote"));
}

function floatText(value) { return Number.isInteger(value) ? value.toFixed(1) : String(value); }
function tomlText() {
  const parts = state.now.parts.map((key) => PARTS.get(key)), ramp = parts.reduce((found, each) => each.ramp === undefined ? found : each.ramp, state.ramp);
  const changed = !alike(state.now, scenarioOf(state.now.from)), title = (in_) => changed ? `${state.now.from}: ${texts[in_].ownTitle}` : regimeOf(state.now.from).title[in_];
  const lines = ["schema = 1", "", "[scenario]", `id = ${JSON.stringify(fileStem())}`, `title.ru = ${JSON.stringify(title("ru"))}`, `title.en = ${JSON.stringify(title("en"))}`,
    `because = ${JSON.stringify(`explorer, model ${content.hash.slice(0, CUT)}, ${today()}`)}`, "", "[time]", `start_policy = ${floatText(state.now.policy)}`,
    ...(ramp !== content.ramp.value ? [`ramp_years = ${floatText(ramp)}`] : []), "", "[levers]"];
  content.levers.forEach((each, k) => { if (!inTime(state.now, k)) lines.push(`${each.id} = ${floatText(state.now.levers[k])}`); });
  lines.push(...parts.flatMap((each) => each.text.trimEnd().split("\n")), "", "[parameters]");
  const nested = new Map(), own = parts.flatMap((each) => each.values || []), keyOf = ([name, elements]) => [name, ...elements].join();
  const told = new Set(own.map(keyOf));
  for (const [name, elements, value] of [...content.parameters.filter((each) => !told.has(keyOf(each))), ...own]) {
    if (!nested.has(name)) nested.set(name, []);
    nested.get(name).push([elements, value]);
  }
  for (const [name, entries] of nested) for (const [elements, value] of entries) lines.push([name, ...elements].map((each) => JSON.stringify(each)).join(".") + " = " + floatText(value));
  if (content.dt !== content.ownDt) lines.push("", "[run]", `dt = ${floatText(content.dt)}`);
  return lines.join("\n") + "\n";
}
function fileStem() { return alike(state.now, scenarioOf(state.now.from)) ? state.now.from : `${state.now.from}-own`; }
const commandText = () => `alliance run ${fileStem()}.toml`;
const pythonText = () => state.now.parts.some((key) => PARTS.get(key).lever >= 0) ? `import alliance_dynamics as ad
from alliance_dynamics.lever_paths import with_paths

parameters = ad.read_parameters()
scenario = ad.read_scenario(${JSON.stringify(fileStem() + ".toml")}, parameters)
run = ad.run_model(with_paths(ad.open_model("alliance"), scenario, parameters), set=scenario.values(parameters))
` : `import alliance_dynamics as ad

scenario = ad.read_scenario(${JSON.stringify(fileStem() + ".toml")})
run = ad.run_model(ad.open_model("alliance"), set=scenario.values(ad.read_parameters()))
`;
function readToml(text) {  // the levers, the policy year and the ramp of a scenario file that this page or the package wrote
  const faults = [], next = {...state, now: {...state.now, levers: state.now.levers.slice(), parts: []}}, values = new Map();
  let section = "", extra = 0;
  const plain = (part) => part.split("\n").map((line) => line.trim()).filter((line) => line && !line.startsWith("#")).join("\n");
  const known = new Map(content.parts.filter((each) => each.text).map((each) => [plain(each.text), each]));
  const alone = (all) => {  // sections of levers in time and of events, which this page knows or does not know
    const part = known.get(plain(all));
    if (part) next.now.parts.push(part.key); else faults.push(`${all.trim().split("\n")[0]} (${t("unknownPath")})`);
    if (part && part.path) next.now.levers[part.lever] = part.path.value !== undefined ? part.path.value : part.path.points[part.path.points.length - 1][1];
    return all.replace(/[^\n]/g, "");
  };
  const rest = text.replace(/^\ufeff/, "").replace(/\r\n/g, "\n").replace(/^\[(?:levers\.|\[events\])[^\n]*\n(?:(?!\[)[^\n]*\n?)*/gm, alone);
  rest.split("\n").forEach((raw, n) => {
    const line = raw.trim(), head = /^\[([\w.]+)\]$/.exec(line), entry = /^((?:"[^"]*"|[\w&-]+)(?:\.(?:"[^"]*"|[\w&-]+))*)\s*=\s*(.*?)\s*(?:#[^"]*)?$/.exec(line);
    if (!line || line.startsWith("#")) return;
    if (head) { section = head[1]; return; }
    if (!entry) { faults.push(`${n + 1}: ${line.slice(0, 60)}`); return; }
    const key = entry[1].replace(/"/g, ""), number = Number(entry[2].replace(/_/g, ""));
    if (section === "" && key === "schema" || section === "scenario" || section === "run" && key === "dt" && number === content.dt) return;
    if (section === "time" && key === "start_policy" && Number.isFinite(number) && yearOnGrid(number) === number) next.now.policy = number;
    else if (section === "levers" && leverAt.has(key) && inRange(leverAt.get(key), number)) next.now.levers[leverAt.get(key)] = number;
    else if (section === "time" && key === "ramp_years" && (rampOnGrid(number) === number || content.parts.some((each) => each.ramp === number))) next.ramp = number;
    else if (section === "parameters") values.set(key, number);
    else faults.push(`${n + 1}: ${line.slice(0, 60)}`);
  });
  const nameOf = ([name, elements]) => [name, ...elements].join(".");
  for (const part of content.parts) {
    if (part.lever !== OTHERS || !part.values.every((each) => values.get(nameOf(each)) === each[2]) || part.ramp !== undefined && part.ramp !== next.ramp) continue;
    next.now.parts.push(part.key);
    if (part.ramp !== undefined) next.ramp = state.ramp;
    for (const each of part.values) values.delete(nameOf(each));
  }
  for (const [key, number] of values) if (!content.parameters.some((each) => nameOf(each) === key && each[2] === number)) extra++;
  return {next, faults, extra};
}
function openToml(file) {
  file.text().then((text) => {
    const {next, faults, extra} = readToml(text);
    if (faults.length) { banner(t("tomlFaults", {file: file.name, faults: faults.slice(0, 5).join("; ")})); return; }
    banner(extra ? t("tomlExtra", {n: extra}) : "");
    change(["openedToml", {file: file.name}], next);
  });
}

function csvText(kind) {  // "ru" and "en" for a spreadsheet of that language, "raw" for a program
  const names = ["base", "now", ...SLOTS.filter((slot) => state.slots[slot])], wanted = shownOutcomes();
  const label = (name) => name === "now" ? nameOf(state.now) : name === "base" ? state.baseline : `${name} ${nameOf(state.slots[name])}`;
  if (kind === "raw") {
    const lines = ["outcome,element,unit,scenario,year,value,gap,gap_median,gap_low,gap_high,baseline,model,seed,date"];
    for (const k of wanted) for (const name of names) for (let year = content.years[0]; year <= content.years[1]; year++) {
      const outcome = content.outcomes[k], at = year - content.years[0], own = seriesAt(name, k), range = name === "now" ? intervalOf(k, year) : null;
      if (own) lines.push([outcome.id, outcome.element, outcome.unit, label(name), year, own[at], gapOf(name, k, year), range ? range.middle : "", range ? range.low : "", range ? range.high : "", state.baseline, content.hash, content.seed, today()].join(","));
    }
    return lines.join("\n") + "\n";
  }
  const cut = kind === "ru" ? ";" : ",", cell = (text) => /[";,\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  const number = (value) => Number.isFinite(value) ? (kind === "ru" ? String(value).replace(".", ",") : String(value)) : "";
  const columns = [];
  for (const k of wanted) for (const name of names) {
    const outcome = content.outcomes[k], own = seriesAt(name, k), words = outcome.label[kind] + (unitText(outcome.unit, undefined, kind) ? ", " + unitText(outcome.unit, undefined, kind) : "");
    columns.push([`${outcome.id}.${outcome.element}.${name}`, `${words}: ${label(name)}`, (at) => own ? own[at] : NaN]);
    const band = name === "now" && state.view.mode === "gap" ? bandOf(k) : null;
    if (band) for (const [end, i] of [["middle", 2], ["low", 0], ["high", 4]]) columns.push([`${outcome.id}.${outcome.element}.gap_${end}`, `${words}: ${label(name)} − ${state.baseline}, ${texts[kind][end]}`, (at) => band[i][at]]);
  }
  const lines = [["year", ...columns.map(([id]) => id)].map(cell).join(cut), [texts[kind].year, ...columns.map(([, words]) => words)].map(cell).join(cut)];
  for (let year = content.years[0]; year <= content.years[1]; year++) lines.push([String(year), ...columns.map(([, , read]) => cell(number(read(year - content.years[0]))))].join(cut));
  lines.push("", cell(`${t("title")}; ${scenarioTitle()}; ${stamp()}; ${t("sources")}`));
  return "\ufeff" + lines.join("\r\n") + "\r\n";
}
function savePicture(figure) {  // the chart drawn anew at a larger size, with what it shows written beside it
  const scale = 2, pictureWidth = 2 * W, pictureHeight = 2 * H, copy = figure.svg.cloneNode(true);
  for (const old of copy.querySelectorAll(".cursor")) old.remove();
  const from = [figure.svg, ...figure.svg.querySelectorAll("*:not(.cursor)")], to = [copy, ...copy.querySelectorAll("*")];
  from.forEach((each, i) => {
    const style = getComputedStyle(each);
    for (const key of ["fill", "stroke", "stroke-width", "stroke-dasharray", "font-size", "font-family", "opacity", "fill-opacity"]) to[i].style.setProperty(key, style.getPropertyValue(key));
  });
  copy.setAttribute("width", scale * pictureWidth);
  copy.setAttribute("height", scale * pictureHeight);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const image = new Image(), outcome = content.outcomes[figure.k];
  image.onload = () => {
    const others = SLOTS.filter((slot) => state.slots[slot]).map((slot) => `${slot}: ${nameOf(state.slots[slot])}`);
    const notes = [[scenarioTitle(), t("against", {base: state.baseline}), ...others].join("; "), `${placeText(outcome.element)}. ${figure.value.textContent}`, t("sources"), stamp()];
    const canvas = element("canvas", {width: scale * pictureWidth, height: scale * (pictureHeight + 130)}), pen = canvas.getContext("2d"), style = getComputedStyle(document.body);
    pen.scale(scale, scale);
    pen.fillStyle = style.backgroundColor === "rgba(0, 0, 0, 0)" ? "#fff" : style.backgroundColor;
    pen.fillRect(0, 0, pictureWidth, pictureHeight + 130);
    pen.fillStyle = style.color;
    pen.font = "bold 20px sans-serif";
    pen.fillText(`${outcome.label[language]}. ${axisName(outcome)}`, 16, 30, pictureWidth - 32);
    pen.drawImage(image, 0, 42, pictureWidth, pictureHeight);
    pen.font = "13px sans-serif";
    notes.forEach((line, i) => pen.fillText(line, 16, pictureHeight + 62 + 18 * i, pictureWidth - 32));
    canvas.toBlob((blob) => saveBlob(`${outcome.id}.png`, blob));
  };
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(new XMLSerializer().serializeToString(copy));
}
function showText(title, text, name, note) {
  const dialog = byId("dialog"), area = element("textarea", {readonly: "", rows: Math.min(18, text.split("\n").length + 1), "aria-label": title, spellcheck: "false"});
  area.value = text;
  const copied = element("button", {type: "button", onclick: () => { area.select(); document.execCommand("copy"); copied.textContent = t("copied"); }}, t("copyText"));
  const buttons = [copied, ...(name ? [element("button", {type: "button", onclick: () => save(name, text)}, t("saveAs", {name}))] : []), element("button", {type: "button", onclick: () => dialog.close()}, t("close"))];
  dialog.replaceChildren(element("h2", {}, title), ...(note ? [element("p", {class: "soft"}, note)] : []), area, element("div", {class: "row"}, ...buttons));
  dialog.setAttribute("aria-label", title);
  dialog.showModal();
}
