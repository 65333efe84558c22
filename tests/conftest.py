"""What holds for every test: messages are English unless the test itself chooses a language."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from alliance_dynamics.language import use_language


@pytest.fixture(autouse=True)
def _messages_in_english():
    use_language("en")
    yield
    use_language("en")


# What `--json` prints, whatever the command.
ENTRY = {"type": ["string", "null"]}
REPLY = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "schema": {"const": 1},
        "command": {"type": "string"},
        "status": {"enum": ["done", "failed", "usage", "input", "run", "unsupported", "provenance", "partial",
                            "interrupted"]},
        "exit_code": {"type": "integer"},
        "outputs": {"type": "array", "items": {
            "type": "object", "required": ["path", "sha256", "kind"], "additionalProperties": False,
            "properties": {"path": {"type": "string"}, "sha256": ENTRY, "kind": {"type": "string"}}}},
        "results": {"type": "object"},
        "warnings": {"type": "array", "items": {"type": "string"}},
        "errors": {"type": "array", "items": {
            "type": "object", "additionalProperties": False,
            "required": ["code", "file", "line", "key", "value", "message", "expected", "hint"],
            "properties": {"code": {"type": "string"}, "line": {"type": ["integer", "null"]},
                           **dict.fromkeys(("file", "key", "value", "message", "expected", "hint"), ENTRY)}}},
        "manifest": ENTRY,
    },
}  # fmt: skip
REPLY["required"] = list(REPLY["properties"])


@pytest.fixture
def reply() -> Callable[[str], dict[str, Any]]:
    """Reads what a command printed with --json: one line, one object, of the promised form."""
    from jsonschema import validate

    def read(text: str) -> dict[str, Any]:
        assert text.count("\n") == 1
        found = json.loads(text)
        validate(found, REPLY)
        return found

    return read
