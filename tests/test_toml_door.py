"""The door for TOML files says what is wrong and on which line."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alliance_dynamics.errors import InputError
from alliance_dynamics.toml_door import read_toml
from alliance_dynamics.toml_lines import locate_keys
from alliance_dynamics.toml_table import Table, dotted, open_table, printable, shown

TEXT = '''# a comment = "not a key"
a = 1 # b = 2
"quoted key".b.'c d' = """first
[not.a.table]
x = 1
"last""""
raw = \'\'\'
y = "
\'\'\'
list = [ 1, # one ]
  [2, 3], "]",
  {x = 1, y.z = "}"},
]
date = 2020-01-01 07:00:00
[table."u.v"]
x=1
[[regime]]
n = 1
[regime.title]
en = "one"
[[regime]]
n = 2
[[regime.events]]
year = 3
'''


def write(folder: Path, content: str | bytes, name: str = "file.toml") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def faults_of(call, *arguments) -> list[tuple[int, str]]:
    with pytest.raises(InputError) as caught:
        call(*arguments)
    return [(each.place.line, " ".join(each.sentences())) for each in caught.value.faults]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("a",), 2),
        (("quoted key", "b", "c d"), 3),
        (("raw",), 7),
        (("list",), 10),
        (("list", 0), 10),
        (("list", 1), 11),
        (("list", 2), 11),
        (("list", 3, "y", "z"), 12),
        (("date",), 14),
        (("table", "u.v"), 15),
        (("table", "u.v", "x"), 16),
        (("regime", 0), 17),
        (("regime", 0, "title", "en"), 20),
        (("regime", 1, "n"), 22),
        (("regime", 1, "events", 0, "year"), 24),
    ],
)
def test_a_key_is_found_on_its_line(path, line):
    assert locate_keys(TEXT)[path] == line


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_line_ends_and_a_byte_order_mark_move_no_line(tmp_path, mark, end):
    document = read_toml(write(tmp_path, mark + TEXT.encode().replace(b"\n", end)))
    assert document.place("regime", 1, "n").line == 22
    assert document.data["regime"][1]["n"] == 2


def test_a_place_that_is_not_in_the_file_is_that_of_its_table(tmp_path):
    document = read_toml(write(tmp_path, TEXT))
    assert document.place("table", "u.v", "absent").line == 15
    assert document.place("absent").line == 0


keys = st.text(st.characters(codec="utf-8", exclude_characters="\x7f", exclude_categories=["Cc", "Cs"]), max_size=6)
scalars = st.one_of(st.integers(-9, 9), st.booleans(), st.text(st.sampled_from("a\"'#[]{}=,.\\\n"), max_size=8))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=9,
)


def as_toml(value) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{as_toml(key)} = {as_toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[\n # ]\n" + ",\n".join(as_toml(each) for each in value) + "\n]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    return str(value).lower()


def paths_of(value, path=()):
    if path:
        yield path
    for key, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from paths_of(each, (*path, key))


@given(st.dictionaries(keys, values, max_size=4))
def test_every_key_path_of_any_file_has_a_line(data):
    text = "\n".join(f"{as_toml(key)} = {as_toml(each)}" for key, each in data.items())
    assert tomllib.loads(text) == data
    assert set(locate_keys(text)) == set(paths_of(data))


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        ("", 0, "empty"),
        (" \n\n", 0, "empty"),
        ("a = 1\n[run\nstop = 10\n", 2, "column"),
        ('a = 1\nb = "open\n', 2, "not TOML"),
        ("a = 1\na = 2\nb = 3\n", 2, "twice"),
        ("[a]\nb = 1\n[a]\n", 3, "twice"),
        ("a = 1\n\nb =", 3, "not TOML"),
        ("a = 1\nb = 'Казань'\n".encode("cp1251"), 2, "UTF-8"),
        ("a = 1\n".encode("utf-16"), 1, "UTF-8"),
        ("a = \x00", 1, "not TOML"),
        ("a = " + "9" * 5000, 0, "not TOML"),
        ("a = " + "[" * 5000, 0, "nested"),
    ],
)
def test_a_file_that_is_no_toml_says_why_and_where(tmp_path, content, line, said):
    found = faults_of(read_toml, write(tmp_path, content))
    assert len(found) == 1
    assert found[0][0] == line
    assert said in found[0][1]


def test_a_missing_file_a_folder_and_an_impossible_name_are_refused(tmp_path):
    assert "no such file" in faults_of(read_toml, tmp_path / "absent.toml")[0][1]
    assert "folder" in faults_of(read_toml, tmp_path)[0][1]
    assert faults_of(read_toml, "nul\0.toml")


def open_text(folder: Path, text: str) -> Table:
    return open_table(read_toml(write(folder, text)))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("true", "`k` is true. A number is expected."),
        ('"five"', '`k` is "five". A number is expected.'),
        ("2020-01-01", "`k` is 2020-01-01. A number is expected."),
        ("[1, 2, 3]", "`k` is [1, 2, 3]. A number is expected."),
        ("{a = 1}", "`k` is {a = ...}. A number is expected."),
        ("inf", "`k` is inf. A finite number is expected."),
        ("nan", "`k` is nan. A finite number is expected."),
        ("1e400", "`k` is inf. A finite number is expected."),
        ("99999999999999999999999", "more digits than a number can hold"),
        ("-0.5", "`k` is -0.5. A number from 0 to 1 Dmnl."),
    ],
)
def test_what_is_no_number_in_range_is_refused_as_it_was_written(tmp_path, value, said):
    table = open_text(tmp_path, f"\nk = {value}\n")
    assert table.number("k", low=0, high=1, unit="Dmnl") is None
    assert [(line, said in text) for line, text in faults_of(table.raise_faults)] == [(2, True)]


def test_zero_and_one_sided_ranges_are_numbers_too(tmp_path):
    table = open_text(tmp_path, "a = 0\nb = 1.5\nc = -1\nd = 9")
    assert table.number("a") == 0.0
    assert table.number("b", low=1) == 1.5
    assert table.number("c", low=0) is None
    assert table.number("d", high=1) is None
    assert table.number("absent") is None
    assert [text for _, text in faults_of(table.raise_faults)] == [
        "`c` is -1. A number of at least 0.",
        "`d` is 9. A number of at most 1.",
    ]


def test_all_faults_of_a_file_come_at_once_in_the_order_of_its_lines(tmp_path):
    table = open_text(tmp_path, 'text = 1\n[inner]\nvalu = 3\nchoice = "rk5"\nlist = [1]\nrows = 2\n')
    inner = table.table("inner")
    assert inner.number("value") is None
    assert inner.text("choice", choices=("rk2", "rk4")) is None
    assert inner.texts("list") == ()
    assert inner.tables("rows") == []
    assert table.text("text") is None
    inner.text("name", required=True)
    inner.close()
    table.close()
    found = faults_of(table.raise_faults)
    assert [line for line, _ in found] == [1, 2, 3, 4, 5, 6]
    assert found[1][1] == "`inner.name` is missing."
    assert found[2][1] == "`inner.valu` is not known here. Did you mean `value`?"
    assert found[3][1] == '`inner.choice` is "rk5". One of rk2, rk4. Did you mean `rk4`?'


def test_a_list_of_tables_reads_each_with_its_own_lines(tmp_path):
    table = open_text(tmp_path, "[[row]]\nn = 1\n[[row]]\nn = true\n")
    assert [row.number("n") for row in table.tables("row")] == [1.0, None]
    assert faults_of(table.raise_faults) == [(4, "`row[2].n` is true. A number is expected.")]


def test_nothing_from_a_file_reaches_the_terminal_as_a_command(tmp_path):
    table = open_text(tmp_path, '"\\u001b[2J{x}\\u202e" = 1\n')
    table.close()
    text = faults_of(table.raise_faults)[0][1]
    assert text.isprintable()
    assert "{x}" in text
    assert len(printable("x" * 500)) == 60
    assert shown("a" * 500).endswith("...")
    assert dotted(("levers", "a b", 0)) == 'levers."a b"[1]'
