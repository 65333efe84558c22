"""The page: complete, self-contained, the same bytes each time, its numbers those of the files."""

from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from alliance_dynamics.errors import InputError, UsageError
from alliance_dynamics.report import write_report
from alliance_dynamics.report.results import TABLES
from alliance_dynamics.report.texts import read_texts

from .make_results import make_results

VOID = {"meta", "link", "br", "img", "use", "path", "rect"}


class Page(HTMLParser):
    """Tags, attributes, and the rows of each table as pairs of (exact values, shown text) per cell."""

    def __init__(self, path: Path):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[tuple[list[float], str]]]] = {}
        self._table: str | None = None
        self._cell = False
        self.words: list[str] = []
        self._quiet = 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        self._quiet += tag in ("style", "svg")
        if tag == "table":
            self._table = attributes["id"]
            self.tables[self._table] = []
        elif tag == "tr" and self._table:
            self.tables[self._table].append([])
        elif tag in ("td", "th") and self._table:
            self.tables[self._table][-1].append(([], ""))
            self._cell = True
        elif tag == "data" and self._cell and self._table:
            self.tables[self._table][-1][-1][0].append(float(attributes["value"] or ""))

    def handle_endtag(self, tag):
        self._quiet -= tag in ("style", "svg")
        if tag == "table":
            self._table = None
        if tag in ("td", "th"):
            self._cell = False

    def handle_data(self, data):
        if self._quiet == 0:
            self.words.append(data)
        if self._cell and self._table:
            values, text = self.tables[self._table][-1][-1]
            self.tables[self._table][-1][-1] = (values, text + data)


def read_rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_page_loads_nothing_from_elsewhere(pages, language):
    text = pages[language].read_text(encoding="utf-8")
    page = Page(pages[language])
    assert "default-src 'none'" in text
    assert not [tag for tag, _ in page.tags if tag in ("script", "link", "img", "iframe", "object", "base", "form")]
    assert not re.search(r"url\((?!#)|@import|https?:", text)
    targets = [a["href"] for _, a in page.tags if "href" in a]
    assert all(t.startswith("#") or t in ("report_en.html", "report_ru.html", "index.html") for t in targets)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_page_can_be_read_without_seeing_it(pages, language):
    page = Page(pages[language])
    assert ("html", {"lang": language}) in page.tags
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all(a.get("scope") for tag, a in page.tags if tag == "th")
    drawings = [a for tag, a in page.tags if tag == "svg"]
    assert drawings and all(a["role"] == "img" and len(a["aria-label"] or "") > 80 for a in drawings)
    assert any(a.get("class") == "skip" for tag, a in page.tags if tag == "a")
    names = [a["id"] for _, a in page.tags if "id" in a]
    assert len(names) == len(set(names))
    assert {a["href"] for _, a in page.tags if (a.get("href") or "").startswith("#")} <= {f"#{name}" for name in names}
    described = {a["aria-labelledby"] for _, a in page.tags if "aria-labelledby" in a}
    assert described <= set(names)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_gap_in_the_page_is_a_gap_of_the_file(pages, language):
    folder = pages[language].parent
    page = Page(pages[language])
    for outcome in {row["outcome"] for row in read_rows(folder, "comparison/summary.csv")}:
        rows = [r for r in read_rows(folder, "comparison/summary.csv") if r["outcome"] == outcome]
        keys = ("gap", "gap_percent", "gap_low", "gap_high")
        wanted = sorted(tuple(float(r[k]) for k in keys if r[k]) for r in rows)
        name = "table-comparison-" + outcome.replace("_", "-")
        if name in page.tables:
            shown = sorted(tuple(values) for row in page.tables[name] for values, _ in row if values)
            assert shown == wanted
        else:  # one row of the table of the other outcomes: the whole alliance in 2040
            others = {tuple(values) for row in page.tables["table-comparison-others"] for values, _ in row if values}
            rows = [r for r in rows if r["year"] == "2040" and r["element"] == "alliance"]
            assert {tuple(float(r[k]) for k in keys if r[k]) for r in rows} <= others


@pytest.mark.parametrize("language", ["en", "ru"])
def test_shown_numbers_are_the_exact_ones_rounded(pages, language):
    text = pages[language].read_text(encoding="utf-8")
    found = re.findall(r'<data value="([^"]+)">([^<]+)</data>(\xa0%)?', text)
    assert len(found) > 200
    for exact, shown, percent in found:
        if "·" in shown:
            continue
        plain = shown.replace("\u202f", "").replace("\u2212", "-").replace("+", "").replace(",", ".")
        step = 10.0 ** -len(plain.partition(".")[2])
        scales = (1, 100) if percent else (1,)
        assert any(abs(float(plain) - scale * float(exact)) <= 0.5001 * step for scale in scales) or float(exact) < 0


def test_both_languages_show_the_same_numbers(pages):
    values = {
        language: re.findall(r'<data value="([^"]+)">', path.read_text(encoding="utf-8"))
        for language, path in pages.items()
    }
    assert sorted(values["en"]) == sorted(values["ru"])


def test_the_indices_in_the_page_are_those_of_the_file_in_the_file_s_order(pages):
    page = Page(pages["en"])
    rows = [
        row
        for row in read_rows(pages["en"].parent, "sensitivity/indices.csv")
        if row["outcome"] == "net_present_value" and row["year"] == "2040"
    ]
    shown = [
        [v for values, _ in row for v in values] for row in page.tables["table-sensitivity_net_present_value-table"][1:]
    ]
    keys = ("S1", "S1_low", "S1_high", "ST", "ST_low", "ST_high")
    assert shown == [[float(row[key]) for key in keys] for row in rows]


def test_the_russian_page_is_in_russian(pages):
    """No English word is left but names of files, versions, symbols, people and sources as written in the files."""
    page = Page(pages["ru"])
    text = " ".join(page.words)
    text = text[: text.index("Паспорт расчёта")]
    sources = {row["source"] for row in read_rows(pages["ru"].parent, "calibration/parameters.csv")}
    sources |= {row["source"] for row in read_rows(pages["ru"].parent, "sensitivity/levers.csv")}
    texts = {key: str(value) for key, value in read_texts("ru").entries.items()}
    answers = [value for key, value in texts.items() if key.startswith(("checklist.", "requirements."))]
    places = sorted((part for each in answers for part in re.split(r"{\w+}", each)), key=len, reverse=True)
    for each in (*sources, *places, "English version", "alliance-dynamics", "STRESS-SD"):
        text = text.replace(each, "")
    text = re.sub(r"[\w/]+\.csv|manifest\.json|--quick|alliance study --seed|alliance verify", "", text)
    assert set(re.findall(r"[A-Za-z]{2,}", text)) <= {"ST"}


def test_the_russian_page_writes_numbers_the_russian_way(pages):
    text = " ".join(Page(pages["ru"]).words)
    assert "млрд\xa0руб" in text.replace("млрд руб", "млрд\xa0руб")
    assert "1\u202f000" in text
    assert not re.search(r"\d\.\d", text[text.index("Сравниваемые режимы") : text.index("Откуда взяты числа", 2000)])


def test_the_same_folder_gives_the_same_bytes(results):
    first = write_report(results, language="ru").read_bytes()
    figures = {path.name: path.read_bytes() for path in (results / "figures").iterdir()}
    assert write_report(results, language="ru").read_bytes() == first
    assert {path.name: path.read_bytes() for path in (results / "figures").iterdir()} == figures


def test_every_figure_is_also_a_file_of_its_own(pages):
    files = {path.name for path in (pages["en"].parent / "figures").iterdir()}
    assert {"gaps_en.svg", "gaps_ru.svg", "level_ru.svg", "fit_gross_regional_product_ru.svg"} <= files
    from xml.etree import ElementTree

    for name in files:
        root = ElementTree.parse(pages["en"].parent / "figures" / name).getroot()
        assert root.get("role") == "img" and root.get("aria-label")


def test_labels_of_figures_can_be_read_on_paper(pages):
    """As wide as the line of a sheet (7 inches) at most, and no label below 7 points."""
    for path in (pages["en"].parent / "figures").iterdir():
        text = path.read_text(encoding="utf-8")
        assert float(re.search(r'viewBox="0 0 (\S+)', text)[1]) <= 7 * 72
        sizes = [100 * float(each) for each in re.findall(r"scale\(([0-9.]+) -", text)]
        assert sizes and min(sizes) >= 6.99, path.name


def test_a_quick_run_says_so_first(tmp_path):
    text = write_report(make_results(tmp_path, quick=True, draws=12), language="en").read_text(encoding="utf-8")
    assert text.index("Quick run, not for decisions") < text.index('id="answer"')
    assert "of 12 draws" in text


def test_a_sweep_that_did_not_converge_is_named_first(tmp_path):
    text = write_report(make_results(tmp_path, converged=False), language="ru").read_text(encoding="utf-8")
    assert text.index("Анализ чувствительности не сошёлся") < text.index('id="answer"')


def test_a_full_run_has_no_banner(pages):
    assert 'class="banner"' not in pages["en"].read_text(encoding="utf-8")


def test_an_effect_on_gross_product_that_is_too_large_is_a_warning(results):
    path = results / "comparison/summary.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    header = lines[0].split(",")
    for place, line in enumerate(lines):
        cells = line.split(",")
        if cells[0] == "R3" and cells[2] == "gross_regional_product":
            cells[header.index("gap_percent")] = "0.8"
            lines[place] = ",".join(cells)
    path.write_text("\n".join(lines), encoding="utf-8")
    text = write_report(results, language="en").read_text(encoding="utf-8")
    assert "look for a fault before using this result" in text


def test_gaps_are_drawn_from_the_summary_where_there_is_no_file_of_gaps(results):
    (results / "comparison/gaps.csv").unlink()
    (results / "calibration/skill.csv").unlink()
    text = write_report(results, language="en").read_text(encoding="utf-8")
    assert "Skill on years not seen by the fit was not computed in this run" in text
    assert 'id="figure-gaps"' in text


@pytest.mark.parametrize("name", ["manifest.json", "labels.json", "calibration/summary.json", *TABLES])
def test_a_missing_file_is_named(results, name):
    (results / name).unlink()
    with pytest.raises(InputError) as caught:
        write_report(results, language="en")
    assert name in str(caught.value)
    assert not (results / "report_en.html").exists()


def test_all_faults_are_told_at_once_with_their_lines(results):
    (results / "calibration/skill.csv").write_text("region,observable\n", encoding="utf-8")
    path = results / "comparison/summary.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[2] += ",1"
    lines[4] = lines[4].replace("better", "betr").replace("worse", "betr").replace("indistinguishable", "betr")
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        write_report(results, language="en")
    text = str(caught.value)
    assert "skill.csv:1" in text and "summary.csv:3" in text and "summary.csv:5" in text


def test_names_and_units_without_a_label_are_refused_together(results):
    path = results / "labels.json"
    labels = json.loads(path.read_text(encoding="utf-8"))
    del labels["outcomes"]["decision_delay"]["ru"]
    path.write_text(json.dumps(labels), encoding="utf-8")
    levers = results / "sensitivity/levers.csv"
    levers.write_text(levers.read_text(encoding="utf-8").replace("person", "furlong"), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        write_report(results, language="ru")
    assert "decision_delay" in str(caught.value) and "furlong" in str(caught.value)


def test_another_language_is_refused(results):
    with pytest.raises(UsageError, match="de"):
        write_report(results, language="de")


def test_text_of_a_file_is_never_markup(results):
    path = results / "comparison/regimes.csv"
    text = path.read_text(encoding="utf-8").replace("Interregional programme", "<script>alert(1)</script>")
    path.write_text(text, encoding="utf-8")
    page = write_report(results, language="en")
    assert "script" not in {tag for tag, _ in Page(page).tags}


def test_leading_loops_are_shown_by_regime_and_decade(results):
    with (results / "comparison" / "summary.csv").open(encoding="utf-8", newline="") as file:
        outcome = next(csv.DictReader(file))["outcome"]
    lines = ["regime,output,first,last,loop,sign,share,size,leads,label_en,label_ru"]
    lines += [f"{regime},{outcome},2030,2040,R1,1,0.42,0.5,0.75,return engine,отдача НИОКР"
              for regime in ("R1", "R3")]  # fmt: skip
    (results / "loops").mkdir()
    (results / "loops" / "by_decade.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for language, said in (("en", "R1 return engine: +42 % (75 %)"), ("ru", "R1 отдача НИОКР: +42 % (75 %)")):
        page = write_report(results, language=language).read_text(encoding="utf-8")
        assert said in page
        assert "2030–2039" in page
