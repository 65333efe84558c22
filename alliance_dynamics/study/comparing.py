"""`alliance compare`: regimes or scenarios against a baseline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from alliance_dynamics.commands.outcome import Outcome
from alliance_dynamics.errors import UsageError, fault
from alliance_dynamics.files import Outputs
from alliance_dynamics.model.built_in import is_alliance
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.progress import stage
from alliance_dynamics.regimes import compare_regimes, run_regimes
from alliance_dynamics.result_files import write_comparison
from alliance_dynamics.scenarios import find_regime
from alliance_dynamics.study.inputs import chosen_regimes, quick_futures, refuse_years
from alliance_dynamics.study.signing import sign_results
from alliance_dynamics.study.stages import BASELINE, YEARS
from alliance_dynamics.study.summary import summary_of_gaps


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
    regimes = chosen_regimes(scenarios, baseline, parameters)
    refuse_years(at)
    opened, futures, fitted = quick_futures(parameters, draws, seed, jobs, quiet, model)
    with stage("Running the regimes", quiet) as tell:
        runs = run_regimes(opened, regimes, futures, parameters, jobs=jobs, progress=tell)
    compared = compare_regimes(runs, baseline=find_regime(baseline, tuple(regimes)).id, at=[int(year) for year in at])
    text = summary_of_gaps(compared, fitted, parameters, quick=True)
    if out is None:
        return Outcome(text=text)
    command = ["compare", *scenarios, "--baseline", baseline, "--at", ",".join(f"{year:g}" for year in at)]
    command += [*(["--draws", str(draws)] if draws else []), "--seed", str(seed)]
    command += ["--model", model] if model != "alliance" else []
    with Outputs(out) as folder:
        write_comparison(folder, runs, compared, parameters)
        sign_results(folder, fitted, command, seed=seed, quick=True, draws=len(futures.rows))
    return Outcome(text=text, outputs=(out / "summary.csv", out / "trajectories.csv"))
