"""Forward sensitivities: a program beside the derivatives of all its values, again as a program.

Every operation gets, for each of a few directions of parameter space, the operations of its derivative; states get
tangent states.  Stepped by the same method, those are the exact derivatives of the discrete solution.  More directions
than one program holds go to further lanes, so the length of what is compiled does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.errors import Fault, UsageError, fault, suggestion
from alliance_dynamics.kernel.integrate import METHODS, Array, Kernel, Schedule, Task, Trajectories, execute_with
from alliance_dynamics.kernel.optimise import JUMPS, optimise
from alliance_dynamics.kernel.plan import Plan, plan
from alliance_dynamics.kernel.program import GraphBuilder, Op, Program, Ring, State
from alliance_dynamics.kernel.segments import segments
from alliance_dynamics.model.expression import Table

OPERATIONS = 15_000  # about as many are compiled at most: what limits how many directions share the values' lanes
SHARED = 4  # directions that share the lanes of the values of many runs: more leave the nearest memory (measured)
CONTROL = ("initial_time", "final_time", "time_step", "saveper")

Tangent = tuple[int, ...] | None  # an operation for each slot; None is 0 in all


@dataclass(frozen=True, slots=True)
class Jacobian:
    """`values` (runs, saves, outputs) and their derivatives `slopes` (runs, saves, outputs, directions).

    `failed` (runs,): the first save with a non-finite state, output or derivative, or -1.
    """

    values: Array
    slopes: Array
    failed: NDArray[np.int64]


def jacobian(
    kernel: Kernel,
    parameters: Array,
    schedule: Schedule,
    directions: Sequence[str | Sequence[str]],
    *,
    method: str,
    seed: int,
    first_run: int,
    threads: int,
) -> Jacobian:
    """See `Kernel.jacobian`, which has checked all but the directions."""
    groups = tuple((each,) if isinstance(each, str) else tuple(each) for each in directions)
    _check(kernel, groups)
    if not groups:
        result = kernel.run(parameters, schedule, method=method, seed=seed, first_run=first_run, threads=threads)
        return Jacobian(result.values, np.empty((*result.values.shape, 0)), result.failed)
    order = _Order(kernel, groups, few=len(parameters) < 8)
    made = _made(order)

    def run(rows: Array) -> Trajectories:
        return made.execute(Task(rows, schedule, METHODS[method], seed, first_run, threads))

    lanes = -(-len(groups) // made.slots)
    runs = len(parameters)
    rows = np.concatenate(
        [
            np.repeat(parameters[:, None], lanes, axis=1),
            np.broadcast_to(made.seeds, (runs, lanes, made.seeds.shape[1])),
        ],
        axis=2,
    )
    if made.noisy:  # the lanes of a run share its noise
        parts = [run(np.ascontiguousarray(rows[:, i])) for i in range(lanes)]
        found = np.stack([each.values for each in parts], axis=1)
        failed = np.stack([each.failed for each in parts], axis=1)
    else:
        together = run(rows.reshape(runs * lanes, -1))
        found = together.values.reshape(runs, lanes, *together.values.shape[1:])
        failed = together.failed.reshape(runs, lanes)
    outputs = len(kernel.outputs)
    slopes = found[..., outputs:].reshape(runs, lanes, schedule.saves, outputs, made.slots)
    slopes = slopes.transpose(0, 2, 3, 1, 4).reshape(runs, schedule.saves, outputs, -1)[..., : len(groups)]
    first = np.where(failed < 0, np.iinfo(np.int64).max, failed).min(axis=1)
    return Jacobian(
        np.ascontiguousarray(found[:, 0, :, :outputs]),
        np.ascontiguousarray(slopes),
        np.where((failed < 0).all(axis=1), -1, first),
    )


def _check(kernel: Kernel, groups: tuple[tuple[str, ...], ...]) -> None:
    known = kernel.program.parameter_index
    faults: list[Fault] = []
    for name in dict.fromkeys(name for group in groups for name in group):
        if name not in known:
            template = "`{name}` is not a constant of the model"
            faults.append(fault("", template, remedy=suggestion(name, known), name=name))
        elif name in CONTROL:
            faults.append(fault("", "there are no derivatives by `{name}`: it sets the times of a run", name=name))
        elif kernel.vary is not None and name not in kernel.vary:
            faults.append(
                fault(
                    "",
                    "`{name}` was compiled as a constant, so there are no derivatives by it",
                    remedy="Name it among the parameters to vary.",
                    name=name,
                )
            )
    if faults:
        raise UsageError(faults)


class _Order:
    """The request for a compiled tangent program; equal where the program's hash and the wishes are."""

    def __init__(self, kernel: Kernel, groups: tuple[tuple[str, ...], ...], *, few: bool):
        self.program = kernel.program
        self.key = (kernel.program.hash, kernel.outputs, kernel.backend, kernel.vary, groups, few)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Order) and self.key == other.key


@dataclass(frozen=True)
class _Made:
    """`seeds` (lanes, seed parameters): how far each lane's slots go along each parameter."""

    execute: Callable[[Task], Trajectories]
    slots: int
    seeds: Array
    noisy: bool


@lru_cache(maxsize=16)
def _made(order: _Order) -> _Made:
    _, outputs, backend, vary, groups, few = order.key
    program = optimise(order.program, vary)
    names = tuple(dict.fromkeys(name for group in groups for name in group))

    def planned(slots: int) -> Plan:
        with np.errstate(all="ignore"):  # what is folded may be infinite, as it may be in a run
            return plan(optimise(with_tangents(program, outputs, names, slots)), tangent_outputs(outputs, slots))

    plain, one = plan(program, outputs), planned(1)
    refuse(program, names, plain)
    slots = _slots(len(groups), _size(plain), _size(one), few=few)
    schedule = one if slots == 1 else planned(slots)
    lanes = -(-len(groups) // slots)
    seeds = np.zeros((lanes, slots, len(names)))
    for number, group in enumerate(groups):
        seeds[number // slots, number % slots, [names.index(name) for name in group]] = 1.0
    noisy = any(schedule.program.step[i].kind == "random" for i in schedule.groups["step"])
    return _Made(execute_with(backend, schedule), slots, seeds.reshape(lanes, -1), noisy)


def _size(planned: Plan) -> int:
    return sum(map(len, planned.groups.values())) + len(planned.start)


def _slots(directions: int, values: int, with_one: int, *, few: bool) -> int:
    """How many directions share the lanes of the values: for few runs as many as leave one block of lanes."""
    room = max(1, (OPERATIONS - values) // max(1, with_one - values))
    lanes = -(-directions // min(room, -(-directions // 8) if few else SHARED))
    return -(-directions // lanes)


def tangent_outputs(outputs: Sequence[str], slots: int) -> list[str]:
    """The outputs of a tangent program: the values, then the derivatives, slots running fastest."""
    return [*outputs, *(f"{name} along {slot}" for name in outputs for slot in range(slots))]


def with_tangents(program: Program, outputs: Sequence[str], names: Sequence[str], slots: int) -> Program:
    """The program with derivatives in `slots` directions; parameters that follow its own are the directions' seeds.

    Seed `slot * len(names) + i` is how far the slot's direction goes along parameter `names[i]`.
    """
    count = len(program.parameters)
    seeds = {
        program.parameter_index[name]: tuple(count + slot * len(names) + i for slot in range(slots))
        for i, name in enumerate(names)
    }
    start = _Tangents(program.start, seeds, slots)
    start.derive({}, {}, {})
    frozen = {
        f: i for i, f in enumerate(f for f, root in enumerate(program.frozen) if start.tangents[root] is not None)
    }
    moving = {s for s, each in enumerate(program.states) if start.tangents[each.initial] is not None}
    rings = {r for r, each in enumerate(program.rings) if start.tangents[each.initial] is not None}
    while True:  # which states can move at all: each pass may find more
        state_at = {s: len(program.states) + slots * i for i, s in enumerate(sorted(moving))}
        ring_at = {r: len(program.rings) + slots * i for i, r in enumerate(sorted(rings))}
        frozen_at = {f: len(program.frozen) + slots * i for f, i in frozen.items()}
        step = _Tangents(program.step, seeds, slots)
        step.derive(state_at, ring_at, frozen_at)
        more = {s for s, each in enumerate(program.states) if step.tangents[each.rate] is not None} - moving
        more_rings = {r for r, each in enumerate(program.rings) if step.tangents[each.input] is not None} - rings
        if not (more or more_rings):
            break
        moving |= more
        rings |= more_rings
    states, delays = list(program.states), list(program.rings)
    for s in sorted(moving):
        each = program.states[s]
        for slot in range(slots):
            initial, rate = start.slot(each.initial, slot), step.slot(each.rate, slot)
            states.append(State(f"{each.name} along {slot}", each.kind, initial, rate))
    for r in sorted(rings):
        each = program.rings[r]
        for slot in range(slots):
            initial, entry = start.slot(each.initial, slot), step.slot(each.input, slot)
            delays.append(Ring(f"{each.name} along {slot}", initial, each.length, entry))
    held = [*program.frozen, *(start.slot(program.frozen[f], slot) for f in frozen for slot in range(slots))]
    slopes = {f"{n} along {slot}": step.slot(program.outputs[n], slot) for n in outputs for slot in range(slots)}
    return Program(
        tuple(start.ops),
        tuple(step.ops),
        (*program.parameters, *(f"{name} along {slot}" for slot in range(slots) for name in names)),
        (*program.defaults, *([0.0] * (slots * len(names)))),
        tuple(states),
        tuple(delays),
        tuple(held),
        {**program.outputs, **slopes},
    )


class _Tangents(GraphBuilder):
    """One optimised graph, and after its operations their derivatives; `tangents` has the one of each."""

    def __init__(self, ops: Sequence[Op], seeds: dict[int, tuple[int, ...]], slots: int):
        super().__init__()
        self.seeds, self.slots = seeds, slots
        self.tangents: list[Tangent] = []
        for number, op in enumerate(ops):
            if self.op(op.kind, *op.args, value=op.value) != number:
                raise ValueError("the graph has the same operation twice: it was not optimised")
        self.count = len(ops)

    def slot(self, index: int, slot: int) -> int:
        tangent = self.tangents[index]
        return self.const(0.0) if tangent is None else tangent[slot]

    def derive(self, states: dict[int, int], rings: dict[int, int], frozen: dict[int, int]) -> None:
        """Fill `tangents`, given the first tangent state, ring and frozen value of those that have one."""
        first_of = {"state": states, "ring": rings, "frozen": frozen}
        for index in range(self.count):
            op = self.ops[index]
            match op.kind, op.value:
                case "param", int(column) if column in self.seeds:
                    tangent: Tangent = tuple(self.op("param", value=each) for each in self.seeds[column])
                case "state" | "ring" | "frozen", int(number) if number in first_of[op.kind]:
                    first = first_of[op.kind][number]
                    tangent = tuple(self.op(op.kind, value=first + slot) for slot in range(self.slots))
                case _:
                    tangent = self._tangent(index, op, [self.tangents[a] for a in op.args])
            self.tangents.append(tangent)

    def _tangent(self, z: int, op: Op, moves: list[Tangent]) -> Tangent:
        if (op.kind in JUMPS and op.kind != "mod") or all(each is None for each in moves):
            return None
        if op.kind == "select":
            return self._chosen(op.args[0], moves[1], moves[2])
        match op.kind, op.args:
            case "add", _:
                return self._sum(*moves)
            case "sub", _:
                return self._difference(moves[0], moves[1])
            case "neg", _:
                return self._difference(None, moves[0])
            case "mul", (a, b):
                return self._sum(self._times(moves[0], b), self._times(moves[1], a))
            case "div", (a, b):
                if moves[1] is None:
                    return self._each(moves[0], lambda d: self.op("div", d, b))
                top = self._difference(moves[0], self._times(moves[1], z))
                return self._times(top, self.op("div", self.const(1.0), b))
            case "max" | "min", (a, b):
                first = self.op("ge" if op.kind == "max" else "le", a, b)
                return self._chosen(first, moves[0], moves[1])
            case "abs", (x,):
                return self._chosen(self.op("ge", x, self.const(0.0)), moves[0], self._difference(None, moves[0]))
            case "mod", (a, b):
                whole = self.op("trunc", self.op("div", a, b))
                return self._sum(moves[0], self._times(moves[1], self.op("neg", whole)))
            case "pow", (x, y):
                return self._sum(self._times(moves[0], self._by_base(z, x, y)), self._by_exponent(z, x, moves[1]))
            case "powers", (x, y, u, v):
                first = self._sum(
                    self._times(moves[0], self._by_base(z, x, y, (u, v))), self._by_exponent(z, x, moves[1])
                )
                second = self._times(moves[2], self._by_base(z, u, v, (x, y)))
                return self._sum(first, self._sum(second, self._by_exponent(z, u, moves[3])))
            case "lookup", (x,):
                slope = slope_table(op.value) if isinstance(op.value, Table) else None
                return None if slope is None else self._times(moves[0], self.op("lookup", x, value=slope))
            case kind, (x,):
                return self._times(moves[0], self._slope(kind, x, z))
        raise AssertionError(f"{op.kind} has no derivative")

    def _slope(self, kind: str, x: int, z: int) -> int:
        one = self.const(1.0)
        square = self.op("mul", x, x)
        match kind:
            case "exp":
                return z
            case "log":
                return self.op("div", one, x)
            case "sqrt":
                return self.op("div", self.const(0.5), z)
            case "sin":
                return self.op("cos", x)
            case "cos":
                return self.op("neg", self.op("sin", x))
            case "tan":
                return self.op("add", one, self.op("mul", z, z))
            case "asin":
                return self.op("div", one, self.op("sqrt", self.op("sub", one, square)))
            case "acos":
                return self.op("div", self.const(-1.0), self.op("sqrt", self.op("sub", one, square)))
            case "atan":
                return self.op("div", one, self.op("add", one, square))
            case "sinh":
                return self.op("cosh", x)
            case "cosh":
                return self.op("sinh", x)
            case "tanh":
                return self.op("sub", one, self.op("mul", z, z))
        raise AssertionError(f"{kind} has no derivative")

    def _by_base(self, z: int, x: int, y: int, other: tuple[int, int] | None = None) -> int:
        """For z = x^y (times another power), y z / x; at x = 0 what x^(y-1) is there (times that other power)."""
        ratio = self.op("div", self.op("mul", y, z), x)
        exponent = self.ops[y]
        if exponent.kind == "const":
            at_zero = self.const(float(np.power(0.0, float(exponent.value) - 1.0)))  # type: ignore[arg-type]
        else:
            one = self.const(1.0)
            least = self.op("select", self.op("lt", y, one), self.const(np.inf), one)
            at_zero = self.op("select", self.op("gt", y, one), self.const(0.0), least)
        if other is not None:
            at_zero = self.op("mul", at_zero, self.op("pow", *other))
        return self.op("select", self.op("ne", x, self.const(0.0)), ratio, at_zero)

    def _by_exponent(self, z: int, x: int, move: Tangent) -> Tangent:
        if move is None:
            return None
        zero = self.const(0.0)
        slope = self.op("select", self.op("ne", x, zero), self.op("mul", z, self.op("log", x)), zero)
        return self._times(move, slope)

    def _times(self, move: Tangent, factor: int) -> Tangent:
        return self._each(move, lambda d: self.op("mul", d, factor))

    def _each(self, move: Tangent, make: Callable[[int], int]) -> Tangent:
        return None if move is None else tuple(make(d) for d in move)

    def _sum(self, a: Tangent, b: Tangent) -> Tangent:
        if a is None or b is None:
            return b if a is None else a
        return tuple(self.op("add", x, y) for x, y in zip(a, b, strict=True))

    def _difference(self, a: Tangent, b: Tangent) -> Tangent:
        if a is None or b is None:
            return a if b is None else self._each(b, lambda d: self.op("neg", d))
        return tuple(self.op("sub", x, y) for x, y in zip(a, b, strict=True))

    def _chosen(self, condition: int, a: Tangent, b: Tangent) -> Tangent:
        if a is None and b is None:
            return None
        zeros = (self.const(0.0),) * self.slots
        return tuple(self.op("select", condition, x, y) for x, y in zip(a or zeros, b or zeros, strict=True))


@lru_cache(maxsize=4096)
def slope_table(table: Table) -> Table | None:
    """The slopes of a table's segments as steps, right-hand at knots; None where every segment is flat."""
    found = segments(table)
    if found.slope is None or not found.slope.any():
        return None
    breaks, slopes = list(found.breaks), list(found.slope)
    if np.isfinite(found.low):
        breaks, slopes = [found.low, *breaks], [0.0, *slopes]
    if not breaks:  # one line for ever
        breaks, slopes = [0.0], [slopes[0], slopes[0]]
    return Table((breaks[0] - 1.0, *map(float, breaks)), tuple(map(float, slopes)), "discrete")


def refuse(program: Program, names: Sequence[str], planned: Plan) -> None:
    """Refuse directions that move the time of an event or the length of a fixed delay, and limited stocks."""
    columns = {program.parameter_index[name]: name for name in names}
    start = _reached(program.start, columns, [])
    lengths = {name for r in planned.rings for name in start[program.rings[r].length].directions}
    step = _reached(program.step, columns, [start[root].directions for root in program.frozen])
    live = sorted(i for indices in planned.groups.values() for i in indices)
    events = {name for i in live if _jumps(program.step[i]) and step[i].times for name in step[i].directions}
    limited = [program.states[s].name for s in planned.integrated if program.states[s].non_negative]
    faults = [
        fault("", template, name=name)
        for template, found in (
            ("there are no derivatives by `{name}`: it sets the length of a fixed delay", sorted(lengths)),
            ("there are no derivatives by `{name}`: it sets the time of an event", sorted(events)),
            ("there are no derivatives through `{name}`: it is limited to 0 from below", limited),
        )
        for name in found
    ]
    if faults:
        raise UsageError(faults)


def _jumps(op: Op) -> bool:
    if isinstance(op.value, Table):
        found = segments(op.value)
        return found.slope is None or len(set(op.value.x)) < len(op.value.x)
    return op.kind in JUMPS and op.kind not in ("and", "or", "not")


@dataclass(frozen=True, slots=True)
class _Reach:
    """What an operation depends on: directions and time, except through states; `times`: on time and on no state."""

    directions: frozenset[str]
    time: bool = False
    states: bool = False

    @property
    def times(self) -> bool:
        return self.time and not self.states


def _reached(ops: Sequence[Op], columns: dict[int, str], frozen: Sequence[frozenset[str]]) -> list[_Reach]:
    none: frozenset[str] = frozenset()
    found: list[_Reach] = []
    for op in ops:
        match op.kind, op.value:
            case "param", int(column):
                found.append(_Reach(frozenset({columns[column]}) if column in columns else none))
            case "frozen", int(number):
                found.append(_Reach(frozen[number]))
            case "time" | "steptime", _:
                found.append(_Reach(none, time=True))
            case "state" | "ring" | "random", _:
                found.append(_Reach(none, states=True))
            case _:
                parts = [found[a] for a in op.args]
                moved = none.union(*(each.directions for each in parts))
                found.append(_Reach(moved, any(each.time for each in parts), any(each.states for each in parts)))
    return found
