"""The examples of the help are carried out as they stand, those that take seconds only."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from alliance_dynamics.cli import COMMANDS, main, make_parser
from alliance_dynamics.language import use_language

MODEL = """{UTF-8}
population = INTEG(births - deaths, 100) ~ person ~ The stock. |
births = birth rate * population ~ person/Year ~ |
deaths = population / lifetime ~ person/Year ~ |
birth rate = 0.02 ~ 1/Year ~ |
lifetime = 70 ~ Year ~ |
INITIAL TIME = 0 ~ Year ~ |
FINAL TIME = 20 ~ Year ~ |
TIME STEP = 1 ~ Year ~ |
SAVEPER = 1 ~ Year ~ |
"""
# Minutes of work, or a results folder; that they parse is tested with the help.
LONG = ("study", "compare", "calibrate", "sensitivity", "explore", "report", "verify")
LONG_EXAMPLES = ("alliance check", "alliance check --draws 0", "alliance doc --out reference", "alliance data verify",
                 "alliance loops R3 --output 'innovative goods volume'",
                 "alliance diagram --module coordination --kind causal --lang ru --out coordination.svg")  # fmt: skip


def examples() -> list[str]:
    found = [each for name in COMMANDS if name not in LONG for each in make_parser(name)[0].examples]
    return [each for each in found if each not in LONG_EXAMPLES and "--draws" not in each]


@pytest.mark.parametrize("example", examples())
def test_an_example_of_the_help_does_what_it_says(capsys, tmp_path, monkeypatch, example):
    monkeypatch.chdir(tmp_path)
    Path("my_model.mdl").write_text(MODEL, encoding="utf-8")
    words = shlex.split(example)
    assert words[0] == "alliance"
    code = main(words[1:])
    use_language("en")
    shown = capsys.readouterr()
    assert code == 0, shown.err
    assert not any("Traceback" in each for each in shown)
    if "--out" in words:
        assert Path(words[words.index("--out") + 1]).exists()
    elif "--json" not in words:
        assert shown.out.strip()


@pytest.mark.slow  # each composes and compiles the whole model
@pytest.mark.parametrize("example", [each for name in ("study", "compare", "sensitivity", "run")
                                     for each in make_parser(name)[0].examples if "my_" not in each])  # fmt: skip
def test_a_long_example_has_a_plan(capsys, tmp_path, monkeypatch, example):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("alliance_dynamics.study.planning.LEAST", 0.0)  # the time is not what is tested
    words = [*shlex.split(example)[1:], *([] if "--dry-run" in example else ["--dry-run"])]
    assert main(words) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("A plan; nothing has been run or written.")
    assert not list(tmp_path.iterdir())
