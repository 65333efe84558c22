"""Loops among scalar variables that no stock and no delay interrupts, while a model runs and at its start."""

from __future__ import annotations

from collections.abc import Iterable

from alliance_dynamics.errors import Fault, fault
from alliance_dynamics.model import expression as ex
from alliance_dynamics.model.model import Model, Variable

# Arguments that the value of a function depends on at once, while running; functions not named depend on all.
_WHILE_RUNNING: dict[str, tuple[int, ...]] = {
    "smooth": (),
    "smoothi": (),
    "smooth3": (),
    "smooth3i": (),
    "smooth_n": (),
    "delay1": (1,),
    "delay1i": (1,),
    "delay3": (1,),
    "delay3i": (1,),
    "delay_n": (1,),
    "delay_fixed": (),
    "initial": (),
    "previous": (),
}
# The same at the start of a run.
_AT_START: dict[str, tuple[int, ...]] = {
    "smoothi": (2,),
    "smooth3i": (2,),
    "smooth_n": (2,),
    "delay1i": (2,),
    "delay3i": (2,),
    "delay_n": (2,),
    "delay_fixed": (2,),
    "trend": (2,),
    "previous": (1,),
    "get_data_between_times": (1, 2),
    "get_data_first_time": (),
    "get_data_last_time": (),
}


def find_cycles(model: Model) -> list[Fault]:
    """A fault for each loop, with its whole path; loops through arrays are left to the flattening."""
    scalars = {name: each for name, each in model.variables.items() if not each.dimensions and each.definitions}
    running = {
        name: set() if each.kind == "stock" else _needs([each.definitions[0].expression], _WHILE_RUNNING, scalars)
        for name, each in scalars.items()
    }
    starting = {name: _needs([_start(each)], _AT_START, scalars) for name, each in scalars.items()}
    faults = [_fault(path, scalars, "in every step") for path in _cycles(running)]
    known = {frozenset(path) for path in _cycles(running)}
    faults += [_fault(path, scalars, "at the start") for path in _cycles(starting) if frozenset(path) not in known]
    return faults


def _start(variable: Variable) -> ex.Expression:
    definition = variable.definitions[0]
    return definition.expression if definition.initial is None else definition.initial


def _needs(roots: Iterable[ex.Expression], table: dict[str, tuple[int, ...]], scalars: dict[str, Variable]) -> set[str]:
    found: set[str] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if isinstance(node, ex.Reference) and node.name in scalars:
            found.add(node.name)
        elif isinstance(node, ex.Call) and node.function in table:
            stack += [node.arguments[i] for i in table[node.function] if i < len(node.arguments)]
        else:
            stack += ex.children(node)
    return found


def _cycles(needs: dict[str, set[str]]) -> list[list[str]]:
    """One loop for each group of variables that need each other; no recursion, in the order of the model."""
    state: dict[str, int] = {}
    cycles: list[list[str]] = []
    for start in needs:
        if start in state:
            continue
        path, pending = [start], [iter(sorted(needs[start]))]
        state[start] = 1
        while path:
            following = next(pending[-1], None)
            if following is None:
                state[path.pop()] = 2
                pending.pop()
            elif state.get(following, 0) == 1:
                cycles.append(path[path.index(following) :])
            elif following not in state:
                state[following] = 1
                path.append(following)
                pending.append(iter(sorted(needs[following])))
    return cycles


def _fault(path: list[str], scalars: dict[str, Variable], when: str) -> Fault:
    variables = [scalars[each] for each in [*path, path[0]]]
    return fault(
        variables[0].place,
        "These variables need each other " + when + ": {path}",
        expected="Expected a stock or a delay in every loop."
        if when == "in every step"
        else "Expected initial values that can be computed one after the other.",
        remedy="Put a stock or a delay in the loop." if when == "in every step" else "Give one an initial value.",
        path=" -> ".join(
            f"{each.label} (line {each.place.line})" if each.place.line else each.label for each in variables
        ),
    )
