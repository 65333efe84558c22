"""Numbers and names from files beside a model, and from nowhere else."""

from __future__ import annotations

import pytest
from vensim_texts import read, refusal

from alliance_dynamics.model import expression as ex

openpyxl = pytest.importorskip("openpyxl")
D = "D: p, q ~~|\nE: u, v, w ~~|\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "n.csv").write_text("t,1,2,3\nu,10,20,30\nv,11,,31\nw,12,x,32\n", encoding="utf-8")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Data"
    for row in [["t", 1, 2, 3], ["u", 10, 20, 30], ["v", 11, None, 31]]:
        sheet.append(row)
    book.defined_names["Times"] = openpyxl.workbook.defined_name.DefinedName("Times", attr_text="Data!$B$1:$D$1")
    book.defined_names["Rows"] = openpyxl.workbook.defined_name.DefinedName("Rows", attr_text="Data!$B$2:$D$3")
    book.save(tmp_path / "n.xlsx")
    return tmp_path


def _expression(equation, folder):
    return [each.expression for each in read(D + equation, folder).variables["x"].definitions]


@pytest.mark.parametrize(("file", "sheet"), [("n.csv", ","), ("n.xlsx", "data"), ("N.CSV", ","), ("?n", "Data")])
def test_constants_follow_rows_then_columns_and_a_star_turns_them(folder, file, sheet):
    def read_constants(subscripts, cell):
        call = f"GET DIRECT CONSTANTS('{file}', '{sheet}', '{cell}')"
        return _expression(f"x{subscripts} = {call} ~~|", folder)

    assert read_constants("", "B2") == [ex.Number(10)]
    assert read_constants("[E]", "B2") == [ex.Array((3,), (10, 20, 30))]
    assert read_constants("[D]", "B2*") == [ex.Array((2,), (10, 11))]
    assert read_constants("[D,E]", "B1") == [ex.Array((2, 3), (1, 2, 3, 10, 20, 30))]
    assert read_constants("[E,D]", "B1*") == [ex.Array((3, 2), (1, 10, 2, 20, 3, 30))]


@pytest.mark.parametrize(
    "call",
    ["'n.csv', ',', '1', 'B2'", "'n.xlsx', 'Data', '1', 'b2'", "'n.xlsx', 'Data', 'times', 'rows'"],
)
def test_series_leave_out_missing_points(folder, call):
    first = ex.Table((1, 2, 3), (10, 20, 30), "backward")
    second = ex.Table((1, 3), (11, 31), "backward")
    time = ex.Reference("time")
    found = _expression(f"x[D] :HOLD BACKWARD: := GET DIRECT DATA({call}) ~~|", folder)
    assert found == [ex.LookupCall(first, time), ex.LookupCall(second, time)]
    lookup = read(D + f"x[D]( GET DIRECT LOOKUPS({call}) ) ~~|\ny[D] = x[D](2) ~~|", folder)
    assert lookup.variables["x"].kind == "lookup"
    assert lookup.variables["x"].definitions[1].expression == ex.Table((1, 3), (11, 31))


def test_elements_of_a_range_may_lie_in_a_file(folder):
    model = read("R: GET DIRECT SUBSCRIPT('n.csv', ',', 'A2', 'A4', 'row ') ~~|\nx[R] = 1 ~~|", folder)
    assert model.dimensions["r"].labels == ("row u", "row v", "row w")


def test_a_listing_beside_the_model_holds_data_without_equations(folder):
    (folder / "model_data.dat").write_text("My X[p]\n0\t1\n5\t2\n", encoding="utf-8")
    model = read(D + "my x[D] ~~|", folder)
    first, second = model.variables["my_x"].definitions
    assert first.expression == ex.LookupCall(ex.Table((0, 5), (1, 2)), ex.Reference("time"))
    assert second.expression == ex.Number(-(2.0**109))
    assert "my_x[q]" in model.notices[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("'../n.csv', ',', 'A1'", "outside the model's folder"),
        ("'..\\n.csv', ',', 'A1'", "outside the model's folder"),
        ("'/etc/hostname', ',', 'A1'", "outside the model's folder"),
        ("'C:/n.csv', ',', 'A1'", "outside the model's folder"),
        ("'link.csv', ',', 'A1'", "link that leaves"),
        ("'none.csv', ',', 'A1'", "no such file"),
        ("'n.xlsx', 'Sheet9', 'A1'", "no sheet `Sheet9`, only Data"),
        ("'n.xlsx', 'Data', 'nowhere'", "no range named `nowhere`"),
        ("'n.csv', ',', 'A1'", "no number in 1 of the cells"),
        ("'n.csv', ',', 'Z99'", "no number in 1 of the cells"),
        ("'broken.xlsx', 'Data', 'A1'", "not an .xlsx workbook"),
        ("'?nothing', ',', 'A1'", "no such file"),
        ("'n.csv', ','", "called with 2 argument(s)"),
    ],
)
def test_what_cannot_be_had_is_refused_with_file_and_cell(folder, tmp_path_factory, arguments, message):
    outside = tmp_path_factory.mktemp("outside") / "secret.csv"
    outside.write_text("42\n", encoding="utf-8")
    (folder / "link.csv").symlink_to(outside)
    (folder / "broken.xlsx").write_bytes(b"PK nothing")
    assert message in refusal(f"x = GET DIRECT CONSTANTS({arguments}) ~~|", folder)


def test_a_text_without_a_file_reads_no_files():
    assert "reads no other files" in refusal("x = GET DIRECT CONSTANTS('n.csv', ',', 'A1') ~~|")


@pytest.mark.parametrize("content", [b"my x\n0\tone\n", b"my x\n\xff\t1\n"])
def test_a_broken_listing_is_refused(folder, content):
    (folder / "model_data.dat").write_bytes(content)
    assert "model_data.dat" in refusal("my x ~~|", folder)
