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


def fit_noise(residuals: Floats, chains: Chains, groups: int, *, most_phi: float, least_sigma: float = 0.001):
    """Sigma and phi of each group by maximum likelihood for given residuals [points]: (sigma [groups], phi [groups])."""
    grid = np.linspace(0.0, most_phi, 200)
    sigma, phi = np.empty(groups), np.empty(groups)
    for group in range(groups):
        inside = np.flatnonzero(chains.group == group)
        place = {int(index): i for i, index in enumerate(inside)}
        own = Chains(
            np.zeros(len(inside), dtype=np.int64),
            np.array([place.get(int(b), -1) for b in chains.before[inside]], dtype=np.int64),
            chains.gap[inside],
        )
        ones = np.ones((len(grid), 1))
        errors, scales = whiten(np.broadcast_to(residuals[inside], (len(grid), len(inside))), ones, grid[:, None], own)
        variance = np.maximum(np.mean(errors**2, axis=-1), least_sigma**2)
        cost = 0.5 * len(inside) * np.log(variance) + np.sum(scales, axis=-1)
        best = int(np.argmin(cost))
        sigma[group], phi[group] = math.sqrt(variance[best]), grid[best]
    return sigma, phi
