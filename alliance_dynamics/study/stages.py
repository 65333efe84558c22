"""What the stages of a study do, and how much of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import alliance_dynamics
from alliance_dynamics.calibration.calibration import Calibration, Effort
from alliance_dynamics.calibration.problem import Problem
from alliance_dynamics.calibration.setup import set_up
from alliance_dynamics.futures import Futures, columns_of_regime
from alliance_dynamics.language import LANGUAGES
from alliance_dynamics.manifest import environment, hash_files
from alliance_dynamics.model.model import Model
from alliance_dynamics.parameters import Parameters
from alliance_dynamics.regimes import RegimeRuns
from alliance_dynamics.scenarios import Scenario, find_regime
from alliance_dynamics.sensitivity.governance import MAX_FAILED, GovernanceSweep, Kept, governance_sensitivity
from alliance_dynamics.sensitivity.ladder import Rung, lever_ladder
from alliance_dynamics.sensitivity.sobol import OnFail
from alliance_dynamics.sensitivity.standing import Standing, regime_standing

BASELINE, ALLIANCE_REGIME, NO_PROGRAMME = "R1", "R3", "R0"
HEADLINE = "net_present_value"
MAIN_OUTCOMES = (HEADLINE, "gross_regional_product", "innovative_goods_volume", "interregional_link_density")
YEARS = (2030, 2040, 2050)
LAST_FITTED_YEAR = 2030


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


def inputs_of(
    model: Model, task: Problem, parameters: Parameters, regimes: Sequence[Scenario], size: Size, seed: int
) -> dict[str, Any]:
    """All that the numbers of a study follow from, as hashes and numbers: our code and the libraries too."""
    code = hash_files(Path(alliance_dynamics.__file__).parent, "**/*.py")
    return {
        "code": code,
        "environment": environment(),
        "model": model.hash,
        "problem": hash_files(task.folder),
        "parameters": parameters.hash,
        "regimes": [each.hash for each in regimes],
        "size": asdict(size),
        "seed": seed,
    }


def without_setup(fitted: Calibration) -> Calibration:
    """What a calibration found, without the model that it is about."""
    return replace(fitted, setup=None)  # type: ignore[arg-type]


def with_setup(model: Model, task: Problem, jobs: int, found: Calibration) -> Calibration:
    """The calibration again about its model."""
    return replace(found, setup=set_up(model, task, last_year=LAST_FITTED_YEAR, jobs=jobs))


def sweep_levers(
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
        progress=tell,
    )


def weigh(
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


def settled(sweep: GovernanceSweep) -> bool:
    """Every total index from 0.1 on is known to a tenth of itself, in the years to 2050."""
    total = sweep.indices.ST
    large = total.value >= 0.1
    return bool((total.half_width[large] <= 0.1 * total.value[large]).all())


def write_reports(folder: Path, tell: Callable[[float], None]) -> None:
    from alliance_dynamics.report import prepare_edition, write_calibration_report, write_pdf, write_report

    for i, language in enumerate(LANGUAGES):
        edition = prepare_edition(folder, language)
        write_report(edition)
        write_pdf(edition)
        write_calibration_report(folder / "calibration", language=language)
        tell((i + 1) / len(LANGUAGES))
