"""`alliance data`: where each figure comes from, and whether the tables still say what was published."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alliance_dynamics.commands.outcome import Outcome
from alliance_dynamics.commands.parser import Parser, one_of, say, whole
from alliance_dynamics.errors import UsageError, fault
from alliance_dynamics.language import translate

if TYPE_CHECKING:
    from alliance_dynamics.calibration.provenance import Book, Check, Figure

SUMMARY = "Show any figure of a problem with its source and how it was made, or verify all of them."
EXAMPLES = (
    "alliance data show rd_personnel --region RU-TA --year 2016",
    "alliance data verify",
    "alliance data rows Perm --region RU-PER --out perm.csv",
)
PROVENANCE = 6


def add_options(parser: Parser) -> None:
    parser.add_argument("action", type=one_of(("show", "verify", "rows")), metavar="show|verify|rows",
                        help=say("show figures; verify hashes, tables and identities; or write the rows with which a "
                                 "region joins the model"))  # fmt: skip
    parser.add_argument("name", nargs="?", default="", metavar="NAME",
                        help=say("figure to show: an observable or a published indicator (a list of all); for rows the "
                                 "name of the new element"))  # fmt: skip
    parser.add_argument("--problem", default="tatarstan", metavar="PROBLEM",
                        help=say("name of a problem, or its folder (tatarstan)"))  # fmt: skip
    parser.add_argument("--region", default="", metavar="ID", help=say("one region: its code, name or experiment"))
    parser.add_argument("--out", type=Path, metavar="FILE.csv", help=say("file for the rows (standard output)"))
    parser.add_argument("--year", type=whole(1000), metavar="YEAR", help=say("one year"))


def execute(arguments: Namespace) -> Outcome:
    from alliance_dynamics.calibration.provenance import figures, open_book, verify
    from alliance_dynamics.study import find_problem

    if arguments.out is not None and arguments.action != "rows":
        raise UsageError(fault("", say("--out goes with `alliance data rows` only")))
    book = open_book(find_problem(arguments.problem))
    if arguments.action == "verify":
        return _verified(verify(book)).then("alliance", "calibrate", arguments.problem)
    if arguments.action == "rows":
        return _rows(book, arguments.name, arguments.region, arguments.out)
    if not arguments.name:
        return Outcome(text=_catalogue(book)).then("alliance", "data", "verify", "--problem", arguments.problem)
    found = figures(book, arguments.name, region=arguments.region, year=arguments.year)
    if not found:
        return Outcome(text=say("No such figure was published.") + "\n", exit_code=1)
    done = Outcome(text=_shown(book, arguments.name, found), results={"figures": [_record(each) for each in found]})
    return done.then("alliance", "data", "verify", "--problem", arguments.problem)


def _rows(book: Book, element: str, region: str, out: Path | None) -> Outcome:
    """Rows of a table of elements that follow from a region's published figures."""
    from alliance_dynamics.calibration.region_rows import HEADER, region_rows
    from alliance_dynamics.files import csv_text, write_text

    if not element or not region:
        raise UsageError(
            fault("", say("`alliance data rows` needs the name of the new element and a region"),
                  remedy=say("For instance: alliance data rows Ulyanovsk --region RU-ULY"))
        )  # fmt: skip
    text = csv_text(HEADER, region_rows(book.published, region, element))
    if out is None:
        return Outcome(text=text)
    return Outcome(outputs=(write_text(out, text),)).then(
        "alliance", "run", f"alliance+{out}", "R3", "--out", "run.csv"
    )


def _catalogue(book: Book) -> str:
    """Every name with the years and the number of regions that it is known for."""
    from alliance_dynamics.calibration.provenance import figures

    lines = []
    width = max(map(len, book.names))
    for title, names in ((say("Compared with the model:"), tuple(book.problem.observables)),
                         (say("As published:"), book.published.indicators)):  # fmt: skip
        lines.append(title)
        for name in names:
            found = figures(book, name)
            years = [each.year for each in found]
            regions = len({each.region for each in found})
            span = f"{min(years)}-{max(years)}" if years else "-"
            lines.append(f"  {name:<{width}}  {span}  " + say("regions: {count}").format(count=regions))
    return "\n".join(lines) + "\n"


def _shown(book: Book, name: str, found: Sequence[Figure]) -> str:
    lines = []
    if name in book.problem.observables:
        observable = book.problem.observables[name]
        lines += [f"{name}: {observable.label_en or observable.name}", f"  {say('formula')}: {observable.text}"]
    else:
        lines.append(name)
    lines.append(f"  {say('made')}: {translate(found[0].rule or 'as published')}")
    for each in found:
        value = "-" if each.value is None else f"{each.value:.8g}"
        parts = [f"{each.region} {each.year}  {value} {each.unit}"]
        parts += [f"{say('status')} {each.status}"] if each.status else []
        parts += [f"{say('vintage')} {each.vintage}"] if each.vintage else []
        parts += [each.use] if each.use else []
        if each.rule and each.rule != "as published":
            origins = [f"{one.value:.10g} {one.unit} ({one.indicator})" for one in each.published]
            parts += [say("from {origin}").format(origin="; ".join(origins))] if origins else []
        lines.append("  " + ", ".join([*parts, *each.sources]) + (f" [{each.note}]" if each.note else ""))
    for source in dict.fromkeys(source for each in found for source in each.sources):
        card = book.cards.get(source)
        if card is None:
            lines.append(f"{source}: {say('no card')}")
            continue
        lines.append(f"{source}: {card.title}")
        for label, text in (("publisher", card.publisher), ("table", card.table), ("address", card.address),
                            ("licence", card.licence), ("retrieved", card.retrieved)):  # fmt: skip
            lines += [f"  {translate(label)}: {text}"] if text else []
    return "\n".join(lines) + "\n"


def _record(each: Figure) -> dict[str, object]:
    return {
        "name": each.name, "region": each.region, "year": each.year, "value": each.value, "unit": each.unit,
        "status": each.status, "vintage": each.vintage, "sources": list(each.sources), "rule": each.rule,
        "published": [{"indicator": one.indicator, "value": one.value, "unit": one.unit} for one in each.published],
    }  # fmt: skip


def _verified(checks: Sequence[Check]) -> Outcome:
    """Every check on a line; exit code 6 where a hash or a table differs, 1 where only an identity fails."""
    titles = {"hash": say("Rows of each source against its card:"),
              "figures": say("Tables made again from the published figures:"),
              "identity": say("Identities:")}  # fmt: skip
    lines = []
    for kind, title in titles.items():
        lines.append(title)
        lines += [f"  {_line(each)}" for each in checks if each.kind == kind]
    failed = {each.kind for each in checks if each.passed is False}
    lines.append(say("Everything holds.") if not failed else say("Something does not hold; see the lines above."))
    code = 0 if not failed else 1 if failed == {"identity"} else PROVENANCE
    return Outcome(exit_code=code, text="\n".join(lines) + "\n", results={"failed": sorted(failed)})


def _line(each: Check) -> str:
    word = translate({True: "holds", False: "FAILS", None: "not checked"}[each.passed])
    head = f"{word:<12} {translate(each.name)}: " + say("{count} figures").format(count=each.count)
    if each.kind == "hash":
        return head + (f", sha256 {each.where}" if each.where else "")
    if each.passed is None:
        return head
    gap = f"{each.gap:.2g} {translate(each.unit)}" if each.unit else f"{100 * each.gap:.2g} %"
    return head + ", " + say("largest gap {gap} ({where})").format(gap=gap, where=each.where)
