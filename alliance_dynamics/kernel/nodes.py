"""Equations of one element: nested tuples of operations over numbers and flat names, shared where they repeat.

A node is `(kind, ...)` with the operation kinds of `program.ARITY`, plus `("var", flat name)`, `("const", number)`,
`("lookup", table, argument)` and the parameterless `("time",)`, `("steptime",)`, `("random", index)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from alliance_dynamics.errors import Place

Node = tuple[Any, ...]

TIME: Node = ("time",)
STEP_TIME: Node = ("steptime",)
ZERO: Node = ("const", 0.0)
ONE: Node = ("const", 1.0)


def const(value: float) -> Node:
    return ("const", float(value))


def var(name: str) -> Node:
    return ("var", name)


def parts(node: Node) -> tuple[Node, ...]:
    """The nodes that a node is made of."""
    kind = node[0]
    if kind in ("const", "var", "time", "steptime", "random"):
        return ()
    if kind == "lookup":
        return (node[2],)
    return node[1:]


def post_order(roots: Sequence[Node]) -> Iterator[Node]:
    """Every distinct node object, parts before wholes; no recursion."""
    seen: set[int] = set()
    stack: list[tuple[Node, bool]] = [(root, False) for root in reversed(roots)]
    while stack:
        node, ready = stack.pop()
        if ready:
            yield node
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((part, False) for part in reversed(parts(node)) if id(part) not in seen)


def names_in(root: Node) -> list[str]:
    """The flat names that a node refers to, in order of first appearance."""
    found: dict[str, None] = {}
    seen: set[int] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        if node[0] == "var":
            found[node[1]] = None
        elif id(node) not in seen:
            seen.add(id(node))
            stack.extend(reversed(parts(node)))
    return list(found)


def tree(kind: str, nodes: Sequence[Node]) -> Node:
    """A balanced tree of a two-argument operation: the same shape, so the same bits, for the same count."""
    level = list(nodes)
    while len(level) > 1:
        paired: list[Node] = [(kind, level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = paired + level[len(level) - len(level) % 2 :]
    return level[0]


def select(condition: Node, then: Node, otherwise: Node) -> Node:
    return ("select", condition, then, otherwise)


@dataclass(slots=True)
class Equation:
    """One flat equation.

    `parameter`: `value` is a constant node.  `auxiliary`: `value`; `initial` where the start differs.  `stock` and
    `held`: `value` is the net rate or the next value, `initial` the first.  `frozen`: only `initial`.  `ring`:
    `value` goes in, `initial` fills, `length` is the delay.
    """

    name: str
    kind: Literal["parameter", "auxiliary", "stock", "held", "frozen", "ring"]
    value: Node
    place: Place
    initial: Node | None = None
    length: Node | None = None
    non_negative: bool = False
    hidden: bool = False
