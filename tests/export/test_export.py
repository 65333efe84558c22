"""Models written as files: read back they are the same, and other engines run them to the same numbers."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from alliance_dynamics import cli
from alliance_dynamics.errors import AllianceError, UnsupportedError
from alliance_dynamics.export.write_vensim import write_vensim
from alliance_dynamics.export.write_xmile import write_xmile
from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.model.model import Model
from alliance_dynamics.model.names import canonical
from alliance_dynamics.model.read import decode, read_model
from alliance_dynamics.model.vensim import read_vensim_text
from alliance_dynamics.model.xmile import read_xmile
from alliance_dynamics.simulate import Run, program_of, run_model

FOLDER = Path(__file__).parent.parent / "models"
CORPORA = Path(__file__).parents[2].parent / "shared" / "corpora"
NAMES = sorted(each.stem for each in FOLDER.glob("*.mdl"))
BUILT_IN = ("regional_innovation", "industrial_innovation", "coordination", "alliance")
NOT_IN_VENSIM_TEXT = {"data"}  # data beside the model, between whose times another variable asks
CHANGED = {"direct", "data"}  # tables from sheets become points in the text
NOT_IN_XMILE = {
    "old_forms",
    "allocation",
    "matrices",
    "data",
    "inputs",
    "lookup_functions",
    "memory",
    "random",
    "vector_map",
    "vectors",
}


@cache
def model_of(name: str) -> Model:
    if name in BUILT_IN:
        return open_model(name)
    path = FOLDER / f"{name}.mdl"
    return read_vensim_text(path.read_text(encoding="utf-8"), path.name, FOLDER).model


def from_xmile(text: str, folder: Path) -> Model:
    path = folder / "written.xmile"
    path.write_text(text, encoding="utf-8")
    return read_xmile(path)


def same_bits(ours: Run, theirs: Run) -> None:
    first, second = numbers(ours), numbers(theirs)
    missing = first.keys() - second.keys()
    assert not missing
    for label, values in first.items():
        np.testing.assert_array_equal(second[label], values, err_msg=label)


def numbers(run: Run) -> dict[str, np.ndarray]:
    return {plain(label): run.values[:, index] for index, label in enumerate(run.columns)}


def plain(label: str) -> str:
    return str(label).replace('"', "").replace("_", " ").replace(", ", ",").casefold()


@pytest.mark.parametrize("name", [*BUILT_IN, *(each for each in NAMES if each not in CHANGED)])
def test_a_model_written_as_vensim_text_is_the_same_model(name):
    again = read_vensim_text(write_vensim(model_of(name)), "again.mdl").model
    assert again.hash == model_of(name).hash


def test_tables_from_sheets_become_points_with_the_same_numbers():
    again = read_vensim_text(write_vensim(model_of("direct")), "again.mdl").model
    same_bits(run_model(model_of("direct"), backend="numpy"), run_model(again, backend="numpy"))


@pytest.mark.parametrize("name", [*BUILT_IN, *(each for each in NAMES if each not in NOT_IN_XMILE)])
def test_a_model_written_as_xmile_gives_the_same_bits(name, tmp_path):
    again = from_xmile(write_xmile(model_of(name)), tmp_path)
    assert again.time.method == model_of(name).time.method
    same_bits(run_model(model_of(name), backend="numpy"), run_model(again, backend="numpy"))


@pytest.mark.parametrize("name", sorted(NOT_IN_XMILE))
def test_what_xmile_cannot_say_is_refused_by_name(name):
    with pytest.raises(UnsupportedError, match=r"\.mdl:\d+  `.+XMILE"):
        write_xmile(model_of(name))


@pytest.mark.parametrize("suffix", ["mdl", "xmile"])
def test_the_composed_model_runs_in_simlin_as_here(suffix, tmp_path):
    simlin = pytest.importorskip("simlin")
    path = tmp_path / f"alliance.{suffix}"
    assert cli.main(["export", "alliance", "--out", str(path), "-q"]) == 0
    frame = simlin.load(str(path)).run(analyze_loops=False).results
    theirs = {plain(label): frame[label].to_numpy(float) for label in frame.columns}
    ours = numbers(run_model(open_model("alliance")))
    shared = theirs.keys() & ours.keys()
    assert len(shared) > 0.99 * len(ours)
    for label in shared:
        np.testing.assert_allclose(theirs[label], ours[label], rtol=1e-9, atol=1e-10, err_msg=label)


def test_the_composed_model_as_vensim_text_runs_in_pysd_as_here(tmp_path):
    path = tmp_path / "alliance.mdl"
    path.write_text(write_vensim(open_model("alliance")), encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pysd

        frame = pysd.read_vensim(path).run(time_step=0.5, saveper=1, final_time=2020)
    ours = numbers(run_model(open_model("alliance"), method="euler", dt=0.5, stop=2020))
    assert len(frame.columns) > 0.99 * len(ours)
    for label in frame.columns:
        values = frame[label].to_numpy(float)
        np.testing.assert_allclose(values, ours[plain(label)], rtol=1e-9, atol=1e-10, err_msg=str(label))


@pytest.mark.skipif(not CORPORA.is_dir(), reason="the corpora are not beside the repository")
@pytest.mark.parametrize("pattern", ["*.mdl", "*.xmile", "*.stmx"])
@pytest.mark.parametrize("every", [9, pytest.param(1, marks=pytest.mark.slow)])
def test_models_of_other_people_keep_names_and_numbers_through_both_formats(pattern, every, tmp_path):
    tried = 0
    for path in sorted(CORPORA.rglob(pattern))[::every]:
        try:
            model = in_this_process(path)
            ours = run_model(model, backend="numpy")
        except AllianceError:  # what is not read is held by the conformance tests
            continue
        for write, read in ((write_vensim, from_vensim), (write_xmile, from_xmile)):
            try:
                text = write(model)
            except UnsupportedError:
                continue
            again = read(text, tmp_path)
            named = {name for name, each in model.variables.items() if canonical(each.label) == name}
            assert named <= set(again.variables), path  # those inside of macros get names by their labels
            theirs = run_model(again, backend="numpy")
            first, second = (
                dict(zip(program_of(each.model).outputs, each.values.T, strict=True)) for each in (ours, theirs)
            )
            assert not [key for key in first if key.partition("[")[0] in named and key not in second], path
            for key in first.keys() & second.keys():  # MODULO is another formula in XMILE
                np.testing.assert_allclose(second[key], first[key], rtol=1e-12, atol=1e-14, err_msg=f"{path} {key}")
            tried += 1
    assert tried >= 5


def in_this_process(path: Path) -> Model:
    """As `read_model`, without the process of its own that a Vensim file gets."""
    if path.suffix != ".mdl":
        return read_model(path)
    text, _ = decode(path.read_bytes(), path.name)
    return read_vensim_text(text, path.name, path.parent.resolve()).model


def from_vensim(text: str, folder: Path) -> Model:
    return read_vensim_text(text, "written.mdl", folder).model


NAMED = """{{UTF-8}}
"{name}"= 3
	~	{unit}
	~	{note}
	|
twice = 2*"{name}" ~~|
INITIAL TIME = 0 ~~|
FINAL TIME = 1 ~~|
TIME STEP = 1 ~~|
SAVEPER = TIME STEP ~~|
"""


@pytest.mark.parametrize("name", ['a \\"quoted\\" word', "<b>&amp;", "a.b", "1st", "min", "and", "цена, руб.", "R&D's"])
def test_odd_names_come_back(name, tmp_path):
    model = read_vensim_text(NAMED.format(name=name, unit="руб./<год>", note="]]> & ~ done"), "m.mdl").model
    assert read_vensim_text(write_vensim(model), "again.mdl").model.hash == model.hash
    again = from_xmile(write_xmile(model), tmp_path)
    same_bits(run_model(model), run_model(again))


@pytest.mark.parametrize("method", ["euler", "rk2", "rk4"])
def test_the_method_is_kept(method, tmp_path):
    from dataclasses import replace

    model = model_of("stocks")
    model = replace(model, time=replace(model.time, method=method))
    assert read_vensim_text(write_vensim(model), "again.mdl").model.time.method == method
    assert from_xmile(write_xmile(model), tmp_path).time.method == method


def test_a_non_negative_stock_is_no_vensim_text_and_the_format_is_asked_for(tmp_path, capsys):
    path = tmp_path / "tank.xmile"
    path.write_text(TANK, encoding="utf-8")
    with pytest.raises(UnsupportedError, match=r"tank.xmile:\d+  `tank` is a stock that stays at or above 0"):
        write_vensim(read_xmile(path))
    same_bits(run_model(read_xmile(path)), run_model(from_xmile(write_xmile(read_xmile(path)), tmp_path)))
    assert cli.main(["export", str(path), "--out", str(tmp_path / "tank.pdf")]) == 2
    assert "--format" in capsys.readouterr().err
    assert cli.main(["export", str(path), "--format", "xmile"]) == 0
    assert capsys.readouterr().out.startswith("<?xml")
    assert cli.main(["export", str(path), "--out", str(tmp_path), "--format", "xmile"]) == 2
    assert "This is a folder, not a file" in capsys.readouterr().err


TANK = """<?xml version="1.0"?>
<xmile version="1.0" xmlns="http://docs.oasis-open.org/xmile/ns/XMILE/v1.0">
<header><vendor>x</vendor><product version="1">x</product></header>
<sim_specs><start>0</start><stop>9</stop><dt>1</dt></sim_specs>
<model><variables>
<stock name="tank"><eqn>5</eqn><outflow>drain</outflow><non_negative/></stock>
<flow name="drain"><eqn>2</eqn></flow>
</variables></model></xmile>
"""


def test_a_written_vensim_text_has_a_sketch_with_every_variable():
    """Vensim opens the file with a picture: each variable stands on a view, and the text reads back as the model."""
    model = open_model("alliance")
    equations, _, sketch = write_vensim(model).partition("\\\\\\---/// Sketch information")
    assert equations and sketch.count("\n*") >= 3
    shown = {canonical(line.split(",")[2]) for line in sketch.splitlines() if line.startswith("10,")}
    controls = {"initial_time", "final_time", "time_step", "saveper"}
    assert set(model.variables) - controls <= shown
