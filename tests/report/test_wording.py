"""What the rules let a report say, as strings."""

from __future__ import annotations

import pytest

from alliance_dynamics.report import chapter_levers
from alliance_dynamics.report.blocks import plain
from alliance_dynamics.report.facts import gather_facts
from alliance_dynamics.report.numbers import Numbers, decimals_of_interval
from alliance_dynamics.report.results import read_results
from alliance_dynamics.report.texts import read_texts
from alliance_dynamics.report.voice import Voice
from alliance_dynamics.report.wording import gap_sentence, ranking_sentences, variance_sentences


@pytest.fixture(params=["en", "ru"])
def voice(request, untouched) -> Voice:
    return Voice(read_texts(request.param), read_results(untouched))


@pytest.fixture
def english(untouched) -> Voice:
    return Voice(read_texts("en"), read_results(untouched))


@pytest.fixture
def russian(untouched) -> Voice:
    return Voice(read_texts("ru"), read_results(untouched))


def index(lever: str, first: float, half: float = 0.02, total: float | None = None) -> dict:
    total = first if total is None else total
    return {
        "outcome": "net_present_value", "year": 2040, "lever": lever, "S1": first, "S1_low": first - half,
        "S1_high": first + half, "ST": total, "ST_low": total - half, "ST_high": total + half,
    }  # fmt: skip


def gap(regime: str, value: float, half: float, **more) -> dict:
    return {
        "regime": regime, "baseline": "R1", "outcome": "gross_regional_product", "element": "tatarstan", "year": 2040,
        "unit": "bn RUB/Year", "gap": value, "gap_low": value - half, "gap_high": value + half, "gap_percent": 0.03,
        "share_better": 0.91, "verdict": "better", **more,
    }  # fmt: skip


def sentences(texts) -> str:
    return " ".join(plain(each) for each in texts).replace("\xa0", " ")


def test_a_share_is_said_with_its_range_and_the_ranges_it_holds_for(english):
    rows = [index("selection_power", 0.335, 0.025), index("agenda_power", 0.6, 0.01)]
    text = sentences(variance_sentences(english, rows))
    assert "“Selection power” explains 31–36 % of the variance of “Net present value" in text
    assert "in 2040 given the ranges in T1." in text
    assert "cause" not in text


def test_the_same_sentence_in_russian(russian):
    rows = [index("selection_power", 0.335, 0.025), index("agenda_power", 0.6, 0.01)]
    text = sentences(variance_sentences(russian, rows))
    assert "Фактор «Полномочие отбора проектов» объясняет 31–36 % дисперсии показателя" in text
    assert "в 2040 году при диапазонах таблицы T1." in text


def test_overlapping_shares_are_indistinguishable_and_stand_in_the_order_of_the_file(english):
    rows = [index("agenda_power", 0.40), index("selection_power", 0.42), index("programme_coverage", 0.1)]
    text = sentences(variance_sentences(english, rows))
    assert "“Agenda power” (38–42 %) and “Selection power” (40–44 %) each explain" in text
    assert "indistinguishable and not ranked" in text
    assert "“Programme coverage” explains 8–12 %" in text


def test_interactions_are_named_only_where_single_shares_leave_a_fifth(voice):
    word = {"en": "act together", "ru": "при совместном действии"}[voice.language]
    assert word in sentences(variance_sentences(voice, [index("agenda_power", 0.5), index("selection_power", 0.2)]))
    assert word not in sentences(variance_sentences(voice, [index("agenda_power", 0.6), index("selection_power", 0.3)]))


def test_what_has_no_visible_effect_can_be_fixed(english):
    rows = [index("agenda_power", 0.9), index("selection_power", 0.0, 0.01), index("programme_coverage", 0.0, 0.06)]
    text = sentences(variance_sentences(english, rows))
    assert (
        "Can be fixed without visible effect on “Net present value against no programme” in 2040: “Selection power”."
        in text
    )


def test_a_negative_share_is_never_said(english):
    text = sentences(variance_sentences(english, [index("agenda_power", -0.01, 0.08)]))
    assert "0.0–7.0 %" in text and "−" not in text


def test_overlapping_regimes_are_not_ranked(english):
    text = sentences(ranking_sentences(english, [gap("R2", 0.2, 0.3), gap("R3", 0.4, 0.3)]))
    assert text == "R2 and R3 are not ranked: their intervals overlap."


def test_only_intervals_that_are_apart_are_ordered(english):
    rows = [gap("R2", 0.2, 0.3), gap("R3", 1.0, 0.3), gap("R4", 0.0, 0.3)]
    text = sentences(ranking_sentences(english, rows)).replace("\u2060", "")
    assert "The interval of R3 lies wholly above that of R2. The interval of R3 lies wholly above that of R4." in text
    assert "not ranked, since their intervals overlap: R2–R4" in text


def test_a_small_effect_is_said_to_be_small(english, russian):
    text = sentences([gap_sentence(english, gap("R3", 0.32, 0.2), 1000)])
    assert "for the better by +0.32 bn RUB/yr (+0.030 %)" in text
    assert "90 % of the draws lie between +0.12 and +0.52" in text
    assert "in about 9 of 10 draws: a very small effect" in text
    text = sentences([gap_sentence(russian, gap("R3", 0.32, 0.2), 1000)])
    assert "к лучшему на +0,32 млрд руб./год (+0,030 %)" in text
    assert "примерно в 9 расчётах из 10; эффект очень мал" in text


def test_what_cannot_be_told_apart_is_not_called_better(english):
    row = gap("R3", 0.1, 0.4, verdict="indistinguishable", share_better=0.62)
    text = sentences([gap_sentence(english, row, 1000)])
    assert "cannot be told apart from R1" in text and "better" not in text


@pytest.mark.parametrize(
    ("share", "draws", "english", "russian"),
    [
        (1.0, 1000, "in all 1\u202f000 draws", "во всех расчётах (1\u202f000)"),
        (0.0, 40, "in none of the 40 draws", "ни в одном расчёте (из 40)"),
        (0.904, 1000, "in about 9 of 10 draws", "примерно в 9 расчётах из 10"),
        (0.12, 1000, "in about 1 of 10 draws", "примерно в 1 расчёте из 10"),
        (0.51, 1000, "in about half of the draws", "примерно в половине расчётов"),
        (0.97, 1000, "in at least 19 of 20 draws", "не менее чем в 19 расчётах из 20"),
        (0.96, 50, "in more than 9 of 10 draws", "более чем в 9 расчётах из 10"),
        (0.75, 8, "in 6 of 8 draws", "в 6 из 8 расчётов"),
        (0.9995, 1000, "in at least 19 of 20 draws", "не менее чем в 19 расчётах из 20"),
    ],
)
def test_shares_are_no_finer_than_the_draws(untouched, share, draws, english, russian):
    results = read_results(untouched)
    assert Voice(read_texts("en"), results).share_of_draws(share, draws) == english
    assert Voice(read_texts("ru"), results).share_of_draws(share, draws) == russian


def test_an_interval_is_written_with_two_digits_of_its_half_width():
    assert decimals_of_interval(0.1, 0.54, 0.3) == 2
    assert decimals_of_interval(-8.0, 40.0, 12.0) == 0
    assert decimals_of_interval(2.0, 2.0, 0.0123) == 4


def test_numbers_follow_the_language():
    assert Numbers("ru").number(-1234567.891, 1) == "\u22121\u202f234\u202f567,9"
    assert Numbers("en").number(1234567.891, 1, sign=True) == "+1\u202f234\u202f567.9"
    assert Numbers("en").number(-0.0001, 2) == "0.00"
    assert Numbers("ru").number(2.5e-9, 10) == "2,5·10⁻⁹"


@pytest.mark.parametrize(
    ("value", "text"), [(1, "1\xa0год"), (3, "3\xa0года"), (25, "25\xa0лет"), (0.25, "0,25\xa0года")]
)
def test_years_are_counted_the_russian_way(russian, value, text):
    decimals = 2 if value < 1 else 0
    assert plain(russian.amount(value, "Year", decimals)) == text


def rung(lever: str, change: float, half: float, tipping: float | None = None) -> dict:
    return {
        "lever": lever, "outcome": "net_present_value", "year": 2040, "unit": "bn RUB", "change": change,
        "change_low": change - half, "change_high": change + half, "share_rises": 0.5, "tipping": tipping,
        "share_tips": 0.4, "share_better_at_low": 0.2, "share_better_at_high": 0.7,
    }  # fmt: skip


def ladder_sentences(english: Voice, rows: list[dict]) -> list[str]:
    return [plain(each) for each in chapter_levers._ladder_sentences(english, gather_facts(english.results), rows)]


def test_a_lever_has_a_direction_only_where_its_range_leaves_zero_out(english):
    up, rest = ladder_sentences(english, [rung("coverage", 5.0, 2.0), rung("voice", 1.0, 2.0)])
    assert "raises" in up and "[+3.0; +7.0]" in up
    assert "nothing can be said of their direction" in rest
    (none,) = ladder_sentences(english, [rung("coverage", 5.0, 6.0)])
    assert none.startswith("For no lever")
    assert "lowers" in ladder_sentences(english, [rung("coverage", -5.0, 2.0)])[0]


def test_a_tipping_value_names_the_side_on_which_the_regime_is_above(english):
    *_, tips = ladder_sentences(english, [rung("coverage", 5.0, 2.0, tipping=0.25)])
    assert "only where" in tips and "is above 0.25" in tips and "40" in tips


def failing(**changes) -> dict:
    return {
        "regime": "R3", "against": "R1", "outcome": "net_present_value", "year": 2040, "count": 60, "draws": 200,
        "coverage": 0.8, "density": 0.7, "base_rate": 0.3, "input": "k", "label_en": "Spill-in", "label_ru": "Отклик",
        "unit": "Dmnl", "low": None, "high": 0.04, "stability": 0.9,
    } | changes  # fmt: skip


def test_a_box_is_told_only_where_it_is_compact(english):
    count, box = (plain(each) for each in chapter_levers.failure_sentences(english, [failing()]))
    assert "in 60 of 200 draws" in count
    assert "“Spill-in” is below 0.04" in box and "80" in box and "70" in box and "30" in box
    _, scattered = (plain(each) for each in chapter_levers.failure_sentences(english, [failing(density=0.5)]))
    assert "scattered" in scattered and "Spill-in" not in scattered
    _, none = (plain(each) for each in chapter_levers.failure_sentences(english, [failing(input="")]))
    assert "no conditions can be named" in none


def test_failures_are_told_in_russian_too(russian):
    count, box = (plain(each) for each in chapter_levers.failure_sentences(russian, [failing(low=0.01)]))
    assert "в 60 из 200 вариантов" in count and "«Отклик» лежит между 0,010 и 0,040" in box
