"""`alliance explore`: the page on which the model runs."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from alliance_dynamics.commands.parser import Parser, jobs, processors, say, whole
from alliance_dynamics.progress import READING, announce

SUMMARY = "Write the explorer: one page on which the model runs in a browser, levers as sliders."
EXAMPLES = (
    "alliance explore",
    "alliance explore my_alliance.toml",
    "alliance explore --out page/explorer.html --serve",
)


def add_options(parser: Parser) -> None:
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO.toml",
                        help=say("scenario files: presets beside the regimes, the first is shown at once"))  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("explorer.html"), metavar="FILE",
                        help=say("page to write (explorer.html)"))  # fmt: skip
    parser.add_argument("--seed", type=whole(0), default=1, metavar="INT", help=say("seed of all random draws (1)"))
    parser.add_argument("--serve", action="store_true",
                        help=say("serve the page to this computer, with the Python engine, until Ctrl-C"))  # fmt: skip
    parser.add_argument("--port", type=whole(0, 65535), metavar="PORT",
                        help=say("with --serve: port of 127.0.0.1 (a free one)"))  # fmt: skip
    parser.add_argument("-j", "--jobs", type=jobs, default=processors(), metavar="N|auto",
                        help=say("threads; results do not depend on their number (auto)"))  # fmt: skip


def execute(arguments: Namespace) -> object:
    if arguments.port is not None and not arguments.serve:
        from alliance_dynamics.errors import UsageError, fault

        raise UsageError(fault("", say("--port goes with --serve only")))
    announce(READING, quiet=arguments.quiet)
    from alliance_dynamics.files import refuse_unwritable

    refuse_unwritable(arguments.out)  # at once, not after the calibration
    from alliance_dynamics.study import explore

    port = arguments.port or 0 if arguments.serve else None
    return explore(
        arguments.scenarios, out=arguments.out, seed=arguments.seed, jobs=arguments.jobs, quiet=arguments.quiet,
        port=port,
    )  # fmt: skip
