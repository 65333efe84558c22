"""A program as a function of time and states: rates and variables at a point, and where time makes them jump."""

from __future__ import annotations

from dataclasses import replace

from alliance_dynamics.kernel.program import GraphBuilder, Op, Program
from alliance_dynamics.kernel.segments import segments
from alliance_dynamics.model.expression import Table

JUMPING = ("lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not", "floor", "trunc")
BENDING = {"min": "lt", "max": "lt"}


def starting(program: Program) -> Program:
    """The same program with every state and frozen value among its outputs, as `state i` and `frozen i`."""
    step, outputs = list(program.step), {}
    for kind, count, level in (("state", len(program.states), 3), ("frozen", len(program.frozen), 1)):
        for i in range(count):
            outputs[f"{kind} {i}"] = len(step)
            step.append(Op(kind, (), i, level))
    return replace(program, step=tuple(step), outputs=outputs)


def pointwise(program: Program) -> Program:
    """A program without states: time, states and frozen values are parameters after those of the model.

    Parameters: those of `program`, `time`, `state i`, `frozen i`.  Outputs: those of `program`, `rate i` of every
    integrated state, and `event k`: values that change exactly where time alone makes something jump or bend.
    """
    first = len(program.parameters)
    columns = ["now"] + [f"state {i}" for i in range(len(program.states))]
    columns += [f"frozen {i}" for i in range(len(program.frozen))]
    at = {"time": lambda _: first, "steptime": lambda _: first, "state": lambda i: first + 1 + i,
          "frozen": lambda i: first + 1 + len(program.states) + i}  # fmt: skip
    builder = GraphBuilder()
    new: list[int] = []
    timed, moved, by_time = set[int](), set[int](), set[int]()
    events: dict[int, None] = {}
    for op in program.step:
        args = tuple(new[a] for a in op.args)
        if op.kind in at:
            index = builder.op("param", value=at[op.kind](op.value))
        else:
            index = builder.op(op.kind, *args, value=op.value)
        new.append(index)
        if op.kind in ("time", "steptime") or any(a in timed for a in args):
            timed.add(index)
        if op.kind == "state" or any(a in moved for a in args):
            moved.add(index)
        if index in timed and index not in moved:
            by_time.add(index)
        if found := _event(builder, op, args, index, by_time):
            events[found] = None
    outputs = {name: new[i] for name, i in program.outputs.items()}
    outputs |= {f"rate {i}": new[state.rate] for i, state in enumerate(program.states)}
    outputs |= {f"event {k}": index for k, index in enumerate(events)}
    return Program((), tuple(builder.ops), (*program.parameters, *columns),
                   (*program.defaults, *[0.0] * len(columns)), (), (), (), outputs)  # fmt: skip


def _event(builder: GraphBuilder, op: Op, args: tuple[int, ...], index: int, by_time: set[int]) -> int | None:
    """What changes where an operation on time alone jumps or bends; None where it does neither."""
    if op.kind == "select" and args[0] in by_time:
        return builder.op("ne", args[0], builder.const(0.0))
    if index not in by_time:
        return None
    if op.kind in JUMPING:
        return index
    if op.kind in BENDING:
        return builder.op(BENDING[op.kind], *args)
    if op.kind == "abs":
        return builder.op("lt", args[0], builder.const(0.0))
    if op.kind == "mod":
        return builder.op("trunc", builder.op("div", *args))
    if op.kind == "lookup" and isinstance(op.value, Table):
        found = segments(op.value)
        breaks = sorted({*map(float, found.breaks), *(each for each in (found.low, found.high) if abs(each) < 1e300)})
        if breaks:
            places = Table((breaks[0] - 1.0, *breaks), tuple(map(float, range(len(breaks) + 1))), "discrete")
            return builder.op("lookup", args[0], value=places)
    return None
