"""The main job: one quick study, looked at from every side."""

from __future__ import annotations

import csv
import json
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from alliance_dynamics.errors import Interrupted, UsageError
from alliance_dynamics.files import sha256
from alliance_dynamics.kernel.integrate import Task
from alliance_dynamics.progress import stage
from alliance_dynamics.study import study
from alliance_dynamics.study.planning import Rate, plan_study, stages_of_study

CONTRACT = {
    "calibration/parameters.csv": "parameter,label,unit,estimate,low,high,status,source",
    "calibration/fit.csv": "region,observable,year,observed,q05,q50,q95,unit",
    "comparison/trajectories.csv": "regime,variable,element,year,q05,q50,q95,unit",
    "comparison/summary.csv": "regime,baseline,year,gap,gap_low,gap_high,share_better,fiscal_cost",
    "sensitivity/indices.csv": "outcome,year,lever,S1,S1_low,S1_high,ST,ST_low,ST_high",
    "sensitivity/ladder.csv": "lever,outcome,year,unit,change,change_low,change_high,share_rises,tipping",
    "sensitivity/ranks.csv": "outcome,year,unit,regime,mean,mean_regret,largest_regret,share_rank_1,share_rank_5",
    "sensitivity/failures.csv": "regime,against,outcome,year,count,draws",
}


COUNTED: dict[str, int] = {}  # runs of the model in each stage of the study, by the title of the stage


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("работа") / "results of a study"
    with pytest.MonkeyPatch.context() as patched:
        count_runs(patched)
        study("tatarstan", quick=True, out=target, seed=0, jobs=2, quiet=True)
    return target


def count_runs(patched: pytest.MonkeyPatch) -> None:
    """Lets every task of the kernel add its rows to the stage that it is made in."""
    now, made = [""], Task.__init__

    def counted(self, parameters, *others, **named):
        COUNTED[now[0]] = COUNTED.get(now[0], 0) + len(parameters)
        made(self, parameters, *others, **named)

    @contextmanager
    def staged(what, quiet):
        now[0] = what
        COUNTED[what] = 0
        with stage(what, quiet) as tell:
            yield tell
        now[0] = ""

    patched.setattr(Task, "__init__", counted)
    for module in ("keeping", "story"):
        patched.setattr(f"alliance_dynamics.study.{module}.stage", staged)


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(("name", "columns"), CONTRACT.items())
def test_every_table_has_the_columns_that_it_promises(folder, name, columns):
    assert set(columns.split(",")) <= set(rows(folder, name)[0])


def test_the_fit_covers_every_series_and_year_from_2000_to_2030(folder):
    found = rows(folder, "calibration/fit.csv")
    series = {(row["region"], row["observable"]) for row in found}
    assert len(series) == 20
    assert len(found) == 20 * 31
    assert {int(row["year"]) for row in found} == set(range(2000, 2031))
    assert all(float(row["q05"]) < float(row["q50"]) < float(row["q95"]) for row in found)


def test_the_figures_in_the_fit_are_those_of_the_statistics(folder):
    found = {(r["region"], r["observable"], r["year"]): r["observed"] for r in rows(folder, "calibration/fit.csv")}
    assert float(found["Republic of Tatarstan", "rd_personnel", "2022"]) == 14231
    assert found["Republic of Tatarstan", "rd_personnel", "2023"] == ""


def test_most_figures_lie_in_their_intervals(folder):
    used = [row for row in rows(folder, "calibration/fit.csv") if row["used"] == "train"]
    inside = [float(row["q05"]) <= float(row["observed"]) <= float(row["q95"]) for row in used]
    assert 0.85 <= np.mean(inside) <= 0.99


def test_every_parameter_has_a_verdict_a_unit_and_a_source(folder):
    found = rows(folder, "calibration/parameters.csv")
    assert {row["status"] for row in found} <= {"estimated", "at bound", "not identified"}
    assert all(row["unit"] and row["source"] for row in found)


def test_history_is_the_same_in_every_regime_and_they_part_after_the_policy_year(folder):
    found = [r for r in rows(folder, "comparison/trajectories.csv") if r["element"] == "alliance"]
    values = {(r["regime"], r["variable"], int(r["year"])): (r["q05"], r["q50"], r["q95"]) for r in found}
    regimes = sorted({key[0] for key in values})
    assert regimes == ["R0", "R1", "R2", "R3", "R4"]
    for regime, variable, year in values:
        if year <= 2026 and variable != "net_present_value":
            assert values[regime, variable, year] == values["R1", variable, year]
    assert values["R3", "alliance_trust", 2040] != values["R1", "alliance_trust", 2040]


def test_the_summary_compares_with_r1_at_three_years(folder):
    found = rows(folder, "comparison/summary.csv")
    assert {row["baseline"] for row in found} == {"R1"}
    assert {row["year"] for row in found} == {"2030", "2040", "2050"}
    assert {row["regime"] for row in found} == {"R0", "R2", "R3", "R4"}
    assert all(float(r["gap_low"]) <= float(r["gap"]) <= float(r["gap_high"]) for r in found)
    assert all(0 <= float(row["share_better"]) <= 1 for row in found)


def test_effects_on_product_are_small(folder):
    found = [r for r in rows(folder, "comparison/summary.csv") if r["outcome"] == "gross_regional_product"]
    assert max(abs(float(r["gap_percent"])) for r in found) < 0.5


def test_every_lever_and_group_has_indices_after_the_policy_year(folder):
    found = rows(folder, "sensitivity/indices.csv")
    levers = {row["lever"] for row in found}
    assert len(levers) == 18
    assert {"calibrated parameters", "uncertain assumptions"} <= levers
    assert min(int(row["year"]) for row in found) == 2027
    assert all(float(row["ST"]) >= -0.05 for row in found)


def test_the_manifest_vouches_for_every_file(folder):
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    named = {each["path"]: each["sha256"] for each in manifest["outputs"]}
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {"manifest.json"}
    assert set(named) == there
    assert all(sha256(folder / path) == digest for path, digest in named.items())
    assert manifest["seed"] == 0
    assert (manifest["dt"], manifest["method"], manifest["quick"]) == (0.125, "rk4", True)
    assert set(manifest["inputs"]) == {"data", "parameters", "regimes"}
    assert str(folder.parent) not in json.dumps(manifest)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_both_reports_stand_alone(folder, language):
    page = (folder / f"report_{language}.html").read_text(encoding="utf-8")
    assert f'lang="{language}"' in page
    assert "http-equiv" in page
    assert 'src="http' not in page


def test_nothing_is_left_beside_the_results(folder):
    assert [each.name for each in folder.parent.iterdir()] == [folder.name]


@pytest.mark.parametrize("year", [2010, 2060, 2026.3])
def test_a_policy_year_out_of_range_is_refused_before_any_work(tmp_path, year):
    with pytest.raises(UsageError):
        study(quick=True, out=tmp_path / "out", policy_year=year)
    assert not (tmp_path / "out").exists()


def test_an_unknown_problem_is_named(tmp_path):
    with pytest.raises(UsageError, match="There is no calibration problem `samara`"):
        study("samara", out=tmp_path / "out")


def test_the_ladder_has_every_lever_and_some_of_them_matter(folder):
    found = [r for r in rows(folder, "sensitivity/ladder.csv") if r["outcome"] == "interregional_link_density"]
    assert len({row["lever"] for row in found}) == 16
    assert {row["year"] for row in found} == {"2030", "2040", "2050"}
    assert any(float(row["change_low"]) > 0 for row in found)
    assert all(float(r["change_low"]) <= float(r["change"]) <= float(r["change_high"]) for r in found)


def test_failures_and_ranks_agree_with_the_share_of_better_draws(folder):
    """Two ways to the same share: the comparison of R3 with R1 counts ties half, failing means strictly below."""
    wanted = {"regime": "R3", "outcome": "net_present_value", "element": "alliance", "year": "2040"}
    (better,) = [row for row in rows(folder, "comparison/summary.csv") if wanted.items() <= row.items()]
    wanted = {"regime": "R3", "against": "R1"}
    below = next(row for row in rows(folder, "sensitivity/failures.csv") if wanted.items() <= row.items())
    assert int(below["count"]) / int(below["draws"]) == pytest.approx(1 - float(better["share_better"]), abs=1e-9)
    wanted = {"outcome": "net_present_value", "year": "2040"}
    ranks = [row for row in rows(folder, "sensitivity/ranks.csv") if wanted.items() <= row.items()]
    assert sum(float(row["share_rank_1"]) for row in ranks) == pytest.approx(1)
    assert min(float(row["mean_regret"]) for row in ranks) >= 0


def test_a_plan_counts_the_runs_that_the_study_then_makes_and_writes_nothing(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plan = plan_study(quick=True, seed=0, jobs=2)
    stages = plan.results["stages"]
    assert [each["title"] for each in stages] == [each for each in COUNTED if each]
    for each in stages:
        expected = pytest.approx(each["runs"], rel=0 if each["counted"] else 0.5)
        assert COUNTED[each["title"]] == expected, each
    assert plan.results["seconds"] == pytest.approx(sum(each["seconds"] for each in stages), abs=1)
    written = sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
    assert written == pytest.approx(plan.results["bytes"], rel=0.25)
    assert plan.next_step == "alliance study tatarstan --quick --seed 0"
    assert not list(tmp_path.iterdir())


def test_a_full_plan_has_more_of_everything_than_a_quick_one():
    few, many = (stages_of_study(quick, regimes=5, levers=16, calibrated=33) for quick in (True, False))
    assert [each.name for each in few] == [each.name for each in many]
    pairs = zip(few[1:-1], many[1:-1], strict=True)
    assert all(one.runs < other.runs for one, other in pairs)
    assert not many[0].counted and many[0].runs > 2 * few[0].runs  # a search goes on until it has settled
    rate = Rate(1650, 1650, 1)
    assert rate.seconds(many[0]) > 2 * rate.seconds(few[0])


@pytest.mark.slow
def test_an_interrupted_study_goes_on_and_ends_with_the_same_bits(folder, tmp_path, monkeypatch, capsys):
    def interrupted(*args, **options):
        raise KeyboardInterrupt

    target = tmp_path / "results"
    with monkeypatch.context() as patched:
        patched.setattr("alliance_dynamics.study.story.accounts", interrupted)
        with pytest.raises(Interrupted) as caught:
            study("tatarstan", quick=True, out=target, seed=0, jobs=1, quiet=True)
    assert caught.value.resumable
    assert [each.name for each in tmp_path.iterdir()] == ["results.unfinished"]
    plan = plan_study(quick=True, out=target, seed=0, resume=True)
    assert [each["name"] for each in plan.results["stages"] if each["done_before"]] == [
        "calibration", "sensitivity", "repeated", "levers", "shares", "alternatives",
    ]  # fmt: skip
    assert not any(each["resumable"] for each in plan_study(quick=True, out=target, seed=1).results["stages"])
    study("tatarstan", quick=True, out=target, seed=0, jobs=2, resume=True)
    told = capsys.readouterr().err
    assert "Calibrating: done before" in told
    assert "Closing the accounts: 100 of 100" in told
    assert [each.name for each in tmp_path.iterdir()] == ["results"]
    files = {each.relative_to(folder) for each in folder.rglob("*") if each.is_file() and each.name != "manifest.json"}
    tables = [each for each in files if each.suffix in (".csv", ".json")]
    assert len(tables) > 20
    for each in tables:
        assert (folder / each).read_bytes() == (target / each).read_bytes(), each
    one, other = (json.loads((each / "manifest.json").read_text(encoding="utf-8")) for each in (folder, target))
    assert one["content_sha256"] == other["content_sha256"]
