"""What the sampled runs of a sweep show without indices: how outcomes spread, and which way levers move them.

The rows of the matrices A and B are two independent samples of the inputs; nothing has to be run for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.sensitivity.screening import main_effect, rank_first_order

Floats = NDArray[np.float64]
BINS = 8


@dataclass(frozen=True)
class Sample:
    """`inputs` [run, input] and gaps to the baseline [run, outcome, year]; runs that failed are NaN throughout.

    The first inputs are the levers, behind them `others`: the row of the posterior and single assumptions.
    """

    levers: tuple[str, ...]
    others: tuple[str, ...]
    outcomes: tuple[str, ...]
    units: tuple[str, ...]
    years: tuple[int, ...]
    inputs: Floats
    gaps: Floats

    @property
    def known(self) -> NDArray[np.bool_]:
        """[outcome, year]: False where an outcome is defined in no run."""
        return np.asarray(np.isfinite(self.gaps).any(axis=0))

    @property
    def sound(self) -> NDArray[np.bool_]:
        """[run]: runs that did not fail."""
        return np.all(np.isfinite(self.gaps) | ~self.known, axis=(1, 2))


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
            if not sample.known[i, j]:
                continue
            values = sample.gaps[sound, i, j]
            low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
            rows.append(
                {"outcome": outcome, "year": year, "unit": sample.units[i], "mean": float(values.mean()),
                 "sd": float(values.std()), "q05": float(low), "q50": float(middle), "q95": float(high),
                 "share_positive": float((values > 0).mean()), "runs": len(sound),
                 "failed": int((~sound).sum())}
            )  # fmt: skip
    return rows


def first_look(sample: Sample) -> list[dict[str, Any]]:
    """The columns of first_look.csv: first-order shares of single inputs from the ranks of the sample alone, which need
    no design; their error is about .01 at 10,000 runs, more where an outcome has rare large values."""
    sound, places = sample.sound, np.argwhere(sample.known)
    found = rank_first_order(sample.inputs[sound], sample.gaps[sound][:, places[:, 0], places[:, 1]])
    return [
        {"outcome": sample.outcomes[i], "year": sample.years[j], "input": name, "share": float(shares[k]),
         "runs": int(sound.sum())}
        for (i, j), shares in zip(places, found.T, strict=True)
        for k, name in enumerate((*sample.levers, *sample.others))
    ]  # fmt: skip


def effect_rows(sample: Sample) -> list[dict[str, Any]]:
    """The columns of main_effects.csv: mean gap with 5 % and 95 % in equally filled bins of every lever."""
    sound = sample.sound
    rows: list[dict[str, Any]] = []
    for i, outcome in enumerate(sample.outcomes):
        for j, year in enumerate(sample.years):
            if not sample.known[i, j]:
                continue
            for k, lever in enumerate(sample.levers):
                found = main_effect(sample.inputs[sound, k], sample.gaps[sound, i, j], bins=BINS)
                rows += [
                    {"outcome": outcome, "year": year, "lever": lever, "bin": b, "setting": float(found.centres[b]),
                     "mean": float(found.means[b]), "q05": float(found.low[b]), "q95": float(found.high[b]),
                     "direction": found.direction}
                    for b in range(len(found.means))
                ]  # fmt: skip
    return rows
