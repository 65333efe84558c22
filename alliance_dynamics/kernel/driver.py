"""The loops around the pieces of a kernel: blocks of runs, steps, stages, saves; written once for every program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from alliance_dynamics.kernel.emit import Emit, hexadecimal
from alliance_dynamics.kernel.formats import DOUBLE, Format
from alliance_dynamics.kernel.fragments import write_ring

if TYPE_CHECKING:
    from alliance_dynamics.kernel.layout import Layout
    from alliance_dynamics.kernel.plan import Plan

POINTERS = ("P", "keep", "scratch", "T", "R", "out")
SCALARS = ("double %time", "double %steptime", "i64 %step")
At = dict[str, str]  # where the pointers of `POINTERS` lead
POINT_FIELDS = 4  # of a stage in `method`: node * dt, weight, the next node * dt, the number of its time point
PROLOGUE = "i64 %blocks, ptr noalias %P, ptr noalias %keep, ptr noalias %scratch, double %start"
ADVANCE = (
    "i64 %blocks, ptr noalias %P, ptr noalias %keep, ptr noalias %scratch, ptr noalias %T, ptr noalias %R, "
    "ptr noalias %O, ptr noalias %flags, i64 %ring_vectors, i64 %saves, i64 %from, i64 %to, i64 %last, "
    "i64 %steps_per_save, i64 %stages, i64 %points, double %start, double %dt, double %share, ptr noalias %method"
)


def driver(
    plan: Plan, layout: Layout, width: int, calls: dict[str, list[str]], *, splat: bool, form: Format = DOUBLE
) -> str:
    """The text of `prologue`, `times` and `advance`.

    prologue: initial states and values once per run, for every block.  times: time-only values for vectors of (time,
    steptime).  advance: steps `from` <= k < `to` and, if it is among them, the save at `last` without a step after it;
    `method` holds the `POINT_FIELDS` of each stage.
    """
    return Driver(plan, layout, width, calls, splat, form).text()


class Driver:
    """What it counts are vectors: of runs here, of one run's states and outputs where that is overridden.

    `pointers`: those that every piece gets; `mark`: what the names of the pointers of this driver's states end in.
    """

    def __init__(
        self,
        plan: Plan,
        layout: Layout,
        width: int,
        calls: dict[str, list[str]],
        splat: bool,
        form: Format = DOUBLE,
        *,
        pointers: Sequence[str] = POINTERS,
        mark: str = "",
    ):
        self.format = form
        self.plan, self.layout, self.width, self.calls, self.splat = plan, layout, width, calls, splat
        self.outputs, self.integrated, self.limited = len(plan.outputs), len(plan.integrated), plan.non_negative
        self.runs = width  # of a block
        self.pointers, self.mark = tuple(pointers), mark
        self.keep, self.scratch, self.rings, self.out = (f"{name}{mark}" for name in ("keep", "scratch", "R", "out"))

    def text(self) -> str:
        return "\n".join([*self.prologue(), *self.times(), *self.advance()])

    def prologue(self) -> list[str]:
        e = self.emit()
        block = e.loop("block", "0", "%blocks")
        self.begin(e, self.of_block(e, block))
        e.next("block")
        return function("prologue", PROLOGUE, e)

    def begin(self, e: Loops, at: At) -> None:
        """Initial states and values once per run."""
        for name in (*self.calls["start"], *self.calls["run"]):
            self._call(e, name, at, "%start", "%start", "0")

    def of_block(self, e: Loops, block: str) -> At:
        """Where a block's parameters and values that last are."""
        P = e.offset("%P", block, len(self.layout.parameters) * self.runs)
        return {"P": P, "keep": e.offset("%keep", block, self.layout.keep * self.width), "scratch": "%scratch"}

    def times(self) -> list[str]:
        e = self.emit(DOUBLE)  # time is never rounded to single precision
        block = e.loop("block", "0", "%blocks")
        P = e.offset("%P", block, 2 * self.width)
        T = e.offset("%T", block, self.layout.times * self.width)
        zero = hexadecimal(0.0)
        for name in self.calls["time"]:
            self._call(e, name, {"P": P, "T": T, "scratch": "%unused"}, zero, zero, "0")
        e.next("block")
        return function("times", "i64 %blocks, ptr noalias %P, ptr noalias %T, ptr noalias %unused", e)

    def advance(self) -> list[str]:
        e = self.emit()
        block = e.loop("block", "0", "%blocks")
        at, flags = self.enter(e, block)
        step = e.loop("step", "%from", "%to")
        self.stages(e, at, step, flags, "block_next")
        self.finish(e, at)
        e.next("step")
        e.next("block")
        return function("advance", ADVANCE, e)

    def enter(self, e: Loops, block: str) -> tuple[At, str]:
        """Go to a block; returns where its memory and its flags are."""
        at = self.of_block(e, block)
        at["R"] = e.offset("%R", e.do(f"mul i64 {block}, %ring_vectors"), self.runs)
        at["out"] = e.offset("%O", e.do(f"mul i64 {block}, %saves"), self.outputs * self.width)
        self.copy(e, "enter", at["keep"], "%scratch", self.layout.states)
        return at, e.offset("%flags", block, self.width)

    def stages(self, e: Loops, at: At, step: str, flags: str, ended: str) -> None:
        """All stages of a step; to the label `ended` after the save without a step after it."""
        mark = self.mark
        since = e.do(f"mul i64 {e.do(f'sub i64 {step}, %from')}, %points")
        number = e.do(f"sitofp i64 {step} to double")
        elapsed = e.do(f"fmul double {number}, %dt")
        steptime = e.do(f"fadd double %start, {elapsed}")

        stage = e.loop(f"stage{mark}", "0", "%stages")
        entry = e.offset("%method", stage, POINT_FIELDS, "double")
        node, weight, following, point = (e.scalar(entry, i) for i in range(POINT_FIELDS))
        time = e.do(f"fadd double {steptime}, {node}")
        place = e.do(f"add i64 {since}, {e.do(f'fptosi double {point} to i64')}")
        here = at | {"T": self._time_values(e, place)} | self.of_stage(e, stage)

        def call(group: str, at: At) -> None:
            for name in self.calls[group]:
                self._call(e, name, at, time, steptime, step)

        first = e.do(f"icmp eq i64 {stage}, 0")
        with e.when(f"begin{mark}", first):
            call("step", here)
        call("stage", here)
        with e.when(f"first{mark}", first):
            call("capture", here)
            self._write_rings(e, at)
            rest = e.do(f"urem i64 {step}, %steps_per_save")
            with e.when(f"save{mark}", e.do(f"icmp eq i64 {rest}, 0")):
                number = e.do(f"udiv i64 {step}, %steps_per_save")
                out = self.saved_at(e, at, number)
                call("save", here | {self.out: out})
                self._flag(e, at, out, flags, number)
            e.exit_if(f"ended{mark}", e.do(f"icmp eq i64 {step}, %last"), ended)
        self._combine(e, at, first, weight, following)
        e.next(f"stage{mark}")

    def saved_at(self, e: Loops, at: At, number: str) -> str:
        """Where a save's outputs go."""
        return e.offset(at[self.out], number, self.outputs * self.width)

    def of_stage(self, e: Loops, stage: str) -> At:
        """Pointers that differ from stage to stage."""
        return {}

    def _time_values(self, e: Loops, place: str) -> str:
        """Where the time-only values of a time point begin."""
        T = e.offset("%T", e.do(f"udiv i64 {place}, {self.width}"), self.layout.times * self.width, "double")
        return e.offset(T, e.do(f"urem i64 {place}, {self.width}"), 1, "double")

    def emit(self, form: Format | None = None) -> Loops:
        e = Loops(self.width, splat=self.splat, form=form or self.format)
        e.label("entry")
        return e

    def _call(self, e: Loops, name: str, at: At, time: str, steptime: str, step: str) -> None:
        """Pointers that a piece does not use go anywhere."""
        pointers = ", ".join(f"ptr {at.get(each, at['scratch'])}" for each in self.pointers)
        e.line(f"call void @{name}({pointers}, double {time}, double {steptime}, i64 {step})")

    def copy(self, e: Loops, name: str, source: str, target: str, count: int) -> None:
        if count:
            i = e.loop(name, "0", str(count))
            e.store(e.load(e.offset(source, i, self.width), 0), e.offset(target, i, self.width), 0)
            e.next(name)

    def _combine(self, e: Loops, at: At, first: str, weight: str, following: str) -> None:
        """Add the slopes to their weighted sums and move the states to the next stage's."""
        layout, width = self.layout, self.width
        if not layout.states:
            return
        w, h = e.broadcast(weight), e.broadcast(following)
        i = e.loop(f"combine{self.mark}", "0", str(layout.states), by=4)
        moved, state = e.offset(at[self.scratch], i, width), e.offset(at[self.keep], i, width)
        for k in range(4):
            slope = e.load(moved, layout.slopes + k)
            weighted = e.mul(w, slope)
            added = e.add(e.load(moved, layout.sums + k), weighted)
            total = e.do(f"select i1 {first}, {e.double} {weighted}, {e.double} {added}")
            e.store(total, moved, layout.sums + k)
            e.store(e.add(e.load(state, k), e.mul(h, slope)), moved, k)
        e.next(f"combine{self.mark}")

    def finish(self, e: Loops, at: At) -> None:
        """Take the step: integrated states by the weighted slopes, held states by their next values."""
        layout, width, mark, zero = self.layout, self.width, self.mark, e.const(0.0)
        keep, scratch = at[self.keep], at[self.scratch]
        if layout.states:
            share = e.broadcast("%share")
            i = e.loop(f"finish{mark}", "0", str(layout.states), by=4)
            moved, state = e.offset(scratch, i, width), e.offset(keep, i, width)
            for k in range(4):
                value = e.add(e.load(state, k), e.mul(share, e.load(moved, layout.sums + k)))
                e.store(value, moved, k)
                e.store(value, state, k)
            e.next(f"finish{mark}")
        if self.limited:
            i = e.loop(f"limit{mark}", str(self.integrated - self.limited), str(self.integrated))
            state = e.offset(keep, i, width)
            value = e.load(state, 0)
            value = e.select(e.compare("olt", value, zero), zero, value)
            e.store(value, state, 0)
            e.store(value, e.offset(scratch, i, width), 0)
            e.next(f"limit{mark}")
        held = e.offset(keep, str(layout.states), width)
        self.copy(e, f"hold{mark}", e.offset(scratch, str(layout.next), width), held, layout.held)

    def _write_rings(self, e: Loops, at: At) -> None:
        for number, ring in enumerate(self.plan.rings):
            entry = e.load(at[self.scratch], self.layout.inputs + number)
            write_ring(e, at[self.keep], at[self.rings], self.layout.rings[ring], entry)

    def _flag(self, e: Loops, at: At, out: str, flags: str, number: str) -> None:
        """Note the first save at which a state or an output is not finite: x - x is then not 0."""
        e.store(e.const(0.0), "%check", 0)
        keep = at[self.keep]
        held = e.offset(keep, str(self.layout.states), self.width)
        for name, base, count in (
            ("o", out, self.outputs),
            ("s", keep, self.integrated),
            ("h", held, self.layout.held),
        ):
            if count:
                label = f"check_{name}{self.mark}"
                i = e.loop(label, "0", str(count))
                value = e.load(e.offset(base, i, self.width), 0)
                e.store(e.add(e.load("%check", 0), e.sub(value, value)), "%check", 0)
                e.next(label)
        total = e.load("%check", 0)
        bad = e.compare("uno", total, total)
        flag = e.load(flags, 0, e.long)
        new = e.both(bad, e.do(f"icmp slt {e.long} {flag}, {e.integer(0)}"))
        now = e.broadcast(number if e.size == 8 else e.do(f"trunc i64 {number} to {e.whole}"), e.whole)
        e.store(e.do(f"select {e.mask} {new}, {e.long} {now}, {e.long} {flag}"), flags, 0, e.long)


class Loops(Emit):
    """An emitter with counted loops and conditional parts; counters live in the function's own memory."""

    def __init__(self, width: int, *, splat: bool, form: Format = DOUBLE):
        super().__init__(width, splat=splat, form=form)
        self.slots: list[str] = []
        self._by: dict[str, tuple[int, str, str]] = {}

    def loop(self, name: str, first: str, end: str, *, by: int = 1) -> str:
        """Open a loop over first <= i < end and return i."""
        before = self.here
        self.line(f"br label %{name}_head")
        self.label(f"{name}_head")
        i = f"%{name}_i"
        self.lines.append(f"  {i} = phi i64 [ {first}, %{before} ], [ %{name}_following, %{name}_next ]")
        more = self.do(f"icmp slt i64 {i}, {end}")
        self.line(f"br i1 {more}, label %{name}_body, label %{name}_done")
        self.label(f"{name}_body")
        self._by[name] = (by, i, end)
        return i

    def next(self, name: str) -> None:
        """Close the loop."""
        by, i, _ = self._by.pop(name)
        self.line(f"br label %{name}_next")
        self.label(f"{name}_next")
        self.lines.append(f"  %{name}_following = add i64 {i}, {by}")
        self.line(f"br label %{name}_head")
        self.label(f"{name}_done")

    def when(self, name: str, condition: str) -> _When:
        return _When(self, name, condition)

    def exit_if(self, name: str, condition: str, target: str) -> None:
        self.line(f"br i1 {condition}, label %{target}, label %{name}_not")
        self.label(f"{name}_not")

    @property
    def here(self) -> str:
        """The label of the basic block being written."""
        return next(line[:-1] for line in reversed(self.lines) if line.endswith(":"))

    def offset(self, pointer: str, index: str, size: int, kind: str = "") -> str:
        """`pointer` moved on by index * size numbers of the format, or of `kind`."""
        count = index if size == 1 else self.do(f"mul i64 {index}, {size}")
        return self.do(f"getelementptr inbounds {kind or self.kind}, ptr {pointer}, i64 {count}")


class _When:
    def __init__(self, e: Loops, name: str, condition: str):
        self.e, self.name, self.condition = e, name, condition

    def __enter__(self) -> None:
        self.e.line(f"br i1 {self.condition}, label %{self.name}_then, label %{self.name}_else")
        self.e.label(f"{self.name}_then")

    def __exit__(self, *_: object) -> None:
        self.e.line(f"br label %{self.name}_else")
        self.e.label(f"{self.name}_else")


def function(name: str, head: str, e: Loops) -> list[str]:
    entry, *body = e.lines
    check = f"  %check = alloca {e.double}, align {e.alignment}"
    return [f"define void @{name}({head}) {{", entry, check, *body, "  ret void", "}", ""]
