"""One run whose own operations fill the lanes has the bits of the same run beside others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from graphs import Build
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_backends import big, programs, rows

from alliance_dynamics.kernel import jit
from alliance_dynamics.kernel.elements import element_source, stage_cycles
from alliance_dynamics.kernel.integrate import METHODS, Schedule, Task, Trajectories
from alliance_dynamics.kernel.optimise import optimise
from alliance_dynamics.kernel.packing import kinds_of, packs_of, shape_of
from alliance_dynamics.kernel.plan import Plan, plan
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.model.expression import Table
from alliance_dynamics.model.read import read_model
from alliance_dynamics.overrides import program_of
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.scenarios import read_regimes
from alliance_dynamics.settings import schedule_of

pytestmark = pytest.mark.skipif(bool(jit.obstacle()), reason=jit.obstacle())
MODELS = sorted((Path(__file__).parents[1] / "models").glob("*.mdl"))
WIDTHS = [width for width in (2, 4, 8) if jit.obstacle() or width <= jit.machine_width()]


def assert_same_bits(found: Trajectories, wanted: Trajectories) -> None:
    numbers = ~np.isnan(wanted.values)
    np.testing.assert_array_equal(~np.isnan(found.values), numbers)
    np.testing.assert_array_equal(found.values[numbers].view(np.int64), wanted.values[numbers].view(np.int64))
    np.testing.assert_array_equal(found.failed, wanted.failed)


def planned(program: Program, outputs: list[str] | None = None) -> Plan:
    with np.errstate(all="ignore"):
        return plan(optimise(program), list(program.outputs) if outputs is None else outputs)


def compare(program: Program, schedule: Schedule, *, method: str = "rk4", count: int = 2) -> None:
    """Single runs at all widths against runs in lanes."""
    made = planned(program)
    task = Task(rows(program, count), schedule, METHODS[method], 3, 5, 1)
    wanted = jit.compile_plan(made, width=WIDTHS[-1]).runner(WIDTHS[-1]).execute(task)
    for width in WIDTHS:
        assert_same_bits(jit.compile_plan(made, width=width).single_runner().execute(task), wanted)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs(), st.sampled_from(list(METHODS)))
def test_programs_without_arrays(program, method):
    compare(program, Schedule(0.0, 0.125, 24, 4), method=method)


@st.composite
def arrays(draw: st.DrawFn) -> Program:
    """The same random equations for every element, now and then with something of its own, coupled by sums."""
    count = draw(st.integers(2, 19))
    b = Build(a=0.5, c=-0.25, d=1.5)
    g = b.g
    stocks = [[b.state(f"{name}{i}", 0.3 + 0.01 * i) for i in range(count)] for name in "xyz"]
    held = [b.state(f"h{i}", "a", kind="held") for i in range(count)]
    rings = [b.ring(f"r{i}", "c", 0.3 + 0.1 * (i % 3), stocks[0][i]) for i in range(count)]
    own = [g("mul", g.p("a"), 1.0 + 0.1 * i) for i in range(count)]
    timed = [g("mul", g.op("time"), 0.01 * (1 + i % 4)) for i in range(count)]
    noisy = [g.op("random", value=i) for i in range(count)]
    total = stocks[1][0]
    for each in stocks[1][1:]:
        total = g("add", total, each)
    pool = [*stocks, held, rings, own, timed, noisy, [g("mul", 0.05, total)] * count, [g.const(0.25)] * count]
    exponents = (
        [0.3 + 0.2 * i for i in range(count)]
        if draw(st.booleans())
        else [draw(st.sampled_from([1.7, 3.0, 0.6]))] * count
    )
    tables = draw(st.sampled_from(["one", "each", "long"]))
    for _ in range(draw(st.integers(4, 16))):
        kind = draw(
            st.sampled_from(
                [
                    "add",
                    "mul",
                    "sub",
                    "div",
                    "max",
                    "least",
                    "pow",
                    "rise",
                    "exp",
                    "tanh",
                    "table",
                    "if",
                    "and",
                    "turn",
                    "odd",
                ]
            )
        )
        x, y, z = (draw(st.sampled_from(pool)) for _ in range(3))
        odd = draw(st.integers(0, count - 1))
        made = []
        for i in range(count):
            one = g("max", -2.0, g("min", x[i], 2.0))
            positive = g("add", 1.1, g("abs", one))
            match kind:
                case "add" | "sub":
                    value = g("mul", 0.5, g(kind, x[i], y[i]))
                case "mul" | "max":
                    value = g("mul", 0.9, g(kind, one, y[i]))
                case "div":
                    value = g("div", y[i], positive)
                case "least":
                    value = g("min", x[i], 0.1 * i)
                case "pow":
                    value = g("mul", 0.2, g("pow", positive, exponents[i]))
                case "rise":
                    value = g("mul", 0.2, g("pow", positive, own[i]))
                case "exp" | "tanh":
                    value = g("mul", 0.3, g(kind, one))
                case "table":
                    knots = tuple(np.linspace(-1, 1, 30 if tables == "long" else 5).tolist())
                    shift = 0.01 * i if tables == "each" else 0.0
                    value = g.op("lookup", x[i], value=Table(knots, tuple(0.5 * k * k + shift for k in knots)))
                case "if":
                    value = g("select", g("lt", x[i], y[i]), y[i], z[i])
                case "and":
                    value = g(
                        "mul",
                        0.4,
                        g("or", g("and", g("lt", x[i], y[i]), g("gt", z[i], 0.2)), g("not", g("le", y[i], z[i]))),
                    )
                case "turn":
                    value = g("mul", 0.5, g("sub", x[(i + 1) % count], x[i]))
                case _:
                    value = g("mul", 0.7, x[i]) if i != odd else g("sub", x[i], g("mul", 0.2, y[i]))
            made.append(value)
        pool.append(made)
    for name, own_stocks in zip("xyz", stocks, strict=True):
        feeding = draw(st.sampled_from(pool))
        for i, each in enumerate(own_stocks):
            b.rate(f"{name}{i}", g("sub", g("mul", 0.3, feeding[i]), g("mul", 0.4, each)))
    next_held = draw(st.sampled_from(pool))
    for i in range(count):
        b.rate(f"h{i}", next_held[i])
    return b.program(**{f"v{k}_{i}": each[i] for k, each in enumerate(pool) for i in range(count)})


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(arrays(), st.sampled_from(list(METHODS)))
def test_programs_of_arrays(program, method):
    compare(program, Schedule(0.0, 0.125, 17, 3), method=method)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_every_construct(path):
    program = program_of(read_model(path))
    schedule, _ = schedule_of(program, np.array(program.defaults))
    task = Task(np.array([program.defaults]), schedule, METHODS["rk4"], 1, 0, 1)
    compiled = jit.compile_plan(planned(program))
    assert_same_bits(compiled.execute(task), compiled.runner(4 if jit.machine_width() > 2 else 2).execute(task))


def test_the_composed_model_in_every_regime():
    program = program_of(open_model("alliance"))
    parameters = read_parameters()
    p = np.tile(np.array(program.defaults), (6, 1))
    for row, regime in zip(p[1:], read_regimes(), strict=False):
        for name, value in regime.values(parameters).items():
            row[[i for flat, i in program.parameter_index.items() if flat.split("[")[0] == name]] = value
    assert len(np.unique(p, axis=0)) >= 5
    schedule, _ = schedule_of(program, p[0])
    compiled = jit.compile_plan(planned(program))
    task = Task(p, schedule, METHODS["rk4"], 0, 0, 1)
    assert_same_bits(compiled.single_runner().execute(task), compiled.execute(task))


def test_limited_stocks_failures_and_frozen_values():
    b = Build(k=1.0, m=2.0)
    g = b.g
    begun = b.hold(b.start("exp", b.start("mul", b.start.p("k"), 0.1)))
    for i in range(11):
        s = b.state(f"s{i}", 1.0 + i, non_negative=i % 2 == 0)
        b.rate(f"s{i}", g("mul", g("sub", g.p("k"), g("mul", begun, 0.4 * i)), g("add", s, 0.1)))
    b.state("t", 0.5)
    b.rate("t", g("log", g("sub", g.p("m"), g.op("time"))))
    program = b.program(begun=begun)
    for method in METHODS:
        compare(program, Schedule(0.0, 0.125, 40, 5), method=method, count=3)
    task = Task(np.array([program.defaults]), Schedule(0.0, 0.125, 40, 5), METHODS["euler"], 0, 0, 1)
    failed = jit.compile_plan(planned(program)).execute(task).failed
    assert failed.tolist() == [4]  # the logarithm is without a value after t = 2, seen at the save of t = 2.5


@pytest.mark.parametrize("pieces", [40, 10**6])
def test_pieces_threads_parts_of_time_and_runs_one_after_the_other(pieces, monkeypatch):
    from alliance_dynamics.kernel import elements, single

    program = big(600)
    made, p = planned(program), rows(program, 7)
    schedule = Schedule(0.0, 0.25, 20, 4)
    wanted = jit.compile_plan(made).runner(WIDTHS[-1]).execute(Task(p, schedule, METHODS["rk4"], 7, 2, 1))
    monkeypatch.setattr(elements, "PIECE", pieces)
    runner = jit.compile_plan(made).single_runner()
    for threads in (1, 3):
        assert_same_bits(runner.execute(Task(p, schedule, METHODS["rk4"], 7, 2, threads)), wanted)
    monkeypatch.setattr(single, "TIMES_BYTES", 1)
    monkeypatch.setattr(single, "REMEMBERED_BYTES", 1)
    assert_same_bits(runner.execute(Task(p, schedule, METHODS["rk4"], 7, 2, 1)), wanted)


def array_of_stocks() -> Program:
    b = Build(a=0.3)
    g = b.g
    stocks = [b.state(f"s{i}", 1.0 + i) for i in range(24)]
    for i in reversed(range(24)):
        b.rate(f"s{i}", g("sub", g("pow", stocks[i], g("mul", g.p("a"), 1.0 + i)), g("mul", stocks[i], 0.1 + i)))
    return b.program()


def test_elements_of_an_array_fill_the_lanes():
    """24 elements take three vectors for each operation, whatever states and results are called."""
    made = planned(array_of_stocks())
    group_of = {i: group for group, indices in made.groups.items() for i in indices}
    rates = {s: made.program.states[s].rate for s in made.integrated}
    shape = shape_of(made.program.step, group_of, rates, kinds_of(made))
    packs = packs_of(shape, {i: op.value for i, op in enumerate(made.program.step) if op.kind == "state"}, 8, [])
    assert [len(pack) for pack in packs["stage"]] == [8] * 9
    source = element_source(made, width=8)
    assert source.cycles < stage_cycles(made) / 7.5


def test_a_few_runs_of_an_array_are_made_one_after_the_other():
    made = planned(big(60))
    compiled = jit.compile_plan(made)
    for count in (1, 2, 3, 5):
        task = Task(rows(big(60), count), Schedule(0.0, 0.25, 8, 4), METHODS["rk4"], 0, 0, 1)
        wanted = compiled.runner(WIDTHS[-1]).execute(task)
        assert_same_bits(compiled.execute(task), wanted)
        assert_same_bits(compiled.execute(task), wanted)


def test_runs_whose_states_leave_the_nearest_cache_are_made_one_after_the_other(monkeypatch):
    monkeypatch.setattr(jit, "CROWDED", 100)
    program = array_of_stocks()
    made, chosen = planned(program), []
    compiled = jit.compile_plan(made)
    task = Task(rows(program, 21), Schedule(0.0, 0.25, 8, 4), METHODS["rk4"], 3, 5, 2)
    wanted = compiled.runner(WIDTHS[-1]).execute(task)
    monkeypatch.setattr(compiled, "single_runner", lambda once=compiled.single_runner: chosen.append(1) or once())
    assert_same_bits(compiled.execute(task), wanted)
    assert chosen
