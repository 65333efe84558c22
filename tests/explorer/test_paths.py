"""Scenarios in time on the page: the numbers that they have alone, also in a saved file, and one lever at a time."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from conftest import settled
from sample_page import BASELINE, DRAWS, some_futures, write_page

from alliance_dynamics.cli import main
from alliance_dynamics.explorer.content import packed_draws, shown_series
from alliance_dynamics.futures import rows_of_regime
from alliance_dynamics.kernel.integrate import compile_kernel
from alliance_dynamics.lever_paths import Event, LeverPath
from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.scenarios import Scenario, find_regime, read_regimes, read_scenario
from alliance_dynamics.settings import schedule_of

PARAMETERS = read_parameters()
R3 = find_regime("R3", read_regimes())
SLOW = replace(
    R3, id="slow", titles={"ru": "Постепенная передача", "en": "Slow hand-over"}, ramp_years=2.0,
    levers={**R3.levers, "selection_power": LeverPath(points=((2028.0, 0.0), (2034.0, 0.6))),
            "agenda_power": LeverPath(0.0, start=2030.5, ramp_years=1.5)},
    events=(Event("pause", "pulse", "federal_appropriation", 2030.0, 2.0, factor=0.0),),
    assumptions={"tolerated_delay": 0.6},
)  # fmt: skip
STEPS = replace(
    R3, id="steps", titles={"ru": "Ступени", "en": "Steps"}, start_policy=2025.0,
    levers={**R3.levers, "selection_power": LeverPath(points=((2026.0, 0.2), (2031.0, 0.5)), interpolate="step")},
)  # fmt: skip
TOLD = "JSON.stringify([state.now.levers, state.now.policy, state.now.parts.slice().sort(), state.ramp])"


@pytest.fixture(scope="module")
def tab(browser, tmp_path_factory):
    own = browser.tab(write_page(tmp_path_factory.mktemp("paths") / "explorer.html", SLOW, STEPS).as_uri())
    settled(own)
    yield own
    own.close()


@pytest.fixture(scope="module")
def futures():
    """The median of the page, then its draws, rounded as the page has them."""
    found = some_futures()
    packed = packed_draws(found)
    rows = np.repeat(np.median(found.rows, axis=0)[None], DRAWS + 1, axis=0)
    rows[1:, list(packed.columns)] = packed.values
    return replace(found, rows=rows)


def alone(futures, scenario: Scenario) -> np.ndarray:
    """[median and draws, years, outcomes] of the program that the scenario is by itself."""
    model = open_model("alliance")
    own, program, rows = rows_of_regime(model, scenario, futures, PARAMETERS)
    series, (schedule, _) = shown_series(model), schedule_of(program, rows[0])
    return series.values(compile_kernel(program, series.outputs).run(rows, schedule, method=own.time.method).values)


def close(found, expected: np.ndarray) -> None:
    scale = np.maximum(np.abs(expected).max(axis=0), 1e-2)
    assert np.max(np.abs(np.array(found).reshape(expected.shape[::-1]).T - expected) / scale) <= 1e-10


def test_presets_in_time_run_as_they_run_alone(tab, futures):
    assert tab.run("checked.worst") <= 1e-9 and tab.complaints() == []
    for scenario in (SLOW, STEPS):
        tab.run(f"byId('preset-{scenario.id}').click(); byId('keep-A').click()")
        settled(tab)
        expected = alone(futures, scenario)
        close(tab.run("Array.from(latest.now)"), expected[0])
        close(tab.run("Array.from(latest.A)"), expected[0])
        close(tab.run("Array.from(runOf(forEngine(state.now), 7))"), expected[8])
    assert tab.run("spreadNow.failed") == 0 and tab.run("spreadNow.count") == DRAWS


def test_a_moved_lever_leaves_its_path_and_a_reset_brings_it_back(tab, futures):
    tab.run("byId('preset-slow').click()")
    assert "2028 — 0; 2034 — 0,6" in tab.run("byId('told-selection_power').textContent")
    assert "2030,5" in tab.run("byId('told-agenda_power').textContent")
    assert "длится 2\u00a0года" in tab.run("byId('told-federal_appropriation').textContent")
    assert "= 0,6" in tab.run("byId('story').textContent") and "2\u00a0года" in tab.run("byId('story').textContent")
    tab.run("byId('lever-selection_power').value = 0.2; for (const what of ['input', 'change']) "
            "byId('lever-selection_power').dispatchEvent(new Event(what))")  # fmt: skip
    settled(tab)
    assert tab.run("byId('told-selection_power').hidden") and tab.run("nameOf(state.now)") == "slow*"
    close(tab.run("Array.from(latest.now)"),
          alone(futures, replace(SLOW, levers={**SLOW.levers, "selection_power": 0.2}))[0])  # fmt: skip
    address = tab.run("encode()")
    assert (
        tab.run(f"(() => {{ const read = decode('{address}'); state = read.state; return read.faults.length; }})()")
        == 0
    )
    assert tab.run("encode()") == address
    tab.run("document.querySelector('#row-selection_power .reset').click()")
    assert tab.run("alike(state.now, scenarioOf('slow')) && encode() !== " + json.dumps(address))


def test_what_the_page_saves_runs_unchanged_with_the_same_numbers_and_comes_back(tab, tmp_path, monkeypatch):
    tab.run("byId('preset-slow').click(); change('x', controlOf('voice_of_regions').set(0.55))")
    settled(tab)
    text, shown = tab.run("tomlText()"), tab.run("Array.from(latest.now)")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    saved = read_scenario("own.toml", PARAMETERS)
    assert saved.levers["selection_power"] == SLOW.levers["selection_power"] and saved.events == SLOW.events
    assert main(["run", "own.toml", "--out", "run.csv", "--quiet"]) == 0
    head, *lines = csv.reader((tmp_path / "run.csv").read_text("utf-8").splitlines())
    at = [k for k, name in enumerate(head) if name.startswith("gross regional product[")]
    k = tab.run("content.outcomes.findIndex((each) => each.id === 'gross_regional_product' && "
                "each.element === 'alliance')")  # fmt: skip
    told = [sum(float(line[j]) for j in at) for line in lines]
    assert np.allclose(told, shown[51 * k : 51 * k + 51], rtol=1e-10, atol=0)
    before = tab.run(TOLD)
    read = "((found) => { state = found.next; return [found.faults, found.extra]; })"
    read += f"(readToml({json.dumps(text)}))"
    tab.run("byId('preset-R1').click()")
    assert tab.run(read) == [[], 0]
    assert tab.run(TOLD) == before
    other = text.replace("2034", "2035")
    assert "[levers." in tab.run(f"readToml({json.dumps(other)}).faults.join()")


def test_every_lever_in_time_has_its_share_and_its_place_among_the_causes(tab):
    tab.run("byId('preset-R3').click(); change('x', {...state, baseline: 'R3', now: scenarioOf('slow')})")
    settled(tab)
    assert tab.run("weighed.single") and tab.run("weighed.players.length") == 4  # three levers and the conditions
    assert tab.run("Number(byId('why').dataset.sum)") == pytest.approx(
        tab.run("Number(byId('why').dataset.gap)"), rel=1e-9
    )
    assert BASELINE != "R3" and tab.run("content.causes.names.ru.filter((each) => /^[a-z ]+$/.test(each)).length") == 0
    tab.run("byId('reset').click()")
    settled(tab)
