"""Calls in XMILE: functions, array functions, graphical functions and macros."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice, product

from alliance_dynamics.errors import suggestion
from alliance_dynamics.model.expression import (
    Binary,
    Call,
    Expression,
    LookupCall,
    Number,
    Reference,
    Table,
    Unary,
    walk,
)
from alliance_dynamics.model.model import Definition, Variable
from alliance_dynamics.model.xmile_equations import Apply, EquationError, Name, Raw, parse_equation, subscript_name
from alliance_dynamics.model.xmile_frame import Frame, lower_in, undefined
from alliance_dynamics.model.xmile_functions import FROM_VENSIM, REDUCTIONS, REFUSED, XMILE_FUNCTIONS
from alliance_dynamics.model.xmile_scopes import Declaration, Macro
from alliance_dynamics.model.xmile_specs import TIME_NAMES
from alliance_dynamics.model.xmile_subscripts import bare_reference, indexed_reference

MOST_RANKED = 60
MOST_IN_ARGUMENT = 1_000
VECTORS = frozenset({"vector_elm_map", "vector_sort_order", "vector_rank", "vector_reorder"})


def lower_call(node: Apply, frame: Frame) -> Expression:
    library, name = frame.library, node.subject.name
    found = frame.scope.find(name)
    if found is not None and found in library.declarations and (node.subject.indices or _has_curve(found, frame)):
        return _lookup(node.subject, node.arguments, frame)
    if name in library.macros:
        return _macro(node, library.macros[name], frame)
    if name in TIME_NAMES and not node.arguments and node.subject.indices is None:
        return Reference(TIME_NAMES[name])
    name = name.removeprefix("std.").removeprefix("isee.")
    function = XMILE_FUNCTIONS.get(name)
    if node.subject.indices is not None or function is None:
        raise _unknown_function(node.subject, name, frame)
    count = len(node.arguments)
    if count < function.least or (function.most is not None and count > function.most):
        raise EquationError(
            "{name} is called with {count} arguments",
            node.subject.at,
            expected="Expected {name}{signature}",
            name=node.subject.shown.upper(),
            count=count,
            signature=function.signature,
        )
    if name in ("lookup", "lookupinv"):
        return _lookup_function(name, node, frame)
    if name == "size":
        return Number(float(_size(node.arguments[0], frame)))
    if name == "rank":
        return _rank(node, frame)
    if name in REDUCTIONS:
        return _reduction(name, node, frame)
    if name in VECTORS:
        return _vector(name, node, frame)
    inner = replace(frame, whole_arrays=False)
    if name in ("previous", "init"):
        inner = replace(inner, self_allowed=True)
    if name == "modulo" and not library.from_vensim:
        name = "mod"
    return build_call(name, [lower_in(each, inner) for each in node.arguments], frame)


def build_call(name: str, arguments: Sequence[Expression], frame: Frame) -> Expression:
    if frame.library.from_vensim and name in FROM_VENSIM:
        return FROM_VENSIM[name](arguments)
    return XMILE_FUNCTIONS[name].build(arguments)


def _unknown_function(subject: Name, name: str, frame: Frame) -> EquationError:
    declaration = frame.scope.find(subject.name)
    if declaration is not None:
        return EquationError(
            "`{name}` is a variable without a graphical function and cannot be called",
            subject.at,
            expected="Expected a function, or an operator before the parenthesis",
            name=subject.shown,
        )
    if name in REFUSED:
        return EquationError(
            "the function {name} is not supported: {reason}", subject.at, name=subject.shown, reason=REFUSED[name]
        )
    known = [each.upper() for each in XMILE_FUNCTIONS] + [each.label for each in frame.library.macros.values()]
    return EquationError(
        "the function {name} is not known",
        subject.at,
        expected="Expected a function of XMILE or a macro of this file",
        remedy=suggestion(subject.shown, known),
        name=subject.shown,
    )


def _reduction(name: str, node: Apply, frame: Frame) -> Expression:
    """SUM, MEAN, ... over whole arrays and wildcards; MIN and MAX also of several values."""
    several = len(node.arguments) > 1
    if name == "vector_select":
        inner = replace(frame, reducing=True, whole_arrays=False)
        return build_call(name, [lower_in(each, inner) for each in node.arguments], frame)
    if name in ("min", "max") and several:
        values: list[Expression] = []
        for each in node.arguments:
            value = lower_in(each, replace(frame, reducing=True, whole_arrays=False))
            if not frame.reducing and _is_open(value):
                value = Call("v" + name, (value,))
            values.append(value)
        return build_call(name, values, frame)
    inner = replace(frame, reducing=True, whole_arrays=not several)
    values = [lower_in(each, inner) for each in node.arguments]
    if not several and not _is_open(values[0]):
        if name in ("min", "max", "mean"):
            return values[0]
        raise EquationError(
            "{name} is given a single value",
            node.subject.at,
            expected="Expected an array, or a slice such as a[*]",
            name=name.upper(),
        )
    return Call({"min": "vmin", "max": "vmax"}.get(name, name), tuple(values))


def _vector(name: str, node: Apply, frame: Frame) -> Expression:
    """A function of one element among its array; an array that is computed becomes a variable of its own."""
    inner = replace(frame, whole_arrays=False)
    operand, *rest = [lower_in(each, inner) for each in node.arguments]
    if not isinstance(operand, Reference):
        name_of_operand = f"{frame.owner}:{len(frame.library.added) + 1}"
        free = tuple(left.dimension for left in frame.left if left.element is None)
        place = frame.library.declarations[frame.owner].place
        frame.library.added[name_of_operand] = Variable(
            name_of_operand,
            f"{frame.label} operand {len(frame.library.added) + 1}",
            "auxiliary",
            (Definition(operand, free, place=place),),
            free,
            place=place,
        )
        first = tuple(frame.library.dimensions[each].elements[0] for each in free)
        operand = Reference(name_of_operand, first if name == "vector_elm_map" else free)
    return Call(name, (operand, *rest))


def _is_open(expression: Expression) -> bool:
    """Whether an expression has wildcards that no array function inside it uses up."""
    stack = [expression]
    while stack:
        node = stack.pop()
        match node:
            case Reference(_, subscripts):
                if any(each.endswith("!") for each in subscripts):
                    return True
            case Call(function, _) if function in ("sum", "prod", "mean", "stddev", "vmin", "vmax", "vector_select"):
                pass
            case Call(_, arguments):
                stack.extend(arguments)
            case Binary(_, left, right):
                stack.extend((left, right))
            case Unary(_, operand):
                stack.append(operand)
            case LookupCall(table, argument):
                stack.append(argument)
                if isinstance(table, Reference):
                    stack.append(table)
            case _:
                pass
    return False


def _size(argument: Raw, frame: Frame) -> int:
    dimensions = frame.library.dimensions
    if isinstance(argument, Name):
        dimension = subscript_name(argument.name)
        if argument.indices is None and dimension in dimensions and frame.scope.find(argument.name) is None:
            return len(dimensions[dimension].elements)
        name = frame.owner if argument.name == "self" else frame.scope.find(argument.name)
        if name is not None and name in frame.library.declarations:
            declaration = frame.library.declarations[name]
            if argument.indices is None:
                return math.prod(len(dimensions[each].elements) for each in declaration.dimensions)
            reference = indexed_reference(declaration, argument, replace(frame, reducing=True))
            if isinstance(reference, Reference):
                marked = [each[:-1] for each in reference.subscripts if each.endswith("!")]
                return math.prod(len(dimensions[each].elements) for each in marked)
    raise EquationError(
        "SIZE takes an array or a dimension",
        getattr(argument, "at", 0),
        expected="Expected SIZE(array) or SIZE(dimension)",
    )


def _rank(node: Apply, frame: Frame) -> Expression:
    """The flat index of the element of a given rank (ascending, ties in order); of one element, its own rank."""
    argument, rank = node.arguments
    values = lower_in(argument, replace(frame, reducing=True, whole_arrays=True))
    if not _is_open(values):
        return _vector("vector_rank", node, frame)
    if not isinstance(values, Reference):
        raise EquationError("RANK takes an array or a slice of one", node.subject.at)
    number = lower_in(rank, replace(frame, whole_arrays=False))
    ranges = [
        frame.library.dimensions[each[:-1]].elements if each.endswith("!") else (each,) for each in values.subscripts
    ]
    every = [Reference(values.name, elements) for elements in product(*ranges)]
    if len(every) > MOST_RANKED:
        raise EquationError("RANK takes at most {limit} elements", node.subject.at, limit=MOST_RANKED)
    value: Expression = Number(frame.library.out_of_range)
    for index, each in enumerate(every):
        place: Expression = Number(1.0)
        for other, against in enumerate(every):
            if other != index:
                place = Binary("+", place, Binary("<=" if other < index else "<", against, each))
        value = Call("if_then_else", (Binary("=", number, place), Number(float(index + 1)), value))
    return value


def _macro(node: Apply, macro: Macro, frame: Frame) -> Expression:
    if macro.name in frame.open_macros:
        raise EquationError("recursive macro: {name} calls itself", node.subject.at, name=macro.label)
    inner = replace(frame, whole_arrays=False)
    arguments = [lower_in(each, inner) for each in node.arguments]
    if any(_is_open(each) for each in arguments):
        raise EquationError(
            "a macro inside an array function is not supported: {name}", node.subject.at, name=macro.label
        )
    if any(len(list(islice(walk(each), MOST_IN_ARGUMENT + 1))) > MOST_IN_ARGUMENT for each in arguments):
        raise EquationError(
            "an argument of the macro {name} has more than {limit} parts",
            node.subject.at,
            remedy="Give it a variable of its own",
            name=macro.label,
            limit=MOST_IN_ARGUMENT,
        )
    bound = dict(zip((name for name, _ in macro.parameters), arguments, strict=False))
    for name, default in macro.parameters[len(arguments) :]:
        if default is None:
            raise EquationError(
                "the macro {name} is called with {count} arguments",
                node.subject.at,
                expected="Expected {name}({parameters})",
                name=macro.label,
                count=len(arguments),
                parameters=", ".join(each for each, _ in macro.parameters),
            )
        bound[name] = lower_in(parse_equation(default), replace(inner, parameters=bound))
    if len(arguments) > len(macro.parameters):
        raise EquationError(
            "the macro {name} is called with {count} arguments",
            node.subject.at,
            expected="Expected {name}({parameters})",
            name=macro.label,
            count=len(arguments),
            parameters=", ".join(each for each, _ in macro.parameters),
        )
    return frame.library.expand_macro(
        replace(inner, parameters=bound, open_macros=(*frame.open_macros, macro.name)), macro
    )


def _has_curve(name: str, frame: Frame) -> bool:
    declaration = frame.library.declarations[name]
    return declaration.curve is not None or any(part.curve for part in declaration.parts)


def _lookup_function(name: str, node: Apply, frame: Frame) -> Expression:
    subject = node.arguments[0]
    if not isinstance(subject, Name):
        raise EquationError("{name} takes the name of a graphical function", node.subject.at, name=name.upper())
    if frame.scope.find(subject.name) is None:
        raise undefined(subject, frame)
    return _lookup(subject, node.arguments[1:], frame, inverse=name == "lookupinv")


def _lookup(subject: Name, arguments: Sequence[Raw], frame: Frame, *, inverse: bool = False) -> Expression:
    library = frame.library
    declaration = library.declarations[frame.scope.find(subject.name) or ""]
    if not _has_curve(declaration.name, frame):
        raise EquationError("`{name}` has no graphical function", subject.at, name=subject.shown)
    if len(arguments) != 1:
        raise EquationError("the graphical function `{name}` takes one argument", subject.at, name=subject.shown)
    argument = lower_in(arguments[0], replace(frame, whole_arrays=False))
    tables = library.tables(declaration)
    if not tables:  # its points are at fault, which is said where they stand
        return Number(0.0)
    if inverse:
        tables = {key: _inverse(table, subject) for key, table in tables.items()}
    if not declaration.dimensions or (len(set(map(id, tables.values()))) == 1 and not subject.indices):
        return LookupCall(next(iter(tables.values())), argument)
    reference = (
        bare_reference(declaration.name, frame, subject.at)
        if subject.indices is None
        else indexed_reference(declaration, subject, frame)
    )
    if not isinstance(reference, Reference):
        raise EquationError("a computed subscript of a graphical function is not supported", subject.at)
    if reference.subscripts in tables:
        return LookupCall(tables[reference.subscripts], argument)
    own = declaration.is_table and not inverse
    name = declaration.name if own else declaration.name + ":table" + ":inverse" * inverse
    if name not in library.declarations and name not in library.added:
        library.added[name] = table_variable(name, declaration, tables)
    return LookupCall(Reference(name, reference.subscripts), argument)


def table_variable(name: str, declaration: Declaration, tables: dict[tuple[str, ...], Table]) -> Variable:
    """The graphical functions of an arrayed variable as a lookup of their own."""
    return Variable(
        name,
        declaration.label,
        "lookup",
        tuple(Definition(table, elements, place=declaration.place) for elements, table in tables.items()),
        declaration.dimensions,
        place=declaration.place,
    )


def _inverse(table: Table, subject: Name) -> Table:
    rising = all(b > a for a, b in zip(table.y, table.y[1:], strict=False))
    falling = all(b < a for a, b in zip(table.y, table.y[1:], strict=False))
    if not (rising or falling):
        raise EquationError(
            "LOOKUPINV of `{name}`, which neither rises nor falls throughout", subject.at, name=subject.shown
        )
    points = sorted(zip(table.y, table.x, strict=True))
    return Table(tuple(y for y, _ in points), tuple(x for _, x in points), "continuous")
