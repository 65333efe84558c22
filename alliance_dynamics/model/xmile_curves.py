"""Graphical functions of XMILE: points by xpts or xscale, of the kinds continuous, extrapolate and discrete."""

from __future__ import annotations

from itertools import pairwise

from alliance_dynamics.errors import Fault, Place, fault
from alliance_dynamics.model.expression import Interpolation, Table
from alliance_dynamics.model.names import canonical
from alliance_dynamics.model.xmile_document import Element, child, label_of, text_of
from alliance_dynamics.model.xmile_scopes import Curve
from alliance_dynamics.model.xmile_specs import number_fault, read_number

MOST_POINTS = 10_000


def read_curve(element: Element, label: str, file: str, faults: list[Fault]) -> Curve:
    place = Place(file, element.sourceline or 0)
    name = canonical(label_of(element.get("name")))
    y_element = child(element, "ypts")
    if y_element is None and child(element, "xpts") is None and child(element, "xscale") is None and name:
        return Curve(None, name, place)
    before = len(faults)
    y = _points(y_element, "ypts", label, place, faults)
    x = _points(child(element, "xpts"), "xpts", label, place, faults) if child(element, "xpts") is not None else None
    if len(faults) > before:
        return Curve(None, "", place)
    if len(y) < 2:
        faults.append(
            fault(
                place,
                "the graphical function of {label} has {count} points",
                expected="Expected at least two",
                label=repr(label),
                count=len(y),
            )
        )
        return Curve(None, "", place)
    if x is None:
        scale = child(element, "xscale")
        ends = [None if scale is None else read_number(scale.get(end) or "") for end in ("min", "max")]
        low, high = ends
        if low is None or high is None or not low < high:
            faults.append(
                fault(
                    place,
                    "the graphical function of {label} has no x-axis: xscale goes from {low} to {high}",
                    expected="Expected <xpts>, or an <xscale> with min below max",
                    label=repr(label),
                    low=low,
                    high=high,
                )
            )
            return Curve(None, "", place)
        x = [low + (high - low) * index / (len(y) - 1) for index in range(len(y))]
    if len(x) != len(y):
        faults.append(
            fault(
                place,
                "the graphical function of {label} has {xs} xpts and {ys} ypts",
                expected="Expected as many of one as of the other",
                label=repr(label),
                xs=len(x),
                ys=len(y),
            )
        )
        return Curve(None, "", place)
    if any(b < a for a, b in pairwise(x)):
        wrong = next(b for a, b in pairwise(x) if b < a)
        faults.append(
            fault(
                place,
                "the xpts of {label} are not sorted, at {wrong}",
                expected="Expected values that do not decrease",
                label=repr(label),
                wrong=wrong,
            )
        )
        return Curve(None, "", place)
    return Curve(Table(tuple(x), tuple(y), _interpolation(element, label, place, faults)), name, place)


def _interpolation(element: Element, label: str, place: Place, faults: list[Fault]) -> Interpolation:
    kind = (element.get("type") or "").strip().lower()
    if (element.get("discrete") or "").strip().lower() in ("true", "1"):
        kind = "discrete"
    if (element.get("extrapolate") or "").strip().lower() in ("true", "1"):
        kind = "extrapolate"
    match kind:
        case "" | "continuous":
            return "continuous"
        case "extrapolate":
            return "extrapolate"
        case "discrete":
            return "discrete"
    faults.append(
        fault(
            place,
            "the graphical function of {label} has the type `{kind}`",
            expected="Expected continuous, extrapolate or discrete",
            label=repr(label),
            kind=kind,
        )
    )
    return "continuous"


def _points(element: Element | None, name: str, label: str, place: Place, faults: list[Fault]) -> list[float]:
    if element is None or not text_of(element).strip():
        faults.append(fault(place, "the graphical function of {label} has no <{name}>", label=repr(label), name=name))
        return []
    text = text_of(element)
    separator = element.get("sep") or ("," if "," in text else None)
    pieces = text.split(separator) if separator and separator.strip() else text.split()
    if pieces and not pieces[-1].strip():
        pieces.pop()
    if len(pieces) > MOST_POINTS:
        faults.append(
            fault(
                place,
                "the graphical function of {label} has more than {limit} points",
                label=repr(label),
                limit=MOST_POINTS,
            )
        )
        return []
    values: list[float] = []
    for piece in pieces:
        value = read_number(piece)
        if value is None:
            faults.append(number_fault(place, f"a point in <{name}> of {label!r}", piece))
            return []
        values.append(value)
    return values
