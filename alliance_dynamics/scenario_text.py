"""A scenario written as TOML, so that reading it gives the same scenario."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from alliance_dynamics.lever_paths import Event, LeverPath
from alliance_dynamics.scenarios import Scenario


def scenario_text(scenario: Scenario) -> str:
    """The scenario as TOML with its parent merged in; reading it gives the same scenario, but for path and parent."""
    head: dict[str, Any] = {"id": scenario.id}
    head |= {f"title.{language}": text for language, text in scenario.titles.items()}
    head |= {f"story.{language}": text for language, text in scenario.stories.items()}
    if scenario.because:
        head["because"] = scenario.because
    time = {"start_policy": scenario.start_policy, "ramp_years": scenario.ramp_years}
    outputs = {"kpis": scenario.kpis, "milestones": scenario.milestones}
    text = "schema = 1\n"
    text += _section("[scenario]", head.items()) + _section("[time]", time.items())
    text += _section("[run]", scenario.settings.items())
    constant = {name: value for name, value in scenario.levers.items() if not isinstance(value, LeverPath)}
    text += _section("[levers]", _named(constant))
    text += "".join(path_text(name, each) for name, each in scenario.levers.items() if isinstance(each, LeverPath))
    text += _section("[assumptions]", _named(scenario.assumptions))
    text += _section("[parameters]", _named(scenario.constants))
    text += _section("[draws]", scenario.draws.items())
    text += "".join(map(event_text, scenario.events))
    text += _section("[outputs]", outputs.items()) + _section("[output]", [("path", scenario.output)])
    return text + "".join(_section("[[expect]]", _entries(each)) for each in scenario.expect)


def path_text(name: str, path: LeverPath) -> str:
    """The section of one lever in time."""
    return _section(f"[levers.{_quoted(name)}]", _path(path).items())


def event_text(event: Event) -> str:
    """The section of one event."""
    return _section("[[events]]", _entries(event))


def _section(title: str, entries: Iterable[tuple[str, Any]]) -> str:
    """A table with the entries that say something; nothing where none does."""
    lines = [f"{key} = {_value(value)}\n" for key, value in entries if value not in (None, "", ())]
    return f"\n{title}\n" + "".join(lines) if lines else ""


def _named(changes: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(_quoted(key), value) for key, value in changes.items()]


def _path(path: LeverPath) -> dict[str, Any]:
    points = tuple({"year": year, "value": value} for year, value in path.points)
    return {"value": path.value, "points": points, "interpolate": path.interpolate if path.points else "",
            "start": path.start, "ramp_years": path.ramp_years}  # fmt: skip


def _entries(item: Any) -> list[tuple[str, Any]]:
    """The fields of a dataclass as they stand in the file."""
    return [(each.name, getattr(item, each.name)) for each in fields(item)]


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_value(each)}" for key, each in value.items()) + "}"
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
