"""The state-reset likelihood: an extended Kalman filter that corrects the stocks at each measurement.

Between measurements the model runs as it is; a stock X with a parameter `var_X` is also moved by chance, with that
variance per unit of time, and begins unknown (diffuse).  A measurement of noise sigma then corrects the stocks.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.calibration.binding import Binding
from alliance_dynamics.calibration.objective import Errors, Objective, slopes_by_differences
from alliance_dynamics.calibration.restart import restartable
from alliance_dynamics.calibration.space import Space
from alliance_dynamics.errors import Fault, Place, UnsupportedError, fault
from alliance_dynamics.kernel.integrate import Schedule, compile_kernel

Floats = NDArray[np.float64]
VARIANCE = "var_"
_DIFFUSE = 1e9  # times the mean square of the data
_SLOPE = 1e-6


class ResetObjective(Objective):
    """As `Objective`, with one-step innovations as residuals.  The first ones, which only place a diffuse stock, do not
    count, nor does their -ln sqrt(2 pi) (Durbin and Koopman 2012, chapter 7)."""

    def __init__(self, binding: Binding, space: Space, *, priors: str = "fit", data: Floats | None = None):
        super().__init__(binding, space, priors=priors, data=data)
        _refuse_unfit(binding)
        program = binding.program
        self.restart = restartable(program)
        memory = self.restart.memory
        self.begin = compile_kernel(self.restart.first, memory)
        self.again = compile_kernel(self.restart.again, (*binding.outputs, *memory))
        names = {each.name: i for i, each in enumerate(program.states)}
        self.driven = {
            names[each.id.removeprefix(VARIANCE)]: each.id
            for each in binding.problem.parameters.values()
            if each.id.startswith(VARIANCE) and each.id.removeprefix(VARIANCE) in names
        }
        if not self.driven:
            what = "no stock has a driving noise"
            expected = "A parameter `var_` with the name of a stock behind it, e.g. `var_level`"
            place = Place(str(binding.problem.files.get("parameters", "")))
            raise UnsupportedError(fault(place, what, expected=expected))
        times = np.array([row.time for row in binding.points])
        self.order = np.argsort(times, kind="stable")
        self.times = times
        self.settling = self.order[: len(self.driven)]
        self.counted = np.ones(len(times), dtype=bool)
        self.counted[self.settling] = False

    def points_cost(self, errors: Errors) -> Floats:
        return np.where(self.counted, super().points_cost(errors), 0.0)

    def errors(self, cube: Floats) -> Errors:
        """Innovations and their log standard deviations [rows, N]; those that place a diffuse stock count nothing."""
        values = self.space.natural(cube)
        rows, binding = len(values), self.binding
        named = binding.named(values)
        experiment = binding.experiments[0]
        vector = binding.vector(experiment, 0, named, rows)
        states = len(binding.program.states)
        memory = self.begin.run(vector, Schedule(binding.problem.start, binding.grid.dt, 0), method=binding.method)
        held = memory.values[:, 0, :].copy()
        covariance = np.zeros((rows, states, states))
        driving = np.zeros((rows, states))
        for i, name in self.driven.items():
            driving[:, i] = named[name]
            covariance[:, i, i] = _DIFFUSE * float(np.mean(self.data**2))
        spread = binding.say(values).spread
        numerator, log_scale = (np.full((rows, len(self.data)), np.nan) for _ in range(2))
        now = binding.problem.start
        for n in self.order:
            then = float(self.times[n])
            held, covariance = self._forward(vector, held, covariance, driving, now, then)
            now = then
            seen, slope = self._observed(vector, held, now, n, values)
            variance = spread[:, n] ** 2
            gain_row = np.einsum("rij,rj->ri", covariance, slope)
            total = np.einsum("ri,ri->r", slope, gain_row) + variance
            numerator[:, n], log_scale[:, n] = self.data[n] - seen, 0.5 * np.log(total)
            gain = gain_row / total[:, None]
            held[:, :states] += gain * (self.data[n] - seen)[:, None]
            keep = np.eye(states) - gain[:, :, None] * slope[:, None, :]
            covariance = keep @ covariance @ keep.transpose(0, 2, 1) + variance[:, None, None] * (
                gain[:, :, None] * gain[:, None, :]
            )
        numerator[:, self.settling] = 0.0
        log_scale[:, self.settling] = 0.0
        return Errors(numerator, log_scale)

    def errors_and_slopes(self, cube: Floats) -> tuple[Errors, Floats, Floats]:
        """By central differences: the filter's own slopes are differences already."""
        return slopes_by_differences(self, cube)

    @property
    def by_differences(self) -> dict[str, str]:
        return {}  # all of them: the mode of the likelihood, which is printed, says so

    def _forward(self, vector: Floats, held: Floats, covariance: Floats, driving: Floats, now: float, then: float):
        """State and covariance carried from one measurement to the next."""
        if then <= now:
            return held, covariance
        states = covariance.shape[1]
        span = then - now
        steps = max(1, math.ceil(span / self.binding.grid.dt - 1e-9))
        base, slopes = self._with_slopes(vector, held, Schedule(now, span / steps, steps, steps), -1)
        transition = slopes[:, -held.shape[1] :, :][:, :states]
        carried = transition @ covariance @ transition.transpose(0, 2, 1)
        index = np.arange(states)
        carried[:, index, index] += driving * span
        return base[:, -held.shape[1] :].copy(), carried

    def _observed(self, vector: Floats, held: Floats, now: float, point: int, values: Floats) -> tuple[Floats, Floats]:
        """The simulated value of a measurement [rows] and its slopes in the stocks [rows, states]."""
        base, slopes = self._with_slopes(vector, held, Schedule(now, self.binding.grid.dt, 0, 1), 0)
        count = len(self.binding.outputs)
        outputs, grown = base[:, :count], slopes[:, :count]
        seen = self.binding.read_at(point, outputs, vector, values)
        step = _SLOPE
        moved = [
            self.binding.read_at(point, outputs + step * grown[:, :, j], vector, values) for j in range(grown.shape[2])
        ]
        return seen, np.stack([(each - seen) / step for each in moved], axis=1)

    def _with_slopes(self, vector: Floats, held: Floats, schedule: Schedule, save: int) -> tuple[Floats, Floats]:
        """Outputs and memory at a save [rows, k], and their derivatives in the stocks [rows, k, states]."""
        states = len(self.binding.program.states)
        step = 1e-5 * np.maximum(1.0, np.abs(held[:, :states]))
        many = np.repeat(held[:, None, :], 2 * states + 1, axis=1)
        for j in range(states):
            many[:, 1 + j, j] += step[:, j]
            many[:, 1 + states + j, j] -= step[:, j]
        rows = np.concatenate([np.repeat(vector, 2 * states + 1, axis=0), many.reshape(-1, held.shape[1])], axis=1)
        found = self.again.run(rows, schedule, method=self.binding.method).values[:, save, :]
        found = found.reshape(len(held), 2 * states + 1, -1)
        slopes = (found[:, 1 : states + 1] - found[:, states + 1 :]) / (2 * step[:, :, None])
        return found[:, 0], slopes.transpose(0, 2, 1)


def _refuse_unfit(binding: Binding) -> None:
    """The filter is for one experiment, instant observations and normal noise that is stated."""
    problem = binding.problem
    faults: list[Fault] = []
    place = Place(str(problem.files.get("observables", "")))
    for each in {block.observable.id: block.observable for block in binding.blocks}.values():
        where = Place(place.file, each.line)
        if each.distribution != "normal" or each.noise is None or each.kind == "flow":
            what = "`{name}` cannot be filtered: `state-reset` is for stated normal noise of instant values"
            remedy = 'Use likelihood = "trajectory".'
            faults.append(fault(where, what, remedy=remedy, name=each.id))
    if len(binding.experiments) > 1 or any(len(each.periods) > 1 for each in binding.experiments):
        what, remedy = "the likelihood `state-reset` is for one experiment without later rows", "Fit them one by one."
        faults.append(fault(str(problem.files.get("experiments", "")), what, remedy=remedy))
    if faults:
        raise UnsupportedError(faults)
