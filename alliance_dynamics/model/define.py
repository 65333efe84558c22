"""Equations lowered to definitions: stocks, constants, lookups, data from files, and all that is computed."""

from __future__ import annotations

import math
import re
from itertools import product
from typing import Any

from alliance_dynamics.errors import Fault, Place, fault
from alliance_dynamics.model import expression as ex
from alliance_dynamics.model.functions import CONSTRUCTS
from alliance_dynamics.model.lower import lower, table_of
from alliance_dynamics.model.model import Definition, Kind
from alliance_dynamics.model.names import canonical, flat
from alliance_dynamics.model.parse import NOT_AVAILABLE, Array, NotVensim, Parsed, Points, parse
from alliance_dynamics.model.places import Statement
from alliance_dynamics.model.scopes import Defined, Refused, Scope, World, finite, plain, refused, subscripts_of
from alliance_dynamics.model.sheets import Unreadable

_INTERPOLATIONS: dict[str, ex.Interpolation] = {
    "": "continuous",
    "interpolate": "continuous",
    "raw": "raw",
    "hold_backward": "backward",
    "look_forward": "forward",
}
_QUOTED = re.compile(r'("[^"\\]*(?:\\.[^"\\]*)*")')
_OPERATOR = re.compile(r":\s*(AND|OR|NOT|NA)\s*:", re.IGNORECASE)
_SPELLED = re.compile(r"\b(WITH|TABBED)[ _]+(LOOKUP|ARRAY)\b", re.IGNORECASE)
_OUTPUTS = re.compile(r":(?!\s*(?:AND|OR|NOT|NA)\s*:)(?<!AND:)(?<!OR:)(?<!NOT:)(?<!NA:)")
_BARE = re.compile(r'^(?:"[^"\\]*(?:\\.[^"\\]*)*"|[^"\[\]=:(<]+)\s*(?:\[[^\]]*\])?$')


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


def unreadable(statement: Statement, error: NotVensim) -> Fault:
    """The fault for an equation that the grammar refuses, at the column where it does."""
    place = statement.at(error.position) if error.position >= 0 else statement.place
    values = {"name": statement.label, **error.values}
    return fault(Place(place.file, place.line, place.column), "`{name}`: " + error.what, **values)


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


def _define(parsed: Parsed, scope: Scope) -> list[Defined]:
    world, statement = scope.world, scope.statement
    own = canonical(parsed.label)
    name = scope.local.get(own, own)
    label = scope.prefix + plain(parsed.label)
    subscripts = subscripts_of(parsed.subscripts, world)
    excluded = tuple(subscripts_of(each, world) for each in parsed.excluded)
    if scope.macros:
        if subscripts:
            raise refused(scope, "`{name}` has subscripts inside a macro, which is not supported", name=parsed.label)
        subscripts = tuple(each for each in scope.subscripts if each in world.dimensions)
        scope = Scope(world, statement, scope.subscripts, scope.arguments, scope.local, scope.macros, scope.prefix)
    else:
        scope = Scope(world, statement, subscripts)

    def made(kind: Kind, expression: ex.Expression, initial: ex.Expression | None = None) -> list[Defined]:
        _refuse_doubled(subscripts, expression, initial, scope)
        definition = Definition(expression, subscripts, excluded, initial, place=statement.place)
        return [Defined(name, label, kind, definition, statement)]

    def tables(strings: tuple[Any, ...], interpolation: ex.Interpolation, kind: Kind) -> list[Defined]:
        cells = cells_of(subscripts, excluded, world)
        if sum(len({cell[i] for cell in cells}) > 1 for i in range(len(subscripts))) > 1:
            raise refused(
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
            interpolation = _interpolation(parsed.keyword, scope)
            if interpolation == "raw":
                _say_raw(label, scope)
            return tables(arguments, interpolation, "data")
        case "integ":
            return made("stock", lower(arguments[0], scope), lower(arguments[1], scope))
        case "active_initial":
            return made("auxiliary", lower(arguments[0], scope), lower(arguments[1], scope))
    if isinstance(tree, Points):
        return made("lookup", table_of(tree, scope))
    if tree is None:
        return _data_without_equation(name, label, subscripts, excluded, parsed, scope)
    if isinstance(tree, Array):
        return made("constant", _array(tree, subscripts, scope))
    expression = lower(tree, scope)
    return made("constant" if isinstance(expression, ex.Number) else "auxiliary", expression)


def _refuse_doubled(
    subscripts: tuple[str, ...], expression: ex.Expression, initial: ex.Expression | None, scope: Scope
) -> None:
    """A range that stands twice on the left means no one element on the right."""
    doubled = {each for each in subscripts if each in scope.world.dimensions and subscripts.count(each) > 1}
    if not doubled:
        return
    for node in (node for root in (expression, initial) if root is not None for node in ex.walk(root)):
        if isinstance(node, ex.Reference) and (used := doubled & {node.name, *node.subscripts}):
            raise refused(
                scope,
                "`{name}` has the range `{range}` twice on the left, and once on the right it could mean either",
                remedy="Define another name for the range, `{range} 2 <-> {range}`, and use both",
                name=scope.statement.label,
                range=scope.world.dimensions[min(used)].label,
            )


def _called(tree: Any, scope: Scope) -> tuple[str, tuple[Any, ...]]:
    if type(tree).__name__ != "CallStructure":
        return "", ()
    name = canonical(tree.function.reference)
    if name not in CONSTRUCTS or name in scope.world.macros or name in scope.world.lookups:
        return "", ()
    return name, tuple(tree.arguments)


def _count_construct(function: str, arguments: tuple[Any, ...], scope: Scope) -> None:
    if function and not CONSTRUCTS[function][0] <= len(arguments) <= CONSTRUCTS[function][1]:
        raise refused(
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
        raise refused(
            scope,
            "`{name}` points to a file with something else than text",
            expected="Expected every argument in apostrophes.",
            name=scope.statement.label,
        )
    return arguments


def _interpolation(keyword: str, scope: Scope) -> ex.Interpolation:
    if keyword not in _INTERPOLATIONS:
        raise refused(
            scope,
            "`{name}` is data with the keyword :{keyword}:, which is not known",
            expected="Expected :INTERPOLATE:, :RAW:, :HOLD BACKWARD: or :LOOK FORWARD:.",
            name=scope.statement.label,
            keyword=keyword,
        )
    return _INTERPOLATIONS[keyword]


def _say_raw(label: str, scope: Scope) -> None:
    scope.world.files.notices.append(f"{label} is :RAW: data: between its points it is :NA: ({NOT_AVAILABLE:.3g}).")


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
        world.listing, world.listing_read = world.files.listing(world.stem, statement.place), True
    interpolation = _interpolation(parsed.keyword, scope)
    if interpolation == "raw":
        _say_raw(label, scope)
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
            raise refused(
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


def _array(tree: Array, subscripts: tuple[str, ...], scope: Scope) -> ex.Array:
    world = scope.world
    shape = tuple(len(world.elements(each)) for each in subscripts)
    wanted = math.prod(shape)
    last = next((size for size in reversed(shape) if size > 1), 1)
    if len(tree.values) != wanted or (len(tree.rows) > 1 and any(row != last for row in tree.rows)):
        raise refused(
            scope,
            "`{name}` has {count} numbers",
            expected="`{name}` expects {wanted}: {shape}.",
            name=scope.statement.label,
            count=len(tree.values),
            wanted=wanted,
            shape=" x ".join(f"{size} of {each}" for each, size in zip(subscripts, shape, strict=True)) or "a number",
        )
    return ex.Array(shape, tuple(finite(each, scope) for each in tree.values))
