"""The policy brief: two pages for a decision, made of the same sentences, figures and numbers as the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from markupsafe import Markup

from alliance_dynamics.report.blocks import Cell, Figure, Section, Table, cell, head, number
from alliance_dynamics.report.chapter_accounts import ACCOUNTS, account_cell, account_rows
from alliance_dynamics.report.chapter_levers import (
    failure_pairs,
    form_sentences,
    ladder_rows,
    short_failure,
    tipping_sentences,
)
from alliance_dynamics.report.chapter_origin import command_of
from alliance_dynamics.report.chapter_regimes import SUMMARY, headline_rows
from alliance_dynamics.report.context import Context, answer_of, study_context
from alliance_dynamics.report.facts import FIRST_REGION, Facts
from alliance_dynamics.report.results import Row
from alliance_dynamics.report.voice import Voice

PAGES = 2
CAVEATS = 3  # the first ones of the report: how small, what is not measured, what is an interpretation
COLUMNS = (("equal", "npv"), ("equal", "per_rouble"), ("equal", "cost"), ("native", "npv"), ("native", "cost"))
GAINS = (("gross_regional_product", FIRST_REGION), ("decision_delay", ""), ("alliance_trust", ""))


def brief_context(voice: Voice, facts: Facts, figures: Mapping[str, tuple[Figure, ...]]) -> Context:
    """Answer, caveats, a table of the regimes; how far they part, what one lever is worth, what would change it."""
    answer, support = answer_of(voice, facts)
    gaps, *ladder = figures["brief"]
    doubts, hinges = tuple(_doubts(voice, facts)), ()
    if ladder:
        hinges = (Section("ladder", voice.texts("section.ladder"), figures=tuple(ladder)),)
    return study_context(
        voice,
        facts,
        name="brief",
        title=voice.texts("title"),
        answer=answer,
        support=support,
        caveats=voice.texts.list("caveat")[:CAVEATS],
        sections=(
            Section("regimes", voice.texts("section.regimes"), tables=(_regime_table(voice, facts),)),
            *((Section("doubts", voice.texts("section.doubts"), items=doubts),) if doubts else ()),
            Section("comparison", voice.texts("section.comparison"), figures=(gaps,)),
            *hinges,
            _origin(voice),
        ),
        plain=True,
        most_pages=PAGES,
    )


def _doubts(voice: Voice, facts: Facts) -> Iterator[Markup]:
    """Where single levers tip the comparison, how often the regime falls behind, what another form of model says."""
    rungs = [row for row in ladder_rows(voice, facts) if row["outcome"] == facts.headline]
    yield from tipping_sentences(voice, facts, rungs)
    for rows in failure_pairs(voice):
        yield from short_failure(voice, rows)
    yield from form_sentences(voice, facts)


def _regime_table(voice: Voice, facts: Facts) -> Table:
    """A row per regime: value and cost against no programme at both budgets, gains against the baseline."""
    accounts = {(row["regime"], row["budget"]): row for row in account_rows(voice, facts)}
    gains = {place: rows for place in GAINS if (rows := _gains(voice, facts, *place))}
    body: list[tuple[Cell, ...]] = []
    for row in voice.results.rows("comparison/regimes.csv"):
        name = row["regime"]
        cells = [_money(voice, accounts.get((name, budget)), column) for budget, column in COLUMNS] if accounts else []
        cells += [_gain(voice, rows.get(name)) for rows in gains.values()]
        body.append((head(name), cell(voice.title(name)), *cells))
    heads = [voice.texts(f"head.brief_{budget}_{column}") for budget, column in COLUMNS] if accounts else []
    for outcome, element in gains:
        name = voice.outcome_with_unit(next(iter(gains[outcome, element].values())))
        heads.append(f"{name}, {voice.element(element)}" if element else name)
    against = next(iter(accounts.values()))["against"] if accounts else "—"
    notes = (voice.texts("note.brief", draws=voice.numbers.number(facts.draws, 0), baseline=facts.baseline,
                         against=against, files=f"{ACCOUNTS}, {SUMMARY}"),)  # fmt: skip
    caption = voice.texts("table.brief", year=facts.report_year)
    columns = (voice.texts("head.regime"), voice.texts("head.title"), *heads)
    return Table("brief", caption, "", columns, tuple(body), notes)


def _gains(voice: Voice, facts: Facts, outcome: str, element: str) -> dict[str, Row]:
    """The gaps of an outcome by regime: of an element where one is named, else of the widest one."""
    if element:
        found = [row for row in voice.results.rows(SUMMARY) if row["year"] == facts.report_year
                 and (row["outcome"], row["element"]) == (outcome, element)]  # fmt: skip
    else:
        known = {row["outcome"] for row in voice.results.rows(SUMMARY)}
        found = headline_rows(voice, facts, outcome) if outcome in known else []
    return {row["regime"]: row for row in found if row["regime"] != facts.baseline}


def _money(voice: Voice, row: Row | None, column: str) -> Cell:
    return number("—") if row is None else account_cell(voice, row, column, column == "npv")


def _gain(voice: Voice, row: Row | None) -> Cell:
    if row is None:
        return number("—")
    gap, low, high = voice.gap(row | {"unit": "Dmnl"})  # the unit stands in the head
    return number(gap, voice.texts.markup("interval", low=low, high=high))


def _origin(voice: Voice) -> Section:
    """Command, model and files: what a reader needs to find a number or to repeat it."""
    model = voice.results.manifest.get("model", {})
    digest = str(model.get("model_sha256") or model.get("sha256") or "—")[:12]
    given: list[Markup | str] = [
        voice.texts.markup("brief.command", command=command_of(voice), model=digest),
        voice.texts("brief.more"),
    ]
    return Section("origin", voice.texts("section.origin"), tuple(given))
