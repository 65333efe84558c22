"""Elementary functions as LLVM text: own polynomials, the same bits at every vector width, special values finished.

Coefficients are fitted by `benchmarks/fit_polynomials.py`.  Range reductions are Cody and Waite's; the logarithm is
arranged as in Sun's fdlibm (Ng 1993) so that its error stays below one unit in the last place.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan

from alliance_dynamics.kernel.emit import Emit

LARGEST_ANGLE = 1e5  # beyond it sin, cos and tan give not-a-number: the reduction would lose digits
LARGEST_QUOTIENT = 2.0**53  # beyond it mod gives not-a-number: the remainder is noise

EXP = (
    *map(float.fromhex, ("0x1.0000000000001p-1", "0x1.5555555555556p-3", "0x1.5555555553d68p-5")),
    *map(float.fromhex, ("0x1.11111111109b5p-7", "0x1.6c16c17889ef1p-10", "0x1.a01a01a7c2efep-13")),
    *map(float.fromhex, ("0x1.a019b9149a41cp-16", "0x1.71de0db2f6b19p-19", "0x1.28917c89a43a7p-22")),
    float.fromhex("0x1.af389ecfc4b9cp-26"),
)
LOG = (
    *map(float.fromhex, ("0x1.5555555555558p-1", "0x1.99999999952e2p-2", "0x1.2492492df148dp-2")),
    *map(float.fromhex, ("0x1.c71c62e5800a1p-3", "0x1.7462b4ab2ef6bp-3", "0x1.39fe606542ddep-3")),
    float.fromhex("0x1.2b584aae78a57p-3"),
)
SIN = (
    *map(float.fromhex, ("-0x1.5555555555555p-3", "0x1.1111111110bb2p-7", "-0x1.a01a019e83aaep-13")),
    *map(float.fromhex, ("0x1.71de37968a100p-19", "-0x1.ae600b02b6262p-26", "0x1.5e0b19f8b1451p-33")),
)
COS = (
    *map(float.fromhex, ("0x1.5555555555555p-5", "-0x1.6c16c16c16967p-10", "0x1.a01a019f4eb01p-16")),
    *map(float.fromhex, ("-0x1.27e4fa17da09ep-22", "0x1.1eeb68e93b64cp-29", "-0x1.907da367a37cbp-37")),
)
ATAN = (
    *map(float.fromhex, ("-0x1.5555555555555p-2", "0x1.999999999934cp-3", "-0x1.2492492436201p-3")),
    *map(float.fromhex, ("0x1.c71c71853d7fap-4", "-0x1.745d0b28a7e37p-4", "0x1.3b1263064f6b9p-4")),
    *map(float.fromhex, ("-0x1.10fa77b1a6d57p-4", "0x1.dfe6497e96323p-5", "-0x1.a0999c632b6edp-5")),
    *map(float.fromhex, ("0x1.4162c02b1dda3p-5", "-0x1.3a31b1c0fd3b7p-6")),
)
LN2_HEAD, LN2_TAIL = float.fromhex("0x1.62e42fefa0000p-1"), float.fromhex("0x1.cf79abc9e3b3ap-40")
LOG2_E = float.fromhex("0x1.71547652b82fep+0")
HALF_PI = tuple(map(float.fromhex, ("0x1.921fb54400000p+0", "0x1.0b4611a600000p-34", "0x1.3198a2e037073p-69")))
HALF_PI_HEAD, HALF_PI_TAIL = float.fromhex("0x1.921fb54442d18p+0"), float.fromhex("0x1.1a62633145c07p-54")
TWO_OVER_PI = float.fromhex("0x1.45f306dc9c883p-1")
TAN_EIGHTH_PI = float.fromhex("0x1.a827999fcef32p-2")
TAN_THREE_EIGHTHS_PI = float.fromhex("0x1.3504f333f9de6p+1")

SHIFT, SHIFT_BITS = 1.5 * 2.0**52, 0x4338000000000000  # adding SHIFT rounds to a whole number, kept in the low bits
SIGN, MAGNITUDE = -(2**63), 2**63 - 1
ROOT_HALF_BITS = 0x3FE6A09E667F3BCD


def exp(e: Emit, x: str) -> str:
    """e^x; inf above 709.78, 0 below -745.13; at most 1 ulp."""
    # the bounds are where 2^n over- and underflows by itself
    x = at_most(e, at_least(e, x, -746.0), 710.0)
    r, shifted = _reduce_exp(e, x)
    power = e.fma(e.mul(r, r), e.horner(r, EXP), r)
    power = e.add(power, e.const(1.0))
    # 2^n = 2^h * 2^(n - h), so that neither half over- or underflows
    u = e.int("sub", e.bits(shifted), e.integer(SHIFT_BITS - 2046))
    half = e.int("lshr", u, e.integer(1))
    rest = e.int("sub", u, half)
    first, second = (e.float(e.int("shl", each, e.integer(52))) for each in (half, rest))
    return e.mul(e.mul(power, first), second)


def expm1(e: Emit, x: str) -> str:
    """e^x - 1 for abs(x) below 700 without loss near 0."""
    r, shifted = _reduce_exp(e, x)
    power = e.fma(e.mul(r, r), e.horner(r, EXP), r)
    scale = e.float(e.int("shl", e.int("sub", e.bits(shifted), e.integer(SHIFT_BITS - 1023)), e.integer(52)))
    return e.fma(scale, power, e.sub(scale, e.const(1.0)))


def _reduce_exp(e: Emit, x: str) -> tuple[str, str]:
    shifted = e.fma(x, e.const(LOG2_E), e.const(SHIFT))
    n = e.sub(shifted, e.const(SHIFT))
    r = e.fma(n, e.const(-LN2_HEAD), x)
    return e.fma(n, e.const(-LN2_TAIL), r), shifted


def log(e: Emit, x: str) -> str:
    """Natural logarithm; -inf at 0, not-a-number below 0; at most 1 ulp."""
    result = _log_positive(e, x)
    usual = e.both(e.compare("ogt", x, e.const(0.0)), e.compare("olt", x, e.const(inf)))
    low = e.select(e.compare("oeq", x, e.const(0.0)), e.const(-inf), e.const(nan))
    return e.select(usual, result, e.select(e.compare("ogt", x, e.const(0.0)), x, low))


def _log_positive(e: Emit, x: str) -> str:
    tiny = e.compare("olt", x, e.const(2.0**-1022))
    x = e.select(tiny, e.mul(x, e.const(2.0**54)), x)
    bits = e.bits(x)
    # exponent + 1024 so that the mantissa lies in [sqrt(1/2), sqrt(2))
    biased = e.int("lshr", e.int("add", bits, e.integer((1025 << 52) - ROOT_HALF_BITS)), e.integer(52))
    mantissa = e.float(e.int("sub", bits, e.int("shl", e.int("sub", biased, e.integer(1025)), e.integer(52))))
    exponent = e.float(e.int("or", biased, e.integer(0x4330000000000000)))
    exponent = e.sub(exponent, e.select(tiny, e.const(2.0**52 + 1025 + 54), e.const(2.0**52 + 1025)))
    f = e.sub(mantissa, e.const(1.0))
    s = e.div(f, e.add(f, e.const(2.0)))
    z = e.mul(s, s)
    half_square = e.mul(e.mul(f, f), e.const(0.5))
    series = e.fma(z, e.horner(z, LOG), half_square)
    tail = e.fma(s, series, e.mul(exponent, e.const(LN2_TAIL)))
    return e.fma(exponent, e.const(LN2_HEAD), e.sub(f, e.sub(half_square, tail)))


def power(e: Emit, x: str, y: str, exponent: float | None = None) -> str:
    """x^y as C's pow has it: x^0 = 1, negative bases only with whole exponents; about abs(y log x) ulp.

    `exponent` is y where it is a known constant: same bits, fewer instructions.
    """
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
        sign = e.select(odd, e.float(e.int("and", e.bits(x), e.integer(SIGN))), zero)
        result = e.float(e.int("or", e.bits(result), e.bits(sign)))
        wrong = e.both(broken, e.both(negative, e.compare("ogt", x, e.const(-inf))))
        return e.select(wrong, e.const(nan), result)
    if abs(exponent) != inf and exponent % 1.0 != 0.0:
        wrong = e.both(negative, e.compare("ogt", x, e.const(-inf)))
        return e.select(wrong, e.const(nan), result)
    if exponent % 2.0 == 1.0:
        sign = e.int("and", e.bits(x), e.integer(SIGN))
        return e.float(e.int("or", e.bits(result), sign))
    return result


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
    shifted = e.fma(x, e.const(TWO_OVER_PI), e.const(SHIFT))
    n = e.sub(shifted, e.const(SHIFT))
    r = x
    for part in HALF_PI:
        r = e.fma(n, e.const(-part), r)
    return r, e.bits(shifted)


def _quarter(e: Emit, r: str, quadrant: str) -> str:
    """sin(r + quadrant * pi / 2) for abs(r) <= pi / 4."""
    z = e.mul(r, r)
    sine = e.fma(e.mul(r, z), e.horner(z, SIN), r)
    cosine = e.fma(e.mul(z, z), e.horner(z, COS), e.fma(z, e.const(-0.5), e.const(1.0)))
    odd = e.do(f"icmp ne {e.long} {e.int('and', quadrant, e.integer(1))}, {e.integer(0)}")
    value = e.select(odd, cosine, sine)
    sign = e.int("shl", e.int("lshr", e.int("and", quadrant, e.integer(2)), e.integer(1)), e.integer(63))
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
    head = e.select(large, e.const(HALF_PI_HEAD), e.select(middle, e.const(HALF_PI_HEAD / 2), zero))
    tail = e.select(large, e.const(HALF_PI_TAIL), e.select(middle, e.const(HALF_PI_TAIL / 2), zero))
    value = e.add(head, e.add(t, e.fma(e.mul(t, z), e.horner(z, ATAN), tail)))
    return _signed(e, value, x)


def asin(e: Emit, x: str) -> str:
    one = e.const(1.0)
    return atan(e, e.div(x, e.call("sqrt", e.mul(e.sub(one, x), e.add(one, x)))))


def acos(e: Emit, x: str) -> str:
    one = e.const(1.0)
    return e.mul(e.const(2.0), atan(e, e.call("sqrt", e.div(e.sub(one, x), e.add(one, x)))))


def modulo(e: Emit, x: str, y: str) -> str:
    """The remainder with the sign of x (C's fmod), exact; not-a-number where abs(x / y) >= 2^53."""
    divisor = e.call("fabs", y)
    value = e.call("fabs", x)
    quotient = e.call("trunc", e.div(value, divisor))
    rest = e.fma(e.neg(quotient), divisor, value)
    # the quotient may have been rounded up to the next whole number
    rest = e.select(e.compare("olt", rest, e.const(0.0)), e.add(rest, divisor), rest)
    rest = e.select(e.compare("olt", quotient, e.const(LARGEST_QUOTIENT)), rest, e.const(nan))
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


def _signed(e: Emit, magnitude: str, sign_of: str) -> str:
    """`magnitude` with the sign of `sign_of`."""
    sign = e.int("and", e.bits(sign_of), e.integer(SIGN))
    return e.float(e.int("or", e.int("and", e.bits(magnitude), e.integer(MAGNITUDE)), sign))


UNARY: dict[str, Callable[[Emit, str], str]] = {
    "neg": Emit.neg,
    "abs": lambda e, x: e.call("fabs", x),
    "sqrt": lambda e, x: e.call("sqrt", x),
    "floor": lambda e, x: e.call("floor", x),
    "trunc": lambda e, x: e.call("trunc", x),
    "exp": exp,
    "log": log,
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
