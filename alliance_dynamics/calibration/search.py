"""Many searches at once: damped scoring steps within the cube, all rows in one batch of the kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import qmc

from alliance_dynamics.calibration.objective import Local, Objective

Floats = NDArray[np.float64]
_DAMPINGS = np.array([0.03, 1.0, 10.0, 300.0])
_SETTLED = 1e-9


class Searched(Protocol):
    """What is minimised over rows of the cube, and its slopes there."""

    def value(self, cube: Floats) -> Floats: ...

    def local(self, cube: Floats) -> Local: ...


@dataclass(frozen=True)
class Start:
    """Where a search began and ended (points of the cube), the objective there, its steps; infinite where it failed."""

    first: Floats
    cube: Floats
    objective: float
    steps: int
    converged: bool


def starts_of(objective: Objective, count: int, seed: int) -> Floats:
    """[count, P]: the nominal point, then scrambled Sobol' points of the cube (transformed bounds)."""
    size = objective.space.size
    sobol = qmc.Sobol(size, scramble=True, rng=np.random.default_rng(np.random.SeedSequence([seed, 1])))
    power = max(1, (count - 1).bit_length())
    points = sobol.random_base2(power)[: count - 1]
    return np.concatenate([np.clip(objective.space.nominal, 0, 1)[None, :], points])


def descend(
    objective: Searched,
    first: Floats,
    *,
    free: NDArray[np.bool_] | None = None,
    most: int = 150,
    settled: float = _SETTLED,
    progress: Callable[[float], None] = lambda _: None,
) -> list[Start]:
    """Searches from all rows [rows, P] together; `free` [rows, P] says which axes may move.

    Each round takes slopes, tries four dampings of the scoring step cut off at the cube, and keeps the
    best.  A row is done when three rounds together gain less than `settled`, or when no damping helps.
    """
    rows, size = first.shape
    free = np.ones((rows, size), dtype=bool) if free is None else free
    now, value = first.copy(), objective.value(first)
    damping, steps, idle = np.full(rows, 1e-2), np.zeros(rows, dtype=int), np.zeros(rows, dtype=int)
    active = np.isfinite(value)
    for turn in range(most):
        at = np.flatnonzero(active)
        if not len(at):
            break
        local = objective.local(now[at])
        tried = np.stack([_step(now[at], local.gradient, local.curvature, damping[at] * factor, free[at])
                          for factor in _DAMPINGS], axis=1)  # fmt: skip
        found = objective.value(tried.reshape(-1, size)).reshape(len(at), -1)
        best = np.argmin(found, axis=1)
        least = found[np.arange(len(at)), best]
        gain = value[at] - least
        better = gain > 0
        now[at[better]], value[at[better]] = tried[better, best[better]], least[better]
        factor = np.where(better, _DAMPINGS[best], 1e3)
        damping[at] = np.clip(damping[at] * np.where(factor == 1.0, 0.5, factor), 1e-12, 1e12)
        steps[at] += 1
        small = gain < settled * (1 + np.abs(value[at]))
        idle[at] = np.where(small, idle[at] + 1, 0)
        active[at] = (idle[at] < 3) & (damping[at] < 1e11)
        progress((turn + 1) / most)
    return [
        Start(first[i], now[i], float(value[i]), int(steps[i]), bool(np.isfinite(value[i]) and not active[i]))
        for i in range(rows)
    ]


def _step(now: Floats, gradient: Floats, curvature: Floats, damping: Floats, free: NDArray[np.bool_]) -> Floats:
    """Damped scoring steps from rows, inside the cube; axes at a bound that would leave it stay."""
    size = now.shape[1]
    held = ~free | ((now <= 0) & (gradient > 0)) | ((now >= 1) & (gradient < 0))
    diagonal = np.einsum("rpp->rp", curvature)
    largest = np.maximum(diagonal.max(axis=1, keepdims=True), 1e-300)
    matrix = curvature.copy()
    index = np.arange(size)
    matrix[:, index, index] += damping[:, None] * np.maximum(diagonal, 1e-10 * largest) + 1e-14 * largest
    pulled = np.where(held, 0.0, -gradient)
    for _ in range(2):  # the second solve leaves out what the first would push out of the cube
        masked = np.where(held[:, :, None] | held[:, None, :], 0.0, matrix)
        masked[:, index, index] = np.where(held, 1.0, matrix[:, index, index])
        step = np.linalg.solve(masked, pulled[:, :, None])[:, :, 0]
        reached = now + step
        out = ~held & (((now <= 0) & (reached < 0)) | ((now >= 1) & (reached > 1)))
        if not out.any():
            break
        held = held | out
        pulled = np.where(held, 0.0, pulled)
    return np.clip(np.where(free, now + np.clip(step, -0.3, 0.3), now), 0.0, 1.0)


def polish(objective: Searched, start: Start) -> Start:
    """The same start after L-BFGS-B, kept where that is lower."""

    def both(cube: Floats) -> tuple[float, Floats]:
        local = objective.local(cube[None, :])
        return float(local.value[0]) if np.isfinite(local.value[0]) else 1e300, local.gradient[0]

    found = minimize(both, start.cube, jac=True, method="L-BFGS-B", bounds=[(0.0, 1.0)] * len(start.cube),
                     options={"maxiter": 200, "ftol": 1e-15, "gtol": 1e-9})  # fmt: skip
    cube = np.clip(found.x, 0.0, 1.0)
    value = float(objective.value(cube[None, :])[0])
    if not value < start.objective:
        return start
    return Start(start.first, cube, value, start.steps + int(found.nit), start.converged)


def ordered(starts: list[Start]) -> tuple[Start, ...]:
    """Best first; failed ones last, in the order of the starts."""
    return tuple(sorted(starts, key=lambda each: each.objective))
