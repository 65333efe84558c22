"""Where an equation of an XMILE file stands: its variable and subscripts, and what it may refer to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Never

from alliance_dynamics.errors import MOST_SUGGESTED, Fault, Place, fault, nearest, suggestion
from alliance_dynamics.model.expression import Expression, Table
from alliance_dynamics.model.model import Dimension, Variable
from alliance_dynamics.model.xmile_equations import EquationError, Name, Raw
from alliance_dynamics.model.xmile_scopes import Declaration, Macro, Scope, Text


class NeedsElements(Exception):
    """The equation computes with the position of its own element and must be written out element by element."""


@dataclass(frozen=True, slots=True)
class Left:
    """One subscript of the variable being defined: its dimension, and the element where only that one is defined."""

    dimension: str
    element: str | None = None

    @property
    def subscript(self) -> str:
        return self.dimension if self.element is None else self.element


def _unset(*_: object) -> Never:
    raise RuntimeError("the library is not complete")


@dataclass
class Library:
    """What equations may refer to, and what lowering them adds to the model.

    `lower`, `expand_macro` and `tables` are the rooms that need each other: the expression of a tree, the value of a
    macro call, the graphical function of each element of a variable.
    """

    declarations: dict[str, Declaration]
    dimensions: dict[str, Dimension]
    macros: dict[str, Macro]
    from_vensim: bool
    out_of_range: float = 0.0
    notices: dict[str, None] = field(default_factory=dict)
    added: dict[str, Variable] = field(default_factory=dict)
    undefined: int = 0
    parts: int = 0
    lower: Callable[[Raw, Frame], Expression] = _unset
    expand_macro: Callable[[Frame, Macro], Expression] = _unset
    tables: Callable[[Declaration], dict[tuple[str, ...], Table]] = _unset


@dataclass(frozen=True)
class Frame:
    """Where an equation stands: its variable, the left-hand subscripts, and what surrounds the present node."""

    library: Library
    scope: Scope
    owner: str
    label: str
    left: tuple[Left, ...] = ()
    reducing: bool = False
    whole_arrays: bool = False
    self_allowed: bool = False
    parameters: dict[str, Expression] = field(default_factory=dict)
    open_macros: tuple[str, ...] = ()


def lower_in(node: Raw, frame: Frame) -> Expression:
    """The expression of a tree in a frame."""
    return frame.library.lower(node, frame)


def equation_fault(error: EquationError, text: Text, label: str, place: Place) -> Fault:
    """A fault with the line and column at which an equation's text went wrong."""
    before = text.text[: error.at]
    line = place.line + before.count("\n")
    column = error.at - (before.rfind("\n") + 1) + 1
    values = {**error.values, "label": repr(label), "column": column}
    return fault(
        Place(place.file, line, column if before.count("\n") else 0),
        error.what + ", in the equation of {label} at character {column}",
        expected=error.expected,
        remedy=error.remedy,
        **values,
    )


def undefined(node: Name, frame: Frame) -> EquationError:
    frame.library.undefined += 1
    return EquationError(
        "`{name}` is not defined",
        node.at,
        expected="Expected a variable of this model",
        remedy=_near(node.name, frame) if frame.library.undefined <= MOST_SUGGESTED else "",
        name=node.shown,
    )


def _near(name: str, frame: Frame) -> str:
    scope: Scope | None = frame.scope
    known: list[str] = list(frame.parameters)
    while scope is not None:
        known.extend(scope.names)
        known.extend(f"{module}.{each}" for module, inner in scope.modules.items() for each in inner.names)
        scope = scope.parent
    return suggestion(name, known) or _one_letter_off(name, known)


def _one_letter_off(name: str, known: list[str]) -> str:
    """A suggestion for short names, which the general rule finds too different."""
    near = nearest(name, [each for each in known if abs(len(each) - len(name)) <= 1], cutoff=0.6)
    return f"Did you mean `{near}`?".replace("{", "{{").replace("}", "}}") if near else ""
