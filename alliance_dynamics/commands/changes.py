"""What one run is made of: the model, the scenarios laid over it, and the changes of the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

from alliance_dynamics.commands.parser import say
from alliance_dynamics.errors import Fault, InputError, Place, UsageError, fault, nearest
from alliance_dynamics.expectations import unknown_variables
from alliance_dynamics.lever_paths import GRID, LeverPath, with_paths
from alliance_dynamics.model.built_in import ALLIANCE, BUILT_IN, is_built_in, open_model
from alliance_dynamics.model.model import Model
from alliance_dynamics.model.names import canonical
from alliance_dynamics.overrides import Value, is_stock, wrong_change
from alliance_dynamics.parameters import NO_PARAMETERS, Parameters, read_parameters
from alliance_dynamics.scenario_levers import lever_faults
from alliance_dynamics.scenarios import Scenario, find_regime, read_regimes, read_scenario
from alliance_dynamics.settings import named


@dataclass(frozen=True)
class Plan:
    """`constants` by name as `run_model` takes them, initial values and lookups among them.

    `settings` may hold start, stop, dt, saveper and method; `scenario` is all scenarios laid over one another, None
    where there are none.  Levers in time are equations of `model` already.  `name` is that by which the model was
    opened, `parameters` are the cards of its constants.
    """

    model: Model
    constants: Mapping[str, Value]
    settings: Mapping[str, Any]
    output: str
    notices: tuple[str, ...]
    name: str
    parameters: Parameters
    scenario: Scenario | None = None


def open_plan(targets: Sequence[str], changes: Mapping[str, Value]) -> Plan:
    """The first target is the model unless it is a scenario file or the id of a regime.

    InputError: a scenario names what the model lacks, or sets what is computed.  UsageError: `changes` does.
    """
    names = list(targets)
    model_name = ALLIANCE if not names or _is_scenario(names[0]) else names.pop(0)
    refuse_unknown_model(model_name)
    parameters = parameters_beside(model_name)
    scenarios = [_open_scenario(name, parameters, is_built_in(model_name)) for name in names]
    model = open_model(model_name)
    if not scenarios:
        own, notices = _of_command_line(model, changes, parameters)
        return Plan(model, own, {}, "", notices, model_name, parameters)
    whole = reduce(or_, scenarios)
    given = {canonical(name) for name in changes}
    constants = {name: value for name, value in whole.levers.items()
                 if not (isinstance(value, LeverPath) and name in given)}  # fmt: skip
    whole = replace(whole, levers=constants)  # a lever of the command line is one number again
    if wrong := list(lever_faults(whole, parameters)):
        raise InputError(wrong)
    model = with_paths(model, whole, parameters)
    found: dict[str, Value] = {}
    told: list[str] = []
    for scenario in scenarios:
        kept = {name: value for name, value in scenario.levers.items() if whole.levers.get(name) == value}
        told_by_it = _of_scenario(model, replace(scenario, levers=kept), parameters)
        found |= told_by_it
        told += _initial_values(model, told_by_it)
    own, notices = _of_command_line(model, changes, parameters)
    if wrong := list(unknown_variables(model, whole.expect, whole.places)):
        raise InputError(wrong)
    notices = tuple(dict.fromkeys((*told, *notices)))
    return Plan(model, found | own, whole.settings, whole.output, notices, model_name, parameters, whole)


def coarse_step(scenario: Scenario | None, dt: float) -> tuple[str, ...]:
    """A notice where a step jumps over the grid on which levers in time turn."""
    if scenario is None or not scenario.in_time or (GRID / dt) % 1 <= 1e-9:
        return ()
    told = say("dt = {dt} does not divide {step} years, on which levers in time turn")
    return (told.format(dt=f"{dt:g}", step=GRID),)


def _is_scenario(name: str) -> bool:
    return Path(name).suffix.lower() == ".toml" or (canonical(name) in _REGIME_IDS and not Path(name).exists())


_REGIME_IDS = ("r0", "r1", "r2", "r3", "r4")


def refuse_unknown_model(name: str) -> None:
    """UsageError, with the nearest name, for a word that is neither a model of the package nor a path."""
    if is_built_in(name) or Path(name).suffix or Path(name).exists() or os.sep in name:
        return
    near = nearest(name, (*BUILT_IN, *(each.upper() for each in _REGIME_IDS)), cutoff=0.5)
    raise UsageError(
        fault(
            "",
            say("There is no model or regime `{name}`"),
            expected=say("A built-in model ({models}), a regime ({regimes}) or the path of a file"),
            remedy=say("Did you mean `{nearest}`?") if near else "",
            name=name,
            models=", ".join(BUILT_IN),
            regimes=", ".join(_REGIME_IDS).upper(),
            nearest=near,
        )
    )


def parameters_beside(model_name: str) -> Parameters:
    """Those of the package for its own models; otherwise `parameters.toml` beside the model, where there is one."""
    if is_built_in(model_name):
        return read_parameters()
    beside = Path(model_name).parent / "parameters.toml"
    return read_parameters(beside) if beside.is_file() else NO_PARAMETERS


def parameters_of(model: Model) -> Parameters:
    """Cards of the constants of a model that is already open, where the package has them."""
    return read_parameters() if is_built_in(model.name) else NO_PARAMETERS


def _open_scenario(name: str, parameters: Parameters, built_in: bool) -> Scenario:
    if Path(name).suffix.lower() != ".toml":
        if built_in:
            return find_regime(name, read_regimes(parameters=parameters))
        if _is_scenario(name):
            raise UsageError(fault("", say("`{name}` is a regime of the built-in model `alliance`"), name=name,
                                   expected=say("A scenario file (.toml) that names what this model has")))  # fmt: skip
    return read_scenario(name, parameters)


def _of_scenario(model: Model, scenario: Scenario, parameters: Parameters) -> dict[str, Value]:
    found: dict[str, Value] = {}
    faults: list[Fault] = []
    keys = {parameters.lever(name).constant: name for name in scenario.levers}
    keys |= {parameters.policy_year: "start_policy", parameters.policy_ramp: "ramp_years"}
    for name, value in scenario.values(parameters).items():
        key = keys.get(name, name)
        if wrong := wrong_change(model, name, value, scenario.places.get(key, Place(scenario.path))):
            faults.append(wrong)
        found[name] = value
    if faults:
        raise InputError(faults)
    return found


def _of_command_line(
    model: Model, changes: Mapping[str, Value], parameters: Parameters
) -> tuple[dict[str, Value], tuple[str, ...]]:
    found: dict[str, Value] = {}
    faults: list[Fault] = []
    notices: list[str] = []
    for name, value in changes.items():
        lever = parameters.levers.get(canonical(name))
        number = value if isinstance(value, float) else None
        if lever is not None and lever.constant in model.variables and number is not None:
            if not lever.lowest <= number <= lever.high:
                faults.append(fault("", "`{name}` is {value}", expected="A number from {low} to {high} {unit}",
                                    name=name, value=f"{number:g}", low=f"{lever.lowest:g}", high=f"{lever.high:g}",
                                    unit=lever.unit))  # fmt: skip
            found[lever.constant] = value
            notices.append(say("`{name}` is a lever: `{constant}` was set, which holds from the policy year on").format(
                name=name, constant=model.variables[lever.constant].label))  # fmt: skip
            continue
        if wrong := wrong_change(model, name, value):
            near = nearest(canonical(name), parameters.levers, cutoff=0.8)
            if near and named(model, name)[0] is None:
                wrong = replace(wrong, remedy="Did you mean `{nearest}`?", values={**wrong.values, "nearest": near})
            faults.append(wrong)
        card = parameters.constants.get(canonical(name.partition("[")[0]))
        if card and number is not None and _outside(card.low, number, card.high):
            notices.append(say("`{name}` = {value} lies outside its range, {low} to {high} {unit}").format(
                name=name, value=f"{number:g}", low=card.low, high=card.high, unit=card.unit))  # fmt: skip
        found[name] = value
    if faults:
        raise UsageError(faults)
    return found, (*notices, *_initial_values(model, found))


def _outside(low: float | None, value: float, high: float | None) -> bool:
    return (low is not None and value < low) or (high is not None and value > high)


def _initial_values(model: Model, changes: Mapping[str, Value]) -> list[str]:
    """What to tell of stocks: a number given to one is where it starts, not what it is."""
    return [say("`{name}` is a stock: its initial value was set").format(name=name)
            for name in changes if is_stock(model, name)]  # fmt: skip
