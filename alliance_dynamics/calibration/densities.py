"""Densities: of measurements around a simulated value, and of parameters before the data (names after PEtab v2)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from alliance_dynamics.calibration.problem import Prior

Floats = NDArray[np.float64]
_DEEPEST, _HALVINGS = 32.0, 57  # of the logarithm of a scale: 32 / 2^57 is below 1e-15
_SMALLEST = 1e-6  # of a standard Laplace residual: where its weight stops growing


@dataclass(frozen=True)
class Noise:
    """A family of noise: the density of a standard residual e = (y - s) / scale (of logarithms for `log-`).

    `cost` is minus its logarithm; `score` its derivative in e; `weight` (> 0) the curvature in e that the search uses;
    `scale_information` the Fisher information of ln(scale) in one point.  `best_scale` [rows] is the scale of the
    highest likelihood for residuals [rows, n], where the mean of e score(e) is 1; `pull` the derivative of e score(e).
    """

    cost: Callable[[Floats], Floats]
    score: Callable[[Floats], Floats]
    weight: Callable[[Floats], Floats]
    scale_information: float
    tail: Callable[[Floats], Floats]  # the quantile function of e
    best_scale: Callable[[Floats], Floats]
    pull: Callable[[Floats], Floats]

    @staticmethod
    def of(distribution: str, freedom: float) -> Noise:
        """Normal, Laplace (scale: its mean absolute deviation) or Student-t of the degrees of freedom."""
        family = distribution.removeprefix("log-")
        if family == "normal":
            constant = 0.5 * math.log(2 * math.pi)
            return Noise(
                lambda e: 0.5 * e**2 + constant,
                lambda e: e,
                np.ones_like,
                2.0,
                special.ndtri,
                lambda residual: np.sqrt(np.mean(residual**2, axis=1)),
                lambda e: 2 * e,
            )
        if family == "laplace":
            return Noise(
                lambda e: np.abs(e) + math.log(2),
                np.sign,
                lambda e: 1 / np.maximum(np.abs(e), _SMALLEST),
                1.0,
                lambda u: np.sign(u - 0.5) * -np.log1p(-2 * np.abs(u - 0.5)),
                lambda residual: np.mean(np.abs(residual), axis=1),
                np.sign,
            )
        constant = special.gammaln(freedom / 2) - special.gammaln((freedom + 1) / 2)
        constant += 0.5 * math.log(freedom * math.pi)
        return Noise(
            lambda e: 0.5 * (freedom + 1) * np.log1p(e**2 / freedom) + constant,
            lambda e: (freedom + 1) * e / (freedom + e**2),
            lambda e: (freedom + 1) / (freedom + e**2),
            2 * freedom / (freedom + 3),
            lambda u: special.stdtrit(freedom, u),
            lambda residual: _student_scale(residual, freedom),
            lambda e: 2 * freedom * (freedom + 1) * e / (freedom + e**2) ** 2,
        )


def _student_scale(residual: Floats, freedom: float) -> Floats:
    """The scale [rows] of the highest Student-t likelihood for residuals [rows, n], by bisection of its logarithm."""
    square = residual**2
    top = np.sqrt((freedom + 1) / freedom * np.mean(square, axis=1))  # the scale is nowhere above
    usable = np.isfinite(top) & (top > 0)
    high = np.where(usable, np.log(np.where(usable, top, 1.0)), 0.0)
    low = high - _DEEPEST
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        e2 = square / np.exp(2 * middle)[:, None]
        too_small = np.mean((freedom + 1) * e2 / (freedom + e2), axis=1) > 1
        low, high = np.where(too_small, middle, low), np.where(too_small, high, middle)
    return np.where(usable, np.exp(0.5 * (low + high)), top)


class PriorDensity:
    """A prior truncated to [lower, upper] and normalised there; uniform between the bounds where none is given."""

    def __init__(self, prior: Prior | None, lower: float, upper: float):
        prior = prior or Prior("uniform", (lower, upper))
        self.logarithmic, self.distribution = _distribution(prior)
        self.slope = _slope(prior)
        self.lower, self.upper = lower, upper
        first, last = (self._untruncated(each) for each in (lower, upper))
        self.first, self.mass = first, last - first
        self.log_mass = math.log(self.mass) if self.mass > 0 else math.nan

    def cost(self, values: Floats) -> Floats:
        """Minus the log density of values in natural units; infinite outside the bounds."""
        with np.errstate(divide="ignore", invalid="ignore"):
            x = np.log(values) if self.logarithmic else values
            cost = -self.distribution.logpdf(x) + self.log_mass + (x if self.logarithmic else 0.0)
        inside = (values >= self.lower) & (values <= self.upper) & np.isfinite(cost)
        return np.where(inside, cost, np.inf)

    def score(self, values: Floats) -> Floats:
        """d cost / d value, for values in natural units between the bounds."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return (self.slope(np.log(values)) + 1) / values if self.logarithmic else self.slope(values)

    def probability(self, values: Floats) -> Floats:
        """The distribution function, 0 to 1 between the bounds."""
        with np.errstate(divide="ignore"):
            x = np.log(np.maximum(values, 0.0)) if self.logarithmic else values
        return np.clip((self.distribution.cdf(x) - self.first) / self.mass, 0.0, 1.0)

    def quantile(self, probabilities: Floats) -> Floats:
        """Values in natural units at probabilities between the bounds."""
        x = self.distribution.ppf(self.first + self.mass * probabilities)
        return np.clip(np.exp(x) if self.logarithmic else x, self.lower, self.upper)

    def _untruncated(self, value: float) -> float:
        if not self.logarithmic:
            return float(self.distribution.cdf(value))
        return float(self.distribution.cdf(math.log(value))) if value > 0 else 0.0


def _distribution(prior: Prior) -> tuple[bool, Any]:
    """Whether the distribution is that of the logarithm, and the distribution as SciPy writes it."""
    name, first = prior.distribution, prior.parameters[0]
    second = prior.parameters[1] if len(prior.parameters) > 1 else 1.0
    match name:
        case "normal" | "log-normal":
            found = stats.norm(first, second)
        case "laplace" | "log-laplace":
            found = stats.laplace(first, second)
        case "uniform":
            found = stats.uniform(first, second - first)
        case "log-uniform":
            found = stats.uniform(math.log(first), math.log(second) - math.log(first))
        case "cauchy":
            found = stats.cauchy(first, second)
        case "chi-square" | "chisquare":
            found = stats.chi2(first)
        case "rayleigh":
            found = stats.rayleigh(scale=first)
        case "half-normal":
            found = stats.halfnorm(scale=first)
        case "exponential":
            found = stats.expon(scale=first)
        case "gamma":
            found = stats.gamma(first, scale=second)
        case _:
            found = stats.beta(first, second)
    return name.startswith("log-"), found


def _slope(prior: Prior) -> Callable[[Floats], Floats]:
    """The derivative of minus the log density, by the logarithm of the value for `log-`."""
    first = prior.parameters[0]
    second = prior.parameters[1] if len(prior.parameters) > 1 else 1.0
    match prior.distribution.removeprefix("log-"):
        case "normal":
            return lambda x: (x - first) / second**2
        case "laplace":
            return lambda x: np.sign(x - first) / second
        case "uniform":
            return np.zeros_like
        case "cauchy":
            return lambda x: 2 * (x - first) / (second**2 + (x - first) ** 2)
        case "chi-square" | "chisquare":
            return lambda x: 0.5 - (first / 2 - 1) / x
        case "rayleigh":
            return lambda x: x / first**2 - 1 / x
        case "half-normal":
            return lambda x: x / first**2
        case "exponential":
            return lambda x: np.full_like(x, 1 / first)
        case "gamma":
            return lambda x: 1 / second - (first - 1) / x
        case _:
            return lambda x: (second - 1) / (1 - x) - (first - 1) / x
