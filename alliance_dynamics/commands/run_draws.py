"""`alliance run --draws`: a model over many draws of what is uncertain."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.commands.changes import Plan, coarse_step
from alliance_dynamics.commands.outcome import Outcome
from alliance_dynamics.commands.parser import say
from alliance_dynamics.draws import Draws, draws_of_futures, draws_of_ranges
from alliance_dynamics.ensemble import Ensemble, run_ensemble, series_for
from alliance_dynamics.ensemble_files import QUANTILES, quantile_rows, write_ensemble
from alliance_dynamics.errors import Fault, UsageError, fault
from alliance_dynamics.expectations import disappointed
from alliance_dynamics.language import current_language, translate
from alliance_dynamics.model.built_in import is_alliance
from alliance_dynamics.model.names import canonical
from alliance_dynamics.outcomes import MILESTONES
from alliance_dynamics.overrides import program_of
from alliance_dynamics.progress import stage
from alliance_dynamics.settings import CONTROL
from alliance_dynamics.simulate import prepared, refuse_endless, run_model

if TYPE_CHECKING:
    from alliance_dynamics.parameters import Parameters

SHOWN = 20


def refuse_for_one_run(arguments: Namespace) -> None:
    """UsageError: options that make sense for a single run only."""
    wrong = [name for name, given in (("--error", arguments.error), ("--tolerance", arguments.tolerance is not None),
                                      ("--method adaptive", arguments.method == "adaptive")) if given]  # fmt: skip
    if wrong:
        raise UsageError(fault("", say("`{option}` is for a single run and does not go with --draws"),
                               option=", ".join(wrong)))  # fmt: skip


def run_draws(
    plan: Plan,
    arguments: Namespace,
    asked: tuple[int, int],
    times: Mapping[str, Any],
    command: Sequence[str],
    inputs: Mapping[str, Any],
    folder: Path | None,
    kind: str,
) -> Outcome:
    """The ensemble of a plan, of so many draws and a seed: quantiles at the milestones as text.

    Everything is written into the folder where there is one.
    """
    began = time.monotonic()
    count, seed = asked
    kpis = plan.scenario.kpis if plan.scenario is not None else ()
    series = series_for(plan.model, program_of(plan.model), arguments.output, kpis)
    schedule = prepared(plan.model, plan.constants, **{name: times.get(name) for name in CONTROL})[2]
    refuse_endless(schedule.saves, len(series.labels), count)  # at once, not after the draws
    at = _milestones(plan, arguments.at, schedule.times)
    draws, notices, data = _draws(plan, arguments, count, seed)
    with stage("Running the draws", arguments.quiet) as tell:
        found = run_ensemble(plan.model, draws, set=plan.constants, series=series, **times, backend=arguments.backend,
                             precision=arguments.precision, seed=seed, max_failed=arguments.max_failed,
                             jobs=arguments.jobs, progress=tell)  # fmt: skip
    if found.failed:
        notices += (say("{failed} of {count} draws failed and are left out (failed.csv)").format(
            failed=len(found.failed), count=count),)  # fmt: skip
    rows = [row for row in quantile_rows(found) if row[2] in at]
    results = {
        "draws": count, "failed": [{"draw": i, "reason": why} for i, why in found.failed], "seed": seed,
        "drawn_from": found.draws.source, "drawn": list(found.draws.names), "method": found.method, "dt": found.dt,
        "quantiles": [dict(zip(("variable", "unit", "time", "draws", *QUANTILES), row, strict=True)) for row in rows],
    }  # fmt: skip
    notices = (*plan.notices, *notices, *found.notices, *coarse_step(plan.scenario, found.dt))
    faults = _disappointments(plan, arguments, times, seed)
    done = Outcome(text=_text(found, rows, plan.parameters), results=results, notices=notices, faults=faults,
                   exit_code=int(bool(faults)))  # fmt: skip
    if folder is None:
        return done.then("alliance", *command, "--out", "results/run")
    written = write_ensemble(folder, found, kind, command, {**inputs, **data}, wall_s=time.monotonic() - began)
    return replace(done, outputs=tuple(written)).then("alliance", "verify", str(folder))


def _disappointments(plan: Plan, arguments: Namespace, times: Mapping[str, Any], seed: int) -> tuple[Fault, ...]:
    """What the scenario expects in vain, in a run at the default values of what is drawn, as in a comparison."""
    if plan.scenario is None or not plan.scenario.expect:
        return ()
    run = run_model(plan.model, set=plan.constants, **times, backend=arguments.backend, seed=seed,
                    precision=arguments.precision)  # fmt: skip
    return tuple(disappointed(run, plan.scenario.expect, plan.scenario.places))


def _draws(plan: Plan, arguments: Namespace, count: int, seed: int) -> tuple[Draws, tuple[str, ...], dict[str, Any]]:
    """The draws, what is to be told of them, and the hashes of the data behind them."""
    if not is_alliance(plan.name):
        return draws_of_ranges(program_of(plan.model), plan.parameters, count, seed=seed), (), {}
    from alliance_dynamics.manifest import hash_files
    from alliance_dynamics.study.inputs import quick_futures

    _, futures, fitted = quick_futures(plan.parameters, count, seed, arguments.jobs, arguments.quiet, plan.name)
    told = (say("The draws are of a quick calibration: small samples, not for decisions"),)
    return draws_of_futures(futures), told, {"data": hash_files(fitted.setup.problem.folder)}


def _milestones(plan: Plan, given: Sequence[float] | None, saved: NDArray[np.float64]) -> list[float]:
    """The saved times to show: those asked for, of the scenario, 2030, 2040 and 2050, or else the last."""

    def of(year: float) -> float:
        return float(saved[np.argmin(np.abs(saved - year))])

    if given and (wrong := [year for year in given if abs(of(year) - year) > 1e-9]):
        raise UsageError([fault("", say("{year} is not a saved time of the run"), remedy=say("The nearest is {near}"),
                                year=f"{year:g}", near=f"{of(year):g}") for year in wrong])  # fmt: skip
    usual = (plan.scenario.milestones if plan.scenario is not None else ()) or MILESTONES
    return [of(year) for year in given or usual if abs(of(year) - year) <= 1e-9] or [float(saved[-1])]


def _text(found: Ensemble, rows: Sequence[Sequence[Any]], parameters: Parameters) -> str:
    """Median with 5 % and 95 % of what is worth showing first."""
    sources = {"posterior": say("the posterior of the calibration and the ranges of the assumptions"),
               "ranges": say("the ranges of {file}"), "noise": say("the noise of the model")}  # fmt: skip
    source = sources[found.draws.source].format(file=Path(parameters.file).name)
    head = say("{draws} draws from {source}, constants: {names}, seed {seed} (median, 5 % and 95 %)")
    lines = [head.format(draws=len(found.kept), source=source, names=len(found.draws.names), seed=found.seed)]
    shown = found.series.headlines[:SHOWN]
    for label in shown:
        own = [row for row in rows if row[0] == label]
        title = _title(label, parameters, whole=found.series.weights is not None)
        lines.append(f"{title}, {translate(own[0][1])}" if own[0][1] else title)
        lines += [f"  {row[2]:<8g} {_short(row[6]):>10} [{_short(row[4])}, {_short(row[8])}]" for row in own]
    if len(found.series.labels) > len(shown):
        lines.append(say("{count} more series; --out writes them, --json lists them").format(
            count=len(found.series.labels) - len(shown)))  # fmt: skip
    return "\n".join(lines) + "\n"


def _title(label: str, parameters: Parameters, *, whole: bool) -> str:
    """A series as people read it; of the `whole` alliance the name of the indicator alone."""
    language = current_language()
    base, bracket, inside = label.removesuffix("]").partition("[")
    plain = base.replace("_", " ") if whole else base
    name = parameters.variables.get(canonical(base), {}).get(language, plain)
    if whole or not bracket:
        return name
    known = parameters.elements
    return f"{name}[{', '.join(known.get(canonical(each), {}).get(language, each) for each in inside.split(','))}]"


def _short(value: float) -> str:
    """Four figures, or all whole ones: nobody reads 1.748e+05."""
    return f"{value:,.0f}".replace(",", " ") if 1e4 <= abs(value) < 1e10 else f"{value:.4g}"
