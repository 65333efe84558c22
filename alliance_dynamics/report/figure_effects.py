"""Main effects as a figure: which way the mean of an outcome goes over the range of each lever."""

from __future__ import annotations

from textwrap import fill

import numpy as np

from alliance_dynamics.report.blocks import Figure
from alliance_dynamics.report.chapter_sensitivity import EFFECTS, EFFECTS_FIGURE
from alliance_dynamics.report.drawing import BLUE, INK, SMALL, finish, new_canvas, show_numbers
from alliance_dynamics.report.facts import Facts
from alliance_dynamics.report.voice import Voice

COLUMNS = 4


def draw_effects(voice: Voice, facts: Facts) -> Figure:
    """One panel per lever: mean gap of the headline outcome in the report year over the lever, and the middle 90 %."""
    rows = [row for row in voice.results.rows(EFFECTS)
            if row["outcome"] == facts.headline and row["year"] == facts.report_year]  # fmt: skip
    levers = list(dict.fromkeys(row["lever"] for row in rows))
    levers.sort(key=lambda lever: -np.ptp([row["mean"] for row in rows if row["lever"] == lever]))
    canvas, panels = new_canvas(len(levers), COLUMNS, height=1.3)
    said = []
    for axes, lever in zip(panels, levers, strict=True):
        mine = sorted((row for row in rows if row["lever"] == lever), key=lambda row: row["bin"])
        at = [row["setting"] for row in mine]
        axes.fill_between(at, [row["q05"] for row in mine], [row["q95"] for row in mine], color=BLUE, alpha=0.2,
                          linewidth=0)  # fmt: skip
        axes.plot(at, [row["mean"] for row in mine], color=BLUE)
        axes.axhline(0, color=INK, linewidth=0.6)
        axes.set_title(fill(voice.lever(lever), 26), fontsize=SMALL)
        show_numbers(axes.xaxis, voice.numbers, steps=3)
        show_numbers(axes.yaxis, voice.numbers, sign=True)
        said.append(f"{voice.lever(lever)}: {voice.texts('direction.' + mine[0]['direction'])}")
    low = min(axes.get_ylim()[0] for axes in panels)
    high = max(axes.get_ylim()[1] for axes in panels)
    for axes in panels:
        axes.set_ylim(low, high)
    for place, axes in enumerate(panels):
        axes.tick_params(labelleft=place % COLUMNS == 0)
    where = {"outcome": voice.outcome(facts.headline), "year": facts.report_year, "baseline": facts.baseline}
    return finish(canvas, EFFECTS_FIGURE, voice.texts("figure.effects", **where),
                  voice.texts("alt.effects", **where) + " " + "; ".join(said) + ".", EFFECTS, "F4")  # fmt: skip
