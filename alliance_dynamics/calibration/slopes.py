"""Runs with their derivatives: exact ones of the discrete solution, differences where the kernel has none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.errors import UsageError
from alliance_dynamics.kernel.integrate import Kernel, Schedule

Floats = NDArray[np.float64]
STEP = 1e-5  # of central differences, relative to the value (absolute at 0)


@dataclass
class Sensitivities:
    """A kernel and D directions of its parameters: each names the parameters that move together.

    `refused` says by direction why the kernel has no derivative along it: it sets the time of an event or the length
    of a fixed delay, or something on the way is limited to 0.  Those are taken by central differences.
    """

    kernel: Kernel
    directions: Sequence[Sequence[str]]
    refused: dict[int, str] = field(init=False)

    def __post_init__(self) -> None:
        self.columns = [[self.kernel.program.parameter_index[name] for name in each] for each in self.directions]
        self.refused = {}

    def run(self, rows: Floats, schedule: Schedule, *, method: str, threads: int = 1) -> tuple[Floats, Floats]:
        """Values [rows, saves, outputs] and slopes [rows, saves, outputs, D]; not finite where a run fails."""
        while True:
            exact = [j for j in range(len(self.directions)) if j not in self.refused]
            given = [self.directions[j] for j in exact]
            try:
                found = self.kernel.jacobian(rows, schedule, given, method=method, threads=threads)
                break
            except UsageError as error:
                self._learn(error, exact)
        if not self.refused:
            return found.values, found.slopes
        slopes = np.empty((*found.values.shape, len(self.directions)))
        slopes[..., exact] = found.slopes
        for j in self.refused:
            up, down = rows.copy(), rows.copy()
            step = STEP * np.maximum(np.abs(rows[:, self.columns[j][:1]]), STEP)
            up[:, self.columns[j]] += step
            down[:, self.columns[j]] -= step
            both = self.kernel.run(np.concatenate([up, down]), schedule, method=method, threads=threads).values
            slopes[..., j] = (both[: len(rows)] - both[len(rows) :]) / (2 * step[:, :, None])
        return found.values, slopes

    def _learn(self, error: UsageError, asked: Sequence[int]) -> None:
        """Which directions the kernel refuses, and why; all of them where something on the way is limited."""
        why = {str(each.values.get("name", "")): str(each) for each in error.faults}
        named = {j: why[name] for j in asked for name in self.directions[j] if name in why}
        if not named and not any("limited" in text for text in why.values()):
            raise error
        self.refused |= named or dict.fromkeys(asked, next(iter(why.values())))
