"""What is varied: factors, the input columns they move, and the distributions of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

import numpy as np

from alliance_dynamics.errors import Fault, Place, fault, suggestion

Distribution = Literal["uniform", "normal", "index"]
DISTRIBUTIONS = ("uniform", "normal", "index")
MAX_DIMENSIONS = 21201  # of the direction numbers that scipy holds


@dataclass(frozen=True, slots=True)
class Column:
    """One input column.  `uniform` on [low, high]; `normal` with `mean`, `sd`, cut at low and high (may be infinite);
    `index` is a whole number 0 .. high - 1, e.g. the row of a stored posterior (sort the rows so that neighbours are
    alike, or the quasi-random points lose their value; 4096 rows or more)."""

    name: str
    low: float = 0.0
    high: float = 1.0
    distribution: Distribution = "uniform"
    mean: float | None = None
    sd: float | None = None


@dataclass(frozen=True, slots=True)
class Factor:
    """What one index speaks of: a column of its own or, with `columns`, independent columns that move together."""

    name: str
    label: str = ""
    low: float = 0.0
    high: float = 1.0
    distribution: Distribution = "uniform"
    mean: float | None = None
    sd: float | None = None
    columns: tuple[Column, ...] = ()

    def members(self) -> tuple[Column, ...]:
        """The columns of this factor; a factor without `columns` is one column of its own name."""
        return tuple(self.columns) or (self._alone(self.name),)

    def _alone(self, name: str) -> Column:
        return Column(name, self.low, self.high, self.distribution, self.mean, self.sd)


def mapped(columns: Sequence[Column], cube: np.ndarray) -> np.ndarray:
    """Points [point, column] of the open unit cube, mapped column by column through inverse distribution functions."""
    low = np.array([column.low if column.distribution == "uniform" else 0.0 for column in columns])
    high = np.array([column.high if column.distribution == "uniform" else 1.0 for column in columns])
    values = low + (high - low) * cube
    for at, column in enumerate(columns):
        if column.distribution == "normal":
            values[:, at] = _truncated_normal(cube[:, at], column)
        elif column.distribution == "index":
            values[:, at] = np.minimum(np.floor(cube[:, at] * column.high), column.high - 1)
    return values


def _truncated_normal(unit: np.ndarray, column: Column) -> np.ndarray:
    from scipy.special import ndtr, ndtri

    assert column.mean is not None and column.sd is not None
    low, high = (column.low - column.mean) / column.sd, (column.high - column.mean) / column.sd
    if low > 0:  # the upper tail: count from above, where probabilities keep their digits
        z = -ndtri(ndtr(-high) + (1 - unit) * (ndtr(-low) - ndtr(-high)))
    else:
        z = ndtri(ndtr(low) + unit * (ndtr(high) - ndtr(low)))
    return np.clip(column.mean + column.sd * z, column.low, column.high)


def faults_of_factors(factors: Sequence[Factor]) -> list[Fault]:
    """All that is wrong with the factors of a design: none, repeated names, empty ranges, figures that mean nothing."""
    if not factors:
        return [fault("", "there are no factors", expected="at least one factor to vary")]
    columns = [column for factor in factors for column in factor.members()]
    faults = [f for column in columns for f in _faults_of_column(column)]
    for factor in factors:
        if factor.columns and factor._alone("") != Column(""):
            faults.append(fault("", "the factor `{name}` has columns and a range of its own", name=factor.name,
                                expected="one of the two", remedy="Give the range to its columns"))  # fmt: skip
    for kind, names in (("factor", [f.name for f in factors]), ("column", [c.name for c in columns])):
        for name in sorted({name for name in names if names.count(name) > 1}):
            faults.append(fault("", "the {kind} `{name}` occurs more than once", expected="every name once", kind=kind,
                                name=name))  # fmt: skip
    if 2 * len(columns) > MAX_DIMENSIONS:
        faults.append(fault("", "{count} columns are too many", expected="at most {most}", count=len(columns),
                            most=MAX_DIMENSIONS // 2))  # fmt: skip
    return faults


def _faults_of_column(column: Column) -> list[Fault]:
    def wrong(what: str, expected: str, **values: object) -> list[Fault]:
        named = {"name": column.name, "low": column.low, "high": column.high}
        return [Fault(Place(), what, expected, values=named | values)]

    if column.distribution not in DISTRIBUTIONS:
        return [fault("", "`{name}` has the unknown distribution `{kind}`", expected="one of uniform, normal, index",
                      remedy=suggestion(str(column.distribution), DISTRIBUTIONS), name=column.name,
                      kind=column.distribution)]  # fmt: skip
    if column.distribution != "normal" and (column.mean is not None or column.sd is not None):
        return wrong("`{name}` has a mean or an sd and is not normal", 'distribution="normal", or neither of them')
    if column.distribution == "index":
        if column.low == 0 and column.high >= 2 and float(column.high).is_integer():
            return []
        return wrong(
            "the index `{name}` runs from {low} to {high}", "low = 0, and as high the number of rows, at least 2"
        )
    if not column.low < column.high:
        return wrong("the range of `{name}`, {low} to {high}, is empty", "low below high")
    if column.distribution == "uniform":
        if isfinite(column.low) and isfinite(column.high):
            return []
        return wrong("the range of `{name}`, {low} to {high}, is not finite", "finite ends for a uniform distribution")
    mean, sd = column.mean, column.sd
    if mean is None or sd is None or not (isfinite(mean) and isfinite(sd) and sd > 0):
        return wrong(
            "`{name}` is normal with mean {mean} and sd {sd}", "a finite mean, an sd above 0", mean=mean, sd=sd
        )
    nearest_end = min(max(mean, column.low), column.high)
    if abs(nearest_end - mean) > 30 * sd:
        return wrong("the range of `{name}`, {low} to {high}, has no probability", "a range within 30 sd of the mean")
    return []
