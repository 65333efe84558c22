"""Another region's figures in the same columns are calibrated without touching code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from alliance_dynamics.calibration.fit import fit
from alliance_dynamics.calibration.problem import read_problem
from alliance_dynamics.calibration.provenance import open_book, verify
from alliance_dynamics.calibration.setup import set_up
from alliance_dynamics.model.built_in import open_model

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def ulyanovsk(tmp_path_factory) -> Path:
    """The problem's folder with the row of Samara replaced by Ulyanovsk, and its tables made again."""
    folder = tmp_path_factory.mktemp("another") / "ulyanovsk"
    shutil.copytree(ROOT / "calibration" / "tatarstan", folder)
    regions = folder / "data" / "regions.csv"
    text = regions.read_text(encoding="utf-8")
    row = "RU-SAM,RU_SAM,samara,Samara,Самарская область"
    assert text.count(row) == 1
    regions.write_text(text.replace(row, "RU-ULY,RU_ULY,samara,Ulyanovsk,Ульяновская область"), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    subprocess.run([sys.executable, folder / "build.py"], check=True, env=environment)
    return folder


def test_the_tables_are_those_of_the_new_region(ulyanovsk):
    problem = read_problem(ulyanovsk)
    assert list(problem.experiments) == ["RU_TA", "RU_BA", "RU_NIZ", "RU_ULY"]
    book = open_book(problem)
    assert all(each.passed for each in verify(book))
    mine = [row for row in problem.measurements if row.experiment == "RU_ULY" and row.observable == "rd_personnel"]
    published = book.published.series("rd_personnel", "RU-ULY").values
    assert {int(row.year): row.value for row in mine} == dict(published)


@pytest.mark.slow
def test_the_new_region_is_fitted(ulyanovsk):
    model, problem = open_model("alliance"), read_problem(ulyanovsk)
    setup = set_up(model, problem, last_year=2022)
    task = setup.task(2022)
    before = fit(task, setup.nominal, starts=1, seed=0)
    assert np.isfinite(before.objective)
    assert np.all(np.isfinite(task.residuals(before.values[None, :])))
    assert [each.experiment for each in setup.series if each.observable.id == "rd_personnel"][-1] == "RU_ULY"
