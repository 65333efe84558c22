"""A problem bound to its model: what the model says at every scored measurement, for many parameter sets at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.calibration.drivers import NUMBER, driven
from alliance_dynamics.calibration.formula import evaluate_formula, references
from alliance_dynamics.calibration.grid import Grid, grid_of
from alliance_dynamics.calibration.problem import Experiment, Measurement, Observable, Problem
from alliance_dynamics.calibration.restart import Restart, restartable
from alliance_dynamics.errors import Fault, InputError, Place, UnsupportedError, fault, suggestion
from alliance_dynamics.kernel.integrals import integral_name, with_integrals
from alliance_dynamics.kernel.integrate import Kernel, Schedule, compile_kernel
from alliance_dynamics.model.expression import Expression, Reference
from alliance_dynamics.model.model import Model
from alliance_dynamics.model.names import canonical, flat
from alliance_dynamics.settings import targets_of
from alliance_dynamics.simulate import program_of

Floats = NDArray[np.float64]
Values = Mapping[str, Floats]
_ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class Block:
    """The scored points of one observable in one experiment: `index` [n] into all points, their times and cells."""

    observable: Observable
    experiment: Experiment
    index: NDArray[np.int64]
    times: Floats
    cells: Mapping[str, tuple[float | str, ...]]
    names: Mapping[Reference, str]


@dataclass(frozen=True)
class Said:
    """`predicted` and `spread` [rows, N]: simulated medians and scales of noise (NaN: profiled, or a failed run)."""

    predicted: Floats
    spread: Floats


@dataclass(frozen=True)
class Change:
    """What a condition sets constants to: its `number`-th expression."""

    condition: str
    number: int
    value: Expression


class Binding:
    """The map from natural parameter values to predictions.  Refuses at once every name that stands for nothing."""

    def __init__(self, problem: Problem, model: Model, *, method: str = "", dt: float | None = None, jobs: int = 1):
        self.problem, self.driven, self.jobs = problem, driven(problem, model), jobs
        self.model = self.driven.model
        self.program = program_of(self.model)
        self.method = method or method_of(problem, model)
        self.points = scored_points(problem)
        self.estimated = problem.estimated
        faults: list[Fault] = []
        self._columns = self._own_constants()
        self._sets, self._stocks = self._conditions(faults)
        self.blocks = self._blocks(faults)
        self._refuse_idle(faults)
        if faults:
            raise InputError(faults)
        self.dt = dt or problem.dt or float(self.program.defaults[self.program.parameter_index["time_step"]])
        self._prepare()

    # ------------------------------------------------------------------ the run

    def say(self, values: Floats) -> Said:
        """Predictions and scales [rows, N] for values [rows, estimated], in natural units."""
        predicted, spread = (np.full((len(values), len(self.points)), np.nan) for _ in range(2))
        for first in range(0, len(values), _ROWS_AT_ONCE):
            part = slice(first, first + _ROWS_AT_ONCE)
            self._say(values[part], predicted[part], spread[part])
        return Said(predicted, spread)

    def _say(self, values: Floats, predicted: Floats, spread: Floats) -> None:
        named = self.named(values)
        runs = self._run(named, len(values))
        for block in self.blocks:
            own, rows = runs[block.experiment.id]
            with np.errstate(all="ignore"):
                said = evaluate_formula(block.observable.formula, self.reader(block, named, own, rows, {}))
                predicted[:, block.index] = said
                if block.observable.noise is not None:
                    known = {canonical(block.observable.id): predicted[:, block.index]}
                    scale = evaluate_formula(block.observable.noise, self.reader(block, named, own, rows, known))
                    spread[:, block.index] = np.where(np.asarray(scale) > 0, scale, np.nan)

    def named(self, values: Floats) -> dict[str, Floats]:
        rows = len(values)
        fixed = {each.id: np.full(rows, each.nominal) for each in self.problem.parameters.values() if not each.estimate}
        return {**fixed, **{each.id: values[:, j] for j, each in enumerate(self.estimated)}}

    def reader(
        self, block: Block, named: Values, saved: Mapping[str, Floats], rows: Floats, known: Values
    ) -> Callable[[Reference], Floats]:
        """The value of a name at the points of a block, [rows, n] or what broadcasts to it."""

        def value_of(reference: Reference) -> Floats:
            if reference.name in block.cells:
                return self._cells(block.cells[reference.name], named)
            if reference.name in known:
                return known[reference.name]
            name = block.names.get(reference, "")
            if name in saved:
                return self.at(block, saved[name])
            if name in self.program.parameter_index:
                return rows[:, [self.program.parameter_index[name]]]
            if canonical(reference.name) == "time":
                return block.times[None, :]
            return named[reference.name][:, None]

        return value_of

    def read_at(self, point: int, outputs: Floats, vector: Floats, values: Floats) -> Floats:
        """The predicted value [rows] of one point from the outputs [rows, outputs] at its own time."""
        block = next(each for each in self.blocks if point in each.index)
        place = np.flatnonzero(block.index == point)
        single = replace(block, index=block.index[place], times=block.times[place],
                         cells={name: (cells[place[0]],) for name, cells in block.cells.items()})  # fmt: skip
        saved = {name: outputs[:, k] for k, name in enumerate(self.outputs)}
        named = self.named(values)
        plain = self.reader(single, named, {}, vector, {})

        def value_of(reference: Reference) -> Floats:
            name = single.names.get(reference, "")
            return saved[name][:, None] if name in saved else plain(reference)

        with np.errstate(all="ignore"):
            found = evaluate_formula(block.observable.formula, value_of)
        return np.broadcast_to(np.asarray(found, dtype=float), (len(values), 1))[:, 0]

    def _cells(self, cells: tuple[float | str, ...], named: Values) -> Floats:
        size = len(next(iter(named.values()))) if named else 1
        return np.stack([named[each] if isinstance(each, str) else np.full(size, each) for each in cells], axis=1)

    def at(self, block: Block, saved: Floats) -> Floats:
        """A saved output [rows, saves] at the times of a block; over the unit of time from there on for a flow."""
        start = self.problem.start

        def read(times: Floats) -> Floats:
            place, weight = self.grid.weights(times, saved.shape[1], start)
            return np.sum(saved[:, place] * weight, axis=-1)

        if block.observable.kind == "flow":
            return read(block.times + 1.0) - read(block.times)
        return read(block.times)

    def _run(self, named: Values, count: int) -> dict[str, tuple[dict[str, Floats], Floats]]:
        """For each experiment its saved outputs {name: [rows, saves]} and its first parameter vectors."""
        found: dict[str, tuple[dict[str, Floats], Floats]] = {}
        plain = [each for each in self.experiments if each.id not in self.restarted]
        vectors = {each.id: self.vector(each, 0, named, count) for each in self.experiments}
        if not self.outputs:
            return {each.id: ({}, vectors[each.id]) for each in self.experiments}
        if plain:
            schedule = self.schedule(self.problem.start, self.last)
            many = np.concatenate([vectors[each.id] for each in plain])
            values = self.kernel.run(many, schedule, method=self.method, threads=self.jobs).values
            for i, each in enumerate(plain):
                own = values[i * count : (i + 1) * count]
                found[each.id] = {name: own[:, :, k] for k, name in enumerate(self.outputs)}, vectors[each.id]
        for each in self.experiments:
            if each.id in self.restarted:
                found[each.id] = self._run_periods(each, named, count), vectors[each.id]
        return found

    def _run_periods(self, experiment: Experiment, named: Values, count: int) -> dict[str, Floats]:
        """One experiment, stopped at each of its later rows and started again with what they change."""
        memory = self.restart.memory
        bounds = [*(time for time, _ in experiment.periods), max(self.last, experiment.periods[-1][0])]
        vector = self.vector(experiment, 0, named, count)
        kept = self.begin.run(vector, Schedule(bounds[0], self.grid.dt, 0), method=self.method).values[:, 0, :]
        pieces: list[Floats] = []
        for period in range(len(bounds) - 1):
            vector = self.vector(experiment, period, named, count)
            for state, value in self.stock_changes(experiment, period):
                kept[:, state] = self.expression(value, named, count)
            # an output carries integrals on, whatever a condition changes
            schedule = self.schedule(bounds[period], bounds[period + 1])
            saved = self.again.run(np.concatenate([vector, kept], axis=1), schedule, method=self.method,
                                   threads=self.jobs).values  # fmt: skip
            pieces.append(saved[:, :-1] if period < len(bounds) - 2 else saved)
            kept = saved[:, -1, -len(memory) :].copy()
        whole = np.concatenate(pieces, axis=1)
        return {name: whole[:, :, k] for k, name in enumerate(self.outputs)}

    def schedule(self, first: float, last: float) -> Schedule:
        """The steps from one time of the grid to the next save at or after another."""
        return Schedule(first, self.grid.dt, self.grid.steps(first, last), self.grid.stride)

    def stock_changes(self, experiment: Experiment, period: int) -> Sequence[tuple[int, Expression]]:
        """The stocks, by number, that the condition of a period sets at its beginning."""
        return self._stocks.get(experiment.periods[period][1], ())

    def vector(self, experiment: Experiment, period: int, named: Values, count: int) -> Floats:
        """Parameter vectors [rows, program parameters] of a period: the problem's constants, then the conditions'."""
        rows = np.repeat(np.array(self.program.defaults)[None, :], count, axis=0)
        for name, columns in self._columns.items():
            rows[:, columns] = named[name][:, None]
        if experiment.id in self.driven.numbers:
            rows[:, self.program.parameter_index[NUMBER]] = self.driven.numbers[experiment.id]
        for _, condition in experiment.periods[: period + 1]:
            for columns, value in self._sets.get(condition, ()):
                rows[:, columns] = self.expression(value, named, count)[:, None]
        return rows

    def setters(self, experiment: Experiment, period: int) -> dict[int, str | Change]:
        """What sets each column of the parameter vectors of a period: a parameter's id, or a change of a condition."""
        found: dict[int, str | Change] = {}
        for name, columns in self._columns.items():
            found |= dict.fromkeys(columns, name)
        for _, condition in experiment.periods[: period + 1]:
            for number, (columns, value) in enumerate(self._sets.get(condition, ())):
                found |= dict.fromkeys(columns, Change(condition, number, value))
        return found

    def expression(self, value: Expression, named: Values, count: int) -> Floats:
        return np.broadcast_to(evaluate_formula(value, lambda each: named[each.name]), (count,)).astype(float)

    # ------------------------------------------------------------------ what names stand for

    def _own_constants(self) -> dict[str, list[int]]:
        """Parameters of the problem that are constants of the model, by target or by their own name."""
        found = {}
        for each in self.problem.parameters.values():
            columns = targets_of(self.model, self.program, each.target or each.id)
            if not isinstance(columns, Fault):
                found[each.id] = columns
        return found

    def _conditions(self, faults: list[Fault]):
        """By condition: the constants that it sets, and the stocks."""
        sets: dict[str, list[tuple[list[int], Expression]]] = {}
        stocks: dict[str, list[tuple[int, Expression]]] = {}
        states = {each.name: i for i, each in enumerate(self.program.states) if each.kind == "integrated"}
        used = {condition for each in self.problem.experiments.values() for _, condition in each.periods}
        file = str(self.problem.files.get("conditions", ""))
        for change in self.problem.changes:
            place = Place(file, change.line)
            columns = targets_of(self.model, self.program, change.target)
            base = canonical(change.target.partition("[")[0])
            name = flat(base, tuple(canonical(e) for e in change.target.partition("[")[2].rstrip("]").split(",") if e))
            if not isinstance(columns, Fault):
                sets.setdefault(change.condition, []).append((columns, change.value))
            elif name in states:
                stocks.setdefault(change.condition, []).append((states[name], change.value))
            elif change.condition in used or base not in self.model.variables:
                faults.append(replace(columns, place=place))
        return sets, stocks

    def _blocks(self, faults: list[Fault]) -> tuple[Block, ...]:
        groups: dict[tuple[str, str], list[int]] = {}
        for i, row in enumerate(self.points):
            groups.setdefault((row.observable, row.experiment), []).append(i)
        blocks: list[Block] = []
        said: set[str] = set()
        for (name, experiment), index in groups.items():
            observable, own = self.problem.observables[name], self.problem.experiments[experiment]
            rows = [self.points[i] for i in index]
            times = np.array([row.time for row in rows])
            names = self._names(observable, own, faults, said)
            blocks.append(Block(observable, own, np.array(index), times, _cells_of(observable, rows), names))
        return tuple(blocks)

    def _names(
        self, observable: Observable, experiment: Experiment, faults: list[Fault], said: set[str]
    ) -> dict[Reference, str]:
        """For each name of the formulas that is the model's its flat name; a fault, once, where it is nobody's."""
        found: dict[Reference, str] = {}
        place = Place(str(self.problem.files.get("observables", "")), observable.line)
        needed = [(each, observable.placeholders) for each in references(observable.formula)]
        if observable.noise is not None:
            mine = (*observable.noise_placeholders, canonical(observable.id))
            needed += [(each, mine) for each in references(observable.noise)]
        for reference, mine in needed:
            subscripts = tuple(experiment.elements.get(each, each) for each in reference.subscripts)
            name = flat(canonical(reference.name), subscripts)
            if reference.name in mine:
                continue
            if name in self.program.outputs or name in self.program.parameter_index:
                found[reference] = name
            elif reference.name not in self.problem.parameters and canonical(reference.name) != "time":
                key = f"{observable.id} {reference.name}"
                if key not in said:
                    known = [*self.program.outputs, *self.problem.parameters]
                    what = "`{name}` is neither a variable of the model {model} nor a parameter of the problem"
                    at = {"name": name, "model": self.model.name}
                    faults.append(fault(place, what, remedy=suggestion(name, known), **at))
                said.add(key)
        return found

    def _refuse_idle(self, faults: list[Fault]) -> None:
        """A fault for each estimated parameter that stands for nothing: no constant, no formula, no condition."""
        used = set(self._columns) | {row.parameter for row in self.problem.correlations}
        for change in self.problem.changes:
            used |= {each.name for each in references(change.value)}
        for observable in self.problem.observables.values():
            for formula in (observable.formula, observable.noise):
                used |= {each.name for each in references(formula)} if formula is not None else set()
        for row in self.problem.measurements:
            used |= {each for each in (*row.observable_parameters, *row.noise_parameters) if isinstance(each, str)}
        if self.problem.likelihood == "state-reset":
            used |= {f"var_{each.name}" for each in self.program.states}
        file = str(self.problem.files.get("parameters", ""))
        for each in self.estimated:
            if each.id not in used:
                labels = [*self.model.variables, *(v.label for v in self.model.variables.values())]
                what = "`{name}` is estimated, but no constant of the model, no formula and no condition uses it"
                remedy = suggestion(each.target or each.id, labels)
                faults.append(fault(Place(file, each.line), what, remedy=remedy, name=each.id))

    # ------------------------------------------------------------------ kernels

    def _prepare(self) -> None:
        problem = self.problem
        used = dict.fromkeys(block.experiment.id for block in self.blocks)
        self.experiments: tuple[Experiment, ...] = tuple(problem.experiments[each] for each in used)
        wanted = [time for block in self.blocks for time in block.times]
        wanted += [time + 1.0 for block in self.blocks if block.observable.kind == "flow" for time in block.times]
        self.last = max(wanted, default=problem.start)
        self.driven.refuse_short(problem, self.last)
        wanted += [time for time in self.driven.times if problem.start <= time <= self.last]
        wanted += [time for each in self.experiments for time, _ in each.periods]
        self.grid: Grid = grid_of(problem.start, self.dt, wanted)
        flows, levels = [], []
        for block in self.blocks:
            names = [name for name in block.names.values() if name in self.program.outputs]
            (flows if block.observable.kind == "flow" else levels).extend(names)
        self.program = with_integrals(self.program, list(dict.fromkeys(flows)))
        self._integrals = set(flows)
        self.outputs = tuple(dict.fromkeys([*map(integral_name, flows), *levels]))
        if flows:
            self._rename_flows()
        self.kernel: Kernel = compile_kernel(self.program, self.outputs)
        self.restarted = {
            each.id
            for each in self.experiments
            if len(each.periods) > 1 or any(condition in self._stocks for _, condition in each.periods)
        }
        if self.restarted:
            self._prepare_restart()

    def _prepare_restart(self) -> None:
        if self.program.rings:
            what = "an experiment changes something on its way, and the model holds a fixed delay ({name})"
            remedy = "Use DELAY3 for the delay, or write the change into the model with STEP."
            file = str(self.problem.files.get("experiments", ""))
            raise UnsupportedError(fault(file, what, remedy=remedy, name=self.program.rings[0].name))
        self.restart: Restart = restartable(self.program)
        self.begin: Kernel = compile_kernel(self.restart.first, self.restart.memory)
        self.again: Kernel = compile_kernel(self.restart.again, (*self.outputs, *self.restart.memory))

    def _rename_flows(self) -> None:
        """Names in the formulas of flows mean running integrals."""
        self.blocks = tuple(
            replace(
                block,
                names={
                    key: integral_name(name) if name in self._integrals else name for key, name in block.names.items()
                },
            )
            if block.observable.kind == "flow"
            else block
            for block in self.blocks
        )


def method_of(problem: Problem, model: Model) -> str:
    """The problem's method, else that of the model's file; RK4 where the file names none (Vensim's settings line).

    Data are compared with the equations, so the accurate rule is the default and Euler has to be asked for.
    """
    if problem.method:
        return problem.method
    file = problem.folder / problem.model
    says_nothing = (
        model.time.method == "euler"
        and file.suffix.lower() == ".mdl"
        and file.is_file()
        and not re.search(r"^15:", file.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    )
    return "rk4" if says_nothing else model.time.method


def scored_points(problem: Problem) -> tuple[Measurement, ...]:
    """The measurements of the fit: of calibrated observables, in the fold train, between start and stop."""
    return tuple(
        row
        for row in problem.scored()
        if problem.observables[row.observable].use == "calibrated"
        and problem.start <= row.time
        and row.year <= problem.stop
    )


def _cells_of(observable: Observable, rows: Sequence[Measurement]) -> dict[str, tuple[float | str, ...]]:
    """Placeholder -> what fills it, point by point."""
    cells = {
        name: tuple(row.observable_parameters[i] for row in rows) for i, name in enumerate(observable.placeholders)
    }
    for i, name in enumerate(observable.noise_placeholders):
        cells[name] = tuple(row.noise_parameters[i] for row in rows)
    return cells
