"""The page stands alone, is allowed only its own scripts, and knows what the package knows."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import tomllib
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sample_page import some_futures, write_page

from alliance_dynamics.errors import UnsupportedError
from alliance_dynamics.explorer import page as explorer
from alliance_dynamics.explorer.causes import causes_of
from alliance_dynamics.explorer.content import packed_draws, regime_rows, shown_series, units_of
from alliance_dynamics.explorer.step import choose_step
from alliance_dynamics.explorer.texts import page_texts
from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.model.read import read_model
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.report.numbers import Numbers, decimals_of_interval, decimals_of_value
from alliance_dynamics.report.texts import read_texts
from alliance_dynamics.report.voice import Voice
from alliance_dynamics.scenarios import read_regimes
from alliance_dynamics.simulate import program_of

CASES = json.loads((Path(__file__).parent / "numbers.json").read_text(encoding="utf-8"))
SCRIPTS = Path(explorer.__file__).parent / "script"


def test_the_policy_allows_these_scripts_and_this_style_and_nothing_else(page):
    text = page.read_text(encoding="utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy and "default-src 'none'" in policy[1] and "unsafe" not in policy[1]
    for tag in ("style", "script"):
        allowed = re.search(rf"{tag}-src ([^;]*)", policy[1])
        contents = re.findall(rf"<{tag}(?: id=\"engine\")?>(.*?)</{tag}>", text, re.DOTALL)
        digests = [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in contents]
        assert allowed and allowed[1].split() == [f"'sha256-{each}'" for each in digests]


def test_the_page_is_small_and_names_no_other_place(page):
    text = page.read_text(encoding="utf-8")
    assert len(text.encode()) < 400_000
    without_names = text.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(
        r"https?://|\bfetch\(|XMLHttpRequest|\beval\(|new Function|import\(|innerHTML =", without_names
    )


def test_the_same_inputs_give_the_same_bytes(page, tmp_path):
    again = write_page(tmp_path / "explorer.html")
    assert again.read_bytes() == page.read_bytes()
    assert again.with_suffix(".zip").read_bytes() == page.with_suffix(".zip").read_bytes()


def test_the_archive_holds_the_page_and_two_lines_on_how_to_open_it(page):
    with zipfile.ZipFile(page.with_suffix(".zip")) as archive:
        assert archive.namelist() == ["explorer.html", "README.txt"]
        assert archive.read("explorer.html") == page.read_bytes()
        assert archive.read("README.txt").decode().count("\n") == 2


def test_a_page_that_is_too_large_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(explorer, "LARGEST", 1000)
    with pytest.raises(UnsupportedError, match="bytes"):
        write_page(tmp_path / "x.html")
    assert not list(tmp_path.iterdir())


def test_both_languages_have_the_same_texts_with_the_same_gaps():
    texts = page_texts()
    assert set(texts["ru"]) == set(texts["en"])
    for key, english in texts["en"].items():
        russian = texts["ru"][key]
        gaps = [
            set(re.findall(r"\{(\w+)\}", each if isinstance(each, str) else each["other"]))
            for each in (english, russian)
        ]
        assert gaps[0] == gaps[1], key


def test_every_text_that_the_script_names_exists_and_none_is_left_over():
    known = set(page_texts()["en"])
    script = "".join(each.read_text(encoding="utf-8") for each in SCRIPTS.glob("*.js"))
    html = (SCRIPTS.parent / "explorer.html").read_text(encoding="utf-8")
    named = set(re.findall(r"""\bt\("([\w.-]+)"[,)]""", script)) | set(
        re.findall(r"""texts\.(?:ru|en)\.(\w+)""", script)
    )
    assert named <= known, named - known
    words = set(re.findall(r"[\w-]+", script + html))
    starts = {each.split(".")[0] + "." for each in known if "." in each}
    unused = {
        each for each in known if each not in words and not any(each.startswith(s) and s in script for s in starts)
    }
    assert not unused


def test_levers_of_the_page_are_those_of_the_model_with_their_sources():
    state = (SCRIPTS / "state.js").read_text(encoding="utf-8")
    groups = re.search(r"const GROUPS = \{.*?\n\};", state, re.DOTALL)
    levers = read_parameters().levers
    assert groups and sorted(re.findall(r'"([a-z&_-]+)"', groups[0])) == sorted(levers)
    english = page_texts()["en"]
    assert {name: english[f"evidence_of.{name}"] for name in levers} == {n: each.source for n, each in levers.items()}


@pytest.mark.parametrize("language", ["ru", "en"])
def test_numbers_of_the_reports_follow_the_shared_cases(language):
    at = ("ru", "en").index(language)
    numbers = Numbers(language)
    for value, decimals, sign, *shown in CASES["number"]:
        assert numbers.number(value, decimals, sign=sign) == shown[at]
    voice = Voice(read_texts(language), SimpleNamespace(labels={}))  # type: ignore[arg-type]
    for value, sign, *shown in CASES["percent"]:
        assert re.sub("<[^>]*>", "", voice.percent(value, sign=sign)) == shown[at]
    for low, high, value, decimals in CASES["decimals_of_interval"]:
        assert decimals_of_interval(low, high, value) == decimals
    for value, decimals in CASES["decimals_of_value"]:
        assert decimals_of_value(value) == decimals
    forms = (
        {"one": "один", "few": "несколько", "many": "много", "other": "прочее"}
        if language == "ru"
        else {"one": "one", "other": "other"}
    )
    for number, *form in CASES["plural"]:
        assert numbers.plural(number.replace(",", "."), forms) == form[at]


@pytest.mark.parametrize("language", ["ru", "en"])
def test_units_are_those_of_the_reports(language):
    units = ("bn RUB", "bn RUB/Year", "person", "patent/Year", "Dmnl", "Year", "1/Year")
    voice = Voice(read_texts(language), SimpleNamespace(labels={}))  # type: ignore[arg-type]
    for unit, found in units_of(units).items():
        own = found[language]
        assert (own if isinstance(own, str) else own.get("many", own["other"])) == voice.unit(unit)


def test_draws_lose_less_than_a_hundredth_of_a_per_cent_of_their_range():
    futures = some_futures()
    packed = packed_draws(futures)
    rows = futures.rows[:, list(packed.columns)]
    assert np.all(np.abs(packed.values - rows) <= (packed.high - packed.low) * 0.6 / 8099)


def test_the_step_is_doubled_only_where_nothing_shown_would_tell():
    model, parameters = open_model("alliance"), read_parameters()
    program, series = program_of(model), shown_series(model)
    rows = regime_rows(program, model, read_regimes(), parameters, np.array(program.defaults))
    found = choose_step(program, series, rows, baseline=1, years=(2030, 2040, 2050), method="rk4")
    assert found.dt == found.own == 0.125 and 0 < found.error < 1e-3
    rows[:, program.parameter_index["time_step"]] = 1 / 64
    finer = choose_step(program, series, rows[1:2], baseline=0, years=(2030,), method="rk4")
    assert finer.dt == 2 * finer.own and finer.error < 1e-4


def test_causes_that_have_a_memory_of_their_own_are_refused(tmp_path):
    path = tmp_path / "delayed.mdl"
    path.write_text(
        "{UTF-8}\nregion: a, b~~|\nx= Time~~|\ny= SMOOTH(x, 2)~~|\nINITIAL TIME=0~~|\nFINAL TIME=2~~|\nTIME STEP=1~~|\n"
        "SAVEPER=1~~|\n",
        encoding="utf-8",
    )
    model = read_model(path)
    with pytest.raises(UnsupportedError, match="causes of `y`"):
        causes_of(model, program_of(model), read_parameters(), ["y"])


def test_no_text_file_holds_more_than_texts():
    for language in ("ru", "en"):
        text = (SCRIPTS.parent / f"texts_{language}.toml").read_text(encoding="utf-8")
        assert "<" not in text and tomllib.loads(text)
