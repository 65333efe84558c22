"""Profiles: how well the rest of a model can make up for moving one parameter, and the interval that follows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.calibration.objective import Objective, free_size, small_sample_cut
from alliance_dynamics.calibration.search import Start, descend, polish

Floats = NDArray[np.float64]
AIM = 0.2  # rise of the objective that a step along a profile aims at
_LONGEST, _SHORTEST, _MOST = 0.04, 1e-5, 120
_BETTER = 1e-4  # a gain that makes the optimum a new one
FLAT = 0.01
AT_BOUND = 1e-4  # of the transformed range


@dataclass(frozen=True)
class Profile:
    """Of one axis: `share` and `rise` [n] along the cube, natural `values`; the interval, None where it is open.

    `verdict`: identified, one-sided, not identified, flat.
    """

    axis: int
    share: Floats
    values: Floats
    rise: Floats
    cubes: Floats
    low: float | None
    high: float | None
    verdict: str


@dataclass(frozen=True)
class Profiles:
    """Profiles of the axes, the cut, and the best point, which a profile may have bettered (`restarts` times)."""

    profiles: tuple[Profile, ...]
    cut: float
    best: Start
    restarts: int


def profiles_of(
    objective: Objective, best: Start, *, kind: str = "", most_restarts: int = 3,
    progress: Callable[[float], None] = lambda _: None,
) -> Profiles:  # fmt: skip
    """Profiles of all axes in both directions, all walks together; from a better point, if one turns up, anew."""
    cut = small_sample_cut(len(objective.data), free_size(objective.problem), kind or objective.problem.cut)
    for restarts in range(most_restarts + 1):
        walks, better = _walk(objective, best, cut, progress)
        if better is None or restarts == most_restarts:
            break
        best = polish(objective, descend(objective, better[None, :])[0])
    found = tuple(_profile(objective, best, j, walks[2 * j], walks[2 * j + 1], cut)
                  for j in range(objective.space.size))  # fmt: skip
    return Profiles(found, cut, best, restarts)


@dataclass
class _Walk:
    axis: int
    sign: float
    step: float
    cubes: list[Floats]
    rise: list[float]
    done: bool = False


def _walk(
    objective: Objective, best: Start, cut: float, progress: Callable[[float], None]
) -> tuple[list[_Walk], Floats | None]:
    size = objective.space.size
    curvature = objective.local(best.cube[None, :]).curvature[0]
    spread = np.sqrt(np.diag(np.linalg.pinv(curvature + 1e-12 * np.eye(size), hermitian=True)))
    first = np.clip(np.sqrt(2 * AIM) * spread, 1e-4, _LONGEST)
    walks = [_Walk(j, sign, float(first[j]), [best.cube], [0.0]) for j in range(size) for sign in (-1.0, 1.0)]
    for turn in range(_MOST):
        active = [each for each in walks if not each.done]
        if not active:
            break
        tried, free = [], np.ones((len(active), size), dtype=bool)
        for i, each in enumerate(active):
            tried.append(_next(each))
            free[i, each.axis] = False
        ended = descend(objective, np.stack(tried), free=free, most=25, settled=1e-7)
        for each, end in zip(active, ended, strict=True):
            rise = end.objective - best.objective
            if rise < -_BETTER:
                return walks, end.cube
            _take(each, end.cube, rise, cut)
        progress(min(1.0, (turn + 1) / 40))
    return walks, None


def _next(walk: _Walk) -> Floats:
    """The next point of a walk: the fixed axis one step on, the others as they went between the last two points."""
    now = walk.cubes[-1]
    to = float(np.clip(now[walk.axis] + walk.sign * walk.step, 0.0, 1.0))
    point = now.copy()
    if len(walk.cubes) > 1:
        before = walk.cubes[-2]
        gone = now[walk.axis] - before[walk.axis]
        if gone != 0:
            point = now + np.clip((now - before) * (to - now[walk.axis]) / gone, -0.1, 0.1)
    point[walk.axis] = to
    return np.clip(point, 0.0, 1.0)


def _take(walk: _Walk, cube: Floats, rise: float, cut: float) -> None:
    """Keeps a point, or halves the step where it went too far; ends beyond the cut and at the bound."""
    gained = rise - walk.rise[-1]
    far = not np.isfinite(rise) or gained > max(4 * AIM, 0.35 * cut)
    if far and walk.step > _SHORTEST:
        walk.step *= 0.4 if np.isfinite(rise) else 0.25
        return
    if not np.isfinite(rise):
        walk.done = True  # no run is possible further on
        return
    walk.cubes.append(cube)
    walk.rise.append(max(rise, 0.0))
    walk.step = float(np.clip(walk.step * np.clip(AIM / max(gained, AIM / 3), 0.5, 2.0), _SHORTEST, _LONGEST))
    walk.done = rise > 1.05 * cut or cube[walk.axis] in (0.0, 1.0)


def _profile(objective: Objective, best: Start, axis: int, down: _Walk, up: _Walk, cut: float) -> Profile:
    cubes = np.stack([*down.cubes[:0:-1], *up.cubes])
    rise = np.array([*down.rise[:0:-1], *up.rise])
    coordinate = objective.space.axes[axis]
    ends = [crossing([each[axis] for each in walk.cubes], walk.rise, cut) for walk in (down, up)]
    low, high = (None if end is None else float(coordinate.natural(end)) for end in ends)
    return Profile(axis, cubes[:, axis], coordinate.natural(cubes[:, axis]), rise, cubes, low, high,
                   verdict_of(low, high, rise))  # fmt: skip


def verdict_of(low: float | None, high: float | None, rise: Floats) -> str:
    """The word for a profile with these ends, None where it is open."""
    if low is not None and high is not None:
        return "identified"
    if low is not None or high is not None:
        return "one-sided"
    return "flat" if rise.max() < FLAT else "not identified"


def crossing(shares: Sequence[float], rises: Sequence[float], cut: float) -> float | None:
    """Where a walk passes the cut, by the square roots of the rise on both sides; None where it does not."""
    rise = np.array(rises)
    beyond = np.flatnonzero(rise > cut)
    if not len(beyond):
        return None
    i = int(beyond[0])
    before, after = np.sqrt(rise[i - 1]), np.sqrt(rise[i])
    part = (np.sqrt(cut) - before) / (after - before)
    return float(shares[i - 1] + part * (shares[i] - shares[i - 1]))


def at_bound(objective: Objective, cube: Floats) -> list[tuple[str, str, float]]:
    """Axes whose best value lies at a bound: name, lower or upper, the bound."""
    found = []
    for j, axis in enumerate(objective.space.axes):
        if axis.kind not in ("spread", "deviation", "pool"):
            if cube[j] <= AT_BOUND:
                found.append((axis.id, "lower", axis.lower))
            elif cube[j] >= 1 - AT_BOUND:
                found.append((axis.id, "upper", axis.upper))
    return found
