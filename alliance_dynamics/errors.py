"""What can go wrong, said once: where, what, what was expected, what to do.

Every fault of a file is collected before one error is raised.  Texts are templates filled when they are shown, so
that a translation is looked up by its English template.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

# Values under these names may be texts of ours (a kind, a cause); all others are names and numbers of the user's.
TEXTS = {"kind", "one", "other", "item", "why", "reason", "end", "feature", "wanted", "constants", "rest", "part"}

MOST_SHOWN = 4_000  # characters of a name or list that one message repeats
MOST_SUGGESTED = 100  # faults of one file for which a near name is searched, each among all names
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a file; line and column count from 1, 0 means unknown."""

    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return self.file + (f":{self.line}" if self.line else "")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong.  `what`, `expected` and `remedy` are `str.format` templates over `values`."""

    place: Place
    what: str
    expected: str = ""
    remedy: str = ""
    values: dict[str, object] = field(default_factory=dict)

    def sentences(self) -> list[str]:
        from alliance_dynamics.language import translate, translate_value

        values = {name: translate_value(value) if name in TEXTS else value for name, value in self.values.items()}
        values = {name: _short(value) for name, value in values.items()}
        parts = [translate(part).format(**values) for part in (self.what, self.expected, self.remedy) if part]
        return [part if part.endswith((".", "?", "!")) else part + "." for part in parts]

    def __str__(self) -> str:
        where = str(self.place)
        return visible((where + "  " if where else "") + " ".join(self.sentences()))


def visible(text: str) -> str:
    """The text with characters that a terminal obeys, or nobody sees, as their numbers."""
    return _UNSEEN.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _short(value: object) -> object:
    return value[:MOST_SHOWN] + "..." if isinstance(value, str) and len(value) > MOST_SHOWN else value


def fault(place: Place | str, what: str, *, expected: str = "", remedy: str = "", **values: object) -> Fault:
    """A fault at a place (or in a file given by name), e.g. `fault(place, "`{name}` is not defined", name=label)`."""
    return Fault(Place(place) if isinstance(place, str) else place, what, expected, remedy, values)


class AllianceError(Exception):
    """Base of all errors that a user can cause and mend.  `exit_code` is what the command line returns."""

    exit_code = 1

    def __init__(self, faults: Iterable[Fault] | Fault):
        faults = [faults] if isinstance(faults, Fault) else list(faults)
        self.faults = sorted(faults, key=lambda f: (f.place.file, f.place.line, f.place.column))
        super().__init__(str(self))

    def __reduce__(self):
        return (type(self), (self.faults,))

    def __str__(self) -> str:
        return "\n".join(str(each) for each in self.faults)


class UsageError(AllianceError):
    """The command or call itself is wrong: an unknown name, a value out of range."""

    exit_code = 2


class InputError(AllianceError):
    """A model, regime, problem or data file is not what it must be."""

    exit_code = 3


class ModelError(InputError):
    """A model file that cannot be read or is not a model."""


class RunError(AllianceError):
    """A run went non-finite or could not be carried out; names draw, time and variable."""

    exit_code = 4


MAX_FAILED = 0.01  # share of the runs that may fail and be left out, where nothing else is asked for


class PartialError(AllianceError):
    """More runs of an ensemble failed than the user allows."""

    exit_code = 7


class UnsupportedError(AllianceError):
    """A language feature or optional part that this version does not have."""

    exit_code = 5


class ProvenanceError(AllianceError):
    """A hash, version or source does not match what was recorded."""

    exit_code = 6


class Interrupted(KeyboardInterrupt):
    """Ctrl-C in work of which something is kept; `resumable` where the same command can go on."""

    def __init__(self, *, resumable: bool):
        super().__init__()
        self.resumable = resumable


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.7) -> str:
    """The nearest known name, or an empty string."""
    lower = {each.lower(): each for each in known}
    hits = get_close_matches(name.lower(), lower, n=1, cutoff=cutoff)
    return lower[hits[0]] if hits else ""


def suggestion(name: str, known: Iterable[str]) -> str:
    """The sentence "Did you mean `x`?", or nothing where no known name is near."""
    near = nearest(name, known)
    return f"Did you mean `{near}`?".replace("{", "{{").replace("}", "}}") if near else ""
