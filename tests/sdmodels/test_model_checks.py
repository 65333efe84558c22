"""Every sentence of checks.toml holds of the alliance model."""

from __future__ import annotations

import tomllib
from functools import cache

import numpy as np
import pytest
from model_texts import FOLDER

from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.model.names import canonical
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.scenarios import find_regime, read_regimes
from alliance_dynamics.simulate import Run, run_model

DOCUMENT = tomllib.loads((FOLDER / "checks.toml").read_text(encoding="utf-8"))
KEYS = {"id", "en", "ru", "regime", "set", "against", "variables", "over", "holds", "value", "tolerance"}
HOLDS = {"at_least", "at_most", "within", "equals", "below", "above", "not_below"}


@pytest.mark.parametrize("check", DOCUMENT["check"], ids=lambda check: check["id"])
def test_what_a_check_says_holds(check):
    found = series(run(check), check)
    holds, value, tolerance = check["holds"], check.get("value"), check.get("tolerance", 0.0)
    assert found.size
    if holds == "at_least":
        assert found.min() >= value
    elif holds == "at_most":
        assert found.max() <= value
    elif holds == "within":
        assert value[0] <= found.min() and found.max() <= value[1]
    else:
        other = series(run(check["against"]), check)
        gap = found - other
        if holds == "equals":
            assert np.all(np.abs(gap) <= tolerance * np.abs(other))
        elif holds == "not_below":
            assert np.all(gap >= -tolerance * np.abs(other))
        else:
            assert np.all(gap < 0) if holds == "below" else np.all(gap > 0)


def test_checks_use_the_small_vocabulary_only():
    for check in DOCUMENT["check"]:
        assert set(check) <= KEYS and check["holds"] in HOLDS, check["id"]
        assert ("against" in check) == (check["holds"] in {"equals", "below", "above", "not_below"}), check["id"]
    identities = [check["id"] for check in DOCUMENT["check"]]
    assert len(set(identities)) == len(identities) >= 12


@cache
def model():
    return open_model("alliance")


def run(change: dict) -> Run:
    parameters = read_parameters()
    regime = find_regime(change["regime"], read_regimes(parameters=parameters))
    return run_model(model(), set=regime.values(parameters) | change.get("set", {}))


def series(ran: Run, check: dict):
    """The values `[time, column]` that a check speaks of."""
    stocks = [name for name, variable in model().variables.items() if variable.kind == "stock"]
    wanted = [each for name in check["variables"] for each in (stocks if name == "stocks" else [name])]
    names = [flat(label) for label in ran.columns]
    columns = [j for each in wanted for j, name in enumerate(names) if each in (name, name.split("[")[0])]
    first, last = check.get("over", (ran.times[0], ran.times[-1]))
    return ran.values[(ran.times >= first) & (ran.times <= last)][:, columns]


def flat(label: str) -> str:
    """`"R&D personnel"[Nizhny Novgorod]` as `r&d_personnel[nizhny_novgorod]`."""
    base, bracket, inside = label.replace('"', "").partition("[")
    elements = ",".join(canonical(each) for each in inside.rstrip("]").split(","))
    return f"{canonical(base)}[{elements}]" if bracket else canonical(base)
