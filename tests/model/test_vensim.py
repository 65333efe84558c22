"""Vensim equations become the expressions that they mean."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vensim_texts import CONTROLS, expression_of, read, refusal

from alliance_dynamics.errors import ModelError, RunError, UnsupportedError
from alliance_dynamics.kernel.counts import DRAWS
from alliance_dynamics.kernel.equations import WITH_EXPRESSIONS
from alliance_dynamics.kernel.flatten import flatten
from alliance_dynamics.kernel.memory import MEMORY
from alliance_dynamics.kernel.stateless import STATELESS
from alliance_dynamics.model import expression as ex
from alliance_dynamics.model.functions import FUNCTIONS, function_of_vensim
from alliance_dynamics.model.names import canonical
from alliance_dynamics.model.places import scan
from alliance_dynamics.model.text import from_json, to_json
from alliance_dynamics.model.vensim import read_vensim_text
from alliance_dynamics.simulate import run_model

A, B, C = (ex.Reference(each) for each in "abc")
ABC = "a = 1 ~~|\nb = 2 ~~|\nc = 3 ~~|\n"
REGIONS = "Region: North, South, West ~~|\nCoast: South, West ~~|\n"


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("a - b - c", ex.Binary("-", ex.Binary("-", A, B), C)),
        ("a / b * c", ex.Binary("*", ex.Binary("/", A, B), C)),
        ("-a^b", ex.Unary("-", ex.Binary("^", A, B))),
        ("-2^b", ex.Unary("-", ex.Binary("^", ex.Number(2.0), B))),
        ("(-2)^b", ex.Binary("^", ex.Number(-2.0), B)),
        ("a^-b", ex.Binary("^", A, ex.Unary("-", B))),
        ("a^b^c", ex.Binary("^", ex.Binary("^", A, B), C)),
        ("a - -b", ex.Binary("-", A, ex.Unary("-", B))),
        ("a * (b + c)", ex.Binary("*", A, ex.Binary("+", B, C))),
        (
            "a > b :or: b = c :AND: :not: c <= a",
            ex.Binary(
                "or",
                ex.Binary(">", A, B),
                ex.Binary("and", ex.Binary("=", B, C), ex.Unary("not", ex.Binary("<=", C, A))),
            ),
        ),
        ("if then else(a, b, c)", ex.Call("if_then_else", (A, B, C))),
        ("SMOOTH3I(a, b, c)", ex.Call("smooth3i", (A, B, C))),
        ("PULSE TRAIN(a, b, c, Time)", ex.Call("pulse_train", (A, B, C, ex.Reference("time")))),
        (
            "WITH LOOKUP(a, ([(0,0)-(2,2)],(0,1),(1,2),(1,5)))",
            ex.LookupCall(ex.Table((0.0, 1.0, 1.0), (1.0, 2.0, 5.0)), A),
        ),
    ],
)
def test_an_equation_means_what_vensim_says(text, meaning):
    assert expression_of(text, ABC) == meaning


def test_one_variable_of_each_kind():
    model = read(
        "Stock of Things = INTEG(inflow - loss, 100) ~ Thing ~ What there is. |\n"
        "inflow = rate * table(Time) ~ Thing/Month ~|\n"
        "loss = Stock of Things / life ~~|\n"
        "rate = 2 ~~|\nlife = 4 ~~|\n"
        "table((0,1),(10,2)) ~~|\n"
        "guess = ACTIVE INITIAL(loss, 3) ~~|\n"
    )
    kinds = {name: each.kind for name, each in model.variables.items()}
    assert kinds == {
        "stock_of_things": "stock",
        "inflow": "flow",
        "loss": "flow",
        "rate": "constant",
        "life": "constant",
        "table": "lookup",
        "guess": "auxiliary",
        "initial_time": "constant",
        "final_time": "constant",
        "time_step": "constant",
        "saveper": "constant",
    }
    stock = model.variables["stock_of_things"]
    assert (stock.label, stock.unit, stock.documentation) == ("Stock of Things", "Thing", "What there is.")
    assert stock.definitions[0].initial == ex.Number(100.0)
    assert stock.place.line == 1
    assert model.variables["guess"].definitions[0].initial == ex.Number(3.0)


def test_names_are_one_whatever_their_case_blanks_and_quotes():
    model = read('"R&D  Staff" = 3 ~~|\nx = "r&d staff" + Y_Y ~~|\ny y = 1 ~~|')
    assert model.variables["x"].definitions[0].expression == ex.Binary(
        "+", ex.Reference("r&d_staff"), ex.Reference("y_y")
    )
    assert model.variables["r&d_staff"].label == "R&D Staff"


def test_subscript_ranges_resolve_to_elements_and_mappings():
    model = read(
        REGIONS
        + "Number: (n1-n3) -> Region ~~|\nCopy <-> Region ~~|\nBoth: Coast, North ~~|\n"
        + "Half: (h1-h2) -> (Region: Coast, North) ~~|\n"
        + "x[Region] = 1, 2, 3 ~~|\n"
    )
    dimensions = model.dimensions
    assert dimensions["number"].elements == ("n1", "n2", "n3")
    assert dict(dimensions["number"].mappings) == {"region": ("north", "south", "west")}
    assert dict(dimensions["region"].mappings) == {"number": ("n1", "n2", "n3"), "half": ("h2", "h1", "h1")}
    assert dimensions["copy"].elements == dimensions["region"].elements
    assert dimensions["both"].elements == ("south", "west", "north")
    assert model.variables["x"].definitions[0].expression == ex.Array((3,), (1.0, 2.0, 3.0))


def test_a_range_of_numbers_keeps_the_blank_before_them():
    model = read("Age: (Age Group 1-Age Group 3), old ~~|\nx[Age] = 1, 2, 3, 4 ~~|\ny = x[age group 2] ~~|")
    assert model.dimensions["age"].labels == ("Age Group 1", "Age Group 2", "Age Group 3", "old")
    run = run_model(model, backend="numpy")
    assert (run.values[:, run.columns.index("y")] == 2).all()


def test_arrays_of_two_subscripts_are_read_row_by_row():
    model = read(REGIONS + "x[Coast, Region] = 1,2,3; 4,5,- 6; ~~|\ny[Coast,Region] = TABBED ARRAY(1 2 3\n4 5 6) ~~|")
    assert model.variables["x"].definitions[0].expression == ex.Array((2, 3), (1, 2, 3, 4, 5, -6))
    assert model.variables["y"].definitions[0].expression == ex.Array((2, 3), (1, 2, 3, 4, 5, 6))


def test_an_exception_leaves_its_elements_to_another_equation():
    model = read(REGIONS + "x[Region] :EXCEPT: [North] = 1 ~~|\nx[North] = 2 ~~|")
    first, second = model.variables["x"].definitions
    assert (first.subscripts, first.excluded, second.subscripts) == (("region",), (("north",),), ("north",))
    assert model.variables["x"].dimensions == ("region",)


def test_a_partly_defined_array_has_exactly_the_elements_that_are_defined():
    model = read(REGIONS + "x[North] = 1 ~~|\ny[South] = 2 ~~|\ny[West] = 3 ~~|")
    assert model.dimensions[model.variables["x"].dimensions[0]].elements == ("north",)
    assert model.variables["y"].dimensions == ("coast",)
    assert "`x` (Region: North)" in model.notices[0]


def test_a_macro_is_inlined_under_names_of_its_own():
    model = read(
        ":MACRO: KEEP(input, T : peak)\nKEEP = INTEG((input - KEEP)/T, input) ~~|\npeak = MAX(input, KEEP) ~~|\n"
        ":END OF MACRO:\n" + ABC + "x = KEEP(a + 1, b : high) + 1 ~~|\ny = KEEP(c, 2 : other) ~~|"
    )
    assert model.variables["x"].definitions[0].expression == ex.Binary("+", ex.Reference("keep_1:_keep"), ex.Number(1))
    assert model.variables["keep_1:_keep"].kind == "stock"
    assert model.variables["keep_1:_input"].definitions[0].expression == ex.Binary("+", A, ex.Number(1))
    assert model.variables["high"].definitions[0].expression == ex.Reference("keep_1:_peak")
    assert model.variables["keep_2:_keep"].definitions[0].initial == C


def test_comments_may_nest_and_quotes_in_documentation_are_text():
    model = read('a = 1 {one {two} | ~ "} + 2 ~ u ~ it says "so|\n"b | ~ c" = 3 ~~|')
    assert model.variables["a"].definitions[0].expression == ex.Number(3)
    assert model.variables["b_|_~_c"].label == "b | ~ c"


@pytest.mark.parametrize(
    ("code", "method"), [(0, "euler"), (2, "euler"), (3, "rk2"), (4, "rk2"), (1, "rk4"), (5, "rk4")]
)
def test_the_method_is_in_the_settings(code, method):
    tail = f"\\\\\\---/// Sketch\n*View 1\n///---\\\\\\\n:L\x7f<%^E!@\n1:Current.vdf\n15:0,0,0,{code},0,0\n"
    model = read_vensim_text("a = 1 ~~|" + CONTROLS + tail, "m.mdl").model
    assert model.time.method == method
    assert bool(model.notices) == (code in (1, 2, 3))


@pytest.mark.parametrize("step", ["TIME STEP[D] = 1", "TIME STEP((0,1),(1,1))"])
def test_a_time_control_is_one_number(step):
    text = "D: p, q ~~|\nx = 1 ~~|" + CONTROLS.replace("TIME STEP = 1", step)
    with pytest.raises(ModelError, match=r"m\.mdl:5  TIME STEP is an array, a lookup or data"):
        read_vensim_text(text, "m.mdl")


def test_saveper_is_the_step_where_it_is_missing():
    model = read_vensim_text("a=1~~|INITIAL TIME=0~~|FINAL TIME=1~~|TIME STEP=0.5~~|", "m.mdl").model
    assert model.variables["saveper"].definitions[0].expression == ex.Reference("time_step")
    assert model.notices == ("SAVEPER is missing; every time step is kept.",)


def test_not_available_is_a_number_that_equals_itself():
    assert expression_of(":NA:") == ex.Number(-(2.0**109))


@pytest.mark.parametrize(
    ("equation", "messages"),
    [
        ("x = FROB(3) ~~|", ["model.mdl:1", "`FROB`", "`x`"]),
        ("x = SMOTH(3, 2) ~~|", ["Did you mean `SMOOTH`?"]),
        ("x = MAX(1) ~~|", ["MAX is called with 1", "MAX with 2 argument(s)"]),
        ("x = MAX(1 2) ~~|", ["`1 2`", "one comma"]),
        ("x = A FUNCTION OF(y) ~~|\ny = 1 ~~|", ["unfinished"]),
        ("x = 1 + INTEG(2, 3) ~~|", ["INTEG", "whole right-hand side"]),
        ("x = y(3) ~~|\ny = 1 ~~|", ["`y` is called like a function"]),
        ("x = 3 +* 4 ~~|", ["model.mdl:1", "`x`", "* 4"]),
        ("x = (3 ~~|", ["opens 1 parentheses and closes 0"]),
        ("x = 1e400 ~~|", ["too large"]),
        (REGIONS + "x[Region] = 1, 2 ~~|", ["has 2 numbers", "expects 3"]),
        (REGIONS + "x[Region,Coast] = 1,2;3,4;5,6,7; ~~|", ["has 7 numbers", "expects 6"]),
        ("D: (a1-a1000000000) ~~|", ["at most 200000"]),
        ("D: E ~~|\nE: D ~~|", ["made of itself"]),
        ("D: a, b -> E ~~|\nE: p, q, r ~~|", ["The mapping of `D`"]),
        ("D <-> E ~~|", ["`E`, which is not defined"]),
        (":MACRO: M(x)\nM = M(x) ~~|\n:END OF MACRO:\na = M(1) ~~|", ["calls itself: m -> m"]),
        (":MACRO: M(x)\nM = x ~~|\na = M(1) ~~|", ["not closed", ":END OF MACRO:"]),
        ("x = 3 ~~|\n y = 4 ~~", ["is not closed"]),
        ('x = "abc ~~|', ["opened here and not closed"]),
        ("x ~~|", ["has no equation", "model_data.dat"]),
        ("t((0,0),(5,50),(3,30)) ~~|", ["`t` is not sorted", "x = 3.0 comes after x = 5.0"]),
        ("t((0,0)) ~~|", ["1 point(s)"]),
        (
            ":MACRO: M(x)\nM = x ~~|\n:END OF MACRO:\n:MACRO: m(x)\nm = 2*x ~~|\n:END OF MACRO:",
            ["`m`", "first at line 1"],
        ),
        (REGIONS + "coast = 3 ~~|", ["model.mdl:3", "`coast` is the name of a variable and of a subscript range"]),
        (REGIONS + "x[Region,Region] = Region ~~|", ["`x` has the range `Region` twice", "`Region 2 <-> Region`"]),
    ],
)
def test_what_cannot_be_read_is_refused_with_name_and_reason(equation, messages):
    text = refusal(equation) if not equation.endswith("~~") else _refused_at_the_end(equation)
    assert all(each in text for each in messages), text


def test_all_faults_of_a_file_come_at_once_in_order():
    with pytest.raises(ModelError) as caught:
        read("x = FROB(1) ~~|\ny = MAX(1) ~~|\nz = nothing here ~~|")
    assert [each.place.line for each in caught.value.faults] == [1, 2, 3]


def test_depth_has_a_limit_and_length_has_none():
    assert expression_of("(" * 499 + "a" + ")" * 499, ABC) == A
    assert "nests 3000 parentheses" in refusal("x = " + "(" * 3000 + "1" + ")" * 3000 + " ~~|")
    long = expression_of("+".join(["a"] * 3000), ABC)
    assert sum(1 for _ in ex.walk(long)) == 5999
    chain = read("v0 = 1 ~~|\n" + "\n".join(f"v{i} = v{i - 1} + 1 ~~|" for i in range(1, 1000)))
    assert len(chain.variables) == 1004


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.text("абвгдежз XYZ_'$", min_size=1, max_size=8).filter(lambda name: name.strip(" _'$") == name),
        min_size=1,
        max_size=5,
        unique_by=canonical,
    )
)
def test_the_scanner_finds_the_names_that_the_model_has(names):
    text = "\n".join(f"{name} = {i} ~ u ~ text ~ :SUPPLEMENTARY |" for i, name in enumerate(names)) + CONTROLS
    model = read_vensim_text(text, "m.mdl").model
    assert set(scan(text, "m.mdl").places()) == set(model.variables)
    assert from_json(to_json(model)) == model
    for name, each in model.variables.items():
        assert canonical(text.splitlines()[each.place.line - 1].partition("=")[0]) == name


def test_every_function_of_the_table_has_a_meaning():
    assert set(FUNCTIONS) - {"game"} <= {*STATELESS, *DRAWS, *MEMORY, *WITH_EXPRESSIONS}
    run = run_model(read("x = PI() ~~|"), backend="numpy")
    assert (run.values[:, run.columns.index("x")] == math.pi).all()


@pytest.mark.parametrize("function", [each for each in FUNCTIONS.values() if function_of_vensim(each.vensim) is each])
def test_every_function_of_the_table_is_read_by_its_name(function):
    if function.name == "elmcount":
        assert expression_of("ELMCOUNT(D)", "D: p, q ~~|") == ex.Call("elmcount", (ex.Reference("d"),))
        return
    arguments = ", ".join(["a"] * function.least)
    found = expression_of(f"{function.vensim.lower()}({arguments})", "a = 1 ~~|")
    assert isinstance(found, ex.Call)
    assert (found.function, len(found.arguments)) == (function.name, function.least)


def test_numbers_are_floats_without_locale():
    assert expression_of("  .5e1 ") == ex.Number(5.0)
    found = expression_of("3")
    assert isinstance(found, ex.Number)
    assert isinstance(found.value, float) and math.isfinite(found.value)


def _refused_at_the_end(equation: str) -> str:
    with pytest.raises(ModelError) as caught:
        read_vensim_text(CONTROLS + equation, "model.mdl")
    return str(caught.value)


def test_raw_data_are_not_available_between_their_points_and_an_equation_can_ask(tmp_path):
    (tmp_path / "d.csv").write_text("t,0,2,4\na,10,20,40\n", encoding="utf-8")
    model = read(
        "d :RAW: := GET DIRECT DATA('d.csv', ',', '1', 'B2') ~~|\nx = IF THEN ELSE(d = :NA:, -1, d) ~~|", tmp_path
    )
    result = run_model(model, backend="numpy")
    assert result.values[:6, result.columns.index("x")].tolist() == [10, -1, 20, -1, 40, -1]
    assert any("d is :RAW: data" in each for each in model.notices)


@pytest.mark.parametrize(
    ("equation", "said"),
    [
        ("INVERT MATRIX(m[D, F], 2)", "differ in number"),
        ("INVERT MATRIX(q[D, E], 3)", "differ in number"),
        ("INVERT MATRIX(2, 2)", "no variable with two subscripts"),
        ("INVERT MATRIX(q[d2, E], 2)", "not the first"),
    ],
)
def test_what_has_no_inverse_is_refused_by_name(equation, said):
    others = "D: d1, d2 ~~|\nE: e1, e2 ~~|\nF: f1, f2, f3 ~~|\nm[D, F] = 1 ~~|\nq[D, E] = 1 ~~|\n"
    with pytest.raises(ModelError, match=said):
        flatten(read(f"{others}i[D, E] = {equation} ~~|"))


def test_a_matrix_too_large_to_invert_is_refused_and_a_singular_one_stops_the_run():
    large = "D: (A1-A60) ~~|\nE: (B1-B60) ~~|\nm[D, E] = 1 ~~|\ni[D, E] = INVERT MATRIX(m[D, E], 60) ~~|"
    with pytest.raises(UnsupportedError, match=r"60 rows is too large\. At most 50"):
        flatten(read(large))
    with pytest.raises(RunError, match="became"):
        run_model(read(large.replace("60", "2")), backend="numpy")
