"""Non-negative stocks: their outflows limited to what the stock holds, in the order in which they are listed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from alliance_dynamics.model.expression import (
    Array,
    Binary,
    Call,
    Expression,
    LookupCall,
    Number,
    Reference,
    walk,
)
from alliance_dynamics.model.model import Definition, Variable
from alliance_dynamics.model.xmile_functions import DT, ZERO


def limit_outflows(
    variables: dict[str, Variable], stocks: Iterable[tuple[str, tuple[str, ...], tuple[str, ...]]]
) -> list[str]:
    """Limits the outflows of non-negative stocks in place; returns notices.

    `stocks` are names with those of their inflows and outflows.  Each outflow becomes min(itself, what is left), where
    left = stock / dt + inflows - outflows listed before it (engine section 3.4).  An inflow that itself depends on the
    outflow cannot be counted without a loop and is left out, which limits more and is said in a notice.
    """
    notices: list[str] = []
    needs = {name: _names(variable) for name, variable in variables.items()}
    for stock, inflows, outflows in stocks:
        before: list[str] = []
        for outflow in outflows:
            if outflow not in variables:
                continue
            flows = [(name, "+") for name in inflows] + [(name, "-") for name in before]
            kept = []
            for name, sign in flows:
                if name == outflow:
                    continue
                if _reaches(name, outflow, needs):
                    notices.append(
                        f"{variables[name].label} depends on {variables[outflow].label} and is not counted where"
                        f" {variables[stock].label} limits it to stay at or above 0."
                    )
                    continue
                kept.append((name, sign))
            variables[outflow] = _limited(variables, stock, outflow, kept)
            needs[outflow] = _names(variables[outflow])
            before.append(outflow)
    return notices


def _limited(variables: dict[str, Variable], stock: str, outflow: str, flows: list[tuple[str, str]]) -> Variable:
    variable = variables[outflow]
    definitions = []
    for definition in _without_arrays(variable, variables):
        here = definition.subscripts

        def at(name: str, here: tuple[str, ...] = here) -> Expression:
            return Reference(name, here if variables[name].dimensions else ())

        left: Expression = Binary("/", at(stock), DT)
        for name, sign in flows:
            left = Binary("+" if sign == "+" else "-", left, at(name))
        limited = Call("min", (definition.expression, Call("max", (ZERO, left))))
        definitions.append(replace(definition, expression=limited))
    return replace(variable, definitions=tuple(definitions))


def _without_arrays(variable: Variable, variables: Mapping[str, Variable]) -> list[Definition]:
    """Definitions with one expression each; numbers of an array as a table over its positions."""
    found: list[Definition] = []
    for definition in variable.definitions:
        if isinstance(definition.expression, Array):
            raise ValueError("a flow is written out element by element")
        found.append(definition)
    return found


def _names(variable: Variable) -> set[str]:
    """The variables that a variable needs at the same moment."""
    if variable.kind == "stock":
        return set()
    return {
        node.name
        for definition in variable.definitions
        for expression in (definition.expression, definition.initial)
        if expression is not None
        for node in walk(expression)
        if isinstance(node, Reference)
    } | {
        node.table.name
        for definition in variable.definitions
        for node in walk(definition.expression)
        if isinstance(node, LookupCall) and isinstance(node.table, Reference)
    }


def _reaches(start: str, goal: str, needs: Mapping[str, set[str]]) -> bool:
    stack, seen = [start], {start}
    while stack:
        name = stack.pop()
        if name == goal:
            return True
        for each in needs.get(name, ()):
            if each not in seen:
                seen.add(each)
                stack.append(each)
    return False


def at_least_zero(expression: Expression) -> Expression:
    """A flow that must not be negative."""
    if isinstance(expression, Number):
        return Number(max(0.0, expression.value))
    return Call("max", (ZERO, expression))
