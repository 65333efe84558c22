"""The main job, as the story it is: calibrate, compare regimes, sensitivity, reports."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from alliance_dynamics.accounts import accounts
from alliance_dynamics.calibration.calibration import Calibration, Effort
from alliance_dynamics.calibration.calibration import calibrate as calibrate_model
from alliance_dynamics.calibration.problem import Problem, read_problem
from alliance_dynamics.calibration.problem_file import model_path
from alliance_dynamics.calibration.recovery import Recovery
from alliance_dynamics.calibration.recovery import recover as recover_parameters
from alliance_dynamics.calibration.wording import best_fit
from alliance_dynamics.commands.outcome import Outcome
from alliance_dynamics.compare import Comparison
from alliance_dynamics.errors import UsageError, fault
from alliance_dynamics.files import Outputs
from alliance_dynamics.futures import Futures, columns_of_regime, draw_futures
from alliance_dynamics.kernel.precision import NOTICE
from alliance_dynamics.language import LANGUAGES, current_language, translate
from alliance_dynamics.loops.named import named_loops_of
from alliance_dynamics.loops.over_draws import DRAWS, QUICK_DRAWS, loops_of_regimes
from alliance_dynamics.manifest import describe_model, hash_files, write_manifest
from alliance_dynamics.model.built_in import is_alliance, open_model
from alliance_dynamics.model.model import Model
from alliance_dynamics.outcomes import ALLIANCE
from alliance_dynamics.parameters import Parameters, read_parameters
from alliance_dynamics.progress import stage
from alliance_dynamics.regimes import RegimeRuns, compare_regimes, run_regimes
from alliance_dynamics.resources import resource
from alliance_dynamics.result_files import (
    write_calibration,
    write_comparison,
    write_json,
    write_labels,
    write_recovery,
    write_rows,
    write_sensitivity,
)
from alliance_dynamics.result_files_policy import cards_of_inputs, write_ladder, write_standing
from alliance_dynamics.scenarios import Scenario, find_regime, read_regimes
from alliance_dynamics.sensitivity.alternatives import regimes_by_form
from alliance_dynamics.sensitivity.convergence import Doubled, until_converged
from alliance_dynamics.sensitivity.governance import (
    MAX_FAILED,
    GovernanceSweep,
    Kept,
    governance_sensitivity,
    write_failed,
)
from alliance_dynamics.sensitivity.ladder import Rung, lever_ladder
from alliance_dynamics.sensitivity.sobol import OnFail
from alliance_dynamics.sensitivity.standing import Standing, regime_standing
from alliance_dynamics.sweeps.executors import workers_of

BASELINE, ALLIANCE_REGIME, NO_PROGRAMME = "R1", "R3", "R0"
HEADLINE = "net_present_value"
MAIN_OUTCOMES = (HEADLINE, "gross_regional_product", "innovative_goods_volume", "interregional_link_density")
YEARS = (2030, 2040, 2050)
FIRST_YEAR, LAST_YEAR = 2000, 2050


@dataclass(frozen=True)
class Size:
    """How much a study does; `quick` is for trying, not for decisions."""

    effort: Effort
    points: int
    replicates: int
    ladder_draws: int

    @staticmethod
    def of(quick: bool) -> Size:
        return Size(Effort.quick(), 16, 4, 40) if quick else Size(Effort(), 128, 16, 400)


def study(
    problem: str = "tatarstan",
    *,
    quick: bool = False,
    out: Path | None = None,
    seed: int = 1,
    jobs: int = 1,
    policy_year: float | None = None,
    quiet: bool = False,
) -> Outcome:
    """Calibrates, compares R0 to R4 from the policy year to 2050, finds what the gaps hang on, writes it all.

    Results appear under `out` (results/PROBLEM) only when everything has succeeded.  The same inputs and seed give the
    same files, the manifest's volatile fields apart, for any number of jobs.
    """
    began = time.monotonic()
    size = Size.of(quick)
    task = find_problem(problem)
    target = out or Path("results") / task.folder.name
    model, parameters, regimes = _model(task), read_parameters(), _regimes(policy_year)
    with Outputs(target) as folder:
        with stage("Calibrating", quiet) as tell:
            fitted = calibrate_model(model, task, seed=seed, effort=size.effort, jobs=jobs, progress=tell)
        write_calibration(folder / "calibration", fitted)

        futures = draw_futures(fitted, parameters, seed=seed)
        with stage("Running the regimes", quiet) as tell:
            runs = run_regimes(model, regimes, futures, parameters, jobs=jobs, progress=tell)
        compared = compare_regimes(runs, baseline=BASELINE, at=YEARS)
        write_comparison(folder / "comparison", runs, compared, parameters)

        with stage("Sensitivity of the governance levers", quiet) as tell:
            sweep = _sweep(model, futures, regimes, parameters, size, seed, jobs, tell)
        write_sensitivity(folder / "sensitivity", sweep, parameters, converged=_settled(sweep))

        with stage("Weighing levers and regimes", quiet) as tell:
            names = cards_of_inputs(fitted, futures, parameters)
            rungs, standing = _weigh(model, futures, regimes, parameters, runs, names, size, seed, jobs, tell)
        write_ladder(folder / "sensitivity", rungs)
        write_standing(folder / "sensitivity", standing, names)
        with stage("Trying other forms of the model", quiet) as tell:
            forms = regimes_by_form(model, regimes, futures, parameters, baseline=BASELINE, outcomes=MAIN_OUTCOMES,
                                    years=YEARS[:2], draws=size.ladder_draws, jobs=jobs, progress=tell)  # fmt: skip
        write_rows(folder / "sensitivity" / "alternatives.csv", [each.row() for each in forms])

        with stage("Closing the accounts", quiet) as tell:
            closed = accounts(model, regimes, futures, parameters, against=NO_PROGRAMME, years=YEARS, jobs=jobs,
                              progress=tell)  # fmt: skip
        write_rows(folder / "comparison" / "accounts.csv", [each.row() for each in closed])

        with stage("Finding the loops that lead", quiet) as tell:
            loops = loops_of_regimes(model, regimes, futures, parameters, named_loops_of(model), progress=tell,
                                     draws=QUICK_DRAWS if quick else DRAWS)  # fmt: skip
        write_rows(folder / "loops" / "by_decade.csv", list(loops.rows(parameters)))

        from alliance_dynamics.explorer import write_explorer

        write_explorer(folder / "explorer.html", model, futures, parameters, regimes, baseline=BASELINE,
                       chosen=ALLIANCE_REGIME, history=fitted.fit_table, seed=seed, quick=quick)  # fmt: skip
        write_labels(folder / "labels.json", runs, parameters, fitted)
        command = ["study", task.folder.name, *(["--quick"] if quick else []), "--seed", str(seed)]
        if policy_year is not None:
            command += ["--policy-year", f"{policy_year:g}"]
        sign = partial(_sign, folder, fitted, command, seed=seed, quick=quick, draws=len(futures.rows),
                       settings=_settings(runs, sweep, fitted))  # fmt: skip
        sign(wall_s=0.0)  # the reports quote the manifest
        with stage("Writing the reports", quiet) as tell:
            _write_reports(folder, tell)
        sign(wall_s=time.monotonic() - began)
    names = (
        "report_ru.html",
        "report_en.html",
        "brief_ru.pdf",
        "brief_en.pdf",
        "explorer.html",
        "calibration",
        "comparison",
        "sensitivity",
        "manifest.json",
    )
    return Outcome(
        text=_summary(compared, fitted, parameters, quick),
        outputs=tuple(target / name for name in names),
        next_step=str(target / "report_ru.html"),
    )


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
    if not (task.forecast.shocks or task.forecast.uncertain):
        options: dict[str, Any] = {"starts": starts, "posterior": posterior, "recover": recover, "sbc": sbc}
        return _estimate(task, out=out, seed=seed, jobs=jobs, quiet=quiet, **options)
    effort = Effort() if starts is None else replace(Effort(), starts=starts)
    target = out or Path("results") / f"{task.folder.name}_calibration"
    with Outputs(target) as folder:
        model = _model(task)
        with stage("Calibrating", quiet) as tell:
            fitted = calibrate_model(model, task, seed=seed, effort=effort, jobs=jobs, progress=tell)
        write_calibration(folder, fitted)
        write_json(folder / "calibration.json", fitted.summary)
        text, command = f"{best_fit(fitted.fit.nll)}\n{fitted}", ["calibrate", task.folder.name, "--seed", str(seed)]
        if starts is not None:
            command += ["--starts", str(starts)]
        if recover:
            text += "\n" + str(_recover(folder, model, task, recover, seed, sbc, jobs, quiet))
            command += ["--recover", str(recover), *(["--sbc"] if sbc else [])]
        sign = partial(_sign, folder, fitted, command, seed=seed, draws=effort.draws,
                       settings={"calibration": _effort(fitted)})  # fmt: skip
        sign()  # the reports quote the manifest
        for language in LANGUAGES:
            write_calibration_report(folder, language=language)
        sign()
    names = ("report_ru.html", "report_en.html", "parameters.csv", "fit.csv", "calibration.json", "manifest.json")
    return Outcome(text=text, outputs=tuple(target / each for each in names)).then("alliance", "study", problem)


def _recover(
    folder: Path, model: Model, task: Problem, replicates: int, seed: int, sbc: bool, jobs: int, quiet: bool
) -> Recovery:
    with stage("Recovering known parameters from synthetic data", quiet) as tell:
        found = recover_parameters(model, task, replicates=replicates, seed=seed, sbc=sbc, jobs=jobs, progress=tell)
    write_recovery(folder, found)
    return found


def _estimate(
    task: Problem, *, out: Path | None, seed: int, starts: int | None, posterior: bool, recover: int, sbc: bool,
    jobs: int, quiet: bool,
) -> Outcome:  # fmt: skip
    """The fit of any problem folder: its tables, the summary in words, the manifest."""
    from alliance_dynamics.calibration.estimation import Work, estimate
    from alliance_dynamics.calibration.estimation_files import sign_estimation, write_estimation
    from alliance_dynamics.calibration.wording import summary_of

    name = task.folder.resolve().name
    target = out or Path("results") / f"{name}_calibration"
    work = Work.of(task)
    work = replace(work, posterior=posterior and work.posterior, starts=starts or work.starts)
    with Outputs(target) as folder:
        model = _model(task)
        with stage("Calibrating", quiet) as tell:
            found = estimate(task, model, seed=seed, work=work, jobs=jobs, progress=tell)
        write_estimation(folder, found)
        text, command = summary_of(found), ["calibrate", name, "--seed", str(seed)]
        command += [*(["--starts", str(starts)] if starts else []), *([] if posterior else ["--no-posterior"])]
        if recover:
            text += "\n" + str(_recover(folder, model, task, recover, seed, sbc, jobs, quiet))
            command += ["--recover", str(recover), *(["--sbc"] if sbc else [])]
        sign_estimation(folder, found, command)
    names = ("calibration.json", "parameters.csv", "fit.csv", "starts.csv", "profiles.csv", "manifest.json")
    return Outcome(text=text, outputs=tuple(target / each for each in names))


def compare(
    scenarios: Sequence[str] = (),
    *,
    model: str = "alliance",
    baseline: str = BASELINE,
    at: Sequence[float] = YEARS,
    draws: int | None = None,
    out: Path | None = None,
    seed: int = 1,
    jobs: int = 1,
    quiet: bool = False,
) -> Outcome:
    """Compares regimes or scenario files over common futures from a quick calibration.

    `model` is the composed model, `alliance`, or one with elements added; constants of what is added are drawn from
    their ranges, where they have one.
    """
    if not is_alliance(model):
        raise UsageError(
            fault("", "Regimes are known for the model `alliance` only, not for `{name}`", name=model,
                  remedy="Name `alliance`, or `alliance+ELEMENTS` with a table of elements")
        )  # fmt: skip
    parameters = read_parameters()
    regimes = _chosen(scenarios, baseline, parameters)
    refuse_years(at)
    opened, futures, fitted = _quick_futures(parameters, draws, seed, jobs, quiet, model)
    with stage("Running the regimes", quiet) as tell:
        runs = run_regimes(opened, regimes, futures, parameters, jobs=jobs, progress=tell)
    compared = compare_regimes(runs, baseline=find_regime(baseline, tuple(regimes)).id, at=[int(year) for year in at])
    if out is None:
        return Outcome(text=_summary(compared, fitted, parameters, quick=True))
    command = ["compare", *scenarios, "--baseline", baseline, "--at", ",".join(f"{year:g}" for year in at)]
    command += [*(["--draws", str(draws)] if draws else []), "--seed", str(seed)]
    command += ["--model", model] if model != "alliance" else []
    with Outputs(out) as folder:
        write_comparison(folder, runs, compared, parameters)
        _sign(folder, fitted, command, seed=seed, quick=True,
              draws=len(futures.rows))  # fmt: skip
    return Outcome(
        text=_summary(compared, fitted, parameters, quick=True), outputs=(out / "summary.csv", out / "trajectories.csv")
    )


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
    quiet: bool = False,
) -> Outcome:
    """Sobol' indices of the governance levers of the built-in model, over futures from a quick calibration.

    With `max_runs` the points are doubled until the stop rule of `sensitivity/convergence.py` is met.
    """
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
    kept = None if sweep is None else Kept(sweep, workers, shard_rows)
    parameters = read_parameters()
    opened, futures, fitted = _quick_futures(parameters, None, seed, jobs, quiet)
    size = Size.of(quick=True)
    size = replace(size, points=points or size.points, replicates=replicates or size.replicates)
    regimes = read_regimes()

    def analyse(number: int) -> GovernanceSweep:
        own = kept if kept is None or max_runs is None else replace(kept, folder=kept.folder / f"points_{number}")
        with stage("Sensitivity of the governance levers", quiet) as tell:
            return _sweep(opened, futures, regimes, parameters, replace(size, points=number), seed, jobs, tell, own,
                          on_fail, max_failed, precision)  # fmt: skip

    ended = until_converged(analyse, points=size.points, most_runs=max_runs or 0)
    found = ended.found
    notices = (*_left_out(found), *_convergence(ended, max_runs), *([NOTICE] if precision == "single" else []))
    if out is None:
        return Outcome(text=str(found.indices), notices=notices)
    command = ["sensitivity", model, "--points", str(size.points), "--replicates", str(size.replicates)]
    command += [*(["--max-runs", str(max_runs)] if max_runs else []), "--seed", str(seed)]
    if on_fail != "error":
        command += ["--on-fail", on_fail, "--max-failed", f"{max_failed:g}"]
    command += ["--precision", precision] if precision != "double" else []
    with Outputs(out) as folder:
        if found.failed:
            write_failed(folder / "failed.csv", found.failed)
        write_sensitivity(folder, found, parameters, converged=_settled(found))
        write_rows(folder / "convergence.csv", ended.rows())
        _sign(folder, fitted, command, seed=seed, quick=True, draws=len(futures.rows),
              settings={"precision": precision})  # fmt: skip
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


def explore(*, out: Path, seed: int = 1, jobs: int = 1, quiet: bool = False) -> Outcome:
    """Writes the explorer of the built-in model over futures from a quick calibration."""
    from alliance_dynamics.explorer import write_explorer

    if out.is_dir():
        raise UsageError(
            fault(str(out), "This is a folder, not a file", remedy="Add the name of a file to it")
        )  # fmt: skip
    parameters = read_parameters()
    model, futures, fitted = _quick_futures(parameters, None, seed, jobs, quiet)
    page = write_explorer(out, model, futures, parameters, read_regimes(), baseline=BASELINE, chosen=ALLIANCE_REGIME,
                          history=fitted.fit_table, seed=seed, quick=True)  # fmt: skip
    return Outcome(outputs=(page,), next_step=translate("open {path}").format(path=page))


def find_problem(name: str) -> Problem:
    """The problem of that name, or in that folder; UsageError where there is none."""
    folder = Path(name)
    if any((folder / each).is_file() for each in ("problem.toml", "problem.yaml", "problem.yml")):
        return read_problem(folder)
    if folder.name == name and name == "tatarstan":
        return read_problem(resource(f"calibration/{name}"))
    raise UsageError(
        fault(
            name,
            "There is no calibration problem `{name}`",
            expected="`tatarstan`, or a folder that holds problem.toml",
            name=name,
        )
    )


def refuse_years(years: Sequence[float]) -> None:
    """UsageError where a year to report lies outside the run, before any work is done."""
    if wrong := [year for year in years if not FIRST_YEAR <= year <= LAST_YEAR or year != int(year)]:
        raise UsageError(
            fault(
                "",
                "{years} are not years of the run",
                expected="Years from {first} to {last}",
                years=", ".join(f"{year:g}" for year in wrong),
                first=FIRST_YEAR,
                last=LAST_YEAR,
            )
        )


def _model(task: Problem) -> Model:
    """The model of a problem: a file beside its tables, or a built-in name."""
    return open_model(str(model_path(task.folder, task.model)))


def _regimes(policy_year: float | None) -> tuple[Scenario, ...]:
    regimes = read_regimes()
    if policy_year is None:
        return regimes
    if not 2023 <= policy_year <= 2049 or policy_year * 8 != int(policy_year * 8):
        raise UsageError(
            fault("", "the policy year {year} cannot be used", expected="A year from 2023 to 2049, in whole eighths",
                  year=policy_year)
        )  # fmt: skip
    return tuple(replace(each, start_policy=policy_year) for each in regimes)


def _chosen(names: Sequence[str], baseline: str, parameters: Parameters) -> tuple[Scenario, ...]:
    from alliance_dynamics.scenarios import read_scenario

    known = read_regimes()
    if not names:
        return known
    found = [read_scenario(name, parameters) if name.endswith(".toml") else find_regime(name, known) for name in names]
    if baseline not in [each.id for each in found]:
        found.insert(0, find_regime(baseline, known))
    return tuple(found)


def _quick_futures(
    parameters: Parameters, draws: int | None, seed: int, jobs: int, quiet: bool, name: str = ""
) -> tuple[Model, Futures, Calibration]:
    task = find_problem("tatarstan")
    model = open_model(name) if name else _model(task)
    effort = Effort.quick() if draws is None else replace(Effort.quick(), draws=draws)
    with stage("Calibrating", quiet) as tell:
        fitted = calibrate_model(model, task, seed=seed, effort=effort, jobs=jobs, progress=tell)
    return model, draw_futures(fitted, parameters, seed=seed), fitted


def _sweep(
    model: Model,
    futures: Futures,
    regimes: Sequence[Scenario],
    parameters: Parameters,
    size: Size,
    seed: int,
    jobs: int,
    tell: Callable[[float], None],
    kept: Kept | None = None,
    on_fail: OnFail = "error",
    max_failed: float = MAX_FAILED,
    precision: str = "double",
) -> GovernanceSweep:
    baseline = find_regime(BASELINE, tuple(regimes))
    return governance_sensitivity(
        model,
        futures,
        parameters.levers,
        baseline=columns_of_regime(futures.program, model, baseline, parameters),
        policy_year=int(baseline.start_policy or 2026),
        points=size.points,
        replicates=size.replicates,
        seed=seed,
        jobs=jobs,
        kept=kept,
        on_fail=on_fail,
        max_failed=max_failed,
        precision=precision,
        progress=tell,
    )


def _weigh(
    model: Model,
    futures: Futures,
    regimes: Sequence[Scenario],
    parameters: Parameters,
    runs: RegimeRuns,
    names: Sequence[Mapping[str, str]],
    size: Size,
    seed: int,
    jobs: int,
    tell: Callable[[float], None],
) -> tuple[tuple[Rung, ...], Standing]:
    """What single levers of the alliance are worth, and how it stands against tradition and against no programme."""
    known = {
        each.id: columns_of_regime(futures.program, model, each, parameters)
        for each in regimes
        if each.id in (ALLIANCE_REGIME, BASELINE)
    }
    rungs = lever_ladder(
        model, futures, parameters.levers, regime=known[ALLIANCE_REGIME], baseline=known[BASELINE], years=YEARS,
        draws=size.ladder_draws, jobs=jobs, progress=tell,
    )  # fmt: skip
    standing = regime_standing(
        runs, futures, regime=ALLIANCE_REGIME, against=(BASELINE, NO_PROGRAMME), outcome=HEADLINE, years=YEARS[:2],
        inputs=[card["input"] for card in names], seed=seed,
    )  # fmt: skip
    return rungs, standing


def _settled(sweep: GovernanceSweep) -> bool:
    """Every total index from 0.1 on is known to a tenth of itself, in the years to 2050."""
    total = sweep.indices.ST
    large = total.value >= 0.1
    return bool((total.half_width[large] <= 0.1 * total.value[large]).all())


def _settings(runs: RegimeRuns, sweep: GovernanceSweep, fitted: Calibration) -> dict[str, Any]:
    return {
        "policy_year": runs.policy_year,
        "headline_outcome": HEADLINE,
        "main_outcomes": list(MAIN_OUTCOMES),
        "sensitivity": {
            "points": sweep.design.points,
            "replicates": sweep.design.replicates,
            "converged": _settled(sweep),
        },
        "calibration": _effort(fitted),
    }


def _effort(fitted: Calibration) -> dict[str, Any]:
    return {
        "starts": len(fitted.fit.starts),
        "generations": fitted.posterior.generations,
        "chains": fitted.posterior.chains,
        "r_hat_max": fitted.summary["r_hat_max"],
    }


def _sign(
    folder: Path,
    fitted: Calibration,
    command: Sequence[str],
    *,
    seed: int,
    draws: int,
    quick: bool = False,
    settings: Mapping[str, Any] | None = None,
    wall_s: float = 0.0,
) -> None:
    """Writes the manifest over everything in the folder.  What does not change results (jobs, out) is not in it."""
    setup = fitted.setup
    models = resource("sdmodels")
    write_manifest(
        folder,
        seed=seed,
        dt=setup.problem.dt or setup.forward.schedule.dt,
        method=setup.model.time.method,
        backend=setup.forward.kernel.backend,
        draws=draws,
        wall_s=wall_s,
        quick=quick,
        model={**describe_model(setup.model, setup.program), "text_sha256": hash_files(models, "*.mdl")},
        inputs={
            "data": hash_files(setup.problem.folder),
            "regimes": hash_files(models / "regimes"),
            "parameters": hash_files(models / "parameters.toml"),
        },
        command=command,
        settings=settings,
    )


def _write_reports(folder: Path, tell: Callable[[float], None]) -> None:
    from alliance_dynamics.report import prepare_edition, write_calibration_report, write_pdf, write_report

    for i, language in enumerate(LANGUAGES):
        edition = prepare_edition(folder, language)
        write_report(edition)
        write_pdf(edition)
        write_calibration_report(folder / "calibration", language=language)
        tell((i + 1) / len(LANGUAGES))


def _summary(compared: Comparison, fitted: Calibration, parameters: Parameters, quick: bool) -> str:
    """The table that closes the job: gaps of the whole alliance to the baseline in 2040."""
    at = 2040 if 2040 in compared.years else compared.years[-1]
    head = translate("Gaps to {baseline} in {year:g}, the whole alliance, {draws} draws (median, 5 % and 95 %)")
    width = max(len(regime) for regime in compared.regimes)
    lines = [head.format(baseline=compared.baseline, year=at, draws=compared.draws)]
    outcome = ""
    for row in compared.summary:
        if row["year"] == at and row["element"] == ALLIANCE:
            if row["outcome"] != outcome:
                outcome = str(row["outcome"])
                label = parameters.variables.get(outcome, {}).get(current_language(), outcome.replace("_", " "))
                lines.append(f"{label}, {translate(str(row['unit']))}")
            lines.append(
                f"  {row['regime']:<{width}}  {row['gap']:+10.4g} [{row['gap_low']:+.4g}, "
                f"{row['gap_high']:+.4g}], {translate(str(row['verdict']))}"
            )
    if bound := fitted.summary["at_bound"]:
        lines.append(translate("At a bound: {names}").format(names=", ".join(bound)))
    if not fitted.summary["converged"]:
        text = translate("The posterior sample has not settled: R-hat {value:.2f}")
        lines.append(text.format(value=fitted.summary["r_hat_max"]))
    if quick:
        lines.append(translate("Quick run: small samples, not for decisions."))
    return "\n".join(lines) + "\n"
