"""What the measurements can say at all: the information matrix, its rank, and what moves together unseen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from alliance_dynamics.calibration.objective import Objective

Floats = NDArray[np.float64]
THRESHOLD = 1e-6  # of an eigenvalue, per decade of a parameter on the log scale
LOADING = 0.3
TOGETHER = 0.9
_RANDOM_POINTS = 20


@dataclass(frozen=True)
class Information:
    """At the best point: `spectrum` [P] (falling), `rank`, directions that change nothing, correlations above 0.9.

    `structural_rank`: the largest rank at 20 random points.  `unseen[parameter]`: its partners with their loadings.
    """

    names: tuple[str, ...]
    spectrum: Floats
    rank: int
    structural_rank: int
    null_space: tuple[dict[str, float], ...]
    structural_null_space: tuple[dict[str, float], ...]
    correlated: tuple[tuple[str, str, float], ...]


def information_of(objective: Objective, cube: Floats, seed: int) -> Information:
    """J' W J per decade of parameters on the log scale and per unit of the transformed scale of the others."""
    space = objective.space
    names = tuple(each.id for each in space.axes)
    units = np.array([each.width / (np.log(10) if each.transform == "log" else 1.0) for each in space.axes])
    plain = type(objective)(objective.binding, space, priors="none", data=objective.data)
    matrix = plain.local(cube[None, :]).curvature[0] / np.outer(units, units)
    sobol = qmc.Sobol(space.size, scramble=True, rng=np.random.default_rng(np.random.SeedSequence([seed, 6])))
    random = plain.local(sobol.random_base2(5)[:_RANDOM_POINTS])
    usable = [each / np.outer(units, units) for each in random.curvature[np.isfinite(random.value)]]
    return read_matrices(names, matrix, usable)


def read_matrices(names: tuple[str, ...], matrix: Floats, random: Sequence[Floats]) -> Information:
    """What an information matrix [P, P] at the best point and those at random points say."""
    spectrum, vectors = np.linalg.eigh(matrix)
    weak = spectrum < THRESHOLD
    together = sum((each / max(np.trace(each), 1e-300) for each in random), np.zeros_like(matrix))
    common, shared = np.linalg.eigh(together)
    never = common < 1e-12 * max(float(common[-1]), 1e-300) if len(random) else np.zeros(len(common), dtype=bool)
    return Information(
        names,
        spectrum[::-1],
        int(np.sum(~weak)),
        int(np.sum(~never)),
        tuple(_direction(names, vectors[:, k]) for k in np.flatnonzero(weak)),
        tuple(_direction(names, shared[:, k]) for k in np.flatnonzero(never)),
        _correlated(names, matrix),
    )


def _direction(names: tuple[str, ...], vector: Floats) -> dict[str, float]:
    """The parameters with loadings above 0.3, the largest positive."""
    sign = np.sign(vector[np.argmax(np.abs(vector))])
    return {name: float(sign * v) for name, v in zip(names, vector, strict=True) if abs(v) > LOADING}


def _correlated(names: tuple[str, ...], matrix: Floats) -> tuple[tuple[str, str, float], ...]:
    """Pairs of estimates whose errors go together, strongest first."""
    covariance = np.linalg.pinv(matrix, rcond=1e-13, hermitian=True)
    deviation = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
    correlation = covariance / np.outer(deviation, deviation)
    found = [
        (names[i], names[j], float(np.clip(correlation[i, j], -1, 1)))
        for i in range(len(names))
        for j in range(i)
        if abs(correlation[i, j]) > TOGETHER
    ]
    return tuple(sorted(found, key=lambda each: -abs(each[2])))


def compensation(names: tuple[str, ...], cubes: Floats, axis: int) -> list[str]:
    """Along a profile the axes that moved at least half as far as the largest mover: what makes up for it."""
    if len(cubes) < 2:
        return []
    moved = np.ptp(cubes, axis=0)
    moved[axis] = 0.0
    largest = float(moved.max())
    if largest < 0.02:
        return []
    order = np.argsort(-moved, kind="stable")
    return [names[j] for j in order if moved[j] >= 0.5 * largest][:3]
