"""The value of an equation and its slope along every name in it, over many moments of many runs at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.kernel.nodes import Node, parts, post_order
from alliance_dynamics.kernel.numpy_ import UFUNCS
from alliance_dynamics.kernel.segments import evaluate, segments
from alliance_dynamics.model.expression import Table

Floats = NDArray[np.float64]
Slope = NDArray[np.floating] | float | None
TIMES = ("time", "steptime")


def slopes(root: Node, value_of: Callable[[str], Floats | float], time: Floats) -> tuple[Floats, dict[str, Floats]]:
    """The value of a node and its partial derivative along each flat name in it; the key "" is time.

    Exact, by the chain rule from the root down; of MIN, MAX and IF THEN ELSE the branch that holds.  Jumps have the
    slope 0.
    """
    values: dict[int, Floats] = {}
    order = list(post_order([root]))
    for node in order:
        values[id(node)] = _value(node, [values[id(part)] for part in parts(node)], value_of, time)
    above: dict[int, Floats] = {id(root): np.ones(1)}
    found: dict[str, Floats] = {}
    for node in reversed(order):
        outer = above.pop(id(node), None)
        if outer is None:
            continue
        if node[0] == "var" or node[0] in TIMES:
            name = node[1] if node[0] == "var" else ""
            found[name] = found[name] + outer if name in found else outer
            continue
        inside = parts(node)
        given = [values[id(part)] for part in inside]
        for part, slope in zip(inside, _partial(node, given, values[id(node)]), strict=True):
            if slope is not None:
                with np.errstate(invalid="ignore"):  # a branch that is not taken may be infinite: 0 times it is 0
                    gain = np.where(outer == 0, 0.0, outer * slope)
                key = id(part)
                above[key] = above[key] + gain if key in above else gain
    return values[id(root)], found


def _value(node: Node, given: list[Floats], value_of: Callable[[str], Floats | float], time: Floats) -> Floats:
    match node[0]:
        case "const":
            return np.array([node[1]])
        case "var":
            return np.atleast_1d(np.asarray(value_of(node[1]), dtype=np.float64))
        case "time" | "steptime":
            return time
        case "select":
            return np.where(given[0] != 0, given[1], given[2])
        case "lookup":
            return evaluate(segments(node[1]), given[0])
        case "sin" | "cos" | "tan":
            return getattr(np, node[0])(given[0])
        case "mod":
            return np.fmod(given[0], given[1])
        case kind:
            return np.asarray(UFUNCS[kind](*given), dtype=np.float64)


def _partial(node: Node, given: list[Floats], value: Floats) -> tuple[Slope, ...]:
    """The slope along each part; None where it is 0 everywhere."""
    kind = node[0]
    if kind in _ONE:
        return (_ONE[kind](given[0], value),)
    match kind:
        case "add":
            return 1.0, 1.0
        case "sub":
            return 1.0, -1.0
        case "mul":
            return given[1], given[0]
        case "div":
            return 1.0 / given[1], -value / given[1]
        case "pow":
            base, exponent = given
            constant = node[2][0] == "const"
            return exponent * base ** (exponent - 1.0), None if constant else value * np.log(base)
        case "min":
            first = given[0] <= given[1]
            return 1.0 * first, 1.0 * ~first
        case "max":
            first = given[0] >= given[1]
            return 1.0 * first, 1.0 * ~first
        case "select":
            taken = given[0] != 0
            return None, 1.0 * taken, 1.0 * ~taken
        case "mod":
            return 1.0, -np.trunc(given[0] / given[1])
        case "lookup":
            return (_table_slope(node[1], given[0]),)
    return (None,) * len(given)


_ONE: Mapping[str, Callable[[Floats, Floats], Slope]] = {
    "neg": lambda x, y: -1.0,
    "abs": lambda x, y: np.sign(x),
    "exp": lambda x, y: y,
    "log": lambda x, y: 1.0 / x,
    "sqrt": lambda x, y: 0.5 / y,
    "sin": lambda x, y: np.cos(x),
    "cos": lambda x, y: -np.sin(x),
    "tan": lambda x, y: 1.0 + y * y,
    "asin": lambda x, y: 1.0 / np.sqrt(1.0 - x * x),
    "acos": lambda x, y: -1.0 / np.sqrt(1.0 - x * x),
    "atan": lambda x, y: 1.0 / (1.0 + x * x),
    "sinh": lambda x, y: np.cosh(x),
    "cosh": lambda x, y: np.sinh(x),
    "tanh": lambda x, y: 1.0 - y * y,
}


def _table_slope(table: Table, x: Floats) -> Floats | None:
    found = segments(table)
    if found.slope is None:
        return None
    inside = (x >= found.low) & (x <= found.high)
    return np.where(inside, found.slope[np.searchsorted(found.breaks, x, side="right")], 0.0)
