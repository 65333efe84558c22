"""A results folder says what made it; a file appears whole or not at all."""

from __future__ import annotations

import csv
import getpass
import json
import math
import platform
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alliance_dynamics.errors import UsageError
from alliance_dynamics.files import Outputs, csv_text, sha256, write_bytes, write_csv, write_text
from alliance_dynamics.manifest import content_hash, created, hash_files, shown_command, write_manifest
from alliance_dynamics.resources import resource

GIVEN = {
    "seed": 0,
    "dt": 0.125,
    "method": "rk4",
    "backend": "llvm",
    "draws": 10,
    "wall_s": 1.23456,
    "model": {"id": "m", "program_sha256": "0" * 64},
    "inputs": {"regimes": {"r1.toml": "1" * 64}},
    "command": ["study", "--out", "/home/someone/results", "--seed=0"],
}


def manifest_of(folder: Path, **changes) -> dict:
    return json.loads(write_manifest(folder, **{**GIVEN, **changes}).read_text(encoding="utf-8"))


def test_a_manifest_lists_every_file_with_its_hash_in_the_order_of_the_paths(tmp_path):
    for name in ("b.csv", "a/z.txt", "a.txt"):
        write_text(tmp_path / name, name)
    outputs = manifest_of(tmp_path)["outputs"]
    assert [each["path"] for each in outputs] == ["a.txt", "a/z.txt", "b.csv"]
    assert outputs[0] == {"path": "a.txt", "bytes": 5, "sha256": sha256(tmp_path / "a.txt")}


def test_time_duration_and_environment_do_not_move_the_content_hash(tmp_path, monkeypatch):
    write_text(tmp_path / "a.csv", "1\n")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    first = manifest_of(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    second = manifest_of(tmp_path, wall_s=99)
    assert (first["created"], second["created"]) == ("1970-01-01T00:00:00Z", "1970-01-02T00:00:00Z")
    assert first["content_sha256"] == second["content_sha256"] == content_hash(first)


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"dt": 0.25}, {"method": "euler"}, {"draws": 9}, {"failed_draws": 1}, {"inputs": {}}]
)
def test_anything_that_moves_the_numbers_moves_the_content_hash(tmp_path, change):
    assert manifest_of(tmp_path)["content_sha256"] != manifest_of(tmp_path, **change)["content_sha256"]


def test_a_changed_output_moves_the_content_hash(tmp_path):
    write_text(tmp_path / "a.csv", "1\n")
    first = manifest_of(tmp_path)["content_sha256"]
    write_text(tmp_path / "a.csv", "2\n")
    assert manifest_of(tmp_path)["content_sha256"] != first


def test_a_manifest_names_no_person_machine_or_absolute_path(tmp_path):
    text = json.dumps(manifest_of(tmp_path))
    for secret in ("someone", str(tmp_path), str(Path.home()) + "/", f'"{platform.node()}"', f'"{getpass.getuser()}"'):
        assert secret not in text


def test_a_command_keeps_relative_paths_and_loses_absolute_ones():
    given = ["run", "models/a.mdl", "--out=/a/b.csv", "C:\\me\\c.toml", "/d/e.toml", "--set", "k=1"]
    assert shown_command(given) == [
        "alliance", "run", "models/a.mdl", "--out=b.csv", "c.toml", "e.toml", "--set", "k=1"
    ]  # fmt: skip


def test_the_time_is_utc_whatever_source_date_epoch_holds(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "soon")
    assert created().endswith("Z")


def test_hashes_of_a_folder_are_by_relative_path_and_of_a_file_by_name(tmp_path):
    write_text(tmp_path / "in/b.txt", "b")
    write_text(tmp_path / "a.txt", "a")
    assert list(hash_files(tmp_path)) == ["a.txt", "in/b.txt"]
    assert hash_files(tmp_path / "a.txt") == {"a.txt": sha256(tmp_path / "a.txt")}


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=5))
def test_numbers_of_a_csv_read_back_bit_for_bit(numbers):
    text = csv_text(["x"], [[np.float64(each)] for each in numbers])
    assert [float(row[0]).hex() for row in csv.reader(text.splitlines()[1:])] == [each.hex() for each in numbers]


def test_a_csv_is_utf_8_with_line_feeds_and_quotes_what_needs_it(tmp_path):
    path = write_csv(tmp_path / "a.csv", ["имя", "x"], [["а, б", 0.1], ['"q"', 3]])
    assert path.read_bytes() == 'имя,x\n"а, б",0.1\n"""q""",3\n'.encode()


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="2 cells under a header of 1"):
        csv_text(["a"], [[1, 2]])


def test_an_interrupted_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = write_text(tmp_path / "a.txt", "old")

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        write_text(path, "new")
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text(encoding="utf-8") == "old"


def test_a_place_that_cannot_be_written_is_a_usage_error(tmp_path):
    write_text(tmp_path / "file", "x")
    with pytest.raises(UsageError, match="cannot be written"):
        write_bytes(tmp_path / "file" / "below.txt", b"")


def test_a_results_folder_appears_whole(tmp_path):
    target = tmp_path / "results"
    with Outputs(target) as folder:
        write_text(folder / "manifest.json", "{}")
        assert not target.exists()
    assert [each.name for each in tmp_path.iterdir()] == ["results"]
    with Outputs(target) as folder:
        write_text(folder / "manifest.json", "{ }")
    assert [each.name for each in target.iterdir()] == ["manifest.json"]
    assert (target / "manifest.json").read_text(encoding="utf-8") == "{ }"


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_study_leaves_the_old_results_and_nothing_else(tmp_path, error):
    target = tmp_path / "results"
    write_text(target / "manifest.json", "old")

    def stop_half_way():
        with Outputs(target) as folder:
            write_text(folder / "half.csv", "1")
            raise error

    with pytest.raises(error):
        stop_half_way()
    assert [each.name for each in tmp_path.iterdir()] == ["results"]
    assert (target / "manifest.json").read_text(encoding="utf-8") == "old"


def test_a_folder_of_someone_elses_files_is_not_replaced(tmp_path):
    write_text(tmp_path / "mine/letter.txt", "dear")
    with pytest.raises(UsageError, match="not written by this program"):
        Outputs(tmp_path / "mine")
    with pytest.raises(UsageError, match="is a file"):
        Outputs(tmp_path / "mine/letter.txt")


def test_models_and_problem_are_found():
    assert (resource("sdmodels") / "parameters.toml").is_file()
    assert (resource("calibration/tatarstan") / "problem.toml").is_file()
    with pytest.raises(FileNotFoundError, match="lacks sdmodels/none"):
        resource("sdmodels/none")


def test_a_manifest_refuses_what_is_no_number(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_manifest(tmp_path, **{**GIVEN, "dt": math.nan})
