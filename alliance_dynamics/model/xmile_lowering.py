"""From an equation's tree to an expression: names found, operators, and the parts that have files of their own."""

from __future__ import annotations

from alliance_dynamics.errors import Fault, Place, fault
from alliance_dynamics.model.expression import Binary, Call, Expression, Number, Reference, Unary
from alliance_dynamics.model.xmile_calls import build_call, lower_call
from alliance_dynamics.model.xmile_equations import (
    Apply,
    Constant,
    EquationError,
    Infix,
    Name,
    Prefix,
    Raw,
    parse_equation,
    subscript_name,
)
from alliance_dynamics.model.xmile_frame import Frame, equation_fault, undefined
from alliance_dynamics.model.xmile_functions import XMILE_FUNCTIONS
from alliance_dynamics.model.xmile_scopes import Text
from alliance_dynamics.model.xmile_specs import CONTROLS, TIME_NAMES
from alliance_dynamics.model.xmile_subscripts import bare_reference, base_dimension, indexed_reference


def lower_text(text: Text, frame: Frame, place: Place, faults: list[Fault]) -> Expression | None:
    """The expression of an equation as written; None after appending its fault."""
    here = Place(place.file, text.line or place.line)
    try:
        return lower(parse_equation(text.text), frame)
    except EquationError as error:
        faults.append(equation_fault(error, text, frame.label, here))
    except RecursionError:
        faults.append(fault(here, "the equation of {label} is nested too deeply", label=repr(frame.label)))
    return None


def lower(node: Raw, frame: Frame) -> Expression:
    """The expression of a tree.  EquationError where it means nothing; NeedsElements where it must be written out."""
    match node:
        case Constant(value):
            return Number(value)
        case Prefix("-", operand):
            inner = lower(operand, frame)
            return Number(-inner.value) if isinstance(inner, Number) else Unary("-", inner)
        case Prefix(_, operand):
            return Unary("not", lower(operand, frame))
        case Infix():
            return _infix(node, frame)
        case Name():
            return _name(node, frame)
        case Apply():
            return lower_call(node, frame)
        case _:
            raise EquationError("a range or wildcard may stand only in brackets", getattr(node, "at", 0))


def _infix(node: Infix, frame: Frame) -> Expression:
    # long sums lean left: walk down the left side instead of recursing into it
    spine: list[Infix] = []
    inner: Raw = node
    while isinstance(inner, Infix):
        spine.append(inner)
        inner = inner.left
    value = lower(inner, frame)
    for each in reversed(spine):
        right = lower(each.right, frame)
        match each.operator:
            case "//":
                value = build_call("safediv", (value, right), frame)
            case "mod":
                value = Call("floor_modulo", (value, right))
            case "+" | "-" | "*" | "/" | "^" | "=" | "<>" | "<" | "<=" | ">" | ">=" | "and" | "or":
                value = Binary(each.operator, value, right)
    return value


def _name(node: Name, frame: Frame) -> Expression:
    library = frame.library
    if node.name in frame.parameters and node.indices is None:
        return frame.parameters[node.name]
    if node.name == "self":
        if not frame.self_allowed or frame.owner not in library.declarations:
            raise EquationError("SELF may stand only inside PREVIOUS, INIT and SIZE", node.at)
        return Reference(frame.owner, tuple(left.subscript for left in frame.left))
    found = frame.scope.find(node.name)
    if found is not None and found in library.declarations:
        declaration = library.declarations[found]
        if declaration.is_table:
            raise EquationError(
                "the graphical function `{name}` is used without an argument",
                node.at,
                expected="Expected {name}(x) or LOOKUP({name}, x)",
                name=node.shown,
            )
        if node.indices is None:
            return bare_reference(found, frame, node.at)
        return indexed_reference(declaration, node, frame)
    if node.indices is not None:
        raise undefined(node, frame)
    if node.name in TIME_NAMES:
        return Reference(TIME_NAMES[node.name])
    if node.name in CONTROLS:
        return Reference(node.name)
    number = _position_of(node.name, frame)
    if number is not None:
        return number
    if node.name in XMILE_FUNCTIONS and XMILE_FUNCTIONS[node.name].least == 0:
        return XMILE_FUNCTIONS[node.name].build(())
    if node.name == "nan":
        raise EquationError("it has no value yet (NAN)", node.at, expected="Expected a number or an expression")
    raise undefined(node, frame)


def _position_of(name: str, frame: Frame) -> Expression | None:
    """A dimension or `dimension.element` used as a number: the position of the element."""
    dimensions = frame.library.dimensions
    first, dot, last = (subscript_name(part) for part in name.rpartition("."))
    name = subscript_name(name)
    if dot and first in dimensions and last in dimensions[first].elements:
        return Number(float(dimensions[first].elements.index(last) + 1))
    if name in dimensions:
        for left in frame.left:
            if base_dimension(left.dimension) == name:
                if left.element is None:
                    return Reference(left.dimension)
                return Number(float(dimensions[name].elements.index(left.element) + 1))
        raise EquationError(
            "the dimension `{name}` is used as a number in a variable that does not have it",
            expected="Expected a variable with that dimension",
            name=dimensions[name].label,
        )
    owners = [each for each in dimensions.values() if "#" not in each.name and name in each.elements]
    positions = {each.elements.index(name) for each in owners}
    if len(positions) == 1:
        return Number(float(positions.pop() + 1))
    return None
