"""The strict door for CSV and TSV tables: every fault of a file at once, nothing guessed, nothing silently missing."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alliance_dynamics.cells import BLANKS, Column, cell_value, near_name, number_of
from alliance_dynamics.errors import Fault, InputError, Place, fault, nearest

_FORMULA_STARTS = ("=", "+", "-", "@")


@dataclass(frozen=True, slots=True)
class Row:
    """One data row: the line it starts on, and a value for every declared column (None where missing or absent)."""

    line: int
    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


@dataclass(frozen=True, slots=True)
class Table:
    """A table that was read: its file, the columns of its header in their order, its rows."""

    path: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def place(self, row: Row) -> Place:
        return Place(self.path, row.line)


def read_table(
    path: str | Path,
    columns: Sequence[Column],
    *,
    key: Sequence[str] = (),
    ignore: Sequence[str] = (),
    encoding: str = "utf-8",
    delimiter: str = "",
    may_be_empty: bool = False,
) -> Table:
    """The rows of a CSV (`,`) or TSV (`.tsv`, tab) file as declared by `columns`; line ends of any kind.

    `key`: columns whose values together must not repeat.  `ignore`: undeclared columns that are allowed and dropped.
    Refused, all at once, in one InputError: other encodings than the declared one, NUL, missing, unknown and repeated
    columns, short and long rows, undeclared missing words, decimal commas, thousands separators, words, infinite and
    out-of-range numbers, repeated keys.
    """
    faults: list[Fault] = []
    table = gather_table(
        path, columns, faults, key=key, ignore=ignore, encoding=encoding, delimiter=delimiter, may_be_empty=may_be_empty
    )
    if faults:
        raise InputError(faults)
    return table


def gather_table(
    path: str | Path,
    columns: Sequence[Column],
    faults: list[Fault],
    *,
    key: Sequence[str] = (),
    ignore: Sequence[str] = (),
    encoding: str = "utf-8",
    delimiter: str = "",
    may_be_empty: bool = False,
) -> Table:
    """As `read_table`, but adds its faults to `faults` and returns the sound rows, so that tables fail together."""
    name = str(path)
    text = _decode(Path(path), encoding, faults)
    if text is None:
        return Table(name, (), ())
    delimiter = delimiter or ("\t" if name.lower().endswith((".tsv", ".tab")) else ",")
    records = _records(name, text, delimiter, faults)
    if not records:
        return Table(name, (), ())
    header = [cell.strip(BLANKS) for cell in records[0][1]]
    if not _header_is_sound(Place(name, records[0][0]), header, columns, ignore, delimiter, faults):
        return Table(name, tuple(header), ())
    if len(records) == 1 and not may_be_empty:
        faults.append(fault(Place(name), "the table has a header and no rows", expected="At least one row"))
    declared = {column.name: column for column in columns}
    rows: list[Row] = []
    for line, cells in records[1:]:
        if len(cells) != len(header):
            faults.append(_wrong_width(Place(name, line), header, cells))
            continue
        values: dict[str, Any] = dict.fromkeys(declared)
        before = len(faults)
        for title, cell in zip(header, cells, strict=True):
            if title in declared:
                values[title] = cell_value(Place(name, line), declared[title], cell.strip(BLANKS), faults)
        if len(faults) == before:
            rows.append(Row(line, values))
    _check_key(name, rows, key, faults)
    return Table(name, tuple(header), tuple(rows))


def write_table(
    path: str | Path, header: Sequence[str], rows: Iterable[Sequence[object]], *, escape: bool = True
) -> None:
    """Write rows as UTF-8 with LF; TSV for a `.tsv` name, else CSV.  None is an empty cell, floats keep all digits.

    `escape`: a text that a spreadsheet would run (it starts with `=`, `+`, `-` or `@` and is no number) gets a `'`.
    """
    buffer = io.StringIO()
    delimiter = "\t" if str(path).lower().endswith((".tsv", ".tab")) else ","
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_cell(each, escape) for each in row])
    Path(path).write_text(buffer.getvalue(), encoding="utf-8", newline="\n")


def format_number(value: float) -> str:
    """The shortest text that reads back as the same number; whole numbers below 1e15 without a point."""
    return str(int(value)) if abs(value) < 1e15 and value == int(value) else repr(float(value))


def _decode(path: Path, encoding: str, faults: list[Fault]) -> str | None:
    place = Place(str(path))
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        faults.append(fault(place, "the file cannot be read: {reason}", expected="A readable table", reason=reason))
        return None
    if not content.strip():
        faults.append(fault(place, "the file is empty", expected="A header and at least one row"))
        return None
    plain = encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig", "ascii")
    if plain and content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        faults.append(
            fault(place, "the file is UTF-16", expected="UTF-8", remedy="Save it as UTF-8, or declare `utf-16`.")
        )
        return None
    try:
        text = content.decode("utf-8-sig" if plain else encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        faults.append(
            fault(
                Place(str(path), line),
                "the text is not {encoding} (byte {byte})",
                expected="{encoding}",
                remedy="Save it as UTF-8, or declare its encoding, e.g. `cp1251`.",
                encoding=encoding.upper(),
                byte=f"0x{content[error.start]:02X}",
            )
        )
        return None
    except LookupError:
        what = "there is no encoding `{encoding}`"
        faults.append(fault(place, what, expected="E.g. utf-8, cp1251", encoding=encoding))
        return None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    nul = [number for number, line in enumerate(text.split("\n"), 1) if "\0" in line]
    for number in nul[:20]:
        what = "the line holds a NUL byte"
        faults.append(fault(Place(str(path), number), what, remedy="Save the table as plain text."))
    return None if nul else text


def _records(name: str, text: str, delimiter: str, faults: list[Fault]) -> list[tuple[int, list[str]]]:
    """Non-blank records with the line each starts on."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records: list[tuple[int, list[str]]] = []
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return records
        except csv.Error as error:
            faults.append(
                fault(
                    Place(name, line),
                    "the row cannot be split into cells: {reason}",
                    expected="Cells separated by {delimiter}, double quotes in pairs",
                    reason=str(error),
                    delimiter=_spell(delimiter),
                )
            )
            return []
        if any(cell.strip() for cell in cells):
            records.append((line, cells))


def _header_is_sound(
    place: Place,
    header: list[str],
    columns: Sequence[Column],
    ignore: Sequence[str],
    delimiter: str,
    faults: list[Fault],
) -> bool:
    known = [column.name for column in columns]
    expected = ", ".join(known)
    before = len(faults)
    for other in ",;\t":
        if len(header) == 1 and len(known) > 1 and other != delimiter and other in header[0]:
            faults.append(
                fault(
                    place,
                    "the cells seem to be separated by {other}, not by {delimiter}",
                    remedy="Declare the delimiter, or save the table with {delimiter}.",
                    other=_spell(other),
                    delimiter=_spell(delimiter),
                )
            )
            return False
    for title in dict.fromkeys(header):
        if header.count(title) > 1:
            faults.append(
                fault(
                    place,
                    "column `{title}` occurs {count} times",
                    expected="Each column once",
                    title=title,
                    count=header.count(title),
                )
            )
        if title not in known and title not in ignore:
            absent = [each for each in known if each not in header]
            remedy = near_name(title, absent) or near_name(title, known)
            what = "unknown column `{title}`"
            faults.append(fault(place, what, expected="Columns {known}", remedy=remedy, title=title, known=expected))
    for column in columns:
        if column.required and column.name not in header:
            strange = [title for title in header if title not in known and title not in ignore]
            starts = (each for each in strange if near_name(each, [column.name]))
            near = nearest(column.name, strange) or next(starts, "")
            faults.append(
                fault(
                    place,
                    "column `{title}` is missing; found {found}",
                    expected="Columns {known}",
                    known=expected,
                    remedy="Rename `{near}` to `{title}`?" if near else "",
                    title=column.name,
                    found=", ".join(header),
                    near=near,
                )
            )
    return len(faults) == before


def _wrong_width(place: Place, header: list[str], cells: list[str]) -> Fault:
    expected = "One cell per column ({header})"
    if len(cells) > len(header):
        what = "the row has {count} cells, the header {width}; the first cell too many is `{cell}`"
        remedy = "Put a cell that holds the separator in double quotes; write decimals with a point."
        cell = cells[len(header)]
    else:
        what, remedy, cell = "the row has {count} cells, the header {width}", "Fill the row with empty cells.", ""
    return fault(
        place,
        what,
        expected=expected,
        remedy=remedy,
        count=len(cells),
        width=len(header),
        header=", ".join(header),
        cell=cell,
    )


def _check_key(name: str, rows: list[Row], key: Sequence[str], faults: list[Fault]) -> None:
    first: dict[tuple[object, ...], int] = {}
    for row in rows if key else ():
        values = tuple(row[each] for each in key)
        if values in first:
            faults.append(
                fault(
                    Place(name, row.line),
                    "the row repeats {key} = {values} of line {first}",
                    expected="Each combination once",
                    remedy="Delete one of the lines {first} and {line}.",
                    key=", ".join(key),
                    values=", ".join(str(each) for each in values),
                    first=first[values],
                    line=row.line,
                )
            )
        else:
            first[values] = row.line


def _cell(value: object, escape: bool) -> object:
    if value is None:
        return ""
    if isinstance(value, float):
        return format_number(value)
    text = str(value)
    return "'" + text if escape and text.startswith(_FORMULA_STARTS) and number_of(text) is None else text


def _spell(delimiter: str) -> str:
    return {"\t": "tabs", ",": "commas", ";": "semicolons"}.get(delimiter, f"`{delimiter}`")
