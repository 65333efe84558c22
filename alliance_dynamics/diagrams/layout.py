"""Where things stand on a page: distances on paper follow distances in the graph, and nothing overlaps.

Stress majorisation (Gansner, Koren and North 2004) from a spectral start, then rectangles pushed apart.  The same graph
gives the same picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ROUNDS, PUSHES = 300, 600


def place(
    names: Sequence[str],
    links: Sequence[tuple[str, str]],
    sizes: Mapping[str, tuple[float, float]],
    page: tuple[float, float],
    near: Sequence[tuple[str, str]] = (),
) -> dict[str, tuple[float, float]]:
    """The centre of every name on a page of the given width and height; y grows downwards.

    `sizes` are widths and heights with the room around them; `near` are pairs that belong close together.
    """
    if not names:
        return {}
    index = {name: i for i, name in enumerate(names)}
    pairs = [(index[a], index[b], 1.0) for a, b in links if a != b]
    pairs += [(index[a], index[b], 0.55) for a, b in near if a != b]
    distance = _distances(len(names), pairs)
    points = _stress(distance, _spectral(distance))
    points = _turned(points)
    extent = np.array([sizes[name] for name in names])
    points = _on_page(points, extent, page)
    points = _apart(points, extent, page)
    return {name: (float(x), float(y)) for name, (x, y) in zip(names, points, strict=True)}


def _distances(count: int, pairs: Sequence[tuple[int, int, float]]) -> Floats:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import shortest_path

    least: dict[tuple[int, int], float] = {}
    for a, b, length in pairs:
        key = (min(a, b), max(a, b))
        least[key] = min(length, least.get(key, np.inf))
    degree = np.ones(count)
    for a, b in least:
        degree[a] += 1
        degree[b] += 1
    # links of a hub are longer: its neighbours need room
    data = [length * (1 + 0.12 * np.sqrt(min(degree[a], degree[b]))) for (a, b), length in least.items()]
    rows, columns = ([each[i] for each in least] for i in (0, 1))
    matrix = coo_array((data, (rows, columns)), shape=(count, count)).tocsr()
    found = shortest_path(matrix, directed=False)
    finite = found[np.isfinite(found)]
    apart = max(float(finite.max(initial=1.0)) * 0.7, 2.0)
    return np.where(np.isfinite(found), found, apart)


def _spectral(distance: Floats) -> Floats:
    """Classical scaling: the two main axes of the distances."""
    count = len(distance)
    if count < 3:
        return np.array([[i * 1.0, 0.0] for i in range(count)])
    centre = np.eye(count) - 1.0 / count
    values, vectors = np.linalg.eigh(-0.5 * centre @ (distance**2) @ centre)
    found = vectors[:, [-1, -2]] * np.sqrt(np.maximum(values[[-1, -2]], 1e-9))
    found *= np.where(found[np.abs(found).argmax(axis=0), [0, 1]] < 0, -1.0, 1.0)  # the sign of an axis is free
    spread = np.arange(count)  # points on one spot are told apart, the same way each time
    return found + 0.05 * np.stack([np.cos(2.4 * spread), np.sin(2.4 * spread)], axis=1)


def _stress(distance: Floats, points: Floats) -> Floats:
    count = len(distance)
    if count < 3:
        return points
    wanted = distance + np.eye(count)
    weights = wanted**-2.0
    np.fill_diagonal(weights, 0.0)
    laplacian = np.diag(weights.sum(axis=1)) - weights
    inverse = np.linalg.pinv(laplacian)
    for _ in range(ROUNDS):
        apart = points[:, None] - points[None]
        length = np.maximum(np.sqrt((apart**2).sum(axis=2)), 1e-9)
        pull = weights * distance / length
        np.fill_diagonal(pull, 0.0)
        moved = inverse @ (np.diag(pull.sum(axis=1)) - pull) @ points
        if np.abs(moved - points).max() < 1e-6:
            return moved
        points = moved
    return points


def _turned(points: Floats) -> Floats:
    """The longest extent lies flat."""
    centred = points - points.mean(axis=0)
    if len(points) < 3:
        return centred
    _, vectors = np.linalg.eigh(centred.T @ centred)
    turn = vectors[:, ::-1]
    turn = turn * np.where(turn[[0, 1], [0, 1]] < 0, -1.0, 1.0)
    return centred @ turn


def _on_page(points: Floats, extent: Floats, page: tuple[float, float]) -> Floats:
    """Spread over the page; crowded places are given more room than empty ones."""
    room = np.array(page) - extent.max(axis=0) - 8
    low, high = points.min(axis=0), points.max(axis=0)
    even = (points - low) / np.where(high > low, high - low, 1.0)
    even[:, high <= low] = 0.5
    ranks = np.argsort(np.argsort(points, axis=0, kind="stable"), axis=0) / max(len(points) - 1, 1)
    return extent.max(axis=0) / 2 + 4 + (0.45 * even + 0.55 * ranks) * room


def _apart(points: Floats, extent: Floats, page: tuple[float, float]) -> Floats:
    """Rectangles that overlap are pushed apart, a little at a time, and kept on the page."""
    points = points.copy()
    half = extent / 2
    low, high = half + 2, np.array(page) - half - 2
    need = half[:, None] + half[None]
    for turn in range(PUSHES):
        delta = points[:, None] - points[None]
        overlap = need - np.abs(delta)
        hit = np.asarray((overlap > 0).all(axis=2))
        np.fill_diagonal(hit, False)
        if not hit.any():
            break
        across = overlap[..., 0] * 0.8 < overlap[..., 1]
        order = np.arange(len(points))
        side = np.where(delta == 0, np.where(order[:, None] > order, 1.0, -1.0)[..., None], np.sign(delta))
        push = np.where(hit, 1.0, 0.0) * 0.5
        step = np.zeros_like(points)
        step[:, 0] = (push * np.where(across, overlap[..., 0] * side[..., 0], 0.0)).sum(axis=1)
        step[:, 1] = (push * np.where(across, 0.0, overlap[..., 1] * side[..., 1])).sum(axis=1)
        points = np.clip(points + step * (0.6 if turn < PUSHES // 2 else 0.35), low, high)
    return points
