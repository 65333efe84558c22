"""`alliance calibrate`: fit a model to a problem's data."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from alliance_dynamics.commands.parser import Parser, jobs, processors, say, whole
from alliance_dynamics.progress import READING, announce

SUMMARY = "Fit a model to data: many starts, what the data say about each parameter, intervals from posterior draws."
EXAMPLES = ("alliance calibrate tatarstan --starts 20", "alliance calibrate my/problem --recover 150 --sbc --seed 0")


def add_options(parser: Parser) -> None:
    parser.add_argument("problem", nargs="?", default="tatarstan", metavar="PROBLEM",
                        help=say("name of a problem, or its folder (tatarstan)"))  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="DIR",
                        help=say("folder of the results (results/PROBLEM_calibration)"))  # fmt: skip
    parser.add_argument("--seed", type=whole(0), default=1, metavar="INT", help=say("seed of all random draws (1)"))
    parser.add_argument(
        "--starts",
        type=whole(1, 100_000),
        metavar="N",
        help=say("number of starts of the search (64; 24 for tatarstan)"),
    )
    parser.add_argument("--recover", type=whole(1, 100_000), metavar="N",
                        help=say("also fit N data sets simulated from known parameters (150)"))  # fmt: skip
    parser.add_argument("--sbc", action="store_true",
                        help=say("with --recover: sample each posterior too and rank the truth in it"))  # fmt: skip
    parser.add_argument("--no-posterior", action="store_true", help=say("leave out the posterior draws"))
    parser.add_argument("--force", action="store_true", help=say("replace the results of another command"))
    parser.add_argument("-j", "--jobs", type=jobs, default=processors(), metavar="N|auto",
                        help=say("threads; results do not depend on their number (auto)"))  # fmt: skip


def execute(arguments: Namespace) -> object:
    announce(READING, quiet=arguments.quiet)
    from alliance_dynamics.study import calibrate

    return calibrate(
        arguments.problem,
        out=arguments.out,
        seed=arguments.seed,
        starts=arguments.starts,
        recover=arguments.recover or 0,
        sbc=arguments.sbc,
        posterior=not arguments.no_posterior,
        jobs=arguments.jobs,
        force=arguments.force,
        quiet=arguments.quiet,
    )
