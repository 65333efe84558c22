"""Run machine code over blocks of runs, on as many threads as asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.kernel import noise
from alliance_dynamics.kernel.driver import POINT_FIELDS
from alliance_dynamics.kernel.integrate import Array, Schedule, Task, Trajectories
from alliance_dynamics.kernel.layout import Layout
from alliance_dynamics.kernel.llvm import Source
from alliance_dynamics.kernel.machine_code import Code
from alliance_dynamics.kernel.numpy_ import ring_slots
from alliance_dynamics.kernel.plan import Plan
from alliance_dynamics.kernel.threads import work_through

CHUNK_BYTES = 2**24  # outputs and kept values of the runs that one call computes
TIMES_BYTES = 2**25  # time-only values; longer runs are computed in parts
CHUNK_BLOCKS = 64
DOUBLES = np.dtype(np.float64)


class Runner:
    def __init__(self, plan: Plan, text: Source, code: Code):
        self.plan, self.layout, self.width, self.code = plan, text.layout, text.width, code
        self.number = np.dtype(f"f{text.format.bits // 8}")
        self.whole = np.dtype(f"i{text.format.bits // 8}")

    def execute(self, task: Task) -> Trajectories:
        runs, saves = len(task.parameters), task.schedule.saves
        values = np.empty((runs, saves, len(self.plan.outputs)))
        failed = np.empty(runs, dtype=np.int64)

        def work(part: slice, parts: list[tuple[int, int]], shared: Array | None) -> None:
            Chunk(self, task, part).run(parts, shared, values[part], failed[part])

        self.in_chunks(task, saves * len(self.plan.outputs) + self.layout.keep, CHUNK_BYTES, work)
        return Trajectories(values, failed)

    def in_chunks(
        self, task: Task, numbers: int, most: int, work: Callable[[slice, list[tuple[int, int]], Array | None], None]
    ) -> None:
        """Calls `work` with chunks of runs, each of which takes so many numbers, of `most` bytes if they are several.

        It gets the ranges of steps that are made in one go, and their time-only values where there is one such range.
        """
        runs = len(task.parameters)
        blocks = -(-runs // self.width)
        chunk = int(np.clip(most // (8 * self.width * numbers), 1, CHUNK_BLOCKS))
        chunk = max(1, min(chunk, -(-blocks // task.threads)))
        parts = self.parts(task)
        shared = self.times_of(task, *parts[0]) if len(parts) == 1 else None

        def one(first: int) -> None:
            work(slice(first * self.width, min((first + chunk) * self.width, runs)), parts, shared)

        work_through(range(0, blocks, chunk), one, task.threads)

    def last(self, task: Task) -> int:
        """The step of the last save."""
        return task.schedule.steps // task.schedule.steps_per_save * task.schedule.steps_per_save

    def parts(self, task: Task) -> list[tuple[int, int]]:
        """Ranges of steps whose time-only values fit into memory."""
        end = self.last(task) + 1
        per_step = 8 * self.layout.times * len(task.method.points)
        size = max(1, TIMES_BYTES // per_step) if per_step else end
        return [(first, min(first + size, end)) for first in range(0, end, size)]

    def times_of(self, task: Task, first: int, end: int) -> Array:
        """Time-only values at all stage times of the steps first <= k < end, by the kernel's own functions."""
        points, width = task.method.points, self.width
        count = -(-(end - first) * len(points) // width)
        times = aligned(count, self.layout.times, width)
        if self.layout.times:
            begins = task.schedule.start + np.arange(first, end) * task.schedule.dt
            pairs = np.empty((count * width, 2))
            used = pairs[: len(begins) * len(points)].reshape(len(begins), len(points), 2)
            used[:, :, 0] = begins[:, np.newaxis] + np.array(points) * task.schedule.dt
            used[:, :, 1] = begins[:, np.newaxis]
            pairs[used.size // 2 :] = pairs[used.size // 2 - 1]
            lanes = aligned(count, 2, width)
            lanes[:] = pairs.reshape(count, width, 2).transpose(0, 2, 1)
            unused = aligned(1, 1, width)
            self.code.times(count, address(lanes), address(times), address(unused))
        return times


class Chunk:
    """The memory of some blocks of runs, and their way through all steps."""

    def __init__(self, runner: Runner, task: Task, part: slice):
        self.runner, self.task = runner, task
        width, layout = runner.width, runner.layout
        rows = task.parameters[part]
        self.runs = len(rows)
        self.blocks = -(-self.runs // width)
        # the last block is filled up with its last run
        self.lanes = np.minimum(np.arange(self.blocks * width), self.runs - 1)
        used = rows[self.lanes][:, list(layout.parameters)]
        self.parameters = aligned(self.blocks, len(layout.parameters), width, runner.number)
        with np.errstate(over="ignore"):  # what is infinite in single precision makes its run fail
            self.parameters[:] = used.reshape(self.blocks, width, -1).transpose(0, 2, 1)
        self.keep = aligned(self.blocks, layout.keep, width, runner.number)
        self.scratch = aligned(1, layout.scratch, width, runner.number)
        # the padding between states is read and written, and must stay finite
        self.keep[:] = 0.0
        self.scratch[:] = 0.0
        self.first_run = task.first_run + (part.start or 0)

    def run(self, parts: list[tuple[int, int]], shared: Array | None, values: Array, failed: NDArray[np.int64]) -> None:
        runner, schedule = self.runner, self.task.schedule
        arguments = self.blocks, *map(address, (self.parameters, self.keep, self.scratch)), schedule.start
        runner.code.prologue(*arguments)
        rings = fill_rings(self.keep, runner.layout, schedule)
        self.fill_keys()
        self.advance(parts, shared, rings, values, failed)

    def advance(
        self,
        parts: list[tuple[int, int]],
        shared: Array | None,
        rings: Array,
        values: Array,
        failed: NDArray[np.int64],
        *more: float,
    ) -> None:
        """All steps; `more` are further arguments of the kernel's function."""
        runner, task, width = self.runner, self.task, self.runner.width
        schedule, method = task.schedule, task.method
        columns = len(runner.plan.outputs)
        out = aligned(self.blocks, schedule.saves * columns, width, runner.number)
        flags = aligned(self.blocks, 1, width, runner.number).view(runner.whole)
        flags[:] = -1
        table = stages(task)
        for first, end in parts:
            times = shared if shared is not None else runner.times_of(task, first, end)
            runner.code.advance(
                self.blocks,
                *map(address, (self.parameters, self.keep, self.scratch, times, rings, out, flags)),
                rings.shape[1],
                schedule.saves,
                first,
                end,
                runner.last(task),
                schedule.steps_per_save,
                len(method.nodes),
                len(method.points),
                schedule.start,
                schedule.dt,
                schedule.dt / method.divisor,
                address(table),
                *more,
            )
        ordered = out.reshape(self.blocks, schedule.saves, columns, width).transpose(0, 3, 1, 2)
        for block in range(self.blocks):
            rows = values[block * width : (block + 1) * width]
            rows[:] = ordered[block, : len(rows)]
        failed[:] = flags.reshape(-1)[: self.runs]

    def fill_keys(self) -> None:
        whole = self.keep.view(np.uint64)
        for index, slot in self.runner.layout.keys.items():
            draw = self.runner.plan.program.step[index].value
            assert isinstance(draw, int)
            found = noise.keys(self.task.seed, self.first_run + self.lanes, draw)
            whole[:, slot] = found.reshape(self.blocks, self.runner.width)


def fill_rings(keep: Array, layout: Layout, schedule: Schedule) -> Array:
    """Rings of blocks (blocks, vectors, width), each as long as its longest run needs, with their initial values.

    Where they begin and how long they are is noted in `keep`.
    """
    width, whole = keep.shape[2], keep.view(np.int64)
    slots = {r: ring_slots(keep[:, length], schedule) for r, (_, length) in layout.fills.items()}
    sizes = {r: int(each.max()) for r, each in slots.items()}
    rings = aligned(len(keep), sum(sizes.values()), width, keep.dtype)
    base = 0
    for ring, (initial, length) in layout.fills.items():
        fill = np.where(keep[:, length] >= 0, keep[:, initial], np.nan)
        rings[:, base : base + sizes[ring]] = fill[:, np.newaxis]
        first = layout.rings[ring]
        whole[:, first] = base * width + np.arange(width)
        whole[:, first + 1] = 0
        whole[:, first + 2] = slots[ring]
        base += sizes[ring]
    return rings


def stages(task: Task) -> Array:
    method, dt = task.method, task.schedule.dt
    table = np.zeros((len(method.nodes), POINT_FIELDS))
    for number, node in enumerate(method.nodes):
        following = method.nodes[number + 1] if number + 1 < len(method.nodes) else 0.0
        table[number] = node * dt, method.weights[number], following * dt, method.points.index(node)
    return table


def aligned(blocks: int, vectors: int, width: int, number: np.dtype[Any] = DOUBLES) -> NDArray[Any]:
    """An empty array (blocks, vectors, width) that begins at a multiple of 64 bytes; never without memory."""
    count = blocks * vectors * width
    raw = np.empty(count + (64 + 8 * width) // number.itemsize, number)
    skip = -raw.ctypes.data % 64 // number.itemsize
    return raw[skip : skip + count].reshape(blocks, vectors, width)


def address(array: NDArray[Any]) -> int:
    return array.ctypes.data
