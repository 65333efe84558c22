"""Whether the errors of neighbouring times go together: two tests for each series, on standardised residuals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from alliance_dynamics.calibration.objective import Objective

Floats = NDArray[np.float64]
LEVEL = 0.05
_FEWEST = 8


@dataclass(frozen=True)
class SerialTest:
    """Of one series: Ljung-Box statistic over `lags` with its p-value, and the Durbin-Watson statistic (2: none)."""

    observable: str
    experiment: str
    count: int
    lags: int
    ljung_box: float
    p_value: float
    durbin_watson: float
    autocorrelation: float

    @property
    def rejected(self) -> bool:
        return self.p_value < LEVEL


def serial_tests(objective: Objective, cube: Floats) -> tuple[SerialTest, ...]:
    """The tests for every series of at least 8 points, one at a time, at a point of the cube."""
    standard = objective.errors(cube[None, :]).standard[0]
    found = []
    for block in objective.binding.blocks:
        order = block.index[np.argsort(block.times, kind="stable")]
        if len(order) >= _FEWEST and len(np.unique(block.times)) == len(order):
            found.append(serial_test(standard[order], block.observable.id, block.experiment.id))
    return tuple(found)


def serial_test(residuals: Floats, observable: str = "", experiment: str = "") -> SerialTest:
    """Ljung-Box (Ljung and Box 1978) over min(5, n / 4) lags and Durbin-Watson of residuals in order of time."""
    n = len(residuals)
    centred = residuals - residuals.mean()
    total = float(np.sum(centred**2))
    lags = max(1, min(5, n // 4))
    rho = np.array([float(np.sum(centred[k:] * centred[:-k])) / total for k in range(1, lags + 1)])
    statistic = n * (n + 2) * float(np.sum(rho**2 / (n - np.arange(1, lags + 1))))
    watson = float(np.sum(np.diff(residuals) ** 2) / np.sum(residuals**2))
    return SerialTest(observable, experiment, n, lags, statistic, float(stats.chi2.sf(statistic, lags)), watson,
                      float(rho[0]))  # fmt: skip
