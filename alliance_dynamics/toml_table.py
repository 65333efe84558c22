"""A TOML table read key by key: every value checked for type and range, all faults with their lines raised together."""

from __future__ import annotations

import datetime
import json
import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from alliance_dynamics.errors import Fault, InputError, Place, fault, nearest
from alliance_dynamics.toml_door import Document
from alliance_dynamics.toml_lines import KeyPath

LARGEST_INTEGER = 2**53  # beyond it neighbouring integers are one floating-point number


@dataclass(slots=True)
class Table:
    """One table of a document, read key by key; faults are collected in `faults` and raised together at the end.

    A getter returns None (or an empty table or list) where the key is absent or wrong.  `close` refuses the keys that
    nobody asked for.  Usage: `root = open_table(read_toml(path))`, getters, `root.close()`, `root.raise_faults()`.
    """

    document: Document
    data: dict[str, Any]
    path: KeyPath = ()
    faults: list[Fault] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)

    def place(self, *path: str | int) -> Place:
        return self.document.place(*self.path, *path)

    def name(self, *path: str | int) -> str:
        """The dotted key as a person would write it, with list positions counted from 1."""
        return dotted((*self.path, *path))

    def refuse(
        self, path: str | Sequence[str | int], what: str, *, expected: str = "", remedy: str = "", **values: object
    ) -> None:
        """Notes a fault at a key (or key path) of this table; `{key}` in the templates is its dotted name."""
        keys = (path,) if isinstance(path, str) else tuple(path)
        values = {"key": self.name(*keys), **values}
        self.faults.append(fault(self.place(*keys), what, expected=expected, remedy=remedy, **values))

    def number(
        self, key: str, *, low: float | None = None, high: float | None = None, unit: str = "", required: bool = False
    ) -> float | None:
        """A finite number in [low, high]; a date, a truth value, a text and an array are refused."""
        value = self._value(key, required)
        return None if value is None else self.as_number((key,), value, low=low, high=high, unit=unit)

    def as_number(
        self, path: KeyPath, value: Any, *, low: float | None = None, high: float | None = None, unit: str = ""
    ) -> float | None:
        """`number` for a value already at hand, e.g. one of a list; `path` says where it stands."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refuse(path, "`{key}` is {found}", expected="A number is expected", found=shown(value))
            return None
        if not math.isfinite(value):
            self.refuse(path, "`{key}` is {found}", expected="A finite number is expected", found=shown(value))
            return None
        if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
            self.refuse(
                path,
                "`{key}` is {found}, more digits than a number can hold",
                remedy="Write it with an exponent, for instance 1.0e23",
                found=shown(value),
            )
            return None
        if (low is not None and value < low) or (high is not None and value > high):
            values = {
                "found": shown(value),
                "low": _plain(low),
                "high": _plain(high),
                "unit": f" {unit}" if unit else "",
            }
            if low == high:
                self.refuse(path, "`{key}` is {found}", expected="The number {low}{unit} is expected", **values)
            elif high is None:
                self.refuse(path, "`{key}` is {found}", expected="A number of at least {low}{unit}", **values)
            elif low is None:
                self.refuse(path, "`{key}` is {found}", expected="A number of at most {high}{unit}", **values)
            else:
                self.refuse(path, "`{key}` is {found}", expected="A number from {low} to {high}{unit}", **values)
            return None
        return float(value)

    def text(self, key: str, *, choices: Collection[str] = (), required: bool = False) -> str | None:
        """A text that is not blank; one of `choices` where there are any."""
        value = self._value(key, required)
        if value is None:
            return None
        if not isinstance(value, str):
            self.refuse(key, "`{key}` is {found}", expected="A text is expected", found=shown(value))
            return None
        if not value.strip():
            self.refuse(key, "`{key}` is empty", expected="A text is expected")
            return None
        if choices and value not in choices:
            self.refuse_choice(key, value, choices)
            return None
        return value

    def texts(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        """A list of texts."""
        value = self._value(key, required)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(each, str) and each.strip() for each in value):
            self.refuse(key, "`{key}` is {found}", expected="A list of texts is expected", found=shown(value))
            return ()
        return tuple(value)

    def table(self, key: str, *, required: bool = False) -> Table:
        """A table inside this one; an empty one where it is absent."""
        value = self._value(key, required)
        if value is not None and not isinstance(value, dict):
            self.refuse(key, "`{key}` is {found}", expected="A table is expected", found=shown(value))
        return Table(self.document, value if isinstance(value, dict) else {}, (*self.path, key), self.faults)

    def tables(self, key: str) -> list[Table]:
        """The tables of an array of tables, `[[key]]`."""
        value = self._value(key, False)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            self.refuse(key, "`{key}` is {found}", expected="A list of tables is expected", found=shown(value))
            return []
        return [Table(self.document, each, (*self.path, key, i), self.faults) for i, each in enumerate(value)]

    def keys(self) -> tuple[str, ...]:
        """The keys as written; asking for them is not asking for their values."""
        return tuple(self.data)

    def close(self, done: Collection[str] = ()) -> None:
        """Refuses every key that was neither asked for nor is `done`, with the nearest of those that were asked for."""
        for key in self.data:
            if key not in self.asked and key not in done:
                self.refuse_unknown(key, self.asked)

    def refuse_unknown(self, key: str, known: Collection[str]) -> None:
        near = nearest(key, known, cutoff=0.6)
        self.refuse(
            key,
            "`{key}` is not known here",
            expected="" if near or not known or len(known) > 12 else "One of {known}",
            remedy="Did you mean `{nearest}`?" if near else "",
            nearest=near,
            known=", ".join(sorted(known)),
        )

    def refuse_choice(self, key: str, value: str, choices: Collection[str]) -> None:
        near = nearest(value, choices, cutoff=0.6)
        self.refuse(
            key,
            "`{key}` is {found}",
            expected="One of {choices}",
            remedy="Did you mean `{nearest}`?" if near else "",
            found=shown(value),
            choices=", ".join(choices),
            nearest=near,
        )

    def raise_faults(self) -> None:
        """InputError with all faults of the document, where there are any."""
        if self.faults:
            raise InputError(self.faults)

    def _value(self, key: str, required: bool) -> Any:
        self.asked.add(key)
        value = self.data.get(key)
        if value is None and required:
            self.refuse(key, "`{key}` is missing")
        return value


def open_table(document: Document) -> Table:
    """The outermost table of a document, with an empty list of faults."""
    return Table(document, document.data)


def shown(value: object) -> str:
    """A TOML value on one line for a message: at most 60 characters, nothing that a terminal would obey."""
    match value:
        case bool():
            text = str(value).lower()
        case str():
            text = json.dumps(value, ensure_ascii=False)
        case int() if abs(value) > 10**40:
            text = "an integer of thousands of digits" if value.bit_length() > 13000 else str(value)
        case int() | float():
            text = str(value)
        case datetime.datetime() | datetime.date() | datetime.time():
            text = value.isoformat()
        case list():
            text = "[" + ", ".join(shown(each) for each in value[:4]) + (", ...]" if len(value) > 4 else "]")
        case dict():
            text = "{" + ", ".join(f"{key} = ..." for key in list(value)[:4]) + "}"
        case _:
            text = repr(value)
    return printable(text)


def printable(text: str, most: int = 60) -> str:
    """`text` with control and direction characters escaped, cut to `most` characters."""
    safe = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
    return safe if len(safe) <= most else safe[: most - 3] + "..."


def dotted(path: Sequence[str | int]) -> str:
    """`levers.voice`, `regime[2].title`; a key that needs quotes gets them."""
    parts = ""
    for key in path:
        if isinstance(key, int):
            parts += f"[{key + 1}]"
        else:
            word = key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)
            parts += ("." if parts else "") + printable(word, 120)
    return parts


def _plain(number: float | None) -> str:
    return "" if number is None else f"{number:g}"
