"""The closed tree that every equation is made of; no text, no Python callables inside.

References and subscripts hold canonical names (`names.canonical`).  A subscript is the name of a dimension, a subrange
or an element; with a trailing `!` it is summed (multiplied, ...) over by the reducing function around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

UnaryOperator = Literal["-", "not"]
BinaryOperator = Literal["+", "-", "*", "/", "^", "=", "<>", "<", "<=", ">", ">=", "and", "or"]
Interpolation = Literal["continuous", "extrapolate", "discrete", "forward", "backward", "raw"]


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Reference:
    """A variable, a lookup, a dimension or an element (position 1, 2, ... in its dimension), by canonical name."""

    name: str
    subscripts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unary:
    operator: UnaryOperator
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    operator: BinaryOperator
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the closed table `functions.FUNCTIONS`, by its name there (lower case), e.g. `smooth3i`."""

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Points of a lookup or of a data series; x does not decrease.

    `interpolation`: continuous (linear between points, flat outside), extrapolate (linear, end slopes outside),
    discrete (steps: the y of the last x at or below), forward / backward (data: the next / the last point), raw
    (data: only at the points themselves).
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    interpolation: Interpolation = "continuous"


@dataclass(frozen=True, slots=True)
class LookupCall:
    """The value of a table at `argument`; `table` is a table in place or a reference to a lookup variable."""

    table: Table | Reference
    argument: Expression


@dataclass(frozen=True, slots=True)
class Array:
    """Numbers for all elements of a definition's left-hand subscripts, row-major."""

    shape: tuple[int, ...]
    values: tuple[float, ...]


Expression = Number | Reference | Unary | Binary | Call | Table | LookupCall | Array


def children(expression: Expression) -> tuple[Expression, ...]:
    """The direct parts of an expression, left to right."""
    match expression:
        case Unary(_, operand):
            return (operand,)
        case Binary(_, left, right):
            return (left, right)
        case Call(_, arguments):
            return arguments
        case LookupCall(table, argument):
            return (table, argument)
        case _:
            return ()


def walk(expression: Expression) -> Iterator[Expression]:
    """Every node of a tree, parents before children, left to right; no recursion."""
    stack = [expression]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(children(node)))
