"""The failing box is found where it was planted, and nothing is found where there is nothing."""

import numpy as np
import pytest

from alliance_dynamics.errors import UsageError
from alliance_dynamics.sensitivity import discovery
from alliance_dynamics.sensitivity.discovery import failure_box

NAMES = "abcdef"


def planted(seed: int) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(seed).random((5000, 6))
    return x, (x[:, 0] < 0.4) & (x[:, 1] > 0.5)


@pytest.mark.parametrize("seed", range(6))
def test_a_planted_box_is_found_with_exactly_its_two_limits(seed):
    """95 of 100 seeds are asked for; 100 of 100 were measured."""
    found = failure_box(NAMES, *planted(seed), seed=seed)
    assert found.coverage >= 0.93 and found.density >= 0.97
    assert [limit.name for limit in found.limits] == ["a", "b"]
    a, b = found.limits
    assert a.low is None and a.high == pytest.approx(0.4, abs=0.01)
    assert b.high is None and b.low == pytest.approx(0.5, abs=0.01)
    assert a.quasi_p < 1e-6 and a.stability > 0.9 and b.stability > 0.9


@pytest.mark.slow
def test_a_planted_box_is_found_in_95_of_100_seeds(monkeypatch):
    monkeypatch.setattr(discovery, "RESAMPLES", 1)  # stability is not asked for here
    good = 0
    for seed in range(100):
        found = failure_box(NAMES, *planted(seed), seed=seed)
        good += found.coverage >= 0.93 and found.density >= 0.97 and len(found.limits) == 2
    assert good >= 95


def test_the_figures_of_a_box_are_those_of_its_cases():
    x, fails = planted(11)
    found = failure_box(NAMES, x, fails, seed=0)
    inside = (x[:, 0] <= found.limits[0].high) & (x[:, 1] >= found.limits[1].low)
    assert found.coverage == fails[inside].sum() / fails.sum()
    assert found.density == fails[inside].mean()
    assert found.mass == inside.mean() and found.base_rate == fails.mean()


def test_the_distance_is_large_for_what_decides_and_small_for_the_rest():
    found = failure_box(NAMES, *planted(1), seed=0)
    assert min(found.distance["a"], found.distance["b"]) > 0.3
    assert max(found.distance[name] for name in "cdef") < 0.1


def test_tied_inputs_are_peeled_whole():
    stream = np.random.default_rng(0)
    x = np.column_stack([stream.integers(0, 3, 2000), stream.random(2000)]).astype(float)
    found = failure_box(["switch", "other"], x, x[:, 0] == 2, seed=0)
    assert [(each.name, each.low, each.high) for each in found.limits] == [("switch", 2.0, None)]
    assert found.coverage == found.density == 1


def test_the_same_seed_gives_the_same_box():
    assert failure_box(NAMES, *planted(2), seed=0).limits == failure_box(NAMES, *planted(2), seed=0).limits


def test_all_or_no_failing_cases_are_refused():
    x = np.random.default_rng(0).random((50, 2))
    for flags in (np.zeros(50, bool), np.ones(50, bool)):
        with pytest.raises(UsageError, match="of 50 cases fail"):
            failure_box("ab", x, flags, seed=0)
    with pytest.raises(UsageError, match="do not fit 3 names"):
        failure_box("abc", x, np.zeros(50, bool), seed=0)
