"""Second-order shares as a figure: which inputs act together, where the interval leaves no doubt."""

from __future__ import annotations

from textwrap import fill

import numpy as np

from alliance_dynamics.report.blocks import Figure
from alliance_dynamics.report.chapter_sensitivity import INDICES, PAIRS, PAIRS_FIGURE
from alliance_dynamics.report.drawing import INK, SMALL, finish, new_canvas
from alliance_dynamics.report.facts import Facts
from alliance_dynamics.report.voice import Voice


def draw_pairs(voice: Voice, facts: Facts) -> Figure:
    """A matrix of the inputs: the second-order share of the headline outcome where it is beyond doubt."""
    rows = [row for row in voice.results.rows(PAIRS)
            if row["outcome"] == facts.headline and row["year"] == facts.report_year]  # fmt: skip
    inputs = list(dict.fromkeys(each for row in rows for each in (row["lever"], row["other"])))
    total = {row["lever"]: row["ST_high"] for row in voice.results.rows(INDICES)
             if row["outcome"] == facts.headline and row["year"] == facts.report_year}  # fmt: skip
    # no pair can have more than either of its inputs has with all others: what says so is noise of small samples
    sure = [row for row in rows if row["S2_low"] > 0
            and row["S2"] <= min(total.get(row["lever"], 0.0), total.get(row["other"], 0.0))]  # fmt: skip
    values = np.full((len(inputs), len(inputs)), np.nan)
    for row in sure:
        i, j = sorted((inputs.index(row["lever"]), inputs.index(row["other"])))
        values[j, i] = 100 * row["S2"]
    canvas, (axes,) = new_canvas(1, 1, height=0.8 + 0.2 * len(inputs))
    top = max(1.0, np.nanmax(values)) if sure else 1.0
    axes.imshow(values, cmap="Blues", vmin=0, vmax=top, aspect="auto")
    for (j, i), value in np.ndenumerate(values):
        if np.isfinite(value):
            colour = "white" if value > 0.6 * top else INK
            axes.text(
                i, j, voice.numbers.number(float(value), 1), ha="center", va="center", fontsize=SMALL, color=colour
            )
    names = [fill(voice.lever(each), 36) for each in inputs]
    axes.set_yticks(range(len(inputs)), names, fontsize=SMALL)
    axes.set_xticks(range(len(inputs)), [str(i + 1) for i in range(len(inputs))], fontsize=SMALL)
    axes.set_yticklabels([f"{i + 1}. {name}" for i, name in enumerate(names)])
    axes.grid(False)
    where = {"outcome": voice.outcome(facts.headline), "year": facts.report_year}
    said = "; ".join(
        voice.texts("alt.pair", one=voice.lever(row["lever"]), other=voice.lever(row["other"]),
                    share=voice.numbers.number(100 * row["S2"], 1))
        for row in sorted(sure, key=lambda row: -row["S2"])[:6]
    )  # fmt: skip
    return finish(canvas, PAIRS_FIGURE, voice.texts("figure.pairs", count=len(sure), all=len(rows), **where),
                  voice.texts("alt.pairs", **where) + (f" {said}." if said else ""), PAIRS, "F5")  # fmt: skip
