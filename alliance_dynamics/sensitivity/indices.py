"""The result card of a Sobol' analysis: indices with intervals, ranks, horizon summaries, and a print to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import Protocol

import numpy as np

from alliance_dynamics.errors import Fault, UsageError, fault, suggestion
from alliance_dynamics.sensitivity.estimators import Estimator, Terms, pair_indices

CONSTANT = 1e-12  # of the squared scale: a variance not above it is rounding, the series is constant
NOTES_SHOWN = 10


class Layout(Protocol):
    """What a result tells about the design it was made from."""

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def labels(self) -> tuple[str, ...]: ...
    @property
    def points(self) -> int: ...
    @property
    def replicates(self) -> int: ...
    @property
    def row_count(self) -> int: ...
    @property
    def hash(self) -> str: ...
    @property
    def seed(self) -> int | None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """Values with their interval, all [factor or pair, ...]; NaN where the series is constant, and in the interval
    where there is only one replicate."""

    value: np.ndarray
    half_width: np.ndarray

    @property
    def low(self) -> np.ndarray:
        return self.value - self.half_width

    @property
    def high(self) -> np.ndarray:
        return self.value + self.half_width


@dataclass(frozen=True, eq=False)
class SobolIndices:
    """Sobol' indices of every factor for every series; indices are never clipped, so small ones may come out negative.

    S1, ST: [factor, ...]; S2: [pair, ...] in the order of `pairs`, or None.  mean and variance [...] of the outputs.
    top_1, top_3 [factor, ...]: share of replicates in which the factor is first, among the first three, by ST (ties
    shared).  dropped: base points left out because of failed runs, of `points` in each replicate.
    notes: what a reader must be told.
    """

    design: Layout
    axes: dict[str, tuple[object, ...]]
    estimator: Estimator
    confidence: float
    S1: Estimate
    ST: Estimate
    S2: Estimate | None
    mean: np.ndarray
    variance: np.ndarray
    constant: np.ndarray
    top_1: np.ndarray
    top_3: np.ndarray
    dropped: int
    notes: tuple[Fault, ...]
    terms: tuple[Terms, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return self.design.names

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Names of the two factors of every row of S2."""
        left, right = pair_indices(len(self.names))
        return tuple((self.names[i], self.names[j]) for i, j in zip(left, right, strict=True))

    @property
    def dropped_share(self) -> float:
        """Share of all base points that were left out because of failed runs."""
        return self.dropped / (self.design.points * self.design.replicates)

    @property
    def table(self) -> list[dict[str, object]]:
        """One record per series and factor: the labels of the axes (outcome, year), lever, S1 and ST with intervals,
        variance of the outcome, top_1, top_3."""
        records = []
        for at, labels in self._series():
            for i, name in enumerate(self.names):
                numbers = {
                    "S1": self.S1.value, "S1_low": self.S1.low, "S1_high": self.S1.high,
                    "ST": self.ST.value, "ST_low": self.ST.low, "ST_high": self.ST.high,
                }  # fmt: skip
                record: dict[str, object] = {**labels, "lever": name}
                record.update({key: float(array[i][at]) for key, array in numbers.items()})
                record["variance"] = float(self.variance[at])
                record.update(top_1=float(self.top_1[i][at]), top_3=float(self.top_3[i][at]))
                records.append(record)
        return records

    @property
    def pair_table(self) -> list[dict[str, object]]:
        """One record per series and pair: labels, lever, other, S2, S2_low, S2_high; empty without pairs."""
        if self.S2 is None:
            return []
        return [
            {**labels, "lever": one, "other": other, "S2": float(self.S2.value[p][at]),
             "S2_low": float(self.S2.low[p][at]), "S2_high": float(self.S2.high[p][at])}
            for at, labels in self._series() for p, (one, other) in enumerate(self.pairs)
        ]  # fmt: skip

    def over(self, axis: str = "year", weights: Sequence[float] | None = None) -> SobolIndices:
        """Generalised indices over an axis (Gamboa et al. 2014): weighted sums of variance parts over sums of variance.

        Equal weights unless given, one per label of the axis; years of large variance count for more by themselves.
        """
        if axis not in self.axes:
            raise UsageError(fault("", "there is no axis `{axis}`", expected="one of {known}",
                                   remedy=suggestion(axis, self.axes), axis=axis,
                                   known=", ".join(self.axes) or "(none)"))  # fmt: skip
        size = len(self.axes[axis])
        w = np.full(size, 1 / max(size, 1)) if weights is None else np.asarray(weights, dtype=float)
        if w.shape != (size,) or not np.all(np.isfinite(w)) or np.any(w < 0) or not w.sum() > 0:
            raise UsageError(fault("", "the weights do not suit the axis `{axis}`", axis=axis, size=size,
                                   expected="{size} numbers of at least 0, not all 0"))  # fmt: skip
        position = list(self.axes).index(axis) - len(self.axes)  # counted from the end: the same in every array
        w = w / w.sum()
        reduced = [_weighted(terms, w, position) for terms in self.terms]
        constant = np.all(self.constant | (w == 0).reshape(size, *[1] * (-position - 1)), axis=position)
        return _indices(
            self.design, reduced, axes={name: labels for name, labels in self.axes.items() if name != axis},
            estimator=self.estimator, confidence=self.confidence, dropped=self.dropped, constant=constant,
        )  # fmt: skip

    def only(self, axis: str, labels: Sequence[object]) -> SobolIndices:
        """The same indices for some labels of an axis, in the order given."""
        if axis not in self.axes or any(label not in self.axes[axis] for label in labels):
            raise UsageError(fault("", "there is no {labels} on the axis `{axis}`", axis=axis, labels=list(labels),
                                   expected="labels among {known}",
                                   known=", ".join(map(str, self.axes.get(axis, ()))) or "(none)"))  # fmt: skip
        position = list(self.axes).index(axis) - len(self.axes)  # counted from the end: the same in every array
        places = [self.axes[axis].index(label) for label in labels]

        def taken(array: np.ndarray | None) -> np.ndarray | None:
            return None if array is None else np.take(array, places, axis=position)

        terms = [
            Terms(**{each.name: taken(getattr(one, each.name)) for each in fields(Terms)})  # type: ignore[arg-type]
            for one in self.terms
        ]
        return _indices(
            self.design, terms, axes={**self.axes, axis: tuple(labels)}, estimator=self.estimator,
            confidence=self.confidence, dropped=self.dropped, constant=taken(self.constant),
        )  # fmt: skip

    def to_salib(self) -> dict[str, np.ndarray]:
        """The same numbers by SALib's names: S1, S1_conf, ST, ST_conf [factor, ...], S2, S2_conf [factor, factor, ...].

        The conf are half-widths from replicates at this card's confidence.  S2 is NaN except above the diagonal.
        """
        found = {"S1": self.S1.value, "S1_conf": self.S1.half_width, "ST": self.ST.value, "ST_conf": self.ST.half_width}
        if self.S2 is not None:
            square = (len(self.names), len(self.names), *self.S2.value.shape[1:])
            for key, array in (("S2", self.S2.value), ("S2_conf", self.S2.half_width)):
                found[key] = np.full(square, np.nan)
                found[key][pair_indices(len(self.names))] = array
        return found

    def __str__(self) -> str:
        return "\n".join(_printed(self))

    def _series(self) -> Iterator[tuple[tuple[int, ...], dict[str, object]]]:
        for at in product(*(range(len(labels)) for labels in self.axes.values())):
            yield at, {name: labels[i] for (name, labels), i in zip(self.axes.items(), at, strict=True)}


def horizon_rows(found: SobolIndices) -> list[dict[str, object]]:
    """The columns of horizon.csv: generalised indices over all saved years, one record per outcome and factor."""
    years = found.axes["year"]
    rows = [{"first": years[0], "last": years[-1], **row} for row in found.over("year").table]
    return [row for row in rows if np.isfinite(float(str(row["ST"])))]


def indices_of(
    design: Layout,
    terms: Sequence[Terms],
    *,
    axes: Mapping[str, tuple[object, ...]],
    estimator: Estimator,
    confidence: float,
    dropped: int = 0,
) -> SobolIndices:
    """Indices from the terms of all replicates, whose series are flat as yet."""
    shape = tuple(len(labels) for labels in axes.values())
    shaped = [_reshaped(each, shape) for each in terms]
    return _indices(design, shaped, axes=dict(axes), estimator=estimator, confidence=confidence, dropped=dropped)


def _indices(
    design: Layout, terms: Sequence[Terms], *, axes: dict[str, tuple[object, ...]], estimator: Estimator,
    confidence: float, dropped: int, constant: np.ndarray | None = None,
) -> SobolIndices:  # fmt: skip
    variance = np.mean([each.variance for each in terms], axis=0)
    scale = np.max([each.scale for each in terms], axis=0)
    if constant is None:
        constant = variance <= CONSTANT * scale**2
    constant = np.asarray(constant)
    first, first_errors = _quotient([t.first for t in terms], [t.first_variance for t in terms], constant)
    total, total_errors = _quotient([t.total for t in terms], [t.total_variance for t in terms], constant)
    pairs = None
    if terms[0].pairs is not None:
        closed = [t.pairs for t in terms if t.pairs is not None]
        both, errors = _quotient(closed, [t.variance for t in terms], constant)
        i, j = pair_indices(len(design.names))
        errors = errors - first_errors[:, i] - first_errors[:, j]
        pairs = _with_interval(both - first[i] - first[j], errors, confidence)
    by_replicate = np.stack([t.total for t in terms]), np.stack([t.total_variance for t in terms])
    return SobolIndices(
        design=design, axes=axes, estimator=estimator, confidence=confidence,
        S1=_with_interval(first, first_errors, confidence), ST=_with_interval(total, total_errors, confidence),
        S2=pairs,
        mean=np.mean([t.mean for t in terms], axis=0), variance=variance, constant=constant,
        top_1=_share_among_first(*by_replicate, constant, 1), top_3=_share_among_first(*by_replicate, constant, 3),
        dropped=dropped, notes=tuple(_notes(design, axes, constant, dropped)), terms=tuple(terms),
    )  # fmt: skip


def _quotient(u: Sequence[np.ndarray], v: Sequence[np.ndarray], constant: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """R = mean u / mean v over replicates, and the residuals (u_k - R v_k) / mean v [replicate, ...]."""
    over, under = np.stack(u), np.stack(v)
    if under.ndim < over.ndim:
        under = np.broadcast_to(np.expand_dims(under, 1), over.shape)
    average = np.where(constant, np.nan, under.mean(axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        value = over.mean(axis=0) / average
        return value, (over - value * under) / average


def _with_interval(value: np.ndarray, residuals: np.ndarray, confidence: float) -> Estimate:
    """Half-widths t sd(residual) / sqrt(K) of the ratio estimator; NaN where one replicate gives no spread."""
    from scipy.stats import t

    count = len(residuals)
    if count == 1:
        return Estimate(value, np.full_like(value, np.nan))
    quantile = float(t.ppf((1 + confidence) / 2, count - 1))
    return Estimate(value, quantile * residuals.std(axis=0, ddof=1) / np.sqrt(count))


def _share_among_first(u: np.ndarray, v: np.ndarray, constant: np.ndarray, places: int) -> np.ndarray:
    """Share of replicates in which a factor is among the first `places` by u / v; equal factors share their places."""
    with np.errstate(divide="ignore", invalid="ignore"):
        index = u / v
    shares = np.empty(u.shape[1:])
    for i in range(u.shape[1]):
        ahead = (index > index[:, i : i + 1]).sum(axis=1)
        equal = np.maximum((index == index[:, i : i + 1]).sum(axis=1), 1)
        shares[i] = np.clip((places - ahead) / equal, 0, 1).mean(axis=0)
    return np.where(constant, np.nan, shares)


def _notes(
    design: Layout, axes: Mapping[str, tuple[object, ...]], constant: np.ndarray, dropped: int
) -> Iterator[Fault]:
    for at in np.argwhere(constant):
        where = ", ".join(f"{name} {labels[i]}" for (name, labels), i in zip(axes.items(), at, strict=True))
        yield fault("", "{series} is constant: its indices are not defined", series=where or "the output")
    if design.replicates == 1:
        yield fault("", "one replicate gives no intervals", remedy="Take several, 16 if you can")
    if dropped:
        yield fault("", "{dropped} of {points} base points are left out because of failed runs ({share:.2%})",
                    dropped=dropped, points=design.points * design.replicates,
                    share=dropped / (design.points * design.replicates))  # fmt: skip


def _reshaped(terms: Terms, shape: tuple[int, ...]) -> Terms:
    def shaped(name: str) -> np.ndarray | None:
        array = getattr(terms, name)
        return None if array is None else array.reshape((*array.shape[:-1], *shape))

    return Terms(**{field.name: shaped(field.name) for field in fields(Terms)})  # type: ignore[arg-type]


def _weighted(terms: Terms, weights: np.ndarray, position: int) -> Terms:
    """Terms summed over one axis of the series."""
    w = weights.reshape(len(weights), *[1] * (-position - 1))

    def reduced(array: np.ndarray) -> np.ndarray:
        return (array * w).sum(axis=position)

    return replace(
        terms, first=reduced(terms.first), first_variance=reduced(terms.first_variance), total=reduced(terms.total),
        total_variance=reduced(terms.total_variance), pairs=None if terms.pairs is None else reduced(terms.pairs),
        mean=reduced(terms.mean), variance=reduced(terms.variance), scale=terms.scale.max(axis=position),
    )  # fmt: skip


def _printed(found: SobolIndices) -> Iterator[str]:
    """The summary over the last axis if there is a year, one block per outcome, factors by falling ST."""
    design = found.design
    shown = found.over("year") if "year" in found.axes and len(found.axes["year"]) > 1 else found
    seed = "" if design.seed is None else f", seed {design.seed}"
    yield (
        f"Sobol' indices, {found.estimator}: {len(found.names)} factors, {design.replicates} x {design.points} points, "
        f"{design.row_count} runs{seed}, design {design.hash[:12]}"
    )
    if shown is not found:
        years = list(found.axes["year"])
        yield f"shares of the variance over {years[0]} to {years[-1]} ({len(years)} saved years)"
    width = max(len("factor"), *(len(label) for label in design.labels))
    for at, labels in shown._series():
        yield ""
        if labels:
            yield ", ".join(f"{name} {label}" for name, label in labels.items())
        yield f"  {'factor':<{width}}  {'S1':>6}  {'interval':^17}  {'ST':>6}  {'interval':^17}  first top 3"
        total = shown.ST.value[(slice(None), *at)]
        for i in np.argsort(-total, kind="stable"):
            where = (i, *at)
            yield (
                f"  {design.labels[i]:<{width}}  {_shown(shown.S1, where)}  {_shown(shown.ST, where)}  "
                f"{_percent(shown.top_1[where])} {_percent(shown.top_3[where])}"
            )
    yield ""
    if np.any(shown.S1.value < 0) or np.any(shown.ST.value < 0):
        yield "* the estimate is below 0 and shown as 0; the interval is the estimate's own."
    notes = found.notes
    for note in notes[:NOTES_SHOWN]:
        yield f"note: {note}"
    if len(notes) > NOTES_SHOWN:
        yield f"note: and {len(notes) - NOTES_SHOWN} more of this kind."


def _shown(estimate: Estimate, where: tuple[int, ...]) -> str:
    value, low, high = estimate.value[where], estimate.low[where], estimate.high[where]
    if np.isnan(value):
        return f"{'-':>6}  {'':17}"
    interval = f"[{low:.3f}, {high:.3f}]" if np.isfinite(low) else "no interval"
    return f"{max(value, 0):6.3f}{'*' if value < 0 else ' '} {interval:>17}"


def _percent(share: float) -> str:
    return f"{'-':>5}" if np.isnan(share) else f"{share:5.0%}"
