"""Equations as page text: every name a link to its card."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup, escape

from alliance_dynamics.model.expression import (
    Array,
    Binary,
    Call,
    Expression,
    LookupCall,
    Number,
    Reference,
    Table,
    Unary,
)
from alliance_dynamics.model.model import Definition, Model, Variable
from alliance_dynamics.report.blocks import slug

STRENGTH = {
    "or": 1,
    "and": 2,
    "=": 3,
    "<>": 3,
    "<": 3,
    "<=": 3,
    ">": 3,
    ">=": 3,
    "+": 4,
    "-": 4,
    "*": 5,
    "/": 5,
    "^": 7,
}
SIGNS = {"-": "−", "*": "·", "<=": "≤", ">=": "≥", "<>": "≠", "and": " :AND: ", "or": " :OR: "}
POINTS_SHOWN, NUMBERS_SHOWN = 60, 40


def anchor(name: str) -> str:
    """The address of a variable's card on the page; told apart by a number where letters do not do."""
    plain = slug(name)
    return f"v-{plain}" if plain.replace("-", "_") == name else f"v-{plain}-{sum(map(ord, name)):x}"


def equation(model: Model, variable: Variable, definition: Definition, labels: Mapping[str, str]) -> Markup:
    """`name[subscripts] = expression`; of a stock its net rate and its first value."""
    writer = _Writer(model, labels)
    left = Markup("<b>{}</b>").format(labels.get(variable.name, variable.label)) + writer.subscripts(
        definition.subscripts
    )
    if definition.excluded:
        left += Markup(" :EXCEPT: ") + Markup(", ").join(writer.subscripts(each) for each in definition.excluded)
    right = writer.text(definition.expression)
    if variable.kind == "stock":
        first = writer.text(definition.initial) if definition.initial is not None else Markup("0")
        return Markup("d {} / dt = {}<br>{} (t₀) = {}").format(left, right, left, first)
    return Markup("{} = {}").format(left, right)


class _Writer:
    def __init__(self, model: Model, labels: Mapping[str, str]):
        self.model, self.labels = model, labels

    def text(self, node: Expression, above: int = 0) -> Markup:
        match node:
            case Number(value):
                return Markup(escape(shown(value)))
            case Reference(name, subscripts):
                return self.name(name) + self.subscripts(subscripts)
            case Unary(operator, operand):
                sign = "−" if operator == "-" else ":NOT: "
                return self._bracketed(Markup(sign) + self.text(operand, 6), above > 4)
            case Binary(operator, left, right):
                own = STRENGTH[operator]
                sign = Markup(" {} ").format(SIGNS.get(operator, operator).strip())
                second = self.text(right, own + 1)
                return self._bracketed(self.text(left, own) + sign + second, above > own)
            case Call(function, arguments):
                inside = Markup(", ").join(self.text(each) for each in arguments)
                return Markup("{}({})").format(function.upper().replace("_", " "), inside)
            case LookupCall(table, argument):
                name = self.text(table) if isinstance(table, Reference) else Markup("({})").format(self.text(table))
                return Markup("{}({})").format(name, self.text(argument))
            case Table(x, y):
                pairs = [f"({shown(a)}; {shown(b)})" for a, b in zip(x, y, strict=True)]
                more = f" … ({len(pairs)})" if len(pairs) > POINTS_SHOWN else ""
                return Markup(escape(" ".join(pairs[:POINTS_SHOWN]) + more))
            case Array(_, values):
                more = f" … ({len(values)})" if len(values) > NUMBERS_SHOWN else ""
                return Markup(escape("; ".join(map(shown, values[:NUMBERS_SHOWN])) + more))
        raise TypeError(f"no such expression: {node!r}")

    def name(self, name: str) -> Markup:
        if name in self.model.variables:
            label = self.labels.get(name, self.model.variables[name].label.strip('"'))
            return Markup('<a href="#{}">{}</a>').format(anchor(name), label)
        return Markup(escape(self.element(name)))

    def subscripts(self, names: tuple[str, ...]) -> Markup:
        return Markup("[{}]").format(", ".join(map(self.element, names))) if names else Markup("")

    def element(self, name: str) -> str:
        """A dimension, subrange or element as it is called; `!` marks one that is summed over."""
        base = name.removesuffix("!")
        found = self.labels.get(f"element {base}") or next(
            (each.label for each in self.model.dimensions.values() if each.name == base), ""
        )
        for each in self.model.dimensions.values():
            if not found and base in each.elements:
                found = each.labels[each.elements.index(base)]
        return (found or base) + name[len(base) :]

    @staticmethod
    def _bracketed(text: Markup, needed: bool) -> Markup:
        return Markup("({})").format(text) if needed else text


def shown(value: float) -> str:
    """A number with the digits it was given, a decimal point and a true minus."""
    return f"{value:.10g}".replace("-", "−")


def written(value: float, language: str) -> str:
    """The same with the decimal sign of the language, for values that stand outside equations."""
    return shown(value).replace(".", "," if language == "ru" else ".")
