"""Run machine code whose vectors hold operations of one run: each run is a block of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.kernel import noise
from alliance_dynamics.kernel.driver import POINT_FIELDS
from alliance_dynamics.kernel.elements import ElementSource
from alliance_dynamics.kernel.integrate import Array, Method, Schedule, Task, Trajectories
from alliance_dynamics.kernel.numpy_ import ring_slots
from alliance_dynamics.kernel.plan import Plan
from alliance_dynamics.kernel.threads import work_through

CHUNK_BYTES = 2**24  # outputs and kept values of the runs that one call computes
TIMES_BYTES = 2**24  # time-only values; longer runs are computed in parts
REMEMBERED_BYTES = 2**20  # time-only values of the last schedule that are not computed again


class Functions(Protocol):
    """The three functions of a kernel."""

    prologue: Callable[..., None]
    times: Callable[..., None]
    advance: Callable[..., None]


class Block(NamedTuple):
    """An array and its address; it begins at a multiple of 64 bytes."""

    array: Array
    address: int


class SingleRunner:
    """May be used from any thread, any number of times."""

    def __init__(self, plan: Plan, source: ElementSource, code: Functions):
        self.plan, self.memory, self.vector, self.code = plan, source.layout, source.width, code
        self.columns = np.array([*self.memory.parameters], dtype=np.intp)
        self.outputs = -(-len(plan.outputs) // self.vector) * self.vector
        self._times = lru_cache(maxsize=1)(self._times_of)

    def execute(self, task: Task) -> Trajectories:
        runs, schedule = len(task.parameters), task.schedule
        values = np.empty((runs, schedule.saves, len(self.plan.outputs)))
        failed = np.empty(runs, dtype=np.int64)
        chunk = max(1, CHUNK_BYTES // (8 * (schedule.saves * self.outputs + self.memory.keep)))
        chunk = min(chunk, max(1, -(-runs // task.threads)))

        def work(first: int) -> None:
            part = slice(first, min(first + chunk, runs))
            self._run(task, part, values[part], failed[part])

        work_through(range(0, runs, chunk), work, task.threads)
        return Trajectories(values, failed)

    def _run(self, task: Task, part: slice, values: Array, failed: NDArray[np.int64]) -> None:
        memory, schedule, method = self.memory, task.schedule, task.method
        rows = task.parameters[part]
        runs, columns, saves = len(rows), len(self.columns), schedule.saves
        # unused slots are read and written, and must stay finite
        keep, scratch = _blocks(np.zeros, (runs, memory.keep), (memory.scratch,))
        parameters, out, flags = _blocks(np.empty, (runs, columns), (runs, saves, self.outputs), (runs, self.vector))
        np.take(rows, self.columns, axis=1, out=parameters.array, mode="clip")
        failures = flags.array.view(np.int64)
        failures.fill(-1)
        self.code.prologue(runs, parameters.address, keep.address, scratch.address, schedule.start)
        rings = self._fill_rings(keep.array, schedule)
        self._fill_keys(keep.array, task, task.first_run + part.start)
        last = schedule.steps // schedule.steps_per_save * schedule.steps_per_save
        table = _stages(method, schedule.dt)
        fixed = (schedule.steps_per_save, len(method.nodes), len(method.points), schedule.start, schedule.dt)
        for first, end in self._parts(last + 1, len(method.points)):
            whole = (end - first) * len(method.points) * len(memory.columns) * 8 <= REMEMBERED_BYTES
            times = (self._times if whole else self._times_of)(schedule, method, first, end)
            self.code.advance(
                runs, parameters.address, keep.address, scratch.address, times.address, rings.address, out.address,
                flags.address, rings.array.shape[1], saves, first, end, last, *fixed, schedule.dt / method.divisor,
                table.address,
            )  # fmt: skip
        values[:] = out.array[:, :, : values.shape[2]]
        # as a whole number without sign, -1 is the largest
        failed[:] = failures.view(np.uint64).min(axis=1).view(np.int64)

    def _parts(self, end: int, points: int) -> list[tuple[int, int]]:
        """Ranges of steps whose time-only values fit into memory."""
        per_step = 8 * (self.memory.times + len(self.memory.columns)) * points
        size = max(1, TIMES_BYTES // per_step) if per_step else end
        return [(first, min(first + size, end)) for first in range(0, end, size)]

    def _times_of(self, schedule: Schedule, method: Method, first: int, end: int) -> Block:
        """Time-only values, one time point after the other, in the order in which the kernel wants them."""
        memory, points, width = self.memory, np.array(method.points), self.vector
        begins = schedule.start + np.arange(first, end) * schedule.dt
        used = len(begins) * len(points)
        count = -(-used // width)
        (times,) = _blocks(np.empty, (count * width, max(1, len(memory.columns))))
        if not memory.columns:
            return times
        lanes, found, unused = _blocks(np.empty, (count, 2, width), (count, memory.times, width), (width,))
        pairs = np.empty((count * width, 2))
        pairs[:used, 0] = (begins[:, np.newaxis] + points * schedule.dt).ravel()
        pairs[:used, 1] = np.repeat(begins, len(points))
        pairs[used:] = pairs[used - 1]
        lanes.array[:] = pairs.reshape(count, width, 2).transpose(0, 2, 1)
        self.code.times(count, lanes.address, found.address, unused.address)
        times.array[:] = found.array[:, memory.sources].transpose(0, 2, 1).reshape(count * width, -1)
        return times

    def _fill_rings(self, keep: Array, schedule: Schedule) -> Block:
        """Each ring as long as its longest run needs, filled with its initial values."""
        memory, whole = self.memory, keep.view(np.int64)
        slots = {r: ring_slots(keep[:, length], schedule) for r, (_, length) in memory.fills.items()}
        sizes = {r: int(each.max()) for r, each in slots.items()}
        (rings,) = _blocks(np.empty, (len(keep), sum(sizes.values())))
        base = 0
        for ring, (initial, length) in memory.fills.items():
            fill = np.where(keep[:, length] >= 0, keep[:, initial], np.nan)
            rings.array[:, base : base + sizes[ring]] = fill[:, np.newaxis]
            first = memory.rings[ring]
            whole[:, first], whole[:, first + 1], whole[:, first + 2] = base, 0, slots[ring]
            base += sizes[ring]
        return rings

    def _fill_keys(self, keep: Array, task: Task, first_run: int) -> None:
        for index, slot in self.memory.keys.items():
            draw = self.plan.program.step[index].value
            assert isinstance(draw, int)
            runs = np.arange(first_run, first_run + len(keep))
            keep.view(np.uint64)[:, slot] = noise.keys(task.seed, runs, draw)


@lru_cache(maxsize=16)
def _stages(method: Method, dt: float) -> Block:
    """The `POINT_FIELDS` of each stage."""
    (table,) = _blocks(np.zeros, (len(method.nodes), POINT_FIELDS))
    for number, node in enumerate(method.nodes):
        following = method.nodes[number + 1] if number + 1 < len(method.nodes) else 0.0
        table.array[number] = node * dt, method.weights[number], following * dt, method.points.index(node)
    return table


def _blocks(make: Callable[[int], Array], *shapes: tuple[int, ...]) -> list[Block]:
    """Arrays of doubles in one piece of memory, never without any."""
    sizes = [-(-prod(shape) // 8) * 8 for shape in shapes]
    raw: NDArray[Any] = make(sum(sizes) + 16)
    address = raw.__array_interface__["data"][0]
    at = -address % 64 // 8
    found = []
    for shape, size in zip(shapes, sizes, strict=True):
        found.append(Block(raw[at : at + prod(shape)].reshape(shape), address + 8 * at))
        at += size
    return found
