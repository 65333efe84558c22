"""The simulation settings of an XMILE file: time axis, step, saving interval and method."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from alliance_dynamics.errors import Fault, Place, fault
from alliance_dynamics.model.expression import Number
from alliance_dynamics.model.model import Definition, Method, TimeAxis, Variable
from alliance_dynamics.model.names import canonical
from alliance_dynamics.model.xmile_document import Element, child, text_of, vendor_attribute, vendor_child

CONTROLS = {
    "initial_time": "INITIAL TIME",
    "final_time": "FINAL TIME",
    "time_step": "TIME STEP",
    "saveper": "SAVEPER",
}
TIME_NAMES = {"time": "time", "dt": "time_step", "starttime": "initial_time", "stoptime": "final_time"}
MOST_STEPS = 100_000_000
_METHODS: dict[str, Method] = {
    "euler": "euler",
    "euler's": "euler",
    "rk2": "rk2",
    "rk4": "rk4",
    "runge-kutta2": "rk2",
    "runge-kutta4": "rk4",
}
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


@dataclass(frozen=True)
class Specs:
    """What the settings say; `saveper` is None where the file names no saving interval."""

    start: float
    stop: float
    dt: float
    saveper: float | None
    method: Method
    unit: str
    place: Place


def read_specs(element: Element, file: str, faults: list[Fault], notices: list[str]) -> Specs:
    """The `<sim_specs>` element; its faults are appended and the rest is read as far as it can be."""
    place = Place(file, element.sourceline or 0)
    start = _value(element, "start", place, faults)
    stop = _value(element, "stop", place, faults)
    dt = _step(element, place, faults)
    if start is not None and stop is not None and stop < start:
        faults.append(
            fault(
                place,
                "the run stops at {stop}, before it starts at {start}",
                expected="Expected <stop> at or after <start>",
                start=start,
                stop=stop,
            )
        )
    elif start is not None and stop is not None and dt and (stop - start) / dt > MOST_STEPS:
        faults.append(
            fault(place, "the run has more than {limit} steps", remedy="Use a larger <dt>", limit=f"{MOST_STEPS:,}")
        )
    elif start is not None and stop is not None and dt and dt > stop - start > 0:
        faults.append(
            fault(
                place,
                "dt is {dt}, larger than the whole run of {span}",
                expected="Expected a dt of at most {span}",
                dt=dt,
                span=stop - start,
            )
        )
    return Specs(
        0.0 if start is None else start,
        1.0 if stop is None else stop,
        dt or 1.0,
        _saving_interval(element, dt, place, faults, notices),
        _method(element, place, faults, notices),
        (element.get("time_units") or "").strip(),
        place,
    )


def control_variables(specs: Specs) -> dict[str, Variable]:
    """The four time controls as constants."""
    values = {
        "initial_time": specs.start,
        "final_time": specs.stop,
        "time_step": specs.dt,
        "saveper": specs.dt if specs.saveper is None else specs.saveper,
    }
    return {
        name: Variable(
            name,
            CONTROLS[name],
            "constant",
            (Definition(Number(value), place=specs.place),),
            unit=specs.unit,
            place=specs.place,
        )
        for name, value in values.items()
    }


def time_axis(specs: Specs) -> TimeAxis:
    return TimeAxis(specs.method, specs.unit)


def read_number(text: str) -> float | None:
    """A finite number in US notation, or None."""
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def number_fault(place: Place, what: str, text: str) -> Fault:
    comma = re.fullmatch(r"\s*[+-]?\d+,\d+\s*", text)
    return fault(
        place,
        "{part} is `{text}`, which is not a number",
        expected="Expected a finite number such as 0.25",
        remedy="Write a decimal point, not a comma" if comma else "",
        part=what,
        text=text.strip()[:40],
    )


def _value(element: Element, name: str, place: Place, faults: list[Fault]) -> float | None:
    found = child(element, name)
    if found is None or not text_of(found).strip():
        faults.append(
            fault(
                place,
                "<sim_specs> has no <{name}>",
                expected="Expected the time at which the run is to {name}",
                name=name,
            )
        )
        return None
    value = read_number(text_of(found))
    if value is None:
        faults.append(number_fault(Place(place.file, found.sourceline or 0), f"<{name}>", text_of(found)))
    return value


def _step(element: Element, place: Place, faults: list[Fault]) -> float | None:
    found = child(element, "dt")
    if found is None:
        return 1.0
    here = Place(place.file, found.sourceline or 0)
    value = read_number(text_of(found))
    if value is None:
        faults.append(number_fault(here, "<dt>", text_of(found)))
        return None
    reciprocal = (found.get("reciprocal") or "false").strip().lower()
    if reciprocal not in ("true", "false", "1", "0"):
        faults.append(
            fault(
                here,
                "reciprocal=`{text}` is neither true nor false",
                expected='Expected reciprocal="true" or "false"',
                text=reciprocal,
            )
        )
    inverse = reciprocal in ("true", "1")
    if inverse and value != 0:
        value = 1.0 / value
    if value <= 0:
        faults.append(
            fault(
                here,
                "dt must be > 0, the file says {text}",
                expected="Expected a step above 0",
                text=("1/" if inverse else "") + text_of(found).strip(),
            )
        )
        return None
    return value


def _saving_interval(
    element: Element, dt: float | None, place: Place, faults: list[Fault], notices: list[str]
) -> float | None:
    text = vendor_attribute(element, "save_interval", "saveper")
    if text is None:
        found = vendor_child(element, "save_interval", "saveper", "save", "save_step")
        text = None if found is None else text_of(found)
    if text is None or canonical(text) in ("", "time_step", "dt"):
        return None
    value = read_number(text)
    if value is None or value < 0:
        faults.append(number_fault(place, "the saving interval", text))
        return None
    if value == 0:
        return None
    if dt and value < dt * (1 - 1e-9):
        notices.append(f"The saving interval {value} is shorter than dt {dt}; every step is saved.")
        return None
    return value


def _method(element: Element, place: Place, faults: list[Fault], notices: list[str]) -> Method:
    text = (element.get("method") or "").strip()
    wanted = [each.strip() for each in text.split(",") if each.strip()]
    if not wanted:
        return "euler"
    for index, each in enumerate(wanted):
        method = _METHODS.get(each.casefold().replace(" ", "").replace("_", ""))
        if method:
            if index:
                notices.append(f"The method {wanted[0]} is not available; {each}, which the file also allows, is used.")
            return method
    faults.append(
        fault(
            place,
            "the integration method `{text}` is not known",
            expected="Expected euler, rk2 or rk4",
            remedy='Write a method it may fall back on after it, e.g. method="rk45, rk4"',
            text=text,
        )
    )
    return "euler"
