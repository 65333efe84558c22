"""Wrong files through the command line: the outcome that is wanted, one message, no traceback, nothing left behind."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path

import pytest

from alliance_dynamics.cli import main
from alliance_dynamics.language import use_language
from alliance_dynamics.resources import resource

BAD_INPUT = Path(__file__).parents[1] / ".." / "shared" / "bad_input"
NAMED = {  # what a message must hold, beside file and line
    "B01_missing_eqn": ("'k'",),
    "B04_undefined_flow": ("`nope`", "'S'"),
    "B05_undefined_name": ("`kk`", "'f'", "Did you mean `k`?"),
    "B08_unknown_function": ("FROBNICATE", "'f'"),
    "B10_circular_aux": ("a (line 5) -> b (line 5) -> a (line 5)",),
    "B13_dup_exact": ("duplicate: 'k'",),
    "C01_dt_zero": ("dt must be > 0",),
    "C11_comma_decimal": ("Write a decimal point",),
    "C14_method_unknown": ("`Heun9`",),
    "D02_mdl_no_control": ("TIME STEP is missing", "FINAL TIME is missing"),
    "D05_mdl_unknown_fn": ("`FROB`", "`a`"),
    "D11_mdl_lookup_unsorted": ("`tab`",),
    "D17_mdl_sub_shape": ("`a` expects 3",),
    "E17_ext_tab_quote": ("`nope.xlsx`",),
}
NOTED = {
    "B17_homoglyph": "look alike",
    "B22_flow_as_stock": "declared as <aux>",
    "C05_dt_not_dividing": "the last time is 9.9",
    "C13_saveper_odd": "shorter than dt",
}
VALUES = {  # variable and its last value
    "B17_homoglyph": ("z", 7.0),
    "C19_negative_stock": ("S", -20.0),
    "C20_nonneg_stock": ("S", 0.0),
    "C32_long_chain": ("a2999", 3000.0),
}


def models() -> list[dict[str, str]]:
    if not BAD_INPUT.is_dir():
        return []
    with (BAD_INPUT / "models.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def english(monkeypatch):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    yield
    use_language("en")


@pytest.mark.skipif(not BAD_INPUT.is_dir(), reason="needs ../shared/bad_input")
@pytest.mark.parametrize("row", models(), ids=lambda row: row["id"])
def test_a_wrong_model_has_the_outcome_that_is_wanted(row, capsys, tmp_path, english, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    model = shutil.copy(BAD_INPUT / "models" / row["file"], tmp_path / "models")
    out = tmp_path / "x.csv"
    code = main(["run", str(model), "--out", str(out)])
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert "unexpectedly" not in said
    assert list(tmp_path.rglob("code-was-run-*")) == []
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} <= {row["file"], "x.csv"}
    if re.match("error|refuse", row["expect"]) and " or " not in row["expect"]:
        assert code in (2, 3, 4, 5)
    if re.match("run$|run[;,] |one row|S\\(10\\)", row["expect"]):
        assert code == 0, said
    assert (code == 0) == out.exists()
    if code:
        lines = said.splitlines()
        assert lines
        assert all(line.startswith(row["file"]) or str(model) in line for line in lines), said
        use_language("ru")
        main(["--lang", "ru", "run", str(model), "--out", str(out)])
        russian = capsys.readouterr().err.splitlines()
        assert len(russian) == len(lines)
        assert all(re.search("[а-я]{4}", line) for line in russian)
        assert not re.search(r"Expected|Did you mean|Save |Give |Delete ", "".join(russian))
    for part in NAMED.get(row["id"], ()):
        assert part in said
    assert NOTED.get(row["id"], "") in said
    if row["id"] in VALUES:
        name, value = VALUES[row["id"]]
        with out.open(encoding="utf-8", newline="") as file:
            assert float(list(csv.DictReader(file))[-1][name]) == pytest.approx(value)


# ---- tables of measurements


@pytest.fixture
def problem(tmp_path, english, monkeypatch) -> Path:
    """The Tatarstan problem under a path with blanks and Cyrillic letters."""
    folder = tmp_path / "моя задача" / "problem"
    source = resource("calibration/tatarstan")
    folder.mkdir(parents=True)
    for file in source.iterdir():
        if file.suffix in (".tsv", ".toml"):
            shutil.copy(file, folder)
    monkeypatch.chdir(tmp_path)
    return folder


def calibrate(capsys, problem: Path) -> tuple[int, str]:
    code = main(["calibrate", str(problem), "--starts", "1", "-q"])
    assert not list(Path().glob("results/*"))
    return code, capsys.readouterr().err


def change(problem: Path, line: int, old: str, new: str, file: str = "measurements.tsv") -> None:
    path = problem / file
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new, 1)
    path.write_text("".join(lines), encoding="utf-8")


@pytest.mark.parametrize(
    ("line", "old", "new", "said"),
    [
        (1, "measurement\t", "measurment\t", "column `measurement` is missing"),
        (1, "note", "note\textra", "extra"),
        (3, "621.73431", "about 600", "measurements.tsv:3  column `measurement` has `about 600`"),
        (
            3,
            "621.73431",
            "621,73431",
            "measurements.tsv:3  column `measurement` has `621,73431`. A number. Write 621.73431",
        ),
        (3, "621.73431", "1 234 567", "Write 1234567."),
        (3, "621.73431", "inf", "measurements.tsv:3"),
        (3, "621.73431", "1e400", "measurements.tsv:3"),
        (3, "621.73431", "н/д", "measurements.tsv:3"),
        (3, "\t2001\t", "\t2001Q3\t", "measurements.tsv:3  column `time` has `2001Q3`"),
        (3, "grp_current_real", "grp_curent_real", "Did you mean `grp_current_real`?"),
        (3, "621.73431", "621.73431\t7", "measurements.tsv:3"),
        (3, "\tRU_TA\t", "\tRU_TAT\t", "Did you mean `RU_TA`?"),
    ],
)
def test_a_wrong_measurement_is_refused_with_file_line_and_remedy(problem, capsys, line, old, new, said):
    change(problem, line, old, new)
    code, err = calibrate(capsys, problem)
    assert code == 3, err
    assert said in err
    assert "Traceback" not in err


def test_a_figure_given_twice_names_both_lines(problem, capsys):
    path = problem / "measurements.tsv"
    text = path.read_text(encoding="utf-8")
    third = text.splitlines(keepends=True)[2]
    path.write_text(text + third, encoding="utf-8")
    code, err = calibrate(capsys, problem)
    assert code == 3
    assert f":{len(text.splitlines()) + 1}  " in err
    assert "line 3" in err


def test_a_table_in_another_encoding_is_refused(problem, capsys):
    path = problem / "measurements.tsv"
    path.write_bytes(path.read_text(encoding="utf-8").replace("the model starts", "начало").encode("cp1251"))
    code, err = calibrate(capsys, problem)
    assert code == 3
    assert "the text is not UTF-8" in err or "the text is not utf-8" in err


@pytest.mark.skipif(not BAD_INPUT.is_dir(), reason="needs ../shared/bad_input")
@pytest.mark.parametrize("file", sorted(each.name for each in (BAD_INPUT / "tables").glob("F*.csv")))
def test_a_table_of_something_else_is_refused_as_measurements(problem, capsys, file):
    shutil.copy(BAD_INPUT / "tables" / file, problem / "measurements.tsv")
    code, err = calibrate(capsys, problem)
    assert code == 3
    assert "measurements.tsv" in err
    assert "Traceback" not in err
