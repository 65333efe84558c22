"""Every sentence of checks.toml can fail: each is tried on a copy of the model that is broken where it matters."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.model.compose import compose
from alliance_dynamics.model.expression import Binary, Number, Reference
from alliance_dynamics.model.model import Model
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.reality import cases_of, evaluate, read_checks
from alliance_dynamics.resources import resource
from alliance_dynamics.simulate import program_of, run_model

CHECKS = {each.id: each for each in read_checks(resource("sdmodels/checks.toml"))}
SAMARA = Reference("initial_internal_r&d_expenditure", ("samara",))
# which equation is broken, and what is added to it: a number, or a multiple of what it must not depend on in that way
BROKEN = {
    "no_stock_below_zero": ("alliance_fund", -5.0, None),
    "shares_stay_shares": ("cluster_trust", 1.0, None),
    "nothing_before_the_policy_year": ("gross_regional_product", 1.0, "target_coordinating_staff_in_policy"),
    "small_effect_on_product": ("gross_regional_product", 10.0, "target_coordinating_staff"),
    "no_money_no_joint_projects": ("joint_r&d_expenditure", 1.0, None),
    "no_staff_deadlock": ("joint_share", 0.1, None),
    "no_staff_long_wait": ("decision_delay", -1e12, None),
    "voice_disarms_power": ("alliance_trust", -0.01, "imposition_erosion_rate"),
    "imposition_costs_trust": ("alliance_trust", 1.0, "imposition_erosion_rate"),
    "obsolescence_lowers_knowledge": ("knowledge_capital", 100.0, "knowledge_depreciation_rate"),
    "more_money_funds_no_less": ("funded_ratio", -0.5, "federal_appropriation"),
    "no_people_no_results": ("relative_r&d_results", 1.0, None),
    "no_funding_no_knowledge": ("absorptive_capacity", 1.0, None),
    "regions_apart": ("gross_regional_product", 1.0, SAMARA),
    "centralisation_loses_trust": ("alliance_trust", 1.0, "selection_power"),
    "fund_keeps_every_rouble": ("alliance_fund", 0.1, None),
    "people_are_conserved": ("r&d_personnel", 0.1, None),
    "trainees_are_conserved": ("r&d_trainees", 0.1, None),
    "knowledge_is_accounted_for": ("knowledge_capital", 0.1, None),
    "capital_is_accounted_for": ("physical_capital", 0.1, None),
    "results_are_accounted_for": ("results_backlog", 0.1, None),
    "patents_are_accounted_for": ("patents_pending", 0.1, None),
    "queue_is_accounted_for": ("proposals_at_federal_body", 0.1, None),
    "consensus_is_accounted_for": ("proposals_awaiting_consensus", 0.1, None),
    "sales_are_accounted_for": ("innovative_sales", 0.1, None),
    "public_money_is_accounted_for": ("cumulative_fiscal_cost", 0.1, None),
    "coordination_cost_is_accounted_for": ("cumulative_coordination_cost", 0.1, None),
    "rd_is_the_sum_of_its_parts": ("internal_r&d_expenditure", 1.0, None),
    "joint_and_solo_make_all": ("industry_r&d_expenditure", 1.0, None),
    "proposals_add_up": ("all_proposals", 0.1, None),
    "fractions_stay_fractions": ("joint_share", 2.0, None),
    "flows_do_not_run_backwards": ("hiring", -1e6, None),
    "alike_regions_stay_alike": ("gross_regional_product", 1.0, "region"),
    "no_target_no_joint_projects": ("joint_r&d_expenditure", 1.0, None),
    "no_selection_no_queue": ("proposals_at_federal_body", 1.0, None),
    "no_powers_no_imposition": ("imposed_power", 0.1, None),
    "staff_shortens_the_queue": ("decision_delay", 0.1, "coordinating_staff"),
    "staff_costs_money": ("administration_cost", -1.0, "coordinating_staff"),
    "brokers_serve_more": ("brokering_capacity", -1.0, "coordinating_staff"),
    "procedure_takes_its_time": ("decision_delay", -10.0, "statutory_decision_time"),
    "sharing_informs": ("information_quality", -1.0, "information_sharing_speed"),
    "voice_keeps_trust": ("alliance_trust", -1.0, "voice_of_regions"),
    "volatility_costs_trust": ("cluster_trust", 1.0, "programme_volatility"),
    "orientation_makes_links": ("interregional_link_density", -1.0, "interregional_orientation"),
    "aims_raise_proposals": ("all_proposals", -100.0, "target_joint_share"),
    "cluster_staff_serves": ("cluster_capacity", -1.0, "cluster_organisation_staff"),
    "withdrawal_of_support": ("all_joint_projects", -10.0, "federal_appropriation"),
    "links_outlive_support_but_fade": ("interregional_link_density", -0.1, "federal_appropriation"),
    "dear_research_shrinks_staff": ("r&d_personnel", 1e5, "future_real_r&d_cost_growth"),
    "leavers_shrink_staff": ("r&d_personnel", 1e5, "r&d_staff_attrition_rate"),
    "no_intake_no_trainees": ("r&d_trainees", -1e5, "trainee_intake_rate"),
    "growth_of_the_country_lifts_regions": ("gross_regional_product", -1e5, "future_national_growth"),
    "nothing_is_unlearned": ("technology_adoption_index", -1.0, None),
    "wear_lowers_capital": ("physical_capital", 1e4, "capital_depreciation_rate"),
    "lasting_ties_last": ("interregional_link_density", -1.0, "interregional_tie_life"),
    "self_financing_firms_research_more": ("r&d_funding_of_firms", -1e3, "private_funding_share"),
    "small_staff_strong_powers_wait": ("decision_delay", -100.0, "selection_power"),
    "informed_body": ("information_quality", -1.0, "coordinating_staff"),
}


@cache
def model() -> Model:
    return open_model("alliance")


def broken(name: str, factor: float, what: str | Reference | None) -> Model:
    variable = model().variables[name]
    dimensions = model().variables[what].dimensions if isinstance(what, str) and what in model().variables else ()
    term = Number(1.0) if what is None else Reference(what, dimensions) if isinstance(what, str) else what
    added = Binary("*", Number(factor), term)
    definitions = tuple(replace(each, expression=Binary("+", each.expression, added)) for each in variable.definitions)
    return replace(model(), variables={**model().variables, name: replace(variable, definitions=definitions)})


def test_every_check_has_a_model_that_breaks_it():
    assert set(BROKEN) == set(CHECKS) and len(CHECKS) >= 40


@pytest.mark.parametrize("name", CHECKS)
def test_a_broken_model_fails_its_check(name):
    (found,) = evaluate(broken(*BROKEN[name]), [CHECKS[name]], draws=0)
    assert not found.holds and found.worst.endswith("defaults")


def test_all_checks_hold_at_the_defaults_the_corners_and_in_draws():
    found = evaluate(model(), list(CHECKS.values()), draws=40)
    assert [each.id for each in found if not each.holds] == []
    assert min(each.cases for each in found) > 300


def test_cases_are_the_defaults_the_corners_and_draws_that_a_seed_repeats():
    program, parameters = program_of(model()), read_parameters()
    one, two, other = (cases_of(program, parameters, draws=5, seed=seed) for seed in (0, 0, 3))
    assert np.array_equal(one.rows, two.rows) and not np.array_equal(one.rows[-5:], other.rows[-5:])
    assert np.array_equal(one.rows[0], program.defaults)
    columns = [each.column for each in one.assumptions]
    low, high = np.array([each.low for each in one.assumptions]), np.array([each.high for each in one.assumptions])
    assert np.array_equal(one.rows[1, columns], low) and np.array_equal(one.rows[2, columns], high)
    assert np.all(
        (one.rows[:, columns] >= low) & (one.rows[:, columns] <= high) | (one.rows == one.rows[0])[:, columns]
    )
    single = one.rows[3 : 3 + 2 * len(columns)] != one.rows[0]
    assert single.sum(axis=1).max() == 1


def test_results_do_not_depend_on_threads():
    some = [CHECKS[each] for each in ("small_effect_on_product", "staff_shortens_the_queue")]
    assert evaluate(model(), some, draws=70, jobs=1) == evaluate(model(), some, draws=70, jobs=3)


def test_zero_coordination_equals_the_sum_of_the_parts():
    """With ties that neither form nor fade and no programme, the alliance is the two subsystems side by side."""
    off = {
        "programme_coverage": 0.0, "interregional_orientation": 0.0, "federal_matching_share": 0.0,
        "regional_co-funding_share": 0.0, "target_joint_share": 0.0, "information_sharing_speed": 0.1,
        "target_coordinating_staff": 0.0, "cluster_organisation_staff": 0.0, "voice_of_regions": 1.0,
        "programme_volatility": 0.0, "federal_appropriation": 0.0,
    }  # fmt: skip
    still = {f"{name}_{when}": value for name, value in off.items() for when in ("in_history", "in_policy")}
    still |= {f"{power}_power_in_policy": 0.0 for power in ("selection", "agenda", "information", "arbitration")}
    still |= {"spontaneous_local_link_rate": 0.0, "spontaneous_interregional_link_rate": 0.0,
              "cluster_link_rate": 0.0, "brokered_link_rate": 0.0,
              "local_tie_life": 1e15, "interregional_tie_life": 1e15}  # fmt: skip
    parts = compose([open_model("regional_innovation"), open_model("industrial_innovation")], "parts")
    whole, apart = run_model(model(), set=still), run_model(parts)
    for name in ("gross_regional_product", "knowledge_capital", "r&d_personnel", "innovative_goods_volume"):
        of_whole, of_parts = (
            run.values[:, [j for j, each in enumerate(program_of(m).outputs) if each.partition("[")[0] == name]]
            for run, m in ((whole, model()), (apart, parts))
        )
        assert of_parts.shape[1] >= 4
        np.testing.assert_allclose(of_whole, of_parts, rtol=1e-9)
