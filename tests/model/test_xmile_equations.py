"""Equations of XMILE mean what the standard says."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xmile_texts import aux, value

from alliance_dynamics.model.expression import Number
from alliance_dynamics.model.xmile_equations import EquationError, parse_equation, parse_list
from alliance_dynamics.model.xmile_frame import Frame, Library
from alliance_dynamics.model.xmile_lowering import lower
from alliance_dynamics.model.xmile_scopes import Scope


def lowered(text):
    library = Library({}, {}, {}, from_vensim=False)
    library.lower = lower
    return lower(parse_equation(text), Frame(library, Scope("", "", None), "x", "x"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-2^2", -4.0),
        ("2^3^2", 512.0),
        ("2^-1", 0.5),
        ("10 - 3 - 2", 5.0),
        ("-7 MOD 3", 2.0),
        ("7 mod -3", -2.0),
        ("2 * 3 MOD 4", 2.0),
        ("8 / 4 / 2", 1.0),
        ("7 // 0", 0.0),
        ("7 // 2", 3.5),
        ("SAFEDIV(1, 0, 9)", 9.0),
        ("INT(-1.5)", -2.0),
        ("1 < 2 = 1", 1.0),
        ("1 = 1 AND 2 <> 2 OR 3 >= 3", 1.0),
        ("NOT 0 + 1", 2.0),
        ("IF 1 > 2 OR NOT 0 THEN {c} 5 ELSE 6", 5.0),
        ("if_then_else(0, 1, 2)", 2.0),
        ("MAX(1, 2, 3) + MIN(4, 5, 0.5)", 3.5),
        (".5 + 1.e1 + 2E-1", 10.7),
        ("std.ABS(-1) + PI - pi()", 1.0),
        ("{whole {comment} 3", 3.0),
    ],
)
def test_operators_and_functions_follow_the_standard(tmp_path, text, expected):
    assert value(tmp_path, text) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("spelling", ["My_Rate", '"my rate"', '"MY\\nRATE"', "my__rate", "My Rate", "my\u00a0rate"])
def test_one_name_has_many_spellings(tmp_path, spelling):
    assert value(tmp_path, f"{spelling} + 1", aux("my rate", "4")) == 5.0


def test_quotes_keep_any_character_of_a_name(tmp_path):
    assert value(tmp_path, '"R&D (50%), {gross}" + 1', aux("R&amp;D (50%), {gross}", "4")) == 5.0


numbers = st.floats(0.25, 4.0).map(lambda x: (repr(x), x))


def joined(parts):
    operator, (left, a), (right, b) = parts
    return (f"({left}){operator}({right})", compute(operator, a, b))


def compute(operator, a, b):
    return {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else math.nan}[operator]


trees = st.recursive(numbers, lambda inner: st.tuples(st.sampled_from("+-*/"), inner, inner).map(joined), max_leaves=12)


@settings(max_examples=60, deadline=None)
@given(trees)
def test_arithmetic_is_that_of_python(tree):
    text, expected = tree
    if not math.isfinite(expected):
        return

    def evaluate(node):
        if isinstance(node, Number):
            return node.value
        return compute(node.operator, evaluate(node.left), evaluate(node.right))

    assert evaluate(lowered(text)) == expected


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab1.,+-*/^()[]{}\"<>=:@'$ \\\n", max_size=25))
def test_any_text_is_an_equation_or_a_fault_with_a_place(text):
    found = None
    try:
        parse_equation(text)
    except EquationError as error:
        found = error
    assert found is None or (0 <= found.at <= len(text) and found.what.format(**found.values))


def test_a_long_sum_needs_no_depth():
    assert parse_equation("+".join(["a"] * 20_000)) is not None


@pytest.mark.parametrize("text", ["(" * 3000 + "1" + ")" * 3000, "-" * 3000 + "1", "2^" * 3000 + "1"])
def test_deep_nesting_is_refused_by_its_limit(text):
    with pytest.raises(EquationError, match="nested more than"):
        parse_equation(text)


def test_a_list_of_equations_is_split_at_its_commas():
    assert len(parse_list("1, MAX(2, 3), a[1, 2]")) == 3
