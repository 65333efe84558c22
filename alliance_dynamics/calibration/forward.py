"""The model as a map from calibrated parameters to what was observed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.calibration.formula import evaluate_formula, formula_slopes
from alliance_dynamics.calibration.slopes import Sensitivities
from alliance_dynamics.kernel.integrals import integral_name, with_integrals
from alliance_dynamics.kernel.integrate import Schedule, compile_kernel
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.model.expression import Expression, Reference

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Observed:
    """One predicted series: a formula of flat model outputs; a flow is its mean over the year, a stock its year-end.

    `names` maps the formula's references to outputs; what it lacks is a break parameter and stands for 0 here.
    """

    formula: Expression
    names: dict[Reference, str]
    flow: bool


class ModelForward:
    """Predictions of a program for the series of a problem, for many parameter vectors at once.

    `columns[j]` are the program's parameters that structural parameter j sets.  `years` runs from the first simulated
    year to the last; a stock of year y is read at y + 1, a flow of year y is averaged over y to y + 1.
    """

    def __init__(
        self,
        program: Program,
        series: Sequence[Observed],
        columns: Sequence[NDArray[np.int64]],
        base: Floats,
        *,
        first_year: int,
        last_year: int,
        dt: float,
        method: str = "rk4",
        jobs: int = 1,
        backend: str = "auto",
    ):
        flows = [name for each in series if each.flow for name in each.names.values()]
        stocks = [name for each in series if not each.flow for name in each.names.values()]
        self.program = with_integrals(program, flows)
        self.outputs = tuple(dict.fromkeys([*(integral_name(name) for name in flows), *stocks]))
        self.series = tuple(series)
        self.columns = tuple(columns)
        self.base = base
        self.years = np.arange(first_year, last_year + 1)
        per_year = round(1 / dt)
        self.schedule = Schedule(float(first_year), dt, per_year * len(self.years), per_year)
        self.method, self.jobs = method, jobs
        self.kernel = compile_kernel(self.program, self.outputs, backend=backend)
        names = [[self.program.parameters[c] for c in each] for each in self.columns]
        self.sensitivities = Sensitivities(self.kernel, names)

    @property
    def structural(self) -> int:
        return len(self.columns)

    def rows(self, values: Floats) -> Floats:
        """Full parameter vectors [rows, program parameters] from structural values [rows, S]."""
        rows = np.repeat(self.base[None, :], len(values), axis=0)
        for j, columns in enumerate(self.columns):
            rows[:, columns] = values[:, j, None]
        return rows

    def predict(self, values: Floats) -> Floats:
        """[rows, series, years] from structural values [rows, S] in the observables' units; NaN where a run fails."""
        return self.predict_rows(self.rows(values))

    def predict_rows(self, rows: Floats) -> Floats:
        """The same from full parameter vectors [rows, program parameters]."""
        result = self.kernel.run(rows, self.schedule, method=self.method, threads=self.jobs)
        predicted = np.empty((len(rows), len(self.series), len(self.years)))
        for s, each in enumerate(self.series):
            predicted[:, s, :] = evaluate_formula(each.formula, partial(self._read, each, result.values))
        return predicted

    def slopes(self, values: Floats) -> tuple[Floats, Floats]:
        """As `predict`, with the derivatives [rows, series, years, S]."""
        found, slopes = self.sensitivities.run(self.rows(values), self.schedule, method=self.method, threads=self.jobs)
        shape = (len(values), len(self.series), len(self.years))
        predicted, moved = np.empty(shape), np.zeros((*shape, self.structural))
        for s, each in enumerate(self.series):
            read = partial(self._read, each, found), partial(self._read, each, slopes)
            with np.errstate(all="ignore"):
                predicted[:, s], own = formula_slopes(each.formula, *read)
            if own is not None:
                moved[:, s] = own
        return predicted, moved

    def _read(self, series: Observed, saved: Floats, reference: Reference) -> Floats:
        """What a name means [rows, years, ...] in saved outputs [rows, saves, outputs, ...]."""
        name = series.names.get(reference)
        if name is None:
            return np.zeros((1, 1, *saved.shape[3:]))
        if series.flow:
            return np.diff(saved[:, :, self.outputs.index(integral_name(name))], axis=1)
        return saved[:, 1:, self.outputs.index(name)]


@dataclass(frozen=True)
class AtPoints:
    """The forward model read at the points of the likelihood."""

    forward: ModelForward
    series: NDArray[np.int64]
    column: NDArray[np.int64]

    @property
    def structural(self) -> int:
        return self.forward.structural

    def log_predicted(self, values: Floats) -> Floats:
        """ln s at the points [rows, N]; NaN where a prediction is not above 0."""
        predicted = self.forward.predict(values)[:, self.series, self.column]
        return np.log(np.where(predicted > 0, predicted, np.nan))

    def log_slopes(self, values: Floats) -> tuple[Floats, Floats]:
        """ln s at the points [rows, N], and its derivatives [rows, N, S]."""
        predicted, slopes = self.forward.slopes(values)
        predicted = predicted[:, self.series, self.column]
        predicted = np.where(predicted > 0, predicted, np.nan)
        return np.log(predicted), slopes[:, self.series, self.column] / predicted[:, :, None]
