"""What the Tatarstan problem compares and estimates: observables, breaks and parameters; figures come from data/."""

from __future__ import annotations

from dataclasses import dataclass

FIRST = 2000
HOLDOUT = (2017, 2022)
VINTAGES = {
    "RR2023": "2023",
    "ROSSTAT_VRP_S1998": "1998-2023",
    "ROSSTAT_VRP_OKVED2": "2009-2022",
    "ROSSTAT_FUNDS_2024": "2024",
    "ROSSTAT_FUNDS_NET_2024": "2024",
}


@dataclass(frozen=True)
class Break:
    """A change of method: the first year counted in the new way, and the standard deviation of its log shift."""

    year: int
    deviation: float
    label_en: str
    label_ru: str


@dataclass(frozen=True)
class Noise:
    """Priors of an observable's log residuals: median and log deviation of their standard deviation, mean and deviation
    of their correlation from year to year.  README.md says why these."""

    median: float
    log_deviation: float
    memory: float
    memory_deviation: float


@dataclass(frozen=True)
class Observable:
    """An indicator, how it becomes comparable (`rule` of calibration/comparable.py), and the variable compared with.

    `break_years` are those of shown observables, which have no break parameter.
    """

    id: str
    indicator: str
    rule: str
    formula: str
    unit: str
    kind: str
    use: str
    label_en: str
    label_ru: str
    first: int = FIRST + 1
    noise: Noise | None = None
    breaks: tuple[Break, ...] = ()
    break_years: tuple[int, ...] = ()
    note: str = ""


INNOVATIVE_GOODS_BREAKS = (
    Break(2005, 1.0, "OKVED replaces OKONKh", "переход на ОКВЭД"),
    Break(2017, 0.3, "OKVED2 replaces OKVED", "переход на ОКВЭД2"),
    Break(2019, 0.3, "wider frame of surveyed organisations", "расширение круга обследуемых организаций"),
)

OBSERVABLES = (
    Observable(
        "grp_current_real",
        "grp_current",
        "real product",
        "gross_regional_product[region]",
        "bn RUB/Year",
        "flow",
        "calibrated",
        "Gross regional product, 2010 prices",
        "Валовой региональный продукт, цены 2010 г.",
        noise=Noise(0.045, 0.5, 0.85, 0.1),
    ),
    Observable(
        "rd_expenditure_internal_real",
        "rd_expenditure_internal",
        "deflated",
        "internal_r&d_expenditure[region]",
        "bn RUB/Year",
        "flow",
        "calibrated",
        "Internal R&D expenditure, 2010 prices",
        "Внутренние затраты на исследования и разработки, цены 2010 г.",
        noise=Noise(0.17, 0.5, 0.85, 0.1),
    ),
    Observable(
        "rd_personnel",
        "rd_personnel",
        "as published",
        "r&d_personnel[region]",
        "person",
        "stock",
        "calibrated",
        "R&D personnel at year end",
        "Персонал, занятый исследованиями и разработками, на конец года",
        noise=Noise(0.15, 0.3, 0.92, 0.05),
    ),
    Observable(
        "patents_granted_inventions",
        "patents_granted_inventions",
        "as published",
        "patents_granted[region]",
        "patent/Year",
        "flow",
        "calibrated",
        "Patents granted for inventions",
        "Выданные патенты на изобретения",
        noise=Noise(0.28, 0.3, 0.85, 0.1),
    ),
    Observable(
        "innovative_goods_volume_real",
        "innovative_goods_volume",
        "deflated",
        "innovative_goods_volume[region]",
        "bn RUB/Year",
        "flow",
        "calibrated",
        "Innovative goods, works and services, 2010 prices",
        "Инновационные товары, работы и услуги, цены 2010 г.",
        first=2005,
        noise=Noise(0.35, 0.3, 0.85, 0.1),
        breaks=INNOVATIVE_GOODS_BREAKS,
    ),
    Observable(
        "innovative_goods_share",
        "innovative_goods_share",
        "as published",
        "100 * innovative_goods_share[region]",
        "percent",
        "ratio",
        "shown",
        "Share of innovative goods in shipments",
        "Доля инновационных товаров в отгрузке",
        break_years=(2005, 2017, 2019),
        note="The denominator widens in 2019; the volume is calibrated instead.",
    ),
    Observable(
        "fixed_capital_investment_real",
        "fixed_capital_investment",
        "deflated",
        "investment_of_both_industries[region]"
        " / (industry_share_of_grp[region,petrochemicals] + industry_share_of_grp[region,machinery])",
        "bn RUB/Year",
        "flow",
        "shown",
        "Fixed capital investment, 2010 prices",
        "Инвестиции в основной капитал, цены 2010 г.",
        note="Investment of the two industries over their share of the product of 2000; this series also drives the "
        "model as a share of the product.",
    ),
    Observable(
        "manufacturing_value_added_real",
        "gva_share_manufacturing_okved1",
        "share of real product",
        "value_added_of_both_industries[region]",
        "bn RUB/Year",
        "flow",
        "shown",
        "Value added of manufacturing, 2010 prices",
        "Добавленная стоимость обрабатывающих производств, цены 2010 г.",
        first=2009,
        break_years=(2016,),
        note="Manufacturing is wider than the two industries of the model.",
    ),
    Observable(
        "fixed_assets_gross_manufacturing_real",
        "fixed_assets_gross_manufacturing",
        "deflated",
        "physical_capital_of_both_industries[region]",
        "bn RUB",
        "stock",
        "shown",
        "Fixed assets of manufacturing at full book value, over the product deflator",
        "Основные фонды обрабатывающих производств по полной учётной стоимости, делённые на дефлятор ВРП",
        first=2017,
        note="Book values mix the prices of many years; the deflated figure shows the order of magnitude.",
    ),
    Observable(
        "fixed_assets_net_manufacturing_real",
        "fixed_assets_net_manufacturing",
        "deflated",
        "physical_capital_of_both_industries[region]",
        "bn RUB",
        "stock",
        "shown",
        "Fixed assets of manufacturing at residual book value, over the product deflator",
        "Основные фонды обрабатывающих производств по остаточной стоимости, делённые на дефлятор ВРП",
        first=2017,
        note="Book values mix the prices of many years; the deflated figure shows the order of magnitude.",
    ),
    Observable(
        "postgraduate_students",
        "postgraduate_students",
        "as published",
        "r&d_trainees[region]",
        "person",
        "stock",
        "shown",
        "Postgraduate students at year end",
        "Аспиранты на конец года",
        note="Not fitted: the number follows state admission plans.",
    ),
    Observable(
        "patent_applications_inventions",
        "patent_applications_inventions",
        "as published",
        "patent_filings[region] * applications_per_grant",
        "patent/Year",
        "flow",
        "shown",
        "Patent applications for inventions",
        "Заявки на изобретения",
        note="Filings of the model are those that will be granted, scaled by applications per grant of 2000.",
    ),
    Observable(
        "innovation_expenditure_real",
        "innovation_expenditure",
        "deflated",
        "launches[region,petrochemicals] + launches[region,machinery]",
        "bn RUB/Year",
        "flow",
        "direction",
        "Innovation expenditure, 2010 prices",
        "Затраты на инновации, цены 2010 г.",
        break_years=(2017, 2019),
        note="Direction only: launches of the model are measured in bn RUB/Year/Year.",
    ),
    Observable(
        "advanced_technologies_used",
        "advanced_technologies_used",
        "as published",
        "(technology_adoption_index[region,petrochemicals] + technology_adoption_index[region,machinery]) / 2",
        "technology",
        "stock",
        "direction",
        "Advanced production technologies in use",
        "Используемые передовые производственные технологии",
        break_years=(2020,),
        note="Direction only: the model's index has no unit.",
    ),
    Observable(
        "innovation_activity_level",
        "innovation_activity_level",
        "as published",
        "100 * membership_share[region]",
        "percent",
        "ratio",
        "direction",
        "Innovation activity level",
        "Уровень инновационной активности организаций",
        first=2006,
        break_years=(2018, 2019),
        note="Direction only: activity of organisations, not membership.",
    ),
)


@dataclass(frozen=True)
class Parameter:
    """A model constant to estimate.  `regional`: one value per region, pooled; then `nominal` may be a rule's name."""

    target: str
    lower: float
    upper: float
    nominal: float
    mean: float
    deviation: float
    unit: str
    grade: str
    source: str
    label_en: str
    label_ru: str
    transform: str = "none"
    role: str = "structural"
    regional: bool = False


LITERATURE, JUDGEMENT = "literature", "judgement"

PARAMETERS = (
    Parameter("r&d_response_to_return", 0, 0.6, 0.3, 0.3, 0.15, "Dmnl", "C", JUDGEMENT,
              "Response of private R&D to its return", "Отклик частных затрат на ИиР на отдачу"),
    Parameter("launch_elasticity_of_results", 0.2, 0.6, 0.4, 0.4, 0.1, "Dmnl", "C", JUDGEMENT,
              "Weight of R&D results in product launches", "Вес результатов ИиР в выпуске новой продукции"),
    Parameter("base_commercialisation_time", 1, 4, 2, 2, 0.7, "Year", "C", JUDGEMENT,
              "Commercialisation time", "Срок коммерциализации", transform="log"),
    Parameter("patent_elasticity", 0.3, 0.9, 0.6, 0.6, 0.15, "Dmnl", "B", LITERATURE,
              "Elasticity of patents to R&D results", "Эластичность патентов по результатам ИиР"),
    Parameter("catch-up_speed", 0, 0.04, 0.02, 0.02, 0.01, "1/Year", "B", LITERATURE,
              "Speed of catching up with the frontier", "Скорость догоняющего развития"),
    Parameter("hiring_adjustment_time", 1, 4, 2, 2, 0.7, "Year", "C", JUDGEMENT,
              "Time to adjust R&D staff", "Срок подстройки численности исследователей", transform="log"),
    Parameter("reference_growth_rate", -0.05, 0.06, 0.02, 0.02, 0.02, "1/Year", "C", JUDGEMENT,
              "Growth before 2000 implied by the initial stocks", "Рост до 2000 г., заложенный в начальные запасы",
              role="initial"),
    Parameter("demand_elasticity", 0, 1, 0.5, 0.5, 0.25, "Dmnl", "C", JUDGEMENT,
              "Response of output to the national cycle", "Отклик выпуска на общероссийский цикл"),
    Parameter("public_r&d_elasticity", 0.5, 1.5, 1, 1, 0.25, "Dmnl", "C", JUDGEMENT,
              "Response of public R&D money to the national R&D index",
              "Отклик государственных затрат на ИиР на общероссийский индекс"),
    Parameter("real_r&d_cost_growth", 0.02, 0.065, 0.045, 0.045, 0.01, "1/Year", "A", "RR2023",
              "Growth of the real cost of a researcher", "Рост реальной стоимости исследователя", regional=True),
    Parameter("national_loading", 0.5, 1.5, 1, 1, 0.2, "Dmnl", "C", JUDGEMENT,
              "Loading of the rest of the economy on the national index",
              "Связь остальной экономики региона с общероссийским индексом", regional=True),
    Parameter("past_differential", -0.04, 0.03, 0, 0, 0.01, "1/Year", "C", JUDGEMENT,
              "Growth of the rest of the economy beyond the loading", "Рост остальной экономики сверх связи с Россией",
              regional=True),
    Parameter("public_r&d_drift", -0.05, 0.05, 0, 0, 0.02, "1/Year", "C", JUDGEMENT,
              "Growth of public R&D money beyond the national index",
              "Рост государственных затрат на ИиР сверх общероссийского индекса", regional=True),
)
