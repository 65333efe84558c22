"""One language's edition of a report: texts, figures and everything it says, ready to be laid out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from alliance_dynamics.report.brief import brief_context
from alliance_dynamics.report.calibration_page import calibration_context
from alliance_dynamics.report.context import Context
from alliance_dynamics.report.facts import gather_facts
from alliance_dynamics.report.report_page import report_context
from alliance_dynamics.report.results import read_calibration, read_results
from alliance_dynamics.report.sensitivity_page import sensitivity_context
from alliance_dynamics.report.texts import Texts, read_texts
from alliance_dynamics.report.voice import Voice

TEMPLATES = ("report", "brief", "sensitivity", "calibration")
BUILDERS = {"report": report_context, "brief": brief_context, "sensitivity": sensitivity_context}


@dataclass(frozen=True)
class Edition:
    """What a page and a PDF are made from; `folder` is the results folder."""

    folder: Path
    language: str
    texts: Texts
    context: Context

    def path(self, ending: str, out: str | Path | None = None) -> Path:
        """Where the report lies: under `out`, or in the results folder."""
        return (self.folder if out is None else Path(out)) / self.context.file(ending)


def prepare_editions(folder: str | Path, language: str, templates: Sequence[str] = TEMPLATES) -> Iterator[Edition]:
    """Read a results folder and draw its figures, once for all templates; InputError names all that is missing."""
    texts, folder = read_texts(language), Path(folder)
    policy = [each for each in templates if each in BUILDERS]
    if policy:
        from alliance_dynamics.report.figures import draw_figures

        results = read_results(folder)
        facts, voice = gather_facts(results), Voice(texts, results)
        figures = draw_figures(voice, facts)
        for template in policy:
            yield Edition(results.folder, language, texts, BUILDERS[template](voice, facts, figures))
    if "calibration" in templates:
        yield prepare_calibration(folder / "calibration", language, name="calibration/report")


def prepare_calibration(folder: str | Path, language: str, *, name: str = "report") -> Edition:
    """The calibration report of a folder of calibration results; `name` says where it lies from the results' root."""
    from alliance_dynamics.report.figures_calibration import draw_calibration

    texts, results = read_texts(language), read_calibration(folder)
    voice = Voice(texts, results)
    context = calibration_context(voice, draw_calibration(voice), name)
    return Edition(results.folder.parent if "/" in name else results.folder, language, texts, context)
