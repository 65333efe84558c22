"""Does the method find what is there?  Recovery and simulation-based calibration with the shape of the real data.

A replicate draws parameters and noise, simulates the data set with the years, gaps, breaks and noise of the real one,
and fits it again (Talts et al. 2018 for the ranks).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import chisquare
from threadpoolctl import threadpool_limits

from alliance_dynamics.calibration.fit import Task, fit
from alliance_dynamics.calibration.noise import Chains
from alliance_dynamics.calibration.posterior import information, sample_posterior
from alliance_dynamics.calibration.problem import Problem
from alliance_dynamics.calibration.setup import set_up
from alliance_dynamics.errors import RunError, UsageError, fault
from alliance_dynamics.model.model import Model

Floats = NDArray[np.float64]
Row = dict[str, Any]
BINS, DRAWS = 8, 63  # 63 thinned draws give 64 ranks, 8 to a bin
INSIDE = 1.6448536269514722
TRIES = 50  # of a draw whose simulation fails
FEWEST_FOR_P = 5 * BINS  # replicates below which a chi-square test of 8 bins says nothing


@dataclass(frozen=True)
class Recovery:
    """What the replicates found: `names` [P]; `truth`, `estimate`, `low`, `high` [replicates, P] (curvature intervals).

    With simulation-based calibration also `ranks` [replicates, P] in 0..63 and the posterior's 5 % and 95 % quantiles.
    `refused`: prior draws that were drawn again because their simulation failed.
    """

    names: tuple[str, ...]
    truth: Floats
    estimate: Floats
    low: Floats
    high: Floats
    spread_of_prior: Floats
    converged: NDArray[np.bool_]
    refused: int
    seed: int
    ranks: NDArray[np.int64] | None = None
    posterior_low: Floats | None = None
    posterior_high: Floats | None = None

    @property
    def table(self) -> list[Row]:
        """One record per parameter: bias, RMSE and coverage of 90 % intervals; with SBC also the p-value of its ranks.

        `informed`: 1 - (RMSE / prior standard deviation)^2, the share of the prior variance that the data take away
        (held at 0 or above).
        """
        rows, error = [], self.estimate - self.truth
        for j, name in enumerate(self.names):
            rmse = float(np.sqrt(np.mean(error[:, j] ** 2)))
            row: Row = {
                "parameter": name,
                "replicates": len(error),
                "bias": float(np.mean(error[:, j])),
                "bias_error": float(np.std(error[:, j], ddof=1) / np.sqrt(len(error))) if len(error) > 1 else None,
                "rmse": rmse,
                "prior_deviation": float(self.spread_of_prior[j]),
                "informed": max(0.0, 1 - (rmse / self.spread_of_prior[j]) ** 2),
                "coverage": _inside(self.truth[:, j], self.low[:, j], self.high[:, j]),
            }
            if self.ranks is not None and self.posterior_low is not None and self.posterior_high is not None:
                ends = self.posterior_low[:, j], self.posterior_high[:, j]
                row["posterior_coverage"] = _inside(self.truth[:, j], *ends)
                row["sbc_p"] = rank_p_value(self.ranks[:, j])
            rows.append(row)
        return rows

    @property
    def histograms(self) -> list[Row]:
        """Per parameter and bin of ranks: how many replicates fell there, and how many are expected."""
        if self.ranks is None:
            return []
        expected = len(self.ranks) / BINS
        return [
            {"parameter": name, "bin": b + 1, "count": int(count), "expected": expected}
            for j, name in enumerate(self.names)
            for b, count in enumerate(rank_histogram(self.ranks[:, j]))
        ]

    def __str__(self) -> str:
        lines = [f"{len(self.truth)} replicates, {int(self.converged.sum())} fits converged, {self.refused} redrawn"]
        for row in self.table:
            line = f"  {row['parameter']}: bias {row['bias']:+.3g}, rmse {row['rmse']:.3g}, " \
                   f"90 % intervals hold {row['coverage']:.0%}, informed {row['informed']:.0%}"  # fmt: skip
            if "posterior_coverage" in row:
                p = "too few replicates" if row["sbc_p"] is None else f"{row['sbc_p']:.3f}"
                line += f"; posterior {row['posterior_coverage']:.0%}, p of ranks {p}"
            lines.append(line)
        return "\n".join(lines)


def recover(
    model: Model,
    problem: Problem,
    *,
    replicates: int = 150,
    seed: int,
    starts: int = 2,
    sbc: bool = False,
    generations: int = 60,
    chains: int = 16,
    jobs: int = 1,
    progress: Callable[[float], None] = lambda _: None,
) -> Recovery:
    """Recovery of a problem's parameters from data simulated under its own priors; see `recover_task`."""
    setup = set_up(model, problem, last_year=int(problem.stop))
    with threadpool_limits(1, "blas"):
        return recover_task(
            setup.task(int(problem.stop)), setup.nominal, replicates=replicates, seed=seed, starts=starts, sbc=sbc,
            generations=generations, chains=chains, jobs=jobs, progress=progress,
        )  # fmt: skip


def recover_task(
    task: Task,
    nominal: Floats,
    *,
    replicates: int,
    seed: int,
    starts: int = 2,
    sbc: bool = False,
    generations: int = 60,
    chains: int = 16,
    jobs: int = 1,
    progress: Callable[[float], None] = lambda _: None,
) -> Recovery:
    """Draws, simulates, fits; with `sbc` also samples each posterior and ranks the truth among 63 of its draws.

    Names are the P structural and break parameters, with `sbc` also ln sigma of each noise group.  The same seed gives
    the same bits for any number of jobs.  UsageError below one replicate; RunError where the priors hold hardly any
    parameters under which the model runs.
    """
    if replicates < 1:
        raise UsageError(fault("", "{count} replicates", expected="At least 1", count=replicates))
    streams = np.random.SeedSequence([seed, 7]).spawn(replicates)
    done = 0

    def one(index: int) -> _Replicate:
        nonlocal done
        found = _replicate(task, nominal, np.random.default_rng(streams[index]), starts, sbc, generations, chains,
                           int(streams[index].generate_state(1)[0]))  # fmt: skip
        done += 1
        progress(done / replicates)
        return found

    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        found = list(pool.map(one, range(replicates)))
    names, spread = task.priors.names, task.priors.spread
    if sbc:
        names += tuple(f"ln_sigma_{g + 1}" for g in range(task.noise.groups))
        u = (np.arange(512) + 0.5) / 512
        spread = np.concatenate([spread, [np.std(_log_sigma_quantile(task, g, u)) for g in range(task.noise.groups)]])

    def together(name: str) -> Any:
        return np.stack([getattr(each, name) for each in found])

    ranked = ("ranks", "posterior_low", "posterior_high")
    return Recovery(
        names=names,
        truth=together("truth"),
        estimate=together("estimate"),
        low=together("low"),
        high=together("high"),
        spread_of_prior=np.asarray(spread, dtype=np.float64),
        converged=np.array([each.converged for each in found]),
        refused=sum(each.refused for each in found),
        seed=seed,
        **({name: together(name) for name in ranked} if sbc else {}),
    )


def simulate_points(task: Task, values: Floats, sigma: Floats, phi: Floats, stream: np.random.Generator) -> Floats:
    """ln y at the task's points [N] under given parameters and noise; NaN where the model fails."""
    s = task.forward.structural
    median = task.forward.log_predicted(values[None, :s])[0] + task.points.breaks @ values[s:]
    return median + simulate_noise(task.points.chains, sigma, phi, stream)


def simulate_noise(chains: Chains, sigma: Floats, phi: Floats, stream: np.random.Generator) -> Floats:
    """Log residuals [N]: autocorrelated along each chain, gaps included, standard deviation sigma of the group."""
    z = stream.standard_normal(len(chains.group))
    residuals = np.full(len(z), np.nan)
    waiting = list(range(len(z)))
    while waiting:  # a point after the one before it; chains are in order of years, so this passes once or twice
        later = []
        for i in waiting:
            before, group = chains.before[i], chains.group[i]
            if before < 0:
                residuals[i] = sigma[group] * z[i]
            elif np.isfinite(residuals[before]):
                memory = phi[group] ** chains.gap[i]
                residuals[i] = memory * residuals[before] + sigma[group] * np.sqrt(1 - memory**2) * z[i]
            else:
                later.append(i)
        waiting = later
    return residuals


def interval_of(draws: Floats) -> Floats:
    """Ends [2, ...] of the 90 % interval of draws [n, ...]: a further draw of the same law is in it in 90 % of cases.

    Between the ranks of n + 1, not of n - 1 as is usual, which for 63 draws would hold 87 %.
    """
    return np.quantile(draws, [0.05, 0.95], axis=0, method="weibull")


def rank_histogram(ranks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts [8] of ranks 0..63."""
    return np.bincount(np.asarray(ranks) * BINS // (DRAWS + 1), minlength=BINS)


def rank_p_value(ranks: NDArray[np.int64]) -> float | None:
    """The chi-square p-value of evenly filled bins; None below 40 ranks."""
    if len(ranks) < FEWEST_FOR_P:
        return None
    return float(chisquare(rank_histogram(ranks)).pvalue)


@dataclass(frozen=True)
class _Replicate:
    truth: Floats
    estimate: Floats
    low: Floats
    high: Floats
    converged: bool
    refused: int
    ranks: NDArray[np.int64] | None = None
    posterior_low: Floats | None = None
    posterior_high: Floats | None = None


def _replicate(
    task: Task,
    nominal: Floats,
    stream: np.random.Generator,
    starts: int,
    sbc: bool,
    generations: int,
    chains: int,
    seed: int,
) -> _Replicate:
    refused = 0
    for refused in range(TRIES):  # noqa: B007 - how often the draw was repeated
        values = task.priors.draw(stream)
        u = stream.random((2, task.noise.groups))
        log_sigma = np.array([_log_sigma_quantile(task, g, u[0, g]) for g in range(task.noise.groups)])
        phi = _phi_quantile(task, u[1])
        log_value = simulate_points(task, values, np.exp(log_sigma), phi, stream)
        if np.all(np.isfinite(log_value)):
            break
    else:
        raise RunError(
            fault("", "The model failed for {count} draws from the priors in a row",
                  remedy="Narrow the bounds or the priors in parameters.tsv", count=TRIES)
        )  # fmt: skip
    synthetic = replace(task, points=replace(task.points, log_value=log_value))
    best = fit(synthetic, nominal, starts=starts, seed=seed)
    precision = information(synthetic, best) + task.priors.precision
    half = INSIDE * np.sqrt(np.diag(np.linalg.inv(precision)))
    low = np.maximum(best.values - half, task.priors.lower)
    high = np.minimum(best.values + half, task.priors.upper)
    plain = _Replicate(values, best.values, low, high, best.starts[0].converged, refused)
    if not sbc:
        return plain
    posterior = sample_posterior(synthetic, best, draws=DRAWS, generations=generations, chains=chains, seed=seed)
    truth = np.concatenate([values, log_sigma])
    draws = np.concatenate([posterior.values, np.log(posterior.sigma)], axis=1)
    ends = interval_of(draws)
    estimate = np.concatenate([best.values, np.log(best.sigma)])
    groups = slice(len(values), None)  # the noise has no curvature interval of its own: the posterior's stands there
    return replace(
        plain, truth=truth, estimate=estimate, low=np.concatenate([low, ends[0, groups]]),
        high=np.concatenate([high, ends[1, groups]]), ranks=np.sum(draws < truth, axis=0),
        posterior_low=ends[0], posterior_high=ends[1],
    )  # fmt: skip


def _log_sigma_quantile(task: Task, group: int, u: Any) -> Any:
    """ln sigma of a noise group at probabilities u: its prior truncated to the bounds, even in ln sigma where flat."""
    noise = task.noise
    ends = np.log([noise.least_sigma[group], noise.most_sigma[group]])
    return _truncated(noise.log_mean[group], noise.log_deviation[group], ends[0], ends[1], u)


def _phi_quantile(task: Task, u: Floats) -> Floats:
    noise = task.noise
    each = zip(noise.phi_mean, noise.phi_deviation, noise.most_phi, u, strict=True)
    return np.array([_truncated(mean, deviation, 0.0, most, v) for mean, deviation, most, v in each])


def _truncated(mean: float, deviation: float, low: float, high: float, u: Any) -> Any:
    from scipy.special import ndtr

    if not np.isfinite(deviation):
        return low + (high - low) * u
    ends = ndtr((low - mean) / deviation), ndtr((high - mean) / deviation)
    return np.clip(mean + deviation * ndtri(ends[0] + (ends[1] - ends[0]) * u), low, high)


def _inside(truth: Floats, low: Floats, high: Floats) -> float:
    return float(np.mean((low <= truth) & (truth <= high)))


def worst_p_value(rows: Sequence[Row]) -> float | None:
    """The smallest p-value of the ranks, Bonferroni-corrected for the number of parameters; None without any."""
    found = [row["sbc_p"] for row in rows if row.get("sbc_p") is not None]
    return min(1.0, len(found) * min(found)) if found else None
