"""A program cut in two at an instant, so that runs with one past and many futures live through that past once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from alliance_dynamics.errors import UnsupportedError, fault
from alliance_dynamics.kernel.plan import plan
from alliance_dynamics.kernel.program import GraphBuilder, Op, Program


@dataclass(frozen=True)
class Continuation:
    """`before` has the outputs `memory`: states and values fixed at the start.  `after` starts from them: they are its
    last parameters, in that order, behind those of the program itself."""

    before: Program
    after: Program
    memory: tuple[str, ...]


def continuation(program: Program, outputs: Sequence[str]) -> Continuation:
    """The two parts of a program as far as `outputs` need it.

    A run of `before` saved at a time, and one of `after` from that time on with the memory saved there, give the bits
    of one run, where times are sums of steps without rounding (dt a power of two).  Refused: delays of fixed length
    and noise, whose memory is no state.
    """
    needed = plan(program, outputs)
    noisy = any(program.step[i].kind == "random" for group in needed.groups.values() for i in group)
    if needed.rings:
        raise UnsupportedError(fault("", "a run with delays of fixed length cannot be continued from its stocks"))
    if noisy:
        raise UnsupportedError(fault("", "a run with noise cannot be continued from its stocks"))
    kept = [("state", number) for number in (*needed.integrated, *needed.held)]
    kept += [("frozen", number) for number in needed.frozen]
    memory = tuple(f"{kind} {number} at the cut" for kind, number in kept)
    steps = list(program.step)
    places = {(op.kind, op.value): index for index, op in enumerate(steps) if op.kind in ("state", "frozen")}
    for each in kept:
        if each not in places:
            places[each] = len(steps)
            steps.append(Op(each[0], (), each[1], 3 if each[0] == "state" else 1))
    told = {name: places[each] for name, each in zip(memory, kept, strict=True)}
    before = replace(program, step=tuple(steps), outputs={**program.outputs, **told})
    return Continuation(before, _from_memory(program, kept, memory), memory)


def _from_memory(program: Program, kept: Sequence[tuple[str, int]], memory: tuple[str, ...]) -> Program:
    """The program whose start reads its states and fixed values from parameters of their own; others start at 0."""
    start = GraphBuilder()
    first = len(program.parameters)
    column = {each: start.op("param", value=first + place) for place, each in enumerate(kept)}
    nothing = start.const(0.0)
    return replace(
        program,
        start=tuple(start.ops),
        parameters=(*program.parameters, *memory),
        defaults=(*program.defaults, *[0.0] * len(memory)),
        states=tuple(replace(each, initial=column.get(("state", i), nothing)) for i, each in enumerate(program.states)),
        frozen=tuple(column.get(("frozen", i), nothing) for i in range(len(program.frozen))),
    )
