"""Every sentence of checks.toml holds of the alliance model, worked out a second way from plain runs."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.model.names import canonical
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.reality import EVERY, Change, Check, evaluate, read_checks
from alliance_dynamics.resources import resource
from alliance_dynamics.scenarios import find_regime, read_regimes
from alliance_dynamics.simulate import Run, run_model

CHECKS = read_checks(resource("sdmodels/checks.toml"))
PLAIN = [each for each in CHECKS if each.holds not in ("balance", "sum", "alike")]


@pytest.mark.parametrize("check", PLAIN, ids=lambda check: check.id)
def test_what_a_check_says_holds(check):
    regimes = [each.id for each in read_regimes()] if check.change.regime == EVERY else [check.change.regime]
    for regime in regimes:
        found = series(check.change, check, regime)
        assert found.size
        if check.holds == "at_least":
            assert found.min() >= check.value[0]
        elif check.holds == "at_most":
            assert found.max() <= check.value[0]
        elif check.holds == "within":
            assert check.value[0] <= found.min() and found.max() <= check.value[1]
        else:
            other = series(check.against, check, regime)
            gap, allowed = found - other, check.tolerance * np.abs(other)
            assert {
                "equals": np.all(np.abs(gap) <= allowed),
                "not_below": np.all(gap >= -allowed),
                "not_above": np.all(gap <= allowed),
                "below": np.all(gap < 0),
                "above": np.all(gap > 0),
            }[check.holds]


def test_all_hold_at_the_default_values_in_one_go():
    assert [each.id for each in evaluate(model(), CHECKS, draws=0) if not each.holds] == []


def test_ids_are_unique():
    assert len({each.id for each in CHECKS}) == len(CHECKS) >= 40


@cache
def model():
    return open_model("alliance")


def run(change: Change, regime: str) -> Run:
    parameters = read_parameters()
    own = find_regime(regime if change.regime == EVERY else change.regime, read_regimes(parameters=parameters))
    return run_model(model(), set=own.values(parameters) | change.set)


def series(change: Change, check: Check, regime: str):
    """The values `[time, column]` that a check speaks of."""
    ran = run(change, regime)
    stocks = [name for name, variable in model().variables.items() if variable.kind == "stock"]
    wanted = [each for name in check.variables for each in (stocks if name == "stocks" else [name])]
    names = [flat(label) for label in ran.columns]
    columns = [j for each in wanted for j, name in enumerate(names) if each in (name, name.split("[")[0])]
    first, last = check.over or (ran.times[0], ran.times[-1])
    return ran.values[(ran.times >= first) & (ran.times <= last)][:, columns]


def flat(label: str) -> str:
    """`"R&D personnel"[Nizhny Novgorod]` as `r&d_personnel[nizhny_novgorod]`."""
    base, bracket, inside = label.replace('"', "").partition("[")
    elements = ",".join(canonical(each) for each in inside.rstrip("]").split(","))
    return f"{canonical(base)}[{elements}]" if bracket else canonical(base)
