"""The regimes as figures: how far each is from the baseline, and the level beside which the gaps are small."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

from alliance_dynamics.report.blocks import Figure, plain
from alliance_dynamics.report.chapter_fit import FIT
from alliance_dynamics.report.chapter_regimes import SUMMARY
from alliance_dynamics.report.drawing import (
    BLUE,
    DASHES,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    RED,
    SHADE,
    finish,
    new_canvas,
    show_legend,
    show_numbers,
    show_years,
)
from alliance_dynamics.report.facts import FIRST_REGION, WHOLE, Facts, is_gross_product
from alliance_dynamics.report.numbers import decimals_of_band
from alliance_dynamics.report.results import Row
from alliance_dynamics.report.voice import Voice

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REGIME_COLOURS = {"R0": GREY, "R1": INK, "R2": ORANGE, "R3": BLUE, "R4": RED}
GAPS, TRAJECTORIES = "comparison/gaps.csv", "comparison/trajectories.csv"


def draw_gaps(
    voice: Voice, facts: Facts, figure: str = "gaps", wanted: tuple[str, ...] = (*WHOLE, FIRST_REGION), *,
    height: float = 1.6,
) -> Figure:  # fmt: skip
    """The gap to the baseline, over time where `gaps.csv` has it, else at the years of `summary.csv`."""
    rows = [row for row in _gap_rows(voice) if row["regime"] != facts.baseline]
    rows = [row for row in rows if row["outcome"] in facts.main_outcomes and row["year"] >= _first_year(facts)]
    places = [
        (outcome, element)
        for outcome in facts.main_outcomes
        for element in facts.elements
        if element in wanted and any(row["outcome"] == outcome and row["element"] == element for row in rows)
    ] or list(dict.fromkeys((row["outcome"], row["element"]) for row in rows))[:4]
    regimes = list(dict.fromkeys(row["regime"] for row in rows))
    canvas, panels = new_canvas(len(places), 2, height=height)
    descriptions = []
    for axes, (outcome, element) in zip(panels, places, strict=True):
        mine = [row for row in rows if (row["outcome"], row["element"]) == (outcome, element)]
        for place, regime in enumerate(regimes):
            _gap_series(axes, [row for row in mine if row["regime"] == regime], regime, place - (len(regimes) - 1) / 2)
        axes.axhline(0, color=INK, linewidth=0.8)
        show_years(axes, [row["year"] for row in mine])
        show_numbers(axes.yaxis, voice.numbers, sign=True)
        axes.set_title(fill(voice.outcome_with_unit(mine[0]), 47) + f"\n{voice.element(element)}")
        descriptions.append(_describe_gaps(voice, facts, outcome, element))
    show_legend(canvas, [(regime, *_regime_look(regime, place)) for place, regime in enumerate(regimes)])
    both = all(row.get("q25") not in (None, "") for row in rows)
    caption = voice.texts("figure.gaps_both" if both else "figure.gaps", baseline=facts.baseline)
    description = " ".join([voice.texts("alt.gaps", baseline=facts.baseline), *descriptions])
    return finish(canvas, figure, caption, description, GAPS if voice.results.rows(GAPS) else SUMMARY)


def _first_year(facts: Facts) -> int:
    """Gaps are nothing before the policy: the year before it is where the drawing starts."""
    return (facts.policy_year or 1) - 1


def _gap_rows(voice: Voice) -> list[Row]:
    if rows := voice.results.rows(GAPS):
        return rows
    summary = voice.results.rows(SUMMARY)
    return [row | {"q05": row["gap_low"], "q50": row["gap"], "q95": row["gap_high"], "point": True} for row in summary]


def _gap_series(axes: Axes, rows: list[Row], regime: str, place: float) -> None:
    if not rows:
        return
    rows = sorted(rows, key=lambda row: row["year"])
    colour, dashes = _regime_look(regime, 0)
    middle = [row["q50"] for row in rows]
    if rows[0].get("point"):
        years = [row["year"] + 0.9 * place for row in rows]
        reach = [[row["q50"] - row["q05"] for row in rows], [row["q95"] - row["q50"] for row in rows]]
        axes.errorbar(years, middle, yerr=reach, fmt="o", color=colour, markersize=3.5, elinewidth=1.3)
        return
    years = [row["year"] for row in rows]
    for low, high in (("q05", "q95"), ("q25", "q75")):
        if all(row.get(low) not in (None, "") for row in rows):
            below, above = ([float(row[each]) for row in rows] for each in (low, high))
            axes.fill_between(years, below, above, color=colour, alpha=0.14, linewidth=0)
    axes.plot(years, middle, color=colour, linestyle=dashes)


def _describe_gaps(voice: Voice, facts: Facts, outcome: str, element: str) -> str:
    parts = []
    for row in voice.results.rows(SUMMARY):
        here = (row["outcome"], row["element"], row["year"]) == (outcome, element, facts.report_year)
        if here and row["regime"] != facts.baseline:
            gap, low, high = (plain(each) for each in voice.gap(row))
            parts.append(voice.texts("alt.gap", regime=row["regime"], gap=gap, low=low, high=high))
    names = {"outcome": voice.outcome(outcome), "element": voice.element(element)}
    return f"{voice.texts('alt.place', **names, year=facts.report_year)} {'; '.join(parts)}."


def draw_levels(voice: Voice, facts: Facts) -> Figure:
    """The level itself, to show how small the gaps are beside it."""
    rows = voice.results.rows(TRAJECTORIES)
    variables = list(dict.fromkeys(row["variable"] for row in rows))
    variable = next((each for each in variables if is_gross_product(each)), variables[0])
    rows = [row for row in rows if row["variable"] == variable]
    elements = list(dict.fromkeys(row["element"] for row in rows))
    shown = [each for each in (*WHOLE, FIRST_REGION) if each in elements] or elements[:2]
    regimes = list(dict.fromkeys(row["regime"] for row in rows))
    canvas, panels = new_canvas(len(shown), 2, height=1.9)
    for axes, element in zip(panels, shown, strict=True):
        for place, regime in enumerate(regimes):
            mine = [row for row in rows if (row["regime"], row["element"]) == (regime, element)]
            mine.sort(key=lambda row: row["year"])
            years = [row["year"] for row in mine]
            colour, dashes = _regime_look(regime, place)
            if regime == facts.baseline:
                axes.fill_between(
                    years, [r["q05"] for r in mine], [r["q95"] for r in mine], color=GREY, alpha=0.25, linewidth=0
                )
            axes.plot(years, [row["q50"] for row in mine], color=colour, linestyle=dashes, linewidth=1.1)
        if published := _published(voice, variable, element):
            axes.axvspan(min(published) - 0.5, max(published) + 0.5, color=SHADE, linewidth=0)
            axes.plot(list(published), list(published.values()), ".", color=INK, markersize=2.6)
        axes.set_title(voice.element(element))
        axes.set_ylabel(voice.unit(rows[0]["unit"]))
        axes.set_ylim(bottom=0)
        show_years(axes, [row["year"] for row in rows])
        show_numbers(axes.yaxis, voice.numbers)
    show_legend(canvas, [(regime, *_regime_look(regime, place)) for place, regime in enumerate(regimes)])
    name = voice.variable(variable)
    return finish(
        canvas, "level", voice.texts("figure.level", variable=name, baseline=facts.baseline),
        _describe_levels(voice, facts, name, [row for row in rows if row["element"] in shown]), TRAJECTORIES, "F1",
    )  # fmt: skip


def _published(voice: Voice, variable: str, element: str) -> dict[int, float]:
    """Published figures of gross product by year; of all regions together where every region has one."""
    if not is_gross_product(variable):
        return {}
    rows = [row for row in voice.results.rows(FIT) if is_gross_product(row["observable"]) and row.get("element")]
    rows = [row for row in rows if row["observed"] is not None and element in (row["element"], *WHOLE)]
    regions, found = {row["element"] for row in rows}, {}
    for year in sorted({row["year"] for row in rows}):
        here = [row["observed"] for row in rows if row["year"] == year]
        if len(here) == len(regions):
            found[year] = sum(here)
    return found


def _describe_levels(voice: Voice, facts: Facts, name: str, rows: list[Row]) -> str:
    at = [row for row in rows if row["year"] == facts.report_year]
    parts = [
        voice.texts(
            "alt.level", element=voice.element(row["element"]), regime=row["regime"],
            value=plain(voice.amount(row["q50"], row["unit"], decimals_of_band(row))),
        )
        for row in at
    ]  # fmt: skip
    return voice.texts("alt.levels", variable=name, year=facts.report_year) + " " + "; ".join(parts) + "."


def _regime_look(regime: str, place: int) -> tuple:
    known = list(REGIME_COLOURS)
    colour = REGIME_COLOURS.get(regime, (GREEN, PURPLE)[place % 2])
    return colour, DASHES[known.index(regime) % len(DASHES) if regime in known else place % len(DASHES)]
