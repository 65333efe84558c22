"""Compile a plan's LLVM text for this machine and run it over blocks of runs, on as many threads as asked for."""

from __future__ import annotations

import ctypes
import platform
from functools import lru_cache
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.kernel import noise
from alliance_dynamics.kernel.driver import POINT_FIELDS
from alliance_dynamics.kernel.elements import ElementSource, element_source, stage_cycles
from alliance_dynamics.kernel.formats import DOUBLE, Format
from alliance_dynamics.kernel.integrate import Array, Task, Trajectories
from alliance_dynamics.kernel.llvm import Source, source
from alliance_dynamics.kernel.numpy_ import ring_slots
from alliance_dynamics.kernel.objects import load_object, object_key, save_object
from alliance_dynamics.kernel.plan import Plan
from alliance_dynamics.kernel.single import SingleRunner
from alliance_dynamics.kernel.threads import work_through

CHUNK_BYTES = 2**24  # outputs and kept values of the runs that one call computes
TIMES_BYTES = 2**25  # time-only values; longer runs are computed in parts
CHUNK_BLOCKS = 64
WIDEST = 8  # lanes of one run
FEW = 3  # runs, at most, that may be made one after the other
DOUBLES = np.dtype(np.float64)
REGISTER = 64  # bytes of an AVX-512 register: runs that fit into half of one go into vectors of that width
TWICE = 64  # runs, at least, that go into vectors of twice the width: two streams of operations wait less
SMALL = 500  # operations, at most, of a model for which that is so: more do not fit the registers


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
    cycles, as counted from the program alone.  A few runs that leave half of the lanes idle take less time in vectors
    of half the width, many runs of a small model in vectors of twice the width.  The bits are the same in all ways.
    """

    def __init__(self, plan: Plan, width: int, level: int, form: Format = DOUBLE):
        self.plan, self.level, self.format = plan, level, form
        size = form.bits // 8
        self.width = width or machine_width() * 8 // size
        self.narrow = self.width // 2 if self.width * size == REGISTER and not width else self.width
        small = sum(map(len, plan.groups.values())) <= SMALL
        self.wide = 2 * self.width if small and not width else self.width
        self._runners: dict[int, _Runner] = {}
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
        return runs == 1 or (runs <= FEW and runs * self._single_source().cycles < stage_cycles(self.plan))

    def runner(self, width: int) -> _Runner:
        """The code for vectors of `width`, made if it is not there."""
        with self._lock:
            if width not in self._runners:
                text = self._text(width)
                self._runners[width] = _Runner(self.plan, text, _Code(text, self.level))
            return self._runners[width]

    def single_runner(self) -> SingleRunner:
        """The code for one run after the other, made if it is not there."""
        with self._lock:
            if self._single is None:
                text = self._single_source()
                self._single = SingleRunner(self.plan, text, _Code(text, self.level))
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


def compile_plan(plan: Plan, *, width: int = 0, level: int = 1, form: Format = DOUBLE) -> Compiled:
    """Compile for this machine.  `width` (2, 4, 8, 16) overrides that of vectors; it changes no bit of the results."""
    return Compiled(plan, width, level, form)


class _Code:
    """The three functions of a kernel, and what must stay alive for them."""

    def __init__(self, text: Source | ElementSource, level: int):
        import llvmlite
        import llvmlite.binding as llvm

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        features = llvm.get_host_cpu_features().flatten() + (",-prefer-256-bit" if text.width >= 8 else "")
        processor = llvm.get_host_cpu_name()
        machine = llvm.Target.from_default_triple().create_target_machine(cpu=processor, features=features, opt=level)
        versions = (llvmlite.__version__, str(llvm.llvm_version_info), machine.triple)
        key = object_key(text.text, processor, features, str(level), *versions)
        kept = load_object(key)
        if kept is None:
            module = llvm.parse_assembly(text.text)
            module.verify()
            kept = machine.emit_object(module)
            save_object(key, kept)
        module = llvm.parse_assembly("")
        engine = llvm.create_mcjit_compiler(module, machine)
        engine.add_object_file(llvm.ObjectFileRef.from_data(kept))
        engine.finalize_object()
        self._alive: tuple[Any, ...] = (engine, module, machine)
        i, p, d = ctypes.c_int64, ctypes.c_void_p, ctypes.c_double
        kinds = {
            "prologue": (i, p, p, p, d),
            "times": (i, p, p, p),
            "advance": (i, *[p] * 7, *[i] * 8, d, d, d, p),
        }
        prototypes = {name: ctypes.CFUNCTYPE(None, *arguments) for name, arguments in kinds.items()}
        found = {name: make(engine.get_function_address(name)) for name, make in prototypes.items()}
        self.prologue, self.times, self.advance = (found[name] for name in kinds)


class _Runner:
    def __init__(self, plan: Plan, text: Source, code: _Code):
        self.plan, self.layout, self.width, self.code = plan, text.layout, text.width, code
        self.number = np.dtype(f"f{text.format.bits // 8}")
        self.whole = np.dtype(f"i{text.format.bits // 8}")

    def execute(self, task: Task) -> Trajectories:
        runs, saves = len(task.parameters), task.schedule.saves
        values = np.empty((runs, saves, len(self.plan.outputs)))
        failed = np.empty(runs, dtype=np.int64)
        blocks = -(-runs // self.width)
        per_block = 8 * self.width * (saves * len(self.plan.outputs) + self.layout.keep)
        chunk = int(np.clip(CHUNK_BYTES // per_block, 1, CHUNK_BLOCKS))
        chunk = max(1, min(chunk, -(-blocks // task.threads)))
        parts = self._parts(task)
        shared = self._times(task, *parts[0]) if len(parts) == 1 else None

        def work(first: int) -> None:
            part = slice(first * self.width, min((first + chunk) * self.width, runs))
            _Chunk(self, task, part).run(parts, shared, values[part], failed[part])

        work_through(range(0, blocks, chunk), work, task.threads)
        return Trajectories(values, failed)

    def last(self, task: Task) -> int:
        """The step of the last save."""
        return task.schedule.steps // task.schedule.steps_per_save * task.schedule.steps_per_save

    def _parts(self, task: Task) -> list[tuple[int, int]]:
        """Ranges of steps whose time-only values fit into memory."""
        end = self.last(task) + 1
        per_step = 8 * self.layout.times * len(task.method.points)
        size = max(1, TIMES_BYTES // per_step) if per_step else end
        return [(first, min(first + size, end)) for first in range(0, end, size)]

    def _times(self, task: Task, first: int, end: int) -> Array:
        """Time-only values at all stage times of the steps first <= k < end, by the kernel's own functions."""
        points, width = task.method.points, self.width
        count = -(-(end - first) * len(points) // width)
        times = _aligned(count, self.layout.times, width)
        if self.layout.times:
            begins = task.schedule.start + np.arange(first, end) * task.schedule.dt
            pairs = np.empty((count * width, 2))
            used = pairs[: len(begins) * len(points)].reshape(len(begins), len(points), 2)
            used[:, :, 0] = begins[:, np.newaxis] + np.array(points) * task.schedule.dt
            used[:, :, 1] = begins[:, np.newaxis]
            pairs[used.size // 2 :] = pairs[used.size // 2 - 1]
            lanes = _aligned(count, 2, width)
            lanes[:] = pairs.reshape(count, width, 2).transpose(0, 2, 1)
            unused = _aligned(1, 1, width)
            self.code.times(count, _address(lanes), _address(times), _address(unused))
        return times


class _Chunk:
    """The memory of some blocks of runs, and their way through all steps."""

    def __init__(self, runner: _Runner, task: Task, part: slice):
        self.runner, self.task = runner, task
        width, layout = runner.width, runner.layout
        rows = task.parameters[part]
        self.runs = len(rows)
        self.blocks = -(-self.runs // width)
        # the last block is filled up with its last run
        self.lanes = np.minimum(np.arange(self.blocks * width), self.runs - 1)
        used = rows[self.lanes][:, list(layout.parameters)]
        self.parameters = _aligned(self.blocks, len(layout.parameters), width, runner.number)
        with np.errstate(over="ignore"):  # what is infinite in single precision makes its run fail
            self.parameters[:] = used.reshape(self.blocks, width, -1).transpose(0, 2, 1)
        self.keep = _aligned(self.blocks, layout.keep, width, runner.number)
        self.scratch = _aligned(1, layout.scratch, width, runner.number)
        # the padding between states is read and written, and must stay finite
        self.keep[:] = 0.0
        self.scratch[:] = 0.0
        self.first_run = task.first_run + (part.start or 0)

    def run(self, parts: list[tuple[int, int]], shared: Array | None, values: Array, failed: NDArray[np.int64]) -> None:
        runner, task, width = self.runner, self.task, self.runner.width
        schedule, method = task.schedule, task.method
        columns = len(runner.plan.outputs)
        runner.code.prologue(
            self.blocks, _address(self.parameters), _address(self.keep), _address(self.scratch), schedule.start
        )
        rings = self._fill_rings()
        self._fill_keys()
        out = _aligned(self.blocks, schedule.saves * columns, width, runner.number)
        flags = _aligned(self.blocks, 1, width, runner.number).view(runner.whole)
        flags[:] = -1
        table = _stages(task)
        for first, end in parts:
            times = shared if shared is not None else runner._times(task, first, end)
            runner.code.advance(
                self.blocks,
                *map(_address, (self.parameters, self.keep, self.scratch, times, rings, out, flags)),
                rings.shape[1],
                schedule.saves,
                first,
                end,
                runner.last(task),
                schedule.steps_per_save,
                len(method.nodes),
                len(method.points),
                schedule.start,
                schedule.dt,
                schedule.dt / method.divisor,
                _address(table),
            )
        ordered = out.reshape(self.blocks, schedule.saves, columns, width).transpose(0, 3, 1, 2)
        for block in range(self.blocks):
            rows = values[block * width : (block + 1) * width]
            rows[:] = ordered[block, : len(rows)]
        failed[:] = flags.reshape(-1)[: self.runs]

    def _fill_rings(self) -> Array:
        """Rings of this chunk, each as long as its longest run needs, filled with their initial values."""
        layout, width = self.runner.layout, self.runner.width
        whole = self.keep.view(np.int64)
        slots = {r: ring_slots(self.keep[:, length], self.task.schedule) for r, (_, length) in layout.fills.items()}
        sizes = {r: int(each.max()) for r, each in slots.items()}
        rings = _aligned(self.blocks, sum(sizes.values()), width, self.runner.number)
        base = 0
        for ring, (initial, length) in layout.fills.items():
            fill = np.where(self.keep[:, length] >= 0, self.keep[:, initial], np.nan)
            rings[:, base : base + sizes[ring]] = fill[:, np.newaxis]
            first = layout.rings[ring]
            whole[:, first] = base * width + np.arange(width)
            whole[:, first + 1] = 0
            whole[:, first + 2] = slots[ring]
            base += sizes[ring]
        return rings

    def _fill_keys(self) -> None:
        whole = self.keep.view(np.uint64)
        for index, slot in self.runner.layout.keys.items():
            draw = self.runner.plan.program.step[index].value
            assert isinstance(draw, int)
            found = noise.keys(self.task.seed, self.first_run + self.lanes, draw)
            whole[:, slot] = found.reshape(self.blocks, self.runner.width)


def _stages(task: Task) -> Array:
    method, dt = task.method, task.schedule.dt
    table = np.zeros((len(method.nodes), POINT_FIELDS))
    for number, node in enumerate(method.nodes):
        following = method.nodes[number + 1] if number + 1 < len(method.nodes) else 0.0
        table[number] = node * dt, method.weights[number], following * dt, method.points.index(node)
    return table


def _aligned(blocks: int, vectors: int, width: int, number: np.dtype[Any] = DOUBLES) -> NDArray[Any]:
    """An empty array (blocks, vectors, width) that begins at a multiple of 64 bytes; never without memory."""
    count = blocks * vectors * width
    raw = np.empty(count + (64 + 8 * width) // number.itemsize, number)
    skip = -raw.ctypes.data % 64 // number.itemsize
    return raw[skip : skip + count].reshape(blocks, vectors, width)


def _address(array: NDArray[Any]) -> int:
    return array.ctypes.data
