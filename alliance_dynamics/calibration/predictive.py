"""Intervals of new observations: parameters, breaks and noise together, year by year.

Up to the last observed year of a series the interval is that of another observation of the same year (stationary
noise around the model).  After it the interval is a forecast: the last residual fades with the autocorrelation that was
estimated, and the spread grows towards the stationary one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import qmc

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Band:
    """Quantiles [series, years] of new observations in natural units."""

    years: NDArray[np.int64]
    q05: Floats
    q25: Floats
    q50: Floats
    q75: Floats
    q95: Floats


def predictive_band(
    log_paths: Floats,
    sigma: Floats,
    phi: Floats,
    years: NDArray[np.int64],
    log_observed: Floats,
    *,
    shocks: Floats | None = None,
    seed: int,
    draws_of_noise: int = 16,
) -> Band:
    """Quantiles over draws and noise.

    `shocks` [series]: the sd that random drivers add per square root of a year after the last observation.

    `log_paths` [draws, series, years]: ln of the model, break shifts included.  `sigma`, `phi` [draws, series].
    `log_observed` [series, years]: NaN where there is no observation that entered the fit.
    """
    draws, series, count = log_paths.shape
    stream = np.random.default_rng(np.random.SeedSequence([seed, 3]))
    u = qmc.Sobol(1, scramble=True, rng=stream).random(_power_of_two(draws * draws_of_noise))[:, 0]
    z = ndtri(np.clip(u, 1e-12, 1 - 1e-12))[: draws * draws_of_noise].reshape(draws, draws_of_noise)
    quantiles = np.empty((5, series, count))
    for s in range(series):
        observed = np.flatnonzero(np.isfinite(log_observed[s]))
        last = observed[-1] if len(observed) else -1
        for t in range(count):
            centre, spread = log_paths[:, s, t], sigma[:, s]
            if 0 <= last < t:
                memory = phi[:, s] ** (years[t] - years[last])
                centre = centre + memory * (log_observed[s, last] - log_paths[:, s, last])
                grown = 0.0 if shocks is None else shocks[s] ** 2 * (years[t] - years[last])
                spread = np.sqrt(spread**2 * (1.0 - memory**2) + grown)
            sample = np.exp(centre[:, None] + spread[:, None] * z)
            quantiles[:, s, t] = np.quantile(sample, [0.05, 0.25, 0.5, 0.75, 0.95])
    return Band(years, *quantiles)


def coverage(band: Band, observed: Floats, *, half: bool = False) -> float:
    """Share of observed values [series, years] (NaN where none) inside the 90 % interval, or the 50 % one (`half`)."""
    known = np.isfinite(observed)
    low, high = (band.q25, band.q75) if half else (band.q05, band.q95)
    inside = (observed >= low) & (observed <= high)
    return float(np.mean(inside[known])) if known.any() else float("nan")


def _power_of_two(count: int) -> int:
    return 1 << max(0, count - 1).bit_length()
