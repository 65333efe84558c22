"""How policies stand when all of them meet the same futures: regret, satisficing, ranks, and where a lever tips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.errors import UsageError, fault
from alliance_dynamics.sensitivity.samples import sample_of

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Robustness:
    """One figure per policy, in the order of `policies`; regret is against the best policy of the same future.

    `mean`, `tenth` (10 % point, or 90 % where less is better), `largest_regret`, `mean_regret`: in the outcome's unit;
    `satisfied`: share of futures that reach the threshold, NaN without one; `ranks` [policy, rank]: share of futures in
    which a policy takes that rank, equal outcomes sharing their ranks evenly.
    """

    policies: tuple[str, ...]
    mean: Floats
    tenth: Floats
    largest_regret: Floats
    mean_regret: Floats
    satisfied: Floats
    ranks: Floats

    @property
    def best(self) -> Floats:
        """Share of futures in which each policy is the best."""
        return self.ranks[:, 0]


def robustness(
    policies: Sequence[str], outcomes: Floats, *, threshold: float | None = None, more_is_better: bool = True
) -> Robustness:
    """Measures of outcomes [policy, future]; column j of all policies is the same future (Herman et al. 2015)."""
    outcomes = sample_of(outcomes, rows=len(policies))
    if outcomes.ndim != 2:
        raise UsageError(fault("", "the outcomes have {count} axes", expected="policy and future",
                               count=outcomes.ndim))  # fmt: skip
    gain = outcomes if more_is_better else -outcomes
    regret = gain.max(axis=0) - gain
    tenth = np.quantile(gain, 0.1, axis=1)
    satisfied = np.full(len(gain), np.nan)
    if threshold is not None:
        satisfied = (gain >= (threshold if more_is_better else -threshold)).mean(axis=1)
    return Robustness(
        tuple(policies), outcomes.mean(axis=1), tenth if more_is_better else -tenth, regret.max(axis=1),
        regret.mean(axis=1), satisfied, _rank_shares(gain),
    )  # fmt: skip


def _rank_shares(gain: Floats) -> Floats:
    """[policy, rank]; policies that are level share the ranks they hold together."""
    count = len(gain)
    above = (gain[None, :, :] > gain[:, None, :]).sum(axis=1)
    level = (gain[None, :, :] == gain[:, None, :]).sum(axis=1)
    shares = np.zeros((count, count))
    for rank in range(count):
        holds = (above <= rank) & (rank < above + level)
        shares[:, rank] = (holds / level).mean(axis=1)
    return shares


@dataclass(frozen=True)
class TippingPoint:
    """Where along a lever the gap to the baseline changes sign.

    `value` is where the median gap crosses zero (NaN: it does not), `low` and `high` the 5 % and 95 % points of the
    crossings of single futures, `crossing` the share of futures that cross, `better` the share above the baseline per
    setting [setting].
    """

    value: float
    low: float
    high: float
    crossing: float
    better: Floats


def tipping_point(settings: Floats, gaps: Floats) -> TippingPoint:
    """The first change of sign of gaps [setting, future] along increasing settings, by straight lines between them."""
    settings = sample_of(settings)
    gaps = sample_of(gaps, rows=len(settings))
    if np.any(np.diff(settings) <= 0):
        raise UsageError(fault("", "the settings do not increase", expected="settings from low to high"))
    single = np.array([_crossing(settings, gaps[:, j]) for j in range(gaps.shape[1])])
    crossed = single[np.isfinite(single)]
    low, high = np.quantile(crossed, (0.05, 0.95)) if crossed.size else (np.nan, np.nan)
    median = _crossing(settings, np.median(gaps, axis=1))
    return TippingPoint(median, float(low), float(high), crossed.size / gaps.shape[1], (gaps > 0).mean(axis=1))


def _crossing(settings: Floats, gap: Floats) -> float:
    """Where a broken line first changes from one strict sign to the other; NaN where it never does."""
    signed = np.nonzero(gap)[0]
    changes = np.nonzero(np.sign(gap[signed][:-1]) != np.sign(gap[signed][1:]))[0]
    if not changes.size:
        return float("nan")
    left, right = signed[changes[0]], signed[changes[0] + 1]
    if right - left > 1:  # exactly zero in between: it tips where the zero begins
        return float(settings[left + 1])
    return float(settings[left] + (settings[right] - settings[left]) * gap[left] / (gap[left] - gap[right]))
