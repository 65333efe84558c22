"""Figures of the calibration page: fit, waterfall of starts, residuals, profiles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import fill

from alliance_dynamics.report.blocks import Figure
from alliance_dynamics.report.chapter_fit import FIT, calibrated_observables
from alliance_dynamics.report.chapter_identification import PROFILES
from alliance_dynamics.report.chapter_parameters import PARAMETERS
from alliance_dynamics.report.drawing import BLUE, RED, SMALL, finish, house_style, new_canvas, show_numbers
from alliance_dynamics.report.figure_fit import draw_fit
from alliance_dynamics.report.figure_residuals import draw_residuals
from alliance_dynamics.report.numbers import decimals_of_interval
from alliance_dynamics.report.results import Row
from alliance_dynamics.report.voice import Voice

STARTS = "calibration/starts.csv"
SHEET = 20  # panels of profiles on a sheet of paper
NEAR = 1.92  # objectives this close to the best count as the same optimum


def draw_calibration(voice: Voice) -> dict[str, tuple[Figure, ...]]:
    """Figures by chapter: `fit`, `starts`, `residuals`, `profiles` (empty where there are none)."""
    rows = voice.results.rows(FIT)
    last = max(row["year"] for row in rows if row["observed"] is not None)
    with house_style():
        return {
            "fit": tuple(draw_fit(voice, last, each) for each in calibrated_observables(rows)),
            "starts": (_waterfall(voice),),
            "residuals": tuple(draw_residuals(voice)),
            "profiles": tuple(_profiles(voice)),
        }


def _waterfall(voice: Voice) -> Figure:
    """Objectives of the starts above the best one, sorted."""
    found = sorted(r["objective"] for r in voice.results.rows(STARTS) if r["objective"] is not None)
    above = [each - found[0] for each in found]
    canvas, (axes,) = new_canvas(1, 1, height=1.6)
    axes.plot(range(1, len(above) + 1), above, "o", color=BLUE)
    axes.axhline(NEAR, color=RED, linewidth=0.8, linestyle=(0, (4, 2)))
    axes.set_ylim(bottom=-0.05 * max(above[-1], NEAR), top=1.1 * max(above[-1], NEAR))
    axes.set_xlim(0.5, len(above) + 0.5)
    axes.set_xlabel(voice.texts("axis.start"))
    axes.set_ylabel(voice.texts("axis.above"))
    show_numbers(axes.yaxis, voice.numbers)
    show_numbers(axes.xaxis, voice.numbers)
    return finish(canvas, "starts", voice.texts("figure.starts"), _describe_starts(voice, above), STARTS)


def _describe_starts(voice: Voice, above: Sequence[float]) -> str:
    """How many starts end at the optimum of the best one, and how far above it the worst lies."""
    return voice.texts(
        "alt.starts", starts=voice.numbers.number(len(above), 0), near=sum(each <= NEAR for each in above),
        largest=voice.numbers.number(above[-1], 1),
    )  # fmt: skip


def _profiles(voice: Voice) -> Iterator[Figure]:
    """One panel per parameter: the rise of the objective over the parameter, and the cut; no taller than a sheet."""
    rows = voice.results.rows(PROFILES)
    cards = {row["parameter"]: row for row in voice.results.rows(PARAMETERS)}
    every = list(dict.fromkeys(row["parameter"] for row in rows))
    for first in range(0, len(every), SHEET):
        sheet, names = first // SHEET + 1, every[first : first + SHEET]
        yield _profile_sheet(voice, names, rows, cards, "profiles" if sheet == 1 else f"profiles_{sheet}")


def _profile_sheet(
    voice: Voice, names: Sequence[str], rows: Sequence[Row], cards: Mapping[str, Row], figure: str
) -> Figure:
    canvas, panels = new_canvas(len(names), 4, height=1.5)
    said = []
    for axes, name in zip(panels, names, strict=True):
        label = voice.parameter(cards[name]) if name in cards else name
        mine = sorted((row for row in rows if row["parameter"] == name), key=lambda row: row["value"])
        axes.plot([row["value"] for row in mine], [row["rise"] for row in mine], "o-", color=BLUE, markersize=2.2,
                  linewidth=1.0)  # fmt: skip
        said.append(_describe_profile(voice, label, mine))
        axes.axhline(mine[0]["cut"], color=RED, linewidth=0.8, linestyle=(0, (4, 2)))
        axes.set_ylim(-0.1, 2.5 * mine[0]["cut"])
        axes.set_title(fill(label, 26), fontsize=SMALL)
        show_numbers(axes.xaxis, voice.numbers, steps=3)
        show_numbers(axes.yaxis, voice.numbers)
    return finish(canvas, figure, voice.texts("figure.profiles"),
                  voice.texts("alt.profiles") + " " + "; ".join(said) + ".", PROFILES)  # fmt: skip


def _describe_profile(voice: Voice, label: str, rows: Sequence[Row]) -> str:
    """Where the drawn rise stays below the cut, and whether it passes it on either side."""
    held = [place for place, row in enumerate(rows) if row["rise"] <= row["cut"]]
    low, high = (rows[place]["value"] for place in (held[0], held[-1]))
    decimals = decimals_of_interval(rows[0]["value"], rows[-1]["value"], low)
    ends = {"low": voice.numbers.number(low, decimals), "high": voice.numbers.number(high, decimals)}
    sides = (held[0] > 0) + (held[-1] < len(rows) - 1)
    return voice.texts(f"profile.alt_{('open', 'half', 'closed')[sides]}", parameter=label, **ends)
