"""A diagram with everything in its place: boxes, valves, clouds, arrows, loop marks; in points of an A4 page."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from textwrap import wrap
from typing import Literal

from alliance_dynamics.diagrams.graph import Graph, Pipe, graph_of, skeleton
from alliance_dynamics.diagrams.layout import place
from alliance_dynamics.errors import UsageError, fault, suggestion
from alliance_dynamics.loops.components import components
from alliance_dynamics.loops.named import NamedLoop
from alliance_dynamics.model.built_in import title_of
from alliance_dynamics.model.model import Model

Kind = Literal["stock-flow", "causal"]
PAGE = (842.0, 541.0)  # A4 across, less the lines of the title
MOST = 130  # names that one page can show
LINE = 15  # letters in a line of a label
LOOPS_SHOWN = 14


@dataclass(frozen=True, slots=True)
class Style:
    """Sizes in points; `letter` is the mean width of a letter as a share of the font size."""

    font: float
    letter: float = 0.6

    @staticmethod
    def of(count: int) -> Style:
        """The font that `count` names leave room for."""
        return Style(8.0 if count <= 24 else 7.2 if count <= 45 else 6.4 if count <= 75 else 5.8)


@dataclass(frozen=True, slots=True)
class Box:
    """A name on the page: centre, width and height of its text, and lines.  `shadow`: it is explained elsewhere."""

    name: str
    kind: str
    lines: tuple[str, ...]
    x: float
    y: float
    width: float
    height: float
    shadow: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A loop's mark: `R1` or `B1` and its name, beside its variables."""

    id: str
    sign: int
    text: str
    x: float
    y: float


@dataclass(frozen=True)
class Diagram:
    """`left_out` counts the variables of the model that are not shown."""

    kind: Kind
    title: str
    boxes: Mapping[str, Box]
    clouds: Mapping[str, tuple[float, float]]
    graph: Graph
    marks: tuple[Mark, ...]
    style: Style
    left_out: int

    @property
    def pipes(self) -> tuple[Pipe, ...]:
        return self.graph.pipes if self.kind == "stock-flow" else ()


def modules_of(model: Model) -> tuple[str, ...]:
    """The files that a model was composed of, by stem."""
    return tuple(dict.fromkeys(PurePath(each.place.file).stem for each in model.variables.values() if each.place.file))


def diagram_of(
    model: Model,
    *,
    kind: Kind = "stock-flow",
    module: str = "",
    labels: Mapping[str, str] | None = None,
    named: Sequence[NamedLoop] = (),
    language: str = "en",
    graph: Graph | None = None,
    title: str = "",
) -> Diagram:
    """One page of a model, or of one of its modules with what it takes from the others as shadows.

    Constants, lookups and data are not shown.  Where more than MOST names remain, a stock-flow diagram keeps stocks and
    flows, a causal one the variables that named loops go through (stocks where no loop has a name); links then stand
    for ways through what is left out.  `graph` saves the reading of polarities where several pages are drawn.
    UsageError: no such module.
    """
    labels = {**{name: each.label.strip('"') for name, each in model.variables.items()}, **(labels or {})}
    whole = graph or graph_of(model)
    shadows: set[str] = set()
    chosen: Collection[str] = whole.names
    if module:
        own = _own(model, module)
        shadows = {cause for cause, effect in whole.links if effect in own and cause not in own}
        chosen = {*own, *shadows} & set(whole.names)
    page = _without_links_to(skeleton(whole, chosen, longest=0), shadows)
    if len(page.names) > MOST:
        keep = _main(page, named, kind)
        page = skeleton(page, keep, longest=1 if kind == "stock-flow" else None)
    page = _linked(page, causal=kind == "causal")
    style = Style.of(len(page.names))
    title = title or title_of(module or model.name, language)
    left_out = len(model.variables) - len(page.names)
    return _placed(page, kind, labels, shadows, named, language, style, title, left_out)


def _own(model: Model, module: str) -> set[str]:
    known = modules_of(model)
    if module not in known:
        raise UsageError(fault("", "the model has no module `{name}`", expected="One of {known}",
                               remedy=suggestion(module, known), name=module, known=", ".join(known)))  # fmt: skip
    return {name for name, each in model.variables.items() if PurePath(each.place.file).stem == module}


def _without_links_to(graph: Graph, shadows: Collection[str]) -> Graph:
    links = {(cause, effect): sign for (cause, effect), sign in graph.links.items() if effect not in shadows}
    pipes = tuple(each for each in graph.pipes if each.flow not in shadows)
    kinds = {name: "auxiliary" if name in shadows else kind for name, kind in graph.kinds.items()}
    return Graph(graph.names, kinds, links, pipes)


def _main(graph: Graph, named: Sequence[NamedLoop], kind: Kind) -> set[str]:
    if kind == "stock-flow":
        return {name for name in graph.names if graph.kinds[name] in ("stock", "flow")}
    through = {name for loop in named for way in loop.through for name in way} & set(graph.names)
    return through or {name for name in graph.names if graph.kinds[name] == "stock"}


def _linked(graph: Graph, *, causal: bool) -> Graph:
    """What neither moves nor is moved by a shown name is left out, of a causal diagram also flows as pipes."""
    links = {pair: sign for pair, sign in graph.links.items() if pair[0] != pair[1]}
    ends = {name for pair in links for name in pair}
    if not causal:
        ends |= {name for name in graph.names if graph.kinds[name] in ("stock", "flow")}
    names = tuple(name for name in graph.names if name in ends)
    return Graph(names, graph.kinds, links, () if causal else graph.pipes)


def _placed(
    graph: Graph, kind: Kind, labels: Mapping[str, str], shadows: Collection[str], named: Sequence[NamedLoop],
    language: str, style: Style, title: str, left_out: int,
) -> Diagram:  # fmt: skip
    lines = {name: _lines(labels[name], name in shadows) for name in graph.names}
    size = {name: _size(lines[name], graph.kinds[name], kind, style) for name in graph.names}
    clouds: list[str] = []
    near: list[tuple[str, str]] = []
    if kind == "stock-flow":
        for i, pipe in enumerate(graph.pipes):
            for end, which in ((pipe.source, "from"), (pipe.target, "to")):
                name = end if end in size else f"cloud {which} {i}"
                if name not in size:
                    clouds.append(name)
                near.append((pipe.flow, name))
    room = {name: (width + 9, height + 9) for name, (width, height) in size.items()}
    room |= dict.fromkeys(clouds, (15.0, 12.0))
    spots = place([*graph.names, *clouds], list(graph.links), room, PAGE, near)
    boxes = {
        name: Box(name, graph.kinds[name], lines[name], *spots[name], *size[name], name in shadows)
        for name in graph.names
    }
    marks = _marks(graph, boxes, named, language) if kind == "causal" else ()
    return Diagram(kind, title, boxes, {each: spots[each] for each in clouds}, graph, marks, style, left_out)


def _lines(label: str, shadow: bool) -> tuple[str, ...]:
    shown = wrap(label, LINE, break_long_words=False) or [label]
    if shadow:
        shown[0], shown[-1] = "‹" + shown[0], shown[-1] + "›"
    return tuple(shown)


def _size(lines: Sequence[str], kind: str, diagram: Kind, style: Style) -> tuple[float, float]:
    width, height = max(map(len, lines)) * style.font * style.letter, len(lines) * style.font * 1.2
    if diagram == "stock-flow":
        if kind == "stock":
            return width + 6, height + 6
        if kind == "flow":
            return width, height + 9  # the valve stands over the text
    return width, height


def _marks(graph: Graph, boxes: Mapping[str, Box], named: Sequence[NamedLoop], language: str) -> tuple[Mark, ...]:
    """Named loops that are closed on this page; where no loop has a name, short loops that are found on it."""
    found = [(loop.id, loop.sign, loop.labels[language], way) for loop in named if (way := _closed(graph, loop))]
    if not named:
        found = _short_loops(graph)
    taken = [(box.x, box.y, box.width, box.height) for box in boxes.values()]
    marks = []
    for name, sign, text, way in found[: LOOPS_SHOWN if not named else len(found)]:
        centre = [sum(getattr(boxes[each], axis) for each in way) / len(way) for axis in "xy"]
        x, y = _free(centre[0], centre[1], taken)
        taken.append((x, y, 24.0, 15.0))
        marks.append(Mark(name, sign, text, x, y))
    return tuple(marks)


def _closed(graph: Graph, loop: NamedLoop) -> tuple[str, ...]:
    """The names of a loop on the page if they feed back on each other there."""
    import numpy as np

    names = [name for name in graph.names if name in loop.along]
    index = {name: i for i, name in enumerate(names)}
    pairs = [(index[a], index[b]) for a, b in graph.links if a in index and b in index]
    groups = components(len(names), np.array(pairs, dtype=np.int64).reshape(-1, 2))
    for way in loop.through:
        if way <= set(names):
            own = {int(groups[index[name]]) for name in way}
            if len(own) == 1 and own != {-1}:
                return tuple(sorted(way))
    return ()


def _short_loops(graph: Graph) -> list[tuple[str, int, str, tuple[str, ...]]]:
    import numpy as np

    from alliance_dynamics.loops.discover import every_loop

    index = {name: i for i, name in enumerate(graph.names)}
    pairs = np.array([(index[a], index[b]) for a, b in graph.links], dtype=np.int64).reshape(-1, 2)
    groups = components(len(index), pairs)
    ends = groups[pairs] if len(pairs) else pairs
    chosen = [i for i in range(len(pairs)) if ends[i, 0] >= 0 and ends[i, 0] == ends[i, 1]]
    signs = list(graph.links.values())
    found = []
    counts = {1: 0, -1: 0}
    for loop in sorted(every_loop(pairs, chosen) or (), key=len)[:LOOPS_SHOWN]:
        own = [signs[link] for link in loop]
        if any(sign not in ("+", "-") for sign in own):
            continue
        sign = -1 if own.count("-") % 2 else 1
        counts[sign] += 1
        way = tuple(graph.names[int(pairs[link, 0])] for link in loop)
        found.append((f"{'R' if sign > 0 else 'B'}{counts[sign]}", sign, "", way))
    return found


def _free(x: float, y: float, taken: Sequence[tuple[float, float, float, float]]) -> tuple[float, float]:
    """The nearest spot to (x, y) where a mark covers nothing."""
    from math import cos, sin

    for ring in range(40):
        for step in range(max(1, 6 * ring)):
            angle = 6.2832 * step / max(1, 6 * ring)
            a, b = x + 8 * ring * cos(angle), y + 8 * ring * sin(angle)
            if not (16 < a < PAGE[0] - 16 and 12 < b < PAGE[1] - 12):
                continue
            if all(abs(a - s) > (w + 26) / 2 or abs(b - t) > (h + 17) / 2 for s, t, w, h in taken):
                return a, b
    return x, y
