"""The log of a command: what is said on stderr, line by line with the time, added to a file."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from alliance_dynamics.errors import UsageError, fault


class Log:
    """A text stream that puts the time in UTC before each line and is written out at each line's end."""

    def __init__(self, file: TextIO):
        self.file, self.begun = file, False

    def write(self, text: str) -> int:
        for line in text.splitlines(keepends=True):
            if not self.begun:
                self.file.write(datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ  "))
            self.file.write(line)
            self.begun = not line.endswith("\n")
        self.file.flush()
        return len(text)

    def flush(self) -> None:
        self.file.flush()


class Both:
    """stderr while a log is kept: what is written goes to the `screen` and to the `log`.

    A progress bar is for the screen alone, so `progress` asks for the two apart.
    """

    def __init__(self, screen: TextIO, log: Log):
        self.screen, self.log = screen, log

    def write(self, text: str) -> int:
        self.log.write(text)
        return self.screen.write(text)

    def __getattr__(self, name: str):
        return getattr(self.screen, name)


class KeptLog:
    """The log of one command: its words, all of stderr, its exit code and seconds, added to a file."""

    def __init__(self) -> None:
        self.log: Log | None = None

    def open(self, path: str, given: Sequence[str]) -> None:
        """UsageError: the file cannot be written."""
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            file = Path(path).open("a", encoding="utf-8", errors="backslashreplace", newline="\n")  # noqa: SIM115
        except OSError as error:
            raise UsageError(
                fault(path, "The file cannot be written: {reason}", remedy="Choose a folder that you may write to",
                      reason=error.strerror or type(error).__name__)
            ) from error  # fmt: skip
        self.log, self.screen, self.began = Log(file), sys.stderr, time.monotonic()
        self.log.write(shlex.join(["alliance", *given]) + "\n")
        sys.stderr = Both(self.screen, self.log)  # type: ignore[assignment]

    def close(self, code: int | None) -> None:
        """The last line; stderr is the screen alone again."""
        if self.log is None:
            return
        sys.stderr = self.screen
        with suppress(OSError), self.log.file:
            self.log.write(f"exit code {code}, {time.monotonic() - self.began:.1f} s\n")
