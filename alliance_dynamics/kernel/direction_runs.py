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
    """`values` is the plan of that half; columns of its parameters come before those of the seeds."""

    def __init__(self, values: Plan, text: DirectionSource, code: Code, columns: int):
        super().__init__(values, Source(text.text, text.layout, text.width), code)
        self.memory, self.columns = text.along, columns

    def derive(self, task: Task, seeds: Array) -> tuple[Array, Array, NDArray[np.int64]]:
        """Values (runs, saves, outputs), slopes (runs, saves, outputs, directions) and first failed saves (runs,).

        `seeds` (directions, parameters) says how far each direction goes along each parameter.
        """
        runs, saves, columns = len(task.parameters), task.schedule.saves, len(self.plan.outputs)
        values = np.empty((runs, saves, columns))
        slopes = np.empty((runs, saves, columns, len(seeds)))
        failed = np.empty(runs, dtype=np.int64)
        used = np.ascontiguousarray(seeds[:, [column - self.columns for column in self.memory.parameters]])

        def work(part: slice, parts: list[tuple[int, int]], shared: Array | None) -> None:
            chunk = _DirectionChunk(self, task, part)
            chunk.derive(used, parts, shared, values[part], slopes[part], failed[part])

        numbers = saves * columns * (1 + len(seeds)) + self.layout.keep + len(seeds) * self.memory.keep
        self.in_chunks(task, numbers, NEAR_BYTES, work)
        return values, slopes, failed


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
        memory, directions = runner.memory, len(seeds)
        keep = aligned(self.blocks * directions, memory.keep, width)
        scratch = aligned(1, memory.scratch, width)
        partials = aligned(len(self.task.method.nodes), runner.layout.partials, width)
        for each in (keep, scratch, partials):
            each[:] = 0.0  # the padding between states is read and written, and must stay finite
        no_rings = aligned(1, 0, width)
        fixed = self.blocks, *map(address, (self.parameters, self.keep, self.scratch)), schedule.start
        runner.code.prologue(*fixed, directions, 0, *map(address, (seeds, keep, scratch, no_rings)))
        rings, own_rings = (
            fill_rings(each, layout, schedule) for each, layout in ((self.keep, runner.layout), (keep, memory))
        )
        self.fill_keys()
        saves, columns = schedule.saves, len(runner.plan.outputs)
        out = aligned(self.blocks * directions, saves * columns, width)
        pointers = map(address, (seeds, keep, scratch, own_rings, out, partials))
        self.advance(parts, shared, rings, values, failed, directions, own_rings.shape[1], *pointers)
        ordered = out.reshape(self.blocks, saves, directions, columns, width).transpose(0, 4, 1, 3, 2)
        for block in range(self.blocks):
            rows = slopes[block * width : (block + 1) * width]
            rows[:] = ordered[block, : len(rows)]
