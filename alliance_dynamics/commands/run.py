"""`alliance run`: one run of a model, every variable at every saved time, as CSV."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alliance_dynamics.commands.outcome import Outcome
from alliance_dynamics.commands.parser import Parser, number, one_of, positive, say, setting, whole
from alliance_dynamics.errors import UsageError, fault

if TYPE_CHECKING:
    from alliance_dynamics.step_error import StepError

SHOWN = 20  # rows of the table of errors
SUMMARY = "Run a model once and write every variable at every saved time as CSV."
EXAMPLES = ("alliance run alliance R3 --stop 2040 --out run.csv", "alliance run my_model.mdl --set 'birth rate=0.03'")


def add_options(parser: Parser) -> None:
    parser.add_argument("targets", nargs="*", metavar="MODEL|SCENARIO",
                        help=say("built-in model or model file (alliance), then scenario files (.toml) or ids of "
                                 "regimes, laid over one another: later wins"))  # fmt: skip
    parser.add_argument("--set", type=setting, action="append", default=[], metavar="NAME=VALUE",
                        help=say("change a constant, a lever, a stock's initial value or a lookup, NAME=(X,Y),(X,Y); "
                                 "may be repeated, wins over scenarios"))  # fmt: skip
    parser.add_argument("--method", type=one_of(("rk4", "rk2", "euler", "adaptive")),
                        metavar="METHOD",
                        help=say("rk4, rk2, euler or adaptive (that of the model)"))  # fmt: skip
    parser.add_argument("--tolerance", type=positive, metavar="NUMBER",
                        help=say("relative error of a step of the adaptive method (1e-8)"))  # fmt: skip
    parser.add_argument("--dt", type=positive, metavar="NUMBER", help=say("time step (that of the model)"))
    parser.add_argument("--start", type=number, metavar="TIME", help=say("first time (that of the model)"))
    parser.add_argument("--stop", type=number, metavar="TIME", help=say("last time (that of the model)"))
    parser.add_argument("--saveper", type=positive, metavar="NUMBER", help=say("time between saved rows"))
    parser.add_argument("--error", action="store_true",
                        help=say("run at half and a quarter of the step too; print the error of every variable "
                                 "(rows go to --out)"))  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="FILE.csv", help=say("file to write (standard output)"))
    parser.add_argument("--backend", type=one_of(("auto", "llvm", "numpy")), default="auto",
                        metavar="auto|llvm|numpy", help=say("how the model is computed (auto)"))  # fmt: skip
    parser.add_argument("--precision", type=one_of(("double", "single")), default="double", metavar="double|single",
                        help=say("single is for screening: twice as fast, about six digits (double)"))  # fmt: skip
    parser.add_argument("--seed", type=whole(0), default=0, metavar="INT", help=say("seed of all random draws (0)"))


def execute(arguments: Namespace) -> Outcome:
    out: Path | None = arguments.out
    if out is not None and out.suffix.lower() != ".csv":
        raise UsageError(fault(str(out), say("--out names no CSV file"), remedy=say("Let the name end in .csv")))
    from alliance_dynamics.commands.changes import open_plan
    from alliance_dynamics.expectations import disappointed
    from alliance_dynamics.files import csv_text, write_text
    from alliance_dynamics.lever_paths import GRID
    from alliance_dynamics.model.built_in import is_alliance
    from alliance_dynamics.simulate import run_model

    plan = open_plan(arguments.targets, dict(arguments.set))
    times = {name: getattr(arguments, name) for name in ("start", "stop", "dt", "saveper", "method")}
    given = {name: value for name, value in times.items() if value is not None}
    run = run_model(
        plan.model,
        set=plan.constants,
        **{**plan.settings, **given},
        backend=arguments.backend,
        seed=arguments.seed,
        error=arguments.error,
        tolerance=arguments.tolerance,
        precision=arguments.precision,
    )
    rows = ([time, *values] for time, values in zip(run.times.tolist(), run.values.tolist(), strict=True))
    text = csv_text(("time", *run.columns), rows)
    out = out or (Path(plan.output) if plan.output else None)
    results: dict[str, Any] = {"rows": len(run.times), "columns": len(run.columns) + 1, "method": run.method}
    results["dt"] = run.dt
    if run.precision != "double":
        results["precision"] = run.precision
    notices = (*plan.notices, *run.notices)
    scenario = plan.scenario
    if scenario is not None and scenario.in_time and (GRID / run.dt) % 1 > 1e-9:
        notices += (say("dt = {dt} does not divide {step} years, on which levers in time turn").format(
            dt=f"{run.dt:g}", step=GRID),)  # fmt: skip
    faults = tuple(disappointed(run, scenario.expect, scenario.places)) if scenario is not None else ()
    shared: dict[str, Any] = {"results": results, "faults": faults, "exit_code": int(bool(faults))}
    table = ""
    if run.error is not None:
        results["error"] = run.error.as_json()
        notices = (*notices, *run.error.notes)
        table = _error_table(run.error)
    if out is None:
        return Outcome(text=table or text, notices=notices, **shared)
    done = Outcome(text=table, outputs=(write_text(out, text),), notices=notices, **shared)
    if faults:
        return done
    own = is_alliance(plan.model.name)
    return done.then("alliance", "compare") if own else done.then("alliance", "check", arguments.targets[0])


def _error_table(error: StepError) -> str:
    """The outputs whose error is largest, and how many more there are."""
    heads = [say("variable"), say("dt against dt/2"), say("order"), say("estimated error")]
    rows = [
        [each.name, f"{each.difference:.2e}", "" if each.order is None else f"{each.order:.2f}",
         "" if each.estimate is None else f"{each.estimate:.2e}"]
        for each in error.outputs[:SHOWN]
    ]  # fmt: skip
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = [say("Error of the time step {dt}, method {method}, relative to the largest value of each variable").format(
        dt=f"{error.dt:g}", method=error.method)]  # fmt: skip
    for first, *rest in (heads, *rows):
        cells = [first.ljust(widths[0]), *(each.rjust(width) for each, width in zip(rest, widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    if len(error.outputs) > SHOWN:
        lines.append(say("{count} more, none above {most}; --json lists all").format(
            count=len(error.outputs) - SHOWN, most=f"{error.outputs[SHOWN].difference:.2e}"))  # fmt: skip
    return "\n".join(lines)
