"""Shares of loops over time as a figure: what reinforces above the line, what balances below it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from alliance_dynamics.loops.study import LoopStudy
from alliance_dynamics.report.blocks import Figure
from alliance_dynamics.report.drawing import GREY, INK, SERIES, finish, house_style, new_canvas, show_numbers
from alliance_dynamics.report.numbers import Numbers

SHOWN = 6
TEXTS = {
    "en": ("Share in the change, %", "other loops", "time", "What drives {output}: loops over time",
           "Stacked shares of loops in the change of {output}. Largest on average: {largest}."),
    "ru": ("Доля в изменении, %", "прочие контуры", "время", "Что движет показателем «{output}»: контуры во времени",
           "Доли контуров в изменении показателя «{output}». Крупнейший в среднем: {largest}."),
}  # fmt: skip


def loop_figure(study: LoopStudy, names: Mapping[str, str], output: str, language: str) -> Figure:
    """The median shares over runs of the six largest kinds of loops, stacked by sign."""
    axis, others, time, caption, description = TEXTS[language]
    middle = np.median(study.share, axis=1)
    shown = middle[:SHOWN]
    rest = middle[SHOWN:]
    with house_style():
        canvas, (axes,) = new_canvas(1, 1, width=9.2, height=4.2)
        up, down = np.zeros(len(study.times)), np.zeros(len(study.times))
        layers = [(f"{kind.id} {names[kind.id]}", shares, SERIES[i % len(SERIES)])
                  for i, (kind, shares) in enumerate(zip(study.kinds, shown, strict=False))]  # fmt: skip
        layers.append((others, rest.sum(axis=0), GREY))
        layers.append((time, np.median(study.of_time, axis=0), "#d5dae0"))
        for label, shares, colour in layers:
            if not np.abs(shares).max(initial=0.0) > 0.005:
                continue
            for base, part, shown_label in (
                (up, np.maximum(shares, 0), label),
                (down, np.minimum(shares, 0), None if shares.max() > 0 else label),
            ):
                if part.any():
                    axes.fill_between(study.times, 100 * base, 100 * (base + part), color=colour, label=shown_label)
                    base += part
        axes.axhline(0, color=INK, linewidth=0.6)
        axes.set_xlim(study.times[0], study.times[-1])
        axes.set_ylabel(axis)
        show_numbers(axes.yaxis, Numbers(language))
        axes.legend(loc="upper left", bbox_to_anchor=(0.0, -0.12))
        largest = study.kinds[0].id + " " + names[study.kinds[0].id] if study.kinds else "—"
        return finish(
            canvas, "loops", caption.format(output=output), description.format(output=output, largest=largest)
        )
