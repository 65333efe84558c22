"""The fit of any problem: many starts, profiles, what the data can say, draws, and the checks beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from alliance_dynamics.calibration.binding import Binding, scored_points
from alliance_dynamics.calibration.draws import Draws, Predictive, draw, predict
from alliance_dynamics.calibration.information import Information, compensation, information_of
from alliance_dynamics.calibration.objective import Objective
from alliance_dynamics.calibration.problem import CalibratedParameter, Correlation, Problem
from alliance_dynamics.calibration.problem_checks import check_model
from alliance_dynamics.calibration.profile import Profile, Profiles, at_bound, profiles_of
from alliance_dynamics.calibration.residuals import SerialTest, serial_tests
from alliance_dynamics.calibration.search import Start, descend, ordered, polish, starts_of
from alliance_dynamics.calibration.space import Pooling, space_of
from alliance_dynamics.errors import Fault, InputError, Place, RunError, UsageError, fault
from alliance_dynamics.model.model import Model

Floats = NDArray[np.float64]
HITS = (0.1, 1.92)
SAME = 0.05  # of the cube: starts nearer than this have found the same parameters
_REFIT_PHI = 0.95


@dataclass(frozen=True)
class Work:
    """How much an estimation does.  `doublings` of the sampler; `posterior` and `profiles` may be left out."""

    starts: int = 64
    draws: int = 2000
    generations: int = 1000
    doublings: int = 2
    profiles: bool = True
    posterior: bool = True

    @staticmethod
    def of(problem: Problem) -> Work:
        """The usual work; less for a filter, which runs from measurement to measurement: 8 starts and no draws."""
        return Work(starts=8, posterior=False) if problem.likelihood == "state-reset" else Work()

    @staticmethod
    def quick() -> Work:
        return Work(starts=8, draws=500, generations=400, doublings=1)


@dataclass(frozen=True)
class Failure:
    """Why a start gave no value: the first measurement without a usable prediction, and that prediction."""

    start: int
    values: dict[str, float]
    observable: str
    experiment: str
    time: float
    predicted: float


@dataclass(frozen=True)
class Verdict:
    """What the data say about one parameter: its best value, the interval of its profile, and in one word why.

    `verdict`: identified, one-sided, not identified, flat, structurally not identified, or "" without profiles.
    `bound`: lower or upper where the best value lies there.  `partners`: what makes up for it.
    """

    parameter: CalibratedParameter
    value: float
    low: float | None
    high: float | None
    verdict: str
    bound: str
    partners: tuple[str, ...]
    posterior: tuple[float, float, float] | None = None  # 5, 50, 95 %
    overlap: float = np.nan


@dataclass(frozen=True)
class Estimation:
    """Everything that `estimate` found.  `nll` is minus the log likelihood of the best fit, `penalty` the priors' part.

    `beside`: minus the log likelihood of further fits by name (no_pool, complete_pool, half_step, state_reset).
    """

    problem: Problem
    model: Model
    objective: Objective
    starts: tuple[Start, ...]
    best: Start
    nll: float
    penalty: float
    failures: tuple[Failure, ...]
    information: Information
    profiles: Profiles | None
    most_probable: tuple[Start, float, float] | None
    draws: Draws | None
    predictive: Predictive | None
    serial: tuple[SerialTest, ...]
    remembered: Estimation | None
    beside: dict[str, float] = field(default_factory=dict)
    seed: int = 0

    @property
    def values(self) -> dict[str, float]:
        """The best value of every estimated parameter in natural units."""
        found = self.objective.space.natural(self.best.cube[None, :])[0]
        return {each.id: float(value) for each, value in zip(self.problem.estimated, found, strict=True)}

    @property
    def hits(self) -> dict[float, int]:
        """How many starts ended within 0.1 and within 1.92 of the best."""
        return {each: sum(start.objective <= self.best.objective + each for start in self.starts) for each in HITS}

    @property
    def same_parameters(self) -> bool:
        """Whether the starts within 0.1 of the best ended at the same parameters."""
        near = [each.cube for each in self.starts if each.objective <= self.best.objective + HITS[0]]
        return bool(max((np.max(np.abs(each - self.best.cube)) for each in near), default=0.0) < SAME)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        bounds = {name: end for name, end, _ in at_bound(self.objective, self.best.cube)}
        profiles: dict[int, Profile] = {each.axis: each for each in self.profiles.profiles} if self.profiles else {}
        unseen = {name for each in self.information.structural_null_space for name in each}
        names = self.information.names
        found = []
        for j, each in enumerate(self.problem.estimated):
            profile = profiles.get(j)
            pooled = self.objective.space.axes[j].kind == "deviation"
            verdict = profile.verdict if profile and not pooled else ""
            if each.id in unseen and verdict != "identified":
                verdict = "structurally not identified"
            partners = tuple(compensation(names, profile.cubes, j)) if profile and verdict != "identified" else ()
            low, high = (profile.low, profile.high) if profile and not pooled else (None, None)
            posterior, overlap = None, np.nan
            if self.draws is not None:
                q = np.quantile(self.draws.values[:, j], [0.05, 0.5, 0.95])
                posterior, overlap = (float(q[0]), float(q[1]), float(q[2])), float(self.draws.overlap[j])
            found.append(Verdict(each, self.values[each.id], low, high, verdict, bounds.get(each.id, ""), partners,
                                 posterior, overlap))  # fmt: skip
        return tuple(found)


def estimate(
    problem: Problem,
    model: Model,
    *,
    seed: int,
    work: Work | None = None,
    pooling: Pooling = "partial",
    jobs: int = 1,
    progress: Callable[[float], None] = lambda _: None,
) -> Estimation:
    """Fits a problem of any kind; the same seed gives the same numbers.

    The best fit has the highest likelihood together with the priors of breaks and pools; where other priors are stated
    the most probable values are given beside it, and the draws use them all.  Refused at once: names that stand for
    nothing in the model, parameters that nothing uses, a nominal point or starts of which none can be run.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise UsageError(fault("", "the seed is {value}", expected="A whole number, 0 or more", value=seed))
    with threadpool_limits(1, "blas"):
        return _estimate(problem, model, seed, work or Work(), pooling, jobs, progress)


def _estimate(
    problem: Problem, model: Model, seed: int, work: Work, pooling: Pooling, jobs: int,
    progress: Callable[[float], None],
) -> Estimation:  # fmt: skip
    _refuse_empty(problem)
    if faults := [each for each in check_model(problem, model) if not _is_ours(each, problem)]:
        raise InputError(faults)
    space = space_of(problem, pooling)
    binding = Binding(problem, model, jobs=jobs)
    objective = objective_of(binding, space)
    first = starts_of(objective, work.starts, seed) if space.size else np.zeros((1, 0))
    found = descend(objective, first, progress=lambda share: progress(0.3 * share)) if space.size else []
    starts = ordered(found)
    failures = _failures(objective, found)
    if not any(np.isfinite(each.objective) for each in starts):
        raise RunError(_no_start(problem, failures))
    best = polish(objective, starts[0])
    profiles = None
    if work.profiles:
        profiles = profiles_of(objective, best, progress=lambda share: progress(0.3 + 0.2 * share))
        best = profiles.best
    cube = best.cube[None, :]
    everything = objective_of(binding, space, priors="all")
    probable = _most_probable(everything, best, starts) if any(
        space.enters(j, True) and not space.enters(j, False) for j in range(space.size)) else None  # fmt: skip
    draws = predictive = None
    if work.posterior:
        near = ordered(descend(everything, np.stack([each.cube for each in starts[:8]]), most=40))
        draws = draw(everything, near, seed=seed, draws=work.draws, generations=work.generations,
                     doublings=work.doublings, progress=lambda share: progress(0.5 + 0.4 * share))  # fmt: skip
        predictive = predict(everything, draws, seed=seed)
    serial = serial_tests(objective, best.cube)
    result = Estimation(
        problem,
        model,
        objective,
        starts,
        best,
        float(objective.likelihood(cube)[0]),
        float(objective.penalty(cube)[0]),
        failures,
        information_of(objective, best.cube, seed),
        profiles,
        probable,
        draws,
        predictive,
        serial,
        _with_memory(problem, model, serial, seed, work, pooling, jobs),
        seed=seed,
    )
    result.beside.update(_beside(result, seed, work, pooling, jobs))
    progress(1.0)
    return result


def objective_of(binding: Binding, space, **options) -> Objective:
    """The objective that the likelihood of the problem asks for."""
    if binding.problem.likelihood == "state-reset":
        from alliance_dynamics.calibration.filter import ResetObjective

        return ResetObjective(binding, space, **options)
    return Objective(binding, space, **options)


def _most_probable(everything: Objective, best: Start, starts: tuple[Start, ...]) -> tuple[Start, float, float]:
    """The point with the highest posterior density in natural units; its -ln L and -ln prior."""
    first = np.stack([best.cube, *(each.cube for each in starts[:7])])
    found = polish(everything, ordered(descend(everything, first))[0])
    cube = found.cube[None, :]
    return found, float(everything.likelihood(cube)[0]), float(everything.penalty(cube)[0])


def _beside(found: Estimation, seed: int, work: Work, pooling: Pooling, jobs: int) -> dict[str, float]:
    """The same fit with half the step, and without pools and with one value for each pool where there are pools."""
    problem, space = found.problem, found.objective.space
    binding = found.objective.binding
    halved = objective_of(Binding(problem, found.model, dt=binding.grid.dt / 2, jobs=jobs), space)
    beside = {"half_step": float(halved.likelihood(found.best.cube[None, :])[0])} if binding.outputs else {}
    for name, other in (("no_pool", "none"), ("complete_pool", "complete")):
        if problem.pooling and pooling == "partial":
            alone = objective_of(binding, space_of(problem, other))  # type: ignore[arg-type]
            best = ordered(descend(alone, starts_of(alone, min(16, work.starts), seed)))[0]
            beside[name] = float(alone.likelihood(best.cube[None, :])[0])
    return beside


def _with_memory(
    problem: Problem, model: Model, serial: tuple[SerialTest, ...], seed: int, work: Work, pooling: Pooling, jobs: int
) -> Estimation | None:
    """The fit with autocorrelated noise for the observables whose errors are, if the problem does not say so itself."""
    correlated = {(each.observable, each.experiment) for each in problem.correlations}
    wanted = dict.fromkeys(each.observable for each in serial if each.rejected and not correlated)
    if not wanted or problem.likelihood == "state-reset":
        return None
    parameters = dict(problem.parameters)
    for name in wanted:
        card = next(iter(problem.parameters.values()))
        parameters[f"phi_{name}"] = replace(
            card, id=f"phi_{name}", target="", lower=-_REFIT_PHI, upper=_REFIT_PHI, nominal=0.3, estimate=True,
            prior=None, unit="1", meaning="", source="", grade="", role="noise", transform="none",
            label_en=f"phi_{name}", label_ru=f"phi_{name}",
        )  # fmt: skip
    rows = tuple(Correlation(name, "", "ar1", f"phi_{name}", 0) for name in wanted)
    changed = replace(problem, parameters=parameters, correlations=rows)
    less = replace(work, starts=min(16, work.starts), posterior=False)
    return _estimate(changed, model, seed, less, pooling, jobs, lambda _: None)


def _failures(objective: Objective, starts: list[Start]) -> tuple[Failure, ...]:
    """For each start that cannot be run the first measurement that has no usable prediction."""
    rows = [i for i, each in enumerate(starts) if not np.isfinite(each.objective)]
    if not rows:
        return ()
    cubes = np.stack([starts[i].first for i in rows])
    values = objective.space.natural(cubes)
    errors, said = objective.errors(cubes), objective.binding.say(values)
    found = []
    for k, i in enumerate(rows):
        bad = np.flatnonzero(~np.isfinite(errors.numerator[k]) | ~np.isfinite(errors.log_scale[k]))
        first = min(bad, key=lambda n: objective.binding.points[n].time) if len(bad) else 0
        row = objective.binding.points[first]
        named = {each.id: float(v) for each, v in zip(objective.problem.estimated, values[k], strict=True)}
        found.append(Failure(i, named, row.observable, row.experiment, row.time, float(said.predicted[k, first])))
    return tuple(found)


def _no_start(problem: Problem, failures: tuple[Failure, ...]) -> Fault:
    first = failures[0]
    what = "none of {count} starts can be run: at the nominal values `{observable}` is {value} in {time} ({experiment})"
    remedy = "Correct the nominal values and bounds, or take a smaller `dt`."
    at = {"observable": first.observable, "value": f"{first.predicted:g}", "time": f"{first.time:g}"}
    place = Place(str(problem.files.get("parameters", "")))
    return fault(place, what, remedy=remedy, count=len(failures), experiment=first.experiment, **at)


def _refuse_empty(problem: Problem) -> None:
    if not scored_points(problem):
        what = "no measurement is scored: none is of the fold train between {start:g} and {stop:g}"
        raise InputError(fault(str(problem.files["measurements"]), what, start=problem.start, stop=problem.stop))
    if not problem.estimated:
        what, expected = "no parameter is estimated", "At least one row with estimate = true"
        raise InputError(fault(str(problem.files["parameters"]), what, expected=expected))


def _is_ours(found: Fault, problem: Problem) -> bool:
    """Whether the binding says it better: names in formulas and conditions, which may be the problem's own."""
    files = {str(problem.files.get(name, "")) for name in ("observables", "conditions")}
    return found.place.file in files
