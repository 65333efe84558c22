"""The table that closes a comparison."""

from __future__ import annotations

from collections.abc import Sequence

from alliance_dynamics.calibration.calibration import Calibration
from alliance_dynamics.compare import Comparison
from alliance_dynamics.language import current_language, translate
from alliance_dynamics.outcomes import ALLIANCE
from alliance_dynamics.parameters import Parameters


def summary_of_gaps(
    compared: Comparison,
    fitted: Calibration,
    parameters: Parameters,
    quick: bool,
    *,
    years: Sequence[float] = (),
    kpis: Sequence[str] = (),
) -> str:
    """The table that closes the job: gaps of the whole alliance to the baseline in 2040, or in `years`.

    `kpis`: only these outcomes, where there are any.
    """
    lines: list[str] = []
    for at in years or [2040 if 2040 in compared.years else compared.years[-1]]:
        lines += _in_year(compared, parameters, at, kpis)
    if bound := fitted.summary["at_bound"]:
        lines.append(translate("At a bound: {names}").format(names=", ".join(bound)))
    if not fitted.summary["converged"]:
        text = translate("The posterior sample has not settled: R-hat {value:.2f}")
        lines.append(text.format(value=fitted.summary["r_hat_max"]))
    if quick:
        lines.append(translate("Quick run: small samples, not for decisions."))
    return "\n".join(lines) + "\n"


def _in_year(compared: Comparison, parameters: Parameters, at: float, kpis: Sequence[str]) -> list[str]:
    head = translate("Gaps to {baseline} in {year:g}, the whole alliance, {draws} draws (median, 5 % and 95 %)")
    width = max(len(regime) for regime in compared.regimes)
    lines = [head.format(baseline=compared.baseline, year=at, draws=compared.draws)]
    outcome = ""
    for row in compared.summary:
        if row["year"] == at and row["element"] == ALLIANCE and (not kpis or row["outcome"] in kpis):
            if row["outcome"] != outcome:
                outcome = str(row["outcome"])
                label = parameters.variables.get(outcome, {}).get(current_language(), outcome.replace("_", " "))
                lines.append(f"{label}, {translate(str(row['unit']))}")
            lines.append(
                f"  {row['regime']:<{width}}  {row['gap']:+10.4g} [{row['gap_low']:+.4g}, "
                f"{row['gap_high']:+.4g}], {translate(str(row['verdict']))}"
            )
    return lines
