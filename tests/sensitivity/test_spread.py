"""What sampled runs show without indices, on outputs with closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from alliance_dynamics.sensitivity.spread import BINS, Sample, effect_rows, first_look, joined, outcome_rows


def sample(runs: int = 20_000, seed: int = 0) -> Sample:
    inputs = np.random.default_rng(seed).random((runs, 3))
    gaps = np.stack([3 * inputs[:, 0] - inputs[:, 1], 2 * inputs[:, 1]], axis=1)[:, :, None]
    return Sample(("a", "b"), ("c",), ("first", "second"), ("m", ""), (2040,), inputs, gaps)


def test_outcomes_have_their_moments():
    row = outcome_rows(sample())[0]
    assert row["mean"] == pytest.approx(1.0, abs=0.02)
    assert row["sd"] == pytest.approx(np.sqrt(10 / 12), abs=0.02)
    assert row["unit"] == "m" and row["failed"] == 0 and row["runs"] == 20_000
    other = outcome_rows(sample())[1]
    assert (other["q05"], other["q50"], other["q95"]) == pytest.approx((0.1, 1.0, 1.9), abs=0.02)


def test_a_main_effect_is_the_line_that_it_is():
    rows = [row for row in effect_rows(sample()) if row["outcome"] == "first"]
    for lever, slope, direction in (("a", 3, "up"), ("b", -1, "down")):
        mine = [row for row in rows if row["lever"] == lever]
        assert [row["bin"] for row in mine] == list(range(BINS))
        assert {row["direction"] for row in mine} == {direction}
        for row in mine:
            assert row["mean"] == pytest.approx(1.0 + slope * (row["setting"] - 0.5), abs=0.08)


def test_failed_runs_are_left_out_and_counted():
    whole = sample()
    gaps = whole.gaps.copy()
    gaps[::10] = np.nan
    row = outcome_rows(replace(whole, gaps=gaps))[0]
    assert row["failed"] == 2000
    assert row["mean"] == pytest.approx(1.0, abs=0.03)


def test_the_first_look_gives_every_input_its_share_of_the_variance():
    rows = {row["input"]: row["share"] for row in first_look(sample()) if row["outcome"] == "first"}
    assert rows["a"] == pytest.approx(0.9, abs=0.03)
    assert rows["b"] == pytest.approx(0.1, abs=0.03)
    assert rows["c"] == pytest.approx(0.0, abs=0.03)


def test_an_outcome_that_is_defined_nowhere_is_left_out_and_no_failure():
    whole = sample(100)
    gaps = whole.gaps.copy()
    gaps[:, 1] = np.nan
    partly = replace(whole, gaps=gaps)
    assert {row["outcome"] for row in (*outcome_rows(partly), *first_look(partly), *effect_rows(partly))} == {"first"}
    assert outcome_rows(partly)[0]["failed"] == 0


def test_replicates_are_joined_in_their_order():
    one, two = sample(10, 1), sample(20, 2)
    both = joined([one, two])
    np.testing.assert_array_equal(both.inputs[10:], two.inputs)
    np.testing.assert_array_equal(both.gaps[:10], one.gaps)
