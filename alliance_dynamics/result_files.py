"""The result files of the main job: one function per folder, columns as README.md documents them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alliance_dynamics.calibration.calibration import Calibration
from alliance_dynamics.calibration.recovery import Recovery
from alliance_dynamics.calibration.regions import read_regions
from alliance_dynamics.compare import Comparison
from alliance_dynamics.files import write_csv, write_text
from alliance_dynamics.outcomes import ALLIANCE, MILESTONES
from alliance_dynamics.parameters import Parameters
from alliance_dynamics.regimes import RegimeRuns
from alliance_dynamics.sensitivity.convergence import convergence_rows, verdict_rows
from alliance_dynamics.sensitivity.governance import OUTCOMES, PER_ROUBLE, GovernanceSweep
from alliance_dynamics.sensitivity.governance_plan import ASSUMPTIONS, CALIBRATED
from alliance_dynamics.sensitivity.indices import horizon_rows
from alliance_dynamics.sensitivity.spread import effect_rows, first_look, outcome_rows

Rows = Sequence[Mapping[str, Any]]
BANDS = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}
RUSSIAN_SOURCES = {
    "judgement": "экспертное суждение",
    "literature": "литература",
    "Judgement": "Экспертное суждение",
    "Interpretation of the seed paper (abstract names no powers)":
        "Трактовка исходной статьи (в аннотации полномочия не названы)",
    "Share of organisations in pilot clusters; scale of the Kama cluster (A), other regimes judgement":
        "Доля организаций в пилотных кластерах; масштаб Камского кластера (A), другие режимы — суждение",
    "Cluster initiatives stayed within single regions (Dubrovskaya, abstract)":
        "Кластерные инициативы не выходили за пределы одного региона (Дубровская, аннотация)",
    "increast.eu/en/1792: 30-70 per cent in 2013, 5-30 per cent from 2014":
        "increast.eu/en/1792: 30–70 % в 2013 году, 5–30 % с 2014 года",
    "Decree No. 41 of 28.01.2016: at most 50 per cent of joint costs":
        "Постановление № 41 от 28.01.2016: не более 50 % затрат на совместный проект",
    "Provan and Kenis 2008 for the forms of governance": "Provan and Kenis 2008: формы управления сетями",
    "Interruptions of cluster subsidies 2019-21 (fact A); size judgement":
        "Перерывы в субсидиях кластерам в 2019–2021 годах (факт, A); величина — суждение",
    "Cluster envelope of 2014, 2.5 bn RUB for 25 clusters (A), scaled to four regions":
        "Субсидии кластерам 2014 года, 2,5 млрд руб. на 25 кластеров (A), в пересчёте на четыре региона",
}  # fmt: skip


def write_calibration(folder: Path, calibration: Calibration) -> None:
    """Its tables, each in a file of its own, and summary.json."""
    regions = read_regions(calibration.setup.problem)

    def with_region(rows: Rows) -> list[dict[str, Any]]:
        return [
            {**regions[row["experiment"]], **{key: value for key, value in row.items() if key != "experiment"}}
            for row in rows
        ]

    write_rows(folder / "parameters.csv", [_named(row, regions) for row in calibration.table])
    fit = with_region(calibration.fit_table)
    first = ["region", "observable", "year", "observed", "q05", "q25", "q50", "q75", "q95", "unit"]
    write_rows(folder / "fit.csv", fit, first)
    if calibration.skill:
        first = ["region", "observable", "horizon", "model_error", "naive_error", "drift_error", "skill"]
        write_rows(folder / "skill.csv", with_region(calibration.skill), first)
    write_rows(folder / "data.csv", with_region(_data_rows(calibration)))
    found = calibration.validation
    if found.forecasts:
        first = ["region", "observable", "origin", "horizon", "year", "observed", "forecast", "low", "high"]
        write_rows(folder / "validation.csv", with_region(found.forecasts), first)
        write_rows(folder / "validation_scores.csv", found.scores)
    if found.theil:
        write_rows(folder / "theil.csv", with_region(found.theil), ["region", "observable", "sample", "scale"])
    starts = [
        {"start": i, "objective": each.objective, "evaluations": each.evaluations, "converged": each.converged}
        for i, each in enumerate(calibration.fit.starts)
    ]
    write_rows(folder / "starts.csv", starts)
    if profiles := calibration.profile_table:
        write_rows(folder / "profiles.csv", profiles)
    if pools := calibration.pooling_table:
        write_rows(folder / "pooling.csv", pools)
    first = ["region", "observable"]
    write_rows(folder / "residuals.csv", with_region(calibration.residual_table), [*first, "year"])
    if tests := calibration.residual_test_table:
        write_rows(folder / "residual_tests.csv", with_region(tests), first)
    if calibration.checks:
        write_rows(folder / "predictive_checks.csv", with_region(calibration.check_table), first)
    names = [each.id for each in calibration.setup.parameters]
    noise = [f"{kind}_{group}" for kind in ("sd", "phi") for group in calibration.setup.groups]
    posterior = calibration.posterior
    draws = np.concatenate([posterior.values, posterior.sigma, posterior.phi], axis=1)
    write_csv(folder / "posterior.csv", ["draw", *names, *noise], ([i, *row] for i, row in enumerate(draws.tolist())))
    write_json(folder / "summary.json", calibration.summary)


def _data_rows(calibration: Calibration) -> list[dict[str, Any]]:
    """Per series of the problem: years, rows by fold, why rows are excluded, statuses, sources and vintages."""
    problem, found = calibration.setup.problem, []
    series = dict.fromkeys((each.observable, each.experiment) for each in problem.measurements)
    for observable, experiment in series:
        rows = [each for each in problem.measurements if (each.observable, each.experiment) == (observable, experiment)]
        if problem.observables[observable].use != "calibrated":
            continue
        years = [int(each.year) for each in rows]
        counts = {fold: sum(each.fold == fold for each in rows) for fold in ("train", "holdout", "exclude")}
        statuses = {name: sum(each.status == name for each in rows) for name in dict.fromkeys(r.status for r in rows)}
        sources = dict.fromkeys(source for each in rows for source in each.source.split(";"))
        found.append(
            {
                "experiment": experiment,
                "observable": observable,
                "first": min(years),
                "last": max(years),
                "train": counts["train"],
                "holdout": counts["holdout"],
                "excluded": counts["exclude"],
                "reason": "; ".join(dict.fromkeys(each.note for each in rows if each.fold == "exclude" and each.note)),
                "statuses": " ".join(f"{name or '-'}:{count}" for name, count in statuses.items()),
                "sources": " ".join(sources),
                "vintages": " ".join(dict.fromkeys(each.vintage for each in rows if each.vintage)),
            }
        )
    return found


def write_recovery(folder: Path, recovery: Recovery) -> None:
    """recovery.csv, and with simulation-based calibration sbc.csv: how often each rank of the truth was seen."""
    write_rows(folder / "recovery.csv", recovery.table)
    if recovery.histograms:
        write_rows(folder / "sbc.csv", recovery.histograms)


def _named(row: Mapping[str, Any], regions: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """A parameter's row with the region's name for its experiment, and its source in Russian."""
    named = dict(row)
    for experiment, card in regions.items():
        for column, label in (("label", "region_label_en"), ("label_ru", "region_label_ru")):
            named[column] = str(named[column]).replace(experiment, card.get(label, experiment))
    named["source_ru"] = RUSSIAN_SOURCES.get(row["source"], row["source"])
    return named


def write_comparison(folder: Path, runs: RegimeRuns, comparison: Comparison, parameters: Parameters) -> None:
    """trajectories.csv, gaps.csv, summary.csv, levels.csv, regimes.csv."""
    names = [regime.id for regime in runs.regimes]
    base = names.index(comparison.baseline)
    trajectories, gaps = [], []
    for s, (name, element) in enumerate(runs.series.keys):
        unit = runs.series.units[s]
        for r, regime in enumerate(names):
            levels = np.quantile(runs.values[r, :, :, s], [0.05, 0.5, 0.95], axis=0)
            apart = np.quantile(runs.values[r, :, :, s] - runs.values[base, :, :, s], list(BANDS.values()), axis=0)
            for t, year in enumerate(runs.years.tolist()):
                trajectories.append((regime, name, element, year, *levels[:, t].tolist(), unit))
                if r != base:
                    gaps.append((regime, comparison.baseline, name, element, year, *apart[:, t].tolist(), unit))
    band = ("q05", "q50", "q95", "unit")
    write_csv(folder / "trajectories.csv", ("regime", "variable", "element", "year", *band), trajectories)
    write_csv(folder / "gaps.csv", ("regime", "baseline", "outcome", "element", "year", *BANDS, "unit"), gaps)
    first = ["regime", "baseline", "outcome", "element", "year", "unit", "gap", "gap_low", "gap_high", "gap_percent"]
    first += ["share_better", "verdict", "fiscal_cost", "fiscal_cost_unit"]
    write_rows(folder / "summary.csv", [_whole_year(row) for row in comparison.summary], first)
    write_rows(folder / "levels.csv", [_whole_year(row) for row in comparison.table])
    cards = []
    for regime in runs.regimes:
        texts = {f"title_{key}": regime.titles.get(key, regime.id) for key in ("en", "ru")}
        texts |= {f"story_{key}": regime.stories.get(key, "") for key in ("en", "ru")}
        cards.append({"regime": regime.id, **texts, **{name: regime.levers.get(name) for name in parameters.levers}})
    write_rows(folder / "regimes.csv", cards)


def write_sensitivity(folder: Path, sweep: GovernanceSweep, parameters: Parameters) -> None:
    """indices.csv, levers.csv, summary.json; years in which an outcome does not vary are left out and counted."""
    rows = [row for row in sweep.indices.table if math.isfinite(float(row["S1"])) and math.isfinite(float(row["ST"]))]  # type: ignore[arg-type]
    first = ["outcome", "year", "lever", "S1", "S1_low", "S1_high", "ST", "ST_low", "ST_high"]
    write_rows(folder / "indices.csv", rows, first)
    levers = [
        {
            "lever": each.name,
            "label_en": each.labels.get("en", each.name),
            "label_ru": each.labels.get("ru", each.name),
            "unit": each.unit,
            "low": each.low,
            "high": each.high,
            "grade": each.grade,
            "source": each.source,
            "source_ru": RUSSIAN_SOURCES.get(each.source, each.source),
        }
        for each in parameters.levers.values()
    ]
    write_rows(folder / "levers.csv", levers)
    pairs = [row for row in sweep.indices.pair_table if row["year"] in MILESTONES]
    write_rows(folder / "pairs.csv", [row for row in pairs if math.isfinite(float(row["S2"]))])  # type: ignore[arg-type]
    write_rows(folder / "outcomes.csv", outcome_rows(sweep.sample))
    write_rows(folder / "main_effects.csv", effect_rows(sweep.sample))
    write_rows(folder / "first_look.csv", first_look(sweep.sample))
    write_rows(folder / "convergence.csv", convergence_rows(sweep.history, MILESTONES))
    write_rows(folder / "stop_rule.csv", verdict_rows(sweep.verdicts, sweep.design))
    write_rows(folder / "horizon.csv", horizon_rows(sweep.indices))
    summary = {
        "points": sweep.design.points,
        "replicates": sweep.design.replicates,
        "runs": sweep.runs,
        "groups": [CALIBRATED, ASSUMPTIONS],
        "design": sweep.design.hash,
        "constant_series": len(sweep.indices.table) - len(rows),
        "largest_half_width": float(np.nanmax(sweep.indices.ST.half_width)),
        "converged": sweep.settled,
        "dt": sweep.dt,
        "step_effect": sweep.step_effect,
        "failed": len(sweep.failed),
    }
    write_json(folder / "summary.json", summary)


def write_labels(path: Path, runs: RegimeRuns, parameters: Parameters, calibration: Calibration) -> None:
    """labels.json: variables, elements and outcomes in both languages."""
    variables = dict(parameters.variables)
    for indicator, unit in zip(runs.series.indicators, runs.series.units, strict=True):
        texts = parameters.variables.get(indicator.name) or parameters.variables.get(indicator.variable) or {}
        fallback = indicator.name.replace("_", " ")
        variables[indicator.name] = {"en": texts.get("en", fallback), "ru": texts.get("ru", fallback), "unit": unit}
    for observable in calibration.setup.problem.observables.values():
        variables[observable.id] = {"en": observable.label_en, "ru": observable.label_ru, "unit": observable.unit}
    outcomes = {name: variables[name] for name in dict.fromkeys(i.name for i in runs.series.indicators)}
    for name, indicator, element in OUTCOMES:
        if name not in outcomes:
            where = parameters.elements.get(element, {})
            outcomes[name] = {
                **variables[indicator],
                **{key: f"{variables[indicator][key]}, {where.get(key, element)}" for key in ("en", "ru")},
            }
    outcomes[PER_ROUBLE] = {
        "en": "Benefit per rouble of public money, against no programme",
        "ru": "Отдача на рубль бюджетных средств, против отсутствия программы",
        "unit": "Dmnl",
    }
    elements = {**parameters.elements}
    elements.setdefault(ALLIANCE, {"en": "Alliance", "ru": "Альянс в целом"})
    write_json(path, {"variables": variables, "elements": elements, "outcomes": outcomes})


def write_rows(path: Path, rows: Rows, first: Sequence[str] = ()) -> None:
    """Records as CSV: the columns named first, then the others as they come; None is an empty cell."""
    columns = list(dict.fromkeys([*first, *(key for row in rows for key in row)]))
    write_csv(path, columns, ([_plain(row.get(column)) for column in columns] for row in rows))


def write_json(path: Path, content: object) -> None:
    """JSON with sorted keys; numbers that are not finite become null."""
    write_text(path, json.dumps(_finite(content), ensure_ascii=False, indent=1, sort_keys=True) + "\n")


def _whole_year(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "year": int(row["year"])}


def _plain(value: Any) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    return value.item() if isinstance(value, np.generic) else value


def _finite(value: Any) -> Any:
    match value:
        case dict():
            return {str(key): _finite(each) for key, each in value.items()}
        case list() | tuple():
            return [_finite(each) for each in value]
        case np.generic():
            return _finite(value.item())
        case float() if not math.isfinite(value):
            return None
    return value
