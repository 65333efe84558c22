"""The main job, as the story it is: calibrate, compare regimes, sensitivity, reports."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from alliance_dynamics.accounts import accounts
from alliance_dynamics.calibration.calibration import calibrate as calibrate_model
from alliance_dynamics.commands.outcome import Outcome
from alliance_dynamics.files import Outputs
from alliance_dynamics.futures import draw_futures
from alliance_dynamics.language import translate
from alliance_dynamics.loops.named import named_loops_of
from alliance_dynamics.loops.over_draws import DRAWS, QUICK_DRAWS, loops_of_regimes
from alliance_dynamics.manifest import refuse_other_results
from alliance_dynamics.outcomes import MILESTONES
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.progress import stage
from alliance_dynamics.regimes import compare_regimes, run_regimes
from alliance_dynamics.result_files import (
    write_calibration,
    write_comparison,
    write_labels,
    write_rows,
    write_sensitivity,
)
from alliance_dynamics.result_files_policy import (
    cards_of_inputs,
    write_groups,
    write_hinges,
    write_ladder,
    write_shares,
    write_standing,
)
from alliance_dynamics.sensitivity.alternatives import regimes_by_form
from alliance_dynamics.study.inputs import find_problem, model_of, regimes_from
from alliance_dynamics.study.keeping import Stages
from alliance_dynamics.study.remembered import LAST_FITTED_YEAR, with_setup, without_setup
from alliance_dynamics.study.signing import settings_of, sign_results
from alliance_dynamics.study.stages import (
    ALLIANCE_REGIME,
    BASELINE,
    HEADLINE,
    MAIN_OUTCOMES,
    NO_PROGRAMME,
    Size,
    command_of_study,
    inputs_of,
    repeat,
    share_out,
    sweep_levers,
    weigh,
)
from alliance_dynamics.study.summary import summary_of_gaps


def study(
    problem: str = "tatarstan",
    *,
    quick: bool = False,
    out: Path | None = None,
    seed: int = 1,
    jobs: int = 1,
    policy_year: float | None = None,
    resume: bool = False,
    force: bool = False,
    quiet: bool = False,
) -> Outcome:
    """Calibrates, compares R0 to R4 from the policy year to 2050, finds what the gaps hang on, writes it all.

    Results appear under `out` (results/PROBLEM) only when everything has succeeded.  The same inputs and seed give the
    same files, the manifest's volatile fields apart, for any number of jobs, and after an interruption with `resume`.
    Results of another command in that folder are replaced with `force` only.
    """
    began = time.monotonic()
    size = Size.of(quick)
    task = find_problem(problem)
    target = out or Path("results") / task.folder.name
    command = command_of_study(task.folder.name, quick, seed, policy_year)
    Outputs(target)  # refused at once
    refuse_other_results(target, command, force)
    model, parameters, regimes = model_of(task), read_parameters(), regimes_from(policy_year)
    inputs = inputs_of(model, task, parameters, regimes, size, seed)
    with Stages(target, inputs, resume=resume, quiet=quiet) as stages, Outputs(target) as folder:
        fitted = stages.value("calibration", "Calibrating", lambda tell: calibrate_model(
            model, task, seed=seed, effort=size.effort, last_year=LAST_FITTED_YEAR, jobs=jobs, progress=tell,
        ), bare=without_setup, whole=partial(with_setup, model, task, jobs))  # fmt: skip
        write_calibration(folder / "calibration", fitted)

        futures = draw_futures(fitted, parameters, seed=seed)
        with stage("Running the regimes", quiet) as tell:
            runs = run_regimes(model, regimes, futures, parameters, jobs=jobs, progress=tell)
        compared = compare_regimes(runs, baseline=BASELINE, at=MILESTONES)
        write_comparison(folder / "comparison", runs, compared, parameters)

        sweep = stages.value("sensitivity", "Sensitivity of the governance levers", lambda tell: sweep_levers(
            model, futures, regimes, parameters, size, seed, jobs, tell
        ))  # fmt: skip
        write_sensitivity(folder / "sensitivity", sweep, parameters)
        grouped, repeated = stages.value("repeated", "Repeating the ranking of the inputs", lambda tell: repeat(
            model, futures, regimes, parameters, size, seed, jobs, tell
        ))  # fmt: skip
        write_groups(folder / "sensitivity", grouped)
        if repeated:
            write_rows(folder / "sensitivity" / "repeated.csv", repeated)

        names = cards_of_inputs(fitted, futures, parameters)
        rungs, standing = stages.value("levers", "Weighing levers and regimes", lambda tell: weigh(
            model, futures, regimes, parameters, runs, names, size, seed, jobs, tell
        ))  # fmt: skip
        write_ladder(folder / "sensitivity", rungs)
        write_standing(folder / "sensitivity", standing, names)
        write_hinges(folder / "sensitivity", runs, futures, names, regime=ALLIANCE_REGIME, baseline=BASELINE,
                     outcome=HEADLINE, year=MILESTONES[1])  # fmt: skip
        shares = stages.value("shares", "Sharing out the calibrated parameters", lambda tell: share_out(
            model, futures, regimes, parameters, names, size, seed, jobs, tell
        ))  # fmt: skip
        write_shares(folder / "sensitivity", shares, names)
        forms = stages.value("alternatives", "Trying other forms of the model", lambda tell: regimes_by_form(
            model, regimes, futures, parameters, baseline=BASELINE, outcomes=MAIN_OUTCOMES, years=MILESTONES[:2],
            draws=size.ladder_draws, jobs=jobs, progress=tell,
        ))  # fmt: skip
        write_rows(folder / "sensitivity" / "alternatives.csv", [each.row() for each in forms])

        closed = stages.value("accounts", "Closing the accounts", lambda tell: accounts(
            model, regimes, futures, parameters, against=NO_PROGRAMME, years=MILESTONES, jobs=jobs, progress=tell
        ))  # fmt: skip
        write_rows(folder / "comparison" / "accounts.csv", [each.row() for each in closed])

        loops = stages.value("loops", "Finding the loops that lead", lambda tell: list(loops_of_regimes(
            model, regimes, futures, parameters, named_loops_of(model), progress=tell,
            draws=QUICK_DRAWS if quick else DRAWS,
        ).rows(parameters)))  # fmt: skip
        write_rows(folder / "loops" / "by_decade.csv", loops)

        from alliance_dynamics.explorer import make_page, write_explorer
        from alliance_dynamics.report import write_reports

        write_explorer(folder / "explorer.html", make_page(
            model, futures, parameters, regimes, baseline=BASELINE, chosen=ALLIANCE_REGIME, history=fitted.fit_table,
            seed=seed, quick=quick,
        ))  # fmt: skip
        write_labels(folder / "labels.json", runs, parameters, fitted)
        sign = partial(sign_results, folder, fitted, command, seed=seed, quick=quick, draws=len(futures.rows),
                       settings=settings_of(runs, sweep, fitted))  # fmt: skip
        sign(wall_s=0.0)  # the reports quote the manifest
        with stage("Writing the reports", quiet) as tell:
            write_reports(folder, tell=tell)
        sign(wall_s=time.monotonic() - began)
    shown = (
        "index.html",
        "brief_ru.pdf",
        "brief_en.pdf",
        "report_ru.html",
        "report_en.html",
        "explorer.html",
        "explorer.zip",
        "calibration",
        "comparison",
        "sensitivity",
        "manifest.json",
    )
    return Outcome(
        exit_code=0 if quick or fitted.posterior.passed else 1,
        text=summary_of_gaps(compared, fitted, parameters, quick),
        outputs=tuple(target / name for name in shown),
        next_step=translate("open {path}").format(path=target / "index.html"),
    )
