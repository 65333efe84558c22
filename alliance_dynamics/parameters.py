"""Constants with unit, range, source and grade, and the levers among them, read from `parameters.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from alliance_dynamics.errors import Place, UsageError, fault, nearest
from alliance_dynamics.model.names import canonical
from alliance_dynamics.resources import resource

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A constant of the model.  `values` by flat name: `name`, or `name[a,b]` for each element.

    `low` and `high` bound what is plausible, in `unit`; None where the constant is not varied.  `grade` says what the
    value rests on: A data, B literature, C judgement.
    """

    name: str
    values: Mapping[str, float]
    unit: str
    source: str
    grade: str
    low: float | None = None
    high: float | None = None
    distribution: str = ""
    role: str = ""
    why: str = ""
    module: str = ""
    estimate: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    place: Place = field(default=Place(), compare=False)

    @property
    def value(self) -> float | None:
        """The value of a scalar; None where there is one value for each element."""
        return self.values.get(self.name)


@dataclass(frozen=True, slots=True)
class Lever:
    """What a regime chooses.  `constant` is the model's constant that it sets; `low` and `high` are the swept range.

    `lowest` is the least value that a scenario may give: the value of a lever that is switched off may lie below the
    swept range.  Levers of one `part_of` are shares of that whole.
    """

    name: str
    constant: str
    unit: str
    low: float
    high: float
    lowest: float
    labels: Mapping[str, str] = field(default_factory=dict)
    explanations: Mapping[str, str] = field(default_factory=dict)
    grade: str = ""
    source: str = ""
    part_of: str = ""
    place: Place = field(default=Place(), compare=False)


@dataclass(frozen=True)
class Parameters:
    """All constants and levers by canonical name, and labels of variables and elements by language."""

    file: str
    hash: str
    constants: Mapping[str, Parameter]
    levers: Mapping[str, Lever]
    variables: Mapping[str, Mapping[str, str]]
    elements: Mapping[str, Mapping[str, str]]
    policy_year: str = "policy_year"
    policy_ramp: str = "policy_phase-in_time"

    @property
    def shares(self) -> tuple[tuple[str, ...], ...]:
        """Levers that are shares of one whole, so that together they are at most 1."""
        wholes: dict[str, list[str]] = {}
        for each in self.levers.values():
            if each.part_of:
                wholes.setdefault(each.part_of, []).append(each.name)
        return tuple(map(tuple, wholes.values()))

    def lever(self, name: str) -> Lever:
        """The lever of a name; UsageError with the nearest name where there is none."""
        return _found(name, self.levers, "There is no lever `{name}`")

    def constant(self, name: str) -> str:
        """`name` in canonical form if it is a constant, whole or by element; UsageError otherwise."""
        base, bracket, inside = name.partition("[")
        found = _found(base, self.constants, "There is no constant `{name}`")
        flat = canonical(base) + bracket + ",".join(canonical(each) for each in inside.split(","))
        if bracket and flat not in found.values:
            raise UsageError(fault("", "`{name}` is no element of `{constant}`", name=name, constant=found.name,
                                   expected="One of {known}", known=", ".join(found.values)))  # fmt: skip
        return flat

    def values(self) -> dict[str, float]:
        """Flat name -> value of every constant."""
        return {flat: value for each in self.constants.values() for flat, value in each.values.items()}


NO_PARAMETERS = Parameters("", "", {}, {}, {}, {})  # of a model that comes without a parameter file


def read_parameters(path: str | Path | None = None) -> Parameters:
    """Reads `parameters.toml` (that of the built-in models unless given).

    InputError, all faults at once: a constant without unit, source or grade; a value outside its range; a lever whose
    constant does not exist; an unknown key.
    """
    from alliance_dynamics.parameter_file import read_parameter_file

    return read_parameter_file(Path(path) if path is not None else resource("sdmodels/parameters.toml"))


def _found(name: str, known: Mapping[str, T], what: str) -> T:
    found = known.get(canonical(name))
    if found is None:
        near = nearest(canonical(name), known, cutoff=0.6)
        remedy = "Did you mean `{nearest}`?" if near else ""
        raise UsageError(fault("", what, remedy=remedy, name=name, nearest=near))
    return found
