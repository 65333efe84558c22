"""The one door for models: a path in, a checked Model out, or one error that names all faults of the file."""

from __future__ import annotations

import codecs
import re
from dataclasses import replace
from pathlib import Path

from alliance_dynamics.errors import Fault, ModelError, Place, fault, suggestion
from alliance_dynamics.model.model import Model

MOST_BYTES = 20_000_000
MOST_HERE = 300_000  # bytes of an XMILE file that is read in this process

_DECLARED = re.compile(rb"^\s*\{([A-Za-z0-9_.:\- ]+)\}")
_BINARY = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or Office document"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"\x89PNG", "a picture"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"SQLite format", "a data base"),
)


def read_model(path: str | Path, *, cache: bool = True) -> Model:
    """Read a Vensim (.mdl) or XMILE model; the format is told by the content, not by the suffix.

    Refused, with a ModelError that lists all faults: whatever is not a model, unknown functions and names, cycles,
    impossible time axes, files outside the model's folder.  Nothing in the file is ever executed.  `cache` keeps
    models that were read before in the user's cache folder.
    """
    path = _find(path)
    content = _bytes(path)
    if _is_xml(content):
        return _read_xml(path, len(content))
    from alliance_dynamics.model import cache as kept

    key = kept.cache_key(content, path.name)
    if cache and (model := kept.load(key, path.parent)) is not None:
        return model
    text, notice = decode(content, path.name)
    _refuse_early(text, path.name)
    from alliance_dynamics.model.child import read_in_child

    read = read_in_child(text, path.name, path.parent.resolve())
    model = replace(read.model, notices=(notice, *read.model.notices)) if notice else read.model
    if cache:
        kept.save(key, model, read.files)
    return model


def _read_xml(path: Path, size: int) -> Model:
    if size > MOST_HERE:
        from alliance_dynamics.model.child import read_xmile_in_child

        return read_xmile_in_child(path.absolute(), size)
    from alliance_dynamics.model.check import checked
    from alliance_dynamics.model.xmile import read_xmile

    return checked(read_xmile(path))


def decode(content: bytes, file: str) -> tuple[str, str]:
    """The text of a Vensim file, and a notice where its encoding had to be told by trial.

    Order: byte order mark, the encoding declared in braces on the first line, strict UTF-8, Windows-1251.
    """
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if content.startswith(mark):
            return _strictly(content, name, file, "by its byte order mark"), ""
    declared = _DECLARED.match(content)
    if declared:
        name = declared.group(1).decode("ascii").strip()
        try:
            codecs.lookup(name)
        except LookupError:
            name = ""
        if name:
            return _strictly(content, name, file, "by its first line"), ""
    try:
        return content.decode("utf-8"), ""
    except UnicodeDecodeError:
        text = _strictly(content, "cp1251", file, "after UTF-8 failed")
        return text, "The file declares no encoding and is not UTF-8; it was read as Windows-1251 (cp1251)."


def _find(path: str | Path) -> Path:
    name = str(path)
    path = Path(path)
    if "\0" in name or not path.exists():
        beside = [each.name for each in path.parent.iterdir()] if "\0" not in name and path.parent.is_dir() else []
        near = suggestion(path.name, beside)
        raise ModelError(
            fault(
                name.replace("\0", "\\0"),
                "There is no such file",
                expected="Expected the path of a Vensim (.mdl) or XMILE model.",
                remedy=near,
            )
        )
    if path.is_dir():
        raise ModelError(fault(name, "This is a folder", expected="Expected the path of a model file."))
    return path


def _bytes(path: Path) -> bytes:
    file = path.name
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise ModelError(fault(file, "This is not a regular file", expected="Expected a model file."))
        if size > MOST_BYTES:
            raise ModelError(
                fault(
                    file, "The file has {size} bytes", expected="At most {limit} are read.", size=size, limit=MOST_BYTES
                )
            )
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(fault(file, "The file cannot be read: {why}", why=error.strerror or str(error))) from error
    if not content.strip():
        raise ModelError(
            fault(
                file,
                "The file is empty",
                expected="Expected a Vensim text (.mdl) or an XMILE document.",
                remedy="Save the model again.",
            )
        )
    for start, kind in _BINARY:
        if content.startswith(start):
            raise ModelError(_not_text(file, "it is {kind}", kind=kind))
    if b"\0" in content and not content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        line = content.count(b"\n", 0, content.index(b"\0")) + 1
        raise ModelError(_not_text(file, "it holds zero bytes, the first at line {line}", line=line))
    return content


def _not_text(file: Place | str, why: str, **values: object) -> Fault:
    return fault(
        file,
        "Not a Vensim text model: " + why,
        expected="Expected text with equations of the form `name = expression ~ unit ~ comment |`.",
        remedy="In Vensim, save the model as text (.mdl).",
        **values,
    )


def _is_xml(content: bytes) -> bool:
    start = content[:4096]
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if start.startswith(mark):
            start = start.decode(name, "ignore").encode()
    return start.lstrip().startswith(b"<")


def _refuse_early(text: str, file: str) -> None:
    """Faults that a scan finds without a parser, before a process is started."""
    from alliance_dynamics.model.places import missing_controls, scan

    if "|" not in text:
        raise ModelError(_not_text(Place(file, 1), "it is text without an equation, and not XML"))
    found = scan(text.replace("\r\n", "\n").replace("\r", "\n"), file)
    faults = found.faults or missing_controls(found, file)
    if faults:
        raise ModelError(faults)


def _strictly(content: bytes, encoding: str, file: str, why: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise ModelError(
            fault(
                file,
                "Byte {position} (line {line}) is not {encoding}, which the file is {why}",
                expected="Expected one encoding throughout.",
                remedy="Save the file as UTF-8 and begin it with {{UTF-8}}.",
                position=error.start,
                line=content.count(b"\n", 0, error.start) + 1,
                encoding=encoding,
                why=why,
            )
        ) from error
    except (LookupError, UnicodeError) as error:  # a codec of Python's that is none of text
        raise ModelError(fault(Place(file, 1), "the encoding `{name}` is not known", name=encoding)) from error
