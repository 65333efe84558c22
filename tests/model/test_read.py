"""The door: what a file is told by, in which encoding it is read, and what is refused before it is understood."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from vensim_texts import CONTROLS, SHARED

from alliance_dynamics.errors import ModelError
from alliance_dynamics.model import cache
from alliance_dynamics.model.child import read_in_child
from alliance_dynamics.model.read import decode, read_model
from alliance_dynamics.model.vensim import read_vensim_text

BROKEN = Path(__file__).parent / "broken"
BAD_INPUT = SHARED / "bad_input"
CYRILLIC = "Население края = INTEG(рождения, 100) ~~|\nрождения = Население края * 0.02 ~~|" + CONTROLS


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ALLIANCE_DYNAMICS_CACHE", str(tmp_path / "cache"))


def _refusal(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        read_model(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The file is empty"),
        (b" \n\t", "The file is empty"),
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"PK\x03\x04....", "a ZIP archive"),
        (b"a = 1 ~~|\n\0\0", "zero bytes, the first at line 2"),
        (b"Dear all, here is the model.", "text without an equation, and not XML"),
        (b"| | |", "no equation found"),
        (b"a = 1 ~~|", "INITIAL TIME is missing"),
        (b"{UTF-8}\na = 1 ~ \xcf\xf0\xe8 ~|", "Byte 16 (line 2) is not UTF-8"),
        (b"\xef\xbb\xbfa = \xff", "Byte 4 (line 1) is not utf-8-sig"),
    ],
)
def test_a_file_that_is_no_model_is_refused_by_what_it_is(tmp_path, content, message):
    path = tmp_path / "model.mdl"
    path.write_bytes(content)
    assert message in _refusal(path)
    assert "model.mdl" in _refusal(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    (tmp_path / "teacup.mdl").write_text("x")
    assert "Did you mean `teacup.mdl`?" in _refusal(tmp_path / "teacap.mdl")
    assert "This is a folder" in _refusal(tmp_path)
    assert "no such file" in _refusal(Path("a\0b"))


def test_xml_goes_to_the_xmile_reader_whatever_its_suffix(tmp_path):
    path = tmp_path / "page.mdl"
    path.write_text("<html><body>404</body></html>", encoding="utf-8")
    assert "html" in _refusal(path)


@pytest.mark.parametrize(
    ("content", "notice"),
    [
        (CYRILLIC.encode(), False),
        (CYRILLIC.encode("utf-8-sig"), False),
        (CYRILLIC.encode("utf-16"), False),
        (b"{UTF-8}\n" + CYRILLIC.encode(), False),
        (b"{windows-1251}\n" + CYRILLIC.encode("cp1251"), False),
        (CYRILLIC.encode("cp1251"), True),
        (CYRILLIC.replace("\n", "\r\n").encode(), False),
    ],
)
def test_names_are_the_same_in_every_encoding(content, notice):
    text, told = decode(content, "m.mdl")
    model = read_vensim_text(text, "m.mdl").model
    assert list(model.variables)[:2] == ["население_края", "рождения"]
    assert ("cp1251" in told) == notice


def test_a_path_with_blanks_and_cyrillic_letters_works(tmp_path):
    path = tmp_path / "Новая папка" / "мой model.txt"
    path.parent.mkdir()
    path.write_text(CYRILLIC, encoding="utf-8")
    assert read_model(path).name == "мой model"


def test_the_child_process_gives_the_same_model_and_the_same_faults(tmp_path):
    text = "x = 2 * y ~ m ~ doc|\ny = 3 ~~|" + CONTROLS
    assert read_in_child(text, "m.mdl", tmp_path) == read_vensim_text(text, "m.mdl", tmp_path)
    broken = "x = FROB(2) ~~|\nz = q ~~|" + CONTROLS
    with pytest.raises(ModelError) as inside:
        read_vensim_text(broken, "m.mdl")
    with pytest.raises(ModelError) as outside:
        read_in_child(broken, "m.mdl", None)
    assert outside.value.faults == inside.value.faults


def test_a_read_that_takes_too_long_is_stopped(monkeypatch):
    monkeypatch.setattr("alliance_dynamics.model.child.PATIENCE", 0.0)  # no machine is too quick for it
    with pytest.raises(ModelError, match=r"was not read within 0 s"):
        read_in_child("x = 1 ~~|" + CONTROLS, "m.mdl", None, seconds=0.01)


def test_reading_a_kept_model_imports_no_pysd(tmp_path):
    path = tmp_path / "m.mdl"
    path.write_text("x = 1 ~~|" + CONTROLS, encoding="utf-8")
    program = (
        "import sys; from alliance_dynamics.model.read import read_model; "
        f"read_model({str(path)!r}); read_model({str(path)!r}); print('pysd' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "False"


def test_a_kept_model_is_the_model_and_follows_its_files(tmp_path):
    (tmp_path / "n.csv").write_text("7\n", encoding="utf-8")
    path = tmp_path / "m.mdl"
    path.write_text("x = GET DIRECT CONSTANTS('n.csv', ',', 'A1') ~~|" + CONTROLS, encoding="utf-8")
    first = read_model(path)
    assert read_model(path) == first == read_model(path, cache=False)
    (tmp_path / "n.csv").write_text("8\n", encoding="utf-8")
    assert read_model(path) != first


def test_a_broken_or_impossible_cache_is_no_error(tmp_path, monkeypatch):
    path = tmp_path / "m.mdl"
    path.write_text("x = 1 ~~|" + CONTROLS, encoding="utf-8")
    first = read_model(path)
    (entry,) = cache.cache_folder().iterdir()
    for content in ("", "{", '{"files": {}, "model": {"format": 99}}', json.dumps({"files": [], "model": None})):
        entry.write_text(content, encoding="utf-8")
        assert read_model(path) == first
    file = tmp_path / "no folder"
    file.write_text("")
    monkeypatch.setenv("ALLIANCE_DYNAMICS_CACHE", str(file))
    assert read_model(path) == first


@pytest.mark.parametrize("path", sorted(BROKEN.glob("*.mdl")), ids=lambda path: path.stem)
def test_our_own_broken_files_are_refused_as_their_first_line_says(path):
    wanted = path.read_text(encoding="utf-8").splitlines()[0].strip("{} ")
    text = _refusal(path)
    assert all(each.strip() in text for each in wanted.split(";")), text


WANTED = {
    "D01_mdl_empty": "empty",
    "D02_mdl_no_control": "TIME STEP is missing",
    "D04_mdl_no_tilde": None,
    "D05_mdl_unknown_fn": "`FROB` in `a`",
    "D07_mdl_circular": "a (line 2) -> b (line 5) -> a (line 2)",
    "D08_mdl_dup": "`k` is defined twice: here and at line 8",
    "D10_mdl_cyrillic": None,
    "D11_mdl_lookup_unsorted": "`tab` is not sorted",
    "D13_mdl_step_expr": "TIME STEP is 0",
    "D14_mdl_nonconst_final": "FINAL TIME depends on `S`",
    "D16_mdl_sub_undefined": "`Nope`",
    "D17_mdl_sub_shape": "`a` expects 3",
    "D19_mdl_ext_traversal": "outside the model's folder",
    "D20_mdl_ext_abs": "outside the model's folder",
    "D22_mdl_macro_recursive": "calls itself",
    "D23_mdl_binary_vmf": "Not a Vensim text model",
    "D25_xmile_is_mdl": None,
    "D26_path_is_dir": "empty",
    "E02_doc_mdl": None,
    "E09_data_name": "no equation",
    "E11_doc_backslash": None,
    "E12_view_traversal": None,
    "E14_doc_mdl_oneline": None,
    "E17_ext_tab_quote": "nope.xlsx",
}


@pytest.mark.skipif(not BAD_INPUT.is_dir(), reason="the folder shared/bad_input is absent")
@pytest.mark.parametrize("name", WANTED)
def test_every_bad_input_has_its_outcome_and_runs_no_code(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = csv.DictReader((BAD_INPUT / "models.csv").read_text(encoding="utf-8").splitlines())
    path = BAD_INPUT / "models" / next(row["file"] for row in rows if row["id"] == name)
    if WANTED[name] is None:
        read_model(path)
    else:
        assert WANTED[name] in _refusal(path)
    assert not list(tmp_path.glob("code-was-run*"))
    assert not list(path.parent.glob("code-was-run*"))


@pytest.mark.skipif(not BAD_INPUT.is_dir(), reason="the folder shared/bad_input is absent")
def test_every_vensim_row_of_the_bad_inputs_is_tested():
    rows = csv.DictReader((BAD_INPUT / "models.csv").read_text(encoding="utf-8").splitlines())
    assert {row["id"] for row in rows if row["file"].endswith(".mdl") or row["id"] == "D25_xmile_is_mdl"} == set(WANTED)
