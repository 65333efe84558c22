"""The three model texts fit together: units, comments, interfaces, baselines, and the parameter file."""

from __future__ import annotations

import re

import pytest
from model_texts import FILES, canonical, read_blocks

from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.outcomes import INDICATORS
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.scenarios import read_regimes
from alliance_dynamics.simulate import run_model

BLOCKS = {name: read_blocks(name) for name in FILES}
SHARED = {
    "initial_gross_regional_product", "initial_internal_r&d_expenditure", "reference_growth_rate", "driver_end_year",
    "one_year", "middle_of_the_year", "initial_time", "final_time", "time_step", "saveper",
}  # fmt: skip
DIMENSIONS = {"region", "industry", "partner", "other_industry"}
INTERFACE = {
    "industry_value_added", "initial_industry_value_added", "industry_r&d_expenditure",
    "initial_industry_r&d_expenditure", "relative_r&d_results", "gross_regional_product", "regional_science_knowledge",
    "initial_regional_science_knowledge", "researchers_per_real_rouble", "relative_infrastructure_intensity",
    "public_r&d_funding_index", "national_industry_demand_index", "own_r&d_funding", "r&d_results",
    "joint_r&d_results", "joint_r&d_expenditure", "public_money_in_joint_projects", "coordination_overhead",
    "joint_project_overhead", "local_link_density", "initial_local_link_density", "interregional_link_density",
    "initial_interregional_link_density", "priority_alignment", "initial_priority_alignment",
    "joint_project_productivity", "project_variety", "sectoral_knowledge_pool", "programme_coverage",
}  # fmt: skip
R1_TO_R4 = {
    "selection_power": (0, 0, 0.10, 0.45, 0.90), "agenda_power": (0, 0, 0.10, 0.45, 0.90),
    "information_power": (0, 0, 0.10, 0.45, 0.90), "arbitration_power": (0, 0, 0.10, 0.45, 0.90),
    "programme_coverage": (0, 0.35, 0.50, 0.70, 0.90), "interregional_orientation": (0, 0.05, 0.50, 0.70, 0.70),
    "federal_matching_share": (0, 0.35, 0.40, 0.45, 0.60), "regional_co-funding_share": (0, 0.20, 0.15, 0.10, 0.05),
    "target_joint_share": (0, 0.20, 0.25, 0.30, 0.30), "information_sharing_speed": (0.1, 0.3, 0.6, 1.5, 1.0),
    "statutory_decision_time": (0.3, 0.4, 0.5, 0.4, 0.9), "target_coordinating_staff": (0, 3, 10, 45, 25),
    "cluster_organisation_staff": (0, 12, 12, 10, 5), "voice_of_regions": (1, 0.8, 0.8, 0.7, 0.2),
    "programme_volatility": (0, 0.3, 0.3, 0.1, 0.1), "federal_appropriation": (0, 0.6, 0.6, 0.6, 0.6),
}  # fmt: skip


def test_every_equation_has_a_unit_and_a_comment():
    for name, blocks in BLOCKS.items():
        for block in blocks:
            assert block.comment, (name, block.name)
            assert block.unit or block.name in DIMENSIONS, (name, block.name)


def test_a_number_says_what_it_rests_on():
    words = re.compile(r"[Gg]rade [ABC]|Fixed|Normalisation|Input from|Switch|Lever:|regime R[01]|Assumption")
    for name, blocks in BLOCKS.items():
        for block in blocks:
            if block.is_constant and block.name not in ("initial_time", "final_time", "time_step", "saveper"):
                assert words.search(block.comment), (name, block.name)


def test_only_interface_and_shared_names_occur_in_two_files():
    seen: dict[str, list[str]] = {}
    for name, blocks in BLOCKS.items():
        for block in {block.name: block for block in blocks}.values():
            seen.setdefault(block.name, []).append(name)
    several = {name for name, files in seen.items() if len(files) > 1}
    assert several - DIMENSIONS <= SHARED | INTERFACE
    assert several >= INTERFACE


def test_every_input_has_one_file_that_computes_it():
    for name in INTERFACE:
        kinds = [block.is_constant for blocks in BLOCKS.values() for block in blocks if block.name == name]
        assert kinds.count(False) == 1 and kinds.count(True) >= 1, name


def test_shared_constants_and_units_are_equal_in_all_files():
    known = {}
    for blocks in BLOCKS.values():
        for block in blocks:
            if block.name in SHARED:
                assert known.setdefault(block.name, (block.unit, block.values)) == (block.unit, block.values)
            if block.name in INTERFACE:
                assert known.setdefault(block.name, block.unit) == block.unit


def test_baselines_are_what_the_other_modules_compute_for_2000():
    computed: dict[str, float] = {}
    for name in FILES:
        run = run_model(open_model(name), stop=2000.125)
        own = {block.name for block in BLOCKS[name] if not block.is_constant}
        first = dict(zip(run.columns, run.values[0], strict=True))
        computed |= {flat: value for flat, value in first.items() if canonical(flat.split("[")[0]) in own & INTERFACE}
    checked = 0
    for name in FILES:
        run = run_model(open_model(name), stop=2000.125)
        constants = {block.name for block in BLOCKS[name] if block.is_constant}
        for flat, value in zip(run.columns, run.values[0], strict=True):
            if canonical(flat.split("[")[0]) in constants and flat in computed:
                assert value == pytest.approx(computed[flat], rel=1e-12, abs=1e-12), flat
                checked += 1
    assert checked > 100


def test_the_composed_model_starts_as_each_module_alone():
    whole = run_model(open_model("alliance"), stop=2000.125)
    joined = dict(zip(whole.columns, whole.values[0], strict=True))
    for name in FILES:
        run = run_model(open_model(name), stop=2000.125)
        for flat, value in zip(run.columns, run.values[0], strict=True):
            assert joined[flat] == pytest.approx(value, rel=1e-9, abs=1e-12), flat


def test_the_parameter_file_has_every_constant_with_the_value_and_unit_of_the_models():
    parameters = read_parameters()
    constants = {block.name: block for blocks in BLOCKS.values() for block in blocks if block.is_constant}
    assert set(parameters.constants) == set(constants)
    for name, block in constants.items():
        card = parameters.constants[name]
        assert card.unit == block.unit, name
        assert list(card.values.values()) == [value for row in block.values for value in row], name
        modules = [file for file in FILES if any(b.name == name and b.is_constant for b in BLOCKS[file])]
        assert card.module == ", ".join(modules), name
        assert card.why and card.labels.keys() == {"en", "ru"}, name


def test_the_order_of_elements_in_the_parameter_file_is_that_of_the_models():
    model = open_model("alliance")
    regions, industries = (model.dimensions[name].elements for name in ("region", "industry"))
    values = read_parameters().constants["industry_share_of_grp"].values
    assert list(values) == [f"industry_share_of_grp[{r},{i}]" for r in regions for i in industries]


def test_names_that_reports_show_are_variables_and_elements_of_the_models():
    parameters, model = read_parameters(), open_model("alliance+extended")
    known = set(model.variables) | {indicator.name for indicator in INDICATORS}
    assert set(parameters.variables) <= known and len(parameters.variables) >= 40
    assert set(parameters.elements) == {
        element for name in ("region", "industry") for element in model.dimensions[name].elements
    }


def test_the_regimes_are_the_published_table_of_levers():
    parameters = read_parameters()
    regimes = read_regimes(parameters=parameters)
    assert [regime.id for regime in regimes] == ["R0", "R1", "R2", "R3", "R4"]
    assert set(parameters.levers) == set(R1_TO_R4)
    for k, regime in enumerate(regimes):
        assert regime.levers == {name: values[k] for name, values in R1_TO_R4.items()}
        assert regime.titles.keys() == regime.stories.keys() == {"en", "ru"} and regime.because


def test_the_default_policy_continues_history():
    constants = {block.name: block.values for block in BLOCKS["coordination"] if block.is_constant}
    for name, values in R1_TO_R4.items():
        assert constants[f"{name}_in_policy"] == [[values[1]]]
        if not name.endswith("_power"):
            assert constants[f"{name}_in_history"] == [[values[1]]]
            assert constants[f"{name}_before_programme"] == [[values[0]]]


def test_the_first_point_of_the_investment_share_is_the_initial_share():
    constants = {block.left: block for block in BLOCKS["industrial_innovation"]}
    points = [
        float(re.search(r"\(2000,([\d.]+)\)", block.right.split("],", 1)[1]).group(1))
        for left, block in constants.items()
        if left.startswith("investment share lookup")
    ]
    assert points == constants["initial investment share[Region]"].values[0]
