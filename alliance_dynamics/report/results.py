"""A results folder read from disk: every table checked against what a report needs, all faults raised at once."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alliance_dynamics.errors import Fault, InputError, Place, fault, suggestion

STATUSES = ("estimated", "at bound", "not identified")
VERDICTS = ("better", "worse", "indistinguishable", "not judged")
USES = ("train", "shown", "excluded", "")

# Kinds of column: text (may be empty), name (not empty), number, number? (empty means none: read as None), year.
_INDEX = {f"{index}{end}": "number" for index in ("S1", "ST") for end in ("", "_low", "_high")}
_BAND = {"q05": "number", "q50": "number", "q95": "number", "unit": "name"}
TABLES: dict[str, dict[str, str]] = {
    "calibration/parameters.csv": {
        "parameter": "name", "label": "text", "unit": "name", "estimate": "number", "low": "number?",
        "high": "number?", "status": "status", "source": "text",
    },
    "calibration/fit.csv": {
        "region": "text", "observable": "name", "year": "year", "observed": "number?", **_BAND,
    },
    "calibration/starts.csv": {"start": "name", "objective": "number?", "converged": "flag"},
    "comparison/trajectories.csv": {"regime": "name", "variable": "name", "element": "text", "year": "year", **_BAND},
    "comparison/summary.csv": {
        "regime": "name", "baseline": "name", "outcome": "name", "element": "text", "year": "year", "unit": "name",
        "gap": "number", "gap_low": "number", "gap_high": "number", "gap_percent": "number?",
        "share_better": "number", "verdict": "verdict", "fiscal_cost": "number?", "fiscal_cost_unit": "text",
    },
    "comparison/regimes.csv": {
        "regime": "name", "title_en": "name", "title_ru": "name", "story_en": "text", "story_ru": "text",
    },
    "sensitivity/indices.csv": {"outcome": "name", "year": "year", "lever": "name", **_INDEX},
    "sensitivity/levers.csv": {
        "lever": "name", "label_en": "name", "label_ru": "name", "unit": "name", "low": "number", "high": "number",
        "grade": "text", "source": "text",
    },
}  # fmt: skip
OPTIONAL: dict[str, dict[str, str]] = {
    "calibration/skill.csv": {
        "region": "text", "observable": "name", "horizon": "number", "model_error": "number",
        "naive_error": "number", "drift_error": "number?",
    },
    "calibration/data.csv": {
        "region": "text", "observable": "name", "first": "year", "last": "year", "train": "year", "holdout": "year",
        "excluded": "year", "reason": "text", "statuses": "text", "sources": "text", "vintages": "text",
    },
    "calibration/validation_scores.csv": {
        "observable": "name", "horizon": "name", "mase_model": "number", "mase_naive": "number",
        "mase_drift": "number", **{f"ratio_{rival}{end}": "number?" for rival in ("naive", "drift")
        for end in ("", "_low", "_high")}, "against_naive": "name", "against_drift": "name", "coverage": "number",
    },
    "calibration/theil.csv": {
        "region": "text", "observable": "name", "sample": "name", "scale": "name", "rmse": "number", "U_M": "number?",
        "U_S": "number?", "U_C": "number?",
    },
    "calibration/residuals.csv": {
        "region": "text", "observable": "name", "year": "year", "residual": "number", "standardised": "number",
    },
    "calibration/residual_tests.csv": {
        "region": "text", "observable": "name", "count": "number", "lags": "number", "ljung_box": "number",
        "p_value": "number", "durbin_watson": "number", "acf_1": "number",
        **{f"acf_{lag}": "number?" for lag in range(2, 6)},
    },
    "calibration/predictive_checks.csv": {
        "region": "text", "observable": "name", "feature": "name", "observed": "number", "q05": "number",
        "q50": "number", "q95": "number", "p": "number",
    },
    "calibration/recovery.csv": {
        "parameter": "name", "replicates": "number", "bias": "number", "rmse": "number", "informed": "number",
        "coverage": "number",
    },
    "calibration/pooling.csv": {
        "parameter": "name", "pool": "name", "unit": "text", "no_pool": "number", "partial_pool": "number",
        "complete_pool": "number",
    },
    "calibration/profiles.csv": {"parameter": "name", "value": "number", "rise": "number", "cut": "number"},
    "sensitivity/ladder.csv": {
        "lever": "name", "outcome": "name", "year": "year", "unit": "name", "change": "number",
        "change_low": "number", "change_high": "number", "share_rises": "number", "tipping": "number?",
        "share_tips": "number", "share_better_at_low": "number", "share_better_at_high": "number",
    },
    "sensitivity/ranks.csv": {
        "outcome": "name", "year": "year", "unit": "name", "regime": "name", "mean": "number", "tenth": "number",
        "mean_regret": "number", "largest_regret": "number", "share_rank_1": "number",
    },
    "sensitivity/alternatives.csv": {
        "form": "name", "regime": "name", "outcome": "name", "year": "year", "unit": "name", "gap": "number",
        "gap_low": "number", "gap_high": "number", "best": "number", "draws": "number",
    },
    "comparison/accounts.csv": {
        "budget": "name", "regime": "name", "against": "name", "year": "year", "appropriation": "number",
        "unit": "name", **{f"{name}{end}": "number" for name in ("benefit", "cost", "npv")
        for end in ("", "_low", "_high")}, "share_positive": "number", "per_rouble": "number?",
        "per_rouble_low": "number?", "per_rouble_high": "number?", "share_defined": "number",
        "coordination": "number", "budget_return": "number", "draws": "number",
    },
    "sensitivity/stop_rule.csv": {
        "outcome": "name", "points": "number", "replicates": "number", "widest_half_width": "number?",
        "reached": "flag", "missing": "text",
    },
    "sensitivity/convergence.csv": {
        "outcome": "name", "year": "year", "points": "number", "runs": "number", "lever": "name", "ST": "number",
        "ST_low": "number", "ST_high": "number", "rank": "number",
    },
    "sensitivity/horizon.csv": {"outcome": "name", "first": "year", "last": "year", "lever": "name", **_INDEX},
    "sensitivity/groups.csv": {"outcome": "name", "year": "year", "lever": "name", **_INDEX},
    "sensitivity/repeated.csv": {
        "variant": "name", "outcome": "name", "year": "year", "lever": "name", "rank": "number", "ST": "number",
        "ST_low": "number", "ST_high": "number", "top_1": "number", "top_3": "number", "dropped": "number",
    },
    "sensitivity/hinges.csv": {
        "outcome": "name", "year": "year", "input": "name", "distance": "number", "third": "number", "low": "number",
        "high": "number", "regime": "name", "best": "number", "gap": "number", "label_en": "name", "label_ru": "name",
    },
    "sensitivity/shapley.csv": {
        "outcome": "name", "year": "year", "input": "name", "share": "number", "half_width": "number", "sd": "number",
        "runs": "number", "label_en": "name", "label_ru": "name",
    },
    "sensitivity/peeling.csv": {
        "regime": "name", "against": "name", "step": "number", "coverage": "number", "density": "number",
        "limits": "number",
    },
    "sensitivity/futures.csv": {
        "regime": "name", "against": "name", "draw": "number", "fails": "flag", "input": "name", "label_en": "name",
        "label_ru": "name", "place": "number",
    },
    "sensitivity/pairs.csv": {
        "outcome": "name", "year": "year", "lever": "name", "other": "name", "S2": "number", "S2_low": "number",
        "S2_high": "number",
    },
    "sensitivity/outcomes.csv": {
        "outcome": "name", "year": "year", "unit": "name", "mean": "number", "sd": "number", **_BAND,
        "share_positive": "number", "runs": "number", "failed": "number",
    },
    "sensitivity/main_effects.csv": {
        "outcome": "name", "year": "year", "lever": "name", "bin": "number", "setting": "number", "mean": "number",
        "q05": "number", "q95": "number", "direction": "name",
    },
    "sensitivity/failures.csv": {
        "regime": "name", "against": "name", "outcome": "name", "year": "year", "count": "number", "draws": "number",
        "coverage": "number?", "density": "number?", "base_rate": "number?", "input": "text", "label_en": "text",
        "label_ru": "text", "unit": "text", "low": "number?", "high": "number?", "stability": "number?",
    },
    # The gap to the baseline over time; without it the report draws the gaps of summary.csv at their years.
    "loops/by_decade.csv": {
        "regime": "name", "output": "name", "first": "number", "last": "number", "loop": "name", "sign": "number",
        "share": "number", "size": "number", "leads": "number", "label_en": "name", "label_ru": "name",
    },
    "comparison/gaps.csv": {
        "regime": "name", "baseline": "name", "outcome": "name", "element": "text", "year": "year", **_BAND,
    },
}  # fmt: skip
RUNS = "comparison/trajectories.csv"
FOLDER = "calibration/"  # what a table's name begins with that lies in the folder of the calibration
DOCUMENTS = ("manifest.json", "labels.json", "calibration/summary.json", "sensitivity/summary.json")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Results:
    """What a results folder holds.  `tables` by file name; an optional table that is absent is not a key."""

    folder: Path
    manifest: dict[str, Any]
    labels: dict[str, Any]
    calibration: dict[str, Any]
    sensitivity: dict[str, Any]
    tables: dict[str, list[Row]] = field(default_factory=dict)

    def rows(self, file: str) -> list[Row]:
        return self.tables.get(file, [])


def read_results(folder: str | Path) -> Results:
    """Read a results folder.  InputError names every missing file, missing column and wrong value with its line."""
    folder = Path(folder)
    faults: list[Fault] = []
    documents = {name: _document(folder, name, faults) for name in DOCUMENTS}
    tables = {name: rows for name, columns in TABLES.items() if (rows := _table(folder, name, columns, faults))}
    for name, columns in OPTIONAL.items():
        if (folder / name).is_file():
            tables[name] = _table(folder, name, columns, faults)
    if faults:
        raise InputError(faults)
    return Results(folder, *documents.values(), tables=tables)


def read_calibration(folder: str | Path) -> Results:
    """The files of a calibration alone, tables named as in a whole study; the manifest may lie in the folder above."""
    folder = Path(folder)
    faults: list[Fault] = []
    above = folder if (folder / "manifest.json").is_file() else folder.parent
    manifest, summary = _document(above, "manifest.json", faults), _document(folder, "summary.json", faults)
    labels, sensitivity = (
        _document(above, name, faults) if (above / name).is_file() else {}
        for name in ("labels.json", "sensitivity/summary.json")
    )
    tables = {}
    if (above / RUNS).is_file():
        tables[RUNS] = _table(above, RUNS, TABLES[RUNS], faults)
    for name, columns in {**TABLES, **OPTIONAL}.items():
        file = name.removeprefix(FOLDER)
        if name.startswith(FOLDER) and (name in TABLES or (folder / file).is_file()):
            tables[name] = _table(folder, file, columns, faults)
    if faults:
        raise InputError(faults)
    return Results(folder, manifest, labels, summary, sensitivity, tables=tables)


def _text(folder: Path, name: str, faults: list[Fault]) -> str | None:
    path = folder / name
    if not path.is_file():
        faults.append(
            fault(
                str(path),
                "The results folder lacks `{name}`",
                remedy="Run the study again, or point at the folder that it wrote",
                name=name,
            )
        )
        return None
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        faults.append(fault(str(path), "The file is not UTF-8 text", remedy="Save it as UTF-8"))
        return None


def _document(folder: Path, name: str, faults: list[Fault]) -> dict[str, Any]:
    text = _text(folder, name, faults)
    if text is None:
        return {}
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        faults.append(fault(Place(str(folder / name), error.lineno), "Not JSON: {reason}", reason=error.msg))
        return {}
    if not isinstance(content, dict):
        faults.append(fault(str(folder / name), "The document is not an object", expected="Expected {{...}}"))
        return {}
    return content


def _table(folder: Path, name: str, columns: dict[str, str], faults: list[Fault]) -> list[Row]:
    text = _text(folder, name, faults)
    if text is None:
        return []
    path = str(folder / name)
    reader = csv.reader(io.StringIO(text, newline=""))
    header = next(reader, [])
    missing = [each for each in columns if each not in header]
    for each in missing:
        faults.append(
            fault(
                Place(path, 1),
                "Column `{column}` is missing",
                remedy=suggestion(each, [other for other in header if other not in columns]),
                column=each,
            )
        )
    if missing:
        return []
    return list(_rows(reader, path, header, columns, faults))


def _rows(reader, path: str, header: list[str], columns: dict[str, str], faults: list[Fault]) -> Iterator[Row]:
    empty = True
    for cells in reader:
        if not any(cells):
            continue
        empty = False
        place = Place(path, reader.line_num)
        if len(cells) != len(header):
            faults.append(
                fault(
                    place,
                    "The row has {cells} cells, the header {columns}",
                    cells=len(cells),
                    columns=len(header),
                )
            )
            continue
        row: Row = dict(zip(header, (cell.strip() for cell in cells), strict=True))
        for column, kind in columns.items():
            row[column] = _value(row[column], kind, column, place, faults)
        yield row
    if empty:
        faults.append(fault(path, "The table has no rows"))


def _value(text: str, kind: str, column: str, place: Place, faults: list[Fault]) -> Any:
    choices = {"status": STATUSES, "verdict": VERDICTS, "flag": ("true", "false", "1", "0")}.get(kind)
    if kind == "text":
        return text
    if kind == "number?" and text == "":
        return None
    if kind == "name":
        if not text:
            faults.append(fault(place, "Column `{column}` is empty", column=column))
        return text
    if choices:
        if text.lower() not in choices:
            faults.append(
                fault(
                    place,
                    "`{text}` in column `{column}` is not known",
                    expected="Expected one of {choices}",
                    text=text,
                    column=column,
                    choices=", ".join(choices),
                )
            )
        return text.lower() in ("true", "1") if kind == "flag" else text.lower()
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or (kind == "year" and number != int(number)):
        faults.append(
            fault(
                place,
                "`{text}` in column `{column}` is not a finite number" if kind != "year" else
                "`{text}` in column `{column}` is not a year",
                text=text,
                column=column,
            )
        )  # fmt: skip
        return None
    return int(number) if kind == "year" else number
