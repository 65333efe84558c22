"""One run of a model with everything stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.errors import RunError
from alliance_dynamics.failures import explain
from alliance_dynamics.kernel.flatten import flatten
from alliance_dynamics.kernel.integrate import compile_kernel
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.model.model import Method, Model
from alliance_dynamics.settings import CONTROL, FlatNames, parameters_with, schedule_of


@dataclass(frozen=True)
class Run:
    """One run of a model: `values[time, column]`, one column per element of every variable, under its label."""

    model: Model
    times: NDArray[np.float64]
    columns: tuple[str, ...]
    values: NDArray[np.float64]
    method: Method
    dt: float
    notices: tuple[str, ...]


@lru_cache(maxsize=16)
def _flatten(key: _ByHash) -> Program:
    return flatten(key.model)


class _ByHash:
    """Lets a model be a cache key by its hash alone."""

    def __init__(self, model: Model):
        self.model = model

    def __hash__(self) -> int:
        return hash(self.model.hash)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByHash) and other.model.hash == self.model.hash


def program_of(model: Model) -> Program:
    """The flattened program of a model, made once per model hash."""
    return _flatten(_ByHash(model))


def run_model(
    model: Model,
    *,
    set: Mapping[str, float] | None = None,
    method: Method | None = None,
    dt: float | None = None,
    start: float | None = None,
    stop: float | None = None,
    saveper: float | None = None,
    backend: str = "auto",
    seed: int = 0,
) -> Run:
    """One run with every variable stored.

    `set` changes constants by label or canonical name, whole (`k`) or by element (`k[a]`).  Method, dt, start, stop and
    saveper come from the file unless given.  UsageError: an unknown name, a variable that is no constant.  RunError: a
    value became non-finite; it names time and variable.
    """
    program = program_of(model)
    row = parameters_with(model, program, set or {})
    _set_times(program, row, {"start": start, "stop": stop, "dt": dt, "saveper": saveper})
    schedule, notices = schedule_of(program, row)
    names = tuple(program.outputs)
    kernel = compile_kernel(program, names, backend=backend)
    chosen: Method = method or model.time.method
    result = kernel.run(row[None, :], schedule, method=chosen, seed=seed)
    if result.failed[0] >= 0:
        raise RunError(explain(model, program, row, schedule, chosen, seed, 0))
    labels = FlatNames(model)
    columns = tuple(labels.label(name) for name in names)
    saved = schedule.start + schedule.dt * schedule.steps_per_save * np.arange(result.values.shape[1])
    return Run(
        model, saved, columns, result.values[0], chosen, schedule.dt, (*model.notices, *notices, *kernel.notices)
    )


def _set_times(program: Program, row: NDArray[np.float64], times: dict[str, float | None]) -> None:
    """Puts the given time controls into a parameter row; SAVEPER follows TIME STEP where the file has them equal."""
    index = program.parameter_index
    follows = times["dt"] is not None and times["saveper"] is None and CONTROL["saveper"] in index
    if follows and row[index[CONTROL["saveper"]]] == row[index[CONTROL["dt"]]]:
        times = {**times, "saveper": times["dt"]}
    for name, value in times.items():
        if value is not None and CONTROL[name] in index:
            row[index[CONTROL[name]]] = value
