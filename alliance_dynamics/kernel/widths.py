"""Emitters of several widths that write into one function, single numbers among them."""

from __future__ import annotations

from collections.abc import Sequence

from alliance_dynamics.kernel.emit import Emit, hexadecimal


class Part(Emit):
    """Writes into a body that emitters of other widths write into, too."""

    def __init__(
        self, width: int, *, splat: bool = True, lines: list[str] | None = None, intrinsics: set[str] | None = None
    ):
        super().__init__(width, splat=splat)
        self.lines = [] if lines is None else lines
        self.intrinsics = set() if intrinsics is None else intrinsics

    def do(self, text: str) -> str:
        self._count += 1
        name = f"%v{self.width}_{self._count}"
        self.lines.append(f"  {name} = {text}")
        return name


class Scalar(Part):
    """Numbers in place of vectors: one lane, in scalar registers."""

    def __init__(
        self, width: int = 1, *, splat: bool = True, lines: list[str] | None = None, intrinsics: set[str] | None = None
    ):
        super().__init__(width, splat=splat, lines=lines, intrinsics=intrinsics)
        self.double, self.long, self.mask, self.suffix = "double", "i64", "i1", "f64"

    def vector(self, values: Sequence[float]) -> str:
        return hexadecimal(values[0])

    def _repeat(self, kind: str, text: str) -> str:
        return text

    def gather(self, base: str, index: str) -> str:
        return self.do(f"load double, ptr {self._entry(base, index)}, align 8")

    def scatter(self, value: str, base: str, index: str) -> None:
        self.line(f"store double {value}, ptr {self._entry(base, index)}, align 8")

    def broadcast(self, scalar: str, kind: str = "double") -> str:
        return scalar

    def _entry(self, base: str, index: str) -> str:
        return self.do(f"getelementptr inbounds double, ptr {base}, i64 {index}")
