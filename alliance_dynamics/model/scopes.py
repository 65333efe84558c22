"""What the equations of one Vensim file share while they are lowered: dimensions, names, macros, faults."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from alliance_dynamics.errors import Fault, fault
from alliance_dynamics.model import expression as ex
from alliance_dynamics.model.external import Files
from alliance_dynamics.model.model import Definition, Dimension, Kind
from alliance_dynamics.model.names import canonical
from alliance_dynamics.model.parse import Parsed
from alliance_dynamics.model.places import MacroText, Statement


@dataclass(frozen=True, slots=True)
class Defined:
    """One lowered equation: what it defines, as the modeller wrote the name, and what kind of quantity it makes."""

    name: str
    label: str
    kind: Kind
    definition: Definition
    statement: Statement


@dataclass
class Macro:
    text: MacroText
    body: list[tuple[Statement, Parsed]]
    uses: int = 0


@dataclass
class World:
    """All that the equations of one file share while they are lowered."""

    dimensions: dict[str, Dimension]
    files: Files
    stem: str
    macros: dict[str, Macro] = field(default_factory=dict)
    lookups: set[str] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)
    defined: list[Defined] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    listing: dict[str, tuple[list[float], list[float]]] | None = None
    listing_read: bool = False

    def __post_init__(self) -> None:
        self._sets = {name: frozenset(each.elements) for name, each in self.dimensions.items()}
        self._with: dict[str, list[Dimension]] = {}
        for dimension in self.dimensions.values():
            for element in dimension.elements:
                self._with.setdefault(element, []).append(dimension)

    def elements(self, subscript: str) -> tuple[str, ...]:
        found = self.dimensions.get(subscript)
        return found.elements if found else (subscript,)

    def holders(self, elements: set[str]) -> list[Dimension]:
        """The dimensions of the file that have all these elements, in its order."""
        one = next(iter(elements), "")
        return [each for each in self._with.get(one, []) if elements <= self._sets[each.name]]


@dataclass(frozen=True)
class Scope:
    """Where names of an equation lead: in a macro, to its arguments and its own variables first."""

    world: World
    statement: Statement
    subscripts: tuple[str, ...] = ()
    arguments: dict[str, ex.Expression] = field(default_factory=dict)
    local: dict[str, str] = field(default_factory=dict)
    macros: tuple[str, ...] = ()
    prefix: str = ""


class Refused(Exception):
    """An equation that cannot be lowered; `fault` says why."""

    def __init__(self, problem: Fault):
        super().__init__(str(problem))
        self.fault = problem


def refused(scope: Scope, what: str, *, expected: str = "", remedy: str = "", **values: object) -> Refused:
    return Refused(fault(scope.statement.place, what, expected=expected, remedy=remedy, **values))


def finite(value: float, scope: Scope) -> float:
    if not math.isfinite(value):
        raise refused(
            scope,
            "`{name}` holds a number that is too large",
            expected="Expected numbers below 1.8e308.",
            name=scope.statement.label,
        )
    return value


def subscripts_of(labels: Sequence[str], world: World) -> tuple[str, ...]:
    found = []
    for label in labels:
        bare = label.strip().removesuffix("!")
        world.labels.setdefault(canonical(bare), plain(bare))
        found.append(canonical(bare) + "!" * label.strip().endswith("!"))
    return tuple(found)


def local_subscripts(scope: Scope) -> tuple[str, ...]:
    return tuple(each for each in scope.subscripts if each in scope.world.dimensions)


def plain(label: str) -> str:
    """A label as shown: without quotes around it, blanks as one blank."""
    label = " ".join(label.split())
    return label[1:-1].replace('\\"', '"') if len(label) > 1 and label[0] == label[-1] == '"' else label
