"""A report as Typst source: the same texts, tables and numbers as the page, laid out for paper."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from alliance_dynamics.report.blocks import Cell, Figure, Section, Table, plain
from alliance_dynamics.report.context import Context
from alliance_dynamics.report.texts import Texts

_HEAD = """#set document(title: {title}, date: none)
#set page(paper: "a4", margin: (x: 19mm, top: 17mm, bottom: 19mm), numbering: "1")
#set text(font: "Libertinus Serif", size: 10pt, lang: "{language}", hyphenate: true)
#set par(justify: false, leading: 0.62em, spacing: 0.9em)
#set table(stroke: (bottom: 0.3pt + luma(215)), inset: (x: 3pt, y: 2.6pt))
#set list(spacing: 0.7em)
#show heading: set block(above: 1.4em, below: 0.7em)
#show heading.where(level: 1): set text(size: 16pt)
#show heading.where(level: 2): set text(size: 12.5pt)
#show heading.where(level: 3): set text(size: 10.5pt)
#show figure.caption: set text(size: 8.5pt, fill: luma(70))
#show figure.where(kind: table): set block(breakable: true)
#show figure.caption: set align(left)
#set figure(supplement: none, numbering: none)
#set figure.caption(position: top, separator: none)
"""


def report_source(context: Context, texts: Texts) -> str:
    """The whole report."""
    parts = [*_opening(context), *_answer(context, texts)]
    for section in context.sections:
        parts += _section(section, 2)
    return "\n".join(parts) + "\n"


def brief_source(context: Context, texts: Texts, figures: dict[str, tuple[Figure, ...]]) -> str:
    """Two pages for a decision: the answer, how far the regimes part, what one lever is worth, what cannot be said."""
    parts = [*_opening(context), "#set text(size: 9pt)", *_answer(context, texts)]
    by_id = {section.id: section for section in context.sections}
    for name, key, width in (("regimes", "comparison", "66%"), ("ladder", "ladder", "92%")):
        if figures.get(name):
            parts += [_heading(by_id[key].title, 2), _figure(figures[name][0], width)]
    if "standing" in by_id:
        parts += [_heading(by_id["standing"].title, 2), *_items(by_id["standing"].items)]
    parts.append(f"#block(text(size: 8.5pt, {_text(texts('brief.more'))}))")
    return "\n".join(parts) + "\n"


def _opening(context: Context) -> list[str]:
    head = _HEAD.replace("{title}", _string(context.title)).replace("{language}", context.language)
    subtitle = f"#text(size: 8.5pt, fill: luma(70), {_text(context.subtitle)})"
    banners = [
        f'#block(fill: luma(238), inset: 6pt, width: 100%, text(weight: "bold", {_text(each)}))'
        for each in context.banners
    ]
    return [head, _heading(context.title, 1), subtitle, *banners]


def _answer(context: Context, texts: Texts) -> list[str]:
    return [
        _heading(texts("section.answer"), 2),
        f"#text(size: 11.5pt, {_text(context.answer)})",
        *_items(context.support),
        _heading(texts("section.caveats"), 2),
        *_items(context.caveats),
    ]


def _section(section: Section, level: int) -> list[str]:
    parts = [_heading(section.title, level)]
    parts += [f"#par({_text(each)})" for each in section.paragraphs]
    parts += _items(section.items)
    parts += [_figure(each) for each in section.figures]
    parts += [_table(each) for each in section.tables]
    for inner in section.sections:
        parts += _section(inner, min(level + 1, 3))
    return parts


def _items(items: Iterable[str | Markup]) -> list[str]:
    shown = [f"[#{_text(each)}]" for each in items]
    return [f"#list({', '.join(shown)})"] if shown else []


def _heading(title: str, level: int) -> str:
    return f"#heading(level: {level}, {_text(title)})"


def _figure(figure: Figure, width: str = "100%") -> str:
    picture = f"image({_string(figure.name + '.svg')}, width: {width}, alt: {_string(figure.description)})"
    return f"#figure({picture}, caption: {_text(figure.caption)})"


def _table(table: Table) -> str:
    count = max([len(table.head), *(sum(cell.span for cell in row) for row in table.rows)])
    columns = "(" + ", ".join(["1.6fr", *["1fr"] * (count - 1)]) + ",)"
    header = ", ".join(_head(text, numeric) for text, numeric in zip(table.head, _numeric(table), strict=True))
    cells = ", ".join(_cell(cell) for row in table.rows for cell in row)
    size = "7.2pt" if count > 5 else "8pt"
    body = f"table(columns: {columns}, table.header({header}), table.hline(stroke: 0.6pt), {cells})"
    notes = " ".join(str(plain(each)) for each in table.notes)
    note = f"\n#text(size: 7.5pt, fill: luma(70), {_string(notes)})" if notes else ""
    return f"#figure(kind: table, caption: {_text(table.caption)}, text(size: {size}, align(left, {body}))){note}"


def _numeric(table: Table) -> list[bool]:
    """Which columns hold figures, set to the right, so that their headers follow."""
    plain_rows = [row for row in table.rows if len(row) == len(table.head)]
    return [bool(plain_rows) and all(row[k].numeric for row in plain_rows) for k in range(len(table.head))]


def _head(text: str, numeric: bool) -> str:
    return f"table.cell(align: {'right' if numeric else 'left'}, [*#{_text(text)}*])"


def _cell(cell: Cell) -> str:
    lines = " #linebreak() ".join(f"#{_text(line)}" for line in cell.lines)
    content = f"*{lines}*" if cell.head and cell.span > 1 else lines
    options = [f"colspan: {cell.span}"] if cell.span > 1 else []
    if cell.numeric:
        options.append("align: right")
    return f"table.cell({', '.join([*options, f'[{content}]'])})"


def _text(value: str | Markup) -> str:
    """Words as a Typst string: no character of a text is read as markup or code."""
    return _string(plain(value))


def _string(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ").replace("\r", " ")
    return f'"{escaped}"'
