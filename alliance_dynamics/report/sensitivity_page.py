"""The sensitivity report: on what the gaps hang, what one lever is worth, when the alliance falls behind."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from alliance_dynamics.report.blocks import Figure
from alliance_dynamics.report.chapter_checklist import checklist_section
from alliance_dynamics.report.chapter_levers import (
    clear_sentences,
    failure_pairs,
    ladder_rows,
    lever_sections,
    short_failure,
)
from alliance_dynamics.report.chapter_origin import origin_section
from alliance_dynamics.report.chapter_reviewer import group_answer
from alliance_dynamics.report.chapter_sensitivity import (
    INDICES,
    LEVEL_FIGURE,
    sensitivity_section,
    year_of_interest,
)
from alliance_dynamics.report.context import Context, study_context
from alliance_dynamics.report.facts import Facts
from alliance_dynamics.report.voice import Voice
from alliance_dynamics.report.wording import variance_sentences


def sensitivity_context(voice: Voice, facts: Facts, figures: Mapping[str, tuple[Figure, ...]]) -> Context:
    """Decisions beside what is not known, what single levers are worth, when the alliance loses; then all shares."""
    answer, *support = _first_page(voice, facts)
    sections = (
        *lever_sections(voice, facts, figures),
        sensitivity_section(voice, facts, (*_levels(figures), *figures["sensitivity"])),
        checklist_section(voice),
    )
    return study_context(
        voice,
        facts,
        name="sensitivity/report",
        title=voice.texts("sensitivity.title"),
        answer=answer,
        support=support,
        caveats=voice.texts.list("sensitivity.caveat"),
        sections=(*sections, origin_section(voice, sections)),
        home="../index.html",
    )


def _first_page(voice: Voice, facts: Facts) -> list[Markup]:
    """Shares of the groups, levers with a clear sign, how often the alliance falls behind, what can stay fixed."""
    rows = [row for row in voice.results.rows(INDICES) if row["outcome"] == facts.headline]
    rows = rows or voice.results.rows(INDICES)
    year = year_of_interest(rows, facts)
    at = [row for row in rows if row["year"] == year and row["outcome"] == rows[0]["outcome"]]
    rungs = [row for row in ladder_rows(voice, facts) if row["outcome"] == facts.headline]
    failures = [each for pair in failure_pairs(voice) for each in short_failure(voice, pair)]
    return [*group_answer(voice, facts), *clear_sentences(voice, facts, rungs), *failures,
            *variance_sentences(voice, at)]  # fmt: skip


def _levels(figures: Mapping[str, tuple[Figure, ...]]) -> tuple[Figure, ...]:
    """F1, which the report on a whole study has among the regimes."""
    return tuple(each for each in figures["regimes"] if each.name == LEVEL_FIGURE)
