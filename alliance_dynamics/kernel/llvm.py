"""A plan as LLVM text: vectors of runs, one function for each piece of each group, and loops around them.

Memory, in vectors of `width` numbers (of doubles in `T`): `keep` lives as long as a block of runs (states, values once
per run, rings' positions, noise keys), `scratch` as long as a step, `T` holds time-only values for all stage times.
Values that no other piece needs never leave the registers.  How a program is cut into pieces changes no bit of its
results.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from alliance_dynamics.kernel.driver import driver
from alliance_dynamics.kernel.emit import Emit
from alliance_dynamics.kernel.formats import DOUBLE, Format
from alliance_dynamics.kernel.layout import Layout
from alliance_dynamics.kernel.pieces import BRIEF, COSTS, LEAVES, Module, Piece
from alliance_dynamics.kernel.plan import Plan
from alliance_dynamics.kernel.program import Op
from alliance_dynamics.model.expression import Table

PIECE = 1200  # instructions in a piece, about; the compiler's time grows faster than the length of a function
MEMORIES = {"run": "keep", "time": "times"}  # of values that another piece wants; the others live in scratch
CALLED_ABOVE = 60  # with more heavy functions than this they are called, not written out at every place


@dataclass(frozen=True)
class Source:
    text: str
    layout: Layout
    width: int
    format: Format = DOUBLE


@dataclass(frozen=True)
class Sink:
    """A value that must be in memory when its group is done."""

    index: int
    memory: str
    slot: int


def source(plan: Plan, *, width: int, splat: bool = True, permute: bool = False, form: Format = DOUBLE) -> Source:
    """The LLVM text of a plan.  `splat`: the text may use that word (LLVM 18 on); `permute`: AVX-512 permutations."""
    layout = Layout.for_runs(plan)
    heavy = sum(op.kind in COSTS for op in (*plan.program.start, *plan.program.step))
    module = Module(width, splat, permute, called=heavy > CALLED_ABOVE, form=form)
    calls = {"start": _start_pieces(plan, layout, module)}
    calls |= _step_pieces(plan, layout, module)
    text = [
        driver(plan, layout, width, calls, splat=splat, form=form),
        *module.functions,
        *module.tables,
        *sorted(module.declarations),
    ]
    return Source("\n".join(text) + "\n", layout, width, form)


def _start_pieces(plan: Plan, layout: Layout, module: Module) -> list[str]:
    graph = Graph(plan.program.start, dict.fromkeys(plan.start, "start"), plan, layout, module)
    return graph.emit({"start": plan.start}, {"start": start_sinks(plan, layout)})["start"]


def start_sinks(plan: Plan, layout: Layout) -> list[Sink]:
    """What the start graph leaves: initial states, initial values and lengths of rings, frozen values."""
    program = plan.program
    sinks = [Sink(program.states[s].initial, "keep", row) for row, s in enumerate(plan.integrated)]
    sinks += [Sink(program.states[s].initial, "keep", layout.states + row) for row, s in enumerate(plan.held)]
    for ring in plan.rings:
        initial, length = layout.fills[ring]
        sinks += [Sink(program.rings[ring].initial, "keep", initial), Sink(program.rings[ring].length, "keep", length)]
    return sinks + [Sink(program.frozen[f], "keep", slot) for f, slot in layout.frozen.items()]


def _step_pieces(plan: Plan, layout: Layout, module: Module) -> dict[str, list[str]]:
    group_of = {i: group for group, indices in plan.groups.items() for i in indices}
    graph = Graph(plan.program.step, group_of, plan, layout, module)
    return graph.emit(plan.groups, step_sinks(plan, layout))


def step_sinks(plan: Plan, layout: Layout) -> dict[str, list[Sink]]:
    """What the groups of the step graph leave: slopes of states, next held states, entries of rings, outputs."""
    program = plan.program
    return {
        "stage": [Sink(program.states[s].rate, "scratch", layout.slopes + i) for i, s in enumerate(plan.integrated)],
        "capture": [
            *(Sink(program.states[s].rate, "scratch", layout.next + i) for i, s in enumerate(plan.held)),
            *(Sink(program.rings[r].input, "scratch", layout.inputs + i) for i, r in enumerate(plan.rings)),
        ],
        "save": [Sink(index, "out", column) for column, index in enumerate(plan.outputs)],
    }


@dataclass
class Graph:
    """One graph of operations, cut into pieces; knows where values that cross from piece to piece are kept."""

    ops: Sequence[Op]
    group_of: dict[int, str]
    plan: Plan
    layout: Layout
    module: Module
    places: dict[int, tuple[str, int]] = field(default_factory=dict)

    def emit(self, groups: dict[str, tuple[int, ...]], sinks: dict[str, list[Sink]]) -> dict[str, list[str]]:
        """Write all pieces; returns the names of the functions, in the order of calling, for each group."""
        pieces = {group: self._cut(indices) or [()] for group, indices in groups.items()}
        self._find_places(pieces, sinks)
        called: dict[str, list[str]] = {}
        for group, parts in pieces.items():
            here = list(sinks.get(group, ()))
            called[group] = []
            for number, indices in enumerate(parts):
                own = set(indices)
                last = number + 1 == len(parts)
                now = [s for s in here if s.index in own or (last and self.group_of.get(s.index) != group)]
                if not indices and not now:
                    continue
                name = f"{group}_{number}"
                called[group].append(name)
                always = self.module.called
                if group != "stage" or always or not any(self.ops[i].kind in BRIEF for i in indices):
                    self.module.add(name, self._body(Piece(self, group, called=always), indices, now))
                else:
                    brief = self._body(Piece(self, group, brief=True), indices, now)
                    whole = self._body(Piece(self, group, called=True), indices, now)
                    self.module.add_watched(name, brief, whole, self.layout.take("scratch"))
        return called

    def _body(self, piece: Piece, indices: Iterable[int], sinks: Iterable[Sink]) -> Emit:
        for index in indices:
            piece.compute(index)
            if index in self.places and piece.materialised(index):
                piece.store(index, *self.places[index])
        for sink in sinks:
            piece.store(sink.index, sink.memory, sink.slot)
        return piece.e

    def _cut(self, indices: Iterable[int]) -> list[tuple[int, ...]]:
        pieces: list[list[int]] = []
        room = 0
        for index in indices:
            if room <= 0:
                pieces.append([])
                room = PIECE
            pieces[-1].append(index)
            room -= self._cost(self.ops[index])
        return [tuple(each) for each in pieces]

    def _cost(self, op: Op) -> int:
        if isinstance(op.value, Table):
            return 6 + 4 * min(len(op.value.x), 16)
        return 4 if self.module.called else COSTS.get(op.kind, 2)

    def _find_places(self, pieces: dict[str, list[tuple[int, ...]]], sinks: dict[str, list[Sink]]) -> None:
        piece_of = {i: (group, n) for group, parts in pieces.items() for n, part in enumerate(parts) for i in part}
        crossing = set()
        for index, piece in piece_of.items():
            crossing |= {a for a in self.ops[index].args if a in piece_of and piece_of[a] != piece}
        for group, wanted in sinks.items():
            crossing |= {s.index for s in wanted if s.index in piece_of and piece_of[s.index][0] != group}
        for index in sorted(crossing):
            if self.ops[index].kind not in LEAVES:
                self.places[index] = self.place_for(index)

    def place_for(self, index: int) -> tuple[str, int]:
        """A new place for a value that another piece wants, by how long it lives."""
        memory = MEMORIES.get(self.group_of[index], "scratch")
        return memory, self.layout.take(memory)

    def place(self, index: int, group: str) -> tuple[str, int] | None:
        """Where a piece of `group` finds a value that another piece computes."""
        return self.places.get(index)

    def side(self, index: int) -> tuple[Plan, Layout, str]:
        """The plan and the memory that a leaf belongs to, and what the names of its pointers end in."""
        return self.plan, self.layout, ""
