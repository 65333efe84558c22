"""Lookups as LLVM text: short tables by comparing with every break, long ones by bisection in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, isinf

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.kernel import mathematics as m
from alliance_dynamics.kernel.emit import Emit
from alliance_dynamics.kernel.segments import segments
from alliance_dynamics.model.expression import Table

SHORT = 16  # breaks


def lookup(e: Emit, table: Table, x: str, *, memory: Callable[[Sequence[float]], str], permute: bool) -> str:
    """The value of `table` at x, as `segments.evaluate` has it.

    `memory` gives the name of a global array of the numbers handed to it; `permute`: AVX-512 permutations exist.
    """
    found = segments(table)
    if not isinf(found.low):
        x = m.at_least(e, x, found.low)
    if not isinf(found.high):
        x = m.at_most(e, x, found.high)
    columns = [list(found.y)] if found.slope is None else [list(found.y), list(found.slope), list(found.x)]
    breaks = list(found.breaks)
    if permute and e.width * e.size % 64 == 0 and 3 < len(breaks) < SHORT:
        parts = _permuted(e, x, breaks, columns)
    elif len(breaks) < SHORT:
        parts = _compared(e, x, breaks, columns)
    else:
        parts = _searched(e, x, breaks, columns, memory)
    if found.slope is None:
        return e.select(e.compare("uno", x, x), x, parts[0])
    y, slope, origin = parts
    return e.add(y, e.mul(slope, e.sub(x, origin)))


def _compared(e: Emit, x: str, breaks: Sequence[float], columns: Sequence[Sequence[float]]) -> list[str]:
    """Select anew at every break that x has reached."""
    parts = [e.const(column[0]) for column in columns]
    for i, each in enumerate(breaks):
        reached = e.compare("oge", x, e.const(each))
        for k, column in enumerate(columns):
            if column[i + 1] != column[i]:
                parts[k] = e.select(reached, e.const(column[i + 1]), parts[k])
    return parts


def _permuted(e: Emit, x: str, breaks: Sequence[float], columns: Sequence[Sequence[float]]) -> list[str]:
    """Count the breaks reached, then pick from registers that hold 8 or 16 entries."""
    index = e.integer(0)
    for each in breaks:
        reached = e.compare("oge", x, e.const(each))
        more = e.int("add", index, e.integer(1))
        index = e.do(f"select {e.mask} {reached}, {e.long} {more}, {e.long} {index}")
    return [_pick(e, index, column) for column in columns]


def _pick(e: Emit, index: str, column: Sequence[float]) -> str:
    """The entries of a column at `index`, register by register of 512 bits."""
    lanes = 64 // e.size
    own = Emit(lanes, form=e.format)
    if e.width == lanes:
        return _permutation(e, own, index, column)
    parts = []
    for first in range(0, e.width, lanes):
        cut = _order(range(first, first + lanes))
        part = e.do(f"shufflevector {e.long} {index}, {e.long} poison, {cut}")
        parts.append(_permutation(e, own, part, column))
    while len(parts) > 1:
        size = e.width // len(parts)
        kind = f"<{size} x {e.kind}>"
        pairs = zip(parts[::2], parts[1::2], strict=True)
        parts = [e.do(f"shufflevector {kind} {a}, {kind} {b}, {_order(range(2 * size))}") for a, b in pairs]
    return parts[0]


def _order(lanes: range) -> str:
    return f"<{len(lanes)} x i32> <" + ", ".join(f"i32 {i}" for i in lanes) + ">"


def _permutation(e: Emit, own: Emit, index: str, column: Sequence[float]) -> str:
    """One register's entries; `own` has the kinds of one register."""
    lanes, kind = own.width, "df" if e.size == 8 else "sf"
    low = own.vector([*column, *[0.0] * lanes][:lanes])
    if len(column) <= lanes:
        name = f"@llvm.x86.avx512.permvar.{kind}.512"
        e.intrinsics.add(f"declare {own.double} {name}({own.double}, {own.long})")
        return e.do(f"call {own.double} {name}({own.double} {low}, {own.long} {index})")
    high = own.vector([*column[lanes:], *[0.0] * lanes][:lanes])
    name = f"@llvm.x86.avx512.vpermi2var.{'pd' if e.size == 8 else 'ps'}.512"
    e.intrinsics.add(f"declare {own.double} {name}({own.double}, {own.long}, {own.double})")
    return e.do(f"call {own.double} {name}({own.double} {low}, {own.long} {index}, {own.double} {high})")


def _searched(
    e: Emit,
    x: str,
    breaks: Sequence[float],
    columns: Sequence[Sequence[float]],
    memory: Callable[[Sequence[float]], str],
) -> list[str]:
    """Bisection over breaks padded with infinities to a power of two less one."""
    size = 1 << len(breaks).bit_length()
    padded = memory([-inf, *breaks, *[inf] * (size - 1 - len(breaks))])
    index = e.integer(0)
    half = size // 2
    while half:
        probe = e.int("add", index, e.integer(half))
        reached = e.compare("oge", x, e.gather(padded, probe))
        index = e.do(f"select {e.mask} {reached}, {e.long} {probe}, {e.long} {index}")
        half //= 2
    # x = inf passes the padding: its index is limited to the last segment
    last = e.do(f"icmp ult {e.long} {index}, {e.integer(len(breaks))}")
    index = e.do(f"select {e.mask} {last}, {e.long} {index}, {e.long} {e.integer(len(breaks))}")
    return [e.gather(memory(column), index) for column in columns]


def lookup_each(e: Emit, tables: Sequence[Table], x: str, *, memory: Callable[[Sequence[float]], str]) -> str:
    """As `lookup`, with a table for each lane; all have the same kind of ends and, below `SHORT`, as many breaks."""
    found = [segments(table) for table in tables]
    for condition, ends in (("ogt", [each.low for each in found]), ("olt", [each.high for each in found])):
        if not isinf(ends[0]):
            limit = e.vector(ends)
            x = e.select(e.compare(condition, limit, x), limit, x)
    flat = found[0].slope is None
    columns = [[each.y for each in found]]
    if not flat:
        columns += [[each.slope for each in found if each.slope is not None], [each.x for each in found]]
    if len(found[0].breaks) < SHORT:
        parts = _compared_each(e, x, [each.breaks for each in found], columns)
    else:
        parts = _searched_each(e, x, [each.breaks for each in found], columns, memory)
    if flat:
        return e.select(e.compare("uno", x, x), x, parts[0])
    y, slope, origin = parts
    return e.add(y, e.mul(slope, e.sub(x, origin)))


Lanes = Sequence[NDArray[np.float64]]


def _compared_each(e: Emit, x: str, breaks: Lanes, columns: Sequence[Lanes]) -> list[str]:
    parts = [e.vector([float(lane[0]) for lane in column]) for column in columns]
    for i in range(len(breaks[0])):
        reached = e.compare("oge", x, e.vector([float(lane[i]) for lane in breaks]))
        for k, column in enumerate(columns):
            if any(lane[i + 1] != lane[i] for lane in column):
                parts[k] = e.select(reached, e.vector([float(lane[i + 1]) for lane in column]), parts[k])
    return parts


def _searched_each(
    e: Emit, x: str, breaks: Lanes, columns: Sequence[Lanes], memory: Callable[[Sequence[float]], str]
) -> list[str]:
    """`_searched` in tables one after the other, each padded to the size of the largest."""
    size = 1 << max(map(len, breaks)).bit_length()

    def joined(lanes: Sequence[Sequence[float]], fill: float) -> str:
        return memory([each for lane in lanes for each in (*lane, *[fill] * (size - len(lane)))])

    padded = joined([[-inf, *map(float, lane)] for lane in breaks], inf)
    index = e.integers([lane * size for lane in range(len(breaks))])
    half = size // 2
    while half:
        probe = e.int("add", index, e.integer(half))
        reached = e.compare("oge", x, e.gather(padded, probe))
        index = e.do(f"select {e.mask} {reached}, {e.long} {probe}, {e.long} {index}")
        half //= 2
    ends = e.integers([lane * size + len(each) for lane, each in enumerate(breaks)])
    inside = e.do(f"icmp ult {e.long} {index}, {ends}")
    index = e.do(f"select {e.mask} {inside}, {e.long} {index}, {e.long} {ends}")
    return [e.gather(joined([[*map(float, lane)] for lane in column], 0.0), index) for column in columns]
