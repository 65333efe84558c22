"""Fitting and sampling on a problem whose answer is known in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from alliance_dynamics.calibration.diagnostics import r_hat
from alliance_dynamics.calibration.fit import Task, fit, jacobian
from alliance_dynamics.calibration.likelihood import Points, Priors
from alliance_dynamics.calibration.linear_sampler import SMALL
from alliance_dynamics.calibration.naive import drift, last_value
from alliance_dynamics.calibration.noise import Chains, NoisePriors
from alliance_dynamics.calibration.posterior import sample_posterior
from alliance_dynamics.calibration.predictive import coverage, predictive_band
from alliance_dynamics.calibration.sampler import sample

YEARS = np.arange(2001, 2023)


class Line:
    """ln s = a + b t for one series."""

    structural = 2

    def log_predicted(self, values):
        return values[:, [0]] + values[:, [1]] * (YEARS - 2000)

    def log_slopes(self, values):
        design = np.column_stack([np.ones(22), YEARS - 2000.0])
        return self.log_predicted(values), np.broadcast_to(design, (len(values), 22, 2))


def line_task(noise=0.05, seed=0):
    stream = np.random.default_rng(seed)
    breaks = (YEARS >= 2010).astype(float)[:, None]
    log_value = 1.0 + 0.04 * (YEARS - 2000) + 0.3 * breaks[:, 0] + noise * stream.standard_normal(22)
    zeros = np.zeros(22, dtype=np.int64)
    points = Points(zeros, YEARS, log_value, breaks, Chains.of(zeros, YEARS.astype(float), zeros))
    infinite = np.full(3, np.inf)
    priors = Priors(("a", "b", "break"), np.array([-5.0, -1, -2]), np.array([5.0, 1, 2]), np.zeros(3), infinite)
    return Task(Line(), points, priors, NoisePriors.flat(1, most_phi=0.0)), log_value, breaks


def test_the_fit_of_a_line_is_ordinary_least_squares():
    task, log_value, breaks = line_task()
    design = np.column_stack([np.ones(22), YEARS - 2000, breaks])
    expected = np.linalg.lstsq(design, log_value, rcond=None)[0]
    found = fit(task, np.zeros(3), starts=8, seed=0)
    assert found.values == pytest.approx(expected, abs=1e-7)
    assert np.ptp([start.objective for start in found.starts]) < 1e-6


def test_the_jacobian_of_the_residuals_is_minus_the_design():
    task, _, breaks = line_task()
    expected = -np.column_stack([np.ones(22), YEARS - 2000, breaks])
    assert jacobian(task, np.array([1.0, 0.04, 0.3])) == pytest.approx(expected, rel=1e-6)


def test_the_same_seed_gives_the_same_fit():
    task, _, _ = line_task()
    one, two = (fit(task, np.zeros(3), starts=5, seed=0) for _ in range(2))
    assert one.values.tobytes() == two.values.tobytes()
    assert [s.objective for s in one.starts] == [s.objective for s in two.starts]


def test_the_posterior_of_a_line_has_the_classical_spread():
    task, _, breaks = line_task()
    found = fit(task, np.zeros(3), starts=2, seed=0)
    draws = sample_posterior(task, found, draws=2000, generations=150, chains=16, seed=0)
    design = np.column_stack([np.ones(22), YEARS - 2000, breaks])
    residual = task.residuals(found.values[None])[0]
    classical = np.sqrt(np.diag(np.linalg.inv(design.T @ design)) * (residual @ residual) / 19)
    # with p(sigma) ~ 1 / sigma the marginal posterior is a t distribution with 19 degrees of freedom
    assert draws.values.std(axis=0) == pytest.approx(classical * np.sqrt(19 / 17), rel=0.15)
    assert draws.passed
    assert draws.accepted > 0.9  # the stand-ins are the model itself here


def test_draws_do_not_depend_on_the_number_of_threads():
    task, _, _ = line_task()
    found = fit(task, np.zeros(3), starts=2, seed=0)
    assert 4 * 240 * task.points.count > SMALL
    one, two = (
        sample_posterior(task, found, draws=50, generations=4, chains=240, seed=0, jobs=jobs) for jobs in (1, 2)
    )
    assert one.values.tobytes() == two.values.tobytes() and one.sigma.tobytes() == two.sigma.tobytes()


def test_the_sampler_finds_a_correlated_normal():
    covariance = np.array([[1.0, 0.8], [0.8, 1.0]])
    inverse = np.linalg.inv(covariance)
    starts, archive = np.random.default_rng(0).standard_normal((2, 4, 12, 2))
    chains = sample(
        lambda rows: -0.5 * np.einsum("ri,ij,rj->r", rows, inverse, rows),
        starts,
        archive,
        generations=2500,
        burn_in=500,
        thin=5,
        seed=0,
    )
    values = chains.values.reshape(-1, 2)
    assert np.cov(values.T) == pytest.approx(covariance, abs=0.1)
    assert all(r_hat(chains.values.reshape(4, -1, 2)[:, :, i]) < 1.02 for i in range(2))


def test_r_hat_sees_ensembles_that_disagree():
    stream = np.random.default_rng(0)
    same = stream.standard_normal((4, 500))
    assert r_hat(same) < 1.02
    assert r_hat(same + np.arange(4)[:, None]) > 1.2


def test_a_forecast_starts_at_the_last_observation_and_widens_to_the_stationary_spread():
    years = np.arange(2020, 2041)
    paths = np.zeros((500, 1, 21))
    observed = np.full((1, 21), np.nan)
    observed[0, :3] = 0.5
    sigma, phi = np.full((500, 1), 0.2), np.full((500, 1), 0.9)
    band = predictive_band(paths, sigma, phi, years, observed, seed=0)
    width = np.log(band.q95 / band.q05)[0]
    assert np.log(band.q50[0, 3]) == pytest.approx(0.9 * 0.5, abs=0.01)
    assert np.all(np.diff(width[3:]) > 0)
    assert width[0] == pytest.approx(2 * 1.6449 * 0.2, rel=0.02)
    assert width[3] == pytest.approx(2 * 1.6449 * 0.2 * np.sqrt(1 - 0.81), rel=0.02)


def test_the_band_covers_nine_in_ten_new_observations():
    stream = np.random.default_rng(3)
    paths = np.zeros((200, 40, 20))
    none = np.full((40, 20), np.nan)
    band = predictive_band(paths, np.full((200, 40), 0.3), np.zeros((200, 40)), np.arange(20), none, seed=0)
    assert coverage(band, np.exp(0.3 * stream.standard_normal((40, 20)))) == pytest.approx(0.9, abs=0.03)


def test_naive_forecasts_by_hand():
    observed = np.array([[0.0, 0.1, np.nan, 0.3, 5.0]])
    assert last_value(observed, 3, 2) == pytest.approx([0.3])
    assert drift(observed, 3, 2) == pytest.approx([0.5])
    assert np.isnan(drift(np.full((1, 3), np.nan), 2, 1))[0]


def test_quantiles_of_a_prior_respect_its_bounds():
    priors = Priors(("x", "y"), np.zeros(2), np.array([1.0, 10.0]), np.array([0.5, 0.0]), np.array([1.0, np.inf]))
    values = priors.quantile(np.array([[0.0, 0.0], [0.5, 0.25], [1.0, 1.0]]))
    assert values == pytest.approx(np.array([[0, 0], [0.5, 2.5], [1, 10]]), abs=1e-9)
