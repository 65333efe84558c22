"""The best fit: bounded least squares from many starts, with the noise re-estimated in turn."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.stats import qmc

from alliance_dynamics.calibration.likelihood import Points, Priors, log_residuals, negative_log_likelihood
from alliance_dynamics.calibration.noise import NoisePriors, fit_noise, whiten

Floats = NDArray[np.float64]
NEAR = 1e-5  # relative gain at which a start that competes may stop; the best one goes on


class Forward(Protocol):
    """The model as a map from S structural parameters to the logarithms of its predictions at the N points."""

    @property
    def structural(self) -> int: ...

    def log_predicted(self, values: Floats) -> Floats:
        """[rows, N] from [rows, S]; NaN where a prediction is not above 0 or a run failed."""
        ...


@dataclass(frozen=True)
class Task:
    """Everything that a fit needs: values are structural parameters first, then break parameters."""

    forward: Forward
    points: Points
    priors: Priors
    noise: NoisePriors

    def residuals(self, values: Floats) -> Floats:
        """Log residuals [rows, N] of values [rows, P]."""
        s = self.forward.structural
        return log_residuals(self.points, self.forward.log_predicted(values[:, :s]), values[:, s:])


@dataclass(frozen=True)
class Start:
    """One start: its first value, where it ended, the penalised objective there, and why it stopped."""

    first: Floats
    values: Floats
    objective: float
    evaluations: int
    converged: bool


@dataclass(frozen=True)
class Fit:
    """The best of all starts, the noise there, and all starts, best first.

    `objective` is the negative log likelihood plus half the squared prior residuals; `nll` the likelihood part.
    """

    values: Floats
    sigma: Floats
    phi: Floats
    nll: float
    objective: float
    starts: tuple[Start, ...]


def fit(
    task: Task,
    nominal: Floats,
    *,
    starts: int,
    seed: int,
    jobs: int = 1,
    progress: Callable[[float], None] = lambda _: None,
) -> Fit:
    """Least squares from the nominal value and from `starts - 1` scrambled Sobol' points of the priors.

    The noise is first estimated around the nominal fit and held while the starts compete, then re-estimated around the
    best one until neither changes.
    """
    sigma = np.full(task.noise.groups, 0.15)
    phi = np.minimum(np.full(task.noise.groups, 0.5), task.noise.most_phi)
    first = nominal
    for _ in range(3):
        first = _descend(task, first, sigma, phi, most=12).values
        sigma, phi = _noise(task, first)
    progress(0.1)
    cube = qmc.Sobol(len(nominal), scramble=True, rng=np.random.default_rng(np.random.SeedSequence([seed, 1])))
    power = max(1, (starts - 1).bit_length())
    begun = [first, *task.priors.quantile(cube.random_base2(power))[: starts - 1]]
    done = 0

    def descend(value: Floats) -> Start:
        nonlocal done
        result = _descend(task, value, sigma, phi, close=NEAR)
        done += 1
        progress(0.1 + 0.85 * done / len(begun))
        return result

    with ThreadPoolExecutor(max_workers=max(1, jobs)) as pool:
        ended = list(pool.map(descend, begun))
    order = sorted(range(len(ended)), key=lambda i: (not np.isfinite(ended[i].objective), ended[i].objective, i))
    best = ended[order[0]].values
    for _ in range(6):
        sigma, phi = _noise(task, best)
        again = _descend(task, best, sigma, phi).values
        moved = np.max(np.abs(again - best) / (task.priors.upper - task.priors.lower))
        best = again
        if moved < 1e-4:
            break
    sigma, phi = _noise(task, best)
    residuals = task.residuals(best[None, :])[0]
    nll = float(negative_log_likelihood(task.points, residuals, sigma, phi))
    penalty = 0.5 * float(np.sum(task.priors.residuals(best) ** 2))
    progress(1.0)
    return Fit(best, sigma, phi, nll, nll + penalty, tuple(ended[i] for i in order))


def jacobian(task: Task, values: Floats, share: float = 1e-6) -> Floats:
    """d(log residuals)/d(values) [N, P] by differences inward from the nearer bound; breaks are exact."""
    s = task.forward.structural
    lower, upper = task.priors.lower[:s], task.priors.upper[:s]
    step = share * (upper - lower) * np.where(values[:s] > 0.5 * (lower + upper), -1.0, 1.0)
    rows = np.concatenate([values[None, :s], values[:s] + np.diag(step)])
    predicted = task.forward.log_predicted(rows)
    slope = -(predicted[1:] - predicted[0]) / step[:, None]
    return np.concatenate([slope.T, -task.points.breaks], axis=1)


def _descend(task: Task, first: Floats, sigma: Floats, phi: Floats, most: int = 200, close: float = 1e-7) -> Start:
    """Bounded least squares at fixed noise, in coordinates scaled to the bounds."""
    lower, width = task.priors.lower, task.priors.upper - task.priors.lower

    def value_of(u: Floats) -> Floats:
        return lower + width * u

    def vector(u: Floats) -> Floats:
        values = value_of(u)
        errors, _ = whiten(task.residuals(values[None, :])[0], sigma, phi, task.points.chains)
        return np.concatenate([np.where(np.isfinite(errors), errors, 1e3), task.priors.residuals(values)])

    def slopes(u: Floats) -> Floats:
        raw = jacobian(task, value_of(u)).T  # [P, N]
        white, _ = whiten(raw, sigma, phi, task.points.chains)
        data = np.where(np.isfinite(white), white, 0.0).T * width
        return np.concatenate([data, task.priors.root * width])

    u0 = np.clip((first - lower) / width, 1e-6, 1 - 1e-6)
    result = least_squares(
        vector,
        u0,
        jac=slopes,  # type: ignore[arg-type]
        bounds=(0.0, 1.0),
        method="trf",
        x_scale="jac",
        xtol=close,
        ftol=close,
        max_nfev=most,
    )
    failed = bool(np.any(result.fun == 1e3))
    objective = float("inf") if failed else float(result.cost)
    return Start(first, value_of(result.x), objective, int(result.nfev), result.status > 0 and not failed)


def _noise(task: Task, values: Floats) -> tuple[Floats, Floats]:
    residuals = task.residuals(values[None, :])[0]
    return fit_noise(residuals, task.points.chains, task.noise)
