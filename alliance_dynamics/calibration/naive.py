"""Forecasts that any model has to beat: the last value, and the last value with the mean growth so far."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def last_value(log_observed: Floats, origin: int, horizon: int) -> Floats:
    """[series] forecasts of ln y, `horizon` years after column `origin`; NaN where nothing was observed before."""
    return np.array([row[_last(row, origin)] if _last(row, origin) >= 0 else np.nan for row in log_observed])


def drift(log_observed: Floats, origin: int, horizon: int) -> Floats:
    """Last value plus `horizon` times the mean yearly log growth from the first to the last observation."""
    forecasts = np.full(len(log_observed), np.nan)
    for s, row in enumerate(log_observed):
        known = np.flatnonzero(np.isfinite(row[: origin + 1]))
        if len(known) >= 2:
            growth = (row[known[-1]] - row[known[0]]) / (known[-1] - known[0])
            forecasts[s] = row[known[-1]] + growth * (origin + horizon - known[-1])
    return forecasts


def _last(row: Floats, origin: int) -> int:
    known = np.flatnonzero(np.isfinite(row[: origin + 1]))
    return int(known[-1]) if len(known) else -1
