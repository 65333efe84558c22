"""Runs against closed forms: discrete solutions, orders of convergence, conservation."""

from __future__ import annotations

from math import e, exp, sqrt

import numpy as np
import pytest
from graphs import Build, decay, epidemic, logistic, material_delay, oscillator

from alliance_dynamics.errors import UsageError
from alliance_dynamics.kernel import jit
from alliance_dynamics.kernel.integrate import Schedule, compile_kernel
from alliance_dynamics.kernel.program import Program

BACKENDS = ["numpy", pytest.param("llvm", marks=pytest.mark.skipif(bool(jit.obstacle()), reason=jit.obstacle()))]
backends = pytest.mark.parametrize("backend", BACKENDS)


def run(program: Program, outputs: list[str], stop: float, dt: float, method: str, backend: str) -> np.ndarray:
    """(saves, outputs) of the default run, every step saved."""
    kernel = compile_kernel(program, outputs, backend=backend)
    row = np.array([program.defaults])
    return kernel.run(row, Schedule(0.0, dt, round(stop / dt)), method=method).values[0]


@backends
def test_decay_follows_the_discrete_formula(backend):
    euler = run(decay(), ["s", "outflow"], 10, 1.0, "euler", backend)
    rk4 = run(decay(), ["s"], 10, 1.0, "rk4", backend)
    rk2 = run(decay(), ["s"], 10, 1.0, "rk2", backend)
    steps = np.arange(11)
    h = 0.2
    np.testing.assert_allclose(euler[:, 0], 100 * (1 - h) ** steps, rtol=1e-14)
    np.testing.assert_allclose(euler[:, 1], 20 * (1 - h) ** steps, rtol=1e-14)
    np.testing.assert_allclose(rk2[:, 0], 100 * (1 - h + h**2 / 2) ** steps, rtol=1e-14)
    np.testing.assert_allclose(rk4[:, 0], 100 * (1 - h + h**2 / 2 - h**3 / 6 + h**4 / 24) ** steps, rtol=1e-14)
    assert euler[-1, 0] == pytest.approx(10.737418240000, rel=1e-14)
    assert rk4[-1, 0] == pytest.approx(13.533954843051, rel=1e-13)


@backends
def test_an_oscillator_gains_or_keeps_its_amplitude_as_the_method_does(backend):
    for method, factor in (("euler", sqrt(1.01)), ("rk4", 0.9999999930642361)):
        values = run(oscillator(), ["x", "v"], 20, 0.1, method, backend)
        amplitude = np.hypot(values[:, 0], values[:, 1])
        np.testing.assert_allclose(amplitude[1:] / amplitude[:-1], factor, rtol=1e-12)


@backends
@pytest.mark.parametrize(("method", "low", "high"), [("euler", 0.95, 1.15), ("rk2", 1.9, 2.1), ("rk4", 3.9, 4.15)])
def test_errors_shrink_with_the_order_of_the_method(method, low, high, backend):
    exact = 100 / (1 + 19 * exp(-3.0))
    assert exact == pytest.approx(51.38866830116854, rel=1e-14)
    errors = [abs(run(logistic(), ["p"], 10, dt, method, backend)[-1, 0] - exact) for dt in (0.5, 0.25, 0.125, 0.0625)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert low < orders.min() and orders.max() < high


@backends
def test_delays_answer_a_step_as_erlang_distributions(backend):
    assert run(material_delay(1), ["out"], 6, 0.01, "rk4", backend)[-1, 0] == pytest.approx(1 - 1 / e, rel=1e-9)
    assert run(material_delay(3), ["out"], 6, 0.01, "rk4", backend)[-1, 0] == pytest.approx(
        0.5768099188731566, rel=1e-9
    )
    assert run(material_delay(10), ["out"], 6, 0.01, "rk4", backend)[-1, 0] == pytest.approx(
        0.5420702855281478, rel=1e-8
    )
    assert run(material_delay(1), ["out"], 6, 1.0, "euler", backend)[-1, 0] == pytest.approx(
        0.6651020233196159, rel=1e-14
    )


@backends
def test_an_epidemic_ends_where_theory_says_and_loses_nobody(backend):
    values = run(epidemic(), ["s", "i", "total"], 300, 0.0625, "rk4", backend)
    np.testing.assert_allclose(values[:, 2], 1000, rtol=1e-12)
    assert values[-1, 0] == pytest.approx(107.20857207647, rel=1e-6)
    assert values[:, 1].max() == pytest.approx(233.883907383771, rel=1e-5)


@backends
def test_a_cubic_flow_is_integrated_exactly(backend):
    b = Build()
    s = b.state("s", 0.0)
    t = b.g.op("time")
    b.rate("s", b.g("mul", 4.0, b.g("mul", t, b.g("mul", t, t))))
    values = run(b.program(), ["s"], 10, 0.25, "rk4", backend)
    np.testing.assert_allclose(values[:, 0], (np.arange(41) * 0.25) ** 4, rtol=1e-14)
    assert s == 0


@backends
def test_time_is_counted_never_added_up(backend):
    b = Build()
    b.state("s", 0.0)
    b.rate("s", b.g.const(0.0))
    program = b.program(time=b.g.op("time"), begun=b.g.op("steptime"))
    kernel = compile_kernel(program, ["time", "begun"], backend=backend)
    schedule = Schedule(2000.0, 0.1, 1000, 10)
    values = kernel.run(np.empty((1, 0)), schedule).values[0]
    np.testing.assert_array_equal(values[:, 0], 2000.0 + np.arange(0, 1001, 10) * 0.1)
    np.testing.assert_array_equal(values[:, 0], schedule.times)
    np.testing.assert_array_equal(values[:, 0], values[:, 1])


@backends
def test_saves_fall_on_every_nth_step_and_no_further(backend):
    kernel = compile_kernel(decay(), ["s"], backend=backend)
    row = np.array([[0.2, 100.0]])
    all_steps = kernel.run(row, Schedule(0.0, 1.0, 10, 1), method="euler").values[0, :, 0]
    thirds = kernel.run(row, Schedule(0.0, 1.0, 10, 3), method="euler").values[0, :, 0]
    np.testing.assert_array_equal(thirds, all_steps[::3])
    assert kernel.run(row, Schedule(0.0, 1.0, 0)).values.tolist() == [[[100.0]]]


@backends
def test_a_held_state_moves_at_the_end_of_a_step_from_values_at_its_beginning(backend):
    b = Build()
    s = b.state("s", 0.0)
    held = b.state("held", -1.0, kind="held")
    b.rate("s", b.g.const(1.0))
    b.rate("held", s)
    b.state("sum", 0.0)
    b.rate("sum", held)
    values = run(b.program(), ["s", "held", "sum"], 5, 1.0, "rk4", backend)
    np.testing.assert_allclose(values[:, 0], np.arange(6))
    np.testing.assert_allclose(values[:, 1], [-1, 0, 1, 2, 3, 4])
    np.testing.assert_allclose(values[:, 2], [0, -1, -1, 0, 2, 5])


@backends
@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_a_ring_holds_back_by_whole_steps_different_in_each_run(method, backend):
    b = Build(length=1.0, initial=-7.0)
    s = b.state("s", 0.0)
    b.rate("s", b.g.const(1.0))
    delayed = b.ring("delayed", "initial", "length", s)
    b.state("sum", 0.0)
    b.rate("sum", delayed)
    kernel = compile_kernel(b.program(), ["delayed", "sum"], backend=backend)
    lengths = [0.5, 1.0, 2.5, 10.0, 0.0, 0.1, 1e12, 0.74, 0.76, 3.0, 4.0]
    rows = np.array([[length, -7.0 - i] for i, length in enumerate(lengths)])
    result = kernel.run(rows, Schedule(0.0, 0.5, 30), method=method)
    times = np.arange(31) * 0.5
    for i, length in enumerate(lengths):
        slots = max(1, round(length / 0.5))
        expected = np.where(np.arange(31) >= slots, times - slots * 0.5, rows[i, 1])
        np.testing.assert_allclose(result.values[i, :, 0], expected, rtol=1e-13, atol=1e-13)
        sums = np.concatenate([[0], np.cumsum(expected[:-1]) * 0.5])
        np.testing.assert_allclose(result.values[i, :, 1], sums, rtol=1e-13, atol=1e-13)
    assert (result.failed == -1).all()
    negative = kernel.run(np.array([[-1.0, 0.0], [1.0, 0.0]]), Schedule(0.0, 0.5, 30), method=method)
    assert negative.failed.tolist() == [0, -1]


@backends
def test_frozen_values_keep_what_they_were_at_the_start(backend):
    b = Build(k=3.0)
    initial = b.start("add", b.start("mul", b.start.p("k"), 2.0), b.start.op("time"))
    b.hold(initial)
    later = b.start.op("frozen", value=0)
    second = b.hold(b.start("mul", later, later))
    b.state("s", 1.0)
    b.rate("s", second)
    kernel = compile_kernel(b.program(), ["s"], backend=backend)
    values = kernel.run(np.array([[3.0], [0.5]]), Schedule(10.0, 1.0, 2)).values[:, :, 0]
    np.testing.assert_allclose(values, [[1, 257, 513], [1, 122, 243]])


@backends
def test_a_non_negative_stock_stops_at_zero(backend):
    b = Build()
    b.state("free", 1.0)
    b.state("kept", 1.0, non_negative=True)
    rate = b.g("sub", b.g.op("time"), 3.0)
    b.rate("free", rate)
    b.rate("kept", rate)
    values = run(b.program(), ["free", "kept"], 6, 0.5, "rk4", backend)
    t = np.arange(13) * 0.5
    np.testing.assert_allclose(values[:, 0], 1 - 3 * t + t**2 / 2, atol=1e-13)
    assert values[:, 1].min() == 0.0
    assert values[-1, 1] == pytest.approx(values[-1, 0] - values[6, 0])


@backends
def test_outputs_may_be_constants_parameters_and_time(backend):
    b = Build(k=2.0)
    program = b.program(
        one=b.g.const(1.0), k=b.g.p("k"), t=b.g.op("time"), square=b.g("mul", b.g.p("k"), b.g.p("k")), again=b.g.p("k")
    )
    kernel = compile_kernel(program, list(program.outputs), backend=backend)
    values = kernel.run(np.array([[3.0]]), Schedule(5.0, 1.0, 1)).values[0]
    np.testing.assert_array_equal(values, [[1, 3, 5, 9, 3], [1, 3, 6, 9, 3]])


@backends
def test_only_what_outputs_need_is_computed(backend):
    b = Build(k=2.0)
    b.state("bad", 0.0)
    b.rate("bad", b.g("log", b.g("neg", b.g.p("k"))))
    b.state("good", 1.0)
    b.rate("good", b.g.const(1.0))
    kernel = compile_kernel(b.program(), ["good"], backend=backend)
    result = kernel.run(np.array([[2.0]]), Schedule(0.0, 1.0, 3))
    assert result.failed.tolist() == [-1]
    assert "llvm.fma" not in kernel.source


@backends
def test_a_parameter_that_does_not_vary_becomes_a_constant_and_may_not_change(backend):
    kernel = compile_kernel(decay(), ["s"], backend=backend, vary=["s0"])
    free = compile_kernel(decay(), ["s"], backend=backend)
    rows = np.array([[0.2, 50.0], [0.2, 70.0]])
    schedule = Schedule(0.0, 0.5, 20)
    np.testing.assert_allclose(kernel.run(rows, schedule).values, free.run(rows, schedule).values, rtol=1e-14)
    with pytest.raises(UsageError, match=r"`k` was compiled as the constant 0\.2"):
        kernel.run(np.array([[0.3, 50.0]]), schedule)


@backends
def test_no_runs_give_no_rows(backend):
    kernel = compile_kernel(decay(), ["s"], backend=backend)
    for threads in (1, 2):
        assert kernel.run(np.empty((0, 2)), Schedule(0.0, 1.0, 3), threads=threads).values.shape == (0, 4, 1)


def test_wrong_calls_are_refused_by_name():
    with pytest.raises(UsageError, match="Did you mean `outflow`"):
        compile_kernel(decay(), ["outflwo"])
    with pytest.raises(UsageError, match="`q` is not a constant"):
        compile_kernel(decay(), ["s"], vary=["q"])
    with pytest.raises(UsageError, match="not a back-end"):
        compile_kernel(decay(), ["s"], backend="cuda")
    kernel = compile_kernel(decay(), ["s"], backend="numpy")
    schedule = Schedule(0.0, 1.0, 1)
    with pytest.raises(UsageError, match=r"shape \(2,\)"):
        kernel.run(np.array([1.0, 2.0]), schedule)
    with pytest.raises(UsageError, match="`s0` is not a finite number"):
        kernel.run(np.array([[0.1, np.nan]]), schedule)
    with pytest.raises(UsageError, match="`rk5` is not an integration method"):
        kernel.run(np.array([[0.1, 1.0]]), schedule, method="rk5")
    with pytest.raises(UsageError, match="the seed is None"):
        kernel.run(np.array([[0.1, 1.0]]), schedule, seed=None)  # type: ignore[arg-type]
    for wrong in ((0.0, 0.0, 1, 1), (0.0, float("nan"), 1, 1), (float("inf"), 1.0, 1, 1), (0.0, 1.0, 1, 0)):
        with pytest.raises(UsageError):
            Schedule(*wrong)
