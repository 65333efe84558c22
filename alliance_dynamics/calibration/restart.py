"""A program that can be started from any state at any time: what a later condition of an experiment needs."""

from __future__ import annotations

from dataclasses import dataclass, replace

from alliance_dynamics.kernel.program import Op, Program


@dataclass(frozen=True)
class Restart:
    """`first` is the program with its memory as outputs; `again` takes that memory as further parameters, in order."""

    first: Program
    again: Program
    memory: tuple[str, ...]


def restartable(program: Program) -> Restart:
    """Both forms of a program without delay rings (a ring holds a past that no state tells)."""
    if program.rings:
        raise ValueError("a program with delay rings cannot be restarted")
    names = [f"memory of {state.name}" for state in program.states]
    names += [f"frozen {i}" for i in range(len(program.frozen))]
    step = list(program.step)
    outputs = dict(program.outputs)
    for i, name in enumerate(names):
        states = len(program.states)
        outputs[name] = len(step)
        step.append(Op("state", (), i, 3) if i < states else Op("frozen", (), i - states, 1))
    first = replace(program, step=tuple(step), outputs=outputs)

    known = len(program.parameters)
    start = list(program.start)
    states = []
    for i, state in enumerate(program.states):
        states.append(replace(state, initial=len(start)))
        start.append(Op("param", (), known + i, 1))
    held = [
        Op("param", (), known + len(program.states) + int(op.value or 0), 1) if op.kind == "frozen" else op  # type: ignore[arg-type]
        for op in step
    ]
    again = replace(
        program,
        start=tuple(start),
        step=tuple(held),
        states=tuple(states),
        outputs=outputs,
        parameters=(*program.parameters, *names),
        defaults=(*program.defaults, *(0.0 for _ in names)),
    )
    return Restart(first, again, tuple(names))
