"""Public models give the results of the tools that they were written in, or are refused with a reason."""

from __future__ import annotations

import csv
from collections import Counter

import numpy as np
import pytest
from expected import CONTROLS, key, largest_gap, read_expected
from table import PAGE, page
from verdicts import CORPORA, DIFFERENT, Verdict, read_here, verdicts

from alliance_dynamics.errors import AllianceError
from alliance_dynamics.kernel.integrate import Kernel, compile_kernel
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.settings import CONTROL, schedule_of
from alliance_dynamics.simulate import program_of

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


def test_a_run_depends_on_no_other_run_and_on_no_width_thread_or_back_end():
    check_pure(names()[::29])


@pytest.mark.slow
def test_no_run_of_any_model_depends_on_another():
    check_pure(names())


def names() -> list[str]:
    with (CORPORA / "index.csv").open(encoding="utf-8", newline="") as file:
        return [row["model"] for row in csv.DictReader(file)]


def check_pure(models: list[str]) -> None:
    tried = 0
    for name in models:
        try:
            model = read_here(CORPORA / name)
            program = program_of(model)
        except AllianceError:  # held by the tests above
            continue
        check_one(name, program, model.time.method)
        tried += 1
    assert tried > 0.6 * len(models)


def check_one(name: str, program: Program, method: str) -> None:
    """Run(a), run(b), run(a): the same bits; alone, among others, in two threads; NumPy agrees with LLVM."""
    defaults = np.array(program.defaults)
    schedule, _ = schedule_of(program, defaults)
    runs = np.tile(defaults, (19, 1))
    varied = defaults != np.round(defaults)  # whole numbers may be orders, switches and times
    varied &= [each not in CONTROL.values() for each in program.parameters]
    runs[1:, varied] *= 1 + 0.01 * np.random.default_rng(1).standard_normal((18, int(varied.sum())))
    llvm, numpy = (compile_kernel(program, tuple(program.outputs), backend=each) for each in ("llvm", "numpy"))

    def values(kernel: Kernel, first: int = 0, stop: int = 19, threads: int = 1) -> np.ndarray:
        rows = runs[first:stop]
        return kernel.run(rows, schedule, method=method, seed=3, first_run=first, threads=threads).values

    together = values(llvm)
    before, others, after = values(llvm, 0, 1), values(llvm, 5, 9), values(llvm, 0, 1)
    for other, expected in (
        (before, after),
        (before, together[:1]),
        (others, together[5:9]),
        (values(llvm, threads=2), together),
        (values(numpy, 5, 9), values(numpy)[5:9]),
    ):
        np.testing.assert_array_equal(other, expected, err_msg=name)
    np.testing.assert_allclose(values(numpy), together, rtol=1e-10, atol=1e-12, err_msg=name)


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
