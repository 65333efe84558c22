"""A table as segments: find the last break not after x, then y + slope * (x - x0) of that segment.

One description serves every kind of interpolation and every back-end.  A value at a knot is the knot's y, exactly, so
that an effect that falls to zero is zero and not 1e-17.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import inf, nextafter

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.model.expression import Table
from alliance_dynamics.model.parse import NOT_AVAILABLE

POINT_TOLERANCE = 1e-9  # data points are met within this distance: times carry rounding


@dataclass(frozen=True)
class Segments:
    """`breaks` (n,) ascending; `x`, `y`, `slope` (n + 1,); x is first limited to [low, high].

    `slope` is None where every segment is flat: then y alone is the value, and not-a-number stays so.
    """

    breaks: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    slope: NDArray[np.float64] | None
    low: float
    high: float


@lru_cache(maxsize=4096)
def segments(table: Table) -> Segments:
    """The segments of a table whose x does not decrease; of equal x the last is the value at and after it."""
    x, y = table.x, table.y
    if not x or len(x) != len(y) or any(b < a for a, b in pairwise(x)):
        raise ValueError("a table needs as many y as x, at least one, and x that does not decrease")
    match table.interpolation:
        case "discrete":
            return _steps([*x[1:]], [*y])
        case "backward":
            return _steps([each - POINT_TOLERANCE for each in x[1:]], [*y])
        case "forward":
            return _steps([nextafter(each + POINT_TOLERANCE, inf) for each in x[:-1]], [*y])
        case "raw":
            breaks, values = [], [NOT_AVAILABLE]
            for point, value in dict(zip(x, y, strict=True)).items():
                breaks += [point - POINT_TOLERANCE, nextafter(point + POINT_TOLERANCE, inf)]
                values += [value, NOT_AVAILABLE]
            return _steps(breaks, values)
        case _:
            return _lines(x, y, extrapolate=table.interpolation == "extrapolate")


def _steps(breaks: list[float], values: list[float]) -> Segments:
    kept = [i for i in range(len(breaks)) if i + 1 == len(breaks) or breaks[i] != breaks[i + 1]]
    y = [values[0], *(values[i + 1] for i in kept)]
    return Segments(np.array([breaks[i] for i in kept]), np.zeros(len(y)), np.array(y), None, -inf, inf)


def _lines(x: tuple[float, ...], y: tuple[float, ...], *, extrapolate: bool) -> Segments:
    # of equal x the first y ends the segment before, the last y begins the segment after
    begins = [i for i in range(len(x)) if i + 1 == len(x) or x[i + 1] != x[i]]
    if len(begins) == 1 and len(x) == 1:
        return _steps([], [y[0]])
    slopes = [(y[b + 1] - y[b]) / (x[b + 1] - x[b]) if b + 1 < len(x) else 0.0 for b in begins]
    if extrapolate and len(slopes) > 1:
        slopes[-1] = slopes[-2]
    starts, heights = [x[b] for b in begins], [y[b] for b in begins]
    low, high = (-inf, inf) if extrapolate else (x[0], x[-1])
    if begins[0] > 0:
        # a jump at the first point: before it the first y holds
        starts, heights, slopes = [x[0], *starts], [y[0], *heights], [0.0, *slopes]
        low = -inf if extrapolate else nextafter(x[0], -inf)
    breaks = starts[1:]
    return Segments(np.array(breaks), np.array(starts), np.array(heights), np.array(slopes), low, high)


def evaluate(found: Segments, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values at `x`, in NumPy; not-a-number stays."""
    x = np.where(x < found.low, found.low, np.where(x > found.high, found.high, x))
    index = np.searchsorted(found.breaks, x, side="right")
    if found.slope is None:
        return np.where(np.isnan(x), np.nan, found.y[index])
    return found.y[index] + found.slope[index] * (x - found.x[index])
