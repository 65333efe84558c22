"""The doctor says what is there, what is absent, and fails only where the work would."""

from __future__ import annotations

import json

import pytest

from alliance_dynamics.cli import main
from alliance_dynamics.commands import doctor


def findings(capsys) -> tuple[int, dict[str, dict]]:
    code = main(["--lang", "en", "doctor", "--json"])
    content = json.loads(capsys.readouterr().out)
    return code, {each["name"]: each for each in content["results"]["findings"]}


def test_both_kernels_give_the_exact_decay_here(capsys):
    code, found = findings(capsys)
    assert code == 0
    assert pytest.approx(10.73741824, rel=1e-14) == doctor.EXACT
    for name in ("kernel NumPy", "kernel LLVM"):
        assert found[name]["state"] == "ok"
        assert found[name]["value"].startswith("10.73741824")


def test_a_kernel_with_a_wrong_value_is_a_failure(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "EXACT", 11.0)
    code, found = findings(capsys)
    assert code == 1
    assert found["kernel NumPy"]["state"] == "broken"


def test_an_absent_package_comes_with_its_pip_line(capsys, monkeypatch):
    monkeypatch.setattr(doctor, "_requirements", lambda extra: [] if extra else ["no-such-package"])
    code, found = findings(capsys)
    assert code == 1
    assert found["no-such-package"]["remedy"] == "python -m pip install no-such-package"


def test_a_full_disk_is_a_failure_and_an_absent_browser_is_not(capsys, monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    monkeypatch.setattr(doctor, "_system_browser", lambda: "")
    code, found = findings(capsys)
    assert (code, found["browser"]["state"]) == (0, "missing")
    monkeypatch.setattr(doctor, "LEAST_FREE", 10**18)
    assert findings(capsys)[0] == 1


def test_the_table_is_in_the_language_of_the_reader(capsys):
    assert main(["--lang", "ru", "doctor"]) == 0
    assert "счёт через LLVM" in capsys.readouterr().out
