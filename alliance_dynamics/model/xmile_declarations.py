"""What an XMILE file declares: variables as written, dimensions, graphical functions, modules and macros."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field

from lxml import etree

from alliance_dynamics.errors import Fault, Place, fault
from alliance_dynamics.model.expression import Interpolation, Table
from alliance_dynamics.model.model import Dimension
from alliance_dynamics.model.names import canonical
from alliance_dynamics.model.xmile_document import (
    all_text_of,
    child,
    children,
    is_vendor,
    local_name,
    text_of,
    vendor_child,
)
from alliance_dynamics.model.xmile_equations import is_blank, qualified
from alliance_dynamics.model.xmile_specs import TIME_NAMES, number_fault, read_number

MOST_POINTS = 10_000
MOST_ELEMENTS = 100_000
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
    ["eqn", "init_eqn", "mathml", "units", "doc", "dimensions", "element", "gf", "non_negative", "inflow", "outflow", "event_poster", "range", "scale", "format", "netflow"]
)
_SPLIT = re.compile(r'\s*("(?:\\.|[^"\\])*"|[^,]*)\s*(?:,|$)')


@dataclass(frozen=True)
class Text:
    """An equation as written, and the line at which it begins."""

    text: str
    line: int


@dataclass(frozen=True)
class Curve:
    """A graphical function; without points it stands for the stand-alone one of its name."""

    table: Table | None
    name: str
    place: Place


@dataclass
class Part:
    """One `<element>` of an arrayed variable."""

    elements: tuple[str, ...]
    equation: Text | None
    curve: Curve | None
    place: Place


@dataclass
class Declaration:
    """A variable as written.  `name` is unique in the whole file, with its modules before it."""

    name: str
    label: str
    tag: str
    place: Place
    scope: Scope
    dimensions: tuple[str, ...] = ()
    equation: Text | None = None
    initial: Text | None = None
    netflow: Text | None = None
    curve: Curve | None = None
    parts: list[Part] = field(default_factory=list)
    inflows: list[Text] = field(default_factory=list)
    outflows: list[Text] = field(default_factory=list)
    non_negative: bool = False
    unit: str = ""
    documentation: str = ""
    connected: str = ""

    @property
    def is_table(self) -> bool:
        """A graphical function without an input of its own."""
        curves = self.curve is not None or any(part.curve for part in self.parts)
        equations = self.equation is not None or any(part.equation for part in self.parts)
        return curves and not equations and not self.connected


@dataclass
class Scope:
    """The names of one model, module or macro; `prefix` goes before them in the names of the whole file."""

    prefix: str
    label: str
    parent: Scope | None
    names: dict[str, str] = field(default_factory=dict)
    modules: dict[str, Scope] = field(default_factory=dict)

    def find(self, name: str) -> str | None:
        """The whole name of a variable seen from here: local, `module.name`, or `.name` of an enclosing model."""
        if name.startswith("."):
            scope: Scope | None = self.parent or self
            while scope is not None:
                found = scope.find(name[1:])
                if found:
                    return found
                scope = scope.parent
            return None
        if name in self.names:
            return self.names[name]
        scope = self
        while scope is not None:
            first, dot, rest = name.partition(".")
            if dot and first in scope.modules:
                return scope.modules[first].find(rest)
            scope = scope.parent
        return None


@dataclass(frozen=True)
class Macro:
    """A function defined in the file; `variables` is None for a single expression."""

    name: str
    label: str
    parameters: tuple[tuple[str, str | None], ...]
    equation: Text
    variables: etree._Element | None
    place: Place


@dataclass(frozen=True)
class Defaults:
    """What `<behavior>` says about stocks and flows that say nothing themselves."""

    stock: bool = False
    flow: bool = False


def read_dimensions(root: etree._Element, file: str, faults: list[Fault]) -> dict[str, Dimension]:
    """The file's dimensions, by canonical name; numbered ones have the elements 1, 2, ..."""
    found: dict[str, Dimension] = {}
    maps: dict[str, str] = {}
    for element in children(child(root, "dimensions"), "dim"):
        place = Place(file, element.sourceline or 0)
        label = _label(element.get("name"))
        name = canonical(label)
        if not name:
            faults.append(fault(place, "a dimension has no name", expected='<dim name="...">'))
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
        labels = [_label(each.get("name")) for each in children(element, "elem")]
        size = element.get("size")
        if not labels and size is not None:
            if not re.fullmatch(r"\s*\d+\s*", size) or not 1 <= int(size) <= MOST_ELEMENTS:
                faults.append(
                    fault(
                        place,
                        "the dimension `{label}` has the size `{size}`",
                        expected="A whole number from 1 to {limit}",
                        label=label,
                        size=size,
                        limit=MOST_ELEMENTS,
                    )
                )
                continue
            labels = [str(number) for number in range(1, int(size) + 1)]
        names = [canonical(each) for each in labels]
        if not names or "" in names:
            faults.append(
                fault(
                    place,
                    "the dimension `{label}` has no elements, or one without a name",
                    expected='size="..." or <elem name="..."/>',
                    label=label,
                )
            )
            continue
        twice = sorted({each for each in names if names.count(each) > 1})
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
        target = vendor_child(element, "maps_to")
        if target is not None:
            maps[name] = canonical(text_of(target))
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


def read_defaults(*elements: etree._Element | None) -> Defaults:
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


def read_variables(
    element: etree._Element,
    scope: Scope,
    dimensions: dict[str, Dimension],
    defaults: Defaults,
    file: str,
    faults: list[Fault],
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
                    expected="stock, flow, aux, gf, module or group",
                    tag=tag,
                )
            )
            continue
        label = _label(each.get("name"))
        name = canonical(label)
        if not name:
            faults.append(fault(place, "a nameless variable: <{tag}> has no name", expected='name="..."', tag=tag))
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
        _fill(declaration, each, dimensions, defaults, faults)
        found.append(declaration)
    return found


def read_macros(root: etree._Element, file: str, faults: list[Fault]) -> dict[str, Macro]:
    found: dict[str, Macro] = {}
    for element in children(root, "macro"):
        place = Place(file, element.sourceline or 0)
        label = _label(element.get("name"))
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


def split_subscripts(text: str, dimensions: tuple[str, ...], known: dict[str, Dimension]) -> tuple[str, ...]:
    """The elements that `subscript="..."` names, numbers being positions; canonical names, unchecked."""
    whole = canonical(text)
    if len(dimensions) == 1 and dimensions[0] in known and whole in known[dimensions[0]].elements:
        return (whole,)
    parts: list[str] = []
    position = 0
    while position <= len(text):
        match = _SPLIT.match(text, position)
        if match is None:
            break
        parts.append(canonical(match.group(1)))
        if match.end() >= len(text) and not text[position : match.end()].endswith(","):
            break
        position = match.end()
    named: list[str] = []
    for index, part in enumerate(parts):
        dimension = known.get(dimensions[index]) if index < len(dimensions) else None
        if (
            dimension
            and part not in dimension.elements
            and part.isdigit()
            and 1 <= int(part) <= len(dimension.elements)
        ):
            part = dimension.elements[int(part) - 1]
        named.append(part)
    return tuple(named)


def _fill(
    declaration: Declaration,
    element: etree._Element,
    dimensions: dict[str, Dimension],
    defaults: Defaults,
    faults: list[Fault],
) -> None:
    place = declaration.place
    declaration.dimensions = _dimensions_of(declaration, element, dimensions, faults)
    declaration.non_negative = {"stock": defaults.stock, "flow": defaults.flow}.get(declaration.tag, False)
    if declaration.tag == "gf":
        declaration.curve = _curve(element, declaration.label, place.file, faults)
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
            faults.append(
                fault(
                    here,
                    "{label} has an unknown part <{name}>",
                    expected="One of {known}",
                    label=repr(declaration.label),
                    name=name,
                    known=", ".join(sorted(KNOWN)),
                )
            )
        elif name == "eqn":
            declaration.equation = None if is_blank(text_of(each)) else _text(each)
        elif name == "init_eqn":
            declaration.initial = None if is_blank(text_of(each)) else _text(each)
        elif name == "gf":
            declaration.curve = _curve(each, declaration.label, place.file, faults)
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
    declaration: Declaration, element: etree._Element, dimensions: dict[str, Dimension], faults: list[Fault]
) -> tuple[str, ...]:
    found: list[str] = []
    for each in children(child(element, "dimensions"), "dim"):
        name = canonical(_label(each.get("name")))
        if name not in dimensions:
            faults.append(
                fault(
                    Place(declaration.place.file, each.sourceline or 0),
                    "the dimension `{name}` of {label} is not declared",
                    expected="One of the <dimensions> of the file",
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
    return tuple(found)


def _add_part(
    declaration: Declaration, element: etree._Element, dimensions: dict[str, Dimension], faults: list[Fault]
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
                    expected="One of {known}",
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
            None if curve is None else _curve(curve, declaration.label, place.file, faults),
            place,
        )
    )


def _curve(element: etree._Element, label: str, file: str, faults: list[Fault]) -> Curve:
    place = Place(file, element.sourceline or 0)
    name = canonical(_label(element.get("name")))
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
                expected="At least two",
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
                    expected="<xpts>, or an <xscale> with min below max",
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
                expected="As many of one as of the other",
                label=repr(label),
                xs=len(x),
                ys=len(y),
            )
        )
        return Curve(None, "", place)
    if any(b < a for a, b in itertools.pairwise(x)):
        wrong = next(b for a, b in itertools.pairwise(x) if b < a)
        faults.append(
            fault(
                place,
                "the xpts of {label} are not sorted, at {wrong}",
                expected="Values that do not decrease",
                label=repr(label),
                wrong=wrong,
            )
        )
        return Curve(None, "", place)
    return Curve(Table(tuple(x), tuple(y), _interpolation(element, label, place, faults)), name, place)


def _interpolation(element: etree._Element, label: str, place: Place, faults: list[Fault]) -> Interpolation:
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
            expected="continuous, extrapolate or discrete",
            label=repr(label),
            kind=kind,
        )
    )
    return "continuous"


def _points(element: etree._Element | None, name: str, label: str, place: Place, faults: list[Fault]) -> list[float]:
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


def _text(element: etree._Element) -> Text:
    return Text(text_of(element), element.sourceline or 0)


def _label(text: str | None) -> str:
    """A name as shown: without quotes and line breaks."""
    text = " ".join((text or "").replace("\\n", " ").replace("\\r", " ").split())
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text


def _is_on(element: etree._Element) -> bool:
    return text_of(element).strip().lower() not in ("false", "0")


def flow_name(text: Text) -> str:
    """The canonical name in `<inflow>` or `<outflow>`."""
    stripped = text.text.strip()
    return qualified(stripped) if "." in stripped else canonical(stripped)
