"""The chapter on sensitivity: what the spread of the outcomes depends on, and within which ranges."""

from __future__ import annotations

from markupsafe import Markup

from alliance_dynamics.report.blocks import Cell, Figure, Section, Table, cell, head, number, slug
from alliance_dynamics.report.chapter_reviewer import reviewer_sections
from alliance_dynamics.report.facts import Facts
from alliance_dynamics.report.numbers import decimals_of_interval, exact
from alliance_dynamics.report.results import Row
from alliance_dynamics.report.voice import GROUPS, Voice
from alliance_dynamics.report.wording import variance_sentences

INDICES, LEVERS = "sensitivity/indices.csv", "sensitivity/levers.csv"
SPREAD, EFFECTS = "sensitivity/outcomes.csv", "sensitivity/main_effects.csv"
PAIRS = "sensitivity/pairs.csv"
LEVEL_FIGURE, EFFECTS_FIGURE, PAIRS_FIGURE = "level", "main_effects", "pairs"


def sensitivity_section(voice: Voice, facts: Facts, figures: tuple[Figure, ...]) -> Section:
    """Sentences and a table per outcome in the report year, the ranges, and the figures over time."""
    rows = voice.results.rows(INDICES)
    parts = []
    for outcome in dict.fromkeys(row["outcome"] for row in rows):
        mine = [row for row in rows if row["outcome"] == outcome]
        year = year_of_interest(mine, facts)
        at = [row for row in mine if row["year"] == year]
        parts.append(
            Section(
                f"sensitivity-{len(parts) + 1}",
                voice.texts("section.variance", outcome=voice.outcome(outcome), year=year),
                items=tuple(variance_sentences(voice, at)),
                figures=tuple(each for each in figures if each.name == figure_name(outcome)),
                tables=(_index_table(voice, at), *((_rank_table(voice, at),) if _ranked(at) else ())),
            )
        )
    paragraphs = [voice.texts("sensitivity.intro"), _design(voice)]
    if max(row["year"] for row in rows) > facts.last_observed:
        paragraphs.append(voice.texts.markup("sensitivity.beyond", year=facts.last_observed))
    return Section(
        "sensitivity",
        voice.texts("section.sensitivity"),
        tuple(paragraphs),
        figures=tuple(each for each in figures if each.name in (LEVEL_FIGURE, EFFECTS_FIGURE, PAIRS_FIGURE)),
        tables=(_range_table(voice), *((_spread_table(voice, facts),) if voice.results.rows(SPREAD) else ())),
        sections=(*reviewer_sections(voice, facts, figures), *parts),
    )


def year_of_interest(rows: list[Row], facts: Facts) -> int:
    """The report year where the indices have it, else their last year."""
    years = {row["year"] for row in rows}
    return facts.report_year if facts.report_year in years else max(years)


def figure_name(outcome: str) -> str:
    return "sensitivity_" + slug(outcome, "_")


def _design(voice: Voice) -> Markup:
    summary = voice.results.sensitivity
    values = {
        key: voice.numbers.number(summary[key], 0) if isinstance(summary.get(key), int | float) else "—"
        for key in ("points", "replicates", "runs", "failed")
    }
    return voice.texts.markup("sensitivity.design", **values)


def _index_table(voice: Voice, rows: list[Row]) -> Table:
    """Indices with intervals, inputs in the order of the file; a negative estimate is printed as 0 with a footnote."""
    body: list[tuple[Cell, ...]] = []
    for row in rows:
        decimals = 3 if row["ST_high"] < 0.01 else 2
        shares = (_index_cell(voice, row, each, decimals) for each in ("S1", "ST"))
        body.append((head(voice.lever(row["lever"])), *shares))
    negative = any(row[each] < 0 for row in rows for each in ("S1", "ST"))
    notes = [voice.texts("note.indices")] + ([voice.texts("note.negative")] if negative else [])
    where = {"outcome": voice.outcome(rows[0]["outcome"]), "year": rows[0]["year"]}
    return Table(
        f"{figure_name(rows[0]['outcome'])}-table",
        voice.texts("table.indices", **where),
        INDICES,
        (voice.texts("head.input"), voice.texts("head.S1"), voice.texts("head.ST")),
        tuple(body),
        tuple(notes),
    )


def _index_cell(voice: Voice, row: Row, index: str, decimals: int) -> Cell:
    value = row[index]
    shown = voice.numbers.number(max(value, 0.0), decimals if value > 0 else 0)
    estimate = exact(value, shown) + ("*" if value < 0 else "")
    low, high = (
        exact(row[f"{index}_{end}"], voice.numbers.number(row[f"{index}_{end}"], decimals)) for end in ("low", "high")
    )
    return number(estimate, voice.texts.markup("interval", low=low, high=high))


def _ranked(rows: list[Row]) -> bool:
    return all(row.get("top_1") not in (None, "") for row in rows)


def _rank_table(voice: Voice, rows: list[Row]) -> Table:
    """How often each input is the first, and among the first three, over the independent samples."""
    shares = [(row, float(row["top_1"]), float(row["top_3"])) for row in rows]
    shown = sorted((each for each in shares if each[2] > 0), key=lambda each: (-each[1], -each[2]))
    body = tuple(
        (head(voice.lever(row["lever"])), number(voice.share(first)), number(voice.share(three)))
        for row, first, three in shown
    )
    where = {"outcome": voice.outcome(rows[0]["outcome"]), "year": rows[0]["year"]}
    columns = tuple(voice.texts(f"head.{each}") for each in ("input", "top_1", "top_3"))
    return Table(f"{figure_name(rows[0]['outcome'])}-ranks", voice.texts("table.top", **where), INDICES, columns, body,
                 (voice.texts("note.top"),))  # fmt: skip


def _spread_table(voice: Voice, facts: Facts) -> Table:
    """What the gaps of the outcomes come to over all settings and futures of the design, in the report year."""
    rows = [row for row in voice.results.rows(SPREAD) if row["year"] == facts.report_year]
    body: list[tuple[Cell, ...]] = []
    for row in rows:
        decimals = decimals_of_interval(row["q05"], row["q95"], row["q50"])
        numbers = (exact(row[key], voice.numbers.number(row[key], decimals, sign=key != "sd"))
                   for key in ("mean", "sd", "q05", "q50", "q95"))  # fmt: skip
        failed = voice.share(row["failed"] / row["runs"])
        body.append((head(voice.outcome_with_unit(row)), *(number(each) for each in numbers), number(failed)))
    columns = ("outcome", "mean", "sd", "q05", "q50", "q95", "failed")
    return Table("spread", voice.texts("table.spread", year=facts.report_year, baseline=facts.baseline), SPREAD,
                 tuple(voice.texts(f"head.{each}" if each == "outcome" else f"head.spread_{each}") for each in columns),
                 tuple(body), (voice.texts("note.spread"),))  # fmt: skip


def _range_table(voice: Voice) -> Table:
    body = []
    for row in voice.results.rows(LEVERS):
        decimals = min(decimals_of_interval(row["low"], row["high"], row["high"]), 4)
        ends = [exact(row[end], voice.numbers.number(row[end], decimals)) for end in ("low", "high")]
        grade = voice.texts("source.grade", grade=row["grade"]) if row["grade"] else ""
        body.append(
            (
                head(row[f"label_{voice.language}"]),
                cell(voice.unit(row["unit"]) or voice.texts("unit_none")),
                number(voice.texts.markup("range", low=ends[0], high=ends[1])),
                cell(voice.source(row) or "—", grade),
            )
        )
    groups = [each for each in GROUPS if any(row["lever"] == each for row in voice.results.rows(INDICES))]
    columns = ("lever", "unit", "range", "source")
    return Table(
        "ranges",
        voice.texts("table.ranges"),
        LEVERS,
        tuple(voice.texts(f"head.{each}") for each in columns),
        tuple(body),
        tuple(voice.texts(f"note.group.{each}") for each in groups),
    )
