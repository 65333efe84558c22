"""What is calibrated against what: parameters with priors, points with their noise, and the density of the two."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special

from alliance_dynamics.calibration.noise import Chains, log_likelihood

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Shared:
    """Members of a pool: their places among the parameters and the variance that they have in common."""

    members: tuple[int, ...]
    variance: float


@dataclass(frozen=True)
class Priors:
    """Normal priors of P parameters, truncated to [lower, upper]; a standard deviation of inf is uniform.

    Members of a pool are not independent: they vary around a common value which is itself uncertain, so that their
    covariance is the `variance` of the pool.  `deviation` is that of one member alone.
    """

    names: tuple[str, ...]
    lower: Floats
    upper: Floats
    mean: Floats
    deviation: Floats
    pools: tuple[Shared, ...] = ()

    @cached_property
    def root(self) -> Floats:
        """[P, P]: root @ (values - mean) are independent and standard; a row of zeros where the prior is uniform."""
        found = np.diag(1 / self.deviation)
        for pool in self.pools:
            block = np.ix_(pool.members, pool.members)
            covariance = np.diag(self.deviation[list(pool.members)] ** 2 - pool.variance) + pool.variance
            found[block] = np.linalg.inv(np.linalg.cholesky(covariance))
        return found

    @cached_property
    def precision(self) -> Floats:
        """[P, P] inverse covariance, that of the same width where the prior is uniform or wider than its bounds."""
        width = self.upper - self.lower
        found = np.diag(1 / np.minimum(self.deviation, width / 3.46) ** 2)
        for pool in self.pools:
            block = np.ix_(pool.members, pool.members)
            found[block] = self.root[block].T @ self.root[block]
        return found

    def residuals(self, values: Floats) -> Floats:
        """Standard residuals [..., P] of values [..., P]."""
        return (values - self.mean) @ self.root.T if self.pools else (values - self.mean) / self.deviation

    def log_density(self, values: Floats) -> Floats:
        """[...] for values [..., P], without the constant of truncation; minus infinity outside the bounds."""
        inside = np.all((values >= self.lower) & (values <= self.upper), axis=-1)
        return np.where(inside, -0.5 * np.sum(self.residuals(values) ** 2, axis=-1), -np.inf)

    def quantile(self, u: Floats) -> Floats:
        """Values [..., P] of each truncated prior alone at probabilities u."""
        bounded = np.isfinite(self.deviation)
        scale = np.where(bounded, self.deviation, 1.0)
        low = special.ndtr((self.lower - self.mean) / scale)
        high = special.ndtr((self.upper - self.mean) / scale)
        normal = self.mean + scale * special.ndtri(np.clip(low + (high - low) * u, 1e-15, 1 - 1e-15))
        value = np.where(bounded, normal, self.lower + (self.upper - self.lower) * u)
        return np.clip(value, self.lower, self.upper)

    def probability(self, values: Floats) -> Floats:
        """The distribution function [..., P] of each truncated prior alone at values."""
        bounded = np.isfinite(self.deviation)
        scale = np.where(bounded, self.deviation, 1.0)
        low, here, high = (special.ndtr((each - self.mean) / scale) for each in (self.lower, values, self.upper))
        flat = (values - self.lower) / (self.upper - self.lower)
        return np.clip(np.where(bounded, (here - low) / (high - low), flat), 0.0, 1.0)

    def draw(self, stream: np.random.Generator) -> Floats:
        """One draw [P] of all priors together; members of a pool are drawn until all lie within their bounds."""
        values = self.quantile(stream.random(len(self.names)))
        for pool in self.pools:
            here = list(pool.members)
            own = np.sqrt(self.deviation[here] ** 2 - pool.variance)
            while True:
                common, single = stream.standard_normal(), stream.standard_normal(len(here))
                drawn = self.mean[here] + np.sqrt(pool.variance) * common + own * single
                if np.all((drawn >= self.lower[here]) & (drawn <= self.upper[here])):
                    values[here] = drawn
                    break
        return values

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


def negative_log_likelihood(points: Points, residuals: Floats, sigma: Floats, phi: Floats) -> Floats:
    """Of the observations themselves, so that values compare with published ones: includes sum(ln y)."""
    return np.sum(points.log_value) - log_likelihood(residuals, sigma, phi, points.chains)
