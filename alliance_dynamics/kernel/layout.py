"""Where the values of a run lie in the memory of a kernel."""

from __future__ import annotations

from dataclasses import dataclass, field

from alliance_dynamics.kernel.plan import GROUPS, Plan


@dataclass
class Layout:
    """Numbers of vectors: where each part of a block's memory begins."""

    states: int  # integrated states, padded to a multiple of 4
    held: int
    keep: int = 0
    scratch: int = 0
    times: int = 0
    partials: int = 0  # of one stage, see `directions.py`
    fills: dict[int, tuple[int, int]] = field(default_factory=dict)  # ring -> (initial, length)
    rings: dict[int, int] = field(default_factory=dict)  # ring -> first of (base, position, slots)
    keys: dict[int, int] = field(default_factory=dict)  # random operation -> key
    frozen: dict[int, int] = field(default_factory=dict)
    parameters: dict[int, int] = field(default_factory=dict)  # column -> vector of P

    @classmethod
    def for_runs(cls, plan: Plan) -> Layout:
        """That of vectors of runs."""
        layout = cls(-(-len(plan.integrated) // 4) * 4, len(plan.held))
        layout.reserve(plan)
        return layout

    def reserve(self, plan: Plan) -> None:
        """Takes what every run of a plan needs: states, rings, keys of random draws, frozen values, parameters."""
        self.take("keep", self.states + self.held)
        self.take("scratch", self.inputs + len(plan.rings))
        for ring in plan.rings:
            self.fills[ring] = (self.take("keep"), self.take("keep"))
            self.rings[ring] = self.take("keep", 3)
        for index in plan.groups["step"]:
            if plan.program.step[index].kind == "random":
                self.keys[index] = self.take("keep")
        for each in plan.frozen:
            self.frozen[each] = self.take("keep")
        live = [plan.program.start[i] for i in plan.start]
        live += [plan.program.step[i] for group in GROUPS for i in plan.groups[group]]
        for column in sorted({op.integer for op in live if op.kind == "param"}):
            self.parameters[column] = len(self.parameters)

    def take(self, memory: str, count: int = 1, *, align: int = 1) -> int:
        first = -(-getattr(self, memory) // align) * align
        setattr(self, memory, first + count)
        return first

    # scratch: moved states, slopes, sums of slopes, next held values, ring inputs
    @property
    def slopes(self) -> int:
        return self.states

    @property
    def sums(self) -> int:
        return 2 * self.states

    @property
    def next(self) -> int:
        return 3 * self.states

    @property
    def inputs(self) -> int:
        return 3 * self.states + self.held
