"""A calibration problem: what is compared with what, what is estimated, and what is known beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from alliance_dynamics.errors import Fault, UsageError, fault
from alliance_dynamics.model.expression import Expression
from alliance_dynamics.observations import SourceCard

Kind = Literal["stock", "flow", "ratio", "index"]


@dataclass(frozen=True, slots=True)
class Measurement:
    """One row of measurements.tsv.  `value` is None where nothing was published (`status` M or Q).

    `time` is the model time compared with: the year of a flow, year + 1 of a year-end stock; `year` is the calendar
    year of the figure.  `observable_parameters` fill the observable's placeholders: numbers and parameter ids.
    """

    observable: str
    experiment: str
    time: float
    year: float
    value: float | None
    observable_parameters: tuple[float | str, ...]
    noise_parameters: tuple[float | str, ...]
    status: str
    source: str
    vintage: str
    unit: str
    fold: str
    note: str
    line: int


@dataclass(frozen=True, slots=True)
class Observable:
    """What the model says about an indicator.  `noise` None: the standard deviation is profiled out.

    `distribution` is around the simulated value as median; `use`: calibrated, shown, direction.
    """

    id: str
    name: str
    text: str
    formula: Expression
    placeholders: tuple[str, ...]
    noise: Expression | None
    noise_placeholders: tuple[str, ...]
    distribution: str
    unit: str
    kind: Kind
    degrees_of_freedom: float
    use: str
    label_en: str
    label_ru: str
    note: str
    line: int

    @property
    def is_logarithmic(self) -> bool:
        return self.distribution.startswith("log-")


@dataclass(frozen=True, slots=True)
class Prior:
    """A distribution by its PEtab v2 name, truncated to the parameter's bounds: normal (mean; deviation) and so on."""

    distribution: str
    parameters: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class CalibratedParameter:
    """A row of parameters.tsv in natural units.  `target`: the model constant, `name` or `name[element]`, or ""."""

    id: str
    target: str
    lower: float
    upper: float
    nominal: float
    estimate: bool
    prior: Prior | None
    unit: str
    meaning: str
    source: str
    grade: str
    role: str
    transform: str
    label_en: str
    label_ru: str
    line: int


@dataclass(frozen=True, slots=True)
class Break:
    """A change of method: from `year` on the logarithm (or level) of a series is shifted by a parameter."""

    parameter: str
    observable: str
    experiment: str
    year: float


@dataclass(frozen=True, slots=True)
class Experiment:
    """A run and what it is compared for: `elements` gives an element for each dimension named in formulas.

    `periods`: (time, condition id), in order; the condition id is "" where nothing is changed.
    """

    id: str
    elements: Mapping[str, str]
    periods: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A row of conditions.tsv: a target and its value, an expression in numbers and parameters."""

    condition: str
    target: str
    value: Expression
    line: int


@dataclass(frozen=True, slots=True)
class Pooled:
    """A parameter that varies around a common value: `scale` says whether its logarithm (`log`) or itself (`none`)."""

    parameter: str
    pool: str
    centre: Prior
    spread: Prior
    scale: str
    line: int


@dataclass(frozen=True, slots=True)
class Correlation:
    """How errors of neighbouring years go together: `iid`, or `ar1` with the parameter that is their correlation."""

    observable: str
    experiment: str
    structure: str
    parameter: str
    line: int


@dataclass(frozen=True, slots=True)
class ForcingPoint:
    """A point of a driver series that an experiment prescribes."""

    forcing: str
    experiment: str
    time: float
    value: float
    interpolation: str
    status: str
    source: str
    unit: str
    line: int


@dataclass(frozen=True, slots=True)
class Folds:
    """Calendar years kept out of the fit (first, last), and the rolling origins."""

    holdout: tuple[int, int] | None = None
    first_origin: int | None = None
    horizons: tuple[int, ...] = ()

    def overlap(self, start: float, stop: float) -> bool:
        """Whether years of the hold-out lie between two times."""
        return self.holdout is not None and self.holdout[0] <= stop and start <= self.holdout[1]

    def of(self, year: float) -> str:
        """The fold of a figure that names none: holdout in the years of the hold-out, else train."""
        return "holdout" if self.holdout and self.holdout[0] <= year <= self.holdout[1] else "train"


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the years after the data add to the uncertainty.

    `shocks`: for an observable, the sd of its logarithm that random drivers add per square root of a year.
    `uncertain`: model constants that act only after the data, uniform on (low, high).
    """

    shocks: Mapping[str, float] = field(default_factory=dict)
    uncertain: Mapping[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """Everything that a fit needs beside the model.  `files`: tables by name; `hash` covers their contents.

    `method`: how the model is integrated, "" as its file says.
    """

    folder: Path
    model: str
    start: float
    stop: float
    dt: float | None
    likelihood: str
    cut: str
    folds: Folds
    measurements: tuple[Measurement, ...]
    observables: Mapping[str, Observable]
    parameters: Mapping[str, CalibratedParameter]
    experiments: Mapping[str, Experiment]
    changes: tuple[Change, ...]
    pooling: tuple[Pooled, ...]
    correlations: tuple[Correlation, ...]
    forcings: tuple[ForcingPoint, ...]
    sources: Mapping[str, SourceCard]
    files: Mapping[str, Path]
    hash: str
    warnings: tuple[Fault, ...] = ()
    method: str = ""
    forecast: Forecast = field(default_factory=Forecast)

    @property
    def estimated(self) -> tuple[CalibratedParameter, ...]:
        """Parameters to estimate, in the order of the table."""
        return tuple(each for each in self.parameters.values() if each.estimate)

    @property
    def breaks(self) -> tuple[Break, ...]:
        """Breaks with a parameter: each from the first year in which its parameter applies."""
        found: dict[tuple[str, str, str], float] = {}
        for row in self.measurements:
            for name in row.observable_parameters:
                if isinstance(name, str) and self.parameters[name].role == "break":
                    key = (name, row.observable, row.experiment)
                    found[key] = min(row.year, found.get(key, row.year))
        return tuple(Break(*key, year) for key, year in found.items())

    def scored(self, folds: Sequence[str] = ("train",), until: float | None = None) -> tuple[Measurement, ...]:
        """Rows with a likelihood term: of the named folds, with a value, up to the calendar year `until`.

        A rolling origin takes both folds and its own `until`.
        """
        for name in folds:
            if name not in ("train", "holdout"):
                what = "there is no scored fold `{fold}`"
                raise UsageError(fault("", what, expected="train, holdout", fold=name))
        return tuple(
            row
            for row in self.measurements
            if row.fold in folds
            and row.value is not None
            and row.status not in ("M", "Q")
            and (until is None or row.year <= until)
        )

    def shown(self, observable: str, experiment: str) -> tuple[Measurement, ...]:
        """All rows of a series in order of time, also those that no fold scores."""
        rows = [row for row in self.measurements if row.observable == observable and row.experiment == experiment]
        return tuple(sorted(rows, key=lambda row: row.time))

    def correlation(self, observable: str, experiment: str) -> Correlation | None:
        """The declared noise structure of a series; None is independent noise."""
        for each in self.correlations:
            if each.observable == observable and each.experiment in (experiment, ""):
                return each
        return None


def read_problem(folder: str | Path) -> Problem:
    """The problem of a folder with problem.toml (or of a path to that file) and the tables that it names.

    All faults of all tables are raised together as one InputError (a ProvenanceError if only source cards are missing);
    things to say that do not stop a fit are `warnings`.
    """
    from alliance_dynamics.calibration.problem_tables import assemble

    return assemble(Path(folder))
