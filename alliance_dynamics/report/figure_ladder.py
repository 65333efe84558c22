"""The lever ladder as a figure: one panel per outcome, one line per lever, zero marked."""

from __future__ import annotations

from textwrap import fill

from alliance_dynamics.report.blocks import Figure, plain
from alliance_dynamics.report.chapter_levers import LADDER, ladder_rows
from alliance_dynamics.report.drawing import BLUE, GREY, INK, SMALL, finish, new_canvas, show_numbers
from alliance_dynamics.report.facts import Facts
from alliance_dynamics.report.numbers import decimals_of_interval
from alliance_dynamics.report.voice import Voice


def draw_ladder(voice: Voice, facts: Facts, *, name: str = "ladder", row: float = 0.17, mark: str = "F3") -> Figure:
    """Median change from the low to the high setting with its 90 % range; grey where the range includes zero.

    `row` is the height of a row in inches.
    """
    rows = ladder_rows(voice, facts)
    outcomes = list(dict.fromkeys(each["outcome"] for each in rows))
    levers = list(dict.fromkeys(each["lever"] for each in rows))
    canvas, panels = new_canvas(len(outcomes), len(outcomes), height=0.7 + row * len(levers))
    for place, (axes, outcome) in enumerate(zip(panels, outcomes, strict=True)):
        mine = {each["lever"]: each for each in rows if each["outcome"] == outcome}
        axes.axvline(0, color=INK, linewidth=0.7)
        for at, lever in enumerate(reversed(levers)):
            rung = mine[lever]
            clear = rung["change_low"] > 0 or rung["change_high"] < 0
            colour = BLUE if clear else GREY
            axes.plot([rung["change_low"], rung["change_high"]], [at, at], color=colour, linewidth=1.6)
            axes.plot(rung["change"], at, "o" if clear else "D", color=colour, markersize=3.6)
        names = [fill(voice.lever(lever), 36) for lever in reversed(levers)] if place == 0 else []
        axes.set_yticks(range(len(levers)), names or [""] * len(levers), fontsize=SMALL)
        axes.set_ylim(-0.6, len(levers) - 0.4)
        axes.grid(False, axis="y")
        unit = voice.unit(next(iter(mine.values()))["unit"])
        axes.set_title(fill(voice.outcome(outcome), 18), fontsize=SMALL)
        axes.set_xlabel(unit, fontsize=SMALL)
        show_numbers(axes.xaxis, voice.numbers, sign=True, steps=3)
    parts = []
    for rung in (each for each in rows if each["outcome"] == facts.headline):
        decimals = decimals_of_interval(rung["change_low"], rung["change_high"], rung["change"])
        low, high = (voice.numbers.number(rung[f"change_{end}"], decimals, sign=True) for end in ("low", "high"))
        change = plain(voice.amount(rung["change"], rung["unit"], decimals, sign=True))
        parts.append(voice.texts("alt.rung", lever=voice.lever(rung["lever"]), change=change, low=low, high=high))
    description = voice.texts("alt.ladder", outcome=voice.outcome(facts.headline), year=facts.report_year)
    caption = voice.texts("figure.ladder", year=facts.report_year)
    return finish(canvas, name, caption, description + " " + "; ".join(parts) + ".", LADDER, mark)
