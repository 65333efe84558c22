"""The reference of a model: every variable on the page, every number with a source, in two languages."""

from __future__ import annotations

import re

import pytest

from alliance_dynamics.cli import main
from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.model.names import canonical
from alliance_dynamics.model.read import read_model
from alliance_dynamics.parameters import NO_PARAMETERS, read_parameters
from alliance_dynamics.reference import cards_of, numbers_without_source, write_reference
from alliance_dynamics.reference.equation import anchor, equation

TEXT = """{UTF-8}
hares = INTEG(births - eaten, start) ~ hare ~ Animals <b>of</b> the wood.|
births = rate * hares ~ hare/Year ~|
eaten = 0.1 * hares / (1 + hares) - (2 - (3 - rate)) ~ hare/Year ~|
rate = 0.4 ~ 1/Year ~|
start = 100 ~ hare ~|
effect((0,0),(1,2)) ~~|
INITIAL TIME = 0 ~~|
FINAL TIME = 5 ~~|
TIME STEP = 0.125 ~~|
SAVEPER = 0.125 ~~|
"""
CARD = '[{name}]\nvalue = {value}\nunit = "hare"\nsource = "A count"\ngrade = "A"\n'


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "model.mdl"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_every_number_of_our_models_has_a_source_and_a_name_in_russian():
    model, parameters = open_model("alliance"), read_parameters()
    assert numbers_without_source(cards_of(model, parameters)) == []
    named = {*parameters.variables, *(name for name, each in parameters.constants.items() if each.labels.get("ru"))}
    assert set(model.variables) - named == set()


def test_a_card_knows_what_uses_it(path):
    cards = cards_of(read_model(path), NO_PARAMETERS)
    assert cards["hares"].uses == ("births", "eaten", "start")
    assert set(cards["rate"].used_by) == {"births", "eaten"}
    assert cards["rate"].values == {"rate": 0.4}


def test_an_equation_reads_back_as_it_was(path):
    model = read_model(path)
    variable = model.variables["eaten"]
    text = re.sub(r"<[^>]*>", "", equation(model, variable, variable.definitions[0], {}))
    assert text == "eaten = 0.1 * hares / (1 + hares) - (2 - (3 - rate))".replace("*", "·").replace("-", "−")


def test_anchors_of_different_names_differ():
    names = ["a b", "a-b", "a&b", "а б", "R&D", "r d"]
    assert len({anchor(canonical(name)) for name in names}) == len(names)


def test_pages_are_whole_linked_and_need_no_network(path, tmp_path):
    model = read_model(path)
    english, russian = (
        each.read_text(encoding="utf-8")
        for each in write_reference(tmp_path / "out", model, NO_PARAMETERS)
        if each.suffix == ".html"
    )
    for page in (english, russian):
        ids = re.findall(r'\sid="([^"]+)"', page)
        assert len(ids) == len(set(ids))
        assert set(re.findall(r'<a href="#([^"]+)"', page)) <= set(ids)
        assert all(f'id="{anchor(name)}"' in page for name in model.variables)
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', page)
        assert "&lt;b&gt;of&lt;/b&gt;" in page
    assert "unknown" in english and "неизвестен" in russian
    assert 'lang="ru"' in russian


def test_numbers_without_a_source_fail_the_command(path, tmp_path, capsys):
    cards = "schema = 1\n" + CARD.format(name="rate", value=0.4)
    (tmp_path / "parameters.toml").write_text(cards, encoding="utf-8")
    assert main(["doc", str(path), "--out", str(tmp_path / "out")]) == 1
    told = capsys.readouterr().out
    assert "`start`" in told and "`effect`" in told and "`rate`" not in told
    assert not (tmp_path / "out").exists()


def test_a_foreign_model_is_documented_and_what_is_unknown_is_said(path, tmp_path, capsys):
    assert main(["doc", str(path), "--out", str(tmp_path / "out")]) == 0
    assert "3 numbers are shown without a source" in capsys.readouterr().err


def test_the_reference_is_a_pdf_too_with_the_same_bytes_each_time(path, tmp_path):
    model = read_model(path)
    written = [write_reference(tmp_path / name, model, NO_PARAMETERS) for name in ("one", "two")]
    papers = [[each.read_bytes() for each in files if each.suffix == ".pdf"] for files in written]
    assert len(papers[0]) == 2 and papers[0] == papers[1]
    assert all(each.startswith(b"%PDF-") and b"pdfuaid" in each for each in papers[0])
