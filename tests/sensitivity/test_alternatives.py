"""Regimes under other forms of the model: the default form is the comparison itself, a form moves the gaps."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from alliance_dynamics.futures import Futures
from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.regimes import run_regimes
from alliance_dynamics.scenarios import read_regimes
from alliance_dynamics.sensitivity.alternatives import DEFAULT, FORMS, regimes_by_form
from alliance_dynamics.simulate import program_of

OUTCOME, YEAR = "net_present_value", 2040


def futures() -> Futures:
    program = program_of(open_model("alliance"))
    base = np.array(program.defaults)
    column = program.parameter_index["catch-up_speed"]
    posterior = np.linspace(0.01, 0.03, 6)[:, None]
    rows = np.repeat(base[None, :], 6, axis=0)
    rows[:, column] = posterior[:, 0]
    return Futures(program, rows, (np.array([column]),), posterior, (), base)


@cache
def found():
    return regimes_by_form(open_model("alliance"), read_regimes(), futures(), read_parameters(), baseline="R1",
                           outcomes=[OUTCOME], years=[YEAR], draws=6)  # fmt: skip


def test_the_default_form_is_the_comparison_itself():
    runs = run_regimes(open_model("alliance"), read_regimes(), futures(), read_parameters())
    at = runs.of(OUTCOME, "alliance")[:, :, runs.years.tolist().index(YEAR)]
    names = [each.id for each in runs.regimes]
    gaps = at - at[names.index("R1")]
    for each in (each for each in found() if each.form == DEFAULT):
        assert each.gap == pytest.approx(np.median(gaps[names.index(each.regime)]), rel=1e-12, abs=0.0)
        assert each.gap_low <= each.gap <= each.gap_high


def test_every_form_says_something_of_every_regime_and_shares_add_up():
    assert {each.form for each in found()} == set(FORMS)
    for form in FORMS:
        mine = [each for each in found() if each.form == form]
        assert [each.regime for each in mine] == ["R0", "R1", "R2", "R3", "R4"]
        assert sum(each.best for each in mine) == pytest.approx(1.0)
        assert next(each for each in mine if each.regime == "R1").gap == 0.0


@pytest.mark.parametrize("form", [each for each in FORMS if each != DEFAULT])
def test_a_form_moves_the_gaps(form):
    by_regime = [{each.regime: each.gap for each in found() if each.form == name} for name in (DEFAULT, form)]
    assert by_regime[0]["R3"] != by_regime[1]["R3"]
