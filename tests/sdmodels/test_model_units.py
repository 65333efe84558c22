"""Units agree in every equation of the models, and a wrong one anywhere is found."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from alliance_dynamics.model.built_in import ALLIANCE, MODULES, open_model
from alliance_dynamics.model.expression import Reference, walk
from alliance_dynamics.model.model import Model
from alliance_dynamics.model.units import unit_faults


@cache
def model() -> Model:
    return open_model(ALLIANCE)


@cache
def users() -> dict[str, set[str]]:
    """By variable the variables whose equations name it, itself included."""
    found: dict[str, set[str]] = {name: {name} for name in model().variables}
    for name, variable in model().variables.items():
        for definition in variable.definitions:
            for expression in (definition.expression, definition.initial):
                for node in walk(expression) if expression is not None else ():
                    if isinstance(node, Reference) and node.name in found:
                        found[node.name].add(name)
    return found


@pytest.mark.parametrize("name", [*MODULES, ALLIANCE])
def test_units_agree(name):
    assert unit_faults(open_model(name)) == []


def test_every_variable_has_a_unit():
    assert [each.label for each in model().variables.values() if not each.unit] == []


def test_a_wrong_unit_of_any_variable_in_use_is_found():
    unseen = []
    for name, variable in model().variables.items():
        if users()[name] == {name} and variable.kind in ("constant", "lookup"):
            continue  # used nowhere: time controls
        wrong = {**model().variables, name: replace(variable, unit=f"{variable.unit or 'Dmnl'}*furlong")}
        if not unit_faults(replace(model(), variables=wrong), only=users()[name]):
            unseen.append(name)
    assert unseen == []


@pytest.mark.parametrize(
    ("unit", "same"),
    [("bn RUB/(Year*person)", "bn RUB/Year/person"), ("1/Year", "Dmnl/years"), ("m*m", "m^2"), ("чел.", "Чел")],
)
def test_one_unit_in_two_spellings(unit, same):
    constant = model().variables["one_year"]
    first = replace(constant, name="a", label="a", unit=unit)
    second = replace(constant, name="b", label="b", unit=same, kind="auxiliary",
                     definitions=(replace(constant.definitions[0], expression=Reference("a")),))  # fmt: skip
    assert unit_faults(replace(model(), variables={"a": first, "b": second})) == []


@pytest.mark.parametrize("unit", ["RUB/)", "(Year", "Year^2^2", ")("])
def test_a_unit_that_cannot_be_read_is_named(unit):
    constant = replace(model().variables["one_year"], unit=unit)
    (found,) = unit_faults(replace(model(), variables={"one_year": constant}))
    assert unit in str(found)
