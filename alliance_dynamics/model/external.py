"""GET DIRECT and GET XLS: constants, series and names of elements from files beside a model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from alliance_dynamics.errors import Place, fault
from alliance_dynamics.model.expression import Interpolation, Table
from alliance_dynamics.model.names import canonical, whole
from alliance_dynamics.model.sheets import (
    Grid,
    Sheets,
    Unreadable,
    cell_of,
    column_of,
    number_of,
    position_of,
    row_of,
    text_of,
)


@dataclass
class Files(Sheets):
    """The files beside one model, read as Vensim's functions for external data read them."""

    def constants(self, strings: tuple[str, ...], shape: tuple[int, ...], place: Place) -> tuple[float, ...]:
        """GET XLS/DIRECT CONSTANTS(file, sheet or delimiter, cell): numbers for `shape`, row-major.

        One dimension runs along a row, two run down rows and along columns; `*` behind the cell turns both.
        """
        file, sheet, cell = strings
        long = [size for size in shape if size > 1]
        if len(long) > 2:
            raise self.problem(place, file, cell, "{count} subscripts cannot be read at once", count=len(long))
        rows, columns = [1, 1, *long][-2:]
        turned = cell.endswith("*")
        cell = cell.rstrip("*").strip()
        if turned:
            rows, columns = columns, rows
        block = self._block(file, sheet, cell, rows, columns, place)
        if turned:
            block = [list(row) for row in zip(*block, strict=True)]
        values = [number_of(each) for row in block for each in row]
        if any(math.isnan(each) for each in values):
            raise self.problem(
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
        start = position_of(cell)
        row = whole(series)
        if row is not None and start:
            grid = self.grid(file, sheet, place)
            xs = row_of(grid, row - 1)[start[1] :]
            ys = [row_of(grid, start[0] + k)[start[1] :] for k in range(count)]
        elif start:
            grid = self.grid(file, sheet, place)
            column = column_of(series)
            xs = [cell_of(row, column) for row in grid[start[0] :]]
            ys = [[cell_of(row, start[1] + k) for row in grid[start[0] :]] for k in range(count)]
        else:
            xs, ys = self._named_series(file, sheet, series, cell, count, place)
        tables = []
        for column_of_y in ys:
            pairs = [(number_of(x), number_of(y)) for x, y in zip(xs, [*column_of_y, *[None] * len(xs)], strict=False)]
            points = sorted(pair for pair in pairs if not math.isnan(pair[0]) and not math.isnan(pair[1]))
            if not points:
                raise self.problem(place, file, cell, "there is no point with two numbers")
            doubled = [a[0] for a, b in pairwise(points) if a[0] == b[0]]
            if doubled:
                raise self.problem(place, file, cell, "{x} stands twice among the x values", x=doubled[0])
            tables.append(Table(tuple(x for x, _ in points), tuple(y for _, y in points), interpolation))
        return tables

    def labels(self, strings: list[str], place: Place) -> list[str]:
        """GET XLS/DIRECT SUBSCRIPT(file, sheet, first cell, last cell, prefix): names of elements."""
        if len(strings) != 5:
            raise Unreadable(
                fault(place, "GET DIRECT SUBSCRIPT has {count} arguments", expected="Expected 5.", count=len(strings))
            )
        file, sheet, first, last, prefix = strings
        start = position_of(first)
        if start is None:
            block = self.named(file, sheet, first, place)
        else:
            grid = self.grid(file, sheet, place)
            end = position_of(last)
            number = whole(last)
            last_row = end[0] if end else number - 1 if number is not None else None
            last_column = end[1] if end else column_of(last) if last and number is None else None
            rows = grid[start[0] : None if last_row is None else last_row + 1]
            block = [row[start[1] : None if last_column is None else last_column + 1] for row in rows]
        names = [prefix + text_of(each) for row in block for each in row if each is not None and text_of(each)]
        if not names:
            raise self.problem(place, file, first, "there is no name in the cells read")
        return names

    def listing(self, stem: str, place: Place) -> dict[str, tuple[list[float], list[float]]] | None:
        """Series by canonical name (`name` or `name[a,b]`) from `<stem>_data.dat`: a name, then time-value pairs."""
        if self.folder is None or not (self.folder / f"{stem}_data.dat").is_file():
            return None
        file = f"{stem}_data.dat"
        try:
            text = self.content(self.folder / file).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise self.problem(place, file, "", "the file is not UTF-8 text") from error
        series: dict[str, tuple[list[float], list[float]]] = {}
        current: tuple[list[float], list[float]] | None = None
        for number, line in enumerate(text.splitlines(), 1):
            parts = line.split("\t")
            if len(parts) == 1 and line.strip():
                label, _, subscripts = line.strip().partition("[")
                elements = [canonical(each) for each in subscripts.rstrip("]").split(",") if each.strip()]
                name = canonical(label) + (f"[{','.join(elements)}]" if elements else "")
                current = series.setdefault(name, ([], []))
            elif len(parts) >= 2 and current is not None:
                x, y = number_of(parts[0]), number_of(parts[1])
                if math.isnan(x) or math.isnan(y):
                    raise self.problem(place, file, f"line {number}", "expected a time and a value")
                current[0].append(x)
                current[1].append(y)
        return series

    def _block(self, file: str, sheet: str, cell: str, rows: int, columns: int, place: Place) -> Grid:
        start = position_of(cell)
        if start is None:
            block = self.named(file, sheet, cell, place)
            if len(block) != rows or any(len(row) != columns for row in block):
                raise self.problem(
                    place,
                    file,
                    cell,
                    "the range has {have} cells, the subscripts ask for {rows} x {columns}",
                    have=f"{len(block)} x {len(block[0])}",
                    rows=rows,
                    columns=columns,
                )
            return block
        grid = self.grid(file, sheet, place)
        return [[cell_of(row_of(grid, start[0] + r), start[1] + c) for c in range(columns)] for r in range(rows)]

    def _named_series(
        self, file: str, sheet: str, series: str, cell: str, count: int, place: Place
    ) -> tuple[list[Any], Grid]:
        xs, ys = self.named(file, sheet, series, place), self.named(file, sheet, cell, place)
        if len(xs) > 1 and len(xs[0]) > 1:
            raise self.problem(place, file, series, "the x values fill a table, not one row or column")
        if len(xs) > 1 or (len(ys) > 1 and len(ys[0]) == 1):
            ys = [list(column) for column in zip(*ys, strict=True)]
        flat = [each for row in xs for each in row]
        if len(ys) != count or any(len(row) != len(flat) for row in ys):
            raise self.problem(
                place,
                file,
                cell,
                "the range has {have} cells, expected {count} x {length}",
                have=f"{len(ys)} x {len(ys[0])}",
                count=count,
                length=len(flat),
            )
        return flat, ys
