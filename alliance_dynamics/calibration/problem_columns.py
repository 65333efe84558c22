"""The columns of every problem table, named after PEtab v2; calibration/tatarstan/README.md says what they mean."""

from __future__ import annotations

from alliance_dynamics.cells import Column, Kind
from alliance_dynamics.observations import SOURCE_COLUMNS

STATUSES = ("A", "B", "E", "F", "P", "M", "Q")
FOLDS = ("train", "holdout", "exclude")
DISTRIBUTIONS = ("normal", "log-normal", "laplace", "log-laplace", "student-t", "log-student-t")
KINDS = ("stock", "flow", "ratio", "index")
USES = ("calibrated", "shown", "direction")
ROLES = ("structural", "initial", "break", "noise", "pool", "lever")
TRANSFORMS = ("none", "log", "logit")
SCALES = {"lin": "none", "log": "log", "log10": "log"}  # PEtab v1 names of the first two
STRUCTURES = ("iid", "ar1")
INTERPOLATIONS = ("step", "linear")

PRIORS = {  # distribution -> number of parameters, and which of them must be above 0
    "normal": (2, (1,)),
    "log-normal": (2, (1,)),
    "laplace": (2, (1,)),
    "log-laplace": (2, (1,)),
    "uniform": (2, ()),
    "log-uniform": (2, (0, 1)),
    "half-normal": (1, (0,)),
    "exponential": (1, (0,)),
    "gamma": (2, (0, 1)),
    "beta": (2, (0, 1)),
    "cauchy": (2, (1,)),
    "chisquare": (1, (0,)),
    "rayleigh": (1, (0,)),
}

_EMPTY = ("",)


def _further(name: str, kind: Kind = "text", **rest) -> Column:
    """A column that may be absent, and whose cells may be empty."""
    return Column(name, kind, required=False, missing=_EMPTY, **rest)


COLUMNS: dict[str, tuple[Column, ...]] = {
    "measurements": (
        Column("observableId", "id"),
        _further("experimentId", "id"),
        Column("time", "number"),
        Column("measurement", "number", missing=_EMPTY),
        _further("observableParameters", "list"),
        _further("noiseParameters", "list"),
        _further("obsStatus", choices=STATUSES),
        _further("source"),
        _further("vintage"),
        _further("unit"),
        _further("fold", choices=FOLDS),
        _further("note"),
    ),
    "observables": (
        Column("observableId", "id"),
        _further("observableName"),
        Column("observableFormula"),
        _further("observablePlaceholders", "list"),
        Column("noiseFormula"),
        _further("noisePlaceholders", "list"),
        _further("noiseDistribution", choices=DISTRIBUTIONS),
        _further("unit"),
        _further("kind", choices=KINDS),
        _further("degreesOfFreedom", "number", lower=1.0),
        _further("use", choices=USES),
        _further("label_en"),
        _further("label_ru"),
        _further("note"),
        _further("indicator"),
        _further("rule"),
    ),
    "parameters": (
        Column("parameterId", "id"),
        _further("target"),
        _further("lowerBound", "number"),
        _further("upperBound", "number"),
        _further("nominalValue", "number"),
        Column("estimate", choices=("true", "false", "True", "False", "1", "0")),
        _further("priorDistribution", choices=tuple(PRIORS)),
        _further("priorParameters", "list"),
        _further("unit"),
        _further("meaning"),
        _further("source"),
        _further("grade", choices=("A", "B", "C")),
        _further("role", choices=ROLES),
        _further("transform", choices=TRANSFORMS),
        _further("scale", choices=tuple(SCALES)),
        _further("parameterScale", choices=tuple(SCALES)),
        _further("label_en"),
        _further("label_ru"),
    ),
    "conditions": (Column("conditionId", "id"), Column("targetId"), Column("targetValue")),
    "experiments": (
        Column("experimentId", "id"),
        Column("time", "number"),
        Column("conditionId", "id", missing=_EMPTY),
        _further("elements", "list"),
    ),
    "forcings": (
        Column("forcingId", "id"),
        Column("experimentId", "id"),
        Column("time", "number"),
        Column("value", "number"),
        _further("interpolation", choices=INTERPOLATIONS),
        _further("obsStatus", choices=STATUSES),
        _further("source"),
        _further("unit"),
    ),
    "pooling": (
        Column("parameterId", "id"),
        Column("poolId", "id"),
        Column("poolPrior", "list"),
        Column("scalePrior", "list"),
        _further("poolScale", choices=("log", "none")),
    ),
    "noise_correlation": (
        Column("observableId", "id"),
        Column("experimentId", "id", missing=_EMPTY),
        Column("structure", choices=STRUCTURES),
        Column("parameterId", "id", missing=_EMPTY),
    ),
    "sources": SOURCE_COLUMNS,
}

KEYS: dict[str, tuple[str, ...]] = {
    "observables": ("observableId",),
    "parameters": ("parameterId",),
    "conditions": ("conditionId", "targetId"),
    "experiments": ("experimentId", "time"),
    "forcings": ("forcingId", "experimentId", "time"),
    "pooling": ("parameterId",),
    "noise_correlation": ("observableId", "experimentId"),
    "sources": ("source",),
}
NEEDED = ("measurements", "observables", "parameters")
MAY_BE_EMPTY = ("conditions", "forcings", "pooling", "noise_correlation", "sources")
