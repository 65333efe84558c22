"""What a model must hold to be used: it runs, its time step is fine enough, the sentences of checks.toml are true."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from alliance_dynamics.commands.outcome import Outcome
from alliance_dynamics.language import translate
from alliance_dynamics.model.built_in import ALLIANCE, is_alliance, open_model
from alliance_dynamics.model.expression import Reference, walk
from alliance_dynamics.model.model import Model
from alliance_dynamics.model.units import unit_faults
from alliance_dynamics.reality import DRAWS, SEED, CheckResult, evaluate, is_stock, read_checks
from alliance_dynamics.resources import resource
from alliance_dynamics.settings import CONTROL
from alliance_dynamics.simulate import program_of, run_model

STEP_LIMIT = 0.01  # of the largest value of a stock


def check(
    name: str = ALLIANCE,
    *,
    draws: int = DRAWS,
    seed: int = SEED,
    jobs: int = 1,
    progress: Callable[[float], None] = lambda _: None,
) -> Outcome:
    """Checks a model by name or path.  Exit code 1 where a check does not hold; RunError where it does not run.

    What must hold of the alliance model is tried at its default values, at the corners of the parameter ranges and in
    `draws` draws from them; with `draws` = 0 at the default values alone.
    """
    model = open_model(name)
    results = [units(model), time_step(model)]
    if is_alliance(model.name):
        sentences = read_checks(resource("sdmodels/checks.toml"))
        results += evaluate(model, sentences, draws=draws, seed=seed, jobs=jobs, progress=progress)
    failed = [each.id for each in results if not each.holds]
    return Outcome(
        exit_code=1 if failed else 0,
        text="\n".join(_lines(results)),
        results={"draws": draws, "seed": seed, "checks": [vars(each) for each in results]},
        notices=(*model.notices, *_untidy(model)),
    )


def units(model: Model) -> CheckResult:
    """Whether the units of every equation agree; `value` is the number of equations where they do not."""
    faults = unit_faults(model)
    sentence = translate("The units on both sides of every equation agree")
    return CheckResult("units", sentence, not faults, float(len(faults)), "<= 0",
                       worst="; ".join(str(each) for each in faults[:5]))  # fmt: skip


def _lines(results: Sequence[CheckResult]) -> Iterator[str]:
    """A line for each check, and below it the worst case where it fails or does not hold everywhere."""
    width = max(len(each.id) for each in results)
    words = {True: translate("holds"), False: translate("FAILS")}
    for each in results:
        share = "" if each.cases == 1 else translate(" [{share:.2%} of {cases}]").format(**vars(each))
        yield f"{words[each.holds]:<6} {each.id:<{width}}  {each.sentence}{share}"
        if not each.holds or each.share < 1:
            worst = translate("worst {value:.6g}, where {limit} is wanted: {worst}").format(**vars(each))
            yield f"{'':<6} {'':<{width}}  ({worst})"


def time_step(model: Model) -> CheckResult:
    """Whether half the time step changes a stock, at any saved time, by more than a hundredth of its largest value."""
    run = run_model(model)
    saveper = float(run.times[1] - run.times[0]) if len(run.times) > 1 else run.dt
    fine = run_model(model, dt=run.dt / 2, saveper=saveper)
    stocks = [j for j, name in enumerate(program_of(model).outputs) if is_stock(model, name)]
    coarse, exact = run.values[:, stocks], fine.values[: len(run.times), stocks]
    scale = np.maximum(np.abs(exact).max(axis=0, initial=0.0), 1e-12)
    worst = float((np.abs(coarse - exact) / scale).max(initial=0.0))
    sentence = translate("Half the time step changes no stock by more than a hundredth of its largest value")
    return CheckResult("time_step", sentence, worst <= STEP_LIMIT, worst, f"<= {STEP_LIMIT}")


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
