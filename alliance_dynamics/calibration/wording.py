"""An estimation in words: the best fit, what the data say about each parameter, and what has to be known with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from alliance_dynamics.language import translate

if TYPE_CHECKING:
    from alliance_dynamics.calibration.estimation import Estimation, Verdict
    from alliance_dynamics.calibration.identify import Identification, TaskProfile
    from alliance_dynamics.calibration.information import Information

MOST_FAILED = 0.2  # of the starts; more is said


def tell(template: str, **values: object) -> str:
    """A sentence in the reader's language."""
    return translate(template).format(**values)


def best_fit(nll: float) -> str:
    """The sentence with the figure that a fit is known by, in eight digits."""
    return tell("Negative log-likelihood of the best fit: {value}", value=f"{nll:#.8g}")


def summary_of(found: Estimation) -> str:
    """The text that closes a calibration: figures first, then one line for each parameter, then the warnings."""
    return "\n".join(
        [*_headline(found), "", *(f"  {sentence_of(each, found)}" for each in found.verdicts), *_notes(found)]
    )


def said(each: TaskProfile, found: Identification) -> str:
    """What the data alone say about a parameter of the composed model's fit."""
    parts = [in_words(each.verdict, each.low, each.high, each.name, found.information)]
    if each.partners and each.verdict not in ("identified", "flat"):
        parts.append(tell("it trades off against {names}", names=", ".join(each.partners)))
    return "; ".join(part for part in parts if part)


def information_card(information: Information) -> dict[str, Any]:
    """Rank, spectrum, directions that change nothing in words, and errors that go together."""
    return {
        "rank": information.rank,
        "structural_rank": information.structural_rank,
        "spectrum": information.spectrum.tolist(),
        "null_space": [combination(each) for each in information.null_space],
        "correlated": [list(each) for each in information.correlated],
    }


def sentence_of(each: Verdict, found: Estimation) -> str:
    """What is known about a parameter."""
    name, unit = each.parameter.id, each.parameter.unit
    shown = f"{name} = {each.value:.5g}" + (f" {unit}" if unit and unit != "1" else "")
    parts = [in_words(each.verdict, each.low, each.high, name, found.information)]
    if each.bound:
        bound = each.parameter.lower if each.bound == "lower" else each.parameter.upper
        end = "lower" if each.bound == "lower" else "upper"
        parts.append(
            tell("the best value lies at its lower bound {bound}", bound=f"{bound:g}")
            if end == "lower"
            else tell("the best value lies at its upper bound {bound}", bound=f"{bound:g}")
        )
    if each.partners:
        parts.append(tell("it trades off against {names}", names=", ".join(each.partners)))
    if each.posterior is not None and found.draws is not None and found.draws.passed:
        low, _, high = each.posterior
        parts.append(tell("posterior 90 %: {low} to {high}", low=f"{low:.4g}", high=f"{high:.4g}"))
    return f"{shown}: " + "; ".join(part for part in parts if part)


def in_words(verdict: str, low: float | None, high: float | None, name: str, information: Information) -> str:
    """A verdict with its interval."""
    first, last = (None if end is None else f"{end:.4g}" for end in (low, high))
    match verdict:
        case "identified":
            return tell("between {low} and {high}", low=first, high=last)
        case "one-sided" if first is not None:
            return tell("at least {low}", low=first)
        case "one-sided":
            return tell("at most {high}", high=last)
        case "not identified":
            return tell("these data say nothing about it")
        case "flat":
            return tell("the model does not notice it")
        case "structurally not identified":
            return combination(next(n for n in information.structural_null_space if name in n))
    return ""


def combination(direction: dict[str, float]) -> str:
    """A direction that changes nothing, as what is determined instead."""
    names = sorted(direction, key=lambda name: -abs(direction[name]))
    if len(names) == 1:
        return tell("no measurement depends on {name}", name=names[0])
    if len(names) == 2:
        one, other = (direction[name] for name in names)
        if abs(abs(one) - abs(other)) < 0.1 * abs(one):
            sign = "/" if one * other > 0 else "*"
            return tell("only {combination} is determined", combination=f"{names[0]} {sign} {names[1]}")
    return tell("only combinations of {names} are determined", names=", ".join(names))


def _headline(found: Estimation) -> Iterator[str]:
    points, hits = len(found.objective.data), found.hits
    yield best_fit(found.nll)
    yield tell(
        "{points} measurements, {size} parameters; {hits} of {starts} starts end within 0.1 of it, {near} within 1.92",
        points=points, size=len(found.problem.estimated), hits=hits[0.1], starts=len(found.starts), near=hits[1.92],
    )  # fmt: skip
    if hits[0.1] > 1:
        yield (
            tell("These starts agree in the parameters")
            if found.same_parameters
            else tell("These starts differ in the parameters: the value is reproduced, the parameters are not")
        )
    if found.penalty:
        yield tell("With the priors of breaks and pools: {penalty} + {nll} = {total}", penalty=f"{found.penalty:.8g}",
                   nll=f"{found.nll:.8g}", total=f"{found.penalty + found.nll:.8g}")  # fmt: skip
    if found.most_probable is not None:
        _, nll, prior = found.most_probable
        yield tell("Most probable values under all priors: {nll} (likelihood) + {prior} (priors) = {total}",
                   nll=f"{nll:.8g}", prior=f"{prior:.8g}", total=f"{nll + prior:.8g}")  # fmt: skip
    for name, template in (
        ("no_pool", "Without pools, each parameter alone: {value}"),
        ("complete_pool", "With one value for all members of a pool: {value}"),
    ):
        if name in found.beside:
            yield tell(template, value=f"{found.beside[name]:.8g}")


def _notes(found: Estimation) -> Iterator[str]:
    rank, size = found.information.rank, len(found.information.names)
    if rank < size:
        yield tell("The information matrix has rank {rank} of {size}", rank=rank, size=size)
        for direction in found.information.null_space:
            yield "  " + combination(direction)
    for one, other, value in found.information.correlated[:5] if rank == size else ():
        yield tell("  errors of {one} and {other} go together (correlation {value})", one=one, other=other,
                   value=f"{value:.3f}")  # fmt: skip
    if len(found.failures) > MOST_FAILED * len(found.starts):
        first = found.failures[0]
        what = "{count} of {starts} starts cannot be run, the first at {time} ({observable})"
        yield tell(what, time=f"{first.time:g}", count=len(found.failures), starts=len(found.starts),
                   observable=first.observable)  # fmt: skip
    yield from _checks(found)
    yield from _posterior(found)
    yield from (str(each) for each in found.problem.warnings)


def _checks(found: Estimation) -> Iterator[str]:
    if found.objective.by_differences:
        yield tell("Slopes by {names} are differences, the model has no exact ones",
                   names=", ".join(found.objective.by_differences))  # fmt: skip
    half = found.beside.get("half_step")
    if half is not None and not abs(half - found.nll) < 1e-3:
        yield tell("With half the step of {dt} the value is {half}: take a smaller `dt`",
                   dt=f"{found.objective.binding.grid.dt:g}", half=f"{half:.8g}")  # fmt: skip
    for index in found.objective.groups:
        log_scale = found.objective.errors(found.best.cube[None, :]).log_scale[0, index[0]]
        if np.exp(log_scale) <= found.objective.least(index) * (1 + 1e-9):
            name = found.objective.binding.points[index[0]].observable
            yield tell(
                "The noise of {name} is at its floor of {floor}", name=name, floor=f"{found.objective.least(index):g}"
            )
    for each in found.serial:
        if each.rejected:
            yield tell("Errors of {name} {experiment} follow each other (Ljung-Box p = {p}, Durbin-Watson {dw})",
                       name=each.observable, experiment=each.experiment, p=f"{each.p_value:.2g}",
                       dw=f"{each.durbin_watson:.2f}")  # fmt: skip
    if found.remembered is not None:
        yield tell("With autocorrelated errors: {value}, and these intervals", value=f"{found.remembered.nll:.8g}")
        for each in found.remembered.verdicts:
            yield f"  {sentence_of(each, found.remembered)}"


def _posterior(found: Estimation) -> Iterator[str]:
    if found.draws is None or found.predictive is None:
        return
    worst, least = float(np.nanmax(found.draws.r_hat)), float(min(found.draws.bulk.min(), found.draws.tail.min()))
    if not found.draws.passed:
        yield tell("THE POSTERIOR HAS NOT CONVERGED and is not to be used: R-hat {hat}, effective draws {size}",
                   hat=f"{worst:.3f}", size=f"{least:.0f}")  # fmt: skip
        return
    yield tell(
        "Posterior: R-hat at most {hat}, at least {size} effective draws", hat=f"{worst:.3f}", size=f"{least:.0f}"
    )
    yield tell("{inside} of the measurements lie in their 90 % interval, {half} in their 50 % interval",
               inside=f"{found.predictive.inside_90:.0%}", half=f"{found.predictive.inside_50:.0%}")  # fmt: skip
    learned: Sequence[str] = [each.parameter.id for each in found.verdicts if each.overlap > 0.8]
    if learned:
        yield tell("The data teach little about {names}: the posterior covers the prior", names=", ".join(learned))
