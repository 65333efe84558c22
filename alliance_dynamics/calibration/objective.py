"""What is minimised: minus the log likelihood of all scored measurements, with the priors of breaks and pools."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.calibration.binding import Binding
from alliance_dynamics.calibration.binding_slopes import BindingSlopes
from alliance_dynamics.calibration.densities import Noise
from alliance_dynamics.calibration.problem import Problem
from alliance_dynamics.calibration.space import Space

Floats = NDArray[np.float64]
_STEP = 1e-5  # of the cube, for central differences
LEAST_SIGMA = 0.001  # of a profiled sigma on the log scale; declared, and reported where it acts


@dataclass(frozen=True)
class Errors:
    """`numerator` and `log_scale` [rows, N]: a standard residual is numerator / exp(log_scale)."""

    numerator: Floats
    log_scale: Floats

    @property
    def standard(self) -> Floats:
        return self.numerator * np.exp(-self.log_scale)


@dataclass(frozen=True)
class Local:
    """The objective around rows of the cube: values [rows], gradient [rows, P], curvature [rows, P, P] (positive)."""

    value: Floats
    gradient: Floats
    curvature: Floats


class Objective:
    """Minus the log density of the measurements themselves (so that it compares with published values), and penalties.

    `priors`: "fit" counts those of breaks and pools, "all" every stated prior (the most probable values), "none" none.
    `data` replaces the measured values, for simulated ones.
    """

    def __init__(self, binding: Binding, space: Space, *, priors: str = "fit", data: Floats | None = None):
        self.binding, self.space, self.priors = binding, space, priors
        self.problem: Problem = binding.problem
        rows = binding.points
        self.data = np.array([row.value for row in rows], dtype=float) if data is None else data
        observables = [self.problem.observables[row.observable] for row in rows]
        self.logarithmic = np.array([each.is_logarithmic for each in observables], dtype=bool)
        self.families = [Noise.of(each.distribution, each.degrees_of_freedom) for each in observables]
        self.groups = _groups(binding)
        self.before, self.gap, self.memory = _chains(binding)
        with np.errstate(divide="ignore", invalid="ignore"):
            self.log_data = np.where(self.logarithmic, np.log(np.maximum(self.data, 0.0)), self.data)

    # ---------------------------------------------------------------- values

    def value(self, cube: Floats) -> Floats:
        """The objective [rows]; infinite where a run fails or a prediction is not above 0 under log noise."""
        return self.likelihood(cube) + self.penalty(cube)

    def likelihood(self, cube: Floats) -> Floats:
        """Minus the log likelihood [rows]."""
        return self._cost(self.errors(cube))

    def penalty(self, cube: Floats) -> Floats:
        if self.priors == "none":
            return np.zeros(len(cube))
        return self.space.prior_cost(cube, all_stated=self.priors == "all")

    def errors(self, cube: Floats) -> Errors:
        """Numerators and log scales [rows, N] of the standard residuals."""
        values = self.space.natural(cube)
        said = self.binding.say(values)
        return self.errors_of(said.predicted, said.spread, values)

    def errors_of(self, predicted: Floats, spread: Floats, values: Floats) -> Errors:
        with np.errstate(divide="ignore", invalid="ignore"):
            seen = np.where(self.logarithmic, np.log(np.where(predicted > 0, predicted, np.nan)), predicted)
            residual = self.log_data - seen
            shrink = np.ones_like(residual)
            if self.memory:
                residual, shrink = self._decorrelate(residual, spread, values)
            scale = spread.copy()
            for index in self.groups:
                scale[:, index] = self._profiled(residual[:, index] / shrink[:, index], index)[:, None]
            return Errors(residual, np.log(scale * shrink))

    def _decorrelate(self, residual: Floats, spread: Floats, values: Floats) -> tuple[Floats, Floats]:
        """Residuals less what the one before says, and the factor of their scale, where noise is autocorrelated."""
        place = {each.id: j for j, each in enumerate(self.space.parameters)}
        numerator, shrink = residual.copy(), np.ones_like(residual)
        for i, name in self.memory.items():
            fixed = self.problem.parameters[name]
            phi = values[:, place[name]] if name in place else np.full(len(values), fixed.nominal)
            before = self.before[i]
            if before < 0:
                continue
            kept = np.sign(phi) ** round(self.gap[i]) * np.abs(phi) ** self.gap[i]
            ratio = spread[:, i] / spread[:, before]
            numerator[:, i] = residual[:, i] - kept * np.where(np.isnan(ratio), 1.0, ratio) * residual[:, before]
            shrink[:, i] = np.sqrt(1 - kept**2)
        return numerator, shrink

    def _profiled(self, residual: Floats, index: NDArray[np.int64]) -> Floats:
        """The scale [rows] with the highest likelihood for residuals [rows, n] of one observable."""
        return np.maximum(self.families[index[0]].best_scale(residual), self.least(index))

    def least(self, index: NDArray[np.int64]) -> float:
        if self.logarithmic[index[0]]:
            return LEAST_SIGMA
        return 1e-9 * max(1e-300, float(np.max(np.abs(self.data[index]))))

    def _cost(self, errors: Errors) -> Floats:
        with np.errstate(all="ignore"):
            each = self.points_cost(errors)
            total = np.sum(each, axis=1)
        return np.where(np.isfinite(total), total, np.inf)

    def points_cost(self, errors: Errors) -> Floats:
        """Minus the log density of every measurement [rows, N]."""
        standard = errors.standard
        cost = errors.log_scale + np.where(self.logarithmic, self.log_data, 0.0)
        for family, index in self.by_family:
            cost[:, index] += family.cost(standard[:, index])
        return cost

    @cached_property
    def by_family(self) -> list[tuple[Noise, NDArray[np.int64]]]:
        groups: dict[tuple[str, float], list[int]] = {}
        for i, row in enumerate(self.binding.points):
            each = self.problem.observables[row.observable]
            groups.setdefault((each.distribution.removeprefix("log-"), each.degrees_of_freedom), []).append(i)
        return [(self.families[index[0]], np.array(index)) for index in groups.values()]

    # ---------------------------------------------------------------- slopes

    def local(self, cube: Floats) -> Local:
        """Value, gradient and expected curvature, for rows of the cube."""
        here, slope, growth = self.errors_and_slopes(cube)
        slope, growth = (np.where(np.isfinite(each), each, 0.0) for each in (slope, growth))
        value = self._cost(here)
        gradient, curvature = self._assemble(here, slope, growth)
        self._add_priors(cube, value, gradient, curvature)
        return Local(value, gradient, curvature)

    def errors_and_slopes(self, cube: Floats) -> tuple[Errors, Floats, Floats]:
        """Errors, and the derivatives [rows, P, N] of numerators and log scales by the axes of the cube."""
        values = self.space.natural(cube)
        told = self._slopes.say(values)
        inner = self.space.slopes(cube)  # [rows, estimated, P]
        seen, spread = told.predicted, told.spread
        with np.errstate(all="ignore"):
            by = np.where(self.logarithmic, 1 / np.where(seen > 0, seen, np.nan), 1.0)
            residual = self.log_data - np.where(self.logarithmic, -np.log(by), seen)
            moved = -by[:, None, :] * (told.predicted_slopes @ inner).transpose(0, 2, 1)
            widened = (told.spread_slopes @ inner).transpose(0, 2, 1) / spread[:, None, :]
        shrink, shrunk = np.ones_like(residual), np.zeros_like(moved)
        if self.memory:
            residual, moved, shrink, shrunk = self._decorrelated_slopes(residual, moved, spread, widened, values, inner)
        with np.errstate(all="ignore"):
            scale, growth = spread.copy(), widened.copy()
            for index in self.groups:
                own, change = residual[:, index] / shrink[:, index], moved[:, :, index]
                change = (change - residual[:, None, index] * shrunk[:, :, index]) / shrink[:, None, index]
                scale[:, index] = self._profiled(own, index)[:, None]
                growth[:, :, index] = self._profiled_slopes(own, change, index)[:, :, None]
            return Errors(residual, np.log(scale * shrink)), moved, growth + shrunk

    def _decorrelated_slopes(self, residual: Floats, moved: Floats, spread: Floats, widened: Floats, values: Floats,
                             inner: Floats) -> tuple[Floats, Floats, Floats, Floats]:  # fmt: skip
        """As `_decorrelate`, with the derivatives of the residuals and of the log factors [rows, P, N]."""
        numerator, shrink = self._decorrelate(residual, spread, values)
        slope, shrunk = moved.copy(), np.zeros_like(moved)
        place = {each.id: j for j, each in enumerate(self.space.parameters)}
        for i, name in self.memory.items():
            before = self.before[i]
            if before < 0:
                continue
            if name in place:
                phi, change = values[:, place[name]], inner[:, place[name]]
            else:
                phi, change = np.full(len(values), self.problem.parameters[name].nominal), 0.0
            gap = self.gap[i]
            sign = np.sign(phi) ** round(gap)
            kept = sign * np.abs(phi) ** gap
            change = change * (gap * sign * np.sign(phi) * np.abs(phi) ** (gap - 1.0))[:, None]
            ratio = spread[:, i] / spread[:, before]
            profiled = np.isnan(ratio)
            ratio = np.where(profiled, 1.0, ratio)[:, None]
            stretched = np.where(profiled[:, None], 0.0, ratio * (widened[:, :, i] - widened[:, :, before]))
            past = residual[:, before, None]
            slope[:, :, i] -= (change * ratio + kept[:, None] * stretched) * past
            slope[:, :, i] -= kept[:, None] * ratio * moved[:, :, before]
            shrunk[:, :, i] = -change * (kept / (1 - kept**2))[:, None]
        return numerator, slope, shrink, shrunk

    def _profiled_slopes(self, residual: Floats, slope: Floats, index: NDArray[np.int64]) -> Floats:
        """d(ln of the profiled scale) [rows, P] for residuals [rows, n] and their slopes [rows, P, n]."""
        scale = self._profiled(residual, index)
        pull = self.families[index[0]].pull(residual / scale[:, None])
        top = np.einsum("rpn,rn->rp", slope, pull)
        bottom = np.sum(pull * residual, axis=1, keepdims=True)
        free = scale > self.least(index)
        return np.where(free[:, None], top / bottom, 0.0)

    @cached_property
    def _slopes(self) -> BindingSlopes:
        return BindingSlopes(self.binding)

    @property
    def by_differences(self) -> dict[str, str]:
        """Parameters (and stocks) that the kernel has no derivatives by, and why; known after the first slopes."""
        return self._slopes.refused

    def _assemble(self, here: Errors, slope: Floats, growth: Floats) -> tuple[Floats, Floats]:
        standard = np.where(np.isfinite(here.standard), here.standard, 0.0)
        inverse = np.where(np.isfinite(here.log_scale), np.exp(-here.log_scale), 0.0)
        score, weight, scales = np.empty_like(standard), np.empty_like(standard), np.empty(standard.shape[1])
        for family, index in self.by_family:
            score[:, index], weight[:, index] = family.score(standard[:, index]), family.weight(standard[:, index])
            scales[index] = family.scale_information
        for index in self.groups:
            scales[index] = 0.0
        gradient = np.einsum("rpn,rn->rp", slope, score * inverse)
        gradient += np.einsum("rpn,rn->rp", growth, 1 - score * standard)
        scaled = slope * (np.sqrt(weight) * inverse)[:, None, :]
        spread = growth * np.sqrt(scales)
        curvature = scaled @ scaled.transpose(0, 2, 1) + spread @ spread.transpose(0, 2, 1)
        return gradient, curvature

    def _add_priors(self, cube: Floats, value: Floats, gradient: Floats, curvature: Floats) -> None:
        step = 1e-4
        for j, axis in enumerate(self.space.axes):
            if self.priors == "none" or not self.space.enters(j, self.priors == "all"):
                continue
            middle = np.clip(cube[:, j], step, 1 - step)
            with np.errstate(all="ignore"):
                below, here, above = (
                    axis.prior.score(axis.natural(at)) * np.exp(axis.log_slope(at))
                    for at in (middle - step, cube[:, j], middle + step)
                )
                second = (above - below) / (2 * step)
            value += axis.prior.cost(axis.natural(cube[:, j]))
            gradient[:, j] += np.where(np.isfinite(here), here, 0.0)
            curvature[:, j, j] += np.maximum(np.where(np.isfinite(second), second, 0.0), 0.0)


def slopes_by_differences(objective: Objective, cube: Floats) -> tuple[Errors, Floats, Floats]:
    """As `Objective.errors_and_slopes`, by central differences."""
    rows, size = cube.shape
    up, down = np.minimum(cube + _STEP, 1.0), np.maximum(cube - _STEP, 0.0)
    many = np.repeat(cube[:, None, :], 2 * size + 1, axis=1)
    for j in range(size):
        many[:, 1 + j, j], many[:, 1 + size + j, j] = up[:, j], down[:, j]
    errors = objective.errors(many.reshape(-1, size))
    found = [each.reshape(rows, 2 * size + 1, -1) for each in (errors.numerator, errors.log_scale)]
    apart = (up - down)[:, :, None]
    with np.errstate(all="ignore"):
        slope, growth = ((each[:, 1 : size + 1] - each[:, size + 1 :]) / apart for each in found)
    return Errors(found[0][:, 0], found[1][:, 0]), slope, growth


def _groups(binding: Binding) -> list[NDArray[np.int64]]:
    """The points of each observable whose sigma is profiled out."""
    found: dict[str, list[int]] = {}
    for i, row in enumerate(binding.points):
        if binding.problem.observables[row.observable].noise is None:
            found.setdefault(row.observable, []).append(i)
    return [np.array(index) for index in found.values()]


def _chains(binding: Binding) -> tuple[NDArray[np.int64], Floats, dict[int, str]]:
    """For each point the one before it in its series, the gap in time, and its parameter of autocorrelation."""
    count = len(binding.points)
    before, gap = np.full(count, -1, dtype=np.int64), np.zeros(count)
    memory: dict[int, str] = {}
    for block in binding.blocks:
        found = binding.problem.correlation(block.observable.id, block.experiment.id)
        if found is None or found.structure != "ar1":
            continue
        order = block.index[np.argsort(block.times, kind="stable")]
        times = np.sort(block.times, kind="stable")
        before[order[1:]], gap[order[1:]] = order[:-1], np.diff(times)
        memory |= dict.fromkeys(order.tolist(), found.parameter)
    return before, gap, memory


def free_size(problem: Problem) -> int:
    """Structural, initial and break parameters that are estimated: what the small-sample cut counts."""
    return sum(each.role != "noise" for each in problem.estimated)


def small_sample_cut(points: int, size: int, kind: str, level: float = 0.95) -> float:
    """How far a profile may rise above its least value: chi-square, or F for few points per parameter."""
    from scipy import stats

    if kind == "chi2" or points <= size:
        return 0.5 * float(stats.chi2.ppf(level, 1))
    free = points - size
    return 0.5 * points * math.log1p(float(stats.f.ppf(level, 1, free)) / free)
