"""Non-negative stocks: their outflows limited to what the stock holds, in the order in which they are listed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from alliance_dynamics.errors import ModelError, fault
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

MOST_FLOWS = 500


def limit_outflows(
    variables: dict[str, Variable], stocks: Iterable[tuple[str, tuple[str, ...], tuple[str, ...]]]
) -> list[str]:
    """Limits the outflows of non-negative stocks in place; returns notices.

    `stocks` are names with those of their inflows and outflows.  Each outflow becomes min(itself, what is left), where
    left = stock / dt + inflows - outflows listed before it (engine section 3.4).  An inflow that itself depends on the
    outflow cannot be counted without a loop and is left out, which limits more and is said in a notice.
    """
    notices: list[str] = []
    users: dict[str, set[str]] = {}
    for name, variable in variables.items():
        _note(name, variable, users)
    for stock, inflows, outflows in stocks:
        if outflows and len(inflows) + len(outflows) > MOST_FLOWS:
            raise ModelError(
                fault(
                    variables[stock].place,
                    "the stock {label} has {count} flows, too many to limit one after the other",
                    expected="At most {limit} flows at a stock that stays at or above 0",
                    remedy="Join flows, or put them into an array",
                    label=repr(variables[stock].label),
                    count=len(inflows) + len(outflows),
                    limit=MOST_FLOWS,
                )
            )
        before: list[str] = []
        for outflow in outflows:
            if outflow not in variables:
                continue
            flows = [(name, "+") for name in inflows] + [(name, "-") for name in before]
            kept = []
            later = _dependents(outflow, users)
            for name, sign in flows:
                if name == outflow:
                    continue
                if name in later:
                    notices.append(
                        f"{variables[name].label} depends on {variables[outflow].label} and is not counted where"
                        f" {variables[stock].label} limits it to stay at or above 0."
                    )
                    continue
                kept.append((name, sign))
            variables[outflow] = _limited(variables, stock, outflow, kept)
            _note(outflow, variables[outflow], users)
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


def _note(name: str, variable: Variable, users: dict[str, set[str]]) -> None:
    """Adds a variable to the users of what it needs."""
    for each in _names(variable):
        users.setdefault(each, set()).add(name)


def _dependents(name: str, users: Mapping[str, set[str]]) -> set[str]:
    """The variables that need a variable at the same moment, directly or through others."""
    stack, seen = [name], {name}
    while stack:
        for each in users.get(stack.pop(), ()):
            if each not in seen:
                seen.add(each)
                stack.append(each)
    return seen


def at_least_zero(expression: Expression) -> Expression:
    """A flow that must not be negative."""
    if isinstance(expression, Number):
        return Number(max(0.0, expression.value))
    return Call("max", (ZERO, expression))
