"""What must hold of a model's behaviour: sentences tried over corners and draws of the parameter ranges."""

from alliance_dynamics.reality.cases import DRAWS, SEED, Cases, cases_of
from alliance_dynamics.reality.judge import CheckResult, evaluate
from alliance_dynamics.reality.runs import is_stock
from alliance_dynamics.reality.sentences import EVERY, Change, Check, read_checks

__all__ = [
    "DRAWS",
    "EVERY",
    "SEED",
    "Cases",
    "Change",
    "Check",
    "CheckResult",
    "cases_of",
    "evaluate",
    "is_stock",
    "read_checks",
]
