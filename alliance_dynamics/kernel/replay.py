"""Repeat one failed run alone, checking every stage, to name the variable that went wrong first and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from alliance_dynamics.kernel.integrate import METHODS, Array, Schedule
from alliance_dynamics.kernel.numpy_ import Calls, Lanes
from alliance_dynamics.kernel.optimise import resolve_frozen
from alliance_dynamics.kernel.plan import plan
from alliance_dynamics.kernel.program import Op, Program

NAMED_INPUTS = 8  # at most so many are told


@dataclass(frozen=True, slots=True)
class Failure:
    """The first variable that became non-finite: when, what, and the named values that it was computed from.

    `step` counts from 0; `time` is the time of the stage, in the model's units.
    """

    time: float
    step: int
    name: str
    value: float
    arguments: tuple[tuple[str, float], ...]


def replay(
    program: Program,
    parameters: Array,
    schedule: Schedule,
    *,
    method: str = "rk4",
    seed: int = 0,
    run: int = 0,
    outputs: Sequence[str] | None = None,
) -> Failure | None:
    """Run one row of parameters (parameters,) in the reference back-end until a value that matters is not finite.

    What matters are the states that `outputs` need (None: all outputs), their slopes, and at saves the outputs.  The
    program is taken as it is written, not optimised, so that every variable still has its name.
    """
    program = resolve_frozen(program)
    chosen = list(program.outputs) if outputs is None else list(outputs)
    rule = METHODS[method]
    with np.errstate(all="ignore"):
        lanes = Lanes(plan(program, chosen), np.asarray(parameters, float)[np.newaxis], schedule, seed, run)
        names = _Names(program, lanes, chosen)
        found = names.start()
        step, save = 0, schedule.steps_per_save
        while found is None:
            lanes.begin(step)
            lanes.stage(0, 0.0)
            if step % save == 0:
                lanes.save(np.empty((1, len(chosen))))
            found = names.stage(step, first=True, save=step % save == 0)
            if found or step == schedule.steps // save * save:
                return found
            total = rule.weights[0] * lanes.slopes
            for number in range(1, len(rule.nodes)):
                lanes.moved[:] = lanes.integrated + rule.nodes[number] * schedule.dt * lanes.slopes
                lanes.stage(number, rule.nodes[number])
                found = names.stage(step, first=False, save=False)
                if found:
                    return found
                total += rule.weights[number] * lanes.slopes
            lanes.advance(schedule.dt / rule.divisor * total)
            step += 1
            found = names.states(step)
    return found


class _Names:
    """Finds names for the values of a single run."""

    def __init__(self, program: Program, lanes: Lanes, outputs: Sequence[str]):
        self.program, self.lanes, self.plan = program, lanes, lanes.plan
        self.of: dict[int, str] = {}
        for name, index in program.outputs.items():
            self.of.setdefault(index, name)
        self.wanted = [(program.outputs[name], name) for name in outputs]

    def start(self) -> Failure | None:
        """A state that is not finite from the beginning, or a value that is computed once."""
        starts = self.lanes.begun
        for s in (*self.plan.integrated, *self.plan.held):
            state = self.program.states[s]
            if not np.isfinite(starts.value(state.initial)[0]):
                return self._explain(self.program.start, starts, state.initial, state.name, 0, {})
        return None

    def stage(self, step: int, *, first: bool, save: bool) -> Failure | None:
        """The first slope, and at saves the first output, that is not finite."""
        program, plan = self.program, self.plan
        targets = [(program.states[s].rate, program.states[s].name) for s in plan.integrated]
        if first:
            targets += [(program.states[s].rate, program.states[s].name) for s in plan.held]
            targets += [(program.rings[r].input, program.rings[r].name) for r in plan.rings]
        if save:
            targets += self.wanted
        # the order of evaluation
        for index, name in sorted(targets):
            if not np.isfinite(self.lanes.calls.value(index)[0]):
                return self._explain(program.step, self.lanes.calls, index, name, step, self.of)
        return None

    def states(self, step: int) -> Failure | None:
        """A state that overflowed in taking the step."""
        for s, values in zip((*self.plan.integrated, *self.plan.held), self.lanes.states, strict=True):
            if not np.isfinite(values[0]):
                time = self.lanes.schedule.start + step * self.lanes.schedule.dt
                return Failure(time, step, self.program.states[s].name, float(values[0]), ())
        return None

    def _explain(
        self, ops: Sequence[Op], calls: Calls, index: int, name: str, step: int, of: Mapping[int, str]
    ) -> Failure:
        def value(i: int) -> float:
            return float(calls.value(i)[0])

        # go down to the first operation that made the value from finite ones; remember the last name passed
        while True:
            name = of.get(index, name)
            broken = [a for a in _used(ops[index], value) if not np.isfinite(value(a))]
            if not broken:
                break
            index = broken[0]
        inputs: dict[str, float] = {}
        for found, each in self._inputs(ops, _used(ops[index], value), value, of):
            if found != name and len(inputs) < NAMED_INPUTS:
                inputs[found] = each
        return Failure(float(self.lanes.time[0]), step, name, value(index), tuple(inputs.items()))

    def _inputs(
        self, ops: Sequence[Op], indices: Iterable[int], value: Callable[[int], float], of: Mapping[int, str]
    ) -> Iterator[tuple[str, float]]:
        stack, seen = list(indices)[::-1], set()
        while stack:
            index = stack.pop()
            if index in seen:
                continue
            seen.add(index)
            name = of.get(index) or self._leaf(ops[index])
            if name:
                yield name, value(index)
            else:
                stack += reversed(ops[index].args)

    def _leaf(self, op: Op) -> str:
        if op.kind == "param":
            assert isinstance(op.value, int)
            return self.program.parameters[op.value]
        if op.kind == "state":
            assert isinstance(op.value, int)
            return self.program.states[op.value].name
        return ""


def _used(op: Op, value: Callable[[int], float]) -> tuple[int, ...]:
    """The arguments that the value depends on: of a selection, the condition and the arm taken."""
    if op.kind != "select":
        return op.args
    condition, then, other = op.args
    return (condition, then if value(condition) != 0 else other)
