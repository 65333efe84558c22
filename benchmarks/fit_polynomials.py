"""Fit the coefficients of `kernel/mathematics.py` again and print them: Chebyshev interpolation with 40 digits.

Run `python benchmarks/fit_polynomials.py`; `tests/kernel/test_mathematics.py` compares its answer with the stored ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath


def fit_all() -> dict[str, list[float]]:
    """Name -> coefficients, lowest power first, rounded to double."""
    with mpmath.workdps(40):
        half_ln2 = mpmath.log(2) / 2
        quarter_pi = mpmath.pi / 4
        log_z = ((mpmath.sqrt(2) - 1) / (mpmath.sqrt(2) + 1)) ** 2
        atan_z = mpmath.tan(mpmath.pi / 8) ** 2
        return {
            "EXP": fit(lambda r: (mpmath.expm1(r) - r) / r**2, -half_ln2, half_ln2, 9),
            "LOG": fit(lambda z: (2 * mpmath.atanh(mpmath.sqrt(z)) / mpmath.sqrt(z) - 2) / z, 0, log_z, 6),
            "SIN": fit(lambda z: (mpmath.sin(mpmath.sqrt(z)) / mpmath.sqrt(z) - 1) / z, 0, quarter_pi**2, 5),
            "COS": fit(lambda z: (mpmath.cos(mpmath.sqrt(z)) - 1 + z / 2) / z**2, 0, quarter_pi**2, 5),
            "ATAN": fit(lambda z: (mpmath.atan(mpmath.sqrt(z)) / mpmath.sqrt(z) - 1) / z, 0, atan_z, 10),
        }


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
    for name, coefficients in fit_all().items():
        print(name, "=", [c.hex() for c in coefficients])
