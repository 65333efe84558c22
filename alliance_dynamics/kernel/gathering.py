"""Values of a single run's kernel as the vectors that operations want: loaded, shuffled together, laid out, stored."""

from __future__ import annotations

from collections.abc import Sequence

from alliance_dynamics.kernel.emit import Emit
from alliance_dynamics.kernel.packing import LEAVES, Pack, Shape, vector_width
from alliance_dynamics.kernel.pieces import Module
from alliance_dynamics.kernel.places import Memory
from alliance_dynamics.kernel.plan import Plan
from alliance_dynamics.kernel.widths import Part, Scalar


class Gathering:
    """Writes instructions of all widths into one function.

    A pack's value is a vector of the least power of two lanes, or one double; lanes too many hold anything.
    `brief` as in `Emit`; `called`: elementary functions are called, not written out.
    """

    def __init__(
        self,
        shape: Shape,
        plan: Plan,
        memory: Memory,
        module: Module,
        group: str,
        packs: dict[int, Pack],
        places: dict[Pack, int],
        *,
        brief: bool = False,
        called: bool = False,
    ):
        self.shape, self.ops, self.plan, self.memory, self.module = shape, shape.ops, plan, memory, module
        self.group, self.packs, self.places = group, packs, places
        self.brief, self.called = brief, called
        self.lines: list[str] = []
        self.intrinsics: set[str] = set()
        self._parts: dict[int, Part] = {}
        self.values: dict[Pack, str] = {}
        self.masks: dict[Pack, str] = {}
        self._stored: set[Pack] = set()
        self._gathered: dict[tuple[tuple[int, ...], int], str] = {}
        self._singles: dict[int, str] = {}

    def part(self, width: int) -> Part:
        """What writes instructions on vectors of `width`."""
        if width not in self._parts:
            kind = Scalar if width == 1 else Part
            shared = {"splat": self.module.splat, "lines": self.lines, "intrinsics": self.intrinsics}
            self._parts[width] = kind(width, brief=self.brief, **shared)
        return self._parts[width]

    def whole(self) -> Emit:
        """The finished body; it knows whether any lane of any width was unusual."""
        one = self.part(1)
        for width, part in sorted(self._parts.items()):
            if width > 1 and (bit := part.any_unusual()) != "false":
                one.unusual(bit)
        return one

    # packs
    def own(self, pack: Pack) -> Part:
        e = self.part(vector_width(len(pack)))
        e.used = len(pack)
        return e

    def _value(self, pack: Pack) -> str:
        """The pack's numbers, computed here or loaded from where an earlier function leaves them."""
        if pack not in self.values:
            e = self.own(pack)
            if pack in self.masks:
                self.values[pack] = e.select(self.masks[pack], e.const(1.0), e.const(0.0))
            else:
                memory, at = self._place(pack)
                self.values[pack] = self._load(e, memory, at)
        return self.values[pack]

    def _place(self, pack: Pack) -> tuple[str, int]:
        memory = "keep" if self.shape.group_of[pack[0]] == "run" else "scratch"
        if pack not in self.places:
            width = vector_width(len(pack))
            self.places[pack] = self.memory.take(memory, width, align=width)
        return memory, self.places[pack]

    def _here(self, pack: Pack) -> bool:
        return pack in self.values or pack in self.masks

    def keep(self, pack: Pack) -> tuple[str, int]:
        """The pack's place, with its value there."""
        computed = self._here(pack)
        memory, at = self._place(pack)
        if computed and pack not in self._stored:
            self.put(self.own(pack), self._value(pack), memory, at)
        self._stored.add(pack)
        return memory, at

    # vectors of any values
    def lanes(self, lanes: tuple[int, ...]) -> str:
        """One vector, or one double, of these operations' values."""
        width = vector_width(len(lanes))
        if width == 1:
            return self.single(lanes[0])
        key = lanes, width
        if key not in self._gathered:
            self._gathered[key] = self._lanes(lanes, self.part(width))
        return self._gathered[key]

    def _lanes(self, lanes: tuple[int, ...], e: Emit) -> str:
        ops = self.ops
        if all(ops[i].kind == "const" for i in lanes):
            return self._constants(lanes, e)
        if len(set(lanes)) == 1:
            return e.broadcast(self.single(lanes[0]))
        pack = self.packs.get(lanes[0])
        if pack is not None and pack[: len(lanes)] == lanes:
            value, own = self._value(pack), vector_width(len(pack))
            return value if own == e.width else self._shuffle(self.part(own), value, range(e.width))
        if self.group not in ("run", "start") and all(self._same_in_run(i) for i in lanes):
            if lanes not in self.memory.laid:
                self.memory.laid[lanes] = self.memory.take("keep", e.width, align=e.width)
            return self._load(e, "keep", self.memory.laid[lanes])
        if all(self.shape.group_of.get(i) == "time" for i in lanes):
            return self._load(e, "T", self.memory.timed(lanes))
        if all(ops[i].kind == "state" for i in lanes):
            places = [self._state(i) for i in lanes]
            memory, first = places[0]
            if places == [(memory, first + i) for i in range(len(places))]:
                return self._load(e, memory, first)
        return self._gather(lanes, e)

    def _gather(self, lanes: tuple[int, ...], e: Emit) -> str:
        """Constants first, then what comes from the same vector together, then one lane after the other."""
        fixed = [i for i in lanes if self.ops[i].kind == "const"]
        result = self._constants(lanes, e) if fixed else "poison"
        sources: dict[Pack | tuple[str, int], dict[int, int]] = {}
        alone: list[int] = []
        for lane, index in enumerate(lanes):
            if self.ops[index].kind == "const":
                continue
            source = self._source(index)
            if source is None:
                alone.append(lane)
            else:
                sources.setdefault(source[0], {})[lane] = source[1]
        for source, taken in sources.items():
            if len(taken) == 1 and not (isinstance(source[0], int) and self._here(source) and 0 in taken.values()):  # type: ignore[arg-type]
                alone += taken
                continue
            if isinstance(source[0], str):
                width, value = e.width, self._row(source)  # type: ignore[arg-type]
                width = self.memory.width
            else:
                width, value = vector_width(len(source)), self._value(source)  # type: ignore[arg-type]
            result = self._merge(e, result, self.part(width), value, taken)
        for lane in sorted(alone):
            result = e.do(f"insertelement {e.double} {result}, double {self.single(lanes[lane])}, i64 {lane}")
        return result

    def _source(self, index: int) -> tuple[Pack | tuple[str, int], int] | None:
        """The vector that holds a value, and its lane there."""
        if self.ops[index].kind == "state":
            memory, at = self._state(index)
            return (memory, at // self.memory.width), at % self.memory.width
        pack = self.packs.get(index)
        return (pack, pack.index(index)) if pack is not None and len(pack) > 1 else None

    def _row(self, source: tuple[str, int]) -> str:
        memory, number = source
        key = (-1 - number, len(memory)), self.memory.width
        if key not in self._gathered:
            e = self.part(self.memory.width)
            self._gathered[key] = self._load(e, memory, number * self.memory.width)
        return self._gathered[key]

    def _merge(self, e: Emit, result: str, source: Emit, value: str, taken: dict[int, int]) -> str:
        """`result` with some of its lanes taken from those of `value`."""
        picked = [taken.get(lane, -1) for lane in range(e.width)]
        if result == "poison":
            return self._shuffle(source, value, picked)
        if source.width != e.width:
            value = self._shuffle(source, value, picked)
            picked = [lane if lane in taken else -1 for lane in range(e.width)]
        mask = [lane if each < 0 else e.width + each for lane, each in enumerate(picked)]
        return e.do(
            f"shufflevector {e.double} {result}, {e.double} {value}, "
            f"<{e.width} x i32> <{', '.join(f'i32 {i}' for i in mask)}>"
        )

    def _shuffle(self, source: Emit, value: str, picked: Sequence[int]) -> str:
        mask = ", ".join("i32 poison" if i < 0 else f"i32 {i}" for i in picked)
        kind = source.double
        return source.do(f"shufflevector {kind} {value}, {kind} poison, <{len(picked)} x i32> <{mask}>")

    def _constants(self, lanes: tuple[int, ...], e: Emit) -> str:
        values = [self.ops[i].number if self.ops[i].kind == "const" else 0.0 for i in lanes]
        return e.vector(values + values[-1:] * (e.width - len(values)))

    # single values
    def single(self, index: int) -> str:
        """One value as a double."""
        if index not in self._singles:
            self._singles[index] = self._single(index)
        return self._singles[index]

    def _single(self, index: int) -> str:
        op, e, memory = self.ops[index], self.part(1), self.memory
        if op.kind == "const":
            return e.const(op.number)
        if op.kind in LEAVES:
            match op.kind:
                case "param":
                    return e.load("%P", memory.parameters[op.integer])
                case "frozen":
                    return e.load("%keep", memory.frozen[op.integer])
                case "state":
                    place, at = self._state(index)
                    return self._load(e, place, at)
            return f"%{op.kind}"
        if self.shape.group_of[index] == "time":
            return e.load("%T", memory.timed((index,)))
        pack = self.packs[index]
        if len(pack) == 1:
            return self._value(pack)
        lane = pack.index(index)
        if lane == 0 and self._here(pack):
            return e.do(f"extractelement {self.own(pack).double} {self._value(pack)}, i64 0")
        place, at = self.keep(pack)
        return self._load(e, place, at + lane)

    def _state(self, index: int) -> tuple[str, int]:
        state = self.ops[index].integer
        at = self.memory.slots[state]
        return ("keep", self.memory.held_at + at) if state in self.memory.held_slots else ("scratch", at)

    def _same_in_run(self, index: int) -> bool:
        return self.ops[index].kind in ("const", "param", "frozen") or self.shape.group_of.get(index) == "run"

    # memory
    def _load(self, e: Emit, memory: str, at: int) -> str:
        return e.do(f"load {e.double}, ptr {self._address(e, memory, at)}, align {self._align(e, memory, at)}")

    def put(self, e: Emit, value: str, memory: str, at: int) -> None:
        e.line(f"store {e.double} {value}, ptr {self._address(e, memory, at)}, align {self._align(e, memory, at)}")

    def _address(self, e: Emit, memory: str, at: int) -> str:
        return e.do(f"getelementptr inbounds double, ptr %{memory}, i64 {at}") if at else f"%{memory}"

    def _align(self, e: Emit, memory: str, at: int) -> int:
        return 8 if memory == "T" or at % e.width else 8 * e.width
