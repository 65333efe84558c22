"""The how-to pages do what they say: their files are written, their commands and Python run, word for word."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from alliance_dynamics.cli import main

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = sorted((DOCS / "how-to").glob("*.md"))
PIECE = re.compile(
    r"^(?:File `(?P<file>[^`]+)`[^\n]*\n\n)?```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_does_what_it_says(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for piece in PIECE.finditer(page.read_text(encoding="utf-8")):
        if piece["file"]:
            path = tmp_path / piece["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(piece["text"], encoding="utf-8")
        elif piece["kind"] == "python":
            command = [sys.executable, "-c", piece["text"]]
            done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=300)
            assert done.returncode == 0, done.stderr
        elif piece["kind"] == "sh":
            for line in piece["text"].splitlines():
                command, *arguments = shlex.split(line)
                assert command == "alliance"
                assert main(arguments) == 0, (line, capsys.readouterr())


def test_there_are_pages():
    assert len(PAGES) >= 8


TUTORIALS = sorted(DOCS.glob("tutorial_*.md"))


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_the_tutorial_does_what_it_says(page, tmp_path, monkeypatch, capsys):
    """Its file is written and its commands are run in order; only the installation is left to the reader."""
    monkeypatch.chdir(tmp_path)
    text = page.read_text(encoding="utf-8")
    blocks = ["".join(line[4:] for line in block.splitlines(keepends=True))
              for block in re.findall(r"(?:^    .*\n)+", text, re.MULTILINE)]  # fmt: skip
    (scenario,) = (each for each in blocks if each.startswith("schema = 1"))
    (tmp_path / "mine.toml").write_text(scenario, encoding="utf-8")
    commands = [line for block in blocks for line in block.splitlines() if line.startswith("alliance ")]
    assert len(commands) == 3
    for line in commands:
        assert main(shlex.split(line)[1:]) == 0, (line, capsys.readouterr())
    assert (tmp_path / "r3.csv").is_file()
    assert "mine" in capsys.readouterr().out


def test_both_tutorials_are_the_same():
    """The same commands and the same scenario, but for the language."""

    def said(page: Path) -> list[str]:
        lines = re.findall(r"^    (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        return [line.replace(" --lang ru", "") for line in lines if not line.startswith("name = ")]

    assert said(DOCS / "tutorial_en.md") == said(DOCS / "tutorial_ru.md")
