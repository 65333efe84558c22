"""Sums of squares that say all about residuals with first-order memory: cheap for many values of the noise at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.calibration.noise import Chains, NoisePriors

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NoiseSums:
    """For G noise groups: points without one before them, and T kinds of pairs, each of one group and one gap.

    The sums of residuals are `k` = G + 3 T numbers: squares of the points without one before, then of the later points
    of the pairs, their products with the earlier ones, and the squares of those.
    """

    chains: Chains
    group: NDArray[np.int64]  # [T] of the kinds of pairs
    gap: Floats  # [T]
    counts: Floats  # [T] pairs
    sizes: Floats  # [G] points
    first: Floats  # [N, G] 1 where a point without one before belongs to a group
    pair: Floats  # [N, T] 1 where a pair (by its later point) is of a kind
    of_group: Floats  # [T, G] 1 where a kind belongs to a group

    @staticmethod
    def of(chains: Chains, groups: int) -> NoiseSums:
        follows = chains.before >= 0
        kinds = sorted(
            {(int(g), float(gap)) for g, gap in zip(chains.group[follows], chains.gap[follows], strict=True)}
        )
        group = np.array([each[0] for each in kinds], dtype=np.int64)
        gap = np.array([each[1] for each in kinds])
        pair = follows[:, None] & (chains.group[:, None] == group) & (chains.gap[:, None] == gap)
        member = chains.group[:, None] == np.arange(groups)
        return NoiseSums(
            chains, group, gap, pair.sum(axis=0).astype(float), member.sum(axis=0).astype(float),
            (member & ~follows[:, None]).astype(float), pair.astype(float),
            (group[:, None] == np.arange(groups)).astype(float),
        )  # fmt: skip

    def sums(self, residuals: Floats) -> Floats:
        """[rows, k] of residuals [rows, N]."""
        past = residuals[:, np.maximum(self.chains.before, 0)]
        parts = (residuals**2 @ self.pair, (residuals * past) @ self.pair, past**2 @ self.pair)
        return np.concatenate([residuals**2 @ self.first, *parts], axis=1)

    def products(self, columns: Floats) -> Floats:
        """[k, M, M] of columns [N, M]: as `sums` of a residual `columns @ x`, as quadratic forms in x."""
        past = columns[np.maximum(self.chains.before, 0)]

        def form(weights: Floats, left: Floats, right: Floats) -> Floats:
            found = np.einsum("nk,ni,nj->kij", weights, left, right, optimize=True)
            return 0.5 * (found + found.transpose(0, 2, 1))

        pairs = (form(self.pair, columns, columns), form(self.pair, columns, past), form(self.pair, past, past))
        return np.concatenate([form(self.first, columns, columns), *pairs])

    def weights(self, log_sigma: Floats, phi: Floats) -> Floats:
        """[rows, k]: `weights * sums`, added up, is the sum of squares of the whitened residuals."""
        precision = np.exp(-2 * log_sigma)
        memory = self._memory(phi)
        by = precision[:, self.group] / (1 - memory**2)
        return np.concatenate([precision, by, -2 * memory * by, memory**2 * by], axis=1)

    def log_likelihood(self, sums: Floats, log_sigma: Floats, phi: Floats) -> Floats:
        """[rows, G] of each group's residuals; all together as `noise.log_likelihood`, but for 1/2 ln(2 pi) a point."""
        groups, kinds = len(self.sizes), len(self.group)
        each = sums * self.weights(log_sigma, phi)
        squares = each[:, :groups] + each[:, groups:].reshape(len(sums), 3, kinds).sum(axis=1) @ self.of_group
        narrowed = (self.counts * np.log1p(-(self._memory(phi) ** 2))) @ self.of_group
        return -0.5 * (squares + narrowed) - self.sizes * log_sigma

    def _memory(self, phi: Floats) -> Floats:
        return phi[:, self.group] ** self.gap


def draw_noise(
    known: NoiseSums,
    priors: NoisePriors,
    sums: Floats,
    noise: tuple[Floats, Floats],
    stream: np.random.Generator,
    sweeps: int,
) -> tuple[Floats, Floats]:
    """ln sigma and phi [rows, G] moved `sweeps` times by random steps of several sizes, given the sums of residuals."""
    log_sigma, phi = noise

    def density(log_sigma: Floats, phi: Floats) -> Floats:
        prior = priors.log_densities(log_sigma, phi)
        usable = np.isfinite(prior)
        fitted = known.log_likelihood(sums, np.where(usable, log_sigma, 0.0), np.where(usable, phi, 0.0))
        return np.where(usable, prior + fitted, -np.inf)

    now = density(log_sigma, phi)
    for _ in range(sweeps):
        size = stream.choice(SIZES, size=(len(sums), 1))
        new_sigma = log_sigma + size * 0.15 * stream.standard_normal(log_sigma.shape)
        new_phi = phi + size * 0.05 * stream.standard_normal(phi.shape) * (priors.most_phi > 0)
        found = density(new_sigma, new_phi)
        with np.errstate(invalid="ignore"):
            take = np.isfinite(found) & (np.log(stream.random(phi.shape)) < found - now)
        log_sigma, phi = np.where(take, new_sigma, log_sigma), np.where(take, new_phi, phi)
        now = np.where(take, found, now)
    return log_sigma, phi


SIZES = (0.5, 1.0, 2.0, 4.0)  # of the steps of the noise
