"""The models that are timed compute the same in every engine, or their times would mean nothing."""

from __future__ import annotations

import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from alliance_dynamics.kernel.integrate import compile_kernel

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def w1():
    sys.path.insert(0, str(FOLDER))
    try:
        import w1
    finally:
        sys.path.remove(str(FOLDER))
    return w1


def test_defaults_are_the_middle_of_the_ranges(w1):
    program = w1.program()
    for name, ends in w1.RANGES.items():
        assert program.defaults[program.parameter_index[name]] == pytest.approx(sum(ends) / 2, rel=1e-12)


def test_both_texts_both_back_ends_and_the_equations_by_hand_agree(w1):
    programs = [w1.program(name) for name in ("w1", "w1_arithmetic")]
    rows = w1.draws(programs[0], 24)
    by_hand = w1.arrays_rk4(rows[:, [programs[0].parameter_index[name] for name in w1.RANGES]], 4)
    assert by_hand.shape == (24, 51, 6)
    for program in programs:
        assert len(program.states) == 24
        for backend in ("auto", "numpy"):
            kernel = compile_kernel(program, w1.OUTPUTS, backend=backend)
            found = kernel.run(w1.draws(program, 24), w1.schedule(4)).values
            np.testing.assert_allclose(found, by_hand, rtol=1e-12)


def test_the_right_hand_side_of_floats_equals_that_of_arrays(w1):
    program = w1.program()
    p = w1.draws(program, 1)[0, [program.parameter_index[name] for name in w1.RANGES]]
    y = w1.initial(p.tolist(), w1.FLOATS)
    lanes = w1.rates(2024.5, [np.array([each]) for each in y], list(p[:, None]), w1.ARRAYS)
    np.testing.assert_allclose(w1.rates(2024.5, y, p.tolist(), w1.FLOATS), np.ravel(lanes), rtol=1e-13)


def test_pysd_computes_the_same_with_euler(w1, tmp_path):
    program = w1.program("w1_arithmetic")
    row = w1.draws(program, 1)
    ours = compile_kernel(program, w1.OUTPUTS).run(row, w1.schedule(16), method="euler").values[0]
    shutil.copy(FOLDER / "w1_arithmetic.mdl", tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pysd

        model = pysd.read_vensim(str(tmp_path / "w1_arithmetic.mdl"))
        theirs = model.run(params=w1.named(program, row[0]), return_columns=list(w1.OUTPUTS), saveper=1)
    np.testing.assert_allclose(theirs[list(w1.OUTPUTS)].to_numpy(float), ours, rtol=1e-11)
