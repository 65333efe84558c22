"""The runs of a governance sweep: shared pasts change no bit, and levers that act in the past are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from alliance_dynamics.errors import UsageError
from alliance_dynamics.futures import Assumption, Futures
from alliance_dynamics.kernel.integrate import compile_kernel
from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.sensitivity.design import sobol_design
from alliance_dynamics.sensitivity.governance import (
    _factors,
    _series,
    governance_sensitivity,
)
from alliance_dynamics.sensitivity.governance_plan import GovernancePlan
from alliance_dynamics.simulate import program_of
from alliance_dynamics.sweeps.task import run_rows

POINTS = 4


def parts(levers=("selection_power", "programme_coverage")):
    model, parameters = open_model("alliance"), read_parameters()
    program = program_of(model)
    base = np.array(program.defaults)
    column = program.parameter_index["catch-up_speed"]
    posterior = np.linspace(0.01, 0.03, 8)[:, None]
    assumption = Assumption("discount_rate", program.parameter_index["discount_rate"], 0.03, 0.07)
    futures = Futures(program, base[None, :], (np.array([column]),), posterior, (assumption,), base)
    chosen = {name: parameters.levers[name] for name in levers}
    baseline = {program.parameter_index[each.constant]: each.low for each in chosen.values()}
    money = program.parameter_index[parameters.levers["federal_appropriation"].constant]
    return model, futures, chosen, baseline, {**baseline, money: 0.0}


def plan(dt: float = 0.125, columns=None) -> GovernancePlan:
    model, futures, levers, baseline, nothing = parts()
    design = sobol_design(_factors(levers, futures, False), points=POINTS, replicates=2, seed=0)
    columns = columns or [futures.program.parameter_index[each.constant] for each in levers.values()]
    return GovernancePlan(
        model, design, futures, [baseline, nothing], columns, *_series(model), policy_year=2026, dt=dt
    )


def test_the_runs_of_the_task_are_those_of_whole_runs():
    made = plan()
    found = run_rows(made.task, 0, made.rows(0, made.runs))
    series, chosen = _series(made.model)
    kernel = compile_kernel(made.futures.program, series.outputs)
    whole = kernel.run(made.whole_rows(0, made.runs), made.whole, method=made.model.time.method)
    levels = whole.values[:, -len(made.years) :]
    expected = np.zeros_like(found.values)
    for s, column in enumerate(series.weights[:, chosen].T):
        for o in np.flatnonzero(column):
            expected[..., s] += column[o] * levels[..., o]
    assert (found.failed < 0).all()
    np.testing.assert_allclose(found.values, expected, rtol=1e-10)  # fixed constants are folded


def test_every_run_is_compared_under_its_own_future():
    made = plan()
    rows = made.whole_rows(0, made.size)
    inputs = made.design.rows_per_replicate
    own, baseline, nothing = rows[:inputs], *np.split(rows[inputs:], 2)
    uncertain = [int(made.futures.calibrated[0][0]), made.futures.assumptions[0].column]
    for reference in (baseline, nothing):
        np.testing.assert_array_equal(own[:, uncertain], reference[made.back()][:, uncertain])
    for column, value in made.references[1].items():
        assert (nothing[:, column] == value).all()


def test_any_piece_of_the_rows_is_a_piece_of_all_rows():
    made = plan()
    whole = made.rows(0, made.runs)
    np.testing.assert_array_equal(made.rows(made.size - 7, 20), whole[made.size - 7 : made.size + 13])


def test_levers_that_act_before_the_policy_year_are_refused():
    model, futures, levers, _baseline, _nothing = parts()
    early = futures.program.parameter_index["catch-up_speed"]
    design = sobol_design(_factors(levers, futures, False), points=POINTS, replicates=1, seed=0)
    columns = [early, futures.program.parameter_index[levers["programme_coverage"].constant]]
    futures = replace(futures, calibrated=(np.array([futures.program.parameter_index["discount_rate"]]),))
    made = GovernancePlan(model, design, futures, [{early: 0.02}, {early: 0.02}], columns, *_series(model),
                          policy_year=2026, dt=0.125)  # fmt: skip
    with pytest.raises(UsageError, match="the levers act before 2026"):
        made.rows(0, 1)


def test_groups_share_the_variance_and_a_coarser_step_changes_little():
    model, futures, levers, baseline, nothing = parts()
    options = {"baseline": baseline, "no_programme": nothing, "policy_year": 2026, "points": 8, "replicates": 2,
               "seed": 0}  # fmt: skip
    grouped = governance_sensitivity(model, futures, levers, **options, grouped=True)
    assert grouped.indices.names == ("levers", "calibrated parameters", "uncertain assumptions")
    assert grouped.step_effect == 0.0
    coarse = governance_sensitivity(model, futures, levers, **options, coarser=2)
    assert coarse.dt == 0.25 and 0 < coarse.step_effect < 0.05
    assert [each.design.points for each in coarse.history] == [4, 8]
    assert set(coarse.verdicts) == set(map(str, coarse.indices.axes["outcome"])) and not coarse.settled


def test_the_benefit_per_rouble_has_no_index_before_money_is_spent():
    model, futures, levers, baseline, _nothing = parts()
    found = governance_sensitivity(model, futures, levers, baseline=baseline, no_programme=baseline, policy_year=2026,
                                   points=4, replicates=2, seed=0)  # fmt: skip
    share = found.indices.only("outcome", ["benefit_per_rouble"])
    assert np.isnan(share.ST.value).any()  # against itself the first base points cost nothing more
