"""Files that were made to harm: refused by name in little time and memory; nothing is opened and no code is run."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import pytest
from vensim_texts import CONTROLS, read, refusal
from xmile_texts import document

from alliance_dynamics.errors import AllianceError, ModelError
from alliance_dynamics.kernel.flatten import flatten
from alliance_dynamics.model import child
from alliance_dynamics.model.child import read_in_child
from alliance_dynamics.model.read import MOST_BYTES, decode, read_model
from alliance_dynamics.model.vensim import read_vensim_text
from alliance_dynamics.model.xmile import read_xmile
from alliance_dynamics.simulate import run_model

MODELS = Path(__file__).parents[1] / "models"


@pytest.fixture(autouse=True)
def soon():
    began = sum(os.times()[:4])
    yield
    assert sum(os.times()[:4]) - began < 30  # of processor time, with that of child processes


def refused(path: Path) -> str:
    with pytest.raises(AllianceError) as caught:
        flatten(read_model(path, cache=False))
    return str(caught.value)


def written(folder: Path, content: str | bytes, name: str = "m.xmile") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def aux(name: str, equation: str) -> str:
    return f'<aux name="{name}"><eqn>{equation}</eqn></aux>'


# ---- documents that ask for other files, or grow when they are read


@pytest.mark.parametrize(
    "declared",
    [
        '<!ENTITY a "1">'
        + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
        f'<!ENTITY a "{"1" * 50_000}">',
        '<!ENTITY a SYSTEM "file:///etc/passwd">',
        '<!ENTITY a SYSTEM "http://127.0.0.1:1/x">',
        '<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;',
    ],
    ids=["tenfold", "long", "file", "http", "parameter"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_before_anything_is_read_through_them(tmp_path, declared, encoding):
    text = document(aux("x", "&a;" * 1000))
    text = text[text.index("<xmile") :]
    whole = f'<?xml version="1.0" encoding="{encoding}"?>\n<!-- x --><!DOCTYPE x [{declared}]>{text}'
    assert "document type declaration" in refused(written(tmp_path, whole.encode(encoding)))


def test_an_inclusion_of_another_file_is_not_followed_and_said(tmp_path):
    include = '<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>'
    model = read_model(written(tmp_path, document(include + aux("x", "1"))))
    assert any("XInclude: file:///etc/passwd" in each for each in model.notices)
    assert "root:" not in str(model)


def test_modules_of_modules_have_a_limit(tmp_path):
    inner = "".join(
        f'<model name="m{i}"><variables>{aux("k", "1")}<module name="m{i + 1}"/>'
        f'<module name="b" isee:model_name="m{i + 1}"/></variables></model>'
        for i in range(18)
    )
    inner += f'<model name="m18"><variables>{aux("k", "1")}</variables></model>'
    text = document(aux("x", "1") + '<module name="m0"/>').replace("</xmile>", inner + "</xmile>")
    text = text.replace("<xmile ", '<xmile xmlns:isee="http://iseesystems.com/XMILE" ', 1)
    assert "more than 2000 modules" in refused(written(tmp_path, text))


def test_modules_that_repeat_a_large_model_have_a_limit(tmp_path, monkeypatch):
    monkeypatch.setattr("alliance_dynamics.model.xmile.MOST_VARIABLES", 5_000)  # 200,000 take seconds to count
    modules = "".join(f'<module name="m{i}" isee:model_name="large"/>' for i in range(8))
    large = "".join(aux(f"a{i}", "1") for i in range(1000))
    text = document(modules).replace("</xmile>", f'<model name="large"><variables>{large}</variables></model></xmile>')
    text = text.replace("<xmile ", '<xmile xmlns:isee="http://iseesystems.com/XMILE" ', 1)
    assert "more than 5000 variables, as far as the module `large`" in refused(written(tmp_path, text))


def test_a_stock_that_limits_a_thousand_outflows_is_refused_by_name(tmp_path):
    flows = [f"f{i}" for i in range(1000)]
    stock = "".join(f"<outflow>{each}</outflow>" for each in flows) + "<non_negative/>"
    text = f'<stock name="s"><eqn>1</eqn>{stock}</stock>'
    text += "".join(f'<flow name="{each}"><eqn>1</eqn></flow>' for each in flows)
    assert "the stock 's' has 1000 flows, too many to limit" in refused(written(tmp_path, document(text)))


def test_macros_of_macros_have_a_limit(tmp_path):
    def doubling(argument: str) -> str:
        macros = "".join(
            f'<macro name="m{i}"><parm>x</parm><eqn>{argument.format(i + 1)}</eqn></macro>' for i in range(30)
        )
        text = document(aux("a", "m0(time)")).replace("<model>", macros + "<model>", 1)
        return text.replace("<model>", '<macro name="m30"><parm>x</parm><eqn>x</eqn></macro><model>', 1)

    assert "called more than 10000 times" in refused(written(tmp_path, doubling("m{0}(x) + m{0}(x + 1)")))
    assert "has more than 1000 parts" in refused(written(tmp_path, doubling("m{0}(x + x)")))
    text = "".join(f":MACRO: m{i}(x)\nm{i} = m{i + 1}(x) + m{i + 1}(x + 1) ~~|\n:END OF MACRO:\n" for i in range(30))
    text += ":MACRO: m30(x)\nm30 = x ~~|\n:END OF MACRO:\n"
    assert "called more than 10000 times" in refusal(text + "a = m0(1) ~~|")


# ---- sizes


@pytest.mark.parametrize("name", ["m.mdl", "m.xmile"])
def test_a_file_of_100_megabytes_is_not_opened(tmp_path, name):
    path = tmp_path / name
    with path.open("wb") as file:
        file.write(b"<xmile>" if name.endswith("e") else b"{UTF-8} a = 1 ~~|")
        file.truncate(100_000_000)
    assert f"At most {MOST_BYTES} are read" in refused(path)


@pytest.mark.parametrize("piece", ["(", "-", "[", "2^", "IF 1 THEN ", "NOT ", "MAX("])
def test_an_equation_of_any_depth_is_refused(tmp_path, piece):
    deep = piece * 50_000
    assert "a" in refused(written(tmp_path, document(aux("a", deep + "1"))))
    if piece[-1] in "([-":
        text = f"a = {deep}1 ~~|\n" + CONTROLS
        assert "m.mdl:1" in refused(written(tmp_path, text, "m.mdl"))


SQUARES = {
    "sum": "E: (B1-B2000) ~~|\ny[E] = E ~~|\na[D] = SUM(y[E!] * x[D]) ~~|",
    "sort": "a[D] = VECTOR SORT ORDER(x[D], 1) ~~|",
    "rank": "a[D] = VECTOR RANK(x[D], 1) ~~|",
    "map": "a[D] = VECTOR ELM MAP(x[A1], x[D]) ~~|",
    "reorder": "a[D] = VECTOR REORDER(x[D], x[D]) ~~|",
    "priority": "a[D] = ALLOCATE BY PRIORITY(x[D], x[D], 5, 1, 50) ~~|",
    "available": "P: pt, pp, pw, pe ~~|\nprofile[D,P] = 1 ~~|\na[D] = ALLOCATE AVAILABLE(x[D], profile[D,pt], 50) ~~|",
}


@pytest.mark.parametrize("text", SQUARES.values(), ids=SQUARES)
def test_an_equation_for_each_of_2000_elements_over_all_2000_is_refused_by_its_limit(text):
    model = read("D: (A1-A2000) ~~|\nx[D] = D ~~|\n" + text)
    with pytest.raises(AllianceError) as caught:
        flatten(model)
    assert "more than 3000000 parts" in str(caught.value)


@pytest.mark.parametrize("text", SQUARES.values(), ids=SQUARES)
def test_the_same_over_60_elements_is_made(text):
    assert "a[a60]" in flatten(read("D: (A1-A60) ~~|\nx[D] = D ~~|\n" + text.replace("2000", "60"))).outputs


@pytest.mark.parametrize(
    ("range_", "said"),
    [
        ("(A1-A1000000000)", "at most 200000 elements"),
        ("(A1-A" + "9" * 5000 + ")", "is too long"),
        ("(A1-A" + "9" * 500 + ")", "D"),
        ("(A9-A1)", "D"),
        ("(A1-B5)", "D"),
    ],
)
def test_a_numeric_range_that_cannot_be_is_refused(range_, said):
    assert said in refusal(f"D: {range_} ~~|\na[D] = 1 ~~|")


def test_many_ranges_have_a_limit_in_all():
    text = "".join(f"D{i}: (A{i}x1-A{i}x100000) ~~|\n" for i in range(50))
    assert "more than 200000 elements in all, as far as `D2`" in refusal(text + "a[D1] = 1 ~~|")


# ---- files beside a model


@pytest.mark.parametrize(
    "file",
    [
        r"\\host\share\x.csv",
        "//host/share/x.csv",
        "C:x.csv",
        "%2e%2e/x.csv",
        "http://127.0.0.1/x.csv",
        "file:///etc/passwd",
        "$HOME/x.csv",
        ".",
        "",
        "folder.csv",
        "pipe.csv",
        "device.csv",
        "circle.csv",
        "x" * 900 + ".csv",
    ],
)
def test_only_a_file_in_the_folder_of_the_model_is_opened(tmp_path, file):
    (tmp_path / "folder.csv").mkdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "device.csv").symlink_to("/dev/zero")
    (tmp_path / "circle.csv").symlink_to("circle.csv")
    said = refusal(f"x = GET DIRECT CONSTANTS('{file}', ',', 'A1') ~~|", tmp_path)
    assert "no such file beside" in said or "outside the model's folder" in said


def test_sheets_that_unpack_or_reach_too_far_are_refused(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    import zipfile

    book = openpyxl.Workbook()
    book.active.title = "S"
    book.active["A1"], book.active["XFD1048576"] = 5, 1
    book.save(tmp_path / "far.xlsx")
    assert "more than 5000000 cells" in refusal("x = GET DIRECT CONSTANTS('far.xlsx', 'S', 'A1') ~~|", tmp_path)
    with (
        zipfile.ZipFile(tmp_path / "bomb.xlsx", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w") as sheet,
    ):
        for _ in range(21):
            sheet.write(b" " * 10_000_000)
    assert "unpacks to 210000000 bytes" in refusal("x = GET DIRECT CONSTANTS('bomb.xlsx', 'S', 'A1') ~~|", tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"1\n" * 5_100_000, "more than 5000000 cells"),
        (b'"' + b"1" * 200_000 + b'"\n', "rows cannot be told apart"),
        (b'"1,2\n3,4\n', "rows cannot be told apart"),
        ("1,2\n".encode("utf-16"), "not UTF-8 text"),
        ("ж,2\n".encode("cp1251"), "not UTF-8 text"),
        (b"=1+1,2\n", "no number"),
        (b'"1,5",2\n', "no number"),
        (b"1;2\n", "no number"),
        (b"\0,2\n", "no number"),
        (b"nan,2\n", "no number"),
        (b"1e999,2\n", "no number"),
    ],
)
def test_a_table_of_another_kind_gives_no_number(tmp_path, content, said):
    (tmp_path / "t.csv").write_bytes(content)
    assert said in refusal("x = GET DIRECT CONSTANTS('t.csv', ',', 'A1') ~~|", tmp_path)


# ---- texts cut off, and texts in other clothes


@pytest.mark.parametrize("part", range(5, 100, 5))
def test_a_text_that_is_cut_off_is_read_or_refused_but_never_run_with_other_values(part):
    for path in sorted(MODELS.glob("*.mdl")):
        text, _ = decode(path.read_bytes(), path.name)
        with contextlib.suppress(AllianceError):
            model = read_vensim_text(text[: len(text) * part // 100], path.name, MODELS).model
            whole = read_vensim_text(text, path.name, MODELS).model
            for name, variable in model.variables.items():
                assert variable.definitions == whole.variables[name].definitions


@pytest.mark.parametrize("part", range(5, 100, 5))
def test_a_document_that_is_cut_off_is_refused(tmp_path, part):
    text = document(aux("a", "1") + '<stock name="s"><eqn>1</eqn><inflow>f</inflow></stock>' + aux("f", "a"))
    with pytest.raises(ModelError):
        read_xmile(written(tmp_path, text[: len(text) * part // 100]))


def test_names_units_and_comments_are_text_whatever_they_hold(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = "__import__('os').system('touch made')"
    text = f'"{code}" = 1 ~ """+{code}+""" ~ ${{7*7}} $(touch made) `touch made` |\nb = "{code}" ~~|\n' + CONTROLS
    model = read_model(written(tmp_path, text, "m.mdl"), cache=False)
    assert code in {each.label for each in model.variables.values()}
    flatten(model)
    units = f'<aux name="{code}"><eqn>1</eqn><units>{code}</units><doc>${{7*7}} {{{{7*7}}}}</doc></aux>'
    flatten(read_model(written(tmp_path, document(units)), cache=False))
    assert {each.name for each in tmp_path.iterdir()} == {"m.mdl", "m.xmile"}


@pytest.mark.parametrize("encoding", ["zlib_codec", "rot13", "undefined"])
def test_an_encoding_that_is_none_of_text_is_refused(tmp_path, encoding):
    text = f"{{{encoding}}}\na = 1 ~ \u00e9 ~|\n" + CONTROLS
    assert f"the encoding `{encoding}` is not known" in refused(written(tmp_path, text, "m.mdl"))
    document_ = document(aux("a", "1")).replace('encoding="utf-8"', f'encoding="{encoding}"')
    assert encoding in refused(written(tmp_path, document_))


A_MILLION = 1_000_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a" * 5 * A_MILLION + " = 1 ~~|", "too long. At most 1000 characters"),
        ("x = 1 + " + "a b" * A_MILLION + " ~~|", "too long. At most 1000 characters"),
        ('"' + "a " * 2 * A_MILLION + '" = 1 ~~|', "too long. At most 1000 characters"),
        ("D: " + "e" * A_MILLION + ", f ~~|\na[D] = 1 ~~|", "too long. At most 1000 characters"),
        ("a[" + "D, " * 200_000 + "D] = 1 ~~|\nD: x, y ~~|", "`a` has 200001 subscripts. At most 20"),
        ("a = " + "+".join("1" * A_MILLION) + " ~~|", "At most 1000000 are read"),
        ("f(" + ",".join(["(1,1)"] * 200_000) + ") ~~|", "At most 1000000 are read"),
    ],
    ids=["name", "reference", "quoted", "element", "subscripts", "sum", "points"],
)
def test_what_no_parser_could_take_is_refused_before_one_starts(tmp_path, text, said):
    assert said in refused(written(tmp_path, text + CONTROLS, "m.mdl"))


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (aux("a" * A_MILLION, "1"), "too long. At most 1000 characters"),
        (aux("a", "b" * 2 * A_MILLION), "has 2000000 characters"),
        (aux("a", "+".join("1" * A_MILLION)), "has 1999999 characters"),
    ],
    ids=["name", "reference", "sum"],
)
def test_a_document_without_end_is_refused_in_few_words(tmp_path, variables, said):
    message = refused(written(tmp_path, document(variables)))
    assert said in message
    assert len(message) < 5_000


def test_numbers_by_the_thousand_are_no_name():
    rows = " ".join(["1.5e-3"] * 400)
    model = read(f"D: (A1-A2) ~~|\nE: (B1-B200) ~~|\na[D,E] = TABBED ARRAY({rows}) ~~|")
    assert flatten(model).defaults[0] == 0.0015


@pytest.mark.parametrize("character", ["\x1b", "\x07", "\x9b", "\x7f"])
def test_a_character_that_a_terminal_obeys_is_refused_with_its_line(tmp_path, character):
    text = f'b = 1 ~~|\n"a{character}[2J" = 1 ~~|\n' + CONTROLS
    assert f"m.mdl:2  The text holds the control character U+{ord(character):04X}" in refused(
        written(tmp_path, text, "m.mdl")
    )


def test_names_that_turn_the_direction_of_writing_are_refused_and_shown_as_numbers(tmp_path):
    for path in (
        written(tmp_path, '"a\u202egpj.exe" = 1 ~~|\n' + CONTROLS, "m.mdl"),
        written(tmp_path, document(aux("a\u202egpj.exe", "1"))),
    ):
        assert r"`a\u202egpj.exe` holds a character that cannot be seen" in refused(path)
    said = refusal('b = 1 + "a\u202eb" ~~|')
    assert "\u202e" not in said
    assert r"a\u202eb" in said


def test_names_that_differ_in_what_cannot_be_seen_are_pointed_out():
    model = read('"total cost" = 1 ~~|\n"total\u200b cost" = 2 ~~|')
    assert any("look alike" in each and "cannot be seen" in each for each in model.notices)


def test_a_run_that_would_keep_a_hundred_million_times_is_refused():
    text = "a = 1 ~~|" + CONTROLS.replace("FINAL TIME = 10", "FINAL TIME = 1e8")
    with pytest.raises(AllianceError, match="the run keeps 100000001 times of 5 series"):
        run_model(read_vensim_text(text, "m.mdl").model)


@pytest.mark.skipif(not hasattr(signal, "SIGXCPU"), reason="the system does not limit processor time")
def test_the_time_to_read_is_counted_in_seconds_of_the_processor():
    text = "a = 1" + "+1" * 100_000 + " ~~|" + CONTROLS
    with pytest.raises(ModelError, match="not read within"):
        read_in_child(text, "m.mdl", None, seconds=1 - child.SECONDS_PER_MEGABYTE * len(text) / 1e6)
