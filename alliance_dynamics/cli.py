"""The command line: which commands there are, how their results and faults are shown, and the exit code."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from io import StringIO, TextIOWrapper
from typing import Any

from alliance_dynamics import __version__
from alliance_dynamics.commands.as_json import json_of_faults, json_of_outcome
from alliance_dynamics.commands.outcome import Outcome, outcome_of
from alliance_dynamics.commands.parser import Parser, say
from alliance_dynamics.errors import AllianceError, Interrupted, UsageError, fault, nearest
from alliance_dynamics.language import LANGUAGES, language_of_environment, translate, use_language
from alliance_dynamics.log_file import KeptLog
from alliance_dynamics.progress import KINDS, use_progress

COMMANDS = (
    "study", "run", "calibrate", "compare", "sensitivity", "report", "explore", "verify",
    "check", "loops", "diagram", "doc", "data", "export", "schema", "doctor",
)  # fmt: skip
EXAMPLES = ("alliance study tatarstan --quick", "alliance run alliance R3 --out run.csv")
INTERRUPTED = 130
WITH_VALUE = ("--lang", "--progress", "--log-file")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code.

    0 done, 1 a check failed, 2 wrong usage, 3 wrong input, 4 numerical failure, 5 not supported, 6 provenance,
    7 too many failed draws, 130 interrupted.  Results go to stdout, everything else to stderr.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    use_language(_language(given))
    _use_utf_8()
    _end_in_order()
    log, code = KeptLog(), None
    try:
        code = _answer(given, log)
        return code
    finally:
        log.close(code)


def _answer(given: list[str], log: KeptLog) -> int:
    verbose = any(each in ("-v", "--verbose") for each in given)
    as_json = "--json" in given
    command = ""
    try:
        _refuse_undecodable(given)
        if path := _value(given, "--log-file"):
            log.open(path, given)
        command, rest = _command(given)
        if command in ("--version", "--help", ""):
            print(f"alliance-dynamics {__version__}" if command == "--version" else _help(), end="\n")
            return 0 if command else 2
        outcome = _execute(command, rest)
        sys.stdout.flush()
        return outcome.exit_code
    except AllianceError as error:
        _trace(verbose)
        if as_json:
            print(json_of_faults(command, error.exit_code, error.faults))
        for each in error.faults:
            print(each, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt as error:
        _trace(verbose)
        return _stop(_interrupted(error, given), INTERRUPTED, command, as_json)
    except BrokenPipeError:  # the reader of our output, e.g. `head`, has seen enough
        _drop_output()
        return 0
    except (OSError, MemoryError) as error:  # a full disk, a process without memory: the machine's, not the user's file
        _trace(verbose)
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        with suppress(OSError):
            _stop(say("The work was stopped by the system: {reason}.").format(reason=reason), 1, command, as_json)
        _drop_output()
        return 1
    except Exception as error:  # a fault of ours; a user gets one line, and the traceback on demand
        _trace(verbose)
        shown = f"{type(error).__name__}: {error}"
        template = say("The program failed unexpectedly: {error}. Please report it with the output of -v.")
        return _stop(template.format(error=shown), 1, command, as_json)


def make_parser(command: str) -> tuple[Parser, Callable[[Namespace], object]]:
    """The options of a command and the function behind it; importing it loads no numerical package."""
    module: Any = import_module(f"alliance_dynamics.commands.{command}")
    parser = Parser(command, module.SUMMARY, module.EXAMPLES)
    module.add_options(parser)
    parser.add_common_options()
    return parser, module.execute


def _interrupted(error: KeyboardInterrupt, given: Sequence[str]) -> str:
    if not (isinstance(error, Interrupted) and error.resumable):
        return say("Interrupted. Nothing half-written was left behind.")
    again = shlex.join(["alliance", *given, *(() if "--resume" in given else ("--resume",))])
    return say("Interrupted. What is finished is kept. Go on with: {command}").format(command=again)


def _trace(verbose: bool) -> None:
    if verbose:
        from traceback import print_exc

        print_exc()


def _use_utf_8() -> None:
    """What we write is UTF-8 with LF on every system, as the files are; a closed stream swallows it."""
    sys.stdout, sys.stderr = sys.stdout or StringIO(), sys.stderr or StringIO()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and (stream.encoding.lower() != "utf-8" or os.linesep != "\n"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")


def _drop_output() -> None:
    """What is still waiting to be written goes nowhere, so that the interpreter's own last flush does not fail."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _end_in_order() -> None:
    """A request to end, or a closed terminal, ends the program as Ctrl-C does: nothing half-written stays."""
    if threading.current_thread() is not threading.main_thread():
        return
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def _language(given: Sequence[str]) -> str:
    """The last --lang, wherever it stands, so that even a fault of the other options is said in it."""
    return _value(given, "--lang", LANGUAGES) or language_of_environment()


def _value(given: Sequence[str], option: str, known: Sequence[str] = ()) -> str:
    """The last value of an option that counts before the command does, of those `known`; empty where there is none."""
    found = ""
    for i, each in enumerate(given):
        value = each.partition("=")[2] if each.startswith(f"{option}=") else ""
        if each == option and i + 1 < len(given):
            value = given[i + 1]
        if value and (not known or value in known):
            found = value
    return found


def _refuse_undecodable(given: Sequence[str]) -> None:
    """A name whose bytes are no text here, e.g. of a file named under another encoding, can be shown nowhere.

    Nor is nothing at all a name: it would pass for the folder that the command runs in, or for no value given.
    """
    for each in given:
        if not each or (each.startswith("--") and each.endswith("=")):
            raise UsageError(fault("", say("`{argument}` is an empty value"), argument=each,
                                   remedy=say("Give it one, or leave it out")))  # fmt: skip
        if any("\ud800" <= letter <= "\udfff" for letter in each):
            shown = each.encode("ascii", "backslashreplace").decode()
            raise UsageError(fault("", say("`{argument}` is not text in the encoding of this system"), argument=shown,
                                   remedy=say("Rename the file, or use a UTF-8 locale")))  # fmt: skip


def _command(given: list[str]) -> tuple[str, list[str]]:
    """The command's name and its arguments; options before the name belong to it too."""
    leading: list[str] = []
    rest = list(given)
    while rest and rest[0].startswith("-"):
        leading.append(rest.pop(0))
        if leading[-1] in WITH_VALUE and rest:
            leading.append(rest.pop(0))
    if rest:
        if rest[0] not in COMMANDS:
            raise UsageError(_unknown(rest[0]))
        return rest[0], leading + rest[1:]
    if "--version" in leading:
        return "--version", []
    if any(each in ("-h", "--help") for each in leading):
        return "--help", []
    for each in leading:
        known = ("-q", "--quiet", "-v", "--verbose", "--json", *LANGUAGES, *KINDS, _value(leading, "--log-file"))
        if each not in known and not each.startswith(WITH_VALUE):
            raise UsageError(fault("", say("There is no option `{option}`"), option=each,
                                   remedy=say("See `{command} --help`"), command="alliance"))  # fmt: skip
    return "", []


def _unknown(command: str):
    near = nearest(command, COMMANDS, cutoff=0.5)
    return fault(
        "",
        say("There is no command `{name}`"),
        expected=say("One of {known}"),
        remedy=say("Did you mean `{nearest}`?") if near else "",
        name=command,
        known=", ".join(COMMANDS),
        nearest=near,
    )


def _execute(command: str, given: list[str]) -> Outcome:
    parser, execute = make_parser(command)
    if any(each in ("-h", "--help") for each in given):
        print(parser.format_help(), end="")
        return Outcome()
    arguments = parser.parse(given)
    use_progress(arguments.progress)
    outcome = outcome_of(execute(arguments))
    if arguments.json:
        print(json_of_outcome(command, outcome))
    else:
        sys.stdout.write(outcome.text if outcome.text.endswith("\n") or not outcome.text else outcome.text + "\n")
    for each in outcome.faults:
        print(each, file=sys.stderr)
    for notice in outcome.notices:
        print(say("Note: ") + translate(notice), file=sys.stderr)
    if not arguments.quiet:
        for path in outcome.outputs:
            print(say("Written: ") + str(path), file=sys.stderr)
        if outcome.next_step and not outcome.exit_code:
            print(say("Next: ") + outcome.next_step, file=sys.stderr)
    return outcome


def _help() -> str:
    lines = [say("Usage: ") + "alliance [--lang en|ru] " + say("COMMAND") + " ...", "", say("Examples:")]
    lines += [f"  {example}" for example in EXAMPLES]
    lines += ["", say("Commands:")]
    for command in COMMANDS:
        module: Any = import_module(f"alliance_dynamics.commands.{command}")
        lines.append(f"  {command:<12} {say(module.SUMMARY)}")
    lines += ["", say("`alliance COMMAND --help` shows the options of a command, `alliance --version` the version.")]
    lines += ["", say("Exit codes:"), "  " + say(
        "0 done, 1 a check failed, 2 wrong usage, 3 wrong input file, 4 numerical failure, 5 not supported,"
    ), "  " + say("6 data or model not as recorded, 7 too many failed draws, 130 interrupted")]  # fmt: skip
    return "\n".join(lines)


def _stop(message: str, exit_code: int, command: str, as_json: bool) -> int:
    """Says why the work ended that no fault of the user describes."""
    if as_json:
        print(json_of_faults(command, exit_code, [fault("", "{message}", message=message)]))
    print(message, file=sys.stderr)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
