"""A results folder turned into a page that a reader can keep: one file, no network, in English or Russian."""

from __future__ import annotations

from pathlib import Path

from alliance_dynamics.files import write_bytes, write_text
from alliance_dynamics.report.context import Context, build_context
from alliance_dynamics.report.facts import gather_facts
from alliance_dynamics.report.results import read_results
from alliance_dynamics.report.texts import Texts, read_texts
from alliance_dynamics.report.voice import Voice


def write_report(folder: str | Path, *, language: str) -> Path:
    """Write `report_<language>.html` into a results folder, and its figures into `figures/`; return the page's path.

    Numbers come from the files of the folder only, so both languages show the same.  Same files, same bytes.
    InputError names every missing file, wrong value and missing label; UsageError another language than en or ru.
    """
    from alliance_dynamics.report.figures import draw_figures

    texts = read_texts(language)
    results = read_results(folder)
    facts = gather_facts(results)
    voice = Voice(texts, results)
    figures = draw_figures(voice, facts)
    page = render(build_context(voice, facts, figures), texts)
    for figure in (each for group in figures.values() for each in group):
        write_bytes(results.folder / "figures" / f"{figure.name}_{language}.svg", figure.file)
    return write_text(results.folder / f"report_{language}.html", page)


def render(context: Context, texts: Texts) -> str:
    """The page of a context: template and style sheet lie beside this file."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    here = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(here), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style = Markup((here / "report.css").read_text(encoding="utf-8"))
    return environment.get_template("report.html.j2").render(report=context, t=texts, style=style)
