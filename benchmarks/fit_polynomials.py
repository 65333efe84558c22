"""Fit the coefficients of `kernel/formats.py` again and print them: Chebyshev interpolation with 40 digits.

Run `python benchmarks/fit_polynomials.py`; `tests/kernel/test_mathematics.py` compares its answer with the stored ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np

DEGREES = {"double": (9, 6, 5, 5, 10), "float": (4, 2, 2, 2, 5)}


def fit_all(kind: str = "double") -> dict[str, tuple[float, ...]]:
    """Name -> coefficients, lowest power first, rounded to `kind`: double or float."""
    with mpmath.workdps(40):
        half_ln2 = mpmath.log(2) / 2
        quarter_pi = mpmath.pi / 4
        log_z = ((mpmath.sqrt(2) - 1) / (mpmath.sqrt(2) + 1)) ** 2
        atan_z = mpmath.tan(mpmath.pi / 8) ** 2
        wanted: dict[str, tuple[Callable[[Any], Any], Any, Any]] = {
            "exp": (
                lambda r: (mpmath.expm1(r) - r) / r**2 if abs(r) > 1e-30 else mpmath.mpf(1) / 2,
                -half_ln2,
                half_ln2,
            ),
            "log": (lambda z: (2 * mpmath.atanh(mpmath.sqrt(z)) / mpmath.sqrt(z) - 2) / z, 0, log_z),
            "sin": (lambda z: (mpmath.sin(mpmath.sqrt(z)) / mpmath.sqrt(z) - 1) / z, 0, quarter_pi**2),
            "cos": (lambda z: (mpmath.cos(mpmath.sqrt(z)) - 1 + z / 2) / z**2, 0, quarter_pi**2),
            "atan": (lambda z: (mpmath.atan(mpmath.sqrt(z)) / mpmath.sqrt(z) - 1) / z, 0, atan_z),
        }
        degrees = zip(wanted.items(), DEGREES[kind], strict=True)
        fitted = {name: fit(function, low, high, degree) for (name, (function, low, high)), degree in degrees}
    rounded = np.float64 if kind == "double" else np.float32
    return {name: tuple(float(rounded(each)) for each in found) for name, found in fitted.items()}


def fit(function: Callable[[Any], Any], low: Any, high: Any, degree: int) -> list[float]:
    """The polynomial through `function` at the Chebyshev nodes of [low, high]; more digits hide removable poles."""
    with mpmath.workdps(60):
        count = degree + 1
        nodes = [mpmath.cos(mpmath.pi * (2 * k + 1) / (2 * count)) for k in range(count)]
        x = [(low + high) / 2 + (high - low) / 2 * node for node in nodes]
        matrix = mpmath.matrix(count, count)
        for row in range(count):
            for power in range(count):
                matrix[row, power] = x[row] ** power
        values = mpmath.matrix([function(each) for each in x])
        return [float(c) for c in mpmath.lu_solve(matrix, values)]


if __name__ == "__main__":
    for kind in DEGREES:
        for name, coefficients in fit_all(kind).items():
            print(kind, name, "=", [c.hex() for c in coefficients])
