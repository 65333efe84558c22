"""Programs written by hand for tests: two graphs side by side, with the numbers of states and parameters kept."""

from __future__ import annotations

from collections.abc import Callable

from alliance_dynamics.kernel.program import GraphBuilder, Program, Ring, State

Make = Callable[["Graph"], int]


class Graph(GraphBuilder):
    """A builder with operators by method and parameters by name."""

    def __init__(self, parameters: dict[str, float]):
        super().__init__()
        self.known = list(parameters)

    def __call__(self, kind: str, *args: int | float, **value: object) -> int:
        return self.op(kind, *(self.const(a) if isinstance(a, float) else a for a in args), **value)  # type: ignore

    def p(self, name: str) -> int:
        return self.op("param", value=self.known.index(name))


class Build:
    """Collects states, rings and outputs; `program()` freezes them."""

    def __init__(self, **parameters: float):
        self.parameters = parameters
        self.start, self.g = Graph(parameters), Graph(parameters)
        self.states: list[State] = []
        self.rings: list[Ring] = []
        self.frozen: list[int] = []
        self.outputs: dict[str, int] = {}

    def state(self, name: str, initial: float | str, *, kind: str = "integrated", non_negative: bool = False) -> int:
        """Its operation; set its rate with `rate` afterwards."""
        self.states.append(State(name, kind, self._initial(initial), -1, non_negative))
        index = self.g.op("state", value=len(self.states) - 1)
        self.outputs[name] = index
        return index

    def rate(self, name: str, index: int) -> None:
        at = next(i for i, s in enumerate(self.states) if s.name == name)
        s = self.states[at]
        self.states[at] = State(s.name, s.kind, s.initial, index, s.non_negative)

    def ring(self, name: str, initial: float | str, length: float | str, entry: int) -> int:
        self.rings.append(Ring(name, self._initial(initial), self._initial(length), entry))
        index = self.g.op("ring", value=len(self.rings) - 1)
        self.outputs[name] = index
        return index

    def hold(self, initial: int) -> int:
        """A frozen value, from an operation of the start graph."""
        self.frozen.append(initial)
        return self.g.op("frozen", value=len(self.frozen) - 1)

    def program(self, **outputs: int) -> Program:
        return Program(
            tuple(self.start.ops),
            tuple(self.g.ops),
            tuple(self.parameters),
            tuple(self.parameters.values()),
            tuple(self.states),
            tuple(self.rings),
            tuple(self.frozen),
            {**self.outputs, **outputs},
        )

    def _initial(self, value: float | str) -> int:
        return self.start.p(value) if isinstance(value, str) else self.start.const(value)


def decay(k: float = 0.2, s0: float = 100.0) -> Program:
    b = Build(k=k, s0=s0)
    s = b.state("s", "s0")
    outflow = b.g("mul", b.g.p("k"), s)
    b.rate("s", b.g("neg", outflow))
    return b.program(outflow=outflow)


def oscillator() -> Program:
    b = Build(w=1.0)
    x, v = b.state("x", 1.0), b.state("v", 0.0)
    w = b.g.p("w")
    b.rate("x", v)
    b.rate("v", b.g("neg", b.g("mul", b.g("mul", w, w), x)))
    return b.program()


def logistic() -> Program:
    b = Build(r=0.3, k=100.0, p0=5.0)
    p = b.state("p", "p0")
    b.rate("p", b.g("mul", b.g("mul", b.g.p("r"), p), b.g("sub", 1.0, b.g("div", p, b.g.p("k")))))
    return b.program()


def epidemic() -> Program:
    b = Build(beta=0.5, gamma=0.2, n=1000.0)
    s, i, r = b.state("s", 999.0), b.state("i", 1.0), b.state("r", 0.0)
    infection = b.g("div", b.g("mul", b.g("mul", b.g.p("beta"), s), i), b.g.p("n"))
    recovery = b.g("mul", b.g.p("gamma"), i)
    b.rate("s", b.g("neg", infection))
    b.rate("i", b.g("sub", infection, recovery))
    b.rate("r", recovery)
    return b.program(total=b.g("add", b.g("add", s, i), r))


def material_delay(order: int) -> Program:
    """Step input 1 from time 0 through `order` stocks with total delay tau."""
    b = Build(tau=6.0)
    share = b.g("div", float(order), b.g.p("tau"))
    flow = b.g.const(1.0)
    for number in range(order):
        name = f"v{number}"
        content = b.state(name, 0.0)
        out = b.g("mul", content, share)
        b.rate(name, b.g("sub", flow, out))
        flow = out
    return b.program(out=flow)
