"""Which time step the page takes: twice the model's own where nothing shown would tell, else the model's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.kernel.integrate import compile_kernel
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.outcomes import SeriesSet
from alliance_dynamics.settings import schedule_of

CLOSE = 1e-4  # of the largest value of an outcome
CLOSE_GAP = 1e-2  # of the smallest gap shown


@dataclass(frozen=True)
class Step:
    """`error`: the largest difference from runs at half the model's step, as a share of an outcome's largest value."""

    dt: float
    own: float
    error: float


def choose_step(
    program: Program, series: SeriesSet, rows: NDArray[np.float64], *, baseline: int, years: Sequence[int],
    method: str, coarsest: float = np.inf,
) -> Step:  # fmt: skip
    """`rows` [regimes, program parameters]; `baseline` is the one that gaps are measured from, at `years`.

    A step above `coarsest` is not tried."""
    own = float(rows[0, program.parameter_index["time_step"]])
    kernel = compile_kernel(program, series.outputs)

    def at(dt: float) -> tuple[NDArray[np.float64], list[int]]:
        given = rows.copy()
        given[:, program.parameter_index["time_step"]] = dt
        schedule, _ = schedule_of(program, given[0])
        places = [int(np.argmin(np.abs(schedule.times - year))) for year in years]
        return series.values(kernel.run(given, schedule, method=method).values), places

    fine, places = at(own / 2)
    gaps = (fine - fine[baseline])[:, places]
    seen = np.where(gaps != 0, np.abs(gaps), np.inf).min(axis=(0, 1))
    errors = {}
    for dt in [each for each in (2 * own, own) if each <= coarsest]:
        values, _ = at(dt)
        level = np.abs(values - fine).max(axis=(0, 1)) / np.maximum(np.abs(fine).max(axis=(0, 1)), 1e-12)
        gap = np.abs((values - values[baseline])[:, places] - gaps).max(axis=(0, 1)) / seen
        errors[dt] = float(level.max())
        if level.max() < CLOSE and gap.max() < CLOSE_GAP:
            return Step(dt, own, errors[dt])
    return Step(own, own, errors[own])


def with_defaults(program: Program, row: NDArray[np.float64]) -> Program:
    """The same program with another parameter vector as its defaults."""
    return replace(program, defaults=tuple(map(float, row)))
