"""Which governance levers decide the outcomes, year by year: a Sobol' analysis of the gap to the baseline regime.

The calibrated parameters enter as one group (a row of the posterior), the assumptions that no data speak to as another,
so that every index keeps its meaning although calibrated parameters are correlated.  Each run is compared with the
baseline regime under the same future, so that what is explained is the effect of governance, not the level of growth.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.accounts import BENEFIT, COST, NO_COST
from alliance_dynamics.common_model import numbers_instead
from alliance_dynamics.errors import MAX_FAILED, PartialError, RunError, fault
from alliance_dynamics.failures import explain
from alliance_dynamics.futures import Futures
from alliance_dynamics.model.model import Model
from alliance_dynamics.outcomes import ALLIANCE, INDICATORS, MILESTONES, Indicator, SeriesSet, series_of
from alliance_dynamics.parameters import Lever
from alliance_dynamics.sensitivity.convergence import Convergence, converged
from alliance_dynamics.sensitivity.design import SobolDesign, sobol_design
from alliance_dynamics.sensitivity.factors import Column, Factor
from alliance_dynamics.sensitivity.governance_plan import ASSUMPTIONS, CALIBRATED, PIECE, GovernancePlan
from alliance_dynamics.sensitivity.indices import SobolIndices
from alliance_dynamics.sensitivity.sobol import OnFail, ReplicateTerms, accumulate, combine
from alliance_dynamics.sensitivity.spread import Sample, joined
from alliance_dynamics.settings import CONTROL
from alliance_dynamics.sweeps.executors import Workers
from alliance_dynamics.sweeps.sweep import run_sweep
from alliance_dynamics.sweeps.task import Block, run_rows

Floats = NDArray[np.float64]
FEWEST = 4  # points of a sample below which no smaller size is looked at
STEP_POINTS = 64  # of the small design on which two steps are compared
EXPLAINED = 3  # a failed run is repeated step by step to be explained, which takes a second
LEVERS, POSTERIOR_ROW = "levers", "posterior row"
OUTCOMES = (
    ("net_present_value", "net_present_value", ALLIANCE),
    ("gross_regional_product", "gross_regional_product", ALLIANCE),
    ("gross_regional_product_of_tatarstan", "gross_regional_product", "tatarstan"),
    ("innovative_goods_volume", "innovative_goods_volume", ALLIANCE),
    ("innovative_goods_share", "innovative_goods_share", ALLIANCE),
    ("knowledge_capital", "knowledge_capital", ALLIANCE),
    ("patents_granted", "patents_granted", ALLIANCE),
    ("r&d_personnel", "r&d_personnel", ALLIANCE),
    ("interregional_link_density", "interregional_link_density", ALLIANCE),
    ("alliance_trust", "alliance_trust", ALLIANCE),
    ("cumulative_fiscal_cost", "cumulative_fiscal_cost", ALLIANCE),
)
PER_ROUBLE = "benefit_per_rouble"  # discounted product over discounted public money, both against no programme
_VALUES = (Indicator("benefit", BENEFIT, "sum"), Indicator("cost", COST, "sum"))


@dataclass(frozen=True)
class GovernanceSweep:
    """The indices with what they were made from; `years` are those after the policy year.

    `history`: the same indices from a quarter and a half of the points, then from all; `verdicts`: the stop rule on
    them for each outcome, in the years of `MILESTONES`.  `sample`: the gaps in these years.  `step_effect`: the
    largest change of an index when the sweep's step is halved, on a small design; 0 where the step is the model's own.
    `failed`: number of each run that went non-finite, and why; their base points are in no index.
    """

    indices: SobolIndices
    design: SobolDesign
    years: NDArray[np.int64]
    runs: int
    sample: Sample
    history: tuple[SobolIndices, ...]
    verdicts: Mapping[str, Convergence]
    dt: float
    step_effect: float
    failed: tuple[tuple[int, str], ...] = ()

    @property
    def settled(self) -> bool:
        """Whether the stop rule is met for every outcome."""
        return all(each.reached for each in self.verdicts.values())


def governance_sensitivity(
    model: Model,
    futures: Futures,
    levers: Mapping[str, Lever],
    *,
    baseline: Mapping[int, float],
    no_programme: Mapping[int, float],
    policy_year: int,
    points: int,
    replicates: int,
    seed: int,
    coarser: int = 1,
    grouped: bool = False,
    step_points: int = STEP_POINTS,
    jobs: int = 1,
    kept: Kept | None = None,
    on_fail: OnFail = "error",
    max_failed: float = MAX_FAILED,
    precision: str = "double",
    progress: Callable[[float], None] = lambda _: None,
) -> GovernanceSweep:
    """S1 and ST with intervals of every lever and of two groups, for every outcome and year after the policy year.

    `points` is a power of two; the cost is points x replicates x (2 d + 2) runs from the policy year on, and for each
    base point 2 to 4 runs of the past, of the baseline and of no programme, whose program columns `baseline` and
    `no_programme` set.  The outcomes are gaps to the baseline; benefit per rouble is against no programme and has no
    index in years in which a run costs less than 0.05 bn RUB.  The step is `coarser` times the model's own; what
    that changes is measured on a design of `step_points` (0: not at all).  `grouped` takes all levers as one factor.
    With `kept` the runs stand in a folder, so that an interrupted analysis goes on; the results are the same bits.

    A run that goes non-finite is a RunError that names it; with `on_fail="drop_block"` the base points with a failed
    run are left out of every index, and PartialError says that they are more than the share `max_failed`.
    `precision`: of the runs, double or single; the indices are computed in double precision either way.
    """
    factors = _factors(levers, futures, grouped)
    design = sobol_design(factors, points=points, replicates=replicates, seed=seed)
    columns = [futures.program.parameter_index[each.constant] for each in levers.values()]
    numbers = {c: value for each in levers.values() for c, value in numbers_instead(futures.program, each).items()}
    own_dt = float(futures.base[futures.program.parameter_index[CONTROL["dt"]]])

    def plan_of(design: SobolDesign, dt: float) -> GovernancePlan:
        return GovernancePlan(model, design, futures, [baseline, no_programme], columns, *_series(model),
                              policy_year=policy_year, dt=dt, precision=precision, instead=numbers)  # fmt: skip

    plan = plan_of(design, coarser * own_dt)
    sizes = [points >> k for k in (2, 1, 0) if k == 0 or points >> k >= FEWEST]
    failures = _Failures(plan, on_fail, kept.folder if kept else None)
    parts: list[list[ReplicateTerms]] = [[] for _ in sizes]
    samples = []
    axes = {"outcome": [*(name for name, _, _ in OUTCOMES), PER_ROUBLE], "year": plan.years.tolist()}
    undefined = np.zeros(len(plan.years), dtype=bool)
    for replicate, values in enumerate(_values(plan, failures, kept, jobs, progress)):
        gaps, idle = _gaps(plan, values)
        undefined |= idle
        samples.append(_sampled(plan, model, replicate, gaps, tuple(levers)))
        for each, size in zip(parts, sizes, strict=True):
            blocks = gaps.reshape(-1, points, *gaps.shape[1:])[:, :size]
            each.append(accumulate(design.with_points(size), replicate, blocks.reshape(-1, *gaps.shape[1:]), axes=axes,
                                   pairs=size == points, on_fail=on_fail))  # fmt: skip
    sample = joined(samples)
    for j, year in enumerate(sample.years):
        if undefined[plan.years.tolist().index(year)]:
            sample.gaps[:, -1, j] = np.nan
    for part in (each for group in parts for each in group):
        _leave_out(part, undefined)
    history = tuple(combine(design.with_points(size), each, axes=axes) for each, size in zip(parts, sizes, strict=True))
    indices = history[-1]
    refuse_partial(indices.dropped, points * replicates, max_failed)
    effect = 0.0
    if coarser > 1 and step_points:
        small = sobol_design(factors, points=min(points, step_points), replicates=1, seed=seed)
        effect = _step_effect([plan_of(small, dt) for dt in (plan.whole.dt, own_dt)], axes, jobs)
    return GovernanceSweep(
        indices, design, plan.years, plan.runs, sample, history, verdicts_of(history, MILESTONES),
        plan.whole.dt, effect, tuple(failures.found),
    )  # fmt: skip


def verdicts_of(history: Sequence[SobolIndices], years: Sequence[int]) -> dict[str, Convergence]:
    """The stop rule on every outcome by itself, in the given years as far as the indices have them."""
    shown = [year for year in years if year in history[-1].axes["year"]] or list(history[-1].axes["year"])
    at_years = [each.only("year", shown) for each in history]
    return {
        str(outcome): converged([each.only("outcome", [outcome]) for each in at_years])
        for outcome in history[-1].axes["outcome"]
    }


def _series(model: Model) -> tuple[SeriesSet, list[int]]:
    """The series of `OUTCOMES` and of the benefit and cost behind the last outcome, and their places."""
    wanted = {indicator for _, indicator, _ in OUTCOMES}
    series = series_of(model, [*(each for each in INDICATORS if each.name in wanted), *_VALUES])
    keys = [(indicator, element) for _, indicator, element in OUTCOMES]
    return series, [series.index(*key) for key in (*keys, *((each.name, ALLIANCE) for each in _VALUES))]


def _gaps(plan: GovernancePlan, values: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Outcomes [design row, outcome, year], each against its reference under the same future; and the years in which
    the benefit per rouble is undefined, 0 there."""
    inputs, future = plan.design.rows_per_replicate, plan.back()
    baseline, nothing = np.split(values[inputs:], 2)
    count = len(OUTCOMES)
    gaps = np.empty((inputs, count + 1, values.shape[1]))
    gaps[:, :count] = np.swapaxes(values[:inputs, :, :count] - baseline[future][:, :, :count], 1, 2)
    benefit, cost = np.moveaxis(values[:inputs, :, count:] - nothing[future][:, :, count:], 2, 0)
    undefined = np.any(np.abs(cost) < NO_COST, axis=0)
    gaps[:, count] = np.divide(benefit, cost, out=np.zeros_like(cost), where=~undefined)
    return gaps, undefined


def _leave_out(part: ReplicateTerms, years: NDArray[np.bool_]) -> None:
    """Takes the variance of the benefit per rouble in some years away, so that its indices are undefined there."""
    for each in fields(part.terms):
        array = getattr(part.terms, each.name)
        if array is not None:
            array[..., array.shape[-1] - len(years) + np.flatnonzero(years)] = 0.0


def _step_effect(plans: Sequence[GovernancePlan], axes: Mapping[str, Sequence[object]], jobs: int) -> float:
    """The largest difference of S1 and ST between two steps, the same points in both; runs must not fail."""
    found = []
    for plan in plans:
        values = np.concatenate([block.values for _, block in _blocks(plan, None, jobs, lambda _: None)])
        part = accumulate(plan.design, 0, _gaps(plan, values)[0], axes=axes, pairs=False, on_fail="drop_block")
        found.append(combine(plan.design, [part], axes=axes))
    coarse, fine = found
    differences = [np.abs(getattr(coarse, each).value - getattr(fine, each).value) for each in ("S1", "ST")]
    return float(np.nanmax(differences))


def _sampled(plan: GovernancePlan, model: Model, replicate: int, gaps: Floats, levers: tuple[str, ...]) -> Sample:
    """The rows of A and B, which are independent samples of the inputs."""
    design, series = plan.design, series_of(model)
    units = (*(series.units[series.index(indicator, element)] for _, indicator, element in OUTCOMES), "Dmnl")
    count = 2 * design.points
    inputs = design.rows(replicate * design.rows_per_replicate, count)
    others = tuple(each.name for each in design.columns[len(levers) :])
    years = plan.years.tolist()
    shown = [year for year in MILESTONES if year in years]
    places = [years.index(year) for year in shown]
    names = (*(name for name, _, _ in OUTCOMES), PER_ROUBLE)
    return Sample(levers, others, names, units, tuple(shown), inputs, gaps[:count, :, places])


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

    def __init__(self, plan: GovernancePlan, on_fail: OnFail, folder: Path | None) -> None:
        self.plan, self.on_fail, self.folder = plan, on_fail, folder
        self.found: list[tuple[int, str]] = []

    def checked(self, first: int, block: Block) -> Floats:
        """The values [run, year, outcome] of a block, NaN where a run failed."""
        bad = np.flatnonzero(block.failed >= 0)
        if not len(bad):
            return block.values
        model, futures, schedule = self.plan.model, self.plan.futures, self.plan.whole
        rows = self.plan.whole_rows(first, len(block.failed))
        told = max(0, EXPLAINED - len(self.found))
        faults = [
            explain(model, futures.program, rows[i], schedule, model.time.method, 0, int(first + i),
                    precision=self.plan.task.precision)
            for i in bad[:told]
        ]  # fmt: skip
        self.found += [(int(first + i), str(faults[k]) if k < told else "") for k, i in enumerate(bad)]
        if self.folder is not None:
            write_failed(self.folder / "failed.csv", self.found)
        if self.on_fail == "error":
            more = [fault("", "{count} further runs failed", count=len(bad) - told)] if len(bad) > told else []
            raise RunError([*faults, *more])
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


def _values(
    plan: GovernancePlan, failures: _Failures, kept: Kept | None, jobs: int, progress: Callable[[float], None]
) -> Iterator[Floats]:
    """[run, year, outcome] of each replicate, from memory or from the folder of the sweep: the same bits."""
    filled, replicate = 0, np.empty((plan.size, len(plan.years), len(OUTCOMES) + len(_VALUES)))
    for first, block in _blocks(plan, kept, jobs, progress):
        values = failures.checked(first, block)
        while len(values):
            here = min(len(values), plan.size - filled)
            replicate[filled : filled + here] = values[:here]
            values, filled = values[here:], filled + here
            if filled == plan.size:
                yield replicate
                filled = 0


def _blocks(
    plan: GovernancePlan, kept: Kept | None, jobs: int, progress: Callable[[float], None]
) -> Iterator[tuple[int, Block]]:
    rows = partial(plan.rows, threads=jobs)
    if kept is None:
        for first in range(0, plan.runs, PIECE):
            yield first, run_rows(plan.task, first, rows(first, min(PIECE, plan.runs - first)), jobs)
            progress(min(1.0, (first + PIECE) / plan.runs))
        return
    description = {"design": plan.design.hash, "rows": plan.digest()}
    sweep = run_sweep(
        plan.task, rows, plan.runs, kept.folder, description=description, workers=kept.workers,
        shard_rows=kept.shard_rows, progress=lambda share: progress(share * (1 - 1 / plan.design.replicates)),
    )  # fmt: skip
    yield from sweep.blocks()


def _factors(levers: Mapping[str, Lever], futures: Futures, grouped: bool) -> Sequence[Factor]:
    factors = [Factor(name, each.labels.get("en", name), each.low, each.high) for name, each in levers.items()]
    if grouped:
        factors = [Factor(LEVERS, LEVERS, columns=tuple(Column(each.name, each.low, each.high) for each in factors))]
    rows = len(futures.posterior)
    factors.append(Factor(CALIBRATED, CALIBRATED, columns=(Column(POSTERIOR_ROW, 0, rows, "index"),)))
    if futures.assumptions:
        columns = tuple(each.as_column() for each in futures.assumptions)
        factors.append(Factor(ASSUMPTIONS, ASSUMPTIONS, columns=columns))
    return factors
