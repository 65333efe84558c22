"""Year means of flows: a program with a running integral beside each output that is observed over an interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from alliance_dynamics.kernel.program import Op, Program, State


def integral_name(output: str) -> str:
    """The output name of the running integral of an output."""
    return f"integral of {output}"


def with_integrals(program: Program, outputs: Sequence[str]) -> Program:
    """The program with one more integrated state, starting at 0, for each named output.

    The integral is advanced by the same method and step as the model, so that the difference of two saves over their
    distance is the mean flow between them to the accuracy of the run itself.
    """
    start = [*program.start, Op("const", (), 0.0, 0)]
    step = list(program.step)
    states = list(program.states)
    named = dict(program.outputs)
    for output in dict.fromkeys(outputs):
        named[integral_name(output)] = len(step)
        step.append(Op("state", (), len(states), 3))
        states.append(State(integral_name(output), "integrated", len(start) - 1, program.outputs[output]))
    return replace(program, start=tuple(start), step=tuple(step), states=tuple(states), outputs=named)
