"""Scenarios in time as numbers of one model: each gives what it gives alone, and lets the others be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from alliance_dynamics.common_model import common_futures, common_model, numbers_instead, path_switch
from alliance_dynamics.futures import Assumption, Futures, columns_of_regime, rows_of_regime
from alliance_dynamics.kernel.integrate import compile_kernel
from alliance_dynamics.lever_paths import Event, LeverPath
from alliance_dynamics.loops.named import named_loops_of
from alliance_dynamics.loops.over_draws import loops_of_regimes
from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.outcomes import series_of
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.scenarios import Scenario, find_regime, read_regimes
from alliance_dynamics.sensitivity.ladder import lever_ladder
from alliance_dynamics.settings import schedule_of
from alliance_dynamics.simulate import program_of
from alliance_dynamics.study.stages import Size, sweep_levers

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
    middle = replace(futures, rows=futures.base[None])
    expected = values(*rows_of_regime(model, plain, middle, PARAMETERS))
    np.testing.assert_allclose(values(found.model, program, row[None]), expected, rtol=1e-13, atol=1e-13)
    assert numbers_instead(futures.program, power) == {}


def gap(model, scenario: Scenario, baseline: Scenario, futures: Futures, at: int) -> float:
    """The gap in net present value of the alliance in one draw, each scenario run alone."""
    k = series_of(model).index("net_present_value", "alliance")
    one, other = (values(*rows_of_regime(model, each, futures, PARAMETERS))[0, at, k] for each in (scenario, baseline))
    return one - other


def test_the_ladder_moves_a_lever_instead_of_its_path(model, futures):
    few = replace(futures, rows=futures.rows[:1])
    regime, baseline = SCENARIOS[2], SCENARIOS[0]
    common, numbers, moved = common_futures(model, (regime, baseline), few, PARAMETERS)
    changes = [columns_of_regime(moved.program, common, each, PARAMETERS) for each in numbers]
    power = {"selection_power": replace(PARAMETERS.levers["selection_power"], low=0.2, high=0.9)}
    rungs = lever_ladder(
        common, moved, power, regime=changes[0], baseline=changes[1], years=[2040], settings=2, draws=1
    )
    found = next(each.change for each in rungs if each.outcome == "net_present_value")
    low, high = (
        replace(regime, levers={**regime.levers, "selection_power": LeverPath(value, start=2028.0)})
        for value in (0.2, 0.9)
    )
    assert found == pytest.approx(gap(model, high, low, few, 40), rel=1e-7) and found != 0


def test_a_sweep_takes_numbers_against_a_baseline_in_time(model, futures):
    few = replace(
        futures,
        rows=futures.rows[:2],
        posterior=np.array([[0.3], [0.3]]),
        calibrated=(np.array([futures.program.parameter_index["tolerated_delay"]]),),
    )
    baseline = with_levers(R1, "R1", {"selection_power": LeverPath(points=((2029.0, 0.4), (2033.0, 0.1)))}, PAUSE)
    regimes = (find_regime("R0", REGIMES), baseline)
    size = replace(Size.of(True), points=2, replicates=1)
    sweep = sweep_levers(model, few, regimes, PARAMETERS, size, 1, 1, lambda _: None, step_points=0)
    assert sweep.dt == 0.125
    names = [*PARAMETERS.levers]
    levers = {name: float(value) for name, value in zip(names, sweep.sample.inputs[0], strict=False)}
    rows = few.rows[:1].copy()
    rows[:, few.calibrated[0]] = 0.3
    rows[0, few.assumptions[0].column] = sweep.sample.inputs[0, -1]
    here = replace(few, rows=rows)
    own = replace(baseline, levers=levers | {"selection_power": LeverPath(levers["selection_power"], start=2029.0)})
    told = sweep.sample.gaps[0, 0, sweep.sample.years.index(2040)]
    assert told == pytest.approx(gap(model, own, baseline, here, 40), rel=1e-7)


@pytest.mark.slow  # four seconds of looking for loops
def test_loops_are_found_in_regimes_in_time(model, futures):
    found = loops_of_regimes(model, SCENARIOS[2:3], futures, PARAMETERS, named_loops_of(model), draws=1,
                             outputs=("interregional_link_density",))  # fmt: skip
    assert {row["regime"] for row in found.rows(PARAMETERS)} == {"drawn"}
    assert max(abs(float(str(row["share"]))) for row in found.rows(PARAMETERS)) > 0
