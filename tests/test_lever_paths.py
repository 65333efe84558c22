"""Levers in time: what a path does has a closed form, and what says the same gives the same bits."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alliance_dynamics.errors import InputError, UnsupportedError
from alliance_dynamics.expectations import Expectation, disappointed
from alliance_dynamics.futures import Futures, columns_of_regime, rows_of_regime
from alliance_dynamics.kernel.integrals import integral_name, with_integrals
from alliance_dynamics.kernel.integrate import compile_kernel
from alliance_dynamics.lever_paths import GRID, Event, LeverPath, between, with_paths
from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.overrides import program_of, program_with
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.reality import read_checks
from alliance_dynamics.regimes import run_regimes
from alliance_dynamics.resources import resource
from alliance_dynamics.scenario_text import scenario_text
from alliance_dynamics.scenarios import Scenario, find_regime, read_regimes, read_scenario
from alliance_dynamics.settings import schedule_of
from alliance_dynamics.simulate import Run, run_model

PARAMETERS = read_parameters()
REGIMES = read_regimes()
R3 = find_regime("R3", REGIMES)
HEAD = 'schema = 1\nextends = "r3_alliance"\n[scenario]\nid = "x"\ntitle.en = "X"\ntitle.ru = "Икс"\n'


@pytest.fixture(scope="module")
def model():
    return open_model("alliance")


@pytest.fixture(scope="module")
def plain(model):
    return run_model(model, set=R3.values(PARAMETERS))


def run(model, scenario: Scenario, **options) -> Run:
    return run_model(with_paths(model, scenario, PARAMETERS), set=scenario.values(PARAMETERS), **options)


def of(run: Run, label: str) -> np.ndarray:
    return run.values[:, run.columns.index(label)]


def shared(one: Run, other: Run) -> tuple[np.ndarray, np.ndarray]:
    names = [each for each in other.columns if each in one.columns]
    return tuple(each.values[:, [each.columns.index(name) for name in names]] for each in (one, other))


def with_lever(name: str, path: LeverPath | float, **changes) -> Scenario:
    return replace(R3, levers={**R3.levers, name: path}, **changes)


def told(model, levers: dict[str, LeverPath], **changes) -> Run:
    return run(model, replace(R3, levers={**R3.levers, **levers}, **changes))


def test_the_common_year_and_ramp_said_for_single_levers_give_the_same_bits(model, plain):
    """A power too, which acts through a stock of its own then; and a level path is a number."""
    names = ("federal_appropriation", "selection_power", "information_sharing_speed")
    own = {name: LeverPath(value=float(R3.levers[name]), start=2026.0, ramp_years=1.0) for name in names}
    level = LeverPath(points=tuple((year, float(R3.levers["voice_of_regions"])) for year in (2026.0, 2031.0, 2040.0)))
    found, expected = shared(told(model, {**own, "voice_of_regions": level}), plain)
    assert np.array_equal(found, expected)


def test_the_ramp_of_the_model_drawn_by_points_is_that_ramp(model, plain):
    before = PARAMETERS.constants["programme_coverage_in_history"].value
    path = LeverPath(points=((2026.0, before), (2027.0, float(R3.levers["programme_coverage"]))), start=2025.0)
    own = told(model, {"programme_coverage": path})
    for name in plain.columns:
        if name != "programme coverage in policy":
            np.testing.assert_allclose(of(own, name), of(plain, name), rtol=1e-12, atol=1e-12, err_msg=name)


def test_a_ramp_of_all_levers_is_that_ramp_for_each_and_history_does_not_know_of_it(model, plain):
    slow = run(model, replace(R3, ramp_years=3.0))
    each = told(model, {name: LeverPath(value=float(value), ramp_years=3.0) for name, value in R3.levers.items()})
    common = ("policy phase", "policy phase-in time", "powers in force", "power implementation")
    before = plain.times <= 2026
    for name in plain.columns:
        if name not in common:
            np.testing.assert_allclose(of(each, name), of(slow, name), rtol=1e-12, atol=1e-12, err_msg=name)
        if name != "policy phase-in time":
            assert np.array_equal(of(slow, name)[before], of(plain, name)[before])
    np.testing.assert_allclose(of(slow, "policy phase"), np.clip((slow.times - 2026) / 3, 0, 1), rtol=1e-14)


def test_levers_follow_their_points_line_by_line_and_step_by_step(model):
    points = ((2028.0, 0.4), (2032.0, 1.0), (2040.0, 0.2))
    levers = {"federal_appropriation": "linear", "interregional_orientation": "step"}
    paths = {name: LeverPath(points=points, interpolate=way, ramp_years=GRID) for name, way in levers.items()}
    scenario = replace(R3, levers={**R3.levers, **paths})
    found = run(model, scenario, saveper=GRID)
    after = found.times >= 2028 + GRID
    history = (found.times >= 2013) & (found.times <= 2028)
    for name, path in paths.items():
        expected = np.interp(found.times, *np.array(path.corners).T)
        values = of(found, name.replace("_", " "))
        np.testing.assert_allclose(values[after], expected[after], rtol=1e-14)
        past = PARAMETERS.constants[f"{name}_in_history"].value
        np.testing.assert_allclose(values[history], past, rtol=1e-14)
    assert values[found.times == 2032.0] == pytest.approx(0.4)
    assert values[found.times == 2032.125] == pytest.approx(1.0)


def test_an_event_takes_away_exactly_its_height_times_its_length(model):
    """Integrated as the model integrates: a stock would lose just this."""
    cases = [
        (kind, how, area)
        for kind, area in (("pulse", 3.0), ("step", 20 - GRID / 2), ("ramp", 20 - 1.5))
        for how in ("factor", "add")
    ]
    names = ("federal_appropriation", "voice_of_regions", "programme_coverage", "interregional_orientation",
             "target_joint_share", "federal_matching_share")  # fmt: skip
    height = {name: 0.5 * float(R3.levers[name]) for name in names}
    events = tuple(
        Event(name, kind, name, 2030.0, None if kind == "step" else 3.0,
              **({"factor": 0.5} if how == "factor" else {"add": -height[name]}))
        for name, (kind, how, _) in zip(names, cases, strict=True)
    )  # fmt: skip
    found = run(model, replace(R3, events=events), saveper=GRID)
    after = found.times >= 2028
    for name, (_, _, area) in zip(names, cases, strict=True):
        lost = float(R3.levers[name]) - of(found, name.replace("_", " "))[after]
        assert np.trapezoid(lost, dx=GRID) == pytest.approx(height[name] * area, rel=1e-12), name


def test_after_a_pause_and_on_a_path_every_stock_is_still_what_flowed_in_less_what_flowed_out(model, plain):
    pause = Event("pause", "pulse", "federal_appropriation", 2028.0, 2.0, factor=0.0)
    coverage = LeverPath(points=((2029.0, 0.2), (2035.0, 0.9)), interpolate="step")
    scenario = replace(R3, levers={**R3.levers, "programme_coverage": coverage}, events=(pause,))
    own = with_paths(model, scenario, PARAMETERS)
    checks = [each for each in read_checks(resource("sdmodels/checks.toml")) if each.holds == "balance"]
    assert len(checks) > 10
    program, row = program_with(own, scenario.values(PARAMETERS))
    flows = [name for name in program.outputs for each in checks
             if name.partition("[")[0] in (*each.inflows, *each.outflows)]  # fmt: skip
    program = with_integrals(program, flows)
    kernel = compile_kernel(program, tuple(program.outputs))
    schedule, _ = schedule_of(program, row)
    values = dict(zip(kernel.outputs, kernel.run(row[None, :], schedule).values[0].T, strict=True))
    for check in checks:
        for stock in [name for name in values if name.partition("[")[0] == check.variables[0]]:
            element = stock.partition("[")[1] + stock.partition("[")[2]
            net = [sign * values[integral_name(name + element)]
                   for sign, names in ((1, check.inflows), (-1, check.outflows)) for name in names]  # fmt: skip
            np.testing.assert_allclose(values[stock] - values[stock][0], sum(net), rtol=1e-9, atol=1e-9, err_msg=stock)
    assert values["federal_appropriation"][schedule.times == 2029] == 0
    before = plain.times <= 2026
    assert np.array_equal(values["alliance_fund"][before], of(plain, "alliance fund")[before])


def test_half_the_step_changes_a_run_with_events_at_the_order_of_the_method(model):
    """Corners on the grid: RK4 keeps its order, which a jump between two steps would bring down to one."""
    events = (Event("a", "pulse", "programme_coverage", 2030.0, 1.0, factor=0.5),
              Event("b", "step", "federal_appropriation", 2031.0, add=-0.2))  # fmt: skip
    scenario = replace(
        with_lever("voice_of_regions", LeverPath(value=0.5, start=2029.5, ramp_years=0.5)), events=events
    )
    runs = [of(run(model, scenario, dt=dt, saveper=1.0), "cluster trust[Tatarstan]") for dt in (1 / 8, 1 / 16, 1 / 32)]
    first, second = (np.abs(a - b).max() for a, b in pairwise(runs))
    assert first / second > 12


def test_numbers_of_paths_are_data_and_only_points_and_events_are_other_programs(model):
    def program(path: LeverPath) -> str:
        return with_paths(model, with_lever("agenda_power", path), PARAMETERS).hash

    assert program(LeverPath(0.3, start=2028.0)) == program(LeverPath(0.9, start=2031.5))
    assert program(LeverPath(0.3, start=2028.0)) != program(LeverPath(0.3, start=2028.0, ramp_years=2.0))
    assert with_paths(model, R3, PARAMETERS) is model


def test_regimes_with_paths_run_over_the_same_futures_as_the_others(model):
    program = program_of(model)
    rows = np.repeat(np.array(program.defaults)[None, :], 3, axis=0)
    rows[:, program.parameter_index["initial_cluster_trust"]] = [0.2, 0.3, 0.4]
    futures = Futures(program, rows, (), np.zeros((3, 0)), (), np.array(program.defaults))
    same = replace(
        with_lever("voice_of_regions", LeverPath(float(R3.levers["voice_of_regions"]), start=2026.0)), id="P"
    )
    other = replace(R3, id="E", events=(Event("a", "step", "federal_appropriation", 2030.0, factor=0.0),))
    found = run_regimes(model, (R3, same, other), futures, PARAMETERS)
    assert np.array_equal(found.values[0], found.values[1])
    assert not np.array_equal(found.values[0], found.values[2])
    assert np.array_equal(found.values[0][:, :30], found.values[2][:, :30])
    _, own, rows = rows_of_regime(model, other, futures, PARAMETERS)
    assert rows[:, own.parameter_index["initial_cluster_trust"]].tolist() == [0.2, 0.3, 0.4]
    with pytest.raises(UnsupportedError, match="make `E` a model of its own"):
        columns_of_regime(program, model, other, PARAMETERS)


paths = st.builds(
    LeverPath,
    points=st.dictionaries(
        st.integers(2013 * 8, 2050 * 8 - 1), st.floats(0, 1), min_size=1, max_size=5
    ).map(lambda each: tuple((year / 8, value) for year, value in sorted(each.items()))),
    interpolate=st.sampled_from(["linear", "step"]),
    ramp_years=st.none() | st.integers(1, 40).map(lambda each: each / 8),
)  # fmt: skip
events = st.builds(
    Event, st.sampled_from("abc"), st.sampled_from(["pulse", "ramp"]), st.just("voice_of_regions"),
    st.integers(2020 * 8, 2045 * 8).map(lambda each: each / 8), st.integers(1, 24).map(lambda each: each / 8),
    factor=st.floats(0, 1),
)  # fmt: skip


@settings(max_examples=40)
@given(paths, st.lists(events, max_size=3, unique_by=lambda each: each.id), st.none() | st.just(2.5))
def test_a_scenario_in_time_survives_the_way_through_a_file(tmp_path_factory, path, happens, ramp):
    expect = (Expectation("cluster trust", at_least=0.0, over=(2000.0, 2050.0)), Expectation("k", at_most=1.0, at=3.0))
    scenario = replace(R3, levers={**R3.levers, "voice_of_regions": path}, events=tuple(happens), ramp_years=ramp,
                       expect=expect, kpis=("patents_granted",), milestones=(2030, 2035), draws={"seed": 0},
                       because="")  # fmt: skip
    file = tmp_path_factory.mktemp("way") / "x.toml"
    file.write_text(scenario_text(scenario), encoding="utf-8")
    again = read_scenario(file, PARAMETERS)
    assert again.hash == scenario.hash
    assert again == replace(scenario, path=again.path)


@given(paths, st.floats(2010, 2055))
def test_a_path_never_leaves_the_span_of_its_values(path, year):
    values = [value for _, value in path.points]
    assert min(values) <= path.at(year) <= max(values)
    assert between(path.corners, path.points[-1][0] + GRID) == values[-1]


def test_a_child_says_of_a_lever_all_over_again_and_adds_its_events(tmp_path):
    (tmp_path / "parent.toml").write_text(
        HEAD.replace('extends = "r3_alliance"\n', "")
        + "[levers.agenda_power]\npoints = [{year = 2027, value = 0.2}]\n"
        + "[[events]]\nid = 'a'\nkind = 'step'\ntarget = 'agenda_power'\nyear = 2030\nfactor = 0.5\n",
        encoding="utf-8",
    )
    child = tmp_path / "child.toml"
    child.write_text(
        HEAD.replace("r3_alliance", "parent")
        + "[levers]\nagenda_power = 0.4\n"
        + "[[events]]\nid = 'b'\nkind = 'step'\ntarget = 'agenda_power'\nyear = 2030\nfactor = 0.5\n",
        encoding="utf-8",
    )
    found = read_scenario(child)
    assert found.levers == {"agenda_power": 0.4}
    assert [each.id for each in found.events] == ["a", "b"]


def test_what_was_expected_in_vain_is_told_with_line_and_year(model, plain, tmp_path):
    file = tmp_path / "x.toml"
    file.write_text(HEAD + "[[expect]]\nvariable = 'federal appropriation'\nbetween = [0, 0.6]\n"
                    "[[expect]]\nvariable = 'policy phase'\nat_most = 0.5\n"
                    "[[expect]]\nvariable = 'policy phase'\nat_least = 1\nover = [2027, 2050]\n"
                    "[[expect]]\nvariable = 'policy phase'\nat_least = 1\nat = 2060\n", encoding="utf-8")  # fmt: skip
    scenario = read_scenario(file)
    told = [str(each) for each in disappointed(plain, scenario.expect, scenario.places)]
    assert told == [
        f"{file}:10  `policy phase` is 1 in 2027. Expected: <= 0.5.",
        f"{file}:17  `policy phase` has no saved time from 2060 to 2060. Choose years of the run, or save more often "
        "with `saveper`.",
    ]


def test_a_model_without_the_lever_is_told_so():
    child = open_model("industrial_innovation")
    with pytest.raises(InputError, match="the model has no `policy_year`"):
        with_paths(child, with_lever("agenda_power", LeverPath(points=((2030.0, 0.5),))), PARAMETERS)


def test_the_scenario_of_the_documentation_runs_and_bears_out_what_it_expects(model, tmp_path):
    page = (Path(__file__).parents[1] / "docs" / "scenario.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    file = tmp_path / "x.toml"
    file.write_text(block, encoding="utf-8")
    scenario = read_scenario(file)
    assert scenario.in_time
    assert list(disappointed(run(model, scenario), scenario.expect, scenario.places)) == []
