"""The two formats of numbers that kernels compute in: their layout in bits and the polynomials fitted to them.

Coefficients come from `benchmarks/fit_polynomials.py`, lowest power first.  Constants of the range reductions are heads
and tails whose sum has the digits that a number of the format lacks.
"""

from __future__ import annotations

from dataclasses import dataclass

Numbers = tuple[float, ...]


@dataclass(frozen=True)
class Format:
    """`kind`: LLVM's name; `bits` of a number, of them `mantissa` stored; `root_half`: sqrt(1/2) as a whole number.

    `exp_usual`: e^x is neither subnormal nor infinite for abs(x) up to it; between `exp_low` and `exp_high` lies all
    that is neither 0 nor infinite.
    """

    kind: str
    bits: int
    mantissa: int
    root_half: int
    exp_usual: float
    exp_low: float
    exp_high: float
    ln2: Numbers
    half_pi: Numbers  # in parts, taken off an angle one after the other by fused multiplications
    quarter_turn: Numbers  # pi / 2 as head and tail
    exp: Numbers
    log: Numbers
    sin: Numbers
    cos: Numbers
    atan: Numbers

    @property
    def bias(self) -> int:
        """What is added to an exponent before it is stored."""
        return 2 ** (self.bits - self.mantissa - 2) - 1

    @property
    def least(self) -> float:
        """The smallest normal number."""
        return 2.0 ** (1 - self.bias)

    @property
    def shift(self) -> float:
        """Adding it rounds to a whole number, kept in the low bits of the sum."""
        return 1.5 * 2.0**self.mantissa

    @property
    def shift_bits(self) -> int:
        return ((self.mantissa + self.bias) << self.mantissa) + (1 << (self.mantissa - 1))

    @property
    def largest_quotient(self) -> float:
        """Beyond it mod gives not-a-number: the remainder is noise."""
        return 2.0 ** (self.mantissa + 1)


def _numbers(text: str) -> Numbers:
    return tuple(map(float.fromhex, text.split()))


DOUBLE = Format(
    kind="double",
    bits=64,
    mantissa=52,
    root_half=0x3FE6A09E667F3BCD,
    exp_usual=708.0,
    exp_low=-746.0,
    exp_high=710.0,
    ln2=_numbers("0x1.62e42fefa0000p-1 0x1.cf79abc9e3b3ap-40"),
    half_pi=_numbers("0x1.921fb54400000p+0 0x1.0b4611a600000p-34 0x1.3198a2e037073p-69"),
    quarter_turn=_numbers("0x1.921fb54442d18p+0 0x1.1a62633145c07p-54"),
    exp=_numbers(
        "0x1.0000000000001p-1 0x1.5555555555556p-3 0x1.5555555553d68p-5 0x1.11111111109b5p-7 0x1.6c16c17889ef1p-10 "
        "0x1.a01a01a7c2efep-13 0x1.a019b9149a41cp-16 0x1.71de0db2f6b19p-19 0x1.28917c89a43a7p-22 0x1.af389ecfc4b9cp-26"
    ),
    log=_numbers(
        "0x1.5555555555558p-1 0x1.99999999952e2p-2 0x1.2492492df148dp-2 0x1.c71c62e5800a1p-3 0x1.7462b4ab2ef6bp-3 "
        "0x1.39fe606542ddep-3 0x1.2b584aae78a57p-3"
    ),
    sin=_numbers(
        "-0x1.5555555555555p-3 0x1.1111111110bb2p-7 -0x1.a01a019e83aaep-13 0x1.71de37968a100p-19 "
        "-0x1.ae600b02b6262p-26 0x1.5e0b19f8b1451p-33"
    ),
    cos=_numbers(
        "0x1.5555555555555p-5 -0x1.6c16c16c16967p-10 0x1.a01a019f4eb01p-16 -0x1.27e4fa17da09ep-22 "
        "0x1.1eeb68e93b64cp-29 -0x1.907da367a37cbp-37"
    ),
    atan=_numbers(
        "-0x1.5555555555555p-2 0x1.999999999934cp-3 -0x1.2492492436201p-3 0x1.c71c71853d7fap-4 -0x1.745d0b28a7e37p-4 "
        "0x1.3b1263064f6b9p-4 -0x1.10fa77b1a6d57p-4 0x1.dfe6497e96323p-5 -0x1.a0999c632b6edp-5 0x1.4162c02b1dda3p-5 "
        "-0x1.3a31b1c0fd3b7p-6"
    ),
)

SINGLE = Format(
    kind="float",
    bits=32,
    mantissa=23,
    root_half=0x3F3504F3,
    exp_usual=87.0,
    exp_low=-105.0,
    exp_high=89.5,
    ln2=_numbers("0x1.62e43p-1 -0x1.05c61p-29"),
    half_pi=_numbers("0x1.921fb6p+0 -0x1.777a5cp-25 -0x1.ee59dap-50"),
    quarter_turn=_numbers("0x1.921fb6p+0 -0x1.777a5cp-25"),
    exp=_numbers("0x1.00000p-1 0x1.5554dep-3 0x1.55551ap-5 0x1.120b62p-7 0x1.6d10fcp-10"),
    log=_numbers("0x1.55555cp-1 0x1.997c3p-2 0x1.2ee61p-2"),
    sin=_numbers("-0x1.555552p-3 0x1.110c28p-7 -0x1.9ac9bp-13"),
    cos=_numbers("0x1.555554p-5 -0x1.6c12d2p-10 0x1.9bd89cp-16"),
    atan=_numbers("-0x1.555556p-2 0x1.99997cp-3 -0x1.248a18p-3 0x1.c57baep-4 -0x1.614448p-4 0x1.9d8b24p-5"),
)
