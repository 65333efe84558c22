"""The ranking of the inputs repeated: other ranges, other forms of the model, other random numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from alliance_dynamics.errors import Fault, UsageError
from alliance_dynamics.futures import Assumption, Futures
from alliance_dynamics.model.model import Model
from alliance_dynamics.parameters import Lever
from alliance_dynamics.sensitivity.alternatives import DEFAULT, FORMS
from alliance_dynamics.sensitivity.governance import GovernanceSweep
from alliance_dynamics.settings import targets_of

HALVED, DOUBLED, RESEEDED = "halved_ranges", "doubled_ranges", "other_random_numbers"


@dataclass(frozen=True)
class Variant:
    """One repetition: what is varied, over which ranges, from which seed."""

    name: str
    levers: Mapping[str, Lever]
    futures: Futures
    seed: int


def variants_of(model: Model, futures: Futures, levers: Mapping[str, Lever], seed: int) -> list[Variant]:
    """The default, halved and doubled ranges of levers and assumptions, every form of `FORMS`, and another seed.

    A doubled range keeps its middle, a positive one its geometric middle; what lies between 0 and 1 stays there, and a
    range from 0 stays from 0.  The calibrated parameters keep their posterior.
    """
    found = [Variant(DEFAULT, levers, futures, seed)]
    for name, factor in ((HALVED, 0.5), (DOUBLED, 2.0)):
        ranged = {each.name: replace(each, **_ends(*scaled(each.low, each.high, factor))) for each in levers.values()}
        assumptions = tuple(_scaled_assumption(each, factor) for each in futures.assumptions)
        found.append(Variant(name, ranged, replace(futures, assumptions=assumptions), seed))
    for form, changes in FORMS.items():
        if changes:
            found.append(Variant(form, levers, _under(model, futures, changes), seed))
    return [*found, Variant(RESEEDED, levers, futures, seed + 1)]


def repeated_rankings(
    variants: Sequence[Variant],
    analyse: Callable[[Variant], GovernanceSweep],
    *,
    outcomes: Sequence[str],
    year: int,
    progress: Callable[[float], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """The columns of repeated.csv: total share, rank and shares of first places, per variant, outcome and input."""
    rows: list[dict[str, Any]] = []
    for number, variant in enumerate(variants):
        found = analyse(variant).indices.only("year", [year])
        for outcome in outcomes:
            mine = [row for row in found.only("outcome", [outcome]).table if np.isfinite(float(str(row["ST"])))]
            order = sorted(range(len(mine)), key=lambda i: -float(str(mine[i]["ST"])))
            for place, i in enumerate(order):
                row = mine[i]
                rows.append(
                    {"variant": variant.name, "outcome": outcome, "year": year, "lever": row["lever"],
                     "rank": place + 1, **{key: row[key] for key in ("ST", "ST_low", "ST_high", "top_1", "top_3")},
                     "dropped": found.dropped_share}
                )  # fmt: skip
        progress((number + 1) / len(variants))
    return rows


def scaled(low: float, high: float, factor: float) -> tuple[float, float]:
    """A range `factor` times as wide, as `variants_of` says."""
    if low > 0 and factor > 1:
        middle, ratio = np.sqrt(low * high), np.sqrt(high / low) ** factor
        ends = (middle / ratio, middle * ratio)
    elif low == 0 and factor > 1:
        ends = (0.0, factor * high)
    else:
        middle, half = (low + high) / 2, factor * (high - low) / 2
        ends = (middle - half, middle + half)
    inside = low >= 0 and high <= 1
    return float(ends[0]), float(min(ends[1], 1.0) if inside else ends[1])


def _ends(low: float, high: float) -> dict[str, float]:
    return {"low": low, "high": high}


def _scaled_assumption(each: Assumption, factor: float) -> Assumption:
    if each.sd is not None:
        return replace(each, sd=factor * each.sd)
    return replace(each, **_ends(*scaled(each.low, each.high, factor)))


def _under(model: Model, futures: Futures, changes: Mapping[str, float]) -> Futures:
    """The futures with some constants held, which are no assumptions any more."""
    base, held = futures.base.copy(), set()
    for name, value in changes.items():
        columns = targets_of(model, futures.program, name)
        if isinstance(columns, Fault):
            raise UsageError(columns)
        base[columns] = value
        held |= set(columns)
    return replace(futures, base=base, assumptions=tuple(e for e in futures.assumptions if e.column not in held))
