"""The functions of XMILE (and of Stella and converted Vensim equations) as expressions over the closed table."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from alliance_dynamics.model.expression import Binary, Call, Expression, Number, Reference
from alliance_dynamics.model.xmile_equations import EquationError

Arguments = Sequence[Expression]
ZERO, ONE = Number(0.0), Number(1.0)
HIGHEST_DERIVATIVE = 4
DT = Reference("time_step")


@dataclass(frozen=True, slots=True)
class XmileFunction:
    """`most` is None for any number; `build` turns the arguments into an expression."""

    least: int
    most: int | None
    signature: str
    build: Callable[[Arguments], Expression]


def _call(function: str) -> Callable[[Arguments], Expression]:
    return lambda arguments: Call(function, tuple(arguments))


def _with_initial(plain: str, with_initial: str) -> Callable[[Arguments], Expression]:
    return lambda arguments: Call(plain if len(arguments) == 2 else with_initial, tuple(arguments))


def _order_last(function: str) -> Callable[[Arguments], Expression]:
    """(input, time, order[, initial]) as (input, time, initial, order)."""

    def build(arguments: Arguments) -> Expression:
        x, time, order, *initial = arguments
        return Call(function, (x, time, initial[0] if initial else x, order))

    return build


def _delay(arguments: Arguments) -> Expression:
    x, time, *initial = arguments
    return Call("delay_fixed", (x, time, initial[0] if initial else x))


def _average(x: Expression, time: Expression, trend: Expression) -> Expression:
    """The average that an input growing at `trend` would have at the start, followed from there."""
    first = x if trend == ZERO else Binary("/", x, Binary("+", ONE, Binary("*", trend, time)))
    return Call("smoothi", (x, time, first))


def _trend(arguments: Arguments) -> Expression:
    x, time, *initial = arguments
    average = _average(x, time, initial[0] if initial else ZERO)
    return Call("safediv", (Binary("-", x, average), Binary("*", average, time), ZERO))


def _forecast(arguments: Arguments) -> Expression:
    x, time, horizon, *initial = arguments
    growth = _trend((x, time, *initial))
    return Binary("*", x, Binary("+", ONE, Binary("*", growth, horizon)))


def _derivative(arguments: Arguments) -> Expression:
    """Backward differences of differences, 0 until there are as many steps as the order."""
    value, order = arguments
    if not isinstance(order, Number) or order.value not in range(HIGHEST_DERIVATIVE + 1):
        raise EquationError("the order of DERIVN is no whole number from 0 to {most}", most=HIGHEST_DERIVATIVE)
    for _ in range(int(order.value)):
        value = Binary("/", Binary("-", value, Call("previous", (value, value))), DT)
    first = Binary("+", Reference("initial_time"), Binary("*", Number(order.value - 0.5), DT))
    return Call("if_then_else", (Binary("<", Reference("time"), first), ZERO, value)) if order.value else value


def _ramp(arguments: Arguments) -> Expression:
    return Call("ramp", (*arguments, Reference("final_time")) if len(arguments) == 2 else tuple(arguments))


def _many(function: str) -> Callable[[Arguments], Expression]:
    def build(arguments: Arguments) -> Expression:
        level = list(arguments)
        while len(level) > 1:  # in pairs, so that many values are not nested deeply
            last = level[len(level) - len(level) % 2 :]
            level = [Call(function, pair) for pair in zip(level[::2], level[1::2], strict=False)] + last
        return level[0]

    return build


def _uniform(arguments: Arguments) -> Expression:
    low, high, *seed = arguments
    return Call("random_uniform", (low, high, seed[0] if seed else ZERO))


def _normal(arguments: Arguments) -> Expression:
    mean, deviation, *rest = arguments
    if len(rest) > 1:
        seed, low, *upper = rest
        high = upper[0] if upper else Binary("+", mean, Binary("*", Number(40.0), deviation))
        return Call("random_normal", (low, high, mean, deviation, seed))
    return Call("xmile_normal", (mean, deviation, *rest))


def _row(least: int, most: int | None, signature: str, build: Callable[[Arguments], Expression]) -> XmileFunction:
    return XmileFunction(least, most, signature, build)


def _one(function: str) -> XmileFunction:
    return XmileFunction(1, 1, "(x)", _call(function))


XMILE_FUNCTIONS: dict[str, XmileFunction] = {
    "abs": _one("abs"),
    "arccos": _one("arccos"),
    "arcsin": _one("arcsin"),
    "arctan": _one("arctan"),
    "cos": _one("cos"),
    "cosh": _one("cosh"),
    "exp": _one("exp"),
    "gammaln": _one("gamma_ln"),
    "int": _one("floor"),
    "ln": _one("ln"),
    "log10": _one("log10"),
    "log": _row(2, 2, "(x, base)", _call("log")),
    "mod": _row(2, 2, "(a, b)", _call("floor_modulo")),
    "modulo": _row(2, 2, "(a, b)", _call("modulo")),
    "percent": _row(1, 1, "(x)", lambda a: Binary("*", a[0], Number(100.0))),
    "pi": _row(0, 0, "", lambda _: Number(math.pi)),
    "inf": _row(0, 0, "", lambda _: Number(math.inf)),
    "power": _row(2, 2, "(a, b)", _call("power")),
    "quantum": _row(2, 2, "(a, b)", _call("quantum")),
    "rootn": _row(2, 2, "(x, n)", lambda a: Binary("^", a[0], Binary("/", ONE, a[1]))),
    "round": _one("round"),
    "sin": _one("sin"),
    "sinh": _one("sinh"),
    "sqrt": _one("sqrt"),
    "tan": _one("tan"),
    "tanh": _one("tanh"),
    "safediv": _row(2, 3, "(a, b[, value where b is 0])", lambda a: Call("safediv", (*a, ZERO)[:3])),
    "if_then_else": _row(3, 3, "(condition, then, else)", _call("if_then_else")),
    "step": _row(2, 2, "(height, time)", _call("step")),
    "ramp": _row(2, 3, "(slope, start[, end])", _ramp),
    "pulse": _row(2, 3, "(magnitude, first time[, interval])", _call("xmile_pulse")),
    "pulse_train": _row(4, 4, "(start, duration, interval, end)", _call("pulse_train")),
    "sinwave": _row(2, 2, "(amplitude, period)", _call("sine_wave")),
    "coswave": _row(2, 2, "(amplitude, period)", _call("cosine_wave")),
    "delay": _row(2, 3, "(input, time[, initial])", _delay),
    "delay1": _row(2, 3, "(input, time[, initial])", _with_initial("delay1", "delay1i")),
    "delay3": _row(2, 3, "(input, time[, initial])", _with_initial("delay3", "delay3i")),
    "delayn": _row(3, 4, "(input, time, order[, initial])", _order_last("delay_n")),
    "smth1": _row(2, 3, "(input, time[, initial])", _with_initial("smooth", "smoothi")),
    "smth3": _row(2, 3, "(input, time[, initial])", _with_initial("smooth3", "smooth3i")),
    "smthn": _row(3, 4, "(input, time, order[, initial])", _order_last("smooth_n")),
    "trend": _row(2, 3, "(input, time[, initial])", _trend),
    "forcst": _row(3, 4, "(input, time, horizon[, initial trend])", _forecast),
    "previous": _row(2, 2, "(variable, initial)", _call("previous")),
    "init": _row(1, 1, "(variable)", _call("initial")),
    "derivn": _row(2, 2, "(input, order)", _derivative),
    "endval": _row(1, 2, "(variable[, value in a first run])", lambda a: Call("initial", (a[-1],))),
    "counter": _row(2, 2, "(start, end)", _call("counter")),
    "npv": _row(4, 4, "(stream, rate, initial, factor)", _call("npv")),
    "min": _row(1, None, "(a, b, ...)", _many("min")),
    "max": _row(1, None, "(a, b, ...)", _many("max")),
    "mean": _row(1, None, "(array or values)", _call("mean")),
    "random": _row(2, 3, "(minimum, maximum[, seed])", _uniform),
    "uniform": _row(2, 3, "(minimum, maximum[, seed])", _uniform),
    "normal": _row(2, 5, "(mean, deviation[, seed[, minimum, maximum]])", _normal),
    "lognormal": _row(2, 3, "(mean, deviation[, seed])", _call("xmile_lognormal")),
    "exprnd": _row(1, 2, "(mean[, seed])", _call("xmile_exponential")),
    "poisson": _row(1, 2, "(mean[, seed])", _call("xmile_poisson")),
    "sum": _row(1, 1, "(array)", _call("sum")),
    "prod": _row(1, 1, "(array)", _call("prod")),
    "stddev": _row(1, 1, "(array)", _call("stddev")),
    "size": _row(1, 1, "(array or dimension)", _call("size_of")),
    "rank": _row(2, 2, "(array, rank)", _call("vector_rank")),
    "lookup": _row(2, 2, "(graphical function, x)", _call("lookup")),
    "lookupinv": _row(2, 2, "(graphical function, y)", _call("lookup_invert")),
    "vector_select": _row(5, 5, "(selection, values, missing, action, error)", _call("vector_select")),
    "vector_elm_map": _row(2, 2, "(element, offset)", _call("vector_elm_map")),
    "vector_sort_order": _row(2, 2, "(vector, direction)", _call("vector_sort_order")),
    "vector_rank": _row(2, 2, "(vector, direction)", _call("vector_rank")),
    "vector_reorder": _row(2, 2, "(vector, order)", _call("vector_reorder")),
}

# Functions whose meaning a conversion from Vensim changes: XMILE has no truncation and no tolerance around 0.
FROM_VENSIM: dict[str, Callable[[Arguments], Expression]] = {
    "int": _call("integer"),
    "safediv": lambda a: Call("zidz" if len(a) == 2 else "xidz", tuple(a)),
    "trend": lambda a: Call("trend", (*a, ZERO)[:3]),
}

REDUCTIONS = frozenset({"sum", "prod", "mean", "stddev", "size", "min", "max", "vector_select"})

# Known functions without a counterpart here, with the reason.
REFUSED: dict[str, str] = {
    "history": "past values are not kept",
    "self": "it may stand only inside PREVIOUS, INIT and SIZE",
    "binomial": "draws of whole numbers are not supported",
    "geometric": "draws of whole numbers are not supported",
    "negbinomial": "draws of whole numbers are not supported",
    "montecarlo": "draws of whole numbers are not supported",
    "beta": "this distribution is not supported",
    "gamma": "this distribution is not supported",
    "triangular": "this distribution is not supported",
    "weibull": "this distribution is not supported",
    "pareto": "this distribution is not supported",
    "logistic": "this distribution is not supported",
    "cgrowth": "write the growth out",
    "irr": "equations are not solved while a model runs",
    "allocate": "allocation is not supported",
    "oveninfo": "ovens are not supported",
    "convdwell": "conveyors are not supported",
    "cyclestart": "conveyors are not supported",
    "queuelen": "queues are not supported",
    "lookuparea": "areas under graphical functions are not supported",
    "lookupslope": "slopes of graphical functions are not supported",
    "lookupmean": "means of graphical functions are not supported",
    "lookupxy": "points inside an equation are not supported; use a graphical function",
    "runcount": "sensitivity runs are set up outside the model",
    "sensiruncount": "sensitivity runs are set up outside the model",
    "touch": "events of an interface are not supported",
    "delay_fixed": "in XMILE it is DELAY",
    "pulse_train_discrete": "use PULSE",
}
