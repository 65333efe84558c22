"""Draws from the posterior of a problem: independent ensembles, gates that must pass, prediction of new values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.calibration.diagnostics import bulk_size, overlap, r_hat, tail_size
from alliance_dynamics.calibration.objective import Objective
from alliance_dynamics.calibration.sampler import sample
from alliance_dynamics.calibration.search import Start

Floats = NDArray[np.float64]
R_HAT_GATE, ESS_GATE = 1.01, 400.0
_NEAR = 10.0  # an ensemble may begin at an optimum at most this much above the best


@dataclass(frozen=True)
class Draws:
    """`cubes` [draws, P] and `values` [draws, estimated] in natural units, with the diagnostics of every axis.

    `overlap`: the share of the prior that the posterior still covers (1: nothing learned).  `history`: worst R-hat and
    least ESS after each doubling.
    """

    cubes: Floats
    values: Floats
    r_hat: Floats
    bulk: Floats
    tail: Floats
    overlap: Floats
    accepted: float
    generations: int
    history: tuple[tuple[int, float, float], ...]

    @property
    def passed(self) -> bool:
        """Every R-hat below 1.01, every bulk and tail sample size above 400."""
        worst = np.nanmax(self.r_hat) if np.isfinite(self.r_hat).any() else np.inf
        return bool(worst < R_HAT_GATE and min(self.bulk.min(), self.tail.min()) > ESS_GATE)


@dataclass(frozen=True)
class Predictive:
    """Quantiles [5, N] (5, 25, 50, 75, 95 %) of a new measurement at each scored point; shares of points inside."""

    quantiles: Floats
    inside_50: float
    inside_90: float


def draw(
    objective: Objective,
    starts: Sequence[Start],
    *,
    seed: int,
    draws: int = 2000,
    generations: int = 1000,
    ensembles: int = 4,
    doublings: int = 2,
    progress: Callable[[float], None] = lambda _: None,
) -> Draws:
    """Ensembles of differential-evolution chains in the cube, doubled until the gates pass or `doublings` are used up.

    `objective` must count all stated priors.  A profiled sigma is integrated out with p(sigma) ~ 1 / sigma, which
    leaves the concentrated likelihood.
    """
    size = objective.space.size
    chains = max(16, 3 * size)
    now, archive = _around(objective, starts, ensembles, chains, seed)
    history: list[tuple[int, float, float]] = []
    for turn in range(doublings + 1):
        length = generations * 2**turn
        burn = length // 3 if turn == 0 else 0
        thin = max(1, length // 500)
        found = sample(lambda rows: log_density(objective, rows), now, archive, generations=length, burn_in=burn,
                       thin=thin, seed=seed + 7919 * turn,
                       progress=lambda share, turn=turn: progress((turn + share) / (turn + 1)))  # fmt: skip
        joined = found.values.reshape(ensembles, -1, size)
        walks = found.values.transpose(0, 2, 1, 3).reshape(ensembles * chains, -1, size)
        hats = np.array([r_hat(joined[:, :, j]) for j in range(size)])
        bulk = np.array([bulk_size(walks[:, :, j]) for j in range(size)])
        tail = np.array([tail_size(walks[:, :, j]) for j in range(size)])
        history.append((length, float(np.nanmax(hats)), float(min(bulk.min(), tail.min()))))
        if history[-1][1] < R_HAT_GATE and history[-1][2] > ESS_GATE:
            break
        now = found.values[:, -1]
        archive = joined[:, :: max(1, joined.shape[1] // (10 * size + chains))]
    everything = joined.transpose(1, 0, 2).reshape(-1, size)
    picked = everything[np.linspace(0, len(everything) - 1, draws).round().astype(int)]
    covered = np.array([overlap(axis.prior.probability(axis.natural(everything[:, j])))
                        for j, axis in enumerate(objective.space.axes)])  # fmt: skip
    natural = objective.space.natural(picked)
    return Draws(picked, natural, hats, bulk, tail, covered, found.accepted, length, tuple(history))


def log_density(objective: Objective, cubes: Floats) -> Floats:
    """The log posterior density over the cube [rows]; minus infinity outside and where a run fails."""
    density = np.full(len(cubes), -np.inf)
    inside = np.flatnonzero(np.all((cubes >= 0) & (cubes <= 1), axis=1))
    if len(inside):
        rows = cubes[inside]
        found = -objective.value(rows)
        for j, axis in enumerate(objective.space.axes):
            found = found + axis.log_slope(rows[:, j])
        density[inside] = np.where(np.isfinite(found), found, -np.inf)
    return density


def predict(objective: Objective, draws: Draws, *, seed: int) -> Predictive:
    """New measurements at the scored points: parameters by draw, noise by chance."""
    said = objective.binding.say(draws.values)
    errors = objective.errors_of(said.predicted, said.spread, draws.values)
    stream = np.random.default_rng(np.random.SeedSequence([seed, 8]))
    scale = said.spread.copy()
    for index in objective.groups:  # sigma given the data: a sum of squares by chi-square of n
        own = np.exp(errors.log_scale[:, index[:1]])
        scale[:, index] = own * np.sqrt(len(index) / stream.chisquare(len(index), (len(own), 1)))
    seen = np.where(objective.logarithmic, np.log(np.where(said.predicted > 0, said.predicted, np.nan)), said.predicted)
    noise = np.empty_like(seen)
    for family, index in objective.by_family:
        noise[:, index] = family.tail(stream.uniform(1e-12, 1 - 1e-12, (len(seen), len(index))))
    new = seen + scale * noise
    new = np.where(objective.logarithmic, np.exp(np.where(objective.logarithmic, new, 0.0)), new)
    q = np.nanquantile(new, [0.05, 0.25, 0.5, 0.75, 0.95], axis=0)
    data = objective.data
    inside = [float(np.mean((data >= q[a]) & (data <= q[b]))) for a, b in ((1, 3), (0, 4))]
    return Predictive(q, inside[0], inside[1])


def _around(objective: Objective, starts: Sequence[Start], ensembles: int, chains: int, seed: int):
    """Starts [E, C, P] and archives of ensembles around different optima, wider than the answer."""
    near = [each.cube for each in starts if each.objective <= starts[0].objective + _NEAR]
    stream = np.random.default_rng(np.random.SeedSequence([seed, 2]))
    size = objective.space.size
    count = 10 * size + chains
    points = np.empty((ensembles, count, size))
    for e in range(ensembles):
        centre = near[(e * len(near)) // ensembles]
        curvature = objective.local(centre[None, :]).curvature[0] + 12.0 * np.eye(size)
        spread = np.linalg.cholesky(np.linalg.inv(curvature))
        moved = centre + 1.2 * stream.standard_normal((count, size)) @ spread.T
        points[e] = np.clip(moved, 1e-4, 1 - 1e-4)
    return points[:, :chains], points[:, chains:]
