"""The equations of a model in Vensim's words."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import ClassVar, Protocol

from alliance_dynamics.export.spelling import Speller, spell_number, tree_of
from alliance_dynamics.kernel.subscripts import Subscripts
from alliance_dynamics.model.expression import (
    Array,
    Binary,
    Call,
    Expression,
    LookupCall,
    Number,
    Reference,
    Table,
)
from alliance_dynamics.model.functions import FUNCTIONS, function_of_vensim
from alliance_dynamics.model.model import Definition, Model, Variable
from alliance_dynamics.model.names import canonical
from alliance_dynamics.model.parse import NOT_AVAILABLE

_PLAIN = re.compile(r"[^\W\d_][\w ]*")
_BY_TABLE = {
    "extrapolate": "LOOKUP EXTRAPOLATE",
    "discrete": "LOOKUP BACKWARD",
    "backward": "LOOKUP BACKWARD",
    "forward": "LOOKUP FORWARD",
}


class Names(Protocol):
    """What a speller needs of the text."""

    model: Model
    names: dict[str, str]
    subscripts: Subscripts
    made: set[str]

    def bracket(self, subscripts: tuple[str, ...]) -> str: ...

    def subscript(self, name: str) -> str: ...

    def table(self, name: str, table: Table) -> str: ...


class VensimSpeller(Speller):
    """The right-hand side of one equation; `tables` are statements that it needs before it."""

    format = "Vensim"
    operators: ClassVar[Mapping[str, str]] = {"and": ":AND:", "or": ":OR:", "not ": ":NOT: "}

    def __init__(self, text: Names, variable: Variable, definition: Definition):
        super().__init__(variable.label, definition.place)
        self.text, self.variable, self.definition = text, variable, definition
        self.tables: list[str] = []

    def right_hand_side(self) -> str:
        expression, initial = self.definition.expression, self.definition.initial
        match expression:
            case Table() if self.variable.kind == "lookup":
                return f"(\n\t{points(expression)})"
            case Array():
                return "=\n\t" + self._numbers(expression)
        if self.variable.kind == "stock":
            assert initial is not None
            return f"=\n\tINTEG({self.spell(expression)}, {self.spell(initial)})"
        if initial is not None:
            return f"=\n\tACTIVE INITIAL({self.spell(expression)}, {self.spell(initial)})"
        return "=\n\t" + self.spell(expression)

    def number(self, value: float) -> str:
        return ":NA:" if value == NOT_AVAILABLE else super().number(value)

    def is_atom(self, text: str) -> bool:
        return not text.startswith(("-", "("))

    def reference(self, node: Reference) -> str:
        names = self.text.names
        if node.name in names:
            return names[node.name] + self.text.bracket(node.subscripts)
        return self.text.subscript(node.name)

    def lookup_call(self, node: LookupCall) -> str:
        argument = self.spell(node.argument)
        if isinstance(node.table, Table):
            rk = self.text.model.time.method != "euler"
            if node.table.interpolation == "raw" or (self.variable.kind == "data" and rk):
                raise self.refused("`{name}` is a series of data, which cannot be written as {format}")
            if node.table.interpolation == "continuous":
                return f"WITH LOOKUP({argument}, ({_frame(node.table)},{points(node.table)}))"
            name = canonical(f"{self.variable.name} points {len(self.text.made) + 1}")
            self.tables.append(self.text.table(name, node.table))
            return f"{_BY_TABLE[node.table.interpolation]}({quoted(name, name)}, {argument})"
        lookup = self.text.model.variables[node.table.name]
        kinds = {each.expression.interpolation for each in lookup.definitions if isinstance(each.expression, Table)}
        table = self.reference(node.table)
        if kinds == {"continuous"}:
            return f"{table}({argument})"
        if len(kinds) == 1 and (kind := kinds.pop()) in _BY_TABLE:
            return f"{_BY_TABLE[kind]}({table}, {argument})"
        raise self.refused("`{name}`: lookups of several kinds in one array cannot be written as {format}")

    def rewritten(self, node: Expression) -> Expression:
        while isinstance(node, Call):
            if node.function == "mean":
                node = self._mean(node)
            elif node.function in _REWRITTEN:
                node = _REWRITTEN[node.function](*node.arguments)
            else:
                break
        return node

    def call(self, node: Call) -> str:
        function, arguments = node.function, node.arguments
        row = FUNCTIONS.get(function)
        if function.startswith("get_data_"):
            raise self.refused("`{name}` is a series of data, which cannot be written as {format}")
        if row is None or function_of_vensim(row.vensim) is not row:
            raise self.no_counterpart(row.vensim if row else function)
        return f"{row.vensim}({', '.join(self.spell(each) for each in arguments)})"

    def _mean(self, node: Call) -> Expression:
        subscripts = self.text.subscripts
        marked = subscripts.reduced(node)
        if not marked:
            return Binary("/", tree_of("+", node.arguments), Number(float(len(node.arguments))))
        count = math.prod(len(subscripts.elements(each)) for each in marked)
        return Binary("/", Call("sum", node.arguments), Number(float(count)))

    def _numbers(self, numbers: Array) -> str:
        texts = [self.number(each) for each in numbers.values]
        if len(long_sides(numbers)) < 2:
            return ", ".join(texts)
        width = long_sides(numbers)[-1]
        return " ".join(", ".join(texts[i : i + width]) + ";" for i in range(0, len(texts), width))


def quoted(name: str, label: str) -> str:
    """A name as Vensim writes it: bare where it is plain, else in quotes; empty where it cannot be written."""
    for each in (label, name):
        each = " ".join(each.split())
        plain = _PLAIN.fullmatch(each) and function_of_vensim(each) is None
        written = each if plain else '"' + each.replace("\\", "").replace('"', '\\"') + '"'
        if canonical(written) == name:
            return written
    return ""


def long_sides(numbers: Array) -> list[int]:
    """The sizes of an array along which there is more than one number."""
    return [each for each in numbers.shape if each > 1]


def points(table: Table) -> str:
    """The points of a lookup in parentheses."""
    return ", ".join(f"({spell_number(x)},{spell_number(y)})" for x, y in zip(table.x, table.y, strict=True))


def _frame(table: Table) -> str:
    ends = (min(table.x), min(table.y), max(table.x), max(table.y))
    left, low, right, high = map(spell_number, ends)
    return f"[({left},{low})-({right},{high})]"


def _if(condition: Expression, then: Expression, otherwise: Expression) -> Call:
    return Call("if_then_else", (condition, then, otherwise))


def _rewritten() -> dict[str, Callable[..., Expression]]:
    zero, half, dt = Number(0.0), Number(0.5), Reference("time_step")

    def floor(x: Expression) -> Expression:
        whole = Call("integer", (x,))
        return _if(Binary("<", x, whole), Binary("-", whole, Number(1.0)), whole)

    def floor_modulo(a: Expression, b: Expression) -> Expression:
        return Binary("-", a, Binary("*", floor(Binary("/", a, b)), b))

    def wave(function: str):
        def build(amplitude: Expression, period: Expression) -> Expression:
            angle = Binary("/", Binary("*", Number(2 * math.pi), Reference("time")), period)
            return Binary("*", amplitude, Call(function, (angle,)))

        return build

    def pulse(magnitude: Expression, first: Expression, *interval: Expression) -> Expression:
        height = Binary("/", magnitude, dt)
        once = _if(Binary(">", Call("pulse", (first, dt)), zero), height, zero)
        if not interval:
            return once
        far = Binary("+", Reference("final_time"), dt)
        again = _if(Binary(">", Call("pulse_train", (first, dt, interval[0], far)), zero), height, zero)
        return _if(Binary(">", interval[0], zero), again, once)

    return {
        "pi": lambda: Number(math.pi),
        "floor": floor,
        "round": lambda x: floor(Binary("+", x, half)),
        "log10": lambda x: Call("log", (x, Number(10.0))),
        "floor_modulo": floor_modulo,
        "safediv": lambda a, b, x=zero: _if(Binary("=", b, zero), x, Binary("/", a, b)),
        "sine_wave": wave("sin"),
        "cosine_wave": wave("cos"),
        "xmile_pulse": pulse,
    }


_REWRITTEN = _rewritten()
