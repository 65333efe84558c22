"""Loops of the alliance model: names, the command, and shares over draws."""

from __future__ import annotations

import json

import numpy as np
import pytest

from alliance_dynamics.cli import main
from alliance_dynamics.diagrams.graph import graph_of
from alliance_dynamics.errors import InputError
from alliance_dynamics.loops import read_named_loops, study_loops
from alliance_dynamics.loops.links import structure_of
from alliance_dynamics.model.built_in import open_model


@pytest.fixture(scope="module")
def alliance():
    return open_model("alliance")


def test_named_loops_go_through_variables_of_the_model(alliance):
    named = read_named_loops(known=alliance.variables)
    assert [each.id for each in named] == [*(f"R{i}" for i in range(1, 13)), *(f"B{i}" for i in range(1, 16) if i != 8)]
    assert all(each.labels["ru"] and each.labels["en"] for each in named)


LONG_WAY_BACK = {"R8", "B4", "B6", "B13"}  # return through the engine R1 or through knowledge, which they do not list


def test_every_named_loop_is_closed_in_the_equations(alliance):
    """Each loop leads from every one of its stations to all of them; all but four within the variables they list."""
    links = graph_of(alliance, signs=False).links
    for each in read_named_loops(known=alliance.variables):
        for stations in each.through:
            inside = set(each.along) | set(stations)
            effects: dict[str, set[str]] = {}
            for cause, effect in links:
                if each.id in LONG_WAY_BACK or (cause in inside and effect in inside):
                    effects.setdefault(cause, set()).add(effect)
            for start in stations:
                assert stations <= _reached(start, effects), (each.id, start)


def test_the_backlash_has_an_open_gain_that_closes_through_trust(alliance):
    """B8: power that is imposed lowers trust, and trust proposals; the power itself nothing but the regime sets."""
    effects: dict[str, set[str]] = {}
    for cause, effect in graph_of(alliance, signs=False).links:
        effects.setdefault(cause, set()).add(effect)
    assert {"alliance_trust", "relational_readiness", "proposals", "joint_r&d_results"} <= _reached(
        "imposed_power", effects
    )
    assert "imposed_power" not in _reached("alliance_trust", effects)


def _reached(start: str, effects: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for effect in effects.get(waiting.pop(), ()):
            if effect not in found:
                found.add(effect)
                waiting.append(effect)
    return found


def test_a_named_loop_through_an_unknown_variable_is_refused(tmp_path):
    path = tmp_path / "loops.toml"
    path.write_text('[X1]\nlabel_en = "a"\nlabel_ru = "б"\nthrough = [["no such"]]\nalong = ["x"]\n', encoding="utf-8")
    with pytest.raises(InputError) as found:
        read_named_loops(path, known=["x"])
    assert {each.place.line for each in found.value.faults} == {1, 5}


def test_the_return_engine_and_ageing_move_innovative_goods(alliance):
    named = read_named_loops(known=alliance.variables)
    structure = structure_of(alliance)
    row = np.array(structure.program.defaults)
    spread = np.stack([row, row])
    spread[1, structure.program.parameter_index["novelty_ageing_time"]] *= 1.5
    found = study_loops(alliance, "innovative goods volume", spread, named=named, structure=structure)
    ids = [kind.id for kind in found.kinds]
    assert {"R1", "B2"} <= set(ids)
    assert (found.share[ids.index("R1")] >= 0).all()
    assert (found.share[ids.index("B2")] <= 0).all()
    total = np.abs(found.share).sum(axis=0) + found.rest + found.of_time + found.constant
    np.testing.assert_allclose(total[:, 1:], 1.0, atol=1e-9)
    rows = found.by_period([(2010.0, 2020.0)])
    assert sum(float(str(each["leads"])) for each in rows) == pytest.approx(1.0)
    assert not np.allclose(found.share[:, 0], found.share[:, 1])


def test_the_command_writes_shares_loops_and_a_figure(tmp_path, capsys):
    path = tmp_path / "model.mdl"
    path.write_text("{UTF-8}\nrabbits = INTEG(births - deaths, 10) ~~|\nbirths = 0.2 * rabbits ~~|\n"
                    "deaths = rabbits * rabbits / 5000 ~~|\nINITIAL TIME = 0 ~~|\nFINAL TIME = 60 ~~|\n"
                    "TIME STEP = 0.25 ~~|\nSAVEPER = 1 ~~|\n", encoding="utf-8")  # fmt: skip
    assert main(["loops", str(path), "--output", "rabbits", "--out", str(tmp_path / "out"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["results"]["complete"]
    assert {each["loop"] for each in told["results"]["periods"]} == {"R1", "B1"}
    header, *lines = (tmp_path / "out" / "shares.csv").read_text(encoding="utf-8").splitlines()
    assert header.startswith("time,") and len(lines) == 61
    assert (tmp_path / "out" / "loops_en.svg").read_bytes().startswith(b"<?xml")
