"""Residuals as figures: over time, their autocorrelation, and their quantiles against normal ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betaincinv, ndtri

from alliance_dynamics.report.blocks import Figure
from alliance_dynamics.report.chapter_fit import FIT, calibrated_observables, used_rows
from alliance_dynamics.report.chapter_residuals import LEVEL, RESIDUALS, TESTS, residuals
from alliance_dynamics.report.drawing import (
    BLUE,
    DASHES,
    GREY,
    INK,
    RED,
    SERIES,
    SHADE,
    SMALL,
    finish,
    new_canvas,
    show_legend,
    show_numbers,
    show_years,
)
from alliance_dynamics.report.results import Row
from alliance_dynamics.report.voice import Voice

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

COLUMNS, HEIGHT = 3, 1.6
BOUND = 1.96  # of a correlation in standard errors, 1 / sqrt(n)


def draw_residuals(voice: Voice) -> Iterator[Figure]:
    """Over time; and where the files hold standardised ones, their autocorrelation and normal quantiles."""
    yield _over_time(voice)
    if tests := voice.results.rows(TESTS):
        yield _autocorrelation(voice, tests)
    if rows := voice.results.rows(RESIDUALS):
        yield _quantiles(voice, rows)


def _over_time(voice: Voice) -> Figure:
    rows = used_rows(voice.results.rows(FIT))
    names, regions = calibrated_observables(rows), _regions(rows)
    canvas, panels = new_canvas(len(names), COLUMNS, height=HEIGHT)
    said = []
    for axes, name in zip(panels, names, strict=True):
        found = residuals(rows, name)
        largest, year, where = max((abs(value), year, region) for region in found for year, value in found[region])
        said.append(
            voice.texts("alt.residuals_of", observable=voice.variable(name), region=voice.element(where), year=year,
                        largest=voice.numbers.number(largest, 2))
        )  # fmt: skip
        for place, region in enumerate(regions):
            points = found.get(region, [])
            axes.plot([p[0] for p in points], [p[1] for p in points], color=SERIES[place % len(SERIES)],
                      linestyle=DASHES[place % len(DASHES)], linewidth=1.0)  # fmt: skip
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.set_title(fill(voice.variable(name), 28))
        show_years(axes, [row["year"] for row in rows])
        show_numbers(axes.yaxis, voice.numbers, sign=True)
    _legend(voice, canvas, regions)
    return finish(canvas, "residuals", voice.texts("figure.residuals"),
                  f"{voice.texts('alt.residuals')} {'; '.join(said)}.", FIT)  # fmt: skip


def _autocorrelation(voice: Voice, tests: Sequence[Row]) -> Figure:
    """A stem for each lag and region, within the bounds that 95 % of independent residuals keep."""
    names, regions = list(dict.fromkeys(row["observable"] for row in tests)), _regions(tests)
    lags = max(int(row["lags"]) for row in tests)
    canvas, panels = new_canvas(len(names), COLUMNS, height=HEIGHT)
    said = []
    for axes, name in zip(panels, names, strict=True):
        mine = [row for row in tests if row["observable"] == name]
        bound = BOUND / math.sqrt(min(row["count"] for row in mine))
        axes.axhspan(-bound, bound, color=SHADE)
        axes.axhline(0, color=INK, linewidth=0.8)
        outside = 0
        for row in mine:
            place = regions.index(row["region"])
            values = [row[f"acf_{lag}"] for lag in range(1, int(row["lags"]) + 1)]
            at = [lag + 0.16 * (place - (len(regions) - 1) / 2) for lag in range(1, len(values) + 1)]
            colour, dash = SERIES[place % len(SERIES)], DASHES[place % len(DASHES)]
            axes.vlines(at, 0, values, color=colour, linestyle=dash, linewidth=1.0)
            axes.plot(at, values, "o", color=colour, markersize=2.4)
            outside += sum(abs(each) > BOUND / math.sqrt(row["count"]) for each in values)
        axes.set_ylim(-1, 1)
        axes.set_xlim(0.4, lags + 0.6)
        axes.set_xticks(range(1, lags + 1))
        axes.set_title(fill(voice.variable(name), 28))
        show_numbers(axes.yaxis, voice.numbers, sign=True)
        said.append(
            voice.texts("alt.autocorrelation_of", observable=voice.variable(name), outside=outside,
                        all=sum(int(row["lags"]) for row in mine), series=len(mine),
                        refused=sum(row["p_value"] < LEVEL for row in mine))
        )  # fmt: skip
    for axes in panels[-COLUMNS:]:
        axes.set_xlabel(voice.texts("axis.lag"))
    _legend(voice, canvas, regions)
    return finish(canvas, "residual_autocorrelation", voice.texts("figure.autocorrelation"),
                  f"{voice.texts('alt.autocorrelation')} {'; '.join(said)}.", TESTS)  # fmt: skip


def _quantiles(voice: Voice, rows: Sequence[Row]) -> Figure:
    """Residuals of all regions in order, over the normal quantiles of their ranks, with a pointwise 95 % envelope."""
    names = list(dict.fromkeys(row["observable"] for row in rows))
    canvas, panels = new_canvas(len(names), COLUMNS, height=1.8)
    said = []
    for axes, name in zip(panels, names, strict=True):
        values = np.sort([row["standardised"] for row in rows if row["observable"] == name])
        said.append(_quantile_panel(voice, axes, name, values))
    canvas.supxlabel(voice.texts("axis.normal"), fontsize=SMALL)
    canvas.supylabel(voice.texts("axis.standardised"), fontsize=SMALL)
    return finish(canvas, "residual_quantiles", voice.texts("figure.quantiles"),
                  f"{voice.texts('alt.quantiles')} {'; '.join(said)}.", RESIDUALS)  # fmt: skip


def _quantile_panel(voice: Voice, axes: Axes, name: str, values: np.ndarray) -> str:
    n = len(values)
    rank = np.arange(1, n + 1)
    normal = ndtri((rank - 0.5) / n)
    low, high = (ndtri(betaincinv(rank, n - rank + 1, p)) for p in (0.025, 0.975))
    inside = (values >= low) & (values <= high)
    axes.fill_between(normal, low, high, color=SHADE)
    axes.plot(normal, normal, color=GREY, linewidth=0.8)
    axes.plot(normal[inside], values[inside], "o", color=BLUE, markersize=2.4)
    axes.plot(normal[~inside], values[~inside], "D", color=RED, markersize=2.6)
    axes.set_title(fill(voice.variable(name), 28))
    show_numbers(axes.xaxis, voice.numbers)
    show_numbers(axes.yaxis, voice.numbers)
    ends = {end: voice.numbers.number(value, 1) for end, value in (("least", values[0]), ("most", values[-1]))}
    return voice.texts("alt.quantiles_of", observable=voice.variable(name), outside=int(np.sum(~inside)), all=n, **ends)


def _regions(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row["region"] for row in rows))


def _legend(voice: Voice, canvas: Canvas, regions: Sequence[str]) -> None:
    looks = [(voice.element(each), SERIES[i % len(SERIES)], DASHES[i % len(DASHES)]) for i, each in enumerate(regions)]
    show_legend(canvas, looks, columns=4, reach=2.0)
