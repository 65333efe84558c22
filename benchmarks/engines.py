"""W1 in our kernels, PySD, pysimlin, SciPy and vectorised NumPy, side by side; run `python -m benchmarks.engines`.

Every engine stores six stocks at 51 years.  Numbers are compared with ours before anything is timed.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from alliance_dynamics.kernel import jit
from alliance_dynamics.kernel.integrate import METHODS, Schedule, Task, compile_kernel
from alliance_dynamics.kernel.optimise import optimise
from alliance_dynamics.kernel.plan import plan
from alliance_dynamics.kernel.program import Program
from benchmarks import w1
from benchmarks.measure import Engine, keep, side_by_side, versions

RUNS = 2048
YEARS = np.arange(2000.0, 2051.0)


def main() -> None:
    warnings.simplefilter("ignore")
    with threadpool_limits(1), tempfile.TemporaryDirectory() as folder:
        engines, errors = prepare(Path(folder))
        timings = side_by_side(engines)
    for timing in timings.values():
        print(f"{timing.name:<32} {timing.median * 1e6:14.1f} us a run  {timing.note}")
    used = versions("numpy", "scipy", "llvmlite", "pysd", "pysimlin", "xarray")
    keep("engines", timings, errors=errors, versions=used)
    print(used)


def prepare(folder: Path, *, quick: bool = False) -> tuple[list[Engine], dict[str, float]]:
    """The engines, each checked, and the largest relative errors of some against RK4 with dt = 1/512."""
    program = w1.program()
    rows = w1.draws(program, 4096)
    llvm = compile_kernel(program, w1.OUTPUTS, backend="llvm")
    numpy = compile_kernel(program, w1.OUTPUTS, backend="numpy")
    single = compile_kernel(program, w1.OUTPUTS, precision="single")
    one = rows[:1]
    columns = [program.parameter_index[name] for name in w1.RANGES]
    euler, rk4 = (llvm.run(one, w1.schedule(16), method=m).values[0] for m in ("euler", "rk4"))
    exact = llvm.run(one, w1.schedule(512)).values[0]
    agree(numpy.run(rows[:64], w1.schedule(4)).values, llvm.run(rows[:64], w1.schedule(4)).values, 1e-11, "NumPy")
    agree(w1.arrays_rk4(rows[:64, columns], 4), llvm.run(rows[:64], w1.schedule(4)).values, 1e-9, "arrays")
    agree(single.run(rows[:64], w1.schedule(4)).values, llvm.run(rows[:64], w1.schedule(4)).values, 1e-4, "single")
    errors = {f"RK4 1/{n}": error(llvm.run(one, w1.schedule(n)).values[0], exact) for n in (4, 16)}
    errors |= {f"RK4 1/{n}, single precision": error(single.run(one, w1.schedule(n)).values[0], exact) for n in (4, 16)}
    errors["Euler 1/16"] = error(euler, exact)

    def ours(kernel: Any, count: int, steps: int, method: str = "rk4") -> Callable[[], Any]:
        return lambda: kernel.run(rows[:count], w1.schedule(steps), method=method)

    engines = [
        Engine("LLVM RK4 1/16", ours(llvm, RUNS, 16), RUNS),
        Engine("LLVM RK4 1/4", ours(llvm, RUNS, 4), RUNS),
        Engine("LLVM RK4 1/4, single precision", ours(single, RUNS, 4), RUNS, note="for screening"),
        Engine("LLVM Euler 1/16", ours(llvm, RUNS, 16, "euler"), RUNS),
        Engine("LLVM RK4 1/16, one run", ours(llvm, 1, 16), 1, note="its own operations fill the lanes where they can"),
        Engine("LLVM RK4 1/16, one run in lanes of runs", in_lanes_of_runs(program, w1.OUTPUTS, one, w1.schedule(16))),
        Engine("NumPy back-end RK4 1/4, 512", ours(numpy, 512, 4), 512, 3),
        Engine("NumPy back-end RK4 1/4, 4096", ours(numpy, 4096, 4), 4096, 3),
        Engine("NumPy by hand RK4 1/4, 512", lambda: w1.arrays_rk4(rows[:512, columns], 4), 512, 3),
        Engine("NumPy by hand RK4 1/4, 4096", lambda: w1.arrays_rk4(rows[:, columns], 4), 4096, 3),
    ]
    values = w1.named(program, one[0])
    for name, label, rounds in (("w1_arithmetic", "arithmetic", 7), ("w1", "lookups", 3)):
        if quick and name == "w1":  # seconds a run
            continue
        run = pysd_run(folder, name, values)
        agree(run(), euler, 1e-9, f"PySD {name}")
        engines.append(Engine(f"PySD Euler 1/16, {label}", run, rounds=rounds))
    for method, wanted in (("euler", euler), ("rk4", rk4)):
        run = simlin_run(folder, method, values)
        agree(run(), wanted, 1e-9, f"pysimlin {method}")
        engines.append(Engine(f"pysimlin {method} 1/16", run))
    for method in ("RK45", "LSODA"):
        run = scipy_run(method, one[0, columns])
        agree(run(), exact, 1e-2, method)
        errors[f"SciPy {method}"] = error(run(), exact)
        engines.append(Engine(f"SciPy {method} rtol 1e-6", run, rounds=3))
    return engines, errors


def pysd_run(folder: Path, name: str, values: dict[str, float]) -> Callable[[], np.ndarray]:
    """PySD writes its translation beside the model, so the model is copied away from ours."""
    import pysd

    shutil.copy(w1.FOLDER / f"{name}.mdl", folder)
    model = pysd.read_vensim(str(folder / f"{name}.mdl"))
    return lambda: model.run(params=values, return_columns=list(w1.OUTPUTS), saveper=1)[list(w1.OUTPUTS)].to_numpy()


def simlin_run(folder: Path, method: str, values: dict[str, float]) -> Callable[[], np.ndarray]:
    """The low-level door: one simulation, reset, run to the end, six series fetched.

    pysimlin does not read TANH in Vensim files: it gets 1 - 2 / (EXP(2 x) + 1).
    """
    import simlin

    text = (w1.FOLDER / "w1.mdl").read_text(encoding="utf-8")
    path = folder / "w1_without_tanh.mdl"
    path.write_text(re.sub(r"TANH\(([^()]*)\)", r"(1-2/(EXP(2*(\1))+1))", text), encoding="utf-8")
    content = json.loads(simlin.load(str(path)).project.serialize_json())
    content["simSpecs"]["method"] = method
    project = simlin.Project._from_bytes(json.dumps(content).encode(), simlin.project.FileFormat.NATIVE_JSON)
    model = project.get_model()
    simulation = model.simulate(overrides=values)

    def run() -> np.ndarray:
        simulation.reset()
        for name, value in values.items():
            simulation.set_value(name, value)
        simulation.run_to_end()
        return np.column_stack([simulation.get_series(name) for name in w1.OUTPUTS])

    return run


def scipy_run(method: str, row: np.ndarray) -> Callable[[], np.ndarray]:
    """A right-hand side of plain floats, the quickest that Python allows."""
    from scipy.integrate import solve_ivp

    p = row.tolist()
    start = w1.initial(p, w1.FLOATS)

    def run() -> np.ndarray:
        found = solve_ivp(
            lambda t, y: w1.rates(t, y.tolist(), p, w1.FLOATS), (2000, 2050), start, method, YEARS, rtol=1e-6
        )
        return found.y[list(w1.STORED)].T

    return run


def in_lanes_of_runs(
    program: Program, outputs: Sequence[str], row: np.ndarray, schedule: Schedule, method: str = "rk4"
) -> Callable[[], Any]:
    """A single run as one lane of half vectors, the others idle; refused where its bits are not those of `run`."""
    compiled = jit.compile_plan(plan(optimise(program), outputs))
    task = Task(row, schedule, METHODS[method], 0, 0, 1)
    runner = compiled.runner(compiled.narrow)
    if runner.execute(task).values.tobytes() != compiled.single_runner().execute(task).values.tobytes():
        raise SystemExit("one run has other bits in lanes of its own; nothing was timed")
    return lambda: runner.execute(task)


def error(found: np.ndarray, exact: np.ndarray) -> float:
    return float(np.max(np.abs(found / exact - 1)))


def agree(found: np.ndarray, ours: np.ndarray, within: float, name: str) -> None:
    """Numbers first: an engine that computes something else is not timed."""
    worst = error(found, ours)
    print(f"{name}: largest relative difference {worst:.1e}")
    if not worst <= within:
        raise SystemExit(f"{name} differs by {worst:.1e}, more than {within:.0e}; nothing was timed")


if __name__ == "__main__":
    main()
