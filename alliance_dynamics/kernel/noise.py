"""Uniform draws that depend on (seed, run, number of the draw, step) alone: SplitMix64 (Steele, Lea, Flood 2014).

No draw depends on another, so any chunk of runs gives the same draws, in every back-end.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GOLDEN = 0x9E3779B97F4A7C15
FIRST, SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
EXPONENT_OF_ONE = 0x4330000000000000  # the bits of 2^52: or-ing 52 bits in gives 2^52 + bits exactly


def keys(seed: int, runs: NDArray[np.int64], draw: int) -> NDArray[np.uint64]:
    """One stream per (seed, run, draw); `runs` counts over the whole ensemble."""
    start = _mix(np.array([seed % 2**64], dtype=np.uint64) + _multiple(1))
    per_run = _mix(start + np.uint64(GOLDEN) * (runs.astype(np.uint64) + np.uint64(1)))
    return _mix(per_run + _multiple(draw + 1))


def uniform(key: NDArray[np.uint64], step: int) -> NDArray[np.float64]:
    """The draw of each stream at a step: the middle of one of 2^52 equal parts of (0, 1)."""
    bits = _mix(key + _multiple(step + 1))
    return ((bits >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def _multiple(count: int) -> np.uint64:
    return np.uint64(GOLDEN * count % 2**64)


def _mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(FIRST)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(SECOND)
    return z ^ (z >> np.uint64(31))
