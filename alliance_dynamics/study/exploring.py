"""`alliance explore`: the page on which the model runs."""

from __future__ import annotations

from pathlib import Path

from alliance_dynamics.commands.outcome import Outcome
from alliance_dynamics.errors import UsageError, fault
from alliance_dynamics.language import translate
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.scenarios import read_regimes
from alliance_dynamics.study.inputs import quick_futures
from alliance_dynamics.study.stages import ALLIANCE_REGIME, BASELINE


def explore(*, out: Path, seed: int = 1, jobs: int = 1, quiet: bool = False) -> Outcome:
    """Writes the explorer of the built-in model over futures from a quick calibration."""
    from alliance_dynamics.explorer import write_explorer

    if out.is_dir():
        raise UsageError(
            fault(str(out), "This is a folder, not a file", remedy="Add the name of a file to it")
        )  # fmt: skip
    parameters = read_parameters()
    model, futures, fitted = quick_futures(parameters, None, seed, jobs, quiet)
    page = write_explorer(out, model, futures, parameters, read_regimes(), baseline=BASELINE, chosen=ALLIANCE_REGIME,
                          history=fitted.fit_table, seed=seed, quick=True)  # fmt: skip
    return Outcome(outputs=(page, page.with_suffix(".zip")), next_step=translate("open {path}").format(path=page))
