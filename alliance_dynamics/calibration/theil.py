"""Theil's decomposition: how much of an error is bias, unequal variation, or movement at the wrong time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Theil:
    """Root mean square error and the shares of its square; the three shares add up to 1, NaN where there is no error.

    `bias` (U^M): the means differ.  `variation` (U^S): one of the two varies more.  `covariation` (U^C): the rest.
    """

    count: int
    rmse: float
    bias: float
    variation: float
    covariation: float


def theil(observed: Floats, simulated: Floats) -> Theil:
    """The decomposition of (s - y) over the points where both are finite; population standard deviations.

    Source: Theil (1966), Applied Economic Forecasting; Sterman (1984), System Dynamics Review, as used in the field.
    """
    observed, simulated = np.asarray(observed, dtype=float), np.asarray(simulated, dtype=float)
    if observed.shape != simulated.shape:
        raise ValueError(f"{observed.shape} observed and {simulated.shape} simulated values")
    both = np.isfinite(observed) & np.isfinite(simulated)
    y, s = observed[both], simulated[both]
    if not len(y):
        return Theil(0, *4 * (float("nan"),))
    square = float(np.mean((s - y) ** 2))
    if square == 0.0:
        return Theil(len(y), 0.0, *3 * (float("nan"),))
    bias = float(np.mean(s) - np.mean(y)) ** 2 / square
    variation = float(np.std(s) - np.std(y)) ** 2 / square
    moved = np.mean((s - s.mean()) * (y - y.mean()))
    covariation = 2.0 * float(np.std(s) * np.std(y) - moved) / square
    return Theil(len(y), square**0.5, bias, variation, covariation)
