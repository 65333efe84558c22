"""`alliance run`: one run of a model, every variable at every saved time, as CSV."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from alliance_dynamics.commands.outcome import Outcome
from alliance_dynamics.commands.parser import Parser, number, one_of, positive, say, setting, whole
from alliance_dynamics.errors import UsageError, fault

SUMMARY = "Run a model once and write every variable at every saved time as CSV."
EXAMPLES = ("alliance run alliance R3 --stop 2040 --out run.csv", "alliance run my_model.mdl --set 'birth rate=0.03'")


def add_options(parser: Parser) -> None:
    parser.add_argument("targets", nargs="*", metavar="MODEL|SCENARIO",
                        help=say("built-in model or model file (alliance), then scenario files (.toml) or ids of "
                                 "regimes, laid over one another: later wins"))  # fmt: skip
    parser.add_argument("--set", type=setting, action="append", default=[], metavar="NAME=VALUE",
                        help=say("change a constant or a lever; may be repeated, wins over scenarios"))  # fmt: skip
    parser.add_argument("--method", type=one_of(("rk4", "rk2", "euler")), metavar="rk4|rk2|euler",
                        help=say("integration method (that of the model)"))  # fmt: skip
    parser.add_argument("--dt", type=positive, metavar="NUMBER", help=say("time step (that of the model)"))
    parser.add_argument("--start", type=number, metavar="TIME", help=say("first time (that of the model)"))
    parser.add_argument("--stop", type=number, metavar="TIME", help=say("last time (that of the model)"))
    parser.add_argument("--saveper", type=positive, metavar="NUMBER", help=say("time between saved rows"))
    parser.add_argument("--out", type=Path, metavar="FILE.csv", help=say("file to write (standard output)"))
    parser.add_argument("--backend", type=one_of(("auto", "llvm", "numpy")), default="auto",
                        metavar="auto|llvm|numpy", help=say("how the model is computed (auto)"))  # fmt: skip
    parser.add_argument("--seed", type=whole(0), default=0, metavar="INT", help=say("seed of all random draws (0)"))


def execute(arguments: Namespace) -> Outcome:
    out: Path | None = arguments.out
    if out is not None and out.suffix.lower() != ".csv":
        raise UsageError(fault(str(out), say("--out names no CSV file"), remedy=say("Let the name end in .csv")))
    from alliance_dynamics.commands.changes import open_plan
    from alliance_dynamics.files import csv_text, write_text
    from alliance_dynamics.model.built_in import ALLIANCE
    from alliance_dynamics.simulate import run_model

    plan = open_plan(arguments.targets, dict(arguments.set))
    times = {name: getattr(arguments, name) for name in ("start", "stop", "dt", "saveper", "method")}
    given = {name: value for name, value in times.items() if value is not None}
    run = run_model(
        plan.model, set=plan.constants, **{**plan.settings, **given}, backend=arguments.backend, seed=arguments.seed
    )
    rows = ([time, *values] for time, values in zip(run.times.tolist(), run.values.tolist(), strict=True))
    text = csv_text(("time", *run.columns), rows)
    out = out or (Path(plan.output) if plan.output else None)
    results = {"rows": len(run.times), "columns": len(run.columns) + 1, "method": run.method, "dt": run.dt}
    notices = (*plan.notices, *run.notices)
    if out is None:
        return Outcome(text=text, results=results, notices=notices)
    done = Outcome(outputs=(write_text(out, text),), results=results, notices=notices)
    own = plan.model.name == ALLIANCE
    return done.then("alliance", "compare") if own else done.then("alliance", "check", arguments.targets[0])
