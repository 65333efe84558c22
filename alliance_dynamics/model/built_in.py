"""The models that travel with the package, by name."""

from __future__ import annotations

from pathlib import Path

from alliance_dynamics.errors import UsageError, fault, suggestion
from alliance_dynamics.model.compose import compose
from alliance_dynamics.model.elements import add_elements
from alliance_dynamics.model.model import Model
from alliance_dynamics.model.read import read_model
from alliance_dynamics.resources import resource

MODULES = ("regional_innovation", "industrial_innovation", "coordination")
ALLIANCE = "alliance"
BUILT_IN = (ALLIANCE, *MODULES)
TITLES = {
    "alliance": {"en": "Interregional industry alliance", "ru": "Межрегиональный отраслевой альянс"},
    "regional_innovation": {"en": "Regional innovation subsystem", "ru": "Региональная инновационная подсистема"},
    "industrial_innovation": {"en": "Industrial innovation subsystem", "ru": "Отраслевая инновационная подсистема"},
    "coordination": {"en": "Clusters, alliance, federal body", "ru": "Кластеры, альянс, федеральный орган"},
}


def title_of(name: str, language: str) -> str:
    """What a model or module is called where people read it; its own name if it is none of ours."""
    return TITLES.get(name, {}).get(language, name)


def is_built_in(name: str) -> bool:
    """Whether a model is one of ours, with elements added (`alliance+extended`) or without."""
    return name.partition("+")[0] in BUILT_IN


def is_alliance(name: str) -> bool:
    """Whether a model is the composed one, with elements added or without."""
    return name.partition("+")[0] == ALLIANCE


def open_model(name_or_path: str) -> Model:
    """A model by path, or one of the built-in names; `alliance` is the three modules composed.

    `NAME+ELEMENTS` adds the elements of tables: `alliance+extended` those of the package, `alliance+rows.csv` those of
    a file; further tables follow behind a further `+`.
    """
    if not is_built_in(name_or_path):
        return read_model(name_or_path)
    name, *tables = name_or_path.split("+")
    if name != ALLIANCE and (own := [each for each in tables if each in _own_tables()]):
        raise UsageError(
            fault("", "The elements `{table}` are made for `{whole}`, not for `{name}` alone", table=own[0],
                  whole=ALLIANCE, name=name, remedy="Name `{whole}+{table}`, or give a table of your own")
        )  # fmt: skip
    model = _built_in(name)
    return add_elements(model, [_element_table(each) for each in tables]) if tables else model


def _built_in(name: str) -> Model:
    if name == ALLIANCE:
        return compose([_built_in(each) for each in MODULES], ALLIANCE)
    return read_model(resource("sdmodels") / f"{name}.mdl")


def _own_tables() -> dict[str, Path]:
    return {each.stem: each for each in sorted((resource("sdmodels") / "elements").glob("*.csv"))}


def _element_table(name: str) -> Path:
    if name.lower().endswith(".csv"):
        return Path(name)
    own = _own_tables()
    if name not in own:
        raise UsageError(
            fault("", "There are no elements `{name}`", expected="One of {known}, or the path of a table (.csv)",
                  remedy=suggestion(name, own), name=name, known=", ".join(own))
        )  # fmt: skip
    return own[name]
