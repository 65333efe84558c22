"""What is certainly wrong with a model before it is compiled; every reader ends with this."""

from __future__ import annotations

from alliance_dynamics.errors import Fault
from alliance_dynamics.model.model import Model


def check_model(model: Model, *, known: frozenset[str] = frozenset(), bare_arrays: bool = True) -> list[Fault]:
    return []
