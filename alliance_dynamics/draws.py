"""What is uncertain in a model, drawn: constants from the ranges of its parameter file, or the futures of a fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from alliance_dynamics.errors import UsageError, fault
from alliance_dynamics.futures import Futures, assumptions_of
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.parameters import Parameters
from alliance_dynamics.sensitivity.factors import mapped

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Draws:
    """`values` [draw, name]: constants by flat name, each draw a row.

    `source`: posterior (a fit to data, and the ranges of what no data speak to), ranges (of a parameter file), or noise
    (nothing but the random functions of the model itself, `names` is empty).
    """

    names: tuple[str, ...]
    values: Floats
    source: str

    @property
    def count(self) -> int:
        return len(self.values)

    def without(self, fixed: set[str]) -> Draws:
        """The draws without the constants that are given a value."""
        kept = [j for j, name in enumerate(self.names) if name not in fixed]
        return Draws(tuple(self.names[j] for j in kept), self.values[:, kept], self.source)


def draws_of_futures(futures: Futures) -> Draws:
    """The calibrated parameters and the assumptions of some futures, draw by draw as a comparison uses them."""
    columns = [int(column) for each in futures.calibrated for column in each]
    columns = list(dict.fromkeys([*columns, *(each.column for each in futures.assumptions)]))
    names = tuple(futures.program.parameters[column] for column in columns)
    return Draws(names, futures.rows[:, columns], "posterior")


def draws_of_ranges(program: Program, parameters: Parameters, count: int, *, seed: int) -> Draws:
    """A Latin hypercube over every constant with a range that is no lever, each with its distribution.

    A model without such constants is drawn by its noise alone.  UsageError: it has no noise either.
    """
    assumptions = assumptions_of(program, parameters, ())
    if not assumptions:
        if not noisy(program):
            raise UsageError(
                fault(parameters.file, "Nothing in this model is uncertain: no constant has a range, nothing is random",
                      expected="A parameters.toml beside the model",
                      remedy="Give some constants a range there: [NAME] with value, unit, source, grade, low and high")
            )  # fmt: skip
        return Draws((), np.zeros((count, 0)), "noise")
    stream = np.random.default_rng(np.random.SeedSequence([seed, 10]))
    cube = np.clip(qmc.LatinHypercube(len(assumptions), rng=stream).random(count), 1e-12, 1 - 1e-12)
    return Draws(
        tuple(each.name for each in assumptions), mapped([each.as_column() for each in assumptions], cube), "ranges"
    )


def noisy(program: Program) -> bool:
    """Whether a program draws random numbers while it runs."""
    return any(each.kind == "random" for each in program.step)
