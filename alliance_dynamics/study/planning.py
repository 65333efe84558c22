"""What a study, a comparison or an analysis would do: its stages, runs, expected time and disk, before any of it."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.calibration.calibration import Effort
from alliance_dynamics.calibration.setup import set_up
from alliance_dynamics.commands.outcome import Outcome
from alliance_dynamics.files import Outputs
from alliance_dynamics.kernel.integrate import Kernel, Schedule, compile_kernel
from alliance_dynamics.language import translate
from alliance_dynamics.loops.over_draws import DRAWS, OUTPUTS, QUICK_DRAWS
from alliance_dynamics.manifest import refuse_other_results
from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.model.model import Model
from alliance_dynamics.outcomes import series_of
from alliance_dynamics.parameters import Parameters, read_parameters
from alliance_dynamics.sensitivity.alternatives import FORMS
from alliance_dynamics.sensitivity.governance import STEP_POINTS
from alliance_dynamics.sensitivity.governance_plan import TRIED
from alliance_dynamics.sensitivity.ladder import SETTINGS
from alliance_dynamics.settings import parameters_with, schedule_of
from alliance_dynamics.simulate import program_of
from alliance_dynamics.study.inputs import find_problem, model_of, regimes_from
from alliance_dynamics.study.keeping import Stages
from alliance_dynamics.study.remembered import LAST_FITTED_YEAR
from alliance_dynamics.study.stages import MAIN_OUTCOMES, Size, command_of_study, inputs_of

AT_ONCE, LEAST = 256, 0.3  # runs made at once, and seconds for which the rate is measured
# Runs counted for Tatarstan with seed 1, exact slopes as 17 runs; a search has no fixed number.
QUICK_CALIBRATION, FULL_CALIBRATION = 14_500, 102_000
FIXED_BYTES, BYTES_PER_DRAW = 37_000_000, 3_100  # of the results of a quick study: pages, tables; draws and futures


@dataclass(frozen=True)
class Cost:
    """What a stage costs, in whole runs of the model (400 steps, all indicators): `each` of its runs, and `beside` them
    for compiling, statistics and pages."""

    each: float = 1.0
    beside: float = 0.0


# Processor time of each stage of a quick study, and of larger sweeps and loops, over that of a whole run, 1/1650 s;
# on one thread, measured on 2026-11-30.
COSTS = {
    "calibration": Cost(0.5, 26_000),
    "regimes": Cost(1.1, 0),
    "sensitivity": Cost(0.3, 2_100),
    "repeated": Cost(0.3, 200),
    "levers": Cost(1.1, 6_400),
    "shares": Cost(0.6, 1_000),
    "alternatives": Cost(1.1, 0),
    "accounts": Cost(1.1, 900),
    "loops": Cost(90, 14_400),
    "reports": Cost(0, 60_000),
    "draws": Cost(1, 0),
}


@dataclass(frozen=True)
class Stage:
    """`runs` of the model, `counted` where the number is known before; `done` where a finished stage stands for it."""

    name: str
    title: str
    runs: int
    counted: bool = True
    done: bool = False
    cost: Cost | None = None  # that of `COSTS` unless it is given


@dataclass(frozen=True)
class Rate:
    """Whole runs of the composed model in a second of this machine: on one thread, and on `jobs` of them."""

    one: float
    many: float
    jobs: int

    def seconds(self, stage: Stage) -> float:
        """What a stage takes."""
        cost = stage.cost or COSTS[stage.name]
        if stage.done:
            return 0.0
        return stage.runs * cost.each / self.many + cost.beside / self.one


def plan_study(
    problem: str = "tatarstan", *, quick: bool = False, out: Path | None = None, seed: int = 1, jobs: int = 1,
    policy_year: float | None = None, resume: bool = False, force: bool = False,
) -> Outcome:  # fmt: skip
    """The plan of `study` with the same arguments; the same faults are refused, and nothing is written."""
    task, size = find_problem(problem), Size.of(quick)
    target = out or Path("results") / task.folder.name
    Outputs(target)
    refuse_other_results(target, command_of_study(task.folder.name, quick, seed, policy_year), force)
    model, parameters, regimes = model_of(task), read_parameters(), regimes_from(policy_year)
    kept = Stages(target, inputs_of(model, task, parameters, regimes, size, seed), resume=resume, quiet=True)
    calibrated = set_up(model, task, last_year=LAST_FITTED_YEAR, jobs=jobs).forward.structural
    stages = stages_of_study(quick, len(regimes), len(parameters.levers), calibrated)
    finished = [each.name for each in stages if kept.has(each.name)]
    stages = [replace(each, done=resume and each.name in finished) for each in stages]
    words = _words(command_of_study(problem, quick, seed, policy_year), out)
    words += [*(["--resume"] if finished else []), *(["--force"] if force else [])]
    size_on_disk = FIXED_BYTES + BYTES_PER_DRAW * size.effort.draws
    return plan_shown(stages, measured_rate(model, jobs), seed, target, size_on_disk, words, finished)


def stages_of_study(quick: bool, regimes: int, levers: int, calibrated: int) -> list[Stage]:
    """The stages in their order; the futures have assumptions, and one regime is the baseline, one no programme."""
    size = Size.of(quick)
    draws, few = size.effort.draws, min(size.ladder_draws, size.effort.draws)
    loops = (QUICK_DRAWS if quick else DRAWS) * regimes + (regimes // 2 or regimes)
    again = replace(size, points=size.repeated, replicates=8)
    repeated = (3 + len(FORMS)) * runs_of_sweep(again, levers + 2, 0) if size.repeated else 0
    grouped = runs_of_sweep(replace(size, points=max(2, size.points // 4)), 3, 0)
    return [
        calibration_stage(quick),
        Stage("regimes", "Running the regimes", regimes * draws),
        Stage("sensitivity", "Sensitivity of the governance levers", runs_of_sweep(size, levers + 2)),
        Stage("repeated", "Repeating the ranking of the inputs", grouped + repeated),
        Stage("levers", "Weighing levers and regimes", (SETTINGS * levers + 1) * few),
        Stage("shares", "Sharing out the calibrated parameters",
              2 * len(MAIN_OUTCOMES[:2]) * 16 * (calibrated + 1) * size.walks),
        Stage("alternatives", "Trying other forms of the model", len(FORMS) * regimes * few),
        Stage("accounts", "Closing the accounts", (2 * regimes - 1) * draws + regimes - 1),
        Stage("loops", "Finding the loops that lead", len(OUTPUTS) * loops),
        Stage("reports", "Writing the reports", 0),
    ]  # fmt: skip


def plan_sensitivity(
    size: Size, parameters: Parameters, command: Sequence[str], *, out: Path | None, seed: int, jobs: int
) -> Outcome:
    """The plan of `sensitivity` at its first size."""
    runs = runs_of_sweep(size, len(parameters.levers) + 2)
    stages = [calibration_stage(True), Stage("sensitivity", "Sensitivity of the governance levers", runs)]
    model = model_of(find_problem("tatarstan"))
    return plan_shown(stages, measured_rate(model, jobs), seed, out, None, _words(command, out))


def plan_comparison(
    regimes: int, draws: int | None, command: Sequence[str], *, out: Path | None, seed: int, jobs: int, model: str
) -> Outcome:
    """The plan of `compare`."""
    stages = [
        calibration_stage(True),
        Stage("regimes", "Running the regimes", regimes * (draws or Effort.quick().draws)),
    ]
    return plan_shown(stages, measured_rate(open_model(model), jobs), seed, out, None, _words(command, out))


def _words(command: Sequence[str], out: Path | None) -> list[str]:
    return ["alliance", *command, *(["--out", str(out)] if out else [])]


def runs_of_sweep(size: Size, inputs: int, step_points: int = STEP_POINTS) -> int:
    """Runs of `governance_sensitivity` with two references and assumptions: those from the policy year on, those of the
    past, and those that compare two steps."""

    def of_replicate(points: int) -> int:
        return points * (2 * inputs + 2) + 2 * 4 * points + 4 * points + min(TRIED, points)

    compared = 2 * of_replicate(min(size.points, step_points)) if step_points else 0
    return size.replicates * of_replicate(size.points) + compared


def measured_rate(model: Model, jobs: int) -> Rate:
    """Times the compiled kernel for `LEAST` seconds on one thread, and again on `jobs`."""
    program = program_of(model)
    row = parameters_with(model, program, {})
    schedule, _ = schedule_of(program, row)
    kernel = compile_kernel(program, series_of(model).outputs)
    return rate_of(kernel, row, schedule, model.time.method, jobs)


def rate_of(
    kernel: Kernel, row: NDArray[np.float64], schedule: Schedule, method: str, jobs: int, at_once: int = AT_ONCE
) -> Rate:
    """Times a kernel, `at_once` runs for each thread in one call."""

    def rate(threads: int) -> float:
        rows = np.repeat(row[None, :], at_once * threads, axis=0)
        kernel.run(rows, schedule, method=method, threads=threads)
        began, done, gone = time.perf_counter(), 0, 0.0
        while not done or gone < LEAST:
            kernel.run(rows, schedule, method=method, threads=threads)
            done, gone = done + len(rows), time.perf_counter() - began
        return done / gone

    one = rate(1)
    return Rate(one, one if jobs == 1 else rate(jobs), jobs)


def calibration_stage(quick: bool) -> Stage:
    """A calibration of Tatarstan, quick or in full."""
    if quick:
        return Stage("calibration", "Calibrating", QUICK_CALIBRATION, counted=False)
    return Stage("calibration", "Calibrating", FULL_CALIBRATION, counted=False, cost=Cost(0.5, 110_000))


def plan_shown(
    stages: Sequence[Stage], rate: Rate, seed: int, out: Path | None, size_on_disk: int | None, words: Sequence[str],
    finished: Sequence[str] = (),
) -> Outcome:  # fmt: skip
    """The plan as a table and as results."""
    seconds = [rate.seconds(each) for each in stages]
    rows = [(translate("stage"), translate("runs"), translate("expected"))]
    for each, expected in zip(stages, seconds, strict=True):
        runs = ("" if each.counted else "~") + _whole(each.runs)
        rows.append((translate(each.title), runs, translate("done before") if each.done else _duration(expected)))
    in_all = sum(seconds)
    whole = sum(each.runs for each in stages if not each.done)
    rows.append((translate("in all"), _whole(whole), _duration(in_all)))
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = [translate("A plan; nothing has been run or written.  Seed {seed}.").format(seed=seed)]
    lines += [f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}" for a, b, c in rows]
    told = translate("Expected from {one} runs a second on one thread and {many} on {jobs}, measured here and now.")
    lines.append(told.format(one=_whole(rate.one), many=_whole(rate.many), jobs=rate.jobs))
    if out is not None:
        lines.append(translate("Results would be in {path}").format(path=out)
                     + (f", {size_on_disk / 1e6:.0f} MB" if size_on_disk else ""))  # fmt: skip
    if finished and not any(each.done for each in stages):
        names = ", ".join(translate(each.title) for each in stages if each.name in finished)
        lines.append(translate("Finished before, and used again with --resume: {names}").format(names=names))
    told_stages = [
        {"name": each.name, "title": translate(each.title), "runs": each.runs, "counted": each.counted,
         "done_before": each.done, "resumable": each.name in finished,
         "seconds": round(expected, 1)}
        for each, expected in zip(stages, seconds, strict=True)
    ]  # fmt: skip
    results = {
        "stages": told_stages, "seed": seed, "out": None if out is None else str(out), "bytes": size_on_disk,
        "seconds": round(in_all, 1),
        "rate": {"one_thread": round(rate.one), "all_threads": round(rate.many), "threads": rate.jobs},
    }  # fmt: skip
    return Outcome(text="\n".join(lines), results=results, next_step=shlex.join(words))


def _whole(number: float) -> str:
    return f"{number:,.0f}".replace(",", " ")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return translate("{minutes} min {seconds} s").format(minutes=minutes, seconds=f"{rest:02d}")
