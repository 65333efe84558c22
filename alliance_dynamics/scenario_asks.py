"""What a scenario file asks for: what a comparison shows, its draws, and what the run must bear out."""

from __future__ import annotations

from alliance_dynamics.errors import Place
from alliance_dynamics.expectations import Expectation
from alliance_dynamics.outcomes import INDICATORS
from alliance_dynamics.toml_table import Table, shown

KPIS = tuple(each.name for each in INDICATORS)
MOST_DRAWS = 1_000_000


def read_outputs(table: Table) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """`kpis` by name, and `milestones`: whole years, rising."""
    kpis = table.texts("kpis")
    for each in kpis:
        if each not in KPIS:
            table.refuse_choice("kpis", each, KPIS)
    years = table.data.get("milestones", [])
    table.asked.add("milestones")
    whole = isinstance(years, list) and all(isinstance(each, int) and not isinstance(each, bool) for each in years)
    if not whole or sorted(set(years)) != years or not all(2000 <= each <= 2050 for each in years):
        table.refuse("milestones", "`{key}` is {found}", expected="A list of rising whole years from 2000 to 2050",
                     found=shown(years))  # fmt: skip
        years = []
    table.close()
    return kpis, tuple(years)


def read_draws(table: Table) -> dict[str, int]:
    """`n` and `seed`, both whole numbers; 0 is a seed."""
    found: dict[str, int] = {}
    for key, least in (("n", 1), ("seed", 0)):
        value = table.number(key, low=least, high=MOST_DRAWS if key == "n" else 2.0**53)
        if value is None:
            continue
        if value != int(value):
            table.refuse(key, "`{key}` is {found}", expected="A whole number is expected", found=shown(value))
            continue
        found[key] = int(value)
    table.close()
    return found


def read_expectations(tables: list[Table], places: dict[str, Place]) -> tuple[Expectation, ...]:
    """What must hold of a variable: `between = [low, high]`, `at_least`, `at_most`; `at` a year or `over` a span."""
    found = [each for table in tables if (each := _expectation(table, places)) is not None]
    return tuple(dict.fromkeys(found))


def _expectation(table: Table, places: dict[str, Place]) -> Expectation | None:
    before = len(table.faults)
    variable = table.text("variable", required=True)
    low, high = table.number("at_least"), table.number("at_most")
    both = _pair(table, "between")
    if both and ("at_least" in table.data or "at_most" in table.data):
        table.refuse("between", "`{key}` and another bound are both given", remedy="Keep one of the two")
    elif not {"between", "at_least", "at_most"} & set(table.data):
        table.refuse((), "`{key}` has no bound", expected="One of {choices}", choices="between, at_least, at_most")
    low, high = both or (low, high)
    if low is not None and high is not None and low > high:
        table.refuse("between" if both else "at_least", "The least, {low}, is above the most, {high}", low=f"{low:g}",
                     high=f"{high:g}")  # fmt: skip
    at, over = table.number("at"), _pair(table, "over")
    if "at" in table.data and "over" in table.data:
        table.refuse("over", "`{key}` and `at` are both given", remedy="Keep one of the two")
    if over and over[0] > over[1]:
        table.refuse("over", "`{key}` is {found}", expected="Two rising years", found=shown(list(over)))
    table.close()
    if len(table.faults) > before or variable is None:
        return None
    expectation = Expectation(variable, low, high, at, over)
    places[expectation.key] = table.place()
    return expectation


def _pair(table: Table, key: str) -> tuple[float, float] | tuple[()]:
    """Two numbers, or nothing."""
    value = table.data.get(key)
    table.asked.add(key)
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) != 2:
        table.refuse(key, "`{key}` is {found}", expected="Two numbers are expected", found=shown(value))
        return ()
    one, two = (table.as_number((key,), each) for each in value)
    return (one, two) if one is not None and two is not None else ()
