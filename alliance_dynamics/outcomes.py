"""What regimes are judged by: series of the composed model by region and for the alliance, and which way is better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.model.model import Model
from alliance_dynamics.model.names import flat

Floats = NDArray[np.float64]
ALLIANCE = "alliance"
MILESTONES = (2030, 2040, 2050)  # years for which gaps are told
Way = Literal["sum", "mean"]


@dataclass(frozen=True)
class Indicator:
    """A variable that reports show: per region where it has regions, and for the whole alliance summed or averaged.

    `better`: +1 more is better, -1 less is better.  `minus` is subtracted (net present value = value less cost).
    """

    name: str
    variable: str
    way: Way
    better: int = 1
    minus: str = ""
    whole_only: bool = False


INDICATORS = (
    Indicator("net_present_value", "present_value_of_grp", "sum", minus="present_value_of_fiscal_cost"),
    Indicator("gross_regional_product", "gross_regional_product", "sum"),
    Indicator("innovative_goods_volume", "innovative_goods_volume", "sum"),
    Indicator("innovative_goods_share", "innovative_goods_share", "mean"),
    Indicator("internal_r&d_expenditure", "internal_r&d_expenditure", "sum"),
    Indicator("knowledge_capital", "knowledge_capital", "sum"),
    Indicator("patents_granted", "patents_granted", "sum"),
    Indicator("r&d_personnel", "r&d_personnel", "sum"),
    Indicator("joint_r&d_expenditure", "joint_r&d_expenditure", "sum"),
    Indicator("interregional_link_density", "interregional_link_density", "mean"),
    Indicator("cluster_trust", "cluster_trust", "mean"),
    Indicator("alliance_trust", "alliance_trust", "mean", whole_only=True),
    Indicator("decision_delay", "decision_delay", "mean", better=-1, whole_only=True),
    Indicator("funded_ratio", "funded_ratio", "mean", whole_only=True),
    Indicator("cumulative_fiscal_cost", "cumulative_fiscal_cost", "sum", better=-1, whole_only=True),
)


@dataclass(frozen=True)
class SeriesSet:
    """Named series as weighted sums of flat outputs: `values = outputs @ weights`, weights [outputs, series]."""

    indicators: tuple[Indicator, ...]
    elements: tuple[str, ...]
    units: tuple[str, ...]
    outputs: tuple[str, ...]
    weights: Floats

    @property
    def keys(self) -> tuple[tuple[str, str], ...]:
        return tuple((i.name, e) for i, e in zip(self.indicators, self.elements, strict=True))

    def values(self, outputs: Floats) -> Floats:
        """[..., series] from [..., outputs]."""
        return outputs @ self.weights

    def index(self, name: str, element: str) -> int:
        return self.keys.index((name, element))


def series_of(model: Model, indicators: Sequence[Indicator] = INDICATORS) -> SeriesSet:
    """For each indicator one series per region (where its variable has regions) and one for the whole alliance."""
    regions = model.dimensions["region"].elements
    rows: list[tuple[Indicator, str, dict[str, float]]] = []
    for indicator in indicators:
        dimensions = model.variables[indicator.variable].dimensions
        choices: list[tuple[str, tuple[str, ...]]] = [(ALLIANCE, regions)]
        if "region" in dimensions and not indicator.whole_only:
            choices += [(region, (region,)) for region in regions]
        for element, chosen in choices:
            weights = _weights(model, indicator.variable, chosen, indicator.way)
            if indicator.minus:
                for output, weight in _weights(model, indicator.minus, chosen, indicator.way).items():
                    weights[output] = weights.get(output, 0.0) - weight
            rows.append((indicator, element, weights))
    outputs = tuple(dict.fromkeys(output for _, _, weights in rows for output in weights))
    matrix = np.zeros((len(outputs), len(rows)))
    for column, (_, _, weights) in enumerate(rows):
        for output, weight in weights.items():
            matrix[outputs.index(output), column] = weight
    units = tuple(model.variables[indicator.variable].unit for indicator, _, _ in rows)
    return SeriesSet(tuple(r[0] for r in rows), tuple(r[1] for r in rows), units, outputs, matrix)


def _weights(model: Model, name: str, regions: Sequence[str], way: Way) -> dict[str, float]:
    dimensions = model.variables[name].dimensions
    ranges = [regions if each == "region" else model.dimensions[each].elements for each in dimensions]
    names = [flat(name, elements) for elements in product(*ranges)]
    weight = 1.0 if way == "sum" else 1.0 / len(names)
    return dict.fromkeys(names, weight)
