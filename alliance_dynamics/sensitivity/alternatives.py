"""The regimes under other forms of the model: does the ranking hang on a structural assumption?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from alliance_dynamics.errors import Fault, UsageError
from alliance_dynamics.futures import Futures
from alliance_dynamics.model.model import Model
from alliance_dynamics.outcomes import ALLIANCE
from alliance_dynamics.parameters import Parameters
from alliance_dynamics.regimes import run_regimes
from alliance_dynamics.scenarios import Scenario
from alliance_dynamics.sensitivity.robustness import robustness
from alliance_dynamics.settings import targets_of

DEFAULT = "default"
FORMS: Mapping[str, Mapping[str, float]] = {
    DEFAULT: {},
    "size_neutral_spillovers": {"size-neutral_spillover_switch": 1.0},
    "constant_return": {"constant_return_switch": 1.0},
    "flat_investment": {"flat_investment_share_switch": 1.0},
    "crowding_out": {"private_response_to_public_money": -0.4},
    "crowding_in": {"private_response_to_public_money": 0.3},
}


@dataclass(frozen=True)
class Standings:
    """One regime under one form of the model, for one outcome of the alliance in one year.

    `gap` is the median of the gaps to the baseline, [`gap_low`, `gap_high`] the middle 90 % of the draws; `best` the
    share of draws in which no regime does better, ties shared.
    """

    form: str
    regime: str
    outcome: str
    year: int
    unit: str
    gap: float
    gap_low: float
    gap_high: float
    best: float
    draws: int

    def row(self) -> dict[str, Any]:
        """The columns of alternatives.csv."""
        return vars(self)


def regimes_by_form(
    model: Model,
    regimes: Sequence[Scenario],
    futures: Futures,
    parameters: Parameters,
    *,
    baseline: str,
    outcomes: Sequence[str],
    years: Sequence[int],
    draws: int,
    jobs: int = 1,
    progress: Callable[[float], None] = lambda _: None,
) -> tuple[Standings, ...]:
    """Every regime under every form of `FORMS`, over the first `draws` futures, the same in all of them.

    A form sets switches, or the one constant that it is about, in every draw.  RunError: a run went non-finite.
    """
    few = replace(futures, rows=futures.rows[:draws])
    found: list[Standings] = []
    for number, (form, changes) in enumerate(FORMS.items()):
        runs = run_regimes(model, regimes, _under(model, few, changes), parameters, jobs=jobs)
        names = [each.id for each in runs.regimes]
        for outcome in outcomes:
            values = runs.of(outcome, ALLIANCE)
            indicator = next(each for each in runs.series.indicators if each.name == outcome)
            unit = runs.series.units[runs.series.index(outcome, ALLIANCE)]
            for year in years:
                at = values[:, :, runs.years.tolist().index(year)]
                ranks = robustness(names, at, more_is_better=indicator.better >= 0).ranks
                gaps = at - at[names.index(baseline)]
                low, middle, high = np.quantile(gaps, [0.05, 0.5, 0.95], axis=1)
                found += [
                    Standings(form, name, outcome, year, unit, float(middle[i]), float(low[i]), float(high[i]),
                              float(ranks[i][0]), at.shape[1])
                    for i, name in enumerate(names)
                ]  # fmt: skip
        progress((number + 1) / len(FORMS))
    return tuple(found)


def _under(model: Model, futures: Futures, changes: Mapping[str, float]) -> Futures:
    rows = futures.rows.copy()
    for name, value in changes.items():
        columns = targets_of(model, futures.program, name)
        if isinstance(columns, Fault):
            raise UsageError(columns)
        rows[:, columns] = value
    return replace(futures, rows=rows)
