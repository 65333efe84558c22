"""Functions with memory as hidden stocks, held values, frozen values and rings.

Delays and smooths of order n are chains of n stocks: a smooth adjusts each level to the one before it, a delay moves
contents from each level to the next.  A delay time that is not above 0 makes the run fail at that time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

from alliance_dynamics.errors import ModelError, Place, fault
from alliance_dynamics.kernel.nodes import ONE, ZERO, Node, const, select
from alliance_dynamics.kernel.stateless import DT, zidz

NAN = const(math.nan)
HIGHEST_ORDER = 1_000


class Site(Protocol):
    """Makes hidden equations beside the one in which a function stands."""

    def stock(self, initial: Node) -> Node: ...
    def held(self, initial: Node) -> Node: ...
    def set_rate(self, stock: Node, rate: Node) -> None: ...
    def frozen(self, initial: Node) -> Node: ...
    def ring(self, value: Node, length: Node, initial: Node) -> Node: ...
    def number(self, node: Node, item: str) -> float: ...
    def constant(self, node: Node) -> float | None: ...
    @property
    def place(self) -> Place: ...


def smooth_n(site: Site, x: Node, time: Node, initial: Node | None, order: int) -> Node:
    """An exponential average of order n; without an initial value it starts at the input."""
    first = x if initial is None else initial
    per_level = ("div", const(order), _positive(time))
    before = x
    for _ in range(order):
        level = site.stock(first)
        site.set_rate(level, ("mul", ("sub", before, level), per_level))
        before = level
    return before


def delay_n(site: Site, x: Node, time: Node, initial: Node | None, order: int) -> Node:
    """A material delay of order n; `initial` is the first outflow, else the first inflow."""
    first = x if initial is None else initial
    contents = ("div", ("mul", first, time), const(order))
    per_level = ("div", const(order), _positive(time))
    before = x
    for _ in range(order):
        level = site.stock(contents)
        outflow = ("mul", level, per_level)
        site.set_rate(level, ("sub", before, outflow))
        before = outflow
    return before


def vensim_delay_n(site: Site, x: Node, time: Node, initial: Node, order: Node) -> Node:
    """DELAY N: as `delay_n`, but a delay time that changes reaches each level one step after the level before it.

    Where the levels would turn over faster than a step, the order is lowered until they do not.
    """
    count = _order(site, order)
    step, first = site.constant(DT), site.constant(time)
    if step is not None and first is not None and first > 0:
        while count > 1 and count * step > first * (1 + 1e-9):
            count -= 1
    if time[0] == "const" or count == 1:
        return delay_n(site, x, time, initial, count)
    contents = ("div", ("mul", initial, time), const(count))
    before, here = x, _positive(time)
    for _ in range(count):
        level = site.stock(contents)
        outflow = ("div", ("mul", level, const(count)), here)
        site.set_rate(level, ("sub", before, outflow))
        before, here = outflow, previous(site, here)
    return before


def delay_fixed(site: Site, x: Node, time: Node, initial: Node) -> Node:
    return site.ring(x, time, initial)


def trend(site: Site, x: Node, time: Node, initial: Node) -> Node:
    """The fractional growth rate of x seen against its average over `time`."""
    average = site.stock(("div", x, ("add", ONE, ("mul", initial, time))))
    site.set_rate(average, ("div", ("sub", x, average), _positive(time)))
    return zidz(("sub", x, average), ("mul", time, ("abs", average)))


def forecast(site: Site, x: Node, time: Node, horizon: Node, initial: Node = ZERO) -> Node:
    """x carried on by its trend over `horizon`."""
    average = site.stock(("div", x, ("add", ONE, ("mul", initial, time))))
    site.set_rate(average, ("div", ("sub", x, average), _positive(time)))
    growth = zidz(("sub", x, average), ("mul", time, average))
    return ("mul", x, ("add", ONE, ("mul", growth, horizon)))


def sample_if_true(site: Site, condition: Node, x: Node, initial: Node) -> Node:
    memory = site.held(initial)
    value = select(condition, x, memory)
    site.set_rate(memory, value)
    return value


def previous(site: Site, x: Node, initial: Node | None = None) -> Node:
    """The value one step ago; at the start `initial`, or the value itself."""
    memory = site.held(x if initial is None else initial)
    site.set_rate(memory, x)
    return memory


def initial_value(site: Site, x: Node) -> Node:
    return site.frozen(x)


def npv(site: Site, stream: Node, rate: Node, initial: Node, factor: Node) -> Node:
    """Net present value with discounting per step, the payment of the present step included (Vensim's NPV)."""
    discount = site.stock(ONE)
    site.set_rate(discount, ("div", ("neg", ("mul", discount, rate)), ("add", ONE, ("mul", rate, DT))))
    total = site.stock(initial)
    site.set_rate(total, ("mul", stream, discount))
    now = ("mul", ("mul", stream, DT), discount)
    return ("mul", ("add", total, now), factor)


def depreciate_straightline(site: Site, stream: Node, life: Node, fiscal_year: Node, initial: Node) -> Node:
    """Each purchase written off evenly over `life`: what entered less what entered `life` ago."""
    book = site.stock(("mul", ZERO, initial))
    gone = site.ring(stream, life, ZERO)
    site.set_rate(book, ("sub", stream, gone))
    return ("add", ("div", book, _positive(life)), initial)


def counter(site: Site, start: Node, end: Node) -> Node:
    """XMILE: start, start + dt, ... and back to start at `end`."""
    memory = site.held(start)
    onward = ("add", memory, DT)
    site.set_rate(memory, select(("ge", onward, end), start, onward))
    return memory


def _positive(time: Node) -> Node:
    return select(("gt", time, ZERO), time, NAN)


def _order(site: Site, node: Node) -> int:
    value = site.number(node, "the order of a delay")
    if not value <= HIGHEST_ORDER:
        raise ModelError(
            fault(
                site.place, "a delay of order {order:g}", expected="At most {limit}", order=value, limit=HIGHEST_ORDER
            )
        )
    return max(1, round(max(value, 1.0)))


MEMORY: dict[str, Callable[..., Node]] = {
    "smooth": lambda site, x, t: smooth_n(site, x, t, None, 1),
    "smoothi": lambda site, x, t, i: smooth_n(site, x, t, i, 1),
    "smooth3": lambda site, x, t: smooth_n(site, x, t, None, 3),
    "smooth3i": lambda site, x, t, i: smooth_n(site, x, t, i, 3),
    "smooth_n": lambda site, x, t, i, n: smooth_n(site, x, t, i, _order(site, n)),
    "delay1": lambda site, x, t: delay_n(site, x, t, None, 1),
    "delay1i": lambda site, x, t, i: delay_n(site, x, t, i, 1),
    "delay3": lambda site, x, t: delay_n(site, x, t, None, 3),
    "delay3i": lambda site, x, t, i: delay_n(site, x, t, i, 3),
    "delay_n": vensim_delay_n,
    "delay_fixed": delay_fixed,
    "trend": trend,
    "forecast": forecast,
    "sample_if_true": sample_if_true,
    "previous": previous,
    "initial": initial_value,
    "npv": npv,
    "depreciate_straightline": depreciate_straightline,
    "counter": counter,
}
