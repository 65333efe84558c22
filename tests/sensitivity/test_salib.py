"""Our numbers against SALib's on the same samples, and the faults of SALib that the door must not let in."""

from __future__ import annotations

import subprocess
import sys
from math import inf, pi

import numpy as np
import pytest
from SALib import ProblemSpec
from SALib.analyze import sobol as analyzer
from SALib.sample import sobol as sampler

from alliance_dynamics.errors import RunError, UsageError
from alliance_dynamics.sensitivity import Column, Factor, sobol_design, sobol_indices
from alliance_dynamics.sensitivity.salib import from_salib, salib_order, to_salib

S1 = np.array([0.3139051911, 0.4424111448, 0.0])
ST = np.array([0.5575888552, 0.4424111448, 0.2436836641])


def ishigami(x, b=0.1):
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + b * x[:, 2] ** 4 * np.sin(x[:, 0])


def problem(**more):
    return {"num_vars": 3, "names": ["x1", "x2", "x3"], "bounds": [[-pi, pi]] * 3} | more


@pytest.mark.parametrize("second_order", [True, False])
@pytest.mark.parametrize("seed", [0, 1, 7])
@pytest.mark.parametrize("shift", [0.0, 1000.0])
def test_first_total_and_second_order_equal_salib_on_its_own_design(second_order, seed, shift):
    x = sampler.sample(problem(), 512, calc_second_order=second_order, seed=seed)
    y = ishigami(x) + shift
    theirs = analyzer.analyze(problem(), y, calc_second_order=second_order, num_resamples=2)
    ours = from_salib(problem(), y, samples=x).to_salib()
    for key in ("S1", "ST", *(["S2"] if second_order else [])):
        assert ours[key] == pytest.approx(theirs[key], abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("second_order", [True, False])
def test_groups_equal_salib(second_order):
    grouped = problem(groups=["outer", "inner", "outer"])
    x = sampler.sample(grouped, 256, calc_second_order=second_order, seed=3)
    theirs = analyzer.analyze(grouped, ishigami(x), calc_second_order=second_order, num_resamples=2)
    ours = from_salib(grouped, ishigami(x), samples=x)
    assert ours.names == ("outer", "inner")
    assert ours.S1.value == pytest.approx(theirs["S1"], abs=1e-12)
    assert ours.ST.value == pytest.approx(theirs["ST"], abs=1e-12)


def test_salib_analyses_our_design_to_our_numbers():
    factors = [Factor(name, low=-pi, high=pi) for name in ("x1", "x2", "x3")]
    design = sobol_design(factors, points=256, replicates=2, seed=0)
    spec = to_salib(design, replicate=1)
    spec.set_results(ishigami(spec.samples))
    theirs = analyzer.analyze(spec, spec.results, num_resamples=2)
    ours = from_salib(spec).to_salib()
    outputs = ishigami(design.rows()).reshape(2, -1)
    assert np.array_equal(outputs[1][salib_order(design)], spec.results)
    only = sobol_design(factors, points=256, replicates=1, seed=0)
    card = sobol_indices(only, outputs[0], estimator="saltelli-jansen")
    first = analyzer.analyze(spec, outputs[0][salib_order(design)], num_resamples=2)
    for key in ("S1", "ST", "S2"):
        assert ours[key] == pytest.approx(theirs[key], abs=1e-12, nan_ok=True)
        assert card.to_salib()[key] == pytest.approx(first[key], abs=1e-12, nan_ok=True)


def test_distributions_and_groups_are_handed_on():
    factors = [
        Factor("lever", low=0.1, high=2.0),
        Factor("trust", distribution="normal", mean=0.5, sd=0.2, low=0.0, high=1.0),
        Factor("free", distribution="normal", mean=1.0, sd=2.0, low=-inf, high=inf),
        Factor("posterior", distribution="index", high=50),
        Factor("drivers", columns=(Column("oil", 30.0, 90.0), Column("growth", -1.0, 4.0))),
    ]
    spec = to_salib(sobol_design(factors, points=8, replicates=1, seed=0))
    assert spec["names"] == ["lever", "trust", "free", "posterior", "oil", "growth"]
    assert spec["dists"] == ["unif", "truncnorm", "norm", "unif", "unif", "unif"]
    assert spec["bounds"][:4] == [[0.1, 2.0], [0.0, 1.0, 0.5, 0.2], [1.0, 2.0], [0, 50]]
    assert spec["groups"] == ["lever", "trust", "free", "posterior", "drivers", "drivers"]
    assert spec.samples.shape == (8 * 12, 6)
    assert from_salib(spec, spec.samples @ np.ones(6)).names == ("lever", "trust", "free", "posterior", "drivers")


def test_all_our_estimators_work_on_a_second_order_sample():
    x = sampler.sample(problem(), 4096, seed=1)
    for estimator in ("azzini-rosati", "two-sided", "jansen", "saltelli-jansen"):
        found = from_salib(problem(), ishigami(x), samples=x, estimator=estimator)
        assert found.S1.value == pytest.approx(S1, abs=0.02)
        assert found.ST.value == pytest.approx(ST, abs=0.02)


# Faults of SALib that must not come through


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_named_and_never_turns_indices_to_zero(value):
    x = sampler.sample(problem(), 64, seed=1)
    y = ishigami(x)
    y[100] = value
    with pytest.raises(RunError, match=r"row 100 .*base point 12"):
        from_salib(problem(), y, samples=x)
    dropped = from_salib(problem(), y, samples=x, on_fail="drop_block")
    kept = np.delete(np.arange(512).reshape(64, 8), 12, axis=0).ravel()
    clean = from_salib(problem(), y[kept], samples=x[kept])
    assert np.array_equal(dropped.S1.value, clean.S1.value)
    assert dropped.dropped == 1


def test_a_second_order_sample_is_never_taken_for_a_first_order_one():
    """SALib accepts 320 x 8 rows as 512 x 5 and gives -0.11, 0.26, 0.10."""
    with pytest.warns(UserWarning, match="balance"):
        x = sampler.sample(problem(), 320, seed=1)
    wrong = analyzer.analyze(problem(), ishigami(x), calc_second_order=False, num_resamples=2)["S1"]
    found = from_salib(problem(), ishigami(x), samples=x)
    assert np.abs(wrong - S1).max() > 0.15
    assert found.S1.value == pytest.approx(S1, abs=0.05)
    assert found.design.points == 320


def test_rows_out_of_order_are_refused():
    x = sampler.sample(problem(), 64, seed=1)
    for other in (x[::-1], np.roll(x, 1, axis=0), x[np.random.default_rng(0).permutation(len(x))], x[:-8, ::-1] + 1e-9 *
                  np.arange(504)[:, None]):  # fmt: skip
        with pytest.raises(UsageError, match="not those of a Sobol' design"):
            from_salib(problem(), ishigami(other), samples=other)


def test_one_wrong_row_of_any_block_is_refused():
    x = sampler.sample(problem(), 64, seed=1)
    for row in range(8, 16):
        other = x.copy()
        other[row] += 1e-9
        with pytest.raises(UsageError, match="not those of a Sobol' design"):
            from_salib(problem(), ishigami(other), samples=other)


def test_outputs_of_two_dimensions_are_analysed_series_by_series():
    x = sampler.sample(problem(), 128, seed=1)
    y = np.stack([ishigami(x, b) for b in (0.05, 0.1)], axis=1)
    both = from_salib(problem(), y, samples=x)
    assert both.S1.value.shape == (3, 2)
    assert both.to_salib()["S2"].shape == (3, 3, 2)
    for series in (0, 1):
        alone = from_salib(problem(), y[:, series : series + 1], samples=x)
        assert both.S1.value[:, series] == pytest.approx(alone.S1.value[:, 0], abs=1e-12)


def test_a_constant_output_is_nan_with_a_note_where_salib_gives_zero():
    x = sampler.sample(problem(), 64, seed=1)
    found = from_salib(problem(), np.ones(len(x)), samples=x)
    assert np.isnan(found.S1.value).all()
    assert "constant" in str(found)


def test_no_intervals_are_made_up_from_one_sample():
    x = sampler.sample(problem(), 64, seed=1)
    found = from_salib(problem(), ishigami(x), samples=x)
    assert np.isnan(found.to_salib()["S1_conf"]).all()
    assert "no interval" in str(found)


def test_our_own_intervals_come_out_under_the_familiar_name():
    design = sobol_design([Factor(n, low=-pi, high=pi) for n in ("x1", "x2", "x3")], points=256, replicates=8, seed=0)
    card = sobol_indices(design, ishigami(design.rows()))
    found = card.to_salib()
    assert set(found) == {"S1", "S1_conf", "ST", "ST_conf", "S2", "S2_conf"}
    assert np.array_equal(found["S1_conf"], card.S1.half_width)
    assert found["S2"][0, 2] == card.S2.value[1]
    assert np.isnan(found["S2"][2, 0])


def test_seed_zero_is_a_seed():
    factors = [Factor(name, low=-pi, high=pi) for name in ("x1", "x2", "x3")]
    one, two = (to_salib(sobol_design(factors, points=32, replicates=1, seed=0)).samples for _ in range(2))
    assert one.tobytes() == two.tobytes()


def test_what_is_missing_or_unknown_is_refused():
    x = sampler.sample(problem(), 64, calc_second_order=False, seed=1)
    y = ishigami(x)
    with pytest.raises(UsageError, match="no samples"):
        from_salib(problem(), y)
    with pytest.raises(UsageError, match="no results"):
        from_salib(ProblemSpec(problem()), samples=x)
    with pytest.raises(UsageError, match="second-order sample"):
        from_salib(problem(), y, samples=x, estimator="azzini-rosati")
    with pytest.raises(UsageError, match="Did you mean `jansen`"):
        from_salib(problem(), y, samples=x, estimator="janson")
    with pytest.raises(UsageError, match="320, one for every sample"):
        from_salib(problem(), y[:-1], samples=x)


def test_salib_is_not_imported_with_the_package():
    code = "import sys, alliance_dynamics.sensitivity.salib as s; print('SALib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("second_order", [True, False])
def test_no_analysis_of_salib_is_behind_our_numbers(second_order, monkeypatch):
    """Its parallel resampling returns zeros and its delta indices lost a key: neither can reach a result."""
    import SALib.analyze.delta
    import SALib.analyze.sobol

    def refuse(*_args, **_options):
        raise AssertionError("SALib was asked to analyse")

    samples = sampler.sample(problem(), 64, calc_second_order=second_order, seed=1)
    expected = from_salib(problem(), ishigami(samples), samples=samples)
    for module in (SALib.analyze.sobol, SALib.analyze.delta):
        monkeypatch.setattr(module, "analyze", refuse)
    found = from_salib(problem(), ishigami(samples), samples=samples)
    np.testing.assert_array_equal(found.ST.value, expected.ST.value)
