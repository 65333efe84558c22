"""The door to and from SALib: our designs as its problems, its samples and outputs as our indices.

SALib keeps no record of which layout a sample has; here it is read off the sample itself, so that a second-order sample
is never taken for a first-order one.  Outputs that are not finite are refused before anything is computed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alliance_dynamics.errors import RunError, UsageError, fault, suggestion
from alliance_dynamics.sensitivity.design import SobolDesign
from alliance_dynamics.sensitivity.estimators import ESTIMATORS, Estimator, estimate
from alliance_dynamics.sensitivity.factors import Column
from alliance_dynamics.sensitivity.indices import SobolIndices, indices_of
from alliance_dynamics.sensitivity.sobol import FAULTS_SHOWN, Axes, OnFail, checked_axes

if TYPE_CHECKING:
    from SALib import ProblemSpec

NEEDS_BA = ("azzini-rosati", "two-sided")


@dataclass(frozen=True, slots=True)
class SalibSample:
    """A Sobol' sample made by SALib, with the layout its rows show: D + 2 a point or, `second_order`, 2 D + 2."""

    names: tuple[str, ...]
    points: int
    second_order: bool
    hash: str
    replicates: int = 1
    seed: int | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        return self.names

    @property
    def rows_per_point(self) -> int:
        return (2 if self.second_order else 1) * len(self.names) + 2

    @property
    def row_count(self) -> int:
        return self.rows_per_point * self.points


def to_salib(design: SobolDesign, *, replicate: int = 0) -> ProblemSpec:
    """One replicate of a design as a SALib problem that holds its samples, for `evaluate` and `analyze_sobol`.

    Rows lie as SALib wants them: point by point A, AB, BA, B.  Factors of several columns become SALib's groups.  An
    index column is given as uniform on [0, rows]; its samples are whole numbers already.  Analyse with
    `calc_second_order=True`; SALib's own intervals are 3 to 5 times too wide on such points.
    """
    from SALib import ProblemSpec

    design.check_replicate(replicate)
    columns = [column.name for column in design.columns]
    forms = [_salib_distribution(column) for column in design.columns]
    problem: dict[str, object] = {
        "names": columns,
        "bounds": [bounds for _, bounds in forms],
        "dists": [name for name, _ in forms],
    }
    if columns != list(design.names):
        problem["groups"] = [factor.name for factor in design.factors for _ in factor.members()]
    spec = ProblemSpec(problem)
    values = design.rows(replicate * design.rows_per_replicate, design.rows_per_replicate)
    spec.set_samples(values[salib_order(design)])
    return spec


def salib_order(design: SobolDesign) -> np.ndarray:
    """The rows of a replicate in SALib's order: `outputs_of_replicate[salib_order(design)]` suits its `analyze`."""
    d = len(design.factors)
    blocks = np.array([0, *range(2, 2 * d + 2), 1])
    return (blocks[None, :] * design.points + np.arange(design.points)[:, None]).ravel()


def from_salib(
    problem: Mapping[str, Any],
    outputs: np.ndarray | None = None,
    *,
    samples: np.ndarray | None = None,
    estimator: Estimator = "saltelli-jansen",
    axes: Axes | None = None,
    on_fail: OnFail = "error",
) -> SobolIndices:
    """Indices from a sample of SALib's `sobol` (or `saltelli`) sampler and its outputs [row, ...] of any shape.

    `problem` is a `ProblemSpec` with samples (and results), or a plain dictionary with `samples` given beside it.  The
    default estimator equals SALib's numbers to rounding; `azzini-rosati` and `two-sided` need a second-order sample.
    There are no intervals, since one sample has no replicates.  A constant output gives NaN with a note, never 0.
    """
    samples = _given(samples, problem, "samples")
    outputs = _given(outputs, problem, "results")
    if estimator not in ESTIMATORS:
        raise UsageError(fault("", "the estimator `{name}` is not known", expected="one of {known}", name=estimator,
                               remedy=suggestion(str(estimator), ESTIMATORS), known=", ".join(ESTIMATORS)))  # fmt: skip
    if on_fail not in ("error", "drop_block"):
        raise UsageError(fault("", "on_fail `{name}` is not known", expected="error or drop_block", name=on_fail))
    sample = _layout(problem, samples)
    if estimator in NEEDS_BA and not sample.second_order:
        raise UsageError(fault("", "the estimator `{name}` needs the BA rows of a second-order sample", name=estimator,
                               expected="calc_second_order=True when sampling"))  # fmt: skip
    if outputs.ndim == 0 or len(outputs) != sample.row_count:
        raise UsageError(fault("", "there are {found} rows of outputs", expected="{wanted}, one for every sample",
                               found=len(outputs) if outputs.ndim else 0, wanted=sample.row_count))  # fmt: skip
    shape = outputs.shape[1:]
    by_point = outputs.reshape(sample.points, sample.rows_per_point, -1)
    bad = np.any(~np.isfinite(by_point), axis=2)
    if bad.any() and on_fail == "error":
        raise RunError(list(_faults_of_rows(sample, bad)))
    kept = ~bad.any(axis=1)
    if kept.sum() < 2:
        raise RunError(fault("", "only {count} of {points} base points have no failed run", expected="at least 2",
                             count=int(kept.sum()), points=sample.points))  # fmt: skip
    blocks = np.moveaxis(by_point[kept], 1, 0)
    d = len(sample.names)
    ba = blocks[1 + d : 1 + 2 * d] if sample.second_order else None
    terms = estimate(blocks[0], blocks[-1], blocks[1 : 1 + d], ba, estimator)
    dropped = int(sample.points - kept.sum())
    return indices_of(sample, [terms], axes=checked_axes(shape, axes), estimator=estimator, confidence=0.95,
                      dropped=dropped)  # fmt: skip


def _salib_distribution(column: Column) -> tuple[str, list[float]]:
    if column.distribution != "normal":
        return "unif", [column.low, column.high]
    assert column.mean is not None and column.sd is not None
    if np.isinf(column.low) and np.isinf(column.high):
        return "norm", [column.mean, column.sd]
    return "truncnorm", [column.low, column.high, column.mean, column.sd]


def _given(value: np.ndarray | None, problem: Mapping[str, Any], name: str) -> np.ndarray:
    """An argument, or what the `ProblemSpec` holds under that name."""
    value = getattr(problem, name, None) if value is None else value
    if value is None:
        if name == "samples":
            found = fault(
                "", "the problem has no samples", expected="`samples`, or a ProblemSpec that has been sampled"
            )
        else:
            found = fault(
                "", "the problem has no results", expected="`outputs`, or a ProblemSpec that has been evaluated"
            )
        raise UsageError(found)
    return np.asarray(value, dtype=float)


def _layout(problem: Mapping[str, Any], samples: np.ndarray) -> SalibSample:
    """The layout under which AB really is A with columns from B (and BA the reverse), tried for both."""
    columns = [str(name) for name in problem["names"]]
    groups = [str(name) for name in problem.get("groups") or columns]
    names = tuple(dict.fromkeys(groups))
    if samples.ndim != 2 or samples.shape[1] != len(columns) or len(groups) != len(columns):
        raise UsageError(fault("", "the samples have the shape {shape}", expected="rows of {count} columns",
                               shape=samples.shape, count=len(columns)))  # fmt: skip
    digest = hashlib.sha256(json.dumps([columns, groups], ensure_ascii=False).encode())
    digest.update(np.ascontiguousarray(samples).tobytes())
    fitting = []
    for second_order in (True, False):
        step = (2 if second_order else 1) * len(names) + 2
        if len(samples) and len(samples) % step == 0 and _is_laid_out(samples, groups, names, step, second_order):
            fitting.append(SalibSample(names, len(samples) // step, second_order, digest.hexdigest()))
    if len(fitting) != 1:
        what = "the samples fit both layouts" if fitting else "the samples are not those of a Sobol' design"
        raise UsageError(fault("", what, expected="what SALib's sobol sampler gives, in its order"))
    return fitting[0]


def _is_laid_out(samples: np.ndarray, groups: Sequence[str], names: Sequence[str], step: int, second: bool) -> bool:
    a, b = samples[::step], samples[step - 1 :: step]
    for i, name in enumerate(names):
        own = np.array([group == name for group in groups])
        if not np.array_equal(samples[1 + i :: step], np.where(own, b, a)):
            return False
        if second and not np.array_equal(samples[1 + len(names) + i :: step], np.where(own, a, b)):
            return False
    return True


def _faults_of_rows(sample: SalibSample, bad: np.ndarray) -> Iterator[Any]:
    rows = np.flatnonzero(bad.ravel())
    for row in rows[:FAULTS_SHOWN]:
        yield fault("", "row {row} of the samples (base point {point}) gave an output that is not finite", row=int(row),
                    point=int(row) // sample.rows_per_point, expected="finite outputs",
                    remedy="Mend the run, or drop its base point with on_fail=\"drop_block\"")  # fmt: skip
    if len(rows) > FAULTS_SHOWN:
        yield fault("", "{more} further rows failed", more=len(rows) - FAULTS_SHOWN)
