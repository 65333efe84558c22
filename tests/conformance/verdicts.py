"""Every model of the corpora, read and run as `alliance run` does it, against the results of its own tool."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from expected import key, largest_gap, read_expected

from alliance_dynamics.errors import AllianceError, Fault
from alliance_dynamics.model.model import Model
from alliance_dynamics.model.read import decode, read_model
from alliance_dynamics.model.vensim import read_vensim_text
from alliance_dynamics.simulate import run_model

CORPORA = Path(__file__).resolve().parents[3] / "shared" / "corpora"
TOLERANCE = 1e-5

# Models that run and differ from the stored results, with the reason why we leave them so.
DIFFERENT = {
    "test-models/tests/active_initial/test_active_initial.stmx": (
        "the stored results start at 45, a value that the file does not have: it was lost when the file was converted"
    ),
    "test-models/tests/allocate_available/test_allocate_available.mdl": (
        "Vensim stops its search for the common level early: its own allocations of 80 add up to 79.9993"
    ),
    "test-models/tests/smooth_and_stock/test_smooth_and_stock.stmx": (
        "the stored results have variables that the file does not have; all others agree"
    ),
}


@dataclass(frozen=True)
class Verdict:
    """`kind`: pass, different, refused.  `gap` is the largest |ours - theirs| / (1 + |theirs|), None without a run."""

    model: str
    form: str
    kind: str
    gap: float | None
    columns: int
    reason: str = ""


def verdicts() -> Iterator[Verdict]:
    """One verdict for each line of the index, in its order."""
    with (CORPORA / "index.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        yield verdict(row["model"], row["format"], CORPORA / row["expected"])


def verdict(name: str, form: str, expected: Path) -> Verdict:
    try:
        run = run_model(read_here(CORPORA / name))
    except AllianceError as error:
        return Verdict(name, form, "refused", None, 0, _first(error.faults[0]))
    found = {key(label): (run.times, run.values[:, i]) for i, label in enumerate(run.columns)}
    theirs = read_expected(expected)
    gap, where, lacking = largest_gap(found, theirs)
    if gap <= TOLERANCE and not lacking:
        return Verdict(name, form, "pass", gap, len(theirs))
    why = f"lacks {', '.join(lacking[:3])}" if lacking else where
    return Verdict(name, form, "different", gap, len(theirs), DIFFERENT.get(name, why))


def read_here(path: Path) -> Model:
    """As `read_model`, without the process of its own that a Vensim file gets: 115 of them are slow."""
    content = path.read_bytes()
    if b"<xmile" in content[:4096]:
        return read_model(path, cache=False)
    text, _ = decode(content, path.name)
    return read_vensim_text(text, path.name, path.parent.resolve()).model


def _first(fault: Fault) -> str:
    """The fault without the place, on one line."""
    text = str(fault)
    place = str(fault.place)
    return " ".join(text.removeprefix(place).split())
