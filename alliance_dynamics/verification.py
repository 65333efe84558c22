"""Whether a results folder is what its manifest says, and whether this machine gives the same results again."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from alliance_dynamics.errors import Fault, InputError, Place, ProvenanceError, fault
from alliance_dynamics.files import sha256
from alliance_dynamics.manifest import NAME

Verdict = Literal["identical", "within tolerance", "different"]
TOLERANCE = 1e-12
SOURCES = ("model", "inputs")
DRAWN = (".html", ".svg", ".pdf")  # drawn from the tables: they are judged only where the tables are equal bit by bit


@dataclass(frozen=True)
class Difference:
    """The first difference of a file: line and column of a table, both values as they stand."""

    file: str
    line: int | None
    column: str
    stored: str
    again: str
    verdict: Verdict


@dataclass(frozen=True)
class Verification:
    """`verdict` over all files, `differences` one per file that is not identical, `files` compared."""

    verdict: Verdict
    files: int
    differences: tuple[Difference, ...]


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a results folder; InputError where there is none or it is no manifest of ours."""
    path = folder / NAME
    if not path.is_file():
        raise InputError(
            fault(str(folder), "the folder holds no {name}", expected="a folder of results that `alliance` wrote",
                  name=NAME)
        )  # fmt: skip
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 0)
        raise InputError(
            fault(Place(str(path), line), "the file is not JSON", remedy="Restore it or run again")
        ) from None
    wanted = {"command": list, "outputs": list, "model": dict, "inputs": dict}
    wrong = [key for key, kind in wanted.items() if not isinstance(found, dict) or not isinstance(found.get(key), kind)]
    if wrong:
        raise InputError(
            [fault(str(path), "`{key}` is missing or of another kind", remedy="Restore it or run again", key=key)
             for key in wrong]
        )  # fmt: skip
    return found


def refuse_altered(folder: Path, manifest: Mapping[str, Any]) -> None:
    """ProvenanceError naming every file that is missing, altered, or not in the manifest."""
    listed = {str(each["path"]): str(each["sha256"]) for each in manifest["outputs"]}
    present = {each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file()} - {NAME}
    faults: list[Fault] = []
    for path in sorted(listed.keys() | present):
        if path not in present:
            faults.append(fault(str(folder / path), "the file is missing", expected="the file that the manifest lists"))
        elif path not in listed:
            faults.append(fault(str(folder / path), "the file is not in the manifest", remedy="Move it elsewhere"))
        elif sha256(folder / path) != listed[path]:
            faults.append(fault(str(folder / path), "the file was altered after it was written",
                                remedy="Restore it or run again"))  # fmt: skip
    if faults:
        raise ProvenanceError(faults)


def refuse_other_sources(folder: Path, stored: Mapping[str, Any], again: Mapping[str, Any]) -> None:
    """ProvenanceError naming every input (model, data, regimes, parameters) that is not the one of the results."""
    faults = [
        fault(str(folder / NAME), "`{key}` is another one here", expected="{stored}, as in the manifest",
              remedy="Use the version of the package and the data of the manifest", key=key, stored=before or "none")
        for key, before, after in _leaves({k: stored[k] for k in SOURCES}, {k: again[k] for k in SOURCES})
        if before != after
    ]  # fmt: skip
    if faults:
        raise ProvenanceError(faults)


def compare_results(stored: Path, again: Path) -> Verification:
    """Two results folders file by file, tables cell by cell; files drawn from tables count with their tables."""
    names = sorted(
        {each.relative_to(root).as_posix() for root in (stored, again) for each in root.rglob("*") if each.is_file()}
        - {NAME}
    )
    found = [each for name in names if (each := _compare_file(name, stored / name, again / name)) is not None]
    tables = [each for each in found if not each.file.endswith(DRAWN)]
    judged = tables or found
    verdicts = {each.verdict for each in judged}
    verdict: Verdict = "identical" if not verdicts else "different" if "different" in verdicts else "within tolerance"
    return Verification(verdict, len(names), tuple(judged))


def _compare_file(name: str, stored: Path, again: Path) -> Difference | None:
    if not stored.is_file() or not again.is_file():
        exists = ("present", "absent") if stored.is_file() else ("absent", "present")
        return Difference(name, None, "", *exists, "different")
    if stored.read_bytes() == again.read_bytes():
        return None
    if name.endswith(".csv"):
        return _compare_tables(name, stored, again)
    if name.endswith(".json"):
        before, after = (json.loads(each.read_text(encoding="utf-8")) for each in (stored, again))
        return _worst(
            Difference(name, None, key, str(a), str(b), _judge(a, b)) for key, a, b in _leaves(before, after) if a != b
        )
    if name.endswith((".parquet", ".nc")):  # another version of the library writes other bytes
        return _compare_columns(name, stored, again)
    return Difference(name, None, "", "other bytes", "other bytes", "different")


def _compare_columns(name: str, stored: Path, again: Path) -> Difference | None:
    from alliance_dynamics.grids import columns_of

    before, after = columns_of(stored), columns_of(again)
    if [(key, len(each)) for key, each in before.items()] != [(key, len(each)) for key, each in after.items()]:
        sizes = [f"{len(next(iter(each.values()), ()))} lines, {len(each)} columns" for each in (before, after)]
        return Difference(name, None, "", sizes[0], sizes[1], "different")
    return _worst(
        Difference(name, i + 1, key, repr(a), repr(b), _judge(a, b))
        for key in before
        for i, (a, b) in enumerate(zip(before[key].tolist(), after[key].tolist(), strict=True))
        if a != b and not (a != a and b != b)
    )


def _compare_tables(name: str, stored: Path, again: Path) -> Difference | None:
    before, after = (_cells(each) for each in (stored, again))
    if before[:1] != after[:1] or len(before) != len(after):
        sizes = [f"{len(each)} lines, {len(each[0]) if each else 0} columns" for each in (before, after)]
        return Difference(name, None, "", sizes[0], sizes[1], "different")
    head = before[0]
    return _worst(
        Difference(name, line, column, a, b, _judge(a, b))
        for line, (left, right) in enumerate(zip(before, after, strict=True), start=1)
        for column, a, b in zip(head, left, right, strict=False)
        if a != b
    )


def _worst(differences: Iterator[Difference]) -> Difference | None:
    """The first that is beyond the tolerance, else the first."""
    first = None
    for each in differences:
        if each.verdict == "different":
            return each
        first = first or each
    return first


def _judge(a: object, b: object) -> Verdict:
    try:
        one, other = float(str(a)), float(str(b))
    except ValueError:
        return "different"
    close = math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return "within tolerance" if close or (math.isnan(one) and math.isnan(other)) else "different"


def _cells(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def _leaves(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Every leaf of two nested documents under its dotted path; None where one of them has no such leaf."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys(), key=str):
            yield from _leaves(before.get(key), after.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for i, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _leaves(one, other, f"{path}[{i}]")
    else:
        yield path, before, after
