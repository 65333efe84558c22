"""What one run changes: constants and initial values as data of the run, lookups as another program.

Constants and initial values of stocks are columns of the parameter vector, so that any values of them share one
compiled program.  The points of lookups, and constants that decide how a model is built (the order of a delay), make a
program of their own, which is compiled anew; nothing of one run can be left over for another.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.errors import Fault, Place, UsageError, fault, nearest
from alliance_dynamics.kernel.equations import Points
from alliance_dynamics.kernel.flatten import flatten, initial_name
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.model.expression import Call, Reference, walk
from alliance_dynamics.model.model import Model, Variable
from alliance_dynamics.model.names import canonical, flat
from alliance_dynamics.settings import elements_of, named, targets_of

Value = float | Sequence[Sequence[float]]
SETTABLE = ("constant", "stock", "lookup")
# Functions with an argument that must be a number before any run.
BUILT_BY_NUMBERS = ("delay_n", "smooth_n", "get_time_value", "get_data_between_times", "vector_select")
BUILT_BY_NUMBERS += ("allocate_available", "allocate_by_priority")


def program_of(model: Model) -> Program:
    """The flattened program of a model as it stands in its file, made once per model hash."""
    return _flatten(_ByHash(model), (), (), ())


def program_with(
    model: Model, changes: Mapping[str, Value], times: Mapping[str, float] | None = None
) -> tuple[Program, NDArray[np.float64]]:
    """The program and parameter vector of a run with some changes; UsageError with all faults of the changes.

    `times` are controls that the run changes besides, by their canonical names.
    """
    plain = program_of(model)
    faults = [wrong for name, value in changes.items() if (wrong := wrong_change(model, name, value))]
    if faults:
        raise UsageError(faults)
    numbers: dict[str, float] = {}
    initials: dict[str, float] = {}
    points: dict[str, Points] = {}
    for name, value in changes.items():
        variable, targets = _targets(model, name)
        if variable.kind == "lookup":
            points |= dict.fromkeys(targets, _points(value))
        elif variable.kind == "stock":
            initials |= dict.fromkeys(targets, _number(value))
        else:
            columns = targets_of(model, plain, name)
            assert not isinstance(columns, Fault)
            numbers |= {plain.parameters[column]: _number(value) for column in columns}
    built = {**numbers, **(times or {})}
    fixed = {name: value for name, value in built.items() if name in may_build(model)}
    defaults = dict(zip(plain.parameters, plain.defaults, strict=True))
    changed = tuple((name, value) for name, value in sorted(fixed.items()) if value != defaults.get(name))
    program = _flatten(_ByHash(model), tuple(sorted(initials)), tuple(sorted(points.items())), changed)
    row = np.array(program.defaults, dtype=np.float64)
    for name, value in numbers.items():
        row[program.parameter_index[name]] = value
    for name, value in initials.items():
        row[program.parameter_index[initial_name(name)]] = value
    return program, row


def may_build(model: Model) -> frozenset[str]:
    """Flat names of constants that may decide how a model is built; some of them do not."""
    return _builders(_ByHash(model))


def wrong_change(model: Model, name: str, value: Value, place: Place | str = "") -> Fault | None:
    """Why a name cannot be set to a value; the nearest name that can be set is offered before any other."""
    place = Place(place) if isinstance(place, str) else place
    variable, elements, base = named(model, name)
    if variable is None:
        return _unknown(model, name, base, place)
    many = not isinstance(value, (int, float, np.number))
    if variable.kind not in SETTABLE or (variable.kind == "constant"):
        wrong = targets_of(model, program_of(model), name)
        if isinstance(wrong, Fault):
            return Fault(place, wrong.what, wrong.expected, wrong.remedy, wrong.values)
    elif elements and elements not in elements_of(model, variable):
        return fault(place, "`{name}` names no element of {label}", expected="One of {known}", name=name,
                     label=repr(variable.label), known=_elements(model, variable))  # fmt: skip
    if variable.kind == "lookup":
        return _wrong_points(name, value, place)
    if many:
        return fault(place, "{label} is a {kind} and takes a number, not points", label=repr(variable.label),
                     kind=variable.kind)  # fmt: skip
    if not math.isfinite(_number(value)):
        return fault(place, "`{name}` = {value} is not a finite number", name=name, value=value)
    return None


def is_stock(model: Model, name: str) -> bool:
    """Whether a name that can be set is a stock's, so that its initial value is what is set."""
    variable, _, _ = named(model, name)
    return variable is not None and variable.kind == "stock"


def _wrong_points(name: str, value: Value, place: Place) -> Fault | None:
    if isinstance(value, (int, float, np.number)):
        return fault(place, "`{name}` is a lookup and takes points, not a number",
                     expected="Points with rising x, such as (0,1),(2,3)", name=name)  # fmt: skip
    pairs = [tuple(each) for each in value]
    if len(pairs) < 2 or any(len(each) != 2 for each in pairs):
        return fault(place, "`{name}` is given {count} points", expected="At least two points of an x and a y",
                     name=name, count=sum(len(each) == 2 for each in pairs))  # fmt: skip
    for number, pair in enumerate(pairs, start=1):
        if not all(math.isfinite(each) for each in pair):
            return fault(place, "point {number} of `{name}` is not finite", number=number, name=name)
    for number, (one, two) in enumerate(pairwise(pairs), start=2):
        if not one[0] < two[0]:
            return fault(place, "point {number} of `{name}` has x = {x}, not above the x before it",
                         expected="Points with rising x, such as (0,1),(2,3)", number=number, name=name,
                         x=f"{two[0]:g}")  # fmt: skip
    return None


def _unknown(model: Model, name: str, base: str, place: Place) -> Fault:
    labels = {each.name: each.label for each in model.variables.values()}
    can = [each.name for each in model.variables.values() if each.kind in SETTABLE]
    near = nearest(canonical(base), can, cutoff=0.6) or nearest(canonical(base), labels, cutoff=0.6)
    return fault(
        place,
        "`{name}` is not a variable of this model",
        expected="The name of a constant",
        remedy="Did you mean `{nearest}`?" if near else "",
        name=name,
        nearest=labels.get(near, ""),
    )


def _targets(model: Model, name: str) -> tuple[Variable, list[str]]:
    """The variable and the flat names that a name means, those without an equation left out."""
    variable, elements, _ = named(model, name)
    assert variable is not None
    wanted = [elements] if elements else _defined(model, variable)
    return variable, [flat(variable.name, each) for each in wanted]


def _defined(model: Model, variable: Variable) -> list[tuple[str, ...]]:
    from alliance_dynamics.kernel.subscripts import Subscripts

    subscripts = Subscripts(model)
    covered = {each for one in variable.definitions for each, _, _ in subscripts.of_definition(one)}
    return [each for each in elements_of(model, variable) if each in covered]


def _elements(model: Model, variable: Variable) -> str:
    shown = [model.label(variable.name, each) for each in elements_of(model, variable) if each]
    return ", ".join(shown) or f"`{variable.label}` without brackets"


def _number(value: Value) -> float:
    assert isinstance(value, (int, float, np.number))
    return float(value)


def _points(value: Value) -> Points:
    assert not isinstance(value, (int, float, np.number))
    return tuple((float(x), float(y)) for x, y in value)


class _ByHash:
    """Lets a model be a cache key by its hash alone."""

    def __init__(self, model: Model):
        self.model = model

    def __hash__(self) -> int:
        return hash(self.model.hash)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByHash) and other.model.hash == self.model.hash


@lru_cache(maxsize=16)
def _flatten(
    key: _ByHash,
    initials: tuple[str, ...],
    points: tuple[tuple[str, Points], ...],
    numbers: tuple[tuple[str, float], ...],
) -> Program:
    return flatten(key.model, initials=initials, points=dict(points), numbers=dict(numbers))


@lru_cache(maxsize=16)
def _builders(key: _ByHash) -> frozenset[str]:
    """Flat names of constants and controls that may decide how a model is built: more than needed does no harm."""
    model = key.model
    queue: list[str] = []
    for variable in model.variables.values():
        for definition in variable.definitions:
            for expression in (definition.expression, definition.initial):
                for node in walk(expression) if expression is not None else ():
                    if isinstance(node, Call) and node.function in BUILT_BY_NUMBERS:
                        queue += _names(node.arguments)
                        queue.append("time_step")
    found: set[str] = set()
    while queue:
        name = queue.pop()
        variable = model.variables.get(name)
        if variable is None or name in found:
            continue
        found.add(name)
        if variable.kind == "auxiliary":
            queue += _names(each.expression for each in variable.definitions)
    return frozenset(flat(name, each) for name in found for each in elements_of(model, model.variables[name]))


def _names(expressions: Iterable) -> list[str]:
    return [node.name for each in expressions for node in walk(each) if isinstance(node, Reference)]
