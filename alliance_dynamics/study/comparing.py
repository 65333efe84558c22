"""`alliance compare`: regimes or scenarios against a baseline."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from alliance_dynamics.commands.outcome import Outcome
from alliance_dynamics.errors import Fault, InputError, UsageError, fault
from alliance_dynamics.expectations import disappointed, unknown_variables
from alliance_dynamics.files import Outputs
from alliance_dynamics.language import translate
from alliance_dynamics.lever_paths import with_paths
from alliance_dynamics.manifest import refuse_other_results
from alliance_dynamics.model.built_in import is_alliance
from alliance_dynamics.model.model import Model
from alliance_dynamics.outcomes import MILESTONES
from alliance_dynamics.parameters import Parameters, read_parameters
from alliance_dynamics.progress import stage
from alliance_dynamics.regimes import compare_regimes, run_regimes
from alliance_dynamics.result_files import write_comparison
from alliance_dynamics.scenarios import Scenario, find_regime
from alliance_dynamics.simulate import run_model
from alliance_dynamics.study.inputs import chosen_regimes, quick_futures, refuse_years
from alliance_dynamics.study.planning import plan_comparison
from alliance_dynamics.study.signing import sign_results
from alliance_dynamics.study.stages import BASELINE
from alliance_dynamics.study.summary import summary_of_gaps

MOST_DRAWS = 10_000  # of five regimes these are 1.1 GB


def compare(
    scenarios: Sequence[str] = (),
    *,
    model: str = "alliance",
    baseline: str = BASELINE,
    at: Sequence[float] | None = None,
    draws: int | None = None,
    out: Path | None = None,
    seed: int | None = None,
    jobs: int = 1,
    force: bool = False,
    quiet: bool = False,
    dry_run: bool = False,
) -> Outcome:
    """Compares regimes or scenario files over common futures from a quick calibration.

    `model` is the composed model, `alliance`, or one with elements added; constants of what is added are drawn from
    their ranges, where they have one.  Years, number of draws and seed are those of the scenario files where they are
    not given.  What a scenario expects is held against a run at default values: exit code 1 where it is wrong.
    With `dry_run` only the plan is told.
    """
    began = time.monotonic()
    if not is_alliance(model):
        raise UsageError(
            fault("", "Regimes are known for the model `alliance` only, not for `{name}`", name=model,
                  remedy="Name `alliance`, or `alliance+ELEMENTS` with a table of elements")
        )  # fmt: skip
    parameters = read_parameters()
    regimes = chosen_regimes(scenarios, baseline, parameters)
    milestones = tuple(sorted({year for each in regimes for year in each.milestones}))
    at = at or milestones or MILESTONES
    refuse_years(at)
    draws, seed = _asked(regimes, "n", draws), _asked(regimes, "seed", seed)
    if draws is not None and draws > MOST_DRAWS:
        raise UsageError(fault("", "{draws} draws are more than a comparison holds", expected="At most {most}",
                               draws=draws, most=MOST_DRAWS))  # fmt: skip
    seed = 1 if seed is None else seed
    command = ["compare", *scenarios, "--baseline", baseline, "--at", ",".join(f"{year:g}" for year in at)]
    command += [*(["--draws", str(draws)] if draws else []), "--seed", str(seed)]
    command += ["--model", model] if model != "alliance" else []
    if out is not None:
        refuse_other_results(out, command, force)
    if dry_run:
        return plan_comparison(len(regimes), draws, command, out=out, seed=seed, jobs=jobs, model=model)
    opened, futures, fitted = quick_futures(parameters, draws, seed, jobs, quiet, model)
    with stage("Running the regimes", quiet) as tell:
        runs = run_regimes(opened, regimes, futures, parameters, jobs=jobs, progress=tell)
    compared = compare_regimes(runs, baseline=find_regime(baseline, tuple(regimes)).id, at=[int(year) for year in at])
    kpis = tuple(dict.fromkeys(name for each in regimes for name in each.kpis))
    text = summary_of_gaps(compared, fitted, parameters, quick=True, years=milestones and at, kpis=kpis)
    faults = tuple(wrong for each in regimes for wrong in _disappointments(opened, each, parameters))
    done = Outcome(text=text, faults=faults, exit_code=int(bool(faults)), notices=tuple(own_times(regimes)))
    if out is None:
        return done
    with Outputs(out) as folder:
        write_comparison(folder, runs, compared, parameters)
        sign_results(folder, fitted, command, seed=seed, quick=True, draws=len(futures.rows),
                     wall_s=time.monotonic() - began)  # fmt: skip
    return replace(done, outputs=(out / "summary.csv", out / "trajectories.csv"))


def _asked(regimes: Sequence[Scenario], name: str, given: int | None) -> int | None:
    """A number of the command line, or that of the scenario files, which must not differ: all share their draws."""
    asked = {each.draws[name]: each for each in regimes if name in each.draws}
    if given is not None or not asked:
        return given
    if len(asked) > 1:
        shown = ", ".join(f"{value} ({each.path})" for value, each in asked.items())
        raise UsageError(
            fault("", "The scenarios ask for different draws: `{name}` = {shown}", name=name, shown=shown,
                  remedy="Give `{option}`, which holds for all", option={"n": "--draws", "seed": "--seed"}[name])
        )  # fmt: skip
    return next(iter(asked))


def _disappointments(model: Model, regime: Scenario, parameters: Parameters) -> Iterator[Fault]:
    """What a scenario expects in vain, in a run at the default values of everything else."""
    if not regime.expect:
        return
    own = with_paths(model, regime, parameters)
    if wrong := list(unknown_variables(own, regime.expect, regime.places)):
        raise InputError(wrong)
    run = run_model(own, set=regime.values(parameters))
    yield from disappointed(run, regime.expect, regime.places)


def own_times(regimes: Sequence[Scenario]) -> Iterator[str]:
    """A notice for each scenario whose times of the run are not used."""
    for each in regimes:
        if each.settings:
            names = ", ".join(each.settings)
            yield translate("`{id}` sets {names}; in a comparison all scenarios run alike, over the years of the model"
                            ).format(id=each.id, names=names)  # fmt: skip
