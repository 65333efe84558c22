"""`alliance diagram`: a model as a stock-and-flow or a causal-loop diagram."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from alliance_dynamics.commands.outcome import Outcome
from alliance_dynamics.commands.parser import Parser, one_of, say
from alliance_dynamics.errors import UsageError, fault
from alliance_dynamics.language import current_language

SUMMARY = "Draw a model: stocks and flows, or feedback loops with their polarity."
EXAMPLES = (
    "alliance diagram --module coordination --kind causal --lang ru --out coordination.svg",
    "alliance diagram my_model.mdl --out my_model.png",
)
KINDS = ("stock-flow", "causal")


def add_options(parser: Parser) -> None:
    parser.add_argument("model", nargs="?", default="alliance", metavar="MODEL",
                        help=say("built-in model or model file (alliance)"))  # fmt: skip
    parser.add_argument("--module", default="", metavar="NAME", help=say("one module of the model (the whole)"))
    parser.add_argument("--kind", type=one_of(KINDS), default="stock-flow", metavar="stock-flow|causal",
                        help=say("what is drawn (stock-flow)"))  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="FILE",
                        help=say("file to write: .svg, .png, or .mdl for the model's own text with a sketch for "
                                 "Vensim"))  # fmt: skip


def execute(arguments: Namespace) -> Outcome:
    out: Path = arguments.out
    if out.suffix.lower() not in (".svg", ".png", ".mdl"):
        raise UsageError(fault(str(out), say("--out names neither a picture nor a model"),
                               remedy=say("Let the name end in .svg, .png or .mdl")))  # fmt: skip
    from alliance_dynamics.commands.changes import parameters_of, refuse_unknown_model
    from alliance_dynamics.diagrams.diagram import diagram_of
    from alliance_dynamics.diagrams.draw import write_diagram
    from alliance_dynamics.loops.named import named_loops_of
    from alliance_dynamics.loops.over_draws import labels_in
    from alliance_dynamics.model.built_in import open_model

    refuse_unknown_model(arguments.model)
    model, language = open_model(arguments.model), current_language()
    if out.suffix.lower() == ".mdl":
        drawn = Outcome(outputs=(_with_sketch(arguments.model, out),), notices=model.notices)
        return drawn.then("alliance", "check", str(out))
    diagram = diagram_of(
        model,
        kind=arguments.kind,
        module=arguments.module,
        labels=labels_in(parameters_of(model), language),
        named=named_loops_of(model),
        language=language,
    )
    results = {"variables": len(diagram.boxes), "links": len(diagram.graph.links), "left_out": diagram.left_out}
    done = Outcome(outputs=(write_diagram(out, diagram, language=language),), results=results, notices=model.notices)
    return done.then("alliance", "loops", arguments.model)


def _with_sketch(name: str, out: Path) -> Path:
    from alliance_dynamics.diagrams.sketch import with_sketch
    from alliance_dynamics.files import write_text
    from alliance_dynamics.model.built_in import open_model

    if Path(name).suffix.lower() != ".mdl":
        raise UsageError(fault(name, say("a sketch goes into a Vensim text"), expected=say("The path of a .mdl file")))
    return write_text(out, with_sketch(Path(name).read_text(encoding="utf-8"), open_model(name)))
