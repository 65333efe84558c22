"""Derivatives of many runs as LLVM text: the stages of a step, then direction after direction over what they left.

A program with tangents of a direction has two halves: the values, with the factors of their derivatives, and what
moves along a direction.  The first half is computed once for all directions and leaves what the second needs of each
stage in `partials`; the second is written once and run in a loop over directions, whose states stay near in turn.
Every operation is that of the whole program, so are the bits.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from alliance_dynamics.kernel.driver import ADVANCE, POINTERS, PROLOGUE, At, Driver, Loops, function
from alliance_dynamics.kernel.layout import Layout
from alliance_dynamics.kernel.llvm import CALLED_ABOVE, MEMORIES, Graph, Sink, start_sinks, step_sinks
from alliance_dynamics.kernel.pieces import COSTS, Module
from alliance_dynamics.kernel.plan import Plan
from alliance_dynamics.kernel.program import Op, Program

MARK = "_along"  # what the names of groups and pointers of the second half end in
ALONG_POINTERS = (*POINTERS, "partials", *(f"{each}{MARK}" for each in ("P", "keep", "scratch", "R", "out")))
ALONG = "i64 %directions, i64 %ring_vectors_along" + "".join(
    f", ptr noalias %{each}{MARK}" for each in ("P", "keep", "scratch", "R")
)


@dataclass(frozen=True)
class DirectionSource:
    """`along` is where a direction's values lie in its part of the memory."""

    text: str
    layout: Layout
    along: Layout
    width: int


def halves(planned: Plan, own: Program, outputs: int) -> tuple[Plan, Plan]:
    """The values, those of `own` and the first `outputs`, and what moves along directions of a plan with tangents."""
    counts = {"param": len(own.parameters), "state": len(own.states), "ring": len(own.rings)}
    counts["frozen"] = len(own.frozen)

    def moved(ops: Sequence[Op]) -> set[int]:
        found = set[int]()
        for index, op in enumerate(ops):
            if (op.kind in counts and op.integer >= counts[op.kind]) or any(a in found for a in op.args):
                found.add(index)
        return found

    step, start = moved(planned.program.step), moved(planned.program.start)

    def half(along: bool) -> Plan:
        def mine(numbers: Sequence[int], kind: str) -> tuple[int, ...]:
            return tuple(i for i in numbers if (i >= counts[kind]) == along)

        return replace(
            planned,
            outputs=planned.outputs[outputs:] if along else planned.outputs[:outputs],
            groups={group: tuple(i for i in each if (i in step) == along) for group, each in planned.groups.items()},
            start=tuple(i for i in planned.start if (i in start) == along),
            integrated=mine(planned.integrated, "state"),
            held=mine(planned.held, "state"),
            rings=mine(planned.rings, "ring"),
            frozen=mine(planned.frozen, "frozen"),
        )

    return half(along=False), half(along=True)


def direction_source(
    values: Plan, along: Plan, *, width: int, splat: bool = True, permute: bool = False
) -> DirectionSource:
    """The LLVM text of both halves of a plan."""
    program = values.program
    heavy = sum(op.kind in COSTS for op in (*program.start, *program.step))
    module = Module(width, splat, permute, called=heavy > CALLED_ABOVE, pointers=ALONG_POINTERS)
    layouts = Layout.for_runs(values), Layout.for_runs(along)
    own = dict.fromkeys(values.start, "start"), dict.fromkeys(along.start, f"start{MARK}")
    start = DirectionGraph(program.start, own[0] | own[1], values, layouts[0], module, along=along, memory=layouts[1])
    calls = start.emit(
        {"start": values.start, f"start{MARK}": along.start},
        {"start": start_sinks(values, layouts[0]), f"start{MARK}": _marked(start_sinks(along, layouts[1]))},
    )
    groups = {**values.groups, **{f"{group}{MARK}": each for group, each in along.groups.items()}}
    group_of = {i: group for group, indices in groups.items() for i in indices}
    sinks = step_sinks(values, layouts[0])
    left = {f"{group}{MARK}": _marked(each) for group, each in step_sinks(along, layouts[1]).items()}
    roots = {sink.index for each in left.values() for sink in each}
    step = DirectionGraph(
        program.step, group_of, values, layouts[0], module, along=along, memory=layouts[1], roots=roots
    )
    sinks["stage"] += step.copies_of_states()
    sinks |= left
    calls |= step.emit(groups, sinks)
    layouts[1].times = layouts[0].times  # both read the same
    values_driver = _DirectionDriver(values, layouts[0], width, calls, splat, pointers=ALONG_POINTERS)
    own_calls = {name.removesuffix(MARK): each for name, each in calls.items() if name.endswith(MARK)}
    driver = _AlongDriver(along, layouts[1], width, own_calls, splat, pointers=ALONG_POINTERS, mark=MARK)
    values_driver.partials = driver.partials = layouts[0].partials
    loops = [_prologue(values_driver, driver), values_driver.times(), _advance(values_driver, driver)]
    text = [*(line for each in loops for line in each), *module.functions, *module.tables, *sorted(module.declarations)]
    return DirectionSource("\n".join(text) + "\n", *layouts, width)


def _marked(sinks: Sequence[Sink]) -> list[Sink]:
    return [replace(each, memory=each.memory + MARK) for each in sinks]


@dataclass
class DirectionGraph(Graph):
    """A graph of both halves; what a stage computes and derivatives need lies in `partials`, a part for each stage.

    `plan` and `layout` are those of the values, `along` and `memory` those of a direction, whose groups leave `roots`.
    """

    along: Plan = field(kw_only=True)
    memory: Layout = field(kw_only=True)
    roots: Collection[int] = ()
    copies: dict[int, tuple[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        moved = [index for index, group in self.group_of.items() if group.endswith(MARK)]
        self.needed = {a for index in moved for a in self.ops[index].args} | set(self.roots)
        for index in sorted(self.needed):
            op = self.ops[index]
            if op.kind == "state" and op.integer in self.plan.integrated:
                self.copies[index] = ("partials", self.layout.take("partials"))

    def copies_of_states(self) -> list[Sink]:
        """States lie where the next stage's will: each stage leaves a copy of those that derivatives need."""
        return [Sink(index, memory, slot) for index, (memory, slot) in self.copies.items()]

    def place_for(self, index: int) -> tuple[str, int]:
        group = self.group_of[index]
        if group.endswith(MARK):
            memory = MEMORIES.get(group.removesuffix(MARK), "scratch")
            return memory + MARK, self.memory.take(memory)
        if group == "stage" and index in self.needed:
            return "partials", self.layout.take("partials")
        return super().place_for(index)

    def place(self, index: int, group: str) -> tuple[str, int] | None:
        if group.endswith(MARK) and index in self.copies:
            return self.copies[index]
        return super().place(index, group)

    def side(self, index: int) -> tuple[Plan, Layout, str]:
        if self.group_of.get(index, "").endswith(MARK):
            return self.along, self.memory, MARK
        return super().side(index)


class _DirectionDriver(Driver):
    """The loops of one half, which reaches the values that a stage has left."""

    partials = 0  # vectors of one stage

    def of_stage(self, e: Loops, stage: str) -> At:
        return {"partials": e.offset("%partials", stage, self.partials * self.width)}


class _AlongDriver(_DirectionDriver):
    """The loops of a direction; what it saves lies beside what others save then, so what is copied together is near."""

    def of_direction(self, e: Loops, block: str, direction: str) -> At:
        """Where a direction's seeds and values that last are."""
        each = e.do(f"add i64 {e.do(f'mul i64 {block}, %directions')}, {direction}")
        return {
            f"P{MARK}": e.offset(f"%P{MARK}", direction, len(self.layout.parameters), "double"),
            self.keep: e.offset(f"%{self.keep}", each, self.layout.keep * self.width),
            self.scratch: f"%{self.scratch}",
            self.rings: e.offset(f"%{self.rings}", e.do(f"mul i64 {each}, %ring_vectors{MARK}"), self.width),
        }

    def of_saves(self, e: Loops, block: str, direction: str) -> At:
        """Where what a direction saves begins."""
        before = e.do(f"mul i64 {e.do(f'mul i64 {block}, %saves')}, %directions")
        first = e.do(f"add i64 {before}, {direction}")
        return {self.out: e.offset(f"%O{MARK}", first, self.outputs * self.width)}

    def saved_at(self, e: Loops, at: At, number: str) -> str:
        return e.offset(at[self.out], e.do(f"mul i64 {number}, %directions"), self.outputs * self.width)


def _prologue(values: Driver, along: _AlongDriver) -> list[str]:
    e = values.emit()
    block = e.loop("block", "0", "%blocks")
    at = values.of_block(e, block)
    values.begin(e, at)
    direction = e.loop("direction", "0", "%directions")
    along.begin(e, at | along.of_direction(e, block, direction))
    e.next("direction")
    e.next("block")
    return function("prologue", f"{PROLOGUE}, {ALONG}", e)


def _advance(values: Driver, along: _AlongDriver) -> list[str]:
    e = values.emit()
    block = e.loop("block", "0", "%blocks")
    at, flags = values.enter(e, block)
    step = e.loop("step", "%from", "%to")
    values.stages(e, at, step, flags, "stage_done")
    direction = e.loop("direction", "0", "%directions")
    there = at | along.of_direction(e, block, direction) | along.of_saves(e, block, direction)
    along.copy(e, "turn", there[along.keep], there[along.scratch], along.layout.states)
    along.stages(e, there, step, flags, "direction_next")
    along.finish(e, there)
    e.next("direction")
    e.exit_if("over", e.do(f"icmp eq i64 {step}, %last"), "block_next")
    values.finish(e, at)
    e.next("step")
    e.next("block")
    return function("advance", f"{ADVANCE}, {ALONG}, ptr noalias %O{MARK}, ptr noalias %partials", e)
