"""On which line each key of a TOML text stands; the standard reader gives values but no positions."""

from __future__ import annotations

import re
import tomllib

KeyPath = tuple[str | int, ...]
_KEY = re.compile(r'[ \t]*("(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|[A-Za-z0-9_-]+)[ \t]*')
_BLANK = re.compile(r"(?:[ \t\n,]|#[^\n]*)*")
_STRING = re.compile(
    r'"""(?:[^\\]|\\[\s\S])*?"""(?:"{0,2})|\'\'\'[\s\S]*?\'\'\'(?:\'{0,2})|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\''
)
_PLAIN = re.compile(r"[^,\]}#\n]*")


def locate_keys(text: str) -> dict[KeyPath, int]:
    """Line (from 1) of every key, table, and list entry of a valid TOML text with LF line ends.

    A path holds keys and, inside arrays, positions from 0: `("regime", 1, "title", "en")`.  A key that is only the
    beginning of a dotted key or header stands where it is first written.
    """
    return _Locator(text).lines


class _Locator:
    def __init__(self, text: str):
        self.text = text
        self.at = 0
        self.counted = (0, 1)
        self.lines: dict[KeyPath, int] = {}
        counts: dict[KeyPath, int] = {}
        table: KeyPath = ()
        while self._skip(_BLANK) < len(text):
            if text.startswith("[[", self.at):
                table = self._header(2, counts)
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
                self._mark(table)
                self._skip(re.compile(r"[^\n]*"))
            elif text[self.at] == "[":
                table = self._header(1, counts)
                self._skip(re.compile(r"[^\n]*"))
            else:
                self._pair(table)

    def _header(self, brackets: int, counts: dict[KeyPath, int]) -> KeyPath:
        self.at += brackets
        table: KeyPath = ()
        for key in self._keys():
            if table in counts:  # inside the newest entry of an array of tables
                table = (*table, counts[table])
            table = (*table, key)
            self._mark(table)
        return table

    def _pair(self, table: KeyPath) -> None:
        for key in self._keys():
            table = (*table, key)
            self._mark(table)
        self.at += 1  # the equals sign
        self._value(table)

    def _keys(self) -> list[str]:
        keys = []
        while match := _KEY.match(self.text, self.at):
            word = match[1]
            keys.append(next(iter(tomllib.loads(f"{word} = 0"))) if word[0] in "\"'" else word)
            self.at = match.end()
            if not self.text.startswith(".", self.at):
                return keys
            self.at += 1
        raise ValueError(f"no key at position {self.at}")

    def _value(self, path: KeyPath) -> None:
        self._skip(re.compile(r"[ \t]*"))
        opening = self.text[self.at]
        if opening in "\"'":
            self._skip(_STRING)
        elif opening in "[{":
            self.at += 1
            position = 0
            while self.text[self._skip(_BLANK)] not in "]}":
                if opening == "{":
                    self._pair(path)
                else:
                    self._mark((*path, position))
                    self._value((*path, position))
                    position += 1
            self.at += 1
        else:
            self._skip(_PLAIN)

    def _skip(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at

    def _mark(self, path: KeyPath) -> None:
        """Notes the line of the current position; counts on from the last count, so that the whole is linear."""
        start, line = self.counted
        self.counted = (self.at, line + self.text.count("\n", start, self.at))
        self.lines.setdefault(path, self.counted[1])
