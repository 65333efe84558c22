"""The dimensions of an XMILE file, and the elements that a subscript attribute names."""

from __future__ import annotations

import re
from collections import Counter

from alliance_dynamics.errors import Fault, Place, fault
from alliance_dynamics.model.model import Dimension
from alliance_dynamics.model.names import whole
from alliance_dynamics.model.xmile_document import Element, child, children, label_of, text_of, vendor_child
from alliance_dynamics.model.xmile_equations import subscript_name

MOST_ELEMENTS = 100_000
MOST_IN_ALL = 200_000

_SPLIT = re.compile(r'\s*("(?:\\.|[^"\\])*"|[^,]*)\s*(?:,|$)')


def read_dimensions(root: Element, file: str, faults: list[Fault]) -> dict[str, Dimension]:
    """The file's dimensions, by canonical name; numbered ones have the elements 1, 2, ..."""
    found: dict[str, Dimension] = {}
    maps: dict[str, str] = {}
    total = 0
    for element in children(child(root, "dimensions"), "dim"):
        place = Place(file, element.sourceline or 0)
        label = label_of(element.get("name"))
        name = subscript_name(label)
        if not name:
            faults.append(fault(place, "a dimension has no name", expected='Expected <dim name="...">'))
            continue
        if name in found:
            faults.append(
                fault(
                    place,
                    "the dimension `{label}` is declared twice, first at line {line}",
                    label=label,
                    line=found[name].place.line,
                )
            )
            continue
        labels = [label_of(each.get("name")) for each in children(element, "elem")]
        size = element.get("size")
        if not labels and size is not None:
            count = whole(size.strip()) or 0
            if not 1 <= count <= MOST_ELEMENTS:
                faults.append(
                    fault(
                        place,
                        "the dimension `{label}` has the size `{size}`",
                        expected="Expected a whole number from 1 to {limit}",
                        label=label,
                        size=size,
                        limit=MOST_ELEMENTS,
                    )
                )
                continue
            labels = [str(number) for number in range(1, count + 1)]
        names = [subscript_name(each) for each in labels]
        if not names or "" in names:
            faults.append(
                fault(
                    place,
                    "the dimension `{label}` has no elements, or one without a name",
                    expected='Expected size="..." or <elem name="..."/>',
                    label=label,
                )
            )
            continue
        twice = sorted(each for each, count in Counter(names).items() if count > 1)
        if twice:
            faults.append(
                fault(
                    place,
                    "the dimension `{label}` has the element {twice} twice",
                    label=label,
                    twice=", ".join(repr(each) for each in twice),
                )
            )
            continue
        found[name] = Dimension(name, label, tuple(names), tuple(labels), place=place)
        total += len(names)
        if total > MOST_IN_ALL:
            faults.append(
                fault(
                    place,
                    "the dimensions have more than {limit} elements in all, as far as `{label}`",
                    limit=MOST_IN_ALL,
                    label=label,
                )
            )
            break
        target = vendor_child(element, "maps_to")
        if target is not None:
            maps[name] = subscript_name(text_of(target))
    for name, target in maps.items():
        if target in found and len(found[target].elements) == len(found[name].elements):
            each = found[name]
            mapping = ((target, found[target].elements),)
            found[name] = Dimension(name, each.label, each.elements, each.labels, mapping, each.place)
        else:
            faults.append(
                fault(
                    found[name].place,
                    "`{label}` maps to `{target}`, which is no dimension of the same size",
                    label=found[name].label,
                    target=target,
                )
            )
    for each in found.values():
        clash = [element for element in each.elements if element in found]
        if clash:
            faults.append(
                fault(
                    each.place,
                    "the element {clash} of `{label}` has the name of a dimension",
                    remedy="Rename one of the two",
                    clash=", ".join(repr(c) for c in clash[:3]),
                    label=each.label,
                )
            )
    return found


def split_subscripts(text: str, dimensions: tuple[str, ...], known: dict[str, Dimension]) -> tuple[str, ...]:
    """The elements that `subscript="..."` names, numbers being positions; canonical names, unchecked."""
    name = subscript_name(text)
    if len(dimensions) == 1 and dimensions[0] in known and name in known[dimensions[0]].elements:
        return (name,)
    parts: list[str] = []
    position = 0
    while position <= len(text):
        match = _SPLIT.match(text, position)
        if match is None:
            break
        parts.append(subscript_name(match.group(1)))
        if match.end() >= len(text) and not text[position : match.end()].endswith(","):
            break
        position = match.end()
    named: list[str] = []
    for index, part in enumerate(parts):
        dimension = known.get(dimensions[index]) if index < len(dimensions) else None
        number = whole(part)
        if dimension and number and number <= len(dimension.elements) and part not in dimension.elements:
            part = dimension.elements[number - 1]
        named.append(part)
    return tuple(named)
