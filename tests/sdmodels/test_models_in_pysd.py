"""The texts run in pysd as well: each alone, and all three as one, with the numbers of this package."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from model_texts import FILES, FOLDER, composed

from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.simulate import run_model

R3 = {
    "selection power": 0.45, "agenda power": 0.45, "information power": 0.45, "arbitration power": 0.45,
    "programme coverage": 0.7, "interregional orientation": 0.7, "federal matching share": 0.45,
    "regional co-funding share": 0.1, "target joint share": 0.3, "information sharing speed": 1.5,
    "target coordinating staff": 45, "cluster organisation staff": 10, "voice of regions": 0.7,
    "programme volatility": 0.1,
}  # fmt: skip


def run_in_pysd(path: Path, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pysd

        return pysd.read_vensim(path).run(**settings)


@pytest.mark.parametrize("name", FILES)
def test_each_module_runs_alone_in_pysd_with_the_same_numbers(name, tmp_path):
    shutil.copy(FOLDER / f"{name}.mdl", tmp_path)
    theirs = run_in_pysd(tmp_path / f"{name}.mdl", time_step=0.5, saveper=5)
    assert not theirs.isna().any().any()
    compare(theirs, run_model(open_model(name), method="euler", dt=0.5, saveper=5))


def test_the_composed_text_runs_in_pysd_with_the_same_numbers(tmp_path):
    path = tmp_path / "alliance.mdl"
    path.write_text(composed(), encoding="utf-8")
    changes = {f"{name} in policy": value for name, value in R3.items()} | {"policy year": 2013}
    quoted = {f'"{name}"' if "-" in name else name: value for name, value in changes.items()}
    theirs = run_in_pysd(path, params=quoted, time_step=0.5, saveper=5, final_time=2025)
    ours = run_model(open_model("alliance"), set=changes, method="euler", dt=0.5, saveper=5, stop=2025)
    compare(theirs, ours)


def compare(theirs, ours):
    """pysd writes arrays of constants with eight digits into its program, hence the tolerance."""
    theirs = theirs.rename(columns=lambda name: name.replace('"', ""))
    shared = [name for name in theirs.columns if name in ours.columns]
    assert len(shared) > 0.9 * len(ours.columns)
    for name in shared:
        found = ours.values[:, ours.columns.index(name)]
        np.testing.assert_allclose(found, theirs[name].to_numpy(float), rtol=1e-7, atol=1e-10, err_msg=name)
