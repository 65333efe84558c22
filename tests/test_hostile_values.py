"""Every command under values that nobody should give: one clear refusal with its exit code, in both languages."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from small_models import INFLOW as MODEL

from alliance_dynamics.cli import COMMANDS, main
from alliance_dynamics.language import use_language
from alliance_dynamics.progress import use_progress

# A command line and its exit code.  `a file` is a file, `a.mdl/` a folder.
WRONG = {
    "run nofile.mdl": 3, "run empty.mdl": 3, "run bytes.mdl": 3, "run a.mdl": 3, "run m.mdl empty.toml": 3,
    "run m.mdl bytes.toml": 3, "run m.mdl a.toml": 3, "run m.mdl unknown.toml": 3, "run m.mdl comma.toml": 3,
    "run m.mdl nan.toml": 3, "run ''": 2, "run m.mdl --set k=1,5": 2, "run m.mdl --set k=1e999": 2,
    "run m.mdl --set k=nan": 2, "run m.mdl --set k": 2, "run m.mdl --set =3": 2, "run m.mdl --set k=1 --set k=2": 2,
    "run m.mdl --dt 0": 2, "run m.mdl --dt -1": 2, "run m.mdl --dt 1e-300": 2, "run m.mdl --stop 1e308": 2,
    "run m.mdl --start 20": 2, "run m.mdl --seed 99999999999999999999": 2, "run m.mdl --out .": 2,
    "run m.mdl --out=": 2, "run m.mdl --out ..": 2, "run m.mdl --out 'a file'": 2,
    "run m.mdl --out 'a file/x.csv'": 2, "run m.mdl --out /dev/full": 2, "run m.mdl --out a.mdl": 2,
    "run m.mdl --quiet=3": 2, "run m.mdl --progress": 2, "run m.mdl --lang de": 2, "run m.mdl --stpo 3": 2,
    "run m.mdl m.mdl": 3, "run m.mdl R3": 2, "run m.mdl --error --precision single": 2,
    "check nofile.mdl": 3, "check a.mdl": 3, "check --draws -1": 2, "check --draws 99999999999": 2,
    "check m.mdl --jobs 99999999": 2, "check m.mdl m.mdl": 2,
    "loops nofile.mdl": 3, "loops m.mdl --output nothing": 2, "loops m.mdl --set k=1 --set k=2": 2,
    "diagram m.mdl": 2, "diagram m.mdl --out x.gif": 2, "diagram m.mdl --kind causl --out x.svg": 2,
    "diagram bytes.mdl --out x.svg": 3, "diagram alliance --out x.mdl": 2,
    "doc m.mdl": 2, "doc nofile.mdl --out d": 3, "doc m.mdl --outt d": 2,
    "export m.mdl": 2, "export m.mdl --out x.abc": 2, "export m.mdl --format xml": 2, "export empty.mdl --format js": 3,
    "export m.mdl --out 'a file/x.js'": 2,
    "data": 2, "data shwo": 2, "data show nothing": 2, "data verify --problem nowhere": 2, "data rows": 2,
    "data show --out x.csv": 2, "data show --year 2,5": 2, "data verify --problem bad": 3,
    "schema": 2, "schema scenrio": 2, "doctor extra": 2, "doctor --jsn": 2,
    "verify": 2, "verify nofile": 3, "verify 'a file'": 3, "verify bad": 3, "verify r --files": 2,
    "report": 2, "report nofile": 3, "report r --to doc": 2, "report r --template brif": 2,
    "compare R9": 2, "compare --at 2030;2040": 2, "compare --draws 0": 2, "compare R3 --at 1900": 2,
    "compare R3 --draws 99999999": 2, "compare unknown.toml": 3, "compare R3 --out 'a file'": 2,
    "compare R3 --model m.mdl": 2,
    "calibrate nowhere": 2, "calibrate bad": 3, "calibrate --starts 0": 2, "calibrate --sbc": 2,
    "calibrate --out 'a file'": 2, "calibrate --recover -1": 2,
    "sensitivity m.mdl": 2, "sensitivity --points 3": 2, "sensitivity --max-failed 2": 2,
    "sensitivity --executor gpu": 2, "sensitivity --replicates 99999999": 2,
    "sensitivity --points 1099511627776": 2, "sensitivity --out 'a file'": 2, "sensitivity --on-fail drop": 2,
    "study nowhere": 2, "study bad": 3, "study --out 'a file'": 2, "study --policy-year nan": 2, "study --quik": 2,
    "study --policy-year 1900": 2, "study --out .": 2, "study --jobs 0": 2,
    "explore --out .": 2, "compare R3 --out 'a file/x'": 2, "compare R3 R3": 2,
    "calibrate --starts 99999999999": 2, "sensitivity --sweep 'a file'": 2,
    "explore --out 'a file/x.html'": 2, "explore --extra": 2, "explore --seed x": 2,
}  # fmt: skip


@pytest.fixture(autouse=True)
def room(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    head = '[scenario]\nid = "a"\nname = "b"\n'
    texts = {
        "m.mdl": MODEL, "empty.mdl": "", "empty.toml": "", "a file": "x", "unknown.toml": head + 'colour = "red"\n',
        "comma.toml": head + "[parameters]\nk = 1,5\n", "nan.toml": head + "[parameters]\nk = nan\n",
    }  # fmt: skip
    for name, text in texts.items():
        Path(name).write_text(text, encoding="utf-8")
    for name in ("bytes.mdl", "bytes.toml"):
        Path(name).write_bytes(bytes(range(256)) * 8)
    for name in ("a.mdl", "a.toml", "bad"):
        Path(name).mkdir()
    for name in ("problem.toml", "manifest.json"):
        Path("bad", name).write_bytes(b"\x00\xff")
    yield
    use_language("en")
    use_progress("auto")


def test_every_command_has_wrong_values():
    assert {each.partition(" ")[0] for each in WRONG} == set(COMMANDS)


@pytest.mark.parametrize("words", WRONG)
def test_a_wrong_value_is_refused_in_both_languages(capsys, words):
    before = sorted(Path().rglob("*"))
    for language in ("en", "ru"):
        as_json = ["--json"] if language == "ru" else []
        code = main(["--lang", language, *shlex.split(words), *as_json])
        out, err = capsys.readouterr()
        assert code == WRONG[words], err
        if as_json:
            found = json.loads(out)
            assert found["exit_code"] == code and found["errors"]
        else:
            assert out == ""
        lines = err.splitlines()
        assert lines and not any(each in err for each in ("Traceback", "unexpectedly", "неожиданно"))
        russian = [any("а" <= letter <= "я" for letter in each.lower()) for each in lines]
        assert all(russian) if language == "ru" else not any(russian), err
    assert sorted(Path().rglob("*")) == before
