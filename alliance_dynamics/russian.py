"""Russian texts of messages, looked up by their English templates; they stand in `russian.toml` beside this file."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path


def russian(template: str) -> str | None:
    """The Russian text of an English template or finished sentence; None where there is none.

    A template may be made of a known beginning or ending and a text of its own.
    """
    tables = _tables()
    if template in tables["texts"]:
        return tables["texts"][template]
    for beginning, text in tables["beginnings"].items():
        if template.startswith(beginning) and (rest := russian(template[len(beginning) :])):
            return text + rest
    for ending, text in tables["endings"].items():
        if template.endswith(ending) and (rest := russian(template[: -len(ending)])):
            return rest + text
    for pattern, text in _patterns():
        if found := pattern.fullmatch(template):
            parts = text.split("{}")
            return "".join(part for pair in zip(parts, (*found.groups(), ""), strict=True) for part in pair)
    return None


def russian_word(word: str) -> str:
    """What a gap is filled with, where that is a known kind, cause or construct; else itself."""
    return _tables()["words"].get(word, word)


@cache
def _tables() -> dict[str, dict[str, str]]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    sentences = _tables()["sentences"].items()
    return [
        (re.compile("(.+?)".join(re.escape(part) for part in english.split("{}")), re.DOTALL), text)
        for english, text in sentences
    ]
