"""One model over many draws of what is uncertain: every draw at every saved time, and why some did not come to an end.

Draw i is row i of the draws, and noise of the model is that of (seed, i); so nothing depends on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.draws import Draws, noisy
from alliance_dynamics.errors import MAX_FAILED, Fault, PartialError, RunError, UsageError, fault, suggestion
from alliance_dynamics.failures import explain
from alliance_dynamics.kernel.integrate import compile_kernel
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.model.built_in import is_alliance
from alliance_dynamics.model.model import Method, Model
from alliance_dynamics.model.names import flat
from alliance_dynamics.outcomes import ALLIANCE, INDICATORS, SeriesSet, series_of
from alliance_dynamics.overrides import Value, may_build, program_with
from alliance_dynamics.settings import CONTROL, FlatNames, elements_of, named, targets_of
from alliance_dynamics.simulate import prepared, refuse_endless

Floats = NDArray[np.float64]
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
AT_ONCE = 256  # draws in one call of the kernel
EXPLAINED = 5  # failed draws whose first non-finite variable is looked for


@dataclass(frozen=True)
class Series:
    """What an ensemble keeps, column by column under `labels`; `headlines` are the labels to show first.

    Values are those of the flat `outputs`, or their sums weighted by `weights` [output, column].
    """

    labels: tuple[str, ...]
    units: tuple[str, ...]
    outputs: tuple[str, ...]
    headlines: tuple[str, ...]
    weights: Floats | None = None

    def values(self, outputs: Floats) -> Floats:
        """[..., column] from [..., output]."""
        return outputs if self.weights is None else outputs @ self.weights


@dataclass(frozen=True)
class Ensemble:
    """`values` [draw, time, column of `series`] of the draws `kept`, by number; `draws` holds all of them.

    `failed`: number of each of the others and the reason, which is found for the first few only.
    """

    model: Model
    program: Program
    times: Floats
    series: Series
    values: Floats
    draws: Draws
    kept: NDArray[np.int64]
    failed: tuple[tuple[int, str], ...]
    method: str
    dt: float
    backend: str
    seed: int
    notices: tuple[str, ...]

    def quantiles(self) -> Floats:
        """[level of `LEVELS`, time, column] over the kept draws."""
        return np.quantile(self.values, LEVELS, axis=0)


def series_for(model: Model, program: Program, names: Sequence[str] = (), kpis: Sequence[str] = ()) -> Series:
    """The variables `names` (labels or canonical names, whole or by element), all faults at once.

    Without names: of the alliance its indicators by region and in all, `kpis` those to show first; of another model
    everything that is no constant, stocks to be shown first.
    """
    labels = FlatNames(model)
    if not names and is_alliance(model.name) and all(each.variable in model.variables for each in INDICATORS):
        return _of_indicators(series_of(model), kpis)
    if not names:
        chosen = [name for name in program.outputs if _varies(labels, name)] or list(program.outputs)
    else:
        chosen, faults = _chosen(model, program, names)
        if faults:
            raise UsageError(faults)
    owners = [labels.owner(name) for name in chosen]
    units = tuple(each.unit if each else "" for each in owners)
    shown = tuple(labels.label(name) for name in chosen)
    stocks = [label for label, each in zip(shown, owners, strict=True) if each and each.kind == "stock"]
    return Series(shown, units, tuple(chosen), shown if names else tuple(dict.fromkeys((*stocks, *shown))))


def run_ensemble(
    model: Model,
    draws: Draws,
    *,
    set: Mapping[str, Value] | None = None,
    series: Series | None = None,
    method: Method | None = None,
    dt: float | None = None,
    start: float | None = None,
    stop: float | None = None,
    saveper: float | None = None,
    backend: str = "auto",
    precision: str = "double",
    seed: int = 0,
    max_failed: float = MAX_FAILED,
    jobs: int = 1,
    progress: Callable[[float], None] = lambda _: None,
) -> Ensemble:
    """Runs a model over all draws; `set` is as for `run_model`, and a constant that it gives is not drawn.

    PartialError: more than the share `max_failed` of the draws went non-finite.  RunError: all of them did.
    """
    program, row, schedule, notices = prepared(model, set or {}, start=start, stop=stop, dt=dt, saveper=saveper)
    series = series_for(model, program) if series is None else series
    refuse_endless(schedule.saves, len(series.labels), draws.count)
    refuse_endless(schedule.saves, len(series.outputs), min(AT_ONCE, draws.count))
    draws = draws.without(_given(model, program, set or {}))
    if not draws.names and not noisy(program):
        raise UsageError(fault("", "Every constant that is drawn has been given a value: nothing is left to draw",
                               remedy="Leave out a change, or --draws"))  # fmt: skip
    _refuse_builders(model, program, draws)
    columns = [program.parameter_index[name] for name in draws.names]
    chosen: Method = method or model.time.method
    kernel = compile_kernel(program, series.outputs, backend=backend, precision=precision)
    values = np.empty((draws.count, schedule.saves, len(series.labels)))
    failed: list[tuple[int, str]] = []
    told: list[Fault] = []
    for first in range(0, draws.count, AT_ONCE):
        rows = np.repeat(row[None, :], min(AT_ONCE, draws.count - first), axis=0)
        rows[:, columns] = draws.values[first : first + len(rows)]
        result = kernel.run(rows, schedule, method=chosen, seed=seed, first_run=first, threads=jobs)
        values[first : first + len(rows)] = series.values(result.values)
        for i in np.flatnonzero(result.failed >= 0):
            why = ""
            if len(told) < EXPLAINED:
                told.append(explain(model, program, rows[i], schedule, chosen, seed, int(first + i),
                                    precision=precision))  # fmt: skip
                why = str(told[-1])
            failed.append((int(first + i), why))
        progress((first + len(rows)) / draws.count)
    _refuse_partial(told, len(failed), draws.count, max_failed)
    kept = np.setdiff1d(np.arange(draws.count), [number for number, _ in failed])
    return Ensemble(model, program, schedule.times, series, values[kept], draws, kept, tuple(failed), chosen,
                    schedule.dt, kernel.backend, seed, (*model.notices, *notices, *kernel.notices))  # fmt: skip


def _of_indicators(found: SeriesSet, kpis: Sequence[str]) -> Series:
    labels = tuple(f"{name}[{element}]" for name, element in found.keys)
    first = [f"{each.name}[{ALLIANCE}]" for each in INDICATORS if not kpis or each.name in kpis]
    return Series(labels, found.units, found.outputs, tuple(each for each in first if each in labels), found.weights)


def _varies(labels: FlatNames, name: str) -> bool:
    owner = labels.owner(name)
    return owner is not None and owner.kind != "constant" and owner.name not in CONTROL.values()


def _chosen(model: Model, program: Program, names: Sequence[str]) -> tuple[list[str], list[Fault]]:
    """The flat names that some names mean, each once."""
    found: dict[str, None] = {}
    faults: list[Fault] = []
    known = {each.label: each.name for each in model.variables.values()}
    for name in names:
        variable, elements, base = named(model, name)
        if variable is None:
            faults.append(fault("", "`{name}` is not a variable of this model", name=name,
                                remedy=suggestion(base, known)))  # fmt: skip
            continue
        own = [each for each in elements_of(model, variable) if not elements or each == elements]
        outputs = [key for each in own if (key := flat(variable.name, each)) in program.outputs]
        if not outputs:
            shown = [model.label(variable.name, each) for each in elements_of(model, variable) if each]
            faults.append(fault("", "`{name}` names no element of {label}", expected="One of {known}", name=name,
                                label=repr(variable.label), known=", ".join(shown)))  # fmt: skip
        found |= dict.fromkeys(outputs)
    return list(found), faults


def _given(model: Model, program: Program, changes: Mapping[str, Value]) -> set[str]:
    """The flat names of the constants that some changes give a value."""
    found: set[str] = set()
    for name in changes:
        columns = targets_of(model, program, name)
        if not isinstance(columns, Fault):
            found |= {program.parameters[column] for column in columns}
    return found


def _refuse_builders(model: Model, program: Program, draws: Draws) -> None:
    """Refuses constants whose value decides how the model is built: one program could not run their draws."""
    faults = []
    for j, name in enumerate(draws.names):
        if name in may_build(model) and any(
            program_with(model, {name: value})[0].step != program.step
            for value in (float(draws.values[:, j].min()), float(draws.values[:, j].max()))
        ):
            faults.append(
                fault("", "`{name}` decides how the model is built, and cannot be drawn", name=name,
                      remedy="Give it a value with --set, or take its range out of the parameter file")
            )  # fmt: skip
    if faults:
        raise UsageError(faults)


def _refuse_partial(told: Sequence[Fault], failed: int, count: int, most: float) -> None:
    if failed == count:
        raise RunError([*told, fault("", "every draw has a failed run")])
    if failed > most * count:
        raise PartialError(
            [*told, fault("", "{failed} of {count} draws failed", expected="At most {most:.2%}", failed=failed,
                          count=count, most=most,
                          remedy="Narrow the range that makes them fail, or allow more with --max-failed")]
        )  # fmt: skip
