"""What the ranking of the regimes hangs on: the inputs that tell futures in which one is best from the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from alliance_dynamics.futures import Futures
from alliance_dynamics.outcomes import ALLIANCE
from alliance_dynamics.regimes import RegimeRuns
from alliance_dynamics.sensitivity.discovery import distance
from alliance_dynamics.sensitivity.robustness import robustness
from alliance_dynamics.sensitivity.standing import inputs_of

THIRDS = 3


def hinge_rows(
    runs: RegimeRuns, futures: Futures, *, regime: str, baseline: str, outcome: str, year: int, inputs: Sequence[str],
    most: int = 3,
) -> list[dict[str, Any]]:  # fmt: skip
    """The columns of hinges.csv: the regimes in the lowest, middle and highest third of each of the `most` inputs whose
    distribution differs most (Kolmogorov distance) between futures in which `regime` is best and all others.

    Empty where `regime` is best in every future, or in none.
    """
    names = [each.id for each in runs.regimes]
    better = next(each.better for each in runs.series.indicators if each.name == outcome)
    values = runs.of(outcome, ALLIANCE)[:, :, runs.years.tolist().index(year)]
    gain = better * values
    wins = gain[names.index(regime)] >= gain.max(axis=0)
    if wins.all() or not wins.any():
        return []
    cases = inputs_of(futures)
    apart = np.array([distance(column, wins) for column in cases.T])
    rows: list[dict[str, Any]] = []
    for j in np.argsort(-apart, kind="stable")[:most]:
        order = np.argsort(cases[:, j], kind="stable")
        for third, part in enumerate(np.array_split(order, THIRDS)):
            measures = robustness(names, values[:, part], more_is_better=better >= 0)
            gaps = values[:, part] - values[names.index(baseline)][part]
            rows += [
                {"outcome": outcome, "year": year, "input": inputs[j], "distance": float(apart[j]), "third": third + 1,
                 "low": float(cases[part, j].min()), "high": float(cases[part, j].max()), "regime": name,
                 "best": float(measures.best[r]), "gap": float(np.median(gaps[r])), "draws": len(part)}
                for r, name in enumerate(names)
            ]  # fmt: skip
    return rows
