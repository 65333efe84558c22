"""Which governance levers decide the outcomes, year by year: a Sobol' analysis of the gap to the baseline regime.

The calibrated parameters enter as one group (a row of the posterior), the assumptions that no data speak to as another,
so that every index keeps its meaning although calibrated parameters are correlated.  Each run is compared with the
baseline regime under the same future, so that what is explained is the effect of governance, not the level of growth.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.errors import PartialError, fault
from alliance_dynamics.failures import explain
from alliance_dynamics.futures import Futures
from alliance_dynamics.kernel.integrate import Schedule
from alliance_dynamics.model.model import Model
from alliance_dynamics.outcomes import ALLIANCE, INDICATORS, series_of
from alliance_dynamics.parameters import Lever
from alliance_dynamics.regimes import refuse_failures
from alliance_dynamics.sensitivity.design import SobolDesign, sobol_design
from alliance_dynamics.sensitivity.factors import Column, Factor
from alliance_dynamics.sensitivity.indices import SobolIndices
from alliance_dynamics.sensitivity.sobol import OnFail, accumulate, combine
from alliance_dynamics.sensitivity.spread import Sample, joined
from alliance_dynamics.settings import schedule_of
from alliance_dynamics.sweeps.executors import Workers
from alliance_dynamics.sweeps.sweep import run_sweep
from alliance_dynamics.sweeps.task import Block, SweepTask, run_rows, sweep_task

Floats = NDArray[np.float64]
MAX_FAILED = 0.01
SHOWN_YEARS = (2030, 2040, 2050)
EXPLAINED = 3  # a failed run is repeated step by step to be explained, which takes a second
CALIBRATED, ASSUMPTIONS = "calibrated parameters", "uncertain assumptions"
OUTCOMES = (
    ("net_present_value", "net_present_value", ALLIANCE),
    ("gross_regional_product", "gross_regional_product", ALLIANCE),
    ("gross_regional_product_of_tatarstan", "gross_regional_product", "tatarstan"),
    ("innovative_goods_volume", "innovative_goods_volume", ALLIANCE),
    ("knowledge_capital", "knowledge_capital", ALLIANCE),
    ("patents_granted", "patents_granted", ALLIANCE),
    ("r&d_personnel", "r&d_personnel", ALLIANCE),
    ("interregional_link_density", "interregional_link_density", ALLIANCE),
    ("alliance_trust", "alliance_trust", ALLIANCE),
    ("cumulative_fiscal_cost", "cumulative_fiscal_cost", ALLIANCE),
)


@dataclass(frozen=True)
class GovernanceSweep:
    """The indices with what they were made from; `years` are those after the policy year.

    `sample`: the gaps in the years of `SHOWN_YEARS`.  `failed`: number of each run that went non-finite, and why; their
    base points are in no index.
    """

    indices: SobolIndices
    design: SobolDesign
    years: NDArray[np.int64]
    runs: int
    sample: Sample
    failed: tuple[tuple[int, str], ...] = ()


def governance_sensitivity(
    model: Model,
    futures: Futures,
    levers: Mapping[str, Lever],
    *,
    baseline: Mapping[int, float],
    policy_year: int,
    points: int,
    replicates: int,
    seed: int,
    jobs: int = 1,
    kept: Kept | None = None,
    on_fail: OnFail = "error",
    max_failed: float = MAX_FAILED,
    precision: str = "double",
    progress: Callable[[float], None] = lambda _: None,
) -> GovernanceSweep:
    """S1 and ST with intervals of every lever and of two groups, for every outcome and year after the policy year.

    `points` is a power of two; the cost is points x replicates x (2 d + 2) runs and a few for the baseline.
    `baseline` sets the program columns of the baseline regime.  With `kept` the runs stand in a folder, so that an
    interrupted analysis goes on; the results are the same bits.

    A run that goes non-finite is a RunError that names it; with `on_fail="drop_block"` the base points with a failed
    run are left out of every index, and PartialError says that they are more than the share `max_failed`.
    `precision`: of the runs, double or single; the indices are computed in double precision either way.
    """
    design = sobol_design(_factors(levers, futures), points=points, replicates=replicates, seed=seed)
    schedule, _ = schedule_of(futures.program, futures.base)
    years = np.rint(schedule.times).astype(int)
    after = years > policy_year
    axes = {"outcome": [name for name, _, _ in OUTCOMES], "year": years[after].tolist()}
    plan = _Plan(
        design, futures, baseline, [futures.program.parameter_index[each.constant] for each in levers.values()]
    )
    task = _task(model, futures, schedule, np.flatnonzero(after), precision)
    parts, samples = [], []
    series = series_of(model)
    units = tuple(series.units[series.index(indicator, element)] for _, indicator, element in OUTCOMES)
    shown = [int(np.flatnonzero(years[after] == year)[0]) for year in SHOWN_YEARS if year in years[after]]
    failures = _Failures(plan, task, model, futures, on_fail, kept.folder if kept else None)
    for replicate, values in enumerate(_values(plan, task, failures, kept, jobs, progress)):
        levels, base = values[: design.rows_per_replicate], values[design.rows_per_replicate :]
        gaps = np.swapaxes(levels - base[plan.back(replicate)], 1, 2)
        samples.append(_sampled(design, replicate, gaps, tuple(levers), units, years[after][shown].tolist(), shown))
        parts.append(accumulate(design, replicate, gaps, axes=axes, pairs=True, on_fail=on_fail))
        progress((replicate + 1) / design.replicates)
    indices = combine(design, parts, axes=axes)
    refuse_partial(indices.dropped, points * replicates, max_failed)
    return GovernanceSweep(indices, design, years[after], design.row_count, joined(samples), tuple(failures.found))


def _sampled(
    design: SobolDesign, replicate: int, gaps: Floats, levers: tuple[str, ...], units: tuple[str, ...],
    years: Sequence[int], places: Sequence[int],
) -> Sample:  # fmt: skip
    """The rows of A and B, which are independent samples of the inputs."""
    count = 2 * design.points
    inputs = design.rows(replicate * design.rows_per_replicate, count)[:, : len(levers)]
    return Sample(levers, tuple(name for name, _, _ in OUTCOMES), units, tuple(years), inputs, gaps[:count, :, places])


def refuse_partial(dropped: int, points: int, most: float) -> None:
    """PartialError where more than the share `most` of the base points had to be left out."""
    if dropped > most * points:
        raise PartialError(
            fault("", "{count} of {all} base points have a failed run", expected="At most {most:.2%}",
                  remedy="Narrow the range that makes them fail (failed.csv), or allow more with --max-failed",
                  count=dropped, all=points, most=most)
        )  # fmt: skip


class _Failures:
    """What is done about runs that went non-finite: refused, or made into NaN and remembered with their reasons."""

    def __init__(
        self, plan: _Plan, task: SweepTask, model: Model, futures: Futures, on_fail: OnFail, folder: Path | None
    ) -> None:
        self.plan, self.task, self.model, self.futures = plan, task, model, futures
        self.on_fail, self.folder = on_fail, folder
        self.found: list[tuple[int, str]] = []

    def checked(self, first: int, block: Block) -> Floats:
        """The values [run, year, outcome] of a block, NaN where a run failed."""
        bad = np.flatnonzero(block.failed >= 0)
        if not len(bad):
            return block.values
        rows = self.plan.rows(first, len(block.failed))
        for i in bad:
            why = ""
            if len(self.found) < EXPLAINED:
                why = str(explain(self.model, self.futures.program, rows[i], self.task.schedule,
                                  self.model.time.method, 0, int(first + i),
                                  precision=self.task.precision))  # fmt: skip
            self.found.append((int(first + i), why))
        if self.folder is not None:
            write_failed(self.folder / "failed.csv", self.found)
        if self.on_fail == "error":
            refuse_failures(self.model, self.futures, rows, block.failed, self.task.schedule, first)
        values = block.values.copy()
        values[bad] = np.nan
        return values


def write_failed(path: Path, failed: Sequence[tuple[int, str]]) -> None:
    """The table of failed runs: number and, for the first three, why."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("run", "why"), *failed])


@dataclass(frozen=True)
class Kept:
    """Where the runs of the sweep are kept, in shards of some rows, and who makes them."""

    folder: Path
    workers: Workers
    shard_rows: int = 4096


class _Plan:
    """The runs of the sweep in their order: per replicate the design's rows, then the baseline under each future."""

    def __init__(
        self, design: SobolDesign, futures: Futures, baseline: Mapping[int, float], levers: Sequence[int]
    ) -> None:
        self.design, self.futures, self.baseline, self.levers = design, futures, baseline, levers
        self.order = _sorted_by_main_direction(futures.posterior)
        self.part = lru_cache(maxsize=2)(self._part)  # shards of a replicate follow one another
        self.ends = np.cumsum([len(self.part(k)[0]) for k in range(design.replicates)])

    def back(self, replicate: int) -> NDArray[np.int64]:
        """For each design row, which of the baseline rows has the same future."""
        return self.part(replicate)[1]

    def digest(self) -> str:
        """SHA-256 of what the rows are made from: futures and baseline."""
        digest = hashlib.sha256(json.dumps(sorted(self.baseline.items())).encode())
        for each in (self.futures.base, self.futures.posterior, self.order):
            digest.update(np.ascontiguousarray(each).tobytes())
        return digest.hexdigest()

    def rows(self, first: int, count: int) -> Floats:
        """Program parameter rows [count, parameter] of runs first, first + 1, ..."""
        found = []
        while count:
            replicate = int(np.searchsorted(self.ends, first, side="right"))
            rows = self.part(replicate)[0]
            start = first - (self.ends[replicate] - len(rows))
            taken = rows[start : start + count]
            found.append(taken)
            first, count = first + len(taken), count - len(taken)
        return np.concatenate(found)

    def _part(self, replicate: int) -> tuple[Floats, NDArray[np.int64]]:
        design, levers = self.design, self.levers
        points = design.rows(replicate * design.rows_per_replicate, design.rows_per_replicate)
        rows = _complete(points, design, self.futures, levers, self.order)
        reference = rows.copy()
        for column, value in self.baseline.items():
            reference[:, column] = value
            if column not in levers:
                rows[:, column] = value
        _, first, back = np.unique(points[:, len(levers) :], axis=0, return_index=True, return_inverse=True)
        return np.concatenate([rows, reference[first]]), back


def _task(model: Model, futures: Futures, schedule: Schedule, saves: NDArray[np.int64], precision: str) -> SweepTask:
    wanted = {indicator for _, indicator, _ in OUTCOMES}
    series = series_of(model, [each for each in INDICATORS if each.name in wanted])
    chosen = [series.index(indicator, element) for _, indicator, element in OUTCOMES]
    return sweep_task(
        futures.program, series.outputs, schedule, method=model.time.method, saves=saves.tolist(),
        weights=series.weights[:, chosen], precision=precision,
    )  # fmt: skip


def _values(
    plan: _Plan, task: SweepTask, failures: _Failures, kept: Kept | None, jobs: int,
    progress: Callable[[float], None],
) -> Iterator[Floats]:  # fmt: skip
    """[run, year, outcome] of each replicate, from memory or from the folder of the sweep: the same bits."""
    starts = [0, *plan.ends[:-1].tolist()]

    if kept is None:
        for replicate, first in enumerate(starts):
            yield failures.checked(first, run_rows(task, first, plan.part(replicate)[0], jobs))
        return
    runs = int(plan.ends[-1])
    description = {"design": plan.design.hash, "rows": plan.digest()}
    sweep = run_sweep(
        task, plan.rows, runs, kept.folder, description=description, workers=kept.workers, shard_rows=kept.shard_rows,
        progress=lambda share: progress(share * (1 - 1 / plan.design.replicates)),
    )  # fmt: skip
    waiting: list[Floats] = []
    replicate = 0
    for first, block in sweep.blocks():
        waiting.append(failures.checked(first, block))
        end = first + len(block.failed)
        while replicate < len(starts) and end >= plan.ends[replicate]:
            values = np.concatenate(waiting)
            size = int(plan.ends[replicate]) - starts[replicate]
            yield values[:size]
            waiting, replicate = [values[size:]], replicate + 1


def _factors(levers: Mapping[str, Lever], futures: Futures) -> Sequence[Factor]:
    factors = [Factor(name, each.labels.get("en", name), each.low, each.high) for name, each in levers.items()]
    rows = len(futures.posterior)
    factors.append(Factor(CALIBRATED, CALIBRATED, columns=(Column("posterior row", 0, rows, "index"),)))
    if futures.assumptions:
        columns = tuple(each.as_column() for each in futures.assumptions)
        factors.append(Factor(ASSUMPTIONS, ASSUMPTIONS, columns=columns))
    return factors


def _complete(
    points: Floats, design: SobolDesign, futures: Futures, lever_columns: Sequence[int], order: NDArray[np.int64]
) -> Floats:
    """Program parameter vectors [rows, parameters] for points of the design."""
    rows = np.repeat(futures.base[None, :], len(points), axis=0)
    rows[:, lever_columns] = points[:, : len(lever_columns)]
    draw = order[points[:, len(lever_columns)].astype(np.int64)]
    for j, columns in enumerate(futures.calibrated):
        rows[:, columns] = futures.posterior[draw, j, None]
    for j, each in enumerate(futures.assumptions):
        rows[:, each.column] = points[:, len(lever_columns) + 1 + j]
    return rows


def _sorted_by_main_direction(posterior: Floats) -> NDArray[np.int64]:
    """The draws ordered along their first principal component, so that neighbouring rows are alike."""
    scaled = (posterior - posterior.mean(axis=0)) / np.maximum(posterior.std(axis=0), 1e-300)
    _, _, directions = np.linalg.svd(scaled, full_matrices=False)
    return np.argsort(
        scaled @ (directions[0] * np.sign(directions[0][np.argmax(np.abs(directions[0]))])), kind="stable"
    )
