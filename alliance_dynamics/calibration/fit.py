"""The best fit: bounded least squares from many starts at once, with the noise re-estimated in turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from alliance_dynamics.calibration.likelihood import Points, Priors, log_residuals, negative_log_likelihood
from alliance_dynamics.calibration.noise import NoisePriors, fit_noise, whiten
from alliance_dynamics.calibration.objective import Local
from alliance_dynamics.calibration.search import Start as Ended
from alliance_dynamics.calibration.search import descend

Floats = NDArray[np.float64]
NEAR = 1e-6  # relative gain at which a start that competes may stop; the best one goes on
SETTLED = 1e-7


class Forward(Protocol):
    """The model as a map from S structural parameters to the logarithms of its predictions at the N points."""

    @property
    def structural(self) -> int: ...

    def log_predicted(self, values: Floats) -> Floats:
        """[rows, N] from [rows, S]; NaN where a prediction is not above 0 or a run failed."""
        ...

    def log_slopes(self, values: Floats) -> tuple[Floats, Floats]:
        """The same, and its derivatives [rows, N, S]."""
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

    def slopes(self, values: Floats) -> tuple[Floats, Floats]:
        """Log residuals [rows, N], and their derivatives [rows, N, P]."""
        s = self.forward.structural
        predicted, slopes = self.forward.log_slopes(values[:, :s])
        shift = np.broadcast_to(self.points.breaks, (len(values), *self.points.breaks.shape))
        return log_residuals(self.points, predicted, values[:, s:]), -np.concatenate([slopes, shift], axis=2)


@dataclass(frozen=True)
class Start:
    """One start: its first value, where it ended, the penalised objective there, its steps, and whether it settled."""

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
        first = _descend(task, first[None, :], sigma, phi, most=12)[0].values
        sigma, phi = _noise(task, first)
    progress(0.1)
    cube = qmc.Sobol(len(nominal), scramble=True, rng=np.random.default_rng(np.random.SeedSequence([seed, 1])))
    power = max(1, (starts - 1).bit_length())
    begun = np.concatenate([first[None, :], task.priors.quantile(cube.random_base2(power))[: starts - 1]])
    ended = _descend(task, begun, sigma, phi, settled=NEAR, progress=lambda share: progress(0.1 + 0.85 * share))
    order = sorted(range(len(ended)), key=lambda i: (not np.isfinite(ended[i].objective), ended[i].objective, i))
    best = ended[order[0]].values
    for _ in range(6):
        sigma, phi = _noise(task, best)
        again = _descend(task, best[None, :], sigma, phi)[0].values
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


def jacobian(task: Task, values: Floats) -> Floats:
    """d(log residuals)/d(values) [N, P]."""
    return task.slopes(values[None, :])[1][0]


@dataclass(frozen=True)
class _Fixed:
    """The penalised squares at fixed noise over shares of the way between the bounds, less what does not change."""

    task: Task
    sigma: Floats
    phi: Floats

    def natural(self, cube: Floats) -> Floats:
        return self.task.priors.lower + (self.task.priors.upper - self.task.priors.lower) * cube

    def value(self, cube: Floats) -> Floats:
        values = self.natural(cube)
        return self._squares(self._white(self.task.residuals(values)), self.task.priors.residuals(values))

    def local(self, cube: Floats) -> Local:
        values, priors = self.natural(cube), self.task.priors
        residuals, slopes = self.task.slopes(values)
        width = priors.upper - priors.lower
        rows, count, size = slopes.shape
        turned = slopes.transpose(0, 2, 1).reshape(-1, count)
        white = self._white(turned).reshape(rows, size, count) * width[:, None]
        white = np.where(np.isfinite(white), white, 0.0)
        errors, penalties = self._white(residuals), priors.residuals(values)
        root = priors.root * width
        gradient = (white @ np.where(np.isfinite(errors), errors, 0.0)[:, :, None])[:, :, 0] + penalties @ root
        return Local(self._squares(errors, penalties), gradient, white @ white.transpose(0, 2, 1) + root.T @ root)

    def _white(self, residuals: Floats) -> Floats:
        return whiten(residuals, self.sigma, self.phi, self.task.points.chains)[0]

    @staticmethod
    def _squares(errors: Floats, penalties: Floats) -> Floats:
        total = 0.5 * np.sum(errors**2, axis=1) + 0.5 * np.sum(penalties**2, axis=1)
        return np.where(np.isfinite(total), total, np.inf)


def _descend(
    task: Task,
    first: Floats,
    sigma: Floats,
    phi: Floats,
    *,
    most: int = 200,
    settled: float = SETTLED,
    progress: Callable[[float], None] = lambda _: None,
) -> list[Start]:
    """Searches from all rows of `first` together, at fixed noise."""
    fixed = _Fixed(task, sigma, phi)
    lower, upper = task.priors.lower, task.priors.upper
    begun = np.clip((first - lower) / (upper - lower), 1e-6, 1 - 1e-6)

    def start(number: int, each: Ended) -> Start:
        return Start(first[number], fixed.natural(each.cube), each.objective, each.steps, each.converged)

    found = descend(fixed, begun, most=most, settled=settled, progress=progress)
    return [start(number, each) for number, each in enumerate(found)]


def _noise(task: Task, values: Floats) -> tuple[Floats, Floats]:
    residuals = task.residuals(values[None, :])[0]
    return fit_noise(residuals, task.points.chains, task.noise)
