"""Compile a plan's LLVM text for this machine: which vectors its runs are made in, by their number."""

from __future__ import annotations

import platform
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING

from alliance_dynamics.kernel.elements import ElementSource, element_source, stage_cycles
from alliance_dynamics.kernel.formats import DOUBLE, Format
from alliance_dynamics.kernel.integrate import Task, Trajectories
from alliance_dynamics.kernel.layout import Layout
from alliance_dynamics.kernel.llvm import Source, source
from alliance_dynamics.kernel.machine_code import DIRECTION_FUNCTIONS, Code
from alliance_dynamics.kernel.plan import Plan
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.kernel.runner import Runner
from alliance_dynamics.kernel.single import SingleRunner

WIDEST = 8  # lanes of one run
FEW = 3  # runs, at most, that may be made one after the other
CROWDED = 2**16  # bytes of states of a vector of runs: more are not all near
FAR = 1.75  # how many times as long a stage then takes as is counted (measured: 1.6 to 2.2)
REGISTER = 64  # bytes of an AVX-512 register: runs that fit into half of one go into vectors of that width
TWICE = 64  # runs, at least, that go into vectors of twice the width: two streams of operations wait less
SMALL = 500  # operations, at most, of a model for which that is so: more do not fit the registers


if TYPE_CHECKING:
    from alliance_dynamics.kernel.direction_runs import DirectionRunner


@lru_cache(maxsize=1)
def obstacle() -> str:
    """Why LLVM cannot be used here, or an empty string."""
    try:
        import llvmlite.binding  # noqa: F401
    except (ImportError, OSError) as error:
        return f"llvmlite cannot be loaded ({error})"
    return "" if machine_width() else "this processor has no fused multiply-add"


def machine_width() -> int:
    """How many doubles a vector of this machine holds; 0 where it lacks what the kernels need."""
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features()
    if platform.machine().lower() in ("aarch64", "arm64"):
        return 2
    if not (features.get("fma") and features.get("avx2")):
        return 0
    return 8 if features.get("avx512f") and features.get("avx512dq") else 4


class Compiled:
    """Machine code of a plan, made when it is first needed; may be used from any thread, any number of times.

    One run fills the lanes with its own operations; two or three do so one after the other where that takes fewer
    cycles, as counted from the program alone, and any number of runs of a model whose states, for a vector of runs,
    would leave the nearest cache.  A few runs that leave half of the lanes idle take less time in vectors
    of half the width, many runs of a small model in vectors of twice the width.  The bits are the same in all ways.
    """

    def __init__(self, plan: Plan, width: int, level: int, form: Format = DOUBLE, *, alone: bool = True):
        self.plan, self.level, self.format = plan, level, form
        size = form.bits // 8
        self.width = width or machine_width() * 8 // size
        self.narrow = self.width // 2 if self.width * size == REGISTER and not width else self.width
        small = sum(map(len, plan.groups.values())) <= SMALL
        self.wide = 2 * self.width if small and not width else self.width
        own = Layout.for_runs(plan)
        self.crowded = alone and not width and 8 * self.width * (own.keep + own.scratch) > CROWDED
        self._runners: dict[int, Runner] = {}
        self._elements: ElementSource | None = None
        self._single: SingleRunner | None = None
        self._lock = Lock()

    @property
    def source(self) -> str:
        """The LLVM text."""
        return self._text(self.width).text

    def execute(self, task: Task) -> Trajectories:
        runs = len(task.parameters)
        if self.format == DOUBLE and self._one_by_one(runs):
            return self.single_runner().execute(task)
        width = self.narrow if runs <= self.narrow else self.wide if runs >= TWICE else self.width
        return self.runner(width).execute(task)

    def _one_by_one(self, runs: int) -> bool:
        if runs == 1:
            return True
        if runs <= FEW:
            return runs * self._single_source().cycles < stage_cycles(self.plan)
        return self.crowded and self.width * self._single_source().cycles < FAR * stage_cycles(self.plan)

    def runner(self, width: int) -> Runner:
        """The code for vectors of `width`, made if it is not there."""
        with self._lock:
            if width not in self._runners:
                text = self._text(width)
                self._runners[width] = Runner(self.plan, text, Code(text.text, text.width, self.level))
            return self._runners[width]

    def single_runner(self) -> SingleRunner:
        """The code for one run after the other, made if it is not there."""
        with self._lock:
            if self._single is None:
                text = self._single_source()
                self._single = SingleRunner(self.plan, text, Code(text.text, text.width, self.level))
            return self._single

    def _single_source(self) -> ElementSource:
        if self._elements is None:
            self._elements = element_source(self.plan, width=min(self.width, WIDEST), **_abilities())
        return self._elements

    def _text(self, width: int) -> Source:
        return source(self.plan, width=width, form=self.format, **_abilities())


def _abilities() -> dict[str, bool]:
    import llvmlite.binding as llvm

    return {"splat": llvm.llvm_version_info[0] >= 18, "permute": machine_width() == 8}


def compile_plan(plan: Plan, *, width: int = 0, level: int = 1, form: Format = DOUBLE, alone: bool = True) -> Compiled:
    """Compile for this machine.  `width` (2, 4, 8, 16) overrides that of vectors; it changes no bit of the results.

    `alone`: whether many runs may be made one after the other.
    """
    return Compiled(plan, width, level, form, alone=alone)


def compile_directions(planned: Plan, own: Program, outputs: int, *, width: int = 0) -> DirectionRunner:
    """Compile derivatives for this machine: a plan of `own` and one tangent of each of its `outputs`."""
    from alliance_dynamics.kernel.direction_runs import DirectionRunner
    from alliance_dynamics.kernel.directions import direction_source, halves

    values, along = halves(planned, own, outputs)
    text = direction_source(values, along, width=width or machine_width(), **_abilities())
    code = Code(text.text, text.width, 1, DIRECTION_FUNCTIONS)
    return DirectionRunner(values, text, code, len(own.parameters))
