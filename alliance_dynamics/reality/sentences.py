"""The sentences of checks.toml: what each asks of which run, read and validated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from alliance_dynamics.toml_door import read_toml
from alliance_dynamics.toml_table import Table, open_table

EVERY = "every"
ALONE = {"at_least": 1, "at_most": 1, "within": 2, "alike": 0, "balance": 0, "sum": 0}  # how many numbers each takes
COMPARED = ("equals", "below", "above", "not_below", "not_above")
HOLDS = (*ALONE, *COMPARED)


@dataclass(frozen=True)
class Change:
    """A run: a regime (or `every`), constants changed in it, and whether regions are made alike."""

    regime: str
    set: Mapping[str, float] = field(default_factory=dict)
    alike: bool = False


@dataclass(frozen=True)
class Check:
    """One sentence: `variables` (or `stocks`) of a changed run, bounded, or set against those of another run.

    `share` is the least share of corners and draws in which it must hold; it must always hold at the default values.
    """

    id: str
    sentences: Mapping[str, str]
    change: Change
    against: Change | None
    variables: tuple[str, ...]
    over: tuple[float, float] | None
    holds: str
    value: tuple[float, ...]
    tolerance: float
    share: float
    inflows: tuple[str, ...] = ()
    outflows: tuple[str, ...] = ()
    total: tuple[str, ...] = ()


def read_checks(path: str | Path) -> tuple[Check, ...]:
    """The checks of a file; InputError with all its faults."""
    root = open_table(read_toml(path))
    root.number("schema", low=1, high=1)
    checks = tuple(_check(each) for each in root.tables("check"))
    root.close()
    root.raise_faults()
    return checks


def _check(table: Table) -> Check:
    over = _numbers(table, "over")
    if over and not (len(over) == 2 and over[0] <= over[1]):
        table.refuse("over", "`{key}` is not a first and a last time")
    holds = table.text("holds", choices=HOLDS, required=True) or "equals"
    value = _numbers(table, "value")
    if len(value) != ALONE.get(holds, 0):
        table.refuse("value", "`{key}` does not fit `{holds}`", holds=holds,
                     expected="Two numbers for within, one for at_least and at_most, none otherwise")  # fmt: skip
    against = table.table("against")
    if bool(against.data) != (holds in COMPARED):
        table.refuse("against", "`{key}` does not fit `{holds}`", holds=holds,
                     expected="Another run for equals, below, above, not_below and not_above only")  # fmt: skip
    check = Check(
        table.text("id", required=True) or "",
        {language: table.text(language, required=True) or "" for language in ("en", "ru")},
        _change(table),
        _change(against) if against.data else None,
        table.texts("variables", required=True),
        (over[0], over[1]) if len(over) == 2 else None,
        holds,
        value,
        table.number("tolerance", low=0) or 0.0,
        1.0 if (share := table.number("share", low=0, high=1)) is None else share,
        table.texts("inflows"),
        table.texts("outflows"),
        table.texts("total"),
    )
    against.close()
    table.close()
    return check


def _change(table: Table) -> Change:
    changes = table.table("set")
    values = {name: changes.number(name) or 0.0 for name in changes.data}
    table.asked.add("alike")
    alike = table.data.get("alike", False)
    if not isinstance(alike, bool):
        table.refuse("alike", "`{key}` is neither true nor false")
    return Change(table.text("regime", required=True) or "R1", values, alike is True)


def _numbers(table: Table, key: str) -> tuple[float, ...]:
    table.asked.add(key)
    value = table.data.get(key, [])
    entries = [((key, i), each) for i, each in enumerate(value)] if isinstance(value, list) else [((key,), value)]
    found = [table.as_number(path, each) for path, each in entries]
    return tuple(each for each in found if each is not None)
