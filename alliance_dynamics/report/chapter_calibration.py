"""Chapters on the calibration itself: data and breaks, objective, search."""

from __future__ import annotations

from alliance_dynamics.report.blocks import Cell, Figure, Section, Table, band, cell, head, number
from alliance_dynamics.report.chapter_fit import break_in_words, starts_sentence
from alliance_dynamics.report.results import Row
from alliance_dynamics.report.voice import Voice

DATA = "calibration/data.csv"


def data_section(voice: Voice) -> Section:
    """Figures by statistic and region: years, how many enter the fit, sources, vintages, statuses, why excluded."""
    rows = voice.results.rows(DATA)
    columns = ("region", "years", "in_fit", "origin", "remarks")
    body: list[tuple[Cell, ...]] = []
    for name in dict.fromkeys(row["observable"] for row in rows):
        body.append((band(voice.variable(name), len(columns)),))
        body += [_data_row(voice, row) for row in rows if row["observable"] == name]
    table = Table("data", voice.texts("table.data"), DATA, tuple(voice.texts(f"head.{each}") for each in columns),
                  tuple(body), (voice.texts("note.data"),))  # fmt: skip
    breaks = voice.results.calibration.get("breaks", [])
    items = [
        voice.texts.markup("data.break", observable=voice.variable(each["observable"]), year=each["year"],
                           label=break_in_words(voice, each))
        for each in breaks
    ]  # fmt: skip
    return Section("data-chapter", voice.texts("section.data"), (voice.texts("data.intro"),), tuple(items),
                   tables=(table,) if body else ())  # fmt: skip


def _data_row(voice: Voice, row: Row) -> tuple[Cell, ...]:
    # notes of the tables are English
    key = "data.excluded" if voice.language == "en" and row["reason"] else "data.left_out"
    reason = voice.texts.markup(key, count=row["excluded"], reason=row["reason"])
    return (
        head(voice.element(row["region"])),
        cell(f"{row['first']}–{row['last']}"),
        number(voice.numbers.number(row["train"] + row["holdout"], 0)),
        cell(row["sources"], row["vintages"]),
        cell(row["statuses"], reason if row["excluded"] else ""),
    )


def objective_section(voice: Voice) -> Section:
    """The objective in words and as a formula, with its value at the best fit."""
    summary = voice.results.calibration
    keys = ("objective", "negative_log_likelihood")
    values = {key: voice.numbers.number(summary[key], 2) for key in keys if summary.get(key) is not None}
    paragraphs = [
        voice.texts(f"objective.{each}")
        for each in ("words", "formula_residual", "formula_likelihood", "formula_objective", "noise")
    ]
    if len(values) == len(keys):
        paragraphs.append(
            voice.texts.markup("objective.value", points=voice.numbers.number(summary["points"], 0),
                               parameters=summary["parameters"], **values)
        )  # fmt: skip
    return Section("objective", voice.texts("section.objective"), tuple(paragraphs))


def search_section(voice: Voice, figures: tuple[Figure, ...]) -> Section:
    """The waterfall of starts, and how well the draws agree."""
    summary = voice.results.calibration
    paragraphs = [starts_sentence(voice), voice.texts("search.not_identification")]
    if summary.get("r_hat_max") is not None:
        paragraphs.append(
            voice.texts.markup(
                "search.draws", r_hat=voice.numbers.number(summary["r_hat_max"], 3),
                accepted=voice.share(summary["accepted"]), chains=summary["chains"],
                generations=summary["generations"],
            )
        )  # fmt: skip
    if summary.get("least_effective_size") is not None:
        paragraphs.append(voice.texts("search.sizes", size=voice.numbers.number(summary["least_effective_size"], 0)))
    return Section("search", voice.texts("section.search"), tuple(paragraphs), figures=figures)
