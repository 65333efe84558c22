"""Loops that a model's author has named, and which of the loops found they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from alliance_dynamics.language import LANGUAGES
from alliance_dynamics.model.built_in import is_alliance
from alliance_dynamics.model.model import Model
from alliance_dynamics.model.names import canonical
from alliance_dynamics.resources import resource
from alliance_dynamics.toml_door import read_toml
from alliance_dynamics.toml_table import Table, open_table

STRAY = 0.2


@dataclass(frozen=True, slots=True)
class NamedLoop:
    """`through`: sets of variables, in canonical form, one of which a loop of this name goes through.

    `along`: its whole way; at most STRAY of a loop's variables are others.  `sign` +1 reinforces, -1 balances.
    """

    id: str
    sign: int
    through: tuple[frozenset[str], ...]
    along: frozenset[str]
    labels: Mapping[str, str] = field(default_factory=dict)


def read_named_loops(path: str | Path | None = None, known: Collection[str] = ()) -> tuple[NamedLoop, ...]:
    """The loops of a `loops.toml` (that of the built-in models unless given), in its order.

    InputError, all faults at once: a loop whose name begins with neither R nor B, without a path, with an unknown key,
    or through a variable that is not `known` (where variables are given).
    """
    document = read_toml(Path(path) if path is not None else resource("sdmodels/loops.toml"))
    root = open_table(document)
    found = tuple(_loop(root.table(key), key, known) for key in root.data)
    root.raise_faults()
    return found


def named_loops_of(model: Model) -> tuple[NamedLoop, ...]:
    """The named loops of the composed model; other models have none."""
    if is_alliance(model.name):
        return read_named_loops(known=model.variables)
    return ()


def name_of(variables: Collection[str], sign: int, named: Sequence[NamedLoop]) -> NamedLoop | None:
    """The named loop that a loop through these variables is: of those that fit, the one that says most of its way."""
    best: tuple[int, NamedLoop] | None = None
    here = set(variables)
    for each in named:
        if each.sign != sign or len(here - each.along) > STRAY * len(here):
            continue
        for way in each.through:
            if way <= here and (best is None or len(way) > best[0]):
                best = (len(way), each)
    return best[1] if best else None


def _loop(table: Table, name: str, known: Collection[str]) -> NamedLoop:
    if not name.startswith(("R", "B")):
        table.refuse((), "the loop `{name}` is neither R nor B", name=name,
                     expected="A name that begins with R (reinforces) or B (balances)")  # fmt: skip
    ways = table.data.get("through")
    table.asked.add("through")
    good = isinstance(ways, list) and bool(ways) and all(
        isinstance(way, list) and way and all(isinstance(each, str) for each in way) for way in ways
    )  # fmt: skip
    if not good:
        table.refuse("through", "`{key}` is not a list of lists of variables")
    through = tuple(frozenset(map(canonical, way)) for way in ways or ()) if good else ()
    along = frozenset(map(canonical, table.texts("along", required=True))).union(*through)
    for variable in sorted(along - set(known)) if known else ():
        table.refuse("along", "the model has no variable `{name}`", name=variable)
    labels = {language: table.text(f"label_{language}", required=True) or "" for language in LANGUAGES}
    table.close()
    return NamedLoop(name, 1 if name.startswith("R") else -1, through, along, labels)
