"""Emitters of several widths that write into one function, single numbers among them."""

from __future__ import annotations

from collections.abc import Sequence

from alliance_dynamics.kernel.emit import Emit
from alliance_dynamics.kernel.formats import DOUBLE, Format


class Part(Emit):
    """Writes into a body that emitters of other widths write into, too.

    `used`: how many lanes of what is written next hold anything; the others are never unusual.
    """

    def __init__(
        self,
        width: int,
        *,
        splat: bool = True,
        form: Format = DOUBLE,
        brief: bool = False,
        lines: list[str] | None = None,
        intrinsics: set[str] | None = None,
    ):
        super().__init__(width, splat=splat, form=form, brief=brief)
        self.lines = [] if lines is None else lines
        self.intrinsics = set() if intrinsics is None else intrinsics
        self.used = width

    def do(self, text: str) -> str:
        self._count += 1
        name = f"%v{self.width}_{self._count}"
        self.lines.append(f"  {name} = {text}")
        return name

    def unusual(self, mask: str) -> None:
        if self.used < self.width:
            used = ", ".join(f"i1 {str(lane < self.used).lower()}" for lane in range(self.width))
            mask = self.both(mask, f"<{used}>")
        super().unusual(mask)


class Scalar(Part):
    """Numbers in place of vectors: one lane, in scalar registers."""

    def __init__(
        self,
        width: int = 1,
        *,
        splat: bool = True,
        form: Format = DOUBLE,
        brief: bool = False,
        lines: list[str] | None = None,
        intrinsics: set[str] | None = None,
    ):
        super().__init__(width, splat=splat, form=form, brief=brief, lines=lines, intrinsics=intrinsics)
        self.double, self.long, self.mask, self.suffix = self.kind, self.whole, "i1", f"f{form.bits}"

    def vector(self, values: Sequence[float]) -> str:
        return self.number(values[0])

    def any_unusual(self) -> str:
        return self._unusual or "false"

    def gather(self, base: str, index: str) -> str:
        return self.do(f"load {self.kind}, ptr {self._entry(base, index)}, align {self.size}")

    def scatter(self, value: str, base: str, index: str) -> None:
        self.line(f"store {self.kind} {value}, ptr {self._entry(base, index)}, align {self.size}")

    def broadcast(self, scalar: str, kind: str = "") -> str:
        return scalar

    def _repeat(self, kind: str, text: str) -> str:
        return text

    def _entry(self, base: str, index: str) -> str:
        return self.do(f"getelementptr inbounds {self.kind}, ptr {base}, {self.whole} {index}")
