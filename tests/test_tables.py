"""Tables are read strictly: a wrong cell is named with file, line, column and what to write instead."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alliance_dynamics.cells import Column, near_name, number_of
from alliance_dynamics.errors import InputError
from alliance_dynamics.observations import years_outside
from alliance_dynamics.tables import format_number, read_table, write_table

BAD = Path(__file__).resolve().parents[2] / "shared" / "bad_input"
YEAR, REGION = Column("year", "year"), Column("region")
PEOPLE = (YEAR, REGION, Column("population", "number", lower=0))
VALUES = (YEAR, Column("value", "number"))


def write(folder: Path, content: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refusal(path: Path, columns=VALUES, **options) -> str:
    with pytest.raises(InputError) as caught:
        read_table(path, columns, **options)
    assert caught.value.exit_code == 3
    return str(caught.value)


@pytest.mark.parametrize(
    ("cell", "remedy"),
    [
        ("17,4", "Write 17.4."),
        ("1 234 567", "Write 1234567."),
        ("1\u00a0234,5", "Write 1234.5."),
        ("1,234", "Write 1.234 if the comma is a decimal sign, 1234 if it groups digits."),
        ("1,234,567.5", "Write 1234567.5."),
        ("\u22125", "Write -5."),
        ("17,4 %", "Write 17.4 and give the unit as percent."),
        ("NA", "declare this text as missing"),
        ("н/д", "declare this text as missing"),
        ("about 5", "A number."),
        ("1_000", "A number."),
        ("0x10", "A number."),
        ("١٢", "A number."),
        ("inf", "A number."),
        ("1e400", "not finite"),
        ("=1+1", "A number."),
        ("", "is empty"),
    ],
)
def test_a_number_that_is_not_plain_is_refused_with_what_to_write(tmp_path, cell, remedy):
    path = write(tmp_path, f'year,value\n2019,1\n2020,"{cell}"\n')
    message = refusal(path)
    assert message.startswith(f"{path}:3") and "`value`" in message and remedy in message


def test_all_faults_of_a_file_come_at_once(tmp_path):
    path = write(tmp_path, 'year,value\n2020.5,1\n2021,"1,5"\n2022,x,3\n2023\n2024,inf\n')
    lines = refusal(path).splitlines()
    assert [line.split("  ")[0].rsplit(":", 1)[1] for line in lines] == ["2", "3", "4", "5", "6"]


def test_missing_is_only_what_was_declared(tmp_path):
    path = write(tmp_path, "year,value\n2020,…\n2021,\n2022,3\n")
    columns = (YEAR, Column("value", "number", missing=("", "…")))
    assert [row["value"] for row in read_table(path, columns)] == [None, None, 3.0]
    assert refusal(path).count("t.csv:") == 2


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_line_ends_and_a_byte_order_mark_do_not_matter(tmp_path, end, start):
    path = write(tmp_path, start + end.join(["year,value", "2020.0,1", "2021,2.5e-1", ""]))
    assert [(row.line, row["year"], row["value"]) for row in read_table(path, VALUES)] == [
        (2, 2020, 1.0),
        (3, 2021, 0.25),
    ]


def test_line_numbers_count_lines_inside_quoted_cells(tmp_path):
    path = write(tmp_path, 'year,note,value\n2020,"a\nb",1\n2021,c,x\n')
    assert f"{path}:4" in refusal(path, (*VALUES, Column("note")))


def test_headers_are_checked_with_the_nearest_name(tmp_path):
    message = refusal(write(tmp_path, "year,valeu,year\n2020,1,2\n"))
    assert "Did you mean `value`?" in message and "occurs 2 times" in message and "`value` is missing" in message
    assert "separated by semicolons, not by commas" in refusal(write(tmp_path, "year;value\n2020;1\n"))


def test_a_repeated_key_names_both_lines(tmp_path):
    path = write(tmp_path, "year,value\n2020,1\n2021,1\n2020.0,2\n")
    message = refusal(path, key=("year",))
    assert f"{path}:4" in message and "of line 2" in message


def test_an_unclosed_quote_is_an_error(tmp_path):
    assert "cannot be split" in refusal(write(tmp_path, 'year,value\n2020,"1\n'))


def test_choices_and_ids_are_checked(tmp_path):
    columns = (Column("id", "id"), Column("fold", choices=("train", "holdout")))
    message = refusal(write(tmp_path, "id,fold\n1a,trian\n"), columns)
    assert "`1a`" in message and "Did you mean `train`?" in message


def test_an_absent_file_and_a_folder_are_errors(tmp_path):
    assert "cannot be read" in refusal(tmp_path / "none.csv")
    assert "cannot be read" in refusal(tmp_path)


TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(st.floats(allow_nan=False, allow_infinity=False), TEXTS), min_size=1), tab=st.booleans())
def test_what_is_written_reads_back_the_same(tmp_path, rows, tab):
    path = tmp_path / ("t.tsv" if tab else "t.csv")
    write_table(path, ["value", "note"], rows, escape=False)
    table = read_table(path, (Column("value", "number"), Column("note", missing=("",))))
    assert [(row["value"], row["note"] or "") for row in table] == [
        (v, note.strip(" \t\u00a0\u202f\u2009")) for v, note in rows
    ]


@given(st.text(max_size=30))
def test_a_number_is_plain_or_nothing(text):
    value = number_of(text)
    assert value is None or number_of(format_number(value)) == value


def test_an_export_disarms_what_a_spreadsheet_would_run(tmp_path):
    path = tmp_path / "t.csv"
    write_table(path, ["note", "value"], [['=HYPERLINK("x")', -1.5], ["@SUM(1)", 2.0], ["-3", None]])
    assert list(csv.reader(path.read_text(encoding="utf-8").splitlines()))[1:] == [
        ['\'=HYPERLINK("x")', "-1.5"],
        ["'@SUM(1)", "2"],
        ["-3", ""],
    ]


def test_the_beginning_of_a_name_is_recognised():
    assert near_name("pop", ["population", "region"]) == "Did you mean `population`?"
    assert near_name("q", ["population", "region"]) == ""


# Each file of the collection of bad tables: columns to read it with, and what must be said (or what is read).
ERRORS = {
    "F01_empty": (PEOPLE, {}, ["the file is empty"]),
    "F02_header_only": (PEOPLE, {}, ["no rows"]),
    "F04_mixed_dates": ((Column("date", "date"), Column("value", "number")), {},
                        [":3", ":4", "Year-month-day, as 2020-01-31"]),
    "F05_dup_rows": (PEOPLE, {"key": ("year", "region")}, [":3", "of line 2"]),
    "F07_missing_col": (PEOPLE, {}, ["found year, pop", "`region` is missing", "Did you mean `population`?"]),
    "F08_extra_field": (PEOPLE, {}, [":3", "4 cells, the header 3"]),
    "F10_nan_tokens": (PEOPLE, {}, [":2", ":3", ":4", ":5", ":6", "declare this text as missing"]),
    "F11_string_value": (PEOPLE, {}, [":2", "`about 5 million`"]),
    "F13_thousands_space": (VALUES, {}, [":2", ":3", "Write 1234567."]),
    "F14_thousands_comma": (VALUES, {}, [":2", ":3", "Write 1234567."]),
    "F16_cp1251": (VALUES, {}, ["not UTF-8", "cp1251"]),
    "F17_utf16": (PEOPLE, {}, ["UTF-16"]),
    "F19_inf": (PEOPLE, {}, [":2", ":3", "not finite"]),
    "F20_negative_pop": (PEOPLE, {}, [":2", "At least 0"]),
    "F26_nul": (VALUES, {}, [":2", "NUL"]),
    "F28_unknown_var": ((YEAR, Column("such_variable", "number")), {},
                        ["unknown column `no_such_variable`", "Did you mean `such_variable`?"]),
    "F29_year_float": (VALUES, {}, [":3", "`2020.5`", ":4", "`2020Q3`"]),
}  # fmt: skip
READ = {
    "F10_nan_tokens": ((YEAR, REGION, Column("population", "number", missing=("NA", "-", "н/д", "…", ""))), {}, 5),
    "F16_cp1251": ((Column("год", "year"), Column("регион"), Column("население", "number")), {"encoding": "cp1251"}, 1),
    "F17_utf16": (PEOPLE, {"encoding": "utf-16"}, 1),
    "F22_out_of_horizon": (PEOPLE, {}, 2),
    "F23_crlf_cr": (PEOPLE, {}, 1),
    "F25_formula": (PEOPLE, {}, 2),
}
needs_bad_input = pytest.mark.skipif(not BAD.exists(), reason="the collection of bad input is absent")


@needs_bad_input
@pytest.mark.parametrize("name", ERRORS)
def test_a_bad_table_is_refused_with_a_reason(name):
    columns, options, wanted = ERRORS[name]
    message = refusal(BAD / "tables" / f"{name}.csv", columns, **options)
    assert all(each in message for each in wanted), message


@needs_bad_input
@pytest.mark.parametrize("name", READ)
def test_an_odd_table_is_read_as_declared(name):
    columns, options, count = READ[name]
    assert len(read_table(BAD / "tables" / f"{name}.csv", columns, **options)) == count


@needs_bad_input
def test_every_bad_table_has_a_test():
    rows = csv.DictReader((BAD / "tables.csv").read_text(encoding="utf-8").splitlines())
    assert {row["id"] for row in rows if row["id"].startswith("F")} == {*ERRORS, *READ}


@needs_bad_input
def test_years_outside_the_model_are_counted():
    table = read_table(BAD / "tables" / "F22_out_of_horizon.csv", PEOPLE)
    warnings = years_outside(table.path, [row["year"] for row in table], 2000, 2050)
    assert "1 rows before 2000 and 1 rows after 2050" in str(warnings[0])
