"""Sentences made from numbers by rules: what may be said of an effect, of a ranking and of a share of variance."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from markupsafe import Markup, escape

from alliance_dynamics.report.results import Row
from alliance_dynamics.report.voice import Voice

VERY_SMALL, SMALL = 0.1, 1.0  # per cent of the baseline's value
CREDIBLE = 0.3  # per cent of gross regional product: above it an effect of coordination is a reason to look for a fault
VISIBLE = 0.05  # a share of variance below it is not told in a sentence
INTERACTIONS = 0.8  # sum of first-order shares below which interactions are named
FIXED_TOTAL, FIXED_HIGH = 0.01, 0.05  # a total index below both can be fixed without visible effect


def gap_sentence(voice: Voice, row: Row, draws: int) -> Markup:
    """One row of `summary.csv` as a sentence with range and share of draws; a small effect is said to be small."""
    gap, low, high = voice.gap(row)
    return voice.texts.markup(
        f"gap.{row['verdict']}",
        regime=voice.regime(row["regime"]),
        baseline=voice.regime(row["baseline"]),
        outcome=voice.outcome(row["outcome"]),
        element=voice.element(row["element"]),
        year=row["year"],
        gap=_with_percent(voice, row, gap),
        low=low,
        high=high,
        share=voice.share_of_draws(row["share_better"], draws),
        size=size_of_effect(voice, row["gap_percent"]),
    )


def size_of_effect(voice: Voice, percent: float | None) -> str:
    """`: a very small effect`, or nothing where there is no percentage to judge by."""
    if percent is None:
        return ""
    if abs(percent) < VERY_SMALL:
        return voice.texts("size.very_small")
    return voice.texts("size.small" if abs(percent) < SMALL else "size.visible")


def ranking_sentences(voice: Voice, rows: Sequence[Row]) -> list[Markup]:
    """What the intervals of several regimes allow to say; regimes whose intervals overlap are never ranked.

    `rows` are of one outcome, element and year, one per regime.
    """
    apart = [_ordered(a, b) for a, b in combinations(rows, 2) if not _overlap(a, b, "gap_low", "gap_high")]
    if not apart:
        return [voice.texts.markup("ranking.none", regimes=listed(voice, [row["regime"] for row in rows]))]
    found = [voice.texts.markup("ranking.above", upper=a["regime"], lower=b["regime"]) for a, b in apart]
    together = [(a, b) for a, b in combinations(rows, 2) if _overlap(a, b, "gap_low", "gap_high")]
    if together:
        pairs = listed(voice, [f"{a['regime']}\u2060–\u2060{b['regime']}" for a, b in together])
        found.append(voice.texts.markup("ranking.rest", pairs=pairs))
    return found


def variance_sentences(voice: Voice, rows: Sequence[Row]) -> list[Markup]:
    """Sentences on the indices of one outcome in one year, one row per input.

    "X explains 31-36 % of the variance of Y in 2040 given the ranges in T1"; inputs whose intervals overlap are
    called indistinguishable and stand in the order of the file.
    """
    where = {"outcome": voice.outcome(rows[0]["outcome"]), "year": rows[0]["year"]}
    seen = sorted((row for row in rows if row["S1_high"] >= VISIBLE), key=lambda row: -row["S1"])
    sentences = []
    for group in _chains(seen):
        named = sorted(group, key=rows.index)
        spans = [
            voice.texts.markup("variance.named", lever=voice.lever(row["lever"]), share=share_range(voice, row, "S1"))
            for row in named
        ]
        key = "variance.one" if len(group) == 1 else "variance.indistinguishable"
        values = {"levers": listed(voice, spans)} if len(group) > 1 else {
            "lever": voice.lever(group[0]["lever"]), "share": share_range(voice, group[0], "S1")
        }  # fmt: skip
        sentences.append(voice.texts.markup(key, **values, **where))
    if not seen:
        sentences.append(voice.texts.markup("variance.nothing", **where))
    total = sum(max(row["S1"], 0.0) for row in rows)
    if total < INTERACTIONS:
        rest = voice.share(1 - total)
        sentences.append(voice.texts.markup("variance.interactions", total=voice.share(total), rest=rest, **where))
    fixed = [row for row in rows if row["ST"] < FIXED_TOTAL and row["ST_high"] < FIXED_HIGH]
    if fixed:
        levers = quoted(voice, [voice.lever(row["lever"]) for row in fixed])
        sentences.append(voice.texts.markup("variance.fixed", levers=levers, **where))
    return sentences


def share_range(voice: Voice, row: Row, index: str) -> Markup:
    """`31–36 %`: the interval of an index, its ends held between 0 and 100 %."""
    low, high = (min(max(row[f"{index}_{end}"], 0.0), 1.0) for end in ("low", "high"))
    decimals = 1 if high < 0.1 else 0
    return Markup("").join([voice.numbers.number(100 * low, decimals), "–", voice.share(high, decimals)])


def listed(voice: Voice, names: Sequence[str]) -> Markup:
    """`a, b and c`."""
    parts = [name if isinstance(name, Markup) else Markup(escape(name)) for name in names]
    if len(parts) < 2:
        return Markup("").join(parts)
    return Markup("").join([Markup(", ").join(parts[:-1]), voice.texts("list.and"), parts[-1]])


def quoted(voice: Voice, names: Sequence[str]) -> Markup:
    """`“a”, “b” and “c”`, for names of several words."""
    return listed(voice, [voice.texts("list.quoted", name=name) for name in names])


def _with_percent(voice: Voice, row: Row, gap: Markup) -> Markup:
    if row["gap_percent"] is None or row["unit"] == "%":
        return gap
    return gap + Markup(" (") + voice.percent(row["gap_percent"], sign=True) + Markup(")")


def _overlap(a: Row, b: Row, low: str, high: str) -> bool:
    return a[low] <= b[high] and b[low] <= a[high]


def _ordered(a: Row, b: Row) -> tuple[Row, Row]:
    return (a, b) if a["gap"] >= b["gap"] else (b, a)


def _chains(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows, largest first, cut where an input's interval meets none of the inputs above it."""
    groups: list[list[Row]] = []
    for row in rows:
        if groups and any(_overlap(row, other, "S1_low", "S1_high") for other in groups[-1]):
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups
