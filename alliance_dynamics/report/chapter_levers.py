"""What a single lever is worth, where it tips, and when the main regime falls behind: a policymaker's tables."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from alliance_dynamics.report.blocks import Cell, Figure, Section, Table, band, cell, head, number
from alliance_dynamics.report.chapter_reviewer import hinge_sentence, hinge_table
from alliance_dynamics.report.facts import Facts
from alliance_dynamics.report.numbers import FIXED, decimals_of_interval, decimals_of_value, exact
from alliance_dynamics.report.results import Row
from alliance_dynamics.report.voice import Voice
from alliance_dynamics.report.wording import listed, quoted

ALTERNATIVES = "sensitivity/alternatives.csv"
LADDER, RANKS, FAILURES = "sensitivity/ladder.csv", "sensitivity/ranks.csv", "sensitivity/failures.csv"
COMPACT_DENSITY, COMPACT_COVERAGE = 0.6, 0.3  # a box below either describes nothing that a reader could use


def lever_sections(voice: Voice, facts: Facts, figures: Mapping[str, tuple[Figure, ...]]) -> tuple[Section, ...]:
    """What a lever is worth and when the main regime falls behind; none where the study swept no levers."""
    if not voice.results.rows(LADDER):
        return ()
    return ladder_section(voice, facts, figures["ladder"]), standing_section(voice, facts, figures["standing"])


def ladder_section(voice: Voice, facts: Facts, figures: tuple[Figure, ...]) -> Section:
    """The change of the main outcomes over the range of each lever, in their units, with sign and interval."""
    rows = ladder_rows(voice, facts)
    headline = [row for row in rows if row["outcome"] == facts.headline]
    return Section(
        "ladder",
        voice.texts("section.ladder"),
        (voice.texts.markup("ladder.intro", regime=voice.regime(facts.main_regime), year=facts.report_year),),
        items=tuple(_ladder_sentences(voice, facts, headline)),
        figures=figures,
        tables=(_ladder_table(voice, facts, rows),),
    )


def standing_section(voice: Voice, facts: Facts, figures: tuple[Figure, ...]) -> Section:
    """When the main regime falls behind, in conditions; how often each regime is best, and its regret."""
    failures = voice.results.rows(FAILURES)
    sentences = [sentence for rows in failure_pairs(voice) for sentence in failure_sentences(voice, rows)]
    tables = [_rank_table(voice, facts)]
    if limits := [row for row in failures if row["input"]]:
        tables.append(_failure_table(voice, limits))
    if hang := hinge_sentence(voice, facts):
        sentences.append(hang)
    if hinges := hinge_table(voice, facts):
        tables.append(hinges)
    if forms := _form_rows(voice, facts):
        sentences += form_sentences(voice, facts)
        tables.append(_form_table(voice, facts, forms))
    return Section(
        "standing",
        voice.texts("section.standing"),
        (voice.texts("standing.intro"),),
        items=tuple(sentences),
        figures=figures,
        tables=tuple(tables),
    )


def ladder_rows(voice: Voice, facts: Facts) -> list[Row]:
    """The rungs of the main outcomes in the report year, in the order of the file."""
    rows = [row for row in voice.results.rows(LADDER) if row["year"] == facts.report_year]
    return [row for row in rows if row["outcome"] in facts.main_outcomes]


def failure_pairs(voice: Voice) -> list[list[Row]]:
    """The rows of failures.csv by regime and rival."""
    rows = voice.results.rows(FAILURES)
    pairs = dict.fromkeys((row["regime"], row["against"]) for row in rows)
    return [[row for row in rows if (row["regime"], row["against"]) == pair] for pair in pairs]


def failure_sentences(voice: Voice, rows: list[Row]) -> list[Markup]:
    """How often one regime ends below another and, where a box says so, under which conditions."""
    row = rows[0]
    draws = row["draws"]
    where = {
        "regime": row["regime"], "against": row["against"], "outcome": voice.outcome(row["outcome"]),
        "year": row["year"], "count": voice.numbers.number(row["count"], 0),
        "draws": voice.numbers.number(draws, 0),
    }  # fmt: skip
    found = [voice.texts.markup("failure.count", **where)]
    if not row["input"]:
        return [*found, voice.texts.markup("failure.no_box", **where)]
    shares = {key: voice.share(row[key]) for key in ("coverage", "density", "base_rate")}
    if not describes(row):
        return [*found, voice.texts.markup("failure.scattered", **shares, **where)]
    conditions = listed(voice, [_condition(voice, each) for each in rows])
    return [*found, voice.texts.markup("failure.box", conditions=conditions, **shares, **where)]


def short_failure(voice: Voice, rows: list[Row]) -> list[Markup]:
    """The same, with conditions only where they describe the failures."""
    sentences = failure_sentences(voice, rows)
    return sentences if describes(rows[0]) else sentences[:1]


def describes(row: Row) -> bool:
    """Whether there is a box of conditions that holds enough of the failures, and little else."""
    return bool(row["input"]) and row["density"] >= COMPACT_DENSITY and row["coverage"] >= COMPACT_COVERAGE


def _condition(voice: Voice, row: Row, form: str = "") -> Markup:
    """The limits of an input in words; with the form `alone_` without its name."""
    sides = [side for side in ("low", "high") if row[side] is not None]
    values = {
        side: exact(row[side], voice.numbers.number(row[side], decimals_of_value(row[side], 2))) for side in sides
    }
    label = row[f"label_{voice.language}"] or row["input"]
    unit = voice.unit(row["unit"])
    key = f"failure.{form}{'_'.join(sides)}"
    return voice.texts.markup(key, input=label, unit=FIXED + unit if unit else "", **values)


def _ladder_sentences(voice: Voice, facts: Facts, rows: list[Row]) -> list[Markup]:
    """Levers whose range of changes leaves zero out, those that tip the regime, and those that say nothing."""
    found = clear_sentences(voice, facts, rows)
    return [*found, *tipping_sentences(voice, facts, rows)]


def clear_sentences(voice: Voice, facts: Facts, rows: list[Row]) -> list[Markup]:
    """Levers whose range of changes leaves zero out, and those that say nothing."""
    if not rows:
        return []
    clear = [row for row in rows if row["change_low"] > 0 or row["change_high"] < 0]
    found = [
        voice.texts.markup(
            "ladder.up" if row["change"] > 0 else "ladder.down", lever=voice.lever(row["lever"]),
            outcome=voice.outcome(row["outcome"]), year=row["year"], **_change(voice, row),
        )
        for row in clear
    ]  # fmt: skip
    rest = [voice.lever(row["lever"]) for row in rows if row not in clear]
    if rest:
        key = "ladder.rest" if clear else "ladder.none"
        found.append(voice.texts.markup(key, levers=quoted(voice, rest), outcome=voice.outcome(facts.headline)))
    return found


def tipping_sentences(voice: Voice, facts: Facts, rows: list[Row]) -> list[Markup]:
    """Settings of single levers beyond which the main regime is no longer above the baseline on the median."""
    found = []
    for row in rows:
        if row["tipping"] is not None:
            value = exact(row["tipping"], voice.numbers.number(row["tipping"], decimals_of_value(row["tipping"], 2)))
            better = "above" if row["share_better_at_high"] > row["share_better_at_low"] else "below"
            found.append(
                voice.texts.markup(
                    f"ladder.tips_{better}", lever=voice.lever(row["lever"]), value=value, regime=facts.main_regime,
                    baseline=facts.baseline, outcome=voice.outcome(row["outcome"]), year=row["year"],
                    share=voice.share(row["share_tips"]),
                )
            )  # fmt: skip
    return found


def _change(voice: Voice, row: Row) -> dict[str, Markup]:
    decimals = decimals_of_interval(row["change_low"], row["change_high"], row["change"])
    ends = {
        end: exact(row[f"change_{end}"], voice.numbers.number(row[f"change_{end}"], decimals, sign=True))
        for end in ("low", "high")
    }
    return {"change": voice.amount(row["change"], row["unit"], decimals, sign=True), **ends}


def _ladder_table(voice: Voice, facts: Facts, rows: list[Row]) -> Table:
    outcomes = list(dict.fromkeys(row["outcome"] for row in rows))
    by_place = {(row["lever"], row["outcome"]): row for row in rows}
    body: list[tuple[Cell, ...]] = []
    for lever in dict.fromkeys(row["lever"] for row in rows):
        cells = []
        for outcome in outcomes:
            change = _change(voice, by_place[lever, outcome])
            cells.append(
                number(change["change"], voice.texts.markup("interval", low=change["low"], high=change["high"]))
            )
        body.append((head(voice.lever(lever)), *cells))
    return Table(
        "ladder-table",
        voice.texts("table.ladder", year=facts.report_year),
        LADDER,
        (voice.texts("head.lever"), *(voice.outcome(each) for each in outcomes)),
        tuple(body),
        (voice.texts("note.ladder"),),
    )


def _rank_table(voice: Voice, facts: Facts) -> Table:
    rows = [
        r for r in voice.results.rows(RANKS) if r["year"] == facts.report_year and r["outcome"] in facts.main_outcomes
    ]
    body: list[tuple[Cell, ...]] = []
    for outcome in dict.fromkeys(row["outcome"] for row in rows):
        mine = [row for row in rows if row["outcome"] == outcome]
        decimals = decimals_of_value(max(each["mean_regret"] for each in mine) or 1.0, 2)
        body.append((band(voice.outcome(outcome), 4),))
        for row in mine:
            regrets = (
                number(voice.amount(row[key], row["unit"], decimals)) for key in ("mean_regret", "largest_regret")
            )
            body.append((head(row["regime"]), number(voice.share(row["share_rank_1"])), *regrets))
    columns = ("regime", "best", "mean_regret", "largest_regret")
    return Table(
        "ranks",
        voice.texts("table.ranks", year=facts.report_year),
        RANKS,
        tuple(voice.texts(f"head.{each}") for each in columns),
        tuple(body),
        (voice.texts("note.ranks"),),
    )


def _form_rows(voice: Voice, facts: Facts) -> list[Row]:
    """The regimes under other forms of the model: headline outcome, report year."""
    rows = voice.results.rows(ALTERNATIVES)
    return [row for row in rows if row["year"] == facts.report_year and row["outcome"] == facts.headline]


def form_sentences(voice: Voice, facts: Facts) -> list[Markup]:
    """Whether another regime is best most often, or on the median, once the form of the model changes."""
    rows = _form_rows(voice, facts)
    if not rows:
        return []
    leaders = {
        form: max((row for row in rows if row["form"] == form), key=lambda row: row["best"])["regime"]
        for form in dict.fromkeys(row["form"] for row in rows)
    }
    first, *rest = leaders.values()
    where = {"regime": first, "outcome": voice.outcome(facts.headline), "year": facts.report_year}
    if all(each == first for each in rest):
        return [voice.texts.markup("form.same", **where)]
    others = [
        voice.texts.markup("form.other", form=voice.texts(f"alternative.{form}"), regime=leader)
        for form, leader in leaders.items()
        if leader != first
    ]
    return [voice.texts.markup("form.differs", others=listed(voice, others), **where)]


def _form_table(voice: Voice, facts: Facts, rows: list[Row]) -> Table:
    body: list[tuple[Cell, ...]] = []
    for form in dict.fromkeys(row["form"] for row in rows):
        body.append((band(voice.texts(f"alternative.{form}"), 3),))
        for row in (each for each in rows if each["form"] == form):
            decimals = decimals_of_interval(row["gap_low"], row["gap_high"], row["gap"])
            low, high = (exact(row[end], voice.numbers.number(row[end], decimals, sign=True))
                         for end in ("gap_low", "gap_high"))  # fmt: skip
            gap = voice.amount(row["gap"], row["unit"], decimals, sign=True)
            body.append(
                (
                    head(row["regime"]),
                    number(gap, voice.texts.markup("interval", low=low, high=high)),
                    number(voice.share(row["best"])),
                )
            )
    return Table(
        "forms",
        voice.texts("table.forms", outcome=voice.outcome(facts.headline), year=facts.report_year),
        ALTERNATIVES,
        (voice.texts("head.regime"), voice.texts("head.gap_to", baseline=facts.baseline), voice.texts("head.best")),
        tuple(body),
        (voice.texts("note.forms", draws=voice.numbers.number(rows[0]["draws"], 0)),),
    )


def _failure_table(voice: Voice, rows: list[Row]) -> Table:
    body = []
    for row in rows:
        label = row[f"label_{voice.language}"] or row["input"]
        pair = voice.texts("failure.pair", regime=row["regime"], against=row["against"])
        body.append(
            (head(pair), cell(label), cell(_condition(voice, row, "alone_")), number(voice.share(row["stability"])))
        )
    columns = ("pair", "input", "condition", "stability")
    return Table(
        "failures",
        voice.texts("table.failures", outcome=voice.outcome(rows[0]["outcome"]), year=rows[0]["year"]),
        FAILURES,
        tuple(voice.texts(f"head.{each}") for each in columns),
        tuple(body),
        (voice.texts("note.failures"),),
    )
