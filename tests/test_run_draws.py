"""Ensembles of `alliance run --draws`: the draws, their failures, the folder, its formats, and verifying it."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_models import TANK as MODEL

from alliance_dynamics.cli import main
from alliance_dynamics.commands.changes import open_plan
from alliance_dynamics.draws import Draws, draws_of_futures, draws_of_ranges
from alliance_dynamics.ensemble import run_ensemble
from alliance_dynamics.ensemble_files import QUANTILES
from alliance_dynamics.errors import PartialError, RunError, UsageError
from alliance_dynamics.futures import Futures, assumptions_of
from alliance_dynamics.grids import Grid, grid_text, write_grid
from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.model.read import read_model
from alliance_dynamics.overrides import program_of
from alliance_dynamics.parameters import NO_PARAMETERS, read_parameters
from alliance_dynamics.regimes import run_regimes
from alliance_dynamics.scenarios import find_regime, read_regimes, read_scenario
from alliance_dynamics.simulate import run_model
from alliance_dynamics.verification import compare_results

CARD = '["{name}"]\nvalue = {value}\nunit = "{unit}"\nsource = "made up"\ngrade = "C"\nlow = {low}\nhigh = {high}\n'
RANGES = CARD.format(name="k", value=5, unit="widget/Year", low=0, high=10)
RANGES += CARD.format(name="residence time", value=4, unit="Year", low=2, high=6)
SCENARIO = """
[scenario]
id = "mine"
name = "Mine"
[run]
stop = 20
[parameters]
k = 3
[draws]
n = 7
seed = 5
"""


@pytest.fixture
def room(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("m.mdl").write_text(MODEL, encoding="utf-8")
    Path("parameters.toml").write_text(RANGES, encoding="utf-8")
    Path("mine.toml").write_text(SCENARIO, encoding="utf-8")
    return tmp_path


def say(capsys, *words: str) -> tuple[int, str, str]:
    code = main([*words])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def rows_of(path: str) -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_each_draw_is_the_run_with_its_constants(room):
    model = read_model("m.mdl")
    draws = draws_of_ranges(program_of(model), read_parameters("parameters.toml"), 5, seed=0)
    found = run_ensemble(model, draws, method="euler")
    for i, row in enumerate(draws.values.tolist()):
        alone = run_model(model, set=dict(zip(draws.names, row, strict=True)), method="euler")
        kept = [alone.columns.index(each) for each in found.series.labels]
        np.testing.assert_array_equal(found.values[i], alone.values[:, kept])


def test_the_ranges_are_filled_evenly_and_a_given_constant_is_not_drawn(room):
    model = read_model("m.mdl")
    draws = draws_of_ranges(program_of(model), read_parameters("parameters.toml"), 50, seed=3)
    assert draws.names == ("k", "residence_time")
    strata = np.floor((draws.values - [0, 2]) / [10, 4] * 50)
    np.testing.assert_array_equal(np.sort(strata, axis=0), np.repeat(np.arange(50)[:, None], 2, axis=1))
    found = run_ensemble(model, draws, set={"k": 3.0})
    assert found.draws.names == ("residence_time",)
    assert set(found.values[:, :, found.series.labels.index("inflow")].ravel().tolist()) == {3.0}


def test_seed_0_is_a_seed_and_threads_and_chunks_change_nothing(room, monkeypatch):
    model = read_model("m.mdl")
    program, cards = program_of(model), read_parameters("parameters.toml")
    one, other = (draws_of_ranges(program, cards, 40, seed=seed) for seed in (0, 1))
    assert not np.array_equal(one.values, other.values)
    whole = run_ensemble(model, one).values
    np.testing.assert_array_equal(whole, run_ensemble(model, one, jobs=2).values)
    monkeypatch.setattr("alliance_dynamics.ensemble.AT_ONCE", 7)
    np.testing.assert_array_equal(whole, run_ensemble(model, one).values)


def test_a_constant_that_decides_how_the_model_is_built_is_not_drawn(room):
    late = MODEL.replace("outflow = S / residence time", "outflow = DELAY N(inflow, residence time, 5, order)")
    Path("late.mdl").write_text(late.replace("k = 5 ~", "order = 2 ~ Dmnl ~ |\nk = 5 ~"), encoding="utf-8")
    model = read_model("late.mdl")
    times = Draws(("residence_time",), np.array([[3.0], [5.0]]), "ranges")
    found = run_ensemble(model, times)
    for i, time in enumerate((3.0, 5.0)):
        alone = run_model(model, set={"residence time": time})
        np.testing.assert_array_equal(
            found.values[i, :, 0], alone.values[:, alone.columns.index(found.series.labels[0])]
        )
    with pytest.raises(UsageError, match="`order` decides how the model is built, and cannot be drawn"):
        run_ensemble(model, Draws(("order",), np.array([[1.0], [3.0]]), "ranges"))


def test_a_model_of_ones_own_may_be_called_alliance(room, capsys):
    Path("alliance.mdl").write_text(MODEL, encoding="utf-8")
    code, out, err = say(capsys, "run", "alliance.mdl", "--draws", "4")
    assert code == 0 and out.startswith("4 draws from the ranges of parameters.toml"), err
    assert "S, widget" in out


def test_noise_alone_is_drawn_by_number_and_what_is_certain_is_refused(room):
    noisy = Path("noisy.mdl")
    noisy.write_text(MODEL.replace("inflow = k", "inflow = k + RANDOM NORMAL(-9, 9, 0, 1, 7)"), encoding="utf-8")
    model = read_model(noisy)
    draws = draws_of_ranges(program_of(model), NO_PARAMETERS, 6, seed=2)
    assert draws.source == "noise"
    found = run_ensemble(model, draws, seed=2)
    assert len({each.tobytes() for each in found.values}) == 6
    np.testing.assert_array_equal(
        found.values[:4], run_ensemble(model, Draws((), draws.values[:4], "noise"), seed=2).values
    )
    with pytest.raises(UsageError, match="Nothing in this model is uncertain"):
        draws_of_ranges(program_of(read_model("m.mdl")), NO_PARAMETERS, 6, seed=2)


def test_failed_draws_are_left_out_by_number_up_to_the_share_allowed(room):
    model = read_model("m.mdl")
    values = np.full((20, 1), 4.0)
    values[[3, 11]] = 0.0  # a residence time of 0
    draws = Draws(("residence_time",), values, "ranges")
    with pytest.raises(PartialError, match="draw 3, time 0: `outflow` became inf"):
        run_ensemble(model, draws, max_failed=0.05)
    found = run_ensemble(model, draws, max_failed=0.1)
    assert [number for number, _ in found.failed] == [3, 11]
    assert found.kept.tolist() == [i for i in range(20) if i not in (3, 11)]
    assert np.isfinite(found.values).all() and len(found.values) == 18
    with pytest.raises(RunError, match="every draw has a failed run"):
        run_ensemble(model, Draws(draws.names, values[[3]], "ranges"), max_failed=1)


PATH = """
extends = "r3_alliance"
[scenario]
id = "later"
name = "Later"
[levers.voice_of_regions]
points = [{year = 2027, value = 0.9}, {year = 2035, value = 0.4}]
"""


def test_an_ensemble_of_the_alliance_is_what_a_comparison_computes(room):
    """In numbers and in time; both models are compiled, which takes seconds."""
    Path("later.toml").write_text(PATH, encoding="utf-8")
    model, parameters = open_model("alliance"), read_parameters()
    program = program_of(model)
    assumptions, base = assumptions_of(program, parameters, ()), np.array(program.defaults)
    cube = np.random.default_rng(0).uniform(0.4, 0.6, size=(6, len(assumptions)))
    rows = np.repeat(base[None], 6, axis=0)
    for j, each in enumerate(assumptions):
        rows[:, each.column] = each.low + (each.high - each.low) * cube[:, j]
    futures = Futures(program, rows, (), np.zeros((6, 0)), assumptions, base)
    scenarios = (find_regime("R3", read_regimes()), read_scenario("later.toml"))
    compared = run_regimes(model, scenarios, futures, parameters).values
    for words, expected in zip((["R3"], ["later.toml"]), compared, strict=True):
        plan = open_plan(words, {})
        found = run_ensemble(plan.model, draws_of_futures(futures), set=plan.constants)
        assert found.series.labels[0] == "net_present_value[alliance]"
        np.testing.assert_array_equal(found.values, expected)


def test_the_command_writes_a_folder_that_verify_makes_again(room, capsys):
    code, out, err = say(
        capsys, "run", "m.mdl", "mine.toml", "--draws", "auto", "--set", "residence time=4", "--out", "r"
    )
    assert (code, out) == (2, "") and "nothing is left to draw" in err  # k is given by the scenario
    code, out, err = say(capsys, "run", "m.mdl", "mine.toml", "--draws", "auto", "--at", "10,20", "--out", "r")
    assert code == 0, err
    assert "7 draws from the ranges of parameters.toml, constants: 1, seed 5" in out
    assert err.endswith("Next: alliance verify r\n")
    table = rows_of("r/trajectories.csv")
    assert [(row["draw"], row["time"]) for row in table[:5]] == [
        ("0", each) for each in ("0.0", "5.0", "10.0", "15.0", "20.0")
    ]
    shown = {(row["variable"], row["time"]): row for row in rows_of("r/quantiles.csv")}
    last = np.array([float(row["S"]) for row in table if row["time"] == "20.0"])
    levels = np.array([float(shown["S", "20.0"][each]) for each in QUANTILES])
    np.testing.assert_array_equal(levels, np.quantile(last, (0.05, 0.25, 0.5, 0.75, 0.95)))
    manifest = json.loads(Path("r/manifest.json").read_text(encoding="utf-8"))
    assert manifest["command"] == ["alliance", "run", "m.mdl", "mine.toml", "--draws", "7", "--seed", "5"]
    code, out, _ = say(capsys, "verify", "r", "-j", "2")
    assert code == 0 and "identical, 3 files compared" in out
    Path("mine.toml").write_text(SCENARIO.replace("k = 3", "k = 4"), encoding="utf-8")
    code, _, err = say(capsys, "verify", "r")
    assert code == 6 and "`inputs.scenario.mine` is another one here" in err


def test_what_a_scenario_expects_is_held_against_a_run_at_the_default_values(room, capsys):
    wrong = SCENARIO + '[[expect]]\nvariable = "S"\nat_most = 11\nat = 20\n'
    Path("mine.toml").write_text(wrong.replace("[parameters]\nk = 3\n", ""), encoding="utf-8")
    code, out, err = say(capsys, "run", "m.mdl", "mine.toml", "--draws", "5", "--out", "r", "-q")
    assert code == 1 and out.startswith("5 draws") and "mine.toml:10  `S` is 19.9" in err
    assert Path("r/manifest.json").is_file()


def test_a_single_run_may_fill_a_folder_too(room, capsys):
    code, _, err = say(capsys, "run", "m.mdl", "--set", "k=2", "--stop", "20", "--out", "one")
    assert code == 0, err
    assert (
        Path("one/run.csv").read_text(encoding="utf-8")
        == say(capsys, "run", "m.mdl", "--set", "k=2", "--stop", "20")[1]
    )
    code, out, _ = say(capsys, "verify", "one")
    assert code == 0 and "`alliance run m.mdl --set k=2.0 --stop 20.0 --seed 0`: identical, 1 files compared" in out


def test_too_many_failed_draws_are_exit_code_7_and_leave_nothing(room, capsys):
    Path("parameters.toml").write_text(
        RANGES.replace("low = 2", "low = -2").replace("high = 6", "high = 4"), encoding="utf-8"
    )
    Path("m.mdl").write_text(MODEL.replace("S / residence time", "S / SQRT(residence time)"), encoding="utf-8")
    code, out, err = say(capsys, "run", "m.mdl", "--draws", "30", "--out", "r", "-q")
    assert (code, out) == (7, "") and "10 of 30 draws failed. At most 1.00%" in err
    assert not Path("r").exists()
    code, _, err = say(capsys, "run", "m.mdl", "--draws", "30", "--out", "r", "-q", "--max-failed", "0.5")
    assert code == 0 and "10 draws failed" not in err and len(rows_of("r/failed.csv")) == 10
    assert json.loads(Path("r/manifest.json").read_text(encoding="utf-8"))["failed_draws"] == 10


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("--draws 0", 2, "`0` is not a whole number from 1 on"),
        ("--draws -5", 2, "--draws"),
        ("--draws 3 --error", 2, "`--error` is for a single run"),
        ("--draws 3 --method adaptive", 2, "`--method adaptive` is for a single run"),
        ("--draws 3 --out r.csv", 2, "An ensemble fills a folder, not a file"),
        ("--draws 3 --at 7", 2, "7 is not a saved time of the run. The nearest is 5."),
        ("--draws 3 --output inflo --output sto", 2, "Did you mean `inflow`?"),
        ("--draws 3 --max-failed 2", 2, "`2` is not a share from 0 to 1"),
        ("--draws 3 --format netcdf", 2, "netcdf is not for standard output"),
        ("--draws 999999999", 2, "`999999999` is more than 1000000"),
        ("--draws 1000000 --stop 1000", 2, "the ensemble keeps 1000000 draws of 201 times of 3 series"),
        ("--at 5", 2, "--at and --output go with --draws only"),
        ("--out r.xlsx", 2, "Let the name end in .csv, .parquet or .nc"),
        ("--out r.csv --format parquet", 2, "--out and --format say different things"),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_can(room, capsys, words, code, said):

    found, out, err = say(capsys, "run", "m.mdl", *words.split(), "-q")
    assert (found, out) == (code, "") and said in err
    assert sorted(each.name for each in room.iterdir()) == ["m.mdl", "mine.toml", "parameters.toml"]


@pytest.mark.parametrize("words", ["", "--draws 50 --out r", "--draws auto"])
def test_a_dry_run_tells_runs_time_and_disk_and_writes_nothing(room, capsys, reply, words):
    code, out, _ = say(capsys, "run", "m.mdl", *words.split(), "--dry-run", "--json")
    found = reply(out)["results"]
    assert code == 0 and found["stages"][0]["runs"] == (50 if "50" in words else 200 if "auto" in words else 1)
    assert found["seconds"] >= 0 and (found["bytes"] or 0) == (50 * 3 * 3 * 19 if "--out" in words else 0)
    assert not Path("r").exists()


def test_an_ensemble_is_one_json_object(room, capsys, reply):
    code, out, _ = say(capsys, "run", "m.mdl", "--draws", "3", "--at", "5,10", "--json", "--out", "r")
    found = reply(out)
    assert code == 0 and found["manifest"] == str(Path("r/manifest.json"))
    results = found["results"]
    assert (results["draws"], results["seed"], results["failed"], results["drawn_from"]) == (3, 0, [], "ranges")
    assert [(each["variable"], each["time"]) for each in results["quantiles"]] == [
        (name, time) for name in ("S", "inflow", "outflow") for time in (5.0, 10.0)
    ]


# ---- formats


GRID = Grid(
    {"draw": np.array([0, 2]), "time": np.array([0.0, 0.1, 1 / 3])},
    {"draw": "", "time": "Year"},
    ("time", "R&D/GRP", "доля"),
    ("Year", "", "руб."),
    np.random.default_rng(0).normal(size=(2, 3, 3)) * [1e-300, 1, 1e300],
    {"model": "модель", "model_sha256": "ab" * 32, "seed": 0, "dt": 0.1},
)


def csv_columns() -> np.ndarray:
    return np.array([[float(each) for each in line.split(",")] for line in grid_text(GRID).splitlines()[1:]])


def test_parquet_holds_the_bits_of_the_csv_with_units_and_facts(tmp_path):
    pytest.importorskip("pyarrow")
    import pyarrow.parquet

    found = pyarrow.parquet.read_table(write_grid(tmp_path / "a.parquet", GRID, "parquet"))
    assert found.column_names == ["draw", "time", "time (2)", "R&D/GRP", "доля"]
    np.testing.assert_array_equal(np.stack([each.to_numpy() for each in found.columns], axis=1), csv_columns())
    assert found.schema.field("доля").metadata == {b"unit": "руб.".encode()}
    assert found.schema.metadata[b"seed"] == b"0" and found.schema.metadata[b"model_sha256"] == b"ab" * 32


def test_netcdf_holds_the_bits_of_the_csv_with_units_and_facts(tmp_path):
    h5netcdf = pytest.importorskip("h5netcdf")
    with h5netcdf.File(write_grid(tmp_path / "a.nc", GRID, "netcdf"), "r") as file:
        names = ["time (2)", "R&D|GRP", "доля"]
        table = csv_columns()
        for j, name in enumerate(names):
            np.testing.assert_array_equal(file.variables[name][:].ravel(), table[:, 2 + j])
        assert file.variables["R&D|GRP"].attrs["long_name"] == "R&D/GRP"
        assert file.variables["доля"].attrs["units"] == "руб." and file.variables["time"].attrs["units"] == "Year"
        assert file.attrs["seed"] == 0 and file.attrs["model"] == "модель"


@pytest.mark.parametrize(
    ("kind", "package", "suffix"), [("parquet", "pyarrow", ".parquet"), ("netcdf", "h5netcdf", ".nc")]
)
def test_a_format_without_its_package_is_exit_code_5_with_the_line_that_installs_it(
    room, capsys, monkeypatch, kind, package, suffix
):
    monkeypatch.setitem(sys.modules, package, None)
    for words in (["--draws", "3", "--format", kind, "--out", "r"], ["--out", f"r{suffix}"]):
        code, out, err = say(capsys, "run", "m.mdl", *words)
        assert (code, out) == (5, "") and 'pip install "alliance-dynamics[data]"' in err
    assert not Path("r").exists() and not Path(f"r{suffix}").exists()


@pytest.mark.parametrize(("package", "suffix"), [("pyarrow", ".parquet"), ("h5netcdf", ".nc")])
def test_a_run_in_another_format_is_written_again_to_the_same_bytes(room, capsys, package, suffix):
    pytest.importorskip(package)
    kind = {".parquet": "parquet", ".nc": "netcdf"}[suffix]
    for words in (["--out", f"r{suffix}"], ["--draws", "5", "--format", kind, "--out", "r"]):
        code, _, err = say(capsys, "run", "m.mdl", *words)
        assert code == 0, err
    assert say(capsys, "verify", "r")[0] == 0


@pytest.mark.parametrize(
    ("package", "kind", "suffix"), [("pyarrow", "parquet", ".parquet"), ("h5netcdf", "netcdf", ".nc")]
)
def test_two_files_of_other_bytes_are_compared_number_by_number(tmp_path, package, kind, suffix):
    pytest.importorskip(package)
    one, other = tmp_path / "one", tmp_path / "other"
    write_grid(one / f"a{suffix}", GRID, kind)
    write_grid(other / f"a{suffix}", replace(GRID, facts={"seed": 1}), kind)
    assert (one / f"a{suffix}").read_bytes() != (other / f"a{suffix}").read_bytes()
    assert compare_results(one, other).verdict == "identical"
    moved = GRID.values.copy()
    moved[1, 2, 1] *= 1 + 1e-9
    write_grid(other / f"a{suffix}", replace(GRID, values=moved), kind)
    found = compare_results(one, other)
    assert found.verdict == "different"
    (first,) = found.differences
    assert (first.line, float(first.stored), float(first.again)) == (6, GRID.values[1, 2, 1], moved[1, 2, 1])
