"""Formulas of the problem tables: numbers, names, + - * / ^ and a few functions; read by descent, never executed."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from alliance_dynamics.cells import near_name
from alliance_dynamics.errors import InputError, Place, fault
from alliance_dynamics.model.expression import Binary, BinaryOperator, Call, Expression, Number, Reference, Unary, walk
from alliance_dynamics.model.names import canonical

FUNCTIONS: Mapping[str, tuple[int, Callable[..., Any]]] = {
    "exp": (1, np.exp),
    "ln": (1, np.log),
    "log": (1, np.log),
    "log10": (1, np.log10),
    "log2": (1, np.log2),
    "sin": (1, np.sin),
    "cos": (1, np.cos),
    "tan": (1, np.tan),
    "pow": (2, np.power),
    "sqrt": (1, np.sqrt),
    "abs": (1, np.abs),
    "min": (2, np.minimum),
    "max": (2, np.maximum),
}

_OPERATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": np.power,
}

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r'|(?P<quoted>"[^"]+")|(?P<name>[^\W\d][\w&]*)|(?P<sign>[-+*/^(),\[\]]))'
)
_DEEPEST = 100


def parse_formula(text: str, place: Place, own: Collection[str] = ()) -> Expression:
    """The tree of a formula.  Names in `own` (placeholders, parameter ids) stay as written, others become canonical.

    A model name holds letters, digits, `_` and `&`; any other name stands in double quotes.  A subscript is an element
    or a dimension that the experiment fixes: `gross_regional_product[region]`.  Anything else is an InputError.
    """
    return _Parser(text, place, own).whole()


def references(expression: Expression) -> list[Reference]:
    """The names that a formula needs, each once, in order."""
    return list(dict.fromkeys(node for node in walk(expression) if isinstance(node, Reference)))


def evaluate_formula(expression: Expression, value_of: Callable[[Reference], Any]) -> Any:
    """The value of a formula; `value_of` gives numbers or arrays that broadcast together."""
    match expression:
        case Number(value):
            return value
        case Reference():
            return value_of(expression)
        case Unary("-", operand):
            return np.negative(evaluate_formula(operand, value_of))
        case Binary(operator, left, right) if operator in _OPERATIONS:
            return _OPERATIONS[operator](evaluate_formula(left, value_of), evaluate_formula(right, value_of))
        case Call(function, arguments) if function in FUNCTIONS:
            return FUNCTIONS[function][1](*(evaluate_formula(each, value_of) for each in arguments))
        case _:
            raise TypeError(f"not a node of a formula: {expression!r}")


Slopes = Any  # an array whose last axis runs over the directions, or None for 0 in all of them


def formula_slopes(
    expression: Expression, value_of: Callable[[Reference], Any], slopes_of: Callable[[Reference], Slopes]
) -> tuple[Any, Slopes]:
    """The value of a formula, and its derivatives in any number of directions, by the chain rule.

    `slopes_of` gives those of a name: what broadcasts to the value with one more axis, the directions, or None.  Of
    MIN, MAX and ABS they are those of the side taken.
    """
    match expression:
        case Reference():
            return value_of(expression), slopes_of(expression)
        case Unary("-", operand):
            value, slopes = formula_slopes(operand, value_of, slopes_of)
            return np.negative(value), _scaled(slopes, -1.0)
        case Binary(operator, left, right) if operator in _OPERATIONS:
            parts = [formula_slopes(each, value_of, slopes_of) for each in (left, right)]
            return _by_parts({"^": "pow"}.get(operator, operator), _OPERATIONS[operator], parts)
        case Call(function, arguments) if function in FUNCTIONS:
            parts = [formula_slopes(each, value_of, slopes_of) for each in arguments]
            return _by_parts(function, FUNCTIONS[function][1], parts)
        case _:
            return evaluate_formula(expression, value_of), None


def _by_parts(kind: str, operation: Callable[..., Any], parts: list[tuple[Any, Slopes]]) -> tuple[Any, Slopes]:
    values, slopes = [each[0] for each in parts], [each[1] for each in parts]
    value = operation(*values)
    if all(each is None for each in slopes):
        return value, None
    factors = _factors(kind, values, value)
    terms = [_scaled(one, by) for one, by in zip(slopes, factors, strict=True) if one is not None]
    return value, terms[0] if len(terms) == 1 else terms[0] + terms[1]


def _scaled(slopes: Slopes, by: Any) -> Slopes:
    return None if slopes is None else slopes * np.asarray(by)[..., None]


def _factors(kind: str, values: list[Any], value: Any) -> tuple[Any, ...]:
    """The partial derivatives of an operation by its arguments."""
    x, y = values[0], values[-1]
    match kind:
        case "+":
            return 1.0, 1.0
        case "-":
            return 1.0, -1.0
        case "*":
            return y, x
        case "/":
            return np.divide(1.0, y), np.divide(np.negative(value), y)
        case "pow":
            ln = np.log(np.where(np.greater(x, 0.0), x, 1.0))
            return np.multiply(y, np.power(x, np.subtract(y, 1.0))), np.multiply(value, ln)
        case "min" | "max":
            first = np.less_equal(x, y) if kind == "min" else np.greater_equal(x, y)
            return np.where(first, 1.0, 0.0), np.where(first, 0.0, 1.0)
        case "exp":
            return (value,)
        case "ln" | "log" | "log10" | "log2":
            base = {"log10": np.log(10.0), "log2": np.log(2.0)}.get(kind, 1.0)
            return (np.divide(1.0 / base, x),)
        case "sin":
            return (np.cos(x),)
        case "cos":
            return (-np.sin(x),)
        case "tan":
            return (1.0 + np.square(value),)
        case "sqrt":
            return (np.divide(0.5, value),)
        case "abs":
            return (np.sign(x),)
    raise AssertionError(f"{kind} has no derivative")


class _Parser:
    """Recursive descent over the tokens of one formula."""

    def __init__(self, text: str, place: Place, own: Collection[str]):
        self.text, self.place, self.own = text, place, own
        self.tokens: list[tuple[str, str, int]] = []
        self.at = self.depth = 0
        position = 0
        while text[position:].strip():
            token = _TOKEN.match(text, position)
            if not token:
                start = position + len(text[position:]) - len(text[position:].lstrip())
                raise self.error("cannot read `{rest}`", start, expected="Numbers, names, + - * / ^ and brackets")
            self.tokens.append(
                (token.lastgroup or "", token.group(token.lastgroup or 0), token.start(token.lastgroup or 0))
            )
            position = token.end()
        self.tokens.append(("end", "", len(text)))

    def whole(self) -> Expression:
        tree = self.sum()
        if self.kind != "end":
            raise self.error("`{rest}` is left over", self.position, expected="An operator or the end")
        return tree

    @property
    def kind(self) -> str:
        return self.tokens[self.at][0]

    @property
    def word(self) -> str:
        return self.tokens[self.at][1]

    @property
    def position(self) -> int:
        return self.tokens[self.at][2]

    def take(self, sign: str) -> None:
        if self.kind != "sign" or self.word != sign:
            raise self.error("`{sign}` is missing before `{rest}`", self.position, expected="`{sign}`", sign=sign)
        self.at += 1

    def one_of(self, signs: str) -> BinaryOperator | None:
        if self.kind == "sign" and self.word in signs:
            self.at += 1
            return self.tokens[self.at - 1][1]  # type: ignore[return-value]
        return None

    def sum(self) -> Expression:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.error("the formula is nested too deeply", self.position, expected="At most 100 levels")
        tree = self.product()
        while sign := self.one_of("+-"):
            tree = Binary(sign, tree, self.product())
        self.depth -= 1
        return tree

    def product(self) -> Expression:
        tree = self.signed()
        while sign := self.one_of("*/"):
            tree = Binary(sign, tree, self.signed())
        return tree

    def signed(self) -> Expression:
        negative = False
        while sign := self.one_of("+-"):
            negative ^= sign == "-"
        tree = self.power()
        return Unary("-", tree) if negative else tree

    def power(self) -> Expression:
        base = self.atom()
        return Binary("^", base, self.exponent()) if self.one_of("^") else base

    def exponent(self) -> Expression:
        """One atom, perhaps with a sign; `a^b^c` is refused because tools disagree on it."""
        tree = Unary("-", self.atom()) if self.one_of("-") else self.atom()
        if self.word == "^":
            raise self.error("`a^b^c` can be read in two ways", self.position, expected="Brackets")
        return tree

    def atom(self) -> Expression:
        kind, word, position = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            return Number(float(word))
        if kind == "sign" and word == "(":
            tree = self.sum()
            self.take(")")
            return tree
        if kind in ("name", "quoted"):
            if kind == "name" and self.word == "(" and self.kind == "sign":
                return self.call(word, position)
            name = word if word in self.own else canonical(word)
            return Reference(name, self.subscripts())
        self.at -= 1
        rest = "a value is missing before `{rest}`" if kind != "end" else "the formula ends too early"
        raise self.error(rest, position, expected="A number, a name or a bracket")

    def call(self, name: str, position: int) -> Expression:
        if name.lower() not in FUNCTIONS:
            known = ", ".join(FUNCTIONS)
            what, remedy = "there is no function `{name}`", near_name(name, FUNCTIONS)
            raise self.error(what, position, expected="One of {known}", remedy=remedy, name=name, known=known)
        self.take("(")
        arguments = [self.sum()]
        while self.one_of(","):
            arguments.append(self.sum())
        self.take(")")
        count = FUNCTIONS[name.lower()][0]
        if len(arguments) != count:
            what = "`{name}` has {found} arguments"
            raise self.error(what, position, expected="{count}", name=name, found=len(arguments), count=count)
        return Call(name.lower(), tuple(arguments))

    def subscripts(self) -> tuple[str, ...]:
        found: list[str] = []
        if self.one_of("["):
            while True:
                if self.kind not in ("name", "quoted"):
                    raise self.error("a subscript is missing before `{rest}`", self.position, expected="An element")
                found.append(canonical(self.word))
                self.at += 1
                if not self.one_of(","):
                    break
            self.take("]")
        return tuple(found)

    def error(self, what: str, position: int, *, expected: str = "", remedy: str = "", **values: object) -> InputError:
        rest = self.text[position : position + 20] or "the end"
        what = "formula `{formula}`: " + what
        return InputError(
            fault(self.place, what, expected=expected, remedy=remedy, formula=self.text[:200], rest=rest, **values)
        )
