"""Write LLVM instructions as text: one method per instruction on vectors of numbers, whole numbers and masks.

Numbers are those of a format (doubles unless told otherwise), whole numbers have as many bits.

No fast-math flag is ever set, so every operation rounds once and not-a-number stays not-a-number.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

import numpy as np

from alliance_dynamics.kernel.formats import DOUBLE, Format


class Emit:
    """The body of one function: numbered values of width `width`, kept as lines of text.

    `brief`: elementary functions leave out what unusual arguments need, and `any_unusual` says whether a lane had one.
    """

    def __init__(self, width: int, *, splat: bool = True, form: Format = DOUBLE, brief: bool = False):
        self.width, self.format = width, form
        self.kind, self.whole, self.size = form.kind, f"i{form.bits}", form.bits // 8
        self.alignment = min(64, self.size * width)
        self.double = f"<{width} x {self.kind}>"
        self.long = f"<{width} x {self.whole}>"
        self.mask = f"<{width} x i1>"
        self.suffix = f"v{width}f{form.bits}"
        self.brief = brief
        self._unusual = ""
        self.lines: list[str] = []
        self.intrinsics: set[str] = set()
        self._splat = splat
        self._count = 0

    def sibling(self, *, brief: bool = False) -> Emit:
        """An emitter of the same kind with a body of its own."""
        return type(self)(self.width, splat=self._splat, form=self.format, brief=brief)

    def do(self, text: str) -> str:
        self._count += 1
        name = f"%r{self._count}"
        self.lines.append(f"  {name} = {text}")
        return name

    def line(self, text: str) -> None:
        self.lines.append(f"  {text}")

    def label(self, name: str) -> None:
        self.lines.append(f"{name}:")

    # constants: hexadecimal bits are exact and know no locale
    def const(self, value: float) -> str:
        return self._repeat(self.kind, self.number(value))

    def integer(self, value: int) -> str:
        return self._repeat(self.whole, str(value))

    def vector(self, values: Sequence[float]) -> str:
        return "<" + ", ".join(f"{self.kind} {self.number(each)}" for each in values) + ">"

    def integers(self, values: Sequence[int]) -> str:
        return "<" + ", ".join(f"{self.whole} {each}" for each in values) + ">"

    def number(self, value: float) -> str:
        """A constant of the format; LLVM writes single ones with the bits of the double that equals them."""
        return hexadecimal(value) if self.size == 8 else hexadecimal(single(value))

    def _repeat(self, kind: str, text: str) -> str:
        if self._splat:
            return f"splat ({kind} {text})"
        return "<" + ", ".join([f"{kind} {text}"] * self.width) + ">"

    # doubles
    def add(self, a: str, b: str) -> str:
        return self.do(f"fadd {self.double} {a}, {b}")

    def sub(self, a: str, b: str) -> str:
        return self.do(f"fsub {self.double} {a}, {b}")

    def mul(self, a: str, b: str) -> str:
        return self.do(f"fmul {self.double} {a}, {b}")

    def div(self, a: str, b: str) -> str:
        return self.do(f"fdiv {self.double} {a}, {b}")

    def neg(self, a: str) -> str:
        return self.do(f"fneg {self.double} {a}")

    def fma(self, a: str, b: str, c: str) -> str:
        """a * b + c, rounded once."""
        return self.call("fma", a, b, c)

    def call(self, intrinsic: str, *args: str) -> str:
        name = f"@llvm.{intrinsic}.{self.suffix}"
        self.intrinsics.add(f"declare {self.double} {name}({', '.join([self.double] * len(args))})")
        return self.do(f"call {self.double} {name}({', '.join(f'{self.double} {a}' for a in args)})")

    def horner(self, x: str, coefficients: Iterable[float]) -> str:
        """The polynomial with the given coefficients, lowest power first."""
        powers = list(coefficients)[::-1]
        result = self.const(powers[0])
        for each in powers[1:]:
            result = self.fma(result, x, self.const(each))
        return result

    def estrin(self, x: str, square: str, coefficients: Iterable[float]) -> str:
        """The polynomial as `horner` has it, by pairs: more multiplications that wait less for each other."""
        terms, power = [self.const(each) for each in coefficients], x
        while len(terms) > 1:
            paired = [self.fma(terms[i + 1], power, terms[i]) for i in range(0, len(terms) - 1, 2)]
            terms = paired + terms[len(terms) - len(terms) % 2 :]
            power = square if power == x else self.mul(power, power) if len(terms) > 1 else power
        return terms[0]

    # masks
    def unusual(self, mask: str) -> None:
        """Note lanes whose argument an elementary function has to treat by itself."""
        self._unusual = self.either(self._unusual, mask) if self._unusual else mask

    def any_unusual(self) -> str:
        """Whether any lane was noted, as a single bit."""
        if not self._unusual:
            return "false"
        bits = self.do(f"bitcast {self.mask} {self._unusual} to i{self.width}")
        return self.do(f"icmp ne i{self.width} {bits}, 0")

    def compare(self, condition: str, a: str, b: str) -> str:
        return self.do(f"fcmp {condition} {self.double} {a}, {b}")

    def select(self, mask: str, a: str, b: str) -> str:
        return self.do(f"select {self.mask} {mask}, {self.double} {a}, {self.double} {b}")

    def both(self, a: str, b: str) -> str:
        return self.do(f"and {self.mask} {a}, {b}")

    def either(self, a: str, b: str) -> str:
        return self.do(f"or {self.mask} {a}, {b}")

    def invert(self, a: str) -> str:
        return self.do(f"xor {self.mask} {a}, {self.every()}")

    def every(self) -> str:
        return self._repeat("i1", "true")

    # bits
    def bits(self, a: str) -> str:
        return self.do(f"bitcast {self.double} {a} to {self.long}")

    def float(self, a: str) -> str:
        return self.do(f"bitcast {self.long} {a} to {self.double}")

    def int(self, operation: str, a: str, b: str) -> str:
        return self.do(f"{operation} {self.long} {a}, {b}")

    # memory
    def load(self, pointer: str, index: int, kind: str = "") -> str:
        """Vector number `index` after `pointer`."""
        kind = kind or self.double
        return self.do(f"load {kind}, ptr {self.at(pointer, index)}, align {self.alignment}")

    def store(self, value: str, pointer: str, index: int, kind: str = "") -> None:
        self.line(f"store {kind or self.double} {value}, ptr {self.at(pointer, index)}, align {self.alignment}")

    def at(self, pointer: str, index: int) -> str:
        return self.do(f"getelementptr inbounds {self.double}, ptr {pointer}, i64 {index}") if index else pointer

    def scalar(self, pointer: str, index: int) -> str:
        """Double number `index` after `pointer`."""
        address = self.do(f"getelementptr inbounds double, ptr {pointer}, i64 {index}")
        return self.do(f"load double, ptr {address}, align 8")

    def gather(self, base: str, index: str) -> str:
        """The numbers at `base` plus a vector of indices."""
        pointers = self.do(f"getelementptr inbounds {self.kind}, ptr {base}, {self.long} {index}")
        kind = f"<{self.width} x ptr>"
        name = f"@llvm.masked.gather.{self.suffix}.v{self.width}p0"
        self.intrinsics.add(f"declare {self.double} {name}({kind}, i32 immarg, {self.mask}, {self.double})")
        given = f"{kind} {pointers}, i32 {self.size}, {self.mask} {self.every()}, {self.double} poison"
        return self.do(f"call {self.double} {name}({given})")

    def scatter(self, value: str, base: str, index: str) -> None:
        pointers = self.do(f"getelementptr inbounds {self.kind}, ptr {base}, {self.long} {index}")
        kind = f"<{self.width} x ptr>"
        name = f"@llvm.masked.scatter.{self.suffix}.v{self.width}p0"
        self.intrinsics.add(f"declare void {name}({self.double}, {kind}, i32 immarg, {self.mask})")
        self.line(
            f"call void {name}({self.double} {value}, {kind} {pointers}, i32 {self.size}, {self.mask} {self.every()})"
        )

    def broadcast(self, scalar: str, kind: str = "") -> str:
        """A scalar in all lanes; of kind double by default, rounded to the format."""
        if not kind and self.size < 8:
            scalar = self.do(f"fptrunc double {scalar} to {self.kind}")
        kind = kind or self.kind
        vector = f"<{self.width} x {kind}>"
        first = self.do(f"insertelement {vector} poison, {kind} {scalar}, i64 0")
        return self.do(f"shufflevector {vector} {first}, {vector} poison, <{self.width} x i32> zeroinitializer")


def single(value: float) -> float:
    """The nearest number of single precision."""
    with np.errstate(over="ignore"):
        return float(np.float32(value))


def hexadecimal(value: float) -> str:
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"
