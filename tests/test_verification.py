"""A results folder against its manifest and against a second run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from alliance_dynamics.cli import main
from alliance_dynamics.errors import InputError, ProvenanceError
from alliance_dynamics.files import write_csv, write_text
from alliance_dynamics.manifest import outputs_of
from alliance_dynamics.verification import compare_results, read_manifest, refuse_altered, refuse_other_sources


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    write_csv(folder / "sub" / "table.csv", ["year", "value"], [[2030, 1.0], [2040, 2.0]])
    write_text(folder / "summary.json", json.dumps({"objective": 1.5, "names": ["a"]}))
    write_text(folder / "report_en.html", "<p>1</p>")
    manifest = {"command": ["alliance", "study"], "model": {}, "inputs": {}, "outputs": outputs_of(folder)}
    write_text(folder / "manifest.json", json.dumps(manifest))
    return folder


def copied(results: Path) -> Path:
    return Path(shutil.copytree(results, results.with_name("again")))


def test_a_folder_as_it_was_written_is_accepted(results):
    refuse_altered(results, read_manifest(results))


def test_every_missing_altered_and_foreign_file_is_named(results):
    (results / "summary.json").write_text("{}")
    (results / "sub" / "table.csv").unlink()
    (results / "note.txt").write_text("mine")
    with pytest.raises(ProvenanceError) as caught:
        refuse_altered(results, read_manifest(results))
    text = str(caught.value)
    assert "summary.json  the file was altered" in text
    assert "table.csv  the file is missing" in text
    assert "note.txt  the file is not in the manifest" in text


@pytest.mark.parametrize("content", ["", "[", "[]", "{}", '{"command": 1}', "\x00", "[" * 100_000])
def test_a_broken_manifest_is_one_clear_fault(results, content):
    (results / "manifest.json").write_text(content)
    with pytest.raises(InputError, match=r"manifest\.json"):
        read_manifest(results)


def test_equal_folders_are_identical(results):
    found = compare_results(results, copied(results))
    assert (found.verdict, found.files, found.differences) == ("identical", 3, ())


def test_last_digits_are_within_tolerance_and_named(results):
    again = copied(results)
    write_csv(again / "sub" / "table.csv", ["year", "value"], [[2030, 1.0], [2040, 2.0 + 1e-15 * 2]])
    write_text(again / "report_en.html", "<p>drawn from the table</p>")
    found = compare_results(results, again)
    assert found.verdict == "within tolerance"
    (difference,) = found.differences
    assert (difference.file, difference.line, difference.column) == ("sub/table.csv", 3, "value")


@pytest.mark.parametrize(
    ("name", "content", "column"),
    [
        ("sub/table.csv", "year,value\n2030,1.0\n2040,2.1\n", "value"),
        ("sub/table.csv", "year,value\n2030,1.0\n", ""),
        ("summary.json", '{"objective": 1.6, "names": ["a"]}', "objective"),
        ("summary.json", '{"objective": 1.5, "names": ["b"]}', "names[0]"),
        ("report_en.html", "<p>2</p>", ""),
    ],
)
def test_the_first_difference_is_told(results, name, content, column):
    again = copied(results)
    write_text(again / name, content)
    found = compare_results(results, again)
    assert found.verdict == "different"
    assert (found.differences[0].file, found.differences[0].column) == (name, column)


def test_other_inputs_are_named_before_results_are_compared(results):
    stored = {"model": {"model_sha256": "a"}, "inputs": {"data": {"x.tsv": "1"}}}
    again = {"model": {"model_sha256": "a"}, "inputs": {"data": {"x.tsv": "2"}}}
    with pytest.raises(ProvenanceError, match=r"`inputs\.data\.x\.tsv` is another one here"):
        refuse_other_sources(results, stored, again)


def test_only_our_own_commands_are_repeated(results, capsys):
    manifest = json.loads((results / "manifest.json").read_text())
    for command in (["alliance", "verify", "."], ["rm", "-rf", "."], ["alliance"], ["alliance", "study", "--shell"]):
        write_text(results / "manifest.json", json.dumps(manifest | {"command": command}))
        assert main(["verify", str(results)]) == 3
    assert "cannot be repeated" in capsys.readouterr().err


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_hashes_alone_can_be_checked(results, capsys, lang):
    assert main(["verify", str(results), "--files-only", "--lang", lang]) == 0
    assert "3" in capsys.readouterr().out


def test_a_small_sensitivity_run_verifies(tmp_path, monkeypatch, capsys, reply):
    """The first run keeps its quick calibration, the second uses it, and what verifies the second computes anew."""
    monkeypatch.setattr("alliance_dynamics.study.remembered.cache_folder", lambda: tmp_path / "cache")
    first, target = tmp_path / "first", tmp_path / "s"
    words = ["sensitivity", "--points", "2", "--replicates", "2", "--seed", "0", "--progress", "plain"]
    assert main([*words, "--out", str(first)]) == 0
    assert "Calibrating: done before" not in capsys.readouterr().err
    assert main([*words, "--out", str(target), "--json"]) == 0
    found = capsys.readouterr()
    assert "Calibrating: done before" in found.err
    assert reply(found.out)["manifest"] == str(target / "manifest.json")
    assert json.loads((target / "manifest.json").read_text(encoding="utf-8"))["wall_s"] > 0
    for each in target.glob("*.csv"):
        assert each.read_bytes() == (first / each.name).read_bytes()
    (kept,) = (tmp_path / "cache" / "calibrations").glob("*.npz")
    kept.write_bytes(b"damaged")
    assert main(["verify", str(target), "--json"]) == 0
    assert reply(capsys.readouterr().out)["results"]["verdict"] == "identical"
    assert kept.read_bytes() != b"damaged"
