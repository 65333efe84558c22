"""What a model must hold to be used: it runs, its time step is fine enough, the sentences of checks.toml are true."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alliance_dynamics.commands.outcome import Outcome
from alliance_dynamics.language import current_language, translate
from alliance_dynamics.model.built_in import ALLIANCE, open_model
from alliance_dynamics.model.expression import Reference, walk
from alliance_dynamics.model.model import Model
from alliance_dynamics.model.names import canonical
from alliance_dynamics.parameters import read_parameters
from alliance_dynamics.resources import resource
from alliance_dynamics.scenarios import find_regime, read_regimes
from alliance_dynamics.settings import CONTROL
from alliance_dynamics.simulate import Run, program_of, run_model
from alliance_dynamics.toml_door import read_toml
from alliance_dynamics.toml_table import Table, open_table

STEP_LIMIT = 0.01  # of the largest value of a stock
COMPARED = ("equals", "below", "above", "not_below")
HOLDS = ("at_least", "at_most", "within", *COMPARED)


@dataclass(frozen=True)
class CheckResult:
    """`value` is the worst that was found and `limit` what it may be, both in the unit of the check."""

    id: str
    sentence: str
    holds: bool
    value: float
    limit: str


@dataclass(frozen=True)
class Check:
    """One sentence: `variables` (or `stocks`) of a changed run, bounded, or set against those of another run."""

    id: str
    sentences: Mapping[str, str]
    change: Mapping[str, Any]
    against: Mapping[str, Any] | None
    variables: tuple[str, ...]
    over: tuple[float, float] | None
    holds: str
    value: tuple[float, ...]
    tolerance: float


def check(name: str = ALLIANCE) -> Outcome:
    """Checks a model by name or path.  Exit code 1 where a check does not hold; RunError where it does not run."""
    model = open_model(name)
    results = [time_step(model)]
    if name == ALLIANCE:
        results += [evaluate(model, each) for each in read_checks(resource("sdmodels/checks.toml"))]
    width = max(len(each.id) for each in results)
    words = {True: translate("holds"), False: translate("FAILS")}
    lines = [f"{words[each.holds]:<6} {each.id:<{width}}  {each.sentence}"
             + ("" if each.holds else f"  ({each.value:.6g}; {each.limit})") for each in results]  # fmt: skip
    failed = [each.id for each in results if not each.holds]
    return Outcome(
        exit_code=1 if failed else 0,
        text="\n".join(lines),
        results={"checks": [vars(each) for each in results]},
        notices=(*model.notices, *_untidy(model)),
    )


def time_step(model: Model) -> CheckResult:
    """Whether half the time step changes a stock, at any saved time, by more than a hundredth of its largest value."""
    run = run_model(model)
    saveper = float(run.times[1] - run.times[0]) if len(run.times) > 1 else run.dt
    fine = run_model(model, dt=run.dt / 2, saveper=saveper)
    stocks = [j for j, name in enumerate(program_of(model).outputs) if _is_stock(model, name)]
    coarse, exact = run.values[:, stocks], fine.values[: len(run.times), stocks]
    scale = np.maximum(np.abs(exact).max(axis=0, initial=0.0), 1e-12)
    worst = float((np.abs(coarse - exact) / scale).max(initial=0.0))
    sentence = translate("Half the time step changes no stock by more than a hundredth of its largest value")
    return CheckResult("time_step", sentence, worst <= STEP_LIMIT, worst, f"<= {STEP_LIMIT}")


def read_checks(path: str | Path) -> tuple[Check, ...]:
    """The checks of a file; InputError with all its faults."""
    root = open_table(read_toml(path))
    root.number("schema", low=1, high=1)
    checks = tuple(_check(each) for each in root.tables("check"))
    root.close()
    root.raise_faults()
    return checks


def evaluate(model: Model, check: Check) -> CheckResult:
    """Runs what a check speaks of.  Gaps to another run are relative to it."""
    found = _series(model, check.change, check)
    if check.against is None:
        low = check.value[0] if check.holds != "at_most" else -np.inf
        high = check.value[-1] if check.holds != "at_least" else np.inf
        outside = np.maximum(low - found, found - high)
        worst = float(found.flat[outside.argmax()])
        return _result(check, bool(outside.max() <= 0), worst, f"{low:g} ... {high:g}")
    other = _series(model, check.against, check)
    gap = found - other
    relative = np.divide(gap, np.abs(other), out=np.where(gap == 0, 0.0, np.copysign(np.inf, gap)), where=other != 0)
    if check.holds == "equals":
        worst = float(relative.flat[np.abs(relative).argmax()])
        return _result(check, abs(worst) <= check.tolerance, worst, f"+- {check.tolerance:g}")
    if check.holds == "below":
        return _result(check, bool((gap < 0).all()), float(relative.max()), "< 0")
    lowest = float(relative.min())
    if check.holds == "above":
        return _result(check, bool((gap > 0).all()), lowest, "> 0")
    return _result(check, lowest >= -check.tolerance, lowest, f">= {-check.tolerance:g}")


def _result(check: Check, holds: bool, value: float, limit: str) -> CheckResult:
    return CheckResult(check.id, check.sentences[current_language()], holds, value, limit)


def _check(table: Table) -> Check:
    over = _numbers(table, "over")
    if over and not (len(over) == 2 and over[0] <= over[1]):
        table.refuse("over", "`{key}` is not a first and a last time")
    holds = table.text("holds", choices=HOLDS, required=True) or "equals"
    value = _numbers(table, "value")
    if len(value) != (0 if holds in COMPARED else 2 if holds == "within" else 1):
        table.refuse("value", "`{key}` does not fit `{holds}`", holds=holds,
                     expected="Two numbers for within, one for at_least and at_most, none otherwise")  # fmt: skip
    against = table.table("against")
    if bool(against.data) != (holds in COMPARED):
        table.refuse("against", "`{key}` does not fit `{holds}`", holds=holds,
                     expected="Another run for equals, below, above and not_below only")  # fmt: skip
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
    )
    against.close()
    table.close()
    return check


def _change(table: Table) -> dict[str, Any]:
    changes = table.table("set")
    values = {name: changes.number(name) for name in changes.data}
    return {"regime": table.text("regime", required=True) or "R1", "set": values}


def _numbers(table: Table, key: str) -> tuple[float, ...]:
    table.asked.add(key)
    value = table.data.get(key, [])
    entries = [((key, i), each) for i, each in enumerate(value)] if isinstance(value, list) else [((key,), value)]
    found = [table.as_number(path, each) for path, each in entries]
    return tuple(each for each in found if each is not None)


def _series(model: Model, change: Mapping[str, Any], check: Check) -> NDArray[np.float64]:
    """Values [time, column] of a run that a check speaks of; ValueError where the model lacks one of its variables."""
    run = _run(model, change)
    names = list(program_of(model).outputs)
    stocks = "stocks" in check.variables
    wanted = {canonical(each) for each in check.variables}
    columns = [j for j, name in enumerate(names) if name in wanted or name.partition("[")[0] in wanted
               or (stocks and _is_stock(model, name))]  # fmt: skip
    reached = {part for j in columns for part in (names[j], names[j].partition("[")[0])}
    if missing := wanted - reached - {"stocks"}:
        raise ValueError(f"checks.toml: {check.id} names what the model lacks: {', '.join(sorted(missing))}")
    first, last = check.over or (run.times[0], run.times[-1])
    return run.values[(run.times >= first) & (run.times <= last)][:, columns]


def _run(model: Model, change: Mapping[str, Any]) -> Run:
    parameters = read_parameters()
    regime = find_regime(change["regime"], read_regimes(parameters=parameters))
    return run_model(model, set={**regime.values(parameters), **change["set"]})


def _is_stock(model: Model, name: str) -> bool:
    variable = model.variables.get(name.partition("[")[0])
    return variable is not None and variable.kind == "stock"


def _untidy(model: Model) -> Iterator[str]:
    """Constants that nothing uses, and variables without a unit or a word of documentation."""
    used = {
        node.name
        for variable in model.variables.values()
        for definition in variable.definitions
        for expression in (definition.expression, definition.initial)
        if expression is not None
        for node in walk(expression)
        if isinstance(node, Reference)
    }
    controls = set(CONTROL.values())
    variables = [each for each in model.variables.values() if each.name not in controls]
    kinds = {
        "Used nowhere: {names}": [each for each in variables if each.kind == "constant" and each.name not in used],
        "Without a unit: {names}": [each for each in variables if not each.unit],
        "Without documentation: {names}": [each for each in variables if not each.documentation],
    }
    for template, found in kinds.items():
        if found:
            shown = ", ".join(each.label for each in found[:8]) + (f", ... ({len(found)})" if len(found) > 8 else "")
            yield translate(template).format(names=shown)
