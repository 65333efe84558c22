"""Forward sensitivities: the exact derivatives of the discrete solution, by any number of directions.

A program with a few directions (`derivatives.py`) is compiled.  Few runs have the other directions in further lanes;
many have them in a loop, after values that are computed once (`directions.py`).  What is compiled does not grow with
the number of directions, and the bits are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.errors import Fault, UsageError, fault, suggestion
from alliance_dynamics.kernel.derivatives import tangent_outputs, with_tangents
from alliance_dynamics.kernel.integrate import METHODS, Array, Kernel, Schedule, Task, Trajectories, execute_with
from alliance_dynamics.kernel.not_differentiable import refuse
from alliance_dynamics.kernel.optimise import optimise
from alliance_dynamics.kernel.plan import Plan, plan

OPERATIONS = 15_000  # about as many are compiled at most: what limits how many directions share the values' lanes
FEW = 8  # runs: fewer leave lanes free for directions
CONTROL = ("initial_time", "final_time", "time_step", "saveper")


@dataclass(frozen=True, slots=True)
class Jacobian:
    """`values` (runs, saves, outputs) and their derivatives `slopes` (runs, saves, outputs, directions).

    `failed` (runs,): the first save with a non-finite state, output or derivative, or -1.
    """

    values: Array
    slopes: Array
    failed: NDArray[np.int64]


def jacobian(
    kernel: Kernel,
    parameters: Array,
    schedule: Schedule,
    directions: Sequence[str | Sequence[str]],
    *,
    method: str,
    seed: int,
    first_run: int,
    threads: int,
) -> Jacobian:
    """See `Kernel.jacobian`, which has checked all but the directions."""
    groups = tuple((each,) if isinstance(each, str) else tuple(each) for each in directions)
    _check(kernel, groups)
    if not groups:
        result = kernel.run(parameters, schedule, method=method, seed=seed, first_run=first_run, threads=threads)
        return Jacobian(result.values, np.empty((*result.values.shape, 0)), result.failed)
    made = _made(_Order(kernel, groups, few=len(parameters) < FEW))
    task = Task(parameters, schedule, METHODS[method], seed, first_run, threads)
    values, slopes, failed = made(task)
    return Jacobian(values, np.ascontiguousarray(slopes[..., : len(groups)]), failed)


def _check(kernel: Kernel, groups: tuple[tuple[str, ...], ...]) -> None:
    known = kernel.program.parameter_index
    faults: list[Fault] = []
    for name in dict.fromkeys(name for group in groups for name in group):
        if name not in known:
            template = "`{name}` is not a constant of the model"
            faults.append(fault("", template, remedy=suggestion(name, known), name=name))
        elif name in CONTROL:
            faults.append(fault("", "there are no derivatives by `{name}`: it sets the times of a run", name=name))
        elif kernel.vary is not None and name not in kernel.vary:
            faults.append(
                fault(
                    "",
                    "`{name}` was compiled as a constant, so there are no derivatives by it",
                    remedy="Name it among the parameters to vary.",
                    name=name,
                )
            )
    if faults:
        raise UsageError(faults)


class _Order:
    """The request for a compiled tangent program; equal where the program's hash and the wishes are."""

    def __init__(self, kernel: Kernel, groups: tuple[tuple[str, ...], ...], *, few: bool):
        self.program = kernel.program
        self.key = (kernel.program.hash, kernel.outputs, kernel.backend, kernel.vary, groups, few)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Order) and self.key == other.key


Derive = Callable[[Task], tuple[Array, Array, NDArray[np.int64]]]  # values, slopes and unused slots, failed


@lru_cache(maxsize=16)
def _made(order: _Order) -> Derive:
    _, outputs, backend, vary, groups, few = order.key
    program = optimise(order.program, vary)
    names = tuple(dict.fromkeys(name for group in groups for name in group))

    def planned(slots: int) -> Plan:
        with np.errstate(all="ignore"):  # what is folded may be infinite, as it may be in a run
            return plan(optimise(with_tangents(program, outputs, names, slots)), tangent_outputs(outputs, slots))

    def seeds_of(slots: int) -> Array:
        """How far each slot of each pass goes along each parameter, (passes, slots * parameters)."""
        found = np.zeros((-(-len(groups) // slots), slots, len(names)))
        for number, group in enumerate(groups):
            found[number // slots, number % slots, [names.index(name) for name in group]] = 1.0
        return found.reshape(len(found), -1)

    plain, one = plan(program, outputs), planned(1)
    refuse(program, names, plain)
    if backend == "llvm" and not few:
        from alliance_dynamics.kernel.jit import compile_directions

        return partial(compile_directions(one, program, len(outputs)).derive, seeds=seeds_of(1))
    slots = _slots(len(groups), _size(plain), _size(one))
    schedule = one if slots == 1 else planned(slots)
    noisy = any(schedule.program.step[i].kind == "random" for i in schedule.groups["step"])
    return _Lanes(execute_with(backend, schedule), seeds_of(slots), len(outputs), slots, noisy)


def _size(planned: Plan) -> int:
    return sum(map(len, planned.groups.values())) + len(planned.start)


def _slots(directions: int, values: int, with_one: int) -> int:
    """How many directions share the lanes of the values: as many as leave one block of lanes, if there is room."""
    room = max(1, (OPERATIONS - values) // max(1, with_one - values))
    lanes = -(-directions // min(room, -(-directions // 8)))
    return -(-directions // lanes)


@dataclass(frozen=True)
class _Lanes:
    """Directions in further lanes of a kernel of runs; `seeds` (lanes, seed parameters)."""

    execute: Callable[[Task], Trajectories]
    seeds: Array
    outputs: int
    slots: int
    noisy: bool

    def __call__(self, task: Task) -> tuple[Array, Array, NDArray[np.int64]]:
        runs, lanes, saves = len(task.parameters), len(self.seeds), task.schedule.saves
        rows = np.concatenate(
            [
                np.repeat(task.parameters[:, None], lanes, axis=1),
                np.broadcast_to(self.seeds, (runs, lanes, self.seeds.shape[1])),
            ],
            axis=2,
        )
        if self.noisy:  # the lanes of a run share its noise
            parts = [self.execute(replace(task, parameters=np.ascontiguousarray(rows[:, i]))) for i in range(lanes)]
            found = np.stack([each.values for each in parts], axis=1)
            failed = np.stack([each.failed for each in parts], axis=1)
        else:
            together = self.execute(replace(task, parameters=rows.reshape(runs * lanes, -1)))
            found = together.values.reshape(runs, lanes, *together.values.shape[1:])
            failed = together.failed.reshape(runs, lanes)
        slopes = found[..., self.outputs :].reshape(runs, lanes, saves, self.outputs, self.slots)
        slopes = slopes.transpose(0, 2, 3, 1, 4).reshape(runs, saves, self.outputs, -1)
        first = np.where(failed < 0, np.iinfo(np.int64).max, failed).min(axis=1)
        values = np.ascontiguousarray(found[:, 0, :, : self.outputs])
        return values, slopes, np.where((failed < 0).all(axis=1), -1, first)
