"""The loops around the pieces of a kernel: blocks of runs, steps, stages, saves; written once for every program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alliance_dynamics.kernel.emit import Emit, hexadecimal
from alliance_dynamics.kernel.formats import DOUBLE, Format
from alliance_dynamics.kernel.fragments import write_ring

if TYPE_CHECKING:
    from alliance_dynamics.kernel.layout import Layout
    from alliance_dynamics.kernel.plan import Plan

POINTERS = ("P", "keep", "scratch", "T", "R", "out")
ARGUMENTS = ", ".join([*(f"ptr noalias %{p}" for p in POINTERS), "double %time", "double %steptime", "i64 %step"])
PASSED = ", ".join(each.replace("noalias ", "") for each in ARGUMENTS.split(", "))
POINT_FIELDS = 4  # of a stage in `method`: node * dt, weight, the next node * dt, the number of its time point
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
    """What it counts are vectors: of runs here, of one run's states and outputs where that is overridden."""

    def __init__(
        self,
        plan: Plan,
        layout: Layout,
        width: int,
        calls: dict[str, list[str]],
        splat: bool,
        form: Format = DOUBLE,
    ):
        self.format = form
        self.plan, self.layout, self.width, self.calls, self.splat = plan, layout, width, calls, splat
        self.outputs, self.integrated, self.limited = len(plan.outputs), len(plan.integrated), plan.non_negative
        self.runs = width  # of a block

    def text(self) -> str:
        return "\n".join([*self.prologue(), *self.times(), *self.advance()])

    def prologue(self) -> list[str]:
        e = self._emit()
        block = e.loop("block", "0", "%blocks")
        P = e.offset("%P", block, len(self.layout.parameters) * self.runs)
        keep = e.offset("%keep", block, self.layout.keep * self.width)
        for name in (*self.calls["start"], *self.calls["run"]):
            self._call(e, name, P, keep, "%scratch", "%scratch", "%scratch", "%scratch", "%start", "%start", "0")
        e.next("block")
        head = "i64 %blocks, ptr noalias %P, ptr noalias %keep, ptr noalias %scratch, double %start"
        return _function("prologue", head, e)

    def times(self) -> list[str]:
        e = self._emit(DOUBLE)  # time is never rounded to single precision
        block = e.loop("block", "0", "%blocks")
        P = e.offset("%P", block, 2 * self.width)
        T = e.offset("%T", block, self.layout.times * self.width)
        zero = hexadecimal(0.0)
        for name in self.calls["time"]:
            self._call(e, name, P, "%unused", "%unused", T, "%unused", "%unused", zero, zero, "0")
        e.next("block")
        return _function("times", "i64 %blocks, ptr noalias %P, ptr noalias %T, ptr noalias %unused", e)

    def advance(self) -> list[str]:
        e, layout, width = self._emit(), self.layout, self.width
        block = e.loop("block", "0", "%blocks")
        P = e.offset("%P", block, len(layout.parameters) * self.runs)
        keep = e.offset("%keep", block, layout.keep * width)
        R = e.offset("%R", e.do(f"mul i64 {block}, %ring_vectors"), self.runs)
        saved = e.offset("%O", e.do(f"mul i64 {block}, %saves"), self.outputs * width)
        flags = e.offset("%flags", block, width)
        self._copy(e, "enter", keep, "%scratch", layout.states)

        step = e.loop("step", "%from", "%to")
        since = e.do(f"mul i64 {e.do(f'sub i64 {step}, %from')}, %points")
        number = e.do(f"sitofp i64 {step} to double")
        elapsed = e.do(f"fmul double {number}, %dt")
        steptime = e.do(f"fadd double %start, {elapsed}")

        stage = e.loop("stage", "0", "%stages")
        entry = e.offset("%method", stage, POINT_FIELDS, "double")
        node, weight, following, point = (e.scalar(entry, i) for i in range(POINT_FIELDS))
        time = e.do(f"fadd double {steptime}, {node}")
        place = e.do(f"add i64 {since}, {e.do(f'fptosi double {point} to i64')}")
        T = self._time_values(e, place)

        def call(group: str, out: str = "%scratch") -> None:
            for name in self.calls[group]:
                self._call(e, name, P, keep, "%scratch", T, R, out, time, steptime, step)

        first = e.do(f"icmp eq i64 {stage}, 0")
        with e.when("begin", first):
            call("step")
        call("stage")
        with e.when("first", first):
            call("capture")
            self._write_rings(e, keep, R)
            rest = e.do(f"urem i64 {step}, %steps_per_save")
            with e.when("save", e.do(f"icmp eq i64 {rest}, 0")):
                number = e.do(f"udiv i64 {step}, %steps_per_save")
                out = e.offset(saved, number, self.outputs * width)
                call("save", out)
                self._flag(e, keep, out, flags, number)
            e.exit_if("ended", e.do(f"icmp eq i64 {step}, %last"), "block_next")
        self._combine(e, keep, first, weight, following)
        e.next("stage")
        self._finish(e, keep)
        e.next("step")
        e.next("block")
        return _function("advance", ADVANCE, e)

    def _time_values(self, e: Loops, place: str) -> str:
        """Where the time-only values of a time point begin."""
        T = e.offset("%T", e.do(f"udiv i64 {place}, {self.width}"), self.layout.times * self.width, "double")
        return e.offset(T, e.do(f"urem i64 {place}, {self.width}"), 1, "double")

    def _emit(self, form: Format | None = None) -> Loops:
        e = Loops(self.width, splat=self.splat, form=form or self.format)
        e.label("entry")
        return e

    def _call(self, e: Loops, name: str, *arguments: str) -> None:
        kinds = ["ptr"] * len(POINTERS) + ["double", "double", "i64"]
        text = ", ".join(f"{kind} {value}" for kind, value in zip(kinds, arguments, strict=True))
        e.line(f"call void @{name}({text})")

    def _copy(self, e: Loops, name: str, source: str, target: str, count: int) -> None:
        if count:
            i = e.loop(name, "0", str(count))
            e.store(e.load(e.offset(source, i, self.width), 0), e.offset(target, i, self.width), 0)
            e.next(name)

    def _combine(self, e: Loops, keep: str, first: str, weight: str, following: str) -> None:
        """Add the slopes to their weighted sums and move the states to the next stage's."""
        layout, width = self.layout, self.width
        if not layout.states:
            return
        w, h = e.broadcast(weight), e.broadcast(following)
        i = e.loop("combine", "0", str(layout.states), by=4)
        moved = e.offset("%scratch", i, width)
        state = e.offset(keep, i, width)
        for k in range(4):
            slope = e.load(moved, layout.slopes + k)
            weighted = e.mul(w, slope)
            added = e.add(e.load(moved, layout.sums + k), weighted)
            total = e.do(f"select i1 {first}, {e.double} {weighted}, {e.double} {added}")
            e.store(total, moved, layout.sums + k)
            e.store(e.add(e.load(state, k), e.mul(h, slope)), moved, k)
        e.next("combine")

    def _finish(self, e: Loops, keep: str) -> None:
        """Take the step: integrated states by the weighted slopes, held states by their next values."""
        layout, width, zero = self.layout, self.width, e.const(0.0)
        if layout.states:
            share = e.broadcast("%share")
            i = e.loop("finish", "0", str(layout.states), by=4)
            moved, state = e.offset("%scratch", i, width), e.offset(keep, i, width)
            for k in range(4):
                value = e.add(e.load(state, k), e.mul(share, e.load(moved, layout.sums + k)))
                e.store(value, moved, k)
                e.store(value, state, k)
            e.next("finish")
        if self.limited:
            i = e.loop("limit", str(self.integrated - self.limited), str(self.integrated))
            state = e.offset(keep, i, width)
            value = e.load(state, 0)
            value = e.select(e.compare("olt", value, zero), zero, value)
            e.store(value, state, 0)
            e.store(value, e.offset("%scratch", i, width), 0)
            e.next("limit")
        held = e.offset(keep, str(layout.states), width)
        self._copy(e, "hold", e.offset("%scratch", str(layout.next), width), held, layout.held)

    def _write_rings(self, e: Loops, keep: str, R: str) -> None:
        for number, ring in enumerate(self.plan.rings):
            write_ring(e, keep, R, self.layout.rings[ring], e.load("%scratch", self.layout.inputs + number))

    def _flag(self, e: Loops, keep: str, out: str, flags: str, number: str) -> None:
        """Note the first save at which a state or an output is not finite: x - x is then not 0."""
        e.store(e.const(0.0), "%check", 0)
        held = e.offset(keep, str(self.layout.states), self.width)
        for name, base, count in (
            ("o", out, self.outputs),
            ("s", keep, self.integrated),
            ("h", held, self.layout.held),
        ):
            if count:
                i = e.loop(f"check_{name}", "0", str(count))
                value = e.load(e.offset(base, i, self.width), 0)
                e.store(e.add(e.load("%check", 0), e.sub(value, value)), "%check", 0)
                e.next(f"check_{name}")
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

    def scalar(self, pointer: str, index: int) -> str:
        address = self.do(f"getelementptr inbounds double, ptr {pointer}, i64 {index}")
        return self.do(f"load double, ptr {address}, align 8")


class _When:
    def __init__(self, e: Loops, name: str, condition: str):
        self.e, self.name, self.condition = e, name, condition

    def __enter__(self) -> None:
        self.e.line(f"br i1 {self.condition}, label %{self.name}_then, label %{self.name}_else")
        self.e.label(f"{self.name}_then")

    def __exit__(self, *_: object) -> None:
        self.e.line(f"br label %{self.name}_else")
        self.e.label(f"{self.name}_else")


def _function(name: str, head: str, e: Loops) -> list[str]:
    entry, *body = e.lines
    check = f"  %check = alloca {e.double}, align {e.alignment}"
    return [f"define void @{name}({head}) {{", entry, check, *body, "  ret void", "}", ""]
