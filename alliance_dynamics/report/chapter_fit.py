"""The chapter on fit: how well the model meets the statistics, whether it beats naive forecasts, what it estimates."""

from __future__ import annotations

from statistics import fmean, median
from typing import Any

from alliance_dynamics.report.blocks import Cell, Figure, Section, Table, band, cell, head, number
from alliance_dynamics.report.chapter_parameters import PARAMETERS, parameter_section
from alliance_dynamics.report.facts import Facts, is_gross_product
from alliance_dynamics.report.results import Row
from alliance_dynamics.report.voice import Voice, bound
from alliance_dynamics.report.wording import quoted

FIT, SKILL = "calibration/fit.csv", "calibration/skill.csv"


def fit_section(voice: Voice, facts: Facts, figures: tuple[Figure, ...]) -> Section:
    """Observables, skill, parameters and what history cannot identify."""
    return Section(
        "fit",
        voice.texts("section.fit"),
        (voice.texts("fit.intro"), starts_sentence(voice)),
        figures=figures,
        tables=(observable_table(voice),),
        sections=(skill_section(voice), parameter_section(voice), _unknown_section(voice)),
    )


def used_rows(rows: list[Row]) -> list[Row]:
    """Observed rows that the fit used; every observed row where the file does not say."""
    observed = [row for row in rows if row["observed"] is not None]
    return [row for row in observed if row.get("used", "train") in ("train", "")]


def break_in_words(voice: Voice, each: dict[str, Any]) -> str:
    """What changed, without the statistic and the region that its label carries."""
    label = bound(each.get(f"label_{voice.language}", "")).removeprefix(f"{voice.variable(each['observable'])}: ")
    regions = [voice.element(name) for name in dict.fromkeys(row["region"] for row in voice.results.rows(FIT))]
    return next((label.removesuffix(f", {name}") for name in regions if label.endswith(f", {name}")), label)


def calibrated_observables(rows: list[Row]) -> list[str]:
    return list(dict.fromkeys(row["observable"] for row in used_rows(rows)))


def observable_table(voice: Voice) -> Table:
    rows = voice.results.rows(FIT)
    noise = _by_observable(voice.results.calibration.get("noise", {}))
    body = []
    for name in dict.fromkeys(row["observable"] for row in rows):
        mine = [row for row in rows if row["observable"] == name]
        used = used_rows(mine)
        compared = used or [row for row in mine if row["observed"] is not None]
        sigma, phi = noise.get(name, {}).get("sigma"), noise.get(name, {}).get("phi")
        body.append(
            (
                head(voice.variable(name)),
                cell(voice.texts("use.train" if used else "use.shown")),
                number(voice.numbers.number(len(compared), 0)),
                number(_typical_error(voice, name, compared)),
                number(_coverage(voice, compared)),
                number(voice.numbers.number(sigma, 2) if sigma is not None else "—"),
                number(voice.numbers.number(phi, 2) if phi is not None else "—"),
            )
        )
    columns = ("observable", "use", "observations", "error", "coverage", "sigma", "phi")
    return Table(
        "observables",
        voice.texts("table.observables"),
        FIT,
        tuple(voice.texts(f"head.{each}") for each in columns),
        tuple(body),
        (voice.texts("note.observables"),),
    )


def _typical_error(voice: Voice, name: str, rows: list[Row]) -> Any:
    """Median distance of the median run from the figure, as a share of the figure; not told for gross product."""
    if is_gross_product(name):
        return voice.texts("fit.only_skill")
    distances = [abs(row["q50"] / row["observed"] - 1) for row in rows if row["observed"]]
    return voice.share(median(distances)) if distances else "—"


def _coverage(voice: Voice, rows: list[Row]) -> Any:
    inside = [row["q05"] <= row["observed"] <= row["q95"] for row in rows]
    return voice.share(fmean(inside)) if inside else "—"


def starts_sentence(voice: Voice) -> Any:
    starts = voice.results.rows("calibration/starts.csv")
    objectives = [row["objective"] for row in starts if row["objective"] is not None]
    near = sum(each <= min(objectives) + 0.5 for each in objectives)
    return voice.texts.markup(
        "fit.starts",
        starts=voice.numbers.number(len(starts), 0),
        converged=voice.numbers.number(sum(row["converged"] for row in starts), 0),
        near=voice.numbers.number(near, 0),
    )


# Skill --------------------------------------------------------------------------------------------------------------


def skill_section(voice: Voice) -> Section:
    title = voice.texts("section.skill")
    rows = voice.results.rows(SKILL)
    if not rows:
        return Section("skill", title, (voice.texts("skill.absent"),))
    lost = [row for row in rows if not beats_naive(row)]
    verdict = voice.texts.markup(
        "skill.verdict",
        won=voice.numbers.number(len(rows) - len(lost), 0),
        compared=voice.numbers.number(len(rows), 0),
    )
    items = []
    for name in dict.fromkeys(row["observable"] for row in lost):
        regions = dict.fromkeys(voice.element(row["region"]) for row in lost if row["observable"] == name)
        items.append(voice.texts("skill.lost", observable=voice.variable(name), regions=", ".join(regions)))
    loses = voice.texts("skill.loses" if items else "skill.no_loss")
    return Section("skill", title, (verdict, loses), tuple(items), tables=(_skill_table(voice, rows),))


def beats_naive(row: Row) -> bool:
    """Whether the model's error is below that of the last value and of the drift."""
    rivals = [row[each] for each in ("naive_error", "drift_error") if row[each] is not None]
    return row["model_error"] < min(rivals)


def _skill_table(voice: Voice, rows: list[Row]) -> Table:
    columns = ("horizon", "model_error", "naive_error", "drift_error", "won")
    body: list[tuple[Cell, ...]] = []
    for name in dict.fromkeys(row["observable"] for row in rows):
        mine = [row for row in rows if row["observable"] == name]
        body.append((band(voice.variable(name), len(columns)),))
        for horizon in sorted({row["horizon"] for row in mine}):
            these = [row for row in mine if row["horizon"] == horizon]
            drift = [row["drift_error"] for row in these if row["drift_error"] is not None]
            won = sum(map(beats_naive, these))
            body.append(
                (
                    head(voice.numbers.number(horizon, 0)),
                    number(voice.share(fmean(row["model_error"] for row in these), 1)),
                    number(voice.share(fmean(row["naive_error"] for row in these), 1)),
                    number(voice.share(fmean(drift), 1) if drift else "—"),
                    cell(voice.texts("skill.count", won=won, compared=len(these))),
                )
            )
    headers = tuple(voice.texts(f"head.{each}") for each in columns)
    return Table("skill-table", voice.texts("table.skill"), SKILL, headers, tuple(body), (voice.texts("note.skill"),))


def _unknown_section(voice: Voice) -> Section:
    """What history cannot identify, said plainly: parameters by name, and every governance lever."""
    silent = [voice.parameter(row) for row in voice.results.rows(PARAMETERS) if row["status"] == "not identified"]
    levers = [voice.lever(row["lever"]) for row in voice.results.rows("sensitivity/levers.csv")]
    paragraphs = [voice.texts("unknown.intro"), voice.texts.markup("unknown.levers", levers=quoted(voice, levers))]
    if silent:
        paragraphs.append(voice.texts.markup("unknown.parameters", names=quoted(voice, silent)))
    else:
        paragraphs.append(voice.texts("unknown.no_parameters"))
    return Section("unknown", voice.texts("section.unknown"), tuple(paragraphs))


def _by_observable(noise: Any) -> dict[str, dict[str, float]]:
    """The noise table by observable, from an object by name or from a list of rows."""
    if isinstance(noise, dict):
        return noise
    return {row["observable"]: row for row in noise}
