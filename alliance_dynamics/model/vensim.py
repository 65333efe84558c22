"""Vensim text -> Model: statements found, parsed one by one, lowered, gathered into variables."""

from __future__ import annotations

import hashlib
import math
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from alliance_dynamics.errors import Fault, ModelError, Place, fault
from alliance_dynamics.model import expression as ex
from alliance_dynamics.model.check import MOST_EQUATIONS, check_model, model_notices
from alliance_dynamics.model.define import cells_of, define, parse_statement, unreadable
from alliance_dynamics.model.external import Files
from alliance_dynamics.model.model import Definition, Dimension, Kind, Model, TimeAxis, Variable
from alliance_dynamics.model.names import canonical
from alliance_dynamics.model.parse import NotVensim, Parsed
from alliance_dynamics.model.places import Scan, Statement, missing_controls, scan
from alliance_dynamics.model.ranges import is_range, read_ranges
from alliance_dynamics.model.scopes import Defined, Macro, Scope, World, plain
from alliance_dynamics.model.sheets import Unreadable

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Read:
    """A model and the SHA-256 of each file beside it that it was made from, by relative path."""

    model: Model
    files: dict[str, str]


def read_vensim_text(text: str, file: str = "model.mdl", folder: Path | None = None) -> Read:
    """Read a Vensim text in this process; ModelError with all faults of the text.

    `file` is shown in messages; `folder` is where GET DIRECT ... may look, None forbids it.  PySD is imported here;
    for files of unknown origin use `read.read_model`, which does this in a process of its own.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _deeply(lambda: _read(text, file, folder))


def _read(text: str, file: str, folder: Path | None) -> Read:
    found = scan(text, file)
    faults = found.faults or missing_controls(found, file)
    if faults:
        raise ModelError(faults)
    files = Files(folder)
    dimensions, faults = read_ranges(
        [each for each in found.statements if is_range(each)],
        lambda strings, place: _labels(files, strings, place, faults),
    )
    world = World(dimensions, files, Path(file).stem, faults=faults)
    outputs = any(macro.outputs for macro in found.macros)
    for macro in found.macros:
        if earlier := world.macros.get(canonical(macro.label)):
            world.faults.append(
                fault(
                    macro.place,
                    "The macro `{name}` is defined again; first at line {line}",
                    expected="Expected one definition.",
                    name=macro.label,
                    line=earlier.text.place.line,
                )
            )
        body = _parsed(macro.statements, outputs, world.faults)
        world.macros[canonical(macro.label)] = Macro(macro, body)
    equations = _parsed([each for each in found.statements if not is_range(each)], outputs, world.faults)
    for statement, parsed in equations:
        world.names.setdefault(canonical(parsed.label), plain(parsed.label))
        if parsed.sign == "(" or _is_external_lookup(parsed):
            world.lookups.add(canonical(parsed.label))
        if canonical(parsed.label) in dimensions:
            world.faults.append(
                fault(
                    statement.place,
                    "`{name}` is the name of a variable and of a subscript range",
                    remedy="Rename one of the two",
                    name=plain(parsed.label),
                )
            )
    for statement, parsed in equations:
        define(parsed, Scope(world, statement))
    notices = [*found.notices, *files.notices]
    if "saveper" not in world.names:
        notices.append("SAVEPER is missing; every time step is kept.")
        saveper = Definition(ex.Reference("time_step"))
        world.defined.append(Defined("saveper", "SAVEPER", "auxiliary", saveper, Statement("", Place(file))))
    variables = _variables(world, notices)
    unit = variables["time_step"].unit if "time_step" in variables else ""
    model = Model(
        Path(file).stem,
        variables,
        dimensions,
        TimeAxis(found.method, unit),
        tuple(notices),
        hashlib.sha256(text.encode()).hexdigest(),
    )
    _check(model, found, world)
    return Read(replace(model, notices=(*model.notices, *model_notices(model))), dict(files.used))


def _check(model: Model, found: Scan, world: World) -> None:
    known = {canonical(each.label) for each in found.statements} | set(world.names)
    faults = world.faults + check_model(model, known=frozenset(known), labels=world.labels, bare_arrays=False)
    if faults:
        raise ModelError(_once(faults))


def _once(faults: list[Fault]) -> list[Fault]:
    return list({str(each): each for each in faults}.values())


def _labels(files: Files, strings: list[str], place: Place, faults: list[Fault]) -> list[str]:
    try:
        return files.labels(strings, place)
    except Unreadable as error:
        faults.append(error.fault)
        return []


def _parsed(statements: list[Statement], outputs: bool, faults: list[Fault]) -> list[tuple[Statement, Parsed]]:
    found = []
    for statement in statements:
        try:
            parsed = parse_statement(statement, outputs)
        except NotVensim as error:
            faults.append(unreadable(statement, error))
            continue
        if parsed.sign != ":":  # Reality Checks say nothing about a run
            found.append((statement, parsed))
    return found


def _is_external_lookup(parsed: Parsed) -> bool:
    return type(parsed.tree).__name__ == "CallStructure" and canonical(parsed.tree.function.reference) in (
        "get_xls_lookups",
        "get_direct_lookups",
    )


def _variables(world: World, notices: list[str]) -> dict[str, Variable]:
    groups: dict[str, list[Defined]] = {}
    for each in world.defined:
        groups.setdefault(each.name, []).append(each)
    rates = {
        name
        for group in groups.values()
        for each in group
        if each.kind == "stock"
        for name in _added(each.definition.expression)
    }
    variables = {}
    partial: dict[str, str] = {}
    for name, group in groups.items():
        kinds: set[Kind] = {each.kind for each in group}
        kind = _kind(kinds, group, world.faults)
        if kind == "auxiliary" and name in rates:
            kind = "flow"
        variables[name] = Variable(
            name,
            group[0].label,
            kind,
            tuple(each.definition for each in group),
            _dimensions(group, world, partial),
            next((each.statement.unit for each in group if each.statement.unit), ""),
            next((each.statement.documentation for each in group if each.statement.documentation), ""),
            group[0].statement.place,
        )
    if partial:
        listed = ", ".join(f"`{label}` ({elements})" for label, elements in partial.items())
        notices.append(f"Equations cover a part of a subscript range only: {listed}.")
    return variables


def _kind(kinds: set[Kind], group: list[Defined], faults: list[Fault]) -> Kind:
    if len(kinds) == 1:
        return group[0].kind
    if kinds & {"stock", "lookup"}:
        odd = next(each for each in group if each.kind != group[0].kind)
        faults.append(
            fault(
                odd.statement.place,
                "`{name}` is a {one} here and a {other} at line {line}",
                expected="Expected one kind for all elements.",
                name=odd.label,
                one=odd.kind,
                other=group[0].kind,
                line=group[0].statement.place.line,
            )
        )
        return group[0].kind
    return "auxiliary"


def _added(expression: ex.Expression) -> list[str]:
    """Names of the variables that are terms of a sum."""
    names, stack = [], [expression]
    while stack:
        match stack.pop():
            case ex.Binary("+" | "-", left, right):
                stack += [left, right]
            case ex.Unary("-", operand):
                stack.append(operand)
            case ex.Reference(name, _):
                names.append(name)
    return names


def _dimensions(group: list[Defined], world: World, partial: dict[str, str]) -> tuple[str, ...]:
    """The full dimension at each position: the smallest one that holds all elements that are defined.

    Vensim lets equations cover a part of a range.  Where no range has exactly the elements that are defined, one is
    made that has, so that nothing outside of it can be read.
    """
    first = group[0].definition.subscripts
    for each in group:
        if len(each.definition.subscripts) != len(first):
            world.faults.append(
                fault(
                    each.statement.place,
                    "`{name}` has {count} subscript(s) here and {other} at line {line}",
                    expected="Expected the same number everywhere.",
                    name=each.label,
                    count=len(each.definition.subscripts),
                    other=len(first),
                    line=group[0].statement.place.line,
                )
            )
            return ()
    defined = [set(names) for names in zip(*_defined_cells(group, world), strict=True)] or [set() for _ in first]
    full = []
    for position, elements in enumerate(defined):
        used = list(dict.fromkeys(each.definition.subscripts[position] for each in group))
        holders = world.holders(elements)
        holders.sort(key=lambda each: (len(each.elements), each.name not in used))
        if used[0] in world.dimensions and set(world.elements(used[0])) == elements:
            full.append(used[0])
        elif holders and elements:
            full.append(_exactly(elements, holders[0], world))
            if set(holders[0].elements) != elements:
                partial[group[0].label] = world.dimensions[full[-1]].label
        else:
            full.append(used[0])  # a name that is no subscript is reported by check_model
            if elements and elements <= {element for each in world.dimensions.values() for element in each.elements}:
                world.faults.append(
                    fault(
                        group[0].statement.place,
                        "The elements {elements} of `{name}` belong to no common subscript range",
                        elements=", ".join(sorted(elements)[:10]),
                        name=group[0].label,
                    )
                )
    return tuple(full)


def _defined_cells(group: list[Defined], world: World) -> set[tuple[str, ...]]:
    cells: set[tuple[str, ...]] = set()
    for each in group:
        size = math.prod(len(world.elements(name)) for name in each.definition.subscripts)
        if size > MOST_EQUATIONS:
            world.faults.append(
                fault(
                    each.statement.place,
                    "`{name}` has {count} elements",
                    expected="At most {limit} are run.",
                    name=each.label,
                    count=size,
                    limit=MOST_EQUATIONS,
                )
            )
            return set()
        cells.update(cells_of(each.definition.subscripts, each.definition.excluded, world))
    return cells


def _exactly(elements: set[str], holder: Dimension, world: World) -> str:
    """The name of a dimension with these elements and no others; made out of `holder` where there is none."""
    if set(holder.elements) == elements:
        return holder.name
    pairs = [pair for pair in zip(holder.elements, holder.labels, strict=True) if pair[0] in elements]
    name = f"{holder.name}:{'+'.join(element for element, _ in pairs)}"
    label = f"{holder.label}: {', '.join(label for _, label in pairs)}"
    world.dimensions.setdefault(
        name, Dimension(name, label, tuple(a for a, _ in pairs), tuple(b for _, b in pairs), (), holder.place)
    )
    return name


def _deeply(function: Callable[[], Result]) -> Result:
    """Call with room for deep recursion, in a thread with a large stack."""
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(function())
        except BaseException as error:  # handed to the caller below
            errors.append(error)

    limit, size = sys.getrecursionlimit(), threading.stack_size(256 * 2**20)
    sys.setrecursionlimit(max(limit, 200_000))
    try:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(size)
    if errors:
        raise errors[0]
    return results[0]
