"""A reviewer's questions to the shares of variance: settled, over the horizon, by group, and once more otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from alliance_dynamics.report.blocks import Cell, Figure, Section, Table, band, cell, head, number
from alliance_dynamics.report.facts import Facts
from alliance_dynamics.report.numbers import decimals_of_value, exact
from alliance_dynamics.report.results import Row
from alliance_dynamics.report.voice import Voice
from alliance_dynamics.report.wording import listed, quoted, share_range

STOP_RULE, CONVERGENCE = "sensitivity/stop_rule.csv", "sensitivity/convergence.csv"
HORIZON, GROUPS_FILE, INDICES = "sensitivity/horizon.csv", "sensitivity/groups.csv", "sensitivity/indices.csv"
REPEATED, SHAPLEY, HINGES = "sensitivity/repeated.csv", "sensitivity/shapley.csv", "sensitivity/hinges.csv"
DEFAULT = "default"
SHOWN = 3  # leaders of a ranking, and its table
SHOWN_PARAMETERS = 8


def reviewer_sections(voice: Voice, facts: Facts, figures: Sequence[Figure]) -> tuple[Section, ...]:
    """What the results folder has of it, in the order in which a reviewer asks."""
    made = {each.name: each for each in figures}

    def section(name: str, items: Sequence[Markup], tables: Sequence[Table], *drawn: str) -> Section:
        return Section(f"reviewer-{name}", voice.texts(f"reviewer.section.{name}"),
                       (voice.texts(f"reviewer.intro.{name}"),), tuple(items),
                       tuple(made[each] for each in drawn if each in made), tuple(tables))  # fmt: skip

    found = []
    if voice.results.rows(STOP_RULE):
        found.append(section("settled", settled_sentences(voice), [_stop_table(voice)], "convergence"))
    if voice.results.rows(GROUPS_FILE):
        found.append(section("groups", group_sentences(voice, facts), [], "groups"))
    if voice.results.rows(HORIZON):
        found.append(section("horizon", [], [_horizon_table(voice, facts)]))
    if voice.results.rows(REPEATED):
        found.append(section("repeated", repeated_sentences(voice, facts), [_repeated_table(voice, facts)]))
    if voice.results.rows(SHAPLEY):
        found.append(section("shapley", [], [_shapley_table(voice, facts)]))
    return tuple(found)


def unsettled(voice: Voice) -> list[str]:
    """Outcomes whose shares have not met the stop rule."""
    return [row["outcome"] for row in voice.results.rows(STOP_RULE) if not row["reached"]]


def settled_sentences(voice: Voice) -> list[Markup]:
    """Which outcomes have met the stop rule, which have not, and how wide their intervals still are."""
    rows = voice.results.rows(STOP_RULE)
    met = [voice.outcome(row["outcome"]) for row in rows if row["reached"]]
    found = [voice.texts.markup("reviewer.met", outcomes=quoted(voice, met))] if met else []
    open_ = [row for row in rows if not row["reached"]]
    if open_:
        widths = [row["widest_half_width"] for row in open_ if row["widest_half_width"] is not None]
        shown = voice.numbers.number(100 * max(widths, default=0.0), 1)
        names = quoted(voice, [voice.outcome(row["outcome"]) for row in open_])
        found.append(voice.texts.markup("reviewer.open", outcomes=names, width=shown))
    summary = voice.results.sensitivity
    if summary.get("step_effect"):
        dt = voice.numbers.number(summary["dt"], decimals_of_value(summary["dt"], 2))
        found.append(voice.texts.markup("reviewer.step", dt=dt,
                                        effect=voice.numbers.number(100 * summary["step_effect"], 2)))  # fmt: skip
    return found


def group_sentences(voice: Voice, facts: Facts) -> list[Markup]:
    """What the levers, the calibrated parameters and the assumptions explain of the headline outcome, each together."""
    rows, rest = _group_rows(voice, facts)
    if not rows:
        return []
    parts = [voice.texts.markup("variance.named", lever=voice.lever(row["lever"]), share=share_range(voice, row, "S1"))
             for row in rows]  # fmt: skip
    return [voice.texts.markup("reviewer.groups", parts=listed(voice, parts), rest=voice.share(rest),
                               outcome=voice.outcome(facts.headline), year=facts.report_year)]  # fmt: skip


def group_answer(voice: Voice, facts: Facts) -> list[Markup]:
    """The same shares in plain words."""
    rows, rest = _group_rows(voice, facts)
    parts = [voice.texts.markup("sensitivity.part", share=share_range(voice, row, "S1"),
                                group=voice.texts(f"sensitivity.group.{row['lever']}")) for row in rows]  # fmt: skip
    return [voice.texts.markup("sensitivity.answer", parts=listed(voice, parts), rest=voice.share(rest),
                               outcome=voice.outcome(facts.headline), year=facts.report_year)] * bool(rows)  # fmt: skip


def _group_rows(voice: Voice, facts: Facts) -> tuple[list[Row], float]:
    """The groups of the headline outcome in the report year, and the share that none of them has alone."""
    rows = [row for row in voice.results.rows(GROUPS_FILE)
            if row["outcome"] == facts.headline and row["year"] == facts.report_year]  # fmt: skip
    return rows, max(0.0, 1 - sum(max(row["S1"], 0.0) for row in rows))


def repeated_sentences(voice: Voice, facts: Facts) -> list[Markup]:
    """In how many repetitions each outcome keeps its first input, and its first three."""
    found = []
    for outcome, variants in _by_outcome(voice).items():
        mine = {name: [row["lever"] for row in rows[:SHOWN]] for name, rows in variants.items()}
        default = mine.pop(DEFAULT, None)
        if default is None or not mine:
            continue
        first = sum(each[0] == default[0] for each in mine.values())
        three = sum(set(each) == set(default) for each in mine.values())
        found.append(voice.texts.markup("reviewer.kept", outcome=voice.outcome(outcome), first=first, three=three,
                                        all=len(mine), lever=voice.lever(default[0])))  # fmt: skip
    return found


def hinge_table(voice: Voice, facts: Facts) -> Table | None:
    """How often each regime is best in thirds of the inputs on which the ranking hangs."""
    rows = voice.results.rows(HINGES)
    if not rows:
        return None
    regimes = list(dict.fromkeys(row["regime"] for row in rows))
    body: list[tuple[Cell, ...]] = []
    for name in dict.fromkeys(row["input"] for row in rows):
        mine = [row for row in rows if row["input"] == name]
        body.append((band(mine[0][f"label_{voice.language}"], len(regimes) + 1),))
        for third in sorted({row["third"] for row in mine}):
            at = {row["regime"]: row for row in mine if row["third"] == third}
            ends = (next(iter(at.values()))[end] for end in ("low", "high"))
            low, high = (exact(end, voice.numbers.number(end, decimals_of_value(end, 2))) for end in ends)
            span = voice.texts.markup("range", low=low, high=high)
            body.append((head(span), *(number(voice.share(at[each]["best"])) for each in regimes)))
    return Table("hinges", voice.texts("reviewer.table.hinges", outcome=voice.outcome(rows[0]["outcome"]),
                                       year=rows[0]["year"]), HINGES,
                 (voice.texts("reviewer.head.third"), *regimes), tuple(body),
                 (voice.texts("reviewer.note.hinges"),))  # fmt: skip


def hinge_sentence(voice: Voice, facts: Facts) -> Markup | None:
    """The inputs on which the ranking hangs, named."""
    names = list(dict.fromkeys(row[f"label_{voice.language}"] for row in voice.results.rows(HINGES)))
    if not names:
        return None
    return voice.texts.markup("reviewer.hang", inputs=quoted(voice, names), regime=facts.main_regime)


def _stop_table(voice: Voice) -> Table:
    body = []
    for row in voice.results.rows(STOP_RULE):
        width = row["widest_half_width"]
        shown = "—" if width is None else exact(width, voice.numbers.number(100 * width, 1))
        verdict = voice.texts(f"reviewer.verdict.{'met' if row['reached'] else 'open'}")
        body.append((head(voice.outcome(row["outcome"])), number(shown), cell(verdict)))
    columns = ("outcome", "width", "verdict")
    return Table("stop-rule", voice.texts("reviewer.table.settled"), STOP_RULE,
                 tuple(voice.texts(f"reviewer.head.{each}") for each in columns), tuple(body),
                 (voice.texts("reviewer.note.settled"),))  # fmt: skip


def _horizon_table(voice: Voice, facts: Facts) -> Table:
    """T2: the total share of every input in the headline outcome, over the horizon and in the report's years."""
    whole = {row["lever"]: row for row in voice.results.rows(HORIZON) if row["outcome"] == facts.headline}
    years = sorted({row["year"] for row in voice.results.rows(CONVERGENCE)}) or [facts.report_year]
    at = {(row["lever"], row["year"]): row for row in voice.results.rows(INDICES) if row["outcome"] == facts.headline}
    body = []
    for lever, row in whole.items():
        rows = [row, *(at.get((lever, year)) for year in years)]
        body.append((head(voice.lever(lever)), *(_share(voice, each) for each in rows)))
    first = next(iter(whole.values()))
    columns = (voice.texts("head.input"), f"{first['first']}\u2013{first['last']}", *map(str, years))
    return Table("horizon", voice.texts("reviewer.table.horizon", outcome=voice.outcome(facts.headline)), HORIZON,
                 columns, tuple(body), (voice.texts("reviewer.note.horizon"),))  # fmt: skip


def _share(voice: Voice, row: Row | None) -> Cell:
    if row is None:
        return number("—")
    low, high = (voice.numbers.number(max(row[f"ST_{end}"], 0.0), 2) for end in ("low", "high"))
    middle = exact(row["ST"], voice.numbers.number(max(row["ST"], 0.0), 2))
    return number(middle, voice.texts.markup("interval", low=low, high=high))


def _by_outcome(voice: Voice) -> dict[str, dict[str, list[Row]]]:
    """Rows of repeated.csv, by outcome and variant, the first input first."""
    found: dict[str, dict[str, list[Row]]] = {}
    for row in sorted(voice.results.rows(REPEATED), key=lambda row: row["rank"]):
        found.setdefault(row["outcome"], {}).setdefault(row["variant"], []).append(row)
    order = list(dict.fromkeys(row["variant"] for row in voice.results.rows(REPEATED)))
    return {outcome: {name: rows[name] for name in order if name in rows} for outcome, rows in found.items()}


def _repeated_table(voice: Voice, facts: Facts) -> Table:
    """T5: the first three inputs of every repetition with the shares of samples in which they come first."""
    body: list[tuple[Cell, ...]] = []
    for outcome, variants in _by_outcome(voice).items():
        body.append((band(voice.outcome(outcome), SHOWN + 1),))
        for name, rows in variants.items():
            key = f"reviewer.variant.{name}"
            label = voice.texts(key if voice.texts.has(key) else f"alternative.{name}")
            cells = [
                cell(voice.lever(row["lever"]), voice.texts.markup("reviewer.places", first=voice.share(row["top_1"]),
                                                                   three=voice.share(row["top_3"])))
                for row in rows[:SHOWN]
            ]  # fmt: skip
            body.append((head(label), *cells))
    columns = ("variant", "rank_1", "rank_2", "rank_3")
    return Table("repeated", voice.texts("reviewer.table.repeated", year=facts.report_year), REPEATED,
                 tuple(voice.texts(f"reviewer.head.{each}") for each in columns), tuple(body),
                 (voice.texts("reviewer.note.repeated"),))  # fmt: skip


def _shapley_table(voice: Voice, facts: Facts) -> Table:
    """The calibrated parameters with the largest shares, per outcome."""
    rows = voice.results.rows(SHAPLEY)
    body: list[tuple[Cell, ...]] = []
    for outcome in dict.fromkeys(row["outcome"] for row in rows):
        body.append((band(voice.outcome(outcome), 2),))
        mine = sorted((row for row in rows if row["outcome"] == outcome), key=lambda row: -row["share"])
        for row in mine[:SHOWN_PARAMETERS]:
            low, high = (voice.numbers.number(100 * (row["share"] + side * row["half_width"]), 0) for side in (-1, 1))
            interval = voice.texts.markup("interval", low=low, high=high)
            body.append((head(row[f"label_{voice.language}"]), number(voice.share(row["share"]), interval)))
    return Table("shapley", voice.texts("reviewer.table.shapley", regime=facts.main_regime, baseline=facts.baseline,
                                        year=rows[0]["year"]), SHAPLEY,
                 (voice.texts("head.input"), voice.texts("reviewer.head.share")), tuple(body),
                 (voice.texts("reviewer.note.shapley", runs=voice.numbers.number(rows[0]["runs"], 0)),))  # fmt: skip
