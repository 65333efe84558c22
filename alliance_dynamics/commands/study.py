"""`alliance study`: the main job."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from alliance_dynamics.commands.parser import Parser, jobs, number, processors, say, whole
from alliance_dynamics.progress import READING, announce

SUMMARY = "The main job: calibrate, compare regimes, sensitivity, reports in two languages."
EXAMPLES = (
    "alliance study tatarstan --quick",
    "alliance study --out results/tatarstan --seed 1 --policy-year 2027",
    "alliance study --dry-run",
)


def add_options(parser: Parser) -> None:
    parser.add_argument("problem", nargs="?", default="tatarstan", metavar="PROBLEM",
                        help=say("name of a problem, or its folder (tatarstan)"))  # fmt: skip
    parser.add_argument("--quick", action="store_true", help=say("every stage with small samples; not for decisions"))
    parser.add_argument("--out", type=Path, metavar="DIR", help=say("folder of the results (results/PROBLEM)"))
    parser.add_argument("--seed", type=whole(0), default=1, metavar="INT", help=say("seed of all random draws (1)"))
    parser.add_argument("-j", "--jobs", type=jobs, default=processors(), metavar="N|auto",
                        help=say("threads; results do not depend on their number (auto)"))  # fmt: skip
    parser.add_argument("--policy-year", type=number, metavar="YEAR",
                        help=say("year from which the regimes differ (that of the regimes)"))  # fmt: skip
    parser.add_argument("--force", action="store_true", help=say("replace the results of another command"))
    parser.add_argument("--resume", action="store_true",
                        help=say("go on with an interrupted study; what is finished is not done again"))  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help=say("say what would be done, and do nothing"))


def execute(arguments: Namespace) -> object:
    announce(READING, quiet=arguments.quiet)
    asked: dict[str, Any] = {
        name: getattr(arguments, name) for name in ("quick", "out", "seed", "jobs", "policy_year", "resume", "force")
    }
    if arguments.dry_run:
        from alliance_dynamics.study.planning import plan_study

        return plan_study(arguments.problem, **asked)
    from alliance_dynamics.study import study

    return study(arguments.problem, quiet=arguments.quiet, **asked)
