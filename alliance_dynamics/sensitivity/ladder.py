"""The lever ladder: what one lever of the alliance is worth from its low to its high setting, and where it tips.

Everything else stays as the regime and each future have it, so a figure is in the unit of the outcome and has a sign.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.common_model import numbers_instead
from alliance_dynamics.futures import Futures
from alliance_dynamics.kernel.integrate import compile_kernel
from alliance_dynamics.model.model import Model
from alliance_dynamics.outcomes import INDICATORS, series_of
from alliance_dynamics.parameters import Lever
from alliance_dynamics.regimes import refuse_failures
from alliance_dynamics.sensitivity.governance import OUTCOMES
from alliance_dynamics.sensitivity.robustness import TippingPoint, tipping_point
from alliance_dynamics.settings import schedule_of

Floats = NDArray[np.float64]
SETTINGS = 5  # values of a lever that are run


@dataclass(frozen=True)
class Rung:
    """One lever and outcome in one year: `change` from low to high setting over the futures, median and 90 % range;
    `rises`: share of futures in which the outcome rises with the lever; `tipping`: where the regime's gap to the
    baseline changes sign along the lever, `better` at each of `settings`."""

    lever: str
    outcome: str
    year: int
    unit: str
    change: float
    change_low: float
    change_high: float
    rises: float
    settings: Floats
    tipping: TippingPoint


def lever_ladder(
    model: Model,
    futures: Futures,
    levers: Mapping[str, Lever],
    *,
    regime: Mapping[int, float],
    baseline: Mapping[int, float],
    years: Sequence[int],
    settings: int = SETTINGS,
    draws: int = 200,
    jobs: int = 1,
    progress: Callable[[float], None] = lambda _: None,
) -> tuple[Rung, ...]:
    """Every lever at `settings` evenly spaced values of its range, over the first `draws` futures.

    `regime` and `baseline` set program columns, e.g. those of R3 and R1.  RunError: a run went non-finite.
    """
    wanted = {indicator for _, indicator, _ in OUTCOMES}
    series = series_of(model, [each for each in INDICATORS if each.name in wanted])
    chosen = [series.index(indicator, element) for _, indicator, element in OUTCOMES]
    kernel = compile_kernel(futures.program, series.outputs)
    schedule, _ = schedule_of(futures.program, futures.base)
    at = [np.rint(schedule.times).astype(int).tolist().index(year) for year in years]

    def run(changes: Mapping[int, float]) -> Floats:
        """[future, year, outcome]"""
        rows = futures.under(changes)[:draws]
        result = kernel.run(rows, schedule, method=model.time.method, threads=jobs)
        refuse_failures(model, futures, rows, result.failed, schedule)
        return series.values(result.values[:, at])[..., chosen]

    reference = run(baseline)
    rungs: list[Rung] = []
    for k, lever in enumerate(levers.values()):
        column = futures.program.parameter_index[lever.constant]
        values = np.linspace(lever.low, lever.high, settings)
        free = {**regime, **numbers_instead(futures.program, lever)}  # a path gives way, a start of its own stays
        found = np.stack([run({**free, column: value}) for value in values])  # [setting, future, year, outcome]
        for t, year in enumerate(years):
            for o, (outcome, indicator, element) in enumerate(OUTCOMES):
                change = found[-1, :, t, o] - found[0, :, t, o]
                low, middle, high = np.quantile(change, [0.05, 0.5, 0.95])
                rungs.append(
                    Rung(lever.name, outcome, year, series.units[series.index(indicator, element)], float(middle),
                         float(low), float(high), float((change > 0).mean()), values,
                         tipping_point(values, found[:, :, t, o] - reference[None, :, t, o]))
                )  # fmt: skip
        progress((k + 1) / len(levers))
    return tuple(rungs)
