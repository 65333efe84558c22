"""Shares of variance as a figure: over time, and of every input in one year."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

from alliance_dynamics.report.blocks import Figure, plain
from alliance_dynamics.report.chapter_sensitivity import INDICES, figure_name, year_of_interest
from alliance_dynamics.report.drawing import (
    DASHES,
    GREY,
    INK,
    SERIES,
    SMALL,
    finish,
    new_canvas,
    show_legend,
    show_numbers,
    show_years,
)
from alliance_dynamics.report.facts import Facts
from alliance_dynamics.report.results import Row
from alliance_dynamics.report.voice import Voice
from alliance_dynamics.report.wording import share_range

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN_INPUTS = 6


def draw_indices(voice: Voice, facts: Facts, outcome: str) -> Figure:
    """First-order and total shares over time with intervals, and both as bars in one year."""
    rows = [row for row in voice.results.rows(INDICES) if row["outcome"] == outcome]
    year = year_of_interest(rows, facts)
    at = sorted((row for row in rows if row["year"] == year), key=lambda row: -row["ST"])
    shown = [row["lever"] for row in at[:SHOWN_INPUTS]]
    over_time = len({row["year"] for row in rows}) > 1
    canvas, panels = new_canvas(3 if over_time else 1, 3, height=0.7 + 0.15 * max(len(at), 10))
    if over_time:
        for axes, index in zip(panels, ("S1", "ST"), strict=False):
            for place, lever in enumerate(shown):
                _index_lines(axes, [row for row in rows if row["lever"] == lever], index, place)
            axes.set_title(fill(voice.texts(f"figure.{index}"), 18))
            show_years(axes, [row["year"] for row in rows])
            show_numbers(axes.yaxis, voice.numbers, factor=100, suffix="\u00a0%")
            axes.set_ylim(0, 1.04 * max(row["ST_high"] for row in rows))
    _bars(voice, panels[-1], at, shown, year)
    if over_time:
        show_legend(canvas, [(voice.lever(each), SERIES[i], DASHES[i]) for i, each in enumerate(shown)], columns=2)
    description = voice.texts("alt.sensitivity", outcome=voice.outcome(outcome), year=year) + " " + "; ".join(
        voice.texts(
            "alt.index", lever=voice.lever(row["lever"]), first=plain(share_range(voice, row, "S1")),
            total=plain(share_range(voice, row, "ST")),
        )
        for row in at[:SHOWN_INPUTS]
    )  # fmt: skip
    caption = voice.texts("figure.sensitivity", outcome=voice.outcome(outcome), year=year, inputs=len(shown))
    return finish(canvas, figure_name(outcome), caption, description + ".", INDICES, "F2")


def _index_lines(axes: Axes, rows: list[Row], index: str, place: int) -> None:
    rows = sorted(rows, key=lambda row: row["year"])
    years = [row["year"] for row in rows]
    low, high = ([max(row[f"{index}_{end}"], 0.0) for row in rows] for end in ("low", "high"))
    axes.fill_between(years, low, high, color=SERIES[place], alpha=0.18, linewidth=0)
    axes.plot(years, [max(row[index], 0.0) for row in rows], color=SERIES[place], linestyle=DASHES[place])


def _bars(voice: Voice, axes: Axes, rows: list[Row], shown: Sequence[str], year: int) -> None:
    """Both shares of every input with intervals; the first-order bar is full, the total one light."""
    for place, row in enumerate(reversed(rows)):
        colour = SERIES[shown.index(row["lever"])] if row["lever"] in shown else GREY
        for index, offset, alpha in (("S1", 0.19, 1.0), ("ST", -0.19, 0.4)):
            value, low, high = (max(row[each], 0.0) for each in (index, f"{index}_low", f"{index}_high"))
            axes.barh(place + offset, value, 0.36, color=colour, alpha=alpha)
            axes.plot([low, high], [place + offset] * 2, color=INK, linewidth=0.7)
    axes.set_yticks(range(len(rows)), [fill(voice.lever(row["lever"]), 36) for row in reversed(rows)], fontsize=SMALL)
    axes.grid(False, axis="y")
    axes.set_xlim(0, None)
    axes.set_title(voice.texts("figure.bars", year=year))
    show_numbers(axes.xaxis, voice.numbers, factor=100, suffix="\u00a0%", steps=3)
