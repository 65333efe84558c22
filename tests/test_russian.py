"""Russian messages: every text that the code can show has a Russian one with the same gaps."""

from __future__ import annotations

import ast
import io
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import alliance_dynamics
from alliance_dynamics.commands.russian import RUSSIAN
from alliance_dynamics.errors import InputError, Place, UsageError, fault, suggestion
from alliance_dynamics.language import translate, use_language
from alliance_dynamics.progress import progress
from alliance_dynamics.russian import _tables, russian, russian_word

ROOT = Path(alliance_dynamics.__file__).parent
TAKES = ("what", "expected", "remedy", "template", "why")  # parameters that take a template
GAP = re.compile(r"(?<!\{)\{(\w+)[^{}]*\}(?!\})")
LETTERS = re.compile(r"[A-Za-z]{3}")


@pytest.fixture
def in_russian():
    use_language("ru")
    yield
    use_language("en")


def trees() -> dict[str, ast.Module]:
    files = [path for path in sorted(ROOT.rglob("*.py"), key=of_the_command_line) if path.stem != "russian"]
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in files}


def of_the_command_line(path: Path) -> bool:
    """These come last, as they have a table of their own, which no other room reads."""
    return path.stem == "cli" or path.parent.name == "commands"


def test_every_template_of_a_fault_has_a_russian_text():
    modules = trees()
    found = templates(modules)
    assert len(found) > 700
    missing = [
        f"{module}: {text!r}"
        for text, module in found.items()
        if not (covered(text) or (text in RUSSIAN and of_the_command_line(Path(module))))
    ]
    assert missing == [], "\n".join(missing)


def test_every_sentence_of_a_notice_has_a_russian_one():
    found = notices(trees())
    assert len(found) > 15
    missing = [f"{module}: {text!r}" for text, module in found.items() if not (text in RUSSIAN or russian(text))]
    assert missing == [], "\n".join(missing)


def test_every_russian_text_has_the_gaps_of_the_english_one():
    tables = _tables()
    for name in ("texts", "beginnings", "endings"):
        for english, text in tables[name].items():
            assert sorted(GAP.findall(text)) == sorted(GAP.findall(english)), english
    for english, text in tables["sentences"].items():
        assert text.count("{}") == english.count("{}"), english


def test_no_russian_text_is_english_or_empty():
    tables = _tables()
    for english, text in {**tables["texts"], **tables["sentences"]}.items():
        plain = re.sub(r"`[^`]*`|\{[^}]*\}|\b\w*(_\w+)+|[A-Z]{2,}", "", english)
        if len(re.findall(r"\b[a-z]{3,}\b", plain)) > 2:
            assert re.search("[а-яё]", text), english


def test_a_text_used_in_two_rooms_says_the_same_in_both():
    for english, text in RUSSIAN.items():
        if found := russian(english):
            assert found == text, english


def test_a_fault_is_said_in_russian(in_russian):
    said = str(UsageError(fault("", "`{name}` is not a variable of this model", expected="The name of a constant",
                                remedy=suggestion("kappa", ["kapa"]), name="kappa")))  # fmt: skip
    assert said == "`kappa` — не переменная этой модели. Ожидается имя константы. Возможно, `kapa`?"


def test_a_name_with_braces_is_suggested_as_it_is(in_russian):
    near = suggestion("a{b}c", ["a{b}d"])
    assert str(InputError(fault("f", "`{name}` is not defined", remedy=near, name="x"))).endswith("Возможно, `a{b}d`?")


def test_composed_texts_are_translated_in_their_parts(in_russian):
    assert translate("formula `{formula}`: `{rest}` is left over") == "формула `{formula}`: `{rest}` — лишнее"
    assert translate("`{name}` is not defined, in the equation of {label} at character {column}") == (
        "`{name}` не определено, в уравнении {label}, знак {column}"
    )


def test_kinds_are_translated_but_names_of_the_user_are_not(in_russian):
    template = "{label} is a {kind}, not a constant, and cannot be set"
    said = fault(Place("m.mdl", 3), template, label="stock", kind="stock")
    assert str(said).startswith("m.mdl:3  stock — запас, а не константа")
    assert russian_word("residence time") == "residence time"


def test_verdicts_and_stages_have_russian_words(in_russian):
    from alliance_dynamics.compare import verdict

    words = [translate(verdict(share, draws)) for share, draws in ((1.0, 99), (0.0, 99), (0.5, 99), (1.0, 2))]
    assert words == ["лучше", "хуже", "неразличимо", "без оценки"]
    assert translate("Calibrating") == "Калибровка"


def test_progress_is_russian_from_its_own_thread_too(in_russian):
    stream = io.StringIO()
    with progress("Calibrating", 4, stream=stream, every=0.02) as advance:
        advance(1)
        time.sleep(0.1)
    lines = stream.getvalue().splitlines()
    assert len(lines) > 2
    assert all(line.startswith("Калибровка: ") and " из 4, " in line for line in lines)


def test_what_has_no_russian_text_is_shown_in_english(in_russian):
    assert translate("no such template") == "no such template"


def test_english_is_untouched():
    assert translate("`{name}` is not defined") == "`{name}` is not defined"


# ---- what the code can show


def covered(text: str) -> bool:
    """Whether a text, or a piece of a text that is put together, is known."""
    tables = _tables()
    return bool(russian(text)) or text in tables["beginnings"] or text in tables["endings"] or text in tables["words"]


def templates(modules: dict[str, ast.Module]) -> dict[str, str]:
    """Template -> the first module that shows it: what is passed on as a template, and what looks like one."""
    takes = takers(modules)
    found: dict[str, str] = {}
    for name, tree in modules.items():
        bound = assigned(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                given = [each for i, each in enumerate(node.args) if i in takes[called]]
                given += [each.value for each in node.keywords if each.arg in TAKES]
                for each in [*given, *(node.args[:1] if called in ("progress", "stage") else [])]:
                    for text in texts(each, bound):
                        found.setdefault(text, name)
        if not name.startswith(("kernel/driver", "kernel/emit", "kernel/jit", "report/", "commands/", "cli")):
            for text in looking_like_templates(tree):
                found.setdefault(text, name)
    return {text: name for text, name in found.items() if LETTERS.search(GAP.sub("", text)) and text != "UTF-8"}


def looking_like_templates(tree: ast.Module) -> Iterator[str]:
    """Constants with named gaps, outside of docstrings, f-strings and errors of the caller's code."""
    skipped: set[int] = set()
    for node in ast.walk(tree):
        of_code = isinstance(node, ast.Raise) and "ValueError" in ast.unparse(node)
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if of_code or docstring or isinstance(node, ast.JoinedStr):
            skipped |= {id(each) for each in ast.walk(node)}
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) and id(node) not in skipped else None
        if isinstance(text, str) and (text.startswith("Expected ") or (GAP.search(text) and " " in text)):
            yield text


def takers(modules: dict[str, ast.Module]) -> dict[str, set[int]]:
    """Name of a function, or of a class by its __init__ -> positions of the parameters that take a template."""
    takes: dict[str, set[int]] = defaultdict(set)
    for tree in modules.values():
        for owner in ast.walk(tree):
            for node in owner.body if isinstance(owner, (ast.ClassDef, ast.Module)) else []:
                if isinstance(node, ast.FunctionDef):
                    given = [each.arg for each in node.args.posonlyargs + node.args.args]
                    given = given[1:] if given[:1] in (["self"], ["cls"]) else given
                    made = owner.name if isinstance(owner, ast.ClassDef) and node.name == "__init__" else node.name
                    takes[made] |= {i for i, each in enumerate(given) if each in TAKES}
    return takes


def assigned(tree: ast.Module) -> dict[str, list[ast.expr]]:
    found: dict[str, list[ast.expr]] = defaultdict(list)
    for node in ast.walk(tree):
        for target in node.targets if isinstance(node, ast.Assign) else []:
            if isinstance(target, ast.Name):
                found[target.id].append(node.value)
            elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                for one, value in zip(target.elts, node.value.elts, strict=False):
                    if isinstance(one, ast.Name):
                        found[one.id].append(value)
    return found


def texts(node: ast.expr, bound: dict[str, list[ast.expr]], depth: int = 0) -> Iterator[str]:
    """The constant texts that an expression can be."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=one, orelse=other) | ast.BinOp(left=one, op=ast.Add(), right=other):
            yield from texts(one, bound, depth)
            yield from texts(other, bound, depth)
        case ast.BoolOp():
            for each in node.values:
                yield from texts(each, bound, depth)
        case ast.Subscript(value=ast.Name(id=name)) | ast.Name(id=name) if depth < 4:
            for value in bound.get(name, []):
                for each in value.values if isinstance(value, ast.Dict) else [value]:
                    yield from texts(each, bound, depth + 1)


def notices(modules: dict[str, ast.Module]) -> dict[str, str]:
    """Sentences that are appended to notices, with a name in each gap, -> the module that does it."""
    found: dict[str, str] = {}
    for name, tree in modules.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and "notices" in ast.unparse(getattr(node.func, "value", node.func)):
                given = [part for each in node.args for part in ast.walk(each)]
                inner = {id(each) for part in given if isinstance(part, ast.JoinedStr) for each in ast.walk(part)}
                for part in given:
                    if isinstance(part, ast.JoinedStr) and len(part.values) > 1:
                        pieces = (each.value if isinstance(each, ast.Constant) else "inflow" for each in part.values)
                        found.setdefault("".join(str(each) for each in pieces), name)
                    elif isinstance(part, ast.Constant) and id(part) not in inner and " " in str(part.value):
                        found.setdefault(str(part.value), name)
    return found
