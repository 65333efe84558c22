"""The few choices that a report makes from a results folder: which outcome leads, at which year, of which regime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from alliance_dynamics.errors import InputError, fault
from alliance_dynamics.report.results import Results, Row

WHOLE = ("alliance", "")  # the element that stands for all regions together
FIRST_REGION = "tatarstan"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the chapters agree on."""

    draws: int
    quick: bool
    policy_year: int | None
    report_year: int
    last_observed: int
    baseline: str
    main_regime: str
    headline: str
    main_outcomes: tuple[str, ...]
    elements: tuple[str, ...]
    sensitivity_converged: bool
    calibration_converged: bool
    gross_product: tuple[str, ...]


def gather_facts(results: Results) -> Facts:
    """Read the choices from `manifest.json` settings where they stand there, else by rule from the tables."""
    manifest, settings = results.manifest, results.manifest.get("settings", {})
    summary = results.rows("comparison/summary.csv")
    outcomes = _unique(summary, "outcome")
    years = sorted({row["year"] for row in summary})
    regimes = _unique(summary, "regime")
    baseline = summary[0]["baseline"]
    others = [each for each in regimes if each != baseline]
    observed = [row["year"] for row in results.rows("calibration/fit.csv") if row["observed"] is not None]
    gross = tuple(each for each in outcomes if is_gross_product(each))
    valued = [each for each in outcomes if "present_value" in _canonical(each) or "npv" in _canonical(each)]
    starts = results.rows("calibration/starts.csv")
    return Facts(
        draws=_draws(results),
        quick=bool(manifest.get("quick", False)),
        policy_year=settings.get("policy_year"),
        report_year=settings.get("report_year") or (2040 if 2040 in years else years[-1]),
        last_observed=max(observed, default=years[0] - 1),
        baseline=baseline,
        main_regime=settings.get("main_regime") or ("R3" if "R3" in others else (others or regimes)[-1]),
        headline=settings.get("headline_outcome") or (valued or list(gross) or outcomes)[0],
        main_outcomes=tuple(settings.get("main_outcomes") or outcomes[:4]),
        elements=_elements(summary),
        sensitivity_converged=_converged(results.sensitivity, settings.get("sensitivity", {})),
        calibration_converged=results.calibration.get("converged", any(row["converged"] for row in starts)),
        gross_product=gross,
    )


def is_gross_product(name: str) -> bool:
    """Whether a variable or outcome is gross regional product (its fit and its headline are held back)."""
    canonical = _canonical(name)
    return "gross_regional_product" in canonical or canonical == "grp" or canonical.startswith("grp_")


def order_elements(elements: list[str]) -> list[str]:
    """All regions together first, then the region of the problem, then the others as they come."""
    rank = {each: place for place, each in enumerate((*WHOLE, FIRST_REGION))}
    return sorted(elements, key=lambda each: (rank.get(_canonical(each), len(rank)), elements.index(each)))


def _elements(summary: list[Row]) -> tuple[str, ...]:
    return tuple(order_elements(_unique(summary, "element")))


def _unique(rows: list[Row], column: str) -> list[Any]:
    return list(dict.fromkeys(row[column] for row in rows))


def _canonical(name: str) -> str:
    return name.lower().replace(" ", "_").replace("-", "_")


def _converged(*documents: dict[str, Any]) -> bool:
    return all(document.get("converged", True) for document in documents)


def _draws(results: Results) -> int:
    draws = results.manifest.get("draws", {})
    count = draws.get("n") if isinstance(draws, dict) else draws
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise InputError(
            fault(
                str(results.folder / "manifest.json"),
                "`draws.n` is {value}",
                expected="Expected the number of draws, a whole number of at least 1",
                value=count,
            )
        )
    return count
