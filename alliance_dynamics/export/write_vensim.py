"""A model as Vensim text (.mdl), equal when it is read back."""

from __future__ import annotations

import math
import re
from itertools import product

from alliance_dynamics.diagrams.sketch import with_sketch
from alliance_dynamics.errors import Place, UnsupportedError
from alliance_dynamics.export.spelling import Unwritable, unwritable, without_arrays
from alliance_dynamics.export.vensim_speller import VensimSpeller, long_sides, points, quoted
from alliance_dynamics.kernel.subscripts import Subscripts
from alliance_dynamics.model.expression import (
    Array,
    Reference,
    Table,
    walk,
)
from alliance_dynamics.model.model import Definition, Dimension, Model, Variable

WIDTH = 100
_PIECE = re.compile(r'"(?:\\.|[^"\\])*"|, | [-+*/^] |[^", ]+|.', re.DOTALL)
_METHODS = {"euler": 0, "rk2": 4, "rk4": 5}


def write_vensim(model: Model) -> str:
    """The text of a model, in the order of its variables; it has the same hash when it was a Vensim text before.

    The text ends with a sketch of the whole model.  Macros are written as the equations they stand for, data as lookups
    over time, `~` and `|` in comments as `-` and `/`.  UnsupportedError names every part that Vensim has no words for:
    non-negative stocks, some functions of XMILE, data series under a Runge-Kutta method.
    """
    text = _Text(model)
    blocks = [block for each in model.dimensions.values() if (block := text.dimension(each))]
    for variable in model.variables.values():
        blocks += text.variable(variable)
    if text.faults:
        raise UnsupportedError(text.faults)
    settings = f":L\x7f<%^E!@\n15:0,0,0,{_METHODS[model.time.method]},0,0\n"
    equations = "{UTF-8}\n" + "\n".join(blocks) + "\n"
    return with_sketch(equations, model) + settings


class _Text:
    """The names of one model as Vensim writes them, and the statements made with them."""

    def __init__(self, model: Model):
        self.model = model
        self.faults = []
        self.subscripts = Subscripts(model)
        self.made: set[str] = set()
        self.names = {"time": "Time"}
        for variable in model.variables.values():
            self._name(variable.name, variable.label, variable.place)
        self.elements: dict[str, str] = {}
        used = {name for each in model.variables.values() for d in each.definitions for name in _subscripts_in(d)}
        for dimension in model.dimensions.values():
            # A range without a name of its own (part of a written one) is made again when the text is read.
            if ":" not in dimension.name or dimension.name in used:
                self.elements.setdefault(dimension.name, quoted(dimension.name, dimension.label))
        for dimension in model.dimensions.values():
            for element, label in zip(dimension.elements, dimension.labels, strict=True):
                self.elements.setdefault(element, quoted(element, label))

    def _name(self, name: str, label: str, place: Place) -> None:
        written = quoted(name, label)
        if not written:
            self.faults.append(unwritable(place, "`{name}` is no name in {format}", name=label, format="Vensim").fault)
        self.names[name] = written

    def dimension(self, dimension: Dimension) -> str:
        if dimension.name not in self.elements:
            return ""
        mapped = []
        for target, elements in dimension.mappings:
            if len(set(elements)) == len(elements):
                shown = ", ".join(self.elements[each] for each in elements)
                mapped.append(f"({self.elements[target]}: {shown})")
        for other in self.model.dimensions.values():
            for target, elements in other.mappings:
                several = target == dimension.name and len(set(elements)) < len(elements)
                if several and (groups := self._groups(dimension, other, elements)):
                    mapped.append(f"({self.elements[other.name]}: {', '.join(groups)})")
        for other in self.model.dimensions.values():
            if other is dimension:
                break
            if other.elements == dimension.elements and other.name in self.elements and not mapped:
                return f"{self.elements[dimension.name]} <-> {self.elements[other.name]}\n\t~\t\n\t~\t\n\t|\n"
        elements = ", ".join(self.elements[each] for each in dimension.elements)
        arrow = " -> " + ", ".join(mapped) if mapped else ""
        return _wrapped(f"{self.elements[dimension.name]}:\n\t{elements}{arrow}") + "\n\t~\t\n\t~\t\n\t|\n"

    def _groups(self, dimension: Dimension, other: Dimension, elements: tuple[str, ...]) -> list[str]:
        """For each element of a dimension the element or subrange of `other` that it stands for."""
        groups = []
        for own in dimension.elements:
            group = tuple(e for e, target in zip(other.elements, elements, strict=True) if target == own)
            names = [d.name for d in self.model.dimensions.values() if d.elements == group and d.name in self.elements]
            if len(group) != 1 and not names:
                what = "the mapping of `{name}` to `{other}` cannot be written as {format}"
                problem = unwritable(other.place, what, name=other.label, other=dimension.label, format="Vensim")
                self.faults.append(problem.fault)
                return []
            groups.append(self.elements[group[0] if len(group) == 1 else names[0]])
        return groups

    def variable(self, variable: Variable) -> list[str]:
        blocks = []
        for each in variable.definitions:
            try:
                blocks += self._definition(variable, each, last=each is variable.definitions[-1])
            except Unwritable as error:
                self.faults.append(error.fault)
        return blocks

    def _definition(self, variable: Variable, definition: Definition, *, last: bool) -> list[str]:
        spell = VensimSpeller(self, variable, definition)
        if definition.non_negative:
            raise spell.refused("`{name}` is a stock that stays at or above 0, which {format} cannot say")
        numbers = definition.expression if isinstance(definition.expression, Array) else definition.initial
        if isinstance(numbers, Array) and (len(long_sides(numbers)) > 2 or numbers is definition.initial):
            return self._element_by_element(variable, definition, last=last)
        left = self.names[variable.name] + self.bracket(definition.subscripts)
        if definition.excluded:
            left += " :EXCEPT: " + ", ".join(self.bracket(each) for each in definition.excluded)
        right = spell.right_hand_side()
        return [*spell.tables, _wrapped(left + right) + self._fields(variable, spell, last=last)]

    def _element_by_element(self, variable: Variable, definition: Definition, *, last: bool) -> list[str]:
        """Arrays of more than two dimensions slice by slice, initial values one by one."""
        ranges = [self.subscripts.elements(each) for each in definition.subscripts]
        if isinstance(definition.expression, Array):
            ranges, kept = ranges[:-2], definition.subscripts[-2:]
            size = math.prod(definition.expression.shape[-2:])
        else:
            kept, size = (), 1
        blocks = []
        for position, elements in enumerate(product(*ranges)):
            expression, initial = definition.expression, without_arrays(definition.initial, position)
            if isinstance(expression, Array):
                values = expression.values[position * size : (position + 1) * size]
                expression = Array(expression.shape[-2:], values)
            one = Definition(expression, (*elements, *kept), (), initial, place=definition.place)
            final = last and position == math.prod(map(len, ranges)) - 1
            blocks += self._definition(variable, one, last=final)
        return blocks

    def _fields(self, variable: Variable, spell: VensimSpeller, *, last: bool) -> str:
        if not last:
            return "\n\t~~|\n"
        if set(variable.unit) & set("~|") or variable.unit.endswith("]"):
            raise spell.refused("the unit `{unit}` of `{name}` cannot be written as {format}", unit=variable.unit)
        documentation = variable.documentation.replace("~", "-").replace("|", "/").replace("\\", "/")
        return f"\n\t~\t{variable.unit}\n\t~\t{documentation}\n\t|\n"

    def bracket(self, subscripts: tuple[str, ...]) -> str:
        if not subscripts:
            return ""
        return "[" + ",".join(self.subscript(each) for each in subscripts) + "]"

    def subscript(self, name: str) -> str:
        bare = name.removesuffix("!")
        return self.elements.get(bare, quoted(bare, bare)) + name[len(bare) :]

    def table(self, name: str, table: Table) -> str:
        """A lookup of its own, once; returns its statement."""
        if name in self.made:
            return ""
        self.made.add(name)
        return f"{quoted(name, name)}(\n\t{points(table)})\n\t~\t\n\t~\t\n\t|\n"


def _subscripts_in(definition: Definition) -> set[str]:
    found = {*definition.subscripts, *(name for each in definition.excluded for name in each)}
    for root in (definition.expression, definition.initial):
        for node in walk(root) if root is not None else ():
            if isinstance(node, Reference):
                found |= {each.removesuffix("!") for each in node.subscripts} | {node.name}
    return found


def _wrapped(text: str) -> str:
    """Lines of about a hundred characters, continued with a backslash behind commas and before operators."""
    lines, length = [""], 0
    for piece in _PIECE.findall(text):
        if length > WIDTH and (piece.startswith(" ") and len(piece) == 3):
            lines[-1] += " \\"
            lines.append("\t\t")
            length, piece = 8, piece.lstrip()
        lines[-1] += piece
        length = 0 if "\n" in piece else length + len(piece)
        if length > WIDTH and piece == ", ":
            lines[-1] = lines[-1].rstrip() + " \\"
            lines.append("\t\t")
            length = 8
    return "\n".join(lines)
