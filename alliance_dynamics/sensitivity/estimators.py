"""The formulas of Sobol' indices on the blocks A, B, AB, BA of one replicate, for many series at once.

Every index is a quotient u / v whose numerator estimates a part of the variance and whose denominator estimates the
variance itself; both are kept, since intervals and horizon summaries are made from them and not from the quotient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Estimator = Literal["azzini-rosati", "two-sided", "jansen", "saltelli-jansen"]
ESTIMATORS: tuple[Estimator, ...] = ("azzini-rosati", "two-sided", "jansen", "saltelli-jansen")


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """Numerators and denominators of one replicate; the last axes are the series.

    first, first_variance, total, total_variance: [factor, ...]; pairs: [pair, ...] closed second-order numerators over
    `variance`, or None; mean, variance (population, A and B together), scale (largest magnitude): [...].
    """

    first: np.ndarray
    first_variance: np.ndarray
    total: np.ndarray
    total_variance: np.ndarray
    pairs: np.ndarray | None
    mean: np.ndarray
    variance: np.ndarray
    scale: np.ndarray


def estimate(
    a: np.ndarray, b: np.ndarray, ab: np.ndarray, ba: np.ndarray | None, estimator: Estimator, *, pairs: bool = True
) -> Terms:
    """The terms for outputs a, b [point, series] and ab, ba [factor, point, series], all finite.

    `azzini-rosati` (Azzini and Rosati 2021): least error, unaffected by a shift of the outputs; the default.
    `two-sided`: Saltelli and Jansen averaged over both halves.  `jansen`: Jansen 1999 for both indices.
    `saltelli-jansen`: Saltelli et al. 2010 and Jansen with AB alone (and one BA in pairs), as SALib computes them.
    Without `ba` only the last two are possible, and no pairs.
    """
    d = len(ab)
    blocks = [a, b, *ab, *(ba if ba is not None else ())]
    scale = np.max([np.max(np.abs(block), axis=0) for block in blocks], axis=0)
    mean = np.mean([block.mean(axis=0) for block in blocks], axis=0)
    a, b, ab = a - mean, b - mean, ab - mean
    ba = None if ba is None else ba - mean
    both = (a.mean(axis=0) + b.mean(axis=0)) / 2
    variance = (((a - both) ** 2).mean(axis=0) + ((b - both) ** 2).mean(axis=0)) / 2
    first, first_variance, total, total_variance = (np.empty((d, *variance.shape)) for _ in range(4))
    for i in range(d):
        terms = _of_factor(a, b, ab[i], None if ba is None else ba[i], variance, estimator)
        first[i], first_variance[i], total[i], total_variance[i] = terms
    closed = None
    if pairs and ba is not None and d > 1:
        closed = _closed_pairs(a, b, ab, ba, two_sided=estimator != "saltelli-jansen")
    return Terms(first, first_variance, total, total_variance, closed, mean, variance, scale)


def pair_indices(factors: int) -> tuple[np.ndarray, np.ndarray]:
    """The two factors of every pair, in the order in which pairs are stored."""
    return np.triu_indices(factors, 1)


def _of_factor(
    a: np.ndarray, b: np.ndarray, ab: np.ndarray, ba: np.ndarray | None, variance: np.ndarray, estimator: Estimator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Numerator and denominator of S1, then of ST."""
    half_jansen = ((a - ab) ** 2).mean(axis=0) / 2
    if estimator == "saltelli-jansen":
        return (b * (ab - a)).mean(axis=0), variance, half_jansen, variance
    if estimator == "jansen":
        return variance - ((b - ab) ** 2).mean(axis=0) / 2, variance, half_jansen, variance
    assert ba is not None
    total = (half_jansen + ((b - ba) ** 2).mean(axis=0) / 2) / 2
    if estimator == "two-sided":
        return (b * (ab - a) + a * (ba - b)).mean(axis=0) / 2, variance, total, variance
    own = (((a - b) ** 2).mean(axis=0) + ((ba - ab) ** 2).mean(axis=0)) / 4
    return ((ba - b) * (a - ab)).mean(axis=0) / 2, own, total, own


def _closed_pairs(a: np.ndarray, b: np.ndarray, ab: np.ndarray, ba: np.ndarray, *, two_sided: bool) -> np.ndarray:
    """Variance carried by every two factors together, their own parts included (Saltelli 2002)."""
    left, right = pair_indices(len(ab))
    products = np.empty((len(left), *a.shape[1:]))
    for p, (i, j) in enumerate(zip(left, right, strict=True)):
        products[p] = np.einsum("n...,n...->...", ba[i], ab[j])
        if two_sided:
            products[p] = (products[p] + np.einsum("n...,n...->...", ba[j], ab[i])) / 2
    return products / len(a) - (a * b).mean(axis=0)
