"""What a region needs to join the model, made from its published figures; the rest is judgement and stays a person's.

The rows have the columns of `model/elements.py`.  The same rules give the values of 2000 in the .mdl files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from alliance_dynamics.calibration.comparable import FIRST, LAST, deflator
from alliance_dynamics.calibration.comparable import comparable as compared
from alliance_dynamics.observations import Observations

HEADER = ("dimension", "element", "variable", "with", "at", "value", "unit", "source", "grade")
TRAINING_TIME = 3.5  # Year, trainee training time of the model
RECENT = range(LAST - 4, LAST + 1)

Line = tuple[str, str, str, str, str, str, str, str, str]


def region_rows(observations: Observations, code: str, element: str) -> list[Line]:
    """Every row that follows from published figures of the region `code`; UsageError where a figure is missing.

    Numbers have seven significant digits, as in the .mdl files; money is in billion roubles of 2010.
    """

    def row(variable: str, value: float, unit: str, source: str, *, at: str = "") -> Line:
        return ("Region", element, variable, "", at, f"{value:.7g}", unit, source, "A")

    def of(indicator: str) -> float:
        return observations.series(indicator, code).values[FIRST]

    price = deflator(observations, code)[FIRST]
    investment = _investment_share(observations, code)
    product = compared(observations, "grp_current", "real product", code)[0][FIRST]
    volume, share = of("innovative_goods_volume"), of("innovative_goods_share")
    ratio = "{} over {}".format
    rows = [
        row("initial gross regional product", product, "bn RUB/Year", "Rosstat grp_current, grp_real_index"),
        row("initial internal R&D expenditure", of("rd_expenditure_internal") / 1000 / price, "bn RUB/Year",
            ratio("Rosstat rd_expenditure_internal", "the regional deflator")),
        row("initial R&D personnel", of("rd_personnel"), "person", "Rosstat rd_personnel"),
        row("initial patents granted", of("patents_granted_inventions"), "patent/Year",
            "Rosstat patents_granted_inventions"),
        row("initial innovative goods volume", volume / 1000 / price, "bn RUB/Year",
            ratio("Rosstat innovative_goods_volume", "the regional deflator")),
        row("initial surveyed shipments", volume / (share / 100) / 1000 / price, "bn RUB/Year",
            ratio("Rosstat innovative_goods_volume", "innovative_goods_share and the regional deflator")),
        row("initial capital output ratio", of("fixed_assets_gross") / of("grp_current"), "Year",
            ratio("Rosstat fixed_assets_gross", "grp_current")),
        row("initial investment share", investment[FIRST], "Dmnl",
            ratio("Rosstat fixed_capital_investment", "grp_current")),
        row("flat investment share", sum(investment.values()) / len(investment), "Dmnl",
            f"mean of {FIRST}-{LAST}, Rosstat fixed_capital_investment over grp_current"),
        row("trainee intake rate", of("postgraduate_students") / TRAINING_TIME / of("rd_personnel"), "1/Year",
            "Rosstat postgraduate_students, rd_personnel; training of 3.5 years"),
        row("R&D organisations", of("rd_organisations"), "organisation", "Rosstat rd_organisations"),
    ]  # fmt: skip
    return [*rows, *_lookup(investment, row)]


def _investment_share(observations: Observations, code: str) -> dict[int, float]:
    invested = observations.series("fixed_capital_investment", code).values
    product = observations.series("grp_current", code).values
    return {year: invested[year] / product[year] for year in range(FIRST, LAST + 1)}


def _lookup(investment: dict[int, float], row: Callable[..., Line]) -> Iterator[Line]:
    source = "Rosstat fixed_capital_investment over grp_current"
    for year, value in investment.items():
        yield row("investment share lookup", value, "Dmnl", source, at=str(year))
    mean = sum(investment[year] for year in RECENT) / len(RECENT)
    yield row("investment share lookup", mean, "Dmnl", f"mean of {RECENT[0]}-{LAST}, {source}", at=str(LAST + 1))
