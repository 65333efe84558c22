"""Sobol' indices against closed forms, against themselves, and where they must refuse."""

from __future__ import annotations

from math import pi

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from alliance_dynamics.errors import RunError, UsageError
from alliance_dynamics.sensitivity import Column, Factor, accumulate, combine, sobol_design, sobol_indices
from alliance_dynamics.sensitivity.estimators import ESTIMATORS, estimate

ISHIGAMI = [Factor(name, low=-pi, high=pi) for name in ("x1", "x2", "x3")]
ISHIGAMI_S1 = np.array([0.3139051911, 0.4424111448, 0.0])
ISHIGAMI_ST = np.array([0.5575888552, 0.4424111448, 0.2436836641])
G8 = [Factor(f"x{i}") for i in range(1, 9)]
G8_A = np.array([0, 1, 4.5, 9, 99, 99, 99, 99])
G8_S1 = np.array([0.71619217, 0.17904804, 0.02367577, 0.00716192, *[0.00007162] * 4])
G8_ST = np.array([0.78714413, 0.24219819, 0.03431691, 0.01046039, *[0.00010495] * 4])


def ishigami(x, b=0.1):
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + b * x[:, 2] ** 4 * np.sin(x[:, 0])


def g_function(x, a=G8_A):
    return np.prod((np.abs(4 * x - 2) + a) / (1 + a), axis=1)


def analysed(factors, function, *, points, seed=0, replicates=1, **options):
    design = sobol_design(factors, points=points, replicates=replicates, seed=seed)
    return sobol_indices(design, function(design.rows()), **options)


def errors(factors, function, first, total, points, seeds):
    found = [analysed(factors, function, points=points, seed=seed, pairs=False) for seed in range(seeds)]
    return (np.sqrt(np.mean([(each.S1.value - first) ** 2 for each in found])),
            np.sqrt(np.mean([(each.ST.value - total) ** 2 for each in found])))  # fmt: skip


# Closed forms


def test_ishigami_over_forty_seeds():
    first, total = errors(ISHIGAMI, ishigami, ISHIGAMI_S1, ISHIGAMI_ST, 4096, 40)
    assert first <= 3.5e-3
    assert total <= 2.0e-3
    first, total = errors(ISHIGAMI, ishigami, ISHIGAMI_S1, ISHIGAMI_ST, 16384, 40)
    assert first <= 5e-4
    assert total <= 5e-4


def test_g_function_of_eight_inputs_over_forty_seeds():
    first, total = errors(G8, g_function, G8_S1, G8_ST, 4096, 40)
    assert first <= 3.5e-4
    assert total <= 4.5e-4


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_estimator_finds_ishigami(estimator):
    found = analysed(ISHIGAMI, ishigami, points=16384, seed=5, estimator=estimator)
    assert found.S1.value == pytest.approx(ISHIGAMI_S1, abs=5e-3)
    assert found.ST.value == pytest.approx(ISHIGAMI_ST, abs=5e-3)
    assert found.variance == pytest.approx(13.8445879407, rel=2e-3)
    assert found.mean == pytest.approx(3.5, abs=0.01)


def test_ishigami_with_the_weaker_third_input():
    found = analysed(ISHIGAMI, lambda x: ishigami(x, 0.05), points=16384, seed=1)
    assert found.S1.value == pytest.approx([0.2185185644, 0.6868946436, 0.0], abs=1e-3)
    assert found.ST.value[[0, 2]] == pytest.approx([0.3131053564, 0.0945867919], abs=1e-3)


@pytest.mark.parametrize(
    ("a", "first", "total"),
    [((0, 0, 6.52, 6.52, 6.52, 6.52), [0.40647139] * 2 + [0.00718777] * 4, [0.55485354] * 2 + [0.01300556] * 4),
     ((6.52,) * 6, [0.16422749] * 6, [0.16912504] * 6)],
)  # fmt: skip
def test_other_g_functions(a, first, total):
    found = analysed(G8[:6], lambda x: g_function(x, np.array(a)), points=16384, seed=1)
    assert found.S1.value == pytest.approx(first, abs=2e-3)
    assert found.ST.value == pytest.approx(total, abs=2e-3)


def test_second_order():
    found = analysed(ISHIGAMI, ishigami, points=16384, seed=0)
    assert found.pairs == (("x1", "x2"), ("x1", "x3"), ("x2", "x3"))
    assert found.S2.value == pytest.approx([0, 0.2436836641, 0], abs=5e-3)
    found = analysed(G8, g_function, points=16384, seed=0)
    assert found.S2.value[found.pairs.index(("x1", "x2"))] == pytest.approx(0.05968268, abs=5e-3)


def test_a_group_of_two_inputs_has_the_index_of_the_pair():
    group = Factor("outer", columns=(Column("x1", -pi, pi), Column("x3", -pi, pi)))
    found = analysed([group, ISHIGAMI[1]], lambda x: ishigami(x[:, [0, 2, 1]]), points=16384, seed=0)
    assert found.S1.value == pytest.approx([0.5575888552, 0.4424111448], abs=1e-3)
    assert found.ST.value == pytest.approx([0.5575888552, 0.4424111448], abs=1e-3)


def test_a_group_of_everything_explains_everything_exactly():
    everything = Factor("all", columns=tuple(Column(f.name, -pi, pi) for f in ISHIGAMI))
    found = analysed([everything], ishigami, points=256, replicates=4)
    assert found.S1.value == pytest.approx([1], abs=1e-12)
    assert found.ST.value == pytest.approx([1], abs=1e-12)
    assert found.S1.half_width == pytest.approx([0], abs=1e-12)


STOCK = [Factor("x0", high=2.0), Factor("u")]


def linear_stock(times):
    fading = np.exp(-0.2 * times)
    return lambda x: x[:, :1] * fading + x[:, 1:] * (1 - fading) / 0.2


def test_a_linear_stock_over_time_and_the_year_in_which_the_lead_changes():
    years = np.array([0, 1, 2, 5, 10, 20])
    found = analysed(STOCK, linear_stock(years), points=4096, axes={"year": years})
    exact = np.array([1, 0.76547999, 0.39811737, 0.05140575, 0.00390434, 0.00005569])
    assert found.S1.value == pytest.approx(np.array([exact, 1 - exact]), abs=1e-4)
    assert found.ST.value == pytest.approx(np.array([exact, 1 - exact]), abs=1e-4)

    def lead(time):
        first = analysed(STOCK, linear_stock(np.array([time])), points=1024).S1.value
        return float(first[0, 0] - first[1, 0])

    assert brentq(lead, 1, 3, xtol=1e-4) == pytest.approx(1.682361, abs=0.02)


def test_the_horizon_summary_weighs_years_by_their_variance():
    years = np.arange(21)
    found = analysed(STOCK, linear_stock(years), points=4096, axes={"year": years}).over("year")
    assert found.S1.value == pytest.approx([0.03554675, 0.96445325], abs=1e-4)
    assert found.axes == {}


def test_decay_has_an_interaction_at_every_time():
    years = np.array([5, 10, 20])
    factors = [Factor("x0", low=0.5, high=1.5), Factor("k", low=0.1, high=0.3)]
    found = analysed(factors, lambda x: x[:, :1] * np.exp(-x[:, 1:] * years), points=4096, axes={"year": years})
    assert found.S1.value[0] == pytest.approx([0.48409806, 0.19725972, 0.06679945], abs=1e-3)
    assert found.S1.value[1] == pytest.approx([0.47621718, 0.74099103, 0.86141589], abs=1e-3)
    assert found.S2.value[0] == pytest.approx([0.03968476, 0.06174925, 0.07178466], abs=1e-3)


def test_a_posterior_row_and_levers_that_only_add_up_share_the_whole_variance():
    draws = np.random.default_rng(0).multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], 4096)
    draws = draws[np.argsort(draws @ [1, 1])]  # along the first principal component
    factors = [Factor("a"), Factor("b"), Factor("posterior", distribution="index", high=4096)]

    def outcome(x):
        row = draws[x[:, 2].astype(int)]
        return 2 * x[:, 0] + 5 * x[:, 1] + row[:, 0] + 0.5 * row[:, 1]

    found = analysed(factors, outcome, points=1024, replicates=16)
    posterior = np.var(draws @ [1, 0.5])
    assert found.S1.value.sum() == pytest.approx(1, abs=0.01)
    assert found.S1.value == pytest.approx(np.array([4 / 12, 25 / 12, posterior]) / (29 / 12 + posterior), abs=0.01)


# Intervals


def coverage(factors, function, first, total, *, points, seeds):
    hits = []
    for seed in range(seeds):
        found = analysed(factors, function, points=points, replicates=16, seed=1000 + seed, pairs=False)
        hits.append((found.S1.low <= first) & (first <= found.S1.high))
        hits.append((found.ST.low <= total) & (total <= found.ST.high))
    return np.mean(hits)


def test_intervals_cover_the_truth_as_often_as_they_say():
    assert 0.90 <= coverage(ISHIGAMI, ishigami, ISHIGAMI_S1, ISHIGAMI_ST, points=256, seeds=40) <= 0.99
    assert 0.90 <= coverage(G8, g_function, G8_S1, G8_ST, points=256, seeds=15) <= 0.99


@pytest.mark.slow
@pytest.mark.parametrize(
    ("factors", "function", "first", "total"),
    [(ISHIGAMI, ishigami, ISHIGAMI_S1, ISHIGAMI_ST), (G8, g_function, G8_S1, G8_ST)],
    ids=["ishigami", "g8"],
)
def test_intervals_cover_over_a_hundred_seeds(factors, function, first, total):
    assert 0.90 <= coverage(factors, function, first, total, points=1024, seeds=100) <= 0.99


def test_the_interval_is_the_one_of_a_ratio_of_means():
    found = analysed(ISHIGAMI, ishigami, points=64, replicates=3, estimator="saltelli-jansen")
    u = np.array([t.total for t in found.terms])[:, 0]
    v = np.array([t.variance for t in found.terms])
    ratio = u.mean() / v.mean()
    half = 0.95 * np.sqrt(2 / (1 - 0.95**2)) * np.std(u - ratio * v, ddof=1) / np.sqrt(3) / v.mean()
    assert found.ST.value[0] == pytest.approx(ratio, rel=1e-12)
    assert found.ST.half_width[0] == pytest.approx(half, rel=1e-9)


def test_the_interval_of_a_pair_follows_the_errors_of_all_three_quotients():
    found = analysed(ISHIGAMI, ishigami, points=64, replicates=5)

    def residuals(u, v):
        return (u - u.mean() / v.mean() * v) / v.mean()

    v = np.array([t.variance for t in found.terms])
    errors = residuals(np.array([t.pairs[1] for t in found.terms]), v)
    for i in (0, 2):
        errors -= residuals(*(np.array([getattr(t, n)[i] for t in found.terms]) for n in ("first", "first_variance")))
    half = 2.7764451051977987 * np.std(errors, ddof=1) / np.sqrt(5)
    assert found.S2.half_width[1] == pytest.approx(half, rel=1e-9)


def test_pairs_have_intervals_that_hold_the_truth():
    found = analysed(ISHIGAMI, ishigami, points=1024, replicates=16, seed=3)
    truth = np.array([0, 0.2436836641, 0])
    assert np.all((found.S2.low <= truth + 1e-9) & (truth <= found.S2.high + 1e-9))
    assert np.all(found.S2.half_width < 0.02)


def test_ranks_are_counted_over_replicates_and_equal_factors_share_them():
    found = analysed(ISHIGAMI, ishigami, points=256, replicates=8)
    assert found.top_1 == pytest.approx([1, 0, 0])
    assert found.top_3 == pytest.approx([1, 1, 1])
    twins = analysed(G8[:4], lambda x: x[:, 0], points=64, replicates=4)
    assert twins.ST.value[1:] == pytest.approx(0)
    assert twins.top_3 == pytest.approx([1, 2 / 3, 2 / 3, 2 / 3])


# The same thing two ways


def test_replicates_one_by_one_in_any_order_equal_all_at_once_bit_for_bit():
    design = sobol_design(ISHIGAMI, points=64, replicates=4, seed=0)
    outputs = ishigami(design.rows())
    whole = sobol_indices(design, outputs)
    parts = [accumulate(design, k, outputs.reshape(4, -1)[k]) for k in (2, 0, 3, 1)]
    piecewise = combine(design, parts)
    streamed = sobol_indices(design, (ishigami(np.concatenate([c.values for c in design.chunks(100, replicate=k)]))
                                      for k in range(4)))  # fmt: skip
    for other in (piecewise, streamed):
        assert other.S1.value.tobytes() == whole.S1.value.tobytes()
        assert other.S2.half_width.tobytes() == whole.S2.half_width.tobytes()


def test_many_series_at_once_equal_each_series_alone(monkeypatch):
    monkeypatch.setattr("alliance_dynamics.sensitivity.sobol.BLOCK_BYTES", 3 * 8 * 8 * 64)
    design = sobol_design(ISHIGAMI, points=64, replicates=2, seed=0)
    x = design.rows()
    outputs = np.stack([ishigami(x, b) for b in np.linspace(0, 0.2, 10)], axis=1).reshape(-1, 2, 5)
    together = sobol_indices(design, outputs)
    assert together.S1.value.shape == (3, 2, 5)
    for i in range(2):
        for j in range(5):
            alone = sobol_indices(design, outputs[:, i, j])
            for name in ("S1", "ST", "S2"):
                both = getattr(together, name), getattr(alone, name)
                assert both[0].value[:, i, j] == pytest.approx(both[1].value, abs=1e-12)
                assert both[0].half_width[:, i, j] == pytest.approx(both[1].half_width, abs=1e-12)


@settings(deadline=None, max_examples=25)
@given(shift=st.floats(-1e4, 1e4), factor=st.floats(1e-3, 1e3), sign=st.sampled_from([-1, 1]))
def test_units_and_zero_of_the_outputs_do_not_matter(shift, factor, sign):
    design = sobol_design(ISHIGAMI, points=64, replicates=2, seed=0)
    outputs = ishigami(design.rows())
    plain, changed = sobol_indices(design, outputs), sobol_indices(design, sign * factor * (outputs + shift))
    for name in ("S1", "ST", "S2"):
        assert getattr(changed, name).value == pytest.approx(getattr(plain, name).value, abs=1e-7)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(-5, 5), min_size=2, max_size=5).filter(lambda b: max(map(abs, b)) > 0.1))
def test_an_additive_function_has_no_interactions_and_its_own_squares_as_indices(slopes):
    squares = np.square(slopes) / np.sum(np.square(slopes))
    found = analysed(G8[: len(slopes)], lambda x: x @ np.array(slopes), points=256)
    assert found.S1.value == pytest.approx(found.ST.value, abs=1e-12)
    assert found.S1.value == pytest.approx(squares, abs=5e-3)


# Failed runs and constant outputs


def test_one_nan_raises_and_names_the_row_the_series_and_the_way_out():
    design = sobol_design(ISHIGAMI, points=16, replicates=2, seed=0)
    outputs = np.stack([ishigami(design.rows())] * 4, axis=1).reshape(-1, 2, 2)
    axes = {"outcome": ["grp", "trust"], "year": [2030, 2040]}
    row = design.rows_per_replicate + 2 * 16 + 5
    outputs[row, 1, 0] = np.nan
    with pytest.raises(RunError) as caught:
        sobol_indices(design, outputs, axes=axes)
    for part in (f"row {row}", "replicate 1", "block AB:x1", "point 5", "outcome trust, year 2030", "drop_block"):
        assert part in str(caught.value)


def test_many_failed_rows_are_counted_not_listed():
    design = sobol_design(ISHIGAMI, points=64, replicates=1, seed=0)
    outputs = ishigami(design.rows())
    outputs[:100] = np.inf
    with pytest.raises(RunError, match="80 further rows"):
        sobol_indices(design, outputs)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_dropping_a_block_equals_the_analysis_without_it(value, estimator):
    design = sobol_design(ISHIGAMI, points=64, replicates=1, seed=0)
    outputs = ishigami(design.rows())
    outputs[3 * 64 + 7] = outputs[60] = outputs[5 * 64 + 60] = value
    found = sobol_indices(design, outputs, on_fail="drop_block", estimator=estimator)
    blocks = np.delete(outputs.reshape(8, 64, 1), [7, 60], axis=1)
    terms = estimate(blocks[0], blocks[1], blocks[2:5], blocks[5:], estimator)
    assert np.array_equal(found.S1.value, (terms.first / terms.first_variance)[:, 0])
    assert np.array_equal(found.ST.value, (terms.total / terms.total_variance)[:, 0])
    assert found.dropped == 2
    assert found.dropped_share == 2 / 64
    assert "2 of 64 base points" in str(found)
    assert np.all(found.ST.value > 0)


def test_a_replicate_of_failures_is_an_error_even_when_dropping():
    design = sobol_design(ISHIGAMI, points=16, replicates=1, seed=0)
    with pytest.raises(RunError, match="only 0 of 16"):
        sobol_indices(design, np.full(design.row_count, np.nan), on_fail="drop_block")


@pytest.mark.parametrize("level", [0.0, 1.0, 1e9, -3e-5])
def test_a_constant_output_gives_nan_and_a_note_and_never_zero(level):
    design = sobol_design(ISHIGAMI, points=64, replicates=4, seed=0)
    outputs = np.stack([np.full(design.row_count, level), ishigami(design.rows())], axis=1)
    found = sobol_indices(design, outputs, axes={"year": [2024, 2025]})
    for array in (found.S1.value, found.ST.value, found.S2.value, found.S1.half_width, found.top_1, found.top_3):
        assert np.isnan(array[:, 0]).all()
        assert np.isfinite(array[:, 1]).all()
    assert [str(note) for note in found.notes] == ["year 2024 is constant: its indices are not defined."]
    alone = sobol_indices(design, outputs[:, 1])
    assert found.over("year").S1.value == pytest.approx(alone.S1.value, abs=1e-9)


def test_rounding_on_a_constant_is_constant():
    design = sobol_design(ISHIGAMI, points=64, replicates=2, seed=0)
    outputs = 1e6 + 1e-7 * ishigami(design.rows())
    assert np.isnan(sobol_indices(design, outputs).S1.value).all()


# The card


def test_the_table_has_a_record_for_every_outcome_year_and_lever():
    design = sobol_design(ISHIGAMI, points=64, replicates=2, seed=0)
    outputs = np.stack([ishigami(design.rows(), b) for b in (0, 0.1, 0.2, 0.3)], axis=1).reshape(-1, 2, 2)
    found = sobol_indices(design, outputs, axes={"outcome": ["grp", "trust"], "year": [2030, 2040]})
    assert len(found.table) == 12
    record = found.table[4]
    assert list(record)[:9] == ["outcome", "year", "lever", "S1", "S1_low", "S1_high", "ST", "ST_low", "ST_high"]
    assert (record["outcome"], record["year"], record["lever"]) == ("grp", 2040, "x2")
    assert record["S1"] == found.S1.value[1, 0, 1]
    assert len(found.pair_table) == 12


def test_the_print_ranks_factors_and_shows_no_negative_share():
    factors = [Factor(f.name, label=f"lever {f.name}", low=-pi, high=pi) for f in ISHIGAMI]
    found = analysed(factors, ishigami, points=1024, replicates=16)
    text = str(found)
    order = [text.index(f"lever {name}") for name in ("x1", "x2", "x3")]
    assert order == sorted(order)
    assert found.S1.value[2] < 0
    assert "-0.000 " not in text
    assert "0.000*" in text
    assert "131072 runs" in text


def test_one_replicate_has_no_intervals_and_says_so():
    found = analysed(ISHIGAMI, ishigami, points=64)
    assert np.isnan(found.S1.half_width).all()
    assert "one replicate gives no intervals" in str(found)


# Refusals


def test_outputs_of_another_design_are_refused():
    design = sobol_design(ISHIGAMI, points=64, replicates=2, seed=0)
    outputs = ishigami(design.rows())
    with pytest.raises(UsageError, match="1023 rows"):
        sobol_indices(design, outputs[:-1])
    other = sobol_design(ISHIGAMI, points=64, replicates=2, seed=1)
    parts = [accumulate(other, k, outputs.reshape(2, -1)[k]) for k in range(2)]
    with pytest.raises(UsageError, match="another design"):
        combine(design, parts)
    with pytest.raises(UsageError, match="each of the 2 replicates once"):
        combine(other, parts[:1])
    with pytest.raises(UsageError, match="each of the 2 replicates once"):
        combine(other, [parts[0], parts[0]])


def test_unknown_words_are_refused_with_the_nearest_one():
    design = sobol_design(ISHIGAMI, points=64, replicates=1, seed=0)
    outputs = ishigami(design.rows())
    with pytest.raises(UsageError, match="Did you mean `azzini-rosati`"):
        sobol_indices(design, outputs, estimator="azini-rosati")
    with pytest.raises(UsageError, match="Did you mean `drop_block`"):
        sobol_indices(design, outputs, on_fail="drop_blocks")
    with pytest.raises(UsageError, match="as the axes outcome, year say"):
        sobol_indices(design, outputs, axes={"outcome": ["grp"], "year": [2030]})
    found = sobol_indices(design, outputs[:, None], axes={"year": [2030]})
    with pytest.raises(UsageError, match="Did you mean `year`"):
        found.over("years")
    with pytest.raises(UsageError, match="1 numbers"):
        found.over("year", [0.0])
