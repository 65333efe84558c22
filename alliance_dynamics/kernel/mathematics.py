"""Elementary functions as LLVM text: own polynomials, the same bits at every vector width, special values finished.

Coefficients are those of `formats.py`.  Range reductions are Cody and Waite's; the logarithm is
arranged as in Sun's fdlibm (Ng 1993) so that its error stays below one unit in the last place.

An emitter that is `brief` gets exp, log and power without what only unusual arguments need; it is told of the lanes
that have such arguments (`Emit.unusual`), and what it computes for all others has the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan

from alliance_dynamics.kernel.emit import Emit

LARGEST_ANGLE = 1e5  # beyond it sin, cos and tan give not-a-number: the reduction would lose digits

LOG2_E = float.fromhex("0x1.71547652b82fep+0")
TWO_OVER_PI = float.fromhex("0x1.45f306dc9c883p-1")
TAN_EIGHTH_PI = float.fromhex("0x1.a827999fcef32p-2")
TAN_THREE_EIGHTHS_PI = float.fromhex("0x1.3504f333f9de6p+1")


def exp(e: Emit, x: str) -> str:
    """e^x; inf above 709.78, 0 below -745.13 (88.7 and -104 in single precision); at most 1 ulp."""
    f = e.format
    if e.brief:
        e.unusual(e.compare("ugt", e.call("fabs", x), e.const(f.exp_usual)))
        r, shifted = _reduce_exp(e, x)
        return e.mul(e.add(_exp_series(e, r), e.const(1.0)), _power_of_two(e, shifted))
    # the bounds are where 2^n over- and underflows by itself
    x = at_most(e, at_least(e, x, f.exp_low), f.exp_high)
    r, shifted = _reduce_exp(e, x)
    power = e.add(_exp_series(e, r), e.const(1.0))
    # 2^n = 2^h * 2^(n - h), so that neither half over- or underflows
    u = e.int("sub", e.bits(shifted), e.integer(f.shift_bits - 2 * f.bias))
    half = e.int("lshr", u, e.integer(1))
    rest = e.int("sub", u, half)
    first, second = (e.float(e.int("shl", each, e.integer(f.mantissa))) for each in (half, rest))
    return e.mul(e.mul(power, first), second)


def expm1(e: Emit, x: str) -> str:
    """e^x - 1 for abs(x) below `Format.exp_usual` without loss near 0."""
    r, shifted = _reduce_exp(e, x)
    scale = _power_of_two(e, shifted)
    return e.fma(scale, _exp_series(e, r), e.sub(scale, e.const(1.0)))


def _reduce_exp(e: Emit, x: str) -> tuple[str, str]:
    shifted = e.fma(x, e.const(LOG2_E), e.const(e.format.shift))
    n = e.sub(shifted, e.const(e.format.shift))
    for part in e.format.ln2:
        x = e.fma(n, e.const(-part), x)
    return x, shifted


def _exp_series(e: Emit, r: str) -> str:
    """e^r - 1 for abs(r) <= ln(2) / 2."""
    square = e.mul(r, r)
    return e.fma(square, e.estrin(r, square, e.format.exp), r)


def _power_of_two(e: Emit, shifted: str) -> str:
    n = e.int("sub", e.bits(shifted), e.integer(e.format.shift_bits - e.format.bias))
    return e.float(e.int("shl", n, e.integer(e.format.mantissa)))


def log(e: Emit, x: str) -> str:
    """Natural logarithm; -inf at 0, not-a-number below 0; at most 1 ulp."""
    f = e.format
    if e.brief:
        # one comparison of whole numbers finds 0, negative, subnormal, infinite ones and not-a-number
        above = e.int("sub", e.bits(x), e.integer(1 << f.mantissa))
        e.unusual(e.do(f"icmp uge {e.long} {above}, {e.integer(2 * f.bias << f.mantissa)}"))
        return _log_normal(e, x, None)
    tiny = e.compare("olt", x, e.const(f.least))
    result = _log_normal(e, e.select(tiny, e.mul(x, e.const(2.0 ** (f.mantissa + 2))), x), tiny)
    usual = e.both(e.compare("ogt", x, e.const(0.0)), e.compare("olt", x, e.const(inf)))
    low = e.select(e.compare("oeq", x, e.const(0.0)), e.const(-inf), e.const(nan))
    return e.select(usual, result, e.select(e.compare("ogt", x, e.const(0.0)), x, low))


def _log_normal(e: Emit, x: str, tiny: str | None) -> str:
    """For normal numbers; those in `tiny` have been multiplied by 2^(mantissa + 2)."""
    f = e.format
    bits = e.bits(x)
    # exponent + bias + 1 so that the mantissa lies in [sqrt(1/2), sqrt(2))
    moved = e.int("add", bits, e.integer(((f.bias + 2) << f.mantissa) - f.root_half))
    biased = e.int("lshr", moved, e.integer(f.mantissa))
    whole = e.int("shl", e.int("sub", biased, e.integer(f.bias + 2)), e.integer(f.mantissa))
    mantissa = e.float(e.int("sub", bits, whole))
    exponent = e.float(e.int("or", biased, e.integer((f.bias + f.mantissa) << f.mantissa)))
    zero = 2.0**f.mantissa + f.bias + 2
    usual = e.const(zero)
    exponent = e.sub(exponent, usual if tiny is None else e.select(tiny, e.const(zero + f.mantissa + 2), usual))
    part = e.sub(mantissa, e.const(1.0))
    s = e.div(part, e.add(part, e.const(2.0)))
    z = e.mul(s, s)
    half_square = e.mul(e.mul(part, part), e.const(0.5))
    series = e.fma(z, e.estrin(z, e.mul(z, z), f.log), half_square)
    tail = e.fma(s, series, e.mul(exponent, e.const(f.ln2[1])))
    return e.fma(exponent, e.const(f.ln2[0]), e.sub(part, e.sub(half_square, tail)))


def power(e: Emit, x: str, y: str, exponent: float | None = None) -> str:
    """x^y as C's pow has it: x^0 = 1, negative bases only with whole exponents; about abs(y log x) ulp.

    `exponent` is y where it is a known constant: same bits, fewer instructions.
    """
    if e.brief:
        return exp(e, e.mul(y, log(e, x)))
    one, zero = e.const(1.0), e.const(0.0)
    magnitude = e.call("fabs", x)
    logarithm = log(e, magnitude)
    product = e.mul(y, logarithm)
    if exponent is None:
        trivial = e.either(e.compare("oeq", y, zero), e.compare("oeq", magnitude, one))
        # 1^NaN = 1, but -1 keeps the check of its exponent below
        product = e.select(trivial, zero, product)
    elif abs(exponent) == inf or exponent == 0.0:
        product = e.select(e.compare("oeq", magnitude, one), zero, product) if exponent else zero
    result = exp(e, product)
    negative = e.compare("olt", x, zero)
    if exponent is None:
        floor = e.call("floor", y)
        broken = e.compare("une", floor, y)
        odd = e.both(
            e.compare("une", e.call("floor", e.mul(y, e.const(0.5))), e.mul(y, e.const(0.5))),
            e.invert(broken),
        )
        sign = e.select(odd, e.float(e.int("and", e.bits(x), e.integer(_sign(e)))), zero)
        result = e.float(e.int("or", e.bits(result), e.bits(sign)))
        wrong = e.both(broken, e.both(negative, e.compare("ogt", x, e.const(-inf))))
        return e.select(wrong, e.const(nan), result)
    if abs(exponent) != inf and exponent % 1.0 != 0.0:
        wrong = e.both(negative, e.compare("ogt", x, e.const(-inf)))
        return e.select(wrong, e.const(nan), result)
    if exponent % 2.0 == 1.0:
        sign = e.int("and", e.bits(x), e.integer(_sign(e)))
        return e.float(e.int("or", e.bits(result), sign))
    return result


def powers(e: Emit, x: str, y: str, u: str, v: str) -> str:
    """x^y * u^v as exp(y log x + v log u); the product where a base is no positive normal number or that overflows."""
    exponent = e.add(e.mul(y, log(e, x)), e.mul(v, log(e, u)))
    together = exp(e, exponent)
    if e.brief:
        return together
    inside = e.compare("olt", e.call("fabs", exponent), e.const(inf))
    for base in (x, u):
        usual = e.both(e.compare("oge", base, e.const(e.format.least)), e.compare("olt", base, e.const(inf)))
        inside = e.both(inside, usual)
    return e.select(inside, together, e.mul(power(e, x, y), power(e, u, v)))


def tanh(e: Emit, x: str) -> str:
    """expm1(2x) / (expm1(2x) + 2) on abs(x), then the sign of x."""
    magnitude = at_most(e, e.call("fabs", x), 22.0)
    g = expm1(e, e.mul(magnitude, e.const(2.0)))
    return _signed(e, e.div(g, e.add(g, e.const(2.0))), x)


def sinh(e: Emit, x: str) -> str:
    magnitude = e.call("fabs", x)
    g = expm1(e, at_most(e, magnitude, 20.0))
    small = e.mul(e.const(0.5), e.add(g, e.div(g, e.add(g, e.const(1.0)))))
    return _signed(e, e.select(e.compare("ogt", magnitude, e.const(20.0)), _half_exp(e, magnitude), small), x)


def cosh(e: Emit, x: str) -> str:
    magnitude = e.call("fabs", x)
    g = exp(e, at_most(e, magnitude, 20.0))
    small = e.mul(e.const(0.5), e.add(g, e.div(e.const(1.0), g)))
    return e.select(e.compare("ogt", magnitude, e.const(20.0)), _half_exp(e, magnitude), small)


def _half_exp(e: Emit, x: str) -> str:
    """e^x / 2 without overflow before its time."""
    root = exp(e, e.mul(x, e.const(0.5)))
    return e.mul(e.mul(root, e.const(0.5)), root)


def sin(e: Emit, x: str) -> str:
    """Not-a-number beyond `LARGEST_ANGLE`; 1 to 2 ulp."""
    r, quadrant = _reduce_angle(e, x)
    return _quarter(e, r, quadrant)


def cos(e: Emit, x: str) -> str:
    r, quadrant = _reduce_angle(e, x)
    return _quarter(e, r, e.int("add", quadrant, e.integer(1)))


def tan(e: Emit, x: str) -> str:
    r, quadrant = _reduce_angle(e, x)
    return e.div(_quarter(e, r, quadrant), _quarter(e, r, e.int("add", quadrant, e.integer(1))))


def _reduce_angle(e: Emit, x: str) -> tuple[str, str]:
    allowed = e.compare("ole", e.call("fabs", x), e.const(LARGEST_ANGLE))
    x = e.select(allowed, x, e.const(nan))
    shifted = e.fma(x, e.const(TWO_OVER_PI), e.const(e.format.shift))
    n = e.sub(shifted, e.const(e.format.shift))
    r = x
    for part in e.format.half_pi:
        r = e.fma(n, e.const(-part), r)
    return r, e.bits(shifted)


def _quarter(e: Emit, r: str, quadrant: str) -> str:
    """sin(r + quadrant * pi / 2) for abs(r) <= pi / 4."""
    z = e.mul(r, r)
    sine = e.fma(e.mul(r, z), e.horner(z, e.format.sin), r)
    cosine = e.fma(e.mul(z, z), e.horner(z, e.format.cos), e.fma(z, e.const(-0.5), e.const(1.0)))
    odd = e.do(f"icmp ne {e.long} {e.int('and', quadrant, e.integer(1))}, {e.integer(0)}")
    value = e.select(odd, cosine, sine)
    sign = e.int("shl", e.int("lshr", e.int("and", quadrant, e.integer(2)), e.integer(1)), e.integer(e.format.bits - 1))
    return e.float(e.int("xor", e.bits(value), sign))


def atan(e: Emit, x: str) -> str:
    magnitude = e.call("fabs", x)
    large = e.compare("ogt", magnitude, e.const(TAN_THREE_EIGHTHS_PI))
    middle = e.compare("ogt", magnitude, e.const(TAN_EIGHTH_PI))
    one = e.const(1.0)
    above = e.select(large, e.const(-1.0), e.select(middle, e.sub(magnitude, one), magnitude))
    below = e.select(large, magnitude, e.select(middle, e.add(magnitude, one), one))
    t = e.div(above, below)
    z = e.mul(t, t)
    zero = e.const(0.0)
    head, tail = (
        e.select(large, e.const(each), e.select(middle, e.const(each / 2), zero)) for each in e.format.quarter_turn
    )
    value = e.add(head, e.add(t, e.fma(e.mul(t, z), e.horner(z, e.format.atan), tail)))
    return _signed(e, value, x)


def asin(e: Emit, x: str) -> str:
    one = e.const(1.0)
    return atan(e, e.div(x, e.call("sqrt", e.mul(e.sub(one, x), e.add(one, x)))))


def acos(e: Emit, x: str) -> str:
    one = e.const(1.0)
    return e.mul(e.const(2.0), atan(e, e.call("sqrt", e.div(e.sub(one, x), e.add(one, x)))))


def modulo(e: Emit, x: str, y: str) -> str:
    """The remainder with the sign of x (C's fmod), exact; not-a-number beyond `Format.largest_quotient`."""
    divisor = e.call("fabs", y)
    value = e.call("fabs", x)
    quotient = e.call("trunc", e.div(value, divisor))
    rest = e.fma(e.neg(quotient), divisor, value)
    # the quotient may have been rounded up to the next whole number
    rest = e.select(e.compare("olt", rest, e.const(0.0)), e.add(rest, divisor), rest)
    rest = e.select(e.compare("olt", quotient, e.const(e.format.largest_quotient)), rest, e.const(nan))
    endless = e.both(e.compare("oeq", divisor, e.const(inf)), e.compare("olt", value, e.const(inf)))
    return _signed(e, e.select(endless, value, rest), x)


def minimum(e: Emit, a: str, b: str) -> str:
    """The smaller; not-a-number if either is."""
    smaller = e.select(e.compare("olt", a, b), a, b)
    return e.select(e.compare("uno", a, a), a, smaller)


def maximum(e: Emit, a: str, b: str) -> str:
    larger = e.select(e.compare("ogt", a, b), a, b)
    return e.select(e.compare("uno", a, a), a, larger)


def at_most(e: Emit, x: str, limit: float) -> str:
    """min(x, limit); the value that may be not-a-number is the else value, so it stays."""
    return e.select(e.compare("olt", e.const(limit), x), e.const(limit), x)


def at_least(e: Emit, x: str, limit: float) -> str:
    return e.select(e.compare("ogt", e.const(limit), x), e.const(limit), x)


def _sign(e: Emit) -> int:
    """The number whose only bit is the sign's."""
    return -(1 << (e.format.bits - 1))


def _signed(e: Emit, magnitude: str, sign_of: str) -> str:
    """`magnitude` with the sign of `sign_of`."""
    sign = e.int("and", e.bits(sign_of), e.integer(_sign(e)))
    return e.float(e.int("or", e.int("and", e.bits(magnitude), e.integer(-1 - _sign(e))), sign))


FUNCTIONS: dict[str, Callable[..., str]] = {
    "neg": Emit.neg,
    "abs": lambda e, x: e.call("fabs", x),
    "sqrt": lambda e, x: e.call("sqrt", x),
    "floor": lambda e, x: e.call("floor", x),
    "trunc": lambda e, x: e.call("trunc", x),
    "exp": exp,
    "log": log,
    "pow": power,
    "powers": powers,
    "mod": modulo,
    "sin": sin,
    "cos": cos,
    "tan": tan,
    "asin": asin,
    "acos": acos,
    "atan": atan,
    "sinh": sinh,
    "cosh": cosh,
    "tanh": tanh,
}
