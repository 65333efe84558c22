"""Chapters on the calibration itself: data and breaks, objective, search, residuals."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import fmean

from alliance_dynamics.report.blocks import Figure, Section, Table, cell, head, number
from alliance_dynamics.report.chapter_fit import FIT, break_in_words, starts_sentence, used_rows
from alliance_dynamics.report.results import Row
from alliance_dynamics.report.voice import Voice

DATA = "calibration/data.csv"


def data_section(voice: Voice) -> Section:
    """Figures by statistic and region: years, how many enter the fit, sources, vintages, statuses, why excluded."""
    rows = voice.results.rows(DATA)
    body = []
    for row in rows:
        # notes of the tables are English
        key = "data.excluded" if voice.language == "en" and row["reason"] else "data.left_out"
        reason = voice.texts.markup(key, count=row["excluded"], reason=row["reason"])
        body.append(
            (
                head(voice.variable(row["observable"])),
                cell(voice.element(row["region"])),
                cell(f"{row['first']}–{row['last']}"),
                number(voice.numbers.number(row["train"] + row["holdout"], 0)),
                cell(row["sources"], row["vintages"]),
                cell(row["statuses"], reason if row["excluded"] else ""),
            )
        )
    columns = ("observable", "region", "years", "in_fit", "origin", "remarks")
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


def objective_section(voice: Voice) -> Section:
    """The objective in words and as a formula, with its value at the best fit."""
    summary = voice.results.calibration
    keys = ("objective", "negative_log_likelihood")
    values = {key: voice.numbers.number(summary[key], 2) for key in keys if summary.get(key) is not None}
    paragraphs = [voice.texts("objective.words"), voice.texts("objective.formula"), voice.texts("objective.noise")]
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


def residuals_section(voice: Voice, figures: tuple[Figure, ...]) -> Section:
    """Log residuals by statistic: mean, spread and how alike neighbouring years are."""
    rows = used_rows(voice.results.rows(FIT))
    body = []
    for name in dict.fromkeys(row["observable"] for row in rows):
        series = list(residuals(rows, name).values())
        every = [value for mine in series for _, value in mine]
        pairs = [(a[1], b[1]) for mine in series for a, b in pairwise(mine) if b[0] == a[0] + 1]
        spread = math.sqrt(fmean(value**2 for value in every))
        alike = fmean(a * b for a, b in pairs) / spread**2 if pairs and spread else 0.0
        body.append(
            (
                head(voice.variable(name)),
                number(voice.numbers.number(fmean(every), 3, sign=True)),
                number(voice.numbers.number(spread, 3)),
                number(voice.numbers.number(alike, 2)),
                cell(voice.texts("residuals.alike" if alike > 0.5 else "residuals.apart")),
            )
        )
    columns = ("observable", "mean_residual", "spread_residual", "lag", "means")
    table = Table("residuals", voice.texts("table.residuals"), FIT,
                  tuple(voice.texts(f"head.{each}") for each in columns), tuple(body),
                  (voice.texts("note.residuals"),))  # fmt: skip
    return Section("residuals-chapter", voice.texts("section.residuals"), (voice.texts("residuals.intro"),),
                   figures=figures, tables=(table,))  # fmt: skip


def residuals(rows: list[Row], observable: str) -> dict[str, list[tuple[int, float]]]:
    """By region: (year, ln observed - ln median), in the order of years."""
    found: dict[str, list[tuple[int, float]]] = {}
    for row in sorted(rows, key=lambda row: row["year"]):
        if row["observable"] == observable and row["observed"] > 0 and row["q50"] > 0:
            found.setdefault(row["region"], []).append((row["year"], math.log(row["observed"] / row["q50"])))
    return found
