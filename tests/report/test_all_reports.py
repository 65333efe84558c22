"""Every report as page and PDF in both languages: whole, alike, traceable to files, and the brief on two pages."""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
import subprocess
import zlib
from html import unescape
from pathlib import Path

import pytest

from alliance_dynamics.cli import main
from alliance_dynamics.files import write_csv, write_text
from alliance_dynamics.report import TEMPLATES, write_report, write_reports
from alliance_dynamics.report.edition import prepare_editions
from alliance_dynamics.report.typst_source import page_source

from .make_results import LEVERS, REGIMES, make_results

STEMS = ("report", "brief", "sensitivity/report", "calibration/report")


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """A made-up study with everything that a brief can show, and all its reports."""
    folder = add_hinges(make_results(tmp_path_factory.mktemp("study")))
    (folder / "explorer.html").write_text("<!DOCTYPE html>", encoding="utf-8")
    write_reports(folder)
    return folder


def add_hinges(folder: Path) -> Path:
    """The optional tables that the real study writes: accounts, what a lever is worth, when the alliance loses."""
    names = [f"{name}{end}" for name in ("benefit", "cost", "npv", "per_rouble") for end in ("", "_low", "_high")]
    header = ("budget", "regime", "against", "year", "appropriation", "unit", *names, "share_positive",
              "share_defined", "coordination", "budget_return", "draws")  # fmt: skip
    rows = []
    for place, regime in enumerate(each for each in REGIMES if each != "R0"):
        for budget in ("equal", "native"):
            values = [10.0 + place, 2.0, 40.5, 8.5, 6.0, 12.0, 1.5 - place, -7.0, 33.0, 1.2, 0.3, 4.5]
            rows.append((budget, regime, "R0", 2040, 0.6, "bn RUB", *values, 0.7, 1.0, 0.5, 0.2, 1000))
    write_csv(folder / "comparison/accounts.csv", header, rows)
    outcomes = (("net_present_value", "bn RUB"), ("gross_regional_product", "bn RUB/Year"))
    rungs = [(lever, outcome, 2040, unit, 1.5, -0.5 + place % 2, 4.0, 0.8, 0.6 if place == 0 else "", 0.2, 0.3, 0.8)
             for place, lever in enumerate(LEVERS) for outcome, unit in outcomes]  # fmt: skip
    write_csv(folder / "sensitivity/ladder.csv", ("lever", "outcome", "year", "unit", "change", "change_low",
              "change_high", "share_rises", "tipping", "share_tips", "share_better_at_low", "share_better_at_high"),
              rungs)  # fmt: skip
    ranks = [
        (outcome, 2040, unit, regime, 1.0, -1.0, 2.0, 9.0, 0.2) for outcome, unit in outcomes for regime in REGIMES
    ]
    write_csv(folder / "sensitivity/ranks.csv", ("outcome", "year", "unit", "regime", "mean", "tenth", "mean_regret",
              "largest_regret", "share_rank_1"), ranks)  # fmt: skip
    failures = [("R3", against, "net_present_value", 2040, 300, 1000, 0.7, 0.8, 0.3, "epsR", "Elasticity",
                 "Эластичность", "Dmnl", 0.1, "", 0.9) for against in ("R1", "R0")]  # fmt: skip
    write_csv(folder / "sensitivity/failures.csv", ("regime", "against", "outcome", "year", "count", "draws",
              "coverage", "density", "base_rate", "input", "label_en", "label_ru", "unit", "low", "high", "stability"),
              failures)  # fmt: skip
    summary = json.loads((folder / "calibration/summary.json").read_text(encoding="utf-8"))
    summary |= {"r_hat_max": 1.0042, "accepted": 0.6, "chains": 128, "generations": 250, "least_effective_size": 512.0}
    write_text(folder / "calibration/summary.json", json.dumps(summary, ensure_ascii=False))
    return folder


def pages_of(path: Path) -> int:
    """How many pages a PDF has: the largest /Count among its objects."""
    content = path.read_bytes()
    parts = [content]
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.S):
        try:
            parts.append(zlib.decompress(stream))
        except zlib.error:
            continue
    return max(int(found) for part in parts for found in re.findall(rb"/Count (\d+)", part))


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("stem", STEMS)
def test_every_report_is_a_page_and_an_accessible_pdf(written, stem, language):
    page = (written / f"{stem}_{language}.html").read_text(encoding="utf-8")
    pdf = (written / f"{stem}_{language}.pdf").read_bytes()
    assert f'<html lang="{language}">' in page and page.count("<h1>") == 1
    assert pdf.startswith(b"%PDF-") and b"pdfuaid" in pdf


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_brief_has_two_pages(written, language):
    assert pages_of(written / f"brief_{language}.pdf") == 2


def test_the_brief_keeps_its_two_pages_with_every_warning(tmp_path):
    folder = add_hinges(make_results(tmp_path, quick=True, converged=False, draws=12))
    write_reports(folder, templates=("brief",), kinds=("pdf",), languages=("ru",))
    assert pages_of(folder / "brief_ru.pdf") == 2


def test_the_same_files_give_the_same_bytes(written, tmp_path):
    again = tmp_path / "again"
    write_reports(written, templates=("brief", "sensitivity"), languages=("ru",), out=again)
    made = [each.relative_to(again) for each in again.rglob("*") if each.is_file() and each.name != "index.html"]
    assert len(made) > 6
    assert all((again / each).read_bytes() == (written / each).read_bytes() for each in made)


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("stem", STEMS)
def test_every_table_and_figure_names_a_file_that_is_there(written, stem, language):
    path = written / f"{stem}_{language}.html"
    page = path.read_text(encoding="utf-8")
    root = path.parent if stem.startswith("calibration") else written
    blocks = re.findall(r"<figure.*?</figure>|<table.*?</table>\s*</div>\s*<p class=\"note\">.*?</p>", page, re.S)
    assert blocks
    for block in blocks:
        note = re.findall(r'<p class="note">(.*?)</p>', block, re.S)[-1]
        files = re.findall(r"[\w/]+\.(?:csv|json)", note)
        assert files, note
        assert all((root / each).is_file() or (written / each).is_file() for each in files), files


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_report_names_the_command_behind_its_numbers(written, language):
    for stem in STEMS:
        assert "alliance study --seed 7" in (written / f"{stem}_{language}.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_paper_says_what_the_page_says(written, language):
    """Every exact value of a page's tables stands in the Typst source as it is shown on the page."""
    for edition in prepare_editions(written, language, ("calibration",)):
        page = (written / edition.context.file("html")).read_text(encoding="utf-8")
        source = page_source(edition.context, edition.texts)
        shown = set(re.findall(r'<data value="[^"]+">([^<]+)</data>', page))
        assert shown and all(each in source for each in shown)


def test_the_numbers_of_the_brief_are_those_of_the_files(written):
    with (written / "comparison/accounts.csv").open(encoding="utf-8", newline="") as file:
        accounts = {(row["regime"], row["budget"]): row for row in csv.DictReader(file)}
    for language in ("en", "ru"):
        page = (written / f"brief_{language}.html").read_text(encoding="utf-8")
        table = page[page.index('id="table-brief"') :]
        table = table[: table.index("</table>")]
        values = [float(each) for each in re.findall(r'<data value="([^"]+)">', table)]
        for row in accounts.values():
            assert float(row["npv"]) in values and float(row["cost_high"]) in values


def test_the_front_page_leads_to_everything_and_to_nothing_else(written):
    page = (written / "index.html").read_text(encoding="utf-8")
    links = set(re.findall(r'href="([^"#]+)"', page))
    assert all((written / each).is_file() for each in links)
    wanted = {f"{stem}_{language}.{kind}" for stem in STEMS for language in ("en", "ru") for kind in ("html", "pdf")}
    assert wanted <= links and "explorer.html" in links and "manifest.json" in links
    assert page.index('lang="ru"') < page.index('lang="en"') and "default-src 'none'" in page


@pytest.mark.parametrize("language", ["en", "ru"])
def test_pages_lead_back_to_the_front_page(written, language):
    for stem in STEMS:
        path = written / f"{stem}_{language}.html"
        home = re.search(r'<p class="language"><a href="([^"]+)"', path.read_text(encoding="utf-8"))
        assert home and (path.parent / home[1]).resolve() == (written / "index.html").resolve()


def test_the_command_writes_what_is_asked_for(written, tmp_path, capsys, reply):
    out = tmp_path / "out"
    asked = ["--template", "brief,sensitivity", "--to", "html", "--only", "ru"]
    assert main(["report", str(written), *asked, "--out", str(out), "--json"]) == 0
    told = reply(capsys.readouterr().out)["outputs"]
    assert {each["kind"] for each in told} == {"page"}
    assert all(each["sha256"] for each in told)
    found = {each.relative_to(out).as_posix() for each in out.rglob("*.*") if each.suffix != ".svg"}
    assert found == {"brief_ru.html", "sensitivity/report_ru.html", "index.html"}
    assert main(["report", str(written), "--template", "breif"]) == 2
    assert "brief" in capsys.readouterr().err


def test_a_template_that_needs_less_asks_for_less(written, tmp_path):
    """The calibration report needs the calibration's files alone."""
    folder = tmp_path / "alone"
    shutil.copytree(written / "calibration", folder / "calibration")
    shutil.copy(written / "manifest.json", folder)
    shutil.copy(written / "labels.json", folder)
    assert write_report(folder, language="ru", template="calibration").is_file()


def test_templates_are_those_of_the_command():
    from alliance_dynamics.commands import report

    assert report.TEMPLATES == TEMPLATES


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def words_of(path: Path) -> str:
    """The words of a page or of a PDF on one line, with plain spaces."""
    if path.suffix == ".pdf":
        text = subprocess.run(["pdftotext", str(path), "-"], capture_output=True, check=True, text=True).stdout
    else:
        text = unescape(re.sub(r"<[^>]+>", "", path.read_text(encoding="utf-8")))
    return re.sub(r"\s+", " ", text)


def written_as(value: float, decimals: int, language: str, *, sign: bool = True) -> str:
    """A number as the reports have to write it, made without their own code."""
    text = f"{abs(value):.{decimals}f}"
    mark = "" if not float(text) else "−" if value < 0 else "+" if sign else ""
    return mark + (text.replace(".", ",") if language == "ru" else text)


def with_interval(
    row: dict[str, str], name: str, low: str, high: str, language: str, *, sign: bool = True
) -> list[str]:
    """Middle and ends with as many decimals as give the half-width two digits."""
    ends = [float(row[each]) for each in (name, low, high)]
    decimals = max(0, 1 - math.floor(math.log10((ends[2] - ends[1]) / 2)))
    return [written_as(each, decimals, language, sign=sign) for each in ends]


def in_this_order(numbers: list[str], text: str) -> bool:
    return bool(re.search(r"(?<![\d,.])" + r"(?![\d]).{1,90}?".join(map(re.escape, numbers)) + r"(?!\d)", text))


@pytest.mark.parametrize("kind", ["html", "pdf"])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_headline_numbers_are_the_same_everywhere(written, language, kind):
    """Gap, interval, share of draws, benefit per rouble and R-hat in reports and front page are those of the tables."""
    if kind == "pdf" and shutil.which("pdftotext") is None:
        pytest.skip("no pdftotext (poppler-utils) on this machine")
    gap = next(row for row in rows_of(written / "comparison/summary.csv") if (row["regime"], row["outcome"],
               row["element"], row["year"]) == ("R3", "net_present_value", "alliance", "2040"))  # fmt: skip
    account = next(row for row in rows_of(written / "comparison/accounts.csv") if (row["regime"], row["budget"],
                   row["year"]) == ("R3", "equal", "2040"))  # fmt: skip
    interval = with_interval(gap, "gap", "gap_low", "gap_high", language)
    if 0.05 <= (share := float(gap["share_better"])) < 0.95:  # else it is told in other words
        interval.append(str(round(10 * share)))
    rouble = with_interval(account, "per_rouble", "per_rouble_low", "per_rouble_high", language, sign=False)
    r_hat = json.loads((written / "calibration/summary.json").read_text(encoding="utf-8"))["r_hat_max"]
    named = {f"{stem}_{language}.{kind}": [interval, rouble] for stem in ("brief", "report")}
    named[f"calibration/report_{language}.{kind}"] = [[written_as(r_hat, 3, language, sign=False)]]
    if kind == "html":
        named["index.html"] = [interval]
    for name, numbers in named.items():
        text = words_of(written / name)
        assert all(in_this_order(each, text) for each in numbers), (name, numbers)


def test_a_wrong_number_is_noticed():
    assert in_this_order(["+6", "−6", "+61", "7"], "a gap of +6 bn, between −6 and +61, in 7 of 10 draws")
    assert not in_this_order(["+6", "−6", "+61", "7"], "a gap of +6 bn, between −6 and +62, in 7 of 10 draws")
    assert not in_this_order(["0,8"], "10,8")
