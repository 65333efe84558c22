"""Public models give the results of the tools that they were written in, or are refused with a reason."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from expected import CONTROLS, key, largest_gap, read_expected
from table import PAGE, page
from verdicts import CORPORA, DIFFERENT, Verdict, verdicts

pytestmark = pytest.mark.skipif(not CORPORA.is_dir(), reason="the folder shared/corpora is absent")
LEAST_PASSING = {"mdl": 114, "xmile": 68, "stmx": 31}


@pytest.fixture(scope="module")
def found() -> list[Verdict]:
    return list(verdicts())


def test_at_least_as_many_models_pass_as_ever_did(found, capsys):
    passing = Counter(each.form for each in found if each.kind == "pass")
    with capsys.disabled():
        print(f"\n{passing.total()} of {len(found)} models pass: {dict(passing)}")
    assert all(passing[form] >= least for form, least in LEAST_PASSING.items())


def test_no_model_is_wrong_but_those_with_a_known_reason(found):
    assert {each.model: each.reason for each in found if each.kind == "different"} == DIFFERENT


def test_whatever_is_refused_has_a_reason(found):
    assert all(len(each.reason) > 20 for each in found if each.kind == "refused")


def test_the_page_says_what_the_code_does(found):
    said = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    done = [line for line in page(found).splitlines() if line.startswith("|")]
    # gaps below the tolerance may change their size from one processor to the next
    assert [_without_gap(line) for line in said] == [_without_gap(line) for line in done]


def test_a_table_with_one_wrong_number_does_not_pass():
    times = np.arange(3.0)
    right = {key("My Stock[North]"): (times, np.array([1.0, 2.0, 3.0]))}
    wrong = {"mystock[north]": (times, np.array([1.0, 2.0, 3.0001]))}
    assert largest_gap(right, right) == (0.0, "", [])
    assert largest_gap(wrong, right)[:2] == (pytest.approx(2.5e-5), "mystock[north] at 2")
    assert largest_gap({"mystock[north]": (times[:2], np.array([1.0, 2.0]))}, right)[2] == ["mystock[north] at 2"]
    assert largest_gap({}, right)[2] == ["mystock[north]"]


def test_binary_results_of_vensim_are_read_and_run_with_the_model():
    pytest.importorskip("simlin")
    paths = sorted(CORPORA.rglob("*.vdf"))
    assert paths
    for path in paths:
        series = read_expected(path)
        assert set(series) - CONTROLS
        assert all(len(times) == len(values) > 0 for times, values in series.values())


def _without_gap(line: str) -> str:
    cells = line.split(" | ")
    return " | ".join(each for each in cells if not each.startswith("below") and "e-" not in each)
