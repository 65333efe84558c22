"""A program: straight-line scalar operations in static single assignment, the form that every back-end runs.

An operation's arguments are indices of earlier operations.  `level` says how often it must be computed: 0 constant,
1 once per run (parameters), 2 once per step and run-independent (time only), 3 per stage (states, or time with
parameters).  The same value is never written twice (value numbering while building).
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from alliance_dynamics.model.expression import Table

# kind            args            value            meaning
# const           -               float
# param           -               int index        column of the parameter array
# time            -               -                time of the stage
# steptime        -               -                time at the beginning of the step (test inputs, data)
# state           -               int index        integrated or held state
# frozen          -               int index        value computed once at the start of the run (INITIAL)
# ring            -               int index        oldest entry of a delay ring at the beginning of the step
# random          -               int index        uniform in (0, 1), drawn once a step from (seed, run, index, step)
# lookup          x               Table
# add sub mul div neg min max abs exp log pow sqrt sin cos tan asin acos atan sinh cosh tanh floor trunc mod
# eq ne lt le gt ge and or not    -                1.0 or 0.0
# powers          x y u v         -                x^y * u^v, by one exponential where x and u are positive
# select          condition a b   -                a where the condition is not 0, else b; the arm not taken may be NaN
ARITY = {
    **dict.fromkeys(("const", "param", "time", "steptime", "state", "frozen", "ring", "random"), 0),
    **dict.fromkeys(("neg", "abs", "exp", "log", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan"), 1),
    **dict.fromkeys(("sinh", "cosh", "tanh", "floor", "trunc", "not", "lookup"), 1),
    **dict.fromkeys(("add", "sub", "mul", "div", "min", "max", "pow", "mod"), 2),
    **dict.fromkeys(("eq", "ne", "lt", "le", "gt", "ge", "and", "or"), 2),
    "select": 3,
    "powers": 4,
}
LEVELS = {"const": 0, "param": 1, "frozen": 1, "time": 2, "steptime": 2, "state": 3, "ring": 3, "random": 3}


@dataclass(frozen=True, slots=True)
class Op:
    kind: str
    args: tuple[int, ...] = ()
    value: float | int | Table | None = None
    level: int = 0

    @property
    def integer(self) -> int:
        """The value of an operation that counts or points: a column, a state, a ring."""
        assert isinstance(self.value, int)
        return self.value

    @property
    def number(self) -> float:
        """The value of an operation that holds a number."""
        assert isinstance(self.value, (int, float))
        return float(self.value)


@dataclass(frozen=True, slots=True)
class State:
    """A stock or the memory of a function.

    `kind`: integrated (`rate` is d/dt), held (`rate` is the next value, taken on at the end of the step from the values
    at its beginning).  `initial` indexes the initial graph, `rate` the step graph.
    """

    name: str
    kind: str
    initial: int
    rate: int
    non_negative: bool = False


@dataclass(frozen=True, slots=True)
class Ring:
    """DELAY FIXED: `initial` and `length` (time units) index the initial graph, `input` the step graph."""

    name: str
    initial: int
    length: int
    input: int


@dataclass(frozen=True)
class Program:
    """Two graphs over one parameter vector.

    `start` computes frozen values, initial states and ring fills at the start time (its `frozen` operations refer to
    entries of lower index only; it holds no state, ring or random operation).  `step` computes rates, ring inputs and
    outputs from states and time.  `parameters` names each flattened constant, with its default; the control constants
    initial_time, final_time, time_step and saveper are among them where the model has them.  `outputs` maps a flat name
    (`name` or `name[a,b]`) to an operation of `step`; all variables that have a value are there.
    """

    start: tuple[Op, ...]
    step: tuple[Op, ...]
    parameters: tuple[str, ...]
    defaults: tuple[float, ...]
    states: tuple[State, ...]
    rings: tuple[Ring, ...]
    frozen: tuple[int, ...]
    outputs: Mapping[str, int]

    @cached_property
    def hash(self) -> str:
        """SHA-256 over the canonical text of the program."""
        return hashlib.sha256(json.dumps(to_json(self), separators=(",", ":")).encode()).hexdigest()

    @cached_property
    def parameter_index(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.parameters)}


class GraphBuilder:
    """Appends operations, giving the same index to the same operation."""

    COMMUTATIVE = frozenset({"add", "mul", "eq", "ne", "and", "or"})

    def __init__(self) -> None:
        self.ops: list[Op] = []
        self._known: dict[tuple[Any, ...], int] = {}

    def op(self, kind: str, *args: int, value: float | int | Table | None = None) -> int:
        if len(args) != ARITY[kind]:
            raise ValueError(f"{kind} takes {ARITY[kind]} arguments, got {len(args)}")
        if kind in self.COMMUTATIVE:
            args = tuple(sorted(args))
        bits = struct.pack("<d", value) if isinstance(value, float) else value
        key = (kind, args, bits)
        found = self._known.get(key)
        if found is None:
            level = LEVELS.get(kind, max((self.ops[a].level for a in args), default=0))
            if level == 2 and any(self.ops[a].level == 1 for a in args):
                level = 3
            found = self._known[key] = len(self.ops)
            self.ops.append(Op(kind, args, value, level))
        return found

    def const(self, value: float) -> int:
        return self.op("const", value=float(value))


def to_json(program: Program) -> dict[str, Any]:
    return {
        "start": [_op_to_json(op) for op in program.start],
        "step": [_op_to_json(op) for op in program.step],
        "parameters": list(program.parameters),
        "defaults": [value.hex() for value in program.defaults],
        "states": [[s.name, s.kind, s.initial, s.rate, s.non_negative] for s in program.states],
        "rings": [[r.name, r.initial, r.length, r.input] for r in program.rings],
        "frozen": list(program.frozen),
        "outputs": [[name, index] for name, index in program.outputs.items()],
    }


def from_json(content: dict[str, Any]) -> Program:
    return Program(
        tuple(_op_from_json(each) for each in content["start"]),
        tuple(_op_from_json(each) for each in content["step"]),
        tuple(content["parameters"]),
        tuple(float.fromhex(each) for each in content["defaults"]),
        tuple(State(*each) for each in content["states"]),
        tuple(Ring(*each) for each in content["rings"]),
        tuple(content["frozen"]),
        dict(content["outputs"]),
    )


def _op_to_json(op: Op) -> list[Any]:
    value: Any = op.value
    if isinstance(value, Table):
        value = [[x.hex() for x in value.x], [y.hex() for y in value.y], value.interpolation]
    elif isinstance(value, float):
        value = value.hex()
    return [op.kind, list(op.args), value, op.level]


def _op_from_json(entry: list[Any]) -> Op:
    kind, args, value, level = entry
    if isinstance(value, list):
        value = Table(tuple(map(float.fromhex, value[0])), tuple(map(float.fromhex, value[1])), value[2])
    elif isinstance(value, str):
        value = float.fromhex(value)
    return Op(kind, tuple(args), value, level)
