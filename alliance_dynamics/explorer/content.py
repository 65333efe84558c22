"""What the page knows besides the model: levers, regimes, outcomes, draws and reference numbers, as plain JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.accounts import COST, NO_COST
from alliance_dynamics.explorer.parts import Part, common_until, split_name
from alliance_dynamics.explorer.step import Step
from alliance_dynamics.futures import Futures, columns_of_regime
from alliance_dynamics.kernel.integrate import compile_kernel
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.language import LANGUAGES
from alliance_dynamics.model.model import Model
from alliance_dynamics.outcomes import ALLIANCE, INDICATORS, MILESTONES, Indicator, SeriesSet, series_of
from alliance_dynamics.parameters import Lever, Parameters
from alliance_dynamics.report.texts import read_texts
from alliance_dynamics.scenarios import Scenario
from alliance_dynamics.settings import schedule_of

REGION = "tatarstan"
DRAWS = 200
SIGNS = "".join(chr(each) for each in range(35, 127) if chr(each) not in "<\\")  # what JSON and a page take as it is
WHOLE = len(SIGNS) ** 2 - 1  # draws travel as whole numbers between the ends of each column, two signs each
FIRST_YEAR, LAST_YEAR = 2024, 2040  # between which the policy may start, unless a scenario starts elsewhere
REFERENCE_YEAR = 2040
RAMPS = (0.5, 5.0)
HISTORY = {
    "gross_regional_product": "grp_current_real",
    "internal_r&d_expenditure": "rd_expenditure_internal_real",
    "r&d_personnel": "rd_personnel",
    "patents_granted": "patents_granted_inventions",
    "innovative_goods_volume": "innovative_goods_volume_real",
}
SHOWN = (
    *INDICATORS,
    Indicator("information_quality", "information_quality", "mean", whole_only=True),
    Indicator(COST, COST, "sum", better=-1),
)


@dataclass(frozen=True)
class Packed:
    """Draws of some program parameters, `values` [draws, columns] as the page will unpack them."""

    columns: tuple[int, ...]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    whole: NDArray[np.uint16]

    @property
    def values(self) -> NDArray[np.float64]:
        return self.low + (self.high - self.low) * (self.whole.astype(np.float64) / WHOLE)

    def as_json(self) -> dict[str, Any]:
        text = "".join(SIGNS[each // len(SIGNS)] + SIGNS[each % len(SIGNS)] for each in self.whole.ravel().tolist())
        return {"low": self.low.tolist(), "high": self.high.tolist(), "signs": SIGNS, "packed": text}


def packed_draws(futures: Futures) -> Packed:
    """The first draws of the futures, each column as 8,100 steps between its ends."""
    columns = [int(c) for each in futures.calibrated for c in each] + [each.column for each in futures.assumptions]
    chosen = np.array(list(dict.fromkeys(columns)), dtype=int)
    rows = futures.rows[:DRAWS][:, chosen]
    low, high = rows.min(axis=0), rows.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    whole = np.round((rows - low) / span * WHOLE).astype(np.uint16)
    return Packed(tuple(map(int, chosen)), low, high, whole)


def regime_rows(
    program: Program, model: Model, regimes: Sequence[Scenario], parameters: Parameters, row: NDArray[np.float64]
) -> NDArray[np.float64]:
    """[regimes, program parameters]: the row with what each regime sets."""
    rows = np.repeat(row[None], len(regimes), axis=0)
    for own, regime in zip(rows, regimes, strict=True):
        for column, value in columns_of_regime(program, model, regime, parameters).items():
            own[column] = value
    return rows


def page_content(
    model: Model, program: Program, original: Program, parameters: Parameters, regimes: Sequence[Scenario], *,
    parts: Sequence[Sequence[Part]], series: SeriesSet, outputs: Sequence[str], packed: Packed, baseline: str,
    chosen: str, step: Step, history: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:  # fmt: skip
    """`program` has the medians as its defaults; `outputs` are what the script saves, in its order; `parts` belong to
    the regimes, in their order."""
    index, central = program.parameter_index, np.array(program.defaults)
    ramp = index[parameters.policy_ramp]
    control = {index[each] for each in ("initial_time", "final_time", "time_step", "saveper")}
    levers = {index[each.constant] for each in parameters.levers.values()}
    starts = [each.start_policy for each in regimes if each.start_policy is not None]
    outcomes = [_outcome(series, k, outputs, history) for k in range(len(series.keys))]
    rows = regime_rows(program, model, regimes, parameters, central)
    schedule, _ = schedule_of(program, central)
    values = series.values(compile_kernel(program, series.outputs).run(rows, schedule, method=model.time.method).values)
    checked = [k for k, (_, element) in enumerate(series.keys) if element == ALLIANCE][:10]
    at = int(np.argmin(np.abs(schedule.times - REFERENCE_YEAR)))
    return {
        "moved": list(packed.columns),
        "draws": packed.as_json(),
        "years": [round(float(schedule.times[0])), round(float(schedule.times[-1]))],
        "milestones": list(MILESTONES),
        "dt": step.dt,
        "ownDt": step.own,
        "stepError": step.error,
        "levers": [_lever(each, index) for each in parameters.levers.values()],
        "policy": {
            "column": index[parameters.policy_year],
            "low": min([FIRST_YEAR, *starts]),
            "high": max([LAST_YEAR, *starts]),
        },
        "common": common_until([part for own in parts for part in own], float(central[index["final_time"]])),
        "ramp": {"column": ramp, "low": RAMPS[0], "high": RAMPS[1], "value": central[ramp]},
        "regimes": [_regime(each, program, model, parameters, own) for each, own in zip(regimes, parts, strict=True)],
        "parts": list({part.key: part.as_json() for own in parts for part in own}.values()),
        "baseline": baseline,
        "chosen": chosen,
        "outcomes": outcomes,
        "labels": {each.name: _labels(each, parameters) for each in series.indicators},
        "cost": COST,
        "noCost": NO_COST,
        "tolerated": float(central[index["tolerated_delay"]]),
        "places": [_place(each, parameters) for each in (ALLIANCE, *model.dimensions["region"].elements)],
        "reference": {"outcomes": checked, "year": REFERENCE_YEAR, "values": values[:, at, :][:, checked].tolist()},
        "parameters": [
            [*split_name(name), float(central[k])]
            for k, name in enumerate(program.parameters)
            if central[k] != original.defaults[k] and k not in control | levers | {index[parameters.policy_year], ramp}
        ],
    }


def shown_series(model: Model) -> SeriesSet:
    return series_of(model, SHOWN)


def units_of(units: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Each unit in the words of the reports: a text, or the plural forms of one."""
    return {unit: {each: _unit(unit, each) for each in LANGUAGES} for unit in dict.fromkeys(units)}


def _unit(unit: str, language: str) -> str | dict[str, str]:
    texts = read_texts(language)

    def forms(word: str, section: str) -> dict[str, str]:
        keys = (f"{section}.{word.lower()}", f"{section}.{word.lower().removesuffix('s')}")
        return next((texts.forms(each) for each in keys if texts.has(each)), {"other": word})

    first, *below = (each.strip() for each in unit.split("/"))
    own = forms(first, "unit")
    under = "".join("/" + forms(each, "unit_below")["other"] for each in below)
    if len(own) == 1:
        if first == "1":
            own = {"other": "1"}
        return own["other"] + under
    return {key: text + under for key, text in own.items()}


def _regime(
    regime: Scenario, program: Program, model: Model, parameters: Parameters, parts: Sequence[Part]
) -> dict[str, Any]:
    known = {each.constant for each in parameters.levers.values()} | {parameters.policy_year}
    changes = {column: value for column, value in columns_of_regime(program, model, regime, parameters).items()
               if program.parameters[column] in known}  # fmt: skip
    return {"id": regime.id, "title": dict(regime.titles), "story": dict(regime.stories),
            "changes": [[column, float(value)] for column, value in changes.items()],
            "parts": [each.key for each in parts]}  # fmt: skip


def _labels(indicator: Indicator, parameters: Parameters) -> dict[str, str]:
    found = parameters.variables.get(indicator.name) or parameters.variables.get(indicator.variable) or {}
    return {each: found.get(each, indicator.name) for each in LANGUAGES}


def _outcome(series: SeriesSet, k: int, outputs: Sequence[str], history: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    (name, element), indicator = series.keys[k], series.indicators[k]
    sums = [
        [outputs.index(series.outputs[o]), float(series.weights[o, k])] for o in np.flatnonzero(series.weights[:, k])
    ]
    return {"id": name, "element": element, "unit": series.units[k], "better": indicator.better, "sums": sums,
            "points": _points(name, element, history)}  # fmt: skip


def _place(name: str, parameters: Parameters) -> dict[str, Any]:
    if name == ALLIANCE:
        return {"id": name, "label": {each: read_texts(each)("element.whole") for each in LANGUAGES}}
    return {"id": name, "label": dict(parameters.elements[name])}


def _lever(lever: Lever, index: Mapping[str, int]) -> dict[str, Any]:
    return {
        "id": lever.name, "column": index[lever.constant], "low": lever.low, "high": lever.high, "unit": lever.unit,
        "label": dict(lever.labels), "explanation": dict(lever.explanations), "grade": lever.grade,
        "lowest": lever.lowest,
    }  # fmt: skip


def _points(name: str, element: str, history: Sequence[Mapping[str, Any]]) -> list[list[float]]:
    """Published figures of the region, where the fit has the same quantity."""
    if element != REGION or name not in HISTORY:
        return []
    rows = [row for row in history if row["observable"] == HISTORY[name] and row["experiment"] == "RU_TA"]
    return [[float(row["year"]), float(row["observed"])] for row in rows if row["observed"] is not None]
