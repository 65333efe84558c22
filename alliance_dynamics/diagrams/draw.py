"""A diagram drawn: vector (SVG) or pixels (PNG), the same each time, on one A4 page."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alliance_dynamics.diagrams.diagram import PAGE, Box, Diagram
from alliance_dynamics.errors import UsageError, fault

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, LINK, SHADE, PIPE = "#1b1f24", "#7b8794", "#eef3f8", "#5b6b7b"
UP, DOWN = "#b3470b", "#0a5c99"  # reinforcing and balancing; told apart by any eye, and by the letter
TITLE = 48.0
BENDS = (0.12, -0.12, 0.22, -0.22, 0.34, -0.34, 0.0, 0.5, -0.5)
FORMATS = (".svg", ".png")
WIDE = 225  # letters in a line of loop names
LEGEND = {
    "en": ("box: stock; double line: flow with valve; cloud: outside; ‹name›: from another module",
           "+ same direction, − opposite direction, ± either; R reinforces, B balances",
           "constants, tables and variables not shown"),
    "ru": ("рамка — запас; двойная линия — поток с вентилем; облако — вне модели; ‹имя› — из другого модуля",
           "+ в ту же сторону, − в обратную, ± по-разному; R усиливает, B уравновешивает",
           "не показано констант, таблиц и переменных"),
}  # fmt: skip


def draw(diagram: Diagram, *, language: str = "en", file_type: str = ".svg") -> bytes:
    """The page as SVG or PNG (200 dots per inch)."""
    from alliance_dynamics.report.drawing import house_style

    with house_style():
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure

        width, height = PAGE[0], PAGE[1] + TITLE + 6
        canvas = Figure(figsize=(width / 72, height / 72), facecolor="white")
        (FigureCanvasSVG if file_type == ".svg" else FigureCanvasAgg)(canvas)
        axes = canvas.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set_axis_off()
        axes.set_xlim(0, width)
        axes.set_ylim(height - TITLE, -TITLE)
        _page(axes, diagram, language)
        buffer = io.BytesIO()
        if file_type == ".svg":
            from matplotlib import rcParams

            rcParams["svg.fonttype"] = "none"  # text stays text: it can be searched and read aloud
            canvas.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        else:
            canvas.savefig(buffer, format="png", dpi=200, metadata={"Software": None})
    return buffer.getvalue()


def write_diagram(path: str | Path, diagram: Diagram, *, language: str = "en") -> Path:
    """Writes the page; the ending of the name says how.  UsageError: neither .svg nor .png."""
    from alliance_dynamics.files import write_bytes

    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        raise UsageError(
            fault(str(path), "A diagram is written as SVG or PNG", remedy="Let the name end in .svg or .png")
        )
    return write_bytes(path, draw(diagram, language=language, file_type=path.suffix.lower()))


def _page(axes: Axes, diagram: Diagram, language: str) -> None:
    stock_flow = diagram.kind == "stock-flow"
    lines = LEGEND[language]
    axes.text(12, -TITLE + 13, diagram.title, fontsize=11, fontweight="bold", va="center")
    axes.text(12, -TITLE + 26, f"{lines[0] if stock_flow else lines[1]}; {lines[2]}: {diagram.left_out}",
              fontsize=6.2, color="#4a5560", va="center")  # fmt: skip
    fixed = set()
    for i, pipe in enumerate(diagram.pipes):
        _pipe(axes, diagram, pipe.flow, pipe.source or f"cloud from {i}", pipe.target or f"cloud to {i}")
        fixed |= {(pipe.flow, pipe.source), (pipe.flow, pipe.target)}
    boxes = list(diagram.boxes.values())
    extents = np.array([(box.x, box.y, box.width, box.height) for box in boxes]).reshape(-1, 4)
    for (cause, effect), sign in diagram.graph.links.items():
        if (cause, effect) not in fixed or not stock_flow:
            _arrow(axes, diagram.boxes[cause], diagram.boxes[effect], sign, extents, diagram)
    for box in boxes:
        _box(axes, box, diagram)
    for mark in diagram.marks:
        colour = UP if mark.sign > 0 else DOWN
        axes.text(mark.x, mark.y, mark.id, fontsize=7.5, fontweight="bold", color=colour, ha="center", va="center",
                  zorder=6, bbox={"boxstyle": "circle,pad=0.22", "fc": "white", "ec": colour, "lw": 0.9})  # fmt: skip
    if diagram.marks:
        _names_of_loops(axes, diagram)


def _names_of_loops(axes: Axes, diagram: Diagram) -> None:
    """What the marks stand for, in lines under the title."""
    lines = [""]
    for mark in diagram.marks:
        text = f"{mark.id} {mark.text}" if mark.text else ""
        if text and len(lines[-1]) + len(text) > WIDE:
            lines.append("")
        lines[-1] += ("; " if lines[-1] and text else "") + text
    for i, line in enumerate(lines):
        axes.text(12, -TITLE + 36 + 8 * i, line, fontsize=5.8, color=INK, va="center")


def _box(axes: Axes, box: Box, diagram: Diagram) -> None:
    from matplotlib.patches import Rectangle

    stock_flow, size = diagram.kind == "stock-flow", diagram.style.font
    edge = dict[str, Any](facecolor="white", edgecolor="none", alpha=0.82)
    if box.kind == "stock":
        edge = dict[str, Any](facecolor=SHADE, edgecolor=INK, linewidth=0.9 if stock_flow else 0.0)
    y = box.y
    if stock_flow and box.kind == "flow":
        _valve(axes, box.x, box.y - box.height / 2 + 3)
        y += 4.5
    text_height = len(box.lines) * size * 1.2
    if stock_flow and box.kind == "flow":
        axes.add_patch(
            Rectangle((box.x - box.width / 2, y - text_height / 2), box.width, text_height, zorder=4, **edge)
        )
    else:
        axes.add_patch(
            Rectangle((box.x - box.width / 2, box.y - box.height / 2), box.width, box.height, zorder=4, **edge)
        )
    weight = "bold" if box.kind == "stock" and not stock_flow else "normal"
    axes.text(box.x, y, "\n".join(box.lines), fontsize=size, color="#66727e" if box.shadow else INK, ha="center",
              va="center", linespacing=1.05, zorder=5, fontweight=weight)  # fmt: skip


def _valve(axes: Axes, x: float, y: float) -> None:
    from matplotlib.patches import Polygon

    for side in (-1, 1):
        points = [(x, y), (x + side * 4.5, y - 3.4), (x + side * 4.5, y + 3.4)]
        axes.add_patch(Polygon(points, facecolor="white", edgecolor=INK, linewidth=0.8, zorder=5))


def _pipe(axes: Axes, diagram: Diagram, flow: str, source: str, target: str) -> None:
    valve = diagram.boxes[flow]
    middle = np.array([valve.x, valve.y - valve.height / 2 + 3])
    for name, arrow in ((source, False), (target, True)):
        if name in diagram.clouds:
            end = np.array(diagram.clouds[name])
            _cloud(axes, float(end[0]), float(end[1]))
        else:
            box = diagram.boxes[name]
            end = np.array(_edge(box, *middle))
        axes.plot(*zip(middle, end, strict=True), color=PIPE, linewidth=3.0, zorder=1, solid_capstyle="butt")
        axes.plot(*zip(middle, end, strict=True), color="white", linewidth=1.6, zorder=1, solid_capstyle="butt")
        if arrow:
            _head(axes, middle, end, PIPE, 6.5)


def _cloud(axes: Axes, x: float, y: float) -> None:
    from matplotlib.patches import Circle

    for dx, dy, r in ((-3.2, 0.6, 3.0), (3.2, 0.6, 3.0), (0.0, -1.6, 3.4), (0.0, 1.4, 3.2)):
        axes.add_patch(Circle((x + dx, y + dy), r, facecolor="white", edgecolor=PIPE, linewidth=0.6, zorder=2))
    axes.add_patch(Circle((x, y), 3.4, facecolor="white", edgecolor="none", zorder=2))


def _arrow(axes: Axes, cause: Box, effect: Box, sign: str, extents: np.ndarray, diagram: Diagram) -> None:
    colour = {"+": "#8a6a55", "-": "#4f7ea6"}.get(sign, LINK)
    if cause.name == effect.name:
        return
    path = _best_path(cause, effect, extents)
    axes.plot(path[:, 0], path[:, 1], color=colour, linewidth=0.65, zorder=3, alpha=0.9)
    _head(axes, path[-4], path[-1], colour, 4.2)
    if sign:
        back = path[-1] - path[-6]
        length = max(float(np.hypot(*back)), 1e-6)
        side = np.array([-back[1], back[0]]) / length
        spot = path[-1] - back / length * 7 + side * 4
        size = diagram.style.font * 0.95
        axes.text(float(spot[0]), float(spot[1]), sign.replace("-", "−"), fontsize=size, color=colour, ha="center",
                  va="center", zorder=5, fontweight="bold")  # fmt: skip


def _best_path(cause: Box, effect: Box, extents: np.ndarray) -> np.ndarray:
    """An arc from box to box that runs over as few other labels as it can."""
    best: tuple[float, np.ndarray] | None = None
    own = np.array([(each.x, each.y) for each in (cause, effect)])
    others = extents[~((extents[:, None, :2] == own[None]).all(axis=2).any(axis=1))]
    t = np.linspace(0, 1, 33)[:, None]
    for i, bend in enumerate(BENDS):
        a, b = own[0], own[1]
        middle = (a + b) / 2 + bend * np.array([-(b - a)[1], (b - a)[0]])
        start, end = np.array(_edge(cause, *middle)), np.array(_edge(effect, *middle))
        path = (1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * end
        inside = (np.abs(path[:, None] - others[None, :, :2]) < others[None, :, 2:] / 2 + 1).all(axis=2)
        off = ((path < 2) | (path > np.array(PAGE) - 2)).any(axis=1).sum()
        cost = 10.0 * inside.any(axis=0).sum() + inside.sum() + 5.0 * off + 0.3 * i
        if best is None or cost < best[0]:
            best = (cost, path)
        if cost < 0.5:
            break
    assert best is not None
    return best[1]


def _edge(box: Box, x: float, y: float) -> tuple[float, float]:
    """Where the line from a box's centre to (x, y) leaves the box."""
    dx, dy = x - box.x, y - box.y
    if dx == 0 and dy == 0:
        return box.x, box.y
    scale = min((box.width / 2 + 1.5) / abs(dx) if dx else np.inf, (box.height / 2 + 1.5) / abs(dy) if dy else np.inf)
    return box.x + dx * scale, box.y + dy * scale


def _head(axes: Axes, before: np.ndarray, tip: np.ndarray, colour: str, size: float) -> None:
    from matplotlib.patches import Polygon

    back = tip - before
    length = float(np.hypot(*back))
    if length == 0:
        return
    back = back / length
    side = np.array([-back[1], back[0]])
    base = tip - back * size
    corners = np.array([tip, base + side * size * 0.36, base - side * size * 0.36])
    axes.add_patch(Polygon(corners, facecolor=colour, edgecolor="none", zorder=3))
