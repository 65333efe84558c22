"""From the bytes of an XMILE file to its XML tree, with everything refused that is not plain XML of bounded size."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from alliance_dynamics.errors import ModelError, Place, fault

Element: TypeAlias = Any  # lxml._Element: lxml has no type hints
LARGEST_FILE = 20_000_000
_DECLARED_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_BEFORE_ROOT = re.compile(r"\s*(?:<\?.*?\?>|<!--.*?-->)", re.DOTALL)
_CDATA_OR_COMMENT = re.compile(rb"<!\[CDATA\[.*?\]\]>|<!--.*?-->", re.DOTALL)
_ROOT_TAG = re.compile(rb"<(?![!?])[^\s/>]+")
_PREFIX = re.compile(rb"""(?:<|\s)([A-Za-z_][\w.-]*):[A-Za-z_]""")
_KNOWN_PREFIXES = {
    b"isee": b"http://iseesystems.com/XMILE",
    b"vensim": b"http://www.vensim.com/XMILE",
    b"simlin": b"https://simlin.com/XMILE/v1.0",
}
_DOUBLE_HYPHEN, _UNDECLARED_PREFIX = 80, 201  # libxml2's error codes


def read_document(path: Path) -> tuple[Element, list[str]]:
    """The root element of an XMILE file, and notices of what had to be mended to read it.

    ModelError with line and column for a file that is empty, too large, not XML, of another root or encoding, or that
    has a document type declaration (entities could read files or fill the memory).  Nothing outside the file is read.
    """
    file = path.name
    try:
        size = path.stat().st_size
        data = b"" if size > LARGEST_FILE else path.read_bytes()
    except OSError as error:
        raise ModelError(
            fault(Place(str(path)), "the file cannot be read: {reason}", reason=error.strerror or "unknown")
        ) from None
    if size > LARGEST_FILE:
        raise ModelError(
            fault(
                Place(file),
                "the file has {size} bytes",
                expected="Expected at most {limit} bytes",
                remedy="Remove stored runs and pictures from it",
                size=size,
                limit=LARGEST_FILE,
            )
        )
    if not data.strip():
        raise ModelError(
            fault(Place(file), "the file is empty", expected="Expected an XMILE model, text that begins <xmile")
        )
    _check_text(data, file)
    root, notices = _parse(data, file)
    if local_name(root) != "xmile":
        raise ModelError(
            fault(
                Place(file, root.sourceline or 1),
                "the root element is <{name}>, not <xmile>",
                expected="Expected an XMILE model",
                name=local_name(root),
            )
        )
    return root, notices


def local_name(element: Element) -> str:
    """The name of an element without its namespace; empty for comments and processing instructions."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def is_vendor(element: Element) -> bool:
    """Whether an element belongs to a vendor's namespace instead of XMILE's."""
    space = element.tag.rpartition("}")[0] if isinstance(element.tag, str) else ""
    root = element.getroottree().getroot().tag
    return bool(space) and space != (root.rpartition("}")[0] if isinstance(root, str) else "")


def children(element: Element | None, *names: str) -> Iterator[Element]:
    """The children of an element in XMILE's namespace, all or those of some names."""
    if element is None:
        return
    for each in element:
        if isinstance(each.tag, str) and not is_vendor(each) and (not names or local_name(each) in names):
            yield each


def child(element: Element | None, name: str) -> Element | None:
    return next(children(element, name), None)


def vendor_child(element: Element | None, *names: str) -> Element | None:
    """The first child of one of these names in any namespace."""
    for each in element if element is not None else ():
        if local_name(each) in names:
            return each
    return None


def vendor_attribute(element: Element, *names: str) -> str | None:
    """The first attribute of one of these names in any namespace."""
    for key, value in element.attrib.items():
        if str(key).rpartition("}")[2] in names:
            return str(value)
    return None


def text_of(element: Element | None) -> str:
    """The text before the first child element, comments aside."""
    if element is None:
        return ""
    parts = [element.text or ""]
    for each in element:
        if isinstance(each.tag, str):
            break
        parts.append(each.tail or "")
    return "".join(parts)


def all_text_of(element: Element | None) -> str:
    """All text inside an element, tags left out."""
    return "" if element is None else "".join(str(part) for part in element.itertext(etree.Element))


def label_of(text: str | None) -> str:
    """A name as shown: without quotes and line breaks."""
    text = " ".join((text or "").replace("\\n", " ").replace("\\r", " ").split())
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text


def _check_text(data: bytes, file: str) -> None:
    """Refuses another format, a wrong encoding and document type declarations, before any XML is parsed."""
    declared = _DECLARED_ENCODING.match(data)
    name = declared.group(1).decode("ascii") if declared else "utf-8"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        name = "utf-16"
    try:
        text = data.decode(name)
    except UnicodeDecodeError as error:
        raise ModelError(
            fault(
                Place(file, data.count(b"\n", 0, error.start) + 1),
                "bad {name} at byte {byte}",
                expected="Expected text in the encoding that the first line declares",
                remedy="Save the file as UTF-8, or declare its encoding in the first line",
                name=name,
                byte=error.start,
            )
        ) from None
    except (LookupError, UnicodeError):
        raise ModelError(fault(Place(file, 1), "the encoding `{name}` is not known", name=name)) from None
    text = text.removeprefix("\ufeff")
    if not text.lstrip().startswith("<"):
        raise ModelError(
            fault(
                Place(file, text[: len(text) - len(text.lstrip())].count("\n") + 1),
                "the file is not XML",
                expected="Expected an XMILE model, text that begins <?xml or <xmile",
                remedy="A Vensim text model must end in .mdl" if "|" in text and "~" in text else "",
            )
        )
    position = 0
    while match := _BEFORE_ROOT.match(text, position):
        position = match.end()
    if text[position:].lstrip()[:9].upper() == "<!DOCTYPE":
        raise ModelError(
            fault(
                Place(file, text.count("\n", 0, position + 1) + 1),
                "the file has a document type declaration (DOCTYPE)",
                expected="Expected XML without DTD and entities, which could read other files",
                remedy="Delete the <!DOCTYPE ...> and write out its entities",
            )
        )


def _parse(data: bytes, file: str) -> tuple[Element, list[str]]:
    notices: list[str] = []
    for _ in range(3):
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, recover=False, huge_tree=False, load_dtd=False, remove_pis=True
        )
        try:
            root = etree.fromstring(data, parser)
        except etree.XMLSyntaxError as error:
            mended = _mend(data, error.code)
            if mended is None or mended == data:
                raise ModelError(_syntax_fault(error, file)) from None
            data = mended
            notices.append(
                "A comment holds `--`, which XML does not allow; comments were left out."
                if error.code == _DOUBLE_HYPHEN
                else "A prefix of the XML is not declared; its vendor's usual meaning was taken."
            )
            continue
        if root.getroottree().docinfo.internalDTD is not None:
            raise ModelError(fault(Place(file, 1), "the file has a document type declaration (DOCTYPE)"))
        for each in root.iter("{http://www.w3.org/2001/XInclude}include"):
            notices.append(f"The file asks for another file (XInclude: {each.get('href')}), which was not read.")
        return root, notices
    raise ModelError(fault(Place(file, 1), "the file is not well-formed XML"))


def _mend(data: bytes, code: int) -> bytes | None:
    """Two slips of other tools that can be mended without guessing: `--` in comments, undeclared vendor prefixes."""
    if code == _DOUBLE_HYPHEN:
        return _CDATA_OR_COMMENT.sub(
            lambda m: m.group() if m.group().startswith(b"<![") else b"\n" * m.group().count(b"\n"), data
        )
    if code == _UNDECLARED_PREFIX:
        missing = {
            each
            for each in _PREFIX.findall(data)
            if each not in (b"xml", b"xmlns") and b"xmlns:" + each + b"=" not in data
        }
        declarations = b"".join(
            b' xmlns:%b="%b"' % (each, _KNOWN_PREFIXES.get(each, b"urn:undeclared:" + each)) for each in sorted(missing)
        )
        start = 0
        while match := re.compile(rb"\s*(?:<\?.*?\?>|<!--.*?-->)", re.DOTALL).match(data, start):
            start = match.end()
        root = _ROOT_TAG.search(data, start)
        return data[: root.end()] + declarations + data[root.end() :] if root and missing else None
    return None


def _syntax_fault(error: etree.XMLSyntaxError, file: str):
    line, column = error.lineno or 1, error.offset or 0
    message = (error.msg or "not well-formed").rpartition(", line ")[0] or error.msg or "not well-formed"
    if "Excessive depth" in message or "huge" in message.lower():
        return fault(
            Place(file, line, column), "elements are nested too deeply", expected="Expected at most 256 levels"
        )
    return fault(
        Place(file, line, column),
        "the XML is not well-formed at line {line}, column {column}: {message}",
        expected="Expected every tag closed by its own end tag",
        line=line,
        column=column,
        message=message,
    )
