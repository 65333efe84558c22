"""Why a run went non-finite: the first variable, its value, the time, and what it was made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.errors import Fault, fault
from alliance_dynamics.kernel.integrate import Schedule
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.model.model import Method, Model
from alliance_dynamics.settings import FlatNames


def explain(
    model: Model, program: Program, row: NDArray[np.float64], schedule: Schedule, method: Method, seed: int, run: int,
    *, precision: str = "double",
) -> Fault:  # fmt: skip
    """The fault of one failed run, found by repeating it alone and checking every operation of every stage.

    It is repeated in double precision, so a run that fails in single precision only has no more to tell.
    """
    from alliance_dynamics.kernel.replay import replay

    failure = replay(program, row, schedule, method=method, seed=seed, run=run)
    if failure is None and precision == "single":
        return fault("", "draw {run} went non-finite in single precision; in double precision it does not",
                     remedy="Compute it in double precision.", run=run)  # fmt: skip
    if failure is None:
        return fault("", "the run went non-finite, but its repetition did not")
    names = FlatNames(model)
    variable = names.owner(failure.name)
    made_of = ", ".join(f"{names.label(each)} = {value:g}" for each, value in failure.arguments)
    return fault(
        variable.place if variable else "",
        "run failed: draw {run}, time {time}: `{name}` became {value}",
        expected="Because of {made_of}" if made_of else "",
        run=run,
        time=f"{failure.time:g}",
        name=names.label(failure.name),
        value=failure.value,
        made_of=made_of,
    )
