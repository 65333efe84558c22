"""Single precision, for screening: what it is called, and what it cannot do, refused by name."""

from __future__ import annotations

from alliance_dynamics.errors import UsageError, fault
from alliance_dynamics.kernel.formats import DOUBLE, SINGLE
from alliance_dynamics.kernel.plan import Plan
from alliance_dynamics.model.expression import Table

PRECISIONS = {"double": DOUBLE, "single": SINGLE}
NOTICE = "Computed in single precision, about seven digits: for screening, not for publication."
REMEDY = "Compute it in double precision."
# they find a data point within 1e-9 of it, which is less than the distance of single numbers near a year
CLOSE = ("raw", "forward", "backward")


def refuse_single(plan: Plan) -> None:
    """UsageError where a plan needs whole numbers of 64 bits (fixed delays, random draws) or points met closely."""
    program = plan.program
    random = [i for i in plan.groups["step"] if program.step[i].kind == "random"]
    used = [i for name, group in plan.groups.items() if name != "time" for i in group]
    close = [i for i in used if _close(program.step[i].value)] + [
        i for i in plan.start if _close(program.start[i].value)
    ]
    found = [
        ("`{name}`, a fixed delay, counts steps and cannot be computed in single precision",
         [program.rings[r].name for r in plan.rings]),
        ("`{name}` is drawn at random and cannot be computed in single precision", _named(plan, random)),
        ("`{name}` looks up single data points, which single precision cannot meet", _named(plan, close)),
    ]  # fmt: skip
    faults = [fault("", text, remedy=REMEDY, name=name) for text, names in found for name in names]
    if faults:
        raise UsageError(faults)


def _close(value: object) -> bool:
    return isinstance(value, Table) and value.interpolation in CLOSE


def _named(plan: Plan, operations: list[int]) -> list[str]:
    """The first variable that depends on each operation, each once."""
    program, names = plan.program, dict[str, None]()
    for operation in operations:
        reached = {operation}
        for index in range(operation, len(program.step)):
            if any(a in reached for a in program.step[index].args):
                reached.add(index)
        users = [(index, name) for name, index in program.outputs.items() if index in reached]
        names[min(users)[1] if users else f"#{operation}"] = None
    return list(names)
