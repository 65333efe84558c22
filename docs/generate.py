"""The reference pages, written from the code: the command line, files, exit codes, Python names, the model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import alliance_dynamics as ad
from alliance_dynamics.cli import COMMANDS, INTERRUPTED, make_parser
from alliance_dynamics.errors import AllianceError
from alliance_dynamics.language import LANGUAGES, use_language

HEADS = {
    "en": ("Command line", "Exit codes", "code", "meaning", "done", "interrupted"),
    "ru": ("Командная строка", "Коды завершения", "код", "значение", "сделано", "прервано"),
}
MEANINGS = {
    "AllianceError": {"en": "a check or gate found problems", "ru": "проверка нашла ошибки"},
    "UsageError": {"en": "wrong usage", "ru": "неверный вызов"},
    "InputError": {"en": "wrong input file", "ru": "ошибка во входном файле"},
    "RunError": {"en": "numerical failure", "ru": "сбой расчёта"},
    "UnsupportedError": {"en": "not supported, or a missing part", "ru": "не поддерживается или не установлено"},
    "ProvenanceError": {"en": "data or model not as recorded", "ru": "данные или модель не те, что записаны"},
    "PartialError": {"en": "too many failed draws", "ru": "слишком много сбоев в выборке"},
}


def write_pages(folder: Path) -> None:
    """Every generated page, under `folder`; a page whose text is unchanged is left alone."""
    pages = {f"command_line_{language}": "\n".join(command_line(language)) for language in LANGUAGES}
    pages |= {f"model_{language}": "\n".join(model_page(language)) for language in LANGUAGES}
    pages["checks"] = "\n".join(checks_table())
    pages |= {"files": "\n".join(files_page()), "python": "\n".join(python_page())}
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    use_language("en")


def command_line(language: str) -> Iterator[str]:
    """The help of every command as the parser prints it, and the exit codes of the error classes."""
    use_language(language)
    title, codes, code, meaning, done, interrupted = HEADS[language]
    yield f"# {title}\n"
    for command in COMMANDS:
        parser, _ = make_parser(command)
        yield f"## alliance {command}\n\n{_plain(parser.description or '')}\n\n```text\n{parser.format_help()}```\n"
    yield f"## {codes}\n\n| {code} | {meaning} |\n|---:|---|\n| 0 | {done} |"
    classes = {each.exit_code: each for each in reversed([AllianceError, *_heirs(AllianceError)])}
    for number, each in sorted(classes.items()):
        yield f"| {number} | {MEANINGS[each.__name__][language]} |"
    yield f"| {INTERRUPTED} | {interrupted} |\n"


def files_page() -> Iterator[str]:
    """The keys of every file that is read or written, from their schemas, and the columns of the results."""
    from alliance_dynamics.report.results import OPTIONAL, TABLES
    from alliance_dynamics.schemas import KINDS, schema_of

    yield "# Files\n\n`alliance schema KIND` prints the whole JSON Schema, for an editor.\n"
    for kind in KINDS:
        yield f"## {kind}\n\n| key | kind | range | what |\n|---|---|---|---|"
        for key, entry in _keys(schema_of(kind)):
            told = _plain(str(entry.get("description", "")))
            yield f"| `{key}` | {_plain(_kind(entry))} | {_range(entry)} | {told} |"
        yield ""
    yield "## Tables of results\n\nCSV in UTF-8; these columns are always there, others may follow.\n"
    yield "| table | columns |\n|---|---|"
    for name, columns in {**TABLES, **OPTIONAL}.items():
        yield f"| `{name}` | {', '.join(f'`{each}`' for each in columns)} |"
    yield "\nKinds of columns: a year is a whole number; an empty cell means that there is no such number.\n"


def checks_table() -> Iterator[str]:
    """What must hold of the model, in both languages; a part of the page on validation."""
    from alliance_dynamics.reality import read_checks
    from alliance_dynamics.resources import resource

    checks = read_checks(resource("sdmodels") / "checks.toml")
    yield f"## What must hold\n\n{len(checks)} sentences, with the share of cases in which they must hold.\n"
    yield "| sentence | по-русски | share |\n|---|---|---|"
    for each in checks:
        share = f"{each.share:g}" if each.share < 1 else ""
        yield f"| {_plain(each.sentences['en'])} | {_plain(each.sentences['ru'])} | {share} |"
    yield ""


def python_page() -> Iterator[str]:
    """The public names, by autodoc."""
    yield "# Python\n\n`import alliance_dynamics as ad` costs nothing; a name is imported when it is first used.\n"
    for name in dir(ad):
        if name.startswith("_"):
            continue
        home = getattr(ad, name).__module__
        kind = "autoclass" if isinstance(getattr(ad, name), type) else "autofunction"
        yield f"## {name}\n\n```{{eval-rst}}\n.. {kind}:: {home}.{name}\n```\n"


def model_page(language: str) -> Iterator[str]:
    """Every variable of the composed model: equation, unit, value, source, links (`alliance doc` adds diagrams)."""
    from alliance_dynamics.loops.named import named_loops_of
    from alliance_dynamics.loops.over_draws import labels_in
    from alliance_dynamics.model.built_in import open_model
    from alliance_dynamics.parameters import read_parameters
    from alliance_dynamics.reference.cards import cards_of
    from alliance_dynamics.reference.page import told

    model, parameters = open_model("alliance"), read_parameters()
    shown = told(model, parameters, cards_of(model, parameters), named_loops_of(model), language,
                 labels_in(parameters, language), ())  # fmt: skip
    texts = shown["t"]
    yield f"# {shown['title']}: {texts('title')}\n\n{_plain(shown['intro'])}\n\n{_plain(texts('comment_note'))}\n"
    for module, entries in shown["modules"]:
        yield f"## {module}\n"
        for entry in entries:
            yield f"**{_plain(entry.label)}** ({entry.kind})\n"
            equations = "\n".join(re.sub(r"<[^>]*>", "", str(each).replace("<br>", "\n")) for each in entry.equations)
            yield f"```text\n{_unescaped(equations)}\n```\n"
            if entry.comment:
                yield f"{_plain(entry.comment)}\n"
            words = ((name, _unescaped(re.sub("<[^>]*>", "", str(text)))) for name, text in entry.rows)
            yield "; ".join(f"*{name}*: {_plain(text)}" for name, text in words)
            yield ""


def _heirs(parent: type[AllianceError]) -> Iterator[type[AllianceError]]:
    for each in parent.__subclasses__():
        yield each
        yield from _heirs(each)


def _keys(schema: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, entry in schema.get("properties", {}).items():
        yield path + name, entry
        yield from _keys(entry, f"{path}{name}.")


def _kind(entry: Mapping[str, Any]) -> str:
    if "enum" in entry:
        return ", ".join(map(str, entry["enum"]))
    if "const" in entry:
        return str(entry["const"])
    found = entry.get("type") or [each.get("type", "") for each in entry.get("anyOf", [])]
    return found if isinstance(found, str) else ", ".join(filter(None, found))


def _range(entry: Mapping[str, Any]) -> str:
    entry = next((each for each in entry.get("anyOf", []) if "minimum" in each), entry)
    low, high = entry.get("minimum", ""), entry.get("maximum", "")
    return f"{low} – {high}" if low != "" or high != "" else ""


def _plain(text: str) -> str:
    """Words as Markdown that means nothing but the words."""
    return re.sub(r"([\\`*_{}\[\]<>#|$~^&])", r"\\\1", " ".join(text.split()))


def _unescaped(text: str) -> str:
    from html import unescape

    return unescape(text)
