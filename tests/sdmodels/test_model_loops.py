"""Every feedback loop that the documentation names is really in the equations, link by link."""

from __future__ import annotations

from itertools import pairwise

import pytest
from model_texts import FOLDER, canonical, dependencies

LINKS = dependencies()
RETURN = (
    "innovative sales > current relative R&D return > change in perceived return > perceived relative R&D return"
    " > private R&D funding"
)
WORK = (
    "solo R&D expenditure > solo R&D effort > solo R&D in progress > solo R&D completion > solo R&D results"
    " > R&D results"
)
PAY = "private R&D funding > R&D funding of firms > solo R&D expenditure"
ASK = "proposals > approved projects > joint R&D expenditure"
JOINT = "joint R&D expenditure > joint R&D effort > joint R&D in progress > joint R&D completion > joint R&D results"
SECTOR = (
    "joint R&D results > sector joint experience > sector experience effect > alliance trust building > alliance trust"
)
CLUSTER = (
    "joint R&D results > cluster joint experience > cluster experience effect > cluster trust building > cluster trust"
)
KNOW = "knowledge capital > available knowledge > industry productivity index > industry value added"
READY = "alliance trust > relational readiness > proposals"
LOOPS = {
    "R1": [PAY, WORK, f"R&D results > results backlog > commercialisation > launches > {RETURN}"],
    "R2": [PAY, WORK, f"R&D results > {KNOW} > private R&D funding"],
    "R3": [
        "knowledge capital > absorptive capacity > external knowledge > spillover effect on R&D productivity"
        " > R&D yield > solo R&D results > R&D results > knowledge capital"
    ],
    "R4": ["industry value added > industry investment > physical capital > industry value added"],
    "R5": [
        "gross regional product > change in perceived GRP > perceived GRP > public R&D expenditure"
        " > regional science knowledge > science spillover > external knowledge > available knowledge"
        " > industry productivity index > industry value added > gross regional product"
    ],
    "R6": [
        "internal R&D expenditure > relative R&D budget > affordable R&D staff > desired hiring > hiring"
        " > R&D personnel > researchers per real rouble > people effect > solo R&D effort",
        WORK,
        f"R&D results > {KNOW} > private R&D funding",
        f"{PAY} > industry R&D expenditure > internal R&D expenditure",
        "R&D personnel > trainee intake > R&D trainees > trainee completion > hiring capacity > hiring > R&D personnel",
    ],
    "R7": [
        f"{CLUSTER} > relational readiness > {ASK}",
        JOINT,
        "cluster trust > local link formation > local link density > link intensity > consortium synergy"
        " > joint R&D results",
    ],
    "R8": [
        f"{SECTOR} > relational readiness > {ASK}",
        JOINT,
        "alliance trust > interregional link formation > interregional link density > interregional gain"
        " > external knowledge",
    ],
    "R9": [
        "alliance trust > information sharing > information quality > joint project productivity",
        f"joint project productivity > {SECTOR}",
        "information quality > alliance trust building > alliance trust",
    ],
    "R10": [
        "knowledge capital > partner pool > neighbour knowledge index > partner knowledge > external knowledge"
        " > spillover effect on R&D productivity > R&D yield > solo R&D results > R&D results > knowledge capital"
    ],
    "R11": [
        "joint R&D results > pool contribution > sectoral knowledge pool > pool knowledge > external knowledge"
        " > spillover effect on R&D productivity > R&D yield > joint R&D results"
    ],
    "R12": [f"cluster trust > change in members > alliance members > membership share > {ASK}", JOINT, CLUSTER],
    "B1": ["knowledge capital > knowledge obsolescence > knowledge capital"],
    "B2": ["innovative sales > novelty ageing > innovative sales"],
    "B3": ["knowledge capital > fishing out > R&D yield > solo R&D results > R&D results > knowledge capital"],
    "B4": [
        "industry R&D expenditure > internal R&D expenditure > relative R&D budget > researchers per real rouble"
        " > people effect > solo R&D effort"
    ],
    "B5": ["R&D personnel > R&D staff attrition > R&D personnel"],
    "B6": [
        f"{SECTOR} > interregional link formation > interregional link density > coordination overhead"
        " > joint R&D effort > joint R&D in progress > joint R&D completion > joint R&D results"
    ],
    "B7": [
        "proposals > sector proposals > inflow to federal body > proposals at federal body > decision delay"
        f" > delay stress > alliance trust erosion > {READY}",
        "decision delay > excess delay > withdrawals at federal body > proposals at federal body",
    ],
    "B8": [f"selection power > imposed power > alliance trust erosion > {READY}"],
    "B9": [
        f"{ASK.split(' > joint')[0]} > wanted federal money > federal money paid > alliance fund > fund outflow limit"
        " > federal money paid > funded ratio > change in funding reliability > perceived funding reliability"
        " > proposals",
        "perceived funding reliability > alliance trust erosion",
        "funded ratio > joint R&D expenditure",
    ],
    "B10": [
        "industry productivity index > technology adoption > technology adoption index > industry productivity index"
    ],
    "B11": [
        "target alignment > change in alignment > priority alignment > change in alignment",
        "priority alignment > duplication > solo R&D results",
    ],
    "B12": [
        "interregional link density > interregional link formation > interregional link density",
        "interregional link density > interregional link decay > interregional link density",
    ],
    "B13": ["joint R&D expenditure > public money in joint projects > R&D funding of firms > solo R&D expenditure"],
    "B14": [
        "industry R&D expenditure > current relative R&D return > change in perceived return"
        " > perceived relative R&D return > private R&D funding",
        f"{PAY} > industry R&D expenditure",
    ],
    "B15": [
        "alliance trust > consensus time > excess consensus time > withdrawals from consensus"
        f" > proposals awaiting consensus > agreed proposals > {ASK.removeprefix('proposals > ')}",
        JOINT,
        SECTOR,
    ],
}


@pytest.mark.parametrize("loop", LOOPS)
def test_a_loop_of_the_documentation_is_in_the_equations(loop):
    for path in LOOPS[loop]:
        names = [canonical(name) for name in path.split(" > ")]
        for cause, effect in pairwise(names):
            assert cause in LINKS[effect], f"{effect} does not depend on {cause}"


def test_the_documentation_lists_these_loops():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for loop in LOOPS:
        assert f"| {loop} |" in text
