"""Regimes against a baseline: cases counted by hand, and what must hold for any draws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from alliance_dynamics.compare import (
    Outcome,
    compare_values,
    percent_gaps,
    probability_best,
    rank_probabilities,
    regrets,
    share_better,
    verdict,
)
from alliance_dynamics.errors import RunError, UsageError

GRP = Outcome("grp", "GRP", "ВРП", "bn RUB", better=1)
DELAY = Outcome("delay", "Decision delay", "Срок решения", "year", better=-1)
numbers = st.one_of(st.floats(-100, 100), st.integers(-3, 3).map(float))


def draws_of(regimes, draws):
    return arrays(float, (regimes, draws), elements=numbers)


def compared(values, *, outcome=GRP, regimes=("R1", "R3"), **options):
    """One outcome in one year from values [regime, draw]."""
    options = {"baseline": "R1"} | options
    return compare_values({outcome.name: np.asarray(values, float)[:, :, None]}, [outcome], regimes=regimes,
                          years=[2040], **options)  # fmt: skip


# By hand


def test_the_gap_is_the_median_over_draws_of_the_paired_gap():
    card = compared([[100, 200, 400], [101, 206, 404]])
    (record,) = card.summary
    assert list(record) == ["regime", "baseline", "outcome", "unit", "year", "gap", "gap_low", "gap_high",
                            "gap_percent", "gap_percent_low", "gap_percent_high", "share_better", "verdict",
                            "draws"]  # fmt: skip
    assert (record["regime"], record["baseline"], record["outcome"], record["year"]) == ("R3", "R1", "grp", 2040)
    assert record["gap"] == 4  # gaps 1, 6, 4
    assert record["gap_low"] == pytest.approx(1.3)
    assert record["gap_high"] == pytest.approx(5.8)
    assert record["gap_percent"] == pytest.approx(1.0)  # 1 %, 3 %, 1 %
    assert record["gap_percent_high"] == pytest.approx(2.8)
    assert record["share_better"] == 1


def test_pairing_matters_the_same_numbers_in_another_order_are_another_answer():
    base, better = np.linspace(0, 100, 101), np.linspace(0, 100, 101) + 1
    paired = compared([base, better]).summary[0]
    shuffled = compared([base, better[::-1]]).summary[0]
    assert (paired["verdict"], paired["share_better"], paired["gap_high"]) == ("better", 1, pytest.approx(1))
    assert shuffled["verdict"] == "indistinguishable"
    assert shuffled["gap_high"] > 50
    levels = [record["level"] for record in compared([base, better]).table]
    assert levels == [record["level"] for record in compared([base, better[::-1]]).table]


def test_less_is_better_turns_the_share_and_keeps_the_gap():
    values = [np.full(20, 1.0), np.full(20, 0.8)]
    up, down = compared(values), compared(values, outcome=DELAY)
    assert up.summary[0]["gap"] == down.summary[0]["gap"] == pytest.approx(-0.2)
    assert (up.summary[0]["verdict"], down.summary[0]["verdict"]) == ("worse", "better")
    assert [record["best"] for record in down.table] == [0, 1]


def test_equal_draws_count_half_and_rounding_is_equal():
    assert share_better(np.array([1.0, 2.0, 3.0, 0.0]), np.array([1.0, 1.0, 4.0, 0.0]), 1) == 0.5
    assert share_better(np.array([0.1 + 0.2]), np.array([0.3]), 1) == 0.5
    assert compared([np.ones(50), np.ones(50)]).summary[0]["verdict"] == "indistinguishable"


@pytest.mark.parametrize(
    ("share", "draws", "word"),
    [(0.9, 100, "better"), (0.89, 100, "indistinguishable"), (0.5, 100, "indistinguishable"), (0.1, 100, "worse"),
     (0.11, 100, "indistinguishable"), (1.0, 10, "better"), (1.0, 9, "not judged"), (0.0, 1, "not judged")],
)  # fmt: skip
def test_the_word_needs_ninety_per_cent_of_at_least_ten_draws(share, draws, word):
    assert verdict(share, draws) == word


def test_best_ranks_and_regret_of_three_regimes_in_four_draws():
    values = np.array([[3.0, 1.0, 2.0, 5.0], [2.0, 2.0, 2.0, 5.0], [1.0, 3.0, 0.0, 5.0]])
    third = 1 / 3
    assert rank_probabilities(values, 1) == pytest.approx(
        np.array([[1 + 0.5 + third, 0.5 + third, 1 + third], [0.5 + third, 2 + 0.5 + third, third],
                  [1 + third, third, 2 + third]]) / 4
    )  # fmt: skip
    assert regrets(values, 1).tolist() == [[0, 2, 0, 0], [1, 1, 0, 0], [2, 0, 2, 0]]
    assert regrets(values, -1).tolist() == [[2, 0, 2, 0], [1, 1, 2, 0], [0, 2, 0, 0]]
    table = compared(values, regimes=("R1", "R2", "R3")).table
    assert [record["regret_mean"] for record in table] == [0.5, 0.5, 1]
    assert [record["regret_max"] for record in table] == [2, 1, 2]


def test_percent_of_a_negative_baseline_keeps_the_sign_of_the_gap():
    assert percent_gaps(np.array([-50.0]), np.array([-100.0])) == pytest.approx([50])
    assert percent_gaps(np.array([-150.0]), np.array([-100.0])) == pytest.approx([-50])


def test_no_percent_where_the_baseline_is_zero_or_has_both_signs():
    for base in ([0.0, 1.0], [-1.0, 1.0], [0.0, 0.0]):
        card = compared([base, [1.0, 2.0]])
        assert card.summary[0]["gap_percent"] is None
        assert card.summary[0]["gap_percent_low"] is None
        assert "has no percentage" in str(card)


def test_years_elements_and_outcomes_each_have_their_record():
    rng = np.random.default_rng(0)
    shape = (3, 40, 4, 2)
    values = {"grp": rng.normal(100, 1, shape), "delay": rng.normal(1, 0.1, shape)}
    card = compare_values(values, [GRP, DELAY], regimes=["R1", "R2", "R3"], years=[2025, 2030, 2040, 2050],
                          baseline="R2", at=[2030, 2050], elements=["Tatarstan", "Samara"])  # fmt: skip
    assert len(card.summary) == 2 * 2 * 2 * 2
    assert len(card.table) == 2 * 2 * 2 * 3
    assert card.years == (2030, 2050)
    found = next(r for r in card.summary if (r["outcome"], r["year"], r["element"], r["regime"])
                 == ("delay", 2050, "Samara", "R3"))  # fmt: skip
    assert found["gap"] == np.median(values["delay"][2, :, 3, 1] - values["delay"][1, :, 3, 1])
    assert "delay[Samara] in 2050, year" in str(card)


def test_the_last_year_is_reported_unless_others_are_asked_for():
    values = {"grp": np.arange(8.0).reshape(2, 1, 4)}
    card = compare_values(values, [GRP], regimes=["R1", "R3"], years=[2025, 2030, 2040, 2050], baseline="R1")
    assert [record["level"] for record in card.table] == [3, 7]


def test_the_print_says_how_surely():
    rng = np.random.default_rng(1)
    base = rng.normal(100, 5, 200)
    text = str(compared([base, base + rng.normal(1, 0.2, 200)]))
    assert "Against R1, 200 common draws" in text
    assert "grp in 2040, bn RUB" in text
    assert "better, better in 100% of draws" in text
    assert "too few to judge" in str(compared([[1.0], [2.0]]))


# For any draws


@settings(deadline=None, max_examples=100)
@given(draws_of(2, 12))
def test_exchanging_the_two_turns_every_answer_round(values):
    there = compared(values, regimes=("a", "b"), baseline="a").summary[0]
    back = compared(values, regimes=("a", "b"), baseline="b").summary[0]
    assert there["gap"] == pytest.approx(-back["gap"], abs=1e-9)
    assert there["gap_low"] == pytest.approx(-back["gap_high"], abs=1e-9)
    assert there["share_better"] + back["share_better"] == pytest.approx(1)
    opposite = {"better": "worse", "worse": "better", "indistinguishable": "indistinguishable"}
    assert there["verdict"] == opposite[back["verdict"]]


@settings(deadline=None, max_examples=100)
@given(draws_of(4, 7), st.sampled_from([1, -1]))
def test_every_regime_has_one_rank_and_every_rank_one_regime(values, better):
    ranks = rank_probabilities(values, better)
    assert ranks.sum(axis=0) == pytest.approx(np.ones(4))
    assert ranks.sum(axis=1) == pytest.approx(np.ones(4))
    assert ranks == pytest.approx(rank_probabilities(-values, -better))
    assert probability_best(values, better) == pytest.approx(rank_probabilities(values, -better)[:, -1])


@settings(deadline=None, max_examples=100)
@given(draws_of(4, 7), st.sampled_from([1, -1]), st.permutations(range(7)))
def test_regret_is_never_negative_some_regime_has_none_and_the_order_of_draws_is_nothing(values, better, order):
    regret = regrets(values, better)
    assert regret.min() >= 0
    assert np.array_equal(regret.min(axis=0), np.zeros(7))
    assert np.array_equal(regrets(values[:, order], better), regret[:, order])
    assert share_better(values[0], values[1], better) == share_better(values[0][order], values[1][order], better)


@settings(deadline=None, max_examples=50)
@given(draws_of(2, 12), st.floats(0.1, 10))
def test_another_unit_changes_gaps_by_its_factor_and_no_share(values, factor):
    plain, scaled = compared(values).summary[0], compared(values * factor).summary[0]
    assert scaled["gap"] == pytest.approx(factor * plain["gap"], abs=1e-9)
    assert scaled["share_better"] == plain["share_better"]


@settings(deadline=None, max_examples=50)
@given(draws_of(2, 12))
def test_two_regimes_are_best_as_often_as_one_is_better(values):
    card = compared(values)
    assert card.table[1]["best"] == pytest.approx(card.summary[0]["share_better"])


# Refusals


def test_a_failed_run_is_named_with_regime_draw_outcome_and_year():
    values = np.ones((2, 30))
    values[1, 4] = np.nan
    with pytest.raises(RunError, match=r"draw 4 of `R3` gave nan for grp in 2040"):
        compared(values)
    with pytest.raises(RunError, match="10 further values"):
        compared(np.full((2, 15), np.inf))


def test_a_dropped_draw_is_dropped_in_every_regime_and_counted():
    rng = np.random.default_rng(2)
    values = rng.normal(size=(3, 30))
    clean = np.delete(values, 4, axis=1)
    values[1, 4] = np.nan
    card = compared(values, regimes=("R1", "R2", "R3"), on_fail="drop_draw")
    without = compared(clean, regimes=("R1", "R2", "R3"))
    assert card.summary == without.summary
    assert card.table == without.table
    assert (card.draws, card.dropped) == (29, 1)
    assert "1 of 30 draws" in str(card)
    with pytest.raises(RunError, match="every draw"):
        compared(np.full((2, 3), np.nan), on_fail="drop_draw")


def test_a_failure_in_a_year_that_is_not_reported_does_not_matter():
    values = np.ones((2, 12, 2))
    values[0, 0, 1] = np.nan
    compare_values({"grp": values}, [GRP], regimes=["R1", "R3"], years=[2030, 2040], baseline="R1", at=[2030])


def test_everything_wrong_with_a_call_is_said_at_once():
    with pytest.raises(UsageError) as caught:
        compare_values({"grp": np.ones((2, 5, 1)), "delay": np.ones((3, 4, 1))},
                       [GRP, Outcome("delay", better=0), Outcome("grpp")], regimes=["R1", "R3"], years=[2040],
                       baseline="R2", at=[2041], on_fail="drop")  # fmt: skip
    text = str(caught.value)
    for part in ("no regime `R2`", "`delay` is better 0", "no values of `grpp`. Did you mean `grp`",
                 "nearest saved year", "shape (3, 4, 1)", "draws", "on_fail `drop`"):  # fmt: skip
        assert part in text
