"""Sobol' indices with intervals from the outputs of a design, one replicate at a time, over every outcome and year."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np

from alliance_dynamics.errors import Fault, RunError, UsageError, fault, suggestion
from alliance_dynamics.sensitivity.design import SobolDesign
from alliance_dynamics.sensitivity.estimators import ESTIMATORS, Estimator, Terms, estimate
from alliance_dynamics.sensitivity.indices import SobolIndices, indices_of

OnFail = Literal["error", "drop_block"]
Axes = Mapping[str, Sequence[object]]
BLOCK_BYTES = 1 << 26  # outputs handled at once; bounds the memory whatever the number of series
FAULTS_SHOWN = 20
DEFAULT_AXES = ("outcome", "year")


@dataclass(frozen=True, slots=True, eq=False)
class ReplicateTerms:
    """What is kept of one replicate once its outputs are gone."""

    replicate: int
    design_hash: str
    estimator: Estimator
    shape: tuple[int, ...]
    terms: Terms
    dropped: int


def sobol_indices(
    design: SobolDesign,
    outputs: np.ndarray | Iterable[np.ndarray],
    *,
    axes: Axes | None = None,
    estimator: Estimator = "azzini-rosati",
    pairs: bool = True,
    on_fail: OnFail = "error",
    confidence: float = 0.95,
) -> SobolIndices:
    """Indices from outputs [row, ...] of the whole design, or from one array [row of replicate, ...] per replicate.

    Any trailing shape; `axes` names its axes and labels them, e.g. `{"outcome": ["grp"], "year": [2030, 2040]}`.
    `on_fail="error"` refuses outputs that are not finite and names their rows; `"drop_block"` leaves the base points
    concerned out of every index and counts them.  `confidence` is the coverage of the intervals.
    """
    if isinstance(outputs, np.ndarray):
        _check_rows(len(outputs) if outputs.ndim else 0, design.row_count)
        outputs = outputs.reshape(design.replicates, design.rows_per_replicate, *outputs.shape[1:])
    parts = [
        accumulate(design, k, each, axes=axes, estimator=estimator, pairs=pairs, on_fail=on_fail)
        for k, each in enumerate(outputs)
    ]
    return combine(design, parts, axes=axes, confidence=confidence)


def accumulate(
    design: SobolDesign,
    replicate: int,
    outputs: np.ndarray,
    *,
    axes: Axes | None = None,
    estimator: Estimator = "azzini-rosati",
    pairs: bool = True,
    on_fail: OnFail = "error",
) -> ReplicateTerms:
    """The terms of one replicate from its outputs [rows_per_replicate, ...]; the outputs are not needed afterwards.

    Memory beyond the outputs is bounded whatever the number of series.  Where rows fail only here, `drop_block` drops
    only here: failed points are few, or the design must be looked at.
    """
    design.check_replicate(replicate)
    _check_option("estimator", estimator, ESTIMATORS)
    _check_option("on_fail", on_fail, ("error", "drop_block"))
    outputs = np.asarray(outputs, dtype=float)
    _check_rows(len(outputs) if outputs.ndim else 0, design.rows_per_replicate)
    shape = outputs.shape[1:]
    checked_axes(shape, axes)
    d, n = len(design.factors), design.points
    blocks = outputs.reshape(2 * d + 2, n, prod(shape))
    bad = np.any(~np.isfinite(blocks), axis=2)
    if bad.any() and on_fail == "error":
        raise RunError(_faults_of_rows(design, replicate, blocks, bad, checked_axes(shape, axes)))
    kept = ~bad.any(axis=0)
    if kept.sum() < 2:
        raise RunError(
            fault("", "only {count} of {points} base points of replicate {replicate} have no failed run",
                  expected="at least 2", count=int(kept.sum()), points=n, replicate=replicate)
        )  # fmt: skip
    step = max(1, BLOCK_BYTES // (8 * (2 * d + 2) * n))
    parts = []
    for start in range(0, max(blocks.shape[2], 1), step):
        part = blocks[:, :, start : start + step]
        part = part if kept.all() else part[:, kept]
        parts.append(estimate(part[0], part[1], part[2 : 2 + d], part[2 + d :], estimator, pairs=pairs))
    return ReplicateTerms(replicate, design.hash, estimator, shape, _joined(parts), int(n - kept.sum()))


def combine(
    design: SobolDesign, parts: Iterable[ReplicateTerms], *, axes: Axes | None = None, confidence: float = 0.95
) -> SobolIndices:
    """Indices and intervals from the terms of all replicates of the design, given in any order.

    Refused: terms of another design, replicates missing or given twice, terms of unlike shape or estimator.
    """
    parts = sorted(parts, key=lambda part: part.replicate)
    faults = [
        fault("", "replicate {replicate} belongs to another design", expected="the design {hash}",
              replicate=part.replicate, hash=design.hash[:12])
        for part in parts if part.design_hash != design.hash
    ]  # fmt: skip
    given = [part.replicate for part in parts]
    if given != list(range(design.replicates)):
        faults.append(fault("", "the replicates given are {given}", expected="each of the {count} replicates once",
                            given=", ".join(map(str, given)) or "none", count=design.replicates))  # fmt: skip
    if len({(part.estimator, part.shape, part.terms.pairs is None) for part in parts}) > 1:
        faults.append(fault("", "the replicates were analysed in unlike ways", expected="one estimator, one shape"))
    if not 0 < confidence < 1:
        faults.append(fault("", "the confidence {value} is not possible", expected="a share between 0 and 1",
                            value=confidence))  # fmt: skip
    if faults:
        raise UsageError(faults)
    return indices_of(
        design,
        [part.terms for part in parts],
        axes=checked_axes(parts[0].shape, axes),
        estimator=parts[0].estimator,
        confidence=confidence,
        dropped=sum(part.dropped for part in parts),
    )


def checked_axes(shape: tuple[int, ...], axes: Axes | None) -> dict[str, tuple[object, ...]]:
    """Names and labels of the trailing axes; without names they are outcome, year, axis_3 ... counted from 1."""
    if axes is None:
        names = [*DEFAULT_AXES, *(f"axis_{number}" for number in range(3, len(shape) + 1))]
        return {name: tuple(range(1, size + 1)) for name, size in zip(names, shape, strict=False)}
    labelled = {name: tuple(labels) for name, labels in axes.items()}
    wanted = tuple(len(labels) for labels in labelled.values())
    if wanted != tuple(shape):
        raise UsageError(
            fault("", "the outputs have the shape {shape} behind the rows", shape=shape, wanted=wanted,
                  expected="{wanted}, as the axes {names} say", names=", ".join(labelled) or "(none)")
        )  # fmt: skip
    return labelled


def _check_rows(found: int, wanted: int) -> None:
    if found != wanted:
        raise UsageError(
            fault("", "there are {found} rows of outputs", expected="{wanted}, one for every row of the design",
                  remedy="Run the rows of this very design, in their order", found=found, wanted=wanted)
        )  # fmt: skip


def _check_option(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise UsageError(
            fault("", "the {name} `{value}` is not known", expected="one of {known}",
                  remedy=suggestion(str(value), known), name=name, value=value, known=", ".join(known))
        )  # fmt: skip


def _faults_of_rows(
    design: SobolDesign, replicate: int, blocks: np.ndarray, bad: np.ndarray, axes: dict[str, tuple[object, ...]]
) -> list[Fault]:
    """One fault per failed row, the first few by name."""
    faults = []
    shape = tuple(len(labels) for labels in axes.values())
    for block, point in np.argwhere(bad)[:FAULTS_SHOWN]:
        series = int(np.flatnonzero(~np.isfinite(blocks[block, point]))[0])
        where = zip(axes, np.unravel_index(series, shape), strict=True) if shape else ()
        row = replicate * design.rows_per_replicate + int(block) * design.points + int(point)
        faults.append(
            fault("", "row {row} (replicate {replicate}, block {block}, point {point}) gave {value} for {series}",
                  expected="finite outputs", remedy="Mend the run, or drop its base point with on_fail=\"drop_block\"",
                  row=row, replicate=replicate, block=design.blocks[block], point=int(point),
                  value=float(blocks[block, point, series]),
                  series=", ".join(f"{name} {axes[name][at]}" for name, at in where) or "the output")
        )  # fmt: skip
    if (more := int(bad.sum()) - FAULTS_SHOWN) > 0:
        faults.append(fault("", "{more} further rows of replicate {replicate} failed", more=more, replicate=replicate))
    return faults


def _joined(parts: Sequence[Terms]) -> Terms:
    """Blocks of series put together again, the series last."""
    if len(parts) == 1:
        return parts[0]

    def join(name: str) -> np.ndarray | None:
        arrays = [getattr(part, name) for part in parts]
        return None if arrays[0] is None else np.concatenate(arrays, axis=-1)

    return Terms(*(join(name) for name in Terms.__slots__))  # type: ignore[arg-type]
