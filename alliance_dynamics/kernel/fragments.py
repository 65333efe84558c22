"""Noise and delay rings as LLVM text."""

from __future__ import annotations

from alliance_dynamics.kernel.emit import Emit
from alliance_dynamics.kernel.noise import EXPONENT_OF_ONE, FIRST, GOLDEN, SECOND


def uniform(e: Emit, key: str) -> str:
    """`noise.uniform` of a vector of keys at step %step."""
    count = e.do("add i64 %step, 1")
    z = e.int("add", key, e.broadcast(e.do(f"mul i64 {count}, {_signed(GOLDEN)}"), "i64"))
    for shift, factor in ((30, FIRST), (27, SECOND)):
        z = e.int("mul", e.int("xor", z, e.int("lshr", z, e.integer(shift))), e.integer(_signed(factor)))
    z = e.int("xor", z, e.int("lshr", z, e.integer(31)))
    whole = e.float(e.int("or", e.int("lshr", z, e.integer(12)), e.integer(EXPONENT_OF_ONE)))
    return e.mul(e.add(e.sub(whole, e.const(2.0**52)), e.const(0.5)), e.const(2.0**-52))


def read_ring(e: Emit, keep: str, rings: str, slot: int) -> str:
    """The oldest entry: at the position that this step's entry will overwrite."""
    return e.gather(rings, _ring_index(e, keep, slot))


def write_ring(e: Emit, keep: str, rings: str, slot: int, value: str) -> None:
    """Overwrite the oldest entry and move on by one."""
    e.scatter(value, rings, _ring_index(e, keep, slot))
    following = e.int("add", e.load(keep, slot + 1, e.long), e.integer(1))
    end = e.do(f"icmp eq {e.long} {following}, {e.load(keep, slot + 2, e.long)}")
    wrapped = e.do(f"select {e.mask} {end}, {e.long} {e.integer(0)}, {e.long} {following}")
    e.store(wrapped, keep, slot + 1, e.long)


def _ring_index(e: Emit, keep: str, slot: int) -> str:
    position = e.int("mul", e.load(keep, slot + 1, e.long), e.integer(e.width))
    return e.int("add", position, e.load(keep, slot, e.long))


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value
