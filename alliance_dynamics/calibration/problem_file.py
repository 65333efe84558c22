"""problem.toml: the years, the folds, and where the tables lie."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alliance_dynamics.calibration.problem import Folds, Forecast
from alliance_dynamics.calibration.problem_columns import COLUMNS, NEEDED
from alliance_dynamics.calibration.problem_yaml import read_yaml
from alliance_dynamics.cells import near_name
from alliance_dynamics.errors import Fault, InputError, fault
from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.model.expression import Number
from alliance_dynamics.toml_door import Document, read_toml

FORMAT = "alliance-problem/1"
NAME = "problem.toml"
_MODELS = (".mdl", ".xmile", ".stmx", ".itmx")
CHOICES = {
    "format": (FORMAT,),
    "likelihood": ("trajectory", "state-reset"),
    "cut": ("F", "chi2"),
    "method": ("", "euler", "rk2", "rk4"),
}
_KEYS = ("format", "model", "start", "stop", "dt", "method", "likelihood", "cut", "ignore_columns", "tables", "folds",
         "forecast")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """What problem.toml says; `tables` maps table names to existing files or to those that will be found missing."""

    folder: Path
    file: Path
    model: str
    start: float
    stop: float
    dt: float | None
    method: str
    likelihood: str
    cut: str
    ignore_columns: tuple[str, ...]
    tables: dict[str, Path]
    folds: Folds
    forecast: Forecast


def read_settings(path: Path, faults: list[Fault]) -> Settings:
    """Settings of a folder or of a problem.toml; faults of its content are added, an unreadable file is raised."""
    file = problem_file(path) if path.is_dir() else path
    document = read_yaml(file, faults) if file.suffix in (".yaml", ".yml") else read_toml(file)
    data = document.data
    _refuse_unknown(document, (), data, _KEYS, faults)
    for key, choices in CHOICES.items():
        value = data.get(key, choices[0])
        if value not in choices:
            what, remedy = "`{key}` is {value}", near_name(str(value), choices)
            known = ", ".join(choices)
            place = document.place(key)
            faults.append(
                fault(place, what, expected="One of {known}", remedy=remedy, key=key, value=value, known=known)
            )
    start, stop = (_number(document, key, faults) for key in ("start", "stop"))
    model = _model(document, file.parent, faults)
    if not faults and (start is None or stop is None):
        start, stop = _years_of_model(document, model, start, stop, faults)
    folds = _folds(document, faults)
    if start is not None and stop is not None and stop <= start:
        what, place = "`stop` = {stop:g} is not after `start` = {start:g}", document.place("stop")
        faults.append(fault(place, what, stop=stop, start=start))
    elif start is not None and stop is not None and folds.holdout and not folds.overlap(start, stop):
        what, expected = "`holdout` is {first} to {last}", "Years of the problem, {start:g} to {stop:g}"
        at = {"first": folds.holdout[0], "last": folds.holdout[1], "start": start, "stop": stop}
        faults.append(fault(document.place("folds", "holdout"), what, expected=expected, **at))
    dt = _number(document, "dt", faults)
    if dt is not None and dt <= 0:
        faults.append(fault(document.place("dt"), "`dt` is {dt:g}", expected="A positive number of years", dt=dt))
    ignored = data.get("ignore_columns", [])
    if not isinstance(ignored, list) or not all(isinstance(each, str) for each in ignored):
        faults.append(fault(document.place("ignore_columns"), "`ignore_columns` is not a list of column names"))
        ignored = []
    return Settings(
        folder=file.parent,
        file=file,
        model=model,
        start=math.nan if start is None else start,
        stop=math.nan if stop is None else stop,
        dt=dt,
        method=str(data.get("method", "")),
        likelihood=str(data.get("likelihood", "trajectory")),
        cut=str(data.get("cut", "F")),
        ignore_columns=tuple(ignored),
        tables=_tables(document, file.parent, faults),
        folds=folds,
        forecast=_forecast(document, faults),
    )


def problem_file(folder: Path) -> Path:
    """The one problem file of a folder, problem.toml or problem.yaml; InputError where there are two."""
    toml = folder / NAME
    yaml = [folder / name for name in ("problem.yaml", "problem.yml") if (folder / name).exists()]
    if toml.exists() and yaml:
        what = "the folder has two problem files, {first} and {second}"
        raise InputError(fault(str(folder), what, expected="One", first=NAME, second=yaml[0].name))
    return yaml[0] if yaml else toml


def _model(document: Document, folder: Path, faults: list[Fault]) -> str:
    """The model's name or file; where none is given the one model file of the folder."""
    given = document.data.get("model")
    if isinstance(given, str) and given:
        return given
    beside = sorted(each.name for each in folder.iterdir() if each.suffix.lower() in _MODELS) if folder.is_dir() else []
    if given is None and len(beside) == 1:
        return beside[0]
    if given is not None:
        faults.append(fault(document.place("model"), "`model` is {value}", expected="A name or a file", value=given))
    else:
        what, expected = "`model` is missing", 'model = "file.mdl"'
        faults.append(fault(document.file, what, expected=expected))
    return ""


def _years_of_model(
    document: Document, name: str, start: float | None, stop: float | None, faults: list[Fault]
) -> tuple[float | None, float | None]:
    """`start` and `stop`; where the problem gives none INITIAL TIME and FINAL TIME of the model."""
    model = open_model(str(model_path(Path(document.file).parent, name)))
    found = []
    for key, given, control in (("start", start, "initial_time"), ("stop", stop, "final_time")):
        variable = model.variables.get(control)
        own = variable.definitions[0].expression if variable is not None else None
        if given is None and not isinstance(own, Number):
            faults.append(fault(document.file, "`{key}` is missing", expected="{key} = a number", key=key))
        found.append(own.value if given is None and isinstance(own, Number) else given)
    return found[0], found[1]


def model_path(folder: Path, model: str) -> Path:
    """A model file beside the tables of a problem, or what is a path or a built-in name by itself.

    Tables of elements (`alliance+perm.csv`) may lie beside them too.
    """
    if (folder / model).is_file():
        return folder / model
    name, *tables = model.split("+")
    return Path("+".join([name, *(str(folder / each) if (folder / each).is_file() else each for each in tables)]))


def _tables(document: Document, folder: Path, faults: list[Fault]) -> dict[str, Path]:
    tables = _table(document, "tables", faults)
    _refuse_unknown(document, ("tables",), tables, tuple(COLUMNS), faults)
    for name in COLUMNS:
        if name not in tables and (folder / f"{name}.tsv").is_file() and "tables" not in document.data:
            tables = {**tables, name: f"{name}.tsv"}
    for name in NEEDED:
        if name not in tables:
            if "tables" in document.data:
                what, expected = "the table `{name}` is not named", '{name} = "file.tsv"'
            else:
                what, expected = "the folder has no table `{name}`", "{name}.tsv beside the problem file"
            faults.append(fault(document.place("tables"), what, expected=expected, name=name))
    found: dict[str, Path] = {}
    for name, value in tables.items():
        if not isinstance(value, str):
            place = document.place("tables", name)
            faults.append(fault(place, "`{name}` is no file name", expected='{name} = "file.tsv"', name=name))
        elif name in COLUMNS:
            found[name] = folder / value
    return found


def _folds(document: Document, faults: list[Fault]) -> Folds:
    folds = _table(document, "folds", faults)
    _refuse_unknown(document, ("folds",), folds, ("holdout", "rolling"), faults)
    holdout, rolling = folds.get("holdout"), folds.get("rolling", {})
    if holdout is not None and (len(_years(holdout)) != 2 or holdout[0] > holdout[1]):
        faults.append(fault(document.place("folds", "holdout"), "`holdout` is not [first year, last year]"))
        holdout = None
    if not isinstance(rolling, dict):
        faults.append(fault(document.place("folds", "rolling"), "`rolling` is not a table"))
        rolling = {}
    _refuse_unknown(document, ("folds", "rolling"), rolling, ("first_origin", "horizons"), faults)
    origin, horizons = rolling.get("first_origin"), rolling.get("horizons", [])
    if rolling and (not _years([origin]) or not _years(horizons) or min(horizons) < 1):
        what, expected = "`rolling` is incomplete", "first_origin = a year, horizons = [1, 2, ...]"
        faults.append(fault(document.place("folds", "rolling"), what, expected=expected))
        origin, horizons = None, []
    return Folds(tuple(holdout) if holdout else None, origin, tuple(horizons))  # type: ignore[arg-type]


def _forecast(document: Document, faults: list[Fault]) -> Forecast:
    forecast = _table(document, "forecast", faults)
    _refuse_unknown(document, ("forecast",), forecast, ("shocks", "uncertain"), faults)
    shocks: dict[str, float] = {}
    uncertain: dict[str, tuple[float, float]] = {}
    for kind in ("shocks", "uncertain"):
        given = forecast.get(kind, {})
        if not isinstance(given, dict):
            faults.append(fault(document.place("forecast", kind), "`{kind}` is not a table", kind=kind))
            continue
        for name, value in given.items():
            place = document.place("forecast", kind, name)
            if kind == "shocks" and _is_number(value) and value >= 0:
                shocks[name] = float(value)
            elif kind == "uncertain" and isinstance(value, list) and len(value) == 2 and all(map(_is_number, value)):
                uncertain[name] = (float(value[0]), float(value[1]))
            else:
                expected = "A number, 0 or more" if kind == "shocks" else "[low, high]"
                faults.append(fault(place, "`{name}` is {value}", expected=expected, name=name, value=value))
    return Forecast(shocks, uncertain)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _years(value: Any) -> list[int]:
    sound = isinstance(value, list) and all(isinstance(each, int) and not isinstance(each, bool) for each in value)
    return value if sound else []


def _table(document: Document, name: str, faults: list[Fault]) -> dict[str, Any]:
    value = document.data.get(name, {})
    if isinstance(value, dict):
        return value
    faults.append(fault(document.place(name), "`{name}` is not a table", expected="[{name}]", name=name))
    return {}


def _number(document: Document, key: str, faults: list[Fault]) -> float | None:
    value = document.data.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        what = "`{key}` is {value!r}"
        faults.append(fault(document.place(key), what, expected="A finite number", key=key, value=value))
        return None
    return float(value)


def _refuse_unknown(
    document: Document, path: tuple[str, ...], found: dict[str, Any], known: tuple[str, ...], faults: list[Fault]
) -> None:
    for key in found:
        if key not in known:
            place, remedy = document.place(*path, key), near_name(key, known)
            what, names = "unknown key `{key}`", ", ".join(known)
            faults.append(fault(place, what, expected="One of {known}", remedy=remedy, key=key, known=names))
