"""`alliance verify`: run again what a manifest records, and say whether the results are the same."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from alliance_dynamics.commands.outcome import Outcome
from alliance_dynamics.commands.parser import Parser, jobs, processors, say

SUMMARY = "Run again what made a results folder, and say: identical, within tolerance, or different and where."
EXAMPLES = ("alliance verify results/tatarstan", "alliance verify results/tatarstan --files-only --json")
SHOWN = 10


def add_options(parser: Parser) -> None:
    parser.add_argument("results", type=Path, metavar="DIR", help=say("folder of results with its manifest.json"))
    parser.add_argument("--files-only", action="store_true",
                        help=say("compare the files with the manifest's hashes, run nothing"))  # fmt: skip
    parser.add_argument("-j", "--jobs", type=jobs, default=processors(), metavar="N|auto",
                        help=say("threads; results do not depend on their number (auto)"))  # fmt: skip


def execute(arguments: Namespace) -> object:
    from alliance_dynamics.verification import read_manifest, refuse_altered

    manifest = read_manifest(arguments.results)
    refuse_altered(arguments.results, manifest)
    count = len(manifest["outputs"])
    if arguments.files_only:
        text = say("{count} files are those of the manifest.").format(count=count)
        found = Outcome(text=text, results={"verdict": "unaltered", "files": count})
        return found.then("alliance", "verify", str(arguments.results))
    return _run_again(arguments, manifest)


def _run_again(arguments: Namespace, manifest: dict) -> Outcome:
    from tempfile import TemporaryDirectory

    from alliance_dynamics.study.remembered import computed_anew
    from alliance_dynamics.verification import compare_results, read_manifest, refuse_other_sources

    with TemporaryDirectory(prefix="alliance-verify-") as folder:
        target = Path(folder) / "again"
        command, execute, values = _recorded(arguments.results, [str(each) for each in manifest["command"]], target)
        for name in ("jobs", "quiet"):
            if hasattr(values, name):
                setattr(values, name, getattr(arguments, name))
        with computed_anew():
            execute(values)
        refuse_other_sources(arguments.results, manifest, read_manifest(target))
        found = compare_results(arguments.results, target)
    verdicts = {
        "identical": say("Again, `{command}`: identical, {count} files compared."),
        "within tolerance": say("Again, `{command}`: within tolerance, {count} files compared."),
        "different": say("Again, `{command}`: different, {count} files compared."),
    }
    lines = [verdicts[found.verdict].format(command=" ".join(command), count=found.files)]
    for each in found.differences[:SHOWN]:
        where = f"{each.file}:{each.line} {each.column}" if each.line else f"{each.file} {each.column}"
        lines.append(f"  {where.strip()}: {each.stored} -> {each.again}")
    results = {
        "verdict": found.verdict,
        "files": found.files,
        "differences": [
            {"file": each.file, "line": each.line, "column": each.column, "stored": each.stored, "again": each.again,
             "verdict": each.verdict}
            for each in found.differences
        ],
    }  # fmt: skip
    done = Outcome(exit_code=int(found.verdict == "different"), text="\n".join(lines), results=results)
    return done.then("alliance", "explore")


def _recorded(folder: Path, command: list[str], target: Path):
    """The recorded command, its function and its values, with another output folder; only our own commands are run."""
    from alliance_dynamics.cli import make_parser
    from alliance_dynamics.errors import InputError, UsageError, fault
    from alliance_dynamics.manifest import NAME

    repeatable = ("study", "run", "calibrate", "compare", "sensitivity")
    if len(command) < 2 or command[0] != "alliance" or command[1] not in repeatable:
        raise InputError(
            fault(str(folder / NAME), "the recorded command `{command}` cannot be repeated",
                  expected="one of {known}", command=" ".join(command), known=", ".join(repeatable))
        )  # fmt: skip
    parser, execute = make_parser(command[1])
    try:
        values = parser.parse([*command[2:], "--out", str(target)])
    except UsageError as error:
        raise InputError(
            [fault(str(folder / NAME), "the recorded command cannot be repeated"), *error.faults]
        ) from None
    return command, execute, values
