"""A single run with a step that adapts: SciPy's DOP853 on the compiled rates, restarted where time makes them jump."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.errors import Fault, RunError, UnsupportedError, UsageError, fault
from alliance_dynamics.kernel.counts import DRAWS
from alliance_dynamics.kernel.flatten import CONTROLS
from alliance_dynamics.kernel.integrate import Kernel, Schedule, compile_kernel
from alliance_dynamics.kernel.pointwise import pointwise, starting
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.model.expression import Call, Expression, Number, Reference, walk
from alliance_dynamics.model.model import Model
from alliance_dynamics.model.names import flat
from alliance_dynamics.settings import CONTROL, FlatNames, elements_of

Floats = NDArray[np.float64]
TIGHTEST, LOOSEST = 1e-12, 1e-2
MOST_RATES = 500_000  # evaluations of all rates; a stiff model ends here and not in hours
MOST_EVENTS = 20_000
BY_STEPS = ("npv", "xmile_pulse")  # functions that are computed from the time step


def run_adaptive(
    model: Model, program: Program, row: Floats, schedule: Schedule, tolerance: float, backend: str
) -> Floats:
    """All outputs of `program` at the saved times of `schedule` (saves, outputs) for one parameter vector.

    `tolerance` bounds the error of each accepted step relative to each stock, and absolutely to a thousandth of that
    of the largest value that the stock takes.
    Events of time alone (STEP, PULSE, RAMP, lookups and data over time) are found between neighbouring steps of
    `schedule` and the solver starts anew at each.  UnsupportedError names what has no continuous time: DELAY FIXED,
    SAMPLE IF TRUE and their kin, random draws, limits at 0, pulses of one step, what is computed from TIME STEP.
    """
    refuse_discrete(model, program, row)
    if not TIGHTEST <= tolerance <= LOOSEST:
        raise UsageError(fault("", "the tolerance is {value}", expected="A number from {low} to {high}",
                               value=f"{tolerance:g}", low=TIGHTEST, high=LOOSEST))  # fmt: skip
    points = _Points(program, row, schedule, backend)
    begin = points.begin()
    marks = _events(points, schedule)
    states = _states(points, begin, marks, tolerance)
    reached = np.abs(states).max(axis=0, initial=0.0)
    if (points.scale > 10 * reached).any():  # the fixed step was too long to tell how large the stocks become
        points.scale = np.minimum(points.scale, np.where(reached > 0, reached, points.scale))
        states = _states(points, begin, marks, tolerance)
    times = schedule.times
    values = points.outputs(times, states)
    if not np.isfinite(values).all():
        save, column = np.argwhere(~np.isfinite(values))[0]
        label = FlatNames(model).label(list(program.outputs)[column])
        raise RunError(fault("", "run failed: time {time}: `{name}` became {value}", time=f"{times[save]:g}",
                             name=label, value=values[save, column]))  # fmt: skip
    return values


def _states(points: _Points, y: Floats, marks: list[tuple[float, float]], tolerance: float) -> Floats:
    """The states (saves, states) from `y` on, in one piece between each two events."""
    times = points.schedule.times
    states = np.empty((len(times), len(y)))
    states[0] = y
    for (_, first), (last, _) in pairwise([(times[0], times[0]), *marks, (times[-1], times[-1])]):
        inside = np.flatnonzero((times >= first) & (times <= last))
        if first < last and len(y):
            y, states[inside] = _solve(points, y, first, last, times[inside], tolerance)
        else:
            states[inside] = y
    return states


def refuse_discrete(model: Model, program: Program, row: Floats) -> None:
    """UnsupportedError with every variable that has no continuous time, by name and line."""
    labels = FlatNames(model)
    found: dict[str, str] = {}
    for state in program.states:
        if state.kind != "integrated" or state.non_negative:
            why = "is limited at 0 once a step" if state.non_negative else "has a memory that moves once a step"
            found.setdefault(_owner(labels, state.name), why)
    for ring in program.rings:
        found.setdefault(_owner(labels, ring.name), "has a memory that moves once a step")
    for variable in model.variables.values():
        for definition in variable.definitions if variable.name not in CONTROLS else ():
            for expression in (definition.expression, definition.initial):
                for node in walk(expression) if expression is not None else ():
                    if why := _discrete(model, program, row, node):
                        found.setdefault(variable.name, why)
    faults: list[Fault] = []
    for name, why in found.items():
        variable = model.variables.get(name)
        faults.append(
            fault(
                variable.place if variable else "",
                "`{name}` {why}, and the adaptive method has no steps",
                remedy="Use euler, rk2 or rk4",
                name=variable.label if variable else name,
                why=why,
            )
        )
    if faults:
        raise UnsupportedError(faults)


def _owner(labels: FlatNames, name: str) -> str:
    owner = labels.owner(name)
    return owner.name if owner else name


def _discrete(model: Model, program: Program, row: Floats, node: Expression) -> str:
    if isinstance(node, Reference) and node.name == "time_step":
        return "is computed from TIME STEP"
    if isinstance(node, Call):
        if node.function in BY_STEPS:
            return "is computed from TIME STEP"
        if node.function in DRAWS:
            return "draws noise once a step"
        if node.function in ("pulse", "pulse_train") and not _wide(model, program, row, node.arguments[1]):
            return "has a pulse of one time step"
    return ""


def _wide(model: Model, program: Program, row: Floats, width: Expression) -> bool:
    """Whether the width of a pulse is a number, or a constant, above 0."""
    if isinstance(width, Number):
        return width.value > 0
    if not isinstance(width, Reference) or width.name not in model.variables:
        return False
    names = [flat(width.name, each) for each in elements_of(model, model.variables[width.name])]
    columns = [program.parameter_index.get(name) for name in names]
    return all(column is not None and row[column] > 0 for column in columns)


@dataclass
class _Points:
    """The compiled rates, outputs and events of one parameter vector, as functions of time and states."""

    program: Program
    row: Floats
    schedule: Schedule
    backend: str

    def __post_init__(self) -> None:
        self.row = self.row.copy()
        largest = max(abs(self.schedule.start), abs(self.schedule.times[-1]), 1.0)
        # comparisons look half a step ahead; here that is only what rounding may take
        self.row[self.program.parameter_index[CONTROL["dt"]]] = 8 * np.finfo(float).eps * largest
        self.all = pointwise(self.program)
        self.rates = self._compile([f"rate {i}" for i in range(len(self.program.states))])
        self.shown = self._compile(list(self.program.outputs))
        self.marks = self._compile([name for name in self.all.outputs if name.startswith("event ")])
        self.frozen = np.empty(0)
        self.evaluations = 0

    def begin(self) -> Floats:
        """The states at the start; frozen values are kept, and how large each state becomes with a fixed step."""
        program, states = starting(self.program), len(self.program.states)
        self.scale = np.ones(states)
        if not program.outputs:
            return np.empty(0)
        kernel = compile_kernel(program, list(program.outputs), backend=self.backend)
        result = kernel.run(self.row[None, :], self.schedule, method="rk4").values[0]
        self.frozen = result[0, states:]
        largest = np.abs(np.where(np.isfinite(result), result, 0.0)).max(axis=0)[:states]
        self.scale = np.where(largest > 0, largest, 1.0)
        return result[0, :states]

    def rate(self, time: float, states: Floats) -> Floats:
        self.evaluations += 1
        if self.evaluations > MOST_RATES:
            raise RunError(fault("", "the adaptive method took {count} evaluations and reached time {time}",
                                 expected="The model is stiff, or the tolerance too small for its kinks",
                                 remedy="Use euler, rk2 or rk4", count=MOST_RATES, time=f"{time:g}"))  # fmt: skip
        return self._call(self.rates, np.array([time]), states[None, :])[0]

    def outputs(self, times: Floats, states: Floats) -> Floats:
        return self._call(self.shown, times, states)

    def events(self, times: Floats) -> Floats:
        """(times, events)"""
        return self._call(self.marks, times, np.zeros((len(times), len(self.program.states))))

    def _compile(self, names: list[str]) -> Kernel | None:
        return compile_kernel(self.all, names, backend=self.backend) if names else None

    def _call(self, kernel: Kernel | None, times: Floats, states: Floats) -> Floats:
        if kernel is None:
            return np.empty((len(times), 0))
        own = len(self.row)
        rows = np.empty((len(times), own + 1 + states.shape[1] + len(self.frozen)))
        rows[:, :own] = self.row
        rows[:, own] = times
        rows[:, own + 1 : own + 1 + states.shape[1]] = states
        rows[:, own + 1 + states.shape[1] :] = self.frozen
        if not np.isfinite(rows).all():
            return np.full((len(times), len(kernel.outputs)), np.nan)
        return kernel.run(rows, Schedule(0.0, 1.0, 0)).values[:, 0, :]


def _events(points: _Points, schedule: Schedule) -> list[tuple[float, float]]:
    """The last time before and the first time after each event, neighbouring numbers, in order."""
    times = np.asarray(schedule.start + np.arange(schedule.steps + 1) * schedule.dt, dtype=np.float64)
    marks = points.events(times)
    changed = np.flatnonzero((marks[1:] != marks[:-1]).any(axis=1))
    found: list[tuple[float, float]] = []
    open_ = [(times[i], times[i + 1], marks[i], marks[i + 1]) for i in changed]
    while open_:
        low: Floats = np.array([each[0] for each in open_], dtype=np.float64)
        high: Floats = np.array([each[1] for each in open_], dtype=np.float64)
        before = np.array([each[2] for each in open_])
        while True:  # halve all of them at once
            middle = np.asarray(low + (high - low) / 2, dtype=np.float64)
            between = (middle > low) & (middle < high)
            if not between.any():
                break
            same = (points.events(middle) == before).all(axis=1)
            low, high = np.where(between & same, middle, low), np.where(between & ~same, middle, high)
        after = points.events(high)
        found += zip(low.tolist(), high.tolist(), strict=True)
        open_ = [(high[i], each[1], after[i], each[3]) for i, each in enumerate(open_) if (after[i] != each[3]).any()]
        if len(found) > MOST_EVENTS:
            raise UnsupportedError(fault("", "time makes the model jump or bend more than {most} times",
                                         remedy="Use euler, rk2 or rk4", most=MOST_EVENTS))  # fmt: skip
    return sorted(found)


def _solve(
    points: _Points, y: Floats, first: float, last: float, times: Floats, tolerance: float
) -> tuple[Floats, Floats]:
    """The states at `last` and at `times`."""
    from scipy.integrate import solve_ivp

    ask = np.unique(np.append(times, last))
    rate: Callable[[float, Floats], Floats] = points.rate
    with np.errstate(all="ignore"):
        result = solve_ivp(rate, (first, last), y, method="DOP853", rtol=max(tolerance, 3e-14),
                           atol=tolerance * 1e-3 * points.scale, t_eval=ask)  # fmt: skip
    if result.status != 0 or not np.isfinite(result.y).all():
        reached = result.t[-1] if len(result.t) else first
        raise RunError(fault("", "the adaptive method could not go on after time {time}",
                             expected="A rate became infinite, or not a number, or jumps with a stock",
                             remedy="Run with rk4, which names the variable", time=f"{reached:g}"))  # fmt: skip
    return result.y[:, -1], result.y[:, np.searchsorted(ask, times)].T
