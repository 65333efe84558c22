"""Doubling a Sobol' analysis until the stop rule is met."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from alliance_dynamics.cli import main
from alliance_dynamics.sensitivity.convergence import until_converged
from alliance_dynamics.sensitivity.design import sobol_design
from alliance_dynamics.sensitivity.factors import Factor
from alliance_dynamics.sensitivity.indices import SobolIndices
from alliance_dynamics.sensitivity.sobol import sobol_indices


@dataclass(frozen=True)
class Analysis:
    indices: SobolIndices


def ishigami(x):
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def analysis(points: int, function=ishigami) -> Analysis:
    factors = [Factor(name, name, -np.pi, np.pi) for name in ("a", "b", "c")]
    design = sobol_design(factors, points=points, replicates=16, seed=1)
    return Analysis(sobol_indices(design, function(design.rows())))


def test_ishigami_stops_with_intervals_that_hold_the_exact_values():
    ended = until_converged(analysis, points=256, most_runs=10_000_000)
    assert ended.reached
    points = [each.design.points for each in ended.history]
    assert points == [256 << i for i in range(len(points))] and points[-1] >= 1024
    exact = np.array([0.3139051911, 0.4424111448, 0.0])
    found = ended.found.indices.S1
    assert np.all(np.abs(found.value - exact) <= 2 * found.half_width + 1e-3)
    rows = ended.rows()
    assert [row["reached"] for row in rows] == [False] * (len(rows) - 1) + [True]
    assert rows[0]["missing"] and not rows[-1]["missing"]


def test_it_never_stops_before_1024_points_of_a_replicate():
    """A linear function is exact at any size, and still waits."""
    ended = until_converged(lambda n: analysis(n, lambda x: x @ [3.0, 2, 1]), points=64,
                            most_runs=10**9)  # fmt: skip
    assert ended.reached
    assert ended.history[-1].design.points == 1024


def test_the_ceiling_holds_and_is_said():
    ended = until_converged(analysis, points=16, most_runs=16 * 16 * 8 * 4)
    assert not ended.reached
    assert ended.history[-1].design.points == 64


@pytest.mark.slow
def test_the_command_doubles_and_tells(tmp_path, capsys):
    out = tmp_path / "out"
    assert (
        main(["sensitivity", "--points", "2", "--replicates", "2", "--max-runs", "320", "--out", str(out), "-q"]) == 0
    )
    lines = (out / "doubling.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in lines] == ["points", "2", "4"]
    assert main(["verify", str(out)]) == 0
