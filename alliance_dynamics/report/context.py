"""Everything a report says, computed once and formatted once; the template holds no number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from alliance_dynamics.language import LANGUAGES
from alliance_dynamics.report.blocks import Figure, Section
from alliance_dynamics.report.chapter_origin import command_of
from alliance_dynamics.report.chapter_regimes import headline_ranking, headline_rows
from alliance_dynamics.report.chapter_reviewer import STOP_RULE, unsettled
from alliance_dynamics.report.facts import Facts
from alliance_dynamics.report.voice import Voice
from alliance_dynamics.report.wording import CREDIBLE, gap_sentence, listed, quoted


@dataclass(frozen=True, slots=True)
class Context:
    """What the template lays out.

    `name` is the report's path in the results folder, without language and ending; `home` the way from there to the
    folder's first page, "" where there is none; `drawings` where figures lie as files; `most_pages` how many pages of
    paper it may take, 0 for any number.
    """

    name: str
    language: str
    other: str
    title: str
    subtitle: str | Markup
    answer: Markup
    support: tuple[Markup | str, ...]
    banners: tuple[Markup | str, ...]
    caveats: tuple[Markup | str, ...]
    sections: tuple[Section, ...]
    home: str = "index.html"
    drawings: str = "figures"
    most_pages: int = 0

    def file(self, ending: str, language: str = "") -> str:
        """`sensitivity/report_ru.pdf`"""
        return f"{self.name}_{language or self.language}.{ending}"

    @property
    def figures(self) -> Iterator[Figure]:
        """All figures, in the order of the page."""
        return _figures(self.sections)

    def beside(self, language: str) -> str:
        """The same page in another language, as a link from this one."""
        return self.file("html", language).rpartition("/")[2]


def _figures(sections: tuple[Section, ...]) -> Iterator[Figure]:
    for section in sections:
        yield from section.figures
        yield from _figures(section.sections)


def make_context(
    voice: Voice,
    *,
    name: str,
    title: str,
    subtitle: str | Markup,
    answer: Markup,
    support: Iterable[Markup | str],
    banners: Iterable[Markup | str],
    caveats: Iterable[Markup | str],
    sections: Iterable[Section],
    **layout: Any,
) -> Context:
    """A context in the language of `voice`; InputError names every label that is missing in it.

    `layout` are the fields of a context that have a default.
    """
    context = Context(
        name=name,
        language=voice.language,
        other=next(each for each in LANGUAGES if each != voice.language),
        title=title,
        subtitle=subtitle,
        answer=answer,
        support=tuple(support),
        banners=tuple(banners),
        caveats=tuple(caveats),
        sections=tuple(sections),
        **layout,
    )
    voice.refuse_missing()
    return context


def study_context(
    voice: Voice, facts: Facts, *, name: str, title: str, answer: Markup, support: Iterable[Markup | str],
    caveats: Iterable[Markup | str], sections: Iterable[Section], plain: bool = False, **layout: Any,
) -> Context:  # fmt: skip
    """A report on a whole study: what it rests on and what must be read before it come from its facts.

    `plain` keeps the words of statistics out of the warnings.
    """
    return make_context(voice, name=name, title=title, subtitle=subtitle_of(voice, facts), answer=answer,
                        support=support, banners=banners_of(voice, facts, plain=plain), caveats=caveats,
                        sections=sections, **layout)  # fmt: skip


def subtitle_of(voice: Voice, facts: Facts) -> Markup:
    package = voice.results.manifest.get("package", {})
    return voice.texts.markup(
        "subtitle",
        version=package.get("version", "—") if isinstance(package, dict) else package,
        draws=voice.numbers.number(facts.draws, 0),
        seed=voice.results.manifest.get("seed", "—"),
        command=command_of(voice),
    )


def answer_of(voice: Voice, facts: Facts) -> tuple[Markup, tuple[Markup, ...]]:
    """The headline outcome in one sentence; gross product and the order of the regimes as support."""
    rows = headline_rows(voice, facts, facts.headline)
    answer = next((gap_sentence(voice, row, facts.draws) for row in rows if row["regime"] == facts.main_regime), None)
    support = []
    for outcome in facts.gross_product:
        if outcome != facts.headline:
            support += [
                gap_sentence(voice, row, facts.draws)
                for row in headline_rows(voice, facts, outcome)
                if row["regime"] == facts.main_regime
            ][:1]
    support += headline_ranking(voice, facts)
    return answer or voice.texts.markup("answer.none", regime=facts.main_regime, year=facts.report_year), tuple(support)


def banners_of(voice: Voice, facts: Facts, *, plain: bool = False) -> Iterator[Markup | str]:
    """What must be read before anything else: a quick run, sweeps or fits that did not converge, effects too large."""
    if facts.quick:
        yield voice.texts("banner.quick")
    if not facts.sensitivity_converged:
        yield _unsettled(voice, plain)
    if not facts.calibration_converged:
        yield voice.texts("banner.calibration")
    summary = [
        row
        for row in voice.results.rows("comparison/summary.csv")
        if row["outcome"] in facts.gross_product and row["regime"] != facts.baseline
    ]
    large = [row for row in summary if abs(_percent(row)) > CREDIBLE]
    if large:
        regimes = listed(voice, list(dict.fromkeys(row["regime"] for row in large)))
        yield voice.texts.markup("banner.large", limit=voice.percent(CREDIBLE), regimes=regimes)
    if failed := voice.results.sensitivity.get("failed"):
        yield voice.texts.markup("banner.failed", failed=voice.numbers.number(failed, 0))


def _unsettled(voice: Voice, plain: bool) -> Markup | str:
    """The outcomes whose shares have not settled; all of them in one sentence."""
    rows, names = voice.results.rows(STOP_RULE), unsettled(voice)
    widths = [row["widest_half_width"] for row in rows if not row["reached"] and row["widest_half_width"] is not None]
    if widths and plain:
        return voice.texts.markup("brief.unsettled", width=voice.numbers.number(100 * max(widths), 0))
    if not widths or len(names) == len(rows):
        return voice.texts("banner.sensitivity")
    return voice.texts.markup("reviewer.banner", outcomes=quoted(voice, [voice.outcome(each) for each in names]),
                              width=voice.numbers.number(100 * max(widths), 1))  # fmt: skip


def _percent(row: dict) -> float:
    return row["gap"] if row["unit"] == "%" else row["gap_percent"] or 0.0
