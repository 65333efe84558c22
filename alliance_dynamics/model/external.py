"""Numbers and names from sheets and text files that lie beside a model, and from nowhere else."""

from __future__ import annotations

import csv
import hashlib
import math
import re
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from alliance_dynamics.errors import Fault, Place, fault
from alliance_dynamics.model.expression import Interpolation, Table
from alliance_dynamics.model.names import canonical

MOST_BYTES = 50_000_000
_CELL = re.compile(r"^([A-Za-z]{1,3})([1-9]\d*)$")
_SHEETS = (".xlsx", ".xlsm", ".xls")

Grid = list[list[Any]]


class Unreadable(Exception):
    """What a reference to a file asks for cannot be had; `fault` says why."""

    def __init__(self, problem: Fault):
        super().__init__(str(problem))
        self.fault = problem


@dataclass
class Files:
    """The files beside one model: `folder` is None for a model without a file, which may then read none.

    `used` holds, for the cache, the SHA-256 of each file that was read, by its path relative to the folder.
    """

    folder: Path | None
    used: dict[str, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    _grids: dict[tuple[Path, str], Grid] = field(default_factory=dict)

    def constants(self, strings: tuple[str, ...], shape: tuple[int, ...], place: Place) -> tuple[float, ...]:
        """GET XLS/DIRECT CONSTANTS(file, sheet or delimiter, cell): numbers for `shape`, row-major.

        One dimension runs along a row, two run down rows and along columns; `*` behind the cell turns both.
        """
        file, sheet, cell = strings
        long = [size for size in shape if size > 1]
        if len(long) > 2:
            raise self._problem(place, file, cell, "{count} subscripts cannot be read at once", count=len(long))
        rows, columns = [1, 1, *long][-2:]
        turned = cell.endswith("*")
        cell = cell.rstrip("*").strip()
        if turned:
            rows, columns = columns, rows
        block = self._block(file, sheet, cell, rows, columns, place)
        if turned:
            block = [list(row) for row in zip(*block, strict=True)]
        values = [_number(each) for row in block for each in row]
        if any(math.isnan(each) for each in values):
            raise self._problem(
                place,
                file,
                cell,
                "there is no number in {count} of the cells read",
                count=sum(math.isnan(each) for each in values),
            )
        return tuple(values)

    def tables(self, strings: tuple[str, ...], count: int, interpolation: Interpolation, place: Place) -> list[Table]:
        """GET XLS/DIRECT DATA or LOOKUPS(file, sheet, row or column of x, first cell of y): `count` tables.

        Points without x or without y are left out; x is sorted.
        """
        file, sheet, series, cell = (each.strip() for each in strings)
        start = _position(cell)
        if series.isdigit() and start:
            grid = self._grid(file, sheet, place)
            xs = _row(grid, int(series) - 1)[start[1] :]
            ys = [_row(grid, start[0] + k)[start[1] :] for k in range(count)]
        elif start:
            grid = self._grid(file, sheet, place)
            column = _column(series)
            xs = [_at(row, column) for row in grid[start[0] :]]
            ys = [[_at(row, start[1] + k) for row in grid[start[0] :]] for k in range(count)]
        else:
            xs, ys = self._named_series(file, sheet, series, cell, count, place)
        tables = []
        for column_of_y in ys:
            pairs = [(_number(x), _number(y)) for x, y in zip(xs, [*column_of_y, *[None] * len(xs)], strict=False)]
            points = sorted(pair for pair in pairs if not math.isnan(pair[0]) and not math.isnan(pair[1]))
            if not points:
                raise self._problem(place, file, cell, "there is no point with two numbers")
            doubled = [a[0] for a, b in pairwise(points) if a[0] == b[0]]
            if doubled:
                raise self._problem(place, file, cell, "{x} stands twice among the x values", x=doubled[0])
            tables.append(Table(tuple(x for x, _ in points), tuple(y for _, y in points), interpolation))
        return tables

    def labels(self, strings: list[str], place: Place) -> list[str]:
        """GET XLS/DIRECT SUBSCRIPT(file, sheet, first cell, last cell, prefix): names of elements."""
        if len(strings) != 5:
            raise Unreadable(
                fault(place, "GET DIRECT SUBSCRIPT has {count} arguments", expected="Expected 5.", count=len(strings))
            )
        file, sheet, first, last, prefix = strings
        start = _position(first)
        if start is None:
            block = self._named(file, sheet, first, place)
        else:
            grid = self._grid(file, sheet, place)
            end = _position(last)
            last_row = end[0] if end else int(last) - 1 if last.isdigit() else None
            last_column = end[1] if end else _column(last) if last and not last.isdigit() else None
            rows = grid[start[0] : None if last_row is None else last_row + 1]
            block = [row[start[1] : None if last_column is None else last_column + 1] for row in rows]
        names = [prefix + _text(each) for row in block for each in row if each is not None and _text(each)]
        if not names:
            raise self._problem(place, file, first, "there is no name in the cells read")
        return names

    def listing(self, stem: str) -> dict[str, tuple[list[float], list[float]]] | None:
        """Series by canonical name (`name` or `name[a,b]`) from `<stem>_data.dat`: a name, then time-value pairs."""
        if self.folder is None or not (self.folder / f"{stem}_data.dat").is_file():
            return None
        text = self._bytes(self.folder / f"{stem}_data.dat").decode("utf-8", errors="strict")
        series: dict[str, tuple[list[float], list[float]]] = {}
        current: tuple[list[float], list[float]] | None = None
        for line in text.splitlines():
            parts = line.split("\t")
            if len(parts) == 1 and line.strip():
                label, _, subscripts = line.strip().partition("[")
                elements = [canonical(each) for each in subscripts.rstrip("]").split(",") if each.strip()]
                name = canonical(label) + (f"[{','.join(elements)}]" if elements else "")
                current = series.setdefault(name, ([], []))
            elif len(parts) >= 2 and current is not None:
                current[0].append(float(parts[0]))
                current[1].append(float(parts[1]))
        return series

    def _block(self, file: str, sheet: str, cell: str, rows: int, columns: int, place: Place) -> Grid:
        start = _position(cell)
        if start is None:
            block = self._named(file, sheet, cell, place)
            if len(block) != rows or any(len(row) != columns for row in block):
                raise self._problem(
                    place,
                    file,
                    cell,
                    "the range has {have} cells, the subscripts ask for {rows} x {columns}",
                    have=f"{len(block)} x {len(block[0])}",
                    rows=rows,
                    columns=columns,
                )
            return block
        grid = self._grid(file, sheet, place)
        return [[_at(_row(grid, start[0] + r), start[1] + c) for c in range(columns)] for r in range(rows)]

    def _named_series(
        self, file: str, sheet: str, series: str, cell: str, count: int, place: Place
    ) -> tuple[list[Any], Grid]:
        xs, ys = self._named(file, sheet, series, place), self._named(file, sheet, cell, place)
        if len(xs) > 1 and len(xs[0]) > 1:
            raise self._problem(place, file, series, "the x values fill a table, not one row or column")
        if len(xs) > 1 or (len(ys) > 1 and len(ys[0]) == 1):
            ys = [list(column) for column in zip(*ys, strict=True)]
        flat = [each for row in xs for each in row]
        if len(ys) != count or any(len(row) != len(flat) for row in ys):
            raise self._problem(
                place,
                file,
                cell,
                "the range has {have} cells, expected {count} x {length}",
                have=f"{len(ys)} x {len(ys[0])}",
                count=count,
                length=len(flat),
            )
        return flat, ys

    def _grid(self, file: str, sheet: str, place: Place) -> Grid:
        path = self._path(file, sheet, place)
        key = (path, sheet.casefold())
        if key not in self._grids:
            reader = self._workbook_grid if path.suffix.lower() in _SHEETS else self._text_grid
            self._grids[key] = reader(path, file, sheet, place)
        return self._grids[key]

    def _text_grid(self, path: Path, file: str, sheet: str, place: Place) -> Grid:
        delimiter = {"": "," if path.suffix.lower() == ".csv" else "\t", "\\t": "\t"}.get(sheet, sheet)
        if len(delimiter) != 1:
            delimiter = "," if path.suffix.lower() == ".csv" else "\t"
        try:
            text = self._bytes(path).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise self._problem(place, file, sheet, "the file is not UTF-8 text") from error
        return [list(row) for row in csv.reader(text.splitlines(), delimiter=delimiter)]

    def _workbook_grid(self, path: Path, file: str, sheet: str, place: Place) -> Grid:
        if path.suffix.lower() == ".xls":
            return self._old_workbook_grid(path, file, sheet, place)
        book = self._workbook(path, file, place)
        return [
            list(row) for row in book[_sheet(book.sheetnames, sheet, self, place, file)].iter_rows(values_only=True)
        ]

    def _workbook(self, path: Path, file: str, place: Place) -> Any:
        import zipfile
        from io import BytesIO

        from openpyxl import load_workbook
        from openpyxl.utils.exceptions import InvalidFileException

        content = self._bytes(path)
        try:
            size = sum(each.file_size for each in zipfile.ZipFile(BytesIO(content)).infolist())
            if size > 20 * MOST_BYTES:
                raise self._problem(place, file, "", "the workbook unpacks to {size} bytes", size=size)
            return load_workbook(BytesIO(content), data_only=True)
        except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
            raise self._problem(place, file, "", "the file is not an .xlsx workbook") from error

    def _old_workbook_grid(self, path: Path, file: str, sheet: str, place: Place) -> Grid:
        try:
            import xlrd  # pyright: ignore[reportMissingModuleSource]
            from xlrd.biffh import XLRDError  # pyright: ignore[reportMissingModuleSource]
        except ImportError as error:
            raise self._problem(
                place, file, sheet, "files of the old .xls form need the package xlrd; save as .xlsx"
            ) from error
        try:
            book = xlrd.open_workbook(file_contents=self._bytes(path))
        except XLRDError as error:
            raise self._problem(place, file, sheet, "the file is not an .xls workbook") from error
        found = book.sheet_by_name(_sheet(book.sheet_names(), sheet, self, place, file))
        return [list(found.row_values(row)) for row in range(found.nrows)]

    def _named(self, file: str, sheet: str, name: str, place: Place) -> Grid:
        path = self._path(file, sheet, place)
        if path.suffix.lower() not in (".xlsx", ".xlsm"):
            raise self._problem(
                place, file, name, "`{name}` is neither a cell nor a range that this file can name", name=name
            )
        book = self._workbook(path, file, place)
        tab = _sheet(book.sheetnames, sheet, self, place, file)
        local = {key.casefold(): value for key, value in book[tab].defined_names.items()}
        world = {key.casefold(): value for key, value in book.defined_names.items()}
        found = local.get(name.casefold()) or world.get(name.casefold())
        targets = [] if found is None else list(found.destinations)
        if len(targets) != 1 or targets[0][0].casefold() != tab.casefold():
            raise self._problem(place, file, name, "the sheet has no range named `{name}`", name=name)
        first, _, last = targets[0][1].replace("$", "").partition(":")
        start, end = _position(first), _position(last or first)
        if start is None or end is None:
            raise self._problem(place, file, name, "the range named `{name}` is no block of cells", name=name)
        grid = self._grid(file, sheet, place)
        return [[_at(_row(grid, r), c) for c in range(start[1], end[1] + 1)] for r in range(start[0], end[0] + 1)]

    def _path(self, file: str, sheet: str, place: Place) -> Path:
        name = file.strip().replace("\\", "/")
        parts = name.split("/")
        if self.folder is None:
            raise self._problem(place, file, "", "a model without a file reads no other files")
        if name.startswith("/") or re.match(r"^[A-Za-z]:", name) or ".." in parts or "\0" in name:
            raise self._problem(place, file, "", "it lies outside the model's folder")
        folder = self.folder.resolve()
        path = self._tagged(name[1:], sheet, place, file) if name.startswith("?") else _any_case(folder, parts)
        if path is None or not path.is_file():
            raise self._problem(place, file, "", "there is no such file beside the model")
        if not path.resolve().is_relative_to(folder):
            raise self._problem(place, file, "", "it is a link that leaves the model's folder")
        if path.stat().st_size > MOST_BYTES:
            raise self._problem(place, file, "", "it has more than {limit} bytes", limit=MOST_BYTES)
        return path

    def _tagged(self, tag: str, sheet: str, place: Place, file: str) -> Path | None:
        """`?tag` leaves the file to the user's settings; the one file of that name beside the model is taken for it.

        A delimiter in the place of the sheet asks for text, a name for a workbook.
        """
        assert self.folder is not None
        found = [
            each
            for each in sorted(self.folder.resolve().iterdir())
            if each.stem.casefold() == tag.casefold()
            and each.suffix.lower() in (_SHEETS if sheet[:1].isalnum() else (".csv",))
        ]
        if len(found) > 1:
            raise self._problem(place, file, "", "{count} files beside the model have that name", count=len(found))
        if (
            found
            and (notice := f"`{file}` is read from {found[0].name}, which lies beside the model.") not in self.notices
        ):
            self.notices.append(notice)
        return found[0] if found else None

    def _bytes(self, path: Path) -> bytes:
        assert self.folder is not None
        content = path.read_bytes()
        self.used[path.resolve().relative_to(self.folder.resolve()).as_posix()] = hashlib.sha256(content).hexdigest()
        return content

    def _problem(self, place: Place, file: str, cell: str, what: str, **values: Any) -> Unreadable:
        return Unreadable(
            fault(
                place,
                "`{file}` {cell} cannot be read: " + what,
                expected="Expected a sheet or text file in the model's folder, with numbers where it points.",
                file=file,
                cell=cell,
                **values,
            )
        )


def _sheet(names: list[str], wanted: str, files: Files, place: Place, file: str) -> str:
    for name in names:
        if name.casefold() == wanted.casefold():
            return name
    raise files._problem(
        place,
        file,
        wanted,
        "the workbook has no sheet `{sheet}`, only {names}",
        sheet=wanted,
        names=", ".join(names[:10]),
    )


def _any_case(folder: Path, parts: list[str]) -> Path | None:
    path = folder
    for part in parts:
        if part in ("", "."):
            continue
        if (path / part).exists():
            path = path / part
            continue
        found = [each for each in path.iterdir() if each.name.casefold() == part.casefold()] if path.is_dir() else []
        if len(found) != 1:
            return None
        path = found[0]
    return path


def _position(cell: str) -> tuple[int, int] | None:
    match = _CELL.match(cell.strip())
    return (int(match.group(2)) - 1, _column(match.group(1))) if match else None


def _column(letters: str) -> int:
    number = 0
    for letter in letters.strip().upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _row(grid: Grid, index: int) -> list[Any]:
    return grid[index] if 0 <= index < len(grid) else []


def _at(row: list[Any], index: int) -> Any:
    return row[index] if 0 <= index < len(row) else None


def _number(cell: Any) -> float:
    if isinstance(cell, bool) or cell is None:
        return math.nan
    try:
        value = float(cell if isinstance(cell, int | float) else str(cell).strip())
    except (ValueError, OverflowError):
        return math.nan
    return value if math.isfinite(value) else math.nan


def _text(cell: Any) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()
