"""Causes for the page: the direct causes of every variable, and its equation as a script over their values.

A variable is computed from the values of its direct causes at one instant, so that the page can hold one cause at its
baseline path and see what is left of a gap.  Elements that share a form share one function: `form(O, P, F, t, a)` reads
values O of variables, parameters P, frozen values F and the time t at the places `a`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

from markupsafe import Markup

from alliance_dynamics.errors import UnsupportedError, fault
from alliance_dynamics.kernel.javascript import number_text, operation, table_text
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.loops import NamedLoop
from alliance_dynamics.model.expression import Reference, Table, walk
from alliance_dynamics.model.model import Model, Variable
from alliance_dynamics.model.names import flat
from alliance_dynamics.parameters import Parameters
from alliance_dynamics.reference.equation import equation
from alliance_dynamics.settings import elements_of

EXTENSIVE = ("bn RUB", "person", "patent", "organisation")  # units whose amounts are added up; others are averaged
_MARKED = re.compile("\u0001([^\u0002]*)\u0002!?")
_SUBSCRIPTS = re.compile("\\[[^\\[\\]]*\\]")
MARK = "\u0001{}\u0002"  # stands for a name while an equation is written; the page gets `{number}`


@dataclass(frozen=True)
class Causes:
    """`script` defines `causeForms`; `content` is the rest; `stocks` are flat names that the runs must save.

    A variable is [name, unit, stock, first place, shape, causes, levers, equation, loops]; names and units by number,
    levers as parameter columns; a shape gives the region of each element, -1 for none.  `stocks` of the content are
    [place, form, slots] of their rates; `others` as well, elements that step evenly joined (`_runs`).
    """

    script: str
    content: dict[str, Any]
    stocks: tuple[str, ...]


def causes_of(
    model: Model, program: Program, parameters: Parameters, tops: Sequence[str], loops: Sequence[NamedLoop] = (),
    switches: Collection[str] = (),
) -> Causes:  # fmt: skip
    """Everything that `tops` depend on, from each of them back to the levers; `loops` by number, where they pass.

    `switches` are constants that a scenario changes besides levers.

    UnsupportedError: a variable with a delay of fixed length, random numbers or a state of its own.
    """
    levers = {each.constant for each in parameters.levers.values()} | {parameters.policy_year, *switches}
    chosen = _behind(model, tops)
    places: dict[str, int] = {}
    for name in chosen:
        for elements in _elements(model, program, name):
            places[flat(name, elements)] = len(places)
    forms: dict[str, int] = {}
    tables: dict[Table, int] = {}
    variables: list[list[Any]] = []
    stocks: dict[str, list[Any]] = {}
    others: dict[str, list[list[Any]]] = {}
    units: dict[str, int] = {}
    shapes: dict[tuple[int, ...], int] = {}
    names = _Names(model, parameters)
    numbers = {name: at for at, name in enumerate(chosen)}
    for name in chosen:
        variable = model.variables[name]
        own = _elements(model, program, name)
        causes = [each for each in _references(variable) if each in numbers]
        roots = {program.outputs[flat(each, e)]: places[flat(each, e)]
                 for each in reversed(causes) for e in reversed(_elements(model, program, each))}  # fmt: skip
        for elements in own:
            key = flat(name, elements)
            root = _rate(program, key) if variable.kind == "stock" else program.outputs[key]
            text, slots = _form(program, root, roots, tables, key)
            entry = [places[key], forms.setdefault(text, len(forms)), slots]
            if variable.kind == "stock":
                stocks[key] = entry
            else:
                others.setdefault(name, []).append(entry)
        regions = [_region(model, variable, each) for each in own]
        variables.append([
            names.mark(name), units.setdefault(variable.unit, len(units)), int(variable.kind == "stock"),
            places[flat(name, own[0])], shapes.setdefault(tuple(regions), len(shapes)), [numbers[e] for e in causes],
            [program.parameter_index[each] for each in _references(variable) if each in levers],
            names.equations(variable), [at for at, each in enumerate(loops) if name in each.along],
        ])  # fmt: skip
    arms = ",\n".join(forms)
    text = ",\n".join(table_text(each) for each in tables)
    script = (
        "const causeForms = (function () {\n"
        "const {lookUp, power, modulo, sine, cosine, tangent} = allianceModel.tools;\n"
        f"const T = [{text}];\nreturn [\n{arms}\n];\n}})();\n"
    )
    content = {
        "variables": variables,
        "units": [[unit, int(unit.startswith(EXTENSIVE))] for unit in units],
        "shapes": list(map(list, shapes)),
        "names": names.labels(),
        "stocks": list(stocks.values()),
        "others": [run for each in _in_order(model, others) for run in _runs(others[each])],
    }
    return Causes(script, content, tuple(stocks))


def _behind(model: Model, tops: Sequence[str]) -> list[str]:
    found: dict[str, None] = {}
    queue = list(tops)
    while queue:
        name = queue.pop(0)
        if name not in found:
            found[name] = None
            queue += [e for e in _references(model.variables[name])
                      if e in model.variables and model.variables[e].kind not in ("constant", "lookup")]  # fmt: skip
    return list(found)


def _in_order(model: Model, names: Collection[str]) -> list[str]:
    """Causes before what depends on them."""
    graph = {name: [each for each in _references(model.variables[name]) if each in names] for name in names}
    return list(TopologicalSorter(graph).static_order())


def _runs(entries: Sequence[list[Any]]) -> list[list[Any]]:
    """Entries of elements in a row, joined to [place, form, slots, strides, count] where they step evenly."""
    found: list[list[Any]] = []
    for place, form, slots in entries:
        if found and found[-1][1] == form:
            *first, strides, count = found[-1] if len(found[-1]) == 5 else (*found[-1], None, 1)
            steps = [(slot - old) / count for slot, old in zip(slots, first[2], strict=True)]
            if place == first[0] + count and all(each == int(each) for each in steps) and strides in (None, steps):
                found[-1] = [*first, list(map(int, steps)), count + 1]
                continue
        found.append([place, form, slots])
    return found


def _references(variable: Variable) -> list[str]:
    """Names in the equations of a variable, in the order of reading; of a stock those of its net rate."""
    nodes = (node for each in variable.definitions for node in walk(each.expression))
    return list(dict.fromkeys(node.name for node in nodes if isinstance(node, Reference)))


def _elements(model: Model, program: Program, name: str) -> list[tuple[str, ...]]:
    return [each for each in elements_of(model, model.variables[name]) if flat(name, each) in program.outputs]


def _rate(program: Program, key: str) -> int:
    op = program.step[program.outputs[key]]
    assert op.kind == "state" and isinstance(op.value, int)
    return program.states[op.value].rate


def _region(model: Model, variable: Variable, elements: Sequence[str]) -> int:
    """Which region an element belongs to; -1 for what has no region."""
    regions = model.dimensions["region"].elements
    return next((regions.index(each) for each in elements if each in regions), -1)


def _form(
    program: Program, root: int, roots: Mapping[int, int], tables: dict[Table, int], key: str
) -> tuple[str, list[int]]:
    """One function, and the places that it reads; operations that are values of causes are read, not computed."""
    ops = program.step
    inside = _inside(program, root, roots, key)
    reads = Counter(a for i in inside if i not in roots for a in ops[i].args)
    slots: list[int] = []
    known: dict[tuple[str, int], str] = {}
    written: dict[int, str] = {}
    lines: list[str] = []

    def read(array: str, at: int) -> str:
        if (array, at) not in known:
            known[array, at] = f"{array}[a[{len(slots)}]]"
            slots.append(at)
        return known[array, at]

    for index in inside:
        op = ops[index]
        if index in roots:
            written[index] = read("O", roots[index])
            continue
        match op.kind:
            case "const":
                written[index] = number_text(float(op.value))  # type: ignore[arg-type]
                continue
            case "time" | "steptime":
                written[index] = "t"
                continue
            case "param" | "frozen":
                assert isinstance(op.value, int)
                written[index] = read("P" if op.kind == "param" else "F", op.value)
                continue
            case "lookup":
                assert isinstance(op.value, Table)
                text = f"lookUp(T[{tables.setdefault(op.value, len(tables))}], {written[op.args[0]]})"
            case _:
                text = operation(op.kind, [written[each] for each in op.args])
        if reads[index] > 1:
            written[index] = f"b{len(lines)}"
            lines.append(f"const b{len(lines)}={text};")
        else:
            written[index] = f"({text})"
    body = "".join(lines)
    text = f"(O,P,F,t,a)=>{{{body}return {written[root]}}}" if body else f"(O,P,F,t,a)=>{written[root]}"
    return text, slots


def _inside(program: Program, root: int, roots: Mapping[int, int], key: str) -> list[int]:
    """The operations between a variable and its causes, in order."""
    found: set[int] = set()
    stack = [root]
    while stack:
        index = stack.pop()
        if index in found:
            continue
        found.add(index)
        op = program.step[index]
        if index in roots:
            continue
        if op.kind in ("state", "ring", "random"):
            raise UnsupportedError(
                fault("", "The page cannot show the causes of `{name}`", name=key,
                      expected="A variable without delays, random numbers or a memory of its own")
            )  # fmt: skip
        stack.extend(op.args)
    return sorted(found)


class _Names:
    """Equations with marks for names, and what the marks stand for in each language."""

    def __init__(self, model: Model, parameters: Parameters):
        self.model, self.parameters = model, parameters
        self.numbers: dict[str, int] = {}
        self.known = {name: MARK.format(name) for name in model.variables}
        self.known |= {f"element {each}": MARK.format(each) for each in _subscripts(model)}

    def equations(self, variable: Variable) -> str:
        """One line for each equation, whole dimensions and a stock's first value left out."""
        lines = []
        for definition in variable.definitions:
            text = equation(self.model, variable, definition, self.known)
            left, _, _ = text.partition(Markup("<br>"))
            plain = _SUBSCRIPTS.sub(self._elements, Markup(left).striptags())
            lines.append(_MARKED.sub(lambda found: f"{{{self.mark(found[1])}}}", plain))
        return "\n".join(dict.fromkeys(lines))

    def _elements(self, found: re.Match[str]) -> str:
        """Of the names in brackets, those of single elements."""
        names = [each for each in _MARKED.findall(found[0]) if each not in self.model.dimensions]
        return f"[{', '.join(MARK.format(each) for each in names)}]" if names else ""

    def mark(self, name: str) -> int:
        return self.numbers.setdefault(name, len(self.numbers))

    def labels(self) -> dict[str, list[str]]:
        return {language: [self._label(name, language) for name in self.numbers] for language in ("ru", "en")}

    def _label(self, name: str, language: str) -> str:
        card = self.parameters.constants.get(name)
        for each in (self.parameters.variables.get(name), self.parameters.elements.get(name), card and card.labels):
            if each and language in each:
                return each[language]
        found = self.model.variables.get(name)
        return found.label.strip('"') if found else name


def _subscripts(model: Model) -> Iterable[str]:
    for name, dimension in model.dimensions.items():
        yield name
        yield from dimension.elements
