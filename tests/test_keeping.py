"""Finished stages are kept while a study goes on: the same values again, nothing else's, one study at a time."""

from __future__ import annotations

import multiprocessing
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alliance_dynamics.calibration.fit import Fit, Start
from alliance_dynamics.errors import Interrupted, UsageError
from alliance_dynamics.files import Lock
from alliance_dynamics.scenarios import read_regimes
from alliance_dynamics.study.keeping import Stages
from alliance_dynamics.study.record import _dataclass, from_bytes, to_bytes

data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(data)
def test_data_come_back_as_they_were(value):
    again = from_bytes(to_bytes(value))
    assert again == value
    assert type(again) is type(value)


def test_dataclasses_and_arrays_come_back_to_the_last_bit():
    values = np.array([0.1, np.nan, -0.0, np.inf])
    start = Start(values, values[::-1], -0.0, 7, True)
    fit = Fit(values, values, values, 1e-300, float("inf"), (start, start))
    again = from_bytes(to_bytes({"fit": fit, "regimes": read_regimes(), "n": np.float64(0.3)}))
    assert again["fit"].starts[1].first.tobytes() == values.tobytes()
    assert again["fit"].objective == float("inf")
    assert again["regimes"] == read_regimes()
    assert type(again["n"]) is np.float64


def test_what_is_no_data_is_refused_and_a_name_from_elsewhere_too():
    for wrong in (print, np.array([print]), object()):
        with pytest.raises(TypeError):
            to_bytes(wrong)
    for other in ("subprocess:Popen", "alliance_dynamics.cli:main", "alliance_dynamics.errors:Place.__init__", ":"):
        with pytest.raises(ValueError, match=re.escape(other)):
            _dataclass(other)
    with pytest.raises(ValueError, match="zip"):
        from_bytes(to_bytes([1.5])[:100])


def never(tell):
    raise AssertionError("done again")


def interrupted(folder, inputs, *, resume=False) -> None:
    with Stages(folder / "out", inputs, resume=resume, quiet=True) as stages:
        assert stages.value("first", "Calibrating", lambda tell: (1.5, "a")) == (1.5, "a")
        raise KeyboardInterrupt


def test_a_finished_stage_is_not_done_again_where_its_inputs_are_the_same(tmp_path):
    with pytest.raises(Interrupted):
        interrupted(tmp_path, {"seed": 0})
    with Stages(tmp_path / "out", {"seed": 0}, resume=True, quiet=True) as stages:
        assert stages.value("first", "Calibrating", never) == (1.5, "a")
    assert list(tmp_path.iterdir()) == []


def test_other_inputs_a_broken_file_and_a_study_begun_anew_do_it_again(tmp_path):
    with pytest.raises(Interrupted):
        interrupted(tmp_path, {"seed": 0})
    assert not Stages(tmp_path / "out", {"seed": 1}, resume=True, quiet=True).has("first")
    (file,) = (tmp_path / "out.unfinished").glob("*.npz")
    file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(Interrupted):
        interrupted(tmp_path, {"seed": 0}, resume=True)
    with Stages(tmp_path / "out", {"seed": 0}, resume=False, quiet=True) as stages:
        assert not stages.has("first")


def test_nothing_is_left_of_a_study_interrupted_before_its_first_stage_ended(tmp_path):
    with pytest.raises(KeyboardInterrupt) as caught, Stages(tmp_path / "out", {}, resume=False, quiet=True):
        raise KeyboardInterrupt
    assert type(caught.value) is KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def hold(path, ready, done):
    lock = Lock(path)
    lock.take()
    ready.set()
    done.wait(30)


def test_two_studies_do_not_work_on_one_folder(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    other = context.Process(target=hold, args=(tmp_path / "out.unfinished" / "lock", ready, done))
    other.start()
    try:
        assert ready.wait(30)
        with pytest.raises(UsageError, match="Another process is at work here"):
            Stages(tmp_path / "out", {}, resume=False, quiet=True).__enter__()
    finally:
        done.set()
        other.join()
    with Stages(tmp_path / "out", {}, resume=False, quiet=True):
        pass
