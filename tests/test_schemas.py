"""A schema and the reader of the same file agree on what is right and on what is wrong."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from alliance_dynamics.cli import main
from alliance_dynamics.errors import InputError
from alliance_dynamics.manifest import write_manifest
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.resources import resource
from alliance_dynamics.scenarios import read_scenario
from alliance_dynamics.schemas import KINDS, schema_of

BROKEN = Path(__file__).parent / "broken"
READER_ONLY = (  # what needs another file, or compares two values
    "parent_missing", "policy_year_after_stop", "event_out_of_range", "shares_above_one", "steps_across_the_grid",
)  # fmt: skip
REGIMES = sorted(resource("sdmodels/regimes").glob("*.toml"))
VARIANTS = sorted(resource("sdmodels/regimes/variants").glob("*.toml"))
HEAD = 'schema = 1\n[scenario]\nid = "x"\ntitle.en = "X"\ntitle.ru = "Икс"\n'


def faults(kind: str, path: Path) -> list:
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    return list(Draft202012Validator(schema_of(kind)).iter_errors(data))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_schema_is_one(kind, language):
    Draft202012Validator.check_schema(schema_of(kind, language))


@pytest.mark.parametrize("path", [*REGIMES, *VARIANTS], ids=lambda path: path.stem)
def test_every_shipped_regime_and_variant_is_valid(path):
    assert not faults("regime" if path in REGIMES else "scenario", path)


@pytest.mark.parametrize("path", sorted(BROKEN.glob("*.toml")), ids=lambda path: path.stem)
def test_what_the_reader_refuses_the_schema_refuses_too(path):
    assert bool(faults("scenario", path)) != (path.stem in READER_ONLY)


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        ("[levers]\nselection_power = 0.3\n", True),
        ("[run]\nstart = 2000\ndt = 0.25\nmethod = 'rk4'\n[parameters]\nk = 1\nf = [[0, 1], [1, 2]]\n", True),
        ("[output]\npath = 'a.csv'\n[time]\nstart_policy = 2030.125\nstop = 2040\n", True),
        ("[levers]\nselection_power = 7\n", False),
        ("[levers]\nselection_power = '0.3'\n", False),
        ("[levers.selection_power]\npoints = [[2026, 0.2], [2030, 0.5]]\n", False),
        ("[levers.selection_power]\npoints = [{year = 2026, value = 0.2}]\n", True),
        ("[levers.selection_power]\nvalue = 0.2\nstart = 2027.5\nramp_years = 2.125\n", True),
        ("[levers.selection_power]\nstart = 2027\n", False),
        ("[levers.selection_power]\nvalue = 0.2\nramp_years = 0.2\n", False),
        ("[[events]]\nid = 'a'\nkind = 'step'\ntarget = 'selection_power'\nyear = 2030\nfactor = 0\n", True),
        ("[[events]]\nid = 'a'\nkind = 'ramp'\ntarget = 'selection_power'\nyear = 2030\nfactor = 0\n", False),
        ("[[expect]]\nvariable = 'k'\nbetween = [0, 1]\n[draws]\nn = 5\nseed = 0\n", True),
        ("[[expect]]\nvariable = 'k'\n", False),
        ("[outputs]\nkpis = ['patents_granted']\nmilestones = [2030]\n[time]\nramp_years = 2\n", True),
        ("[[events]]\nyear = 2030\n", False),
        ("[run]\nmethod = 'verlet'\n", False),
        ("[run]\ndt = 0\n", False),
        ("[time]\nstart_policy = 2030.1\n", False),
        ("[lever]\nselection_power = 0.3\n", False),
    ],
)
def test_schema_and_reader_judge_alike(tmp_path, text, sound):
    path = tmp_path / "x.toml"
    path.write_text(HEAD + text, encoding="utf-8")
    assert (not faults("scenario", path)) == sound
    if sound:
        read_scenario(path)
    else:
        with pytest.raises(InputError):
            read_scenario(path)


def test_every_key_of_the_scenario_schema_is_known_to_the_reader(tmp_path):
    """A key with a value of a wrong type is refused for its value, not as unknown."""
    schema, parameters = schema_of("scenario")["properties"], read_parameters()
    for section in ("time", "run", "levers", "assumptions", "output"):
        for key in schema[section]["properties"]:
            path = tmp_path / "x.toml"
            path.write_text(f"{HEAD}[{section}]\n{json.dumps(key)} = true\n", encoding="utf-8")
            with pytest.raises(InputError) as caught:
                read_scenario(path, parameters)
            assert "not known" not in str(caught.value), key


def test_the_problem_of_tatarstan_is_valid_and_an_unknown_key_is_not(tmp_path):
    path = resource("calibration/tatarstan") / "problem.toml"
    assert not faults("problem", path)
    wrong = tmp_path / "problem.toml"
    wrong.write_text("seed = 1\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert faults("problem", wrong)


def test_a_manifest_that_is_written_is_valid(tmp_path):
    (tmp_path / "a.csv").write_text("1\n", encoding="utf-8")
    path = write_manifest(tmp_path, seed=0, dt=0.125, method="rk4", backend="llvm", draws=1, wall_s=1.0,
                          model={"id": "m"}, inputs={"data": {"a": "0" * 64}}, command=["study"])  # fmt: skip
    found = json.loads(path.read_text(encoding="utf-8"))
    validator = Draft202012Validator(schema_of("manifest"))
    assert validator.is_valid(found)
    assert not validator.is_valid({**found, "seed": -1})


def test_the_command_prints_the_schema_and_labels_levers_in_russian(capsys):
    assert main(["--lang", "ru", "schema", "regime"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == schema_of("regime", "ru")
    assert main(["--lang", "en", "schema", "regim"]) == 2
