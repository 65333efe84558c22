"""Chapters on what the data can tell: profiles with their verdicts, the information matrix, and pooling."""

from __future__ import annotations

from alliance_dynamics.report.blocks import Cell, Figure, Section, Table, cell, head, number
from alliance_dynamics.report.chapter_parameters import PARAMETERS
from alliance_dynamics.report.numbers import decimals_of_interval, decimals_of_value
from alliance_dynamics.report.results import Row
from alliance_dynamics.report.voice import Voice

PROFILES, POOLING = "calibration/profiles.csv", "calibration/pooling.csv"
FITS = ("no_pool", "partial_pool", "complete_pool")


def profiles_section(voice: Voice, figures: tuple[Figure, ...]) -> Section:
    """How much worse the best fit becomes as one parameter is moved and all others follow."""
    names = list(dict.fromkeys(row["parameter"] for row in voice.results.rows(PROFILES)))
    cards = {row["parameter"]: row for row in voice.results.rows(PARAMETERS)}
    known = [cards[name] for name in names if name in cards and cards[name].get("verdict")]
    paragraphs = [voice.texts("profiles.intro")]
    if card := voice.results.calibration.get("information"):
        size = len(card["spectrum"])
        key = "profiles.full_rank" if card["rank"] == size else "profiles.rank"
        paragraphs.append(voice.texts(key, rank=card["rank"], size=size))
    return Section("profiles-chapter", voice.texts("section.profiles"), tuple(paragraphs), figures=figures,
                   tables=(_verdicts(voice, known, cards),) if known else ())  # fmt: skip


def _verdicts(voice: Voice, known: list[Row], cards: dict[str, Row]) -> Table:
    body: list[tuple[Cell, ...]] = []
    for row in known:
        verdict = voice.texts(f"profile.{row['verdict']}") if voice.texts.has(f"profile.{row['verdict']}") else ""
        partners = [each for each in str(row.get("partners") or "").split(";") if each]
        labels = "; ".join(voice.parameter(cards[each]) if each in cards else each for each in partners)
        body.append((head(voice.parameter(row)), number(_interval(voice, row)), cell(verdict), cell(labels or "—")))
    columns = ("parameter", "profile_interval", "profile_verdict", "partners")
    return Table("verdicts", voice.texts("table.verdicts"), PARAMETERS,
                 tuple(voice.texts(f"head.{each}") for each in columns), tuple(body),
                 (voice.texts("note.verdicts"),))  # fmt: skip


def _interval(voice: Voice, row: Row) -> str:
    low, high = (float(row[end]) if row.get(end) not in (None, "") else None for end in ("profile_low", "profile_high"))
    if low is None and high is None:
        return "—"
    if low is None or high is None:
        key, value = ("profile.at_least", low) if high is None else ("profile.at_most", high)
        assert value is not None
        return voice.texts(key, value=voice.numbers.number(value, decimals_of_value(value)))
    decimals = decimals_of_interval(low, high, low)
    shown = (voice.numbers.number(each, decimals) for each in (low, high))
    return voice.texts("profile.between", **dict(zip(("low", "high"), shown, strict=True)))


def pooling_section(voice: Voice) -> Section:
    """Estimates of pooled parameters alone, in their pools, and with one value for each pool."""
    cards = {row["parameter"]: row for row in voice.results.rows(PARAMETERS)}
    body: list[tuple[Cell, ...]] = []
    for row in voice.results.rows(POOLING):
        values = [float(row[name]) for name in FITS]
        decimals = decimals_of_interval(min(values), max(values), values[1])
        label = voice.parameter(cards[row["parameter"]]) if row["parameter"] in cards else row["parameter"]
        body.append((head(label), *(number(voice.numbers.number(each, decimals)) for each in values)))
    table = Table("pooling", voice.texts("table.pooling"), POOLING,
                  (voice.texts("head.parameter"), *(voice.texts(f"head.{name}") for name in FITS)),
                  tuple(body))  # fmt: skip
    summary = voice.results.calibration
    values = {name: voice.numbers.number(summary["beside"][name], 2) for name in ("no_pool", "complete_pool")}
    own = voice.numbers.number(summary["negative_log_likelihood"], 2)
    return Section("pooling-chapter", voice.texts("section.pooling"),
                   (voice.texts("pooling.intro", partial_pool=own, **values),), tables=(table,))  # fmt: skip
