"""Feedback loops as a figure: one panel per regime, by decade the shares of the loops that lead."""

from __future__ import annotations

from textwrap import fill

import numpy as np
from matplotlib.patches import Patch

from alliance_dynamics.report.blocks import Figure, slug
from alliance_dynamics.report.chapter_loops import LOOPS
from alliance_dynamics.report.drawing import INK, SERIES, SMALL, finish, new_canvas, show_numbers
from alliance_dynamics.report.results import Row
from alliance_dynamics.report.voice import Voice

SHOWN = len(SERIES)
WIDTH = 50  # characters of a line of the legend


def draw_loops(voice: Voice, output: str, rows: list[Row]) -> Figure:
    """Median shares of the largest loops, stacked by sign: what reinforces above the line, what balances below it."""
    regimes = list(dict.fromkeys(row["regime"] for row in rows))
    decades = sorted({row["first"] for row in rows})
    sizes: dict[str, float] = {}
    for row in rows:
        sizes[_name(voice, row)] = sizes.get(_name(voice, row), 0.0) + row["size"]
    largest = sorted(sizes, key=lambda name: (-sizes[name], name))[:SHOWN]
    canvas, panels = new_canvas(len(regimes), 5, height=2.3)
    for axes, regime in zip(panels, regimes, strict=True):
        share = {(_name(voice, row), row["first"]): row["share"] for row in rows if row["regime"] == regime}
        up, down = np.zeros(len(decades)), np.zeros(len(decades))
        for name, colour in zip(largest, SERIES, strict=False):
            values = 100 * np.array([share.get((name, first), 0.0) for first in decades])
            bottom = np.where(values >= 0, up, down)
            axes.bar(range(len(decades)), values, bottom=bottom, color=colour, width=0.8)
            up, down = up + np.maximum(values, 0), down + np.minimum(values, 0)
        axes.axhline(0, color=INK, linewidth=0.7)
        axes.set_xticks(range(len(decades)), [f"{first:.0f}" for first in decades], fontsize=SMALL, rotation=90)
        axes.set_title(regime)
        axes.grid(False, axis="x")
        show_numbers(axes.yaxis, voice.numbers)
    bounds = [axes.get_ylim() for axes in panels]
    for axes in panels:
        axes.set_ylim(min(low for low, _ in bounds), max(high for _, high in bounds))
    panels[0].set_ylabel(voice.texts("axis.loops"))
    handles = [Patch(color=colour) for _, colour in zip(largest, SERIES, strict=False)]
    labels = [fill(name, WIDTH) for name in largest]
    canvas.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=SMALL, frameon=False)
    leaders = "; ".join(_leaders(voice, rows, regime) for regime in regimes)
    return finish(
        canvas,
        f"loops_{slug(output, '_')}",
        voice.texts("figure.loops", outcome=voice.outcome(output)),
        voice.texts("alt.loops", outcome=voice.outcome(output)) + " " + leaders + ".",
        LOOPS,
    )


def _name(voice: Voice, row: Row) -> str:
    """A loop without a name of its own is told by its way; its number differs between regimes."""
    label = row[f"label_{voice.language}"]
    return label if row["loop"].startswith("L") else f"{row['loop']} {label}"


def _leaders(voice: Voice, rows: list[Row], regime: str) -> str:
    """`R3: R1 in 2000, B2 in 2010`: the loop of the largest share in each decade."""
    mine = [row for row in rows if row["regime"] == regime]
    parts = []
    for first in sorted({row["first"] for row in mine}):
        row = max((each for each in mine if each["first"] == first), key=lambda each: each["size"])
        parts.append(voice.texts("alt.loop", year=f"{first:.0f}", loop=_name(voice, row)))
    return f"{regime}: " + ", ".join(parts)
