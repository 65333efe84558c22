"""Small files that ask for much time or memory: refused by name, or read in proportion to their length."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from vensim_texts import CONTROLS, read, refusal
from xmile_texts import aux, document

from alliance_dynamics.errors import AllianceError
from alliance_dynamics.kernel.flatten import flatten
from alliance_dynamics.model.read import MOST_HERE, read_model
from alliance_dynamics.model.vensim import read_vensim_text
from alliance_dynamics.simulate import run_model


@pytest.fixture(autouse=True)
def seconds(request: pytest.FixtureRequest) -> Iterator[None]:
    """A limit of processor time that ends what would go on for hours."""
    if not hasattr(signal, "ITIMER_VIRTUAL"):
        yield
        return

    def stop(*_: object) -> None:
        pytest.fail(f"{request.node.name} takes more than 20 s of processor time")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, 20)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


def written(folder: Path, variables: str, dimensions: str = "") -> Path:
    path = folder / "m.xmile"
    path.write_text(document(variables, dimensions=dimensions), encoding="utf-8")
    return path


def refused(path: Path) -> str:
    with pytest.raises(AllianceError) as caught:
        flatten(read_model(path, cache=False))
    return str(caught.value)


def numbered(name: str, size: int | str) -> str:
    return f'<dim name="{name}" size="{size}"/>'


@pytest.mark.parametrize(("size", "depth"), [(300, 3), (100, 6), (2, 60)])
def test_computed_subscripts_inside_each_other_have_a_limit(tmp_path, monkeypatch, size, depth):
    monkeypatch.setattr("alliance_dynamics.model.xmile_subscripts.MOST_PARTS", 30_000)  # 3,000,000 take seconds
    nested = "v[" * depth + "i" + "]" * depth
    text = aux("v", "d", "d") + aux("i", "TIME") + aux("x", nested)
    assert "more than 30000 comparisons, as far as 'v'" in refused(written(tmp_path, text, numbered("d", size)))


def test_dimensions_have_a_limit_in_all(tmp_path):
    dimensions = "".join(numbered(f"d{i}", 100_000) for i in range(5))
    said = refused(written(tmp_path, aux("x", "1"), dimensions))
    assert "more than 200000 elements in all, as far as `d2`" in said


@pytest.mark.parametrize("size", ["9" * 5000, "²", "0", "-1", "1e3", "100001"])
def test_a_size_that_is_no_number_of_elements_is_refused(tmp_path, size):
    assert "Expected a whole number from 1 to 100000" in refused(written(tmp_path, aux("x", "1"), numbered("d", size)))


@pytest.mark.parametrize("position", ["9" * 5000, "²", "0"])
def test_a_position_that_no_element_has_is_refused(tmp_path, position):
    text = aux("v", "d", "d") + aux("x", f"v[@{position}]", "d")
    assert "m.xmile:" in refused(written(tmp_path, text, numbered("d", 3)))
    element = f'<aux name="x"><dimensions><dim name="d"/></dimensions><element subscript="{position}"><eqn>1</eqn>'
    assert "m.xmile:" in refused(written(tmp_path, element + "</element></aux>", numbered("d", 3)))


@pytest.mark.parametrize("code", ["²", "9" * 5000, "-1", "", "7"])
def test_a_method_that_no_number_names_is_refused(code):
    sketch = f"\\\\\\---/// Sketch\n///---\\\\\\\n15:0,0,0,{code},0,0\n"
    with pytest.raises(AllianceError, match="no integration method that is known"):
        read_vensim_text("x = 1 ~~|" + CONTROLS + sketch, "m.mdl")


def test_arrays_that_are_written_out_have_a_limit_in_all(tmp_path, monkeypatch):
    monkeypatch.setattr("alliance_dynamics.model.xmile_assembly.MOST_PARTS", 3_000)
    text = "".join(aux(f"x{i}", f"IF d > 1 THEN x{max(i - 1, 0)}[d - 1] ELSE TIME", "d") for i in range(50))
    said = refused(written(tmp_path, text, numbered("d", 40)))
    assert "more than 3000 parts when their arrays are written out, as far as here" in said


@pytest.mark.parametrize("value", ["DELAY N(Time, 900, 0, 90)", "RANDOM POISSON(0, 9, 4, 0, 1, D)"])
def test_memory_and_noise_of_many_elements_have_a_limit(monkeypatch, value):
    model = read(f"D: (A1-A200) ~~|\nx[D] = {value} ~~|")
    monkeypatch.setattr("alliance_dynamics.kernel.equations.MOST_NODES", 100_000)
    with pytest.raises(AllianceError, match="more than 100000 parts"):
        flatten(model)


def test_near_names_are_offered_for_the_first_faults_only(tmp_path):
    said = refused(written(tmp_path, "".join(aux(f"rate {i}", f"rats_{i}") for i in range(1500)))).splitlines()
    assert len(said) == 1500
    assert 50 < sum("Did you mean" in each for each in said) <= 100
    lines = refusal("".join(f"rate {i} = rats {i} ~~|\n" for i in range(300))).splitlines()
    assert len(lines) == 300
    assert 50 < sum("Did you mean" in each for each in lines) <= 100


def test_a_sum_that_is_the_same_for_every_element_is_made_once(tmp_path):
    text = aux("v", "(TIME+1)*d", "d") + aux("share", "v / SUM(v)", "d") + aux("of two", "v + SUM(v[*]*v[*])", "d")
    model = read_model(written(tmp_path, text, numbered("d", 1_000)), cache=False)
    assert len(flatten(model).step) < 10_000
    run = run_model(model, stop=2, backend="numpy")
    last = dict(zip(run.columns, run.values[-1], strict=True))
    assert last["share[1000]"] == pytest.approx(2 / 1001, rel=1e-12)
    assert last["of two[1]"] == pytest.approx(3 + 9 * 1000 * 1001 * 2001 / 6, rel=1e-12)


def test_a_sum_over_draws_or_over_the_elements_own_row_is_made_for_each_element():
    model = read(
        "D: (A1-A40) ~~|\nE: (B1-B40) ~~|\nv[D,E] = D*100 + E ~~|\n"
        "row[D] = SUM(v[D,E!]) ~~|\nnoise[D] = SUM(v[A1,E!] * RANDOM UNIFORM(0, 1, 1)) ~~|\n"
        "place[D] = SUM(v[A1,E!]*D) ~~|"
    )
    run = run_model(model, stop=1, backend="numpy")
    last = dict(zip(run.columns, run.values[-1], strict=True))
    assert [last[f"row[A{i}]"] for i in (1, 40)] == [4000 + 820, 160_000 + 820]
    assert [last[f"place[A{i}]"] for i in (1, 40)] == [4820, 40 * 4820]
    assert len({last[f"noise[A{i}]"] for i in range(1, 41)}) == 40


def test_initial_values_along_a_chain_are_ordered_in_one_pass(tmp_path):
    links = "".join(aux(f"a{i}", f"a{i - 1} + 1") + aux(f"b{i}", f"INIT(a{i})") for i in range(1, 1500))
    run = run_model(read_model(written(tmp_path, aux("a0", "TIME") + links), cache=False), stop=1, backend="numpy")
    last = dict(zip(run.columns, run.values[-1], strict=True))
    assert (last["a1499"], last["b1499"], last["b1"]) == (1500, 1499, 1)


def test_functions_inside_each_other_are_read_as_deep_as_parentheses_may_be(tmp_path):
    deep = run_model(read("x = " + "MAX(1, " * 490 + "Time" + ")" * 490 + " ~~|"), backend="numpy")
    np.testing.assert_array_equal(deep.values[:, deep.columns.index("x")], np.maximum(deep.times, 1))
    many = aux("x", "MAX(" + ", ".join(str(i % 7) for i in range(2_000)) + ", TIME)")
    run = run_model(read_model(written(tmp_path, many), cache=False), backend="numpy")
    np.testing.assert_array_equal(run.values[:, run.columns.index("x")], np.maximum(run.times, 6))


def test_a_large_document_is_read_in_a_process_of_its_own_with_the_same_result(tmp_path, monkeypatch):
    small = aux("x", "TIME * 2") + '<stock name="s"><eqn>5</eqn><outflow>f</outflow><non_negative/></stock>'
    small += '<flow name="f"><eqn>2</eqn></flow>'
    path = written(tmp_path, small + f'<aux name="y"><eqn>x</eqn><doc>{"a" * MOST_HERE}</doc></aux>')
    apart = read_model(path, cache=False)
    monkeypatch.setattr("alliance_dynamics.model.read.MOST_HERE", 10**9)
    assert read_model(path, cache=False) == apart
