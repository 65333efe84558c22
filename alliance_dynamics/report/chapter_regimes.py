"""The chapter on regimes: what they are, what differs from the baseline, by how much, and what it costs."""

from __future__ import annotations

from markupsafe import Markup

from alliance_dynamics.report.blocks import Cell, Figure, Section, Table, band, cell, head, number, slug
from alliance_dynamics.report.chapter_accounts import account_rows, account_sentences, account_table
from alliance_dynamics.report.facts import Facts, is_gross_product, order_elements
from alliance_dynamics.report.numbers import decimals_of_value
from alliance_dynamics.report.results import Row
from alliance_dynamics.report.voice import Voice
from alliance_dynamics.report.wording import ranking_sentences

SUMMARY = "comparison/summary.csv"
SHOWN_ELEMENTS = 2  # the whole and the first region; the file has the others


def regimes_section(voice: Voice, facts: Facts) -> Section:
    """The regimes by name and story."""
    rows = voice.results.rows("comparison/regimes.csv")
    language = voice.language
    table = Table(
        "regimes",
        voice.texts("table.regimes"),
        "comparison/regimes.csv",
        (voice.texts("head.regime"), voice.texts("head.title"), voice.texts("head.story")),
        tuple((head(row["regime"]), cell(row[f"title_{language}"]), cell(row[f"story_{language}"])) for row in rows),
    )
    paragraphs = (voice.texts.markup("regimes.intro", baseline=voice.regime(facts.baseline)),)
    return Section("regimes", voice.texts("section.regimes"), paragraphs, tables=(table,))


def comparison_section(voice: Voice, facts: Facts, figures: tuple[Figure, ...]) -> Section:
    """Gaps to the baseline: figures, one table per outcome, cost."""
    rows = [row for row in voice.results.rows(SUMMARY) if row["regime"] != facts.baseline]
    outcomes = list(dict.fromkeys(row["outcome"] for row in rows))
    main = [each for each in outcomes if each in facts.main_outcomes]
    tables = [_outcome_table(voice, facts, [row for row in rows if row["outcome"] == each]) for each in main]
    if others := [each for each in outcomes if each not in main]:
        tables.append(_others_table(voice, facts, others))
    if cost := _cost_table(voice, facts):
        tables.append(cost)
    accounts = account_rows(voice, facts)
    if accounts:
        tables.append(account_table(voice, facts, accounts))
    return Section(
        "comparison",
        voice.texts("section.comparison"),
        (voice.texts.markup("comparison.intro", baseline=voice.regime(facts.baseline)),),
        items=tuple(account_sentences(voice, facts, accounts)),
        figures=figures,
        tables=tuple(tables),
    )


def headline_ranking(voice: Voice, facts: Facts) -> list[Markup]:
    """One paragraph on what may be said of the order of the regimes on the headline outcome in the report year."""
    rows = headline_rows(voice, facts, facts.headline)
    if len(rows) < 2:
        return []
    lead = voice.texts.markup(
        "ranking.lead",
        outcome=voice.outcome(facts.headline),
        element=voice.element(rows[0]["element"]),
        year=facts.report_year,
    )
    return [Markup(" ").join([lead, *ranking_sentences(voice, rows)])]


def headline_rows(voice: Voice, facts: Facts, outcome: str) -> list[Row]:
    """The rows of one outcome in the report year, one per regime other than the baseline, for the widest element."""
    rows = [
        row
        for row in voice.results.rows(SUMMARY)
        if row["outcome"] == outcome and row["year"] == facts.report_year and row["regime"] != facts.baseline
    ]
    elements = order_elements(list(dict.fromkeys(row["element"] for row in rows)))
    return [row for row in rows if row["element"] == elements[0]]


def _outcome_table(voice: Voice, facts: Facts, rows: list[Row]) -> Table:
    years = sorted({row["year"] for row in rows})
    regimes = list(dict.fromkeys(row["regime"] for row in rows))
    every = order_elements(list(dict.fromkeys(row["element"] for row in rows)))
    elements = every[:SHOWN_ELEMENTS]
    by_place = {(row["element"], row["regime"], row["year"]): row for row in rows}
    body: list[tuple[Cell, ...]] = []
    for element in elements:
        if len(elements) > 1 or element:
            body.append((band(voice.element(element), len(years) + 1),))
        for regime in regimes:
            if any((element, regime, year) in by_place for year in years):
                cells = (_gap_cell(voice, facts, by_place.get((element, regime, year))) for year in years)
                body.append((head(regime), *cells))
    outcome = rows[0]["outcome"]
    notes = [voice.texts("note.gaps", draws=voice.numbers.number(facts.draws, 0), baseline=facts.baseline)]
    if len(every) > len(elements):
        notes.append(voice.texts("note.other_regions"))
    if is_gross_product(outcome):
        notes.append(voice.texts("note.gross_product"))
    return Table(
        "comparison-" + slug(outcome),
        voice.texts("table.comparison", outcome=voice.outcome_with_unit(rows[0]), baseline=facts.baseline),
        SUMMARY,
        (voice.texts("head.regime"), *(str(year) for year in years)),
        tuple(body),
        tuple(notes),
    )


def _others_table(voice: Voice, facts: Facts, outcomes: list[str]) -> Table:
    """The other outcomes in the report year, for the widest element: one row each, one column per regime."""
    body: list[tuple[Cell, ...]] = []
    regimes: list[str] = []
    for outcome in outcomes:
        rows = {row["regime"]: row for row in headline_rows(voice, facts, outcome)}
        regimes = regimes or list(rows)
        body.append(
            (
                head(voice.outcome_with_unit(next(iter(rows.values())))),
                *(_gap_cell(voice, facts, rows.get(each)) for each in regimes),
            )
        )
    return Table(
        "comparison-others",
        voice.texts("table.others", year=facts.report_year, baseline=facts.baseline),
        SUMMARY,
        (voice.texts("head.outcome"), *regimes),
        tuple(body),
        (voice.texts("note.gaps", draws=voice.numbers.number(facts.draws, 0), baseline=facts.baseline),),
    )


def _gap_cell(voice: Voice, facts: Facts, row: Row | None) -> Cell:
    if row is None:
        return number("—")
    gap, low, high = voice.gap(row | {"unit": "Dmnl"})  # the unit stands in the caption, or beside the outcome
    if row["gap_percent"] is not None and row["unit"] != "%":
        gap += Markup(" (") + voice.percent(row["gap_percent"], sign=True) + Markup(")")
    share = voice.share_of_draws(row["share_better"], facts.draws, "short")
    verdict = voice.texts("verdict.counted", verdict=voice.texts(f"verdict.{row['verdict']}"), share=share)
    return number(gap, voice.texts.markup("interval", low=low, high=high), verdict)


def _cost_table(voice: Voice, facts: Facts) -> Table | None:
    """Fiscal cost by regime and year; regions apart only where the file tells them apart."""
    rows = [row for row in voice.results.rows(SUMMARY) if row["fiscal_cost"] is not None]
    if not rows:
        return None
    years = sorted({row["year"] for row in rows})
    costs = {(row["regime"], row["element"], row["year"]): row for row in rows}
    regimes = list(dict.fromkeys(row["regime"] for row in rows))
    elements = order_elements(list(dict.fromkeys(row["element"] for row in rows)))
    differ = any(
        len({costs[r, e, y]["fiscal_cost"] for e in elements if (r, e, y) in costs}) > 1 for r in regimes for y in years
    )
    body = []
    for regime in regimes:
        for element in elements if differ else elements[:1]:
            found = [costs.get((regime, element, year)) for year in years]
            if any(found):
                name = f"{regime}, {voice.element(element)}" if differ else regime
                body.append((head(name), *(_cost_cell(voice, row) for row in found)))
    base = [each for each in (_baseline_cost(rows, year) for year in years) if each is not None]
    if base:
        unit = rows[0]["fiscal_cost_unit"]
        body.append(
            (head(facts.baseline), *(number(voice.amount(each, unit, decimals_of_value(each))) for each in base))
        )
    caption = voice.texts("table.cost")
    header = (voice.texts("head.regime"), *(str(year) for year in years))
    return Table("cost", caption, SUMMARY, header, tuple(body), (voice.texts("note.cost"),))


def _baseline_cost(rows: list[Row], year: int) -> float | None:
    found = next((row.get("baseline_fiscal_cost") for row in rows if row["year"] == year), None)
    return None if found in (None, "") else float(found)


def _cost_cell(voice: Voice, row: Row | None) -> Cell:
    if row is None:
        return number("—")
    return number(voice.amount(row["fiscal_cost"], row["fiscal_cost_unit"], decimals_of_value(row["fiscal_cost"])))
