"""What a command did as one JSON object, for other programs; errors too."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from alliance_dynamics.commands.outcome import Outcome
from alliance_dynamics.commands.parser import say
from alliance_dynamics.errors import Fault
from alliance_dynamics.language import translate

SCHEMA = 1
KINDS = {".csv": "table", ".html": "page", ".pdf": "document", ".svg": "figure", ".png": "figure", ".toml": "scenario"}
CODES = {1: "failed", 2: "usage", 3: "input", 4: "run", 5: "unsupported", 6: "provenance", 7: "partial",
         130: "interrupted"}  # fmt: skip
KEYS = ("key", "name", "option", "argument", "title")
VALUES = ("found", "value", "year", "text", "number")


def json_of_outcome(command: str, outcome: Outcome) -> str:
    """One object on one line.  Numbers that are not finite are null, with a warning that counts them."""
    results, odd = _finite({**outcome.results, **({"text": outcome.text} if outcome.text else {})})
    warnings = [translate(each) for each in outcome.notices]
    if odd:
        warnings.append(say("{count} numbers of the results are not finite and stand as null").format(count=odd))
    content = _content(command, outcome.exit_code, outcome.faults)
    content["outputs"] = [_output(each) for each in outcome.outputs]
    content["manifest"] = _manifest(outcome.outputs)
    return json.dumps({**content, "results": results, "warnings": warnings}, ensure_ascii=False, allow_nan=False)


def json_of_faults(command: str, exit_code: int, faults: Sequence[Fault]) -> str:
    """One object on one line for a command that did not come to an end."""
    return json.dumps(_content(command, exit_code, faults), ensure_ascii=False, allow_nan=False)


def _content(command: str, exit_code: int, faults: Sequence[Fault]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "command": command,
        "status": "done" if exit_code == 0 else CODES.get(exit_code, "failed"),
        "exit_code": exit_code,
        "outputs": [],
        "results": {},
        "warnings": [],
        "errors": [_error(each, CODES.get(exit_code, "failed")) for each in faults],
        "manifest": None,
    }


def _error(each: Fault, code: str) -> dict[str, Any]:
    def part(template: str) -> str | None:
        return Fault(each.place, template, values=each.values).sentences()[0] if template else None

    found = {name: str(each.values[name]) for name in (*KEYS, *VALUES) if name in each.values}
    return {
        "code": code,
        "file": each.place.file or None,
        "line": each.place.line or None,
        "key": next((found[name] for name in KEYS if name in found), None),
        "value": next((found[name] for name in VALUES if name in found), None),
        "message": part(each.what),
        "expected": part(each.expected),
        "hint": part(each.remedy),
    }


def _output(path: Path) -> dict[str, Any]:
    from alliance_dynamics.files import sha256

    kind = "folder" if path.is_dir() else "manifest" if path.name == "manifest.json" else KINDS.get(path.suffix, "data")
    return {"path": str(path), "sha256": sha256(path) if path.is_file() else None, "kind": kind}


def _manifest(outputs: Sequence[Path]) -> str | None:
    found = (each.parent / "manifest.json" for each in outputs)
    return next((str(each) for each in found if each.is_file()), None)


def _finite(value: Any) -> tuple[Any, int]:
    """The value with null for what is not finite, and how many such there were."""
    if isinstance(value, Mapping):
        pairs = {str(key): _finite(each) for key, each in value.items()}
        return {key: each for key, (each, _) in pairs.items()}, sum(count for _, count in pairs.values())
    if isinstance(value, (list, tuple)):
        found = [_finite(each) for each in value]
        return [each for each, _ in found], sum(count for _, count in found)
    if isinstance(value, float) and not math.isfinite(value):
        return None, 1
    return value, 0
