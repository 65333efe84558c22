"""What the data of a fit say about each of its parameters: profiles without its own prior, and the information matrix.

Everything else keeps its prior, and the noise stays as it was estimated; the cut allows for that by its F quantile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from alliance_dynamics.calibration.fit import Fit, Task, jacobian
from alliance_dynamics.calibration.information import Information, compensation, read_matrices
from alliance_dynamics.calibration.likelihood import Priors
from alliance_dynamics.calibration.noise import whiten
from alliance_dynamics.calibration.profile import crossing, verdict_of

Floats = NDArray[np.float64]
RANDOM_POINTS = 20
LEVEL = 0.95
_AIM = 0.5  # rise of the objective that a step along a profile aims at
_LONGEST, _SHORTEST, _MOST = 0.2, 1e-3, 40
_ROUNDS = 6  # of the search for the best point without a parameter's own prior
_CORRECTIONS = 1  # of a point along a profile, beside the first step that is predicted
_DAMPING = 1e-3  # of the curvature, where the model has kinks and a full step would overshoot


@dataclass(frozen=True)
class TaskProfile:
    """Of one parameter: `values` and `rise` [n] of the objective, interval (None where open), verdict, what makes up.

    `verdict`: identified, one-sided, not identified, flat, structurally not identified.  `best` is the value without
    the parameter's own prior.
    """

    name: str
    values: Floats
    rise: Floats
    best: float
    low: float | None
    high: float | None
    verdict: str
    partners: tuple[str, ...]


@dataclass(frozen=True)
class Identification:
    """A profile for every parameter, the cut, and the information matrix of the data at the best fit."""

    profiles: tuple[TaskProfile, ...]
    cut: float
    information: Information

    def of(self, name: str) -> TaskProfile:
        return next(each for each in self.profiles if each.name == name)


def identify(
    task: Task,
    fit: Fit,
    *,
    logarithmic: NDArray[np.bool_],
    seed: int,
    progress: Callable[[float], None] = lambda _: None,
) -> Identification:
    """Profiles of all parameters in both directions, all walks together; `logarithmic` [P] as their files say.

    The cut is the F quantile for the points and parameters of the fit: (F / 2) n / (n - p).
    """
    n, p = task.points.count, len(fit.values)
    cut = 0.5 * float(stats.f.ppf(LEVEL, 1, max(1, n - p))) * n / max(1, n - p)
    information = _information(task, fit, logarithmic, seed)
    walker = _Walker(task, fit)
    starts = walker.settle(np.tile(walker.share(fit.values), (p, 1)), np.arange(p))
    progress(0.1)
    sides = [
        walker.walk(starts, sign, cut, lambda share, k=k: progress(0.1 + 0.45 * (k + share)))
        for k, sign in enumerate((-1.0, 1.0))
    ]
    unseen = {name for direction in information.structural_null_space for name in direction}
    found = []
    for j, name in enumerate(task.priors.names):
        down, up = (side[j] for side in sides)
        points = np.array([*down.points[:0:-1], *up.points])
        rise = np.array([*down.rise[:0:-1], *up.rise])
        ends = [crossing([point[j] for point in each.points], each.rise, cut) for each in (down, up)]
        low, high = (None if end is None else float(walker.natural(j, end)) for end in ends)
        verdict = verdict_of(low, high, rise)
        if name in unseen and verdict in ("flat", "not identified"):
            verdict = "structurally not identified"
        found.append(
            TaskProfile(name, walker.natural(j, points[:, j]), rise, float(walker.natural(j, up.points[0][j])), low,
                        high, verdict, tuple(compensation(task.priors.names, points, j)))
        )  # fmt: skip
    progress(1.0)
    return Identification(tuple(found), cut, information)


@dataclass
class _Walk:
    """Points [P] as shares of the way between the bounds, and how far the objective has risen at each."""

    points: list[Floats]
    rise: list[float]
    step: float
    done: bool = False


class _Walker:
    """Gauss-Newton steps of many fits at once, each with a parameter that has no prior of its own."""

    def __init__(self, task: Task, fit: Fit):
        self.task, self.fit = task, fit
        self.lower, self.width = task.priors.lower, task.priors.upper - task.priors.lower
        self.roots = np.stack([_without(task, j).root for j in range(len(fit.values))])

    def share(self, values: Floats) -> Floats:
        return (values - self.lower) / self.width

    def natural(self, axis: int, share: float | Floats) -> Floats:
        return self.lower[axis] + self.width[axis] * np.asarray(share)

    def errors(self, points: Floats) -> Floats:
        """Whitened data residuals [W, N] at points [W, P]."""
        raw = self.task.residuals(self.lower + self.width * points)
        white, _ = whiten(raw, self.fit.sigma, self.fit.phi, self.task.points.chains)
        return white

    def priors(self, points: Floats, axes: NDArray[np.int64]) -> Floats:
        gone = self.lower + self.width * points - self.task.priors.mean
        return np.einsum("wij,wj->wi", self.roots[axes], gone)

    def cost(self, points: Floats, axes: NDArray[np.int64]) -> Floats:
        """The objective [W] less what does not change; infinite where a run fails."""
        total = 0.5 * np.sum(self.errors(points) ** 2, axis=1) + 0.5 * np.sum(self.priors(points, axes) ** 2, axis=1)
        return np.where(np.isfinite(total), total, np.inf)

    def slopes(self, points: Floats) -> Floats:
        """d(whitened data residuals)/d(points) [W, N, P]."""
        count, size = points.shape
        _, slopes = self.task.slopes(self.lower + self.width * points)
        slope = (slopes * self.width).transpose(0, 2, 1)
        white, _ = whiten(slope.reshape(count * size, -1), self.fit.sigma, self.fit.phi, self.task.points.chains)
        white = np.where(np.isfinite(white), white, 0.0)
        return white.reshape(count, size, -1).transpose(0, 2, 1)

    def normal(self, points: Floats, axes: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Gradient [W, P] and curvature [W, P, P] of the objective in shares."""
        slope, errors = self.slopes(points), self.errors(points)
        errors = np.where(np.isfinite(errors), errors, 0.0)
        roots = self.roots[axes] * self.width
        gradient = np.einsum("wnp,wn->wp", slope, errors) + np.einsum("wip,wi->wp", roots, self.priors(points, axes))
        return gradient, slope.transpose(0, 2, 1) @ slope + roots.transpose(0, 2, 1) @ roots

    def settle(self, points: Floats, axes: NDArray[np.int64]) -> Floats:
        """The best points [W, P] near `points`, all parameters free."""
        free = np.ones(points.shape, dtype=bool)
        cost = self.cost(points, axes)
        for _ in range(_ROUNDS):
            points, cost = self.improve(points, cost, axes, free, *self.normal(points, axes))
        return points

    def improve(
        self, points: Floats, cost: Floats, axes: NDArray[np.int64], free: NDArray[np.bool_], gradient: Floats,
        curvature: Floats,
    ) -> tuple[Floats, Floats]:  # fmt: skip
        """One step each, shortened where it would not lower the cost."""
        steps = np.stack([_box_step(*each) for each in zip(gradient, curvature, points, free, strict=True)])
        better, lowest = points.copy(), cost.copy()
        open_ = np.ones(len(points), dtype=bool)
        for part in (1.0, 0.3, 0.05):
            which = np.flatnonzero(open_)
            if not len(which):
                break
            tried = np.clip(points[which] + part * steps[which], 0.0, 1.0)
            found = self.cost(tried, axes[which])
            good = found < lowest[which]
            better[which[good]], lowest[which[good]] = tried[good], found[good]
            open_[which[good]] = False
        return better, lowest

    def walk(self, starts: Floats, sign: float, cut: float, progress: Callable[[float], None]) -> list[_Walk]:
        """From the best point of each parameter to the cut or the bound, the others following."""
        size = len(starts)
        first = self.cost(starts, np.arange(size))
        gradients, curvatures = self.normal(starts, np.arange(size))
        walks = []
        for j in range(size):
            spread = np.sqrt(max(np.linalg.pinv(curvatures[j], hermitian=True)[j, j], 1e-12))
            step = float(np.clip(np.sqrt(2 * _AIM) * spread, _SHORTEST, _LONGEST))
            edge = starts[j, j] <= 0.0 if sign < 0 else starts[j, j] >= 1.0
            walks.append(_Walk([starts[j]], [0.0], step, bool(edge)))
        for turn in range(_MOST):
            active = np.array([j for j in range(size) if not walks[j].done], dtype=np.int64)
            if not len(active):
                break
            now = np.stack([walks[j].points[-1] for j in active])
            gradient, curvature = self.normal(now, active) if turn else (gradients[active], curvatures[active])
            free = np.ones(now.shape, dtype=bool)
            free[np.arange(len(active)), active] = False
            moved = now.copy()
            for i, j in enumerate(active):
                moved[i, j] = np.clip(now[i, j] + sign * walks[j].step, 0.0, 1.0)
            tilted = gradient + np.einsum("wpq,wq->wp", curvature, moved - now)
            points, cost = self.improve(moved, self.cost(moved, active), active, free, tilted, curvature)
            for _ in range(_CORRECTIONS):
                points, cost = self.improve(points, cost, active, free, *self.normal(points, active))
            for i, j in enumerate(active):
                _take(walks[j], points[i], float(cost[i] - first[j]), j, cut)
            progress(min(1.0, (turn + 1) / 15))
        return walks


def _take(walk: _Walk, point: Floats, rise: float, axis: int, cut: float) -> None:
    """Keeps a point, or halves the step where it went too far; ends beyond the cut and at the bound."""
    gained = rise - walk.rise[-1]
    if (not np.isfinite(rise) or gained > max(4 * _AIM, 0.8 * cut)) and walk.step > _SHORTEST:
        walk.step *= 0.4
        return
    if not np.isfinite(rise):
        walk.done = True  # no run is possible further on
        return
    walk.points.append(point)
    walk.rise.append(max(rise, 0.0))
    walk.step = float(np.clip(walk.step * np.clip(_AIM / max(gained, _AIM / 3), 0.5, 2.0), _SHORTEST, _LONGEST))
    walk.done = rise > 1.02 * cut or point[axis] in (0.0, 1.0)


def _box_step(gradient: Floats, curvature: Floats, point: Floats, free: NDArray[np.bool_]) -> Floats:
    """The step that minimises the quadratic form within the unit cube; what would leave it stops at its face."""
    step, free = np.zeros(len(point)), free.copy()
    curvature = curvature + np.diag(
        _DAMPING * np.diag(curvature) + 1e-9 * max(float(np.max(np.diag(curvature))), 1e-300)
    )
    for _ in range(len(point)):
        if not free.any():
            break
        held = ~free
        pull = gradient[free] + curvature[np.ix_(free, held)] @ step[held]
        step[free] = -np.linalg.solve(curvature[np.ix_(free, free)], pull)
        inside = np.clip(point + step, 0.0, 1.0) - point
        out = free & (np.abs(inside - step) > 1e-12)
        step = np.where(free, inside, step)
        if not out.any():
            break
        free &= ~out
    return step


def _without(task: Task, axis: int) -> Priors:
    """The priors with none on one parameter; the rest of its pool stays together."""
    deviation = task.priors.deviation.copy()
    deviation[axis] = np.inf
    pools = tuple(
        replace(pool, members=tuple(each for each in pool.members if each != axis)) for pool in task.priors.pools
    )
    return replace(task.priors, deviation=deviation, pools=pools)


def _information(task: Task, fit: Fit, logarithmic: NDArray[np.bool_], seed: int) -> Information:
    """J' J of the whitened residuals per decade of logarithmic parameters and per range of the others."""
    lower, upper = task.priors.lower, task.priors.upper

    def matrix(values: Floats) -> Floats:
        white, _ = whiten(jacobian(task, values).T, fit.sigma, fit.phi, task.points.chains)
        unit = np.where(logarithmic, values * np.log(10), upper - lower)
        white = np.where(np.isfinite(white), white, 0.0) * unit[:, None]
        return white @ white.T

    stream = np.random.default_rng(np.random.SeedSequence([seed, 6]))
    random = [matrix(task.priors.draw(stream)) for _ in range(RANDOM_POINTS)]
    return read_matrices(task.priors.names, matrix(fit.values), random)
