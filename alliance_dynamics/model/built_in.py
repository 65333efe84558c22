"""The models that travel with the package, by name."""

from __future__ import annotations

from alliance_dynamics.model.compose import compose
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


def open_model(name_or_path: str) -> Model:
    """A model by path, or one of the built-in names; `alliance` is the three modules composed."""
    if name_or_path == ALLIANCE:
        return compose([open_model(name) for name in MODULES], ALLIANCE)
    if name_or_path in MODULES:
        return read_model(resource("sdmodels") / f"{name_or_path}.mdl")
    return read_model(name_or_path)
