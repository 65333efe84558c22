"""Whether the units on both sides of every equation agree, by pint.

A strict reading: every name of a unit is a dimension of its own, in any case, one or many (`year`, `Years`); a number
is dimensionless, except that 0 has every unit; sums and comparisons need equal units; powers other than fixed whole
ones, EXP, LN and the argument of a look-up need pure numbers; the rate of a stock has the unit of the stock over time.
What has no unit, or comes out of a function that this page does not know, is not judged.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, cast

from alliance_dynamics.errors import Fault, fault
from alliance_dynamics.model.expression import Array, Binary, Call, Expression, LookupCall, Number, Reference, Unary
from alliance_dynamics.model.model import Definition, Model, Variable

Unit = Any  # a pint.Unit, which is imported where it is needed only
ANY = None  # the unit of 0, and of what is not judged
PURE_WORDS = {"dmnl", "dimensionless", "1", "", "fraction", "unitless"}
SAME = {"max", "min", "sum", "vmax", "vmin", "abs", "integer"}
PURE_FUNCTIONS = {"exp", "ln", "log", "sin", "cos", "tan", "arcsin", "arccos", "arctan"}
COMPARISONS = {"=", "<>", "<", "<=", ">", ">="}


class _Disagreement(Exception):
    """Two units that should be equal: what was found and what was expected."""

    def __init__(self, found: Unit, expected: Unit):
        super().__init__()
        self.found, self.expected = found, expected


def unit_faults(model: Model, only: Collection[str] | None = None) -> list[Fault]:
    """One fault for each equation whose units do not agree; `only` names variables whose equations are looked at."""
    from pint import UnitRegistry

    registry = UnitRegistry(cast(str, None), on_redefinition="ignore")
    faults: list[Fault] = []
    units: dict[str, Unit | None] = {}
    for name, variable in model.variables.items():
        try:
            units[name] = _parsed(registry, variable.unit)
        except ValueError:
            units[name] = ANY
            faults.append(fault(variable.place, "`{name}` has the unit `{unit}`, which cannot be read",
                                expected="Names joined by * and /, with whole powers",
                                name=variable.label, unit=variable.unit))  # fmt: skip
    times = [_parsed(registry, model.time.unit), units.get("time_step")]
    time = next((each for each in times if each is not None and each != registry.dimensionless), ANY)
    units["time"] = time
    for name, variable in model.variables.items():
        if only is None or name in only:
            faults += _faults(variable, units, time, registry.dimensionless)
    return faults


def _parsed(registry: Any, text: str) -> Unit | None:
    """The unit of a text; None for an empty one.  ValueError where it is no product of names."""
    plain = text.partition("[")[0].strip()
    if not plain:
        return ANY
    unit = registry.dimensionless
    sign, depth, last = 1, [1], None
    for token in re.findall(r"[()*/]|\^ *-?\d+|[^()*/^]+", plain):
        word = token.strip()
        if word in ("*", ""):
            continue
        if word == "/":
            sign = -1
        elif word == "(":
            depth.append(depth[-1] * sign)
            sign = 1
        elif word == ")":
            depth.pop()
            last = None
            if not depth:
                raise ValueError(text)
        elif word.startswith("^"):
            if last is None:
                raise ValueError(text)
            unit, last = unit * last ** (int(word[1:]) - 1), None
        elif word.lower() in PURE_WORDS:
            last, sign = registry.dimensionless, 1
        else:
            name = _name(word)
            if name not in registry:
                registry.define(f"{name} = [{name}]")
            last = registry.Unit(name) ** (sign * depth[-1])
            unit, sign = unit * last, 1
    if len(depth) != 1:
        raise ValueError(text)
    return unit


def _name(word: str) -> str:
    """A name that pint takes: letters of any script, without case and the plural s."""
    plain = re.sub(r"[^\w]+", "_", word.lower()).strip("_")
    plain = plain.removesuffix("s") if len(plain) > 2 else plain
    return f"unit_{plain}"


def _faults(variable: Variable, units: Mapping[str, Unit | None], time: Unit | None, pure: Unit) -> Iterator[Fault]:
    own = units[variable.name]
    for definition in variable.definitions:
        if variable.kind in ("constant", "lookup", "data"):
            continue
        try:
            _agree_definition(variable, definition, own, units, time, pure)
        except _Disagreement as found:
            yield fault(
                definition.place or variable.place, "In `{name}` the unit {found} meets {other}",
                expected="Equal units on both sides and between the terms of a sum",
                name=variable.label, found=_shown(found.found), other=_shown(found.expected),
            )  # fmt: skip


def _agree_definition(
    variable: Variable, definition: Definition, own: Unit | None, units: Mapping[str, Unit | None], time: Unit | None,
    pure: Unit,
) -> None:  # fmt: skip
    wanted = own
    if variable.kind == "stock":
        wanted = ANY if own is None or time is None else own / time
        if definition.initial is not None and not isinstance(definition.initial, Number):
            _agree(_unit(definition.initial, units, pure), own)
    if isinstance(definition.expression, Number):
        return
    _agree(_unit(definition.expression, units, pure), wanted)


def _agree(found: Unit | None, expected: Unit | None) -> None:
    if found is not None and expected is not None and found != expected:
        raise _Disagreement(found, expected)


def _unit(node: Expression, units: Mapping[str, Unit | None], pure: Unit) -> Unit | None:
    match node:
        case Number(value):
            return ANY if value == 0 else pure
        case Reference(name, _):
            return units.get(name)
        case Unary("not", _):
            return pure
        case Unary(_, operand):
            return _unit(operand, units, pure)
        case LookupCall(_, argument):
            _agree(_unit(argument, units, pure), pure)
            return ANY if not isinstance(node.table, Reference) else units.get(node.table.name)
        case Binary():
            return _binary(node, units, pure)
        case Call(function, arguments):
            return _call(function, [_unit(each, units, pure) for each in arguments], pure)
        case Array():
            return ANY
    return ANY


def _binary(node: Binary, units: Mapping[str, Unit | None], pure: Unit) -> Unit | None:
    left, right = _unit(node.left, units, pure), _unit(node.right, units, pure)
    match node.operator:
        case "^":
            _agree(right, pure)
            if isinstance(node.right, Number) and node.right.value == int(node.right.value):
                return ANY if left is None else left ** int(node.right.value)
            _agree(left, pure)
            return pure
        case "*":
            return ANY if left is None or right is None else left * right
        case "/":
            return ANY if left is None or right is None else left / right
        case "and" | "or":
            return pure
        case operator:
            _agree(left, right)
            return pure if operator in COMPARISONS else (right if left is None else left)


def _call(function: str, found: list[Unit | None], pure: Unit) -> Unit | None:
    if function in SAME:
        return _common(found)
    if function in PURE_FUNCTIONS:
        _agree(found[0], pure)
        return pure
    if function in ("zidz", "xidz"):
        left, right = found[:2]
        result = ANY if left is None or right is None else left / right
        if function == "xidz":
            _agree(result, found[2])
        return result
    if function == "if_then_else":
        return _common(found[1:])
    if function == "step":
        return found[0]
    return ANY


def _common(found: list[Unit | None]) -> Unit | None:
    known = [each for each in found if each is not None]
    for each in known[1:]:
        _agree(each, known[0])
    return known[0] if known else ANY


def _shown(unit: Unit) -> str:
    """The unit in plain letters, as `bn*rub/year`."""
    text = f"{unit:~C}" if str(unit) != "dimensionless" else "Dmnl"
    return text.replace("unit_", "").replace("**", "^")
