"""The reference that a reader can keep: a page with a search box and a PDF per language, no network."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from markupsafe import Markup

from alliance_dynamics.diagrams import Diagram, diagram_of, draw, modules_of
from alliance_dynamics.diagrams.graph import graph_of
from alliance_dynamics.files import write_bytes, write_text
from alliance_dynamics.language import LANGUAGES
from alliance_dynamics.loops.named import NamedLoop
from alliance_dynamics.loops.over_draws import labels_in
from alliance_dynamics.model.built_in import ALLIANCE, is_alliance, title_of
from alliance_dynamics.model.model import Model
from alliance_dynamics.parameters import Parameters
from alliance_dynamics.reference.cards import DATA, Card, cards_of
from alliance_dynamics.reference.equation import anchor, equation, written
from alliance_dynamics.reference.paper import diagram_file, reference_source
from alliance_dynamics.report.pdf import compile_pdf, font_folder
from alliance_dynamics.report.texts import Texts, flat_texts
from alliance_dynamics.simulate import program_of

ASSUMED = ("structural", "initial", "driver")
VALUES_SHOWN = 16


@dataclass(frozen=True)
class Entry:
    """A card as the page shows it."""

    id: str
    label: str
    original: str
    kind: str
    comment: str
    equations: tuple[Markup, ...]
    rows: tuple[tuple[str, Markup | str], ...]
    words: str


def write_reference(
    folder: str | Path, model: Model, parameters: Parameters, named: Sequence[NamedLoop] = ()
) -> tuple[Path, ...]:
    """Writes `reference_en` and `reference_ru`, as .html and .pdf, into a folder; same model, same bytes."""
    cards = cards_of(model, parameters)
    graph = graph_of(model)
    written = []
    for language in LANGUAGES:
        labels = labels_in(parameters, language)
        pages = []
        modules = modules_of(model)
        for module in ("", *modules) if len(modules) > 1 else ("",):
            for kind in ("causal", "stock-flow"):
                page = diagram_of(model, kind=kind, module=module, labels=labels, named=named, language=language,
                                  graph=graph)  # fmt: skip
                if page.boxes:
                    pages.append((page, draw(page, language=language)))
        found = told(model, parameters, cards, named, language, labels, pages)
        drawings = {diagram_file(i): svg for i, (_, svg) in enumerate(pages)}
        paper = compile_pdf(lambda _, shown=found: reference_source(shown), drawings, fonts=(font_folder(),))
        written.append(write_text(Path(folder) / f"reference_{language}.html", _render(found)))
        written.append(write_bytes(Path(folder) / f"reference_{language}.pdf", paper))
    return tuple(written)


@cache
def _texts(language: str) -> Texts:
    path = Path(__file__).with_name(f"texts_{language}.toml")
    return Texts(language, flat_texts(tomllib.loads(path.read_text(encoding="utf-8"))))


def _render(values: Mapping[str, Any]) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    here = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(here), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("reference.html.j2").render(
        style=Markup((here.parent / "report" / "report.css").read_text(encoding="utf-8")),
        own=Markup((here / "reference.css").read_text(encoding="utf-8")),
        script=Markup((here / "search.js").read_text(encoding="utf-8")),
        **values,
    )


def told(
    model: Model, parameters: Parameters, cards: Mapping[str, Card], named: Sequence[NamedLoop], language: str,
    labels: Mapping[str, str], pages: Sequence[tuple[Diagram, bytes]],
) -> dict[str, Any]:  # fmt: skip
    """What page and paper show."""
    texts, write = _texts(language), partial(written, language=language)
    names = {name: labels.get(name, each.label.strip('"')) for name, each in model.variables.items()}
    elements = {f"element {name}": each[language] for name, each in parameters.elements.items() if language in each}
    kinds = [each.variable.kind for each in cards.values()]
    program = program_of(model)
    control = {name: program.defaults[i] for name, i in program.parameter_index.items()}
    intro = texts("intro", model=title_of(model.name, language), variables=len(cards), stocks=kinds.count("stock"),
                  constants=kinds.count("constant"), start=write(control.get("initial_time", 0.0)),
                  stop=write(control.get("final_time", 0.0)), dt=write(control.get("time_step", 0.0)),
                  method=model.time.method)  # fmt: skip
    return {
        "language": language,
        "other": "ru" if language == "en" else "en",
        "t": texts,
        "title": title_of(model.name, language),
        "intro": intro,
        "hash": model.hash,
        "known": bool(parameters.constants),
        "loops": [(each, ", ".join(names.get(name, name) for name in _in_order(each, model))) for each in named],
        "diagrams": [(page.title, texts(page.kind.replace("-", "_")), _inline(svg, f"d{i}-"))
                  for i, (page, svg) in enumerate(pages)],
        "left_out": texts.list(f"{ALLIANCE}.left_out") if is_alliance(model.name) else [],
        "not_estimated": [(anchor(name), names[name], card) for name, card in cards.items() if _assumed(card)],
        "modules": [(title_of(module, language), list(_entries(model, cards, module, texts, names, elements)))
                 for module in dict.fromkeys(card.module for card in cards.values())],
        "shown": write,
    }  # fmt: skip


def _assumed(card: Card) -> bool:
    """An uncertain constant that the calibration does not move."""
    return card.role in ASSUMED and card.low is not None and card.high is not None and not card.estimated


def _in_order(loop: NamedLoop, model: Model) -> list[str]:
    longest = max(loop.through, key=len)
    return [name for name in model.variables if name in longest]


def _entries(
    model: Model, cards: Mapping[str, Card], module: str, texts: Texts, names: Mapping[str, str],
    elements: Mapping[str, str],
) -> Iterator[Entry]:  # fmt: skip
    order = {"stock": 0, "flow": 1, "auxiliary": 2}
    chosen = [(name, card) for name, card in cards.items() if card.module == module]
    for name, card in sorted(chosen, key=lambda each: (order.get(each[1].variable.kind, 3), names[each[0]].lower())):
        variable = card.variable
        equations = tuple(equation(model, variable, each, {**names, **elements}) for each in variable.definitions)
        rows = tuple(_rows(model, card, texts, names, elements))
        kind = texts(f"kind.{variable.kind}")
        words = " ".join([names[name], variable.label, name, kind, variable.unit, card.source, module]).lower()
        original = variable.label.strip('"')
        yield Entry(anchor(name), names[name], "" if original == names[name] else original, kind,
                    variable.documentation, equations[:VALUES_SHOWN], rows, words)  # fmt: skip


def _rows(
    model: Model, card: Card, texts: Texts, names: Mapping[str, str], elements: Mapping[str, str]
) -> Iterator[tuple[str, Markup | str]]:
    variable = card.variable
    yield texts("unit"), variable.unit or texts("no_unit")
    if variable.kind in DATA:
        write = partial(written, language=texts.language)
        if card.values:
            yield texts("value"), _values(card, elements, write)
        if card.low is not None and card.high is not None:
            estimated = f" ({texts('estimated')})" if card.estimated else ""
            yield texts("range"), f"{write(card.low)} – {write(card.high)}{estimated}"
        yield texts("source"), card.source or texts("source_unknown")
        yield texts("grade"), texts(f"grades.{card.grade}") if card.grade else texts("source_unknown")
        if card.why:
            yield texts("why"), card.why
    links = Markup('<a href="#{}">{}</a>')
    for heading, others in (("uses", card.uses), ("used_by", card.used_by)):
        if others or heading == "used_by" or variable.kind not in DATA:
            shown_links = Markup(", ").join(links.format(anchor(each), names[each]) for each in others)
            yield texts(heading), shown_links or texts("nothing")
    if variable.place.file:
        yield texts("place"), str(variable.place)


def _values(card: Card, elements: Mapping[str, str], write: Callable[[float], str]) -> Markup | str:
    if list(card.values) == [card.variable.name]:
        return write(next(iter(card.values.values())))
    found = []
    for flat, value in card.values.items():
        inside = flat[len(card.variable.name) + 1 : -1].split(",")
        label = ", ".join(elements.get(f"element {each}", each.replace("_", " ")) for each in inside)
        found.append(Markup("{}: {}").format(label, write(value)))
    more = [Markup("… ({})").format(len(found))] if len(found) > VALUES_SHOWN else []
    return Markup("; ").join(found[:VALUES_SHOWN] + more)


def _inline(svg: bytes, prefix: str) -> Markup:
    """A drawing for the page: identifiers of its own, size by the page."""
    text = svg.decode("utf-8")
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.S)
    text = re.sub(r'\s(width|height)="[^"]*"', "", text[: text.index(">")]) + text[text.index(">") :]
    text = re.sub(r'\sid="([^"]+)"', rf' id="{prefix}\1"', text)
    text = re.sub(r'href="#([^"]+)"', rf'href="#{prefix}\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}\1)", text)
    text = re.sub(r"(\d\.\d{2})\d+", r"\1", text)
    return Markup(re.sub(r"\s*\n\s*", "\n", text))
