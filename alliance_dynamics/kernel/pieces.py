"""The functions of a kernel's text: what they share, and how one operation after the other is written into them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from alliance_dynamics.kernel import mathematics as m
from alliance_dynamics.kernel.driver import POINTERS, SCALARS
from alliance_dynamics.kernel.emit import Emit
from alliance_dynamics.kernel.formats import DOUBLE, Format
from alliance_dynamics.kernel.fragments import read_ring, uniform
from alliance_dynamics.kernel.interpolate import lookup
from alliance_dynamics.kernel.program import Op
from alliance_dynamics.model.expression import Table

if TYPE_CHECKING:
    from alliance_dynamics.kernel.llvm import Graph

COSTS = {"exp": 25, "log": 32, "pow": 75, "sin": 32, "cos": 32, "tan": 50, "asin": 40, "acos": 40, "atan": 38}
COSTS |= {"powers": 120, "sinh": 70, "cosh": 70, "tanh": 30, "mod": 16, "random": 12, "ring": 6}
BRIEF = ("exp", "log", "pow", "powers", "sinh", "cosh")  # shorter where no argument is unusual
PATIENCE = 64  # calls for which a piece that met an unusual argument expects another one
CONDITIONS = {"eq": "oeq", "ne": "une", "lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge"}
LEAVES = ("param", "time", "steptime", "state", "frozen")  # loaded where they are used
LOGIC = (*CONDITIONS, "and", "or", "not")


@dataclass
class Module:
    """What all functions of one text share."""

    width: int
    splat: bool
    permute: bool
    called: bool
    form: Format = DOUBLE
    pointers: Sequence[str] = POINTERS  # that every piece gets
    functions: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    declarations: set[str] = field(default_factory=set)
    _tables: dict[str, str] = field(default_factory=dict)
    _called: set[str] = field(default_factory=set)

    def emit(self, form: Format, *, brief: bool = False) -> Emit:
        return Emit(self.width, splat=self.splat, form=form, brief=brief)

    def add(self, name: str, body: Emit) -> None:
        """A function with the arguments that every piece has; vectors that it keeps on its stack are aligned."""
        arguments = ", ".join([*(f"ptr noalias %{each}" for each in self.pointers), *SCALARS])
        head = f'define internal void @{name}({arguments}) "stackrealign" {{'
        self.functions += [head, *body.lines, "  ret void", "}", ""]
        self.declarations |= body.intrinsics

    def add_watched(self, name: str, brief: Emit, whole: Emit, seen: int) -> None:
        """A function that does as `brief` does while no lane is unusual, else and for some calls on as `whole` does.

        Both compute the same bits.  How many calls of `whole` are left is kept in vector `seen` of scratch.
        """
        place = whole.at("%scratch", seen)
        left = whole.do(f"load i64, ptr {place}, align 8")
        begun = whole.do(f"icmp sgt i64 {left}, 0")
        left = whole.do(f"select i1 {begun}, i64 {left}, i64 {PATIENCE}")
        whole.line(f"store i64 {whole.do(f'sub i64 {left}, 1')}, ptr {place}, align 8")
        self.add(f"{name}_whole", whole)
        again = brief.any_unusual()
        passed = ", ".join([*(f"ptr %{each}" for each in self.pointers), *SCALARS])
        body = Emit(self.width)
        body.lines = [
            f"  %seen_at = getelementptr inbounds {brief.double}, ptr %scratch, i64 {seen}",
            "  %seen = load i64, ptr %seen_at, align 8",
            "  %before = icmp ne i64 %seen, 0",
            "  br i1 %before, label %whole, label %brief",
            "brief:",
            *brief.lines,
            f"  br i1 {again}, label %whole, label %done",
            "whole:",
            f"  call void @{name}_whole({passed})",
            "  br label %done",
            "done:",
        ]
        body.intrinsics = brief.intrinsics
        self.add(name, body)

    def table(self, values: Sequence[float], form: Format = DOUBLE) -> str:
        """A global array of numbers of a format, the same one for the same numbers."""
        kind, number = form.kind, Emit(1, form=form).number
        entries = ", ".join(f"{kind} {number(each)}" for each in values)
        if entries not in self._tables:
            name = self._tables[entries] = f"@table_{len(self._tables)}"
            self.tables.append(f"{name} = internal constant [{len(values)} x {kind}] [{entries}], align 64")
        return self._tables[entries]

    def function(self, e: Emit, kind: str, *args: str, called: bool | None = None) -> str:
        """An elementary function: written out here, or called, by default where there are many."""
        write = m.FUNCTIONS[kind]
        if not (self.called if called is None else called) or kind not in COSTS:
            return write(e, *args)
        name = f"@{kind}_{e.suffix}"
        if name not in self._called:
            self._called.add(name)
            self._define(name, write, e, len(args))
        return e.do(f"call {e.double} {name}({', '.join(f'{e.double} {a}' for a in args)})")

    def _define(self, name: str, write: Callable[..., str], e: Emit, count: int) -> None:
        """The function, brief where no lane is unusual."""
        brief, whole = e.sibling(brief=True), e.sibling()
        names = [f"%x{i}" for i in range(count)]
        kind = whole.double
        given = ", ".join(f"{kind} {each}" for each in names)
        result, short = write(whole, *names), write(brief, *names)
        again = brief.any_unusual()
        if again == "false":
            self.functions += [f"define internal {kind} {name}({given}) noinline {{", *whole.lines]
            self.functions += [f"  ret {kind} {result}", "}", ""]
        else:
            self.functions += [f"define internal {kind} {name}_whole({given}) noinline {{", *whole.lines]
            self.functions += [f"  ret {kind} {result}", "}", ""]
            self.functions += [f"define internal {kind} {name}({given}) noinline {{", *brief.lines]
            self.functions += [f"  br i1 {again}, label %whole, label %usual", "usual:", f"  ret {kind} {short}"]
            self.functions += ["whole:", f"  %result = call {kind} {name}_whole({given})"]
            self.functions += [f"  ret {kind} %result", "}", ""]
        self.declarations |= whole.intrinsics


class Piece:
    """The body of one function: values are computed here, or loaded once from where another piece left them.

    `called`: elementary functions are called, not written out; `brief` as in `Emit`.
    """

    def __init__(self, graph: Graph, group: str, *, brief: bool = False, called: bool = False):
        self.graph, self.group, self.called = graph, group, called
        # time is never rounded to single precision
        form = DOUBLE if group == "time" else graph.module.form
        self.e = graph.module.emit(form, brief=brief)
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
            return e.const(op.number)
        if index in self._masks:
            result = e.select(self._masks[index], e.const(1.0), e.const(0.0))
        elif self.group == "time" and self.graph.group_of.get(index) == "run":
            # a constant that is no number yet: what is kept for each run is not at hand here
            self.compute(index)
            return self.value(index)
        elif place := self.graph.place(index, self.group):
            memory, slot = place
            result = self._load_time(slot) if memory == "times" else e.load(f"%{memory}", slot)
        else:
            result = self._leaf(index, op)
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
        return e.broadcast(e.scalar("%T", slot * e.width))

    def _leaf(self, index: int, op: Op) -> str:
        e = self.e
        plan, layout, mark = self.graph.side(index)
        match op.kind:
            case "param" if mark:  # the same in all runs
                return e.broadcast(e.scalar(f"%P{mark}", layout.parameters[op.integer]))
            case "param":
                return e.load("%P", layout.parameters[op.integer])
            case "time" | "steptime" if self.group == "time":
                return e.load("%P", int(op.kind == "steptime"))
            case "time" | "steptime":
                return e.broadcast(f"%{op.kind}")
            case "frozen":
                return e.load(f"%keep{mark}", layout.frozen[op.integer])
            case "state" if op.integer in plan.held:
                return e.load(f"%keep{mark}", layout.states + plan.held.index(op.integer))
            case "state":
                return e.load(f"%scratch{mark}", plan.integrated.index(op.integer))
        raise AssertionError(f"{op.kind} is used before it is computed")

    def compute(self, index: int) -> None:
        op = self.graph.ops[index]
        if op.kind in LEAVES:
            return
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
        e, module = self.e, self.graph.module
        _, layout, mark = self.graph.side(index)
        match op.kind:
            case "select":
                condition, then, other = op.args
                return e.select(self.mask(condition), self.value(then), self.value(other))
            case "ring":
                return read_ring(e, f"%keep{mark}", f"%R{mark}", layout.rings[op.integer])
            case "random":
                return uniform(e, e.load("%keep", layout.keys[index], e.long))
            case "lookup":
                assert isinstance(op.value, Table)
                return lookup(
                    e,
                    op.value,
                    self.value(op.args[0]),
                    memory=partial(module.table, form=e.format),
                    permute=module.permute,
                )
            case "min" | "max":
                return self._extreme(op)
            case "pow":
                exponent = self.graph.ops[op.args[1]]
                x, y = map(self.value, op.args)
                if exponent.kind == "const" and not self.called and exponent.number == exponent.number:
                    return m.power(e, x, y, exponent.number)
                return module.function(e, "pow", x, y, called=self.called)
            case "add" | "sub" | "mul" | "div":
                return getattr(e, op.kind)(*map(self.value, op.args))
        return module.function(e, op.kind, *map(self.value, op.args), called=self.called)

    def _extreme(self, op: Op) -> str:
        """A constant goes first: then not-a-number needs no extra instruction."""
        a, b = op.args
        for limit, x in ((a, b), (b, a)):
            known = self.graph.ops[limit]
            if known.kind == "const" and known.number == known.number:
                bound = m.at_most if op.kind == "min" else m.at_least
                return bound(self.e, self.value(x), known.number)
        return (m.minimum if op.kind == "min" else m.maximum)(self.e, self.value(a), self.value(b))
