"""The calibration as a page of its own: does it fit, does it predict, what is identified; then everything behind it."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean

from markupsafe import Markup

from alliance_dynamics.report.blocks import Figure, Section
from alliance_dynamics.report.chapter_calibration import (
    data_section,
    objective_section,
    search_section,
)
from alliance_dynamics.report.chapter_checklist import checklist_section
from alliance_dynamics.report.chapter_fit import FIT, observable_table, used_rows
from alliance_dynamics.report.chapter_identification import POOLING, pooling_section, profiles_section
from alliance_dynamics.report.chapter_origin import command_of, origin_section
from alliance_dynamics.report.chapter_parameters import PARAMETERS, parameter_section
from alliance_dynamics.report.chapter_residuals import CHECKS, checks_section, residuals_section
from alliance_dynamics.report.chapter_validation import (
    SCORES,
    near_scores,
    recovery_section,
    theil_section,
    validation_section,
)
from alliance_dynamics.report.context import Context, make_context
from alliance_dynamics.report.results import FOLDER, Results
from alliance_dynamics.report.voice import Voice
from alliance_dynamics.report.wording import listed, quoted

ENOUGH, SOME = 0.85, 0.7  # share of figures inside 90 % bands that counts as a fit, and as a partial one


def calibration_context(voice: Voice, figures: dict[str, tuple[Figure, ...]], name: str = "report") -> Context:
    """The page in the order it is read: verdicts and figures first, then data, objective, search, checks."""
    sections: list[Section] = [
        Section(
            "fit", voice.texts("section.fit"), (voice.texts("fit.intro"),), figures=figures["fit"],
            tables=(observable_table(voice),),
        ),
        data_section(voice),
        objective_section(voice),
        search_section(voice, figures["starts"]),
        residuals_section(voice, figures["residuals"]),
    ]  # fmt: skip
    if voice.results.rows(CHECKS):
        sections.append(checks_section(voice))
    if figures["profiles"]:
        sections.append(profiles_section(voice, figures["profiles"]))
    if voice.results.rows(POOLING):
        sections.append(pooling_section(voice))
    sections += [parameter_section(voice), validation_section(voice), theil_section(voice)]
    if found := recovery_section(voice):
        sections.append(found)
    if "/" in name:  # of a study of this package's own model, which the guidelines' answers name
        sections.append(checklist_section(voice))
    sections = [_with_plain_files(each) for each in sections]
    return make_context(
        voice,
        name=name,
        title=voice.texts("calibration.title"),
        subtitle=_subtitle(voice.results, voice),
        answer=Markup(" ").join([fits(voice), predicts(voice), identified(voice)]),
        support=support(voice),
        banners=_banners(voice),
        caveats=voice.texts.list("calibration.caveat"),
        sections=(*sections, origin_section(voice, sections)),
        home="../index.html" if "/" in name else "",
        drawings="calibration/figures" if "/" in name else "figures",
    )


def fits(voice: Voice) -> Markup:
    """`It fits: 93 % of the figures lie inside their 90 % bands.`"""
    used = used_rows(voice.results.rows(FIT))
    share = fmean(row["q05"] <= row["observed"] <= row["q95"] for row in used) if used else 0.0
    word = "yes" if share >= ENOUGH else "partly" if share >= SOME else "no"
    return voice.texts.markup(
        f"light.fits_{word}", share=voice.share(share), figures=voice.numbers.number(len(used), 0)
    )


def predicts(voice: Voice) -> Markup:
    """Against the drift at horizons 1 to 3, by statistic; statistics whose interval holds 1 are not counted as wins."""
    rows = near_scores(voice)
    if not rows:
        return voice.texts.markup("light.predicts_unknown")
    judged = [row for row in rows if row["against_drift"] != "not judged"]
    if not judged:
        return voice.texts.markup("light.predicts_unknown")
    groups = {word: [row for row in judged if row["against_drift"] == word] for word in VERDICTS}
    word = "no" if not groups["beats"] else "yes" if len(groups["beats"]) == len(judged) else "partly"
    parts = [
        voice.texts.markup(f"against.{name}", names=quoted(voice, [voice.variable(row["observable"]) for row in found]))
        for name, found in groups.items()
        if found
    ]
    return Markup(" ").join([voice.texts.markup(f"light.predicts_{word}"), listed(voice, parts) + Markup(".")])


VERDICTS = ("beats", "indistinguishable", "loses")


def identified(voice: Voice) -> Markup:
    """How many structural and initial parameters the data move, and how many they leave at a bound or untouched."""
    rows = _structural(voice)
    counts = {status: sum(row["status"] == status for row in rows) for status in STATUSES}
    word = "yes" if counts["estimated"] == len(rows) else "partly" if counts["estimated"] else "no"
    return voice.texts.markup(
        f"light.identified_{word}",
        estimated=counts["estimated"],
        all=len(rows),
        bound=counts["at bound"],
        silent=counts["not identified"],
    )


STATUSES = ("estimated", "at bound", "not identified")


def support(voice: Voice) -> list[Markup]:
    """What is known, what is not, what data would help; then parameters at bounds, and governance."""
    rows = _structural(voice)

    def names(status: str) -> list[str]:
        return together([voice.parameter(row) for row in rows if row["status"] == status])

    found = []
    if known := names("estimated"):
        found.append(voice.texts.markup("calibration.known", names=quoted(voice, known)))
    silent = names("not identified")
    key = "calibration.unknown" if silent else "calibration.all_known"
    found.append(voice.texts.markup(key, names=quoted(voice, silent)))
    noise = voice.results.calibration.get("noise", {})
    if noise:
        worst = max(noise, key=lambda name: noise[name]["sigma"])
        sigma = voice.share(noise[worst]["sigma"])
        found.append(voice.texts.markup("calibration.helps", observable=voice.variable(worst), sigma=sigma))
    bound = names("at bound")
    key = "parameters.at_bound" if bound else "parameters.none_at_bound"
    found.append(voice.texts.markup(key, names=quoted(voice, bound)))
    found.append(voice.texts.markup("calibration.governance"))
    return found


def together(names: list[str]) -> list[str]:
    """Parameters of several regions named once: `a, Tatarstan` and `a, Samara` become `a (2)`."""
    stems = [name.rpartition(", ")[0] for name in names]
    found = [f"{s} ({stems.count(s)})" if s and stems.count(s) > 1 else n for s, n in zip(stems, names, strict=True)]
    return list(dict.fromkeys(found))


def _structural(voice: Voice) -> list[dict]:
    return [row for row in voice.results.rows(PARAMETERS) if row.get("role") in ("structural", "initial", None)]


def _banners(voice: Voice) -> list[Markup | str]:
    found: list[Markup | str] = []
    if voice.results.manifest.get("quick"):
        found.append(voice.texts("calibration.quick"))
    if not voice.results.calibration.get("converged", True):
        found.append(voice.texts("banner.calibration"))
    if voice.results.rows(SCORES) and any(row["against_drift"] == "loses" for row in near_scores(voice)):
        names = [voice.variable(r["observable"]) for r in near_scores(voice) if r["against_drift"] == "loses"]
        found.append(voice.texts.markup("calibration.loses", names=quoted(voice, names)))
    return found


def _subtitle(results: Results, voice: Voice) -> Markup:
    package = results.manifest.get("package", {})
    version = package.get("version", "—") if isinstance(package, dict) else package
    return voice.texts.markup("calibration.subtitle", version=version, seed=results.manifest.get("seed", "—"),
                              command=command_of(voice))  # fmt: skip


def _with_plain_files(section: Section) -> Section:
    """Files named as they lie beside the page."""
    tables = tuple(replace(each, file=each.file.removeprefix(FOLDER)) for each in section.tables)
    figures = tuple(replace(each, origin=each.origin.removeprefix(FOLDER)) for each in section.figures)
    inner = tuple(_with_plain_files(each) for each in section.sections)
    return replace(section, tables=tables, figures=figures, sections=inner)
