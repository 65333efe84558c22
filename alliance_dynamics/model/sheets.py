"""Cells of sheets and text files that lie in the folder of a model; files anywhere else are refused."""

from __future__ import annotations

import csv
import hashlib
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alliance_dynamics.errors import Fault, Place, fault

MOST_BYTES = 50_000_000
MOST_UNPACKED = 200_000_000
MOST_CELLS = 5_000_000
_CELL = re.compile(r"^([A-Za-z]{1,3})([1-9][0-9]{0,8})$")
_SHEETS = (".xlsx", ".xlsm", ".xls")

Grid = list[list[Any]]


class Unreadable(Exception):
    """What a reference to a file asks for cannot be had; `fault` says why."""

    def __init__(self, problem: Fault):
        super().__init__(str(problem))
        self.fault = problem


@dataclass
class Sheets:
    """The files beside one model: `folder` is None for a model without a file, which may then read none.

    `used` holds, for the cache, the SHA-256 of each file that was read, by its path relative to the folder.
    """

    folder: Path | None
    used: dict[str, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    _grids: dict[tuple[Path, str], Grid] = field(default_factory=dict)

    def grid(self, file: str, sheet: str, place: Place) -> Grid:
        path = self._path(file, sheet, place)
        key = (path, sheet.casefold())
        if key not in self._grids:
            reader = self._workbook_grid if path.suffix.lower() in _SHEETS else self._text_grid
            self._grids[key] = reader(path, file, sheet, place)
        return self._grids[key]

    def _text_grid(self, path: Path, file: str, sheet: str, place: Place) -> Grid:
        delimiter = {"": "," if path.suffix.lower() == ".csv" else "\t", "\\t": "\t"}.get(sheet, sheet)
        if len(delimiter) != 1 or delimiter in '"\r\n':
            delimiter = "," if path.suffix.lower() == ".csv" else "\t"
        try:
            text = self.content(path).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise self.problem(place, file, sheet, "the file is not UTF-8 text") from error
        self._refuse_cells(text.count(delimiter) + text.count("\n") + text.count("\r"), file, sheet, place)
        try:
            return [list(row) for row in csv.reader(text.splitlines(), delimiter=delimiter, strict=True)]
        except csv.Error as error:
            raise self.problem(place, file, sheet, "its rows cannot be told apart ({why})", why=error) from error

    def _refuse_cells(self, count: int, file: str, sheet: str, place: Place) -> None:
        if count > MOST_CELLS:
            raise self.problem(place, file, sheet, "it has more than {limit} cells", limit=MOST_CELLS)

    def _workbook_grid(self, path: Path, file: str, sheet: str, place: Place) -> Grid:
        if path.suffix.lower() == ".xls":
            return self._old_workbook_grid(path, file, sheet, place)
        book = self._workbook(path, file, place)
        tab = book[_sheet(book.sheetnames, sheet, self, place, file)]
        self._refuse_cells(tab.max_row * tab.max_column, file, sheet, place)
        return [list(row) for row in tab.iter_rows(values_only=True)]

    def _workbook(self, path: Path, file: str, place: Place) -> Any:
        import zipfile
        from io import BytesIO

        from openpyxl import load_workbook
        from openpyxl.utils.exceptions import InvalidFileException

        content = self.content(path)
        try:
            size = sum(each.file_size for each in zipfile.ZipFile(BytesIO(content)).infolist())
            if size > MOST_UNPACKED:
                raise self.problem(place, file, "", "the workbook unpacks to {size} bytes", size=size)
            return load_workbook(BytesIO(content), data_only=True)
        except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
            raise self.problem(place, file, "", "the file is not an .xlsx workbook") from error

    def _old_workbook_grid(self, path: Path, file: str, sheet: str, place: Place) -> Grid:
        try:
            import xlrd  # pyright: ignore[reportMissingModuleSource]
            from xlrd.biffh import XLRDError  # pyright: ignore[reportMissingModuleSource]
        except ImportError as error:
            raise self.problem(
                place, file, sheet, "files of the old .xls form need the package xlrd; save as .xlsx"
            ) from error
        try:
            book = xlrd.open_workbook(file_contents=self.content(path))
        except XLRDError as error:
            raise self.problem(place, file, sheet, "the file is not an .xls workbook") from error
        found = book.sheet_by_name(_sheet(book.sheet_names(), sheet, self, place, file))
        return [list(found.row_values(row)) for row in range(found.nrows)]

    def named(self, file: str, sheet: str, name: str, place: Place) -> Grid:
        path = self._path(file, sheet, place)
        if path.suffix.lower() not in (".xlsx", ".xlsm"):
            raise self.problem(
                place, file, name, "`{name}` is neither a cell nor a range that this file can name", name=name
            )
        book = self._workbook(path, file, place)
        tab = _sheet(book.sheetnames, sheet, self, place, file)
        local = {key.casefold(): value for key, value in book[tab].defined_names.items()}
        world = {key.casefold(): value for key, value in book.defined_names.items()}
        found = local.get(name.casefold()) or world.get(name.casefold())
        targets = [] if found is None else list(found.destinations)
        if len(targets) != 1 or targets[0][0].casefold() != tab.casefold():
            raise self.problem(place, file, name, "the sheet has no range named `{name}`", name=name)
        first, _, last = targets[0][1].replace("$", "").partition(":")
        start, end = position_of(first), position_of(last or first)
        if start is None or end is None:
            raise self.problem(place, file, name, "the range named `{name}` is no block of cells", name=name)
        grid = self.grid(file, sheet, place)
        return [[cell_of(row_of(grid, r), c) for c in range(start[1], end[1] + 1)] for r in range(start[0], end[0] + 1)]

    def _path(self, file: str, sheet: str, place: Place) -> Path:
        name = file.strip().replace("\\", "/")
        parts = name.split("/")
        if self.folder is None:
            raise self.problem(place, file, "", "a model without a file reads no other files")
        if name.startswith("/") or re.match(r"^[A-Za-z]:", name) or ".." in parts or "\0" in name:
            raise self.problem(place, file, "", "it lies outside the model's folder")
        folder = self.folder.resolve()
        try:
            path = self._tagged(name[1:], sheet, place, file) if name.startswith("?") else _any_case(folder, parts)
            path = path if path is not None and path.is_file() else None
        except OSError:  # a name longer than the system allows
            path = None
        if path is None:
            raise self.problem(place, file, "", "there is no such file beside the model")
        if not path.resolve().is_relative_to(folder):
            raise self.problem(place, file, "", "it is a link that leaves the model's folder")
        if path.stat().st_size > MOST_BYTES:
            raise self.problem(place, file, "", "it has more than {limit} bytes", limit=MOST_BYTES)
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
            raise self.problem(place, file, "", "{count} files beside the model have that name", count=len(found))
        if (
            found
            and (notice := f"`{file}` is read from {found[0].name}, which lies beside the model.") not in self.notices
        ):
            self.notices.append(notice)
        return found[0] if found else None

    def content(self, path: Path) -> bytes:
        assert self.folder is not None
        content = path.read_bytes()
        self.used[path.resolve().relative_to(self.folder.resolve()).as_posix()] = hashlib.sha256(content).hexdigest()
        return content

    def problem(self, place: Place, file: str, cell: str, what: str, **values: Any) -> Unreadable:
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


def _sheet(names: list[str], wanted: str, sheets: Sheets, place: Place, file: str) -> str:
    for name in names:
        if name.casefold() == wanted.casefold():
            return name
    raise sheets.problem(
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


def position_of(cell: str) -> tuple[int, int] | None:
    match = _CELL.match(cell.strip())
    return (int(match.group(2)) - 1, column_of(match.group(1))) if match else None


def column_of(letters: str) -> int:
    number = 0
    for letter in letters.strip().upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def row_of(grid: Grid, index: int) -> list[Any]:
    return grid[index] if 0 <= index < len(grid) else []


def cell_of(row: list[Any], index: int) -> Any:
    return row[index] if 0 <= index < len(row) else None


def number_of(cell: Any) -> float:
    if isinstance(cell, bool) or cell is None:
        return math.nan
    try:
        value = float(cell if isinstance(cell, int | float) else str(cell).strip())
    except (ValueError, OverflowError):
        return math.nan
    return value if math.isfinite(value) else math.nan


def text_of(cell: Any) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()
