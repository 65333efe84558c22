"""What a scenario expects of its own run: bounds of a variable, at all saved times, over some years, or in one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alliance_dynamics.errors import Fault, Place, fault, suggestion
from alliance_dynamics.model.model import Model
from alliance_dynamics.settings import elements_of, named

if TYPE_CHECKING:
    from alliance_dynamics.simulate import Run


@dataclass(frozen=True, slots=True)
class Expectation:
    """`variable` (a label or canonical name, whole or by element) stays within bounds, in its unit.

    `at`: in one year; `over`: from one year to another; neither: in the whole run.
    """

    variable: str
    at_least: float | None = None
    at_most: float | None = None
    at: float | None = None
    over: tuple[float, float] | tuple[()] = ()

    @property
    def key(self) -> str:
        """Under which a scenario keeps the place of it."""
        return f"expect {self!r}"

    @property
    def bounds(self) -> str:
        low, high = self.at_least, self.at_most
        return f">= {low:g}" if high is None else f"<= {high:g}" if low is None else f"{low:g} - {high:g}"


def unknown_variables(
    model: Model, expectations: Iterable[Expectation], places: Mapping[str, Place]
) -> Iterator[Fault]:
    """A fault for each expectation of something that the model does not have."""
    labels = {each.label: each.name for each in model.variables.values()}
    for each in expectations:
        place = places.get(each.key, Place())
        variable, elements, base = named(model, each.variable)
        if variable is None:
            yield fault(place, "`{name}` is not a variable of this model", name=each.variable,
                        remedy=suggestion(base, labels))  # fmt: skip
        elif elements and elements not in elements_of(model, variable):
            shown = [model.label(variable.name, one) for one in elements_of(model, variable) if one]
            yield fault(place, "`{name}` names no element of {label}", expected="One of {known}", name=each.variable,
                        label=repr(variable.label), known=", ".join(shown) or f"`{variable.label}`")  # fmt: skip


def disappointed(run: Run, expectations: Iterable[Expectation], places: Mapping[str, Place]) -> Iterator[Fault]:
    """A fault for each expectation that the saved times of a run do not bear out; it names the first year."""
    columns = {name: j for j, name in enumerate(run.columns)}
    for each in expectations:
        place = places.get(each.key, Place())
        first, last = (each.at, each.at) if each.at is not None else each.over or (-np.inf, np.inf)
        chosen = np.flatnonzero((run.times >= first - 1e-9) & (run.times <= last + 1e-9))
        if not len(chosen):
            yield fault(place, "`{name}` has no saved time from {first} to {last}", name=each.variable,
                        first=f"{first:g}", last=f"{last:g}",
                        remedy="Choose years of the run, or save more often with `saveper`")  # fmt: skip
            continue
        low = -np.inf if each.at_least is None else each.at_least
        high = np.inf if each.at_most is None else each.at_most
        for label in _columns(run.model, each.variable):
            values = run.values[chosen, columns[label]]
            wrong = np.flatnonzero((values < low) | (values > high))
            if len(wrong):
                yield fault(place, "`{name}` is {value} in {year}", expected="Expected: {bounds}", name=label,
                            value=f"{values[wrong[0]]:.6g}", year=f"{run.times[chosen[wrong[0]]]:g}",
                            bounds=each.bounds)  # fmt: skip


def _columns(model: Model, name: str) -> list[str]:
    variable, elements, _ = named(model, name)
    assert variable is not None
    return [model.label(variable.name, each) for each in ([elements] if elements else elements_of(model, variable))]
