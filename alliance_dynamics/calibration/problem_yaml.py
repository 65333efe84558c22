"""problem.yaml of PEtab v2, read as the problem.toml that says the same; the part of YAML that such files use."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from alliance_dynamics.cells import near_name, number_of
from alliance_dynamics.errors import Fault, InputError, Place, fault
from alliance_dynamics.toml_door import Document

_FILES = {
    "parameter_files": "parameters",
    "measurement_files": "measurements",
    "observable_files": "observables",
    "condition_files": "conditions",
    "experiment_files": "experiments",
}
_KEYS = ("format_version", "model_files", "id", "extensions", *_FILES)
_MODELS = ("mdl", "vensim", "xmile")
_ENTRY = re.compile(r"(?P<key>[A-Za-z_][\w.-]*)\s*:(?:\s+(?P<rest>.*))?$")


def read_yaml(path: Path, faults: list[Fault]) -> Document:
    """The entries of a PEtab v2 problem file under the keys of problem.toml; its faults are added to `faults`."""
    file = str(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(fault(file, "The file is not UTF-8 text", remedy="Save it in the encoding UTF-8")) from error
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1)]
    kept = [(number, _without_comment(line)) for number, line in lines]
    kept = [(number, line) for number, line in kept if line.strip() and line.strip() not in ("---", "...")]
    _refuse_old(file, kept)
    places: dict[tuple[str | int, ...], int] = {}
    content, rest = _block(file, kept, 0, places)
    if rest or not isinstance(content, dict):
        number = rest[0][0] if rest else 1
        raise InputError(fault(Place(file, number), "the line is not read as YAML", expected="`key: value`"))
    return Document(file, _as_toml(file, content, places, faults), {("tables",): 1, ("model",): 1, **places}, "")


def _refuse_old(file: str, lines: list[tuple[int, str]]) -> None:
    """Stops at another version of the format, whose files are laid out otherwise."""
    for number, line in lines:
        entry = _ENTRY.match(line)
        if entry is not None and entry["key"] == "format_version":
            version = (entry["rest"] or "").strip().strip("\"'")
            if not version.startswith("2"):
                remedy = "Write the problem in PEtab version 2, or as problem.toml."
                what = "`format_version` is {value}"
                raise InputError(fault(Place(file, number), what, expected="2.0.0", remedy=remedy, value=version))


def _as_toml(file: str, content: dict[str, Any], places: dict, faults: list[Fault]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key in content:
        if key not in _KEYS:
            what, known = "unknown key `{key}`", ", ".join(_KEYS)
            place = Place(file, places.get((key,), 0))
            faults.append(
                fault(place, what, expected="One of {known}", remedy=near_name(key, _KEYS), key=key, known=known)
            )
    if "format_version" not in content:
        faults.append(fault(file, "`format_version` is {value}", expected="2.0.0", value="missing"))
    tables: dict[str, str] = {}
    for key, name in _FILES.items():
        given = content.get(key, [])
        given = [given] if isinstance(given, str) else given
        if len(given) > 1:
            what, remedy = "`{key}` names {count} files", "Join them in one file."
            faults.append(fault(Place(file, places.get((key,), 0)), what, remedy=remedy, key=key, count=len(given)))
        if given:
            tables[name] = str(given[0])
    models = content.get("model_files", {})
    cards = [each for each in models.values() if isinstance(each, dict)] if isinstance(models, dict) else []
    if len(cards) > 1:
        what, remedy = "`{key}` names {count} files", "Keep one model."
        at = {"key": "model_files", "count": len(cards)}
        faults.append(fault(Place(file, places.get(("model_files",), 0)), what, remedy=remedy, **at))
    for card in cards[:1]:
        language = str(card.get("language", "mdl")).lower()
        if language not in _MODELS:
            what, expected = "a model in {language} is not read", "A Vensim (mdl) or XMILE model"
            place = Place(file, places.get(("model_files",), 0))
            faults.append(fault(place, what, expected=expected, language=language))
        data["model"] = str(card.get("location", ""))
    return {**data, "tables": tables}


def _without_comment(line: str) -> str:
    quoted = ""
    for i, sign in enumerate(line):
        if sign in "\"'" and quoted in ("", sign):
            quoted = "" if quoted else sign
        elif sign == "#" and not quoted and (i == 0 or line[i - 1] in " \t"):
            return line[:i].rstrip()
    return line.rstrip()


def _block(
    file: str, lines: list[tuple[int, str]], indent: int, places: dict, path: tuple[str | int, ...] = ()
) -> tuple[Any, list[tuple[int, str]]]:
    """The mapping or list whose lines stand at `indent`, and the lines behind it."""
    found: Any = None
    while lines:
        number, line = lines[0]
        own = len(line) - len(line.lstrip())
        if "\t" in line[:own]:
            raise InputError(fault(Place(file, number), "the line is indented by a tab", expected="Blanks"))
        if own < indent:
            return found, lines
        if own > indent:
            raise InputError(fault(Place(file, number), "the line is not read as YAML", expected="`key: value`"))
        body = line.strip()
        if body.startswith("- ") and not isinstance(found, dict):
            found = [*(found or []), _scalar(body[2:].strip())]
            lines = lines[1:]
            continue
        entry = _ENTRY.match(body)
        if entry is None or isinstance(found, list):
            raise InputError(fault(Place(file, number), "the line is not read as YAML", expected="`key: value`"))
        found = {} if found is None else found
        key, rest = entry["key"], (entry["rest"] or "").strip()
        places[(*path, key)] = number
        lines = lines[1:]
        if rest:
            found[key] = _scalar(rest)
            continue
        inner = len(lines[0][1]) - len(lines[0][1].lstrip()) if lines else 0
        deeper = lines and (inner > indent or (inner == indent and lines[0][1].strip().startswith("- ")))
        if deeper:
            found[key], lines = (
                _items(file, lines, inner, places, (*path, key))
                if inner == indent
                else _block(file, lines, inner, places, (*path, key))
            )
        else:
            found[key] = ""
    return found, lines


def _items(file: str, lines: list[tuple[int, str]], indent: int, places: dict, path: tuple[str | int, ...]):
    """A list whose dashes stand under its key."""
    count = 0
    while count < len(lines) and lines[count][1][indent:].startswith("- "):
        count += 1
    return _block(file, lines[:count], indent, places, path)[0], lines[count:]


def _scalar(text: str) -> Any:
    if text.startswith("[") and text.endswith("]"):
        return [_scalar(each.strip()) for each in text[1:-1].split(",") if each.strip()]
    if text in ("{}", "~", "null"):
        return {} if text == "{}" else ""
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    number = number_of(text)
    return text if number is None else number
