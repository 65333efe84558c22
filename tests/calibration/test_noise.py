"""The noise of observations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from alliance_dynamics.calibration.noise import Chains, NoisePriors, fit_noise, log_likelihood
from alliance_dynamics.calibration.noise_sums import NoiseSums

YEARS = np.array([2000.0, 2001, 2002, 2004, 2007, 2008])


@settings(max_examples=30, deadline=None)
@given(phi=st.floats(0.0, 0.97), sigma=st.floats(0.01, 2.0), seed=st.integers(0, 1000))
def test_ar1_equals_the_dense_normal_gaps_included(phi, sigma, seed):
    residuals = np.random.default_rng(seed).standard_normal(len(YEARS))
    chains = Chains.of(np.zeros(6, dtype=np.int64), YEARS, np.zeros(6, dtype=np.int64))
    covariance = sigma**2 * phi ** np.abs(YEARS[:, None] - YEARS)
    dense = multivariate_normal(np.zeros(6), covariance, allow_singular=True).logpdf(residuals)
    ours = log_likelihood(residuals, np.array([sigma]), np.array([phi]), chains)
    assert ours == pytest.approx(dense, rel=1e-10, abs=1e-10)


def test_sums_of_squares_say_the_same_as_the_residuals():
    stream = np.random.default_rng(3)
    years = np.concatenate([YEARS, YEARS])
    group = np.repeat([0, 1], 6)
    chains = Chains.of(group, years, group)
    residuals = stream.standard_normal((5, 12))
    log_sigma, phi = 0.3 * stream.standard_normal((5, 2)), stream.uniform(0, 0.9, (5, 2))
    sums = NoiseSums.of(chains, 2)
    ours = sums.log_likelihood(sums.sums(residuals), log_sigma, phi).sum(axis=1) - 6 * np.log(2 * np.pi)
    assert ours == pytest.approx(log_likelihood(residuals, np.exp(log_sigma), phi, chains), rel=1e-12)
    columns, x = stream.standard_normal((12, 3)), stream.standard_normal(3)
    assert x @ sums.products(columns) @ x == pytest.approx(sums.sums((columns @ x)[None, :])[0], rel=1e-12)


def test_deleting_points_equals_dropping_their_terms():
    residuals = np.random.default_rng(0).standard_normal(6)
    group = np.zeros(6, dtype=np.int64)
    kept = [0, 2, 5]
    whole = Chains.of(np.arange(6), YEARS, group)
    part = Chains.of(np.arange(6)[kept], YEARS[kept], group[kept])
    sigma, phi = np.array([0.3]), np.array([0.0])
    terms = [log_likelihood(residuals[[i]], sigma, phi, Chains.of(np.array([0]), YEARS[[i]], group[[i]])) for i in kept]
    assert log_likelihood(residuals[kept], sigma, phi, part) == pytest.approx(sum(terms), rel=1e-14)
    assert whole.before.max() == -1


def test_the_order_of_the_points_does_not_matter():
    residuals = np.random.default_rng(1).standard_normal(6)
    group = np.zeros(6, dtype=np.int64)
    order = np.array([3, 1, 5, 0, 2, 4])
    args = np.array([0.4]), np.array([0.7])
    straight = log_likelihood(residuals, *args, Chains.of(group, YEARS, group))
    mixed = log_likelihood(residuals[order], *args, Chains.of(group, YEARS[order], group))
    assert mixed == pytest.approx(straight, rel=1e-13)


def test_sigma_and_phi_are_found_again():
    stream = np.random.default_rng(2)
    n, phi, sigma = 4000, 0.6, 0.2
    x = np.empty(n)
    x[0] = sigma * stream.standard_normal()
    for t in range(1, n):
        x[t] = phi * x[t - 1] + sigma * np.sqrt(1 - phi**2) * stream.standard_normal()
    zeros = np.zeros(n, dtype=np.int64)
    found = fit_noise(x, Chains.of(zeros, np.arange(n, dtype=float), zeros), NoisePriors.flat(1))
    assert found[0][0] == pytest.approx(sigma, rel=0.06)
    assert found[1][0] == pytest.approx(phi, abs=0.05)
