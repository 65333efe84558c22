"""How large the error of a run's time step is: the same run at half and at a quarter of the step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.kernel.counts import DRAWS
from alliance_dynamics.kernel.flatten import CONTROLS
from alliance_dynamics.kernel.integrate import Schedule
from alliance_dynamics.model.expression import Call, Reference, walk
from alliance_dynamics.model.model import Method, Model

ORDERS: dict[str, float] = {"euler": 1.0, "rk2": 2.0, "rk4": 4.0}
ROUNDING = 1e-13  # of an output's largest value; a smaller difference shows no order
SHORTFALL = 0.5  # an order so far below that of the method is called capped
LEAST_ORDER = 0.1  # below it, halving the step does not bring the runs together
MEMORY = ("delay_fixed", "sample_if_true", "previous", "counter", "npv", "depreciate_straightline", "delay_n")
PULSES = ("pulse", "pulse_train", "xmile_pulse")
HELD = ("step", "ramp")


@dataclass(frozen=True, slots=True)
class OutputError:
    """Of one output, all relative to its largest absolute value in the run with the finest step.

    `difference`: the largest one between the runs at dt and dt/2 over all saved times.  `order`: log2 of that over the
    one between dt/2 and dt/4; None where rounding hides it.  `estimate` of the error of the run at dt, by Richardson
    with the observed order; None where the runs do not come together.
    """

    name: str
    difference: float
    order: float | None
    estimate: float | None


@dataclass(frozen=True, slots=True)
class StepError:
    """The error of a time step, the worst output first; `notes` say in English what limits the estimate."""

    dt: float
    method: Method
    outputs: tuple[OutputError, ...]
    notes: tuple[str, ...]

    @property
    def difference(self) -> float:
        """The largest difference of any output."""
        return max((each.difference for each in self.outputs), default=0.0)

    def as_json(self) -> dict[str, Any]:
        rows = [
            {"name": each.name, "difference": each.difference, "order": each.order, "estimate": each.estimate}
            for each in self.outputs
        ]
        return {"dt": self.dt, "method": self.method, "difference": self.difference, "outputs": rows,
                "notes": list(self.notes)}  # fmt: skip


def step_error(
    model: Model,
    columns: tuple[str, ...],
    values: NDArray[np.float64],
    schedule: Schedule,
    method: Method,
    run: Callable[[Schedule], NDArray[np.float64]],
) -> StepError:
    """The error of `values` (saves, columns), the run of `schedule`; `run` gives them for another schedule."""
    half, quarter = run(finer(schedule, 2)), run(finer(schedule, 4))
    outputs = outputs_of(columns, values, half, quarter)
    return StepError(schedule.dt, method, outputs, (*depends_on_step(model), *_capped(outputs, method)))


def finer(schedule: Schedule, times: int) -> Schedule:
    """The same saves with a step that is `times` shorter."""
    return Schedule(schedule.start, schedule.dt / times, schedule.steps * times, schedule.steps_per_save * times)


def outputs_of(
    columns: tuple[str, ...], whole: NDArray[np.float64], half: NDArray[np.float64], quarter: NDArray[np.float64]
) -> tuple[OutputError, ...]:
    """One entry for each column of the three runs (saves, columns), the largest difference first."""
    scale = np.abs(quarter).max(axis=0, initial=0.0)
    found = []
    for j, name in enumerate(columns):
        least = scale[j] or 1.0
        first = float(np.abs(whole[:, j] - half[:, j]).max(initial=0.0) / least)
        second = float(np.abs(half[:, j] - quarter[:, j]).max(initial=0.0) / least)
        if first <= ROUNDING or second <= ROUNDING:
            found.append(OutputError(name, first, None, first))
            continue
        order = float(np.log2(first / second))
        estimate = first / (1 - 2.0**-order) if order >= LEAST_ORDER else None
        found.append(OutputError(name, first, order, estimate))
    return tuple(sorted(found, key=lambda each: -each.difference))


def depends_on_step(model: Model) -> tuple[str, ...]:
    """What in a model changes with the time step beyond the error of the integration, one note for each kind."""
    groups: dict[str, dict[str, None]] = {"memory": {}, "pulse": {}, "random": {}, "held": {}, "step": {}}
    for variable in model.variables.values():
        for definition in variable.definitions if variable.name not in CONTROLS else ():
            for expression in (definition.expression, definition.initial):
                for node in walk(expression) if expression is not None else ():
                    if kind := _kind(node):
                        groups[kind][variable.label] = None
    listed = {kind: _listed(list(names)) for kind, names in groups.items()}
    sentences = {
        "memory": f"The memory of {listed['memory']} moves once a step: what it gives depends on the time step itself.",
        "pulse": f"Pulses in {listed['pulse']} last at least one step: halving the step changes them too.",
        "random": f"Noise in {listed['random']} is drawn anew at every step: runs with other steps have other noise.",
        "held": f"STEP and RAMP in {listed['held']} are held for a step, which caps the order at 1.",
        "step": f"{listed['step']} is computed from TIME STEP: the model itself changes with the step.",
    }
    return tuple(sentences[kind] for kind, names in groups.items() if names)


def _kind(node: object) -> str:
    if isinstance(node, Reference) and node.name == "time_step":
        return "step"
    if not isinstance(node, Call):
        return ""
    for kind, functions in (("memory", MEMORY), ("pulse", PULSES), ("random", tuple(DRAWS)), ("held", HELD)):
        if node.function in functions:
            return kind
    return ""


def _capped(outputs: tuple[OutputError, ...], method: Method) -> tuple[str, ...]:
    """What the observed orders say: where they fall short of the method's, and where nothing converges."""
    apart = [each.name for each in outputs if each.order is not None and each.order < LEAST_ORDER]
    low = [
        each for each in outputs if each.order is not None and LEAST_ORDER <= each.order < ORDERS[method] - SHORTFALL
    ]
    notes = []
    if low:
        names, orders = _listed([each.name for each in low]), sorted(each.order or 0.0 for each in low)
        notes.append(
            f"Kinks or jumps (MIN, MAX, IF, lookups, events) cap the order of {names} at "
            f"{orders[0]:.1f} to {orders[-1]:.1f}, below {ORDERS[method]:g} of {method}."
        )
    if apart:
        notes.append(f"Halving the step does not bring {_listed(apart)} together: no estimate of the error is given.")
    return tuple(notes)


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{each}`" for each in names[:4])
    return shown + (f" (+{len(names) - 4})" if len(names) > 4 else "")
