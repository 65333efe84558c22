"""What a command hands back: exit code, files written, results, and what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from alliance_dynamics.errors import Fault


@dataclass(frozen=True, slots=True)
class Outcome:
    """`text` goes to stdout as it is; `outputs` are the files or folders written; `notices` go to stderr.

    `faults` say what an exit code other than 0 means, where the work itself was done.
    """

    exit_code: int = 0
    text: str = ""
    outputs: tuple[Path, ...] = ()
    results: Mapping[str, Any] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    next_step: str = ""
    faults: tuple[Fault, ...] = ()

    def then(self, *words: str) -> Outcome:
        """The same with a command as the next step, written as a shell wants it."""
        return replace(self, next_step=shlex.join(words))


def outcome_of(result: object) -> Outcome:
    """An Outcome as it is, an exit code as such, None as success; anything else is printed."""
    match result:
        case Outcome():
            return result
        case None:
            return Outcome()
        case bool() | int():
            return Outcome(exit_code=int(result))
        case _:
            return Outcome(text=str(result))
