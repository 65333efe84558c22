"""`alliance check`: what a model must hold to be used."""

from __future__ import annotations

from argparse import Namespace

from alliance_dynamics.commands.parser import Parser, say

SUMMARY = "Check a model: its time step and what must hold of its behaviour."
EXAMPLES = ("alliance check", "alliance check my_model.mdl")


def add_options(parser: Parser) -> None:
    parser.add_argument("model", nargs="?", default="alliance", metavar="MODEL",
                        help=say("built-in model or model file (alliance)"))  # fmt: skip


def execute(arguments: Namespace) -> object:
    from alliance_dynamics.checks import check
    from alliance_dynamics.commands.changes import refuse_unknown_model

    refuse_unknown_model(arguments.model)
    outcome = check(arguments.model)
    return outcome if outcome.exit_code else outcome.then("alliance", "run", arguments.model, "--out", "run.csv")
