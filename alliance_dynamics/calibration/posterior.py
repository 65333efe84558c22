"""What the data leave possible: draws of parameters and noise around the best fit, with the gates that qualify them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.calibration.diagnostics import bulk_size, overlap, r_hat, tail_size
from alliance_dynamics.calibration.fit import Fit, Task, jacobian
from alliance_dynamics.calibration.noise import log_likelihood, whiten
from alliance_dynamics.calibration.sampler import sample

Floats = NDArray[np.float64]
R_HAT_GATE = 1.05
SWEEPS = 3  # of the noise, for each generation
SCALES = (0.5, 1.0, 2.0, 4.0)  # of its steps
SIZE_GATE = 400  # effective draws, in the middle and in the tails of every parameter


@dataclass(frozen=True)
class Posterior:
    """`values` [draws, P] with `sigma` and `phi` [draws, groups]; share accepted.

    `r_hat` [P] between ensembles, effective sizes `bulk` and `tail` [P], `overlap` [P] with the prior (1: nothing was
    learned).
    """

    values: Floats
    sigma: Floats
    phi: Floats
    r_hat: Floats
    bulk: Floats
    tail: Floats
    overlap: Floats
    accepted: float
    generations: int
    chains: int

    @property
    def least_size(self) -> float:
        """The least effective size of any parameter; 0 where the draws are too few to tell."""
        return least_size(self.bulk, self.tail)

    @property
    def passed(self) -> bool:
        return passed(self.r_hat, self.bulk, self.tail)


def least_size(bulk: Floats, tail: Floats) -> float:
    sizes = np.minimum(bulk, tail)
    return float(np.min(np.where(np.isfinite(sizes), sizes, 0.0)))


def passed(hats: Floats, bulk: Floats, tail: Floats) -> bool:
    """Whether R-hat and the effective sizes of all parameters pass their gates."""
    return bool(np.all(hats < R_HAT_GATE) and least_size(bulk, tail) > SIZE_GATE)


def sample_posterior(
    task: Task,
    fit: Fit,
    *,
    draws: int,
    generations: int,
    chains: int,
    ensembles: int = 4,
    seed: int,
    doublings: int = 0,
    progress: Callable[[float], None] = lambda _: None,
) -> Posterior:
    """At least four independent ensembles, started from the Gaussian approximation at the best fit, widened.

    While a gate (R-hat, effective sizes) is failed, twice as many generations follow, at most `doublings` times; only
    the last ones are kept.  The noise is sampled as ln sigma and phi under its priors.  The draws are spread evenly
    over the kept generations, chains and ensembles.
    """
    p, g = len(fit.values), task.noise.groups
    size = p + 2 * g
    around, axes = _around(task, fit, ensembles, 10 * size + chains, seed)
    around[:, :, :p] = (around[:, :, :p] - fit.values) @ np.linalg.inv(axes).T
    now, archive = around[:, :chains], around[:, chains:]
    for turn in range(doublings + 1):
        length = generations << turn
        inside = _Noise(task, fit.values, axes)
        result = sample(
            inside.log_density,
            now,
            archive,
            generations=length,
            burn_in=length // 3,
            thin=10,
            seed=seed + 7_919 * turn,
            moving=p,
            refresh=inside.refresh,
            progress=lambda share, turn=turn: progress(
                ((1 << turn) - 1 + share * (1 << turn)) / ((2 << doublings) - 1)
            ),
        )
        natural = result.values.copy()
        natural[..., :p] = inside.values(result.values[..., :p].reshape(-1, p)).reshape(*natural.shape[:3], p)
        joined = natural.reshape(ensembles, -1, size)
        hats = np.array([r_hat(joined[:, :, i]) for i in range(p)])
        # [ensembles, kept, chains, size] as chains of their own
        walks = natural.transpose(0, 2, 1, 3).reshape(-1, natural.shape[1], size)
        bulk = np.array([bulk_size(walks[:, :, i]) for i in range(p)])
        tail = np.array([tail_size(walks[:, :, i]) for i in range(p)])
        if passed(hats, bulk, tail):
            break
        past = result.values.reshape(ensembles, -1, size)
        now, archive = result.values[:, -1], past[:, :: max(1, past.shape[1] // (10 * size + chains))]
    everything = joined.transpose(1, 0, 2).reshape(-1, size)
    picked = everything[np.linspace(0, len(everything) - 1, draws).round().astype(int)]
    return Posterior(
        picked[:, :p],
        np.exp(picked[:, p : p + g]),
        picked[:, p + g :],
        hats,
        bulk,
        tail,
        np.array([overlap(each) for each in task.priors.probability(everything[:, :p]).T]),
        result.accepted,
        length,
        ensembles * chains,
    )


class _Noise:
    """The noise drawn given the residuals of each chain: no run of the model is needed for it.

    `log_density` of the sampler's rows keeps their residuals; `refresh` takes over those of accepted rows and moves
    ln sigma and phi of all groups by themselves, `SWEEPS` times.
    """

    def __init__(self, task: Task, centre: Floats, axes: Floats):
        self.task, self.centre, self.axes = task, centre, axes
        self.tried = self.kept = np.zeros((0, task.points.count))
        groups = task.noise.groups
        self.member = (task.points.chains.group[:, None] == np.arange(groups)).astype(float)

    def values(self, turned: Floats) -> Floats:
        """Parameters [rows, P] of the sampler's coordinates, in which they are nearly independent."""
        return self.centre + turned @ self.axes.T

    def log_density(self, rows: Floats) -> Floats:
        p = len(self.centre)
        density, self.tried = _log_density(self.task, np.concatenate([self.values(rows[:, :p]), rows[:, p:]], axis=1))
        return density

    def refresh(self, rows: Floats, moved: NDArray[np.bool_], stream: np.random.Generator) -> tuple[Floats, Floats]:
        self.kept = self.tried.copy() if moved.all() else np.where(moved[:, None], self.tried, self.kept)
        task, g = self.task, self.task.noise.groups
        p = rows.shape[1] - 2 * g
        log_sigma, phi = rows[:, p : p + g], rows[:, p + g :]
        known = np.all(np.isfinite(self.kept), axis=1)
        density = self._by_group(log_sigma, phi)
        for _ in range(SWEEPS):
            scale = stream.choice(SCALES, size=(len(rows), 1))
            new_sigma = log_sigma + scale * 0.15 * stream.standard_normal((len(rows), g))
            new_phi = phi + scale * 0.05 * stream.standard_normal((len(rows), g)) * (task.noise.most_phi > 0)
            found = self._by_group(new_sigma, new_phi)
            dice = np.log(stream.random((len(rows), g)))
            with np.errstate(invalid="ignore"):
                take = known[:, None] & np.isfinite(found) & (dice < found - density)
            log_sigma, phi = np.where(take, new_sigma, log_sigma), np.where(take, new_phi, phi)
            density = np.where(take, found, density)
        whole = density.sum(axis=1) - 0.5 * task.points.count * np.log(2 * np.pi)
        whole = np.where(known, whole + task.priors.log_density(self.values(rows[:, :p])), -np.inf)
        return np.concatenate([rows[:, :p], log_sigma, phi], axis=1), whole

    def _by_group(self, log_sigma: Floats, phi: Floats) -> Floats:
        """The log density [rows, groups] of residuals and noise; minus infinity outside the bounds of the noise."""
        prior = self.task.noise.log_densities(log_sigma, phi)
        usable = np.isfinite(prior)
        sigma = np.exp(np.where(usable, log_sigma, 0.0))
        errors, scales = whiten(self.kept, sigma, np.where(usable, phi, 0.0), self.task.points.chains)
        fitted = -(0.5 * errors**2 + scales) @ self.member
        return np.where(usable, prior + fitted, -np.inf)


def log_density(task: Task, rows: Floats) -> Floats:
    """The log posterior density [rows] of (values, ln sigma, phi); minus infinity where a run fails."""
    return _log_density(task, rows)[0]


def _log_density(task: Task, rows: Floats) -> tuple[Floats, Floats]:
    """Log densities [rows], and the residuals [rows, N] that they rest on, NaN where the priors have no density."""
    p, g = len(task.priors.names), task.noise.groups
    values, log_sigma, phi = rows[:, :p], rows[:, p : p + g], rows[:, p + g :]
    density = task.priors.log_density(values) + task.noise.log_density(log_sigma, phi)
    residuals = np.full((len(rows), task.points.count), np.nan)
    usable = np.flatnonzero(np.isfinite(density))
    if len(usable):
        residuals[usable] = task.residuals(values[usable])
        likelihood = log_likelihood(residuals[usable], np.exp(log_sigma[usable]), phi[usable], task.points.chains)
        density[usable] += np.where(np.isfinite(likelihood), likelihood, -np.inf)
    return density, residuals


def information(task: Task, fit: Fit) -> Floats:
    """J' J of the whitened data residuals [P, P] at the best fit: what the data alone say, without the priors."""
    white, _ = whiten(jacobian(task, fit.values).T, fit.sigma, fit.phi, task.points.chains)
    white = np.where(np.isfinite(white), white, 0.0)
    return white @ white.T


def _around(task: Task, fit: Fit, ensembles: int, count: int, seed: int) -> tuple[Floats, Floats]:
    """[ensembles, count, parameters]: over-dispersed points of the Gaussian approximation, clipped into the bounds.

    Beside them the root [P, P] of its covariance.
    """
    p, g = len(fit.values), task.noise.groups
    width = task.priors.upper - task.priors.lower
    precision = information(task, fit) + task.priors.precision
    spread: Floats = np.linalg.cholesky(np.linalg.inv(precision)).astype(np.float64)
    stream = np.random.default_rng(np.random.SeedSequence([seed, 2]))
    starts = np.empty((ensembles, count, p + 2 * g))
    for e in range(ensembles):
        moved = fit.values + 1.2 * stream.standard_normal((count, p)) @ spread.T
        margin = 1e-4 * width
        starts[e, :, :p] = np.clip(moved, task.priors.lower + margin, task.priors.upper - margin)
        starts[e, :, p : p + g] = np.log(fit.sigma) + 0.15 * stream.standard_normal((count, g))
        starts[e, :, p + g :] = np.clip(fit.phi + 0.05 * stream.standard_normal((count, g)), 0.0, task.noise.most_phi)
    return starts, spread
