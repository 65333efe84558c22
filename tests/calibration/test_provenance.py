"""Every figure leads back to what was published, and a changed one is found."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from alliance_dynamics.calibration.comparable import RULES, comparable, deflator
from alliance_dynamics.calibration.problem import read_problem
from alliance_dynamics.calibration.provenance import IDENTITIES, digest, figures, open_book, verify
from alliance_dynamics.cli import main
from alliance_dynamics.errors import UsageError

TATARSTAN = Path(__file__).resolve().parents[2] / "calibration" / "tatarstan"


@pytest.fixture(scope="module")
def book():
    return open_book(read_problem(TATARSTAN))


@pytest.fixture
def copy(tmp_path):
    folder = tmp_path / "копия задачи"
    shutil.copytree(TATARSTAN, folder)
    return folder


def changed(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_everything_holds_as_it_is_shipped(book):
    checks = verify(book)
    assert all(each.passed for each in checks)
    assert {each.kind for each in checks} == {"hash", "figures", "identity"}
    assert len([each for each in checks if each.kind == "identity"]) == len(IDENTITIES)
    assert all(each.count > 80 for each in checks if each.kind == "identity")


def test_every_measurement_is_made_by_code_from_a_published_figure(book):
    """The tables hold no typed number: each is made again by a rule to the eight digits that are written."""
    checks = [each for each in verify(book) if each.kind == "figures"]
    assert sum(each.count for each in checks) == len(book.problem.measurements)
    assert max(each.gap for each in checks) < 5e-8
    assert {rule for _, rule in book.origins.values()} == set(RULES)


def test_constant_prices_by_hand(book):
    """R&D of Tatarstan 2016, mln RUB current, over the deflator 1.6390 of the check table."""
    made, sources = comparable(book.published, "rd_expenditure_internal", "deflated", "RU-TA")
    assert deflator(book.published, "RU-TA")[2016] == pytest.approx(1.6390, abs=5e-5)
    current = book.published.series("rd_expenditure_internal", "RU-TA").values[2016]
    assert made[2016] == pytest.approx(current / 1000 / 1.6390, rel=5e-5)
    assert sources[2016] == "RR2023"


def test_real_product_keeps_the_published_growth(book):
    made, _ = comparable(book.published, "grp_current", "real product", "RU-TA")
    growth = book.published.series("grp_real_index", "RU-TA").values
    assert made[2010] == pytest.approx(book.published.series("grp_current", "RU-TA").values[2010] / 1000)
    assert 100 * made[2021] / made[2020] == pytest.approx(growth[2021])


def test_an_unknown_rule_names_the_nearest(book):
    with pytest.raises(UsageError, match="Did you mean `deflated`"):
        comparable(book.published, "grp_current", "deflatd", "RU-TA")


def test_a_figure_comes_with_status_vintage_rule_and_the_figure_behind_it(book):
    (one,) = figures(book, "innovative_goods_volume_real", region="Republic of Tatarstan", year=2019)
    assert (one.status, one.vintage, one.use, one.sources) == ("B", "2023", "holdout", ("RR2023",))
    assert one.rule.startswith("current roubles over")
    assert [each.indicator for each in one.published] == ["innovative_goods_volume"]
    assert one.value == pytest.approx(one.published[0].value / 1000 / deflator(book.published, "RU-TA")[2019], rel=1e-7)


def test_experiment_code_and_name_mean_the_same_region(book):
    found = [figures(book, "rd_personnel", region=name) for name in ("RU_TA", "RU-TA", "Republic of Tatarstan")]
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 23


def test_other_vintages_are_shown_as_such(book):
    both = figures(book, "grp_current", region="RU-TA", year=2016)
    assert {each.use for each in both} == {"", "DISAGREES"}


def test_a_changed_figure_breaks_hash_table_and_identity(copy):
    changed(copy / "data" / "observations.csv", "rd_personnel,persons,2016,12189", "rd_personnel,persons,2016,12198")
    failed = {each.name for each in verify(open_book(read_problem(copy))) if each.passed is False}
    assert "RR2023" in failed
    assert "rd_personnel" in failed
    assert any("researchers" in name for name in failed)
    assert main(["data", "verify", "--problem", str(copy), "-q"]) == 6


def test_a_digest_does_not_depend_on_the_order_of_rows(book):
    from dataclasses import replace

    turned = replace(book.published, rows=tuple(reversed(book.published.rows)))
    assert digest(turned, "RR2023") == digest(book.published, "RR2023")


def test_a_folder_without_figures_says_so(copy):
    shutil.rmtree(copy / "data")
    with pytest.raises(UsageError, match="The published figures are not there"):
        open_book(read_problem(copy))


def test_the_command_shows_card_and_origin(capsys):
    assert main(["data", "show", "grp_current_real", "--region", "RU-TA", "--year", "2017", "--lang", "en"]) == 0
    out = capsys.readouterr().out
    assert "bn RUB/Year, status A, vintage 1998-2023, holdout" in out
    assert "mln RUB current basic prices (grp_current)" in out
    for word in ("publisher: Rosstat", "table: sheets 1-6", "address:", "retrieved:"):
        assert word in out


def test_the_command_lists_every_name_and_refuses_an_unknown_one(capsys, book):
    assert main(["data", "show", "--lang", "en"]) == 0
    out = capsys.readouterr().out
    assert all(f"  {name} " in out for name in book.names)
    assert main(["data", "show", "rd_personell", "--lang", "en"]) == 2
    assert "Did you mean `rd_personnel`?" in capsys.readouterr().err


def test_a_year_without_a_figure_is_no_success(capsys):
    assert main(["data", "show", "rd_personnel", "--year", "1990", "--lang", "en"]) == 1
    assert "No such figure" in capsys.readouterr().out
