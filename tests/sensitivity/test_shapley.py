"""Shapley effects against the closed forms of Gaussian sums."""

import numpy as np
import pytest

from alliance_dynamics.errors import UsageError
from alliance_dynamics.sensitivity.shapley import copula_of, gaussian_inputs, shapley_effects


def total(x: np.ndarray) -> np.ndarray:
    return x.sum(axis=1)


def three(rho: float):
    covariance = np.array([[1, 0, 0], [0, 1, 2 * rho], [0, 2 * rho, 4]])
    return gaussian_inputs("abc", np.zeros(3), covariance)


@pytest.mark.parametrize(
    ("rho", "truth"),
    [
        (0.5, [0.125, 0.296875, 0.578125]),
        (0.9, [0.10416667, 0.41822917, 0.47760417]),
        (-0.9, [0.41666667, 0.17291667, 0.41041667]),
    ],
)
def test_three_gaussians_at_a_hundred_thousand_runs(rho, truth):
    """Iooss and Prieur 2019."""
    for seed in range(4):
        found = shapley_effects(total, three(rho), runs=100_000, seed=seed)
        assert found.effects.sum() == pytest.approx(1, abs=1e-12)
        assert found.runs <= 100_000
        np.testing.assert_allclose(found.effects, truth, atol=0.01)
        assert (np.abs(found.effects - truth) < 2.5 * found.half_width).all()


@pytest.mark.parametrize(("rho", "first"), [(0.0, 0.2), (0.5, 0.33928571), (0.9, 0.46686047)])  # Owen and Prieur 2017
def test_two_gaussians(rho, first):
    inputs = gaussian_inputs("ab", np.zeros(2), np.array([[1, 2 * rho], [2 * rho, 4]]))
    found = shapley_effects(total, inputs, runs=200_000, seed=0)
    np.testing.assert_allclose(found.effects, [first, 1 - first], atol=0.01)


def test_independent_ishigami_with_uniform_margins():
    draws = np.random.default_rng(0).uniform(-np.pi, np.pi, (20_000, 3))

    def ishigami(x):
        return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])

    found = shapley_effects(ishigami, copula_of("abc", draws), runs=200_000, seed=1)
    np.testing.assert_allclose(found.effects, [0.4357470232, 0.4424111448, 0.1218418320], atol=0.02)


def test_a_dozen_inputs_share_a_linear_sum_by_their_squares():
    size = 12
    weights = np.arange(1.0, size + 1)
    covariance = 0.3 + 0.7 * np.eye(size)
    inputs = gaussian_inputs([f"x{i}" for i in range(size)], np.zeros(size), covariance)
    found = shapley_effects(lambda x: x @ weights, inputs, runs=60_000, seed=0)
    apart = gaussian_inputs([f"x{i}" for i in range(size)], np.zeros(size), np.eye(size))
    independent = shapley_effects(lambda x: x @ weights, apart, runs=60_000, seed=0)
    assert found.effects.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(independent.effects, weights**2 / (weights**2).sum(), atol=0.02)


def test_the_same_seed_gives_the_same_bits_and_zero_is_a_seed():
    one, two = (shapley_effects(total, three(0.5), runs=2000, seed=0).effects for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, shapley_effects(total, three(0.5), runs=2000, seed=1).effects)


def test_a_copula_gives_back_margins_and_correlation():
    stream = np.random.default_rng(2)
    z = stream.standard_normal((5000, 2)) @ np.array([[1, 0.8], [0, 0.6]])
    inputs = copula_of("ab", np.exp(z))
    scores = stream.standard_normal((5000, 2)) @ np.linalg.cholesky(inputs.correlation).T
    again = inputs.values(scores)
    assert np.corrcoef(np.log(again).T)[0, 1] == pytest.approx(0.8, abs=0.03)
    np.testing.assert_allclose(
        np.quantile(again, [0.1, 0.5, 0.9], axis=0), np.quantile(np.exp(z), [0.1, 0.5, 0.9], axis=0), rtol=0.1
    )


def test_inputs_that_repeat_each_other_and_too_few_runs_are_refused():
    with pytest.raises(UsageError, match="repeat each other"):
        gaussian_inputs("ab", np.zeros(2), np.ones((2, 2)))
    with pytest.raises(UsageError, match="5 runs are too few for 3 inputs"):
        shapley_effects(total, three(0.5), runs=5, seed=0)
    with pytest.raises(UsageError, match="does not vary"):
        shapley_effects(lambda x: np.zeros(len(x)), three(0.5), runs=2000, seed=0)
    with pytest.raises(UsageError, match="twice as many draws"):
        copula_of("ab", np.zeros((3, 2)))
