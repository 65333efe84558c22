"""A plan as LLVM text whose vectors hold operations of one run: elements of arrays, and what else is alike.

Memory, in doubles: `keep` lives as long as a run (states, values once per run), `scratch` as long as a step, `T` holds
the time-only values of one time point after the other.  States lie in the order that packs want; values that are the
same in the whole run are laid out once for every vector of them that is needed.  Bits are those of `llvm.source`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from alliance_dynamics.kernel.driver import At, Driver, Loops
from alliance_dynamics.kernel.fragments import write_ring
from alliance_dynamics.kernel.lanes import Body
from alliance_dynamics.kernel.layout import Layout
from alliance_dynamics.kernel.llvm import CALLED_ABOVE, PIECE, Graph, Sink
from alliance_dynamics.kernel.packing import (
    CYCLE,
    DEAR,
    MOVE,
    Pack,
    Shape,
    cost_of,
    kinds_of,
    packs_of,
    shape_of,
    state_order,
)
from alliance_dynamics.kernel.pieces import BRIEF, Module
from alliance_dynamics.kernel.places import Memory, Row
from alliance_dynamics.kernel.plan import Plan
from alliance_dynamics.kernel.widths import Scalar

ROWS = 100  # vectors laid out by one function
STAGE_GROUPS = ("step", "stage", "capture")
STEP_GROUPS = ("run", "step", "stage", "capture", "save")


@dataclass(frozen=True)
class ElementSource:
    text: str
    layout: Memory
    width: int
    cycles: float  # of one stage, as `packing` counts them


def element_source(plan: Plan, *, width: int, splat: bool = True, permute: bool = False) -> ElementSource:
    """The LLVM text for single runs, in vectors of at most `width` lanes."""
    program = plan.program
    kinds = kinds_of(plan)
    group_of = {i: group for group, indices in plan.groups.items() for i in indices}
    rates = {s: program.states[s].rate for s in kinds}
    step = shape_of(program.step, group_of, rates, kinds)
    initials = {s: program.states[s].initial for s in kinds}
    start = shape_of(program.start, dict.fromkeys(plan.start, "start"), {}, kinds)
    integrated = state_order(step, plan.integrated, kinds, rates, width)
    held = state_order(step, plan.held, kinds, rates, width)
    memory = Memory.of(plan, width, integrated, held)

    def rows(slots: Sequence[int], index_of: dict[int, int], place: str, first: int) -> list[Row]:
        indices = [index_of[s] for s in slots]
        return [Row(tuple(indices[i : i + width]), place, first + i) for i in range(0, len(slots), width)]

    begin = rows(integrated, initials, "keep", 0) + rows(held, initials, "keep", memory.held_at)
    for ring, (initial, length) in memory.fills.items():
        begin += [
            Row((program.rings[ring].initial,), "keep", initial),
            Row((program.rings[ring].length,), "keep", length),
        ]
    begin += [Row((program.frozen[f],), "keep", slot) for f, slot in memory.frozen.items()]
    padded = [*plan.outputs, *plan.outputs[-1:] * (-len(plan.outputs) % width)]
    sinks = {
        "stage": rows(integrated, rates, "scratch", memory.slopes),
        "capture": [
            *rows(held, rates, "scratch", memory.next),
            *(Row((program.rings[r].input,), "scratch", memory.inputs + i) for i, r in enumerate(plan.rings)),
        ],
        "save": [Row(tuple(padded[i : i + width]), "out", i) for i in range(0, len(padded), width)],
    }
    wanted = [row.lanes for each in sinks.values() for row in each]
    positions = {
        i: memory.position(op.value) for i, op in enumerate(program.step) if op.kind == "state" and i in group_of
    }
    packed = packs_of(step, positions, width, wanted)
    begun = packs_of(start, {}, width, [row.lanes for row in begin])
    dear = sum(
        shape.ops[pack[0]].kind in DEAR
        for shape, groups in ((step, packed), (start, begun))
        for packs in groups.values()
        for pack in packs
    )
    module = Module(width, splat, permute, called=dear > CALLED_ABOVE)
    texts = _Texts(step, plan, memory, module)
    calls = texts.write({g: packed.get(g, []) for g in STEP_GROUPS}, sinks)
    calls |= _Texts(start, plan, memory, module).write({"start": begun.get("start", [])}, {"start": begin})
    calls["time"], times = _time_pieces(plan, memory, module, group_of)
    memory.finish()
    driver = _ElementDriver(plan, memory, width, calls, splat, times)
    text = [driver.text(), *module.functions, *module.tables, *sorted(module.declarations)]
    cycles = sum(cost_of(step.ops[p[0]]) for g in STAGE_GROUPS for p in packed.get(g, []))
    return ElementSource("\n".join(text) + "\n", memory, width, cycles + MOVE * texts.moves)


def stage_cycles(plan: Plan) -> float:
    """Cycles of one stage of a vector of runs, counted like those of `ElementSource`."""
    return sum(cost_of(plan.program.step[i]) for g in STAGE_GROUPS for i in plan.groups[g])


def _time_pieces(plan: Plan, memory: Memory, module: Module, group_of: dict[int, str]) -> tuple[list[str], int]:
    """Time-only values for vectors of time points, as `llvm.source` has them; and how many vectors that takes."""
    layout = Layout(0, 0)
    wanted = {i: layout.take("times") for i in dict.fromkeys(memory.columns)}
    memory.sources = [wanted[i] for i in memory.columns]
    graph = Graph(plan.program.step, group_of, plan, layout, module)
    sinks = [Sink(index, "times", slot) for index, slot in wanted.items()]
    calls = graph.emit({"time": plan.groups["time"]}, {"time": sinks})["time"] if wanted else []
    memory.times = layout.times
    return calls, layout.times


@dataclass
class _Texts:
    """Writes the functions of one graph, last first: by then it is known which values later ones want in memory."""

    shape: Shape
    plan: Plan
    memory: Memory
    module: Module
    places: dict[Pack, int] = field(default_factory=dict)
    moves: int = 0  # of single lanes or whole vectors, in one stage

    def write(self, groups: dict[str, list[Pack]], sinks: dict[str, list[Row]]) -> dict[str, list[str]]:
        packs = {i: pack for each in groups.values() for pack in each for i in pack}
        calls: dict[str, list[str]] = {}
        for group in reversed(groups):
            pieces = _cut(self.shape, groups[group])
            number_of = {pack: n for n, piece in enumerate(pieces) for pack in piece}
            waiting: dict[int, list[Row]] = {}
            for row in sinks.get(group, ()):
                needed = [number_of.get(packs[i], 0) for i in row.lanes if i in packs]
                waiting.setdefault(max(needed, default=0), []).append(row)
            if group == "run":  # what all others want laid out
                rows = [Row(lanes, "keep", at) for lanes, at in self.memory.laid.items()]
                for first in range(0, len(rows), ROWS):
                    waiting[len(pieces)] = rows[first : first + ROWS]
                    pieces.append([])
            if waiting and not pieces:
                pieces = [[]]
            names: list[str] = []
            for number in reversed(range(len(pieces))):
                names.insert(0, f"{group}_{number}")
                self._function(names[0], group, pieces[number], waiting.get(number, ()), packs)
            calls[group] = names
        return calls

    def _function(
        self, name: str, group: str, pieces: Sequence[Pack], rows: Sequence[Row], packs: dict[int, Pack]
    ) -> None:
        def body(*, brief: bool = False, called: bool = False) -> Body:
            found = Body(
                self.shape, self.plan, self.memory, self.module, group, packs, self.places, brief=brief, called=called
            )
            for pack in pieces:
                found.compute(pack)
            for row in rows:
                found.store(row)
            if group in STAGE_GROUPS:
                self.moves += sum("insertelement" in line or "shufflevector" in line for line in found.lines)
            return found

        always = self.module.called
        if group != "stage" or always or not any(self.shape.ops[pack[0]].kind in BRIEF for pack in pieces):
            self.module.add(name, body(called=always).whole())
        else:
            brief = body(brief=True).whole()
            moves = self.moves
            whole = body(called=True).whole()
            self.moves = moves
            self.module.add_watched(name, brief, whole, self.memory.take("scratch"))


def _cut(shape: Shape, packs: Sequence[Pack]) -> list[list[Pack]]:
    pieces: list[list[Pack]] = []
    room = 0.0
    for pack in packs:
        if room <= 0:
            pieces.append([])
            room = PIECE
        pieces[-1].append(pack)
        room -= cost_of(shape.ops[pack[0]]) / CYCLE
    return pieces


class _ElementDriver(Driver):
    """The loops of `Driver` over blocks of one run each, whose states and outputs lie in vectors."""

    def __init__(self, plan: Plan, memory: Memory, width: int, calls: dict[str, list[str]], splat: bool, times: int):
        layout = Layout(memory.states // width, memory.held // width)
        layout.keep, layout.times, layout.parameters = memory.keep // width, times, memory.parameters
        super().__init__(plan, layout, width, calls, splat)
        self.memory = memory
        self.runs = 1
        self.outputs = -(-len(plan.outputs) // width)
        self.integrated, self.limited = len(memory.integrated) // width, memory.limited // width

    def _time_values(self, e: Loops, place: str) -> str:
        return e.offset("%T", place, max(1, len(self.memory.columns)))

    def _write_rings(self, e: Loops, at: At) -> None:
        one = Scalar(1, lines=e.lines, intrinsics=e.intrinsics)
        for number, ring in enumerate(self.plan.rings):
            entry = one.load("%scratch", self.memory.inputs + number)
            write_ring(one, at["keep"], at["R"], self.memory.rings[ring], entry)
