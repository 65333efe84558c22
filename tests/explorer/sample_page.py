"""A page over a few futures, the same each time."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from alliance_dynamics.explorer import make_page, write_explorer
from alliance_dynamics.explorer.page import Page
from alliance_dynamics.futures import Futures, assumptions_of
from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.scenarios import Scenario, read_regimes
from alliance_dynamics.simulate import program_of

BASELINE, CHOSEN, DRAWS = "R1", "R3", 60
HISTORY = [{"observable": "rd_personnel", "experiment": "RU_TA", "year": 2022, "observed": 14231.0}]


def some_futures() -> Futures:
    """Draws of the assumptions alone: what the page does with them does not depend on where they come from."""
    program, parameters = program_of(open_model("alliance")), read_parameters()
    assumptions = assumptions_of(program, parameters, ())
    base = np.array(program.defaults)
    rows = np.repeat(base[None], DRAWS, axis=0)
    stream = np.random.default_rng(0)
    for each in assumptions:
        middle = base[each.column]
        rows[:, each.column] = np.clip(
            middle + 0.1 * (each.high - each.low) * stream.standard_normal(DRAWS), each.low, each.high
        )
    return Futures(program, rows, (), np.zeros((DRAWS, 0)), assumptions, base)


def write_page(target: Path, *more: Scenario) -> Path:
    """The page of the package's regimes and of more scenarios."""
    return write_explorer(target, a_page(*more))


def a_page(*more: Scenario) -> Page:
    return make_page(
        open_model("alliance"), some_futures(), read_parameters(), (*read_regimes(), *more), baseline=BASELINE,
        chosen=CHOSEN, history=HISTORY, seed=0,
    )  # fmt: skip
