"""Single precision: functions good to a unit in the last place, the same bits for every width, refusals by name."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from graphs import Build, epidemic, oscillator
from test_backends import edges, rows, with_width
from test_mathematics import ACCURACY, SPECIAL, SPECIAL_PAIRS, apply

from alliance_dynamics.errors import UsageError
from alliance_dynamics.kernel import jit
from alliance_dynamics.kernel.formats import SINGLE
from alliance_dynamics.kernel.integrate import METHODS, Schedule, Task, compile_kernel
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.model.expression import Table
from alliance_dynamics.sensitivity.design import sobol_design
from alliance_dynamics.sensitivity.factors import Factor
from alliance_dynamics.sensitivity.sobol import sobol_indices

pytestmark = pytest.mark.skipif(bool(jit.obstacle()), reason=jit.obstacle() or "LLVM runs")
sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks import w1  # noqa: E402

UNITS = {"tan": 4.0, "asin": 4.0, "acos": 6.0, "sinh": 4.0, "cosh": 4.0, "tanh": 4.0, "atan": 2.0}
NUMPY = {"asin": np.arcsin, "acos": np.arccos, "atan": np.arctan}


def singles(values: object) -> np.ndarray:
    with np.errstate(over="ignore"):
        return np.asarray(values, dtype=np.float32).astype(float)


@pytest.mark.parametrize(("kind", "x"), [(case[0], case[2]) for case in ACCURACY])
def test_functions_are_good_to_a_few_units_in_the_last_place(kind, x):
    x = singles(x)
    with np.errstate(all="ignore"):
        exact = NUMPY.get(kind, getattr(np, kind, None))(x)
        spacing = np.maximum(np.spacing(np.abs(exact).astype(np.float32)), np.float32(1e-45)).astype(float)
    found = apply(kind, x, precision="single")
    kept = np.isfinite(singles(exact))
    error = np.abs(found[kept] - exact[kept]) / spacing[kept]
    print(f"{kind}: {error.max():.2f} ulp")
    assert error.max() <= UNITS.get(kind, 1.5)
    np.testing.assert_array_equal(found[~kept], singles(exact)[~kept])


def test_powers_are_good_to_a_few_units_for_each_unit_of_the_exponent():
    rng = np.random.default_rng(1)
    x, y = singles(np.exp(rng.uniform(-8, 8, 3000))), singles(rng.uniform(-8, 8, 3000))
    exact = x**y
    kept = (exact > 1e-37) & (exact < 1e38)
    error = np.abs(apply("pow", x, y, precision="single") / exact - 1)[kept] * 2**24
    assert (error / np.maximum(np.abs(y * np.log(x)), 1)[kept]).max() <= 3.0


@pytest.mark.parametrize(("kind", "x", "expected"), SPECIAL, ids=[case[0] for case in SPECIAL])
def test_special_values_are_those_of_double_precision(kind, x, expected):
    kept = [i for i, each in enumerate(x) if each == 0 or not abs(each) < 1e-38]  # smaller ones are 0
    found = apply(kind, np.array(x)[kept], precision="single")
    np.testing.assert_allclose(found, np.array(expected)[kept], rtol=3e-7, atol=1e-7)


@pytest.mark.parametrize("kind", sorted({case[0] for case in SPECIAL_PAIRS}))
def test_special_pairs_are_those_of_double_precision(kind):
    cases = [case[1:] for case in SPECIAL_PAIRS if case[0] == kind and case[1:3] not in ((1, 0.1), (0.1, 1))]
    x, y, expected = np.array(cases, dtype=float).T
    np.testing.assert_allclose(apply(kind, x, y, precision="single"), expected, rtol=1e-6)


@pytest.mark.parametrize("make", [epidemic, oscillator, edges])
def test_runs_agree_with_double_precision_and_have_the_same_bits_for_every_width(make):
    program, schedule = make(), Schedule(0.0, 0.125, 80, 8)
    outputs, p = list(program.outputs), rows(program, 70)
    kernel = compile_kernel(program, outputs, precision="single")
    found = kernel.run(p, schedule).values
    np.testing.assert_array_equal(found, singles(found))
    for part in (slice(3, 4), slice(5, 23)):
        np.testing.assert_array_equal(kernel.run(p[part], schedule, threads=2).values, found[part])
    for width in (2, 4, 8, 16, 32):
        if width <= 4 * jit.machine_width():
            task = Task(p, schedule, METHODS["rk4"], 0, 0, 1)
            np.testing.assert_array_equal(with_width(program, outputs, width, task, SINGLE).values, found)
    if make is not edges:
        exact = compile_kernel(program, outputs).run(p, schedule).values
        assert np.abs(found - exact).max() <= 2e-5 * np.abs(exact).max()


def test_time_stays_exact():
    b = Build(k=1.0)
    b.state("x", 0.0)
    late = b.g("sub", b.g.op("time"), 2000.0)
    b.rate("x", b.g("mul", b.g.p("k"), late))
    values = (
        compile_kernel(b.program(late=late), ["x", "late"], precision="single")
        .run(np.array([[1.0]]), Schedule(2000.0, 0.01, 100, 10))
        .values[0]
    )
    # 2000.01 itself would be rounded to 6e-5
    np.testing.assert_allclose(values[:, 1], np.arange(11) * 0.1, rtol=2e-7)
    np.testing.assert_allclose(values[:, 0], (np.arange(11) * 0.1) ** 2 / 2, rtol=1e-5, atol=1e-7)


def test_the_indices_of_w1_move_by_less_than_their_intervals():
    program = w1.program()
    factors = [Factor(name, name, *ends) for name, ends in w1.RANGES.items()]
    design = sobol_design(factors, points=256, replicates=1, seed=1)
    rows = np.tile(np.array(program.defaults), (design.row_count, 1))
    rows[:, [program.parameter_index[name] for name in w1.RANGES]] = design.rows(0, design.row_count)
    found = []
    for precision in ("double", "single"):
        kernel = compile_kernel(program, w1.OUTPUTS, precision=precision)
        values = kernel.run(rows, w1.schedule(4)).values[:, 10::10]
        found.append(sobol_indices(design, values, axes={"year": list(range(5)), "series": list(w1.OUTPUTS)}))
    for name in ("S1", "ST"):
        gap = np.abs(getattr(found[0], name).value - getattr(found[1], name).value).max()
        print(f"{name}: {gap:.1e}")
        assert gap <= 4e-4


def unusual(kind: str) -> Program:
    b = Build(k=1.0)
    x = b.state("x", 1.0)
    b.rate("x", b.g.p("k"))
    if kind == "ring":
        return b.program(y=b.ring("delayed x", 0.0, 2.0, x))
    if kind == "random":
        return b.program(noisy=b.g("mul", x, b.g.op("random", value=0)))
    table = Table((0.0, 1.0, 2.0), (1.0, 2.0, 3.0), "raw")
    return b.program(point=b.g.op("lookup", x, value=table))


@pytest.mark.parametrize(
    ("kind", "text"),
    [("ring", "`delayed x`, a fixed delay"), ("random", "`noisy` is drawn"), ("points", "`point` looks up")],
)
def test_what_it_cannot_do_is_refused_by_name(kind, text):
    program = unusual(kind)
    with pytest.raises(UsageError, match=text):
        compile_kernel(program, list(program.outputs), precision="single")
    compile_kernel(program, list(program.outputs))


def test_derivatives_other_back_ends_and_unknown_precisions_are_refused():
    program = epidemic()
    with pytest.raises(UsageError, match="derivatives in single"):
        compile_kernel(program, ["s"], precision="single").jacobian(
            np.array([program.defaults]), Schedule(0.0, 1.0, 2), ["beta"]
        )
    with pytest.raises(UsageError, match="NumPy back-end has no single"):
        compile_kernel(program, ["s"], precision="single", backend="numpy")
    with pytest.raises(UsageError, match="`half` is not a precision"):
        compile_kernel(program, ["s"], precision="half")
