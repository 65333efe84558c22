"""Regret, satisficing, ranks and tipping points, worked out by hand."""

import numpy as np
import pytest

from alliance_dynamics.errors import UsageError
from alliance_dynamics.sensitivity.robustness import robustness, tipping_point

TWO = np.array([[4.0, 1.0, 3.0], [2.0, 5.0, 3.0]])


def test_two_policies_and_three_futures_by_hand():
    found = robustness(["traditional", "alliance"], TWO, threshold=3)
    np.testing.assert_array_equal(found.largest_regret, [4, 2])
    np.testing.assert_allclose(found.mean_regret, [4 / 3, 2 / 3])
    np.testing.assert_allclose(found.satisfied, [2 / 3, 2 / 3])
    np.testing.assert_allclose(found.mean, [8 / 3, 10 / 3])
    np.testing.assert_allclose(found.ranks, [[0.5, 0.5], [0.5, 0.5]])


def test_where_less_is_better_the_signs_turn():
    found = robustness(["one", "two"], TWO, threshold=3, more_is_better=False)
    np.testing.assert_array_equal(found.largest_regret, [2, 4])
    np.testing.assert_allclose(found.satisfied, [2 / 3, 2 / 3])
    np.testing.assert_allclose(found.tenth, np.quantile(TWO, 0.9, axis=1))


def test_ranks_of_every_policy_and_every_rank_sum_to_one():
    outcomes = np.round(np.random.default_rng(0).random((5, 40)), 1)  # with many that are level
    ranks = robustness(list("abcde"), outcomes).ranks
    np.testing.assert_allclose(ranks.sum(axis=0), 1)
    np.testing.assert_allclose(ranks.sum(axis=1), 1)


def test_a_lever_tips_where_the_gap_crosses_zero():
    settings = np.array([0.0, 1.0, 2.0])
    gaps = np.array([[-1.0, -3.0, 1.0], [1.0, -1.0, 2.0], [2.0, 1.0, 3.0]])
    found = tipping_point(settings, gaps)
    assert found.value == 0.5
    assert found.crossing == pytest.approx(2 / 3)
    np.testing.assert_allclose([found.low, found.high], np.quantile([0.5, 1.5], [0.05, 0.95]))
    np.testing.assert_allclose(found.better, [1 / 3, 2 / 3, 1])


def test_a_lever_that_never_tips_has_no_tipping_point():
    found = tipping_point(np.array([0.0, 1.0]), np.array([[1.0, 2.0], [2.0, 1.0]]))
    assert np.isnan([found.value, found.low, found.high]).all() and found.crossing == 0


def test_a_gap_that_stays_at_zero_is_no_crossing():
    assert np.isnan(tipping_point(np.array([0.0, 1.0, 2.0]), np.array([[0.0], [0.0], [2.0]])).value)
    assert tipping_point(np.array([0.0, 1.0, 2.0]), np.array([[-1.0], [0.0], [2.0]])).value == 1.0


def test_wrong_shapes_and_failed_runs_are_refused():
    with pytest.raises(UsageError, match="2 rows"):
        robustness(["one"], TWO)
    with pytest.raises(UsageError, match="row 1 is not finite"):
        robustness(["one", "two"], np.array([[1.0, 2.0], [np.inf, 1.0]]))
    with pytest.raises(UsageError, match="do not increase"):
        tipping_point(np.array([1.0, 0.0]), TWO)
