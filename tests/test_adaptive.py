"""The adaptive method against closed forms, published numbers, events of time, and what it cannot do."""

from __future__ import annotations

import json
from math import exp
from pathlib import Path

import numpy as np
import pytest

from alliance_dynamics.cli import main
from alliance_dynamics.errors import RunError, UnsupportedError, UsageError
from alliance_dynamics.model.vensim import read_vensim_text
from alliance_dynamics.simulate import Run, run_model

ANCHORS = Path(__file__).parents[1].parent / "shared" / "data" / "numeric_anchors.json"
CONTROLS = "INITIAL TIME = 0 ~~|\nFINAL TIME = {stop} ~~|\nTIME STEP = 0.5 ~~|\nSAVEPER = {save} ~~|\n"
LOGISTIC = "P = INTEG(0.3 * P * (1 - P / 100), 5) ~~|\n"


def run(text: str, *, stop: float = 10, save: float = 0.5, **settings) -> Run:
    source = "{UTF-8}\n" + text + CONTROLS.format(stop=stop, save=save)
    return run_model(read_vensim_text(source, "m.mdl").model, method="adaptive", **settings)


def of(found: Run, name: str) -> np.ndarray:
    return found.values[:, found.columns.index(name)]


@pytest.mark.parametrize("backend", ["llvm", "numpy"])
def test_the_logistic_is_met_to_the_tolerance(backend):
    found = run(LOGISTIC, stop=40, backend=backend)
    np.testing.assert_allclose(of(found, "P"), 100 / (1 + 19 * np.exp(-0.3 * found.times)), rtol=1e-7)
    assert found.method == "adaptive"
    assert of(found, "TIME STEP").tolist() == [0.5] * 81


def test_a_smaller_tolerance_gives_a_smaller_error():
    exact = 100 / (1 + 19 * exp(-3.0))
    errors = [abs(of(run(LOGISTIC, tolerance=each), "P")[-1] - exact) for each in (1e-4, 1e-7, 1e-11)]
    assert errors[0] > errors[1] > errors[2] and errors[2] < 1e-9


@pytest.mark.skipif(not ANCHORS.is_file(), reason="needs ../shared/data")
def test_published_numbers_are_met():
    anchors = json.loads(ANCHORS.read_text(encoding="utf-8"))
    logistic = anchors["logistic r=.3 K=100 P0=5"]
    found = of(run(LOGISTIC, stop=40, save=10), "P")
    np.testing.assert_allclose(found[[1, 2, 4]], [logistic[f"P({t})"] for t in (10, 20, 40)], rtol=1e-8)
    decay = of(run("S = INTEG(-0.2 * S, 100) ~~|\n"), "S")[-1]
    assert decay == pytest.approx(anchors["decay k=.2 S0=100 t=10"]["exact"], rel=1e-8)
    hunt = run("x = INTEG(1.1*x - 0.4*x*y, 10) ~~|\ny = INTEG(0.1*x*y - 0.4*y, 10) ~~|\n", stop=50, tolerance=1e-11)
    wanted = anchors["lotka-volterra a1.1 b.4 c.4 d.1 y0=(10,10)"]["y(50)"]
    np.testing.assert_allclose([of(hunt, "x")[-1], of(hunt, "y")[-1]], wanted, rtol=1e-7)


def test_steps_pulses_ramps_and_lookups_over_time_are_met_where_they_fall():
    found = run(
        "a = INTEG(STEP(2, 3.3), 0) ~~|\nb = INTEG(PULSE(1.7, 0.9), 0) ~~|\nc = INTEG(RAMP(1, 2.2, 5.1), 0) ~~|\n"
        "table((0,0),(2.3,4.6),(4.1,0),(10,0)) ~~|\nd = INTEG(table(Time), 0) ~~|\n"
        "e = INTEG(PULSE TRAIN(1.1, 0.3, 2.05, 20), 0) ~~|\nf = INTEG(IF THEN ELSE(Time < 4.7, 1, -1), 0) ~~|\n"
        "g = INTEG(-g + STEP(1, 3.3), 1) ~~|\n"
    )
    t = found.times
    assert of(found, "a") == pytest.approx(2 * np.maximum(t - 3.3, 0), abs=1e-12)
    assert of(found, "b") == pytest.approx(np.clip(t - 1.7, 0, 0.9), abs=1e-12)
    assert of(found, "c")[-1] == pytest.approx(2.9**2 / 2 + 4.9 * 2.9, rel=1e-10)
    assert of(found, "d")[-1] == pytest.approx(4.1 * 4.6 / 2, rel=1e-10)
    assert of(found, "e")[-1] == pytest.approx(5 * 0.3, rel=1e-10)
    assert of(found, "f")[-1] == pytest.approx(4.7 - 5.3, rel=1e-10)
    late = np.maximum(t - 3.3, 0)
    np.testing.assert_allclose(of(found, "g"), np.exp(-t) + 1 - np.exp(-late), rtol=1e-7)


def test_what_is_shown_at_the_time_of_a_step_is_what_a_fixed_step_shows():
    text = "a = STEP(2, 3) ~~|\nx = INTEG(a, 0) ~~|\n"
    source = "{UTF-8}\n" + text + CONTROLS.format(stop=10, save=0.5)
    fixed = run_model(read_vensim_text(source, "m.mdl").model, method="rk4")
    np.testing.assert_allclose(run(text).values, fixed.values, rtol=1e-12, atol=1e-12)


def test_initial_values_and_material_delays_are_carried():
    found = run("out = DELAY3(STEP(1, 2), 3) ~~|\nbegan = INITIAL(y) ~~|\ny = INTEG(began, 2) ~~|\n", stop=8)
    u = np.maximum(found.times - 2, 0.0)
    np.testing.assert_allclose(of(found, "out"), 1 - np.exp(-u) * (1 + u + u**2 / 2), atol=1e-8)
    np.testing.assert_allclose(of(found, "y"), 2 + 2 * found.times, rtol=1e-10)


@pytest.mark.parametrize(
    ("equation", "why"),
    [
        ("x = DELAY FIXED(Time, 2, 0) ~~|\n", "memory"),
        ("x = SAMPLE IF TRUE(Time > 3, Time, 0) ~~|\n", "memory"),
        ("x = RANDOM UNIFORM(0, 1, 0) ~~|\n", "noise"),
        ("x = INTEG(PULSE(3, 0), 0) ~~|\n", "pulse of one time step"),
        ("x = INTEG(TIME STEP, 0) ~~|\n", "TIME STEP"),
    ],
)
def test_what_has_no_continuous_time_is_refused_by_name_and_line(equation, why):
    with pytest.raises(UnsupportedError) as caught:
        run("k = 1 ~~|\n" + equation)
    assert "m.mdl:3  `x` " in str(caught.value) and why in str(caught.value)


def test_a_solution_that_ends_is_told_with_its_time():
    with pytest.raises(RunError, match=r"after time|became"):
        run("x = INTEG(x * x, 1) ~~|\n", stop=2)


@pytest.mark.parametrize("settings", [{"tolerance": 1.0}, {"tolerance": 1e-15}, {"error": True}])
def test_wrong_settings_are_refused(settings):
    with pytest.raises(UsageError):
        run(LOGISTIC, **settings)


def test_the_command_runs_it_and_refuses_a_tolerance_elsewhere(tmp_path, capsys):
    path = tmp_path / "m.mdl"
    path.write_text("{UTF-8}\n" + LOGISTIC + CONTROLS.format(stop=10, save=10), encoding="utf-8")
    assert main(["run", str(path), "--method", "adaptive", "--tolerance", "1e-10"]) == 0
    head, _, last = capsys.readouterr().out.splitlines()
    value = float(last.split(",")[head.split(",").index("P")])
    assert value == pytest.approx(100 / (1 + 19 * exp(-3.0)), rel=1e-9)
    assert main(["run", str(path), "--tolerance", "1e-10"]) == 2
    assert "adaptive" in capsys.readouterr().err
