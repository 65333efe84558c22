"""Indices of many outputs beside SALib and SciPy, and how a sweep gains from workers and loses to small shards.

Run `python -m benchmarks.sensitivity`.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.sensitivity import Factor, SobolDesign, accumulate, combine, sobol_design
from alliance_dynamics.settings import schedule_of
from alliance_dynamics.simulate import program_of
from alliance_dynamics.sweeps.executors import Workers
from alliance_dynamics.sweeps.sweep import run_sweep
from alliance_dynamics.sweeps.task import sweep_task

FACTORS, OUTPUTS, POINTS, REPLICATES, RESAMPLES = 20, 200, 4096, 16, 1000
RUNS = 4096


def measure() -> dict[str, float]:
    """CPU seconds: 200 outputs of 20 factors with intervals, against SALib's and SciPy's for one output, extrapolated.

    RuntimeError where the indices of one output differ by more than the samples allow.
    """
    design = _design(POINTS // REPLICATES, REPLICATES)
    outputs = _outputs(design)
    began = time.process_time()
    parts = [
        accumulate(design, k, outputs[k], axes={"outcome": [str(i) for i in range(OUTPUTS)]}, pairs=False)
        for k in range(REPLICATES)
    ]
    found = combine(design, parts, axes={"outcome": [str(i) for i in range(OUTPUTS)]})
    ours = time.process_time() - began
    salib, first = _salib(resamples=RESAMPLES)
    scipy = _scipy()
    if abs(first - float(found.S1.value[0, 0])) > 0.02:
        raise RuntimeError(f"S1 is {found.S1.value[0, 0]} here and {first} in SALib")
    return {
        "ours, 200 outputs, CPU s": ours,
        "SALib, one output, 1,000 resamples, CPU s": salib,
        "SALib, 200 outputs, extrapolated, over ours": OUTPUTS * salib / ours,
        "SciPy sobol_indices, one output, no interval, CPU s": scipy,
        "SciPy, 200 outputs, extrapolated, over ours": OUTPUTS * scipy / ours,
    }


def efficiency() -> dict[str, float]:
    """Runs per second of a sweep of the composed model, by executor, workers and rows of a shard, over one thread."""
    model = open_model("alliance")
    program = program_of(model)
    schedule, _ = schedule_of(program, np.array(program.defaults))
    task = sweep_task(program, ("present_value_of_grp", "alliance_fund"), schedule, method=model.time.method)
    spread = np.random.default_rng(1).uniform(0.99, 1.01, (RUNS, 1))
    column = program.parameter_index["discount_rate"]
    base = np.array(program.defaults)

    def rows(first: int, count: int) -> np.ndarray:
        found = np.tile(base, (count, 1))
        found[:, column] *= spread[first : first + count, 0]
        return found

    def rate(kind: str, workers: int, shard: int) -> float:
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            run_sweep(task, rows, RUNS, Path(folder) / "sweep", workers=Workers(kind, workers), shard_rows=shard)  # type: ignore[arg-type]
            return RUNS / (time.perf_counter() - began)

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    rate("threads", 1, 1024)  # compiled once
    alone = rate("threads", 1, 4096)
    found = {"one thread, shards of 4,096, runs a second": alone}
    for kind, workers, shard in (
        ("threads", 1, 64), ("threads", 1, 1024), ("threads", cores, 4096), ("threads", cores, 1024),
        ("threads", cores, 64), ("processes", cores, 1024), ("processes", cores, 256),
    ):  # fmt: skip
        found[f"{kind}, {workers}, shards of {shard:,}, efficiency"] = rate(kind, workers, shard) / alone / workers
    return found


def _design(points: int, replicates: int) -> SobolDesign:
    factors = [Factor(f"x{i}", f"x{i}", 0.0, 1.0) for i in range(FACTORS)]
    return sobol_design(factors, points=points, replicates=replicates, seed=1)


def _g(x: np.ndarray) -> np.ndarray:
    """Sobol's G function of 20 inputs, the first ones important."""
    a = np.array([0, 1, 4.5, 9] + [99] * (FACTORS - 4))
    return np.prod((np.abs(4 * x - 2) + a) / (1 + a), axis=1)


def _outputs(design: SobolDesign) -> np.ndarray:
    """[replicate, row, output]: 200 powers of one function, so that no two outputs are alike."""
    powers = np.linspace(1.0, 1.5, OUTPUTS)
    values = [_g(design.rows(k * design.rows_per_replicate, design.rows_per_replicate)) for k in range(REPLICATES)]
    return np.stack([each[:, None] ** powers for each in values])


def _salib(resamples: int) -> tuple[float, float]:
    from SALib.analyze import sobol
    from SALib.sample import sobol as sample

    problem = {"num_vars": FACTORS, "names": [f"x{i}" for i in range(FACTORS)], "bounds": [[0, 1]] * FACTORS}
    y = _g(sample.sample(problem, POINTS, calc_second_order=False, seed=1))
    began = time.process_time()
    found = sobol.analyze(problem, y, calc_second_order=False, num_resamples=resamples, seed=1)
    return time.process_time() - began, float(found["S1"][0])


def _scipy() -> float:
    """SciPy's own sampling and evaluation are part of its call."""
    from scipy import stats

    began = time.process_time()
    stats.sobol_indices(func=lambda x: _g(x.T), n=POINTS, dists=[stats.uniform()] * FACTORS,
                        rng=np.random.default_rng(1))  # fmt: skip
    return time.process_time() - began


if __name__ == "__main__":
    with threadpool_limits(1):
        for name, value in {**measure(), **efficiency()}.items():
            print(f"{name:<60} {value:.4g}")
