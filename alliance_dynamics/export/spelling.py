"""Expressions as text: operators, parentheses and numbers; names and functions are the business of each format."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from alliance_dynamics.errors import Fault, Place
from alliance_dynamics.model.expression import (
    Array,
    Binary,
    BinaryOperator,
    Call,
    Expression,
    LookupCall,
    Number,
    Reference,
    Unary,
)

_POWERS = {"+": 1, "-": 1, "*": 2, "/": 2, "^": 3}
_ATOM = 4


class Unwritable(Exception):
    """A part of a model that a format has no words for."""

    def __init__(self, problem: Fault):
        super().__init__(str(problem))
        self.fault = problem


def unwritable(place: Place, what: str, **values: object) -> Unwritable:
    remedy = "Write it in other words, or export to another format"
    return Unwritable(Fault(place, what, "", remedy, values))


class Speller(ABC):
    """Spells the expressions of one equation; `label` and `place` are named in faults.

    Parentheses stand wherever two readers could group differently, and a text read back gives the same tree.
    """

    format = ""
    operators: ClassVar[Mapping[str, str]] = {}

    def __init__(self, label: str, place: Place):
        self.label = label
        self.place = place

    @abstractmethod
    def reference(self, node: Reference) -> str: ...

    @abstractmethod
    def call(self, node: Call) -> str: ...

    @abstractmethod
    def lookup_call(self, node: LookupCall) -> str: ...

    def rewritten(self, node: Expression) -> Expression:
        """What a format says in other words: the same value by what it has."""
        return node

    def number(self, value: float) -> str:
        if not math.isfinite(value):
            raise self.refused("`{name}`: the number {value} cannot be written as {format}", value=value)
        return spell_number(value)

    def spell(self, node: Expression) -> str:
        """The text of an expression that stands alone or between commas."""
        node = self.rewritten(node)
        match node:
            case Number(value):
                return self.number(value)
            case Reference():
                return self.reference(node)
            case Unary(operator, operand):
                return f"{self.operators.get('not ') if operator == 'not' else '-'}{self._within(operand, _ATOM)}"
            case Binary():
                return self._binary(node)
            case Call():
                return self.call(node)
            case LookupCall():
                return self.lookup_call(node)
        raise self.refused("`{name}`: a list of numbers inside an expression cannot be written as {format}")

    def refused(self, what: str, **values: object) -> Unwritable:
        return unwritable(self.place, what, name=self.label, format=self.format, **values)

    def no_counterpart(self, function: str) -> Unwritable:
        return self.refused("`{name}`: {function} has no counterpart in {format}", function=function)

    def _binary(self, node: Binary) -> str:
        spine = [node]
        while isinstance(left := spine[-1].left, Binary) and _joins(left, spine[-1].operator):
            spine.append(left)
        text = self._within(spine[-1].left, _POWERS.get(spine[-1].operator, 1) + (spine[-1].operator == "^"))
        for each in reversed(spine):
            right = self._within(each.right, _POWERS.get(each.operator, 0) + 1)
            text += f" {self.operators.get(each.operator, each.operator)} {right}"
        return text

    def _within(self, node: Expression, power: int) -> str:
        """The text as a part of an expression that binds with at least `power`."""
        node = self.rewritten(node)
        text = self.spell(node)
        match node:
            case Number(value):
                own = _ATOM if math.copysign(1.0, value) > 0 and not text.startswith("(") else 0
            case Unary():
                own = 0
            case Binary(operator, _, _):
                own = _POWERS.get(operator, 0)
            case _:
                own = _ATOM if self.is_atom(text) else 0
        return text if own >= power else f"({text})"

    def is_atom(self, text: str) -> bool:
        """Whether the text of a call holds together beside any operator."""
        return True


def spell_number(value: float) -> str:
    """The shortest text that reads back as the same number."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def without_arrays(expression: Expression | None, position: int) -> Expression | None:
    """The expression of one element, where the numbers of all of them stand in a row."""
    return Number(expression.values[position]) if isinstance(expression, Array) else expression


def tree_of(operator: BinaryOperator, parts: Sequence[Expression]) -> Expression:
    """A balanced tree, as the kernel adds up many terms, so that it gives the same bits."""
    level = list(parts)
    while len(level) > 1:
        paired: list[Expression] = [Binary(operator, level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = paired + level[len(level) - len(level) % 2 :]
    return level[0]


def _joins(inner: Binary, operator: str) -> bool:
    """Whether a left operand needs no parentheses because both operators bind alike, from left to right."""
    return operator != "^" and operator in _POWERS and _POWERS.get(inner.operator, 0) == _POWERS[operator]
