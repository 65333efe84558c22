"""The scenario file: which sections and keys it may have, and what their values must be.

schema = 1
extends = "r3_alliance"            a regime of the same folder, of the folder above, or of the package
[scenario]                         id; title.en and title.ru, or `name` for both; story.en, story.ru, because
[time]                             start_policy, stop: years; ramp_years: length of the ramp of all levers
[levers]                           lever = value from the policy year on; ranges stand in parameters.toml
[levers.NAME]                      value, or points = [{year, value}, ...] with interpolate = "linear" | "step"; start
                                   (a year) and ramp_years of its own
[[events]]                         id; kind = "pulse" | "step" | "ramp"; target (a lever); year; length; factor or add
[assumptions]                      constant = value, or constant = {element = value}
[run]                              start, stop, dt, saveper, method: for any model
[parameters]                       constant of any model = value, or = {element = value}; of a stock this is the
                                   initial value; lookup = [[x, y], [x, y], ...]
[outputs]                          kpis and milestones (years) that a comparison shows
[draws]                            n and seed of a comparison, and of `alliance run --draws auto`
[[expect]]                         variable; between = [low, high], at_least, at_most; at = year or over = [from, to]
[output]                           path of the CSV file, inside the folder that the command runs in
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from alliance_dynamics.errors import Fault, InputError, Place, fault, nearest
from alliance_dynamics.language import LANGUAGES
from alliance_dynamics.model.names import canonical
from alliance_dynamics.parameters import Parameters
from alliance_dynamics.resources import resource
from alliance_dynamics.scenario_asks import read_draws, read_expectations, read_outputs
from alliance_dynamics.scenario_levers import (
    FIRST_POLICY_YEAR,
    GRID,
    LAST_YEAR,
    duration_of,
    lever_faults,
    read_events,
    read_levers,
)
from alliance_dynamics.scenarios import Points, Scenario
from alliance_dynamics.toml_door import read_toml
from alliance_dynamics.toml_lines import KeyPath
from alliance_dynamics.toml_table import Table, open_table, shown

METHODS = ("euler", "rk2", "rk4")


def read_scenario_file(path: Path, parameters: Parameters, *, may_extend: bool = True) -> Scenario:
    """One file with its parent merged in; InputError with all faults of the file."""
    root = open_table(read_toml(path))
    root.number("schema", low=1, high=1)
    parent = _parent(root, path, parameters, may_extend)
    scenario = _header(root.table("scenario", required=True), path)
    time, run = root.table("time"), root.table("run")
    start_policy = time.number("start_policy")
    settings: dict[str, Any] = {
        "start": run.number("start"),
        "stop": run.number("stop"),
        "dt": _positive(run, "dt"),
        "saveper": _positive(run, "saveper"),
        "method": run.text("method", choices=METHODS),
    }
    stop = time.number("stop")
    if stop is not None and settings["stop"] is not None:
        time.refuse("stop", "`{key}` is given under [run] as well", remedy="Keep one of the two")
    settings["stop"] = stop if settings["stop"] is None else settings["stop"]
    settings = {name: value for name, value in settings.items() if value is not None}
    if settings.get("start", -1e300) >= settings.get("stop", 1e300):
        run.refuse("stop" if "stop" in run.data else "start", "The run stops at {stop}, not after its start {start}",
                   start=f"{settings['start']:g}", stop=f"{settings['stop']:g}")  # fmt: skip
    last = settings.get("stop", parent.stop if parent else None)
    if start_policy is not None and (wrong := policy_year_fault(start_policy, time.place("start_policy"), last)):
        root.faults.append(wrong)
    places: dict[str, Place] = {"id": root.place("scenario", "id")}
    places |= {name: time.place(name) for name in ("start_policy", "ramp_years")}
    span = (FIRST_POLICY_YEAR, LAST_YEAR if last is None else last)
    kpis, milestones = read_outputs(root.table("outputs"))
    scenario = replace(
        scenario,
        start_policy=start_policy,
        ramp_years=duration_of(time, "ramp_years"),
        levers=read_levers(root.table("levers"), parameters, span, places),
        events=read_events(root.tables("events"), parameters, span, places),
        draws=read_draws(root.table("draws")),
        expect=read_expectations(root.tables("expect"), places),
        kpis=kpis,
        milestones=milestones,
        assumptions=_assumptions(root.table("assumptions"), parameters, places),
        constants=_constants(root.table("parameters"), parameters, places),
        settings=settings,
        output=_output(root.table("output")),
        places=places,
    )
    if "sweep" in root.data:
        root.refuse("sweep", "A scenario file describes one run, not a sweep", remedy="Use `alliance sensitivity`")
    for table in (time, run):
        table.close()
    root.close(done=("sweep",))
    root.raise_faults()
    if parent is not None:
        merged = parent | scenario
        scenario = replace(merged, titles=scenario.titles, stories=scenario.stories, because=scenario.because)
    _refuse_coarse_steps(run, scenario)
    root.faults += lever_faults(scenario, parameters)
    root.raise_faults()
    return scenario


def _refuse_coarse_steps(run: Table, scenario: Scenario) -> None:
    """Corners of paths lie on the grid; a step that jumps over them would not see them."""
    dt = scenario.settings.get("dt", GRID)
    if scenario.in_time and abs(GRID / dt - max(1, round(GRID / dt))) > 1e-9:
        run.refuse("dt", "`{key}` is {dt}, which does not divide {step} years, the grid of levers in time",
                   dt=f"{dt:g}", step=GRID, remedy="Use {step}, or a half, a third, a quarter of it")  # fmt: skip


def policy_year_fault(year: float, place: Place, stop: float | None = None) -> Fault | None:
    """Why a year cannot be a policy year: outside the span, or between two time steps."""
    last = LAST_YEAR if stop is None else stop
    if not FIRST_POLICY_YEAR <= year < last:
        return fault(
            place,
            "The policy year is {year}",
            expected="A year from {first} on and before {last}, the end of the run",
            year=f"{year:g}",
            first=f"{FIRST_POLICY_YEAR:g}",
            last=f"{last:g}",
        )
    if year % GRID != 0:
        return fault(
            place,
            "The policy year {year} lies between two time steps",
            expected="A multiple of {step} years",
            remedy="Use {near}",
            year=f"{year!r}",
            step=GRID,
            near=round(year / GRID) * GRID,
        )
    return None


def _parent(root: Table, path: Path, parameters: Parameters, may_extend: bool) -> Scenario | None:
    name = root.text("extends")
    if name is None:
        return None
    if not may_extend:
        root.refuse("extends", "The parent itself extends `{parent}`", parent=name,
                    remedy="A scenario has one parent, which has none")  # fmt: skip
        return None
    folders = (path.parent, path.parent.parent, resource("sdmodels/regimes"))
    known = dict.fromkeys(
        file.stem for folder in folders for file in sorted(folder.glob("*.toml")) if file.resolve() != path.resolve()
    )
    if name not in known:
        near = nearest(name, known, cutoff=0.6)
        root.refuse("extends", "There is no scenario `{parent}` to extend", parent=name, nearest=near,
                    expected="The name of a file of the same folder or of the regimes, without .toml",
                    remedy="Did you mean `{nearest}`?" if near else "")  # fmt: skip
        return None
    file = next(folder / f"{name}.toml" for folder in folders if (folder / f"{name}.toml").is_file())
    try:
        return read_scenario_file(file, parameters, may_extend=False)
    except InputError as error:
        root.faults += error.faults
        return None


def _header(table: Table, path: Path) -> Scenario:
    identity = table.text("id")
    if identity is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}", identity):
        table.refuse("id", "`{key}` is not an id", expected="At most 60 Latin letters, digits, points and dashes")
    name = table.text("name")
    title, story = table.table("title"), table.table("story")
    named = name is not None and "title" not in table.data
    titles = {
        each: name if named else title.text(each, required="scenario" in table.document.data) for each in LANGUAGES
    }
    stories = {each: story.text(each) for each in LANGUAGES}
    because = table.text("because")
    if name is not None and "title" in table.data:
        table.refuse("name", "`{key}` and a title are both given", remedy="Keep the titles")
    for each in (title, story, table):
        each.close()
    return Scenario(
        id=identity or path.stem,
        titles={each: text for each, text in titles.items() if text},
        stories={each: text for each, text in stories.items() if text},
        because=because or "",
        path=str(path),
    )


def _positive(table: Table, key: str) -> float | None:
    value = table.number(key)
    if value is not None and value <= 0:
        table.refuse(key, "`{key}` is {found}", expected="A number above 0", found=f"{value:g}")
        return None
    return value


def _assumptions(table: Table, parameters: Parameters, places: dict[str, Place]) -> dict[str, float]:
    of_levers = {lever.constant: lever.name for lever in parameters.levers.values()}
    found = {}
    for path, name, value in _changes(table):
        base, elements = name.partition("[")[0], name.partition("[")[2]
        constant = parameters.constants.get(base)
        if base in of_levers:
            table.refuse(
                path, "`{key}` is a lever", remedy="Write it under [levers] as `{lever}`", lever=of_levers[base]
            )
        elif base == parameters.policy_year:
            table.refuse(path, "`{key}` is the policy year", remedy="Write it under [time] as `start_policy`")
        elif constant is None:
            table.refuse_unknown(str(path[0]), parameters.constants)
        elif elements and name not in constant.values:
            table.refuse(path, "`{key}` names no element of `{constant}`", expected="One of {known}", constant=base,
                         known=", ".join(constant.values))  # fmt: skip
        else:
            number = table.as_number(path, value, low=constant.low, high=constant.high, unit=constant.unit)
            if number is not None:
                found[name] = number
                places[name] = table.place(*path)
    return found


def _constants(table: Table, parameters: Parameters, places: dict[str, Place]) -> dict[str, float | Points]:
    """What any model may have: constants, stocks, lookups; whether the model has them is known only when it is run."""
    found: dict[str, float | Points] = {}
    for path, name, value in _changes(table):
        if isinstance(value, list) and value and all(isinstance(each, list) for each in value):
            if (given := _points(table, path, value)) is not None:
                found[name] = given
                places[name] = table.place(*path)
            continue
        known = parameters.constants.get(name.partition("[")[0])
        low, high, unit = (known.low, known.high, known.unit) if known else (None, None, "")
        number = table.as_number(path, value, low=low, high=high, unit=unit)
        if number is not None:
            found[name] = number
            places[name] = table.place(*path)
    return found


def _points(table: Table, path: KeyPath, value: list[Any]) -> Points | None:
    """The points of a lookup; their number and order are judged where the model is known."""
    if any(len(each) != 2 for each in value):
        table.refuse(path, "`{key}` is {found}", expected="Points [x, y] are expected", found=shown(value))
        return None
    pairs = [[table.as_number(path, number) for number in each] for each in value]
    found = tuple((x, y) for x, y in pairs if x is not None and y is not None)
    return found if len(found) == len(pairs) else None


def _changes(table: Table) -> list[tuple[KeyPath, str, Any]]:
    """Key path, flat name and value of each change; `name = {a = 1}` is `name[a]`, and so on for deeper tables."""
    found = []
    pending: list[tuple[KeyPath, Any]] = [((key,), table.data[key]) for key in table.data]
    while pending:
        path, value = pending.pop(0)
        if isinstance(value, dict) and value:
            pending = [((*path, key), each) for key, each in value.items()] + pending
            continue
        base, bracket, inside = str(path[0]).partition("[")
        elements = [*(inside.removesuffix("]").split(",") if bracket else ()), *map(str, path[1:])]
        name = canonical(base) + (f"[{','.join(map(canonical, elements))}]" if elements else "")
        found.append((path, name, value))
    return found


def _output(table: Table) -> str:
    path = table.text("path") or ""
    table.close()
    windows, posix = PureWindowsPath(path), PurePosixPath(path)
    inside = not (windows.drive or windows.root or posix.is_absolute() or ".." in windows.parts or "\0" in path)
    if path and not (inside and Path(path).resolve().is_relative_to(Path.cwd())):
        table.refuse("path", "`{key}` leads out of the folder that the command runs in", remedy="Give a path inside it")
        return ""
    return path
