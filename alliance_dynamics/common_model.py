"""One model for several scenarios: levers in time and events become choices that are numbers like all others.

A scenario with paths or events is a program of its own.  Where many scenarios must share one program, as in a sweep or
on the page, every path and event of any of them stands in the equations, and a constant says whether it is in force.
Every choice is exact: a scenario gives the numbers that it gives alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from alliance_dynamics.futures import Futures, rows_for
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.lever_paths import Event, LeverPath, Points, Rewriting, broken_line
from alliance_dynamics.model.expression import Binary, Call, Expression, Number, Reference
from alliance_dynamics.model.model import Definition, Model, Variable
from alliance_dynamics.overrides import program_of
from alliance_dynamics.parameters import Lever, Parameters
from alliance_dynamics.scenarios import Scenario


@dataclass(frozen=True)
class Choices:
    """What is in force of a scenario: constant -> number, by lever for paths and by id for events."""

    paths: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    events: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def numbers(self) -> dict[str, float]:
        return {key: value for part in (self.paths, self.events) for each in part.values()
                for key, value in each.items()}  # fmt: skip


@dataclass(frozen=True)
class CommonModel:
    """The model, the scenarios as numbers for it, in their order, and what of these numbers says that a path or an
    event is in force.  0 says that it is not, for every scenario and lever."""

    model: Model
    scenarios: tuple[Scenario, ...]
    choices: tuple[Choices, ...]


def common_model(model: Model, scenarios: Sequence[Scenario], parameters: Parameters) -> CommonModel:
    """The model itself where no scenario has a path or an event.  InputError: a lever that follows no policy year."""
    if not any(each.in_time for each in scenarios):
        return CommonModel(model, tuple(scenarios), (Choices(),) * len(scenarios))
    places = {name: place for each in scenarios for name, place in each.places.items()}
    work = Rewriting(dict(model.variables), places)
    paths = [_paths(each) for each in scenarios]
    for lever in parameters.levers.values():
        own = [each[lever.name] for each in paths if lever.name in each]
        if any(each.own_start is not None or each.ramp_years is not None for each in own):
            _own_phase(work, lever, own, parameters)
        if courses := list(dict.fromkeys(each.corners for each in own if each.points)):
            _follow(work, lever, courses)
    events = list(dict.fromkeys(event for each in scenarios for event in each.events))
    for number, event in enumerate(events):
        switch = _constant(work, _event_switch(event, number))
        work.disturb(parameters.lever(event.target), event,
                     _either(switch, 1.0, broken_line(event.effect()), Number(event.rest)))  # fmt: skip
    choices = tuple(_choices(each, own, paths, events) for each, own in zip(scenarios, paths, strict=True))
    none = {name: 0.0 for each in choices for name in each.numbers}
    return CommonModel(
        replace(model, variables=work.variables),
        tuple(_as_numbers(each, none | own.numbers) for each, own in zip(scenarios, choices, strict=True)),
        choices,
    )


def common_futures(
    model: Model, scenarios: Sequence[Scenario], futures: Futures, parameters: Parameters
) -> tuple[Model, tuple[Scenario, ...], Futures]:
    """Model, scenarios and futures for what takes all scenarios as numbers of one program."""
    found = common_model(model, scenarios, parameters)
    if found.model is model:
        return model, found.scenarios, futures
    return found.model, found.scenarios, moved(futures, program_of(found.model))


def moved(futures: Futures, program: Program) -> Futures:
    """The same futures for another program: what both know keeps its value, all else its default."""
    index, names = program.parameter_index, futures.program.parameters

    def there(column: int) -> int:
        return index[names[column]]

    return replace(
        futures,
        program=program,
        rows=rows_for(program, futures.program, futures.rows),
        base=rows_for(program, futures.program, futures.base[None, :])[0],
        calibrated=tuple(np.array([there(int(c)) for c in each], dtype=np.int64) for each in futures.calibrated),
        assumptions=tuple(replace(each, column=there(each.column)) for each in futures.assumptions),
    )


def path_switch(lever: Lever) -> str:
    """The constant that says which path a lever follows: 0 none, so that the lever's own number holds."""
    return f"{lever.name}_path"


def numbers_instead(program: Program, lever: Lever) -> dict[int, float]:
    """Program column -> value so that a lever's own number holds, whatever path a scenario gives it."""
    column = program.parameter_index.get(path_switch(lever))
    return {} if column is None else {column: 0.0}


def _paths(scenario: Scenario) -> dict[str, LeverPath]:
    return {name: each for name, each in scenario.levers.items() if isinstance(each, LeverPath)}


def _own_phase(work: Rewriting, lever: Lever, paths: Sequence[LeverPath], parameters: Parameters) -> None:
    """A start and a ramp that are the common ones as long as the constants for own ones are 0."""
    for given, common, name in (
        ([each.own_start for each in paths], parameters.policy_year, _start(lever)),
        ([each.ramp_years for each in paths], parameters.policy_ramp, _ramp(lever)),
    ):
        if any(each is not None for each in given):
            known = work.known(common, lever)
            switch = _constant(work, f"own_{name}", known.unit)
            one = replace(known.definitions[0], expression=_positive(switch, Reference(common)))
            work.variables[name] = replace(known, name=name, label=name.replace("_", " "), kind="auxiliary",
                                           definitions=(one,))  # fmt: skip
    work.give_own_phase(lever, start=_start(lever) in work.variables, ramp=_ramp(lever) in work.variables,
                        parameters=parameters)  # fmt: skip


def _follow(work: Rewriting, lever: Lever, courses: Sequence[Points]) -> None:
    """What reads the lever's number reads the path in force, where there is one."""
    constant = work.known(lever.constant, lever)
    chosen: Expression = Reference(lever.constant)
    switch = _constant(work, path_switch(lever))
    for number, corners in enumerate(courses, start=1):
        chosen = _either(switch, float(number), broken_line(corners), chosen)
    name = f"{lever.constant}_or_path"
    work.rename({lever.constant: name})
    one = replace(constant.definitions[0], expression=chosen)
    work.variables[name] = replace(constant, name=name, label=name.replace("_", " "), kind="auxiliary",
                                   definitions=(one,))  # fmt: skip


def _choices(
    scenario: Scenario, own: Mapping[str, LeverPath], paths: Sequence[Mapping[str, LeverPath]], events: Sequence[Event]
) -> Choices:
    found = {}
    for name, path in own.items():
        courses = list(dict.fromkeys(each[name].corners for each in paths if name in each and each[name].points))
        numbers = {
            f"{name}_path": courses.index(path.corners) + 1 if path.points else None,
            f"own_{name}_start_year": path.own_start,
            f"own_{name}_phase-in_time": path.ramp_years,
        }
        found[name] = {key: float(value) for key, value in numbers.items() if value is not None}
    return Choices(found, {each.id: {_event_switch(each, events.index(each)): 1.0} for each in scenario.events})


def _as_numbers(scenario: Scenario, chosen: Mapping[str, float]) -> Scenario:
    levers = {name: each.last if isinstance(each, LeverPath) else each for name, each in scenario.levers.items()}
    return replace(scenario, levers=levers, events=(), constants={**scenario.constants, **chosen})


def _event_switch(event: Event, number: int) -> str:
    return f"{event.target}_event_{number + 1}"


def _start(lever: Lever) -> str:
    return f"{lever.name}_start_year"


def _ramp(lever: Lever) -> str:
    return f"{lever.name}_phase-in_time"


def _constant(work: Rewriting, name: str, unit: str = "Dmnl") -> Reference:
    """A new constant that is 0."""
    work.variables[name] = Variable(name, name.replace("_", " "), "constant", (Definition(Number(0.0)),), unit=unit)
    return Reference(name)


def _positive(number: Reference, otherwise: Expression) -> Expression:
    return Call("if_then_else", (Binary(">", number, Number(0.0)), number, otherwise))


def _either(switch: Reference, value: float, one: Expression, other: Expression) -> Expression:
    return Call("if_then_else", (Binary("=", switch, Number(value)), one, other))
