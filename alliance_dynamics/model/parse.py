"""Single Vensim equations as PySD's syntax trees, by PySD's grammar and visitors, with no text ever executed.

Only this file imports `pysd`, and only when an equation is parsed.  PySD's translators evaluate numbers, strings and
lookup points with `eval`; `literal.read_literal` takes that name's place before the first parse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from alliance_dynamics.model.literal import UnsafeText, read_literal

NOT_AVAILABLE = -(2.0**109)  # what :NA: is, a number that compares equal to itself
_PLAIN = re.compile(r"[+-]?\s*(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_CONSTANT = re.compile(r"([A-Za-z](?: ?[A-Za-z0-9_])*) ?= ?(-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?) ?")
_ROWS = re.compile(r"^([^=]*?)\(([^()]*)\)\s*$")
_SIGN = re.compile(r"([+-])\s+")


class NotVensim(Exception):
    """Text that the grammar refuses; `position` counts within the text, -1 where it is unknown."""

    def __init__(self, what: str, position: int = -1, **values: object):
        super().__init__(what)
        self.what, self.position, self.values = what, position, values


@dataclass(frozen=True, slots=True)
class Array:
    """Numbers separated by commas and semicolons, as written; `rows` counts them by semicolon."""

    values: tuple[float, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Points:
    """Lookup points in the order in which they are written."""

    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Parsed:
    """Both sides of an equation.  `sign` is `=`, `==`, `:=`, `(` for a lookup or `:` for a Reality Check."""

    label: str
    subscripts: tuple[str, ...]
    excluded: tuple[tuple[str, ...], ...]
    sign: str
    keyword: str
    tree: Any


def parse(text: str) -> Parsed:
    """One equation on one line, without units and comment; NotVensim where the grammar refuses it."""
    if match := _CONSTANT.fullmatch(text):  # most constants, for which the grammar takes a hundred times as long
        return Parsed(match.group(1), (), (), "=", "", float(match.group(2)))
    grammar = _grammar()
    try:
        return grammar.parse(text)
    except UnsafeText as error:
        raise NotVensim(
            "`{text}` stands where only numbers may stand; the file is refused", text=error.text[:60]
        ) from error
    except grammar.parse_error as error:
        position = error.pos if isinstance(error.pos, int) else -1
        raise NotVensim(
            "The equation cannot be read from here on: `{text}`",
            position + _offset(error, text),
            text=str(error.text or "")[max(position, 0) :][:40],
        ) from error
    except grammar.visit_error as error:
        raise NotVensim("The equation cannot be read: `{text}`", text=text[:60]) from error


def _offset(error: Any, text: str) -> int:
    """Where the text that failed begins within the equation: 0 for the whole of it, else its right-hand side."""
    return len(text) - len(error.text) if error.text and text.endswith(error.text) else 0


@cache
def _grammar() -> Any:
    return _bind()


def _bind() -> Any:
    from parsimonious.exceptions import ParseError, VisitationError  # pyright: ignore[reportMissingModuleSource]
    from pysd.translators.structures import abstract_expressions as structures  # pyright: ignore[reportMissingImports]
    from pysd.translators.vensim import vensim_element, vensim_utils  # pyright: ignore[reportMissingImports]
    from pysd.translators.vensim.vensim_structures import parsing_ops  # pyright: ignore[reportMissingImports]
    from pysd.translators.xmile import xmile_element  # pyright: ignore[reportMissingImports]

    for module in (vensim_element, xmile_element):
        module.eval = read_literal  # pyright: ignore[reportAttributeAccessIssue]

    class Equations(vensim_element.EquationVisitor):
        """PySD's visitor, except where it loses what was written (points, signs, arguments) or evaluates."""

        unwrapped_exceptions = (UnsafeText, NotVensim)

        def visit_neg_expr(self, n: Any, vc: Any) -> Any:
            if vc[0] == "-":
                self.negatives.add(vc[2])
            return vc[2]

        def visit_exp_expr(self, n: Any, vc: Any) -> Any:
            # The minus of -2^2 stands before the power, that of 2^-1 belongs to the exponent.
            first, *rest = "".join(vc).strip().split("^")
            negative = first in self.negatives
            exponents = [self._negative(each) if each in self.negatives else self.elements[each] for each in rest]
            self.negatives.difference_update([first, *rest])
            if exponents:
                power = structures.ArithmeticStructure(["^"] * len(exponents), [self.elements[first], *exponents])
                first = self.add_element(power)
            return self.add_element(self._negative(first)) if negative else first

        def _negative(self, identifier: str) -> Any:
            return structures.ArithmeticStructure(["negative"], [self.elements[identifier]])

        def visit_call(self, n: Any, vc: Any) -> Any:
            return self.add_element(structures.CallStructure(self.elements[vc[0]], self.elements[vc[4]]))

        def visit_reference(self, n: Any, vc: Any) -> Any:
            subscripts, self.subs = self.subs, None
            return self.add_element(structures.ReferenceStructure(vc[0].strip(), subscripts))

        def visit_arguments(self, n: Any, vc: Any) -> Any:
            parts = [each.strip() for each in vc]
            if any(not each.endswith(",") for each in parts[:-1]) or (parts and parts[-1].endswith(",")):
                raise NotVensim(
                    "The arguments `{text}` are not separated by one comma each", n.start, text=n.text.strip()[:40]
                )
            return self.add_element(tuple(self.elements[each.strip(",")] for each in parts))

        def visit_string(self, n: Any, vc: Any) -> Any:
            return self.add_element(n.text.strip()[1:-1])

        def visit_expr(self, n: Any, vc: Any) -> Any:
            return vc[0] if vc[0] in self.elements else self.add_element(_number(vc[0]))

        def visit_array(self, n: Any, vc: Any) -> Any:
            rows = [row.strip().rstrip(",").split(",") for row in n.text.strip().rstrip(";").split(";")]
            values = tuple(_number(each) for row in rows for each in row)
            if len(values) == 1 and not re.search("[,;]", n.text):
                return self.add_element(values[0])
            return self.add_element(Array(values, tuple(len(row) for row in rows)))

        def visit_tabbed_array_call(self, n: Any, vc: Any) -> Any:
            return self.add_element(Array(tuple(_number(each) for each in vc[4]), ()))

        def visit_lookup_with_def(self, n: Any, vc: Any) -> Any:
            if vc[10]:
                read_literal(self.elements[vc[10]])
            return self.add_element(structures.InlineLookupsStructure(self.elements[vc[4]], _points(vc[11])))  # pyright: ignore

        def visit_nan(self, n: Any, vc: Any) -> Any:
            return self.add_element(NOT_AVAILABLE)

    class Lookups(vensim_element.LookupsVisitor):
        unwrapped_exceptions = (UnsafeText, NotVensim)

        def visit_regularLookup(self, n: Any, vc: Any) -> None:
            if vc[0]:
                read_literal(vc[0])
            self.translation = _points(vc[2])

        def visit_excelLookup(self, n: Any, vc: Any) -> None:
            name = structures.ReferenceStructure("GET DIRECT LOOKUPS", None)
            self.translation = structures.CallStructure(name, tuple(self.qargs))

    class Sides(vensim_element.ElementsComponentVisitor):
        unwrapped_exceptions = (UnsafeText, NotVensim)

    signs = (
        (vensim_element.UnchangeableConstant, "=="),
        (vensim_element.Data, ":="),
        (vensim_element.Lookup, "("),
        (vensim_element.Component, "="),
    )
    grammars = vensim_utils.Grammar

    class Bound:
        parse_error, visit_error = ParseError, VisitationError

        @staticmethod
        def parse(text: str) -> Parsed:
            component: Any = Sides(grammars.get("element_object").parse(_in_pairs(text))).component
            sign = next((sign for kind, sign in signs if isinstance(component, kind)), ":")
            tree = None
            if sign == "(":
                tree = Lookups(grammars.get("lookups").parse(component.expression)).translation
            elif sign != ":" and component.expression:
                tree = Equations(grammars.get("components", parsing_ops).parse(component.expression)).translation
            subscripts, excluded = component.subscripts if sign != ":" else ((), ())
            return Parsed(
                component.name,
                tuple(subscripts),
                tuple(tuple(each) for each in excluded),
                sign,
                getattr(component, "keyword", None) or "",
                tree,
            )

    return Bound


def _in_pairs(text: str) -> str:
    """A lookup in Vensim's older form, all x and then all y: `name(x1, x2, y1, y2)`, in pairs; others as they are."""
    match = _ROWS.match(text)
    rows = match.group(2).split(",") if match else []
    if match is None or len(rows) < 4 or len(rows) % 2 or not all(_PLAIN.fullmatch(each.strip()) for each in rows):
        return text
    pairs = zip(rows[: len(rows) // 2], rows[len(rows) // 2 :], strict=True)
    return f"{match.group(1)}({','.join(f'({x},{y})' for x, y in pairs)})"


def _number(text: str) -> float:
    value = read_literal(_SIGN.sub(r"\1", text.strip()))
    if not isinstance(value, int | float):
        raise UnsafeText(text)
    return float(value)


def _points(text: str) -> Points:
    points = read_literal(text.strip().rstrip(",") + ",")
    if not all(isinstance(each, tuple) and len(each) == 2 for each in points):
        raise UnsafeText(text)
    return Points(tuple(float(x) for x, _ in points), tuple(float(y) for _, y in points))
