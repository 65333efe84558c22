"""A model becomes a program: subscripts, functions and order."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special, stats

from alliance_dynamics.errors import ModelError
from alliance_dynamics.kernel.flatten import flatten
from alliance_dynamics.kernel.integrals import integral_name, with_integrals
from alliance_dynamics.kernel.integrate import Schedule, compile_kernel
from alliance_dynamics.kernel.program import from_json, to_json
from alliance_dynamics.model.expression import (
    Array,
    Binary,
    Call,
    Expression,
    LookupCall,
    Number,
    Reference,
    Table,
    Unary,
)
from alliance_dynamics.model.model import Definition, Dimension, Model, TimeAxis, Variable

TIME = Reference("time")
DIMENSION = Dimension("region", "Region", ("north", "south", "west"), ("North", "South", "West"))
ALIAS = Dimension("partner", "Partner", DIMENSION.elements, DIMENSION.labels, (("region", DIMENSION.elements),))


def constant(name: str, value: float) -> Variable:
    return Variable(name, name, "constant", (Definition(Number(value)),))


def auxiliary(name: str, expression: Expression, dimensions: tuple[str, ...] = ()) -> Variable:
    return Variable(name, name, "auxiliary", (Definition(expression, dimensions),), dimensions)


def stock(name: str, rate: Expression, initial: Expression, dimensions: tuple[str, ...] = ()) -> Variable:
    return Variable(name, name, "stock", (Definition(rate, dimensions, initial=initial),), dimensions)


def model_of(*variables: Variable, stop: float = 10.0, dt: float = 0.125) -> Model:
    controls = [
        constant("initial_time", 0.0),
        constant("final_time", stop),
        constant("time_step", dt),
        constant("saveper", 1.0),
    ]
    dimensions = {each.name: each for each in (DIMENSION, ALIAS)}
    return Model("m", {v.name: v for v in (*controls, *variables)}, dimensions, TimeAxis("rk4"))


def run(model: Model, output: str, *, dt: float = 0.125, stop: float = 10.0, method: str = "rk4") -> np.ndarray:
    """Values of an output at whole times."""
    program = flatten(model)
    row = np.array([program.defaults])
    row[0, program.parameter_index["time_step"]] = dt
    steps = round(stop / dt)
    kernel = compile_kernel(program, (output,), backend="numpy")
    return kernel.run(row, Schedule(0.0, dt, steps, round(1 / dt)), method=method).values[0, :, 0]


def at(expression: Expression, time: float = 0.0) -> float:
    """The value of an expression without memory at a whole time."""
    return run(model_of(auxiliary("y", expression)), "y", stop=max(1.0, time))[int(time)]


def test_a_stock_that_decays_follows_the_closed_form():
    decay = stock("x", Unary("-", Binary("*", Number(0.2), Reference("x"))), Number(100.0))
    assert run(model_of(decay), "x")[-1] == pytest.approx(100 * math.exp(-2), rel=1e-7)


@pytest.mark.parametrize(("order", "function"), [(1, "delay1"), (3, "delay3")])
def test_the_step_response_of_a_delay_is_an_erlang_distribution(order, function):
    delayed = auxiliary("y", Call(function + "i", (Number(1.0), Number(6.0), Number(0.0))))
    assert run(model_of(delayed), "y")[6] == pytest.approx(special.gammainc(order, order), abs=1e-6)


def test_a_delay_of_order_ten_and_a_smooth_of_order_ten_respond_alike_to_a_step():
    expected = 0.5420702855281478
    for function in ("delay_n", "smooth_n"):
        delayed = auxiliary("y", Call(function, (Number(1.0), Number(6.0), Number(0.0), Number(10.0))))
        assert run(model_of(delayed), "y", dt=1 / 16)[6] == pytest.approx(expected, abs=1e-5)


def test_a_delay_time_that_is_not_positive_makes_the_run_fail():
    delayed = auxiliary("y", Call("smooth", (TIME, Binary("-", Number(2.0), TIME))))
    assert not np.isfinite(run(model_of(delayed), "y")[-1])


def test_a_fixed_delay_gives_back_what_went_in():
    delayed = auxiliary("y", Call("delay_fixed", (TIME, Number(3.0), Number(-1.0))))
    values = run(model_of(delayed), "y")
    assert list(values[:3]) == [-1.0] * 3
    assert values[3:] == pytest.approx(np.arange(8.0))


def test_a_sample_holds_the_value_at_which_its_condition_was_last_true():
    sampled = auxiliary("y", Call("sample_if_true", (Binary("<=", TIME, Number(4.0)), TIME, Number(-1.0))))
    assert list(run(model_of(sampled), "y")) == [0, 1, 2, 3, 4, 4, 4, 4, 4, 4, 4]


def test_initial_keeps_the_first_value():
    kept = auxiliary("y", Call("initial", (Binary("+", TIME, Number(5.0)),)))
    assert set(run(model_of(kept), "y")) == {5.0}


def test_npv_of_a_constant_stream_is_the_sum_of_discounted_payments():
    worth = auxiliary("y", Call("npv", (Number(1.0), Number(0.1), Number(0.0), Number(1.0))))
    dt = 0.125
    discounts = (1 - dt * 0.1 / (1 + 0.1 * dt)) ** np.arange(81)
    assert run(model_of(worth), "y", method="euler")[-1] == pytest.approx(dt * discounts.sum(), rel=1e-12)


@pytest.mark.parametrize(
    ("call", "time", "value"),
    [
        (Call("step", (Number(3.0), Number(2.0))), 1, 0.0),
        (Call("step", (Number(3.0), Number(2.0))), 2, 3.0),
        (Call("pulse", (Number(2.0), Number(1.0))), 2, 1.0),
        (Call("pulse", (Number(2.0), Number(1.0))), 3, 0.0),
        (Call("pulse", (Number(2.0), Number(0.0))), 2, 1.0),
        (Call("pulse_train", (Number(1.0), Number(1.0), Number(3.0), Number(8.0))), 4, 1.0),
        (Call("pulse_train", (Number(1.0), Number(1.0), Number(3.0), Number(8.0))), 5, 0.0),
        (Call("pulse_train", (Number(1.0), Number(1.0), Number(3.0), Number(6.0))), 7, 0.0),
        (Call("ramp", (Number(2.0), Number(1.0), Number(4.0))), 3, 4.0),
        (Call("ramp", (Number(2.0), Number(1.0), Number(4.0))), 9, 6.0),
        (Call("xidz", (Number(1.0), Number(1e-7), Number(9.0))), 0, 9.0),
        (Call("zidz", (Number(1.0), Number(4.0))), 0, 0.25),
        (Call("modulo", (Number(-7.0), Number(3.0))), 0, -1.0),
        (Call("floor_modulo", (Number(-7.0), Number(3.0))), 0, 2.0),
        (Call("integer", (Number(-2.5),)), 0, -2.0),
        (Call("quantum", (Number(7.9), Number(2.0))), 0, 6.0),
        (Call("log", (Number(8.0), Number(2.0))), 0, 3.0),
        (Call("min", (Number(8.0), Number(2.0), Number(5.0))), 0, 2.0),
        (Call("if_then_else", (Number(0.0), Number(2.0), Binary("/", Number(0.0), Number(0.0)))), 0, math.nan),
        (Call("if_then_else", (Number(1.0), Number(2.0), Binary("/", Number(0.0), Number(0.0)))), 0, 2.0),
        (LookupCall(Table((0.0, 1.0, 3.0), (0.0, 2.0, 4.0)), Number(2.0)), 0, 3.0),
        (Call("lookup_forward", (Table((0.0, 1.0, 3.0), (0.0, 2.0, 4.0)), Number(2.0))), 0, 4.0),
        (Call("lookup_invert", (Table((0.0, 1.0, 3.0), (0.0, 2.0, 4.0)), Number(3.0))), 0, 2.0),
    ],
)
def test_functions_without_memory_have_their_documented_values(call, time, value):
    assert at(call, time) == pytest.approx(value, nan_ok=True, abs=1e-12)


@pytest.mark.parametrize("x", [0.3, 1.0, 2.5, 10.0, 150.0])
def test_gamma_ln_equals_scipy(x):
    assert at(Call("gamma_ln", (Number(x),))) == pytest.approx(special.gammaln(x), rel=1e-11, abs=1e-12)


def test_normal_draws_are_truncated_and_have_the_right_moments():
    draws = auxiliary("y", Call("random_normal", tuple(map(Number, (-1.0, 2.0, 0.0, 1.0, 7.0)))))
    program = flatten(model_of(draws, stop=1.0))
    kernel = compile_kernel(program, ("y",), backend="numpy")
    values = kernel.run(np.tile(program.defaults, (4000, 1)), Schedule(0.0, 1.0, 1, 1), seed=0).values[:, 0, 0]
    assert stats.kstest(values, stats.truncnorm(-1, 2).cdf).pvalue > 0.01


def test_an_allocation_shares_a_scarce_supply_by_priority_and_adds_up_to_it():
    requests = Variable("r", "r", "constant", (Definition(Array((3,), (10.0, 20.0, 30.0)), ("region",)),), ("region",))
    priority = Variable("p", "p", "constant", (Definition(Array((3,), (3.0, 2.0, 1.0)), ("region",)),), ("region",))
    call = Call(
        "allocate_by_priority",
        (Reference("r", ("region",)), Reference("p", ("region",)), Number(3.0), Number(0.5), Number(25.0)),
    )
    model = model_of(requests, priority, auxiliary("y", call, ("region",)))
    given = [run(model, f"y[{each}]", stop=1.0)[0] for each in DIMENSION.elements]
    assert given == pytest.approx([10.0, 15.0, 0.0], abs=1e-9)


def test_sums_run_over_an_alias_where_the_left_side_has_the_dimension():
    x = Variable("x", "x", "constant", (Definition(Array((3,), (1.0, 2.0, 4.0)), ("region",)),), ("region",))
    others = Binary("-", Call("sum", (Reference("x", ("partner!",)),)), Reference("x", ("region",)))
    model = model_of(x, auxiliary("y", others, ("region",)))
    assert [run(model, f"y[{each}]", stop=1.0)[0] for each in DIMENSION.elements] == [6.0, 5.0, 3.0]


def test_a_year_mean_of_a_flow_is_the_difference_of_its_integral():
    program = with_integrals(flatten(model_of(auxiliary("flow", TIME))), ("flow",))
    kernel = compile_kernel(program, (integral_name("flow"),), backend="numpy")
    values = kernel.run(np.array([program.defaults]), Schedule(0.0, 0.125, 80, 8), method="rk4").values[0, :, 0]
    assert np.diff(values) == pytest.approx(np.arange(10) + 0.5, abs=1e-12)


def test_a_cycle_of_auxiliaries_is_shown_whole():
    model = model_of(
        auxiliary("hiring", Reference("vacancies")),
        auxiliary("vacancies", Reference("wage")),
        auxiliary("wage", Reference("hiring")),
    )
    with pytest.raises(ModelError, match="hiring -> vacancies -> wage -> hiring"):
        flatten(model)


def test_an_element_without_an_equation_is_a_fault_only_where_it_is_needed():
    part = Variable("x", "x", "auxiliary", (Definition(Number(1.0), ("north",)),), ("region",))
    assert "x[south]" not in flatten(model_of(part)).outputs
    with pytest.raises(ModelError, match=r"x\[south\]"):
        flatten(model_of(part, auxiliary("y", Reference("x", ("south",)))))


def test_a_long_chain_needs_no_recursion():
    chain = [auxiliary("a0", Number(1.0))]
    chain += [auxiliary(f"a{i}", Binary("+", Reference(f"a{i - 1}"), Number(1.0))) for i in range(1, 3000)]
    model = model_of(*reversed(chain))
    program = flatten(model)
    kernel = compile_kernel(program, ("a2999",), backend="numpy")
    assert kernel.run(np.array([program.defaults]), Schedule(0.0, 1.0, 1, 1)).values[0, 0, 0] == 3000.0


def test_a_program_survives_being_written_and_read():
    smooth = auxiliary("y", Call("smooth3", (LookupCall(Table((0.0, 1.0), (1.0, 2.0)), TIME), Number(3.0))))
    program = flatten(model_of(smooth))
    assert from_json(to_json(program)).hash == program.hash
