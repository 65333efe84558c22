"""The chapter on parameters: estimates with intervals, priors and sources; what regions share in one row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from markupsafe import Markup

from alliance_dynamics.report.blocks import Cell, Section, Table, band, cell, head, number
from alliance_dynamics.report.numbers import decimals_of_interval, decimals_of_value
from alliance_dynamics.report.results import Row
from alliance_dynamics.report.voice import Voice
from alliance_dynamics.report.wording import quoted

FIT, PARAMETERS = "calibration/fit.csv", "calibration/parameters.csv"
ROLES = ("structural", "initial", "break", "noise")
SHARED = ("break", "noise")  # one of each in every region


def parameter_section(voice: Voice) -> Section:
    rows = voice.results.rows(PARAMETERS)
    bounded = [voice.parameter(row) for row in rows if row["status"] == "at bound"]
    paragraphs = [voice.texts("parameters.intro")]
    if bounded:
        paragraphs.append(voice.texts.markup("parameters.at_bound", names=quoted(voice, bounded)))
    else:
        paragraphs.append(voice.texts("parameters.none_at_bound"))
    families = _families(voice, rows)
    apart = [row for family in families.values() for row in family.values()]
    body: list[tuple[Cell, ...]] = []
    columns = ("parameter", "unit", "estimate", "interval", "prior", "status", "source")
    for role, mine in _by_role([row for row in rows if row not in apart]):
        if mine and role:
            body.append((band(voice.texts(f"role.{role}"), len(columns)),))
        body += [_parameter_row(voice, row) for row in mine]
    table = Table(
        "parameter-table",
        voice.texts("table.parameters"),
        PARAMETERS,
        tuple(voice.texts(f"head.{each}") for each in columns),
        tuple(body),
        (voice.texts("note.parameters"),),
    )
    return Section("parameters", voice.texts("section.parameters"), tuple(paragraphs),
                   tables=(table, *((_family_table(voice, families),) if families else ())))  # fmt: skip


def _by_role(rows: list[Row]) -> Iterator[tuple[str, list[Row]]]:
    """Rows without a role, then those of each role."""
    yield "", [row for row in rows if row.get("role") not in ROLES]
    for role in ROLES:
        yield role, [row for row in rows if row.get("role") == role]


def _families(voice: Voice, rows: list[Row]) -> dict[str, dict[str, Row]]:
    """Breaks and noise that several regions have, by name without the region, then by region."""
    regions = list(dict.fromkeys(voice.element(row["region"]) for row in voice.results.rows(FIT)))
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        stem, _, region = voice.parameter(row).rpartition(", ")
        if row.get("role") in SHARED and region in regions and row["unit"] == "Dmnl":
            found.setdefault(stem, {})[region] = row
    return {stem: family for stem, family in found.items() if len(family) > 1}


def _family_table(voice: Voice, families: dict[str, dict[str, Row]]) -> Table:
    """A row per break and kind of noise, a column per region."""
    regions = list(dict.fromkeys(region for family in families.values() for region in family))
    body: list[tuple[Cell, ...]] = []
    for role in SHARED:
        mine = {stem: each for stem, each in families.items() if next(iter(each.values()))["role"] == role}
        if mine:
            body.append((band(voice.texts(f"role.{role}"), 1 + len(regions)),))
        for stem, family in mine.items():
            body.append((head(stem), *(_family_cell(voice, family.get(region)) for region in regions)))
    members = [row for family in families.values() for row in family.values()]
    sources = dict.fromkeys(voice.source(row) for row in members if voice.source(row))
    notes = (voice.texts("note.by_region", sources="; ".join(sources) or "—"),)
    columns = (voice.texts("head.parameter"), *regions)
    return Table("parameters-by-region", voice.texts("table.by_region"), PARAMETERS, columns, tuple(body), notes)


def _family_cell(voice: Voice, row: Row | None) -> Cell:
    if row is None:
        return number("—")
    estimate, interval = _estimate(voice, row)
    told = "" if row["status"] == "estimated" else voice.texts(f"status.{row['status']}")
    return number(estimate, interval, told)


def _parameter_row(voice: Voice, row: Row) -> tuple[Cell, ...]:
    estimate, interval = _estimate(voice, row)
    grade = voice.texts("source.grade", grade=row["grade"]) if row.get("grade") else ""
    return (
        head(voice.parameter(row)),
        cell(voice.unit(row["unit"]) or voice.texts("unit_none")),
        number(estimate),
        number(interval),
        number(_prior(voice, row)),
        cell(voice.texts(f"status.{row['status']}")),
        cell(voice.source(row) or "—", grade),
    )


def _estimate(voice: Voice, row: Row) -> tuple[Markup, str | Markup]:
    """Estimate and interval, with as many decimals as the interval allows."""
    low, high = row["low"], row["high"]
    if low is None or high is None:
        decimals, interval = decimals_of_value(row["estimate"]), "—"
    else:
        decimals = decimals_of_interval(low, high, row["estimate"])
        ends = {"low": voice.amount(low, "Dmnl", decimals), "high": voice.amount(high, "Dmnl", decimals)}
        interval = voice.texts.markup("interval", **ends)
    return voice.amount(row["estimate"], "Dmnl", decimals), interval


def _prior(voice: Voice, row: Row) -> Any:
    try:
        low, high = float(row["prior_low"]), float(row["prior_high"])
    except (KeyError, ValueError):
        return "—"
    decimals = decimals_of_interval(low, high, row["estimate"])
    return voice.texts.markup(
        "interval", low=voice.numbers.number(low, decimals), high=voice.numbers.number(high, decimals)
    )
