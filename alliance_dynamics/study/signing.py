"""The manifest of a folder of results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from alliance_dynamics.calibration.calibration import Calibration
from alliance_dynamics.manifest import describe_model, hash_files, write_manifest
from alliance_dynamics.regimes import RegimeRuns
from alliance_dynamics.resources import resource
from alliance_dynamics.sensitivity.governance import GovernanceSweep
from alliance_dynamics.study.stages import HEADLINE, MAIN_OUTCOMES


def sign_results(
    folder: Path,
    fitted: Calibration,
    command: Sequence[str],
    *,
    seed: int,
    draws: int,
    quick: bool = False,
    settings: Mapping[str, Any] | None = None,
    wall_s: float,
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


def settings_of(runs: RegimeRuns, sweep: GovernanceSweep, fitted: Calibration) -> dict[str, Any]:
    return {
        "policy_year": runs.policy_year,
        "headline_outcome": HEADLINE,
        "main_outcomes": list(MAIN_OUTCOMES),
        "sensitivity": {
            "points": sweep.design.points,
            "replicates": sweep.design.replicates,
            "converged": sweep.settled,
        },
        "calibration": effort_of(fitted),
    }


def effort_of(fitted: Calibration) -> dict[str, Any]:
    return {
        "starts": len(fitted.fit.starts),
        "generations": fitted.posterior.generations,
        "chains": fitted.posterior.chains,
        "r_hat_max": fitted.summary["r_hat_max"],
    }
