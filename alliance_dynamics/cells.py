"""One cell of a table: what a declared column makes of a text, and what to write instead where it cannot be read."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from alliance_dynamics.errors import Fault, Place, fault, suggestion

Kind = Literal["text", "id", "number", "count", "year", "date", "list"]
BLANKS = " \t\u00a0\u202f\u2009"

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?", re.ASCII)
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_MISSING_WORDS = frozenset(["na", "n/a", "nan", "null", "none", "-", "–", "—", "…", "...", "н/д", "нд", "х", "x"])
_EXPECTED = {"number": "A number", "count": "A whole number", "year": "A calendar year"}


@dataclass(frozen=True, slots=True)
class Column:
    """A declared column.  `missing` lists the only cell texts that mean "no value" (they read as None).

    Kinds: text; id (ASCII letters, digits, `_`); number (finite float); count (whole number); year (whole number,
    `2020.0` allowed); date (year-month-day only); list (texts separated by `;`).  `lower` and `upper` are inclusive.
    """

    name: str
    kind: Kind = "text"
    required: bool = True
    missing: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    lower: float = -math.inf
    upper: float = math.inf


def number_of(text: str) -> float | None:
    """The finite number that a text spells in plain form (`17.4`, `1e-3`), else None; no locale, no `_`, no `inf`."""
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def is_identifier(text: str) -> bool:
    return bool(_IDENTIFIER.fullmatch(text))


def near_name(name: str, known: Iterable[str]) -> str:
    """A remedy text "Did you mean ...?", also for a beginning of a known name (`pop` of `population`); may be empty."""
    known = list(known)
    if text := suggestion(name, known):
        return text
    start = name.strip().lower()
    hits = [each for each in known if each.lower().startswith(start) or start.startswith(each.lower())]
    return suggestion(hits[0], hits) if len(hits) == 1 and len(start) >= 3 else ""


def cell_value(place: Place, column: Column, cell: str, faults: list[Fault]) -> Any:
    """The value of a stripped cell; None where missing or at fault (then `faults` has grown)."""
    if cell in column.missing:
        return None
    before = len(faults)
    value: Any = cell
    if not cell:
        faults.append(_bad(place, column, cell, "column `{column}` is empty", "A value"))
    elif column.kind in _EXPECTED:
        value = _number(place, column, cell, faults)
    elif column.kind == "date":
        value = _date(place, column, cell, faults)
    elif column.kind == "id" and not is_identifier(cell):
        expected = "Letters a-z, digits and `_`, no digit first"
        faults.append(_bad(place, column, cell, "column `{column}` has the id `{cell}`", expected))
    elif column.kind == "list":
        value = tuple(part.strip(BLANKS) for part in cell.split(";"))
    if len(faults) > before:
        return None
    if column.choices and cell not in column.choices:
        expected, choices = "One of {choices}", ", ".join(column.choices)
        remedy = near_name(cell, column.choices)
        faults.append(_bad(place, column, cell, "column `{column}` has `{cell}`", expected, remedy, choices=choices))
    if isinstance(value, (int, float)) and not column.lower <= value <= column.upper:
        what, (expected, limits) = "column `{column}` has {cell}, outside its range", _range(column)
        faults.append(_bad(place, column, cell, what, expected, "", **limits))
    return value if len(faults) == before else None


def _number(place: Place, column: Column, cell: str, faults: list[Fault]) -> float | int | None:
    expected, what = _EXPECTED[column.kind], "column `{column}` has `{cell}`"
    if not _NUMBER.fullmatch(cell):
        remedy, values = _plain_form(cell)
        faults.append(_bad(place, column, cell, what, expected, remedy, **values))
        return None
    value = float(cell)
    if not math.isfinite(value):
        faults.append(_bad(place, column, cell, "column `{column}` has `{cell}`, which is not finite", expected))
    elif column.kind == "number":
        return value
    elif value == int(value):
        return int(value)
    else:
        faults.append(_bad(place, column, cell, what, expected))
    return None


def _plain_form(cell: str) -> tuple[str, dict[str, str]]:
    """What to write instead, where the writer's meaning can be told."""
    if cell.casefold() in _MISSING_WORDS:
        return "Leave the cell empty if empty is declared as missing, or declare this text as missing.", {}
    text = re.sub(r"[\s\u00a0\u202f\u2009'’]", "", cell).replace("\u2212", "-")
    percent, text = text.endswith("%"), text.removesuffix("%")
    joined, point = text.replace(",", ""), text.replace(",", ".")
    if _GROUPED.fullmatch(text) and text.count(",") == 1 and "." not in text:
        return "Write {point} if the comma is a decimal sign, {joined} if it groups digits.", {
            "point": point,
            "joined": joined,
        }
    plain = joined if _GROUPED.fullmatch(text) else point
    if number_of(plain) is None:
        return "", {}
    return ("Write {plain} and give the unit as percent." if percent else "Write {plain}."), {"plain": plain}


def _range(column: Column) -> tuple[str, dict[str, str]]:
    limits = {"lower": f"{column.lower:g}", "upper": f"{column.upper:g}"}
    if math.isinf(column.upper):
        return "At least {lower}", limits
    return ("At most {upper}" if math.isinf(column.lower) else "From {lower} to {upper}"), limits


def _date(place: Place, column: Column, cell: str, faults: list[Fault]) -> datetime.date | None:
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", cell, re.ASCII):
            return datetime.date.fromisoformat(cell)
    except ValueError:
        pass
    what, expected = "Column `{column}` has the date `{cell}`", "Year-month-day, as 2020-01-31"
    faults.append(_bad(place, column, cell, what, expected, "In other orders day and month cannot be told apart."))
    return None


def _bad(
    place: Place, column: Column, cell: str, what: str, expected: str, remedy: str = "", **values: object
) -> Fault:
    return fault(place, what, expected=expected, remedy=remedy, column=column.name, cell=cell, **values)
