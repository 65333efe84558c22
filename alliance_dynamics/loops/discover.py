"""Loops of a model: all of them where there are few, else the strongest ones at many moments of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.loops.slopes import Floats

Loop = tuple[int, ...]  # links in the order of the loop, the lowest cause first
ALL = 2_000  # loops up to which every one is listed
WORK = 200_000  # links looked at while listing them
EFFORT = 400_000  # links looked at for one stock at one moment


def every_loop(links: NDArray[np.int64], chosen: Iterable[int]) -> tuple[Loop, ...] | None:
    """All loops that the chosen links form, or None where there are more than ALL or the search takes too long.

    A loop is looked for from its lowest name on, among higher names only that lead back to it.
    """
    out = _outgoing(links, chosen)
    found: list[Loop] = []
    work = 0
    for start in sorted(out):
        back = _leading_to(links, out, start)
        stack = [(start, iter(out[start]))]
        path: list[int] = []
        visiting = {start}
        while stack:
            name, options = stack[-1]
            step = next(options, None)
            work += 1
            if work > WORK or len(found) > ALL:
                return None
            if step is None:
                stack.pop()
                visiting.discard(name)
                if path:
                    path.pop()
                continue
            after = int(links[step, 1])
            if after == start:
                found.append((*path, step))
            elif after > start and after in back and after not in visiting:
                visiting.add(after)
                path.append(step)
                stack.append((after, iter(out.get(after, ()))))
    return tuple(found)


def strongest_loops(
    links: NDArray[np.int64], chosen: Iterable[int], stocks: Sequence[int], strength: Floats
) -> tuple[tuple[Loop, ...], int]:
    """The loops that the strongest-path search finds at some moments, and how many of its searches were cut short.

    `strength` [link, moment] are absolute link scores.  From each stock the links are followed, the strongest first; a
    path ends at a name that a stronger path from this stock has reached before (Eberlein and Schoenberg 2020,
    arXiv:2006.08425, section 3).  It finds nearly all strong loops, not surely the strongest.  A search looks at
    EFFORT links at most.
    """
    plain = _outgoing(links, chosen)
    found: dict[Loop, None] = {}
    cut = 0
    for moment in range(strength.shape[1]):
        scores = strength[:, moment].tolist()
        out = {
            name: [each for each in sorted(steps, key=lambda k: -scores[k]) if scores[each] > 0]
            for name, steps in plain.items()
        }
        ends = links[:, 1].tolist()
        for start in stocks:
            cut += _from_stock(start, out, ends, scores, links, found)
    return tuple(found), cut


def _from_stock(
    start: int, out: dict[int, list[int]], ends: list[int], scores: list[float], links: NDArray[np.int64],
    found: dict[Loop, None],
) -> bool:  # fmt: skip
    best: dict[int, float] = {}
    stack = [(start, 1.0, iter(out.get(start, ())))]
    path: list[int] = []
    visiting = {start}
    work = 0
    while stack:
        name, score, options = stack[-1]
        step = next(options, None)
        if step is None:
            stack.pop()
            visiting.discard(name)
            if path:
                path.pop()
            continue
        work += 1
        if work > EFFORT:
            return True
        after, reached = ends[step], score * scores[step]
        if after == start:
            found.setdefault(_from_lowest((*path, step), links))
        elif after not in visiting and reached > best.get(after, 0.0):
            best[after] = reached
            visiting.add(after)
            path.append(step)
            stack.append((after, reached, iter(out.get(after, ()))))
    return False


def _from_lowest(loop: Loop, links: NDArray[np.int64]) -> Loop:
    first = min(range(len(loop)), key=lambda i: int(links[loop[i], 0]))
    return loop[first:] + loop[:first]


def _outgoing(links: NDArray[np.int64], chosen: Iterable[int]) -> dict[int, list[int]]:
    out: dict[int, list[int]] = {}
    for each in chosen:
        out.setdefault(int(links[each, 0]), []).append(int(each))
    return out


def _leading_to(links: NDArray[np.int64], out: dict[int, list[int]], start: int) -> set[int]:
    """Names from `start` on that lead to it through names from `start` on."""
    into: dict[int, list[int]] = {}
    for name, steps in out.items():
        if name >= start:
            for each in steps:
                into.setdefault(int(links[each, 1]), []).append(name)
    found, stack = {start}, [start]
    while stack:
        for name in into.get(stack.pop(), ()):
            if name not in found:
                found.add(name)
                stack.append(name)
    return found
