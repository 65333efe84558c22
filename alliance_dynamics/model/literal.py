"""Numbers, points and strings out of a model's text, with nothing ever executed."""

from __future__ import annotations

import ast
from typing import Any

_ALLOWED = (
    ast.Expression,
    ast.Constant,
    ast.Tuple,
    ast.List,
    ast.UnaryOp,
    ast.UAdd,
    ast.USub,
    ast.BinOp,
    ast.Add,
    ast.Sub,
    ast.Load,
)


class UnsafeText(Exception):
    """Text where only a literal may stand holds something else, e.g. a call."""

    def __init__(self, text: str):
        super().__init__(text)
        self.text = text


def read_literal(text: str) -> Any:
    """Numbers, strings, tuples and lists, with plus and minus; UnsafeText for anything else.

    Stands in for the `eval` of PySD's translators.

    >>> read_literal("(0,0),(41+1,-2)")
    ((0, 0), (42, -2))
    """
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise UnsafeText(text) from error
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED):
            raise UnsafeText(text)
        if isinstance(node, ast.Constant) and type(node.value) not in (int, float, str):
            raise UnsafeText(text)
    return _fold(tree.body, text)


def _fold(node: ast.expr, text: str) -> Any:
    match node:
        case ast.Constant(value):
            return value
        case ast.Tuple(elts):
            return tuple(_fold(each, text) for each in elts)
        case ast.List(elts):
            return [_fold(each, text) for each in elts]
        case ast.UnaryOp(op, operand):
            value = _number(_fold(operand, text), text)
            return -value if isinstance(op, ast.USub) else value
        case ast.BinOp(left, op, right):
            a, b = _number(_fold(left, text), text), _number(_fold(right, text), text)
            return a + b if isinstance(op, ast.Add) else a - b
    raise UnsafeText(text)


def _number(value: Any, text: str) -> float:
    if isinstance(value, int | float):
        return value
    raise UnsafeText(text)
