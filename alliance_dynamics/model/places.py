"""Where everything stands in a Vensim text: equations, macros and settings, found without understanding equations."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from alliance_dynamics.errors import Fault, Place, fault
from alliance_dynamics.model.model import Method
from alliance_dynamics.model.names import canonical, whole

MOST_PARENTHESES = 500
MOST_IN_NAME = 1_000
MOST_IN_EQUATION = 1_000_000
MOST_SUBSCRIPTS = 20
_SKETCH = "\\\\\\---///"
_SETTINGS = "///---\\\\\\"
_QUOTED = re.compile(r'"[^"\\\n]*(?:\\[\s\S][^"\\\n]*)*"')
_LONG_NAME = re.compile(rf'"[^"]{{{MOST_IN_NAME}}}|[^-+*/^=<>(),;:\[\]{{}}|~!"]{{{MOST_IN_NAME}}}')
_SUBSCRIPTS = re.compile(r"[^=(\[\]]*\[([^\]]*)\]")
_IN_NUMBERS = re.compile(r"(?:[\d\s.]|(?<=[\d.])[eE])*")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
_STOP = re.compile(r'["{}~|]')
_END_OF_FIELD = re.compile(r"[~|]")
_BLANK = re.compile(r"\s+")
_MACRO = re.compile(r':MACRO:\s*("(?:\\.|[^"\\])*"|[^("]+)\(([^)]*)\)', re.IGNORECASE)
_END_OF_MACRO = re.compile(r":END OF MACRO:", re.IGNORECASE)
_LEFT = re.compile(r'\s*("[^"\\]*(?:\\[\s\S][^"\\]*)*"|[^\[\]=:(<"]+)')
_METHODS: dict[int, tuple[Method, str]] = {
    0: ("euler", ""),
    1: ("rk4", "The file asks for RK4 with automatic steps; it runs with fixed steps."),
    2: ("euler", "The file asks for difference equations; they run as Euler."),
    3: ("rk2", "The file asks for RK2 with automatic steps; it runs with fixed steps."),
    4: ("rk2", ""),
    5: ("rk4", ""),
}


@dataclass(frozen=True, slots=True)
class Statement:
    """One equation of the file: its text with comments blanked out, and the fields behind it."""

    raw: str
    place: Place
    unit: str = ""
    documentation: str = ""

    @property
    def text(self) -> str:
        """On one line, runs of blanks as one blank, without line continuations."""
        return _BLANK.sub(" ", _continued(self.raw)).strip()

    @property
    def label(self) -> str:
        match = _LEFT.match(self.text)
        return match.group(1).strip() if match else ""

    def at(self, position: int) -> Place:
        """The place in the file of a position in `text`."""
        wanted = len(self.text[:position].replace(" ", ""))
        raw = _continued(self.raw)
        written = [index for index, character in enumerate(raw) if not character.isspace()]
        index = written[min(wanted, len(written) - 1)] if written else 0
        line = raw.count("\n", 0, index)
        start = raw.rfind("\n", 0, index) + 1
        return Place(self.place.file, self.place.line + line, index - start + 1 + (self.place.column - 1) * (not line))


@dataclass(slots=True)
class MacroText:
    label: str
    parameters: list[str]
    outputs: list[str]
    place: Place
    statements: list[Statement] = field(default_factory=list)


@dataclass(slots=True)
class Scan:
    statements: list[Statement] = field(default_factory=list)
    macros: list[MacroText] = field(default_factory=list)
    method: Method = "euler"
    notices: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def places(self) -> dict[str, list[Place]]:
        """Canonical name on the left-hand side -> where it is defined, in the order of the file."""
        found: dict[str, list[Place]] = {}
        for each in self.statements:
            found.setdefault(canonical(each.label), []).append(each.place)
        return found


def scan(text: str, file: str) -> Scan:
    """The statements, macros and integration method of a Vensim text; faults are collected, not raised."""
    result = Scan()
    body, _, sketch = text.partition(_SKETCH)
    _read_method(sketch, file, text, result)
    lines = _Lines(body, file)
    if match := _CONTROL.search(body):
        result.faults.append(_control(match, lines.place(match.start())))
        return result
    at, end, macro = 0, len(body), None
    while True:
        while at < end and (body[at].isspace() or body[at] == "\ufeff"):
            at += 1
        if at >= end:
            break
        if body[at] == "{":
            close = _comment_end(body, at)
            if close < 0:
                result.faults.append(_unclosed(lines.place(at), "{{", "}}"))
                return result
            at = close
            continue
        if match := _MACRO.match(body, at):
            macro = _macro(match, lines.place(at))
            result.macros.append(macro)
            at = match.end()
            continue
        if match := _END_OF_MACRO.match(body, at):
            macro, at = None, match.end()
            continue
        statement, at, problem = _statement(body, at, lines)
        if problem:
            result.faults.append(problem)
            return result
        if statement and statement.text and not statement.text.startswith("*"):
            (macro.statements if macro else result.statements).append(statement)
            result.faults.extend(_lengths(statement) or _depth(statement))
    if macro is not None:
        result.faults.append(
            fault(
                macro.place,
                "The macro `{name}` is not closed",
                expected="Expected :END OF MACRO: behind its last equation.",
                name=macro.label,
            )
        )
    return result


def missing_controls(found: Scan, file: str) -> list[Fault]:
    """A fault for each control constant without which a model cannot run, and for a file without equations."""
    if not found.statements:
        return [
            fault(
                file,
                "Not a Vensim model: no equation found",
                expected="Expected text that begins with equations of the form `name = expression ~ unit ~ comment |`.",
                remedy="Save the model as text (.mdl) in Vensim.",
            )
        ]
    names = found.places()
    return [
        fault(
            file,
            "{name} is missing",
            expected="Expected the control constants INITIAL TIME, FINAL TIME and TIME STEP.",
            remedy="Add `{name} = number ~ unit ~ |`; a cut-off file lacks them too.",
            name=name,
        )
        for name in ("INITIAL TIME", "FINAL TIME", "TIME STEP")
        if canonical(name) not in names
    ]


class _Lines:
    def __init__(self, text: str, file: str):
        self.file = file
        self.starts = [0] + [match.end() for match in re.finditer("\n", text)]

    def place(self, position: int) -> Place:
        from bisect import bisect_right

        line = bisect_right(self.starts, position)
        return Place(self.file, line, position - self.starts[line - 1] + 1)


def _statement(body: str, start: int, lines: _Lines) -> tuple[Statement | None, int, Fault | None]:
    place = lines.place(start)
    pieces: list[str] = []
    at = start
    while True:
        stop = _STOP.search(body, at)
        if stop is None:
            return None, len(body), _truncated(place, body[start:])
        pieces.append(body[at : stop.start()])
        at = stop.start()
        match body[at]:
            case '"':
                quoted = _QUOTED.match(body, at)
                if quoted is None:
                    return None, at, _unclosed(lines.place(at), '"', '"')
                pieces.append(quoted.group())
                at = quoted.end()
            case "{":
                close = _comment_end(body, at)
                if close < 0:
                    return None, at, _unclosed(lines.place(at), "{{", "}}")
                pieces.append("".join("\n" if each == "\n" else " " for each in body[at:close]))
                at = close
            case "}":
                pieces.append("}")
                at += 1
            case _:
                break
    fields: list[str] = []
    while body[at] == "~":
        stop = _END_OF_FIELD.search(body, at + 1)
        if stop is None:
            return None, len(body), _truncated(place, body[start:])
        fields.append(body[at + 1 : stop.start()])
        at = stop.start()
    fields += ["", ""]
    unit = _BLANK.sub(" ", _continued(fields[0])).strip()
    if unit.endswith("]") and "[" in unit:
        unit = unit[: unit.rindex("[")].strip()
    documentation = _BLANK.sub(" ", _continued(fields[1])).strip()
    return Statement("".join(pieces), place, unit, documentation), at + 1, None


def _comment_end(body: str, start: int) -> int:
    """The position behind the brace that closes the comment opened at `start` (comments nest), or -1."""
    depth = 0
    for match in re.compile(r"[{}]").finditer(body, start):
        depth += 1 if match.group() == "{" else -1
        if depth == 0:
            return match.end()
    return -1


def _continued(text: str) -> str:
    return text.replace("\\\n", " \n")


def _macro(match: re.Match[str], place: Place) -> MacroText:
    inputs, _, outputs = match.group(2).partition(":")
    names = [[each.strip() for each in part.split(",") if each.strip()] for part in (inputs, outputs)]
    return MacroText(match.group(1).strip(), names[0], names[1], place)


def _control(match: re.Match[str], place: Place) -> Fault:
    return fault(
        place,
        "The text holds the control character {character}",
        expected="Expected text alone.",
        remedy="Delete the character.",
        character=f"U+{ord(match.group()):04X}",
    )


def _lengths(statement: Statement) -> list[Fault]:
    """Names and equations too long for any parser, found before one sees them."""
    count = len(statement.raw)
    if count <= MOST_IN_NAME:
        return []
    for match in _LONG_NAME.finditer(statement.text):
        if not _IN_NUMBERS.fullmatch(match.group()):
            return [
                fault(
                    statement.place,
                    "The name that begins `{text}` is too long",
                    expected="At most {limit} characters are read.",
                    remedy="Give it a shorter name, or put the operator in that is missing.",
                    text=match.group().strip()[:40],
                    limit=MOST_IN_NAME,
                )
            ]
    subscripts = _SUBSCRIPTS.match(statement.text)
    if subscripts and subscripts.group(1).count(",") >= MOST_SUBSCRIPTS:
        return [
            fault(
                statement.place,
                "`{name}` has {count} subscripts",
                expected="At most {limit} are read.",
                name=statement.label,
                count=subscripts.group(1).count(",") + 1,
                limit=MOST_SUBSCRIPTS,
            )
        ]
    if count > MOST_IN_EQUATION:
        return [
            fault(
                statement.place,
                "The equation of `{name}` has {count} characters",
                expected="At most {limit} are read.",
                remedy="Split the equation into several, or read numbers with GET DIRECT.",
                name=statement.label,
                count=count,
                limit=MOST_IN_EQUATION,
            )
        ]
    return []


def _depth(statement: Statement) -> list[Fault]:
    text = _QUOTED.sub("", statement.raw)
    depth = deepest = 0
    for each in re.findall(r"[()]", text):
        depth += 1 if each == "(" else -1
        deepest = max(deepest, depth)
    if deepest > MOST_PARENTHESES:
        return [
            fault(
                statement.place,
                "`{name}` nests {depth} parentheses",
                expected="At most {limit} are read.",
                remedy="Split the equation into several.",
                name=statement.label,
                depth=deepest,
                limit=MOST_PARENTHESES,
            )
        ]
    if depth:
        return [
            fault(
                statement.place,
                "`{name}` opens {opened} parentheses and closes {closed}",
                expected="Expected as many closed as opened.",
                name=statement.label,
                opened=text.count("("),
                closed=text.count(")"),
            )
        ]
    return []


def _truncated(place: Place, text: str) -> Fault:
    return fault(
        place,
        "The equation that begins here is not closed: `{text}`",
        expected="Every equation ends with a vertical bar.",
        remedy="The file may be cut off; close the equation with `|` or restore the file.",
        text=_BLANK.sub(" ", text).strip()[:60],
    )


def _unclosed(place: Place, opening: str, closing: str) -> Fault:
    return fault(place, f"`{opening}` is opened here and not closed", expected=f"Expected `{closing}` behind it.")


def _read_method(sketch: str, file: str, text: str, result: Scan) -> None:
    settings = sketch.partition(_SETTINGS)[2]
    match = re.search(r"^15:([^\n]*)$", settings, re.MULTILINE)
    if match is None:
        return
    parts = match.group(1).split(",")
    line = text.count("\n", 0, text.index(_SETTINGS) + len(_SETTINGS) + match.start()) + 1
    code = parts[3].strip() if len(parts) > 3 else ""
    if whole(code) not in _METHODS:
        result.faults.append(
            fault(
                Place(file, line),
                "The settings name no integration method that is known: `{text}`",
                expected="Expected one of 0 to 5 as the fourth number (0 Euler, 4 RK2, 5 RK4).",
                text=match.group(0).strip(),
            )
        )
        return
    result.method, notice = _METHODS[int(code)]
    if notice:
        result.notices.append(notice)
