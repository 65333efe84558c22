"""The words of the page: one file for each language, and from the reports how shares of draws are said."""

from __future__ import annotations

import tomllib
from pathlib import Path

from alliance_dynamics.language import LANGUAGES
from alliance_dynamics.report.texts import flat_texts, read_texts

Entries = dict[str, str | dict[str, str]]


def page_texts() -> dict[str, Entries]:
    """Texts by language and dotted key; a text with plural forms is a mapping."""
    return {language: _texts(language) for language in LANGUAGES}


def _texts(language: str) -> Entries:
    path = Path(__file__).with_name(f"texts_{language}.toml")
    own = flat_texts(tomllib.loads(path.read_text(encoding="utf-8")))
    said = {key: text for key, text in read_texts(language).entries.items() if key.startswith("draws.")}
    return own | said
