"""Reports on paper: the whole report and a brief of two pages as PDF/UA-1, from the same context as the page."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from alliance_dynamics.errors import UnsupportedError, fault
from alliance_dynamics.files import write_bytes
from alliance_dynamics.report.edition import Edition, prepare_edition
from alliance_dynamics.report.typst_source import brief_source, report_source


def write_pdf(folder: str | Path | Edition, *, language: str = "", out: str | Path | None = None) -> list[Path]:
    """Write `report_<language>.pdf` and `brief_<language>.pdf` and return their paths.

    Numbers and sentences are those of the page.  Same files, same bytes.  UnsupportedError where Typst is missing.
    """
    edition = folder if isinstance(folder, Edition) else prepare_edition(folder, language)
    pictures = {f"{each.name}.svg": each.file for each in edition.all_figures}
    sources = {
        "report": report_source(edition.context, edition.texts),
        "brief": brief_source(edition.context, edition.texts, edition.figures),
    }
    pages = {name: compile_pdf(source, pictures) for name, source in sources.items()}
    target = edition.folder if out is None else Path(out)
    return [write_bytes(target / f"{name}_{edition.language}.pdf", content) for name, content in pages.items()]


def compile_pdf(source: str, files: dict[str, bytes]) -> bytes:
    """A Typst source with the files that it names, as the bytes of an accessible PDF (PDF/UA-1)."""
    try:
        import typst
    except ImportError:
        raise UnsupportedError(
            fault("", "PDF needs Typst, which is not installed", remedy="Install it: python -m pip install typst")
        ) from None
    with TemporaryDirectory(prefix="alliance-pdf-") as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        main = Path(folder) / "main.typ"
        main.write_text(source, encoding="utf-8")
        return typst.compile(
            str(main), root=folder, format="pdf", pdf_standards=["ua-1"], ignore_system_fonts=True, timestamp=0
        )
