"""What a run changes: constants, initial values, lookups, each for that run alone."""

from __future__ import annotations

import numpy as np
import pytest

from alliance_dynamics.cli import main
from alliance_dynamics.errors import UsageError
from alliance_dynamics.kernel.flatten import initial_name
from alliance_dynamics.kernel.integrate import compile_kernel
from alliance_dynamics.model.model import Model
from alliance_dynamics.model.vensim import read_vensim_text
from alliance_dynamics.overrides import program_with
from alliance_dynamics.parameters import NO_PARAMETERS
from alliance_dynamics.scenario_text import scenario_text
from alliance_dynamics.scenarios import read_scenario
from alliance_dynamics.settings import schedule_of
from alliance_dynamics.simulate import Run, run_model

TEXT = """{UTF-8}
R: north, south ~~|
rate = 0.1 ~~|
S = INTEG(-rate * S + effect(Time), 10) ~~|
twin = INTEG(0, S) ~~|
started at = INITIAL(S) ~~|
level[R] = INTEG(-level[R], base[R]) ~~|
base[north] = 1 ~~|
base[south] = 2 ~~|
effect((0,0),(10,0)) ~~|
shape[north]((0,0),(1,1)) ~~|
shape[south]((0,0),(1,2)) ~~|
shaped[R] = shape[R](Time / 10) ~~|
order = 1 ~~|
late = DELAY N(STEP(1, 1), 4, 0, order) ~~|
INITIAL TIME = 0 ~~|
FINAL TIME = 10 ~~|
TIME STEP = 0.125 ~~|
SAVEPER = 1 ~~|
"""


@pytest.fixture(scope="module")
def model() -> Model:
    return read_vensim_text(TEXT, "m.mdl").model


def series(run: Run, name: str) -> np.ndarray:
    return run.values[:, run.columns.index(name)]


def test_an_initial_value_starts_the_stock_and_all_that_begins_with_it(model):
    run = run_model(model, method="rk4", set={"S": 4})
    np.testing.assert_allclose(series(run, "S"), 4 * np.exp(-0.1 * run.times), rtol=1e-9)
    assert series(run, "twin")[0] == series(run, "started at")[0] == 4
    assert run.columns == run_model(model).columns


def test_an_initial_value_of_one_element_leaves_the_others(model):
    run = run_model(model, set={"level[south]": 7})
    assert (series(run, "level[north]")[0], series(run, "level[south]")[0]) == (1, 7)
    assert series(run_model(model, set={"level": 7}), "level[north]")[0] == 7


def test_points_of_a_lookup_are_used_as_if_they_stood_in_the_file(model):
    changed = read_vensim_text(TEXT.replace("effect((0,0),(10,0))", "effect((0,1),(10,3))"), "m.mdl").model
    run = run_model(model, set={"effect": [(0, 1), (10, 3)]})
    np.testing.assert_array_equal(run.values, run_model(changed).values)
    one = run_model(model, set={"shape[north]": [(0, 5), (1, 5)]})
    assert series(one, "shaped[north]")[-1] == 5 and series(one, "shaped[south]")[-1] == 2


def test_a_constant_that_builds_the_model_builds_it_anew(model):
    changed = read_vensim_text(TEXT.replace("order = 1", "order = 3"), "m.mdl").model
    run = run_model(model, set={"order": 3})
    np.testing.assert_array_equal(run.values, run_model(changed).values)
    assert not np.array_equal(series(run, "late"), series(run_model(model), "late"))


@pytest.mark.parametrize("other", [{"S": 3}, {"effect": [(0, 1), (9, 0)]}, {"rate": 0.5}, {"order": 2}])
def test_a_run_leaves_nothing_behind_for_the_next(model, other):
    first, between, again = run_model(model), run_model(model, set=other), run_model(model)
    assert first.values.tobytes() == again.values.tobytes() != between.values.tobytes()
    assert run_model(model, set=other).values.tobytes() == between.values.tobytes()


@pytest.mark.parametrize("backend", ["llvm", "numpy"])
def test_initial_values_are_data_of_each_run_whatever_the_threads_and_chunks(model, backend):
    program, row = program_with(model, {"S": 4, "effect": [(0, 1), (10, 3)]})
    kernel = compile_kernel(program, list(program.outputs), backend=backend)
    schedule, _ = schedule_of(program, row)
    rows = np.repeat(row[None, :], 37, axis=0)
    rows[:, program.parameter_index[initial_name("s")]] = np.arange(37)
    whole = kernel.run(rows, schedule).values
    np.testing.assert_array_equal(whole, kernel.run(rows, schedule, threads=3).values)
    alone = [kernel.run(rows[i : i + 1], schedule, first_run=i).values[0] for i in (0, 5, 36)]
    np.testing.assert_array_equal(whole[[0, 5, 36]], alone)
    assert whole[:, 0, kernel.outputs.index("s")].tolist() == list(range(37))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"efect": [(0, 1), (1, 2)]}, "Did you mean `effect`"),
        ({"effect": 3.0}, "takes points"),
        ({"rate": [(0, 1), (1, 2)]}, "takes a number"),
        ({"S": [(0, 1), (1, 2)]}, "takes a number"),
        ({"S": float("nan")}, "not a finite number"),
        ({"effect": [(0, 1)]}, "At least two points"),
        ({"effect": [(0, 1), (0, 2)]}, "not above the x before"),
        ({"effect": [(0, 1), (1, float("inf"))]}, "point 2"),
        ({"level[west]": 3}, "One of level[north], level[south]"),
        ({"shape[west]": [(0, 1), (1, 2)]}, "One of shape[north], shape[south]"),
        ({"shaped": 3}, "not a constant"),
    ],
)
def test_wrong_changes_are_refused_with_what_is_right(model, change, words):
    with pytest.raises(UsageError) as caught:
        run_model(model, set=change)
    assert words in str(caught.value)


def test_the_command_and_a_scenario_change_the_same(tmp_path, capsys):
    mdl, toml = tmp_path / "m.mdl", tmp_path / "s.toml"
    mdl.write_text(TEXT, encoding="utf-8")
    toml.write_text(
        '[scenario]\nname = "s"\n[parameters]\nS = 4\neffect = [[0, 1], [10, 3]]\nshape = {north = [[0, 5], [1, 5]]}\n',
        encoding="utf-8",
    )
    assert main(["run", str(mdl), str(toml)]) == 0
    of_file = capsys.readouterr()
    options = ["--set", "S=4", "--set", "effect=(0,1),(10,3)", "--set", "shape[north]=(0,5), (1,5)"]
    assert main(["run", str(mdl), *options]) == 0
    assert capsys.readouterr().out == of_file.out
    assert "`s` is a stock: its initial value was set" in of_file.err
    scenario = read_scenario(toml, NO_PARAMETERS)
    toml.write_text(scenario_text(scenario), encoding="utf-8")
    assert read_scenario(toml, NO_PARAMETERS).constants == scenario.constants


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("efect = [[0, 1], [1, 2]]", "s.toml:4  `efect` is not a variable of this model"),
        ("effect = [[0, 1], [1]]", "s.toml:4  `parameters.effect` is [[0, 1], [1]]"),
        ('effect = [[0, 1], [1, "x"]]', "s.toml:4  `parameters.effect"),
        ("effect = [[1, 1], [0, 2]]", "s.toml:4  point 2 of `effect` has x = 0"),
    ],
)
def test_wrong_points_of_a_scenario_are_told_with_file_and_line(tmp_path, capsys, line, words):
    mdl, toml = tmp_path / "m.mdl", tmp_path / "s.toml"
    mdl.write_text(TEXT, encoding="utf-8")
    toml.write_text(f'[scenario]\nname = "s"\n[parameters]\n{line}\n', encoding="utf-8")
    assert main(["run", str(mdl), str(toml)]) == 3
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("text", ["effect=(0,1),(2)", "effect=(0,1", "effect=(0,1),(2,x)"])
def test_what_is_no_list_of_points_is_refused(tmp_path, capsys, text):
    mdl = tmp_path / "m.mdl"
    mdl.write_text(TEXT, encoding="utf-8")
    assert main(["run", str(mdl), "--set", text]) == 2
    assert "--set" in capsys.readouterr().err
