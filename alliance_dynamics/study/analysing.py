"""`alliance sensitivity`: what the outcomes hang on."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from alliance_dynamics.commands.outcome import Outcome
from alliance_dynamics.errors import MAX_FAILED, UsageError, fault
from alliance_dynamics.files import Outputs, refuse_unwritable
from alliance_dynamics.kernel.precision import NOTICE
from alliance_dynamics.language import translate
from alliance_dynamics.manifest import refuse_other_results
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.progress import stage
from alliance_dynamics.result_files import write_rows, write_sensitivity
from alliance_dynamics.scenarios import read_regimes
from alliance_dynamics.sensitivity.convergence import Doubled, until_converged
from alliance_dynamics.sensitivity.governance import GovernanceSweep, Kept, write_failed
from alliance_dynamics.sensitivity.sobol import OnFail
from alliance_dynamics.study.inputs import quick_futures
from alliance_dynamics.study.planning import plan_sensitivity
from alliance_dynamics.study.signing import sign_results
from alliance_dynamics.study.stages import Size, sweep_levers
from alliance_dynamics.sweeps.executors import workers_of


def sensitivity(
    model: str = "alliance",
    *,
    points: int | None = None,
    replicates: int | None = None,
    max_runs: int | None = None,
    out: Path | None = None,
    seed: int = 1,
    jobs: int = 1,
    sweep: Path | None = None,
    executor: str = "threads",
    shard_rows: int = 4096,
    on_fail: OnFail = "error",
    max_failed: float = MAX_FAILED,
    precision: str = "double",
    force: bool = False,
    quiet: bool = False,
    dry_run: bool = False,
) -> Outcome:
    """Sobol' indices of the governance levers of the built-in model, over futures from a quick calibration.

    With `max_runs` the points are doubled until the stop rule of `sensitivity/convergence.py` is met.  With `dry_run`
    only the plan is told, of the first size.
    """
    began = time.monotonic()
    if model != "alliance":
        raise UsageError(
            fault(
                "",
                "governance levers are known for the model `alliance` only, not for `{name}`",
                remedy="Leave the name out, or vary the constants of your model with `alliance run {name} --set`",
                name=model,
            )
        )
    if not 0 <= max_failed <= 1:
        raise UsageError(
            fault("", "`--max-failed` = {value} cannot be used", expected="A share from 0 to 1", value=max_failed)
        )
    workers = workers_of(executor, jobs)
    if sweep is None and workers.kind != "threads":
        raise UsageError(
            fault("", "the executor `{text}` needs a folder for its shards", remedy="Name one with --sweep DIR",
                  text=executor)
        )  # fmt: skip
    if sweep is not None:
        refuse_unwritable(sweep / "index.json")  # at once, not after the calibration
    kept = None if sweep is None else Kept(sweep, workers, shard_rows)
    parameters = read_parameters()
    size = Size.of(quick=True)
    size = replace(size, points=points or size.points, replicates=replicates or size.replicates)
    command = ["sensitivity", model, "--points", str(size.points), "--replicates", str(size.replicates)]
    command += [*(["--max-runs", str(max_runs)] if max_runs else []), "--seed", str(seed)]
    if on_fail != "error":
        command += ["--on-fail", on_fail, "--max-failed", f"{max_failed:g}"]
    command += ["--precision", precision] if precision != "double" else []
    if out is not None:
        refuse_other_results(out, command, force)
    if dry_run:
        return plan_sensitivity(size, parameters, command, out=out, seed=seed, jobs=jobs)
    opened, futures, fitted = quick_futures(parameters, None, seed, jobs, quiet)
    regimes = read_regimes()

    def analyse(number: int) -> GovernanceSweep:
        own = kept if kept is None or max_runs is None else replace(kept, folder=kept.folder / f"points_{number}")
        with stage("Sensitivity of the governance levers", quiet) as tell:
            return sweep_levers(opened, futures, regimes, parameters, replace(size, points=number), seed, jobs, tell,
                                own, on_fail, max_failed, precision)  # fmt: skip

    ended = until_converged(analyse, points=size.points, most_runs=max_runs or 0)
    found = ended.found
    notices = (*_left_out(found), *_convergence(ended, max_runs), *([NOTICE] if precision == "single" else []))
    if out is None:
        return Outcome(text=str(found.indices), notices=notices)
    with Outputs(out) as folder:
        if found.failed:
            write_failed(folder / "failed.csv", found.failed)
        write_sensitivity(folder, found, parameters)
        if max_runs:
            write_rows(folder / "doubling.csv", ended.rows())
        sign_results(folder, fitted, command, seed=seed, quick=True, draws=len(futures.rows),
                     settings={"precision": precision}, wall_s=time.monotonic() - began)  # fmt: skip
    return Outcome(text=str(found.indices), outputs=(out / "indices.csv",), notices=notices)


def _convergence(ended: Doubled[GovernanceSweep], max_runs: int | None) -> tuple[str, ...]:
    """A notice of how the doubling ended, where it was asked for."""
    if max_runs is None:
        return ()
    points, width = ended.history[-1].design.points, f"{ended.verdicts[-1].widest:.3f}"
    what = (
        "Settled at {points} base points of a replicate: half-widths at most {width}"
        if ended.reached
        else "Not settled at {points} base points of a replicate: half-widths up to {width}"
    )
    return (translate(what).format(points=points, width=width),)


def _left_out(sweep: GovernanceSweep) -> tuple[str, ...]:
    """A notice of the base points that are in no index."""
    if not sweep.failed:
        return ()
    what = "{count} of {all} base points are left out of every index because of failed runs (failed.csv)"
    points = sweep.design.points * sweep.design.replicates
    return (translate(what).format(count=sweep.indices.dropped, all=points),)
