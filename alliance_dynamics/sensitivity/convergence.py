"""Whether a Sobol' analysis has run enough: narrow intervals, and an order that no longer changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from alliance_dynamics.errors import Fault, UsageError, fault
from alliance_dynamics.sensitivity.indices import Layout, SobolIndices

LEADERS = 3


@dataclass(frozen=True, slots=True)
class Convergence:
    """The verdict of the stop rule, with what is still missing.  `widest` is the largest half-width of S1 and ST."""

    reached: bool
    widest: float
    reasons: tuple[Fault, ...]

    def __str__(self) -> str:
        if self.reached:
            return f"converged: the widest interval is +-{self.widest:.3f}"
        return "\n".join(["not converged", *(f"  {reason}" for reason in self.reasons)])


def converged(
    history: Sequence[SobolIndices], *, half_width: float = 0.02, relative: float = 0.1, minimum_points: int = 1024
) -> Convergence:
    """The stop rule on results of one design at growing `points`, the latest last.

    Reached when every half-width of S1 and ST is at most `half_width`, and that of ST at most `relative` x ST where
    ST >= 0.1; the three largest ST keep their order over the last two doublings; and there are at least
    `minimum_points` points per replicate.  Two factors have changed places only if their latest intervals do not
    overlap: factors that cannot be told apart have no order to keep.  Constant series are left out.
    """
    if not history:
        raise UsageError(fault("", "there is no result to judge", expected="at least one"))
    latest = history[-1]
    half = np.concatenate([latest.S1.half_width.ravel(), latest.ST.half_width.ravel()])
    varying = np.broadcast_to(~latest.constant, latest.ST.value.shape).ravel()
    half = half[np.concatenate([varying, varying])]
    widest = float(half.max()) if half.size else float("nan")
    reasons: list[Fault] = []
    if latest.design.points < minimum_points:
        reasons.append(fault("", "{points} points per replicate", expected="at least {least}",
                             points=latest.design.points, least=minimum_points))  # fmt: skip
    if latest.design.replicates < 2:
        reasons.append(fault("", "one replicate gives no intervals", expected="several replicates"))
    elif not half.size:
        reasons.append(fault("", "every series is constant", expected="an output that varies"))
    else:
        if widest > half_width:
            reasons.append(fault("", "the widest interval is +-{widest:.4f}", expected="at most +-{most}",
                                 widest=widest, most=half_width))  # fmt: skip
        large = (latest.ST.value >= 0.1) & (latest.ST.half_width > relative * latest.ST.value)
        if count := int(large.sum()):
            reasons.append(fault("", "{count} total indices of at least 0.1 have intervals wider than +-{share:.0%}",
                                 count=count, share=relative))  # fmt: skip
    reasons.extend(_order(history))
    return Convergence(not reasons, widest, tuple(reasons))


class Analysis(Protocol):
    @property
    def indices(self) -> SobolIndices: ...


A = TypeVar("A", bound=Analysis)


@dataclass(frozen=True)
class Doubled(Generic[A]):
    """The largest of several analyses of one design, the indices of all of them, and the verdict on each."""

    found: A
    history: tuple[SobolIndices, ...]
    verdicts: tuple[Convergence, ...]

    @property
    def reached(self) -> bool:
        return self.verdicts[-1].reached

    def rows(self) -> list[dict[str, Any]]:
        """The columns of doubling.csv: one record per size."""
        return [
            {"points": each.design.points, "runs": each.design.row_count, "widest_half_width": verdict.widest,
             "reached": verdict.reached, "missing": _missing(verdict)}
            for each, verdict in zip(self.history, self.verdicts, strict=True)
        ]  # fmt: skip


def verdict_rows(verdicts: Mapping[str, Convergence], design: Layout) -> list[dict[str, Any]]:
    """The columns of stop_rule.csv: one record per outcome."""
    return [
        {"outcome": outcome, "points": design.points, "replicates": design.replicates,
         "widest_half_width": each.widest, "reached": each.reached, "missing": _missing(each)}
        for outcome, each in verdicts.items()
    ]  # fmt: skip


def convergence_rows(history: Sequence[SobolIndices], years: Sequence[int]) -> list[dict[str, Any]]:
    """The columns of convergence.csv: ST with its interval and rank at every size, for every outcome in some years."""
    rows: list[dict[str, Any]] = []
    for each in history:
        place = each.axes["year"].index
        for o, outcome in enumerate(each.axes["outcome"]):
            for year in (year for year in years if year in each.axes["year"]):
                at = (slice(None), o, place(year))
                total = each.ST.value[at]
                if not np.isfinite(total).all():
                    continue
                ranks = np.argsort(np.argsort(-total, kind="stable")) + 1
                rows += [
                    {"outcome": outcome, "year": year, "points": each.design.points, "runs": each.design.row_count,
                     "lever": name, "ST": float(total[i]), "ST_low": float(each.ST.low[at][i]),
                     "ST_high": float(each.ST.high[at][i]), "rank": int(ranks[i])}
                    for i, name in enumerate(each.names)
                ]  # fmt: skip
    return rows


def _missing(verdict: Convergence) -> str:
    return "; ".join(reason.what.format(**reason.values) for reason in verdict.reasons)


def until_converged(analyse: Callable[[int], A], *, points: int, most_runs: int) -> Doubled[A]:
    """Doubles the base points from `points` until the stop rule is met or a next size would take over `most_runs`.

    `analyse` makes the analysis of a size.  The first size is always made.
    """
    history: list[SobolIndices] = []
    verdicts: list[Convergence] = []
    while True:
        found = analyse(points)
        history.append(found.indices)
        verdicts.append(converged(history))
        if verdicts[-1].reached or 2 * found.indices.design.row_count > most_runs:
            return Doubled(found, tuple(history), tuple(verdicts))
        points *= 2


def _order(history: Sequence[SobolIndices]) -> list[Fault]:
    """Why the order of the first three cannot be trusted yet."""
    if len(history) < 3:
        return [fault("", "{count} results are known", expected="three, each of twice the points of the one before",
                      count=len(history))]  # fmt: skip
    last = history[-3:]
    points = [each.design.points for each in last]
    same = all((r.names, r.axes, r.design.seed) == (last[2].names, last[2].axes, last[2].design.seed) for r in last)
    if points != [points[0], 2 * points[0], 4 * points[0]] or not same:
        raise UsageError(fault("", "the results do not follow from each other by doubling the points of one design",
                               expected="the same factors, outputs and seed, points n, 2 n, 4 n"))  # fmt: skip
    swapped = np.zeros(last[2].variance.shape, dtype=bool)
    latest = last[2].ST
    ranks = np.argsort(np.argsort(-latest.value, axis=0, kind="stable"), axis=0)
    for i, j in combinations(range(len(latest.value)), 2):
        leading = np.minimum(ranks[i], ranks[j]) < LEADERS
        apart = np.abs(latest.value[i] - latest.value[j]) > latest.half_width[i] + latest.half_width[j]
        now = latest.value[i] > latest.value[j]
        for earlier in last[:2]:
            swapped |= leading & apart & ((earlier.ST.value[i] > earlier.ST.value[j]) != now) & ~last[2].constant
    if not swapped.any():
        return []
    return [fault("", "the order of the first {leaders} factors changed in {count} series", leaders=LEADERS,
                  expected="no change over two doublings", count=int(swapped.sum()))]  # fmt: skip
