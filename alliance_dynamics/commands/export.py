"""`alliance export`: a model as a file of another tool."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from alliance_dynamics.commands.outcome import Outcome
from alliance_dynamics.commands.parser import Parser, one_of, say
from alliance_dynamics.errors import UsageError, fault

SUMMARY = "Write a model as a file for other tools: XMILE, Vensim text or JavaScript."
EXAMPLES = (
    "alliance export --format xmile --out alliance.xmile",
    "alliance export my_model.mdl --format xmile --out my_model.xmile",
)
SUFFIXES = {".xmile": "xmile", ".mdl": "mdl", ".js": "js"}


def add_options(parser: Parser) -> None:
    parser.add_argument("model", nargs="?", default="alliance", metavar="MODEL",
                        help=say("built-in model or model file (alliance)"))  # fmt: skip
    parser.add_argument("--format", type=one_of(tuple(SUFFIXES.values())), metavar="|".join(SUFFIXES.values()),
                        help=say("format of the file (told by the name in --out)"))  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="FILE", help=say("file to write (standard output)"))


def execute(arguments: Namespace) -> Outcome:
    out: Path | None = arguments.out
    kind = arguments.format or (SUFFIXES.get(out.suffix.lower(), "") if out is not None else "")
    if not kind:
        raise UsageError(
            fault(
                str(out or ""),
                say("The format of the file is not known"),
                expected=say("A name that ends in {suffixes}, or --format"),
                suffixes=", ".join(SUFFIXES),
            )
        )
    from alliance_dynamics.commands.changes import refuse_unknown_model
    from alliance_dynamics.files import write_text
    from alliance_dynamics.model.built_in import open_model

    refuse_unknown_model(arguments.model)
    model = open_model(arguments.model)
    if kind == "xmile":
        from alliance_dynamics.export.write_xmile import write_xmile

        text = write_xmile(model)
    elif kind == "js":
        from alliance_dynamics.kernel.javascript import write_javascript
        from alliance_dynamics.simulate import program_of

        text = write_javascript(program_of(model), method=model.time.method)
    else:
        from alliance_dynamics.export.write_vensim import write_vensim

        text = write_vensim(model)
    results = {"format": kind, "variables": len(model.variables), "hash": model.hash}
    if out is None:
        return Outcome(text=text, results=results, notices=model.notices)
    done = Outcome(outputs=(write_text(out, text),), results=results, notices=model.notices)
    return done.then("alliance", "run", arguments.model if kind == "js" else str(out), "--out", "run.csv")
