"""From a model to flat equations: every variable, element by element, with its functions expanded."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise, product

from alliance_dynamics.errors import Fault, ModelError, Place, UnsupportedError, fault
from alliance_dynamics.kernel.allocation import ALLOCATION
from alliance_dynamics.kernel.arrays import ARRAYS
from alliance_dynamics.kernel.counts import DRAWS
from alliance_dynamics.kernel.matrices import MATRICES
from alliance_dynamics.kernel.memory import MEMORY
from alliance_dynamics.kernel.nodes import STEP_TIME, TIME, Equation, Node, const, post_order, var
from alliance_dynamics.kernel.numbers import number_of
from alliance_dynamics.kernel.stateless import STATELESS
from alliance_dynamics.kernel.subscripts import Subscripts, find_definition_faults, resolve_reference
from alliance_dynamics.kernel.table_functions import TABLES
from alliance_dynamics.model.expression import (
    Array,
    Binary,
    Call,
    Expression,
    LookupCall,
    Number,
    Reference,
    Table,
    Unary,
)
from alliance_dynamics.model.model import Definition, Model, Variable
from alliance_dynamics.model.names import flat

BINARY = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "div",
    "^": "pow",
    "=": "eq",
    "<>": "ne",
    "<": "lt",
    "<=": "le",
    ">": "gt",
    ">=": "ge",
    "and": "and",
    "or": "or",
}
Points = tuple[tuple[float, float], ...]
MOST_EQUATIONS = 200_000
MOST_NODES = 3_000_000  # parts of equations; a graph of them takes some 10 s and 1 GB
DEEPEST_CALLS = 5_000
PARTS_OF_MEMORY = 10  # of the equations of one level of a delay, or of another hidden value
WITH_EXPRESSIONS = {**ARRAYS, **ALLOCATION, **MATRICES, **TABLES}


def flat_equations(
    model: Model, points: Mapping[str, Points] | None = None, numbers: Mapping[str, float] | None = None
) -> dict[str, Equation]:
    """Every flat equation by flat name, in the order of the model; hidden ones follow the equation they serve.

    `points` replaces those of lookups, and `numbers` constants where a number must be known before any run; both by
    flat name.
    """
    subscripts = Subscripts(model)
    faults = find_definition_faults(model, subscripts)
    builder = _Builder(model, subscripts, points or {}, numbers or {})
    with _deep_calls():
        for variable in model.variables.values():
            if variable.kind == "lookup":
                continue
            for definition in variable.definitions:
                try:
                    builder.add(variable, definition)
                except ModelError as error:
                    faults.extend(error.faults)
                except RecursionError:
                    faults.append(
                        fault(definition.place, "the equation is nested too deeply", remedy="Split it in two")
                    )
    if faults:
        raise ModelError(_distinct(faults))
    return builder.equations


@contextmanager
def _deep_calls() -> Iterator[None]:
    """Room for expressions as deep as the readers let through, at three calls for each level of functions."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, DEEPEST_CALLS))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


class _Builder:
    def __init__(
        self, model: Model, subscripts: Subscripts, points: Mapping[str, Points], numbers: Mapping[str, float]
    ):
        self.model = model
        self.subscripts = subscripts
        self.points = points
        self.equations: dict[str, Equation] = {}
        self.draws = 0
        self.nodes = 0
        self.shared: dict[tuple[object, ...], list[Node]] = {}
        self.tables: dict[str, dict[tuple[str, ...], Table]] = {}
        self.numbers: dict[str, float | None] = dict(numbers)
        self.defined: dict[str, dict[tuple[str, ...], tuple[Definition, Mapping[str, str], int]]] = {}
        self.made_for: dict[str, str] = {}
        self.owners: dict[str, tuple[Variable | None, tuple[str, ...]]] = {}

    def add(self, variable: Variable, definition: Definition) -> None:
        for elements, chosen, position in self.subscripts.of_definition(definition):
            name = flat(variable.name, elements)
            if self.made_for.setdefault(name, variable.name) != variable.name:
                raise ModelError(
                    fault(
                        definition.place,
                        "{label} has the same full name as an element of another variable",
                        remedy="Rename one of the two",
                        label=repr(self.model.label(variable.name, elements)),
                    )
                )
            site = SiteOf(self, name, chosen, definition.place, held_time=variable.kind == "data")
            expression = definition.expression
            if isinstance(expression, Array):
                expression = Number(expression.values[position])
            value = site.node(expression)
            if variable.kind == "stock":
                initial = site.node(_element(definition.initial, position))
                equation = Equation(name, "stock", value, definition.place, initial)
                equation.non_negative = definition.non_negative
            elif variable.kind == "constant" and value[0] == "const":
                equation = Equation(name, "parameter", value, definition.place)
            else:
                equation = Equation(name, "auxiliary", value, definition.place)
                if definition.initial is not None:
                    equation.initial = site.node(_element(definition.initial, position))
            self.equations[name] = equation
            if len(self.equations) > MOST_EQUATIONS:
                raise UnsupportedError(
                    fault(
                        definition.place,
                        "the model has more than {limit} equations when its arrays are written out",
                        remedy="Use smaller dimensions",
                        limit=MOST_EQUATIONS,
                    )
                )

    def count(self, nodes: int, place: Place) -> None:
        """Keep account of what is written out; n elements that each need n others soon fill any memory."""
        self.nodes += nodes
        if self.nodes > MOST_NODES:
            raise UnsupportedError(
                fault(
                    place,
                    "the equations have more than {limit} parts when their arrays are written out, as far as here",
                    remedy="Use smaller dimensions, or sum over fewer elements",
                    limit=MOST_NODES,
                )
            )

    def number(self, name: str) -> float | None:
        """The value of a flat name at the start, from constants and their defaults; None where a run decides it."""
        if name not in self.numbers:
            self.numbers[name] = None  # a name that needs itself has no value
            variable, wanted = self.owner(name)
            if variable is not None and variable.kind in ("constant", "auxiliary"):
                if variable.name not in self.defined:
                    self.defined[variable.name] = {
                        elements: (definition, chosen, position)
                        for definition in variable.definitions
                        for elements, chosen, position in self.subscripts.of_definition(definition)
                    }
                if wanted in self.defined[variable.name]:
                    definition, chosen, position = self.defined[variable.name][wanted]
                    site = SiteOf(self, name, chosen, definition.place, held_time=False, remembers=False)
                    self.numbers[name] = site.constant(site.node(_element(definition.expression, position)))
        return self.numbers[name]

    def owner(self, name: str) -> tuple[Variable | None, tuple[str, ...]]:
        """The variable and elements of a flat name; names may hold brackets of their own."""
        if not self.owners:
            for variable in self.model.variables.values():
                for elements in self.subscripts.of_variable(variable):
                    self.owners[flat(variable.name, elements)] = (variable, elements)
        return self.owners.get(name, (None, ()))

    def lookup_table(self, reference: Reference, site: SiteOf) -> Table:
        """The points of a lookup (or data) variable for the elements that a reference means."""
        variable, elements = resolve_reference(self.subscripts, reference, site.chosen, site.place)
        tables = self.tables.get(variable.name)
        if tables is None:
            tables = self.tables[variable.name] = {}
            for definition in variable.definitions:
                for each, _, _ in self.subscripts.of_definition(definition):
                    found = self._table(definition, variable, site)
                    given = self.points.get(flat(variable.name, each))
                    if given is not None:
                        found = replace(found, x=tuple(x for x, _ in given), y=tuple(y for _, y in given))
                    tables[each] = found
        return tables[elements]

    def _table(self, definition: Definition, variable: Variable, site: SiteOf) -> Table:
        expression = definition.expression
        if isinstance(expression, LookupCall) and variable.kind == "data":
            expression = expression.table
        if isinstance(expression, Reference):
            return self.lookup_table(expression, site)
        if not isinstance(expression, Table):
            raise ModelError(fault(site.place, "{label} is used as a lookup but is none", label=repr(variable.label)))
        if len(expression.x) > 1 and all(a > b for a, b in pairwise(expression.x)):
            return replace(expression, x=expression.x[::-1], y=expression.y[::-1])
        return expression


class SiteOf:
    """One equation of one element: turns expressions into nodes and makes the hidden equations it needs."""

    def __init__(
        self,
        builder: _Builder,
        name: str,
        chosen: Mapping[str, str],
        place: Place,
        *,
        held_time: bool,
        remembers: bool = True,
    ):
        self.builder = builder
        self.remembers = remembers
        self.name = name
        self.chosen = dict(chosen)
        self.place = place
        self.time = STEP_TIME if held_time else TIME
        self.hidden = 0

    @property
    def subscripts(self) -> Subscripts:
        return self.builder.subscripts

    def node(self, expression: Expression | None) -> Node:
        self.builder.count(1, self.place)
        match expression:
            case Number(value):
                return const(value)
            case Reference():
                return self._reference(expression)
            case Unary("-", operand):
                inner = self.node(operand)
                return const(-inner[1]) if inner[0] == "const" else ("neg", inner)
            case Unary(_, operand):
                return ("not", self.node(operand))
            case Binary():
                return self._binary(expression)
            case LookupCall(table, argument):
                points = table if isinstance(table, Table) else self.builder.lookup_table(table, self)
                return ("lookup", points, self.node(argument))
            case Call(function, arguments):
                return self._call(function, arguments)
            case Table():
                return ("lookup", expression, self.time)
        raise ModelError(fault(self.place, "`{name}` has no usable equation", name=self.name))

    def choices(self, expression: Expression) -> list[dict[str, str]]:
        """One choice of elements for each combination of the `!` names in an expression, row-major."""
        names = self.subscripts.reduced(expression)
        ranges = [self.subscripts.elements(name) for name in names]
        bound = [name + "!" for name in names]
        self.builder.count(math.prod(len(each) for each in ranges), self.place)
        return [dict(zip(bound, each, strict=True)) for each in product(*ranges)]

    def with_choice(self, choice: Mapping[str, str], expression: Expression) -> Node:
        """The node of an expression with more names bound than the left-hand side binds."""
        saved = self.chosen
        self.chosen = {**saved, **choice}
        try:
            return self.node(expression)
        finally:
            self.chosen = saved

    def shared(self, key: tuple[object, ...], parts: int, make: Callable[[], list[Node]]) -> list[Node]:
        """Nodes that the equations of all elements of an array have in common, made once, of so many parts."""
        if key not in self.builder.shared:
            self.builder.count(parts, self.place)
            self.builder.shared[key] = make()
        return self.builder.shared[key]

    def unsupported(self, item: str) -> ModelError:
        return ModelError(fault(self.place, "{item} is not supported here", item=item))

    # what functions with memory ask for
    def random(self) -> Node:
        self.builder.draws += 1
        return ("random", self.builder.draws - 1)

    def value(self, node: Node) -> Node:
        """The node as a hidden equation of its own, so that equations over long chains stay short."""
        return self._hide("auxiliary", value=node)

    def stock(self, initial: Node) -> Node:
        return self._hide("stock", initial=initial)

    def held(self, initial: Node) -> Node:
        return self._hide("held", initial=initial)

    def frozen(self, initial: Node) -> Node:
        return self._hide("frozen", initial=initial)

    def ring(self, value: Node, length: Node, initial: Node) -> Node:
        return self._hide("ring", value=value, initial=initial, length=length)

    def set_rate(self, stock: Node, rate: Node) -> None:
        self.builder.equations[stock[1]].value = rate

    def number(self, node: Node, item: str) -> float:
        """A number known before any run, from constants and their defaults."""
        value = self.constant(node)
        if value is None:
            raise ModelError(fault(self.place, "{item} must be a constant number", item=item))
        return value

    def constant(self, node: Node) -> float | None:
        """The value of a node at the start where constants decide it; else None."""
        return number_of(node, self.builder.number, self._start)

    @property
    def _start(self) -> float | None:
        return self.builder.number("initial_time")

    def _hide(self, kind: str, **fields: Node) -> Node:
        if not self.remembers:
            raise self.unsupported("a function with memory in a number that must be known before the run")
        self.builder.count(PARTS_OF_MEMORY, self.place)
        self.hidden += 1
        while (name := f"{self.name}#{self.hidden}") in self.builder.model.variables:
            self.hidden += 1
        value = fields.pop("value", const(math.nan))
        self.builder.equations[name] = Equation(name, kind, value, self.place, hidden=True, **fields)  # type: ignore[arg-type]
        return var(name)

    def _reference(self, reference: Reference) -> Node:
        variables = self.builder.model.variables
        if reference.name == "time" and "time" not in variables:
            return self.time
        if reference.name not in variables:
            index = self.subscripts.index(reference.name, self.chosen)
            if index is not None:
                return const(index)
            raise ModelError(fault(self.place, "`{name}` is not defined", name=reference.name))
        variable, elements = resolve_reference(self.subscripts, reference, self.chosen, self.place)
        if variable.kind == "lookup":
            raise ModelError(
                fault(self.place, "the lookup {label} is used without an argument", label=repr(variable.label))
            )
        return var(flat(variable.name, elements))

    def _binary(self, expression: Binary) -> Node:
        # long sums lean left: walk down the left spine instead of recursing into it
        spine: list[Binary] = []
        node: Expression = expression
        while isinstance(node, Binary):
            spine.append(node)
            node = node.left
        value = self.node(node)
        for each in reversed(spine):
            value = (BINARY[each.operator], value, self.node(each.right))
        return value

    def _call(self, function: str, arguments: tuple[Expression, ...]) -> Node:
        if function in WITH_EXPRESSIONS:
            return WITH_EXPRESSIONS[function](self, *arguments)
        if function == "game":
            return self.node(arguments[0])
        nodes = [self.node(each) for each in arguments]
        if function in STATELESS:
            return STATELESS[function](*nodes)
        if function in DRAWS:
            drawn = DRAWS[function](self, *nodes)
            self.builder.count(sum(1 for _ in post_order([drawn])), self.place)
            return drawn
        if function in MEMORY:
            return MEMORY[function](self, *nodes)
        raise self.unsupported(f"the function `{function}`")


def _element(expression: Expression | None, position: int) -> Expression | None:
    return Number(expression.values[position]) if isinstance(expression, Array) else expression


def _distinct(faults: list[Fault]) -> list[Fault]:
    kept: dict[str, Fault] = {}
    for each in faults:
        kept.setdefault(str(each), each)
    return list(kept.values())
