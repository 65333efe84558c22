"""The folder of one run: every variable at every saved time in the format asked for, and the manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from alliance_dynamics import __version__
from alliance_dynamics.files import Outputs
from alliance_dynamics.grids import FORMATS, Grid, write_grid
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.manifest import describe_model, write_manifest
from alliance_dynamics.model.model import Model
from alliance_dynamics.settings import CONTROL, FlatNames
from alliance_dynamics.simulate import Run, program_of

Inputs = Mapping[str, Mapping[str, str]]


class Made(Protocol):
    """What a manifest says of a run or an ensemble."""

    @property
    def seed(self) -> int: ...
    @property
    def dt(self) -> float: ...
    @property
    def method(self) -> str: ...
    @property
    def backend(self) -> str: ...


def grid_of_run(run: Run) -> Grid:
    """Every variable at every saved time."""
    labels = FlatNames(run.model)
    units = {labels.label(name): variable.unit for name, (variable, _) in labels.owners.items()}
    facts = facts_of(run.model, run.method, run.dt, run.seed)
    return Grid({"time": run.times}, {"time": time_unit(run.model)}, run.columns,
                [units.get(each, "") for each in run.columns], run.values, facts)  # fmt: skip


def write_run(
    folder: Path, run: Run, kind: str, command: Sequence[str], inputs: Inputs, *, wall_s: float
) -> list[Path]:
    """`run.csv` (or .parquet, .nc) and the manifest, in a folder that appears whole."""
    name = f"run{FORMATS[kind]}"
    with Outputs(folder) as inside:
        write_grid(inside / name, grid_of_run(run), kind)
        sign_run(inside, run, run.model, program_of(run.model), 1, command, inputs, {"precision": run.precision},
                 wall_s=wall_s)  # fmt: skip
    return [folder / name, folder / "manifest.json"]


def sign_run(
    folder: Path, made: Made, model: Model, program: Program, draws: int, command: Sequence[str], inputs: Inputs,
    settings: Mapping[str, Any], failed: int = 0, *, wall_s: float,
) -> None:  # fmt: skip
    """Writes the manifest over everything in the folder."""
    write_manifest(folder, seed=made.seed, dt=made.dt, method=made.method, backend=made.backend, draws=draws,
                   wall_s=wall_s, model=describe_model(model, program), inputs=inputs, command=command,
                   settings=settings, failed_draws=failed)  # fmt: skip


def facts_of(model: Model, method: str, dt: float, seed: int) -> dict[str, str | int | float]:
    """Where numbers are from, for the file that holds them."""
    return {"model": model.name, "model_sha256": model.hash, "seed": seed, "method": method, "dt": dt,
            "written_by": f"alliance-dynamics {__version__}"}  # fmt: skip


def time_unit(model: Model) -> str:
    """The unit of the time axis."""
    control = model.variables.get(CONTROL["start"])
    return control.unit if control else ""
