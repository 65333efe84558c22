"""`alliance report`: the reports of a results folder, written again from its files."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from alliance_dynamics.commands.outcome import Outcome
from alliance_dynamics.commands.parser import Parser, say, some_of
from alliance_dynamics.language import LANGUAGES, translate
from alliance_dynamics.progress import READING, announce

SUMMARY = "Write the reports of a results folder again, as pages and as PDF."
EXAMPLES = ("alliance report results/tatarstan", "alliance report results/tatarstan --template brief --to pdf")
KINDS = ("html", "pdf")
TEMPLATES = ("report", "brief", "sensitivity", "calibration")


def add_options(parser: Parser) -> None:
    parser.add_argument("results", type=Path, metavar="DIR", help=say("folder of results with its manifest.json"))
    parser.add_argument("--template", type=some_of(TEMPLATES), default=TEMPLATES, metavar="NAME,...",
                        help=say("report, brief, sensitivity, calibration, parted by commas (all)"))  # fmt: skip
    parser.add_argument("--to", type=some_of(KINDS), default=KINDS, metavar="html,pdf",
                        help=say("kinds of files, parted by commas (both)"))  # fmt: skip
    parser.add_argument("--only", type=some_of(LANGUAGES), default=LANGUAGES, metavar="en,ru",
                        help=say("languages of the reports, parted by commas (both)"))  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="DIR", help=say("folder of the reports (that of the results)"))


def execute(arguments: Namespace) -> object:
    announce(READING, quiet=arguments.quiet)
    from alliance_dynamics.report import write_reports

    written = write_reports(arguments.results, templates=arguments.template, kinds=arguments.to,
                            languages=arguments.only, out=arguments.out)  # fmt: skip
    pages = [each for each in written if each.suffix == ".html"] or written
    return Outcome(outputs=tuple(written), next_step=translate("open {path}").format(path=pages[0]))
