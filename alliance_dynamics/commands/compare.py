"""`alliance compare`: gaps between regimes or scenarios and a baseline."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from alliance_dynamics.commands.parser import Parser, jobs, processors, say, whole, years
from alliance_dynamics.progress import READING, announce

SUMMARY = "Compare regimes or scenarios with a baseline, over the same draws of what is uncertain."
EXAMPLES = (
    "alliance compare --baseline R1 --at 2030,2040,2050",
    "alliance compare R3 my_alliance.toml --draws 500",
    "alliance compare --model alliance+extended",
)


def add_options(parser: Parser) -> None:
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO",
                        help=say("scenario files or ids of regimes (all regimes)"))  # fmt: skip
    parser.add_argument("--model", default="alliance", metavar="MODEL",
                        help=say("the composed model, with elements added: alliance+extended (alliance)"))  # fmt: skip
    parser.add_argument("--baseline", default="R1", metavar="ID", help=say("what the others are compared with (R1)"))
    parser.add_argument("--at", type=years, metavar="YEARS",
                        help=say("years parted by commas (2030,2040,2050)"))  # fmt: skip
    parser.add_argument("--draws", type=whole(1), metavar="N",
                        help=say("number of draws, from a quick calibration (200)"))  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="DIR", help=say("folder of tables and figures (none is written)"))
    parser.add_argument("--seed", type=whole(0), metavar="INT", help=say("seed of all random draws (1)"))
    parser.add_argument("-j", "--jobs", type=jobs, default=processors(), metavar="N|auto",
                        help=say("threads; results do not depend on their number (auto)"))  # fmt: skip
    parser.add_argument("--force", action="store_true", help=say("replace the results of another command"))
    parser.add_argument("--dry-run", action="store_true", help=say("say what would be done, and do nothing"))


def execute(arguments: Namespace) -> object:
    announce(READING, quiet=arguments.quiet)
    from alliance_dynamics.files import Outputs
    from alliance_dynamics.scenarios import find_regime, read_regimes
    from alliance_dynamics.study import compare

    known = read_regimes()
    for name in (*arguments.scenarios, arguments.baseline):  # at once, not after the calibration
        if not name.endswith(".toml"):
            find_regime(name, known)
    if arguments.out is not None:
        Outputs(arguments.out)
    outcome = compare(
        arguments.scenarios,
        model=arguments.model,
        baseline=arguments.baseline,
        at=arguments.at,
        draws=arguments.draws,
        out=arguments.out,
        seed=arguments.seed,
        jobs=arguments.jobs,
        force=arguments.force,
        quiet=arguments.quiet,
        dry_run=arguments.dry_run,
    )
    return outcome if arguments.dry_run else outcome.then("alliance", "sensitivity")
