"""What is certainly wrong with a model before it is compiled; every reader ends with this."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

from alliance_dynamics.errors import MOST_SUGGESTED, Fault, ModelError, fault, nearest
from alliance_dynamics.model import expression as ex
from alliance_dynamics.model.check_time import check_time
from alliance_dynamics.model.cycles import find_cycles
from alliance_dynamics.model.look_alikes import look_alike_notices
from alliance_dynamics.model.model import Definition, Model, Variable
from alliance_dynamics.model.places import MOST_IN_NAME

MOST_EQUATIONS = 200_000
MOST_POINTS = 10_000
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def check_model(
    model: Model,
    *,
    known: frozenset[str] = frozenset(),
    labels: Mapping[str, str] | None = None,
    bare_arrays: bool = True,
) -> list[Fault]:
    """All faults that are certain without flattening: names, subscripts, tables, cycles, the time axis.

    Names in `known` are taken to be defined (their own faults are reported elsewhere); `labels` shows undefined names
    as they are written.  `bare_arrays` allows arrays to be named without subscripts, as XMILE does.
    """
    labels = labels or {}
    elements = {element for each in model.dimensions.values() for element in each.elements}
    faults = _check_labels(model)
    for variable in model.variables.values():
        if variable.name == "time":
            faults.append(
                fault(variable.place, "`{name}` is the name of time itself", remedy="Rename it.", name=variable.label)
            )
        if _check_subscripts(model, variable, elements, labels, faults):
            _check_coverage(model, variable, faults)
        for definition, root in _expressions(variable):
            _check_references(model, variable, definition, root, elements | known, labels, bare_arrays, faults)
            _check_values(variable, definition, root, faults)
    total = sum(
        math.prod(len(model.dimensions[each].elements) for each in variable.dimensions if each in model.dimensions)
        for variable in model.variables.values()
    )
    if total > MOST_EQUATIONS:
        faults.append(
            fault(
                model.name,
                "The model has {count} equations",
                expected="At most {limit} are run.",
                count=total,
                limit=MOST_EQUATIONS,
            )
        )
    return [*faults, *find_cycles(model), *check_time(model)]


def _check_labels(model: Model) -> list[Fault]:
    """Names without end, and names that turn the direction of writing or steer a terminal."""
    named = [(label, each.place) for each in model.dimensions.values() for label in (each.label, *each.labels)]
    named += [(each.label, each.place) for each in model.variables.values()]
    return [
        fault(place, "the name `{name}` holds a character that cannot be seen", remedy="Rename it", name=label[:40])
        for label, place in named
        if _STEERING.search(label)
    ] + [
        fault(
            place,
            "The name that begins `{text}` is too long",
            expected="At most {limit} characters are read.",
            text=label[:40],
            limit=MOST_IN_NAME,
        )
        for label, place in named
        if len(label) > MOST_IN_NAME
    ]


def checked(model: Model) -> Model:
    """A model that passed the checks common to all formats, with their notices; ModelError with all faults."""
    if faults := check_model(model):
        raise ModelError(faults)
    return replace(model, notices=tuple(dict.fromkeys([*model.notices, *model_notices(model)])))


def model_notices(model: Model) -> list[str]:
    """What a user should know of a model that can be run; what its time axis is not, each run says."""
    return look_alike_notices(model)


def _expressions(variable: Variable) -> Iterator[tuple[Definition, ex.Expression]]:
    for definition in variable.definitions:
        yield definition, definition.expression
        if definition.initial is not None:
            yield definition, definition.initial


def _check_subscripts(
    model: Model, variable: Variable, elements: set[str], labels: Mapping[str, str], faults: list[Fault]
) -> bool:
    unknown: dict[str, Definition] = {}
    for definition in variable.definitions:
        for names in (definition.subscripts, *definition.excluded):
            for name in names:
                if name not in model.dimensions and name not in elements:
                    unknown.setdefault(name, definition)
    for name, definition in unknown.items():
        near = nearest(name, [*model.dimensions, *elements]) if len(faults) < MOST_SUGGESTED else ""
        faults.append(
            fault(
                definition.place,
                "The subscript `{name}` of `{label}` is not defined",
                expected="Expected a subscript range or an element of one.",
                remedy="Did you mean `{near}`?" if near else "",
                name=labels.get(name, name),
                label=variable.label,
                near=near,
            )
        )
    for definition in variable.definitions:
        if any(len(each) != len(definition.subscripts) for each in definition.excluded):
            faults.append(
                fault(
                    definition.place,
                    "`{label}` excludes elements with another number of subscripts",
                    expected="Expected {count}.",
                    label=variable.label,
                    count=len(definition.subscripts),
                )
            )
            return False
    return not unknown and all(each in model.dimensions for each in variable.dimensions)


def _check_coverage(model: Model, variable: Variable, faults: list[Fault]) -> None:
    """Elements with two equations, and elements without any."""
    full = [model.dimensions[each].elements for each in variable.dimensions]
    wanted = math.prod(len(each) for each in full)
    if wanted > MOST_EQUATIONS:
        return
    seen: dict[tuple[str, ...], Definition] = {}
    for definition in variable.definitions:
        for cell in _cells(model, definition):
            if cell in seen:
                faults.append(
                    fault(
                        definition.place,
                        "`{label}` is defined twice: here and at line {line}",
                        expected="Expected one equation; names are compared without case, blanks and underscores.",
                        remedy="Rename or delete one.",
                        label=variable.label + (f"[{','.join(cell)}]" if cell else ""),
                        line=seen[cell].place.line,
                    )
                )
                break
            seen[cell] = definition
    if len(seen) < wanted:
        missing = [cell for cell in product(*full) if cell not in seen]
        if missing:
            faults.append(
                fault(
                    variable.place,
                    "`{label}` has no equation for {missing}",
                    expected="Expected one for each of the {count} elements of {dimensions}.",
                    label=variable.label,
                    missing=", ".join(f"[{','.join(cell)}]" for cell in missing[:5])
                    + (", ..." if len(missing) > 5 else ""),
                    count=wanted,
                    dimensions=" x ".join(model.dimensions[each].label for each in variable.dimensions),
                )
            )


def _cells(model: Model, definition: Definition) -> list[tuple[str, ...]]:
    def elements(name: str) -> tuple[str, ...]:
        return model.dimensions[name].elements if name in model.dimensions else (name,)

    left_out = {cell for each in definition.excluded for cell in product(*(elements(name) for name in each))}
    return [cell for cell in product(*(elements(each) for each in definition.subscripts)) if cell not in left_out]


def _check_references(
    model: Model,
    variable: Variable,
    definition: Definition,
    root: ex.Expression,
    known: set[str] | frozenset[str],
    labels: Mapping[str, str],
    bare_arrays: bool,
    faults: list[Fault],
) -> None:
    for node in ex.walk(root):
        if not isinstance(node, ex.Reference):
            continue
        if node.name not in model.variables:
            if node.name in model.dimensions or node.name in known or node.name == "time":
                continue
            near = nearest(node.name, [*model.variables]) if len(faults) < MOST_SUGGESTED else ""
            line = model.variables[near].place.line if near else 0
            faults.append(
                fault(
                    definition.place,
                    "`{name}` in `{label}` is not defined",
                    expected="Expected a variable of this model.",
                    remedy=("Did you mean `{near}` (line {line})?" if line else "Did you mean `{near}`?")
                    if near
                    else "",
                    name=labels.get(node.name, node.name),
                    label=variable.label,
                    near=model.variables[near].label if near else "",
                    line=line,
                )
            )
            continue
        target = model.variables[node.name]
        if len(node.subscripts) != len(target.dimensions) and (node.subscripts or not bare_arrays):
            faults.append(
                fault(
                    definition.place,
                    "`{name}` stands in `{label}` with {count} subscript(s)",
                    expected="Expected {wanted}: {dimensions}.",
                    name=target.label,
                    label=variable.label,
                    count=len(node.subscripts),
                    wanted=len(target.dimensions),
                    dimensions=", ".join(target.dimensions) or "none",
                )
            )
            continue
        for subscript, dimension in zip(node.subscripts, target.dimensions, strict=False):
            name = subscript.removesuffix("!")
            if name in model.dimensions or dimension not in model.dimensions:
                continue
            if name not in model.dimensions[dimension].elements:
                here = model.dimensions[dimension].elements
                near = nearest(name, here) if len(faults) < MOST_SUGGESTED else ""
                faults.append(
                    fault(
                        definition.place,
                        "The subscript `{subscript}` of `{name}` in `{label}` is no element of {dimension}",
                        remedy="Did you mean `{near}`?" if near else "",
                        subscript=labels.get(name, name),
                        name=target.label,
                        label=variable.label,
                        dimension=model.dimensions[dimension].label,
                        near=near,
                    )
                )


def _check_values(variable: Variable, definition: Definition, root: ex.Expression, faults: list[Fault]) -> None:
    def add(what: str, expected: str = "", **values: Any) -> None:
        faults.append(fault(definition.place, what, expected=expected, name=variable.label, **values))

    for node in ex.walk(root):
        match node:
            case ex.Number(value) if not math.isfinite(value):
                add("`{name}` holds a number that is too large or not a number", "Expected numbers below 1.8e308.")
            case ex.Array(shape, values):
                if len(values) != math.prod(shape):
                    add(
                        "`{name}` has {count} numbers", "Expected {wanted}.", count=len(values), wanted=math.prod(shape)
                    )
                if not all(map(math.isfinite, values)):
                    add("`{name}` holds a number that is too large or not a number", "Expected numbers below 1.8e308.")
            case ex.Binary("/", _, ex.Number(0.0)):
                add("`{name}` divides by 0", "Expected a divisor other than 0; ZIDZ and XIDZ allow it.")
            case ex.Call("ln" | "log", (ex.Number(value), *_)) if value <= 0:
                add("`{name}` takes the logarithm of {value}", "Expected a number above 0.", value=value)
            case ex.Call("sqrt", (ex.Number(value),)) if value < 0:
                add("`{name}` takes the square root of {value}", "Expected a number from 0 on.", value=value)
            case ex.Table():
                _check_table(node, variable, add)


def _check_table(table: ex.Table, variable: Variable, add: Callable[..., None]) -> None:
    if len(table.x) != len(table.y):
        add("The table of `{name}` has {x} x values and {y} y values", x=len(table.x), y=len(table.y))
        return
    if not all(map(math.isfinite, (*table.x, *table.y))):
        add("The table of `{name}` holds a number that is too large or not a number")
        return
    if len(table.x) < 2 and variable.kind == "lookup":
        add("The table of `{name}` has {count} point(s)", "Expected at least 2.", count=len(table.x))
    if len(table.x) > MOST_POINTS and variable.kind != "data":
        add(
            "The table of `{name}` has {count} points",
            "At most {limit} are read.",
            count=len(table.x),
            limit=MOST_POINTS,
        )
    for before, after in zip(table.x, table.x[1:], strict=False):
        if after < before:
            add(
                "The table of `{name}` is not sorted: x = {after} comes after x = {before}",
                "Expected x that grows from point to point.",
                after=after,
                before=before,
            )
            return
