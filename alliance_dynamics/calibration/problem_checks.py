"""What must hold between the tables of a problem, and between a problem and its model."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from alliance_dynamics.calibration.formula import references
from alliance_dynamics.calibration.problem import CalibratedParameter, Measurement, Problem
from alliance_dynamics.cells import near_name
from alliance_dynamics.errors import Fault, Place, fault
from alliance_dynamics.model.expression import Expression, Reference
from alliance_dynamics.model.model import Model
from alliance_dynamics.model.names import canonical


def check(problem: Problem, files: Mapping[str, str], *, complete: bool = True) -> list[Fault]:
    """Faults between tables; `files` gives the path of each.  `complete` False: a table has rows that did not read, so
    that an unknown name may only be the echo of such a fault and is not reported."""
    faults = list(_parameter_faults(problem, files["parameters"]))
    faults += _measurement_faults(problem, files["measurements"], complete)
    if complete:
        faults += _repeated(problem, files["measurements"])
        faults += _name_faults(problem, files)
        faults += _unused(problem, files["parameters"])
        faults += _experiment_faults(problem, files["experiments"])
        faults += _forcing_faults(problem, files["forcings"])
    return faults


def missing_sources(problem: Problem, measurements: str, forcings: str) -> list[Fault]:
    """Source ids without a card, where the problem has cards at all; each named once, with its first line."""
    seen: dict[str, Place] = {}
    for file, rows in ((measurements, problem.measurements), (forcings, problem.forcings)):
        for row in rows if problem.sources else ():
            for source in filter(None, row.source.split(";")):
                if source not in problem.sources:
                    seen.setdefault(source, Place(file, row.line))
    what, expected = "the source `{source}` has no card", "A row of it in the table of sources"
    return [
        fault(place, what, expected=expected, remedy=near_name(source, problem.sources), source=source)
        for source, place in seen.items()
    ]


def check_model(problem: Problem, model: Model) -> list[Fault]:
    """Names in observables, targets, conditions and experiments that the model lacks, with the nearest name."""
    faults: list[Fault] = []
    known = {*problem.parameters, "time"}
    dimensions = {name for each in problem.experiments.values() for name in each.elements}
    elements = {element for dimension in model.dimensions.values() for element in dimension.elements}
    for each in problem.observables.values():
        place = Place(str(problem.files["observables"]), each.line)
        for reference in references(each.formula):
            if reference.name not in known and reference.name not in each.placeholders:
                faults += _model_name(place, reference.name, model)
            faults += _subscript_faults(place, reference.name, reference.subscripts, model, dimensions, elements)
    for each in problem.parameters.values():
        if each.target:
            place = Place(str(problem.files["parameters"]), each.line)
            name, subscripts = split_target(each.target)
            faults += _model_name(place, name, model)
            faults += _subscript_faults(place, name, subscripts, model, set(), elements)
    for change in problem.changes:
        name, subscripts = split_target(change.target)
        if name not in known:
            faults += _model_name(Place(str(problem.files["conditions"]), change.line), name, model)
    for each in problem.experiments.values():
        place = Place(str(problem.files.get("experiments", "")))
        for dimension, element in each.elements.items():
            known_elements = model.dimensions[dimension].elements if dimension in model.dimensions else ()
            if element not in known_elements:
                what, remedy = "the model has no element `{element}` of `{dimension}`", near_name(element, elements)
                faults.append(fault(place, what, remedy=remedy, element=element, dimension=dimension))
    return faults


def split_target(target: str) -> tuple[str, tuple[str, ...]]:
    """Name and elements of `name[element,...]`, canonical."""
    name, bracket, rest = target.partition("[")
    elements = rest.rstrip("]").split(",") if bracket else []
    return canonical(name), tuple(canonical(each) for each in elements)


def _model_name(place: Place, name: str, model: Model) -> list[Fault]:
    if name in model.variables:
        return []
    what, remedy = "the model has no variable `{name}`", near_name(name, model.variables)
    return [fault(place, what, expected="A variable of the model", remedy=remedy, name=name)]


def _subscript_faults(
    place: Place, name: str, found: tuple[str, ...], model: Model, dimensions: set[str], elements: set[str]
) -> Iterator[Fault]:
    variable = model.variables.get(name)
    if variable is not None and len(variable.dimensions) != len(found):
        what, expected = "`{name}` is used with {found} subscripts", "{count}: {dimensions}"
        of = ", ".join(variable.dimensions) or "none"
        at = {"name": name, "found": len(found), "count": len(variable.dimensions), "dimensions": of}
        yield fault(place, what, expected=expected, **at)
    for each in found:
        if each not in dimensions and each not in elements:
            remedy = near_name(each, elements)
            yield fault(place, "the model has no element `{element}`", remedy=remedy, element=each)


def _parameter_faults(problem: Problem, file: str) -> Iterator[Fault]:
    targets: dict[str, CalibratedParameter] = {}
    for each in problem.parameters.values():
        place = Place(file, each.line)
        at = {"name": each.id, "lower": f"{each.lower:g}", "upper": f"{each.upper:g}", "nominal": f"{each.nominal:g}"}
        if each.lower > each.upper or (each.estimate and each.lower == each.upper):
            yield fault(place, "`{name}` has the bounds {lower} to {upper}", expected="lowerBound < upperBound", **at)
        elif not each.lower <= each.nominal <= each.upper:
            yield fault(place, "`{name}` = {nominal} is outside its bounds", expected="{lower} to {upper}", **at)
        if each.estimate and not (math.isfinite(each.lower) and math.isfinite(each.upper)):
            yield fault(place, "`{name}` is estimated without two bounds", expected="lowerBound and upperBound", **at)
        if each.estimate and each.role == "lever":
            yield fault(place, "`{name}` is a lever and is estimated", expected="estimate = false", **at)
        if each.transform == "log" and each.lower <= 0:
            yield fault(place, "`{name}` has the transform log and a lower bound of {lower}", expected="Above 0", **at)
        if each.transform == "logit" and (each.lower < 0 or each.upper > 1):
            yield fault(place, "`{name}` has the transform logit", expected="Bounds within 0 to 1", **at)
        if each.target:
            other = targets.setdefault("".join(each.target.split()).casefold(), each)
            if other is not each:
                what = "`{name}` and `{other}` (line {line}) set the same constant `{target}`"
                yield fault(place, what, name=each.id, other=other.id, line=other.line, target=each.target)


def _measurement_faults(problem: Problem, file: str, complete: bool) -> Iterator[Fault]:
    for row in problem.measurements:
        place = Place(file, row.line)
        observable = problem.observables.get(row.observable)
        if observable is None:
            if complete:
                yield _unknown(place, "observable", row.observable, problem.observables)
        else:
            if row.unit != observable.unit:
                what, expected = "the unit is `{unit}`", "`{needed}`, that of `{name}`"
                yield fault(place, what, expected=expected, unit=row.unit, needed=observable.unit, name=observable.id)
            if row.value is not None and row.value <= 0 and observable.is_logarithmic:
                what, expected = "`{name}` = {value:g} with {distribution} noise", "A value above 0"
                at = {"name": observable.id, "value": row.value, "distribution": observable.distribution}
                yield fault(place, what, expected=expected, **at)
            for found, wanted, label in (
                (row.observable_parameters, observable.placeholders, "observableParameters"),
                (row.noise_parameters, observable.noise_placeholders, "noiseParameters"),
            ):
                if len(found) != len(wanted):
                    what, expected = "{label} has {found} entries", "{wanted}, one per placeholder of `{name}`"
                    at = {"label": label, "found": len(found), "wanted": len(wanted), "name": observable.id}
                    yield fault(place, what, expected=expected, **at)
        if complete and row.experiment not in problem.experiments:
            yield _unknown(place, "experiment", row.experiment, problem.experiments)
        for name in (*row.observable_parameters, *row.noise_parameters):
            if complete and isinstance(name, str) and name not in problem.parameters:
                yield _unknown(place, "parameter", name, problem.parameters)
        if row.value is None and row.status != "M":
            yield fault(place, "the measurement is empty", expected="A number, or obsStatus M")
        yield from _fold_faults(problem, place, row)


def _fold_faults(problem: Problem, place: Place, row: Measurement) -> Iterator[Fault]:
    if row.fold == "exclude":
        if not row.note:
            yield fault(place, "the row is excluded without a reason", expected="A note")
        return
    if row.status in ("F", "Q") and row.fold == "train":
        what = "a row with obsStatus {status} is in the fold train"
        yield fault(place, what, expected="holdout or exclude", status=row.status)
    if problem.folds.holdout:
        first, last = problem.folds.holdout
        right = problem.folds.of(row.year)
        if row.fold != right:
            what, expected = "the figure of {year:g} is in the fold {fold}", "{right} (holdout is {first} to {last})"
            at = {"year": row.year, "fold": row.fold, "right": right, "first": first, "last": last}
            yield fault(place, what, expected=expected, **at)


def _repeated(problem: Problem, file: str) -> Iterator[Fault]:
    """Two scored figures of one series and time, where they have a source or their noise is autocorrelated."""
    what = "a second figure of `{observable}`, {experiment}, {time:g} (first: line {first})"
    remedy = "Give one of them the fold exclude, with a note."
    for row, line in _seconds(problem):
        correlation = problem.correlation(row.observable, row.experiment)
        if row.source or (correlation is not None and correlation.structure == "ar1"):
            at = {"observable": row.observable, "experiment": row.experiment, "time": row.time, "first": line}
            yield fault(Place(file, row.line), what, remedy=remedy, **at)


def _seconds(problem: Problem) -> Iterator[tuple[Measurement, int]]:
    """Scored rows whose series and time an earlier row has, and its line; excluded rows may be other vintages."""
    first: dict[tuple[object, ...], int] = {}
    for row in problem.measurements:
        if row.fold != "exclude":
            line = first.setdefault((row.observable, row.experiment, row.time), row.line)
            if line != row.line:
                yield row, line


def replicate_warnings(problem: Problem, file: str) -> list[Fault]:
    """One warning for each series with several figures of one time, all of which count."""
    found: dict[tuple[str, str], list[tuple[Measurement, int]]] = defaultdict(list)
    for row, line in _seconds(problem):
        found[row.observable, row.experiment].append((row, line))
    what = "`{observable}` repeats times that it has (rows: {count}, line {line} repeats line {first}); each row counts"
    remedy = "Delete the rows that are there twice by mistake."
    return [
        fault(Place(file, rows[0][0].line), what, remedy=remedy, observable=observable, count=len(rows),
              line=rows[0][0].line, first=rows[0][1])
        for (observable, _), rows in found.items()
    ]  # fmt: skip


def _name_faults(problem: Problem, files: Mapping[str, str]) -> Iterator[Fault]:
    parameters = problem.parameters
    for row in problem.pooling:
        if row.parameter not in parameters:
            yield _unknown(Place(files["pooling"], row.line), "parameter", row.parameter, parameters)
        elif row.scale == "log" and parameters[row.parameter].lower <= 0:
            what, expected = "`{name}` is pooled on the log scale and may be 0 or less", "poolScale none"
            yield fault(Place(files["pooling"], row.line), what, expected=expected, name=row.parameter)
    pools: dict[str, object] = {}
    for row in problem.pooling:
        if pools.setdefault(row.pool, (row.centre, row.spread, row.scale)) != (row.centre, row.spread, row.scale):
            what, expected = "the rows of `{pool}` have different priors", "One prior and one scale per pool"
            yield fault(Place(files["pooling"], row.line), what, expected=expected, pool=row.pool)
    for row in problem.correlations:
        at = Place(files["noise_correlation"], row.line)
        if row.observable not in problem.observables:
            yield _unknown(at, "observable", row.observable, problem.observables)
        if row.experiment and row.experiment not in problem.experiments:
            yield _unknown(at, "experiment", row.experiment, problem.experiments)
        if row.parameter and row.parameter not in parameters:
            yield _unknown(at, "parameter", row.parameter, parameters)
        if (row.structure == "ar1") != bool(row.parameter):
            yield fault(at, "ar1 needs a parameter, iid has none", expected="A parameterId for ar1 only")
    for each in problem.observables.values():
        if isinstance(each.noise, Reference) and not each.noise.subscripts:  # formulas may name the model, too
            unknown = _names(each.noise) - set(each.noise_placeholders) - set(parameters)
            for name in sorted(unknown):
                yield _unknown(Place(files["observables"], each.line), "parameter", name, parameters)
    for change in problem.changes:
        for name in sorted(_names(change.value) - set(parameters)):
            yield _unknown(Place(files["conditions"], change.line), "parameter", name, parameters)


def _unused(problem: Problem, file: str) -> Iterator[Fault]:
    """Break parameters that no B row carries, and estimated noise parameters that nothing names."""
    on_break: dict[str, bool] = defaultdict(bool)
    for row in problem.measurements:
        for name in row.observable_parameters:
            if isinstance(name, str):
                on_break[name] |= row.status == "B"
    noise = {each.parameter for each in problem.correlations}
    noise |= {name for row in problem.measurements for name in row.noise_parameters if isinstance(name, str)}
    for each in problem.observables.values():
        noise |= _names(each.noise) if each.noise is not None else set()
    for each in problem.parameters.values():
        place = Place(file, each.line)
        if each.role == "break" and not on_break[each.id]:
            what, expected = "the break parameter `{name}` has no row with obsStatus B", "At least one such row"
            yield fault(place, what, expected=expected, name=each.id)
        if each.role == "noise" and each.estimate and each.id not in noise:
            what, expected = "the noise parameter `{name}` is used nowhere", "A noise formula or a correlation"
            yield fault(place, what, expected=expected, name=each.id)


def break_warnings(problem: Problem, file: str) -> list[Fault]:
    """One warning for each observable with scored B rows that no break parameter goes with."""
    lines: dict[str, list[int]] = defaultdict(list)
    for row in problem.measurements:
        names = [name for name in row.observable_parameters if isinstance(name, str)]
        has_break = any(name in problem.parameters and problem.parameters[name].role == "break" for name in names)
        if row.status == "B" and row.fold != "exclude" and not has_break:
            lines[row.observable].append(row.line)
    what = "`{observable}` has {count} rows with obsStatus B and no break parameter (first: line {first})"
    remedy = "A change of method that is not modelled can bias every estimate."
    return [
        fault(Place(file, found[0]), what, remedy=remedy, observable=name, count=len(found), first=found[0])
        for name, found in lines.items()
    ]


def _experiment_faults(problem: Problem, file: str) -> Iterator[Fault]:
    conditions = {change.condition for change in problem.changes}
    for each in problem.experiments.values():
        if each.periods[0][0] != problem.start:
            what, expected = "the experiment `{name}` starts in {time:g}", "The start of the problem, {start:g}"
            yield fault(file, what, expected=expected, name=each.id, time=each.periods[0][0], start=problem.start)
        for time, condition in each.periods:
            if condition and condition not in conditions:
                yield _unknown(Place(file), "condition", condition, conditions)
            if time > problem.stop:
                what = "the experiment `{name}` has a row in {time:g}, after the stop {stop:g}"
                yield fault(file, what, name=each.id, time=time, stop=problem.stop)


def _forcing_faults(problem: Problem, file: str) -> Iterator[Fault]:
    series: dict[tuple[str, str], list] = defaultdict(list)
    for point in problem.forcings:
        series[point.forcing, point.experiment].append(point)
        if point.experiment not in problem.experiments:
            yield _unknown(Place(file, point.line), "experiment", point.experiment, problem.experiments)
    for (name, experiment), points in series.items():
        first, last = min(each.time for each in points), max(each.time for each in points)
        if first > problem.start or last < problem.stop:
            what, expected = "`{name}` of {experiment} covers {first:g} to {last:g}", "{start:g} to {stop:g}"
            at = {"name": name, "experiment": experiment, "first": first, "last": last}
            place = Place(file, points[0].line)
            yield fault(place, what, expected=expected, start=problem.start, stop=problem.stop, **at)


def _names(expression: Expression) -> set[str]:
    return {reference.name for reference in references(expression)}


def _unknown(place: Place, label: str, name: str, known: Collection[str] | Iterable[str]) -> Fault:
    known = list(known)
    shown = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
    what, remedy = "there is no {label} `{name}`", near_name(name, known)
    return fault(place, what, expected="One of {known}", remedy=remedy, label=label, name=name, known=shown or "none")
