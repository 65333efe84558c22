"""Published initial values, published reference results, and the fit before any calibration."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.scenarios import find_regime, read_regimes
from alliance_dynamics.simulate import run_model

REGIONS = ("Tatarstan", "Bashkortostan", "Nizhny Novgorod", "Samara")
CELLS = {
    "initial physical capital": "128.88/68.23 147.69/61.54 88.52/177.05 114.04/209.06",
    "initial knowledge capital": "8.123/5.077 5.300/2.650 11.535/51.906 5.802/31.913",
    "initial solo R&D in progress": "2.762/1.726 1.802/.901 3.922/17.648 1.973/10.850",
    "initial results backlog": "1.794/1.121 1.170/.585 2.547/11.460 1.281/7.046",
    "initial innovative sales": "13.917/10.121 5.527/3.224 4.348/8.696 14.082/75.102",
    "R&D results": "1.3810/0.8631 0.9010/0.4505 1.9609/8.8241 0.9864/5.4252",
    "industry value added": "47.610/25.205 49.529/20.637 29.927/59.854 31.174/57.153",
    "industry R&D expenditure": "1.4362/0.8976 0.9370/0.4685 2.0393/9.1770 1.0259/5.6422",
}
BY_REGION = {
    "regional science knowledge": "12.567 9.370 91.770 35.905",
    "innovation infrastructure": "10.502 7.739 8.016 9.742",
    "initial rest of economy": "487.30 342.57 337.75 431.24",
    "potential members": "157.5 127.5 157.5 90",
    "gross regional product": "560.12 412.74 427.53 519.57",
    "R&D trainees": "2743 2025 746 1669",
}


@cache
def run(regime: str):
    parameters = read_parameters()
    chosen = find_regime(regime, read_regimes(parameters=parameters))
    # the published figures read the driver series at the beginning of the year
    return run_model(open_model("alliance"), set={**chosen.values(parameters), "middle of the year": 0.0})


def value(regime: str, column: str, year: int) -> float:
    ran = run(regime)
    return float(ran.values[list(ran.times).index(year), ran.columns.index(column)])


def agrees(found: float, printed: str) -> bool:
    """Within a unit of the last printed digit or of the fourth digit: the table rests on data of four digits."""
    digits = len(printed.partition(".")[2])
    return abs(found - float(printed)) <= max(1.01 * 10.0**-digits, 2e-4 * float(printed))


@pytest.mark.parametrize("name", CELLS)
def test_initial_values_of_cells_are_the_published_ones(name):
    for region, pair in zip(REGIONS, CELLS[name].split(), strict=True):
        for industry, printed in zip(("Petrochemicals", "Machinery"), pair.split("/"), strict=True):
            assert agrees(value("R1", f"{name}[{region},{industry}]", 2000), printed), (region, industry)


@pytest.mark.parametrize("name", BY_REGION)
def test_initial_values_of_regions_are_the_published_ones(name):
    for region, printed in zip(REGIONS, BY_REGION[name].split(), strict=True):
        assert agrees(value("R1", f"{name}[{region}]", 2000), printed), region


def test_spill_in_coefficients_lie_in_the_published_span():
    found = [
        value("R1", f"spill-in coefficient[{region},{industry}]", 2000)
        for region in REGIONS
        for industry in ("Petrochemicals", "Machinery")
    ]
    assert (min(found), max(found)) == (pytest.approx(0.198, abs=0.001), pytest.approx(0.222, abs=0.001))


def test_twice_the_knowledge_of_partners_yields_the_spill_in_moment_in_every_cell():
    for region in REGIONS:
        for industry in ("Petrochemicals", "Machinery"):
            at = f"[{region},{industry}]"
            own, outside, partner = (
                value("R1", name + at, 2000)
                for name in ("knowledge capital", "external knowledge", "partner knowledge")
            )
            gain = ((1 + (outside + 0.5 * partner) / own) / (1 + outside / own)) ** 0.3 - 1
            assert gain == pytest.approx(0.025, abs=1e-9)


@pytest.mark.parametrize(
    ("regime", "tatarstan", "all_four", "worth", "cost", "near"),
    [
        ("R1", 0.021, 0.025, 5.9, 7.3, 0.02),
        ("R2", 0.035, 0.041, 9.8, 9.6, 0.10),
        ("R3", 0.050, 0.059, 17.7, 12.1, 0.02),
        ("R4", 0.015, 0.018, 9.6, 10.8, 0.15),
    ],
)
def test_effects_on_product_in_2040_are_near_the_reference_run(regime, tatarstan, all_four, worth, cost, near):
    """Per cent of GRP against no programme, and bn RUB discounted to 2026.  The reference used four digits of data."""
    grp = {name: [value(name, f"gross regional product[{r}]", 2040) for r in REGIONS] for name in ("R0", regime)}
    assert 100 * (grp[regime][0] / grp["R0"][0] - 1) == pytest.approx(tatarstan, rel=near)
    assert 100 * (sum(grp[regime]) / sum(grp["R0"]) - 1) == pytest.approx(all_four, rel=near)
    gap = {
        name: value(regime, name, 2040) - value("R0", name, 2040)
        for name in ("present value of GRP", "present value of fiscal cost")
    }
    assert gap["present value of GRP"] == pytest.approx(worth, rel=near)
    assert gap["present value of fiscal cost"] == pytest.approx(cost, rel=near)


def test_the_alliance_grows_and_then_runs_out_of_money():
    shares = [value("R3", "joint share[Tatarstan,Machinery]", year) for year in range(2026, 2041)]
    assert max(shares) == pytest.approx(0.089, abs=0.002) and shares[-1] == pytest.approx(0.025, abs=0.001)
    assert value("R3", "interregional link density[Tatarstan,Machinery]", 2040) == pytest.approx(0.17, abs=0.006)
    assert value("R3", "alliance trust[Machinery]", 2040) == pytest.approx(0.41, abs=0.005)
    assert value("R3", "funded ratio", 2040) == pytest.approx(0.53, abs=0.02)


def test_money_that_nobody_asks_for_is_kept():
    assert value("R0", "alliance fund", 2040) == pytest.approx(5.2, abs=0.05)
    assert value("R1", "alliance fund", 2040) == pytest.approx(7.4, abs=0.1)


def test_money_people_and_product_are_conserved():
    """Year means of flows are not saved, so the balance is struck step by step over three years."""
    model = open_model("alliance")
    parameters = read_parameters()
    levers = find_regime("R3", read_regimes(parameters=parameters)).values(parameters)
    ran = run_model(model, set=levers, stop=2030, saveper=0.125, method="euler")
    column = {name: ran.values[:, j] for j, name in enumerate(ran.columns)}
    steps = slice(26 * 8, 29 * 8)
    paid = column["federal appropriation"] - column["federal money paid"] - column["staff cost paid by fund"]
    assert np.sum(paid[steps]) / 8 == pytest.approx(column["alliance fund"][29 * 8] - column["alliance fund"][26 * 8])
    for r in REGIONS:
        net = column[f"hiring[{r}]"] - column[f"R&D staff attrition[{r}]"]
        staff = column[f"R&D personnel[{r}]"]
        assert np.sum(net[steps]) / 8 == pytest.approx(staff[29 * 8] - staff[26 * 8], rel=1e-9, abs=1e-6)
        parts = sum(column[f"industry value added[{r},{i}]"] for i in ("Petrochemicals", "Machinery"))
        assert column[f"gross regional product[{r}]"] == pytest.approx(
            parts + column[f"rest of economy value added[{r}]"], rel=1e-12
        )
        for i in ("Petrochemicals", "Machinery"):
            spent = column[f"industry R&D expenditure[{r},{i}]"]
            sources = (
                column[f"R&D funding of firms[{r},{i}]"]
                + column[f"federal R&D funding[{r},{i}]"]
                + column[f"public money in joint projects[{r},{i}]"]
            )
            assert spent == pytest.approx(sources, rel=1e-9)


STILL = {
    "regional_innovation": {
        "reference growth rate": 0.0, "flat national drivers switch": 1.0, "real R&D cost growth": 0.0,
        "future real R&D cost growth": 0.0, "open market hiring rate": 0.12,
    },
    "industrial_innovation": {
        "reference growth rate": 0.0, "flat investment share switch": 1.0, "frontier growth": 0.0,
        "catch-up speed": 0.0,
    },
    "coordination": {},
}  # fmt: skip


@pytest.mark.parametrize("module", STILL)
def test_a_module_with_frozen_drivers_stays_where_it_starts(module):
    model, set_ = open_model(module), dict(STILL[module])
    if module == "industrial_innovation":
        for region, ratio in zip(REGIONS, (2.706592, 2.981506, 2.958225, 3.65849), strict=True):
            set_ |= {
                f"flat investment share[{region}]": 0.06 * ratio,
                f"initial investment share[{region}]": 0.06 * ratio,
            }
    if module == "coordination":
        for name in model.variables:
            for now in ("_in_history", "_in_policy"):
                if name.endswith(now) and f"{name.removesuffix(now)}_before_programme" in model.variables:
                    set_[name] = read_parameters().constants[f"{name.removesuffix(now)}_before_programme"].value
    ran = run_model(model, set=set_)
    accounts = ("cumulative", "present value", "alliance fund", "powers in force")
    stocks = {variable.label for variable in model.variables.values() if variable.kind == "stock"}
    still = [name for name in ran.columns if (label := name.split("[")[0]) in stocks and not label.startswith(accounts)]
    assert {name.split("[")[0] for name in still} >= {label for label in stocks if not label.startswith(accounts)}
    for name in still:
        path = ran.values[:, ran.columns.index(name)]
        assert path == pytest.approx(path[0], rel=1e-9, abs=1e-12), name
