"""The script that is written, run by Node, against the compiled kernel."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from alliance_dynamics.errors import AllianceError, UsageError
from alliance_dynamics.futures import columns_of_regime
from alliance_dynamics.kernel.integrate import compile_kernel
from alliance_dynamics.kernel.javascript import write_javascript
from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.model.read import read_model
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.scenarios import read_regimes
from alliance_dynamics.settings import schedule_of
from alliance_dynamics.simulate import program_of

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed")
MODELS = sorted((Path(__file__).parents[1] / "models").glob("*.mdl"))
RUNNER = """
const model = require(process.argv[2]);
const jobs = JSON.parse(require("fs").readFileSync(process.argv[3], "utf8"));
const text = (x) => Number.isFinite(x) ? x : String(x);
process.stdout.write(JSON.stringify(jobs.map((job) => {
  const run = model.run(job);
  return {times: Array.from(run.times), values: Array.from(run.values, text), failed: run.failed};
})));
"""


def in_node(folder: Path, script: str, jobs: list[dict]) -> list[dict]:
    (folder / "model.js").write_text(script, encoding="utf-8")
    (folder / "runner.js").write_text(RUNNER, encoding="utf-8")
    (folder / "jobs.json").write_text(json.dumps(jobs), encoding="utf-8")
    command = [str(NODE), str(folder / "runner.js"), str(folder / "model.js"), str(folder / "jobs.json")]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    return json.loads(done.stdout)


def agree(found: dict, expected: np.ndarray, tolerance: float = 1e-10) -> None:
    values = np.array([float(each) for each in found["values"]]).reshape(expected.shape)
    scale = np.maximum(np.nanmax(np.abs(np.where(np.isfinite(expected), expected, np.nan)), axis=0), 1e-2)
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(np.isfinite(values), finite)
    assert np.max(np.abs(values - expected)[finite] / np.broadcast_to(scale, values.shape)[finite]) <= tolerance


@needs_node
@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_every_construct_agrees_with_the_compiled_kernel(path, tmp_path):
    model = read_model(path)
    program = program_of(model)
    row = np.array(program.defaults)
    schedule, _ = schedule_of(program, row)
    names = tuple(program.outputs)
    for method in ("euler", "rk2", "rk4"):
        expected = compile_kernel(program, names).run(row[None], schedule, method=method, seed=3)
        (found,) = in_node(tmp_path, write_javascript(program, method=method), [{"seed": 3}])
        np.testing.assert_allclose(found["times"], schedule.times, rtol=0, atol=1e-12)
        assert found["failed"] == expected.failed[0]
        agree(found, expected.values[0])


@needs_node
def test_the_alliance_agrees_over_all_regimes_and_200_draws(tmp_path):
    model = open_model("alliance")
    program, parameters = program_of(model), read_parameters()
    names = tuple(program.outputs)[::3]
    rows = []
    for regime in read_regimes():
        row = np.array(program.defaults)
        for column, value in columns_of_regime(program, model, regime, parameters).items():
            row[column] = value
        rows.append(row)
    ranged = [
        (column, card.low, card.high)
        for name, column in program.parameter_index.items()
        if (card := parameters.constants.get(name.partition("[")[0])) and card.low is not None and card.high is not None
    ]
    stream = np.random.default_rng(0)
    for _ in range(200):
        row = rows[int(stream.integers(len(rows)))].copy()
        for column, low, high in ranged:
            middle = row[column]
            row[column] = np.clip(middle + 0.2 * (high - low) * (stream.random() - 0.5), low, high)
        rows.append(row)
    schedule, _ = schedule_of(program, rows[0])
    expected = compile_kernel(program, names).run(np.array(rows), schedule, method=model.time.method)
    script = write_javascript(program, names, method=model.time.method)
    found = in_node(tmp_path, script, [{"values": row.tolist()} for row in rows])
    for one, values, failed in zip(found, expected.values, expected.failed, strict=True):
        assert one["failed"] == failed
        agree(one, values)


@needs_node
def test_runs_leave_nothing_behind_and_names_set_values(tmp_path):
    program = program_of(read_model(next(each for each in MODELS if each.stem == "delays")))
    name = next(
        each for each in program.parameters if each not in ("initial_time", "final_time", "time_step", "saveper")
    )
    value = program.defaults[program.parameter_index[name]]
    first, other, again = in_node(
        tmp_path, write_javascript(program), [{}, {"values": {name: value * 1.5 + 1}}, {"values": {name: value}}]
    )
    assert first == again
    assert first != other


def test_text_of_a_model_never_becomes_code(tmp_path):
    model = tmp_path / "odd.mdl"
    model.write_text(
        '{UTF-8}\n"</script><b>"=1~~|\n"a\'; process.exit(1); //"= INTEG("</script><b>", 0)~~|\n'
        "INITIAL TIME=0~~|\nFINAL TIME=2~~|\nTIME STEP=1~~|\nSAVEPER=1~~|\n",
        encoding="utf-8",
    )
    script = write_javascript(program_of(read_model(model)))
    assert "</script" not in script and "eval(" not in script and "new Function" not in script
    if NODE:
        (found,) = in_node(tmp_path, script, [{}])
        assert found["failed"] == -1 and 2.0 in found["values"]


def test_only_what_is_asked_for_is_written():
    program = program_of(open_model("alliance"))
    small = write_javascript(program, ["gross_regional_product[tatarstan]"], vary=["selection_power_in_policy"])
    assert len(small) < 0.8 * len(write_javascript(program))


def test_unknown_names_are_refused_with_the_nearest():
    program = program_of(open_model("alliance"))
    with pytest.raises(UsageError, match="gross_regional_product"):
        write_javascript(program, ["gross_regional_produkt[tatarstan]"])
    with pytest.raises(AllianceError, match="not a constant"):
        write_javascript(program, vary=["selection_powr"])
