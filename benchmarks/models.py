"""Other work of our kernels, beside what others do for it: derivatives, arrays, a model of published size, growth."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from alliance_dynamics.kernel.integrate import compile_kernel
from benchmarks import w1, w2, world
from benchmarks.engines import agree, in_lanes_of_runs
from benchmarks.measure import Engine

WORLD_YEARS = 2  # of 200 that PySD is timed over


def prepare(folder: Path, *, quick: bool = False) -> list[Engine]:
    return [*derivatives(), *growth(), *smaller(folder), *arrays(folder), *large(folder, quick=quick)]


def derivatives() -> list[Engine]:
    """All 20 derivatives of W1's 306 numbers, and what differences of runs would take for them."""
    program = w1.program()
    kernel = compile_kernel(program, w1.OUTPUTS, backend="llvm")
    schedule, names = w1.schedule(4), list(w1.RANGES)
    rows = w1.draws(program, 64)
    columns = [program.parameter_index[name] for name in names]
    exact = kernel.jacobian(rows[:1], schedule, names).slopes[0]
    step = 1e-6 * rows[0, columns]
    up, down = (np.repeat(rows[:1], len(names), axis=0) for _ in range(2))
    up[range(len(names)), columns] += step
    down[range(len(names)), columns] -= step
    either = kernel.run(np.concatenate([up, down]), schedule).values.reshape(2, len(names), *exact.shape[:2])
    rough = (either[0] - either[1]).transpose(1, 2, 0) / (2 * step)
    rounding = 1e-14 * np.abs(either).max(axis=(0, 1, 2))[:, None] / step
    beyond = np.abs(rough - exact) - 1e-5 * np.abs(exact).max(axis=0) - rounding
    print(f"derivatives: central differences differ by {np.abs(rough - exact).max():.1e}")
    if not (beyond <= 0).all():
        raise SystemExit("the derivatives differ from central differences; nothing was timed")
    return [
        Engine("W1 RK4 1/4, one run", lambda: kernel.run(rows[:1], schedule)),
        Engine("W1 RK4 1/4, 64 runs", lambda: kernel.run(rows, schedule), 64),
        Engine("W1 20 derivatives, one point", lambda: kernel.jacobian(rows[:1], schedule, names)),
        Engine("W1 20 derivatives, 64 points", lambda: kernel.jacobian(rows, schedule, names), 64),
        Engine("W1 central differences, one point", lambda: kernel.run(np.concatenate([up, down, rows[:1]]), schedule)),
    ]


def growth() -> list[Engine]:
    """W1, RK4 1/16, by the number of runs."""
    program = w1.program()
    kernel = compile_kernel(program, w1.OUTPUTS, backend="llvm")
    rows = w1.draws(program, 512)

    def work(count: int) -> Callable[[], object]:
        return lambda: kernel.run(rows[:count], w1.schedule(16))

    return [Engine(f"W1 RK4 1/16, {count} runs", work(count), count) for count in (8, 64, 512)]


def smaller(folder: Path) -> list[Engine]:
    """W2 with fewer regions, by the number of states."""
    engines = []
    for regions in (1, 2, 4):
        program = w2.program(folder, regions)
        kernel = compile_kernel(program, w2.outputs(regions), backend="llvm")
        rows, schedule = np.tile(np.array(program.defaults), (32, 1)), w1.schedule(4)
        states = len(program.states)
        engines += [
            Engine(f"W2 of {states} states, one run", partial(kernel.run, rows[:1], schedule)),
            Engine(f"W2 of {states} states, 32 runs", partial(kernel.run, rows, schedule), 32, 3),
        ]
    return engines


def arrays(folder: Path) -> list[Engine]:
    program = w2.program(folder)
    kernel = compile_kernel(program, w2.OUTPUTS, backend="llvm")
    rows = np.tile(np.array(program.defaults), (32, 1))
    schedule = w1.schedule(4)
    agree(w2.by_hand(4), kernel.run(rows[:1], schedule).values[0], 1e-9, "arrays by hand, W2")
    return [
        Engine("W2 RK4 1/4, one run", lambda: kernel.run(rows[:1], schedule)),
        Engine("W2 RK4 1/4, one run in lanes of runs", in_lanes_of_runs(program, w2.OUTPUTS, rows[:1], schedule)),
        Engine("W2 RK4 1/4, 32 runs", lambda: kernel.run(rows, schedule), 32, 3, "one after the other"),
        Engine("W2 NumPy by hand over elements, one run", lambda: w2.by_hand(4), rounds=3),
    ]


def large(folder: Path, *, quick: bool) -> list[Engine]:
    """The model of published size; PySD is timed over a few years and counted by the share of them."""
    program = world.program(folder)
    kernel = compile_kernel(program, world.OUTPUTS, backend="llvm")
    row, schedule = np.array(program.defaults)[None], world.schedule()
    euler = kernel.run(row, schedule, method="euler").values[0]
    simlin = simlin_of(folder / "world.mdl")
    agree(simlin(), euler, 1e-9, "pysimlin, world")
    engines = [
        Engine("world RK4, one run", lambda: kernel.run(row, schedule)),
        Engine("world Euler, one run", lambda: kernel.run(row, schedule, method="euler")),
        Engine("world RK4, one run in lanes of runs", in_lanes_of_runs(program, world.OUTPUTS, row, schedule)),
        Engine("world RK4, 256 runs", lambda: kernel.run(np.repeat(row, 256, axis=0), schedule), 256, 3),
        Engine("world pysimlin Euler, one run", simlin),
    ]
    if quick:
        return engines
    import pysd

    model = pysd.read_vensim(str(folder / "world.mdl"))

    def theirs() -> np.ndarray:
        last = schedule.start + WORLD_YEARS
        return model.run(return_columns=list(world.OUTPUTS), final_time=last, saveper=1).to_numpy(float)

    agree(theirs(), euler[: WORLD_YEARS + 1], 1e-9, "PySD, world")
    years = schedule.steps * schedule.dt
    return [*engines, Engine("world PySD Euler, one run", theirs, WORLD_YEARS / years, 2)]


def simlin_of(path: Path) -> Callable[[], np.ndarray]:
    import simlin

    content = json.loads(simlin.load(str(path)).project.serialize_json())
    content["simSpecs"]["method"] = "euler"
    project = simlin.Project._from_bytes(json.dumps(content).encode(), simlin.project.FileFormat.NATIVE_JSON)
    simulation = project.get_model().simulate()

    def run() -> np.ndarray:
        simulation.reset()
        simulation.run_to_end()
        return np.column_stack([simulation.get_series(name) for name in world.OUTPUTS])

    return run
