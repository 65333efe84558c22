"""Small Vensim texts for tests, and how they are read."""

from __future__ import annotations

from pathlib import Path

from alliance_dynamics.errors import ModelError
from alliance_dynamics.model.model import Model
from alliance_dynamics.model.vensim import read_vensim_text

CONTROLS = "\nINITIAL TIME = 0 ~~|\nFINAL TIME = 10 ~~|\nTIME STEP = 1 ~~|\nSAVEPER = 1 ~~|\n"
SHARED = Path(__file__).resolve().parents[3] / "shared"


def read(equations: str, folder: Path | None = None) -> Model:
    return read_vensim_text(equations + CONTROLS, "model.mdl", folder).model


def expression_of(text: str, others: str = ""):
    """The expression of `x = text`."""
    return read(f"x = {text} ~~|\n{others}").variables["x"].definitions[0].expression


def refusal(equations: str, folder: Path | None = None) -> str:
    """The message with which a text is refused."""
    try:
        read(equations, folder)
    except ModelError as error:
        return str(error)
    raise AssertionError("the text was read")
