"""The cases over which every sentence is tried: default values, corners of the ranges, draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from alliance_dynamics.futures import Assumption, assumptions_of
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.language import translate
from alliance_dynamics.parameters import Parameters
from alliance_dynamics.sensitivity.factors import mapped

Floats = NDArray[np.float64]
DRAWS, SEED = 1000, 1


@dataclass(frozen=True)
class Cases:
    """`rows` [cases, parameters]: the defaults, all lows, all highs, each constant at either end, then draws."""

    rows: Floats
    names: tuple[str, ...]
    assumptions: tuple[Assumption, ...]

    def tell(self, case: int) -> str:
        """The name of a case and the three constants that lie farthest from their defaults, as shares of the range."""
        if case == 0 or not self.assumptions:
            return self.names[case]
        columns = [each.column for each in self.assumptions]
        width = np.array([each.high - each.low for each in self.assumptions])
        away = np.abs(self.rows[case, columns] - self.rows[0, columns]) / width
        far = [int(i) for i in np.argsort(-away, kind="stable")[:3] if away[i] > 0]
        return f"{self.names[case]}: " + ", ".join(
            f"{self.assumptions[i].name} = {self.rows[case, columns[i]]:.4g}" for i in far
        )


def cases_of(program: Program, parameters: Parameters, *, draws: int = DRAWS, seed: int = SEED) -> Cases:
    """The default values; with draws, also the corners and a Latin hypercube of every constant that has a range."""
    default = np.array(program.defaults, dtype=float)
    if draws == 0:
        return Cases(default[None, :], (translate("defaults"),), ())
    assumptions = assumptions_of(program, parameters, ())
    columns = [each.column for each in assumptions]
    low, high = (np.array([getattr(each, end) for each in assumptions]) for end in ("low", "high"))
    size = len(assumptions)
    rows = np.repeat(default[None, :], 3 + 2 * size + draws, axis=0)
    rows[1, columns], rows[2, columns] = low, high
    rows[3 + np.arange(size), columns] = low
    rows[3 + size + np.arange(size), columns] = high
    cube = qmc.LatinHypercube(size, rng=np.random.default_rng(np.random.SeedSequence([seed, 8]))).random(draws)
    rows[3 + 2 * size :, columns] = mapped([each.as_column() for each in assumptions], np.clip(cube, 1e-12, 1 - 1e-12))
    names = [translate(each) for each in ("defaults", "all at their low ends", "all at their high ends")]
    for end in ("{name} at its low end", "{name} at its high end"):
        names += [translate(end).format(name=each.name) for each in assumptions]
    names += [translate("draw {number} of seed {seed}").format(number=i, seed=seed) for i in range(draws)]
    return Cases(rows, tuple(names), assumptions)
