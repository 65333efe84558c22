"""What the fit leaves over: standardised residuals, and whether the errors of neighbouring times go together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from alliance_dynamics.calibration.fit import Fit, Task
from alliance_dynamics.calibration.noise import whiten
from alliance_dynamics.calibration.objective import Objective
from alliance_dynamics.calibration.setup import Series

Floats = NDArray[np.float64]
Row = dict[str, Any]
LEVEL = 0.05
_FEWEST = 8
_MOST_LAGS = 5


@dataclass(frozen=True)
class SerialTest:
    """Of one series: Ljung-Box statistic over `lags` with its p-value, and the Durbin-Watson statistic (2: none).

    `correlations`: of the residuals with those 1, 2, ... `lags` places before.
    """

    observable: str
    experiment: str
    count: int
    lags: int
    ljung_box: float
    p_value: float
    durbin_watson: float
    correlations: tuple[float, ...]

    @property
    def autocorrelation(self) -> float:
        """With the residual before."""
        return self.correlations[0]

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
    lags = max(1, min(_MOST_LAGS, n // 4))
    rho = np.array([float(np.sum(centred[k:] * centred[:-k])) / total for k in range(1, lags + 1)])
    statistic = n * (n + 2) * float(np.sum(rho**2 / (n - np.arange(1, lags + 1))))
    watson = float(np.sum(np.diff(residuals) ** 2) / np.sum(residuals**2))
    return SerialTest(observable, experiment, n, lags, statistic, float(stats.chi2.sf(statistic, lags)), watson,
                      tuple(rho.tolist()))  # fmt: skip


def residual_rows(task: Task, best: Fit, series: Sequence[Series]) -> list[Row]:
    """One record per figure of the fit: its log residual at the best fit, and the standardised one.

    The standardised residual is what is left of the log residual after the memory of its series, over its deviation:
    independent and standard normal where the stated noise is right.
    """
    plain, standard = _residuals(task, best)
    return [
        {"experiment": series[s].experiment, "observable": series[s].observable.id, "year": int(year),
         "residual": float(plain[i]), "standardised": float(standard[i])}
        for i, (s, year) in enumerate(zip(task.points.series, task.points.year, strict=True))
    ]  # fmt: skip


def residual_tests(task: Task, best: Fit, series: Sequence[Series]) -> list[Row]:
    """One record per series of at least 8 points: the tests of its standardised residuals.

    `acf_1` to `acf_5` are autocorrelations, None beyond the lags of the test.
    """
    _, standard = _residuals(task, best)
    rows = []
    for s, each in enumerate(series):
        mine = np.flatnonzero(task.points.series == s)
        if len(mine) < _FEWEST:
            continue
        order = mine[np.argsort(task.points.year[mine], kind="stable")]
        found = serial_test(standard[order], each.observable.id, each.experiment)
        rows.append(
            {"experiment": found.experiment, "observable": found.observable, "count": found.count, "lags": found.lags,
             "ljung_box": found.ljung_box, "p_value": found.p_value, "durbin_watson": found.durbin_watson,
             **{f"acf_{lag}": None for lag in range(1, _MOST_LAGS + 1)},
             **{f"acf_{lag}": value for lag, value in enumerate(found.correlations, 1)}}
        )  # fmt: skip
    return rows


def _residuals(task: Task, best: Fit) -> tuple[Floats, Floats]:
    plain = task.residuals(best.values[None, :])[0]
    return plain, whiten(plain, best.sigma, best.phi, task.points.chains)[0]
