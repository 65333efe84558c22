"""No text of a model is ever executed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vensim_texts import read, refusal

from alliance_dynamics.model.literal import UnsafeText, read_literal
from alliance_dynamics.model.names import canonical

MARKER = "__import__('pathlib').Path('code-was-run').touch()"


@pytest.mark.parametrize(
    ("text", "value"),
    [("41+1", 42), (" -2.5e3", -2500.0), ("(0,0),(1,-2)", ((0, 0), (1, -2))), ("'a b'", "a b"), ("[1, +2]", [1, 2])],
)
def test_literals_are_read(text, value):
    assert read_literal(text) == value


@pytest.mark.parametrize(
    "text",
    [
        MARKER,
        "1*2",
        "2**9999999",
        "a",
        "lambda: 1",
        "[x for x in (1,)]",
        "{1}",
        "f'{1}'",
        "True",
        "None",
        "b'a'",
        "1j",
        "",
        "(",
        "x.y",
        "'a'+'b'",
    ],
)
def test_anything_else_is_refused(text):
    with pytest.raises(UnsafeText):
        read_literal(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_comes_back(value):
    assert read_literal(repr(value)) == value


@pytest.mark.parametrize(
    "equation",
    [
        f"t([(0,{MARKER})-(10,10)],(0,0),(1,1)) ~~|",
        f"t((0,0),(1,{MARKER})) ~~|",
        f"x = WITH LOOKUP(Time, ([(0,{MARKER})-(10,10)],(0,0),(1,1))) ~~|",
        f"x = {MARKER} ~~|",
        f"x = MAX({MARKER}, 1) ~~|",
        f"x = GET DIRECT CONSTANTS({MARKER}, ',', 'A1') ~~|",
        f"D: GET DIRECT SUBSCRIPT({MARKER}, ',', 'A1', 'A2', '') ~~|",
        f"x = 1, 2, {MARKER} ~~|",
    ],
)
def test_code_in_an_equation_is_refused_and_not_run(equation, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "model.mdl:1" in refusal(equation, tmp_path)
    assert not list(tmp_path.iterdir())


def test_code_in_names_units_and_comments_is_only_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = read(f'"{MARKER}" = 1 ~ {MARKER} ~ """ {MARKER} """ |\n"</script>\'" = 2 ~~|')
    assert model.variables[canonical(MARKER)].unit == MARKER
    assert not list(tmp_path.iterdir())


def test_pysd_evaluates_by_our_reader_only():
    read("x = 1 ~~|")
    from pysd.translators.vensim import vensim_element
    from pysd.translators.xmile import xmile_element

    assert vensim_element.eval is read_literal
    assert xmile_element.eval is read_literal
