"""More elements for a model: regions or industries that a table of figures adds, with no equation touched."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from alliance_dynamics.cells import Column
from alliance_dynamics.errors import Fault, InputError, Place, fault, suggestion
from alliance_dynamics.model.expression import Array, Expression, Number, Table
from alliance_dynamics.model.model import Definition, Dimension, Model, Variable
from alliance_dynamics.model.names import canonical
from alliance_dynamics.tables import Row, gather_table

COLUMNS = (
    Column("dimension"),
    Column("element"),
    Column("variable"),
    Column("with", missing=("",)),
    Column("at", "number", missing=("",)),
    Column("value", "number"),
    Column("unit"),
    Column("source"),
    Column("grade", choices=("A", "B", "C")),
)
KEY = ("dimension", "element", "variable", "with", "at")
SHOWN = 12

Cell = tuple[str, ...]  # elements of a variable, in the order of its dimensions


@dataclass(frozen=True, slots=True)
class Figures:
    """What the rows say of one variable: a number, or points of a lookup, for some of its cells."""

    numbers: Mapping[Cell, float]
    points: Mapping[Cell, Table]


def add_elements(model: Model, paths: Sequence[str | Path]) -> Model:
    """`model` with the elements that the rows of tables add to its dimensions; no equation changes.

    A row gives one number of one constant: its dimension, the new element, in `with` the elements of the variable's
    other dimensions (parted by `;`), for a lookup the x of the point in `at`.  Where two dimensions have the same
    elements (distances), one direction is enough.  An alias of a dimension grows with it; a subrange stays as it is.

    InputError, all faults at once: unknown names, other units, computed variables, cells without a figure, elements
    that exist, equations written for single elements.
    """
    faults: list[Fault] = []
    tables = [gather_table(path, COLUMNS, faults, key=KEY) for path in paths]
    rows = [(row, table.place(row)) for table in tables for row in table]
    place = Place(tables[-1].path)
    added = _new_elements(model, rows, faults)
    if faults:
        raise InputError(faults)
    dimensions = {each.name: _grown(each, model, added, place, faults) for each in model.dimensions.values()}
    grown = replace(model, dimensions=dimensions)
    figures = _figures(grown, rows, faults)
    variables = {
        each.name: _filled(each, model, grown, figures.get(each.name, Figures({}, {})), place, faults)
        for each in model.variables.values()
    }
    if faults:
        raise InputError(faults)
    contents = "".join(hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths)
    mixed = hashlib.sha256((model.source_hash + contents).encode()).hexdigest()
    name = "+".join([model.name, *(Path(path).stem for path in paths)])
    return replace(grown, name=name, variables=variables, source_hash=mixed)


def _new_elements(model: Model, rows: Sequence[tuple[Row, Place]], faults: list[Fault]) -> dict[str, dict[str, str]]:
    """By dimension: the new elements in order of their first rows, each with its label."""
    added: dict[str, dict[str, str]] = {}
    for row, place in rows:
        dimension, element = canonical(row["dimension"]), canonical(row["element"])
        known = model.dimensions.get(dimension)
        if known is None:
            faults.append(
                fault(place, "the model has no dimension `{name}`", name=row["dimension"],
                      expected="One of {known}", known=", ".join(each.label for each in model.dimensions.values()),
                      remedy=suggestion(dimension, model.dimensions))
            )  # fmt: skip
        elif element in known.elements:
            faults.append(
                fault(place, "`{element}` is an element of `{name}` already", element=row["element"],
                      name=known.label, expected="Rows of new elements only",
                      remedy="Change its figures with a scenario or with --set")
            )  # fmt: skip
        elif element in model.variables or any(element in each.elements for each in model.dimensions.values()):
            faults.append(
                fault(place, "the name `{element}` is taken by something else in the model",
                      element=row["element"], remedy="Choose another name")
            )  # fmt: skip
        else:
            added.setdefault(dimension, {}).setdefault(element, row["element"])
    return added


def _grown(
    dimension: Dimension,
    model: Model,
    added: Mapping[str, Mapping[str, str]],
    place: Place,
    faults: list[Fault],
) -> Dimension:
    """The dimension with the elements added to it or to the one it is an alias of."""
    for name, elements in added.items():
        if model.dimensions[name].elements == dimension.elements:
            if dimension.mappings:
                faults.append(
                    fault(place, "elements cannot be added to `{name}`: it is mapped to another dimension",
                          name=dimension.label)
                )  # fmt: skip
            labels = (*dimension.labels, *elements.values())
            return replace(dimension, elements=(*dimension.elements, *elements), labels=labels)
    return dimension


def _figures(model: Model, rows: Sequence[tuple[Row, Place]], faults: list[Fault]) -> dict[str, Figures]:
    """The rows by variable and cell."""
    numbers: dict[str, dict[Cell, float]] = {}
    points: dict[str, dict[Cell, list[tuple[float, float]]]] = {}
    for row, place in rows:
        name = canonical(row["variable"])
        variable = model.variables.get(name)
        if variable is None:
            faults.append(fault(place, "the model has no variable `{name}`", name=row["variable"],
                                remedy=suggestion(name, model.variables)))  # fmt: skip
            continue
        if wrong := _unfit(variable, row, place):
            faults.append(wrong)
            continue
        cell = _cell(model, variable, row, place, faults)
        if cell is None:
            continue
        if variable.kind == "lookup":
            points.setdefault(name, {}).setdefault(cell, []).append((row["at"], row["value"]))
        elif cell in numbers.setdefault(name, {}):
            faults.append(fault(place, "`{cell}` has a figure in an earlier row", cell=model.label(name, cell),
                                expected="One row for each figure"))  # fmt: skip
        else:
            numbers[name][cell] = row["value"]
    return {
        name: Figures(
            numbers.get(name, {}),
            {cell: _table(given) for cell, given in points.get(name, {}).items()},
        )
        for name in {*numbers, *points}
    }


def _table(points: Sequence[tuple[float, float]]) -> Table:
    ordered = sorted(points)
    return Table(tuple(x for x, _ in ordered), tuple(y for _, y in ordered))


def _unfit(variable: Variable, row: Row, place: Place) -> Fault | None:
    """Why the row cannot give a figure of the variable, or None."""
    label = variable.label
    if variable.kind not in ("constant", "lookup"):
        return fault(place, "`{name}` is computed", name=label, expected="A constant or a lookup of the model",
                     remedy="Leave the row out: its equation holds for the new element too")  # fmt: skip
    if row["unit"] != (variable.unit or "Dmnl"):
        return fault(place, "the unit of `{name}` is `{found}`", name=label, found=row["unit"],
                     expected="{unit}, as in the model", unit=variable.unit or "Dmnl")  # fmt: skip
    if variable.kind == "lookup" and row["at"] is None:
        return fault(place, "`at` is empty for the lookup `{name}`", name=label, expected="The x of a point")
    if variable.kind == "constant" and row["at"] is not None:
        return fault(
            place, "`at` holds a number for `{name}`, which is no lookup", name=label, expected="An empty `at`"
        )
    return None


def _cell(model: Model, variable: Variable, row: Row, place: Place, faults: list[Fault]) -> Cell | None:
    """The elements of the row's figure in the order of the variable's dimensions."""
    dimension = model.dimensions[canonical(row["dimension"])]
    element = canonical(row["element"])
    others = [canonical(each) for each in (row["with"] or "").split(";") if each.strip()]
    axes = [model.dimensions[each] for each in variable.dimensions]
    own = next((i for i, axis in enumerate(axes) if axis.elements == dimension.elements), None)
    if own is None:
        faults.append(fault(place, "`{name}` does not depend on `{dimension}`", name=variable.label,
                            dimension=dimension.label, remedy="Leave the row out"))  # fmt: skip
        return None
    if len(others) != len(axes) - 1:
        rest = [axis.label for i, axis in enumerate(axes) if i != own]
        faults.append(fault(place, "`with` names {count} elements for `{name}`", count=len(others), name=variable.label,
                            expected="One of each of {rest}" if rest else "An empty `with`",
                            rest=", ".join(rest)))  # fmt: skip
        return None
    cell = [*others[:own], element, *others[own:]]
    for axis, each in zip(axes, cell, strict=True):
        if each not in axis.elements:
            faults.append(fault(place, "`{element}` is no element of `{dimension}`", element=each, dimension=axis.label,
                                expected="One of {known}", known=", ".join(axis.labels),
                                remedy=suggestion(each, axis.elements)))  # fmt: skip
            return None
    return tuple(cell)


def _filled(
    variable: Variable, model: Model, grown: Model, figures: Figures, place: Place, faults: list[Fault]
) -> Variable:
    """The variable with a figure for every new cell, or a fault that lists the cells without one."""
    before = set(_cells(model, variable.dimensions))
    new = [cell for cell in _cells(grown, variable.dimensions) if cell not in before]
    if not new:
        return variable
    if all(_holds_for_all(each, variable, model) for each in variable.definitions):
        if figures.numbers or figures.points:
            faults.append(fault(place, "`{name}` has one value for all elements", name=variable.label,
                                remedy="Leave its rows out"))  # fmt: skip
        return variable
    if variable.kind not in ("constant", "lookup"):
        faults.append(fault(variable.place, "`{name}` has an equation for single elements, none for `{cell}`",
                            name=variable.label, cell=",".join(new[0]),
                            remedy="Write its equation for the whole dimension"))  # fmt: skip
        return variable
    given = figures.points if variable.kind == "lookup" else figures.numbers
    twin = len({grown.dimensions[each].elements for each in variable.dimensions}) == 1
    found = {cell: given.get(cell, given.get(cell[::-1]) if twin else None) for cell in new}
    if missing := [cell for cell in new if found[cell] is None]:
        shown = ", ".join(grown.label(variable.name, cell) for cell in missing[:SHOWN])
        faults.append(fault(place, "no figure for {cells}{more}", cells=shown, expected="In {unit}: a row for each",
                            more=f" (+{len(missing) - SHOWN})" if len(missing) > SHOWN else "",
                            unit=variable.unit or "Dmnl"))  # fmt: skip
        return variable
    return replace(variable, definitions=tuple(_definitions(variable, model, grown, found, place)))


def _definitions(
    variable: Variable, model: Model, grown: Model, found: Mapping[Cell, float | Table | None], place: Place
) -> Iterator[Definition]:
    """The old definitions, arrays grown to whole dimensions, then one for each cell that no array holds."""
    rest = dict(found)
    for each in variable.definitions:
        whole = each.subscripts == variable.dimensions and not each.excluded
        if not isinstance(each.expression, Array) or not whole:
            yield each
            continue
        old = dict(zip(_cells(model, variable.dimensions), each.expression.values, strict=True))
        old |= {cell: value for cell, value in rest.items() if isinstance(value, float)}
        rest.clear()
        cells = list(_cells(grown, variable.dimensions))
        shape = tuple(len(grown.dimensions[axis].elements) for axis in variable.dimensions)
        yield replace(each, expression=Array(shape, tuple(old[cell] for cell in cells)))
    for cell, figure in rest.items():
        assert figure is not None
        expression: Expression = figure if isinstance(figure, Table) else Number(figure)
        yield Definition(expression, subscripts=cell, place=place)


def _holds_for_all(definition: Definition, variable: Variable, model: Model) -> bool:
    """The definition names dimensions only, and no numbers one by one."""
    listed = isinstance(definition.expression, Array)
    return not listed and all(each in model.dimensions for each in definition.subscripts)


def _cells(model: Model, dimensions: Sequence[str]) -> Iterator[Cell]:
    return product(*(model.dimensions[each].elements for each in dimensions))
