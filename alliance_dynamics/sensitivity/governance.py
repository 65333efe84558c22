"""Which governance levers decide the outcomes, year by year: a Sobol' analysis of the gap to the baseline regime.

The calibrated parameters enter as one group (a row of the posterior), the assumptions that no data speak to as another,
so that every index keeps its meaning although calibrated parameters are correlated.  Each run is compared with the
baseline regime under the same future, so that what is explained is the effect of governance, not the level of growth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.futures import Futures
from alliance_dynamics.kernel.integrate import compile_kernel
from alliance_dynamics.model.model import Model
from alliance_dynamics.outcomes import ALLIANCE, INDICATORS, series_of
from alliance_dynamics.parameters import Lever
from alliance_dynamics.regimes import refuse_failures
from alliance_dynamics.sensitivity.design import SobolDesign, sobol_design
from alliance_dynamics.sensitivity.factors import Column, Factor
from alliance_dynamics.sensitivity.indices import SobolIndices
from alliance_dynamics.sensitivity.sobol import accumulate, combine
from alliance_dynamics.settings import schedule_of

Floats = NDArray[np.float64]
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
    """The indices with what they were made from; `years` are those after the policy year."""

    indices: SobolIndices
    design: SobolDesign
    years: NDArray[np.int64]
    runs: int


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
    progress: Callable[[float], None] = lambda _: None,
) -> GovernanceSweep:
    """S1 and ST with intervals of every lever and of two groups, for every outcome and year after the policy year.

    `points` is a power of two; the cost is points x replicates x (2 d + 2) runs and a few for the baseline.
    `baseline` sets the program columns of the baseline regime.
    """
    design = sobol_design(_factors(levers, futures), points=points, replicates=replicates, seed=seed)
    wanted = {indicator for _, indicator, _ in OUTCOMES}
    series = series_of(model, [each for each in INDICATORS if each.name in wanted])
    chosen = [series.index(indicator, element) for _, indicator, element in OUTCOMES]
    kernel = compile_kernel(futures.program, series.outputs)
    schedule, _ = schedule_of(futures.program, futures.base)
    years = np.rint(schedule.times).astype(int)
    after = years > policy_year
    order = _sorted_by_main_direction(futures.posterior)
    axes = {"outcome": [name for name, _, _ in OUTCOMES], "year": years[after].tolist()}
    lever_columns = [futures.program.parameter_index[levers[name].constant] for name in levers]

    def run(rows: Floats, first: int) -> Floats:
        result = kernel.run(rows, schedule, method=model.time.method, threads=jobs)
        refuse_failures(model, futures, rows, result.failed, schedule, first)
        values = series.values(result.values[:, after])[..., chosen]
        return np.swapaxes(values, 1, 2)

    parts = []
    for replicate in range(design.replicates):
        points_of = design.rows(replicate * design.rows_per_replicate, design.rows_per_replicate)
        rows = _complete(points_of, design, futures, lever_columns, order)
        for column, value in baseline.items():
            if column not in lever_columns:
                rows[:, column] = value
        reference = rows.copy()
        for column, value in baseline.items():
            reference[:, column] = value
        distinct, back = np.unique(points_of[:, len(lever_columns) :], axis=0, return_inverse=True)
        first_of = np.zeros(len(distinct), dtype=np.int64)
        first_of[back[::-1]] = np.arange(len(back))[::-1]
        gaps = run(rows, replicate * design.rows_per_replicate) - run(reference[first_of], 0)[back]
        parts.append(accumulate(design, replicate, gaps, axes=axes, pairs=False))
        progress((replicate + 1) / design.replicates)
    return GovernanceSweep(combine(design, parts, axes=axes), design, years[after], design.row_count)


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
