"""Which calibrated parameters the worth of a regime goes with: Shapley effects within the posterior."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.futures import Futures
from alliance_dynamics.kernel.integrate import compile_kernel
from alliance_dynamics.model.model import Model
from alliance_dynamics.outcomes import ALLIANCE, INDICATORS, series_of
from alliance_dynamics.sensitivity.shapley import copula_of, shapley_effects
from alliance_dynamics.settings import CONTROL, schedule_of

Floats = NDArray[np.float64]


def posterior_shares(
    model: Model,
    futures: Futures,
    *,
    regime: Mapping[int, float],
    baseline: Mapping[int, float],
    outcomes: Sequence[str],
    year: int,
    inputs: Sequence[str],
    runs: int,
    coarser: int,
    seed: int,
    jobs: int = 1,
    progress: Callable[[float], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """The columns of shapley.csv: share of each calibrated parameter in the variance of the gap of `regime` to the
    baseline, per outcome of the alliance in one year, with its 95 % half-width.

    The parameters are drawn from a Gaussian copula fitted to the posterior; the assumptions stay at their central
    values.  `runs` evaluations per outcome, each of two runs of the model; the step is `coarser` times the model's own.
    """
    base = futures.base.copy()
    base[futures.program.parameter_index[CONTROL["dt"]]] *= coarser
    schedule, _ = schedule_of(futures.program, base)
    place = np.rint(schedule.times).astype(int).tolist().index(year)
    copula = copula_of(inputs, futures.posterior)
    rows: list[dict[str, Any]] = []
    for number, outcome in enumerate(outcomes):
        series = series_of(model, [each for each in INDICATORS if each.name == outcome])
        chosen = series.index(outcome, ALLIANCE)
        kernel = compile_kernel(futures.program, series.outputs)

        def level(values: Floats, changes: Mapping[int, float], kernel=kernel, series=series, chosen=chosen) -> Floats:
            told = np.repeat(base[None, :], len(values), axis=0)
            for j, columns in enumerate(futures.calibrated):
                told[:, columns] = values[:, j, None]
            for column, value in changes.items():
                told[:, column] = value
            found = kernel.run(told, schedule, method=model.time.method, threads=jobs).values[:, place]
            return series.values(found)[:, chosen]

        effects = shapley_effects(
            lambda values, level=level: level(values, regime) - level(values, baseline), copula, runs=runs, seed=seed
        )
        rows += [
            {"outcome": outcome, "year": year, "input": name, "share": float(effects.effects[j]),
             "half_width": float(effects.half_width[j]), "sd": float(np.sqrt(effects.variance)), "runs": effects.runs}
            for j, name in enumerate(effects.names)
        ]  # fmt: skip
        progress((number + 1) / len(outcomes))
    return rows
