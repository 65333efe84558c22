"""Small XMILE models as text, and the door through which tests read and run them."""

from __future__ import annotations

from pathlib import Path

from alliance_dynamics.model.model import Model
from alliance_dynamics.model.xmile import read_xmile
from alliance_dynamics.simulate import run_model

TEN_STEPS = "<start>0</start><stop>10</stop><dt>1</dt>"
REGIONS = '<dim name="Region"><elem name="North"/><elem name="South"/><elem name="West"/></dim>'
COUNTED = '<dim name="N" size="3"/><dim name="M" size="2"/>'


def document(
    variables: str,
    *,
    dimensions: str = "",
    specs: str = TEN_STEPS,
    method: str = "Euler",
    after: str = "",
    head: str = "",
) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<xmile version="1.0" xmlns="http://docs.oasis-open.org/xmile/ns/XMILE/v1.0">\n'
        f'<header><vendor>test</vendor><product version="1">test</product>{head}</header>\n'
        f'<sim_specs method="{method}" time_units="Months">{specs}</sim_specs>\n'
        f"<dimensions>{dimensions}</dimensions>\n"
        f"<model><variables>\n{variables}\n</variables></model>\n{after}</xmile>\n"
    )


def aux(name: str, equation: str, *dimensions: str) -> str:
    """An auxiliary; the equation is escaped for XML."""
    text = equation.replace("&", "&amp;").replace("<", "&lt;")
    return f'<aux name="{name}">{over(*dimensions)}<eqn>{text}</eqn></aux>'


def over(*dimensions: str) -> str:
    inside = "".join(f'<dim name="{each}"/>' for each in dimensions)
    return f"<dimensions>{inside}</dimensions>" if dimensions else ""


def read(folder: Path, text: str) -> Model:
    path = folder / "model.xmile"
    path.write_text(text, encoding="utf-8")
    return read_xmile(path)


def run(folder: Path, text: str) -> dict[str, list[float]]:
    """Every series of a run under its label."""
    result = run_model(read(folder, text), backend="numpy")
    return {label: result.values[:, i].tolist() for i, label in enumerate(result.columns)}


def value(folder: Path, equation: str, *more: str, dimensions: str = "") -> float:
    """The first value of one equation, beside further variables."""
    return run(folder, document(aux("x", equation) + "".join(more), dimensions=dimensions))["x"][0]
