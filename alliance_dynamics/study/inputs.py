"""What a study starts from: the problem, its model, the regimes, futures from a quick calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from alliance_dynamics.calibration.calibration import Calibration, Effort
from alliance_dynamics.calibration.calibration import calibrate as calibrate_model
from alliance_dynamics.calibration.problem import Problem, read_problem
from alliance_dynamics.calibration.problem_file import model_path
from alliance_dynamics.errors import UsageError, fault
from alliance_dynamics.futures import Futures, draw_futures
from alliance_dynamics.language import translate
from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.model.model import Model
from alliance_dynamics.parameters import Parameters
from alliance_dynamics.progress import announce, stage
from alliance_dynamics.resources import resource
from alliance_dynamics.scenarios import Scenario, find_regime, read_regimes
from alliance_dynamics.study.remembered import recall, remember, sources_of

FIRST_YEAR, LAST_YEAR = 2000, 2050


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


def model_of(task: Problem) -> Model:
    """The model of a problem: a file beside its tables, or a built-in name."""
    return open_model(str(model_path(task.folder, task.model)))


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


def regimes_from(policy_year: float | None) -> tuple[Scenario, ...]:
    regimes = read_regimes()
    if policy_year is None:
        return regimes
    if not 2023 <= policy_year <= 2049 or policy_year * 8 != int(policy_year * 8):
        raise UsageError(
            fault("", "the policy year {year} cannot be used", expected="A year from 2023 to 2049, in whole eighths",
                  year=policy_year)
        )  # fmt: skip
    return tuple(replace(each, start_policy=policy_year) for each in regimes)


def chosen_regimes(names: Sequence[str], baseline: str, parameters: Parameters) -> tuple[Scenario, ...]:
    from alliance_dynamics.scenarios import read_scenario

    known = read_regimes()
    if not names:
        return known
    found = [read_scenario(name, parameters) if name.endswith(".toml") else find_regime(name, known) for name in names]
    ids = [each.id for each in found]
    if twice := next((each for each in ids if ids.count(each) > 1), ""):
        raise UsageError(fault("", "the {kind} `{name}` occurs more than once", expected="every name once",
                               kind="regime", name=twice))  # fmt: skip
    if baseline not in [each.id for each in found]:
        found.insert(0, find_regime(baseline, known))
    return tuple(found)


def quick_futures(
    parameters: Parameters, draws: int | None, seed: int, jobs: int, quiet: bool, name: str = ""
) -> tuple[Model, Futures, Calibration]:
    task = find_problem("tatarstan")
    model = open_model(name) if name else model_of(task)
    effort = Effort.quick() if draws is None else replace(Effort.quick(), draws=draws)
    inputs = {**sources_of(model, task), "effort": asdict(effort), "seed": seed}
    fitted = recall(inputs, model, task, jobs)
    if fitted is None:
        with stage("Calibrating", quiet) as tell:
            fitted = calibrate_model(model, task, seed=seed, effort=effort, jobs=jobs, progress=tell)
        remember(inputs, fitted)
    else:
        announce("{what}: done before", what=translate("Calibrating"), quiet=quiet)
    return model, draw_futures(fitted, parameters, seed=seed), fitted
