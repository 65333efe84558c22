"""A results folder turned into reports that a reader can keep: pages without network, and PDF, in two languages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from alliance_dynamics.files import write_bytes, write_text
from alliance_dynamics.language import LANGUAGES
from alliance_dynamics.report.edition import TEMPLATES, Edition, prepare_calibration, prepare_editions
from alliance_dynamics.report.index_page import write_index
from alliance_dynamics.report.pdf import write_pdf
from alliance_dynamics.report.template import fill_template

KINDS = ("html", "pdf")


def write_reports(
    folder: str | Path,
    *,
    templates: Sequence[str] = TEMPLATES,
    kinds: Sequence[str] = KINDS,
    languages: Sequence[str] = LANGUAGES,
    out: str | Path | None = None,
    tell: Callable[[float], None] = lambda _: None,
) -> list[Path]:
    """Write every report of a results folder and the page that leads to them; return their paths.

    InputError names every missing file, wrong value and missing label.  Same files, same bytes.
    """
    written, done, count = [], 0, len(languages) * len(templates)
    for language in languages:
        for edition in prepare_editions(folder, language, templates):
            if "html" in kinds:
                written.append(write_page(edition, out=out))
            if "pdf" in kinds:
                written.append(write_pdf(edition, out=out))
            done += 1
            tell(done / count)
    if set(templates) & {"report", "brief", "sensitivity"}:
        written.append(write_index(folder, out=out))
    return written


def write_report(
    folder: str | Path, *, language: str = "", out: str | Path | None = None, template: str = "report"
) -> Path:
    """Write the page of one report (report, brief, sensitivity or calibration) and its figures; return its path.

    Numbers come from the files of the folder only, so both languages show the same.  Same files, same bytes.
    InputError names every missing file, wrong value and missing label; UsageError another language than en or ru.
    """
    return write_page(next(prepare_editions(folder, language, (template,))), out=out)


def write_calibration_report(folder: str | Path, *, language: str) -> Path:
    """Write `report_<language>.html` and `.pdf` into a folder that `write_calibration` wrote; return the page's path.

    Numbers come from the files of the folder only (the manifest may lie in the folder above).  InputError names every
    missing file and wrong value; UsageError another language than en or ru.
    """
    edition = prepare_calibration(folder, language)
    write_pdf(edition)
    return write_page(edition)


def write_page(edition: Edition, *, out: str | Path | None = None) -> Path:
    """Write the page of an edition, and its figures as files of their own beside it."""
    context, root = edition.context, edition.folder if out is None else Path(out)
    for figure in context.figures:
        write_bytes(root / context.drawings / f"{figure.name}_{edition.language}.svg", figure.file)
    page = fill_template("report.html.j2", report=context, t=edition.texts)
    return write_text(edition.path("html", out), page)
