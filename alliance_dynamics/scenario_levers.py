"""The levers and events of a scenario file: numbers, paths in time, and what they come to together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, cast

from alliance_dynamics.errors import Fault, Place, fault
from alliance_dynamics.lever_paths import GRID, Event, LeverPath
from alliance_dynamics.model.names import canonical
from alliance_dynamics.parameters import Lever, Parameters
from alliance_dynamics.scenarios import Scenario
from alliance_dynamics.toml_table import Table, shown

FIRST_POLICY_YEAR = 2013.0  # one ramp after the programme of 2012 began
LAST_YEAR = 2050.0
LONGEST = 50.0  # years of a ramp or of an event
INTERPOLATIONS = ("linear", "step")
EVENTS = ("pulse", "step", "ramp")
PATH_KEYS = ("value", "points", "interpolate", "start", "ramp_years")
Span = tuple[float, float]


def read_levers(
    table: Table, parameters: Parameters, span: Span, places: dict[str, Place]
) -> dict[str, float | LeverPath]:
    """Lever -> its number or its path; `span` is where years may lie."""
    found: dict[str, float | LeverPath] = {}
    for key in table.data:
        lever = parameters.levers.get(canonical(key))
        if lever is None:
            table.refuse_unknown(key, parameters.levers)
            continue
        given = table.data[key]
        value = _path(table.table(key), lever, span) if isinstance(given, dict) else _number(table, key, lever)
        if value is not None:
            found[lever.name] = value
            places[lever.name] = table.place(key)
    return found


def read_events(tables: list[Table], parameters: Parameters, span: Span, places: dict[str, Place]) -> tuple[Event, ...]:
    """The events of a file in its order, each under its own id."""
    found: dict[str, Event] = {}
    for table in tables:
        event = _event(table, parameters, span)
        if event is None:
            continue
        if event.id in found:
            table.refuse("id", "There are two events `{id}`", remedy="Give every event its own id", id=event.id)
        found[event.id] = event
        places[f"event {event.id}"] = table.place()
    return tuple(found.values())


def year_of(table: Table, key: str, span: Span, *, required: bool = False) -> float | None:
    """A year inside the span, on the grid of time steps."""
    year = table.number(key, required=required)
    if year is None:
        return None
    if not span[0] <= year < span[1]:
        table.refuse(key, "`{key}` is {year}", expected="A year from {first} on and before {last}, the end of the run",
                     year=f"{year:g}", first=f"{span[0]:g}", last=f"{span[1]:g}")  # fmt: skip
        return None
    if year % GRID != 0:
        near = round(year / GRID) * GRID
        table.refuse(key, "`{key}` is {year}, between two time steps", expected="A multiple of {step} years",
                     remedy="Use {near}", year=repr(year), step=GRID, near=f"{near:.10g}")  # fmt: skip
        return None
    return year


def duration_of(table: Table, key: str, *, required: bool = False) -> float | None:
    """A length of time in years, at least one step of the grid."""
    years = table.number(key, low=GRID, high=LONGEST, unit="years", required=required)
    if years is not None and years % GRID != 0:
        table.refuse(key, "`{key}` is {found}, not a whole number of time steps",
                     expected="A multiple of {step} years", remedy="Use {near}", found=repr(years), step=GRID,
                     near=f"{round(years / GRID) * GRID:.10g}")  # fmt: skip
        return None
    return years


def lever_faults(scenario: Scenario, parameters: Parameters) -> Iterator[Fault]:
    """What only the whole scenario, its parent included, shows: events that lead out of a range, shares above 1."""
    for name in dict.fromkeys(each.target for each in scenario.events):
        lever = parameters.levers[name]
        wrong: dict[str, tuple[float, float]] = {}
        for year in _years(scenario, name):
            for value in _before_events(scenario, parameters, lever, year):
                for event in (each for each in scenario.events if each.target == name):
                    inside = lever.lowest <= value <= lever.high
                    value = event.on(value, year)
                    if inside and not lever.lowest <= value <= lever.high:
                        wrong.setdefault(event.id, (value, year))
        for event, (value, year) in wrong.items():
            yield fault(scenario.places.get(f"event {event}", Place(scenario.path)),
                        "The event `{id}` brings `{lever}` to {value} in {year}",
                        expected="A number from {low} to {high} {unit}", id=event, lever=name, value=f"{value:g}",
                        year=f"{year:g}", low=f"{lever.lowest:g}", high=f"{lever.high:g}",
                        unit=lever.unit)  # fmt: skip
    for names in parameters.shares:
        if set(names) <= set(scenario.levers):
            yield from _share_fault(scenario, parameters, names)


def _share_fault(scenario: Scenario, parameters: Parameters, names: tuple[str, ...]) -> Iterator[Fault]:
    for year in sorted({year for name in names for year in _years(scenario, name)}):
        parts = [
            max(_under_events(scenario, name, value, year)
                for value in _before_events(scenario, parameters, parameters.levers[name], year))
            for name in names
        ]  # fmt: skip
        if sum(parts) > 1 + 1e-12:
            yield fault(scenario.places.get(names[-1], Place(scenario.path)),
                        "{levers} come to {sum} in {year}, more than the whole", expected="A sum of at most 1",
                        levers=" + ".join(f"`{each}`" for each in names), sum=f"{sum(parts):g}",
                        year=f"{year:g}")  # fmt: skip
            return


def _years(scenario: Scenario, name: str) -> list[float]:
    """Where the course of a lever has corners, in order."""
    value = scenario.levers.get(name)
    found = {scenario.start_policy or FIRST_POLICY_YEAR}
    if isinstance(value, LeverPath):
        found |= {year for year, _ in value.corners}
    for event in scenario.events:
        if event.target == name:
            found |= {year for year, _ in event.corners}
    return sorted(found)


def _before_events(scenario: Scenario, parameters: Parameters, lever: Lever, year: float) -> list[float]:
    """Where the lever can stand in a year: at its path, and while it is taken up, also at its history."""
    given = scenario.levers.get(lever.name, _default(parameters, lever.constant) or 0.0)
    common = scenario.start_policy or _default(parameters, parameters.policy_year) or FIRST_POLICY_YEAR
    ramp = scenario.ramp_years or _default(parameters, parameters.policy_ramp) or 0.0
    if not isinstance(given, LeverPath):
        start, value = common, given
    else:
        start, value, ramp = given.own_start or common, given.at(year), given.ramp_years or ramp
    before = _default(parameters, f"{lever.name}_in_history") if year < start + ramp else None
    return [value] if before is None else [value, before]


def _default(parameters: Parameters, name: str) -> float | None:
    card = parameters.constants.get(name)
    return card.value if card is not None else None


def _under_events(scenario: Scenario, name: str, value: float, year: float) -> float:
    for event in scenario.events:
        if event.target == name:
            value = event.on(value, year)
    return value


def _number(table: Table, key: str, lever: Lever) -> float | None:
    return table.number(key, low=lever.lowest, high=lever.high, unit=lever.unit)


def _path(table: Table, lever: Lever, span: Span) -> float | LeverPath | None:
    """A table of a lever; one with nothing but a value is that number."""
    before = len(table.faults)
    value = _number(table, "value", lever)
    points = _points(table, lever, span)
    interpolate = table.text("interpolate", choices=INTERPOLATIONS)
    start, ramp = year_of(table, "start", span), duration_of(table, "ramp_years")
    table.close()
    if "value" in table.data and "points" in table.data:
        table.refuse("points", "`{key}` and a value are both given", remedy="Keep one of the two")
    elif "value" not in table.data and "points" not in table.data:
        table.refuse((), "`{key}` has neither a value nor points", expected="`value = ...` or `points = [...]`")
    if interpolate is not None and "points" not in table.data:
        table.refuse("interpolate", "`{key}` is given without points", remedy="Leave it out, or give points")
    if points and start is not None and start > points[0][0]:
        table.refuse("start", "`{key}` is {start}, after the first point of {year}", start=f"{start:g}",
                     year=f"{points[0][0]:g}", remedy="Leave it out, or begin with the first point")  # fmt: skip
    if len(table.faults) > before:
        return None
    if not points and start is None and ramp is None:
        return value
    way = cast(Literal["linear", "step"], interpolate or "linear")
    return LeverPath(value, points, way, start, ramp)


def _points(table: Table, lever: Lever, span: Span) -> tuple[tuple[float, float], ...]:
    found: list[tuple[float, float]] = []
    if table.data.get("points") == []:
        table.asked.add("points")
        table.refuse("points", "`{key}` is {found}", expected="A list of tables is expected", found=shown([]))
    for each in table.tables("points"):
        year = year_of(each, "year", span, required=True)
        value = each.number("value", low=lever.lowest, high=lever.high, unit=lever.unit, required=True)
        each.close()
        if year is None or value is None:
            continue
        if found and year <= found[-1][0]:
            each.refuse("year", "`{key}` is {year}, not after the year before it, {last}",
                        expected="Points with rising years", year=f"{year:g}", last=f"{found[-1][0]:g}")  # fmt: skip
            continue
        found.append((year, value))
    return tuple(found)


def _event(table: Table, parameters: Parameters, span: Span) -> Event | None:
    before = len(table.faults)
    name = table.text("id", required=True)
    kind = table.text("kind", choices=EVENTS, required=True)
    target = table.text("target", required=True)
    lever = parameters.levers.get(canonical(target or ""))
    if target is not None and lever is None:
        table.refuse_choice("target", target, parameters.levers)
    year = year_of(table, "year", span, required=True)
    length = duration_of(table, "length", required=kind in ("pulse", "ramp"))
    if kind == "step" and "length" in table.data:
        table.refuse("length", "A step has no length", remedy="Leave it out, or make it a pulse or a ramp")
    factor = table.number("factor", low=0.0)
    add = table.number("add")
    if ("factor" in table.data) == ("add" in table.data):
        table.refuse((), "`{key}` needs a factor or something to add",
                     expected="One of `factor = ...` and `add = ...`")  # fmt: skip
    table.close()
    if len(table.faults) > before or lever is None or name is None or kind is None or year is None:
        return None
    return Event(name, cast(Any, kind), lever.name, year, length, factor, add)
