"""What `--log-file` keeps, and which results `--force` is needed to replace."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from small_models import INFLOW as MODEL

from alliance_dynamics.cli import main
from alliance_dynamics.progress import use_progress

RANGE = '[k]\nvalue = 5\nunit = "widget/Year"\nsource = "made up"\ngrade = "C"\nlow = 0\nhigh = 10\n'


@pytest.fixture
def room(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("m.mdl").write_text(MODEL, encoding="utf-8")
    Path("parameters.toml").write_text(RANGE, encoding="utf-8")
    yield tmp_path
    use_progress("auto")


def lines_of(path: str) -> list[str]:
    found = Path(path).read_text(encoding="utf-8").splitlines()
    assert all(re.match(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ  ", each) for each in found)
    return [each[22:] for each in found]


def test_the_log_has_the_command_every_message_and_the_end(room, capsys):
    assert main(["--log-file", "a/log.txt", "run", "m.mdl", "--draws", "3", "--out", "r"]) == 0
    shown = capsys.readouterr()
    kept = lines_of("a/log.txt")
    assert kept[0] == "alliance --log-file a/log.txt run m.mdl --draws 3 --out r"
    assert kept[1:-1] == shown.err.splitlines()
    assert re.fullmatch(r"exit code 0, \d+\.\d s", kept[-1])
    assert main(["run", "m.mdl", "--sett", "k=3", "--log-file=a/log.txt"]) == 2
    capsys.readouterr()
    again = lines_of("a/log.txt")
    assert again[: len(kept)] == kept
    assert again[-2] == "There is no option `--sett`. Did you mean `--set`?" and "exit code 2" in again[-1]
    assert main(["run", "m.mdl"]) == 0
    assert len(lines_of("a/log.txt")) == len(again)


@pytest.mark.parametrize("words", [["-q"], ["--progress", "none"], ["--progress", "rich"]])
def test_the_log_has_lines_of_progress_whatever_the_screen_shows(room, capsys, words):
    assert main(["run", "m.mdl", "--draws", "3", "--log-file", "log.txt", *words]) == 0
    shown, kept = capsys.readouterr().err, [each for each in lines_of("log.txt") if "Running" in each]
    assert kept[0] == "Running the draws: 0 of 100, 0 s" and kept[-1].startswith("Running the draws: 100 of 100")
    assert not any("\x1b" in each for each in kept)
    assert "Running the draws: " not in shown


def test_a_log_that_cannot_be_kept_is_refused(room, capsys):
    (room / "folder").mkdir()
    assert main(["run", "m.mdl", "--log-file", "folder"]) == 2
    assert capsys.readouterr().err.startswith("folder  The file cannot be written")
    assert main(["run", "m.mdl", "--log-file"]) == 2
    assert capsys.readouterr().err == "--log-file: a value is missing.\n"


def test_only_the_same_command_replaces_results_without_force(room, capsys):
    assert main(["run", "m.mdl", "--out", "r"]) == 0
    before = Path("r/run.csv").read_bytes()
    assert main(["run", "m.mdl", "--out", "r"]) == 0
    capsys.readouterr()
    for words in (["--set", "k=7"], ["--draws", "3"], ["--draws", "3", "--dry-run"], ["--seed", "1"]):
        assert main(["run", "m.mdl", *words, "--out", "r"]) == 2
        said = capsys.readouterr().err
        assert "The folder holds the results of another command: `alliance run m.mdl --seed 0`." in said
        assert "--force" in said
    assert main(["compare", "R3", "--out", "r", "-q"]) == 2  # at once, before any calibration
    assert Path("r/run.csv").read_bytes() == before
    assert main(["run", "m.mdl", "--set", "k=7", "--out", "r", "--force"]) == 0
    assert Path("r/run.csv").read_bytes() != before
