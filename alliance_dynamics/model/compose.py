"""Joining models by name: what is a constant in one file and computed in another becomes a connection."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from alliance_dynamics.errors import Fault, ModelError, fault
from alliance_dynamics.model.model import Dimension, Model, Variable


def compose(models: Sequence[Model], name: str) -> Model:
    """One model out of several, joined by canonical name.

    A constant of one file that another file computes gives way to the computation.  A constant in two files is shared
    and must have equal values.  Refused, all at once: two computations of one name, different units, subscripts,
    dimensions or time axes.
    """
    faults: list[Fault] = []
    dimensions: dict[str, Dimension] = {}
    for model in models:
        for dimension in model.dimensions.values():
            known = dimensions.setdefault(dimension.name, dimension)
            if (known.elements, known.mappings) != (dimension.elements, dimension.mappings):
                faults.append(
                    fault(
                        dimension.place,
                        "the elements of `{label}` are ({found}), but ({known}) in {other}",
                        remedy="Give the dimension the same elements in both files",
                        label=dimension.label,
                        found=", ".join(dimension.labels),
                        known=", ".join(known.labels),
                        other=str(known.place),
                    )
                )
        if model.time.method != models[0].time.method:
            faults.append(
                fault(
                    model.name,
                    "the integration method is {found}, but {known} in {other}",
                    remedy="Choose one method in both files",
                    found=model.time.method,
                    known=models[0].time.method,
                    other=models[0].name,
                )
            )
    variables: dict[str, Variable] = {}
    for model in models:
        for variable in model.variables.values():
            known = variables.get(variable.name)
            if known is None:
                variables[variable.name] = variable
                continue
            clash = _clash(known, variable)
            if clash is not None:
                faults.append(clash)
            elif known.kind == "constant":
                variables[variable.name] = variable
    if faults:
        raise ModelError(faults)
    ordered = [variables[each] for model in models for each in model.variables if variables[each] is not None]
    hashes = hashlib.sha256("".join(model.source_hash for model in models).encode()).hexdigest()
    notices = tuple(dict.fromkeys(notice for model in models for notice in model.notices))
    by_name = {variable.name: variable for variable in ordered}
    return Model(name, by_name, dimensions, models[0].time, notices, hashes)


def _clash(known: Variable, variable: Variable) -> Fault | None:
    """Why two definitions of a name cannot be joined, or None."""
    other = str(known.place)
    label = repr(variable.label)
    if known.unit != variable.unit:
        return fault(
            variable.place,
            "the unit of {label} is `{found}`, but `{known}` in {other}",
            remedy="Write the same unit in both files",
            label=label,
            found=variable.unit,
            known=known.unit,
            other=other,
        )
    if known.dimensions != variable.dimensions:
        return fault(
            variable.place,
            "{label} has the subscripts [{found}], but [{known}] in {other}",
            remedy="Use the same subscripts in both files",
            label=label,
            found=", ".join(variable.dimensions),
            known=", ".join(known.dimensions),
            other=other,
        )
    if known.kind == "constant" and variable.kind == "constant":
        if _values(known) != _values(variable):
            return fault(
                variable.place,
                "the shared constant {label} has another value in {other}",
                remedy="Give it the same value in both files",
                label=label,
                other=other,
            )
        return None
    if known.kind != "constant" and variable.kind != "constant":
        return fault(
            variable.place,
            "{label} is computed here and in {other}",
            expected="One file that computes it; in the other files it is a constant",
            label=label,
            other=other,
        )
    return None


def _values(variable: Variable) -> list[object]:
    return [(each.subscripts, each.excluded, each.expression) for each in variable.definitions]
