"""Which operations of one run do the same at the same time, so that they can share a vector: elements of arrays first.

Operations of one structure form a class (elements of a subscripted variable do, and whatever else is written alike);
classes are put in an order in which arguments lie beside each other, and cut into packs of the vector's width.  What
is dear to compute (powers, exponentials, tables) is packed whatever its arguments look like.  Packs in which gathering
the arguments takes more than is saved are taken apart again.  Nothing here changes what an operation computes.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf

from alliance_dynamics.kernel.interpolate import SHORT
from alliance_dynamics.kernel.pieces import COSTS
from alliance_dynamics.kernel.plan import Plan
from alliance_dynamics.kernel.program import GraphBuilder, Op
from alliance_dynamics.kernel.segments import segments
from alliance_dynamics.model.expression import Table

LEAVES = ("const", "param", "time", "steptime", "state", "frozen")
ALONE = ("ring", "random")  # each has memory of its own
DEAR = frozenset(COSTS) - set(ALONE) | {"lookup"}
PRUNINGS = 4
# machine cycles, about: of one more instruction, of moving one lane, of dividing one lane
CYCLE, MOVE, DIVIDE = 0.5, 1.0, {"div": 4.0, "sqrt": 4.5}

Pack = tuple[int, ...]


@dataclass
class Shape:
    """One graph of operations, with what packing needs to know of each: `args` are turned so that they line up."""

    ops: Sequence[Op]
    group_of: dict[int, str]
    args: dict[int, tuple[int, ...]] = field(default_factory=dict)
    forms: dict[int, Hashable] = field(default_factory=dict)
    colours: dict[int, int] = field(default_factory=dict)

    def inner(self, index: int) -> list[int]:
        """The arguments that are computed in the same group."""
        group = self.group_of[index]
        return [a for a in self.ops[index].args if self.group_of.get(a) == group and self.ops[a].kind not in LEAVES]


def form(ops: Sequence[Op], op: Op) -> Hashable:
    """What must be equal for two operations to be one vector instruction or one function of vectors."""
    if isinstance(op.value, Table):
        found = segments(op.value)
        # long tables are searched, lane by lane in tables of their own
        count = len(found.breaks) if len(found.breaks) < SHORT else SHORT
        return op.kind, count, found.slope is None, found.low == -inf, found.high == inf
    if op.kind in ("min", "max"):
        return op.kind, limit_of(ops, op) is not None
    if op.kind == "pow":
        return op.kind, exponent_class(ops, op)
    return op.kind


def limit_of(ops: Sequence[Op], op: Op) -> int | None:
    """Which argument of min or max is a constant number, the first if both are."""
    known = [i for i, a in enumerate(op.args) if ops[a].kind == "const" and ops[a].value == ops[a].value]
    return known[0] if known else None


def exponent_class(ops: Sequence[Op], op: Op) -> float | None:
    """A constant exponent of the same kind as the power's: the instructions are the same for all of its kind."""
    exponent = ops[op.args[1]]
    value = exponent.value
    if exponent.kind != "const" or not isinstance(value, (int, float)) or value != value:
        return None
    if value == 0.0 or abs(value) == inf:
        return abs(float(value))
    return {0.0: 2.0, 1.0: 1.0}.get(value % 2.0, 0.5)


def shape_of(ops: Sequence[Op], group_of: dict[int, str], feedback: dict[int, int], kinds: dict[int, int]) -> Shape:
    """`feedback`: the rate of each state; `kinds`: numbers of states that may share a class have the same."""
    shape = Shape(ops, group_of)
    for index in group_of:
        shape.forms[index] = form(ops, ops[index])
    _colour(shape, kinds)
    if feedback:  # told apart once by their rates; further on, what is special of one element would reach all others
        _colour(shape, {s: (kind, shape.colours[feedback[s]]) for s, kind in kinds.items()})
    return shape


def _colour(shape: Shape, states: Mapping[int, Hashable]) -> None:
    """Number every operation by its structure down to what other groups compute; turn arguments alike."""
    known: dict[Hashable, int] = {}
    ops, group_of, colours = shape.ops, shape.group_of, shape.colours
    for index, op in enumerate(ops):
        group = group_of.get(index)
        kind = op.kind
        if kind == "state":
            key: Hashable = ("state", states.get(op.value))  # type: ignore[arg-type]
        elif kind in LEAVES or group is None:
            key = kind
        else:
            args = op.args
            # what another group hands over may come in any order, so its structure does not tell its users'
            inside = [colours[a] if ops[a].kind == "state" or group_of.get(a) == group else -1 for a in args]
            if len(args) == 2:
                if kind in ("add", "mul", "eq", "ne"):
                    turned = (inside[1], args[1]) < (inside[0], args[0])
                else:
                    turned = kind in ("min", "max") and limit_of(ops, op) == 1
                if turned:
                    args, inside = args[::-1], inside[::-1]
            shape.args[index] = args
            key = (group, shape.forms[index], *inside)
        colours[index] = known.setdefault(key, len(known))


def state_order(
    shape: Shape, states: Sequence[int], kinds: dict[int, int], rates: dict[int, int], width: int
) -> list[int]:
    """Slots of states, a multiple of `width`: classes in whole chunks, the rest after them; unused slots repeat one."""
    classes: dict[tuple[int, int], list[int]] = {}
    for s in states:
        classes.setdefault((kinds[s], shape.colours[rates[s]]), []).append(s)
    slots: list[int] = []
    for kind in sorted({kinds[s] for s in states}):  # each kind in rows of its own
        own = [each for key, each in classes.items() if key[0] == kind]
        rest: list[list[int]] = []
        for members in own:
            whole = len(members) // width * width
            slots += members[:whole]
            if whole < len(members):
                rest.append(members[whole:])
        rest.sort(key=lambda each: -vector_width(len(each)))  # wide ones first keeps each at a multiple of its width
        for each in rest:
            slots += each + [each[-1]] * (vector_width(len(each)) - len(each))
        slots += [slots[-1]] * (-len(slots) % width)
    return slots


def packs_of(
    shape: Shape, positions: dict[int, int], width: int, rows: Iterable[Sequence[int]]
) -> dict[str, list[Pack]]:
    """The packs of every group in an order in which they can be computed; single operations are packs of one.

    `positions`: where leaves lie in memory, so that neighbours line up; `rows`: vectors that are stored at the end.
    """
    groups: dict[str, list[int]] = {}
    for index in sorted(shape.group_of):
        if shape.ops[index].kind not in LEAVES:
            groups.setdefault(shape.group_of[index], []).append(index)
    found: list[Pack] = []
    at = dict(positions)
    for members in groups.values():
        levels = _levels(shape, members, width)
        classes: dict[Hashable, dict[int, list[int]]] = {}
        for index in sorted(members, key=levels.__getitem__):
            op, colour = shape.ops[index], shape.colours[index]
            alone = index if op.kind in ALONE else -1
            family = shape.forms[index] if op.kind in DEAR else colour
            classes.setdefault((levels[index], alone, family), {}).setdefault(colour, []).append(index)
        for each in classes.values():
            rest: list[int] = []
            for same in each.values():
                ordered = _ordered(shape, same, at)
                first = len(at)
                at |= {index: first + i for i, index in enumerate(ordered)}
                whole = len(ordered) // width * width
                found += [tuple(ordered[i : i + width]) for i in range(0, whole, width)]
                rest += ordered[whole:]
            found += [tuple(rest[i : i + width]) for i in range(0, len(rest), width)]
    kept = _pruned(shape, found, at, width, list(rows))
    return {group: _sorted(shape, group, kept) for group in groups}


def _levels(shape: Shape, members: Sequence[int], width: int) -> dict[int, tuple[int, int]]:
    """(dear steps before, cheap ones since): arguments always have a lower level, so equals never wait for each other.

    A dear operation waits for others of its form where its result is not needed yet and a vector is not full.
    """
    inner = {i: shape.inner(i) for i in members}
    dear = {i: shape.ops[i].kind in DEAR for i in members}
    users: dict[int, list[int]] = {i: [] for i in members}
    earliest: dict[int, int] = {}
    for i in members:
        earliest[i] = max((earliest[a] for a in inner[i]), default=0) + dear[i]
        for a in set(inner[i]):
            users[a].append(i)
    last = max(earliest.values(), default=0)
    latest: dict[int, int] = {}
    for i in reversed(members):
        latest[i] = min((latest[u] - dear[u] for u in users[i]), default=last)
    missing = {i: len(set(inner[i])) for i in members}
    ready: dict[Hashable, list[int]] = {}
    levels: dict[int, tuple[int, int]] = {}

    def settle(free: list[int]) -> None:
        while free:
            index = free.pop()
            if dear[index] and index not in levels:
                ready.setdefault(shape.forms[index], []).append(index)
                continue
            if not dear[index]:
                levels[index] = max(((levels[a][0], levels[a][1] + 1) for a in inner[index]), default=(0, 0))
            for user in users[index]:
                missing[user] -= 1
                if not missing[user]:
                    free.append(user)

    settle([i for i in members if not missing[i]])
    for step in range(1, last + 1):
        now = [f for f, each in ready.items() if len(each) >= width or any(latest[i] <= step for i in each)]
        done = [i for f in now for i in ready.pop(f)]
        levels |= dict.fromkeys(done, (step, 0))
        settle(done)
    return levels


def _ordered(shape: Shape, members: list[int], at: dict[int, int]) -> list[int]:
    """The order in which most arguments lie beside each other."""
    if len(members) == 1:
        return members
    columns = list(zip(*(shape.args[i] for i in members), strict=True))
    known = [dict(zip(members, map(at.__getitem__, c), strict=True)) for c in columns if all(a in at for a in c)]
    if shape.ops[members[0]].kind in GraphBuilder.COMMUTATIVE and len(known) == 2:
        for i in members:  # alike in structure, so either may come first
            a, b = shape.args[i]
            if shape.colours[a] == shape.colours[b] and at[b] < at[a]:
                shape.args[i] = b, a
                known[0][i], known[1][i] = at[b], at[a]
    best, most = members, -1
    for order in [members, *(sorted(members, key=lambda i: (c[i], i)) for c in known)]:
        beside = sum(c[b] - c[a] == 1 for c in known for a, b in pairwise(order))
        if beside > most:
            best, most = list(order), beside
    return best


def _pruned(shape: Shape, packs: list[Pack], at: dict[int, int], width: int, rows: list[Sequence[int]]) -> list[Pack]:
    """The packs that save something; the operations of the others alone."""
    users: dict[int, list[int]] = {}
    for index, args in shape.args.items():
        for a in args:
            users.setdefault(a, []).append(index)
    columns = {pack: list(zip(*map(shape.args.__getitem__, pack), strict=True)) for pack in packs if len(pack) > 1}
    for _ in range(PRUNINGS):
        costs = _Costs(shape, packs, at, users, rows, columns, width)
        kept: list[Pack] = []
        for pack in packs:
            if len(pack) == 1 or costs.gain(pack) > 0:
                kept.append(pack)
            else:
                kept += [(i,) for i in pack]
        if len(kept) == len(packs):
            break
        packs = kept
    return packs


class _Costs:
    """What a set of packs costs and saves; `columns`: the vectors that the arguments of a pack are."""

    def __init__(
        self,
        shape: Shape,
        packs: list[Pack],
        at: dict[int, int],
        users: dict[int, list[int]],
        rows: list[Sequence[int]],
        columns: dict[Pack, list[Pack]],
        width: int,
    ):
        self.shape, self.at, self.users, self.columns, self.width = shape, at, users, columns, width
        self.pack_of = {i: pack for pack in packs for i in pack}
        self.stored: dict[int, list[Sequence[int]]] = {}
        for row in rows:
            self.stored.setdefault(row[0], []).append(row)

    def gain(self, pack: Pack) -> float:
        op, count = self.shape.ops[pack[0]], len(pack)
        saved = (count - 1) * cost_of(op)
        if op.kind in DIVIDE:
            saved = (count - max(1, vector_width(count) / 2)) * DIVIDE[op.kind]
        moves = sum(self.gathering(column, pack) for column in self.columns[pack])
        theirs = {user: self.pack_of.get(user, (user,)) for index in pack for user in self.users.get(index, ())}
        alone = sum(len(each) == 1 for each in theirs.values())
        for each in dict.fromkeys(theirs.values()):
            if len(each) > 1:
                saved += sum(column == pack[: len(column)] for column in self.columns[each]) * count * MOVE
        saved += sum(count * MOVE for row in self.stored.get(pack[0], ()) if _prefix(row, pack))
        return saved - moves - (CYCLE + 0.2 * alone if alone else 0.0)

    def gathering(self, column: Sequence[int], pack: Pack) -> float:
        """Cycles for making one vector of the values in a column."""
        ops, group = self.shape.ops, self.shape.group_of[pack[0]]
        if len(set(column)) == 1:
            return 0.3
        sources: set[object] = set()
        free = True
        for a in column:
            if ops[a].kind == "const" or (group != "run" and self._invariant(a)):
                continue
            free = False
            sources.add(self.pack_of.get(a, a) if ops[a].kind != "state" else ("row", self.at[a] // self.width))
        if free:
            return 0.3
        first = self.pack_of.get(column[0])
        if first is not None and _prefix(column, first):
            return 0.0
        if all(ops[a].kind == "state" and self.at[a] == self.at[column[0]] + i for i, a in enumerate(column)):
            return 0.3
        return MOVE * min(len(sources), len(column))

    def _invariant(self, index: int) -> bool:
        return self.shape.ops[index].kind in ("param", "frozen") or self.shape.group_of.get(index) in ("run", "time")


def _prefix(column: Sequence[int], pack: Pack) -> bool:
    return tuple(column) == pack[: len(column)]


def cost_of(op: Op) -> float:
    """Cycles of one operation, alone or on a vector."""
    if isinstance(op.value, Table):
        return CYCLE * (6 + 4 * min(len(op.value.x), 16))
    return DIVIDE.get(op.kind, CYCLE * COSTS.get(op.kind, 1))


def _sorted(shape: Shape, group: str, packs: list[Pack]) -> list[Pack]:
    """Arguments before what needs them; of those that could be next, the one with the longest way to the end."""
    own = [pack for pack in packs if shape.group_of[pack[0]] == group]
    pack_of = {i: n for n, pack in enumerate(own) for i in pack}
    before = [{pack_of[a] for i in pack for a in shape.inner(i)} for pack in own]
    users: list[list[int]] = [[] for _ in own]
    for n, each in enumerate(before):
        for b in sorted(each):
            users[b].append(n)
    missing = [len(each) for each in before]
    order = [n for n, count in enumerate(missing) if not count]
    for n in order:
        for user in users[n]:
            missing[user] -= 1
            if not missing[user]:
                order.append(user)
    way = [0.0] * len(own)
    for n in reversed(order):
        way[n] = latency_of(shape.ops[own[n][0]]) + max((way[u] for u in users[n]), default=0.0)
    missing = [len(each) for each in before]
    free = [(-way[n], n) for n, count in enumerate(missing) if not count]
    heapq.heapify(free)
    found: list[Pack] = []
    while free:
        _, n = heapq.heappop(free)
        found.append(own[n])
        for user in users[n]:
            missing[user] -= 1
            if not missing[user]:
                heapq.heappush(free, (-way[user], user))
    return found


def latency_of(op: Op) -> float:
    """Cycles from arguments to result, about."""
    if isinstance(op.value, Table):
        return 30.0
    return {"div": 14.0, "sqrt": 18.0}.get(op.kind, 4.0 + 2.5 * COSTS.get(op.kind, 0))


def vector_width(count: int) -> int:
    """The least power of two that holds `count` lanes."""
    return 1 << (count - 1).bit_length()


def kinds_of(plan: Plan) -> dict[int, int]:
    """0 for integrated states, 1 for those limited to 0 from below, 2 for held ones."""
    states = plan.program.states
    return {s: int(states[s].non_negative) for s in plan.integrated} | dict.fromkeys(plan.held, 2)
