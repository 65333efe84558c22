"""A results folder turned into a page that a reader can keep: one file, no network, in English or Russian."""

from __future__ import annotations

from pathlib import Path

from alliance_dynamics.files import write_bytes, write_text
from alliance_dynamics.report.context import Context
from alliance_dynamics.report.edition import Edition, prepare_edition
from alliance_dynamics.report.texts import Texts


def write_report(folder: str | Path | Edition, *, language: str = "", out: str | Path | None = None) -> Path:
    """Write `report_<language>.html` and its figures into `out` (the results folder); return the page's path.

    Numbers come from the files of the folder only, so both languages show the same.  Same files, same bytes.
    InputError names every missing file, wrong value and missing label; UsageError another language than en or ru.
    """
    edition = folder if isinstance(folder, Edition) else prepare_edition(folder, language)
    page = render(edition.context, edition.texts)
    target = edition.folder if out is None else Path(out)
    for figure in edition.all_figures:
        write_bytes(target / "figures" / f"{figure.name}_{edition.language}.svg", figure.file)
    return write_text(target / f"report_{edition.language}.html", page)


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
