"""The model W1 of `w1.mdl`: its parameters' ranges, what is stored of it, and its equations written out by hand."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from alliance_dynamics.kernel.integrate import Schedule
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.model.read import read_model
from alliance_dynamics.simulate import program_of

FOLDER = Path(__file__).parent
OUTPUTS = ("capital", "applied_k", "technology", "patents", "adopters", "startups")
RANGES = {
    "alpha": (0.28, 0.38),
    "savings": (0.20, 0.30),
    "depr": (0.04, 0.07),
    "birth_rate": (0.010, 0.016),
    "lifetime": (65.0, 80.0),
    "rd_intensity": (0.015, 0.04),
    "public_share": (0.2, 0.5),
    "phi": (0.3, 0.6),
    "lam": (0.5, 0.8),
    "obsolescence": (0.02, 0.08),
    "basic_delay": (3.0, 8.0),
    "edu_delay": (3.0, 6.0),
    "hire_time": (1.0, 3.0),
    "grant_time": (2.0, 4.0),
    "patent_life": (12.0, 20.0),
    "bass_p": (0.005, 0.03),
    "bass_q": (0.2, 0.5),
    "entry_rate": (0.02, 0.06),
    "exit_rate": (0.04, 0.10),
    "policy_strength": (0.0, 1.0),
}
CROWD = ((0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0), (0.3, 0.55, 0.75, 0.9, 1.0, 1.12, 1.2, 1.25))
EDUCATION = ((0.0, 0.4, 0.8, 1.2, 1.6, 2.0, 2.4, 2.8), (0.2, 0.45, 0.8, 1.1, 1.35, 1.5, 1.6, 1.65))
FUNDING = ((-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5), (0.3, 0.55, 0.9, 1.2, 1.5, 1.7, 1.85, 1.9))
# in the order of `rates`: the 17 stocks; expected output and the contents of the two delays follow
STOCKS = (100.0, 6.0, 12.0, 1.0, 300.0, 6.0, 10.0, 8.0, 1.0, 5.0, 40.0, 20.0, 4.0, 95.0, 5.0, 30.0, 0.5)
STORED = (4, 7, 8, 10, 14, 12)  # where OUTPUTS stand among the states


class Functions(NamedTuple):
    """What the equations are computed with: plain floats or arrays over runs."""

    exp: Callable[[Any], Any]
    tanh: Callable[[Any], Any]
    sqrt: Callable[[Any], Any]
    least: Callable[[Any, Any], Any]
    most: Callable[[Any, Any], Any]
    table: Callable[[Any, tuple[Sequence[float], Sequence[float]]], Any]
    around: Callable[[Any], Any] = lambda basic_k: basic_k  # what W2 mixes into it from other regions


def program(name: str = "w1") -> Program:
    """The program of `w1.mdl`, or of `w1_arithmetic.mdl`, whose tables are written as sums of hinges."""
    return program_of(read_model(FOLDER / f"{name}.mdl"))


def schedule(steps_per_year: int) -> Schedule:
    """2000 to 2050 with yearly saves."""
    return Schedule(2000.0, 1 / steps_per_year, 50 * steps_per_year, steps_per_year)


def draws(program: Program, count: int, seed: int = 1) -> np.ndarray:
    """Parameter rows [count, parameters of the program], uniform in `RANGES`."""
    rows = np.tile(np.array(program.defaults), (count, 1))
    low, high = np.array(list(RANGES.values())).T
    columns = [program.parameter_index[name] for name in RANGES]
    rows[:, columns] = np.random.default_rng(seed).uniform(low, high, (count, len(RANGES)))
    return rows


def named(program: Program, row: np.ndarray) -> dict[str, float]:
    """The values of `RANGES` in a parameter row."""
    return {name: float(row[program.parameter_index[name]]) for name in RANGES}


def _interpolate(x: float, table: tuple[Sequence[float], Sequence[float]]) -> float:
    knots, values = table
    if x <= knots[0]:
        return values[0]
    if x >= knots[-1]:
        return values[-1]
    i = bisect_right(knots, x) - 1
    return values[i] + (values[i + 1] - values[i]) * (x - knots[i]) / (knots[i + 1] - knots[i])


FLOATS = Functions(math.exp, math.tanh, math.sqrt, min, max, _interpolate)
ARRAYS = Functions(np.exp, np.tanh, np.sqrt, np.minimum, np.maximum, lambda x, table: np.interp(x, *table))


def initial(p: Sequence[Any], f: Functions) -> list[Any]:
    """The 24 states at 2000, parameters `p` in the order of `RANGES`."""
    output, basic_output, enrol = _chain(2000.0, STOCKS, None, p, f)[:3]
    content, pupils = basic_output * p[10] / 3, enrol * p[11] / 3
    return [*STOCKS, output, content, content, content, pupils, pupils, pupils]


def rates(t: float, y: Sequence[Any], p: Sequence[Any], f: Functions) -> list[Any]:
    """d state / dt of the 24 states."""
    return _chain(t, y[:17], y[17:], p, f)[3]


def _chain(t: float, y: Sequence[Any], memory: Sequence[Any] | None, p: Sequence[Any], f: Functions) -> Any:
    (population, trainees, skilled, rdp, capital, rd_capital, basic_k, applied_k, technology, pending, patents, firms,
     startups, potential, adopters, debt, reputation) = y  # fmt: skip
    (alpha, savings, depr, birth_rate, lifetime, rd_intensity, public_share, phi, lam, obsolescence, basic_delay,
     edu_delay, hire_time, grant_time, patent_life, bass_p, bass_q, entry_rate, exit_rate, strength) = p  # fmt: skip
    policy = strength * max(0.0, min(1.0, (t - 2020) / 10))
    labour = 0.5 * population
    unskilled = f.most(labour - skilled - rdp - trainees, 0.1 * labour)
    eff_labour = unskilled + 2 * skilled
    output = 100 * technology * (capital / 300) ** alpha * (eff_labour / 60) ** (1 - alpha)
    gdp_pc = output / population
    expected, b1, b2, b3, e1, e2, e3 = (output, *[0.0] * 6) if memory is None else memory
    growth_signal = output / expected - 1
    rd_spend = rd_intensity * (1 + 0.5 * policy) * (1 + 0.3 * f.tanh(4 * growth_signal)) * output
    public_rd = public_share * rd_spend
    private_rd = rd_spend - public_rd
    attrition = rdp / 25
    hiring = f.most(0.0, f.least((0.5 * rd_spend / gdp_pc - rdp) / hire_time + attrition, 0.1 * skilled))
    crowding = f.table(rd_capital / (6 * rdp), CROWD)
    basic_output = 0.5 * crowding * (3 * public_share * rdp) ** lam * (f.around(basic_k) / 10) ** phi
    applied_rd = 0.5 * (0.5 + reputation) * (private_rd / 2) ** lam * (applied_k / 8) ** phi
    adopt_frac = adopters / (adopters + potential)
    wage_premium = 0.3 * gdp_pc * labour / (skilled + rdp)
    enrol = 0.02 * labour * f.table(wage_premium, EDUCATION) * (1 + 0.3 * policy)
    b_out, e_out = b3 * 3 / basic_delay, e3 * 3 / edu_delay
    grants, rejections = 0.7 * pending / grant_time, 0.3 * pending / grant_time
    entries = entry_rate * firms * f.table(10 * growth_signal + policy, FUNDING) * f.sqrt(applied_k / 8)
    maturation = startups / 5
    adoption = potential * (bass_p + bass_q * adopt_frac)
    discard = adopters / 12
    moves = [
        birth_rate * population * f.exp(-0.15 * (gdp_pc - 1)) - population / lifetime,
        enrol - e_out,
        e_out - skilled / 35 - hiring,
        hiring - attrition,
        savings * output - depr * capital,
        0.3 * rd_spend - 0.12 * rd_capital,
        basic_output - 0.5 * obsolescence * basic_k,
        b_out + applied_rd - obsolescence * applied_k,
        0.01 * technology * f.tanh(applied_k / 20) * (1 + 0.5 * adopt_frac),
        0.6 * applied_k * (0.5 + reputation) - grants - rejections,
        grants - patents / patent_life,
        maturation - exit_rate * firms,
        entries - maturation - 0.15 * startups * f.exp(-0.5 * policy * adopt_frac),
        discard + 0.01 * population - adoption,
        adoption - discard,
        0.03 * debt + public_rd * (1 + policy) - f.least(0.1 * debt, 0.04 * output),
        (1 / (1 + f.exp(-2 * (patents / 40 - 1))) - reputation) / 4,
        (output - expected) / 3,
        basic_output - b1 * 3 / basic_delay,
        (b1 - b2) * 3 / basic_delay,
        (b2 - b3) * 3 / basic_delay,
        enrol - e1 * 3 / edu_delay,
        (e1 - e2) * 3 / edu_delay,
        (e2 - e3) * 3 / edu_delay,
    ]
    return output, basic_output, enrol, moves


def arrays_rk4(rows: np.ndarray, steps_per_year: int, functions: Functions = ARRAYS) -> np.ndarray:
    """Vectorised NumPy: RK4 over all runs at once, parameters [runs, 20] in the order of `RANGES`.

    Gives [runs, 51, 6]: `OUTPUTS` each year.
    """
    p = list(np.ascontiguousarray(rows.T))
    y = np.array(np.broadcast_arrays(*initial(p, functions), p[0])[:-1], dtype=float)
    dt = 1 / steps_per_year
    kept = np.empty((51, len(OUTPUTS), len(rows)))
    stored = list(STORED)

    def slope(t: float, state: np.ndarray) -> np.ndarray:
        return np.array(rates(t, state, p, functions))

    for step in range(50 * steps_per_year + 1):
        t = 2000 + step * dt
        if step % steps_per_year == 0:
            kept[step // steps_per_year] = y[stored]
        k1 = slope(t, y)
        k2 = slope(t + dt / 2, y + dt / 2 * k1)
        k3 = slope(t + dt / 2, y + dt / 2 * k2)
        k4 = slope(t + dt, y + dt * k3)
        y = y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return kept.transpose(2, 0, 1)
