"""The folder of an ensemble: trajectories in the format asked for, quantiles, draws, failures, the manifest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alliance_dynamics.ensemble import LEVELS, Ensemble
from alliance_dynamics.files import Outputs, write_csv
from alliance_dynamics.grids import FORMATS, Grid, write_grid
from alliance_dynamics.run_files import Inputs, facts_of, sign_run, time_unit

QUANTILES = tuple(f"q{round(100 * each):02d}" for each in LEVELS)


def grid_of_ensemble(found: Ensemble) -> Grid:
    """Every draw that came to an end at every saved time."""
    facts = facts_of(found.model, found.method, found.dt, found.seed)
    facts |= {"draws": found.draws.count, "drawn_from": found.draws.source, "failed_draws": len(found.failed)}
    return Grid({"draw": found.kept, "time": found.times}, {"draw": "", "time": time_unit(found.model)},
                found.series.labels, found.series.units, found.values, facts)  # fmt: skip


def write_ensemble(
    folder: Path, found: Ensemble, kind: str, command: Sequence[str], inputs: Inputs, *, wall_s: float
) -> list[Path]:
    """trajectories.csv (or .parquet, .nc), quantiles.csv, draws.csv, failed.csv where a draw failed, the manifest."""
    names = [f"trajectories{FORMATS[kind]}", "quantiles.csv", "draws.csv", *(["failed.csv"] if found.failed else [])]
    with Outputs(folder) as inside:
        write_grid(inside / names[0], grid_of_ensemble(found), kind)
        write_csv(inside / "quantiles.csv", ("variable", "unit", "time", "draws", *QUANTILES), quantile_rows(found))
        write_csv(inside / "draws.csv", ("draw", *found.draws.names),
                  ([i, *row] for i, row in enumerate(found.draws.values.tolist())))  # fmt: skip
        if found.failed:
            write_csv(inside / "failed.csv", ("draw", "reason"), found.failed)
        sign_run(inside, found, found.model, found.program, found.draws.count, command, inputs,
              {"drawn_from": found.draws.source}, len(found.failed), wall_s=wall_s)  # fmt: skip
    return [folder / each for each in (*names, "manifest.json")]


def quantile_rows(found: Ensemble) -> list[list[Any]]:
    """variable, unit, time, number of draws and the quantiles at `LEVELS`, variable by variable."""
    levels = np.moveaxis(found.quantiles(), 0, -1)  # [time, column, level]
    return [
        [label, unit, time, len(found.kept), *levels[i, j].tolist()]
        for j, (label, unit) in enumerate(zip(found.series.labels, found.series.units, strict=True))
        for i, time in enumerate(found.times.tolist())
    ]
