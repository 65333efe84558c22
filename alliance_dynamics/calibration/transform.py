"""From published current-price figures to constant 2010 prices, indices and shares (one function per rule).

Years are calendar years, the keys of every mapping.  Rules and check values: `calibration/tatarstan/README.md`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

Years = Mapping[int, float]


def chained_index(percent_of_previous_year: Years, first: int, last: int) -> dict[int, float]:
    """A volume index with first = 1, chained from percentages of the previous year."""
    index = {first: 1.0}
    for year in range(first + 1, last + 1):
        index[year] = index[year - 1] * percent_of_previous_year[year] / 100.0
    return index


def constant_price_product(current: Years, index: Years, base: int = 2010) -> dict[int, float]:
    """Real product in billions of base-year roubles from millions of current roubles and a volume index."""
    return {year: current[base] / 1000.0 * value / index[base] for year, value in index.items()}


def implicit_deflator(
    current: Years, index: Years, before_revision: float, *, base: int = 2010, revised: int = 2016
) -> dict[int, float]:
    """The price level of regional product, base = 1.

    Levels from `revised` on are not comparable with earlier ones (imputed rent, consumption of fixed capital at market
    prices), so the year `revised` is linked through its figure `before_revision`, later years by their own growth.
    """
    deflator: dict[int, float] = {}
    for year in sorted(index):
        if year < revised:
            deflator[year] = (current[year] / current[base]) / (index[year] / index[base])
        else:
            level = before_revision if year == revised else current[year]
            growth = level / current[year - 1]
            deflator[year] = deflator[year - 1] * growth / (index[year] / index[year - 1])
    return deflator


def constant_prices(current: Years, deflator: Years) -> dict[int, float]:
    """Billions of base-year roubles from millions of current roubles, for the years that both have."""
    return {year: value / 1000.0 / deflator[year] for year, value in current.items() if year in deflator}


def spliced(earlier: Years, later: Years, first_later: int) -> dict[int, float]:
    """Growth rates of `earlier` before `first_later` and of `later` from that year on; never for levels."""
    return {year: value for year, value in earlier.items() if year < first_later} | {
        year: value for year, value in later.items() if year >= first_later
    }


def detrended(index: Years) -> tuple[dict[int, float], float]:
    """An index divided by its log-linear trend (least squares), first year = 1; and the trend's rate, 1/Year."""
    years = sorted(index)
    middle = sum(years) / len(years)
    logs = {year: math.log(index[year]) for year in years}
    mean = sum(logs.values()) / len(years)
    slope = sum((year - middle) * (logs[year] - mean) for year in years) / sum((year - middle) ** 2 for year in years)
    first = years[0]
    return {year: math.exp(logs[year] - logs[first] - slope * (year - first)) for year in years}, slope


def ratio(numerator: Years, denominator: Years) -> dict[int, float]:
    """Numerator by denominator for the years that both have."""
    return {year: value / denominator[year] for year, value in numerator.items() if year in denominator}


def relative(values: Years, first: int) -> dict[int, float]:
    """Values divided by that of the year `first`, from that year on."""
    return {year: value / values[first] for year, value in values.items() if year >= first}
