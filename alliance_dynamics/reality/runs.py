"""The runs that the sentences speak of: each made once, with one kernel for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from alliance_dynamics.errors import Fault, InputError
from alliance_dynamics.futures import columns_of_regime
from alliance_dynamics.kernel.integrals import integral_name, with_integrals
from alliance_dynamics.kernel.integrate import compile_kernel
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.model.model import Model
from alliance_dynamics.model.names import canonical
from alliance_dynamics.parameters import Parameters
from alliance_dynamics.reality.cases import Floats
from alliance_dynamics.reality.sentences import EVERY, Change, Check
from alliance_dynamics.scenarios import Scenario, find_regime, read_regimes
from alliance_dynamics.settings import schedule_of, targets_of
from alliance_dynamics.simulate import program_of


class Runner:
    """Runs of the cases at hand, each made once; one kernel stores what all checks speak of."""

    def __init__(self, model: Model, checks: Sequence[Check], parameters: Parameters, jobs: int):
        self.model, self.parameters, self.jobs = model, parameters, jobs
        self.known = read_regimes(parameters=parameters)
        plain = program_of(model)
        names = list(plain.outputs)
        flows = [name for each in checks for name in self._wanted(names, (*each.inflows, *each.outflows), each.id)]
        self.program = with_integrals(plain, flows)
        wanted: dict[str, None] = {}
        for each in checks:
            wanted |= dict.fromkeys(self._wanted(names, (*each.variables, *each.total), each.id))
        wanted |= dict.fromkeys(integral_name(name) for name in flows)
        self.outputs = list(wanted)
        self.place = {name: i for i, name in enumerate(self.outputs)}
        self.kernel = compile_kernel(self.program, self.outputs)
        self.schedule, _ = schedule_of(self.program, np.array(self.program.defaults))
        self.times = self.schedule.times
        self._made: dict[Any, Floats] = {}

    def begin(self, rows: Floats) -> None:
        self.rows = rows
        self._made.clear()

    def regimes(self, check: Check) -> tuple[str, ...]:
        return tuple(each.id for each in self.known) if check.change.regime == EVERY else (check.change.regime,)

    def values(self, change: Change, regime: str) -> Floats:
        """[cases, time, outputs] of a run; NaN from where it went non-finite."""
        own: Scenario = find_regime(regime if change.regime == EVERY else change.regime, self.known)
        key = (own.id, tuple(change.set.items()), change.alike)
        if key not in self._made:
            rows = self.rows.copy()
            for column, value in columns_of_regime(self.program, self.model, own, self.parameters).items():
                rows[:, column] = value
            for name, value in change.set.items():
                columns = targets_of(self.model, self.program, name)
                if isinstance(columns, Fault):
                    raise InputError(columns)
                rows[:, columns] = value
            if change.alike:
                _make_alike(self.model, self.program, rows)
            result = self.kernel.run(rows, self.schedule, method=self.model.time.method, threads=self.jobs)
            values = np.array(result.values)
            values[result.failed >= 0] = np.nan
            self._made[key] = values
        return self._made[key]

    def names(self, asked: Sequence[str], check: str) -> list[str]:
        """The outputs that the names of a check stand for."""
        return self._wanted(list(self.program.outputs), asked, check)

    def columns(self, asked: Sequence[str], check: str) -> list[int]:
        return [self.place[each] for each in self.names(asked, check)]

    def _wanted(self, names: list[str], asked: Sequence[str], check: str) -> list[str]:
        wanted = {canonical(each) if "[" not in each else each for each in asked}
        found = [name for name in names if name in wanted or name.partition("[")[0] in wanted
                 or ("stocks" in wanted and is_stock(self.model, name))]  # fmt: skip
        reached = {part for name in found for part in (name, name.partition("[")[0])}
        if missing := wanted - reached - {"stocks"}:
            raise ValueError(f"checks.toml: {check} names what the model lacks: {', '.join(sorted(missing))}")
        return found


def is_stock(model: Model, name: str) -> bool:
    variable = model.variables.get(name.partition("[")[0])
    return variable is not None and variable.kind == "stock"


def _make_alike(model: Model, program: Program, rows: Floats) -> None:
    """Gives every region the constants of the first one, and every pair of regions the distance of the first pair."""
    for variable in model.variables.values():
        if variable.kind != "constant" or "region" not in variable.dimensions[:1]:
            continue
        elements = model.dimensions["region"].elements
        first = elements[0]
        rest = [e for each in variable.dimensions[1:] for e in (model.dimensions[each].elements,)]
        tails = rest[0] if rest else ("",)
        if tails and set(tails) == set(elements):  # between regions
            pair = rows[:, program.parameter_index[f"{variable.name}[{first},{elements[1]}]"]]
            for one in elements:
                for two in elements:
                    if one != two:
                        rows[:, program.parameter_index[f"{variable.name}[{one},{two}]"]] = pair
            continue
        for tail in tails:
            end = f",{tail}]" if tail else "]"
            for one in elements[1:]:
                column = program.parameter_index.get(f"{variable.name}[{one}{end}")
                source = program.parameter_index.get(f"{variable.name}[{first}{end}")
                if column is not None and source is not None:
                    rows[:, column] = rows[:, source]
