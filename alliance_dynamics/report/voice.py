"""One language's names, units and numbers together: what a chapter needs to say something about a figure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from markupsafe import Markup

from alliance_dynamics.errors import InputError, fault
from alliance_dynamics.report.numbers import FIXED, Numbers, decimals_of_interval, decimals_of_value, exact
from alliance_dynamics.report.results import Results, Row
from alliance_dynamics.report.texts import Texts

GROUPS = ("calibrated parameters", "uncertain assumptions")


def bound(text: str) -> str:
    """`2010 г.` stays on one line."""
    return re.sub(r"(?<=\d) (?=г\.)", FIXED, text)


@dataclass(frozen=True)
class Voice:
    """Says names, amounts and shares in the language of `texts`.

    A name without a label in that language is kept in `missing`; `refuse_missing` raises one InputError for all.
    """

    texts: Texts
    results: Results
    missing: dict[str, None] = field(default_factory=dict)

    @property
    def language(self) -> str:
        return self.texts.language

    @cached_property
    def numbers(self) -> Numbers:
        return Numbers(self.language)

    # Names ----------------------------------------------------------------------------------------------------------

    def variable(self, name: str) -> str:
        return bound(self._fit_labels("observable", "label").get(name) or self._label("variables", name))

    def element(self, name: str) -> str:
        if not name:
            return self.texts("element.whole")
        known = self._fit_labels("region", "region_label").get(name)
        return known or self._label("elements", name, fallback=f"element.{name}")

    def outcome(self, name: str) -> str:
        return self._label("outcomes", name)

    def outcome_with_unit(self, row: Row) -> str:
        """`Gross regional product, bn RUB/year`"""
        unit = self.unit(row["unit"])
        return f"{self.outcome(row['outcome'])}, {unit}" if unit else self.outcome(row["outcome"])

    def lever(self, name: str) -> str:
        for row in self.results.rows("sensitivity/levers.csv"):
            if row["lever"] == name:
                return row[f"label_{self.language}"]
        return self._label("levers", name, fallback=f"group.{name}")

    def regime(self, name: str) -> str:
        """`R3 (“Interregional industry alliance ...”)`."""
        return self.texts("regime.named", regime=name, title=self.title(name))

    def title(self, name: str) -> str:
        for row in self.results.rows("comparison/regimes.csv"):
            if row["regime"] == name:
                return row[f"title_{self.language}"]
        self.missing[f"comparison/regimes.csv: {name}"] = None
        return name

    def parameter(self, row: Row) -> str:
        english = row["label"] or row["parameter"]
        return bound(english if self.language == "en" else row.get(f"label_{self.language}") or english)

    def source(self, row: Row) -> str:
        return row.get(f"source_{self.language}") or row["source"]

    def unit(self, unit: str) -> str:
        """A unit in words of the language; `labels.json` may add units under `units`."""
        given = self.results.labels.get("units", {}).get(unit, {}).get(self.language)
        if given is not None:
            return given
        first, *below = unit.split("/")
        parts = [self._unit_word(first.strip(), "unit")]
        parts += [self._unit_word(part.strip(), "unit_below") for part in below]
        return "/".join(parts)

    # Amounts --------------------------------------------------------------------------------------------------------

    def amount(self, value: float, unit: str, decimals: int, *, sign: bool = False) -> Markup:
        """A number with its unit, the exact value kept in the page."""
        text = self.numbers.number(value, decimals, sign=sign)
        shown = exact(value, text)
        if self.texts.has(forms := f"unit.{_singular(unit)}") and len(self.texts.forms(forms)) > 1:
            name = self.numbers.plural(f"{abs(value):.{decimals}f}", self.texts.forms(forms))
        else:
            name = self.unit(unit)
        return shown + FIXED + name if name else shown

    def gap(self, row: Row) -> tuple[Markup, Markup, Markup]:
        """The gap of a row of `summary.csv` with its ends, all with as many decimals as the interval allows."""
        decimals = decimals_of_interval(row["gap_low"], row["gap_high"], row["gap"])
        middle = self.amount(row["gap"], row["unit"], decimals, sign=True)
        low, high = (exact(row[end], self.numbers.number(row[end], decimals, sign=True)) for end in GAP_ENDS)
        return middle, low, high

    def percent(self, value: float, *, sign: bool = False, digits: int = 2) -> Markup:
        """A value that is already in per cent."""
        return self.amount(value, "%", min(decimals_of_value(value, digits), 4), sign=sign)

    def share(self, value: float, decimals: int = 0) -> Markup:
        """A fraction shown in per cent; the page keeps the fraction."""
        return exact(value, self.numbers.number(100 * value, decimals)) + FIXED + "%"

    def share_of_draws(self, share: float, draws: int, form: str = "draws") -> str:
        """`about 9 of 10 draws`, no finer than the number of draws allows; in the form `short`, `9 of 10`."""
        hits = round(share * draws)
        if min(share, 1 - share) * draws < 0.25:  # less than a tie, which counts half
            return self.texts(f"{form}.all" if hits else f"{form}.none", draws=self.numbers.number(draws, 0))
        if draws < 20:
            return self.texts(f"{form}.counted", hits=hits, draws=draws)
        if share >= 0.95 or share < 0.05:
            side = "most" if share > 0.5 else "few"
            return self.texts(f"{form}.{side}_{'twenty' if draws >= 100 else 'ten'}")
        tenths = min(max(round(share * 10), 1), 9)
        if tenths == 5:
            return self.texts(f"{form}.half")
        return self.numbers.plural(tenths, self.texts.forms(f"{form}.tenths")).format(tenths=tenths)

    def refuse_missing(self) -> None:
        """InputError naming every label and unit that the results folder and the texts lack."""
        if self.missing:
            raise InputError(
                fault(
                    str(self.results.folder / "labels.json"),
                    "`{name}` has no label in the language `{language}`",
                    remedy="Add it to labels.json, with texts under en and ru",
                    name=name,
                    language=self.language,
                )
                for name in self.missing
            )

    # Look-ups -------------------------------------------------------------------------------------------------------

    def _label(self, section: str, name: str, fallback: str = "") -> str:
        entry: Any = self.results.labels.get(section, {}).get(name, {})
        if label := entry.get(self.language):
            return label
        if self.texts.has(fallback):
            return self.texts(fallback)
        self.missing[f"{section}: {name}"] = None
        return name

    def _fit_labels(self, key: str, column: str) -> dict[str, str]:
        return self._labels_in_fit[key, column]

    @cached_property
    def _labels_in_fit(self) -> dict[tuple[str, str], dict[str, str]]:
        rows = self.results.rows("calibration/fit.csv")
        return {
            (key, column): {row[key]: row.get(f"{column}_{self.language}", "") for row in reversed(rows)}
            for key, column in (("observable", "label"), ("region", "region_label"))
        }

    def _unit_word(self, word: str, section: str) -> str:
        if word.replace(".", "").isdigit():
            return word
        for key in (f"{section}.{word.lower()}", f"{section}.{_singular(word)}"):
            if self.texts.has(key):
                forms = self.texts.forms(key)
                return forms.get("many", forms["other"])
        self.missing[f"units: {word}"] = None
        return word


def _singular(unit: str) -> str:
    return unit.lower().removesuffix("s")


GAP_ENDS = ("gap_low", "gap_high")
