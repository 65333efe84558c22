"""Write every table of the Tatarstan problem from the figures in data/: `python calibration/tatarstan/build.py`."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from definitions import (
    FIRST,
    HOLDOUT,
    OBSERVABLES,
    PARAMETERS,
    VINTAGES,
    Break,
    Observable,
    Parameter,
)

from alliance_dynamics.calibration.comparable import LAST, comparable, missing_figures
from alliance_dynamics.cells import Column
from alliance_dynamics.errors import AllianceError, InputError, fault
from alliance_dynamics.observations import SOURCE_COLUMNS, Observations, SourceCard, read_observations, read_sources
from alliance_dynamics.tables import Row, read_table, write_table

DATA = Path(__file__).resolve().parent / "data"
REGION_COLUMNS = tuple(Column(name) for name in ("region_code", "experimentId", "element", "label_en", "label_ru"))
START_VALUE = "the model starts from the figure of 2000"
OLD_CLASSIFICATION = "before OKVED: another classification, shown only"


def build(folder: Path) -> None:
    """Write the tables of the problem into `folder`; InputError names the figures and source cards that are missing."""
    observations = read_observations(DATA / "observations.csv")
    regions = list(read_table(DATA / "regions.csv", REGION_COLUMNS, key=("experimentId",)))
    cards = read_sources(DATA / "sources.csv")
    refuse_missing(observations, regions, cards)
    write_observables(folder)
    measurements = [
        row
        for region in regions
        for each in OBSERVABLES
        if each.use == "calibrated" or is_published(observations, region, each)
        for row in measured(observations, region, each, cards)
    ]
    save(folder / "measurements.tsv", MEASUREMENT_HEADER, measurements)
    write_parameters(folder, observations, regions)
    save(folder / "conditions.tsv", ["conditionId", "targetId", "targetValue"], [])
    experiments = [[region["experimentId"], FIRST, "", f"region={region['element']}"] for region in regions]
    save(folder / "experiments.tsv", ["experimentId", "time", "conditionId", "elements"], experiments)
    correlated = [
        [each.id, region["experimentId"], "ar1", f"phi_{each.id}"] for each in calibrated() for region in regions
    ]
    header = ["observableId", "experimentId", "structure", "parameterId"]
    save(folder / "noise_correlation.tsv", header, correlated)
    used = dict.fromkeys(source for row in measurements for source in row[7].split(";"))
    names = [column.name for column in SOURCE_COLUMNS]
    used |= dict.fromkeys(cards)
    save(folder / "sources.tsv", names, [[getattr(cards[each], name) for name in names] for each in used])


def save(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    write_table(path, header, rows, escape=False)


def refuse_missing(observations: Observations, regions: Sequence[Row], cards: Mapping[str, SourceCard]) -> None:
    """All figures that the fit needs and all source cards, or one error with everything that is missing."""
    needed = {each.indicator: range(FIRST if each.first == FIRST + 1 else each.first, LAST + 1)
              for each in calibrated()}  # fmt: skip
    needed["grp_real_index"] = range(FIRST + 1, LAST + 1)
    for indicator in ("patent_applications_inventions", "postgraduate_students", "fixed_assets_gross",
                      "fixed_assets_net", "fixed_capital_investment"):  # fmt: skip
        needed[indicator] = range(FIRST, FIRST + 1)  # start values and bounds follow from them
    codes = [region["region_code"] for region in regions]
    faults = [each for code in codes for each in missing_figures(observations, code, needed)]
    used = dict.fromkeys(row.source for row in observations.rows if row.region_code in codes)
    faults += [
        fault(str(DATA / "sources.csv"), "the source `{source}` has no card",
              expected="A row of it in the table of sources", source=source)
        for source in used if source not in cards
    ]  # fmt: skip
    if faults:
        raise InputError(faults)


def is_published(observations: Observations, region: Row, each: Observable) -> bool:
    """Whether a region has figures of an observable; series that are only shown may be absent."""
    needed = {each.indicator, each.indicator.replace("okved1", "okved2")}
    return needed <= {row.indicator for row in observations.rows if row.region_code == region["region_code"]}


def calibrated() -> list[Observable]:
    return [each for each in OBSERVABLES if each.use == "calibrated"]


# ---------------------------------------------------------------------------------------------------- observables

OBSERVABLE_HEADER = (
    "observableId",
    "observableName",
    "observableFormula",
    "observablePlaceholders",
    "noiseFormula",
    "noisePlaceholders",
    "noiseDistribution",
    "unit",
    "kind",
    "degreesOfFreedom",
    "use",
    "label_en",
    "label_ru",
    "note",
    "indicator",
    "rule",
)


def write_observables(folder: Path) -> None:
    rows = []
    for each in OBSERVABLES:
        placeholders = [f"break_{one.year}" for one in each.breaks]
        shift = f" * exp({' + '.join(placeholders)})" if placeholders else ""
        if "applications_per_grant" in each.formula:
            placeholders = ["applications_per_grant"]
        noise = f"sd_{each.id}" if each.use == "calibrated" else "profiled"
        rows.append(
            [each.id, each.label_en, each.formula + shift, ";".join(placeholders), noise, "", "log-normal", each.unit,
             each.kind, "", each.use, each.label_en, each.label_ru, each.note, each.indicator, each.rule]
        )  # fmt: skip
    save(folder / "observables.tsv", OBSERVABLE_HEADER, rows)


# --------------------------------------------------------------------------------------------------- measurements

MEASUREMENT_HEADER = (
    "observableId",
    "experimentId",
    "time",
    "measurement",
    "observableParameters",
    "noiseParameters",
    "obsStatus",
    "source",
    "vintage",
    "unit",
    "fold",
    "note",
)


def measured(observations: Observations, region: Row, each: Observable, cards: Mapping[str, SourceCard]) -> list[list]:
    """The rows of one observable and region, year by year; a year-end stock of year y stands at time y + 1.

    A source without a stated vintage has the day on which its figures were retrieved.
    """
    values, sources = comparable(observations, each.indicator, each.rule, region["region_code"])
    rows = []
    for year, value in sorted(values.items()):
        status = "B" if year in each.break_years or any(one.year == year for one in each.breaks) else "A"
        fold, note = fold_of(each, year)
        time = year + 1 if each.kind == "stock" else year
        parameters = ";".join(shifts(observations, region, each, year))
        rows.append(
            [each.id, region["experimentId"], time, f"{value:.8g}", parameters, "", status, sources[year],
             VINTAGES.get(sources[year]) or cards[sources[year]].retrieved, each.unit, fold, note]
        )  # fmt: skip
    return rows


def shifts(observations: Observations, region: Row, each: Observable, year: int) -> list[str]:
    """The observable parameters of a row: each break from its year on, 0 before it."""
    if "applications_per_grant" in each.formula:
        code = region["region_code"]
        filed = observations.series("patent_applications_inventions", code).values[FIRST]
        granted = observations.series("patents_granted_inventions", code).values[FIRST]
        return [f"{filed / granted:.6g}"]
    return [break_id(each, one, region) if year >= one.year else "0" for one in each.breaks]


def break_id(each: Observable, one: Break, region: Row) -> str:
    return f"b_{each.id}_{one.year}_{region['experimentId'].lower()}"


def fold_of(each: Observable, year: int) -> tuple[str, str]:
    if each.use != "calibrated":
        return "exclude", each.note or "shown, not fitted"
    if year < each.first:
        return "exclude", OLD_CLASSIFICATION if each.first > FIRST + 1 else START_VALUE
    return ("holdout" if HOLDOUT[0] <= year <= HOLDOUT[1] else "train"), ""


# ----------------------------------------------------------------------------------------------------- parameters

PARAMETER_HEADER = (
    "parameterId",
    "target",
    "lowerBound",
    "upperBound",
    "nominalValue",
    "estimate",
    "priorDistribution",
    "priorParameters",
    "unit",
    "meaning",
    "source",
    "grade",
    "role",
    "transform",
    "label_en",
    "label_ru",
)


def write_parameters(folder: Path, observations: Observations, regions: Sequence[Row]) -> None:
    rows, pools = [], []
    for each in PARAMETERS:
        if not each.regional:
            rows.append(parameter_row(each, each.target, each.label_en, each.label_ru))
        for region in regions if each.regional else ():
            rows.append(parameter_row(each, f"{each.target}[{region['element']}]",
                                      f"{each.label_en}, {region['label_en']}",
                                      f"{each.label_ru}, {region['label_ru']}"))  # fmt: skip
            pools.append([rows[-1][0], f"pool_{identifier(each.target)}", *pooled(each.mean, each.deviation), "none"])
    for region in regions:
        rows += regional_rows(observations, region)
    for each in calibrated():
        for one in each.breaks:
            for region in regions:
                rows.append(break_row(each, one, region))
                pools.append([rows[-1][0], f"pool_b_{each.id}_{one.year}", *pooled(0, one.deviation), "none"])
    for each in calibrated():
        rows += noise_rows(each)
    save(folder / "parameters.tsv", PARAMETER_HEADER, rows)
    save(folder / "pooling.tsv", ["parameterId", "poolId", "poolPrior", "scalePrior", "poolScale"], pools)


def parameter_row(each: Parameter, target: str, label_en: str, label_ru: str) -> list:
    return [identifier(target), target, each.lower, each.upper, each.nominal, "true", "normal",
            f"{each.mean:g};{each.deviation:g}", each.unit, label_en, each.source, each.grade, each.role,
            each.transform, label_en, label_ru]  # fmt: skip


def regional_rows(observations: Observations, region: Row) -> list[list]:
    """Parameters whose bounds come from the region's own figures of 2000: no pooling."""
    code = region["region_code"]

    def of(indicator: str) -> float:
        return observations.series(indicator, code).values[FIRST]

    intake = of("postgraduate_students") / 3.5 / of("rd_personnel")
    gross, net = of("fixed_assets_gross") / of("grp_current"), of("fixed_assets_net") / of("grp_current")
    steady = of("fixed_capital_investment") / of("grp_current") / (0.06 + 0.02)
    upper = 1.1 * max(gross, steady)
    label = "Postgraduate intake per member of R&D staff", "Приём в аспирантуру на одного исследователя"
    rows = [row_of(f"trainee_intake_rate[{region['element']}]", 0.5 * intake, 0.06, intake, "uniform",
                   [0.5 * intake, 0.06], "1/Year", "RR2023", "A", "structural", "log", label, region)]  # fmt: skip
    label = (
        "Capital per rouble of yearly value added in 2000",
        "Капитал на рубль годовой добавленной стоимости в 2000 г.",
    )
    rows.append(row_of(f"initial_capital_output_ratio[{region['element']}]", net, upper, gross, "uniform",
                       [net, upper], "Year", "RR2023", "C", "initial", "log", label, region))  # fmt: skip
    return rows


def break_row(each: Observable, one: Break, region: Row) -> list:
    bound = 3.0 * one.deviation
    label = f"{each.label_en}: {one.label_en}", f"{each.label_ru}: {one.label_ru}"
    row = row_of("", -bound, bound, 0.0, "normal", [0.0, one.deviation], "Dmnl", "RR2023", "C", "break", "none", label,
                 region)  # fmt: skip
    return [break_id(each, one, region), *row[1:]]


def noise_rows(each: Observable) -> list[list]:
    noise = each.noise
    assert noise is not None
    label = f"{each.label_en}: typical error", f"{each.label_ru}: типичная ошибка"
    prior = [math.log(noise.median), noise.log_deviation]
    spread = row_of("", 0.001, 1.5, noise.median, "log-normal", prior, "Dmnl", JUDGED, "B", "noise", "log", label)
    label = (
        f"{each.label_en}: correlation of errors in neighbouring years",
        f"{each.label_ru}: корреляция ошибок соседних лет",
    )
    prior = [noise.memory, noise.memory_deviation]
    memory = row_of("", 0.0, 0.98, noise.memory, "normal", prior, "Dmnl", JUDGED, "B", "noise", "none", label)
    return [[f"sd_{each.id}", *spread[1:]], [f"phi_{each.id}", *memory[1:]]]


JUDGED = "calibration/tatarstan/README.md"


def row_of(target: str, lower: float, upper: float, nominal: float, prior: str, prior_parameters: list[float],
           unit: str, source: str, grade: str, role: str, scale: str, label: tuple[str, str],
           region: Row | None = None) -> list:  # fmt: skip
    english, russian = label
    if region:
        english, russian = f"{english}, {region['label_en']}", f"{russian}, {region['label_ru']}"
    numbers = [f"{value:.6g}" for value in (lower, upper, nominal)]
    return [identifier(target), target, *numbers, "true", prior, ";".join(f"{each:.6g}" for each in prior_parameters),
            unit, english, source, grade, role, scale, english, russian]  # fmt: skip


def pooled(mean: float, deviation: float) -> tuple[str, str]:
    """Half of the prior variance for the common value, half for the differences between regions."""
    half = deviation / math.sqrt(2.0)
    return f"normal;{mean:g};{half:.6g}", f"half-normal;{half:.6g}"


def identifier(target: str) -> str:
    """A parameter id from a model name: `public_r&d_drift[samara]` becomes `public_rd_drift__samara`."""
    return target.replace("&", "").replace("-", "_").replace("[", "__").replace(",", "_").replace("]", "")


if __name__ == "__main__":
    try:
        build(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent)
    except AllianceError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
