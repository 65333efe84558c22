"""Rewrite a program into a cheaper one with the same values, before any back-end sees it; total: it never fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from alliance_dynamics.kernel.program import GraphBuilder, Op, Program
from alliance_dynamics.kernel.segments import segments
from alliance_dynamics.model.expression import Table

# folded here because every back-end rounds them alike; exp, log and their kin stay for the kernel
FOLDED: dict[str, np.ufunc] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "neg": np.negative,
    "abs": np.abs,
    "sqrt": np.sqrt,
    "floor": np.floor,
    "trunc": np.trunc,
    "min": np.minimum,
    "max": np.maximum,
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
}
JUMPS = {"floor", "trunc", "mod", "eq", "ne", "lt", "le", "gt", "ge", "and", "or", "not"}


def optimise(program: Program, vary: frozenset[str] | None = None) -> Program:
    """Fold constants and parameters outside `vary`, divide by invariants as multiplication, write out small powers,
    take two powers in a product by one exponential.

    Values change by at most a few units in the last place, and not at all where a jump depends on them (comparisons,
    whole parts, remainders, steps of tables).
    """
    program = resolve_frozen(program)
    fixed = {
        i: value
        for i, (name, value) in enumerate(zip(program.parameters, program.defaults, strict=True))
        if vary is not None and name not in vary
    }
    with np.errstate(all="ignore"):
        start, new = _rewrite(program.start, fixed)
        step, moved = _rewrite(program.step, fixed)
    roots = [moved[s.rate] for s in program.states] + [moved[r.input] for r in program.rings]
    step, merged = _merge_powers(step, [*roots, *(moved[index] for index in program.outputs.values())])
    moved = [merged[index] for index in moved]
    return replace(
        program,
        start=start,
        step=step,
        states=tuple(replace(s, initial=new[s.initial], rate=moved[s.rate]) for s in program.states),
        rings=tuple(
            replace(r, initial=new[r.initial], length=new[r.length], input=moved[r.input]) for r in program.rings
        ),
        frozen=tuple(new[f] for f in program.frozen),
        outputs={name: moved[index] for name, index in program.outputs.items()},
    )


def resolve_frozen(program: Program) -> Program:
    """The same program, its start graph without `frozen` operations: each becomes the operation it stands for."""
    if not any(op.kind == "frozen" for op in program.start):
        return program
    builder = GraphBuilder()
    new: dict[int, int] = {}
    for root in range(len(program.start)):
        stack = [root]
        while stack:
            op = program.start[stack[-1]]
            args = (program.frozen[op.integer],) if op.kind == "frozen" else op.args
            missing = [a for a in args if a not in new]
            if missing:
                stack += missing
                continue
            index = stack.pop()
            if op.kind == "frozen":
                new[index] = new[args[0]]
            else:
                new[index] = builder.op(op.kind, *(new[a] for a in args), value=op.value)
    return replace(
        program,
        start=tuple(builder.ops),
        states=tuple(replace(s, initial=new[s.initial]) for s in program.states),
        rings=tuple(replace(r, initial=new[r.initial], length=new[r.length]) for r in program.rings),
        frozen=tuple(new[f] for f in program.frozen),
    )


def _rewrite(ops: Sequence[Op], fixed: dict[int, float]) -> tuple[tuple[Op, ...], list[int]]:
    """The new operations, and for each old one the new that has its value."""
    exact = _exact(ops)
    writer = _Writer()
    new: list[int] = []
    for index, op in enumerate(ops):
        if op.kind == "param" and op.integer in fixed:
            new.append(writer.const(fixed[op.integer]))
        else:
            new.append(writer.write(op, tuple(new[a] for a in op.args), exact=index in exact))
    return tuple(writer.ops), new


def _exact(ops: Sequence[Op]) -> set[int]:
    """Operations on which a jump depends: one unit in the last place could move it by a step."""
    found: set[int] = set()
    for index in range(len(ops) - 1, -1, -1):
        op = ops[index]
        if index in found or op.kind in JUMPS or table_jumps(op):
            found.update(op.args)
        elif op.kind == "select":
            found.add(op.args[0])
    return found


def table_jumps(op: Op) -> bool:
    """Whether an operation is a table with a jump in it."""
    if not isinstance(op.value, Table):
        return False
    found = segments(op.value)
    return found.slope is None or len(set(op.value.x)) < len(op.value.x)


def _merge_powers(ops: Sequence[Op], roots: Sequence[int]) -> tuple[tuple[Op, ...], list[int]]:
    """Products of powers that nothing else uses: two at a time become one operation.  As `_rewrite` returns.

    `roots` are used from outside: variables, rates, entries of rings.  So a product is that of one equation.
    """
    exact = _exact(ops)
    uses = Counter(a for op in ops for a in op.args)
    own = {i for i, count in uses.items() if count == 1 and i not in exact and ops[i].level == 3} - set(roots)
    inner = {a for op in ops if op.kind == "mul" for a in op.args if ops[a].kind == "mul" and a in own}
    builder = GraphBuilder()
    new: list[int] = []

    def factors(index: int) -> list[int]:
        """What a product is made of, through products that only it uses."""
        found, stack = list[int](), [index]
        while stack:
            at = stack.pop()
            if at == index or at in inner:
                stack += reversed(ops[at].args)
            else:
                found.append(at)
        return found

    for index, op in enumerate(ops):
        whole = op.kind == "mul" and op.level == 3 and index not in exact and index not in inner
        parts = factors(index) if whole else []
        raised = [i for i in parts if ops[i].kind == "pow" and i in own]
        if len(raised) < 2:
            new.append(builder.op(op.kind, *(new[a] for a in op.args), value=op.value))
            continue
        pairs = list(zip(raised[::2], raised[1::2], strict=False))
        paired = {i for pair in pairs for i in pair}
        terms = [new[i] for i in parts if i not in paired]
        terms += [builder.op("powers", *(new[a] for i in pair for a in ops[i].args)) for pair in pairs]
        product = terms[0]
        for each in terms[1:]:
            product = builder.op("mul", product, each)
        new.append(product)
    return tuple(builder.ops), new


class _Writer(GraphBuilder):
    """A builder that simplifies what it is given."""

    def write(self, op: Op, args: tuple[int, ...], *, exact: bool) -> int:
        values = [self.value(a) for a in args]
        if op.kind in FOLDED and all(v is not None for v in values):
            return self.const(float(FOLDED[op.kind](*map(np.float64, values))))  # type: ignore[arg-type]
        match op.kind:
            case "add" | "sub" | "mul" | "div":
                return self._arithmetic(op.kind, args, values, exact=exact)
            case "neg" if self.ops[args[0]].kind == "neg":
                return self.ops[args[0]].args[0]
            case "min" | "max" if args[0] == args[1]:
                return args[0]
            case "select":
                return self._select(args, values[0])
            case "pow":
                return self._power(args, values)
        return self.op(op.kind, *args, value=op.value)

    def value(self, index: int) -> float | None:
        op = self.ops[index]
        return float(op.value) if op.kind == "const" else None  # type: ignore[arg-type]

    def _arithmetic(self, kind: str, args: tuple[int, ...], values: Sequence[float | None], *, exact: bool) -> int:
        a, b = args
        x, y = values
        if (kind in ("add", "sub") and y == 0.0) or (kind in ("mul", "div") and y == 1.0):
            return a
        if (kind == "add" and x == 0.0) or (kind == "mul" and x == 1.0):
            return b
        if kind == "div":
            return self._divide(a, b, y, exact=exact)
        return self.op(kind, *args)

    def _divide(self, a: int, b: int, y: float | None, *, exact: bool) -> int:
        # powers of two have exact reciprocals
        same = y is not None and y != 0.0 and abs(np.frexp(y)[0]) == 0.5 and 1e-300 < abs(y) < 1e300
        if same or (not exact and self.ops[b].level <= 1 < self.ops[a].level == 3):
            return self.op("mul", a, self._fold(self.op("div", self.const(1.0), b)))
        return self.op("div", a, b)

    def _select(self, args: tuple[int, ...], condition: float | None) -> int:
        if condition is not None:
            return args[1] if condition != 0.0 else args[2]
        return args[1] if args[1] == args[2] else self.op("select", *args)

    def _power(self, args: tuple[int, ...], values: Sequence[float | None]) -> int:
        x, y = args
        base, exponent = values
        if base == 1.0 or exponent == 0.0:
            return self.const(1.0)
        square = lambda: self.op("mul", x, x)  # noqa: E731
        root = lambda: self.op("sqrt", x)  # noqa: E731
        written: dict[float, Callable[[], int]] = {
            1.0: lambda: x,
            2.0: square,
            3.0: lambda: self.op("mul", square(), x),
            4.0: lambda: self.op("mul", square(), square()),
            0.5: root,
            1.5: lambda: self.op("mul", x, root()),
        }
        if exponent is not None and abs(exponent) in written:
            value = written[abs(exponent)]()
            if exponent > 0:
                return self._fold(value)
            return self._fold(self.op("div", self.const(1.0), self._fold(value)))
        if base is not None and base > 0.0 and np.isfinite(base) and exponent is None:
            return self.op("exp", self.op("mul", y, self.op("log", x)))
        return self.op("pow", x, y)

    def _fold(self, index: int) -> int:
        """The constant that an operation on constants is."""
        op = self.ops[index]
        if op.kind not in FOLDED or any(self.ops[a].level for a in op.args):
            return index
        return self.write(op, tuple(self._fold(a) for a in op.args), exact=True)
