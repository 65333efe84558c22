"""The page in a real browser, opened as a file: it computes what Python computes and gives its state away whole."""

from __future__ import annotations

import base64
import csv
import io
import json
import random
import re
import runpy
import struct
from pathlib import Path

import numpy as np
import pytest
from conftest import settled
from sample_page import BASELINE, CHOSEN, DRAWS, some_futures

from alliance_dynamics.accounts import COST
from alliance_dynamics.explorer.content import packed_draws, regime_rows, shown_series
from alliance_dynamics.kernel.integrate import compile_kernel
from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.scenarios import read_regimes, read_scenario
from alliance_dynamics.settings import schedule_of
from alliance_dynamics.simulate import run_model

CASES = json.loads((Path(__file__).parent / "numbers.json").read_text(encoding="utf-8"))
DONE = "spreadNow && spreadNow.count === DRAWS.length && causesShown && (same() || weighed)"


class Reference:
    """What the compiled kernel gives for rows of program parameters: [rows, years, outcomes of the page]."""

    def __init__(self):
        self.model, self.parameters, futures = open_model("alliance"), read_parameters(), some_futures()
        self.program, self.series = futures.program, shown_series(self.model)
        self.central = np.median(futures.rows, axis=0)
        self.packed = packed_draws(futures)
        self.regimes = [each.id for each in read_regimes()]
        self.rows = regime_rows(self.program, self.model, read_regimes(), self.parameters, self.central)
        self.kernel = compile_kernel(self.program, self.series.outputs)

    def regime(self, name: str) -> np.ndarray:
        return self.rows[self.regimes.index(name)].copy()

    def values(self, rows: np.ndarray) -> np.ndarray:
        schedule, _ = schedule_of(self.program, rows[0])
        return self.series.values(self.kernel.run(rows, schedule, method="rk4").values)

    def draws(self, row: np.ndarray) -> np.ndarray:
        rows = np.repeat(row[None], DRAWS, axis=0)
        rows[:, list(self.packed.columns)] = self.packed.values
        return rows

    def lever(self, name: str) -> int:
        return self.program.parameter_index[self.parameters.levers[name].constant]


@pytest.fixture(scope="module")
def python() -> Reference:
    return Reference()


def close(found: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    scale = np.maximum(np.abs(expected).max(axis=-2, keepdims=True), 1e-2)
    assert np.max(np.abs(found - expected) / scale) <= tolerance


def line_of(tab, name: str = "now") -> np.ndarray:
    return np.array(tab.run(f"Array.from(latest.{name})")).reshape(-1, 51).T


def test_it_opens_without_a_complaint_and_asks_for_nothing(browser, page):
    own = browser.tab(page.as_uri())
    settled(own)
    assert own.complaints() == []
    asked = {each["request"]["url"].split(":")[0] for each in own.events("Network.requestWillBeSent")}
    assert asked <= {"file", "blob"}
    loaded = [each["request"]["url"] for each in own.events("Network.requestWillBeSent")]
    assert [each for each in loaded if each.startswith("file")] == [page.as_uri()]
    assert own.run("byId('check').className") == "good" and own.run("checked.worst") <= 1e-9
    assert own.run("checked.count") >= 50
    own.close()


def test_the_script_agrees_over_all_regimes_and_200_draws(tab, python):
    stream = np.random.default_rng(1)
    rows = python.rows[stream.integers(len(python.rows), size=200)]
    rows[:, list(python.packed.columns)] = python.packed.values[stream.integers(DRAWS, size=200)]
    rows = np.concatenate([python.rows, rows])
    years = [0, 20, 26, 30, 40, 50]
    packed = base64.b64encode(rows.tobytes()).decode()
    found = tab.run(
        f"(() => {{ const bytes = Uint8Array.from(atob('{packed}'), (c) => c.charCodeAt(0)); "
        "const rows = new Float64Array(bytes.buffer), width = allianceModel.defaults.length, found = []; "
        "for (let i = 0; i * width < rows.length; i++) { const run = allianceModel.run({values: rows.slice(i * width, "
        f"(i + 1) * width)}}), n = allianceModel.outputs.length; for (const at of {years}) "
        "content.outcomes.forEach((each) => found.push(each.sums.reduce((sum, [k, w]) => sum + w * run.values[at * n + "
        "k], 0))); } return btoa(String.fromCharCode.apply(null, [])) + JSON.stringify(found); })()"
    )
    values = python.values(rows)
    close(np.array(json.loads(found)).reshape(len(rows), len(years), -1), values[:, years], 1e-10)


def test_a_preset_and_a_moved_slider_give_the_numbers_of_python(tab, python):
    close(line_of(tab, "base"), python.values(python.regime(BASELINE)[None])[0], 1e-10)
    tab.run("byId('preset-R2').click()")
    settled(tab)
    close(line_of(tab), python.values(python.regime("R2")[None])[0], 1e-10)
    tab.run("byId('lever-selection_power').focus()")
    for _ in range(3):
        tab.press("ArrowRight")
    settled(tab)
    row = python.regime("R2")
    row[python.lever("selection_power")] = tab.run("state.now.levers[leverAt.get('selection_power')]")
    assert row[python.lever("selection_power")] == pytest.approx(0.1 + 3 * 0.01)
    close(line_of(tab), python.values(row[None])[0], 1e-10)


def test_bands_and_shares_are_those_of_the_same_draws_in_python(tab, python):
    tab.run("view({mode: 'level'})")
    settled(tab)
    now, base = (python.values(python.draws(python.regime(each))) for each in (CHOSEN, BASELINE))
    for k in tab.run("visibleOutcomes().first"):
        found = np.array(tab.run(f"spreadNow.bands[{k}].map((each) => Array.from(each))"))
        expected = np.quantile(now[:, :, k], [0.05, 0.25, 0.5, 0.75, 0.95], axis=0)
        np.testing.assert_allclose(found, expected, rtol=1e-6)
        for year in (2030, 2040, 2050):
            gap = (now - base)[:, year - 2000, k]
            told = tab.run(f"spreadNow.gaps[{k}][{year}]")
            np.testing.assert_allclose(
                [told["low"], told["middle"], told["high"]], np.quantile(gap, [0.05, 0.5, 0.95]), rtol=1e-6
            )
            hits = gap * python.series.indicators[k].better
            assert told["better"] == pytest.approx(((hits > 0) + 0.5 * (hits == 0)).mean(), abs=1e-12)


def test_contributions_are_the_whole_gap(tab, python):
    k = python.series.index("net_present_value", "alliance")
    values = python.values(np.array([python.regime(CHOSEN), python.regime(BASELINE)]))[:, 40, k]
    told = {each: float(tab.run(f"byId('why').dataset.{each}")) for each in ("gap", "sum")}
    assert told["gap"] == pytest.approx(values[0] - values[1], rel=1e-9)
    assert told["sum"] == pytest.approx(told["gap"], rel=1e-9)
    assert tab.run("weighed.single") is False and tab.run("document.querySelectorAll('#parts .part').length") >= 5
    tab.run("""
        const moved = {interregional_orientation: 0.9, selection_power: 0.4};
        change("x", {...state, now: {...scenarioOf("R1"), policy: 2030,
          levers: scenarioOf("R1").levers.map((value, k) => moved[content.levers[k].id] || value)}});
    """)
    settled(tab)
    assert tab.run("weighed.single") is True and tab.run("weighed.runs") == 8
    one = [python.regime(BASELINE) for _ in range(8)]
    changes = [(python.lever("selection_power"), 0.4), (python.lever("interregional_orientation"), 0.9),
               (python.program.parameter_index["policy_year"], 2030.0)]  # fmt: skip
    for members, row in enumerate(one):
        for bit, (column, value) in enumerate(changes):
            if members >> bit & 1:
                row[column] = value
    v = python.values(np.array(one))[:, 40, k]
    expected = (2 * (v[1] - v[0]) + (v[3] - v[2]) + (v[5] - v[4]) + 2 * (v[7] - v[6])) / 6
    at = f"{k} * T + 40"
    part = next(p for p in range(3) if tab.run(f"weighed.players[{p}][0] === leverAt.get('selection_power')"))
    assert tab.run(f"weighed.parts[{part}][{at}]") == pytest.approx(expected, rel=1e-6)


def test_causes_start_from_the_outcome_and_end_at_a_lever(tab, python):
    k = python.series.index("interregional_link_density", "alliance")
    tab.run("view({why: 'interregional_link_density'})")
    settled(tab)
    close(np.array(tab.run("Array.from(causesShown.now)"))[:, None],
          python.values(python.regime(CHOSEN)[None])[0][:, [k]], 1e-9)  # fmt: skip
    assert "d Связи между регионами / dt" in tab.run("document.querySelector('#causes .equation').textContent")
    seen = []
    for _ in range(12):
        if tab.run("!!document.querySelector('#causes .lever-end')"):
            break
        seen.append(tab.run("document.querySelector('ol.causes button').firstChild.textContent"))
        tab.run("causesShown = null; document.querySelector('ol.causes button').click()")
        tab.wait("causesShown")
    assert tab.run("!!document.querySelector('#causes .lever-end')") and len(seen) >= 2
    assert len(tab.run("document.querySelector('.crumbs').textContent")) > 0
    effects = tab.run("causesShown.causes.map((each) => each.effect)")
    gap = tab.run("causesShown.now[40] - causesShown.base[40]")
    assert max(abs(each) for each in effects) > 0 and np.isfinite(gap)
    tab.run("document.querySelector('.crumbs button').click()")
    tab.wait("!trail.length && document.querySelectorAll('ol.causes li').length > 1")


def test_a_stock_gap_is_what_its_flows_add(tab):
    tab.run("view({why: 'cumulative_fiscal_cost'})")
    settled(tab)
    found = tab.run(
        "({effects: causesShown.causes.map((each) => each.effect), gap: causesShown.now[40] - causesShown.base[40]})"
    )
    assert sum(found["effects"]) == pytest.approx(found["gap"], rel=0.02)


def test_an_address_restores_the_state_in_another_tab(browser, page, tab):
    tab.run("byId('keep-A').click(); byId('preset-R4').click()")
    tab.run(
        "change('x', controlOf('ramp').set(2.5)); change('y', controlOf('programme_coverage').set(0.33)); "
        "view({mode: 'index', place: 'samara', year: 2050})"
    )
    settled(tab)
    address = tab.run("location.hash")
    assert "programme_coverage=0.33" in address and "A=R3@2026" in address and "ramp=2.5" in address
    other = browser.tab(page.as_uri() + address)
    settled(other)
    assert other.run("encode()") == tab.run("encode()") and other.run("byId('banner').hidden")
    assert other.run("Array.from(latest.now)") == tab.run("Array.from(latest.now)")
    other.close()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("v1;m=000000000000;N=R2@2026", "000000000000"),
        ("v1;N=R2@2026+selection_power=7", "selection_power=7"),
        ("v1;N=R2@2026+no_such_lever=1", "no_such_lever=1"),
        ("v1;N=R9@2026", "R9"),
        ("v1;N=R2@2026;zz=3", "zz"),
        ("nonsense", "nonsense"),
    ],
)
def test_what_an_address_says_wrongly_is_named(browser, page, address, said):
    own = browser.tab(page.as_uri() + "#" + address)
    own.wait("latest.now")
    assert not own.run("byId('banner').hidden") and said in own.run("byId('banner').textContent")
    assert own.complaints() == []
    own.close()


def test_a_saved_copy_opens_with_its_state_and_the_same_scripts(browser, page, tab, tmp_path):
    tab.run("byId('preset-R4').click(); byId('keep-B').click()")
    tab.run("change('x', controlOf('voice_of_regions').set(0.61))")
    settled(tab)
    tab.run("saveCopy()")
    copy = browser.downloaded("explorer.html").rename(tmp_path / "copy.html")
    scripts = [
        re.findall(r"<script[^>]*>.*?</script>|<style>.*?</style>", each.read_text("utf-8"), re.DOTALL)
        for each in (page, copy)
    ]
    assert scripts[0] == scripts[1]
    opened = browser.tab(copy.as_uri())
    settled(opened)
    assert opened.run("encode()") == tab.run("encode()") and opened.complaints() == []
    opened.run("saveCopy()")
    assert browser.downloaded("explorer.html").read_text("utf-8") == copy.read_text("utf-8")
    opened.close()


def test_a_scenario_saved_as_toml_gives_the_same_numbers_in_python_and_comes_back(tab, tmp_path, python, monkeypatch):
    tab.run(
        "change('x', controlOf('selection_power').set(0.37)); change('y', controlOf('policy').set(2031)); "
        "change('z', controlOf('ramp').set(3))"
    )
    settled(tab)
    file = tmp_path / "scenario.toml"
    file.write_text(tab.run("tomlText()"), encoding="utf-8")
    scenario = read_scenario(file)
    run = run_model(python.model, set=scenario.values(python.parameters))
    columns = [k for k, name in enumerate(run.columns) if name.startswith("gross regional product[")]
    shown = line_of(tab)[-1, python.series.index("gross_regional_product", "alliance")]
    assert sum(run.values[-1, columns]) == pytest.approx(shown, rel=1e-10)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "R3-own.toml").write_bytes(file.read_bytes())
    (tmp_path / "told.py").write_text(tab.run("pythonText()"), encoding="utf-8")
    told = runpy.run_path("told.py")
    assert sum(told["run"].values[-1, columns]) == pytest.approx(shown, rel=1e-10)
    assert tab.run("commandText()") == "alliance run R3-own.toml"
    before = tab.run("JSON.stringify([state.now.levers, state.now.policy, state.ramp])")
    text = json.dumps(file.read_text("utf-8"))
    tab.run("byId('reset').click()")
    assert tab.run(
        f"(() => {{ const read = readToml({text}); state = read.next; return [read.faults.length, read.extra]; }})()"
    ) == [0, 0]
    assert tab.run("JSON.stringify([state.now.levers, state.now.policy, state.ramp])") == before
    assert tab.run(f"readToml({json.dumps('[levers]' + chr(10) + 'selection_powr = 1')}).faults.length") == 1


def test_tables_are_read_by_a_spreadsheet_of_the_language(browser, tab, python):
    tab.run("byId('keep-A').click()")
    settled(tab)
    for language, cut, comma in (("ru", ";", ","), ("en", ",", ".")):
        tab.run(f"language = '{language}'; build(); save('table-{language}.csv', csvText('{language}'), 'text/csv')")
        text = browser.downloaded(f"table-{language}.csv").read_bytes().decode("utf-8")
        assert text.startswith("\ufeff")
        rows = list(csv.reader(io.StringIO(text[1:]), delimiter=cut))
        ids, labels = rows[0], rows[1]
        assert ids[0] == "year" and len(labels) == len(ids) and labels[0] == ("Год" if language == "ru" else "Year")
        column = ids.index("interregional_link_density.alliance.now")
        row = next(each for each in rows[2:] if each[0] == "2040")
        k = python.series.index("interregional_link_density", "alliance")
        assert float(row[column].replace(comma, ".")) == line_of(tab)[40, k]
        assert tab.run("content.hash.slice(0, 12)") in rows[-1][0] and "2010" in rows[-1][0]
    raw = list(csv.DictReader(io.StringIO(tab.run("csvText('raw')"))))
    assert {each["model"] for each in raw} == {tab.run("content.hash")} and {each["scenario"] for each in raw} == {
        "R1",
        "R3",
        "A R3",
    }


def test_a_picture_is_drawn_large_with_its_origin(browser, tab):
    tab.run("savePicture(figures.get(visibleOutcomes().first[0]))")
    data = browser.downloaded("net_present_value.png").read_bytes()
    width, height = struct.unpack(">II", data[16:24])
    assert data.startswith(b"\x89PNG") and (width, height) == (4 * 460, 2 * (2 * 226 + 130)) and len(data) > 20_000


def test_the_print_is_one_landscape_page(tab):
    for slot, regime in (("A", "R0"), ("B", "R2"), ("C", "R4")):
        tab.run(f"change('x', {{...state, slots: {{...state.slots, {slot}: scenarioOf('{regime}')}}}})")
    settled(tab)
    for language in ("ru", "en"):
        tab.run(f"language = '{language}'; build()")
        pdf = tab.pdf()
        box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
        assert re.findall(rb"/Count (\d+)", pdf) == [b"1"]
        assert box and float(box[1]) == pytest.approx(842, abs=1) and float(box[2]) == pytest.approx(595, abs=1)


def test_twenty_changes_are_taken_back_by_twenty_undos(tab):
    start = tab.run("encode()")
    stream = random.Random(5)
    levers = tab.run("content.levers.map((each) => [each.id, each.low, each.high])")
    for n in range(20):
        name, low, high = stream.choice(levers)
        tab.run(f"change('{n}', controlOf({json.dumps(name)}).set({round(stream.uniform(low, high), 3)}))")
    assert tab.run("past.length") == 20 and tab.run("encode()") != start
    end = tab.run("encode()")
    for _ in range(20):
        tab.run("byId('undo').disabled || byId('undo').click()")
        tab.run("drawTools()")
    assert tab.run("encode()") == start
    for _ in range(20):
        tab.run("stepForward()")
    assert tab.run("encode()") == end


def test_four_scenarios_stand_side_by_side_with_only_the_levers_that_differ(tab, python):
    tab.run("byId('preset-R1').click()")
    tab.run("change('x', controlOf('voice_of_regions').set(0.5)); byId('keep-A').click()")
    tab.run(
        "change('x', controlOf('target_joint_share').set(0.4)); byId('keep-B').click(); "
        "byId('preset-R2').click(); byId('keep-C').click()"
    )
    settled(tab)
    differ = tab.run(
        "Array.from(document.querySelectorAll('#lever-table tbody th'), (each) => each.firstChild.textContent)"
    )
    rows = {name: python.regime("R1") for name in ("base", "A", "B")} | {"C": python.regime("R2")}
    rows["A"][python.lever("voice_of_regions")] = rows["B"][python.lever("voice_of_regions")] = 0.5
    rows["B"][python.lever("target_joint_share")] = 0.4
    for name, row in rows.items():
        close(line_of(tab, name), python.values(row[None])[0], 1e-10)
    expected = [each.labels["ru"] for each in python.parameters.levers.values()
                if len({row[python.lever(each.name)] for row in rows.values()}) > 1]  # fmt: skip
    assert differ == expected
    assert tab.run("document.querySelectorAll('#charts figure:first-child path.line:not(.middle)').length") == 4
    drawn = tab.run("""Array.from(document.querySelectorAll('#legend line'), (each) => {
        const style = getComputedStyle(each);
        return [style.stroke, style.strokeDasharray, style.strokeWidth];
    })""")
    assert len(drawn) == 5 and all(len(set(each)) == 5 for each in zip(*drawn, strict=True))


def test_numbers_of_the_page_follow_the_shared_cases(tab):
    for at, language in enumerate(("ru", "en")):
        for value, decimals, sign, *shown in CASES["number"]:
            assert tab.run(f"numberText({value!r}, {decimals}, {json.dumps(sign)}, '{language}')") == shown[at]
        for value, sign, *shown in CASES["percent"]:
            assert tab.run(f"percentText({value!r}, {json.dumps(sign)}, '{language}')") == shown[at]
        forms = (
            {"one": "один", "few": "несколько", "many": "много", "other": "прочее"}
            if language == "ru"
            else {"one": "one", "other": "other"}
        )
        for number, *form in CASES["plural"]:
            assert tab.run(f"pluralOf({number!r}, {json.dumps(forms)}, '{language}')") == form[at]
    for low, high, value, decimals in CASES["decimals_of_interval"]:
        assert tab.run(f"decimalsOfInterval({low}, {high}, {value})") == decimals
    for value, decimals in CASES["decimals_of_value"]:
        assert tab.run(f"decimalsOfValue({value})") == decimals
    for text, value in (
        ("0,85", 0.85),
        ("0.85", 0.85),
        ("\u22121", -1),
        ("1\u202f000,5", 1000.5),
        ("x", None),
        ("", None),
    ):
        found = tab.run(f"[parseNumber({json.dumps(text)})].map((each) => Number.isNaN(each) ? null : each)[0]")
        assert found == value


def test_history_stands_as_points_and_the_axis_stands_still_while_a_lever_moves(tab):
    tab.run("byId('more').open = true; view({mode: 'level', place: 'tatarstan'})")
    tab.wait("document.querySelectorAll('#more-charts figure').length === 12")
    assert tab.run("document.querySelectorAll('[data-outcome=\"r&d_personnel\"] .point').length") == 1
    tab.wait("!running")
    before = tab.run("JSON.stringify(figures.get(visibleOutcomes().first[0]).domain)")
    tab.run("const held = byId('lever-programme_coverage'); held.value = 1; held.dispatchEvent(new Event('input'))")
    tab.wait("!running && !again && latest.now && moving")
    assert tab.run("JSON.stringify(figures.get(visibleOutcomes().first[0]).domain)") == before
    tab.run("held.dispatchEvent(new Event('change'))")
    tab.wait("!moving")


def test_a_browser_that_allows_no_worker_computes_in_the_page(browser, page, tmp_path, tab):
    barred = tmp_path / "barred.html"
    barred.write_text(page.read_text("utf-8").replace("worker-src blob:", "worker-src 'none'"), "utf-8")
    own = browser.tab(barred.as_uri())
    settled(own)
    assert own.run("Array.from(latest.now)") == tab.run("Array.from(latest.now)")
    assert own.run("spreadNow.gaps") == tab.run("spreadNow.gaps")
    own.close()


def test_each_lever_is_weighed_alone_draw_by_draw(tab, python):
    """Every power of the federal body against the same draw without it, in the page and in Python."""
    tab.wait("oneByOne && oneByOne.count === DRAWS.length")
    powers = ["selection_power", "agenda_power", "information_power", "arbitration_power"]
    assert tab.run("oneByOne.levers.map((k) => content.levers[k].id)") == powers
    k, base = python.series.index("net_present_value", "alliance"), python.regime(BASELINE)
    now = python.values(python.draws(python.regime(CHOSEN)))[:, 40, k]
    for name, told in zip(powers, tab.run("oneByOne.effects"), strict=True):
        row = python.regime(CHOSEN)
        row[python.lever(name)] = base[python.lever(name)]
        effect = now - python.values(python.draws(row))[:, 40, k]
        found = [told[each] for each in ("low", "middle", "high")]
        np.testing.assert_allclose(found, np.quantile(effect, [0.05, 0.5, 0.95]), rtol=1e-6, atol=1e-8)
        assert told["helps"] == pytest.approx((effect > 0).mean()) and told["count"] == DRAWS
    assert "Больше всего помогает «" in tab.run("byId('alone').textContent")
    tab.run("groupShown = 'money'; askAlone()")
    tab.wait("oneByOne && oneByOne.count === DRAWS.length && oneByOne.levers.length === 3")
    tab.run("groupShown = 'powers'; byId('preset-R1').click()")
    settled(tab)
    assert "не отличается от R1" in tab.run("byId('alone').textContent")


def test_benefit_per_rouble_is_the_ratio_of_both_discounted_gaps(tab, python):
    tab.run("change('x', {...state, baseline: 'R0'})")
    settled(tab)
    product, cost = (python.series.index(name, "alliance") for name in ("net_present_value", COST))
    now, base = (python.values(python.draws(python.regime(name)))[:, 40] for name in (CHOSEN, "R0"))
    gaps = now - base
    ratio = (gaps[:, product] + gaps[:, cost]) / gaps[:, cost]
    told = tab.run("spreadNow.rouble[2040]")
    assert told["defined"] == told["dearer"] == 1
    np.testing.assert_allclose(
        [told["low"], told["middle"], told["high"]], np.quantile(ratio, [0.05, 0.5, 0.95]), rtol=1e-6
    )
    assert "руб. на 1 руб." in tab.run("document.querySelector('[data-outcome=benefit_per_rouble]').textContent")
    assert COST not in tab.run("visibleOutcomes().rest.map((k) => content.outcomes[k].id)")


def test_the_spread_is_shown_as_bands_as_twenty_draws_or_not_at_all(tab, python):
    count = "document.querySelectorAll('#charts figure:first-child {}').length"
    assert tab.run(count.format(".band")) == 2
    tab.run("byId('fan-choice').value = 'paths'; byId('fan-choice').dispatchEvent(new Event('change'))")
    settled(tab)
    assert tab.run(count.format(".sampled")) == 20 and tab.run(count.format(".band")) == 0
    k = python.series.index("net_present_value", "alliance")
    now, base = (python.values(python.draws(python.regime(name))[:20])[:, :, k] for name in (CHOSEN, BASELINE))
    close(np.array(tab.run(f"spreadNow.paths[{k}].map((each) => Array.from(each))")).T, (now - base).T, 1e-6)
    tab.run("view({fan: 'off'})")
    settled(tab)
    assert tab.run(count.format(".sampled, #charts .band")) == 0 and "u=off" in tab.run("location.hash")


def test_runs_that_go_on_from_a_common_past_are_whole_runs(tab):
    assert tab.run("""(() => {
        let same = true;
        for (const [name, draw] of [["R0", undefined], ["R4", 3], ["R2", 59]]) {
            const policy = 2024 + (draw || 0) % 5, levers = content.levers.map((each) => each.high);
            const scenario = {...forEngine(scenarioOf(name)), policy, levers};
            pasts.clear();
            const whole = runOf(scenario, draw);
            pasts.clear();
            runOf({...forEngine(scenarioOf("R1")), policy}, draw);
            const rest = runOf(scenario, draw);
            same = same && pasts.size === 1 && whole.every((value, i) => value === rest[i]);
        }
        return same;
    })()""")


def test_the_last_scenario_of_a_reader_is_offered_and_never_needed(browser, page, tab):
    tab.run("change('x', controlOf('voice_of_regions').set(0.33))")
    settled(tab)
    kept = tab.run("encode()")
    own = browser.tab(page.as_uri())
    settled(own)
    assert own.run("encode()") != kept and own.run("!!byId('last')")
    own.run("byId('last').click()")
    settled(own)
    assert own.run("encode()") == kept and own.run("!byId('last')")
    own.close()
    barred = browser.tab("about:blank")
    bar = "Object.defineProperty(window, 'localStorage', {get() { throw new Error('barred'); }})"
    barred.call("Page.addScriptToEvaluateOnNewDocument", source=bar)
    barred.open(page.as_uri())
    settled(barred)
    barred.run("change('x', controlOf('voice_of_regions').set(0.4))")
    settled(barred)
    assert barred.complaints() == [] and barred.run("!byId('last')")
    barred.close()


def test_a_held_axis_goes_to_its_new_place_unless_no_motion_is_wanted(tab):
    slide = (
        "const pulled = byId('lever-programme_coverage'); "
        "const slide = (value) => { pulled.value = value; pulled.dispatchEvent(new Event('input')); "
        "drawCharts(true); pulled.dispatchEvent(new Event('change')); }"
    )
    first = "figures.get(visibleOutcomes().first[0])"
    tab.run(f"{first}.eases = 0; const still = ease; ease = (figure) => {{ figure.eases++; still(figure); }}")
    tab.run(f"{slide}; slide(1)")
    settled(tab)
    tab.wait(f"!{first}.begun && {first}.domain.join() === {first}.goal.join()")
    moved = tab.run(f"{first}.eases")
    tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    tab.run("slide(0.2)")
    settled(tab)
    assert moved > 0 and tab.run(f"{first}.eases") == moved
    tab.run("ease = still")


def test_a_failed_self_check_marks_the_page_and_what_leaves_it(browser, page, tmp_path):
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text("utf-8"))
    spoilt = tmp_path / "spoilt.html"
    spoilt.write_text(
        re.sub(r'("reference":\{"outcomes":\[[^\]]*\],"year":2040,"values":\[\[)', r"\g<1>1", text), "utf-8"
    )
    own = browser.tab(spoilt.as_uri())
    own.wait("checked")
    assert own.run("byId('check').className") == "bad" and "не пройдена" in own.run("stamp()")
    own.close()
