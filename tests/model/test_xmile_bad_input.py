"""Files with one thing wrong in each: a clear error or the stated result, never a silent wrong number."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from alliance_dynamics.errors import AllianceError
from alliance_dynamics.model.read import read_model
from alliance_dynamics.model.xmile import read_xmile
from alliance_dynamics.simulate import run_model

FOLDER = Path(__file__).parents[2].parent / "shared" / "bad_input" / "models"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="the folder of bad input is not beside the repository")

REFUSED = {
    "A01_empty": "the file is empty",
    "A02_not_xml": "not XML",
    "A04_mismatched_tag": "line 5, column 75",
    "A05_html": "root element is <html>",
    "A08_no_model": "no <model> element",
    "A10_no_variables": "no variables",
    "A11_billion_laughs": "DOCTYPE",
    "A13_xxe_file": "DOCTYPE",
    "A14_xxe_eqn": "DOCTYPE",
    "A17_deep_nesting": "nested too deeply",
    "A20_cp1251_undeclared": "bad utf-8 at byte 329",
    "B01_missing_eqn": "'k' has no equation",
    "B02_empty_eqn": "'k' has no equation",
    "B04_undefined_flow": "`nope` of 'S' is not defined",
    "B05_undefined_name": "`kk` is not defined, in the equation of 'f' at character 3",
    "B07_garbage_tokens": "in the equation of 'f' at character",
    "B08_unknown_function": "FROBNICATE is not known, in the equation of 'f'",
    "B10_circular_aux": "a (line 5) -> b (line 5) -> a (line 5)",
    "B11_self_ref": "a (line 5) -> a (line 5)",
    "B13_dup_exact": "duplicate: 'k'",
    "B14_dup_case": "duplicate: 'k' and 'K'",
    "B16_dup_nbsp": "duplicate: 'my rate'",
    "B19_name_reserved": "`time` is the name of a time",
    "B20_name_empty": "nameless variable",
    "B23_dim_undefined": "`nodim`",
    "B25_index_oob": "`z` is no element of `D`",
    "B26_dim_mismatch": "dimension mismatch",
    "C01_dt_zero": "dt must be > 0",
    "C02_dt_negative": "dt must be > 0",
    "C04_dt_text": "`one`, which is not a number",
    "C07_stop_before_start": "before it starts",
    "C10_dt_tiny_reciprocal": "dt must be > 0, the file says 1/0",
    "C11_comma_decimal": "Write a decimal point",
    "C14_method_unknown": "`Heun9` is not known",
    "C16_div_zero": "`f` became",
    "C17_nan_log": "takes the logarithm of -1",
    "C23_gf_len": "'a' has 3 xpts and 2 ypts",
    "C25_gf_one_point": "'a' has 1 points",
    "C26_gf_xscale_rev": "from 10.0 to 0.0",
    "C28_delay_zero": "became",
    "C29_number_1e400": "1e400 is too large",
    "C31_deep_parens": "nested more than 150 levels",
    "D25_xmile_is_mdl": "not XML",
    "E08_eqn_noeq_name": "has no equation",
}
# The common door tells the format by the content and would take these for Vensim texts.
NO_XML = {"A01_empty", "A02_not_xml", "D25_xmile_is_mdl"}
RESULTS = {
    "A07_prefixed_ns": ("S", 100 * 0.8**10),
    "A16_xinclude": ("a", 1.0),
    "A19_cp1251": (None, 1.0),
    "B17_homoglyph": ("z", 7.0),
    "B22_flow_as_stock": ("S", 51.0),
    "C05_dt_not_dividing": ("k", 5.0),
    "C08_stop_eq_start": ("S", 100.0),
    "C13_saveper_odd": ("S", 100 * 0.8**10),
    "C19_negative_stock": ("S", -20.0),
    "C20_nonneg_stock": ("S", 0.0),
    "C22_gf_dup_x": ("a", 3.0),
    "C32_long_chain": ("a2999", 3000.0),
    "E03_units_quote": ("a", 1.0),
    "E05_dim_quote": (None, 1.0),
    "E06_elem_quote": (None, 1.0),
    "E15_dim_slice": (None, 1.0),
    "E18_doc_quote_end": ("a", 1.0),
}
NOTICED = {
    "B17_homoglyph": "рop",
    "B22_flow_as_stock": "not as <flow>",
    "C05_dt_not_dividing": "",
    "C13_saveper_odd": "shorter than dt",
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_bad_file_is_refused_with_what_is_wrong(name):
    began = time.perf_counter()
    door = read_xmile if name in NO_XML else read_model
    with pytest.raises(AllianceError) as caught:
        run_model(door(FOLDER / f"{name}.xmile"), backend="numpy")
    assert REFUSED[name] in str(caught.value)
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize("name", sorted(RESULTS))
def test_an_odd_but_valid_file_gives_its_stated_result(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = run_model(read_model(FOLDER / f"{name}.xmile"), backend="numpy")
    label, expected = RESULTS[name]
    column = run.columns.index(label) if label else len(run.columns) - 1
    assert run.values[-1, column] == pytest.approx(expected, rel=1e-12)
    if name in NOTICED:
        assert any(NOTICED[name] in notice for notice in run.notices)
    assert not list(tmp_path.glob("code-was-run*")) and not list(FOLDER.glob("code-was-run*"))


def test_every_xmile_file_of_the_folder_is_looked_at():
    assert {path.stem for path in FOLDER.glob("*.xmile")} == set(REFUSED) | set(RESULTS)


def test_an_outflow_of_an_empty_stock_is_what_there_is():
    run = run_model(read_model(FOLDER / "C20_nonneg_stock.xmile"), backend="numpy")
    series = {label: run.values[:, i] for i, label in enumerate(run.columns)}
    assert series["f"].tolist() == [3, 3, 3, 1, 0, 0, 0, 0, 0, 0, 0]
    assert (10 - series["f"].cumsum()[:-1] == series["S"][1:]).all()


def test_documentation_is_kept_as_it_stands():
    assert read_model(FOLDER / "E18_doc_quote_end.xmile").variables["a"].documentation == 'He said """hi""" to us'
