"""W3: 172,032 runs of W1 and their Sobol' indices with intervals, against SALib's analysis of the same numbers.

Run `python -m benchmarks.sweep`; with `--whole PRECISION FOLDER` it does the sweep alone, for the time and memory of a
fresh process, and leaves the indices in the folder.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

BEGAN = time.perf_counter()

import numpy as np  # noqa: E402
from threadpoolctl import threadpool_limits  # noqa: E402

from alliance_dynamics.kernel.integrate import Kernel, compile_kernel  # noqa: E402
from alliance_dynamics.sensitivity import Factor, SobolDesign, SobolIndices, accumulate, combine, sobol_design  # noqa: E402
from benchmarks import w1  # noqa: E402
from benchmarks.measure import Engine, peak_megabytes, pin, side_by_side  # noqa: E402

POINTS, REPLICATES = 256, 16
AXES = {"outcome": list(w1.OUTPUTS), "year": list(range(2000, 2051))}


def main() -> None:
    if "--whole" in sys.argv:
        whole(*sys.argv[-2:])
        return
    with threadpool_limits(1):
        for name, value in measure().items():
            print(f"{name:<44} {value:.4g}")


def measure() -> dict[str, float]:
    """The whole sweep in processes of its own, and SALib's time for one series beside ours for all of them."""
    design, kernel, template = prepare()
    outputs = next(runs(design, kernel, template, replicates=1))
    timings = side_by_side(
        [
            Engine("ours", lambda: analyse(design, 0, outputs), rounds=2),
            Engine("SALib", salib_of(design, outputs[:, 0, 25], resamples=100), rounds=2),
        ],
        rounds=2,
    )
    with tempfile.TemporaryDirectory() as folder:
        spent, single = (fresh(precision, folder) for precision in ("double", "single"))
        found = [np.load(Path(folder) / f"{precision}.npy") for precision in ("double", "single")]
    moved = np.nanmax(np.abs(found[0] - found[1]))
    series = len(AXES["year"]) * len(w1.OUTPUTS)
    theirs = timings["SALib"].median * series
    return {
        "simulation, CPU s": spent["simulation_s"],
        "analysis, CPU s": spent["analysis_s"],
        "whole process, CPU s": spent["cpu_s"],
        "whole process, wall s": spent["wall_s"],
        "peak memory, GiB": spent["peak_mb"] / 1024,
        "SALib's analysis of one series, CPU s": timings["SALib"].median,
        f"SALib's analysis of {series} series, extrapolated, CPU s": theirs,
        "SALib's analysis over our analysis": theirs / spent["analysis_s"],
        "SALib's analysis over the whole of W3": theirs / spent["cpu_s"],
        "in single precision: simulation, CPU s": single["simulation_s"],
        "in single precision: whole process, CPU s": single["cpu_s"],
        "SALib's analysis over the whole of W3 in single precision": theirs / single["cpu_s"],
        "largest move of S1 or ST in single precision": float(moved),
    }


def fresh(precision: str, folder: str) -> dict[str, float]:
    """What `whole` says in a new process."""
    command = [sys.executable, *[f"-W{each}" for each in sys.warnoptions], "-m", "benchmarks.sweep", "--whole"]
    told = subprocess.run(
        [*command, precision, folder], check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1]
    ).stdout
    return {key: float(value) for key, value in (line.split("=") for line in told.split())}


def prepare(precision: str = "double") -> tuple[SobolDesign, Kernel, np.ndarray]:
    program = w1.program()
    factors = [Factor(name, name, low, high) for name, (low, high) in w1.RANGES.items()]
    design = sobol_design(factors, points=POINTS, replicates=REPLICATES, seed=1)
    kernel = compile_kernel(program, w1.OUTPUTS, vary=list(w1.RANGES), precision=precision)
    return design, kernel, np.array(program.defaults)


def runs(
    design: SobolDesign, kernel: Kernel, template: np.ndarray, replicates: int = REPLICATES, threads: int = 1
) -> Iterator[np.ndarray]:
    """Outputs [row of replicate, output, year] of one replicate after the other; only one is in memory."""
    columns = [kernel.program.parameter_index[name] for name in w1.RANGES]
    for replicate in range(replicates):
        rows = np.tile(template, (design.rows_per_replicate, 1))
        rows[:, columns] = design.rows(replicate * design.rows_per_replicate, design.rows_per_replicate)
        result = kernel.run(rows, w1.schedule(4), threads=threads)
        assert (result.failed < 0).all()
        yield result.values.transpose(0, 2, 1)


def analyse(design: SobolDesign, replicate: int, outputs: np.ndarray):
    return accumulate(design, replicate, outputs, axes=AXES, pairs=True)


def indices(design: SobolDesign, kernel: Kernel, template: np.ndarray) -> tuple[SobolIndices, dict[str, float]]:
    """The whole sweep, with the CPU time of its two halves."""
    spent = {"simulation_s": 0.0, "analysis_s": 0.0}
    parts = []
    mark = time.process_time()
    for replicate, outputs in enumerate(runs(design, kernel, template)):
        spent["simulation_s"] += time.process_time() - mark
        mark = time.process_time()
        parts.append(analyse(design, replicate, outputs))
        spent["analysis_s"] += time.process_time() - mark
        mark = time.process_time()
    found = combine(design, parts, axes=AXES)
    spent["analysis_s"] += time.process_time() - mark
    return found, spent


def whole(precision: str, folder: str) -> None:
    """From the start of the process to the table of indices; prints key=value."""
    pin()
    with threadpool_limits(1):
        design, kernel, template = prepare(precision)
        found, spent = indices(design, kernel, template)
        table = found.table
    spent |= {"wall_s": time.perf_counter() - BEGAN, "cpu_s": time.process_time(), "rows": len(table)}
    spent |= {"runs": design.row_count, "peak_mb": peak_megabytes(), "series": len(AXES["year"]) * len(w1.OUTPUTS)}
    np.save(Path(folder) / f"{precision}.npy", np.stack([found.S1.value, found.ST.value]))
    for key, value in spent.items():
        print(f"{key}={value}")


def salib_of(design: SobolDesign, series: np.ndarray, resamples: int):
    """SALib's second-order analysis of as many rows as the whole design has, of one series."""
    from SALib.analyze import sobol

    from alliance_dynamics.sensitivity.salib import salib_order

    problem = {"num_vars": len(w1.RANGES), "names": list(w1.RANGES), "bounds": [list(r) for r in w1.RANGES.values()]}
    ordered = np.tile(series[salib_order(design)], REPLICATES)
    return lambda: sobol.analyze(problem, ordered, calc_second_order=True, num_resamples=resamples, seed=1)


if __name__ == "__main__":
    main()
