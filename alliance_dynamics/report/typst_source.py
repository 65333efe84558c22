"""A report as Typst source: the same texts, tables and numbers as the page, laid out for paper."""

from __future__ import annotations

import re
from collections.abc import Iterable

from markupsafe import Markup

from alliance_dynamics.report.blocks import Cell, Figure, Section, Table, plain
from alliance_dynamics.report.context import Context
from alliance_dynamics.report.texts import Texts

NARROW, WIDE, MODERATE = 5, 34, 22  # letters that a column counts as: at least, at most, at most beside many
LINE = {8: 118, 7: 132}  # letters of a table's line at its size in points
SHORT = 13  # letters that a column keeps as long as others are wider
HEAVY = 3  # letters that a head takes more than its own, being bold
ROOM = 26  # millimetres that the first rows of a table find on its page, or it begins on the next
LONG = 24  # a word of a table longer than this may be broken at its signs

_HEAD = """#set document(title: {title}, date: none)
#set page(paper: "a4", margin: (x: 16mm, top: 15mm, bottom: 17mm), numbering: "1")
#set text(font: "Libertinus Serif", size: {size}pt, lang: "{language}", hyphenate: true)
#let drawing = {drawing}%
#set par(justify: false, leading: 0.62em, spacing: 0.9em)
#set table(stroke: (x: none, top: none, bottom: 0.3pt + luma(205)), inset: (x: 3pt, y: 2.6pt))
#set table.cell(breakable: false)
#set list(spacing: 0.7em)
#show heading: set block(above: 1.4em, below: 0.7em)
#show heading: set text(hyphenate: false)
#show heading.where(level: 1): set text(size: 1.6em)
#show heading.where(level: 2): set text(size: 1.25em)
#show heading.where(level: 3): set text(size: 1.05em)
#show figure.caption: set text(size: 8.5pt, fill: luma(70))
#show figure.caption: it => block(sticky: true, width: 100%, align(left, it))
#show figure.where(kind: table): set block(breakable: true)
#set figure(supplement: none, numbering: none)
#set figure.caption(position: top, separator: none)
"""


def page_source(context: Context, texts: Texts, size: float = 10) -> str:
    """A whole report; `size` of its text in points.  `<pages>` tells a query how many pages it takes."""
    parts = [*opening(context, size), *_answer(context, texts)]
    for section in context.sections:
        parts += _section(section, texts, 2)
    return "\n".join([*parts, "#context [#metadata(counter(page).final().first()) <pages>]"]) + "\n"


def opening(context: Context, size: float = 10) -> list[str]:
    """Settings, title, what the report rests on, and what must be read before anything else."""
    head = _HEAD.replace("{title}", string(context.title)).replace("{language}", context.language)
    subtitle = f"#text(size: 8.5pt, fill: luma(70), {text_of(context.subtitle)})"
    banners = [
        f"#block(fill: luma(238), inset: 5pt, above: 0.5em, below: 0.5em, width: 100%, strong({text_of(each)}))"
        for each in context.banners
    ]
    drawing = round(100 - 10 * max(0.0, 9.5 - size)) if context.most_pages else 100  # figures give way with the text
    return [
        head.replace("{size}", f"{size:g}").replace("{drawing}", str(drawing)),
        heading(context.title, 1),
        subtitle,
        *banners,
    ]


def _answer(context: Context, texts: Texts) -> list[str]:
    if not context.answer:
        return []
    return [
        heading(texts("section.answer"), 2),
        f"#text(size: 1.12em, {text_of(context.answer)})",
        *items(context.support),
        heading(texts("section.caveats"), 2),
        *items(context.caveats),
    ]


def _section(section: Section, texts: Texts, level: int) -> list[str]:
    parts = [heading(section.title, level)]
    parts += [f"#par({text_of(each)})" for each in section.paragraphs]
    parts += items(section.items)
    parts += [_figure(each, texts) for each in section.figures]
    parts += [table_source(each, texts) for each in section.tables]
    for inner in section.sections:
        parts += _section(inner, texts, min(level + 1, 3))
    return parts


def items(given: Iterable[str | Markup]) -> list[str]:
    """A list with dots."""
    shown = [f"[#{text_of(each)}]" for each in given]
    return [f"#list({', '.join(shown)})"] if shown else []


def heading(title: str, level: int) -> str:
    return f"#heading(level: {level}, {text_of(title)})"


def _figure(figure: Figure, texts: Texts) -> str:
    size = "height: 235mm" if _tall(figure) else "width: drawing"
    picture = f"image({string(figure.name + '.svg')}, {size}, alt: {string(figure.description)})"
    below = _note(texts("note.file", file=figure.origin)) if figure.origin else ""
    return f"#block(breakable: false)[#figure({picture}, caption: {text_of(figure.caption)}){below}\n]"


def _tall(figure: Figure) -> bool:
    """Whether the drawing would not fit a page at its full width."""
    box = re.search(rb'viewBox="\S+ \S+ (\S+) (\S+)"', figure.file)
    return box is not None and float(box[2]) > 1.3 * float(box[1])


def table_source(table: Table, texts: Texts) -> str:
    """A table that may run over pages: its header comes again, its rows stay whole, its caption stays with it."""
    widths = _widths(table)
    if sum(widths) > LINE[7]:
        widths = _widths(table, beside=False)
    size = 7 if len(widths) > 5 or sum(widths) > LINE[8] else 8
    widths = _grown(table, _fitting(widths, LINE[size]), LINE[size])
    beside = _beside(table, [LINE[size] * width / sum(widths) for width in widths])
    columns = "(" + ", ".join(f"{width}fr" for width in widths) + ",)"
    header = ", ".join(_head(text, numeric) for text, numeric in zip(table.head, _numeric(table), strict=True))
    cells = ", ".join(_cell(cell, beside) if cell.span == 1 else _band(cell) for row in table.rows for cell in row)
    body = f"table(columns: {columns}, table.header({header}), table.hline(stroke: 0.6pt), {cells})"
    notes = [str(plain(each)) for each in table.notes]
    if table.file:
        notes.append(plain(texts.markup("note.file", file=table.file)))
    shown = f"#figure(kind: table, caption: {text_of(table.caption)}, text(size: {size}.2pt, align(left, {body})))"
    shown = f"#block(height: {ROOM}mm, above: 1.6em, below: 0pt)\n#v(-{ROOM}mm)\n{shown}"
    return shown + (_note(" ".join(notes)) if notes else "")


def _note(text: str) -> str:
    return f"\n#text(size: 7.5pt, fill: luma(70), {string(text)})"


def _widths(table: Table, *, beside: bool = True) -> list[int]:
    """How wide the columns are: as their longest line, none so wide that others starve.

    With `beside` the lines of a figure count as one line.
    """
    count = max([len(table.head), *(sum(cell.span for cell in row) for row in table.rows)])
    found, most = [NARROW] * count, WIDE if count < 8 else MODERATE
    for k, text in enumerate(table.head):
        found[k] = max(found[k], *(len(word) + HEAVY for word in text.split()), 0)
    for row in table.rows:
        if len(row) == count:
            for k, cell in enumerate(row):
                found[k] = max(found[k], min(_length(cell, beside), most))
    return found


def _fitting(widths: list[int], line: int) -> list[int]:
    """The widest columns give way first, so that short words stay whole."""
    found = list(widths)
    while sum(found) > line and max(found) > SHORT:
        found[found.index(max(found))] -= 1
    return found


def _grown(table: Table, widths: list[int], line: int) -> list[int]:
    """What is left of a line goes to the columns whose text would still break."""
    found, rows = list(widths), [row for row in table.rows if len(row) == len(widths)]
    wanted = [max([_length(row[k], False) for row in rows], default=0) for k in range(len(widths))]
    while sum(found) < line and (short := [k for k in range(len(found)) if found[k] < wanted[k]]):
        found[max(short, key=lambda k: wanted[k] - found[k])] += 1
    return found


def _beside(table: Table, room: list[float]) -> bool:
    """Whether all lines of every figure of a table fit beside each other."""
    rows = [row for row in table.rows if len(row) == len(room)]
    return all(
        len(_joined(cell)) <= width for row in rows for cell, width in zip(row, room, strict=True) if cell.numeric
    )


def _joined(cell: Cell) -> str:
    return "\u2002".join(plain(line) for line in cell.lines)


def _length(cell: Cell, beside: bool) -> int:
    """Letters of the longest line; of a figure with all its lines beside each other, where they are short."""
    whole = len(_joined(cell))
    return (
        whole
        if beside and cell.numeric and whole <= WIDE
        else max((len(plain(each)) for each in cell.lines), default=0)
    )


def _numeric(table: Table) -> list[bool]:
    """Which columns hold figures, set to the right, so that their headers follow."""
    plain_rows = [row for row in table.rows if len(row) == len(table.head)]
    return [bool(plain_rows) and all(row[k].numeric for row in plain_rows) for k in range(len(table.head))]


def _head(text: str, numeric: bool) -> str:
    return f"table.cell(align: {'right' if numeric else 'left'} + bottom, [*#{text_of(text)}*])"


def _cell(cell: Cell, beside: bool) -> str:
    """Lines of a figure stand beside each other where their column has room for them."""
    lines = [_joined(cell)] if cell.numeric and beside else [plain(line) for line in cell.lines]
    shown = " #linebreak() ".join(f"#{string(_breakable(line))}" for line in lines)
    return f"table.cell({'align: right, ' if cell.numeric else ''}[{shown}])"


def _band(cell: Cell) -> str:
    """The head of a group of rows: it stays with them, and comes again on the next page."""
    return f"table.header(level: 2, table.cell(colspan: {cell.span}, [*#{text_of(' '.join(map(str, cell.lines)))}*]))"


def _breakable(line: str) -> str:
    """Names of files and hashes may go on in the next line: after a sign, or after 32 letters without one."""

    def parts(word: re.Match[str]) -> str:
        return re.sub(r"([/_.])(?=\w)|(\w{32})(?=\w)", lambda found: found[0] + "\u200b", word[0])

    return re.sub(rf"\S{{{LONG},}}", parts, line)


def text_of(value: str | Markup) -> str:
    """Words as a Typst string: no character of a text is read as markup or code."""
    return string(plain(value))


def string(value: str) -> str:
    """A Typst string literal."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ").replace("\r", " ")
    return f'"{escaped}"'
