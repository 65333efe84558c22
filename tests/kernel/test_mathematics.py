"""Elementary functions of the compiled kernels: special values, accuracy against 40 digits, stored coefficients."""

from __future__ import annotations

import importlib.util
from math import inf, nan, pi
from pathlib import Path

import mpmath
import numpy as np
import pytest

from alliance_dynamics.kernel import jit
from alliance_dynamics.kernel.formats import DOUBLE, SINGLE
from alliance_dynamics.kernel.integrate import Schedule, compile_kernel
from alliance_dynamics.kernel.program import GraphBuilder, Program

BACKENDS = ["numpy", pytest.param("llvm", marks=pytest.mark.skipif(bool(jit.obstacle()), reason=jit.obstacle()))]
needs_llvm = pytest.mark.skipif(bool(jit.obstacle()), reason=jit.obstacle() or "LLVM runs")
TINY = 5e-324


def apply(
    kind: str, *columns: np.ndarray | list[float], backend: str = "llvm", precision: str = "double"
) -> np.ndarray:
    """An operation on columns of arguments; reached through a state, as only finite parameters may enter."""
    builder = GraphBuilder()
    arguments = [
        _special(builder, builder.op("param", value=2 * i), builder.op("param", value=2 * i + 1))
        for i in range(len(columns))
    ]
    y = builder.op(kind, *arguments)
    names = tuple(f"p{i}" for i in range(2 * len(columns)))
    program = Program((), tuple(builder.ops), names, (0.0,) * len(names), (), (), (), {"y": y})
    rows = []
    for column in columns:
        values = np.asarray(column, dtype=float)
        finite = np.isfinite(values)
        code = np.where(np.isnan(values), 3.0, np.where(values == inf, 1.0, np.where(values == -inf, 2.0, 0.0)))
        rows += [np.where(finite, values, 0.0), code]
    kernel = compile_kernel(program, ["y"], backend=backend, precision=precision)
    return kernel.run(np.stack(rows, axis=1), Schedule(0.0, 1.0, 0)).values[:, 0, 0]


def _special(builder: GraphBuilder, value: int, code: int) -> int:
    """`value`, or by `code` the infinities (1, 2) and not-a-number (3), none of them a constant for the optimiser."""
    zero = builder.op("sub", code, code)
    endless = builder.op("div", builder.const(1.0), zero)
    for number, special in ((1.0, endless), (2.0, builder.op("neg", endless)), (3.0, builder.op("div", zero, zero))):
        value = builder.op("select", builder.op("eq", code, builder.const(number)), special, value)
    return value


SPECIAL = [
    ("exp", [-inf, -745.2, -746, -1e300, 0, -0.0, 709.79, 1e300, inf, nan], [0, 0, 0, 0, 1, 1, inf, inf, inf, nan]),
    ("log", [0, -0.0, -1, -inf, -TINY, inf, nan, 1], [-inf, -inf, nan, nan, nan, inf, nan, 0]),
    ("sqrt", [0, -1, inf, nan, 4], [0, nan, inf, nan, 2]),
    ("sin", [0, inf, -inf, nan, 1.1e5], [0, nan, nan, nan, nan]),
    ("cos", [0, inf, nan, -1.1e5], [1, nan, nan, nan]),
    ("tan", [0, inf, nan], [0, nan, nan]),
    ("asin", [-1, 0, 1, 1.0000001, -2, nan, inf], [-pi / 2, 0, pi / 2, nan, nan, nan, nan]),
    ("acos", [-1, 1, 1.0000001, -2, nan], [pi, 0, nan, nan, nan]),
    ("atan", [-inf, inf, 0, nan], [-pi / 2, pi / 2, 0, nan]),
    ("sinh", [-inf, inf, 0, nan, 711, -711], [-inf, inf, 0, nan, inf, -inf]),
    ("cosh", [-inf, inf, 0, nan, 711], [inf, inf, 1, nan, inf]),
    ("tanh", [-inf, inf, 0, nan, 400, -400], [-1, 1, 0, nan, 1, -1]),
    ("floor", [-0.5, 0.5, inf, nan, 2.0], [-1, 0, inf, nan, 2]),
    ("trunc", [-0.5, 1.5, inf, nan, -2.0], [0, 1, inf, nan, -2]),
    ("abs", [-inf, -2, nan], [inf, 2, nan]),
]
SPECIAL_PAIRS = [
    # x, y, x ^ y
    ("pow", 0, 0, 1), ("pow", nan, 0, 1), ("pow", inf, 0, 1), ("pow", -3, 0, 1), ("pow", 1, nan, 1), ("pow", 1, inf, 1),
    ("pow", 0, 2.5, 0), ("pow", 0, -2.5, inf), ("pow", -0.0, -3, -inf), ("pow", -0.0, 2, 0), ("pow", 0, -1, inf),
    ("pow", -2, 3, -8), ("pow", -2, 2, 4), ("pow", -2, -1, -0.5), ("pow", -2, 0.5, nan), ("pow", -1, inf, 1),
    ("pow", inf, 2, inf), ("pow", inf, -2, 0), ("pow", -inf, 3, -inf), ("pow", -inf, 0.5, inf), ("pow", 2, inf, inf),
    ("pow", 0.5, inf, 0), ("pow", 2, -inf, 0), ("pow", nan, 2, nan), ("pow", 2, nan, nan), ("pow", 10, 400, inf),
    ("pow", -10, 401, -inf), ("pow", 10, -400, 0), ("pow", -1, 1e300, 1), ("pow", -1, nan, nan),
    ("min", nan, 1, nan), ("min", 1, nan, nan), ("min", -inf, 1, -inf), ("max", nan, 1, nan), ("max", 1, nan, nan),
    ("max", inf, 1, inf), ("mod", 7, 3, 1), ("mod", -7, 3, -1), ("mod", 7, -3, 1), ("mod", 6, 3, 0), ("mod", 1, 0, nan),
    ("mod", inf, 3, nan), ("mod", 3, inf, 3), ("mod", nan, 3, nan), ("mod", 1e300, 3, nan), ("mod", 1, 0.1, 1 % 0.1),
    ("eq", nan, nan, 0), ("ne", nan, nan, 1), ("lt", nan, 1, 0), ("ge", nan, 1, 0), ("and", 2, -1, 1), ("or", 0, 0, 0),
    ("div", 1, 0, inf), ("div", 0, 0, nan), ("and", 1, 0, 0), ("or", 0, nan, 1), ("le", 1, 1, 1), ("gt", 1, 1, 0),
]  # fmt: skip


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("kind", "x", "expected"), SPECIAL, ids=[case[0] for case in SPECIAL])
def test_special_values_are_finished(kind, x, expected, backend):
    np.testing.assert_allclose(apply(kind, x, backend=backend), expected, rtol=3e-16)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", sorted({case[0] for case in SPECIAL_PAIRS}))
def test_special_pairs_are_finished(kind, backend):
    x, y, expected = np.array([case[1:] for case in SPECIAL_PAIRS if case[0] == kind], dtype=float).T
    found = apply(kind, x, y, backend=backend)
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    zero = expected == 0
    if kind == "pow":
        assert not np.signbit(found[zero]).any()


@pytest.mark.parametrize("backend", BACKENDS)
def test_two_powers_together_are_their_product_for_special_values_too(backend):
    values = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.3, 1e-310, inf, -inf, nan]
    x, y, u, v = (each.ravel() for each in np.meshgrid(*[values] * 4))
    found = apply("powers", x, y, u, v, backend=backend)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(found, x**y * u**v, rtol=1e-14, atol=0)


ACCURACY = [
    ("exp", mpmath.exp, np.linspace(-745, 709.7, 1500), 1.0),
    ("exp", mpmath.exp, np.linspace(-1, 1, 1500), 1.0),
    ("log", mpmath.log, np.geomspace(1e-320, 1e308, 1500), 1.0),
    ("log", mpmath.log, np.linspace(0.5, 2, 1500), 1.0),
    ("sin", mpmath.sin, np.linspace(-10, 10, 1500), 1.5),
    ("sin", mpmath.sin, np.arange(1, 60000, 97) * (pi / 2), 1.5),
    ("cos", mpmath.cos, np.linspace(-1e5, 1e5, 1500), 1.5),
    ("tan", mpmath.tan, np.linspace(-10, 10, 1500), 4.0),
    ("asin", mpmath.asin, np.linspace(-1, 1, 1500), 4.0),
    ("acos", mpmath.acos, np.linspace(-1, 0.999, 1500), 6.0),
    ("atan", mpmath.atan, np.linspace(-20, 20, 1500), 2.0),
    ("atan", mpmath.atan, np.geomspace(1e-300, 1e300, 800), 2.0),
    ("sinh", mpmath.sinh, np.linspace(-30, 30, 1500), 4.0),
    ("sinh", mpmath.sinh, np.geomspace(1e-300, 710, 800), 4.0),
    ("cosh", mpmath.cosh, np.linspace(-710, 710, 1500), 4.0),
    ("tanh", mpmath.tanh, np.linspace(-25, 25, 1500), 4.0),
    ("tanh", mpmath.tanh, np.geomspace(1e-300, 1, 800), 4.0),
]


@needs_llvm
@pytest.mark.parametrize(("kind", "exact", "x", "bound"), ACCURACY)
def test_functions_agree_with_forty_digits(kind, exact, x, bound):
    found = apply(kind, x)
    with mpmath.workdps(40):
        error = float(ulps(found, [exact(mpmath.mpf(float(each))) for each in x]).max())
    print(f"{kind} on [{x[0]:.3g}, {x[-1]:.3g}]: {error:.2f} ulp")
    assert error <= bound


@needs_llvm
def test_powers_agree_with_forty_digits():
    rng = np.random.default_rng(1)
    x, y = np.exp(rng.uniform(-20, 20, 3000)), rng.uniform(-10, 10, 3000)
    found = apply("pow", x, y)
    with mpmath.workdps(40):
        exact = [mpmath.power(mpmath.mpf(a), mpmath.mpf(b)) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    scale = np.maximum(np.abs(y * np.log(x)), 1)
    error = ulps(found, exact) / scale
    print(f"pow: {error.max():.2f} ulp for each unit of abs(y log x)")
    assert error.max() <= 2.0


@needs_llvm
def test_the_remainder_is_exact():
    rng = np.random.default_rng(2)
    x, y = rng.uniform(-1e6, 1e6, 4000), np.exp(rng.uniform(-10, 10, 4000))
    np.testing.assert_array_equal(apply("mod", x, y), np.fmod(x, y))
    whole = np.round(rng.uniform(1, 1000, 4000))
    np.testing.assert_array_equal(apply("mod", whole * 0.1, np.full(4000, 0.1)), np.fmod(whole * 0.1, 0.1))


def test_the_stored_coefficients_are_those_that_the_fit_gives():
    path = Path(__file__).parents[2] / "benchmarks" / "fit_polynomials.py"
    spec = importlib.util.spec_from_file_location("fit_polynomials", path)
    assert spec and spec.loader
    fit = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fit)
    for form in (DOUBLE, SINGLE):
        for name, coefficients in fit.fit_all(form.kind).items():
            assert getattr(form, name) == coefficients


def ulps(found: np.ndarray, exact: list[mpmath.mpf]) -> np.ndarray:
    with mpmath.workdps(40):
        spacing = [max(np.spacing(abs(float(e))), TINY) for e in exact]
        return np.array(
            [float(abs(mpmath.mpf(float(f)) - e) / s) for f, e, s in zip(found, exact, spacing, strict=True)]
        )
