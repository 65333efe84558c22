"""Independent ensembles of differential-evolution chains (DE-MCz, ter Braak and Vrugt 2008), and their diagnostics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Chains:
    """`values[ensemble, generation, chain, parameter]` after the burn-in, log densities, and the share accepted."""

    values: Floats
    log_density: Floats
    accepted: float


def sample(
    log_density: Callable[[Floats], Floats],
    starts: Floats,
    archive: Floats,
    *,
    generations: int,
    burn_in: int,
    thin: int,
    seed: int,
    progress: Callable[[float], None] = lambda _: None,
) -> Chains:
    """Runs E ensembles of C chains from `starts` [E, C, parameters] and keeps every `thin`-th generation.

    `archive` [E, rows, parameters] is what the first proposals are made from, of about the width of the answer.
    `log_density` maps [rows, parameters] to [rows]; minus infinity outside the bounds.  An ensemble proposes only from
    its own archive (its chains' past), so that ensembles stay independent and R-hat between them means something.
    """
    ensembles, chains, size = starts.shape
    streams = [np.random.default_rng(each) for each in np.random.SeedSequence(seed).spawn(ensembles)]
    size_of_archive = archive.shape[1] + chains
    archives = np.empty((ensembles, size_of_archive + chains * (generations // 10 + 1), size))
    archives[:, :size_of_archive] = np.concatenate([archive, starts], axis=1)
    now = starts.copy()
    density = log_density(now.reshape(-1, size)).reshape(ensembles, chains)
    kept, kept_density, accepted = [], [], 0
    step = 2.38 / np.sqrt(2 * size)
    for generation in range(generations):
        proposed = now.copy()
        correction = np.zeros((ensembles, chains))
        for e, stream in enumerate(streams):
            past = archives[e, :size_of_archive]
            proposed[e], correction[e] = _propose(now[e], past, step, generation % 10 == 9, stream)
        new = log_density(proposed.reshape(-1, size)).reshape(ensembles, chains)
        dice = np.stack([np.log(stream.random(chains)) for stream in streams])
        possible = np.isfinite(new)
        gain = np.where(possible, new, 0.0) - np.where(np.isfinite(density), density, -np.finfo(float).max)
        take = possible & (dice < gain + correction)
        now[take], density[take] = proposed[take], new[take]
        accepted += int(take.sum())
        if generation % 10 == 0:
            archives[:, size_of_archive : size_of_archive + chains] = now
            size_of_archive += chains
        if generation >= burn_in and (generation - burn_in) % thin == 0:
            kept.append(now.copy())
            kept_density.append(density.copy())
        progress((generation + 1) / generations)
    values = np.stack(kept, axis=1)
    return Chains(values, np.stack(kept_density, axis=1), accepted / (generations * ensembles * chains))


def _propose(now: Floats, archive: Floats, step: float, long_jump: bool, stream: np.random.Generator):
    """Proposals for one ensemble's chains, with the log correction of the snooker update."""
    chains, size = now.shape
    first, second, third = (archive[stream.integers(0, len(archive), chains)] for _ in range(3))
    if stream.random() < 0.1:
        line = now - third
        length = np.sum(line**2, axis=1, keepdims=True)
        usable = length > 0
        along = np.sum((first - second) * line, axis=1, keepdims=True) / np.where(usable, length, 1.0)
        gamma = stream.uniform(1.2, 2.2, (chains, 1))
        proposed = now + gamma * along * line
        after = np.sum((proposed - third) ** 2, axis=1)
        with np.errstate(divide="ignore"):
            ratio = np.log(after) - np.log(np.where(usable, length, 1.0)[:, 0])
            ratio = 0.5 * (size - 1) * ratio if size > 1 else np.zeros_like(ratio)  # on a line no volume changes
        return proposed, np.where(usable[:, 0], ratio, -np.inf)
    scale = 1.0 if long_jump else step * stream.uniform(0.5, 1.5, (chains, 1))
    # some of the parameters at a time: in many dimensions small blocks are accepted more often
    share = stream.choice([0.1, 0.3, 1.0], size=(chains, 1))
    mask = stream.random((chains, size)) < share
    if not long_jump:
        counted = np.maximum(mask.sum(axis=1, keepdims=True), 1)
        scale = scale * np.sqrt(size / counted)
    jitter = 1e-6 * stream.standard_normal((chains, size)) * np.std(archive, axis=0)
    return now + np.where(mask, scale * (first - second) + jitter, 0.0), np.zeros(chains)
