"""The how-to pages do what they say: their files are written, their commands are run in order, word for word."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from alliance_dynamics.cli import main

PAGES = sorted((Path(__file__).resolve().parents[1] / "docs" / "how-to").glob("*.md"))
PIECE = re.compile(
    r"^(?:File `(?P<file>[^`]+)`[^\n]*\n\n)?```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_does_what_it_says(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pieces = list(PIECE.finditer(page.read_text(encoding="utf-8")))
    assert pieces
    for piece in pieces:
        if piece["file"]:
            path = tmp_path / piece["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(piece["text"], encoding="utf-8")
        elif piece["kind"] == "sh":
            for line in piece["text"].splitlines():
                command, *arguments = shlex.split(line)
                assert command == "alliance"
                assert main(arguments) == 0, (line, capsys.readouterr())


def test_there_are_pages():
    assert len(PAGES) >= 2
