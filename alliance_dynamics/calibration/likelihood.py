"""What is calibrated against what: parameters with priors, points with their noise, and the density of the two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from alliance_dynamics.calibration.noise import Chains, log_likelihood, whiten

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Priors:
    """Independent priors of P parameters, truncated to [lower, upper]; a standard deviation of inf is uniform."""

    names: tuple[str, ...]
    lower: Floats
    upper: Floats
    mean: Floats
    deviation: Floats

    def log_density(self, values: Floats) -> Floats:
        """[...] for values [..., P], without the constant of truncation; minus infinity outside the bounds."""
        inside = np.all((values >= self.lower) & (values <= self.upper), axis=-1)
        z = (values - self.mean) / self.deviation
        return np.where(inside, -0.5 * np.sum(z**2, axis=-1), -np.inf)

    def quantile(self, u: Floats) -> Floats:
        """Values [..., P] of the truncated priors at probabilities u."""
        bounded = np.isfinite(self.deviation)
        scale = np.where(bounded, self.deviation, 1.0)
        low = special.ndtr((self.lower - self.mean) / scale)
        high = special.ndtr((self.upper - self.mean) / scale)
        normal = self.mean + scale * special.ndtri(np.clip(low + (high - low) * u, 1e-15, 1 - 1e-15))
        value = np.where(bounded, normal, self.lower + (self.upper - self.lower) * u)
        return np.clip(value, self.lower, self.upper)

    @property
    def spread(self) -> Floats:
        """Standard deviation of each truncated prior, by its quantiles."""
        u = (np.arange(512) + 0.5) / 512
        return np.std(self.quantile(u[:, None]), axis=0)


@dataclass(frozen=True)
class Points:
    """N observed values that enter the likelihood, on the log scale.

    `series` [N] indexes the predicted series, `year` [N] is the statistical year, `log_value` [N] = ln y,
    `breaks` [N, B] is 1 where a break parameter shifts the point, `chains` holds the noise group of each point.
    """

    series: NDArray[np.int64]
    year: NDArray[np.int64]
    log_value: Floats
    breaks: Floats
    chains: Chains

    @property
    def count(self) -> int:
        return len(self.log_value)


def log_residuals(points: Points, log_predicted: Floats, breaks: Floats) -> Floats:
    """ln y - ln s - sum of breaks, [..., N], from ln s at the points [..., N] and break values [..., B]."""
    return points.log_value - log_predicted - breaks @ points.breaks.T


def objective_residuals(points: Points, residuals: Floats, values: Floats, priors: Priors, sigma: Floats, phi: Floats):
    """The vector whose half sum of squares is the penalised objective at fixed noise: [..., N + P]."""
    errors, _ = whiten(residuals, sigma, phi, points.chains)
    return np.concatenate([errors, (values - priors.mean) / priors.deviation], axis=-1)


def negative_log_likelihood(points: Points, residuals: Floats, sigma: Floats, phi: Floats) -> Floats:
    """Of the observations themselves, so that values compare with published ones: includes sum(ln y)."""
    return np.sum(points.log_value) - log_likelihood(residuals, sigma, phi, points.chains)
