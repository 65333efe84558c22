"""System dynamics of regional and industrial innovation subsystems and of the alliance that coordinates them.

The public names below are imported when they are first used, so that `import alliance_dynamics` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "open_model": "alliance_dynamics.model.built_in",
    "read_model": "alliance_dynamics.model.read",
    "compose": "alliance_dynamics.model.compose",
    "run_model": "alliance_dynamics.simulate",
    "run_ensemble": "alliance_dynamics.ensemble",
    "draws_of_ranges": "alliance_dynamics.draws",
    "draws_of_futures": "alliance_dynamics.draws",
    "read_problem": "alliance_dynamics.calibration.problem",
    "calibrate": "alliance_dynamics.calibration.calibration",
    "Effort": "alliance_dynamics.calibration.calibration",
    "recover": "alliance_dynamics.calibration.recovery",
    "validate": "alliance_dynamics.calibration.validate",
    "theil": "alliance_dynamics.calibration.theil",
    "write_calibration": "alliance_dynamics.result_files",
    "read_parameters": "alliance_dynamics.parameters",
    "read_regimes": "alliance_dynamics.scenarios",
    "read_scenario": "alliance_dynamics.scenarios",
    "draw_futures": "alliance_dynamics.futures",
    "run_regimes": "alliance_dynamics.regimes",
    "compare_regimes": "alliance_dynamics.regimes",
    "governance_sensitivity": "alliance_dynamics.sensitivity.governance",
    "sobol_design": "alliance_dynamics.sensitivity.design",
    "sobol_indices": "alliance_dynamics.sensitivity.sobol",
    "write_report": "alliance_dynamics.report",
}

if TYPE_CHECKING:
    from alliance_dynamics.calibration.calibration import Effort, calibrate
    from alliance_dynamics.calibration.problem import read_problem
    from alliance_dynamics.calibration.recovery import recover
    from alliance_dynamics.calibration.theil import theil
    from alliance_dynamics.calibration.validate import validate
    from alliance_dynamics.draws import draws_of_futures, draws_of_ranges
    from alliance_dynamics.ensemble import run_ensemble
    from alliance_dynamics.futures import draw_futures
    from alliance_dynamics.model.built_in import open_model
    from alliance_dynamics.model.compose import compose
    from alliance_dynamics.model.read import read_model
    from alliance_dynamics.parameters import read_parameters
    from alliance_dynamics.regimes import compare_regimes, run_regimes
    from alliance_dynamics.report import write_report
    from alliance_dynamics.result_files import write_calibration
    from alliance_dynamics.scenarios import read_regimes, read_scenario
    from alliance_dynamics.sensitivity.design import sobol_design
    from alliance_dynamics.sensitivity.governance import governance_sensitivity
    from alliance_dynamics.sensitivity.sobol import sobol_indices
    from alliance_dynamics.simulate import run_model


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return ["__version__", *sorted(_HOMES)]
