"""The steps of a run that has to be read at given times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_FINEST = 40  # a step is divided by at most this to meet all times


@dataclass(frozen=True)
class Grid:
    """Steps of `dt` from `start`, saved every `stride` steps.  `exact`: every wanted time is a save."""

    start: float
    dt: float
    stride: int
    exact: bool

    def steps(self, first: float, last: float) -> int:
        """Steps from one time to another, up to the next save; the first must lie on the grid."""
        return self.stride * max(0, math.ceil((last - first) / (self.dt * self.stride) - 1e-6))

    def weights(self, times: Floats, saves: int, first: float) -> tuple[NDArray[np.int64], Floats]:
        """Which saves [times, k] of a run from `first`, and how much of each, give the values at the times.

        k = 1 where times are saves; else the cubic through four neighbouring saves.
        """
        place = (times - first) / (self.dt * self.stride)
        if self.exact or saves < 4:
            near = np.clip(np.rint(place).astype(np.int64), 0, saves - 1)
            return near[:, None], np.ones((len(times), 1))
        base = np.clip(np.floor(place).astype(np.int64) - 1, 0, saves - 4)
        nodes = np.arange(4)
        x = (place - base)[:, None]
        weights = np.ones((len(times), 4))
        for i in nodes:
            for j in nodes[nodes != i]:
                weights[:, i] *= (x[:, 0] - j) / (i - j)
        return base[:, None] + nodes, weights


def grid_of(start: float, dt: float, times: Sequence[float]) -> Grid:
    """The longest step, `dt` or a whole part of it, that meets all times; `dt` itself where no such part does."""
    apart = np.unique(np.asarray(times, dtype=float) - start)
    for parts in range(1, _FINEST + 1):
        steps = apart * parts / dt
        whole = np.rint(steps)
        if np.all(np.abs(steps - whole) <= 1e-6 * np.maximum(1.0, np.abs(whole))):
            stride = int(np.gcd.reduce(whole.astype(np.int64))) if len(whole) else 1
            return Grid(start, dt / parts, max(1, stride), True)
    return Grid(start, dt, 1, False)
