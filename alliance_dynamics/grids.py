"""A table of trajectories as CSV, Parquet or NetCDF: the same numbers bit by bit, with units and where they are from.

CSV is the plain one and needs nothing more.  Parquet (pyarrow) and NetCDF-4 (h5netcdf) carry the unit of every column
and the facts of the run in the file itself; both are the extra `data`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.errors import UnsupportedError, fault
from alliance_dynamics.files import csv_text, write_bytes, write_text

FORMATS = {"csv": ".csv", "parquet": ".parquet", "netcdf": ".nc"}
NEEDS = {"csv": (), "parquet": ("pyarrow", "pyarrow.parquet"), "netcdf": ("h5netcdf", "h5py")}


@dataclass(frozen=True)
class Grid:
    """`values` [*axes, column]: one number per place on the axes (such as draw and time) and column.

    `facts` say where the numbers are from: model, its hash, seed, method, step.
    """

    axes: Mapping[str, NDArray]
    axis_units: Mapping[str, str]
    labels: Sequence[str]
    units: Sequence[str]
    values: NDArray[np.float64]
    facts: Mapping[str, str | int | float]


def require(kind: str) -> list[Any]:
    """The modules that a format needs; UnsupportedError, with the line that installs it, where one is not there."""
    found: list[Any] = []
    for name in NEEDS[kind]:
        try:
            found.append(import_module(name))
        except ImportError:
            raise UnsupportedError(
                fault("", "The format {format} needs the package {name}, which is not installed", format=kind,
                      name=name.partition(".")[0],
                      remedy='Install it: python -m pip install "alliance-dynamics[data]"')
            ) from None  # fmt: skip
    return found


def write_grid(path: Path, grid: Grid, kind: str) -> Path:
    """The file of one format of `FORMATS`, replaced in one step; UnsupportedError as `require` has it."""
    require(kind)
    if kind == "csv":
        return write_text(path, grid_text(grid))
    return write_bytes(path, _parquet(grid) if kind == "parquet" else _netcdf(grid))


def grid_text(grid: Grid) -> str:
    """The text of the CSV file: axes first, the last axis moving fastest."""
    places = product(*(axis.tolist() for axis in grid.axes.values()))
    rows = grid.values.reshape(-1, len(grid.labels)).tolist()
    return csv_text((*grid.axes, *grid.labels), ([*at, *row] for at, row in zip(places, rows, strict=True)))


def _parquet(grid: Grid) -> bytes:
    pyarrow, parquet = require("parquet")
    flat = grid.values.reshape(-1, len(grid.labels))
    axes = [each.ravel() for each in np.meshgrid(*grid.axes.values(), indexing="ij")]
    units = [*(grid.axis_units.get(each, "") for each in grid.axes), *grid.units]
    names = list(_distinct((*grid.axes, *grid.labels)))
    arrays = [pyarrow.array(each) for each in (*axes, *(np.ascontiguousarray(column) for column in flat.T))]
    fields = [
        pyarrow.field(name, array.type, metadata={"unit": unit})
        for name, array, unit in zip(names, arrays, units, strict=True)
    ]
    facts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in grid.facts.items()}
    stream = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.table(arrays, schema=pyarrow.schema(fields, metadata=facts)), stream)
    return stream.getvalue().to_pybytes()


def _netcdf(grid: Grid) -> bytes:
    h5netcdf = require("netcdf")[0]
    stream = io.BytesIO()
    with h5netcdf.File(stream, "w") as file:
        file.dimensions = {name: len(axis) for name, axis in grid.axes.items()}
        for name, value in grid.facts.items():
            file.attrs[name] = value
        for name, axis in grid.axes.items():
            file.create_variable(name, (name,), data=axis).attrs["units"] = grid.axis_units.get(name, "")
        names = list(_distinct((*grid.axes, *(label.replace("/", "|") for label in grid.labels))))[len(grid.axes) :]
        for j, (name, label, unit) in enumerate(zip(names, grid.labels, grid.units, strict=True)):
            own = file.create_variable(name, tuple(grid.axes), data=np.ascontiguousarray(grid.values[..., j]))
            own.attrs["long_name"], own.attrs["units"] = label, unit
    return stream.getvalue()


def columns_of(path: Path) -> dict[str, NDArray[np.float64]]:
    """Every column of a Parquet or NetCDF file by its name, as one row of numbers each."""
    if path.suffix == ".parquet":
        table = require("parquet")[1].read_table(path)
        return {name: table.column(name).to_numpy().astype(np.float64) for name in table.column_names}
    with require("netcdf")[0].File(path, "r") as file:
        return {name: np.asarray(each[...], dtype=np.float64).ravel() for name, each in file.variables.items()}


def _distinct(names: Sequence[str]) -> Iterator[str]:
    """The names, each that was there before with a number behind it: a model may well have a variable `time`."""
    seen: set[str] = set()
    for name in names:
        own, number = name, 2
        while own in seen:
            own, number = f"{name} ({number})", number + 1
        seen.add(own)
        yield own
