"""The chapter on feedback loops: which of them leads the change of an outcome, by regime and decade."""

from __future__ import annotations

from alliance_dynamics.report.blocks import Cell, Figure, Section, Table, cell, head, slug
from alliance_dynamics.report.results import Row
from alliance_dynamics.report.voice import Voice

LOOPS = "loops/by_decade.csv"
SHOWN = 2  # the largest loops of a decade


def loops_section(voice: Voice, figures: tuple[Figure, ...]) -> Section:
    """A figure and a table per outcome: decades down, regimes across; in a cell the largest loops, share and lead."""
    rows = voice.results.rows(LOOPS)
    outputs = dict.fromkeys(row["output"] for row in rows)
    tables = [_table(voice, output, [row for row in rows if row["output"] == output]) for output in outputs]
    paragraphs = (voice.texts("loops.intro"), voice.texts("loops.method"))
    return Section("loops", voice.texts("section.loops"), paragraphs, figures=figures, tables=tuple(tables))


def _table(voice: Voice, output: str, rows: list[Row]) -> Table:
    regimes = list(dict.fromkeys(row["regime"] for row in rows))
    periods = sorted({(row["first"], row["last"]) for row in rows})
    body: list[tuple[Cell, ...]] = []
    for first, last in periods:
        cells = []
        for regime in regimes:
            here = [row for row in rows if (row["regime"], row["first"]) == (regime, first)]
            largest = sorted(here, key=lambda row: -row["size"])[:SHOWN]
            cells.append(cell(*(_said(voice, row) for row in largest)))
        body.append((head(f"{first:.0f}–{last - 1:.0f}"), *cells))
    return Table(
        f"loops-{slug(output)}",
        voice.texts("table.loops", outcome=voice.outcome(output)),
        LOOPS,
        (voice.texts("head.years"), *regimes),
        tuple(body),
        (voice.texts("note.loops"),),
    )


def _said(voice: Voice, row: Row) -> str:
    return voice.texts(
        "loops.cell",
        loop=row["loop"],
        name=row[f"label_{voice.language}"],
        share=voice.numbers.number(100 * row["share"], 0, sign=True),
        leads=voice.numbers.number(100 * row["leads"], 0),
    )
