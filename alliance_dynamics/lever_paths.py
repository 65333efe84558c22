"""Levers in time: a date and a ramp of their own, a path through points, events that disturb them.

A lever that is one number is a constant of the model, and any number of such scenarios share one program.  What is said
here changes equations, so that a scenario with it is another program: `with_paths` lays it over the model.

Everything is linear between points that lie on the grid of time steps, jumps too: they take an eighth of a year from
the moment they are dated.  So the integration keeps its order, and a pulse of some length adds exactly its height times
that length.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from alliance_dynamics.errors import InputError, Place, fault
from alliance_dynamics.model.expression import (
    Binary,
    Call,
    Expression,
    LookupCall,
    Number,
    Reference,
    Table,
    Unary,
    walk,
)
from alliance_dynamics.model.model import Model, Variable

if TYPE_CHECKING:
    from alliance_dynamics.parameters import Lever, Parameters
    from alliance_dynamics.scenarios import Scenario

GRID = 0.125  # years; what begins between two steps would cost the integration its order
Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class LeverPath:
    """A lever in time: one `value`, or `points` (year, value), taken up from `start` on within `ramp_years`.

    `interpolate`: linear between points, or a step at each.  Before the first point and behind the last one the path is
    level.  `start` None is the policy year, with points the year of the first; `ramp_years` None is the common ramp.
    """

    value: float | None = None
    points: Points = ()
    interpolate: Literal["linear", "step"] = "linear"
    start: float | None = None
    ramp_years: float | None = None

    @property
    def own_start(self) -> float | None:
        """The year from which the lever leaves its history, where it is not the policy year."""
        return self.points[0][0] if self.start is None and self.points else self.start

    @property
    def corners(self) -> Points:
        """The points between which the path is linear; none for one value."""
        if self.interpolate == "linear":
            return self.points
        found = list(self.points[:1])
        for year, value in self.points[1:]:
            found += [(year, found[-1][1]), (year + GRID, value)]
        return tuple(dict(found).items())

    @property
    def last(self) -> float:
        """Where the path ends."""
        return self.value if self.value is not None else self.points[-1][1]

    def at(self, year: float) -> float:
        """Where the path leads in a year; the phase of the ramp is not in it."""
        return self.value if self.value is not None else between(self.corners, year)


@dataclass(frozen=True, slots=True)
class Event:
    """What happens to a lever: multiplied by `factor`, or `add` (in its unit), from `year` on.

    `kind`: a pulse holds for `length` years, a step for good, a ramp comes about within `length` years and stays.
    """

    id: str
    kind: Literal["pulse", "step", "ramp"]
    target: str
    year: float
    length: float | None = None
    factor: float | None = None
    add: float | None = None

    @property
    def corners(self) -> Points:
        """(year, strength), from 0 to 1, linear between."""
        if self.kind == "ramp":
            return ((self.year, 0.0), (self.year + (self.length or GRID), 1.0))
        rise = {self.year: 0.0, self.year + GRID: 1.0}
        if self.kind == "step":
            return tuple(rise.items())
        end = self.year + (self.length or GRID)
        return tuple((rise | {end: 1.0, end + GRID: 0.0}).items())

    @property
    def rest(self) -> float:
        """The factor or the summand that changes nothing."""
        return 0.0 if self.factor is None else 1.0

    def effect(self) -> Points:
        """(year, factor) or (year, what is added)."""
        full = (self.add or 0.0) if self.factor is None else self.factor
        return tuple((year, full if strength else self.rest) for year, strength in self.corners)

    def on(self, value: float, year: float) -> float:
        """The lever's value under the event."""
        effect = between(self.effect(), year)
        return value * effect if self.factor is not None else value + effect


def between(points: Points, year: float) -> float:
    """The value of a broken line, level outside of its points."""
    if year <= points[0][0]:
        return points[0][1]
    for (x0, y0), (x1, y1) in pairwise(points):
        if year < x1:
            return y0 + (y1 - y0) * (year - x0) / (x1 - x0)
    return points[-1][1]


def with_paths(model: Model, scenario: Scenario, parameters: Parameters) -> Model:
    """The model with the equations that the levers' paths and the events of a scenario need; itself if there are none.

    The constants that a path adds are named by `path_constants`.  InputError: a lever that the model does not have, or
    one that follows no policy year.
    """
    paths = {name: each for name, each in scenario.levers.items() if isinstance(each, LeverPath)}
    if not paths and not scenario.events:
        return model
    work = Rewriting(dict(model.variables), scenario.places)
    for name, path in paths.items():
        lever = parameters.lever(name)
        start, ramp = path.own_start is not None, path.ramp_years is not None
        if start or ramp:
            work.give_own_phase(lever, start=start, ramp=ramp, parameters=parameters)
        if path.points:
            work.follow(lever, path)
    for event in scenario.events:
        work.disturb(parameters.lever(event.target), event, broken_line(event.effect()))
    return replace(model, variables=work.variables)


def path_constants(lever: Lever, path: LeverPath) -> dict[str, float]:
    """Constant -> value of what a path says in numbers: its value, its start, the length of its ramp."""
    named = {
        lever.constant: path.value,
        f"{lever.name}_start_year": path.own_start,
        f"{lever.name}_phase-in_time": path.ramp_years,
    }
    return {name: value for name, value in named.items() if value is not None}


class Rewriting:
    """The variables of a model while equations are laid over them."""

    def __init__(self, variables: dict[str, Variable], places: Mapping[str, Place]):
        self.variables, self.places = variables, places

    def give_own_phase(self, lever: Lever, *, start: bool, ramp: bool, parameters: Parameters) -> None:
        """The lever follows a year or a ramp of its own: copies of all between it and the policy year are its own."""
        own = {}
        for given, common, name in (
            (start, parameters.policy_year, f"{lever.name}_start_year"),
            (ramp, parameters.policy_ramp, f"{lever.name}_phase-in_time"),
        ):
            if given:
                known = self.known(common, lever)
                label = name.replace("_", " ")
                self.variables.setdefault(name, replace(known, name=name, label=label))  # its number is data of the run
                own[common] = name
        users = self._users(lever.constant)
        between_them = self._reaching(set(own), users)
        if not between_them and not any(self._names(each) & set(own) for each in users):
            raise InputError(self._fault(lever, "The lever `{name}` of the model follows no policy year"))
        copies = {name: f"{lever.name}_{name}" for name in between_them}
        for name, copy in copies.items():
            original = self.variables[name]
            label = copy.replace("_", " ")
            self.variables[copy] = replace(_renamed(original, own | copies), name=copy, label=label)
        for name in users:
            self.variables[name] = _renamed(self.variables[name], own | copies)

    def follow(self, lever: Lever, path: LeverPath) -> None:
        """The constant of the lever becomes a table of time."""
        constant = self.known(lever.constant, lever)
        definitions = tuple(replace(each, expression=broken_line(path.corners)) for each in constant.definitions)
        self.variables[lever.constant] = replace(constant, kind="auxiliary", definitions=definitions)

    def disturb(self, lever: Lever, event: Event, effect: Expression) -> None:
        """The lever times the effect of an event, or plus it."""
        variable = self.known(lever.name, lever)
        operator = "*" if event.factor is not None else "+"
        definitions = tuple(
            replace(each, expression=Binary(operator, each.expression, effect)) for each in variable.definitions
        )
        self.variables[lever.name] = replace(variable, definitions=definitions)

    def rename(self, names: Mapping[str, str]) -> None:
        """All equations read other variables in the place of some."""
        for name in self.variables:
            self.variables[name] = _renamed(self.variables[name], names)

    def known(self, name: str, lever: Lever) -> Variable:
        if name not in self.variables:
            raise InputError(self._fault(lever, "the model has no `{variable}`, which the lever `{name}` moves",
                                         variable=name))  # fmt: skip
        return self.variables[name]

    def _fault(self, lever: Lever, what: str, **values: str):
        return fault(self.places.get(lever.name, Place()), what, name=lever.name, **values)

    def _users(self, name: str) -> list[str]:
        return [each for each in self.variables if name in self._names(each)]

    def _names(self, name: str) -> set[str]:
        return {
            node.name
            for each in self.variables[name].definitions
            for expression in (each.expression, each.initial)
            for node in (walk(expression) if expression is not None else ())
            if isinstance(node, Reference)
        }

    def _reaching(self, targets: set[str], users: Iterable[str]) -> list[str]:
        """What the users are computed from that is itself computed from the targets, in the order of the model."""
        causes: set[str] = set()
        queue = list(users)
        while queue:
            for name in self._names(queue.pop()) & set(self.variables) - causes:
                causes.add(name)
                queue.append(name)
        found: set[str] = set()
        while grown := {each for each in causes - found - targets if self._names(each) & (targets | found)}:
            found |= grown
        return [name for name in self.variables if name in found and name not in users]


def broken_line(points: Sequence[tuple[float, float]]) -> Expression:
    """Linear between the points, over time; level outside of them."""
    years, values = zip(*points, strict=True)
    if len(points) == 1:
        return Number(values[0])
    return LookupCall(Table(years, values), Reference("time"))


def _renamed(variable: Variable, names: Mapping[str, str]) -> Variable:
    """The variable with some references to others in its equations."""

    def other(expression: Expression) -> Expression:
        match expression:
            case Reference(name, subscripts):
                return Reference(names.get(name, name), subscripts)
            case Unary(operator, operand):
                return Unary(operator, other(operand))
            case Binary(operator, left, right):
                return Binary(operator, other(left), other(right))
            case Call(function, arguments):
                return Call(function, tuple(map(other, arguments)))
            case LookupCall(table, argument):
                return LookupCall(table, other(argument))
            case _:
                return expression

    return replace(variable, definitions=tuple(
        replace(each, expression=other(each.expression), initial=None if each.initial is None else other(each.initial))
        for each in variable.definitions
    ))  # fmt: skip
