"""A model's diagram as the sketch section of a Vensim text, so that Vensim opens the file with a picture.

The records are those of the Vensim sketch format (Reference Manual, "Sketch Information"): 10 a variable, 11 a valve,
12 a cloud, 1 an arrow or a pipe; positions in pixels, sizes as half widths.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from alliance_dynamics.diagrams.diagram import Diagram, diagram_of, modules_of
from alliance_dynamics.diagrams.graph import CONTROLS, graph_of
from alliance_dynamics.model.model import Model

START = "\\\\\\---/// Sketch information - do not modify anything except names"
VERSION = "V300  Do not put anything below this section - it will be ignored"
FONT = "$192-192-192,0,Helvetica|10|B|0-0-0|0-0-0|0-0-255|-1--1--1|255-255-255|96,96,100,0"
END = "///---\\\\\\"
SCALE = 1.7  # pixels per point of our page


def sketch_text(model: Model, quoted: Collection[str] = ()) -> str:
    """The section from its first line to the line that ends it, one view per module; ends with a line feed.

    Constants and lookups stand in a last view, in rows, so that every variable of the model is on a view.  `quoted` are
    labels that the equations write in double quotes without need.
    """
    graph = graph_of(model, signs=False)
    modules = modules_of(model)
    pages = [(each, diagram_of(model, module=each, graph=graph)) for each in modules] if len(modules) > 1 else [
        ("Structure", diagram_of(model, graph=graph))
    ]  # fmt: skip
    lines: list[str] = []
    shown: set[str] = set()
    for title, page in pages:
        lines += [START, VERSION, f"*{title.replace('_', ' ')}", FONT]
        lines += _view(model, page, quoted)
        shown |= {name for name, box in page.boxes.items() if not box.shadow}
    rest = [name for name in model.variables if name not in shown and name not in CONTROLS]
    if rest:
        lines += [START, VERSION, "*Constants", FONT, *_rows(model, rest, quoted)]
    return "\n".join([*lines, END]) + "\n"


def with_sketch(text: str, model: Model) -> str:
    """A Vensim text with the sketch of its model in place of the one it has; equations and settings stay."""
    equations, _, rest = text.partition(START[:9])
    settings = rest.partition(END)[2].lstrip("\r\n")
    quoted = set(re.findall(r'"([^"\n]+)"', equations))
    return equations.rstrip() + "\n\n" + sketch_text(model, quoted) + settings


def _view(model: Model, page: Diagram, quoted: Collection[str]) -> Iterable[str]:
    numbers: dict[str, int] = {}
    arrows: list[str] = []
    count = 0

    def at(x: float, y: float) -> str:
        return f"{round(SCALE * x) + 60},{round(SCALE * y) + 60}"

    drawn = {each.flow for each in page.pipes}
    for name, box in page.boxes.items():
        count += 1
        half = f"{max(8, round(SCALE * box.width / 2))},{max(8, round(SCALE * box.height / 2))}"
        label = _label(model, name, quoted)
        if name in drawn:  # a valve stands before the name it belongs to
            y = box.y - box.height / 2 + 3
            yield f"11,{count},0,{at(box.x, y)},6,8,34,3,0,0,1,0,0,0"
            numbers[f"valve {name}"] = count
            count += 1
            yield f"10,{count},{label},{at(box.x, box.y + 8)},{half},40,3,0,0,-1,0,0,0"
        elif box.shadow:
            yield f"10,{count},{label},{at(box.x, box.y)},{half},8,2,0,3,-1,0,0,0,128-128-128,0-0-0,|||128-128-128"
        else:
            yield f"10,{count},{label},{at(box.x, box.y)},{half},{3 if box.kind == 'stock' else 8},3,0,0,0,0,0,0"
        numbers[name] = count
    for name, (x, y) in page.clouds.items():
        count += 1
        numbers[name] = count
        yield f"12,{count},48,{at(x, y)},10,8,0,3,0,0,-1,0,0,0"
    for i, pipe in enumerate(page.pipes):
        valve, box = numbers[f"valve {pipe.flow}"], page.boxes[pipe.flow]
        place = at(box.x, box.y - box.height / 2 + 3)
        for end, kind in ((pipe.target or f"cloud to {i}", 4), (pipe.source or f"cloud from {i}", 100)):
            arrows.append(f"{valve},{numbers[end]},{kind},0,0,22,0,0,0,-1--1--1,,1|({place})|")
    piped = {(each.flow, end) for each in page.pipes for end in (each.source, each.target)}
    for cause, effect in page.graph.links:
        if (cause, effect) not in piped:
            a, b = page.boxes[cause], page.boxes[effect]
            x, y = (a.x + b.x) / 2 - 0.12 * (b.y - a.y), (a.y + b.y) / 2 + 0.12 * (b.x - a.x)
            arrows.append(f"{numbers[cause]},{numbers[effect]},1,0,0,0,0,64,0,-1--1--1,,1|({at(x, y)})|")
    for each in arrows:
        count += 1
        yield f"1,{count},{each}"


def _rows(model: Model, names: Iterable[str], quoted: Collection[str]) -> Iterable[str]:
    for i, name in enumerate(names):
        row, column = divmod(i, 5)
        yield f"10,{i + 1},{_label(model, name, quoted)},{150 + 260 * column},{70 + 45 * row},110,14,8,3,0,0,0,0,0,0"


def _label(model: Model, name: str, quoted: Collection[str]) -> str:
    label = model.variables[name].label.strip('"')
    plain = all(each.isalnum() or each in " _$'" for each in label) and not label[:1].isdigit()
    return label if plain and label not in quoted else f'"{label}"'
