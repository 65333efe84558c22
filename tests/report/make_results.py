"""A made-up results folder that looks like the main job's: every file of the contract, from a seed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from alliance_dynamics.calibration.residuals import serial_test
from alliance_dynamics.files import write_csv

REGIONS = {
    "tatarstan": ("Tatarstan", "Татарстан", 1.0),
    "bashkortostan": ("Bashkortostan", "Башкортостан", 0.75),
    "nizhny_novgorod": ("Nizhny Novgorod Region", "Нижегородская область", 0.65),
    "samara": ("Samara Region", "Самарская область", 0.7),
}
OBSERVABLES = {
    "gross_regional_product": (
        "Gross regional product", "Валовой региональный продукт", "bn RUB/Year", 600, 0.03, 0.02),
    "internal_R&D_expenditure": (
        "Internal R&D expenditure", "Внутренние затраты на исследования и разработки", "bn RUB/Year", 5, 0.04, 0.06),
    "R&D_personnel": (
        "R&D personnel", "Численность персонала, занятого исследованиями и разработками", "person", 15000, -0.01, 0.04),
    "patents_granted": ("Patents granted", "Патенты на изобретения, выданные", "patent/Year", 400, 0.01, 0.12),
    "innovative_goods_volume": (
        "Innovative goods, works, services", "Инновационные товары, работы, услуги", "bn RUB/Year", 90, 0.05, 0.2),
    "postgraduate_students": ("Postgraduate students", "Численность аспирантов", "person", 2500, 0.0, 0.1),
}  # fmt: skip
REGIMES = {
    "R0": ("No programme", "Без программы", "No money, no body.", "Нет ни денег, ни органа."),
    "R1": (
        "Traditional territorial management", "Традиционное территориальное управление",
        "Every region supports its own cluster; links across regions are left to chance.",
        "Каждый регион поддерживает свой кластер; связи между регионами складываются сами."),
    "R2": (
        "Interregional programme", "Межрегиональная программа",
        "One programme pays for projects across regions, without a body of its own.",
        "Единая программа оплачивает межрегиональные проекты, но своего органа у неё нет."),
    "R3": (
        "Interregional industry alliance with a federal coordinating body",
        "Межрегиональный отраслевой альянс с федеральным координирующим органом",
        "A staffed federal body brokers partners and shares information; regions keep a voice.",
        "Федеральный орган подбирает партнёров и собирает информацию; регионы сохраняют голос."),
    "R4": (
        "Over-centralised control", "Избыточная централизация",
        "The body selects, orders and demands reports; regions have little say.",
        "Орган отбирает, предписывает и требует отчётов; голос регионов слаб."),
}  # fmt: skip
OUTCOMES = {
    "net_present_value": (
        "Net present value against no programme", "Чистая приведённая стоимость относительно отсутствия программы",
        "bn RUB", {"R0": -2, "R2": 3.1, "R3": 9.4, "R4": -0.4}, 3.0, False, ["alliance"]),
    "gross_regional_product": (
        "Gross regional product", "Валовой региональный продукт", "bn RUB/Year",
        {"R0": -0.6, "R2": 0.35, "R3": 0.9, "R4": -0.1}, 0.4, True, ["alliance", "tatarstan"]),
    "knowledge_capital": (
        "Knowledge capital", "Капитал знаний", "bn RUB", {"R0": -1.2, "R2": 0.5, "R3": 2.0, "R4": 0.1}, 0.8, True,
        ["alliance", "tatarstan"]),
    "interregional_link_density": (
        "Density of interregional links", "Плотность межрегиональных связей", "Dmnl",
        {"R0": -0.02, "R2": 0.08, "R3": 0.15, "R4": 0.11}, 0.03, False, ["alliance", "tatarstan"]),
    "decision_delay": (
        "Decision delay", "Срок принятия решений", "Year", {"R0": -0.1, "R2": 0.25, "R3": 0.1, "R4": 1.5}, 0.1, False,
        ["alliance"]),
}  # fmt: skip
LEVERS = {
    "selection_power": ("Selection power", "Полномочие отбора проектов", "Dmnl", 0.0, 1.0, "C", "judgement"),
    "agenda_power": ("Agenda power", "Полномочие определять повестку", "Dmnl", 0.0, 1.0, "C", "judgement"),
    "information_power": ("Information power", "Полномочие требовать информацию", "Dmnl", 0.0, 1.0, "C", "judgement"),
    "programme_coverage": ("Programme coverage", "Охват программы", "Dmnl", 0.1, 1.0, "C", "judgement"),
    "interregional_orientation": (
        "Interregional orientation", "Межрегиональная направленность", "Dmnl", 0.0, 1.0, "C", "judgement"),
    "information_sharing_speed": (
        "Information sharing speed", "Скорость обмена информацией", "1/Year", 0.1, 4.0, "C", "judgement"),
    "target_coordinating_staff": (
        "Target coordinating staff", "Штат координирующего органа", "person", 0.0, 200.0, "C", "Provan & Kenis 2008"),
    "federal_appropriation": (
        "Federal appropriation", "Федеральные ассигнования", "bn RUB/Year", 0.0, 3.0, "A",
        "issek.hse.ru 137815841: cluster envelope of 2014"),
}  # fmt: skip
SHARES = {
    "selection_power": 0.03, "agenda_power": 0.004, "information_power": -0.002, "programme_coverage": 0.12,
    "interregional_orientation": 0.22, "information_sharing_speed": 0.11, "target_coordinating_staff": 0.05,
    "federal_appropriation": 0.06, "calibrated parameters": 0.04, "uncertain assumptions": 0.13,
}  # fmt: skip
YEARS = (2030, 2040, 2050)


def make_results(
    folder: Path, *, seed: int = 7, quick: bool = False, converged: bool = True, draws: int = 1000
) -> Path:
    """Write a results folder and return it."""
    random = np.random.default_rng(seed)
    _documents(folder, quick=quick, converged=converged, draws=draws, seed=seed)
    _calibration(folder, random)
    _comparison(folder, draws)
    _sensitivity(folder)
    return folder


def _documents(folder: Path, *, quick: bool, converged: bool, draws: int, seed: int) -> None:
    manifest = {
        "package": {"version": "0.1.0"},
        "model": {"id": "alliance", "sha256": "9f" * 32},
        "data": {"observations.csv": {"sha256": "1a" * 32}},
        "regimes": {"R3": "2b" * 32},
        "parameters": {"sha256": "3c" * 32},
        "seed": seed, "dt": 0.125, "method": "rk4",
        "command": ["alliance", "study", "--seed", str(seed)],
        "draws": {"n": draws},
        "quick": quick,
        "settings": {
            "policy_year": 2026,
            "sensitivity": {"points": 1024, "replicates": 16, "converged": converged},
            "calibration": {"starts": 12},
        },
        "environment": {"python": "3.11.9", "numpy": "2.4.0"},
    }  # fmt: skip
    labels = {
        "variables": {
            "gross_regional_product": {"en": "Gross regional product", "ru": "Валовой региональный продукт"},
            "postgraduate_students": {"en": "Postgraduate students", "ru": "Численность аспирантов"},
        },
        "elements": {
            **{name: {"en": en, "ru": ru} for name, (en, ru, _) in REGIONS.items()},
            "alliance": {"en": "Alliance", "ru": "Альянс в целом"},
        },
        "outcomes": {name: {"en": v[0], "ru": v[1], "unit": v[2]} for name, v in OUTCOMES.items()},
    }
    noise = {name: {"sigma": v[5], "phi": 0.4} for name, v in OBSERVABLES.items() if name != "postgraduate_students"}
    calibration = {
        "objective": -412.5, "points": 440, "noise": noise, "coverage": 0.91, "at_bound": ["past_differential_samara"],
        "breaks": [
            {"observable": "innovative_goods_volume", "year": 2017, "label_en": "classification OKVED2",
             "label_ru": "классификатор ОКВЭД2"},
            {"observable": "innovative_goods_volume", "year": 2019, "label_en": "wider frame",
             "label_ru": "расширение круга организаций"},
        ],
    }  # fmt: skip
    sensitivity = {"points": 1024, "replicates": 16, "runs": 196608, "converged": converged, "failed": 0}
    write_json(folder / "manifest.json", manifest)
    write_json(folder / "labels.json", labels)
    write_json(folder / "calibration/summary.json", calibration)
    write_json(folder / "sensitivity/summary.json", sensitivity)


def write_json(path: Path, content: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")


def _calibration(folder: Path, random: np.random.Generator) -> None:
    fit, skill, residuals, tests, checks = [], [], [], [], []
    for name, (en, ru, unit, level, growth, sigma) in OBSERVABLES.items():
        used = "shown" if name == "postgraduate_students" else "train"
        for region, (region_en, region_ru, scale) in REGIONS.items():
            error, left = 0.0, []
            for year in range(2000, 2031):
                middle = level * scale * np.exp(growth * (year - 2000) * (1 + 0.2 * np.sin(year / 3)))
                left.append(random.normal())
                error = 0.4 * error + sigma * left[-1]
                observed = middle * np.exp(error) if 2001 <= year <= 2022 else ""
                band = np.exp(1.645 * sigma * 1.1 * (1 + max(0, year - 2022) * 0.1))
                fit.append(
                    (region, name, year, observed, middle / band, middle, middle * band, unit, used, en, ru, region_en,
                     region_ru)
                )  # fmt: skip
                if observed and used == "train":
                    residuals.append((region, name, year, error, left[-1]))
            if used == "train":
                found = serial_test(np.array(left[1:23]))
                tests.append((region, name, 22, found.lags, found.ljung_box, found.p_value, found.durbin_watson,
                              *found.correlations))  # fmt: skip
                growth_seen = float(np.exp(21 * growth))
                checks.append((region, name, "growth", growth_seen, 0.8 * growth_seen, growth_seen, 1.2 * growth_seen,
                               0.02 if region == "samara" else 0.7))  # fmt: skip
                checks.append((region, name, "peak_year", 2021, 2018, 2021, 2022, 0.64))
            for horizon in (1, 3, 5):
                model = sigma * (1 + 0.1 * horizon) * random.uniform(0.7, 1.3)
                naive = (sigma + abs(growth) * horizon) * random.uniform(0.8, 1.3)
                drift = (sigma + 0.01 * horizon) * random.uniform(0.8, 1.4)
                skill.append((region, name, horizon, model, naive, drift, 1 - model / min(naive, drift)))
    write_csv(
        folder / "calibration/fit.csv",
        ("region", "observable", "year", "observed", "q05", "q50", "q95", "unit", "used", "label_en", "label_ru",
         "region_label_en", "region_label_ru"),
        fit,
    )  # fmt: skip
    columns = ("region", "observable", "year", "residual", "standardised")
    write_csv(folder / "calibration/residuals.csv", columns, residuals)
    columns = ("region", "observable", "count", "lags", "ljung_box", "p_value", "durbin_watson",
               *(f"acf_{lag}" for lag in range(1, 6)))  # fmt: skip
    write_csv(folder / "calibration/residual_tests.csv", columns, tests)
    columns = ("region", "observable", "feature", "observed", "q05", "q50", "q95", "p")
    write_csv(folder / "calibration/predictive_checks.csv", columns, checks)
    header = ("region", "observable", "horizon", "model_error", "naive_error", "drift_error", "skill")
    write_csv(folder / "calibration/skill.csv", header, skill)
    parameters = [
        ("epsR", "R&D elasticity", "Эластичность по затратам на исследования", "Dmnl", 0.31, 0.22, 0.41, 0, 0.6,
         "estimated", "Hall, Mairesse & Mohnen 2010", "B", "structural"),
        ("zeta", "Knowledge share", "Доля знаний", "Dmnl", 0.4, 0.2, 0.6, 0.2, 0.6, "not identified", "prior", "C",
         "structural"),
        ("tauC", "Commercialisation time", "Срок коммерциализации", "Year", 2.1, 1.4, 3.0, 1, 4, "estimated",
         "Mansfield 1991", "B", "structural"),
        ("past_differential_samara", "Past differential, Samara", "Прошлое отставание, Самарская область", "1/Year",
         -0.04, -0.04, -0.031, -0.04, 0.03, "at bound", "Rosstat", "A", "structural"),
        ("capital_ratio", "Initial capital output ratio", "Начальная капиталоёмкость", "Year", 1.8, 1.5, 2.2, 1, 3,
         "estimated", "Rosstat", "A", "initial"),
        ("bias_2017", "Break of 2017", "Разрыв 2017 года", "log", 0.12, -0.1, 0.33, "", "", "estimated", "prior", "C",
         "break"),
    ]  # fmt: skip
    write_csv(
        folder / "calibration/parameters.csv",
        ("parameter", "label", "label_ru", "unit", "estimate", "low", "high", "prior_low", "prior_high", "status",
         "source", "grade", "role"),
        parameters,
    )  # fmt: skip
    starts = [(place, -412.5 + 0.2 * place**2, "true" if place < 10 else "false") for place in range(12)]
    write_csv(folder / "calibration/starts.csv", ("start", "objective", "converged"), starts)


def _comparison(folder: Path, draws: int) -> None:
    rows, summary, gaps = [], [], []
    for regime in REGIMES:
        for element, scale in (("alliance", 3.1), ("tatarstan", 1.0)):
            for year in range(2000, 2051):
                level = 600 * scale * np.exp(0.025 * (year - 2000))
                rows.append(
                    (regime, "gross_regional_product", element, year, level * 0.9, level, level * 1.1, "bn RUB/Year")
                )
    for outcome, (_, _, unit, effects, spread, percent, elements) in OUTCOMES.items():
        for regime, effect in effects.items():
            for element in elements:
                scale = 1.0 if element == "alliance" else 0.35
                for year in range(2000, 2051):
                    reach = scale * max(0, year - 2026) / 14
                    gap, half = effect * reach, 1.6 * spread * reach
                    within = (gap + share * half for share in (-1, -0.41, 0, 0.41, 1))
                    gaps.append((regime, "R1", outcome, element, year, *within, unit))
                    if year in YEARS:
                        share = float(np.clip(0.5 + 0.4 * effect / spread / 1.6, 0.003, 1.0))
                        share = round(share * draws) / draws
                        verdict = "better" if share >= 0.9 else "worse" if share <= 0.1 else "indistinguishable"
                        in_percent = 100 * gap / (1900 * scale) if percent else ""
                        summary.append(
                            (regime, "R1", outcome, element, year, unit, gap, gap - half, gap + half, in_percent, share,
                             verdict, 0.7 * (year - 2026) * (regime != "R0"), "bn RUB")
                        )  # fmt: skip
    band = ("q05", "q50", "q95", "unit")
    write_csv(folder / "comparison/trajectories.csv", ("regime", "variable", "element", "year", *band), rows)
    bands = ("q05", "q25", "q50", "q75", "q95", "unit")
    write_csv(folder / "comparison/gaps.csv", ("regime", "baseline", "outcome", "element", "year", *bands), gaps)
    write_csv(
        folder / "comparison/summary.csv",
        ("regime", "baseline", "outcome", "element", "year", "unit", "gap", "gap_low", "gap_high", "gap_percent",
         "share_better", "verdict", "fiscal_cost", "fiscal_cost_unit"),
        summary,
    )  # fmt: skip
    header = ("regime", "title_en", "title_ru", "story_en", "story_ru", "selection_power")
    write_csv(folder / "comparison/regimes.csv", header, [(name, *texts, 0.1) for name, texts in REGIMES.items()])


def _sensitivity(folder: Path) -> None:
    rows = []
    for outcome in ("net_present_value", "gross_regional_product"):
        for year in range(2028, 2051, 2):
            for place, (lever, share) in enumerate(SHARES.items()):
                first = share * (1 + 0.2 * np.sin(year / 6 + place)) if share > 0 else share
                total = max(first, 0.0) * 1.35 + 0.002
                rows.append(
                    (outcome, year, lever, first, first - 0.012, first + 0.012, total, total - 0.015, total + 0.015)
                )
    header = ("outcome", "year", "lever", "S1", "S1_low", "S1_high", "ST", "ST_low", "ST_high")
    write_csv(folder / "sensitivity/indices.csv", header, rows)
    header = ("lever", "label_en", "label_ru", "unit", "low", "high", "grade", "source")
    write_csv(folder / "sensitivity/levers.csv", header, [(name, *values) for name, values in LEVERS.items()])
