"""How a published figure becomes a comparable one: the rules that problem tables name, on figures of one region."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from alliance_dynamics.calibration import transform
from alliance_dynamics.errors import Fault, UsageError, fault, suggestion
from alliance_dynamics.observations import Observations

FIRST, LAST, BASE = 2000, 2022, 2010
BEFORE_REVISION = (2016, "DTERESHCH_PRIL2019")
RULES: Mapping[str, str] = {
    "as published": "as published",
    "real product": "product of 2010 in current roubles, carried by the chained volume index",
    "deflated": "current roubles over the region's deflator of gross product, 2010 = 1",
    "share of real product": "share of product (from 2016 in the later classification) times real product",
}


def comparable(
    observations: Observations, indicator: str, rule: str, region: str
) -> tuple[dict[int, float], dict[int, str]]:
    """Figures by year in the unit of the observable, and the source of each.  UsageError for an unknown rule."""
    if rule not in RULES:
        what = "there is no rule `{rule}` for figures"
        raise UsageError(fault("", what, remedy=suggestion(rule, RULES), rule=rule))
    series = observations.series(indicator, region)
    values, sources = dict(series.values), dict(series.sources)
    if rule == "as published":
        return values, sources
    if rule == "deflated":
        return transform.constant_prices(values, deflator(observations, region)), sources
    real = transform.constant_price_product(*_product(observations, region), BASE)
    if rule == "real product":
        return real, sources
    later = observations.series(indicator.replace("okved1", "okved2"), region)
    values, sources = values | dict(later.values), sources | dict(later.sources)
    return {year: value / 100.0 * real[year] for year, value in values.items()}, sources


def missing_figures(observations: Observations, region: str, needed: Mapping[str, Iterable[int]]) -> list[Fault]:
    """A fault for each indicator that has no figure of a region in a year that is needed."""
    faults = []
    for indicator, years in needed.items():
        rows = (row for row in observations.rows if row.indicator == indicator and not row.set_aside)
        have = {row.year for row in rows if region in (row.region_code, row.region)}
        absent = ", ".join(str(year) for year in years if year not in have)
        if absent:
            what, remedy = "`{indicator}` of {region} has no figure for {years}", "Add rows in the columns of the file."
            at = {"indicator": indicator, "region": region, "years": absent}
            faults.append(fault(observations.path, what, remedy=remedy, **at))
    return faults


def deflator(observations: Observations, region: str) -> dict[int, float]:
    """The implicit deflator of the regional product, 2010 = 1."""
    year, source = BEFORE_REVISION
    before = observations.other_vintage("grp_current", region, year, source).value
    return transform.implicit_deflator(*_product(observations, region), before, base=BASE, revised=year)


def _product(observations: Observations, region: str) -> tuple[Mapping[int, float], dict[int, float]]:
    current = observations.series("grp_current", region).values
    growth = observations.series("grp_real_index", region).values
    return current, transform.chained_index(growth, FIRST, LAST)
