"""The reviewer's part of the sensitivity chapter, from made-up tables: sentences, tables, figures, two languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from alliance_dynamics.files import write_csv
from alliance_dynamics.report.blocks import Section, plain
from alliance_dynamics.report.edition import Edition, prepare_editions

from .make_results import make_results

OUTCOMES = ("net_present_value", "gross_regional_product")
LEADERS = ("uncertain assumptions", "selection_power", "calibrated parameters")
INDEX = ("S1", "S1_low", "S1_high", "ST", "ST_low", "ST_high")


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    folder = make_results(tmp_path_factory.mktemp("study") / "results")
    here = folder / "sensitivity"
    write_csv(
        here / "stop_rule.csv",
        ("outcome", "points", "replicates", "widest_half_width", "reached", "missing"),
        [(OUTCOMES[0], 1024, 16, 0.031, "false", "wide"), (OUTCOMES[1], 1024, 16, 0.011, "true", "")],
    )
    rows = [
        (outcome, 2040, points, 16 * 8 * points, lever, share, share - 10 / points, share + 10 / points, place + 1)
        for outcome in OUTCOMES for points in (256, 512, 1024)
        for place, (lever, share) in enumerate(zip(LEADERS, (0.6, 0.3, 0.1), strict=True))
    ]  # fmt: skip
    write_csv(
        here / "convergence.csv",
        ("outcome", "year", "points", "runs", "lever", "ST", "ST_low", "ST_high", "rank"),
        rows,
    )
    shares = [
        (lever, *(value for value in (share, share - 0.02, share + 0.02) * 2))
        for lever, share in zip(LEADERS, (0.5, 0.2, 0.05), strict=True)
    ]
    write_csv(
        here / "horizon.csv",
        ("outcome", "first", "last", "lever", *INDEX),
        [(outcome, 2027, 2050, *each) for outcome in OUTCOMES for each in shares],
    )
    grouped = zip(("levers", "calibrated parameters", "uncertain assumptions"), shares, strict=True)
    write_csv(
        here / "groups.csv",
        ("outcome", "year", "lever", *INDEX),
        [(OUTCOMES[0], 2040, name, *each[1:]) for name, each in grouped],
    )
    orders = {"default": (0, 1, 2), "halved_ranges": (0, 2, 1), "crowding_out": (1, 0, 2)}
    write_csv(
        here / "repeated.csv",
        ("variant", "outcome", "year", "lever", "rank", "ST", "ST_low", "ST_high", "top_1", "top_3", "dropped"),
        [
            (name, OUTCOMES[0], 2040, LEADERS[i], place + 1, 0.3, 0.2, 0.4, 0.5, 1.0, 0.0)
            for name, order in orders.items()
            for place, i in enumerate(order)
        ],
    )
    write_csv(
        here / "shapley.csv",
        ("outcome", "year", "input", "share", "half_width", "sd", "runs", "label_en", "label_ru"),
        [
            (OUTCOMES[0], 2040, "a", 0.7, 0.1, 3.0, 1600, "Speed", "Скорость"),
            (OUTCOMES[0], 2040, "b", 0.3, 0.1, 3.0, 1600, "Life", "Срок"),
        ],
    )
    return folder


@pytest.fixture(scope="module", params=["en", "ru"])
def edition(request, results) -> Edition:
    return next(prepare_editions(results, request.param, ("report",)))


def section(edition: Edition, name: str) -> Section:
    whole = next(each for each in edition.context.sections if each.id == "sensitivity")
    return next(each for each in whole.sections if each.id == f"reviewer-{name}")


def said(edition: Edition, name: str) -> list[str]:
    return [plain(each) for each in section(edition, name).items]


def test_the_outcomes_that_have_not_settled_are_named_one_by_one(edition):
    met, open_ = said(edition, "settled")[:2]
    expected = {
        "en": ("Settled: “Gross regional product”.", "Not settled: “Net present value against no programme”; the "
               "widest interval is ±3.1 percentage points."),
        "ru": ("Установились: «Валовой региональный продукт».", "Не установились: «Чистая приведённая стоимость "
               "относительно отсутствия программы»; самый широкий интервал — ±3,1 процентного пункта."),
    }[edition.language]  # fmt: skip
    assert met == expected[0] and open_.startswith(expected[1])


def test_groups_are_said_with_what_arises_between_them(edition):
    (sentence,) = said(edition, "groups")
    start, rest = {
        "en": ("Of the variance of “Net present value against no programme” in 2040, each group by itself explains: "
               "“Levers (together)”", "the remaining 25\u00a0% arises only where groups act together."),
        "ru": ("В дисперсии показателя «Чистая приведённая стоимость относительно отсутствия программы» в 2040 году",
               "остальные 25\u00a0% возникают только при совместном действии групп."),
    }[edition.language]  # fmt: skip
    assert sentence.startswith(start) and sentence.endswith(rest)


def test_repetitions_count_first_places_and_first_three(edition):
    (sentence,) = said(edition, "repeated")
    assert ("first in 1 of 2" if edition.language == "en" else "в 1 повторениях из 2") in sentence
    assert ("in 2 of 2" if edition.language == "en" else "в 2 из 2") in sentence


def test_every_table_has_a_caption_in_its_language_and_no_empty_cell(edition):
    for name in ("settled", "horizon", "repeated", "shapley"):
        (table,) = section(edition, name).tables
        assert table.caption and all(table.head)
        assert all(any(map(str, each.lines)) for row in table.rows for each in row)
    assert section(edition, "horizon").tables[0].head[1] == "2027–2050"


def test_figures_have_descriptions_that_say_the_numbers(edition):
    figures = {each.name: each for each in edition.context.figures}
    assert "60\u00a0%" in figures["convergence"].description
    assert "20\u00a0%" in figures["groups"].description and "25\u00a0%" in figures["groups"].description
