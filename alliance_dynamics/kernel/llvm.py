"""A plan as LLVM text: vectors of runs, one function for each piece of each group, and loops around them.

Memory, in vectors of `width` doubles: `keep` lives as long as a block of runs (states, values once per run, rings'
positions, noise keys), `scratch` as long as a step, `T` holds time-only values for all stage times.  Values that no
other piece needs never leave the registers.  How a program is cut into pieces changes no bit of its results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from alliance_dynamics.kernel import mathematics as m
from alliance_dynamics.kernel.driver import ARGUMENTS, driver
from alliance_dynamics.kernel.emit import Emit, hexadecimal
from alliance_dynamics.kernel.fragments import read_ring, uniform
from alliance_dynamics.kernel.interpolate import lookup
from alliance_dynamics.kernel.plan import GROUPS, Plan
from alliance_dynamics.kernel.program import Op
from alliance_dynamics.model.expression import Table

PIECE = 1200  # instructions in a piece, about; the compiler's time grows faster than the length of a function
COSTS = {"exp": 25, "log": 32, "pow": 75, "sin": 32, "cos": 32, "tan": 50, "asin": 40, "acos": 40, "atan": 38}
COSTS |= {"sinh": 70, "cosh": 70, "tanh": 30, "mod": 16, "random": 12, "ring": 6}
CONDITIONS = {"eq": "oeq", "ne": "une", "lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge"}
LOGIC = (*CONDITIONS, "and", "or", "not")
CALLED_ABOVE = 60  # with more heavy functions than this they are called, not written out at every place


@dataclass
class Layout:
    """Numbers of vectors: where each part of a block's memory begins."""

    states: int  # integrated states, padded to a multiple of 4
    held: int
    keep: int = 0
    scratch: int = 0
    times: int = 0
    fills: dict[int, tuple[int, int]] = field(default_factory=dict)  # ring -> (initial, length)
    rings: dict[int, int] = field(default_factory=dict)  # ring -> first of (base, position, slots)
    keys: dict[int, int] = field(default_factory=dict)  # random operation -> key
    frozen: dict[int, int] = field(default_factory=dict)
    parameters: dict[int, int] = field(default_factory=dict)  # column -> vector of P

    def take(self, memory: str, count: int = 1) -> int:
        first = getattr(self, memory)
        setattr(self, memory, first + count)
        return first

    # scratch: moved states, slopes, sums of slopes, next held values, ring inputs
    @property
    def slopes(self) -> int:
        return self.states

    @property
    def sums(self) -> int:
        return 2 * self.states

    @property
    def next(self) -> int:
        return 3 * self.states

    @property
    def inputs(self) -> int:
        return 3 * self.states + self.held


@dataclass(frozen=True)
class Source:
    text: str
    layout: Layout
    width: int


@dataclass(frozen=True)
class Sink:
    """A value that must be in memory when its group is done."""

    index: int
    memory: str
    slot: int


def source(plan: Plan, *, width: int, splat: bool = True, permute: bool = False) -> Source:
    """The LLVM text of a plan.  `splat`: the text may use that word (LLVM 18 on); `permute`: AVX-512 permutations."""
    layout = _layout(plan)
    heavy = sum(op.kind in COSTS for op in (*plan.program.start, *plan.program.step))
    module = Module(width, splat, permute, called=heavy > CALLED_ABOVE)
    calls = {"start": _start_pieces(plan, layout, module)}
    calls |= _step_pieces(plan, layout, module)
    text = [
        driver(plan, layout, width, calls, splat=splat),
        *module.functions,
        *module.tables,
        *sorted(module.declarations),
    ]
    return Source("\n".join(text) + "\n", layout, width)


def _layout(plan: Plan) -> Layout:
    layout = Layout(-(-len(plan.integrated) // 4) * 4, len(plan.held))
    layout.take("keep", layout.states + layout.held)
    layout.take("scratch", layout.inputs + len(plan.rings))
    for ring in plan.rings:
        layout.fills[ring] = (layout.take("keep"), layout.take("keep"))
        layout.rings[ring] = layout.take("keep", 3)
    for index in plan.groups["step"]:
        if plan.program.step[index].kind == "random":
            layout.keys[index] = layout.take("keep")
    for each in plan.frozen:
        layout.frozen[each] = layout.take("keep")
    live = [plan.program.start[i] for i in plan.start]
    live += [plan.program.step[i] for group in GROUPS for i in plan.groups[group]]
    for column in sorted({_integer(op) for op in live if op.kind == "param"}):
        layout.parameters[column] = len(layout.parameters)
    return layout


def _start_pieces(plan: Plan, layout: Layout, module: Module) -> list[str]:
    program = plan.program
    sinks = [Sink(program.states[s].initial, "keep", row) for row, s in enumerate(plan.integrated)]
    sinks += [Sink(program.states[s].initial, "keep", layout.states + row) for row, s in enumerate(plan.held)]
    for ring in plan.rings:
        initial, length = layout.fills[ring]
        sinks += [Sink(program.rings[ring].initial, "keep", initial), Sink(program.rings[ring].length, "keep", length)]
    sinks += [Sink(program.frozen[f], "keep", slot) for f, slot in layout.frozen.items()]
    graph = Graph(program.start, dict.fromkeys(plan.start, "start"), plan, layout, module)
    return graph.emit({"start": plan.start}, {"start": sinks})["start"]


def _step_pieces(plan: Plan, layout: Layout, module: Module) -> dict[str, list[str]]:
    program = plan.program
    sinks = {
        "stage": [Sink(program.states[s].rate, "scratch", layout.slopes + i) for i, s in enumerate(plan.integrated)],
        "capture": [
            *(Sink(program.states[s].rate, "scratch", layout.next + i) for i, s in enumerate(plan.held)),
            *(Sink(program.rings[r].input, "scratch", layout.inputs + i) for i, r in enumerate(plan.rings)),
        ],
        "save": [Sink(index, "out", column) for column, index in enumerate(plan.outputs)],
    }
    group_of = {i: group for group, indices in plan.groups.items() for i in indices}
    return Graph(program.step, group_of, plan, layout, module).emit(plan.groups, sinks)


@dataclass
class Module:
    """What all functions of one text share."""

    width: int
    splat: bool
    permute: bool
    called: bool
    functions: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    declarations: set[str] = field(default_factory=set)
    _tables: dict[tuple[str, ...], str] = field(default_factory=dict)
    _called: set[str] = field(default_factory=set)

    def emit(self) -> Emit:
        return Emit(self.width, splat=self.splat)

    def add(self, name: str, body: Emit) -> None:
        """A function with the arguments that every piece has."""
        self.functions += [f"define internal void @{name}({ARGUMENTS}) {{", *body.lines, "  ret void", "}", ""]
        self.declarations |= body.intrinsics

    def table(self, values: Sequence[float]) -> str:
        """A global array of doubles, the same one for the same numbers."""
        bits = tuple(map(hexadecimal, values))
        if bits not in self._tables:
            self._tables[bits] = f"@table_{len(self._tables)}"
            entries = ", ".join(f"double {each}" for each in bits)
            self.tables.append(f"{self._tables[bits]} = internal constant [{len(bits)} x double] [{entries}], align 64")
        return self._tables[bits]

    def function(self, e: Emit, kind: str, *args: str) -> str:
        """An elementary function: written out here, or called where there are many."""
        write: Callable[..., str] = m.power if kind == "pow" else m.modulo if kind == "mod" else m.UNARY[kind]
        if not self.called or kind not in COSTS:
            return write(e, *args)
        if kind not in self._called:
            self._called.add(kind)
            inner = self.emit()
            names = [f"%x{i}" for i in range(len(args))]
            result = write(inner, *names)
            head = ", ".join(f"{inner.double} {each}" for each in names)
            self.functions += [
                f"define internal {inner.double} @{kind}({head}) noinline {{",
                *inner.lines,
                f"  ret {inner.double} {result}",
                "}",
                "",
            ]
            self.declarations |= inner.intrinsics
        return e.do(f"call {e.double} @{kind}({', '.join(f'{e.double} {a}' for a in args)})")


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
                piece = Piece(self, group)
                for index in indices:
                    piece.compute(index)
                    if index in self.places and piece.materialised(index):
                        piece.store(index, *self.places[index])
                for sink in now:
                    piece.store(sink.index, sink.memory, sink.slot)
                self.module.add(name, piece.e)
                called[group].append(name)
        return called

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
        memories = {"start": "scratch", "run": "keep", "time": "times"}
        for index in sorted(crossing):
            if self.ops[index].kind not in ("param", "time", "steptime", "state", "frozen"):
                memory = memories.get(piece_of[index][0], "scratch")
                self.places[index] = (memory, self.layout.take(memory))


class Piece:
    """The body of one function: values are computed here, or loaded once from where another piece left them."""

    def __init__(self, graph: Graph, group: str):
        self.graph, self.group = graph, group
        self.e = graph.module.emit()
        self._values: dict[int, str] = {}
        self._masks: dict[int, str] = {}

    def materialised(self, index: int) -> bool:
        return index in self._values or index in self._masks

    def store(self, index: int, memory: str, slot: int) -> None:
        self.e.store(self.value(index), "%T" if memory == "times" else f"%{memory}", slot)

    def value(self, index: int) -> str:
        if index in self._values:
            return self._values[index]
        e, op = self.e, self.graph.ops[index]
        if op.kind == "const":
            return e.const(_float(op))
        if index in self._masks:
            result = e.select(self._masks[index], e.const(1.0), e.const(0.0))
        elif self.group == "time" and self.graph.group_of.get(index) == "run":
            # a constant that is no number yet: what is kept for each run is not at hand here
            self.compute(index)
            return self.value(index)
        elif index in self.graph.places:
            memory, slot = self.graph.places[index]
            result = self._load_time(slot) if memory == "times" else e.load(f"%{memory}", slot)
        else:
            result = self._leaf(op)
        self._values[index] = result
        return result

    def mask(self, index: int) -> str:
        if index not in self._masks:
            self._masks[index] = self.e.compare("une", self.value(index), self.e.const(0.0))
        return self._masks[index]

    def _load_time(self, slot: int) -> str:
        e = self.e
        if self.group == "time":
            return e.load("%T", slot)
        address = e.do(f"getelementptr inbounds double, ptr %T, i64 {slot * e.width}")
        return e.broadcast(e.do(f"load double, ptr {address}, align 8"))

    def _leaf(self, op: Op) -> str:
        e, layout, plan = self.e, self.graph.layout, self.graph.plan
        match op.kind:
            case "param":
                return e.load("%P", layout.parameters[_integer(op)])
            case "time" | "steptime" if self.group == "time":
                return e.load("%P", int(op.kind == "steptime"))
            case "time" | "steptime":
                return e.broadcast(f"%{op.kind}")
            case "frozen":
                return e.load("%keep", layout.frozen[_integer(op)])
            case "state" if _integer(op) in plan.held:
                return e.load("%keep", layout.states + plan.held.index(_integer(op)))
            case "state":
                return e.load("%scratch", plan.integrated.index(_integer(op)))
        raise AssertionError(f"{op.kind} is used before it is computed")

    def compute(self, index: int) -> None:
        op = self.graph.ops[index]
        if op.kind in ("param", "time", "steptime", "state", "frozen"):
            return  # loaded where it is used
        if op.kind in LOGIC:
            self._masks[index] = self._logic(op)
        else:
            self._values[index] = self._number(index, op)

    def _logic(self, op: Op) -> str:
        e = self.e
        if op.kind == "not":
            return e.invert(self.mask(op.args[0]))
        a, b = op.args
        match op.kind:
            case "and":
                return e.both(self.mask(a), self.mask(b))
            case "or":
                return e.either(self.mask(a), self.mask(b))
        return e.compare(CONDITIONS[op.kind], self.value(a), self.value(b))

    def _number(self, index: int, op: Op) -> str:
        e, layout, module = self.e, self.graph.layout, self.graph.module
        match op.kind:
            case "select":
                condition, then, other = op.args
                return e.select(self.mask(condition), self.value(then), self.value(other))
            case "ring":
                return read_ring(e, layout.rings[_integer(op)])
            case "random":
                return uniform(e, e.load("%keep", layout.keys[index], e.long))
            case "lookup":
                assert isinstance(op.value, Table)
                return lookup(e, op.value, self.value(op.args[0]), memory=module.table, permute=module.permute)
            case "min" | "max":
                return self._extreme(op)
            case "pow":
                exponent = self.graph.ops[op.args[1]]
                x, y = map(self.value, op.args)
                if exponent.kind == "const" and not module.called and _float(exponent) == _float(exponent):
                    return m.power(e, x, y, _float(exponent))
                return module.function(e, "pow", x, y)
            case "add" | "sub" | "mul" | "div":
                return getattr(e, op.kind)(*map(self.value, op.args))
        return module.function(e, op.kind, *map(self.value, op.args))

    def _extreme(self, op: Op) -> str:
        """A constant goes first: then not-a-number needs no extra instruction."""
        a, b = op.args
        for limit, x in ((a, b), (b, a)):
            known = self.graph.ops[limit]
            if known.kind == "const" and _float(known) == _float(known):
                bound = m.at_most if op.kind == "min" else m.at_least
                return bound(self.e, self.value(x), _float(known))
        return (m.minimum if op.kind == "min" else m.maximum)(self.e, self.value(a), self.value(b))


def _integer(op: Op) -> int:
    assert isinstance(op.value, int)
    return op.value


def _float(op: Op) -> float:
    assert isinstance(op.value, (int, float))
    return float(op.value)
