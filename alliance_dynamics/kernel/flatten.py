"""From flat equations to a program: order them, number their values, keep the start and the step apart."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping

from alliance_dynamics.errors import ModelError, fault
from alliance_dynamics.kernel.equations import Points, flat_equations
from alliance_dynamics.kernel.nodes import Equation, Node, names_in, parts, post_order
from alliance_dynamics.kernel.numbers import number_of
from alliance_dynamics.kernel.program import GraphBuilder, Program, Ring, State
from alliance_dynamics.model.model import Model

CONTROLS = ("initial_time", "final_time", "time_step", "saveper")


def flatten(
    model: Model,
    *,
    initials: Collection[str] = (),
    points: Mapping[str, Points] | None = None,
    numbers: Mapping[str, float] | None = None,
) -> Program:
    """The program of a model; ModelError names every cycle, missing element or unresolved subscript.

    Equations are ordered by what they need, ties by their place in the file, so that a program is a pure function of
    the model.  The initial values of the stocks in `initials` become parameters, named by `initial_name`; `points` and
    `numbers` are those of `flat_equations`.
    """
    equations = flat_equations(model, points, numbers)
    for name in initials:
        own = initial_name(name)
        equations[own] = Equation(own, "parameter", ("const", 0.0), equations[name].place, hidden=True)
        equations[name].initial = ("var", own)
    _fix_controls(equations)
    step = _Graph(equations, at_start=False)
    start = _Graph(equations, at_start=True)

    parameters = [e for e in equations.values() if e.kind == "parameter"]
    stocks = [e for e in equations.values() if e.kind in ("stock", "held")]
    rings = [e for e in equations.values() if e.kind == "ring"]
    frozen = [e for e in equations.values() if e.kind == "frozen"]
    for graph in (start, step):
        for index, each in enumerate(parameters):
            graph.sources[each.name] = ("param", index)
    for index, each in enumerate(stocks):
        step.sources[each.name] = ("state", index)
    for index, each in enumerate(rings):
        step.sources[each.name] = ("ring", index)
    frozen_ops = []
    for index, each in enumerate(frozen_order(frozen, equations)):
        assert each.initial is not None
        start.need([each.initial])
        frozen_ops.append(start.lower(each.initial))
        start.values[each.name] = frozen_ops[-1]
        step.sources[each.name] = ("frozen", index)

    shown = [e for e in equations.values() if not e.hidden]
    step.need([("var", e.name) for e in shown])
    outputs = {e.name: step.value_of(e.name) for e in shown}
    step.need([e.value for e in (*stocks, *rings)])
    start.need([node for e in (*stocks, *rings) for node in (e.initial, e.length) if node is not None])
    return Program(
        states=tuple(
            State(
                e.name,
                "integrated" if e.kind == "stock" else "held",
                start.lower(e.initial),
                step.lower(e.value),
                e.non_negative,
            )
            for e in stocks
        ),
        rings=tuple(Ring(e.name, start.lower(e.initial), start.lower(e.length), step.lower(e.value)) for e in rings),
        parameters=tuple(e.name for e in parameters),
        defaults=tuple(e.value[1] for e in parameters),
        frozen=tuple(frozen_ops),
        outputs=outputs,
        start=tuple(start.builder.ops),
        step=tuple(step.builder.ops),
    )


def initial_name(stock: str) -> str:
    """The parameter that holds the initial value of a stock; its blanks keep it apart from all variables."""
    return f"initial value of {stock}"


class _Graph:
    """Lowers nodes of one graph on demand; at the start a stock is its initial value, later it is a source."""

    def __init__(self, equations: Mapping[str, Equation], at_start: bool):
        self.equations = equations
        self.at_start = at_start
        self.builder = GraphBuilder()
        self.sources: dict[str, tuple[str, int]] = {}
        self.values: dict[str, int] = {}
        self.known: dict[int, int] = {}
        self.alive: list[Node] = []

    def value_of(self, name: str) -> int:
        if name in self.sources and name not in self.values:
            kind, index = self.sources[name]
            self.values[name] = self.builder.op(kind, value=index)
        return self.values[name]

    def node_of(self, name: str, needed_by: str = "") -> Node | None:
        """What a name is made of in this graph; None for a source."""
        if name in self.sources:
            return None
        equation = self.equations.get(name)
        if equation is None:
            raise ModelError(
                fault(
                    self.equations[needed_by].place if needed_by else "",
                    "`{name}` is needed, but has no equation",
                    expected="One equation for every element that is used",
                    name=name,
                )
            )
        if self.at_start and equation.initial is not None:
            return equation.initial
        return equation.value

    def need(self, nodes: Iterable[Node]) -> None:
        """Lowers every name that the nodes depend on, in dependency order; a cycle is reported whole."""
        active: dict[str, None] = {}
        stack: list[tuple[str, bool]] = [(n, False) for node in reversed(list(nodes)) for n in reversed(names_in(node))]
        while stack:
            name, ready = stack.pop()
            if ready:
                del active[name]
                node = self.node_of(name)
                if node is not None:
                    self.values[name] = self.lower(node)
                continue
            if name in self.values or name in self.sources:
                continue
            if name in active:
                raise ModelError(self._cycle(list(active), name))
            needed_by = next(reversed(active), "")
            active[name] = None
            stack.append((name, True))
            node = self.node_of(name, needed_by)
            if node is None:
                continue
            for part in reversed(names_in(node)):
                if part in active:
                    raise ModelError(self._cycle(list(active), part))
                if part not in self.values and part not in self.sources:
                    stack.append((part, False))

    def lower(self, root: Node | None) -> int:
        """The operation of a node whose names are all known."""
        assert root is not None
        for node in post_order([root]):
            if id(node) in self.known:
                continue
            self.known[id(node)] = self._op(node)
            self.alive.append(node)
        return self.known[id(root)]

    def _op(self, node: Node) -> int:
        kind = node[0]
        if kind == "var":
            return self.value_of(node[1])
        if kind == "const":
            return self.builder.const(node[1])
        if kind in ("time", "steptime"):
            return self.builder.op("time" if self.at_start else kind)
        if kind == "random":
            return self.builder.const(0.5) if self.at_start else self.builder.op("random", value=node[1])
        if kind == "lookup":
            return self.builder.op("lookup", self.known[id(node[2])], value=node[1])
        return self.builder.op(kind, *(self.known[id(part)] for part in parts(node)))

    def _cycle(self, path: list[str], again: str):
        names = [*path[path.index(again) :], again]
        shown = [name for name in names if not self.equations[name].hidden] or names
        what = (
            "these initial values depend on each other: {path}"
            if self.at_start
            else ("these auxiliaries depend on each other: {path}")
        )
        return fault(
            self.equations[again].place,
            what,
            expected="A loop must pass through a stock or a delay",
            remedy="Give one of them an initial value of its own" if self.at_start else "Put a stock or a delay in it",
            path=" -> ".join(
                f"{name} (line {self.equations[name].place.line})" if self.equations[name].place.line else name
                for name in shown
            ),
        )


def frozen_order(frozen: list[Equation], equations: Mapping[str, Equation]) -> list[Equation]:
    """INITIAL values, those that others need first."""
    names = {each.name for each in frozen}
    order: list[Equation] = []
    seen: set[str] = set()
    probe = _Graph(equations, at_start=True)
    for each in frozen:
        stack = [(each.name, False)]
        while stack:
            name, ready = stack.pop()
            if ready:
                if name in names:
                    order.append(equations[name])
                continue
            if name in seen:
                continue
            seen.add(name)
            stack.append((name, True))
            node = probe.node_of(name)
            if node is not None:
                stack.extend((part, False) for part in reversed(names_in(node)))
    return order


def _fix_controls(equations: dict[str, Equation]) -> None:
    """Makes the time controls parameters with the numbers that their equations give."""
    for name in CONTROLS:
        equation = equations.get(name)
        if equation is None:
            continue
        value = _constant(name, equations)
        if value is None or not math.isfinite(value):
            raise ModelError(
                fault(
                    equation.place,
                    "`{name}` must be a finite number that does not change during a run",
                    expected="A number, or a computation from constants",
                    name=name,
                )
            )
        equations[name] = Equation(name, "parameter", ("const", value), equation.place)


def _constant(name: str, equations: Mapping[str, Equation], above: frozenset[str] = frozenset()) -> float | None:
    """The value of a name that is computed from constants alone, or None."""
    equation = equations.get(name)
    if equation is None or equation.kind not in ("parameter", "auxiliary") or name in above:
        return None
    return number_of(equation.value, lambda each: _constant(each, equations, above | {name}), None)
