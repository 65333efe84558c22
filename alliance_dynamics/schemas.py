"""JSON Schema (draft 2020-12) of the files we read and write, made from the names that their readers use.

A schema says what an editor can check: keys, types, ranges, choices.  What needs other files (a parent that exists, a
table that lies there) only the reader checks.  Names must be written in their canonical spelling, as in our own files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from alliance_dynamics.language import LANGUAGES

DIALECT = "https://json-schema.org/draft/2020-12/schema"
KINDS = ("scenario", "regime", "problem", "manifest")
TEXT: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": "number"}
ABOVE_0: dict[str, Any] = {"type": "number", "exclusiveMinimum": 0}


def schema_of(kind: str, language: str = "en") -> dict[str, Any]:
    """The schema of one of KINDS; labels of levers and constants in `language`.  KeyError: another kind."""
    makers = {"scenario": scenario_schema, "regime": regime_schema, "problem": problem_schema,
              "manifest": manifest_schema}  # fmt: skip
    return {"$schema": DIALECT, **makers[kind](language)}


def scenario_schema(language: str = "en") -> dict[str, Any]:
    """Every section of a scenario file; ranges and units of levers and assumptions are those of parameters.toml."""
    from alliance_dynamics.parameters import read_parameters
    from alliance_dynamics.scenario_asks import KPIS, MOST_DRAWS
    from alliance_dynamics.scenario_file import METHODS
    from alliance_dynamics.scenario_levers import FIRST_POLICY_YEAR, GRID, LAST_YEAR, LONGEST

    parameters = read_parameters()
    year = {"type": "number", "minimum": FIRST_POLICY_YEAR, "exclusiveMaximum": LAST_YEAR, "multipleOf": GRID}
    duration = {"type": "number", "minimum": GRID, "maximum": LONGEST, "multipleOf": GRID}
    levers = {
        each.name: _lever(_ranged(each.lowest, each.high, each.unit, each.labels.get(language, "")), year, duration)
        for each in parameters.levers.values()
    }
    taken = {each.constant for each in parameters.levers.values()} | {parameters.policy_year}
    assumptions: dict[str, Any] = {}
    for name, constant in parameters.constants.items():
        if name in taken:
            continue
        one = _ranged(constant.low, constant.high, constant.unit, constant.labels.get(language, ""))
        assumptions |= dict.fromkeys([name, *constant.values], one)
        if name not in constant.values:
            assumptions[name] = {"anyOf": [one, {"type": "object", "minProperties": 1}]}
    point = {"type": "array", "prefixItems": [NUMBER, NUMBER], "items": False, "minItems": 2}
    value = {"anyOf": [NUMBER, {"type": "array", "items": point, "minItems": 1}, {"type": "object"}]}
    by_language = _closed(dict.fromkeys(LANGUAGES, TEXT))
    header = _closed(
        {
            "id": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,59}$"},
            "name": TEXT,
            "title": {**by_language, "required": list(LANGUAGES)},
            "story": by_language,
            "because": TEXT,
        }
    )
    header["oneOf"] = [{"required": ["name"]}, {"required": ["title"]}]
    return {
        "title": "alliance scenario",
        **_closed(
            {
                "schema": {"const": 1},
                "extends": TEXT,
                "scenario": header,
                "time": _closed({"start_policy": year, "ramp_years": duration, "stop": NUMBER}),
                "levers": _closed(levers),
                "events": {"type": "array", "items": _event(list(levers), year, duration)},
                "outputs": _closed({"kpis": {"type": "array", "items": {"enum": list(KPIS)}},
                                    "milestones": {"type": "array", "items": {"type": "integer"}}}),
                "draws": _closed({"n": {"type": "integer", "minimum": 1, "maximum": MOST_DRAWS},
                                  "seed": {"type": "integer", "minimum": 0}}),
                "expect": {"type": "array", "items": _expectation()},
                "assumptions": _closed(assumptions),
                "run": _closed({"start": NUMBER, "stop": NUMBER, "dt": ABOVE_0, "saveper": ABOVE_0,
                                "method": {"enum": list(METHODS)}}),
                "parameters": {"type": "object", "additionalProperties": value},
                "output": _closed({"path": TEXT}),
            },
            required=("scenario",),
        ),
    }  # fmt: skip


def regime_schema(language: str = "en") -> dict[str, Any]:
    """A scenario that stands by itself: it extends nothing, gives every lever and says why."""
    schema = scenario_schema(language)
    properties = schema["properties"]
    properties.pop("extends")
    properties["levers"]["required"] = list(properties["levers"]["properties"])
    properties["scenario"]["required"] = ["id", "because"]
    return {**schema, "title": "alliance regime", "required": ["scenario", "levers"]}


def problem_schema(language: str = "en") -> dict[str, Any]:
    """problem.toml; the tables that it names have columns of their own."""
    from alliance_dynamics.calibration.problem_columns import COLUMNS, NEEDED
    from alliance_dynamics.calibration.problem_file import CHOICES

    year = {"type": "integer"}
    horizons = {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1}
    rolling = _closed(
        {
            "first_origin": year,
            "horizons": horizons,
        },
        required=("first_origin", "horizons"),
    )
    span = {"type": "array", "prefixItems": [NUMBER, NUMBER], "items": False, "minItems": 2}
    forecast = {
        "shocks": {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}},
        "uncertain": {"type": "object", "additionalProperties": span},
    }
    holdout = {"type": "array", "items": year, "minItems": 2, "maxItems": 2}
    return {
        "title": "alliance problem",
        **_closed(
            {
                **{key: {"enum": list(values)} for key, values in CHOICES.items()},
                "model": {"type": "string", "minLength": 1},
                "start": NUMBER,
                "stop": NUMBER,
                "dt": ABOVE_0,
                "ignore_columns": {"type": "array", "items": TEXT},
                "tables": _closed(dict.fromkeys(COLUMNS, TEXT), required=NEEDED),
                "folds": _closed({"holdout": holdout, "rolling": rolling}),
                "forecast": _closed(forecast),
            }
        ),
    }


def manifest_schema(language: str = "en") -> dict[str, Any]:
    """manifest.json of a results folder, as `write_manifest` writes it."""
    from alliance_dynamics.manifest import SCHEMA

    digest = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
    output = {"path": TEXT, "bytes": {"type": "integer", "minimum": 0}, "sha256": digest}
    count = {"type": "integer", "minimum": 0}
    properties = {
        "schema": {"const": SCHEMA},
        "package": _closed({"name": TEXT, "version": TEXT}, required=("name", "version")),
        "command": {"type": "array", "items": TEXT, "minItems": 1},
        "created": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
        "quick": {"type": "boolean"},
        "seed": count,
        "draws": {"type": "object", "required": ["n"]},
        "failed_draws": count,
        "method": TEXT,
        "dt": ABOVE_0,
        "backend": TEXT,
        "settings": {"type": "object"},
        "model": {"type": "object"},
        "inputs": {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": digest}},
        "checks": {"type": "array", "items": {"type": "object"}},
        "outputs": {"type": "array", "items": _closed(output, required=output)},
        "wall_s": {"type": "number", "minimum": 0},
        "environment": {"type": "object"},
        "content_sha256": digest,
    }
    return {"title": "alliance manifest", **_closed(properties, required=properties)}


def _lever(number: dict[str, Any], year: dict[str, Any], duration: dict[str, Any]) -> dict[str, Any]:
    """A number, or a table: a value or points, and when they hold."""
    when = {"start": year, "ramp_years": duration}
    points = {"type": "array", "minItems": 1, "items": _closed({"year": year, "value": number}, ("year", "value"))}
    path = {"points": points, "interpolate": {"enum": ["linear", "step"]}, **when}
    return {"anyOf": [number, _closed({"value": number, **when}, ("value",)), _closed(path, ("points",))],
            "description": number["description"]}  # fmt: skip


def _event(levers: list[str], year: dict[str, Any], duration: dict[str, Any]) -> dict[str, Any]:
    kinds = {"enum": ["pulse", "step", "ramp"]}
    content = {"id": TEXT, "kind": kinds, "target": {"enum": levers}, "year": year, "length": duration,
               "factor": {"type": "number", "minimum": 0}, "add": NUMBER}  # fmt: skip
    event = _closed(content, ("id", "kind", "target", "year"))
    step = {"properties": {"kind": {"const": "step"}}}
    length = {"if": step, "then": {"not": {"required": ["length"]}}, "else": {"required": ["length"]}}
    return {**event, **length, "oneOf": [{"required": ["factor"]}, {"required": ["add"]}]}


def _expectation() -> dict[str, Any]:
    pair = {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}
    content = {"variable": TEXT, "between": pair, "at_least": NUMBER, "at_most": NUMBER, "at": NUMBER, "over": pair}
    bounds = [{"required": [each]} for each in ("between", "at_least", "at_most")]
    return {**_closed(content, ("variable",)), "anyOf": bounds, "not": {"required": ["at", "over"]}}


def _closed(properties: Mapping[str, Any], required: Iterable[str] = ()) -> dict[str, Any]:
    """An object that may have these keys and no others."""
    found = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return {**found, "required": list(required)} if required else found


def _ranged(low: float | None, high: float | None, unit: str, label: str) -> dict[str, Any]:
    """A number of a range; JSON Schema has no units, so the description names it."""
    found: dict[str, Any] = {"type": "number", "description": f"{label} [{unit}]".strip()}
    bounds = {"minimum": low, "maximum": high}
    return {**found, **{key: value for key, value in bounds.items() if value is not None}}
