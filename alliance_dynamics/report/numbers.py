"""Numbers as a language writes them: signs, commas, ranges, shares of draws, and no more digits than are known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from babel import Locale
from babel.numbers import get_decimal_symbol
from markupsafe import Markup

THIN = "\u202f"  # narrow no-break space: between thousands
FIXED = "\u00a0"  # no-break space: before a unit
MINUS = "\u2212"
_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


@dataclass(frozen=True)
class Numbers:
    """How one language writes numbers (`en`, `ru`)."""

    language: str

    @cached_property
    def _point(self) -> str:
        return get_decimal_symbol(self.language)

    @cached_property
    def _locale(self) -> Locale:
        return Locale.parse(self.language)

    def number(self, value: float, decimals: int, *, sign: bool = False) -> str:
        """`value` with that many decimals; values too small for six decimals as a power of ten."""
        if decimals > 6:
            return self._power(value, sign=sign)
        text = f"{abs(value):,.{max(decimals, 0)}f}".replace(",", THIN).replace(".", self._point)
        zero = not any(digit in text for digit in "123456789")
        return ("" if zero else MINUS if value < 0 else "+" if sign else "") + text

    def plural(self, count: int | str, forms: dict[str, str]) -> str:
        """The form of a word that goes with a count or with a number as written ("1.50"), by the CLDR rules."""
        return forms.get(self._locale.plural_form(Decimal(count)), forms["other"])

    def _power(self, value: float, *, sign: bool) -> str:
        if value == 0:
            return "0"
        exponent = math.floor(math.log10(abs(value)))
        mantissa = self.number(value / 10.0**exponent, 1, sign=sign)
        return f"{mantissa}·10{str(exponent).translate(_RAISED)}"


def decimals_of_interval(low: float, high: float, value: float) -> int:
    """Decimals that give the half-width of an interval two significant digits; without a width, `value` three."""
    width = abs(high - low) / 2
    if width > 0 and math.isfinite(width):
        return max(0, 1 - math.floor(math.log10(width)))
    return decimals_of_value(value)


def decimals_of_band(row: Mapping[str, float]) -> int:
    """Decimals of the median of a band, of which `row` has q05, q50 and q95."""
    return decimals_of_interval(row["q05"], row["q95"], row["q50"])


def decimals_of_value(value: float, digits: int = 3) -> int:
    """Decimals that give `value` that many significant digits."""
    if value == 0 or not math.isfinite(value):
        return 0
    return max(0, digits - 1 - math.floor(math.log10(abs(value))))


def exact(value: float, text: str) -> Markup:
    """A shown number that carries its exact value, so that a reader's program (and a test) can find it in the file."""
    return Markup('<data value="{}">{}</data>').format(repr(float(value)), text)
