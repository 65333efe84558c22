"""The JavaScript back-end: the same optimised program as one text that runs in a browser or in Node, without eval.

    const model = allianceModel;                      // or require("./alliance.js")
    const run = model.run({values: {tax: 0.2}});      // names of model.parameters; the others keep their defaults
    run.times, run.of("capital[a]")                   // Float64Array each; run.failed is -1 or the first bad save

Names of the model stand in the text as JSON strings only; every identifier is made here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from alliance_dynamics.errors import UsageError, fault, suggestion
from alliance_dynamics.kernel.optimise import optimise
from alliance_dynamics.kernel.plan import Plan, plan
from alliance_dynamics.kernel.program import Op, Program
from alliance_dynamics.kernel.segments import segments
from alliance_dynamics.model.expression import Table

CONTROL = ("initial_time", "final_time", "time_step", "saveper")
CHUNK = 300  # operations of one function: engines do not optimise functions that are too long
LONGEST = 160  # characters of an expression that stands inside another
_SIMPLE = {"param", "time", "steptime", "state", "frozen"}  # read as they are, without brackets
_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
_COMPARED = {"eq": "===", "ne": "!==", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_CALLED = {
    "abs": "Math.abs", "exp": "Math.exp", "log": "Math.log", "pow": "power", "sqrt": "Math.sqrt", "asin": "Math.asin",
    "acos": "Math.acos", "atan": "Math.atan", "sinh": "Math.sinh", "cosh": "Math.cosh", "tanh": "Math.tanh",
    "floor": "Math.floor", "trunc": "Math.trunc", "min": "Math.min", "max": "Math.max", "mod": "modulo",
    "sin": "sine", "cos": "cosine", "tan": "tangent", "powers": "powers",
}  # fmt: skip


def write_javascript(
    program: Program,
    outputs: Sequence[str] | None = None,
    *,
    vary: Sequence[str] | None = None,
    method: str = "rk4",
    name: str = "allianceModel",
    named: bool = True,
) -> str:
    """A script that defines `name`: parameters with defaults, outputs, and `run`; CommonJS modules get it as exports.

    `outputs` (all) and what they need are computed; `vary` (all) names the parameters that a run may change.  The
    schedule comes from the control constants.  Without `named` the script is shorter: parameters and outputs then have
    numbers only.  Results agree with the other back-ends to rounding of exp, log and powers.  UsageError: an unknown
    name.
    """
    chosen = tuple(program.outputs) if outputs is None else tuple(outputs)
    faults = [
        fault("", "`{name}` is not a variable of the model", remedy=suggestion(each, program.outputs), name=each)
        for each in chosen
        if each not in program.outputs
    ]
    faults += [
        fault("", "`{name}` is not a constant of the model", remedy=suggestion(each, program.parameters), name=each)
        for each in vary or ()
        if each not in program.parameter_index
    ]
    if faults:
        raise UsageError(faults)
    free = None if vary is None else frozenset(vary)
    planned = plan(optimise(program, free), chosen)
    script = (Path(__file__).with_name("javascript.js")).read_text(encoding="utf-8")
    parts = {
        "NAME": name,
        "PARAMETERS": _json(list(program.parameters)) if named else f'Array({len(program.parameters)}).fill("")',
        "DEFAULTS": _numbers(program.defaults),
        "VARY": _json(sorted(program.parameter_index[each] for each in vary)) if vary is not None else "null",
        "OUTPUTS": _json(list(chosen)) if named else f'Array({len(chosen)}).fill("")',
        "METHOD": _json(method),
        "HASH": _json(program.hash),
        "CONTROL": _json({each: program.parameter_index.get(each, -1) for each in CONTROL}),
        **_Writer(planned).parts(),
    }
    for key, text in parts.items():
        script = script.replace(f"/*{key}*/", text)
    return script


class _Writer:
    """The parts of the script that depend on the program."""

    def __init__(self, planned: Plan):
        self.plan = planned
        self.tables: dict[Table, int] = {}
        self.slots: dict[str, dict[int, int]] = {"V": {}, "S": {}}
        self.places = {state: at for at, state in enumerate((*planned.integrated, *planned.held))}

    def parts(self) -> dict[str, str]:
        program, planned = self.plan.program, self.plan
        found = {
            group.upper(): self._functions(group, program.step, "V", planned.groups[group], self._kept(group))
            for group in planned.groups
        }
        found["START"] = self._functions("start", program.start, "S", planned.start, set(planned.start))
        states = [program.states[each] for each in (*planned.integrated, *planned.held)]
        found["INITIALS"] = self._assign("X", program.start, "S", [each.initial for each in states])
        rates = [each.rate for each in states]
        count = len(planned.integrated)
        found["RATES"] = self._assign("K", program.step, "V", rates[:count])
        found["NEXT"] = self._assign("N", program.step, "V", rates[count:])
        found["FROZEN"] = "".join(
            f"F[{each}] = {self._value(program.start, 'S', program.frozen[each])};\n" for each in planned.frozen
        )
        found["FROZEN_COUNT"] = str(max(planned.frozen, default=-1) + 1)
        rings = [program.rings[each] for each in planned.rings]
        found["RINGS"] = "".join(
            f"ring({self._value(program.start, 'S', each.initial)}, {self._value(program.start, 'S', each.length)}),\n"
            for each in rings
        )
        found["RING_INPUTS"] = "".join(
            f"R[{at}].write(step, {self._value(program.step, 'V', each.input)});\n" for at, each in enumerate(rings)
        )
        found["SAVED"] = self._assign("O", program.step, "V", planned.outputs)
        found["DRAWS"] = _json(
            [[i, program.step[i].value] for i in planned.groups["step"] if program.step[i].kind == "random"]
        )
        found["TABLES"] = "".join(f"{table_text(each)},\n" for each in self.tables)
        found["COUNTS"] = _json(
            {
                "start": len(self.slots["S"]), "step": len(self.slots["V"]), "integrated": len(planned.integrated),
                "held": len(planned.held), "nonNegative": planned.non_negative,
            }
        )  # fmt: skip
        return found

    def _kept(self, group: str) -> set[int]:
        """Operations whose values are read outside the function that computes them."""
        program, planned = self.plan.program, self.plan
        read = {*planned.outputs, *(program.rings[each].input for each in planned.rings)}
        read |= {program.states[each].rate for each in (*planned.integrated, *planned.held)}
        for other, indices in planned.groups.items():
            if other != group:
                read |= {a for i in indices for a in program.step[i].args}
        return read

    def _functions(self, name: str, ops: Sequence[Op], array: str, indices: Sequence[int], kept: set[int]) -> str:
        """`function name0() {...}` and so on, and `function name() { name0(); ... }`."""
        chunks = [indices[at : at + CHUNK] for at in range(0, len(indices), CHUNK)]
        texts = []
        for number, chunk in enumerate(chunks):
            later = {a for other in chunks[number + 1 :] for i in other for a in ops[i].args}
            texts.append(self._function(f"{name}{number}", ops, array, chunk, kept | later))
        calls = " ".join(f"{name}{number}();" for number in range(len(chunks)))
        return "".join(texts) + f"function {name}_() {{ {calls} }}\n"

    def _function(self, name: str, ops: Sequence[Op], array: str, indices: Sequence[int], kept: set[int]) -> str:
        """A value that is read once, here, stands where it is read; the others get a name."""
        own = set(indices)
        reads = Counter(a for i in indices for a in ops[i].args if a in own)
        inside: dict[int, str] = {}
        lines: list[tuple[str, str]] = []
        for index in indices:
            args = [inside.get(a, f"a{a}") if a in own else self._value(ops, array, a) for a in ops[index].args]
            text = self._expression(ops[index], args)
            if index not in kept and reads[index] == 1 and len(text) <= LONGEST:
                inside[index] = text if ops[index].kind in _SIMPLE else f"({text})"
            elif index not in kept:
                lines.append((f"a{index}", text))
            elif reads[index]:
                lines.append((f"a{index}={array}[{self._slot(array, index)}]", text))
            else:
                lines.append((f"{array}[{self._slot(array, index)}]", text))
        return f"function {name}() {{\n{_statements(lines)}}}\n"

    def _slot(self, array: str, index: int) -> int:
        """Where in an array the value of an operation is kept."""
        slots = self.slots[array]
        return slots.setdefault(index, len(slots))

    def _expression(self, op: Op, args: Sequence[str]) -> str:
        match op.kind:
            case "param":
                return f"P[{op.value}]"
            case "time":
                return "Z[0]"
            case "steptime":
                return "Z[1]"
            case "frozen":
                return f"F[{op.value}]"
            case "state":
                assert isinstance(op.value, int)
                return f"X[{self.places[op.value]}]"
            case "ring":
                assert isinstance(op.value, int)
                return f"R[{self.plan.rings.index(op.value)}].read(step)"
            case "random":
                assert isinstance(op.value, int)
                return f"uniform(streams.get({op.value}), step)"
            case "lookup":
                assert isinstance(op.value, Table)
                return f"lookUp(tables[{self.tables.setdefault(op.value, len(self.tables))}], {args[0]})"
        return operation(op.kind, args)

    def _value(self, ops: Sequence[Op], array: str, index: int) -> str:
        op = ops[index]
        return number_text(float(op.value)) if op.kind == "const" else f"{array}[{self._slot(array, index)}]"  # type: ignore[arg-type]

    def _assign(self, target: str, ops: Sequence[Op], array: str, indices: Iterable[int]) -> str:
        """Assignments to the entries of an array, one after the other."""
        lines = [f"{target}[{at}]={self._value(ops, array, index)};\n" for at, index in enumerate(indices)]
        return "".join(lines)


def _statements(lines: Sequence[tuple[str, str]]) -> str:
    """Assignments in order, those that name a value joined in one declaration as far as they follow each other."""
    text, joined = "", False
    for target, value in lines:
        naming = target.startswith("a")
        text += ",\n" if naming and joined else ";\n" * joined + "const " * naming
        text += f"{target}={value}" + ("" if naming else ";\n")
        joined = naming
    return text + ";\n" * joined


def operation(kind: str, args: Sequence[str]) -> str:
    """What an operation computes from its arguments, as an expression; not for those that read a state or an input."""
    match kind:
        case "neg":
            return f"-{args[0]}"
        case "select":
            return f"{args[0]} !== 0 ? {args[1]} : {args[2]}"
        case "not":
            return f"{args[0]} === 0 ? 1 : 0"
        case "and" | "or":
            joint = "&&" if kind == "and" else "||"
            return f"{args[0]} !== 0 {joint} {args[1]} !== 0 ? 1 : 0"
    if kind in _INFIX:
        return f"{args[0]}{_INFIX[kind]}{args[1]}"
    if kind in _COMPARED:
        return f"{args[0]} {_COMPARED[kind]} {args[1]} ? 1 : 0"
    return f"{_CALLED[kind]}({', '.join(args)})"


def table_text(table: Table) -> str:
    """What `lookUp` reads: an object with the pieces of a table."""
    found = segments(table)
    slope = "null" if found.slope is None else f"Float64Array.of({_numbers(found.slope)})"
    arrays = ", ".join(f"{key}: Float64Array.of({_numbers(getattr(found, key))})" for key in ("breaks", "x", "y"))
    return f"{{{arrays}, slope: {slope}, low: {number_text(found.low)}, high: {number_text(found.high)}}}"


def _numbers(values: Iterable[float]) -> str:
    return ", ".join(number_text(float(each), bare=True) for each in values)


def number_text(value: float, *, bare: bool = False) -> str:
    """The shortest text that reads back equal, a negative one in brackets."""
    if np.isnan(value):
        return "NaN"
    text = ("-" if value < 0 else "") + "Infinity" if np.isinf(value) else repr(value)
    return text if bare or not text.startswith("-") else f"({text})"


def _json(value: object) -> str:
    """JSON that stays a string wherever the script is put, in a page too."""
    return json.dumps(value, ensure_ascii=True).replace("<", "\\u003c").replace(">", "\\u003e")
