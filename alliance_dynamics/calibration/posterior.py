"""What the data leave possible: draws of parameters and noise around the best fit, with the gates that qualify them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.calibration.diagnostics import bulk_size, overlap, r_hat, tail_size
from alliance_dynamics.calibration.fit import Fit, Task, jacobian
from alliance_dynamics.calibration.linear_sampler import BURN_IN, Sampler
from alliance_dynamics.calibration.noise import whiten

Floats = NDArray[np.float64]
R_HAT_GATE = 1.01
SIZE_GATE = 400  # effective draws, in the middle and in the tails of every parameter


@dataclass(frozen=True)
class Posterior:
    """`values` [draws, P] with `sigma` and `phi` [draws, groups]; share accepted.

    `r_hat` between ensembles, effective sizes `bulk` and `tail`: of the parameters, then of ln sigma and of the phi
    that are estimated.  `overlap` [P] with the prior (1: nothing was learned).  `history`: generations, worst R-hat and
    least effective size after each doubling.
    """

    values: Floats
    sigma: Floats
    phi: Floats
    r_hat: Floats
    bulk: Floats
    tail: Floats
    overlap: Floats
    accepted: float
    generations: int
    chains: int
    history: tuple[tuple[int, float, float], ...] = ()

    @property
    def least_size(self) -> float:
        """The least effective size of any parameter; 0 where the draws are too few to tell."""
        return least_size(self.bulk, self.tail)

    @property
    def passed(self) -> bool:
        return passed(self.r_hat, self.bulk, self.tail)


def least_size(bulk: Floats, tail: Floats) -> float:
    sizes = np.minimum(bulk, tail)
    return float(np.min(np.where(np.isfinite(sizes), sizes, 0.0)))


def passed(hats: Floats, bulk: Floats, tail: Floats) -> bool:
    """Whether R-hat and the effective sizes of all parameters pass their gates."""
    return bool(np.all(hats < R_HAT_GATE) and least_size(bulk, tail) > SIZE_GATE)


def sample_posterior(
    task: Task,
    fit: Fit,
    *,
    draws: int,
    generations: int,
    chains: int,
    ensembles: int = 4,
    seed: int,
    doublings: int = 0,
    jobs: int = 1,
    progress: Callable[[float], None] = lambda _: None,
) -> Posterior:
    """At least four independent ensembles from around the best fit, `generations` long after a burn-in.

    While a gate (R-hat, effective sizes; of every parameter and of the noise) is failed, twice as many generations
    follow, at most `doublings` times; only the last ones are kept.  The noise is sampled as ln sigma and phi under its
    priors.  The draws are spread evenly over the kept generations, chains and ensembles.
    """
    p, g = len(fit.values), task.noise.groups
    sampler = Sampler(task, fit, ensembles=ensembles, chains=chains, seed=seed, jobs=jobs)
    whole = BURN_IN + generations * ((2 << doublings) - 1)
    sampler.burn_in(lambda share: progress(share * BURN_IN / whole))
    history: list[tuple[int, float, float]] = []
    for turn in range(doublings + 1):
        length = generations << turn
        gone = BURN_IN + generations * ((1 << turn) - 1)
        found = sampler.run(length, lambda share, gone=gone, length=length: progress((gone + share * length) / whole))
        size = found.values.shape[3]
        joined = found.values.reshape(ensembles, -1, size)
        # [ensembles, kept, chains, size] as chains of their own
        walks = found.values.transpose(0, 2, 1, 3).reshape(-1, length, size)
        moving = [i for i in range(size) if i < p + g or task.noise.most_phi[i - p - g] > 0]
        hats = np.array([r_hat(joined[:, :, i]) for i in moving])
        bulk, tail = (np.array([measure(walks[:, :, i]) for i in moving]) for measure in (bulk_size, tail_size))
        history.append((length, float(np.max(hats)), least_size(bulk, tail)))
        if passed(hats, bulk, tail):
            break
    everything = joined.transpose(1, 0, 2).reshape(-1, size)
    picked = everything[np.linspace(0, len(everything) - 1, draws).round().astype(int)]
    return Posterior(
        picked[:, :p],
        np.exp(picked[:, p : p + g]),
        picked[:, p + g :],
        hats,
        bulk,
        tail,
        np.array([overlap(each) for each in task.priors.probability(everything[:, :p]).T]),
        found.accepted,
        length,
        ensembles * chains,
        tuple(history),
    )


def information(task: Task, fit: Fit) -> Floats:
    """J' J of the whitened data residuals [P, P] at the best fit: what the data alone say, without the priors."""
    white, _ = whiten(jacobian(task, fit.values).T, fit.sigma, fit.phi, task.points.chains)
    white = np.where(np.isfinite(white), white, 0.0)
    return white @ white.T
