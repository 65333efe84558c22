"""Scenarios and regimes: named changes of a model, each with its reason, read from TOML files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from alliance_dynamics.errors import Fault, InputError, Place, fault, nearest
from alliance_dynamics.expectations import Expectation
from alliance_dynamics.lever_paths import Event, LeverPath, path_constants
from alliance_dynamics.model.names import canonical
from alliance_dynamics.parameters import Parameters, read_parameters
from alliance_dynamics.resources import resource

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Scenario:
    """Named changes of a model.

    `levers` are ours to choose and `assumptions` are not; both name entries of `parameters.toml` (`name`, or `name[a]`
    for one element).  A lever is a number from the policy year on, taken up within `ramp_years`, or a path in time;
    `events` disturb it.  `constants` name constants, stocks (their initial values) and lookups (points) of any other
    model, as written.  `settings` may hold start, stop, dt, saveper (numbers) and method.  `expect` must hold of a run.
    `kpis` and `milestones` (years) are what a comparison shows; `draws` may hold n and seed.  `a | b` lays b over a:
    later wins.
    """

    id: str
    titles: Mapping[str, str] = field(default_factory=dict)
    stories: Mapping[str, str] = field(default_factory=dict)
    because: str = ""
    start_policy: float | None = None
    ramp_years: float | None = None
    levers: Mapping[str, float | LeverPath] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    assumptions: Mapping[str, float] = field(default_factory=dict)
    constants: Mapping[str, float | Points] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    output: str = ""
    kpis: tuple[str, ...] = ()
    milestones: tuple[int, ...] = ()
    draws: Mapping[str, int] = field(default_factory=dict)
    expect: tuple[Expectation, ...] = ()
    parent: str = ""
    path: str = ""
    places: Mapping[str, Place] = field(default_factory=dict, compare=False, repr=False)

    @property
    def stop(self) -> float | None:
        """Last year of the run; None leaves it to the model."""
        return self.settings.get("stop")

    @property
    def in_time(self) -> bool:
        """Whether a lever has a path or an event, so that the scenario is a program of its own."""
        return bool(self.events) or any(isinstance(each, LeverPath) for each in self.levers.values())

    @cached_property
    def hash(self) -> str:
        """SHA-256 of what the scenario says; where it was read from does not count."""
        content = {name: value for name, value in asdict(self).items() if name not in ("path", "places")}
        content = {name: value for name, value in content.items() if value or name not in _LATER}
        return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    def __or__(self, later: Scenario) -> Scenario:
        return replace(
            later,
            titles={**self.titles, **later.titles},
            stories={**self.stories, **later.stories},
            because=later.because or self.because,
            start_policy=self.start_policy if later.start_policy is None else later.start_policy,
            ramp_years=self.ramp_years if later.ramp_years is None else later.ramp_years,
            events=tuple(({each.id: each for each in (*self.events, *later.events)}).values()),
            kpis=later.kpis or self.kpis,
            milestones=later.milestones or self.milestones,
            expect=tuple(dict.fromkeys((*self.expect, *later.expect))),
            **{name: {**getattr(self, name), **getattr(later, name)} for name in _MERGED},
            output=later.output or self.output,
            parent=self.id,
        )

    def values(self, parameters: Parameters) -> dict[str, float | Points]:
        """Flat model constant -> value: a lever sets its constant in policy, `start_policy` sets the policy year.

        Of a lever with a path these are the constants of the model that `with_paths` makes.
        UsageError: a lever or an assumption that `parameters` does not have.
        """
        found: dict[str, float | Points] = {}
        for name, value in self.levers.items():
            lever = parameters.lever(name)
            found |= path_constants(lever, value) if isinstance(value, LeverPath) else {lever.constant: value}
        found |= {parameters.constant(name): value for name, value in self.assumptions.items()}
        if self.start_policy is not None:
            found[parameters.policy_year] = self.start_policy
        if self.ramp_years is not None:
            found[parameters.policy_ramp] = self.ramp_years
        return found | dict(self.constants)


_MERGED = ("levers", "assumptions", "constants", "settings", "draws", "places")
_LATER = ("ramp_years", "events", "kpis", "milestones", "draws", "expect")  # in the hash where they say something


def read_scenario(path: str | Path, parameters: Parameters | None = None) -> Scenario:
    """Reads one scenario file, and its parent where it `extends` one.  InputError: all faults of the file.

    `parameters` (those of the built-in models unless given) say which levers and assumptions there are, and their
    ranges.
    """
    from alliance_dynamics.scenario_file import read_scenario_file

    return read_scenario_file(Path(path), read_parameters() if parameters is None else parameters)


def read_regimes(folder: str | Path | None = None, parameters: Parameters | None = None) -> tuple[Scenario, ...]:
    """The regimes of a folder (those of the package unless given), in the order of their ids: R0, R1, ...

    InputError: all faults of all files; two files with one id; no file at all.
    """
    folder = Path(folder) if folder is not None else resource("sdmodels/regimes")
    parameters = read_parameters() if parameters is None else parameters
    if not folder.is_dir():
        raise InputError(fault(str(folder), "There is no such folder"))
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise InputError(fault(str(folder), "The folder holds no regime", expected="Files `*.toml` are expected"))
    found: dict[str, Scenario] = {}
    faults: list[Fault] = []
    for file in files:
        try:
            scenario = read_scenario(file, parameters)
        except InputError as error:
            faults += error.faults
            continue
        known = found.setdefault(scenario.id, scenario)
        if known is not scenario:
            faults.append(
                fault(
                    scenario.places.get("id", Place(str(file))),
                    "The id `{id}` is also that of {other}",
                    remedy="Give every regime its own id",
                    id=scenario.id,
                    other=known.path,
                )
            )
    if faults:
        raise InputError(faults)
    return tuple(found[name] for name in sorted(found))


def find_regime(name: str, regimes: tuple[Scenario, ...]) -> Scenario:
    """The regime of an id, whatever its case.  UsageError with the nearest id where there is none."""
    from alliance_dynamics.errors import UsageError

    for regime in regimes:
        if canonical(regime.id) == canonical(name):
            return regime
    ids = [regime.id for regime in regimes]
    near = nearest(name, ids, cutoff=0.5)
    raise UsageError(
        fault(
            "",
            "There is no regime `{name}`",
            expected="One of {known}",
            remedy="Did you mean `{nearest}`?" if near else "",
            name=name,
            known=", ".join(ids),
            nearest=near,
        )
    )
