"""The two files of texts say the same things."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import alliance_dynamics.report as report
from alliance_dynamics.report.texts import PLURALS, read_texts

FOLDER = Path(report.__file__).parent
KEPT = {"alliance", "dynamics", "quick", "ST", "S1", "T1", "data", "show", "ln", "PDF", "verify", "doc",
        "out", "reference"}  # fmt: skip
ENGLISH, RUSSIAN = read_texts("en").entries, read_texts("ru").entries


def forms(text: str | dict[str, str]) -> list[str]:
    return [text] if isinstance(text, str) else list(text.values())


def test_both_languages_have_the_same_keys():
    assert set(ENGLISH) == set(RUSSIAN)
    assert all(isinstance(ENGLISH[key], str) == isinstance(RUSSIAN[key], str) for key in ENGLISH)


@pytest.mark.parametrize("key", ENGLISH)
def test_a_sentence_has_the_same_gaps_in_both(key):
    gaps = [
        {gap for text in forms(entries[key]) for gap in re.findall(r"{(\w+)}", text)} for entries in (ENGLISH, RUSSIAN)
    ]
    assert gaps[0] == gaps[1]


def test_nothing_is_left_in_the_other_language():
    for key, text in RUSSIAN.items():
        if key == "other_language":
            continue
        plain = " ".join(re.sub(r"{\w+}", "", form) for form in forms(text))
        words = set(re.findall(r"[A-Za-z]{2,}", plain)) - {"STRESS", "SD"}
        if key.startswith(("checklist.", "requirements.")):
            continue  # names of files, commands, chapters and people
        assert words <= KEPT, key
    for key, text in ENGLISH.items():
        assert key == "other_language" or not re.search("[А-Яа-яё]", " ".join(forms(text))), key


def test_plural_forms_are_those_of_the_language():
    for entries, needed in ((ENGLISH, {"one", "other"}), (RUSSIAN, {"one", "few", "many", "other"})):
        plural = [text for text in entries.values() if isinstance(text, dict)]
        assert plural and all(set(text) == needed <= PLURALS for text in plural)


def test_no_sentence_claims_a_cause():
    text = (FOLDER / "texts_en.toml").read_text(encoding="utf-8") + (FOLDER / "texts_ru.toml").read_text(
        encoding="utf-8"
    )
    assert not re.search(r"\bcauses?\b|вызывает|причина", text)


def test_the_template_holds_no_words_and_no_numbers():
    text = (FOLDER / "report.html.j2").read_text(encoding="utf-8")
    plain = re.sub(r"<[^>]*>", " ", re.sub(r"{{.*?}}|{%.*?%}", "", text, flags=re.S), flags=re.S)
    assert not re.search(r"\w", plain), plain


def test_every_text_is_used():
    code = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.py"))
    code += (FOLDER / "report.html.j2").read_text(encoding="utf-8")
    families = {"unit", "unit_below", "element", "group", "caveat", "head", "role", "status", "verdict", "draws", "gap",
                "checks", "objective", "size", "use", "note", "figure", "ladder", "failure", "calibration",
                "light", "against", "profile", "ratio", "validation", "recovery", "alternative", "budget",
                "direction", "checklist", "requirements", "short", "reviewer", "front", "sensitivity"}  # fmt: skip
    for key in ENGLISH:
        assert key.split(".")[0] in families or f'"{key}"' in code or f"'{key}'" in code, key


def test_the_files_are_plain_toml():
    for language in ("en", "ru"):
        assert tomllib.loads((FOLDER / f"texts_{language}.toml").read_text(encoding="utf-8"))
