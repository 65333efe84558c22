"""Whether the sentences hold: the worst case of each, how far it lies within its limit, the share that holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from alliance_dynamics.kernel.integrals import integral_name
from alliance_dynamics.language import current_language
from alliance_dynamics.model.model import Model
from alliance_dynamics.model.names import canonical
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.reality.cases import DRAWS, SEED, Cases, Floats, cases_of
from alliance_dynamics.reality.runs import Runner
from alliance_dynamics.reality.sentences import Check
from alliance_dynamics.simulate import program_of

_AT_ONCE = 64  # rows; what bounds the memory


@dataclass(frozen=True)
class CheckResult:
    """`value` is the worst that was found and `limit` what it may be, both in the unit of the check.

    `share` of the `cases` (default, corners, draws; times the regimes) in which it holds; `worst` says where the worst
    was found: the regime, and the case with the constants that lie farthest from their defaults.
    """

    id: str
    sentence: str
    holds: bool
    value: float
    limit: str
    share: float = 1.0
    cases: int = 1
    worst: str = ""


def evaluate(
    model: Model,
    checks: Sequence[Check],
    *,
    draws: int = DRAWS,
    seed: int = SEED,
    jobs: int = 1,
    progress: Callable[[float], None] = lambda _: None,
) -> list[CheckResult]:
    """The result of every check over the same cases.  Gaps to another run are relative to it.

    A run that does not stay finite is a case in which the check does not hold.  ValueError where a check names what
    the model lacks.
    """
    parameters = read_parameters()
    cases = cases_of(program_of(model), parameters, draws=draws, seed=seed)
    runner = Runner(model, checks, parameters, jobs)
    tallies = [_Tally(each) for each in checks]
    for first in range(0, len(cases.rows), _AT_ONCE):
        runner.begin(cases.rows[first : first + _AT_ONCE])
        for tally in tallies:
            for regime in runner.regimes(tally.check):
                tally.add(regime, first, *_worst(runner, tally.check, regime))
        progress(min(1.0, (first + _AT_ONCE) / len(cases.rows)))
    return [each.result(cases) for each in tallies]


class _Tally:
    """What was found of one check so far; `margin` is how far within its limit the worst case lies."""

    def __init__(self, check: Check):
        self.check, self.held, self.cases = check, 0, 0
        self.default = True
        self.margin, self.value, self.where = np.inf, np.nan, ("", 0)

    def add(self, regime: str, first: int, value: Floats, margin: Floats, strict: bool) -> None:
        held = margin > 0 if strict else margin >= 0
        self.held += int(held.sum())
        self.cases += len(held)
        if first == 0:
            self.default &= bool(held[0])
        known = np.where(np.isnan(margin), -np.inf, margin)
        worst = int(known.argmin())
        if known[worst] < self.margin or not self.where[0]:
            self.margin, self.value, self.where = float(known[worst]), float(value[worst]), (regime, first + worst)

    def result(self, cases: Cases) -> CheckResult:
        check, share = self.check, self.held / self.cases
        regime, case = self.where
        return CheckResult(
            check.id, check.sentences[current_language()], self.default and share >= check.share, self.value,
            _limit(check), share, self.cases, f"{regime}, {cases.tell(case)}",
        )  # fmt: skip


def _worst(runner: Runner, check: Check, regime: str) -> tuple[Floats, Floats, bool]:
    """By case the worst value, how far it lies within its limit, and whether the limit itself is excluded."""
    values = runner.values(check.change, regime)
    first, last = check.over or (runner.times[0], runner.times[-1])
    span = (runner.times >= first) & (runner.times <= last)
    columns = runner.columns(check.variables, check.id)
    found = values[:, span][:, :, columns]
    if check.holds in ("balance", "sum", "alike"):
        gap = {"balance": _unbalanced, "sum": _unsummed, "alike": _unlike}[check.holds](runner, check, values)
        return gap, check.tolerance - gap, False
    if check.against is None:
        low = check.value[0] if check.holds != "at_most" else -np.inf
        high = check.value[-1] if check.holds != "at_least" else np.inf
        return *_least(found, np.minimum(found - low, high - found)), False
    other = runner.values(check.against, regime)[:, span][:, :, columns]
    gap = found - other
    with np.errstate(invalid="ignore"):
        relative = np.divide(
            gap, np.abs(other), out=np.where(gap == 0, 0.0, np.copysign(np.inf, gap)), where=other != 0
        )
        relative[np.isnan(gap)] = np.nan
    margin = {
        "equals": check.tolerance - np.abs(relative),
        "below": -relative,
        "above": relative,
        "not_below": relative + check.tolerance,
        "not_above": check.tolerance - relative,
    }[check.holds]
    return *_least(relative, margin), check.holds in ("below", "above")


def _least(values: Floats, margin: Floats) -> tuple[Floats, Floats]:
    """The value and the margin of each case where its margin is least; a run that failed has NaN."""
    flat = np.where(np.isnan(margin), -np.inf, margin).reshape(len(margin), -1)
    place = flat.argmin(axis=1)[:, None]
    least = np.take_along_axis(margin.reshape(len(margin), -1), place, axis=1)[:, 0]
    return np.take_along_axis(values.reshape(len(values), -1), place, axis=1)[:, 0], least


def _unbalanced(runner: Runner, check: Check, values: Floats) -> Floats:
    """The largest gap between a change of stock and what flowed in and out, relative to stock and flows."""
    worst = np.zeros(len(values))
    for name in runner.names(check.variables, check.id):
        element = name.partition("[")[2]
        stock = values[:, :, runner.place[name]]
        moved, size = np.zeros_like(stock), np.abs(stock)
        for flows, sign in ((check.inflows, 1.0), (check.outflows, -1.0)):
            for flow in flows:
                own = integral_name(f"{canonical(flow)}[{element}" if element else canonical(flow))
                moved += sign * values[:, :, runner.place[own]]
                size += np.abs(values[:, :, runner.place[own]])
        gap = np.abs(stock - stock[:, :1] - moved) / np.maximum(size, 1e-9)
        worst = np.maximum(worst, gap.max(axis=1))
    return worst


def _unsummed(runner: Runner, check: Check, values: Floats) -> Floats:
    parts, whole = (values[:, :, runner.columns(each, check.id)] for each in (check.variables, check.total))
    gap = np.abs(parts.sum(axis=2) - whole.sum(axis=2)) / np.maximum(np.abs(whole).sum(axis=2), 1e-9)
    return gap.max(axis=1)


def _unlike(runner: Runner, check: Check, values: Floats) -> Floats:
    """The largest spread between regions, relative to their mean, for the same industry."""
    worst = np.zeros(len(values))
    for name in check.variables:
        groups: dict[str, list[int]] = {}
        for each in runner.names((name,), check.id):
            elements = each.partition("[")[2].rstrip("]").split(",")
            groups.setdefault(",".join(elements[1:]), []).append(runner.place[each])
        for columns in groups.values():
            own = values[:, :, columns]
            spread = (own.max(axis=2) - own.min(axis=2)) / np.maximum(np.abs(own).mean(axis=2), 1e-12)
            worst = np.maximum(worst, spread.max(axis=1))
    return worst


def _limit(check: Check) -> str:
    match check.holds:
        case "at_least":
            return f">= {check.value[0]:g}"
        case "at_most":
            return f"<= {check.value[0]:g}"
        case "within":
            return f"{check.value[0]:g} ... {check.value[1]:g}"
        case "equals" | "balance" | "sum" | "alike":
            return f"+- {check.tolerance:g}"
        case "below":
            return "< 0"
        case "above":
            return "> 0"
        case "not_above":
            return f"<= {check.tolerance:g}"
    return f">= {-check.tolerance:g}"
