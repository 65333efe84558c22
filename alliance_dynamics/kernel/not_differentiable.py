"""What has no derivative, refused by name: times of events, lengths of fixed delays, stocks limited to 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alliance_dynamics.errors import UsageError, fault
from alliance_dynamics.kernel.optimise import JUMPS, table_jumps
from alliance_dynamics.kernel.plan import Plan
from alliance_dynamics.kernel.program import Op, Program


def refuse(program: Program, names: Sequence[str], planned: Plan) -> None:
    """Refuse directions that move the time of an event or the length of a fixed delay, and limited stocks."""
    columns = {program.parameter_index[name]: name for name in names}
    start = _reached(program.start, columns, [])
    lengths = {name for r in planned.rings for name in start[program.rings[r].length].directions}
    step = _reached(program.step, columns, [start[root].directions for root in program.frozen])
    live = sorted(i for indices in planned.groups.values() for i in indices)
    events = {name for i in live if _jumps(program.step[i]) and step[i].times for name in step[i].directions}
    limited = [program.states[s].name for s in planned.integrated if program.states[s].non_negative]
    faults = [
        fault("", template, name=name)
        for template, found in (
            ("there are no derivatives by `{name}`: it sets the length of a fixed delay", sorted(lengths)),
            ("there are no derivatives by `{name}`: it sets the time of an event", sorted(events)),
            ("there are no derivatives through `{name}`: it is limited to 0 from below", limited),
        )
        for name in found
    ]
    if faults:
        raise UsageError(faults)


def _jumps(op: Op) -> bool:
    return table_jumps(op) or (op.kind in JUMPS and op.kind not in ("and", "or", "not"))


@dataclass(frozen=True, slots=True)
class _Reach:
    """What an operation depends on: directions and time, except through states; `times`: on time and on no state."""

    directions: frozenset[str]
    time: bool = False
    states: bool = False

    @property
    def times(self) -> bool:
        return self.time and not self.states


def _reached(ops: Sequence[Op], columns: dict[int, str], frozen: Sequence[frozenset[str]]) -> list[_Reach]:
    none: frozenset[str] = frozenset()
    found: list[_Reach] = []
    for op in ops:
        match op.kind, op.value:
            case "param", int(column):
                found.append(_Reach(frozenset({columns[column]}) if column in columns else none))
            case "frozen", int(number):
                found.append(_Reach(frozen[number]))
            case "time" | "steptime", _:
                found.append(_Reach(none, time=True))
            case "state" | "ring" | "random", _:
                found.append(_Reach(none, states=True))
            case _:
                parts = [found[a] for a in op.args]
                moved = none.union(*(each.directions for each in parts))
                found.append(_Reach(moved, any(each.time for each in parts), any(each.states for each in parts)))
    return found
