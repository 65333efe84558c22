"""What a diagram shows of a model: variables, links with their polarity, and flows between stocks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from alliance_dynamics.errors import AllianceError
from alliance_dynamics.model.expression import Binary, Expression, Reference, Unary, walk
from alliance_dynamics.model.model import Model, Variable

QUIET = ("constant", "lookup", "data")
CONTROLS = ("initial_time", "final_time", "time_step", "saveper")
SURE = 0.98


@dataclass(frozen=True, slots=True)
class Pipe:
    """A flow between stocks; an end that is empty is a cloud."""

    flow: str
    source: str = ""
    target: str = ""


@dataclass(frozen=True)
class Graph:
    """`names` in the order of the model; `links` (cause, effect) -> "+", "-", "±" or "" where it is not known."""

    names: tuple[str, ...]
    kinds: Mapping[str, str]
    links: Mapping[tuple[str, str], str]
    pipes: tuple[Pipe, ...]


def graph_of(model: Model, *, quiet: bool = False, signs: bool = True) -> Graph:
    """All variables that move, or with `quiet` also constants, lookups and data, with the links of their equations.

    Polarity is the sign of the slopes along a run of the model with its own constants; a model that cannot be run has
    none.
    """
    kept = {
        name: each
        for name, each in model.variables.items()
        if name not in CONTROLS and (quiet or each.kind not in QUIET)
    }
    known, moving = polarity(model) if signs else ({}, set())
    if moving and not quiet:
        kept = {name: each for name, each in kept.items() if name in moving}
    links = {(cause, name): known.get((cause, name), "") for name, each in kept.items() for cause in causes_of(each)
             if cause in kept}  # fmt: skip
    pipes = tuple(pipes_of(model))
    flows = {each.flow for each in pipes}
    kinds = {name: "flow" if name in flows else "auxiliary" if each.kind == "flow" else each.kind
             for name, each in kept.items()}  # fmt: skip
    return Graph(tuple(kept), kinds, links, pipes)


def causes_of(variable: Variable, *, initial: bool = False) -> list[str]:
    """Names in the equations of a variable, in order; with `initial` those of its first value instead."""
    found: dict[str, None] = {}
    for definition in variable.definitions:
        expression = definition.initial if initial else definition.expression
        if expression is not None:
            found |= {each.name: None for each in walk(expression) if isinstance(each, Reference)}
    return list(found)


def polarity(model: Model) -> tuple[dict[tuple[str, str], str], set[str]]:
    """The sign of every link between variables that move, over all elements and times of one run; and what moves.

    Both are empty for a model that cannot be run.
    """
    from alliance_dynamics.loops.links import structure_of, trace

    try:
        structure = structure_of(model, with_jumps=True)
        links = trace(structure, np.array([structure.program.defaults]))
    except AllianceError:
        return {}, set()
    counts: dict[tuple[str, str], list[int]] = {}
    for (cause, effect), gain in zip(structure.links, links.gain, strict=True):
        pair = structure.owners[int(cause)], structure.owners[int(effect)]
        count = counts.setdefault(pair, [0, 0])
        count[0] += int((gain > 0).sum())
        count[1] += int((gain < 0).sum())
    found = {}
    for pair, (up, down) in counts.items():
        if up + down:
            share = up / (up + down)
            found[pair] = "+" if share > SURE else "-" if share < 1 - SURE else "±"
    return found, set(structure.owners)


def pipes_of(model: Model) -> list[Pipe]:
    """Flows that stand as whole terms in the net rate of a stock, with the stocks they fill and drain."""
    fills: dict[str, list[str]] = {}
    drains: dict[str, list[str]] = {}
    for name, each in model.variables.items():
        for definition in each.definitions if each.kind == "stock" else ():
            for flow, sign in _terms(definition.expression, 1):
                if flow in model.variables and model.variables[flow].kind in ("flow", "auxiliary"):
                    ends = (fills if sign > 0 else drains).setdefault(flow, [])
                    if name not in ends:
                        ends.append(name)
    found = []
    for flow in dict.fromkeys([*fills, *drains]):
        targets, sources = fills.get(flow, []), drains.get(flow, [])
        for i in range(max(len(targets), len(sources), 1)):
            found.append(Pipe(flow, sources[i] if i < len(sources) else "", targets[i] if i < len(targets) else ""))
    return found


def skeleton(graph: Graph, keep: Collection[str], *, longest: int | None = None) -> Graph:
    """The graph on some of its names: a link stands for the ways through names left out, its sign their product.

    `longest` is how many names a way may leave out.
    """
    out: dict[str, list[tuple[str, str]]] = {}
    for (cause, effect), sign in graph.links.items():
        out.setdefault(cause, []).append((effect, sign))
    links: dict[tuple[str, str], str] = {}
    for start in (name for name in graph.names if name in keep):
        reached: dict[tuple[str, str], int] = {}
        front = [(start, "+", 0)]
        while front:
            name, sign, depth = front.pop(0)
            for effect, own in out.get(name, ()):
                now = product(sign, own)
                if effect in keep:
                    if effect != start or depth == 0:
                        known = links.get((start, effect))
                        links[start, effect] = now if known in (None, now) else "±"
                elif (effect, now) not in reached and (longest is None or depth < longest):
                    reached[effect, now] = depth
                    front.append((effect, now, depth + 1))
    return Graph(
        tuple(name for name in graph.names if name in keep),
        {name: kind for name, kind in graph.kinds.items() if name in keep},
        links,
        tuple(p for p in graph.pipes if p.flow in keep),
    )


def product(one: str, other: str) -> str:
    """The sign of two links in a row."""
    if "" in (one, other):
        return ""
    if "±" in (one, other):
        return "±"
    return "+" if one == other else "-"


def _terms(expression: Expression, sign: int) -> list[tuple[str, int]]:
    match expression:
        case Reference(name):
            return [(name, sign)]
        case Unary("-", operand):
            return _terms(operand, -sign)
        case Binary("+" | "-" as operator, left, right):
            return _terms(left, sign) + _terms(right, -sign if operator == "-" else sign)
    return []
