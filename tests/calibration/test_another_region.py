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


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    command = [sys.executable, str(folder / "build.py")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8")


def put_in_place_of_samara(folder: Path, row: str) -> None:
    regions = folder / "data" / "regions.csv"
    text = regions.read_text(encoding="utf-8")
    samara = "RU-SAM,RU_SAM,samara,Samara,Самарская область"
    assert text.count(samara) == 1
    regions.write_text(text.replace(samara, row), encoding="utf-8")


@pytest.fixture(scope="module")
def ulyanovsk(tmp_path_factory) -> Path:
    """The problem's folder with the row of Samara replaced by Ulyanovsk, and its tables made again."""
    folder = tmp_path_factory.mktemp("another") / "ulyanovsk"
    shutil.copytree(ROOT / "calibration" / "tatarstan", folder)
    put_in_place_of_samara(folder, "RU-ULY,RU_ULY,samara,Ulyanovsk,Ульяновская область")
    done = build(folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_tables_are_those_of_the_new_region(ulyanovsk):
    problem = read_problem(ulyanovsk)
    assert list(problem.experiments) == ["RU_TA", "RU_BA", "RU_NIZ", "RU_ULY"]
    book = open_book(problem)
    assert all(each.passed for each in verify(book))
    mine = [row for row in problem.measurements if row.experiment == "RU_ULY" and row.observable == "rd_personnel"]
    published = book.published.series("rd_personnel", "RU-ULY").values
    assert {int(row.year): row.value for row in mine} == dict(published)


def test_a_region_from_a_source_of_its_own_needs_a_card_and_only_the_figures_of_the_fit(tmp_path):
    """The figures of Perm stand here for a region that the package does not know."""
    folder = tmp_path / "own"
    shutil.copytree(ROOT / "calibration" / "tatarstan", folder)
    put_in_place_of_samara(folder, "RU-X,RU_X,samara,Mine,Моя область")
    figures = folder / "data" / "observations.csv"
    text = figures.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("RU-PER,") and ",gva_share_" not in line]
    mine = [line.replace("RU-PER,Perm Krai,", "RU-X,Mine,").replace(",RR2023,", ",YEARBOOK,") for line in lines]
    assert len(mine) > 400 and all(line.startswith("RU-X,Mine,") for line in mine)
    gaps = [line for line in mine if ",rd_personnel," not in line or ",2010," not in line]
    figures.write_text(text + "\n".join(gaps) + "\n", encoding="utf-8")
    refused = build(folder)
    assert refused.returncode == 3 and "Traceback" not in refused.stderr
    assert "`rd_personnel` of RU-X has no figure for 2010" in refused.stderr
    assert "the source `YEARBOOK` has no card" in refused.stderr
    figures.write_text(text + "\n".join(mine) + "\n", encoding="utf-8")
    with (folder / "data" / "sources.csv").open("a", encoding="utf-8") as file:
        file.write("YEARBOOK,My yearbook,Statistics,1,,open,2025-01-10,\n")
    done = build(folder)
    assert done.returncode == 0, done.stderr
    rows = [row for row in read_problem(folder).measurements if row.experiment == "RU_X"]
    assert {row.vintage for row in rows if row.source == "YEARBOOK"} == {"2025-01-10"}
    names = {row.observable for row in rows}
    assert "rd_personnel" in names and "manufacturing_value_added_real" not in names


@pytest.mark.slow
def test_the_new_region_is_fitted(ulyanovsk):
    model, problem = open_model("alliance"), read_problem(ulyanovsk)
    setup = set_up(model, problem, last_year=2022)
    task = setup.task(2022)
    before = fit(task, setup.nominal, starts=1, seed=0)
    assert np.isfinite(before.objective)
    assert np.all(np.isfinite(task.residuals(before.values[None, :])))
    assert [each.experiment for each in setup.series if each.observable.id == "rd_personnel"][-1] == "RU_ULY"
