"""The composed model: one run, a thousand runs, two threads, PySD, compilation, cold start and memory.

Run `python -m benchmarks.alliance`.  PySD gets the three model texts joined to one, at default values.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from alliance_dynamics.kernel.integrate import compile_kernel
from alliance_dynamics.kernel.optimise import optimise
from alliance_dynamics.kernel.plan import plan
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.outcomes import series_of
from alliance_dynamics.settings import schedule_of
from alliance_dynamics.simulate import program_of
from benchmarks.engines import in_lanes_of_runs
from benchmarks.measure import Engine, keep, peak_megabytes, side_by_side, versions

RUNS = 1000
ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    warnings.simplefilter("ignore")
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    threads = two_threads() if len(cores) > 1 else None
    compiled = compile_times()
    cold = {"without cached model": cold_starts(fresh=True), "with cached model": cold_starts(fresh=False)}
    with threadpool_limits(1), tempfile.TemporaryDirectory() as folder:
        timings = side_by_side(prepare(Path(folder)))
    for each in timings.values():
        print(f"{each.name:<36} {each.median * 1e3:12.3f} ms a run")
    program, outputs = the_model()
    operations = {k: len(v) for k, v in plan(optimise(program), outputs).groups.items()}
    more = {"threads": threads, "compile": compiled, "cold": cold, "operations": operations,
            "states": len(program.states), "peak_mb": memory()}  # fmt: skip
    print(more)
    keep("alliance", timings, **more, versions=versions("numpy", "llvmlite", "pysd"))


def the_model() -> tuple[Program, tuple[str, ...]]:
    """The composed model and what a study stores of it."""
    model = open_model("alliance")
    return program_of(model), tuple(series_of(model).outputs)


def draws(program: Program, count: int, seed: int = 1) -> np.ndarray:
    """Defaults with every constant but the control constants moved by up to 1 %."""
    rows = np.tile(np.array(program.defaults), (count, 1))
    moved = [i for name, i in program.parameter_index.items() if not _is_fixed(name)]
    rows[1:, moved] *= 1 + 0.01 * np.random.default_rng(seed).uniform(-1, 1, (count - 1, len(moved)))
    return rows


def _is_fixed(name: str) -> bool:
    """Times, and years at which something changes."""
    return name in ("initial_time", "final_time", "time_step", "saveper") or "year" in name


def prepare(folder: Path, *, quick: bool = False) -> list[Engine]:
    program, outputs = the_model()
    rows = draws(program, RUNS)
    schedule, _ = schedule_of(program, rows[0])
    kernel = compile_kernel(program, outputs, backend="llvm")
    numpy = compile_kernel(program, outputs, backend="numpy")
    check("NumPy back-end", numpy.run(rows[:8], schedule).values, kernel.run(rows[:8], schedule).values, 1e-9)

    def ours(count: int, method: str, used: Any = kernel) -> Callable[[], Any]:
        return lambda: used.run(rows[:count], schedule, method=method)

    engines = [
        Engine("LLVM RK4, one run", ours(1, "rk4")),
        Engine("LLVM Euler, one run", ours(1, "euler")),
        Engine("LLVM RK4, one run in lanes of runs", in_lanes_of_runs(program, outputs, rows[:1], schedule)),
        Engine("LLVM RK4, 1,000 runs", ours(RUNS, "rk4"), RUNS, 5),
        Engine("LLVM Euler, 1,000 runs", ours(RUNS, "euler"), RUNS, 5),
        Engine("NumPy back-end RK4, 1,000 runs", ours(RUNS, "rk4", numpy), RUNS, 2),
    ]
    if quick:
        return engines
    theirs, columns = pysd_run(folder, outputs)
    check("PySD", theirs(), kernel.run(rows[:1], schedule, method="euler").values[0][:, columns], 1e-6)
    return [*engines, Engine("PySD Euler, one run", theirs, rounds=2)]


def check(name: str, found: np.ndarray, ours: np.ndarray, within: float) -> None:
    """Differences against the largest value of each series; an engine that computes something else is not timed."""
    scale = np.abs(ours).max(axis=-2, keepdims=True)
    worst = float(np.max(np.abs(found - ours) / np.where(scale > 0, scale, 1.0)))
    print(f"{name}: largest difference {worst:.1e} of a series' largest value")
    if not worst <= within:
        raise SystemExit(f"{name} differs by {worst:.1e}; nothing was timed")


def pysd_run(folder: Path, outputs: tuple[str, ...]) -> tuple[Callable[[], np.ndarray], list[int]]:
    """PySD's run of the joined texts and which of our outputs, by name, it gives in the same order."""
    import pysd

    sys.path.insert(0, str(ROOT / "tests" / "sdmodels"))
    from model_texts import composed

    path = folder / "alliance.mdl"
    path.write_text(composed(), encoding="utf-8")
    model = pysd.read_vensim(str(path))
    wanted = sorted({name.split("[")[0] for name in outputs})
    known = {_plain(name): name for name in model.doc["Real Name"]}
    asked = [known[name] for name in wanted]
    flat = {_plain(column): i for i, column in enumerate(model.run(return_columns=asked, saveper=1).columns)}
    columns = [i for i, name in enumerate(outputs) if _plain(name) in flat]
    order = [flat[_plain(outputs[i])] for i in columns]
    if len(columns) < 0.9 * len(outputs):
        raise SystemExit(f"only {len(columns)} of {len(outputs)} outputs are found by name in PySD")
    return lambda: model.run(return_columns=asked, saveper=1).to_numpy(float)[:, order], columns


def _plain(name: str) -> str:
    return re.sub(r"[\s_]+", "_", name.replace('"', "").strip()).casefold()


def two_threads(rounds: int = 25) -> dict[str, float]:
    """Least wall time of one thread over that of two, alternating; 256 runs of this model and 8,192 of W1."""
    from benchmarks import w1

    program, outputs = the_model()
    rows = draws(program, 256)  # short, so that some rounds have both cores to themselves
    small = w1.program()
    work = {
        "alliance, 256 runs": (compile_kernel(program, outputs), rows, schedule_of(program, rows[0])[0]),
        "W1, 8,192 runs": (compile_kernel(small, w1.OUTPUTS), w1.draws(small, 8192), w1.schedule(16)),
    }
    found = {}
    for name, (kernel, parameters, schedule) in work.items():
        same = [kernel.run(parameters, schedule, threads=n).values for n in (1, 2)]
        assert np.array_equal(*same), "the bits depend on the number of threads"
        spent: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(rounds):
            for threads, times in spent.items():
                began = time.perf_counter()
                kernel.run(parameters, schedule, threads=threads)
                times.append(time.perf_counter() - began)
        found[name] = min(spent[1]) / min(spent[2])  # others on the machine only ever add
    return found


def compile_times(rounds: int = 3) -> dict[str, float]:
    """CPU seconds from model text or program to a kernel, nothing remembered; medians."""
    from alliance_dynamics.kernel import jit
    from alliance_dynamics.kernel.flatten import flatten
    from alliance_dynamics.model.built_in import MODULES
    from alliance_dynamics.model.compose import compose
    from alliance_dynamics.model.read import read_model
    from alliance_dynamics.resources import resource

    program, outputs = the_model()
    model = open_model("alliance")
    files = [resource("sdmodels") / f"{name}.mdl" for name in MODULES]
    prepared = plan(optimise(program), outputs)
    steps: dict[str, Callable[[], Any]] = {
        "reading the three texts": lambda: compose([read_model(path, cache=False) for path in files], "alliance"),
        "flattening": lambda: flatten(model),
        "optimising and planning": lambda: plan(optimise(program), outputs),
        "writing and compiling LLVM, many runs": lambda: jit.compile_plan(prepared).runner(jit.machine_width()),
        "writing and compiling LLVM, one run": lambda: jit.compile_plan(prepared).single_runner(),
    }
    found = {}
    for name, step in steps.items():
        spent = []
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as cache, _environment("ALLIANCE_DYNAMICS_CACHE", cache):
                began = os.times()
                step()
                spent.append(sum(os.times()[:4]) - sum(began[:4]))  # the reader of texts is a process of its own
        found[name] = statistics.median(spent)
    return found


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def cold_starts(*, fresh: bool, rounds: int = 3) -> dict[str, float]:
    """`alliance run alliance` in a new process: wall and CPU seconds, medians; `fresh`: its cache folder is empty.

    Python's own bytecode is there in both cases, as it is after an installation.
    """
    walls, processors = [], []
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"PYTHONPYCACHEPREFIX": f"{folder}/bytecode"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for number in range(rounds + 1):  # the first writes what the others find
            environment["ALLIANCE_DYNAMICS_CACHE"] = str(Path(folder) / (str(number) if fresh else "1"))
            command = [sys.executable, "-m", "alliance_dynamics", "run", "alliance", "--out", f"{folder}/run.csv"]
            began, before = time.perf_counter(), os.times()
            subprocess.run(command, check=True, capture_output=True, env=environment, cwd=ROOT)
            after = os.times()
            if number:
                walls.append(time.perf_counter() - began)
                used = after.children_user + after.children_system
                processors.append(used - before.children_user - before.children_system)
    return {"wall_s": statistics.median(walls), "cpu_s": statistics.median(processors)}


def memory() -> dict[str, float]:
    """Peak memory of fresh processes that make one run and a thousand, in MB."""
    text = "import sys; from benchmarks import alliance; print(alliance.peak_of(int(sys.argv[1])))"
    return {
        f"{count} runs": float(
            subprocess.run([sys.executable, "-c", text, str(count)], check=True,
                           capture_output=True, text=True, cwd=ROOT).stdout
        ) for count in (1, RUNS)
    }  # fmt: skip


def peak_of(count: int) -> float:
    program, outputs = the_model()
    rows = draws(program, count)
    compile_kernel(program, outputs).run(rows, schedule_of(program, rows[0])[0])
    return peak_megabytes()


if __name__ == "__main__":
    main()
