"""Costs and benefits on equal terms: every regime with the same money, and with the money that it asks for."""

from __future__ import annotations

from markupsafe import Markup

from alliance_dynamics.report.blocks import Cell, Table, band, head, number
from alliance_dynamics.report.facts import Facts
from alliance_dynamics.report.numbers import decimals_of_interval, decimals_of_value, exact
from alliance_dynamics.report.results import Row
from alliance_dynamics.report.voice import Voice

ACCOUNTS = "comparison/accounts.csv"
COLUMNS = ("appropriation", "benefit", "cost", "npv", "per_rouble")


def account_rows(voice: Voice, facts: Facts) -> list[Row]:
    """The accounts by the end of the report year."""
    return [row for row in voice.results.rows(ACCOUNTS) if row["year"] == facts.report_year]


def account_sentences(voice: Voice, facts: Facts, rows: list[Row]) -> list[Markup]:
    """In how many draws the main regime brings more than it costs, with equal money and with its own."""
    found = {row["budget"]: row for row in rows if row["regime"] == facts.main_regime}
    if set(found) != {"equal", "native"}:
        return []
    shares = {budget: voice.share_of_draws(row["share_positive"], facts.draws) for budget, row in found.items()}
    money = {
        budget: voice.amount(row["appropriation"], "bn RUB/Year", decimals_of_value(row["appropriation"]))
        for budget, row in found.items()
    }
    against, year = found["equal"]["against"], facts.report_year
    return [
        voice.texts.markup("accounts.positive", regime=facts.main_regime, against=against, year=year,
                           share=shares["equal"], money=money["equal"], own_share=shares["native"],
                           own_money=money["native"])
    ]  # fmt: skip


def account_table(voice: Voice, facts: Facts, rows: list[Row]) -> Table:
    """Appropriation, benefit, cost, net present value and benefit per rouble of every regime at both budgets."""
    body: list[tuple[Cell, ...]] = []
    for budget in dict.fromkeys(row["budget"] for row in rows):
        body.append((band(voice.texts(f"budget.{budget}"), 1 + len(COLUMNS)),))
        for row in (each for each in rows if each["budget"] == budget):
            money = voice.numbers.number(row["appropriation"], 2)
            spans = (account_cell(voice, row, name, name != "cost") for name in COLUMNS[1:])
            body.append((head(row["regime"]), number(money), *spans))
    against = rows[0]["against"]
    return Table(
        "accounts",
        voice.texts("table.accounts", year=facts.report_year, against=against),
        ACCOUNTS,
        (voice.texts("head.regime"), *(voice.texts(f"head.account_{name}") for name in COLUMNS)),
        tuple(body),
        (voice.texts("note.accounts", draws=voice.numbers.number(rows[0]["draws"], 0), against=against),),
    )


def account_cell(voice: Voice, row: Row, name: str, sign: bool) -> Cell:
    """Median and interval; a dash where the quotient means nothing in any draw."""
    value = row[name]
    if value is None:
        return number("—")
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    decimals = decimals_of_interval(low, high, value)
    middle, *ends = (
        exact(each, voice.numbers.number(each, decimals, sign=sign and name != "per_rouble"))
        for each in (value, low, high)
    )
    return number(middle, voice.texts.markup("interval", low=ends[0], high=ends[1]))
