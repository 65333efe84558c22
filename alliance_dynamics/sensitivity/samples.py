"""Samples handed in by a user: arrays of finite numbers of the right length, or a fault naming the first bad row."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alliance_dynamics.errors import UsageError, fault


def sample_of(values: ArrayLike, *, rows: int | None = None) -> NDArray[np.float64]:
    """The values as floats [row, ...]; refused where there are none, too few, too many, or one is not finite."""
    found = np.asarray(values, dtype=np.float64)
    if found.ndim == 0 or not found.size:
        raise UsageError(fault("", "there are no values", expected="one row per run"))
    if rows is not None and len(found) != rows:
        raise UsageError(fault("", "there are {found} rows", expected="{rows} rows", found=len(found), rows=rows))
    bad = np.nonzero(~np.isfinite(found.reshape(len(found), -1)).all(axis=1))[0]
    if bad.size:
        raise UsageError(
            fault("", "row {row} is not finite ({count} such rows)", expected="finite numbers",
                  remedy="Leave out or mend the failed runs first; they are never replaced", row=int(bad[0]),
                  count=len(bad))
        )  # fmt: skip
    return found
