"""W2: W1 in 8 regions times 3 industries, 576 states, coupled by what regions of an industry learn from each other."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from alliance_dynamics.kernel.program import Program
from alliance_dynamics.model.read import read_model
from alliance_dynamics.simulate import program_of
from benchmarks import w1

REGIONS, INDUSTRIES = 8, 3
ELEMENTS = REGIONS * INDUSTRIES
TABLES = ("lk_crowd", "lk_edu", "lk_fund")
CONTROL = ("INITIAL TIME", "FINAL TIME", "TIME STEP", "SAVEPER")


def outputs(regions: int) -> tuple[str, ...]:
    return tuple(f"{name}[r{r},i{i}]" for name in w1.OUTPUTS for r in range(regions) for i in range(INDUSTRIES))


OUTPUTS = outputs(REGIONS)


def text(regions: int = REGIONS) -> str:
    """The Vensim text, made from that of W1: every equation for every element, parameters by element."""
    whole = (w1.FOLDER / "w1.mdl").read_text(encoding="utf-8").split("\\\\\\---///")[0]
    equations = [part.strip().split("~")[0].strip() for part in whole.split("|")]
    equations = [each for each in equations if each and not each.startswith(("{", "*"))]
    own = [re.split(r"[=(]", each, maxsplit=1)[0].strip() for each in equations]
    varied = set(own) - set(TABLES) - set(CONTROL)
    word = re.compile(r"\b(" + "|".join(sorted(varied, key=len, reverse=True)) + r")\b")
    found = [
        f"region: {', '.join(f'r{r}' for r in range(regions))}",
        f"industry: {', '.join(f'i{i}' for i in range(INDUSTRIES))}",
        "place[region,industry]=\n\t" + "".join(
            ",".join(str(INDUSTRIES * r + i) for i in range(INDUSTRIES)) + ";" for r in range(regions)
        ),
        "spill[industry]=\n\tSUM(basic_k[region!,industry])/" + str(regions),
    ]  # fmt: skip
    for name, equation in zip(own, equations, strict=True):
        if name not in varied:
            found.append(equation)
            continue
        body = equation.split("=", 1)[1].strip()
        if name in w1.RANGES:
            found.append(f"middle_{name}=\n\t{body}")
            body = f"middle_{name}*(1+0.004*(place[region,industry]-12))"
        elif name == "basic_output":
            body = word.sub(r"\1[region,industry]", body.replace("basic_k/10", "(0.7*basic_k+0.3*SPILL)/10"))
            body = body.replace("SPILL", "spill[industry]")
        else:
            body = word.sub(r"\1[region,industry]", body)
        found.append(f"{name}[region,industry]=\n\t{body}")
    return "{UTF-8}\n" + "".join(f"{each}\n\t~\t\n\t~\t\n\t|\n\n" for each in found)


def program(folder: Path, regions: int = REGIONS) -> Program:
    path = folder / f"w2_{regions}.mdl"
    path.write_text(text(regions), encoding="utf-8")
    return program_of(read_model(path))


def by_hand(steps_per_year: int) -> np.ndarray:
    """Vectorised NumPy over the elements of one run at the middle of all ranges, [51, outputs]."""
    middle = np.array([(low + high) / 2 for low, high in w1.RANGES.values()])
    rows = middle * (1 + 0.004 * (np.arange(ELEMENTS)[:, None] - 12))

    def around(basic_k: np.ndarray | float) -> np.ndarray | float:
        if np.ndim(basic_k) == 0:  # at the start all elements have the same
            return basic_k
        mean = np.reshape(basic_k, (REGIONS, INDUSTRIES)).mean(axis=0)
        return 0.7 * basic_k + 0.3 * np.tile(mean, REGIONS)

    found = w1.arrays_rk4(rows, steps_per_year, w1.ARRAYS._replace(around=around))
    return found.transpose(1, 2, 0).reshape(found.shape[1], -1)
