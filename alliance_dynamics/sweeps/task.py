"""What one worker of a sweep is given: a program as text, what to store of its runs, and the rows to run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.kernel.integrate import Kernel, Schedule, compile_kernel
from alliance_dynamics.kernel.program import Program, from_json, to_json

Floats = NDArray[np.float64]


class Block(NamedTuple):
    """Finished runs: values [run, save, series], and per run the first save that is not finite, or -1."""

    values: Floats
    failed: NDArray[np.int64]


@dataclass(frozen=True)
class SweepTask:
    """Everything but the rows; made by `sweep_task`.  A kernel cannot travel, so each worker compiles its own once."""

    program: str
    outputs: tuple[str, ...]
    schedule: Schedule
    method: str
    seed: int
    saves: tuple[int, ...]
    sums: tuple[tuple[tuple[int, float], ...], ...]
    vary: tuple[str, ...] | None = None
    precision: str = "double"

    @cached_property
    def hash(self) -> str:
        """SHA-256 over all of it."""
        told = ("outputs", "method", "seed", "saves", "sums", "vary", "precision")
        content = {each: getattr(self, each) for each in told}
        content |= {"program": hashlib.sha256(self.program.encode()).hexdigest(), "schedule": asdict(self.schedule)}
        return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def sweep_task(
    program: Program,
    outputs: Sequence[str],
    schedule: Schedule,
    *,
    method: str,
    seed: int = 0,
    saves: Sequence[int] | None = None,
    weights: Floats | None = None,
    vary: Sequence[str] | None = None,
    precision: str = "double",
) -> SweepTask:
    """A task that stores the outputs, or weighted sums of them (`weights` [output, series]), at some saves (all).

    Run i of the whole sweep draws its noise from (seed, i).  `vary` names the parameters that differ from the program's
    defaults in some row (None: all may).  `precision`: double, or single for screening.
    """
    matrix = np.eye(len(outputs)) if weights is None else np.asarray(weights, dtype=np.float64)
    sums = tuple(tuple((int(o), float(column[o])) for o in np.flatnonzero(column)) for column in matrix.T)
    kept = range(schedule.saves) if saves is None else saves
    text = json.dumps(to_json(program), separators=(",", ":"))
    return SweepTask(text, tuple(outputs), schedule, method, seed, tuple(int(each) for each in kept), sums,
                     None if vary is None else tuple(vary), precision)  # fmt: skip


def run_rows(task: SweepTask, first: int, rows: Floats, threads: int = 1) -> Block:
    """Runs `first` .. of the sweep: program parameter rows [run, parameter] in, stored series out.

    Each number depends on its own row and place alone, whatever the rows beside it.  A row that is not finite, e.g. the
    memory of a past that failed, is a run that failed at its first save; its values are not numbers.
    """
    given = np.isfinite(rows)
    lost = ~given.all(axis=1)
    rows = np.where(given, rows, 0.0) if lost.any() else rows
    result = _kernel(task.program, task.outputs, task.vary, task.precision).run(
        rows, task.schedule, method=task.method, seed=task.seed, first_run=first, threads=threads
    )
    outputs = result.values[:, list(task.saves)]
    values = np.zeros((*outputs.shape[:2], len(task.sums)))
    for series, terms in enumerate(task.sums):  # one after the other: a matrix product may add in another order
        for output, weight in terms:
            values[..., series] += outputs[..., output] if weight == 1.0 else weight * outputs[..., output]
    values[lost] = np.nan
    return Block(values, np.where(lost, 0, result.failed).astype(np.int64))


@lru_cache(maxsize=4)
def _kernel(program: str, outputs: tuple[str, ...], vary: tuple[str, ...] | None, precision: str) -> Kernel:
    return compile_kernel(from_json(json.loads(program)), outputs, vary=vary, precision=precision)
