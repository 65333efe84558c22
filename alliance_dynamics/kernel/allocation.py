"""Sharing a scarce supply out: every target's curve of what it gets at a level of priority, and the level that clears.

A target gets its whole request far below its priority and nothing far above; in between, the share that a distribution
of its kind has above the level: 1 rectangular, 2 triangular, 3 normal, 4 exponential.  The level at which the sum of
all equals the supply is bracketed by bisection and the allocations interpolated within the bracket, so that they add up
to the supply.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from alliance_dynamics.kernel.nodes import ONE, ZERO, Node, const, select, tree
from alliance_dynamics.kernel.stateless import zidz
from alliance_dynamics.model.expression import Expression, Reference

if TYPE_CHECKING:
    from alliance_dynamics.kernel.equations import SiteOf

BISECTIONS = 44
REACH = {1: 0.5, 2: 0.5, 3: 8.3, 4: 37.0}
Share = Callable[[Node], Node]


def allocate_available(site: SiteOf, request: Expression, profile: Expression, available: Expression) -> Node:
    """ALLOCATE AVAILABLE: what this equation's element gets; the profile is ptype, ppriority, pwidth, pextra."""
    requests, here, dimension = _along_last(site, request)
    if not isinstance(profile, Reference) or not profile.subscripts:
        raise site.unsupported("ALLOCATE AVAILABLE with a profile that is no subscripted variable")
    columns = _following(site, profile.subscripts[-1])
    supply = site.node(available)

    def of(element: str) -> list[Node]:
        names = _with_element(site, profile.subscripts[:-1], request, element)
        return [site.node(replace(profile, subscripts=(*names, c))) for c in columns[:3]]

    def given() -> list[Node]:
        curves: list[Share] = []
        ends: list[tuple[Node, Node]] = []
        for element in dimension:
            kind_node, priority, width = of(element)
            kind = _kind(site, kind_node)
            curves.append(_share(kind, priority, width))
            reach = ("mul", const(REACH[kind]), width)
            ends.append((("sub", priority, reach), ("add", priority, reach)))
        return _clear(requests, curves, ends, supply)

    return _given(site, supply, requests, of(dimension[0]), given)[here]


def allocate_by_priority(
    site: SiteOf, request: Expression, priority: Expression, _: Expression, width: Expression, supply: Expression
) -> Node:
    """Vensim's ALLOCATE BY PRIORITY: higher priorities first, all within `width` of each other at the same time."""
    requests, here, dimension = _along_last(site, request)
    if not isinstance(priority, Reference):
        raise site.unsupported("ALLOCATE BY PRIORITY with priorities that are no variable")
    span, offered = site.node(width), site.node(supply)

    def of(element: str) -> Node:
        return site.node(replace(priority, subscripts=_with_element(site, priority.subscripts, request, element)))

    def given() -> list[Node]:
        curves: list[Share] = []
        ends: list[tuple[Node, Node]] = []
        for element in dimension:
            top = of(element)
            middle = ("sub", top, ("mul", const(0.5), span))
            curves.append(_share(1, middle, span))
            ends.append((("sub", top, span), top))
        return _clear(requests, curves, ends, offered)

    return _given(site, offered, requests, [of(dimension[0]), span], given)[here]


def _given(
    site: SiteOf, supply: Node, requests: list[Node], profile: list[Node], make: Callable[[], list[Node]]
) -> list[Node]:
    """What each target gets; targets of one supply share one computation, told by the profile of the first."""
    same = (supply, *requests, *profile)
    parts = 4 * BISECTIONS * len(requests)
    if all(node[0] in ("var", "const") for node in same):
        return site.shared(("given", *same), parts, make)
    site.builder.count(parts, site.place)
    return make()


def _clear(requests: list[Node], curves: list[Share], ends: list[tuple[Node, Node]], supply: Node) -> list[Node]:
    """What each target gets."""
    low = tree("min", [low for low, _ in ends])
    high = tree("max", [high for _, high in ends])

    def at(level: Node) -> tuple[list[Node], Node]:
        given: list[Node] = [("mul", request, curve(level)) for request, curve in zip(requests, curves, strict=True)]
        return given, tree("add", given)

    for _ in range(BISECTIONS):
        middle = ("mul", const(0.5), ("add", low, high))
        enough = ("gt", at(middle)[1], supply)
        low, high = select(enough, middle, low), select(enough, high, middle)
    (more, total_more), (less, total_less) = at(low), at(high)
    part = zidz(("sub", supply, total_less), ("sub", total_more, total_less))
    part = select(("eq", total_more, total_less), ZERO, part)
    scarce = ("lt", supply, tree("add", requests))
    return [
        select(scarce, ("add", b, ("mul", part, ("sub", a, b))), request)
        for a, b, request in zip(more, less, requests, strict=True)
    ]


def _share(kind: int, priority: Node, width: Node) -> Share:
    """The part of a request that is met at a level."""

    def rectangular(level: Node) -> Node:
        met = ("add", const(0.5), ("div", ("sub", priority, level), width))
        return ("max", ZERO, ("min", ONE, met))

    def triangular(level: Node) -> Node:
        z = ("max", const(-0.5), ("min", const(0.5), ("div", ("sub", level, priority), width)))
        below, above = ("add", z, const(0.5)), ("sub", const(0.5), z)
        low_side = ("sub", ONE, ("mul", const(2.0), ("mul", below, below)))
        return select(("lt", z, ZERO), low_side, ("mul", const(2.0), ("mul", above, above)))

    def normal(level: Node) -> Node:
        return _vendor_normal(("div", ("sub", priority, level), width))

    def exponential(level: Node) -> Node:
        z = ("div", ("sub", level, priority), width)
        tail = ("mul", const(0.5), ("exp", ("neg", ("abs", z))))
        return select(("lt", z, ZERO), ("sub", ONE, tail), tail)

    return {1: rectangular, 2: triangular, 3: normal, 4: exponential}[kind]


def _vendor_normal(x: Node) -> Node:
    """P(Z <= x) to 1e-5 by the cubic 26.2.16 of Abramowitz and Stegun (1964): the curve of Vensim's results."""
    z = ("abs", x)
    t = ("div", ONE, ("add", ONE, ("mul", const(0.33267), z)))
    cubic: Node = const(0.9372980)
    for coefficient in (-0.1201676, 0.4361836, 0.0):
        cubic = ("add", ("mul", cubic, t), const(coefficient))
    density = ("mul", const(0.3989422804014327), ("exp", ("mul", const(-0.5), ("mul", z, z))))
    upper = ("mul", density, cubic)
    return select(("gt", x, ZERO), ("sub", ONE, upper), upper)


def _kind(site: SiteOf, node: Node) -> int:
    """The profile's kind, a number known before the run."""
    value = site.constant(node)
    if value is None or round(value) not in REACH:
        raise site.unsupported(f"a priority profile of type {value:g} (1 to 4, as constants, are known)")
    return round(value)


def _along_last(site: SiteOf, reference: Expression) -> tuple[list[Node], int, tuple[str, ...]]:
    """The values along a reference's last subscript, this equation's place among them, and the elements."""
    if not isinstance(reference, Reference) or not reference.subscripts:
        raise site.unsupported("an allocation of something that is no subscripted variable")
    *before, last = reference.subscripts
    last = last.removesuffix("!")
    dimension = last if last in site.subscripts.dimensions else site.subscripts.owners[last][0]
    elements = site.subscripts.dimensions[dimension].elements
    element = site.subscripts.resolve(last, site.chosen)
    if element not in elements:
        raise site.unsupported("an allocation whose left-hand side lacks the shared subscript")
    return [site.node(replace(reference, subscripts=(*before, e))) for e in elements], elements.index(element), elements


def _with_element(site: SiteOf, names: tuple[str, ...], request: Expression, element: str) -> tuple[str, ...]:
    """The subscripts of a profile for another element of the shared dimension (the last one that matches)."""
    assert isinstance(request, Reference)
    shared = request.subscripts[-1]
    found = list(names)
    for index in range(len(found) - 1, -1, -1):
        if found[index] == shared:
            found[index] = element
            return tuple(found)
    found[-1] = element
    return tuple(found)


def _following(site: SiteOf, first: str) -> tuple[str, ...]:
    """The elements from `first` on, in the dimension that it begins or belongs to."""
    if first in site.subscripts.dimensions:
        return site.subscripts.dimensions[first].elements
    elements = site.subscripts.dimensions[site.subscripts.owners[first][0]].elements
    return elements[elements.index(first) :]


ALLOCATION: dict[str, Callable[..., Node]] = {
    "allocate_available": allocate_available,
    "allocate_by_priority": allocate_by_priority,
}
