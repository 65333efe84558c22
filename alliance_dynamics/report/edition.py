"""One language's edition of a report: texts, figures and everything it says, ready to be laid out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alliance_dynamics.report.blocks import Figure
from alliance_dynamics.report.context import Context, build_context
from alliance_dynamics.report.facts import gather_facts
from alliance_dynamics.report.results import read_results
from alliance_dynamics.report.texts import Texts, read_texts
from alliance_dynamics.report.voice import Voice


@dataclass(frozen=True)
class Edition:
    """What pages and PDFs are made from; `figures` by chapter."""

    folder: Path
    language: str
    texts: Texts
    context: Context
    figures: dict[str, tuple[Figure, ...]]

    @property
    def all_figures(self) -> Iterator[Figure]:
        return (each for group in self.figures.values() for each in group)


def prepare_edition(folder: str | Path, language: str) -> Edition:
    """Read a results folder and draw its figures; InputError names all that is missing or wrong in it."""
    from alliance_dynamics.report.figures import draw_figures

    texts = read_texts(language)
    results = read_results(folder)
    facts = gather_facts(results)
    voice = Voice(texts, results)
    figures = draw_figures(voice, facts)
    return Edition(results.folder, language, texts, build_context(voice, facts, figures), figures)
