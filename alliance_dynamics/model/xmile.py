"""Reads XMILE 1.0 models (.xmile, Stella's .stmx) into a Model; nothing of the file is ever executed."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from alliance_dynamics.errors import MOST_SUGGESTED, Fault, ModelError, Place, fault, suggestion
from alliance_dynamics.model.model import Dimension, Model, Variable
from alliance_dynamics.model.names import canonical
from alliance_dynamics.model.xmile_assembly import Assembly
from alliance_dynamics.model.xmile_declarations import flow_name, read_defaults, read_macros, read_variables
from alliance_dynamics.model.xmile_dimensions import read_dimensions
from alliance_dynamics.model.xmile_document import (
    Element,
    all_text_of,
    child,
    children,
    label_of,
    read_document,
    vendor_attribute,
)
from alliance_dynamics.model.xmile_equations import qualified
from alliance_dynamics.model.xmile_frame import Library
from alliance_dynamics.model.xmile_limits import limit_outflows
from alliance_dynamics.model.xmile_scopes import Declaration, Scope
from alliance_dynamics.model.xmile_specs import CONTROLS, Specs, control_variables, read_number, read_specs, time_axis

DEEPEST_MODULES = 20
MOST_MODULES = 2_000
MOST_VARIABLES = 200_000


def read_xmile(path: Path) -> Model:
    """The model of an XMILE file.

    Understood: stocks, flows and auxiliaries, graphical functions (continuous, extrapolate, discrete), arrays with
    wildcards and computed subscripts, non-negative stocks and flows, modules, macros, Euler, RK2 and RK4.  Conveyors,
    queues, ovens, transposition, unknown functions and methods are refused by name.  ModelError holds all faults.
    Checks common to all formats (cycles, numbers out of range) follow in `read.read_model`.
    Source: XMILE 1.0, OASIS Standard, 14 December 2015.
    """
    path = Path(path)
    root, notices = read_document(path)
    faults: list[Fault] = []
    models = list(children(root, "model"))
    if not models:
        raise ModelError(
            fault(Place(path.name, root.sourceline or 1), "no <model> element", expected="Expected one <model>")
        )
    main = next((each for each in models if not (each.get("name") or "").strip()), models[0])
    specs = _specs(root, main, path.name, faults, notices)
    reader = _Reader(root, path.name, faults, notices)
    declarations = reader.declare(main)
    if not declarations and not faults:
        faults.append(
            fault(
                Place(path.name, main.sourceline or 1),
                "the model has no variables",
                expected="Expected at least one variable",
            )
        )
    specs = _take_controls(declarations, reader.top, specs, faults)
    variables = reader.assemble(declarations, specs)
    if faults:
        raise ModelError(_distinct(faults))
    return Model(
        path.stem,
        variables,
        reader.dimensions,
        time_axis(specs),
        tuple(dict.fromkeys(notices)),
        hashlib.sha256(path.read_bytes()).hexdigest(),
    )


class _Reader:
    """One file: its dimensions and macros, and the models that modules put together."""

    def __init__(self, root: Element, file: str, faults: list[Fault], notices: list[str]):
        self.root, self.file, self.faults, self.notices = root, file, faults, notices
        self.dimensions: dict[str, Dimension] = read_dimensions(root, file, faults)
        self.macros = read_macros(root, file, faults)
        self.models = {
            canonical(each.get("name") or ""): each
            for each in children(root, "model")
            if (each.get("name") or "").strip()
        }
        self.top = Scope("", "", None)
        self.modules = 0
        self.connections: list[tuple[Scope, Scope, Element]] = []
        header = child(root, "header")
        self.from_vensim = "vensim" in (all_text_of(child(header, "product")) or "").lower()
        self.from_vensim = self.from_vensim or "xmutil" in all_text_of(child(header, "vendor")).lower()

    def declare(self, main: Element) -> dict[str, Declaration]:
        """Every variable of the model and of its modules, by its whole name."""
        found: dict[str, Declaration] = {}
        used: set[str] = set()
        pending: list[tuple[Element, Scope, tuple[str, ...]]] = [(main, self.top, ())]
        while pending:
            model, scope, path = pending.pop()
            place = Place(self.file, model.sourceline or 0)
            if model.get("resource") or model.get("encryption-scheme"):
                self.faults.append(fault(place, "a model in another file, or an encrypted one, is not supported"))
                continue
            if model is not main and child(model, "sim_specs") is not None:
                self.faults.append(
                    fault(
                        place,
                        "the module `{name}` has a time axis of its own, which is not supported",
                        remedy="Delete its <sim_specs>",
                        name=model.get("name"),
                    )
                )
            defaults = read_defaults(self.root, model)
            for variables in children(model, "variables"):
                for each in read_variables(
                    variables, scope, self.dimensions, defaults, self.file, self.faults, self.notices
                ):
                    if each.name in found:
                        self.faults.append(
                            fault(each.place, "duplicate: {label} is defined twice", label=repr(each.label))
                        )
                    found[each.name] = each
                if len(found) > MOST_VARIABLES:
                    raise ModelError(
                        fault(
                            place,
                            "the model has more than {limit} variables, as far as the module `{name}`",
                            remedy="Use fewer modules, or arrays",
                            limit=MOST_VARIABLES,
                            name=".".join(path) or model.get("name") or "",
                        )
                    )
                for module in children(variables, "module"):
                    inner = self._module(module, scope, path)
                    if inner is not None:
                        pending.append(inner)
                        used.add(canonical(inner[0].get("name") or ""))
        for name, model in self.models.items():
            if name not in used and model is not main:
                self.notices.append(f"The model {model.get('name')} is used by no module and was left out.")
        for each in list(found.values()):
            for curve in [each.curve] if each.curve is not None else []:
                if curve.table is not None and curve.name:
                    each.scope.names.setdefault(curve.name, each.name)
            clash = each.name in self.dimensions
            if clash:
                self.faults.append(
                    fault(
                        each.place,
                        "{label} has the name of a dimension",
                        remedy="Rename one of the two",
                        label=repr(each.label),
                    )
                )
        for connection in self.connections:
            self._connect(found, *connection)
        return found

    def _module(
        self, element: Element, scope: Scope, path: tuple[str, ...]
    ) -> tuple[Element, Scope, tuple[str, ...]] | None:
        place = Place(self.file, element.sourceline or 0)
        label = label_of(element.get("name"))
        name = canonical(label)
        of = canonical(vendor_attribute(element, "model_name") or label)
        if not name or name in scope.modules:
            self.faults.append(fault(place, "a module without a name, or `{label}` twice", label=label))
            return None
        if element.get("resource"):
            self.faults.append(
                fault(
                    place,
                    "the module `{label}` is in another file ({resource}), which is not supported",
                    remedy="Save the model as one file",
                    label=label,
                    resource=element.get("resource"),
                )
            )
            return None
        if of not in self.models:
            self.faults.append(
                fault(
                    place,
                    "the module `{label}` has no <model> of that name",
                    remedy=suggestion(of, self.models) if len(self.faults) < MOST_SUGGESTED else "",
                    label=label,
                )
            )
            return None
        if of in path or len(path) >= DEEPEST_MODULES:
            self.faults.append(fault(place, "the module `{label}` contains itself", label=label))
            return None
        self.modules += 1
        if self.modules > MOST_MODULES:
            self.faults.append(fault(place, "the model has more than {limit} modules", limit=MOST_MODULES))
            return None
        inner = Scope(f"{scope.prefix}{name}.", f"{scope.label}{label}.", scope)
        scope.modules[name] = inner
        self.connections.extend((scope, inner, each) for each in _connections(element))
        return self.models[of], inner, (*path, of)

    def _connect(self, found: dict[str, Declaration], scope: Scope, inner: Scope, element: Element) -> None:
        place = Place(self.file, element.sourceline or 0)
        to, source = qualified(element.get("to") or ""), qualified(element.get("from") or "")
        target = scope.find(to[1:]) or self.top.find(to[1:]) if to.startswith(".") else inner.find(to)
        origin = scope.find(source[1:]) or self.top.find(source[1:]) if source.startswith(".") else scope.find(source)
        for name, whole, end in ((to, target, "to"), (source, origin, "from")):
            if whole not in found:
                self.faults.append(
                    fault(
                        place,
                        "the connection {end} `{name}` leads to no variable",
                        expected="Expected a variable of this model, as module.variable",
                        end=end,
                        name=name,
                    )
                )
                return
        assert target is not None and origin is not None
        declaration = found[target]
        if declaration.connected and declaration.connected != origin:
            self.faults.append(fault(place, "{label} is connected twice", label=repr(declaration.label)))
        elif target == origin or (declaration.tag == "stock" and declaration.equation is not None):
            self.faults.append(fault(place, "{label} cannot be the input of a module", label=repr(declaration.label)))
        else:
            declaration.connected = origin

    def assemble(self, declarations: dict[str, Declaration], specs: Specs) -> dict[str, Variable]:
        """The variables of all declarations, the time controls first."""
        arrays = child(child(child(self.root, "header"), "options"), "uses_arrays")
        nan = arrays is not None and (arrays.get("invalid_index_value") or "").lower() == "nan"
        library = Library(
            dict(declarations), self.dimensions, self.macros, self.from_vensim, float("nan") if nan else 0.0
        )
        assembly = Assembly(library, self.file, self.faults, control_variables(specs))
        attached: set[str] = set()
        limited: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = []
        for each in declarations.values():
            if self.from_vensim and _is_lost_data(each):
                self.faults.append(
                    fault(
                        each.place,
                        "{label}: its data were lost when the file was converted from Vensim",
                        expected="Expected the original .mdl with its data",
                        label=repr(each.label),
                    )
                )
                continue
            if each.tag == "stock":
                self.notices.extend(assembly.check_flows(each))
                inflows, outflows = (
                    tuple(name for text in texts if (name := each.scope.find(flow_name(text))) is not None)
                    for texts in (each.inflows, each.outflows)
                )
                attached.update(inflows + outflows)
                if each.non_negative:
                    limited.append((each.name, inflows, outflows))
            assembly.add(each)
        self.notices.extend(
            f"The flow {each.label} is attached to no stock."
            for each in declarations.values()
            if each.tag == "flow" and each.name not in attached and not each.connected
        )
        for each in children(child(self.root, "data"), "import"):
            self.notices.append(f"Data that the file imports ({each.get('resource') or 'unnamed'}) were not read.")
        if not self.faults:
            self.notices.extend(limit_outflows(assembly.variables, limited))
        self.notices.extend(library.notices)
        return assembly.variables


def _specs(root: Element, main: Element, file: str, faults: list[Fault], notices: list[str]) -> Specs:
    element = child(root, "sim_specs")
    element = child(main, "sim_specs") if element is None else element
    if element is None:
        raise ModelError(
            fault(
                Place(file, root.sourceline or 1),
                "no <sim_specs> element",
                expected="Expected <sim_specs> with <start>, <stop> and <dt>",
            )
        )
    return read_specs(element, file, faults, notices)


def _take_controls(declarations: dict[str, Declaration], top: Scope, specs: Specs, faults: list[Fault]) -> Specs:
    """Takes variables with the names of the time controls out; those that say something else are faults.

    Conversions from Vensim leave INITIAL TIME, FINAL TIME, TIME STEP and SAVEPER beside <sim_specs>.
    """
    values = {"initial_time": specs.start, "final_time": specs.stop, "time_step": specs.dt, "saveper": specs.saveper}
    same = {"time_step": ("dt", "time_step"), "saveper": ("dt", "time_step"), "initial_time": ("starttime",)}
    same["final_time"] = ("stoptime",)
    for name in CONTROLS:
        declaration = declarations.pop(name, None)
        if declaration is None:
            continue
        top.names.pop(name, None)
        text = declaration.equation.text if declaration.equation is not None else ""
        number, value = read_number(text), values[name]
        if canonical(text) in same[name]:
            continue
        if name == "saveper" and value is None and number is not None and number > 0:
            specs = replace(specs, saveper=number)
        elif number is None or value is None or abs(number - value) > 1e-9 * max(1.0, abs(value)):
            faults.append(
                fault(
                    declaration.place,
                    "{label} is `{text}`, but <sim_specs> says {value}",
                    expected="Expected the same time in both places",
                    remedy="Rename the variable if it means something else",
                    label=repr(declaration.label),
                    text=text.strip(),
                    value=specs.dt if value is None else value,
                )
            )
    return specs


def _connections(module: Element) -> list[Element]:
    """The connections of a module; Stella writes most of them twice, as <connect> and as <connect2>."""
    first = list(children(module, "connect"))
    made = {qualified(each.get("to") or "").rpartition(".")[2] for each in first}
    second = children(module, "connect2")
    return first + [each for each in second if qualified(each.get("to") or "").rpartition(".")[2] not in made]


def _is_lost_data(declaration: Declaration) -> bool:
    """The placeholder that a conversion from Vensim writes for a data series: TIME through (0, 1), (1, 1)."""
    table = None if declaration.curve is None else declaration.curve.table
    text = "" if declaration.equation is None else declaration.equation.text
    return table is not None and table.x == (0.0, 1.0) and table.y == (1.0, 1.0) and canonical(text) == "time"


def _distinct(faults: list[Fault]) -> list[Fault]:
    kept: dict[str, Fault] = {}
    for each in faults:
        kept.setdefault(str(each), each)
    return list(kept.values())
