"""Chapters on what the fit leaves over: residuals with their tests, and features that it should repeat."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import fmean

from markupsafe import Markup

from alliance_dynamics.report.blocks import Cell, Figure, Section, Table, band, cell, head, number
from alliance_dynamics.report.chapter_fit import FIT, used_rows
from alliance_dynamics.report.results import Row
from alliance_dynamics.report.voice import Voice

RESIDUALS, TESTS = "calibration/residuals.csv", "calibration/residual_tests.csv"
CHECKS = "calibration/predictive_checks.csv"
LEVEL = 0.05


def residuals_section(voice: Voice, figures: tuple[Figure, ...]) -> Section:
    """Log residuals by statistic: mean, spread, how alike neighbouring years are, and whether memory explains it."""
    rows, tests = used_rows(voice.results.rows(FIT)), voice.results.rows(TESTS)
    body = []
    for name in dict.fromkeys(row["observable"] for row in rows):
        series = list(residuals(rows, name).values())
        every = [value for mine in series for _, value in mine]
        pairs = [(a[1], b[1]) for mine in series for a, b in pairwise(mine) if b[0] == a[0] + 1]
        spread = math.sqrt(fmean(value**2 for value in every))
        alike = fmean(a * b for a, b in pairs) / spread**2 if pairs and spread else 0.0
        cells = [
            head(voice.variable(name)),
            number(voice.numbers.number(fmean(every), 3, sign=True)),
            number(voice.numbers.number(spread, 3)),
            number(voice.numbers.number(alike, 2)),
            cell(voice.texts("residuals.alike" if alike > 0.5 else "residuals.apart")),
        ]
        if tests:
            cells += _tested(voice, [row for row in tests if row["observable"] == name])
        body.append(tuple(cells))
    columns = ["observable", "mean_residual", "spread_residual", "lag", "means"]
    notes, paragraphs = [voice.texts("note.residuals")], [voice.texts.markup("residuals.intro")]
    if tests:
        columns += ["ljung_box", "durbin_watson"]
        notes.append(voice.texts("note.residual_tests", file=TESTS.rpartition("/")[2]))
        refused = sum(row["p_value"] < LEVEL for row in tests)
        paragraphs.append(voice.texts.markup("residuals.tested", **_counted(voice, refused, len(tests))))
    table = Table("residuals", voice.texts("table.residuals"), FIT,
                  tuple(voice.texts(f"head.{each}") for each in columns), tuple(body), tuple(notes))  # fmt: skip
    return Section("residuals-chapter", voice.texts("section.residuals"), tuple(paragraphs), figures=figures,
                   tables=(table,))  # fmt: skip


def checks_section(voice: Voice) -> Section:
    """Growth and peak year of each series, beside those of series drawn from the posterior predictive distribution."""
    rows = voice.results.rows(CHECKS)
    found = {(row["observable"], row["region"], row["feature"]): row for row in rows}
    body: list[tuple[Cell, ...]] = []
    columns = ("region", "growth", "growth_drawn", "p", "peak_year", "peak_drawn", "p")
    for name in dict.fromkeys(row["observable"] for row in rows):
        body.append((band(voice.variable(name), len(columns)),))
        for region in dict.fromkeys(row["region"] for row in rows if row["observable"] == name):
            growth, peak = (found[name, region, feature] for feature in ("growth", "peak_year"))
            said = {end: voice.numbers.number(growth[end], 2) for end in ("observed", "q05", "q95")}
            body.append(
                (
                    head(voice.element(region)),
                    number(said["observed"]),
                    number(voice.texts("interval", low=said["q05"], high=said["q95"])),
                    number(_p_value(voice, growth)),
                    number(f"{peak['observed']:.0f}"),
                    number(f"{peak['q05']:.0f}–{peak['q95']:.0f}"),
                    number(_p_value(voice, peak)),
                )
            )
    table = Table("checks-table", voice.texts("table.checks"), CHECKS,
                  tuple(voice.texts(f"head.{each}") for each in columns), tuple(body),
                  (voice.texts("note.checks"),))  # fmt: skip
    strange = [row for row in rows if row["p"] < LEVEL]
    items = [
        voice.texts.markup(f"checks.{row['feature']}", observable=voice.variable(row["observable"]),
                           region=voice.element(row["region"]), p=voice.numbers.number(row["p"], 3))
        for row in strange
    ]  # fmt: skip
    counted = voice.texts.markup("checks.counted", **_counted(voice, len(strange), len(rows)))
    return Section("checks", voice.texts("section.checks"), (voice.texts("checks.intro"), counted), tuple(items),
                   tables=(table,))  # fmt: skip


def residuals(rows: list[Row], observable: str) -> dict[str, list[tuple[int, float]]]:
    """By region: (year, ln observed - ln median), in the order of years."""
    found: dict[str, list[tuple[int, float]]] = {}
    for row in sorted(rows, key=lambda row: row["year"]):
        if row["observable"] == observable and row["observed"] > 0 and row["q50"] > 0:
            found.setdefault(row["region"], []).append((row["year"], math.log(row["observed"] / row["q50"])))
    return found


def _tested(voice: Voice, tests: list[Row]) -> list[Cell]:
    """In how many series Ljung-Box rejects independence, and between what Durbin-Watson statistics lie."""
    if not tests:
        return [number("—"), number("—")]
    refused = sum(row["p_value"] < LEVEL for row in tests)
    low, high = (voice.numbers.number(end([row["durbin_watson"] for row in tests]), 2) for end in (min, max))
    return [number(voice.texts("residuals.of", count=refused, all=len(tests))), number(f"{low}–{high}")]


def _counted(voice: Voice, count: int, every: int) -> dict[str, str | Markup]:
    expected = round(LEVEL * every, 1)
    shown = voice.numbers.number(expected, 0 if expected >= 2 or expected == int(expected) else 1)
    return {"count": str(count), "all": str(every), "expected": shown}


def _p_value(voice: Voice, row: Row) -> str:
    return voice.numbers.number(row["p"], 2 if row["p"] >= 0.1 else 3)
