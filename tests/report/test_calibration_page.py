"""The calibration page says what its files say, and never ranks what overlaps."""

from __future__ import annotations

import csv
import math
import re
import shutil
from html import unescape

import numpy as np
import pytest

from alliance_dynamics.files import write_csv
from alliance_dynamics.report import write_calibration_report
from alliance_dynamics.report.calibration_page import identified, predicts, together
from alliance_dynamics.report.chapter_residuals import checks_section
from alliance_dynamics.report.drawing import house_style
from alliance_dynamics.report.figure_residuals import draw_residuals
from alliance_dynamics.report.results import read_calibration
from alliance_dynamics.report.texts import read_texts
from alliance_dynamics.report.voice import Voice

COLUMNS = (
    "observable", "horizon", "mase_model", "mase_naive", "mase_drift", "ratio_naive", "ratio_naive_low",
    "ratio_naive_high", "against_naive", "ratio_drift", "ratio_drift_low", "ratio_drift_high", "against_drift",
    "coverage",
)  # fmt: skip


def score(observable, low, high, horizon="1-3"):
    word = "not judged" if math.isnan(low) else "beats" if high < 1 else "loses" if low > 1 else "indistinguishable"
    ends = ["" if math.isnan(end) else end for end in (low, high)]
    rival = (0.9, *ends, word)
    return (observable, horizon, 0.9, 1.0, 1.0, *rival, *rival, 0.9)


@pytest.fixture
def folder(results):
    shutil.copy(results / "manifest.json", results / "calibration" / "manifest.json")
    shutil.copy(results / "labels.json", results / "calibration" / "labels.json")
    return results / "calibration"


def observables(folder):
    with (folder / "fit.csv").open(encoding="utf-8", newline="") as file:
        return list(dict.fromkeys(row["observable"] for row in csv.DictReader(file)))


def voice_of(folder, language="en"):
    return Voice(read_texts(language), read_calibration(folder))


def plain(markup):
    return unescape(re.sub(r"<[^>]*>", "", str(markup))).replace("\u00a0", " ")


def test_a_statistic_beyond_doubt_is_named_and_an_overlap_is_not_ranked(folder):
    first, second, third, *_ = observables(folder)
    rows = [score(first, 0.4, 0.8), score(second, 0.8, 1.2), score(third, 1.1, 1.6)]
    write_csv(folder / "validation_scores.csv", COLUMNS, rows)
    said = plain(predicts(voice_of(folder)))
    names = [voice_of(folder).variable(name) for name in (first, second, third)]
    assert said == (
        "It predicts in part. One to three years ahead, against a drift: "
        f"better in “{names[0]}”, indistinguishable in “{names[1]}” and worse in “{names[2]}”."
    )


def test_without_a_win_it_does_not_beat_the_drift(folder):
    write_csv(folder / "validation_scores.csv", COLUMNS, [score(each, 0.8, 1.2) for each in observables(folder)])
    assert plain(predicts(voice_of(folder))).startswith("It does not beat a drift one to three years ahead")


def test_too_few_origins_are_not_called_a_result(folder):
    rows = [score(each, math.nan, math.nan) for each in observables(folder)]
    write_csv(folder / "validation_scores.csv", COLUMNS, rows)
    assert "was not judged in this run" in plain(predicts(voice_of(folder)))


def test_a_skipped_validation_is_said_to_be_skipped(folder):
    page = write_calibration_report(folder, language="en").read_text(encoding="utf-8")
    assert "Forecasts from rolling origins were skipped in this run." in page
    assert "was not judged in this run" in page


def test_counts_of_parameters_are_those_of_the_file(folder):
    with (folder / "parameters.csv").open(encoding="utf-8", newline="") as file:
        rows = [r for r in csv.DictReader(file) if r.get("role", "structural") in ("structural", "initial")]
    estimated = sum(row["status"] == "estimated" for row in rows)
    assert f"{estimated} of {len(rows)} structural parameters" in plain(identified(voice_of(folder)))


def test_parameters_of_several_regions_are_named_once():
    names = ["Drift, Samara", "Drift, Tatarstan", "Speed", "Cost, Samara"]
    assert together(names) == ["Drift (2)", "Speed", "Cost, Samara"]


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_page_holds_every_chapter_in_both_languages(folder, language):
    first, *_ = observables(folder)
    write_csv(folder / "validation_scores.csv", COLUMNS, [score(first, 1.1, 1.5), score(first, 1.1, 1.5, "2")])
    theil = [("", first, sample, "log", 0.1, 0.7, 0.1, 0.2) for sample in ("in", "out")]
    with (folder / "fit.csv").open(encoding="utf-8", newline="") as file:
        region = next(csv.DictReader(file))["region"]
    theil = [(region, *row[1:]) for row in theil]
    write_csv(folder / "theil.csv", ("region", "observable", "sample", "scale", "rmse", "U_M", "U_S", "U_C"), theil)
    with (folder / "parameters.csv").open(encoding="utf-8", newline="") as file:
        name = next(csv.DictReader(file))["parameter"]
    profile = [(name, x / 10, (x - 5) ** 2 / 8, 2.1) for x in range(11)]
    write_csv(folder / "profiles.csv", ("parameter", "value", "rise", "cut"), profile)
    columns = ("parameter", "replicates", "bias", "rmse", "informed", "coverage", "sbc_p")
    write_csv(folder / "recovery.csv", columns, [(name, 150, 0.01, 0.1, 0.5, 0.9, 0.0001)])
    page = write_calibration_report(folder, language=language).read_text(encoding="utf-8")
    for chapter in ("fit", "data-chapter", "objective", "search", "residuals-chapter", "checks", "profiles-chapter",
                    "parameters", "validation", "theil", "recovery", "origin"):  # fmt: skip
        assert f'id="{chapter}"' in page, chapter
    assert f'lang="{language}"' in page
    assert "nan" not in re.sub(r"<svg.*?</svg>|<style.*?</style>", "", page, flags=re.S).lower().split()
    texts = read_texts(language)
    assert texts("theil.systematic").partition("{")[0].strip() in page
    assert texts("recovery.uneven").partition("{")[0].strip() in page
    assert texts("validation.loses_drift").partition("{")[0].strip() in page


def test_the_same_files_give_the_same_page(folder):
    one, two = (write_calibration_report(folder, language="ru").read_bytes() for _ in range(2))
    assert one == two


def table(folder, name):
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_residual_figures_say_what_their_files_hold(folder):
    tests, rows = table(folder, "residual_tests.csv"), table(folder, "residuals.csv")
    voice = voice_of(folder)
    with house_style():
        figures = {each.name: each for each in draw_residuals(voice)}
    said = {name: each.description for name, each in figures.items()}
    for name in dict.fromkeys(row["observable"] for row in tests):
        mine = [row for row in tests if row["observable"] == name]
        every = [(float(row[f"acf_{lag}"]), int(row["count"])) for row in mine for lag in range(1, 6)]
        outside = sum(abs(value) > 1.96 / count**0.5 for value, count in every)
        refused = sum(float(row["p_value"]) < 0.05 for row in mine)
        assert (
            f"{voice.variable(name)}: {outside} of {len(every)} outside the bounds, Ljung–Box rejects independence in "
            f"{refused} of {len(mine)} series"
        ) in said["residual_autocorrelation"]
        ends = sorted(float(row["standardised"]) for row in rows if row["observable"] == name)
        low, high = (voice.numbers.number(ends[place], 1) for place in (0, -1))
        assert f"{voice.variable(name)}: from {low} to {high}, " in said["residual_quantiles"]
    fit = [row for row in table(folder, "fit.csv") if row["observed"] and row["used"] == "train"]
    for name in dict.fromkeys(row["observable"] for row in fit):
        apart = {
            abs(math.log(float(row["observed"]) / float(row["q50"]))): (row["region"], row["year"])
            for row in fit if row["observable"] == name
        }  # fmt: skip
        (region, year), largest = apart[max(apart)], voice.numbers.number(max(apart), 2)
        assert f"{voice.variable(name)}: {largest}, {voice.element(region)}, {year}" in said["residuals"]
    assert figures["residual_quantiles"].origin == "calibration/residuals.csv"
    assert figures["residual_autocorrelation"].origin == "calibration/residual_tests.csv"


def test_the_envelope_of_quantiles_holds_most_normal_residuals_and_not_heavy_tails(folder):
    def outside(values):
        rows = [("tatarstan", "R&D_personnel", 2000 + i, 0.1, value) for i, value in enumerate(values)]
        write_csv(folder / "residuals.csv", ("region", "observable", "year", "residual", "standardised"), rows)
        with house_style():
            description = list(draw_residuals(voice_of(folder)))[-1].description
        return int(re.findall(r"(\d+) of 200 outside", description)[0])

    stream = np.random.default_rng(3)
    assert outside(stream.standard_normal(200)) < 20
    assert outside(stream.standard_t(2, 200)) > 40


@pytest.mark.parametrize("language", ["en", "ru"])
def test_strange_features_are_named_and_counted(folder, language):
    strange = [row for row in table(folder, "predictive_checks.csv") if float(row["p"]) < 0.05]
    voice = voice_of(folder, language)
    section = checks_section(voice)
    page = plain(" ".join([*section.paragraphs, *section.items]))
    assert strange
    for row in strange:
        what = voice.variable(row["observable"]), voice.element(row["region"])
        said = voice.texts("checks.growth", observable=what[0], region=what[1], p=voice.numbers.number(0.02, 3))
        assert said.replace("\u00a0", " ") in page
    every = len(table(folder, "predictive_checks.csv"))
    assert re.search(rf"\b{len(strange)} (of|из) {every}\b", page)


def test_folders_without_residual_files_still_make_a_page(folder):
    for name in ("residuals.csv", "residual_tests.csv", "predictive_checks.csv"):
        (folder / name).unlink()
    page = write_calibration_report(folder, language="en").read_text(encoding="utf-8")
    assert 'id="residuals-chapter"' in page and 'id="checks"' not in page and "residual_quantiles" not in page
