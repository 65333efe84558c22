"""Where the values of a single run lie in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from alliance_dynamics.kernel.layout import Layout
from alliance_dynamics.kernel.plan import Plan

HELD_POSITIONS = 1 << 32  # held states lie beside no integrated one


@dataclass(frozen=True)
class Row:
    """Values that must be in memory, beside each other from `at` on, when their group is done."""

    lanes: tuple[int, ...]
    memory: str
    at: int


@dataclass(kw_only=True)
class Memory(Layout):
    """Where everything lies, in doubles.

    `integrated` says which state each slot holds, the last `limited` of them limited to 0 from below; unused slots
    repeat one.  `slots`: the place of each state among its kind.  `laid`: vectors of values that
    are the same in the whole run.  `columns`: the time-only operation of each double of a time point in T, `sources`
    the vector in which the kernel's `times` computes it, `times` how many of those there are.
    """

    width: int
    integrated: list[int]
    limited: int
    laid: dict[tuple[int, ...], int] = field(default_factory=dict)
    columns: list[int] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)
    slots: dict[int, int] = field(default_factory=dict)
    held_slots: frozenset[int] = frozenset()
    _timed: dict[tuple[int, ...], int] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: Plan, width: int, integrated: list[int], held: list[int]) -> Memory:
        rows = -(-len(integrated) // (4 * width)) * 4  # the driver takes four at a time
        limited = sum(plan.program.states[s].non_negative for s in integrated)
        memory = cls(rows * width, len(held), width=width, integrated=integrated, limited=limited)
        memory.reserve(plan)
        for slots in (integrated, held):
            for at, state in enumerate(slots):
                memory.slots.setdefault(state, at)
        memory.held_slots = frozenset(held)
        return memory

    def finish(self) -> None:
        """Whole vectors, and room for one that begins at the last double."""
        for memory in ("keep", "scratch"):
            self.take(memory, self.width)
            self.take(memory, 0, align=self.width)

    def position(self, state: object) -> int:
        """Neighbours in memory have neighbouring positions."""
        assert isinstance(state, int)
        return self.slots[state] + (HELD_POSITIONS if state in self.held_slots else 0)

    @property
    def held_at(self) -> int:
        return self.states

    def timed(self, lanes: tuple[int, ...]) -> int:
        """Where these time-only values lie beside each other in T."""
        if lanes not in self._timed:
            self._timed[lanes] = len(self.columns)
            self.columns += lanes
        return self._timed[lanes]
