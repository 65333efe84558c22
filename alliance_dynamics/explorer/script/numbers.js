/* Numbers as a language writes them, by the rules of the reports: thin spaces, a true minus, no digits beyond what is
   known.  tests/explorer/numbers.json holds what both must give. */
const THIN = "\u202f", FIXED = "\u00a0", MINUS = "\u2212";

function fixedText(size, decimals) {  // ties to the even digit, as Python rounds
  const text = size.toFixed(decimals);
  if (size >= 1e21) return text;
  const rest = size.toFixed(Math.min(100, decimals + 60)), cut = rest.indexOf(".") + 1 + decimals;
  if (!/^50*$/.test(rest.slice(decimals ? cut : rest.indexOf(".") + 1))) return text;
  const down = decimals ? rest.slice(0, cut) : rest.slice(0, rest.indexOf("."));
  return Number(down[down.length - 1]) % 2 ? text : down;
}
function numberText(value, decimals, sign, language) {
  if (!Number.isFinite(value)) return "—";
  if (decimals > 6) return powerText(value, sign, language);
  const size = fixedText(Math.abs(value), Math.max(decimals, 0)), zero = !/[1-9]/.test(size);
  const [whole, rest] = size.split("."), grouped = whole.replace(/\B(?=(\d{3})+$)/g, THIN);
  return (zero ? "" : value < 0 ? MINUS : sign ? "+" : "") + grouped + (rest ? (language === "ru" ? "," : ".") + rest : "");
}
function powerText(value, sign, language) {
  if (value === 0) return "0";
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  const raised = String(exponent).replace(/[0-9-]/g, (each) => "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"["0123456789-".indexOf(each)]);
  return numberText(value / 10 ** exponent, 1, sign, language) + "·10" + raised;
}
function decimalsOfValue(value, digits) {
  if (value === 0 || !Number.isFinite(value)) return 0;
  return Math.max(0, (digits || 3) - 1 - Math.floor(Math.log10(Math.abs(value))));
}
function decimalsOfInterval(low, high, value) {
  const width = Math.abs(high - low) / 2;
  return width > 0 && Number.isFinite(width) ? Math.max(0, 1 - Math.floor(Math.log10(width))) : decimalsOfValue(value);
}
function percentText(value, sign, language) {
  return numberText(value, Math.min(decimalsOfValue(value, 2), 4), sign, language) + FIXED + "%";
}
function pluralOf(text, forms, language) {  // the form that goes with a number as it is written
  if (typeof forms === "string") return forms;
  const shown = text.replace(/[^\d.,]/g, "").replace(",", "."), digits = (shown.split(".")[1] || "").length;
  const form = new Intl.PluralRules(language, {minimumFractionDigits: digits}).select(Number(shown));
  return form in forms ? forms[form] : forms.other;
}
