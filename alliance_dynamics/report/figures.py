"""All figures of a report, drawn once per language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import fill
from typing import TYPE_CHECKING

from alliance_dynamics.report.blocks import Figure, plain, slug
from alliance_dynamics.report.chapter_fit import FIT, break_in_words, calibrated_observables
from alliance_dynamics.report.chapter_levers import LADDER, RANKS
from alliance_dynamics.report.chapter_loops import LOOPS
from alliance_dynamics.report.chapter_regimes import SUMMARY
from alliance_dynamics.report.chapter_reviewer import CONVERGENCE, GROUPS_FILE
from alliance_dynamics.report.chapter_sensitivity import EFFECTS, INDICES, PAIRS, figure_name, year_of_interest
from alliance_dynamics.report.drawing import (
    BLUE,
    DASHES,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    RED,
    SERIES,
    SHADE,
    finish,
    house_style,
    new_canvas,
    show_numbers,
    show_years,
)
from alliance_dynamics.report.facts import FIRST_REGION, WHOLE, Facts, is_gross_product
from alliance_dynamics.report.figure_effects import draw_effects
from alliance_dynamics.report.figure_ladder import draw_ladder
from alliance_dynamics.report.figure_loops import draw_loops
from alliance_dynamics.report.figure_pairs import draw_pairs
from alliance_dynamics.report.figure_reviewer import (
    FUTURES,
    PEELING,
    draw_convergence,
    draw_futures,
    draw_groups,
    draw_peeling,
    draw_regret,
)
from alliance_dynamics.report.numbers import decimals_of_interval
from alliance_dynamics.report.results import Row
from alliance_dynamics.report.voice import Voice
from alliance_dynamics.report.wording import share_range

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REGIME_COLOURS = {"R0": GREY, "R1": INK, "R2": ORANGE, "R3": BLUE, "R4": RED}
SHOWN_INPUTS = 6
PAPER = 7.0  # inches between the margins of a sheet
GAPS, TRAJECTORIES = "comparison/gaps.csv", "comparison/trajectories.csv"


def draw_figures(voice: Voice, facts: Facts) -> dict[str, tuple[Figure, ...]]:
    """Figures by chapter: `fit`, `regimes`, `brief`, `ladder`, `standing`, `loops`, `sensitivity`."""
    with house_style():
        loops = voice.results.rows(LOOPS)
        rows = voice.results.rows(FIT)
        return {
            "fit": tuple(draw_fit(voice, facts.last_observed, each) for each in calibrated_observables(rows)),
            "regimes": (_gaps(voice, facts), _levels(voice, facts)),
            "brief": _brief(voice, facts),
            "ladder": (draw_ladder(voice, facts),) if voice.results.rows(LADDER) else (),
            "standing": tuple(_standing(voice, facts)),
            "loops": tuple(
                draw_loops(voice, output, [row for row in loops if row["output"] == output])
                for output in dict.fromkeys(row["output"] for row in loops)
            ),
            "sensitivity": (
                *((draw_effects(voice, facts),) if voice.results.rows(EFFECTS) else ()),
                *((draw_pairs(voice, facts),) if voice.results.rows(PAIRS) else ()),
                *((draw_convergence(voice, facts),) if voice.results.rows(CONVERGENCE) else ()),
                *((draw_groups(voice, facts),) if voice.results.rows(GROUPS_FILE) else ()),
                *(_sensitivity(voice, facts, each) for each in _index_outcomes(voice)),
            ),
        }


def _standing(voice: Voice, facts: Facts) -> Iterator[Figure]:
    rows = voice.results.rows(RANKS)
    if rows and "satisfied" in rows[0]:
        yield draw_regret(voice, facts)
    if voice.results.rows(PEELING):
        yield draw_peeling(voice, facts)
    for pair in dict.fromkeys((row["regime"], row["against"]) for row in voice.results.rows(FUTURES)):
        yield draw_futures(voice, facts, *pair)


# Fit ----------------------------------------------------------------------------------------------------------------


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
    canvas.supylabel(unit, fontsize=8)
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
    values = {key: plain(voice.amount(row[key], row["unit"], _decimals(row))) for key in keys}
    return voice.texts("alt.fit_region", region=voice.element(region), year=row["year"], **values)


# Regimes ------------------------------------------------------------------------------------------------------------


def _brief(voice: Voice, facts: Facts) -> tuple[Figure, ...]:
    """The gaps of all regions together, and the ladder, as wide as a sheet of paper."""
    gaps = _gaps(voice, facts, "brief_gaps", WHOLE, width=PAPER, height=1.5)
    if not voice.results.rows(LADDER):
        return (gaps,)
    return gaps, draw_ladder(voice, facts, name="brief_ladder", width=PAPER, row=0.15)


def _gaps(
    voice: Voice, facts: Facts, figure: str = "gaps", wanted: tuple[str, ...] = (*WHOLE, FIRST_REGION), *,
    width: float = 9.2, height: float = 2.0,
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
    canvas, panels = new_canvas(len(places), 2, width=width, height=height)
    descriptions = []
    for axes, (outcome, element) in zip(panels, places, strict=True):
        mine = [row for row in rows if (row["outcome"], row["element"]) == (outcome, element)]
        for place, regime in enumerate(regimes):
            _gap_series(axes, [row for row in mine if row["regime"] == regime], regime, place - (len(regimes) - 1) / 2)
        axes.axhline(0, color=INK, linewidth=0.8)
        show_years(axes, [row["year"] for row in mine])
        show_numbers(axes.yaxis, voice.numbers, sign=True)
        title = f"{voice.outcome(outcome)}, {voice.unit(mine[0]['unit'])}".rstrip(", ")
        axes.set_title(fill(title, round(6.7 * width)) + f"\n{voice.element(element)}")
        descriptions.append(_describe_gaps(voice, facts, outcome, element))
    _legend(canvas, [(regime, *_regime_look(regime, place)) for place, regime in enumerate(regimes)])
    caption = voice.texts("figure.gaps", baseline=facts.baseline)
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
    axes.fill_between(years, [r["q05"] for r in rows], [r["q95"] for r in rows], color=colour, alpha=0.16, linewidth=0)
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


def _levels(voice: Voice, facts: Facts) -> Figure:
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
        axes.set_title(voice.element(element))
        axes.set_ylabel(voice.unit(rows[0]["unit"]))
        axes.set_ylim(bottom=0)
        show_years(axes, [row["year"] for row in rows])
        show_numbers(axes.yaxis, voice.numbers)
    _legend(canvas, [(regime, *_regime_look(regime, place)) for place, regime in enumerate(regimes)])
    name = voice.variable(variable)
    return finish(
        canvas, "level", voice.texts("figure.level", variable=name, baseline=facts.baseline),
        _describe_levels(voice, facts, name, [row for row in rows if row["element"] in shown]), TRAJECTORIES,
    )  # fmt: skip


def _describe_levels(voice: Voice, facts: Facts, name: str, rows: list[Row]) -> str:
    at = [row for row in rows if row["year"] == facts.report_year]
    parts = [
        voice.texts(
            "alt.level", element=voice.element(row["element"]), regime=row["regime"],
            value=plain(voice.amount(row["q50"], row["unit"], _decimals(row))),
        )
        for row in at
    ]  # fmt: skip
    return voice.texts("alt.levels", variable=name, year=facts.report_year) + " " + "; ".join(parts) + "."


def _regime_look(regime: str, place: int) -> tuple:
    known = list(REGIME_COLOURS)
    colour = REGIME_COLOURS.get(regime, (GREEN, PURPLE)[place % 2])
    return colour, DASHES[known.index(regime) % len(DASHES) if regime in known else place % len(DASHES)]


# Sensitivity --------------------------------------------------------------------------------------------------------


def _index_outcomes(voice: Voice) -> list[str]:
    return list(dict.fromkeys(row["outcome"] for row in voice.results.rows(INDICES)))


def _sensitivity(voice: Voice, facts: Facts, outcome: str) -> Figure:
    """First-order and total shares over time with intervals, and both as bars in one year."""
    rows = [row for row in voice.results.rows(INDICES) if row["outcome"] == outcome]
    year = year_of_interest(rows, facts)
    at = sorted((row for row in rows if row["year"] == year), key=lambda row: -row["ST"])
    shown = [row["lever"] for row in at[:SHOWN_INPUTS]]
    over_time = len({row["year"] for row in rows}) > 1
    canvas, panels = new_canvas(3 if over_time else 1, 3, height=0.9 + 0.15 * max(len(at), 10))
    if over_time:
        for axes, index in zip(panels, ("S1", "ST"), strict=False):
            for place, lever in enumerate(shown):
                _index_lines(axes, [row for row in rows if row["lever"] == lever], index, place)
            axes.set_title(voice.texts(f"figure.{index}"))
            show_years(axes, [row["year"] for row in rows])
            show_numbers(axes.yaxis, voice.numbers, factor=100, suffix="\u00a0%")
            axes.set_ylim(0, 1.04 * max(row["ST_high"] for row in rows))
    _bars(voice, panels[-1], at, shown, year)
    if over_time:
        _legend(canvas, [(voice.lever(each), SERIES[i], DASHES[i]) for i, each in enumerate(shown)], columns=3)
    description = voice.texts("alt.sensitivity", outcome=voice.outcome(outcome), year=year) + " " + "; ".join(
        voice.texts(
            "alt.index", lever=voice.lever(row["lever"]), first=plain(share_range(voice, row, "S1")),
            total=plain(share_range(voice, row, "ST")),
        )
        for row in at[:SHOWN_INPUTS]
    )  # fmt: skip
    caption = voice.texts("figure.sensitivity", outcome=voice.outcome(outcome), year=year, inputs=len(shown))
    return finish(canvas, figure_name(outcome), caption, description + ".", INDICES)


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
    axes.set_yticks(range(len(rows)), [fill(voice.lever(row["lever"]), 34) for row in reversed(rows)], fontsize=6.5)
    axes.grid(False, axis="y")
    axes.set_xlim(0, None)
    axes.set_title(voice.texts("figure.bars", year=year))
    show_numbers(axes.xaxis, voice.numbers, factor=100, suffix="\u00a0%")


# Shared -------------------------------------------------------------------------------------------------------------


def _legend(canvas, entries: Sequence[tuple], columns: int = 6) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=colour, linestyle=dashes, label=fill(str(name), 46)) for name, colour, dashes in entries
    ]
    canvas.legend(handles=handles, loc="outside lower center", ncols=min(columns, len(handles)), handlelength=2.6)


def _decimals(row: Row) -> int:
    return decimals_of_interval(row["q05"], row["q95"], row["q50"])
