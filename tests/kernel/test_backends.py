"""The same thing two ways: LLVM and NumPy, any threads, widths, chunks and places in a batch."""

from __future__ import annotations

import time
from itertools import pairwise, product

import numpy as np
import pytest
from graphs import Build, epidemic
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

from alliance_dynamics.kernel import jit, llvm, noise, runner
from alliance_dynamics.kernel.formats import DOUBLE, Format
from alliance_dynamics.kernel.integrate import METHODS, Schedule, Task, Trajectories, compile_kernel
from alliance_dynamics.kernel.optimise import optimise
from alliance_dynamics.kernel.plan import plan
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.model.expression import Interpolation, Table
from alliance_dynamics.model.parse import NOT_AVAILABLE

needs_llvm = pytest.mark.skipif(bool(jit.obstacle()), reason=jit.obstacle() or "LLVM runs")
KINDS: tuple[Interpolation, ...] = ("continuous", "extrapolate", "discrete", "forward", "backward")


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Random graphs whose values stay between about -2 and 2, so that no rounding is blown up."""
    b = Build(a=0.5, c=-0.25, d=1.5)
    g = b.g
    stocks = [b.state(f"s{i}", draw(st.sampled_from(["a", "c", 0.3]))) for i in range(draw(st.integers(1, 4)))]
    held = b.state("h", 0.1, kind="held")
    pool = [*stocks, held, g.p("a"), g.p("c"), g.p("d"), g("mul", g.op("time"), 0.01), g.const(0.7)]
    pool.append(g("mul", g.op("steptime"), 0.02))
    pool.append(b.ring("r", "c", draw(st.sampled_from([0.1, 1.0, 2.3])), stocks[0]))
    pool.append(g.op("random", value=3))
    for _ in range(draw(st.integers(3, 30))):
        x, y, z = (draw(st.sampled_from(pool)) for _ in range(3))
        pool.append(_operation(b, draw(st.sampled_from(OPERATIONS)), x, y, z, draw))
    for i in range(len(stocks)):
        x = draw(st.sampled_from(pool))
        b.rate(f"s{i}", g("sub", g("mul", 0.3, x), g("mul", 0.4, stocks[i])))
    b.rate("h", draw(st.sampled_from(pool)))
    return b.program(**{f"v{i}": index for i, index in enumerate(pool)})


OPERATIONS = (
    "add",
    "sub",
    "mul",
    "div",
    "min",
    "max",
    "abs",
    "neg",
    "exp",
    "log",
    "sqrt",
    "pow",
    "power_of",
    "number_to",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "select",
    "lookup",
    "logic",
)


def _operation(b: Build, kind: str, x: int, y: int, z: int, draw: st.DrawFn) -> int:
    g = b.g
    positive = g("add", 1.1, g("abs", x))  # at least 1.1
    match kind:
        case "add" | "sub":
            return g("mul", 0.5, g(kind, x, y))
        case "div":
            return g("div", y, positive)
        case "mul" | "min" | "max":
            return g("mul", 0.9, g(kind, x, y))
        case "exp" | "cosh":
            return g("mul", 0.2, g(kind, g("max", -2.0, g("min", x, 2.0))))
        case "log" | "sqrt":
            return g(kind, positive)
        case "pow":
            return g("mul", 0.2, g("pow", positive, g("max", -1.5, g("min", y, 1.5))))
        case "power_of":
            return g("mul", 0.1, g("pow", positive, draw(st.sampled_from([-1.5, -1.0, 0.5, 0.6, 1.5, 2.0, 3.0]))))
        case "number_to":
            return g("mul", 0.2, g("pow", draw(st.sampled_from([0.5, 1.0, 2.0])), g("max", -2.0, g("min", y, 2.0))))
        case "asin" | "acos":
            return g("mul", 0.5, g(kind, g("div", x, positive)))
        case "tan":
            return g("tan", g("max", -1.0, g("min", x, 1.0)))
        case "sinh":
            return g("mul", 0.3, g("sinh", g("max", -2.0, g("min", x, 2.0))))
        case "select":
            return g("select", g("lt", g.op("steptime"), 3.05), x, y)
        case "logic":
            early = g("gt", g.op("time"), 2.03)
            return g("mul", 0.5, g("or", g("and", early, g("not", g("eq", x, x))), g("ge", g.op("time"), 4.01)))
        case "lookup":
            knots = sorted(draw(st.lists(st.floats(-2, 2, width=16), min_size=2, max_size=30, unique=True)))
            values = [draw(st.floats(-1, 1, width=16)) for _ in knots]
            steep = max(abs(b - a) / (q - p) for (a, b), (p, q) in zip(pairwise(values), pairwise(knots), strict=True))
            if steep > 5:
                values = [each * 5 / steep for each in values]
            return g("max", -1.0, g("min", g.op("lookup", x, value=Table(tuple(knots), tuple(values))), 1.0))
    return g(kind, x)


def rows(program: Program, count: int, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.array(program.defaults) * rng.uniform(0.5, 1.5, (count, len(program.defaults)))


def with_width(program: Program, outputs: list[str], width: int, task: Task, form: Format = DOUBLE) -> Trajectories:
    return jit.compile_plan(plan(optimise(program), outputs), width=width, form=form).execute(task)


@needs_llvm
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs(), st.sampled_from(list(METHODS)))
def test_llvm_agrees_with_numpy(program, method):
    outputs = list(program.outputs)
    schedule = Schedule(0.0, 0.125, 40, 4)
    results = [
        compile_kernel(program, outputs, backend=backend).run(rows(program, 11), schedule, method=method, seed=5)
        for backend in ("llvm", "numpy")
    ]
    assert (results[1].failed == -1).all()
    scale = np.maximum(np.abs(results[1].values), np.abs(results[1].values).max(axis=(0, 1)))
    assert (np.abs(results[0].values - results[1].values) <= 1e-12 * np.maximum(scale, 1e-3)).all()
    np.testing.assert_array_equal(results[0].failed, results[1].failed)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs())
def test_the_optimised_program_has_the_same_values(program):
    from alliance_dynamics.kernel.numpy_ import compile_plan

    outputs = list(program.outputs)
    task = Task(rows(program, 5), Schedule(0.0, 0.125, 40, 4), METHODS["rk4"], 5, 0, 1)
    plain = compile_plan(plan(program, outputs))(task).values
    better = compile_plan(plan(optimise(program), outputs))(task).values
    scale = np.maximum(np.abs(plain), np.abs(plain).max(axis=(0, 1)))
    assert (np.abs(better - plain) <= 1e-13 * np.maximum(scale, 1e-2)).all()


def big(operations: int) -> Program:
    """Many stocks, each with a handful of operations, coupled in a ring."""
    b = Build(a=0.5, c=0.25)
    g = b.g
    count = max(2, operations // 20)
    stocks = [b.state(f"s{i}", 1.0 + i / count) for i in range(count)]
    noisy = g.op("random", value=0)
    for i, s in enumerate(stocks):
        x = stocks[i - 1]
        share = g("div", x, g("add", x, g("add", s, float(i + 1))))
        effect = g.op("lookup", share, value=Table((0.0, 0.2, 0.5, 1.0), (0.0, 0.3 + i % 7, 0.7, 1.0)))
        growth = g("mul", effect, g("pow", g("max", 0.01, s), g.p("c")))
        loss = g("mul", g("div", s, g("add", 2.0 + i % 5, g.p("a"))), g("exp", g("neg", share)))
        season = g("mul", g.p("a"), g("sin", g("mul", g.op("time"), 0.1 * (i % 4))))
        b.rate(f"s{i}", g("add", g("sub", growth, loss), g("mul", 0.01, g("add", season, noisy))))
    return b.program(noisy=noisy, last=growth)


@needs_llvm
@pytest.mark.parametrize("size", [200, 3000])
def test_bits_do_not_depend_on_width_threads_chunk_or_place(size, monkeypatch):
    program = big(size)
    outputs = ["s0", "s1", "last", "noisy"]
    schedule = Schedule(0.0, 0.25, 20, 4)
    p = rows(program, 45)
    kernel = compile_kernel(program, outputs, backend="llvm")
    whole = kernel.run(p, schedule, seed=7)
    assert np.isfinite(whole.values).all()
    np.testing.assert_array_equal(kernel.run(p, schedule, seed=7, threads=3).values, whole.values)
    np.testing.assert_array_equal(kernel.run(p, schedule, seed=7).values, whole.values)
    np.testing.assert_array_equal(kernel.run(p[13:14], schedule, seed=7, first_run=13).values, whole.values[13:14])
    np.testing.assert_array_equal(kernel.run(p[9:31], schedule, seed=7, first_run=9).values, whole.values[9:31])
    task = Task(p, schedule, METHODS["rk4"], 7, 0, 1)
    for width in (2, 4, 8, 16):
        if width <= 2 * jit.machine_width():
            np.testing.assert_array_equal(with_width(program, outputs, width, task).values, whole.values)
    monkeypatch.setattr(runner, "CHUNK_BYTES", 1)
    monkeypatch.setattr(runner, "TIMES_BYTES", 1000)
    np.testing.assert_array_equal(kernel.run(p, schedule, seed=7, threads=2).values, whole.values)
    monkeypatch.setattr(llvm, "PIECE", 90)
    monkeypatch.setattr(llvm, "CALLED_ABOVE", 10**9 if size == 3000 else 0)
    np.testing.assert_array_equal(with_width(program, outputs, 8, task).values, whole.values)


def edges() -> Program:
    """Elementary functions of a level that falls through 0, and of ten thousand times that level."""
    b = Build(fall=1.0, power=0.7)
    level = b.state("level", 1.0)
    g, fall, power = b.g, b.g.p("fall"), b.g.p("power")
    b.rate("level", g("neg", fall))
    kept = g("max", 0.0, level)
    steep = g("mul", 10000.0, level)
    values = {
        "root": g("pow", kept, power),
        "inverse": g("pow", kept, g("neg", power)),
        "fixed": g("pow", level, 1.7),
        "cubed": g("pow", level, g("add", 2.0, g("div", power, power))),
        "powers": g("powers", kept, power, level, fall),
        "exp": g("exp", steep),
        "log": g("log", level),
        "sinh": g("sinh", steep),
        "cosh": g("cosh", level),
        "tanh": g("tanh", steep),
    }
    moved = b.state("moved", 1.0)
    total = g("exp", level)
    for value in values.values():  # in the rates too, within bounds
        limited = g("max", -1.0, g("min", 1.0, value))
        total = g("add", total, g("select", g("eq", value, value), limited, 0.5))
    b.rate("moved", g("mul", 0.01, total))
    return b.program(**values, moved_on=moved)


@needs_llvm
@pytest.mark.parametrize("called_above", [0, 60])
def test_an_unusual_argument_changes_no_bit_of_the_runs_beside_it(called_above, monkeypatch):
    monkeypatch.setattr(llvm, "CALLED_ABOVE", called_above)
    program, schedule = edges(), Schedule(0.0, 0.25, 400, 4)
    p = np.array([[0.001 + 0.0001 * i, 0.3 + 0.01 * i] for i in range(40)])  # level stays above 0
    p[5::7, 0] = 1.0, 0.5, 0.1, 0.05, 0.02  # falls through 0 at these times
    calm = [i for i in range(40) if i % 7 != 5]
    outputs = list(program.outputs)
    found = {}
    for width in (2, 4, 8, 16):
        if width > 2 * jit.machine_width():
            continue
        mixed = with_width(program, outputs, width, Task(p, schedule, METHODS["rk4"], 0, 0, 1)).values
        alone = with_width(program, outputs, width, Task(p[calm], schedule, METHODS["rk4"], 0, 0, 1)).values
        np.testing.assert_array_equal(mixed[calm], alone)
        found[width] = mixed
    first, *others = found.values()
    for other in others:
        np.testing.assert_array_equal(other, first)
    reference = compile_kernel(program, outputs, backend="numpy").run(p, schedule).values
    assert np.isinf(reference).any() and np.isnan(reference).any() and (reference == 0).any()
    np.testing.assert_allclose(first, reference, rtol=1e-10)


@needs_llvm
def test_arithmetic_alone_has_the_same_bits_in_both_back_ends():
    program = epidemic()
    p, schedule = rows(program, 20), Schedule(0.0, 0.1, 100, 5)
    for method in METHODS:
        values = [
            compile_kernel(program, list(program.outputs), backend=backend).run(p, schedule, method=method).values
            for backend in ("llvm", "numpy")
        ]
        np.testing.assert_array_equal(*values)


@needs_llvm
@pytest.mark.parametrize("points", [1, 2, 3, 5, 8, 9, 16, 17, 18, 40])
def test_lookups_are_exact_at_knots_and_the_same_in_both_back_ends(points):
    rng = np.random.default_rng(points)
    x = np.cumsum(rng.uniform(0.1, 1, points)).round(3)
    y = rng.uniform(-1, 1, points).round(3)
    y[points // 2 :: 3] = 0.0
    doubled = np.insert(x, points // 2, x[points // 2]), np.insert(y, points // 2, 5.0)
    tables = {
        f"{kind}_{jump}": Table(tuple(each[0].tolist()), tuple(each[1].tolist()), kind)
        for kind, (jump, each) in product((*KINDS, "raw"), {"smooth": (x, y), "jump": doubled}.items())
        if not (kind == "raw" and jump == "jump")
    }
    b = Build(v=0.0)
    outputs = {name: b.g.op("lookup", b.g("add", b.g.p("v"), 0.0), value=table) for name, table in tables.items()}
    outputs |= {f"{name}_t": b.g.op("lookup", b.g.op("time"), value=table) for name, table in tables.items()}
    b.state("s", 0.0)
    b.rate("s", b.g("max", outputs["discrete_jump"], outputs["extrapolate_jump"]))
    program = b.program(**outputs)
    at = np.concatenate([x, x + 1e-10, x - 1e-10, np.linspace(x[0] - 1, x[-1] + 1, 200), [-1e300, 1e300]])
    found = {
        backend: compile_kernel(program, list(outputs), backend=backend).run(at[:, None], Schedule(0.0, 0.5, 4)).values
        for backend in ("llvm", "numpy")
    }
    np.testing.assert_array_equal(found["llvm"], found["numpy"])
    values = dict(zip(outputs, found["llvm"][:, 0].T, strict=True))
    for kind in (*KINDS, "raw"):
        np.testing.assert_array_equal(values[f"{kind}_smooth"][:points], y)
    inside = (at >= x[0]) & (at <= x[-1])
    np.testing.assert_allclose(values["continuous_smooth"], np.interp(at, x, y), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(values["extrapolate_smooth"][inside], np.interp(at, x, y)[inside], atol=1e-14)
    last = np.clip(np.searchsorted(x, at, side="right") - 1, 0, None)
    np.testing.assert_array_equal(values["discrete_smooth"], y[last])
    np.testing.assert_array_equal(values["backward_smooth"], y[np.clip(np.searchsorted(x, at + 2e-10) - 1, 0, None)])
    np.testing.assert_array_equal(
        values["forward_smooth"], y[np.clip(np.searchsorted(x, at - 2e-10), None, points - 1)]
    )
    near = np.abs(at[:, None] - x).min(axis=1) <= 1e-9
    np.testing.assert_array_equal(values["raw_smooth"] == NOT_AVAILABLE, ~near)


@needs_llvm
def test_a_lookup_of_not_a_number_is_not_a_number():
    b = Build(v=-1.0)
    broken = b.g("log", b.g.p("v"))
    knots = [tuple(map(float, range(n))) for n in (1, 3, 12, 40)]
    tables = [Table(each, each, kind) for each in knots for kind in (*KINDS, "raw")]
    program = b.program(**{f"y{i}": b.g.op("lookup", broken, value=table) for i, table in enumerate(tables)})
    for backend in ("llvm", "numpy"):
        values = compile_kernel(program, list(program.outputs), backend=backend).run(
            np.array([[-1.0]]), Schedule(0, 1, 0)
        )
        assert np.isnan(values.values).all()


@needs_llvm
def test_draws_are_uniform_and_the_same_in_both_back_ends():
    b = Build()
    first, second = b.g.op("random", value=0), b.g.op("random", value=1)
    b.state("s", 0.0)
    b.rate("s", first)
    program = b.program(first=first, second=second)
    kernels = [compile_kernel(program, ["first", "second", "s"], backend=each) for each in ("llvm", "numpy")]
    schedule = Schedule(0.0, 1.0, 99)
    results = [kernel.run(np.empty((200, 0)), schedule, seed=0, method="rk4").values for kernel in kernels]
    np.testing.assert_array_equal(*results)
    draws = results[0][:, :, :2]
    # held during a step: the stock is the sum of the draws whatever the method
    np.testing.assert_allclose(results[0][:, -1, 2], draws[:, :-1, 0].sum(axis=1), rtol=1e-12)
    assert ((draws > 0) & (draws < 1)).all()
    assert stats.kstest(draws.ravel(), "uniform").pvalue > 0.01
    pairs = [(draws[:, :, 0], draws[:, :, 1]), (draws[:, 1:, 0], draws[:, :-1, 0]), (draws[1:, :, 0], draws[:-1, :, 0])]
    for a, c in pairs:
        assert abs(np.corrcoef(a.ravel(), c.ravel())[0, 1]) < 4 / np.sqrt(a.size)
    part = kernels[0].run(np.empty((3, 0)), schedule, seed=0, first_run=100).values
    np.testing.assert_array_equal(part, results[0][100:103])
    assert (kernels[0].run(np.empty((3, 0)), schedule, seed=1).values[:, :, 0] != results[0][:3, :, 0]).all()


def test_draws_keep_inside_the_open_interval_at_both_ends():
    assert (noise.uniform(np.arange(10**5, dtype=np.uint64), 3) < 1).all()
    assert (2**52 - 1 + 0.5) * 2.0**-52 < 1
    assert 0.5 * 2.0**-52 > 0


@pytest.mark.parametrize("backend", ["numpy", pytest.param("llvm", marks=needs_llvm)])
def test_a_failed_run_is_flagged_and_leaves_its_neighbours_alone(backend):
    b = Build(k=1.0)
    b.state("s", 1.0)
    b.rate("s", b.g("sub", b.g("log", b.g("sub", b.g.p("k"), b.g.op("time"))), 0.5))
    program = b.program(inverse=b.g("div", 1.0, b.g("sub", b.g.p("k"), 100.0)))
    kernel = compile_kernel(program, ["s", "inverse"], backend=backend)
    good = np.full((20, 1), 50.0)
    mixed = good.copy()
    mixed[[3, 9, 17], 0] = 4.1, 100.0, 7.0
    schedule = Schedule(0.0, 0.25, 40, 4)
    plain, result = kernel.run(good, schedule), kernel.run(mixed, schedule)
    # log of a negative number first enters a slope of step 15 (t = 4): the state of the save at t = 5 has it
    assert result.failed[[3, 9, 17]].tolist() == [5, 0, 7]
    others = [i for i in range(20) if i not in (3, 9, 17)]
    assert (result.failed[others] == -1).all()
    np.testing.assert_array_equal(result.values[others], plain.values[others])
    assert np.isfinite(result.values[3, :5]).all()


@needs_llvm
@pytest.mark.slow
def test_compile_time_grows_with_the_length_of_the_program():
    for operations in (1000, 5000, 10000):
        program = big(operations)
        begin = time.perf_counter()
        kernel = compile_kernel(program, list(program.outputs), backend="llvm")
        print(f"{len(program.step)} operations: {time.perf_counter() - begin:.2f} s, {len(kernel.source) >> 10} KiB")
