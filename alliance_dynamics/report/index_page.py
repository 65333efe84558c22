"""The first page of a results folder: the answer, and the way to everything that lies in it, Russian and English."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from alliance_dynamics.files import write_text
from alliance_dynamics.language import LANGUAGES
from alliance_dynamics.report.chapter_origin import command_of
from alliance_dynamics.report.context import answer_of, banners_of, subtitle_of
from alliance_dynamics.report.facts import gather_facts
from alliance_dynamics.report.results import Results, read_results
from alliance_dynamics.report.template import fill_template
from alliance_dynamics.report.texts import Texts, read_texts
from alliance_dynamics.report.voice import Voice

NAME = "index.html"
DOCUMENTS = {
    "brief": "brief_{language}",
    "explorer": "explorer",
    "report": "report_{language}",
    "sensitivity": "sensitivity/report_{language}",
    "calibration": "calibration/report_{language}",
}
TABLES = (
    "comparison/summary.csv", "comparison/accounts.csv", "comparison/gaps.csv", "comparison/trajectories.csv",
    "calibration/parameters.csv", "calibration/fit.csv", "sensitivity/indices.csv", "sensitivity/ladder.csv",
    "loops/by_decade.csv", "manifest.json",
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A line of the page: what it is, and links as (address, word)."""

    title: str
    text: str
    links: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Front:
    """The page in one language."""

    language: str
    title: str
    subtitle: Markup | str
    banners: tuple[Markup | str, ...]
    answer: Markup
    documents: tuple[Entry, ...]
    tables: tuple[Entry, ...]
    repeat: Markup
    texts: Texts


def write_index(folder: str | Path, *, out: str | Path | None = None) -> Path:
    """Write `index.html` over the reports and tables that lie in `out` (the results folder); return its path."""
    results = read_results(folder)
    target = Path(folder if out is None else out)
    fronts = [_front(results, target, language) for language in sorted(LANGUAGES, reverse=True)]  # Russian first
    return write_text(target / NAME, fill_template("index.html.j2", fronts=fronts))


def _front(results: Results, target: Path, language: str) -> Front:
    texts = read_texts(language)
    voice, facts = Voice(texts, results), gather_facts(results)
    answer, _ = answer_of(voice, facts)
    documents = []
    for name, pattern in DOCUMENTS.items():
        stem = pattern.format(language=language)
        links = [(f"{stem}.{kind}", texts(f"front.{kind}")) for kind in ("html", "pdf")]
        if found := tuple(link for link in links if (target / link[0]).is_file()):
            documents.append(Entry(texts(f"front.{name}"), texts(f"front.{name}_text"), found))
    tables = [
        Entry(name, texts(f"front.file.{Path(name).stem}"), ((name, name),))
        for name in TABLES
        if (target / name).is_file()
    ]
    front = Front(
        language, texts("title"), subtitle_of(voice, facts), tuple(banners_of(voice, facts, plain=True)), answer,
        tuple(documents), tuple(tables), texts.markup("front.repeat", command=command_of(voice)), texts,
    )  # fmt: skip
    voice.refuse_missing()
    return front
