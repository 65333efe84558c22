"""Scenario discovery: the box of conditions in which a policy fails, by the patient rule induction method.

Peeling and pasting after Friedman and Fisher (1999), coverage, density and quasi-p-values after Bryant and Lempert
(2010).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.errors import UsageError, fault
from alliance_dynamics.sensitivity.samples import sample_of

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
SIGNIFICANT = 0.05
RESAMPLES = 20


@dataclass(frozen=True)
class Limit:
    """One side or both of a box: the failing cases have low <= input <= high (None: no limit on that side).

    `quasi_p`: chance to see such a density without this limit; `stability`: share of half-samples whose box limits the
    same input.
    """

    name: str
    low: float | None
    high: float | None
    quasi_p: float
    stability: float


@dataclass(frozen=True)
class FailureBox:
    """How well a box tells failing cases from others.

    `coverage`: share of all failing cases inside; `density`: share of failing cases among those inside; `mass`: share
    of all cases inside; `base_rate`: share of failing cases overall; `trade_off` [step, (coverage, density, limits)] of
    the whole peeling; `distance` per input: Kolmogorov distance between failing and other cases.
    """

    limits: tuple[Limit, ...]
    coverage: float
    density: float
    mass: float
    base_rate: float
    trade_off: Floats
    distance: dict[str, float]


def failure_box(
    names: Sequence[str], inputs: Floats, fails: Flags, *, seed: int, peel: float = 0.05, least_mass: float = 0.02
) -> FailureBox:
    """The box that describes failing cases best: inputs [case, input], fails [case].

    Of the peeling's trade-off the box with the largest harmonic mean of coverage and density is taken; its limits are
    moved by thin slices while that rises; limits whose quasi-p-value exceeds 0.05 are dropped.
    Refused: no failing case, or only failing ones.
    """
    inputs = sample_of(inputs)
    fails = np.asarray(fails, dtype=bool)
    if inputs.ndim != 2 or inputs.shape[1] != len(names) or fails.shape != (len(inputs),):
        raise UsageError(fault("", "inputs {inputs} and flags {flags} do not fit {count} names", expected="cases x "
                               "inputs, and one flag per case", inputs=inputs.shape, flags=fails.shape,
                               count=len(names)))  # fmt: skip
    if fails.all() or not fails.any():
        raise UsageError(fault("", "{count} of {cases} cases fail", expected="some that fail and some that do not",
                               remedy="Choose another threshold", count=int(fails.sum()),
                               cases=len(fails)))  # fmt: skip
    box, trade_off = _best_box(inputs, fails, peel, least_mass)
    inside = _inside(inputs, box)
    halves = _boxes_of_halves(inputs, fails, peel, least_mass, seed)
    limits = []
    for j in map(int, np.nonzero(np.isfinite(box).any(axis=0))[0]):
        low, high = box[:, j]
        stable = float(np.mean([np.isfinite(half[:, j]).any() for half in halves]))
        limits.append(Limit(names[j], float(low) if np.isfinite(low) else None, float(high) if np.isfinite(high) else
                            None, _quasi_p(inputs, fails, box, j), stable))  # fmt: skip
    return FailureBox(
        tuple(limits), float(fails[inside].sum() / fails.sum()), float(fails[inside].mean()), float(inside.mean()),
        float(fails.mean()), trade_off, {name: distance(inputs[:, j], fails) for j, name in enumerate(names)},
    )  # fmt: skip


def _best_box(inputs: Floats, fails: Flags, peel: float, least_mass: float) -> tuple[Floats, Floats]:
    boxes = _peeled(inputs, fails, peel, least_mass)
    measures = np.array([_measures(inputs, fails, box) for box in boxes])
    coverage, density = measures[:, 0], measures[:, 1]
    score = 2 * coverage * density / np.maximum(coverage + density, 1e-300)
    box = boxes[int(np.argmax(score))]
    while True:  # dropping a limit changes what the others are worth
        limited = np.nonzero(np.isfinite(box).any(axis=0))[0]
        worth = [(_quasi_p(inputs, fails, box, int(j)), int(j)) for j in limited]
        if not worth or max(worth)[0] <= SIGNIFICANT:
            break
        box = box.copy()
        box[:, max(worth)[1]] = -np.inf, np.inf
    return _adjusted(inputs, fails, box), measures


def _peeled(inputs: Floats, fails: Flags, peel: float, least_mass: float) -> list[Floats]:
    """The whole box and all that are left by taking away, each time, the thin slice that raises the density most."""
    box = np.array([[-np.inf], [np.inf]]) * np.ones(inputs.shape[1])
    boxes = [box]
    inside = np.arange(len(inputs))
    while len(inside) * (1 - peel) >= max(least_mass * len(inputs), 1 / peel):
        best: tuple[float, float, int, int, float] | None = None
        flags, columns = fails[inside], inputs[inside]
        edges = np.quantile(columns, [peel, 1 - peel], axis=0)
        for j, column in enumerate(columns.T):
            for side, edge in enumerate(edges[:, j]):
                kept = column >= edge if side == 0 else column <= edge
                if kept.all():  # tied values: take the whole tie away
                    edge = _past_the_tie(column, edge, side)
                    kept = column >= edge if side == 0 else column <= edge
                if not kept.any():
                    continue
                density = flags[kept].mean()
                candidate = (float(density), float(kept.mean()), -j, -side, float(edge))
                best = candidate if best is None or candidate > best else best
        if best is None:
            break
        _, _, j, side, edge = best
        box = box.copy()
        box[-side, -j] = edge
        inside = inside[_inside(inputs[inside], box)]
        boxes.append(box)
        if fails[inside].all():
            break
    return boxes


def _past_the_tie(column: Floats, edge: float, side: int) -> float:
    return column[column > edge].min(initial=np.inf) if side == 0 else column[column < edge].max(initial=-np.inf)


def _adjusted(inputs: Floats, fails: Flags, box: Floats, slice_share: float = 0.01) -> Floats:
    """The box with every limit moved out (pasting) or in by thin slices while the harmonic mean of both rises."""

    def score(candidate: Floats) -> float:
        coverage, density, _ = _measures(inputs, fails, candidate)
        return 2 * coverage * density / max(coverage + density, 1e-300)

    best = score(box)
    improved = True
    while improved:
        improved = False
        for side, j in np.argwhere(np.isfinite(box)):
            for edge in _edges(inputs, box, int(side), int(j), slice_share):
                candidate = box.copy()
                candidate[side, j] = edge
                if (found := score(candidate)) > best:
                    box, best, improved = candidate, found, True
    return box


def _edges(inputs: Floats, box: Floats, side: int, j: int, slice_share: float) -> Floats:
    """Where else a limit could stand: at the cases one to ten slices outside or inside of it."""
    size = max(1, int(slice_share * _inside(inputs, box).sum()))
    free = box.copy()
    free[side, j] = -np.inf if side == 0 else np.inf
    cases = np.sort(inputs[_inside(inputs, free), j])
    at = int(np.searchsorted(cases, box[side, j]))
    places = at + size * np.concatenate([np.arange(-10, 0), np.arange(1, 11)])
    return cases[places[(places >= 0) & (places < len(cases))]]


def _measures(inputs: Floats, fails: Flags, box: Floats) -> tuple[float, float, int]:
    inside = _inside(inputs, box)
    density = float(fails[inside].mean()) if inside.any() else 0.0
    return float(fails[inside].sum() / fails.sum()), density, int(np.isfinite(box).any(axis=0).sum())


def _inside(inputs: Floats, box: Floats) -> Flags:
    return ((inputs >= box[0]) & (inputs <= box[1])).all(axis=1)


def _quasi_p(inputs: Floats, fails: Flags, box: Floats, limit: int) -> float:
    """Chance of as many failing cases as the box holds, were its cases drawn from the box without this limit."""
    from scipy.stats import binom

    wide = box.copy()
    wide[:, limit] = -np.inf, np.inf
    inside, around = _inside(inputs, box), _inside(inputs, wide)
    return float(binom.sf(fails[inside].sum() - 1, inside.sum(), fails[around].mean()))


def _boxes_of_halves(inputs: Floats, fails: Flags, peel: float, least_mass: float, seed: int) -> list[Floats]:
    boxes = []
    for k in range(RESAMPLES):
        half = np.random.default_rng(np.random.SeedSequence([seed, k])).permutation(len(inputs))[: len(inputs) // 2]
        if fails[half].any() and not fails[half].all():
            boxes.append(_best_box(inputs[half], fails[half], peel, least_mass)[0])
    return boxes or [np.full((2, inputs.shape[1]), np.inf) * [[-1], [1]]]


def distance(column: Floats, fails: Flags) -> float:
    """The Kolmogorov distance of one input [case] between the cases flagged and the others."""
    one, other = np.sort(column[fails]), np.sort(column[~fails])
    everywhere = np.concatenate([one, other])
    shares = [np.searchsorted(each, everywhere, side="right") / len(each) for each in (one, other)]
    return float(np.abs(shares[0] - shares[1]).max())
