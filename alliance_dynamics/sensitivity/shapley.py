"""Shapley effects: a share of the variance for every input, fair also where inputs are correlated, e.g. a posterior.

After Owen and Prieur (2017).  The worth of a set of inputs is the mean variance that is left when all the others are
known (Song, Nelson and Staum 2016), which gives the same effects as the variance that the set explains.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import qmc

from alliance_dynamics.errors import Fault, UsageError, fault
from alliance_dynamics.sensitivity.samples import sample_of

Floats = NDArray[np.float64]
T_15 = 2.131  # Student's t at 97.5 %, 15 degrees of freedom
BATCHES = 16


@dataclass(frozen=True)
class Copula:
    """Correlated inputs: a Gaussian copula with the margins of a sample, or exactly Gaussian inputs.

    `correlation` [input, input] of the normal scores; `margins` [input, sorted values], or None and `mean`, `sd`.
    """

    names: tuple[str, ...]
    correlation: Floats
    margins: Floats | None = None
    mean: Floats | None = None
    sd: Floats | None = None

    def values(self, scores: Floats) -> Floats:
        """Inputs [..., input] for standard normal scores of that shape."""
        if self.margins is None:
            assert self.mean is not None and self.sd is not None
            return self.mean + self.sd * scores
        from scipy.special import ndtr

        share = ndtr(scores) * self.margins.shape[1] - 0.5
        grid = np.arange(self.margins.shape[1])
        return np.stack([np.interp(share[..., j], grid, each) for j, each in enumerate(self.margins)], axis=-1)


@dataclass(frozen=True)
class ShapleyEffects:
    """`effects` [input] sum to 1; `half_width` of 95 % intervals from independent batches; `variance` of the output;
    `runs` spent."""

    names: tuple[str, ...]
    effects: Floats
    half_width: Floats
    variance: float
    runs: int


def gaussian_inputs(names: Sequence[str], mean: Floats, covariance: Floats) -> Copula:
    """Jointly normal inputs; the covariance has to be positive definite."""
    covariance = sample_of(covariance, rows=len(names))
    sd = np.sqrt(np.diag(covariance))
    return _checked(Copula(tuple(names), covariance / np.outer(sd, sd), None, sample_of(mean, rows=len(names)), sd))


def copula_of(names: Sequence[str], draws: Floats) -> Copula:
    """A Gaussian copula fitted to draws [draw, input] by the correlation of their normal scores, margins as drawn."""
    draws = sample_of(draws)
    if draws.ndim != 2 or draws.shape[1] != len(names) or len(draws) < 2 * len(names):
        raise UsageError(fault("", "the draws have the shape {shape}", expected="draws x {count} inputs, and at least "
                               "twice as many draws as inputs", shape=draws.shape, count=len(names)))  # fmt: skip
    ranks = draws.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
    scores = ndtri((ranks + 0.5) / len(draws))
    return _checked(Copula(tuple(names), np.corrcoef(scores, rowvar=False).reshape(len(names), -1),
                           np.sort(draws, axis=0).T))  # fmt: skip


def shapley_effects(run: Callable[[Floats], Floats], inputs: Copula, *, runs: int, seed: int) -> ShapleyEffects:
    """Shapley effects of `run` (inputs [row, input] -> finite outputs [row]) with at most `runs` evaluations.

    Random orders of the inputs, each walked from one point to another by drawing input after input anew, given those
    not yet drawn (d + 1 runs).  The estimate is made in 16 independent batches, which give the intervals.  Draws depend
    on the seed and the batch alone; 0 is a seed.  The effects sum to 1 by construction.
    """
    d = len(inputs.names)
    walks = int(runs / BATCHES / (d + 1))
    faults: list[Fault] = []
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        faults.append(fault("", "the seed is {value}", expected="a whole number from 0", value=seed))
    if d < 2:
        faults.append(fault("", "there is one input", expected="at least two, to share the variance between"))
    if walks < 2:
        faults.append(
            fault("", "{runs} runs are too few for {count} inputs", expected="at least {least}", runs=runs, count=d,
                  least=2 * BATCHES * (d + 1))
        )  # fmt: skip
    if faults:
        raise UsageError(faults)
    streams = [np.random.default_rng(np.random.SeedSequence([seed, k])) for k in range(BATCHES)]
    cost = np.array([_batch(run, inputs, walks, stream) for stream in streams])  # [batch, input]
    variance = cost.sum(axis=1)
    if not variance.mean() > 0:
        raise UsageError(fault("", "the output does not vary", expected="an output that depends on the inputs"))
    effects = cost.mean(axis=0) / variance.mean()
    residual = cost - effects * variance[:, None]
    half_width = T_15 * residual.std(axis=0, ddof=1) / (np.sqrt(BATCHES) * variance.mean())
    return ShapleyEffects(inputs.names, effects, half_width, float(variance.mean()), BATCHES * walks * (d + 1))


def _batch(run: Callable[[Floats], Floats], inputs: Copula, walks: int, stream: np.random.Generator) -> Floats:
    """The mean rise of the variance that is left open, per input, along the walks (after Goda 2021).

    Correlated normals are a triangular mixture of independent ones: with the last of an order first in the mixture,
    drawing the first k independent ones anew redraws the first k inputs given all the others.
    """
    d = len(inputs.names)
    orders = stream.permuted(np.tile(np.arange(d), (walks, 1)), axis=1)
    backward = orders[:, ::-1]
    roots = np.linalg.cholesky(inputs.correlation[backward[:, :, None], backward[:, None, :]])
    uniform = qmc.Sobol(2 * d, rng=stream).random(2 ** int(np.ceil(np.log2(walks))))[:walks]
    scores = ndtri(np.clip(uniform, 2.0**-32, 1 - 2.0**-32))
    old, new = scores[:, :d], scores[:, d:]
    points = np.empty((walks, d + 1, d))
    for k in range(d + 1):
        mixed = np.where(np.arange(d) >= d - k, new, old)  # backward: the first of an order stands last
        np.put_along_axis(points[:, k], backward, np.einsum("wij,wj->wi", roots, mixed), axis=1)
    outputs = sample_of(run(inputs.values(points).reshape(-1, d)), rows=walks * (d + 1)).reshape(walks, d + 1)
    before, after = outputs[:, :-1], outputs[:, 1:]
    rises = (outputs[:, :1] - (before + after) / 2) * (before - after)
    effects = np.zeros((walks, d))
    np.put_along_axis(effects, orders, rises, axis=1)
    return effects.mean(axis=0)


def _checked(inputs: Copula) -> Copula:
    lowest = np.linalg.eigvalsh(inputs.correlation).min()
    if not lowest > 1e-10:
        raise UsageError(
            fault("", "the inputs repeat each other (smallest eigenvalue of their correlation {value:.1e})",
                  expected="no input that is fixed by the others", remedy="Leave out one of the inputs that repeat "
                  "each other", value=lowest)
        )  # fmt: skip
    return inputs
