"""A program beside the derivatives of all its values, again as a program.

Every operation gets, for each of a few directions of parameter space, the operations of its derivative; states get
tangent states.  Stepped by the same method, those are the exact derivatives of the discrete solution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from alliance_dynamics.kernel.optimise import JUMPS
from alliance_dynamics.kernel.program import GraphBuilder, Op, Program, Ring, State
from alliance_dynamics.kernel.segments import segments
from alliance_dynamics.model.expression import Table


@dataclass(frozen=True, slots=True)
class Move:
    """A derivative: an operation for each slot, times a factor that is the same in all and not yet multiplied in.

    So factors of factors are multiplied once and not for every slot.
    """

    along: tuple[int, ...]
    factor: int | None = None


Tangent = Move | None  # None is 0 in all


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
        return self.const(0.0) if tangent is None else self._whole(tangent)[slot]

    def derive(self, states: dict[int, int], rings: dict[int, int], frozen: dict[int, int]) -> None:
        """Fill `tangents`, given the first tangent state, ring and frozen value of those that have one."""
        first_of = {"state": states, "ring": rings, "frozen": frozen}
        for index in range(self.count):
            op = self.ops[index]
            match op.kind, op.value:
                case "param", int(column) if column in self.seeds:
                    tangent: Tangent = Move(tuple(self.op("param", value=each) for each in self.seeds[column]))
                case "state" | "ring" | "frozen", int(number) if number in first_of[op.kind]:
                    first = first_of[op.kind][number]
                    tangent = Move(tuple(self.op(op.kind, value=first + slot) for slot in range(self.slots)))
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
        if move is None:
            return None
        return Move(move.along, factor if move.factor is None else self.op("mul", move.factor, factor))

    def _whole(self, move: Move) -> tuple[int, ...]:
        factor = move.factor
        return move.along if factor is None else tuple(self.op("mul", d, factor) for d in move.along)

    def _sum(self, a: Tangent, b: Tangent) -> Tangent:
        if a is None or b is None:
            return b if a is None else a
        return self._together("add", a, b)

    def _difference(self, a: Tangent, b: Tangent) -> Tangent:
        if b is None:
            return a
        return self._times(b, self.const(-1.0)) if a is None else self._together("sub", a, b)

    def _together(self, kind: str, a: Move, b: Move) -> Move:
        if a.along == b.along:  # their factors alone differ
            one = self.const(1.0)
            first, second = (one if each.factor is None else each.factor for each in (a, b))
            return Move(a.along, self.op(kind, first, second))
        return Move(tuple(self.op(kind, x, y) for x, y in zip(self._whole(a), self._whole(b), strict=True)))

    def _chosen(self, condition: int, a: Tangent, b: Tangent) -> Tangent:
        if a is None and b is None:
            return None
        zeros = (self.const(0.0),) * self.slots
        first, second = (zeros if each is None else self._whole(each) for each in (a, b))
        return Move(tuple(self.op("select", condition, x, y) for x, y in zip(first, second, strict=True)))


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
