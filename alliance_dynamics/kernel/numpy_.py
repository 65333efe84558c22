"""The reference back-end: a program as a list of NumPy calls over all runs of a chunk, and the same semantics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.kernel import noise
from alliance_dynamics.kernel.formats import DOUBLE
from alliance_dynamics.kernel.integrate import Array, Schedule, Task, Trajectories
from alliance_dynamics.kernel.mathematics import LARGEST_ANGLE
from alliance_dynamics.kernel.optimise import FOLDED
from alliance_dynamics.kernel.plan import Plan
from alliance_dynamics.kernel.program import Op
from alliance_dynamics.kernel.segments import evaluate, segments
from alliance_dynamics.kernel.threads import work_through
from alliance_dynamics.model.expression import Table

CHUNK_BYTES = 2**25
UFUNCS: dict[str, np.ufunc] = FOLDED | {
    "exp": np.exp,
    "log": np.log,
    "pow": np.power,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
}


def compile_plan(plan: Plan) -> Callable[[Task], Trajectories]:
    """A function from a task to its trajectories; nothing is kept between calls."""
    size = max(1, sum(map(len, plan.groups.values())) + len(plan.start))
    chunk = int(np.clip(CHUNK_BYTES // (8 * size), 16, 4096))

    def execute(task: Task) -> Trajectories:
        runs = len(task.parameters)
        values = np.empty((runs, task.schedule.saves, len(plan.outputs)))
        failed = np.full(runs, -1, dtype=np.int64)

        def work(first: int) -> None:
            part = slice(first, min(first + chunk, runs))
            with np.errstate(all="ignore"):
                lanes = Lanes(plan, task.parameters[part], task.schedule, task.seed, task.first_run + first)
                _integrate(lanes, task, values[part], failed[part])

        work_through(range(0, runs, chunk), work, task.threads)
        return Trajectories(values, failed)

    return execute


def _integrate(lanes: Lanes, task: Task, values: Array, failed: NDArray[np.int64]) -> None:
    schedule, method = task.schedule, task.method
    for step in range(schedule.steps // schedule.steps_per_save * schedule.steps_per_save + 1):
        lanes.begin(step)
        lanes.stage(0, 0.0)
        save, rest = divmod(step, schedule.steps_per_save)
        if rest == 0:
            lanes.save(values[:, save])
            finite = np.isfinite(lanes.states).all(axis=0) & np.isfinite(values[:, save]).all(axis=1)
            failed[(failed < 0) & ~finite] = save
        if step == schedule.steps:
            break
        total = method.weights[0] * lanes.slopes
        for number in range(1, len(method.nodes)):
            lanes.moved[:] = lanes.integrated + method.nodes[number] * schedule.dt * lanes.slopes
            lanes.stage(number, method.nodes[number])
            total += method.weights[number] * lanes.slopes
        lanes.advance(schedule.dt / method.divisor * total)


class Lanes:
    """The values of one chunk of runs: a buffer for each operation and the calls that fill them."""

    def __init__(self, plan: Plan, parameters: Array, schedule: Schedule, seed: int, first_run: int):
        self.plan, self.schedule = plan, schedule
        runs = len(parameters)
        self.runs = np.arange(first_run, first_run + runs)
        self.parameters = np.ascontiguousarray(parameters.T)
        states = len(plan.integrated) + len(plan.held)
        self.states = np.empty((states, runs))
        self.integrated = self.states[: len(plan.integrated)]
        self.held = self.states[len(plan.integrated) :]
        self.moved = np.empty((len(plan.integrated), runs))
        self.slopes = np.empty((len(plan.integrated), runs))
        self.next = np.empty((len(plan.held), runs))
        self.time, self.steptime = np.empty(1), np.empty(1)
        self.frozen: dict[int, Array] = {}
        self.step_number = 0
        self._start()
        program = plan.program
        self.keys = {
            i: noise.keys(seed, self.runs, program.step[i].integer)
            for i in plan.groups["step"]
            if program.step[i].kind == "random"
        }
        same = {i for i in plan.groups["run"] if program.step[i].level == 0}
        self.calls = Calls(program.step, self, same_for_all={*plan.groups["time"], *same})
        self.groups = {name: [self.calls.add(i) for i in indices] for name, indices in plan.groups.items()}
        self._run("run")

    def _start(self) -> None:
        plan, program = self.plan, self.plan.program
        self.time[:] = self.steptime[:] = self.schedule.start
        calls = self.begun = Calls(program.start, self)
        for index in plan.start:
            calls.add(index)()
        for row, state in enumerate((*plan.integrated, *plan.held)):
            self.states[row] = calls.value(program.states[state].initial)
        self.moved[:] = self.integrated
        self.frozen = {f: self._spread(calls.value(program.frozen[f])) for f in plan.frozen}
        self.rings = {
            r: Ring.filled(
                self._spread(calls.value(program.rings[r].initial)),
                self._spread(calls.value(program.rings[r].length)),
                self.schedule,
            )
            for r in plan.rings
        }

    def _spread(self, value: Array) -> Array:
        return np.broadcast_to(value, self.runs.shape).copy()

    def _run(self, group: str) -> None:
        for call in self.groups[group]:
            call()

    def begin(self, step: int) -> None:
        """Enter a step: read rings, draw noise, compute what holds for the whole step."""
        self.step_number = step
        self.steptime[:] = self.time[:] = self.schedule.start + step * self.schedule.dt
        self._run("time")
        self._run("step")

    def stage(self, number: int, node: float) -> None:
        """Compute the slopes at `moved`; at the first stage also the next held values and ring entries."""
        program, value = self.plan.program, self.calls.value
        if number:
            self.time[:] = self.steptime + node * self.schedule.dt
            self._run("time")
        self._run("stage")
        for row, state in enumerate(self.plan.integrated):
            self.slopes[row] = value(program.states[state].rate)
        if number == 0:
            self._run("capture")
            for row, state in enumerate(self.plan.held):
                self.next[row] = value(program.states[state].rate)
            for ring, entries in self.rings.items():
                entries.write(self.step_number, value(program.rings[ring].input))

    def save(self, values: Array) -> None:
        self._run("save")
        for column, index in enumerate(self.plan.outputs):
            values[:, column] = self.calls.value(index)

    def advance(self, change: Array) -> None:
        self.integrated += change
        limited = self.integrated[len(self.integrated) - self.plan.non_negative :]
        limited[limited < 0] = 0.0
        self.moved[:] = self.integrated
        self.held[:] = self.next


@dataclass
class Ring:
    """The entries of a delay, (slots, runs); a run uses its first `length` slots."""

    entries: Array
    length: NDArray[np.int64]

    @classmethod
    def filled(cls, initial: Array, length: Array, schedule: Schedule) -> Ring:
        slots = ring_slots(length, schedule)
        fill = np.where(length >= 0, initial, np.nan)
        return cls(np.repeat(fill[np.newaxis], int(slots.max(initial=1)), axis=0), slots)

    def read(self, step: int, out: Array) -> None:
        out[:] = self.entries[step % self.length, np.arange(len(self.length))]

    def write(self, step: int, value: Array) -> None:
        self.entries[step % self.length, np.arange(len(self.length))] = value


def ring_slots(length: Array, schedule: Schedule) -> NDArray[np.int64]:
    """How many steps a delay of `length` time units holds back: at least 1; never more than the run can show.

    A negative or undefined length gives 1; such a ring is filled with not-a-number, so that its run fails.
    """
    steps = np.floor(np.where(np.isnan(length), 0.0, length) / schedule.dt + 0.5)
    return np.clip(steps, 1, schedule.steps + 1).astype(np.int64)


@dataclass
class Calls:
    """Turns operations of one graph into calls that write their buffers."""

    ops: Sequence[Op]
    lanes: Lanes
    same_for_all: set[int] = field(default_factory=set)
    values: dict[int, Array] = field(default_factory=dict)

    def value(self, index: int) -> Array:
        """The buffer of an operation; constants have one entry."""
        if index not in self.values and self.ops[index].kind == "const":
            self.values[index] = np.array([self.ops[index].value], dtype=np.float64)
        return self.values[index]

    def add(self, index: int) -> Callable[[], object]:
        """Give an operation its buffer and return the call that fills it; arguments come before."""
        op, lanes = self.ops[index], self.lanes
        leaf = self._leaf(op)
        if leaf is not None:
            self.values[index] = leaf
            return _nothing
        out = self.values[index] = np.empty(1 if index in self.same_for_all else len(lanes.runs))
        args = [self.value(a) for a in op.args]
        match op.kind:
            case "ring":
                ring = lanes.rings[op.integer]
                return lambda: ring.read(lanes.step_number, out)
            case "random":
                key = lanes.keys[index]
                return lambda: np.copyto(out, noise.uniform(key, lanes.step_number))
            case _:
                return call(op, args, out)

    def _leaf(self, op: Op) -> Array | None:
        lanes = self.lanes
        match op.kind:
            case "param":
                return lanes.parameters[op.integer]
            case "time":
                return lanes.time
            case "steptime":
                return lanes.steptime
            case "frozen":
                return lanes.frozen[op.integer]
            case "state":
                number = op.integer
                if number in lanes.plan.held:
                    return lanes.held[lanes.plan.held.index(number)]
                return lanes.moved[lanes.plan.integrated.index(number)]
        return None


def call(op: Op, args: Sequence[Array], out: Array) -> Callable[[], object]:
    """The call that computes one operation from the buffers of its arguments."""
    match op.kind:
        case "select":
            condition, then, other = args
            return lambda: np.copyto(out, np.where(condition != 0, then, other))
        case "lookup":
            assert isinstance(op.value, Table)
            found = segments(op.value)
            return lambda: np.copyto(out, evaluate(found, args[0]))
        case "mod":
            return lambda: np.copyto(out, _modulo(args[0], args[1]))
        case "powers":
            return lambda: np.copyto(out, _powers(*args))
        case "sin" | "cos" | "tan":
            function = {"sin": np.sin, "cos": np.cos, "tan": np.tan}[op.kind]
            x = args[0]
            return lambda: np.copyto(out, function(np.where(np.abs(x) <= LARGEST_ANGLE, x, np.nan)))
        case _:
            function = UFUNCS[op.kind]
            return lambda: function(*args, out=out)


def _powers(x: Array, y: Array, u: Array, v: Array) -> Array:
    """x^y * u^v as `mathematics.powers` has it."""
    exponent = y * np.log(x) + v * np.log(u)
    low, high = np.minimum(x, u), np.maximum(x, u)
    if low.min() >= DOUBLE.least and high.max() < np.inf and np.abs(exponent).max() < np.inf:
        return np.exp(exponent)
    usual = (low >= DOUBLE.least) & (high < np.inf) & np.isfinite(exponent)
    return np.where(usual, np.exp(exponent), np.power(x, y) * np.power(u, v))


def _modulo(x: Array, y: Array) -> Array:
    return np.where(np.abs(x / y) < DOUBLE.largest_quotient, np.fmod(x, y), np.nan)


def _nothing() -> None:
    return None
