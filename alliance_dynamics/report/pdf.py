"""Reports on paper: PDF/UA-1 from the same context as the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from alliance_dynamics.errors import UnsupportedError, fault
from alliance_dynamics.files import write_bytes
from alliance_dynamics.report.edition import Edition
from alliance_dynamics.report.typst_source import page_source

SIZES = (10.0, 9.5, 9.0, 8.5, 8.0)  # points; the first that keeps a report within its pages is taken


def write_pdf(edition: Edition, *, out: str | Path | None = None) -> Path:
    """Write the PDF of a report beside its page and return its path.

    Numbers and sentences are those of the page.  Same files, same bytes.  UnsupportedError where Typst is missing.
    """
    pictures = {f"{each.name}.svg": each.file for each in edition.context.figures}

    def source(size: float) -> str:
        return page_source(edition.context, edition.texts, size)

    content = compile_pdf(source, pictures, edition.context.most_pages)
    return write_bytes(edition.path("pdf", out), content)


def compile_pdf(
    source: Callable[[float], str], files: Mapping[str, bytes], most_pages: int = 0, fonts: Sequence[Path] = ()
) -> bytes:
    """A Typst source by size of its text, with the files that it names, as an accessible PDF (PDF/UA-1).

    With `most_pages` the text becomes smaller until the report fits.  `fonts` are folders beside Typst's own fonts.
    """
    with _typst(files, fonts) as compiler:
        sizes = SIZES if most_pages else SIZES[:1]
        for size in sizes:
            compiler.write(source(size))
            if size == sizes[-1] or compiler.pages() <= most_pages:
                break
        return compiler.pdf()


class _Compiler:
    def __init__(self, folder: str, fonts: Sequence[Path]):
        self.main = Path(folder) / "main.typ"
        self.typst = _module()
        self.options = {"root": folder, "ignore_system_fonts": True, "font_paths": [str(each) for each in fonts]}

    def write(self, source: str) -> None:
        self.main.write_text(source, encoding="utf-8")

    def pages(self) -> int:
        return int(self.typst.query(str(self.main), "<pages>", field="value", one=True, **self.options))

    def pdf(self) -> bytes:
        return self.typst.compile(str(self.main), format="pdf", pdf_standards=["ua-1"], timestamp=0, **self.options)


@contextmanager
def _typst(files: Mapping[str, bytes], fonts: Sequence[Path]):
    with TemporaryDirectory(prefix="alliance-pdf-") as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        yield _Compiler(folder, fonts)


def font_folder() -> Path:
    """Where matplotlib keeps DejaVu, the font of drawings whose text is text."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def _module():
    try:
        import typst
    except ImportError:
        raise UnsupportedError(
            fault("", "PDF needs Typst, which is not installed", remedy="Install it: python -m pip install typst")
        ) from None
    return typst
