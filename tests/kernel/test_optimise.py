"""What the optimiser writes, and where it leaves a value exactly as it is."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from graphs import Build, Graph

from alliance_dynamics.kernel.integrate import METHODS, Schedule, Task, compile_kernel, execute_with
from alliance_dynamics.kernel.optimise import optimise
from alliance_dynamics.kernel.plan import plan
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


def test_two_powers_of_a_product_become_one_operation():
    two = of(lambda g, x, k: g("mul", g("mul", 2.0, g("pow", x, k)), g("pow", g("add", x, 1.0), 0.3)))
    assert kinds(two) == ["add", "mul", "powers"]
    four = of(lambda g, x, k: product(g, [g("pow", g("add", x, float(i)), k) for i in range(4)]))
    assert kinds(four).count("powers") == 2 and "pow" not in kinds(four)
    three = of(lambda g, x, k: product(g, [g("pow", g("add", x, float(i)), k) for i in range(3)]))
    assert sorted({"pow", "powers"} & set(kinds(three))) == ["pow", "powers"]


def test_a_power_that_something_else_needs_or_a_jump_depends_on_stays_by_itself():
    def shared(g: Graph, x: int, k: int) -> int:
        power = g("pow", x, k)
        return g("add", power, g("mul", power, g("pow", g("add", x, 1.0), k)))

    assert "powers" not in kinds(of(shared))
    assert "powers" not in kinds(of(lambda g, x, k: g("floor", g("mul", g("pow", x, k), g("pow", x, 0.3)))))


def test_merged_powers_give_the_same_values_whichever_outputs_are_asked_for():
    b = Build(k=0.4, m=0.8)
    x, y = b.state("x", 1.0), b.state("y", 2.0)
    inner = b.g("mul", b.g("pow", x, b.g.p("k")), b.g("pow", y, b.g.p("m")))
    whole = b.g("mul", 0.1, b.g("mul", inner, b.g("pow", b.g("add", x, y), 0.3)))
    b.rate("x", whole)
    b.rate("y", b.g("neg", whole))
    program, schedule = b.program(inner=inner, whole=whole), Schedule(0.0, 0.25, 100, 10)
    p = np.array([[0.4, 0.8], [0.7, 0.2], [1.0, 1.0]])
    both = compile_kernel(program, ["whole", "inner", "x", "y"]).run(p, schedule).values
    alone = compile_kernel(program, ["whole"]).run(p, schedule).values
    np.testing.assert_array_equal(both[..., 0], alone[..., 0])
    stocks = both[..., 2] + both[..., 3]
    np.testing.assert_allclose(both[..., 0], 0.1 * both[..., 1] * stocks**0.3, rtol=1e-14)
    better = optimise(program)
    assert optimise(better) == better
    reference = execute_with("numpy", plan(program, ["whole"]))(Task(p, schedule, METHODS["rk4"], 0, 0, 1))
    np.testing.assert_allclose(alone, reference.values, rtol=1e-13)


def test_a_long_product_of_powers_takes_no_time():
    count = 20_000
    b = Build(k=0.5)
    x = b.state("x", 1.0)
    product = x
    for i in range(count):
        product = b.g("mul", product, b.g("pow", b.g("add", x, float(i)), b.g.p("k")))
    b.rate("x", product)
    began = time.process_time()
    better = optimise(b.program())
    assert time.process_time() - began < 10
    assert sum(op.kind == "powers" for op in better.step) == count // 2


def product(g: Graph, factors: list[int]) -> int:
    found = factors[0]
    for each in factors[1:]:
        found = g("mul", found, each)
    return found
