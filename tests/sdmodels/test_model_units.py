"""Unit algebra closes in every equation of the three models and of the composed one.

A strict reading: a number is dimensionless, except that 0 has every unit; a sum needs equal units; `^`, EXP, LN, a
look-up and a switch act on pure numbers; a stock's rate has the stock's unit per Year.
"""

from __future__ import annotations

import re
from collections import Counter

import pytest

from alliance_dynamics.model.built_in import ALLIANCE, MODULES, open_model
from alliance_dynamics.model.expression import Array, Binary, Call, LookupCall, Number, Reference, Unary

ANY = None  # the unit of 0
PURE: dict[str, int] = {}
YEAR = {"Year": 1}
SAME = {"max", "min", "sum"}


@pytest.mark.parametrize("name", [*MODULES, ALLIANCE])
def test_units_close(name):
    model = open_model(name)
    units = {key: parse(variable.unit) for key, variable in model.variables.items()} | {"time": YEAR}
    for key, variable in model.variables.items():
        for definition in variable.definitions:
            if variable.kind in ("constant", "lookup"):
                continue
            wanted = product(units[key], YEAR, -1) if variable.kind == "stock" else units[key]
            agree(unit_of(definition.expression, units, key), wanted, key)
            if variable.kind == "stock" and not (isinstance(definition.initial, Number)):
                agree(unit_of(definition.initial, units, key), units[key], key)


def unit_of(node, units, where):
    match node:
        case Number(value):
            return ANY if value == 0 else PURE
        case Array():
            return ANY
        case Reference(name, _):
            return units[name]
        case Unary(_, operand):
            return unit_of(operand, units, where)
        case LookupCall(_, argument):
            agree(unit_of(argument, units, where), PURE, where)
            return PURE
        case Binary("^", base, power):
            for part in (base, power):
                value = unit_of(part, units, where)
                if isinstance(power, Number) and part is base:
                    return Counter({key: n * int(power.value) for key, n in (value or {}).items()})
                agree(value, PURE, where)
            return PURE
        case Binary(operator, left, right):
            a, b = (unit_of(part, units, where) for part in (left, right))
            if operator in "*/":
                return ANY if ANY in (a, b) else product(a, b, 1 if operator == "*" else -1)
            agree(a, b, where)
            return PURE if operator in ("=", "<", "<=", ">", ">=", "<>") else (b if a is ANY else a)
        case Call(function, arguments):
            found = [unit_of(part, units, where) for part in arguments]
            if function in SAME:
                return common(found, where)
            if function in ("exp", "ln"):
                agree(found[0], PURE, where)
                return PURE
            if function == "zidz":
                return product(found[0], found[1], -1)
            if function == "if_then_else":
                return common(found[1:], where)
            raise AssertionError(f"{where}: {function}")
    raise AssertionError(f"{where}: {node}")


def common(units, where):
    """The one unit of several parts; 0 fits all."""
    known = [unit for unit in units if unit is not ANY]
    for unit in known:
        agree(unit, known[0], where)
    return known[0] if known else ANY


def agree(found, wanted, where):
    assert ANY in (found, wanted) or clean(found) == clean(wanted), f"{where}: {clean(found)} is not {clean(wanted)}"


def product(left, right, sign):
    total = Counter(left)
    for key, power in right.items():
        total[key] += sign * power
    return total


def clean(unit):
    return {key: power for key, power in unit.items() if power}


def parse(text: str) -> dict[str, int]:
    """`bn RUB/(Year*person)` as powers; Dmnl and 1 are pure."""
    total: Counter[str] = Counter()
    sign = depth = 1
    for token in re.findall(r"[/*()]|[^/*()]+", text):
        if token == "/":
            sign = -1
        elif token == "(":
            depth = sign
        elif token == ")":
            sign = depth = 1
        elif token == "*":
            sign = depth
        elif token.strip() not in ("", "1", "Dmnl"):
            total[token.strip()] += sign
    return clean(total)
