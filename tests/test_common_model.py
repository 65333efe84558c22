"""Scenarios in time as numbers of one model: each gives what it gives alone, and lets the others be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from alliance_dynamics.common_model import common_futures, common_model, numbers_instead, path_switch
from alliance_dynamics.futures import Assumption, Futures, columns_of_regime, rows_of_regime
from alliance_dynamics.kernel.integrate import compile_kernel
from alliance_dynamics.lever_paths import Event, LeverPath
from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.outcomes import series_of
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.scenarios import Scenario, find_regime, read_regimes
from alliance_dynamics.settings import schedule_of
from alliance_dynamics.simulate import program_of

PARAMETERS = read_parameters()
REGIMES = read_regimes()
R1, R3 = (find_regime(each, REGIMES) for each in ("R1", "R3"))
PAUSE = Event("pause", "pulse", "federal_appropriation", 2030.0, 2.0, factor=0.25)
MORE = Event("more", "ramp", "voice_of_regions", 2031.0, 3.0, add=0.1)


def with_levers(base: Scenario, name: str, levers: dict[str, LeverPath], *events: Event) -> Scenario:
    return replace(base, id=name, levers={**base.levers, **levers}, events=events)


SCENARIOS = (
    R1,
    with_levers(R3, "late", {"selection_power": LeverPath(0.6, start=2030.5, ramp_years=2.0)}),
    with_levers(
        R3, "drawn", {"selection_power": LeverPath(points=((2028.0, 0.1), (2035.0, 0.8))),
                      "programme_coverage": LeverPath(points=((2027.0, 0.3), (2033.0, 0.9)), interpolate="step",
                                                      ramp_years=0.5)},
        PAUSE,
    ),
    with_levers(R1, "two", {"selection_power": LeverPath(points=((2029.0, 0.4),))}, PAUSE, MORE),
)  # fmt: skip


@pytest.fixture(scope="module")
def model():
    return open_model("alliance")


@pytest.fixture(scope="module")
def futures(model) -> Futures:
    program = program_of(model)
    base = np.array(program.defaults)
    trust = program.parameter_index["initial_cluster_trust"]
    rows = np.repeat(base[None], 3, axis=0)
    rows[:, trust] = [0.2, 0.3, 0.4]
    assumed = Assumption("initial_cluster_trust", trust, 0.1, 0.6)
    return Futures(program, rows, (np.array([trust]),), np.zeros((3, 0)), (assumed,), base)


def values(model, program, rows) -> np.ndarray:
    schedule, _ = schedule_of(program, rows[0])
    series = series_of(model)
    return series.values(compile_kernel(program, series.outputs).run(rows, schedule, method="rk4").values)


def test_every_scenario_gives_in_the_common_model_what_it_gives_alone(model, futures):
    common, numbers, moved = common_futures(model, SCENARIOS, futures, PARAMETERS)
    assert not any(each.in_time for each in numbers)
    column = moved.program.parameter_index["initial_cluster_trust"]
    assert moved.assumptions[0].column == moved.calibrated[0][0] == column
    assert moved.rows[:, column].tolist() == [0.2, 0.3, 0.4]
    for scenario, number in zip(SCENARIOS, numbers, strict=True):
        alone = values(*rows_of_regime(model, scenario, futures, PARAMETERS))
        rows = moved.under(columns_of_regime(moved.program, common, number, PARAMETERS))
        found = values(common, moved.program, rows)
        np.testing.assert_allclose(found, alone, rtol=1e-13, atol=1e-13, err_msg=scenario.id)
        assert len(np.unique(found[:, 40, 0])) == 3


def test_without_levers_in_time_it_is_the_model_itself(model, futures):
    assert common_model(model, REGIMES, PARAMETERS).model is model
    assert common_futures(model, REGIMES, futures, PARAMETERS) == (model, REGIMES, futures)


def test_choices_say_what_is_in_force_and_a_number_can_stand_instead_of_a_path(model, futures):
    found = common_model(model, SCENARIOS, PARAMETERS)
    power = PARAMETERS.levers["selection_power"]
    assert [each.paths.get("selection_power", {}).get(path_switch(power)) for each in found.choices] == [
        None, None, 1.0, 2.0,
    ]  # fmt: skip
    assert found.choices[1].paths["selection_power"] == {
        "own_selection_power_start_year": 2030.5, "own_selection_power_phase-in_time": 2.0,
    }  # fmt: skip
    assert set(found.choices[3].events) == {"pause", "more"}
    program = program_of(found.model)
    drawn = found.scenarios[2]
    changes = columns_of_regime(program, found.model, drawn, PARAMETERS)
    freed = changes | numbers_instead(program, power) | {program.parameter_index[power.constant]: 0.7}
    row = np.array(program.defaults)
    row[list(freed)] = list(freed.values())
    plain = replace(SCENARIOS[2], levers={**SCENARIOS[2].levers, "selection_power": LeverPath(0.7, start=2028.0)})
    _, own, rows = rows_of_regime(model, plain, futures, PARAMETERS)
    expected = values(model, own, rows[:1] * 0 + _same(own, rows[0], futures))
    np.testing.assert_allclose(values(found.model, program, row[None]), expected, rtol=1e-13, atol=1e-13)
    assert numbers_instead(futures.program, power) == {}


def _same(program, row, futures) -> np.ndarray:
    """A row with the default in the place of what the futures draw."""
    found = row.copy()
    found[program.parameter_index["initial_cluster_trust"]] = futures.base[
        futures.program.parameter_index["initial_cluster_trust"]
    ]
    return found
