"""Reading what other tools computed: wide tables, Vensim listings and, through pysimlin, binary results."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from alliance_dynamics.model.names import canonical

CONTROLS = {"time", "initial_time", "final_time", "time_step", "saveper", "saveper_", "months", "years"}


Series = dict[str, tuple[np.ndarray, np.ndarray]]


def key(label: str) -> str:
    """A column's name without regard to case, blanks, underscores and quotes."""
    name, bracket, inside = label.partition("[")
    parts = [canonical(each).replace('"', "") for each in inside.removesuffix("]").split(",")] if bracket else []
    return canonical(name).replace('"', "").replace("_", "") + (
        "[" + ",".join(part.replace("_", "") for part in parts) + "]" if parts else ""
    )


def read_expected(path: Path) -> Series:
    """Column key -> (times, values); empty and non-numeric cells are left out."""
    if path.suffix == ".dat":
        return _listing(path)
    if path.suffix == ".vdf":
        return _binary(path)
    return _wide(path, "\t" if path.suffix == ".tab" else ",")


def largest_gap(found: Series, expected: Series) -> tuple[float, str, list[str]]:
    """(largest |ours - expected| / (1 + |expected|), its column, columns and times that we lack)."""
    worst, where, lacking = 0.0, "", []
    for name, (times, values) in expected.items():
        if name.partition("[")[0] in {each.replace("_", "") for each in CONTROLS}:
            continue
        if name.startswith("#"):
            continue
        if name not in found:
            lacking.append(name)
            continue
        our_times, ours = found[name]
        for time, value in zip(times, values, strict=True):
            at = int(np.argmin(np.abs(our_times - time)))
            if abs(our_times[at] - time) > 1e-3 * max(1.0, abs(time)):
                lacking.append(f"{name} at {time:g}")
                continue
            gap = abs(ours[at] - value) / (1 + abs(value))
            if not gap <= worst:
                worst, where = (float("inf") if np.isnan(gap) else float(gap)), f"{name} at {time:g}"
    return worst, where, lacking


def _wide(path: Path, delimiter: str) -> Series:
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    rows = [row for row in csv.reader(text.splitlines(), delimiter=delimiter) if row]
    header, body = rows[0], rows[1:]
    if not _numeric(header[1] if len(header) > 1 else "") and header[0].strip().lower() not in ("time", ""):
        moved = [list(each) for each in zip(*rows, strict=False)]
        if _numeric(body[0][0]) is False:
            header, body = moved[0], moved[1:]
    found = {}
    for column, label in enumerate(header[1:], start=1):
        pairs = [
            (float(row[0]), float(row[column]))
            for row in body
            if column < len(row) and _numeric(row[0]) and _numeric(row[column])
        ]
        if pairs and label.strip():
            found[key(label)] = (np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs]))
    return found


def _listing(path: Path) -> Series:
    found: dict[str, tuple[list[float], list[float]]] = {}
    times: list[float] = []
    values: list[float] = []
    for line in path.read_text(encoding="utf-8-sig", errors="replace").splitlines():
        cells = line.split("\t")
        if len(cells) == 2 and _numeric(cells[0]) and _numeric(cells[1]):
            times.append(float(cells[0]))
            values.append(float(cells[1]))
        elif line.strip():
            times, values = [], []
            found[key(line.strip())] = (times, values)
    return {name: (np.array(t), np.array(v)) for name, (t, v) in found.items() if t}


def _binary(path: Path) -> Series:
    import simlin

    frame = simlin.load_vdf(str(path))
    return {key(str(name)): (frame.index.to_numpy(), frame[name].to_numpy()) for name in frame.columns}


def _numeric(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
