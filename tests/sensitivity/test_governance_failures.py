"""A governance sweep with runs that go non-finite: refused by name, or left out as whole blocks and counted."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from alliance_dynamics.errors import PartialError, RunError
from alliance_dynamics.futures import Futures
from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.model.expression import Binary, Call, Number, Reference
from alliance_dynamics.model.model import Model
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.sensitivity.governance import Kept, governance_sensitivity
from alliance_dynamics.simulate import program_of
from alliance_dynamics.sweeps.executors import Workers

LIMIT = 0.8


@cache
def fragile() -> Model:
    """The alliance model, in which trust has no value once selection power passes a limit."""
    model = open_model("alliance")
    trust = model.variables["alliance_trust"]
    root = Call("sqrt", (Binary("-", Number(LIMIT), Reference("selection_power")),))
    term = Binary("*", Number(0.0), root)
    definitions = tuple(replace(each, expression=Binary("+", each.expression, term)) for each in trust.definitions)
    return replace(model, variables={**model.variables, "alliance_trust": replace(trust, definitions=definitions)})


def sweep(**options):
    model, parameters = fragile(), read_parameters()
    program = program_of(model)
    base = np.array(program.defaults)
    column = program.parameter_index["catch-up_speed"]
    posterior = np.linspace(0.01, 0.03, 8)[:, None]
    rows = np.repeat(base[None, :], 8, axis=0)
    rows[:, column] = posterior[:, 0]
    futures = Futures(program, rows, (np.array([column]),), posterior, (), base)
    levers = {name: parameters.levers[name] for name in ("selection_power", "voice_of_regions")}
    baseline = {program.parameter_index[each.constant]: each.low for each in levers.values()}
    nothing = {**baseline, program.parameter_index[parameters.levers["federal_appropriation"].constant]: 0.0}
    return governance_sensitivity(
        model,
        futures,
        levers,
        baseline=baseline,
        no_programme=nothing,
        policy_year=2026,
        points=16,
        replicates=2,
        seed=0,
        **options,
    )


@cache
def dropped():
    """The sweep without the blocks that have a failed run."""
    return sweep(on_fail="drop_block", max_failed=1.0)


def test_a_failed_run_is_an_error_that_names_run_time_and_variable():
    with pytest.raises(RunError, match=r"run failed: draw \d+, time 20\d\d.*alliance trust|selection"):
        sweep()


def test_whole_blocks_are_left_out_and_counted():
    found = dropped()
    design = found.design
    selection = design.rows()[:, 0].reshape(2, 2 * 3 + 2, 16)
    bad = (selection > LIMIT).any(axis=1)
    assert found.indices.dropped == bad.sum() > 0
    assert len(found.failed) >= (selection > LIMIT).sum()
    assert np.isfinite(found.indices.ST.value[..., 0]).any()
    assert "alliance trust" in found.failed[0][1] or "selection" in found.failed[0][1]


def test_more_than_allowed_is_an_error_of_its_own():
    with pytest.raises(PartialError, match="base points have a failed run") as raised:
        sweep(on_fail="drop_block", max_failed=0.05)
    assert raised.value.exit_code == 7


def test_the_folder_of_a_sweep_lists_what_failed_and_gives_the_same_numbers(tmp_path):
    kept = Kept(tmp_path / "sweep", Workers("threads", 1), 50)
    with pytest.raises(RunError):
        sweep(kept=kept)
    lines = (tmp_path / "sweep" / "failed.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "run,why" and len(lines) > 1
    again = sweep(kept=kept, on_fail="drop_block", max_failed=1.0)
    plain = dropped()
    assert np.array_equal(again.indices.ST.value, plain.indices.ST.value, equal_nan=True)
    assert [run for run, _ in again.failed] == [run for run, _ in plain.failed]
