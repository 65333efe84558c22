"""Quick calibrations that were made before, in the user's cache folder.

Several commands start from the same quick calibration, and the same inputs give the same bits: it is made once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import Any

import alliance_dynamics
from alliance_dynamics.calibration.calibration import Calibration
from alliance_dynamics.calibration.problem import Problem
from alliance_dynamics.calibration.setup import set_up
from alliance_dynamics.manifest import environment, hash_files
from alliance_dynamics.model.cache import cache_folder, keep, kept
from alliance_dynamics.model.model import Model
from alliance_dynamics.study.record import from_bytes, to_bytes

LAST_FITTED_YEAR = 2030
MOST = 8  # calibrations kept

_anew: ContextVar[bool] = ContextVar("anew", default=False)


@contextmanager
def computed_anew() -> Iterator[None]:
    """Within it nothing is remembered: a verification computes for itself."""
    token = _anew.set(True)
    try:
        yield
    finally:
        _anew.reset(token)


def sources_of(model: Model, task: Problem) -> dict[str, Any]:
    """All that a calibration follows from but its size and seed, as hashes: our code and the libraries too."""
    return {
        "code": hash_files(Path(alliance_dynamics.__file__).parent, "**/*.py"),
        "environment": environment(),
        "model": model.hash,
        "problem": hash_files(task.folder),
    }


def without_setup(fitted: Calibration) -> Calibration:
    """What a calibration found, without the model that it is about."""
    return replace(fitted, setup=None)  # type: ignore[arg-type]


def with_setup(model: Model, task: Problem, jobs: int, found: Calibration) -> Calibration:
    """The calibration again about its model."""
    return replace(found, setup=set_up(model, task, last_year=LAST_FITTED_YEAR, jobs=jobs))


def recall(inputs: Mapping[str, Any], model: Model, task: Problem, jobs: int) -> Calibration | None:
    """The calibration that was made from these inputs before, if it is kept and whole."""
    content = None if _anew.get() else kept(_file(inputs))
    if content is None:
        return None
    with suppress(ValueError):
        return with_setup(model, task, jobs, from_bytes(content))
    return None


def remember(inputs: Mapping[str, Any], fitted: Calibration) -> None:
    """Keep a calibration; a cache that cannot be written is no error."""
    keep(_file(inputs), to_bytes(without_setup(fitted)), most=MOST)


def _file(inputs: Mapping[str, Any]) -> Path:
    key = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
    return cache_folder() / "calibrations" / f"{key}.npz"
