"""What is known of every variable of a model, and which of its numbers have no source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath

from alliance_dynamics.diagrams.graph import CONTROLS, causes_of
from alliance_dynamics.errors import Fault, fault
from alliance_dynamics.model.model import Model, Variable
from alliance_dynamics.parameters import Parameters

DATA = ("constant", "lookup", "data")
GRADED = re.compile(r"\bgrade ([ABC])\b", re.IGNORECASE)


@dataclass(frozen=True)
class Card:
    """One variable: what its equations use, what uses it, and for numbers value, source and grade ("" is unknown)."""

    variable: Variable
    module: str
    uses: tuple[str, ...]
    used_by: tuple[str, ...]
    values: Mapping[str, float]
    source: str = ""
    grade: str = ""
    why: str = ""
    role: str = ""
    low: float | None = None
    high: float | None = None
    estimated: bool = False


def cards_of(model: Model, parameters: Parameters) -> dict[str, Card]:
    """A card for every variable, by canonical name, in the order of the model.

    Value, source and grade come from the parameter file; a table in the model is graded by its comment.
    """
    uses: dict[str, tuple[str, ...]] = {}
    for name, variable in model.variables.items():
        causes = dict.fromkeys([*causes_of(variable), *causes_of(variable, initial=True)])
        uses[name] = tuple(each for each in causes if each in model.variables)
    users: dict[str, list[str]] = {name: [] for name in model.variables}
    for name, causes in uses.items():
        for cause in causes:
            if cause != name:
                users[cause].append(name)
    found = {}
    for name, variable in model.variables.items():
        known = parameters.constants.get(name) if variable.kind in DATA else None
        card = Card(variable, PurePath(variable.place.file).stem, uses[name], tuple(users[name]), {})
        if known:
            card = replace(card, values=known.values, source=known.source, grade=known.grade, why=known.why,
                           role=known.role, low=known.low, high=known.high, estimated=known.estimate)  # fmt: skip
        elif variable.kind in DATA:
            card = replace(card, values=_numbers(model, variable))
            if grade := GRADED.search(variable.documentation):
                card = replace(card, source=variable.documentation, grade=grade[1].upper())
        found[name] = card
    return found


def numbers_without_source(cards: Mapping[str, Card]) -> list[Fault]:
    """One fault for every constant, table or series whose number rests on nothing that is written down."""
    return [
        fault(
            card.variable.place,
            "`{name}` is a number without a source",
            remedy="Add a table `[{key}]` with source and grade to parameters.toml, or the grade to its comment",
            name=card.variable.label,
            key=name,
        )
        for name, card in cards.items()
        if card.variable.kind in DATA and name not in CONTROLS and not (card.source and card.grade)
    ]


def _numbers(model: Model, variable: Variable) -> dict[str, float]:
    """The values of a constant without a card, by flat name, from the program."""
    if variable.kind != "constant":
        return {}
    from alliance_dynamics.model.names import flat
    from alliance_dynamics.settings import elements_of
    from alliance_dynamics.simulate import program_of

    program = program_of(model)
    names = [flat(variable.name, each) for each in elements_of(model, variable)]
    index = program.parameter_index
    return {name: program.defaults[index[name]] for name in names if name in index}
