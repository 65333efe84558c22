"""Constant prices and indices equal the published check tables to their last digit."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alliance_dynamics.calibration import transform
from alliance_dynamics.observations import read_observations

DATA = Path(__file__).resolve().parents[2] / "calibration" / "tatarstan" / "data" / "observations.csv"
CODES = ("RU-TA", "RU-BA", "RU-NIZ", "RU-SAM", "RU-ULY", "RU-PER", "RU-UD", "RU")

DEFLATOR = """
2000 0.3323 0.3516 0.2457 0.2702 0.2453 0.2774 0.2533 0.2544
2003 0.4410 0.4850 0.4001 0.4246 0.4016 0.4336 0.3767 0.3947
2005 0.6282 0.6699 0.5242 0.6016 0.5375 0.6404 0.5585 0.5734
2008 0.9315 1.0194 0.8552 0.8769 0.8228 0.9589 0.8715 0.8696
2009 0.9216 0.8978 0.9011 0.9109 0.9096 0.9305 0.8806 0.8883
2010 1.0000 1.0000 1.0000 1.0000 1.0000 1.0000 1.0000 1.0000
2011 1.2335 1.1456 1.1045 1.1323 1.1630 1.2449 1.1676 1.1427
2012 1.2865 1.3402 1.1627 1.2119 1.2203 1.2673 1.2541 1.2191
2013 1.3565 1.3220 1.2522 1.3009 1.3194 1.2863 1.3271 1.2977
2014 1.4227 1.4053 1.3277 1.3991 1.3797 1.3781 1.4612 1.4015
2015 1.5990 1.4938 1.5056 1.5877 1.5360 1.5109 1.6834 1.5662
2016 1.6390 1.5105 1.5361 1.6304 1.6119 1.6097 1.6995 1.6362
2017 1.7681 1.5732 1.6310 1.7172 1.6238 1.7149 1.7715 1.7276
2018 2.0036 1.7820 1.7290 1.9226 1.6701 1.9428 1.9946 1.9009
2019 2.0872 1.8131 1.7967 1.9707 1.7961 2.0313 2.1121 1.9717
2020 2.0179 1.8083 1.8520 2.0148 1.8739 1.9327 2.0831 2.0023
2021 2.6256 2.0932 2.1085 2.5399 2.1034 2.3773 2.5738 2.4154
2022 2.9222 2.2791 2.4256 2.8497 2.4502 2.7246 2.8247 2.7492
"""

DRIVERS = """
2000 1.0000 1.0000 1.0000
2001 1.0600 1.1672 0.9854
2002 1.1183 1.2957 0.9625
2003 1.2033 1.4274 1.0257
2004 1.2923 1.3610 1.0950
2005 1.3906 1.3349 1.1383
2006 1.5060 1.4506 1.1921
2007 1.6310 1.6236 1.2727
2008 1.7239 1.6441 1.2357
2009 1.5929 1.8138 1.0124
2010 1.6662 1.7358 1.0818
2011 1.7562 1.7717 1.1288
2012 1.8106 1.9040 1.1461
2013 1.8432 1.9163 1.1128
2014 1.8671 2.0057 1.0977
2015 1.8559 1.9368 1.0595
2016 1.8708 1.9131 1.0349
2017 1.9063 1.9566 1.0568
2018 1.9597 1.7940 1.0577
2019 1.9911 1.9088 1.0587
2020 1.9473 1.9455 1.0361
2021 2.0894 1.7871 1.0751
2022 2.0956 1.7323 1.0418
"""

# real product, real R&D, real innovative goods (bn RUB 2010/Year); gross and net assets over product; investment share
START = """
RU-TA 560.12 3.5906 25.303 2.707 1.638 0.240
RU-BA 412.74 2.3425 9.211 2.982 1.787 0.245
RU-NIZ 427.53 20.3934 14.493 2.958 1.820 0.146
RU-SAM 519.57 10.2586 93.878 3.658 1.931 0.165
RU-ULY 124.01 3.7046 5.798 4.419 2.714 0.138
RU-PER 447.56 4.1145 12.579 2.821 1.571 0.222
RU-UD 210.47 0.7634 6.554 3.462 2.079 0.186
"""

MEAN_INVESTMENT_SHARE = {
    "RU-TA": (0.275, 0.222),
    "RU-BA": (0.225, 0.201),
    "RU-NIZ": (0.231, 0.198),
    "RU-SAM": (0.200, 0.179),
    "RU-ULY": (0.220, 0.192),
    "RU-PER": (0.207, 0.183),
    "RU-UD": (0.174, 0.150),
}


@pytest.fixture(scope="module")
def published():
    return read_observations(DATA)


def index_of(published, code):
    return transform.chained_index(published.series("grp_real_index", code).values, 2000, 2022)


def deflator_of(published, code):
    current = published.series("grp_current", code).values
    before = published.other_vintage("grp_current", code, 2016, "DTERESHCH_PRIL2019").value
    return transform.implicit_deflator(current, index_of(published, code), before)


def test_the_deflator_is_the_published_table_to_four_decimals(published):
    for place, code in enumerate(CODES):
        deflator = deflator_of(published, code)
        for line in filter(None, DEFLATOR.split("\n")):
            year, *wanted = line.split()
            assert f"{deflator[int(year)]:.4f}" == wanted[place], (code, year)


def test_the_drivers_are_the_published_table_to_four_decimals(published):
    product = index_of(published, "RU")
    money = published.series("rd_expenditure_internal", "RU").values
    research = transform.relative(transform.constant_prices(money, deflator_of(published, "RU")), 2000)
    growth = transform.spliced(
        published.series("manufacturing_production_index_okved1", "RU").values,
        published.series("manufacturing_production_index_okved2", "RU").values,
        2015,
    )
    cycle, rate = transform.detrended(transform.chained_index(growth, 2000, 2022))
    assert f"{rate:.4f}" == "0.0345"
    for line in filter(None, DRIVERS.split("\n")):
        year, *wanted = line.split()
        assert [f"{each[int(year)]:.4f}" for each in (product, research, cycle)] == wanted


@pytest.mark.parametrize("line", [line for line in START.split("\n") if line])
def test_the_start_of_2000_is_the_published_one(published, line):
    code, *wanted = line.split()
    current, deflator = published.series("grp_current", code).values, deflator_of(published, code)

    def of(indicator):
        return published.series(indicator, code).values

    found = (
        transform.constant_price_product(current, index_of(published, code))[2000],
        transform.constant_prices(of("rd_expenditure_internal"), deflator)[2000],
        transform.constant_prices(of("innovative_goods_volume"), deflator)[2000],
        transform.ratio(of("fixed_assets_gross"), current)[2000],
        transform.ratio(of("fixed_assets_net"), current)[2000],
        transform.ratio(of("fixed_capital_investment"), current)[2000],
    )
    for value, text in zip(found, wanted, strict=True):
        assert f"{value:.{len(text.split('.')[1])}f}" == text


@pytest.mark.parametrize("code", MEAN_INVESTMENT_SHARE)
def test_mean_investment_shares_are_the_published_ones(published, code):
    share = transform.ratio(
        published.series("fixed_capital_investment", code).values, published.series("grp_current", code).values
    )
    whole, late = (sum(share[year] for year in years) / len(years) for years in (range(2000, 2023), range(2018, 2023)))
    assert (round(whole, 3), round(late, 3)) == MEAN_INVESTMENT_SHARE[code]


def test_before_the_revision_product_over_deflator_is_real_product(published):
    current = published.series("grp_current", "RU-TA").values
    real = transform.constant_price_product(current, index_of(published, "RU-TA"))
    deflated = transform.constant_prices(current, deflator_of(published, "RU-TA"))
    assert all(math.isclose(real[year], deflated[year], rel_tol=1e-12) for year in range(2000, 2016))
    assert deflated[2016] / real[2016] == pytest.approx(1.0647, abs=5e-5)  # the level factor of the revision


@given(
    rate=st.floats(-0.2, 0.2),
    cycle=st.lists(st.floats(-0.3, 0.3), min_size=3, max_size=30),
    shift=st.floats(-0.2, 0.2),
)
def test_detrending_does_not_see_a_trend_and_starts_at_one(rate, cycle, shift):
    index = {2000 + i: math.exp(value) for i, value in enumerate(cycle)}
    tilted = {year: value * math.exp(rate * (year - 2000)) for year, value in index.items()}
    (one, slope), (two, tilted_slope) = transform.detrended(index), transform.detrended(tilted)
    assert tilted_slope - slope == pytest.approx(rate, abs=1e-9)
    assert one[2000] == 1.0 and all(two[year] == pytest.approx(one[year], rel=1e-9) for year in index)
