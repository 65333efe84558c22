"""What a regime costs and brings, on equal terms: every regime with the same money, and with what it asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.compare import quantiles
from alliance_dynamics.errors import UsageError, fault
from alliance_dynamics.futures import Futures
from alliance_dynamics.kernel.integrate import compile_kernel
from alliance_dynamics.lever_paths import LeverPath
from alliance_dynamics.model.model import Model
from alliance_dynamics.parameters import Parameters
from alliance_dynamics.regimes import run_regime
from alliance_dynamics.scenarios import Scenario
from alliance_dynamics.settings import schedule_of

Floats = NDArray[np.float64]
EQUAL, NATIVE = "equal", "native"
APPROPRIATION = "federal_appropriation"
BENEFIT, COST = "present_value_of_grp", "present_value_of_fiscal_cost"
COORDINATION = "cumulative_coordination_cost"
ASKED = ("wanted_federal_money", "staff_cost")
AMPLE = 100.0  # bn RUB/Year, far above what any regime asks for
NO_COST = 0.05  # bn RUB; a benefit per rouble of less additional cost than this means nothing
BUDGET_SHARE = 0.3  # of the additional product that returns to public budgets; judgement, grade C
_ROUND = 2


@dataclass(frozen=True)
class Account:
    """One regime against `against` at one budget by the end of `year`; money in bn RUB of 2010, discounted.

    `appropriation` in bn RUB/Year.  Medians over the draws, with the middle 90 %: `benefit` of GRP, `cost` of public
    money, `npv` = benefit less cost, `per_rouble` = benefit over cost in the draws in which the cost differs by at
    least 0.05 bn RUB (`share_defined` of them).  `coordination` is not discounted.  `budget_return` is 0.3 of the
    benefit.
    """

    budget: str
    regime: str
    against: str
    year: int
    appropriation: float
    values: Mapping[str, Any]
    draws: int

    def row(self) -> dict[str, Any]:
        """The columns of accounts.csv."""
        head = {name: getattr(self, name) for name in ("budget", "regime", "against", "year", "appropriation")}
        return {**head, "unit": "bn RUB", **self.values, "draws": self.draws}


def native_appropriations(
    model: Model, regimes: Sequence[Scenario], futures: Futures, parameters: Parameters, *, until: int
) -> dict[str, float]:
    """What each regime asks for by itself, bn RUB/Year of 2010, to the nearest 0.01; 0 where it asks for nothing.

    The mean from the policy year to `until` of the federal share of its agreed projects and of its staff, in the median
    future, when money is never scarce.
    """
    middle = replace(futures, rows=np.median(futures.rows, axis=0)[None, :])
    kernel = compile_kernel(futures.program, ASKED)
    schedule, _ = schedule_of(futures.program, futures.base)
    times = np.rint(schedule.times).astype(int)
    found = {}
    for regime in regimes:
        if regime.levers.get(APPROPRIATION) == 0.0:
            found[regime.id] = 0.0
            continue
        rich = replace(regime, levers={**regime.levers, APPROPRIATION: AMPLE})
        asked = run_regime(model, rich, middle, parameters, kernel, schedule)
        span = (times > (regime.start_policy or times[0])) & (times <= until)
        found[regime.id] = round(float(asked[0, span].sum(axis=1).mean()), _ROUND)
    return found


def accounts(
    model: Model,
    regimes: Sequence[Scenario],
    futures: Futures,
    parameters: Parameters,
    *,
    against: str,
    years: Sequence[int],
    jobs: int = 1,
    progress: Callable[[float], None] = lambda _: None,
) -> tuple[Account, ...]:
    """Every regime against `against`, at the appropriations of the regimes themselves and at native ones.

    The counterfactual keeps its own appropriation in both.  UsageError: `against` is none of the regimes.
    """
    names = [each.id for each in regimes]
    if against not in names:
        raise UsageError(fault("", "there is no regime `{name}` to compare with", name=against,
                               expected="one of {known}", known=", ".join(names)))  # fmt: skip
    native = native_appropriations(model, regimes, futures, parameters, until=max(years))
    own = {each.id: _asked(each) for each in regimes}
    schedule, _ = schedule_of(futures.program, futures.base)
    kernel = compile_kernel(futures.program, (BENEFIT, COST, COORDINATION))
    places = [np.rint(schedule.times).astype(int).tolist().index(year) for year in years]

    def run(regime: Scenario) -> Floats:
        return run_regime(model, regime, futures, parameters, kernel, schedule, jobs=jobs)[:, places]

    base = run(regimes[names.index(against)])
    others = [each for each in regimes if each.id != against]
    found: list[Account] = []
    for number, (budget, money) in enumerate(((EQUAL, own), (NATIVE, native))):
        for i, regime in enumerate(others):
            kept = budget == EQUAL and isinstance(regime.levers.get(APPROPRIATION), LeverPath)
            funded = regime if kept else replace(regime, levers={**regime.levers, APPROPRIATION: money[regime.id]})
            gaps = run(funded) - base
            found += [
                Account(budget, regime.id, against, year, money[regime.id], _values(gaps[:, place]), len(gaps))
                for place, year in enumerate(years)
            ]
            progress((number + (i + 1) / len(others)) / 2)
    return tuple(found)


def _asked(regime: Scenario) -> float:
    """The appropriation that a regime asks for; that of its last year where it changes in time."""
    found = regime.levers.get(APPROPRIATION, 0.0)
    return found.last if isinstance(found, LeverPath) else found


def _values(gaps: Floats) -> dict[str, Any]:
    """What one regime's draws [draw, (benefit, cost, coordination)] come to."""
    benefit, cost, coordination = gaps.T
    npv = benefit - cost
    defined = np.abs(cost) >= NO_COST
    ratio = benefit[defined] / cost[defined]
    return {
        **quantiles("benefit", benefit),
        **quantiles("cost", cost),
        **quantiles("npv", npv),
        "share_positive": float((npv > 0).mean()),
        **quantiles("per_rouble", ratio if len(ratio) else None),
        "share_defined": float(defined.mean()),
        "coordination": float(np.median(coordination)),
        "budget_return": BUDGET_SHARE * float(np.median(benefit)),
    }
