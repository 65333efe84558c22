"""A command's options: argparse with help and messages in both languages, and values that are checked one way."""

from __future__ import annotations

import argparse
import math
import os
import re
import shutil
from collections.abc import Callable, Sequence
from typing import NoReturn

from alliance_dynamics.commands.russian import METAVARS, RUSSIAN
from alliance_dynamics.errors import Fault, UsageError, fault, nearest
from alliance_dynamics.language import LANGUAGES, current_language
from alliance_dynamics.progress import KINDS

Points = tuple[tuple[float, float], ...]
MOST_JOBS, MOST_POINTS = 1024, 1 << 20
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_COMMA = re.compile(r"[+-]?\d*,\d+", re.ASCII)


def say(english: str) -> str:
    """A text of the command line in the current language."""
    return RUSSIAN.get(english, english) if current_language() == "ru" else english


class Parser(argparse.ArgumentParser):
    """The options of one command.  Faults are UsageErrors with the nearest option; nothing exits the program."""

    def __init__(self, command: str, summary: str, examples: Sequence[str]):
        super().__init__(
            prog=f"alliance {command}",
            description=say(summary),
            formatter_class=_Formatter,
            add_help=False,
            allow_abbrev=False,
            exit_on_error=False,
        )
        self.examples = examples
        self._positionals.title = say("Arguments")
        self._optionals.title = say("Options")

    def add_argument(self, *names, **details):
        if "metavar" in details:
            details["metavar"] = _metavar(details["metavar"])
        return super().add_argument(*names, **details)

    def add_common_options(self) -> None:
        """--lang, --json, --progress, --log-file, -q, -v and -h, which every command has."""
        group = self.add_argument_group(say("Common options"))
        group.add_argument("--lang", type=one_of(LANGUAGES), metavar="en|ru", help=say("language of messages"))
        group.add_argument("--json", action="store_true", help=say("print one JSON object instead of text"))
        shown = say("auto, rich (a bar), plain (lines), json (an object a line) or none (auto)")
        group.add_argument("--progress", type=one_of(KINDS), default="auto", metavar="KIND", help=shown)
        group.add_argument("--log-file", metavar="FILE", help=say("also add all messages, with the time, to a file"))
        group.add_argument("-q", "--quiet", action="store_true", help=say("no progress and no closing lines"))
        group.add_argument("-v", "--verbose", action="store_true", help=say("show the traceback of an error"))
        group.add_argument("-h", "--help", action="store_true", help=say("show this help"))

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """The values of all options; UsageError says what is wrong with which one."""
        try:
            found, unknown = self.parse_known_intermixed_args(arguments)
        except argparse.ArgumentError as error:
            raise UsageError(_wrong(error.argument_name or "", _in_our_words(error.message))) from error
        options = [each for each in unknown if each.startswith("-")]
        if unknown:  # what follows an unknown option may be its value, so it is not complained about
            raise UsageError([self._unknown(each) for each in options or unknown])
        return found

    def error(self, message: str) -> NoReturn:
        required = message.removeprefix("the following arguments are required: ")
        if required != message:
            raise UsageError(fault("", say("`{names}` is missing"), remedy=say("See `{command} --help`"),
                                   names=required, command=self.prog))  # fmt: skip
        raise UsageError(fault("", "{message}", message=message))

    def format_help(self) -> str:
        shown = [say("Examples:"), *(f"  {example}" for example in self.examples), ""]
        return "\n".join(shown) + "\n" + super().format_help()

    def format_usage(self) -> str:
        formatter = self._get_formatter()
        formatter.add_usage(self.usage, self._actions, self._mutually_exclusive_groups)
        return formatter.format_help()

    def _unknown(self, argument: str) -> Fault:
        if not argument.startswith("-"):
            return fault("", say("`{argument}` is one argument too many"), argument=argument)
        known = [option for action in self._actions for option in action.option_strings]
        option = argument.partition("=")[0]
        near = nearest(option, [each for each in known if each.startswith("--")], cutoff=0.6)
        return fault(
            "",
            say("There is no option `{option}`"),
            remedy=say("Did you mean `{nearest}`?") if near else say("See `{command} --help`"),
            option=option,
            nearest=near,
            command=self.prog,
        )


def _in_our_words(message: str) -> str:
    """What argparse says in English only."""
    if message == "expected one argument":
        return say("a value is missing")
    if message.startswith("ignored explicit argument "):
        return say("takes no value, but was given {value}").format(value=message.partition("argument ")[2])
    return message


def _metavar(name: str) -> str:
    return METAVARS.get(name, name) if current_language() == "ru" else name


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str):
        width = shutil.get_terminal_size((100, 24)).columns
        super().__init__(prog, max_help_position=30, width=min(100, max(40, width)))

    def add_usage(self, usage, actions, groups, prefix=None):
        super().add_usage(usage, actions, groups, say("Usage: ") if prefix is None else prefix)


def number(text: str) -> float:
    """A finite number with a decimal point, whatever the locale."""
    if _COMMA.fullmatch(text.strip()):
        raise argparse.ArgumentTypeError(
            say("`{text}` has a decimal comma; write {point}").format(text=text, point=text.strip().replace(",", "."))
        )
    if not _NUMBER.fullmatch(text.strip()) or not math.isfinite(float(text)):
        raise argparse.ArgumentTypeError(say("`{text}` is not a finite number").format(text=text))
    return float(text)


def positive(text: str) -> float:
    """A finite number above 0."""
    value = number(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(say("`{text}` is not above 0").format(text=text))
    return value


def share(text: str) -> float:
    """A number from 0 to 1."""
    value = number(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(say("`{text}` is not a share from 0 to 1").format(text=text))
    return value


def whole(least: int, most: int = 10**15) -> Callable[[str], int]:
    """A whole number from `least` to `most`."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[+-]?\d{1,99}", text, re.ASCII) or int(text) < least:
            raise argparse.ArgumentTypeError(
                say("`{text}` is not a whole number from {least} on").format(text=text, least=least)
            )
        if int(text) > most:
            raise argparse.ArgumentTypeError(say("`{text}` is more than {most}").format(text=text, most=most))
        return int(text)

    return read


def power_of_two(text: str) -> int:
    """A power of two from 2 on; the two nearest are offered for another number."""
    value = whole(2, MOST_POINTS)(text)
    if value & (value - 1):
        low = 1 << (value.bit_length() - 1)
        message = say("`{text}` is not a power of two; take {low} or {high}")
        raise argparse.ArgumentTypeError(message.format(text=text, low=low, high=2 * low))
    return value


def jobs(text: str) -> int:
    """A number of threads, or `auto` for as many as there are processors."""
    return processors() if text == "auto" else whole(1, MOST_JOBS)(text)


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def years(text: str) -> tuple[float, ...]:
    """Years parted by commas, as they were given."""
    return tuple(number(each) for each in text.split(","))


def one_of(choices: Sequence[str]) -> Callable[[str], str]:
    """One of a few words; the nearest is offered for another one."""

    def read(text: str) -> str:
        if text in choices:
            return text
        near = nearest(text, choices, cutoff=0.6)
        message = say("`{text}` is not one of {choices}").format(text=text, choices=", ".join(choices))
        if near:
            message += ". " + say("Did you mean `{nearest}`?").format(nearest=near)
        raise argparse.ArgumentTypeError(message)

    return read


def some_of(choices: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """Some of a few words, parted by commas, in their own order; `all` stands for every one."""
    one = one_of((*choices, "all"))

    def read(text: str) -> tuple[str, ...]:
        given = [one(each.strip()) for each in text.split(",")]
        return tuple(each for each in choices if each in given or "all" in given)

    return read


def setting(text: str) -> tuple[str, float | Points]:
    """`NAME=VALUE` or `NAME=(X,Y),(X,Y),...`; a name may hold anything but a last equals sign."""
    name, equals, value = text.rpartition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(say("`{text}` is not NAME=VALUE").format(text=text))
    return name.strip(), points(value) if value.lstrip().startswith("(") else number(value)


def changes(pairs: Sequence[tuple[str, float | Points]]) -> dict[str, float | Points]:
    """What --set says, by name; UsageError where it says two things of one name."""
    twice = [name for name in dict(pairs) if sum(each == name for each, _ in pairs) > 1]
    if twice:
        raise UsageError([_wrong("--set", say("`{name}` is given more than once").format(name=each)) for each in twice])
    return dict(pairs)


def points(text: str) -> Points:
    """`(0,1),(2,3)`: pairs of finite numbers."""
    inside = text.strip().removeprefix("(").removesuffix(")")
    pairs = [each.split(",") for each in re.split(r"\)\s*,?\s*\(", inside)]
    if not text.strip().endswith(")") or any(len(each) != 2 for each in pairs):
        raise argparse.ArgumentTypeError(say("`{text}` is not points (X,Y),(X,Y),...").format(text=text))
    return tuple((number(x), number(y)) for x, y in pairs)


def _wrong(option: str, message: str) -> Fault:
    return fault("", "{option}: {message}", option=option, message=message)
