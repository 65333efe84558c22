"""Forecasts against naive ones, and Theil's decomposition, on series whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.integrate import solve_ivp
from scipy.optimize import least_squares

from alliance_dynamics.calibration.naive import drift
from alliance_dynamics.calibration.theil import theil
from alliance_dynamics.calibration.validate import Forecast, ratio_verdict, rolling_origin, skill_scores

ORIGINS, HORIZONS = range(10, 20), (1, 2, 3, 4, 5)
HARE = np.array([30.0, 47.2, 70.2, 77.4, 36.3, 20.6, 18.1, 21.4, 22.0, 25.4, 27.1, 40.3, 57.0, 76.6, 52.3, 19.5, 11.2,
                 7.6, 14.6, 16.2, 24.7])  # fmt: skip
LYNX = np.array([4.0, 6.1, 9.8, 35.2, 59.4, 41.7, 19.0, 13.0, 8.3, 9.1, 7.4, 8.0, 12.3, 19.5, 45.7, 51.1, 29.7, 15.8,
                 9.7, 10.1, 8.6])  # fmt: skip


def named(rows):
    return [{**row, "observable": "y"} for row in rows]


def constant_spread(median):
    return Forecast(median, np.full(median.shape, 0.1))


def drift_forecaster(series):
    return lambda origin: constant_spread(np.stack([drift(series, origin, h) for h in HORIZONS], axis=1))


def logistic(x, t):
    ceiling, rate, start = np.exp(x)
    return np.log(ceiling / (1 + (ceiling / start - 1) * np.exp(-rate * t)))


def logistic_forecaster(series):
    """A logistic curve fitted to the years up to the origin, as a modeller who knows the structure would."""

    def forecast(origin):
        t = np.arange(origin + 1)
        first = np.log([2 * np.exp(series[0, origin]), 0.3, np.exp(series[0, 0])])
        low, high = first - 3, first + 3
        found = least_squares(lambda x: logistic(x, t) - series[0, : origin + 1], first, bounds=(low, high))
        return constant_spread(logistic(found.x, origin + np.array(HORIZONS, dtype=float))[None, :])

    return forecast


def test_the_shares_of_theil_add_up_to_one():
    @given(arrays(float, (2, 12), elements=st.floats(-100, 100)))
    def check(both):
        found = theil(both[0], both[1])
        if found.rmse > 1e-6:
            assert found.bias + found.variation + found.covariation == pytest.approx(1, abs=1e-9)
            assert min(found.bias, found.variation, found.covariation) >= -1e-9

    check()


def test_theil_names_the_kind_of_error():
    y = np.random.default_rng(0).standard_normal(40)
    y -= y.mean()
    assert theil(y, y + 2).bias == pytest.approx(1, abs=1e-12)
    assert theil(y, 3 * y).variation == pytest.approx(1, abs=1e-12)
    assert theil(y, -y).covariation == pytest.approx(1, abs=1e-12)
    assert math.isnan(theil(y, y).bias)
    assert theil(y, np.full(40, np.nan)).count == 0


def test_theil_of_lynx_and_hare_at_the_best_fit_agrees_with_the_reference():
    """Reference values: an independent implementation at the maximum of the likelihood (nll 122.925951)."""

    def simulated(log_values):
        a, b, c, d, hare, lynx = np.exp(log_values)
        run = solve_ivp(lambda _, x: [x[0] * (a - b * x[1]), x[1] * (d * x[0] - c)], (0, 20), [hare, lynx],
                        t_eval=np.arange(21), rtol=1e-10, atol=1e-10, method="DOP853")  # fmt: skip
        return run.y

    data, n = np.stack([HARE, LYNX]), 21
    values = np.log([0.540014, 0.027156, 0.796599, 0.023702, 34.5992, 5.84374])
    for _ in range(4):  # sigma and the rest in turn
        sigma = np.sqrt(np.mean(np.log(data / simulated(values)) ** 2, axis=1))
        values = least_squares(
            lambda x, sigma=sigma: (np.log(data / simulated(x)) / sigma[:, None]).ravel(), values, xtol=1e-12
        ).x
    best = simulated(values)
    sigma = np.sqrt(np.mean(np.log(data / best) ** 2, axis=1))
    nll = np.sum(n * np.log(sigma)) + n * (1 + np.log(2 * np.pi)) + np.sum(np.log(data))
    assert nll == pytest.approx(122.925951, abs=1e-5)
    hare, lynx = (theil(y, s) for y, s in zip(data, best, strict=True))
    assert (hare.rmse, lynx.rmse) == pytest.approx((5.0853, 4.1757), abs=1e-4)
    assert (hare.bias, hare.variation, hare.covariation) == pytest.approx((0.010794, 0.087617, 0.901589), abs=1e-5)
    assert (lynx.bias, lynx.variation, lynx.covariation) == pytest.approx((0.018387, 0.271379, 0.710234), abs=1e-5)
    assert hare.bias + hare.variation + hare.covariation == pytest.approx(1, abs=1e-12)


def test_a_drift_scores_exactly_as_its_rival_on_a_random_walk():
    series = np.cumsum(0.03 + 0.1 * np.random.default_rng(0).standard_normal((3, 25)), axis=1)
    scores = skill_scores(named(rolling_origin(drift_forecaster(series), series, ORIGINS, HORIZONS)), seed=0)
    assert [row["horizon"] for row in scores] == ["1", "2", "3", "4", "5", "1-3"]
    for row in scores:
        assert row["mase_model"] == pytest.approx(row["mase_drift"], abs=1e-12)
        assert row["ratio_drift"] == pytest.approx(1, abs=1e-12)
        assert row["against_drift"] == "indistinguishable"


def test_a_planted_logistic_beats_the_drift():
    won = 0
    for seed in range(100):
        noise = 0.03 * np.random.default_rng(seed).standard_normal(23)
        series = (logistic(np.log([100.0, 0.35, 5.0]), np.arange(23)) + noise)[None, :]
        rows = rolling_origin(logistic_forecaster(series), series, range(10, 20), (1, 2, 3))
        won += skill_scores(named(rows), seed=0)[-1]["ratio_drift"] < 1
    assert won >= 90


def test_errors_scales_and_years_by_hand():
    series = np.array([[0.0, 0.1, 0.3, np.nan, 0.8]])
    rows = rolling_origin(lambda _: Forecast(np.array([[0.5, 0.7]]), np.array([[0.2, 0.2]])), series, [2], [1, 2])
    assert [(row["origin"], row["horizon"]) for row in rows] == [(2, 2)]
    row = rows[0]
    assert row["model_error"] == pytest.approx(0.1)
    assert row["naive_error"] == pytest.approx(0.5)
    assert row["drift_error"] == pytest.approx(0.8 - (0.3 + 2 * 0.15))
    assert row["scale"] == pytest.approx(0.15)
    assert row["inside"]


def test_forecasts_use_nothing_after_their_origin():
    series = np.cumsum(np.random.default_rng(1).standard_normal((2, 25)), axis=1)
    changed = series.copy()
    changed[:, 16:] += 7
    one, two = (rolling_origin(drift_forecaster(y), y, [15], HORIZONS) for y in (series, changed))
    assert [row["forecast"] for row in one] == [row["forecast"] for row in two]
    assert [row["scale"] for row in one] == [row["scale"] for row in two]


def test_a_verdict_needs_an_interval_on_one_side_of_one():
    assert ratio_verdict(0.5, 0.9) == "beats"
    assert ratio_verdict(1.1, 1.4) == "loses"
    assert ratio_verdict(0.9, 1.1) == "indistinguishable"
    assert ratio_verdict(math.nan, math.nan) == "not judged"


def test_few_origins_are_not_judged():
    series = np.cumsum(np.random.default_rng(0).standard_normal((4, 25)), axis=1)
    rows = named(rolling_origin(drift_forecaster(series), series, [12, 15], HORIZONS))
    assert {row["against_naive"] for row in skill_scores(rows, seed=0)} == {"not judged"}
