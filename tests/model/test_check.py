"""What is certainly wrong with a model is said when it is read, all at once."""

from __future__ import annotations

import pytest
from vensim_texts import CONTROLS, read, refusal

from alliance_dynamics.errors import ModelError
from alliance_dynamics.model.vensim import read_vensim_text
from alliance_dynamics.simulate import run_model

D = "D: p, q ~~|\n"


@pytest.mark.parametrize(
    ("equations", "messages"),
    [
        ("Skilled staff = 3 ~~|\ny = Skiled staff ~~|", ["`Skiled staff` in `y`", "`Skilled staff` (line 1)?"]),
        ("k = 1 ~~|\nK = 2 ~~|", ["model.mdl:2", "defined twice", "line 1"]),
        ("a b = 1 ~~|\na_B = 2 ~~|", ["defined twice"]),
        ("time = 1 ~~|", ["the name of time itself"]),
        (D + "x[D] = 1 ~~|\nx[p] = 2 ~~|", ["`x[p]` is defined twice"]),
        (D + "x[Nope] = 1 ~~|", ["The subscript `Nope` of `x` is not defined"]),
        (D + "x[D] = 1 ~~|\ny = x[r] ~~|", ["The subscript `r` of `x` in `y`"]),
        (D + "x[D] = 1 ~~|\ny = x[p,q] ~~|", ["with 2 subscript(s)", "Expected 1"]),
        (D + "x[D] = 1 ~~|\ny = x ~~|", ["with 0 subscript(s)"]),
        (D + "E: u, v ~~|\nx[p,u] = 1 ~~|\nx[q,v] = 1 ~~|", ["has no equation for [p,v], [q,u]"]),
        ("a = b ~~|\nb = a ~~|", ["in every step", "a (line 1) -> b (line 2) -> a (line 1)"]),
        ("a = a + 1 ~~|", ["a (line 1) -> a (line 1)"]),
        ("s = INTEG(1, a) ~~|\na = 2 * s ~~|", ["at the start", "s (line 1) -> a (line 2)"]),
        ("a = SMOOTH(b, 2) ~~|\nb = a ~~|", ["at the start"]),
        ("a = 1 / 0 ~~|", ["`a` divides by 0"]),
        ("a = LN(0) ~~|", ["logarithm of 0.0"]),
        ("a = SQRT(-1) ~~|", ["square root of -1.0"]),
    ],
)
def test_a_fault_of_the_model_is_named(equations, messages):
    text = refusal(equations)
    assert all(each in text for each in messages), text


@pytest.mark.parametrize(
    "equations",
    [
        "s = INTEG(a, 1) ~~|\na = s ~~|",
        "a = SMOOTHI(b, 2, 1) ~~|\nb = a ~~|",
        "a = DELAY FIXED(b, 2, 1) ~~|\nb = a ~~|",
        "a = ACTIVE INITIAL(SMOOTHI(a, 2, 1), 1) ~~|",
    ],
)
def test_a_loop_through_a_stock_or_a_delay_is_none(equations):
    read(equations)


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        ({"TIME STEP": "0"}, "TIME STEP is 0. Expected a number above 0"),
        ({"TIME STEP": "-1"}, "TIME STEP is -1"),
        ({"TIME STEP": "k - 5"}, "TIME STEP is 0"),
        ({"TIME STEP": "1/(k - 5)"}, "TIME STEP cannot be computed"),
        ({"TIME STEP": "1e-9"}, "makes 1e+10 steps. At most 1e+08"),
        ({"TIME STEP": "11"}, "longer than the whole run of 10"),
        ({"FINAL TIME": "-1"}, "before the start at 0"),
        ({"FINAL TIME": "s"}, "FINAL TIME depends on `s`"),
        ({"FINAL TIME": "k * Time"}, "FINAL TIME depends on `time`"),
        ({"SAVEPER": "0"}, "SAVEPER is 0"),
    ],
)
def test_an_impossible_time_axis_is_refused_before_any_step(controls, message):
    values = {"INITIAL TIME": "0", "FINAL TIME": "10", "TIME STEP": "1", "SAVEPER": "1", **controls}
    text = "k = 5 ~~|\ns = INTEG(1, 0) ~~|\n" + "".join(f"{name} = {value} ~~|\n" for name, value in values.items())
    with pytest.raises(ModelError) as caught:
        read_vensim_text(text, "m.mdl")
    assert message in str(caught.value)


def test_odd_time_axes_and_look_alike_names_are_noticed():
    model = read_vensim_text(
        "pop = 1 ~~|\nрор = 2 ~~|\nстaль = 3 ~~|\nсталь и steel = 4 ~~|\n" + CONTROLS.replace("STEP = 1", "STEP = 0.3")
    ).model
    assert "`рор` (line 2) and `pop` (line 1)" in model.notices[0]
    assert "`стaль`" in model.notices[1]
    assert len(model.notices) == 2
    odd = [each for each in run_model(model, saveper=0.3).notices if "0.3" in each]
    assert odd == ["dt = 0.3 does not divide the span: the last time is 9.9, not 10"]  # once, by the run


def test_a_single_moment_is_a_time_axis():
    text = "a = 1 ~~|\nINITIAL TIME = 0 ~~|\nFINAL TIME = INITIAL TIME ~~|\nTIME STEP = 1 ~~|\nSAVEPER = 1 ~~|"
    assert read_vensim_text(text).model.notices == ()


def test_size_has_a_limit():
    text = refusal("D: (a1-a9000) ~~|\nE: (b1-b9000) ~~|\nx[D,E] = 1 ~~|")
    assert "`x` has 81000000 elements. At most 200000 are run" in text
