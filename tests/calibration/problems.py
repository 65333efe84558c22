"""Problem folders for tests: the published tables with our own models, and small synthetic ones."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from alliance_dynamics.calibration.binding import Binding
from alliance_dynamics.calibration.estimation import objective_of
from alliance_dynamics.calibration.objective import Objective
from alliance_dynamics.calibration.problem import Problem, read_problem
from alliance_dynamics.calibration.problem_file import model_path
from alliance_dynamics.calibration.search import Start, descend, ordered, polish, starts_of
from alliance_dynamics.calibration.space import space_of
from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.model.model import Model

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "tests" / "models" / "problems"
BENCHMARKS = ROOT.parent / "shared" / "data" / "benchmarks"


def published(folder: Path, name: str, *lines: str) -> Problem:
    """The tables of a published problem with our model of it."""
    for table in (BENCHMARKS / name).glob("*.tsv"):
        shutil.copy(table, folder / table.name)
    shutil.copy(MODELS / f"{name}.mdl", folder / f"{name}.mdl")
    (folder / "problem.toml").write_text("\n".join([f'model = "{name}.mdl"', *lines]) + "\n", encoding="utf-8")
    return read_problem(folder)


def made(folder: Path, model: str, tables: Mapping[str, Sequence[str]], *lines: str) -> Problem:
    """A problem of our own: each table is a list of rows whose cells are separated by blanks, `.` for an empty cell."""
    for name, rows in tables.items():
        cells = ["\t".join("" if cell == "." else cell for cell in row.split()) for row in rows]
        (folder / f"{name}.tsv").write_text("\n".join(cells) + "\n", encoding="utf-8")
    shutil.copy(MODELS / f"{model}.mdl", folder / f"{model}.mdl")
    (folder / "problem.toml").write_text("\n".join([f'model = "{model}.mdl"', *lines]) + "\n", encoding="utf-8")
    return read_problem(folder)


def model_of(problem: Problem) -> Model:
    return open_model(str(model_path(problem.folder, problem.model)))


def objective(problem: Problem, **options) -> Objective:
    return objective_of(Binding(problem, model_of(problem)), space_of(problem), **options)


def at(found: Objective, values: Mapping[str, float] | None = None) -> float:
    """The objective at the nominal values, some of them changed."""
    cube = found.space.nominal
    for j, axis in enumerate(found.space.axes):
        if values and axis.id in values:
            cube[j] = float(axis.cube(values[axis.id]))
    return float(found.value(cube[None, :])[0])


def best_of(found: Objective, starts: int = 16, seed: int = 1) -> tuple[Start, ...]:
    ended = ordered(descend(found, starts_of(found, starts, seed)))
    return (polish(found, ended[0]), *ended[1:])


def values_of(found: Objective, start: Start) -> dict[str, float]:
    values = found.space.natural(start.cube[None, :])[0]
    return {each.id: float(value) for each, value in zip(found.space.parameters, values, strict=True)}


def logistic(times: np.ndarray, r: float = 0.25, capacity: float = 100.0, first: float = 15.0) -> np.ndarray:
    return capacity / (1 + (capacity / first - 1) * np.exp(-r * times))
