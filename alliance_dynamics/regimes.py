"""The governance regimes run over common futures, and compared with a baseline draw by draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.compare import Comparison, Outcome, compare_values
from alliance_dynamics.errors import RunError, UsageError, fault
from alliance_dynamics.failures import explain
from alliance_dynamics.futures import Futures, rows_of_regime
from alliance_dynamics.kernel.integrate import Kernel, Schedule, compile_kernel
from alliance_dynamics.model.model import Model
from alliance_dynamics.outcomes import ALLIANCE, SeriesSet, series_of
from alliance_dynamics.parameters import Parameters
from alliance_dynamics.scenarios import Scenario
from alliance_dynamics.settings import schedule_of

Floats = NDArray[np.float64]
FISCAL_COST = "cumulative_fiscal_cost"


@dataclass(frozen=True)
class RegimeRuns:
    """`values` [regime, draw, year, series] of the indicators; the same futures in every regime."""

    regimes: tuple[Scenario, ...]
    series: SeriesSet
    years: NDArray[np.int64]
    values: Floats
    policy_year: int

    def of(self, name: str, element: str) -> Floats:
        """[regime, draw, year] of one series."""
        return self.values[..., self.series.index(name, element)]


def run_regimes(
    model: Model,
    regimes: Sequence[Scenario],
    futures: Futures,
    parameters: Parameters,
    *,
    jobs: int = 1,
    progress: Callable[[float], None] = lambda _: None,
) -> RegimeRuns:
    """Every regime over every future.  RunError: a run went non-finite; it names draw, time and variable."""
    series = series_of(model)
    kernel = compile_kernel(futures.program, series.outputs)
    schedule, _ = schedule_of(futures.program, futures.base)
    values = []
    for i, regime in enumerate(regimes):
        values.append(series.values(run_regime(model, regime, futures, parameters, kernel, schedule, jobs=jobs)))
        progress((i + 1) / len(regimes))
    years = np.rint(schedule.times).astype(int)
    starts = {int(regime.start_policy) for regime in regimes if regime.start_policy is not None}
    return RegimeRuns(tuple(regimes), series, years, np.stack(values), max(starts, default=int(years[0])))


def run_regime(
    model: Model, regime: Scenario, futures: Futures, parameters: Parameters, kernel: Kernel, schedule: Schedule, *,
    jobs: int = 1,
) -> Floats:  # fmt: skip
    """The outputs [draw, save, output] of one regime over every future.  RunError: a run went non-finite.

    `kernel` says which outputs; a regime with levers in time is compiled for itself.
    """
    own, program, rows = rows_of_regime(model, regime, futures, parameters)
    if own is not model:
        kernel, futures = compile_kernel(program, kernel.outputs), replace(futures, program=program)
    result = kernel.run(rows, schedule, method=own.time.method, threads=jobs)
    refuse_failures(own, futures, rows, result.failed, schedule)
    return result.values


def compare_regimes(runs: RegimeRuns, *, baseline: str, at: Sequence[int]) -> Comparison:
    """Gaps to the baseline at some years, for every indicator and element, over the common futures."""
    names = tuple(regime.id for regime in runs.regimes)
    known = set(runs.years.tolist())
    if wrong := [year for year in at if year not in known]:
        raise UsageError(
            fault("", "{years} are not years of the run", expected="Years from {first} to {last}",
                  years=", ".join(map(str, wrong)), first=int(runs.years[0]), last=int(runs.years[-1]))
        )  # fmt: skip
    summary: list[dict[str, Any]] = []
    table: list[dict[str, Any]] = []
    card: Comparison | None = None
    for indicator in dict.fromkeys(runs.series.indicators):
        elements = [element for each, element in runs.series.keys if each == indicator.name]
        unit = runs.series.units[runs.series.index(indicator.name, elements[0])]
        values = np.stack([runs.of(indicator.name, element) for element in elements], axis=-1)
        outcome = Outcome(indicator.name, unit=unit, better=indicator.better)
        card = compare_values({indicator.name: values}, [outcome], regimes=names, years=runs.years.tolist(),
                              baseline=baseline, at=list(at), elements=elements)  # fmt: skip
        if indicator.minus:  # a share of a difference of two accounts means nothing
            for row in card.summary:
                row |= dict.fromkeys(("gap_percent", "gap_percent_low", "gap_percent_high"))
        summary += card.summary
        table += card.table
    assert card is not None
    cost = fiscal_cost(runs)
    for row in summary:
        year = int(np.flatnonzero(runs.years == row["year"])[0])
        row["fiscal_cost"] = float(cost[names.index(str(row["regime"])), year])
        row["fiscal_cost_unit"] = "bn RUB"
        row["baseline_fiscal_cost"] = float(cost[names.index(baseline), year])
    outcomes = tuple(Outcome(i.name, better=i.better) for i in dict.fromkeys(runs.series.indicators))
    return Comparison(names, baseline, outcomes, card.years, card.draws, card.dropped, summary, table, card.notes)


def fiscal_cost(runs: RegimeRuns) -> Floats:
    """[regime, year]: the median public cost since the policy year, bn RUB of 2010, federal and regional."""
    cost = runs.of(FISCAL_COST, ALLIANCE)
    start = int(np.flatnonzero(runs.years == runs.policy_year)[0])
    return np.median(cost - cost[:, :, [start]], axis=1)


def refuse_failures(
    model: Model, futures: Futures, rows: Floats, failed: NDArray[np.int64], schedule: Schedule, first: int = 0
) -> None:
    """RunError that names the first failed runs with time and variable; nothing is left out silently."""
    bad = np.flatnonzero(failed >= 0)
    if len(bad):
        faults = [
            explain(model, futures.program, rows[i], schedule, model.time.method, 0, int(first + i)) for i in bad[:5]
        ]
        if len(bad) > 5:
            faults.append(fault("", "{count} further runs failed", count=len(bad) - 5))
        raise RunError(faults)
