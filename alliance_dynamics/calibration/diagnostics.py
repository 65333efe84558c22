"""How far draws can be trusted: R-hat between ensembles, effective sizes, and what was learned beside the prior."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]


def rank_normalised(values: Floats) -> Floats:
    """Normal scores of the ranks over all of `values`, same shape (Vehtari et al. 2021)."""
    ranks = stats.rankdata(values, method="average").reshape(values.shape)
    return stats.norm.ppf((ranks - 0.375) / (values.size + 0.25))


def r_hat(values: Floats) -> float:
    """Rank-normalised split R-hat of `values[ensemble, draw]`; chains of an ensemble are joined by generation."""
    half = values.shape[1] // 2
    halves = np.concatenate([values[:, :half], values[:, half : 2 * half]])

    def plain(z: Floats) -> float:
        within = np.mean(np.var(z, axis=1, ddof=1))
        between = z.shape[1] * np.var(np.mean(z, axis=1), ddof=1)
        if within == 0:
            return float("nan")
        return float(np.sqrt((within * (z.shape[1] - 1) / z.shape[1] + between / z.shape[1]) / within))

    folded = np.abs(halves - np.median(halves))
    return max(plain(rank_normalised(halves)), plain(rank_normalised(folded)))


def bulk_size(walks: Floats) -> float:
    """Effective number of draws of `walks` [chains, draws] for its middle, by normal scores of ranks."""
    return effective_size(rank_normalised(_split(walks)))


def effective_size(chains: Floats) -> float:
    """Effective number of draws of `chains` [chains, draws] (Geyer's initial positive sequence over pooled chains)."""
    count, length = chains.shape
    if length < 4 or np.ptp(chains) == 0:
        return float("nan")
    centred = chains - chains.mean(axis=1, keepdims=True)
    padded = 1 << (2 * length - 1).bit_length()
    spectrum = np.fft.rfft(centred, padded, axis=1)
    covariance = np.fft.irfft(spectrum * np.conj(spectrum), padded, axis=1)[:, :length].mean(axis=0) / length
    within = covariance[0] * length / (length - 1)
    between = np.var(chains.mean(axis=1), ddof=1) if count > 1 else 0.0
    total = within * (length - 1) / length + between
    correlation = 1 - (within - covariance) / total
    pairs = correlation[0 : 2 * (length // 2) : 2] + correlation[1 : 2 * (length // 2) : 2]
    negative = np.flatnonzero(pairs < 0)
    kept = pairs[: negative[0]] if len(negative) else pairs
    time = -1 + 2 * float(np.sum(np.minimum.accumulate(kept))) if len(kept) else 1.0
    return count * length / max(time, 1 / np.log10(max(10, count * length)))


def tail_size(walks: Floats) -> float:
    """The smaller effective size of the indicators of the 5 % and 95 % quantiles."""
    halves = _split(walks)
    return min(effective_size((halves <= np.quantile(halves, q)).astype(float)) for q in (0.05, 0.95))


def _split(chains: Floats) -> Floats:
    half = chains.shape[1] // 2
    return np.concatenate([chains[:, :half], chains[:, half : 2 * half]])


def overlap(probabilities: Floats, bins: int = 20) -> float:
    """How much of the prior the posterior covers, from the prior's distribution function at the draws."""
    share = np.histogram(probabilities, bins=bins, range=(0.0, 1.0))[0] / len(probabilities)
    return float(np.sum(np.minimum(share, 1 / bins)))
