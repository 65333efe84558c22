"""Groups of names that feed back on each other: strongly connected components of the links."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def components(count: int, links: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each of `count` names the number of its group; -1 for a name on no loop."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(links):
        return np.full(count, -1)
    matrix = coo_array((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(count, count)).tocsr()
    _, labels = connected_components(matrix, directed=True, connection="strong")
    sizes = np.bincount(labels)
    alone = sizes[labels] < 2
    alone[links[links[:, 0] == links[:, 1], 0]] = False
    return np.where(alone, -1, labels)
