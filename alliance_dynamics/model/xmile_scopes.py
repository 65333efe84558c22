"""What an XMILE file declares, as written: variables, graphical functions, macros, and the names of each model."""

from __future__ import annotations

from dataclasses import dataclass, field

from alliance_dynamics.errors import Place
from alliance_dynamics.model.expression import Table
from alliance_dynamics.model.xmile_document import Element


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
    variables: Element | None
    place: Place


@dataclass(frozen=True)
class Defaults:
    """What `<behavior>` says about stocks and flows that say nothing themselves."""

    stock: bool = False
    flow: bool = False
