"""The whole report: regimes and their gaps, levers, loops, fit, sensitivity, and what all of it rests on."""

from __future__ import annotations

from collections.abc import Mapping

from alliance_dynamics.report.blocks import Figure, Section
from alliance_dynamics.report.chapter_checklist import checklist_section
from alliance_dynamics.report.chapter_fit import fit_section
from alliance_dynamics.report.chapter_levers import lever_sections
from alliance_dynamics.report.chapter_loops import LOOPS, loops_section
from alliance_dynamics.report.chapter_origin import origin_section
from alliance_dynamics.report.chapter_regimes import comparison_section, regimes_section
from alliance_dynamics.report.chapter_sensitivity import sensitivity_section
from alliance_dynamics.report.context import Context, answer_of, study_context
from alliance_dynamics.report.facts import Facts
from alliance_dynamics.report.voice import Voice


def report_context(voice: Voice, facts: Facts, figures: Mapping[str, tuple[Figure, ...]]) -> Context:
    """The report in the order it is read."""
    sections: tuple[Section, ...] = (
        regimes_section(voice, facts),
        comparison_section(voice, facts, figures["regimes"]),
        *lever_sections(voice, facts, figures),
        *((loops_section(voice, figures["loops"]),) if voice.results.rows(LOOPS) else ()),
        fit_section(voice, facts, figures["fit"]),
        sensitivity_section(voice, facts, figures["sensitivity"]),
        checklist_section(voice),
    )
    answer, support = answer_of(voice, facts)
    return study_context(
        voice,
        facts,
        name="report",
        title=voice.texts("title"),
        answer=answer,
        support=support,
        caveats=voice.texts.list("caveat"),
        sections=(*sections, origin_section(voice, sections)),
    )
