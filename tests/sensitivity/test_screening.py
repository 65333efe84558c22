"""Elementary effects, rank indices and main effects against closed forms."""

import numpy as np
import pytest

from alliance_dynamics.errors import UsageError
from alliance_dynamics.sensitivity.factors import Column, Factor
from alliance_dynamics.sensitivity.screening import elementary_effects, main_effect, morris_design, rank_first_order

FACTORS = (Factor("a", low=0, high=2), Factor("b", low=-1, high=1), Factor("c", low=10, high=11))


def ishigami(x: np.ndarray) -> np.ndarray:
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_a_linear_model_has_effects_of_slope_times_range_and_no_spread(seed):
    design = morris_design(FACTORS, trajectories=7, levels=6, seed=seed)
    slopes = np.array([3.0, -2.0, 0.5])
    found = elementary_effects(design, design.rows @ slopes)
    np.testing.assert_allclose(found.mean, slopes * [2, 2, 1], rtol=1e-12)
    np.testing.assert_allclose(found.mean_absolute, np.abs(slopes) * [2, 2, 1], rtol=1e-12)
    np.testing.assert_allclose(found.spread, 0, atol=1e-12)


def test_a_product_shows_in_the_spread():
    design = morris_design(FACTORS, trajectories=50, seed=1)
    found = elementary_effects(design, design.rows[:, 0] * design.rows[:, 1])
    assert found.spread[0] > 0.5 and found.spread[1] > 0.5 and found.spread[2] == 0


def test_every_trajectory_moves_every_factor_once_and_stays_in_range():
    design = morris_design(FACTORS, trajectories=9, seed=3)
    steps = np.diff(design.rows.reshape(9, 4, 3), axis=1)
    assert (np.count_nonzero(steps, axis=2) == 1).all() and (np.count_nonzero(steps, axis=1) == 1).all()
    assert (design.rows >= [0, -1, 10]).all() and (design.rows <= [2, 1, 11]).all()


def test_more_trajectories_keep_those_that_were_run():
    few, many = (morris_design(FACTORS, trajectories=count, seed=5).rows for count in (3, 8))
    np.testing.assert_array_equal(few, many[: len(few)])


def test_columns_of_one_factor_move_together():
    pair = Factor("pair", columns=(Column("p", 0, 1), Column("q", 0, 4)))
    design = morris_design((pair, Factor("a", low=0, high=2)), trajectories=5, seed=0)
    found = elementary_effects(design, design.rows[:, 2])
    np.testing.assert_allclose(found.mean_absolute, [0, 2], atol=1e-12)


def test_a_factor_without_effect_may_be_left_out():
    design = morris_design(FACTORS, trajectories=5, seed=0)
    outputs = np.stack([design.rows[:, 0], 100 * design.rows[:, 1]], axis=1)
    assert elementary_effects(design, outputs).survivors() == (("a", "b"), ("c",))


def test_rank_indices_find_ishigami_at_a_hundred_thousand_rows():
    truth = [0.3139051911, 0.4424111448, 0.0]
    errors = []
    for seed in range(5):
        x = np.random.default_rng(seed).uniform(-np.pi, np.pi, (100_000, 3))
        errors.append(rank_first_order(x, ishigami(x)) - truth)
    assert np.sqrt(np.mean(np.square(errors))) < 6e-3


def test_rank_indices_of_an_output_that_does_not_vary_are_undefined():
    x = np.random.default_rng(0).random((100, 2))
    assert np.isnan(rank_first_order(x, np.full((100, 1), 3.0))).all()


@pytest.mark.parametrize(
    ("shape", "direction"),
    [
        (lambda x: 2 * x, "up"),
        (lambda x: -(x**3), "down"),
        (lambda x: (x - 0.5) ** 2, "mixed"),
        (lambda x: 0 * x, "flat"),
    ],
)
def test_main_effects_say_which_way_an_output_moves(shape, direction):
    stream = np.random.default_rng(0)
    x = stream.random(4000)
    found = main_effect(x, shape(x) + 0.01 * stream.standard_normal(4000))
    assert found.direction == direction
    np.testing.assert_allclose(found.means, shape(found.centres), atol=0.01)


def test_wrong_designs_and_outputs_are_refused():
    with pytest.raises(UsageError, match=r"5 levels(.|\n)*1 trajectories(.|\n)*the seed is None"):
        morris_design(FACTORS, trajectories=1, levels=5, seed=None)
    design = morris_design(FACTORS, trajectories=2, seed=0)
    with pytest.raises(UsageError, match="7 rows"):
        elementary_effects(design, np.zeros(7))
    with pytest.raises(UsageError, match="row 3 is not finite"):
        elementary_effects(design, np.array([0, 0, 0, np.nan, 0, 0, 0, 0]))
