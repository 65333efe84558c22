"""Scores of links and loops (Schoenberg, Davidsen and Eberlein 2020, System Dynamics Review 36:158-190).

The score of a link is the share of its effect's change that its cause brings, with the sign of the slope:
|slope * change of cause / change of effect|.  From a flow to a stock the change of the flow is measured against the
change of the net rate (Schoenberg, Hayward and Eberlein 2023, SDR 39:140-162), and changes are limits for short steps:
rates of change along the run.  The score of a loop is the product over its links.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alliance_dynamics.loops.discover import Loop
from alliance_dynamics.loops.links import Links
from alliance_dynamics.loops.slopes import Floats

STILL = 1e-13  # a rate below this share of its largest parts is rounding


def link_scores(links: Links) -> Floats:
    """[link, moment]; 0 where the cause or the effect does not move."""
    cause, effect = links.structure.links.T
    parts = np.abs(links.gain * links.source[cause])
    total = np.abs(links.target)
    largest = np.abs(links.direct)
    np.maximum.at(largest, effect, parts)
    moves = total > STILL * largest
    with np.errstate(all="ignore"):
        score = np.where(moves[effect], parts / total[effect], 0.0)
    return np.sign(links.gain) * score


def loop_scores(loops: Sequence[Loop], scores: Floats) -> Floats:
    """[loop, moment]: products of link scores, all divided by the largest of the moment so that none overflows."""
    from scipy.sparse import csr_array

    if not loops:
        return np.zeros((0, scores.shape[1]))
    ends = np.cumsum([0, *map(len, loops)])
    members = np.concatenate([np.array(each) for each in loops])
    belongs = csr_array((np.ones(len(members)), members, ends), shape=(len(loops), len(scores)))
    zero = scores == 0
    with np.errstate(divide="ignore"):
        logarithm = np.where(zero, 0.0, np.log(np.abs(scores)))
    exponent = belongs @ logarithm
    blocked = belongs @ zero.astype(np.float64) > 0
    negative = np.rint(belongs @ (scores < 0).astype(np.float64)) % 2 == 1
    exponent[blocked] = -np.inf
    top = np.max(exponent, axis=0, initial=-np.inf)
    size = np.exp(exponent - np.where(np.isfinite(top), top, 0.0))
    return np.where(negative, -size, size)


def weights_of_stocks(links: Links, output: Floats) -> tuple[Floats, Floats, Floats]:
    """Which stocks on loops move an output: their weights [name, moment], then the part of constant rates and of time.

    `output` [name] are the weights of names in the output.  Its rate of change is traced back to the stocks that move
    it, and their parts are taken by size; of a stock in the output, and of a stock on no loop, the change of the net
    rate is traced back in turn.  All parts sum to 1 at moments at which the output moves.
    """
    structure, moments = links.structure, links.source.shape[1]
    weights = np.zeros_like(links.source)
    constant, of_time = np.zeros(moments), np.zeros(moments)
    waiting: dict[int, Floats] = {}

    def share(parts: dict[int, Floats], time: Floats, weight: Floats, *, onward: bool) -> None:
        total = sum((np.abs(each) for each in parts.values()), np.abs(time))
        factor = np.divide(weight, total, out=np.zeros(moments), where=total > 0)
        constant[:] += np.where(total > 0, 0.0, weight)
        of_time[:] += np.abs(time) * factor
        for stock, part in parts.items():
            now = np.abs(part) * factor
            if structure.loop_of[stock] >= 0 and not onward:
                weights[stock] += now
            else:
                waiting[stock] = waiting.get(stock, 0.0) + now

    stocks = [int(i) for i in np.flatnonzero(output) if structure.stock[i]]
    parts, time = {i: output[i] * links.source[i] for i in stocks}, np.zeros(moments)
    if not stocks:
        parts, time = _traced(links, output)
    moves = sum((np.abs(each) for each in parts.values()), np.abs(time)) > 0
    share(parts, time, moves.astype(np.float64), onward=bool(stocks))
    while waiting:  # ends: a stock on no loop does not lead back to itself
        stock = next(iter(waiting))
        weight = waiting.pop(stock)
        rate = np.zeros(len(structure.names))
        rate[stock] = 1.0
        share(*_traced(links, rate), weight, onward=False)
    return weights, constant, of_time


def _traced(links: Links, start: Floats) -> tuple[dict[int, Floats], Floats]:
    """The rate of change of a weighted sum of names, by the stock that brings it, and the part of time.

    Of a stock in the sum it is the net rate that is traced.
    """
    structure, moments = links.structure, links.source.shape[1]
    above: dict[int, Floats] = {int(i): np.full(moments, start[i]) for i in np.flatnonzero(start)}
    parts: dict[int, Floats] = {}
    time = np.zeros(moments)
    for i in range(len(structure.names) - 1, -1, -1):
        outer = above.pop(i, None)
        if outer is None:
            continue
        time += outer * links.direct[i]
        for link in structure.into[i]:
            cause = int(structure.links[link, 0])
            slope = outer * links.gain[link]
            if structure.stock[cause]:
                parts[cause] = parts.get(cause, 0.0) + slope * links.source[cause]
            else:
                above[cause] = above.get(cause, 0.0) + slope
    return parts, time


def scores_for_output(loops: Sequence[Loop], scores: Floats, links: Links, weights: Floats) -> Floats:
    """[loop, moment]: for each stock the shares of the loops through it, and these weighted by the stocks' parts."""
    from scipy.sparse import csr_array

    cause = links.structure.links[:, 0]
    stock = links.structure.stock
    rows, columns = [], []
    for i, loop in enumerate(loops):
        through = [int(cause[link]) for link in loop if stock[cause[link]]]
        rows += [i] * len(through)
        columns += through
    through = csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(loops), len(stock)))
    total = through.T @ np.abs(scores)
    part = np.divide(weights, total, out=np.zeros_like(total), where=total > 0)
    return scores * (through @ part)
