"""The error of the time step: estimates against exact solutions, and what limits them said by name."""

from __future__ import annotations

import json
from math import exp

import numpy as np
import pytest

from alliance_dynamics.cli import main
from alliance_dynamics.model.vensim import read_vensim_text
from alliance_dynamics.simulate import run_model
from alliance_dynamics.step_error import OutputError, StepError, outputs_of

LOGISTIC = "r = 0.3 ~~|\nP = INTEG(r * P * (1 - P / 100), 5) ~~|\n"
CONTROLS = "INITIAL TIME = 0 ~~|\nFINAL TIME = 20 ~~|\nTIME STEP = 0.5 ~~|\nSAVEPER = TIME STEP ~~|\n"


def error_of(text: str, **settings) -> StepError:
    model = read_vensim_text("{UTF-8}\n" + text + CONTROLS, "m.mdl").model
    found = run_model(model, error=True, **settings).error
    assert found is not None
    return found


def of(error: StepError, name: str) -> OutputError:
    return next(each for each in error.outputs if each.name == name)


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("rk2", 2), ("rk4", 4)])
def test_the_estimate_is_the_distance_to_the_exact_logistic(method, order):
    found = of(error_of(LOGISTIC, method=method), "P")
    assert found.order == pytest.approx(order, abs=0.15)
    model = read_vensim_text("{UTF-8}\n" + LOGISTIC + CONTROLS, "m.mdl").model
    run = run_model(model, method=method)
    exact = 100 / (1 + 19 * np.exp(-0.3 * run.times))
    true = np.abs(run.values[:, run.columns.index("P")] - exact).max() / exact.max()
    assert found.estimate == pytest.approx(true, rel=0.05)
    assert 100 / (1 + 19 * exp(-6)) == pytest.approx(exact[-1], rel=1e-14)


def test_a_run_without_error_of_its_step_has_no_order():
    found = of(error_of("x = INTEG(2, 1) ~~|\n", method="rk4"), "x")
    assert (found.difference, found.order, found.estimate) == (0.0, None, 0.0)


def test_a_kink_caps_the_order_and_is_told():
    error = error_of("x = INTEG(MIN(1, EXP(Time - 7.3)), 0) ~~|\n", method="rk4")
    order = of(error, "x").order
    assert order is not None and order < 3.5
    assert any("Kinks" in note and "`x`" in note for note in error.notes)
    assert not error_of(LOGISTIC, method="rk4").notes


@pytest.mark.parametrize(
    ("equation", "words"),
    [
        ("x = DELAY FIXED(Time, 2, 0) ~~|\n", "The memory of `x`"),
        ("x = SAMPLE IF TRUE(Time > 3, Time, 0) ~~|\n", "The memory of `x`"),
        ("x = INTEG(PULSE(3, 0), 0) ~~|\n", "Pulses in `x`"),
        ("x = INTEG(RANDOM UNIFORM(0, 1, 0), 0) ~~|\n", "Noise in `x`"),
        ("x = INTEG(STEP(1, 3), 0) ~~|\n", "STEP and RAMP in `x`"),
        ("x = INTEG(TIME STEP, 0) ~~|\n", "`x` is computed from TIME STEP"),
    ],
)
def test_what_depends_on_the_step_itself_is_named(equation, words):
    assert any(note.startswith(words) for note in error_of(equation).notes)


def test_runs_that_do_not_come_together_get_no_estimate():
    one, two, three = (np.array([[value]]) for value in (1.0, 2.0, 3.0))
    (found,) = outputs_of(("x",), one, two, three)
    assert found.estimate is None and found.order == pytest.approx(0.0)


def test_saved_times_stay_those_of_the_run():
    text = LOGISTIC + "INITIAL TIME = 0 ~~|\nFINAL TIME = 20 ~~|\nTIME STEP = 0.5 ~~|\nSAVEPER = 5 ~~|\n"
    run = run_model(read_vensim_text("{UTF-8}\n" + text, "m.mdl").model, error=True)
    assert run.times.tolist() == [0, 5, 10, 15, 20]
    assert run.error is not None and run.error.dt == 0.5


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_command_prints_a_table_and_writes_the_rows(tmp_path, capsys, language):
    path, rows = tmp_path / "m.mdl", tmp_path / "rows.csv"
    path.write_text("{UTF-8}\n" + LOGISTIC + "x = INTEG(STEP(1, 3), 0) ~~|\n" + CONTROLS, encoding="utf-8")
    assert main(["--lang", language, "run", str(path), "--error", "--out", str(rows)]) == 0
    shown = capsys.readouterr()
    assert ("порядок" if language == "ru" else "order") in shown.out
    assert ("постоянны в пределах шага" if language == "ru" else "held for a step") in shown.err
    assert rows.read_text(encoding="utf-8").count("\n") == 42


def test_json_holds_every_output(tmp_path, capsys):
    path = tmp_path / "m.mdl"
    path.write_text("{UTF-8}\n" + LOGISTIC + CONTROLS, encoding="utf-8")
    assert main(["run", str(path), "--error", "--json"]) == 0
    error = json.loads(capsys.readouterr().out)["results"]["error"]
    assert error["method"] == "euler" and error["dt"] == 0.5
    row = next(each for each in error["outputs"] if each["name"] == "P")
    assert row["order"] == pytest.approx(1, abs=0.15) and row["estimate"] > row["difference"] > 0
