"""The fit as figures: what was published and what the model says, one panel per region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alliance_dynamics.report.blocks import Figure, plain, slug
from alliance_dynamics.report.chapter_fit import FIT, break_in_words
from alliance_dynamics.report.drawing import BLUE, INK, SHADE, SMALL, finish, new_canvas, show_numbers, show_years
from alliance_dynamics.report.numbers import decimals_of_band
from alliance_dynamics.report.results import Row
from alliance_dynamics.report.voice import Voice

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_fit(voice: Voice, last_observed: int, observable: str) -> Figure:
    """One panel per region: figures observed, median, band of a new observation, breaks, the years without data."""
    rows = [row for row in voice.results.rows(FIT) if row["observable"] == observable]
    regions = list(dict.fromkeys(row["region"] for row in rows))
    breaks = [each for each in voice.results.calibration.get("breaks", []) if each["observable"] == observable]
    canvas, panels = new_canvas(len(regions), 4)
    descriptions = []
    for axes, region in zip(panels, regions, strict=True):
        mine = sorted((row for row in rows if row["region"] == region), key=lambda row: row["year"])
        _fit_panel(axes, mine, last_observed)
        for each in breaks:
            if each.get("region", "") in ("", region):
                axes.axvline(each["year"] - 0.5, color=INK, linewidth=0.7, linestyle=(0, (1, 2)))
        axes.set_title(voice.element(region))
        show_numbers(axes.yaxis, voice.numbers)
        descriptions.append(_describe_fit(voice, region, mine))
    name = voice.variable(observable)
    unit = voice.unit(rows[0]["unit"])
    caption = voice.texts.markup("figure.fit", observable=name, unit=unit, year=last_observed)
    if noted := list(dict.fromkeys(_break_in_words(voice, each) for each in breaks)):
        caption += " " + voice.texts.markup("figure.breaks", breaks="; ".join(noted))
    canvas.supylabel(unit, fontsize=SMALL)
    description = " ".join([voice.texts("alt.fit", observable=name), *descriptions])
    return finish(canvas, "fit_" + slug(observable, "_"), caption, description, FIT)


def _break_in_words(voice: Voice, each: dict) -> str:
    label = break_in_words(voice, each)
    return f"{each['year']} ({label})" if label else str(each["year"])


def _fit_panel(axes: Axes, rows: list[Row], last_observed: int) -> None:
    years = [row["year"] for row in rows]
    axes.axvspan(last_observed + 0.5, max(years) + 0.5, color=SHADE, linewidth=0)
    axes.fill_between(years, [r["q05"] for r in rows], [r["q95"] for r in rows], color=BLUE, alpha=0.2, linewidth=0)
    if all(row.get("q25") not in (None, "") for row in rows):
        low, high = ([float(row[end]) for row in rows] for end in ("q25", "q75"))
        axes.fill_between(years, low, high, color=BLUE, alpha=0.25, linewidth=0)
    axes.plot(years, [row["q50"] for row in rows], color=BLUE)
    marks = {"train": ("o", INK), "": ("o", INK), "shown": ("o", "none"), "excluded": ("x", INK)}
    for used, (marker, face) in marks.items():
        mine = [row for row in rows if row["observed"] is not None and row.get("used", "") == used]
        if mine:
            axes.plot(
                [row["year"] for row in mine], [row["observed"] for row in mine], marker, markerfacecolor=face,
                markeredgecolor=INK, markeredgewidth=0.7, markersize=2.6,
            )  # fmt: skip
    show_years(axes, years)
    axes.set_ylim(bottom=0)


def _describe_fit(voice: Voice, region: str, rows: list[Row]) -> str:
    last = [row for row in rows if row["observed"] is not None]
    if not last:
        return ""
    row = last[-1]
    keys = ("observed", "q50", "q05", "q95")
    values = {key: plain(voice.amount(row[key], row["unit"], decimals_of_band(row))) for key in keys}
    return voice.texts("alt.fit_region", region=voice.element(region), year=row["year"], **values)
