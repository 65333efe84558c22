"""Chapters on what a fit is worth: forecasts from rolling origins against naive ones, Theil, recovery."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from alliance_dynamics.report.blocks import Cell, Section, Table, band, head, number
from alliance_dynamics.report.chapter_fit import skill_section
from alliance_dynamics.report.results import Row
from alliance_dynamics.report.voice import Voice
from alliance_dynamics.report.wording import quoted

SCORES, THEIL, RECOVERY = (
    "calibration/validation_scores.csv", "calibration/theil.csv", "calibration/recovery.csv"
)  # fmt: skip
SYSTEMATIC = 0.5  # bias or unequal variation above this share of the squared error is called systematic
P_VALUE = 0.01


def near_scores(voice: Voice) -> list[Row]:
    """The scores of horizons 1 to 3 together, one row per statistic."""
    return [row for row in voice.results.rows(SCORES) if "-" in row["horizon"]]


def validation_section(voice: Voice) -> Section:
    """Rolling origins: errors in units of one-step naive errors, ratios with intervals, and where the model loses."""
    rows, title = voice.results.rows(SCORES), voice.texts("section.validation")
    if not rows:
        return Section("validation", title, (voice.texts("validation.absent"),), sections=(skill_section(voice),))
    items = [_loss(voice, rival, rows) for rival in ("naive", "drift")]
    columns = ("horizon", "model_error", "naive_error", "drift_error", "to_naive", "to_drift", "coverage")
    body: list[tuple[Cell, ...]] = []
    for place, row in enumerate(rows):
        if place == 0 or row["observable"] != rows[place - 1]["observable"]:
            body.append((band(voice.variable(row["observable"]), len(columns)),))
        body.append(
            (
                head(row["horizon"].replace("-", "–")),
                *(number(voice.numbers.number(row[f"mase_{each}"], 2)) for each in ("model", "naive", "drift")),
                *(_ratio(voice, row, rival) for rival in ("naive", "drift")),
                number(voice.share(row["coverage"])),
            )
        )
    table = Table("validation-table", voice.texts("table.validation"), SCORES,
                  tuple(voice.texts(f"head.{each}") for each in columns), tuple(body),
                  (voice.texts("note.validation"),))  # fmt: skip
    paragraphs = voice.texts("validation.intro"), voice.texts("validation.foresight")
    return Section("validation", title, paragraphs, tuple(items), tables=(table,), sections=(skill_section(voice),))


def theil_section(voice: Voice) -> Section:
    """Bias, unequal variation and the rest, in and out of sample; large systematic parts are named."""
    rows = [row for row in voice.results.rows(THEIL) if row["scale"] == "log" and row["U_M"] is not None]
    title = voice.texts("section.theil")
    if not rows:
        return Section("theil", title, (voice.texts("theil.absent"),))
    systematic = [row for row in rows if row["sample"] == "out" and row["U_M"] + row["U_S"] > SYSTEMATIC]
    items = []
    for name in dict.fromkeys(row["observable"] for row in systematic):
        regions = [voice.element(row["region"]) for row in systematic if row["observable"] == name]
        items.append(
            voice.texts.markup("theil.systematic", observable=voice.variable(name), regions=", ".join(regions))
        )
    columns = ("region", "error_in", "parts_in", "error_out", "parts_out")
    body: list[tuple[Cell, ...]] = []
    last = ""
    for name in dict.fromkeys((row["observable"], row["region"]) for row in rows):
        if name[0] != last:
            body.append((band(voice.variable(last := name[0]), len(columns)),))
        cells = [head(voice.element(name[1]))]
        for sample in ("in", "out"):
            mine = [row for row in rows if (row["observable"], row["region"], row["sample"]) == (*name, sample)]
            cells += [number(_error(voice, mine)), number(_shares(voice, mine))]
        body.append(tuple(cells))
    heads = tuple(voice.texts(f"head.{each}") for each in columns)
    table = Table("theil-table", voice.texts("table.theil"), THEIL, heads, tuple(body), (voice.texts("note.theil"),))
    return Section("theil", title, (voice.texts("theil.intro"),), tuple(items), tables=(table,))


def recovery_section(voice: Voice) -> Section | None:
    """Synthetic recovery and the ranks of simulation-based calibration, where they were computed."""
    rows = voice.results.rows(RECOVERY)
    if not rows:
        return None
    cards = {row["parameter"]: row for row in voice.results.rows("calibration/parameters.csv")}
    ranked = any(row.get("sbc_p") for row in rows)
    body = []
    for row in rows:
        name = voice.parameter(cards[row["parameter"]]) if row["parameter"] in cards else row["parameter"]
        cells = [head(name), number(voice.numbers.number(row["bias"], 4, sign=True)),
                 number(voice.numbers.number(row["rmse"], 4)), number(voice.share(row["informed"])),
                 number(voice.share(row["coverage"]))]  # fmt: skip
        if ranked:
            p = row.get("sbc_p") or ""
            cells.append(number(voice.numbers.number(float(p), 3) if p else "—"))
        body.append(tuple(cells))
    columns = ["parameter", "bias", "rmse", "informed", "held"] + (["sbc"] if ranked else [])
    paragraphs: list[Markup | str] = [
        voice.texts.markup("recovery.intro", replicates=voice.numbers.number(rows[0]["replicates"], 0))
    ]
    uneven = [row["parameter"] for row in rows if row.get("sbc_p") and float(row["sbc_p"]) <= P_VALUE / len(rows)]
    if ranked:
        key = "recovery.uneven" if uneven else "recovery.even"
        named = [voice.parameter(cards[each]) if each in cards else each for each in uneven]
        paragraphs.append(voice.texts.markup(key, names=quoted(voice, named)))
    heads = tuple(voice.texts(f"head.{each}") for each in columns)
    table = Table(
        "recovery-table", voice.texts("table.recovery"), RECOVERY, heads, tuple(body), (voice.texts("note.recovery"),)
    )
    return Section("recovery", voice.texts("section.recovery"), tuple(paragraphs), tables=(table,))


def _loss(voice: Voice, rival: str, rows: list[Row]) -> Markup:
    """Statistics and horizons at which the whole interval of the ratio lies above 1."""
    lost: dict[str, list[str]] = {}
    for row in rows:
        if row[f"against_{rival}"] == "loses" and "-" not in row["horizon"]:
            lost.setdefault(row["observable"], []).append(row["horizon"])
    parts = [f"{voice.variable(name)} ({', '.join(horizons)})" for name, horizons in lost.items()]
    key = f"validation.loses_{rival}" if parts else f"validation.no_loss_{rival}"
    return voice.texts.markup(key, names="; ".join(parts))


def _ratio(voice: Voice, row: Row, rival: str):
    low, high = row[f"ratio_{rival}_low"], row[f"ratio_{rival}_high"]
    value = voice.numbers.number(row[f"ratio_{rival}"], 2)
    if low is None or high is None:
        return number(value, voice.texts(f"ratio.{row[f'against_{rival}']}"))
    ends = voice.texts("interval", low=voice.numbers.number(low, 2), high=voice.numbers.number(high, 2))
    return number(f"{value} {ends}", voice.texts(f"ratio.{row[f'against_{rival}']}"))


def _error(voice: Voice, rows: list[Row]) -> Any:
    return voice.share(rows[0]["rmse"], 1) if rows else "—"


def _shares(voice: Voice, rows: list[Row]) -> Any:
    if not rows:
        return "—"
    return " / ".join(voice.numbers.number(100 * rows[0][part], 0) for part in ("U_M", "U_S", "U_C"))
