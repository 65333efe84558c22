"""A model as an XMILE document, with the same numbers when it is read back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from xml.sax.saxutils import escape, quoteattr

from alliance_dynamics.errors import Fault, Place, UnsupportedError
from alliance_dynamics.export.spelling import Unwritable, unwritable, without_arrays
from alliance_dynamics.export.xmile_speller import Helper, XmileSpeller, quoted
from alliance_dynamics.kernel.subscripts import Subscripts
from alliance_dynamics.model.check_time import CONTROLS, Unknown, Varies, constant_value
from alliance_dynamics.model.expression import (
    Array,
    Binary,
    Expression,
    LookupCall,
    Number,
    Reference,
    Table,
    Unary,
    children,
)
from alliance_dynamics.model.model import Definition, Model, Variable
from alliance_dynamics.model.names import canonical
from alliance_dynamics.model.xmile_equations import subscript_name
from alliance_dynamics.model.xmile_specs import TIME_NAMES

_METHODS = {"euler": "Euler", "rk2": "RK2", "rk4": "RK4"}
_KINDS = {"continuous": "continuous", "extrapolate": "extrapolate", "discrete": "discrete", "backward": "discrete"}
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_NAMESPACES = 'xmlns="http://docs.oasis-open.org/xmile/ns/XMILE/v1.0" xmlns:isee="http://iseesystems.com/XMILE"'


def write_xmile(model: Model) -> str:
    """The document of a model, in the order of its variables; read back it gives the same numbers.

    A net rate that is no sum of flows becomes a flow of its own.  An equation that XMILE cannot say for all elements at
    once (subranges, mappings, reductions of computed arrays) is written out, one element at a time.  UnsupportedError
    names every part without a counterpart: allocation, vector functions, data held between times, some distributions.
    """
    document = _Document(model)
    parts = [document.variable(each) for each in model.variables.values() if each.name not in CONTROLS]
    specs = document.specs()
    if document.faults:
        raise UnsupportedError(document.faults)
    return "".join([specs, document.dimensions(), "    <model>\n        <variables>\n", *parts, _TAIL])


_TAIL = "        </variables>\n    </model>\n</xmile>\n"


@dataclass
class _Written:
    """One `<stock>`, `<flow>`, `<aux>` or `<gf>`."""

    tag: str
    label: str
    dimensions: tuple[str, ...] = ()
    lines: list[str] = field(default_factory=list)


class _Document:
    def __init__(self, model: Model):
        self.model = model
        self.subscripts = Subscripts(model)
        self.faults: list[Fault] = []
        self.names: dict[str, str] = {name: word.upper() for word, name in TIME_NAMES.items()}
        for variable in model.variables.values():
            if variable.name not in CONTROLS:
                self._name(variable)
        self.values = {}
        for name in CONTROLS:
            try:
                self.values[name] = constant_value(model, name)
            except (Varies, Unknown, ZeroDivisionError, OverflowError, ValueError):
                place = model.variables[name].place if name in model.variables else Place()
                what = "`{name}` is no number that is known before the run, which {format} expects"
                self.faults.append(unwritable(place, what, name=name, format="XMILE").fault)
                self.values[name] = 1.0
        self.used = {name for each in model.variables.values() for name in each.dimensions}
        self.flows = {name for each in model.variables.values() for name in self._flows(each)}

    def _name(self, variable: Variable) -> None:
        written = quoted(variable.label)
        clash = canonical(written) in TIME_NAMES or variable.name in self.model.dimensions
        if _CONTROL_CHARACTERS.search(written) or clash or canonical(written) in map(canonical, self.names.values()):
            problem = unwritable(variable.place, "`{name}` is no name in {format}", name=variable.label, format="XMILE")
            self.faults.append(problem.fault)
        self.names[variable.name] = written

    def specs(self) -> str:
        start, stop, dt, every = (repr(self.values[name]) for name in CONTROLS)
        unit = quoteattr(_clean(self.model.time.unit))
        method = _METHODS[self.model.time.method]
        lines = [
            '<?xml version="1.0" encoding="utf-8"?>',
            f'<xmile version="1.0" {_NAMESPACES}>',
            "    <header>",
            "        <vendor>Alliance dynamics</vendor>",
            '        <product version="1.0" lang="en">Alliance dynamics</product>',
            f"        <name>{escape(_clean(self.model.name))}</name>",
            "    </header>",
            f'    <sim_specs method="{method}" time_units={unit} isee:save_interval="{every}">',
            f"        <start>{start}</start>",
            f"        <stop>{stop}</stop>",
            f"        <dt>{dt}</dt>",
            "    </sim_specs>",
        ]
        return "\n".join(lines) + "\n"

    def dimensions(self) -> str:
        lines = ["    <dimensions>\n"]
        for name in self.model.dimensions:
            if name in self.used:
                lines.append(f"        <dim name={quoteattr(self.dimension(name))}>\n")
                for element in self.subscripts.elements(name):
                    lines.append(f"            <elem name={quoteattr(self.element(element))}/>\n")
                lines.append("        </dim>\n")
        return "".join([*lines, "    </dimensions>\n"]) if len(lines) > 1 else ""

    def dimension(self, name: str) -> str:
        return _marked(name, self.model.dimensions[name].label)

    def element(self, name: str) -> str:
        for each in self.subscripts.owners[name]:
            dimension = self.model.dimensions[each]
            return _marked(name, dimension.labels[dimension.elements.index(name)])
        return name

    def variable(self, variable: Variable) -> str:
        before = len(self.faults)
        try:
            return "".join(_shown(each, self) for each in self._variable(variable))
        except Unwritable as error:
            self.faults.append(error.fault)
        except RecursionError:
            what = "the equation of `{name}` is nested too deeply to be written as {format}"
            self.faults.append(unwritable(variable.place, what, name=variable.label, format="XMILE").fault)
        assert len(self.faults) > before
        return ""

    def _variable(self, variable: Variable) -> list[_Written]:
        helpers: list[Helper] = []
        first = variable.definitions[0]
        written = _Written(self._tag(variable), variable.label, variable.dimensions)
        found = [written]
        at_once = self._for_all_at_once(variable)
        if at_once or not variable.dimensions:
            written.lines += self._equation(variable, first, None if at_once else {}, helpers)
        else:
            by_elements = self._by_elements(variable)
            for elements in self.subscripts.of_variable(variable):
                if elements not in by_elements:
                    what = "`{name}` has no equation for [{elements}], which {format} expects"
                    shown = ", ".join(elements)
                    raise unwritable(variable.place, what, name=variable.label, elements=shown, format="XMILE")
                definition, chosen = by_elements[elements]
                subscript = quoteattr(", ".join(self.element(each) for each in elements))
                inner = self._equation(variable, definition, chosen, helpers)
                written.lines += [f"<element subscript={subscript}>", *("    " + each for each in inner), "</element>"]
        if variable.kind == "stock":
            lines, net = self._rates(variable)
            written.lines += lines
            if net is not None:
                found += [replace(self._variable(net)[0], tag="flow")]
        if any(each.non_negative for each in variable.definitions):
            written.lines.append("<non_negative/>")
        if variable.unit:
            written.lines.append(f"<units>{escape(_clean(variable.unit))}</units>")
        if variable.documentation:
            written.lines.append(f"<doc>{escape(_clean(variable.documentation))}</doc>")
        for helper in helpers:
            found.append(_Written("aux", helper.label, (), _curve(helper.table)))
        return found

    def _tag(self, variable: Variable) -> str:
        if variable.kind == "stock":
            return "stock"
        return "flow" if variable.name in self.flows else "aux"

    def _equation(
        self, variable: Variable, definition: Definition, chosen: Mapping[str, str] | None, helpers: list[Helper]
    ) -> list[str]:
        """What stands in a variable, or in one `<element>` of it."""
        speller = XmileSpeller(self, variable, definition, chosen, helpers)
        expression = definition.initial if variable.kind == "stock" else definition.expression
        assert expression is not None
        if variable.kind == "lookup" and isinstance(expression, Table):
            return _curve(speller.allowed(expression))
        lines = []
        if isinstance(expression, LookupCall) and isinstance(expression.table, Table) and _all_through(variable):
            lines = _curve(speller.allowed(expression.table))
            expression = expression.argument
        lines.insert(0, f"<eqn>{escape(speller.spell(expression))}</eqn>")
        if variable.kind != "stock" and definition.initial is not None:
            lines.append(f"<init_eqn>{escape(speller.spell(definition.initial))}</init_eqn>")
        return lines

    def _for_all_at_once(self, variable: Variable) -> bool:
        """Whether one equation says it for every element, with names that XMILE aligns as we do."""
        first = variable.definitions[0]
        if len(variable.definitions) > 1 or first.excluded or first.subscripts != variable.dimensions:
            return False
        if variable.kind == "lookup" and variable.dimensions:
            return False
        equations = [first.initial] if variable.kind == "stock" else [first.expression, first.initial]
        return all(_is_plain(each, variable.dimensions, self.model) for each in equations if each is not None)

    def _by_elements(self, variable: Variable) -> dict[tuple[str, ...], tuple[Definition, Mapping[str, str]]]:
        found = {}
        for definition in variable.definitions:
            for elements, chosen, position in self.subscripts.of_definition(definition):
                expression = without_arrays(definition.expression, position)
                assert expression is not None
                initial = without_arrays(definition.initial, position)
                found[elements] = replace(definition, expression=expression, initial=initial), chosen
        return found

    def _flows(self, variable: Variable) -> list[str]:
        """The flows of a stock whose net rate is their sum, inflows first; an outflow begins with a minus."""
        if variable.kind != "stock" or len(variable.definitions) != 1:
            return []
        first = variable.definitions[0]
        if first.subscripts != variable.dimensions or first.excluded:
            return []
        terms, node = [], first.expression
        while isinstance(node, Binary) and node.operator in "+-":
            terms.append(("-" * (node.operator == "-"), node.right))
            node = node.left
        if isinstance(node, Unary) and node.operator == "-":
            terms.append(("-", node.operand))
        else:
            terms.append(("", node))
        terms.reverse()
        if [sign for sign, _ in terms] != sorted(sign for sign, _ in terms):
            return []
        names = [f"{sign}{self._flow(each, variable)}" for sign, each in terms]
        bare = [each.removeprefix("-") for each in names]
        return names if all(bare) and len(set(bare)) == len(bare) else []

    def _flow(self, node: Expression, stock: Variable) -> str:
        if not isinstance(node, Reference) or node.subscripts != stock.dimensions:
            return ""
        variable = self.model.variables.get(node.name)
        if variable is None:
            return ""
        fits = variable.kind in ("flow", "auxiliary", "constant")
        fits = fits and variable.dimensions == stock.dimensions and node.name not in CONTROLS
        return node.name if fits else ""

    def _rates(self, stock: Variable) -> tuple[list[str], Variable | None]:
        """The flows of a stock, and the net flow that has to be made where its rate is another expression."""
        first = stock.definitions[0]
        if len(stock.definitions) == 1 and first.expression == Number(0.0):
            return [], None
        if flows := self._flows(stock):
            tags = [("outflow" if each.startswith("-") else "inflow", each.removeprefix("-")) for each in flows]
            return [f"<{tag}>{escape(self.names[name])}</{tag}>" for tag, name in tags], None
        label = f"{stock.label} net flow"
        while canonical(label) in self.model.variables:
            label += " of the stock"
        definitions = tuple(replace(each, initial=None, non_negative=False) for each in stock.definitions)
        unit = f"{stock.unit}/{self.model.time.unit}" if stock.unit and self.model.time.unit else ""
        net = replace(
            stock, name=canonical(label), label=label, kind="flow", definitions=definitions, unit=unit, documentation=""
        )
        return [f"<inflow>{escape(quoted(label))}</inflow>"], net


def _shown(written: _Written, document: _Document) -> str:
    space = "            "
    lines = [f"{space}<{written.tag} name={quoteattr(written.label)}>"]
    if written.dimensions:
        lines.append(f"{space}    <dimensions>")
        lines += [f"{space}        <dim name={quoteattr(document.dimension(each))}/>" for each in written.dimensions]
        lines.append(f"{space}    </dimensions>")
    lines += [f"{space}    {each}" for each in written.lines]
    return "\n".join([*lines, f"{space}</{written.tag}>", ""])


def _curve(table: Table) -> list[str]:
    x, y = (",".join(map(repr, each)) for each in (table.x, table.y))
    ends = f'<yscale min="{min(table.y)!r}" max="{max(table.y)!r}"/>'
    return [f'<gf type="{_KINDS[table.interpolation]}">', f"    {ends}", f"    <xpts>{x}</xpts>",
            f"    <ypts>{y}</ypts>", "</gf>"]  # fmt: skip


def _all_through(variable: Variable) -> bool:
    """Whether every equation of a variable is a graphical function, as an array of XMILE expects."""
    roots = [each.expression for each in variable.definitions]
    return all(isinstance(each, LookupCall) and isinstance(each.table, Table) for each in roots)


def _is_plain(root: Expression, dimensions: tuple[str, ...], model: Model) -> bool:
    """Whether every reference has the variable's own dimensions, elements, or a whole array inside a plain sum."""
    stack: list[tuple[Expression, bool]] = [(root, False)]
    while stack:
        node, summed = stack.pop()
        match node:
            case Array():
                return not dimensions
            case Reference(name, subscripts):
                variable = model.variables.get(name)
                if variable is None and name != "time":
                    return not dimensions and name not in model.dimensions
                if dimensions and variable is not None and variable.kind == "lookup":
                    return False
                for each, full in zip(subscripts, variable.dimensions if variable else (), strict=False):
                    whole = summed and each == full + "!"
                    own = each in dimensions and each == full
                    if not (whole or own or each in model.dimensions[full].elements):
                        return False
        inner = getattr(node, "function", "") == "sum"
        stack += [(each, inner) for each in children(node)]
    return True


def _marked(name: str, label: str) -> str:
    """A label without the marks that XMILE's brackets give a meaning to."""
    return label if subscript_name(label) == name and not _CONTROL_CHARACTERS.search(label) else subscript_name(name)


def _clean(text: str) -> str:
    return _CONTROL_CHARACTERS.sub(" ", text)
