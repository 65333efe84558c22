"""The texts of a report in one language: sentences with named gaps, kept outside the code."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markupsafe import Markup, escape

from alliance_dynamics.errors import UsageError, fault, suggestion
from alliance_dynamics.language import LANGUAGES

PLURALS = {"zero", "one", "two", "few", "many", "other"}


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts by dotted key; `texts("answer.small")`, `texts("answer.draws", count=3)`."""

    language: str
    entries: dict[str, str | dict[str, str]]

    def __call__(self, key: str, **values: object) -> str:
        """The text of `key` with its gaps filled.  A key that does not exist is a KeyError: a fault of the code."""
        text = self.entries[key]
        if not isinstance(text, str):
            raise KeyError(f"{key} has plural forms; use `forms`")
        return text.format(**values) if values else text

    def markup(self, key: str, **values: object) -> Markup:
        """The text of `key` as page text: gaps that are markup already stay so, everything else is escaped."""
        return Markup(escape(self(key))).format(**values)

    def forms(self, key: str) -> dict[str, str]:
        """The plural forms under `key`."""
        found = self.entries[key]
        return found if isinstance(found, dict) else {"other": found}

    def has(self, key: str) -> bool:
        return key in self.entries

    def list(self, key: str) -> list[str]:
        """The texts `key.1`, `key.2`, ... in order."""
        found = []
        while (name := f"{key}.{len(found) + 1}") in self.entries:
            found.append(self(name))
        return found


@cache
def read_texts(language: str) -> Texts:
    """The texts of `en` or `ru`; another language is a UsageError."""
    if language not in LANGUAGES:
        raise UsageError(
            fault(
                "",
                "There are no reports in the language `{language}`",
                expected="Expected one of {languages}",
                remedy=suggestion(language, LANGUAGES),
                language=language,
                languages=", ".join(LANGUAGES),
            )
        )
    path = Path(__file__).with_name(f"texts_{language}.toml")
    return Texts(language, flat_texts(tomllib.loads(path.read_text(encoding="utf-8"))))


def flat_texts(tree: dict, prefix: str = "") -> dict[str, str | dict[str, str]]:
    entries: dict[str, str | dict[str, str]] = {}
    for key, value in tree.items():
        if isinstance(value, str) or set(value) <= PLURALS:
            entries[prefix + key] = value
        else:
            entries |= flat_texts(value, f"{prefix}{key}.")
    return entries
