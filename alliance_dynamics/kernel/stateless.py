"""Functions without memory as operations: arithmetic helpers, test inputs, random draws."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

from alliance_dynamics.kernel.nodes import ONE, STEP_TIME, TIME, ZERO, Node, const, select, tree, var

SMALL = const(1e-6)
DT = var("time_step")


class Site(Protocol):
    """Where a function stands: gives numbers to random draws and makes hidden equations."""

    def random(self) -> Node: ...


def xidz(a: Node, b: Node, x: Node) -> Node:
    """a / b, or x where |b| < 1e-6."""
    return select(("lt", ("abs", b), SMALL), x, ("div", a, b))


def zidz(a: Node, b: Node) -> Node:
    return xidz(a, b, ZERO)


def safediv(a: Node, b: Node, x: Node = ZERO) -> Node:
    """XMILE: a / b, or x where b is exactly 0."""
    return select(("eq", b, ZERO), x, ("div", a, b))


def modulo(a: Node, b: Node) -> Node:
    """Vensim: the remainder with the sign of the dividend."""
    return ("mod", a, b)


def floor_modulo(a: Node, b: Node) -> Node:
    """XMILE: the remainder with the sign of the divisor."""
    return ("sub", a, ("mul", ("floor", ("div", a, b)), b))


def quantum(a: Node, b: Node) -> Node:
    return select(("le", b, ZERO), a, ("mul", b, ("trunc", ("div", a, b))))


def log_base(x: Node, base: Node) -> Node:
    return ("div", ("log", x), ("log", base))


def log10(x: Node) -> Node:
    return ("div", ("log", x), const(math.log(10.0)))


def round_half_up(x: Node) -> Node:
    return ("floor", ("add", x, const(0.5)))


def sign(x: Node) -> Node:
    return ("sub", ("gt", x, ZERO), ("lt", x, ZERO))


def step(height: Node, at: Node) -> Node:
    """height from `at` on; times are compared half a step ahead, so that rounding cannot shift an event."""
    return select(("gt", _soon(), at), height, ZERO)


def pulse(start: Node, width: Node) -> Node:
    """1 from `start` for `width` (at least one step), else 0."""
    soon = _soon()
    end = ("add", start, ("max", width, DT))
    return ("and", ("gt", soon, start), ("le", soon, end))


def pulse_train(start: Node, width: Node, interval: Node, end: Node) -> Node:
    """Pulses of `width` every `interval` from `start` to `end`; one where the interval is not above 0."""
    soon = _soon()
    since = ("sub", soon, start)
    phase = select(("gt", interval, ZERO), _phase(since, interval), since)
    on = ("le", phase, ("max", width, DT))
    inside = ("and", ("gt", soon, start), ("lt", STEP_TIME, ("add", end, ("mul", const(0.5), DT))))
    return ("and", on, inside)


def ramp(slope: Node, start: Node, end: Node | None = None) -> Node:
    """slope per time unit from `start` to `end` (for ever without an end)."""
    now = STEP_TIME if end is None else ("min", STEP_TIME, end)
    value = ("mul", slope, ("sub", now, start))
    started = ("gt", STEP_TIME, start)
    return select(started if end is None else ("and", started, ("gt", end, start)), value, ZERO)


def time_base(base: Node, slope: Node) -> Node:
    return ("add", base, ("mul", slope, TIME))


def xmile_pulse(magnitude: Node, first: Node, interval: Node | None = None) -> Node:
    """XMILE: magnitude / dt for one step at `first`, then every `interval` where it is above 0."""
    soon, height = _soon(), ("div", magnitude, DT)
    once = ("and", ("gt", soon, first), ("le", soon, ("add", first, DT)))
    if interval is None:
        return select(once, height, ZERO)
    since = ("sub", soon, first)
    again = ("and", ("gt", soon, first), ("le", _phase(since, interval), DT))
    return select(select(("gt", interval, ZERO), again, once), height, ZERO)


def random_uniform(site: Site, low: Node, high: Node, *_: Node) -> Node:
    return ("add", low, ("mul", ("sub", high, low), site.random()))


def random_0_1(site: Site, *_: Node) -> Node:
    return site.random()


def standard_normal(u: Node) -> Node:
    """The normal quantile of u by the rational approximation AS 241 (Wichura 1988, 1e-16)."""
    q = ("sub", u, const(0.5))
    r = ("sub", const(0.180625), ("mul", q, q))
    central = ("mul", q, ("div", _polynomial(_A, r), _polynomial(_B, r)))
    tail = ("sqrt", ("neg", ("log", ("min", u, ("sub", ONE, u)))))
    near, far = ("sub", tail, const(1.6)), ("sub", tail, const(5.0))
    value = select(
        ("le", tail, const(5.0)),
        ("div", _polynomial(_C, near), _polynomial(_D, near)),
        ("div", _polynomial(_E, far), _polynomial(_F, far)),
    )
    return select(("le", ("abs", q), const(0.425)), central, select(("lt", q, ZERO), ("neg", value), value))


def normal_distribution(x: Node) -> Node:
    """P(Z <= x), by the continued rational form of Hart 1968 (1e-15)."""
    z = ("abs", x)
    e = ("exp", ("mul", const(-0.5), ("mul", z, z)))
    ratio = ("div", _polynomial(_HART_TOP, z), _polynomial(_HART_BOTTOM, z))
    far_steps = ("add", z, const(0.65))
    for k in (4.0, 3.0, 2.0, 1.0):
        far_steps = ("add", z, ("div", const(k), far_steps))
    far = ("div", e, ("mul", far_steps, const(2.506628274631)))
    upper = select(("lt", z, const(7.07106781186547)), ("mul", e, ratio), far)
    return select(("gt", x, ZERO), ("sub", ONE, upper), upper)


def random_normal(site: Site, low: Node, high: Node, mean: Node, deviation: Node, *_: Node) -> Node:
    """A normal draw truncated to [low, high]; the mean where the deviation is 0."""
    lowest = normal_distribution(("div", ("sub", low, mean), deviation))
    highest = normal_distribution(("div", ("sub", high, mean), deviation))
    u = ("add", lowest, ("mul", ("sub", highest, lowest), site.random()))
    u = ("min", ("max", u, const(1e-300)), const(1.0 - 2.0**-53))
    value = select(("eq", deviation, ZERO), mean, ("add", mean, ("mul", deviation, standard_normal(u))))
    return ("max", ("min", value, high), low)


def xmile_normal(site: Site, mean: Node, deviation: Node, *_: Node) -> Node:
    return ("add", mean, ("mul", deviation, standard_normal(site.random())))


def xmile_lognormal(site: Site, mean: Node, deviation: Node, *_: Node) -> Node:
    """A log-normal draw with this mean and standard deviation of the value itself."""
    ratio = ("div", deviation, mean)
    variance = ("log", ("add", ONE, ("mul", ratio, ratio)))
    location = ("sub", ("log", mean), ("mul", const(0.5), variance))
    return ("exp", ("add", location, ("mul", ("sqrt", variance), standard_normal(site.random()))))


def random_exponential(site: Site, low: Node, high: Node, shift: Node, stretch: Node, *_: Node) -> Node:
    """shift + stretch (-ln u); draws outside [low, high] are drawn again; the shift where the stretch is 0."""

    def above(x: Node) -> Node:
        return ("exp", ("neg", ("max", ZERO, ("div", ("sub", x, shift), stretch))))

    share = _between(site, above(high), above(low))
    value = select(("eq", stretch, ZERO), shift, ("add", shift, ("mul", stretch, ("neg", ("log", share)))))
    return ("max", ("min", value, high), low)


def random_triangular(site: Site, low: Node, high: Node, start: Node, peak: Node, stop: Node, *_: Node) -> Node:
    """Straight up from `start` to `peak`, down to `stop`; draws outside [low, high] are drawn again."""
    whole, rise, fall = ("sub", stop, start), ("sub", peak, start), ("sub", stop, peak)

    def below(x: Node) -> Node:
        x = ("max", start, ("min", stop, x))
        left: Node = zidz(("mul", ("sub", x, start), ("sub", x, start)), ("mul", whole, rise))
        right: Node = ("sub", ONE, zidz(("mul", ("sub", stop, x), ("sub", stop, x)), ("mul", whole, fall)))
        return select(("lt", x, peak), left, right)

    share = _between(site, below(low), below(high))
    up: Node = ("add", start, ("sqrt", ("mul", share, ("mul", whole, rise))))
    down: Node = ("sub", stop, ("sqrt", ("mul", ("sub", ONE, share), ("mul", whole, fall))))
    return select(("lt", ("mul", share, whole), rise), up, down)


def random_weibull(site: Site, low: Node, high: Node, shape: Node, shift: Node, stretch: Node, *_: Node) -> Node:
    """shift + stretch (-ln(1 - u))^(1 / shape); draws outside [low, high] are drawn again."""

    def below(x: Node) -> Node:
        over = ("div", ("max", ZERO, ("sub", x, shift)), stretch)
        return ("sub", ONE, ("exp", ("neg", ("pow", over, shape))))

    share = _between(site, below(low), below(high))
    return ("add", shift, ("mul", stretch, ("pow", ("neg", ("log", ("sub", ONE, share))), ("div", ONE, shape))))


def _between(site: Site, low: Node, high: Node) -> Node:
    """A uniform draw between two shares: the law that redrawing gives, by one draw."""
    return ("add", low, ("mul", site.random(), ("sub", high, low)))


def xmile_exponential(site: Site, mean: Node, *_: Node) -> Node:
    return ("mul", mean, ("neg", ("log", site.random())))


def gamma_ln(x: Node) -> Node:
    """ln Gamma(x) for x > 0 after Lanczos (g = 7, nine terms, 1e-14)."""
    y = ("sub", x, ONE)
    series: Node = const(_LANCZOS[0])
    for k, coefficient in enumerate(_LANCZOS[1:], start=1):
        series = ("add", series, ("div", const(coefficient), ("add", y, const(k))))
    t = ("add", y, const(7.5))
    power = ("sub", ("mul", ("add", y, const(0.5)), ("log", t)), t)
    return ("add", ("add", const(0.5 * math.log(2 * math.pi)), power), ("log", series))


def sine_wave(amplitude: Node, period: Node) -> Node:
    return ("mul", amplitude, ("sin", ("div", ("mul", const(2 * math.pi), TIME), period)))


def cosine_wave(amplitude: Node, period: Node) -> Node:
    return ("mul", amplitude, ("cos", ("div", ("mul", const(2 * math.pi), TIME), period)))


def _phase(since: Node, interval: Node) -> Node:
    """Time since the last of the events before now: above 0, at most `interval`."""
    begun: Node = ("neg", ("add", ("floor", ("neg", ("div", since, interval))), ONE))
    return ("sub", since, ("mul", begun, interval))


def _soon() -> Node:
    return ("add", STEP_TIME, ("mul", const(0.5), DT))


def _polynomial(coefficients: tuple[float, ...], x: Node) -> Node:
    """Horner's rule, highest coefficient first."""
    value: Node = const(coefficients[0])
    for coefficient in coefficients[1:]:
        value = ("add", ("mul", value, x), const(coefficient))
    return value


_A = (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457)
_A += (13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608)
_B = (5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867)
_B += (5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0)
_C = (7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258)
_C += (3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734)
_D = (1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459)
_D += (0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1.0)
_E = (2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093)
_E += (0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772)
_F = (2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4)
_F += (0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1.0)
_HART_TOP = (3.52624965998911e-02, 0.700383064443688, 6.37396220353165, 33.912866078383)
_HART_TOP += (112.079291497871, 221.213596169931, 220.206867912376)
_HART_BOTTOM = (8.83883476483184e-02, 1.75566716318264, 16.064177579207, 86.7807322029461)
_HART_BOTTOM += (296.564248779674, 637.333633378831, 793.826512519948, 440.413735824752)
_LANCZOS = (0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313)
_LANCZOS += (-176.61502916214059, 12.507343278686905, -0.13857109526572012)
_LANCZOS += (9.9843695780195716e-6, 1.5056327351493116e-7)


def _op(kind: str) -> Callable[..., Node]:
    def build(*nodes: Node) -> Node:
        return (kind, *nodes)

    return build


def _many(kind: str) -> Callable[..., Node]:
    def build(*nodes: Node) -> Node:
        return tree(kind, nodes)

    return build


STATELESS: dict[str, Callable[..., Node]] = {
    **{name: _op(name) for name in ("abs", "exp", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "ln": _op("log"),
    "arcsin": _op("asin"),
    "arccos": _op("acos"),
    "arctan": _op("atan"),
    "integer": _op("trunc"),
    "pi": lambda: const(math.pi),
    "floor": _op("floor"),
    "power": _op("pow"),
    "min": _many("min"),
    "max": _many("max"),
    "if_then_else": select,
    "log": log_base,
    "log10": log10,
    "modulo": modulo,
    "floor_modulo": floor_modulo,
    "quantum": quantum,
    "xidz": xidz,
    "zidz": zidz,
    "safediv": safediv,
    "round": round_half_up,
    "sign": sign,
    "step": step,
    "pulse": pulse,
    "pulse_train": pulse_train,
    "ramp": ramp,
    "time_base": time_base,
    "xmile_pulse": xmile_pulse,
    "gamma_ln": gamma_ln,
    "sine_wave": sine_wave,
    "cosine_wave": cosine_wave,
}
RANDOM: dict[str, Callable[..., Node]] = {
    "random_uniform": random_uniform,
    "random_0_1": random_0_1,
    "random_normal": random_normal,
    "random_exponential": random_exponential,
    "random_triangular": random_triangular,
    "random_weibull": random_weibull,
    "xmile_normal": xmile_normal,
    "xmile_lognormal": xmile_lognormal,
    "xmile_exponential": xmile_exponential,
}
