"""A problem is read whole or refused with every fault; the Tatarstan tables follow from their figures."""

from __future__ import annotations

import importlib.util
import math
import os
import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alliance_dynamics.calibration.formula import evaluate_formula, parse_formula, references
from alliance_dynamics.calibration.problem import Problem, read_problem
from alliance_dynamics.calibration.problem_checks import check_model, split_target
from alliance_dynamics.errors import InputError, Place, ProvenanceError
from alliance_dynamics.model.compose import compose
from alliance_dynamics.model.expression import Number, Reference
from alliance_dynamics.model.model import Dimension, Model, TimeAxis, Variable
from alliance_dynamics.model.read import read_model

ROOT = Path(__file__).resolve().parents[2]
TATARSTAN = ROOT / "calibration" / "tatarstan"
BENCHMARKS = ROOT.parent / "shared" / "data" / "benchmarks"
CORE = ("RU_TA", "RU_BA", "RU_NIZ", "RU_SAM")
CALIBRATED = {
    "grp_current_real": 2001,
    "rd_expenditure_internal_real": 2001,
    "rd_personnel": 2001,
    "patents_granted_inventions": 2001,
    "innovative_goods_volume_real": 2005,
}


@pytest.fixture(scope="module")
def tatarstan() -> Problem:
    return read_problem(TATARSTAN)


@pytest.fixture
def folder(tmp_path) -> Path:
    """A copy of the Tatarstan tables to damage."""
    for file in [*TATARSTAN.glob("*.tsv"), TATARSTAN / "problem.toml"]:
        shutil.copy(file, tmp_path / file.name)
    return tmp_path


def change(folder: Path, table: str, before: str, after: str) -> None:
    path = folder / table
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


def append(folder: Path, table: str, *cells: object) -> None:
    with (folder / table).open("a", encoding="utf-8") as file:
        file.write("\t".join(map(str, cells)) + "\n")


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_problem(folder)
    return str(caught.value)


# ------------------------------------------------------------------------------------------- the Tatarstan problem


def test_the_tables_are_what_their_figures_give(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(TATARSTAN))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    specification = importlib.util.spec_from_file_location("tatarstan_build", TATARSTAN / "build.py")
    assert specification is not None and specification.loader is not None
    script = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(script)
    script.build(tmp_path)
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == sorted(path.name for path in TATARSTAN.glob("*.tsv"))
    for name in written:
        assert (tmp_path / name).read_bytes() == (TATARSTAN / name).read_bytes(), name


def test_every_calibrated_series_is_whole_in_every_region(tatarstan):
    assert {each.id for each in tatarstan.observables.values() if each.use == "calibrated"} == set(CALIBRATED)
    rows = tatarstan.scored(("train", "holdout"))
    for observable, first in CALIBRATED.items():
        for region in CORE:
            years = [row.year for row in rows if (row.observable, row.experiment) == (observable, region)]
            assert years == list(range(first, 2023))
    assert len(rows) == 4 * (4 * 22 + 18) and not tatarstan.warnings
    assert {row.fold for row in rows if row.year >= 2017} == {"holdout"}
    assert all(row.year <= 2012 for row in tatarstan.scored(("train", "holdout"), until=2012))


def test_a_year_end_stock_stands_a_year_later(tatarstan):
    personnel = tatarstan.shown("rd_personnel", "RU_TA")
    assert (personnel[0].time, personnel[0].year, personnel[0].value) == (2001, 2000, 16243)
    product = tatarstan.shown("grp_current_real", "RU_TA")
    assert (product[0].time, product[0].year) == (2000, 2000) and product[0].value == pytest.approx(560.12, abs=5e-3)


def test_each_break_has_a_parameter_per_region_and_acts_from_its_year_on(tatarstan):
    goods = {(each.experiment, each.year) for each in tatarstan.breaks}
    assert goods == {(region, year) for region in CORE for year in (2005, 2017, 2019)}
    rows = {row.year: row for row in tatarstan.shown("innovative_goods_volume_real", "RU_SAM")}
    stem = "b_innovative_goods_volume_real_"
    assert rows[2004].fold == "exclude" and rows[2004].observable_parameters == (0.0, 0.0, 0.0)
    assert rows[2016].observable_parameters == (stem + "2005_ru_sam", 0.0, 0.0) and rows[2016].status == "A"
    assert rows[2017].observable_parameters == (stem + "2005_ru_sam", stem + "2017_ru_sam", 0.0)
    assert rows[2017].status == "B"
    assert all(isinstance(each, str) for each in rows[2022].observable_parameters)


def test_changes_of_method_are_marked_in_every_series_that_has_them(tatarstan):
    """A year-end stock of 2020 stands at 2021; real product has none: a volume index carries the level of one year."""
    found = {}
    for row in tatarstan.measurements:
        if row.experiment == "RU_TA" and row.status == "B":
            found.setdefault(row.observable, set()).add(int(row.time))
    assert found == {
        "innovative_goods_volume_real": {2005, 2017, 2019},
        "innovative_goods_share": {2005, 2017, 2019},
        "innovation_expenditure_real": {2017, 2019},
        "innovation_activity_level": {2018, 2019},
        "manufacturing_value_added_real": {2016},
        "advanced_technologies_used": {2021},
    }
    assert all(row.status and row.source and row.vintage and row.unit for row in tatarstan.measurements)


def test_parameters_have_priors_bounds_units_and_two_labels(tatarstan):
    for each in tatarstan.parameters.values():
        assert each.prior is not None and each.lower <= each.nominal <= each.upper
        assert each.unit and each.source and each.grade and each.label_en and each.label_ru
        assert bool(each.target) == (each.role in ("structural", "initial"))
    assert tatarstan.parameters["public_rd_drift__samara"].target == "public_r&d_drift[samara]"
    pools = {row.parameter: row for row in tatarstan.pooling}
    for name, row in pools.items():
        prior = tatarstan.parameters[name].prior
        assert prior is not None
        variance = row.centre.parameters[1] ** 2 + row.spread.parameters[0] ** 2
        assert math.sqrt(variance) == pytest.approx(prior.parameters[1], rel=1e-5)


def test_the_noise_of_calibrated_series_is_autocorrelated(tatarstan):
    for observable in CALIBRATED:
        for region in CORE:
            row = tatarstan.correlation(observable, region)
            assert row is not None and (row.structure, row.parameter) == ("ar1", f"phi_{observable}")
    assert tatarstan.correlation("postgraduate_students", "RU_TA") is None


def test_the_hash_follows_contents_and_not_line_ends(tatarstan, folder):
    same = read_problem(folder)
    assert same.hash == tatarstan.hash
    path = folder / "pooling.tsv"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_problem(folder).hash == tatarstan.hash
    change(folder, "measurements.tsv", "16243", "16244")
    assert read_problem(folder).hash != tatarstan.hash


def test_a_region_is_added_by_rows_only(folder):
    append(folder, "experiments.tsv", "RU_PER", 2000, "", "region=perm")
    for year in range(2001, 2004):
        cells = ("grp_current_real", "RU_PER", year, 450 + year - 2000, "", "", "A", "RR2023", "2023")
        append(folder, "measurements.tsv", *cells, "bn RUB/Year", "train", "")
    assert read_problem(folder).experiments["RU_PER"].elements == {"region": "perm"}


# --------------------------------------------------------------------------------------------------------- refusals


def test_all_faults_of_all_tables_come_at_once(folder):
    change(folder, "measurements.tsv", "560.121", "560,121")
    change(folder, "observables.tsv", "r&d_personnel[region]", "r&d_personnel[region")
    change(folder, "parameters.tsv", "\ttrue\t", "\tyes\t")
    change(folder, "experiments.tsv", "region=samara", "samara")
    change(folder, "problem.toml", "stop = 2022", 'stop = "2022"')
    message = refusal(folder)
    for file in ("measurements.tsv:2", "observables.tsv:4", "parameters.tsv:2", "experiments.tsv:5", "problem.toml:5"):
        assert str(folder / file) in message, message
    assert len(message.splitlines()) == 5, message


CORE_ROW = ("grp_current_real", "RU_TA", 2001, 600, "", "", "A", "RR2023", "2023", "bn RUB/Year", "train", "")


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        (0, "grp_curent_real", "there is no observable `grp_curent_real`. One of"),
        (1, "RU_TB", "Did you mean `RU_TA`?"),
        (3, -600, "`grp_current_real` = -600 with log-normal noise"),
        (3, "", "the measurement is empty"),
        (4, "0;0", "observableParameters has 2 entries"),
        (6, "Z", "column `obsStatus` has `Z`. One of A, B"),
        (6, "F", "a row with obsStatus F is in the fold train"),
        (9, "bn RUB", "the unit is `bn RUB`. `bn RUB/Year`"),
        (10, "holdout", "the figure of 2003 is in the fold holdout. Train"),
        (10, "exclude", "excluded without a reason"),
        (2, 2002, "a second figure of `grp_current_real`, RU_TA, 2002 (first: line"),
    ],
)
def test_a_wrong_measurement_is_named(folder, column, value, said):
    # the row of 2003 is taken out, so that only the changed cell is wrong
    lines = (folder / "measurements.tsv").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("grp_current_real\tRU_TA\t2003\t")]
    (folder / "measurements.tsv").write_text("\n".join(kept) + "\n", encoding="utf-8")
    row = [*CORE_ROW]
    row[2] = 2003
    append(folder, "measurements.tsv", *row)
    read_problem(folder)
    row[column] = value
    (folder / "measurements.tsv").write_text("\n".join(kept) + "\n", encoding="utf-8")
    append(folder, "measurements.tsv", *row)
    message = refusal(folder)
    assert said.lower() in message.lower() and f"measurements.tsv:{len(kept) + 1}" in message, message


@pytest.mark.parametrize(
    ("table", "before", "after", "said"),
    [
        ("parameters.tsv", "\t0\t0.6\t0.3\t", "\t0\t0.6\t0.7\t", "`rd_response_to_return` = 0.7 is outside its bounds"),
        ("parameters.tsv", "\t0\t0.6\t0.3\t", "\t0\t\t0.3\t", "estimated without two bounds"),
        ("parameters.tsv", "normal\t0.3;0.15", "normal\t0.3;-0.15", "A spread above 0"),
        ("parameters.tsv", "normal\t0.3;0.15", "normal\t0.3", "2 numbers"),
        ("parameters.tsv", "normal\t0.3;0.15", "norml\t0.3;0.15", "Did you mean `normal`?"),
        ("parameters.tsv", "structural\tnone", "lever\tnone", "is a lever and is estimated"),
        ("parameters.tsv", "structural\tnone", "structural\tlog", "the transform log and a lower bound of 0"),
        ("parameters.tsv", "national_loading[bashkortostan]", "national_loading[tatarstan]", "set the same constant"),
        ("pooling.tsv", "national_loading__samara", "national_loading__samarra", "Did you mean"),
        ("pooling.tsv", "normal;1;0.141421", "normal;1;0.2", "have different priors"),
        ("pooling.tsv", "0;0.00707107\thalf-normal;0.00707107\tnone", "0;0.00707107\thalf-normal;0.00707107\t",
         "pooled on the log scale"),
        ("noise_correlation.tsv", "phi_rd_personnel", "phi_rd_persons", "Did you mean `phi_rd_personnel`?"),
        ("noise_correlation.tsv", "\tar1\t", "\tiid\t", "iid has none"),
        ("observables.tsv", "sd_rd_personnel", "sd_rd_persons", "there is no parameter `sd_rd_persons`"),
        ("observables.tsv", "exp(break_2005", "exq(break_2005", "there is no function `exq`"),
        ("observables.tsv", "kind\t", "knd\t", "Did you mean `kind`?"),
        ("experiments.tsv", "2000", "2001", "starts in 2001"),
        ("problem.toml", "holdout = ", "hold_out = ", "Did you mean `holdout`?"),
        ("problem.toml", 'cut = "F"', 'cut = "G"', "`cut` is G"),
        ("problem.toml", "alliance-problem/1", "alliance-problem/9", "Did you mean `alliance-problem/1`?"),
        ("problem.toml", "stop = 2022", "stop = 1999", "is not after"),
        ("problem.toml", '"pooling.tsv"', '"poolings.tsv"', "cannot be read"),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_named(folder, table, before, after, said):
    change(folder, table, before, after)
    message = refusal(folder)
    assert said.lower() in message.lower(), message
    assert table in message or said == "cannot be read"


def test_a_break_without_a_parameter_is_a_warning_and_a_parameter_without_a_break_a_fault(folder):
    lines = (folder / "measurements.tsv").read_text(encoding="utf-8").splitlines()
    place = next(i for i, line in enumerate(lines) if line.startswith("grp_current_real\tRU_TA\t2010\t"))
    lines[place] = lines[place].replace("\tA\t", "\tB\t")
    (folder / "measurements.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    warnings = read_problem(folder).warnings
    assert len(warnings) == 1 and "`grp_current_real` has 1 rows with obsStatus B" in str(warnings[0])
    (folder / "measurements.tsv").write_text(
        "\n".join(line.replace("\tB\t", "\tA\t") for line in lines) + "\n", encoding="utf-8"
    )
    assert refusal(folder).count("has no row with obsStatus B") == 12


def test_a_missing_source_card_is_a_fault_of_provenance(folder):
    change(folder, "sources.tsv", "ROSSTAT_VRP_S1998\t", "ROSSTAT_VRP_1998\t")
    with pytest.raises(ProvenanceError, match="Did you mean `ROSSTAT_VRP_1998`") as caught:
        read_problem(folder)
    assert caught.value.exit_code == 6


def test_measurements_outside_the_years_are_counted(folder):
    change(folder, "problem.toml", "stop = 2022", "stop = 2020")
    warnings = read_problem(folder).warnings
    assert len(warnings) == 1 and "0 rows before 2000" in str(warnings[0]) and "after 2020" in str(warnings[0])


def test_a_problem_file_must_be_one(folder, tmp_path):
    (folder / "problem.yaml").write_text("format_version: 2\n", encoding="utf-8")
    assert "two problem files" in refusal(folder)
    (folder / "problem.toml").unlink()
    assert "the table `measurements` is not named" in refusal(folder)
    (folder / "problem.yaml").write_text(
        "format_version: 1\nparameter_file: p.tsv\nproblems:\n- sbml_files: [m.xml]\n", encoding="utf-8"
    )
    assert "problem.yaml:1  `format_version` is 1. 2.0.0. Write the problem in PEtab version 2" in refusal(folder)
    assert "no such file" in refusal(tmp_path / "nowhere")


def test_a_missing_table_is_missed_in_the_folder(folder):
    (folder / "problem.toml").write_text('model = "alliance"\nstart = 2000\nstop = 2022\n', encoding="utf-8")
    (folder / "parameters.tsv").unlink()
    assert "the folder has no table `parameters`. parameters.tsv beside the problem file" in refusal(folder)


def test_figures_without_a_fold_follow_the_years_of_the_holdout(folder):
    path = folder / "measurements.tsv"
    before = read_problem(folder)
    path.write_text(path.read_text(encoding="utf-8").replace("\tholdout\t", "\t\t"), encoding="utf-8")
    assert [row.fold for row in read_problem(folder).measurements] == [row.fold for row in before.measurements]
    change(folder, "problem.toml", "[2017, 2022]", "[2030, 2031]")
    assert "`holdout` is 2030 to 2031. Years of the problem, 2000 to 2022" in refusal(folder)


# ------------------------------------------------------------------------------------------------ against the model


def test_names_that_the_model_lacks_come_with_the_faults_of_the_tables(folder):
    change(folder, "measurements.tsv", "grp_current_real\t", "grp_real\t")
    change(folder, "observables.tsv", "gross_regional_product[region]", "gross_product[region]")
    said = refusal(folder)
    assert "there is no observable `grp_real`" in said and "the model has no variable `gross_product`" in said


def small_model() -> Model:
    region = Dimension("region", "Region", ("tatarstan", "samara"), ("Tatarstan", "Samara"))
    variables = {
        name: Variable(name, name, "auxiliary", (), dimensions)
        for name, dimensions in (("gross_regional_product", ("region",)), ("patent_elasticity", ()))
    }
    return Model("small", variables, {"region": region}, TimeAxis("rk4", "Year"))


def test_names_that_the_model_lacks_are_listed_with_the_nearest(tatarstan):
    message = "\n".join(map(str, check_model(tatarstan, small_model())))
    assert "the model has no variable `internal_r&d_expenditure`" in message
    assert "no variable `patent_elasticity`" not in message and "no variable `gross_regional_product`" not in message
    assert "the model has no element `bashkortostan`" in message


def test_the_tables_and_the_alliance_model_agree_in_names_and_units(tatarstan):
    files = ("regional_innovation", "industrial_innovation", "coordination")
    model = compose([read_model(ROOT / "sdmodels" / f"{file}.mdl", cache=False) for file in files], "alliance")
    assert not check_model(tatarstan, model)
    for each in tatarstan.observables.values():
        if each.use == "calibrated":
            assert {model.variables[name.name].unit for name in references(each.formula)
                    if name.name not in each.placeholders} == {each.unit}  # fmt: skip
    for each in tatarstan.parameters.values():
        if each.target:
            assert model.variables[split_target(each.target)[0]].unit == each.unit


def test_targets_split_into_name_and_elements():
    assert split_target("Public R&D drift[Samara, Machinery]") == ("public_r&d_drift", ("samara", "machinery"))
    assert split_target("patent elasticity") == ("patent_elasticity", ())


# -------------------------------------------------------------------------------------------------------- formulas


def value_of(text: str, **values: float) -> float:
    return float(evaluate_formula(parse_formula(text, Place("t"), values), lambda each: values[each.name]))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 + 3 * 4 - 6 / 2", 11),
        ("-2 ^ 2", -4),
        ("2 ^ -1", 0.5),
        ("(1 + 2) * -3", -9),
        ("exp(ln(5)) + sqrt(9) + abs(-1)", 9),
        ("min(2, 3) + max(2, 3)", 5),
        ("1e-3 * .5e3", 0.5),
    ],
)
def test_a_formula_has_the_usual_value(text, value):
    assert value_of(text) == pytest.approx(value, rel=1e-15)


def test_names_are_canonical_unless_they_are_the_tables_own():
    tree = parse_formula('100 * "Internal R&D  expenditure"[Region] * sd_pX', Place("t"), {"sd_pX"})
    assert references(tree) == [Reference("internal_r&d_expenditure", ("region",)), Reference("sd_pX")]


@pytest.mark.parametrize(
    "text",
    ["", "1 +", "a^b^c", "a[", "(1", "1 2", "a..b", "a.b", "exq(1)", "exp()", "min(1)", "a = b", "lambda: 1", "(" * 500,
     "__import__('os')", "x if y else z", "a;b", "[1]", "a[1]"],
)  # fmt: skip
def test_what_is_not_a_formula_is_refused(text):
    with pytest.raises(InputError):
        parse_formula(text, Place("t"))


@given(st.text(max_size=40))
def test_any_text_is_a_formula_or_a_fault(text):
    try:
        parse_formula(text, Place("t"))
    except InputError:
        return


@given(st.recursive(
    st.floats(0.1, 10).map(repr),
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    max_leaves=12,
))  # fmt: skip
def test_a_formula_of_numbers_has_the_value_that_arithmetic_gives(text):
    import ast

    def value(node):
        if isinstance(node, ast.BinOp):
            left, right = value(node.left), value(node.right)
            return {ast.Add: left + right, ast.Sub: left - right, ast.Mult: left * right}[type(node.op)]
        return node.value

    expected = value(ast.parse(text, mode="eval").body)
    assert value_of(text) == pytest.approx(expected, rel=1e-12, abs=1e-12)


# ------------------------------------------------------------------------------------------------- published problems

SHAPES = {
    "bertozzi": (22, 8),
    "boehm": (48, 9),
    "lynx_hare": (42, 8),
    "nile": (100, 2),
    "rahman": (23, 9),
    "rat43": (15, 4),
}
IGNORED = ["date", "scale", "bestValue", "posteriorMean", "posteriorSd", "start1", "start2", "certifiedValue"]


@pytest.mark.skipif(not BENCHMARKS.exists(), reason="the published problems are absent")
@pytest.mark.parametrize("name", SHAPES)
def test_a_published_problem_reads(tmp_path, name):
    tables = [table for table in ("measurements", "observables", "parameters", "conditions")
              if (BENCHMARKS / name / f"{table}.tsv").exists()]  # fmt: skip
    paths = {table: Path(os.path.relpath(BENCHMARKS / name / f"{table}.tsv", tmp_path)).as_posix() for table in tables}
    lines = ['format = "alliance-problem/1"', f'model = "{name}.mdl"', "start = 0", "stop = 2100"]
    lines += [f"ignore_columns = {IGNORED}", "[tables]", *(f'{table} = "{path}"' for table, path in paths.items())]
    (tmp_path / "problem.toml").write_text("\n".join(lines), encoding="utf-8")
    problem = read_problem(tmp_path)
    assert (len(problem.scored()), len(problem.estimated)) == SHAPES[name]
    if name == "bertozzi":
        assert problem.experiments["NY"].periods == ((0.0, "NY"),)
        assert {each.target: each.value for each in problem.changes if each.condition == "CA"}["N"] == Number(
            39560000.0
        )
    if name == "rat43":
        formula = problem.observables["weight"].formula
        values = {**{key: each.nominal for key, each in problem.parameters.items()}, "time": 15.0}
        b1, b2, b3, b4 = (values[key] for key in ("b1", "b2", "b3", "b4"))
        expected = b1 / (1 + math.exp(b2 - b3 * 15)) ** (1 / b4)
        assert evaluate_formula(formula, lambda each: values[each.name]) == pytest.approx(expected, rel=1e-15)
