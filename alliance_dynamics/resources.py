"""Where models, regimes and the calibration problem lie: beside the package in a checkout, inside it once installed."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource(name: str) -> Path:
    """The folder or file of that name, e.g. `resource("sdmodels")`, `resource("calibration/tatarstan")`.

    FileNotFoundError where the installation lacks it, which a sound installation never does.
    """
    for root in (_PACKAGE / "_resources", _PACKAGE.parent):
        found = root.joinpath(*name.split("/"))
        if found.exists():
            return found
    raise FileNotFoundError(f"this installation of alliance-dynamics lacks {name}; install it again")
