"""The page of the measurements: targets and what was reached, every engine's time, what else was measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.measure import Timing

Timings = Mapping[str, Timing]


@dataclass(frozen=True)
class Target:
    """`ratio` of the timings; `at_most` where less is better.  `why` is said where the target is missed."""

    what: str
    ratio: Callable[[Timings], float]
    wanted: float
    at_most: bool = False
    why: str = ""

    def met(self, value: float) -> bool:
        return value <= self.wanted if self.at_most else value >= self.wanted


def over(slow: str, quick: str) -> Callable[[Timings], float]:
    return lambda timings: timings[slow].over(timings[quick])


OURS, QUARTER = "LLVM RK4 1/16", "LLVM RK4 1/4"
QUICKER = "The other engine is quicker on this machine than where the target was set."
TARGETS = (
    Target(
        "W1 RK4 1/16 against PySD Euler 1/16, with tables", over("PySD Euler 1/16, lookups", OURS), 50_000, why=QUICKER
    ),
    Target("the same, tables written as arithmetic", over("PySD Euler 1/16, arithmetic", OURS), 2_000, why=QUICKER),
    Target("W1 RK4 1/16 against pysimlin's RK4 1/16", over("pysimlin rk4 1/16", OURS), 80, why=QUICKER),
    Target("W1 RK4 1/4 against NumPy by hand, 512 runs", over("NumPy by hand RK4 1/4, 512", QUARTER), 15, why=QUICKER),
    Target("W1 RK4 1/4 against SciPy's LSODA 1e-6", over("SciPy LSODA rtol 1e-6", QUARTER), 250, why=QUICKER),
    Target(
        "W1 RK4 1/4 in single precision against double",
        over(QUARTER, "LLVM RK4 1/4, single precision"),
        2,
        why="Tables, time and the copy of the results do not halve.",
    ),
    Target(
        "20 derivatives of W1 at one point, in single runs",
        over("W1 20 derivatives, one point", "W1 RK4 1/4, one run"),
        13,
        at_most=True,
    ),
    Target(
        "20 derivatives of W1 at 64 points, in runs of 64",
        over("W1 20 derivatives, 64 points", "W1 RK4 1/4, 64 runs"),
        13,
        at_most=True,
        why="The values are computed once; what is left for each direction is a sweep over all derivatives and a step "
        "of 24 states.",
    ),
    Target(
        "one run of W2 in single runs of W1",
        over("W2 RK4 1/4, one run", "W1 RK4 1/4, one run"),
        35,
        at_most=True,
    ),
    Target(
        "one run of W2 against NumPy by hand over its elements",
        over("W2 NumPy by hand over elements, one run", "W2 RK4 1/4, one run"),
        150,
        why="Its 24 elements fill three vectors in every operation; what is left is the length of the elementary "
        "functions.",
    ),
    Target(
        "a model of published size against pysimlin, Euler, one run",
        over("world pysimlin Euler, one run", "world Euler, one run"),
        10,
        why="Its ten regions fill one vector of eight lanes and one of two.",
    ),
)


def page(timings: Timings, more: Mapping[str, Mapping[str, float]], used: Mapping[str, str]) -> str:
    """The Markdown text; targets whose engines were not timed are left out."""
    parts = [
        "# Performance\n",
        "Written by `python -m benchmarks`. All engines ran in one process on one core, round by round in turn; times "
        "are CPU times, ratios are medians of ratios within rounds. What takes less than 20 ms is done again until it "
        "has taken that. Every engine's numbers were compared with ours before anything was timed. Ratios travel "
        "between machines, absolute times do not.\n",
        "Measured with " + ", ".join(f"{name} {version}" for name, version in used.items()) + ".\n",
        *_models(),
        "## Targets\n",
        "They were set from a prototype on an AMD Zen 4 core, where a run of W1 with RK4 1/16 took 94 µs, PySD's with "
        "Euler (tables as arithmetic) 200 ms and pysimlin's with RK4 7.9 ms. Where our time below is like that and a "
        "ratio is not, the other engine is quicker on this machine.\n",
        *_targets(timings, more),
        "## Times\n",
        *_times(timings),
        *_single_runs(timings),
        *_growth(timings),
    ]
    titles = {
        "threads": ("Two threads", "Least wall time of one thread over that of two. The bits are the same.", "ratio"),
        "cold": (
            "Cold start",
            "`alliance run alliance` in a new process, median wall time; Python's bytecode is there, as after an "
            "installation.",
            "seconds",
        ),
        "compile": ("From text to kernel", "The composed model, CPU time, nothing remembered.", "seconds"),
        "memory": ("Memory", "Largest memory of a new process that makes runs of the composed model.", "MB"),
        "errors": ("Accuracy", "Largest relative difference from RK4 with steps of 1/512, W1.", "error"),
        "calibration": (
            "A small fit",
            "Logistic growth, 20 noisy years, three parameters: CPU seconds for each start of the search. All end in "
            "the same optimum; PySD, whose Euler step is a quarter of ours, is timed from one start.",
            "seconds",
        ),
        "protocol": ("A whole calibration", "Wall seconds of its stages on two cores.", "seconds"),
        "indices": (
            "Indices of many outputs",
            "200 outputs, 20 inputs, 4,096 base points: S1 and ST with 95 % intervals (ours from 16 replicates).",
            "value",
        ),
        "efficiency": (
            "A sweep in shards",
            "4,096 runs of the composed model, kept in a folder. Efficiency: runs a second of each worker over those "
            "of one thread with large shards; processes compile the model each.",
            "value",
        ),
        "sweep": ("W3", "172,032 runs of W1 and their Sobol' indices with intervals, one core.", "value"),
    }
    for key, (title, said, unit) in titles.items():
        if key in more:
            rows = "".join(f"| {name} | {_number(value)} |\n" for name, value in more[key].items())
            parts.append(f"## {title}\n\n{said}\n\n| what | {unit} |\n|---|---:|\n{rows}")
    return "\n".join(parts)


def _models() -> list[str]:
    return [
        "| model | what it is |\n|---|---|\n"
        "| W1 | 24 states, 49 auxiliaries, 3 tables, 20 parameters, 50 years, 306 numbers kept |\n"
        "| W2 | W1 in 8 regions times 3 industries, coupled: 576 states |\n"
        "| W3 | W1 at 172,032 points of a Sobol' design of 20 factors, second order, intervals from 16 replicates "
        "(SALib: 100 resamples) |\n"
        "| world | made by `benchmarks/world.py`: 40 stocks, 250 auxiliaries, 50 tables, 1,600 steps |\n"
        "| composed model | the three texts of `sdmodels/` together |\n"
    ]


def _targets(timings: Timings, more: Mapping[str, Mapping[str, float]]) -> list[str]:
    rows, reasons = [], []
    found = [(each, _ratio(each, timings)) for each in TARGETS] + list(_others(more))
    for target, value in found:
        if value is None:
            continue
        sign = "<=" if target.at_most else ">="
        met = target.met(value)
        rows.append(
            f"| {target.what} | {sign} {target.wanted:,g} | {_number(value)} | {'met' if met else 'missed'} |\n"
        )
        if not met:
            factor = value / target.wanted if target.at_most else target.wanted / value
            reasons.append(f"- {target.what}: missed by a factor of {factor:.2f}. {target.why}".rstrip() + "\n")
    text = ["| comparison | target | measured | |\n|---|---:|---:|---|\n" + "".join(rows)]
    return [*text, "".join(reasons)] if reasons else text


def _ratio(target: Target, timings: Timings) -> float | None:
    try:
        return target.ratio(timings)
    except KeyError:  # an engine that a quick round leaves out
        return None


def _others(more: Mapping[str, Mapping[str, float]]):
    def of(key: str, name: str) -> Callable[[Timings], float]:
        return lambda _: more[key][name]

    for key, name, what, wanted, at_most, why in (
        ("threads", "W1, 8,192 runs", "two threads against one, W1, 8,192 runs", 1.9, False,
         "Work of others on the machine counts against it: the second thread then has no core of its own."),
        ("cold", "a new process, model text read before", "cold start of the composed model, seconds", 0.6, True,
         "Loading Python's packages and writing the model's program and text share it; see the parts below."),
        ("sweep", "SALib's analysis over the whole of W3", "W3 complete against SALib's analysis alone", 1000, False,
         "SALib's time is extrapolated from one series to 306. Most of ours is the simulation: 172,032 runs of "
         "800 right-hand sides each; the last lines below have it in single precision."),
        ("sweep", "peak memory, GiB", "peak memory of W3, GiB", 1.5, True, ""),
    ):  # fmt: skip
        if key in more and name in more[key]:
            yield Target(what, of(key, name), wanted, at_most, why), more[key][name]


def _times(timings: Timings) -> list[str]:
    rows = "".join(f"| {each.name} | {_time(each.median)} | {each.note} |\n" for each in timings.values())
    return ["| engine | CPU time a run | |\n|---|---:|---|\n" + rows]


def _single_runs(timings: Timings) -> list[str]:
    mark = " in lanes of runs"
    rows = []
    for name, alone in timings.items():
        own = timings.get(name.removesuffix(mark))
        if name.endswith(mark) and own is not None:
            ratio = f"{alone.over(own):.2f}"
            rows.append(f"| {own.name} | {_time(own.median)} | {_time(alone.median)} | {ratio} |\n")
    if not rows:
        return []
    return [
        "## One run\n\nThe lanes of a vector hold operations of the one run that are alike (elements of arrays, "
        "powers, tables) or, as for many runs, one lane is the run and the others are idle. The bits are the same.\n\n"
        "| run | lanes of its own operations | lanes of runs | ratio |\n|---|---:|---:|---:|\n" + "".join(rows)
    ]


def _growth(timings: Timings) -> list[str]:
    """By the number of states and of runs; threads have a table of their own."""
    names = {int(name.split()[2]): name for name in timings if name.startswith("W2 of ") and name.endswith("one run")}
    names |= {576: "W2 RK4 1/4, one run"} if "W2 RK4 1/4, one run" in timings else {}
    rows = []
    for states, name in sorted(names.items()):
        one, many = timings[name].median, timings[name.replace("one run", "32 runs")].median
        each = f"{one / states * 1e9:.0f} ns | {_time(many)} | {many / states * 1e9:.0f} ns"
        rows.append(f"| {states} | {_time(one)} | {each} |\n")
    runs = {
        int(name.split()[3]): name for name in timings if name.startswith("W1 RK4 1/16, ") and name.endswith("runs")
    }
    found = []
    if rows:
        found.append(
            "## Growth with the number of states\n\nW2 in 1, 2, 4 and 8 regions, RK4 1/4.\n\n"
            "| states | one run | a state | each of 32 runs | a state |\n|---:|---:|---:|---:|---:|\n" + "".join(rows)
        )
    if runs:
        table = "".join(
            f"| {count} | {_time(timings[name].median * count)} | {_time(timings[name].median)} |\n"
            for count, name in sorted(runs.items())
        )
        found.append(
            "## Growth with the number of runs\n\nW1, RK4 1/16, on one thread; two threads are compared below.\n\n"
            "| runs | all | each |\n|---:|---:|---:|\n" + table
        )
    return found


def _time(seconds: float) -> str:
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 1 or unit == "µs":
            return f"{seconds * factor:.3g} {unit}"
    raise AssertionError


def _number(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1e}" if 0 < abs(value) < 0.01 else f"{value:.3g}"
