"""Kept machine code: the same bits as fresh code, and never trusted when it is damaged."""

from __future__ import annotations

import numpy as np
import pytest
from graphs import logistic

from alliance_dynamics.kernel import jit
from alliance_dynamics.kernel.integrate import METHODS, Schedule, Task
from alliance_dynamics.kernel.objects import MOST, load_object, save_object
from alliance_dynamics.kernel.optimise import optimise
from alliance_dynamics.kernel.plan import plan

pytestmark = pytest.mark.skipif(bool(jit.obstacle()), reason=jit.obstacle())


def run() -> bytes:
    program = logistic()
    compiled = jit.compile_plan(plan(optimise(program, None), ["p"]))
    task = Task(np.array([program.defaults]), Schedule(0.0, 0.25, 40), METHODS["rk4"], 0, 0, 1)
    return compiled.execute(task).values.tobytes()


@pytest.mark.parametrize("damage", [b"", b"x", b"\0" * 500])
def test_kept_code_gives_the_same_bits_and_damaged_code_is_made_anew(tmp_path, monkeypatch, damage):
    monkeypatch.setenv("ALLIANCE_DYNAMICS_CACHE", str(tmp_path))
    fresh = run()
    (kept,) = (tmp_path / "objects").iterdir()
    whole = kept.read_bytes()
    assert run() == fresh
    kept.write_bytes(damage if len(damage) < 2 else whole[:-1] + b"?")
    assert load_object(kept.stem) is None
    assert run() == fresh
    assert kept.read_bytes() == whole


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("ALLIANCE_DYNAMICS_CACHE", str(tmp_path / "file"))
    assert run() == run()


def test_only_the_newest_are_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("ALLIANCE_DYNAMICS_CACHE", str(tmp_path))
    for number in range(MOST + 3):
        save_object(f"{number:064d}", b"object")
    assert len(list((tmp_path / "objects").iterdir())) == MOST
    assert load_object(f"{MOST + 2:064d}") == b"object"


def test_a_cache_that_may_only_be_read_is_used(monkeypatch, tmp_path):
    monkeypatch.setenv("ALLIANCE_DYNAMICS_CACHE", str(tmp_path))
    save_object("key", b"code")

    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("os.utime", refused)
    assert load_object("key") == b"code"
