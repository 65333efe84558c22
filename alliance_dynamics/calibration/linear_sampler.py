"""Draws for a model that is nearly linear in its parameters over what the data leave possible.

Two stand-ins of the log residuals, a linear and a quadratic one, are fitted to the runs of the burn-in.  The linear one
makes the posterior of the parameters given the noise a normal distribution, from which proposals come; the quadratic
one accepts or refuses several of them in turn; the run itself has the last word (Metropolis and Hastings, in stages).
So the stand-ins decide how often, and not what, is drawn.  After Gamerman (1997), whose proposals come from linearised
regressions, and Christen and Fox (2005), who accept in two stages.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from alliance_dynamics.calibration.fit import Fit, Task
from alliance_dynamics.calibration.likelihood import Priors
from alliance_dynamics.calibration.noise import NoisePriors
from alliance_dynamics.calibration.noise_sums import NoiseSums, draw_noise

Floats = NDArray[np.float64]
Noise = tuple[Floats, Floats]  # ln sigma and phi [rows, G]
ROUNDS, LENGTH = 4, 15  # of the burn-in, and generations of each: the stand-ins are fitted anew after every round
BURN_IN = ROUNDS * LENGTH
MEMORY = 3  # rounds that they are fitted to
STEPS = ((5, 1.0), (5, 1.0), (5, 1.0), (3, 0.3))  # in turn: cycles on the stand-in, and how far scores go in each
RIDGE = 1e-6  # of the mean square of a column
SMALL = 20_000  # residuals of all chains: fewer are not worth threads
SWEEPS = 4  # of the noise, each time
EDGE = 8.0  # a normal score never lies further out


@dataclass(frozen=True)
class Draws:
    """`values` [ensembles, generations, chains, P + 2 G] (parameters, ln sigma, phi) and the share accepted."""

    values: Floats
    accepted: float


class Scores:
    """Parameters on scales where their priors are standard normal ones: normal scores of priors, which have no bounds.

    Members of a pool, which vary together, are only shifted and scaled.
    """

    def __init__(self, priors: Priors):
        self.priors = priors
        self.pooled = np.array(sorted(j for pool in priors.pools for j in pool.members), dtype=np.int64)
        self.alone = np.setdiff1d(np.arange(len(priors.names)), self.pooled)
        correlation = np.eye(len(priors.names))
        for pool in priors.pools:
            own = priors.deviation[list(pool.members)]
            correlation[np.ix_(pool.members, pool.members)] = pool.variance / np.outer(own, own)
        np.fill_diagonal(correlation, 1.0)
        self.precision: Floats = np.linalg.inv(correlation).astype(np.float64)

    def values(self, scores: Floats) -> Floats:
        found = self.priors.quantile(special.ndtr(scores))
        j = self.pooled
        found[:, j] = self.priors.mean[j] + self.priors.deviation[j] * scores[:, j]
        return found

    def of(self, values: Floats) -> Floats:
        found = np.clip(special.ndtri(self.priors.probability(values)), -EDGE, EDGE)
        j = self.pooled
        found[:, j] = (values[:, j] - self.priors.mean[j]) / self.priors.deviation[j]
        return found

    def log_density(self, scores: Floats, values: Floats) -> Floats:
        """Of the priors over scores [rows], less a constant; minus infinity outside the bounds."""
        j = self.alone
        z = (values[:, j] - self.priors.mean[j]) / self.priors.deviation[j]
        return self.priors.log_density(values) + 0.5 * np.sum(z**2 - scores[:, j] ** 2, axis=1)


@dataclass(frozen=True)
class _Features:
    """1, the scores [rows, P] in standard units and the products of the first S of them, as columns."""

    centre: Floats
    spread: Floats
    structural: int

    @property
    def size(self) -> int:
        return len(self.centre)

    @property
    def count(self) -> int:
        return 1 + self.size + self.structural * (self.structural + 1) // 2

    def around(self, u: Floats) -> _Features:
        return replace(self, centre=u.mean(axis=0), spread=np.maximum(u.std(axis=0), 1e-12))

    def __call__(self, u: Floats) -> Floats:
        z = (u - self.centre) / self.spread
        first, second = np.triu_indices(self.structural)
        return np.concatenate([np.ones((len(u), 1)), z, z[:, first] * z[:, second]], axis=1)

    def plain(self, linear: Floats) -> Floats:
        """Columns [N, P + 1] of slopes in scores and a constant, of coefficients [1 + P, N] in standard units."""
        slopes = linear[1:].T / self.spread
        return np.concatenate([slopes, (linear[0] - slopes @ self.centre)[:, None]], axis=1)


class _StandIn:
    """The log residuals as polynomials in scores, the posterior that they make, and draws from it that need no run.

    `linear` [1 + P, N] and `whole` [features, N] are their coefficients.
    """

    def __init__(self, linear: Floats, whole: Floats, features: _Features, scores: Scores, sums: NoiseSums,
                 priors: NoisePriors):  # fmt: skip
        self.linear, self.whole, self.features = linear, whole, features
        self.scores, self.sums, self.priors = scores, sums, priors
        products = sums.products(features.plain(linear))
        self.products = products.reshape(len(products), -1)

    @staticmethod
    def fitted(u: Floats, residuals: Floats, before: _StandIn) -> _StandIn:
        """By least squares over the rows that ran; as before where those are too few for a polynomial."""
        ran = np.all(np.isfinite(residuals), axis=1) & np.all(np.abs(u) < EDGE, axis=1)
        size, count = before.features.size, before.features.count
        if ran.sum() < 4 * (1 + size):
            return before
        features = before.features.around(u[ran])
        columns = features(u[ran])
        linear = _least_squares(columns[:, : 1 + size], residuals[ran])
        if len(columns) >= 4 * count:
            whole = _least_squares(columns, residuals[ran])
        else:
            whole = np.concatenate([linear, np.zeros((count - 1 - size, linear.shape[1]))])
        return _StandIn(linear, whole, features, before.scores, before.sums, before.priors)

    def squares(self, u: Floats) -> Floats:
        """The sums [rows, k] that say all about the residuals at scores."""
        return self.sums.sums(self.features(u) @ self.whole)

    def log_ratio(self, u: Floats, sums: Floats, noise: Noise) -> Floats:
        """How much better the runs with these `sums` fit than the stand-in does [rows], in logarithms."""
        found = self.sums.log_likelihood(sums, *noise) - self.sums.log_likelihood(self.squares(u), *noise)
        total = np.sum(found, axis=1)
        return np.where(np.isfinite(total), total, -np.inf)

    def draw(self, u: Floats, noise: Noise, stream: np.random.Generator, cycles: int, reach: float):
        """Noise, scores, noise, ..., noise: in an order that reads the same backwards, so that it can be corrected."""
        sums = self.squares(u)
        prior = self.scores.log_density(u, self.scores.values(u))
        noise = draw_noise(self.sums, self.priors, sums, noise, stream, SWEEPS)
        for _ in range(cycles):
            u, sums, prior = self._scores(u, sums, prior, noise, stream, reach)
            noise = draw_noise(self.sums, self.priors, sums, noise, stream, SWEEPS)
        return u, noise

    def normal(self, noise: Noise):
        """Means [rows, P] and roots [rows, P, P] of the precisions of the linear stand-in's posterior."""
        p = self.features.size
        whole = (self.sums.weights(*noise) @ self.products).reshape(len(noise[0]), p + 1, p + 1)
        root = np.linalg.cholesky(whole[:, :p, :p] + self.scores.precision)
        half = np.linalg.solve(root, -whole[:, :p, p:])
        return np.linalg.solve(root.transpose(0, 2, 1), half)[:, :, 0], root

    def _scores(self, u: Floats, sums: Floats, prior: Floats, noise: Noise, stream: np.random.Generator, reach: float):
        """Scores given the noise: proposed by the linear stand-in, `reach` of the way to independent ones."""
        mean, root = self.normal(noise)
        step = np.linalg.solve(root.transpose(0, 2, 1), stream.standard_normal((*u.shape, 1)))[:, :, 0]
        tried = mean + np.sqrt(1 - reach**2) * (u - mean) + reach * step
        far = np.any(np.abs(tried) > EDGE, axis=1)
        tried = np.where(far[:, None], u, tried)
        new_sums, new_prior = self.squares(tried), self.scores.log_density(tried, self.scores.values(tried))

        def worth(u: Floats, sums: Floats, prior: Floats) -> Floats:
            gone = ((u - mean)[:, None, :] @ root)[:, 0]
            fitted = self.sums.log_likelihood(sums, *noise).sum(axis=1)
            return fitted + prior + 0.5 * np.sum(gone**2, axis=1)

        with np.errstate(invalid="ignore"):
            gain = worth(tried, new_sums, new_prior) - worth(u, sums, prior)
        take = np.isfinite(new_prior) & ~(np.log(stream.random(len(u))) >= gain)
        return (np.where(take[:, None], tried, u), np.where(take[:, None], new_sums, sums),
                np.where(take, new_prior, prior))  # fmt: skip


def _least_squares(columns: Floats, residuals: Floats) -> Floats:
    square = columns.T @ columns
    square[np.diag_indices_from(square)] += RIDGE * len(columns)
    return np.linalg.solve(square, columns.T @ residuals).astype(np.float64)


class _Block:
    """Chains with a stream of their own, and what of them has been run."""

    def __init__(self, stand_in: _StandIn, fit: Fit, u: Floats, chains: int, seed: np.random.SeedSequence):
        self.stream = np.random.default_rng(seed)
        shape, limits = (chains, stand_in.priors.groups), stand_in.priors
        log_sigma = np.log(fit.sigma) + 0.15 * self.stream.standard_normal(shape)
        phi = fit.phi + 0.05 * self.stream.standard_normal(shape)
        self.noise = (np.clip(log_sigma, np.log(limits.least_sigma), np.log(limits.most_sigma)),
                      np.clip(phi, 0.0, limits.most_phi))  # fmt: skip
        self.u = np.repeat(u, chains, axis=0)
        self.values, self.sums = stand_in.scores.values(self.u), np.full((chains, len(stand_in.products)), np.nan)

    def propose(self, stand_in: _StandIn, cycles: int, reach: float) -> Floats:
        """Scores [chains, P] to be run."""
        self.tried, self.tried_noise = stand_in.draw(self.u, self.noise, self.stream, cycles, reach)
        return self.tried

    def decide(self, stand_in: _StandIn, values: Floats, sums: Floats) -> NDArray[np.bool_]:
        """Which proposals are accepted; the noise is then drawn given the runs."""
        gain = stand_in.log_ratio(self.tried, sums, self.tried_noise)
        have = stand_in.log_ratio(self.u, self.sums, self.noise)
        begun = np.isfinite(have)
        dice = np.log(self.stream.random(len(gain)))
        take = np.isfinite(gain) & (~begun | (dice < gain - np.where(begun, have, 0.0)))
        new = (self.tried, values, sums, *self.tried_noise)
        old = (self.u, self.values, self.sums, *self.noise)
        kept = [np.where(take[:, None], *each) for each in zip(new, old, strict=True)]
        self.u, self.values, self.sums = kept[:3]
        self.noise = draw_noise(stand_in.sums, stand_in.priors, self.sums, (kept[3], kept[4]), self.stream, SWEEPS)
        return take

    def row(self) -> Floats:
        return np.concatenate([self.values, *self.noise], axis=1)


class Sampler:
    """Independent ensembles of chains, from around the best fit; `run` goes on from where it was.

    Ensembles share the stand-ins, which are no part of what is drawn and stay as they are after the burn-in.
    """

    def __init__(self, task: Task, fit: Fit, *, ensembles: int, chains: int, seed: int, jobs: int = 1):
        self.task, self.scores, self.jobs = task, Scores(task.priors), jobs
        u = np.clip(self.scores.of(fit.values[None, :]), -2, 2)
        self.stand_in = _at(task, self.scores, u)
        self.shape = (ensembles, chains)
        many = ensembles * chains
        blocks = ensembles if many * task.points.count > SMALL else 1  # for threads, by the problem's size alone
        streams = np.random.SeedSequence([seed, 2]).spawn(blocks)
        self.blocks = [_Block(self.stand_in, fit, u, many // blocks, each) for each in streams]
        self.turn = 0

    def burn_in(self, progress: Callable[[float], None] = lambda _: None) -> None:
        """Rounds after each of which the stand-ins are fitted to what was run and to where the chains are."""
        rounds: list[tuple[Floats, Floats]] = []
        for number in range(ROUNDS):
            for _ in range(LENGTH):
                u, residuals, taken = self._generation()
                rounds += [(u, residuals), (u[taken], residuals[taken])]
            u, residuals = (np.concatenate(each) for each in zip(*rounds[-2 * LENGTH * MEMORY :], strict=True))
            self.stand_in = _StandIn.fitted(u, residuals, self.stand_in)
            progress((number + 1) / ROUNDS)

    def run(self, generations: int, progress: Callable[[float], None] = lambda _: None) -> Draws:
        """All chains, generation by generation; the stand-ins stay as they are."""
        kept, accepted, rows = [], 0, np.empty(0)
        for number in range(generations):
            accepted += int(self._generation()[2].sum())
            rows = np.concatenate([each.row() for each in self.blocks])
            kept.append(rows.reshape(*self.shape, -1))
            progress((number + 1) / generations)
        return Draws(np.stack(kept, axis=1), accepted / (generations * len(rows)))

    def _generation(self) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """One batch of runs for all ensembles: scores, residuals, and which were accepted."""
        cycles, reach = STEPS[self.turn % len(STEPS)]
        self.turn += 1

        def propose(block: _Block) -> Floats:
            return block.propose(self.stand_in, cycles, reach)

        if self.jobs > 1 and len(self.blocks) > 1:
            with ThreadPoolExecutor(self.jobs) as pool:
                tried = list(pool.map(propose, self.blocks))
        else:
            tried = [propose(each) for each in self.blocks]
        u = np.concatenate(tried)
        values = self.scores.values(u)
        residuals = self.task.residuals(values)
        sums = self.stand_in.sums.sums(residuals)
        parts = np.split(np.arange(len(u)), len(self.blocks))
        taken = [each.decide(self.stand_in, values[at], sums[at]) for each, at in zip(self.blocks, parts, strict=True)]
        return u, residuals, np.concatenate(taken)


def _at(task: Task, scores: Scores, u: Floats) -> _StandIn:
    """The stand-in by exact slopes at scores [1, P]."""
    residuals, slopes = task.slopes(scores.values(u))
    step = 1e-4
    along = (scores.values(u + step) - scores.values(u - step)) / (2 * step)
    slopes = np.where(np.isfinite(slopes[0]), slopes[0], 0.0) * along
    constant = np.where(np.isfinite(residuals[0]), residuals[0], 0.0)
    features = _Features(u[0], np.ones(u.shape[1]), task.forward.structural)
    linear = np.concatenate([constant[None, :], slopes.T])
    whole = np.concatenate([linear, np.zeros((features.count - len(linear), len(constant)))])
    sums = NoiseSums.of(task.points.chains, task.noise.groups)
    return _StandIn(linear, whole, features, scores, sums, task.noise)
