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
sys.path.insert(0, str(FOLDER.parent))  # the benchmarks are no part of the installed package
from benchmarks import calibration, w1, w2, world  # noqa: E402


def test_defaults_are_the_middle_of_the_ranges():
    program = w1.program()
    for name, ends in w1.RANGES.items():
        assert program.defaults[program.parameter_index[name]] == pytest.approx(sum(ends) / 2, rel=1e-12)


def test_both_texts_both_back_ends_and_the_equations_by_hand_agree():
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


def test_the_right_hand_side_of_floats_equals_that_of_arrays():
    program = w1.program()
    p = w1.draws(program, 1)[0, [program.parameter_index[name] for name in w1.RANGES]]
    y = w1.initial(p.tolist(), w1.FLOATS)
    lanes = w1.rates(2024.5, [np.array([each]) for each in y], list(p[:, None]), w1.ARRAYS)
    np.testing.assert_allclose(w1.rates(2024.5, y, p.tolist(), w1.FLOATS), np.ravel(lanes), rtol=1e-13)


def test_pysd_computes_the_same_with_euler(tmp_path):
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


def test_the_arrayed_model_and_its_equations_by_hand_agree(tmp_path):
    program = w2.program(tmp_path)
    assert len(program.states) == 576
    found = compile_kernel(program, w2.OUTPUTS).run(np.array([program.defaults]), w1.schedule(2)).values[0]
    np.testing.assert_allclose(found, w2.by_hand(2), rtol=1e-12)


def test_the_model_of_published_size_has_that_size_and_runs(tmp_path):
    program = world.program(tmp_path)
    assert len(program.states) == len(world.STOCKS) * world.REGIONS == 40
    assert len(world.AUXILIARIES) * world.REGIONS == 250
    assert len(world.TABLES) * world.REGIONS == 50
    found = compile_kernel(program, world.OUTPUTS).run(np.array([program.defaults]), world.schedule())
    assert (found.failed < 0).all()
    assert (found.values > 0).all()


def test_derivatives_of_the_timed_model_agree_with_central_differences():
    program = w1.program()
    kernel = compile_kernel(program, w1.OUTPUTS)
    row, names = w1.draws(program, 1), ["alpha", "lam", "basic_delay", "bass_q"]
    exact = kernel.jacobian(row, w1.schedule(4), names)
    np.testing.assert_array_equal(exact.values, kernel.run(row, w1.schedule(4)).values)
    for i, name in enumerate(names):
        ends = np.repeat(row, 2, axis=0)
        column = program.parameter_index[name]
        ends[:, column] *= 1 + 1e-6 * np.array([1, -1])
        up, down = kernel.run(ends, w1.schedule(4)).values
        gap = ends[0, column] - ends[1, column]
        rough, slope = (up - down) / gap, exact.slopes[0, ..., i]
        rounding = 1e-14 * np.abs(up).max(axis=0) / gap
        assert (np.abs(rough - slope) <= 1e-6 * np.abs(slope).max(axis=0) + rounding).all()


def test_the_fits_that_are_timed_end_in_the_same_optimum():
    found = calibration.measure(starts=4)  # refuses optima that differ
    assert len(found) == 4 and min(found.values()) > 0
