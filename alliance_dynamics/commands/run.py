"""`alliance run`: one run of a model, every variable at every saved time; or an ensemble over draws."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alliance_dynamics.commands.outcome import Outcome
from alliance_dynamics.commands.parser import (
    Parser,
    changes,
    jobs,
    number,
    one_of,
    positive,
    processors,
    say,
    setting,
    share,
    whole,
    years,
)
from alliance_dynamics.errors import MAX_FAILED, UsageError, fault
from alliance_dynamics.progress import READING, announce

if TYPE_CHECKING:
    from alliance_dynamics.commands.changes import Plan
    from alliance_dynamics.simulate import Run
    from alliance_dynamics.step_error import StepError

DRAWS, MOST_DRAWS = 200, 1_000_000
SHOWN = 20  # rows of the table of errors
SUMMARY = "Run a model once and write every variable at every saved time; or many draws with --draws."
EXAMPLES = (
    "alliance run alliance R3 --stop 2040 --out run.csv",
    "alliance run my_model.mdl --set 'birth rate=0.03'",
    "alliance run alliance R3 --draws 200 --seed 1 --out results/r3",
)
SUFFIXES = {".csv": "csv", ".parquet": "parquet", ".nc": "netcdf"}
TIMES = ("start", "stop", "dt", "saveper", "method")


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
    parser.add_argument("--out", type=Path, metavar="FILE|DIR",
                        help=say("file to write: .csv, .parquet or .nc; or a folder, with a manifest that "
                                 "`alliance verify` runs again (standard output)"))  # fmt: skip
    parser.add_argument("--format", type=one_of(tuple(SUFFIXES.values())), metavar="|".join(SUFFIXES.values()),
                        help=say("format of the trajectories (told by the name in --out, or csv)"))  # fmt: skip
    parser.add_argument("--backend", type=one_of(("auto", "llvm", "numpy")), default="auto",
                        metavar="auto|llvm|numpy", help=say("how the model is computed (auto)"))  # fmt: skip
    parser.add_argument("--precision", type=one_of(("double", "single")), default="double", metavar="double|single",
                        help=say("single is for screening: twice as fast, about six digits (double)"))  # fmt: skip
    parser.add_argument("--seed", type=whole(0), metavar="INT",
                        help=say("seed of all random draws (0, or that of the scenario with --draws)"))  # fmt: skip
    parser.add_argument("--draws", type=_draws, metavar="N|auto",
                        help=say("run N draws of what is uncertain: of the alliance those of `compare`, else from "
                                 "parameters.toml beside the model; auto: as the scenario says, or 200"))  # fmt: skip
    parser.add_argument(
        "--at",
        type=years,
        metavar="YEARS",
        help=say("with --draws: times to show, parted by commas (2030,2040,2050 or the last)"),
    )
    parser.add_argument("--output", action="append", default=[], metavar="NAME",
                        help=say("with --draws: a variable to keep, whole or by element; may be repeated (indicators "
                                 "of the alliance; else all)"))  # fmt: skip
    parser.add_argument("--max-failed", type=share, default=MAX_FAILED, metavar="SHARE",
                        help=say("with --draws: share of draws that may fail and be left out (0.01)"))  # fmt: skip
    parser.add_argument("-j", "--jobs", type=jobs, default=processors(), metavar="N|auto",
                        help=say("threads; results do not depend on their number (auto)"))  # fmt: skip
    parser.add_argument("--force", action="store_true", help=say("replace the results of another command"))
    parser.add_argument("--dry-run", action="store_true", help=say("say what would be done, and do nothing"))


def execute(arguments: Namespace) -> Outcome:
    out, kind = _target(arguments.out, arguments.format)
    many = arguments.draws is not None
    if many:
        announce(READING, quiet=arguments.quiet)
    from alliance_dynamics.commands.changes import open_plan

    _refuse_mixtures(arguments, many)
    plan = open_plan(arguments.targets, changes(arguments.set))
    if out is None and plan.output and not many:
        out, kind = _target(Path(plan.output), arguments.format)
    if out is None and kind != "csv":
        raise UsageError(fault("", say("{format} is not for standard output"), format=kind,
                               remedy=say("Name a file or a folder with --out")))  # fmt: skip
    if kind != "csv":
        from alliance_dynamics.grids import require

        require(kind)  # at once, not after the runs
    folder = out if out is not None and not out.suffix else None
    command = _command(plan, arguments)
    if folder is not None:
        from alliance_dynamics.files import Outputs
        from alliance_dynamics.manifest import refuse_other_results

        Outputs(folder)
        refuse_other_results(folder, command, arguments.force)
    given = {name: getattr(arguments, name) for name in TIMES if getattr(arguments, name) is not None}
    times = {**plan.settings, **given}
    if arguments.dry_run:
        return _plan(plan, arguments, times, out, kind, command)
    if many:
        from alliance_dynamics.commands.run_draws import run_draws

        return run_draws(plan, arguments, _asked(plan, arguments), times, command, _inputs(plan), folder, kind)
    return _one_run(plan, arguments, times, out, kind, command)


def _one_run(
    plan: Plan, arguments: Namespace, times: Mapping[str, Any], out: Path | None, kind: str, command: Sequence[str]
) -> Outcome:
    from alliance_dynamics.commands.changes import coarse_step
    from alliance_dynamics.expectations import disappointed
    from alliance_dynamics.simulate import run_model

    began = time.monotonic()
    run = run_model(
        plan.model,
        set=plan.constants,
        **times,
        backend=arguments.backend,
        seed=arguments.seed or 0,
        error=arguments.error,
        tolerance=arguments.tolerance,
        precision=arguments.precision,
    )
    results: dict[str, Any] = {"rows": len(run.times), "columns": len(run.columns) + 1, "method": run.method}
    results["dt"] = run.dt
    if run.precision != "double":
        results["precision"] = run.precision
    scenario = plan.scenario
    notices = (*plan.notices, *run.notices, *coarse_step(scenario, run.dt))
    faults = tuple(disappointed(run, scenario.expect, scenario.places)) if scenario is not None else ()
    shared: dict[str, Any] = {"results": results, "faults": faults, "exit_code": int(bool(faults))}
    table = ""
    if run.error is not None:
        results["error"] = run.error.as_json()
        notices = (*notices, *run.error.notes)
        table = _error_table(run.error)
    if out is None:
        from alliance_dynamics.grids import grid_text
        from alliance_dynamics.run_files import grid_of_run

        return Outcome(text=table or grid_text(grid_of_run(run)), notices=notices, **shared)
    done = Outcome(text=table, outputs=_written(run, plan, out, kind, command, began), notices=notices, **shared)
    if faults:
        return done
    if not out.suffix:
        return done.then("alliance", "verify", str(out))
    from alliance_dynamics.model.built_in import is_alliance

    own = is_alliance(plan.model.name)
    return done.then("alliance", "compare") if own else done.then("alliance", "check", arguments.targets[0])


def _written(run: Run, plan: Plan, out: Path, kind: str, command: Sequence[str], began: float) -> tuple[Path, ...]:
    from alliance_dynamics.grids import write_grid
    from alliance_dynamics.run_files import grid_of_run, write_run

    if out.suffix:
        return (write_grid(out, grid_of_run(run), kind),)
    return tuple(write_run(out, run, kind, command, _inputs(plan), wall_s=time.monotonic() - began))


def _plan(
    plan: Plan, arguments: Namespace, times: Mapping[str, Any], out: Path | None, kind: str, command: Sequence[str]
) -> Outcome:
    from alliance_dynamics.model.built_in import is_alliance
    from alliance_dynamics.study.planned_runs import Order, plan_runs

    draws, seed = _asked(plan, arguments)
    order = Order(draws, seed, arguments.jobs, arguments.output, arguments.backend, arguments.precision, out, kind,
                  is_alliance(plan.name))  # fmt: skip
    again = ["alliance", *command, *(["--out", str(out)] if out is not None else [])]
    return plan_runs(plan.model, plan.constants, times, order, [*again, *(["--force"] if arguments.force else [])])


def _asked(plan: Plan, arguments: Namespace) -> tuple[int, int]:
    """Number of draws, 0 for a single run, and seed: those of the command line, else of the scenario's [draws]."""
    if arguments.draws is None:
        return 0, arguments.seed or 0
    asked = plan.scenario.draws if plan.scenario is not None else {}
    count = asked.get("n", DRAWS) if arguments.draws == "auto" else arguments.draws
    return count, asked.get("seed", 0) if arguments.seed is None else arguments.seed


def _target(out: Path | None, chosen: str | None) -> tuple[Path | None, str]:
    """Where results go, and in which format; a name without a suffix is a folder."""
    suffix = "" if out is None else out.suffix.lower()
    if suffix and suffix not in SUFFIXES:
        raise UsageError(fault(str(out), say("--out names neither a table nor a folder"),
                               remedy=say("Let the name end in .csv, .parquet or .nc, or give no ending")))  # fmt: skip
    own = SUFFIXES.get(suffix, "")
    if own and chosen and own != chosen:
        raise UsageError(fault(str(out), say("--out and --format say different things"),
                               remedy=say("Leave --format out")))  # fmt: skip
    return out, chosen or own or "csv"


def _refuse_mixtures(arguments: Namespace, many: bool) -> None:
    if many:
        from alliance_dynamics.commands.run_draws import refuse_for_one_run

        refuse_for_one_run(arguments)
        if arguments.out is not None and arguments.out.suffix:
            raise UsageError(fault(str(arguments.out), say("An ensemble fills a folder, not a file"),
                                   remedy=say("Give the name in --out no ending")))  # fmt: skip
    elif arguments.at or arguments.output:
        raise UsageError(fault("", say("--at and --output go with --draws only")))


def _command(plan: Plan, arguments: Namespace) -> list[str]:
    """The words of the command that change results."""
    words = ["run", *arguments.targets]
    for name, value in arguments.set:
        shown = repr(value) if isinstance(value, float) else ",".join(f"({x!r},{y!r})" for x, y in value)
        words += ["--set", f"{name}={shown}"]
    for name in (*TIMES, "tolerance", "format"):
        if (value := getattr(arguments, name)) is not None:
            words += [f"--{name}", value if isinstance(value, str) else repr(value)]
    for name, usual in (("backend", "auto"), ("precision", "double")):
        if (value := getattr(arguments, name)) != usual:
            words += [f"--{name}", value]
    words += ["--error"] if arguments.error else []
    draws, seed = _asked(plan, arguments)
    if draws:
        words += ["--draws", str(draws)]
        for name in arguments.output:
            words += ["--output", name]
        if arguments.max_failed != MAX_FAILED:
            words += ["--max-failed", repr(arguments.max_failed)]
    return [*words, "--seed", str(seed)]


def _inputs(plan: Plan) -> dict[str, dict[str, str]]:
    """Hashes of what the run was made from, besides the model."""
    cards = plan.parameters
    found = {"parameters": {Path(cards.file).name: cards.hash}} if cards.file else {}
    return found | ({"scenario": {plan.scenario.id: plan.scenario.hash}} if plan.scenario is not None else {})


def _draws(text: str) -> int | str:
    """A number of draws, or `auto` for that of the scenario."""
    return text if text == "auto" else whole(1, MOST_DRAWS)(text)


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
