"""Subscript ranges of a Vensim text, resolved to dimensions with ordered elements and explicit mappings."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from alliance_dynamics.errors import MOST_SUGGESTED, Fault, Place, fault, suggestion
from alliance_dynamics.model.model import Dimension
from alliance_dynamics.model.names import canonical
from alliance_dynamics.model.places import Statement

MOST_ELEMENTS = 200_000
_NAME = r'"(?:\\.|[^"\\])*"|[^":=<(\[,]+'
_RANGE = re.compile(rf"^\s*({_NAME})\s*(<->|:(?!\s*[A-Za-z ]+:)(?!=))\s*(.*)$", re.DOTALL)
_ITEM = re.compile(r'"(?:\\.|[^"\\])*"|\([^()]*\)|[^,("]+(?:\([^()]*\))?')
_NUMERIC = re.compile(r"^\(\s*(.*?)(\d{1,18})\s*-\s*(.*?)(\d{1,18})\s*\)$")
_EXTERNAL = re.compile(r"^GET[ _](?:XLS|DIRECT)[ _]SUBSCRIPT\s*\((.*)\)$", re.IGNORECASE)
_STRING = re.compile(r"'([^']*)'")

ReadLabels = Callable[[list[str], Place], list[str]]


@dataclass
class Range:
    label: str
    items: list[str]
    mappings: list[tuple[str, list[str] | None]]
    place: Place
    alias: bool = False
    elements: dict[str, str] | None = field(default=None)


def is_range(statement: Statement) -> bool:
    """Whether the statement defines a subscript range (`A: a1, a2` or `A <-> B`)."""
    return _RANGE.match(statement.text) is not None


def read_ranges(statements: list[Statement], read_labels: ReadLabels) -> tuple[dict[str, Dimension], list[Fault]]:
    """Dimensions by canonical name, in the order of the file.

    `read_labels(strings, place)` gives the elements that GET DIRECT SUBSCRIPT names.  A mapping is written on both
    dimensions wherever it gives one element for each.
    """
    faults: list[Fault] = []
    ranges: dict[str, Range] = {}
    for statement in statements:
        each = _read(statement, faults)
        name = canonical(each.label)
        if name in ranges:
            faults.append(
                fault(
                    each.place,
                    "The subscript range `{name}` is defined again; first at line {line}",
                    expected="Expected one definition.",
                    name=each.label,
                    line=ranges[name].place.line,
                )
            )
            continue
        ranges[name] = each
    for each in ranges.values():
        _resolve(each, ranges, read_labels, [], faults)
        if sum(len(other.elements or ()) for other in ranges.values()) > MOST_ELEMENTS:
            faults.append(
                fault(
                    each.place,
                    "The subscript ranges have more than {limit} elements in all, as far as `{name}`",
                    limit=MOST_ELEMENTS,
                    name=each.label,
                )
            )
            break
    dimensions = {
        name: Dimension(
            name, _plain(each.label), tuple(each.elements or ()), tuple((each.elements or {}).values()), (), each.place
        )
        for name, each in ranges.items()
    }
    mappings = _mappings(ranges, dimensions, faults)
    return {
        name: Dimension(d.name, d.label, d.elements, d.labels, tuple(mappings.get(name, {}).items()), d.place)
        for name, d in dimensions.items()
    }, faults


def _read(statement: Statement, faults: list[Fault]) -> Range:
    match = _RANGE.match(statement.text)
    assert match is not None
    label, sign, body = match.group(1).strip(), match.group(2), match.group(3)
    own, _, mapped = body.partition("->")
    mappings: list[tuple[str, list[str] | None]] = []
    for item in _items(mapped):
        if item.startswith("("):
            target, _, elements = item[1:-1].partition(":")
            mappings.append((target.strip(), _items(elements)))
        else:
            mappings.append((item, None))
    items = _items(own)
    if not items:
        faults.append(
            fault(
                statement.place,
                "The subscript range `{name}` has no elements",
                expected="Expected at least one behind the colon.",
                name=label,
            )
        )
    return Range(label, items, mappings, statement.place, alias=sign == "<->")


def _items(text: str) -> list[str]:
    return [each.strip() for each in _ITEM.findall(text) if each.strip()]


def _resolve(
    each: Range, ranges: dict[str, Range], read_labels: ReadLabels, path: list[str], faults: list[Fault]
) -> dict[str, str]:
    if each.elements is not None:
        return each.elements
    if each.label in path:
        faults.append(
            fault(
                each.place,
                "The subscript range `{name}` is made of itself: {path}",
                name=each.label,
                path=" -> ".join([*path, each.label]),
            )
        )
        each.elements = {}
        return {}
    found: dict[str, str] = {}
    for item in each.items:
        if external := _EXTERNAL.match(item):
            labels = read_labels(_STRING.findall(external.group(1)), each.place)
        elif item.startswith("("):
            labels = _numbered(item, each, faults)
        elif canonical(item) in ranges:
            inner = ranges[canonical(item)]
            labels = list(_resolve(inner, ranges, read_labels, [*path, each.label], faults).values())
        elif each.alias:
            labels = []
            faults.append(
                fault(
                    each.place,
                    "`{name}` stands for the subscript range `{other}`, which is not defined",
                    remedy=_near(item, ranges, faults),
                    name=each.label,
                    other=item,
                )
            )
        else:
            labels = [_plain(item)]
        for label in labels:
            if canonical(label) in found:
                faults.append(
                    fault(
                        each.place,
                        "The subscript range `{name}` names the element `{element}` twice",
                        name=each.label,
                        element=label,
                    )
                )
            found[canonical(label)] = label
    each.elements = found
    return found


def _numbered(item: str, each: Range, faults: list[Fault]) -> list[str]:
    match = _NUMERIC.match(item)
    first, last = (int(match.group(2)), int(match.group(4))) if match else (0, -1)
    if match is None or canonical(match.group(1)) != canonical(match.group(3)) or not match.group(1).strip():
        expected = "Expected (name1-name9): a name and a number on both sides, the name the same."
    elif last < first:
        expected = "Expected the smaller number first."
    elif last - first >= MOST_ELEMENTS:
        expected = "Expected at most {limit} elements."
    else:
        return [f"{match.group(1)}{number}" for number in range(first, last + 1)]
    faults.append(
        fault(
            each.place,
            "The range `{item}` of `{name}` cannot be read",
            expected=expected,
            item=item,
            name=each.label,
            limit=MOST_ELEMENTS,
        )
    )
    return []


def _mappings(
    ranges: dict[str, Range], dimensions: dict[str, Dimension], faults: list[Fault]
) -> dict[str, dict[str, tuple[str, ...]]]:
    mappings: dict[str, dict[str, tuple[str, ...]]] = {}
    inverse: list[tuple[str, str, tuple[str, ...]]] = []
    for name, each in ranges.items():
        ours = dimensions[name].elements
        for target_label, items in each.mappings:
            target = canonical(target_label)
            if target not in dimensions:
                faults.append(
                    fault(
                        each.place,
                        "`{name}` is mapped to `{target}`, which is not a subscript range",
                        remedy=_near(target_label, ranges, faults),
                        name=each.label,
                        target=target_label,
                    )
                )
                continue
            groups = _groups(target, items, dimensions)
            theirs = [element for group in groups for element in group]
            wrong = [element for element in theirs if element not in dimensions[target].elements]
            if len(groups) != len(ours) or len(theirs) != len(set(theirs)) or wrong:
                faults.append(
                    fault(
                        each.place,
                        "The mapping of `{name}` ({ours} elements) to `{target}` gives {theirs}",
                        expected="Expected one element or subrange of `{target}` for each of ours, none twice.",
                        name=each.label,
                        target=target_label,
                        ours=len(ours),
                        theirs=len(groups),
                    )
                )
                continue
            if all(len(group) == 1 for group in groups):
                mappings.setdefault(name, {})[target] = tuple(theirs)
            if set(theirs) == set(dimensions[target].elements):
                back = {element: own for own, group in zip(ours, groups, strict=True) for element in group}
                inverse.append((target, name, tuple(back[each] for each in dimensions[target].elements)))
    for target, name, elements in inverse:
        mappings.setdefault(target, {}).setdefault(name, elements)
    return mappings


def _near(label: str, ranges: dict[str, Range], faults: list[Fault]) -> str:
    return suggestion(label, [each.label for each in ranges.values()]) if len(faults) < MOST_SUGGESTED else ""


def _groups(target: str, items: list[str] | None, dimensions: dict[str, Dimension]) -> list[tuple[str, ...]]:
    if items is None:
        return [(element,) for element in dimensions[target].elements]
    names = [canonical(item) for item in items]
    return [dimensions[name].elements if name in dimensions else (name,) for name in names]


def _plain(label: str) -> str:
    label = label.strip()
    return label[1:-1].replace('\\"', '"') if len(label) > 1 and label[0] == label[-1] == '"' else label
