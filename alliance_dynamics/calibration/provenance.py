"""Where each figure of a problem comes from, and whether it still is what was published: cards, hashes, identities."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from alliance_dynamics.calibration.comparable import RULES, comparable
from alliance_dynamics.calibration.problem import Measurement, Problem
from alliance_dynamics.calibration.problem_columns import COLUMNS
from alliance_dynamics.calibration.regions import COLUMNS as REGION_COLUMNS
from alliance_dynamics.errors import UsageError, fault, suggestion
from alliance_dynamics.observations import Observation, Observations, SourceCard, read_observations, read_sources
from alliance_dynamics.tables import read_table

DIGITS = 1e-7  # tables are written with eight digits


@dataclass(frozen=True)
class Book:
    """A problem beside the published figures that its tables were made from.

    `regions`: region code by experiment; `origins`: (indicator, rule) by observable, "" where the table does not say.
    """

    problem: Problem
    published: Observations
    cards: Mapping[str, SourceCard]
    regions: Mapping[str, str]
    origins: Mapping[str, tuple[str, str]]

    @property
    def names(self) -> tuple[str, ...]:
        """Observables of the problem, then indicators as published."""
        return (*self.problem.observables, *self.published.indicators)


@dataclass(frozen=True)
class Figure:
    """One figure with its origin.  `published` is the figure in the statistics that it was made from, if it was."""

    name: str
    region: str
    year: int
    value: float | None
    unit: str
    status: str
    vintage: str
    use: str
    note: str
    sources: tuple[str, ...]
    rule: str = ""
    published: tuple[Observation, ...] = ()


@dataclass(frozen=True)
class Check:
    """One thing verified over `count` figures: its largest gap (a share unless `unit` says otherwise) and where.

    `kind`: hash, figures or identity.  `passed` is None where there was nothing to check it with.
    """

    kind: str
    name: str
    count: int
    gap: float
    tolerance: float
    where: str
    passed: bool | None
    unit: str = ""


@dataclass(frozen=True)
class Identity:
    """`left` equals `right` of the figures that it names, within `tolerance`; relative, or absolute in `unit`."""

    name: str
    left: str
    parts: tuple[str, ...]
    right: Callable[..., float]
    tolerance: float
    unit: str = ""


def _sum(*parts: float) -> float:
    return sum(parts)


IDENTITIES = (
    Identity("R&D personnel = researchers + technicians + support staff + others", "rd_personnel",
             ("researchers", "rd_technicians", "rd_support_staff", "rd_other_staff"), _sum, 1e-9),
    Identity("internal R&D expenditure = current + capital expenditure", "rd_expenditure_internal",
             ("rd_current_expenditure", "rd_capital_expenditure"), _sum, 5e-4),
    Identity("gross regional product = product per head x average population", "grp_current",
             ("grp_per_capita", "population_annual_average"), lambda head, people: head * people / 1000, 0.01),
    Identity("share of innovative goods = 100 x volume / shipments of surveyed organisations", "innovative_goods_share",
             ("innovative_goods_volume", "shipped_total_surveyed"), lambda part, whole: 100 * part / whole, 0.06,
             "percentage points"),
)  # fmt: skip


def open_book(problem: Problem) -> Book:
    """The figures behind a problem.  UsageError where its folder has no data/ with figures, cards and regions."""
    data = problem.folder / "data"
    missing = [name for name in ("observations.csv", "sources.csv", "regions.csv") if not (data / name).is_file()]
    if missing:
        raise UsageError(
            fault(str(data), "The published figures are not there: {names}",
                  expected="A folder data/ beside problem.toml, as calibration/README.md describes",
                  names=", ".join(missing))
        )  # fmt: skip
    regions = read_table(data / "regions.csv", REGION_COLUMNS, key=("experimentId",))
    rows = read_table(problem.files["observables"], COLUMNS["observables"], key=("observableId",))
    origins = {str(row["observableId"]): (row["indicator"] or "", row["rule"] or "") for row in rows}
    return Book(
        problem,
        read_observations(data / "observations.csv"),
        read_sources(data / "sources.csv"),
        {str(row["experimentId"]): str(row["region_code"]) for row in regions},
        origins,
    )


def figures(book: Book, name: str, *, region: str = "", year: int | None = None) -> list[Figure]:
    """Figures of an observable or of a published indicator; UsageError names the nearest where there are none."""
    if name not in book.names:
        what = "there is no figure `{name}`"
        raise UsageError(fault("", what, expected="One of {known}", remedy=suggestion(name, book.names), name=name,
                               known=", ".join(book.names)))  # fmt: skip
    places = _places(book)
    if region and region not in places:
        what = "there are no figures for the region `{region}`"
        raise UsageError(fault("", what, expected="One of {known}", remedy=suggestion(region, places), region=region,
                               known=", ".join(dict.fromkeys(places.values()))))  # fmt: skip
    found = _of_observable(book, name) if name in book.problem.observables else _as_published(book, name)
    wanted = places.get(region, "")
    return [each for each in found if (not wanted or each.region == wanted) and (year is None or each.year == year)]


def verify(book: Book) -> list[Check]:
    """Hashes of the rows of each source, the tables made again from the figures, and the accounting identities."""
    return [*_hashes(book), *_made_again(book), *(_identity(book, each) for each in IDENTITIES)]


def digest(observations: Observations, source: str) -> str:
    """sha256 over the rows of one source in a form that no spreadsheet changes: sorted, tab-separated, exact values."""
    rows = sorted(
        f"{each.region_code}\t{each.indicator}\t{each.unit}\t{each.year}\t{each.value!r}\n"
        for each in observations.rows
        if each.source == source
    )
    return hashlib.sha256("".join(rows).encode()).hexdigest()


def _places(book: Book) -> dict[str, str]:
    """Region code by code, full name and experiment."""
    found = {}
    for row in book.published.rows:
        found |= {row.region_code: row.region_code, row.region: row.region_code}
    return found | dict(book.regions)


def _of_observable(book: Book, name: str) -> list[Figure]:
    indicator, rule = book.origins[name]
    found = []
    for row in book.problem.measurements:
        if row.observable == name:
            code, sources = book.regions.get(row.experiment, row.experiment), tuple(row.source.split(";"))
            origin = [
                each
                for each in book.published.rows
                if each.indicator in (indicator, indicator.replace("okved1", "okved2"))
                and (each.region_code, each.year) == (code, int(row.year))
                and not each.set_aside
            ]
            found.append(Figure(name, code, int(row.year), row.value, row.unit, row.status, row.vintage, row.fold,
                                row.note, sources, RULES.get(rule, rule), tuple(origin)))  # fmt: skip
    return found


def _as_published(book: Book, name: str) -> list[Figure]:
    rows = [each for each in book.published.rows if each.indicator == name]
    return [
        Figure(name, each.region_code, each.year, each.value, each.unit, "", "", each.set_aside, each.note,
               (each.source,))
        for each in sorted(rows, key=lambda each: (each.region_code, each.year))
    ]  # fmt: skip


def _hashes(book: Book) -> list[Check]:
    found = []
    for source in dict.fromkeys(row.source for row in book.published.rows):
        count = sum(row.source == source for row in book.published.rows)
        card, now = book.cards.get(source), digest(book.published, source)
        recorded = card.sha256 if card else ""
        passed = False if card is None else (recorded == now) if recorded else None
        found.append(Check("hash", source, count, 0.0, 0.0, now if not passed else "", passed))
    return found


def _made_again(book: Book) -> list[Check]:
    """Every figure of measurements.tsv made again from the published ones by the rule of its observable."""
    found = []
    for name, (indicator, rule) in book.origins.items():
        rows = [row for row in book.problem.measurements if row.observable == name]
        if not indicator or not rule:
            found.append(Check("figures", name, 0, 0.0, DIGITS, "", None))
            continue
        made: dict[str, dict[int, float]] = {}
        gaps = []
        for row in rows:
            code = book.regions.get(row.experiment, row.experiment)
            if code not in made:
                made[code] = comparable(book.published, indicator, rule, code)[0]
            gaps.append((_gap(row, made[code]), f"{code} {int(row.year)}"))
        worst = max(gaps, default=(0.0, ""))
        found.append(Check("figures", name, len(rows), worst[0], DIGITS, worst[1], worst[0] <= DIGITS))
    return found


def _gap(row: Measurement, made: Mapping[int, float]) -> float:
    value = made.get(int(row.year))
    if value is None or row.value is None:
        return 0.0 if value is None and row.value is None else float("inf")
    return abs(row.value - value) / max(abs(value), 1e-300)


def _identity(book: Book, identity: Identity) -> Check:
    kept: dict[tuple[str, str, int], float] = {}
    for row in book.published.rows:
        if not row.set_aside:
            kept[row.indicator, row.region_code, row.year] = row.value
    gaps: list[tuple[float, str]] = []
    for (indicator, code, year), value in kept.items():
        parts = [kept.get((part, code, year)) for part in identity.parts]
        if indicator == identity.left and all(part is not None for part in parts):
            apart = abs(value - identity.right(*parts))
            gaps.append((apart if identity.unit else apart / max(abs(value), 1e-300), f"{code} {year}"))
    worst = max(gaps, default=(0.0, ""))
    passed = worst[0] <= identity.tolerance if gaps else None
    return Check("identity", identity.name, len(gaps), worst[0], identity.tolerance, worst[1], passed, identity.unit)
