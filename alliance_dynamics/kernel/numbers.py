"""Numbers that must be known before any run: computed from constants and their defaults, at the start time."""

from __future__ import annotations

import math
from collections.abc import Callable

from alliance_dynamics.kernel.nodes import Node, parts, post_order

_TWO: dict[str, Callable[[float, float], float]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "min": min,
    "max": max,
    "pow": lambda a, b: a**b,
    "mod": math.fmod,
    "eq": lambda a, b: float(a == b),
    "ne": lambda a, b: float(a != b),
    "lt": lambda a, b: float(a < b),
    "le": lambda a, b: float(a <= b),
    "gt": lambda a, b: float(a > b),
    "ge": lambda a, b: float(a >= b),
    "and": lambda a, b: float(a != 0 and b != 0),
    "or": lambda a, b: float(a != 0 or b != 0),
}
_ONE: dict[str, Callable[[float], float]] = {
    "neg": lambda a: -a,
    "abs": abs,
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "floor": lambda a: float(math.floor(a)),
    "trunc": lambda a: float(math.trunc(a)),
    "not": lambda a: float(a == 0),
}


def number_of(root: Node, value_of: Callable[[str], float | None], time: float | None) -> float | None:
    """The value of a node at `time`, or None where it needs something that is not known; infinite on overflow.

    `value_of` gives the number of a flat name.  Without a time, whatever depends on time is unknown.
    """
    known: dict[int, float | None] = {}
    for node in post_order([root]):
        inner = [known[id(part)] for part in parts(node)]
        known[id(node)] = _value(node, inner, value_of, time)
    return known[id(root)]


def _value(
    node: Node, inner: list[float | None], value_of: Callable[[str], float | None], time: float | None
) -> float | None:
    match node[0]:
        case "const":
            return node[1]
        case "var":
            return value_of(node[1])
        case "time" | "steptime":
            return time
        case "select" if inner[0] is not None:
            return inner[1] if inner[0] != 0 else inner[2]
    values = [value for value in inner if value is not None]
    if len(values) < len(inner):
        return None
    try:
        if node[0] in _TWO:
            return _TWO[node[0]](*values)
        if node[0] in _ONE:
            return _ONE[node[0]](*values)
    except (ZeroDivisionError, OverflowError, ValueError):
        return math.inf
    return None
