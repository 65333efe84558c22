"""`alliance schema`: the JSON Schema of a file, for editors and other programs."""

from __future__ import annotations

import json
from argparse import Namespace

from alliance_dynamics.commands.outcome import Outcome
from alliance_dynamics.commands.parser import Parser, one_of, say
from alliance_dynamics.language import current_language
from alliance_dynamics.schemas import KINDS, schema_of

SUMMARY = "Print the JSON Schema of a scenario, regime, problem or manifest file."
EXAMPLES = ("alliance schema scenario", "alliance schema regime --lang ru")
USED_BY = {
    "scenario": ("alliance", "run", "alliance", "my_scenario.toml"),
    "regime": ("alliance", "compare", "my_alliance.toml"),
    "problem": ("alliance", "calibrate", "my/problem"),
    "manifest": ("alliance", "verify", "results/tatarstan"),
}


def add_options(parser: Parser) -> None:
    parser.add_argument("kind", type=one_of(KINDS), metavar="|".join(KINDS), help=say("kind of file"))


def execute(arguments: Namespace) -> Outcome:
    schema = schema_of(arguments.kind, current_language())
    text = "" if arguments.json else json.dumps(schema, ensure_ascii=False, indent=2) + "\n"
    return Outcome(text=text, results={"schema": schema}).then(*USED_BY[arguments.kind])
