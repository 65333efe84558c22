"""What a run is told: constants that change, and the time axis that the controls give."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.errors import Fault, ModelError, UsageError, fault, suggestion
from alliance_dynamics.kernel.integrate import Schedule
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.model.expression import Reference, walk
from alliance_dynamics.model.model import Model
from alliance_dynamics.model.names import canonical, flat

CONTROL = {"start": "initial_time", "stop": "final_time", "dt": "time_step", "saveper": "saveper"}
MOST_STEPS = 100_000_000


def parameters_with(model: Model, program: Program, changes: Mapping[str, float]) -> NDArray[np.float64]:
    """The default parameter vector with some constants changed; all faults of the changes at once."""
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
    base, bracket, inside = name.partition("[")
    key = canonical(base)
    variable = model.variables.get(key)
    if variable is None:
        known = {each.label: each.name for each in model.variables.values()}
        return fault(
            "",
            "`{name}` is not a variable of this model",
            expected="The name of a constant",
            remedy=suggestion(base, known),
            name=name,
        )
    elements = tuple(canonical(each) for each in inside.removesuffix("]").split(",")) if bracket else ()
    wanted = flat(key, elements)
    found = [
        i
        for i, each in enumerate(program.parameters)
        if each == wanted or (not elements and each.startswith(key + "["))
    ]
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
            known=", ".join(label_of(model, each) for each in program.parameters if each.startswith(key + "["))
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
    if faults:
        raise UsageError(faults)
    steps = math.floor((stop - start) / dt + 1e-6)
    if steps > MOST_STEPS:
        raise UsageError(
            fault("", "the run has {steps} steps", expected="At most {most}", steps=steps, most=MOST_STEPS)
        )
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
    return Schedule(start, dt, steps, every), notices


def label_of(model: Model, name: str) -> str:
    """`label[a,b]` of a flat name, as the modeller wrote it."""
    base, bracket, inside = name.partition("[")
    base = base.split("#")[0]
    if base not in model.variables:
        return name
    return model.label(base, tuple(inside.split("]")[0].split(","))) if bracket else model.label(base)
