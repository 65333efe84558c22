"""What the stages of a study do, and how much of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from alliance_dynamics.calibration.calibration import Effort
from alliance_dynamics.calibration.problem import Problem
from alliance_dynamics.common_model import common_futures
from alliance_dynamics.errors import MAX_FAILED
from alliance_dynamics.futures import Futures, columns_of_regime
from alliance_dynamics.model.model import Model
from alliance_dynamics.outcomes import MILESTONES
from alliance_dynamics.parameters import Parameters
from alliance_dynamics.regimes import RegimeRuns
from alliance_dynamics.scenarios import Scenario, find_regime
from alliance_dynamics.sensitivity.governance import (
    STEP_POINTS,
    GovernanceSweep,
    Kept,
    governance_sensitivity,
)
from alliance_dynamics.sensitivity.ladder import Rung, lever_ladder
from alliance_dynamics.sensitivity.posterior_shares import posterior_shares
from alliance_dynamics.sensitivity.repeated import DOUBLED, repeated_rankings, variants_of
from alliance_dynamics.sensitivity.sobol import OnFail
from alliance_dynamics.sensitivity.standing import Standing, regime_standing
from alliance_dynamics.study.remembered import sources_of

BASELINE, ALLIANCE_REGIME, NO_PROGRAMME = "R1", "R3", "R0"
HEADLINE = "net_present_value"
MAIN_OUTCOMES = (HEADLINE, "gross_regional_product", "innovative_goods_volume", "interregional_link_density")


@dataclass(frozen=True)
class Size:
    """How much a study does; `quick` is for trying, not for decisions."""

    effort: Effort
    points: int
    replicates: int
    ladder_draws: int
    walks: int
    repeated: int

    @staticmethod
    def of(quick: bool) -> Size:
        return Size(Effort.quick(), 16, 4, 40, 2, 0) if quick else Size(Effort(), 1024, 16, 400, 16, 32)


def inputs_of(
    model: Model, task: Problem, parameters: Parameters, regimes: Sequence[Scenario], size: Size, seed: int
) -> dict[str, Any]:
    """All that the numbers of a study follow from, as hashes and numbers."""
    return {
        **sources_of(model, task),
        "parameters": parameters.hash,
        "regimes": [each.hash for each in regimes],
        "size": asdict(size),
        "seed": seed,
    }


def command_of_study(problem: str, quick: bool, seed: int, policy_year: float | None) -> list[str]:
    """The words of a study that change its results."""
    words = ["study", problem, *(["--quick"] if quick else []), "--seed", str(seed)]
    return words + (["--policy-year", f"{policy_year:g}"] if policy_year is not None else [])


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
    precision: str = "double",
    grouped: bool = False,
    step_points: int = STEP_POINTS,
    coarse: bool = True,
) -> GovernanceSweep:
    references = [find_regime(each, tuple(regimes)) for each in (BASELINE, NO_PROGRAMME)]
    start = references[0].start_policy or 2026
    coarse = coarse and not any(each.in_time for each in references)  # corners lie on the grid of the model's step
    model, (baseline, nothing), futures = common_futures(model, references, futures, parameters)
    return governance_sensitivity(
        model,
        futures,
        parameters.levers,
        baseline=columns_of_regime(futures.program, model, baseline, parameters),
        no_programme=columns_of_regime(futures.program, model, nothing, parameters),
        policy_year=int(start),
        coarser=2 if coarse and start * 4 == int(start * 4) else 1,  # a policy begins at the beginning of a step
        points=size.points,
        replicates=size.replicates,
        seed=seed,
        jobs=jobs,
        kept=kept,
        on_fail=on_fail,
        max_failed=max_failed,
        precision=precision,
        grouped=grouped,
        step_points=step_points,
        progress=tell,
    )


def repeat(
    model: Model, futures: Futures, regimes: Sequence[Scenario], parameters: Parameters, size: Size,
    seed: int, jobs: int, tell: Callable[[float], None],
) -> tuple[GovernanceSweep, list[dict[str, Any]]]:  # fmt: skip
    """Levers, calibrated parameters and assumptions as three groups; and the ranking of the inputs, again and again."""
    few = replace(size, points=max(2, size.points // 4))
    grouped = sweep_levers(model, futures, regimes, parameters, few, seed, jobs, lambda _: None, grouped=True,
                           step_points=0)  # fmt: skip
    if not size.repeated:
        return grouped, []
    small = replace(size, points=size.repeated, replicates=8)
    rows = repeated_rankings(
        variants_of(model, futures, parameters.levers, seed),
        lambda each: sweep_levers(
            model, each.futures, regimes, replace(parameters, levers=each.levers), small, each.seed, jobs,
            lambda _: None, on_fail="drop_block", max_failed=1.0, step_points=0, coarse=each.name != DOUBLED,
        ),
        outcomes=MAIN_OUTCOMES, year=MILESTONES[1], progress=tell,
    )  # fmt: skip
    return grouped, rows


def share_out(
    model: Model, futures: Futures, regimes: Sequence[Scenario], parameters: Parameters,
    names: Sequence[Mapping[str, str]], size: Size, seed: int, jobs: int, tell: Callable[[float], None],
) -> list[dict[str, Any]]:  # fmt: skip
    """The shares of single calibrated parameters in the spread of the alliance's gap to the baseline."""
    found = [find_regime(each, tuple(regimes)) for each in (ALLIANCE_REGIME, BASELINE)]
    coarser = 1 if any(each.in_time for each in found) else 2
    model, found, futures = common_futures(model, found, futures, parameters)
    regime, baseline = (columns_of_regime(futures.program, model, each, parameters) for each in found)
    count = len(futures.calibrated)
    return posterior_shares(
        model, futures, regime=regime, baseline=baseline, outcomes=MAIN_OUTCOMES[:2], year=MILESTONES[1],
        inputs=[card["input"] for card in names[:count]], runs=16 * (count + 1) * size.walks, coarser=coarser,
        seed=seed, jobs=jobs, progress=tell,
    )  # fmt: skip


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
    found = [find_regime(each, tuple(regimes)) for each in (ALLIANCE_REGIME, BASELINE)]
    common, found, moved = common_futures(model, found, futures, parameters)
    known = {each.id: columns_of_regime(moved.program, common, each, parameters) for each in found}
    rungs = lever_ladder(
        common, moved, parameters.levers, regime=known[ALLIANCE_REGIME], baseline=known[BASELINE], years=MILESTONES,
        draws=size.ladder_draws, jobs=jobs, progress=tell,
    )  # fmt: skip
    standing = regime_standing(
        runs, futures, regime=ALLIANCE_REGIME, against=(BASELINE, NO_PROGRAMME), outcome=HEADLINE, years=MILESTONES[:2],
        inputs=[card["input"] for card in names], seed=seed,
    )  # fmt: skip
    return rungs, standing
