"""Standardised residuals are what the stated noise says, and features of series have exact predictive p-values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.stats import norm

from alliance_dynamics.calibration.fit import fit
from alliance_dynamics.calibration.predictive import feature_checks
from alliance_dynamics.calibration.residuals import residual_rows, residual_tests, serial_test

from .test_fit import line_task


@dataclass(frozen=True)
class Named:
    id: str


@dataclass(frozen=True)
class OfLine:
    observable: Named = Named("line")
    experiment: str = "here"


def test_residuals_of_a_line_are_those_of_least_squares_over_their_deviation():
    task, log_value, breaks = line_task()
    years = task.points.year
    design = np.column_stack([np.ones(22), years - 2000, breaks])
    left = log_value - design @ np.linalg.lstsq(design, log_value, rcond=None)[0]
    rows = residual_rows(task, fit(task, np.zeros(3), starts=2, seed=0), [OfLine()])
    assert [row["year"] for row in rows] == years.tolist()
    assert [row["residual"] for row in rows] == pytest.approx(left, abs=1e-6)
    assert [row["standardised"] for row in rows] == pytest.approx(left / np.sqrt(np.mean(left**2)), abs=1e-4)


def test_a_row_of_tests_is_the_test_of_the_standardised_residuals_of_its_series():
    task, _, _ = line_task()
    best = fit(task, np.zeros(3), starts=2, seed=0)
    standard = np.array([row["standardised"] for row in residual_rows(task, best, [OfLine()])])
    (row,), found = residual_tests(task, best, [OfLine()]), serial_test(standard)
    assert (row["count"], row["p_value"], row["durbin_watson"]) == (22, found.p_value, found.durbin_watson)
    correlations = [np.sum((standard - standard.mean())[k:] * (standard - standard.mean())[:-k]) for k in range(1, 6)]
    total = np.sum((standard - standard.mean()) ** 2)
    assert [row[f"acf_{k}"] for k in range(1, 6)] == pytest.approx([each / total for each in correlations])


def checks(observed, *, sigma=0.1, phi=0.6, draws=20_000, seed=0):
    years = np.arange(2000, 2010)
    paths = np.broadcast_to(0.02 * (years - 2000), (draws, 1, 10))
    noise = np.full((draws, 1), sigma), np.full((draws, 1), phi)
    return {row["feature"]: row for row in feature_checks(paths, *noise, years, observed[None, :], seed=seed)}


@pytest.mark.parametrize("shift", [-0.2, 0.0, 0.15, 0.5])
def test_the_p_value_of_growth_is_that_of_the_normal_distribution(shift):
    observed = 0.02 * np.arange(10.0)
    observed[-1] += shift
    observed[4] = np.nan  # a year without a figure leaves the noise between its neighbours as it is
    deviation = np.sqrt(2 * 0.1**2 * (1 - 0.6**9))
    found = checks(observed)["growth"]
    assert found["observed"] == pytest.approx(np.exp(0.18 + shift))
    assert found["p"] == pytest.approx(2 * norm.sf(abs(shift) / deviation), abs=0.02)
    assert found["q95"] == pytest.approx(np.exp(0.18 + 1.645 * deviation), rel=0.01)


def test_the_peak_of_a_falling_series_is_strange_where_the_model_rises():
    assert checks(-0.05 * np.arange(10.0), sigma=0.01)["peak_year"]["p"] < 0.01
    assert checks(0.05 * np.arange(10.0), sigma=0.001)["peak_year"] == {
        "series": 0, "feature": "peak_year", "observed": 2009.0, "q05": 2009.0, "q50": 2009.0, "q95": 2009.0, "p": 1.0,
    }  # fmt: skip


def test_p_values_of_series_from_the_model_itself_are_not_too_small():
    stream, years = np.random.default_rng(5), np.arange(2000, 2010)
    small = 0
    for seed in range(200):
        error = np.zeros(10)
        error[0] = 0.1 * stream.standard_normal()
        for t in range(1, 10):
            error[t] = 0.6 * error[t - 1] + 0.08 * stream.standard_normal()
        small += sum(row["p"] < 0.05 for row in checks(0.02 * (years - 2000) + error, draws=400, seed=seed).values())
    assert 3 <= small <= 35  # of 400; 20 expected where the feature is continuous, fewer where it is a year


def test_the_same_seed_gives_the_same_checks():
    observed = 0.02 * np.arange(10.0)
    assert checks(observed, draws=100) == checks(observed, draws=100)
    assert checks(observed, draws=100) != checks(observed, draws=100, seed=1)
