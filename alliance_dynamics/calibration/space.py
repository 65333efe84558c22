"""The coordinates of a search: what is estimated, as points of the unit cube, and the way back to natural units."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.calibration.densities import PriorDensity
from alliance_dynamics.calibration.problem import CalibratedParameter, Pooled, Prior, Problem
from alliance_dynamics.errors import Fault, InputError, Place, fault

Floats = NDArray[np.float64]
Pooling = Literal["partial", "none", "complete"]
_EDGE = 1e-9  # how near a logit comes to 0 and 1
_WIDEST = 6.0  # standard deviations that a member may lie from the centre of its pool
_DECADES = 100.0  # bounds further apart than this factor are searched on the log scale, if nothing else is said


@dataclass(frozen=True)
class Coordinate:
    """One axis: natural values between `lower` and `upper`, seen through `transform`; `nominal` is where to begin.

    `prior` is always a density; `stated` says that somebody gave it.  `kind`: the role of the parameter, or `pool`,
    `spread` (of a pool), `deviation` (of a member from its pool, in standard deviations).
    """

    id: str
    lower: float
    upper: float
    nominal: float
    transform: str
    prior: PriorDensity
    stated: bool
    kind: str

    def cube(self, value: float | Floats) -> Floats:
        """Natural values as shares of the way between the bounds, 0 to 1."""
        ends = self._apply(np.array([self.lower, self.upper]))
        inside = np.clip(np.asarray(value, dtype=float), self.lower, self.upper)
        return (self._apply(inside) - ends[0]) / (ends[1] - ends[0])

    def natural(self, share: float | Floats) -> Floats:
        """The natural value at a share of the way, within the bounds to the last bit."""
        first, last = self._apply(np.array([self.lower, self.upper]))
        x = first + (last - first) * np.asarray(share, dtype=float)
        value = np.exp(x) if self.transform == "log" else 1 / (1 + np.exp(-x)) if self.transform == "logit" else x
        return np.clip(value, self.lower, self.upper)

    @property
    def width(self) -> float:
        """The distance of the bounds on the transformed scale (natural logarithms for `log`)."""
        first, last = self._apply(np.array([self.lower, self.upper]))
        return float(last - first)

    def log_slope(self, share: Floats) -> Floats:
        """ln |d natural / d share|, for densities over the cube."""
        x = self.natural(share)
        if self.transform == "log":
            return np.log(x) + math.log(self.width)
        if self.transform == "logit":
            inside = np.clip(x, _EDGE, 1 - _EDGE)
            return np.log(inside * (1 - inside)) + math.log(self.width)
        return np.full(np.shape(share), math.log(self.width))

    def _apply(self, value: Floats) -> Floats:
        if self.transform == "log":
            return np.log(value)
        if self.transform == "logit":
            inside = np.clip(value, _EDGE, 1 - _EDGE)
            return np.log(inside) - np.log1p(-inside)
        return value


@dataclass(frozen=True)
class Pool:
    """Members of a pool: their axes, and those of the centre and the spread.  `spread` < 0: one value for all."""

    members: tuple[int, ...]
    centre: int
    spread: int
    logarithmic: bool


@dataclass(frozen=True)
class Space:
    """P axes for the estimated parameters of a problem, in the order of `parameters` and then the pools' own."""

    axes: tuple[Coordinate, ...]
    parameters: tuple[CalibratedParameter, ...]
    pools: tuple[Pool, ...]

    @property
    def size(self) -> int:
        return len(self.axes)

    @property
    def nominal(self) -> Floats:
        return np.array([float(each.cube(each.nominal)) for each in self.axes])

    def natural(self, cube: Floats) -> Floats:
        """Values [rows, estimated parameters] in natural units of points [rows, P] of the cube."""
        axes = np.stack([each.natural(cube[:, j]) for j, each in enumerate(self.axes)], axis=1)
        values = axes[:, : len(self.parameters)].copy()
        for pool in self.pools:
            centre = axes[:, pool.centre]
            for j in pool.members:
                shift = axes[:, pool.spread] * axes[:, j] if pool.spread >= 0 else 0.0
                ends = np.array([self.parameters[j].lower, self.parameters[j].upper])
                inside = np.clip(centre + shift, *(np.log(ends) if pool.logarithmic else ends))
                values[:, j] = np.clip(np.exp(inside) if pool.logarithmic else inside, *ends)
        return values

    def slopes(self, cube: Floats) -> Floats:
        """d(natural)/d(cube) [rows, estimated parameters, P]."""
        rows, own = len(cube), len(self.parameters)
        each = np.exp([axis.log_slope(cube[:, j]) for j, axis in enumerate(self.axes)])
        found = np.zeros((rows, own, self.size))
        found[:, np.arange(own), np.arange(own)] = each[:own].T
        natural = self.natural(cube)
        for pool in self.pools:
            for j in pool.members:
                factor = natural[:, j] if pool.logarithmic else 1.0
                ends = self.parameters[j]
                factor = np.where((natural[:, j] > ends.lower) & (natural[:, j] < ends.upper), factor, 0.0)
                found[:, j, pool.centre], found[:, j, j] = factor * each[pool.centre], 0.0
                if pool.spread >= 0:
                    spread = self.axes[pool.spread].natural(cube[:, pool.spread])
                    deviation = self.axes[j].natural(cube[:, j])
                    found[:, j, j] = factor * spread * each[j]
                    found[:, j, pool.spread] = factor * deviation * each[pool.spread]
        return found

    def prior_cost(self, cube: Floats, *, all_stated: bool) -> Floats:
        """Minus the log prior density [rows] in natural units: of breaks and pools, or of all stated priors."""
        cost = np.zeros(len(cube))
        for j, each in enumerate(self.axes):
            if self.enters(j, all_stated):
                cost = cost + each.prior.cost(each.natural(cube[:, j]))
        return cost

    def enters(self, axis: int, all_stated: bool) -> bool:
        """Whether the prior of an axis belongs to the objective of the fit (`all_stated`: to the most probable)."""
        each = self.axes[axis]
        return each.stated and (all_stated or each.kind in ("break", "pool", "spread", "deviation"))


def space_of(problem: Problem, pooling: Pooling = "partial") -> Space:
    """The axes of a problem.  Partial pooling is not centred: theta = centre + spread * deviation (on its scale)."""
    parameters = problem.estimated
    file = str(problem.files.get("parameters", ""))
    faults: list[Fault] = []
    axes = [_coordinate(each, Place(file, each.line), faults) for each in parameters]
    if faults:
        raise InputError(faults)
    pools: list[Pool] = []
    place = {each.id: j for j, each in enumerate(parameters)}
    rows: dict[str, list[Pooled]] = {}
    for row in problem.pooling if pooling != "none" else ():
        if row.parameter in place:
            rows.setdefault(row.pool, []).append(row)
    for name, members in rows.items():
        indices = tuple(place[row.parameter] for row in members)
        first = members[0]
        own = [parameters[j] for j in indices]
        log = first.scale == "log"
        scale = np.log if log else np.asarray
        low = float(scale(np.array([each.lower for each in own])).min())
        high = float(scale(np.array([each.upper for each in own])).max())
        start = float(np.mean(scale(np.array([each.nominal for each in own]))))
        centre = Coordinate(name, low, high, start, "none", PriorDensity(first.centre, low, high), True, "pool")
        axes.append(centre)
        spread = -1
        if pooling == "partial":
            widest = 10 * first.spread.parameters[-1]
            prior = PriorDensity(first.spread, 0.0, widest)
            spread = len(axes)
            axes.append(Coordinate(f"{name}_spread", 0.0, widest, widest / 20, "none", prior, True, "spread"))
        for j in indices:
            standard = PriorDensity(Prior("normal", (0.0, 1.0)), -_WIDEST, _WIDEST)
            axes[j] = Coordinate(parameters[j].id, -_WIDEST, _WIDEST, 0.0, "none", standard, True, "deviation")
        pools.append(Pool(indices, len(axes) - (2 if spread >= 0 else 1), spread, log))
    return Space(tuple(axes), parameters, tuple(pools))


def transform_of(parameter: CalibratedParameter) -> str:
    """The scale a parameter is searched on: the stated one, else log where positive bounds are far apart."""
    if parameter.transform:
        return parameter.transform
    far = parameter.lower > 0 and parameter.upper / parameter.lower >= _DECADES
    return "log" if far else "none"


def _coordinate(parameter: CalibratedParameter, place: Place, faults: list[Fault]) -> Coordinate:
    prior = PriorDensity(parameter.prior, parameter.lower, parameter.upper)
    if not prior.mass > 0:
        what = "the prior of `{name}` has no mass between its bounds {lower} and {upper}"
        at = {"name": parameter.id, "lower": f"{parameter.lower:g}", "upper": f"{parameter.upper:g}"}
        faults.append(fault(place, what, expected="A prior that reaches into the bounds", **at))
    return Coordinate(
        parameter.id,
        parameter.lower,
        parameter.upper,
        parameter.nominal,
        transform_of(parameter),
        prior,
        parameter.prior is not None,
        parameter.role,
    )
