"""The language that messages are shown in: English templates, and their Russian texts where there are any."""

from __future__ import annotations

import os
from contextvars import ContextVar

LANGUAGES = ("en", "ru")
_language: ContextVar[str] = ContextVar("language", default="en")


def language_of_environment() -> str:
    """`ru` under a Russian locale (LC_ALL, LC_MESSAGES, LANG in this order), else `en`."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "ru" if value.lower().startswith("ru") else "en"
    return "en"


def use_language(language: str) -> None:
    """Show messages in `language` from here on (in this thread's context)."""
    if language not in LANGUAGES:
        raise ValueError(f"language {language!r} is not one of {', '.join(LANGUAGES)}")
    _language.set(language)


def current_language() -> str:
    return _language.get()


def translate(template: str) -> str:
    """The text of an English template in the current language; the template itself where no translation exists."""
    if _language.get() == "en":
        return template
    from alliance_dynamics.russian import russian

    return russian(template) or template


def translate_value(value: object) -> object:
    """What a gap is filled with, in the current language where it is a known kind, cause or construct."""
    if _language.get() == "en" or not isinstance(value, str):
        return value
    from alliance_dynamics.russian import russian_word

    return russian_word(value)
