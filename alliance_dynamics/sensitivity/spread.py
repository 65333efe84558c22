"""What the sampled runs of a sweep show without indices: how outcomes spread, and which way levers move them.

The rows of the matrices A and B are two independent samples of the inputs; nothing has to be run for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.sensitivity.screening import main_effect

Floats = NDArray[np.float64]
BINS = 8


@dataclass(frozen=True)
class Sample:
    """`inputs` [run, lever] and gaps to the baseline [run, outcome, year]; runs that failed are NaN throughout."""

    levers: tuple[str, ...]
    outcomes: tuple[str, ...]
    units: tuple[str, ...]
    years: tuple[int, ...]
    inputs: Floats
    gaps: Floats

    @property
    def sound(self) -> NDArray[np.bool_]:
        return np.all(np.isfinite(self.gaps), axis=(1, 2))


def joined(parts: Sequence[Sample]) -> Sample:
    """One sample out of those of several replicates."""
    first = parts[0]
    inputs, gaps = (np.concatenate([getattr(each, name) for each in parts]) for name in ("inputs", "gaps"))
    return replace(first, inputs=inputs, gaps=gaps)


def outcome_rows(sample: Sample) -> list[dict[str, Any]]:
    """The columns of outcomes.csv: mean, standard deviation, 5 %, median and 95 % of every gap, and failed runs."""
    sound = sample.sound
    rows = []
    for i, outcome in enumerate(sample.outcomes):
        for j, year in enumerate(sample.years):
            values = sample.gaps[sound, i, j]
            low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
            rows.append(
                {"outcome": outcome, "year": year, "unit": sample.units[i], "mean": float(values.mean()),
                 "sd": float(values.std()), "q05": float(low), "q50": float(middle), "q95": float(high),
                 "share_positive": float((values > 0).mean()), "runs": len(sound),
                 "failed": int((~sound).sum())}
            )  # fmt: skip
    return rows


def effect_rows(sample: Sample) -> list[dict[str, Any]]:
    """The columns of main_effects.csv: mean gap with 5 % and 95 % in equally filled bins of every lever."""
    sound = sample.sound
    rows: list[dict[str, Any]] = []
    for i, outcome in enumerate(sample.outcomes):
        for j, year in enumerate(sample.years):
            for k, lever in enumerate(sample.levers):
                found = main_effect(sample.inputs[sound, k], sample.gaps[sound, i, j], bins=BINS)
                rows += [
                    {"outcome": outcome, "year": year, "lever": lever, "bin": b, "setting": float(found.centres[b]),
                     "mean": float(found.means[b]), "q05": float(found.low[b]), "q95": float(found.high[b]),
                     "direction": found.direction}
                    for b in range(len(found.means))
                ]  # fmt: skip
    return rows
