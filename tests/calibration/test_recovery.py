"""Recovery and simulation-based calibration on problems whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from alliance_dynamics.calibration.fit import Task
from alliance_dynamics.calibration.likelihood import Points, Priors
from alliance_dynamics.calibration.noise import Chains, NoisePriors
from alliance_dynamics.calibration.recovery import (
    DRAWS,
    interval_of,
    rank_histogram,
    rank_p_value,
    recover_task,
    simulate_noise,
    worst_p_value,
)
from alliance_dynamics.errors import RunError, UsageError

YEARS = np.arange(2001, 2021)


class Growth:
    """ln s = g t: exponential growth from 1."""

    structural = 1

    def log_predicted(self, values):
        return values[:, [0]] * (YEARS - 2000)

    def log_slopes(self, values):
        slopes = np.zeros((len(values), len(YEARS), self.structural))
        slopes[:, :, 0] = YEARS - 2000
        return self.log_predicted(values), slopes


class Broken(Growth):
    def log_predicted(self, values):
        return np.full((len(values), len(YEARS)), np.nan)


def growth_task(forward=None, deviation=(0.02, 0.2)):
    zeros = np.zeros(len(YEARS), dtype=np.int64)
    breaks = (YEARS >= 2012).astype(float)[:, None]
    points = Points(zeros, YEARS, np.zeros(len(YEARS)), breaks, Chains.of(zeros, YEARS.astype(float), zeros))
    priors = Priors(("growth", "break"), np.array([-0.1, -1.0]), np.array([0.2, 1.0]), np.array([0.04, 0.0]),
                    np.array(deviation))  # fmt: skip
    one = np.ones(1)
    noise = NoisePriors(np.log(0.05) * one, 0.5 * one, 0.001 * one, 2 * one, 0 * one, np.inf * one, 0 * one)
    return Task(forward or Growth(), points, priors, noise)


def test_intervals_hold_the_truth_as_often_as_they_promise():
    found = recover_task(growth_task(), np.array([0.04, 0.0]), replicates=120, seed=0, starts=1)
    assert found.names == ("growth", "break")
    for row in found.table:
        assert abs(row["bias"]) < 4 * row["bias_error"]
        assert 0.8 <= row["coverage"] <= 0.97
        assert row["informed"] > 0.8
    assert found.refused == 0
    assert found.converged.all()


def test_what_the_data_do_not_touch_is_not_informed():
    class Deaf(Growth):
        structural = 2

        def log_predicted(self, values):
            return values[:, [0]] * (YEARS - 2000)

    task = growth_task(Deaf())
    one = task.points
    task = Task(Deaf(), Points(one.series, one.year, one.log_value, np.zeros((20, 0)), one.chains), task.priors,
                task.noise)  # fmt: skip
    row = recover_task(task, np.array([0.04, 0.0]), replicates=60, seed=0, starts=1).table[1]
    assert row["informed"] < 0.1
    assert row["rmse"] == pytest.approx(row["prior_deviation"], rel=0.25)


def test_the_same_seed_gives_the_same_bits_for_any_number_of_jobs():
    one, two = (recover_task(growth_task(), np.zeros(2), replicates=4, seed=0, starts=1, sbc=True, generations=20,
                             jobs=jobs) for jobs in (1, 2))  # fmt: skip
    assert one.estimate.tobytes() == two.estimate.tobytes()
    assert one.ranks.tobytes() == two.ranks.tobytes()
    assert one.ranks.min() >= 0
    assert one.ranks.max() <= DRAWS
    assert len(one.histograms) == 3 * 8
    assert all(row["sbc_p"] is None for row in one.table)


@pytest.mark.slow
def test_the_ranks_of_the_truth_are_even():
    """Simulation-based calibration: growth, a break and the noise, 150 replicates."""
    found = recover_task(growth_task(), np.array([0.04, 0.0]), replicates=150, seed=0, starts=1, sbc=True)
    for row in found.table:
        assert row["sbc_p"] > 0.01, row
        assert 0.85 <= row["posterior_coverage"] <= 0.95, row  # two standard errors of 150 replicates
    assert worst_p_value(found.table) > 0.01


def test_the_interval_of_few_draws_holds_what_it_promises():
    values = np.random.default_rng(0).standard_normal((DRAWS + 1, 40_000))
    low, high = interval_of(values[1:])
    assert np.mean((low <= values[0]) & (values[0] <= high)) == pytest.approx(0.9, abs=0.005)


def test_ranks_of_a_sampler_that_is_too_sure_are_found_uneven():
    stream = np.random.default_rng(0)
    even = stream.integers(0, DRAWS + 1, 200)
    piled = np.where(stream.random(200) < 0.5, stream.integers(0, 8, 200), stream.integers(56, 64, 200))
    assert rank_p_value(even) > 0.01
    assert rank_p_value(piled) < 1e-6
    assert rank_p_value(even[:39]) is None
    assert rank_histogram(np.array([0, 7, 8, 63])).tolist() == [2, 1, 0, 0, 0, 0, 0, 1]


def test_simulated_noise_has_its_spread_and_memory_gaps_included():
    years = np.tile([0.0, 1, 2, 5], 4000)
    series = np.repeat(np.arange(4000), 4)
    chains = Chains.of(series, years, np.zeros(16000, dtype=np.int64))
    drawn = simulate_noise(chains, np.array([0.3]), np.array([0.8]), np.random.default_rng(0)).reshape(-1, 4)
    assert drawn.std(axis=0) == pytest.approx(0.3, rel=0.04)
    assert np.corrcoef(drawn.T)[0, 1] == pytest.approx(0.8, abs=0.03)
    assert np.corrcoef(drawn.T)[2, 3] == pytest.approx(0.8**3, abs=0.04)


def test_priors_under_which_the_model_never_runs_are_refused():
    with pytest.raises(RunError, match="50 draws from the priors"):
        recover_task(growth_task(Broken()), np.zeros(2), replicates=1, seed=0)


def test_no_replicates_are_refused():
    with pytest.raises(UsageError, match="0 replicates"):
        recover_task(growth_task(), np.zeros(2), replicates=0, seed=0)
