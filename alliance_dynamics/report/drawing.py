"""How figures look and how they become SVG: the same bytes each time, colours that follow a light or dark page."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from textwrap import fill
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from alliance_dynamics.report.blocks import Figure, plain
from alliance_dynamics.report.numbers import Numbers, decimals_of_value

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

PAPER = 7.0  # inches between the margins of a sheet: figures are drawn as wide as they are printed
SMALL = 7.0  # points, the least size of a label
INK, GRID, SHADE = "#1b1f24", "#d5dae0", "#edf0f3"
# Okabe and Ito's colours, told apart by readers with any colour vision; yellow is too light on white and left out.
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GREY = (
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#8a9099"
)  # fmt: skip
SERIES = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY)
DASHES: tuple = ("solid", (0, (5, 1.5)), (0, (1, 1)), (0, (4, 1.5, 1, 1.5)), (0, (8, 2)), (0, (2, 2)))
_PAGE_COLOURS = {
    INK: "currentColor", GRID: "var(--grid)", SHADE: "var(--shade)", BLUE: "var(--blue)", RED: "var(--red)",
}  # fmt: skip
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "alliance-dynamics", "svg.fonttype": "path", "font.family": ["DejaVu Sans"], "font.size": 7.5,
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": INK, "xtick.color": INK, "ytick.color": INK,
    "axes.linewidth": 0.6, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "axes.titlesize": 8.0, "axes.titlelocation": "left", "grid.color": GRID, "grid.linewidth": 0.5,
    "axes.axisbelow": True, "lines.linewidth": 1.3, "lines.markersize": 3.2, "legend.frameon": False,
    "legend.fontsize": 7.5, "axes.unicode_minus": True, "figure.facecolor": "none", "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "patch.linewidth": 0.0, "svg.image_inline": True, "path.simplify": True,
}  # fmt: skip


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in the report's style whatever the user's own settings of matplotlib are."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def new_canvas(panels: int, columns: int, *, width: float = PAPER, height: float = 1.7) -> tuple[Canvas, list[Axes]]:
    """A canvas of `panels` panels in rows of `columns`; size in inches, height per row."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure as MatplotlibFigure

    columns = min(columns, panels)
    rows = -(-panels // columns)
    canvas = MatplotlibFigure(figsize=(width, height * rows + 0.35), layout="constrained")
    FigureCanvasSVG(canvas)
    grid = canvas.subplots(rows, columns, squeeze=False)
    axes = list(grid.flat)
    for spare in axes[panels:]:
        spare.set_visible(False)
    return canvas, axes[:panels]


def show_years(axes: Axes, years: Sequence[int]) -> None:
    """Whole years, about four ticks."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_xlim(min(years) - 0.5, max(years) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))


def show_numbers(
    axis, numbers: Numbers, *, sign: bool = False, factor: float = 1.0, suffix: str = "", steps: int = 4
) -> None:
    """Ticks with the decimal sign of the language, all with as many decimals as their step needs."""
    from matplotlib.ticker import Formatter, MaxNLocator

    class InLanguage(Formatter):
        decimals = 0

        def set_locs(self, locs) -> None:
            steps = [factor * (b - a) for a, b in pairwise(locs) if b > a]
            self.decimals = decimals_of_value(round(min(steps, default=1.0), 12), 1)
            if any(abs(round(each * 10**self.decimals) - each * 10**self.decimals) > 0.01 for each in steps):
                self.decimals += 1  # a step of 2.5 needs one decimal more than its first digit

        def __call__(self, x, pos=None) -> str:
            return numbers.number(factor * x, self.decimals, sign=sign) + suffix

    axis.set_major_locator(MaxNLocator(steps))
    axis.set_major_formatter(InLanguage())


def show_legend(canvas: Canvas, entries: Sequence[tuple], columns: int = 6, reach: float = 2.6) -> None:
    """A line for each (name, colour, dashes) below the panels."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=colour, linestyle=dashes, label=fill(str(name), 46)) for name, colour, dashes in entries
    ]
    canvas.legend(handles=handles, loc="outside lower center", ncols=min(columns, len(handles)), handlelength=reach)


def finish(
    canvas: Canvas, name: str, caption: str | Markup, description: str, origin: str = "", mark: str = ""
) -> Figure:  # fmt: skip
    """The canvas as a file of its own and as part of the page, with its description for readers who cannot see it.

    `origin` is the file of the results folder that the drawn numbers stand in; `mark` is the number (F1 to F10) that
    the text may call it by.
    """
    buffer = io.BytesIO()
    canvas.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = _short(buffer.getvalue().decode("utf-8"))
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.S)
    text = re.sub(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>\s*", "", text, flags=re.S)
    text = re.sub(r'\s(width|height|version)="[^"]*"', "", text[: text.index(">")]) + text[text.index(">") :]
    label = f'<svg role="img" aria-label="{escape(description)}" style="stroke-linejoin:round;stroke-linecap:butt"'
    text = text.replace("<svg", label, 1)
    alone = '<?xml version="1.0" encoding="utf-8"?>\n' + text.replace('style="', 'style="background:#ffffff;', 1)
    shown = f"{mark}. {plain(caption)}" if mark else plain(caption)
    return Figure(name, shown, description, Markup(_for_page(text, name)), alone.encode(), origin)


def _for_page(text: str, name: str) -> str:
    """Identifiers of their own per figure, and colours taken from the page's style sheet."""
    text = re.sub(r'\sid="([^"]+)"', rf' id="{name}-\1"', text)
    text = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", text)
    text = re.sub(r'\sxmlns(:xlink)?="[^"]*"', "", text).replace("xlink:href", "href")
    for colour, variable in _PAGE_COLOURS.items():
        text = text.replace(colour, variable)
    return text


def _short(text: str) -> str:
    """Drop what matplotlib writes for people (comments, indents), and all but two decimals of points in paths."""
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.S)
    text = re.sub(r"\s*\n\s*", "\n", text)
    return re.sub(r' d="[^"]*"', lambda path: re.sub(r"(\.\d{2})\d+", r"\1", path.group()), text)
