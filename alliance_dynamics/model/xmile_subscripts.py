"""Subscripts of XMILE (names, numbers, wildcards, ranges, computed positions) as those of expressions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice, product

from alliance_dynamics.errors import suggestion
from alliance_dynamics.model.expression import Binary, Call, Expression, Number, Reference, Unary, walk
from alliance_dynamics.model.model import Dimension
from alliance_dynamics.model.xmile_equations import EquationError, Name, Position, Raw, Span, Wildcard, subscript_name
from alliance_dynamics.model.xmile_frame import Frame, Left, NeedsElements, lower_in
from alliance_dynamics.model.xmile_scopes import Declaration
from alliance_dynamics.model.xmile_specs import TIME_NAMES

MOST_CHOICES = 1_000
MOST_PARTS = 3_000_000  # of all choices of a file: each element repeats the computed subscript
EACH = "#each"


def bare_reference(name: str, frame: Frame, at: int = 0) -> Expression:
    """A variable without brackets: its elements are those of the left-hand side."""
    declaration = frame.library.declarations[name]
    if not declaration.dimensions:
        return Reference(name)
    return Reference(name, _implied(declaration, frame, at))


def indexed_reference(declaration: Declaration, node: Name, frame: Frame) -> Expression:
    """A variable with brackets; computed positions become a choice over the elements."""
    assert node.indices is not None
    if len(node.indices) != len(declaration.dimensions):
        raise EquationError(
            "{name} takes {wanted} subscripts, {found} given",
            node.at,
            expected="Expected [{dimensions}]" if declaration.dimensions else "Expected no brackets",
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
        elif isinstance(subscript, float | int):
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


def _implied(declaration: Declaration, frame: Frame, at: int) -> tuple[str, ...]:
    """The subscripts of a variable named without brackets."""
    if frame.whole_arrays:
        return tuple(_each(dimension, frame) for dimension in declaration.dimensions)
    subscripts: list[str] = []
    free = list(frame.left)
    for dimension in declaration.dimensions:
        left = next((each for each in free if each.dimension == dimension), None)
        left = left or next(
            (each for each in free if base_dimension(each.dimension) == base_dimension(dimension)), None
        )
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
                expected="Expected subscripts for it, or an array function such as SUM around it",
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


def base_dimension(dimension: str) -> str:
    return dimension.partition("#")[0]


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
    choices = math.prod(len(each) for each in ranges)
    if choices > MOST_CHOICES:
        raise EquationError(
            "a computed subscript of {name} has more than {limit} elements to choose from",
            node.at,
            name=repr(declaration.label),
            limit=MOST_CHOICES,
        )
    parts = sum(len(list(islice(walk(each), MOST_PARTS))) for _, each in computed)
    frame.library.parts += parts * choices
    if frame.library.parts > MOST_PARTS:
        raise EquationError(
            "the computed subscripts of this file are more than {limit} comparisons, as far as {name}",
            node.at,
            remedy="Give computed subscripts variables of their own, or use smaller dimensions",
            name=repr(declaration.label),
            limit=MOST_PARTS,
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
        case Wildcard(named, at):
            range_ = None if named is None else subscript_name(named)
            if range_ is not None and range_ not in dimensions:
                raise EquationError("`{name}` in `*:{name}` is no dimension", at, name=range_)
            return _reduced(dimension, range_, frame, at)
        case Span(first, last, at):
            return _reduced(dimension, _range(first, last, dimension, frame, at), frame, at)
        case Position(number, at, same):
            theirs = [base_dimension(each.dimension) for each in frame.left[number - 1 : number]]
            if same and theirs != [base_dimension(dimension)]:
                raise EquationError(
                    "the transpose of {name} does not fit {label}",
                    at,
                    expected="Expected the same two dimensions, in the other order",
                    name=repr(declaration.label),
                )
            if number > len(frame.left):
                raise EquationError("`@{number}` names no dimension of {label}", at, number=number)
            return _bound(frame.left[number - 1], dimension, frame, at)
        case Name(plain, shown, at, None):
            name = subscript_name(plain)
            if name in elements:
                return name
            owner, dot, element = (subscript_name(part) for part in plain.rpartition("."))
            if dot and owner in dimensions and element in dimensions[owner].elements and element in elements:
                return element
            if plain in frame.parameters:
                return _known_position(index, frame)
            found = frame.scope.find(plain)
            if name in dimensions:
                left = next(
                    (each for each in frame.left if each not in used and base_dimension(each.dimension) == name), None
                )
                left = left or next((each for each in frame.left if base_dimension(each.dimension) == name), None)
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
                    expected="Expected an element, or a dimension of the variable that is being defined",
                    name=shown,
                    variable=repr(declaration.label),
                )
            if found is None and name not in TIME_NAMES:
                raise EquationError(
                    "`{name}` is no element of `{dimension}`, in the brackets of {variable}",
                    at,
                    expected="Expected one of {known}",
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
    if set(own) <= set(theirs) or frame.library.from_vensim or _maps(base_dimension(dimension), frame):
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
        if isinstance(end, Name) and subscript_name(end.name) in source.elements:
            ends.append(source.elements.index(subscript_name(end.name)))
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
            expected="Expected from 1 to {count}",
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
    expression = lower_in(index, replace(frame, whole_arrays=False))
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
