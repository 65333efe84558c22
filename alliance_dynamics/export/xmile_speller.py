"""The equations of a model in XMILE's words, for all elements of a variable or for one of them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import ClassVar, Protocol

from alliance_dynamics.export.spelling import Speller, spell_number, tree_of
from alliance_dynamics.kernel.subscripts import REDUCTIONS, Subscripts
from alliance_dynamics.model.expression import (
    Binary,
    Call,
    Expression,
    LookupCall,
    Number,
    Reference,
    Table,
    Unary,
)
from alliance_dynamics.model.functions import FUNCTIONS
from alliance_dynamics.model.model import Definition, Model, Variable
from alliance_dynamics.model.xmile_equations import KEYWORDS

_PLAIN = re.compile(r"[^\W\d_]\w*")
_SAME = {
    "abs": "ABS", "exp": "EXP", "ln": "LN", "sqrt": "SQRT", "sin": "SIN", "cos": "COS", "tan": "TAN",
    "arcsin": "ARCSIN", "arccos": "ARCCOS", "arctan": "ARCTAN", "sinh": "SINH", "cosh": "COSH", "tanh": "TANH",
    "gamma_ln": "GAMMALN", "floor": "INT", "round": "ROUND", "log10": "LOG10", "min": "MIN", "max": "MAX",
    "step": "STEP", "ramp": "RAMP", "xmile_pulse": "PULSE", "safediv": "SAFEDIV", "counter": "COUNTER",
    "sine_wave": "SINWAVE", "cosine_wave": "COSWAVE", "smooth": "SMTH1", "smoothi": "SMTH1", "smooth3": "SMTH3",
    "smooth3i": "SMTH3", "delay1": "DELAY1", "delay1i": "DELAY1", "delay3": "DELAY3", "delay3i": "DELAY3",
    "delay_fixed": "DELAY", "trend": "TREND", "forecast": "FORCST", "initial": "INIT", "previous": "PREVIOUS",
    "npv": "NPV", "random_uniform": "UNIFORM", "xmile_normal": "NORMAL", "xmile_lognormal": "LOGNORMAL",
    "xmile_exponential": "EXPRND", "xmile_poisson": "POISSON",
}  # fmt: skip
_ZERO, _ONE, _SMALL = Number(0.0), Number(1.0), Number(1e-6)


class Names(Protocol):
    """What a speller needs of the document."""

    model: Model
    names: dict[str, str]
    values: dict[str, float]
    subscripts: Subscripts

    def dimension(self, name: str) -> str: ...

    def element(self, name: str) -> str: ...


@dataclass(frozen=True)
class Helper:
    """A graphical function that an expression uses in its midst."""

    label: str
    table: Table


class XmileSpeller(Speller):
    """`chosen` gives the element of each left-hand name; None where one equation stands for all of them."""

    format = "XMILE"
    operators: ClassVar[Mapping[str, str]] = {"and": "AND", "or": "OR", "not ": "NOT "}

    def __init__(
        self,
        document: Names,
        variable: Variable,
        definition: Definition,
        chosen: Mapping[str, str] | None,
        helpers: list[Helper],
    ):
        super().__init__(variable.label, definition.place)
        self.document, self.variable, self.helpers = document, variable, helpers
        self.at_once, self.chosen = chosen is None, dict(chosen or {})
        self.dimensions = definition.subscripts

    def is_atom(self, text: str) -> bool:
        return not text.startswith(("-", "(", "IF "))

    def allowed(self, table: Table) -> Table:
        """The table, where XMILE has a kind of graphical function for it."""
        rk = self.document.model.time.method != "euler"
        if table.interpolation in ("forward", "raw") or (self.variable.kind == "data" and rk):
            raise self.refused("`{name}` is a series of data, which cannot be written as {format}")
        if len(table.x) > 1:
            return table
        x = max(table.x)
        return Table((x, x + 1.0), (*table.y, *table.y), table.interpolation)

    def reference(self, node: Reference) -> str:
        document = self.document
        if node.name == "saveper":
            return spell_number(document.values["saveper"])
        if node.name in document.names:
            return document.names[node.name] + self._bracket(node)
        at = document.subscripts.index(node.name, self.chosen)
        if at is None:
            raise self.refused("`{name}`: {function} has no counterpart in {format}", function=node.name)
        return str(at)

    def lookup_call(self, node: LookupCall) -> str:
        argument = self.spell(node.argument)
        if isinstance(node.table, Reference):
            return f"LOOKUP({self.reference(node.table)}, {argument})"
        label = f"{self.variable.label} points {len(self.helpers) + 1}"
        self.helpers.append(Helper(label, self.allowed(node.table)))
        return f"LOOKUP({quoted(label)}, {argument})"

    def rewritten(self, node: Expression) -> Expression:
        while isinstance(node, Call):
            function, arguments = node.function, node.arguments
            if function in _REWRITTEN:
                node = _REWRITTEN[function](*arguments)
            elif function == "sum" and self.at_once and isinstance(arguments[0], Reference):
                break
            elif function in REDUCTIONS or function == "elmcount":
                node = self._written_out(node)
            else:
                break
        return node

    def call(self, node: Call) -> str:
        function, arguments = node.function, node.arguments
        if function == "sum":
            return f"SUM({self.spell(arguments[0])})"
        if function in ("if_then_else", "smooth_n", "delay_n", "random_normal", "floor_modulo"):
            return self._reordered(function, arguments)
        if function == "lookup_extrapolate" or function == "lookup_backward":
            return self._as_another_kind(function, arguments)
        if function not in _SAME:
            raise self.no_counterpart(FUNCTIONS[function].vensim)
        return f"{_SAME[function]}({', '.join(self.spell(each) for each in arguments)})"

    def _reordered(self, function: str, arguments: tuple[Expression, ...]) -> str:
        parts = [self.spell(each) for each in arguments]
        match function:
            case "if_then_else":
                return f"IF {parts[0]} THEN {parts[1]} ELSE {parts[2]}"
            case "floor_modulo":
                return f"MOD({parts[0]}, {parts[1]})"
            case "random_normal":
                low, high, mean, deviation, seed = parts
                return f"NORMAL({mean}, {deviation}, {seed}, {low}, {high})"
        x, time, initial, order = parts
        return f"{'SMTHN' if function == 'smooth_n' else 'DELAYN'}({x}, {time}, {order}, {initial})"

    def _as_another_kind(self, function: str, arguments: tuple[Expression, ...]) -> str:
        table, x = arguments
        found = self.document.model.variables.get(table.name) if isinstance(table, Reference) else None
        if found is None or found.dimensions or not isinstance(found.definitions[0].expression, Table):
            raise self.no_counterpart(FUNCTIONS[function].vensim)
        points = found.definitions[0].expression
        kind = "extrapolate" if function == "lookup_extrapolate" else "discrete"
        return self.lookup_call(LookupCall(Table(points.x, points.y, kind), x))

    def _written_out(self, node: Call) -> Expression:
        """A reduction as its terms, in the order of the kernel."""
        subscripts, function = self.document.subscripts, node.function
        if function == "elmcount" and isinstance(node.arguments[0], Reference):
            return Number(float(len(subscripts.elements(node.arguments[0].name))))
        terms: list[Expression] = []
        for argument in node.arguments:
            marked = subscripts.reduced(argument)
            for elements in product(*(subscripts.elements(each) for each in marked)):
                inner = {f"{name}!": element for name, element in zip(marked, elements, strict=True)}
                terms.append(self._at(argument, self.chosen | inner))
        match function:
            case "sum" | "prod":
                return tree_of("+" if function == "sum" else "*", terms)
            case "mean":
                return Binary("/", tree_of("+", terms), Number(float(len(terms))))
            case "size_of":
                return Number(float(len(terms)))
            case "vmin" | "vmax":
                while len(terms) > 1:
                    pairs: list[Expression] = [
                        Call(function[1:], (terms[i], terms[i + 1])) for i in range(0, len(terms) - 1, 2)
                    ]
                    terms = pairs + terms[len(terms) - len(terms) % 2 :]
                return terms[0]
        raise self.no_counterpart(FUNCTIONS[function].vensim if function in FUNCTIONS else function.upper())

    def _at(self, node: Expression, chosen: Mapping[str, str]) -> Expression:
        """An expression with the elements that its subscripts stand for."""
        match node:
            case Reference(name, subscripts):
                if name not in self.document.model.variables:
                    index = self.document.subscripts.index(name, chosen)
                    return node if index is None or name == "time" else Number(float(index))
                inner = [self._resolved(each, chosen) for each in subscripts]
                return Reference(name, tuple(inner))
            case Unary(operator, operand):
                return Unary(operator, self._at(operand, chosen))
            case Binary(operator, left, right):
                return Binary(operator, self._at(left, chosen), self._at(right, chosen))
            case Call(function, arguments):
                return Call(function, tuple(self._at(each, chosen) for each in arguments))
            case LookupCall(table, argument):
                found = table if isinstance(table, Table) else self._at(table, chosen)
                assert isinstance(found, Table | Reference)
                return LookupCall(found, self._at(argument, chosen))
        return node

    def _resolved(self, subscript: str, chosen: Mapping[str, str]) -> str:
        if subscript.endswith("!") and subscript not in chosen:
            return subscript
        element = self.document.subscripts.resolve(subscript, chosen)
        return subscript if element is None else element

    def _bracket(self, node: Reference) -> str:
        if not node.subscripts:
            return ""
        if node.subscripts == self.dimensions and self.at_once:
            return ""
        shown = []
        for each in node.subscripts:
            if each.endswith("!") and each not in self.chosen:
                shown.append("*")
                continue
            dimensions = self.document.model.dimensions
            if self.at_once and each in dimensions:
                shown.append(quoted(self.document.dimension(each)))
                continue
            element = self.document.subscripts.resolve(each, self.chosen)
            if element is None:
                raise self.refused(
                    "`{name}`: the subscript `{subscript}` cannot be written as {format}", subscript=each
                )
            shown.append(quoted(self.document.element(element)))
        return "[" + ", ".join(shown) + "]"


def quoted(label: str) -> str:
    """A name as an equation of XMILE writes it: with underscores where it is plain, else in quotes."""
    joined = "_".join(label.split())
    if _PLAIN.fullmatch(joined) and joined.casefold() not in KEYWORDS:
        return joined
    return '"' + " ".join(label.split()).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _if(condition: Expression, then: Expression, otherwise: Expression) -> Expression:
    return Call("if_then_else", (condition, then, otherwise))


def _truncated(x: Expression) -> Expression:
    return _if(Binary("<", x, _ZERO), Unary("-", Call("floor", (Unary("-", x),))), Call("floor", (x,)))


def _divided(a: Expression, b: Expression, x: Expression = _ZERO) -> Expression:
    return _if(Binary("<", Call("abs", (b,)), _SMALL), x, Binary("/", a, b))


def _pulse(start: Expression, width: Expression) -> Expression:
    end = Binary("+", start, Call("max", (width, Reference("time_step"))))
    return Binary("-", Call("step", (_ONE, start)), Call("step", (_ONE, end)))


def _modulo(a: Expression, b: Expression) -> Expression:
    size, base = Call("abs", (a,)), Call("abs", (b,))
    rest = Call("floor_modulo", (size, base))
    return _if(Binary("<", a, _ZERO), Unary("-", rest), rest)


_REWRITTEN: dict[str, Callable[..., Expression]] = {
    "game": lambda x: x,
    "pi": lambda: Number(math.pi),
    "integer": _truncated,
    "quantum": lambda a, b: _if(Binary("<=", b, _ZERO), a, Binary("*", b, _truncated(Binary("/", a, b)))),
    "power": lambda a, b: Binary("^", a, b),
    "log": lambda x, base: Binary("/", Call("ln", (x,)), Call("ln", (base,))),
    "modulo": _modulo,
    "xidz": _divided,
    "zidz": _divided,
    "pulse": _pulse,
    "random_0_1": lambda: Call("random_uniform", (_ZERO, _ONE, _ZERO)),
}
