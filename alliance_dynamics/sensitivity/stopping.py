"""When a Sobol' analysis is large enough: narrow intervals, and an order that doubling no longer changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from alliance_dynamics.sensitivity.indices import SobolIndices

WIDEST = 0.02  # half-width of any index
RELATIVE, LARGE = 0.1, 0.1  # of a total index from LARGE on, its half-width may also be this share of it
LEADERS = 3
DOUBLINGS = 2  # over which the leaders keep their order
FEWEST = 1024  # base points of a replicate; intervals of fewer are not trusted


class Analysis(Protocol):
    @property
    def indices(self) -> SobolIndices: ...


A = TypeVar("A", bound=Analysis)


@dataclass(frozen=True)
class Step:
    """One size of the analysis: `widest` half-width of what the rule asks for, and the leaders of every series."""

    points: int
    runs: int
    widest: float
    narrow: bool
    leaders: tuple[tuple[str, ...], ...]

    def row(self) -> dict[str, Any]:
        """The columns of convergence.csv; `same_leaders` and `settled` are for the caller to add."""
        return {"points": self.points, "runs": self.runs, "widest_half_width": self.widest, "narrow": self.narrow}


@dataclass(frozen=True)
class Settled(Generic[A]):
    """The largest analysis, its history, and whether the rule was met."""

    found: A
    steps: tuple[Step, ...]
    settled: bool

    def rows(self) -> list[dict[str, Any]]:
        """The columns of convergence.csv: one record per size."""
        return [
            {**step.row(), "share_same_leaders": _share_same(self.steps[max(0, i - 1)], step), "settled": settled_by(
                self.steps[: i + 1])}
            for i, step in enumerate(self.steps)
        ]  # fmt: skip


def until_settled(
    analyse: Callable[[int], A], *, points: int, runs_of: Callable[[int], int], most_runs: int
) -> Settled[A]:
    """Doubles the base points from `points` until the rule is met or the next size would take more than `most_runs`.

    `analyse` makes the analysis of a size, `runs_of` counts its runs.  The first size is always made.
    """
    steps: list[Step] = []
    while True:
        found = analyse(points)
        steps.append(step_of(found.indices))
        if settled_by(steps) or runs_of(2 * points) > most_runs:
            return Settled(found, tuple(steps), settled_by(steps))
        points *= 2


def step_of(indices: SobolIndices) -> Step:
    """What the rule reads from an analysis; series that are constant count as settled."""
    total, first = indices.ST, indices.S1
    allowed = np.where(total.value >= LARGE, np.maximum(WIDEST, RELATIVE * total.value), WIDEST)
    wide = np.concatenate([(first.half_width - WIDEST).ravel(), (total.half_width - allowed).ravel()])
    widths = np.concatenate([first.half_width.ravel(), total.half_width.ravel()])
    known = np.isfinite(widths)
    constant = np.broadcast_to(indices.constant, total.value.shape).ravel()
    unknown = np.isnan(widths) & ~np.concatenate([constant, constant])
    narrow = not unknown.any() and bool(np.all(wide[known] <= 0))
    design = indices.design
    widest = float(widths[known].max()) if known.any() else float("nan")
    return Step(design.points, design.row_count, widest, narrow, tuple(_leaders(indices)))


def settled_by(steps: Sequence[Step]) -> bool:
    """The rule: narrow intervals, enough points, and the same leaders over the last doublings."""
    last = steps[-1]
    if not last.narrow or last.points < FEWEST or len(steps) <= DOUBLINGS:
        return False
    return all(step.leaders == last.leaders for step in steps[-DOUBLINGS - 1 :])


def _leaders(indices: SobolIndices) -> Iterator[tuple[str, ...]]:
    """The factors of the largest total indices of every series, the largest first."""
    totals = indices.ST.value.reshape(len(indices.names), -1)
    for column in totals.T:
        if np.all(np.isfinite(column)):
            order = np.argsort(-column, kind="stable")[:LEADERS]
            yield tuple(indices.names[i] for i in order)


def _share_same(before: Step, now: Step) -> float:
    if len(before.leaders) != len(now.leaders) or not now.leaders:
        return float("nan")
    return float(np.mean([a == b for a, b in zip(before.leaders, now.leaders, strict=True)]))
