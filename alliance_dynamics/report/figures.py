"""All figures of a report, drawn once per language."""

from __future__ import annotations

from collections.abc import Iterator

from alliance_dynamics.report.blocks import Figure
from alliance_dynamics.report.chapter_fit import FIT, calibrated_observables
from alliance_dynamics.report.chapter_levers import LADDER, RANKS
from alliance_dynamics.report.chapter_loops import LOOPS
from alliance_dynamics.report.chapter_reviewer import CONVERGENCE, GROUPS_FILE
from alliance_dynamics.report.chapter_sensitivity import EFFECTS, INDICES, PAIRS
from alliance_dynamics.report.drawing import house_style
from alliance_dynamics.report.facts import WHOLE, Facts
from alliance_dynamics.report.figure_effects import draw_effects
from alliance_dynamics.report.figure_fit import draw_fit
from alliance_dynamics.report.figure_indices import draw_indices
from alliance_dynamics.report.figure_ladder import draw_ladder
from alliance_dynamics.report.figure_loops import draw_loops
from alliance_dynamics.report.figure_pairs import draw_pairs
from alliance_dynamics.report.figure_regimes import draw_gaps, draw_levels
from alliance_dynamics.report.figure_reviewer import (
    FUTURES,
    PEELING,
    draw_convergence,
    draw_futures,
    draw_groups,
    draw_peeling,
    draw_regret,
)
from alliance_dynamics.report.voice import Voice


def draw_figures(voice: Voice, facts: Facts) -> dict[str, tuple[Figure, ...]]:
    """Figures by chapter: `fit`, `regimes`, `brief`, `ladder`, `standing`, `loops`, `sensitivity`."""
    with house_style():
        loops = voice.results.rows(LOOPS)
        rows = voice.results.rows(FIT)
        return {
            "fit": tuple(draw_fit(voice, facts.last_observed, each) for each in calibrated_observables(rows)),
            "regimes": (draw_gaps(voice, facts), draw_levels(voice, facts)),
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
                *(draw_indices(voice, facts, each) for each in _index_outcomes(voice)),
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


def _brief(voice: Voice, facts: Facts) -> tuple[Figure, ...]:
    """The gaps of all regions together, and the ladder."""
    gaps = draw_gaps(voice, facts, "brief_gaps", WHOLE, height=1.45)
    if not voice.results.rows(LADDER):
        return (gaps,)
    return gaps, draw_ladder(voice, facts, name="brief_ladder", row=0.14, mark="")


def _index_outcomes(voice: Voice) -> list[str]:
    return list(dict.fromkeys(row["outcome"] for row in voice.results.rows(INDICES)))
