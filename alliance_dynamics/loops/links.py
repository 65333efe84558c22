"""A run as links between quantities: how steeply each depends on each, and how fast each moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.errors import RunError, UnsupportedError, fault
from alliance_dynamics.failures import explain
from alliance_dynamics.kernel.equations import flat_equations
from alliance_dynamics.kernel.flatten import frozen_order
from alliance_dynamics.kernel.integrate import Kernel, compile_kernel
from alliance_dynamics.kernel.nodes import Equation, names_in, post_order
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.loops.components import components
from alliance_dynamics.loops.slopes import Floats, slopes
from alliance_dynamics.model.model import Model
from alliance_dynamics.settings import FlatNames, schedule_of
from alliance_dynamics.simulate import program_of

SMOOTH = ("auxiliary", "stock")
SOURCES = ("time", "steptime", "random")


@dataclass(frozen=True)
class Structure:
    """The equations that move, by flat name and in the order of computation, and the links among them.

    `links` (cause, effect) as indices into `names`; `stock[i]`; `loop_of[i]` is the number of the group of names that
    feed back on each other, -1 outside of loops; `owners[i]` is the variable that a name belongs to.
    """

    model: Model
    program: Program
    kernel: Kernel
    equations: Mapping[str, Equation]
    names: tuple[str, ...]
    links: NDArray[np.int64]
    stock: NDArray[np.bool_]
    loop_of: NDArray[np.int64]
    owners: tuple[str, ...]

    @cached_property
    def into(self) -> list[list[int]]:
        """For each name the links that end in it."""
        found: list[list[int]] = [[] for _ in self.names]
        for link, (_, effect) in enumerate(self.links):
            found[int(effect)].append(link)
        return found

    @property
    def in_loops(self) -> NDArray[np.int64]:
        """The numbers of the links whose two ends feed back on each other."""
        ends = self.loop_of[self.links]
        return np.flatnonzero((ends[:, 0] >= 0) & (ends[:, 0] == ends[:, 1]))


@dataclass(frozen=True)
class Links:
    """`gain` [link, moment]: the slope of the effect along the cause.  `source` and `target` [name, moment].

    `source` is how fast a name moves; `target` the same for what is computed, but for a stock how fast its net rate
    moves.  `direct` is the part of `target` that time itself brings.  Moments are (run, time), row-major.
    """

    structure: Structure
    runs: int
    times: Floats
    gain: Floats
    source: Floats
    target: Floats
    direct: Floats
    undefined: int


def structure_of(model: Model, *, with_jumps: bool = False) -> Structure:
    """The quantities of a model that move, element by element.

    UnsupportedError, unless `with_jumps`: a quantity with discrete memory (DELAY FIXED, SAMPLE IF TRUE and their kin)
    or with random draws is on the way, since scores of links are limits for short steps, which such a quantity has not.
    """
    equations = flat_equations(model)
    moving = _moving(equations)
    if not with_jumps:
        _refuse_discrete(model, equations, moving)
    names = tuple(_ordered(equations, moving))
    index = {name: i for i, name in enumerate(names)}
    links = [
        (index[cause], index[name]) for name in names for cause in names_in(equations[name].value) if cause in index
    ]
    program = _with_hidden(program_of(model), equations)
    wanted = {name for each in names for name in (each, *names_in(equations[each].value))}
    kernel = compile_kernel(program, [name for name in program.outputs if name in wanted])
    labels = FlatNames(model)
    owners = tuple(owner.name if (owner := labels.owner(name)) else name for name in names)
    pairs = np.array(links, dtype=np.int64).reshape(-1, 2)
    return Structure(model, program, kernel, equations, names, pairs,
                     np.array([equations[name].kind == "stock" for name in names], dtype=bool),
                     components(len(names), pairs), owners)  # fmt: skip


def trace(structure: Structure, rows: Floats) -> Links:
    """The links along the runs of `rows` [run, parameter], at every saved time, by the model's own method.

    RunError: a run went non-finite.
    """
    model, program = structure.model, structure.program
    schedule, _ = schedule_of(program, rows[0])
    result = structure.kernel.run(rows, schedule, method=model.time.method)
    if (failed := np.flatnonzero(result.failed >= 0)).size:
        raise RunError(explain(model, program, rows[failed[0]], schedule, model.time.method, 0, int(failed[0])))
    runs, saves, _ = result.values.shape
    flat = result.values.reshape(runs * saves, -1)
    columns = {name: flat[:, i] for i, name in enumerate(structure.kernel.outputs)}
    time = np.tile(schedule.times, runs)
    moments, index = len(time), {name: i for i, name in enumerate(structure.names)}
    gain = np.zeros((len(structure.links), moments))
    source, target, direct = (np.zeros((len(index), moments)) for _ in range(3))
    link = {(int(a), int(b)): i for i, (a, b) in enumerate(structure.links)}
    undefined = 0
    with np.errstate(all="ignore"):
        found = {}
        for name in structure.names:
            value, found[name] = slopes(structure.equations[name].value, columns.__getitem__, time)
            if structure.equations[name].kind == "stock":
                source[index[name]] = value
        for i, name in enumerate(structure.names):
            total = np.zeros(moments)
            for cause, slope in found[name].items():
                bad = ~np.isfinite(slope)
                undefined += int(bad.sum())
                slope = np.where(bad, 0.0, slope)
                if cause == "":
                    direct[i] = slope
                    total += slope
                elif cause in index:
                    gain[link[index[cause], i]] = slope
                    total += slope * source[index[cause]]
            target[i] = total
            if not structure.stock[i]:
                source[i] = total
    return Links(structure, runs, np.asarray(schedule.times), gain, source, target, direct, undefined)


def _moving(equations: Mapping[str, Equation]) -> set[str]:
    """Names that a stock or time moves; what constants alone decide stays where it is."""
    users: dict[str, list[str]] = {}
    found: set[str] = set()
    for name, each in equations.items():
        if each.kind in ("parameter", "frozen"):
            continue
        for cause in names_in(each.value):
            users.setdefault(cause, []).append(name)
        if each.kind != "auxiliary" or any(node[0] in SOURCES for node in post_order([each.value])):
            found.add(name)
    stack = list(found)
    while stack:
        for user in users.get(stack.pop(), ()):
            if user not in found:
                found.add(user)
                stack.append(user)
    return found


def _refuse_discrete(model: Model, equations: Mapping[str, Equation], moving: set[str]) -> None:
    labels = FlatNames(model)
    faults = {}
    for name in sorted(moving):
        each = equations[name]
        random = any(node[0] == "random" for node in post_order([each.value]))
        if each.kind not in SMOOTH or random:
            label = labels.label(name)
            faults[label] = fault(
                each.place,
                "{label} jumps from step to step, and loops through it have no score",
                expected="Stocks that are integrated, and equations without random numbers",
                remedy="Put a SMOOTH or a DELAY3 in its place",
                label=repr(label),
            )
    if faults:
        raise UnsupportedError(list(faults.values()))


def _ordered(equations: Mapping[str, Equation], moving: set[str]) -> Iterator[str]:
    """Stocks, then what is computed, causes before effects."""
    done = {name for name in moving if equations[name].kind == "stock"}
    order = [name for name in equations if name in done]
    for root in [name for name in equations if name in moving and name not in done]:
        stack: list[tuple[str, bool]] = [(root, False)]
        while stack:
            name, ready = stack.pop()
            if ready:
                order.append(name)
            elif name not in done:
                done.add(name)
                stack.append((name, True))
                stack += [(each, False) for each in names_in(equations[name].value) if each in moving]
    computed = [name for name in order if equations[name].kind != "stock"]
    # stocks last: the rate of a stock needs what is computed, and what is computed only its rate of change
    yield from computed
    yield from (name for name in order if equations[name].kind == "stock")


def _with_hidden(program: Program, equations: Mapping[str, Equation]) -> Program:
    """The program with the memory of functions among its outputs, under its hidden names."""
    frozen = [each.name for each in frozen_order([e for e in equations.values() if e.kind == "frozen"], equations)]
    names = {"state": [each.name for each in program.states], "ring": [each.name for each in program.rings],
             "frozen": frozen}  # fmt: skip
    hidden = {
        names[op.kind][op.value]: i
        for i, op in enumerate(program.step)
        if op.kind in names and isinstance(op.value, int)
    }
    return replace(program, outputs={**hidden, **program.outputs})
