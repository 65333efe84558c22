"""One self-contained page on which the model runs: levers as sliders, regimes as presets, draws as bands."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alliance_dynamics.errors import UnsupportedError, fault
from alliance_dynamics.files import write_text
from alliance_dynamics.futures import Futures, columns_of_regime
from alliance_dynamics.kernel.integrate import compile_kernel
from alliance_dynamics.kernel.javascript import write_javascript
from alliance_dynamics.model.model import Model
from alliance_dynamics.outcomes import ALLIANCE, SeriesSet, series_of
from alliance_dynamics.parameters import Parameters
from alliance_dynamics.scenarios import Scenario
from alliance_dynamics.settings import schedule_of

REGION = "tatarstan"
DRAWS = 100
LARGEST = 2_000_000  # bytes: what a mail gateway lets through
DIGITS = 6  # of a parameter in a draw: far below what the draws differ by
HISTORY = {
    "gross_regional_product": "grp_current_real",
    "internal_r&d_expenditure": "rd_expenditure_internal_real",
    "r&d_personnel": "rd_personnel",
    "patents_granted": "patents_granted_inventions",
    "innovative_goods_volume": "innovative_goods_volume_real",
}


def write_explorer(
    path: str | Path,
    model: Model,
    futures: Futures,
    parameters: Parameters,
    regimes: Sequence[Scenario],
    *,
    baseline: str,
    chosen: str,
    history: Sequence[Mapping[str, Any]] = (),
    seed: int,
    quick: bool = False,
) -> Path:
    """Write the page: about 400 kB, no network, a strict content policy, every script named by its hash.

    Parameters are the medians of the futures, bands come from the first 100 of them, the same for all settings.
    `history` are rows of the fit table.  UnsupportedError: a page above 2 MB.
    """
    series = series_of(model)
    kept = [k for k, (_, element) in enumerate(series.keys) if element in (ALLIANCE, REGION)]
    names = [each for each in series.outputs if any(series.weights[series.outputs.index(each), k] for k in kept)]
    content = _content(model, futures, parameters, regimes, series, kept, names, baseline, chosen, history)
    content |= {"seed": seed, "quick": quick, "hash": model.hash, "program": futures.program.hash}
    here = Path(__file__).parent
    kernel = write_javascript(futures.program, names, method=model.time.method, name="allianceModel")
    data = json.dumps(content, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    script = f"{kernel}\nconst content = {data};\n" + (here / "explorer.js").read_text(encoding="utf-8")
    style = (here / "explorer.css").read_text(encoding="utf-8")
    page = (here / "explorer.html").read_text(encoding="utf-8")
    for key, text in {
        "STYLE_HASH": _hash(style),
        "SCRIPT_HASH": _hash(script),
        "STYLE": style,
        "SCRIPT": script,
    }.items():
        page = page.replace(f"[[{key}]]", text)
    if len(page.encode()) > LARGEST:
        raise UnsupportedError(
            fault(
                str(path), "the page has {size} bytes", expected="at most {most}", size=len(page.encode()), most=LARGEST
            )
        )
    return write_text(path, page)


def _content(
    model: Model, futures: Futures, parameters: Parameters, regimes: Sequence[Scenario], series: SeriesSet,
    kept: Sequence[int], names: Sequence[str], baseline: str, chosen: str, history: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:  # fmt: skip
    """All that the page knows, plain JSON."""
    index = futures.program.parameter_index
    moved = [int(c) for columns in futures.calibrated for c in columns] + [each.column for each in futures.assumptions]
    central = np.median(futures.rows, axis=0)
    policy = index[parameters.policy_year]
    cards = []
    outcomes = []
    for k in kept:
        (name, element), indicator = series.keys[k], series.indicators[k]
        sums = [
            [names.index(series.outputs[o]), float(series.weights[o, k])] for o in np.flatnonzero(series.weights[:, k])
        ]
        labels = parameters.variables.get(name) or parameters.variables.get(indicator.variable) or {}
        outcomes.append(
            {"id": name, "element": element, "unit": series.units[k], "better": indicator.better, "sums": sums,
             "label": {each: labels.get(each, name) for each in ("ru", "en")},
             "points": _points(name, element, history)}
        )  # fmt: skip
    rows = []
    for regime in regimes:
        changes = columns_of_regime(futures.program, model, regime, parameters)
        row = central.copy()
        row[list(changes)] = list(changes.values())
        rows.append(row)
        cards.append(
            {"id": regime.id, "title": dict(regime.titles), "story": dict(regime.stories),
             "changes": [[column, float(value)] for column, value in changes.items()]}
        )  # fmt: skip
    schedule, _ = schedule_of(futures.program, central)
    kernel = compile_kernel(futures.program, series.outputs)
    values = series.values(kernel.run(np.array(rows), schedule, method=model.time.method).values)[:, -1, :][:, kept]
    return {
        "central": central.tolist(),
        "moved": moved,
        "draws": [[float(f"{value:.{DIGITS}g}") for value in row] for row in futures.rows[:DRAWS][:, moved]],
        "levers": [_lever(each, index) for each in parameters.levers.values()],
        "policy": {"column": policy, "low": 2024, "high": 2040},
        "regimes": cards,
        "baseline": baseline,
        "chosen": chosen,
        "outcomes": outcomes,
        "reference": values.tolist(),
    }


def _lever(lever: Any, index: Mapping[str, int]) -> dict[str, Any]:
    return {
        "id": lever.name, "column": index[lever.constant], "low": lever.low, "high": lever.high, "unit": lever.unit,
        "label": dict(lever.labels), "explanation": dict(lever.explanations), "grade": lever.grade,
        "source": lever.source, "lowest": lever.lowest,
    }  # fmt: skip


def _points(name: str, element: str, history: Sequence[Mapping[str, Any]]) -> list[list[float]]:
    """Published figures of the region, where the fit has the same quantity."""
    if element != REGION or name not in HISTORY:
        return []
    rows = [row for row in history if row["observable"] == HISTORY[name] and row["experiment"] == "RU_TA"]
    return [[float(row["year"]), float(row["observed"])] for row in rows if row["observed"] is not None]


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"
