"""Models that are long but valid are read and run, with the numbers that a formula gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from xmile_texts import aux, document

from alliance_dynamics.model.model import Model
from alliance_dynamics.model.read import read_model
from alliance_dynamics.simulate import run_model

CONTROLS = "\nINITIAL TIME = 0 ~~|\nFINAL TIME = 2 ~~|\nTIME STEP = 1 ~~|\nSAVEPER = 1 ~~|\n"
LINKS, MANY = 3_000, 20_000


def vensim(folder: Path, equations: dict[str, str]) -> Model:
    text = "{UTF-8}\nlevel = INTEG(1, 0) ~~|\n" + "".join(f"{n} = {e} ~~|\n" for n, e in equations.items())
    return written(folder / "model.mdl", text + CONTROLS)


def xmile(folder: Path, equations: dict[str, str]) -> Model:
    variables = "".join(aux(name, expression) for name, expression in equations.items())
    return written(folder / "model.xmile", document(variables, specs="<start>0</start><stop>2</stop><dt>1</dt>"))


def written(path: Path, text: str) -> Model:
    path.write_text(text, encoding="utf-8")
    return read_model(path, cache=False)


def columns(model: Model) -> dict[str, np.ndarray]:
    run = run_model(model)
    return dict(zip(run.columns, run.values.T, strict=True))


READERS = [pytest.param(vensim, marks=pytest.mark.slow), xmile]


@pytest.mark.parametrize("reader", READERS)
def test_a_chain_of_3000_auxiliaries_written_backwards_runs(tmp_path, reader):
    links = {f"a{i}": f"a{i - 1} + 1" for i in range(LINKS, 0, -1)} | {"a0": "TIME"}
    np.testing.assert_array_equal(columns(reader(tmp_path, links))[f"a{LINKS}"], LINKS + np.arange(3.0))


@pytest.mark.parametrize("reader", READERS)
def test_20000_constants_run(tmp_path, reader):
    found = columns(reader(tmp_path, {f"c{i}": f"{i}.5" for i in range(MANY)}))
    ends = np.array([found[f"c{i}"][-1] for i in range(MANY)])
    np.testing.assert_array_equal(ends, np.arange(MANY) + 0.5)


@pytest.mark.parametrize("reader", [vensim, xmile])
def test_a_sum_of_20000_terms_runs(tmp_path, reader):
    found = columns(reader(tmp_path, {"x": "TIME", "total": " + ".join(["x"] * MANY)}))
    np.testing.assert_array_equal(found["total"], MANY * np.arange(3.0))
