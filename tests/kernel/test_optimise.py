"""What the optimiser writes, and where it leaves a value exactly as it is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from graphs import Build, Graph

from alliance_dynamics.kernel.integrate import Schedule, compile_kernel
from alliance_dynamics.kernel.optimise import optimise
from alliance_dynamics.kernel.program import Program


def kinds(program: Program, output: str = "y") -> list[str]:
    """The operations that an output needs, after optimising."""
    better = optimise(program)
    found, stack = [], [better.outputs[output]]
    while stack:
        op = better.step[stack.pop()]
        if op.kind not in ("const", "param", "state"):
            found.append(op.kind)
        stack += op.args
    return sorted(found)


def of(make: Callable[[Graph, int, int], int]) -> Program:
    b = Build(k=3.0)
    x = b.state("x", 1.0)
    b.rate("x", b.g.const(0.1))
    return b.program(y=make(b.g, x, b.g.p("k")))


def test_constants_fold_and_neutral_elements_vanish():
    assert kinds(of(lambda g, x, k: g("add", x, g("mul", 0.0, g("sub", 2.0, 1.0))))) == []
    assert kinds(of(lambda g, x, k: g("mul", x, g("div", 2.0, 2.0)))) == []
    assert kinds(of(lambda g, x, k: g("select", g("lt", 1.0, 2.0), x, g("log", x)))) == []
    assert kinds(of(lambda g, x, k: g("neg", g("neg", x)))) == []


def test_nothing_times_not_a_number_is_not_folded_away():
    assert kinds(of(lambda g, x, k: g("mul", 0.0, x))) == ["mul"]


def test_division_by_an_invariant_becomes_multiplication():
    assert kinds(of(lambda g, x, k: g("div", x, k))) == ["div", "mul"]
    assert kinds(of(lambda g, x, k: g("div", x, 3.0))) == ["mul"]
    assert kinds(of(lambda g, x, k: g("div", k, x))) == ["div"]


def test_a_division_that_a_jump_depends_on_stays_exact():
    assert kinds(of(lambda g, x, k: g("floor", g("add", g("div", x, 49.0), 1.0)))) == ["add", "div", "floor"]
    assert kinds(of(lambda g, x, k: g("floor", g("div", x, 4.0)))) == ["floor", "mul"]
    program = of(lambda g, x, k: g("trunc", g("div", x, k)))
    values = compile_kernel(program, ["y"]).run(np.array([[1.0]]), Schedule(0.0, 10.0, 48), method="euler").values
    np.testing.assert_array_equal(values[0, :, 0], np.arange(49) + 1)


def test_small_powers_are_written_out():
    for exponent, expected in ((0.0, []), (1.0, []), (2.0, ["mul"]), (0.5, ["sqrt"]), (-1.0, ["div"]), (0.7, ["pow"])):
        assert kinds(of(lambda g, x, k, e=exponent: g("pow", x, e))) == expected
    assert kinds(of(lambda g, x, k: g("pow", 2.5, x))) == ["exp", "log", "mul"]
    assert kinds(of(lambda g, x, k: g("pow", k, 2.0))) == ["mul"]


def test_parameters_that_do_not_vary_fold():
    program = of(lambda g, x, k: g("mul", x, g("sub", k, 2.0)))
    assert [op.kind for op in optimise(program, frozenset()).step].count("mul") == 0
