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


def add_options(parser: Parser) -> None:
    parser.add_argument("kind", type=one_of(KINDS), metavar="|".join(KINDS), help=say("kind of file"))


def execute(arguments: Namespace) -> Outcome:
    schema = schema_of(arguments.kind, current_language())
    if arguments.json:
        return Outcome(results={"schema": schema})
    return Outcome(text=json.dumps(schema, ensure_ascii=False, indent=2) + "\n")
