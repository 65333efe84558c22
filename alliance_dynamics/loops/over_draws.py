"""Loops of the governance regimes over draws of what is uncertain: which loop leads in which decade, and how surely."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from alliance_dynamics.common_model import common_futures
from alliance_dynamics.futures import Futures, columns_of_regime
from alliance_dynamics.loops.links import structure_of
from alliance_dynamics.loops.named import NamedLoop
from alliance_dynamics.loops.study import LoopStudy, decades, find_loops, labels_of, study_loops
from alliance_dynamics.model.model import Model
from alliance_dynamics.parameters import Parameters
from alliance_dynamics.scenarios import Scenario

DRAWS, QUICK_DRAWS = 16, 4
OUTPUTS = ("innovative_goods_volume", "interregional_link_density")


@dataclass(frozen=True)
class RegimeLoops:
    """The loops behind each output under each regime, over the same futures."""

    studies: dict[tuple[str, str], LoopStudy]
    draws: int

    def rows(self, parameters: Parameters) -> Iterator[dict[str, object]]:
        """One row per regime, output, decade and kind of loop, the largest of a decade first."""
        labels = {language: labels_in(parameters, language) for language in ("en", "ru")}
        for (regime, output), study in self.studies.items():
            shown = {language: labels_of(study.kinds, language, labels[language]) for language in labels}
            for row in study.by_period(decades(study.times)):
                name = str(row["loop"])
                yield {"regime": regime, "output": output, **row, "label_en": shown["en"][name],
                       "label_ru": shown["ru"][name]}  # fmt: skip


def loops_of_regimes(
    model: Model,
    regimes: Sequence[Scenario],
    futures: Futures,
    parameters: Parameters,
    named: Sequence[NamedLoop],
    *,
    outputs: Sequence[str] = OUTPUTS,
    draws: int = DRAWS,
    progress: Callable[[float], None] = lambda _: None,
) -> RegimeLoops:
    """The loops behind some outputs in every regime, over `draws` of the futures, evenly chosen.

    The loops are looked for once per output, in runs of several regimes, and scored in all of them.
    """
    model, regimes, futures = common_futures(model, regimes, futures, parameters)
    structure = structure_of(model)
    chosen = np.unique(np.linspace(0, len(futures.rows) - 1, draws).astype(int))
    rows = [futures.under(columns_of_regime(futures.program, model, each, parameters))[chosen] for each in regimes]
    typical = np.stack([each[len(chosen) // 2] for each in rows[1::2] or rows])  # of R0 to R4 these are R1 and R3
    studies: dict[tuple[str, str], LoopStudy] = {}
    for j, output in enumerate(outputs):
        found = find_loops(structure, output, typical)
        for i, regime in enumerate(regimes):
            studies[regime.id, output] = study_loops(
                model, output, rows[i], named=named, structure=structure, found=found
            )
            progress((j * len(regimes) + i + 1) / (len(regimes) * len(outputs)))
    return RegimeLoops(studies, len(chosen))


def labels_in(parameters: Parameters, language: str) -> dict[str, str]:
    """Names of constants and variables in a language, as far as they have one."""
    cards = {name: card.labels for name, card in parameters.constants.items()}
    return {
        name: labels[language] for name, labels in {**cards, **parameters.variables}.items() if labels.get(language)
    }
