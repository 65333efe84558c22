"""Parameters carry unit, range, source and grade, and agree with the models."""

from __future__ import annotations

from pathlib import Path

import pytest

from alliance_dynamics.errors import InputError, UsageError
from alliance_dynamics.parameters import read_parameters

GOOD = """
schema = 1
[growth_rate]
value = 0.02
unit = "1/Year"
source = "a paper"
grade = "B"
low = 0
high = 0.1
distribution = "normal(0.02, 0.01)"
role = "structural"
estimate = true
label_en = "Growth rate"
label_ru = "Темп роста"
["R&D staff"]
value = {"Nizhny Novgorod" = {machinery = 3, other = 4}, samara = {machinery = 5, other = 6}}
unit = "person"
source = "a table"
grade = "A"
[voice_in_policy]
value = 0.8
unit = "Dmnl"
source = "judgement"
grade = "C"
[levers.voice]
constant = "voice_in_policy"
unit = "Dmnl"
low = 0.1
high = 1
lowest = 0
label_en = "Voice"
label_ru = "Голос"
[variables.output]
label_en = "Output"
label_ru = "Выпуск"
"""


def read(folder: Path, text: str):
    path = folder / "parameters.toml"
    path.write_text(text, encoding="utf-8")
    return read_parameters(path)


def faults_of(folder: Path, text: str) -> list[tuple[int, str]]:
    with pytest.raises(InputError) as caught:
        read(folder, text)
    return [(each.place.line, " ".join(each.sentences())) for each in caught.value.faults]


def test_a_parameter_file_gives_constants_levers_and_labels(tmp_path):
    parameters = read(tmp_path, GOOD)
    growth = parameters.constants["growth_rate"]
    assert (growth.value, growth.low, growth.high, growth.unit, growth.grade) == (0.02, 0.0, 0.1, "1/Year", "B")
    assert growth.estimate
    assert growth.labels == {"en": "Growth rate", "ru": "Темп роста"}
    assert parameters.levers["voice"].lowest == 0.0
    assert parameters.variables["output"]["ru"] == "Выпуск"
    assert parameters.lever("Voice").constant == "voice_in_policy"


def test_values_by_element_get_the_flat_names_of_a_program(tmp_path):
    parameters = read(tmp_path, GOOD)
    staff = parameters.constants["r&d_staff"]
    assert staff.value is None
    assert staff.values["r&d_staff[nizhny_novgorod,other]"] == 4.0
    assert parameters.values()["growth_rate"] == 0.02
    assert parameters.constant("R&D staff[Samara, Machinery]") == "r&d_staff[samara,machinery]"


def test_an_unknown_name_is_refused_with_the_nearest(tmp_path):
    parameters = read(tmp_path, GOOD)
    with pytest.raises(UsageError, match="Did you mean `voice`"):
        parameters.lever("voise")
    with pytest.raises(UsageError, match="Did you mean `growth_rate`"):
        parameters.constant("growth_rat")
    with pytest.raises(UsageError, match="no element"):
        parameters.constant("r&d_staff[kazan]")


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('unit = "1/Year"\n', "", 3, "`growth_rate.unit` is missing."),
        ('source = "a paper"\n', "", 3, "`growth_rate.source` is missing."),
        ('grade = "B"', 'grade = "D"', 7, '`growth_rate.grade` is "D". One of A, B, C.'),
        ("value = 0.02", "value = 0.2", 4, "`growth_rate.value` is 0.2. A number from 0 to 0.1 1/Year."),
        ("value = 0.02\n", "", 3, "`growth_rate.value` is missing."),
        ("low = 0\n", "low = 1\n", 8, "`growth_rate.low` is above `high`."),
        ("machinery = 3", "machinery = true", 16, "is true. A number is expected."),
        ('constant = "voice_in_policy"', 'constant = "vois"', 26, "There is no constant `vois` in this file."),
        ("lowest = 0", "lowest = 0.5", 30, "`levers.voice.lowest` is 0.5. A number of at most 0.1."),
        ('label_ru = "Голос"\n', "", 25, "`levers.voice.label_ru` is missing."),
        ("estimate = true", "estimate = 1", 12, "`growth_rate.estimate` is neither true nor false."),
        ("estimate = true", "estimat = true", 12, "Did you mean `estimate`?"),
        ("normal(0.02, 0.01)", "normal(0.02)", 10, "`uniform` or `normal(mean, sd)`."),
        ("[variables.output]", "[growth-rate]", 33, "`growth-rate.value` is missing."),
    ],
)
def test_a_constant_without_its_papers_is_refused(tmp_path, old, new, line, said):
    found = faults_of(tmp_path, GOOD.replace(old, new, 1))
    assert any(each[0] == line and said in each[1] for each in found), found


def test_the_built_in_parameters_have_unit_source_grade_and_labels_in_both_languages():
    parameters = read_parameters()
    assert len(parameters.levers) == 16
    for constant in parameters.constants.values():
        assert constant.unit and constant.source and constant.grade and set(constant.labels) == {"en", "ru"}
    for lever in parameters.levers.values():
        assert lever.low < lever.high
        assert lever.constant == f"{lever.name}_in_policy"


def test_units_of_levers_are_those_of_their_constants():
    parameters = read_parameters()
    assert all(each.unit == parameters.constants[each.constant].unit for each in parameters.levers.values())
