"""Scenarios are named changes with a reason; a wrong one is refused with file, line and remedy."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alliance_dynamics.errors import InputError, UsageError
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.scenario_text import scenario_text
from alliance_dynamics.scenarios import Scenario, find_regime, read_regimes, read_scenario

BROKEN = sorted((Path(__file__).parent / "broken").glob("*.toml"))
PARAMETERS = read_parameters()
HEAD = 'schema = 1\n[scenario]\nid = "x"\ntitle.en = "X"\ntitle.ru = "Икс"\n'


def write(folder: Path, text: str, name: str = "x.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_file_yields_all_its_faults_with_line_and_remedy(path):
    """A line `#! 7: text` of the file is a fault that it must give; there must be no other."""
    wanted = re.findall(r"^#! (\d+): (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    with pytest.raises(InputError) as caught:
        read_scenario(path, PARAMETERS)
    found = [(str(each.place.line), " ".join(each.sentences())) for each in caught.value.faults]
    assert wanted
    assert found == wanted
    assert all(each.place.file.startswith(str(path.parent)) for each in caught.value.faults)
    assert caught.value.exit_code == 3


def test_the_five_regimes_come_in_order_with_titles_stories_and_reasons_in_both_languages():
    regimes = read_regimes()
    assert [each.id for each in regimes] == ["R0", "R1", "R2", "R3", "R4"]
    for regime in regimes:
        assert set(regime.titles) == set(regime.stories) == {"en", "ru"}
        assert regime.because
        assert set(regime.levers) == set(PARAMETERS.levers)


def test_a_regime_sets_the_constants_in_policy_and_the_policy_year():
    values = find_regime("r3", read_regimes()).values(PARAMETERS)
    assert values["selection_power_in_policy"] == 0.45
    assert values["target_coordinating_staff_in_policy"] == 45.0
    assert values["policy_year"] == 2026.0
    assert len(values) == 17


def test_a_variant_takes_from_its_parent_what_it_does_not_say_itself():
    folder = Path(read_regimes()[0].path).parent / "variants"
    variant = read_scenario(folder / "r3_no_powers.toml")
    parent = find_regime("R3", read_regimes())
    assert variant.parent == "R3"
    assert variant.start_policy == parent.start_policy
    changed = {name for name in parent.levers if parent.levers[name] != variant.levers[name]}
    assert changed == {"selection_power", "agenda_power", "information_power", "arbitration_power"}
    assert variant.titles != parent.titles


def test_a_parent_has_no_parent_itself(tmp_path):
    write(tmp_path, 'extends = "r3_alliance"\n[scenario]\nname = "child"\n', "child.toml")
    path = write(tmp_path, 'extends = "child"\n[scenario]\nname = "grandchild"\n')
    with pytest.raises(InputError, match=r"child\.toml:1  The parent itself extends `r3_alliance`"):
        read_scenario(path, PARAMETERS)


def test_an_unknown_regime_is_refused_with_the_known_ones():
    with pytest.raises(UsageError, match="One of R0, R1, R2, R3, R4"):
        find_regime("R5", read_regimes())


changes = st.dictionaries(st.sampled_from(sorted(PARAMETERS.levers)), st.floats(0, 1), max_size=3)
made = st.builds(
    Scenario, id=st.sampled_from("abc"), levers=changes, start_policy=st.none() | st.sampled_from([2020.0, 2030.0])
)


@given(made, made, made)
def test_merging_is_associative_and_later_wins(a, b, c):
    left, right = (a | b) | c, a | (b | c)
    assert left.levers == right.levers == {**a.levers, **b.levers, **c.levers}
    assert left.start_policy == right.start_policy
    assert left.id == c.id


@pytest.mark.parametrize("regime", read_regimes(), ids=lambda each: each.id)
def test_a_scenario_written_as_toml_reads_back_the_same(tmp_path, regime):
    again = read_scenario(write(tmp_path, scenario_text(regime), "any.toml"), PARAMETERS)
    assert again.hash == regime.hash
    assert again == replace(regime, path=again.path)


def test_every_section_survives_the_way_through_a_file(tmp_path):
    text = HEAD + (
        "[time]\nstart_policy = 2027.5\n[run]\nstart = 2001\nstop = 2040\ndt = 0.25\nsaveper = 1\nmethod = 'euler'\n"
        "[levers]\nvoice_of_regions = 0\n[assumptions]\ncomplementarity = {Petrochemicals = 0.5}\n"
        '[parameters]\n"my constant" = {"Element One" = {b = 2}}\n[output]\npath = "out/a.csv"\n'
    )
    scenario = read_scenario(write(tmp_path, text), PARAMETERS)
    assert scenario.assumptions == {"complementarity[petrochemicals]": 0.5}
    assert scenario.constants == {"my_constant[element_one,b]": 2.0}
    assert scenario.settings == {"start": 2001.0, "stop": 2040.0, "dt": 0.25, "saveper": 1.0, "method": "euler"}
    assert scenario.stop == 2040.0
    assert read_scenario(write(tmp_path, scenario_text(scenario), "y.toml"), PARAMETERS).hash == scenario.hash


def test_the_hash_is_of_what_is_said_and_not_of_where(tmp_path):
    first = read_scenario(write(tmp_path, HEAD + "[levers]\nvoice_of_regions = 0.5\n"), PARAMETERS)
    moved = read_scenario(write(tmp_path, "# moved\n" + HEAD + "[levers]\nvoice_of_regions = 0.50\n", "y.toml"))
    other = read_scenario(write(tmp_path, HEAD + "[levers]\nvoice_of_regions = 0.51\n", "z.toml"))
    assert first.hash == moved.hash != other.hash


def test_two_regimes_of_one_id_and_an_empty_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match="holds no regime"):
        read_regimes(tmp_path, PARAMETERS)
    with pytest.raises(InputError, match="no such folder"):
        read_regimes(tmp_path / "absent", PARAMETERS)
    write(tmp_path, HEAD, "a.toml")
    write(tmp_path, HEAD, "b.toml")
    with pytest.raises(InputError, match=r"b\.toml:3  The id `x` is also that of .*a\.toml"):
        read_regimes(tmp_path, PARAMETERS)


def test_faults_of_all_regimes_come_together(tmp_path):
    write(tmp_path, HEAD + "[levers]\nvoice = 0\n", "a.toml")
    write(tmp_path, "schema = 2\n" + HEAD.partition("\n")[2], "b.toml")
    with pytest.raises(InputError) as caught:
        read_regimes(tmp_path, PARAMETERS)
    assert [Path(each.place.file).name for each in caught.value.faults] == ["a.toml", "b.toml"]


@pytest.mark.parametrize("year", [2013, 2026.125, 2049.875])
def test_a_policy_year_on_the_grid_of_time_steps_is_taken(tmp_path, year):
    text = HEAD + f"[time]\nstart_policy = {year}\n"
    assert read_scenario(write(tmp_path, text), PARAMETERS).start_policy == year


@pytest.mark.parametrize(
    "path", ["/etc/x.csv", "../x.csv", "a/../../x.csv", "C:\\\\x.csv", "\\\\\\\\host\\\\x.csv", "a\\\\..\\\\x.csv"]
)
def test_an_output_outside_the_folder_is_refused(tmp_path, path):
    with pytest.raises(InputError, match="leads out of the folder"):
        read_scenario(write(tmp_path, HEAD + f'[output]\npath = "{path}"\n'), PARAMETERS)
