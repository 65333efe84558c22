"""The region that an experiment stands for: its name in the statistics, its code, its element in the model, labels."""

from __future__ import annotations

from alliance_dynamics.calibration.problem import Problem
from alliance_dynamics.cells import Column
from alliance_dynamics.observations import read_observations
from alliance_dynamics.tables import read_table

COLUMNS = (
    Column("region_code", "text"),
    Column("experimentId", "id"),
    Column("element", "text"),
    Column("label_en", "text"),
    Column("label_ru", "text"),
)


def read_regions(problem: Problem) -> dict[str, dict[str, str]]:
    """For each experiment: region (the name in the statistics), region_code, element and labels.

    Read from the problem's data/regions.csv and data/observations.csv; a problem without them names its experiments.
    """
    found = {name: {"region": name} for name in problem.experiments}
    cards, figures = problem.folder / "data" / "regions.csv", problem.folder / "data" / "observations.csv"
    if not (cards.is_file() and figures.is_file()):
        return found
    named = {each.region_code: each.region for each in read_observations(figures).rows}
    for row in read_table(cards, COLUMNS, key=("experimentId",)):
        if row["experimentId"] in found:
            cells = {name: str(row[name]) for name in ("region_code", "element", "label_en", "label_ru")}
            found[str(row["experimentId"])] = {
                "region": named.get(cells["region_code"], cells["label_en"]),
                "region_code": cells["region_code"],
                "element": cells["element"],
                "region_label_en": cells["label_en"],
                "region_label_ru": cells["label_ru"],
            }
    return found
