"""`alliance check`: what a model must hold to be used."""

from __future__ import annotations

from argparse import Namespace

from alliance_dynamics.commands.parser import Parser, jobs, processors, say, whole

SUMMARY = "Check a model: its units, its time step and what must hold of its behaviour."
EXAMPLES = ("alliance check", "alliance check my_model.mdl", "alliance check --draws 0")


def add_options(parser: Parser) -> None:
    parser.add_argument("model", nargs="?", default="alliance", metavar="MODEL",
                        help=say("built-in model or model file (alliance)"))  # fmt: skip
    parser.add_argument("--draws", type=whole(0, 100_000), default=1000, metavar="N",
                        help=say("draws from the parameter ranges, besides their corners; "
                                 "0: the default values alone (1000)"))  # fmt: skip
    parser.add_argument("--seed", type=whole(0), default=1, metavar="INT", help=say("seed of all random draws (1)"))
    parser.add_argument("-j", "--jobs", type=jobs, default=processors(), metavar="N|auto",
                        help=say("threads; results do not depend on their number (auto)"))  # fmt: skip


def execute(arguments: Namespace) -> object:
    from alliance_dynamics.checks import check
    from alliance_dynamics.commands.changes import refuse_unknown_model
    from alliance_dynamics.progress import stage

    refuse_unknown_model(arguments.model)
    with stage("Checking the model", arguments.quiet) as tell:
        outcome = check(arguments.model, draws=arguments.draws, seed=arguments.seed, jobs=arguments.jobs, progress=tell)
    return outcome if outcome.exit_code else outcome.then("alliance", "run", arguments.model, "--out", "run.csv")
