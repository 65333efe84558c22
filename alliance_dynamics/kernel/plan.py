"""Decide what has to be computed at all, and how often: liveness and groups of a program's operations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alliance_dynamics.kernel.program import Op, Program

GROUPS = ("run", "time", "step", "stage", "capture", "save")


@dataclass(frozen=True)
class Plan:
    """Where each live operation of the step graph is computed.

    run: once per run.  time: run-independent, once per stage time.  step: once per run and step.  stage: once per run
    and stage.  capture: at the first stage, for held states and rings only.  save: at saves only, for outputs only.
    `groups` maps each name to operation indices in ascending order; constants are in no group.  `start` lists the live
    operations of the start graph.  `integrated` (non-negative ones last), `held` and `rings` index the program's.
    """

    program: Program
    outputs: tuple[int, ...]
    groups: dict[str, tuple[int, ...]]
    start: tuple[int, ...]
    integrated: tuple[int, ...]
    held: tuple[int, ...]
    rings: tuple[int, ...]
    frozen: tuple[int, ...]

    @property
    def non_negative(self) -> int:
        """How many of the last integrated states are limited to 0 from below."""
        return sum(self.program.states[s].non_negative for s in self.integrated)


def plan(program: Program, outputs: Sequence[str]) -> Plan:
    """Prune to what `outputs` need, through rates, initial values and rings, and group the rest."""
    wanted = tuple(program.outputs[name] for name in outputs)
    live, states, rings, frozen = _live(program, wanted)
    integrated = [s for s in sorted(states) if program.states[s].kind == "integrated"]
    integrated.sort(key=lambda s: program.states[s].non_negative)
    held = [s for s in sorted(states) if program.states[s].kind != "integrated"]
    rates = _closure(program.step, [program.states[s].rate for s in integrated])
    captured = [program.states[s].rate for s in held] + [program.rings[r].input for r in rings]
    captures = _closure(program.step, captured)
    groups: dict[str, list[int]] = {name: [] for name in GROUPS}
    classes = _classes(program)
    for index in sorted(live):
        op, group = program.step[index], classes[index]
        if op.kind == "const":
            continue
        if group in ("step", "stage") and index not in rates and op.kind not in ("ring", "random"):
            group = "capture" if index in captures else "save"
        groups[group].append(index)
    roots = [program.states[s].initial for s in states]
    roots += [i for r in rings for i in (program.rings[r].initial, program.rings[r].length)]
    roots += [program.frozen[f] for f in frozen]
    start = sorted(i for i in _closure(program.start, roots) if program.start[i].kind != "const")
    return Plan(
        program,
        wanted,
        {name: tuple(each) for name, each in groups.items()},
        tuple(start),
        tuple(integrated),
        tuple(held),
        tuple(sorted(rings)),
        tuple(sorted(frozen)),
    )


def _live(program: Program, wanted: Iterable[int]) -> tuple[set[int], set[int], set[int], set[int]]:
    live: set[int] = set()
    states: set[int] = set()
    rings: set[int] = set()
    frozen: set[int] = set()
    stack = list(wanted)
    while stack:
        index = stack.pop()
        if index in live:
            continue
        live.add(index)
        op = program.step[index]
        stack.extend(op.args)
        if op.kind not in ("state", "ring", "frozen"):
            continue
        number = _number(op)
        if op.kind == "state" and number not in states:
            states.add(number)
            stack.append(program.states[number].rate)
        elif op.kind == "ring" and number not in rings:
            rings.add(number)
            stack.append(program.rings[number].input)
        elif op.kind == "frozen":
            frozen.add(number)
    return live, states, rings, frozen


def _closure(ops: Sequence[Op], roots: Iterable[int]) -> set[int]:
    found: set[int] = set()
    stack = list(roots)
    while stack:
        index = stack.pop()
        if index not in found:
            found.add(index)
            stack.extend(ops[index].args)
    return found


def _classes(program: Program) -> list[str]:
    # bits: 1 per run, 2 time at the beginning of the step, 4 time of the stage, 8 held during a step, 16 integrated
    own = {"param": 1, "frozen": 1, "steptime": 2, "time": 4, "ring": 8, "random": 8}
    found: list[int] = []
    for op in program.step:
        bits = own.get(op.kind, 0)
        if op.kind == "state":
            bits = 16 if program.states[_number(op)].kind == "integrated" else 8
        for each in op.args:
            bits |= found[each]
        found.append(bits)
    return [_class(bits) for bits in found]


def _class(bits: int) -> str:
    if bits & 16:
        return "stage"
    if bits & 9 == 0:
        return "time" if bits & 6 else "run"
    if bits & 4:
        return "stage"
    return "step" if bits & 10 else "run"


def _number(op: Op) -> int:
    assert isinstance(op.value, int)
    return op.value
