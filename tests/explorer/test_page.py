"""The page stands alone, is allowed only its own script, and computes in a browser what Python computes."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from alliance_dynamics.errors import UnsupportedError
from alliance_dynamics.explorer import page as explorer
from alliance_dynamics.explorer import write_explorer
from alliance_dynamics.futures import Futures, assumptions_of
from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.scenarios import read_regimes, read_scenario
from alliance_dynamics.settings import parameters_with
from alliance_dynamics.simulate import program_of, run_model

BROWSER = next(
    (found for each in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(each))), None
)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
BASELINE, CHOSEN = "R1", "R3"


def futures() -> Futures:
    """A few draws of the assumptions alone: what the page does with them does not depend on where they come from."""
    program, parameters = program_of(open_model("alliance")), read_parameters()
    assumptions = assumptions_of(program, parameters, ())
    base = np.array(program.defaults)
    rows = np.repeat(base[None], 5, axis=0)
    stream = np.random.default_rng(0)
    for each in assumptions:
        middle = base[each.column]
        rows[:, each.column] = np.clip(
            middle + 0.1 * (each.high - each.low) * stream.standard_normal(5), each.low, each.high
        )
    return Futures(program, rows, (), np.zeros((5, 0)), assumptions, base)


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("страница") / "explorer.html"
    return write_explorer(
        target, open_model("alliance"), futures(), read_parameters(), read_regimes(), baseline=BASELINE, chosen=CHOSEN,
        history=[{"observable": "rd_personnel", "experiment": "RU_TA", "year": 2022, "observed": 14231.0}], seed=0,
    )  # fmt: skip


def in_browser(path: Path, tmp_path: Path) -> str:
    """The page's text after its script has run; the browser is stopped by its own end or by the time limit."""
    command = [
        str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=20000", "--dump-dom", path.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    return done.stdout.decode("utf-8")


def test_the_policy_allows_this_script_and_style_and_nothing_else(written):
    text = written.read_text(encoding="utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy and "default-src 'none'" in policy[1] and "unsafe" not in policy[1]
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy[1]


def test_the_page_is_small_and_names_no_other_place(written):
    text = written.read_text(encoding="utf-8")
    assert len(text.encode()) < 400_000
    without_names = text.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|\bfetch\(|XMLHttpRequest|\beval\(|new Function|import\(", without_names)


def test_the_same_inputs_give_the_same_bytes(written, tmp_path):
    again = write_explorer(
        tmp_path / "again.html", open_model("alliance"), futures(), read_parameters(), read_regimes(),
        baseline=BASELINE, chosen=CHOSEN,
        history=[{"observable": "rd_personnel", "experiment": "RU_TA", "year": 2022, "observed": 14231.0}], seed=0,
    )  # fmt: skip
    assert again.read_bytes() == written.read_bytes()


def test_a_page_that_is_too_large_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(explorer, "LARGEST", 1000)
    with pytest.raises(UnsupportedError, match="bytes"):
        write_explorer(tmp_path / "x.html", open_model("alliance"), futures(), read_parameters(), read_regimes(),
                       baseline=BASELINE, chosen=CHOSEN, seed=0)  # fmt: skip
    assert not (tmp_path / "x.html").exists()


@needs_browser
def test_in_a_browser_the_page_checks_itself_and_compares_all_draws(written, tmp_path):
    shown = html.unescape(in_browser(written, tmp_path))
    assert re.search(r"Самопроверка: \d+ чисел совпали", shown)
    assert "Изменение благоприятно примерно в" in shown
    assert shown.count("<figure>") == 4 and 'class="band"' in shown
    for regime in read_regimes():
        assert regime.titles["ru"] in shown


@needs_browser
@pytest.mark.skipif(sys.platform == "win32", reason="the page's own policy has to be lifted by a text edit")
def test_a_saved_scenario_gives_the_same_numbers_in_python(written, tmp_path):
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", written.read_text(encoding="utf-8"))
    told = (
        "build(); draw(); const say = (id, text) => { const made = document.createElement('pre'); made.id = id; "
        "made.textContent = text; document.body.append(made); }; say('toml', toml()); "
        "const at = content.outcomes.findIndex((each) => each.id === 'gross_regional_product' && "
        "each.element === 'alliance'); say('number', String(current.series[at][current.times.length - 1]));"
    )
    edited = tmp_path / "edited.html"
    edited.write_text(text.replace("build();\ndraw();\ncomputeBands();", told), encoding="utf-8")
    shown = in_browser(edited, tmp_path)
    found = {key: re.search(rf'<pre id="{key}">(.*?)</pre>', shown, re.DOTALL) for key in ("toml", "number")}
    assert found["toml"] and found["number"]
    file = tmp_path / "scenario.toml"
    file.write_text(html.unescape(found["toml"][1]), encoding="utf-8")
    parameters, model = read_parameters(), open_model("alliance")
    scenario = read_scenario(str(file), parameters)
    run = run_model(model, set=scenario.values(parameters))
    columns = [k for k, name in enumerate(run.columns) if name.startswith("gross regional product[")]
    assert sum(run.values[-1, columns]) == pytest.approx(float(found["number"][1]), rel=1e-10)
    assert parameters_with(model, program_of(model), scenario.values(parameters)) is not None


@needs_browser
def test_contributions_of_the_lever_groups_are_the_whole_gap(written, tmp_path):
    shown = html.unescape(in_browser(written, tmp_path))
    section = re.search(r'<section id="why"[^>]*>', shown)
    assert section is not None
    told = {key: float(re.search(rf'data-{key}="([^"]+)"', section[0])[1]) for key in ("gap", "sum")}  # type: ignore[index]
    assert told["gap"] != 0 and told["sum"] == pytest.approx(told["gap"], rel=1e-9)
    assert shown.count('class="part"') >= 4 and "Вклады по Шепли" in shown
    parameters = read_parameters()
    grouped = set(re.findall(r'"([a-z&_-]+)"', re.search(r"const GROUPS = \{.*?\};", shown, re.DOTALL)[0]))  # type: ignore[index]
    assert grouped == set(parameters.levers)


@needs_browser
def test_a_saved_copy_opens_with_its_levers_and_the_same_script(written, tmp_path):
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", written.read_text(encoding="utf-8"))
    told = (
        "build(); if (!given) { change(stateOf('R4')); save = (name, text) => { const made = "
        "document.createElement('pre'); made.id = 'copy'; made.textContent = text; document.body.append(made); }; "
        "saveCopy(); } else { draw(); }"
    )
    edited = tmp_path / "edited.html"
    edited.write_text(text.replace("build();\ndraw();\ncomputeBands();", told), encoding="utf-8")
    found = re.search(r'<pre id="copy">(.*?)</pre>', in_browser(edited, tmp_path), re.DOTALL)
    assert found is not None
    copy = tmp_path / "copy.html"
    copy.write_text(html.unescape(found[1]), encoding="utf-8")
    scripts = [
        re.search(r"<script>(.*?)</script>", each.read_text(encoding="utf-8"), re.DOTALL) for each in (edited, copy)
    ]
    assert scripts[0] and scripts[1] and scripts[0][1] == scripts[1][1]
    r4 = next(each for each in read_regimes() if each.id == "R4")
    story = re.search(r'<p id="story">(.*?)</p>', in_browser(copy, tmp_path))
    assert story and html.unescape(story[1]) == r4.stories["ru"]


@needs_browser
@pytest.mark.parametrize("modifier", ["ctrlKey", "metaKey"])
def test_the_keyboard_takes_a_change_back(written, tmp_path, modifier):
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", written.read_text(encoding="utf-8"))
    told = (
        "build(); draw(); change(stateOf('R4')); const before = state.regime; "
        f"document.dispatchEvent(new KeyboardEvent('keydown', {{code: 'KeyZ', {modifier}: true, bubbles: true}})); "
        "document.body.dataset.told = before + state.regime;"
    )
    edited = tmp_path / "edited.html"
    edited.write_text(text.replace("build();\ndraw();\ncomputeBands();", told), encoding="utf-8")
    assert f'data-told="R4{CHOSEN}"' in in_browser(edited, tmp_path)
