"""`alliance report`: the reports of a results folder, written again from its files."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from alliance_dynamics.commands.outcome import Outcome
from alliance_dynamics.commands.parser import Parser, one_of, say
from alliance_dynamics.language import LANGUAGES

SUMMARY = "Write the reports of a results folder again, as pages and as PDF."
EXAMPLES = ("alliance report results/tatarstan", "alliance report results/tatarstan --to pdf --only ru --out brief")
FORMATS = ("html", "pdf", "all")


def add_options(parser: Parser) -> None:
    parser.add_argument("results", type=Path, metavar="DIR", help=say("folder of results with its manifest.json"))
    parser.add_argument("--to", type=one_of(FORMATS), default="all", metavar="html|pdf|all",
                        help=say("kind of files to write (all)"))  # fmt: skip
    parser.add_argument("--only", type=one_of(LANGUAGES), metavar="en|ru", help=say("one language (both)"))
    parser.add_argument("--out", type=Path, metavar="DIR", help=say("folder of the reports (that of the results)"))


def execute(arguments: Namespace) -> object:
    from alliance_dynamics.report import prepare_edition, write_pdf, write_report

    languages = [arguments.only] if arguments.only else list(LANGUAGES)
    written: list[Path] = []
    for language in languages:
        edition = prepare_edition(arguments.results, language)
        if arguments.to in ("html", "all"):
            written.append(write_report(edition, out=arguments.out))
        if arguments.to in ("pdf", "all"):
            written += write_pdf(edition, out=arguments.out)
    return Outcome(outputs=tuple(written))
