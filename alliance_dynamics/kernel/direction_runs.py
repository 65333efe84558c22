"""Run machine code of derivatives, see `directions.py`, over blocks of runs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.kernel.directions import DirectionSource
from alliance_dynamics.kernel.integrate import Array, Task
from alliance_dynamics.kernel.llvm import Source
from alliance_dynamics.kernel.machine_code import Code
from alliance_dynamics.kernel.plan import Plan
from alliance_dynamics.kernel.runner import Chunk, Runner, address, aligned, fill_rings

NEAR_BYTES = 2**20  # of what a chunk computes: more would be fetched from the system anew for each chunk


class DirectionRunner(Runner):
    """A pass of the loop has `slots` directions at once; `values` is the plan of the other half, with `columns` of
    parameters, after which those of the seeds follow."""

    def __init__(self, values: Plan, text: DirectionSource, code: Code, slots: int, columns: int):
        super().__init__(values, Source(text.text, text.layout, text.width), code)
        self.memory, self.slots, self.columns = text.along, slots, columns

    def derive(self, task: Task, seeds: Array) -> tuple[Array, Array, NDArray[np.int64]]:
        """Values (runs, saves, outputs), slopes (runs, saves, outputs, passes * slots) and first failed saves (runs,).

        `seeds` (passes, seed parameters) says how far each slot of a pass goes along each parameter.
        """
        runs, saves, columns, passes = len(task.parameters), task.schedule.saves, len(self.plan.outputs), len(seeds)
        values = np.empty((runs, saves, columns))
        slopes = np.empty((runs, saves, columns, passes, self.slots))
        failed = np.empty(runs, dtype=np.int64)
        used = np.ascontiguousarray(seeds[:, [column - self.columns for column in self.memory.parameters]])

        def work(part: slice, parts: list[tuple[int, int]], shared: Array | None) -> None:
            chunk = _DirectionChunk(self, task, part)
            chunk.derive(used, parts, shared, values[part], slopes[part], failed[part])

        numbers = saves * columns * (1 + passes * self.slots) + self.layout.keep + passes * self.memory.keep
        self.in_chunks(task, numbers, NEAR_BYTES, work)
        return values, slopes.reshape(runs, saves, columns, -1), failed


class _DirectionChunk(Chunk):
    runner: DirectionRunner

    def derive(
        self,
        seeds: Array,
        parts: list[tuple[int, int]],
        shared: Array | None,
        values: Array,
        slopes: Array,
        failed: NDArray[np.int64],
    ) -> None:
        runner, schedule, width = self.runner, self.task.schedule, self.runner.width
        memory, passes = runner.memory, len(seeds)
        keep = aligned(self.blocks * passes, memory.keep, width)
        scratch = aligned(1, memory.scratch, width)
        partials = aligned(len(self.task.method.nodes), runner.layout.partials, width)
        for each in (keep, scratch, partials):
            each[:] = 0.0  # the padding between states is read and written, and must stay finite
        no_rings = aligned(1, 0, width)
        fixed = self.blocks, *map(address, (self.parameters, self.keep, self.scratch)), schedule.start
        runner.code.prologue(*fixed, passes, 0, *map(address, (seeds, keep, scratch, no_rings)))
        rings, own_rings = (
            fill_rings(each, layout, schedule) for each, layout in ((self.keep, runner.layout), (keep, memory))
        )
        self.fill_keys()
        saves, columns = schedule.saves, len(runner.plan.outputs)
        out = aligned(self.blocks * passes, saves * columns * runner.slots, width)
        pointers = map(address, (seeds, keep, scratch, own_rings, out, partials))
        self.advance(parts, shared, rings, values, failed, passes, own_rings.shape[1], *pointers)
        ordered = out.reshape(self.blocks, saves, passes, columns, runner.slots, width).transpose(0, 5, 1, 3, 2, 4)
        for block in range(self.blocks):
            rows = slopes[block * width : (block + 1) * width]
            rows[:] = ordered[block, : len(rows)]
