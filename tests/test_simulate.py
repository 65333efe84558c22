"""A run names its columns, takes its changes and tells its failures by the names that the modeller wrote."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from alliance_dynamics.errors import AllianceError, ModelError, RunError, UsageError
from alliance_dynamics.kernel.jit import obstacle
from alliance_dynamics.model.model import Model
from alliance_dynamics.model.vensim import read_vensim_text
from alliance_dynamics.settings import FlatNames
from alliance_dynamics.simulate import program_of, run_model

CONTROLS = """
INITIAL TIME = 0 ~~|
FINAL TIME = 4 ~~|
TIME STEP = 0.5 ~~|
SAVEPER = 1 ~~|
"""
ODD_NAMES = """
R: a, b ~~|
"C# x" = 2 ~~|
"C# y" = "C# x" * 2 ~~|
"C" = 7 ~~|
"price [$]" = 3 ~~|
"price [$] of"[R] = 3, 4 ~~|
"s [a]" = 5 ~~|
s[R] = 6, 7 ~~|
z = SMOOTH("C# y" * Time + "s [a]", "C# x") ~~|
"z#1" = DELAY FIXED(z, "C# x", 0) ~~|
"""
DECAY = """
rate = 0.3 ~~|
level = INTEG(-rate * level, 7) ~~|
"""
WRONG_LATER = """
base = 3 ~~|
My level[R] = INTEG(-1 / SQRT(base - Time), 1) ~~|
R: north, south ~~|
"""


def model_of(text: str, controls: str = CONTROLS) -> Model:
    return read_vensim_text("{UTF-8}\n" + text + controls, "m.mdl").model


def value(model: Model, column: str, **settings) -> float:
    run = run_model(model, **settings)
    return float(run.values[-1, run.columns.index(column)])


def test_names_with_hash_signs_and_brackets_keep_labels_of_their_own():
    columns = run_model(model_of(ODD_NAMES)).columns
    assert columns[:11] == (
        "C# x", "C# y", "C", "price [$]", "price [$] of[a]", "price [$] of[b]", "s [a]", "s[a]", "s[b]", "z", "z#1",
    )  # fmt: skip
    assert len(set(columns)) == len(columns)


def test_every_hidden_quantity_is_labelled_as_the_variable_that_it_serves():
    model = model_of(ODD_NAMES)
    names = FlatNames(model)
    hidden = [state.name for state in program_of(model).states]
    assert {names.label(each) for each in hidden} == {"z"}


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("C# x", "C# x"),
        ('"c#_X"', "C# x"),
        ("price [$]", "price [$]"),
        ("price [$] of[b]", "price [$] of[b]"),
        ("price [$] of", "price [$] of[a]"),
        ("s [a]", "s [a]"),
        ("S[A]", "s[a]"),
    ],
)
def test_a_constant_is_set_by_its_name_whatever_signs_it_holds(name, column):
    model = model_of(ODD_NAMES)
    before, after = run_model(model, saveper=4), run_model(model, saveper=4, set={name: 1.5})
    changed = {each for i, each in enumerate(after.columns) if after.values[0, i] != before.values[0, i]}
    assert value(model, column, set={name: 1.5}) == 1.5
    assert column in changed and not changed - {column, "C# y", "z", "price [$] of[b]"}


@pytest.mark.parametrize("name", ["price [$] of[x]", "C# x[a]", "C# yy", "z", "price [$", "s[a,b]", "s[]"])
def test_a_change_of_what_is_no_constant_is_refused_by_name(name):
    with pytest.raises(UsageError) as caught:
        run_model(model_of(ODD_NAMES), set={name: 1.0})
    assert name in str(caught.value)


def test_all_wrong_changes_are_told_at_once():
    with pytest.raises(UsageError) as caught:
        run_model(model_of(ODD_NAMES), set={"nothing": 1.0, "z": 2.0, "C": float("nan")})
    assert len(caught.value.faults) == 3


def test_two_variables_with_one_full_name_are_refused():
    model = model_of('R: a ~~|\n"s[a]" = 5 ~~|\ns[R] = 6 ~~|\n')
    with pytest.raises(ModelError, match="same full name"):
        run_model(model)


@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_a_failure_names_variable_time_and_draw_and_what_it_came_from(method):
    with pytest.raises(RunError) as caught:
        run_model(model_of(WRONG_LATER), method=method)
    message = str(caught.value)
    assert "`My level[north]`" in message and "draw 0" in message
    assert "time 3" in message and "base = 3" in message


def test_a_harmless_variable_without_a_value_stops_a_run_that_shows_everything():
    with pytest.raises(RunError, match=r"time 0: `share` became"):
        run_model(model_of("a = 0 ~~|\nshare = a / a ~~|\nlevel = INTEG(1, 0) ~~|\n"))


def test_time_controls_can_be_set_and_saveper_follows_a_file_that_says_so():
    model = model_of("x = INTEG(1, 0) ~~|\n", CONTROLS.replace("SAVEPER = 1", "SAVEPER = TIME STEP"))
    run = run_model(model, start=1, stop=3, dt=0.25, method="rk4")
    np.testing.assert_allclose(run.times, np.arange(1, 3.1, 0.25))
    np.testing.assert_allclose(run.values[:, run.columns.index("x")], run.times - 1)
    assert (run.method, run.dt) == ("rk4", 0.25)


def test_the_same_seed_gives_the_same_draws_and_another_seed_others():
    model = model_of("x = RANDOM UNIFORM(0, 1, 0) ~~|\n")
    first, again, other = (run_model(model, seed=seed).values for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"saveper": 0.7}, "Use 0.5 or 1"),
        ({"dt": 0.0}, "TIME STEP is 0"),
        ({"stop": -1.0}, "FINAL TIME is -1"),
        ({"dt": 1e-9}, "At most"),
    ],
)
def test_impossible_time_axes_are_refused_with_a_remedy(settings, words):
    with pytest.raises(AllianceError, match=words):
        run_model(model_of("x = 1 ~~|\n"), **settings)


def test_a_step_that_does_not_divide_the_span_is_told():
    run = run_model(model_of("x = 1 ~~|\n"), dt=0.75, saveper=0.75)
    assert any("does not divide" in each for each in run.notices)
    assert run.times[-1] == 3.75


def test_no_file_is_written_by_a_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_model(model_of("x = 1 ~~|\n"))
    assert not list(Path(tmp_path).iterdir())


@pytest.mark.parametrize("backend", ["llvm", "numpy"])
@pytest.mark.parametrize(("dt", "steps"), [(0.1, 1000), (1 / 3, 300), (0.0078125, 12800)])
def test_the_time_axis_does_not_drift(dt, steps, backend):
    model = model_of(
        "now = Time ~~|\nlevel = INTEG(1, 0) ~~|\n", CONTROLS.replace("FINAL TIME = 4", "FINAL TIME = 2100")
    )
    run = run_model(model, dt=dt, saveper=10 * dt, start=2000, stop=2100, method="euler", backend=backend)
    wanted = 2000 + np.arange(0, steps + 1, 10) * dt
    assert run.times.tolist() == wanted.tolist() == run.values[:, run.columns.index("now")].tolist()
    assert run.times[-1] == pytest.approx(2100, abs=1e-12 * 2100)
    assert run.notices == ()


def test_method_and_saved_times_come_from_the_file_and_yield_to_the_call():
    model = model_of("x = INTEG(-x, 1) ~~|\n")
    run = run_model(model)
    assert (run.method, run.dt, run.times.tolist()) == ("euler", 0.5, [0, 1, 2, 3, 4])
    assert run.values[-1, 0] == 0.5**8
    run = run_model(model, method="rk4", dt=0.25, saveper=2)
    assert (run.method, run.dt, run.times.tolist()) == ("rk4", 0.25, [0, 2, 4])


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("rk2", 2), ("rk4", 4)])
def test_a_model_file_is_integrated_with_the_order_of_the_method(method, order):
    model = model_of("x = INTEG(-x * SIN(Time), 1) ~~|\n")
    exact = np.exp(np.cos(4.0) - 1)
    errors = [abs(value(model, "x", method=method, dt=dt, saveper=4) - exact) for dt in (0.125, 0.0625, 0.03125)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.25)
    assert np.log2(errors[1] / errors[2]) == pytest.approx(order, abs=0.15)


needs_llvm = pytest.mark.skipif(bool(obstacle()), reason=obstacle() or "LLVM runs")


@needs_llvm
def test_a_run_in_single_precision_says_so_and_agrees_to_six_digits():
    model = model_of(DECAY)
    double, single = (run_model(model, precision=precision) for precision in ("double", "single"))
    assert (double.precision, single.precision) == ("double", "single")
    assert [each for each in single.notices if "single precision" in each] and not double.notices
    np.testing.assert_allclose(single.values, double.values, rtol=1e-6)
    assert (single.values != double.values).any()


@needs_llvm
def test_what_single_precision_cannot_do_is_refused_by_name():
    with pytest.raises(UsageError, match="a fixed delay, counts steps"):
        run_model(model_of(ODD_NAMES), precision="single")
    for mixture in ({"error": True}, {"method": "adaptive"}):
        with pytest.raises(UsageError, match="below what single precision can tell apart"):
            run_model(model_of(DECAY), precision="single", **mixture)


@needs_llvm
def test_a_run_that_fails_in_single_precision_only_says_that():
    model = model_of("s = INTEG(1e30 * s, 1e20) ~~|")
    with pytest.raises(RunError, match="in double precision it does not"):
        run_model(model, precision="single", stop=0.5, saveper=0.5)
