"""Models are joined by name."""

from __future__ import annotations

import pytest

from alliance_dynamics.errors import ModelError, Place
from alliance_dynamics.model.compose import compose
from alliance_dynamics.model.expression import Number, Reference
from alliance_dynamics.model.model import Definition, Model, TimeAxis, Variable


def variable(name, expression, unit="Dmnl", file="a.mdl"):
    kind = "constant" if isinstance(expression, Number) else "auxiliary"
    return Variable(name, name, kind, (Definition(expression),), (), unit, place=Place(file, 3))


def model(name, *variables):
    return Model(name, {v.name: v for v in variables}, {}, TimeAxis("rk4"))


def test_a_constant_gives_way_to_the_computation_of_another_file():
    first = model("a", variable("x", Number(1.0)), variable("y", Reference("x")))
    second = model("b", variable("x", Reference("z")), variable("z", Number(2.0)))
    for pair in ((first, second), (second, first)):
        joined = compose(pair, "joined")
        assert joined.variables["x"].kind == "auxiliary"
        assert set(joined.variables) == {"x", "y", "z"}


def test_a_shared_constant_must_have_one_value():
    assert compose([model("a", variable("x", Number(1.0))), model("b", variable("x", Number(1.0)))], "j")
    with pytest.raises(ModelError, match="another value"):
        compose([model("a", variable("x", Number(1.0))), model("b", variable("x", Number(2.0)))], "j")


def test_all_clashes_are_named_at_once_with_their_places():
    first = model("a", variable("x", Reference("q")), variable("y", Number(1.0), "person"))
    second = model("b", variable("x", Reference("p"), file="b.mdl"), variable("y", Number(1.0), "bn RUB", file="b.mdl"))
    with pytest.raises(ModelError) as error:
        compose([first, second], "j")
    text = str(error.value)
    assert "b.mdl:3" in text
    assert "computed here and in a.mdl:3" in text
    assert "`bn RUB`, but `person`" in text
