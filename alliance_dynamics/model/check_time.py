"""The four control constants: numbers that make a time axis, known before any step is taken."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from alliance_dynamics.errors import Fault, fault
from alliance_dynamics.model import expression as ex
from alliance_dynamics.model.model import Model, Variable

MOST_STEPS = 100_000_000
CONTROLS = ("initial_time", "final_time", "time_step", "saveper")

_BINARY: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "^": lambda a, b: a**b,
    "<": lambda a, b: float(a < b),
    "<=": lambda a, b: float(a <= b),
    ">": lambda a, b: float(a > b),
    ">=": lambda a, b: float(a >= b),
    "=": lambda a, b: float(a == b),
    "<>": lambda a, b: float(a != b),
    "and": lambda a, b: float(bool(a) and bool(b)),
    "or": lambda a, b: float(bool(a) or bool(b)),
}
_CALLS: dict[str, Callable[..., float]] = {
    "min": lambda a, b: min(a, b),
    "max": lambda a, b: max(a, b),
    "abs": lambda a: abs(a),
    "sqrt": math.sqrt,
    "exp": math.exp,
    "ln": math.log,
    "power": math.pow,
    "integer": lambda a: float(math.trunc(a)),
    "if_then_else": lambda c, a, b: a if c else b,
    "initial": lambda a: a,
    "zidz": lambda a, b: a / b if abs(b) > 1e-6 else 0.0,
    "xidz": lambda a, b, x: a / b if abs(b) > 1e-6 else x,
}


class Varies(Exception):
    """The value changes while the model runs; `variable` is what makes it change."""

    def __init__(self, variable: str):
        super().__init__(variable)
        self.variable = variable


class Unknown(Exception):
    """The value is constant or not, but cannot be told here."""


def constant_value(model: Model, name: str) -> float:
    """The value of a scalar that only constants enter; Varies or Unknown where there is none."""
    return _value(model, ex.Reference(name), [])


def check_time(model: Model) -> list[Fault]:
    """Faults of the time axis; controls that the model lacks are the reader's business."""
    faults: list[Fault] = []
    values: dict[str, float] = {}
    for name in CONTROLS:
        variable = model.variables.get(name)
        if variable is None:
            continue
        if variable.dimensions or variable.kind in ("lookup", "data"):
            faults.append(
                fault(
                    variable.place,
                    "{name} is an array, a lookup or data",
                    expected="Expected one number",
                    name=variable.label,
                )
            )
            continue
        try:
            values[name] = constant_value(model, name)
        except Varies as error:
            label = model.variables[error.variable].label if error.variable in model.variables else error.variable
            faults.append(
                fault(
                    variable.place,
                    "{name} depends on `{other}`, which changes during a run",
                    expected="Expected a number known before the first step.",
                    name=variable.label,
                    other=label,
                )
            )
        except (ZeroDivisionError, OverflowError, ValueError):
            faults.append(
                fault(variable.place, "{name} cannot be computed", expected="Expected a number.", name=variable.label)
            )
        except Unknown:
            continue
    for name, value in values.items():
        if not math.isfinite(value):
            faults.append(
                fault(
                    model.variables[name].place,
                    "{name} is {value}",
                    expected="Expected a finite number.",
                    name=model.variables[name].label,
                    value=value,
                )
            )
    return faults or _relations(model.variables, values)


def _relations(variables: object, values: dict[str, float]) -> list[Fault]:
    assert isinstance(variables, dict)
    faults: list[Fault] = []

    def add(name: str, what: str, expected: str, **more: Any) -> None:
        variable: Variable = variables[name]
        faults.append(fault(variable.place, what, expected=expected, name=variable.label, value=values[name], **more))

    for name in ("time_step", "saveper"):
        if name in values and values[name] <= 0:
            add(name, "{name} is {value:g}", "Expected a number above 0.")
            break  # SAVEPER mostly follows TIME STEP, and would only say the same again
    if "initial_time" in values and "final_time" in values:
        span = values["final_time"] - values["initial_time"]
        dt = values.get("time_step", 0.0)
        if span < 0:
            add(
                "final_time",
                "{name} is {value:g}, before the start at {start:g}",
                "Expected a time at or after the start.",
                start=values["initial_time"],
            )
        elif dt > 0 and span / dt > MOST_STEPS:
            add(
                "time_step",
                "{name} of {value:g} makes {count:.3g} steps",
                "At most {limit:.0e} are taken.",
                count=span / dt,
                limit=MOST_STEPS,
            )
        elif dt > span > 0:
            add(
                "time_step",
                "{name} of {value:g} is longer than the whole run of {span:g}",
                "Expected at least one step.",
                span=span,
            )
    return faults


def _value(model: Model, node: ex.Expression, path: list[str]) -> float:
    match node:
        case ex.Number(value):
            return value
        case ex.Unary("-", operand):
            return -_value(model, operand, path)
        case ex.Unary("not", operand):
            return float(not _value(model, operand, path))
        case ex.Binary(operator, left, right):
            result = _BINARY[operator](_value(model, left, path), _value(model, right, path))
            if isinstance(result, complex):
                raise ValueError(operator)
            return result
        case ex.Call(function, arguments) if function in _CALLS:
            return float(_CALLS[function](*(_value(model, each, path) for each in arguments)))
        case ex.Call("time_step" | "final_time" | "initial_time" as name, ()):
            return _value(model, ex.Reference(name), path)
        case ex.Reference("time", _):
            raise Varies("time")
        case ex.Reference(name, _):
            variable = model.variables.get(name)
            if variable is None or name in path or len(path) > 200:
                raise Unknown(name)
            if variable.kind in ("stock", "data"):
                raise Varies(name)
            if variable.dimensions or len(variable.definitions) != 1:
                raise Unknown(name)
            return _value(model, variable.definitions[0].expression, [*path, name])
    raise Unknown(type(node).__name__)
