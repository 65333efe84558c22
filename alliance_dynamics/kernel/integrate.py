"""Fixed-step integration: schedules, methods, and the compiled kernel that a program becomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.errors import UsageError, fault, suggestion
from alliance_dynamics.kernel.program import Program

if TYPE_CHECKING:
    from alliance_dynamics.kernel.plan import Plan
    from alliance_dynamics.kernel.tangents import Jacobian

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Method:
    """An explicit Runge-Kutta method in which each stage uses the slope of the stage before it only.

    `nodes`: stage times as fractions of dt, equal to the fractions of the slope before.  The step adds
    dt / `divisor` * sum of `weights` * slopes.
    """

    name: str
    nodes: tuple[float, ...]
    weights: tuple[float, ...]
    divisor: float

    @property
    def points(self) -> tuple[float, ...]:
        """The distinct stage times, as fractions of dt."""
        return tuple(dict.fromkeys(self.nodes))


METHODS = {
    "euler": Method("euler", (0.0,), (1.0,), 1.0),
    "rk2": Method("rk2", (0.0, 1.0), (1.0, 1.0), 2.0),  # Heun's, the rule that XMILE and Stella give
    "rk4": Method("rk4", (0.0, 0.5, 0.5, 1.0), (1.0, 2.0, 2.0, 1.0), 6.0),
}


@dataclass(frozen=True, slots=True)
class Schedule:
    """Times of a run: step k begins at start + k * dt; every `steps_per_save`-th beginning is saved, the first too."""

    start: float
    dt: float
    steps: int
    steps_per_save: int = 1

    def __post_init__(self) -> None:
        if not (np.isfinite(self.start) and np.isfinite(self.dt) and self.dt > 0):
            raise UsageError(
                fault(
                    "",
                    "a run from {start} with steps of {dt} cannot be made",
                    expected="Expected a finite start and a step above 0.",
                    start=self.start,
                    dt=self.dt,
                )
            )
        if self.steps < 0 or self.steps_per_save < 1:
            raise UsageError(
                fault(
                    "",
                    "{steps} steps, saved every {every} steps, cannot be run",
                    expected="Expected 0 or more steps and a save every 1 or more steps.",
                    steps=self.steps,
                    every=self.steps_per_save,
                )
            )

    @property
    def saves(self) -> int:
        return self.steps // self.steps_per_save + 1

    @property
    def times(self) -> Array:
        """The times of the saves, (saves,)."""
        return np.asarray(self.start + np.arange(0, self.steps + 1, self.steps_per_save) * self.dt, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Trajectories:
    """`values` (runs, saves, outputs); `failed` (runs,): the first save with a non-finite state or output, or -1.

    Values are kept as they came, also from that save on.
    """

    values: Array
    failed: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Task:
    """What a back-end runs: `parameters` (runs, parameters of the program) and everything that is the same for all."""

    parameters: Array
    schedule: Schedule
    method: Method
    seed: int
    first_run: int
    threads: int


@dataclass(frozen=True)
class Kernel:
    """A compiled program: arrays in, arrays out; holds nothing between runs.

    `notices` says in English what was chosen for the user.
    """

    program: Program
    outputs: tuple[str, ...]
    backend: str
    notices: tuple[str, ...]
    vary: frozenset[str] | None = None
    precision: str = "double"
    execute: Callable[[Task], Trajectories] = field(repr=False, default=lambda task: _no_backend())
    write: Callable[[], str] = field(repr=False, default=lambda: "")

    @property
    def source(self) -> str:
        """The LLVM text; empty for the NumPy back-end."""
        return self.write()

    def run(
        self,
        parameters: Array,
        schedule: Schedule,
        *,
        method: str = "rk4",
        seed: int = 0,
        first_run: int = 0,
        threads: int = 1,
    ) -> Trajectories:
        """Run every row of `parameters` (runs, parameters), in model units, in the order of `program.parameters`.

        Run i draws its noise from (seed, first_run + i).  Refused: another shape, non-finite parameters, a change of a
        parameter outside `vary`, an unknown method.
        """
        parameters = np.ascontiguousarray(parameters, dtype=np.float64)
        self._check(parameters, method, seed, first_run, threads)
        return self.execute(Task(parameters, schedule, METHODS[method], seed, first_run, threads))

    def jacobian(
        self,
        parameters: Array,
        schedule: Schedule,
        directions: Sequence[str | Sequence[str]],
        *,
        method: str = "rk4",
        seed: int = 0,
        first_run: int = 0,
        threads: int = 1,
    ) -> Jacobian:
        """Values (runs, saves, outputs) and their derivatives (runs, saves, outputs, directions), as `run` has them.

        A direction is a parameter's name, or several that move together.  The derivatives are exact ones of the
        discrete solution; of MAX, MIN, IF THEN ELSE and tables those of the side taken (at a tie the first, at a knot
        the right one).  Refused by name: unknown parameters, those outside `vary`, the times of the run, times of
        events (STEP, PULSE, RAMP), lengths of fixed delays, stocks limited to 0.
        """
        from alliance_dynamics.kernel.tangents import jacobian

        if self.precision != "double":
            raise UsageError(fault("", "there are no derivatives in single precision",
                                   remedy="Compute it in double precision."))  # fmt: skip
        parameters = np.ascontiguousarray(parameters, dtype=np.float64)
        self._check(parameters, method, seed, first_run, threads)
        return jacobian(
            self,
            parameters,
            schedule,
            directions,
            method=method,
            seed=seed,
            first_run=first_run,
            threads=threads,
        )

    def _check(self, parameters: Array, method: str, seed: int, first_run: int, threads: int) -> None:
        names = self.program.parameters
        if parameters.ndim != 2 or parameters.shape[1] != len(names):
            raise UsageError(
                fault(
                    "",
                    "the parameters have the shape {shape}",
                    expected="Expected one row for each run and {count} columns.",
                    shape=parameters.shape,
                    count=len(names),
                )
            )
        faults = []
        for column in np.flatnonzero(~np.isfinite(parameters).all(axis=0)):
            faults.append(
                fault("", "`{name}` is not a finite number in every run", name=names[column]),
            )
        if self.vary is not None:
            fixed = np.array([name not in self.vary for name in names], dtype=bool)
            moved = fixed & (parameters != np.array(self.program.defaults)).any(axis=0)
            for column in np.flatnonzero(moved):
                faults.append(
                    fault(
                        "",
                        "`{name}` was compiled as the constant {value}, and a run changes it",
                        remedy="Name it among the parameters to vary.",
                        name=names[column],
                        value=self.program.defaults[column],
                    )
                )
        if method not in METHODS:
            faults.append(
                fault(
                    "",
                    "`{method}` is not an integration method",
                    expected="Expected {known}.",
                    remedy=suggestion(method, METHODS),
                    method=method,
                    known=", ".join(METHODS),
                )
            )
        counts = {
            "the seed is {value}": (seed, 0),
            "the number of the first run is {value}": (first_run, 0),
            "the number of threads is {value}": (threads, 1),
        }
        for template, (value, least) in counts.items():
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
                faults.append(
                    fault("", template, expected="Expected a whole number, {least} or more.", value=value, least=least)
                )
        if faults:
            raise UsageError(faults)


def compile_kernel(
    program: Program,
    outputs: Sequence[str],
    *,
    backend: str = "auto",
    vary: Sequence[str] | None = None,
    precision: str = "double",
) -> Kernel:
    """The kernel that computes `outputs` (names of `program.outputs`) and nothing that they do not need.

    `vary` names the parameters that differ from their defaults in some run; None lets all differ.  `backend`: llvm,
    numpy, or auto, which takes LLVM where this machine has what it needs and says so in `notices` where it has not.
    `precision`: double, or single, twice as fast and good for about six digits, for screening; times, what depends on
    time alone, parameters and results are doubles either way.  Single precision needs LLVM and refuses by name fixed
    delays, random draws and tables that are read point by point.  Compiled kernels are remembered for the process.
    """
    faults = [
        fault(
            "",
            "`{name}` is not a variable of the model",
            remedy=suggestion(name, program.outputs),
            name=name,
        )
        for name in outputs
        if name not in program.outputs
    ]
    faults += [
        fault(
            "",
            "`{name}` is not a constant of the model",
            remedy=suggestion(name, program.parameters),
            name=name,
        )
        for name in vary or ()
        if name not in program.parameter_index
    ]
    if backend not in ("auto", "llvm", "numpy"):
        faults.append(
            fault("", "`{backend}` is not a back-end", expected="Expected auto, llvm or numpy.", backend=backend)
        )
    if precision not in ("double", "single"):
        faults.append(fault("", "`{name}` is not a precision", expected="Expected double or single.", name=precision))
    if faults:
        raise UsageError(faults)
    return _compile(_Order(program, tuple(outputs), backend, None if vary is None else frozenset(vary), precision))


class _Order:
    """The request for a kernel; equal where the program's hash and the wishes are."""

    def __init__(
        self, program: Program, outputs: tuple[str, ...], backend: str, vary: frozenset[str] | None, precision: str
    ):
        self.program = program
        self.key = (program.hash, outputs, backend, vary, precision)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Order) and self.key == other.key


@lru_cache(maxsize=64)
def _compile(order: _Order) -> Kernel:
    from alliance_dynamics.kernel import numpy_
    from alliance_dynamics.kernel.optimise import optimise
    from alliance_dynamics.kernel.plan import plan
    from alliance_dynamics.kernel.precision import NOTICE, PRECISIONS, refuse_single

    _, outputs, backend, vary, precision = order.key
    schedule = plan(optimise(order.program, vary), outputs)
    single = precision == "single"
    if single:
        refuse_single(schedule)
    notices: tuple[str, ...] = ()
    if backend != "numpy":
        from alliance_dynamics.kernel import jit

        obstacle = jit.obstacle()
        if obstacle and (backend == "llvm" or single):
            raise UsageError(fault("", "the LLVM back-end cannot be used: {why}", why=obstacle))
        if not obstacle:
            compiled = jit.compile_plan(schedule, form=PRECISIONS[precision])
            notices = (NOTICE,) if single else ()
            return Kernel(
                order.program, outputs, "llvm", notices, vary, precision, compiled.execute, lambda: compiled.source
            )
        notices = (f"The NumPy back-end is used, about 15 times slower: {obstacle}.",)
    if single:
        raise UsageError(
            fault("", "the NumPy back-end has no single precision", remedy="Compute it in double precision.")
        )
    return Kernel(order.program, outputs, "numpy", notices, vary, precision, numpy_.compile_plan(schedule))


def execute_with(backend: str, plan: Plan) -> Callable[[Task], Trajectories]:
    """The function that runs a plan on a back-end that is known to work here."""
    if backend == "numpy":
        from alliance_dynamics.kernel import numpy_

        return numpy_.compile_plan(plan)
    from alliance_dynamics.kernel import jit

    return jit.compile_plan(plan, alone=False).execute  # tangents are less alike than what they belong to


def _no_backend() -> Trajectories:
    raise TypeError("a kernel is made by compile_kernel")
