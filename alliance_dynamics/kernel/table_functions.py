"""Functions of lookups and data series other than plain interpolation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from alliance_dynamics.kernel.nodes import Node, const, select
from alliance_dynamics.kernel.segments import POINT_TOLERANCE
from alliance_dynamics.model.expression import Expression, Interpolation, Reference, Table

if TYPE_CHECKING:
    from alliance_dynamics.kernel.equations import SiteOf


def _read_as(interpolation: Interpolation) -> Callable[..., Node]:
    def build(site: SiteOf, table: Expression, x: Expression) -> Node:
        return ("lookup", replace(_points(site, table), interpolation=interpolation), site.node(x))

    return build


def lookup_invert(site: SiteOf, table: Expression, y: Expression) -> Node:
    """The x at which a rising or falling lookup has the value y; the first point's x below, the last's above."""
    points = _points(site, table)
    pairs = sorted(zip(points.y, points.x, strict=True))
    return ("lookup", Table(tuple(p[0] for p in pairs), tuple(p[1] for p in pairs)), site.node(y))


def get_data_between_times(site: SiteOf, table: Expression, time: Expression, mode: Expression) -> Node:
    """A data series at another time: mode <= -1 looks backward, 0 interpolates, >= 1 looks forward.

    Forward and backward round the time down to a whole number first, and backward gives the last point before it,
    never the one at it: so do the results that Vensim stored.
    """
    points, at = _points(site, table), site.node(time)
    how = site.node(mode)
    known = site.constant(how)
    earlier = replace(points, x=tuple(x + 2 * POINT_TOLERANCE for x in points.x))
    whole = ("floor", ("add", at, const(POINT_TOLERANCE)))
    ways: dict[str, Node] = {
        "continuous": ("lookup", replace(points, interpolation="continuous"), at),
        "forward": ("lookup", replace(points, interpolation="forward"), whole),
        "backward": ("lookup", replace(earlier, interpolation="backward"), whole),
    }
    if known is not None:
        return ways["continuous" if abs(known) < 0.5 else "forward" if known > 0 else "backward"]
    return select(
        ("ge", how, const(0.5)),
        ways["forward"],
        select(("le", how, const(-0.5)), ways["backward"], ways["continuous"]),
    )


def lookup_area(site: SiteOf, table: Expression, start: Expression, end: Expression) -> Node:
    """The integral of a lookup from `start` to `end`, flat outside of its points; below 0 where `end` comes first."""
    points = _points(site, table)
    if points.interpolation != "continuous":
        raise site.unsupported("LOOKUP AREA of a table that is not linear between its points")
    trapezoids = [(b - a) * (p + q) / 2 for (a, b), (p, q) in zip(pairwise(points.x), pairwise(points.y), strict=True)]
    areas = tuple(accumulate(trapezoids, initial=0.0))

    def up_to(x: Node) -> Node:
        knot, before, left = (
            ("lookup", Table(points.x, values, "discrete"), x) for values in (points.x, areas, points.y)
        )
        sides = ("add", left, ("lookup", points, x))
        return ("add", before, ("mul", ("mul", const(0.5), ("sub", x, knot)), sides))

    return ("sub", up_to(site.node(end)), up_to(site.node(start)))


def _time_of(point: int) -> Callable[..., Node]:
    """The time of a point of a data series, by its place among them."""

    def build(site: SiteOf, table: Expression) -> Node:
        return const(_points(site, table).x[point])

    return build


def get_time_value(site: SiteOf, relative: Expression, offset: Expression, measure: Expression) -> Node:
    """GET TIME VALUE for measure 0: the present time (base 0) or the start (base 1), plus an offset."""
    kind = round(site.number(site.node(measure), "the measure of GET TIME VALUE"))
    base = round(site.number(site.node(relative), "the base of GET TIME VALUE"))
    if kind != 0 or base not in (0, 1):
        raise site.unsupported("GET TIME VALUE with calendar measures")
    start: Node = ("var", "initial_time") if base == 1 else site.time
    return ("add", start, site.node(offset))


def _points(site: SiteOf, table: Expression) -> Table:
    if isinstance(table, Table):
        return table
    if isinstance(table, Reference):
        return site.builder.lookup_table(table, site)
    raise site.unsupported("a lookup function of something that is no lookup")


def lookup(site: SiteOf, table: Expression, x: Expression) -> Node:
    return ("lookup", _points(site, table), site.node(x))


TABLES: dict[str, Callable[..., Node]] = {
    "lookup_forward": _read_as("forward"),
    "lookup_backward": _read_as("backward"),
    "lookup_extrapolate": _read_as("extrapolate"),
    "lookup": lookup,
    "lookup_invert": lookup_invert,
    "get_data_between_times": get_data_between_times,
    "get_data_first_time": _time_of(0),
    "get_data_last_time": _time_of(-1),
    "lookup_area": lookup_area,
    "get_time_value": get_time_value,
}
