"""Costs and benefits: the model's accounts against their parts, and the table of regimes on equal terms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alliance_dynamics.accounts import AMPLE, APPROPRIATION, EQUAL, NATIVE, accounts, native_appropriations
from alliance_dynamics.errors import UsageError
from alliance_dynamics.futures import Futures, assumptions_of
from alliance_dynamics.kernel.flatten import flatten
from alliance_dynamics.model.built_in import MODULES, open_model
from alliance_dynamics.model.compose import compose
from alliance_dynamics.model.read import read_model
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.scenarios import read_regimes
from alliance_dynamics.settings import parameters_with
from alliance_dynamics.simulate import run_model

ROOT = Path(__file__).resolve().parents[1]
PARTS = {
    "federal money paid": "federal money paid",
    "regional money paid": '"regional co-funding share"*all joint projects',
    "staff": "staff cost",
    "clusters": "cluster post cost*cluster organisation staff*number of regions",
    "fund staff": "staff cost paid by fund",
    "appropriated": "federal appropriation",
    "lost in meetings": 'SUM(coordination overhead[Region!,Industry!]*"industry R&D expenditure"[Region!,Industry!])',
    "lost in projects": "joint project overhead*all joint projects",
    "product": "discount factor*SUM(gross regional product[Region!])",
    "money": "discount factor*fiscal cost rate",
}
REGIMES = read_regimes()


@pytest.fixture(scope="module")
def with_parts(tmp_path_factory):
    """The composed model with an account of its own for every part of the costs."""
    folder = tmp_path_factory.mktemp("parts")
    text = (ROOT / "sdmodels" / "coordination.mdl").read_text(encoding="utf-8")
    head, control, tail = text.partition("********************************************************\n\t.Control")
    assert control
    extra = "".join(f"account of {name}=INTEG({rate},0)\n\t~\tbn RUB\n\t~\t\n\t|\n\n" for name, rate in PARTS.items())
    (folder / "coordination.mdl").write_text(head + extra + control + tail, encoding="utf-8")
    return compose([*map(open_model, MODULES[:2]), read_model(folder / "coordination.mdl")], "alliance")


@pytest.mark.parametrize("regime", REGIMES, ids=lambda each: each.id)
@pytest.mark.parametrize("appropriation", [None, 0.0, 3.0])
def test_accounts_close_to_a_billionth(with_parts, regime, appropriation):
    levers = regime.levers if appropriation is None else {**regime.levers, APPROPRIATION: appropriation}
    constants = replace(regime, levers=levers).values(read_parameters())
    run = run_model(with_parts, set=constants)
    of = {name: run.values[:, run.columns.index(f"account of {name}")] for name in PARTS}
    total = {
        "cumulative fiscal cost": of["federal money paid"] + of["regional money paid"] + of["staff"] + of["clusters"],
        "cumulative coordination cost": of["lost in meetings"] + of["lost in projects"] + of["staff"] + of["clusters"],
        "alliance fund": of["appropriated"] - of["federal money paid"] - of["fund staff"],
        "present value of GRP": of["product"],
        "present value of fiscal cost": of["money"],
    }
    for name, parts in total.items():
        account = run.values[:, run.columns.index(name)]
        scale = max(1.0, np.abs(account).max())
        assert np.abs(account - parts).max() <= 1e-9 * scale, name


@pytest.fixture(scope="module")
def futures() -> Futures:
    """Three futures: the default values, and everything that has a range a fifth up or down its range."""
    model = open_model("alliance")
    program = flatten(model)
    base = parameters_with(model, program, {})
    rows = np.tile(base, (3, 1))
    found = assumptions_of(program, read_parameters(), ())
    for each in found:
        rows[1, each.column] += 0.2 * (each.high - rows[1, each.column])
        rows[2, each.column] += 0.2 * (each.low - rows[2, each.column])
    return Futures(program, rows, (), np.zeros((3, 0)), found, base)


def test_a_native_budget_is_what_the_regime_asks_for(futures):
    model, parameters = open_model("alliance"), read_parameters()
    found = native_appropriations(model, REGIMES, futures, parameters, until=2040)
    assert found["R0"] == 0.0
    for regime in REGIMES[1:]:
        rich = replace(regime, levers={**regime.levers, APPROPRIATION: AMPLE})
        middle = dict(zip(futures.program.parameter_index, np.median(futures.rows, axis=0), strict=False))
        run = run_model(model, set={**{k: v for k, v in middle.items() if k in _settable(model)},
                                    **rich.values(parameters)})  # fmt: skip
        years = (run.times > 2026) & (run.times <= 2040)
        asked = sum(run.values[years, run.columns.index(name)] for name in ("wanted federal money", "staff cost"))
        assert found[regime.id] == pytest.approx(asked.mean(), abs=0.005 + 1e-9)
        ratio = run.values[years, run.columns.index("funded ratio")]
        assert ratio.min() > 0.999


def _settable(model) -> set[str]:
    return {each.name for each in model.variables.values() if each.kind == "constant" and not each.dimensions}


def test_accounts_are_those_of_single_runs(futures):
    model, parameters = open_model("alliance"), read_parameters()
    found = accounts(model, REGIMES, futures, parameters, against="R0", years=(2040,), jobs=2)
    assert [(each.budget, each.regime) for each in found] == [
        (budget, f"R{i}") for budget in (EQUAL, NATIVE) for i in range(1, 5)
    ]
    again = accounts(model, REGIMES, futures, parameters, against="R0", years=(2040,), jobs=1)
    assert found == again
    one = replace(futures, rows=futures.rows[:1])
    for each in accounts(model, REGIMES, one, parameters, against="R0", years=(2040,)):
        regime = next(one for one in REGIMES if one.id == each.regime)
        own = replace(regime, levers={**regime.levers, APPROPRIATION: each.appropriation})
        here, none = (run_model(model, set=scenario.values(parameters)) for scenario in (own, REGIMES[0]))
        gap = {
            name: here.values[40, here.columns.index(name)] - none.values[40, none.columns.index(name)]
            for name in ("present value of GRP", "present value of fiscal cost", "cumulative coordination cost")
        }
        benefit, cost, coordination = gap.values()
        assert each.values["benefit"] == pytest.approx(benefit, rel=1e-9)
        assert each.values["cost"] == pytest.approx(cost, rel=1e-9)
        assert each.values["npv"] == pytest.approx(benefit - cost, rel=1e-9)
        assert each.values["per_rouble"] == pytest.approx(benefit / cost, rel=1e-9)
        assert each.values["coordination"] == pytest.approx(coordination, rel=1e-9)


def test_no_quotient_without_a_cost(futures):
    """A regime against itself under another name costs nothing more: the benefit per rouble is not defined."""
    model, parameters = open_model("alliance"), read_parameters()
    twin = replace(REGIMES[0], id="twin")
    (row, _) = (each.row() for each in accounts(model, (REGIMES[0], twin), futures, parameters, against="R0",
                                               years=(2050,)))  # fmt: skip
    assert row["npv"] == 0.0
    assert row["per_rouble"] is None
    assert row["share_defined"] == 0.0


def test_an_unknown_counterfactual_is_refused(futures):
    with pytest.raises(UsageError, match="no regime `R9`"):
        accounts(open_model("alliance"), REGIMES, futures, read_parameters(), against="R9", years=(2040,))
