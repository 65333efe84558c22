"""Elements that rows of a table add to a model."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from alliance_dynamics.calibration.region_rows import HEADER, region_rows
from alliance_dynamics.cli import main
from alliance_dynamics.errors import InputError, UsageError
from alliance_dynamics.model.built_in import is_built_in, open_model
from alliance_dynamics.model.elements import add_elements
from alliance_dynamics.model.names import canonical
from alliance_dynamics.model.read import read_model
from alliance_dynamics.observations import read_observations
from alliance_dynamics.simulate import run_model

ROOT = Path(__file__).resolve().parents[2]
EXTENDED = ROOT / "sdmodels" / "elements" / "extended.csv"
CORE = {"RU-TA": "Tatarstan", "RU-BA": "Bashkortostan", "RU-NIZ": "Nizhny Novgorod", "RU-SAM": "Samara"}
MORE = {"RU-ULY": "Ulyanovsk", "RU-PER": "Perm", "RU-UD": "Udmurtia"}
HEAD = ",".join(HEADER)

TOWNS = """{UTF-8}
Town: north, south ~~|
Other <-> Town ~~|
Good: bread, salt ~~|
people[Town]= 10, 20 ~ person ~ |
price[Good]= 3, 4 ~ rub ~ |
taste[Town,Good]= 1, 2; 3, 4; ~ Dmnl ~ |
road[Town,Other]= 0, 5; 5, 0; ~ km ~ |
tax[Town]= 0.1 ~ Dmnl ~ |
rain lookup[north]((0,1),(10,3)) ~ mm ~ |
rain lookup[south]((0,2),(10,2)) ~ mm ~ |
rain[Town]= rain lookup[Town](Time) ~ mm ~ |
way[Town]= SUM(road[Town,Other!]) ~ km ~ |
spent[Town]= SUM(taste[Town,Good!]*price[Good!])*people[Town]*(1-tax[Town]) ~ rub*person ~ |
all people= SUM(people[Town!]) ~ person ~ |
FINAL TIME= 10 ~~|
INITIAL TIME= 0 ~~|
SAVEPER= TIME STEP ~~|
TIME STEP= 1 ~~|
"""
EAST = """Town,East,people,,,30,person,census,A
Town,East,taste,bread,,5,Dmnl,guess,C
Town,East,taste,salt,,6,Dmnl,guess,C
Town,East,road,north,,7,km,map,A
Town,East,road,south,,8,km,map,A
Town,East,road,East,,0,km,map,A
Town,East,rain lookup,,0,4,mm,gauge,A
Town,East,rain lookup,,10,6,mm,gauge,A
"""


@pytest.fixture
def towns(tmp_path):
    (tmp_path / "towns.mdl").write_text(TOWNS, encoding="utf-8")
    return read_model(tmp_path / "towns.mdl")


def table(folder: Path, rows: str, name: str = "east.csv") -> Path:
    path = folder / name
    path.write_text(HEAD + "\n" + rows, encoding="utf-8")
    return path


def test_a_new_element_obeys_the_equations_with_its_own_figures(towns, tmp_path):
    run = run_model(add_elements(towns, [table(tmp_path, EAST)]))
    last = dict(zip(run.columns, run.values[-1], strict=True))
    assert last["spent[East]"] == pytest.approx((5 * 3 + 6 * 4) * 30 * 0.9)
    assert last["way[East]"] == 15
    assert last["way[north]"] == 12  # the road is known from the other end
    assert last["rain[East]"] == 6
    assert last["all people"] == 60
    alone = run_model(towns)
    before = dict(zip(alone.columns, alone.values[-1], strict=True))
    assert last["spent[south]"] == before["spent[south]"]


def test_an_element_along_the_other_axis(towns, tmp_path):
    rows = (
        "Good,Milk,price,,,2,rub,shop,A\nGood,Milk,taste,north,,1,Dmnl,guess,C\nGood,Milk,taste,south,,0,Dmnl,guess,C\n"
    )
    run = run_model(add_elements(towns, [table(tmp_path, rows)]))
    last = dict(zip(run.columns, run.values[-1], strict=True))
    assert last["spent[north]"] == pytest.approx((1 * 3 + 2 * 4 + 1 * 2) * 10 * 0.9)


def test_elements_along_both_axes_meet(towns, tmp_path):
    milk = ("Good,Milk,price,,,2,rub,shop,A\nGood,Milk,taste,north,,1,Dmnl,guess,C\n"
            "Good,Milk,taste,south,,0,Dmnl,guess,C\nGood,Milk,taste,East,,9,Dmnl,guess,C\n")  # fmt: skip
    run = run_model(add_elements(towns, [table(tmp_path, EAST), table(tmp_path, milk, "milk.csv")]))
    last = dict(zip(run.columns, run.values[-1], strict=True))
    assert last["taste[East,Milk]"] == 9


def test_text_with_the_element_written_into_it_gives_the_same_bits(towns, tmp_path):
    """The same two ways: rows, and the element in the model's own text."""
    text = TOWNS.replace("north, south ~~|", "north, south, East ~~|").replace("10, 20 ~", "10, 20, 30 ~")
    text = text.replace("1, 2; 3, 4;", "1, 2; 3, 4; 5, 6;").replace("0, 5; 5, 0;", "0, 5, 7; 5, 0, 8; 7, 8, 0;")
    text = text.replace("rain[Town]=", "rain lookup[East]((0,4),(10,6)) ~ mm ~ |\nrain[Town]=")
    (tmp_path / "whole.mdl").write_text(text, encoding="utf-8")
    by_text = run_model(read_model(tmp_path / "whole.mdl"))
    by_rows = run_model(add_elements(towns, [table(tmp_path, EAST)]))
    for name in by_text.columns:
        here, there = (run.values[:, run.columns.index(name)] for run in (by_text, by_rows))
        assert here.tobytes() == there.tobytes(), name


FAULTY = {
    "dimension": ("Twon,East,people,,,30,person,census,A", "no dimension `Twon`"),
    "known": ("Town,North,people,,,30,person,census,A", "an element of `Town` already"),
    "taken": ("Town,salt,people,,,30,person,census,A", "taken by something else"),
    "variable": (EAST.replace("East,people", "East,poeple"), "no variable `poeple`. Did you mean `people`"),
    "computed": (EAST + "Town,East,rain,,,1,mm,x,A", "`rain` is computed"),
    "unit": (EAST.replace("30,person", "30,persons"), "the unit of `people` is `persons`"),
    "no at": (EAST.replace(",10,6,", ",,6,"), "`at` is empty for the lookup"),
    "at": (EAST.replace("people,,,", "people,,3,"), "`at` holds a number for `people`"),
    "axis": (EAST + "Town,East,price,,,1,rub,x,A", "`price` does not depend on `Town`"),
    "with": (EAST.replace("taste,salt", "taste,"), "`with` names 0 elements for `taste`"),
    "element": (EAST.replace("taste,salt", "taste,slat"), "`slat` is no element of `Good`"),
    "twice": (EAST + "Town,East,road,SOUTH,,8,km,map,A", "a figure in an earlier row"),
    "missing": (
        EAST.replace("Town,East,road,south,,8,km,map,A\n", ""),
        "no figure for road[south,East], road[East,south]",
    ),
    "one value": (EAST + "Town,East,tax,,,0.2,Dmnl,x,C", "`tax` has one value for all elements"),
    "grade": (EAST.replace("census,A", "census,D"), "grade"),
    "number": (EAST.replace(",30,", ",30;5,"), "30;5"),
}


@pytest.mark.parametrize("case", FAULTY)
def test_faulty_rows_are_refused(towns, tmp_path, case):
    rows, message = FAULTY[case]
    with pytest.raises(InputError) as caught:
        add_elements(towns, [table(tmp_path, rows)])
    assert message in str(caught.value)
    assert "east.csv" in str(caught.value)


def test_all_faults_come_at_once(towns, tmp_path):
    rows = EAST.replace("30,person", "30,persons").replace("taste,salt", "taste,slat")
    with pytest.raises(InputError) as caught:
        add_elements(towns, [table(tmp_path, rows)])
    assert len(caught.value.faults) >= 2


def test_an_equation_for_single_elements_is_not_guessed(tmp_path):
    text = TOWNS.replace("way[Town]= SUM(road[Town,Other!]) ~ km ~ |",
                         "way[north]= 1+Time ~ km ~ |\nway[south]= 2+Time ~ km ~ |")  # fmt: skip
    (tmp_path / "towns.mdl").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="equation for single elements, none for `east`"):
        add_elements(read_model(tmp_path / "towns.mdl"), [table(tmp_path, EAST)])


def test_tables_of_the_package_are_for_the_composed_model():
    with pytest.raises(
        UsageError, match=r"made for `alliance`, not for `coordination` alone. Name `alliance\+extended`"
    ):
        open_model("coordination+extended")


def test_a_folder_of_the_same_name_does_not_hide_a_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alliance").mkdir()
    assert is_built_in("alliance")
    assert main(["run", "alliance", "R3", "--stop", "2001", "--out", "run.csv"]) == 0


def test_unknown_tables_are_refused():
    with pytest.raises(UsageError, match="Did you mean `extended`"):
        open_model("alliance+extendd")


# ------------------------------------------------------------------------------------------- the seven regions


@pytest.fixture(scope="module")
def published():
    return read_observations(ROOT / "calibration" / "tatarstan" / "data" / "observations.csv")


@pytest.mark.parametrize("code", CORE)
def test_the_rules_give_the_values_of_the_model_texts(published, code):
    """Each figure of the first four regions in the .mdl files follows from published ones, to six digits."""
    model = open_model("alliance")
    number = list(CORE).index(code)
    for row in region_rows(published, code, CORE[code]):
        variable = model.variables[canonical(row[2])]
        if row[4]:
            points = variable.definitions[number].expression
            value = dict(zip(points.x, points.y, strict=True))[float(row[4])]
        else:
            value = variable.definitions[0].expression.values[number]
        assert float(row[5]) == pytest.approx(value, rel=3e-6), row


@pytest.mark.parametrize("code", MORE)
def test_the_rows_that_travel_with_the_package_are_made_by_the_rules(published, code):
    with EXTENDED.open(encoding="utf-8", newline="") as file:
        rows = [tuple(row) for row in csv.reader(file)]
    made = region_rows(published, code, MORE[code])
    assert [row for row in rows if row[1] == MORE[code]][: len(made)] == made


@pytest.mark.parametrize(("name", "stocks"), [("alliance", 134), ("alliance+extended", 224)])
def test_regions_bring_their_stocks(name, stocks):
    """The numbers of the model design; five accounts come on top."""
    model = open_model(name)
    sizes = [[len(model.dimensions[d].elements) for d in each.dimensions]
             for each in model.variables.values() if each.kind == "stock"]  # fmt: skip
    assert sum(int(np.prod(each)) for each in sizes) == stocks + 5


def test_the_order_of_regions_in_the_table_does_not_matter(tmp_path):
    with EXTENDED.open(encoding="utf-8", newline="") as file:
        head, *rows = list(csv.reader(file))
    turned = [head, *sorted(rows, key=lambda row: -list(MORE.values()).index(row[1]))]
    path = tmp_path / "turned.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(turned)
    here, there = run_model(open_model("alliance+extended")), run_model(open_model(f"alliance+{path}"))
    for name in ("gross regional product[Perm]", "knowledge capital[Ulyanovsk,Machinery]", "alliance fund"):
        one, other = (run.values[:, run.columns.index(name)] for run in (here, there))
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_rows_by_command(tmp_path, capsys):
    out = tmp_path / "perm.csv"
    assert main(["data", "rows", "Perm", "--region", "RU-PER", "--out", str(out)]) == 0
    with EXTENDED.open(encoding="utf-8", newline="") as file:
        mine = [row for row in csv.reader(file) if row[1] == "Perm"]
    with out.open(encoding="utf-8", newline="") as file:
        made = list(csv.reader(file))[1:]
    assert mine[: len(made)] == made
    assert main(["data", "rows"]) == 2
    assert main(["data", "rows", "Perm", "--region", "RU-XX"]) in (2, 3)
    assert "RU-XX" in capsys.readouterr().err


def test_a_problem_may_be_calibrated_to_an_added_region(tmp_path):
    """Rows of the region in the data, its element in the model: the fit is set up with its figures."""
    import shutil

    from alliance_dynamics.calibration.problem import read_problem
    from alliance_dynamics.calibration.setup import set_up

    folder = tmp_path / "seven"
    shutil.copytree(ROOT / "calibration" / "tatarstan", folder)
    regions = folder / "data" / "regions.csv"
    text = regions.read_text(encoding="utf-8") + "RU-PER,RU_PER,perm,Perm,Пермский край\n"
    regions.write_text(text, encoding="utf-8")
    shutil.copy(EXTENDED, folder / "three.csv")
    problem = folder / "problem.toml"
    text = problem.read_text(encoding="utf-8")
    problem.write_text(text.replace('model = "alliance"', 'model = "alliance+three.csv"'), encoding="utf-8")
    subprocess.run([sys.executable, folder / "build.py"], check=True, env={"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"})
    task = read_problem(folder)
    assert "RU_PER" in task.experiments
    from alliance_dynamics.study.inputs import model_of

    setup = set_up(model_of(task), task, last_year=2022)
    assert any("perm" in each for each in task.parameters)
    assert np.all(np.isfinite(setup.task(2022).residuals(setup.nominal[None, :])))
