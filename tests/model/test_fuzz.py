"""Damaged model files, made by a seeded mutator: read or refused with a message, never a crash."""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path

import pytest
from vensim_texts import CONTROLS, refusal
from xmile_texts import document

from alliance_dynamics.errors import AllianceError
from alliance_dynamics.export.write_xmile import write_xmile
from alliance_dynamics.kernel.flatten import flatten
from alliance_dynamics.model.read import decode
from alliance_dynamics.model.vensim import read_vensim_text
from alliance_dynamics.model.xmile import read_xmile

FOLDER = Path(__file__).parents[1] / "models"
VENSIM = [each.read_bytes() for each in sorted(FOLDER.glob("*.mdl"))]
PIECES = (
    b"( ) [ ] { } ~ | : ! = , ; -> <-> :EXCEPT: :MACRO: \" ' \\ 1e400 - ^ * INTEG( SUM( \x00 \xff \xc2\xa0 & < >"
    b" nan inf 0 -1 :NA: :AND: :RAW: WITH_LOOKUP( @1 # 99999999999999999999 A_FUNCTION_OF( TABBED_ARRAY( SELF // IF"
).split(b" ")


def damaged(content: bytes, random_: random.Random) -> bytes:
    """The bytes after one to four edits: pieces put in, cut out, doubled, numbers replaced, the end cut off."""
    for _ in range(random_.choice((1, 1, 2, 4))):
        at = random_.randrange(len(content) + 1)
        length = random_.choice((1, 2, 5, 40))
        numbers = list(re.finditer(rb"\d+(\.\d+)?", content))
        match random_.randrange(5):
            case 0:
                content = content[:at] + random_.choice(PIECES) + content[at:]
            case 1:
                content = content[:at] + content[at + length :]
            case 2:
                content = content[:at] + content[at : at + length] + content[at:]
            case 3 if numbers:
                found = random_.choice(numbers)
                number = random_.choice((b"0", b"-1", b"1e308", b"99999999999", b"nan", b"1,5", b""))
                content = content[: found.start()] + number + content[found.end() :]
            case _ if random_.random() < 0.2:
                content = content[:at]
    return content


@pytest.mark.parametrize("seed", range(6))
def test_damaged_vensim_texts_are_read_or_refused(seed):
    random_ = random.Random(seed)
    outcomes: Counter[str] = Counter()
    for _ in range(40):
        content = damaged(random_.choice(VENSIM), random_)
        try:
            text, _ = decode(content, "m.mdl")
            flatten(read_vensim_text(text, "m.mdl", FOLDER).model)
            outcomes["read"] += 1
        except AllianceError as error:
            outcomes["refused" if str(error) else "without a word"] += 1
    assert set(outcomes) == {"read", "refused"}, seed
    assert min(outcomes.values()) > 3


@pytest.mark.parametrize("seed", range(4))
def test_damaged_xmile_documents_are_read_or_refused(seed, tmp_path):
    random_ = random.Random(seed)
    names = ("stocks", "lookups", "arrays", "delays", "logic")
    documents = [
        write_xmile(read_vensim_text((FOLDER / f"{each}.mdl").read_text(encoding="utf-8"), f"{each}.mdl").model)
        for each in names
    ]
    path = tmp_path / "m.xmile"
    outcomes: Counter[str] = Counter()
    for _ in range(40):
        text = random_.choice(documents).encode()
        spots = [each for each in re.finditer(rb">[^<>]+<|=\"[^\"]*\"", text) if each.group().strip(b'><="\n ')]
        spot = random_.choice(spots)
        inside = damaged(spot.group()[1:-1], random_).replace(b"<", b"").replace(b"&", b"")
        path.write_bytes(text[: spot.start() + 1] + inside + text[spot.end() - 1 :])
        try:
            flatten(read_xmile(path))
            outcomes["read"] += 1
        except AllianceError as error:
            outcomes["refused" if str(error) else "without a word"] += 1
    assert set(outcomes) == {"read", "refused"}, seed
    assert min(outcomes.values()) > 3


def test_a_table_with_faults_is_said_once_and_not_looked_up(tmp_path):
    path = tmp_path / "m.xmile"
    curve = "<gf><xpts>0,5,3</xpts><ypts>0,1,2</ypts></gf>"
    path.write_text(document(f'<aux name="t">{curve}</aux><aux name="y"><eqn>LOOKUP(t, TIME)</eqn></aux>'), "utf-8")
    with pytest.raises(AllianceError, match=r"not sorted, at 3\.0") as error:
        read_xmile(path)
    assert "y" not in [each.values.get("label") for each in error.value.faults]


def test_an_order_that_would_take_for_ever_is_refused_at_once():
    for order in ("99999999999", "1e300"):
        model = read_vensim_text(f"x = Time ~~|\ny = DELAY N(x, 5, 0, {order}) ~~|" + CONTROLS).model
        with pytest.raises(AllianceError, match="a delay of order 1e"):
            flatten(model)


def test_a_macro_that_calls_itself_is_one_fault():
    text = ":MACRO: M(x)\nM = M(x) + 1 ~~|\n:END OF MACRO:\na = M(1) ~~|"
    assert refusal(text).count("\n") == 0
    assert "calls itself" in refusal(text)


def test_a_step_of_zero_is_one_fault_where_the_saving_interval_follows_it():
    with pytest.raises(AllianceError) as error:
        read_vensim_text("a = 1 ~~|" + CONTROLS.replace("STEP = 1", "STEP = 0").replace("PER = 1", "PER = TIME STEP"))
    assert [each.values["name"] for each in error.value.faults] == ["TIME STEP"]
