"""A model as large as published world models, made here: 10 regions with 40 stocks, 250 auxiliaries, 50 tables."""

from __future__ import annotations

import math
from pathlib import Path

from alliance_dynamics.kernel.integrate import Schedule
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.model.read import read_model
from alliance_dynamics.simulate import program_of

REGIONS = 10
STOCKS = {
    "people": ("births_k-deaths_k+arrivals_k-departures_k", "80+4*K"),
    "capital": ("investment_k-scrapping_k", "150+10*K"),
    "knowledge": ("learning_k+spill_k-forgetting_k", "8+K"),
    "pollution": ("emission_k-absorption_k", "4+0.3*K"),
}
TABLES = {  # name: the function that 8 points are taken from, their range, for region K
    "lk_health": (lambda x, k: 1.1 - 0.5 * (1 - math.exp(-0.3 * x)) - 0.01 * k, 0, 14),
    "lk_skill": (lambda x, k: 0.5 + (1 + 0.02 * k) * x**2, 0, 1),
    "lk_effort": (lambda x, k: 0.4 + 0.5 * x / (x + 0.5 + 0.05 * k), 0, 3.5),
    "lk_share": (lambda x, k: 0.65 + 0.2 * math.exp(-0.5 * x) + 0.002 * k, 0, 7),
    "lk_births": (lambda x, k: 0.7 + 1.4 * math.exp(-0.6 * x) + 0.02 * k, 0, 7),
}
AUXILIARIES = {
    "per_head": "capital_k/people_k",
    "knowledge_share": "knowledge_k/(knowledge_k+10)",
    "pollution_ratio": "pollution_k/5",
    "health": "lk_health_k(pollution_ratio_k)",
    "skill": "lk_skill_k(knowledge_share_k)",
    "effort": "lk_effort_k(per_head_k/2)",
    "mood": "1/(1+EXP(1-per_head_k/2))",
    "workers": "0.5*people_k*effort_k*health_k",
    "output": "1.2*skill_k*capital_k^0.35*workers_k^(0.65-0.002*K)",
    "income": "output_k/people_k",
    "consumption": "lk_share_k(income_k)*output_k",
    "aid": "0.02*(output_n-output_k)",
    "investment": "MAX(0, output_k-consumption_k+aid_k)",
    "scrapping": "capital_k/(15+5*mood_k)",
    "births": "0.018*people_k*lk_births_k(income_k)",
    "deaths": "people_k/(65*health_k*(0.8+0.2*mood_k))",
    "pull": "income_k/(income_k+income_n)",
    "departures": "0.01*people_k*(1-pull_k)",
    "arrivals": "departures_p",
    "learning": "0.04*knowledge_k*(1-knowledge_share_k)+0.01*SQRT(output_k)",
    "spill": "0.005*(knowledge_n-knowledge_k)",
    "forgetting": "0.03*knowledge_k",
    "policy": "IF THEN ELSE(Time>2020+K, 0.2, 0)",
    "emission": "0.02*output_k*(1-MIN(0.9, 0.3+0.5*knowledge_share_k))*(1-policy_k)",
    "absorption": "0.1*pollution_k/(1+0.02*pollution_ratio_k)",
}
OUTPUTS = tuple(f"{name}_{k}" for name in STOCKS for k in range(REGIONS))


def text() -> str:
    """The Vensim text; `_k`, `_n`, `_p` are a region, the next and the one before."""
    found = []
    for k in range(REGIONS):

        def fill(formula: str, k: int = k) -> str:
            for mark, number in (("_k", k), ("_n", (k + 1) % REGIONS), ("_p", (k - 1) % REGIONS)):
                formula = _with_number(formula, mark, number)
            return formula.replace("K", str(k))

        for name, (rate, initial) in STOCKS.items():
            found.append(f"{name}_{k}= INTEG({fill(rate)}, {fill(initial)})")
        for name, (curve, low, high) in TABLES.items():
            points = [low + (high - low) * i / 7 for i in range(8)]
            pairs = ",".join(f"({x:.6g},{curve(x, k):.6g})" for x in points)
            found.append(f"{name}_{k}({pairs})")
        found += [f"{name}_{k}= {fill(formula)}" for name, formula in AUXILIARIES.items()]
    found += ["INITIAL TIME= 1900", "FINAL TIME= 2100", "TIME STEP= 0.125", "SAVEPER= 1"]
    return "{UTF-8}\n" + "".join(f"{each}\n\t~\t\n\t~\t\n\t|\n\n" for each in found)


def _with_number(formula: str, mark: str, number: int) -> str:
    """Names that end in the mark, not those that have it inside."""
    parts = formula.split(mark)
    whole = parts[0]
    for part in parts[1:]:
        inside = part[:1].isalnum() or part[:1] == "_"
        whole += (mark if inside else f"_{number}") + part
    return whole


def program(folder: Path) -> Program:
    path = folder / "world.mdl"
    path.write_text(text(), encoding="utf-8")
    return program_of(read_model(path))


def schedule() -> Schedule:
    return Schedule(1900.0, 0.125, 1600, 8)
