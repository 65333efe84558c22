"""A run cut in two at an instant and continued from its stocks."""

from __future__ import annotations

import numpy as np
import pytest

from alliance_dynamics.errors import UnsupportedError
from alliance_dynamics.kernel.continuation import continuation
from alliance_dynamics.kernel.integrate import Schedule, compile_kernel
from alliance_dynamics.model.built_in import open_model
from alliance_dynamics.model.read import read_model
from alliance_dynamics.outcomes import series_of
from alliance_dynamics.simulate import program_of


@pytest.mark.parametrize("backend", ["llvm", "numpy"])
def test_a_continued_run_has_the_bits_of_the_whole_one(backend):
    model = open_model("alliance")
    program, outputs = program_of(model), series_of(model).outputs
    rows = np.tile(np.array(program.defaults), (2, 1))
    rows[:, program.parameter_index["discount_rate"]] = 0.04, 0.06
    whole = compile_kernel(program, outputs, backend=backend).run(rows, Schedule(2000.0, 0.125, 240, 8)).values
    parts = continuation(program, outputs)
    past = compile_kernel(parts.before, parts.memory, backend=backend).run(rows, Schedule(2000.0, 0.125, 208, 208))
    told = np.concatenate([rows, past.values[:, -1]], axis=1)
    rest = compile_kernel(parts.after, outputs, backend=backend).run(told, Schedule(2026.0, 0.125, 32, 8)).values
    np.testing.assert_array_equal(rest, whole[:, 26:])


@pytest.mark.parametrize(("model", "why"), [("delays", "delays of fixed length"), ("random", "noise")])
def test_what_stocks_do_not_remember_is_refused(model, why):
    program = program_of(read_model(f"tests/models/{model}.mdl"))
    with pytest.raises(UnsupportedError, match=why):
        continuation(program, tuple(program.outputs))
