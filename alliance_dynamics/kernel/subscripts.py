"""Which element a subscript means: inside one equation, for one choice of its left-hand elements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

from alliance_dynamics.errors import Fault, ModelError, Place, fault, suggestion
from alliance_dynamics.model.expression import Call, Expression, Reference, children
from alliance_dynamics.model.model import Definition, Dimension, Model, Variable

Elements = tuple[str, ...]


class Subscripts:
    """The dimensions of one model, with the lookups that resolving needs prepared once."""

    def __init__(self, model: Model):
        self.model = model
        self.dimensions: Mapping[str, Dimension] = model.dimensions
        self.owners: dict[str, list[str]] = {}
        self.positions: dict[str, dict[str, int]] = {}
        for dimension in model.dimensions.values():
            self.positions[dimension.name] = {element: i for i, element in enumerate(dimension.elements)}
            for element in dimension.elements:
                self.owners.setdefault(element, []).append(dimension.name)

    def elements(self, name: str) -> Elements:
        """The elements that a left-hand name stands for: those of a dimension, or the one element itself."""
        return self.dimensions[name].elements if name in self.dimensions else (name,)

    def of_variable(self, variable: Variable) -> Iterator[Elements]:
        return product(*(self.dimensions[name].elements for name in variable.dimensions))

    def of_definition(self, definition: Definition) -> Iterator[tuple[Elements, dict[str, str], int]]:
        """For each element tuple of a definition: the tuple, name -> element, and its row-major position."""
        excluded = {each for names in definition.excluded for each in product(*(self.elements(name) for name in names))}
        names = definition.subscripts
        for position, chosen in enumerate(product(*(self.elements(name) for name in names))):
            if chosen not in excluded:
                yield chosen, dict(zip(names, chosen, strict=True)), position

    def resolve(self, subscript: str, chosen: Mapping[str, str]) -> str | None:
        """The element that a reference's subscript means where the left-hand names stand for `chosen` elements.

        In this order: the name itself on the left (or bound by a reduction, with its `!`); an element; a mapping
        declared between the range and a left-hand one, in either direction; the element of a left-hand name that is
        also in this range; a mapping of a dimension that the left-hand element belongs to.
        """
        if subscript in chosen:
            return chosen[subscript]
        subscript = subscript.removesuffix("!")
        if subscript in chosen:
            return chosen[subscript]
        if subscript not in self.dimensions:
            return subscript
        inside = self.positions[subscript]
        on_left = {name: element for name, element in chosen.items() if not name.endswith("!")}
        for name, element in on_left.items():
            if name in self.dimensions:
                mapped = self._mapped(self.dimensions[name], element, subscript)
                if mapped is not None:
                    return mapped
        for element in on_left.values():
            if element in inside:
                return element
        for element in on_left.values():
            for owner in self.owners.get(element, []):
                mapped = self._mapped(self.dimensions[owner], element, subscript)
                if mapped is not None:
                    return mapped
        return None

    def _mapped(self, source: Dimension, element: str, target: str) -> str | None:
        """The element of `target` that stands for an element of `source`, by a mapping of either to the other."""
        if source.name == target or element not in self.positions[source.name]:
            return None
        for name, elements in source.mappings:
            if name == target:
                return elements[self.positions[source.name][element]]
        for name, elements in self.dimensions[target].mappings:
            if name == source.name and element in elements:
                return self.dimensions[target].elements[elements.index(element)]
        return None

    def reduced(self, expression: Expression) -> tuple[str, ...]:
        """The names marked `!` in a reduction's argument, in order of appearance; inner reductions keep theirs."""
        found: dict[str, None] = {}
        stack: list[Expression] = [expression]
        while stack:
            node = stack.pop()
            if isinstance(node, Reference):
                for subscript in node.subscripts:
                    if subscript.endswith("!"):
                        found[subscript[:-1]] = None
            elif not (isinstance(node, Call) and node.function in REDUCTIONS and node is not expression):
                stack.extend(reversed(children(node)))
        return tuple(found)

    def index(self, name: str, chosen: Mapping[str, str]) -> int | None:
        """The 1-based position that a dimension or element stands for when it is used as a number."""
        if name in self.dimensions:
            element = self.resolve(name, chosen)
            return None if element is None else self.positions[name][element] + 1
        if name in self.owners:
            return self.positions[self.owners[name][0]][name] + 1
        return None


REDUCTIONS = frozenset({"sum", "prod", "vmin", "vmax", "mean", "stddev", "size_of", "vector_select"})


def find_definition_faults(model: Model, subscripts: Subscripts) -> list[Fault]:
    """Elements with two equations; one without any is a fault only where something needs it."""
    faults: list[Fault] = []
    for variable in model.variables.values():
        seen: dict[Elements, Place] = {}
        for definition in variable.definitions:
            for elements, _, _ in subscripts.of_definition(definition):
                if elements in seen:
                    faults.append(
                        fault(
                            definition.place,
                            "{label} is defined twice, first at line {line}",
                            remedy="Delete one of the two equations",
                            label=repr(model.label(variable.name, elements)),
                            line=seen[elements].line,
                        )
                    )
                    break
                seen[elements] = definition.place
    return faults


def resolve_reference(
    subscripts: Subscripts, reference: Reference, chosen: Mapping[str, str], place: Place
) -> tuple[Variable, Elements]:
    """The variable and elements that a reference means, or a ModelError that says why it means none."""
    model = subscripts.model
    variable = model.variables[reference.name]
    if len(reference.subscripts) != len(variable.dimensions):
        raise ModelError(
            fault(
                place,
                "{label} takes {count} subscripts, {found} given",
                expected="Subscripts {dimensions}",
                label=repr(variable.label),
                count=len(variable.dimensions),
                found=len(reference.subscripts),
                dimensions="[" + ", ".join(variable.dimensions) + "]",
            )
        )
    elements = []
    for subscript, dimension in zip(reference.subscripts, variable.dimensions, strict=True):
        element = subscripts.resolve(subscript, chosen)
        if element is not None and element not in subscripts.positions[dimension]:
            element = subscripts.resolve(dimension, {subscript.removesuffix("!"): element})
        if element is None or element not in subscripts.positions[dimension]:
            raise ModelError(
                fault(
                    place,
                    "subscript `{subscript}` of {label} is no element of `{dimension}` here",
                    expected="One of {elements}, or a range on the left-hand side that maps to it",
                    remedy=suggestion(subscript, subscripts.dimensions[dimension].elements),
                    subscript=subscript,
                    label=repr(variable.label),
                    dimension=subscripts.dimensions[dimension].label,
                    elements=", ".join(subscripts.dimensions[dimension].elements[:8]),
                )
            )
        elements.append(element)
    return variable, tuple(elements)
