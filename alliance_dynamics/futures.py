"""Futures: what is not ours to choose, drawn once and shared by all regimes.

A future is a draw of the calibrated parameters together with a draw of the assumptions that no data speak to, so that
regimes are compared under the same conditions, draw by draw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from alliance_dynamics.calibration.calibration import Calibration
from alliance_dynamics.errors import Fault, InputError, UnsupportedError, fault
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.lever_paths import with_paths
from alliance_dynamics.model.model import Model
from alliance_dynamics.overrides import program_of
from alliance_dynamics.parameters import Parameters
from alliance_dynamics.scenarios import Scenario
from alliance_dynamics.sensitivity.factors import Column, mapped
from alliance_dynamics.settings import targets_of

Floats = NDArray[np.float64]
ASSUMED_ROLES = ("structural", "initial", "driver", "")  # a file of a user need not name roles


@dataclass(frozen=True)
class Assumption:
    """A constant that is not calibrated and not certain; `column` is its program parameter.

    Uniform on [low, high], or normal with `mean` and `sd` cut at low and high.
    """

    name: str
    column: int
    low: float
    high: float
    mean: float | None = None
    sd: float | None = None

    def as_column(self) -> Column:
        """The input column of a design that draws this constant."""
        return Column(self.name, self.low, self.high, "uniform" if self.sd is None else "normal", self.mean, self.sd)


@dataclass(frozen=True)
class Futures:
    """`rows` [draws, program parameters]: complete parameter vectors, regimes not yet set.

    `calibrated` are the columns that the calibration moves, in its order; `assumptions` those drawn from their ranges.
    """

    program: Program
    rows: Floats
    calibrated: tuple[NDArray[np.int64], ...]
    posterior: Floats
    assumptions: tuple[Assumption, ...]
    base: Floats

    def under(self, changes: Mapping[int, float]) -> Floats:
        """The rows with some columns set, for a regime."""
        rows = self.rows.copy()
        for column, value in changes.items():
            rows[:, column] = value
        return rows


def draw_futures(calibration: Calibration, parameters: Parameters, *, seed: int) -> Futures:
    """As many futures as calibration draws: draw i with point i of a Latin hypercube of the assumptions."""
    setup = calibration.setup
    assumptions = assumptions_of(setup.program, parameters, setup.forward.columns)
    posterior = calibration.posterior.values[:, : setup.forward.structural]
    rows = setup.forward.rows(posterior)
    stream = np.random.default_rng(np.random.SeedSequence([seed, 4]))
    cube = (
        qmc.LatinHypercube(len(assumptions), rng=stream).random(len(rows)) if assumptions else np.zeros((len(rows), 0))
    )
    if assumptions:
        values = mapped([each.as_column() for each in assumptions], np.clip(cube, 1e-12, 1 - 1e-12))
        rows[:, [each.column for each in assumptions]] = values
    return Futures(setup.program, rows, setup.forward.columns, posterior, assumptions, setup.forward.base)


def assumptions_of(
    program: Program, parameters: Parameters, calibrated: tuple[NDArray[np.int64], ...]
) -> tuple[Assumption, ...]:
    """Every constant with a range that is neither calibrated nor a lever, element by element, in the model's order."""
    taken = {int(column) for columns in calibrated for column in columns}
    found: list[Assumption] = []
    for name, column in program.parameter_index.items():
        card = parameters.constants.get(name.partition("[")[0])
        if card is None or column in taken or card.role not in ASSUMED_ROLES:
            continue
        if card.low is None or card.high is None or not card.low < card.high:
            continue
        found.append(Assumption(name, column, card.low, card.high, *_normal(card.distribution)))
    return tuple(found)


def _normal(distribution: str) -> tuple[float, float] | tuple[()]:
    """Mean and sd of `normal(mean, sd)`; nothing for uniform."""
    if not distribution.startswith("normal("):
        return ()
    mean, sd = distribution.removeprefix("normal(").removesuffix(")").split(",")
    return float(mean), float(sd)


def columns_of_regime(program: Program, model, scenario: Scenario, parameters: Parameters) -> dict[int, float]:
    """Program parameter column -> value for what a regime sets; InputError names what the model does not have.

    UnsupportedError: the regime has levers in time, and so is no set of numbers for this program.
    """
    if scenario.in_time:
        raise UnsupportedError(
            fault(scenario.path or scenario.id, "Levers in time and events make `{id}` a model of its own",
                  expected="Here all regimes must be numbers for one model", id=scenario.id,
                  remedy="Use `alliance run` or `alliance compare`, or give each lever one number")
        )  # fmt: skip
    return _columns(program, model, scenario, parameters)


def rows_of_regime(
    model: Model, scenario: Scenario, futures: Futures, parameters: Parameters
) -> tuple[Model, Program, Floats]:
    """The model that a regime makes of this one, its program, and its rows under all futures.

    Without levers in time these are the model and the program of the futures themselves.
    """
    own = with_paths(model, scenario, parameters)
    if own is model:
        return model, futures.program, futures.under(_columns(futures.program, model, scenario, parameters))
    program = program_of(own)
    rows = rows_for(program, futures.program, futures.rows)
    for column, value in _columns(program, own, scenario, parameters).items():
        rows[:, column] = value
    return own, program, rows


def rows_for(program: Program, known: Program, rows: Floats) -> Floats:
    """Rows of another program's parameters as rows of this one's: by name, the defaults where the other has none."""
    shared = [name for name in program.parameters if name in known.parameter_index]
    found = np.repeat(np.array(program.defaults)[None, :], len(rows), axis=0)
    here, there = ([each.parameter_index[name] for name in shared] for each in (program, known))
    found[:, here] = rows[:, there]
    return found


def _columns(program: Program, model: Model, scenario: Scenario, parameters: Parameters) -> dict[int, float]:
    found: dict[int, float] = {}
    faults: list[Fault] = []
    for name, value in scenario.values(parameters).items():
        columns = targets_of(model, program, name)
        if isinstance(columns, Fault):
            faults.append(
                fault(
                    scenario.path or scenario.id,
                    columns.what,
                    expected=columns.expected,
                    remedy=columns.remedy,
                    **columns.values,
                )
            )
        else:
            assert not isinstance(value, tuple)  # points are refused with the lookup that takes them
            found |= dict.fromkeys(columns, value)
    if faults:
        raise InputError(faults)
    return found
