"""What a model is: variables with equations, dimensions and a time axis; frozen, without data and without numbers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from alliance_dynamics.errors import Place
from alliance_dynamics.model.expression import Expression

Kind = Literal["stock", "flow", "auxiliary", "constant", "lookup", "data"]
Method = Literal["euler", "rk2", "rk4"]


@dataclass(frozen=True, slots=True)
class Dimension:
    """A named, ordered set of elements; a subrange is a dimension whose elements belong to another one.

    `mappings` sends another dimension's name to the element of it that stands for each of ours, in our order.
    """

    name: str
    label: str
    elements: tuple[str, ...]
    labels: tuple[str, ...]
    mappings: tuple[tuple[str, tuple[str, ...]], ...] = ()
    place: Place = field(default=Place(), compare=False)


@dataclass(frozen=True, slots=True)
class Definition:
    """One equation of a variable: for which elements, its expression, and for a stock its initial value.

    `subscripts` are the names on the left-hand side (dimension, subrange or element); `excluded` those of :EXCEPT:.
    A stock's `expression` is its net rate.  `initial` also holds the second argument of ACTIVE INITIAL.
    """

    expression: Expression
    subscripts: tuple[str, ...] = ()
    excluded: tuple[tuple[str, ...], ...] = ()
    initial: Expression | None = None
    non_negative: bool = False
    place: Place = field(default=Place(), compare=False)


@dataclass(frozen=True, slots=True)
class Variable:
    """A quantity with one unit.  `dimensions` are its full dimensions, in order; empty for a scalar."""

    name: str
    label: str
    kind: Kind
    definitions: tuple[Definition, ...]
    dimensions: tuple[str, ...] = ()
    unit: str = ""
    documentation: str = ""
    place: Place = field(default=Place(), compare=False)


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Names of the four control constants are fixed: initial_time, final_time, time_step, saveper (variables)."""

    method: Method = "euler"
    unit: str = ""


@dataclass(frozen=True)
class Model:
    """Variables and dimensions by canonical name, in the order of the file.

    `hash` is the SHA-256 of a canonical text of all of it but places and documentation; two models with one hash
    compute the same numbers.  `notices` are what the reader wants the user to know.
    """

    name: str
    variables: Mapping[str, Variable]
    dimensions: Mapping[str, Dimension]
    time: TimeAxis
    notices: tuple[str, ...] = ()
    source_hash: str = ""

    @cached_property
    def hash(self) -> str:
        from alliance_dynamics.model.text import to_json

        content = to_json(self)
        for key in ("name", "notices", "source_hash"):
            content.pop(key)
        for variable in content["variables"]:
            variable.pop("place")
            variable.pop("documentation")
            for definition in variable["definitions"]:
                definition.pop("place")
        for dimension in content["dimensions"]:
            dimension.pop("place")
        text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def label(self, name: str, elements: tuple[str, ...] = ()) -> str:
        """`label[a,b]` as the modeller wrote it, for a canonical name and element names."""
        variable = self.variables[name]
        if not elements:
            return variable.label
        shown = [
            self.dimensions[dimension].labels[self.dimensions[dimension].elements.index(element)]
            for dimension, element in zip(variable.dimensions, elements, strict=True)
        ]
        return f"{variable.label}[{','.join(shown)}]"
