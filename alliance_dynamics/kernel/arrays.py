"""Functions over arrays, written out: reductions, vector functions, allocation."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from alliance_dynamics.kernel.nodes import ONE, ZERO, Node, const, select, tree
from alliance_dynamics.kernel.stateless import STATELESS, zidz
from alliance_dynamics.model.expression import Call, Expression, Reference, walk

if TYPE_CHECKING:
    from alliance_dynamics.kernel.equations import SiteOf


SHARED = 30  # elements from which on a reduction that is the same for all elements is made once


def reduce_nodes(kind: str, nodes: Sequence[Node]) -> Node:
    """sum, prod, vmin, vmax, mean, stddev (population) or size_of of a list of nodes."""
    if kind == "size_of":
        return const(len(nodes))
    if kind in ("mean", "stddev"):
        mean = ("div", tree("add", nodes), const(len(nodes)))
        if kind == "mean":
            return mean
        squares = [("mul", gap, gap) for gap in (("sub", node, mean) for node in nodes)]
        return ("sqrt", ("div", tree("add", squares), const(len(nodes))))
    return tree({"sum": "add", "prod": "mul", "vmin": "min", "vmax": "max"}[kind], nodes)


def _reduction(kind: str) -> Callable[..., Node]:
    def reduced(site: SiteOf, arguments: tuple[Expression, ...]) -> Node:
        nodes = [site.with_choice(choice, argument) for argument in arguments for choice in site.choices(argument)]
        return reduce_nodes(kind, nodes)

    def build(site: SiteOf, *arguments: Expression) -> Node:
        if not (site.chosen and site.remembers and _the_same_for_all(site, arguments)):
            return reduced(site, arguments)
        return site.shared((kind, site.time, arguments), 0, lambda: [site.value(reduced(site, arguments))])[0]

    return build


def _the_same_for_all(site: SiteOf, arguments: tuple[Expression, ...]) -> bool:
    """Whether a reduction over many elements depends on no element of the left-hand side, so that one serves all."""
    if sum(math.prod(len(site.subscripts.elements(n)) for n in site.subscripts.reduced(a)) for a in arguments) < SHARED:
        return False
    for node in (node for argument in arguments for node in walk(argument)):
        if isinstance(node, Call) and node.function not in STATELESS:
            return False
        if isinstance(node, Reference):
            free = [each for each in node.subscripts if each in site.subscripts.dimensions]  # a marked one ends with !
            if free or not (node.name in site.builder.model.variables or node.name == "time"):
                return False
    return True


def element_count(site: SiteOf, dimension: Expression) -> Node:
    if isinstance(dimension, Reference) and dimension.name in site.subscripts.dimensions:
        return const(len(site.subscripts.dimensions[dimension.name].elements))
    raise site.unsupported("ELMCOUNT of something that is no subscript range")


def vector_select(site: SiteOf, selection: Expression, values: Expression, *rest: Expression) -> Node:
    """A reduction of the values whose selection is not 0, by one of eleven numbered actions; `missing` without any.

    0 to 5 weigh with the selection: sum, product, minimum, maximum, mean, product of powers; 6 to 10 do not: sum,
    product, minimum, maximum, mean.
    """
    missing, action, _ = (site.node(each) for each in rest)
    names = {name for argument in (selection, values) for choice in site.choices(argument)[:1] for name in choice}
    choices = _choices_over(site, tuple(name.removesuffix("!") for name in sorted(names)))
    weights = [site.with_choice(choice, selection) for choice in choices]
    plain = [site.with_choice(choice, values) for choice in choices]
    known = site.constant(action) if action[0] == "const" else None
    ways = range(11) if known is None else [round(known)]
    if not set(ways) <= set(range(11)):
        raise site.unsupported("an action of VECTOR SELECT outside 0 to 10")
    result: Node = const(float("nan"))
    for way in ways:
        reduced = _selected(way, weights, plain)
        result = reduced if known is not None else select(("eq", action, const(way)), reduced, result)
    return select(tree("or", [("ne", weight, ZERO) for weight in weights]), result, missing)


def _selected(way: int, weights: Sequence[Node], values: Sequence[Node]) -> Node:
    kind = ("sum", "prod", "vmin", "vmax", "mean", "power", "sum", "prod", "vmin", "vmax", "mean")[way]
    if kind == "power":
        nodes: list[Node] = [("pow", value, weight) for weight, value in zip(weights, values, strict=True)]
    elif way < 5:
        nodes = [("mul", weight, value) for weight, value in zip(weights, values, strict=True)]
    else:
        nodes = list(values)
    neutral = {"sum": ZERO, "mean": ZERO, "vmin": const(1e300), "vmax": const(-1e300)}.get(kind, ONE)
    masked = [select(("ne", weight, ZERO), node, neutral) for weight, node in zip(weights, nodes, strict=True)]
    if kind == "mean":
        return zidz(tree("add", masked), tree("add", [("ne", weight, ZERO) for weight in weights]))
    return tree({"sum": "add", "vmin": "min", "vmax": "max"}.get(kind, "mul"), masked)


def vector_elm_map(site: SiteOf, base: Expression, offset: Expression) -> Node:
    """The element `offset` places after the one that the base names, over the base's dimensions in row order."""
    if not isinstance(base, Reference) or base.name not in site.builder.model.variables:
        raise site.unsupported("VECTOR ELM MAP of something that is no variable")
    variable = site.builder.model.variables[base.name]
    everything = list(site.subscripts.of_variable(variable))
    first = site.node(base)[1]
    site.builder.count(4 * len(everything), site.place)
    nodes = [site.node(Reference(base.name, elements)) for elements in everything]
    start = next(i for i, node in enumerate(nodes) if node[1] == first)
    at = ("add", const(start), ("floor", ("add", site.node(offset), const(0.5))))
    value: Node = const(float("nan"))
    for index, node in enumerate(nodes):
        value = select(("eq", at, const(index)), node, value)
    return value


def vector_sort_order(site: SiteOf, vector: Expression, direction: Expression) -> Node:
    """The 0-based place in the vector of the value that stands at this element's place in sorted order."""
    nodes, here = _own_vector(site, vector)
    ranks = _places_in_order(site, nodes, site.node(direction))
    site.builder.count(4 * len(ranks), site.place)
    value: Node = const(float("nan"))
    for index, rank in enumerate(ranks):
        value = select(("eq", rank, const(here)), const(index), value)
    return value


def vector_rank(site: SiteOf, vector: Expression, direction: Expression) -> Node:
    """The 1-based rank of this element's value."""
    nodes, here = _own_vector(site, vector)
    return ("add", _places_in_order(site, nodes, site.node(direction))[here], ONE)


def vector_reorder(site: SiteOf, vector: Expression, order: Expression) -> Node:
    """The value of the vector at the 0-based place that `order` names."""
    nodes, _ = _own_vector(site, vector)
    at = site.node(order)
    site.builder.count(4 * len(nodes), site.place)
    value: Node = const(float("nan"))
    for index, node in enumerate(nodes):
        value = select(("eq", at, const(index)), node, value)
    return value


def _places_in_order(site: SiteOf, nodes: Sequence[Node], direction: Node) -> list[Node]:
    def places() -> list[Node]:
        return [_place_in_order(nodes, index, direction) for index in range(len(nodes))]

    return site.shared(("places", direction, *nodes), len(nodes) ** 2, places)


def _place_in_order(nodes: Sequence[Node], index: int, direction: Node) -> Node:
    """How many values stand before this one; equal values keep their order."""
    counts: list[Node] = []
    for other, node in enumerate(nodes):
        if other == index:
            continue
        tie = "le" if other < index else "lt"
        up: Node = (tie, node, nodes[index])
        down: Node = (tie, nodes[index], node)
        counts.append(select(("gt", direction, ZERO), up, down))
    return tree("add", counts) if counts else ZERO


def _own_vector(site: SiteOf, vector: Expression) -> tuple[list[Node], int]:
    """The values along the last subscript of a reference, and this equation's place among them."""
    if not isinstance(vector, Reference) or not vector.subscripts:
        raise site.unsupported("a vector function of something that is no subscripted variable")
    *before, last = vector.subscripts
    last = last.removesuffix("!")
    if last not in site.subscripts.dimensions:
        owner = site.subscripts.owners[last][0]
        elements = site.subscripts.dimensions[owner].elements
        here = elements.index(last)
    else:
        elements = site.subscripts.dimensions[last].elements
        resolved = site.subscripts.resolve(last, site.chosen)
        here = elements.index(resolved) if resolved in elements else 0
    nodes = [site.node(Reference(vector.name, (*before, element))) for element in elements]
    return nodes, here


def _choices_over(site: SiteOf, names: tuple[str, ...]) -> list[Mapping[str, str]]:
    probe = Call("sum", tuple(Reference("time", (name + "!",)) for name in names))
    return list(site.choices(probe)) if names else [{}]


ARRAYS: dict[str, Callable[..., Node]] = {
    **{kind: _reduction(kind) for kind in ("sum", "prod", "vmin", "vmax", "mean", "stddev", "size_of")},
    "elmcount": element_count,
    "vector_select": vector_select,
    "vector_elm_map": vector_elm_map,
    "vector_sort_order": vector_sort_order,
    "vector_rank": vector_rank,
    "vector_reorder": vector_reorder,
}
