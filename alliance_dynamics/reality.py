"""The sentences of checks.toml, evaluated over the corners and many draws of the parameter ranges at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from alliance_dynamics.errors import Fault, InputError
from alliance_dynamics.futures import Assumption, assumptions_of, columns_of_regime
from alliance_dynamics.kernel.integrals import integral_name, with_integrals
from alliance_dynamics.kernel.integrate import compile_kernel
from alliance_dynamics.kernel.program import Program
from alliance_dynamics.language import current_language, translate
from alliance_dynamics.model.model import Model
from alliance_dynamics.model.names import canonical
from alliance_dynamics.parameters import Parameters, read_parameters
from alliance_dynamics.scenarios import Scenario, find_regime, read_regimes
from alliance_dynamics.sensitivity.factors import mapped
from alliance_dynamics.settings import schedule_of, targets_of
from alliance_dynamics.simulate import program_of
from alliance_dynamics.toml_door import read_toml
from alliance_dynamics.toml_table import Table, open_table

Floats = NDArray[np.float64]
EVERY = "every"
ALONE = {"at_least": 1, "at_most": 1, "within": 2, "alike": 0, "balance": 0, "sum": 0}  # how many numbers each takes
COMPARED = ("equals", "below", "above", "not_below", "not_above")
HOLDS = (*ALONE, *COMPARED)
DRAWS, SEED = 1000, 1
_AT_ONCE = 64  # rows; what bounds the memory


@dataclass(frozen=True)
class Change:
    """A run: a regime (or `every`), constants changed in it, and whether regions are made alike."""

    regime: str
    set: Mapping[str, float] = field(default_factory=dict)
    alike: bool = False


@dataclass(frozen=True)
class Check:
    """One sentence: `variables` (or `stocks`) of a changed run, bounded, or set against those of another run.

    `share` is the least share of corners and draws in which it must hold; it must always hold at the default values.
    """

    id: str
    sentences: Mapping[str, str]
    change: Change
    against: Change | None
    variables: tuple[str, ...]
    over: tuple[float, float] | None
    holds: str
    value: tuple[float, ...]
    tolerance: float
    share: float
    inflows: tuple[str, ...] = ()
    outflows: tuple[str, ...] = ()
    total: tuple[str, ...] = ()


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


@dataclass(frozen=True)
class Cases:
    """`rows` [cases, parameters]: the defaults, all lows, all highs, each constant at either end, then draws."""

    rows: Floats
    names: tuple[str, ...]
    assumptions: tuple[Assumption, ...]

    def tell(self, case: int) -> str:
        """The name of a case and the three constants that lie farthest from their defaults, as shares of the range."""
        if case == 0 or not self.assumptions:
            return self.names[case]
        columns = [each.column for each in self.assumptions]
        width = np.array([each.high - each.low for each in self.assumptions])
        away = np.abs(self.rows[case, columns] - self.rows[0, columns]) / width
        far = [int(i) for i in np.argsort(-away, kind="stable")[:3] if away[i] > 0]
        return f"{self.names[case]}: " + ", ".join(
            f"{self.assumptions[i].name} = {self.rows[case, columns[i]]:.4g}" for i in far
        )


def read_checks(path: str | Path) -> tuple[Check, ...]:
    """The checks of a file; InputError with all its faults."""
    root = open_table(read_toml(path))
    root.number("schema", low=1, high=1)
    checks = tuple(_check(each) for each in root.tables("check"))
    root.close()
    root.raise_faults()
    return checks


def cases_of(program: Program, parameters: Parameters, *, draws: int = DRAWS, seed: int = SEED) -> Cases:
    """The default values; with draws, also the corners and a Latin hypercube of every constant that has a range."""
    default = np.array(program.defaults, dtype=float)
    if draws == 0:
        return Cases(default[None, :], (translate("defaults"),), ())
    assumptions = assumptions_of(program, parameters, ())
    columns = [each.column for each in assumptions]
    low, high = (np.array([getattr(each, end) for each in assumptions]) for end in ("low", "high"))
    size = len(assumptions)
    rows = np.repeat(default[None, :], 3 + 2 * size + draws, axis=0)
    rows[1, columns], rows[2, columns] = low, high
    rows[3 + np.arange(size), columns] = low
    rows[3 + size + np.arange(size), columns] = high
    cube = qmc.LatinHypercube(size, rng=np.random.default_rng(np.random.SeedSequence([seed, 8]))).random(draws)
    rows[3 + 2 * size :, columns] = mapped([each.as_column() for each in assumptions], np.clip(cube, 1e-12, 1 - 1e-12))
    names = [translate(each) for each in ("defaults", "all at their low ends", "all at their high ends")]
    for end in ("{name} at its low end", "{name} at its high end"):
        names += [translate(end).format(name=each.name) for each in assumptions]
    names += [translate("draw {number} of seed {seed}").format(number=i, seed=seed) for i in range(draws)]
    return Cases(rows, tuple(names), assumptions)


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
    runner = _Runner(model, checks, parameters, jobs)
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


class _Runner:
    """Runs of the cases at hand, each made once; one kernel stores what all checks speak of."""

    def __init__(self, model: Model, checks: Sequence[Check], parameters: Parameters, jobs: int):
        self.model, self.parameters, self.jobs = model, parameters, jobs
        self.known = read_regimes(parameters=parameters)
        plain = program_of(model)
        names = list(plain.outputs)
        flows = [name for each in checks for name in self._wanted(names, (*each.inflows, *each.outflows), each.id)]
        self.program = with_integrals(plain, flows)
        wanted: dict[str, None] = {}
        for each in checks:
            wanted |= dict.fromkeys(self._wanted(names, (*each.variables, *each.total), each.id))
        wanted |= dict.fromkeys(integral_name(name) for name in flows)
        self.outputs = list(wanted)
        self.place = {name: i for i, name in enumerate(self.outputs)}
        self.kernel = compile_kernel(self.program, self.outputs)
        self.schedule, _ = schedule_of(self.program, np.array(self.program.defaults))
        self.times = self.schedule.times
        self._made: dict[Any, Floats] = {}

    def begin(self, rows: Floats) -> None:
        self.rows = rows
        self._made.clear()

    def regimes(self, check: Check) -> tuple[str, ...]:
        return tuple(each.id for each in self.known) if check.change.regime == EVERY else (check.change.regime,)

    def values(self, change: Change, regime: str) -> Floats:
        """[cases, time, outputs] of a run; NaN from where it went non-finite."""
        own: Scenario = find_regime(regime if change.regime == EVERY else change.regime, self.known)
        key = (own.id, tuple(change.set.items()), change.alike)
        if key not in self._made:
            rows = self.rows.copy()
            for column, value in columns_of_regime(self.program, self.model, own, self.parameters).items():
                rows[:, column] = value
            for name, value in change.set.items():
                columns = targets_of(self.model, self.program, name)
                if isinstance(columns, Fault):
                    raise InputError(columns)
                rows[:, columns] = value
            if change.alike:
                _make_alike(self.model, self.program, rows)
            result = self.kernel.run(rows, self.schedule, method=self.model.time.method, threads=self.jobs)
            values = np.array(result.values)
            values[result.failed >= 0] = np.nan
            self._made[key] = values
        return self._made[key]

    def names(self, asked: Sequence[str], check: str) -> list[str]:
        """The outputs that the names of a check stand for."""
        return self._wanted(list(self.program.outputs), asked, check)

    def columns(self, asked: Sequence[str], check: str) -> list[int]:
        return [self.place[each] for each in self.names(asked, check)]

    def _wanted(self, names: list[str], asked: Sequence[str], check: str) -> list[str]:
        wanted = {canonical(each) if "[" not in each else each for each in asked}
        found = [name for name in names if name in wanted or name.partition("[")[0] in wanted
                 or ("stocks" in wanted and is_stock(self.model, name))]  # fmt: skip
        reached = {part for name in found for part in (name, name.partition("[")[0])}
        if missing := wanted - reached - {"stocks"}:
            raise ValueError(f"checks.toml: {check} names what the model lacks: {', '.join(sorted(missing))}")
        return found


def _worst(runner: _Runner, check: Check, regime: str) -> tuple[Floats, Floats, bool]:
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


def _unbalanced(runner: _Runner, check: Check, values: Floats) -> Floats:
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


def _unsummed(runner: _Runner, check: Check, values: Floats) -> Floats:
    parts, whole = (values[:, :, runner.columns(each, check.id)] for each in (check.variables, check.total))
    gap = np.abs(parts.sum(axis=2) - whole.sum(axis=2)) / np.maximum(np.abs(whole).sum(axis=2), 1e-9)
    return gap.max(axis=1)


def _unlike(runner: _Runner, check: Check, values: Floats) -> Floats:
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


def _make_alike(model: Model, program: Program, rows: Floats) -> None:
    """Gives every region the constants of the first one, and every pair of regions the distance of the first pair."""
    for variable in model.variables.values():
        if variable.kind != "constant" or "region" not in variable.dimensions[:1]:
            continue
        elements = model.dimensions["region"].elements
        first = elements[0]
        rest = [e for each in variable.dimensions[1:] for e in (model.dimensions[each].elements,)]
        tails = rest[0] if rest else ("",)
        if tails and set(tails) == set(elements):  # between regions
            pair = rows[:, program.parameter_index[f"{variable.name}[{first},{elements[1]}]"]]
            for one in elements:
                for two in elements:
                    if one != two:
                        rows[:, program.parameter_index[f"{variable.name}[{one},{two}]"]] = pair
            continue
        for tail in tails:
            end = f",{tail}]" if tail else "]"
            for one in elements[1:]:
                column = program.parameter_index.get(f"{variable.name}[{one}{end}")
                source = program.parameter_index.get(f"{variable.name}[{first}{end}")
                if column is not None and source is not None:
                    rows[:, column] = rows[:, source]


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


def _check(table: Table) -> Check:
    over = _numbers(table, "over")
    if over and not (len(over) == 2 and over[0] <= over[1]):
        table.refuse("over", "`{key}` is not a first and a last time")
    holds = table.text("holds", choices=HOLDS, required=True) or "equals"
    value = _numbers(table, "value")
    if len(value) != ALONE.get(holds, 0):
        table.refuse("value", "`{key}` does not fit `{holds}`", holds=holds,
                     expected="Two numbers for within, one for at_least and at_most, none otherwise")  # fmt: skip
    against = table.table("against")
    if bool(against.data) != (holds in COMPARED):
        table.refuse("against", "`{key}` does not fit `{holds}`", holds=holds,
                     expected="Another run for equals, below, above, not_below and not_above only")  # fmt: skip
    check = Check(
        table.text("id", required=True) or "",
        {language: table.text(language, required=True) or "" for language in ("en", "ru")},
        _change(table),
        _change(against) if against.data else None,
        table.texts("variables", required=True),
        (over[0], over[1]) if len(over) == 2 else None,
        holds,
        value,
        table.number("tolerance", low=0) or 0.0,
        1.0 if (share := table.number("share", low=0, high=1)) is None else share,
        table.texts("inflows"),
        table.texts("outflows"),
        table.texts("total"),
    )
    against.close()
    table.close()
    return check


def _change(table: Table) -> Change:
    changes = table.table("set")
    values = {name: changes.number(name) or 0.0 for name in changes.data}
    table.asked.add("alike")
    alike = table.data.get("alike", False)
    if not isinstance(alike, bool):
        table.refuse("alike", "`{key}` is neither true nor false")
    return Change(table.text("regime", required=True) or "R1", values, alike is True)


def _numbers(table: Table, key: str) -> tuple[float, ...]:
    table.asked.add(key)
    value = table.data.get(key, [])
    entries = [((key, i), each) for i, each in enumerate(value)] if isinstance(value, list) else [((key,), value)]
    found = [table.as_number(path, each) for path, each in entries]
    return tuple(each for each in found if each is not None)


def is_stock(model: Model, name: str) -> bool:
    variable = model.variables.get(name.partition("[")[0])
    return variable is not None and variable.kind == "stock"
