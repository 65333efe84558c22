"""The reference as Typst source: the same entries as the page, diagrams on sheets of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from alliance_dynamics.report.blocks import Table, cell, head, number
from alliance_dynamics.report.context import Context
from alliance_dynamics.report.texts import Texts
from alliance_dynamics.report.typst_source import heading, items, opening, string, table_source, text_of

SIZE = 9.0  # points


def reference_source(shown: Mapping[str, Any]) -> str:
    """What `reference.html.j2` is given, for paper; the drawings go to the compiler under `diagram_file`."""
    texts: Texts = shown["t"]
    title, subtitle = f"{shown['title']}: {texts('title')}", f"{texts('hash')} {shown['hash']}"
    context = Context("reference", shown["language"], shown["other"], title, subtitle, Markup(), (), (), (), ())
    parts = [*opening(context, SIZE), _paragraph(shown["intro"])]
    if shown["known"]:
        parts.append(_paragraph(texts("comment_note")))
    else:
        parts.append(f'#par(text(weight: "bold", {string(texts("unknown"))}))')
    return "\n".join([*parts, *_loops(shown), *_limits(shown), *_diagrams(shown), *_variables(shown)]) + "\n"


def diagram_file(place: int) -> str:
    """The name under which the drawing at that place is given to the compiler."""
    return f"diagram_{place}.svg"


def _loops(shown: Mapping[str, Any]) -> Iterator[str]:
    texts, loops = shown["t"], shown["loops"]
    yield heading(texts("loops"), 2)
    yield _paragraph(texts("loops_intro") if loops else texts("loops_unnamed"))
    if loops:
        rows = [(head(named.id), cell(named.labels[shown["language"]]), cell(way)) for named, way in loops]
        yield _table(shown, texts("loops"), ("loop", "name", "through"), rows)


def _limits(shown: Mapping[str, Any]) -> Iterator[str]:
    """What the model leaves out, and what no data can tell."""
    texts = shown["t"]
    yield heading(texts("left_out"), 2)
    yield from items(shown["left_out"]) if shown["left_out"] else [_paragraph(texts("left_out_unknown"))]
    yield heading(texts("not_estimated"), 2)
    if not shown["known"]:
        yield _paragraph(texts("not_estimated_unknown"))
    elif not shown["not_estimated"]:
        yield _paragraph(texts("not_estimated_none"))
    else:
        yield _paragraph(texts("not_estimated_intro"))
        write = shown["shown"]
        rows = [
            (head(name), number(f"{write(card.low)} – {write(card.high)}"), cell(card.variable.unit),
             cell(card.source), cell(card.grade))
            for _, name, card in shown["not_estimated"]
        ]  # fmt: skip
        yield _table(shown, texts("not_estimated"), ("name", "range", "unit", "source", "grade"), rows)


def _diagrams(shown: Mapping[str, Any]) -> Iterator[str]:
    for place, (title, kind, _) in enumerate(shown["diagrams"]):
        picture = f"image({string(diagram_file(place))}, width: 100%, alt: {string(f'{title}: {kind}')})"
        yield f"#page(flipped: true, margin: 9mm, {picture})"


def _variables(shown: Mapping[str, Any]) -> Iterator[str]:
    texts, modules = shown["t"], shown["modules"]
    for module, entries in modules:
        yield heading(texts("variables") + (f": {module}" if len(modules) > 1 else ""), 2)
        for entry in entries:
            yield heading(f"{entry.label} ({entry.kind})", 3)
            if entry.original:
                yield f'#text(size: 0.88em, fill: luma(90), lang: "en", {string(entry.original)})'
            yield from (f'#par(text(font: "DejaVu Sans", size: 0.82em, {_lines(each)}))' for each in entry.equations)
            if entry.comment:
                yield f'#par(text(lang: "en", {string(entry.comment)}))'
            told = "; ".join(f"{name}: {_plain(text)}" for name, text in entry.rows)
            yield f"#par(text(size: 0.88em, fill: luma(60), {string(told + '.')}))"


def _lines(equation: Markup) -> str:
    """A stock has two lines: its rate and its first value."""
    return " + linebreak() + ".join(text_of(Markup(line)) for line in str(equation).split("<br>"))


def _plain(text: Markup | str) -> str:
    return text.striptags() if isinstance(text, Markup) else text


def _paragraph(text: str) -> str:
    return f"#par({string(text)})"


def _table(shown: Mapping[str, Any], caption: str, columns: Sequence[str], rows: Sequence) -> str:
    texts = shown["t"]
    heads = tuple(texts(each) for each in columns)
    return table_source(Table("reference", caption, "", heads, tuple(rows)), texts)
