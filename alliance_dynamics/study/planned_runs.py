"""What `alliance run` would do: runs, steps, expected time and disk, before any of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alliance_dynamics.commands.outcome import Outcome
from alliance_dynamics.ensemble import series_for
from alliance_dynamics.kernel.integrate import Schedule, compile_kernel
from alliance_dynamics.model.model import Model
from alliance_dynamics.overrides import Value
from alliance_dynamics.settings import CONTROL
from alliance_dynamics.simulate import prepared, refuse_endless
from alliance_dynamics.study.planning import Rate, Stage, calibration_stage, measured_rate, plan_shown, rate_of

TIMED = 400  # steps that are tried: a longer run takes as many times as long
BYTES = {"csv": 19, "parquet": 8, "netcdf": 8}  # of one number


@dataclass(frozen=True)
class Order:
    """What is asked for: `draws` 0 is one run at given values, of which every variable is kept.

    `calibrated`: the draws are those of a quick calibration.
    """

    draws: int
    seed: int
    jobs: int
    output: Sequence[str]
    backend: str
    precision: str
    out: Path | None
    kind: str
    calibrated: bool


def plan_runs(
    model: Model, changes: Mapping[str, Value], times: Mapping[str, Any], order: Order, command: Sequence[str]
) -> Outcome:
    """The plan of one run or of an ensemble; the same faults are refused, and nothing is written."""
    axis = {name: times.get(name) for name in CONTROL}
    program, row, schedule, _ = prepared(model, changes, **axis)
    series = series_for(model, program, order.output) if order.draws else None
    outputs = series.outputs if series else tuple(program.outputs)
    columns = len(series.labels if series else outputs)
    refuse_endless(schedule.saves, columns, max(1, order.draws))
    method = str(times.get("method") or model.time.method)
    stages = [Stage("draws", "Running the draws" if order.draws else "Running the model", max(1, order.draws))]
    if order.draws and order.calibrated:
        stages = [calibration_stage(True), Stage("regimes", "Running the draws", order.draws)]
        rate = measured_rate(model, order.jobs)
    else:
        kernel = compile_kernel(program, outputs, backend=order.backend, precision=order.precision)
        tried = min(schedule.steps, TIMED)
        part = Schedule(schedule.start, schedule.dt, tried, min(schedule.steps_per_save, max(1, tried)))
        fixed = "rk4" if method == "adaptive" else method
        found = rate_of(kernel, row, part, fixed, order.jobs if order.draws else 1, at_once=64 if order.draws else 1)
        share = tried / schedule.steps if schedule.steps else 1.0
        rate = Rate(found.one * share, found.many * share, found.jobs)
    numbers = max(1, order.draws) * schedule.saves * columns
    size = numbers * BYTES[order.kind] if order.out is not None else None
    return plan_shown(stages, rate, order.seed, order.out, size, command)
