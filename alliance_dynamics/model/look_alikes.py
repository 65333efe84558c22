"""Names that look alike but are two: Cyrillic letters among Latin ones, characters that nobody sees."""

from __future__ import annotations

import unicodedata

from alliance_dynamics.model.model import Model

_LATIN = dict(zip("аеорсухіјѕԁһкмтвн", "aeopcyxijsdhkmtbh", strict=True))
_LATIN |= dict.fromkeys("\xad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff", "")


def look_alike_notices(model: Model) -> list[str]:
    """A notice for names that differ only in the script of letters that look the same, and for words of two scripts."""
    notices = []
    seen: dict[str, str] = {}
    for name, variable in model.variables.items():
        shape = "".join(_LATIN.get(each, each) for each in name)
        if shape in seen and seen[shape] != name:
            other = model.variables[seen[shape]]
            notices.append(
                f"`{variable.label}` (line {variable.place.line}) and `{other.label}` (line {other.place.line}) look "
                "alike but are two names: one has Cyrillic letters, or characters that cannot be seen."
            )
        else:
            seen.setdefault(shape, name)
            if any(len(_scripts(word)) > 1 for word in name.replace('"', "_").split("_")):
                notices.append(
                    f"`{variable.label}` (line {variable.place.line}) mixes Cyrillic and Latin letters in one word."
                )
    return notices


def _scripts(word: str) -> set[str]:
    return {
        script
        for each in word
        for script in ("CYRILLIC", "LATIN")
        if each.isalpha() and unicodedata.name(each, "").startswith(script)
    }
