"""`alliance doc`: the reference of a model, in English and Russian."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from alliance_dynamics.commands.outcome import Outcome
from alliance_dynamics.commands.parser import Parser, say
from alliance_dynamics.language import translate

SUMMARY = "Write the reference of a model: every variable, loop, diagram and source, in two languages."
EXAMPLES = ("alliance doc --out reference", "alliance doc my_model.mdl --out reference")


def add_options(parser: Parser) -> None:
    parser.add_argument("model", nargs="?", default="alliance", metavar="MODEL",
                        help=say("built-in model or model file (alliance)"))  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="DIR",
                        help=say("folder for reference_en and reference_ru, .html and .pdf"))  # fmt: skip


def execute(arguments: Namespace) -> Outcome:
    from alliance_dynamics.commands.changes import parameters_beside, refuse_unknown_model
    from alliance_dynamics.loops.named import named_loops_of
    from alliance_dynamics.model.built_in import open_model
    from alliance_dynamics.reference.cards import cards_of, numbers_without_source
    from alliance_dynamics.reference.page import write_reference

    refuse_unknown_model(arguments.model)
    model, parameters = open_model(arguments.model), parameters_beside(arguments.model)
    missing = numbers_without_source(cards_of(model, parameters))
    results = {"variables": len(model.variables), "without_source": len(missing), "hash": model.hash}
    if missing and parameters.constants:
        lines = [say("Numbers without a source: {count}").format(count=len(missing)), *map(str, missing)]
        return Outcome(exit_code=1, text="\n".join(lines) + "\n", results=results, notices=model.notices)
    notices = model.notices
    if missing:
        notices += (say("No parameters.toml lies beside the model: {count} numbers are shown without a source").format(
            count=len(missing)),)  # fmt: skip
    outputs = write_reference(arguments.out, model, parameters, named_loops_of(model))
    opened = translate("open {path}").format(path=outputs[0])
    return Outcome(outputs=outputs, results=results, notices=notices, next_step=opened)
