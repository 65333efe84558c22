"""Statistics as they were published: figures by indicator, region and year, and the card of each source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alliance_dynamics.cells import Column, near_name
from alliance_dynamics.errors import Fault, InputError, Place, UsageError, fault
from alliance_dynamics.tables import gather_table, read_table, write_table

SET_ASIDE = {
    "DISAGREES": "another vintage of a figure that is kept in its revised form",
    "ROUNDED": "news-level precision",
    "SUSPECT": "fails an accounting identity of its own table",
}

OBSERVATION_COLUMNS = (
    Column("region_code", "text"),
    Column("region", "text"),
    Column("indicator", "id"),
    Column("unit", "text"),
    Column("year", "year", lower=1800, upper=2200),
    Column("value", "number"),
    Column("source_id", "id"),
    Column("note", "text", missing=("",)),
)

SOURCE_COLUMNS = (
    Column("source", "id"),
    Column("title"),
    Column("publisher"),
    Column("table", missing=("",)),
    Column("address", missing=("",)),
    Column("licence", missing=("",)),
    Column("retrieved", missing=("",)),
    Column("sha256", missing=("",)),
)


@dataclass(frozen=True, slots=True)
class Observation:
    """One published figure.  `line` is its line in the file it came from."""

    region_code: str
    region: str
    indicator: str
    unit: str
    year: int
    value: float
    source: str
    note: str = ""
    line: int = 0

    @property
    def set_aside(self) -> str:
        """Why the figure is not part of the preferred series (`DISAGREES`, `ROUNDED`, `SUSPECT`), else ""."""
        return next((flag for flag in SET_ASIDE if flag in self.note), "")


@dataclass(frozen=True, slots=True)
class Series:
    """The preferred figures of one indicator and region by year, in one unit."""

    indicator: str
    region: str
    unit: str
    values: Mapping[int, float]
    sources: Mapping[int, str]

    def over(self, first: int, last: int) -> dict[int, float]:
        """Figures of the years first..last, both included; a missing year is refused."""
        absent = [year for year in range(first, last + 1) if year not in self.values]
        if absent:
            what = "`{indicator}` of {region} has no figure for {years}"
            years = ", ".join(map(str, absent))
            raise UsageError(fault("", what, indicator=self.indicator, region=self.region, years=years))
        return {year: self.values[year] for year in range(first, last + 1)}


@dataclass(frozen=True, slots=True)
class SourceCard:
    """Where figures come from."""

    source: str
    title: str
    publisher: str
    table: str = ""
    address: str = ""
    licence: str = ""
    retrieved: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Observations:
    """All rows of a file of figures.  `warnings` are things to say that do not stop the reading."""

    path: str
    rows: tuple[Observation, ...]
    warnings: tuple[Fault, ...] = ()

    @property
    def indicators(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(row.indicator for row in self.rows))

    def series(self, indicator: str, region: str) -> Series:
        """Figures of a region (its code or full name) without those set aside; two figures for a year are refused."""
        rows = [row for row in self._of(indicator, region) if not row.set_aside]
        faults: list[Fault] = []
        seen: dict[int, Observation] = {}
        for row in rows:
            if row.year in seen:
                what = "`{indicator}` of {region} has two figures for {year}, lines {first} and {second}"
                remedy = (
                    "Mark the one not to be used with DISAGREES in its note, or ask for the region by its full name."
                )
                place = Place(self.path, row.line)
                at = {"indicator": indicator, "region": region, "year": row.year, "first": seen[row.year].line}
                faults.append(fault(place, what, remedy=remedy, second=row.line, **at))
            seen[row.year] = row
        units = sorted({row.unit for row in rows})
        if len(units) > 1:
            what = "`{indicator}` of {region} is given in several units: {units}"
            faults.append(fault(self.path, what, indicator=indicator, region=region, units="; ".join(units)))
        if faults:
            raise InputError(faults)
        ordered = dict(sorted(seen.items()))
        values = {year: row.value for year, row in ordered.items()}
        return Series(indicator, region, rows[0].unit, values, {year: row.source for year, row in ordered.items()})

    def other_vintage(self, indicator: str, region: str, year: int, source: str) -> Observation:
        """The figure of one year from one named source, also when it is set aside."""
        hits = [row for row in self._of(indicator, region) if row.year == year and row.source == source]
        if len(hits) != 1:
            what = "{count} figures of `{indicator}`, {region}, {year} from {source}"
            at = {"indicator": indicator, "region": region, "year": year, "source": source}
            raise UsageError(fault(self.path, what, expected="Exactly one", count=len(hits), **at))
        return hits[0]

    def _of(self, indicator: str, region: str) -> list[Observation]:
        if hits := [row for row in self.rows if row.indicator == indicator and region in (row.region_code, row.region)]:
            return hits
        for label, name, known in (
            ("indicator", indicator, self.indicators),
            ("region", region, dict.fromkeys(each for row in self.rows for each in (row.region_code, row.region))),
        ):
            if name not in known:
                what, remedy = "there are no figures for the {label} `{name}`", near_name(name, known)
                raise UsageError(fault(self.path, what, remedy=remedy, label=label, name=name))
        what = "there are no figures of `{indicator}` for {region}"
        raise UsageError(fault(self.path, what, indicator=indicator, region=region))


def read_observations(
    path: str | Path,
    *,
    years: tuple[int, int] | None = None,
    indicators: Sequence[str] = (),
    missing: Sequence[str] = (),
    ranges: Mapping[str, tuple[float, float]] | None = None,
    encoding: str = "utf-8",
) -> Observations:
    """Figures from a CSV or TSV file with the columns of `OBSERVATION_COLUMNS`, in the order of the file.

    `years`: figures outside first..last are kept and counted in `warnings`.  `indicators`: the only known ones, if
    given.  `missing`: cell texts that mean "not published" (such rows are left out).  `ranges`: lowest and highest
    value by indicator.  All faults are raised at once.
    """
    faults: list[Fault] = []
    columns = [
        Column("value", "number", missing=tuple(missing)) if column.name == "value" else column
        for column in OBSERVATION_COLUMNS
    ]
    key = ("region", "indicator", "year", "source_id")
    table = gather_table(path, columns, faults, key=key, encoding=encoding)
    rows: list[Observation] = []
    for row in table:
        values = row.values
        faults += _row_faults(table.place(row), values["indicator"], values["value"], indicators, ranges or {})
        if values["value"] is not None:
            text = (values["region_code"], values["region"], values["indicator"], values["unit"])
            at = (values["year"], values["value"], values["source_id"], values["note"] or "", row.line)
            rows.append(Observation(*text, *at))
    if faults:
        raise InputError(faults)
    warnings = years_outside(str(path), [row.year for row in rows], *years) if years else []
    return Observations(str(path), tuple(rows), tuple(warnings))


def years_outside(path: str, found: Iterable[float], first: float, last: float) -> list[Fault]:
    """A warning that counts the years before `first` and after `last`; an empty list where there are none."""
    found = list(found)
    early, late = sum(year < first for year in found), sum(year > last for year in found)
    if not early and not late:
        return []
    what = "{early} rows before {first} and {late} rows after {last} are outside the model's years and are not compared"
    return [fault(path, what, early=early, late=late, first=f"{first:g}", last=f"{last:g}")]


def read_sources(path: str | Path) -> dict[str, SourceCard]:
    """Source cards by id, from a table with the columns of `SOURCE_COLUMNS`."""
    table = read_table(path, SOURCE_COLUMNS, key=("source",))
    return {row["source"]: SourceCard(*(row[column.name] or "" for column in SOURCE_COLUMNS)) for row in table}


def write_observations(path: str | Path, rows: Iterable[Observation]) -> None:
    """Write rows in the form that `read_observations` reads."""
    cells = ([r.region_code, r.region, r.indicator, r.unit, r.year, r.value, r.source, r.note] for r in rows)
    write_table(path, [column.name for column in OBSERVATION_COLUMNS], cells)


def _row_faults(
    place: Place,
    indicator: str,
    value: float | None,
    indicators: Sequence[str],
    ranges: Mapping[str, tuple[float, float]],
) -> list[Fault]:
    found: list[Fault] = []
    if indicators and indicator not in indicators:
        known, remedy = ", ".join(indicators), near_name(indicator, indicators)
        what = "there is no indicator `{indicator}`"
        found.append(fault(place, what, expected="One of {known}", remedy=remedy, indicator=indicator, known=known))
    lower, upper = ranges.get(indicator, (float("-inf"), float("inf")))
    if value is not None and not lower <= value <= upper:
        what, expected = "`{indicator}` has {value}, outside its range", "From {lower} to {upper}"
        at = {"indicator": indicator, "value": f"{value:g}", "lower": f"{lower:g}", "upper": f"{upper:g}"}
        found.append(fault(place, what, expected=expected, **at))
    return found
