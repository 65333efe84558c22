"""The sensitivity report: on what the gaps hang, what one lever is worth, when the alliance falls behind."""

from __future__ import annotations

from collections.abc import Mapping

from alliance_dynamics.report.blocks import Figure
from alliance_dynamics.report.chapter_checklist import checklist_section
from alliance_dynamics.report.chapter_levers import lever_sections
from alliance_dynamics.report.chapter_origin import origin_section
from alliance_dynamics.report.chapter_sensitivity import INDICES, sensitivity_section, year_of_interest
from alliance_dynamics.report.context import Context, study_context
from alliance_dynamics.report.facts import Facts
from alliance_dynamics.report.voice import Voice
from alliance_dynamics.report.wording import variance_sentences


def sensitivity_context(voice: Voice, facts: Facts, figures: Mapping[str, tuple[Figure, ...]]) -> Context:
    """What the headline outcome hangs on in sentences, then every outcome, lever and condition."""
    rows = [row for row in voice.results.rows(INDICES) if row["outcome"] == facts.headline]
    rows = rows or voice.results.rows(INDICES)
    year = year_of_interest(rows, facts)
    answer, *support = variance_sentences(
        voice, [row for row in rows if row["year"] == year and row["outcome"] == rows[0]["outcome"]]
    )
    sections = (
        sensitivity_section(voice, facts, figures["sensitivity"]),
        *lever_sections(voice, facts, figures),
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
