"""A failed run is repeated to name the variable that went wrong first."""

from __future__ import annotations

import numpy as np
import pytest
from graphs import Build

from alliance_dynamics.kernel.integrate import Schedule
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.kernel.replay import replay


def depletion() -> Program:
    """A stock emptied at rate k; the root of what is left feeds another stock."""
    b = Build(k=1.0)
    left = b.state("left", 3.0)
    b.rate("left", b.g("neg", b.g.p("k")))
    root = b.g("sqrt", left)
    flow = b.g("mul", 2.0, root)
    safe = b.g("select", b.g("lt", left, 0.0), 0.0, flow)
    b.state("made", 0.0)
    b.rate("made", flow)
    b.state("kept", 0.0)
    b.rate("kept", safe)
    return b.program(root=root, flow=flow, safe=safe)


@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_the_first_variable_is_named_with_time_value_and_inputs(method):
    failure = replay(depletion(), np.array([1.0]), Schedule(0.0, 0.5, 20), method=method)
    assert failure is not None
    assert (failure.name, failure.time, failure.step) == ("root", *{"euler": (3.5, 7), "rk4": (3.25, 6)}[method])
    assert np.isnan(failure.value)
    assert failure.arguments == (("left", 3.0 - failure.time),)


def test_an_arm_not_taken_is_no_failure():
    assert replay(depletion(), np.array([1.0]), Schedule(0.0, 0.5, 20), outputs=["kept"]) is None
    assert replay(depletion(), np.array([0.1]), Schedule(0.0, 0.5, 20)) is None


def test_an_overflow_is_named_by_its_stock():
    b = Build(k=1e200)
    s = b.state("s", 1.0)
    b.rate("s", b.g("mul", b.g.p("k"), s))
    failure = replay(b.program(), np.array([1e200]), Schedule(0.0, 1.0, 9), method="euler")
    assert failure is not None
    assert (failure.name, failure.value) == ("s", np.inf)


def test_an_initial_value_that_is_not_finite_is_named():
    b = Build(k=-1.0)
    root = b.start("sqrt", b.start.p("k"))
    s = b.state("s", 0.0)
    b.states[0] = type(b.states[0])("s", "integrated", root, s)
    failure = replay(b.program(), np.array([-1.0]), Schedule(0.0, 1.0, 9))
    assert failure is not None
    assert (failure.name, failure.time, failure.arguments) == ("s", 0.0, (("k", -1.0),))


def test_an_output_that_no_state_needs_is_found_at_its_save():
    b = Build(k=4.0)
    b.state("s", 0.0)
    b.rate("s", b.g.const(1.0))
    gap = b.g("sub", b.g.p("k"), 0)
    program = b.program(gap=gap, inverse=b.g("div", 1.0, gap))
    failure = replay(program, np.array([4.0]), Schedule(0.0, 1.0, 9, 2))
    assert failure is not None
    assert (failure.name, failure.time, failure.value) == ("inverse", 4.0, np.inf)
    assert failure.arguments == (("gap", 0.0),)
