"""Derivatives of runs: closed forms of the discrete solution, central differences, both back-ends, refusals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from graphs import Build, Graph, decay, epidemic, logistic, material_delay, oscillator
from hypothesis import HealthCheck, given, reject, settings
from test_backends import needs_llvm, programs, rows

from alliance_dynamics.errors import UsageError
from alliance_dynamics.kernel import direction_runs, runner, tangents
from alliance_dynamics.kernel import optimise as optimise_module
from alliance_dynamics.kernel.integrate import Kernel, Schedule, compile_kernel
from alliance_dynamics.kernel.optimise import optimise
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.model.expression import Table
from alliance_dynamics.simulate import program_of

BACKENDS = ["numpy", pytest.param("llvm", marks=needs_llvm)]


def differences(kernel: Kernel, p: np.ndarray, schedule: Schedule, share: float = 1e-6, **more) -> np.ndarray:
    """Central differences by every parameter, (runs, saves, outputs, parameters)."""
    found = []
    for column in range(p.shape[1]):
        up, down = p.copy(), p.copy()
        up[:, column] += share * np.maximum(np.abs(p[:, column]), 1.0)
        down[:, column] -= share * np.maximum(np.abs(p[:, column]), 1.0)
        gap = (up - down)[:, column, None, None]
        found.append((kernel.run(up, schedule, **more).values - kernel.run(down, schedule, **more).values) / gap)
    return np.stack(found, axis=-1)


def agree(found: np.ndarray, wanted: np.ndarray, within: float) -> None:
    """Relative to the largest derivative of the series, or of any series where that is next to nothing."""
    scale = np.maximum(np.abs(wanted).max(axis=1, keepdims=True), 1e-3 * np.abs(wanted).max(initial=1e-300))
    assert (np.abs(found - wanted) <= within * scale).all()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_decay_has_the_derivatives_of_its_discrete_solution(backend, method):
    k, s0, dt, steps = 0.2, 100.0, 0.5, 20
    result = compile_kernel(decay(), ["s"], backend=backend).jacobian(
        np.array([[k, s0]]), Schedule(0.0, dt, steps), ["k", "s0"], method=method
    )
    n, x = np.arange(steps + 1), k * dt
    factor = 1 - x + (x**2 / 2 - x**3 / 6 + x**4 / 24 if method == "rk4" else 0)
    slope = dt * (-1 + (x - x**2 / 2 + x**3 / 6 if method == "rk4" else 0))
    np.testing.assert_allclose(result.slopes[0, :, 0, 1], factor**n, rtol=1e-13)
    wanted = s0 * n * factor ** (n - 1.0) * slope
    np.testing.assert_allclose(result.slopes[0, :, 0, 0], wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("program", [oscillator(), logistic(), epidemic(), material_delay(3)], ids="olem")
def test_derivatives_agree_with_central_differences(program, backend):
    kernel = compile_kernel(program, list(program.outputs), backend=backend)
    p, schedule = rows(program, 11), Schedule(0.0, 0.25, 40, 4)
    result = kernel.jacobian(p, schedule, program.parameters)
    np.testing.assert_array_equal(result.values, kernel.run(p, schedule).values)
    agree(result.slopes, differences(kernel, p, schedule), 1e-6)
    one = kernel.jacobian(p[4:5], schedule, program.parameters)
    np.testing.assert_allclose(one.slopes[0], result.slopes[4], rtol=1e-12, atol=1e-12)


def shares(base: float = 1.0) -> Program:
    """Two stocks that feed on a product of their powers."""
    b = Build(a=0.4, m=1.0, x0=base, y0=2.0)
    x, y = b.state("x", "x0"), b.state("y", "y0")
    output = b.g("mul", 0.3, b.g("mul", b.g("pow", x, b.g.p("a")), b.g("pow", y, b.g.p("m"))))
    b.rate("x", b.g("mul", 0.0, output))
    b.rate("y", b.g("sub", b.g("mul", 0.5, output), b.g("mul", 0.1, y)))
    return b.program(output=output)


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_derivative_of_two_powers_together_is_that_of_their_product(backend, monkeypatch):
    p = np.array([[0.4, 1.0, 1.0, 2.0], [1.0, 0.7, 0.0, 2.0], [2.0, 1.0, 0.0, 1.5], [2.0, 0.0, -1.5, 1.0]])
    program, schedule = shares(), Schedule(0.0, 0.25, 40, 4)
    assert "powers" in {op.kind for op in optimise(program).step}
    together = compile_kernel(program, ["output"], backend=backend)
    found = together.jacobian(p, schedule, program.parameters)
    np.testing.assert_array_equal(found.values, together.run(p, schedule).values)
    monkeypatch.setattr(optimise_module, "_merge_powers", lambda ops, roots: (ops, list(range(len(ops)))))
    tangents._made.cache_clear()
    wanted = together.jacobian(p, schedule, program.parameters)
    tangents._made.cache_clear()
    np.testing.assert_allclose(found.values, wanted.values, rtol=1e-13)
    np.testing.assert_allclose(found.slopes, wanted.slopes, rtol=1e-11, atol=1e-13)
    assert np.isfinite(found.slopes[:3]).all() and (found.slopes[1] != 0).any()


UNARY: dict[str, Callable[[Graph, int], int]] = {
    kind: lambda g, x, kind=kind: g(kind, x)
    for kind in ("exp", "log", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "neg")
}
OTHERS: dict[str, Callable[[Graph, int], int]] = {
    "abs": lambda g, x: g("abs", g("sub", x, 0.9)),
    "power of": lambda g, x: g("pow", x, 1.7),
    "number to": lambda g, x: g("pow", 1.7, x),
    "power": lambda g, x: g("pow", g("add", x, 1.0), x),
    "quotient": lambda g, x: g("div", g("add", x, 2.0), g("mul", x, x)),
    "largest": lambda g, x: g("max", g("mul", x, 2.0), g("add", x, 0.1)),
    "least": lambda g, x: g("min", 0.9, g("mul", x, x)),
    "remainder": lambda g, x: g("mod", g("mul", x, 10.0), g("add", x, 0.25)),
    "select": lambda g, x: g("select", g("gt", x, 0.1), g("mul", x, x), g("log", g("neg", x))),
    "table": lambda g, x: g.op("lookup", x, value=Table((0.0, 0.25, 0.5, 1.0), (0.0, 1.0, 0.7, 2.0))),
    "beyond": lambda g, x: g.op("lookup", g("add", x, 3.0), value=Table((0.0, 1.0), (0.0, 2.0), "extrapolate")),
    "flat": lambda g, x: g.op("lookup", g("add", x, 3.0), value=Table((0.0, 1.0), (0.0, 2.0))),
}


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_operation_has_its_derivative(backend):
    b = Build(x=0.4)
    made = {**UNARY, **OTHERS}
    program = b.program(**{name: make(b.g, b.g.p("x")) for name, make in made.items()})
    kernel = compile_kernel(program, list(made), backend=backend)
    p, schedule = np.array([[0.3], [0.4], [0.7]]), Schedule(0.0, 1.0, 0)
    found = kernel.jacobian(p, schedule, ["x"]).slopes
    wanted = differences(kernel, p, schedule)
    np.testing.assert_allclose(found, wanted, rtol=2e-9, atol=2e-9)


def test_at_ties_the_first_side_and_at_knots_the_right_slope_is_taken():
    b = Build(x=1.0)
    g, x = b.g, b.g.p("x")
    table = Table((0.0, 1.0, 2.0), (0.0, 1.0, 5.0))
    program = b.program(
        most=g("max", g("mul", 2.0, x), g("add", x, 1.0)),
        least=g("min", g("mul", 2.0, x), g("add", x, 1.0)),
        table=g.op("lookup", x, value=table),
        last=g.op("lookup", g("mul", 2.0, x), value=table),
        first=g.op("lookup", g("sub", x, 1.0), value=table),
        zero=g("pow", g("sub", x, 1.0), 2.5),
    )
    found = compile_kernel(program, list(program.outputs)).jacobian(np.array([[1.0]]), Schedule(0, 1, 0), ["x"])
    np.testing.assert_array_equal(found.slopes[0, 0, :, 0], [2.0, 2.0, 4.0, 0.0, 1.0, 0.0])


@needs_llvm
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs())
def test_both_back_ends_have_the_same_derivatives_for_few_and_many_runs_and_the_values_of_a_run(program: Program):
    outputs, schedule, p = list(program.outputs), Schedule(0.0, 0.125, 16, 4), rows(program, 11)
    found = []
    for backend in ("llvm", "numpy"):
        kernel = compile_kernel(program, outputs, backend=backend)
        try:
            result = kernel.jacobian(p, schedule, program.parameters, seed=5)
        except UsageError:  # a random program may set the time of an event by a parameter
            reject()
        np.testing.assert_array_equal(result.values, kernel.run(p, schedule, seed=5).values)
        few = kernel.jacobian(p[:3], schedule, program.parameters, seed=5)
        np.testing.assert_array_equal(few.slopes, result.slopes[:3])
        np.testing.assert_array_equal(few.failed, result.failed[:3])
        found.append(result.slopes)
    largest = np.abs(found[1]).max(axis=(0, 1), keepdims=True)
    assert (np.abs(found[0] - found[1]) <= 1e-9 * np.maximum(largest, 1e-3)).all()


@needs_llvm
def test_the_composed_model_agrees_with_central_differences():
    program = program_of(open_model("alliance"))
    schedule = Schedule(2000.0, 0.125, 8 * 20, 8 * 5)
    outputs = [name for name in program.outputs if name.startswith(("gross_regional_product[", "patent"))]
    assert outputs
    kernel = compile_kernel(program, outputs, backend="llvm")
    p = np.array([program.defaults])
    moved = [name for name in program.parameters if name not in tangents.CONTROL and "year" not in name]
    ends = {name: (p.copy(), p.copy()) for name in moved}
    for name, (up, down) in ends.items():
        at = program.parameter_index[name]
        step = 1e-5 * max(abs(p[0, at]), 1e-3)
        up[0, at] += step
        down[0, at] -= step
    found = kernel.run(np.concatenate([each for pair in ends.values() for each in pair]), schedule).values
    gaps = {name: (up - down)[0, program.parameter_index[name]] for name, (up, down) in ends.items()}
    rough = {name: (found[2 * i] - found[2 * i + 1]) / gaps[name] for i, name in enumerate(moved)}
    # the parameters that matter most, as shares of a series for a whole share of the parameter
    weight = {name: np.abs(rough[name] * p[0, program.parameter_index[name]] / found[0]).max() for name in moved}
    chosen = sorted(sorted(moved, key=lambda name: -weight[name])[:30])
    exact = kernel.jacobian(p, schedule, chosen)
    np.testing.assert_array_equal(exact.values, kernel.run(p, schedule).values)
    for i, name in enumerate(chosen):
        slope, rounding = exact.slopes[0, ..., i], 1e-14 * np.abs(found[0]).max(axis=0) / gaps[name]
        assert (np.abs(slope - rough[name]) <= 1e-6 * np.abs(slope).max(axis=0) + rounding).all(), name


@pytest.mark.parametrize("runs", [3, 11])
def test_memory_of_every_kind_is_differentiated(runs):
    b = Build(a=0.5, c=2.0)
    g = b.g
    s = b.state("s", "a")
    late = b.ring("late", "c", 1.0, g("mul", s, g.p("c")))
    frozen = b.hold(b.start("mul", b.start.p("a"), b.start.p("c")))
    last = b.state("last", "c", kind="held")
    b.rate("last", g("mul", s, s))
    b.rate("s", g("sub", g("mul", 0.1, g("add", late, frozen)), g("mul", 0.05, last)))
    program = b.program(frozen=g("mul", frozen, 1.0))
    kernel = compile_kernel(program, list(program.outputs))
    p, schedule = rows(program, runs), Schedule(0.0, 0.25, 24, 4)
    agree(kernel.jacobian(p, schedule, ["a", "c"]).slopes, differences(kernel, p, schedule), 1e-7)


def test_noise_is_shared_by_all_directions_of_a_run():
    b = Build(**{f"p{i}": 0.1 * i for i in range(20)})
    g = b.g
    noisy = g("mul", g.op("random", value=0), g.p("p3"))
    b.state("s", 1.0)
    b.rate("s", g("add", noisy, g.p("p19")))
    program = b.program()
    kernel = compile_kernel(program, ["s"])
    p, schedule = rows(program, 9), Schedule(0.0, 0.25, 8)
    found = kernel.jacobian(p, schedule, program.parameters, seed=3, first_run=2)
    np.testing.assert_array_equal(found.values, kernel.run(p, schedule, seed=3, first_run=2).values)
    agree(found.slopes, differences(kernel, p, schedule, seed=3, first_run=2), 1e-7)


def test_parameters_that_move_together_are_one_direction_and_threads_change_no_bit(monkeypatch):
    program = epidemic()
    kernel = compile_kernel(program, list(program.outputs))
    p, schedule = rows(program, 40), Schedule(0.0, 0.25, 40, 4)
    single = kernel.jacobian(p, schedule, ["beta", "gamma", "n"])
    joint = kernel.jacobian(p, schedule, [("beta", "gamma")]).slopes[..., 0]
    np.testing.assert_allclose(joint, single.slopes[..., :2].sum(axis=-1), rtol=1e-10, atol=1e-10)
    again = kernel.jacobian(p, schedule, ["beta", "gamma", "n"], threads=3)
    np.testing.assert_array_equal(again.slopes, single.slopes)
    assert kernel.jacobian(p, schedule, []).slopes.shape == (40, 11, 4, 0)
    for operations in (15_000, 0):  # few runs have directions in further lanes, or beside each other in one
        tangents._made.cache_clear()
        monkeypatch.setattr(tangents, "OPERATIONS", operations)
        few = kernel.jacobian(p[:5], schedule, ["beta", "gamma", "n"])
        np.testing.assert_array_equal(few.slopes, single.slopes[:5])
    tangents._made.cache_clear()
    monkeypatch.setattr(runner, "TIMES_BYTES", 1000)
    monkeypatch.setattr(direction_runs, "NEAR_BYTES", 1)
    np.testing.assert_array_equal(kernel.jacobian(p, schedule, ["beta", "gamma", "n"]).slopes, single.slopes)
    tangents._made.cache_clear()


def test_directions_without_derivatives_are_refused_by_name():
    b = Build(when=3.0, delay=2.0, time_step=0.25, height=2.0, limit=1.0)
    g = b.g
    step = g("select", g("gt", g("add", g.op("steptime"), 0.125), g.p("when")), g.p("height"), 0.0)
    s = b.state("s", 1.0, non_negative=True)
    b.rate("s", g("sub", step, g("max", s, g.p("limit"))))
    late = b.ring("late", "height", "delay", step)
    kernel = compile_kernel(b.program(step=step, late=late), ["step", "late"], vary=["when", "delay", "height"])
    p, schedule = np.array([[3.0, 2.0, 0.25, 2.0, 1.0]]), Schedule(0.0, 0.25, 24)
    for name, text in (
        ("when", "`when`: it sets the time of an event"),
        ("delay", "`delay`: it sets the length of a fixed delay"),
        ("time_step", "`time_step`: it sets the times of a run"),
        ("hight", "`hight` is not a constant of the model. Did you mean `height`?"),
        ("limit", "`limit` was compiled as a constant"),
    ):
        with pytest.raises(UsageError, match=text.replace("?", r"\?")):
            kernel.jacobian(p, schedule, [name])
    found = kernel.jacobian(p, schedule, ["height"]).slopes[0, :, 0, 0]
    np.testing.assert_array_equal(found, schedule.times >= 3.0)
    with pytest.raises(UsageError, match="through `s`: it is limited to 0 from below"):
        compile_kernel(b.program(), ["s"]).jacobian(p, schedule, ["height"])
