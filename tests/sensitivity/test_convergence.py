"""The stop rule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from alliance_dynamics.errors import UsageError
from alliance_dynamics.sensitivity import Factor, converged, sobol_design, sobol_indices

FACTORS = [Factor(name) for name in ("a", "b", "c", "d")]


def results(function, points, *, replicates=16, seed=0):
    designs = (sobol_design(FACTORS, points=n, replicates=replicates, seed=seed) for n in points)
    return [sobol_indices(design, function(design.rows()), pairs=False) for design in designs]


def smooth(x):
    return x @ np.array([4.0, 3.0, 2.0, 1.0]) + x[:, 0] * x[:, 1]


def rough(x):
    return np.sin(40 * x[:, 0]) * np.sign(x[:, 1] - 0.5) * np.exp(5 * x[:, 2] * x[:, 3])


def test_a_smooth_function_converges_at_the_least_number_of_points():
    verdict = converged(results(smooth, [256, 512, 1024]))
    assert verdict.reached
    assert verdict.widest < 0.02
    assert "converged" in str(verdict)


def test_never_before_1024_points_and_never_on_one_result_alone():
    assert not converged(results(smooth, [128, 256, 512])).reached
    assert "at least 1024" in str(converged(results(smooth, [128, 256, 512])))
    verdict = converged(results(smooth, [1024]))
    assert not verdict.reached
    assert "1 results" in str(verdict)


def test_wide_intervals_do_not_converge_and_the_print_says_so():
    verdict = converged(results(rough, [256, 512, 1024], replicates=4))
    assert not verdict.reached
    assert str(verdict).startswith("not converged")
    assert verdict.widest > 0.02


def test_each_width_has_a_limit_of_its_own():
    history = results(smooth, [256, 512, 1024])
    verdict = converged(history, half_width=1e-9)
    assert [str(reason).split(" is ")[0] for reason in verdict.reasons] == ["the widest interval"]
    verdict = converged(history, relative=1e-9)
    assert [str(reason)[:32] for reason in verdict.reasons] == ["3 total indices of at least 0.1 "]


def test_leaders_that_changed_places_have_not_settled():
    history = results(smooth, [256, 512, 1024])
    for earlier in (0, 1):
        value = history[earlier].ST.value[[1, 0, 2, 3]]  # the first two were the other way round
        before = replace(history[earlier], ST=replace(history[earlier].ST, value=value))
        verdict = converged([*history[:earlier], before, *history[earlier + 1 :]])
        assert "order of the first 3 factors changed in 1 series" in str(verdict)


def test_one_replicate_cannot_converge():
    assert "one replicate" in str(converged(results(smooth, [256, 512, 1024], replicates=1)))


def test_equal_factors_may_change_places():
    verdict = converged(results(lambda x: x.sum(axis=1), [256, 512, 1024]))
    assert verdict.reached


def test_results_that_do_not_double_or_belong_elsewhere_are_refused():
    with pytest.raises(UsageError, match="n, 2 n, 4 n"):
        converged(results(smooth, [256, 1024, 2048]))
    with pytest.raises(UsageError, match="doubling"):
        converged([*results(smooth, [256, 512]), *results(smooth, [1024], seed=1)])
    with pytest.raises(UsageError, match="no result"):
        converged([])
