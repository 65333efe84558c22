"""The parts of PySD that the reader stands on are as they were when it was written."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from pysd.translators.structures import abstract_expressions, abstract_model
from pysd.translators.vensim import vensim_element, vensim_utils
from pysd.translators.vensim.vensim_structures import parsing_ops

STRUCTURES = {
    "ArithmeticStructure": "operators arguments",
    "LogicStructure": "operators arguments",
    "SubscriptsReferenceStructure": "subscripts",
    "ReferenceStructure": "reference subscripts",
    "CallStructure": "function arguments",
    "GameStructure": "expression",
    "AllocateAvailableStructure": "request pp avail",
    "AllocateByPriorityStructure": "request priority size width supply",
    "InitialStructure": "initial",
    "IntegStructure": "flow initial non_negative",
    "DelayStructure": "input delay_time initial order",
    "DelayNStructure": "input delay_time initial order",
    "DelayFixedStructure": "input delay_time initial",
    "SmoothStructure": "input smooth_time initial order",
    "SmoothNStructure": "input smooth_time initial order",
    "TrendStructure": "input average_time initial_trend",
    "ForecastStructure": "input average_time horizon initial_trend",
    "SampleIfTrueStructure": "condition input initial",
    "LookupsStructure": "x y x_limits y_limits type",
    "InlineLookupsStructure": "argument lookups",
    "DataStructure": "",
    "GetLookupsStructure": "file tab x_row_or_col cell",
    "GetDataStructure": "file tab time_row_or_col cell",
    "GetConstantsStructure": "file tab cell",
    "AbstractComponent": "subscripts ast type subtype",
    "AbstractUnchangeableConstant": "subscripts ast type subtype",
    "AbstractLookup": "subscripts ast type subtype arguments",
    "AbstractData": "subscripts ast type subtype keyword",
    "AbstractElement": "name components units limits documentation",
    "AbstractControlElement": "name components units limits documentation",
    "AbstractSubscriptRange": "name subscripts mapping",
    "AbstractConstraint": "name subscripts expression",
    "AbstractTestInput": "name subscripts expression",
    "AbstractSection": "name path type params returns subscripts elements constraints test_inputs split views_dict",
    "AbstractModel": "original_path sections",
}
VISITED = {
    "EquationVisitor": "visit_neg_expr visit_exp_expr visit_call visit_reference visit_arguments visit_string "
    "visit_expr visit_array visit_tabbed_array_call visit_lookup_with_def visit_nan",
    "LookupsVisitor": "visit_regularLookup visit_excelLookup",
    "ElementsComponentVisitor": "visit_component visit_data_definition visit_lookup_definition visit_name",
}


def test_the_syntax_tree_has_the_fields_that_we_know():
    found = {
        name: " ".join(field.name for field in dataclasses.fields(each))
        for module in (abstract_expressions, abstract_model)
        for name, each in vars(module).items()
        if isinstance(each, type) and dataclasses.is_dataclass(each)
    }
    assert found == STRUCTURES


@pytest.mark.parametrize("name", VISITED)
def test_the_visitors_have_the_methods_that_we_replace(name):
    missing = [each for each in VISITED[name].split() if not hasattr(getattr(vensim_element, name), each)]
    assert missing == []


def test_the_grammars_have_the_rules_that_we_visit():
    rules = {
        "components": "exp_expr neg_expr call reference arguments string expr array lookup_with_def nan limits",
        "lookups": "regularLookup excelLookup limits",
        "element_object": "component unchangeable_constant lookup_definition empty_data_definition subscript_list",
    }
    for grammar, names in rules.items():
        found = vensim_utils.Grammar.get(grammar, parsing_ops if grammar == "components" else {})
        assert set(names.split()) <= set(found)


def test_one_file_of_the_package_imports_pysd():
    package = Path(__file__).parents[2] / "alliance_dynamics"
    users = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if any(line.strip().startswith(("import pysd", "from pysd")) for line in path.read_text("utf-8").splitlines())
    ]
    assert users == ["model/parse.py"]
