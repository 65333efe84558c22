"""The lever ladder as a figure: one panel per outcome, one line per lever, zero marked."""

from __future__ import annotations

from textwrap import fill

from alliance_dynamics.report.blocks import Figure, plain
from alliance_dynamics.report.chapter_levers import ladder_rows
from alliance_dynamics.report.drawing import BLUE, GREY, INK, finish, new_canvas, show_numbers
from alliance_dynamics.report.facts import Facts
from alliance_dynamics.report.numbers import decimals_of_interval
from alliance_dynamics.report.voice import Voice


def draw_ladder(voice: Voice, facts: Facts) -> Figure:
    """Median change from the low to the high setting with its 90 % range; grey where the range includes zero."""
    rows = ladder_rows(voice, facts)
    outcomes = list(dict.fromkeys(row["outcome"] for row in rows))
    levers = list(dict.fromkeys(row["lever"] for row in rows))
    canvas, panels = new_canvas(len(outcomes), len(outcomes), height=0.7 + 0.2 * len(levers))
    for place, (axes, outcome) in enumerate(zip(panels, outcomes, strict=True)):
        mine = {row["lever"]: row for row in rows if row["outcome"] == outcome}
        axes.axvline(0, color=INK, linewidth=0.7)
        for at, lever in enumerate(reversed(levers)):
            row = mine[lever]
            clear = row["change_low"] > 0 or row["change_high"] < 0
            colour = BLUE if clear else GREY
            axes.plot([row["change_low"], row["change_high"]], [at, at], color=colour, linewidth=1.6)
            axes.plot(row["change"], at, "o" if clear else "D", color=colour, markersize=3.6)
        names = [fill(voice.lever(lever), 34) for lever in reversed(levers)] if place == 0 else []
        axes.set_yticks(range(len(levers)), names or [""] * len(levers), fontsize=6.5)
        axes.set_ylim(-0.6, len(levers) - 0.4)
        axes.grid(False, axis="y")
        unit = voice.unit(next(iter(mine.values()))["unit"])
        axes.set_title(fill(voice.outcome(outcome), 26), fontsize=7.5)
        axes.set_xlabel(unit, fontsize=7)
        show_numbers(axes.xaxis, voice.numbers, sign=True)
    parts = []
    for row in (each for each in rows if each["outcome"] == facts.headline):
        decimals = decimals_of_interval(row["change_low"], row["change_high"], row["change"])
        low, high = (voice.numbers.number(row[f"change_{end}"], decimals, sign=True) for end in ("low", "high"))
        change = plain(voice.amount(row["change"], row["unit"], decimals, sign=True))
        parts.append(voice.texts("alt.rung", lever=voice.lever(row["lever"]), change=change, low=low, high=high))
    description = voice.texts("alt.ladder", outcome=voice.outcome(facts.headline), year=facts.report_year)
    caption = voice.texts("figure.ladder", year=facts.report_year)
    return finish(canvas, "ladder", caption, description + " " + "; ".join(parts) + ".")
