"""One run of a model with everything stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.errors import RunError, UsageError, fault
from alliance_dynamics.failures import explain
from alliance_dynamics.kernel.integrate import Schedule, compile_kernel
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.model.model import Method, Model
from alliance_dynamics.overrides import Value, program_of, program_with
from alliance_dynamics.settings import CONTROL, FlatNames, schedule_of
from alliance_dynamics.step_error import StepError, step_error

__all__ = ["Run", "program_of", "run_model"]

MOST_SAVED = 100_000_000  # numbers that one run keeps: 0.8 GB


@dataclass(frozen=True)
class Run:
    """One run of a model: `values[time, column]`, one column per element of every variable, under its label."""

    model: Model
    times: NDArray[np.float64]
    columns: tuple[str, ...]
    values: NDArray[np.float64]
    method: str
    dt: float
    notices: tuple[str, ...]
    error: StepError | None = None
    precision: str = "double"
    backend: str = "numpy"
    seed: int = 0


def run_model(
    model: Model,
    *,
    set: Mapping[str, Value] | None = None,
    method: Method | Literal["adaptive"] | None = None,
    dt: float | None = None,
    start: float | None = None,
    stop: float | None = None,
    saveper: float | None = None,
    backend: str = "auto",
    seed: int = 0,
    error: bool = False,
    tolerance: float | None = None,
    precision: str = "double",
) -> Run:
    """One run with every variable stored.

    `set` changes, by label or canonical name, whole (`k`) or by element (`k[a]`): constants and initial values of
    stocks by a number, lookups by their points ((x, y), ...).  Method, dt, start, stop and saveper come from the file
    unless given.  UsageError: an unknown name, a variable that is computed.  RunError: a
    value became non-finite; it names time and variable.  `error` runs the same at half and at a quarter of the step as
    well and adds what that tells of the error of the step, at seven times the cost.  The method `adaptive` chooses its
    steps by `tolerance` (1e-8), see `adaptive.run_adaptive`.  `precision`: double, or single for screening, see
    `kernel.integrate.compile_kernel`; neither `error` nor `adaptive` goes with single.
    """
    program, row, schedule, notices = prepared(model, set or {}, start=start, stop=stop, dt=dt, saveper=saveper)
    refuse_endless(schedule.saves, len(program.outputs))
    _refuse_mixtures(method, error, tolerance, precision)
    names = tuple(program.outputs)
    if method == "adaptive":
        return _run_adaptive(model, program, row, schedule, notices, 1e-8 if tolerance is None else tolerance, backend)
    kernel = compile_kernel(program, names, backend=backend, precision=precision)
    chosen: Method = method or model.time.method
    labels = FlatNames(model)
    columns = tuple(labels.label(name) for name in names)

    def values_of(schedule: Schedule) -> NDArray[np.float64]:
        told = row.copy()
        told[program.parameter_index[CONTROL["dt"]]] = schedule.dt
        result = kernel.run(told[None, :], schedule, method=chosen, seed=seed)
        if result.failed[0] >= 0:
            raise RunError(explain(model, program, told, schedule, chosen, seed, 0, precision=precision))
        return result.values[0]

    values = values_of(schedule)
    notices = (*model.notices, *notices, *kernel.notices)
    estimate = None
    if error:
        # the controls change with the step by intention
        shown = [j for j, name in enumerate(names) if name not in CONTROL.values()]
        labels_shown = tuple(columns[j] for j in shown)
        estimate = step_error(model, labels_shown, values[:, shown], schedule, chosen, lambda s: values_of(s)[:, shown])
    return Run(model, schedule.times, columns, values, chosen, schedule.dt, notices, estimate, precision,
               kernel.backend, seed)  # fmt: skip


def prepared(
    model: Model, changes: Mapping[str, Value], **times: float | None
) -> tuple[Program, NDArray[np.float64], Schedule, list[str]]:
    """The program, parameter vector and schedule of a run, and notices of what was rounded.

    `times`: start, stop, dt and saveper; None leaves one to the model.  UsageError: all faults of the changes.
    """
    told = {CONTROL[name]: value for name, value in times.items() if value is not None}
    program, row = program_with(model, changes, told)
    _set_times(program, row, times)
    return program, row, *schedule_of(program, row)


def _run_adaptive(
    model: Model,
    program: Program,
    row: NDArray[np.float64],
    schedule: Schedule,
    notices: Sequence[str],
    tolerance: float,
    backend: str,
) -> Run:
    from alliance_dynamics.adaptive import run_adaptive

    values = run_adaptive(model, program, row, schedule, tolerance, backend)
    if CONTROL["dt"] in program.outputs:  # it looks a hair ahead of the time only while the method works
        values[:, list(program.outputs).index(CONTROL["dt"])] = schedule.dt
    labels = FlatNames(model)
    columns = tuple(labels.label(name) for name in program.outputs)
    return Run(model, schedule.times, columns, values, "adaptive", schedule.dt, (*model.notices, *notices))


def refuse_endless(saves: int, series: int, draws: int = 1) -> None:
    """UsageError where more numbers would be kept than `MOST_SAVED`."""
    if draws * saves * series > MOST_SAVED:
        many = "the run keeps {saves} times of {series} series"
        more = "the ensemble keeps {draws} draws of {saves} times of {series} series"
        raise UsageError(
            fault("", many if draws == 1 else more, expected="At most {most} numbers",
                  remedy="Use a larger SAVEPER" if draws == 1 else "Use a larger SAVEPER, or name series with --output",
                  saves=saves, series=series, draws=draws, most=MOST_SAVED)
        )  # fmt: skip


def _refuse_mixtures(method: str | None, error: bool, tolerance: float | None, precision: str) -> None:
    if precision != "double" and (error or method == "adaptive"):
        raise UsageError(fault("", "errors of the step are below what single precision can tell apart",
                               remedy="Compute it in double precision."))  # fmt: skip
    if method == "adaptive" and error:
        raise UsageError(fault("", "the adaptive method has no time step whose error could be estimated",
                               remedy="Compare two tolerances"))  # fmt: skip
    if method != "adaptive" and tolerance is not None:
        raise UsageError(fault("", "a tolerance is for the adaptive method only", remedy="Give the method `adaptive`"))


def _set_times(program: Program, row: NDArray[np.float64], times: Mapping[str, float | None]) -> None:
    """Puts the given time controls into a parameter row; SAVEPER follows TIME STEP where the file has them equal."""
    index = program.parameter_index
    follows = times.get("dt") is not None and times.get("saveper") is None and CONTROL["saveper"] in index
    if follows and row[index[CONTROL["saveper"]]] == row[index[CONTROL["dt"]]]:
        times = {**times, "saveper": times["dt"]}
    for name, value in times.items():
        if value is not None and CONTROL[name] in index:
            row[index[CONTROL[name]]] = value
