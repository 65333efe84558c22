"""From the rows of the problem tables to a Problem; every fault of every table is collected before one is raised."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from alliance_dynamics.calibration.formula import parse_formula, references
from alliance_dynamics.calibration.problem import (
    CalibratedParameter,
    Change,
    Correlation,
    Experiment,
    Folds,
    ForcingPoint,
    Measurement,
    Observable,
    Pooled,
    Prior,
    Problem,
)
from alliance_dynamics.calibration.problem_checks import (
    break_warnings,
    check,
    check_model,
    missing_sources,
    replicate_warnings,
)
from alliance_dynamics.calibration.problem_columns import COLUMNS, KEYS, MAY_BE_EMPTY, PRIORS, SCALES
from alliance_dynamics.calibration.problem_file import Settings, model_path, read_settings
from alliance_dynamics.cells import near_name, number_of
from alliance_dynamics.errors import Fault, InputError, Place, ProvenanceError, fault
from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.model.expression import Expression, Number
from alliance_dynamics.observations import SOURCE_COLUMNS, SourceCard, years_outside
from alliance_dynamics.tables import Row, Table, gather_table


def assemble(path: Path) -> Problem:
    """The problem of a folder; InputError with all faults, ProvenanceError where only source cards are missing."""
    faults: list[Fault] = []
    settings = read_settings(path, faults)
    strange: list[Fault] = []
    tables = {name: _gather(name, file, settings, faults, strange) for name, file in settings.tables.items()}
    for name in COLUMNS:
        tables.setdefault(name, Table("", (), ()))
    broken = bool(faults)
    problem = _build(settings, tables, faults)
    files = {name: tables[name].path for name in COLUMNS}
    faults += check(problem, files, complete=not broken)
    if faults:
        raise InputError([*faults, *(() if broken else _model_faults(problem))])
    if absent := missing_sources(problem, files["measurements"], files["forcings"]):
        raise ProvenanceError(absent)
    measured = files["measurements"]
    further = (*break_warnings(problem, measured), *replicate_warnings(problem, measured))
    return replace(problem, warnings=(*strange, *problem.warnings, *further))


def _model_faults(problem: Problem) -> Iterable[Fault]:
    """What the tables name and the model lacks, told with the other faults; or what is wrong with the model."""
    try:
        return check_model(problem, open_model(str(model_path(problem.folder, problem.model))))
    except InputError as error:
        return error.faults


def _gather(name: str, file: Path, settings: Settings, faults: list[Fault], strange: list[Fault]) -> Table:
    """A table; columns that PEtab leaves to the user are passed over with a warning, misspelt ones are faults."""
    foreign = _foreign_columns(file, [column.name for column in COLUMNS[name]], settings.ignore_columns)
    if foreign:
        what = "the columns {titles} are not of this format and are not read"
        strange.append(fault(str(file), what, titles=", ".join(foreign)))
    return gather_table(
        file,
        COLUMNS[name],
        faults,
        key=KEYS.get(name, ()),
        ignore=(*settings.ignore_columns, *foreign),
        may_be_empty=name in MAY_BE_EMPTY,
    )


def _foreign_columns(file: Path, known: list[str], ignored: tuple[str, ...]) -> list[str]:
    """Titles that resemble no declared column that the table lacks."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return []  # the reader of tables says what is wrong with the file
    delimiter = "\t" if file.suffix.lower() in (".tsv", ".tab") else ","
    titles = [cell.strip() for cell in next(filter(str.strip, lines), "").split(delimiter)]
    absent = [each for each in known if each not in titles]
    if len(titles) < 2:
        return []
    return [each for each in titles if each and each not in (*known, *ignored) and not near_name(each, absent)]


def _build(settings: Settings, tables: dict[str, Table], faults: list[Fault]) -> Problem:
    parameters = {row["parameterId"]: _parameter(tables["parameters"], row, faults) for row in tables["parameters"]}
    observables = {
        row["observableId"]: _observable(tables["observables"], row, parameters, faults)
        for row in tables["observables"]
    }
    measurements = tuple(_measurement(row, observables, settings.folds) for row in tables["measurements"])
    changes = tuple(_change(tables["conditions"], row, parameters, faults) for row in tables["conditions"])
    start, stop = settings.start, settings.stop
    parameters = _with_roles(parameters, tables["parameters"], measurements, observables, tables["noise_correlation"])
    return Problem(
        folder=settings.folder,
        model=settings.model,
        start=start,
        stop=stop,
        dt=settings.dt,
        method=settings.method,
        likelihood=settings.likelihood,
        cut=settings.cut,
        folds=settings.folds,
        forecast=settings.forecast,
        measurements=measurements,
        observables=observables,
        parameters=parameters,
        experiments=_experiments(tables["experiments"], measurements, changes, start, faults),
        changes=changes,
        pooling=tuple(_pooled(tables["pooling"], row, faults) for row in tables["pooling"]),
        correlations=tuple(
            Correlation(
                row["observableId"], row["experimentId"] or "", row["structure"], row["parameterId"] or "", row.line
            )
            for row in tables["noise_correlation"]
        ),
        forcings=tuple(_forcing(row) for row in tables["forcings"]),
        sources={
            row["source"]: SourceCard(*(row[column.name] or "" for column in SOURCE_COLUMNS))
            for row in tables["sources"]
        },
        files=dict(settings.tables),
        hash=_hash([settings.file, *(settings.tables[name] for name in sorted(settings.tables))]),
        warnings=tuple(
            years_outside(tables["measurements"].path, (row.year for row in measurements), start, stop)
            if not math.isnan(start + stop)
            else ()
        ),
    )


def _measurement(row: Row, observables: dict[str, Observable], folds: Folds) -> Measurement:
    observable = observables.get(row["observableId"])
    stock = observable is not None and observable.kind == "stock"
    year = row["time"] - 1.0 if stock else row["time"]
    return Measurement(
        observable=row["observableId"],
        experiment=row["experimentId"] or "",
        time=row["time"],
        year=year,
        value=row["measurement"],
        observable_parameters=_numbers_or_names(row["observableParameters"]),
        noise_parameters=_numbers_or_names(row["noiseParameters"]),
        status=row["obsStatus"] or "A",
        source=row["source"] or "",
        vintage=row["vintage"] or "",
        unit=row["unit"] or (observable.unit if observable else ""),
        fold=row["fold"] or folds.of(year),
        note=row["note"] or "",
        line=row.line,
    )


def _observable(table: Table, row: Row, parameters: dict[str, CalibratedParameter], faults: list[Fault]) -> Observable:
    noise = row["noiseFormula"]
    placeholders = row["observablePlaceholders"] or _numbered("observableParameter", row["observableFormula"])
    noisy = row["noisePlaceholders"] or _numbered("noiseParameter", noise)
    name = row["observableName"] or row["observableId"]
    distribution = row["noiseDistribution"] or "normal"
    return Observable(
        id=row["observableId"],
        name=name,
        text=row["observableFormula"],
        formula=_formula(table, row, row["observableFormula"], {*placeholders, *parameters}, faults),
        placeholders=placeholders,
        noise=None if noise == "profiled" else _formula(table, row, noise, {*noisy, *parameters}, faults),
        noise_placeholders=noisy,
        distribution=distribution,
        unit=row["unit"] or "",
        kind=row["kind"] or "index",
        degrees_of_freedom=row["degreesOfFreedom"] or (4.0 if "student" in distribution else math.inf),
        use=row["use"] or "calibrated",
        label_en=row["label_en"] or name,
        label_ru=row["label_ru"] or name,
        note=row["note"] or "",
        line=row.line,
    )


def _numbered(stem: str, formula: str) -> tuple[str, ...]:
    """Placeholders by their PEtab v1 names, `observableParameter1_` and so on, in the order of their numbers."""
    found = set(re.findall(rf"\b{stem}(\d+)_\w+", formula))
    return tuple(next(re.finditer(rf"\b{stem}{number}_\w+", formula)).group() for number in sorted(found, key=int))


def _parameter(table: Table, row: Row, faults: list[Fault]) -> CalibratedParameter:
    distribution, cells = row["priorDistribution"], row["priorParameters"]
    prior = _prior(table.place(row), distribution, cells or (), faults) if distribution or cells else None
    estimate = row["estimate"] in ("true", "True", "1")
    lower = -math.inf if row["lowerBound"] is None else row["lowerBound"]
    upper = math.inf if row["upperBound"] is None else row["upperBound"]
    transform = row["transform"] or SCALES.get(row["scale"] or row["parameterScale"] or "", "")
    return CalibratedParameter(
        id=row["parameterId"],
        target=row["target"] or "",
        lower=lower,
        upper=upper,
        nominal=_nominal(table, row, lower, upper, estimate, faults),
        estimate=estimate,
        prior=prior,
        unit=row["unit"] or "",
        meaning=row["meaning"] or "",
        source=row["source"] or "",
        grade=row["grade"] or "",
        role=row["role"] or _role(row["parameterId"]),
        transform=transform,
        label_en=row["label_en"] or row["parameterId"],
        label_ru=row["label_ru"] or row["parameterId"],
        line=row.line,
    )


def _nominal(table: Table, row: Row, lower: float, upper: float, estimate: bool, faults: list[Fault]) -> float:
    """The stated value; for an estimated parameter without one the middle of its bounds (of their logarithms)."""
    if row["nominalValue"] is not None:
        return row["nominalValue"]
    if not estimate:
        what = "`{name}` is not estimated and has no nominalValue"
        faults.append(fault(table.place(row), what, expected="A number", name=row["parameterId"]))
        return 0.0
    if not (math.isfinite(lower) and math.isfinite(upper)):
        return 0.0  # two bounds are asked for elsewhere
    far = lower > 0 and upper / lower >= 100
    return math.sqrt(lower * upper) if far else 0.5 * (lower + upper)


def _with_roles(
    parameters: dict[str, CalibratedParameter],
    table: Table,
    measurements: Iterable[Measurement],
    observables: dict[str, Observable],
    correlations: Table,
) -> dict[str, CalibratedParameter]:
    """Roles that only the beginning of an id tells hold where the tables use the parameter so; else structural."""
    shifts = {each for row in measurements for each in row.observable_parameters}
    noise = {each for row in measurements for each in row.noise_parameters}
    noise |= {row["parameterId"] for row in correlations}
    for observable in observables.values():
        if observable.noise is not None:
            noise |= {each.name for each in references(observable.noise)}
    stated = {row["parameterId"] for row in table if row["role"]}
    found = {}
    for name, each in parameters.items():
        role = each.role
        if name not in stated:
            if role == "break" and name not in shifts:
                role = "structural"
            elif role == "noise" or name in noise:
                role = "noise" if name in noise else "structural"
        found[name] = replace(each, role=role)
    return found


def _role(name: str) -> str:
    """The role that an id's beginning tells (`b_`, `sd_`, `phi_`, `pool_`), else structural."""
    starts = {"b_": "break", "sd_": "noise", "phi_": "noise", "pool_": "pool"}
    return next((role for start, role in starts.items() if name.startswith(start)), "structural")


def _prior(place: Place, distribution: str | None, cells: tuple[str, ...], faults: list[Fault]) -> Prior | None:
    if distribution not in PRIORS:
        what, known = "a prior has no known distribution: `{distribution}`", ", ".join(PRIORS)
        at = {"distribution": distribution or "", "known": known}
        faults.append(fault(place, what, expected="One of {known}", **at))
        return None
    count, positive = PRIORS[distribution]
    numbers = [number_of(cell) for cell in cells]
    if None in numbers or len(numbers) != count:
        what, expected = "the prior {distribution} has the parameters `{cells}`", "{count} numbers, separated by `;`"
        at = {"distribution": distribution, "cells": ";".join(cells), "count": count}
        faults.append(fault(place, what, expected=expected, **at))
        return None
    values = tuple(each for each in numbers if each is not None)
    if any(values[index] <= 0 for index in positive) or (distribution.endswith("uniform") and values[0] >= values[1]):
        what = "the prior {distribution} has the parameters `{cells}`"
        expected = "A spread above 0, a lower end below the upper one"
        faults.append(fault(place, what, expected=expected, distribution=distribution, cells=";".join(cells)))
    return Prior(distribution, values)


def _change(table: Table, row: Row, parameters: dict[str, CalibratedParameter], faults: list[Fault]) -> Change:
    value = _formula(table, row, row["targetValue"], set(parameters), faults)
    return Change(row["conditionId"], row["targetId"], value, row.line)


def _pooled(table: Table, row: Row, faults: list[Fault]) -> Pooled:
    place = table.place(row)
    nothing = Prior("normal", (0.0, 1.0))
    centre = _prior(place, row["poolPrior"][0], row["poolPrior"][1:], faults) or nothing
    spread = _prior(place, row["scalePrior"][0], row["scalePrior"][1:], faults) or nothing
    return Pooled(row["parameterId"], row["poolId"], centre, spread, row["poolScale"] or "log", row.line)


def _forcing(row: Row) -> ForcingPoint:
    return ForcingPoint(
        row["forcingId"],
        row["experimentId"],
        row["time"],
        row["value"],
        row["interpolation"] or "linear",
        row["obsStatus"] or "A",
        row["source"] or "",
        row["unit"] or "",
        row.line,
    )


def _experiments(
    table: Table, measurements: Iterable[Measurement], changes: tuple[Change, ...], start: float, faults: list[Fault]
) -> dict[str, Experiment]:
    """Experiments by id; without a table each one that the measurements name, under the condition of the same id."""
    if not table.path:
        known = {change.condition for change in changes}
        names = dict.fromkeys(row.experiment for row in measurements)
        return {name: Experiment(name, {}, ((start, name if name in known else ""),)) for name in names}
    elements: dict[str, dict[str, str]] = {}
    periods: dict[str, list[tuple[float, str]]] = {}
    for row in table:
        name = row["experimentId"]
        periods.setdefault(name, []).append((row["time"], row["conditionId"] or ""))
        for cell in row["elements"] or ():
            dimension, sign, element = (part.strip() for part in cell.partition("="))
            if not (dimension and sign and element) or elements.get(name, {}).get(dimension, element) != element:
                what, expected = "`{cell}` does not name an element", "dimension=element, one element per dimension"
                faults.append(fault(table.place(row), what, expected=expected, cell=cell))
            else:
                elements.setdefault(name, {})[dimension] = element
    if any(not row.experiment for row in measurements):
        periods.setdefault("", [(start, "")])
    return {name: Experiment(name, elements.get(name, {}), tuple(sorted(times))) for name, times in periods.items()}


def _formula(table: Table, row: Row, text: str, own: set[str], faults: list[Fault]) -> Expression:
    try:
        return parse_formula(text, table.place(row), own)
    except InputError as error:
        faults.extend(error.faults)
        return Number(math.nan)


def _numbers_or_names(cells: Any) -> tuple[float | str, ...]:
    numbers = [(number_of(cell), cell) for cell in cells or ()]
    return tuple(cell if number is None else number for number, cell in numbers)


def _hash(files: Iterable[Path]) -> str:
    """SHA-256 over names and contents of the files, with line ends as LF so that a checkout does not change it."""
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes() if file.is_file() else b""
        content = content.replace(b"\r\n", b"\n")
        digest.update(file.name.encode() + b"\0" + str(len(content)).encode() + b"\0" + content)
    return digest.hexdigest()
