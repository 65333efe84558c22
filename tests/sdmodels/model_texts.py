"""A plain reading of the three model texts: blocks, constants, and their union in one text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "sdmodels"
FILES = ("regional_innovation", "industrial_innovation", "coordination")
_NUMBERS = re.compile(r"^[\s\d.,;eE+-]+$")
_SKETCH = "\\\\\\---///"


@dataclass(frozen=True)
class Block:
    """One `equation ~ unit ~ comment |` of a model text."""

    name: str
    left: str
    right: str
    unit: str
    comment: str
    text: str

    @property
    def is_constant(self) -> bool:
        """Whether the right side is a list of numbers and nothing else."""
        return bool(self.right.strip()) and bool(_NUMBERS.match(self.right))

    @property
    def values(self) -> list[list[float]]:
        """The numbers, row by row."""
        rows = [row for row in self.right.split(";") if row.strip()]
        return [[float(cell) for cell in row.split(",")] for row in rows]


def canonical(label: str) -> str:
    """The name of a label: no quotes, lower case, blanks as one underscore."""
    return re.sub(r"[\s_]+", "_", label.strip().strip('"').strip()).casefold()


def read_blocks(name: str) -> list[Block]:
    """The blocks of a file in order, group headers left out."""
    text = (FOLDER / f"{name}.mdl").read_text(encoding="utf-8").split(_SKETCH)[0].removeprefix("{UTF-8}")
    found = []
    for part in text.split("|")[:-1]:
        if "****" in part:
            continue
        equation, unit, comment = (
            re.sub(r"\s+", " ", piece.replace("\\\n", "\n")).strip() for piece in part.split("~")
        )
        left, _, right = _split(equation)
        found.append(Block(canonical(re.sub(r"\[.*", "", left)), left, right.strip(), unit, comment, part.strip("\n")))
    return found


def dependencies() -> dict[str, set[str]]:
    """Computed variable -> the variables on its right side, in the composed text."""
    blocks = [block for name in FILES for block in read_blocks(name)]
    names = sorted({block.name for block in blocks}, key=len, reverse=True)
    pattern = re.compile("|".join(rf"(?<![a-z&]){re.escape(name.replace('_', ' '))}(?![a-z&])" for name in names))
    found: dict[str, set[str]] = {}
    for block in blocks:
        if not block.is_constant and "=" in block.text.split("~")[0]:
            right = re.sub(r"[\s_]+", " ", re.sub(r"\[[^\]]*\]", " ", block.right)).casefold()
            found.setdefault(block.name, set()).update(canonical(name) for name in pattern.findall(right))
    return found


def ending(name: str) -> str:
    """Sketch and settings of a file."""
    text = (FOLDER / f"{name}.mdl").read_text(encoding="utf-8")
    return text[text.index(_SKETCH) :]


def composed() -> str:
    """The three texts as one: a constant that another file computes is dropped, a shared constant kept once."""
    blocks = [block for name in FILES for block in read_blocks(name)]
    computed = {block.left for block in blocks if not block.is_constant}
    computed_names = {canonical(re.sub(r"\[.*", "", left)) for left in computed}
    kept: dict[str, Block] = {}
    for block in blocks:
        if block.is_constant and block.name in computed_names:
            continue
        kept.setdefault(block.left, block)
    return "{UTF-8}\n" + "\n\n".join(f"{block.text}|" for block in kept.values()) + "\n\n" + ending(FILES[0])


def _split(equation: str) -> tuple[str, str, str]:
    """Left side, sign and right side of an equation, a look-up or a dimension."""
    quoted = re.match(r'"[^"]*"', equation)
    start = quoted.end() if quoted else 0
    sign = re.compile(r"<->|=|\(|:").search(equation, start)
    assert sign, equation
    return equation[: sign.start()].strip(), sign.group(), equation[sign.end() :]
