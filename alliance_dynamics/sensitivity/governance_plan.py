"""The runs of a governance sweep: their order, their parameter rows, and the past that many of them share.

Levers act from the policy year on, so all runs of one future have one past.  It is run once per future, and every run
begins in the policy year from the stocks that it left.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.errors import UsageError, fault
from alliance_dynamics.futures import Futures
from alliance_dynamics.kernel.continuation import continuation
from alliance_dynamics.kernel.integrate import Schedule, compile_kernel
from alliance_dynamics.model.model import Model
from alliance_dynamics.outcomes import SeriesSet
from alliance_dynamics.sensitivity.design import SobolDesign
from alliance_dynamics.settings import CONTROL, schedule_of
from alliance_dynamics.sweeps.task import SweepTask, sweep_task

Floats = NDArray[np.float64]
PIECE = 4096  # rows made at once
CALIBRATED, ASSUMPTIONS = "calibrated parameters", "uncertain assumptions"
TRIED = 4  # base points whose past is run with their own levers too, to see that levers do not act in it


class GovernancePlan:
    """Per replicate the design's rows, then every reference regime under each of its futures; `task` runs them.

    A base point has the futures of A and B and, where there are assumptions, those of AB and BA of the calibrated
    group; all other blocks repeat one of them.  The first of `references` (program columns of regimes) is the baseline,
    whose columns that are no levers hold in the design's rows too, but for those `instead`: there levers are numbers.
    `precision` is that of the runs from the policy year on; their past is computed in double precision.
    """

    def __init__(
        self, model: Model, design: SobolDesign, futures: Futures, references: Sequence[Mapping[int, float]],
        levers: list[int], series: SeriesSet, chosen: list[int], *, policy_year: int, dt: float,
        precision: str = "double", instead: Mapping[int, float] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        self.model, self.design, self.futures, self.references, self.levers = model, design, futures, references, levers
        self.order = _sorted_by_main_direction(futures.posterior)
        base = futures.base.copy()
        base[futures.program.parameter_index[CONTROL["dt"]]] = dt
        for column, value in {**references[0], **instead}.items():
            base[column] = value
        self.base = base
        self.whole, _ = schedule_of(futures.program, base)
        years = np.rint(self.whole.times).astype(int)
        cut = years.tolist().index(policy_year)
        steps = cut * self.whole.steps_per_save
        self.past = Schedule(self.whole.start, dt, steps, max(steps, 1))
        start = self.whole.start + steps * dt
        self.rest = Schedule(start, dt, self.whole.steps - steps, self.whole.steps_per_save)
        self.years = years[cut + 1 :]
        self.parts = continuation(futures.program, series.outputs)
        self.task = self._task(series, chosen, precision)
        self.futures_per_point = 4 if futures.assumptions else 2
        self.size = design.rows_per_replicate + len(references) * self.futures_per_point * design.points
        self._points = lru_cache(maxsize=1)(self._points_of)
        self._memory = lru_cache(maxsize=2)(self._memory_of)  # shards of a replicate follow one another

    @property
    def runs(self) -> int:
        return self.size * self.design.replicates

    def digest(self) -> str:
        """SHA-256 of what the rows are made from: futures, baseline, the program of the past and its length."""
        references = [sorted(each.items()) for each in self.references]
        told = [self.parts.before.hash, self.past.start, self.past.dt, self.past.steps, references]
        digest = hashlib.sha256(json.dumps(told).encode())
        for each in (self.base, self.futures.posterior, self.order):
            digest.update(np.ascontiguousarray(each).tobytes())
        return digest.hexdigest()

    def back(self) -> NDArray[np.int64]:
        """For each row of a replicate's design, the number of its future: base point within A, B, AB, BA."""
        n = self.design.points
        swapped = (2, 3) if self.futures.assumptions else (1, 0)  # AB and BA of the calibrated group
        ab, ba = [], []
        for name in self.design.names:
            one, other = {CALIBRATED: swapped, ASSUMPTIONS: swapped[::-1]}.get(name, (0, 1))
            ab.append(one)
            ba.append(other)
        blocks = [0, 1, *ab, *ba]
        return (np.repeat(blocks, n) * n + np.tile(np.arange(n), len(blocks))).astype(np.int64)

    def rows(self, first: int, count: int, threads: int = 1) -> Floats:
        """Parameter rows [count, parameter] of runs first, first + 1, ... for the task: they begin in their memory."""
        found = []
        for replicate, start, here in self._pieces(first, count):
            memory = self._memory(replicate, threads)
            future = self._future()[start : start + here]
            found.append(np.concatenate([self._whole_rows(replicate, start, here), memory[future]], axis=1))
        return np.concatenate(found)

    def whole_rows(self, first: int, count: int) -> Floats:
        """The rows of the same runs for the whole program from its start, to explain one that failed."""
        return np.concatenate([self._whole_rows(*each) for each in self._pieces(first, count)])

    def _task(self, series: SeriesSet, chosen: list[int], precision: str) -> SweepTask:
        program, futures = self.parts.after, self.futures
        assumed = [each.column for each in futures.assumptions]
        told = [c for each in self.references for c, value in each.items() if value != self.base[c]]
        columns = [*self.levers, *told, *(int(c) for each in futures.calibrated for c in each), *assumed]
        fixed = replace(program, defaults=(*map(float, self.base), *program.defaults[len(self.base) :]))
        return sweep_task(
            fixed, series.outputs, self.rest, method=self.model.time.method, saves=range(1, self.rest.saves),
            weights=series.weights[:, chosen],
            vary=(*(program.parameters[c] for c in dict.fromkeys(columns)), *self.parts.memory), precision=precision,
        )  # fmt: skip

    def _pieces(self, first: int, count: int) -> list[tuple[int, int, int]]:
        """Replicate, first row in it and number of rows, one for each replicate that runs reach into."""
        found = []
        while count:
            replicate, start = divmod(first, self.size)
            here = min(count, self.size - start)
            found.append((replicate, start, here))
            first, count = first + here, count - here
        return found

    def _future(self) -> NDArray[np.int64]:
        """Number of the future of every run of a replicate, the references' runs last."""
        each = np.arange(self.futures_per_point * self.design.points)
        return np.concatenate([self.back(), *[each] * len(self.references)])

    def _whole_rows(self, replicate: int, start: int, count: int) -> Floats:
        points, futures = self._points(replicate), self.futures
        inputs = self.design.rows_per_replicate
        places = np.arange(start, start + count)
        n, levers = self.design.points, len(self.levers)
        named = ("A", "B", f"AB:{CALIBRATED}", f"BA:{CALIBRATED}")
        blocks = np.array([self.design.blocks.index(each) for each in named])
        number, future = np.divmod(places - inputs, self.futures_per_point * n)  # number -1 and below: of the design
        own = places < inputs
        chosen = points[np.where(own, places, blocks[future // n] * n + future % n)]
        rows = np.repeat(self.base[None, :], count, axis=0)
        for place, column in enumerate(self.levers):
            rows[own, column] = chosen[own, place]
        for r, reference in enumerate(self.references):
            for column, value in reference.items():
                rows[number == r, column] = value
        draw = self.order[chosen[:, levers].astype(np.int64)]
        for j, columns in enumerate(futures.calibrated):
            rows[:, columns] = futures.posterior[draw, j, None]
        for j, each in enumerate(futures.assumptions):
            rows[:, each.column] = chosen[:, levers + 1 + j]
        return rows

    def _points_of(self, replicate: int) -> Floats:
        design = self.design
        return design.rows(replicate * design.rows_per_replicate, design.rows_per_replicate)

    def _memory_of(self, replicate: int, threads: int) -> Floats:
        """The memory [future, entry] that the past of each future leaves; not finite where that past failed."""
        inputs, count = self.design.rows_per_replicate, self.futures_per_point * self.design.points
        memory = np.concatenate([
            self._lived(self._whole_rows(replicate, inputs + start, min(PIECE, count - start)), threads)
            for start in range(0, count, PIECE)
        ])  # fmt: skip
        tried = self._lived(self._whole_rows(replicate, 0, min(TRIED, self.design.points)), threads)
        if not np.array_equal(tried, memory[: len(tried)], equal_nan=True):
            raise UsageError(fault("", "the levers act before {year}", expected="levers that act from the policy year",
                                   year=int(self.past.times[-1])))  # fmt: skip
        return memory

    def _lived(self, rows: Floats, threads: int) -> Floats:
        kernel = compile_kernel(self.parts.before, self.parts.memory)
        return kernel.run(rows, self.past, method=self.model.time.method, threads=threads).values[:, -1]


def _sorted_by_main_direction(posterior: Floats) -> NDArray[np.int64]:
    """The draws ordered along their first principal component, so that neighbouring rows are alike."""
    scaled = (posterior - posterior.mean(axis=0)) / np.maximum(posterior.std(axis=0), 1e-300)
    _, _, directions = np.linalg.svd(scaled, full_matrices=False)
    return np.argsort(
        scaled @ (directions[0] * np.sign(directions[0][np.argmax(np.abs(directions[0]))])), kind="stable"
    )
