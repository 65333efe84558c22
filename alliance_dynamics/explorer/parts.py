"""What a scenario says beyond one number for each lever, as parts that the page puts in force or leaves out.

A part is a lever in time, an event, or what else a scenario sets.  For the page it is some columns with their values,
how it is told, and how it stands in a scenario file.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from alliance_dynamics.common_model import Choices
from alliance_dynamics.futures import columns_of_regime
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.language import LANGUAGES
from alliance_dynamics.lever_paths import Event, LeverPath
from alliance_dynamics.model.model import Model
from alliance_dynamics.parameters import Parameters
from alliance_dynamics.scenario_text import event_text, path_text
from alliance_dynamics.scenarios import Scenario


@dataclass(frozen=True)
class Part:
    """`columns` (program column, value) are set while it is in force; `lever` is the number of its lever, or -1.

    `told` is what the page says of it; `text` its section of a scenario file, none for what is no lever.
    """

    lever: int
    columns: tuple[tuple[int, float], ...]
    told: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""

    @property
    def key(self) -> str:
        """What addresses call the part, wherever it comes from."""
        said = self.text or json.dumps([self.told.get("values"), self.told.get("ramp")])
        return hashlib.sha256(said.encode()).hexdigest()[:8]

    def as_json(self) -> dict[str, Any]:
        return {"key": self.key, "lever": self.lever, "set": list(map(list, self.columns)), "text": self.text} | dict(
            self.told
        )


def parts_of_scenario(
    program: Program, model: Model, scenario: Scenario, choices: Choices, parameters: Parameters
) -> list[Part]:
    """The parts of a scenario; `choices` are those of the common model, which `model` and `program` are."""
    index, levers = program.parameter_index, list(parameters.levers)

    def columns(chosen: Mapping[str, float]) -> tuple[tuple[int, float], ...]:
        return tuple((index[name], value) for name, value in chosen.items())

    found = [Part(levers.index(name), columns(choices.paths[name]), {"path": _path(path)}, path_text(name, path))
             for name, path in scenario.levers.items() if isinstance(path, LeverPath)]  # fmt: skip
    found += [Part(levers.index(each.target), columns(choices.events[each.id]), {"event": _event(each)},
                   event_text(each))
              for each in scenario.events]  # fmt: skip
    besides = replace(scenario, levers={}, events=(), start_policy=None)
    others = {program.parameters[column]: value
              for column, value in columns_of_regime(program, model, besides, parameters).items()}  # fmt: skip
    if others:
        ramp = others.get(parameters.policy_ramp)
        values = [[*split_name(name), value, _label(name, parameters)] for name, value in others.items()
                  if name != parameters.policy_ramp]  # fmt: skip
        found.append(Part(-1, columns(others), {"values": values} | ({"ramp": ramp} if ramp is not None else {})))
    return found


def common_until(parts: Sequence[Part], stop: float) -> int:
    """The last whole year until which no lever in time and no event acts by itself."""
    years = [stop]
    for part in parts:
        path, event = part.told.get("path", {}), part.told.get("event", {})
        years += [each for each in (path.get("start"), event.get("year")) if each is not None]
        years += [path["points"][0][0]] if "points" in path else []
    return math.floor(min(years))


def with_labels(parameters: Parameters, plain: Model, common: Model) -> Parameters:
    """Labels for what the common model has besides, from those of the lever and of what it copies."""
    labels = {}
    for name in common.variables.keys() - plain.variables.keys():
        for lever in sorted(parameters.levers.values(), key=lambda each: -len(each.name)):
            rest = name.removeprefix(f"{lever.name}_")
            if name.startswith((lever.name, lever.constant, f"own_{lever.name}")):
                copied = _label(rest, parameters) if rest in plain.variables else {}
                labels[name] = {each: f"{copied[each]} ({lever.labels[each]})" if each in copied else lever.labels[each]
                                for each in LANGUAGES}  # fmt: skip
                break
    return replace(parameters, variables={**parameters.variables, **labels})


def split_name(name: str) -> tuple[str, list[str]]:
    base, bracket, inside = name.partition("[")
    return base, inside.removesuffix("]").split(",") if bracket else []


def _path(path: LeverPath) -> dict[str, Any]:
    said = {"points": [list(each) for each in path.points], "step": path.interpolate == "step", "value": path.value,
            "start": path.start, "ramp": path.ramp_years}  # fmt: skip
    return {key: value for key, value in said.items() if value is not None and value is not False and value != []}


def _event(event: Event) -> dict[str, Any]:
    return {key: value for key, value in asdict(event).items() if value is not None and key != "target"}


def _label(name: str, parameters: Parameters) -> dict[str, str]:
    base, elements = split_name(name)
    card = parameters.constants.get(base)
    found = parameters.variables.get(base) or (card.labels if card else {})
    return {each: found.get(each, base) + _inside(elements, each, parameters) for each in LANGUAGES}


def _inside(elements: Sequence[str], language: str, parameters: Parameters) -> str:
    names = [parameters.elements.get(each, {}).get(language, each) for each in elements]
    return f" [{', '.join(names)}]" if names else ""
