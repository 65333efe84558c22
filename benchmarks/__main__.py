"""Measure everything side by side in one process and write docs/performance.md; `--quick` only prints, in a minute."""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from pathlib import Path

from threadpoolctl import threadpool_limits

from benchmarks import alliance, calibration, engines, models, page, sensitivity, sweep
from benchmarks.measure import Engine, keep, side_by_side, versions


def main(quick: bool) -> None:
    warnings.simplefilter("ignore")
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    more: dict[str, dict[str, float]] = {}
    if len(cores) > 1:
        more["threads"] = alliance.two_threads(rounds=5 if quick else 25)
    if not quick:  # processes of their own, before this one binds itself to one core
        more["cold"] = {
            "a new process, nothing remembered": alliance.cold_starts(fresh=True)["wall_s"],
            "a new process, model text read before": alliance.cold_starts(fresh=False)["wall_s"],
        }
        more["compile"] = alliance.compile_times()
        more["memory"] = alliance.memory()
        more["protocol"] = calibration.protocol()
        more["efficiency"] = sensitivity.efficiency()
    with threadpool_limits(1), tempfile.TemporaryDirectory() as folder:
        work, errors = engines.prepare(Path(folder), quick=quick)
        work += models.prepare(Path(folder), quick=quick)
        work += named("composed model", alliance.prepare(Path(folder), quick=quick))
        timings = side_by_side(work, rounds=2 if quick else 7)
        more["errors"] = errors
        if not quick:
            more["sweep"] = sweep.measure()
            more["indices"] = sensitivity.measure()
        more["calibration"] = calibration.measure(8 if quick else 32)
    used = versions("numpy", "scipy", "llvmlite", "pysd", "pysimlin", "SALib")
    text = page.page(timings, more, used)
    print(text)
    if not quick:
        keep("all", timings, **more, versions=used)
        (Path(__file__).parents[1] / "docs" / "performance.md").write_text(text, encoding="utf-8")


def named(model: str, found: list[Engine]) -> list[Engine]:
    for each in found:
        each.name = f"{model} {each.name}"
    return found


if __name__ == "__main__":
    main("--quick" in sys.argv)
