"""Regimes against a baseline over common draws: the gap, how surely it is better, how often each regime is best.

Draw i of every regime is the same future, so the gap is taken draw by draw and only then summed up.  What overlaps is
never ranked: a regime is better or worse where at least 90 % of the draws say so, and indistinguishable otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from alliance_dynamics.errors import Fault, RunError, UsageError, fault, suggestion

OnFail = Literal["error", "drop_draw"]
INTERVAL = (0.05, 0.95)  # quantiles over draws
SURE = 0.9  # share of draws from which a regime is called better
FEWEST_DRAWS = 10  # below it 90 % of the draws cannot be counted, and nothing is judged
TIE = 1e-12  # of the larger magnitude: values this near are rounding apart, and count as equal
FAULTS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is compared.  `better` is +1 where more is better and -1 where less is."""

    name: str
    label_en: str = ""
    label_ru: str = ""
    unit: str = "Dmnl"
    better: int = 1


@dataclass(frozen=True)
class Comparison:
    """All regimes against one baseline; made by `compare_values`.

    `summary`: one record per outcome, year (element) and regime other than the baseline: regime, baseline, outcome,
    unit, year, gap with gap_low and gap_high (median, 5 % and 95 % of the gap over draws), gap_percent with its
    interval (None where a percentage has no meaning, with a note), share_better, verdict, draws.
    `table`: one record per outcome, year (element) and regime, the baseline too: level with its interval (median, 5 %,
    95 %), best (share of draws in which it is best, ties shared), and against the best regime of the same draw, in the
    unit of the outcome, regret_mean, regret_high (95 %), regret_max.
    """

    regimes: tuple[str, ...]
    baseline: str
    outcomes: tuple[Outcome, ...]
    years: tuple[float, ...]
    draws: int
    dropped: int
    summary: list[dict[str, object]]
    table: list[dict[str, object]]
    notes: tuple[Fault, ...]

    def __str__(self) -> str:
        return "\n".join(_printed(self))


def compare_values(
    values: Mapping[str, np.ndarray],
    outcomes: Sequence[Outcome],
    *,
    regimes: Sequence[str],
    years: Sequence[float],
    baseline: str,
    at: Sequence[float] | None = None,
    elements: Sequence[str] | None = None,
    on_fail: OnFail = "error",
) -> Comparison:
    """Compare values[outcome name] of shape [regime, draw, year], with a last axis of `elements` where they are given.

    `at`: the years to report, each of them a saved one; the last year unless given.  Draws must be common: draw i is
    the same parameters and events in every regime.  `on_fail="error"` refuses values that are not finite in those years
    and names regime, draw and year; `"drop_draw"` leaves such a draw out of every regime and outcome, and counts it.
    """
    chosen = _chosen(values, outcomes, regimes, years, baseline, at, elements, on_fail)
    kept, dropped = _kept_draws(chosen, regimes, elements, on_fail)
    summary: list[dict[str, object]] = []
    table: list[dict[str, object]] = []
    notes = list(_notes_on_draws(int(kept.sum()), dropped))
    base = list(regimes).index(baseline)
    for outcome, year, element, draws in chosen:
        where: dict[str, object] = {"outcome": outcome.name, "unit": outcome.unit, "year": year}
        if element is not None:
            where["element"] = element
        here = draws[:, kept]
        best, regret = probability_best(here, outcome.better), regrets(here, outcome.better)
        percent = [percent_gaps(each, here[base]) for each in here]
        if percent[base] is None:
            notes.append(
                fault("", "the gap of {outcome} in {year} has no percentage", outcome=outcome.name, year=year,
                      remedy="The baseline is 0, or has both signs, over the draws")
            )  # fmt: skip
        for i, regime in enumerate(regimes):
            high = float(np.quantile(regret[i], INTERVAL[1]))
            table.append({"regime": regime, **where, **quantiles("level", here[i]), "best": float(best[i]),
                          "regret_mean": float(regret[i].mean()), "regret_high": high,
                          "regret_max": float(regret[i].max()), "draws": int(kept.sum())})  # fmt: skip
            if i == base:
                continue
            share = share_better(here[i], here[base], outcome.better)
            summary.append({"regime": regime, "baseline": baseline, **where, **quantiles("gap", here[i] - here[base]),
                            **quantiles("gap_percent", percent[i]), "share_better": share,
                            "verdict": verdict(share, int(kept.sum())), "draws": int(kept.sum())})  # fmt: skip
    shown = tuple(dict.fromkeys(float(year) for _, year, _, _ in chosen))
    return Comparison(tuple(regimes), baseline, tuple(outcomes), shown, int(kept.sum()), dropped, summary, table,
                      tuple(notes))  # fmt: skip


def share_better(values: np.ndarray, baseline: np.ndarray, better: int) -> float:
    """Share of draws [draw] in which `values` is better than the baseline of the same draw; equal ones count half."""
    equal = np.abs(values - baseline) <= TIE * np.maximum(np.abs(values), np.abs(baseline))
    return float(np.mean(np.where(equal, 0.5, better * (values - baseline) > 0)))


def verdict(share: float, draws: int) -> str:
    """The word for a share of draws: better, worse, indistinguishable; or not judged on fewer than ten draws."""
    if draws < FEWEST_DRAWS:
        return "not judged"
    rounding = 1e-9
    return "better" if share >= SURE - rounding else "worse" if share <= 1 - SURE + rounding else "indistinguishable"


def percent_gaps(values: np.ndarray, baseline: np.ndarray) -> np.ndarray | None:
    """Gaps [draw] in percent of the magnitude of the same draw's baseline; None where that is 0 or changes sign."""
    if not (np.all(baseline > 0) or np.all(baseline < 0)):
        return None
    return 100 * (values - baseline) / np.abs(baseline)


def rank_probabilities(values: np.ndarray, better: int) -> np.ndarray:
    """From values [regime, draw], the share of draws [regime, rank] in which a regime takes each rank, the best first.

    Regimes that are equal in a draw share their ranks evenly, so every row and every column sums to 1.
    """
    order = np.argsort(-better * values, axis=0, kind="stable")
    falling = np.take_along_axis(values, order, axis=0)
    near = TIE * np.maximum(np.abs(falling[1:]), np.abs(falling[:-1]))
    new = np.abs(np.diff(falling, axis=0)) > near
    group = np.concatenate([np.zeros((1, values.shape[1]), dtype=int), np.cumsum(new, axis=0)])
    together = group[:, None] == group[None]  # [regime in order, rank, draw]
    shares = together / together.sum(axis=1, keepdims=True)
    back = np.argsort(order, axis=0)
    return np.take_along_axis(shares, back[:, None], axis=0).mean(axis=2)


def probability_best(values: np.ndarray, better: int) -> np.ndarray:
    """From values [regime, draw], the share of draws [regime] in which a regime is best, ties shared."""
    return rank_probabilities(values, better)[:, 0]


def regrets(values: np.ndarray, better: int) -> np.ndarray:
    """From values [regime, draw], how far each regime stays behind the best one of the same draw; 0 or more."""
    gain = better * values
    return gain.max(axis=0) - gain


def _chosen(
    values: Mapping[str, np.ndarray], outcomes: Sequence[Outcome], regimes: Sequence[str], years: Sequence[float],
    baseline: str, at: Sequence[float] | None, elements: Sequence[str] | None, on_fail: str,
) -> list[tuple[Outcome, float, str | None, np.ndarray]]:  # fmt: skip
    """Every outcome, year and element to report, with its values [regime, draw]; or all that is wrong with the call."""
    times = [float(year) for year in years]
    wanted = times[-1:] if at is None else [float(year) for year in at]
    faults = list(_faults_of_call(values, outcomes, regimes, times, baseline, wanted, on_fail))
    arrays = {
        outcome.name: np.asarray(values[outcome.name], dtype=float) for outcome in outcomes if outcome.name in values
    }
    extra = () if elements is None else (len(elements),)
    draws = {array.shape[1] for array in arrays.values() if array.ndim >= 2}
    for name, array in arrays.items():
        if array.ndim != 3 + len(extra) or (array.shape[0], *array.shape[2:]) != (len(regimes), len(times), *extra):
            faults.append(
                fault("", "the values of `{name}` have the shape {shape}", name=name, shape=array.shape,
                      expected="{regimes} regimes, draws, {years} years{elements}", regimes=len(regimes),
                      years=len(times), elements=f", {extra[0]} elements" if extra else "")
            )  # fmt: skip
    if len(draws) > 1 or 0 in draws:
        faults.append(fault("", "the outcomes have {draws} draws", draws=sorted(draws),
                            expected="the same draws for every outcome, at least one"))  # fmt: skip
    if faults:
        raise UsageError(faults)
    return [
        (outcome, year, element, arrays[outcome.name][:, :, times.index(year)] if element is None
         else arrays[outcome.name][:, :, times.index(year), place])
        for outcome in outcomes for year in wanted
        for place, element in enumerate([None] if elements is None else elements)
    ]  # fmt: skip


def _faults_of_call(
    values: Mapping[str, np.ndarray], outcomes: Sequence[Outcome], regimes: Sequence[str], times: Sequence[float],
    baseline: str, wanted: Sequence[float], on_fail: str,
) -> Iterator[Fault]:  # fmt: skip
    if baseline not in regimes:
        yield fault("", "there is no regime `{name}` to compare with", expected="one of {known}", name=baseline,
                    remedy=suggestion(baseline, regimes), known=", ".join(regimes))  # fmt: skip
    for kind, names in (("regime", list(regimes)), ("outcome", [outcome.name for outcome in outcomes])):
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield fault(
                "", "the {kind} `{name}` occurs more than once", expected="every name once", kind=kind, name=name
            )
    if not outcomes:
        yield fault("", "there are no outcomes to compare", expected="at least one")
    for outcome in outcomes:
        if outcome.name not in values:
            yield fault(
                "", "there are no values of `{name}`", remedy=suggestion(outcome.name, values), name=outcome.name
            )
        if outcome.better not in (1, -1):
            yield fault("", "`{name}` is better {better}", expected="+1 (more is better) or -1 (less is better)",
                        name=outcome.name, better=outcome.better)  # fmt: skip
    if not times:
        yield fault("", "there are no saved years", expected="at least one")
    for year in wanted:
        if year not in times:
            near = min(times, key=lambda time: abs(time - year)) if times else ""
            yield fault(
                "", "{year} is not a saved year", remedy="The nearest saved year is {near}", year=year, near=near
            )
    if on_fail not in ("error", "drop_draw"):
        yield fault("", "on_fail `{value}` is not known", expected="error or drop_draw",
                    remedy=suggestion(str(on_fail), ("error", "drop_draw")), value=on_fail)  # fmt: skip


def _kept_draws(
    chosen: Sequence[tuple[Outcome, float, str | None, np.ndarray]], regimes: Sequence[str],
    elements: Sequence[str] | None, on_fail: str,
) -> tuple[np.ndarray, int]:  # fmt: skip
    """Which draws are finite in every regime, outcome and year reported, and how many are not."""
    kept = np.all([np.isfinite(draws).all(axis=0) for *_, draws in chosen], axis=0)
    dropped = int(len(kept) - kept.sum())
    if dropped and on_fail == "error":
        faults = [
            fault("", "draw {draw} of `{regime}` gave {value} for {outcome}{element} in {year}", draw=int(draw),
                  expected="finite values",
                  remedy="Mend the run, or drop the draw in every regime with on_fail=\"drop_draw\"",
                  regime=regimes[i], value=float(draws[i, draw]), outcome=outcome.name, year=year,
                  element="" if element is None else f"[{element}]")
            for outcome, year, element, draws in chosen for i, draw in np.argwhere(~np.isfinite(draws))
        ]  # fmt: skip
        more = len(faults) - FAULTS_SHOWN
        raise RunError(
            faults[:FAULTS_SHOWN] + ([fault("", "{more} further values failed", more=more)] if more > 0 else [])
        )
    if not kept.any():
        raise RunError(fault("", "every draw has a failed run", expected="at least one draw that is finite throughout"))
    return kept, dropped


def _notes_on_draws(draws: int, dropped: int) -> Iterator[Fault]:
    if draws < FEWEST_DRAWS:
        yield fault("", "{draws} draws are too few to judge by", expected="at least {least}", draws=draws,
                    least=FEWEST_DRAWS)  # fmt: skip
    if dropped:
        yield fault("", "{dropped} of {all} draws are left out of every regime because of failed runs", dropped=dropped,
                    all=draws + dropped)  # fmt: skip


def quantiles(name: str, draws: np.ndarray | None) -> dict[str, object]:
    """Median and interval over draws under the names `name`, `name_low`, `name_high`."""
    if draws is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    low, middle, high = np.quantile(draws, [INTERVAL[0], 0.5, INTERVAL[1]])
    return {name: float(middle), f"{name}_low": float(low), f"{name}_high": float(high)}


def _printed(card: Comparison) -> Iterator[str]:
    yield f"Against {card.baseline}, {card.draws} common draws; median gap with 5 % and 95 %"
    width = max(len(regime) for regime in card.regimes)
    heading = None
    for record in card.summary:
        element = f"[{record['element']}]" if "element" in record else ""
        if (now := f"{record['outcome']}{element} in {record['year']:g}, {record['unit']}") != heading:
            heading = now
            yield ""
            yield heading
        gap, low, high = (f"{record[key]:+.4g}" for key in ("gap", "gap_low", "gap_high"))
        percent = "" if record["gap_percent"] is None else f" ({record['gap_percent']:+.3g} %)"
        words = f"{record['verdict']}, better in {record['share_better']:.0%} of draws"
        yield f"  {record['regime']:<{width}}  {gap} [{low}, {high}]{percent}: {words}"
    if card.notes:
        yield ""
    for note in card.notes:
        yield f"note: {note}"
