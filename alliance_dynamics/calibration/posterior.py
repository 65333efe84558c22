"""What the data leave possible: draws of parameters and noise around the best fit, with the gates that qualify them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.calibration.fit import Fit, Task, jacobian
from alliance_dynamics.calibration.noise import log_likelihood, whiten
from alliance_dynamics.calibration.sampler import r_hat, sample

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Posterior:
    """`values` [draws, P] with `sigma` and `phi` [draws, groups]; `r_hat` [P] between ensembles; share accepted."""

    values: Floats
    sigma: Floats
    phi: Floats
    r_hat: Floats
    accepted: float
    generations: int
    chains: int


def sample_posterior(
    task: Task,
    fit: Fit,
    *,
    draws: int,
    generations: int,
    chains: int,
    ensembles: int = 4,
    seed: int,
    progress: Callable[[float], None] = lambda _: None,
) -> Posterior:
    """At least four independent ensembles, started from the Gaussian approximation at the best fit, widened.

    The noise is sampled as ln sigma and phi under its priors.  The draws are spread evenly over the kept generations,
    chains and ensembles.
    """
    size = len(fit.values) + 2 * task.noise.groups
    around = _around(task, fit, ensembles, 10 * size + chains, seed)
    result = sample(
        lambda rows: log_density(task, rows),
        around[:, :chains],
        around[:, chains:],
        generations=generations,
        burn_in=generations // 3,
        thin=10,
        seed=seed,
        progress=progress,
    )
    joined = result.values.reshape(ensembles, -1, size)
    p, g = len(fit.values), task.noise.groups
    diagnostics = np.array([r_hat(joined[:, :, i]) for i in range(p)])
    everything = joined.transpose(1, 0, 2).reshape(-1, size)
    picked = everything[np.linspace(0, len(everything) - 1, draws).round().astype(int)]
    return Posterior(
        picked[:, :p],
        np.exp(picked[:, p : p + g]),
        picked[:, p + g :],
        diagnostics,
        result.accepted,
        generations,
        ensembles * chains,
    )


def log_density(task: Task, rows: Floats) -> Floats:
    """The log posterior density [rows] of (values, ln sigma, phi); minus infinity where a run fails."""
    p, g = len(task.priors.names), task.noise.groups
    values, log_sigma, phi = rows[:, :p], rows[:, p : p + g], rows[:, p + g :]
    prior = task.priors.log_density(values)
    density = prior + task.noise.log_density(log_sigma, phi)
    usable = np.flatnonzero(np.isfinite(density))
    if len(usable):
        residuals = task.residuals(values[usable])
        likelihood = log_likelihood(residuals, np.exp(log_sigma[usable]), phi[usable], task.points.chains)
        density[usable] += np.where(np.isfinite(likelihood), likelihood, -np.inf)
    return density


def information(task: Task, fit: Fit) -> Floats:
    """J' J of the whitened data residuals [P, P] at the best fit: what the data alone say, without the priors."""
    white, _ = whiten(jacobian(task, fit.values).T, fit.sigma, fit.phi, task.points.chains)
    white = np.where(np.isfinite(white), white, 0.0)
    return white @ white.T


def _around(task: Task, fit: Fit, ensembles: int, count: int, seed: int) -> Floats:
    """[ensembles, count, parameters]: over-dispersed points of the Gaussian approximation, clipped into the bounds."""
    p, g = len(fit.values), task.noise.groups
    width = task.priors.upper - task.priors.lower
    precision = information(task, fit) + task.priors.precision
    spread = np.linalg.cholesky(np.linalg.inv(precision))
    stream = np.random.default_rng(np.random.SeedSequence([seed, 2]))
    starts = np.empty((ensembles, count, p + 2 * g))
    for e in range(ensembles):
        moved = fit.values + 1.2 * stream.standard_normal((count, p)) @ spread.T
        margin = 1e-4 * width
        starts[e, :, :p] = np.clip(moved, task.priors.lower + margin, task.priors.upper - margin)
        starts[e, :, p : p + g] = np.log(fit.sigma) + 0.15 * stream.standard_normal((count, g))
        starts[e, :, p + g :] = np.clip(fit.phi + 0.05 * stream.standard_normal((count, g)), 0.0, task.noise.most_phi)
    return starts
