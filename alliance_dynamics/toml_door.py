"""The one door for TOML files: a file becomes data whose every key knows its line, or an error that says why not."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alliance_dynamics.errors import Fault, InputError, Place, fault
from alliance_dynamics.toml_lines import KeyPath, locate_keys

LARGEST_FILE = 16_000_000  # bytes; a file beyond this is not one that a person wrote


@dataclass(frozen=True, slots=True)
class Document:
    """A TOML file: `data` as nested dicts, `lines` of every key path, `hash` (SHA-256 of its bytes)."""

    file: str
    data: dict[str, Any]
    lines: Mapping[KeyPath, int]
    hash: str

    def place(self, *path: str | int) -> Place:
        """Where a key, table or list entry stands; the nearest enclosing one where it stands nowhere itself."""
        for end in range(len(path), 0, -1):
            if line := self.lines.get(path[:end]):
                return Place(self.file, line)
        return Place(self.file)


def read_toml(path: str | Path) -> Document:
    """Reads a file.  InputError: missing, a folder, empty, too large, not UTF-8 (line), not TOML (line and column)."""
    path, file = Path(path), str(path)
    content = _content(path, file)
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise InputError(
            fault(
                Place(file, content.count(b"\n", 0, error.start) + 1),
                "The file is not UTF-8 text",
                remedy="Save it in the encoding UTF-8",
            )
        ) from error
    if not text.strip():
        raise InputError(fault(file, "The file is empty"))
    try:
        data = tomllib.loads(text)
    except RecursionError as error:
        raise InputError(fault(file, "Arrays or tables are nested too deeply")) from error
    except ValueError as error:  # TOMLDecodeError is one; so is an integer of thousands of digits
        raise InputError(_syntax_fault(file, text, str(error))) from error
    return Document(file, data, locate_keys(text), hashlib.sha256(content).hexdigest())


def _content(path: Path, file: str) -> bytes:
    try:
        if path.is_dir():
            raise InputError(fault(file, "This is a folder", expected="A TOML file is expected"))
        if not path.exists():
            raise InputError(fault(file, "There is no such file"))
        if not path.is_file():
            raise InputError(fault(file, "This is not a regular file", expected="A TOML file is expected"))
        if path.stat().st_size > LARGEST_FILE:
            raise InputError(
                fault(file, "The file is too large", expected="At most {most} bytes are read", most=LARGEST_FILE)
            )
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the name
        raise InputError(fault(file, "The file cannot be read: {reason}", reason=str(error))) from error


def _syntax_fault(file: str, text: str, message: str) -> Fault:
    match = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    reason = message[: match.start()] if match else message.split(":")[0]
    place = Place(file)
    if match:
        last = text.rstrip().count("\n") + 1
        place = Place(file, int(match[1] or last), int(match[2] or 0))
    if reason.startswith(("Cannot overwrite", "Cannot declare", "Duplicate", "Cannot mutate")):
        return fault(place, "A key or a table is written twice", remedy="Keep one of the two", reason=reason)
    if place.column:
        return fault(place, "This is not TOML at column {column}: {reason}", column=place.column, reason=reason)
    return fault(place, "This is not TOML: {reason}", reason=reason)
