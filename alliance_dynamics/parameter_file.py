"""The parameter file: one table per constant and per lever, and labels of variables and elements.

[reference_growth_rate]            the canonical name of a constant
value = 0.02                       or {tatarstan = 0.02, samara = 0.03}; two subscripts: a table of tables
unit, source, grade                required; grade is A (data), B (literature) or C (judgement)
low, high, distribution, role, why, module, estimate, label_en, label_ru
[levers.voice_of_regions]
constant = "voice_of_regions_in_policy"
unit, low, high, label_en, label_ru required; lowest, part_of (the whole that levers of one name are shares of),
explanation_en, explanation_ru, grade, source
[variables.industry_value_added]   label_en, label_ru
[elements.tatarstan]               label_en, label_ru
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from alliance_dynamics.language import LANGUAGES
from alliance_dynamics.model.names import canonical, flat
from alliance_dynamics.parameters import Lever, Parameter, Parameters
from alliance_dynamics.toml_door import read_toml
from alliance_dynamics.toml_table import Table, open_table, shown

GRADES = ("A", "B", "C")
ROLES = ("structural", "initial", "driver", "lever", "input", "switch", "control")
SECTIONS = ("levers", "variables", "elements")


def read_parameter_file(path: Path) -> Parameters:
    """The parameters of a file; InputError with all its faults."""
    document = read_toml(path)
    root = open_table(document)
    root.number("schema", low=1, high=1)
    levers, variables, elements = (root.table(name) for name in SECTIONS)
    constants: dict[str, Parameter] = {}
    for key in root.data:
        if key not in ("schema", *SECTIONS):
            constant = _constant(root.table(key), canonical(key))
            if constant.name in constants:
                root.refuse(key, "`{key}` is the same name as {other}", other=constants[constant.name].place)
            constants[constant.name] = constant
    found = {canonical(key): _lever(levers.table(key), canonical(key), constants) for key in levers.data}
    shown = [{canonical(key): _labelled(table.table(key)) for key in table.data} for table in (variables, elements)]
    root.raise_faults()
    return Parameters(document.file, document.hash, constants, found, variables=shown[0], elements=shown[1])


def _constant(table: Table, name: str) -> Parameter:
    low, high = table.number("low"), table.number("high")
    if low is not None and high is not None and low > high:
        table.refuse("low", "`{key}` is above `high`")
        low = high = None
    unit = table.text("unit", required=True) or ""
    values: dict[str, float] = {}
    table.asked.add("value")
    if "value" in table.data:
        _collect(table, ("value",), table.data["value"], name, (), values, (low, high, unit))
    else:
        table.refuse("value", "`{key}` is missing")
    if not isinstance(estimate := table.data.get("estimate", False), bool):
        table.refuse("estimate", "`{key}` is neither true nor false")
    table.asked.add("estimate")
    parameter = Parameter(
        name,
        values,
        unit,
        source=table.text("source", required=True) or "",
        grade=table.text("grade", choices=GRADES, required=True) or "",
        low=low,
        high=high,
        distribution=_distribution(table, low is not None and high is not None),
        role=table.text("role", choices=ROLES) or "",
        why=table.text("why") or "",
        module=table.text("module") or "",
        estimate=estimate is True,
        labels=_labels(table, "label"),
        place=table.place(),
    )
    table.close()
    return parameter


def _distribution(table: Table, bounded: bool) -> str:
    text = table.text("distribution") or ""
    if text and not re.fullmatch(r"uniform|normal\(-?\d+(\.\d+)?, ?\d+(\.\d+)?\)", text, re.ASCII):
        table.refuse(
            "distribution", "`{key}` is {found}", expected="`uniform` or `normal(mean, sd)`", found=shown(text)
        )
    elif text and not bounded:
        table.refuse("distribution", "`{key}` is given without `low` and `high`", remedy="Add the range")
    return text


def _collect(
    table: Table, path: tuple[str, ...], value: Any, name: str, elements: tuple[str, ...], values: dict[str, float],
    limits: tuple[float | None, float | None, str],
) -> None:  # fmt: skip
    if isinstance(value, dict):
        if not value:
            table.refuse(path, "`{key}` is an empty table", expected="A number for each element is expected")
        for key, inner in value.items():
            _collect(table, (*path, key), inner, name, (*elements, canonical(key)), values, limits)
        return
    low, high, unit = limits
    number = table.as_number(path, value, low=low, high=high, unit=unit)
    if number is not None:
        values[flat(name, elements)] = number


def _lever(table: Table, name: str, constants: dict[str, Parameter]) -> Lever:
    constant = canonical(table.text("constant", required=True) or "")
    if constant and constant not in constants:
        table.refuse("constant", "There is no constant `{constant}` in this file", constant=constant)
    low, high = table.number("low", required=True), table.number("high", required=True)
    lowest = table.number("lowest", high=low)
    if low is not None and high is not None and low >= high:
        table.refuse("low", "`{key}` is not below `high`")
    low = low or 0.0
    lever = Lever(
        name,
        constant,
        table.text("unit", required=True) or "",
        low,
        high or 0.0,
        low if lowest is None else lowest,
        _labels(table, "label", required=True),
        _labels(table, "explanation"),
        table.text("grade", choices=GRADES) or "",
        table.text("source") or "",
        table.text("part_of") or "",
        table.place(),
    )
    table.close()
    return lever


def _labelled(table: Table) -> dict[str, str]:
    labels = _labels(table, "label", required=True)
    table.close()
    return labels


def _labels(table: Table, name: str, *, required: bool = False) -> dict[str, str]:
    found = {language: table.text(f"{name}_{language}", required=required) for language in LANGUAGES}
    return {language: text for language, text in found.items() if text}
