"""The variables and macros that an XMILE file declares, with what they say and what is not supported."""

from __future__ import annotations

import math

from alliance_dynamics.errors import Fault, Place, fault
from alliance_dynamics.model.model import Dimension
from alliance_dynamics.model.names import canonical
from alliance_dynamics.model.xmile_curves import read_curve
from alliance_dynamics.model.xmile_dimensions import split_subscripts
from alliance_dynamics.model.xmile_document import (
    Element,
    all_text_of,
    child,
    children,
    is_vendor,
    label_of,
    local_name,
    text_of,
)
from alliance_dynamics.model.xmile_equations import is_blank, qualified, subscript_name
from alliance_dynamics.model.xmile_scopes import Declaration, Defaults, Macro, Part, Scope, Text
from alliance_dynamics.model.xmile_specs import TIME_NAMES

MOST_ELEMENTS = 200_000
VARIABLES = ("stock", "flow", "aux", "gf")
REFUSED = {
    "conveyor": "conveyors",
    "queue": "queues",
    "oven": "ovens",
    "leak": "conveyor leaks",
    "leak_integers": "conveyor leaks",
    "overflow": "queue overflows",
    "multiplier": "unit multipliers of flows",
}
KNOWN = frozenset(
    {"eqn", "init_eqn", "mathml", "units", "doc", "dimensions", "element", "gf", "non_negative", "inflow", "outflow"}
    | {"event_poster", "range", "scale", "format", "netflow"}
)


def read_variables(
    element: Element,
    scope: Scope,
    dimensions: dict[str, Dimension],
    defaults: Defaults,
    file: str,
    faults: list[Fault],
    notices: list[str],
) -> list[Declaration]:
    """The variables of one `<variables>` element; their names enter the scope."""
    found: list[Declaration] = []
    seen: dict[str, Declaration] = {}
    for each in children(element):
        tag = local_name(each)
        place = Place(file, each.sourceline or 0)
        if tag in ("group", "module"):
            continue
        if tag not in VARIABLES:
            faults.append(
                fault(
                    place,
                    "<{tag}> is not a kind of variable",
                    expected="Expected stock, flow, aux, gf, module or group",
                    tag=tag,
                )
            )
            continue
        label = label_of(each.get("name"))
        name = canonical(label)
        if not name:
            faults.append(
                fault(place, "a nameless variable: <{tag}> has no name", expected='Expected name="..."', tag=tag)
            )
            continue
        if name in TIME_NAMES:
            faults.append(
                fault(
                    place,
                    "`{label}` is the name of a time of the run and cannot be a variable",
                    remedy="Rename it",
                    label=label,
                )
            )
            continue
        if name in seen:
            faults.append(
                fault(
                    place,
                    "duplicate: {label} and {other} are one name (case and blanks are ignored); first defined at line"
                    " {line}",
                    remedy="Rename or delete one",
                    label=repr(label),
                    other=repr(seen[name].label),
                    line=seen[name].place.line,
                )
            )
            continue
        declaration = Declaration(scope.prefix + name, scope.label + label, tag, place, scope)
        seen[name] = declaration
        scope.names[name] = declaration.name
        _fill(declaration, each, dimensions, defaults, faults, notices)
        found.append(declaration)
    return found


def read_macros(root: Element, file: str, faults: list[Fault]) -> dict[str, Macro]:
    found: dict[str, Macro] = {}
    for element in children(root, "macro"):
        place = Place(file, element.sourceline or 0)
        label = label_of(element.get("name"))
        equation = child(element, "eqn")
        if element.get("filter") is not None or child(element, "sim_specs") is not None:
            faults.append(
                fault(place, "the macro `{label}` is a filter or has its own time, which is not supported", label=label)
            )
            continue
        if not canonical(label) or equation is None or is_blank(text_of(equation)):
            faults.append(fault(place, "the macro `{label}` has no name or no <eqn>", label=label))
            continue
        if canonical(label) in found:
            faults.append(fault(place, "the macro `{label}` is defined twice", label=label))
            continue
        parameters = tuple((canonical(text_of(each)), each.get("default")) for each in children(element, "parm"))
        found[canonical(label)] = Macro(
            canonical(label), label, parameters, _text(equation), child(element, "variables"), place
        )
    return found


def read_defaults(*elements: Element | None) -> Defaults:
    """The `<behavior>` of the file, then of the model, the latter first in rank."""
    stock = flow = False
    for element in elements:
        behavior = child(element, "behavior")
        for each in children(behavior):
            if local_name(each) == "non_negative":
                stock = flow = _is_on(each)
            inside = child(each, "non_negative")
            if inside is not None and local_name(each) == "stock":
                stock = _is_on(inside)
            if inside is not None and local_name(each) == "flow":
                flow = _is_on(inside)
    return Defaults(stock, flow)


def flow_name(text: Text) -> str:
    """The canonical name in `<inflow>` or `<outflow>`."""
    stripped = text.text.strip()
    return qualified(stripped) if "." in stripped else canonical(stripped)


def _fill(
    declaration: Declaration,
    element: Element,
    dimensions: dict[str, Dimension],
    defaults: Defaults,
    faults: list[Fault],
    notices: list[str],
) -> None:
    place = declaration.place
    declaration.dimensions = _dimensions_of(declaration, element, dimensions, faults)
    declaration.non_negative = {"stock": defaults.stock, "flow": defaults.flow}.get(declaration.tag, False)
    if declaration.tag == "gf":
        declaration.curve = read_curve(element, declaration.label, place.file, faults)
    for each in element:
        name = local_name(each)
        here = Place(place.file, each.sourceline or place.line)
        if name in REFUSED:
            faults.append(
                fault(
                    here,
                    "{label}: {feature} (<{name}>) are not supported",
                    label=repr(declaration.label),
                    feature=REFUSED[name],
                    name=name,
                )
            )
        elif name == "netflow" and declaration.tag == "stock":
            declaration.netflow = _text(each)
        elif not name or is_vendor(each) or (declaration.tag == "gf" and name not in KNOWN):
            continue
        elif name not in KNOWN:
            notices.append(f"The part <{name}> of {declaration.label} is not known and was not read.")
        elif name == "eqn":
            declaration.equation = None if is_blank(text_of(each)) else _text(each)
        elif name == "init_eqn":
            declaration.initial = None if is_blank(text_of(each)) else _text(each)
        elif name == "gf":
            declaration.curve = read_curve(each, declaration.label, place.file, faults)
        elif name == "units":
            declaration.unit = text_of(each).strip()
        elif name == "doc":
            declaration.documentation = all_text_of(each).strip()
        elif name == "non_negative":
            declaration.non_negative = _is_on(each)
        elif name == "inflow":
            declaration.inflows.append(_text(each))
        elif name == "outflow":
            declaration.outflows.append(_text(each))
        elif name == "element":
            _add_part(declaration, each, dimensions, faults)


def _dimensions_of(
    declaration: Declaration, element: Element, dimensions: dict[str, Dimension], faults: list[Fault]
) -> tuple[str, ...]:
    found: list[str] = []
    for each in children(child(element, "dimensions"), "dim"):
        name = subscript_name(label_of(each.get("name")))
        if name not in dimensions:
            faults.append(
                fault(
                    Place(declaration.place.file, each.sourceline or 0),
                    "the dimension `{name}` of {label} is not declared",
                    expected="Expected one of the <dimensions> of the file",
                    name=each.get("name"),
                    label=repr(declaration.label),
                )
            )
            continue
        if name in found:
            alias = f"{name}#{found.count(name) + 1}"
            source = dimensions[name]
            dimensions.setdefault(alias, Dimension(alias, source.label, source.elements, source.labels))
            name = alias
        found.append(name)
    count = math.prod(len(dimensions[each].elements) for each in found)
    if count > MOST_ELEMENTS:
        faults.append(
            fault(
                declaration.place,
                "{label} has {count} elements",
                expected="Expected at most {limit}",
                remedy="Use smaller dimensions",
                label=repr(declaration.label),
                count=count,
                limit=MOST_ELEMENTS,
            )
        )
        return ()
    return tuple(found)


def _add_part(
    declaration: Declaration, element: Element, dimensions: dict[str, Dimension], faults: list[Fault]
) -> None:
    place = Place(declaration.place.file, element.sourceline or 0)
    text = element.get("subscript") or ""
    elements = split_subscripts(text, declaration.dimensions, dimensions)
    equation, curve = child(element, "eqn"), child(element, "gf")
    if not declaration.dimensions:
        faults.append(fault(place, "{label} has an <element> but no <dimensions>", label=repr(declaration.label)))
        return
    if len(elements) != len(declaration.dimensions):
        faults.append(
            fault(
                place,
                "the element [{text}] of {label} has {found} subscripts, not {wanted}",
                text=text,
                label=repr(declaration.label),
                found=len(elements),
                wanted=len(declaration.dimensions),
            )
        )
        return
    for name, dimension in zip(elements, declaration.dimensions, strict=True):
        if name not in dimensions[dimension].elements:
            faults.append(
                fault(
                    place,
                    "`{name}` is no element of `{dimension}`, in [{text}] of {label}",
                    expected="Expected one of {known}",
                    name=name,
                    dimension=dimensions[dimension].label,
                    text=text,
                    label=repr(declaration.label),
                    known=", ".join(dimensions[dimension].labels[:8]),
                )
            )
            return
    for each in element:
        if local_name(each) in REFUSED:
            faults.append(
                fault(
                    place,
                    "{label}: {feature} (<{name}>) are not supported",
                    label=repr(declaration.label),
                    feature=REFUSED[local_name(each)],
                    name=local_name(each),
                )
            )
    if any(part.elements == elements for part in declaration.parts):
        faults.append(
            fault(place, "duplicate: [{text}] of {label} is defined twice", text=text, label=repr(declaration.label))
        )
        return
    declaration.parts.append(
        Part(
            elements,
            None if equation is None or is_blank(text_of(equation)) else _text(equation),
            None if curve is None else read_curve(curve, declaration.label, place.file, faults),
            place,
        )
    )


def _text(element: Element) -> Text:
    return Text(text_of(element), element.sourceline or 0)


def _is_on(element: Element) -> bool:
    return text_of(element).strip().lower() not in ("false", "0")
