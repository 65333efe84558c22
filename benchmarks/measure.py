"""Engines timed side by side: interleaved round by round in one process, CPU time, one core, medians and ratios."""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

SHORT = 0.02  # seconds
RESULTS = Path(__file__).parent / "results"


@dataclass
class Engine:
    """One way to do the work: `run` does `count` units of it; `rounds` is how often it is timed."""

    name: str
    run: Callable[[], Any]
    count: float = 1
    rounds: int = 7
    note: str = ""
    times: dict[int, float] = field(default_factory=dict)


@dataclass
class Timing:
    """CPU seconds per unit of work, by round: an engine absent from a round has no entry there."""

    name: str
    note: str
    times: dict[int, float]

    @property
    def median(self) -> float:
        return statistics.median(self.times.values())

    @property
    def least(self) -> float:
        return min(self.times.values())

    def over(self, other: Timing) -> float:
        """How many times longer than `other` this takes: the median of the ratios within the same rounds."""
        shared = self.times.keys() & other.times.keys()
        return statistics.median(self.times[i] / other.times[i] for i in shared)


def side_by_side(engines: list[Engine], rounds: int = 7) -> dict[str, Timing]:
    """Times every engine once a round, in turn; all are run once before, for compilation.

    What takes less than `SHORT` is done again until it has taken that: the first time, it finds the caches filled with
    the work of the engine before it.
    """
    pin()
    for engine in engines:
        if engine.rounds >= rounds:
            engine.run()
    for number in range(rounds):
        for engine in engines:
            if number < engine.rounds:
                times, began = 0, time.process_time()
                while not times or time.process_time() - began < SHORT:
                    engine.run()
                    times += 1
                engine.times[number] = (time.process_time() - began) / (engine.count * times)
    return {e.name: Timing(e.name, e.note, e.times) for e in engines}


def pin() -> None:
    """One core, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def peak_megabytes() -> float:
    """The largest memory of this process so far."""
    status = Path("/proc/self/status")
    if status.is_file():  # getrusage would count the parent's memory from before this program was loaded
        line = next(each for each in status.read_text(encoding="utf-8").splitlines() if each.startswith("VmHWM"))
        return int(line.split()[1]) / 2**10
    scale = 2**20 if platform.system() == "Darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def versions(*packages: str) -> dict[str, str]:
    import llvmlite.binding as llvm

    found = {"python": platform.python_version(), "processor": llvm.get_host_cpu_name()}
    return found | {name: version(name) for name in packages}


def keep(name: str, timings: dict[str, Timing], **more: Any) -> None:
    """Writes results/NAME.json: every round of every engine."""
    RESULTS.mkdir(exist_ok=True)
    content = {"timings": {key: asdict(each) for key, each in timings.items()}, **more}
    (RESULTS / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
