"""The stop rule: narrow, large enough, and an order that stays."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from alliance_dynamics.cli import main
from alliance_dynamics.sensitivity.design import sobol_design
from alliance_dynamics.sensitivity.factors import Factor
from alliance_dynamics.sensitivity.indices import SobolIndices
from alliance_dynamics.sensitivity.sobol import sobol_indices
from alliance_dynamics.sensitivity.stopping import FEWEST, WIDEST, Step, settled_by, step_of, until_settled


@dataclass(frozen=True)
class Analysis:
    indices: SobolIndices


def ishigami(x):
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def analysis(points: int, seed: int = 1, function=ishigami) -> Analysis:
    factors = [Factor(name, name, -np.pi, np.pi) for name in ("a", "b", "c")]
    design = sobol_design(factors, points=points, replicates=16, seed=seed)
    return Analysis(sobol_indices(design, function(design.rows())))


def test_ishigami_stops_with_intervals_that_hold_the_exact_values():
    ended = until_settled(analysis, points=256, runs_of=lambda n: n * 16 * 8, most_runs=10_000_000)
    assert ended.settled
    last = ended.steps[-1]
    assert last.points >= FEWEST
    assert last.widest <= max(WIDEST, 0.1 * 0.56)
    exact = np.array([0.3139051911, 0.4424111448, 0.0])
    found = ended.found.indices.S1
    assert np.all(np.abs(found.value - exact) <= 2 * found.half_width + 1e-3)
    assert [step.points for step in ended.steps] == [256 << i for i in range(len(ended.steps))]
    rows = ended.rows()
    assert [row["settled"] for row in rows] == [False] * (len(rows) - 1) + [True]


def test_it_never_stops_before_1024_points_of_a_replicate():
    """A linear function is exact at any size, and still waits."""
    ended = until_settled(lambda n: analysis(n, function=lambda x: x @ [3.0, 2, 1]), points=64,
                          runs_of=lambda n: n, most_runs=10**9)  # fmt: skip
    assert ended.settled
    assert ended.steps[-1].points == FEWEST


def test_the_ceiling_holds_and_is_said():
    ended = until_settled(analysis, points=16, runs_of=lambda n: n * 16 * 8, most_runs=16 * 16 * 8 * 4)
    assert not ended.settled
    assert ended.steps[-1].points == 64


def step(points=4096, narrow=True, leaders=(("a", "b"),)) -> Step:
    return Step(points, points, 0.01, narrow, leaders)


def test_each_part_of_the_rule_is_needed():
    good = [step(1024), step(2048), step(4096)]
    assert settled_by(good)
    assert not settled_by(good[1:])  # two doublings
    assert not settled_by([*good[:-1], step(narrow=False)])
    assert not settled_by([replace(each, points=each.points // 8) for each in good])
    assert not settled_by([step(1024, leaders=(("b", "a"),)), *good[1:]])


def test_a_constant_series_does_not_hold_the_rule_up():
    found = analysis(64, function=lambda x: np.column_stack([x @ [3.0, 2, 1], np.ones(len(x))]))
    read = step_of(found.indices)
    assert read.narrow
    assert len(read.leaders) == 1


@pytest.mark.slow
def test_the_command_doubles_and_tells(tmp_path, capsys):
    out = tmp_path / "out"
    assert (
        main(["sensitivity", "--points", "2", "--replicates", "2", "--max-runs", "320", "--out", str(out), "-q"]) == 0
    )
    lines = (out / "convergence.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in lines] == ["points", "2", "4"]
    assert main(["verify", str(out)]) == 0
