"""Ranges made wider and narrower, and the inputs that a ranking hangs on."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from alliance_dynamics.outcomes import ALLIANCE, INDICATORS
from alliance_dynamics.sensitivity.hinges import hinge_rows
from alliance_dynamics.sensitivity.repeated import scaled


@pytest.mark.parametrize(
    ("ends", "factor", "expected"),
    [
        ((2.0, 4.0), 0.5, (2.5, 3.5)),
        ((1.0, 4.0), 2.0, (0.5, 8.0)),
        ((0.0, 3.0), 2.0, (0.0, 6.0)),
        ((0.0, 1.0), 2.0, (0.0, 1.0)),
        ((0.2, 0.8), 2.0, (0.1, 1.0)),
        ((-1.0, 1.0), 2.0, (-2.0, 2.0)),
    ],
)
def test_ranges_keep_their_middle_and_their_bounds(ends, factor, expected):
    assert scaled(*ends, factor) == pytest.approx(expected)


def test_the_input_that_decides_the_ranking_is_found_and_its_thirds_show_it():
    """Policy B is better wherever the second input exceeds 0.5."""
    inputs = np.random.default_rng(0).random((900, 3))
    npv = next(each for each in INDICATORS if each.name == "net_present_value")
    values = np.stack([np.zeros(900), inputs[:, 1] - 0.5])[:, :, None]
    runs = SimpleNamespace(
        regimes=[SimpleNamespace(id="A"), SimpleNamespace(id="B")], series=SimpleNamespace(indicators=(npv,)),
        years=np.array([2040]), of=lambda name, element: {(npv.name, ALLIANCE): values}[name, element],
    )  # fmt: skip
    futures = SimpleNamespace(calibrated=[np.array([0])], assumptions=[SimpleNamespace(column=1),
                              SimpleNamespace(column=2)], rows=inputs)  # fmt: skip
    rows = hinge_rows(runs, futures, regime="B", baseline="A", outcome=npv.name, year=2040,
                      inputs=["a", "b", "c"], most=1)  # fmt: skip
    assert {row["input"] for row in rows} == {"b"} and rows[0]["distance"] == pytest.approx(1.0)
    best = {row["third"]: row["best"] for row in rows if row["regime"] == "B"}
    assert best[1] == 0.0 and best[3] == 1.0 and best[2] == pytest.approx(0.5, abs=0.1)
    assert sum(row["draws"] for row in rows if row["regime"] == "A") == 900
