"""The noise of observations: log-normal, with first-order autocorrelation over the years of a series.

A log residual follows r(t) given r(t - g) ~ N(phi^g r(t - g), sigma^2 (1 - phi^(2 g))), where g is the gap in years to
the observation before it; the first of a series ~ N(0, sigma^2).  phi = 0 is independent noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Chains:
    """Which point follows which: for each point its group of noise parameters, the point before it, and the gap.

    `group` [points] indexes sigma and phi; `before` [points] is the index of the point before in the same series, or
    -1; `gap` [points] is in years, 0 where there is none before.
    """

    group: NDArray[np.int64]
    before: NDArray[np.int64]
    gap: Floats

    @staticmethod
    def of(series: NDArray[np.int64], years: Floats, group: NDArray[np.int64]) -> Chains:
        """From the series and year of each point (any order; one point per series and year)."""
        before = np.full(len(series), -1, dtype=np.int64)
        gap = np.zeros(len(series))
        last: dict[int, int] = {}
        for index in np.lexsort((years, series)):
            key = int(series[index])
            if key in last:
                before[index] = last[key]
                gap[index] = years[index] - years[last[key]]
            last[key] = int(index)
        return Chains(group, before, gap)


def whiten(residuals: Floats, sigma: Floats, phi: Floats, chains: Chains) -> tuple[Floats, Floats]:
    """Independent standard residuals and their log scales, both [..., points].

    `residuals` [..., points]; `sigma` and `phi` [..., groups].  The log likelihood is
    `-sum(e^2 / 2 + scale) - points / 2 * ln(2 pi)`.
    """
    s, f = sigma[..., chains.group], phi[..., chains.group]
    follows = chains.before >= 0
    memory = np.where(follows, f ** np.where(follows, chains.gap, 1.0), 0.0)
    spread = s * np.sqrt(1.0 - memory**2)
    past = np.where(follows, residuals[..., np.maximum(chains.before, 0)], 0.0)
    return (residuals - memory * past) / spread, np.log(spread)


def log_likelihood(residuals: Floats, sigma: Floats, phi: Floats, chains: Chains) -> Floats:
    """The log density of log residuals, [...]; add `-sum(ln y)` for that of the observations themselves."""
    errors, scales = whiten(residuals, sigma, phi, chains)
    return -np.sum(0.5 * errors**2 + scales, axis=-1) - 0.5 * residuals.shape[-1] * math.log(2 * math.pi)


@dataclass(frozen=True)
class NoisePriors:
    """For each of G noise groups: ln sigma ~ N(log_mean, log_deviation), phi ~ N(mean, deviation), within bounds.

    A deviation of inf is flat.  `most_phi` = 0 makes the noise of a group independent.
    """

    log_mean: Floats
    log_deviation: Floats
    least_sigma: Floats
    most_sigma: Floats
    phi_mean: Floats
    phi_deviation: Floats
    most_phi: Floats

    @staticmethod
    def flat(groups: int, most_phi: float = 0.98) -> NoisePriors:
        zero, infinite = np.zeros(groups), np.full(groups, np.inf)
        return NoisePriors(zero, infinite, zero + 0.001, zero + 2.0, zero, infinite, np.full(groups, most_phi))

    @property
    def groups(self) -> int:
        return len(self.log_mean)

    def log_density(self, log_sigma: Floats, phi: Floats) -> Floats:
        """[...] of ln sigma and phi [..., G]; minus infinity outside the bounds."""
        return np.sum(self.log_densities(log_sigma, phi), axis=-1)

    def log_densities(self, log_sigma: Floats, phi: Floats) -> Floats:
        """The same of each group alone, [..., G]."""
        inside = (log_sigma >= np.log(self.least_sigma)) & (log_sigma <= np.log(self.most_sigma))
        inside &= (phi >= 0) & (phi <= self.most_phi)
        z = (log_sigma - self.log_mean) / self.log_deviation
        w = (phi - self.phi_mean) / self.phi_deviation
        return np.where(inside, -0.5 * (z**2 + w**2), -np.inf)


def fit_noise(residuals: Floats, chains: Chains, priors: NoisePriors) -> tuple[Floats, Floats]:
    """The most probable sigma and phi [groups] for log residuals [points]: Newton in ln sigma on a grid of phi."""
    sigma, phi = np.empty(priors.groups), np.empty(priors.groups)
    for group in range(priors.groups):
        inside = np.flatnonzero(chains.group == group)
        place = {int(index): i for i, index in enumerate(inside)}
        own = Chains(
            np.zeros(len(inside), dtype=np.int64),
            np.array([place.get(int(b), -1) for b in chains.before[inside]], dtype=np.int64),
            chains.gap[inside],
        )
        grid = np.linspace(0.0, priors.most_phi[group], 200)
        many = np.broadcast_to(residuals[inside], (len(grid), len(inside)))
        errors, scales = whiten(many, np.ones((len(grid), 1)), grid[:, None], own)
        squares, count = np.sum(errors**2, axis=1), len(inside)
        mean, weight = priors.log_mean[group], priors.log_deviation[group] ** -2.0
        low, high = np.log(priors.least_sigma[group]), np.log(priors.most_sigma[group])
        x = np.clip(0.5 * np.log(np.maximum(squares, 1e-300) / max(count, 1)), low, high)
        for _ in range(40):
            gain = squares * np.exp(-2 * x)
            x = np.clip(x - (count - gain + weight * (x - mean)) / (2 * gain + weight + 1e-12), low, high)
        z = (grid - priors.phi_mean[group]) / priors.phi_deviation[group]
        cost = count * x + 0.5 * squares * np.exp(-2 * x) + 0.5 * weight * (x - mean) ** 2
        best = int(np.argmin(cost + np.sum(scales, axis=1) + 0.5 * z**2))
        sigma[group], phi[group] = np.exp(x[best]), grid[best]
    return sigma, phi
