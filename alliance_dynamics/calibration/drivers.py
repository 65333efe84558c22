"""Driver series: a model in which variables follow the series of a problem, each experiment its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from alliance_dynamics.calibration.problem import ForcingPoint, Problem
from alliance_dynamics.errors import Fault, InputError, Place, fault, suggestion
from alliance_dynamics.model.expression import (
    Binary,
    Call,
    Expression,
    LookupCall,
    Number,
    Reference,
    Table,
    Unary,
    walk,
)
from alliance_dynamics.model.model import Definition, Model, Variable
from alliance_dynamics.model.names import canonical

NUMBER = "number of the experiment"  # its blanks keep it apart from all variables
_TIME = Reference("time")
_REMEDY = "Write it into the model as a lookup of Time"
Series = Sequence[ForcingPoint]


@dataclass(frozen=True)
class Driven:
    """The model with its drivers.  `numbers`: what the constant `NUMBER` is in each experiment.

    `series`: by experiment and canonical name of a variable the points that it follows there, in order of time.
    """

    model: Model
    numbers: Mapping[str, float] = field(default_factory=dict)
    series: Mapping[str, Mapping[str, Series]] = field(default_factory=dict)

    @property
    def times(self) -> list[float]:
        """The times of all points: where a driver has a jump or a kink, a step of the run should end."""
        return [point.time for own in self.series.values() for points in own.values() for point in points]

    def refuse_short(self, problem: Problem, last: float) -> None:
        """Refuses linear series that end before the last time of the runs; a step holds for its own unit of time."""
        short = [
            points[-1]
            for own in self.series.values()
            for points in own.values()
            if points[-1].time + (points[-1].interpolation == "step") < last
        ]
        if short:
            raise InputError(
                fault(_place(problem, point), "`{name}` of {experiment} ends in {time:g}, and the runs in {last:g}",
                      remedy="Add its value for {last:g}", name=point.forcing, experiment=point.experiment,
                      time=point.time, last=last)
                for point in short
            )  # fmt: skip


def driven(problem: Problem, model: Model) -> Driven:
    """The model in which each variable named in the table of forcings follows its series: steps or straight lines.

    In experiments without a series the variable keeps its own equation.  A step is constant over each time step of the
    run, whatever the method.  Refused, all faults at once: names that are not in the model, stocks, arrays, lookups
    read at anything but Time, variables that a parameter or a condition sets too, a series of both kinds.
    """
    if not problem.forcings:
        return Driven(model)
    series = {each: _series(problem, each) for each in problem.experiments}
    series = {experiment: own for experiment, own in series.items() if own}
    names = dict.fromkeys(name for own in series.values() for name in own)
    if faults := [*_faults(problem, model, names), *_mixed(problem, series)]:
        raise InputError(faults)
    numbers = {experiment: float(i) for i, experiment in enumerate(series, 1)}
    read_at_time = {name for name in names if model.variables[name].kind in ("lookup", "data")}
    variables = {
        name: variable if name in names else _reading(variable, read_at_time)
        for name, variable in model.variables.items()
    }
    for name in names:
        own = {numbers[experiment]: points[name] for experiment, points in series.items() if name in points}
        everywhere = len(own) == len(problem.experiments)
        variables.update({each.name: each for each in _following(model.variables[name], own, everywhere)})
    variables[NUMBER] = _variable(NUMBER, "constant", Number(0.0))
    return Driven(replace(model, variables=variables), numbers, series)


def _series(problem: Problem, experiment: str) -> dict[str, Series]:
    found: dict[str, list[ForcingPoint]] = {}
    for point in problem.forcings:
        if point.experiment == experiment:
            found.setdefault(canonical(point.forcing), []).append(point)
    return {name: sorted(points, key=lambda point: point.time) for name, points in found.items()}


# ---------------------------------------------------------------------------------------------------- the new model


def _following(variable: Variable, own: Mapping[float, Series], everywhere: bool) -> Iterator[Variable]:
    """The variable as a choice among its series, the series, and its own equation where that is still needed."""
    tables: dict[tuple[object, ...], str] = {}
    chosen: list[tuple[float, str]] = []
    for number, points in own.items():
        table = _table(points)
        name = tables.get((table,))
        if name is None:
            name = tables[(table,)] = f"series {number:g} of {variable.name}"
            # the equations of data are read at the beginning of a step: a jump inside a step would blur it
            yield _variable(name, "data" if points[0].interpolation == "step" else "auxiliary", table, variable)
        chosen.append((number, name))
    if everywhere:
        *first, (_, last) = chosen
    else:
        first, last = chosen, f"own equation of {variable.name}"
        yield replace(variable, name=last)
    expression: Expression = Reference(last)
    for number, name in reversed(first):
        here = Binary("=", Reference(NUMBER), Number(number))
        expression = Call("if_then_else", (here, Reference(name), expression))
    yield replace(variable, kind="auxiliary", definitions=(Definition(expression, place=variable.place),))


def _table(points: Series) -> Table:
    how = "backward" if points[0].interpolation == "step" else "continuous"
    return Table(tuple(each.time for each in points), tuple(each.value for each in points), how)


def _variable(name: str, kind, expression: Expression, like: Variable | None = None) -> Variable:
    return Variable(name, name, kind, (Definition(expression),), unit=like.unit if like else "1")


def _reading(variable: Variable, names: Collection[str]) -> Variable:
    """The variable with `lookup(Time)` of the named lookups and data as plain references to them."""
    definitions = tuple(
        replace(
            each,
            expression=_plain(each.expression, names),
            initial=None if each.initial is None else _plain(each.initial, names),
        )
        for each in variable.definitions
    )
    return variable if definitions == variable.definitions else replace(variable, definitions=definitions)


def _plain(expression: Expression, names: Collection[str]) -> Expression:
    if not any(isinstance(node, LookupCall) for node in walk(expression)):
        return expression
    match expression:
        case LookupCall(Reference(name, ()), argument) if name in names and argument == _TIME:
            return Reference(name)
        case LookupCall(table, argument):
            return LookupCall(table, _plain(argument, names))
        case Unary(operator, operand):
            return Unary(operator, _plain(operand, names))
        case Binary(operator, left, right):
            return Binary(operator, _plain(left, names), _plain(right, names))
        case Call(function, arguments):
            return Call(function, tuple(_plain(each, names) for each in arguments))
        case _:
            return expression


# ---------------------------------------------------------------------------------------------------------- refusals


def _faults(problem: Problem, model: Model, names: Collection[str]) -> Iterator[Fault]:
    first = {canonical(point.forcing): point for point in reversed(problem.forcings)}
    estimated = {canonical(each.target or each.id): each.id for each in problem.parameters.values()}
    changed = {canonical(each.target.partition("[")[0]): each.condition for each in problem.changes}
    for name in names:
        place, called = _place(problem, first[name]), first[name].forcing
        variable = model.variables.get(name)
        if variable is None:
            labels = [*model.variables, *(each.label for each in model.variables.values())]
            what = "the series `{name}` stands for no variable of the model {model}"
            yield fault(place, what, remedy=suggestion(called, labels), name=called, model=model.name)
        elif variable.kind == "stock":
            what = "`{name}` is a stock and cannot follow a series"
            remedy = "Name one of its flows, or compare the stock with measurements"
            yield fault(place, what, remedy=remedy, name=called)
        elif variable.dimensions:
            what = "`{name}` is an array and cannot follow one series"
            yield fault(place, what, remedy="Give the model a variable of its own for each element", name=called)
        elif name in estimated or name in changed:
            what = "`{name}` follows a series, and {other} sets it too"
            other = estimated.get(name) or changed[name]
            yield fault(place, what, remedy="Leave one of the two out", name=called, other=f"`{other}`")
        elif place_of_use := _used_otherwise(model, name):
            what = "`{name}` is read at something other than Time ({where})"
            yield fault(place, what, remedy=_REMEDY, name=called, where=str(place_of_use))


def _used_otherwise(model: Model, name: str) -> Place | None:
    """Where a lookup or a data series is read in another way than at the present time."""
    if model.variables[name].kind not in ("lookup", "data"):
        return None
    for variable in model.variables.values():
        for definition in variable.definitions if variable.name != name else ():
            for expression in (definition.expression, definition.initial):
                for node in walk(expression) if expression is not None else ():
                    at_time = isinstance(node, LookupCall) and node.argument == _TIME
                    if isinstance(node, LookupCall) and node.table == Reference(name) and not at_time:
                        return definition.place
                    if isinstance(node, Call) and Reference(name) in node.arguments and _reads_tables(node.function):
                        return definition.place
    return None


def _reads_tables(function: str) -> bool:
    from alliance_dynamics.kernel.table_functions import TABLES

    return function in TABLES


def _mixed(problem: Problem, series: Mapping[str, Mapping[str, Series]]) -> Iterator[Fault]:
    for own in series.values():
        for points in own.values():
            other = next((each for each in points if each.interpolation != points[0].interpolation), None)
            if other is not None:
                what, expected = "`{name}` of {experiment} has both kinds of interpolation", "One for a whole series"
                at = {"name": other.forcing, "experiment": other.experiment}
                yield fault(_place(problem, other), what, expected=expected, **at)


def _place(problem: Problem, point: ForcingPoint) -> Place:
    return Place(str(problem.files.get("forcings", "")), point.line)
