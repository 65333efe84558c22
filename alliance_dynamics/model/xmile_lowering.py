"""From an equation's tree to an expression: names found, subscripts bound, functions of the closed table."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from alliance_dynamics.errors import Fault, Place, fault, nearest, suggestion
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
from alliance_dynamics.model.model import Definition, Dimension, Variable
from alliance_dynamics.model.xmile_declarations import Declaration, Macro, Scope, Text
from alliance_dynamics.model.xmile_equations import (
    Apply,
    Constant,
    EquationError,
    Infix,
    Name,
    Position,
    Prefix,
    Raw,
    Span,
    Wildcard,
    parse_equation,
)
from alliance_dynamics.model.xmile_functions import FROM_VENSIM, REDUCTIONS, REFUSED, XMILE_FUNCTIONS
from alliance_dynamics.model.xmile_specs import TIME_NAMES

MOST_CHOICES = 1_000
MOST_RANKED = 60
EACH = "#each"


class NeedsElements(Exception):
    """The equation computes with the position of its own element and must be written out element by element."""


@dataclass(frozen=True, slots=True)
class Left:
    """One subscript of the variable being defined: its dimension, and the element where only that one is defined."""

    dimension: str
    element: str | None = None

    @property
    def subscript(self) -> str:
        return self.dimension if self.element is None else self.element


@dataclass
class Library:
    """What equations may refer to, and what lowering them adds to the model."""

    declarations: dict[str, Declaration]
    dimensions: dict[str, Dimension]
    macros: dict[str, Macro]
    from_vensim: bool
    out_of_range: float = 0.0
    notices: dict[str, None] = field(default_factory=dict)
    added: dict[str, Variable] = field(default_factory=dict)
    expand_macro: Callable[[Frame, Macro, tuple[Expression, ...]], Expression] | None = None
    tables: Callable[[Declaration], dict[tuple[str, ...], Table]] | None = None


@dataclass(frozen=True)
class Frame:
    """Where an equation stands: its variable, the left-hand subscripts, and what surrounds the present node."""

    library: Library
    scope: Scope
    owner: str
    label: str
    left: tuple[Left, ...] = ()
    reducing: bool = False
    whole_arrays: bool = False
    self_allowed: bool = False
    parameters: dict[str, Expression] = field(default_factory=dict)
    open_macros: tuple[str, ...] = ()


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


def equation_fault(error: EquationError, text: Text, label: str, place: Place) -> Fault:
    """A fault with the line and column at which an equation's text went wrong."""
    before = text.text[: error.at]
    line = place.line + before.count("\n")
    column = error.at - (before.rfind("\n") + 1) + 1
    values = {**error.values, "label": repr(label), "column": column}
    return fault(
        Place(place.file, line, column if before.count("\n") else 0),
        error.what + ", in the equation of {label} at character {column}",
        expected=error.expected,
        remedy=error.remedy,
        **values,
    )


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
            return _apply(node, frame)
        case _:
            raise EquationError("a range or wildcard may stand only in brackets", getattr(node, "at", 0))


def bare_reference(name: str, frame: Frame, at: int = 0) -> Expression:
    """A variable without brackets: its elements are those of the left-hand side."""
    declaration = frame.library.declarations[name]
    if not declaration.dimensions:
        return Reference(name)
    return Reference(name, _implied(declaration, frame, at))


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
                value = _build("safediv", (value, right), frame)
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
                expected="{name}(x) or LOOKUP({name}, x)",
                name=node.shown,
            )
        if node.indices is None:
            return bare_reference(found, frame, node.at)
        return _indexed(declaration, node, frame)
    if node.indices is not None:
        raise _undefined(node, frame)
    if node.name in TIME_NAMES:
        return Reference(TIME_NAMES[node.name])
    if node.name in library.added and not library.added[node.name].dimensions:
        return Reference(node.name)
    number = _position_of(node.name, frame)
    if number is not None:
        return number
    if node.name in XMILE_FUNCTIONS and XMILE_FUNCTIONS[node.name].least == 0:
        return XMILE_FUNCTIONS[node.name].build(())
    raise _undefined(node, frame)


def _position_of(name: str, frame: Frame) -> Expression | None:
    """A dimension or `dimension.element` used as a number: the position of the element."""
    dimensions = frame.library.dimensions
    first, dot, last = name.rpartition(".")
    if dot and first in dimensions and last in dimensions[first].elements:
        return Number(float(dimensions[first].elements.index(last) + 1))
    if name in dimensions:
        for left in frame.left:
            if _base(left.dimension) == name:
                if left.element is None:
                    return Reference(left.dimension)
                return Number(float(dimensions[name].elements.index(left.element) + 1))
        raise EquationError(
            "the dimension `{name}` is used as a number in a variable that does not have it",
            expected="A variable with that dimension",
            name=dimensions[name].label,
        )
    owners = [each for each in dimensions.values() if "#" not in each.name and name in each.elements]
    positions = {each.elements.index(name) for each in owners}
    if len(positions) == 1:
        return Number(float(positions.pop() + 1))
    return None


def _undefined(node: Name, frame: Frame) -> EquationError:
    scope: Scope | None = frame.scope
    known: list[str] = list(frame.parameters)
    while scope is not None:
        known.extend(scope.names)
        known.extend(f"{module}.{name}" for module, inner in scope.modules.items() for name in inner.names)
        scope = scope.parent
    return EquationError(
        "`{name}` is not defined",
        node.at,
        expected="A variable of this model",
        remedy=suggestion(node.name, known) or _one_letter_off(node.name, known),
        name=node.shown,
    )


def _one_letter_off(name: str, known: list[str]) -> str:
    """A suggestion for short names, which the general rule finds too different."""
    near = nearest(name, [each for each in known if abs(len(each) - len(name)) <= 1], cutoff=0.6)
    return f"Did you mean `{near}`?".replace("{", "{{").replace("}", "}}") if near else ""


def _implied(declaration: Declaration, frame: Frame, at: int) -> tuple[str, ...]:
    """The subscripts of a variable named without brackets."""
    if frame.whole_arrays:
        return tuple(_each(dimension, frame) for dimension in declaration.dimensions)
    subscripts: list[str] = []
    free = list(frame.left)
    for dimension in declaration.dimensions:
        left = next((each for each in free if each.dimension == dimension), None)
        left = left or next((each for each in free if _base(each.dimension) == _base(dimension)), None)
        if left is None:
            elements = set(frame.library.dimensions[dimension].elements)
            left = next((each for each in free if _stands_in(each, elements, frame.library.dimensions)), None)
        if left is None:
            if frame.reducing:
                subscripts.append(_each(dimension, frame))
                continue
            raise EquationError(
                "dimension mismatch: {name} has [{theirs}], but {label} has [{ours}]",
                at,
                expected="Subscripts for it, or an array function such as SUM around it",
                name=repr(declaration.label),
                theirs=", ".join(frame.library.dimensions[each].label for each in declaration.dimensions),
                ours=", ".join(frame.library.dimensions[each.dimension].label for each in frame.left),
            )
        free.remove(left)
        subscripts.append(left.subscript)
    return tuple(subscripts)


def _stands_in(left: Left, elements: set[str], dimensions: dict[str, Dimension]) -> bool:
    if left.element is not None:
        return left.element in elements and not left.element.isdigit()
    own = dimensions[left.dimension].elements
    return set(own) <= elements and not own[0].isdigit()


def _each(dimension: str, frame: Frame, range_: str | None = None) -> str:
    """The mark of a dimension to reduce over, under a name of its own where the left-hand side has it too."""
    name = range_ or dimension
    if any(left.dimension == name for left in frame.left):
        alias = name + EACH
        source = frame.library.dimensions[name]
        frame.library.dimensions.setdefault(alias, Dimension(alias, source.label, source.elements, source.labels))
        name = alias
    return name + "!"


def _base(dimension: str) -> str:
    return dimension.partition("#")[0]


def _indexed(declaration: Declaration, node: Name, frame: Frame) -> Expression:
    """A variable with brackets; computed positions become a choice over the elements."""
    assert node.indices is not None
    if len(node.indices) != len(declaration.dimensions):
        raise EquationError(
            "{name} takes {wanted} subscripts, {found} given",
            node.at,
            expected="[{dimensions}]",
            name=repr(declaration.label),
            wanted=len(declaration.dimensions),
            found=len(node.indices),
            dimensions=", ".join(frame.library.dimensions[each].label for each in declaration.dimensions),
        )
    fixed: list[str | None] = []
    computed: list[tuple[str, Expression]] = []
    used: list[Left] = []
    for index, dimension in zip(node.indices, declaration.dimensions, strict=True):
        subscript = _subscript(index, dimension, declaration, frame, used)
        if isinstance(subscript, str):
            fixed.append(subscript)
        elif isinstance(subscript, float):
            element = _at_position(subscript, dimension, declaration, frame)
            if element is None:
                return Number(frame.library.out_of_range)
            fixed.append(element)
        else:
            fixed.append(None)
            computed.append((dimension, subscript))
    if not computed:
        return Reference(declaration.name, tuple(each for each in fixed if each is not None))
    return _choice(declaration, fixed, computed, frame, node)


def _at_position(value: float, dimension: str, declaration: Declaration, frame: Frame) -> str | None:
    elements = frame.library.dimensions[dimension].elements
    position = math.floor(value + 1e-6)
    if 1 <= position <= len(elements):
        return elements[position - 1]
    frame.library.notices[
        f"The equation of {frame.label} names the element {position} of {declaration.label}, which has"
        f" {len(elements)}; as XMILE says, it counts as {frame.library.out_of_range:g}."
    ] = None
    return None


def _choice(
    declaration: Declaration,
    fixed: Sequence[str | None],
    computed: Sequence[tuple[str, Expression]],
    frame: Frame,
    node: Name,
) -> Expression:
    ranges = [frame.library.dimensions[dimension].elements for dimension, _ in computed]
    if math.prod(len(each) for each in ranges) > MOST_CHOICES:
        raise EquationError(
            "a computed subscript of {name} has more than {limit} elements to choose from",
            node.at,
            name=repr(declaration.label),
            limit=MOST_CHOICES,
        )
    positions = [Call("floor", (Binary("+", each, Number(1e-6)),)) for _, each in computed]
    value: Expression = Number(frame.library.out_of_range)
    for numbers in product(*(range(len(each)) for each in ranges)):
        elements = iter([range_[number] for range_, number in zip(ranges, numbers, strict=True)])
        reference = Reference(declaration.name, tuple(next(elements) if each is None else each for each in fixed))
        condition: Expression | None = None
        for position, number in zip(positions, numbers, strict=True):
            equal = Binary("=", position, Number(float(number + 1)))
            condition = equal if condition is None else Binary("and", condition, equal)
        assert condition is not None
        value = Call("if_then_else", (condition, reference, value))
    return value


def _subscript(
    index: Raw, dimension: str, declaration: Declaration, frame: Frame, used: list[Left]
) -> str | float | Expression:
    """One index: a name for the model's expressions, a position known now, or an expression that gives it."""
    dimensions = frame.library.dimensions
    elements = dimensions[dimension].elements
    match index:
        case Wildcard(range_, at):
            if range_ is not None and range_ not in dimensions:
                raise EquationError("`{name}` in `*:{name}` is no dimension", at, name=range_)
            return _reduced(dimension, range_, frame, at)
        case Span(first, last, at):
            return _reduced(dimension, _range(first, last, dimension, frame, at), frame, at)
        case Position(number, at):
            if number > len(frame.left):
                raise EquationError("`@{number}` names no dimension of {label}", at, number=number)
            return _bound(frame.left[number - 1], dimension, frame, at)
        case Name(name, shown, at, None):
            if name in elements:
                return name
            if name in frame.parameters:
                return _known_position(index, frame)
            found = frame.scope.find(name)
            if name in dimensions:
                left = next((each for each in frame.left if each not in used and _base(each.dimension) == name), None)
                left = left or next((each for each in frame.left if _base(each.dimension) == name), None)
                if left is not None:
                    used.append(left)
                    return _bound(left, dimension, frame, at)
                if frame.reducing and set(dimensions[name].elements) <= set(elements):
                    return _each(dimension, frame, None if name == dimension else name)
                if frame.library.from_vensim or _maps(name, frame):
                    return name
                raise EquationError(
                    "the dimension `{name}` in the brackets of {variable} is not one of {label}",
                    at,
                    expected="An element, or a dimension of the variable that is being defined",
                    name=shown,
                    variable=repr(declaration.label),
                )
            if found is None and name not in TIME_NAMES:
                raise EquationError(
                    "`{name}` is no element of `{dimension}`, in the brackets of {variable}",
                    at,
                    expected="One of {known}",
                    remedy=suggestion(name, elements),
                    name=shown,
                    dimension=dimensions[dimension].label,
                    variable=repr(declaration.label),
                    known=", ".join(dimensions[dimension].labels[:8]),
                )
            return _known_position(index, frame)
        case _:
            return _known_position(index, frame)


def _maps(name: str, frame: Frame) -> bool:
    """Whether a left-hand dimension maps to (or from) this one."""
    mappings = frame.library.dimensions[name].mappings
    for left in frame.left:
        source = frame.library.dimensions[left.dimension]
        if any(target == name for target, _ in source.mappings) or any(t == left.dimension for t, _ in mappings):
            return True
    return False


def _bound(left: Left, dimension: str, frame: Frame, at: int) -> str | float:
    """The subscript that a left-hand dimension gives another variable."""
    dimensions = frame.library.dimensions
    own, theirs = dimensions[left.dimension].elements, dimensions[dimension].elements
    if left.element is not None:
        return left.element if left.element in theirs else float(own.index(left.element) + 1)
    if set(own) <= set(theirs) or frame.library.from_vensim or _maps(_base(dimension), frame):
        return left.dimension
    raise NeedsElements


def _reduced(dimension: str, range_: str | None, frame: Frame, at: int) -> str:
    if not frame.reducing:
        raise EquationError("`*` may stand only inside an array function such as SUM", at)
    return _each(dimension, frame, range_)


def _range(first: Raw, last: Raw, dimension: str, frame: Frame, at: int) -> str:
    """`first:last` as a dimension of its own."""
    source = frame.library.dimensions[dimension]
    ends = []
    for end in (first, last):
        if isinstance(end, Name) and end.name in source.elements:
            ends.append(source.elements.index(end.name))
            continue
        value = _known_position(end, frame)
        if not isinstance(value, float):
            raise EquationError("the ends of a range must be known before the run", at)
        ends.append(math.floor(value + 1e-6) - 1)
    low, high = ends
    if not 0 <= low <= high < len(source.elements):
        raise EquationError(
            "the range {low}:{high} is not inside `{dimension}`",
            at,
            expected="From 1 to {count}",
            low=low + 1,
            high=high + 1,
            dimension=source.label,
            count=len(source.elements),
        )
    name = f"{dimension}#{low + 1}:{high + 1}"
    frame.library.dimensions.setdefault(
        name, Dimension(name, source.label, source.elements[low : high + 1], source.labels[low : high + 1])
    )
    return name


def _known_position(index: Raw, frame: Frame) -> float | Expression:
    """A computed index: a number where it can be known now, else an expression."""
    expression = lower(index, replace(frame, whole_arrays=False))
    value = _constant(expression)
    if value is not None:
        return value
    own = {left.dimension for left in frame.left if left.element is None}
    if any(isinstance(node, Reference) and node.name in own for node in walk(expression)):
        raise NeedsElements
    return expression


def _constant(expression: Expression) -> float | None:
    """The value of arithmetic on numbers, or None."""
    match expression:
        case Number(value):
            return value
        case Unary("-", operand):
            inner = _constant(operand)
            return None if inner is None else -inner
        case Binary(operator, left, right) if operator in ("+", "-", "*", "/"):
            a, b = _constant(left), _constant(right)
            if a is None or b is None or (operator == "/" and b == 0):
                return None
            return {"+": a + b, "-": a - b, "*": a * b}.get(operator) if operator != "/" else a / b
        case Call("floor_modulo", (left, right)):
            a, b = _constant(left), _constant(right)
            return None if a is None or b is None or b == 0 else a - math.floor(a / b) * b
        case Call("min" | "max" as which, (left, right)):
            a, b = _constant(left), _constant(right)
            return None if a is None or b is None else (min(a, b) if which == "min" else max(a, b))
        case Call("floor", (operand,)):
            inner = _constant(operand)
            return None if inner is None else float(math.floor(inner))
        case _:
            return None


def _apply(node: Apply, frame: Frame) -> Expression:
    library, name = frame.library, node.subject.name
    found = frame.scope.find(name)
    if found is not None and found in library.declarations and (node.subject.indices or _has_curve(found, frame)):
        return _lookup(node.subject, node.arguments, frame)
    if name in library.macros:
        return _macro(node, library.macros[name], frame)
    name = name.removeprefix("std.").removeprefix("isee.")
    function = XMILE_FUNCTIONS.get(name)
    if node.subject.indices is not None or function is None:
        raise _unknown_function(node.subject, name, frame)
    count = len(node.arguments)
    if count < function.least or (function.most is not None and count > function.most):
        raise EquationError(
            "{name} is called with {count} arguments",
            node.subject.at,
            expected="{name}{signature}",
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
    inner = replace(frame, whole_arrays=False)
    if name in ("previous", "init"):
        inner = replace(inner, self_allowed=True)
    if name == "modulo" and not library.from_vensim:
        name = "mod"
    return _build(name, [lower(each, inner) for each in node.arguments], frame)


def _build(name: str, arguments: Sequence[Expression], frame: Frame) -> Expression:
    if frame.library.from_vensim and name in FROM_VENSIM:
        return FROM_VENSIM[name](arguments)
    return XMILE_FUNCTIONS[name].build(arguments)


def _unknown_function(subject: Name, name: str, frame: Frame) -> EquationError:
    declaration = frame.scope.find(subject.name)
    if declaration is not None:
        return EquationError(
            "`{name}` is a variable without a graphical function and cannot be called",
            subject.at,
            expected="A function, or an operator before the parenthesis",
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
        expected="A function of XMILE or a macro of this file",
        remedy=suggestion(subject.shown, known),
        name=subject.shown,
    )


def _reduction(name: str, node: Apply, frame: Frame) -> Expression:
    """SUM, MEAN, ... over whole arrays and wildcards; MIN and MAX also of several values."""
    several = len(node.arguments) > 1
    if name == "vector_select":
        inner = replace(frame, reducing=True, whole_arrays=False)
        return _build(name, [lower(each, inner) for each in node.arguments], frame)
    if name in ("min", "max") and several:
        values: list[Expression] = []
        for each in node.arguments:
            value = lower(each, replace(frame, reducing=True, whole_arrays=False))
            if not frame.reducing and _is_open(value):
                value = Call("v" + name, (value,))
            values.append(value)
        return _build(name, values, frame)
    inner = replace(frame, reducing=True, whole_arrays=not several)
    values = [lower(each, inner) for each in node.arguments]
    if not several and not _is_open(values[0]):
        if name in ("min", "max", "mean"):
            return values[0]
        raise EquationError(
            "{name} is given a single value",
            node.subject.at,
            expected="An array, or a slice such as a[*]",
            name=name.upper(),
        )
    return Call({"min": "vmin", "max": "vmax"}.get(name, name), tuple(values))


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
        if argument.indices is None and argument.name in dimensions and frame.scope.find(argument.name) is None:
            return len(dimensions[argument.name].elements)
        name = frame.owner if argument.name == "self" else frame.scope.find(argument.name)
        if name is not None and name in frame.library.declarations:
            declaration = frame.library.declarations[name]
            if argument.indices is None:
                return math.prod(len(dimensions[each].elements) for each in declaration.dimensions)
            reference = _indexed(declaration, argument, replace(frame, reducing=True))
            if isinstance(reference, Reference):
                marked = [each[:-1] for each in reference.subscripts if each.endswith("!")]
                return math.prod(len(dimensions[each].elements) for each in marked)
    raise EquationError(
        "SIZE takes an array or a dimension", getattr(argument, "at", 0), expected="SIZE(array) or SIZE(dimension)"
    )


def _rank(node: Apply, frame: Frame) -> Expression:
    """The flat index of the element of a given rank (ascending, ties in order); of one element, its own rank."""
    argument, rank = node.arguments
    values = lower(argument, replace(frame, reducing=True, whole_arrays=True))
    number = lower(rank, replace(frame, whole_arrays=False))
    if not _is_open(values):
        return Call("vector_rank", (values, number))
    if not isinstance(values, Reference):
        raise EquationError("RANK takes an array or a slice of one", node.subject.at)
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
    arguments = [lower(each, inner) for each in node.arguments]
    if any(_is_open(each) for each in arguments):
        raise EquationError(
            "a macro inside an array function is not supported: {name}", node.subject.at, name=macro.label
        )
    bound = dict(zip((name for name, _ in macro.parameters), arguments, strict=False))
    for name, default in macro.parameters[len(arguments) :]:
        if default is None:
            raise EquationError(
                "the macro {name} is called with {count} arguments",
                node.subject.at,
                expected="{name}({parameters})",
                name=macro.label,
                count=len(arguments),
                parameters=", ".join(each for each, _ in macro.parameters),
            )
        bound[name] = lower(parse_equation(default), replace(inner, parameters=bound))
    if len(arguments) > len(macro.parameters):
        raise EquationError(
            "the macro {name} is called with {count} arguments",
            node.subject.at,
            expected="{name}({parameters})",
            name=macro.label,
            count=len(arguments),
            parameters=", ".join(each for each, _ in macro.parameters),
        )
    assert frame.library.expand_macro is not None
    return frame.library.expand_macro(
        replace(inner, parameters=bound, open_macros=(*frame.open_macros, macro.name)), macro, tuple(arguments)
    )


def _has_curve(name: str, frame: Frame) -> bool:
    declaration = frame.library.declarations[name]
    return declaration.curve is not None or any(part.curve for part in declaration.parts)


def _lookup_function(name: str, node: Apply, frame: Frame) -> Expression:
    subject = node.arguments[0]
    if not isinstance(subject, Name):
        raise EquationError("{name} takes the name of a graphical function", node.subject.at, name=name.upper())
    if frame.scope.find(subject.name) is None:
        raise _undefined(subject, frame)
    return _lookup(subject, node.arguments[1:], frame, inverse=name == "lookupinv")


def _lookup(subject: Name, arguments: Sequence[Raw], frame: Frame, *, inverse: bool = False) -> Expression:
    library = frame.library
    declaration = library.declarations[frame.scope.find(subject.name) or ""]
    if not _has_curve(declaration.name, frame):
        raise EquationError("`{name}` has no graphical function", subject.at, name=subject.shown)
    if len(arguments) != 1:
        raise EquationError("the graphical function `{name}` takes one argument", subject.at, name=subject.shown)
    argument = lower(arguments[0], replace(frame, whole_arrays=False))
    assert library.tables is not None
    tables = library.tables(declaration)
    if inverse:
        tables = {key: _inverse(table, subject) for key, table in tables.items()}
    if not declaration.dimensions or (len(set(map(id, tables.values()))) == 1 and not subject.indices):
        return LookupCall(next(iter(tables.values())), argument)
    reference = (
        bare_reference(declaration.name, frame, subject.at)
        if subject.indices is None
        else _indexed(declaration, subject, frame)
    )
    if not isinstance(reference, Reference):
        raise EquationError("a computed subscript of a graphical function is not supported", subject.at)
    if reference.subscripts in tables:
        return LookupCall(tables[reference.subscripts], argument)
    name = declaration.name if declaration.is_table and not inverse else declaration.name + "#table" + "#i" * inverse
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
