"""The functions of a kernel's text: what they share, and how one operation after the other is written into them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from alliance_dynamics.kernel import mathematics as m
from alliance_dynamics.kernel.driver import ARGUMENTS
from alliance_dynamics.kernel.emit import Emit, hexadecimal
from alliance_dynamics.kernel.fragments import read_ring, uniform
from alliance_dynamics.kernel.interpolate import lookup
from alliance_dynamics.kernel.program import Op
from alliance_dynamics.model.expression import Table

if TYPE_CHECKING:
    from alliance_dynamics.kernel.llvm import Graph

COSTS = {"exp": 25, "log": 32, "pow": 75, "sin": 32, "cos": 32, "tan": 50, "asin": 40, "acos": 40, "atan": 38}
COSTS |= {"sinh": 70, "cosh": 70, "tanh": 30, "mod": 16, "random": 12, "ring": 6}
CONDITIONS = {"eq": "oeq", "ne": "une", "lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge"}
LOGIC = (*CONDITIONS, "and", "or", "not")


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
