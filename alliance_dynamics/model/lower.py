"""Syntax trees of single equations lowered to definitions: names resolved, calls told apart, macros inlined."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Any

from alliance_dynamics.errors import Fault, Place, fault, nearest
from alliance_dynamics.model import expression as ex
from alliance_dynamics.model.external import Files, Unreadable
from alliance_dynamics.model.functions import CONSTRUCTS, FUNCTIONS, REFUSED, function_of_vensim, vensim_names
from alliance_dynamics.model.model import Definition, Dimension, Kind
from alliance_dynamics.model.names import canonical, flat
from alliance_dynamics.model.parse import NOT_AVAILABLE, Array, NotVensim, Parsed, Points, parse
from alliance_dynamics.model.places import MacroText, Statement

_INTERPOLATIONS: dict[str, ex.Interpolation] = {
    "": "continuous",
    "interpolate": "continuous",
    "raw": "raw",
    "hold_backward": "backward",
    "look_forward": "forward",
}
_QUOTED = re.compile(r'("(?:\\.|[^"\\])*")')
_OPERATOR = re.compile(r":\s*(AND|OR|NOT|NA)\s*:", re.IGNORECASE)
_SPELLED = re.compile(r"\b(WITH|TABBED)[ _]+(LOOKUP|ARRAY)\b", re.IGNORECASE)
_OUTPUTS = re.compile(r":(?!\s*(?:AND|OR|NOT|NA)\s*:)(?<!AND:)(?<!OR:)(?<!NOT:)(?<!NA:)")
_BARE = re.compile(r'^(?:"(?:\\.|[^"\\])*"|[^"\[\]=:(<]+)\s*(?:\[[^\]]*\])?$')


@dataclass(frozen=True, slots=True)
class Defined:
    """One lowered equation: what it defines, as the modeller wrote the name, and what kind of quantity it makes."""

    name: str
    label: str
    kind: Kind
    definition: Definition
    statement: Statement


@dataclass
class Macro:
    text: MacroText
    body: list[tuple[Statement, Parsed]]
    uses: int = 0


@dataclass
class World:
    """All that the equations of one file share while they are lowered."""

    dimensions: dict[str, Dimension]
    files: Files
    stem: str
    macros: dict[str, Macro] = field(default_factory=dict)
    lookups: set[str] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)
    defined: list[Defined] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    listing: dict[str, tuple[list[float], list[float]]] | None = None
    listing_read: bool = False

    def __post_init__(self) -> None:
        self.written = tuple(self.dimensions.values())

    def elements(self, subscript: str) -> tuple[str, ...]:
        found = self.dimensions.get(subscript)
        return found.elements if found else (subscript,)


@dataclass(frozen=True)
class Scope:
    """Where names of an equation lead: in a macro, to its arguments and its own variables first."""

    world: World
    statement: Statement
    subscripts: tuple[str, ...] = ()
    arguments: dict[str, ex.Expression] = field(default_factory=dict)
    local: dict[str, str] = field(default_factory=dict)
    macros: tuple[str, ...] = ()
    prefix: str = ""


class Refused(Exception):
    """An equation that cannot be lowered; `fault` says why."""

    def __init__(self, problem: Fault):
        super().__init__(str(problem))
        self.fault = problem


def parse_statement(statement: Statement, macros_have_outputs: bool) -> Parsed:
    """The statement by PySD's grammar, after rewriting what the grammar does not know, meaning unchanged."""
    parts = _QUOTED.split(statement.text)
    for index in range(0, len(parts), 2):
        text = _OPERATOR.sub(lambda match: f":{match.group(1).upper()}:", parts[index])
        text = _SPELLED.sub(lambda match: f"{match.group(1)} {match.group(2)}".upper(), text)
        if macros_have_outputs and "(" in "".join(parts[: index + 1]):
            text = _OUTPUTS.sub(",", text)
        parts[index] = text
    text = "".join(parts)
    return parse(text + ":INTERPOLATE:" if _BARE.match(text) else text)


def define(parsed: Parsed, scope: Scope) -> None:
    """Add what one equation defines to the world; its faults too."""
    world = scope.world
    try:
        for defined in _define(parsed, scope):
            world.defined.append(defined)
    except Refused as error:
        world.faults.append(error.fault)
    except Unreadable as error:
        world.faults.append(error.fault)


def _subscripts(labels: Sequence[str], world: World) -> tuple[str, ...]:
    found = []
    for label in labels:
        bare = label.strip().removesuffix("!")
        world.labels.setdefault(canonical(bare), plain(bare))
        found.append(canonical(bare) + "!" * label.strip().endswith("!"))
    return tuple(found)


def _define(parsed: Parsed, scope: Scope) -> list[Defined]:
    world, statement = scope.world, scope.statement
    own = canonical(parsed.label)
    name = scope.local.get(own, own)
    label = scope.prefix + plain(parsed.label)
    subscripts = _subscripts(parsed.subscripts, world)
    excluded = tuple(_subscripts(each, world) for each in parsed.excluded)
    if scope.macros:
        if subscripts:
            raise _refused(scope, "`{name}` has subscripts inside a macro, which is not supported", name=parsed.label)
        subscripts = tuple(each for each in scope.subscripts if each in world.dimensions)
        scope = Scope(world, statement, scope.subscripts, scope.arguments, scope.local, scope.macros, scope.prefix)
    else:
        scope = Scope(world, statement, subscripts)

    def made(kind: Kind, expression: ex.Expression, initial: ex.Expression | None = None) -> list[Defined]:
        definition = Definition(expression, subscripts, excluded, initial, place=statement.place)
        return [Defined(name, label, kind, definition, statement)]

    def tables(strings: tuple[Any, ...], interpolation: ex.Interpolation, kind: Kind) -> list[Defined]:
        cells = cells_of(subscripts, excluded, world)
        if sum(len({cell[i] for cell in cells}) > 1 for i in range(len(subscripts))) > 1:
            raise _refused(
                scope,
                "`{name}` reads series for several subscripts at once",
                name=parsed.label,
                expected="Expected at most one subscript range; name the elements of the others.",
            )
        found = world.files.tables(_strings(strings, scope), len(cells), interpolation, statement.place)
        return [
            Defined(name, label, kind, Definition(_series(table, kind), cell, place=statement.place), statement)
            for cell, table in zip(cells, found, strict=True)
        ]

    tree = parsed.tree
    function, arguments = _called(tree, scope)
    _count_construct(function, arguments, scope)
    match function:
        case "get_xls_constants" | "get_direct_constants":
            shape = tuple(len(world.elements(each)) for each in subscripts)
            values = world.files.constants(_strings(arguments, scope), shape, statement.place)
            return made("constant", ex.Array(shape, values) if subscripts else ex.Number(values[0]))
        case "get_xls_lookups" | "get_direct_lookups":
            return tables(arguments, "continuous", "lookup")
        case "get_xls_data" | "get_direct_data":
            return tables(arguments, _interpolation(parsed.keyword, scope), "data")
        case "integ":
            return made("stock", lower(arguments[0], scope), lower(arguments[1], scope))
        case "active_initial":
            return made("auxiliary", lower(arguments[0], scope), lower(arguments[1], scope))
    if isinstance(tree, Points):
        return made("lookup", _table(tree, scope))
    if tree is None:
        return _data_without_equation(name, label, subscripts, excluded, parsed, scope)
    if isinstance(tree, Array):
        return made("constant", _array(tree, subscripts, scope))
    expression = lower(tree, scope)
    return made("constant" if isinstance(expression, ex.Number) else "auxiliary", expression)


def lower(tree: Any, scope: Scope) -> ex.Expression:
    """An expression for a tree of PySD's structures; Refused where it holds what is not supported."""
    match type(tree).__name__:
        case "float" | "int":
            return ex.Number(_finite(float(tree), scope))
        case "str":
            raise _refused(scope, "The text '{text}' stands where a number must stand", text=tree)
        case "ReferenceStructure":
            return _reference(tree, scope)
        case "ArithmeticStructure":
            return _arithmetic(tree, scope)
        case "LogicStructure":
            return _logic(tree, scope)
        case "InlineLookupsStructure":
            return ex.LookupCall(_table(tree.lookups, scope), lower(tree.argument, scope))
        case "CallStructure":
            return _call(tree, scope)
        case "Array":
            raise _refused(
                scope,
                "A list of numbers stands inside an expression",
                expected="Expected it alone on the right-hand side.",
            )
    raise _refused(scope, "{construct} is not supported", construct=type(tree).__name__.removesuffix("Structure"))


def plain(label: str) -> str:
    """A label as shown: without quotes around it, blanks as one blank."""
    label = " ".join(label.split())
    return label[1:-1].replace('\\"', '"') if len(label) > 1 and label[0] == label[-1] == '"' else label


def _arithmetic(tree: Any, scope: Scope) -> ex.Expression:
    operands = [lower(each, scope) for each in tree.arguments]
    if tree.operators == ["negative"]:
        operand = operands[0]
        return ex.Number(-operand.value) if isinstance(operand, ex.Number) else ex.Unary("-", operand)
    result = operands[0]
    for operator, operand in zip(tree.operators, operands[1:], strict=True):
        result = ex.Binary(operator, result, operand)
    return result


def _logic(tree: Any, scope: Scope) -> ex.Expression:
    operands = [lower(each, scope) for each in tree.arguments]
    if tree.operators == [":NOT:"]:
        return ex.Unary("not", operands[0])
    # :AND: binds before :OR:, which the grammar leaves to us.
    terms = [operands[0]]
    for operator, operand in zip(tree.operators, operands[1:], strict=True):
        if operator == ":OR:":
            terms.append(operand)
        elif operator == ":AND:":
            terms[-1] = ex.Binary("and", terms[-1], operand)
        else:
            terms[-1] = ex.Binary(operator, terms[-1], operand)
    result = terms[0]
    for term in terms[1:]:
        result = ex.Binary("or", result, term)
    return result


def _reference(tree: Any, scope: Scope) -> ex.Expression:
    subscripts = _subscripts(tree.subscripts.subscripts, scope.world) if tree.subscripts else ()
    name = canonical(tree.reference)
    if scope.macros and name.endswith("$"):
        return ex.Reference(name[:-1].rstrip("_"), subscripts)
    scope.world.labels.setdefault(name, plain(tree.reference))
    if name in scope.arguments:
        if subscripts:
            raise _refused(scope, "The argument `{name}` of a macro has subscripts", name=tree.reference)
        return scope.arguments[name]
    if name in scope.local:
        return ex.Reference(scope.local[name], _local_subscripts(scope))
    return ex.Reference(name, subscripts)


def _local_subscripts(scope: Scope) -> tuple[str, ...]:
    return tuple(each for each in scope.subscripts if each in scope.world.dimensions)


def _call(tree: Any, scope: Scope) -> ex.Expression:
    world = scope.world
    label = tree.function.reference
    name = canonical(label)
    if name in world.macros:
        return _expand(world.macros[name], tree.arguments, scope)
    if name in scope.arguments or name in scope.local or name in world.lookups:
        table = _reference(tree.function, scope)
        if not isinstance(table, ex.Reference | ex.Table) or len(tree.arguments) != 1:
            raise _refused(
                scope,
                "The lookup `{name}` is called with {count} arguments",
                expected="Expected 1.",
                name=label,
                count=len(tree.arguments),
            )
        return ex.LookupCall(table, lower(tree.arguments[0], scope))
    if name in CONSTRUCTS:
        raise _refused(
            scope,
            "{function} stands inside an expression",
            expected="Expected it as the whole right-hand side.",
            remedy="Give it a variable of its own.",
            function=CONSTRUCTS[name][2],
        )
    if name in REFUSED:
        raise _refused(scope, "{function} is not supported: {why}", function=label.upper(), why=REFUSED[name])
    function = function_of_vensim(label)
    if function is None:
        if name in world.names:
            raise _refused(
                scope,
                "`{name}` is called like a function but is not a lookup",
                remedy="Multiply with `*`, or give `{name}` points.",
                name=label,
            )
        raise _unknown(scope, label)
    arguments = tree.arguments
    if len(arguments) < function.least or (function.most is not None and len(arguments) > function.most):
        raise _refused(
            scope,
            "{function} is called with {count} argument(s) in `{name}`",
            expected="Expected {signature}: {meaning}.",
            function=function.vensim,
            count=len(arguments),
            signature=function.signature,
            meaning=function.meaning,
            name=scope.statement.label,
        )
    return ex.Call(function.name, tuple(lower(each, scope) for each in arguments))


def _unknown(scope: Scope, label: str) -> Refused:
    known = [*vensim_names(), *(plain(each.text.label) for each in scope.world.macros.values())]
    known += [scope.world.names[each] for each in scope.world.lookups if each in scope.world.names]
    near = nearest(label, known)
    return _refused(
        scope,
        "The function `{function}` in `{name}` is not known",
        remedy="Did you mean `{near}`?" if near else "",
        function=label,
        name=scope.statement.label,
        near=near,
    )


def _expand(macro: Macro, trees: Sequence[Any], scope: Scope) -> ex.Expression:
    """A use of a macro: its variables under names of their own, and a reference to its result."""
    world, text = scope.world, macro.text
    own = canonical(text.label)
    if own in scope.macros:
        raise _refused(
            scope,
            "The macro `{name}` calls itself: {path}",
            expected="Expected macros without recursion.",
            name=text.label,
            path=" -> ".join([*scope.macros, own]),
        )
    if len(trees) != len(text.parameters) + len(text.outputs):
        raise _refused(
            scope,
            "The macro `{name}` is called with {count} arguments",
            expected="Expected {inputs} inputs and {outputs} outputs.",
            name=text.label,
            count=len(trees),
            inputs=len(text.parameters),
            outputs=len(text.outputs),
        )
    macro.uses += 1
    prefix = f"{plain(text.label)} {macro.uses}: "
    subscripts = _local_subscripts(scope)
    arguments: dict[str, ex.Expression] = {}
    inputs = [lower(each, scope) for each in trees[: len(text.parameters)]]
    for label, value in zip(text.parameters, inputs, strict=True):
        if isinstance(value, ex.Reference | ex.Number):
            arguments[canonical(label)] = value
            continue
        if any(
            each.endswith("!") for node in ex.walk(value) if isinstance(node, ex.Reference) for each in node.subscripts
        ) and not any(isinstance(node, ex.Call) for node in ex.walk(value)):
            raise _refused(scope, "The macro `{name}` is called over marked subscripts (!)", name=text.label)
        named = canonical(prefix + label)
        definition = Definition(value, subscripts, place=scope.statement.place)
        world.defined.append(Defined(named, prefix + plain(label), "auxiliary", definition, scope.statement))
        arguments[canonical(label)] = ex.Reference(named, subscripts)
    inner_names = {canonical(parsed.label) for _, parsed in macro.body}
    local = {each: canonical(prefix + each) for each in inner_names}
    for statement, parsed in macro.body:
        if parsed.sign == "(":
            world.lookups.add(local[canonical(parsed.label)])
        inner = Scope(world, statement, scope.subscripts, arguments, local, (*scope.macros, own), prefix)
        define(parsed, inner)
    if own not in local:
        raise _refused(scope, "The macro `{name}` has no equation for its own name", name=text.label)
    for label, tree in zip(text.outputs, trees[len(text.parameters) :], strict=True):
        target = _reference(tree, scope) if type(tree).__name__ == "ReferenceStructure" else None
        if not isinstance(target, ex.Reference) or canonical(label) not in local:
            raise _refused(
                scope,
                "The output `{output}` of the macro `{name}` has no variable to go to",
                output=label,
                name=text.label,
            )
        definition = Definition(
            ex.Reference(local[canonical(label)], subscripts), subscripts, place=scope.statement.place
        )
        world.names.setdefault(target.name, plain(tree.reference))
        world.defined.append(Defined(target.name, plain(tree.reference), "auxiliary", definition, scope.statement))
    return ex.Reference(local[own], subscripts)


def _called(tree: Any, scope: Scope) -> tuple[str, tuple[Any, ...]]:
    if type(tree).__name__ != "CallStructure":
        return "", ()
    name = canonical(tree.function.reference)
    if name not in CONSTRUCTS or name in scope.world.macros or name in scope.world.lookups:
        return "", ()
    return name, tuple(tree.arguments)


def _count_construct(function: str, arguments: tuple[Any, ...], scope: Scope) -> None:
    if function and not CONSTRUCTS[function][0] <= len(arguments) <= CONSTRUCTS[function][1]:
        raise _refused(
            scope,
            "{function} is called with {count} argument(s) in `{name}`",
            expected="Expected {wanted}.",
            function=CONSTRUCTS[function][2],
            count=len(arguments),
            wanted=CONSTRUCTS[function][0],
            name=scope.statement.label,
        )


def _strings(arguments: tuple[Any, ...], scope: Scope) -> tuple[str, ...]:
    if not all(isinstance(each, str) for each in arguments):
        raise _refused(
            scope,
            "`{name}` points to a file with something else than text",
            expected="Expected every argument in apostrophes.",
            name=scope.statement.label,
        )
    return arguments


def _interpolation(keyword: str, scope: Scope) -> ex.Interpolation:
    if keyword not in _INTERPOLATIONS:
        raise _refused(
            scope,
            "`{name}` is data with the keyword :{keyword}:, which is not known",
            expected="Expected :INTERPOLATE:, :RAW:, :HOLD BACKWARD: or :LOOK FORWARD:.",
            name=scope.statement.label,
            keyword=keyword,
        )
    return _INTERPOLATIONS[keyword]


def cells_of(subscripts: tuple[str, ...], excluded: tuple[tuple[str, ...], ...], world: World) -> list[tuple[str, ...]]:
    left_out = {cell for each in excluded for cell in product(*(world.elements(name) for name in each))}
    return [cell for cell in product(*(world.elements(each) for each in subscripts)) if cell not in left_out]


def _series(table: ex.Table, kind: Kind) -> ex.Expression:
    return table if kind == "lookup" else ex.LookupCall(table, ex.Reference("time"))


def _data_without_equation(
    name: str,
    label: str,
    subscripts: tuple[str, ...],
    excluded: tuple[tuple[str, ...], ...],
    parsed: Parsed,
    scope: Scope,
) -> list[Defined]:
    world, statement = scope.world, scope.statement
    if not world.listing_read:
        world.listing, world.listing_read = world.files.listing(world.stem), True
    interpolation = _interpolation(parsed.keyword, scope)
    found = []
    cells = cells_of(subscripts, excluded, world)
    listed = [cell for cell in cells if world.listing and flat(name, cell) in world.listing]
    for cell in cells:
        key = flat(name, cell)
        if listed and cell not in listed:
            world.files.notices.append(f"There are no data for {key}; it is :NA: throughout.")
            missing = Definition(ex.Number(NOT_AVAILABLE), cell, place=statement.place)
            found.append(Defined(name, label, "data", missing, statement))
            continue
        if not world.listing or not listed:
            raise _refused(
                scope,
                "`{name}` has no equation, and no data for it lie beside the model",
                expected="Expected an equation, or the series `{key}` in {file}.",
                remedy="Read the data with GET DIRECT DATA, or list them in {file}.",
                name=label,
                key=key,
                file=f"{world.stem}_data.dat",
            )
        x, y = world.listing[key]
        expression = ex.LookupCall(ex.Table(tuple(x), tuple(y), interpolation), ex.Reference("time"))
        found.append(Defined(name, label, "data", Definition(expression, cell, place=statement.place), statement))
    return found


def _table(points: Points, scope: Scope) -> ex.Table:
    for x, y in zip(points.x, points.y, strict=True):
        _finite(x, scope)
        _finite(y, scope)
    if len(points.x) > 1 and all(before > after for before, after in pairwise(points.x)):
        # Written back to front: the same table, as Vensim takes it.  Any other disorder is refused by check_model.
        scope.world.files.notices.append(f"The points of `{scope.statement.label}` fall from right to left; turned.")
        return ex.Table(points.x[::-1], points.y[::-1], "continuous")
    return ex.Table(points.x, points.y, "continuous")


def _array(tree: Array, subscripts: tuple[str, ...], scope: Scope) -> ex.Array:
    world = scope.world
    shape = tuple(len(world.elements(each)) for each in subscripts)
    wanted = math.prod(shape)
    last = next((size for size in reversed(shape) if size > 1), 1)
    if len(tree.values) != wanted or (len(tree.rows) > 1 and any(row != last for row in tree.rows)):
        raise _refused(
            scope,
            "`{name}` has {count} numbers",
            expected="`{name}` expects {wanted}: {shape}.",
            name=scope.statement.label,
            count=len(tree.values),
            wanted=wanted,
            shape=" x ".join(f"{size} of {each}" for each, size in zip(subscripts, shape, strict=True)) or "a number",
        )
    return ex.Array(shape, tuple(_finite(each, scope) for each in tree.values))


def _finite(value: float, scope: Scope) -> float:
    if not math.isfinite(value):
        raise _refused(
            scope,
            "`{name}` holds a number that is too large",
            expected="Expected numbers below 1.8e308.",
            name=scope.statement.label,
        )
    return value


def _refused(scope: Scope, what: str, *, expected: str = "", remedy: str = "", **values: object) -> Refused:
    return Refused(fault(scope.statement.place, what, expected=expected, remedy=remedy, **values))


def unreadable(statement: Statement, error: NotVensim) -> Fault:
    """The fault for an equation that the grammar refuses, at the column where it does."""
    place = statement.at(error.position) if error.position >= 0 else statement.place
    values = {"name": statement.label, **error.values}
    return fault(Place(place.file, place.line, place.column), "`{name}`: " + error.what, **values)


assert not set(CONSTRUCTS) & set(FUNCTIONS)
