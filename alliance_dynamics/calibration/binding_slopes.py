"""Predictions of a bound problem with their derivatives by all estimated parameters, by the chain rule throughout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.calibration.binding import Binding, Block
from alliance_dynamics.calibration.formula import formula_slopes, references
from alliance_dynamics.calibration.problem import Experiment
from alliance_dynamics.calibration.slopes import Sensitivities
from alliance_dynamics.kernel.integrate import Schedule
from alliance_dynamics.model.expression import Expression, Reference
from alliance_dynamics.model.names import canonical

Floats = NDArray[np.float64]
_NUMBERS_AT_ONCE = 20_000_000  # of derivatives held for one batch of rows


@dataclass(frozen=True)
class Told:
    """As `Said`, with the derivatives [rows, N, estimated] of predictions and of scales of noise."""

    predicted: Floats
    spread: Floats
    predicted_slopes: Floats
    spread_slopes: Floats


class BindingSlopes:
    """The derivatives of a binding.  Constants that move together in all experiments are one direction of the runs."""

    def __init__(self, binding: Binding):
        self.binding = binding
        self.place = {each.id: j for j, each in enumerate(binding.estimated)}
        self._directions()
        program = binding.program
        groups = [tuple(program.parameters[c] for c in columns) for columns in self.columns]
        self.sensitivities: list[Sensitivities] = []
        if binding.outputs:
            self.plain = self._made(binding.kernel, groups)
        if binding.restarted:
            memory = [(name,) for name in binding.restart.memory]
            self.begin, self.again = self._made(binding.begin, groups), self._made(binding.again, [*groups, *memory])

    def _made(self, kernel, groups) -> Sensitivities:
        self.sensitivities.append(Sensitivities(kernel, groups))
        return self.sensitivities[-1]

    @property
    def refused(self) -> dict[str, str]:
        """Estimated parameters (and stocks) whose derivatives are differences, and why; known after a first run."""
        found: dict[str, str] = {}
        for each in self.sensitivities:
            for direction, why in each.refused.items():
                found |= dict.fromkeys(each.directions[direction], why)
        return found

    def say(self, values: Floats) -> Told:
        """Predictions and scales of noise with their derivatives, for values [rows, estimated] in natural units."""
        count, size = len(self.binding.points), values.shape[1]
        shape = (len(values), count)
        told = Told(np.full(shape, np.nan), np.full(shape, np.nan), np.zeros((*shape, size)), np.zeros((*shape, size)))
        saves = self.binding.grid.steps(self.binding.problem.start, self.binding.last) // self.binding.grid.stride + 1
        each = len(self.binding.experiments) * saves * max(1, len(self.binding.outputs)) * max(1, len(self.columns))
        at_once = max(1, _NUMBERS_AT_ONCE // each)
        for first in range(0, len(values), at_once):
            part = slice(first, first + at_once)
            self._say(values[part], Told(told.predicted[part], told.spread[part], told.predicted_slopes[part],
                                         told.spread_slopes[part]))  # fmt: skip
        return told

    def _say(self, values: Floats, told: Told) -> None:
        binding = self.binding
        named = binding.named(values)
        runs = self._run(named, len(values))
        for block in binding.blocks:
            saved, vector, vector_slopes, series = runs[block.experiment.id]
            reads = _Reads(self, block, named, vector, vector_slopes, saved, series)
            with np.errstate(all="ignore"):
                seen, slopes = formula_slopes(block.observable.formula, reads.value_of, reads.slopes_of)
                told.predicted[:, block.index] = seen
                if slopes is not None:
                    told.predicted_slopes[:, block.index] = slopes
                if block.observable.noise is None:
                    continue
                reads.known = {canonical(block.observable.id): (told.predicted[:, block.index],
                                                                told.predicted_slopes[:, block.index])}  # fmt: skip
                scale, slopes = formula_slopes(block.observable.noise, reads.value_of, reads.slopes_of)
                told.spread[:, block.index] = np.where(np.asarray(scale) > 0, scale, np.nan)
                if slopes is not None:
                    told.spread_slopes[:, block.index] = slopes

    # ------------------------------------------------------------------ the runs

    def _run(self, named: Mapping[str, Floats], count: int):
        """By experiment: saved outputs {name: [rows, saves]}, first parameter vectors, how far the directions go
        along each parameter in them [rows, directions, estimated], and slopes {name: [rows, saves, estimated]}."""
        binding = self.binding
        found = {}
        plain = [each for each in binding.experiments if each.id not in binding.restarted]
        along = {each.id: self._along(each, 0, named, count) for each in binding.experiments}
        vectors = {each.id: binding.vector(each, 0, named, count) for each in binding.experiments}
        if not binding.outputs:
            return {each.id: ({}, vectors[each.id], along[each.id], {}) for each in binding.experiments}
        if plain:
            schedule = binding.schedule(binding.problem.start, binding.last)
            many = np.concatenate([vectors[each.id] for each in plain])
            values, slopes = self.plain.run(many, schedule, method=binding.method, threads=binding.jobs)
            for i, each in enumerate(plain):
                own = slice(i * count, (i + 1) * count)
                found[each.id] = self._named(values[own], _chained(slopes[own], along[each.id]), each, vectors, along)
        for each in binding.experiments:
            if each.id in binding.restarted:
                values, slopes = self._run_periods(each, named, count)
                found[each.id] = self._named(values, slopes, each, vectors, along)
        return found

    def _named(self, values: Floats, slopes: Floats, experiment: Experiment, vectors, along):
        outputs = self.binding.outputs
        saved = {name: values[:, :, k] for k, name in enumerate(outputs)}
        series = {name: slopes[:, :, k] for k, name in enumerate(outputs)}
        return saved, vectors[experiment.id], along[experiment.id], series

    def _run_periods(self, experiment: Experiment, named: Mapping[str, Floats], count: int) -> tuple[Floats, Floats]:
        """As `Binding`'s: each period starts from the memory of the one before, and so do its derivatives."""
        binding = self.binding
        outputs, memory, size = len(binding.outputs), len(binding.restart.memory), len(self.columns)
        bounds = [*(time for time, _ in experiment.periods), max(binding.last, experiment.periods[-1][0])]
        vector, along = binding.vector(experiment, 0, named, count), self._along(experiment, 0, named, count)
        begun = Schedule(bounds[0], binding.grid.dt, 0)
        first, slopes = self.begin.run(vector, begun, method=binding.method)
        kept, moved = first[:, 0].copy(), _chained(slopes, along)[:, 0]
        values, grown = [], []
        for period in range(len(bounds) - 1):
            vector, along = (
                binding.vector(experiment, period, named, count),
                self._along(experiment, period, named, count),
            )
            for state, value in binding.stock_changes(experiment, period):
                kept[:, state] = binding.expression(value, named, count)
                moved[:, state] = self._expression(value, named, count)
            rows = np.concatenate([vector, kept], axis=1)
            schedule = binding.schedule(bounds[period], bounds[period + 1])
            saved, slopes = self.again.run(rows, schedule, method=binding.method, threads=binding.jobs)
            whole = _chained(slopes[..., :size], along) + _chained(slopes[..., size:], moved)
            last = period == len(bounds) - 2
            values.append(saved[:, :, :outputs] if last else saved[:, :-1, :outputs])
            grown.append(whole[:, :, :outputs] if last else whole[:, :-1, :outputs])
            kept, moved = saved[:, -1, -memory:].copy(), whole[:, -1, -memory:].copy()
        return np.concatenate(values, axis=1), np.concatenate(grown, axis=1)

    # ------------------------------------------------------------------ parameters

    def _directions(self) -> None:
        """`columns[d]`: the columns of a direction; each is set by the same thing in every period of an experiment."""
        binding = self.binding
        signatures: dict[int, list[object]] = {}
        periods = [(each, period) for each in binding.experiments for period in range(len(each.periods))]
        for number, (experiment, period) in enumerate(periods):
            for column, setter in binding.setters(experiment, period).items():
                free = setter in self.place if isinstance(setter, str) else self._is_free(setter.value)
                signatures.setdefault(column, [None] * len(periods))[number] = setter if free else None
        groups: dict[tuple[object, ...], list[int]] = {}
        for column, signature in signatures.items():
            if any(each is not None for each in signature):
                groups.setdefault(tuple(signature), []).append(column)
        self.columns = [sorted(each) for each in groups.values()]

    def _is_free(self, value: Expression) -> bool:
        return any(each.name in self.place for each in references(value))

    def _along(self, experiment: Experiment, period: int, named: Mapping[str, Floats], count: int) -> Floats:
        """d(direction)/d(parameter) [rows, directions, estimated] in a period."""
        along = np.zeros((count, len(self.columns), len(self.place)))
        setters = self.binding.setters(experiment, period)
        for d, columns in enumerate(self.columns):
            setter = setters.get(columns[0])
            if isinstance(setter, str):
                if setter in self.place:
                    along[:, d, self.place[setter]] = 1.0
            elif setter is not None:
                along[:, d] = self._expression(setter.value, named, count)
        return along

    def _expression(self, value: Expression, named: Mapping[str, Floats], count: int) -> Floats:
        """Derivatives [rows, estimated] of an expression in parameters."""
        _, slopes = formula_slopes(value, lambda each: named[each.name], lambda each: self.one(each.name))
        return np.broadcast_to(0.0 if slopes is None else slopes, (count, len(self.place)))

    def one(self, name: str) -> Floats | None:
        """The derivative [estimated] of a parameter by all of them; None for one that is not estimated."""
        if name not in self.place:
            return None
        found = np.zeros(len(self.place))
        found[self.place[name]] = 1.0
        return found


@dataclass
class _Reads:
    """What the names of a block's formulas stand for: values that broadcast to [rows, n], and their derivatives."""

    slopes: BindingSlopes
    block: Block
    named: Mapping[str, Floats]
    vector: Floats
    along: Floats
    saved: Mapping[str, Floats]
    series: Mapping[str, Floats]

    def __post_init__(self) -> None:
        self.known: dict[str, tuple[Floats, Floats]] = {}

    def value_of(self, reference: Reference) -> Floats:
        known = {name: value for name, (value, _) in self.known.items()}
        read = self.slopes.binding.reader(self.block, self.named, self.saved, self.vector, known)
        return read(reference)

    def slopes_of(self, reference: Reference) -> Floats | None:
        slopes, binding, name = self.slopes, self.slopes.binding, reference.name
        if name in self.block.cells:
            rows = [slopes.one(each) if isinstance(each, str) else None for each in self.block.cells[name]]
            if all(each is None for each in rows):
                return None
            return np.stack([np.zeros(len(slopes.place)) if each is None else each for each in rows])
        if name in self.known:
            return self.known[name][1]
        flat_name = self.block.names.get(reference, "")
        if flat_name in self.series:
            own = self.series[flat_name]
            return np.stack([binding.at(self.block, own[..., j]) for j in range(own.shape[2])], axis=2)
        if flat_name in binding.program.parameter_index:
            column = binding.program.parameter_index[flat_name]
            places = [d for d, columns in enumerate(slopes.columns) if column in columns]
            return self.along[:, places] if places else None
        return None if canonical(name) == "time" else slopes.one(name)


def _chained(slopes: Floats, along: Floats) -> Floats:
    """[rows, saves, outputs, estimated] from slopes [rows, saves, outputs, D] and d(direction)/d(parameter)."""
    rows, saves, outputs, size = slopes.shape
    with np.errstate(all="ignore"):
        return (slopes.reshape(rows, -1, size) @ along).reshape(rows, saves, outputs, along.shape[2])
