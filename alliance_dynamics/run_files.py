"""The folder of one run or of an ensemble: its trajectories in the format asked for, its tables, its manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alliance_dynamics import __version__
from alliance_dynamics.ensemble import LEVELS, Ensemble
from alliance_dynamics.files import Outputs, write_csv
from alliance_dynamics.grids import FORMATS, Grid, write_grid
from alliance_dynamics.manifest import describe_model, write_manifest
from alliance_dynamics.model.model import Model
from alliance_dynamics.settings import CONTROL, FlatNames
from alliance_dynamics.simulate import Run, program_of

QUANTILES = tuple(f"p{round(100 * each):02d}" for each in LEVELS)
Inputs = Mapping[str, Mapping[str, str]]


def grid_of_run(run: Run) -> Grid:
    """Every variable at every saved time."""
    labels = FlatNames(run.model)
    units = {labels.label(name): variable.unit for name, (variable, _) in labels.owners.items()}
    facts = _facts(run.model, run.method, run.dt, run.seed)
    return Grid({"time": run.times}, {"time": _time_unit(run.model)}, run.columns,
                [units.get(each, "") for each in run.columns], run.values, facts)  # fmt: skip


def grid_of_ensemble(found: Ensemble) -> Grid:
    """Every draw that came to an end at every saved time."""
    facts = _facts(found.model, found.method, found.dt, found.seed)
    facts |= {"draws": found.draws.count, "drawn_from": found.draws.source, "failed_draws": len(found.failed)}
    return Grid({"draw": found.kept, "time": found.times}, {"draw": "", "time": _time_unit(found.model)},
                found.series.labels, found.series.units, found.values, facts)  # fmt: skip


def write_run(folder: Path, run: Run, kind: str, command: Sequence[str], inputs: Inputs) -> list[Path]:
    """`run.csv` (or .parquet, .nc) and the manifest, in a folder that appears whole."""
    name = f"run{FORMATS[kind]}"
    with Outputs(folder) as inside:
        write_grid(inside / name, grid_of_run(run), kind)
        _sign(inside, run, run.model, program_of(run.model), 1, command, inputs, {"precision": run.precision})
    return [folder / name, folder / "manifest.json"]


def write_ensemble(folder: Path, found: Ensemble, kind: str, command: Sequence[str], inputs: Inputs) -> list[Path]:
    """trajectories.csv (or .parquet, .nc), quantiles.csv, draws.csv, failed.csv where a draw failed, the manifest."""
    names = [f"trajectories{FORMATS[kind]}", "quantiles.csv", "draws.csv", *(["failed.csv"] if found.failed else [])]
    with Outputs(folder) as inside:
        write_grid(inside / names[0], grid_of_ensemble(found), kind)
        write_csv(inside / "quantiles.csv", ("variable", "unit", "time", "draws", *QUANTILES), quantile_rows(found))
        write_csv(inside / "draws.csv", ("draw", *found.draws.names),
                  ([i, *row] for i, row in enumerate(found.draws.values.tolist())))  # fmt: skip
        if found.failed:
            write_csv(inside / "failed.csv", ("draw", "reason"), found.failed)
        _sign(inside, found, found.model, found.program, found.draws.count, command, inputs,
              {"drawn_from": found.draws.source}, len(found.failed))  # fmt: skip
    return [folder / each for each in (*names, "manifest.json")]


def quantile_rows(found: Ensemble) -> list[list[Any]]:
    """variable, unit, time, number of draws and the quantiles at `LEVELS`, variable by variable."""
    levels = np.moveaxis(found.quantiles(), 0, -1)  # [time, column, level]
    return [
        [label, unit, time, len(found.kept), *levels[i, j].tolist()]
        for j, (label, unit) in enumerate(zip(found.series.labels, found.series.units, strict=True))
        for i, time in enumerate(found.times.tolist())
    ]


def _sign(
    folder: Path, made: Run | Ensemble, model: Model, program: Any, draws: int, command: Sequence[str], inputs: Inputs,
    settings: Mapping[str, Any], failed: int = 0,
) -> None:  # fmt: skip
    write_manifest(folder, seed=made.seed, dt=made.dt, method=made.method, backend=made.backend, draws=draws,
                   wall_s=0.0, model=describe_model(model, program), inputs=inputs, command=command, settings=settings,
                   failed_draws=failed)  # fmt: skip


def _facts(model: Model, method: str, dt: float, seed: int) -> dict[str, str | int | float]:
    return {"model": model.name, "model_sha256": model.hash, "seed": seed, "method": method, "dt": dt,
            "written_by": f"alliance-dynamics {__version__}"}  # fmt: skip


def _time_unit(model: Model) -> str:
    control = model.variables.get(CONTROL["start"])
    return control.unit if control else ""
