"""A sweep from rows to stored runs: resumable, and the same bits for any workers, shards and interruptions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.errors import RunError, UsageError, fault
from alliance_dynamics.sweeps.executors import Workers, finished
from alliance_dynamics.sweeps.folder import SweepFolder
from alliance_dynamics.sweeps.task import Block, SweepTask

Floats = NDArray[np.float64]
ALONE = Workers()


@dataclass(frozen=True)
class Sweep:
    """All runs of a sweep, read from its folder shard by shard; memory holds one shard at a time."""

    folder: SweepFolder
    runs: int
    shard_rows: int
    made: int
    kept: int

    def blocks(self) -> Iterator[tuple[int, Block]]:
        """Number of the first run and block of every shard, in order.  RunError: a shard was taken away or altered."""
        for number in range(ceil(self.runs / self.shard_rows)):
            block = self.folder.read(number)
            if block is None:
                raise RunError(
                    fault(str(self.folder.path), "shard {number} is missing or altered",
                          remedy="Run the same sweep again: it makes what is missing", number=number)
                )  # fmt: skip
            yield number * self.shard_rows, block

    def failed(self) -> NDArray[np.int64]:
        """Numbers of the runs that went non-finite."""
        return np.concatenate([first + np.flatnonzero(block.failed >= 0) for first, block in self.blocks()])

    def values(self) -> Floats:
        """[run, save, series] of all runs at once; a failed run is refused here, never skipped."""
        failed = self.failed()
        if failed.size:
            raise RunError(
                fault("", "{count} of {runs} runs failed, the first is run {first}", expected="runs that stay finite",
                      remedy="Look at `failed()`, or use `blocks()` and say what shall count", count=failed.size,
                      runs=self.runs, first=int(failed[0]))
            )  # fmt: skip
        return np.concatenate([block.values for _, block in self.blocks()])


def run_sweep(
    task: SweepTask,
    rows: Callable[[int, int], Floats],
    runs: int,
    folder: str | Path,
    *,
    description: dict[str, Any] | None = None,
    workers: Workers = ALONE,
    shard_rows: int = 1024,
    progress: Callable[[float], None] = lambda _: None,
) -> Sweep:
    """Runs what the folder does not hold yet and gives back the whole.

    `rows(first, count)` gives program parameter rows [count, parameter] of runs first, first + 1, ...; it must be a
    function of these numbers alone, and `description` (plain JSON: design, seed, data hashes) must tell it apart from
    others, since only the manifest is compared.  An interrupt leaves whole shards only; the same call goes on.
    """
    if runs < 1 or shard_rows < 1:
        raise UsageError(
            fault("", "a sweep of {runs} runs in shards of {rows}", expected="at least one run, and one per shard",
                  runs=runs, rows=shard_rows)
        )  # fmt: skip
    count = ceil(runs / shard_rows)
    manifest = {"task": task.hash, "runs": runs, "shard_rows": shard_rows, **(description or {})}
    kept_in = SweepFolder(folder, manifest)

    def rows_of(number: int) -> tuple[int, Floats]:
        first = number * shard_rows
        return first, rows(first, min(shard_rows, runs - first))

    with kept_in.opened():
        missing = [number for number in range(count) if kept_in.read(number) is None]
        kept = count - len(missing)
        for done, (number, block) in enumerate(finished(workers, task, missing, rows_of), start=1):
            kept_in.write(number, block)
            progress((kept + done) / count)
    return Sweep(kept_in, runs, shard_rows, made=len(missing), kept=kept)
