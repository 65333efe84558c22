"""The parts a chapter is made of: tables, figures, paragraphs, with every number already formatted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape

from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Cell:
    """A table cell: lines of text, `head` for a row header, `numeric` for figures set to the right."""

    lines: tuple[str | Markup, ...]
    head: bool = False
    numeric: bool = False
    span: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    """A table with caption, column headers, rows, notes and the file that its numbers stand in."""

    id: str
    caption: str
    file: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing: `inline` for the page (colours follow the page), `file` for a file of its own.

    `origin` is the file that its numbers stand in.
    """

    name: str
    caption: str
    description: str
    inline: Markup
    file: bytes = b""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with paragraphs, a list, tables and figures, in this order."""

    id: str
    title: str
    paragraphs: tuple[str | Markup, ...] = ()
    items: tuple[str | Markup, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    sections: tuple[Section, ...] = ()


def cell(*lines: object) -> Cell:
    return Cell(tuple(_text(line) for line in lines if line != ""))


def head(text: object) -> Cell:
    return Cell((_text(text),), head=True)


def number(*lines: object) -> Cell:
    return Cell(tuple(_text(line) for line in lines if line != ""), numeric=True)


def band(text: object, columns: int) -> Cell:
    """A row header that spans the table, above a group of rows."""
    return Cell((_text(text),), head=True, span=columns)


def slug(name: str, joint: str = "-") -> str:
    """A name as an identifier or file name: ASCII letters, digits and `joint`."""
    return "".join(each if each.isalnum() and each.isascii() else joint for each in name.lower()).strip(joint)


def plain(text: str | Markup) -> str:
    """The words of a text without tags; unlike `striptags` it keeps every kind of space."""
    return unescape(re.sub(r"<[^>]*>", "", text)) if isinstance(text, Markup) else text


def _text(value: object) -> str | Markup:
    return value if isinstance(value, str) else str(value)
