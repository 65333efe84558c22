"""Models that other people wrote are read, or refused by name."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from vensim_texts import SHARED

from alliance_dynamics.errors import ModelError
from alliance_dynamics.model.read import decode
from alliance_dynamics.model.text import from_json, to_json
from alliance_dynamics.model.vensim import read_vensim_text

CORPORA = SHARED / "corpora"
LEAST_READ = 115
REFUSED = {
    "test_dynamic_final_time.mdl": "FINAL TIME depends on `time`",
    "allocate_price.mdl": "FIND MARKET PRICE is not supported",
    "invertmatrixio.mdl": "no such file beside the model",
}


@pytest.mark.skipif(not CORPORA.is_dir(), reason="the folder shared/corpora is absent")
def test_public_models_are_read_or_refused_by_name(capsys):
    read, refused, lines = 0, {}, []
    for row in csv.DictReader((CORPORA / "index.csv").read_text(encoding="utf-8").splitlines()):
        if row["format"] != "mdl":
            continue
        path = CORPORA / row["model"]
        text, _ = decode(path.read_bytes(), path.name)
        try:
            model = read_vensim_text(text, path.name, path.parent).model
        except ModelError as error:
            refused[path.name] = str(error)
            lines.append(f"refused {row['model']}: {error.faults[0]}")
            continue
        read += 1
        lines.append(f"read    {row['model']}: {len(model.variables)} variables")
        assert from_json(to_json(model)) == model
    with capsys.disabled():
        print(f"\n{read} read, {len(refused)} refused of {read + len(refused)} Vensim models")
        print("\n".join(each for each in lines if each.startswith("refused")))
    assert read >= LEAST_READ
    assert set(refused) == set(REFUSED)
    assert all(REFUSED[name] in message for name, message in refused.items())


MODELS = sorted((Path(__file__).parents[2] / "sdmodels").glob("*.mdl"))


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_our_own_models_have_the_names_that_the_scanner_finds(path):
    from alliance_dynamics.model.places import scan
    from alliance_dynamics.model.ranges import is_range

    text, notice = decode(path.read_bytes(), path.name)
    model = read_vensim_text(text, path.name, path.parent).model
    found = scan(text, path.name)
    ranges = {each.label for each in found.statements if is_range(each)}
    assert notice == ""
    assert set(found.places()) - {each.casefold() for each in ranges} >= set(model.variables) - {"saveper"}
    assert from_json(to_json(model)) == model
