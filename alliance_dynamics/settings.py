"""What a run is told: constants that change, and the time axis that the controls give."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.errors import Fault, ModelError, UsageError, fault, suggestion
from alliance_dynamics.kernel.integrate import Schedule
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.model.expression import Reference, walk
from alliance_dynamics.model.model import Model, Variable
from alliance_dynamics.model.names import canonical, flat

CONTROL = {"start": "initial_time", "stop": "final_time", "dt": "time_step", "saveper": "saveper"}
MOST_STEPS = 100_000_000


def parameters_with(model: Model, program: Program, changes: Mapping[str, Any]) -> NDArray[np.float64]:
    """The default parameter vector with some constants changed; all faults of the changes at once.

    What is no constant is refused, whatever its value: `overrides.program_with` takes that too.
    """
    row = np.array(program.defaults, dtype=np.float64)
    faults: list[Fault] = []
    for name, value in changes.items():
        targets = targets_of(model, program, name)
        if isinstance(targets, Fault):
            faults.append(targets)
        elif not math.isfinite(value):
            faults.append(fault("", "`{name}` = {value} is not a finite number", name=name, value=value))
        else:
            row[targets] = value
    if faults:
        raise UsageError(faults)
    return row


def targets_of(model: Model, program: Program, name: str) -> list[int] | Fault:
    """The parameter columns that a name stands for, or why it stands for none."""
    variable, elements, base = named(model, name)
    if variable is None:
        known = {each.label: each.name for each in model.variables.values()}
        return fault(
            "",
            "`{name}` is not a variable of this model",
            expected="The name of a constant",
            remedy=suggestion(base, known),
            name=name,
        )
    key = variable.name
    own = {flat(key, each): each for each in elements_of(model, variable)}
    wanted = {flat(key, elements)} if elements else set(own)
    found = [program.parameter_index[each] for each in own if each in wanted and each in program.parameter_index]
    if found:
        return found
    constants = constants_behind(model, key)
    if elements and variable.kind == "constant":
        return fault(
            "",
            "`{name}` names no element of {label}",
            expected="One of {known}",
            name=name,
            label=repr(variable.label),
            known=", ".join(
                model.label(key, each) for name, each in own.items() if each and name in program.parameter_index
            )
            or f"`{variable.label}` without brackets",
        )
    return fault(
        "",
        "{label} is a {kind}, not a constant, and cannot be set",
        expected="A constant; it is computed from {constants}",
        label=repr(variable.label),
        kind=variable.kind,
        constants=", ".join(constants[:6]) or "no constants",
    )


def constants_behind(model: Model, name: str) -> list[str]:
    """Labels of the constants that a variable's own equations name directly or through others, nearest first."""
    found: dict[str, None] = {}
    queue, seen = [name], {name}
    while queue:
        variable = model.variables[queue.pop(0)]
        for definition in variable.definitions:
            for expression in (definition.expression, definition.initial):
                if expression is None:
                    continue
                for node in walk(expression):
                    if isinstance(node, Reference) and node.name in model.variables and node.name not in seen:
                        seen.add(node.name)
                        queue.append(node.name)
                        if model.variables[node.name].kind == "constant":
                            found[model.variables[node.name].label] = None
    return list(found)


def schedule_of(program: Program, row: NDArray[np.float64]) -> tuple[Schedule, list[str]]:
    """The steps and saves that the time controls of a parameter vector give, and notices of what was rounded."""
    missing = [name for name in ("initial_time", "final_time", "time_step") if name not in program.parameter_index]
    if missing:
        raise ModelError(
            [fault("", "the model has no `{name}`", name=name.replace("_", " ").upper()) for name in missing]
        )
    start, stop, dt = (float(row[program.parameter_index[n]]) for n in ("initial_time", "final_time", "time_step"))
    column = program.parameter_index.get("saveper")
    saveper = float(row[column]) if column is not None else dt
    faults: list[Fault] = []
    notices: list[str] = []
    if not dt > 0 or not math.isfinite(dt):
        faults.append(fault("", "TIME STEP is {value}", expected="A finite number above 0", value=dt))
    if not (math.isfinite(start) and math.isfinite(stop)) or stop < start:
        faults.append(
            fault(
                "",
                "FINAL TIME is {stop} and INITIAL TIME {start}",
                expected="A stop not before the start",
                stop=stop,
                start=start,
            )
        )
    elif stop > start and dt > (stop - start) * (1 + 1e-9):
        faults.append(
            fault(
                "",
                "TIME STEP is {value}, longer than the run from {start} to {stop}",
                expected="A step not longer than the run",
                value=dt,
                start=start,
                stop=stop,
            )
        )
    if faults:
        raise UsageError(faults)
    if (count := (stop - start) / dt) > MOST_STEPS + 1:
        raise UsageError(
            fault("", "the run has {steps} steps", expected="At most {most}", steps=f"{count:.6g}", most=MOST_STEPS)
        )
    steps = math.floor(count + 1e-6)
    if abs(start + steps * dt - stop) > 1e-6 * dt:
        notices.append(f"dt = {dt:g} does not divide the span: the last time is {start + steps * dt:g}, not {stop:g}")
    ratio = saveper / dt if math.isfinite(saveper) else math.nan
    every = round(ratio) if math.isfinite(ratio) else 0
    if saveper < dt * (1 - 1e-9) and saveper >= 0:
        notices.append(f"SAVEPER = {saveper:g} is below TIME STEP: every step is saved")
        every = 1
    elif every < 1 or abs(ratio - every) > 1e-6 * ratio:
        raise UsageError(
            fault(
                "",
                "SAVEPER = {saveper} is not a whole number of time steps of {dt}",
                remedy="Use {low} or {high}",
                saveper=saveper,
                dt=dt,
                low=f"{max(1, math.floor(ratio)) * dt:g}" if every >= 1 else f"{dt:g}",
                high=f"{math.ceil(ratio) * dt:g}" if every >= 1 else f"{2 * dt:g}",
            )
        )
    return Schedule(start, dt, steps, min(every, steps + 1)), notices


class FlatNames:
    """The variable and label of each flat name of a model, hidden ones (`name#1`) under the variable that they serve.

    Names may hold `#` and brackets of their own, so the map is made from the model and no name is taken apart.
    """

    def __init__(self, model: Model):
        self.model = model
        self.owners = {
            flat(variable.name, each): (variable, each)
            for variable in model.variables.values()
            for each in elements_of(model, variable)
        }

    def owner(self, name: str) -> Variable | None:
        found = self.owners.get(name) or self.owners.get(_HIDDEN.sub("", name))
        return found[0] if found else None

    def label(self, name: str) -> str:
        """`label[a,b]` of a flat name, as the modeller wrote it; the name itself where the model has no such."""
        found = self.owners.get(name) or self.owners.get(_HIDDEN.sub("", name))
        return self.model.label(found[0].name, found[1]) if found else name


_HIDDEN = re.compile(r"#\d+$")


def elements_of(model: Model, variable: Variable) -> list[tuple[str, ...]]:
    """All element tuples of a variable, row-major; the empty one for a scalar."""
    return list(product(*(model.dimensions[name].elements for name in variable.dimensions)))


def named(model: Model, name: str) -> tuple[Variable | None, tuple[str, ...], str]:
    """The variable and elements that `label` or `label[a,b]` means, and the text taken for the label."""
    whole = model.variables.get(canonical(name))
    if whole is not None:
        return whole, (), name
    at = name.rfind("[") if name.rstrip().endswith("]") else -1
    if at < 0:
        return None, (), name
    inside = name.rstrip()[at + 1 : -1].split(",")
    return model.variables.get(canonical(name[:at])), tuple(canonical(each) for each in inside), name[:at]
