"""The result files that a policymaker's page is made from: ladder.csv, ranks.csv, failures.csv."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alliance_dynamics.calibration.calibration import Calibration
from alliance_dynamics.calibration.regions import read_regions
from alliance_dynamics.futures import Futures
from alliance_dynamics.parameters import Parameters
from alliance_dynamics.regimes import RegimeRuns
from alliance_dynamics.result_files import write_rows
from alliance_dynamics.sensitivity.governance import GovernanceSweep
from alliance_dynamics.sensitivity.hinges import hinge_rows
from alliance_dynamics.sensitivity.ladder import Rung
from alliance_dynamics.sensitivity.standing import Standing

SHOWN_FUTURES = 100  # of each kind, in the order of the draws


def write_ladder(folder: Path, rungs: Sequence[Rung]) -> None:
    """ladder.csv: change of every outcome from the low to the high setting of every lever, and where it tips."""
    rows = [
        {
            "lever": each.lever, "outcome": each.outcome, "year": each.year, "unit": each.unit,
            "low": float(each.settings[0]), "high": float(each.settings[-1]),
            "change": each.change, "change_low": each.change_low, "change_high": each.change_high,
            "share_rises": each.rises, "tipping": each.tipping.value, "tipping_low": each.tipping.low,
            "tipping_high": each.tipping.high, "share_tips": each.tipping.crossing,
            "share_better_at_low": float(each.tipping.better[0]),
            "share_better_at_high": float(each.tipping.better[-1]),
        }
        for each in rungs
    ]  # fmt: skip
    write_rows(folder / "ladder.csv", rows)


def write_standing(folder: Path, standing: Standing, inputs: Sequence[Mapping[str, str]]) -> None:
    """ranks.csv: robustness of every regime per outcome and year; failures.csv: a row per limit of a failing box;
    peeling.csv: coverage and density of every step on the way to a box; futures.csv: failing and other futures side by
    side, by their places in the inputs that tell them apart."""
    ranks: list[dict[str, Any]] = []
    for outcome, year, unit, measures in standing.measures:
        for p, policy in enumerate(measures.policies):
            shares = {f"share_rank_{r + 1}": float(share) for r, share in enumerate(measures.ranks[p])}
            ranks.append(
                {
                    "outcome": outcome, "year": year, "unit": unit, "regime": policy, "mean": float(measures.mean[p]),
                    "tenth": float(measures.tenth[p]), "mean_regret": float(measures.mean_regret[p]),
                    "largest_regret": float(measures.largest_regret[p]),
                    "satisfied": float(measures.satisfied[p]), **shares,
                }
            )  # fmt: skip
    write_rows(folder / "ranks.csv", ranks)
    cards = {card["input"]: card for card in inputs}
    rows: list[dict[str, Any]] = []
    for each in standing.failures:
        whole: dict[str, Any] = {
            "regime": each.regime, "against": each.against, "outcome": each.outcome, "year": each.year,
            "count": each.count, "draws": each.draws,
        }  # fmt: skip
        if each.box is None or not each.box.limits:
            rows.append({**whole, "input": None, "low": None, "high": None})
            continue
        whole |= {"coverage": each.box.coverage, "density": each.box.density, "base_rate": each.box.base_rate}
        for limit in each.box.limits:
            found = {"low": limit.low, "high": limit.high, "quasi_p": limit.quasi_p, "stability": limit.stability}
            rows.append({**whole, **cards[limit.name], **found})
    peeling = [
        {"regime": each.regime, "against": each.against, "step": step, "coverage": float(coverage),
         "density": float(density), "limits": int(limits)}
        for each in standing.failures if each.box is not None
        for step, (coverage, density, limits) in enumerate(each.box.trade_off)
    ]  # fmt: skip
    side = [
        {"regime": each.regime, "against": each.against, "draw": int(draw), "fails": bool(each.fails[draw]),
         **{key: cards[name][key] for key in ("input", "label_en", "label_ru")}, "place": float(each.places[i, draw])}
        for each in standing.failures if each.box is not None
        for kind in (True, False) for draw in np.flatnonzero(each.fails == kind)[:SHOWN_FUTURES]
        for i, name in enumerate(each.telling)
    ]  # fmt: skip
    for name, table in (("peeling.csv", peeling), ("futures.csv", side)):
        if table:
            write_rows(folder / name, table)
    first = ["regime", "against", "outcome", "year", "count", "draws", "coverage", "density", "base_rate", "input"]
    write_rows(
        folder / "failures.csv", rows, [*first, "label_en", "label_ru", "unit", "low", "high", "quasi_p", "stability"]
    )


def write_groups(folder: Path, sweep: GovernanceSweep) -> None:
    """groups.csv: S1 and ST of all levers together, the calibrated parameters and the assumptions, and the part of the
    variance that arises between these groups only, for every outcome and year in which it varies."""
    rows = [row for row in sweep.indices.table if math.isfinite(float(str(row["ST"])))]
    write_rows(folder / "groups.csv", rows, ["outcome", "year", "lever", "S1", "S1_low", "S1_high"])


def write_hinges(
    folder: Path, runs: RegimeRuns, futures: Futures, inputs: Sequence[Mapping[str, str]], *, regime: str,
    baseline: str, outcome: str, year: int,
) -> None:  # fmt: skip
    """hinges.csv: the regimes in thirds of the inputs that decide which of them is best."""
    cards = {card["input"]: card for card in inputs}
    rows = hinge_rows(runs, futures, regime=regime, baseline=baseline, outcome=outcome, year=year,
                      inputs=[card["input"] for card in inputs])  # fmt: skip
    if rows:
        write_rows(folder / "hinges.csv", [{**row, **cards[row["input"]]} for row in rows])


def write_shares(folder: Path, shares: Sequence[Mapping[str, Any]], inputs: Sequence[Mapping[str, str]]) -> None:
    """shapley.csv: shares of single calibrated parameters, with their labels."""
    cards = {card["input"]: card for card in inputs}
    write_rows(folder / "shapley.csv", [{**row, **cards[row["input"]]} for row in shares])


def cards_of_inputs(calibration: Calibration, futures: Futures, parameters: Parameters) -> list[dict[str, str]]:
    """Name, labels and unit of every column of the futures: calibrated parameters, then assumptions."""
    regions = read_regions(calibration.setup.problem)
    cards = []
    for row in calibration.table[: len(futures.calibrated)]:
        labels = {}
        for language, column in (("en", "label"), ("ru", "label_ru")):
            text = str(row[column])
            for experiment, card in regions.items():
                text = text.replace(experiment, card.get(f"region_label_{language}", experiment))
            labels[f"label_{language}"] = text
        cards.append({"input": str(row["parameter"]), **labels, "unit": str(row["unit"])})
    for each in futures.assumptions:
        name, _, inside = each.name.partition("[")
        card = parameters.constants[name]
        elements = [{**parameters.elements.get(e, {}), "name": e} for e in inside.rstrip("]").split(",") if e]
        labels = {
            f"label_{language}": ", ".join(
                [card.labels.get(language, name), *(e.get(language, e["name"]) for e in elements)]
            )
            for language in ("en", "ru")
        }
        cards.append({"input": each.name, **labels, "unit": card.unit})
    return cards
