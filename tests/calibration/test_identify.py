"""Pools, profiles without a parameter's own prior, and the information matrix, on models with closed forms."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy import stats

from alliance_dynamics.calibration.fit import Task, fit
from alliance_dynamics.calibration.identify import identify
from alliance_dynamics.calibration.likelihood import Points, Priors, Shared
from alliance_dynamics.calibration.noise import Chains, NoisePriors


@dataclass(frozen=True)
class Linear:
    """ln s = x @ values: everything about it is known in closed form."""

    x: np.ndarray

    @property
    def structural(self) -> int:
        return self.x.shape[1]

    def log_predicted(self, values):
        return values @ self.x.T

    def log_slopes(self, values):
        return self.log_predicted(values), np.broadcast_to(self.x, (len(values), *self.x.shape))


def task_of(x, y, priors, sigma=0.1) -> Task:
    """Errors with the standard deviation `sigma`, known, independent."""
    one, count = np.ones(1), len(y)
    chains = Chains.of(np.arange(count), np.zeros(count), np.zeros(count, dtype=np.int64))
    points = Points(np.zeros(count, dtype=np.int64), np.arange(count), y, np.zeros((count, 0)), chains)
    noise = NoisePriors(math.log(sigma) * one, 1e-6 * one, sigma * 0.999 * one, sigma * 1.001 * one, 0 * one,
                        np.inf * one, 0 * one)  # fmt: skip
    return Task(Linear(x), points, priors, noise)


def priors_of(size, *, deviation=np.inf, pools=()) -> Priors:
    names = tuple(f"p{j}" for j in range(size))
    return Priors(names, np.full(size, -10.0), np.full(size, 10.0), np.zeros(size), np.full(size, deviation), pools)


@pytest.fixture
def stream():
    return np.random.default_rng(11)


def test_a_pool_is_the_normal_distribution_with_a_common_part(stream):
    """The density of members is that of centre + own part with the centre integrated out."""
    common, own = 0.3, 0.4
    deviation = math.hypot(common, own)
    pooled = priors_of(3, deviation=deviation, pools=(Shared((0, 1, 2), common**2),))
    covariance = common**2 + own**2 * np.eye(3)
    values = stream.normal(size=(5, 3))
    exact = stats.multivariate_normal(np.zeros(3), covariance).logpdf(values)
    found = pooled.log_density(values)
    np.testing.assert_allclose(np.diff(found), np.diff(exact), rtol=1e-12)
    np.testing.assert_allclose(np.linalg.inv(pooled.precision), covariance, rtol=1e-12)
    alone = stats.norm(0, deviation)
    np.testing.assert_allclose(pooled.quantile(np.full(3, 0.3)), alone.ppf(0.3), rtol=1e-9)


def test_draws_of_a_pool_have_its_covariance():
    pooled = priors_of(3, deviation=0.5, pools=(Shared((0, 1, 2), 0.09),))
    stream = np.random.default_rng(0)
    draws = np.array([pooled.draw(stream) for _ in range(20_000)])
    np.testing.assert_allclose(np.cov(draws.T), 0.09 + 0.16 * np.eye(3), atol=0.008)


def test_no_common_part_is_separate_fits_and_no_own_part_is_one_value(stream):
    """Scale to infinity: every member alone; scale to 0: one value, as if there were one parameter."""
    groups, each = 3, 12
    x = np.kron(np.eye(groups), np.ones((each, 1)))
    y = x @ np.array([0.2, 0.5, 0.9]) + 0.1 * stream.normal(size=groups * each)
    means = y.reshape(groups, each).mean(axis=1)
    wide = 50.0

    def best(priors):
        return fit(task_of(x, y, priors), np.zeros(groups), starts=1, seed=0).values

    apart = best(priors_of(groups, deviation=wide, pools=(Shared((0, 1, 2), 1e-9),)))
    np.testing.assert_allclose(apart, means, atol=1e-6)
    together = best(priors_of(groups, deviation=wide, pools=(Shared((0, 1, 2), wide**2 - 1e-9),)))
    np.testing.assert_allclose(together, y.mean(), atol=1e-4)
    own, common = 0.2, 0.4
    partly = best(priors_of(groups, deviation=math.hypot(own, common), pools=(Shared((0, 1, 2), common**2),)))
    precision = np.linalg.inv(common**2 + own**2 * np.eye(groups)) + each / 0.1**2 * np.eye(groups)
    np.testing.assert_allclose(partly, np.linalg.solve(precision, each / 0.1**2 * means), atol=1e-6)


def test_the_profile_of_a_linear_model_is_its_exact_interval(stream):
    count = 40
    x = np.column_stack([np.ones(count), np.linspace(-1, 1, count)])
    y = x @ np.array([0.4, -0.7]) + 0.1 * stream.normal(size=count)
    task = task_of(x, y, priors_of(2))
    best = fit(task, np.zeros(2), starts=1, seed=0)
    found = identify(task, best, logarithmic=np.zeros(2, dtype=bool), seed=0)
    cut = 0.5 * stats.f.ppf(0.95, 1, count - 2) * count / (count - 2)
    assert found.cut == pytest.approx(cut, rel=1e-12)
    covariance = best.sigma[0] ** 2 * np.linalg.inv(x.T @ x)
    exact = np.linalg.lstsq(x, y, rcond=None)[0]
    for j, each in enumerate(found.profiles):
        half = math.sqrt(2 * cut * covariance[j, j])
        assert each.verdict == "identified"
        assert (each.low, each.high) == pytest.approx((exact[j] - half, exact[j] + half), abs=1e-4 * half)
        rise = (each.values - exact[j]) ** 2 / (2 * covariance[j, j])
        np.testing.assert_allclose(each.rise, rise, atol=1e-6 + 1e-6 * rise.max())
    assert found.information.rank == found.information.structural_rank == 2


def test_a_prior_of_its_own_does_not_narrow_a_profile(stream):
    """A tight prior on one parameter leaves its own profile as wide as the data say."""
    count = 40
    x = np.column_stack([np.ones(count), np.linspace(-1, 1, count)])
    y = x @ np.array([0.4, -0.7]) + 0.1 * stream.normal(size=count)
    free = priors_of(2)
    tight = replace(free, deviation=np.array([np.inf, 1e-3]))
    profiles = []
    for priors in (free, tight):
        task = task_of(x, y, priors)
        best = fit(task, np.zeros(2), starts=1, seed=0)
        profiles.append(identify(task, best, logarithmic=np.zeros(2, dtype=bool), seed=0).of("p1"))
    width = [each.high - each.low for each in profiles]
    assert width[1] == pytest.approx(width[0], rel=0.15)  # the noise was estimated around another best fit
    assert profiles[1].best == pytest.approx(profiles[0].best, abs=1e-6)


def test_what_only_a_sum_determines_is_said(stream):
    count = 30
    x = np.column_stack([np.ones(count), np.ones(count), np.linspace(-1, 1, count), np.zeros(count)])
    y = x @ np.array([0.2, 0.3, 0.5, 0.0]) + 0.1 * stream.normal(size=count)
    wide = replace(priors_of(4), lower=np.array([-10.0, -30, -10, -10]), upper=np.array([10.0, 30, 10, 10]))
    task = task_of(x, y, wide)
    best = fit(task, np.zeros(4), starts=1, seed=0)
    found = identify(task, best, logarithmic=np.zeros(4, dtype=bool), seed=0)
    assert found.information.rank == found.information.structural_rank == 2
    verdicts = {each.name: each.verdict for each in found.profiles}
    assert verdicts["p0"] == verdicts["p3"] == "structurally not identified"
    assert verdicts["p1"] == "identified"  # through the bounds of p0
    assert verdicts["p2"] == "identified"
    assert found.of("p0").partners == ("p1",)


def test_a_bound_inside_the_cut_gives_a_one_sided_interval(stream):
    count = 40
    x = np.ones((count, 1))
    y = x @ np.array([0.02]) + 0.1 * stream.normal(size=count)
    priors = replace(priors_of(1), lower=np.array([0.0]), upper=np.array([1.0]))
    task = task_of(x, y, priors)
    best = fit(task, np.array([0.5]), starts=1, seed=0)
    each = identify(task, best, logarithmic=np.zeros(1, dtype=bool), seed=0).of("p0")
    assert each.verdict == "one-sided"
    assert each.low is None
    assert 0.02 < each.high < 0.2
