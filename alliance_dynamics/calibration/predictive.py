"""Intervals of new observations: parameters, breaks and noise together, year by year.

Up to the last observed year of a series the interval is that of another observation of the same year (stationary
noise around the model).  After it the interval is a forecast: the last residual fades with the autocorrelation that was
estimated, and the spread grows towards the stationary one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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


def feature_checks(
    log_paths: Floats, sigma: Floats, phi: Floats, years: NDArray[np.int64], log_observed: Floats, *, seed: int
) -> list[dict[str, Any]]:
    """Growth and peak year of each series against those of series drawn from the posterior predictive distribution.

    Arguments as of `predictive_band`; drawn series have figures in the same years as the observed one.  `growth` is the
    last figure over the first, `peak_year` the year of the largest.  `p` is the two-sided posterior predictive p-value
    (Gelman, Meng and Stern 1996): twice the smaller share of draws at or beyond the observed value, at most 1.
    """
    stream = np.random.default_rng(np.random.SeedSequence([seed, 9]))
    rows = []
    for s, known in enumerate(np.isfinite(log_observed)):
        at = np.flatnonzero(known)
        if len(at) < 2:
            continue
        noise = stream.standard_normal((len(log_paths), len(at)))
        error = noise[:, 0] * sigma[:, s]
        drawn = [log_paths[:, s, at[0]] + error]
        for i, t in enumerate(at[1:], 1):
            memory = phi[:, s] ** (years[t] - years[at[i - 1]])
            error = memory * error + sigma[:, s] * np.sqrt(1.0 - memory**2) * noise[:, i]
            drawn.append(log_paths[:, s, t] + error)
        every, seen = np.stack(drawn, axis=1), log_observed[s, at]
        features = {
            "growth": (np.exp(seen[-1] - seen[0]), np.exp(every[:, -1] - every[:, 0])),
            "peak_year": (years[at[np.argmax(seen)]], years[at[np.argmax(every, axis=1)]]),
        }
        for name, (observed, values) in features.items():
            beyond = min(float(np.mean(values <= observed)), float(np.mean(values >= observed)))
            low, middle, high = np.quantile(values, [0.05, 0.5, 0.95], method="inverted_cdf")
            rows.append({"series": s, "feature": name, "observed": float(observed), "q05": float(low),
                         "q50": float(middle), "q95": float(high), "p": min(1.0, 2.0 * beyond)})  # fmt: skip
    return rows


def _power_of_two(count: int) -> int:
    return 1 << max(0, count - 1).bit_length()
