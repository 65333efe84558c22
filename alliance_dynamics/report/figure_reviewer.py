"""A reviewer's figures: convergence, groups of inputs, regret and ranks, the search for a box, failing futures."""

from __future__ import annotations

from textwrap import fill

import numpy as np

from alliance_dynamics.report.blocks import Figure, plain
from alliance_dynamics.report.chapter_levers import FAILURES, RANKS
from alliance_dynamics.report.chapter_reviewer import CONVERGENCE, GROUPS_FILE
from alliance_dynamics.report.drawing import (
    BLUE,
    DASHES,
    GREEN,
    GREY,
    INK,
    ORANGE,
    RED,
    SERIES,
    SKY,
    SMALL,
    finish,
    new_canvas,
    show_numbers,
)
from alliance_dynamics.report.facts import Facts
from alliance_dynamics.report.numbers import decimals_of_value
from alliance_dynamics.report.voice import Voice

PEELING, FUTURES = "sensitivity/peeling.csv", "sensitivity/futures.csv"
LEADERS = 6
FEWEST_HELD = 0.5  # coverage of the box that the description quotes


def draw_convergence(voice: Voice, facts: Facts) -> Figure:
    """Total shares of the leading inputs against the points of a sample, with their intervals."""
    rows = [row for row in voice.results.rows(CONVERGENCE)
            if row["outcome"] == facts.headline and row["year"] == facts.report_year]  # fmt: skip
    last = max(row["points"] for row in rows)
    leaders = [row["lever"] for row in sorted(rows, key=lambda row: row["rank"]) if row["points"] == last][:LEADERS]
    canvas, (axes,) = new_canvas(1, 1, height=2.4)
    said = []
    for place, lever in enumerate(leaders):
        mine = sorted((row for row in rows if row["lever"] == lever), key=lambda row: row["points"])
        at = [row["points"] * 1.03 ** (place - LEADERS / 2) for row in mine]
        errors = [[row["ST"] - row["ST_low"] for row in mine], [row["ST_high"] - row["ST"] for row in mine]]
        axes.errorbar(at, [row["ST"] for row in mine], yerr=errors, color=SERIES[place], linestyle=DASHES[place],
                      marker="o", markersize=3, linewidth=1.1, label=fill(voice.lever(lever), 32))  # fmt: skip
        said.append(f"{voice.lever(lever)} {plain(voice.share(mine[-1]['ST']))}")
    axes.set_xscale("log", base=2)
    sizes = sorted({row["points"] for row in rows})
    axes.set_xticks(sizes, [voice.numbers.number(each, 0) for each in sizes], minor=False)
    axes.set_xlabel(voice.texts("reviewer.figure.points"))
    show_numbers(axes.yaxis, voice.numbers, factor=100, suffix="\u00a0%")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=SMALL)
    where = {"outcome": voice.outcome(facts.headline), "year": facts.report_year}
    return finish(canvas, "convergence", voice.texts("reviewer.figure.convergence", **where),
                  voice.texts("reviewer.alt.convergence") + " " + "; ".join(said) + ".", CONVERGENCE, "F9")  # fmt: skip


def draw_groups(voice: Voice, facts: Facts) -> Figure:
    """One stacked bar per outcome: each group alone, then what arises between groups."""
    rows = [row for row in voice.results.rows(GROUPS_FILE) if row["year"] == facts.report_year]
    outcomes = list(dict.fromkeys(row["outcome"] for row in rows))
    groups = list(dict.fromkeys(row["lever"] for row in rows))
    names = [*(voice.lever(each) for each in groups), voice.texts("reviewer.figure.between")]
    canvas, (axes,) = new_canvas(1, 1, height=0.7 + 0.24 * len(outcomes))
    said = []
    for at, outcome in enumerate(reversed(outcomes)):
        shares = [max(row["S1"], 0.0) for row in rows if row["outcome"] == outcome]
        shares.append(max(0.0, 1 - sum(shares)))
        left = 0.0
        for place, share in enumerate(shares):
            axes.barh(at, share, left=left, height=0.7, color=(BLUE, GREEN, ORANGE, GREY)[place],
                      label=names[place] if at == 0 else None)  # fmt: skip
            left += share
        parts = ", ".join(f"{name} {plain(voice.share(share))}"
                          for name, share in zip(names, shares, strict=True))  # fmt: skip
        said.append(voice.texts("reviewer.alt.group", outcome=voice.outcome(outcome), parts=parts))
    axes.set_yticks(
        range(len(outcomes)), [fill(voice.outcome(each), 40) for each in reversed(outcomes)], fontsize=SMALL
    )
    axes.grid(False, axis="y")
    show_numbers(axes.xaxis, voice.numbers, factor=100, suffix="\u00a0%")
    canvas.legend(loc="outside lower center", ncols=2, fontsize=SMALL)
    return finish(canvas, "groups", voice.texts("reviewer.figure.groups", year=facts.report_year),
                  voice.texts("reviewer.alt.groups") + " " + "; ".join(reversed(said)) + ".", GROUPS_FILE,
                  "F6")  # fmt: skip


def draw_regret(voice: Voice, facts: Facts) -> Figure:
    """Regret of every regime, the ranks it takes, and how often it is at least as good as no programme."""
    rows = [row for row in voice.results.rows(RANKS)
            if row["outcome"] == facts.headline and row["year"] == facts.report_year]  # fmt: skip
    against = [row["against"] for row in voice.results.rows(FAILURES)][-1]
    canvas, (regret, ranks, enough) = new_canvas(3, 3, height=1.9)
    said = []
    for at, row in enumerate(reversed(rows)):
        regret.plot([row["mean_regret"], row["largest_regret"]], [at, at], color=BLUE, linewidth=1.6)
        regret.plot(row["mean_regret"], at, "o", color=BLUE, markersize=4)
        left = 0.0
        for rank in range(1, len(rows) + 1):
            share = float(row[f"share_rank_{rank}"])
            ranks.barh(at, share, left=left, height=0.7, color=(BLUE, SKY, GREY, ORANGE, RED)[(rank - 1) % 5],
                       label=voice.texts("reviewer.figure.rank", rank=rank) if at == 0 else None)  # fmt: skip
            left += share
        satisfied = float(row["satisfied"])
        enough.barh(at, satisfied, height=0.7, color=GREEN)
        decimals = decimals_of_value(row["mean_regret"], 2)
        said.append(voice.texts(
            "reviewer.alt.regret_of", regime=row["regime"], mean=voice.numbers.number(row["mean_regret"], decimals),
            largest=voice.numbers.number(row["largest_regret"], decimals),
            best=voice.numbers.number(100 * float(row["share_rank_1"]), 0),
            enough=voice.numbers.number(100 * satisfied, 0),
        ))  # fmt: skip
    for axes in (regret, ranks, enough):
        axes.set_yticks(range(len(rows)), [row["regime"] for row in reversed(rows)])
        axes.grid(False, axis="y")
    regret.set_title(voice.texts("reviewer.figure.regret_panel", unit=voice.unit(rows[0]["unit"])))
    ranks.set_title(voice.texts("reviewer.figure.rank_panel"))
    enough.set_title(voice.texts("reviewer.figure.enough_panel", against=against))
    enough.set_xlim(0, 1)
    show_numbers(regret.xaxis, voice.numbers)
    for axes in (ranks, enough):
        show_numbers(axes.xaxis, voice.numbers, factor=100, suffix="\u00a0%")
    handles, names = ranks.get_legend_handles_labels()
    canvas.legend(handles, names, loc="outside lower center", ncols=len(names), fontsize=SMALL)
    where = {"outcome": voice.outcome(facts.headline), "year": facts.report_year, "against": against}
    return finish(canvas, "regret", voice.texts("reviewer.figure.regret", **where),
                  voice.texts("reviewer.alt.regret") + " " + "; ".join(reversed(said)) + ".", RANKS, "F8")  # fmt: skip


def draw_peeling(voice: Voice, facts: Facts) -> Figure:
    """Coverage and density of every step of the search for conditions of failure, one panel per rival."""
    from matplotlib.ticker import MaxNLocator

    rows = voice.results.rows(PEELING)
    pairs = list(dict.fromkeys((row["regime"], row["against"]) for row in rows))
    canvas, panels = new_canvas(len(pairs), 2, height=2.0)
    said = []
    for axes, (regime, against) in zip(panels, pairs, strict=True):
        mine = [row for row in rows if (row["regime"], row["against"]) == (regime, against)]
        axes.plot([row["coverage"] for row in mine], [row["density"] for row in mine], color=GREY, linewidth=0.8)
        dots = axes.scatter([row["coverage"] for row in mine], [row["density"] for row in mine], s=9,
                            c=[row["limits"] for row in mine], cmap="viridis", zorder=3)  # fmt: skip
        canvas.colorbar(dots, ax=axes, ticks=MaxNLocator(5, integer=True))
        axes.set_title(voice.texts("failure.pair", regime=regime, against=against))
        axes.set_xlabel(voice.texts("reviewer.figure.coverage"))
        axes.set_ylabel(voice.texts("reviewer.figure.density"))
        for axis in (axes.xaxis, axes.yaxis):
            show_numbers(axis, voice.numbers, factor=100, suffix="\u00a0%")
        held = [row for row in mine if row["coverage"] >= FEWEST_HELD][-1]
        shares = {key: voice.numbers.number(100 * held[key], 0) for key in ("coverage", "density")}
        said.append(voice.texts("reviewer.alt.peeled", regime=regime, against=against, **shares))
    return finish(canvas, "peeling", voice.texts("reviewer.figure.peeling", regime=facts.main_regime),
                  voice.texts("reviewer.alt.peeling") + " " + "; ".join(said) + ".", PEELING, "F7")  # fmt: skip


def draw_futures(voice: Voice, facts: Facts, regime: str, against: str) -> Figure:
    """Failing and other draws as lines over the inputs that tell them apart."""
    rows = [row for row in voice.results.rows(FUTURES) if (row["regime"], row["against"]) == (regime, against)]
    labels = {row["input"]: row[f"label_{voice.language}"] for row in rows}
    lines: dict[tuple[bool, float], list[float]] = {}
    for row in rows:
        lines.setdefault((row["fails"], row["draw"]), []).append(row["place"])
    canvas, (axes,) = new_canvas(1, 1, height=2.4)
    for (fails, _), places in sorted(lines.items()):
        axes.plot(places, color=RED if fails else GREY, linewidth=0.5 if fails else 0.4, alpha=0.6 if fails else 0.35,
                  linestyle=(0, (4, 1.5)) if fails else "solid")  # fmt: skip
    for kind, colour, dash in ((True, RED, (0, (4, 1.5))), (False, INK, "solid")):
        middle = np.median([places for (fails, _), places in lines.items() if fails == kind], axis=0)
        axes.plot(middle, color=colour, linewidth=2.2, linestyle=dash)
    axes.set_xticks(range(len(labels)), [fill(each, 17) for each in labels.values()], fontsize=SMALL)
    axes.set_ylim(0, 1)
    show_numbers(axes.yaxis, voice.numbers)
    return finish(canvas, f"futures_{against.lower()}",
                  voice.texts("reviewer.figure.futures", regime=regime, against=against),
                  voice.texts("reviewer.alt.futures") + " " + "; ".join(labels.values()) + ".", FUTURES,
                  "F10")  # fmt: skip
