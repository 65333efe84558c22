"""The last chapter: which file every number stands in, which command wrote it, the sources, and how to repeat it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from alliance_dynamics.report.blocks import Cell, Section, Table, cell, head
from alliance_dynamics.report.voice import Voice

FIRST = ("package", "command", "seed", "draws", "quick", "settings", "method", "dt")
LAST = ("environment",)
# what differs between runs that agree, and the list of files, whose hashes cover this page too
NOT_QUOTED = ("created", "wall_s", "outputs", "content_sha256")


def origin_section(voice: Voice, sections: Sequence[Section]) -> Section:
    """The command, the files with what is shown of them, sources as written in the tables, and the manifest."""
    shown: dict[str, list[str]] = {}
    for file, caption in _shown(sections):
        if file:
            shown.setdefault(file, []).append(caption)
    items = [
        voice.texts.markup("origin.file", file=file, tables="; ".join(dict.fromkeys(captions)))
        for file, captions in sorted(shown.items())
    ]
    return Section(
        "origin",
        voice.texts("section.origin"),
        (voice.texts.markup("origin.intro", command=command_of(voice)),),
        items=tuple(items),
        sections=(_sources(voice), _reproducibility(voice)),
    )


def command_of(voice: Voice) -> str:
    """The command that wrote the results folder, as its manifest has it."""
    found = voice.results.manifest.get("command", "—")
    return " ".join(map(str, found)) if isinstance(found, list) else str(found)


def _shown(sections: Sequence[Section]) -> Iterator[tuple[str, str]]:
    """File and kind of every figure and table: their captions, up to what differs between outcomes."""
    for section in sections:
        for shown, file in [*((each, each.origin) for each in section.figures), *((t, t.file) for t in section.tables)]:
            number = "".join(re.findall(r"^[FT]\d+\. ", shown.caption))
            yield file, number + re.split(r"[:.(«“„]", shown.caption.removeprefix(number))[0].strip()
        yield from _shown(section.sections)


def _sources(voice: Voice) -> Section:
    found: dict[str, None] = {}
    for file in ("calibration/parameters.csv", "sensitivity/levers.csv"):
        for row in voice.results.rows(file):
            if source := voice.source(row):
                found[source] = None
    paragraphs = (voice.texts("sources.intro"),)
    return Section("sources", voice.texts("section.sources"), paragraphs, items=tuple(sorted(found)))


def _reproducibility(voice: Voice) -> Section:
    manifest = voice.results.manifest
    middle = [key for key in manifest if key not in (*FIRST, *LAST, *NOT_QUOTED)]
    body: list[tuple[Cell, ...]] = []
    for key in (*FIRST, *middle, *LAST):
        if key in manifest:
            body += [(head(name), cell(value)) for name, value in _flat(key, manifest[key])]
    table = Table(
        "manifest",
        voice.texts("table.manifest"),
        "manifest.json",
        (voice.texts("head.entry"), voice.texts("head.value")),
        tuple(body),
    )
    paragraphs = (voice.texts("reproducibility.intro"),)
    return Section("reproducibility", voice.texts("section.reproducibility"), paragraphs, tables=(table,))


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """`settings.sensitivity.points`, `1024`: entries as they stand in the file, not words of a language."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}", inner)
    elif isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        for place, inner in enumerate(value, 1):
            yield from _flat(f"{name}.{place}", inner)
    elif isinstance(value, list):
        yield name, " ".join(str(each) for each in value)
    else:
        yield name, "—" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
