"""From declarations to variables: definitions per array or per element, stocks with their net rates, macros inlined."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import product

from alliance_dynamics.errors import MOST_SUGGESTED, Fault, ModelError, Place, fault, suggestion
from alliance_dynamics.model.expression import Array, Binary, Expression, LookupCall, Number, Table, Unary, walk
from alliance_dynamics.model.model import Definition, Kind, Variable
from alliance_dynamics.model.xmile_calls import table_variable
from alliance_dynamics.model.xmile_declarations import flow_name, read_variables
from alliance_dynamics.model.xmile_equations import EquationError, parse_equation, parse_list
from alliance_dynamics.model.xmile_frame import Frame, Left, Library, NeedsElements, equation_fault
from alliance_dynamics.model.xmile_limits import at_least_zero
from alliance_dynamics.model.xmile_lowering import lower, lower_text
from alliance_dynamics.model.xmile_scopes import Curve, Declaration, Defaults, Macro, Part, Scope, Text
from alliance_dynamics.model.xmile_subscripts import bare_reference

MOST_WRITTEN_OUT = 20_000
MOST_PARTS = 3_000_000  # of equations that are written out element by element, in all
MOST_MACRO_CALLS = 10_000
_LOST = re.compile(r"\b0\s*\{\s*([A-Z][A-Z_ ]*?)[_ ]*\(")


@dataclass
class Assembly:
    """Builds the variables of one file; faults and notices gather here."""

    library: Library
    file: str
    faults: list[Fault]
    variables: dict[str, Variable] = field(default_factory=dict)
    instances: int = 0
    parts: int = 0

    def __post_init__(self) -> None:
        self.library.lower = lower
        self.library.expand_macro = self.expand_macro
        self.library.tables = self.tables

    def add(self, declaration: Declaration) -> None:
        variable = self.build(declaration, {}, ())
        self.variables.update(self.library.added)
        self.library.added.clear()
        if variable is not None:
            self.variables[declaration.name] = variable

    def build(
        self, declaration: Declaration, parameters: dict[str, Expression], open_macros: tuple[str, ...]
    ) -> Variable | None:
        """The variable of a declaration; None after appending its faults."""
        before = len(self.faults)
        frame = Frame(
            self.library,
            declaration.scope,
            declaration.name,
            declaration.label,
            tuple(Left(each) for each in declaration.dimensions),
            parameters=parameters,
            open_macros=open_macros,
        )
        if declaration.is_table:
            tables = self.tables(declaration)
            return table_variable(declaration.name, declaration, tables) if len(self.faults) == before else None
        definitions = self._definitions(declaration, frame)
        if len(self.faults) > before:
            return None
        kind = _kind(declaration, definitions)
        return Variable(
            declaration.name,
            declaration.label,
            kind,
            tuple(definitions),
            declaration.dimensions,
            declaration.unit,
            declaration.documentation,
            declaration.place,
        )

    def tables(self, declaration: Declaration) -> dict[tuple[str, ...], Table]:
        """The graphical function of every element; for a scalar under the empty tuple."""
        elements = list(product(*(self.library.dimensions[each].elements for each in declaration.dimensions)))
        own = {part.elements: part.curve for part in declaration.parts if part.curve is not None}
        found: dict[tuple[str, ...], Table] = {}
        missing = []
        for each in elements:
            curve = own.get(each, declaration.curve)
            table = None if curve is None else self._table(curve, declaration)
            if table is None:
                missing.append(each)
            else:
                found[each] = table
        if missing and not any(each.place.line == declaration.place.line for each in self.faults):
            self.faults.append(
                fault(
                    declaration.place,
                    "{label} has no graphical function for {missing}",
                    label=repr(declaration.label),
                    missing=", ".join("[" + ",".join(each) + "]" for each in missing[:5]),
                )
            )
        return found

    def _table(self, curve: Curve, declaration: Declaration) -> Table | None:
        if curve.table is not None or not curve.name:
            return curve.table
        name = declaration.scope.find(curve.name)
        other = self.library.declarations.get(name or "")
        if other is not None and other.curve is not None and other.curve.table is not None:
            return other.curve.table
        self.faults.append(
            fault(
                curve.place,
                "the graphical function `{name}` of {label} is not defined",
                name=curve.name,
                label=repr(declaration.label),
            )
        )
        return None

    def _definitions(self, declaration: Declaration, frame: Frame) -> list[Definition]:
        if declaration.connected:
            return self._written(
                declaration, frame, declaration.place, lambda f: bare_reference(declaration.connected, f)
            )
        self._split_list(declaration)
        whole, parts = declaration.equation, [part for part in declaration.parts if part.equation is not None]
        covered = {part.elements for part in parts}
        count = math.prod(len(self.library.dimensions[each].elements) for each in declaration.dimensions)
        if whole is None and len(covered) < count:
            self._missing(declaration, covered)
            return []
        found: list[Definition] = []
        if whole is not None and len(covered) < count:
            found.extend(self._of_text(declaration, frame, whole, tuple(sorted(covered))))
        for part in parts:
            assert part.equation is not None
            left = tuple(Left(d, e) for d, e in zip(declaration.dimensions, part.elements, strict=True))
            inner = replace(frame, left=left)
            found.extend(self._of_text(declaration, inner, part.equation, ()))
        return _joined(found, declaration, [self.library.dimensions[d].elements for d in declaration.dimensions])

    def _missing(self, declaration: Declaration, covered: set[tuple[str, ...]]) -> None:
        ranges = [self.library.dimensions[each].elements for each in declaration.dimensions]
        missing = [each for each in product(*ranges) if each not in covered] if covered else []
        self.faults.append(
            fault(
                declaration.place,
                "{label} has no equation" + (" for {missing}" if missing else ""),
                expected="Expected <eqn> with a number or an expression"
                + (", for a stock its initial value" if declaration.tag == "stock" else ""),
                remedy="Give it a value, or delete it",
                label=repr(declaration.label),
                missing=", ".join("[" + ",".join(each) + "]" for each in missing[:5]),
            )
        )

    def _split_list(self, declaration: Declaration) -> None:
        """`1, 2, 3` as the equation of an array: one for each element in row order."""
        text = declaration.equation
        if text is None or not declaration.dimensions or declaration.parts or "," not in text.text:
            return
        try:
            if len(parse_list(text.text)) < 2:
                return
        except EquationError:
            return
        pieces = _pieces(text.text)
        elements = list(product(*(self.library.dimensions[each].elements for each in declaration.dimensions)))
        if len(pieces) != len(elements):
            self.faults.append(
                fault(
                    declaration.place,
                    "{label} has {found} values for {wanted} elements",
                    expected="{label} expects {wanted}",
                    label=repr(declaration.label),
                    found=len(pieces),
                    wanted=len(elements),
                )
            )
            return
        declaration.parts = [
            Part(each, Text(piece, text.line), None, declaration.place)
            for each, piece in zip(elements, pieces, strict=True)
        ]
        declaration.equation = None

    def _of_text(
        self, declaration: Declaration, frame: Frame, text: Text, excluded: tuple[tuple[str, ...], ...]
    ) -> list[Definition]:
        place = Place(self.file, text.line or declaration.place.line)
        lost = _LOST.search(text.text) if self.library.from_vensim else None
        if lost:
            self.faults.append(
                fault(
                    place,
                    "{label}: the data of {function} were lost when the file was converted from Vensim",
                    expected="Expected the original .mdl with its data",
                    label=repr(declaration.label),
                    function=lost.group(1).strip("_ ").replace("_", " "),
                )
            )
            return []
        try:
            tree = parse_equation(text.text)
        except EquationError as error:
            self.faults.append(equation_fault(error, text, declaration.label, place))
            return []
        return self._written(declaration, frame, place, lambda f: lower(tree, f), excluded, text)

    def _written(
        self,
        declaration: Declaration,
        frame: Frame,
        place: Place,
        expression_in: Callable[[Frame], Expression],
        excluded: tuple[tuple[str, ...], ...] = (),
        text: Text | None = None,
    ) -> list[Definition]:
        """One definition for the frame's subscripts, or one for each of their elements where that is needed."""
        before = len(self.library.added), len(self.library.declarations)
        elementwise = any(part.curve for part in declaration.parts) and declaration.tag != "stock"
        elementwise = elementwise or (excluded != () and declaration.tag == "flow")
        if not elementwise:
            try:
                definition = self._definition(declaration, frame, place, expression_in, excluded, text)
                return [] if definition is None else [definition]
            except NeedsElements:
                for known, count in zip((self.library.added, self.library.declarations), before, strict=True):
                    for name in list(known)[count:]:
                        del known[name]
        ranges = [
            (left.element,) if left.element is not None else self.library.dimensions[left.dimension].elements
            for left in frame.left
        ]
        if math.prod(len(each) for each in ranges) > MOST_WRITTEN_OUT:
            self.faults.append(
                fault(
                    place,
                    "{label} has too many elements to be written out one by one",
                    expected="Expected at most {limit}",
                    label=repr(declaration.label),
                    limit=MOST_WRITTEN_OUT,
                )
            )
            return []
        found = []
        for elements in product(*ranges):
            if elements in excluded:
                continue
            left = tuple(Left(each.dimension, e) for each, e in zip(frame.left, elements, strict=True))
            inner = replace(frame, left=left)
            try:
                definition = self._definition(declaration, inner, place, expression_in, (), text)
            except NeedsElements:
                definition = None
                self.faults.append(
                    fault(place, "the subscripts of {label} cannot be resolved", label=repr(declaration.label))
                )
            if definition is None:
                return found
            self._count(definition)
            found.append(definition)
        return found

    def _count(self, definition: Definition) -> None:
        """Keep account of what is written out; many elements with long equations soon fill any memory."""
        self.parts += sum(1 for _ in walk(definition.expression))
        if self.parts > MOST_PARTS:
            raise ModelError(
                fault(
                    definition.place,
                    "the equations have more than {limit} parts when their arrays are written out, as far as here",
                    remedy="Use smaller dimensions, or sum over fewer elements",
                    limit=MOST_PARTS,
                )
            )

    def _definition(
        self,
        declaration: Declaration,
        frame: Frame,
        place: Place,
        expression_in: Callable[[Frame], Expression],
        excluded: tuple[tuple[str, ...], ...],
        text: Text | None,
    ) -> Definition | None:
        subscripts = tuple(left.subscript for left in frame.left)
        try:
            expression = expression_in(frame)
        except EquationError as error:
            shown = text or Text("", place.line)
            self.faults.append(equation_fault(error, shown, declaration.label, place))
            return None
        except RecursionError:
            self.faults.append(fault(place, "the equation of {label} is nested too deeply", label=repr(frame.label)))
            return None
        initial = None
        if declaration.tag == "stock" and not declaration.connected:
            expression, initial = self._net_rate(declaration, frame), expression
            if expression is None:
                return None
        else:
            if declaration.curve is not None or any(part.curve for part in declaration.parts):
                tables = self.tables(declaration)
                table = tables.get(subscripts) or next(iter(tables.values()), None)
                if table is None:
                    return None
                expression = LookupCall(table, expression)
            if declaration.initial is not None:
                initial = lower_text(declaration.initial, frame, place, self.faults)
            if declaration.non_negative and declaration.tag == "flow":
                expression = at_least_zero(expression)
        non_negative = declaration.non_negative and declaration.tag == "stock" and not declaration.connected
        return Definition(expression, subscripts, excluded, initial, non_negative, place)

    def _net_rate(self, declaration: Declaration, frame: Frame) -> Expression | None:
        value: Expression | None = None
        if declaration.netflow is not None:
            value = lower_text(declaration.netflow, frame, declaration.place, self.faults)
            if value is None:
                return None
        for text, operator in [(each, "+") for each in declaration.inflows] + [
            (each, "-") for each in declaration.outflows
        ]:
            name = declaration.scope.find(flow_name(text))
            if name is None or name not in self.library.declarations:
                continue  # reported once by check_flows
            try:
                flow = bare_reference(name, frame)
            except EquationError as error:
                self.faults.append(
                    equation_fault(error, Text("", text.line), declaration.label, Place(self.file, text.line))
                )
                return None
            if value is None:
                value = flow if operator == "+" else Unary("-", flow)
            else:
                value = Binary("+" if operator == "+" else "-", value, flow)
        return Number(0.0) if value is None else value

    def check_flows(self, declaration: Declaration) -> list[str]:
        """Appends a fault for each flow of a stock that does not exist; notices of those that are no flows."""
        notices = []
        for text, kind in [(e, "inflow") for e in declaration.inflows] + [(e, "outflow") for e in declaration.outflows]:
            found = self.library.declarations.get(declaration.scope.find(flow_name(text)) or "")
            if found is None:
                self.faults.append(
                    fault(
                        Place(self.file, text.line),
                        "the {kind} `{name}` of {label} is not defined",
                        expected="Expected the name of a <flow>",
                        remedy=self._near_flow(flow_name(text), declaration.scope),
                        kind=kind,
                        name=text.text.strip(),
                        label=repr(declaration.label),
                    )
                )
            elif found.tag != "flow":
                notices.append(
                    f"The {kind} {found.label} of {declaration.label} is declared as <{found.tag}>, not as <flow>."
                )
        return notices

    def _near_flow(self, name: str, scope: Scope) -> str:
        if len(self.faults) >= MOST_SUGGESTED:
            return ""
        return suggestion(name, [each for each, whole in scope.names.items() if whole in self.library.declarations])

    def expand_macro(self, frame: Frame, macro: Macro) -> Expression:
        """The value of a macro call; its variables become variables of the model, one set for each call."""
        self.instances += 1
        if self.instances > MOST_MACRO_CALLS:
            raise EquationError("macros are called more than {limit} times in all", limit=MOST_MACRO_CALLS)
        scope = Scope(f"{frame.owner}:{self.instances}.", f"{frame.label}:{macro.label} {self.instances}.", None)
        free = tuple(left for left in frame.left if left.element is None)
        if macro.variables is not None:
            before = len(self.faults)
            declarations = read_variables(
                macro.variables, scope, self.library.dimensions, Defaults(), self.file, self.faults, []
            )
            for declaration in declarations:
                if declaration.dimensions:
                    raise EquationError("arrays inside the macro {name} are not supported", name=macro.label)
                declaration.dimensions = tuple(left.dimension for left in free)
                self.library.declarations[declaration.name] = declaration
            for declaration in declarations:
                self.check_flows(declaration)
                variable = self.build(declaration, frame.parameters, frame.open_macros)
                if variable is not None:
                    self.library.added[declaration.name] = variable
            if len(self.faults) > before:
                return Number(0.0)
        inner = replace(frame, scope=scope)
        try:
            return lower(parse_equation(macro.equation.text), inner)
        except EquationError as error:
            if "macro" in error.values:  # said by a macro inside of this one
                raise
            values = {**error.values, "macro": macro.label}
            raise EquationError(
                "in the macro {macro}: " + error.what, expected=error.expected, remedy=error.remedy, **values
            ) from None


def _pieces(text: str) -> list[str]:
    """A text split at its outer commas."""
    pieces, depth, start = [], 0, 0
    for index, character in enumerate(text):
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == "," and depth == 0:
            pieces.append(text[start:index])
            start = index + 1
    return [*pieces, text[start:]]


def _joined(definitions: list[Definition], declaration: Declaration, ranges: list[tuple[str, ...]]) -> list[Definition]:
    """Numbers for every element as one definition with an array."""
    if declaration.tag == "flow" or len(definitions) < 2 or declaration.initial is not None:
        return definitions
    stock = declaration.tag == "stock"
    values = [each.initial if stock else each.expression for each in definitions]
    wanted = list(product(*ranges))
    by_elements = {each.subscripts: value for each, value in zip(definitions, values, strict=True)}
    if not all(isinstance(value, Number) for value in values) or set(by_elements) != set(wanted):
        return definitions
    numbers = [by_elements[each] for each in wanted]
    array = Array(tuple(map(len, ranges)), tuple(each.value for each in numbers if isinstance(each, Number)))
    first = definitions[0]
    if not stock:
        return [Definition(array, declaration.dimensions, place=first.place)]
    return definitions


def _kind(declaration: Declaration, definitions: list[Definition]) -> Kind:
    if declaration.tag == "stock":
        return "auxiliary" if declaration.connected else "stock"
    if declaration.tag == "flow":
        return "flow"
    plain = all(isinstance(each.expression, Number | Array) and each.initial is None for each in definitions)
    return "constant" if plain and not declaration.connected else "auxiliary"
