"""The Sobol' design: which input values to run, in which order, so that indices can be computed afterwards.

One scrambled Sobol' point set of twice as many dimensions as there are columns gives the matrices A and B; AB_i is A
with the columns of factor i taken from B, BA_i is B with those of A.  Independent scramblings (replicates) give
intervals.  Rows lie as [replicate, block, point] with the blocks A, B, AB_1 .. AB_d, BA_1 .. BA_d.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from alliance_dynamics.errors import Fault, UsageError, fault
from alliance_dynamics.sensitivity.factors import Column, Factor, faults_of_factors, mapped

BITS = 30  # of a Sobol' coordinate: points are read at the middle of their cell, so never exactly 0 or 1


class RowPlace(NamedTuple):
    """Where a row stands in the design: replicate, block (`A`, `B`, `AB:name`, `BA:name`) and base point, from 0."""

    replicate: int
    block: str
    point: int


class Chunk(NamedTuple):
    """Some rows of one replicate: the number of the first row in the whole design, and values [rows, columns]."""

    first: int
    replicate: int
    values: np.ndarray


def sobol_design(factors: Sequence[Factor], *, points: int, replicates: int = 16, seed: int) -> SobolDesign:
    """The design of `replicates` x (2 d + 2) x `points` runs for d factors.

    `points` is a power of two of at least 2.  `seed` is a whole number from 0 (None is refused); the replicates are
    spawned from it, so more replicates or more points extend a design and keep what has been run.
    Intervals need at least 2 replicates; 16 of 1024 points is what the coverage of the intervals was measured for.
    Refused, all at once: no factors, repeated names, empty or infinite ranges, an index without rows.
    """
    factors = tuple(factors)
    faults = [*_faults_of_numbers(points, replicates, seed), *faults_of_factors(factors)]
    if faults:
        raise UsageError(faults)
    return SobolDesign(factors, int(points), int(replicates), int(seed))


@dataclass(frozen=True)
class SobolDesign:
    """A design and its layout; made by `sobol_design`.  Holds no samples: they are drawn again whenever asked for."""

    factors: tuple[Factor, ...]
    points: int
    replicates: int
    seed: int

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(factor.name for factor in self.factors)

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(factor.label or factor.name for factor in self.factors)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """All input columns in the order of `rows`."""
        return tuple(column for factor in self.factors for column in factor.members())

    @property
    def blocks(self) -> tuple[str, ...]:
        """Names of the blocks of a replicate, in their order."""
        return ("A", "B", *(f"AB:{name}" for name in self.names), *(f"BA:{name}" for name in self.names))

    @property
    def rows_per_replicate(self) -> int:
        return (2 * len(self.factors) + 2) * self.points

    @property
    def row_count(self) -> int:
        return self.rows_per_replicate * self.replicates

    @property
    def hash(self) -> str:
        """SHA-256 of the definition and of the first points drawn, so that another scrambling is another design."""
        return self._digest

    @cached_property
    def _digest(self) -> str:
        columns = [
            [
                f.name,
                c.name,
                c.distribution,
                *(None if x is None else float(x).hex() for x in (c.low, c.high, c.mean, c.sd)),
            ]
            for f in self.factors
            for c in f.members()
        ]
        definition = ["sobol-design/1", columns, self.points, self.replicates, self.seed]
        digest = hashlib.sha256(json.dumps(definition, ensure_ascii=False).encode())
        digest.update(_unit_points(self, 0, min(self.points, 64)).tobytes())
        return digest.hexdigest()

    def rows(self, first: int = 0, count: int | None = None) -> np.ndarray:
        """Input values [count, columns] of rows `first` .. `first + count - 1` of the whole design."""
        return self._assemble(first, count, values=True)

    def samples(self, first: int = 0, count: int | None = None) -> np.ndarray:
        """The same rows as points of the open unit cube."""
        return self._assemble(first, count, values=False)

    def chunks(self, size: int = 16384, *, replicate: int | None = None) -> Iterator[Chunk]:
        """All rows (or those of one replicate) in order, `size` at a time; no chunk spans two replicates."""
        if size < 1:
            raise UsageError(fault("", "a chunk of {size} rows is not possible", expected="at least 1", size=size))
        for k in range(self.replicates) if replicate is None else (self.check_replicate(replicate),):
            cube = mapped(self.columns * 2, _unit_points(self, k))
            for start in range(0, self.rows_per_replicate, size):
                count = min(size, self.rows_per_replicate - start)
                yield Chunk(k * self.rows_per_replicate + start, k, _rows_of(self, cube, start, count))

    def place(self, row: int) -> RowPlace:
        """Which replicate, block and base point a row of the whole design is."""
        replicate, rest = divmod(self._check_rows(row, 1)[0], self.rows_per_replicate)
        block, point = divmod(rest, self.points)
        return RowPlace(replicate, self.blocks[block], point)

    def with_points(self, points: int) -> SobolDesign:
        """The same scramblings with another number of points: the smaller set is the beginning of the larger one."""
        if faults := _faults_of_numbers(points, self.replicates, self.seed):
            raise UsageError(faults)
        return replace(self, points=points)

    def check_replicate(self, replicate: int) -> int:
        """`replicate`, or a refusal where the design has none of that number."""
        if not 0 <= replicate < self.replicates:
            raise UsageError(
                fault("", "there is no replicate {replicate}", expected="0 to {last}", replicate=replicate,
                      last=self.replicates - 1)
            )  # fmt: skip
        return replicate

    def _check_rows(self, first: int, count: int | None) -> tuple[int, int]:
        count = self.row_count - first if count is None else count
        if first < 0 or count < 0 or first + count > self.row_count:
            raise UsageError(
                fault("", "rows {first} to {last} are not in the design", expected="rows 0 to {end}", first=first,
                      last=first + count - 1, end=self.row_count - 1)
            )  # fmt: skip
        return first, count

    def _assemble(self, first: int, count: int | None, *, values: bool) -> np.ndarray:
        first, count = self._check_rows(first, count)
        parts = []
        while count:
            replicate, start = divmod(first, self.rows_per_replicate)
            here = min(count, self.rows_per_replicate - start)
            cube = _unit_points(self, replicate)
            parts.append(_rows_of(self, mapped(self.columns * 2, cube) if values else cube, start, here))
            first, count = first + here, count - here
        return np.concatenate(parts) if parts else np.empty((0, len(self.columns)))


def _unit_points(design: SobolDesign, replicate: int, count: int | None = None) -> np.ndarray:
    """The first points [count, A columns then B columns] of one scrambling, in the open unit cube; all unless given."""
    from scipy.stats import qmc

    child = np.random.SeedSequence(design.seed, spawn_key=(replicate,))
    sequence = qmc.Sobol(2 * len(design.columns), scramble=True, bits=BITS, rng=np.random.default_rng(child))
    return sequence.random(design.points if count is None else count) + 0.5 ** (BITS + 1)


def _rows_of(design: SobolDesign, cube: np.ndarray, start: int, count: int) -> np.ndarray:
    """Rows `start` .. of one replicate, from its A and B points."""
    width, d = len(design.columns), len(design.factors)
    a, b = cube[:, :width], cube[:, width:]
    ends = np.cumsum([len(factor.members()) for factor in design.factors])
    out = np.empty((count, width))
    done = 0
    while done < count:
        block, point = divmod(start + done, design.points)
        here = min(count - done, design.points - point)
        base, other = (a, b) if block == 0 or 2 <= block < 2 + d else (b, a)
        out[done : done + here] = base[point : point + here]
        if block >= 2:
            factor = (block - 2) % d
            own = slice(ends[factor] - len(design.factors[factor].members()), ends[factor])
            out[done : done + here, own] = other[point : point + here, own]
        done += here
    return out


def _faults_of_numbers(points: int, replicates: int, seed: int) -> list[Fault]:
    faults = []
    if not _whole(points) or points < 2 or points & (points - 1):
        near = 2 if not _whole(points) or points < 2 else 1 << (int(points).bit_length() - 1)
        faults.append(fault("", "{points} points are not possible", expected="a power of two, at least 2",
                            remedy="Take {near} or {twice}", points=points, near=near, twice=2 * near))  # fmt: skip
    elif points > 1 << BITS:
        faults.append(
            fault("", "{points} points are too many", expected="at most 2 to the {bits}", points=points, bits=BITS)
        )
    if not _whole(replicates) or replicates < 1:
        faults.append(fault("", "{count} replicates are not possible", expected="a whole number, at least 1",
                            count=replicates))  # fmt: skip
    if not _whole(seed) or seed < 0:
        faults.append(fault("", "the seed {seed} is not a seed", expected="a whole number, 0 or more",
                            remedy="Write the seed down, so that the run can be repeated", seed=seed))  # fmt: skip
    return faults


def _whole(number: object) -> bool:
    return isinstance(number, int | np.integer) and not isinstance(number, bool)
