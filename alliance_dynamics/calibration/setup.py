"""From a problem's tables and a model to what the fit works on: a forward map, points, priors, noise."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.calibration.fit import Task
from alliance_dynamics.calibration.formula import evaluate_formula, references
from alliance_dynamics.calibration.forward import AtPoints, ModelForward, Observed
from alliance_dynamics.calibration.likelihood import Points, Priors, Shared
from alliance_dynamics.calibration.noise import Chains, NoisePriors
from alliance_dynamics.calibration.problem import CalibratedParameter, Measurement, Observable, Problem
from alliance_dynamics.calibration.space import Pooling
from alliance_dynamics.errors import Fault, InputError, Place, UnsupportedError, fault, suggestion
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.model.expression import Reference
from alliance_dynamics.model.model import Model
from alliance_dynamics.model.names import canonical, flat
from alliance_dynamics.settings import targets_of
from alliance_dynamics.simulate import program_of

Floats = NDArray[np.float64]
ALMOST = 1e-4  # share of the prior variance that is left to members in complete pooling


@dataclass(frozen=True)
class Series:
    """One observable in one experiment: all its measured years, and where its breaks act.

    `observed` [years] is NaN where nothing was published; `used` [years] says whether the figure may enter a fit;
    `breaks` [years, B] is the shift of each break parameter, carried forward after the last measured year.
    """

    observable: Observable
    experiment: str
    observed: Floats
    used: NDArray[np.bool_]
    breaks: Floats


@dataclass(frozen=True)
class Setup:
    """A calibration problem bound to a model; `task(until)` is the fit to the years up to one."""

    model: Model
    program: Program
    problem: Problem
    structural: tuple[CalibratedParameter, ...]
    breaks: tuple[CalibratedParameter, ...]
    noise: NoisePriors
    series: tuple[Series, ...]
    years: NDArray[np.int64]
    forward: ModelForward
    priors: Priors

    @property
    def parameters(self) -> tuple[CalibratedParameter, ...]:
        return (*self.structural, *self.breaks)

    @property
    def nominal(self) -> Floats:
        return np.array([each.nominal for each in self.parameters])

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the noise groups, one per series: errors of one observable differ in size between regions."""
        return tuple(f"{each.observable.id}_{each.experiment.lower()}" for each in self.series)

    @property
    def group_of_series(self) -> NDArray[np.int64]:
        return np.arange(len(self.series), dtype=np.int64)

    def log_observed(self, until: int) -> Floats:
        """[series, years] of ln y that may enter a fit up to a year; NaN elsewhere."""
        rows = []
        for each in self.series:
            kept = each.used & (self.years <= until) & (each.observed > 0)
            rows.append(np.where(kept, np.log(np.where(kept, each.observed, 1.0)), np.nan))
        return np.stack(rows)

    def break_shift(self, values: Floats) -> Floats:
        """[rows, series, years] shifts of ln s by break values [rows, B]."""
        return np.stack([values @ each.breaks.T for each in self.series], axis=1)

    def uncertain_columns(self) -> tuple[NDArray[np.int64], Floats, Floats]:
        """Program columns of the constants that are uncertain after the data, element by element, and their ranges."""
        found: list[tuple[int, float, float]] = []
        faults: list[Fault] = []
        for name, (low, high) in self.problem.forecast.uncertain.items():
            place = Place(str(self.problem.folder / "problem.toml"))
            found += [(int(c), low, high) for c in _columns(self.model, self.program, name, place, faults)]
        if faults:
            raise InputError(faults)
        columns = np.array([each[0] for each in found], dtype=np.int64)
        return columns, np.array([each[1] for each in found]), np.array([each[2] for each in found])

    def task(self, until: int) -> Task:
        """Everything that a fit to the years up to `until` needs."""
        logs = self.log_observed(until)
        series, column = np.nonzero(np.isfinite(logs))
        breaks = np.stack([self.series[s].breaks[c] for s, c in zip(series, column, strict=True)])
        years = self.years[column]
        chains = Chains.of(series, years.astype(float), self.group_of_series[series])
        points = Points(series, years, logs[series, column], breaks, chains)
        return Task(AtPoints(self.forward, series, column), points, self.priors, self.noise)


def set_up(
    model: Model,
    problem: Problem,
    *,
    last_year: int,
    changes: dict[str, float] | None = None,
    pooling: Pooling = "partial",
    jobs: int = 1,
) -> Setup:
    """Binds a problem to a model, for predictions up to `last_year`.

    `pooling`: members of a pool share part of their variance (partial), none of it, or nearly all (complete).
    `changes` sets constants that are not calibrated.  InputError, all faults at once: a target or formula that names
    nothing in the model, a target that is no constant, an observable with noise that is not log-normal.
    """
    program = program_of(model)
    faults: list[Fault] = []
    file = str(problem.files.get("parameters", "parameters.tsv"))
    estimated = [each for each in problem.parameters.values() if each.estimate]
    structural = tuple(each for each in estimated if each.role in ("structural", "initial"))
    breaks = tuple(each for each in estimated if each.role == "break")
    base = np.array(program.defaults)
    for name, value in (changes or {}).items():
        columns = _columns(model, program, name, Place(), faults)
        base[columns] = value
    targets = [_columns(model, program, each.target or each.id, Place(file, each.line), faults) for each in structural]
    years = np.arange(int(problem.start), last_year + 1)
    series = _series(problem, breaks, years)
    observed = [_observed(model, program, problem, each, faults) for each in series]
    for each in (*structural, *breaks):
        if each.prior is not None and each.prior.distribution not in ("normal", "uniform"):
            faults.append(
                fault(
                    Place(file, each.line),
                    "the prior `{kind}` of {name} is not used by the fit yet",
                    expected="normal or uniform",
                    kind=each.prior.distribution,
                    name=each.id,
                )
            )
    priors = _priors(problem, (*structural, *breaks), pooling, faults)
    if faults:
        raise InputError(faults)
    forward = ModelForward(
        program,
        observed,
        targets,
        base,
        first_year=int(problem.start),
        last_year=last_year,
        dt=problem.dt or 0.125,
        method=model.time.method,
        jobs=jobs,
    )
    noise = _noise(problem, [each.observable for each in series])
    return Setup(model, program, problem, structural, breaks, noise, series, years, forward, priors)


def _series(problem: Problem, breaks: Sequence[CalibratedParameter], years: NDArray[np.int64]) -> tuple[Series, ...]:
    place = {each.id: j for j, each in enumerate(breaks)}
    found: list[Series] = []
    for observable in problem.observables.values():
        if observable.use != "calibrated":
            continue
        if observable.distribution != "log-normal":
            raise UnsupportedError(
                fault(
                    Place(str(problem.files.get("observables", "")), observable.line),
                    "`{name}` has the noise `{noise}`",
                    expected="log-normal; other distributions are not fitted yet",
                    name=observable.id,
                    noise=observable.distribution,
                )
            )
        for experiment in problem.experiments:
            rows = [m for m in problem.measurements if (m.observable, m.experiment) == (observable.id, experiment)]
            if not rows:
                continue
            observed, used = np.full(len(years), np.nan), np.zeros(len(years), dtype=bool)
            effects = np.zeros((len(years), len(breaks)))
            for row in sorted(rows, key=lambda m: m.year):
                column = int(row.year) - int(years[0])
                if 0 <= column < len(years):
                    observed[column] = np.nan if row.value is None else row.value
                    used[column] = row.value is not None and row.fold in ("train", "holdout")
                    effects[column:] = _effects(observable, row, place)
            found.append(Series(observable, experiment, observed, used, effects))
    return tuple(found)


def _effects(observable: Observable, row: Measurement, place: dict[str, int]) -> Floats:
    """d ln(formula) / d(break parameter) for each break parameter, at break values 0."""
    effects = np.zeros(len(place))
    for name, given in zip(observable.placeholders, row.observable_parameters, strict=True):
        if isinstance(given, str) and given in place:
            effects[place[given]] += _shift(observable, name)
    return effects


def _shift(observable: Observable, placeholder: str) -> float:
    """How far ln(formula) moves when a placeholder goes from 0 to 1, all else at 1."""

    def at(value: float) -> Callable[[Reference], float]:
        return lambda each: (
            (value if each.name == placeholder else 0.0) if each.name in observable.placeholders else 1.0
        )

    return math.log(evaluate_formula(observable.formula, at(1.0)) / evaluate_formula(observable.formula, at(0.0)))


def _observed(model: Model, program: Program, problem: Problem, series: Series, faults: list[Fault]) -> Observed:
    elements = problem.experiments[series.experiment].elements
    names: dict[Reference, str] = {}
    for reference in references(series.observable.formula):
        if reference.name in series.observable.placeholders:
            continue
        name = flat(reference.name, tuple(elements.get(each, each) for each in reference.subscripts))
        if name not in program.outputs:
            faults.append(
                fault(
                    Place(str(problem.files.get("observables", "")), series.observable.line),
                    "`{name}` is not a variable of the model {model}",
                    remedy=suggestion(name, program.outputs),
                    name=name,
                    model=model.name,
                )
            )
        names[reference] = name
    return Observed(series.observable.formula, names, series.observable.kind == "flow")


def _columns(model: Model, program: Program, target: str, place: Place, faults: list[Fault]) -> NDArray[np.int64]:
    found = targets_of(model, program, canonical(target) if "[" not in target else target)
    if isinstance(found, Fault):
        faults.append(replace(found, place=place))
        return np.zeros(0, dtype=np.int64)
    return np.array(found, dtype=np.int64)


def _priors(
    problem: Problem, parameters: Sequence[CalibratedParameter], pooling: Pooling, faults: list[Fault]
) -> Priors:
    mean, deviation = [], []
    for each in parameters:
        normal = each.prior is not None and each.prior.distribution == "normal"
        mean.append(each.prior.parameters[0] if normal and each.prior else each.nominal)
        deviation.append(each.prior.parameters[1] if normal and each.prior else math.inf)
    pools = [] if pooling == "none" else _pools(problem, parameters, deviation, faults)
    if pooling == "complete":
        pools = [replace(each, variance=(1 - ALMOST) * deviation[each.members[0]] ** 2) for each in pools]
    return Priors(
        tuple(each.id for each in parameters),
        np.array([each.lower for each in parameters]),
        np.array([each.upper for each in parameters]),
        np.array(mean),
        np.array(deviation),
        tuple(pools),
    )


def _pools(
    problem: Problem, parameters: Sequence[CalibratedParameter], deviation: Sequence[float], faults: list[Fault]
) -> list[Shared]:
    """What members of a pool have in common: the variance of its centre.

    The variance between them is taken at its prior mean (for a half-normal spread the square of its scale), so that
    the prior of each member alone is the one that parameters.tsv states; a table that says otherwise is refused.
    """
    place = {each.id: j for j, each in enumerate(parameters)}
    members: dict[str, list[int]] = {}
    common: dict[str, float] = {}
    for row in problem.pooling:
        if row.parameter not in place:
            continue
        j, where = place[row.parameter], Place(str(problem.files.get("pooling", "pooling.tsv")), row.line)
        centre, between = row.centre.parameters[-1], row.spread.parameters[-1]
        if row.scale != "none" or row.centre.distribution != "normal":
            faults.append(fault(where, "the pool `{pool}` is not used by this fit", pool=row.pool,
                                expected="poolScale none and a normal poolPrior"))  # fmt: skip
        elif not math.isclose(math.hypot(centre, between), deviation[j], rel_tol=1e-3):
            faults.append(fault(where, "the prior of `{name}` has the deviation {found}", name=row.parameter,
                                found=f"{deviation[j]:g}",
                                expected="{whole}, that of its pool and its spread together",
                                whole=f"{math.hypot(centre, between):g}"))  # fmt: skip
        else:
            members.setdefault(row.pool, []).append(j)
            common[row.pool] = centre**2
    return [Shared(tuple(each), common[name]) for name, each in members.items() if len(each) > 1]


def _noise(problem: Problem, observables: Sequence[Observable]) -> NoisePriors:
    """Priors of sigma and phi per observable, from the parameters that its noise and correlation name."""
    flat_priors = NoisePriors.flat(len(observables), most_phi=0.0)
    rows = {name: np.array(getattr(flat_priors, name)) for name in NoisePriors.__dataclass_fields__}
    for g, observable in enumerate(observables):
        for reference in references(observable.noise) if observable.noise is not None else ():
            sigma = problem.parameters.get(reference.name)
            if sigma is None:
                continue
            rows["least_sigma"][g], rows["most_sigma"][g] = sigma.lower, sigma.upper
            if sigma.prior is not None and sigma.prior.distribution == "log-normal":
                rows["log_mean"][g], rows["log_deviation"][g] = sigma.prior.parameters
        for correlation in problem.correlations:
            if correlation.observable == observable.id and correlation.structure == "ar1":
                phi = problem.parameters[correlation.parameter]
                rows["most_phi"][g] = phi.upper
                if phi.prior is not None and phi.prior.distribution == "normal":
                    rows["phi_mean"][g], rows["phi_deviation"][g] = phi.prior.parameters
    return NoisePriors(**rows)
