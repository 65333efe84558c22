"""`alliance calibrate`: one problem fitted, its tables and its reports."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from alliance_dynamics.calibration.calibration import Effort
from alliance_dynamics.calibration.calibration import calibrate as calibrate_model
from alliance_dynamics.calibration.problem import Problem
from alliance_dynamics.calibration.recovery import Recovery
from alliance_dynamics.calibration.recovery import recover as recover_parameters
from alliance_dynamics.calibration.wording import best_fit
from alliance_dynamics.commands.outcome import Outcome
from alliance_dynamics.errors import UsageError, fault
from alliance_dynamics.files import Outputs
from alliance_dynamics.language import LANGUAGES
from alliance_dynamics.manifest import refuse_other_results
from alliance_dynamics.model.model import Model
from alliance_dynamics.progress import stage
from alliance_dynamics.result_files import write_calibration, write_json, write_recovery
from alliance_dynamics.study.inputs import find_problem, model_of
from alliance_dynamics.study.signing import effort_of, sign_results


def calibrate(
    problem: str = "tatarstan",
    *,
    out: Path | None = None,
    seed: int = 1,
    starts: int | None = None,
    recover: int = 0,
    sbc: bool = False,
    posterior: bool = True,
    jobs: int = 1,
    force: bool = False,
    quiet: bool = False,
) -> Outcome:
    """Fits a problem and writes its tables; `recover` simulated data sets are fitted too, and sampled with `sbc`.

    A problem with a [forecast] is fitted as the study does it, for its forecasts.
    """
    from alliance_dynamics.report import write_calibration_report

    if sbc and not recover:
        raise UsageError(
            fault("", "--sbc needs a number of replicates", remedy="Add --recover 150, or another whole number")
        )
    task = find_problem(problem)
    as_study = bool(task.forecast.shocks or task.forecast.uncertain)
    name = task.folder.resolve().name
    target = out or Path("results") / f"{name}_calibration"
    command = ["calibrate", name, "--seed", str(seed), *(["--starts", str(starts)] if starts else [])]
    command += [] if posterior or as_study else ["--no-posterior"]
    command += ["--recover", str(recover), *(["--sbc"] if sbc else [])] if recover else []
    Outputs(target)  # refused at once
    refuse_other_results(target, command, force)
    if not as_study:
        options: dict[str, Any] = {"starts": starts, "posterior": posterior, "recover": recover, "sbc": sbc}
        return _estimate(task, target, command, seed=seed, jobs=jobs, quiet=quiet, **options)
    began = time.monotonic()
    effort = Effort() if starts is None else replace(Effort(), starts=starts)
    with Outputs(target) as folder:
        model = model_of(task)
        with stage("Calibrating", quiet) as tell:
            fitted = calibrate_model(model, task, seed=seed, effort=effort, jobs=jobs, progress=tell)
        write_calibration(folder, fitted)
        write_json(folder / "calibration.json", fitted.summary)
        text = f"{best_fit(fitted.fit.nll)}\n{fitted}"
        if recover:
            text += "\n" + str(_recover(folder, model, task, recover, seed, sbc, jobs, quiet))
        sign = partial(sign_results, folder, fitted, command, seed=seed, draws=effort.draws,
                       settings={"calibration": effort_of(fitted)})  # fmt: skip
        sign(wall_s=0.0)  # the reports quote the manifest
        for language in LANGUAGES:
            write_calibration_report(folder, language=language)
        sign(wall_s=time.monotonic() - began)
    names = ("report_ru.html", "report_en.html", "parameters.csv", "fit.csv", "calibration.json", "manifest.json")
    ended = Outcome(exit_code=0 if fitted.posterior.passed else 1, text=text,
                    outputs=tuple(target / each for each in names))  # fmt: skip
    return ended.then("alliance", "study", problem)


def _recover(
    folder: Path, model: Model, task: Problem, replicates: int, seed: int, sbc: bool, jobs: int, quiet: bool
) -> Recovery:
    with stage("Recovering known parameters from synthetic data", quiet) as tell:
        found = recover_parameters(model, task, replicates=replicates, seed=seed, sbc=sbc, jobs=jobs, progress=tell)
    write_recovery(folder, found)
    return found


def _estimate(
    task: Problem, target: Path, command: Sequence[str], *, seed: int, starts: int | None, posterior: bool,
    recover: int, sbc: bool, jobs: int, quiet: bool,
) -> Outcome:  # fmt: skip
    """The fit of any problem folder: its tables, the summary in words, the manifest."""
    from alliance_dynamics.calibration.estimation import Work, estimate
    from alliance_dynamics.calibration.estimation_files import sign_estimation, write_estimation
    from alliance_dynamics.calibration.wording import summary_of

    began = time.monotonic()
    work = Work.of(task)
    work = replace(work, posterior=posterior and work.posterior, starts=starts or work.starts)
    with Outputs(target) as folder:
        model = model_of(task)
        with stage("Calibrating", quiet) as tell:
            found = estimate(task, model, seed=seed, work=work, jobs=jobs, progress=tell)
        write_estimation(folder, found)
        text = summary_of(found)
        if recover:
            text += "\n" + str(_recover(folder, model, task, recover, seed, sbc, jobs, quiet))
        sign_estimation(folder, found, command, wall_s=time.monotonic() - began)
    names = ("calibration.json", "parameters.csv", "fit.csv", "starts.csv", "profiles.csv", "manifest.json")
    settled = found.draws is None or found.draws.passed
    done = Outcome(exit_code=0 if settled else 1, text=text, outputs=tuple(target / each for each in names))
    return done.then("alliance", "verify", str(target), "--files-only")
