"""How the regimes stand over the futures they all share: ranks, regret, and the conditions in which one fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.futures import Futures
from alliance_dynamics.outcomes import ALLIANCE
from alliance_dynamics.regimes import RegimeRuns
from alliance_dynamics.sensitivity.discovery import FailureBox, distance, failure_box
from alliance_dynamics.sensitivity.robustness import Robustness, robustness

TELLING = 6  # inputs shown beside each other for failing and other futures
RARE = 10  # cases: a box drawn around fewer says nothing


@dataclass(frozen=True)
class Failure:
    """`regime` ends below `against` in `count` of `draws` futures; `box` describes them where they are no rarity.

    `fails` [draw]: which futures these are.  `places` [input, draw]: where each draw stands among all, 0 to 1, for the
    inputs of `telling`, those whose distribution differs most between failing and other futures.
    """

    regime: str
    against: str
    outcome: str
    year: int
    count: int
    draws: int
    box: FailureBox | None
    fails: NDArray[np.bool_]
    telling: tuple[str, ...]
    places: NDArray[np.float64]


@dataclass(frozen=True)
class Standing:
    """Robustness of all regimes per outcome and year, and the failures of one of them; all for the alliance."""

    measures: tuple[tuple[str, int, str, Robustness], ...]
    failures: tuple[Failure, ...]


def regime_standing(
    runs: RegimeRuns,
    futures: Futures,
    *,
    regime: str,
    against: Sequence[str],
    outcome: str,
    years: Sequence[int],
    inputs: Sequence[str],
    seed: int,
) -> Standing:
    """Ranks and regret for every indicator and year, and boxes in which `regime` ends below each of `against`.

    `outcome` and the last of `years` decide what failing is; a regime satisfies in a future in which it is at least as
    good as the last of `against`.  `inputs` names the columns of the futures, calibrated
    ones first, then the assumptions.
    """
    names = [each.id for each in runs.regimes]
    measures = []
    for indicator in dict.fromkeys(runs.series.indicators):
        values = runs.of(indicator.name, ALLIANCE)
        unit = runs.series.units[runs.series.index(indicator.name, ALLIANCE)]
        for year in years:
            at = values[:, :, runs.years.tolist().index(year)]
            found = robustness(names, at, more_is_better=indicator.better >= 0)
            enough = indicator.better * (at - at[names.index(against[-1])]) >= 0
            measures.append((indicator.name, year, unit, replace(found, satisfied=enough.mean(axis=1))))
    better = next(each.better for each in runs.series.indicators if each.name == outcome)
    final = better * runs.of(outcome, ALLIANCE)[:, :, runs.years.tolist().index(years[-1])]
    cases = inputs_of(futures)
    failures = []
    for other in against:
        fails = final[names.index(regime)] < final[names.index(other)]
        count = int(fails.sum())
        known = RARE <= count <= len(fails) - RARE
        box = failure_box(inputs, cases, fails, seed=seed, least_mass=0.05) if known else None
        apart = np.array([distance(column, fails) if known else 0.0 for column in cases.T])
        first = np.argsort(-apart, kind="stable")[:TELLING]
        order = cases[:, first].argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
        failures.append(
            Failure(regime, other, outcome, years[-1], count, len(fails), box, fails,
                    tuple(str(inputs[j]) for j in first), (order.T + 0.5) / len(fails))
        )  # fmt: skip
    return Standing(tuple(measures), tuple(failures))


def inputs_of(futures: Futures) -> NDArray[np.float64]:
    """[future, input]: the calibrated parameters, then the assumptions."""
    columns = [int(columns[0]) for columns in futures.calibrated] + [each.column for each in futures.assumptions]
    return futures.rows[:, columns]
